/* The report: see html.h. Chapters, tables and the texts around the figures. */
#include "report/html.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "metrics/columns.h"
#include "report/html_parts.h"

enum { NAME = 160, FEW_RUNS = 12 };

/* ---- what the trace has ---- */

static int add_name(const char ***list, size_t *n, size_t *cap, const char *name,
                    struct tide_error *e)
{
    const char **all;

    for (size_t i = 0; i < *n; i++) {
        if (strcmp((*list)[i], name) == 0)
            return 0;
    }
    all = tide_grow(*list, cap, *n + 1, sizeof *all);
    if (all == NULL)
        return tide_nomem(e);
    *list = all;
    all[(*n)++] = name;
    return 0;
}

static void cut_slice(struct tide_html *h)
{
    struct tide_html_slice *s = &h->slice;

    *s = (struct tide_html_slice){.of = h->r->traces[h->trace].runs};
    if (s->of > FEW_RUNS && h->n_sizes > 1 && h->n_series > 1)
        s->size = h->sizes[(h->n_sizes - 1) / 2];
    for (size_t i = 0; i < h->r->n_runs && s->n < MOST_BARS; i++) {
        const struct tide_result_run *run = &h->r->runs[i];

        if (run->trace == h->trace && (s->size == NULL || strcmp(run->size, s->size) == 0))
            s->runs[s->n++] = i;
    }
}

static int open_trace(struct tide_html *h, size_t trace, struct tide_error *e)
{
    int rc = 0;

    h->trace = trace;
    h->n_series = h->n_sizes = 0;
    for (size_t i = 0; i < h->r->n_runs && rc == 0; i++) {
        const struct tide_result_run *run = &h->r->runs[i];

        if (run->trace != trace)
            continue;
        rc = add_name(&h->series, &h->n_series, &h->cap_series, run->series, e);
        if (rc == 0)
            rc = add_name(&h->sizes, &h->n_sizes, &h->cap_sizes, run->size, e);
    }
    if (rc == 0)
        cut_slice(h);
    return rc;
}

void tide_html_run_name(const struct tide_html *h, const struct tide_result_run *run, char *buf,
                        size_t n)
{
    bool size = h->slice.size == NULL && h->n_sizes > 1;
    bool series = h->n_series > 1 || !size;

    snprintf(buf, n, "%s%s%s", series ? run->series : "", series && size ? ", " : "",
             size ? run->size : "");
}

static void say_slice(struct tide_html *h)
{
    const struct tide_html_slice *s = &h->slice;

    if (s->size != NULL && s->n == MOST_BARS)
        tide_page_paragraph(&h->page, "",
                            "Shown: the first %zu runs with %s, the middle one of %zu memory "
                            "sizes. The trace has %zu runs; all are in the CSV files.",
                            s->n, s->size, h->n_sizes, s->of);
    else if (s->size != NULL)
        tide_page_paragraph(&h->page, "",
                            "Shown: the %zu runs with %s, the middle one of %zu memory sizes. The "
                            "trace has %zu runs; all are in the CSV files.",
                            s->n, s->size, h->n_sizes, s->of);
    else if (s->n < s->of)
        tide_page_paragraph(&h->page, "",
                            "Shown: the first %zu of the trace's %zu runs; all are in the CSV "
                            "files.",
                            s->n, s->of);
}

/* ---- numbers ---- */

/* 1234567 as "1,234,567"; "" for NaN. */
static const char *grouped(double v, char buf[static 48])
{
    char digits[32];
    size_t n, used = 0;

    buf[0] = '\0';
    if (isnan(v))
        return buf;
    n = (size_t)snprintf(digits, sizeof digits, "%.0f", fabs(v) < 1e18 ? v : 1e18);
    for (size_t i = 0; i < n; i++) {
        buf[used++] = digits[i];
        if (n - i > 1 && (n - i - 1) % 3 == 0 && digits[i] != '-')
            buf[used++] = ',';
    }
    buf[used] = '\0';
    return buf;
}

static void number_cell(struct tide_html *h, enum tide_result table, size_t row, const char *column)
{
    const char *cell = tide_results_cell(h->r, table, row, column);
    double v = tide_results_number(h->r, table, row, column);
    char text[48];

    if (strchr(cell, '.') != NULL)
        tide_page_cell(&h->page, "", fabs(v) >= 100 ? "%.1f" : "%.5f", v);
    else
        tide_page_cell(&h->page, "", "%s", grouped(v, text));
}

