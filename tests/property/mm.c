/* space/mm against an array of pages: what each page is, what it holds, and how VMAs cover them. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "space/mm.h"

enum { PAGES = 96, PAGE = 4096, SEEDS = 400, STEPS = 300 };

static const uint64_t BASE = 0x7f0000000000;

/* One 4 KiB page of the naive space. */
struct page {
    bool mapped, shared, grows_down;
    uint8_t prot, segment;
    uint32_t file;
    uint64_t offset; /* bytes into the object */
    uint64_t limit;
    uint32_t content; /* 0: fresh */
};

struct world {
    struct tide_mm mm;
    struct page pages[PAGES];    /* from the meaning of events */
    uint32_t contents[PAGES];    /* from what the hooks tell */
    uint8_t told_prot[PAGES];    /* ditto: changes announced by protected_() */
    uint64_t brk_start, brk_end; /* bytes, 0: unknown */
    uint8_t brk_prot;
    bool layout;
    uint64_t live; /* kernel objects */
    uint32_t next_content;
    unsigned seed, step;
    bool out_of_objects; /* the next vma_alloc fails */
    uint64_t refused, failed;
};

static size_t index_of(uint64_t addr)
{
    cr_assert(addr >= BASE && addr <= BASE + PAGES * PAGE && addr % PAGE == 0);
    return (addr - BASE) / PAGE;
}

static int vma_alloc(void *context, uint64_t *object, struct tide_error *e)
{
    struct world *w = context;

    if (w->out_of_objects)
        return tide_nomem(e);
    *object = ++w->live;
    return 0;
}

static void vma_free(void *context, uint64_t object)
{
    struct world *w = context;

    cr_assert(object > 0 && w->live > 0);
    w->live--;
}

static void unmapped(void *context, unsigned process, uint64_t start, uint64_t end)
{
    struct world *w = context;

    cr_assert(process == 5 && start < end);
    for (size_t i = index_of(start); i < index_of(end); i++)
        w->contents[i] = 0;
    /* The hook sees the space without the range. */
    cr_assert_null(tide_mm_overlap(&w->mm, start, end - start), "seed %u step %u", w->seed,
                   w->step);
}

static void protected_(void *context, unsigned process, uint64_t start, uint64_t end)
{
    struct world *w = context;

    cr_assert(process == 5 && start < end);
    for (size_t i = index_of(start); i < index_of(end); i++)
        w->told_prot[i] = 1;
}

static void discarded(void *context, unsigned process, uint64_t start, uint64_t end)
{
    struct world *w = context;

    cr_assert(process == 5 && start < end);
    for (size_t i = index_of(start); i < index_of(end); i++)
        w->contents[i] = 0;
}

static void moved(void *context, unsigned process, uint64_t from, uint64_t to, uint64_t len)
{
    struct world *w = context;
    size_t n = len / PAGE, a = index_of(from), b = index_of(to);

    cr_assert(process == 5 && n > 0);
    for (size_t i = 0; i < n; i++) {
        w->contents[b + i] = w->contents[a + i];
        w->contents[a + i] = 0;
    }
}

/* ---- the tree ---- */

static size_t check_tree(const struct tide_vma *v, const struct tide_vma *parent,
                         const struct tide_vma **last)
{
    size_t n = 1;

    if (v == NULL)
        return 0;
    cr_assert(v->parent == parent && (parent == NULL || parent->priority >= v->priority));
    n += check_tree(v->left, v, last);
    cr_assert(v->prev == *last && (*last == NULL || (*last)->next == v));
    *last = v;
    return n + check_tree(v->right, v, last);
}

static bool same(const struct page *a, const struct page *b)
{
    if (!a->mapped || !b->mapped)
        return a->mapped == b->mapped;
    return a->prot == b->prot && a->segment == b->segment && a->file == b->file &&
           a->shared == b->shared && a->grows_down == b->grows_down && a->limit == b->limit &&
           (a->file == 0 && !a->shared ? true : a->offset + PAGE == b->offset);
}

