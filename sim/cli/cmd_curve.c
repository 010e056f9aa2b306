/* pagetide curve: LRU and OPT at every size, working sets at every window, in one pass. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "cli/cli.h"
#include "curve/lanes.h"
#include "report/csv.h"

enum { FLAG_CURVES = CLI_LONG, FLAG_TAU, FLAG_INTERVAL };

enum { MOST_ACROSS = 11 }; /* sizes in a table */
enum { MOST_TAUS = 64, DEFAULT_INTERVAL = 100000 };

struct request {
    struct cli_replay replay;
    struct cli_list curves, taus;
    const char *references;
    struct tide_curve_plan plan;
    struct tide_size_plan sizes;
    const char **names; /* of the policies, lent by the list */
    uint64_t interval;
    struct tide_error *printing; /* what went wrong in a table */
};

/* ---- the request ---- */

static int take_flag(struct request *q, const struct cli_args *args, int flag, const char *value,
                     struct tide_error *e)
{
    bool taken;
    int rc = cli_replay_flag(args, &q->replay, flag, value, &taken, e);

    if (rc != 0 || taken)
        return rc;
    switch (flag) {
    case FLAG_CURVES:
        return cli_list_split(&q->curves, value, e);
    case FLAG_TAU:
        return cli_list_split(&q->taus, value, e);
    case FLAG_INTERVAL:
        return cli_count(args, "--interval", value, 1, UINT64_MAX, &q->interval, e);
    case CLI_FLAG_REFERENCES:
        q->references = value;
        return 0;
    default:
        return flag;
    }
}

static int choose_curves(struct request *q, const struct cli_args *args, struct tide_error *e)
{
    for (size_t i = 0; i < q->curves.n; i++) {
        const char *word = q->curves.items[i];
        size_t k = 0;

        while (tide_curve_names[k] != NULL && strcmp(tide_curve_names[k], word) != 0)
            k++;
        if (tide_curve_names[k] == NULL) {
            const char *near = tide_nearest(word, tide_curve_names, TIDE_CURVES);
            int rc = cli_usage(args, e, "--curves: there is no curve '%.200s'", word);

            if (near != NULL)
                tide_error_remedy(e, "did you mean '%s'? There are lru, opt, working-set and reuse",
                                  near);
            return rc;
        }
        q->plan.curves.which |= 1u << k;
    }
    if (q->curves.n == 0)
        q->plan.curves.which = TIDE_CURVES_ALL;
    return 0;
}

static int choose_windows(struct request *q, const struct cli_args *args, struct tide_error *e)
{
    if (q->taus.n == 0 && q->interval != 0)
        return cli_usage(args, e, "--interval without --tau: which windows?");
    if (q->taus.n == 0)
        return 0;
    if (q->replay.output == NULL)
        return cli_usage(args, e, "--tau without -o: the working set over time goes to wst.csv");
    if (q->taus.n > MOST_TAUS)
        return cli_usage(args, e, "--tau: at most %d windows", MOST_TAUS);
    q->plan.taus = tide_calloc(q->taus.n, sizeof *q->plan.taus);
    if (q->plan.taus == NULL)
        return tide_nomem(e);
    q->plan.interval = q->interval != 0 ? q->interval : DEFAULT_INTERVAL;
    for (size_t i = 0; i < q->taus.n; i++) {
        int rc = cli_count(args, "--tau", q->taus.items[i], 1, UINT64_MAX, &q->plan.taus[i], e);

        if (rc != 0)
            return rc;
        for (size_t k = 0; k < i; k++)
            if (q->plan.taus[k] == q->plan.taus[i])
                return cli_usage(args, e, "--tau: %.200s is there twice", q->taus.items[i]);
        q->plan.n_taus++;
    }
    return 0;
}

/* ---- policies at sizes ---- */

/* `all`: every policy that has a number of frames, and no curve of its own. */
static int expand_all(struct cli_list *policies, struct tide_error *e)
{
    int rc = 0;

    if (policies->n != 1 || strcmp(policies->items[0], "all") != 0)
        return 0;
    cli_list_fini(policies);
    *policies = (struct cli_list){0};
    for (const struct tide_policy *const *p = tide_policies; *p != NULL && rc == 0; p++)
        if (tide_lanes_can(*p) && strcmp((*p)->name, "lru") != 0)
            rc = cli_list_split(policies, (*p)->name, e);
    return rc;
}

