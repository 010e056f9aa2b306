/* LRU-K: the page whose K-th last reference is longest ago leaves.
 *
 * Pages referenced fewer than K times have an infinite backward distance and leave first; of
 * equals, the least recently used. History is kept when a page leaves, for `retain` references or
 * for ever. References within `crp` of the page's last one are correlated with it: they prolong
 * that reference instead of being one more, and while the period lasts the page is not a candidate
 * (unless all others are in theirs too).
 *
 * Pages stand in a heap by (K-th last, last) reference. Both only grow, so a reference just writes
 * its time down, and a page's key is renewed when it comes to the top (heap.h). A victim costs
 * O(log n) amortised, with `crp` O((1 + min(crp, n)) log n).
 *
 * Source: O'Neil, O'Neil and Weikum, "The LRU-K page replacement algorithm for database disk
 * buffering", ACM SIGMOD 1993, fig. 2.1.
 * Differs: when correlated references shift the history, an unknown time stays unknown; the
 * paper's pseudo-code would add to its 0. `retain` is checked when the page comes back. The paper
 * does not say who leaves when all pages are in their correlated period; here the first by key.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "replacement/heap.h"
#include "replacement/policy.h"

enum { MOST_K = 16 };

struct lru_k_options {
    uint64_t k, crp, retain;
};

struct lru_k {
    const struct tide_policy_env *env;
    struct tide_heap heap; /* stale until needed */
    /* histories: by slot k+1 times, LAST, HIST(1) .. HIST(k); 0: no such reference. In an unused
     * slot LAST is the next unused one */
    uint64_t *times;
    size_t times_cap, slots;
    uint64_t unused;      /* slot; 0: none */
    uint64_t *slot_of;    /* by frame */
    struct tide_map kept; /* slots of evicted pages, by page */
    uint32_t *aside;      /* frames in their correlated period, during victim() */
    uint64_t k, crp, retain;
    bool failed;
};

/* Not a history: what is written to when memory has run out. */
enum { SCRAP_SLOT = 0 };

static const struct tide_option options_table[] = {
    {.name = "k",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct lru_k_options, k),
     .def = "2",
     .min = 1,
     .max = MOST_K,
     .unit = "refs",
     .help = "which last reference counts; with 1 it is LRU"},
    {.name = "crp",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct lru_k_options, crp),
     .def = "0",
     .unit = "refs",
     .help = "the correlated reference period"},
    {.name = "retain",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct lru_k_options, retain),
     .def = "0",
     .unit = "refs",
     .help = "how long the history of an evicted page counts; 0: for ever"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct lru_k *s = state;

    tide_heap_fini(&s->heap);
    tide_map_fini(&s->kept);
    free(s->times);
    free(s->slot_of);
    free(s->aside);
    s->times = s->slot_of = NULL;
    s->aside = NULL;
}

static uint64_t *history(const struct lru_k *s, uint64_t slot)
{
    return s->times + slot * (s->k + 1);
}

/* A history without references; SCRAP_SLOT if there is no memory. */
static uint64_t new_slot(struct lru_k *s)
{
    uint64_t slot = s->unused;

    if (slot != 0) {
        s->unused = history(s, slot)[0];
    } else {
        size_t each = s->k + 1;
        uint64_t *grown =
            tide_grow(s->times, &s->times_cap, (s->slots + 1) * each, sizeof *s->times);

        if (grown == NULL) {
            s->failed = true;
            return SCRAP_SLOT;
        }
        s->times = grown;
        slot = s->slots++;
    }
    memset(history(s, slot), 0, (s->k + 1) * sizeof *s->times);
    return slot;
}

