/* Figures: see plot.h. */
#include "report/plot.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/gnuplot.h"

#define MOST_TICKS 8

static const struct ink {
    const char *colour;
    int shape; /* gnuplot's point type */
} inks[TIDE_PLOT_INKS] = {
    {"#0072b2", 7},  {"#d55e00", 5},  {"#009e73", 9}, {"#cc79a7", 13},
    {"#e69f00", 11}, {"#56b4e9", 15}, {"#000000", 1}, {"#7a7a7a", 2},
};

struct tide_plot_series *tide_plot_add(struct tide_plot *p, const char *name, unsigned ink)
{
    struct tide_plot_series *all = tide_grow(p->series, &p->cap, p->n + 1, sizeof *all);
    char *copy = tide_strdup(name);

    if (all != NULL)
        p->series = all;
    if (all == NULL || copy == NULL) {
        free(copy);
        return NULL;
    }
    all[p->n] = (struct tide_plot_series){.name = copy, .ink = ink, .line = true};
    return &all[p->n++];
}

int tide_plot_point(struct tide_plot_series *s, double x, double y, struct tide_error *e)
{
    struct tide_plot_point *points = tide_grow(s->points, &s->cap, s->n + 1, sizeof *points);

    if (points == NULL)
        return tide_nomem(e);
    s->points = points;
    points[s->n++] = (struct tide_plot_point){x, y};
    return 0;
}

void tide_plot_fini(struct tide_plot *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->series[i].name);
        free(p->series[i].points);
    }
    free(p->series);
    p->series = NULL;
    p->n = p->cap = 0;
}

/* ---- thinning ---- */

/* Stable merge sort: points of one x stay in the order of their file, whatever the C library. */
static void sort(struct tide_plot_point *a, size_t n, struct tide_plot_point *room)
{
    size_t half = n / 2, i = 0, j = half;

    if (n < 2)
        return;
    sort(a, half, room);
    sort(a + half, n - half, room);
    for (size_t k = 0; k < n; k++)
        room[k] = j == n || (i < half && a[i].x <= a[j].x) ? a[i++] : a[j++];
    memcpy(a, room, n * sizeof *a);
}

static double drawn_at(double x, bool logarithmic)
{
    return logarithmic ? log10(x) : x;
}

static size_t drop_not_positive(const struct tide_plot *p, struct tide_plot_series *s)
{
    size_t kept = 0, n = s->n;

    for (size_t i = 0; i < n; i++) {
        if ((p->log_x && s->points[i].x <= 0) || (p->log_y && s->points[i].y <= 0))
            continue;
        s->points[kept++] = s->points[i];
    }
    s->n = kept;
    return n - kept;
}

/* Keeps the first, lowest, highest and last of points[from..to), in their order, at `kept`. */
static size_t thin_strip(struct tide_plot_point *points, size_t from, size_t to, size_t kept)
{
    size_t low = from, high = from;

    for (size_t i = from; i < to; i++) {
        if (points[i].y < points[low].y)
            low = i;
        if (points[i].y > points[high].y)
            high = i;
    }
    for (size_t i = from; i < to; i++) {
        if (i == from || i == low || i == high || i == to - 1)
            points[kept++] = points[i];
    }
    return kept;
}

static void thin(const struct tide_plot *p, struct tide_plot_series *s)
{
    double first, span;
    size_t kept = 0, from = 0, strip = 0;

    if (s->n <= 2 * TIDE_PLOT_BUCKETS)
        return;
    first = drawn_at(s->points[0].x, p->log_x);
    span = drawn_at(s->points[s->n - 1].x, p->log_x) - first;
    for (size_t i = 0; i < s->n; i++) {
        double at = drawn_at(s->points[i].x, p->log_x) - first;
        size_t here = span > 0 ? (size_t)(at / span * TIDE_PLOT_BUCKETS) : 0;

        if (here != strip) {
            kept = thin_strip(s->points, from, i, kept);
            from = i;
            strip = here;
        }
    }
    s->n = thin_strip(s->points, from, s->n, kept);
}

