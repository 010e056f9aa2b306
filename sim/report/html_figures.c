/* The report's figures: from rows to series, with what to say about them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "report/axis.h"
#include "report/html_parts.h"

enum {
    WIDTH = 520,
    WIDE = 1064,
    HEIGHT = 330,
    LONG_NAME = 30, /* bars with longer names need the whole width */
    SPAN_FOR_LOG = 20,
    NAME = 160,
    PAGE_SIZES = 8 /* told apart over time */
};

static const double MIB = 1024 * 1024;

/* ---- helpers ---- */

static const char *trace_name(const struct tide_html *h)
{
    return h->r->traces[h->trace].name;
}

/* An axis by the name of its column in one of the report's files. */
static const char *axis(enum tide_result table, const char *column, char buf[static NAME])
{
    tide_axis_name(tide_results_file(table), column, buf, NAME);
    return buf;
}

static int draw(struct tide_html *h, struct tide_plot *p, const char *what, const char *how,
                struct tide_error *e)
{
    struct tide_plot_drawn drawn;
    struct tide_text svg = {0};
    char left_out[256];
    int rc = tide_plot_thin(p, &drawn, e);

    if (rc == 0)
        rc = tide_plot_draw(p, TIDE_PLOT_SVG, &svg, e);
    if (rc == 0) {
        tide_plot_say(&drawn, left_out, sizeof left_out);
        tide_page_figure(&h->page, svg.bytes != NULL ? svg.bytes : "", p->width > WIDTH, what, how,
                         left_out);
    }
    tide_text_fini(&svg);
    return rc;
}

/* A series with a point for each row of a run, or of a curve's rows. */
static struct tide_plot_series *add(struct tide_plot *p, const char *name, unsigned ink,
                                    struct tide_error *e)
{
    struct tide_plot_series *s = tide_plot_add(p, name, ink);

    if (s == NULL)
        tide_nomem(e);
    return s;
}

/* The policy that is drawn in an ink of its own in every panel: black OPT, grey LRU. Only where one
 * series has it, for two black lines would be the same line to a reader. */
static unsigned special_ink(const struct tide_html *h, const char *series)
{
    static const char *const policies[] = {"opt", "lru"};

    for (unsigned k = 0; k < 2; k++) {
        const char *only = NULL;
        bool one = true;

        for (size_t i = 0; i < h->r->n_runs; i++) {
            const struct tide_result_run *run = &h->r->runs[i];

            if (run->trace != h->trace || strcmp(run->policy, policies[k]) != 0)
                continue;
            one &= only == NULL || strcmp(only, run->series) == 0;
            only = run->series;
        }
        if (only != NULL && one && strcmp(only, series) == 0)
            return TIDE_PLOT_BLACK + k;
    }
    return TIDE_PLOT_INKS;
}

/* Series are shown in panels of six, so that lines can be told apart; those with an ink of their
 * own are in each. */
struct panels {
    size_t n;        /* panels */
    size_t ordinary; /* series without an ink of their own */
};

static struct panels count_panels(const struct tide_html *h)
{
    struct panels p = {0};

    for (size_t i = 0; i < h->n_series; i++)
        p.ordinary += special_ink(h, h->series[i]) == TIDE_PLOT_INKS;
    p.n = p.ordinary == 0 ? 1 : (p.ordinary + TIDE_PLOT_HUES - 1) / TIDE_PLOT_HUES;
    return p;
}

/* The ink of a series in a panel; TIDE_PLOT_INKS: it is not in this one. */
static unsigned panel_ink(const struct tide_html *h, size_t series, size_t panel)
{
    unsigned ink = special_ink(h, h->series[series]);
    size_t before = 0;

    if (ink != TIDE_PLOT_INKS)
        return ink;
    for (size_t i = 0; i < series; i++)
        before += special_ink(h, h->series[i]) == TIDE_PLOT_INKS;
    return before / TIDE_PLOT_HUES == panel ? (unsigned)(before % TIDE_PLOT_HUES) : TIDE_PLOT_INKS;
}

