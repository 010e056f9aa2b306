/* What must hold in every trace: see invariants.h. */
#include "space/invariants.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "space/mm.h"

static const struct tide_geometry geometry = {12, TIDE_VADDR_MAX_BITS};
static const uint64_t grain = TIDE_MM_GRAIN;

enum { GONE = 1, ACCESSED = 2 }; /* what has become of a process */
/* Of a page that was told of, in `told`: by enum tide_kind, and one for being outside. */
enum { TOLD_OUTSIDE = TIDE_KINDS };

struct process {
    bool appeared;
    unsigned state; /* GONE, ACCESSED */
    struct tide_mm mm;
};

struct tide_invariants {
    tide_finding_fn *tell;
    void *context;
    struct process *processes;
    size_t n_processes, cap_processes;
    struct tide_map told;      /* page -> bits: 1 << enum tide_kind, 1 << TOLD_OUTSIDE */
    struct tide_map objects;   /* addresses in use */
    struct tide_map frames;    /* page frames that begin a block in use */
    struct tide_map kernel;    /* kernel objects in use */
    uint64_t last[TIDE_KINDS]; /* page at which an access of this kind was in order last */
    uint64_t records, accesses;
    bool allocated;
};

struct tide_invariants *tide_invariants_new(tide_finding_fn *tell, void *context,
                                            struct tide_error *e)
{
    struct tide_invariants *v = tide_calloc(1, sizeof *v);

    if (v == NULL) {
        tide_nomem(e);
        return NULL;
    }
    v->tell = tell;
    v->context = context;
    tide_map_init(&v->told);
    tide_map_init(&v->objects);
    tide_map_init(&v->frames);
    tide_map_init(&v->kernel);
    return v;
}

void tide_invariants_free(struct tide_invariants *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < v->n_processes; i++)
        tide_mm_fini(&v->processes[i].mm);
    free(v->processes);
    tide_map_fini(&v->told);
    tide_map_fini(&v->objects);
    tide_map_fini(&v->frames);
    tide_map_fini(&v->kernel);
    free(v);
}

uint64_t tide_invariants_records(const struct tide_invariants *v)
{
    return v->records;
}

static void tell(const struct tide_invariants *v, bool damage, const char *name, const char *what,
                 ...) __attribute__((format(printf, 4, 5)));

static void tell(const struct tide_invariants *v, bool damage, const char *name, const char *what,
                 ...)
{
    struct tide_finding f = {
        .name = name, .damage = damage, .record = v->records, .access = v->accesses};
    va_list ap;

    va_start(ap, what);
    vsnprintf(f.what, sizeof f.what, what, ap);
    va_end(ap);
    v->tell(v->context, &f);
}

static void forget_last(struct tide_invariants *v)
{
    for (size_t i = 0; i < TIDE_KINDS; i++)
        v->last[i] = TIDE_PAGE_NONE.v;
}

/* NULL: out of memory. */
static struct process *process_of(struct tide_invariants *v, unsigned number, struct tide_error *e)
{
    static const struct tide_mm_hooks no_hooks = {0};
    struct process *grown =
        tide_grow(v->processes, &v->cap_processes, (size_t)number + 1, sizeof *grown);

    if (grown == NULL) {
        tide_nomem(e);
        return NULL;
    }
    v->processes = grown;
    for (; v->n_processes <= number; v->n_processes++) {
        v->processes[v->n_processes] = (struct process){.appeared = false};
        tide_mm_init(&v->processes[v->n_processes].mm, (unsigned)v->n_processes, &no_hooks);
    }
    return &v->processes[number];
}

/* A record of a process that must be there; what is wrong is told once a process. */
static void check_there(struct tide_invariants *v, struct process *p, unsigned number)
{
    if (!p->appeared)
        tell(v, true, "process", "process %u has not appeared", number);
    else if (p->state & GONE)
        tell(v, true, "after-exit", "process %u has ended", number);
    p->appeared = true;
    p->state &= ~(unsigned)GONE;
}

/* ---- events ---- */

/* Whether [addr, addr+len) has no hole. */
static bool wholly_mapped(const struct tide_mm *mm, uint64_t addr, uint64_t len)
{
    uint64_t last = addr + ((len + (grain - 1)) & ~(grain - 1)) - 1;

    for (;;) {
        const struct tide_vma *vma = tide_mm_find(mm, addr);

        /* a stack grows when it is touched; what lies in its room may have been */
        if (vma == NULL && (vma = tide_mm_overlap(mm, addr, UINT64_MAX - addr)) != NULL &&
            !(vma->grows_down && addr >= vma->limit))
            return false;
        if (vma == NULL)
            return false;
        if (last <= tide_vma_last(vma))
            return true;
        addr = tide_vma_last(vma) + 1;
    }
}

