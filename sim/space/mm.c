/* Address spaces: see mm.h.
 *
 * The tree is a treap: ordered by address, heap-ordered by priorities drawn from an own generator,
 * so its shape is the same on every run. Disjoint VMAs change their bounds without leaving their
 * order, so only coming and going touches the tree. All arithmetic on upper bounds uses the last
 * byte, which does not wrap for a VMA that ends at 2^64.
 * Source: Seidel and Aragon, "Randomized search trees", Algorithmica 16, 1996.
 */
#include "space/mm.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"

static const uint64_t GRAIN_MASK = TIDE_MM_GRAIN - 1;

enum { ADVICE_DONTNEED = 4 }; /* MADV_DONTNEED */

const char *const tide_segment_names[TIDE_SEGMENTS] = {
    [TIDE_SEG_TEXT] = "text",   [TIDE_SEG_DATA] = "data",         [TIDE_SEG_BSS] = "bss",
    [TIDE_SEG_HEAP] = "heap",   [TIDE_SEG_MMAP] = "mmap",         [TIDE_SEG_FILE] = "file",
    [TIDE_SEG_STACK] = "stack", [TIDE_SEG_INFERRED] = "inferred",
};

static uint64_t round_up(uint64_t addr)
{
    return (addr + GRAIN_MASK) & ~GRAIN_MASK;
}

/* ---- tree and list ---- */

static void rotate_up(struct tide_mm *mm, struct tide_vma *v)
{
    struct tide_vma *p = v->parent, *g = p->parent, *inner;

    if (p->left == v) {
        inner = p->left = v->right;
        v->right = p;
    } else {
        inner = p->right = v->left;
        v->left = p;
    }
    if (inner != NULL)
        inner->parent = p;
    p->parent = v;
    v->parent = g;
    *(g == NULL ? &mm->root : g->left == p ? &g->left : &g->right) = v;
}

/* Puts v behind `prev` (NULL: first). */
static void link_vma(struct tide_mm *mm, struct tide_vma *v, struct tide_vma *prev)
{
    struct tide_vma *next = prev != NULL ? prev->next : mm->first;

    v->prev = prev;
    v->next = next;
    *(prev != NULL ? &prev->next : &mm->first) = v;
    *(next != NULL ? &next->prev : &mm->last) = v;
    v->left = v->right = v->parent = NULL;
    /* Of two neighbours in order one is below the other, which has no child on that side. */
    if (prev != NULL && prev->right == NULL) {
        v->parent = prev;
        prev->right = v;
    } else if (next != NULL) {
        v->parent = next;
        next->left = v;
    } else {
        mm->root = v;
    }
    while (v->parent != NULL && v->parent->priority < v->priority)
        rotate_up(mm, v);
    mm->count++;
    mm->vsz_bytes += v->end - v->start;
}

static void unlink_vma(struct tide_mm *mm, struct tide_vma *v)
{
    struct tide_vma *p;

    while (v->left != NULL || v->right != NULL)
        rotate_up(mm,
                  v->right == NULL || (v->left != NULL && v->left->priority > v->right->priority)
                      ? v->left
                      : v->right);
    p = v->parent;
    *(p == NULL ? &mm->root : p->left == v ? &p->left : &p->right) = NULL;
    *(v->prev != NULL ? &v->prev->next : &mm->first) = v->next;
    *(v->next != NULL ? &v->next->prev : &mm->last) = v->prev;
    mm->count--;
    mm->vsz_bytes -= v->end - v->start;
}

/* The first VMA that reaches `addr` or lies above it. */
static struct tide_vma *first_reaching(const struct tide_mm *mm, uint64_t addr)
{
    struct tide_vma *found = NULL;

    for (struct tide_vma *v = mm->root; v != NULL;) {
        if (tide_vma_last(v) >= addr) {
            found = v;
            v = v->left;
        } else {
            v = v->right;
        }
    }
    return found;
}

struct tide_vma *tide_mm_find(const struct tide_mm *mm, uint64_t addr)
{
    struct tide_vma *v = first_reaching(mm, addr);