static void panel_title(char *buf, size_t n, const char *what, size_t panel, size_t panels)
{
    if (panels > 1)
        snprintf(buf, n, "%s (%zu of %zu).", what, panel + 1, panels);
    else
        snprintf(buf, n, "%s.", what);
}

/* ---- miss curves ---- */

bool tide_html_next_curve(const struct tide_results *r, const char *trace, size_t *at,
                          struct tide_html_curve *out)
{
    size_t rows = r->tables[TIDE_RESULT_MRC].rows;

    while (*at < rows && strcmp(tide_results_cell(r, TIDE_RESULT_MRC, *at, "trace"), trace) != 0)
        ++*at;
    if (*at == rows)
        return false;
    *out = (struct tide_html_curve){
        .policy = tide_results_cell(r, TIDE_RESULT_MRC, *at, "policy"),
        .page_bytes = tide_results_number(r, TIDE_RESULT_MRC, *at, "page_bytes"),
        .first = *at,
    };
    while (*at < rows && strcmp(tide_results_cell(r, TIDE_RESULT_MRC, *at, "trace"), trace) == 0 &&
           strcmp(tide_results_cell(r, TIDE_RESULT_MRC, *at, "policy"), out->policy) == 0 &&
           tide_results_number(r, TIDE_RESULT_MRC, *at, "page_bytes") == out->page_bytes)
        ++*at;
    out->n = *at - out->first;
    return true;
}

/* mrc.csv has every number of frames from 1; beyond its end faults stay as they are. */
static double curve_faults(const struct tide_results *r, const struct tide_html_curve *c,
                           double frames)
{
    size_t row = c->first + (frames < (double)c->n ? (size_t)frames : c->n) - 1;

    if (frames < 1 || (frames <= (double)c->n &&
                       tide_results_number(r, TIDE_RESULT_MRC, row, "frames") != frames))
        return NAN;
    return tide_results_number(r, TIDE_RESULT_MRC, row, "faults");
}

double tide_html_opt_faults(const struct tide_results *r, const struct tide_result_run *run)
{
    struct tide_html_curve c;
    size_t at = 0;

    if (!run->fixed_frames)
        return NAN;
    for (size_t i = 0; i < r->n_runs; i++) {
        const struct tide_result_run *other = &r->runs[i];

        if (other->trace == run->trace && strcmp(other->policy, "opt") == 0 &&
            other->frames == run->frames && other->page_bytes == run->page_bytes &&
            other->references == run->references)
            return other->faults;
    }
    /* with a memory size, frames are the whole machine's, and user pages get fewer */
    while (!run->memory && tide_html_next_curve(r, r->traces[run->trace].name, &at, &c)) {
        if (strcmp(c.policy, "opt") == 0 && c.page_bytes == run->page_bytes)
            return curve_faults(r, &c, run->frames);
    }
    return NAN;
}

/* References of the trace at a page size, from one of its runs; NaN where it has none. */
static double references_of(const struct tide_html *h, double page_bytes)
{
    for (size_t i = 0; i < h->r->n_runs; i++) {
        const struct tide_result_run *run = &h->r->runs[i];

        if (run->trace == h->trace && run->page_bytes == page_bytes)
            return run->references;
    }
    return NAN;
}

static bool curves_have_references(const struct tide_html *h)
{
    struct tide_html_curve c;
    size_t at = 0;

    while (tide_html_next_curve(h->r, trace_name(h), &at, &c)) {
        if (isnan(references_of(h, c.page_bytes)))
            return false;
    }
    return true;
}

/* LRU's and OPT's curves stand in every panel; other policies of mrc.csv have some sizes only. */
static bool whole_curve(const char *policy)
{
    return strcmp(policy, "opt") == 0 || strcmp(policy, "lru") == 0;
}

static size_t count_sampled(const struct tide_html *h)
{
    struct tide_html_curve c;
    size_t at = 0, n = 0;

    while (tide_html_next_curve(h->r, trace_name(h), &at, &c))
        n += !whole_curve(c.policy);
    return n;
}

