/* A single figure from the columns of a CSV file.
 *
 * A file of results whose rows belong to runs may stand beside a summary.csv; its columns can then
 * be used as if they were the file's own, so that lines can be named by policy, not by run id.
 */
#ifndef TIDE_REPORT_CHART_H
#define TIDE_REPORT_CHART_H

#include "report/csv_read.h"
#include "report/plot.h"

enum { TIDE_CHART_LINES = 12 }; /* more can't be told apart */

struct tide_chart_filter {
    const char *column, *value;
};

struct tide_chart {
    const char *path;
    const char *x, *y; /* columns of numbers */
    const char *by;    /* a line for each value of this column; NULL: one line */
    const struct tide_chart_filter *where; /* rows must have all these values, */
    size_t n_where;                        /* as texts or as numbers */
    bool log_x, log_y;
};

struct tide_chart_left_out {
    size_t empty;  /* rows without x or y */
    size_t same_x; /* series with several points at one x: drawn without lines */
    struct tide_plot_drawn points;
};

/* Fills *plot, thinned and ready to be drawn, also after a failure to be freed with
 * tide_plot_fini(); names of axes are kept in *room. An unknown column or value is TIDE_E_USAGE
 * with the nearest one. */
struct tide_chart_room {
    char x[160], y[160];
};
TIDE_MUST_CHECK int tide_chart_make(const struct tide_chart *c, struct tide_plot *plot,
                                    struct tide_chart_room *room, struct tide_chart_left_out *out,
                                    struct tide_error *e);

#endif