/* ---- distance to OPT ---- */

static const char *shade(double ratio)
{
    return ratio <= 1.02   ? "g0"
           : ratio <= 1.1  ? "g1"
           : ratio <= 1.25 ? "g2"
           : ratio <= 1.5  ? "g3"
           : ratio <= 2    ? "g4"
           : ratio <= 3    ? "g5"
                           : "g6";
}

static void ratio_cell(struct tide_page *p, double ratio)
{
    if (isnan(ratio))
        tide_page_cell(p, "", "%s", "");
    else
        tide_page_cell(p, shade(ratio), ratio < 10 ? "%.2f" : "%.1f", ratio);
}

/* The run of a trace by series and size; NULL: none. */
static const struct tide_result_run *find_run(const struct tide_results *r, size_t trace,
                                              const char *series, const char *size)
{
    for (size_t i = 0; i < r->n_runs; i++) {
        if (r->runs[i].trace == trace && strcmp(r->runs[i].series, series) == 0 &&
            strcmp(r->runs[i].size, size) == 0)
            return &r->runs[i];
    }
    return NULL;
}

/* Faults as a multiple of OPT's; NaN where either is missing. */
static double to_opt(const struct tide_results *r, const struct tide_result_run *run)
{
    double opt = run != NULL ? tide_html_opt_faults(r, run) : NAN;

    return opt > 0 ? run->faults / opt : NAN;
}

static bool has_opt(const struct tide_html *h, size_t trace)
{
    for (size_t i = 0; i < h->r->n_runs; i++) {
        const struct tide_result_run *run = &h->r->runs[i];

        if (run->trace == trace && strcmp(run->policy, "opt") != 0 && !isnan(to_opt(h->r, run)))
            return true;
    }
    return false;
}

static void opt_row(struct tide_html *h)
{
    tide_page_row(&h->page);
    tide_page_cell(&h->page, "t", "OPT's faults");
    for (size_t k = 0; k < h->n_sizes; k++) {
        double faults = NAN;
        char text[48];

        for (size_t i = 0; i < h->n_series && isnan(faults); i++) {
            const struct tide_result_run *run = find_run(h->r, h->trace, h->series[i], h->sizes[k]);

            faults = run != NULL ? tide_html_opt_faults(h->r, run) : NAN;
        }
        tide_page_cell(&h->page, "", "%s", grouped(faults, text));
    }
}

static void opt_table(struct tide_html *h)
{
    struct tide_page *p = &h->page;

    tide_page_section(p, "Distance to OPT");
    tide_page_paragraph(p, "",
                        "Faults as a multiple of OPT's with the same frames: 1.00 is the best "
                        "possible, 2.00 twice as many. Darker is farther away.%s",
                        h->r->traces[h->trace].many_pages
                            ? " The counts of OPT are those of the first page size."
                            : "");
    tide_page_table(p);
    tide_page_row(p);
    tide_page_cell(p, "t h", "memory");
    for (size_t k = 0; k < h->n_sizes; k++)
        tide_page_cell(p, "h", "%s", h->sizes[k]);
    opt_row(h);
    for (size_t i = 0; i < h->n_series; i++) {
        bool any = false;

        for (size_t k = 0; k < h->n_sizes && !any; k++) {
            const struct tide_result_run *run = find_run(h->r, h->trace, h->series[i], h->sizes[k]);

            any = run != NULL && strcmp(run->policy, "opt") != 0 && !isnan(to_opt(h->r, run));
        }
        if (!any)
            continue;
        tide_page_row(p);
        tide_page_cell(p, "t", "%s", h->series[i]);
        for (size_t k = 0; k < h->n_sizes; k++)
            ratio_cell(p, to_opt(h->r, find_run(h->r, h->trace, h->series[i], h->sizes[k])));
    }
    tide_page_table_end(p);
}

/* Geometric mean over the sizes of faults as a multiple of OPT's; NaN where no size has both. */
struct mean {
    double logs;
    size_t n;
};

static void add_to_mean(struct mean *m, const struct tide_html *h, size_t trace, const char *series)
{
    for (size_t i = 0; i < h->r->n_runs; i++) {
        const struct tide_result_run *run = &h->r->runs[i];
        double ratio;

        if (run->trace != trace || strcmp(run->series, series) != 0 ||
            strcmp(run->policy, "opt") == 0)
            continue;
        ratio = to_opt(h->r, run);
        if (!isnan(ratio) && ratio > 0) {
            m->logs += log(ratio);
            m->n++;
        }
    }
}

