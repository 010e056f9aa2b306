/* pagetable/: worked walks, walk caches, freeing, geometry. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/mem.h"
#include "pagetable/pagetable.h"

/* Simulated memory that hands out ascending frame numbers and refuses when told to. */
struct memory {
    uint32_t next;
    uint64_t bytes; /* handed out */
    int blocks;
    int refuse_after; /* allocations; 0: never */
};

static int take(void *context, uint64_t bytes, tide_pfn *pfn, struct tide_error *e)
{
    struct memory *m = context;

    if (m->refuse_after > 0 && --m->refuse_after == 0)
        return tide_fail(e, TIDE_E_RUN, "no simulated memory");
    pfn->v = m->next++;
    m->bytes += bytes;
    m->blocks++;
    return 0;
}

static void give(void *context, uint64_t bytes, tide_pfn pfn)
{
    struct memory *m = context;

    cr_expect_lt(pfn.v, m->next);
    m->bytes -= bytes;
    m->blocks--;
}

static void init(struct tide_pagetable *pt, const struct tide_pagetable_config *c, struct memory *m)
{
    struct tide_pagetable_source source = {.context = m, .alloc = take, .free = give};

    *m = (struct memory){0};
    cr_assert_eq(tide_pagetable_init(pt, c, &source, NULL), 0);
}

static void set(struct tide_pagetable *pt, uint64_t page, uint64_t pte)
{
    uint64_t *place;

    cr_assert_eq(tide_pagetable_ensure(pt, (tide_page){page}, &place, NULL), 0);
    *place = pte;
}

static uint64_t refs(struct tide_pagetable *pt, uint64_t page)
{
    uint64_t before = pt->stats.walk_refs;

    tide_pagetable_walk(pt, (tide_page){page});
    return pt->stats.walk_refs - before;
}

static uint64_t vpn4(uint64_t l4, uint64_t l3, uint64_t l2, uint64_t l1)
{
    return l4 << 27 | l3 << 18 | l2 << 9 | l1;
}

/* Virtual address 0x7f12_3456_7abc: indices 254, 72, 418, 359 (9 bits each), offset 0xabc. */
Test(pagetable, a_walk_of_four_levels)
{
    struct tide_pagetable_config c;
    struct tide_pagetable pt;
    struct memory m;
    uint64_t vpn = UINT64_C(0x7f1234567abc) >> 12, *pte;
    struct tide_error e;
    unsigned va_bits;

    tide_pagetable_defaults(&c, 4, 12);
    cr_assert_eq(tide_pagetable_check(&c, 12, &va_bits, &e), 0);
    cr_assert_eq(va_bits, 48);
    cr_assert_eq(vpn, vpn4(254, 72, 418, 359));
    init(&pt, &c, &m);
    cr_expect_null(tide_pagetable_walk(&pt, (tide_page){vpn}));
    cr_expect_eq(pt.stats.walk_refs, 1, "the root's entry is read, and is not present");

    set(&pt, vpn, UINT64_C(0x42) << 32 | TIDE_PTE_PRESENT);
    cr_expect_eq(pt.stats.tables, 4);
    cr_expect_eq(pt.stats.table_bytes, 4 * 4096);
    cr_expect_eq(m.bytes, 4 * 4096);
    pte = tide_pagetable_find(&pt, (tide_page){vpn});
    cr_assert_not_null(pte);
    cr_expect_eq(*pte & TIDE_PTE_ACCESSED, 0, "the kernel's look-up sets nothing");
    pte = tide_pagetable_walk(&pt, (tide_page){vpn});
    cr_assert_not_null(pte);
    cr_expect_eq(*pte, UINT64_C(0x42) << 32 | TIDE_PTE_PRESENT | TIDE_PTE_ACCESSED);
    cr_expect_eq(pt.stats.walk_refs, 1 + 4);

    cr_expect_eq(refs(&pt, vpn4(254, 72, 418, 360)), 4, "same leaf table, PTE not present");
    cr_expect_eq(refs(&pt, vpn4(254, 72, 419, 359)), 3, "no leaf table");
    cr_expect_eq(refs(&pt, vpn4(254, 73, 418, 359)), 2);
    cr_expect_eq(refs(&pt, vpn4(255, 72, 418, 359)), 1);
    cr_expect_eq(refs(&pt, vpn | UINT64_C(1) << TIDE_VPN_BITS), 1, "another process");
    cr_expect_eq(pt.stats.walks, 7);

    set(&pt, vpn4(254, 72, 419, 0), TIDE_PTE_EVICTED);
    cr_expect_eq(pt.stats.tables, 5, "one more leaf");
    pte = tide_pagetable_walk(&pt, (tide_page){vpn4(254, 72, 419, 0)});
    cr_assert_not_null(pte, "evicted is not zero");
    cr_expect_eq(*pte, TIDE_PTE_EVICTED, "and not accessed");

    tide_pagetable_clear(&pt, (tide_page){vpn});
    cr_expect_eq(pt.stats.tables, 4);
    cr_expect_null(tide_pagetable_find(&pt, (tide_page){vpn}));
    tide_pagetable_clear(&pt, (tide_page){vpn}); /* nothing there: nothing happens */
    tide_pagetable_clear(&pt, (tide_page){vpn4(254, 72, 419, 1)});
    cr_expect_eq(pt.stats.tables, 4);
    tide_pagetable_clear(&pt, (tide_page){vpn4(254, 72, 419, 0)});
    cr_expect_eq(pt.stats.tables, 0);
    cr_expect_eq(pt.stats.table_bytes, 0);
    cr_expect_eq(pt.stats.tables_peak, 5);
    cr_expect_eq(m.blocks, 0, "all memory is given back");
    tide_pagetable_zero_stats(&pt);
    cr_expect_eq(pt.stats.walks, 0);
    cr_expect_eq(pt.stats.tables_peak, 5);
    tide_pagetable_fini(&pt);
}

