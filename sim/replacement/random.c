/* Random: any page in memory leaves, each with equal chance.
 *
 * Source: Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems
 * Journal 5(2), 1966 (class 1).
 * Differs: which page a draw means is fixed by the order of the pool (pool.h), so that a seed
 * always gives the same victims.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/policy.h"
#include "replacement/pool.h"

struct random {
    struct tide_pool pool;
    struct tide_rng *rng;
};

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    struct random *s = state;

    (void)options;
    s->rng = env->rng;
    return tide_pool_init(&s->pool, env->frame_limit, e);
}

static void fini(void *state)
{
    struct random *s = state;

    tide_pool_fini(&s->pool);
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct random *s = state;

    (void)next_use;
    tide_pool_add(&s->pool, frame);
}

static uint32_t victim(void *state)
{
    struct random *s = state;

    return s->pool.frames[tide_rng_below(s->rng, s->pool.n)];
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct random *s = state;

    (void)why;
    tide_pool_remove(&s->pool, frame);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct random *s = state;

    snprintf(buf, n, "number %" PRIu32 " of %" PRIu32, s->pool.place[frame] + 1, s->pool.n);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct random *s = state;

    snprintf(buf, n, "drawn: number %" PRIu32 " of %" PRIu32, s->pool.place[frame] + 1, s->pool.n);
}

const struct tide_policy tide_policy_random = {
    .name = "random",
    .summary = "any page, by seeded chance",
    .source = "Belady 1966",
    .observes = TIDE_OBSERVES_NOTHING,
    .state_bytes = sizeof(struct random),
    .init = init,
    .fini = fini,
    .load = load,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
