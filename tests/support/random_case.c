/* Random traces and machines: see random_case.h. */
#include "random_case.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, MAX_REGIONS = 24, PID = 4242 };

struct region {
    uint64_t start, pages;
    unsigned prot;
};

struct writer {
    struct tide_rng *r;
    char *text;
    size_t n, cap;
    struct region regions[MAX_REGIONS];
    size_t n_regions;
    uint64_t brk;
    uint64_t mmap_base;
};

static uint64_t below(struct writer *w, uint64_t n)
{
    return tide_rng_below(w->r, n);
}

static void put(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writer *w, const char *fmt, ...)
{
    va_list ap;

    if (w->n + 512 > w->cap) {
        w->cap = 2 * w->cap + 4096;
        w->text = realloc(w->text, w->cap);
        if (w->text == NULL)
            abort();
    }
    va_start(ap, fmt);
    w->n += (size_t)vsnprintf(w->text + w->n, w->cap - w->n, fmt, ap);
    va_end(ap);
}

static void add_region(struct writer *w, uint64_t start, uint64_t pages, unsigned prot)
{
    if (w->n_regions < MAX_REGIONS)
        w->regions[w->n_regions++] = (struct region){start, pages, prot};
}

static const char *prot_text(unsigned prot)
{
    static const char *const texts[8] = {"-----", "r----", "-w---", "rw---",
                                         "--x--", "r-x--", "-wx--", "rwx--"};

    return texts[prot & 7];
}

static void segment(struct writer *w, int i, const char *kind, uint64_t start, uint64_t pages,
                    unsigned prot, bool file)
{
    put(w, "--%d:1: aspacem %3d: %s %010" PRIx64 "-%010" PRIx64 " %7" PRIu64 " %s", PID, i, kind,
        start, start + pages * PAGE - 1, pages * PAGE, prot_text(prot));
    put(w, file ? " d=0xfe00 i=7 o=%" PRIu64 " (1,49)\n" : "\n", (start & 0xff000));
}

/* The regions of a dynamically linked program; told to the trace only if `tell`. */
static void layout(struct writer *w, bool tell)
{
    add_region(w, 0x108000, 3, TIDE_PROT_READ);
    add_region(w, 0x10b000, 8, TIDE_PROT_READ | TIDE_PROT_EXEC);
    add_region(w, 0x113000, 4, TIDE_PROT_READ | TIDE_PROT_WRITE);
    add_region(w, 0x4035000, 1, TIDE_PROT_READ | TIDE_PROT_WRITE | TIDE_PROT_EXEC); /* brk */
    add_region(w, 0x1ffefff000, 2, TIDE_PROT_READ | TIDE_PROT_WRITE);               /* stack */
    add_region(w, 0x1ffeff9000, 6, TIDE_PROT_READ | TIDE_PROT_WRITE); /* where it grows */
    w->brk = 0x4036000;
    w->mmap_base = 0x4835000;
    put(w, "==%d== Lackey, an example Valgrind tool\n==%d== Command: random\n==%d== \n", PID, PID,
        PID);
    if (!tell)
        return;
    put(w, "--%d:1: aspacem <<< SHOW_SEGMENTS: Memory layout at client startup (9 segments)\n",
        PID);
    put(w, "--%d:1: aspacem 1 segment names in 1 slots\n", PID);
    put(w, "--%d:1: aspacem freelist is empty\n", PID);
    put(w, "--%d:1: aspacem (1,49,7) /usr/bin/random\n", PID);
    put(w, "--%d:1: aspacem   0: RSVN 0000000000-0000107fff 1081344 ----- SmFixed\n", PID);
    segment(w, 1, "file", 0x108000, 3, 1, true);
    segment(w, 2, "file", 0x10b000, 8, 5, true);
    segment(w, 3, "file", 0x113000, 4, 3, true);
    segment(w, 4, "anon", 0x4035000, 1, 7, false);
    put(w, "--%d:1: aspacem   5: RSVN 0004036000-0004834fff 8384512 ----- SmLower\n", PID);
    put(w, "--%d:1: aspacem   6:      0004835000-1ffe800fff   1335m\n", PID);
    put(w, "--%d:1: aspacem   7: RSVN 1ffe801000-1ffeffefff 8380416 ----- SmUpper\n", PID);
    segment(w, 8, "anon", 0x1ffefff000, 2, 3, false);
    put(w, "--%d:1: aspacem >>>\n", PID);
}

