/* 2Q: a page has to be asked for twice, with a pause in between, to get into the LRU list.
 *
 * A page comes into A1in, a FIFO; references there change nothing, for they belong to the first
 * use. When room is needed and A1in is above its share, its oldest page leaves and its name goes to
 * A1out; otherwise the least recently used page of Am leaves for good. A page that is asked for
 * while its name is in A1out comes into Am, where references make it the newest.
 *
 * Source: Johnson and Shasha, "2Q: a low overhead high performance buffer management replacement
 * algorithm", VLDB 1994, pp. 439-450 (the full version).
 * Differs: a name found in A1out leaves it before room is made, so that the victim's name does not
 * push out another. If Am is empty A1in gives the victim, whatever its length.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/ghosts.h"
#include "replacement/policy.h"
#include "replacement/segments.h"

enum { A1IN, AM, SEGMENTS };
enum { A1OUT };

struct two_q_options {
    struct tide_amount kin, kout;
};

struct two_q {
    const struct tide_policy_env *env;
    struct tide_segments segments;
    struct tide_ghosts ghosts;
    uint32_t kin, kout;
    bool returns; /* the page to be loaded was found in A1out */
};

static const struct tide_option options_table[] = {
    {.name = "kin",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct two_q_options, kin),
     .def = "25%",
     .min = 1,
     .unit = "pages",
     .help = "A1in gives up pages while it is longer than this"},
    {.name = "kout",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct two_q_options, kout),
     .def = "50%",
     .min = 1,
     .unit = "pages",
     .help = "names remembered in A1out"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct two_q *s = state;

    tide_segments_fini(&s->segments);
    tide_ghosts_fini(&s->ghosts);
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct two_q_options *o = options;
    struct two_q *s = state;
    int rc;

    s->env = env;
    s->kin = tide_policy_part(o->kin, env->capacity, 1, env->capacity);
    s->kout = tide_policy_part(o->kout, env->capacity, 1, UINT32_MAX / 2);
    rc = tide_segments_init(&s->segments, SEGMENTS, env->frame_limit, e);
    if (rc == 0)
        rc = tide_ghosts_init(&s->ghosts, s->kout, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static void fault(void *state, tide_page page)
{
    struct two_q *s = state;
    uint32_t ghost = tide_ghosts_find(&s->ghosts, page);

    s->returns = ghost != TIDE_GHOST_NONE;
    if (s->returns)
        tide_ghosts_remove(&s->ghosts, ghost);
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct two_q *s = state;

    (void)next_use;
    tide_segments_add(&s->segments, s->returns ? AM : A1IN, frame);
}

static void prefetch(const void *state, uint32_t frame)
{
    const struct two_q *s = state;

    tide_segments_prefetch(&s->segments, frame);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct two_q *s = state;

    (void)n;
    (void)next_use;
    if (s->segments.in[frame] == AM)
        tide_segments_move(&s->segments, AM, frame);
}

static uint32_t victim(void *state)
{
    const struct two_q *s = state;
    bool from_a1in = s->segments.n[A1IN] > s->kin || s->segments.n[AM] == 0;

    return tide_segments_oldest(&s->segments, from_a1in ? A1IN : AM);
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct two_q *s = state;

    if (why == TIDE_REMOVE_EVICT && s->segments.in[frame] == A1IN) {
        if (s->ghosts.n[A1OUT] == s->kout)
            tide_ghosts_remove(&s->ghosts, tide_ghosts_oldest(&s->ghosts, A1OUT));
        tide_ghosts_add(&s->ghosts, A1OUT, s->env->pages[frame]);
    }
    tide_segments_remove(&s->segments, frame);
}

static void forget(void *state, tide_page page)
{
    struct two_q *s = state;

    tide_ghosts_forget(&s->ghosts, page);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct two_q *s = state;

    if (s->segments.in[frame] == A1IN)
        snprintf(buf, n, "oldest of A1in, which has %" PRIu32, s->segments.n[A1IN]);
    else
        snprintf(buf, n, "least recently used of Am");
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct two_q *s = state;

    snprintf(buf, n, "%s, %" PRIu32 " newer", s->segments.in[frame] == A1IN ? "A1in" : "Am",
             tide_segments_newer(&s->segments, frame));
}

const struct tide_policy tide_policy_2q = {
    .name = "2q",
    .summary = "a FIFO for new pages, an LRU list for those asked for again after they left it",
    .source = "Johnson and Shasha 1994",
    .observes = TIDE_OBSERVES_ORDER,
    .options = options_table,
    .options_bytes = sizeof(struct two_q_options),
    .state_bytes = sizeof(struct two_q),
    .init = init,
    .fini = fini,
    .fault = fault,
    .load = load,
    .touch = touch,
    .prefetch = prefetch,
    .victim = victim,
    .remove = drop,
    .forget = forget,
    .why = why,
    .describe = describe,
};