static double mean_of(const struct mean *m)
{
    return m->n > 0 ? exp(m->logs / (double)m->n) : NAN;
}

/* The name without what the formats add: a column of nine traces has to fit on a page. */
static void short_name(const char *trace, char buf[static NAME])
{
    const char *slash = strrchr(trace, '/');
    char *dot;

    snprintf(buf, NAME, "%.*s", NAME - 1, slash != NULL ? slash + 1 : trace);
    dot = strchr(buf + (buf[0] == '.'), '.');
    if (dot != NULL)
        *dot = '\0';
}

static int at_a_glance(struct tide_html *h, struct tide_error *e)
{
    struct tide_page *p = &h->page;
    const char **series = NULL;
    size_t n = 0, cap = 0, traces = 0;
    int rc = 0;

    for (size_t t = 0; t < h->r->n_traces; t++)
        traces += has_opt(h, t);
    if (traces < 2)
        return 0;
    for (size_t i = 0; i < h->r->n_runs && rc == 0; i++) {
        if (strcmp(h->r->runs[i].policy, "opt") != 0)
            rc = add_name(&series, &n, &cap, h->r->runs[i].series, e);
    }
    tide_page_section(p, "Distance to OPT, all traces");
    tide_page_paragraph(p, "",
                        "Faults as a multiple of OPT's with the same frames, geometric mean over "
                        "the memory sizes: 1.00 is the best possible. Darker is farther away.");
    tide_page_table(p);
    tide_page_row(p);
    tide_page_cell(p, "t h", "%s", "");
    for (size_t t = 0; t < h->r->n_traces; t++) {
        char name[NAME];

        short_name(h->r->traces[t].title, name);
        tide_page_cell(p, "h", "%s", name);
    }
    tide_page_cell(p, "h", "all");
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct mean all = {0};

        tide_page_row(p);
        tide_page_cell(p, "t", "%s", series[i]);
        for (size_t t = 0; t < h->r->n_traces; t++) {
            struct mean one = {0};

            add_to_mean(&one, h, t, series[i]);
            add_to_mean(&all, h, t, series[i]);
            ratio_cell(p, mean_of(&one));
        }
        ratio_cell(p, mean_of(&all));
    }
    tide_page_table_end(p);
    free(series);
    return rc;
}

/* ---- memory ---- */

/* The last row of buddy.csv of a run, zone and order, which is the state at the run's end. */
static size_t last_buddy_row(const struct tide_html *h, size_t run, const char *zone, size_t order)
{
    size_t row = tide_results_first(h->r, TIDE_RESULT_BUDDY, run), found = TIDE_NO_COLUMN;

    for (; row != TIDE_NO_COLUMN; row = tide_results_next(h->r, TIDE_RESULT_BUDDY, row)) {
        if (strcmp(tide_results_cell(h->r, TIDE_RESULT_BUDDY, row, "zone"), zone) == 0 &&
            tide_results_number(h->r, TIDE_RESULT_BUDDY, row, "order") == (double)order)
            found = row;
    }
    return found;
}

enum { MOST_ORDERS = 24 };

static size_t count_orders(const struct tide_html *h)
{
    double highest = -1;

    for (size_t i = 0; i < h->slice.n; i++) {
        size_t row = tide_results_first(h->r, TIDE_RESULT_BUDDY, h->slice.runs[i]);

        for (; row != TIDE_NO_COLUMN; row = tide_results_next(h->r, TIDE_RESULT_BUDDY, row))
            highest = fmax(highest, tide_results_number(h->r, TIDE_RESULT_BUDDY, row, "order"));
    }
    return highest < MOST_ORDERS ? (size_t)(highest + 1) : MOST_ORDERS;
}

