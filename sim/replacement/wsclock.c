/* WSClock: CLOCK that asks, of a page not referenced since it last looked, whether it is still in
 * the working set.
 *
 * The ring is that of CLOCK. A page at the hand with its reference bit set has been used: the bit
 * is cleared, the present is noted as its last use. Without the bit, a page last used within the
 * last tau references is in the working set and stays. An older page leaves if it is clean; a dirty
 * one is scheduled for cleaning and passed over, and leaves if a whole turn finds nothing clean:
 * its write, scheduled first, is done first. If every page is in the working set, the page at which
 * the turn began leaves.
 *
 * With tau 0 and no regard to dirty pages it is CLOCK, with tau beyond the trace's length FIFO.
 *
 * Source: Carr and Hennessy, "WSCLOCK - a simple and effective algorithm for virtual memory
 * management", SOSP 1981, pp. 87-95; Tanenbaum and Bos, "Modern operating systems", ch. 3.
 * Differs: the paper suspends a process when every page is in a working set, here one leaves; the
 * window counts as that of WS (a page last used tau references ago is out of it); virtual time is
 * the machine's, not a process's own; a page passed over stays dirty until it leaves.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replacement/list.h"
#include "replacement/policy.h"

struct wsclock_options {
    uint64_t tau;
    bool clean_first;
};

struct wsclock {
    struct tide_ring ring;
    const struct tide_policy_env *env;
    const struct wsclock_options *options;
    uint64_t *last; /* by frame: last use, as far as it was noticed */
};

static const struct tide_option options_table[] = {
    {.name = "tau",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct wsclock_options, tau),
     .def = "10K",
     .unit = "refs",
     .help = "the window of the working set"},
    {.name = "clean_first",
     .type = TIDE_OPT_BOOL,
     .offset = offsetof(struct wsclock_options, clean_first),
     .def = "yes",
     .help = "pass over dirty pages while a clean one may be found"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct wsclock *s = state;

    tide_ring_fini(&s->ring);
    free(s->last);
    s->last = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    struct wsclock *s = state;
    int rc;

    s->env = env;
    s->options = options;
    s->last = tide_calloc(env->frame_limit, sizeof *s->last);
    rc = s->last == NULL ? tide_nomem(e) : tide_ring_init(&s->ring, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct wsclock *s = state;

    (void)next_use;
    s->last[frame] = *s->env->now;
    tide_ring_insert(&s->ring, frame);
}

/* Not referenced as far as is known, and out of the working set. */
static bool is_old(const struct wsclock *s, uint32_t frame)
{
    return (s->env->bits[frame] & TIDE_FRAME_REFERENCED) == 0 &&
           *s->env->now - s->last[frame] >= s->options->tau;
}

static uint32_t victim(void *state)
{
    struct wsclock *s = state;
    uint32_t start = s->ring.hand, hand = start, written = s->ring.list.end;

    do {
        if (is_old(s, hand)) {
            if (!s->options->clean_first || (s->env->bits[hand] & TIDE_FRAME_DIRTY) == 0)
                return s->ring.hand = hand;
            if (written == s->ring.list.end)
                written = hand;
        } else if ((s->env->bits[hand] & TIDE_FRAME_REFERENCED) != 0) {
            tide_policy_clear(s->env, hand);
            s->last[hand] = *s->env->now;
        }
        hand = tide_ring_next(&s->ring, hand);
    } while (hand != start);
    return s->ring.hand = written != s->ring.list.end ? written : start;
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct wsclock *s = state;

    (void)why;
    tide_ring_remove(&s->ring, frame);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct wsclock *s = state;

    if (!is_old(s, frame))
        snprintf(buf, n, "all are in the working set");
    else
        snprintf(buf, n, "from the hand, unused for %" PRIu64, *s->env->now - s->last[frame]);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct wsclock *s = state;

    snprintf(buf, n, "R=%d M=%d last %" PRIu64 "%s",
             (s->env->bits[frame] & TIDE_FRAME_REFERENCED) != 0,
             (s->env->bits[frame] & TIDE_FRAME_DIRTY) != 0, s->last[frame],
             s->ring.hand == frame ? ", hand" : "");
}

const struct tide_policy tide_policy_wsclock = {
    .name = "wsclock",
    .summary = "CLOCK that spares pages of the working set, and prefers clean ones",
    .source = "Carr and Hennessy 1981",
    .observes = TIDE_OBSERVES_BIT,
    .options = options_table,
    .options_bytes = sizeof(struct wsclock_options),
    .state_bytes = sizeof(struct wsclock),
    .init = init,
    .fini = fini,
    .load = load,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
