/* VMIN: a page stays until its next reference if that is at most tau away, else it leaves at once.
 *
 * No policy has fewer faults with as little memory on average: keeping a page for g references
 * costs g page-references of space, fetching it again costs what tau of them cost. Faults are those
 * of WS(tau). A page that leaves counts in memory at the reference itself. Time is the process's
 * own: a page that leaves does so at the next reference of its process.
 *
 * Source: Prieve and Fabry, "VMIN - an optimal variable-space page replacement algorithm", CACM
 * 19(5), 1976, pp. 295-297.
 * Differs: nothing is left open.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replacement/own_time.h"
#include "replacement/policy.h"

struct vmin_options {
    uint64_t tau;
};

struct vmin {
    const struct tide_policy_env *env;
    uint64_t tau;
    struct tide_list all;          /* in order of last use, least recent first */
    struct tide_own_lists leaving; /* those that leave at the next reference to another page */
    struct page {
        uint64_t last, next; /* references, in its process's time */
        bool leaves;
    } * pages; /* by frame */
};

static const struct tide_option options_table[] = {
    {.name = "tau",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct vmin_options, tau),
     .def = "10K",
     .min = 1,
     .unit = "refs",
     .help = "a page whose next use is farther away, in its process's references, leaves"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct vmin *s = state;

    tide_list_fini(&s->all);
    tide_own_lists_fini(&s->leaving);
    free(s->pages);
    s->pages = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct vmin_options *o = options;
    struct vmin *s = state;
    int rc;

    s->env = env;
    s->tau = o->tau;
    s->pages = tide_calloc(env->frame_limit, sizeof *s->pages);
    rc = s->pages == NULL ? tide_nomem(e) : tide_list_init(&s->all, env->frame_limit, e);
    if (rc == 0)
        rc = tide_own_lists_init(&s->leaving, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static void add(struct vmin *s, uint32_t frame, uint64_t next_use)
{
    uint64_t now = tide_own_now(s->env, frame);

    s->pages[frame] = (struct page){
        .last = now, .next = next_use, .leaves = next_use == TIDE_NEVER || next_use - now > s->tau};
    tide_list_append(&s->all, frame);
    if (s->pages[frame].leaves)
        tide_own_lists_append(&s->leaving, s->env, frame);
}

static void take(struct vmin *s, uint32_t frame)
{
    tide_list_remove(&s->all, frame);
    if (s->pages[frame].leaves)
        tide_own_lists_remove(&s->leaving, frame);
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    add(state, frame, next_use);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    (void)n;
    take(state, frame);
    add(state, frame, next_use);
}

static uint32_t victim(void *state)
{
    const struct vmin *s = state;

    return tide_list_first(&s->all);
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    (void)why;
    take(state, frame);
}

static uint64_t due(const void *state)
{
    const struct vmin *s = state;
    uint32_t first;

    if (!tide_own_lists_first(&s->leaving, *s->env->running, &first))
        return UINT64_MAX;
    return tide_own_due(s->env, s->pages[first].last, 1);
}

static bool shed(void *state, uint32_t *frame)
{
    const struct vmin *s = state;

    return tide_own_lists_first(&s->leaving, *s->env->running, frame) && due(s) <= *s->env->now;
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct page *page = &((const struct vmin *)state)->pages[frame];

    if (page->next == TIDE_NEVER)
        snprintf(buf, n, "not used again");
    else
        snprintf(buf, n, "used again at %" PRIu64, page->next);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    describe(state, frame, buf, n);
}

const struct tide_policy tide_policy_vmin = {
    .name = "vmin",
    .summary = "the least space for WS's faults: pages leave when tau will not see them again",
    .source = "Prieve and Fabry 1976",
    .observes = TIDE_OBSERVES_FUTURE,
    .variable_space = true,
    .options = options_table,
    .options_bytes = sizeof(struct vmin_options),
    .state_bytes = sizeof(struct vmin),
    .init = init,
    .fini = fini,
    .load = load,
    .touch = touch,
    .victim = victim,
    .remove = drop,
    .due = due,
    .shed = shed,
    .why = why,
    .describe = describe,
};
