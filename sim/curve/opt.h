/* OPT (MIN) at every number of frames at once, exactly, from stack distances.
 *
 * Mattson's priority stack: with C frames the pages at depths 1..C are resident, and a reference
 * to the page at depth D faults with fewer than D. The page goes to the top; the page that was
 * there moves down, and at each depth the one of the two that is used again sooner stays and the
 * other moves on, until the referenced page's old place (for a first touch: the end) takes it. Only
 * times of next uses matter, so the stack holds these, not pages.
 *
 * Walking the stack place by place is linear in depth. But it is nearly sorted: it is kept as a
 * sequence of *groups*, each ascending. What moves into a group is sorted in, and the group's
 * latest moves on: one insertion and one removal at the end, or nothing where it is the latest
 * itself. The referenced page is used before all others, so it is the first of its group, and its
 * depth is one more than the sizes of the groups above. Groups that have come to follow each other
 * in order become one. The first few places, where most references end, are walked. The number of
 * groups grows like the logarithm of the footprint on random references
 * (about 60 for a million pages, of which 3 change) and is smaller for programs; a group is a list
 * of sorted chunks, so that a change in it costs about the logarithm of its size.
 *
 * A page that is not used again, or is forgotten before, is never: it goes down the stack before
 * all others and is as good as a free frame. At the end of the stack it is dropped.
 *
 * Source: Mattson, Gecsei, Slutz and Traiger, "Evaluation techniques for storage hierarchies", IBM
 * Systems Journal 9(2), 1970 (the stack); Sugumar and Abraham, "Efficient simulation of caches
 * under optimal replacement with applications to miss characterization", SIGMETRICS 1993 (repairing
 * it by groups in constant time each).
 * Differs: groups are chunked, so that large ones stay cheap, and never-used pages are dropped.
 */
#ifndef TIDE_CURVE_OPT_H
#define TIDE_CURVE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "curve/histogram.h"
#include "pager/future.h"

enum { TIDE_OPT_TOP = 16 };

struct tide_opt_chunk;

struct tide_opt_group {
    struct tide_opt_chunk **chunks; /* ascending */
    size_t n, cap;
};

struct tide_opt_curve {
    struct tide_distances distances;

    uint64_t now; /* uses so far: the time of the next one */
    bool begun;
    uint64_t top[TIDE_OPT_TOP]; /* next uses at depths 1 .. TIDE_OPT_TOP */
    uint64_t below;             /* places below these */
    /* Groups, the highest last. */
    uint64_t *first, *last; /* next uses, soonest and latest */
    uint64_t *sizes;
    struct tide_opt_group *groups;
    size_t n, cap;
    size_t next_tidy; /* groups that are too many */
    struct tide_opt_chunk *spare;
};

/* Zeroed storage is a valid start. */
void tide_opt_curve_fini(struct tide_opt_curve *c);
/* Uses in order, turned around; times are their ordinals from 0, immediate repeats are left out. A
 * use of nobody says that the warm-up is over: what was counted is counted no more. */
TIDE_MUST_CHECK int tide_opt_curve_take(struct tide_opt_curve *c, const struct tide_next_use *uses,
                                        size_t n, struct tide_error *e);

#endif
