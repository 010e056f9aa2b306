/* Axis names: see axis.h. */
#include "report/axis.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "metrics/columns.h"

enum { SHORT_DEFINITION = 32 };

static bool is_file_of(const char *file, const char *table)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash != NULL ? slash + 1 : file;
    size_t n = strlen(table);

    return strncmp(name, table, n) == 0 && strcmp(name + n, ".csv") == 0;
}

/* A ratio says what is divided by what, where that is short; its unit alone says nothing. */
static const char *unit(const struct tide_column *c)
{
    bool telling = strcmp(c->unit, "ratio") == 0 && strstr(c->definition, " / ") != NULL &&
                   strlen(c->definition) <= SHORT_DEFINITION;

    return telling ? c->definition : c->unit;
}

void tide_axis_name(const char *file, const char *column, char *buf, size_t n)
{
    snprintf(buf, n, "%s", column);
    for (size_t t = 0; t < TIDE_TABLES; t++) {
        const struct tide_table_info *info = &tide_tables[t];

        if (!is_file_of(file, info->name))
            continue;
        for (size_t i = 0; i < info->n_columns; i++) {
            const struct tide_column *c = &info->columns[i];

            if (strcmp(c->name, column) == 0 && c->unit[0] != '\0' && strcmp(c->unit, column) != 0)
                snprintf(buf, n, "%s (%s)", column, unit(c));
        }
    }
}
