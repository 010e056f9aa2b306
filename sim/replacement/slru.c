/* Segmented LRU: pages referenced once must not push out those referenced again.
 *
 * Two LRU lists. A page comes into the probationary one; a reference moves it, from wherever it
 * is, to the young end of the protected one. When that grows beyond its share, its least recently
 * used page goes back to the young end of the probationary list, whose old end has the victim.
 *
 * Source: Karedla, Love and Wherry, "Caching strategies to improve disk system performance", IEEE
 * Computer 27(3), 1994, pp. 38-46.
 * Differs: the paper leaves the protected share to tuning; 80 % is what W-TinyLFU uses. At least
 * one page is on probation.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/policy.h"
#include "replacement/segments.h"

enum { PROBATION, PROTECTED, SEGMENTS };

struct slru_options {
    struct tide_amount protected;
};

struct slru {
    struct tide_segments segments;
    uint32_t protected; /* pages */
};

static const struct tide_option options_table[] = {
    {.name = "protected",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct slru_options, protected),
     .def = "80%",
     .unit = "pages",
     .help = "the most pages in the protected segment"},
    {.name = NULL},
};

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct slru_options *o = options;
    struct slru *s = state;

    s->protected = tide_policy_part(o->protected, env->capacity, 0, env->capacity - 1);
    return tide_segments_init(&s->segments, SEGMENTS, env->frame_limit, e);
}

static void fini(void *state)
{
    struct slru *s = state;

    tide_segments_fini(&s->segments);
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct slru *s = state;

    (void)next_use;
    tide_segments_add(&s->segments, PROBATION, frame);
}

static void prefetch(const void *state, uint32_t frame)
{
    const struct slru *s = state;

    tide_segments_prefetch(&s->segments, frame);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct slru *s = state;

    (void)n;
    (void)next_use;
    tide_segments_move(&s->segments, PROTECTED, frame);
    if (s->segments.n[PROTECTED] > s->protected)
        tide_segments_move(&s->segments, PROBATION, tide_segments_oldest(&s->segments, PROTECTED));
}

static uint32_t victim(void *state)
{
    const struct slru *s = state;

    return tide_segments_oldest(&s->segments, s->segments.n[PROBATION] > 0 ? PROBATION : PROTECTED);
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct slru *s = state;

    (void)why;
    tide_segments_remove(&s->segments, frame);
}

static const char *segment_name(const struct slru *s, uint32_t frame)
{
    return s->segments.in[frame] == PROBATION ? "probationary" : "protected";
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    snprintf(buf, n, "least recently used, %s", segment_name(state, frame));
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct slru *s = state;

    snprintf(buf, n, "%s, %" PRIu32 " newer", segment_name(s, frame),
             tide_segments_newer(&s->segments, frame));
}

const struct tide_policy tide_policy_slru = {
    .name = "slru",
    .summary = "segmented LRU: pages referenced again are protected from those that are not",
    .source = "Karedla, Love and Wherry 1994",
    .observes = TIDE_OBSERVES_COUNT, /* order, and whether a page is referenced after its load */
    .options = options_table,
    .options_bytes = sizeof(struct slru_options),
    .state_bytes = sizeof(struct slru),
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
