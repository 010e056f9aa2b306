/* The columns of the CSV files, from columns.def. */
#ifndef TIDE_METRICS_COLUMNS_H
#define TIDE_METRICS_COLUMNS_H

#include <stddef.h>

/* enum tide_table: TIDE_TABLE_summary, TIDE_TABLE_tlb, ... */
enum tide_table {
#define TIDE_TABLE(table, row) TIDE_TABLE_##table,
#define TIDE_COLUMN(table, name, unit, definition)
#define TIDE_TABLE_END(table)
#include "metrics/columns.def"
#undef TIDE_TABLE
#undef TIDE_COLUMN
#undef TIDE_TABLE_END
    TIDE_TABLES
};

/* The place of each column in its table: TIDE_COL_summary_run = 0, TIDE_COL_summary_trace = 1, ...;
 * TIDE_COLUMNS_summary is their number. */
#define TIDE_TABLE(table, row)                     enum {
#define TIDE_COLUMN(table, name, unit, definition) TIDE_COL_##table##_##name,
#define TIDE_TABLE_END(table) \
    TIDE_COLUMNS_##table      \
    }                         \
    ;
#include "metrics/columns.def"
#undef TIDE_TABLE
#undef TIDE_COLUMN
#undef TIDE_TABLE_END

struct tide_column {
    const char *name;
    const char *unit; /* "" for texts and plain numbers */
    const char *definition;
};

struct tide_table_info {
    const char *name; /* the file is NAME.csv */
    const char *row;  /* what a row is */
    const struct tide_column *columns;
    size_t n_columns;
};

extern const struct tide_table_info tide_tables[TIDE_TABLES];

#endif
