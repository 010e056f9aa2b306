/* CLOCK, also called second chance: FIFO that passes over pages referenced since it last looked.
 *
 * Pages stand in a ring. The hand stands at the next candidate: if its reference bit is set, the
 * bit is cleared and the hand goes on; else that page is the victim, and the new page takes its
 * place behind the hand. A page brought into a free frame comes in right behind the hand too, last
 * in line. When the page at the hand is unmapped, the hand stands at the next one.
 *
 * Source: Corbato, "A paging experiment with the Multics system", MIT Project MAC, 1968; Stallings,
 * "Operating systems", fig. 8.15 and 8.16.
 * Differs: texts do not agree on the reference bit of a page that is brought in. Here it is set, as
 * the reference that brought it in would set it; `initial_bit: 0` is what some cache libraries do.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/list.h"
#include "replacement/policy.h"

struct clock_options {
    uint64_t initial_bit;
};

struct clock {
    struct tide_ring ring;
    const struct tide_policy_env *env;
    bool initial_bit;
};

static const struct tide_option options_table[] = {
    {.name = "initial_bit",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct clock_options, initial_bit),
     .def = "1",
     .max = 1,
     .help = "the reference bit of a page that is brought in"},
    {.name = NULL},
};

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct clock_options *o = options;
    struct clock *s = state;

    s->env = env;
    s->initial_bit = o->initial_bit != 0;
    return tide_ring_init(&s->ring, env->frame_limit, e);
}

static void fini(void *state)
{
    struct clock *s = state;

    tide_ring_fini(&s->ring);
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct clock *s = state;

    (void)next_use;
    if (!s->initial_bit)
        tide_policy_clear(s->env, frame);
    tide_ring_insert(&s->ring, frame);
}

static uint32_t victim(void *state)
{
    struct clock *s = state;
    uint32_t hand = s->ring.hand;

    while ((s->env->bits[hand] & TIDE_FRAME_REFERENCED) != 0) {
        tide_policy_clear(s->env, hand);
        hand = tide_ring_next(&s->ring, hand);
    }
    return s->ring.hand = hand;
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct clock *s = state;

    (void)why;
    tide_ring_remove(&s->ring, frame);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    (void)state;
    (void)frame;
    snprintf(buf, n, "first from the hand with R=0");
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct clock *s = state;

    snprintf(buf, n, "R=%d%s", (s->env->bits[frame] & TIDE_FRAME_REFERENCED) != 0,
             s->ring.hand == frame ? ", hand" : "");
}

const struct tide_policy tide_policy_clock = {
    .name = "clock",
    .summary = "second chance: first in, first out, but for pages referenced meanwhile",
    .source = "Corbato 1968",
    .observes = TIDE_OBSERVES_BIT,
    .options = options_table,
    .options_bytes = sizeof(struct clock_options),
    .state_bytes = sizeof(struct clock),
    .init = init,
    .fini = fini,
    .load = load,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
