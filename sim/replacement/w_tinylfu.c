/* W-TinyLFU: an LRU window for new pages, and an admission test by frequency into the main part.
 *
 * A page comes into the window, a small LRU list. The one that the window has no room for goes to
 * the main part, an SLRU (slru.c). When memory is full it must have been referenced more often
 * than the page that the main part would give up for it; the loser is the victim.
 *
 * How often pages were referenced, in memory or not, is estimated by a count-min sketch: four
 * counters up to 15 for each page, the smallest counts. When 10 n increments have been made all
 * counters are halved, so that the past fades. A page's counters lie within 64 bytes, to be near
 * each other; a seeded hash says which.
 *
 * Source: Einziger, Friedman and Manes, "TinyLFU: a highly efficient cache admission policy", ACM
 * Transactions on Storage 13(4), 2017; window and sketch as in the authors' library Caffeine.
 * Differs: no Bloom filter ("doorkeeper") in front of the sketch, an optimisation of its size that
 * Caffeine leaves out too; all four counters are incremented, and a tie evicts the new page, as
 * there; no random admission against hash flooding. At most all frames are in the window.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/map.h"
#include "replacement/policy.h"
#include "replacement/segments.h"

enum { WINDOW, PROBATION, PROTECTED, SEGMENTS };
enum { ROWS = 4, ROW_COUNTERS = 16, MOST_COUNTED = 15, SAMPLE = 10 };

struct w_tinylfu_options {
    struct tide_amount window, protected;
};

/* Sixteen counters for each of the four hashes of a page. */
struct line {
    uint8_t counters[ROWS][ROW_COUNTERS];
};

struct w_tinylfu {
    const struct tide_policy_env *env;
    struct tide_segments segments;
    struct line *lines;
    uint64_t mask; /* lines - 1; a power of two less one */
    uint64_t seed;
    uint64_t increments, sample; /* since counters were halved; when to halve them */
    uint32_t window, protected;  /* pages */
};

