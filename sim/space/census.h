/* What a trace touches: distinct pages by size, side and segment, runs, the span of addresses.
 *
 * A page is a (process, page) pair. A run is accesses of one side that follow each other, others of
 * that side not between, and touch one page of 4 KiB; an access across a border begins a run with
 * each page. A page counts for the segment that holds it at its first touch, or for none
 * ("outside": a segmentation fault); the address spaces are those of mm.h.
 */
#ifndef TIDE_SPACE_CENSUS_H
#define TIDE_SPACE_CENSUS_H

#include "base/map.h"
#include "space/mm.h"
#include "trace/tide_file.h"

struct tide_census {
    struct tide_map pages[TIDE_SUMMARY_SIZES]; /* of 4K: the values tell sides, as 1 << side */
    uint64_t last[TIDE_SIDES]; /* 4K page a side touched last: most accesses stay there */
    uint64_t side_pages[TIDE_SIDES], side_runs[TIDE_SIDES];
    struct tide_mm *spaces; /* by process */
    size_t n_spaces, cap_spaces;
    uint64_t segments[TIDE_SEGMENTS]; /* 4K pages */
    uint64_t outside;                 /* 4K pages in no VMA */
    uint64_t first_byte, last_byte;   /* lowest and highest address touched */
};

void tide_census_init(struct tide_census *c);
void tide_census_fini(struct tide_census *c);
/* Takes the blocks of a trace, in order. TIDE_E_TRACE: an event that no system call can have done.
 */
TIDE_MUST_CHECK int tide_census_take(struct tide_census *c, const struct tide_block *b,
                                     struct tide_error *e);

#endif