static struct region *pick_region(struct writer *w)
{
    return &w->regions[below(w, w->n_regions)];
}

static void system_call(struct writer *w)
{
    struct region *g;
    uint64_t pages, start;

    switch (below(w, 8)) {
    case 0:
    case 1: /* mmap of anonymous memory or a file */
        pages = 1 + below(w, 12);
        start = w->mmap_base;
        w->mmap_base += (pages + below(w, 3)) * PAGE;
        put(w,
            "SYSCALL[%d,1](9) sys_mmap ( 0x0, %" PRIu64 ", 3, %d, %s, 0 ) --> [pre-success] "
            "Success(0x%" PRIx64 ") \n",
            PID, pages * PAGE - below(w, 100), below(w, 2) ? 34 : 2, "4294967295", start);
        add_region(w, start, pages, 3);
        break;
    case 2: /* mmap over the middle of something */
        g = pick_region(w);
        start = g->start + below(w, g->pages) * PAGE;
        put(w,
            "SYSCALL[%d,1](9) sys_mmap ( 0x%" PRIx64 ", 4096, 3, 50, 4294967295, 0 ) --> "
            "[pre-success] Success(0x%" PRIx64 ") \n",
            PID, start, start);
        break;
    case 3:
        g = pick_region(w);
        start = g->start + below(w, g->pages) * PAGE;
        put(w,
            "SYSCALL[%d,1](11) sys_munmap ( 0x%" PRIx64 ", %" PRIu64 " )[sync] --> Success(0x0) \n",
            PID, start, (1 + below(w, 3)) * PAGE);
        break;
    case 4:
        g = pick_region(w);
        start = g->start + below(w, g->pages) * PAGE;
        put(w,
            "SYSCALL[%d,1](10) sys_mprotect ( 0x%" PRIx64 ", %" PRIu64 ", %" PRIu64
            " )[sync] --> Success(0x0) \n",
            PID, start, (1 + below(w, 2)) * PAGE, below(w, 4) ? UINT64_C(3) : below(w, 8));
        break;
    case 5:
        w->brk = 0x4035000 + below(w, 10) * 3000;
        put(w,
            "SYSCALL[%d,1](12) sys_brk ( 0x%" PRIx64 " ) --> [pre-success] Success(0x%" PRIx64
            ") \n",
            PID, w->brk, w->brk);
        w->regions[3].pages = 1 + (w->brk - 0x4035000) / PAGE;
        break;
    case 6: /* mremap, moving or in place */
        g = pick_region(w);
        if (g->start < 0x4835000 || g->start >= 0x1000000000)
            break;
        pages = g->pages + below(w, 4);
        start = below(w, 2) ? w->mmap_base : g->start;
        if (start == w->mmap_base)
            w->mmap_base += (pages + 1) * PAGE;
        else
            pages = g->pages > 1 ? g->pages - 1 : 1;
        put(w,
            "SYSCALL[%d,1](25) sys_mremap ( 0x%" PRIx64 ", %" PRIu64 ", %" PRIu64
            ", 0x1, 0x0 ) --> [pre-success] Success(0x%" PRIx64 ") \n",
            PID, g->start, g->pages * PAGE, pages * PAGE, start);
        g->start = start;
        g->pages = pages;
        break;
    default:
        g = pick_region(w);
        put(w,
            "SYSCALL[%d,1](28) sys_madvise ( 0x%" PRIx64 ", %" PRIu64
            ", 4 )[sync] --> Success(0x0) \n",
            PID, g->start, (1 + below(w, g->pages)) * PAGE);
        break;
    }
}

static void access_line(struct writer *w, enum tide_kind kind, uint64_t addr, unsigned size)
{
    static const char *const starts[TIDE_KINDS] = {"I  ", " L ", " S ", " M "};

    put(w, "%s%08" PRIx64 ",%u\n", starts[kind], addr, size);
}

