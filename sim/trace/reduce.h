/* Reduced traces: what cannot change a count is dropped.
 *
 *   sad   Safely-allowed drop. Of consecutive references a, b, c to one page, b goes when fewer
 * than `frames` other pages are referenced between a and c: with that many frames, or more, LRU and
 * OPT keep the page from a to c. Kept: the faults of LRU and OPT at every number of frames from
 * `frames` on, and LRU's write-backs (a dropped write makes c one). Hit counts and TLBs are lost.
 *   tlb   A direct-mapped filter of `sets` entries. A reference goes when it is to the page that
 * was last in its set, both of its side's filter and of one for both sides: then it is to the most
 * recent page of its set in every LRU array with `sets` sets or more, and leaves it as it is. Kept:
 * the misses of such arrays, for fetches, data or both, of any number of ways, and all behind them,
 * as long as memory evicts nothing.
 *
 * The order of what is left is kept; addresses and sizes too, but that `sad` cuts an access across
 * a page border in two. Events that change mappings stay in place, and nothing is dropped across
 * them; events of allocators go.
 *
 * Source: Kaplan, Smaragdakis and Wilson, "Trace reduction for virtual memory simulations",
 * SIGMETRICS 1999 (SAD); Puzak, "Analysis of cache replacement algorithms", University of
 * Massachusetts, 1985 (trace stripping).
 * Differs: whether fewer than k pages lie between a and c is asked of an LRU list with a mark at
 * its (k+1)-th entry, in constant time. References wait until nothing can drop them any more: at
 * most a few times k.
 */
#ifndef TIDE_TRACE_REDUCE_H
#define TIDE_TRACE_REDUCE_H

#include "trace/block.h"

enum tide_reduction_kind { TIDE_REDUCED_NOT, TIDE_REDUCED_SAD, TIDE_REDUCED_TLB };

/* What a reduced trace guarantees; written into it as text. */
struct tide_reduction {
    enum tide_reduction_kind kind;
    uint64_t frames;     /* sad: 1.. */
    uint64_t sets;       /* tlb: a power of two */
    unsigned page_shift; /* of the pages this holds for */
};

enum { TIDE_REDUCTION_TEXT = 160, TIDE_REDUCE_SETS_MAX = 1 << 20 };

/* "sad frames=32 page=4096: faults of LRU and OPT at 32 frames or more". */
void tide_reduction_print(const struct tide_reduction *r, char text[TIDE_REDUCTION_TEXT]);
/* The empty text is TIDE_REDUCED_NOT. False: not ours. */
bool tide_reduction_parse(const char *text, struct tide_reduction *r);

struct tide_reducer;

struct tide_reducer *tide_reducer_new(const struct tide_reduction *r, struct tide_error *e);
void tide_reducer_free(struct tide_reducer *r);
/* Hands out blocks of what is left; `b` belongs to the reducer. */
typedef int tide_reduced_fn(void *context, const struct tide_block *b, struct tide_error *e);
/* Takes a block; calls `out` when blocks are full. */
TIDE_MUST_CHECK int tide_reducer_feed(struct tide_reducer *r, const struct tide_block *b,
                                      tide_reduced_fn *out, void *context, struct tide_error *e);
/* The trace is over: hands out the rest. */
TIDE_MUST_CHECK int tide_reducer_finish(struct tide_reducer *r, tide_reduced_fn *out, void *context,
                                        struct tide_error *e);

#endif
