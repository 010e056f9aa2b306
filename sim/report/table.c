/* Table: see table.h. */
#include "report/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/csv.h"

/* When a column is left out. */
enum dull {
    NEVER,
    SAME,        /* all rows have the same */
    SAME_POLICY, /* rows of one policy have the same: each policy has options of its own */
    ALL_OK       /* all rows say ok */
};

/* Texts stand left, numbers right. */
static const struct shown {
    size_t column; /* of summary.csv */
    bool text;
    enum dull dull;
} shown[] = {
    {TIDE_COL_summary_trace, true, SAME},
    {TIDE_COL_summary_policy, true, NEVER},
    {TIDE_COL_summary_policy_options, true, SAME_POLICY},
    {TIDE_COL_summary_reference_mode, true, SAME},
    {TIDE_COL_summary_observe, true, SAME},
    {TIDE_COL_summary_flush_on_clear, true, SAME},
    {TIDE_COL_summary_tlb, true, SAME},
    {TIDE_COL_summary_page_bytes, false, SAME},
    {TIDE_COL_summary_frames, false, NEVER},
    {TIDE_COL_summary_faults, false, NEVER},
    {TIDE_COL_summary_fault_ratio, false, NEVER},
    {TIDE_COL_summary_faults_major, false, NEVER},
    {TIDE_COL_summary_evictions, false, NEVER},
    {TIDE_COL_summary_writebacks, false, NEVER},
    {TIDE_COL_summary_tlb_misses, false, NEVER},
    {TIDE_COL_summary_eat_cycles, false, NEVER},
    {TIDE_COL_summary_status, true, ALL_OK},
};

enum { SHOWN = sizeof shown / sizeof shown[0], CELL = 128 };

/* A number with many decimals is for machines; people get two, or three digits of what is small. */
static void shorten(const struct shown *s, char *cell)
{
    char *point = s->text ? NULL : strchr(cell, '.');

    if (point != NULL) {
        double v = strtod(cell, NULL);

        snprintf(cell, CELL, v < 1 ? "%.3g" : "%.2f", v);
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

/* Rows (from 1) i and j tell nothing apart in column k. */
static bool alike(char (*cells)[SHOWN][CELL], size_t i, size_t j, size_t k)
{
    return strcmp(cells[i][k], cells[j][k]) == 0;
}

static bool is_dull(char (*cells)[SHOWN][CELL], size_t n, size_t k)
{
    const size_t policy = 1;

    if (shown[k].dull == NEVER)
        return false;
    for (size_t i = 1; i <= n; i++) {
        if (shown[k].dull == ALL_OK && strcmp(cells[i][k], "ok") != 0)
            return false;
        if (shown[k].dull == SAME && !alike(cells, 1, i, k))
            return false;
        for (size_t j = 1; shown[k].dull == SAME_POLICY && j < i; j++)
            if (alike(cells, i, j, policy) && !alike(cells, i, j, k))
                return false;
    }
    return true;
}

int tide_table_print(FILE *out, const char *const *rows, size_t n, struct tide_error *e)
{
    char(*cells)[SHOWN][CELL] = tide_calloc(n + 1, sizeof *cells);
    int width[SHOWN] = {0};

    if (cells == NULL)
        return tide_nomem(e);
    for (size_t k = 0; k < SHOWN; k++) {
        snprintf(cells[0][k], CELL, "%s",
                 tide_tables[TIDE_TABLE_summary].columns[shown[k].column].name);
        for (size_t i = 1; i <= n; i++) {
            tide_csv_cell(rows[i - 1], shown[k].column, cells[i][k], CELL);
            shorten(&shown[k], cells[i][k]);
        }
    }
    for (size_t k = 0; k < SHOWN; k++) {
        bool dull = is_dull(cells, n, k);

        for (size_t i = 0; i <= n && !dull; i++) {
            int w = (int)strlen(cells[i][k]);

            width[k] = w > width[k] ? w : width[k];
        }
    }
    for (size_t i = 0; i <= n; i++)
        print_line(out, cells[i], width);
    free(cells);
    return 0;
}