/* LRU and OPT are curves; the others are added to the plan. */
static int add_policy(struct request *q, const char *text, const struct cli_args *args,
                      struct tide_error *e)
{
    struct tide_size_plan *p = &q->sizes;
    struct tide_machine_config c = q->replay.base;
    int rc = cli_set("-p", &c, "policy", text, e);

    if (rc == 0 && q->references != NULL)
        rc = cli_set("--references", &c, "references", q->references, e);
    if (rc == 0 && c.policy->variable_space) {
        cli_usage(args, e, "-p: %s takes as many frames as it wants: it has no curve over frames",
                  c.policy->name);
        tide_error_remedy(e, "--curves working-set has WS and VMIN at every window");
        return TIDE_E_USAGE;
    }
    if (rc == 0)
        rc = tide_machine_check(&c, e);
    if (rc != 0)
        return rc;
    if (strcmp(c.policy->name, "lru") == 0 || strcmp(c.policy->name, "opt") == 0) {
        q->plan.curves.which |= 1u << (c.policy->name[0] == 'l' ? TIDE_CURVE_LRU : TIDE_CURVE_OPT);
        return 0;
    }
    for (size_t i = 0; i < p->n_policies; i++)
        if (strcmp(p->names[i], text) == 0)
            return cli_usage(args, e, "-p: %.200s is there twice", text);
    q->names[p->n_policies] = text;
    p->policies[p->n_policies++] = c;
    return 0;
}

static int add_size(struct request *q, const char *text, struct tide_error *e)
{
    struct tide_machine_config c = q->replay.base;
    int rc = cli_memory(&c, text, e);

    if (rc == 0 && c.by_memory) {
        rc = tide_fail(e, TIDE_E_USAGE, "%.200s is memory: curves are over frames", text);
        tide_error_where(e, "-m");
        tide_error_remedy(e, "1000f is frames, 25%% a share of the trace's pages, all: each size");
    }
    if (rc == 0)
        q->sizes.frames[q->sizes.n_frames++] = c.frames;
    return rc;
}

static int choose_policies(struct request *q, const struct cli_args *args, struct tide_error *e)
{
    struct tide_size_plan *p = &q->sizes;
    bool all_sizes = q->replay.memories.n == 1 && strcmp(q->replay.memories.items[0], "all") == 0;
    int rc;

    if (q->replay.policies.n == 0 && (q->replay.memories.n > 0 || q->references != NULL))
        return cli_usage(args, e, "%s goes with -p: of which policies?",
                         q->replay.memories.n > 0 ? "-m" : "--references");
    if (q->replay.policies.n == 0)
        return 0;
    rc = expand_all(&q->replay.policies, e);
    if (rc == 0 && q->replay.memories.n == 0)
        rc = cli_list_split(&q->replay.memories, "5%,10%,20%,30%,40%,50%,60%,70%,80%,90%,100%", e);
    if (rc != 0)
        return rc;
    p->policies = tide_calloc(q->replay.policies.n, sizeof *p->policies);
    p->names = q->names = tide_calloc(q->replay.policies.n, sizeof *q->names);
    p->frames = tide_calloc(q->replay.memories.n, sizeof *p->frames);
    if (p->policies == NULL || p->names == NULL || p->frames == NULL)
        return tide_nomem(e);
    for (size_t i = 0; i < q->replay.policies.n && rc == 0; i++)
        rc = add_policy(q, q->replay.policies.items[i], args, e);
    for (size_t i = 0; i < q->replay.memories.n && rc == 0 && !all_sizes; i++)
        rc = add_size(q, q->replay.memories.items[i], e);
    if (p->n_policies > 0)
        q->plan.sizes = p;
    return rc;
}

static int take_flags(struct request *q, struct cli_args *args, struct tide_error *e)
{
    struct tide_curves_config *c = &q->plan.curves;
    const char *value;
    int flag, rc = 0;

    cli_replay_init(&q->replay);
    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END)
        rc = take_flag(q, args, flag, value, e);
    if (rc == 0 && q->replay.trace == NULL)
        rc = cli_usage(args, e, "which trace? TRACE is missing");
    if (rc == 0)
        rc = choose_curves(q, args, e);
    if (rc == 0)
        rc = choose_windows(q, args, e);
    if (rc == 0)
        rc = choose_policies(q, args, e);
    if (rc == 0)
        rc = tide_machine_check(&q->replay.base, e);
    c->geometry = tide_machine_geometry(&q->replay.base);
    c->skip = q->replay.base.skip;
    c->warmup = q->replay.base.warmup;
    c->limit = q->replay.base.limit;
    return rc;
}

