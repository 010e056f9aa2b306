/* pagetide trace verify: whether traces are what was written, and what must hold in any; repair.
 *
 * Damage is told by who finds it: the stream (checksums, truncation), the format (records that
 * can't be read), or tide_invariants (records that make no sense). Where records are lines of their
 * own, reading goes on behind a damaged one, provided that the file around them is whole: behind
 * damage of a compressed file anything may have become of a line.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/trace_out.h"
#include "space/invariants.h"

enum { FLAG_FORMAT = CLI_LONG, FLAG_REPAIR, FLAG_FINDINGS, FLAG_STRICT, INPUTS_MAX = 1024 };

struct verify {
    const char *paths[INPUTS_MAX], *format;
    size_t n;
    uint64_t findings_max; /* lines that are printed for a trace */
    bool strict;
    struct cli_out out; /* path NULL: no repair */

    /* of the trace at hand */
    const char *path;
    uint64_t damaged, strange, printed;
};

static void count(struct verify *v, bool damage)
{
    v->damaged += damage;
    v->strange += !damage;
}

/* Whether another line may be printed; tells once that there are more. */
static bool may_print(struct verify *v)
{
    if (v->printed < v->findings_max) {
        v->printed++;
        return true;
    }
    if (v->printed == v->findings_max) {
        v->printed++;
        printf("%s: more is not listed: --findings %" PRIu64 "\n", v->path, v->findings_max);
    }
    return false;
}

static void tell_finding(void *context, const struct tide_finding *f)
{
    struct verify *v = context;

    count(v, f->damage);
    if (may_print(v))
        printf("%s: record %" PRIu64 ", access %" PRIu64 ": %s: %s: %s\n", v->path, f->record,
               f->access, f->damage ? "damage" : "strange", f->name, f->what);
}

static void tell_error(struct verify *v, const struct tide_error *e)
{
    count(v, true);
    if (may_print(v))
        printf("%s: damage: %s\n", e->where[0] != '\0' ? e->where : v->path, e->what);
}

/* Whether records behind damage can be relied on. */
static bool goes_on(const struct verify *v, struct tide_reader *r)
{
    struct tide_error ignored;
    uint64_t bytes;
    uint32_t crc;

    if (tide_stream_compression(tide_reader_stream(r)) != NULL &&
        (strcmp(v->path, "-") == 0 || tide_stream_identify(v->path, &crc, &bytes, &ignored) != 0))
        return false;
    return tide_reader_go_on(r);
}

struct pass {
    struct cli_trace trace;
    struct tide_invariants *invariants;
    struct cli_meter meter;
    bool behind; /* something was read behind damage */
};

static int take_block(struct verify *v, struct pass *p, struct tide_error *e)
{
    const struct tide_block *b = p->trace.block;
    const struct tide_trace_info *info = tide_reader_info(p->trace.reader);
    int rc = tide_invariants_take(p->invariants, b, info, e);

    p->behind = p->behind || v->damaged > 0;
    if (rc == 0 && v->out.path != NULL) {
        if (v->out.sink == NULL)
            rc = cli_out_open(&v->out, info, e);
        if (rc == 0)
            rc = cli_out_put(&v->out, &p->trace, b, e);
    }
    cli_meter_trace(&p->meter, &p->trace);
    return rc;
}

/* All records that can be read. */
static int read_all(struct verify *v, struct pass *p, struct tide_error *e)
{
    for (;;) {
        int rc = cli_trace_next(&p->trace, e);

        if (rc > 0)
            rc = take_block(v, p, e);
        else if (rc == 0)
            return 0;
        else if (rc == TIDE_E_TRACE) {
            tell_error(v, e);
            if (!tide_reader_goes_on(p->trace.reader))
                return 0;
            rc = 0;
        }
        if (rc != 0)
            return rc;
    }
}

static void summarise(const struct verify *v, const struct pass *p)
{
    const struct tide_block *b = p->trace.block;

    printf("%s: %" PRIu64 " accesses in %" PRIu64 " records: ", v->path, b->first + b->n_accesses,
           tide_invariants_records(p->invariants));
    if (v->damaged > 0)
        printf("damaged in %" PRIu64 " place%s", v->damaged, v->damaged == 1 ? "" : "s");
    else
        printf("intact");
    if (v->strange > 0)
        printf(", %" PRIu64 " strange", v->strange);
    putchar('\n');
}

static void tell_nothing(const struct verify *v)
{
    printf("%s: nothing can be used", v->path);
    if (v->out.path != NULL)
        printf(": %s is not written", v->out.path);
    putchar('\n');
}

