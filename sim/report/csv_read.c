/* Reading CSV: see csv_read.h.
 *
 * Cells are unquoted and ended in place: a quoted cell is never longer than its text in the file,
 * and the byte that ends a cell has been read when the NUL takes its place.
 * Source: RFC 4180, 2005.
 */
#include "report/csv_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "report/infile.h"

struct parser {
    struct tide_csv_table *t;
    size_t cells_cap, lines_cap, n_cells;
    char *p, *end;
    size_t line;
    const char *line_start;
};

static int wrong(const struct parser *q, const char *at, const char *what, struct tide_error *e)
{
    tide_fail(e, TIDE_E_IO, "%s", what);
    tide_error_where(e, "%s:%zu:%zu", q->t->path, q->line, (size_t)(at - q->line_start) + 1);
    tide_error_remedy(e, "is this a CSV file (RFC 4180)?");
    return TIDE_E_IO;
}

static int add_cell(struct parser *q, const char *text, struct tide_error *e)
{
    const char **cells = tide_grow(q->t->cells, &q->cells_cap, q->n_cells + 1, sizeof *q->t->cells);

    if (cells == NULL)
        return tide_nomem(e);
    q->t->cells = cells;
    cells[q->n_cells++] = text;
    return 0;
}

/* The separator behind a cell: ',' or '\n' ('\r' '\n' too, and the end of the file), which is
 * passed; 0 for anything else, which is not. */
static char separator(struct parser *q)
{
    if (q->p == q->end)
        return '\n';
    if (*q->p == ',' || *q->p == '\n')
        return *q->p++;
    if (*q->p == '\r' && (q->p + 1 == q->end || q->p[1] == '\n')) {
        q->p += q->p + 1 == q->end ? 1 : 2;
        return '\n';
    }
    return '\0';
}

static int quoted_cell(struct parser *q, char *sep, struct tide_error *e)
{
    char *open = q->p++, *to = open;
    size_t line = q->line;
    const char *line_start = q->line_start;

    for (; q->p < q->end; q->p++) {
        if (*q->p == '\0')
            return wrong(q, q->p, "a NUL byte", e);
        if (*q->p == '"') {
            if (q->p + 1 == q->end || q->p[1] != '"')
                break;
            q->p++;
        } else if (*q->p == '\n') {
            q->line++;
            q->line_start = q->p + 1;
        }
        *to++ = *q->p;
    }
    if (q->p == q->end) {
        q->line = line;
        q->line_start = line_start;
        return wrong(q, open, "a quote that is never closed", e);
    }
    q->p++;
    *sep = separator(q);
    if (*sep == '\0')
        return wrong(q, q->p, "text behind a closing quote", e);
    *to = '\0';
    return add_cell(q, open, e);
}

static int plain_cell(struct parser *q, char *sep, struct tide_error *e)
{
    char *text = q->p, *stop = text;

    for (; (*sep = separator(q)) == '\0'; stop = ++q->p) {
        if (*q->p == '"')
            return wrong(q, q->p, "a quote inside a cell", e);
        if (*q->p == '\0')
            return wrong(q, q->p, "a NUL byte", e);
        if (*q->p == '\r')
            return wrong(q, q->p, "a carriage return inside a cell", e);
    }
    *stop = '\0'; /* the file's memory ends in a NUL of its own */
    return add_cell(q, text, e);
}

static int row(struct parser *q, struct tide_error *e)
{
    struct tide_csv_table *t = q->t;
    size_t first = q->n_cells, line = q->line;
    char sep = ',';
    int rc = 0;

    while (rc == 0 && sep == ',')
        rc = q->p < q->end && *q->p == '"' ? quoted_cell(q, &sep, e) : plain_cell(q, &sep, e);
    if (rc != 0)
        return rc;
    if (t->columns == 0) {
        t->columns = q->n_cells;
    } else {
        size_t *lines = tide_grow(t->lines, &q->lines_cap, t->rows + 1, sizeof *lines);

        if (lines == NULL)
            return tide_nomem(e);
        t->lines = lines;
        if (q->n_cells - first != t->columns) {
            tide_fail(e, TIDE_E_IO, "a row of %zu cell%s under a header of %zu", q->n_cells - first,
                      q->n_cells - first == 1 ? "" : "s", t->columns);
            tide_error_where(e, "%s:%zu:1", t->path, line);
            return TIDE_E_IO;
        }
        lines[t->rows++] = line;
    }
    q->line++;
    q->line_start = q->p;
    return 0;
}