/* ---- tables for people ---- */

static bool chosen(const struct request *q, enum tide_curve which)
{
    return (q->plan.curves.which & 1u << which) != 0;
}

static int ratio_cell(struct cli_table *t, uint64_t num, uint64_t den, struct tide_error *e)
{
    if (den == 0)
        return cli_cell(t, e, "-");
    return cli_cell(t, e, "%.4g", (double)num / (double)den);
}

/* The least number of frames with at most that many faults. */
static uint64_t frames_for(const struct tide_distances *d, uint64_t faults)
{
    uint64_t at_all = tide_distances_beyond(d, 0), frames = 0;

    while (at_all > faults && frames + 1 < d->cap)
        at_all -= d->counts[++frames];
    return frames > 0 ? frames : 1; /* no machine has none */
}

/* Sizes one of which is twice the other, and all pages. */
static int miss_table(const struct request *q, const struct tide_curves *c, struct tide_error *e)
{
    static const enum tide_curve both[] = {TIDE_CURVE_LRU, TIDE_CURVE_OPT};
    uint64_t pages = tide_curves_pages(c), references = tide_curves_references(c);
    struct cli_table t = {.columns = 1};
    int rc;

    for (size_t k = 0; k < 2; k++)
        t.columns += chosen(q, both[k]) ? 2 : 0;
    if (t.columns == 1)
        return 0;
    rc = cli_cell(&t, e, "frames");
    for (size_t k = 0; k < 2 && rc == 0; k++) {
        if (!chosen(q, both[k]))
            continue;
        rc = cli_cell(&t, e, "%s faults", tide_curve_names[both[k]]);
        if (rc == 0)
            rc = cli_cell(&t, e, "ratio");
    }
    for (uint64_t frames = 1; rc == 0 && frames <= pages;) {
        rc = cli_cell(&t, e, "%" PRIu64, frames);
        for (size_t k = 0; k < 2 && rc == 0; k++) {
            uint64_t faults;

            if (!chosen(q, both[k]))
                continue;
            faults = tide_distances_beyond(tide_curves_distances(c, both[k]), frames);
            rc = cli_cell(&t, e, "%" PRIu64, faults);
            if (rc == 0)
                rc = ratio_cell(&t, faults, references, e);
        }
        frames = frames < pages && 2 * frames > pages ? pages : 2 * frames;
    }
    if (rc == 0)
        cli_table_print(&t, "", stdout);
    cli_table_fini(&t);
    for (size_t k = 0; k < 2 && rc == 0; k++) {
        const struct tide_distances *d;
        uint64_t least, twice;

        if (!chosen(q, both[k]) || references == 0 || pages == 0)
            continue;
        d = tide_curves_distances(c, both[k]);
        least = tide_distances_beyond(d, pages);
        twice = frames_for(d, 2 * least);
        printf("%s: twice the fewest faults (%" PRIu64 ") at %" PRIu64
               " frame%s, 1.1 times at %" PRIu64 ", no more than these at %" PRIu64 "\n",
               tide_curve_names[both[k]], least, twice, twice == 1 ? "" : "s",
               frames_for(d, least + least / 10), frames_for(d, least));
    }
    putchar('\n');
    return rc;
}

/* Policies down, sizes across, where they fit; beside them LRU and OPT at the same sizes. */
static int size_table(const struct request *q, const struct tide_curves *c,
                      const struct tide_size_table *s, struct tide_error *e)
{
    static const enum tide_curve both[] = {TIDE_CURVE_LRU, TIDE_CURVE_OPT};
    size_t step = (s->n_frames + MOST_ACROSS - 1) / MOST_ACROSS;
    struct cli_table t = {.columns = 1, .left = 1};
    int rc;

    for (size_t k = 0; k < s->n_frames; k += step)
        t.columns++;
    rc = cli_cell(&t, e, "faults with");
    for (size_t k = 0; k < s->n_frames && rc == 0; k += step)
        rc = cli_cell(&t, e, "%" PRIu32, s->frames[k]);
    for (size_t i = 0; i < s->n_policies && rc == 0; i++) {
        rc = cli_cell(&t, e, "%s", s->names[i]);
        for (size_t k = 0; k < s->n_frames && rc == 0; k += step)
            rc = cli_cell(&t, e, "%" PRIu64, s->faults[i * s->n_frames + k]);
    }
    for (size_t i = 0; i < 2 && rc == 0; i++) {
        if (!chosen(q, both[i]))
            continue;
        rc = cli_cell(&t, e, "%s", tide_curve_names[both[i]]);
        for (size_t k = 0; k < s->n_frames && rc == 0; k += step)
            rc = cli_cell(&t, e, "%" PRIu64,
                          tide_distances_beyond(tide_curves_distances(c, both[i]), s->frames[k]));
    }
    if (rc == 0 && s->n_frames > 0)
        cli_table_print(&t, "", stdout);
    cli_table_fini(&t);
    putchar('\n');
    return rc;
}

