/* pagetide compare: policies against memory sizes on one trace, as a table. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "report/csv.h"

enum {
    FLAG_SKIP = CLI_LONG,
    FLAG_WARMUP,
    FLAG_LIMIT,
    FLAG_PAGE_SIZE,
    FLAG_TLB,
    FLAG_FORMAT,
    FLAG_ENGINE,
    FLAG_SEED,
    FLAG_REFERENCES
};
enum { MOST_JOBS = 1024 };

struct request {
    const char *trace, *output, *format, *page_size, *tlb;
    struct cli_list policies, memories;
    struct tide_machine_config base;
    uint64_t jobs;
    enum tide_engine engine;
    bool quiet;
    struct tide_machine_config *machines; /* policy by policy */
    size_t n;
};

static int take_flag(struct request *q, const struct cli_args *args, int flag, const char *value,
                     struct tide_error *e)
{
    struct tide_machine_config *c = &q->base;

    switch (flag) {
    case CLI_WORD:
        if (q->trace != NULL)
            return cli_usage(args, e, "one trace at a time: what is '%.200s'?", value);
        q->trace = value;
        return 0;
    case 'p':
        return cli_list_split(&q->policies, value, e);
    case 'm':
        return cli_list_split(&q->memories, value, e);
    case 'o':
        q->output = value;
        return 0;
    case 'j':
        return cli_count(args, "-j", value, 1, MOST_JOBS, &q->jobs, e);
    case 'q':
        q->quiet = true;
        return 0;
    case FLAG_SKIP:
        return cli_count(args, "--skip", value, 0, UINT64_MAX, &c->skip, e);
    case FLAG_WARMUP:
        return cli_count(args, "--warmup", value, 0, UINT64_MAX, &c->warmup, e);
    case FLAG_LIMIT:
        return cli_count(args, "--limit", value, 1, UINT64_MAX, &c->limit, e);
    case FLAG_SEED:
        return cli_count(args, "--seed", value, 0, UINT64_MAX, &c->seed, e);
    case FLAG_REFERENCES:
        return cli_set("--references", c, "references", value, e);
    case FLAG_PAGE_SIZE:
        q->page_size = value;
        return 0;
    case FLAG_TLB:
        q->tlb = value;
        return 0;
    case FLAG_FORMAT:
        q->format = value;
        return 0;
    case FLAG_ENGINE:
        return cli_engine(args, value, &q->engine, e);
    default:
        return flag;
    }
}

/* The arrays of a preset depend on the page size, whatever the order of the flags. */
static int set_translation(struct request *q, struct tide_error *e)
{
    int rc = 0;

    if (q->page_size != NULL)
        rc = cli_set("--page-size", &q->base, "page_size", q->page_size, e);
    if (rc == 0 && q->tlb != NULL)
        rc = cli_set("--tlb", &q->base, "tlb", q->tlb, e);
    return rc;
}

static int take_flags(struct request *q, struct cli_args *args, struct tide_error *e)
{
    const char *value;
    int flag, rc = 0;

    q->jobs = cli_processors();
    tide_machine_defaults(&q->base);
    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END)
        rc = take_flag(q, args, flag, value, e);
    if (rc == 0 && q->trace == NULL)
        rc = cli_usage(args, e, "which trace? TRACE is missing");
    if (rc == 0)
        rc = set_translation(q, e);
    if (rc == 0 && q->policies.n == 0)
        rc = cli_list_split(&q->policies, "fifo,lru,clock,opt", e);
    if (rc == 0 && q->memories.n == 0)
        rc = cli_list_split(&q->memories, "25%,50%,75%", e);
    return rc;
}

static int make_machines(struct request *q, struct tide_error *e)
{
    q->machines = tide_calloc(q->policies.n * q->memories.n, sizeof *q->machines);
    if (q->machines == NULL)
        return tide_nomem(e);
    for (size_t p = 0; p < q->policies.n; p++) {
        for (size_t m = 0; m < q->memories.n; m++) {
            struct tide_machine_config *c = &q->machines[q->n++];
            int rc;

            *c = q->base;
            rc = cli_set("-p", c, "policy", q->policies.items[p], e);
            if (rc == 0)
                rc = cli_memory(c, q->memories.items[m], e);
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
    char *name = tide_strdup("compare"), *dir = tide_strdup(q->output);
    char *traces[1] = {(char *)q->trace}; /* experiments own their strings; here they are lent */
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
                                    .trace_format = (char *)q->format};

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
    struct cli_table t = {.columns = q->memories.n + 1, .left = 1};
    size_t across = q->memories.n;
    int rc = cli_cell(&t, e, "%s", name);

    for (size_t m = 0; rc == 0 && m < across; m++)
        rc = cli_cell(&t, e, "%s", q->memories.items[m]);
    if (rc == 0 && metric == FAULTS)
        rc = cli_cell(&t, e, "frames");
    for (size_t m = 0; rc == 0 && metric == FAULTS && m < across; m++)
        rc = add_cell(&t, &results->runs[m], FRAMES, e);
    for (size_t i = 0; rc == 0 && i < results->n; i++) {
        if (i % across == 0)
            rc = cli_cell(&t, e, "%s", q->policies.items[i / across]);
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
            fprintf(stderr, "pagetide: %s with %s: %s\n", q->policies.items[i / q->memories.n],
                    q->memories.items[i % q->memories.n], tide_status_names[r->status]);
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

    cli_progress_init(&progress, q->quiet);
    options = cli_batch_options(args, (unsigned)q->jobs, q->engine, &progress);
    if (q->output != NULL)
        rc = run_to_files(q, &options, &results, e);
    else
        rc = tide_batch_faults(q->trace, q->format, q->machines, q->n, &options, &results, e);
    rc = cli_batch_end(rc, &progress, e);
    if (results.n == q->n && print_results(q, &results, &printing) != 0 && rc == 0) {
        rc = printing.code;
        *e = printing;
    }
    if (results.n == q->n && q->output != NULL && !q->quiet) {
        fflush(stdout); /* the table, then where the files are */
        fprintf(stderr, "pagetide: results: %s\n", q->output);
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
    cli_list_fini(&q.policies);
    cli_list_fini(&q.memories);
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
    {'j', "jobs", "N", "threads (default: the processors there are)"},
    {FLAG_SKIP, "skip", "N", "leave out the first N references"},
    {FLAG_WARMUP, "warmup", "N", "fill the machine with N references that do not count"},
    {FLAG_LIMIT, "limit", "N", "count N references at most"},
    {FLAG_PAGE_SIZE, "page-size", "SIZE", "size of a page (default 4K)"},
    {FLAG_TLB, "tlb", "PRESET", "a TLB preset or none (pagetide list presets)"},
    {FLAG_SEED, "seed", "N", "seed of what is random (default 1)"},
    {FLAG_REFERENCES, "references", "MODE",
     "what policies see: every reference (the default), or collapsed: no\n"
     "immediate repeats of a page"},
    {FLAG_FORMAT, "format", "FORMAT",
     "read the trace as this format instead of finding it by content"},
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
