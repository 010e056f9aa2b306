/* Rows of the CSV files: RFC 4180 quoting, lines end in a line feed.
 *
 * Cells are written in the order of columns.def and name their column, which is asserted: a row
 * can't slip by a cell. Integers are exact; ratios are exact to 9 decimals, rounded half up by
 * integer arithmetic, so that they are the same bytes on every machine.
 */
#ifndef TIDE_REPORT_CSV_H
#define TIDE_REPORT_CSV_H

#include <stdint.h>

#include "metrics/columns.h"
#include "report/text.h"

struct tide_csv {
    struct tide_text text;
    enum tide_table table; /* of the row being written, */
    size_t column;         /* ... its next column */
};

void tide_csv_fini(struct tide_csv *c);
void tide_csv_header(struct tide_csv *c, enum tide_table table);

/* A row, cell by cell from `first` on (rows on their way to a file lack what is added there). */
void tide_csv_begin(struct tide_csv *c, enum tide_table table, size_t first);
void tide_csv_text(struct tide_csv *c, size_t column, const char *s);
void tide_csv_u64(struct tide_csv *c, size_t column, uint64_t v);
/* num / den; an empty cell for den 0. */
void tide_csv_ratio(struct tide_csv *c, size_t column, uint64_t num, uint64_t den);
void tide_csv_end(struct tide_csv *c);

/* num / den with up to 9 decimals, none where they would be zeros; "" for den 0. */
enum { TIDE_RATIO_TEXT = 32 };
void tide_csv_format_ratio(uint64_t num, uint64_t den, char buf[static TIDE_RATIO_TEXT]);

/* Appends a text as one cell, quoted where needed. */
void tide_csv_quote(struct tide_text *t, const char *s);
/* Cell `column` of a row (without its line end), unquoted, into buf; cut to n - 1 bytes. False
 * where the row has no such cell. */
bool tide_csv_cell(const char *row, size_t column, char *buf, size_t n);

/* All rows of schema.csv, header included. */
void tide_csv_schema(struct tide_csv *c);

#endif