static void free_slot(struct lru_k *s, uint64_t slot)
{
    if (slot == SCRAP_SLOT)
        return;
    history(s, slot)[0] = s->unused;
    s->unused = slot;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct lru_k_options *o = options;
    struct lru_k *s = state;
    int rc;

    s->env = env;
    s->k = o->k;
    s->crp = o->crp;
    s->retain = o->retain;
    tide_map_init(&s->kept);
    s->slot_of = tide_calloc(env->frame_limit, sizeof *s->slot_of);
    s->aside = tide_calloc(env->frame_limit, sizeof *s->aside);
    s->times_cap = ((size_t)env->frame_limit + 1) * (s->k + 1);
    s->times = tide_calloc(s->times_cap, sizeof *s->times);
    s->slots = SCRAP_SLOT + 1;
    rc = s->slot_of == NULL || s->aside == NULL || s->times == NULL
             ? tide_nomem(e)
             : tide_heap_init(&s->heap, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

/* A reference at `now` that is not correlated with the one before; times between first and last of
 * correlated references count as none. */
static void shift(struct lru_k *s, uint64_t *h, uint64_t now)
{
    uint64_t prolonged = h[0] - h[1];

    for (uint64_t i = s->k; i > 1; i--)
        h[i] = h[i - 1] == 0 ? 0 : h[i - 1] + prolonged;
    h[1] = h[0] = now;
}

static struct tide_heap_key key(const struct lru_k *s, uint32_t frame)
{
    const uint64_t *h = history(s, s->slot_of[frame]);

    return (struct tide_heap_key){.major = h[s->k], .minor = h[0]};
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct lru_k *s = state;
    uint64_t now = *s->env->now, page = s->env->pages[frame].v, slot;
    const uint64_t *kept = tide_map_get(&s->kept, page);
    uint64_t *h;

    (void)next_use;
    slot = kept != NULL ? *kept : new_slot(s);
    h = history(s, slot);
    if (kept != NULL) {
        tide_map_remove(&s->kept, page);
        if (s->retain != 0 && now - h[0] > s->retain)
            memset(h, 0, (s->k + 1) * sizeof *h);
        h[0] = h[1]; /* what prolonged the last reference ended with the page's stay */
    }
    shift(s, h, now);
    s->slot_of[frame] = slot;
    tide_heap_insert(&s->heap, frame, key(s, frame));
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct lru_k *s = state;
    uint64_t *h = history(s, s->slot_of[frame]);
    uint64_t now = *s->env->now, first = now - n + 1;

    (void)next_use;
    if (s->crp == 0) { /* only the last k of n in a row are remembered */
        if (n > s->k)
            first = now - s->k + 1;
        for (uint64_t t = first; t <= now; t++)
            shift(s, h, t);
        return;
    }
    if (first - h[0] > s->crp)
        shift(s, h, first);
    h[0] = now; /* each of the others is correlated with the one before it */
}

static void prefetch(const void *state, uint32_t frame)
{
    const struct lru_k *s = state;

    __builtin_prefetch(history(s, s->slot_of[frame]), 1);
}

/* The first by key, stale keys renewed on the way. */
static uint32_t top(struct lru_k *s)
{
    for (;;) {
        uint32_t frame = tide_heap_top(&s->heap);
        struct tide_heap_key fresh = key(s, frame);

        if (tide_heap_key_of(&s->heap, frame).minor == fresh.minor)
            return frame;
        tide_heap_rekey(&s->heap, frame, fresh);
    }
}

static bool in_correlated_period(const struct lru_k *s, uint32_t frame)
{
    return *s->env->now - history(s, s->slot_of[frame])[0] <= s->crp;
}

static uint32_t victim(void *state)
{
    struct lru_k *s = state;
    uint32_t n = 0, frame = top(s);

    if (s->crp == 0)
        return frame;
    while (in_correlated_period(s, frame)) {
        s->aside[n++] = frame;
        tide_heap_remove(&s->heap, frame);
        if (s->heap.n == 0) {
            frame = s->aside[0];
            break;
        }
        frame = top(s);
    }
    for (uint32_t i = 0; i < n; i++)
        tide_heap_insert(&s->heap, s->aside[i], key(s, s->aside[i]));
    return frame;
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct lru_k *s = state;
    uint64_t *kept = NULL;

    tide_heap_remove(&s->heap, frame);
    if (why == TIDE_REMOVE_EVICT && s->slot_of[frame] != SCRAP_SLOT) {
        kept = tide_map_put(&s->kept, s->env->pages[frame].v, NULL);
        s->failed |= kept == NULL;
    }
    if (kept != NULL)
        *kept = s->slot_of[frame];
    else
        free_slot(s, s->slot_of[frame]);
}

static void forget(void *state, tide_page page)
{
    struct lru_k *s = state;
    const uint64_t *kept = tide_map_get(&s->kept, page.v);

    if (kept == NULL)
        return;
    free_slot(s, *kept);
    tide_map_remove(&s->kept, page.v);
}

static bool failed(const void *state)
{
    const struct lru_k *s = state;

    return s->failed;
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct lru_k *s = state;
    const uint64_t *h = history(s, s->slot_of[frame]);

    if (h[s->k] == 0)
        snprintf(buf, n, "fewer than %" PRIu64 " refs, last at %" PRIu64, s->k, h[0]);
    else
        snprintf(buf, n, "ref %" PRIu64 " back at %" PRIu64, s->k, h[s->k]);
}

const struct tide_policy tide_policy_lru_k = {
    .name = "lru-k",
    .summary = "the page whose K-th last reference is longest ago",
    .source = "O'Neil, O'Neil and Weikum 1993",
    .observes = TIDE_OBSERVES_EACH,
    .options = options_table,
    .options_bytes = sizeof(struct lru_k_options),
    .state_bytes = sizeof(struct lru_k),
    .init = init,
    .fini = fini,
    .load = load,
    .touch = touch,
    .prefetch = prefetch,
    .victim = victim,
    .remove = drop,
    .forget = forget,
    .failed = failed,
    .why = describe,
    .describe = describe,
};
