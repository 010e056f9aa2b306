/* pagetide check: reads a configuration as `run` would, and runs nothing. */
#include <string.h>

#include "cli/cli.h"

enum { FLAG_RESOLVED = CLI_LONG };

static void print_resolved(const struct tide_experiments *x)
{
    const char *between = "";

    for (size_t i = 0; i < x->n; i++) {
        const struct tide_experiment *ex = &x->list[i];

        for (size_t m = 0; m < ex->n_machines && !ferror(stdout); m++) {
            printf("%s# %s: machine %zu of %zu\n%s", between, ex->name, m + 1, ex->n_machines,
                   ex->resolved[m]);
            between = "---\n";
        }
    }
}

static void print_summary(const struct tide_experiments *x, const char *path)
{
    size_t runs = 0;

    for (size_t i = 0; i < x->n; i++) {
        const struct tide_experiment *ex = &x->list[i];

        runs += ex->n_traces * ex->n_machines;
        printf("%s: %s: %zu trace%s x %zu machine%s, results in %s\n", path, ex->name, ex->n_traces,
               ex->n_traces == 1 ? "" : "s", ex->n_machines, ex->n_machines == 1 ? "" : "s",
               ex->output_dir != NULL ? ex->output_dir : "(no output: dir:)");
    }
    printf("%s: good: %zu run%s\n", path, runs, runs == 1 ? "" : "s");
}

static int check(struct cli_args *args, struct tide_error *e)
{
    struct tide_experiments x = {0};
    struct cli_list sets = {0};
    const char *path = NULL, *value;
    bool resolved = false;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        if (flag == CLI_WORD && path == NULL)
            path = value;
        else if (flag == CLI_WORD)
            rc = cli_usage(args, e, "one configuration at a time: what is '%.200s'?", value);
        else if (flag == FLAG_RESOLVED)
            resolved = true;
        else if (flag == 's')
            rc = cli_list_add(&sets, value, strlen(value), e);
        else
            rc = flag;
    }
    if (rc == 0 && path == NULL)
        rc = cli_usage(args, e, "which configuration? CONFIG.yaml is missing");
    if (rc == 0)
        rc = cli_load(path, &sets, &x, e);
    if (rc == 0 && resolved)
        print_resolved(&x);
    else if (rc == 0)
        print_summary(&x, path);
    tide_experiments_free(&x);
    cli_list_fini(&sets);
    return rc;
}

static const struct cli_flag flags[] = {
    {FLAG_RESOLVED, "resolved", NULL, "print every machine with all defaults filled in"},
    {'s', "set", "KEY=VALUE", "change a key of the file, as in run; may be repeated"},
    {0},
};

const struct cli_command cli_check = {
    .name = "check",
    .synopsis = "CONFIG.yaml [--resolved] [-s KEY=VALUE]...",
    .summary = "check a configuration without running it",
    .about = "Reports every error of the file at once, each with its line and column and what was\n"
             "meant, or says how many runs it asks for.\n",
    .examples = "  pagetide check configs/quickstart.yaml\n"
                "  pagetide check configs/quickstart.yaml --resolved -s machine.tlb=none\n",
    .flags = flags,
    .run = check,
};
