/* The columns: see columns.h. */
#include "metrics/columns.h"

#define TIDE_TABLE(table, row)                     static const struct tide_column columns_##table[] = {
#define TIDE_COLUMN(table, name, unit, definition) {#name, unit, definition},
#define TIDE_TABLE_END(table) \
    }                         \
    ;
#include "metrics/columns.def"
#undef TIDE_TABLE
#undef TIDE_COLUMN
#undef TIDE_TABLE_END

const struct tide_table_info tide_tables[TIDE_TABLES] = {
#define TIDE_TABLE(table, row) {#table, row, columns_##table, TIDE_COLUMNS_##table},
#define TIDE_COLUMN(table, name, unit, definition)
#define TIDE_TABLE_END(table)
#include "metrics/columns.def"
};
