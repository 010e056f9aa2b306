/* Records of a trace as lines: see trace_print.h. */
#include "cli/trace_print.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const kind_names[TIDE_KINDS] = {"fetch", "read", "write", "modify"};

const char *const cli_event_labels[TIDE_EV_TYPES] = {
    [TIDE_EV_PROCESS] = "processes",
    [TIDE_EV_MAP] = "maps",
    [TIDE_EV_UNMAP] = "unmaps",
    [TIDE_EV_PROTECT] = "protects",
    [TIDE_EV_REMAP] = "remaps",
    [TIDE_EV_BRK] = "brks",
    [TIDE_EV_STACK] = "stacks",
    [TIDE_EV_HEAP] = "heaps",
    [TIDE_EV_MADVISE] = "madvises",
    [TIDE_EV_SYSCALL] = "other system calls",
    [TIDE_EV_EXIT] = "exits",
    [TIDE_EV_MALLOC] = "mallocs",
    [TIDE_EV_REALLOC] = "reallocs",
    [TIDE_EV_FREE] = "frees",
    [TIDE_EV_PAGE_ALLOC] = "page allocations",
    [TIDE_EV_PAGE_FREE] = "page frees",
    [TIDE_EV_KALLOC] = "kernel allocations",
    [TIDE_EV_KFREE] = "kernel frees",
};

static void print_range(const char *what, const struct tide_event *v)
{
    printf("%-8s 0x%012" PRIx64 "..0x%012" PRIx64, what, v->addr, v->addr + v->len);
}

static void print_prot(unsigned prot)
{
    printf(" %c%c%c", prot & TIDE_PROT_READ ? 'r' : '-', prot & TIDE_PROT_WRITE ? 'w' : '-',
           prot & TIDE_PROT_EXEC ? 'x' : '-');
}

void cli_print_event(const struct tide_reader *r, const struct tide_event *v)
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

void cli_print_access(uint64_t ordinal, const struct tide_access *a)
{
    printf("%12" PRIu64 " %-8s 0x%012" PRIx64 " %u byte%s\n", ordinal, kind_names[a->kind], a->addr,
           a->size, a->size == 1 ? "" : "s");
}
