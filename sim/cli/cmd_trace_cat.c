/* pagetide trace cat: several traces made one, in sequence or interleaved as processes.
 *
 * Each source has a cursor; the one whose turn it is gives records until its turn is over, which in
 * sequence is its end. Processes and file ids of the sources are numbered anew, in the order in
 * which they appear.
 */
#include <stdlib.h>
#include <string.h>

#include "addr/page.h"
#include "base/map.h"
#include "base/mem.h"
#include "cli/trace_out.h"

enum { FLAG_FORMAT = CLI_LONG, FLAG_INTERLEAVE, SOURCES_MAX = 64 };

struct source {
    struct cli_trace trace;
    size_t access, event; /* next in trace.block */
    bool ended;
};

/* A file of the new trace: which one it is in its source. */
struct file {
    size_t source;
    uint32_t id;
};

struct cat {
    const char *paths[SOURCES_MAX], *format;
    size_t n;
    uint64_t quantum; /* accesses a turn; 0: in sequence */
    struct cli_out out;
    struct source *sources;
    struct tide_block *block;            /* to be written next */
    struct tide_map processes, file_ids; /* source << 32 | number there -> number here, plus 1 */
    uint32_t n_processes;
    struct file *files;
    size_t n_files, cap_files;
};

static const char *path_of(const void *context, uint32_t id)
{
    const struct cat *c = context;
    const struct file *f = &c->files[id - 1];

    return tide_reader_file(c->sources[f->source].trace.reader, f->id);
}

/* The number here of a source's process. In sequence they are the same. */
static int process_of(struct cat *c, size_t source, uint16_t there, uint16_t *here,
                      struct tide_error *e)
{
    uint64_t *slot;
    bool inserted;

    *here = there;
    if (c->quantum == 0)
        return 0;
    slot = tide_map_put(&c->processes, (uint64_t)source << 32 | there, &inserted);
    if (slot == NULL)
        return tide_nomem(e);
    if (inserted && c->n_processes == TIDE_MAX_PROCESSES) {
        tide_fail(e, TIDE_E_USAGE, "more than %d processes", TIDE_MAX_PROCESSES);
        return TIDE_E_USAGE;
    }
    if (inserted)
        *slot = c->n_processes++;
    *here = (uint16_t)*slot;
    return 0;
}

static int file_of(struct cat *c, size_t source, uint32_t there, uint32_t *here,
                   struct tide_error *e)
{
    bool inserted;
    uint64_t *slot = tide_map_put(&c->file_ids, (uint64_t)source << 32 | there, &inserted);

    if (slot == NULL)
        return tide_nomem(e);
    if (inserted) {
        struct file *grown = tide_grow(c->files, &c->cap_files, c->n_files + 1, sizeof *grown);

        if (grown == NULL)
            return tide_nomem(e);
        c->files = grown;
        c->files[c->n_files++] = (struct file){source, there};
        *slot = c->n_files;
    }
    *here = (uint32_t)*slot;
    return 0;
}

static int write_block(struct cat *c, struct tide_error *e)
{
    const struct tide_file_names names = {path_of, c};
    int rc = tide_sink_put(c->out.sink, c->block, &names, e);

    c->block->first += c->block->n_accesses;
    cli_meter_show(&c->out.meter, c->block->first, 0, 0);
    c->block->n_accesses = c->block->n_events = 0;
    return rc;
}

/* In sequence one process goes on from source to source: it appears once and exits once. */
static bool left_out(const struct cat *c, size_t source, const struct tide_event *v)
{
    return c->quantum == 0 && ((v->type == TIDE_EV_PROCESS && source > 0) ||
                               (v->type == TIDE_EV_EXIT && source + 1 < c->n));
}

static int take_event(struct cat *c, size_t source, struct tide_event v, struct tide_error *e)
{
    int rc = 0;

    if (left_out(c, source, &v))
        return 0;
    if (c->block->n_events == TIDE_BLOCK_EVENTS)
        rc = write_block(c, e);
    if (rc == 0)
        rc = process_of(c, source, v.process, &v.process, e);
    if (rc == 0 && v.file != 0)
        rc = file_of(c, source, v.file, &v.file, e);
    v.at = (uint32_t)c->block->n_accesses;
    c->block->events[c->block->n_events++] = v;
    return rc;
}

/* Gives records of a source until `turn` accesses have been taken or it ends. */
static int give(struct cat *c, size_t source, uint64_t turn, struct tide_error *e)
{
    struct source *s = &c->sources[source];
    struct tide_block *in = s->trace.block, *out = c->block;
    int rc = 0;

    while (rc == 0 && !tide_sink_unread(c->out.sink)) {
        while (rc == 0 && s->event < in->n_events && in->events[s->event].at == s->access)
            rc = take_event(c, source, in->events[s->event++], e);
        if (rc != 0 || turn == 0)
            break;
        if (s->access < in->n_accesses) {
            struct tide_access a = in->accesses[s->access++];

            if (out->n_accesses == TIDE_BLOCK_ACCESSES)
                rc = write_block(c, e);
            if (rc == 0)
                rc = process_of(c, source, a.process, &a.process, e);
            out->accesses[out->n_accesses++] = a;
            turn--;
            continue;
        }
        s->access = s->event = 0;
        rc = cli_trace_next(&s->trace, e);
        if (rc <= 0) {
            s->ended = true;
            break;
        }
        rc = 0;
    }
    return rc;
}

