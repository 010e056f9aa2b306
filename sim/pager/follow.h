/* The stream of page references: a trace as policies and curves see it, decoded and followed once.
 *
 * A follower takes blocks and follows them through the address spaces as a machine would, so that
 * it leaves out the same segmentation faults; it numbers pages densely, merges fetches and data in
 * the order of the trace, collapses consecutive references to one page, and delivers the rest in
 * order, in pieces:
 *
 *   kind     meaning
 *   PAGE     n references in a row to page `id`
 *   FAULT    n references in a row of `process` that are segmentation faults: they count in virtual
 *            time, and touch no page
 *   FORGET   page `id` has lost its frame and its history (munmap, MADV_DONTNEED, exit): its next
 *            reference is a first touch. Comes only for pages referenced since they were last
 *            forgotten
 *   START    the warm-up is over: what follows counts. Once, before the first reference that
 *            counts; with finish where the trace ends before. Without a warm-up it comes first
 *   MOVE     page `id` has another name from here (mremap): tide_follow_name() tells it. Comes in a
 *            piece of its own
 *
 * A page is a (process, vpn) pair and keeps its id when it is forgotten and touched again, so ids
 * are bounded by the pages that the trace names, not by how often it maps them. mremap moves pages
 * with their ids: the page keeps frame and history under another name (its old name takes the new
 * one's id). All of a page's names are its process's.
 *
 * Virtual time is the sum of all n so far, START included or not: the warm-up counts in it. A
 * process's own virtual time is the sum over the entries of its `process`.
 */
#ifndef TIDE_PAGER_FOLLOW_H
#define TIDE_PAGER_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr/page.h"
#include "base/error.h"
#include "pager/machine.h"
#include "trace/block.h"

enum tide_ref_kind {
    TIDE_REF_PAGE,
    TIDE_REF_FAULT,
    TIDE_REF_FORGET,
    TIDE_REF_START,
    TIDE_REF_MOVE
};

enum {
    TIDE_REF_WRITES = 1, /* one of the n is a write, or the write of a modify */
    TIDE_REF_FIRST = 2,  /* the page's first reference, or the first since it was forgotten */
    /* The entry goes on with the page of the reference before it: no change of page. That is where
     * something stood between two references (a FORGET of another page, START), or n would
     * overflow. */
    TIDE_REF_CONTINUES = 4,
    TIDE_REF_UNUSED = 8 /* of MOVE: the page is forgotten, or was never referenced */
};

struct tide_page_ref {
    uint32_t id;      /* 0 .. tide_follow_ids() - 1; PAGE, FORGET and MOVE, else 0 */
    uint32_t n;       /* references; >= 1 for PAGE and FAULT, else 0 */
    uint16_t process; /* dense index; 0 for START */
    uint8_t kind;     /* enum tide_ref_kind */
    uint8_t flags;    /* TIDE_REF_* */
};

struct tide_follow_config {
    struct tide_geometry geometry;
    uint64_t skip;   /* references that are passed over: pages touched there are not touched */
    uint64_t warmup; /* ... that stand before START */
    uint64_t limit;  /* ... behind START; UINT64_MAX: all */
    bool whole;      /* follow the trace beyond the limit, for tide_follow_distinct_pages() */
    void *context;
    /* A piece of the stream, in order; it is valid during the call. NULL: nothing is delivered.
     * Negative: failed, the feed is given up. */
    int (*take)(void *context, const struct tide_page_ref *refs, size_t n, struct tide_error *e);
};

struct tide_follow;

struct tide_follow *tide_follow_new(const struct tide_follow_config *c, struct tide_error *e);
void tide_follow_free(struct tide_follow *f);
/* Runs of the block for the follower's geometry; NULL: it cuts them itself. 1: wants more, 0: has
 * all it wants, TIDE_E_TRACE: an event says what can't be, else negative: failed. Entries may
 * reach take() with a later block, or with finish. */
TIDE_MUST_CHECK int tide_follow_feed(struct tide_follow *f, const struct tide_block *b,
                                     const struct tide_block_runs *runs, struct tide_error *e);
/* The trace is over: delivers what is left, and START where that has not come. */
TIDE_MUST_CHECK int tide_follow_finish(struct tide_follow *f, struct tide_error *e);

/* Ids so far, and the page that had each id first (ties of OPT go by it). The array belongs to the
 * follower and may move with the next feed. */
size_t tide_follow_ids(const struct tide_follow *f);
const tide_page *tide_follow_pages(const struct tide_follow *f);
/* The page that has this id now, in step with what is delivered. */
tide_page tide_follow_name(const struct tide_follow *f, uint32_t id);
/* Of the references behind START that have been followed. */
struct tide_follow_counts {
    uint64_t references;
    uint64_t faults;       /* segmentation faults among them */
    uint64_t noncanonical; /* ... beyond the page table's addresses */
};
struct tide_follow_counts tide_follow_counts(const struct tide_follow *f);
/* Different pages touched so far, whatever of the trace is delivered; segmentation faults left
 * out. */
uint64_t tide_follow_distinct_pages(const struct tide_follow *f);

#endif