    return v != NULL && v->start <= addr ? v : NULL;
}

struct tide_vma *tide_mm_overlap(const struct tide_mm *mm, uint64_t start, uint64_t bytes)
{
    struct tide_vma *v = first_reaching(mm, start);

    return v != NULL && v->start <= start + (bytes - 1) ? v : NULL;
}

/* ---- one VMA ---- */

static int make_vma(struct tide_mm *mm, struct tide_vma **out, struct tide_error *e)
{
    struct tide_vma *v = tide_calloc(1, sizeof *v);
    int rc;

    if (v == NULL)
        return tide_nomem(e);
    if (mm->hooks.vma_alloc != NULL &&
        (rc = mm->hooks.vma_alloc(mm->hooks.context, &v->object, e)) < 0) {
        free(v);
        return rc;
    }
    v->priority = (uint32_t)tide_splitmix64(&mm->random_state);
    *out = v;
    return 0;
}

static void free_vma(struct tide_mm *mm, struct tide_vma *v)
{
    unlink_vma(mm, v);
    for (size_t i = 0; i < TIDE_MM_CACHED; i++)
        if (mm->cached[i] == v)
            mm->cached[i] = NULL;
    if (mm->hooks.vma_free != NULL)
        mm->hooks.vma_free(mm->hooks.context, v->object);
    free(v);
}

/* What the VMA says, apart from identity and links. */
static void copy_vma(struct tide_vma *to, const struct tide_vma *from)
{
    to->start = from->start;
    to->end = from->end;
    to->offset = from->offset;
    to->file = from->file;
    to->prot = from->prot;
    to->segment = from->segment;
    to->shared = from->shared;
    to->grows_down = from->grows_down;
    to->limit = from->limit;
}

/* Shared anonymous memory is an object of its own, as a file is. */
static bool has_offset(const struct tide_vma *v)
{
    return v->file != 0 || v->shared;
}

static void set_bounds(struct tide_mm *mm, struct tide_vma *v, uint64_t start, uint64_t end)
{
    mm->vsz_bytes += (end - start) - (v->end - v->start);
    if (has_offset(v))
        v->offset += start - v->start;
    v->start = start;
    v->end = end;
}

/* Cuts v into itself, up to `at`, and a new VMA behind it. */
static int cut(struct tide_mm *mm, struct tide_vma *v, uint64_t at, struct tide_error *e)
{
    struct tide_vma *upper = NULL;
    int rc = make_vma(mm, &upper, e);

    if (rc < 0)
        return rc;
    copy_vma(upper, v);
    upper->start = at;
    if (has_offset(v))
        upper->offset += at - v->start;
    set_bounds(mm, v, v->start, at);
    link_vma(mm, upper, v);
    mm->stats.splits++;
    return 0;
}

/* Whether b, behind a, continues it. */
static bool agree(const struct tide_vma *a, const struct tide_vma *b)
{
    return a->end == b->start && a->prot == b->prot && a->segment == b->segment &&
           a->file == b->file && a->shared == b->shared && a->grows_down == b->grows_down &&
           a->limit == b->limit && (!has_offset(a) || a->offset + (a->end - a->start) == b->offset);
}

/* Takes the VMA behind v into it if they agree. */
static bool join_next(struct tide_mm *mm, struct tide_vma *v)
{
    uint64_t end;

    if (v->next == NULL || !agree(v, v->next))
        return false;
    end = v->next->end;
    free_vma(mm, v->next);
    set_bounds(mm, v, v->start, end);
    mm->stats.merges++;
    return true;
}

/* Joins what agrees among the VMAs in [start, last] and their outer neighbours. */
static void join_range(struct tide_mm *mm, uint64_t start, uint64_t last)
{
    struct tide_vma *v = first_reaching(mm, start);

    if (v != NULL && v->prev != NULL)
        v = v->prev;
    /* v->next->start is above 0. */
    while (v != NULL && v->next != NULL && v->next->start - 1 <= last)
        if (!join_next(mm, v))
            v = v->next;
}