int tide_plot_thin(struct tide_plot *p, struct tide_plot_drawn *out, struct tide_error *e)
{
    *out = (struct tide_plot_drawn){0};
    for (size_t i = 0; i < p->n; i++) {
        struct tide_plot_series *s = &p->series[i];
        struct tide_plot_point *room = tide_calloc(s->n, sizeof *room);

        if (room == NULL)
            return tide_nomem(e);
        out->given += s->n;
        out->not_positive += drop_not_positive(p, s);
        if (s->n > 0)
            sort(s->points, s->n, room);
        free(room);
        thin(p, s);
        out->drawn += s->n;
    }
    return 0;
}

void tide_plot_say(const struct tide_plot_drawn *d, char *buf, size_t n)
{
    size_t thinned = d->given - d->not_positive - d->drawn;
    int used = 0;

    buf[0] = '\0';
    if (thinned > 0)
        used = snprintf(buf, n,
                        "Thinned: %zu of %zu points are drawn, of each of %d strips the first, "
                        "lowest, highest and last.",
                        d->drawn, d->given, TIDE_PLOT_BUCKETS);
    if (d->not_positive > 0 && used >= 0 && (size_t)used < n)
        snprintf(buf + used, n - (size_t)used,
                 "%s%zu point%s at 0 or below %s no place on a logarithmic axis.",
                 used > 0 ? " " : "", d->not_positive, d->not_positive == 1 ? "" : "s",
                 d->not_positive == 1 ? "has" : "have");
}

/* ---- the script ---- */

/* A single-quoted string: gnuplot knows no escape in it but the doubled quote. The label of a tick
 * is a format as well, so there % is doubled, too.
 */
static void quote_as(struct tide_text *t, const char *s, bool format)
{
    tide_text_add(t, "'", 1);
    while (*s != '\0') {
        size_t n = tide_text_utf8(s);

        if (n == 0)
            tide_text_printf(t, "\xef\xbf\xbd"); /* U+FFFD */
        else if (*s == '\'')
            tide_text_printf(t, "''");
        else if (*s == '%' && format)
            tide_text_printf(t, "%%%%");
        else if ((unsigned char)*s < 0x20 || *s == 0x7f)
            tide_text_printf(t, " ");
        else
            tide_text_add(t, s, n);
        s += n > 0 ? n : 1;
    }
    tide_text_add(t, "'", 1);
}

static void quote(struct tide_text *t, const char *s)
{
    quote_as(t, s, false);
}

struct range {
    double low, high;
    bool any;
};

static void widen(struct range *r, double v)
{
    if (!r->any || v < r->low)
        r->low = v;
    if (!r->any || v > r->high)
        r->high = v;
    r->any = true;
}

/* An axis that no data can make empty; a little room at both ends. */
static struct range with_room(struct range r, bool logarithmic, bool from_zero)
{
    if (!r.any)
        r = (struct range){.low = logarithmic ? 1 : 0, .high = logarithmic ? 10 : 1};
    if (logarithmic) {
        double room = r.high > r.low ? pow(r.high / r.low, 0.03) : 2;

        r.low /= room;
        r.high *= room;
    } else {
        double room = r.high > r.low ? (r.high - r.low) * 0.03 : fabs(r.high) * 0.1;

        if (from_zero && r.low >= 0) {
            r.low = 0;
            room = r.high * 0.05;
        } else {
            r.low -= room;
        }
        r.high += room;
        if (r.high <= r.low)
            r.high = r.low + 1;
    }
    return r;
}

/* The exact number, its thousands as k, M, G or T. */
static void tick(struct tide_text *t, double at, const char *separator)
{
    static const struct unit {
        double size;
        const char *name;
    } units[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};
    size_t i = 0;

    while (units[i].size > 1 && fabs(at) < units[i].size)
        i++;
    tide_text_printf(t, "%s'%.12g%s' %.12g", separator, at / units[i].size, units[i].name, at);
}

/* Ticks of large numbers are set here: gnuplot has no format that gives 800k, 1M and 1.2M; it
 * writes 800.0000k, which runs into its neighbour, or rounds. False: no step fits, as gnuplot
 * likes.
 */
