/* SIEVE: a FIFO that pages visited since are spared from, where they stand.
 *
 * A queue in the order of loading and a hand that walks from the oldest page towards the newest,
 * and from there to the oldest again. A visited page is spared, its mark cleared; the first page
 * that is not visited is the victim, and the hand stays in front of its place. Unlike in CLOCK new
 * pages do not come in behind the hand but at the young end, so pages that stay gather at the old
 * one. A page comes in unvisited.
 *
 * Source: Zhang, Yang, Yue, Vigfusson and Rashmi, "SIEVE is simpler than LRU", USENIX NSDI 2024,
 * alg. 1.
 * Differs: nothing is left open.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/list.h"
#include "replacement/policy.h"

struct sieve {
    const struct tide_policy_env *env;
    struct tide_list queue; /* oldest first; visited: the reference bit */
    uint32_t hand;          /* the page to look at next; queue.end: the oldest */
};

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    struct sieve *s = state;

    (void)options;
    s->env = env;
    s->hand = env->frame_limit;
    return tide_list_init(&s->queue, env->frame_limit, e);
}

static void fini(void *state)
{
    struct sieve *s = state;

    tide_list_fini(&s->queue);
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct sieve *s = state;

    (void)next_use;
    tide_policy_clear(s->env, frame);
    tide_list_append(&s->queue, frame);
}

static uint32_t victim(void *state)
{
    struct sieve *s = state;

    for (;; s->hand = s->queue.links[s->hand].next) {
        if (s->hand == s->queue.end)
            s->hand = tide_list_first(&s->queue);
        if ((s->env->bits[s->hand] & TIDE_FRAME_REFERENCED) == 0)
            return s->hand;
        tide_policy_clear(s->env, s->hand);
    }
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct sieve *s = state;

    (void)why;
    if (s->hand == frame)
        s->hand = s->queue.links[frame].next;
    tide_list_remove(&s->queue, frame);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    (void)state;
    (void)frame;
    snprintf(buf, n, "first from the hand not visited");
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct sieve *s = state;

    snprintf(buf, n, "V=%d, %" PRIu32 " newer%s",
             (s->env->bits[frame] & TIDE_FRAME_REFERENCED) != 0, tide_list_behind(&s->queue, frame),
             s->hand == frame ? ", hand" : "");
}

const struct tide_policy tide_policy_sieve = {
    .name = "sieve",
    .summary = "a FIFO queue whose hand spares visited pages where they stand",
    .source = "Zhang et al. 2024",
    .observes = TIDE_OBSERVES_BIT,
    .state_bytes = sizeof(struct sieve),
    .init = init,
    .fini = fini,
    .load = load,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