static void compare(struct world *w)
{
    const struct tide_mm *mm = &w->mm;
    const struct tide_vma *v, *last = NULL;
    uint64_t vsz = 0;

    cr_assert_eq(check_tree(mm->root, NULL, &last), mm->count, "seed %u step %u", w->seed, w->step);
    cr_assert_eq(last, mm->last);
    cr_assert_eq(w->live, mm->count, "seed %u step %u: objects", w->seed, w->step);
    v = mm->first;
    for (size_t i = 0; i < PAGES; i++) {
        const struct page *p = &w->pages[i];
        uint64_t addr = BASE + i * PAGE;

        cr_assert_eq(w->contents[i], p->content, "seed %u step %u page %zu", w->seed, w->step, i);
        cr_assert_eq(tide_mm_find(mm, addr + 17) != NULL, p->mapped, "seed %u step %u page %zu",
                     w->seed, w->step, i);
        if (!p->mapped)
            continue;
        vsz += PAGE;
        cr_assert_not_null(v, "seed %u step %u page %zu", w->seed, w->step, i);
        cr_assert_eq(tide_mm_find(mm, addr), v, "seed %u step %u page %zu", w->seed, w->step, i);
        cr_assert(v->prot == p->prot && v->segment == p->segment && v->file == p->file &&
                      v->shared == p->shared && v->grows_down == p->grows_down &&
                      v->limit == p->limit,
                  "seed %u step %u page %zu", w->seed, w->step, i);
        cr_assert_eq(v->offset + (p->file != 0 || p->shared ? addr - v->start : 0), p->offset,
                     "seed %u step %u page %zu", w->seed, w->step, i);
        /* VMAs are maximal: one ends exactly where the next page does not continue it. */
        if (i + 1 == PAGES || !w->pages[i + 1].mapped || !same(p, &w->pages[i + 1])) {
            cr_assert_eq(v->end, addr + PAGE, "seed %u step %u page %zu", w->seed, w->step, i);
            v = v->next;
        }
    }
    cr_assert_null(v, "seed %u step %u", w->seed, w->step);
    cr_assert_eq(mm->vsz_bytes, vsz, "seed %u step %u", w->seed, w->step);
    cr_assert(mm->has_layout == w->layout);
    cr_assert(mm->brk_start == w->brk_start && mm->brk_end == w->brk_end, "seed %u step %u",
              w->seed, w->step);
}

/* ---- the meaning of events, page by page ---- */

static void clear(struct world *w, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        w->pages[i] = (struct page){0};
}

static enum tide_segment segment(uint32_t file, unsigned prot, unsigned flags)
{
    bool layout = flags & TIDE_MAP_FROM_LAYOUT;

    if (file == 0)
        return layout ? TIDE_SEG_BSS : TIDE_SEG_MMAP;
    if (!layout && (flags & TIDE_MAP_SHARED))
        return TIDE_SEG_FILE;
    return prot & TIDE_PROT_EXEC ? TIDE_SEG_TEXT : TIDE_SEG_DATA;
}

static void model_map(struct world *w, const struct tide_event *ev, size_t from, size_t to)
{
    bool shared = ev->flags & TIDE_MAP_SHARED;

    clear(w, from, to);
    for (size_t i = from; i < to; i++) {
        w->pages[i] = (struct page){.mapped = true,
                                    .shared = shared,
                                    .prot = (uint8_t)ev->prot,
                                    .segment = (uint8_t)segment(ev->file, ev->prot, ev->flags),
                                    .file = ev->file};
        if (ev->file != 0 || shared)
            w->pages[i].offset = (ev->file != 0 ? ev->offset : 0) + (i - from) * PAGE;
    }
}

static void model_protect(struct world *w, size_t from, size_t to, uint8_t prot)
{
    for (size_t i = from; i < to; i++) {
        if (!w->pages[i].mapped)
            continue;
        cr_assert(w->pages[i].prot == prot || w->told_prot[i] == 1,
                  "seed %u step %u page %zu: change not told", w->seed, w->step, i);
        w->pages[i].prot = prot;
    }
}