/* ---- ranges ---- */

static int unmap_range(struct tide_mm *mm, uint64_t start, uint64_t last, struct tide_error *e)
{
    struct tide_vma *next;

    for (struct tide_vma *v = first_reaching(mm, start); v != NULL && v->start <= last; v = next) {
        uint64_t from = v->start > start ? v->start : start;
        uint64_t to = tide_vma_last(v) < last ? tide_vma_last(v) : last;
        int rc;

        next = v->next;
        if (v->start < from && tide_vma_last(v) > to && (rc = cut(mm, v, to + 1, e)) < 0)
            return rc;
        if (v->start < from)
            set_bounds(mm, v, v->start, from);
        else if (tide_vma_last(v) > to)
            set_bounds(mm, v, to + 1, v->end);
        else
            free_vma(mm, v);
        if (mm->hooks.unmapped != NULL)
            mm->hooks.unmapped(mm->hooks.context, mm->process, from, to + 1);
    }
    return 0;
}

/* Adds a VMA where nothing is mapped: as part of a neighbour if one agrees. */
static int place(struct tide_mm *mm, const struct tide_vma *want, struct tide_error *e)
{
    struct tide_vma *next = first_reaching(mm, want->start);
    struct tide_vma *prev = next != NULL ? next->prev : mm->last;
    struct tide_vma *v = NULL;
    int rc;

    if (prev != NULL && agree(prev, want)) {
        set_bounds(mm, prev, prev->start, want->end);
        mm->stats.merges++;
        join_next(mm, prev);
        return 0;
    }
    if (next != NULL && agree(want, next)) {
        set_bounds(mm, next, want->start, next->end);
        mm->stats.merges++;
        return 0;
    }
    if ((rc = make_vma(mm, &v, e)) < 0)
        return rc;
    copy_vma(v, want);
    link_vma(mm, v, prev);
    return 0;
}

/* ---- events ---- */

/* Of the events that change the map. */
static const char *const event_names[TIDE_EV_TYPES] = {
    [TIDE_EV_MAP] = "map",      [TIDE_EV_UNMAP] = "munmap",    [TIDE_EV_PROTECT] = "mprotect",
    [TIDE_EV_REMAP] = "mremap", [TIDE_EV_BRK] = "brk",         [TIDE_EV_STACK] = "stack",
    [TIDE_EV_HEAP] = "heap",    [TIDE_EV_MADVISE] = "madvise",
};

static int refuse(const struct tide_event *ev, const char *why, struct tide_error *e)
{
    tide_fail(e, TIDE_E_TRACE, "%s at 0x%" PRIx64 " %s", event_names[ev->type], ev->addr, why);
    tide_error_remedy(e, "the trace is damaged, or its processes are mixed up");
    return TIDE_E_TRACE;
}

/* The last byte of a range, rounded up to whole grains. */
static uint64_t last_of(uint64_t addr, uint64_t len)
{
    return addr + (round_up(len) - 1);
}

static enum tide_segment segment_of(const struct tide_event *ev)
{
    bool initial = ev->flags & TIDE_MAP_FROM_LAYOUT;

    if (ev->file == 0)
        return initial ? TIDE_SEG_BSS : TIDE_SEG_MMAP;
    if ((ev->flags & TIDE_MAP_SHARED) && !initial)
        return TIDE_SEG_FILE;
    return ev->prot & TIDE_PROT_EXEC ? TIDE_SEG_TEXT : TIDE_SEG_DATA;
}

static int do_map(struct tide_mm *mm, const struct tide_event *ev, uint64_t last,
                  struct tide_error *e)
{
    struct tide_vma want = {
        .start = ev->addr,
        .end = last + 1,
        .offset = ev->file != 0 ? ev->offset : 0,
        .file = ev->file,
        .prot = (uint8_t)(ev->prot & TIDE_PROT_ALL),
        .segment = (uint8_t)segment_of(ev),
        .shared = ev->flags & TIDE_MAP_SHARED,
    };
    int rc = unmap_range(mm, ev->addr, last, e);