/* Of the policies with some sizes those of panel `sampled`; SIZE_MAX: none. */
static int add_curves(struct tide_html *h, struct tide_plot *p, size_t sampled, bool ratio,
                      struct tide_error *e)
{
    bool many_pages = h->r->traces[h->trace].many_pages;
    double first_pages = 0;
    struct tide_html_curve c;
    size_t at = 0, nth = 0;
    int rc = 0;

    while (tide_html_next_curve(h->r, trace_name(h), &at, &c)) {
        bool whole = whole_curve(c.policy);
        size_t place = whole ? 0 : nth++;
        unsigned ink = strcmp(c.policy, "opt") == 0 ? TIDE_PLOT_BLACK
                       : whole                      ? TIDE_PLOT_GREY
                                                    : (unsigned)(place % TIDE_PLOT_HUES);
        double references = ratio ? references_of(h, c.page_bytes) : 1;
        struct tide_plot_series *s;
        char name[NAME], pages[32];

        if (!whole && place / TIDE_PLOT_HUES != sampled)
            continue;
        tide_format_size((uint64_t)c.page_bytes, pages, sizeof pages);
        snprintf(name, sizeof name, "%.60s%s%s%s", c.policy, whole ? ", every size" : "",
                 many_pages ? ", page " : "", many_pages ? pages : "");
        s = add(p, name, ink, e);
        if (s == NULL)
            return TIDE_E_NOMEM;
        s->marks = !whole;
        first_pages = first_pages == 0 ? c.page_bytes : first_pages;
        s->dashed = c.page_bytes != first_pages;
        for (size_t row = c.first; row < c.first + c.n && rc == 0; row++) {
            double frames = tide_results_number(h->r, TIDE_RESULT_MRC, row, "frames");
            double faults = tide_results_number(h->r, TIDE_RESULT_MRC, row, "faults");

            rc = tide_plot_point(s, many_pages ? frames * c.page_bytes / MIB : frames,
                                 faults / references, e);
        }
        if (rc != 0)
            return rc;
    }
    return 0;
}

static bool curve_known(const struct tide_html *h, const char *policy)
{
    struct tide_html_curve c;
    size_t at = 0;

    while (tide_html_next_curve(h->r, trace_name(h), &at, &c)) {
        if (strcmp(c.policy, policy) == 0)
            return true;
    }
    return false;
}

static int add_runs(struct tide_html *h, struct tide_plot *p, size_t series, unsigned ink,
                    bool ratio, struct tide_error *e)
{
    struct tide_plot_series *s = add(p, h->series[series], ink, e);
    int rc = 0;

    if (s == NULL)
        return TIDE_E_NOMEM;
    s->marks = true;
    for (size_t i = 0; i < h->r->n_runs && rc == 0; i++) {
        const struct tide_result_run *run = &h->r->runs[i];
        double y = ratio ? run->fault_ratio : run->faults;

        if (run->trace != h->trace || strcmp(run->series, h->series[series]) != 0)
            continue;
        /* without frames of its own setting a run is a point, not a place on a curve; with the
         * whole curve there its runs are points on it */
        s->line &= run->fixed_frames && (ink < TIDE_PLOT_HUES || !curve_known(h, run->policy));
        if (!isnan(run->frames) && !isnan(y))
            rc = tide_plot_point(s,
                                 h->r->traces[h->trace].many_pages
                                     ? run->frames * run->page_bytes / MIB
                                     : run->frames,
                                 y, e);
    }
    return rc;
}

/* A logarithmic axis where the values are all positive and far apart. */
static bool wants_log(const struct tide_plot *p)
{
    double low = INFINITY, high = 0;

    for (size_t i = 0; i < p->n; i++) {
        for (size_t k = 0; k < p->series[i].n; k++) {
            low = fmin(low, p->series[i].points[k].y);
            high = fmax(high, p->series[i].points[k].y);
        }
    }
    return low > 0 && high / low >= SPAN_FOR_LOG;
}