static void model_remap(struct world *w, size_t from, size_t n, size_t to, size_t new_n)
{
    struct page tail = w->pages[from + n - 1], old[PAGES];
    size_t kept = n < new_n ? n : new_n;

    if (from != to) {
        clear(w, to, to + new_n);
        memcpy(old, w->pages, sizeof old);
        clear(w, from, from + n);
        for (size_t i = 0; i < kept; i++) {
            w->pages[to + i] = old[from + i];
            w->pages[to + i].grows_down = false;
            w->pages[to + i].limit = 0;
        }
        tail.grows_down = false;
        tail.limit = 0;
    } else if (new_n < n) {
        clear(w, from + new_n, from + n);
    } else {
        clear(w, from + n, from + new_n);
    }
    for (size_t i = n; i < new_n && tail.mapped; i++) {
        w->pages[to + i] = tail;
        w->pages[to + i].content = 0;
        if (tail.file != 0 || tail.shared)
            w->pages[to + i].offset = tail.offset + (i - n + 1) * PAGE;
    }
}

static void model_brk(struct world *w, uint64_t addr)
{
    uint64_t end = (addr + PAGE - 1) / PAGE * PAGE;
    uint64_t old = (w->brk_end + PAGE - 1) / PAGE * PAGE;

    if (w->brk_start == 0) {
        w->brk_start = addr;
        old = end;
        w->brk_prot = TIDE_PROT_READ | TIDE_PROT_WRITE;
    }
    if (addr < w->brk_start)
        w->brk_start = addr;
    w->brk_end = addr;
    if (end < old)
        clear(w, index_of(end), index_of(old));
    for (uint64_t a = old; a < end; a += PAGE)
        w->pages[index_of(a)] =
            (struct page){.mapped = true, .prot = w->brk_prot, .segment = TIDE_SEG_HEAP};
}

/* The VMA of a page, as a range of pages. */
static void extent(const struct world *w, size_t i, size_t *from, size_t *to)
{
    for (*from = i;
         *from > 0 && w->pages[*from - 1].mapped && same(&w->pages[*from - 1], &w->pages[*from]);
         --*from)
        ;
    for (*to = i + 1;
         *to < PAGES && w->pages[*to].mapped && same(&w->pages[*to - 1], &w->pages[*to]); ++*to)
        ;
}

/* ---- a random event: made, applied to both ---- */

static struct tide_event random_event(const struct world *w, struct tide_rng *r, size_t *from,
                                      size_t *to)
{
    static const uint8_t types[] = {TIDE_EV_MAP,     TIDE_EV_MAP,     TIDE_EV_MAP,    TIDE_EV_UNMAP,
                                    TIDE_EV_PROTECT, TIDE_EV_PROTECT, TIDE_EV_REMAP,  TIDE_EV_BRK,
                                    TIDE_EV_STACK,   TIDE_EV_HEAP,    TIDE_EV_MADVISE};
    size_t n = 1 + tide_rng_below(r, 1 + tide_rng_below(r, 24));
    size_t new_n = 1 + tide_rng_below(r, 12);
    struct tide_event ev = {.type = types[tide_rng_below(r, sizeof types)]};

    *from = tide_rng_below(r, PAGES - n);
    *to = *from + n;
    ev.addr = BASE + *from * PAGE;
    ev.len = n * PAGE - tide_rng_below(r, PAGE); /* to be rounded up */
    ev.prot = (uint32_t)tide_rng_below(r, 8);
    ev.file = (uint32_t)tide_rng_below(r, 3);
    ev.flags = (uint8_t)(tide_rng_below(r, 4) == 0 ? TIDE_MAP_SHARED : 0);
    if (tide_rng_below(r, 100) == 0)
        ev.flags |= TIDE_MAP_FROM_LAYOUT;
    /* Offsets that often continue each other. */
    ev.offset = (*from + 5 * tide_rng_below(r, 2)) * PAGE;
    ev.number = tide_rng_below(r, 2) ? 4 : 8;
    ev.new_addr = tide_rng_below(r, 2) ? ev.addr : BASE + tide_rng_below(r, PAGES) * PAGE;
    ev.new_len = new_n * PAGE - tide_rng_below(r, PAGE);
    if (ev.new_addr + new_n * PAGE > BASE + PAGES * PAGE)
        ev.new_addr = BASE;
    if (ev.type == TIDE_EV_STACK && w->pages[*from].mapped) { /* mostly a good one */
        size_t start;

        extent(w, *from, &start, to);
        *from = start - tide_rng_below(r, 1 + start);
        ev.addr = BASE + *from * PAGE;
        ev.len = (*to - *from) * PAGE;
    }
    if (ev.type == TIDE_EV_BRK)
        ev.addr += tide_rng_below(r, PAGE);
    return ev;
}