struct window_table {
    struct cli_table table;
    const struct tide_curves *curves;
    uint64_t next; /* tau to be shown */
};

/* About four windows for each factor of ten. */
static int window_cells(void *context, const struct tide_window_point *p, struct tide_error *e)
{
    struct window_table *w = context;
    uint64_t references = tide_curves_references(w->curves);
    int rc;

    if (p->tau < w->next)
        return 0;
    w->next = p->tau * 4;
    rc = cli_cell(&w->table, e, "%" PRIu64, p->tau);
    if (rc == 0)
        rc = ratio_cell(&w->table, p->size_sum, references, e);
    if (rc == 0)
        rc = cli_cell(&w->table, e, "%" PRIu64, p->faults);
    if (rc == 0)
        rc = ratio_cell(&w->table, p->faults, references, e);
    if (rc == 0)
        rc = ratio_cell(&w->table, p->vmin_sum, references, e);
    return rc == 0 ? ratio_cell(&w->table, p->footprint_sum, p->windows, e) : rc;
}

static int working_set_table(const struct tide_curves *c, struct tide_error *e)
{
    static const char *const heads[] = {"tau",   "ws pages",   "faults",
                                        "ratio", "vmin pages", "footprint"};
    struct window_table w = {.table = {.columns = sizeof heads / sizeof *heads}, .curves = c};
    int rc = 0;

    for (size_t i = 0; i < sizeof heads / sizeof *heads && rc == 0; i++)
        rc = cli_cell(&w.table, e, "%s", heads[i]);
    if (rc == 0)
        rc = tide_windows_points(tide_curves_windows(c), window_cells, &w, e);
    if (rc == 0)
        cli_table_print(&w.table, "", stdout);
    cli_table_fini(&w.table);
    putchar('\n');
    return rc;
}

static int reuse_table(const struct tide_curves *c, struct tide_error *e)
{
    const struct tide_distances *d = tide_curves_distances(c, TIDE_CURVE_REUSE);
    struct cli_table t = {.columns = 3, .left = 1};
    uint64_t references = tide_curves_references(c);
    int rc = cli_cell(&t, e, "reuse distance");

    if (rc == 0)
        rc = cli_cell(&t, e, "references");
    if (rc == 0)
        rc = cli_cell(&t, e, "share");
    for (uint64_t from = 1; rc == 0 && from < d->cap; from *= 2) {
        uint64_t to = 2 * from - 1 < d->cap ? 2 * from - 1 : d->cap - 1, n = 0;

        for (uint64_t k = from; k <= to; k++)
            n += d->counts[k];
        if (n == 0)
            continue;
        rc = from == 1 ? cli_cell(&t, e, "1")
                       : cli_cell(&t, e, "%" PRIu64 "-%" PRIu64, from, 2 * from - 1);
        if (rc == 0)
            rc = cli_cell(&t, e, "%" PRIu64, n);
        if (rc == 0)
            rc = ratio_cell(&t, n, references, e);
    }
    if (rc == 0)
        rc = cli_cell(&t, e, "first touch");
    if (rc == 0)
        rc = cli_cell(&t, e, "%" PRIu64, d->cap > 0 ? d->counts[0] : 0);
    if (rc == 0)
        rc = ratio_cell(&t, d->cap > 0 ? d->counts[0] : 0, references, e);
    if (rc == 0)
        cli_table_print(&t, "", stdout);
    cli_table_fini(&t);
    return rc;
}