/* CS:APP 3e, figure 9.20(b): the first 16 PTEs of the example memory system, here in two levels of
 * 4 bits each. */
Test(pagetable, csapp_example_memory_system)
{
    static const int ppn[16] = {0x28, -1,   0x33, 0x02, -1, 0x16, -1,   -1,
                                0x13, 0x17, 0x09, -1,   -1, 0x2d, 0x11, 0x0d};
    struct tide_geometry g = {.page_shift = 6, .va_bits = 14};
    struct tide_pagetable_config c = {.levels = 2, .bits = {0, 4, 4}, .entry_bytes = 4};
    struct tide_pagetable pt;
    struct memory m;
    unsigned va_bits;
    uint64_t *pte;

    cr_assert_eq(tide_pagetable_check(&c, 6, &va_bits, NULL), 0);
    cr_assert_eq(va_bits, 14);
    init(&pt, &c, &m);
    for (uint64_t vpn = 0; vpn < 16; vpn++)
        if (ppn[vpn] >= 0)
            set(&pt, vpn, (uint64_t)ppn[vpn] << 32 | TIDE_PTE_PRESENT);
    cr_expect_eq(pt.stats.table_bytes, 2 * 64);
    pte = tide_pagetable_walk(&pt, tide_page_of(g, 0, 0x3d4));
    cr_assert_not_null(pte);
    cr_expect_eq(tide_pte_frame(*pte) << 6 | (0x3d4 & 63), 0x354);
    for (uint64_t vpn = 0; vpn < 16; vpn++) {
        pte = tide_pagetable_find(&pt, (tide_page){vpn});
        cr_expect_eq(pte == NULL ? -1 : (int)tide_pte_frame(*pte), ppn[vpn]);
    }
    tide_pagetable_fini(&pt);
    cr_expect_eq(m.blocks, 0);
}

/* ChampSim's sizes: 1x2, 1x4, 2x4 and 4x8 (sets x ways) for the entries of levels 5, 4, 3 and 2.
 * The leaf tables 0, 4, 8, ... 32 fall into set 0 of the level-2 cache, which has 8 ways. */