static void buddy_row(struct tide_html *h, size_t run, const char *zone, size_t orders, bool blocks)
{
    struct tide_page *p = &h->page;
    char name[NAME];

    tide_html_run_name(h, &h->r->runs[run], name, sizeof name);
    tide_page_row(p);
    tide_page_cell(p, "t", "%s", name);
    tide_page_cell(p, "t", "%s", zone);
    for (size_t order = 0; order < orders; order++) {
        size_t row = last_buddy_row(h, run, zone, order);
        double v = row == TIDE_NO_COLUMN
                       ? NAN
                       : tide_results_number(h->r, TIDE_RESULT_BUDDY, row,
                                             blocks ? "free_blocks" : "unusable_index");
        char text[48];

        if (blocks)
            tide_page_cell(p, "", "%s", grouped(v, text));
        else if (isnan(v))
            tide_page_cell(p, "", "%s", "");
        else
            tide_page_cell(p, "", "%.3f", v);
    }
}

static int buddy_table(struct tide_html *h, size_t orders, bool blocks, struct tide_error *e)
{
    struct tide_page *p = &h->page;
    int rc = 0;

    tide_page_paragraph(p, "",
                        blocks
                            ? "Free blocks of each order at the end of the run; a block of order n "
                              "is 2^n frames in a row."
                            : "Unusable free space: the share of the free memory that a request of "
                              "this order can't use, because it lies in smaller blocks. 0 is no "
                              "fragmentation; 1 means that such a request would fail.");
    tide_page_table(p);
    tide_page_row(p);
    tide_page_cell(p, "t h", "run");
    tide_page_cell(p, "t h", "zone");
    for (size_t order = 0; order < orders; order++)
        tide_page_cell(p, "h", "%zu", order);
    for (size_t i = 0; i < h->slice.n && rc == 0; i++) {
        size_t run = h->slice.runs[i], row = tide_results_first(h->r, TIDE_RESULT_BUDDY, run);
        const char **zones = NULL;
        size_t n = 0, cap = 0;

        for (; row != TIDE_NO_COLUMN && rc == 0;
             row = tide_results_next(h->r, TIDE_RESULT_BUDDY, row))
            rc = add_name(&zones, &n, &cap, tide_results_cell(h->r, TIDE_RESULT_BUDDY, row, "zone"),
                          e);
        for (size_t z = 0; z < n; z++)
            buddy_row(h, run, zones[z], orders, blocks);
        free(zones);
    }
    tide_page_table_end(p);
    return rc;
}

static void slab_table(struct tide_html *h)
{
    static const char *const columns[] = {"object_bytes",   "order",         "objects_per_slab",
                                          "active_objects", "total_objects", "slabs"};
    struct tide_page *p = &h->page;

    tide_page_table(p);
    tide_page_row(p);
    tide_page_cell(p, "t h", "run");
    tide_page_cell(p, "t h", "cache");
    for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++)
        tide_page_cell(p, "h", "%s", columns[k]);
    for (size_t i = 0; i < h->slice.n; i++) {
        size_t run = h->slice.runs[i], row = tide_results_first(h->r, TIDE_RESULT_SLAB, run);
        char name[NAME];

        tide_html_run_name(h, &h->r->runs[run], name, sizeof name);
        for (; row != TIDE_NO_COLUMN; row = tide_results_next(h->r, TIDE_RESULT_SLAB, row)) {
            tide_page_row(p);
            tide_page_cell(p, "t", "%s", name);
            tide_page_cell(p, "t", "%s", tide_results_cell(h->r, TIDE_RESULT_SLAB, row, "cache"));
            for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++)
                number_cell(h, TIDE_RESULT_SLAB, row, columns[k]);
            name[0] = '\0'; /* once a run */
        }
    }
    tide_page_table_end(p);
}

static bool slice_has(const struct tide_html *h, enum tide_result table)
{
    for (size_t i = 0; i < h->slice.n; i++) {
        if (tide_results_first(h->r, table, h->slice.runs[i]) != TIDE_NO_COLUMN)
            return true;
    }
    return false;
}

static int memory_section(struct tide_html *h, struct tide_error *e)
{
    bool buddy = slice_has(h, TIDE_RESULT_BUDDY), slab = slice_has(h, TIDE_RESULT_SLAB);
    size_t orders = buddy ? count_orders(h) : 0;
    int rc = 0;

    if (!buddy && !slab)
        return 0;
    tide_page_section(&h->page, "Physical memory");
    tide_page_raw(&h->page, "<details><summary>Buddy allocator and slab caches at the end of the "
                            "runs</summary>\n");
    say_slice(h);
    if (buddy) {
        rc = buddy_table(h, orders, true, e);
        if (rc == 0)
            rc = buddy_table(h, orders, false, e);
    }
    if (slab) {
        tide_page_paragraph(&h->page, "",
                            "Slab caches: objects of the kernel, packed into slabs of 2^order "
                            "frames. Objects that are not active are room that slabs hold "
                            "already.");
        slab_table(h);
    }
    tide_page_raw(&h->page, "</details>\n");
    return rc;
}