static bool has_free_sizes(const struct tide_html *h)
{
    for (size_t i = 0; i < h->r->n_runs; i++) {
        if (h->r->runs[i].trace == h->trace && !h->r->runs[i].fixed_frames)
            return true;
    }
    return false;
}

static bool has_points(const struct tide_plot *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->series[i].n > 0)
            return true;
    }
    return false;
}

/* First the panels of runs, then those of other policies in mrc.csv. */
static int miss_panel(struct tide_html *h, size_t panel, size_t of_runs, size_t panels,
                      struct tide_error *e)
{
    bool ratio = h->n_series > 0 && curves_have_references(h);
    bool many_pages = h->r->traces[h->trace].many_pages;
    char x[NAME], y[NAME], what[NAME], how[900];
    struct tide_plot p = {.width = WIDTH, .height = HEIGHT};
    int rc = add_curves(h, &p, panel < of_runs ? SIZE_MAX : panel - of_runs, ratio, e);

    for (size_t i = 0; i < h->n_series && rc == 0 && panel < of_runs; i++) {
        unsigned ink = panel_ink(h, i, panel);

        if (ink != TIDE_PLOT_INKS)
            rc = add_runs(h, &p, i, ink, ratio, e);
    }
    p.x_name = many_pages ? "memory for user pages (MiB)" : axis(TIDE_RESULT_SUMMARY, "frames", x);
    p.y_name = axis(TIDE_RESULT_SUMMARY, ratio ? "fault_ratio" : "faults", y);
    p.log_y = wants_log(&p);
    p.from_zero = true;
    panel_title(what, sizeof what, "Miss curves", panel, panels);
    snprintf(how, sizeof how,
             "%s against memory; lower is better.%s%s%s%s Distances on this %s axis are %s.",
             ratio ? "Faults per reference" : "Faults",
             curve_known(h, "opt") || special_ink(h, "opt") == TIDE_PLOT_BLACK
                 ? " Black: OPT, which no policy with as many frames can beat."
                 : "",
             curve_known(h, "lru") || special_ink(h, "lru") == TIDE_PLOT_GREY ? " Grey: LRU." : "",
             h->r->tables[TIDE_RESULT_MRC].columns > 0 && curve_known(h, "lru")
                 ? " Lines without marks are exact at every size (mrc.csv)."
                 : "",
             has_free_sizes(h)
                 ? " A policy that sets its own number of frames is a single mark, at its mean "
                   "resident pages."
                 : "",
             p.log_y ? "logarithmic" : "linear", p.log_y ? "ratios" : "differences");
    if (rc == 0 && has_points(&p))
        rc = draw(h, &p, what, how, e);
    tide_plot_fini(&p);
    return rc;
}

int tide_html_miss_curves(struct tide_html *h, struct tide_error *e)
{
    size_t sampled = (count_sampled(h) + TIDE_PLOT_HUES - 1) / TIDE_PLOT_HUES;
    size_t of_runs = h->n_series == 0 && sampled > 0 ? 0 : count_panels(h).n;
    int rc = 0;

    for (size_t i = 0; i < of_runs + sampled && rc == 0; i++)
        rc = miss_panel(h, i, of_runs, of_runs + sampled, e);
    return rc;
}

/* ---- curves of working sets and reuse ---- */

/* The rows of the trace in a table of curves as series, one for each value of `by` (a number, or
 * page_bytes in the form of a size). `page`: only rows of that page size; NULL: all. */