Test(pagetable, walk_caches_by_hand)
{
    struct tide_pagetable_config c;
    struct tide_pagetable pt;
    struct memory m;
    struct tide_error e;
    unsigned va_bits;

    tide_pagetable_defaults(&c, 5, 12);
    c.n_walk_caches = 4;
    c.walk_caches[0] = (struct tide_walk_cache_config){.level = 5, .entries = 2, .ways = 2};
    c.walk_caches[1] = (struct tide_walk_cache_config){.level = 4, .entries = 4, .ways = 4};
    c.walk_caches[2] = (struct tide_walk_cache_config){.level = 3, .entries = 8, .ways = 4};
    c.walk_caches[3] = (struct tide_walk_cache_config){.level = 2, .entries = 32, .ways = 8};
    cr_assert_eq(tide_pagetable_check(&c, 12, &va_bits, &e), 0, "%s", e.what);
    cr_assert_eq(va_bits, 57);
    init(&pt, &c, &m);
    for (uint64_t leaf = 0; leaf <= 36; leaf += 4)
        set(&pt, leaf << 9, TIDE_PTE_PRESENT);

    cr_expect_eq(refs(&pt, 0), 5, "all caches are empty");
    cr_expect_eq(refs(&pt, 0), 1, "the level-2 cache knows the leaf table");
    cr_expect_eq(refs(&pt, 1), 1, "a PTE that is not present is read too");
    for (uint64_t leaf = 4; leaf <= 28; leaf += 4)
        cr_expect_eq(refs(&pt, leaf << 9), 2, "the level-3 cache knows the level-2 table");
    cr_expect_eq(refs(&pt, 0), 1, "eight ways hold 0 .. 28; 0 is the newest now");
    cr_expect_eq(refs(&pt, 32 << 9), 2, "takes the place of 4");
    cr_expect_eq(refs(&pt, 0), 1);
    cr_expect_eq(refs(&pt, 4 << 9), 2, "takes the place of 8");
    cr_expect_eq(refs(&pt, 12 << 9), 1);
    cr_expect_eq(pt.stats.walks, 15);
    for (unsigned level = 2; level <= 5; level++)
        cr_expect_eq(pt.stats.walk_cache_lookups[level], 15);
    for (unsigned level = 3; level <= 5; level++)
        cr_expect_eq(pt.stats.walk_cache_hits[level], 14);
    cr_expect_eq(pt.stats.walk_cache_hits[2], 5);

    /* the leaf table goes, and with it the cached pointer to it */
    tide_pagetable_clear(&pt, (tide_page){12 << 9});
    cr_expect_eq(refs(&pt, 12 << 9), 1, "level 2 is read: not present");
    cr_expect_eq(pt.stats.walk_cache_hits[2], 5);
    set(&pt, 12 << 9, TIDE_PTE_PRESENT);
    cr_expect_eq(refs(&pt, 12 << 9), 2, "a non-present entry was not cached");

    /* the caches know processes apart */
    set(&pt, UINT64_C(1) << TIDE_VPN_BITS, TIDE_PTE_PRESENT);
    cr_expect_eq(refs(&pt, UINT64_C(1) << TIDE_VPN_BITS), 5);
    tide_pagetable_fini(&pt);
    cr_expect_eq(m.blocks, 0);
}

struct list {
    uint64_t pages[8];
    size_t n;
};

static void append(void *context, tide_page page, uint64_t *pte)
{
    struct list *l = context;

    cr_assert_lt(l->n, 8);
    l->pages[l->n++] = page.v;
    *pte |= TIDE_PTE_DIRTY;
}

Test(pagetable, ranges_ascend_and_have_both_ends)
{
    static const uint64_t pages[] = {3, 511, 512, 1000000, (UINT64_C(1) << 36) - 1};
    static const struct {
        uint64_t first, last;
        size_t from, n; /* in pages */
    } cases[] = {{0, (UINT64_C(1) << 36) - 1, 0, 5},
                 {3, 512, 0, 3},
                 {4, 511, 1, 1},
                 {513, 999999, 3, 0},
                 {512, 1000000, 2, 2},
                 {UINT64_C(1) << 36, UINT64_C(1) << 40, 0, 0}};
    struct tide_pagetable_config c;
    struct tide_pagetable pt;
    struct memory m;

    tide_pagetable_defaults(&c, 4, 12);
    init(&pt, &c, &m);
    for (size_t i = 5; i-- > 0;)
        set(&pt, pages[i], TIDE_PTE_PRESENT);
    set(&pt, 4, 0); /* a place without a PTE is not visited */
    set(&pt, 5 | UINT64_C(1) << TIDE_VPN_BITS, TIDE_PTE_PRESENT);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct list l = {0};

        tide_pagetable_for_range(&pt, (tide_page){cases[i].first}, (tide_page){cases[i].last},
                                 append, &l);
        cr_expect_eq(l.n, cases[i].n, "case %zu", i);
        cr_expect_eq(memcmp(l.pages, pages + cases[i].from, cases[i].n * sizeof *pages), 0,
                     "case %zu", i);
    }
    cr_expect_eq(*tide_pagetable_find(&pt, (tide_page){3}), TIDE_PTE_PRESENT | TIDE_PTE_DIRTY);
    tide_pagetable_fini(&pt);
}