/* ---- all runs ---- */

static void runs_table(struct tide_html *h)
{
    static const char *const columns[] = {
        "frames",    "faults",     "fault_ratio", "faults_minor", "faults_major",
        "evictions", "writebacks", "tlb_misses",  "walk_refs",    "eat_cycles"};
    struct tide_page *p = &h->page;
    char text[160];

    snprintf(text, sizeof text,
             "<details><summary>All %zu runs of this trace, as in summary.csv</summary>\n",
             h->slice.of);
    tide_page_raw(p, text);
    tide_page_table(p);
    tide_page_row(p);
    tide_page_cell(p, "t h", "run");
    tide_page_cell(p, "t h", "series");
    tide_page_cell(p, "h", "memory");
    for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++)
        tide_page_cell(p, "h", "%s", columns[k]);
    tide_page_cell(p, "t h", "status");
    for (size_t i = 0; i < h->r->n_runs; i++) {
        const struct tide_result_run *run = &h->r->runs[i];

        if (run->trace != h->trace)
            continue;
        tide_page_row(p);
        tide_page_cell(p, "t", "%s", run->id);
        tide_page_cell(p, "t", "%s", run->series);
        tide_page_cell(p, "", "%s", run->size);
        for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++)
            number_cell(h, TIDE_RESULT_SUMMARY, run->row, columns[k]);
        tide_page_cell(p, "t", "%s",
                       tide_results_cell(h->r, TIDE_RESULT_SUMMARY, run->row, "status"));
    }
    tide_page_table_end(p);
    tide_page_raw(p, "</details>\n");
}

/* ---- a trace's chapter ---- */

typedef int figures_of(struct tide_html *h, struct tide_error *e);

/* A section, if it has figures at all. */
static int figures(struct tide_html *h, const char *title, bool by_slice, figures_of *make,
                   struct tide_error *e)
{
    unsigned n = h->page.figures, sections = h->page.sections;
    size_t length = h->page.body.n;
    int rc;

    if (!h->plots)
        return 0;
    tide_page_section(&h->page, title);
    if (by_slice)
        say_slice(h);
    tide_page_figures(&h->page);
    rc = make(h, e);
    tide_page_figures_end(&h->page);
    if (h->page.figures == n) {
        tide_text_cut(&h->page.body, length);
        h->page.sections = sections;
    }
    return rc;
}

static const struct tide_json_value *trace_of_json(const struct tide_html *h, size_t trace)
{
    const struct tide_json_doc *d = &h->r->run_json;
    const struct tide_json_value *v;

    if (d->n == 0 || h->r->traces[trace].runs == 0)
        return NULL;
    v = tide_json_first(d, tide_json_member(d, d->values, "traces"));
    for (size_t k = 0; k < h->r->traces[trace].index && v != NULL; k++)
        v = tide_json_next(d, v);
    return v;
}

static int trace_chapter(struct tide_html *h, struct tide_error *e)
{
    const struct tide_result_trace *t = &h->r->traces[h->trace];
    const char *command = tide_json_text(&h->r->run_json, trace_of_json(h, h->trace), "command");
    int rc;

    tide_page_chapter(&h->page, t->title);
    if (command[0] != '\0')
        tide_page_paragraph(&h->page, "", "The trace of: %s", command);
    rc = figures(h, "Miss curves", false, tide_html_miss_curves, e);
    if (rc == 0 && has_opt(h, h->trace))
        opt_table(h);
    if (rc == 0)
        rc = figures(h, "Working sets and reuse", false, tide_html_working_set, e);
    if (rc == 0)
        rc = figures(h, "Over time", true, tide_html_over_time, e);
    if (rc == 0)
        rc = figures(h, "Fault kinds", true, tide_html_fault_kinds, e);
    if (rc == 0)
        rc = figures(h, "TLB", true, tide_html_tlb_misses, e);
    if (rc == 0)
        rc = memory_section(h, e);
    if (rc == 0 && t->runs > 0)
        runs_table(h);
    return rc;
}