    return rc < 0 ? rc : place(mm, &want, e);
}

static int do_protect(struct tide_mm *mm, uint64_t start, uint64_t last, uint8_t prot,
                      struct tide_error *e)
{
    int rc = 0;

    for (struct tide_vma *v = first_reaching(mm, start); v != NULL && v->start <= last;
         v = v->next) {
        if (v->prot == prot)
            continue;
        if (v->start < start) {
            if ((rc = cut(mm, v, start, e)) < 0)
                break;
            v = v->next;
        }
        if (tide_vma_last(v) > last && (rc = cut(mm, v, last + 1, e)) < 0)
            break;
        v->prot = prot;
        if (mm->hooks.protected_ != NULL)
            mm->hooks.protected_(mm->hooks.context, mm->process, v->start, v->end);
    }
    join_range(mm, start, last);
    return rc;
}

/* Moves the VMAs of [from, from_last] to `to`, where nothing is mapped, and lets the one at the end
 * of the range, if any, reach to_last. */
static int move_range(struct tide_mm *mm, uint64_t from, uint64_t from_last, uint64_t to,
                      uint64_t to_last, struct tide_error *e)
{
    struct tide_vma *v = tide_mm_find(mm, from), *end = tide_mm_find(mm, from_last);
    bool grow = end != NULL;
    int rc = 0;

    if (end != NULL && tide_vma_last(end) > from_last)
        rc = cut(mm, end, from_last + 1, e);
    if (rc == 0 && v != NULL && v->start < from)
        rc = cut(mm, v, from, e);
    if (rc < 0) {
        join_range(mm, from, from_last);
        return rc;
    }
    while ((v = first_reaching(mm, from)) != NULL && v->start <= from_last) {
        uint64_t at = v->start, len = v->end - v->start;
        struct tide_vma *above;

        unlink_vma(mm, v);
        v->start = at - from + to;
        v->end = v->start + len;
        v->grows_down = false;
        v->limit = 0;
        above = first_reaching(mm, v->start);
        link_vma(mm, v, above != NULL ? above->prev : mm->last);
        if (mm->hooks.moved != NULL)
            mm->hooks.moved(mm->hooks.context, mm->process, at, v->start, len);
    }
    if (grow) {
        v = tide_mm_find(mm, to + (from_last - from));
        set_bounds(mm, v, v->start, to_last + 1);
    }
    join_range(mm, to, to_last);
    return 0;
}

static int do_remap(struct tide_mm *mm, const struct tide_event *ev, uint64_t last,
                    struct tide_error *e)
{
    uint64_t start = ev->addr, to = ev->new_addr;
    uint64_t to_last = last_of(to, ev->new_len), kept;
    struct tide_vma *v;
    int rc;

    if (to != start && (rc = unmap_range(mm, to, to_last, e)) < 0)
        return rc;
    kept = start + (to_last - to);
    if (to_last - to < last - start) {
        if ((rc = unmap_range(mm, kept + 1, last, e)) < 0)
            return rc;
        last = kept;
    }
    if (to != start)
        return move_range(mm, start, last, to, to_last, e);
    if (to_last > last) {
        v = tide_mm_find(mm, last);
        if ((rc = unmap_range(mm, last + 1, to_last, e)) < 0)
            return rc;
        if (v != NULL) {
            set_bounds(mm, v, v->start, to_last + 1);
            join_next(mm, v);
        }
    }
    return 0;
}

