/* The buddy allocator of one zone: blocks of 2^order frames, order 0..10, split and coalesced.
 *
 * Free blocks of an order form a list, last freed first out, as in Linux without per-CPU lists.
 * A split hands out the lower half and keeps the upper. Freeing merges with the buddy
 * (pfn ^ 2^order) while it is free and of the same order.
 * Source: Knuth, TAOCP vol. 1, 2.5; Linux mm/page_alloc.c (__rmqueue_smallest, __free_one_page);
 * unusable free space index: Gorman and Whitcroft, "The what, the why and the where to of
 * anti-fragmentation", OLS 2006.
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
    uint64_t splits, merges, failures;
};

struct tide_buddy {
    uint32_t frames; /* frames managed: pfn 0..frames-1 */
    uint32_t free_frames;
    uint32_t free_blocks[TIDE_BUDDY_ORDERS];
    uint32_t head[TIDE_BUDDY_ORDERS]; /* pfn of the first free block, UINT32_MAX: none */
    struct tide_buddy_link {
        uint32_t next, prev;
    } * links;         /* one per frame; touched only for heads of free blocks */
    uint8_t *state;    /* one per frame: order + 1 for the head of a free block, else 0 */
    uint32_t capacity; /* frames that links and state have room for */
    struct tide_buddy_stats stats;
};

/* Memory for the tables is taken for `capacity` frames but touched only as used. */
TIDE_MUST_CHECK int tide_buddy_init(struct tide_buddy *b, uint32_t frames, uint32_t capacity,
                                    struct tide_error *e);
void tide_buddy_fini(struct tide_buddy *b);
/* Hot-adds frames at the end, up to capacity (which it extends if needed). */
TIDE_MUST_CHECK int tide_buddy_grow(struct tide_buddy *b, uint32_t more, struct tide_error *e);
/* The first frame of a block of 2^order frames, aligned to its size; TIDE_PFN_NONE when no block of
 * that order or above is free. */
tide_pfn tide_buddy_alloc(struct tide_buddy *b, unsigned order);
/* The block must have been given out whole with this order (asserted as far as state tells). */
void tide_buddy_free(struct tide_buddy *b, tide_pfn pfn, unsigned order);
/* Share of free memory that an allocation of `order` cannot use, numerator and denominator
 * (0/0 when nothing is free). */
void tide_buddy_unusable(const struct tide_buddy *b, unsigned order, uint64_t *num, uint64_t *den);
/* Lists consistent, counts right, no two free buddies unmerged: for tests, O(frames). */
bool tide_buddy_valid(const struct tide_buddy *b);

#endif