/* ---- the first and the last chapters ---- */

static void traces_table(struct tide_html *h)
{
    static const char *const columns[] = {"accesses", "references", "distinct_pages"};
    struct tide_page *p = &h->page;

    tide_page_table(p);
    tide_page_row(p);
    tide_page_cell(p, "t h", "trace");
    tide_page_cell(p, "h", "runs");
    for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++)
        tide_page_cell(p, "h", "%s", columns[k]);
    tide_page_cell(p, "t h", "program");
    for (size_t t = 0; t < h->r->n_traces; t++) {
        const struct tide_result_run *run = NULL;

        for (size_t i = 0; i < h->r->n_runs && run == NULL; i++)
            run = h->r->runs[i].trace == t ? &h->r->runs[i] : NULL;
        tide_page_row(p);
        tide_page_cell(p, "t", "%s", h->r->traces[t].title);
        tide_page_cell(p, "", "%zu", h->r->traces[t].runs);
        for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
            if (run != NULL)
                number_cell(h, TIDE_RESULT_SUMMARY, run->row, columns[k]);
            else
                tide_page_cell(p, "", "%s", "");
        }
        tide_page_cell(p, "t w", "%s",
                       tide_json_text(&h->r->run_json, trace_of_json(h, t), "command"));
    }
    tide_page_table_end(p);
    for (size_t t = 0; t < h->r->n_traces; t++) {
        if (h->r->traces[t].many_pages) {
            tide_page_paragraph(p, "",
                                "References and distinct pages are those of the first page size.");
            return;
        }
    }
}

/* What did not end well is said first. */
static void warn_of_status(struct tide_html *h)
{
    static const struct {
        const char *status, *what;
    } known[] = {
        {"partial", "stopped where the trace is damaged; their numbers are of what was read"},
        {"oom", "ran out of memory; their numbers are of what came before"},
    };

    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        size_t n = 0;

        for (size_t i = 0; i < h->r->n_runs; i++)
            n += strcmp(tide_results_cell(h->r, TIDE_RESULT_SUMMARY, h->r->runs[i].row, "status"),
                        known[k].status) == 0;
        if (n > 0)
            tide_page_paragraph(&h->page, "note", "%zu of %zu runs (status %s) %s.", n,
                                h->r->n_runs, known[k].status, known[k].what);
    }
}

static void say_absent(struct tide_html *h)
{
    char list[256] = "";
    size_t used = 0;

    for (size_t t = 0; t < TIDE_RESULTS; t++) {
        if (h->r->tables[t].rows == 0)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "",
                                     tide_results_file((enum tide_result)t));
    }
    if (used > 0)
        tide_page_paragraph(&h->page, "",
                            "Not on this page, because the folder has no rows of it: %s.", list);
    if (h->r->tables[TIDE_RESULT_TIMELINE].rows == 0 && h->r->n_runs > 0)
        tide_page_paragraph(&h->page, "",
                            "With output: {interval: 100K} in the configuration, the page shows "
                            "faults and working sets over time.");
    if (!h->plots)
        tide_page_paragraph(&h->page, "", "Made without plots: tables only.");
}

static int overview(struct tide_html *h, struct tide_error *e)
{
    tide_page_chapter(&h->page, "Overview");
    warn_of_status(h);
    traces_table(h);
    say_absent(h);
    return at_a_glance(h, e);
}

/* The next line of *text, which moves on; false at the end. */
static bool next_line(const char **text, const char **line, size_t *n)
{
    *line = *text;
    *n = strcspn(*text, "\n");
    *text += *n + ((*text)[*n] == '\n');
    return *n > 0 || **text != '\0';
}

static bool has_line(const char *text, const char *line, size_t n)
{
    const char *other;
    size_t m;

    while (next_line(&text, &other, &m)) {
        if (m == n && memcmp(other, line, n) == 0)
            return true;
    }
    return false;
}

/* A line that every machine has. */
static bool common(const struct tide_json_doc *d, const struct tide_json_value *machines,
                   const char *line, size_t n)
{
    const struct tide_json_value *v = tide_json_first(d, machines);

    for (; v != NULL; v = tide_json_next(d, v)) {
        if (!has_line(tide_json_text(d, v, "resolved"), line, n))
            return false;
    }
    return true;
}