static int finish_repair(struct verify *v, const struct pass *p, int rc, struct tide_error *e)
{
    const struct tide_block *b = p->trace.block;
    uint64_t accesses = b->first + b->n_accesses;
    bool written = v->out.sink != NULL;

    rc = cli_out_end(&v->out, p->trace.reader, false, rc, e);
    if (rc == 0 && !written)
        tell_nothing(v);
    if (rc == 0 && written && !v->out.quiet)
        fprintf(stderr, "pagetide: note: %s has the %" PRIu64 " accesses that can be read%s%s\n",
                v->out.path, accesses,
                v->damaged == 0 ? ""
                : p->behind     ? ", also those behind damaged lines"
                                : ": all before the damage, none behind it",
                v->damaged == 0 || p->behind ||
                        tide_stream_compression(tide_reader_stream(p->trace.reader)) == NULL
                    ? ""
                    : "; shortly before it, damage of a compressed file may show no sign");
    return rc;
}

static int verify_records(struct verify *v, struct tide_error *e)
{
    struct pass p = {.behind = false};
    int rc = cli_trace_open(&p.trace, v->path, v->format, e);

    if (rc == TIDE_E_TRACE) { /* not even the beginning */
        tell_error(v, e);
        tell_nothing(v);
        cli_trace_close(&p.trace);
        return 0;
    }
    if (rc == 0 && (p.invariants = tide_invariants_new(tell_finding, v, e)) == NULL)
        rc = TIDE_E_NOMEM;
    cli_meter_init(&p.meter, "verifying", v->path, v->out.quiet);
    if (rc == 0) {
        p.trace.block->first = p.trace.block->n_accesses = 0;
        goes_on(v, p.trace.reader);
        rc = read_all(v, &p, e);
    }
    cli_meter_end(&p.meter);
    if (rc == 0) {
        tide_invariants_end(p.invariants, tide_reader_info(p.trace.reader));
        summarise(v, &p);
    }
    if (v->out.path != NULL)
        rc = finish_repair(v, &p, rc, e);
    tide_invariants_free(p.invariants);
    cli_trace_close(&p.trace);
    return rc;
}

/* ---- tide files: by chunk, also behind damage ---- */

static void tell_damage(void *context, const struct tide_damage *d)
{
    struct verify *v = context;

    count(v, true);
    if (!may_print(v))
        return;
    printf("%s: byte %" PRIu64 " (%" PRIu64 " of the content), block %" PRIu64 ", record %" PRIu64
           ": damage: %s",
           v->path, d->offset, d->content_offset, d->block, d->record, d->what);
    if (d->lost > 0)
        printf("; %" PRIu64 " accesses are lost", d->lost);
    putchar('\n');
}

/* What the records of an intact file say. */
static int verify_sense(struct verify *v, struct pass *p, struct tide_error *e)
{
    int rc = cli_trace_open(&p->trace, v->path, v->format, e);

    if (rc == 0 && (p->invariants = tide_invariants_new(tell_finding, v, e)) == NULL)
        rc = TIDE_E_NOMEM;
    cli_meter_init(&p->meter, "verifying", v->path, v->out.quiet);
    if (rc == 0)
        rc = read_all(v, p, e);
    cli_meter_end(&p->meter);
    if (rc == 0) {
        tide_invariants_end(p->invariants, tide_reader_info(p->trace.reader));
        summarise(v, p);
    }
    tide_invariants_free(p->invariants);
    cli_trace_close(&p->trace);
    return rc;
}

static int repair_tide(struct verify *v, struct tide_verdict *verdict, struct tide_error *e)
{
    int rc;

    if (strcmp(v->out.format, "tide") != 0) {
        tide_fail(e, TIDE_E_USAGE, "a tide file is repaired into a tide file");
        tide_error_where(e, "%s", v->out.path);
        tide_error_remedy(e, "convert that one: pagetide trace convert");
        return TIDE_E_USAGE;
    }
    rc = tide_file_repair(v->path, v->out.path, tell_damage, v, verdict, e);
    if (rc == TIDE_E_TRACE) {
        tell_nothing(v);
        v->damaged += v->damaged == 0;
        return 0;
    }
    if (rc == 0 && !v->out.quiet)
        fprintf(stderr, "pagetide: note: %s has the %" PRIu64 " accesses of intact blocks%s\n",
                v->out.path, verdict->accesses,
                verdict->behind > 0 ? ", also those behind damage" : "");
    return rc;
}

static int verify_tide(struct verify *v, struct tide_error *e)
{
    struct tide_verdict verdict = {.complete = false};
    struct pass p = {.behind = false};
    int rc;

    if (v->out.path != NULL)
        rc = repair_tide(v, &verdict, e);
    else
        rc = tide_file_verify(v->path, tell_damage, v, &verdict, e);
    if (rc == 0 && v->damaged == 0)
        return verify_sense(v, &p, e);
    if (rc != 0 && rc != TIDE_E_TRACE)
        return rc;
    if (v->damaged == 0)
        tell_error(v, e);
    printf("%s: %" PRIu64 " accesses in %" PRIu64 " blocks are intact, at least %" PRIu64
           " in %" PRIu64 " are lost: damaged in %" PRIu64 " place%s\n",
           v->path, verdict.accesses, verdict.blocks, verdict.lost_accesses, verdict.lost_blocks,
           v->damaged, v->damaged == 1 ? "" : "s");
    return 0;
}

