/* Working sets at every window at once, exactly, from gaps between references to one page.
 *
 * W(t, tau) is the set of pages that a process has referenced within its last tau references, the
 * current one counted. Time is the process's own. A *gap* is the time from one reference to the
 * next one of the page, an *end gap* that from the last one to the end, N - u + 1 (or to where the
 * page is forgotten). With N references and m first touches, all of one process,
 *
 *     mean size      s(tau) = [sum min(tau, gap) + sum min(tau, end gap)] / N
 *     faults                = m + (number of gaps > tau)              of WS(tau) and VMIN(tau)
 *     VMIN mean size        = [sum of gaps <= tau + (number of gaps > tau) + m] / N
 *     footprint      f(tau) = mean number of different pages in all windows of tau references
 *
 * With several processes, s is the mean over all references of the size for the process that makes
 * it; f the mean over the windows of all. For f a page that is forgotten and touched again is the
 * same page. A warm-up's references fill windows; what counts are the
 * times behind it: a gap that began before has only the rest of its time there.
 *
 * Gaps are kept in a histogram whose bounds are the values of tau that are asked for, as number and
 * sum for each, so that results are exact there: every tau to 1024, then 64 for each doubling, and
 * the number of references.
 *
 * Source: Denning and Schwartz, "Properties of the working-set model", CACM 15(3), 1972; Slutz and
 * Traiger, "A note on the calculation of average working set size", CACM 17(10), 1974 (end gaps);
 * Prieve and Fabry, "VMIN", CACM 19(5), 1976; Xiang, Bao, Ding and Gao, "Linear-time modeling of
 * program working set in shared cache", PACT 2011 (footprint).
 */
#ifndef TIDE_CURVE_WINDOWS_H
#define TIDE_CURVE_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "pager/follow.h"

enum {
    TIDE_WINDOW_SINGLE = 1024, /* bounds one apart */
    TIDE_WINDOW_STEPS = 64,    /* in each doubling beyond */
    TIDE_WINDOW_BOUNDS = TIDE_WINDOW_SINGLE + 53 * TIDE_WINDOW_STEPS + 1
};

/* Number and sum of times, by bound: bucket k holds those that are above bound k-1, at most bound
 * k. */
struct tide_times {
    uint64_t number[TIDE_WINDOW_BOUNDS], sum[TIDE_WINDOW_BOUNDS];
};

struct tide_windows {
    struct tide_times gaps;     /* ended by a reference that counts */
    struct tide_times ends;     /* end gaps that reach behind the warm-up */
    struct tide_times before;   /* of these gaps and end gaps: the time up to the warm-up's end */
    struct tide_times crossing; /* those of `gaps` that began in the warm-up */
    struct tide_times reborn;   /* gaps in which the page was forgotten; for the footprint, */
    struct tide_times heads;    /* ... as times to the first reference that counts, */
    struct tide_times tails;    /* ... and from the last one */
    uint64_t vmin[TIDE_WINDOW_BOUNDS]; /* what VMIN keeps over gaps, beside the reference itself */
    uint64_t references, page_references; /* that count; of them those that touch a page */
    uint64_t firsts;
    uint64_t longest; /* of all times: references, the warm-up's too */

    uint64_t *last; /* by page: its process's time of the last use; 0: none */
    uint16_t *process_of;
    struct tide_window_process {
        uint64_t now, start; /* references; at the warm-up's end */
        uint64_t pages;      /* different ones behind it */
    } * processes;
    size_t ids_cap, owners_cap, processes_cap, n_processes;
};

/* Zeroed storage is a valid start; what is left here is not. */
void tide_windows_fini(struct tide_windows *w);
/* A piece of the stream; ids are below n_ids. */
TIDE_MUST_CHECK int tide_windows_take(struct tide_windows *w, const struct tide_page_ref *refs,
                                      size_t n, size_t n_ids, struct tide_error *e);
/* The stream is over, START was in it: end gaps. */
void tide_windows_finish(struct tide_windows *w);

/* What the curve says of one window size: sums to be divided. */
struct tide_window_point {
    uint64_t tau;
    uint64_t size_sum;               /* over all references: divide by `references` */
    uint64_t vmin_sum;               /* as well */
    uint64_t faults;                 /* of WS and VMIN */
    uint64_t gaps;                   /* that are above the tau before, at most this one */
    uint64_t footprint_sum, windows; /* different pages, added up over that many windows */
};

/* Calls f for each point, in order. */
TIDE_MUST_CHECK int tide_windows_points(const struct tide_windows *w,
                                        int (*f)(void *context, const struct tide_window_point *p,
                                                 struct tide_error *e),
                                        void *context, struct tide_error *e);

#endif
