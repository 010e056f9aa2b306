/* Working set: a page stays as long as it was referenced within the last tau references of its
 * process.
 *
 * The present reference is one of the tau: after the process's reference at time t, W(t, tau) is
 * what it referenced at t - tau + 1 .. t. Time is the process's own: while others run its set stays
 * as it is. Pages of a process stand in order of last use, so the one to leave next is the first.
 *
 * Source: Denning, "The working set model for program behavior", CACM 11(5), 1968, pp. 323-333.
 * Differs: some books (Bic and Shaw) do not count the present reference: their window d is tau - 1.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replacement/own_time.h"
#include "replacement/policy.h"

struct ws_options {
    uint64_t tau;
};

struct ws {
    const struct tide_policy_env *env;
    uint64_t tau;
    struct tide_own_lists recency; /* by process: least recent first */
    uint64_t *last;                /* by frame: its process's time of the last reference */
};

static const struct tide_option options_table[] = {
    {.name = "tau",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct ws_options, tau),
     .def = "10K",
     .min = 1,
     .unit = "refs",
     .help = "the window in its process's references, the present one included"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct ws *s = state;

    tide_own_lists_fini(&s->recency);
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
    rc = s->last == NULL ? tide_nomem(e) : tide_own_lists_init(&s->recency, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct ws *s = state;

    (void)next_use;
    s->last[frame] = tide_own_now(s->env, frame);
    tide_own_lists_append(&s->recency, s->env, frame);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct ws *s = state;

    (void)n;
    (void)next_use;
    s->last[frame] = tide_own_now(s->env, frame);
    tide_own_lists_move_last(&s->recency, s->env, frame);
}

static uint32_t victim(void *state)
{
    const struct ws *s = state;

    return tide_own_lists_victim(&s->recency, s->env);
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct ws *s = state;

    (void)why;
    tide_own_lists_remove(&s->recency, frame);
}

static uint64_t due(const void *state)
{
    const struct ws *s = state;
    uint32_t first;

    if (!tide_own_lists_first(&s->recency, *s->env->running, &first))
        return UINT64_MAX;
    return tide_own_due(s->env, s->last[first], s->tau);
}

static bool shed(void *state, uint32_t *frame)
{
    const struct ws *s = state;

    return tide_own_lists_first(&s->recency, *s->env->running, frame) && due(s) <= *s->env->now;
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
