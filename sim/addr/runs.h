/* From accesses to page references, and from those to page runs.
 *
 * A *reference* is one touch of one page. An access that lies in one page is one reference (a
 * MODIFY: two, a read and then a write); one that crosses pages is one for each page, in order (a
 * MODIFY that crosses: p1 read, p2 read, p1 write, p2 write).
 *
 * A *run* begins where a side (fetch, data) touches another page than it did before. Until the next
 * run begins, both sides stay on the pages they hold; what happens in between is folded into
 * counts:
 *
 *     access     F:a  D:x  F:a  F:a  D:x  D:y  F:a  D:y
 *     run         1    2    .    .    .    3    .    .
 *     folded into           2    2    2         3    3
 *
 *     run 1: page a, fetch, nothing folded          run 3: page y, data, 1 fetch (of a), 1 data (of
 * y) run 2: page x, data, 2 fetches, 1 data
 *
 * A machine handles the first reference of a run in full and the folded ones by adding numbers,
 * provided both held pages still have their translations; else it takes the run apart again, access
 * by access. Runs depend on the accesses and the geometry only, so machines of one geometry share
 * them. They never reach across an event, a block or a change of process.
 */
#ifndef TIDE_ADDR_RUNS_H
#define TIDE_ADDR_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "addr/access.h"
#include "addr/page.h"

enum {
    TIDE_RUN_KIND = 3,  /* mask: enum tide_kind of the access that starts the run */
    TIDE_RUN_APART = 4, /* that access crosses a page or is not canonical: the run is that access
                         * alone, to be taken apart; `page` has no meaning */
    TIDE_RUN_LAST_FETCH = 8, /* the last folded reference was a fetch */
    TIDE_RUN_READS = 16,     /* among the folded data references is a read, */
    TIDE_RUN_WRITES = 32     /* ... a write */
};

struct tide_run {
    tide_page page;   /* of the first reference */
    uint32_t first;   /* index in the block of the access it starts with; the next run's first, or
                       * the segment's end, ends it */
    uint32_t fetches; /* folded references to the held fetch page */
    uint32_t data;    /* folded references to the held data page: a MODIFY that starts the run folds
                       * its write */
    uint32_t switches; /* times the folded references went from one held page to the other */
    uint32_t tail;     /* folded references since the last access of the side not referenced last */
    uint32_t flags;
};

/* Cuts accesses [from, to) of a block, which no event divides, into runs; there is room for
 * to - from. Returns their number. */
size_t tide_runs_cut(struct tide_geometry g, const struct tide_access *accesses, size_t from,
                     size_t to, struct tide_run *runs);

#endif
