/* pagetide trace reduce: a trace without what cannot change a count. */
#include <string.h>

#include "addr/page.h"
#include "base/units.h"
#include "cli/trace_out.h"
#include "trace/reduce.h"

enum { FLAG_FORMAT = CLI_LONG, FLAG_FRAMES, FLAG_TLB_SETS, FLAG_PAGE_SIZE };

struct reduce {
    const char *path, *format;
    struct tide_reduction what;
    struct cli_out out;
    struct cli_trace trace;
    uint64_t left; /* accesses written */
};

static int page_size(const struct cli_args *args, const char *value, unsigned *shift,
                     struct tide_error *e)
{
    struct tide_error why;
    uint64_t bytes;

    if (tide_parse_size(value, &bytes, &why) != 0)
        return cli_usage(args, e, "--page-size: %.400s", why.what);
    if ((bytes & (bytes - 1)) != 0 || bytes < UINT64_C(1) << TIDE_PAGE_SHIFT_MIN ||
        bytes > UINT64_C(1) << TIDE_PAGE_SHIFT_MAX)
        return cli_usage(args, e, "--page-size: %s is not a power of two within 64B..1G", value);
    *shift = (unsigned)__builtin_ctzll(bytes);
    return 0;
}

static int tlb_sets(const struct cli_args *args, const char *value, uint64_t *sets,
                    struct tide_error *e)
{
    int rc = cli_count(args, "--tlb-sets", value, 1, TIDE_REDUCE_SETS_MAX, sets, e);

    if (rc == 0 && (*sets & (*sets - 1)) != 0)
        return cli_usage(args, e, "--tlb-sets: %s is not a power of two", value);
    return rc;
}

static int read_flags(struct cli_args *args, struct reduce *r, struct tide_error *e)
{
    const char *value;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        bool taken;

        rc = flag < 0 ? flag : cli_out_flag(args, &r->out, flag, value, &taken, e);
        if (rc != 0 || taken)
            continue;
        if (flag == CLI_WORD && r->path == NULL)
            r->path = value;
        else if (flag == CLI_WORD)
            rc = cli_usage(args, e, "one trace at a time: what is '%.200s'?", value);
        else if (flag == FLAG_FORMAT)
            r->format = value;
        else if (flag == FLAG_PAGE_SIZE)
            rc = page_size(args, value, &r->what.page_shift, e);
        else if (flag == FLAG_FRAMES)
            rc = cli_count(args, "--frames", value, 1, UINT32_MAX / 2, &r->what.frames, e);
        else
            rc = tlb_sets(args, value, &r->what.sets, e);
    }
    if (rc == 0 && r->path == NULL)
        rc = cli_usage(args, e, "which trace? FILE is missing");
    if (rc == 0 && (r->what.frames == 0) == (r->what.sets == 0))
        rc = cli_usage(args, e, "for what? one of --frames N and --tlb-sets N is needed");
    r->what.kind = r->what.frames > 0 ? TIDE_REDUCED_SAD : TIDE_REDUCED_TLB;
    return rc == 0 ? cli_out_check(args, &r->out, &r->path, 1, e) : rc;
}

static int write_block(void *context, const struct tide_block *b, struct tide_error *e)
{
    struct reduce *r = context;

    r->left += b->n_accesses;
    return cli_out_put(&r->out, &r->trace, b, e);
}

static int begin(struct reduce *r, char text[TIDE_REDUCTION_TEXT], struct tide_error *e)
{
    const struct tide_trace_info *info = tide_reader_info(r->trace.reader);

    if (info->reduction[0] != '\0') {
        tide_fail(e, TIDE_E_TRACE, "the trace is a reduced one (%.150s)", info->reduction);
        tide_error_where(e, "%s", r->path);
        tide_error_remedy(e, "reduce the whole trace instead");
        return TIDE_E_TRACE;
    }
    tide_reduction_print(&r->what, text);
    r->out.options.reduction = text;
    return cli_out_open(&r->out, info, e);
}

static int reduce_to(struct reduce *r, struct tide_error *e)
{
    struct tide_reducer *reducer = NULL;
    char text[TIDE_REDUCTION_TEXT];
    uint64_t all = 0;
    int rc = cli_trace_open(&r->trace, r->path, r->format, e);

    cli_meter_init(&r->out.meter, "reducing", r->path, r->out.quiet);
    if (rc == 0 && (reducer = tide_reducer_new(&r->what, e)) == NULL)
        rc = TIDE_E_NOMEM;
    while (rc == 0 && (rc = cli_trace_next(&r->trace, e)) > 0) {
        rc = r->out.sink == NULL ? begin(r, text, e) : 0;
        all += r->trace.block->n_accesses;
        if (rc == 0)
            rc = tide_reducer_feed(reducer, r->trace.block, write_block, r, e);
    }
    if (rc == 0)
        rc = tide_reducer_finish(reducer, write_block, r, e);
    rc = cli_out_end(&r->out, r->trace.reader, false, rc, e);
    if (rc == 0 && !r->out.quiet)
        fprintf(stderr, "pagetide: note: %llu of %llu accesses are left\n",
                (unsigned long long)r->left, (unsigned long long)all);
    tide_reducer_free(reducer);
    cli_trace_close(&r->trace);
    return rc;
}

static int reduce(struct cli_args *args, struct tide_error *e)
{
    struct reduce r = {.what = {.page_shift = 12}, .out = CLI_OUT_INIT};
    int rc = read_flags(args, &r, e);

    return rc == 0 ? reduce_to(&r, e) : rc;
}

static const struct cli_flag flags[] = {
    {FLAG_FRAMES, "frames", "N", "keep the faults of LRU and OPT at N frames and more"},
    {FLAG_TLB_SETS, "tlb-sets", "N", "keep the misses of LRU TLBs of N sets and more"},
    {FLAG_PAGE_SIZE, "page-size", "SIZE", "of the pages that this holds for (default 4K)"},
    CLI_OUT_FLAGS,
    {FLAG_FORMAT, "format", "FORMAT", "read it as this format instead of finding it by content"},
    {0},
};

const struct cli_command cli_trace_reduce = {
    .name = "trace reduce",
    .group = "trace",
    .synopsis = "FILE -o FILE --frames N | --tlb-sets N",
    .summary = "drop accesses that cannot change a count",
    .about =
        "With --frames, faults of LRU and OPT are the same as of the whole trace at N frames and\n"
        "more, and LRU's write-backs; other policies, hit counts and TLBs are not. With\n"
        "--tlb-sets, misses of TLB arrays with LRU and N sets or more are the same, and all\n"
        "behind them, while memory evicts nothing. Either holds for pages of --page-size only.\n"
        "What holds is written into the trace, and a machine for which it does not is refused.\n",
    .examples = "  pagetide trace reduce traces/sort.tide --frames 32 -o sort32.tide\n"
                "  pagetide trace reduce long.tide --tlb-sets 16 -o long16.tide\n",
    .flags = flags,
    .run = reduce,
};
