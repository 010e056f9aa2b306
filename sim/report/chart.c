/* A figure from a CSV file: see chart.h. */
#include "report/chart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "report/axis.h"

enum { WIDTH = 640, HEIGHT = 400, MANY_MARKS = 40 };

struct source {
    struct tide_csv_table file, summary; /* summary: columns 0 where none belongs to the file */
    size_t file_run, summary_run;        /* the columns that join them */
    size_t last;                         /* row of summary of the last run asked for */
};

/* A column of the file, or one of summary.csv that its rows have through their run. */
struct column {
    bool joined;
    size_t at;
};

static int open_summary(struct source *s, const char *path, struct tide_error *e)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    char *summary;
    int rc = 0;

    s->file_run = tide_csv_find(&s->file, "run");
    if (s->file_run == TIDE_NO_COLUMN || strcmp(name, "summary.csv") == 0)
        return 0;
    summary = tide_asprintf("%.*ssummary.csv", (int)(name - path), path);
    if (summary == NULL)
        return tide_nomem(e);
    if (access(summary, F_OK) == 0) {
        rc = tide_csv_load(summary, &s->summary, e);
        if (rc == 0)
            rc = tide_csv_column(&s->summary, "run", TIDE_E_IO, &s->summary_run, e);
    }
    free(summary);
    return rc;
}

static int unknown_column(const struct source *s, const char *name, struct tide_error *e)
{
    struct tide_error of_summary;
    size_t at;
    int rc = tide_csv_column(&s->file, name, TIDE_E_USAGE, &at, e);

    /* a slip in a name of summary.csv is told only where the file has no name that is near */
    if (tide_nearest(name, s->file.cells, s->file.columns) == NULL && s->summary.columns > 0 &&
        tide_nearest(name, s->summary.cells, s->summary.columns) != NULL) {
        rc = tide_csv_column(&s->summary, name, TIDE_E_USAGE, &at, &of_summary);
        tide_error_remedy(e, "%s", of_summary.remedy);
    }
    return rc;
}

static int find(const struct source *s, const char *name, struct column *out, struct tide_error *e)
{
    *out = (struct column){.at = tide_csv_find(&s->file, name)};
    if (out->at != TIDE_NO_COLUMN)
        return 0;
    if (s->summary.columns > 0)
        *out = (struct column){.joined = true, .at = tide_csv_find(&s->summary, name)};
    return out->at != TIDE_NO_COLUMN ? 0 : unknown_column(s, name, e);
}

/* The row of summary.csv of a row's run. Both files have runs in one order, so the search begins
 * where the last one ended. */
static int summary_row(struct source *s, size_t row, struct tide_error *e)
{
    const char *id = tide_csv_at(&s->file, row, s->file_run);

    for (size_t tried = 0; tried < s->summary.rows; tried++) {
        if (strcmp(tide_csv_at(&s->summary, s->last, s->summary_run), id) == 0)
            return 0;
        s->last = (s->last + 1) % s->summary.rows;
    }
    tide_fail(e, TIDE_E_IO, "run '%.60s' is not in the summary.csv beside it", id);
    tide_error_where(e, "%s:%zu", s->file.path, s->file.lines[row]);
    return TIDE_E_IO;
}

static int cell(struct source *s, size_t row, struct column c, const char **out,
                struct tide_error *e)
{
    int rc = 0;

    if (!c.joined) {
        *out = tide_csv_at(&s->file, row, c.at);
        return 0;
    }
    rc = summary_row(s, row, e);
    *out = rc == 0 ? tide_csv_at(&s->summary, s->last, c.at) : "";
    return rc;
}

static int number(struct source *s, size_t row, struct column c, double *out, bool *present,
                  struct tide_error *e)
{
    int rc;

    if (!c.joined) {
        rc = tide_csv_number_at(&s->file, row, c.at, out, present, e);
    } else {
        rc = summary_row(s, row, e);
        if (rc == 0)
            rc = tide_csv_number_at(&s->summary, s->last, c.at, out, present, e);
    }
    if (rc == TIDE_E_IO && e->remedy[0] == '\0')
        tide_error_remedy(e, "--x and --y take columns of numbers; --by and --where take any");
    return rc;
}

/* 10 is 10.0, so that what people type is found. */
static bool same(const char *a, const char *b)
{
    double x, y;

    return strcmp(a, b) == 0 || (tide_csv_number(a, &x) && tide_csv_number(b, &y) && x == y);
}

/* No row has the value: which one was meant? */
static int unknown_value(struct source *s, const struct tide_chart_filter *f, struct column c,
                         struct tide_error *e)
{
    const char **known = tide_calloc(s->file.rows, sizeof *known), *near;
    struct tide_error unused;

    if (known == NULL)
        return tide_nomem(e);
    for (size_t row = 0; row < s->file.rows; row++) {
        if (cell(s, row, c, &known[row], &unused) != 0)
            known[row] = "";
    }
    near = tide_nearest(f->value, known, s->file.rows);
    tide_fail(e, TIDE_E_USAGE, "no row has %.100s=%.100s", f->column, f->value);
    tide_error_where(e, "%s", s->file.path);
    if (near != NULL)
        tide_error_remedy(e, "did you mean '%.100s'?", near);
    else if (s->file.rows > 0)
        tide_error_remedy(e, "the first row has '%.100s'", known[0]);
    free(known);
    return TIDE_E_USAGE;
}