/* Somewhere in a region, close to `near` most of the time; sometimes across a page border. */
static uint64_t address(struct writer *w, const struct region *g, uint64_t near, unsigned *size)
{
    uint64_t bytes = g->pages * PAGE, at;

    *size = 1u << below(w, 5);
    if (near >= g->start && near < g->start + bytes && below(w, 4) > 0)
        at = near - g->start + below(w, 200);
    else
        at = below(w, bytes);
    if (below(w, 20) == 0 && *size > 1)
        at = at / PAGE * PAGE + PAGE - *size / 2; /* crosses */
    return g->start + at % bytes;
}

char *random_lackey(struct tide_rng *r, size_t accesses, size_t *n)
{
    struct writer w = {.r = r};
    bool with_layout, with_calls;
    uint64_t last[TIDE_KINDS] = {0};
    size_t done = 0;

    with_layout = tide_rng_below(r, 5) > 0;
    with_calls = tide_rng_below(r, 5) > 0;
    layout(&w, with_layout);
    if (with_layout && with_calls)
        put(&w, "SYSCALL[%d,1](12) sys_brk ( 0x0 ) --> [pre-success] Success(0x4036000) \n", PID);
    while (done < accesses) {
        struct region *code = &w.regions[below(&w, 8) > 0 ? 1 : below(&w, w.n_regions)];
        struct region *data = pick_region(&w);
        size_t phase = 1 + below(&w, 60), repeats = below(&w, 4) == 0 ? 1 + below(&w, 5) : 1;
        bool scan = below(&w, 3) == 0;

        if (with_calls && below(&w, 3) == 0)
            system_call(&w);
        for (size_t rep = 0; rep < repeats; rep++) {
            uint64_t at = data->start;

            for (size_t i = 0; i < phase && done < accesses; i++, done++) {
                enum tide_kind kind = (enum tide_kind)below(&w, TIDE_KINDS);
                unsigned size = 8;
                uint64_t addr;

                if (kind == TIDE_FETCH)
                    addr = address(&w, code, last[kind], &size);
                else if (scan)
                    addr = at += below(&w, 2) ? PAGE : 8;
                else
                    addr = address(&w, data, last[kind], &size);
                if (kind != TIDE_FETCH && below(&w, 60) == 0)
                    size = 1 + (unsigned)below(&w, 5 * PAGE);
                if (below(&w, 150) == 0)
                    addr = below(&w, 3) == 0 ? UINT64_C(1) << (40 + below(&w, 23)) : 0x1000 + addr;
                access_line(&w, kind, addr, size);
                last[kind] = addr;
            }
        }
        if (below(&w, 10) == 0)
            put(&w, "--%d:1:mallocfr newSuperblock at 0x1002001000\n", PID);
    }
    *n = w.n;
    return w.text;
}

/* ---- machines ---- */

static void add_array(struct tide_rng *r, struct tide_tlb_config *t, const char *name,
                      unsigned level, unsigned serves)
{
    struct tide_tlb_array_config *a = &t->arrays[t->n++];
    uint32_t ways = 1u << tide_rng_below(r, 5), sets = 1u << tide_rng_below(r, level == 1 ? 3 : 5);

    *a = (struct tide_tlb_array_config){.level = level, .serves = serves, .latency = level};
    a->kind = (enum tide_tlb_kind)tide_rng_below(r, TIDE_TLB_KINDS);
    if (a->kind != TIDE_TLB_plru && tide_rng_below(r, 2))
        ways += (uint32_t)tide_rng_below(r, 20);
    a->ways = ways;
    a->entries = ways * sets;
    snprintf(a->name, sizeof a->name, "%s", name);
}

static void random_tlb(struct tide_rng *r, struct tide_tlb_config *t)
{
    *t = (struct tide_tlb_config){.n = 0};
    switch (tide_rng_below(r, 8)) {
    case 0: /* none */
        return;
    case 1:
        add_array(r, t, "l1", 1, TIDE_TLB_FOR_FETCH | TIDE_TLB_FOR_DATA);
        break;
    case 2:
        add_array(r, t, "l1d", 1, TIDE_TLB_FOR_DATA);
        break;
    default:
        add_array(r, t, "l1i", 1, TIDE_TLB_FOR_FETCH);
        add_array(r, t, "l1d", 1, TIDE_TLB_FOR_DATA);
        break;
    }
    if (tide_rng_below(r, 3) > 0)
        add_array(r, t, "l2", 2,
                  t->n == 1 ? t->arrays[0].serves : TIDE_TLB_FOR_FETCH | TIDE_TLB_FOR_DATA);
}