static void print_curves(void *context, const struct tide_curves *c,
                         const struct tide_size_table *sizes, bool partial)
{
    struct request *q = context;
    struct tide_error *e = q->printing;
    int rc;

    printf("%" PRIu64 " references to %" PRIu64 " pages of %" PRIu64 " bytes%s\n\n",
           tide_curves_references(c), tide_curves_pages(c),
           UINT64_C(1) << q->plan.curves.geometry.page_shift,
           partial ? " (the trace is damaged: what could be read of it)" : "");
    rc = miss_table(q, c, e);
    if (rc == 0 && sizes != NULL)
        rc = size_table(q, c, sizes, e);
    if (rc == 0 && chosen(q, TIDE_CURVE_WORKING_SET))
        rc = working_set_table(c, e);
    if (rc == 0 && chosen(q, TIDE_CURVE_REUSE))
        rc = reuse_table(c, e);
    e->code = rc;
}

/* ---- the pass ---- */

static int to_files(struct request *q, const struct tide_batch_options *o, struct tide_error *e)
{
    char *traces[1] = {
        (char *)q->replay.trace}; /* experiments own their strings; here they are lent */
    struct tide_batch_results results = {0};
    struct tide_experiment x = {.name = (char *)"curve",
                                .traces = traces,
                                .n_traces = 1,
                                .curves = &q->plan,
                                .n_curves = 1,
                                .output_dir = (char *)q->replay.output,
                                .trace_format = (char *)q->replay.format};
    int rc = tide_batch_run(&(struct tide_experiments){.list = &x, .n = 1}, o, &results, e);

    tide_batch_results_free(&results);
    return rc;
}

static int curve(struct cli_args *args, struct tide_error *e)
{
    struct tide_error printing = {0};
    struct request q = {.printing = &printing};
    struct tide_batch_options options;
    struct cli_progress progress;
    int rc = take_flags(&q, args, e);

    if (rc == 0) {
        cli_progress_init(&progress, q.replay.quiet);
        options = cli_batch_options(args, (unsigned)q.replay.jobs, TIDE_ENGINE_FAST, &progress);
        options.curves = print_curves;
        options.curves_context = &q;
        if (q.replay.output != NULL)
            rc = to_files(&q, &options, e);
        else
            rc = tide_batch_curves(q.replay.trace, q.replay.format, &q.plan, &options, e);
        rc = cli_batch_end(rc, &progress, e);
        if (rc == 0 && printing.code != 0) {
            rc = printing.code;
            *e = printing;
        }
        if ((rc == 0 || rc == TIDE_E_TRACE) && q.replay.output != NULL && !q.replay.quiet) {
            fflush(stdout); /* the tables, then where the files are */
            fprintf(stderr, "pagetide: results: %s\n", q.replay.output);
        }
    }
    free(q.plan.taus);
    free(q.sizes.policies);
    free(q.names);
    free(q.sizes.frames);
    cli_replay_fini(&q.replay);
    cli_list_fini(&q.curves);
    cli_list_fini(&q.taus);
    return rc;
}

static const struct cli_flag flags[] = {
    {FLAG_CURVES, "curves", "LIST",
     "which ones, with commas between: lru, opt, working-set, reuse\n"
     "(default: all)"},
    {'p', "policies", "LIST",
     "these policies at the sizes of -m too, or all; options in braces:\n"
     "\"clock,{name: gclock, cap: 7}\""},
    {'m', "memories", "LIST",
     "25% of the trace's pages, 1000f frames, or all: every number of\n"
     "frames (default 5%,10%,20%,...,100%)"},
    {CLI_FLAG_REFERENCES, "references", "MODE",
     "what these policies see: every reference (the default), or\n"
     "collapsed: no immediate repeats of a page"},
    {'o', "output", "DIR", "write mrc.csv, wss.csv and reuse.csv there"},
    {FLAG_TAU, "tau", "LIST", "with -o: working sets over time for these windows, in wst.csv"},
    {FLAG_INTERVAL, "interval", "N", "references between two times of wst.csv (default 100K)"},
    CLI_REPLAY_FLAGS,
    {'q', "quiet", NULL, "print the tables and errors only"},
    {0},
};

const struct cli_command cli_curve = {
    .name = "curve",
    .synopsis = "TRACE [--curves LIST] [-o DIR] [OPTIONS]",
    .summary = "LRU and OPT at every size, working sets at every window",
    .about =
        "Goes through the trace once, and knows the exact faults of LRU and of OPT with every\n"
        "number of frames, the mean working set, its faults and VMIN's size for every window,\n"
        "and the histogram of reuse distances. Prints some of that; -o has all of it. TRACE may\n"
        "be compressed; - is standard input.\n",
    .examples = "  pagetide curve traces/sort.tide\n"
                "  pagetide curve trace.gz -o curves --tau 10K,1M --interval 100K\n",
    .flags = flags,
    .run = curve,
};