Test(pagetable, default_geometries)
{
    static const struct {
        unsigned levels, page_shift;
        unsigned want[TIDE_PT_MAX_LEVELS + 1]; /* levels, then bits from level 1 */
        unsigned va_bits;
    } cases[] = {
        {4, 12, {4, 9, 9, 9, 9}, 48},    {5, 12, {5, 9, 9, 9, 9, 9}, 57},
        {4, 21, {3, 9, 9, 9}, 48},       {5, 21, {4, 9, 9, 9, 9}, 57},
        {4, 30, {2, 9, 9}, 48},          {3, 30, {2, 9, 9}, 48},
        {2, 21, {2, 9, 9}, 39},          {2, 12, {2, 9, 9}, 30},
        {4, 14, {4, 9, 9, 9, 9}, 50},    {5, 14, {5, 9, 9, 9, 9, 7}, 57},
        {4, 16, {4, 9, 9, 9, 9}, 52},    {5, 16, {5, 9, 9, 9, 9, 5}, 57},
        {5, 29, {5, 9, 9, 8, 1, 1}, 57},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tide_pagetable_config c;
        struct tide_error e;
        unsigned va_bits;

        tide_pagetable_defaults(&c, cases[i].levels, cases[i].page_shift);
        cr_expect_eq(c.levels, cases[i].want[0], "case %zu", i);
        for (unsigned k = 1; k <= c.levels; k++)
            cr_expect_eq(c.bits[k], cases[i].want[k], "case %zu, level %u", i, k);
        cr_expect_eq(tide_pagetable_check(&c, cases[i].page_shift, &va_bits, &e), 0, "case %zu", i);
        cr_expect_eq(va_bits, cases[i].va_bits, "case %zu", i);
    }
    for (unsigned shift = TIDE_PAGE_SHIFT_MIN; shift <= TIDE_PAGE_SHIFT_MAX; shift++) {
        for (unsigned levels = 2; levels <= TIDE_PT_MAX_LEVELS; levels++) {
            struct tide_pagetable_config c;
            unsigned va_bits;

            tide_pagetable_defaults(&c, levels, shift);
            cr_expect_eq(tide_pagetable_check(&c, shift, &va_bits, NULL), 0, "%u levels of 2^%u",
                         levels, shift);
        }
    }
}

