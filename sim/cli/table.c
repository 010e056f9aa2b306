/* Aligned columns: see cli.h. Numbers stand right, names left; two blanks between. */
#include <stdarg.h>
#include <string.h>

#include "cli/cli.h"

int cli_cell(struct cli_table *t, struct tide_error *e, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return cli_list_add(&t->cells, text, strlen(text), e);
}

static int width_of(const struct cli_table *t, size_t column)
{
    size_t width = 0;

    for (size_t i = column; i < t->cells.n; i += t->columns) {
        size_t n = strlen(t->cells.items[i]);

        width = n > width ? n : width;
    }
    return (int)width;
}

void cli_table_print(const struct cli_table *t, const char *indent, FILE *out)
{
    for (size_t i = 0; i < t->cells.n; i++) {
        size_t column = i % t->columns;
        bool left = (t->left >> column & 1) != 0, last = column + 1 == t->columns;
        int width = left && last ? 0 : width_of(t, column); /* no blanks at the end of a line */

        fprintf(out, "%s%*s%s", column == 0 ? indent : "  ", left ? -width : width,
                t->cells.items[i], last ? "\n" : "");
    }
}

void cli_table_fini(struct cli_table *t)
{
    cli_list_fini(&t->cells);
}
