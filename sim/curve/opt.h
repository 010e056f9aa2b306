/* OPT (MIN) at every number of frames at once, exactly, in one pass and without looking ahead.
 *
 * What OPT evicts depends on the future, but whether a reference faults does not. For C frames,
 * order the pages by their last use, latest first, and cut the list into layers:
 *
 *     latest   p | a b | c ... z | rest        C cuts, each behind a page; the `rest` is not
 *                                              resident, of the layers before it OPT holds a part
 *                                              that will prove right
 *
 * A reference to a page of the rest is a fault, and joins the two latest layers; any other is a
 * hit, and joins the page's layer with the next older one. The page then is the latest layer by
 * itself. With C+1 frames the cuts are the same and one more; so one number for each page, its
 * *label*, holds the cuts for every C: there is a cut behind a page with C >= label frames.
 *
 * A reference to page x: going from x to older pages, take each label that is smaller than all
 * before it (records: r0 of x, r1 > ... > rj). Then rj, the smallest label at or behind x, is
 * the reference's stack distance D; each record takes the place of the next one; D goes to the
 * page that was latest until now, whose label 1 goes to x, now the latest. A first touch has no
 * distance, and brings a new label instead of D.
 *
 * A forgotten page will never be referenced: OPT has given its frame away before any other's. So
 * forgetting changes nothing but that the page's next reference is a first touch, and that one
 * which makes no more pages live than ever before brings no new label: as many frames as pages were
 * live together never fault but on first touches.
 *
 * Source: layers: Koutsoupias and Papadimitriou, "Beyond competitive analysis", SIAM J. Comput.
 * 30(1), 2000, section 2, and Moruz and Negoescu, "Outperforming LRU via competitive analysis on
 * parametrized inputs for paging", SODA 2012. That stack distances of OPT can be had on line:
 * Belady and Palermo, "On-line measurement of paging behavior by the multivalued MIN algorithm",
 * IBM J. Res. Dev. 18(1), 1974; Bilardi, Ekanadham and Pattnaik, "Optimal on-line computation of
 * stack distances for MIN and OPT", Computing Frontiers 2017.
 * Differs: labels, which put the layers of all C into one list, are worked out here from the rules
 * for one C; tests hold them to OPT simulated at each size.
 */
#ifndef TIDE_CURVE_OPT_H
#define TIDE_CURVE_OPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "curve/histogram.h"
#include "pager/follow.h"

struct tide_opt_curve {
    struct tide_distances distances;

    uint32_t live, most_live; /* pages that are not forgotten; the most of them at any time */
    /* Slots stand for times of last use, ascending. One is in use while its page is live or it has
     * a label. */
    uint32_t *slot_of; /* by page */
    uint32_t *page_at; /* by slot; none: forgotten, or nothing is there */
    uint32_t *least;   /* labels as the leaves of a tree of minima */
    uint32_t slots;    /* there are, a power of two */
    uint32_t top;      /* slots in use are below it; top - 1 is the latest */
    size_t ids_cap;    /* of slot_of */
};

/* Zeroed storage is a valid start. */
void tide_opt_curve_fini(struct tide_opt_curve *c);
/* A piece of the stream; ids are below n_ids. */
TIDE_MUST_CHECK int tide_opt_curve_take(struct tide_opt_curve *c, const struct tide_page_ref *refs,
                                        size_t n, size_t n_ids, struct tide_error *e);

#endif
