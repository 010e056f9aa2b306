/* pagetide trace info: what a trace holds: records, pages, segments, address span. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "addr/page.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/trace_print.h"
#include "cli/trace_walk.h"
#include "space/mm.h"

enum { SMALL, LARGE, SIZES };

static const struct tide_geometry geometries[SIZES] = {{12, TIDE_VADDR_MAX_BITS},
                                                       {21, TIDE_VADDR_MAX_BITS}};
/* bytes of a 4K page */
static const uint64_t small = UINT64_C(1) << 12;

enum { FLAG_FORMAT = CLI_LONG };

static const char *const kind_labels[TIDE_KINDS] = {"fetches", "reads", "writes", "modifies"};

struct census {
    struct tide_map pages[SIZES]; /* every (process, page) touched */
    uint64_t last[TIDE_SIDES];    /* 4K page a side touched last: most accesses stay there */
    struct tide_mm *spaces;       /* by process */
    size_t n_spaces, cap_spaces;
    uint64_t segments[TIDE_SEGMENTS]; /* 4K pages, by where they lay at their first touch */
    uint64_t outside;                 /* 4K pages in no VMA */
    uint64_t first_byte, last_byte;   /* lowest and highest address touched */
};

static void census_init(struct census *c)
{
    *c = (struct census){.first_byte = UINT64_MAX};
    for (size_t i = 0; i < SIZES; i++)
        tide_map_init(&c->pages[i]);
    for (size_t i = 0; i < TIDE_SIDES; i++)
        c->last[i] = TIDE_PAGE_NONE.v;
}

static void census_fini(struct census *c)
{
    for (size_t i = 0; i < SIZES; i++)
        tide_map_fini(&c->pages[i]);
    for (size_t i = 0; i < c->n_spaces; i++)
        tide_mm_fini(&c->spaces[i]);
    free(c->spaces);
}

static int space_of(struct census *c, unsigned process, struct tide_mm **out, struct tide_error *e)
{
    static const struct tide_mm_hooks no_hooks = {0};
    struct tide_mm *grown =
        tide_grow(c->spaces, &c->cap_spaces, (size_t)process + 1, sizeof *grown);

    if (grown == NULL)
        return tide_nomem(e);
    c->spaces = grown;
    for (; c->n_spaces <= process; c->n_spaces++)
        tide_mm_init(&c->spaces[c->n_spaces], (unsigned)c->n_spaces, &no_hooks);
    *out = &c->spaces[process];
    return 0;
}

/* A page's first touch: counts it, in the segment that holds it now. */
static int count_page(struct census *c, unsigned process, uint64_t addr, struct tide_error *e)
{
    struct tide_mm *mm;
    struct tide_vma *vma;
    unsigned prot;
    int rc = space_of(c, process, &mm, e);

    if (rc == 0)
        rc = tide_mm_touch(mm, addr & ~(small - 1), small, addr, &prot, &vma, e);
    if (rc < 0)
        return rc;
    if (rc == 0)
        c->outside++;
    else
        c->segments[vma->segment]++;
    return 0;
}

