/* pagetide compare: policies against memory sizes on one trace, as a table. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "report/csv.h"

enum { FLAG_TLB = CLI_LONG, FLAG_ENGINE };

struct request {
    struct cli_replay replay;
    const char *tlb;
    enum tide_engine engine;
    struct tide_machine_config *machines; /* policy by policy */
    size_t n;
};

static int take_flag(struct request *q, const struct cli_args *args, int flag, const char *value,
                     struct tide_error *e)
{
    bool taken;
    int rc = cli_replay_flag(args, &q->replay, flag, value, &taken, e);

    if (rc != 0 || taken)
        return rc;
    switch (flag) {
    case CLI_FLAG_REFERENCES:
        return cli_set("--references", &q->replay.base, "references", value, e);
    case FLAG_TLB:
        q->tlb = value;
        return 0;
    case FLAG_ENGINE:
        return cli_engine(args, value, &q->engine, e);
    default:
        return flag;
    }
}

static int take_flags(struct request *q, struct cli_args *args, struct tide_error *e)
{
    struct cli_replay *r = &q->replay;
    const char *value;
    int flag, rc = 0;

    cli_replay_init(r);
    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END)
        rc = take_flag(q, args, flag, value, e);
    if (rc == 0 && r->trace == NULL)
        rc = cli_usage(args, e, "which trace? TRACE is missing");
    /* The arrays of a preset depend on the page size, whatever the order of the flags. */
    if (rc == 0 && q->tlb != NULL)
        rc = cli_set("--tlb", &r->base, "tlb", q->tlb, e);
    if (rc == 0 && r->policies.n == 0)
        rc = cli_list_split(&r->policies, "fifo,lru,clock,opt", e);
    if (rc == 0 && r->memories.n == 0)
        rc = cli_list_split(&r->memories, "25%,50%,75%", e);
    return rc;
}