/* Whether it is a tide file that can be looked at by chunks. */
static int is_tide(const struct verify *v, struct tide_error *e)
{
    struct tide_file *f;
    int rc;

    if (v->format != NULL && strcmp(v->format, "tide") != 0)
        return 0;
    rc = tide_file_open(v->path, &f, e);
    if (rc == 1)
        tide_file_close(f);
    return rc == TIDE_E_TRACE ? 1 : rc;
}

static int verify_all(struct verify *v, struct tide_error *e)
{
    bool bad = false;
    int rc = 0;

    for (size_t i = 0; i < v->n && rc == 0; i++) {
        v->path = v->paths[i];
        v->damaged = v->strange = v->printed = 0;
        rc = is_tide(v, e);
        if (rc >= 0)
            rc = rc == 1 ? verify_tide(v, e) : verify_records(v, e);
        bad = bad || v->damaged > 0 || (v->strict && v->strange > 0);
    }
    if (rc == 0 && bad) {
        *e = (struct tide_error){.code = TIDE_E_TRACE}; /* said already */
        return TIDE_E_TRACE;
    }
    return rc;
}

static int verify(struct cli_args *args, struct tide_error *e)
{
    struct verify v = {.findings_max = 100, .out = CLI_OUT_INIT};
    const char *value;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        bool taken;

        rc = flag < 0 ? flag : cli_out_flag(args, &v.out, flag, value, &taken, e);
        if (rc != 0 || taken)
            continue;
        if (flag == FLAG_REPAIR)
            v.out.path = value;
        else if (flag == FLAG_FORMAT)
            v.format = value;
        else if (flag == FLAG_STRICT)
            v.strict = true;
        else if (flag == FLAG_FINDINGS)
            rc = cli_count(args, "--findings", value, 0, UINT64_MAX - 1, &v.findings_max, e);
        else if (v.n == INPUTS_MAX)
            rc = cli_usage(args, e, "more than %d traces", INPUTS_MAX);
        else
            v.paths[v.n++] = value;
    }
    if (rc == 0 && v.n == 0)
        rc = cli_usage(args, e, "which trace? FILE is missing");
    if (rc == 0 && v.out.path != NULL && v.n > 1)
        rc = cli_usage(args, e, "--repair is of one trace at a time");
    if (rc == 0 && v.out.path != NULL && strcmp(v.out.path, "-") == 0)
        rc = cli_usage(args, e, "standard output is for the findings: give --repair a file");
    if (rc == 0 && v.out.path != NULL)
        rc = cli_out_check(args, &v.out, v.paths, v.n, e);
    return rc == 0 ? verify_all(&v, e) : rc;
}

static const struct cli_flag flags[] = {
    {FLAG_REPAIR, "repair", "FILE", "write what can be read to a new trace"},
    {FLAG_STRICT, "strict", NULL, "what is strange fails too"},
    {FLAG_FINDINGS, "findings", "N", "list at most N findings of a trace (default 100)"},
    {CLI_FLAG_TO, "to", "FORMAT", "of --repair's file (default: by its name's ending)"},
    {CLI_FLAG_LEVEL, "level", "N", "of --repair's file: zlib's level, 1..9 (default 6)"},
    {FLAG_FORMAT, "format", "FORMAT", "read it as this format instead of finding it by content"},
    {'q', "quiet", NULL, "no progress and no notes"},
    {0},
};

const struct cli_command cli_trace_verify = {
    .name = "trace verify",
    .group = "trace",
    .synopsis = "FILE... [--repair FILE] [--strict]",
    .summary = "check traces, and repair them",
    .about =
        "Checks the file (checksums, truncation), its records, and what must hold in any trace:\n"
        "processes appear before they do something and do nothing after their end, mappings are\n"
        "such as a kernel makes. One line for each finding, with its place, and a summary.\n"
        "What is possible but mostly a sign of loss is strange: accesses outside all mappings, "
        "memory\n"
        "given out twice. Records and accesses are counted from 0, records with events.\n"
        "--repair writes what can be read: of a tide file the intact blocks; of others what\n"
        "precedes the damage and, in formats whose lines stand for themselves, what follows it.\n"
        "\nExit status: 0 intact, 4 damaged.\n",
    .examples = "  pagetide trace verify traces/*.tide\n"
                "  pagetide trace verify cut.tide --repair whole.tide\n",
    .flags = flags,
    .run = verify,
};