static int add_rows(struct tide_html *h, struct tide_plot *p, enum tide_result table,
                    const char *x_column, const char *y_column, const char *by, bool by_size,
                    const char *page, const char *before, bool dashed, struct tide_error *e)
{
    const struct tide_csv_table *t = &h->r->tables[table];
    size_t first = p->n, current = 0;
    const char *last = NULL;
    int rc = 0;

    for (size_t row = 0; row < t->rows && rc == 0; row++) {
        const char *group = tide_results_cell(h->r, table, row, by);
        double x, y, bytes;

        if (strcmp(tide_results_cell(h->r, table, row, "trace"), trace_name(h)) != 0 ||
            (page != NULL && strcmp(tide_results_cell(h->r, table, row, "page_bytes"), page) != 0))
            continue;
        if (last == NULL || strcmp(last, group) != 0) {
            char name[NAME], size[32];

            snprintf(size, sizeof size, "%.30s", group);
            if (by_size && tide_csv_number(group, &bytes) && bytes >= 1)
                tide_format_size((uint64_t)bytes, size, sizeof size);
            snprintf(name, sizeof name, "%s%s", before, size);
            for (current = first; current < p->n && strcmp(p->series[current].name, name) != 0;)
                current++;
            if (current == p->n) {
                struct tide_plot_series *s =
                    add(p, name, (unsigned)((current - first) % TIDE_PLOT_HUES), e);

                if (s == NULL)
                    return TIDE_E_NOMEM;
                s->dashed = dashed || current - first >= TIDE_PLOT_HUES;
            }
            last = group;
        }
        x = tide_results_number(h->r, table, row, x_column);
        y = tide_results_number(h->r, table, row, y_column);
        if (!isnan(x) && !isnan(y))
            rc = tide_plot_point(&p->series[current], x, y, e);
    }
    return rc;
}

static int wss_figure(struct tide_html *h, const char *column, bool log_y, const char *what,
                      const char *how, struct tide_error *e)
{
    char x[NAME], y[NAME];
    struct tide_plot p = {.width = WIDTH,
                          .height = HEIGHT,
                          .x_name = axis(TIDE_RESULT_WSS, "tau_refs", x),
                          .y_name = axis(TIDE_RESULT_WSS, column, y),
                          .log_x = true,
                          .from_zero = true};
    bool vmin = strcmp(column, "wss_pages") == 0 &&
                tide_csv_find(&h->r->tables[TIDE_RESULT_WSS], "vmin_pages") != TIDE_NO_COLUMN;
    int rc = add_rows(h, &p, TIDE_RESULT_WSS, "tau_refs", column, "page_bytes", true, NULL, "page ",
                      false, e);

    if (rc == 0 && vmin)
        rc = add_rows(h, &p, TIDE_RESULT_WSS, "tau_refs", "vmin_pages", "page_bytes", true, NULL,
                      "VMIN, page ", true, e);
    p.log_y = log_y && wants_log(&p);
    if (rc == 0 && has_points(&p))
        rc = draw(h, &p, what, how, e);
    tide_plot_fini(&p);
    return rc;
}

static int reuse_figure(struct tide_html *h, struct tide_error *e)
{
    char x[NAME], y[NAME];
    struct tide_plot p = {.width = WIDTH,
                          .height = HEIGHT,
                          .x_name = axis(TIDE_RESULT_REUSE, "distance_pages", x),
                          .y_name = axis(TIDE_RESULT_REUSE, "references", y),
                          .log_x = true,
                          .from_zero = true};
    int rc = add_rows(h, &p, TIDE_RESULT_REUSE, "distance_pages", "references", "page_bytes", true,
                      NULL, "page ", false, e);

    p.log_y = wants_log(&p);
    if (rc == 0 && has_points(&p))
        rc = draw(h, &p, "Reuse distances.",
                  "How many different pages were touched since the last touch of the same page (1: "
                  "an immediate repeat). What stands right of a number of frames are LRU's faults "
                  "with that many frames; first touches have no distance and are not shown.",
                  e);
    tide_plot_fini(&p);
    return rc;
}