static bool set_ticks(struct tide_text *t, char axis, struct range r)
{
    double span = r.high - r.low, power = pow(10, floor(log10(span / MOST_TICKS))), step, at;

    step = power;
    for (int i = 0; i < 3 && span / step > MOST_TICKS; i++)
        step = power * (double[]){2, 5, 10}[i];
    at = ceil(r.low / step) * step;
    if (!(step >= 1 && at + step > at && at + step <= r.high))
        return false;
    tide_text_printf(t, "set %ctics (", axis);
    for (int i = 0; at + i * step <= r.high; i++)
        tick(t, at + i * step, i > 0 ? ", " : "");
    tide_text_printf(t, ")\n");
    return true;
}

/* Numbers of five digits and more are easier to read with k, M and G. */
static void set_axis(struct tide_text *t, char axis, const char *name, struct range r,
                     bool logarithmic, bool from_zero)
{
    struct range shown = with_room(r, logarithmic, from_zero);
    double largest = fmax(fabs(r.low), fabs(r.high));

    if (logarithmic)
        tide_text_printf(t, "set logscale %c\n", axis);
    tide_text_printf(t, "set %crange [%.12g:%.12g]\n", axis, shown.low, shown.high);
    if (logarithmic && r.any && r.low < 0.001)
        tide_text_printf(t, "set format %c '%%.0e'\n", axis);
    else if (logarithmic && largest >= 10000 && r.low > 0 && r.high / r.low >= 10)
        tide_text_printf(t, "set format %c '%%.0s%%c'\n", axis); /* powers of ten alone */
    else if (largest < 10000 || logarithmic || !set_ticks(t, axis, shown))
        tide_text_printf(t, "set format %c '%%.4g'\n", axis);
    tide_text_printf(t, "set %clabel ", axis);
    quote(t, name);
    tide_text_printf(t, "\n");
}

static void data_lines(const struct tide_plot *p, struct tide_text *t)
{
    for (size_t i = 0; i < p->n; i++) {
        tide_text_printf(t, "$d%zu << EOD\n", i);
        for (size_t k = 0; k < p->series[i].n; k++)
            tide_text_printf(t, "%.12g %.12g\n", p->series[i].points[k].x,
                             p->series[i].points[k].y);
        tide_text_printf(t, "EOD\n");
    }
}

static void lines(const struct tide_plot *p, struct tide_text *t)
{
    struct range x = {0}, y = {0};
    const char *separator = "plot ";

    for (size_t i = 0; i < p->n; i++) {
        for (size_t k = 0; k < p->series[i].n; k++) {
            widen(&x, p->series[i].points[k].x);
            widen(&y, p->series[i].points[k].y);
        }
    }
    set_axis(t, 'x', p->x_name, x, p->log_x, false);
    set_axis(t, 'y', p->y_name, y, p->log_y, p->from_zero);
    data_lines(p, t);
    for (size_t i = 0; i < p->n; i++) {
        const struct tide_plot_series *s = &p->series[i];
        const struct ink *ink = &inks[s->ink];

        if (s->n == 0)
            continue;
        tide_text_printf(t, "%s$d%zu using 1:2 with %s", separator, i,
                         !s->line   ? "points"
                         : s->marks ? "linespoints"
                                    : "lines");
        if (s->line)
            tide_text_printf(t, " linewidth %s dashtype %s", s->ink >= TIDE_PLOT_HUES ? "2" : "1.5",
                             s->dashed ? "2" : "1");
        if (s->marks)
            tide_text_printf(t, " pointtype %d pointsize 0.55", ink->shape);
        tide_text_printf(t, " linecolor rgb '%s' title ", ink->colour);
        quote(t, s->name);
        separator = ", ";
    }
    /* an empty figure has its axes all the same */
    tide_text_printf(t, "%s\n", separator[0] == 'p' ? "plot NaN notitle" : "");
}

