/* A CSV file in memory: RFC 4180, a header row, every cell a text.
 *
 * Lines may end in LF or CRLF; a byte order mark is skipped. What breaks the rules (a quote inside
 * a cell, a row longer or shorter than the header, a NUL byte) is an error that says the line and
 * the column of the text, both from 1: such a file is not what its name says, and no repair of it
 * is safe.
 */
#ifndef TIDE_REPORT_CSV_READ_H
#define TIDE_REPORT_CSV_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct tide_csv_table {
    char *path;           /* as errors name it */
    char *bytes;          /* the cells' memory */
    const char **cells;   /* the header's, then row by row */
    size_t *lines;        /* of each row: where it begins in the file */
    size_t rows, columns; /* rows: the header not counted; columns 0: nothing loaded */
};

/* The whole file; TIDE_E_IO for what is unreadable or no CSV. */
TIDE_MUST_CHECK int tide_csv_load(const char *path, struct tide_csv_table *out,
                                  struct tide_error *e);
/* The same from memory, which is copied. */
TIDE_MUST_CHECK int tide_csv_parse(const char *path, const char *bytes, size_t n,
                                   struct tide_csv_table *out, struct tide_error *e);
void tide_csv_table_fini(struct tide_csv_table *t);

#define TIDE_NO_COLUMN ((size_t)-1)

/* The column of that name, or TIDE_NO_COLUMN. */
size_t tide_csv_find(const struct tide_csv_table *t, const char *name);
/* As above; a missing one is `code` with the nearest name, or all of them, as remedy. */
TIDE_MUST_CHECK int tide_csv_column(const struct tide_csv_table *t, const char *name, int code,
                                    size_t *out, struct tide_error *e);

static inline const char *tide_csv_header_at(const struct tide_csv_table *t, size_t column)
{
    return t->cells[column];
}

static inline const char *tide_csv_at(const struct tide_csv_table *t, size_t row, size_t column)
{
    return t->cells[(row + 1) * t->columns + column];
}

/* The cell as a finite decimal number; false where it is empty or something else. */
bool tide_csv_number(const char *cell, double *out);
/* As above; an empty cell gives *present = false, a text TIDE_E_IO with its place. */
TIDE_MUST_CHECK int tide_csv_number_at(const struct tide_csv_table *t, size_t row, size_t column,
                                       double *out, bool *present, struct tide_error *e);

#endif