/* keep[row]: the row has all values that were asked for. */
static int filter(struct source *s, const struct tide_chart *c, bool *keep, struct tide_error *e)
{
    memset(keep, true, s->file.rows);
    for (size_t i = 0; i < c->n_where; i++) {
        struct column column;
        bool known = false;
        int rc = find(s, c->where[i].column, &column, e);

        for (size_t row = 0; row < s->file.rows && rc == 0; row++) {
            const char *value;

            rc = cell(s, row, column, &value, e);
            if (rc == 0 && same(value, c->where[i].value))
                known = true;
            else
                keep[row] = false;
        }
        if (rc == 0 && !known)
            rc = unknown_value(s, &c->where[i], column, e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int series_of(struct tide_plot *p, const char *name, struct tide_plot_series **out,
                     struct tide_error *e)
{
    for (size_t i = 0; i < p->n; i++) {
        *out = &p->series[i];
        if (strcmp(p->series[i].name, name) == 0)
            return 0;
    }
    if (p->n == TIDE_CHART_LINES) {
        tide_fail(e, TIDE_E_USAGE, "--by gives more than %d lines, which nobody could tell apart",
                  TIDE_CHART_LINES);
        tide_error_remedy(e, "choose some of the rows with --where COL=VALUE");
        return TIDE_E_USAGE;
    }
    *out = tide_plot_add(p, name, (unsigned)(p->n % TIDE_PLOT_HUES));
    if (*out == NULL)
        return tide_nomem(e);
    (*out)->dashed = p->n > TIDE_PLOT_HUES;
    return 0;
}

static int add_points(struct source *s, const struct tide_chart *c, const bool *keep,
                      struct tide_plot *p, struct tide_chart_left_out *out, struct tide_error *e)
{
    struct column x, y, by = {.at = TIDE_NO_COLUMN};
    int rc = find(s, c->x, &x, e);

    if (rc == 0)
        rc = find(s, c->y, &y, e);
    if (rc == 0 && c->by != NULL)
        rc = find(s, c->by, &by, e);
    for (size_t row = 0; row < s->file.rows && rc == 0; row++) {
        struct tide_plot_series *series;
        const char *name = c->y;
        bool has_x, has_y;
        double at, v;

        if (!keep[row])
            continue;
        rc = number(s, row, x, &at, &has_x, e);
        if (rc == 0)
            rc = number(s, row, y, &v, &has_y, e);
        if (rc == 0 && c->by != NULL)
            rc = cell(s, row, by, &name, e);
        if (rc != 0)
            break;
        if (!has_x || !has_y) {
            out->empty++;
            continue;
        }
        rc = series_of(p, name, &series, e);
        if (rc == 0)
            rc = tide_plot_point(series, at, v, e);
    }
    return rc;
}

/* A line through several points at one x would show what is not there. Points are sorted. */
static void choose_lines(struct tide_plot *p, struct tide_chart_left_out *out)
{
    for (size_t i = 0; i < p->n; i++) {
        struct tide_plot_series *s = &p->series[i];

        for (size_t k = 1; k < s->n && s->line; k++)
            s->line = s->points[k - 1].x != s->points[k].x;
        s->marks = !s->line || s->n <= MANY_MARKS;
        out->same_x += !s->line;
    }
}

int tide_chart_make(const struct tide_chart *c, struct tide_plot *plot,
                    struct tide_chart_room *room, struct tide_chart_left_out *out,
                    struct tide_error *e)
{
    struct source s = {0};
    bool *keep = NULL;
    int rc;

    *out = (struct tide_chart_left_out){0};
    *plot = (struct tide_plot){.x_name = room->x,
                               .y_name = room->y,
                               .log_x = c->log_x,
                               .log_y = c->log_y,
                               .from_zero = true,
                               .width = WIDTH,
                               .height = HEIGHT};
    rc = tide_csv_load(c->path, &s.file, e);
    if (rc == 0)
        rc = open_summary(&s, c->path, e);
    if (rc == 0) {
        keep = tide_malloc(s.file.rows);
        rc = keep != NULL ? filter(&s, c, keep, e) : tide_nomem(e);
    }
    if (rc == 0)
        rc = add_points(&s, c, keep, plot, out, e);
    if (rc == 0)
        rc = tide_plot_thin(plot, &out->points, e);
    if (rc == 0 && out->points.drawn == 0) {
        rc = tide_fail(e, TIDE_E_USAGE, "nothing to draw: no row has both '%.60s' and '%.60s'%s",
                       c->x, c->y, out->points.not_positive > 0 ? " above 0" : "");
        tide_error_where(e, "%s", c->path);
    }
    if (rc == 0) {
        choose_lines(plot, out);
        tide_axis_name(tide_csv_find(&s.file, c->x) != TIDE_NO_COLUMN ? c->path : "summary.csv",
                       c->x, room->x, sizeof room->x);
        tide_axis_name(tide_csv_find(&s.file, c->y) != TIDE_NO_COLUMN ? c->path : "summary.csv",
                       c->y, room->y, sizeof room->y);
    }
    free(keep);
    tide_csv_table_fini(&s.file);
    tide_csv_table_fini(&s.summary);
    return rc;
}
