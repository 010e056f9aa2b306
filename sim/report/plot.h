/* Figures, drawn by gnuplot: SVG for pages, SVG, PNG and PDF for papers.
 *
 * gnuplot is started without a shell and without the user's initialisation files, gets its script
 * and data through a pipe and gives the picture back through another, so no file of it is ever on
 * the disk. All texts of a figure reach gnuplot as single-quoted strings of a terminal that knows
 * no markup. The same figure gives the same bytes.
 *
 * Long series are thinned: the x axis as drawn is cut into TIDE_PLOT_BUCKETS strips, and of each
 * strip's points the first, lowest, highest and last are kept, so that no peak is lost. What was
 * left out is counted; whoever shows the figure has to say it.
 *
 * Callers ignore SIGPIPE (cli/ does): a gnuplot that ends early is then an error, not a signal.
 */
#ifndef TIDE_REPORT_PLOT_H
#define TIDE_REPORT_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "report/text.h"

enum { TIDE_PLOT_BUCKETS = 250 };

/* Colours that people with any colour vision tell apart (Okabe and Ito, "Color Universal Design",
 * 2008), each with a shape of its own for printing in grey. */
enum {
    TIDE_PLOT_HUES = 6,
    TIDE_PLOT_BLACK = TIDE_PLOT_HUES, /* the bound everything is measured by */
    TIDE_PLOT_GREY,                   /* the familiar reference */
    TIDE_PLOT_INKS
};

struct tide_plot_point {
    double x, y;
};

struct tide_plot_series {
    char *name; /* own copy */
    unsigned ink;
    bool dashed, line, marks; /* marks: a symbol at each point */
    struct tide_plot_point *points;
    size_t n, cap;
};

struct tide_plot {
    const char *x_name, *y_name; /* with units */
    bool log_x, log_y;           /* points at or below 0 are then left out and counted */
    bool from_zero;              /* a linear y axis begins at 0 */
    /* Bars instead of lines: a row of them for each name, lying, the first on top. A series' point
     * (r, v) is the bar of length v in row r; x_name belongs to the lengths. */
    const char *const *rows;
    size_t n_rows;
    bool stacked; /* series behind one another, not below one another */
    unsigned width, height;
    struct tide_plot_series *series;
    size_t n, cap;
};

/* A new series at the end; NULL: out of memory. Valid until the next one. */
struct tide_plot_series *tide_plot_add(struct tide_plot *p, const char *name, unsigned ink);
TIDE_MUST_CHECK int tide_plot_point(struct tide_plot_series *s, double x, double y,
                                    struct tide_error *e);
void tide_plot_fini(struct tide_plot *p);

struct tide_plot_drawn {
    size_t given, drawn; /* points */
    size_t not_positive; /* of those not drawn: no place on a logarithmic axis */
};

/* Sorts the points of every series by x, then leaves out what is said above. */
TIDE_MUST_CHECK int tide_plot_thin(struct tide_plot *p, struct tide_plot_drawn *out,
                                   struct tide_error *e);
/* The sentence that stands below a figure of which points were left out; "" otherwise. */
void tide_plot_say(const struct tide_plot_drawn *d, char *buf, size_t n);

enum tide_plot_format { TIDE_PLOT_SVG, TIDE_PLOT_PNG, TIDE_PLOT_PDF };

/* Appends the picture to `out`. TIDE_E_IO where gnuplot is missing (the remedy names the package)
 * or fails (the error has its words). */
TIDE_MUST_CHECK int tide_plot_draw(const struct tide_plot *p, enum tide_plot_format format,
                                   struct tide_text *out, struct tide_error *e);
/* The script alone, as gnuplot gets it. */
void tide_plot_script(const struct tide_plot *p, enum tide_plot_format format,
                      struct tide_text *out);

#endif