/* Rectangles: from and to along x, from and to along y. */
static void bars(const struct tide_plot *p, struct tide_text *t)
{
    struct range x = {.any = true};
    double thick = p->stacked ? 0.7 : 0.8 / (p->n > 0 ? (double)p->n : 1);

    for (size_t r = 0; r < p->n_rows; r++) {
        double sum = 0;

        for (size_t i = 0; i < p->n; i++) {
            for (size_t k = 0; k < p->series[i].n; k++) {
                if (p->series[i].points[k].x == (double)r)
                    sum = p->stacked ? sum + p->series[i].points[k].y : p->series[i].points[k].y;
            }
            widen(&x, sum);
        }
    }
    set_axis(t, 'x', p->x_name, x, false, true);
    tide_text_printf(t,
                     "set yrange [%zu.5:-0.5]\nunset ylabel\nset format y ''\nset ytics scale 0 (",
                     p->n_rows > 0 ? p->n_rows - 1 : 0);
    for (size_t r = 0; r < p->n_rows; r++) {
        tide_text_printf(t, "%s", r > 0 ? ", " : "");
        quote_as(t, p->rows[r], true);
        tide_text_printf(t, " %zu", r);
    }
    tide_text_printf(t, ")\nset style fill solid 1 noborder\nunset grid\nset grid xtics\n");
    for (size_t i = 0; i < p->n; i++) {
        tide_text_printf(t, "$d%zu << EOD\n", i);
        for (size_t k = 0; k < p->series[i].n; k++) {
            const struct tide_plot_point *at = &p->series[i].points[k];
            double from = 0, y = at->x;

            if (!p->stacked)
                y += ((double)i + 0.5) * thick - 0.4;
            for (size_t j = 0; j < i && p->stacked; j++) {
                for (size_t m = 0; m < p->series[j].n; m++)
                    from += p->series[j].points[m].x == at->x ? p->series[j].points[m].y : 0;
            }
            tide_text_printf(t, "%.12g %.12g %.12g %.12g %.12g %.12g\n", from, y, from,
                             from + at->y, y - thick / 2, y + thick / 2);
        }
        tide_text_printf(t, "EOD\n");
    }
    for (size_t i = 0; i < p->n; i++) {
        tide_text_printf(t, "%s$d%zu using 1:2:3:4:5:6 with boxxyerror linecolor rgb '%s' title ",
                         i == 0 ? "plot " : ", ", i, inks[p->series[i].ink].colour);
        quote(t, p->series[i].name);
    }
    tide_text_printf(t, "%s\n", p->n == 0 ? "plot NaN notitle" : "");
}

void tide_plot_script(const struct tide_plot *p, enum tide_plot_format format, struct tide_text *t)
{
    switch (format) {
    case TIDE_PLOT_SVG:
        tide_text_printf(t,
                         "set terminal svg size %u,%u noenhanced font 'Helvetica,12' "
                         "background '#ffffff'\n",
                         p->width, p->height);
        break;
    case TIDE_PLOT_PNG:
        /* twice the size in pixels: sharp in print too */
        tide_text_printf(t,
                         "set terminal pngcairo size %u,%u fontscale 2 linewidth 2 pointscale 2 "
                         "noenhanced font 'sans,9'\n",
                         p->width * 2, p->height * 2);
        break;
    case TIDE_PLOT_PDF:
        tide_text_printf(t,
                         "set terminal pdfcairo size %.3fin,%.3fin noenhanced font 'sans,9' "
                         "fontscale 0.8\n",
                         p->width / 96.0, p->height / 96.0);
        break;
    }
    tide_text_printf(t, "set encoding utf8\n"
                        "set border 3 linecolor rgb '#808080'\n"
                        "set tics nomirror out scale 0.5 textcolor rgb '#303030'\n"
                        "set grid linecolor rgb '#e4e4e4' linewidth 1 dashtype 1\n"
                        "set key outside top center horizontal Left reverse samplen 2 "
                        "maxrows 3 noautotitle\n");
    if (p->rows != NULL)
        bars(p, t);
    else
        lines(p, t);
}

int tide_plot_draw(const struct tide_plot *p, enum tide_plot_format format, struct tide_text *out,
                   struct tide_error *e)
{
    struct tide_text script = {0};
    int rc;

    tide_plot_script(p, format, &script);
    rc = script.failed ? tide_nomem(e) : tide_gnuplot(script.bytes, script.n, out, e);
    tide_text_fini(&script);
    return rc;
}
