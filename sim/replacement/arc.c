/* ARC: adapts how much memory is for pages seen once (T1) and how much for those seen again (T2).
 *
 * Two LRU lists, and behind each the names of pages that left it last (B1, B2). A reference moves a
 * page to the young end of T2. A page asked for while its name is in B1 says that T1 is too small:
 * its target p grows; in B2, it shrinks; either way the page comes into T2. T1 gives the victim
 * while it is longer than p. T1 and B1 together hold at most n pages, all four 2n.
 *
 * Source: Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache", USENIX FAST
 * 2003, fig. 4.
 * Differs: nothing at full memory. p is a real number as in the paper; with `arith: integer` the
 * ratios of lengths by which it moves are rounded down, as some libraries do. Where pages are
 * unmapped, an empty list gives no victim and the other one does.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/ghosts.h"
#include "replacement/policy.h"
#include "replacement/segments.h"

enum { T1, T2, SEGMENTS };
enum { B1, B2 }; /* a frame of Ti leaves its name in Bi */
enum { REAL, INTEGER };

struct arc_options {
    int arith;
};

struct arc {
    const struct tide_policy_env *env;
    struct tide_segments segments;
    struct tide_ghosts ghosts;
    double p; /* target length of T1 */
    bool integer;
    bool returns;  /* the page to be loaded was found in B1 or B2 ... */
    bool from_b2;  /* ... in B2 */
    bool nameless; /* the next victim of T1 leaves no name: T1 alone is as long as memory */
};

static const char *const ariths[] = {"real", "integer", NULL};

static const struct tide_option options_table[] = {
    {.name = "arith",
     .type = TIDE_OPT_CHOICE,
     .offset = offsetof(struct arc_options, arith),
     .def = "real",
     .choices = ariths,
     .help = "ratios of lengths by which p moves: real, or rounded down"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct arc *s = state;

    tide_segments_fini(&s->segments);
    tide_ghosts_fini(&s->ghosts);
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct arc_options *o = options;
    struct arc *s = state;
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
static double step(const struct arc *s, uint32_t found, uint32_t other)
{
    if (found >= other)
        return 1;
    return s->integer ? other / found : (double)other / found;
}

static void adapt(struct arc *s)
{
    const uint32_t *b = s->ghosts.n;
    double n = s->env->capacity;

    s->p += s->from_b2 ? -step(s, b[B2], b[B1]) : step(s, b[B1], b[B2]);
    s->p = s->p < 0 ? 0 : s->p > n ? n : s->p;
}

/* Makes room in the directory for a page that is new to it. */
static void trim(struct arc *s)
{
    const uint32_t *t = s->segments.n, *b = s->ghosts.n;
    uint64_t n = s->env->capacity;

    if ((uint64_t)t[T1] + b[B1] == n) {
        s->nameless = b[B1] == 0;
        if (!s->nameless)
            tide_ghosts_remove(&s->ghosts, tide_ghosts_oldest(&s->ghosts, B1));
    } else if ((uint64_t)t[T1] + t[T2] + b[B1] + b[B2] == 2 * n) {
        tide_ghosts_remove(&s->ghosts, tide_ghosts_oldest(&s->ghosts, B2));
    }
}

static void fault(void *state, tide_page page)
{
    struct arc *s = state;
    uint32_t ghost = tide_ghosts_find(&s->ghosts, page);

    s->nameless = false;
    s->returns = ghost != TIDE_GHOST_NONE;
    s->from_b2 = s->returns && s->ghosts.entries[ghost].list == B2;
    if (s->returns) {
        adapt(s);
        tide_ghosts_remove(&s->ghosts, ghost);
    } else {
        trim(s);
    }
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct arc *s = state;

    (void)next_use;
    tide_segments_add(&s->segments, s->returns ? T2 : T1, frame);
    s->from_b2 = s->nameless = false;
}

static void prefetch(const void *state, uint32_t frame)
{
    const struct arc *s = state;

    tide_segments_prefetch(&s->segments, frame);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct arc *s = state;

    (void)n;
    (void)next_use;
    tide_segments_move(&s->segments, T2, frame);
}

static uint32_t victim(void *state)
{
    const struct arc *s = state;
    uint32_t t1 = s->segments.n[T1];
    bool from_t1 = s->segments.n[T2] == 0 ||
                   (t1 > 0 && (s->nameless || t1 > s->p || (s->from_b2 && t1 == s->p)));

    return tide_segments_oldest(&s->segments, from_t1 ? T1 : T2);
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct arc *s = state;
    uint8_t list = s->segments.in[frame];

    tide_segments_remove(&s->segments, frame);
    if (why == TIDE_REMOVE_UNMAP)
        return;
    if (list == T1 && s->nameless)
        s->nameless = false;
    else
        tide_ghosts_add(&s->ghosts, list, s->env->pages[frame]);
}

static void forget(void *state, tide_page page)
{
    struct arc *s = state;

    tide_ghosts_forget(&s->ghosts, page);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct arc *s = state;

    snprintf(buf, n, "least recent of T%d, |T1|=%" PRIu32 " p=%.3g", s->segments.in[frame] + 1,
             s->segments.n[T1], s->p);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct arc *s = state;

    snprintf(buf, n, "T%d, %" PRIu32 " newer", s->segments.in[frame] + 1,
             tide_segments_newer(&s->segments, frame));
}

const struct tide_policy tide_policy_arc = {
    .name = "arc",
    .summary = "adaptive replacement cache: balances recency and frequency by its own misses",
    .source = "Megiddo and Modha 2003",
    .observes = TIDE_OBSERVES_COUNT, /* order, and whether a page is referenced after its load */
    .options = options_table,
    .options_bytes = sizeof(struct arc_options),
    .state_bytes = sizeof(struct arc),
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