static int do_brk(struct tide_mm *mm, const struct tide_event *ev, struct tide_error *e)
{
    uint64_t end = round_up(ev->addr), old = round_up(mm->brk_end);
    int rc = 0;

    if (mm->brk_start == 0) {
        mm->brk_start = ev->addr;
        old = end;
        mm->brk_prot = TIDE_PROT_READ | TIDE_PROT_WRITE;
    }
    if (ev->addr < mm->brk_start) {
        if (mm->has_layout)
            return refuse(ev, "lies below the start of the heap", e);
        /* The trace began after the heap did, so the start was a guess. */
        mm->brk_start = ev->addr;
    }
    if (end < old) {
        rc = unmap_range(mm, end, old - 1, e);
    } else if (end > old) {
        struct tide_vma want = {
            .start = old, .end = end, .prot = mm->brk_prot, .segment = TIDE_SEG_HEAP};

        rc = unmap_range(mm, old, end - 1, e);
        if (rc == 0)
            rc = place(mm, &want, e);
    }
    if (rc == 0)
        mm->brk_end = ev->addr;
    return rc;
}

static int do_heap(struct tide_mm *mm, const struct tide_event *ev, struct tide_error *e)
{
    struct tide_vma *v = tide_mm_find(mm, ev->addr);
    int rc;

    if (v != NULL && (has_offset(v) || v->end == 0))
        return refuse(ev, "is not private anonymous memory", e);
    mm->brk_start = mm->brk_end = ev->addr;
    mm->brk_prot = TIDE_PROT_READ | TIDE_PROT_WRITE;
    if (v == NULL)
        return 0;
    if (v->start < ev->addr) {
        if ((rc = cut(mm, v, ev->addr, e)) < 0)
            return rc;
        v = v->next;
    }
    v->segment = TIDE_SEG_HEAP;
    mm->brk_end = v->end;
    mm->brk_prot = v->prot;
    join_range(mm, v->start, tide_vma_last(v));
    return 0;
}

static int do_stack(struct tide_mm *mm, const struct tide_event *ev, uint64_t last,
                    struct tide_error *e)
{
    struct tide_vma *v = tide_mm_find(mm, last);

    if (v == NULL || tide_vma_last(v) != last)
        return refuse(ev, "has no mapping at its end", e);
    v->segment = TIDE_SEG_STACK;
    v->grows_down = true;
    v->limit = ev->addr;
    join_range(mm, v->start, last);
    return 0;
}

static void do_madvise(struct tide_mm *mm, uint64_t start, uint64_t last)
{
    if (mm->hooks.discarded == NULL)
        return;
    for (struct tide_vma *v = first_reaching(mm, start); v != NULL && v->start <= last;
         v = v->next) {
        uint64_t from = v->start > start ? v->start : start;
        uint64_t to = tide_vma_last(v) < last ? tide_vma_last(v) : last;

        mm->hooks.discarded(mm->hooks.context, mm->process, from, to + 1);
    }
}

static int apply(struct tide_mm *mm, const struct tide_event *ev, struct tide_error *e)
{
    enum tide_event_type type = ev->type;
    const char *problem;
    uint64_t last;

    if ((type == TIDE_EV_PROTECT || type == TIDE_EV_MADVISE) && ev->len == 0)
        return 0; /* Linux lets these succeed */
    if ((problem = tide_event_problem(ev)) != NULL)
        return refuse(ev, problem, e);
    last = last_of(ev->addr, ev->len);
    switch (type) {
    case TIDE_EV_MAP:
        mm->stats.maps++;
        return do_map(mm, ev, last, e);
    case TIDE_EV_UNMAP:
        mm->stats.unmaps++;
        return unmap_range(mm, ev->addr, last, e);
    case TIDE_EV_PROTECT:
        mm->stats.protects++;
        return do_protect(mm, ev->addr, last, (uint8_t)(ev->prot & TIDE_PROT_ALL), e);
    case TIDE_EV_REMAP:
        mm->stats.remaps++;
        return do_remap(mm, ev, last, e);
    case TIDE_EV_BRK:
        mm->stats.brks++;
        return do_brk(mm, ev, e);
    case TIDE_EV_STACK:
        return do_stack(mm, ev, last, e);
    case TIDE_EV_HEAP:
        return do_heap(mm, ev, e);
    case TIDE_EV_MADVISE:
        if (ev->number == ADVICE_DONTNEED)
            do_madvise(mm, ev->addr, last);
        return 0;
    case TIDE_EV_EXIT:
        mm->brk_start = mm->brk_end = 0;
        return unmap_range(mm, 0, UINT64_MAX, e);
    case TIDE_EV_PROCESS:
        mm->pid = ev->number;
        return 0;
    default: /* what changes no mapping */
        break;
    }
    return 0;
}

