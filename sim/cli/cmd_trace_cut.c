/* pagetide trace cut: a part of a trace, by ordinal, kind, address, process. */
#include <string.h>

#include "cli/trace_out.h"
#include "trace/select.h"
#include "trace/text.h"

enum {
    FLAG_FORMAT = CLI_LONG,
    FLAG_ACCESSES,
    FLAG_KINDS,
    FLAG_ADDRESSES,
    FLAG_PROCESS,
    FLAG_NO_PREAMBLE
};

struct cut {
    const char *path, *format;
    struct tide_select select;
    struct cli_out out;
    char note[256]; /* what was asked for, for the new trace */
};

static int damaged_range(const struct cli_args *args, const char *flag, const char *value,
                         const char *like, struct tide_error *e)
{
    return cli_usage(args, e, "%s: '%.100s' is no range; it looks like %s", flag, value, like);
}

/* "A..B", either of which may be missing; B is not part of it. */
static int accesses(const struct cli_args *args, const char *value, struct tide_select *s,
                    struct tide_error *e)
{
    static const char flag[] = "--accesses";
    const char *dots = strstr(value, "..");
    char from[64];
    int rc = 0;

    if (dots == NULL || (size_t)(dots - value) >= sizeof from)
        return damaged_range(args, flag, value, "1M..2M, 100.. or ..1M", e);
    snprintf(from, sizeof from, "%.*s", (int)(dots - value), value);
    if (from[0] != '\0')
        rc = cli_count(args, flag, from, 0, UINT64_MAX, &s->first, e);
    if (rc == 0 && dots[2] != '\0')
        rc = cli_count(args, flag, dots + 2, 0, UINT64_MAX, &s->end, e);
    if (rc == 0 && s->first >= s->end)
        rc = cli_usage(args, e, "--accesses: '%.100s' is empty", value);
    return rc;
}

static bool address(const char *from, const char *end, uint64_t *out)
{
    const unsigned char *p = (const unsigned char *)from;

    if (end - from > 2 && from[0] == '0' && (from[1] | 0x20) == 'x')
        p += 2;
    return tide_number(&p, (const unsigned char *)end, 16, out) && p == (const unsigned char *)end;
}

/* "A..B", hexadecimal; B is not part of it, as in /proc/PID/maps. */
static int addresses(const struct cli_args *args, const char *value, struct tide_select *s,
                     struct tide_error *e)
{
    const char *dots = strstr(value, "..");
    uint64_t end;

    if (dots == NULL || !address(value, dots, &s->lowest) ||
        !address(dots + 2, dots + strlen(dots), &end))
        return damaged_range(args, "--addresses", value, "0x4a00000..0x4b00000", e);
    if (s->lowest >= end)
        return cli_usage(args, e, "--addresses: '%.100s' is empty", value);
    s->highest = end - 1;
    return 0;
}

static int kinds(const struct cli_args *args, const char *value, struct tide_select *s,
                 struct tide_error *e)
{
    static const struct {
        const char *name;
        unsigned mask;
    } known[] = {{"fetch", 1u << TIDE_FETCH},
                 {"read", 1u << TIDE_READ},
                 {"write", 1u << TIDE_WRITE},
                 {"modify", 1u << TIDE_MODIFY},
                 {"data", 1u << TIDE_READ | 1u << TIDE_WRITE | 1u << TIDE_MODIFY}};
    struct cli_list list = {0};
    int rc = cli_list_split(&list, value, e);

    s->kinds = 0;
    for (size_t i = 0; rc == 0 && i < list.n; i++) {
        size_t k = 0;

        while (k < sizeof known / sizeof *known && strcmp(known[k].name, list.items[i]) != 0)
            k++;
        if (k < sizeof known / sizeof *known)
            s->kinds |= known[k].mask;
        else
            rc = cli_usage(args, e, "--kinds: '%.100s' is none of fetch, read, write, modify, data",
                           list.items[i]);
    }
    cli_list_fini(&list);
    return rc;
}

static void add_note(struct cut *c, const struct cli_args *args, int flag, const char *value)
{
    size_t n = strlen(c->note);

    for (const struct cli_flag *f = args->command->flags; f->id != 0; f++)
        if (f->id == flag)
            snprintf(c->note + n, sizeof c->note - n, "%s --%s%s%s", n == 0 ? "trace cut" : "",
                     f->name, value != NULL ? " " : "", value != NULL ? value : "");
}

