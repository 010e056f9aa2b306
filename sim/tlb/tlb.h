/* Translation look-aside buffers: arrays in levels, for instructions, data or both.
 *
 * A reference looks up, at each level in turn, the array of that level that serves its side
 * (fetch or data) and its page size. A hit ends the look-up; arrays that missed are then filled.
 * A miss everywhere is a page walk; when the walk (and the fault, if any) is done all arrays on the
 * path are filled. No inclusion, no back-invalidation between levels.
 *
 *   set    = vpn & (sets - 1), sets = entries / ways
 *   tag    = the whole tide_page (process and vpn)
 *   victim = the invalid way with the lowest index, else by the array's kind
 *
 * Order of calls for one reference (side, page):
 *
 *   lookup ──► hit at level k ──► fill(levels < k)
 *          └─► miss ──► walk, fault, evictions: invalidate(victims) ──► fill(all levels)
 *
 * "Compulsory" misses are the first fills of a page in an array.
 *
 * Source: the semantics of DynamoRIO's TLB simulator, clients/drcachesim/simulator/tlb.cpp and
 * tlb_simulator.cpp; tree PLRU: So and Rechtschaffen, "Cache operations by MRU change", IEEE
 * Transactions on Computers 37(6), 1988.
 * Differs: to "compulsory", a page that was unmapped since is new again.
 */
#ifndef TIDE_TLB_TLB_H
#define TIDE_TLB_TLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr/access.h"
#include "addr/page.h"
#include "base/error.h"
#include "base/rng.h"

enum tide_tlb_kind {
#define TIDE_TLB_KIND(name, summary) TIDE_TLB_##name,
#include "tlb/kinds.def"
#undef TIDE_TLB_KIND
    TIDE_TLB_KINDS
};

extern const char *const tide_tlb_kind_names[TIDE_TLB_KINDS];
extern const char *const tide_tlb_kind_summaries[TIDE_TLB_KINDS];

enum {
    TIDE_TLB_MAX_ARRAYS = 16, /* one bit each in a frame's seen mask */
    TIDE_TLB_MAX_LEVELS = 4,
    TIDE_TLB_MAX_SIZES = 8,
    TIDE_TLB_MAX_ENTRIES = 1 << 20
};

enum { TIDE_TLB_FOR_FETCH = 1, TIDE_TLB_FOR_DATA = 2 }; /* 1 << enum tide_side */

struct tide_tlb_array_config {
    char name[24];   /* the `level` of tlb.csv */
    uint32_t level;  /* 1.. */
    uint32_t serves; /* TIDE_TLB_FOR_*, both: 3 */
    uint32_t entries;
    uint32_t ways; /* == entries: fully associative */
    enum tide_tlb_kind kind;
    uint32_t latency; /* cycles that a look-up costs (cost model) */
    unsigned n_sizes; /* 0: the machine's page size */
    uint8_t page_shifts[TIDE_TLB_MAX_SIZES];
};

struct tide_tlb_config {
    unsigned n; /* 0: no TLB at all: every reference walks */
    struct tide_tlb_array_config arrays[TIDE_TLB_MAX_ARRAYS];
};

/* Checks one configuration for a page size; the message names the array. Errors: no entries, ways
 * that do not divide entries, sets not a power of two, tree PLRU with ways not a power of two,
 * names or (level, side, page size) used twice, levels with gaps, a side that has arrays but none
 * for this page size. A side without any array is legal: each of its references walks. */
TIDE_MUST_CHECK int tide_tlb_check(const struct tide_tlb_config *c, unsigned page_shift,
                                   struct tide_error *e);

/* The array that a side looks up at a level (1 ..) for a page size; -1: there is none. */
int tide_tlb_array_of(const struct tide_tlb_config *c, unsigned page_shift, enum tide_side side,
                      uint32_t level);

/* Checks a shape alone: entries, ways and kind; the message begins with `owner` ("TLB array 'l2'"),
 * the remedy names the nearest numbers that work. */
TIDE_MUST_CHECK int tide_tlb_check_shape(const char *owner, uint32_t entries, uint32_t ways,
                                         enum tide_tlb_kind kind, struct tide_error *e);

struct tide_tlb_array_stats {
    uint64_t lookups, hits, misses, compulsory_misses, evictions, invalidations;
};

/* Up to so many ways a set is searched way by way: for the page, which is two cache lines of tags,
 * and for the victim, which is rarer. With more ways a look-up, a miss included, goes through
 * `index`, and the victim through `winner`. */
enum { TIDE_TLB_SCAN_WAYS = 16, TIDE_TLB_SCAN_VICTIMS = 128 };

#define TIDE_TLB_NO_SLOT UINT32_MAX

struct tide_tlb_array {
    uint64_t set_mask; /* sets - 1 */
    uint32_t ways;
    uint32_t sets;
    enum tide_tlb_kind kind;
    unsigned index_shift; /* 64 - log2 of the places of `index` */
    /* slot = set * ways + way */
    uint64_t *tags;   /* tide_page.v, or TIDE_PAGE_NONE.v */
    uint32_t *frames; /* user frame index that the page maps to */
    /* 0: the slot is free. Else lru: time of last use; fifo: time of fill; lfu: count; random and
     * plru: 1. Between fills a slot's word may only grow. */
    uint64_t *order;
    uint64_t now;   /* lru, fifo: the last stamp given out */
    uint64_t *tree; /* plru: tree_words a set; bit n tells where node n (1 the root) sends the
                     * search for a victim: 0 left, 1 right */
    size_t tree_words;
    uint32_t *index; /* many ways: hash of all tags to slots, at most half full */
    uint64_t *recorded;
    uint32_t *winner; /* very many: tournament for the least (order, way) of a set; see tlb.c */
    struct {
        uint64_t order; /* 0: there was none */
        uint32_t frame;
    } evicted; /* the entry that the last fill has replaced */
    struct tide_rng rng;
    struct tide_tlb_array_stats stats;
    struct tide_tlb_array_config config;
};

