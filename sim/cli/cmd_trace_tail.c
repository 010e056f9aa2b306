/* pagetide trace tail: the last records of a trace, one readable line each. */
#include <stdlib.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/trace_print.h"
#include "cli/trace_walk.h"

enum { FLAG_FORMAT = CLI_LONG, RECORDS_MAX = 1 << 24 };

/* A ring of the last records. */
struct ring {
    struct record {
        bool is_event;
        uint64_t ordinal;
        union {
            struct tide_access access;
            struct tide_event event;
        } as;
    } * records;
    size_t size;
    uint64_t seen;
};

static void keep_block(struct ring *r, const struct tide_block *b)
{
    size_t k = 0, i = 0;

    /* of the accesses of a block without events, those that stay in the ring are enough */
    if (b->n_events == 0 && b->n_accesses > r->size)
        i = b->n_accesses - r->size;
    for (; i <= b->n_accesses; i++) {
        for (; k < b->n_events && b->events[k].at == i; k++)
            r->records[r->seen++ % r->size] =
                (struct record){.is_event = true, .as.event = b->events[k]};
        if (i < b->n_accesses)
            r->records[r->seen++ % r->size] =
                (struct record){.ordinal = b->first + i, .as.access = b->accesses[i]};
    }
}

static void print(const struct ring *r, const struct tide_reader *reader)
{
    for (uint64_t i = r->seen > r->size ? r->seen - r->size : 0; i < r->seen; i++) {
        const struct record *record = &r->records[i % r->size];

        if (record->is_event)
            cli_print_event(reader, &record->as.event);
        else
            cli_print_access(record->ordinal, &record->as.access);
    }
}

static int tail_of(const char *path, const char *format, size_t n, struct tide_error *e)
{
    struct ring ring = {.size = n};
    struct cli_trace t;
    int rc = cli_trace_open_end(&t, path, format, n, e);

    if (rc == 0 && (ring.records = tide_calloc(n, sizeof *ring.records)) == NULL)
        rc = tide_nomem(e);
    while (rc == 0 && (rc = cli_trace_next(&t, e)) > 0) {
        keep_block(&ring, t.block);
        rc = 0;
    }
    /* What stands before damage is the end of what there is; the exit code says so. */
    if (rc == 0 || rc == TIDE_E_TRACE)
        print(&ring, t.reader);
    free(ring.records);
    cli_trace_close(&t);
    return rc;
}

static int tail(struct cli_args *args, struct tide_error *e)
{
    const char *path = NULL, *format = NULL, *value;
    uint64_t n = 20;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        if (flag == CLI_WORD && path == NULL)
            path = value;
        else if (flag == CLI_WORD)
            rc = cli_usage(args, e, "one trace at a time: what is '%.200s'?", value);
        else if (flag == 'n')
            rc = cli_count(args, "-n", value, 1, RECORDS_MAX, &n, e);
        else if (flag == FLAG_FORMAT)
            format = value;
        else
            rc = flag;
    }
    if (rc == 0 && path == NULL)
        rc = cli_usage(args, e, "which trace? FILE is missing");
    return rc == 0 ? tail_of(path, format, (size_t)n, e) : rc;
}

static const struct cli_flag flags[] = {
    {'n', "records", "N", "how many records (default 20)"},
    {FLAG_FORMAT, "format", "FORMAT", "read it as this format instead of finding it by content"},
    {0},
};

const struct cli_command cli_trace_tail = {
    .name = "trace tail",
    .group = "trace",
    .synopsis = "FILE [-n N] [--format FORMAT]",
    .summary = "print the last records of a trace",
    .about =
        "As trace head, of the end, which the index of a tide file leads to. Of a damaged trace,\n"
        "what stands before the damage.\n",
    .examples = "  pagetide trace tail traces/sort.tide -n 50\n"
                "  zcat log.gz | pagetide trace tail - --format lackey\n",
    .flags = flags,
    .run = tail,
};
