/* pagetide run: the experiments of a configuration, from traces to CSV files. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "report/table.h"

enum { FLAG_RESUME = CLI_LONG, FLAG_ENGINE };
enum { MOST_ROWS = 60 };

struct request {
    const char *config, *output;
    struct cli_list settings;
    uint64_t jobs;
    enum tide_engine engine;
    bool resume, quiet;
};

static int take_flags(struct request *q, struct cli_args *args, struct tide_error *e)
{
    const char *value;
    int flag, rc = 0;

    q->jobs = cli_processors();
    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        switch (flag) {
        case CLI_WORD:
            if (q->config != NULL)
                rc = cli_usage(args, e, "one configuration at a time: what is '%.200s'?", value);
            q->config = value;
            break;
        case 'o':
            q->output = value;
            break;
        case 'j':
            rc = cli_jobs(args, value, &q->jobs, e);
            break;
        case 's':
            rc = cli_list_add(&q->settings, value, strlen(value), e);
            break;
        case 'q':
            q->quiet = true;
            break;
        case FLAG_RESUME:
            q->resume = true;
            break;
        case FLAG_ENGINE:
            rc = cli_engine(args, value, &q->engine, e);
            break;
        default:
            rc = flag;
        }
    }
    if (rc == 0 && q->config == NULL)
        rc = cli_usage(args, e, "which configuration? CONFIG.yaml is missing");
    return rc;
}

/* -o stands above the configuration: one experiment takes the folder itself, several take folders
 * of their names in it. The configuration's own strings are kept in `kept`. */
static int redirect(struct tide_experiments *x, const char *dir, char **kept, struct tide_error *e)
{
    for (size_t i = 0; i < x->n; i++) {
        struct tide_experiment *ex = &x->list[i];
        char *path = x->n == 1 ? tide_strdup(dir) : tide_asprintf("%s/%s", dir, ex->name);

        if (path == NULL)
            return tide_nomem(e);
        kept[i] = ex->output_dir;
        ex->output_dir = path;
    }
    return 0;
}

static void restore(struct tide_experiments *x, char **kept)
{
    for (size_t i = 0; kept != NULL && i < x->n; i++) {
        if (kept[i] != NULL) {
            free(x->list[i].output_dir);
            x->list[i].output_dir = kept[i];
        }
    }
}

static int print_results(const struct tide_batch_results *r, struct tide_error *e)
{
    size_t n = r->n < MOST_ROWS ? r->n : MOST_ROWS;
    const char **rows = tide_calloc(n, sizeof *rows);
    int rc;

    if (rows == NULL)
        return tide_nomem(e);
    for (size_t i = 0; i < n; i++)
        rows[i] = r->runs[i].summary;
    rc = tide_table_print(stdout, rows, n, e);
    if (rc == 0 && n < r->n)
        printf("... and %zu more runs in summary.csv\n", r->n - n);
    free(rows);
    return rc;
}

static int run_batch(const struct request *q, const struct cli_args *args,
                     const struct tide_experiments *x, struct tide_error *e)
{
    struct tide_batch_results results = {0};
    struct cli_progress progress;
    struct tide_batch_options options;
    struct tide_error printing;
    int rc;

    cli_progress_init(&progress, q->quiet);
    options = cli_batch_options(args, (unsigned)q->jobs, q->engine, &progress);
    options.resume = q->resume;
    cli_on_interrupt("\npagetide: interrupted; finished runs are kept. To go on, give the same "
                     "command with --resume\n");
    rc = cli_batch_end(tide_batch_run(x, &options, &results, e), &progress, e);
    cli_on_interrupt(NULL);
    if (results.n > 0 && !q->quiet) {
        /* the batch's own failure is the one to report */
        if (print_results(&results, &printing) != 0 && rc == 0) {
            rc = printing.code;
            *e = printing;
        }
        fflush(stdout); /* the table, then where the files are */
        for (size_t i = 0; i < x->n; i++)
            fprintf(stderr, "pagetide: results of %s: %s\n", x->list[i].name,
                    x->list[i].output_dir);
    }
    tide_batch_results_free(&results);
    return rc;
}

static int run(struct cli_args *args, struct tide_error *e)
{
    struct tide_experiments x = {0};
    struct request q = {0};
    char **kept = NULL;
    int rc = take_flags(&q, args, e);

    if (rc == 0)
        rc = cli_load(q.config, &q.settings, &x, e);
    if (rc == 0 && q.output != NULL) {
        kept = tide_calloc(x.n, sizeof *kept);
        rc = kept != NULL ? redirect(&x, q.output, kept, e) : tide_nomem(e);
    }
    if (rc == 0)
        rc = run_batch(&q, args, &x, e);
    restore(&x, kept);
    free(kept);
    tide_experiments_free(&x);
    cli_list_fini(&q.settings);
    return rc;
}

static const struct cli_flag flags[] = {
    {'o', "output", "DIR", "write the files there instead of output: dir: of the file"},
    {'j', "jobs", "N",
     "threads (default: the processors there are); results never\n"
     "depend on it"},
    {'s', "set", "KEY=VALUE",
     "change a key of the file, e.g. -s machine.policy=clock;\n"
     "may be repeated"},
    {FLAG_RESUME, "resume", NULL, "go on with a run that was interrupted, to the same files"},
    {FLAG_ENGINE, "engine", "ENGINE",
     "fast (the default), or plain: one reference at a time,\n"
     "the same results"},
    {'q', "quiet", NULL, "print errors only"},
    {0},
};

const struct cli_command cli_run = {
    .name = "run",
    .synopsis = "CONFIG.yaml [-o DIR] [-j N] [-s KEY=VALUE]... [--resume] [--engine ENGINE] [-q]",
    .summary = "run the experiments of a configuration and write CSV files",
    .about =
        "Replays every trace of the configuration through every machine of its sweep, prints a\n"
        "short table, and writes summary.csv and its companions (pagetide list metrics) to\n"
        "the output folder. Files appear under their names when they are complete.\n",
    .examples = "  pagetide run configs/quickstart.yaml\n"
                "  pagetide run configs/quickstart.yaml -o /tmp/q -s machine.frames=10%\n",
    .flags = flags,
    .run = run,
};