static int give_all(struct cat *c, struct tide_error *e)
{
    size_t going = c->n;
    int rc = 0;

    while (rc == 0 && going > 0 && !tide_sink_unread(c->out.sink)) {
        for (size_t i = 0; i < c->n && rc == 0; i++) {
            if (c->sources[i].ended)
                continue;
            rc = give(c, i, c->quantum > 0 ? c->quantum : UINT64_MAX, e);
            going -= c->sources[i].ended;
        }
    }
    return rc == 0 ? write_block(c, e) : rc;
}

/* What is dropped from a reduced trace may be dropped from a sequence too, but not where others
 * take turns with it. */
static int take_reduction(struct cat *c, size_t source, struct tide_error *e)
{
    const char *text = tide_reader_info(c->sources[source].trace.reader)->reduction;
    const char *known = c->out.options.reduction;

    if (text[0] == '\0')
        return 0;
    if (c->quantum > 0 || (known != NULL && strcmp(known, text) != 0)) {
        tide_fail(e, TIDE_E_TRACE, "the trace is a reduced one (%.150s), which holds for it alone",
                  text);
        tide_error_where(e, "%s", c->paths[source]);
        tide_error_remedy(e, "join the whole traces, and reduce the result");
        return TIDE_E_TRACE;
    }
    c->out.options.reduction = text;
    return 0;
}

/* The first block of every source is read before the file is begun: it tells the command lines. */
static int open_all(struct cat *c, char *command, size_t bytes, struct tide_error *e)
{
    size_t at = 0;
    int rc = 0;

    for (size_t i = 0; i < c->n && rc == 0; i++) {
        struct source *s = &c->sources[i];
        const char *text;

        if ((rc = cli_trace_open(&s->trace, c->paths[i], c->format, e)) != 0 ||
            (rc = cli_trace_next(&s->trace, e)) < 0)
            break;
        s->ended = rc == 0;
        rc = take_reduction(c, i, e);
        text = tide_reader_info(s->trace.reader)->command;
        if (text[0] != '\0' && at < bytes)
            at += (size_t)snprintf(command + at, bytes - at, "%s%s", at > 0 ? " ; " : "", text);
    }
    return rc;
}

static int join(struct cat *c, struct tide_error *e)
{
    char command[1024] = "", note[64];
    int rc;

    tide_map_init(&c->processes);
    tide_map_init(&c->file_ids);
    c->sources = tide_calloc(c->n, sizeof *c->sources);
    c->block = tide_calloc(1, sizeof *c->block);
    rc = c->sources == NULL || c->block == NULL ? tide_nomem(e)
                                                : open_all(c, command, sizeof command, e);
    if (c->quantum > 0)
        snprintf(note, sizeof note, "trace cat --interleave %llu", (unsigned long long)c->quantum);
    else
        snprintf(note, sizeof note, "trace cat");
    c->out.options.command = command;
    c->out.options.note = note;
    cli_meter_init(&c->out.meter, "writing", c->out.path, c->out.quiet);
    if (rc == 0) /* recorder, date and page size: those of the first stand for all */
        rc = cli_out_open(&c->out, tide_reader_info(c->sources[0].trace.reader), e);
    if (rc == 0)
        rc = give_all(c, e);
    rc = cli_out_end(&c->out, c->sources != NULL ? c->sources[0].trace.reader : NULL, false, rc, e);
    for (size_t i = 0; c->sources != NULL && i < c->n; i++)
        cli_trace_close(&c->sources[i].trace);
    free(c->sources);
    free(c->block);
    free(c->files);
    tide_map_fini(&c->processes);
    tide_map_fini(&c->file_ids);
    return rc;
}

static int cat(struct cli_args *args, struct tide_error *e)
{
    struct cat c = {.out = CLI_OUT_INIT};
    const char *value;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        bool taken;

        rc = flag < 0 ? flag : cli_out_flag(args, &c.out, flag, value, &taken, e);
        if (rc != 0 || taken)
            continue;
        if (flag == FLAG_FORMAT)
            c.format = value;
        else if (flag == FLAG_INTERLEAVE)
            rc = cli_count(args, "--interleave", value, 1, UINT64_MAX, &c.quantum, e);
        else if (c.n == SOURCES_MAX)
            rc = cli_usage(args, e, "more than %d traces", SOURCES_MAX);
        else
            c.paths[c.n++] = value;
    }
    if (rc == 0 && c.n == 0)
        rc = cli_usage(args, e, "which traces? FILE is missing");
    if (rc == 0)
        rc = cli_out_check(args, &c.out, c.paths, c.n, e);
    return rc == 0 ? join(&c, e) : rc;
}

static const struct cli_flag flags[] = {
    {FLAG_INTERLEAVE, "interleave", "N", "as processes that take turns of N accesses each"},
    CLI_OUT_FLAGS,
    {FLAG_FORMAT, "format", "FORMAT", "read them as this format instead of finding it by content"},
    {0},
};

const struct cli_command cli_trace_cat = {
    .name = "trace cat",
    .group = "trace",
    .synopsis = "FILE... -o FILE [--interleave N]",
    .summary = "join traces, in sequence or interleaved",
    .about =
        "In sequence, the accesses of all files are those of one process, one file after the\n"
        "other: parts of one trace, all but the first cut with --no-preamble, become the whole\n"
        "again. Interleaved, each file's processes are processes of their own, which take turns\n"
        "in the order of the files until all have ended. A format that cannot tell processes\n"
        "apart is refused then.\n",
    .examples = "  pagetide trace cat part1.tide part2.tide -o whole.tide\n"
                "  pagetide trace cat sort.tide grep.tide --interleave 10K -o both.tide\n",
    .flags = flags,
    .run = cat,
};
