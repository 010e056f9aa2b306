/* pagetide trace diff: the first difference of two traces. */
#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/trace_print.h"
#include "cli/trace_walk.h"

enum { FLAG_FORMAT = CLI_LONG, FLAG_ACCESSES };

/* A place in a trace: `event` or `access` is the next record, or `ended`. */
struct cursor {
    struct cli_trace trace;
    size_t next_access, next_event; /* in trace.block */
    bool skip_events, ended;
    uint64_t records; /* passed */
};

/* Moves to a block that holds another record, if there is any. */
static int settle(struct cursor *c, struct tide_error *e)
{
    for (;;) {
        const struct tide_block *b = c->trace.block;
        int rc;

        if (c->skip_events)
            c->next_event = b->n_events;
        if (c->ended || c->next_event < b->n_events || c->next_access < b->n_accesses)
            return 0;
        c->next_access = c->next_event = 0;
        if ((rc = cli_trace_next(&c->trace, e)) < 0)
            return rc;
        c->ended = rc == 0;
    }
}

/* The event that comes next, or NULL where an access or the end does. */
static const struct tide_event *event_at(const struct cursor *c)
{
    const struct tide_block *b = c->trace.block;

    if (c->ended || c->next_event == b->n_events || b->events[c->next_event].at != c->next_access)
        return NULL;
    return &b->events[c->next_event];
}

static bool same_file(const struct cursor *a, uint32_t file_a, const struct cursor *b,
                      uint32_t file_b)
{
    const char *path_a, *path_b;

    if (file_a == 0 || file_b == 0)
        return file_a == file_b;
    path_a = tide_reader_file(a->trace.reader, file_a);
    path_b = tide_reader_file(b->trace.reader, file_b);
    return path_a == NULL || path_b == NULL ? path_a == path_b : strcmp(path_a, path_b) == 0;
}

/* Numbers of files are not part of an event, their paths are. */
static bool same_event(const struct cursor *a, const struct tide_event *x, const struct cursor *b,
                       const struct tide_event *y)
{
    return x->process == y->process && x->type == y->type && x->flags == y->flags &&
           x->addr == y->addr && x->len == y->len && x->new_addr == y->new_addr &&
           x->new_len == y->new_len && x->offset == y->offset && x->prot == y->prot &&
           x->number == y->number && same_file(a, x->file, b, y->file);
}

static bool same(const struct cursor *a, const struct cursor *b)
{
    const struct tide_event *x = event_at(a), *y = event_at(b);
    const struct tide_access *p, *q;

    if (a->ended || b->ended)
        return false;
    if (x != NULL || y != NULL)
        return x != NULL && y != NULL && same_event(a, x, b, y);
    p = &a->trace.block->accesses[a->next_access];
    q = &b->trace.block->accesses[b->next_access];
    return p->addr == q->addr && p->size == q->size && p->kind == q->kind &&
           p->process == q->process;
}

static void advance(struct cursor *c)
{
    c->records++;
    if (event_at(c) != NULL)
        c->next_event++;
    else
        c->next_access++;
}

static void print(const char *sign, const struct cursor *c)
{
    const struct tide_event *v = event_at(c);

    fputs(sign, stdout);
    if (c->ended)
        puts("the end");
    else if (v != NULL)
        cli_print_event(c->trace.reader, v);
    else
        cli_print_access(c->trace.block->first + c->next_access,
                         &c->trace.block->accesses[c->next_access]);
}

static int compare(struct cursor *a, struct cursor *b, const char *const paths[2],
                   struct tide_error *e)
{
    for (;;) {
        int rc = settle(a, e);

        if (rc == 0)
            rc = settle(b, e);
        if (rc != 0)
            return rc;
        if (a->ended && b->ended)
            return 0;
        if (!same(a, b))
            break;
        advance(a);
        advance(b);
    }
    printf("record %" PRIu64 " is the first that differs\n--- %s\n+++ %s\n", a->records, paths[0],
           paths[1]);
    print("- ", a);
    print("+ ", b);
    *e = (struct tide_error){.code = TIDE_E_RUN}; /* said already: exit code 1, as diff(1) */
    return TIDE_E_RUN;
}

static int diff(struct cli_args *args, struct tide_error *e)
{
    const char *paths[2] = {NULL, NULL}, *format = NULL, *value;
    struct cursor a = {0}, b = {0};
    size_t n = 0;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        if (flag == CLI_WORD && n < 2)
            paths[n++] = value;
        else if (flag == CLI_WORD)
            rc = cli_usage(args, e, "two traces at a time: what is '%.200s'?", value);
        else if (flag == FLAG_FORMAT)
            format = value;
        else if (flag == FLAG_ACCESSES)
            a.skip_events = b.skip_events = true;
        else
            rc = flag;
    }
    if (rc == 0 && n < 2)
        rc = cli_usage(args, e, "which traces? FILE is missing");
    if (rc != 0)
        return rc;
    rc = cli_trace_open(&a.trace, paths[0], format, e);
    if (rc == 0)
        rc = cli_trace_open(&b.trace, paths[1], format, e);
    if (rc == 0) {
        a.trace.block->n_accesses = a.trace.block->n_events = 0;
        b.trace.block->n_accesses = b.trace.block->n_events = 0;
        rc = compare(&a, &b, paths, e);
    }
    cli_trace_close(&a.trace);
    cli_trace_close(&b.trace);
    return rc;
}

static const struct cli_flag flags[] = {
    {FLAG_ACCESSES, "accesses", NULL, "compare accesses only, not maps and other events"},
    {FLAG_FORMAT, "format", "FORMAT", "read them as this format instead of finding it by content"},
    {0},
};

const struct cli_command cli_trace_diff = {
    .name = "trace diff",
    .group = "trace",
    .synopsis = "FILE FILE [--accesses]",
    .summary = "find the first difference of two traces",
    .about =
        "Compares records, not bytes: the files may be in different formats. Prints the number\n"
        "of the first record that differs, counted from 0 with events, and both records.\n"
        "\nExit status: 0 no difference, 1 a difference, else trouble.\n",
    .examples = "  pagetide trace diff a.lackey.gz a.tide\n"
                "  pagetide trace diff run1.gz run2.gz --accesses\n",
    .flags = flags,
    .run = diff,
};