/* Takes over `bytes`, which have a NUL behind their n. */
static int parse(const char *path, char *bytes, size_t n, struct tide_csv_table *out,
                 struct tide_error *e)
{
    struct parser q = {.t = out, .p = bytes, .end = bytes + n, .line = 1, .line_start = bytes};
    int rc = 0;

    *out = (struct tide_csv_table){.bytes = bytes, .path = tide_strdup(path)};
    if (out->path == NULL)
        rc = tide_nomem(e);
    if (n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        q.p += 3;
        q.line_start += 3;
    }
    if (rc == 0 && q.p == q.end) {
        rc = tide_fail(e, TIDE_E_IO, "the file is empty, not even a header");
        tide_error_where(e, "%s", path);
    }
    while (rc == 0 && q.p < q.end)
        rc = row(&q, e);
    if (rc != 0)
        tide_csv_table_fini(out);
    return rc;
}

int tide_csv_load(const char *path, struct tide_csv_table *out, struct tide_error *e)
{
    char *bytes;
    size_t n;
    int rc = tide_infile_read(path, &bytes, &n, e);

    *out = (struct tide_csv_table){0};
    return rc == 0 ? parse(path, bytes, n, out, e) : rc;
}

int tide_csv_parse(const char *path, const char *bytes, size_t n, struct tide_csv_table *out,
                   struct tide_error *e)
{
    char *copy = tide_malloc(n + 1);

    *out = (struct tide_csv_table){0};
    if (copy == NULL)
        return tide_nomem(e);
    memcpy(copy, bytes, n);
    copy[n] = '\0';
    return parse(path, copy, n, out, e);
}

void tide_csv_table_fini(struct tide_csv_table *t)
{
    free(t->path);
    free(t->bytes);
    free(t->cells);
    free(t->lines);
    *t = (struct tide_csv_table){0};
}

size_t tide_csv_find(const struct tide_csv_table *t, const char *name)
{
    for (size_t i = 0; i < t->columns; i++) {
        if (strcmp(t->cells[i], name) == 0)
            return i;
    }
    return TIDE_NO_COLUMN;
}

int tide_csv_column(const struct tide_csv_table *t, const char *name, int code, size_t *out,
                    struct tide_error *e)
{
    const char *near;

    *out = tide_csv_find(t, name);
    if (*out != TIDE_NO_COLUMN)
        return 0;
    tide_fail(e, code, "no column '%.100s'", name);
    tide_error_where(e, "%s", t->path);
    near = tide_nearest(name, t->cells, t->columns);
    if (near != NULL) {
        tide_error_remedy(e, "did you mean '%.100s'?", near);
    } else {
        char known[400];
        size_t used = 0;

        for (size_t i = 0; i < t->columns && used < sizeof known; i++)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "",
                                     t->cells[i]);
        tide_error_remedy(e, "its columns: %s%s", known, used < sizeof known ? "" : " ...");
    }
    return code;
}

bool tide_csv_number(const char *cell, double *out)
{
    char *end;

    /* strtod alone would take blanks, hexadecimal, "inf" and "nan" */
    if (cell[0] == '\0' || cell[strspn(cell, "+-.0123456789eE")] != '\0')
        return false;
    *out = strtod(cell, &end);
    return *end == '\0' && isfinite(*out);
}

int tide_csv_number_at(const struct tide_csv_table *t, size_t row_number, size_t column,
                       double *out, bool *present, struct tide_error *e)
{
    const char *cell = tide_csv_at(t, row_number, column);

    *present = cell[0] != '\0';
    if (!*present || tide_csv_number(cell, out))
        return 0;
    tide_fail(e, TIDE_E_IO, "%s: '%.60s' is no number", tide_csv_header_at(t, column), cell);
    tide_error_where(e, "%s:%zu", t->path, t->lines[row_number]);
    return TIDE_E_IO;
}