static int configuration(struct tide_html *h, struct tide_error *e)
{
    const struct tide_json_doc *d = &h->r->run_json;
    const struct tide_json_value *machines = tide_json_member(d, d->values, "machines");
    const struct tide_json_value *v = tide_json_first(d, machines);
    struct tide_page *p = &h->page;
    struct tide_text same = {0};
    const char *text, *line;
    size_t n, number = 0;

    tide_page_chapter(p, "Configuration");
    if (v == NULL) {
        tide_page_paragraph(p, "", "The folder has no run.json, which says what was run.");
        return 0;
    }
    for (text = tide_json_text(d, v, "resolved"); next_line(&text, &line, &n);) {
        if (common(d, machines, line, n)) {
            tide_text_add(&same, line, n);
            tide_text_add(&same, "\n", 1);
        }
    }
    tide_page_paragraph(p, "", "%s",
                        tide_json_next(d, v) != NULL
                            ? "What all machines have in common, with every default filled in:"
                            : "The machine, with every default filled in:");
    tide_page_preformatted(p, same.bytes != NULL ? same.bytes : "");
    if (tide_json_next(d, v) != NULL) {
        tide_page_raw(p, "<details><summary>What tells the machines apart</summary>\n");
        tide_page_table(p);
        tide_page_row(p);
        tide_page_cell(p, "h", "machine");
        tide_page_cell(p, "t h", "settings");
        for (; v != NULL; v = tide_json_next(d, v)) {
            struct tide_text own = {0};

            for (text = tide_json_text(d, v, "resolved"); next_line(&text, &line, &n);) {
                size_t blanks = strspn(line, " -");

                if (!common(d, machines, line, n))
                    tide_text_printf(&own, "%s%.*s", own.n > 0 ? "; " : "", (int)(n - blanks),
                                     line + blanks);
            }
            tide_page_row(p);
            tide_page_cell(p, "", "%zu", ++number);
            tide_page_cell(p, "t w", "%s", own.bytes != NULL ? own.bytes : "");
            p->body.failed |= own.failed;
            tide_text_fini(&own);
        }
        tide_page_table_end(p);
        tide_page_raw(p, "</details>\n");
    }
    p->body.failed |= same.failed;
    tide_text_fini(&same);
    return p->body.failed ? tide_nomem(e) : 0;
}

static void fact(struct tide_page *p, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    tide_page_row(p);
    tide_page_cell(p, "t h", "%s", name);
    tide_page_cell(p, "t w", "%s", value);
}

static int provenance(struct tide_html *h, struct tide_error *e)
{
    const struct tide_json_doc *d = &h->r->run_json;
    const struct tide_json_value *top = d->values, *v;
    const struct tide_json_value *host = tide_json_member(d, top, "host");
    struct tide_text command = {0}, system = {0};
    struct tide_page *p = &h->page;
    int rc;

    tide_page_chapter(p, "Provenance");
    v = tide_json_first(d, tide_json_member(d, top, "command"));
    for (; v != NULL; v = tide_json_next(d, v)) {
        bool plain =
            v->text[0] != '\0' && v->text[strcspn(v->text, " \t\n'\"\\$`*?;&|<>()#")] == '\0';

        tide_text_printf(&command, plain ? "%s%s" : "%s'%s'", command.n > 0 ? " " : "", v->text);
    }
    tide_text_printf(&system, "%s %s %s", tide_json_text(d, host, "system"),
                     tide_json_text(d, host, "release"), tide_json_text(d, host, "machine"));
    tide_page_table(p);
    fact(p, "command", command.bytes != NULL ? command.bytes : "");
    fact(p, "version of pagetide", tide_json_text(d, top, "version"));
    fact(p, "started", tide_json_text(d, top, "started"));
    fact(p, "ended", tide_json_text(d, top, "ended"));
    fact(p, "host", tide_json_text(d, host, "name"));
    fact(p, "system", system.n > 2 ? system.bytes : "");
    fact(p, "engine", tide_json_text(d, top, "engine"));
    fact(p, "threads", tide_json_text(d, top, "jobs"));
    tide_page_table_end(p);
    rc = command.failed || system.failed ? tide_nomem(e) : 0;
    tide_text_fini(&command);
    tide_text_fini(&system);
    v = tide_json_first(d, tide_json_member(d, top, "traces"));
    if (v == NULL)
        return rc;
    tide_page_paragraph(p, "", "Traces, with the CRC-32 and length of their inflated content:");
    tide_page_table(p);
    tide_page_row(p);
    tide_page_cell(p, "t h", "path");
    tide_page_cell(p, "t h", "format");
    tide_page_cell(p, "t h", "CRC-32");
    tide_page_cell(p, "h", "bytes");
    tide_page_cell(p, "t h", "damage");
    for (; v != NULL; v = tide_json_next(d, v)) {
        const struct tide_json_value *damage = tide_json_member(d, v, "damage");
        char text[48];

        tide_page_row(p);
        tide_page_cell(p, "t w", "%s", tide_json_text(d, v, "path"));
        tide_page_cell(p, "t", "%s", tide_json_text(d, v, "format"));
        tide_page_cell(p, "t", "%s", tide_json_text(d, v, "content_crc32"));
        tide_page_cell(p, "", "%s",
                       grouped(strtod(tide_json_text(d, v, "content_bytes"), NULL), text));
        tide_page_cell(p, "t w", "%s",
                       damage == NULL || damage->type == TIDE_JSON_NULL ? "none" : damage->text);
    }
    tide_page_table_end(p);
    return rc;
}

