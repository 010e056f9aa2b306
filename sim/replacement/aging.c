/* Aging: LRU by way of a shift register for each page.
 *
 * At a tick each page's counter moves one bit to the right, its reference bit R comes in at the top
 * and is cleared. The victim has the smallest (R, counter); of equals the one loaded first. A new
 * page has counter 0, and R set by the reference that brought it in.
 *
 * Pages stand in a heap by (R, counter, order of loading). Between ticks only R changes, and only
 * from 0 to 1, so keys only grow: R is read again when a page comes to the top (heap.h), and a
 * victim costs O(log n) amortised. A tick renews all keys in O(n).
 *
 * Source: Tanenbaum and Bos, "Modern operating systems", ch. 3, "Simulating LRU in software".
 * Differs: the book compares counters alone, which evicts a page just brought in, and leaves ties
 * and the length of a tick open; here R counts as the newest bit, and a tick is an option in
 * references.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/heap.h"
#include "replacement/policy.h"

/* with R in front a counter fits a word */
enum { MOST_BITS = 63 };

struct aging_options {
    uint64_t tick, bits;
};

struct aging {
    struct tide_heap heap; /* major: R << n_bits | counter; minor: order of loading */
    const struct tide_policy_env *env;
    uint64_t loads;
    unsigned n_bits;
};

static const struct tide_option options_table[] = {
    {.name = "tick",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct aging_options, tick),
     .def = "1000",
     .min = 1,
     .unit = "refs",
     .help = "references between two shifts of the counters"},
    {.name = "bits",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct aging_options, bits),
     .def = "8",
     .min = 1,
     .max = MOST_BITS,
     .unit = "bits",
     .help = "the length of a counter"},
    {.name = NULL},
};

static uint64_t tick_period(const void *options)
{
    const struct aging_options *o = options;

    return o->tick;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct aging_options *o = options;
    struct aging *s = state;

    s->env = env;
    s->n_bits = (unsigned)o->bits;
    return tide_heap_init(&s->heap, env->frame_limit, e);
}

static void fini(void *state)
{
    struct aging *s = state;

    tide_heap_fini(&s->heap);
}

static uint64_t referenced(const struct aging *s, uint32_t frame)
{
    return (s->env->bits[frame] & TIDE_FRAME_REFERENCED) != 0;
}

static uint64_t counter(const struct aging *s, uint32_t frame)
{
    return tide_heap_key_of(&s->heap, frame).major & ((UINT64_C(1) << s->n_bits) - 1);
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct aging *s = state;

    (void)next_use;
    tide_heap_insert(
        &s->heap, frame,
        (struct tide_heap_key){.major = referenced(s, frame) << s->n_bits, .minor = s->loads++});
}

static uint32_t victim(void *state)
{
    struct aging *s = state;

    for (;;) {
        uint32_t frame = tide_heap_top(&s->heap);
        struct tide_heap_key key = tide_heap_key_of(&s->heap, frame);

        key.major = referenced(s, frame) << s->n_bits | counter(s, frame);
        if (key.major == tide_heap_key_of(&s->heap, frame).major)
            return frame;
        tide_heap_rekey(&s->heap, frame, key);
    }
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct aging *s = state;

    (void)why;
    tide_heap_remove(&s->heap, frame);
}

static void tick(void *state)
{
    struct aging *s = state;

    for (uint32_t i = 0; i < s->heap.n; i++) {
        uint32_t frame = s->heap.nodes[i].frame;

        s->heap.nodes[i].key.major =
            referenced(s, frame) << (s->n_bits - 1) | counter(s, frame) >> 1;
        tide_policy_clear(s->env, frame);
    }
    tide_heap_rebuild(&s->heap);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct aging *s = state;
    char digits[MOST_BITS + 1];

    for (unsigned i = 0; i < s->n_bits; i++)
        digits[i] = (char)('0' + (counter(s, frame) >> (s->n_bits - 1 - i) & 1));
    digits[s->n_bits] = '\0';
    snprintf(buf, n, "R=%d counter %s", (int)referenced(s, frame), digits);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    int used = snprintf(buf, n, "smallest: ");

    if (used > 0 && (size_t)used < n)
        describe(state, frame, buf + used, n - (size_t)used);
}

const struct tide_policy tide_policy_aging = {
    .name = "aging",
    .summary = "the smallest shift register of reference bits",
    .source = "Tanenbaum and Bos, Modern operating systems",
    .observes = TIDE_OBSERVES_BIT,
    .options = options_table,
    .options_bytes = sizeof(struct aging_options),
    .state_bytes = sizeof(struct aging),
    .init = init,
    .fini = fini,
    .load = load,
    .victim = victim,
    .remove = drop,
    .tick_period = tick_period,
    .tick = tick,
    .why = why,
    .describe = describe,
};