static int make_machines(struct request *q, struct tide_error *e)
{
    q->machines = tide_calloc(q->replay.policies.n * q->replay.memories.n, sizeof *q->machines);
    if (q->machines == NULL)
        return tide_nomem(e);
    for (size_t p = 0; p < q->replay.policies.n; p++) {
        for (size_t m = 0; m < q->replay.memories.n; m++) {
            struct tide_machine_config *c = &q->machines[q->n++];
            int rc;

            *c = q->replay.base;
            rc = cli_set("-p", c, "policy", q->replay.policies.items[p], e);
            if (rc == 0)
                rc = cli_memory(c, q->replay.memories.items[m], e);
            if (rc == 0)
                rc = tide_machine_check(c, e);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

/* The same files as a run of a configuration with these machines. */
static int run_to_files(const struct request *q, const struct tide_batch_options *options,
                        struct tide_batch_results *results, struct tide_error *e)
{
    char **resolved = tide_calloc(q->n, sizeof *resolved);
    char *name = tide_strdup("compare"), *dir = tide_strdup(q->replay.output);
    char *traces[1] = {
        (char *)q->replay.trace}; /* experiments own their strings; here they are lent */
    int rc = 0;

    if (resolved == NULL || name == NULL || dir == NULL)
        rc = tide_nomem(e);
    for (size_t i = 0; rc == 0 && i < q->n; i++) {
        resolved[i] = tide_machine_print(&q->machines[i]);
        if (resolved[i] == NULL)
            rc = tide_nomem(e);
    }
    if (rc == 0) {
        struct tide_experiment x = {.name = name,
                                    .traces = traces,
                                    .n_traces = 1,
                                    .machines = q->machines,
                                    .resolved = resolved,
                                    .n_machines = q->n,
                                    .output_dir = dir,
                                    .trace_format = (char *)q->replay.format};

        rc = tide_batch_run(&(struct tide_experiments){.list = &x, .n = 1}, options, results, e);
    }
    for (size_t i = 0; resolved != NULL && i < q->n; i++)
        free(resolved[i]);
    free(resolved);
    free(name);
    free(dir);
    return rc;
}

enum metric { FRAMES, FAULTS, FAULT_RATIO };

static int add_cell(struct cli_table *t, const struct tide_run_result *r, enum metric metric,
                    struct tide_error *e)
{
    uint64_t references = r->counts.references;

    if (metric == FAULTS)
        return cli_cell(t, e, "%" PRIu64, r->faults);
    if (metric == FAULT_RATIO && references > 0) /* three digits are for people, the CSV has all */
        return cli_cell(t, e, "%.3g", (double)r->faults / (double)references);
    if (metric == FRAMES && r->frames > 0)
        return cli_cell(t, e, "%" PRIu64, r->frames);
    return cli_cell(t, e, "-");
}

/* One metric: policies down, memories across; the frames that each memory came to where they are
 * the same for all policies. */
static int print_metric(const struct request *q, const struct tide_batch_results *results,
                        enum metric metric, const char *name, struct tide_error *e)
{
    struct cli_table t = {.columns = q->replay.memories.n + 1, .left = 1};
    size_t across = q->replay.memories.n;
    int rc = cli_cell(&t, e, "%s", name);

    for (size_t m = 0; rc == 0 && m < across; m++)
        rc = cli_cell(&t, e, "%s", q->replay.memories.items[m]);
    if (rc == 0 && metric == FAULTS)
        rc = cli_cell(&t, e, "frames");
    for (size_t m = 0; rc == 0 && metric == FAULTS && m < across; m++)
        rc = add_cell(&t, &results->runs[m], FRAMES, e);
    for (size_t i = 0; rc == 0 && i < results->n; i++) {
        if (i % across == 0)
            rc = cli_cell(&t, e, "%s", q->replay.policies.items[i / across]);
        if (rc == 0)
            rc = add_cell(&t, &results->runs[i], metric, e);
    }
    if (rc == 0)
        cli_table_print(&t, "", stdout);
    cli_table_fini(&t);
    return rc;
}

static int print_results(const struct request *q, const struct tide_batch_results *results,
                         struct tide_error *e)
{
    int rc = print_metric(q, results, FAULTS, "faults", e);

    putchar('\n');
    if (rc == 0)
        rc = print_metric(q, results, FAULT_RATIO, "fault_ratio", e);
    for (size_t i = 0; rc == 0 && i < results->n; i++) {
        const struct tide_run_result *r = &results->runs[i];

        if (r->status != TIDE_STATUS_OK)
            fprintf(stderr, "pagetide: %s with %s: %s\n",
                    q->replay.policies.items[i / q->replay.memories.n],
                    q->replay.memories.items[i % q->replay.memories.n],
                    tide_status_names[r->status]);
    }
    return rc;
}

static int run_machines(const struct request *q, const struct cli_args *args, struct tide_error *e)
{
    struct tide_batch_results results = {0};
    struct tide_batch_options options;
    struct cli_progress progress;
    struct tide_error printing;
    int rc;

    cli_progress_init(&progress, q->replay.quiet);
    options = cli_batch_options(args, (unsigned)q->replay.jobs, q->engine, &progress);
    if (q->replay.output != NULL)
        rc = run_to_files(q, &options, &results, e);
    else
        rc = tide_batch_faults(q->replay.trace, q->replay.format, q->machines, q->n, &options,
                               &results, e);
    rc = cli_batch_end(rc, &progress, e);
    if (results.n == q->n && print_results(q, &results, &printing) != 0 && rc == 0) {
        rc = printing.code;
        *e = printing;
    }
    if (results.n == q->n && q->replay.output != NULL && !q->replay.quiet) {
        fflush(stdout); /* the table, then where the files are */
        fprintf(stderr, "pagetide: results: %s\n", q->replay.output);
    }
    tide_batch_results_free(&results);
    return rc;
}

static int compare(struct cli_args *args, struct tide_error *e)
{
    struct request q = {0};
    int rc = take_flags(&q, args, e);

    if (rc == 0)
        rc = make_machines(&q, e);
    if (rc == 0)
        rc = run_machines(&q, args, e);
    free(q.machines);
    cli_replay_fini(&q.replay);
    return rc;
}

static const struct cli_flag flags[] = {
    {'p', "policies", "LIST",
     "policies, with commas between (default fifo,lru,clock,opt);\n"
     "options in braces: \"lru,{name: gclock, cap: 7}\""},
    {'m', "memories", "LIST",
     "memories, with commas between (default 25%,50%,75%): 25% of the\n"
     "trace's pages, 1000f frames, 64M machine of that size"},
    {'o', "output", "DIR", "write the CSV files of a run there"},
    {CLI_FLAG_REFERENCES, "references", "MODE",
     "what policies see: every reference (the default), or collapsed: no\n"
     "immediate repeats of a page"},
    {FLAG_TLB, "tlb", "PRESET", "a TLB preset or none (pagetide list presets)"},
    CLI_REPLAY_FLAGS,
    {FLAG_ENGINE, "engine", "ENGINE", "fast (the default), or plain: the same results, slowly"},
    {'q', "quiet", NULL, "print the table and errors only"},
    {0},
};

const struct cli_command cli_compare = {
    .name = "compare",
    .synopsis = "TRACE [-p POLICIES] [-m MEMORIES] [OPTIONS]",
    .summary = "compare replacement policies and memory sizes on one trace",
    .about =
        "Replays the trace once through a machine for every policy and memory, and prints the\n"
        "faults: policies down, memories across. TRACE may be compressed; - is standard\n"
        "input.\n",
    .examples = "  pagetide compare traces/sort.tide -p fifo,lru,clock,opt -m 25%,50%,75%\n"
                "  pagetide compare trace.gz -p lru -m 1000f,64M --tlb none -o results\n",
    .flags = flags,
    .run = compare,
};