/* Whether an event is one that must be refused. */
static bool impossible(const struct world *w, const struct tide_event *ev, size_t from, size_t to)
{
    const struct page *p = &w->pages[from];
    size_t a, b;

    switch ((enum tide_event_type)ev->type) {
    case TIDE_EV_REMAP:
        return ev->new_addr != ev->addr && index_of(ev->new_addr) < to &&
               from < index_of(ev->new_addr) + (ev->new_len + PAGE - 1) / PAGE;
    case TIDE_EV_BRK:
        return w->layout && w->brk_start != 0 && ev->addr < w->brk_start;
    case TIDE_EV_HEAP:
        return p->mapped && (p->file != 0 || p->shared);
    case TIDE_EV_STACK:
        if (!w->pages[to - 1].mapped)
            return true;
        extent(w, to - 1, &a, &b);
        return b != to;
    default:
        return false;
    }
}

static void model(struct world *w, const struct tide_event *ev, size_t from, size_t to)
{
    size_t a, b;

    switch ((enum tide_event_type)ev->type) {
    case TIDE_EV_MAP:
        model_map(w, ev, from, to);
        break;
    case TIDE_EV_UNMAP:
        clear(w, from, to);
        break;
    case TIDE_EV_PROTECT:
        model_protect(w, from, to, (uint8_t)ev->prot);
        break;
    case TIDE_EV_REMAP:
        model_remap(w, from, to - from, index_of(ev->new_addr), (ev->new_len + PAGE - 1) / PAGE);
        break;
    case TIDE_EV_BRK:
        model_brk(w, ev->addr);
        break;
    case TIDE_EV_HEAP:
        w->brk_start = w->brk_end = ev->addr;
        w->brk_prot = TIDE_PROT_READ | TIDE_PROT_WRITE;
        if (!w->pages[from].mapped)
            break;
        extent(w, from, &a, &b);
        w->brk_end = BASE + b * PAGE;
        w->brk_prot = w->pages[from].prot;
        for (size_t i = from; i < b; i++)
            w->pages[i].segment = TIDE_SEG_HEAP;
        break;
    case TIDE_EV_STACK:
        extent(w, to - 1, &a, &b);
        for (size_t i = a; i < b; i++) {
            w->pages[i].segment = TIDE_SEG_STACK;
            w->pages[i].grows_down = true;
            w->pages[i].limit = ev->addr;
        }
        break;
    case TIDE_EV_MADVISE:
        for (size_t i = from; i < to; i++)
            if (ev->number == 4)
                w->pages[i].content = 0;
        break;
    default:
        cr_assert_fail("not made");
    }
    if (ev->type == TIDE_EV_MAP && (ev->flags & TIDE_MAP_FROM_LAYOUT))
        w->layout = true;
}

static void do_event(struct world *w, struct tide_rng *r)
{
    size_t from, to;
    struct tide_event ev = random_event(w, r, &from, &to);
    struct tide_error e = {0};
    bool refuse = impossible(w, &ev, from, to), was_strict = w->layout;
    int rc;

    memset(w->told_prot, 0, sizeof w->told_prot);
    rc = tide_mm_event(&w->mm, &ev, &e);
    cr_assert_eq(rc, refuse ? TIDE_E_TRACE : 0, "seed %u step %u type %u: %d %s", w->seed, w->step,
                 ev.type, rc, e.what);
    if (refuse) {
        w->refused++;
        return;
    }
    model(w, &ev, from, to);
    for (size_t i = 0; i < PAGES && !was_strict && w->layout; i++)
        cr_assert_eq(w->told_prot[i] == 1, w->pages[i].mapped, "seed %u step %u page %zu", w->seed,
                     w->step, i);
}