static void check_range(struct tide_invariants *v, const struct tide_mm *mm,
                        const struct tide_event *ev)
{
    if (ev->len > 0 && !wholly_mapped(mm, ev->addr, ev->len))
        tell(v, false, "unmapped", "%s of 0x%" PRIx64 "..0x%" PRIx64 ", which has a hole",
             tide_event_names[ev->type], ev->addr, ev->addr + ev->len);
}

static void check_map(struct tide_invariants *v, const struct process *p,
                      const struct tide_event *ev)
{
    bool layout = (ev->flags & TIDE_MAP_FROM_LAYOUT) != 0;

    if (ev->prot & ~(uint32_t)TIDE_PROT_ALL)
        tell(v, true, "bits", "permissions 0x%x", ev->prot);
    if (ev->offset % grain != 0)
        tell(v, true, "bits", "the offset %" PRIu64 " is no multiple of 4096", ev->offset);
    if (layout && p->state & ACCESSED)
        tell(v, false, "layout-late", "a mapping of the initial layout behind accesses");
    else if (layout && tide_mm_overlap(&p->mm, ev->addr, ev->len) != NULL)
        tell(v, true, "layout-overlap",
             "0x%" PRIx64 "..0x%" PRIx64 " overlaps another mapping of the layout", ev->addr,
             ev->addr + ev->len);
}

static int change_space(struct tide_invariants *v, struct process *p, const struct tide_event *ev,
                        bool known, struct tide_error *e)
{
    const char *problem = tide_event_problem(ev);
    int rc;

    forget_last(v);
    if (problem != NULL) {
        tell(v, true, "event", "%s: what it names %s", tide_event_names[ev->type], problem);
        return 0;
    }
    if (ev->type == TIDE_EV_MAP)
        check_map(v, p, ev);
    else if (known && tide_mm_strict(&p->mm) &&
             (ev->type == TIDE_EV_PROTECT || ev->type == TIDE_EV_REMAP ||
              ev->type == TIDE_EV_MADVISE))
        check_range(v, &p->mm, ev);
    rc = tide_mm_event(&p->mm, ev, e);
    if (rc != TIDE_E_TRACE)
        return rc;
    tell(v, true, "event", "%s: %.200s", tide_event_names[ev->type], e->what);
    return 0;
}

/* An object is given out: `in_use` has it now. */
static int give(struct tide_invariants *v, struct tide_map *in_use, uint64_t key, const char *name,
                struct tide_error *e)
{
    bool inserted = true;

    v->allocated = true;
    if (key == TIDE_MAP_NONE)
        return 0;
    if (tide_map_put(in_use, key, &inserted) == NULL)
        return tide_nomem(e);
    if (!inserted)
        tell(v, false, name, "0x%" PRIx64 " is given out while it is in use", key);
    return 0;
}

/* What was in use when the trace began can come back unseen. */
static void take_back(struct tide_invariants *v, struct tide_map *in_use, uint64_t key)
{
    if (!tide_map_remove(in_use, key) && in_use == &v->objects && key != 0 && v->allocated)
        tell(v, false, "object", "0x%" PRIx64 " is freed and was not given out", key);
}

static int take_event(struct tide_invariants *v, const struct tide_event *ev, bool known,
                      struct tide_error *e)
{
    struct process *p = process_of(v, ev->process, e);

    if (p == NULL)
        return TIDE_E_NOMEM;
    if (ev->type == TIDE_EV_PROCESS) {
        if (p->appeared)
            tell(v, true, "process-again", "process %u is there already", ev->process);
        p->appeared = true;
        return 0;
    }
    check_there(v, p, ev->process);
    switch ((enum tide_event_type)ev->type) {
    case TIDE_EV_MAP:
    case TIDE_EV_UNMAP:
    case TIDE_EV_PROTECT:
    case TIDE_EV_REMAP:
    case TIDE_EV_BRK:
    case TIDE_EV_STACK:
    case TIDE_EV_HEAP:
    case TIDE_EV_MADVISE:
        return change_space(v, p, ev, known, e);
    case TIDE_EV_EXIT:
        p->state |= GONE;
        return 0;
    case TIDE_EV_MALLOC:
        return ev->addr != 0 || ev->flags & TIDE_HEAP_NUMBERED
                   ? give(v, &v->objects, ev->addr, "object", e)
                   : 0;
    case TIDE_EV_REALLOC:
        if (ev->new_addr == 0 && !(ev->flags & TIDE_HEAP_NUMBERED))
            return 0;
        if (ev->addr != 0 || ev->flags & TIDE_HEAP_NUMBERED)
            take_back(v, &v->objects, ev->addr);
        return give(v, &v->objects, ev->new_addr, "object", e);
    case TIDE_EV_FREE:
        take_back(v, &v->objects, ev->addr);
        return 0;
    case TIDE_EV_PAGE_ALLOC:
        return give(v, &v->frames, ev->addr, "frame", e);
    case TIDE_EV_PAGE_FREE:
        take_back(v, &v->frames, ev->addr);
        return 0;
    case TIDE_EV_KALLOC:
        return give(v, &v->kernel, ev->addr, "frame", e);
    case TIDE_EV_KFREE:
        take_back(v, &v->kernel, ev->addr);
        return 0;
    default:
        return 0;
    }
}

