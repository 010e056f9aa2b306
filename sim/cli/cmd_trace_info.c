/* pagetide trace info: what a trace holds: records, pages, segments, runs, address span.
 *
 * All that is printed is collected first: from the summary of a tide file, where there is one, else
 * from every record.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/trace_print.h"
#include "cli/trace_walk.h"
#include "space/footprint.h"
#include "trace/tide_census.h"

enum { FLAG_FORMAT = CLI_LONG };

static const char *const kind_labels[TIDE_KINDS] = {"fetches", "reads", "writes", "modifies"};
static const char *const side_labels[TIDE_SIDES] = {"of fetches", "of data"};
static const unsigned page_shifts[TIDE_SUMMARY_SIZES] = {12, 16, 21};

struct facts {
    struct tide_trace_info info;
    struct tide_summary sum;           /* of what is touched only */
    const char *compression;           /* NULL: none */
    uint64_t raw_bytes, content_bytes; /* of the file, inflated */
    bool segmented;                    /* what follows is known */
    uint64_t segments[TIDE_SEGMENTS], outside;
};

/* ---- from every record ---- */

static int count_block(struct tide_census *c, struct tide_footprint *f, const struct tide_block *b,
                       struct tide_error *e)
{
    for (size_t i = 0; i < b->n_accesses; i++)
        if (tide_census_access(c, &b->accesses[i]) != 0)
            return tide_nomem(e);
    return tide_footprint_take(f, b, e);
}

/* Of a damaged trace, what stands before the damage. */
static int from_records(struct facts *f, const char *path, const char *format, bool quiet,
                        struct tide_error *e)
{
    struct tide_census census;
    struct tide_footprint pages;
    struct cli_meter meter;
    struct cli_trace t;
    int rc = cli_trace_open(&t, path, format, e);

    tide_census_init(&census);
    tide_footprint_init(&pages);
    cli_meter_init(&meter, "reading", path, quiet);
    while (rc == 0 && (rc = cli_trace_next(&t, e)) > 0) {
        rc = count_block(&census, &pages, t.block, e);
        cli_meter_trace(&meter, &t);
    }
    cli_meter_end(&meter);
    if (t.reader != NULL) {
        const struct tide_stream *s = tide_reader_stream(t.reader);

        f->info = *tide_reader_info(t.reader);
        f->compression = tide_stream_compression(s);
        f->raw_bytes = tide_stream_raw_offset(s);
        f->content_bytes = tide_stream_offset(s);
        f->sum = census.sum;
        f->segmented = true;
        memcpy(f->segments, pages.segments, sizeof f->segments);
        f->outside = pages.outside;
    }
    tide_footprint_fini(&pages);
    tide_census_fini(&census);
    cli_trace_close(&t);
    return rc;
}

/* ---- from the summary of a tide file ---- */

static bool number_of(struct tide_file *f, const char *key, uint64_t *out)
{
    const char *value = tide_file_value(f, key);
    struct tide_error ignored;

    return value != NULL && tide_parse_u64(value, out, &ignored) == 0;
}

static void from_summary(struct facts *facts, struct tide_file *f)
{
    cli_tide_info(f, &facts->info);
    facts->sum = *tide_file_summary(f);
    facts->compression = "gzip";
    facts->raw_bytes = tide_file_bytes(f);
    facts->content_bytes = tide_file_content_bytes(f);
    facts->segmented = number_of(f, "segment-none", &facts->outside);
    for (size_t i = 0; i < TIDE_SEGMENTS && facts->segmented; i++) {
        char key[64];

        snprintf(key, sizeof key, "segment-%s", tide_segment_names[i]);
        facts->segmented = number_of(f, key, &facts->segments[i]);
    }
}

static int collect(struct facts *facts, const char *path, const char *format, bool quiet,
                   struct tide_error *e)
{
    struct tide_file *f;
    int rc = cli_tide_open(&f, path, format, e);

    if (rc == 0)
        return from_records(facts, path, format, quiet, e);
    if (rc == 1) {
        from_summary(facts, f);
        tide_file_close(f);
        rc = 0;
    }
    return rc;
}

/* ---- printing ---- */

static void line(const char *label, uint64_t n, const char *note)
{
    printf("  %-20s %15" PRIu64 "%s%s\n", label, n, note[0] != '\0' ? "  " : "", note);
}

static uint64_t accesses_of(const struct facts *f)
{
    uint64_t n = 0;

    for (size_t i = 0; i < TIDE_KINDS; i++)
        n += f->info.accesses[i];
    return n;
}

static void print_about(const char *label, const char *text)
{
    if (text[0] != '\0')
        printf("%-11s %s\n", label, text);
}

