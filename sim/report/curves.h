/* From curves to rows of mrc, wss, wst and reuse.
 *
 * Where the rows go is the caller's business: one call before and one behind each row, so that
 * millions of them need no memory.
 */
#ifndef TIDE_REPORT_CURVES_H
#define TIDE_REPORT_CURVES_H

#include "curve/curves.h"
#include "report/csv.h"

struct tide_curve_rows {
    void *context;
    /* The row's place, begun up to (not with) TIDE_CURVE_FIRST_COLUMN */
    struct tide_csv *(*begin)(void *context, enum tide_table table);
    /* It is complete */
    int (*end)(void *context, enum tide_table table, struct tide_error *e);
};

enum { TIDE_CURVE_FIRST_COLUMN = 1 }; /* the trace's name stands before it, in all of the tables */

/* A table of curves, not of runs. */
bool tide_report_is_curve(enum tide_table table);

/* All rows of the curves that were asked for, but wst's. */
TIDE_MUST_CHECK int tide_report_curves(const struct tide_curves *c,
                                       const struct tide_curve_rows *rows, struct tide_error *e);
/* Rows of mrc for policies at sizes. */
TIDE_MUST_CHECK int tide_report_sizes(const struct tide_curves_config *c,
                                      const struct tide_size_table *sizes,
                                      const struct tide_curve_rows *rows, struct tide_error *e);
/* The rows of wst for one time: sizes by tau. */
TIDE_MUST_CHECK int tide_report_series(const struct tide_curves_config *c, uint64_t vtime,
                                       const uint64_t *taus, const uint64_t *pages, size_t n,
                                       const struct tide_curve_rows *rows, struct tide_error *e);

#endif