/* What the names on the page mean, from the same list as the files' headers. */
static void definitions(struct tide_html *h)
{
    struct tide_page *p = &h->page;

    tide_page_chapter(p, "Columns");
    tide_page_paragraph(p, "",
                        "Every number on this page is from the CSV files of the folder. Their "
                        "columns:");
    tide_page_raw(p, "<details><summary>Columns of the files</summary>\n");
    tide_page_table(p);
    for (size_t t = 0; t < TIDE_RESULTS; t++) {
        for (size_t k = 0; k < TIDE_TABLES; k++) {
            const struct tide_table_info *info = &tide_tables[k];
            size_t n = strlen(info->name);

            if (h->r->tables[t].rows == 0 ||
                strncmp(tide_results_file((enum tide_result)t), info->name, n) != 0 ||
                strcmp(tide_results_file((enum tide_result)t) + n, ".csv") != 0)
                continue;
            tide_page_row(p);
            tide_page_cell(p, "t h", "%s.csv", info->name);
            tide_page_cell(p, "t h", "unit");
            tide_page_cell(p, "t h", "a row is %s", info->row);
            for (size_t i = 0; i < info->n_columns; i++) {
                tide_page_row(p);
                tide_page_cell(p, "t", "%s", info->columns[i].name);
                tide_page_cell(p, "t", "%s", info->columns[i].unit);
                tide_page_cell(p, "t w", "%s", info->columns[i].definition);
            }
        }
    }
    tide_page_table_end(p);
    tide_page_raw(p, "</details>\n");
}

/* The experiment's name, else the folder's. */
static void title_of(const struct tide_results *r, char buf[static NAME])
{
    const char *name = tide_json_text(&r->run_json, r->run_json.values, "experiment");
    size_t n = strlen(r->dir), from;

    if (name[0] != '\0') {
        snprintf(buf, NAME, "%s", name);
        return;
    }
    while (n > 1 && r->dir[n - 1] == '/')
        n--;
    for (from = n; from > 0 && r->dir[from - 1] != '/';)
        from--;
    snprintf(buf, NAME, "%.*s", (int)(n - from), r->dir + from);
}

int tide_html_report(const struct tide_results *r, bool plots, struct tide_text *out,
                     struct tide_error *e)
{
    struct tide_html h = {.r = r, .plots = plots};
    char title[NAME], subtitle[NAME];
    int rc = overview(&h, e);

    for (size_t i = 0; i < r->n_traces && rc == 0; i++) {
        rc = open_trace(&h, i, e);
        if (rc == 0)
            rc = trace_chapter(&h, e);
    }
    if (rc == 0)
        rc = configuration(&h, e);
    if (rc == 0 && r->run_json.n > 0)
        rc = provenance(&h, e);
    if (rc == 0) {
        definitions(&h);
        title_of(r, title);
        snprintf(subtitle, sizeof subtitle, "Pagetide report: %zu run%s, %zu trace%s", r->n_runs,
                 r->n_runs == 1 ? "" : "s", r->n_traces, r->n_traces == 1 ? "" : "s");
        rc = tide_page_finish(&h.page, title, subtitle, out, e);
    }
    tide_page_fini(&h.page);
    free(h.series);
    free(h.sizes);
    return rc;
}
