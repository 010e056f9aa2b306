/* LRU at every number of frames at once, exactly, from reuse (stack) distances.
 *
 * The pages in order of their last use form a stack; with C frames the pages at depths 1..C are
 * resident. So a reference at depth D faults with fewer than D frames. A page that is forgotten
 * leaves a *hole* at its depth: every memory that has room for that depth has a free frame. The
 * next reference, at depth D (a page without a place: infinite), pushes the stack down from the
 * top as far as the topmost hole above D, which is filled; where there was one, x's old place
 * becomes the hole instead, and for a page without a place the hole is gone. That is LRU at each
 * size: below the hole's depth the frames were full and the last page goes; from there on a free
 * frame is taken.
 *
 * Source: Mattson, Gecsei, Slutz and Traiger, "Evaluation techniques for storage hierarchies", IBM
 * Systems Journal 9(2), 1970 (stack distances); Bennett and Kruskal, "LRU stack processing", IBM J.
 * Res. Dev. 19(4), 1975 (counting marks over the times of last uses).
 * Differs: holes are ours (the papers' pages are never forgotten).
 */
#ifndef TIDE_CURVE_LRU_H
#define TIDE_CURVE_LRU_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "curve/histogram.h"
#include "pager/follow.h"

enum { TIDE_LRU_WINDOW = 8 };

struct tide_lru_curve {
    struct tide_distances distances;

    /* The pages used last, most recent first, n_window of them and then none: they have no slot. */
    uint32_t window[TIDE_LRU_WINDOW];
    uint32_t n_window;
    /* Slots stand for times of last use, ascending; a marked one holds a page or a hole. */
    uint32_t *slot_of; /* by page: its slot, or one of the values in lru.c */
    uint32_t *page_at; /* by slot; of a hole: no page */
    uint64_t *marks;   /* bit i: slot i */
    uint32_t *blocks;  /* marks in each block of slots, */
    uint32_t *groups;  /* ... and in each group of blocks */
    uint32_t slots;    /* there are, a power of two */
    uint32_t top;      /* slots in use */
    uint32_t marked;   /* of them */
    uint32_t *holes;   /* heap of their slots, the latest first */
    size_t n_holes, holes_cap;
    size_t ids_cap; /* of slot_of */
};

/* Zeroed storage is a valid start. */
void tide_lru_curve_fini(struct tide_lru_curve *c);
/* A piece of the stream; ids are below n_ids. */
TIDE_MUST_CHECK int tide_lru_curve_take(struct tide_lru_curve *c, const struct tide_page_ref *refs,
                                        size_t n, size_t n_ids, struct tide_error *e);

#endif
