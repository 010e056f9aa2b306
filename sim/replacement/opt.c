/* OPT (MIN): the page whose next use is farthest away leaves; no policy has fewer faults.
 *
 * Pages stand in a heap, farthest next use on top. Of the pages that are never used again the
 * lowest (process, page number) leaves first: a total order makes this a stack algorithm, and the
 * choice changes victims, never fault counts.
 *
 * Source: Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems
 * Journal 5(2), 1966; Mattson et al., IBM Systems Journal 9(2), 1970 (optimality, ties).
 * Differs: nothing else is left open.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/heap.h"
#include "replacement/policy.h"

struct opt {
    struct tide_heap heap; /* major: ~next use, so that the farthest is the smallest; minor: page */
    const tide_page *pages;
};

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    struct opt *s = state;

    (void)options;
    s->pages = env->pages;
    return tide_heap_init(&s->heap, env->frame_limit, e);
}

static void fini(void *state)
{
    struct opt *s = state;

    tide_heap_fini(&s->heap);
}

static struct tide_heap_key key_of(const struct opt *s, uint32_t frame, uint64_t next_use)
{
    return (struct tide_heap_key){.major = ~next_use, .minor = s->pages[frame].v};
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct opt *s = state;

    tide_heap_insert(&s->heap, frame, key_of(s, frame, next_use));
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct opt *s = state;

    (void)n;
    tide_heap_rekey(&s->heap, frame, key_of(s, frame, next_use));
}

static uint32_t victim(void *state)
{
    const struct opt *s = state;

    return tide_heap_top(&s->heap);
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct opt *s = state;

    (void)why;
    tide_heap_remove(&s->heap, frame);
}

static bool used_again(const struct opt *s, uint32_t frame)
{
    return tide_heap_key_of(&s->heap, frame).major != ~TIDE_NEVER;
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    snprintf(buf, n, "%s", used_again(state, frame) ? "farthest next use" : "not used again");
}

/* Next uses are ordinals of a trace without its repeats, which would mislead: tell the rank. */
static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct opt *s = state;
    uint32_t sooner = 0;

    if (!used_again(s, frame)) {
        snprintf(buf, n, "not used again");
        return;
    }
    for (uint32_t i = 0; i < s->heap.n; i++)
        sooner += s->heap.nodes[i].key.major > tide_heap_key_of(&s->heap, frame).major;
    snprintf(buf, n, "%" PRIu32 " used sooner", sooner);
}

const struct tide_policy tide_policy_opt = {
    .name = "opt",
    .summary = "the page used again last, known from a first pass over the trace",
    .source = "Belady 1966, Mattson et al. 1970",
    .observes = TIDE_OBSERVES_FUTURE,
    .stack = true,
    .state_bytes = sizeof(struct opt),
    .init = init,
    .fini = fini,
    .load = load,
    .touch = touch,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
