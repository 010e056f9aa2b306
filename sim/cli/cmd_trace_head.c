/* pagetide trace head: the first records of a trace, one readable line each. */
#include <inttypes.h>

#include "cli/cli.h"
#include "cli/trace_walk.h"

enum { FLAG_FORMAT = CLI_LONG };

static const char *const kind_names[TIDE_KINDS] = {"fetch", "read", "write", "modify"};

static void print_range(const char *what, const struct tide_event *v)
{
    printf("%-8s 0x%012" PRIx64 "..0x%012" PRIx64, what, v->addr, v->addr + v->len);
}

static void print_prot(unsigned prot)
{
    printf(" %c%c%c", prot & TIDE_PROT_READ ? 'r' : '-', prot & TIDE_PROT_WRITE ? 'w' : '-',
           prot & TIDE_PROT_EXEC ? 'x' : '-');
}

static void print_event(const struct tide_reader *r, const struct tide_event *v)
{
    const char *file;

    printf("%12s ", "-");
    switch ((enum tide_event_type)v->type) {
    case TIDE_EV_PROCESS:
        printf("%-8s %u", "process", v->number);
        break;
    case TIDE_EV_MAP:
        print_range("map", v);
        print_prot(v->prot);
        file = v->file != 0 ? tide_reader_file(r, v->file) : NULL;
        if (v->file != 0)
            printf(" %s+0x%" PRIx64, file != NULL ? file : "file", v->offset);
        else
            printf(" anonymous");
        printf("%s%s", v->flags & TIDE_MAP_SHARED ? " shared" : "",
               v->flags & TIDE_MAP_FROM_LAYOUT ? " (layout)" : "");
        break;
    case TIDE_EV_UNMAP:
        print_range("unmap", v);
        break;
    case TIDE_EV_PROTECT:
        print_range("protect", v);
        print_prot(v->prot);
        break;
    case TIDE_EV_REMAP:
        print_range("remap", v);
        printf(" to 0x%012" PRIx64 "..0x%012" PRIx64, v->new_addr, v->new_addr + v->new_len);
        break;
    case TIDE_EV_BRK:
        printf("%-8s 0x%012" PRIx64, "brk", v->addr);
        break;
    case TIDE_EV_STACK:
        print_range("stack", v);
        break;
    case TIDE_EV_HEAP:
        print_range("heap", v);
        break;
    case TIDE_EV_MADVISE:
        print_range("madvise", v);
        printf(" advice %u", v->number);
        break;
    case TIDE_EV_SYSCALL:
        printf("%-8s %u", "syscall", v->number);
        break;
    case TIDE_EV_EXIT:
        printf("exit");
        break;
    case TIDE_EV_MALLOC:
        printf("%-8s %" PRIx64 ", %" PRIu64 " bytes%s", "malloc", v->addr, v->len,
               v->flags & TIDE_HEAP_ZEROED ? " zeroed" : "");
        break;
    case TIDE_EV_REALLOC:
        printf("%-8s %" PRIx64 " to %" PRIx64 ", %" PRIu64 " bytes", "realloc", v->addr,
               v->new_addr, v->new_len);
        break;
    case TIDE_EV_FREE:
        printf("%-8s %" PRIx64, "free", v->addr);
        break;
    case TIDE_EV_PAGE_ALLOC:
    case TIDE_EV_PAGE_FREE:
        printf("%-10s frame 0x%" PRIx64 " order %u cpu %u", tide_event_names[v->type], v->addr,
               v->number, v->cpu);
        break;
    case TIDE_EV_KALLOC:
    case TIDE_EV_KFREE:
        file = v->file != 0 ? tide_reader_file(r, v->file) : NULL;
        printf("%-8s 0x%" PRIx64 " %s cpu %u", tide_event_names[v->type], v->addr,
               file != NULL ? file : "kmalloc", v->cpu);
        if (v->type == TIDE_EV_KALLOC)
            printf(", %" PRIu64 " of %" PRIu64 " bytes", v->len, v->new_len);
        break;
    case TIDE_EV_TYPES:
        break;
    }
    putchar('\n');
}

static void print_access(uint64_t ordinal, const struct tide_access *a)
{
    printf("%12" PRIu64 " %-8s 0x%012" PRIx64 " %u byte%s\n", ordinal, kind_names[a->kind], a->addr,
           a->size, a->size == 1 ? "" : "s");
}

/* Prints at most *left records. */
static void print_block(const struct cli_trace *t, uint64_t *left)
{
    const struct tide_block *b = t->block;
    size_t event = 0;

    for (size_t i = 0; i <= b->n_accesses && !ferror(stdout); i++) {
        for (; event < b->n_events && b->events[event].at == i && *left > 0; event++, --*left)
            print_event(t->reader, &b->events[event]);
        if (i == b->n_accesses || *left == 0)
            break;
        print_access(b->first + i, &b->accesses[i]);
        --*left;
    }
}

static int head(struct cli_args *args, struct tide_error *e)
{
    const char *path = NULL, *format = NULL, *value;
    struct cli_trace t = {0};
    uint64_t left = 20;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        if (flag == CLI_WORD && path == NULL)
            path = value;
        else if (flag == CLI_WORD)
            rc = cli_usage(args, e, "one trace at a time: what is '%.200s'?", value);
        else if (flag == 'n')
            rc = cli_count(args, "-n", value, 1, UINT64_MAX, &left, e);
        else if (flag == FLAG_FORMAT)
            format = value;
        else
            rc = flag;
    }
    if (rc == 0 && path == NULL)
        rc = cli_usage(args, e, "which trace? FILE is missing");
    if (rc != 0)
        return rc;
    rc = cli_trace_open(&t, path, format, e);
    while (rc == 0 && left > 0 && !ferror(stdout)) {
        rc = cli_trace_next(&t, e);
        if (rc <= 0)
            break;
        print_block(&t, &left);
        rc = 0;
    }
    cli_trace_close(&t);
    return rc;
}

static const struct cli_flag flags[] = {
    {'n', "records", "N", "how many records (default 20)"},
    {FLAG_FORMAT, "format", "FORMAT", "read it as this format instead of finding it by content"},
    {0},
};

const struct cli_command cli_trace_head = {
    .name = "trace head",
    .group = "trace",
    .synopsis = "FILE [-n N] [--format FORMAT]",
    .summary = "print the first records of a trace",
    .about = "One line a record: the ordinal of the access (events have none), what it is, the\n"
             "address, the size. FILE may be compressed; - is standard input.\n",
    .examples = "  pagetide trace head traces/sort.lackey.gz -n 50\n"
                "  zcat log.gz | pagetide trace head - --format lackey\n",
    .flags = flags,
    .run = head,
};
