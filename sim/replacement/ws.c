/* Working set: a page stays as long as it was referenced within the last tau references.
 *
 * The present reference is one of the tau: after the reference at time t, W(t, tau) is what was
 * referenced at t - tau + 1 .. t. Pages stand in order of last use, so the one to leave next is the
 * first.
 *
 * Source: Denning, "The working set model for program behavior", CACM 11(5), 1968, pp. 323-333.
 * Differs: some books (Bic and Shaw) do not count the present reference: their window d is tau - 1.
 * The window runs in the machine's virtual time, which is the process's where there is only one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replacement/list.h"
#include "replacement/policy.h"

struct ws_options {
    uint64_t tau;
};

struct ws {
    const struct tide_policy_env *env;
    uint64_t tau;
    struct tide_list recency; /* least recent first */
    uint64_t *last;           /* by frame: time of the last reference */
};

static const struct tide_option options_table[] = {
    {.name = "tau",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct ws_options, tau),
     .def = "10K",
     .min = 1,
     .unit = "refs",
     .help = "the window, the present reference included"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct ws *s = state;

    tide_list_fini(&s->recency);
    free(s->last);
    s->last = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct ws_options *o = options;
    struct ws *s = state;
    int rc;

    s->env = env;
    s->tau = o->tau;
    s->last = tide_calloc(env->frame_limit, sizeof *s->last);
    rc = s->last == NULL ? tide_nomem(e) : tide_list_init(&s->recency, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct ws *s = state;

    (void)next_use;
    s->last[frame] = *s->env->now;
    tide_list_append(&s->recency, frame);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct ws *s = state;

    (void)n;
    (void)next_use;
    s->last[frame] = *s->env->now;
    tide_list_move_last(&s->recency, frame);
}

static uint32_t victim(void *state)
{
    const struct ws *s = state;

    return tide_list_first(&s->recency);
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct ws *s = state;

    (void)why;
    tide_list_remove(&s->recency, frame);
}

static uint64_t due(const void *state)
{
    const struct ws *s = state;
    uint32_t first = tide_list_first(&s->recency);

    if (first == s->recency.end || s->tau > UINT64_MAX - s->last[first])
        return UINT64_MAX;
    return s->last[first] + s->tau;
}

static bool shed(void *state, uint32_t *frame)
{
    const struct ws *s = state;

    *frame = tide_list_first(&s->recency);
    return due(s) <= *s->env->now;
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct ws *s = state;

    (void)frame;
    snprintf(buf, n, "not among the last %" PRIu64 " references", s->tau);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct ws *s = state;

    snprintf(buf, n, "last at %" PRIu64, s->last[frame]);
}

const struct tide_policy tide_policy_ws = {
    .name = "ws",
    .summary = "working set: the pages of the last tau references",
    .source = "Denning 1968",
    .observes = TIDE_OBSERVES_EACH,
    .variable_space = true,
    .options = options_table,
    .options_bytes = sizeof(struct ws_options),
    .state_bytes = sizeof(struct ws),
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