struct tide_tlb {
    unsigned n;
    /* in the order of the configuration; one that no side looks up (it serves other page sizes
     * only) has no slots: tags is NULL */
    struct tide_tlb_array arrays[TIDE_TLB_MAX_ARRAYS];
    /* the arrays a reference of a side looks up, first level first */
    unsigned depth[TIDE_SIDES];
    uint8_t path[TIDE_SIDES][TIDE_TLB_MAX_LEVELS];
};

/* `seed`: the experiment's; each array draws from the stream "tlb." and its name. */
TIDE_MUST_CHECK int tide_tlb_init(struct tide_tlb *t, const struct tide_tlb_config *c,
                                  unsigned page_shift, uint64_t seed, struct tide_error *e);
void tide_tlb_fini(struct tide_tlb *t);

/* One array by itself, of a shape that tide_tlb_check_shape() lets through. */
TIDE_MUST_CHECK int tide_tlb_array_init(struct tide_tlb_array *a,
                                        const struct tide_tlb_array_config *c, uint64_t seed,
                                        struct tide_error *e);
void tide_tlb_array_fini(struct tide_tlb_array *a);
/* Points the bits on the way to `slot` away from it. */
void tide_tlb_array_touch_tree(struct tide_tlb_array *a, int32_t slot);

/* The place in `index` where the search for a page begins (Fibonacci hashing: Knuth, TAOCP vol. 3,
 * 6.4; neighbouring pages come to lie far apart). */
static inline size_t tide_tlb_array_home(const struct tide_tlb_array *a, uint64_t tag)
{
    return (size_t)(tag * UINT64_C(0x9e3779b97f4a7c15) >> a->index_shift);
}

/* The slot of the page, or -1. Counts nothing. */
static inline int32_t tide_tlb_array_find(const struct tide_tlb_array *a, tide_page page)
{
    int32_t found = -1;

    if (a->index != NULL) {
        size_t mask = ((size_t)1 << (64 - a->index_shift)) - 1;

        for (size_t i = tide_tlb_array_home(a, page.v);; i = (i + 1) & mask) {
            uint32_t slot = a->index[i];

            if (slot == TIDE_TLB_NO_SLOT)
                return -1;
            if (a->tags[slot] == page.v)
                return (int32_t)slot;
        }
    } else {
        /* no early exit: which way hits is hard to predict, and the ways are few */
        uint32_t base = (uint32_t)(page.v & a->set_mask) * a->ways;

        for (uint32_t way = 0; way < a->ways; way++)
            found = a->tags[base + way] == page.v ? (int32_t)(base + way) : found;
    }
    return found;
}

/* n successive uses of a slot: updates recency or count only. */
static inline void tide_tlb_array_touch(struct tide_tlb_array *a, int32_t slot, uint64_t n)
{
    if (a->kind == TIDE_TLB_lru)
        a->order[slot] = ++a->now;
    else if (a->kind == TIDE_TLB_lfu)
        a->order[slot] += n;
    else if (a->kind == TIDE_TLB_plru)
        tide_tlb_array_touch_tree(a, slot);
}

/* n (at least 1) successive hits of a slot: touches it, counts n look-ups and n hits. */
static inline void tide_tlb_array_hit(struct tide_tlb_array *a, int32_t slot, uint64_t n)
{
    a->stats.lookups += n;
    a->stats.hits += n;
    tide_tlb_array_touch(a, slot, n);
}

/* Puts the page in (it must be absent); returns the slot; counts nothing but an eviction. */
int32_t tide_tlb_array_fill(struct tide_tlb_array *a, tide_page page, uint32_t frame);
/* Takes the page out; true if it was there. Its slot is free. */
bool tide_tlb_array_invalidate(struct tide_tlb_array *a, tide_page page);

/* The whole path. Returns the level index (0 = first) of the hit, or -1. Counts look-ups, hits and
 * misses of every array it looks up. On a hit *frame is set and the arrays before it are filled;
 * `seen` is not known then, so the caller passes the hit frame's mask through tide_tlb_note(). */
int tide_tlb_lookup(struct tide_tlb *t, enum tide_side side, tide_page page, uint32_t *frame);
/* A look-up of a page that the array at `level` (0 = first) holds in `slot` and no array before it:
 * counts it, uses the slot and fills the arrays before. Returns the page's slot in the first. */
int32_t tide_tlb_hit(struct tide_tlb *t, enum tide_side side, tide_page page, unsigned level,
                     int32_t slot);
/* After a miss at every level: fills the whole path. */
void tide_tlb_fill(struct tide_tlb *t, enum tide_side side, tide_page page, uint32_t frame);
/* Counts compulsory misses: the arrays of the path before `level` (-1: all of them) have just been
 * filled with a page whose seen mask is *seen (bit i: array i has held it); updates the mask. */
void tide_tlb_note(struct tide_tlb *t, enum tide_side side, int level, uint16_t *seen);
/* The page has lost its frame (or its permissions changed): out of every array. */
void tide_tlb_invalidate(struct tide_tlb *t, tide_page page);
/* Out with everything of one process. */
void tide_tlb_flush_process(struct tide_tlb *t, unsigned process);
void tide_tlb_zero_stats(struct tide_tlb *t);

#endif
