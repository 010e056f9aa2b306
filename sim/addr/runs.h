/* From accesses to page references, and from those to page runs.
 *
 * A *reference* is one touch of one page. An access that lies in one page is one reference (a
 * MODIFY: two, a read and then a write); one that crosses pages is one for each page, in order (a
 * MODIFY that crosses: p1 read, p2 read, p1 write, p2 write).
 *
 * A *run* begins where a side (fetch, data) touches another page than it did before. Until the next
 * run begins, both sides stay on the pages they hold; all that happens in between is folded into
 * counts:
 *
 *   side      F  D  F  F  D  D  F  D
 *   page      a  x  a  a  x  y  a  y        runs:  a(first)            0 fetches, 0 data after it
 *             ^  ^           ^                     x(first)            3 fetches... see struct
 * tide_run
 *
 * A machine handles the first reference of a run in full and the folded ones by adding numbers,
 * provided both held pages still have their translations; else it takes the run apart again, access
 * by access. Runs depend on the trace and the geometry only, so machines of one geometry share
 * them. Runs never reach across an event or a block.
 */
#ifndef TIDE_ADDR_RUNS_H
#define TIDE_ADDR_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "addr/access.h"
#include "addr/page.h"

enum {
    TIDE_RUN_KIND = 3,       /* mask: enum tide_kind of the first reference */
    TIDE_RUN_APART = 4,      /* the first access crosses a page or is not canonical: the run is that
                              * access alone plus what follows; take it apart */
    TIDE_RUN_LAST_FETCH = 8, /* the last folded reference was a fetch */
    TIDE_RUN_READS = 16,     /* the folded data references hold a read, */
    TIDE_RUN_WRITES = 32,    /* ... a write */
    TIDE_RUN_SWITCHED = 64   /* the first reference is to another page than the one before it in
                              * the merged stream */
};

struct tide_run {
    tide_page page;    /* of the first reference */
    uint32_t first;    /* index in the block of the access it comes from; the next run's `first` (or
                        * the segment's end) ends it */
    uint32_t fetches;  /* folded references to the held fetch page */
    uint32_t data;     /* folded references to the held data page */
    uint32_t switches; /* page changes of the merged stream among the folded references */
    uint32_t flags;
    uint32_t accesses; /* number of accesses in the run */
};

/* What the merged stream touched last: carried from segment to segment. */
struct tide_run_state {
    tide_page previous; /* TIDE_PAGE_NONE at the start */
};

/* Cuts accesses [from, to) of a block, which no event divides, into runs (at most to - from).
 * Returns their number. */
size_t tide_runs_cut(struct tide_geometry g, struct tide_run_state *state,
                     const struct tide_access *accesses, size_t from, size_t to,
                     struct tide_run *runs);

#endif
