/* Generalised CLOCK: a small counter where CLOCK has a bit.
 *
 * A page has a count: `initial` when it is brought in, one more for each reference, at most `cap`.
 * The hand takes one off each page it passes; the first page it finds at 0 is the victim. The ring
 * is that of CLOCK. With cap 1 and initial 1 it is CLOCK.
 *
 * Source: Smith, "Sequentiality and prefetching in database systems", ACM TODS 3(3), 1978,
 * pp. 223-247.
 * Differs: the paper leaves counts unbounded and the initial value open; both are options here.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/list.h"
#include "replacement/policy.h"

struct gclock_options {
    uint64_t cap, initial;
};

struct gclock {
    struct tide_ring ring;
    uint8_t *counts; /* by frame */
    uint8_t cap, initial;
};

static const struct tide_option options_table[] = {
    {.name = "cap",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct gclock_options, cap),
     .def = "3",
     .min = 1,
     .max = UINT8_MAX,
     .help = "the highest count"},
    {.name = "initial",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct gclock_options, initial),
     .def = "1",
     .max = UINT8_MAX,
     .help = "the count of a page that is brought in, at most cap"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct gclock *s = state;

    tide_ring_fini(&s->ring);
    free(s->counts);
    s->counts = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct gclock_options *o = options;
    struct gclock *s = state;
    int rc;

    if (o->initial > o->cap) {
        tide_fail(e, TIDE_E_CONFIG,
                  "policy gclock: initial (%" PRIu64 ") is above cap (%" PRIu64 ")", o->initial,
                  o->cap);
        tide_error_remedy(e, "raise cap or lower initial");
        return TIDE_E_CONFIG;
    }
    s->cap = (uint8_t)o->cap;
    s->initial = (uint8_t)o->initial;
    s->counts = tide_calloc(env->frame_limit, sizeof *s->counts);
    rc = s->counts == NULL ? tide_nomem(e) : tide_ring_init(&s->ring, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct gclock *s = state;

    (void)next_use;
    s->counts[frame] = s->initial;
    tide_ring_insert(&s->ring, frame);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct gclock *s = state;
    uint64_t room = (uint64_t)s->cap - s->counts[frame];

    (void)next_use;
    s->counts[frame] = (uint8_t)(s->counts[frame] + (n < room ? n : room));
}

static uint32_t victim(void *state)
{
    struct gclock *s = state;
    uint32_t hand = s->ring.hand;

    while (s->counts[hand] > 0) {
        s->counts[hand]--;
        hand = tide_ring_next(&s->ring, hand);
    }
    return s->ring.hand = hand;
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct gclock *s = state;

    (void)why;
    tide_ring_remove(&s->ring, frame);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    (void)state;
    (void)frame;
    snprintf(buf, n, "first from the hand with count 0");
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct gclock *s = state;

    snprintf(buf, n, "count %d%s", s->counts[frame], s->ring.hand == frame ? ", hand" : "");
}

const struct tide_policy tide_policy_gclock = {
    .name = "gclock",
    .summary = "generalised CLOCK: the hand counts down where CLOCK clears a bit",
    .source = "Smith 1978",
    .observes = TIDE_OBSERVES_COUNT,
    .options = options_table,
    .options_bytes = sizeof(struct gclock_options),
    .state_bytes = sizeof(struct gclock),
    .init = init,
    .fini = fini,
    .load = load,
    .touch = touch,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
