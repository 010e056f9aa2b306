/* CAR: ARC with clocks in place of LRU lists, so that a reference only sets a bit.
 *
 * T1 and T2 are clocks; a page is brought in with its bit clear. While T1 is at least as long as
 * its target p, its hand looks: a page with its bit set moves to T2, bit cleared, else it is the
 * victim and its name goes to B1. Otherwise T2's hand looks: a page with its bit set goes behind
 * the hand, bit cleared, else it is the victim and its name goes to B2. Names found in B1 or B2
 * move p as in ARC, and their pages come into T2.
 *
 * Source: Bansal and Modha, "CAR: clock with adaptive replacement", USENIX FAST 2004, fig. 2.
 * Differs: nothing at full memory: the directory is trimmed, and p moves, after the victim was
 * chosen, as the paper has it. `arith: integer` rounds the ratios by which p moves down. Where
 * pages are unmapped, an empty clock gives no victim and the other one does.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/ghosts.h"
#include "replacement/policy.h"
#include "replacement/segments.h"

enum { T1, T2, SEGMENTS };
enum { B1, B2 }; /* a frame of Ti leaves its name in Bi */
enum { REAL, INTEGER };

struct car_options {
    int arith;
};

struct car {
    const struct tide_policy_env *env;
    struct tide_segments segments; /* the hands stand at the oldest */
    struct tide_ghosts ghosts;
    double p; /* target length of T1 */
    bool integer;
};

static const char *const ariths[] = {"real", "integer", NULL};

static const struct tide_option options_table[] = {
    {.name = "arith",
     .type = TIDE_OPT_CHOICE,
     .offset = offsetof(struct car_options, arith),
     .def = "real",
     .choices = ariths,
     .help = "ratios of lengths by which p moves: real, or rounded down"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct car *s = state;

    tide_segments_fini(&s->segments);
    tide_ghosts_fini(&s->ghosts);
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct car_options *o = options;
    struct car *s = state;
    int rc;

    s->env = env;
    s->integer = o->arith == INTEGER;
    rc = tide_segments_init(&s->segments, SEGMENTS, env->frame_limit, e);
    if (rc == 0) /* reclaim in batches may leave all 2n as names */
        rc = tide_ghosts_init(&s->ghosts, 2 * env->capacity, e);
    if (rc != 0)
        fini(s);
    return rc;
}

/* By how much p moves when a page is found in a list of `found` names, the other having `other`. */
static double step(const struct car *s, uint32_t found, uint32_t other)
{
    if (found >= other)
        return 1;
    return s->integer ? other / found : (double)other / found;
}

static void adapt(struct car *s, bool from_b2)
{
    const uint32_t *b = s->ghosts.n;
    double n = s->env->capacity;

    s->p += from_b2 ? -step(s, b[B2], b[B1]) : step(s, b[B1], b[B2]);
    s->p = s->p < 0 ? 0 : s->p > n ? n : s->p;
}

/* Makes room in the directory for a page that is new to it. */
static void trim(struct car *s)
{
    const uint32_t *t = s->segments.n, *b = s->ghosts.n;
    uint64_t n = s->env->capacity;

    if ((uint64_t)t[T1] + b[B1] == n)
        tide_ghosts_remove(&s->ghosts, tide_ghosts_oldest(&s->ghosts, B1));
    else if ((uint64_t)t[T1] + t[T2] + b[B1] + b[B2] == 2 * n)
        tide_ghosts_remove(&s->ghosts, tide_ghosts_oldest(&s->ghosts, B2));
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct car *s = state;
    uint32_t ghost = tide_ghosts_find(&s->ghosts, s->env->pages[frame]);

    (void)next_use;
    tide_policy_clear(s->env, frame);
    if (ghost == TIDE_GHOST_NONE) {
        trim(s);
        tide_segments_add(&s->segments, T1, frame);
        return;
    }
    adapt(s, s->ghosts.entries[ghost].list == B2);
    tide_ghosts_remove(&s->ghosts, ghost);
    tide_segments_add(&s->segments, T2, frame);
}

static uint32_t victim(void *state)
{
    struct car *s = state;
    const uint32_t *t = s->segments.n;

    for (;;) {
        bool from_t1 = t[T2] == 0 || (t[T1] > 0 && t[T1] >= s->p);
        uint32_t frame = tide_segments_oldest(&s->segments, from_t1 ? T1 : T2);

        if ((s->env->bits[frame] & TIDE_FRAME_REFERENCED) == 0)
            return frame;
        tide_policy_clear(s->env, frame);
        tide_segments_move(&s->segments, T2, frame);
    }
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct car *s = state;

    if (why == TIDE_REMOVE_EVICT)
        tide_ghosts_add(&s->ghosts, s->segments.in[frame], s->env->pages[frame]);
    tide_segments_remove(&s->segments, frame);
}

static void forget(void *state, tide_page page)
{
    struct car *s = state;

    tide_ghosts_forget(&s->ghosts, page);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct car *s = state;

    snprintf(buf, n, "first of T%d with R=0, |T1|=%" PRIu32 " p=%.3g", s->segments.in[frame] + 1,
             s->segments.n[T1], s->p);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct car *s = state;

    snprintf(buf, n, "T%d R=%d, %" PRIu32 " newer", s->segments.in[frame] + 1,
             (s->env->bits[frame] & TIDE_FRAME_REFERENCED) != 0,
             tide_segments_newer(&s->segments, frame));
}

const struct tide_policy tide_policy_car = {
    .name = "car",
    .summary = "CLOCK with adaptive replacement: ARC that needs only reference bits",
    .source = "Bansal and Modha 2004",
    .observes = TIDE_OBSERVES_BIT,
    .options = options_table,
    .options_bytes = sizeof(struct car_options),
    .state_bytes = sizeof(struct car),
    .init = init,
    .fini = fini,
    .load = load,
    .victim = victim,
    .remove = drop,
    .forget = forget,
    .why = why,
    .describe = describe,
};