/* A series for each tau; where there are several page sizes, for each of these. */
static int add_windows(struct tide_html *h, struct tide_plot *p, struct tide_error *e)
{
    const struct tide_csv_table *t = &h->r->tables[TIDE_RESULT_WST];
    const char *pages[PAGE_SIZES];
    size_t n = 0;
    int rc = 0;

    if (tide_csv_find(t, "page_bytes") != TIDE_NO_COLUMN) {
        for (size_t row = 0; row < t->rows; row++) {
            const char *page = tide_results_cell(h->r, TIDE_RESULT_WST, row, "page_bytes");
            size_t k = 0;

            if (strcmp(tide_results_cell(h->r, TIDE_RESULT_WST, row, "trace"), trace_name(h)) != 0)
                continue;
            while (k < n && strcmp(pages[k], page) != 0)
                k++;
            if (k == n && n < PAGE_SIZES)
                pages[n++] = page;
        }
    }
    if (n < 2)
        return add_rows(h, p, TIDE_RESULT_WST, "vtime_refs", "wss_pages", "tau_refs", false, NULL,
                        "tau ", false, e);
    for (size_t k = 0; k < n && rc == 0; k++) {
        char size[32] = "", before[NAME];
        double bytes;

        if (tide_csv_number(pages[k], &bytes) && bytes >= 1)
            tide_format_size((uint64_t)bytes, size, sizeof size);
        snprintf(before, sizeof before, "page %s, tau ", size);
        rc = add_rows(h, p, TIDE_RESULT_WST, "vtime_refs", "wss_pages", "tau_refs", false, pages[k],
                      before, k > 0, e);
    }
    return rc;
}

static int wst_figure(struct tide_html *h, struct tide_error *e)
{
    char x[NAME], y[NAME];
    struct tide_plot p = {.width = WIDTH,
                          .height = HEIGHT,
                          .x_name = axis(TIDE_RESULT_WST, "vtime_refs", x),
                          .y_name = axis(TIDE_RESULT_WST, "wss_pages", y),
                          .from_zero = true};
    int rc = add_windows(h, &p, e);

    if (rc == 0 && has_points(&p))
        rc = draw(h, &p, "Working set W(t, tau) over time.",
                  "Different pages among the last tau references at each time. Steps are changes "
                  "of phase; a program whose line stays low fits into few frames.",
                  e);
    tide_plot_fini(&p);
    return rc;
}

int tide_html_working_set(struct tide_html *h, struct tide_error *e)
{
    int rc = wss_figure(h, "wss_pages", false, "Working-set curve.",
                        "Mean number of different pages in a window of tau references. Where the "
                        "curve is flat, a longer window finds no new pages: the program's locality "
                        "fits.",
                        e);

    if (rc == 0)
        rc = wss_figure(h, "miss_ratio", true, "Working-set miss ratio.",
                        "Share of references to pages that are not among the last tau references': "
                        "what a working-set policy with this window would fault.",
                        e);
    if (rc == 0)
        rc = wst_figure(h, e);
    return rc == 0 ? reuse_figure(h, e) : rc;
}

/* ---- over time ---- */

static int add_timeline(struct tide_html *h, struct tide_plot *p, size_t run, const char *column,
                        const char *name, unsigned ink, struct tide_error *e)
{
    struct tide_plot_series *s = add(p, name, ink, e);
    int rc = 0;

    if (s == NULL)
        return TIDE_E_NOMEM;
    for (size_t row = tide_results_first(h->r, TIDE_RESULT_TIMELINE, run);
         row != TIDE_NO_COLUMN && rc == 0; row = tide_results_next(h->r, TIDE_RESULT_TIMELINE, row))
        rc = tide_plot_point(s, tide_results_number(h->r, TIDE_RESULT_TIMELINE, row, "vtime_refs"),
                             tide_results_number(h->r, TIDE_RESULT_TIMELINE, row, column), e);
    return rc;
}

static struct tide_plot timeline_plot(const char *column, char x[static NAME], char y[static NAME])
{
    return (struct tide_plot){.width = WIDTH,
                              .height = HEIGHT,
                              .x_name = axis(TIDE_RESULT_TIMELINE, "vtime_refs", x),
                              .y_name = axis(TIDE_RESULT_TIMELINE, column, y),
                              .from_zero = true};
}

