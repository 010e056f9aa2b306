/* CSV: see csv.h. */
#include "report/csv.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void tide_csv_fini(struct tide_csv *c)
{
    tide_text_fini(&c->text);
}

void tide_csv_header(struct tide_csv *c, enum tide_table table)
{
    const struct tide_table_info *info = &tide_tables[table];

    tide_csv_begin(c, table, 0);
    for (size_t i = 0; i < info->n_columns; i++)
        tide_csv_text(c, i, info->columns[i].name);
    tide_csv_end(c);
}

void tide_csv_begin(struct tide_csv *c, enum tide_table table, size_t first)
{
    c->table = table;
    c->column = first;
}

/* Separators stand behind cells; the end of the row turns the last one into a line feed. */
static void next(struct tide_csv *c, size_t column)
{
    assert(column == c->column && column < tide_tables[c->table].n_columns);
    (void)column;
    c->column++;
    tide_text_add(&c->text, ",", 1);
}

void tide_csv_quote(struct tide_text *t, const char *s)
{
    if (s[strcspn(s, ",\"\r\n")] == '\0') {
        tide_text_add(t, s, strlen(s));
        return;
    }
    tide_text_add(t, "\"", 1);
    for (; *s != '\0'; s++)
        tide_text_add(t, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
    tide_text_add(t, "\"", 1);
}

void tide_csv_text(struct tide_csv *c, size_t column, const char *s)
{
    tide_csv_quote(&c->text, s);
    next(c, column);
}

void tide_csv_u64(struct tide_csv *c, size_t column, uint64_t v)
{
    tide_text_printf(&c->text, "%" PRIu64, v);
    next(c, column);
}

void tide_csv_format_ratio(uint64_t num, uint64_t den, char buf[static TIDE_RATIO_TEXT])
{
    const uint64_t unit = 1000000000;
    uint64_t whole, part;
    int n;

    buf[0] = '\0';
    if (den == 0)
        return;
    whole = num / den;
    part = (uint64_t)(((unsigned __int128)(num % den) * unit * 2 + den) /
                      ((unsigned __int128)den * 2));
    whole += part / unit;
    part %= unit;
    n = snprintf(buf, TIDE_RATIO_TEXT, "%" PRIu64 ".%09" PRIu64, whole, part);
    while (buf[n - 1] == '0')
        n--;
    if (buf[n - 1] == '.')
        n--;
    buf[n] = '\0';
}

void tide_csv_ratio(struct tide_csv *c, size_t column, uint64_t num, uint64_t den)
{
    char buf[TIDE_RATIO_TEXT];

    tide_csv_format_ratio(num, den, buf);
    tide_csv_text(c, column, buf);
}

void tide_csv_end(struct tide_csv *c)
{
    assert(c->column == tide_tables[c->table].n_columns);
    if (!c->text.failed)
        c->text.bytes[c->text.n - 1] = '\n';
}

bool tide_csv_cell(const char *row, size_t column, char *buf, size_t n)
{
    size_t used = 0;
    bool quoted = false;

    for (; *row != '\0'; row++) {
        if (*row == '"') {
            if (quoted && row[1] == '"')
                row++;
            else {
                quoted = !quoted;
                continue;
            }
        } else if (*row == ',' && !quoted) {
            if (column == 0)
                break;
            column--;
            continue;
        }
        if (column == 0 && used + 1 < n)
            buf[used++] = *row;
    }
    buf[used] = '\0';
    return column == 0;
}

void tide_csv_schema(struct tide_csv *c)
{
    tide_csv_header(c, TIDE_TABLE_schema);
    for (size_t t = 0; t < TIDE_TABLES; t++) {
        for (size_t i = 0; i < tide_tables[t].n_columns; i++) {
            const struct tide_column *column = &tide_tables[t].columns[i];
            char file[64];

            snprintf(file, sizeof file, "%s.csv", tide_tables[t].name);
            tide_csv_begin(c, TIDE_TABLE_schema, 0);
            tide_csv_text(c, TIDE_COL_schema_file, file);
            tide_csv_text(c, TIDE_COL_schema_column, column->name);
            tide_csv_text(c, TIDE_COL_schema_unit, column->unit);
            tide_csv_text(c, TIDE_COL_schema_definition, column->definition);
            tide_csv_end(c);
        }
    }
}
