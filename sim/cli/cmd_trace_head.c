/* pagetide trace head: the first records of a trace, one readable line each. */
#include "cli/cli.h"
#include "cli/trace_print.h"
#include "cli/trace_walk.h"

enum { FLAG_FORMAT = CLI_LONG, FLAG_SKIP };

/* Prints at most *left records from access `skip` on, with the events directly before it. */
static void print_block(const struct cli_trace *t, uint64_t skip, uint64_t *left)
{
    const struct tide_block *b = t->block;
    size_t event = 0, from = skip > b->first ? (size_t)(skip - b->first) : 0;

    if (from > b->n_accesses)
        return;
    while (event < b->n_events && b->events[event].at < from)
        event++;
    for (size_t i = from; i <= b->n_accesses && !ferror(stdout); i++) {
        for (; event < b->n_events && b->events[event].at == i && *left > 0; event++, --*left)
            cli_print_event(t->reader, &b->events[event]);
        if (i == b->n_accesses || *left == 0)
            break;
        cli_print_access(b->first + i, &b->accesses[i]);
        --*left;
    }
}

static int head(struct cli_args *args, struct tide_error *e)
{
    const char *path = NULL, *format = NULL, *value;
    struct cli_trace t = {0};
    uint64_t left = 20, skip = 0;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        if (flag == CLI_WORD && path == NULL)
            path = value;
        else if (flag == CLI_WORD)
            rc = cli_usage(args, e, "one trace at a time: what is '%.200s'?", value);
        else if (flag == 'n')
            rc = cli_count(args, "-n", value, 1, UINT64_MAX, &left, e);
        else if (flag == FLAG_SKIP)
            rc = cli_count(args, "--skip", value, 0, UINT64_MAX, &skip, e);
        else if (flag == FLAG_FORMAT)
            format = value;
        else
            rc = flag;
    }
    if (rc == 0 && path == NULL)
        rc = cli_usage(args, e, "which trace? FILE is missing");
    if (rc != 0)
        return rc;
    rc = cli_trace_open_at(&t, path, format, skip, e);
    while (rc == 0 && left > 0 && !ferror(stdout)) {
        rc = cli_trace_next(&t, e);
        if (rc <= 0)
            break;
        print_block(&t, skip, &left);
        rc = 0;
    }
    cli_trace_close(&t);
    return rc;
}

static const struct cli_flag flags[] = {
    {'n', "records", "N", "how many records (default 20)"},
    {FLAG_SKIP, "skip", "N", "leave out N accesses, and the events before them"},
    {FLAG_FORMAT, "format", "FORMAT", "read it as this format instead of finding it by content"},
    {0},
};

const struct cli_command cli_trace_head = {
    .name = "trace head",
    .group = "trace",
    .synopsis = "FILE [-n N] [--skip N] [--format FORMAT]",
    .summary = "print the first records of a trace",
    .about = "One line a record: the ordinal of the access (events have none), what it is, the\n"
             "address, the size. The index of a tide file leads to what --skip asks for.\n"
             "FILE may be compressed; - is standard input.\n",
    .examples = "  pagetide trace head traces/sort.tide -n 50\n"
                "  zcat log.gz | pagetide trace head - --format lackey\n",
    .flags = flags,
    .run = head,
};
