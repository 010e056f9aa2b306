/* Enhanced second chance: CLOCK that would rather evict clean pages, for they need no write-back.
 *
 * Pages stand in a ring as for CLOCK, by reference bit R and dirty bit M:
 *   step 1  one turn from the hand for (R,M) = (0,0), changing nothing; the first is the victim;
 *   step 2  one turn for (0,1), clearing R of the pages passed; the first is the victim;
 *   then both again: all R are 0 now, so the fourth turn finds one at the latest.
 * A turn without a victim leaves the hand where it was.
 *
 * Step 1 looks at no more than it must. Between our looks bits only get set, so a page can only be
 * (0,0) if we cleared its R while it was clean; those pages are marked. They are marked in a turn
 * of step 2, which begins when none is left: so their order of marking is that in which step 1
 * would meet them, and all it has to look at is the first that is still (0,0).
 *
 * Source: Silberschatz, Galvin and Gagne, "Operating system concepts", ch. "Virtual memory",
 * enhanced second-chance algorithm (that of the Macintosh).
 * Differs: the book does not say which turn clears R; that is as above. A page is brought in with
 * R set, as for CLOCK.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/list.h"
#include "replacement/policy.h"

struct esc {
    struct tide_ring ring;
    const struct tide_policy_env *env;
    bool *is_marked;         /* by frame: R was cleared while the page was clean */
    struct tide_list marked; /* these, in the order of the ring */
};

static void fini(void *state)
{
    struct esc *s = state;

    tide_ring_fini(&s->ring);
    tide_list_fini(&s->marked);
    free(s->is_marked);
    s->is_marked = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    struct esc *s = state;
    int rc;

    (void)options;
    s->env = env;
    s->is_marked = tide_calloc(env->frame_limit, sizeof *s->is_marked);
    rc = s->is_marked == NULL ? tide_nomem(e) : tide_ring_init(&s->ring, env->frame_limit, e);
    if (rc == 0)
        rc = tide_list_init(&s->marked, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct esc *s = state;

    (void)next_use;
    tide_ring_insert(&s->ring, frame);
}

static void unmark(struct esc *s, uint32_t frame)
{
    if (s->is_marked[frame])
        tide_list_remove(&s->marked, frame);
    s->is_marked[frame] = false;
}

/* Step 1. */
static bool find_clean(struct esc *s)
{
    for (;;) {
        uint32_t at = tide_list_first(&s->marked);

        if (at == s->marked.end)
            return false;
        if ((s->env->bits[at] & (TIDE_FRAME_REFERENCED | TIDE_FRAME_DIRTY)) == 0) {
            s->ring.hand = at;
            return true;
        }
        unmark(s, at);
    }
}

/* Step 2, after step 1 has found nothing: a page with R = 0 is dirty. */
static bool find_dirty(struct esc *s)
{
    uint32_t at = s->ring.hand;

    for (uint32_t i = 0; i < s->ring.n; i++, at = tide_ring_next(&s->ring, at)) {
        if ((s->env->bits[at] & TIDE_FRAME_REFERENCED) == 0) {
            s->ring.hand = at;
            return true;
        }
        tide_policy_clear(s->env, at);
        if ((s->env->bits[at] & TIDE_FRAME_DIRTY) == 0) {
            s->is_marked[at] = true;
            tide_list_append(&s->marked, at);
        }
    }
    return false;
}

static uint32_t victim(void *state)
{
    struct esc *s = state;

    while (!find_clean(s) && !find_dirty(s))
        continue;
    return s->ring.hand;
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct esc *s = state;

    (void)why;
    unmark(s, frame);
    tide_ring_remove(&s->ring, frame);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct esc *s = state;

    snprintf(buf, n, "first from the hand with (R,M)=(0,%d)",
             (s->env->bits[frame] & TIDE_FRAME_DIRTY) != 0);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct esc *s = state;

    snprintf(buf, n, "R=%d M=%d%s", (s->env->bits[frame] & TIDE_FRAME_REFERENCED) != 0,
             (s->env->bits[frame] & TIDE_FRAME_DIRTY) != 0, s->ring.hand == frame ? ", hand" : "");
}

const struct tide_policy tide_policy_esc = {
    .name = "esc",
    .summary = "enhanced second chance: CLOCK by reference and dirty bit, clean pages first",
    .source = "Silberschatz et al., Operating system concepts",
    .observes = TIDE_OBSERVES_BIT,
    .state_bytes = sizeof(struct esc),
    .init = init,
    .fini = fini,
    .load = load,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