/* Whether a page of [from, to) is mapped, and the union of their permissions. */
static bool any_mapped(const struct world *w, size_t from, size_t to, unsigned *prot)
{
    bool any = false;

    *prot = 0;
    for (size_t i = from; i < to && i < PAGES; i++)
        if (w->pages[i].mapped) {
            any = true;
            *prot |= w->pages[i].prot;
        }
    return any;
}

/* A touch at page i of a machine page that spans pages first..last. */
static void model_touch(struct world *w, size_t i, size_t first, size_t last)
{
    size_t above = i, below = first;

    for (size_t k = first; k <= last; k++)
        if (w->pages[k].mapped)
            return;
    while (above < PAGES && !w->pages[above].mapped)
        above++;
    while (below > 0 && !w->pages[below - 1].mapped)
        below--; /* pages below..i are free */
    if (above < PAGES && w->pages[above].grows_down && BASE + i * PAGE >= w->pages[above].limit) {
        for (size_t k = i; k < above; k++) {
            w->pages[k] = w->pages[above];
            w->pages[k].content = 0;
            if (w->pages[above].file != 0 || w->pages[above].shared)
                w->pages[k].offset -= (above - k) * PAGE;
        }
    } else if (w->layout) {
        return;
    } else if (below > 0 && w->pages[below - 1].segment == TIDE_SEG_INFERRED &&
               (first - below) * PAGE <= TIDE_INFER_GAP) {
        for (size_t k = below; k <= last; k++) {
            w->pages[k] = w->pages[below - 1];
            w->pages[k].content = 0;
        }
    } else if (above < PAGES && w->pages[above].segment == TIDE_SEG_INFERRED &&
               (above - last - 1) * PAGE <= TIDE_INFER_GAP) {
        for (size_t k = first; k < above; k++) {
            w->pages[k] = w->pages[above];
            w->pages[k].content = 0;
        }
    } else {
        for (size_t k = first; k <= last; k++)
            w->pages[k] =
                (struct page){.mapped = true, .prot = TIDE_PROT_ALL, .segment = TIDE_SEG_INFERRED};
    }
}

static void do_touch(struct world *w, struct tide_rng *r)
{
    unsigned shift = 6 + (unsigned)tide_rng_below(r, 12); /* 64 B to 128 KiB */
    uint64_t bytes = UINT64_C(1) << shift;
    uint64_t addr = BASE + tide_rng_below(r, PAGES * PAGE);
    uint64_t start = addr & ~(bytes - 1);
    size_t i = (addr - BASE) / PAGE;
    unsigned prot = 0, want;
    struct tide_vma *v = NULL;
    bool found;
    int rc = tide_mm_touch(&w->mm, start, bytes, addr, &prot, &v, NULL);

    model_touch(w, i, (start - BASE) / PAGE, (start + bytes - 1 - BASE) / PAGE);
    found = any_mapped(w, (start - BASE) / PAGE, (start + bytes - 1 - BASE) / PAGE + 1, &want);
    cr_assert_eq(rc, found, "seed %u step %u page %zu", w->seed, w->step, i);
    if (!found)
        return;
    cr_assert_eq(prot, w->layout ? want : TIDE_PROT_ALL, "seed %u step %u page %zu", w->seed,
                 w->step, i);
    cr_assert(v == tide_mm_find(&w->mm, addr) ||
                  (!w->pages[i].mapped && v == tide_mm_overlap(&w->mm, start, bytes)),
              "seed %u step %u page %zu", w->seed, w->step, i);
    if (w->pages[i].mapped) /* something is written there */
        w->contents[i] = w->pages[i].content = ++w->next_content;
}

