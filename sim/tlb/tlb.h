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
 * These are the semantics of DynamoRIO drcachesim's TLB simulator, which counts "compulsory"
 * misses per array as first fills of a page in it; here a page that was unmapped since counts as
 * new again. Source: DynamoRIO clients/drcachesim/simulator/tlb.cpp, tlb_simulator.cpp.
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
 * names or (level, side, page size) used twice, levels with gaps, no array for this page size. */
TIDE_MUST_CHECK int tide_tlb_check(const struct tide_tlb_config *c, unsigned page_shift,
                                   struct tide_error *e);

struct tide_tlb_array_stats {
    uint64_t lookups, hits, misses, compulsory_misses, evictions, invalidations;
};

struct tide_tlb_array {
    struct tide_tlb_array_config config;
    uint64_t set_mask; /* sets - 1 */
    uint32_t ways;
    uint32_t sets;
    enum tide_tlb_kind kind;
    /* slot = set * ways + way */
    uint64_t *tags;   /* tide_page.v, or TIDE_PAGE_NONE.v */
    uint32_t *frames; /* user frame index that the page maps to */
    uint64_t *order;  /* lru: time of last use; fifo: time of fill; lfu: count; else unused */
    uint64_t *tree;   /* plru: ways - 1 bits a set, in words of 64 */
    uint64_t now;     /* lru, fifo: the last stamp given out */
    uint16_t *hint;   /* where many ways would have to be searched: hashed guess of the way */
    struct tide_rng rng;
    struct tide_tlb_array_stats stats;
};

struct tide_tlb {
    unsigned n;
    struct tide_tlb_array arrays[TIDE_TLB_MAX_ARRAYS];
    /* the arrays a reference of a side looks up, first level first */
    unsigned depth[TIDE_SIDES];
    uint8_t path[TIDE_SIDES][TIDE_TLB_MAX_LEVELS];
};

/* `seed`: the experiment's; each array draws from the stream "tlb." and its name. */
TIDE_MUST_CHECK int tide_tlb_init(struct tide_tlb *t, const struct tide_tlb_config *c,
                                  unsigned page_shift, uint64_t seed, struct tide_error *e);
void tide_tlb_fini(struct tide_tlb *t);

/* One array. find: the slot or -1, counts nothing. hit: n successive hits of a slot, counts n
 * look-ups and n hits and updates recency or count. fill: puts the page in (it must be absent),
 * returns the slot, counts nothing but evictions. invalidate: true if it was there. */
int32_t tide_tlb_array_find(const struct tide_tlb_array *a, tide_page page);
void tide_tlb_array_hit(struct tide_tlb_array *a, int32_t slot, uint64_t n);
int32_t tide_tlb_array_fill(struct tide_tlb_array *a, tide_page page, uint32_t frame);
bool tide_tlb_array_invalidate(struct tide_tlb_array *a, tide_page page);

/* The whole path. Returns the level index (0 = first) of the hit, or -1. Counts look-ups, hits and
 * misses of every array it looks up. On a hit *frame is set and the arrays before it are filled;
 * `seen` is not known then, so the caller passes the hit frame's mask through tide_tlb_note(). */
int tide_tlb_lookup(struct tide_tlb *t, enum tide_side side, tide_page page, uint32_t *frame);
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