static int touch(struct census *c, unsigned process, uint64_t addr, struct tide_error *e)
{
    bool inserted = true;

    for (size_t i = 0; inserted && i < SIZES; i++) {
        tide_page page = tide_page_of(geometries[i], process, addr);

        if (tide_map_put(&c->pages[i], page.v, &inserted) == NULL)
            return tide_nomem(e);
        if (inserted && i == SMALL) {
            int rc = count_page(c, process, addr, e);

            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

static int take_access(struct census *c, const struct tide_access *a, struct tide_error *e)
{
    enum tide_side side = tide_side_of((enum tide_kind)a->kind);
    uint64_t last = a->addr + (a->size - 1), left = last / small - a->addr / small;
    uint64_t page = tide_page_of(geometries[SMALL], a->process, a->addr).v;
    int rc;

    if (a->addr < c->first_byte)
        c->first_byte = a->addr;
    if (last > c->last_byte)
        c->last_byte = last;
    if (left == 0 && page == c->last[side])
        return 0;
    c->last[side] = page;
    rc = touch(c, a->process, a->addr, e);
    for (; rc == 0 && left > 0; left--)
        rc = touch(c, a->process, (last / small - (left - 1)) * small, e);
    return rc;
}

static int take_block(struct census *c, const struct tide_block *b, struct tide_error *e)
{
    size_t event = 0;

    for (size_t i = 0; i <= b->n_accesses; i++) {
        int rc = 0;

        for (; event < b->n_events && b->events[event].at == i; event++) {
            struct tide_mm *mm = NULL;

            rc = space_of(c, b->events[event].process, &mm, e);
            if (rc == 0)
                rc = tide_mm_event(mm, &b->events[event], e);
            if (rc != 0)
                return rc;
        }
        if (i < b->n_accesses)
            rc = take_access(c, &b->accesses[i], e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* ---- printing ---- */

static void line(const char *label, uint64_t n, const char *note)
{
    printf("  %-20s %15" PRIu64 "%s%s\n", label, n, note[0] != '\0' ? "  " : "", note);
}

static void print_records(const struct tide_trace_info *info)
{
    uint64_t accesses = 0;

    for (size_t i = 0; i < TIDE_KINDS; i++)
        accesses += info->accesses[i];
    puts("\nrecords");
    line("accesses", accesses, "");
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

static void print_pages(const struct census *c)
{
    char size[32];

    puts("\npages touched");
    for (size_t i = 0; i < SIZES; i++) {
        char label[64];

        tide_format_size(UINT64_C(1) << geometries[i].page_shift, size, sizeof size);
        snprintf(label, sizeof label, "of %s", size);
        tide_format_size((uint64_t)c->pages[i].count << geometries[i].page_shift, size,
                         sizeof size);
        line(label, c->pages[i].count, size);
    }
    puts("\n4K pages by segment");
    for (size_t i = 0; i < TIDE_SEGMENTS; i++) {
        if (c->segments[i] > 0)
            line(tide_segment_names[i], c->segments[i], "");
    }
    if (c->outside > 0)
        line("outside", c->outside, "in no mapping: segmentation faults");
    printf("\naddresses from 0x%" PRIx64 " to 0x%" PRIx64 "\n", c->first_byte, c->last_byte);
}

static void print_head(const char *path, struct tide_reader *r)
{
    const struct tide_trace_info *info = tide_reader_info(r);
    struct tide_stream *s = tide_reader_stream(r);
    uint64_t raw = tide_stream_raw_offset(s), content = tide_stream_offset(s);

    printf("file        %s\n", path);
    if (info->command[0] != '\0')
        printf("command     %s\n", info->command);
    printf("format      %s\n", info->format);
    printf("content     %" PRIu64 " bytes", content);
    if (tide_stream_compression(s) != NULL && raw > 0)
        printf(", in %" PRIu64 " bytes of %s (%.1f to 1)", raw, tide_stream_compression(s),
               (double)content / (double)raw);
    putchar('\n');
    printf("layout      %s\n", info->has_layout ? "given" : "not given");
    printf("mappings    %s\n", !info->has_layout || !info->has_syscalls
                                   ? "inferred from the addresses touched"
                                   : "from the layout and the system calls");
}

static int info_of(const char *path, const char *format, struct tide_error *e)
{
    struct cli_trace t;
    struct census c;
    int rc = cli_trace_open(&t, path, format, e);

    census_init(&c);
    while (rc == 0) {
        rc = cli_trace_next(&t, e);
        if (rc <= 0)
            break;
        rc = take_block(&c, t.block, e);
    }
    /* What stands before damage is told too; the exit code says that it is not all. */
    if (rc == 0 || (rc == TIDE_E_TRACE && c.pages[SMALL].count > 0)) {
        print_head(path, t.reader);
        print_records(tide_reader_info(t.reader));
        if (c.pages[SMALL].count > 0)
            print_pages(&c);
    }
    census_fini(&c);
    cli_trace_close(&t);
    return rc;
}

static int trace_info(struct cli_args *args, struct tide_error *e)
{
    const char *path = NULL, *format = NULL, *value;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        if (flag == CLI_WORD && path == NULL)
            path = value;
        else if (flag == CLI_WORD)
            rc = cli_usage(args, e, "one trace at a time: what is '%.200s'?", value);
        else if (flag == FLAG_FORMAT)
            format = value;
        else
            rc = flag;
    }
    if (rc == 0 && path == NULL)
        rc = cli_usage(args, e, "which trace? FILE is missing");
    return rc == 0 ? info_of(path, format, e) : rc;
}

static const struct cli_flag flags[] = {
    {FLAG_FORMAT, "format", "FORMAT", "read it as this format instead of finding it by content"},
    {0},
};

const struct cli_command cli_trace_info = {
    .name = "trace info",
    .group = "trace",
    .synopsis = "FILE [--format FORMAT]",
    .summary = "say what a trace holds",
    .about = "Reads the whole trace and prints its format, its records by kind, the pages it\n"
             "touches, by segment where the layout is known, and the span of its addresses.\n"
             "FILE may be compressed; - is standard input.\n",
    .examples = "  pagetide trace info traces/sort.lackey.gz\n"
                "  zcat log.gz | pagetide trace info - --format lackey\n",
    .flags = flags,
    .run = trace_info,
};