Test(pagetable, geometries_that_cannot_be)
{
    static const struct {
        struct tide_pagetable_config c;
        unsigned page_shift;
        const char *what, *remedy;
    } cases[] = {
        {{1, {0, 9}, 8, 0, {{0}}}, 12, "page table: 1 levels", "from 2 to 5"},
        {{6, {0, 9, 9, 9, 9, 9}, 8, 0, {{0}}}, 12, "page table: 6 levels", "from 2 to 5"},
        {{2, {0, 9, 0}, 8, 0, {{0}}}, 12, "page table: 0 index bits at level 2", "from 1 to 16"},
        {{2, {0, 17, 9}, 8, 0, {{0}}}, 12, "page table: 17 index bits at level 1", "from 1 to 16"},
        {{2, {0, 9, 9}, 2, 0, {{0}}}, 12, "page table: entries of 2 bytes", "4 or 8"},
        {{5, {0, 9, 9, 9, 9, 9}, 8, 0, {{0}}},
         16,
         "page table: 61 address bits, at most 57 are possible",
         "give the root (level 5) 5 index bits, or use fewer levels"},
        {{5, {0, 9, 9, 9, 9, 9}, 8, 0, {{0}}},
         21,
         "page table: 66 address bits, at most 57 are possible",
         "use fewer levels, or 9 index bits less"},
        {{4, {0, 9, 9, 9, 9}, 8, 1, {{1, 4, 4}}},
         12,
         "walk cache of level 1: it would hold no upper entries",
         "its level is from 2 (above the leaves) to 4 (the root)"},
        {{4, {0, 9, 9, 9, 9}, 8, 1, {{5, 4, 4}}},
         12,
         "walk cache of level 5: it would hold no upper entries",
         "its level is from 2 (above the leaves) to 4 (the root)"},
        {{4, {0, 9, 9, 9, 9}, 8, 2, {{2, 4, 4}, {2, 8, 4}}},
         12,
         "walk cache of level 2: there are two",
         "give each level one walk cache at most"},
        {{4, {0, 9, 9, 9, 9}, 8, 1, {{2, 12, 4}}},
         12,
         "walk cache of level 2: 12 entries of 4 ways are 3 sets, no power of two",
         "ways 3 or 6, or entries 8 or 16 would do"},
        {{4, {0, 9, 9, 9, 9}, 8, 6, {{0}}},
         12,
         "page table: 6 walk caches",
         "one for each of the levels 2 to 4"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tide_error e;
        unsigned va_bits;

        cr_expect_eq(tide_pagetable_check(&cases[i].c, cases[i].page_shift, &va_bits, &e),
                     TIDE_E_CONFIG, "%s", cases[i].what);
        cr_expect_str_eq(e.what, cases[i].what);
        cr_expect_str_eq(e.remedy, cases[i].remedy);
    }
}

/* The source refuses the n-th block: no table is left that was not there before. */
Test(pagetable, refused_memory_changes_nothing)
{
    struct tide_pagetable_config c;
    struct tide_pagetable pt;
    struct memory m;
    uint64_t *pte;
    struct tide_error e;

    tide_pagetable_defaults(&c, 4, 12);
    init(&pt, &c, &m);
    for (int existing = 0; existing < 2; existing++) {
        uint64_t vpn = vpn4(1, 1, (uint64_t)existing, 1);
        int missing = existing == 0 ? 4 : 1, before = m.blocks;

        for (int n = 1; n <= missing; n++) {
            m.refuse_after = n;
            cr_expect_eq(tide_pagetable_ensure(&pt, (tide_page){vpn}, &pte, &e), TIDE_E_RUN);
            cr_expect_str_eq(e.what, "no simulated memory");
            m.refuse_after = 0;
            cr_expect_eq(m.blocks, before);
            cr_expect_eq(pt.stats.tables, (uint64_t)before);
            cr_expect_eq(pt.stats.tables_peak, (uint64_t)before);
        }
        set(&pt, vpn, TIDE_PTE_PRESENT);
        cr_expect_eq(m.blocks, before + missing);
    }
    tide_pagetable_fini(&pt);
    cr_expect_eq(m.blocks, 0);
}

/* Every host allocation is failed once, while tables grow from sparse to direct. */
Test(pagetable, out_of_memory_changes_nothing)
{
    struct tide_pagetable_config c;
    struct tide_pagetable pt;
    struct memory m;
    struct tide_error e;
    uint64_t *first;
    int failures = 0;

    tide_pagetable_defaults(&c, 4, 12);
    c.n_walk_caches = 1;
    c.walk_caches[0] = (struct tide_walk_cache_config){.level = 2, .entries = 32, .ways = 32};
    for (long n = 1;; n++) {
        struct tide_pagetable_source source = {.context = &m, .alloc = take, .free = give};
        int rc;

        m = (struct memory){0};
        tide_mem_fail_after(n);
        rc = tide_pagetable_init(&pt, &c, &source, &e);
        tide_mem_fail_after(0);
        if (rc == 0)
            break;
        cr_expect_eq(rc, TIDE_E_NOMEM);
    }
    tide_mem_fail_after(1); /* the array of roots, which stays once it is there */
    cr_expect_eq(tide_pagetable_ensure(&pt, (tide_page){0}, &first, &e), TIDE_E_NOMEM);
    tide_mem_fail_after(0);
    set(&pt, 0, 0);
    tide_pagetable_clear(&pt, (tide_page){0});
    for (uint64_t vpn = 0; vpn < 200; vpn++) {
        for (long n = 1;; n++) {
            uint64_t tables = pt.stats.tables, *pte;
            int rc;

            tide_mem_fail_after(n);
            rc = tide_pagetable_ensure(&pt, (tide_page){vpn}, &pte, &e);
            tide_mem_fail_after(0);
            if (rc == 0) {
                cr_expect_eq(*pte, 0);
                *pte = vpn << 32 | TIDE_PTE_PRESENT;
                break;
            }
            failures++;
            cr_expect_eq(rc, TIDE_E_NOMEM);
            cr_expect_eq(pt.stats.tables, tables);
            cr_expect_eq((uint64_t)m.blocks, tables);
            for (uint64_t v = 0; v < vpn; v++)
                cr_assert_eq(*tide_pagetable_find(&pt, (tide_page){v}), v << 32 | TIDE_PTE_PRESENT);
        }
    }
    cr_expect_eq(failures, 4 + 7, "four tables; room for 2, 4, 8, 16, 32, 64; direct");
    tide_pagetable_fini(&pt);
    cr_expect_eq(m.blocks, 0);
}
