/* What the files of the report share: see html.h. */
#ifndef TIDE_REPORT_HTML_PARTS_H
#define TIDE_REPORT_HTML_PARTS_H

#include "report/page.h"
#include "report/plot.h"
#include "report/results.h"

enum { MOST_BARS = 24 };

/* The runs of a trace that figures and tables by run show: all where they are few, else those of
 * the middle size. */
struct tide_html_slice {
    size_t runs[MOST_BARS];
    size_t n;
    size_t of;        /* runs of the trace */
    const char *size; /* the one size; NULL: all */
};

struct tide_html {
    const struct tide_results *r;
    struct tide_page page;
    bool plots;
    /* of the trace whose chapter is being written */
    size_t trace;
    struct tide_html_slice slice;
    const char **series; /* names, in order of their first run */
    size_t n_series, cap_series;
    const char **sizes; /* the same of sizes */
    size_t n_sizes, cap_sizes;
};

/* A contiguous part of mrc.csv: one trace, page size and policy. */
struct tide_html_curve {
    const char *policy;
    double page_bytes;
    size_t first, n; /* rows */
};

/* The next curve of the trace at or behind row *at of mrc.csv; *at moves behind it. */
bool tide_html_next_curve(const struct tide_results *r, const char *trace, size_t *at,
                          struct tide_html_curve *out);
/* Faults of OPT with the frames of a run: from a run, else from mrc.csv; NaN where neither is. */
double tide_html_opt_faults(const struct tide_results *r, const struct tide_result_run *run);
/* The name of a run of the slice: its series, its size, or both, whatever varies. */
void tide_html_run_name(const struct tide_html *h, const struct tide_result_run *run, char *buf,
                        size_t n);

/* Figures of the trace, each with its captions (html_figures.c). */
TIDE_MUST_CHECK int tide_html_miss_curves(struct tide_html *h, struct tide_error *e);
TIDE_MUST_CHECK int tide_html_working_set(struct tide_html *h, struct tide_error *e);
TIDE_MUST_CHECK int tide_html_over_time(struct tide_html *h, struct tide_error *e);
TIDE_MUST_CHECK int tide_html_fault_kinds(struct tide_html *h, struct tide_error *e);
TIDE_MUST_CHECK int tide_html_tlb_misses(struct tide_html *h, struct tide_error *e);

#endif
