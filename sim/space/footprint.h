/* Which segments a trace touches: distinct pages of 4 KiB by where they lie.
 *
 * A page is a (process, page) pair. It counts for the segment that holds it at its first touch, or
 * for none ("outside": a segmentation fault); the address spaces are those of mm.h.
 */
#ifndef TIDE_SPACE_FOOTPRINT_H
#define TIDE_SPACE_FOOTPRINT_H

#include "base/map.h"
#include "space/mm.h"

struct tide_footprint {
    uint64_t segments[TIDE_SEGMENTS]; /* pages */
    uint64_t outside;                 /* pages in no VMA */
    struct tide_map seen;
    uint64_t last[TIDE_SIDES]; /* page a side touched last: most accesses stay there */
    struct tide_mm *spaces;    /* by process */
    size_t n_spaces, cap_spaces;
};

void tide_footprint_init(struct tide_footprint *f);
void tide_footprint_fini(struct tide_footprint *f);
/* Takes the blocks of a trace, in order. TIDE_E_TRACE: an event that no system call can have done.
 */
TIDE_MUST_CHECK int tide_footprint_take(struct tide_footprint *f, const struct tide_block *b,
                                        struct tide_error *e);

#endif