static const struct tide_option options_table[] = {
    {.name = "window",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct w_tinylfu_options, window),
     .def = "1%",
     .min = 1,
     .unit = "pages",
     .help = "the window for new pages"},
    {.name = "protected",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct w_tinylfu_options, protected),
     .def = "80%",
     .unit = "pages",
     .help = "the most pages in the protected segment; shares are of all but the window"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct w_tinylfu *s = state;

    tide_segments_fini(&s->segments);
    free(s->lines);
    s->lines = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct w_tinylfu_options *o = options;
    struct w_tinylfu *s = state;
    uint32_t main;
    uint64_t lines = 1;
    int rc;

    s->env = env;
    s->window = tide_policy_part(o->window, env->capacity, 1, env->capacity);
    main = env->capacity - s->window;
    s->protected = tide_policy_part(o->protected, main, 0, main > 0 ? main - 1 : 0);
    while (lines * ROW_COUNTERS < (uint64_t)ROWS * env->capacity)
        lines *= 2;
    s->mask = lines - 1;
    s->seed = tide_rng_next(env->rng);
    s->sample = (uint64_t)SAMPLE * env->capacity;
    s->lines = tide_calloc(lines, sizeof *s->lines);
    rc = s->lines == NULL ? tide_nomem(e)
                          : tide_segments_init(&s->segments, SEGMENTS, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

/* ---- the sketch ---- */

static uint64_t hash(const struct w_tinylfu *s, tide_page page)
{
    return tide_hash64(page.v ^ s->seed);
}

/* The upper bits of the hash, four for each row, choose within the line. */
static uint8_t *counter(const struct w_tinylfu *s, uint64_t h, unsigned row)
{
    return &s->lines[h & s->mask].counters[row][h >> (48 + 4 * row) & (ROW_COUNTERS - 1)];
}

static unsigned frequency(const struct w_tinylfu *s, uint32_t frame)
{
    uint64_t h = hash(s, s->env->pages[frame]);
    unsigned least = MOST_COUNTED;

    for (unsigned row = 0; row < ROWS; row++)
        if (*counter(s, h, row) < least)
            least = *counter(s, h, row);
    return least;
}

static void halve(struct w_tinylfu *s)
{
    for (uint64_t i = 0; i <= s->mask; i++)
        for (unsigned row = 0; row < ROWS; row++)
            for (unsigned k = 0; k < ROW_COUNTERS; k++)
                s->lines[i].counters[row][k] /= 2;
    s->increments /= 2;
}

/* A reference to a page whose counters are all at their most is no increment; returns whether this
 * one was. */
static bool increment(struct w_tinylfu *s, uint64_t h)
{
    bool any = false;

    for (unsigned row = 0; row < ROWS; row++) {
        uint8_t *c = counter(s, h, row);

        if (*c < MOST_COUNTED) {
            ++*c;
            any = true;
        }
    }
    if (any && ++s->increments == s->sample)
        halve(s);
    return any;
}

/* ---- window and main part ---- */

static void fault(void *state, tide_page page)
{
    struct w_tinylfu *s = state;

    increment(s, hash(s, page));
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct w_tinylfu *s = state;

    (void)next_use;
    tide_segments_add(&s->segments, WINDOW, frame);
    if (s->segments.n[WINDOW] > s->window)
        tide_segments_move(&s->segments, PROBATION, tide_segments_oldest(&s->segments, WINDOW));
}

static void prefetch(const void *state, uint32_t frame)
{
    const struct w_tinylfu *s = state;

    tide_segments_prefetch(&s->segments, frame);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct w_tinylfu *s = state;
    uint64_t h = hash(s, s->env->pages[frame]);

    (void)next_use;
    while (n > 0 && increment(s, h))
        n--;
    if (s->segments.in[frame] == WINDOW) {
        tide_segments_move(&s->segments, WINDOW, frame);
        return;
    }
    tide_segments_move(&s->segments, PROTECTED, frame);
    if (s->segments.n[PROTECTED] > s->protected)
        tide_segments_move(&s->segments, PROBATION, tide_segments_oldest(&s->segments, PROTECTED));
}

/* The loser only: should the candidate win, it moves when the next page comes into the window. */
static uint32_t victim(void *state)
{
    const struct w_tinylfu *s = state;
    const uint32_t *n = s->segments.n;
    uint32_t candidate, old;

    if (n[PROBATION] == 0 && n[PROTECTED] == 0)
        return tide_segments_oldest(&s->segments, WINDOW);
    old = tide_segments_oldest(&s->segments, n[PROBATION] > 0 ? PROBATION : PROTECTED);
    if (n[WINDOW] < s->window)
        return old;
    candidate = tide_segments_oldest(&s->segments, WINDOW);
    return frequency(s, candidate) > frequency(s, old) ? old : candidate;
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct w_tinylfu *s = state;

    (void)why;
    tide_segments_remove(&s->segments, frame);
}

static const char *segment_name(const struct w_tinylfu *s, uint32_t frame)
{
    static const char *const names[] = {"window", "probationary", "protected"};

    return names[s->segments.in[frame]];
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct w_tinylfu *s = state;

    snprintf(buf, n, "%s, oldest, frequency %u", segment_name(s, frame), frequency(s, frame));
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct w_tinylfu *s = state;

    snprintf(buf, n, "%s, %" PRIu32 " newer, frequency %u", segment_name(s, frame),
             tide_segments_newer(&s->segments, frame), frequency(s, frame));
}

const struct tide_policy tide_policy_w_tinylfu = {
    .name = "w-tinylfu",
    .summary = "an LRU window, and segmented LRU that admits pages by estimated frequency",
    .source = "Einziger, Friedman and Manes 2017",
    .observes = TIDE_OBSERVES_EACH, /* halving may fall between two references of a fold */
    .options = options_table,
    .options_bytes = sizeof(struct w_tinylfu_options),
    .state_bytes = sizeof(struct w_tinylfu),
    .init = init,
    .fini = fini,
    .fault = fault,
    .load = load,
    .touch = touch,
    .prefetch = prefetch,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