/* ---- accesses ---- */

/* Whether this was not told of the page before. */
static int first_time(struct tide_invariants *v, uint64_t page, unsigned bit, bool *first,
                      struct tide_error *e)
{
    uint64_t *bits = tide_map_put(&v->told, page, NULL);

    if (bits == NULL)
        return tide_nomem(e);
    *first = (*bits >> bit & 1) == 0;
    *bits |= UINT64_C(1) << bit;
    return 0;
}

/* The part of an access in one page. */
static int check_page(struct tide_invariants *v, struct process *p, const struct tide_access *a,
                      uint64_t addr, struct tide_error *e)
{
    static const char *const kinds[TIDE_KINDS] = {"fetch", "read", "write", "modify"};
    uint64_t page = tide_page_of(geometry, a->process, addr).v;
    unsigned needed = tide_prot_needed((enum tide_kind)a->kind), prot;
    struct tide_vma *vma;
    bool first = false;
    int rc;

    if (!tide_canonical(geometry, addr)) {
        rc = first_time(v, page, a->kind, &first, e);
        if (rc == 0 && first)
            tell(v, false, "canonical", "%s at 0x%" PRIx64 ": x86-64 has no such address",
                 kinds[a->kind], addr);
        return rc;
    }
    rc = tide_mm_touch(&p->mm, addr & ~(grain - 1), grain, addr, &prot, &vma, e);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        rc = first_time(v, page, TOLD_OUTSIDE, &first, e);
        if (rc == 0 && first)
            tell(v, false, "outside", "%s at 0x%" PRIx64 ", in no mapping", kinds[a->kind], addr);
        return rc;
    }
    if ((needed & ~prot) == 0) {
        v->last[a->kind] = page;
        return 0;
    }
    rc = first_time(v, page, a->kind, &first, e);
    if (rc == 0 && first)
        tell(v, false, "permission", "%s at 0x%" PRIx64 ", which is mapped %c%c%c", kinds[a->kind],
             addr, prot & TIDE_PROT_READ ? 'r' : '-', prot & TIDE_PROT_WRITE ? 'w' : '-',
             prot & TIDE_PROT_EXEC ? 'x' : '-');
    return rc;
}

static int take_access(struct tide_invariants *v, const struct tide_access *a, bool known,
                       struct tide_error *e)
{
    struct process *p = process_of(v, a->process, e);
    uint64_t addr = a->addr, last = a->addr + (a->size - 1);
    int rc = 0;

    if (p == NULL)
        return TIDE_E_NOMEM;
    if (!p->appeared || p->state & GONE)
        check_there(v, p, a->process);
    p->state |= ACCESSED;
    if (!known || !tide_mm_strict(&p->mm))
        return 0;
    for (uint64_t left = last / grain - addr / grain; rc == 0; addr = (addr | (grain - 1)) + 1) {
        if (tide_page_of(geometry, a->process, addr).v != v->last[a->kind])
            rc = check_page(v, p, a, addr, e);
        if (left-- == 0)
            break;
    }
    return rc;
}

int tide_invariants_take(struct tide_invariants *v, const struct tide_block *b,
                         const struct tide_trace_info *info, struct tide_error *e)
{
    bool known = info->has_layout && info->has_syscalls;
    size_t k = 0;
    int rc = 0;

    if (v->records == 0)
        forget_last(v);
    if (b->first != v->accesses)
        tell(v, true, "order", "access %" PRIu64 " follows access %" PRIu64, b->first, v->accesses);
    v->accesses = b->first;
    for (size_t i = 0; i <= b->n_accesses && rc == 0; i++) {
        for (; rc == 0 && k < b->n_events && b->events[k].at == i; k++, v->records++)
            rc = take_event(v, &b->events[k], known, e);
        if (i == b->n_accesses || rc != 0)
            break;
        rc = take_access(v, &b->accesses[i], known, e);
        v->accesses++;
        v->records++;
    }
    return rc;
}

void tide_invariants_end(struct tide_invariants *v, const struct tide_trace_info *info)
{
    if (info->lost_results > 0)
        tell(v, false, "results", "%" PRIu64 " system calls have no result", info->lost_results);
}