int tide_mm_event(struct tide_mm *mm, const struct tide_event *ev, struct tide_error *e)
{
    bool was_strict = tide_mm_strict(mm);
    struct tide_vma *v;
    int rc = apply(mm, ev, e);

    if (rc < 0)
        return rc;
    if (ev->type == TIDE_EV_MAP && (ev->flags & TIDE_MAP_FROM_LAYOUT))
        mm->has_layout = true;
    if (!was_strict && tide_mm_strict(mm) && mm->hooks.protected_ != NULL)
        tide_vma_for_each (v, mm)
            mm->hooks.protected_(mm->hooks.context, mm->process, v->start, v->end);
    return 0;
}

/* ---- touches ---- */

/* Makes a VMA, or extends an inferred one, to hold the grain of `addr`, which no VMA holds. */
static int infer(struct tide_mm *mm, uint64_t start, uint64_t bytes, struct tide_error *e)
{
    struct tide_vma *next = first_reaching(mm, start);
    struct tide_vma *prev = next != NULL ? next->prev : mm->last;
    struct tide_vma want = {.start = start & ~GRAIN_MASK,
                            .end = ((start + (bytes - 1)) | GRAIN_MASK) + 1,
                            .prot = TIDE_PROT_ALL,
                            .segment = TIDE_SEG_INFERRED};

    mm->stats.inferred++;
    if (prev != NULL && prev->segment == TIDE_SEG_INFERRED &&
        want.start - prev->end <= TIDE_INFER_GAP) {
        set_bounds(mm, prev, prev->start, want.end);
        join_next(mm, prev);
        return 0;
    }
    if (next != NULL && next->segment == TIDE_SEG_INFERRED &&
        next->start - want.end <= TIDE_INFER_GAP) {
        set_bounds(mm, next, want.start, next->end);
        return 0;
    }
    return place(mm, &want, e);
}

int tide_mm_touch_slow(struct tide_mm *mm, uint64_t start, uint64_t bytes, uint64_t addr,
                       unsigned *prot, struct tide_vma **vma, struct tide_error *e)
{
    struct tide_vma *v = tide_mm_overlap(mm, start, bytes);
    int rc;

    /* A page that a VMA overlaps already is left as it is: touching it twice must not do more than
     * touching it once, or machines that remember translations would differ. */
    if (v == NULL) {
        v = first_reaching(mm, addr);
        if (v != NULL && v->grows_down && addr >= v->limit) {
            set_bounds(mm, v, addr & ~GRAIN_MASK, v->end);
            mm->stats.growths++;
            if (v->prev != NULL)
                join_next(mm, v->prev);
        } else if (tide_mm_strict(mm)) {
            return 0;
        } else if ((rc = infer(mm, start, bytes, e)) < 0) {
            return rc;
        }
    }
    v = tide_mm_find(mm, addr);
    *prot = 0;
    *vma = v;
    for (v = tide_mm_overlap(mm, start, bytes); v != NULL && v->start <= start + (bytes - 1);
         v = v->next) {
        *prot |= v->prot;
        if (*vma == NULL)
            *vma = v;
    }
    if (!tide_mm_strict(mm))
        *prot = TIDE_PROT_ALL;
    *tide_mm_cache_slot(mm, start) = *vma;
    return 1;
}

/* ---- life ---- */

void tide_mm_init(struct tide_mm *mm, unsigned process, const struct tide_mm_hooks *hooks)
{
    *mm = (struct tide_mm){.process = process, .random_state = process};
    if (hooks != NULL)
        mm->hooks = *hooks;
}

void tide_mm_fini(struct tide_mm *mm)
{
    while (mm->first != NULL)
        free_vma(mm, mm->first);
}
