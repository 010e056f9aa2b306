/* LRU: the page whose last reference is longest ago leaves.
 *
 * A list in the order of last references: a reference moves its page to the end.
 *
 * Source: Mattson, Gecsei, Slutz and Traiger, "Evaluation techniques for storage hierarchies", IBM
 * Systems Journal 9(2), 1970, pp. 78-117.
 * Differs: nothing is left open.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/list.h"
#include "replacement/policy.h"

struct lru {
    struct tide_list recency; /* least recently used first */
};

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    struct lru *s = state;

    (void)options;
    return tide_list_init(&s->recency, env->frame_limit, e);
}

static void fini(void *state)
{
    struct lru *s = state;

    tide_list_fini(&s->recency);
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct lru *s = state;

    (void)next_use;
    tide_list_append(&s->recency, frame);
}

static void prefetch(const void *state, uint32_t frame)
{
    const struct lru *s = state;

    tide_list_prefetch(&s->recency, frame);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct lru *s = state;

    (void)n;
    (void)next_use;
    tide_list_move_last(&s->recency, frame);
}

static uint32_t victim(void *state)
{
    const struct lru *s = state;

    return tide_list_first(&s->recency);
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct lru *s = state;

    (void)why;
    tide_list_remove(&s->recency, frame);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    (void)state;
    (void)frame;
    snprintf(buf, n, "least recently used");
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct lru *s = state;

    snprintf(buf, n, "%" PRIu32 " used since", tide_list_behind(&s->recency, frame));
}

const struct tide_policy tide_policy_lru = {
    .name = "lru",
    .summary = "least recently used",
    .source = "Mattson et al. 1970",
    .observes = TIDE_OBSERVES_ORDER,
    .stack = true,
    .state_bytes = sizeof(struct lru),
    .init = init,
    .fini = fini,
    .load = load,
    .touch = touch,
    .prefetch = prefetch,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