/* Faults by interval: the runs of the slice, six in a panel. */
static int faults_over_time(struct tide_html *h, struct tide_error *e)
{
    size_t panels = (h->slice.n + TIDE_PLOT_HUES - 1) / TIDE_PLOT_HUES;
    int rc = 0;

    for (size_t panel = 0; panel < panels && rc == 0; panel++) {
        char x[NAME], y[NAME], what[NAME], name[NAME];
        struct tide_plot p = timeline_plot("faults", x, y);

        for (size_t i = panel * TIDE_PLOT_HUES;
             i < h->slice.n && i < (panel + 1) * TIDE_PLOT_HUES && rc == 0; i++) {
            tide_html_run_name(h, &h->r->runs[h->slice.runs[i]], name, sizeof name);
            rc = add_timeline(h, &p, h->slice.runs[i], "faults", name,
                              (unsigned)(i % TIDE_PLOT_HUES), e);
        }
        panel_title(what, sizeof what, "Faults over time", panel, panels);
        if (rc == 0 && has_points(&p))
            rc = draw(h, &p, what,
                      "Faults in each interval of virtual time. Peaks that all lines share are the "
                      "program's changes of phase; where lines part, policies differ.",
                      e);
        tide_plot_fini(&p);
    }
    return rc;
}

/* The working set of an interval belongs to the trace, so one run of each page size shows it;
 * resident pages belong to runs. */
static int pages_over_time(struct tide_html *h, struct tide_error *e)
{
    char x[NAME], y[NAME], name[NAME];
    struct tide_plot p = timeline_plot("wss_pages", x, y);
    int rc = 0;

    for (size_t i = 0; i < h->slice.n && rc == 0; i++) {
        const struct tide_result_run *run = &h->r->runs[h->slice.runs[i]];
        bool shown = false;
        char pages[32];

        for (size_t k = 0; k < i && !shown; k++)
            shown = h->r->runs[h->slice.runs[k]].page_bytes == run->page_bytes;
        if (shown)
            continue;
        tide_format_size((uint64_t)run->page_bytes, pages, sizeof pages);
        snprintf(name, sizeof name, "page %s", pages);
        rc = add_timeline(h, &p, h->slice.runs[i], "wss_pages", name,
                          (unsigned)(p.n % TIDE_PLOT_HUES), e);
    }
    if (rc == 0 && has_points(&p))
        rc = draw(h, &p, "Working set by interval.",
                  "Different pages referenced in each interval: how much memory the program was "
                  "using at the time, whatever the policy.",
                  e);
    tide_plot_fini(&p);
    return rc;
}

static bool has_rows(const struct tide_html *h, enum tide_result table)
{
    for (size_t i = 0; i < h->slice.n; i++) {
        if (tide_results_first(h->r, table, h->slice.runs[i]) != TIDE_NO_COLUMN)
            return true;
    }
    return false;
}

int tide_html_over_time(struct tide_html *h, struct tide_error *e)
{
    int rc;

    if (!has_rows(h, TIDE_RESULT_TIMELINE))
        return 0;
    rc = pages_over_time(h, e);
    return rc == 0 ? faults_over_time(h, e) : rc;
}

/* ---- bars by run ---- */

struct bars {
    struct tide_plot plot;
    char names[MOST_BARS][NAME];
    const char *rows[MOST_BARS];
};

static void name_bars(const struct tide_html *h, struct bars *b)
{
    size_t longest = 0;

    for (size_t i = 0; i < h->slice.n; i++) {
        size_t n;

        tide_html_run_name(h, &h->r->runs[h->slice.runs[i]], b->names[i], NAME);
        b->rows[i] = b->names[i];
        n = strlen(b->names[i]);
        longest = n > longest ? n : longest;
    }
    b->plot.rows = b->rows;
    b->plot.n_rows = h->slice.n;
    b->plot.width = longest > LONG_NAME ? WIDE : WIDTH;
}

/* Space for names, keys and axis, and for each row its bars. */
static void size_bars(struct bars *b)
{
    size_t bars = b->plot.stacked || b->plot.n == 0 ? 1 : b->plot.n;

    b->plot.height = (unsigned)(110 + b->plot.n_rows * (bars * 9 + 9));
}

