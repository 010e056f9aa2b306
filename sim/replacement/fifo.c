/* FIFO: the page that came in first leaves first.
 *
 * A list in the order of loading. References change nothing, which is why more frames can cost more
 * faults (Belady's anomaly).
 *
 * Source: Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems
 * Journal 5(2), 1966, pp. 78-101.
 * Differs: nothing is left open.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/list.h"
#include "replacement/policy.h"

struct fifo {
    const struct tide_policy_env *env;
    struct tide_list queue; /* oldest first */
    uint64_t *loaded;       /* virtual time, by frame */
};

static void fini(void *state)
{
    struct fifo *s = state;

    tide_list_fini(&s->queue);
    free(s->loaded);
    s->loaded = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    struct fifo *s = state;
    int rc;

    (void)options;
    s->env = env;
    s->loaded = tide_calloc(env->frame_limit, sizeof *s->loaded);
    rc = s->loaded == NULL ? tide_nomem(e) : tide_list_init(&s->queue, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct fifo *s = state;

    (void)next_use;
    tide_list_append(&s->queue, frame);
    s->loaded[frame] = *s->env->now;
}

static uint32_t victim(void *state)
{
    const struct fifo *s = state;

    return tide_list_first(&s->queue);
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct fifo *s = state;

    (void)why;
    tide_list_remove(&s->queue, frame);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct fifo *s = state;

    snprintf(buf, n, "oldest, loaded at %" PRIu64, s->loaded[frame]);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct fifo *s = state;

    snprintf(buf, n, "loaded at %" PRIu64, s->loaded[frame]);
}

const struct tide_policy tide_policy_fifo = {
    .name = "fifo",
    .summary = "first in, first out",
    .source = "Belady 1966",
    .observes = TIDE_OBSERVES_NOTHING,
    .state_bytes = sizeof(struct fifo),
    .init = init,
    .fini = fini,
    .load = load,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