static void start(struct world *w, unsigned seed)
{
    struct tide_mm_hooks hooks = {.context = w,
                                  .vma_alloc = vma_alloc,
                                  .vma_free = vma_free,
                                  .unmapped = unmapped,
                                  .protected_ = protected_,
                                  .discarded = discarded,
                                  .moved = moved};

    memset(w, 0, sizeof *w);
    w->seed = seed;
    tide_mm_init(&w->mm, 5, &hooks);
}

Test(mm, equals_an_array_of_pages)
{
    struct world *w = malloc(sizeof *w);
    uint64_t refused = 0, splits = 0, merges = 0, growths = 0, inferred = 0, remaps = 0;
    unsigned strict = 0;

    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct tide_rng r;

        tide_rng_init(&r, seed, "mm");
        start(w, seed);
        for (w->step = 1; w->step <= STEPS; w->step++) {
            if (tide_rng_below(&r, 3) == 0)
                do_touch(w, &r);
            else
                do_event(w, &r);
            compare(w);
        }
        refused += w->refused;
        splits += w->mm.stats.splits;
        merges += w->mm.stats.merges;
        growths += w->mm.stats.growths;
        inferred += w->mm.stats.inferred;
        remaps += w->mm.stats.remaps;
        strict += tide_mm_strict(&w->mm);
        tide_mm_fini(&w->mm);
        cr_assert_eq(w->live, 0, "seed %u", seed);
    }
    free(w);
    /* The walk went through all paths. */
    cr_expect(refused > 100 && splits > 1000 && merges > 1000 && growths > 100 && inferred > 100 &&
                  remaps > 1000,
              "refused %" PRIu64 " splits %" PRIu64 " merges %" PRIu64 " growths %" PRIu64
              " inferred %" PRIu64 " remaps %" PRIu64,
              refused, splits, merges, growths, inferred, remaps);
    cr_expect(strict > 100 && strict < SEEDS, "%u of %d strict", strict, SEEDS);
}

/* The n-th allocation fails, of the host's memory or of the machine's objects: the space stays
 * consistent, can be used on and ended, and no object is lost. */
Test(mm, stays_valid_when_memory_runs_out)
{
    struct world *w = malloc(sizeof *w);
    uint64_t failures = 0;

    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct tide_rng r;

        tide_rng_init(&r, seed, "mm without memory");
        start(w, seed);
        for (w->step = 1; w->step <= STEPS; w->step++) {
            size_t from, to;
            struct tide_event ev = random_event(w, &r, &from, &to);
            struct tide_error e = {0};
            const struct tide_vma *last = NULL, *v;
            uint64_t vsz = 0;
            int rc;

            if (tide_rng_below(&r, 2) == 0)
                tide_mem_fail_after(1 + (long)tide_rng_below(&r, 3));
            else
                w->out_of_objects = tide_rng_below(&r, 2) == 0;
            rc = tide_mm_event(&w->mm, &ev, &e);
            tide_mem_fail_after(0);
            w->out_of_objects = false;
            cr_assert(rc == 0 || rc == TIDE_E_NOMEM || rc == TIDE_E_TRACE);
            failures += rc == TIDE_E_NOMEM;
            cr_assert_eq(check_tree(w->mm.root, NULL, &last), w->mm.count, "seed %u step %u", seed,
                         w->step);
            cr_assert_eq(w->live, w->mm.count, "seed %u step %u", seed, w->step);
            tide_vma_for_each (v, &w->mm) {
                cr_assert(v->start < v->end && (v->next == NULL || v->end <= v->next->start),
                          "seed %u step %u", seed, w->step);
                vsz += v->end - v->start;
            }
            cr_assert_eq(vsz, w->mm.vsz_bytes, "seed %u step %u", seed, w->step);
        }
        tide_mm_fini(&w->mm);
        cr_assert_eq(w->live, 0, "seed %u", seed);
    }
    free(w);
    cr_expect_gt(failures, 1000);
}