/* Adds v to the bar of `name` in row r. More kinds than inks go together as "other kinds". */
static int add_bar(struct bars *b, const char *name, size_t r, double v, struct tide_error *e)
{
    struct tide_plot_series *s = NULL;
    size_t i = 0;

    while (i < b->plot.n && strcmp(b->plot.series[i].name, name) != 0)
        i++;
    if (i == TIDE_PLOT_INKS)
        i--;
    if (i < b->plot.n) {
        s = &b->plot.series[i];
    } else {
        s = add(&b->plot, i == TIDE_PLOT_INKS - 1 ? "other kinds" : name, (unsigned)i, e);
        if (s == NULL)
            return TIDE_E_NOMEM;
    }
    if (s->n > 0 && s->points[s->n - 1].x == (double)r) {
        s->points[s->n - 1].y += v;
        return 0;
    }
    return tide_plot_point(s, (double)r, v, e);
}

static bool by_access(const char *kind)
{
    return strcmp(kind, "read") == 0 || strcmp(kind, "write") == 0 || strcmp(kind, "fetch") == 0;
}

/* faults.csv counts every fault twice, by where its data was and by access: two figures. */
static int kinds_figure(struct tide_html *h, bool access, const char *what, const char *how,
                        struct tide_error *e)
{
    struct bars b = {.plot = {.stacked = true, .x_name = "faults"}};
    int rc = 0;

    name_bars(h, &b);
    for (size_t i = 0; i < h->slice.n; i++) {
        size_t row = tide_results_first(h->r, TIDE_RESULT_FAULTS, h->slice.runs[i]);

        for (; row != TIDE_NO_COLUMN && rc == 0;
             row = tide_results_next(h->r, TIDE_RESULT_FAULTS, row)) {
            const char *kind = tide_results_cell(h->r, TIDE_RESULT_FAULTS, row, "kind");
            double count = tide_results_number(h->r, TIDE_RESULT_FAULTS, row, "count");

            if (by_access(kind) == access && count > 0)
                rc = add_bar(&b, kind, i, count, e);
        }
    }
    size_bars(&b);
    if (rc == 0 && has_points(&b.plot))
        rc = draw(h, &b.plot, what, how, e);
    tide_plot_fini(&b.plot);
    return rc;
}

int tide_html_fault_kinds(struct tide_html *h, struct tide_error *e)
{
    int rc = kinds_figure(h, false, "Faults by where the data was.",
                          "Minor faults need no input: the data is in memory or is made there. "
                          "Major ones wait for a disk; major_evicted pages had been in memory "
                          "before, so these are the ones that more memory or a better policy "
                          "saves.",
                          e);

    if (rc == 0)
        rc = kinds_figure(h, true, "Faults by access.",
                          "What the program was doing when it faulted. Pages faulted by writes "
                          "will have to be written back when they are evicted.",
                          e);
    return rc;
}

int tide_html_tlb_misses(struct tide_html *h, struct tide_error *e)
{
    struct bars b = {.plot = {.x_name = "misses per 1,000 references"}};
    int rc = 0;

    name_bars(h, &b);
    for (size_t i = 0; i < h->slice.n; i++) {
        size_t row = tide_results_first(h->r, TIDE_RESULT_TLB, h->slice.runs[i]);
        double references = h->r->runs[h->slice.runs[i]].references;

        for (; row != TIDE_NO_COLUMN && rc == 0 && references > 0;
             row = tide_results_next(h->r, TIDE_RESULT_TLB, row))
            rc = add_bar(
                &b, tide_results_cell(h->r, TIDE_RESULT_TLB, row, "level"), i,
                tide_results_number(h->r, TIDE_RESULT_TLB, row, "misses") * 1000 / references, e);
    }
    size_bars(&b);
    if (rc == 0 && has_points(&b.plot))
        rc = draw(h, &b.plot, "TLB misses by array.",
                  "Lookups that did not find their page, by array, per 1,000 references of the "
                  "run. A miss of the first level is looked up in the second; a miss of the last "
                  "costs a page walk. Evictions drop entries too, so little memory means more "
                  "misses.",
                  e);
    tide_plot_fini(&b.plot);
    return rc;
}
