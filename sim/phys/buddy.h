/* The buddy allocator of one zone: blocks of 2^order frames, order 0..10, split and coalesced.
 *
 * Free blocks of an order form a list, last freed first out, as in Linux without per-CPU lists.
 * A split hands out the lower half and keeps the upper. Freeing merges with the buddy
 * (pfn ^ 2^order) while it is free and of the same order. Frames that are added, at the start or
 * later, go to the lists' tails in ascending order, so a fresh zone hands out low addresses first.
 *
 * Each order has a table of its own, one entry a possible block, so that a zone of whole blocks of
 * the top order touches one entry for 1024 frames, side by side, and the rest stays unbacked.
 * Source: Knuth, TAOCP vol. 1, 2.5; Linux mm/page_alloc.c (__rmqueue_smallest, __free_one_page,
 * __free_pages_core); unusable free space index: Gorman and Whitcroft, "The what, the why and the
 * where to of anti-fragmentation", OLS 2006.
 * Differs: Linux puts a freed block whose next larger buddy is free at the tail; here all freed
 * blocks go to the head. Migrate types are left out.
 */
#ifndef TIDE_PHYS_BUDDY_H
#define TIDE_PHYS_BUDDY_H

#include <stdbool.h>
#include <stdint.h>

#include "addr/page.h"
#include "base/error.h"

enum { TIDE_BUDDY_ORDERS = 11 };

struct tide_buddy_stats { /* since init */
    uint64_t allocs[TIDE_BUDDY_ORDERS], frees[TIDE_BUDDY_ORDERS];
    uint64_t splits, merges;
    uint64_t failures; /* allocations that found no block, orders above 10 included */
};

struct tide_buddy {
    uint32_t frames; /* frames managed: pfn 0..frames-1 */
    uint32_t free_frames;
    uint32_t free_blocks[TIDE_BUDDY_ORDERS];
    struct tide_buddy_stats stats;
    uint32_t capacity; /* frames that the tables have room for */
    /* Lists name a block of order k by its number pfn >> k, plus 1; UINT32_MAX ends a list. */
    uint32_t head[TIDE_BUDDY_ORDERS], tail[TIDE_BUDDY_ORDERS];
    struct tide_buddy_block {
        uint32_t next, prev;      /* on the free list; 0: not a free block of this order */
    } * table[TIDE_BUDDY_ORDERS]; /* by order, then block number; table[0] owns the memory of all */
};

/* Memory for the tables is taken for `capacity` (>= frames) frames but touched only as used.
 * At most UINT32_MAX - 1 frames. */
TIDE_MUST_CHECK int tide_buddy_init(struct tide_buddy *b, uint32_t frames, uint32_t capacity,
                                    struct tide_error *e);
void tide_buddy_fini(struct tide_buddy *b);
/* Hot-adds frames at the end, up to capacity (which it extends if needed). On failure nothing has
 * changed. */
TIDE_MUST_CHECK int tide_buddy_grow(struct tide_buddy *b, uint32_t more, struct tide_error *e);
/* The first frame of a block of 2^order frames, aligned to its size; TIDE_PFN_NONE when no block of
 * that order or above is free. */
tide_pfn tide_buddy_alloc(struct tide_buddy *b, unsigned order);
/* The block must have been given out, whole or as part of a larger one (asserted as far as the
 * tables tell: no part of it is free). */
void tide_buddy_free(struct tide_buddy *b, tide_pfn pfn, unsigned order);
/* Share of free memory that an allocation of `order` cannot use, numerator and denominator
 * (0/0 when nothing is free). */
void tide_buddy_unusable(const struct tide_buddy *b, unsigned order, uint64_t *num, uint64_t *den);
/* Lists consistent, counts right, no two free buddies unmerged: for tests, O(frames). */
bool tide_buddy_valid(const struct tide_buddy *b);

#endif