static void random_pagetable(struct tide_rng *r, struct tide_machine_config *c)
{
    unsigned levels = 2 + (unsigned)tide_rng_below(r, 4), va_bits;

    tide_pagetable_defaults(&c->pagetable, levels, c->page_shift);
    if (tide_pagetable_check(&c->pagetable, c->page_shift, &va_bits, NULL) != 0)
        tide_pagetable_defaults(&c->pagetable, 4, c->page_shift);
    for (unsigned level = 2; level <= c->pagetable.levels; level++) {
        if (tide_rng_below(r, 3) == 0) {
            uint32_t sets = 1u << tide_rng_below(r, 2), ways = 1 + (uint32_t)tide_rng_below(r, 4);

            c->pagetable.walk_caches[c->pagetable.n_walk_caches++] =
                (struct tide_walk_cache_config){
                    .level = level, .entries = sets * ways, .ways = ways};
        }
    }
}

static void random_options(struct tide_rng *r, const struct tide_policy *policy, void *options)
{
    tide_options_defaults(policy->options, options);
    for (const struct tide_option *o = policy->options; o != NULL && o->name != NULL; o++) {
        char value[32];

        if (strcmp(o->name, "tick") == 0 || strcmp(o->name, "tau") == 0 ||
            strcmp(o->name, "t") == 0) {
            snprintf(value, sizeof value, "%d", 1 + (int)tide_rng_below(r, 200));
        } else if (o->type == TIDE_OPT_BOOL) {
            snprintf(value, sizeof value, "%s", tide_rng_below(r, 2) ? "yes" : "no");
        } else if (o->type == TIDE_OPT_CHOICE) {
            int n = 0;

            while (o->choices[n] != NULL)
                n++;
            snprintf(value, sizeof value, "%s", o->choices[tide_rng_below(r, (uint64_t)n)]);
        } else {
            continue;
        }
        if (tide_option_set(policy->options, options, policy->name, o->name, value, NULL) != 0)
            abort();
    }
}

void random_machine(struct tide_rng *r, const struct tide_policy *policy,
                    struct tide_machine_config *c)
{
    static const unsigned char shifts[] = {12, 12, 12, 12, 12, 14, 16, 21, 10};

    tide_machine_defaults(c);
    c->page_shift = shifts[tide_rng_below(r, sizeof shifts)];
    switch (policy->variable_space ? 1 : tide_rng_below(r, 4)) {
    case 0:
        c->by_memory = true;
        c->memory_bytes = UINT64_C(64) << (c->page_shift > 12 ? c->page_shift : 12);
        c->memory_bytes += tide_rng_below(r, 64) << c->page_shift;
        break;
    case 1:
        c->frames = (struct tide_amount){
            .is_share = true, .value = (1 + tide_rng_below(r, 100)) * (TIDE_SHARE_WHOLE / 100)};
        break;
    default:
        c->frames =
            (struct tide_amount){.value = 1 + tide_rng_below(r, tide_rng_below(r, 2) ? 8 : 40)};
        break;
    }
    c->policy = policy;
    random_options(r, policy, c->policy_options);
    c->references = tide_rng_below(r, 3) == 0 && !policy->variable_space ? TIDE_REFERENCES_COLLAPSED
                                                                         : TIDE_REFERENCES_EVERY;
    if (policy->observes <= TIDE_OBSERVES_BIT && tide_rng_below(r, 4) == 0) {
        c->observe = TIDE_OBSERVE_ACCESSED_BIT;
        c->flush_on_clear = tide_rng_below(r, 2);
    }
    random_tlb(r, &c->tlb);
    random_pagetable(r, c);
    c->page_cache_warm = tide_rng_below(r, 2);
    c->seed = tide_rng_next(r);
    if (tide_rng_below(r, 3) == 0)
        c->skip = tide_rng_below(r, 500);
    if (tide_rng_below(r, 3) == 0)
        c->warmup = tide_rng_below(r, 1000);
    if (tide_rng_below(r, 3) == 0)
        c->limit = 1 + tide_rng_below(r, 3000);
    if (tide_rng_below(r, 3) > 0)
        c->interval = 1 + tide_rng_below(r, 700);
}
