/* Loading a configuration: see cli.h. */
#include "cli/cli.h"

int cli_load(const char *path, const struct cli_list *settings, struct tide_experiments *out,
             struct tide_error *e)
{
    struct tide_diagnostics d = {.out = stderr};
    int rc;

    *out = (struct tide_experiments){0};
    *e = (struct tide_error){0};
    rc = tide_experiments_load(path, (const char *const *)settings->items, settings->n, out, &d, e);
    if (rc == TIDE_E_CONFIG && d.errors > 0)
        e->what[0] = '\0'; /* said already, with line and column */
    return rc;
}