static int read_flags(struct cli_args *args, struct cut *c, struct tide_error *e)
{
    const char *value;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        uint64_t n;
        bool taken;

        rc = flag < 0 ? flag : cli_out_flag(args, &c->out, flag, value, &taken, e);
        if (rc != 0 || taken)
            continue;
        if (flag > CLI_LONG) /* what selects */
            add_note(c, args, flag, value);
        if (flag == CLI_WORD && c->path == NULL)
            c->path = value;
        else if (flag == CLI_WORD)
            rc = cli_usage(args, e, "one trace at a time: what is '%.200s'?", value);
        else if (flag == FLAG_FORMAT)
            c->format = value;
        else if (flag == FLAG_ACCESSES)
            rc = accesses(args, value, &c->select, e);
        else if (flag == FLAG_KINDS)
            rc = kinds(args, value, &c->select, e);
        else if (flag == FLAG_ADDRESSES)
            rc = addresses(args, value, &c->select, e);
        else if (flag == FLAG_NO_PREAMBLE)
            c->select.no_preamble = true;
        else if ((rc = cli_count(args, "--process", value, 0, UINT16_MAX, &n, e)) == 0)
            c->select.process = (int)n;
    }
    if (rc == 0 && c->path == NULL)
        rc = cli_usage(args, e, "which trace? FILE is missing");
    return rc == 0 ? cli_out_check(args, &c->out, &c->path, 1, e) : rc;
}

/* Where the preamble stays, all events must be seen; the accesses before the range need not: blocks
 * of them are left as fragments. */
static void leave_out_accesses(const struct cut *c, struct tide_block *b)
{
    if (b->dictionary == NULL)
        return;
    if (b->first + b->n_accesses >= c->select.first) {
        tide_block_unfold(b);
        return;
    }
    b->dictionary = NULL;
    b->n_accesses = 0;
    for (size_t i = 0; i < b->n_events; i++)
        b->events[i].at = 0;
}

/* What was done to the trace before is still so. */
static void join_notes(const char *old, const char *new, char *to, size_t bytes)
{
    snprintf(to, bytes, "%s%s%s", old, old[0] != '\0' && new[0] != '\0' ? "; " : "", new);
}

static int copy(struct cut *c, struct tide_error *e)
{
    struct tide_trace_info about;
    char note[sizeof about.note + sizeof c->note + 2];
    struct cli_trace t;
    bool more = true;
    int rc =
        cli_trace_open_at(&t, c->path, c->format, c->select.no_preamble ? c->select.first : 0, e);

    cli_meter_init(&c->out.meter, "cutting", c->path, c->out.quiet);
    if (rc == 0 && c->select.first > 0)
        tide_reader_take_fragments(t.reader);
    while (rc == 0 && more && (rc = cli_trace_next(&t, e)) > 0) {
        rc = 0;
        if (c->out.sink == NULL) {
            cli_trace_about(&t, &about);
            join_notes(about.note, c->note, note, sizeof note);
            c->out.options.note = note;
            rc = cli_out_open(&c->out, &about, e);
        }
        leave_out_accesses(c, t.block);
        more = tide_select_apply(&c->select, t.block);
        if (rc == 0)
            rc = cli_out_put(&c->out, &t, t.block, e);
        more = more && rc == 0 && !tide_sink_unread(c->out.sink);
    }
    rc = cli_out_end(&c->out, t.reader, false, rc, e);
    cli_trace_close(&t);
    return rc;
}

static int cut(struct cli_args *args, struct tide_error *e)
{
    struct cut c = {.select = TIDE_SELECT_ALL, .out = CLI_OUT_INIT};
    int rc = read_flags(args, &c, e);

    return rc == 0 ? copy(&c, e) : rc;
}

static const struct cli_flag flags[] = {
    {FLAG_ACCESSES, "accesses", "A..B",
     "accesses A to B-1, counted from 0; A or B may be left out"},
    {FLAG_KINDS, "kinds", "LIST", "of fetch, read, write, modify; data is the last three"},
    {FLAG_ADDRESSES, "addresses", "A..B",
     "accesses that touch a byte from A up to, not including, B\n(hexadecimal)"},
    {FLAG_PROCESS, "process", "N", "only process N, counted from 0, which becomes process 0"},
    {FLAG_NO_PREAMBLE, "no-preamble", NULL,
     "without the events before the range: a part to be joined to\nthe one before it by trace cat"},
    CLI_OUT_FLAGS,
    {FLAG_FORMAT, "format", "FORMAT", "read it as this format instead of finding it by content"},
    {0},
};

const struct cli_command cli_trace_cut = {
    .name = "trace cut",
    .group = "trace",
    .synopsis = "FILE -o FILE [--accesses A..B] [--kinds LIST] [--addresses A..B] [--process N]",
    .summary = "write a part of a trace",
    .about =
        "Time is counted in accesses. What is asked for by several options must hold together.\n"
        "Maps and other events before the end of the range are kept, so that the accesses\n"
        "that are left find the same address space as in the whole trace.\n",
    .examples = "  pagetide trace cut traces/sort.tide --accesses 100K..200K -o part.tide\n"
                "  pagetide trace cut log.gz --kinds data -o - --to addr | head\n",
    .flags = flags,
    .run = cut,
};
