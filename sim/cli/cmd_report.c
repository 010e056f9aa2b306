/* pagetide report: a folder of results as one HTML page. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "report/html.h"

enum { FLAG_NO_PLOTS = CLI_LONG };

struct request {
    const char *dir, *output;
    bool no_plots;
};

static int take_flags(struct request *q, struct cli_args *args, struct tide_error *e)
{
    const char *value;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        switch (flag) {
        case CLI_WORD:
            if (q->dir != NULL)
                rc = cli_usage(args, e, "one folder at a time: what is '%.200s'?", value);
            q->dir = value;
            break;
        case 'o':
            q->output = value;
            break;
        case FLAG_NO_PLOTS:
            q->no_plots = true;
            break;
        default:
            rc = flag;
        }
    }
    if (rc == 0 && q->dir == NULL)
        rc = cli_usage(args, e, "which results? DIR is missing");
    if (rc == 0 && q->output != NULL && q->output[0] == '\0')
        rc = cli_usage(args, e, "-o: the file's name is empty");
    return rc;
}

static int run(struct cli_args *args, struct tide_error *e)
{
    struct request q = {0};
    struct tide_results results = {0};
    struct tide_text page = {0};
    char *beside = NULL;
    int rc = take_flags(&q, args, e);

    if (rc != 0)
        return rc;
    if (q.output == NULL) {
        beside = tide_asprintf("%s/report.html", q.dir);
        if (beside == NULL)
            return tide_nomem(e);
        q.output = beside;
    }
    rc = tide_results_load(q.dir, &results, e);
    if (rc == 0)
        rc = tide_html_report(&results, !q.no_plots, &page, e);
    if (rc == TIDE_E_IO && strstr(e->remedy, "gnuplot") != NULL) {
        char install[sizeof e->remedy];

        memcpy(install, e->remedy, sizeof install);
        tide_error_remedy(e, "%.400s; --no-plots makes the tables without it", install);
    }
    if (rc == 0 && strcmp(q.output, "-") == 0)
        fwrite(page.bytes, 1, page.n, stdout);
    else if (rc == 0)
        rc = cli_write_file(q.output, page.bytes, page.n, e);
    if (rc == 0 && strcmp(q.output, "-") != 0)
        fprintf(stderr, "pagetide: report: %s\n", q.output);
    tide_text_fini(&page);
    tide_results_fini(&results);
    free(beside);
    return rc;
}

static const struct cli_flag flags[] = {
    {'o', "output", "FILE.html",
     "write the page there (default: DIR/report.html); - is\n"
     "standard output"},
    {FLAG_NO_PLOTS, "no-plots", NULL, "tables only: gnuplot is not needed"},
    {0},
};

const struct cli_command cli_report = {
    .name = "report",
    .synopsis = "DIR [-o FILE.html] [--no-plots]",
    .summary = "make one HTML page, with plots, from a folder of results",
    .about =
        "Reads the files that run and curve write (summary.csv, tlb.csv, ..., run.json: whatever\n"
        "is there) and makes one page that needs nothing else: for each trace the miss curves,\n"
        "the distance to OPT, working sets, faults over time, fault kinds, TLB misses, free\n"
        "memory; then the configuration and where it all comes from. gnuplot draws the plots.\n",
    .examples = "  pagetide report results/quickstart\n"
                "  pagetide report results/policies -o policies.html\n",
    .flags = flags,
    .run = run,
};
