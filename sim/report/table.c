/* Table: see table.h. */
#include "report/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/csv.h"

/* Texts stand left, numbers right. A column whose cells are all `dull` is left out. */
static const struct shown {
    size_t column; /* of summary.csv */
    bool text;
    const char *dull; /* NULL: always shown; "": dull where all rows have the same */
} shown[] = {
    {TIDE_COL_summary_trace, true, ""},           {TIDE_COL_summary_policy, true, NULL},
    {TIDE_COL_summary_page_bytes, false, ""},     {TIDE_COL_summary_frames, false, NULL},
    {TIDE_COL_summary_faults, false, NULL},       {TIDE_COL_summary_fault_ratio, false, NULL},
    {TIDE_COL_summary_faults_major, false, NULL}, {TIDE_COL_summary_evictions, false, NULL},
    {TIDE_COL_summary_writebacks, false, NULL},   {TIDE_COL_summary_tlb_misses, false, NULL},
    {TIDE_COL_summary_eat_cycles, false, NULL},   {TIDE_COL_summary_status, true, "ok"},
};

enum { SHOWN = sizeof shown / sizeof shown[0], CELL = 128 };

/* A number with many decimals is for machines; people get four. */
static void shorten(const struct shown *s, char *cell)
{
    char *point = s->text ? NULL : strchr(cell, '.');

    if (point != NULL) {
        char buf[CELL];

        snprintf(buf, sizeof buf, "%.4f", strtod(cell, NULL));
        strcpy(cell, buf);
    }
}

static void print_line(FILE *out, char cells[SHOWN][CELL], const int *width)
{
    const char *gap = "";

    for (size_t k = 0; k < SHOWN; k++) {
        bool last = k == SHOWN - 1;

        if (width[k] == 0)
            continue;
        fprintf(out, "%s%*s", gap, shown[k].text ? (last ? 0 : -width[k]) : width[k], cells[k]);
        gap = "  ";
    }
    fputc('\n', out);
}

int tide_table_print(FILE *out, const char *const *rows, size_t n, struct tide_error *e)
{
    char(*cells)[SHOWN][CELL] = tide_calloc(n + 1, sizeof *cells);
    int width[SHOWN] = {0};

    if (cells == NULL)
        return tide_nomem(e);
    for (size_t k = 0; k < SHOWN; k++) {
        const char *dull = shown[k].dull;
        bool show = dull == NULL;

        snprintf(cells[0][k], CELL, "%s",
                 tide_tables[TIDE_TABLE_summary].columns[shown[k].column].name);
        for (size_t i = 1; i <= n; i++) {
            tide_csv_cell(rows[i - 1], shown[k].column, cells[i][k], CELL);
            shorten(&shown[k], cells[i][k]);
            show |= strcmp(cells[i][k], dull != NULL && dull[0] != '\0' ? dull : cells[1][k]) != 0;
        }
        for (size_t i = 0; i <= n && show; i++) {
            int w = (int)strlen(cells[i][k]);

            width[k] = w > width[k] ? w : width[k];
        }
    }
    for (size_t i = 0; i <= n; i++)
        print_line(out, cells[i], width);
    free(cells);
    return 0;
}