static void print_head(const struct facts *f, const char *path)
{
    const struct tide_trace_info *info = &f->info;
    uint64_t accesses = accesses_of(f);
    char size[32];

    printf("file        %s\n", path);
    print_about("command", info->command);
    print_about("recorder", info->recorder);
    print_about("date", info->date);
    print_about("note", info->note);
    print_about("reduced", info->reduction);
    if (info->host_page_bytes != 0) {
        tide_format_size(info->host_page_bytes, size, sizeof size);
        printf("host pages  %s\n", size);
    }
    printf("format      %s\n", info->format);
    printf("content     %" PRIu64 " bytes", f->content_bytes);
    if (f->compression != NULL && f->raw_bytes > 0)
        printf(", in %" PRIu64 " bytes of %s (%.1f to 1)", f->raw_bytes, f->compression,
               (double)f->content_bytes / (double)f->raw_bytes);
    putchar('\n');
    if (accesses > 0)
        printf("on disk     %.4f bytes an access\n", (double)f->raw_bytes / (double)accesses);
    if (f->sum.source_bytes > 0)
        printf("made from   %" PRIu64 " bytes, CRC-32 %08" PRIx32 "\n", f->sum.source_bytes,
               f->sum.source_crc32);
    printf("layout      %s\n", info->has_layout ? "given" : "not given");
    printf("mappings    %s\n", !info->has_layout || !info->has_syscalls
                                   ? "inferred from the addresses touched"
                                   : "from the layout and the system calls");
}

static void print_records(const struct facts *f)
{
    const struct tide_trace_info *info = &f->info;

    puts("\nrecords");
    line("accesses", accesses_of(f), "");
    for (size_t i = 0; i < TIDE_KINDS; i++)
        line(kind_labels[i], info->accesses[i], "");
    for (size_t i = 0; i < TIDE_EV_TYPES; i++) {
        if (info->events[i] > 0)
            line(cli_event_labels[i], info->events[i], "");
    }
    line("other lines", info->other_lines, "skipped: not part of the trace");
    if (info->lost_results > 0)
        line("lost results", info->lost_results, "system calls whose result never came");
}

static void print_pages(const struct facts *f)
{
    char size[32];

    puts("\npages touched");
    for (size_t i = 0; i < TIDE_SUMMARY_SIZES; i++) {
        char label[64];

        tide_format_size(UINT64_C(1) << page_shifts[i], size, sizeof size);
        snprintf(label, sizeof label, "of %s", size);
        tide_format_size(f->sum.pages[i] << page_shifts[i], size, sizeof size);
        line(label, f->sum.pages[i], size);
    }
    line("4K by fetches", f->sum.side_pages[TIDE_SIDE_FETCH], "");
    line("4K by data", f->sum.side_pages[TIDE_SIDE_DATA], "");
    if (f->segmented)
        puts("\n4K pages by segment");
    for (size_t i = 0; f->segmented && i < TIDE_SEGMENTS; i++) {
        if (f->segments[i] > 0)
            line(tide_segment_names[i], f->segments[i], "");
    }
    if (f->segmented && f->outside > 0)
        line("outside", f->outside, "in no mapping: segmentation faults");
}

static void print_runs(const struct facts *f)
{
    puts("\nruns within a 4K page");
    for (size_t i = 0; i < TIDE_SIDES; i++) {
        uint64_t fetches = f->info.accesses[TIDE_FETCH];
        uint64_t accesses = i == TIDE_SIDE_FETCH ? fetches : accesses_of(f) - fetches;
        char mean[64];

        snprintf(mean, sizeof mean, "%.1f accesses long",
                 (double)accesses / (double)f->sum.side_runs[i]);
        if (f->sum.side_runs[i] > 0)
            line(side_labels[i], f->sum.side_runs[i], mean);
    }
    printf("\naddresses from 0x%" PRIx64 " to 0x%" PRIx64 "\n", f->sum.first_byte,
           f->sum.last_byte);
}

static int info_of(const char *path, const char *format, bool quiet, struct tide_error *e)
{
    struct facts f = {.segmented = false};
    int rc = collect(&f, path, format, quiet, e);

    /* What stands before damage is told too; the exit code says that it is not all. */
    if (rc == 0 || (rc == TIDE_E_TRACE && f.sum.pages[TIDE_SUMMARY_4K] > 0)) {
        print_head(&f, path);
        print_records(&f);
        if (f.sum.pages[TIDE_SUMMARY_4K] > 0) {
            print_pages(&f);
            print_runs(&f);
        }
    }
    return rc;
}

static int trace_info(struct cli_args *args, struct tide_error *e)
{
    const char *path = NULL, *format = NULL, *value;
    bool quiet = false;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        if (flag == CLI_WORD && path == NULL)
            path = value;
        else if (flag == CLI_WORD)
            rc = cli_usage(args, e, "one trace at a time: what is '%.200s'?", value);
        else if (flag == FLAG_FORMAT)
            format = value;
        else if (flag == 'q')
            quiet = true;
        else
            rc = flag;
    }
    if (rc == 0 && path == NULL)
        rc = cli_usage(args, e, "which trace? FILE is missing");
    return rc == 0 ? info_of(path, format, quiet, e) : rc;
}

static const struct cli_flag flags[] = {
    {FLAG_FORMAT, "format", "FORMAT", "read it as this format instead of finding it by content"},
    {'q', "quiet", NULL, "no progress"},
    {0},
};

const struct cli_command cli_trace_info = {
    .name = "trace info",
    .group = "trace",
    .synopsis = "FILE [--format FORMAT]",
    .summary = "say what a trace holds",
    .about = "Prints what the trace says about itself, its format and compression, its records by\n"
             "kind, the pages it touches, by segment where the layout is known, its runs within a\n"
             "page, and the span of its addresses. Of a tide file it reads the summary only, of\n"
             "others every record. FILE may be compressed; - is standard input.\n",
    .examples = "  pagetide trace info traces/sort.tide\n"
                "  zcat log.gz | pagetide trace info - --format lackey\n",
    .flags = flags,
    .run = trace_info,
};
