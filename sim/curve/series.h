/* The working set over time: the size of W(t, tau) for some tau at the end of each interval.
 *
 * Each process has its pages in a list by last use, and for each tau a place in that list up to
 * which pages are inside the window; it moves towards the latest page as time goes on, so a
 * reference costs the same whatever tau is. Time is the process's own; a sample adds up the
 * processes, each at its own present. Intervals are of the merged stream, and begin behind the
 * warm-up.
 *
 * Source: Denning, "The working set model for program behavior", CACM 11(5), 1968.
 */
#ifndef TIDE_CURVE_SERIES_H
#define TIDE_CURVE_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "pager/follow.h"

struct tide_series_config {
    uint64_t interval; /* references; > 0 */
    const uint64_t *taus;
    size_t n_taus;
    void *context;
    /* The working sets at virtual time vtime (references since the warm-up), one for each tau */
    int (*sample)(void *context, uint64_t vtime, const uint64_t *pages, struct tide_error *e);
};

struct tide_series;

/* `taus` is lent. */
struct tide_series *tide_series_new(const struct tide_series_config *c, struct tide_error *e);
void tide_series_free(struct tide_series *s);
/* A piece of the stream; ids are below n_ids. */
TIDE_MUST_CHECK int tide_series_take(struct tide_series *s, const struct tide_page_ref *refs,
                                     size_t n, size_t n_ids, struct tide_error *e);
/* The stream is over: a last sample, where references stand behind the one before. */
TIDE_MUST_CHECK int tide_series_finish(struct tide_series *s, struct tide_error *e);

#endif
