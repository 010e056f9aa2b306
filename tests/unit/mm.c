/* space/mm: state tables of the calls, layouts that Valgrind printed, touches, inference. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "space/mm.h"

enum { R = TIDE_PROT_READ, W = TIDE_PROT_WRITE, X = TIDE_PROT_EXEC, PAGE = 4096 };

static unsigned prot_of(const char *text)
{
    return (text[0] == 'r' ? R : 0u) | (text[1] == 'w' ? W : 0u) | (text[2] == 'x' ? X : 0u);
}

/* "start-end prot segment file:offset", numbers in pages of 4 KiB, VMAs divided by ", ". */
static const char *show(const struct tide_mm *mm)
{
    static char text[4096];
    size_t at = 0;
    const struct tide_vma *v;

    text[0] = '\0';
    tide_vma_for_each (v, mm) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%" PRIx64 "-%" PRIx64 " %c%c%c %s",
                               at > 0 ? ", " : "", v->start / PAGE, v->end / PAGE,
                               v->prot & R ? 'r' : '-', v->prot & W ? 'w' : '-',
                               v->prot & X ? 'x' : '-', tide_segment_names[v->segment]);
        if (v->file != 0)
            at += (size_t)snprintf(text + at, sizeof text - at, " %" PRIu32 ":%" PRIx64, v->file,
                                   v->offset / PAGE);
    }
    return text;
}

/* A hook's calls as text: "unmapped 1-3, ..." in pages. */
static char calls[4096];

static void call(const char *name, uint64_t start, uint64_t end)
{
    size_t at = strlen(calls);

    snprintf(calls + at, sizeof calls - at, "%s%s %" PRIx64 "-%" PRIx64, at > 0 ? ", " : "", name,
             start / PAGE, end / PAGE);
}

static void unmapped(void *context, unsigned process, uint64_t start, uint64_t end)
{
    (void)context;
    cr_expect_eq(process, 7);
    call("unmapped", start, end);
}

static void protected_(void *context, unsigned process, uint64_t start, uint64_t end)
{
    (void)context;
    cr_expect_eq(process, 7);
    call("protected", start, end);
}

static void discarded(void *context, unsigned process, uint64_t start, uint64_t end)
{
    (void)context;
    cr_expect_eq(process, 7);
    call("discarded", start, end);
}

static void moved(void *context, unsigned process, uint64_t from, uint64_t to, uint64_t len)
{
    size_t at = strlen(calls);

    (void)context;
    cr_expect_eq(process, 7);
    snprintf(calls + at, sizeof calls - at, "%smoved %" PRIx64 "-%" PRIx64 " to %" PRIx64,
             at > 0 ? ", " : "", from / PAGE, (from + len) / PAGE, to / PAGE);
}

static const struct tide_mm_hooks hooks = {
    .unmapped = unmapped, .protected_ = protected_, .discarded = discarded, .moved = moved};

static int event(struct tide_mm *mm, struct tide_event ev)
{
    struct tide_error e = {0};
    int rc = tide_mm_event(mm, &ev, &e);

    cr_expect_eq(rc, e.code);
    return rc;
}

/* Events in pages. */
static int map(struct tide_mm *mm, uint64_t start, uint64_t end, unsigned prot, uint32_t file,
               uint64_t offset, unsigned flags)
{
    return event(mm, (struct tide_event){.type = TIDE_EV_MAP,
                                         .addr = start * PAGE,
                                         .len = (end - start) * PAGE,
                                         .prot = prot,
                                         .file = file,
                                         .offset = offset * PAGE,
                                         .flags = (uint8_t)flags});
}

static int range(struct tide_mm *mm, enum tide_event_type type, uint64_t start, uint64_t end,
                 unsigned prot)
{
    return event(mm, (struct tide_event){.type = (uint8_t)type,
                                         .addr = start * PAGE,
                                         .len = (end - start) * PAGE,
                                         .prot = prot});
}

static int remap(struct tide_mm *mm, uint64_t start, uint64_t end, uint64_t to, uint64_t to_end)
{
    return event(mm, (struct tide_event){.type = TIDE_EV_REMAP,
                                         .addr = start * PAGE,
                                         .len = (end - start) * PAGE,
                                         .new_addr = to * PAGE,
                                         .new_len = (to_end - to) * PAGE});
}

static int brk_to(struct tide_mm *mm, uint64_t addr)
{
    return event(mm, (struct tide_event){.type = TIDE_EV_BRK, .addr = addr});
}

static int touch(struct tide_mm *mm, uint64_t addr, uint64_t page_bytes, unsigned *prot)
{
    struct tide_vma *v;
    struct tide_error e;
    int rc = tide_mm_touch(mm, addr & ~(page_bytes - 1), page_bytes, addr, prot, &v, &e);

    if (rc == 1)
        cr_expect_not_null(v);
    return rc;
}

/* What is mapped, what has been told, and both forgotten. */
static void expect(struct tide_mm *mm, const char *vmas, const char *told)
{
    cr_expect_str_eq(show(mm), vmas, "have %s\nwant %s", show(mm), vmas);
    cr_expect_str_eq(calls, told, "have %s\nwant %s", calls, told);
    calls[0] = '\0';
}

Test(mm, munmap_of_the_middle_leaves_two)
{
    struct tide_mm mm;

    tide_mm_init(&mm, 7, &hooks);
    cr_assert_eq(map(&mm, 0x10, 0x18, R, 3, 2, 0), 0);
    cr_assert_eq(range(&mm, TIDE_EV_UNMAP, 0x13, 0x15, 0), 0);
    expect(&mm, "10-13 r-- data 3:2, 15-18 r-- data 3:7", "unmapped 13-15");
    cr_expect(mm.count == 2 && mm.vsz_bytes == 6 * PAGE && mm.stats.splits == 1);
    /* Head, tail, all of one, and holes. */
    cr_assert_eq(range(&mm, TIDE_EV_UNMAP, 0xf, 0x11, 0), 0);
    expect(&mm, "11-13 r-- data 3:3, 15-18 r-- data 3:7", "unmapped 10-11");
    cr_assert_eq(range(&mm, TIDE_EV_UNMAP, 0x12, 0x16, 0), 0);
    expect(&mm, "11-12 r-- data 3:3, 16-18 r-- data 3:8", "unmapped 12-13, unmapped 15-16");
    cr_assert_eq(range(&mm, TIDE_EV_UNMAP, 0, 0x20, 0), 0);
    expect(&mm, "", "unmapped 11-12, unmapped 16-18");
    cr_expect(mm.count == 0 && mm.vsz_bytes == 0 && mm.root == NULL);
    tide_mm_fini(&mm);
}

Test(mm, mprotect_of_the_middle_makes_three_and_restoring_one)
{
    struct tide_mm mm;

    tide_mm_init(&mm, 7, &hooks);
    cr_assert_eq(map(&mm, 0x10, 0x18, R | W, 3, 0, 0), 0);
    cr_assert_eq(range(&mm, TIDE_EV_PROTECT, 0x12, 0x14, R), 0);
    expect(&mm, "10-12 rw- data 3:0, 12-14 r-- data 3:2, 14-18 rw- data 3:4", "protected 12-14");
    cr_assert_eq(range(&mm, TIDE_EV_PROTECT, 0x12, 0x14, R), 0); /* nothing new */
    expect(&mm, "10-12 rw- data 3:0, 12-14 r-- data 3:2, 14-18 rw- data 3:4", "");
    cr_assert_eq(range(&mm, TIDE_EV_PROTECT, 0x11, 0x15, R | W), 0);
    expect(&mm, "10-18 rw- data 3:0", "protected 12-14");
    cr_expect(mm.stats.splits == 2 && mm.stats.merges == 2 && mm.stats.protects == 3);
    tide_mm_fini(&mm);
}

Test(mm, neighbours_merge_where_all_agrees)
{
    struct tide_mm mm;

    tide_mm_init(&mm, 7, NULL);
    cr_assert_eq(map(&mm, 0x10, 0x11, R, 0, 0, 0), 0);
    cr_assert_eq(map(&mm, 0x12, 0x13, R, 0, 0, 0), 0);
    cr_assert_eq(map(&mm, 0x11, 0x12, R, 0, 0, 0), 0);
    expect(&mm, "10-13 r-- mmap", "");
    /* Another permission, another segment, shared. */
    cr_assert_eq(map(&mm, 0x13, 0x14, R | W, 0, 0, 0), 0);
    cr_assert_eq(map(&mm, 0xf, 0x10, R, 0, 0, TIDE_MAP_FROM_LAYOUT), 0);
    cr_assert_eq(map(&mm, 0x14, 0x15, R | W, 0, 0, TIDE_MAP_SHARED), 0);
    /* Two shared anonymous mappings are two objects, however they lie. */
    cr_assert_eq(map(&mm, 0x15, 0x16, R | W, 0, 0, TIDE_MAP_SHARED), 0);
    expect(&mm, "f-10 r-- bss, 10-13 r-- mmap, 13-14 rw- mmap, 14-15 rw- mmap, 15-16 rw- mmap", "");
    /* Files: only with contiguous offsets. */
    cr_assert_eq(map(&mm, 0x20, 0x21, R, 3, 5, 0), 0);
    cr_assert_eq(map(&mm, 0x21, 0x22, R, 3, 6, 0), 0);
    cr_assert_eq(map(&mm, 0x22, 0x23, R, 3, 6, 0), 0);
    cr_assert_eq(map(&mm, 0x23, 0x24, R, 4, 7, 0), 0);
    cr_assert_eq(map(&mm, 0x1f, 0x20, R, 3, 4, 0), 0);
    cr_assert_eq(range(&mm, TIDE_EV_UNMAP, 0, 0x1f, 0), 0);
    expect(&mm, "1f-22 r-- data 3:4, 22-23 r-- data 3:6, 23-24 r-- data 4:7", "");
    tide_mm_fini(&mm);
}

Test(mm, segments_follow_from_the_event)
{
    struct tide_mm mm;

    tide_mm_init(&mm, 7, NULL);
    cr_assert_eq(map(&mm, 0x10, 0x11, R | X, 3, 0, TIDE_MAP_FROM_LAYOUT), 0);
    cr_assert_eq(map(&mm, 0x20, 0x21, R, 3, 0, TIDE_MAP_FROM_LAYOUT), 0);
    cr_assert_eq(map(&mm, 0x30, 0x31, R | W, 0, 0, TIDE_MAP_FROM_LAYOUT), 0);
    cr_assert_eq(map(&mm, 0x40, 0x41, R | X, 4, 0, 0), 0);
    cr_assert_eq(map(&mm, 0x50, 0x51, R | W, 4, 0, 0), 0);
    cr_assert_eq(map(&mm, 0x60, 0x61, R | X, 4, 0, TIDE_MAP_SHARED), 0);
    cr_assert_eq(map(&mm, 0x70, 0x71, R | W, 0, 0, 0), 0);
    expect(&mm,
           "10-11 r-x text 3:0, 20-21 r-- data 3:0, 30-31 rw- bss, 40-41 r-x text 4:0, "
           "50-51 rw- data 4:0, 60-61 r-x file 4:0, 70-71 rw- mmap",
           "");
    tide_mm_fini(&mm);
}

Test(mm, map_replaces_what_was_there)
{
    struct tide_mm mm;

    tide_mm_init(&mm, 7, &hooks);
    cr_assert_eq(map(&mm, 0x10, 0x18, R, 3, 0, 0), 0);
    cr_assert_eq(map(&mm, 0x1a, 0x1c, R, 0, 0, 0), 0);
    cr_assert_eq(map(&mm, 0x12, 0x14, R | X, 3, 2, 0), 0);
    expect(&mm, "10-12 r-- data 3:0, 12-14 r-x text 3:2, 14-18 r-- data 3:4, 1a-1c r-- mmap",
           "unmapped 12-14");
    cr_assert_eq(map(&mm, 0x13, 0x1b, R | W, 0, 0, 0), 0);
    expect(&mm, "10-12 r-- data 3:0, 12-13 r-x text 3:2, 13-1b rw- mmap, 1b-1c r-- mmap",
           "unmapped 13-14, unmapped 14-18, unmapped 1a-1b");
    tide_mm_fini(&mm);
}

Test(mm, mremap_grows_shrinks_and_moves)
{
    struct tide_mm mm;

    tide_mm_init(&mm, 7, &hooks);
    cr_assert_eq(map(&mm, 0x10, 0x14, R, 3, 0, 0), 0);
    cr_assert_eq(map(&mm, 0x16, 0x18, R, 3, 6, 0), 0);
    cr_assert_eq(remap(&mm, 0x10, 0x14, 0x10, 0x15), 0);
    expect(&mm, "10-15 r-- data 3:0, 16-18 r-- data 3:6", "");
    cr_assert_eq(remap(&mm, 0x10, 0x15, 0x10, 0x16), 0); /* now they touch and agree */
    expect(&mm, "10-18 r-- data 3:0", "");
    cr_assert_eq(remap(&mm, 0x14, 0x18, 0x14, 0x15), 0);
    expect(&mm, "10-15 r-- data 3:0", "unmapped 15-18");
    cr_assert_eq(remap(&mm, 0x12, 0x14, 0x30, 0x34), 0); /* the middle moves and grows */
    expect(&mm, "10-12 r-- data 3:0, 14-15 r-- data 3:4, 30-34 r-- data 3:2", "moved 12-14 to 30");
    cr_assert_eq(remap(&mm, 0x30, 0x34, 0x11, 0x13), 0); /* moves, shrinks, replaces */
    expect(&mm, "10-11 r-- data 3:0, 11-13 r-- data 3:2, 14-15 r-- data 3:4",
           "unmapped 11-12, unmapped 32-34, moved 30-32 to 11");
    cr_assert_eq(remap(&mm, 0x11, 0x13, 0x12, 0x14), TIDE_E_TRACE);
    cr_assert_eq(remap(&mm, 0x11, 0x13, 0x40, 0x40), TIDE_E_TRACE);
    cr_assert_eq(remap(&mm, 0x20, 0x21, 0x40, 0x41), 0); /* nothing there, nothing moves */
    expect(&mm, "10-11 r-- data 3:0, 11-13 r-- data 3:2, 14-15 r-- data 3:4", "");
    tide_mm_fini(&mm);
}

/* The text book's figure: a heap of two pages grows to four. */
Test(mm, brk_from_two_to_four_pages)
{
    struct tide_mm mm;

    tide_mm_init(&mm, 7, &hooks);
    cr_assert_eq(map(&mm, 0x10, 0x12, R | W, 0, 0, TIDE_MAP_FROM_LAYOUT), 0);
    cr_assert_eq(range(&mm, TIDE_EV_HEAP, 0x10, 0x20, 0), 0);
    expect(&mm, "10-12 rw- heap", "protected 10-12"); /* strict from here */
    cr_assert_eq(brk_to(&mm, 0x14 * PAGE), 0);
    expect(&mm, "10-14 rw- heap", "");
    cr_expect_eq(mm.vsz_bytes, 4 * PAGE);
    cr_assert_eq(brk_to(&mm, 0x12 * PAGE + 1), 0); /* rounded up */
    expect(&mm, "10-13 rw- heap", "unmapped 13-14");
    cr_expect_eq(mm.brk_end, 0x12 * PAGE + 1);
    cr_assert_eq(brk_to(&mm, 0x10 * PAGE - 1), TIDE_E_TRACE);
    expect(&mm, "10-13 rw- heap", "");
    tide_mm_fini(&mm);
}

Test(mm, an_empty_heap_comes_back_with_its_permissions)
{
    struct tide_mm mm;

    tide_mm_init(&mm, 7, NULL);
    cr_assert_eq(map(&mm, 0x8, 0x11, R | W | X, 0, 0, TIDE_MAP_FROM_LAYOUT), 0);
    cr_assert_eq(range(&mm, TIDE_EV_HEAP, 0x10, 0x20, 0), 0);
    expect(&mm, "8-10 rwx bss, 10-11 rwx heap", "");
    cr_assert_eq(brk_to(&mm, 0x10 * PAGE), 0);
    expect(&mm, "8-10 rwx bss", "");
    cr_assert_eq(brk_to(&mm, 0x12 * PAGE), 0);
    expect(&mm, "8-10 rwx bss, 10-12 rwx heap", "");
    tide_mm_fini(&mm);
}

Test(mm, without_a_layout_the_first_brk_tells_the_start)
{
    struct tide_mm mm;

    tide_mm_init(&mm, 7, NULL);
    cr_assert_eq(brk_to(&mm, 0x10 * PAGE), 0);
    expect(&mm, "", "");
    cr_assert_eq(brk_to(&mm, 0x13 * PAGE), 0);
    expect(&mm, "10-13 rw- heap", "");
    cr_assert_eq(brk_to(&mm, 0xe * PAGE), 0);
    expect(&mm, "", "");
    cr_assert_eq(brk_to(&mm, 0xf * PAGE), 0);
    expect(&mm, "e-f rw- heap", "");
    tide_mm_fini(&mm);
}

Test(mm, a_first_brk_off_a_page_border_may_come_again)
{
    struct tide_mm mm;

    tide_mm_init(&mm, 7, NULL);
    cr_assert_eq(map(&mm, 0x8, 0x10, R | W, 0, 0, TIDE_MAP_FROM_LAYOUT), 0);
    cr_assert_eq(brk_to(&mm, 0x10 * PAGE + 8), 0);
    cr_assert_eq(brk_to(&mm, 0x10 * PAGE + 8), 0);
    cr_assert_eq(brk_to(&mm, 0x12 * PAGE), 0);
    expect(&mm, "8-10 rw- bss, 11-12 rw- heap", "");
    cr_assert_eq(brk_to(&mm, 0x10 * PAGE + 7), TIDE_E_TRACE);
    tide_mm_fini(&mm);
}

Test(mm, madvise_discards_what_is_mapped)
{
    struct tide_mm mm;

    tide_mm_init(&mm, 7, &hooks);
    cr_assert_eq(map(&mm, 0x10, 0x12, R, 0, 0, 0), 0);
    cr_assert_eq(map(&mm, 0x14, 0x18, R, 0, 0, 0), 0);
    for (uint32_t advice = 0; advice < 22; advice++) {
        struct tide_event ev = {
            .type = TIDE_EV_MADVISE, .addr = 0x11 * PAGE, .len = 4 * PAGE, .number = advice};

        cr_assert_eq(event(&mm, ev), 0);
        expect(&mm, "10-12 r-- mmap, 14-18 r-- mmap",
               advice == 4 ? "discarded 11-12, discarded 14-15" : "");
    }
    tide_mm_fini(&mm);
}

Test(mm, exit_unmaps_everything)
{
    struct tide_mm mm;

    tide_mm_init(&mm, 7, &hooks);
    cr_assert_eq(map(&mm, 0x10, 0x12, R, 0, 0, 0), 0);
    cr_assert_eq(map(&mm, UINT64_C(0xffffffffff600), UINT64_C(0xffffffffff601), X, 0, 0, 0), 0);
    cr_assert_eq(event(&mm, (struct tide_event){.type = TIDE_EV_EXIT}), 0);
    expect(&mm, "", "unmapped 10-12, unmapped ffffffffff600-ffffffffff601");
    tide_mm_fini(&mm);
}

Test(mm, lengths_are_rounded_up)
{
    struct tide_mm mm;

    tide_mm_init(&mm, 7, NULL);
    cr_assert_eq(event(&mm, (struct tide_event){.type = TIDE_EV_MAP,
                                                .addr = 0x10 * PAGE,
                                                .len = 3 * PAGE + 1,
                                                .prot = R}),
                 0);
    expect(&mm, "10-14 r-- mmap", "");
    cr_assert_eq(
        event(&mm, (struct tide_event){.type = TIDE_EV_UNMAP, .addr = 0x13 * PAGE, .len = 1}), 0);
    expect(&mm, "10-13 r-- mmap", "");
    tide_mm_fini(&mm);
}

Test(mm, impossible_ranges_are_damage)
{
    static const struct {
        uint64_t addr, len;
        int rc;
    } cases[] = {
        {0x1000, 0, TIDE_E_TRACE},
        {0x1001, 4096, TIDE_E_TRACE},
        {0, (UINT64_C(1) << 57) + 1, TIDE_E_TRACE},
        {0, UINT64_MAX, TIDE_E_TRACE},
        {UINT64_MAX - 4095, 4097, TIDE_E_TRACE},
        {UINT64_MAX - 4095, 4096, 0},
        {0, UINT64_C(1) << 57, 0},
    };
    static const enum tide_event_type types[] = {TIDE_EV_MAP, TIDE_EV_UNMAP, TIDE_EV_PROTECT,
                                                 TIDE_EV_MADVISE};

    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct tide_event ev = {
                .type = (uint8_t)types[t], .addr = cases[i].addr, .len = cases[i].len};
            bool fine = cases[i].rc == 0 || (cases[i].len == 0 && t >= 2);
            struct tide_error e = {0};
            struct tide_mm mm;

            tide_mm_init(&mm, 0, NULL);
            cr_expect_eq(tide_mm_event(&mm, &ev, &e), fine ? 0 : TIDE_E_TRACE, "type %d case %zu",
                         types[t], i);
            cr_expect_eq(e.what[0] != '\0', !fine);
            cr_expect_eq(mm.vsz_bytes, fine && t == 0 ? cases[i].len : 0);
            tide_mm_fini(&mm);
        }
}

Test(mm, a_range_may_end_at_the_top)
{
    struct tide_mm mm;
    uint64_t top = UINT64_C(1) << 52; /* pages */
    unsigned prot;

    tide_mm_init(&mm, 7, NULL);
    cr_assert_eq(map(&mm, top - 4, top, R, 3, 0, TIDE_MAP_FROM_LAYOUT), 0);
    cr_assert_eq(range(&mm, TIDE_EV_PROTECT, top - 2, top, R | X), 0);
    expect(&mm, "ffffffffffffc-ffffffffffffe r-- data 3:0, ffffffffffffe-0 r-x data 3:2", "");
    cr_expect_not_null(tide_mm_find(&mm, UINT64_MAX));
    cr_expect_eq(touch(&mm, UINT64_MAX, 4096, &prot), 1);
    cr_expect_eq(touch(&mm, UINT64_MAX, 4096, &prot), 1); /* now cached */
    cr_expect_eq(prot, R | X);
    cr_expect_eq(touch(&mm, UINT64_MAX, 1 << 30, &prot), 1);
    cr_expect_eq(prot, R | X);
    cr_expect_eq(touch(&mm, 0, 4096, &prot), 0);
    cr_assert_eq(range(&mm, TIDE_EV_UNMAP, top - 1, top, 0), 0);
    cr_assert_eq(range(&mm, TIDE_EV_PROTECT, top - 2, top, R), 0);
    expect(&mm, "ffffffffffffc-fffffffffffff r-- data 3:0", "");
    tide_mm_fini(&mm);
}

/* Two VMAs, pages of several sizes; strict. */
Test(mm, a_page_permits_what_any_of_its_vmas_permits)
{
    static const struct {
        uint64_t addr, page_bytes;
        int found;
        unsigned prot;
        uint64_t vma; /* start of the one reported */
    } cases[] = {
        {0x10000, 4096, 1, R | X, 0x10000},
        {0x11fff, 4096, 1, R | X, 0x10000},
        {0x12000, 4096, 0, 0, 0},
        {0x13000, 4096, 1, R | W, 0x13000},
        {0x13fc0, 64, 1, R | W, 0x13000},
        {0x12fc0, 64, 0, 0, 0},
        {0x12000, 8192, 1, R | W, 0x13000}, /* the hole shares the page */
        {0x10000, 16384, 1, R | W | X, 0x10000},
        {0x13000, 16384, 1, R | W | X, 0x13000}, /* the one that holds the address */
        {0x12000, 16384, 1, R | W | X, 0x10000}, /* none does: the first */
        {0x1fffff, 2 << 20, 1, R | W | X, 0x10000},
        {0x200000, 2 << 20, 0, 0, 0},
        {0x3fffffff, 1 << 30, 1, R | W | X, 0x10000},
        {0x40000000, 1 << 30, 0, 0, 0},
    };
    struct tide_mm mm;

    tide_mm_init(&mm, 7, NULL);
    cr_assert_eq(map(&mm, 0x10, 0x12, R | X, 3, 0, TIDE_MAP_FROM_LAYOUT), 0);
    cr_assert_eq(map(&mm, 0x13, 0x14, R | W, 0, 0, 0), 0);
    for (int round = 0; round < 2; round++) /* the second finds the caches filled */
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            unsigned prot = 99;
            struct tide_vma *v = NULL;
            uint64_t start = cases[i].addr & ~(cases[i].page_bytes - 1);

            cr_expect_eq(
                tide_mm_touch(&mm, start, cases[i].page_bytes, cases[i].addr, &prot, &v, NULL),
                cases[i].found, "case %zu", i);
            if (cases[i].found == 1) {
                cr_expect_eq(prot, cases[i].prot, "case %zu", i);
                cr_expect_eq(v->start, cases[i].vma, "case %zu", i);
            }
        }
    cr_expect_eq(mm.stats.inferred, 0);
    tide_mm_fini(&mm);
}

Test(mm, a_stack_grows_inside_its_reservation)
{
    struct tide_mm mm;
    unsigned prot;

    tide_mm_init(&mm, 7, NULL);
    cr_assert_eq(range(&mm, TIDE_EV_STACK, 0x20, 0x30, 0), TIDE_E_TRACE); /* no mapping there */
    cr_assert_eq(map(&mm, 0x2e, 0x30, R | W, 0, 0, TIDE_MAP_FROM_LAYOUT), 0);
    cr_assert_eq(range(&mm, TIDE_EV_STACK, 0x20, 0x30, 0), 0);
    cr_assert_eq(map(&mm, 0x10, 0x11, R, 0, 0, 0), 0); /* a system call: strict */
    cr_expect_eq(touch(&mm, 0x2dff8, 4096, &prot), 1);
    cr_expect_eq(prot, R | W);
    expect(&mm, "10-11 r-- mmap, 2d-30 rw- stack", "");
    cr_expect_eq(touch(&mm, 0x1ffff, 4096, &prot), 0);
    cr_expect_eq(touch(&mm, 0x30000, 4096, &prot), 0);
    /* A larger page that a VMA overlaps is left as it is; else growth goes by the address. */
    cr_expect_eq(touch(&mm, 0x28000, 1 << 20, &prot), 1);
    expect(&mm, "10-11 r-- mmap, 2d-30 rw- stack", "");
    cr_expect_eq(touch(&mm, 0x28800, 1 << 14, &prot), 1);
    expect(&mm, "10-11 r-- mmap, 28-30 rw- stack", "");
    cr_expect_eq(touch(&mm, 0x20000, 64, &prot), 1);
    expect(&mm, "10-11 r-- mmap, 20-30 rw- stack", "");
    cr_expect_eq(mm.stats.growths, 3);
    cr_expect_eq(mm.vsz_bytes, 17 * PAGE);
    tide_mm_fini(&mm);
}

Test(mm, without_a_layout_vmas_are_inferred)
{
    struct tide_mm mm;
    unsigned prot = 0;

    tide_mm_init(&mm, 7, NULL);
    cr_expect_eq(touch(&mm, 0x100123, 4096, &prot), 1);
    cr_expect_eq(prot, R | W | X);
    expect(&mm, "100-101 rwx inferred", "");
    cr_expect_eq(touch(&mm, 0x111000, 4096, &prot), 1); /* a gap of 64 KiB */
    expect(&mm, "100-112 rwx inferred", "");
    cr_expect_eq(touch(&mm, 0x123000, 4096, &prot), 1); /* 68 KiB */
    expect(&mm, "100-112 rwx inferred, 123-124 rwx inferred", "");
    cr_expect_eq(touch(&mm, 0xef000, 4096, &prot), 1); /* from above too */
    expect(&mm, "ef-112 rwx inferred, 123-124 rwx inferred", "");
    cr_expect_eq(touch(&mm, 0x122fff, 4096, &prot),
                 1); /* both are near: the lower one, and joined */
    expect(&mm, "ef-124 rwx inferred", "");
    cr_expect_eq(touch(&mm, 0x900000, 1 << 20, &prot), 1); /* the whole page */
    expect(&mm, "ef-124 rwx inferred, 900-a00 rwx inferred", "");
    cr_expect_eq(mm.stats.inferred, 6);
    cr_expect_not(tide_mm_strict(&mm));
    tide_mm_fini(&mm);
}

Test(mm, a_late_layout_ends_inference)
{
    struct tide_mm mm;
    unsigned prot = 0;

    tide_mm_init(&mm, 7, &hooks);
    cr_assert_eq(map(&mm, 0x10, 0x11, R, 3, 0, 0), 0);
    cr_expect_eq(touch(&mm, 0x10000, 4096, &prot), 1);
    cr_expect_eq(prot, R | W | X); /* the program's own text is not known either */
    cr_expect_eq(touch(&mm, 0x11000, 4096, &prot), 1);
    expect(&mm, "10-11 r-- data 3:0, 11-12 rwx inferred", "");
    cr_assert_eq(map(&mm, 0x50, 0x51, R, 4, 0, TIDE_MAP_FROM_LAYOUT), 0);
    cr_expect(tide_mm_strict(&mm));
    expect(&mm, "10-11 r-- data 3:0, 11-12 rwx inferred, 50-51 r-- data 4:0",
           "protected 10-11, protected 11-12, protected 50-51");
    cr_expect_eq(touch(&mm, 0x10000, 4096, &prot), 1);
    cr_expect_eq(prot, R);
    cr_expect_eq(touch(&mm, 0x12000, 4096, &prot), 0);
    tide_mm_fini(&mm);
}

Test(mm, only_a_layout_makes_it_strict)
{
    static const struct {
        enum tide_event_type type;
        unsigned flags;
        bool layout;
    } cases[] = {
        {TIDE_EV_PROCESS, 0, false}, {TIDE_EV_MAP, TIDE_MAP_FROM_LAYOUT, true},
        {TIDE_EV_MAP, 0, false},     {TIDE_EV_UNMAP, 0, false},
        {TIDE_EV_PROTECT, 0, false}, {TIDE_EV_REMAP, 0, false},
        {TIDE_EV_BRK, 0, false},     {TIDE_EV_HEAP, 0, false},
        {TIDE_EV_MADVISE, 0, false}, {TIDE_EV_SYSCALL, 0, false},
        {TIDE_EV_EXIT, 0, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tide_mm mm;

        tide_mm_init(&mm, 7, NULL);
        cr_expect_eq(event(&mm, (struct tide_event){.type = (uint8_t)cases[i].type,
                                                    .flags = (uint8_t)cases[i].flags,
                                                    .addr = 0x10000,
                                                    .len = 4096,
                                                    .new_addr = 0x20000,
                                                    .new_len = 4096,
                                                    .number = 4711}),
                     0);
        cr_expect_eq(tide_mm_strict(&mm), cases[i].layout, "type %d", cases[i].type);
        cr_expect_eq(mm.pid, cases[i].type == TIDE_EV_PROCESS ? 4711 : 0);
        tide_mm_fini(&mm);
    }
}

/* From the initial layout and the calls to the layout that Valgrind itself printed at the end. */
static void replay(const char *name)
{
    char path[1024], line[256];
    const char *slash = strrchr(__FILE__, '/');
    struct tide_mm mm;
    const struct tide_vma *v;
    uint64_t bytes = 0;
    bool final = false;
    FILE *f;

    snprintf(path, sizeof path, "%.*s/data/%s", slash != NULL ? (int)(slash - __FILE__) : 1,
             slash != NULL ? __FILE__ : ".", name);
    f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    tide_mm_init(&mm, 7, NULL);
    v = NULL;
    while (fgets(line, sizeof line, f) != NULL) {
        char word[16], perms[8];
        uint64_t a, b, offset;
        uint32_t file;
        unsigned prot;

        if (line[0] == '#')
            continue;
        if (sscanf(line, "layout %" SCNx64 " %" SCNx64 " %7s %" SCNu32 " %" SCNu64, &a, &b, perms,
                   &file, &offset) == 5) {
            cr_assert_eq(map(&mm, a / PAGE, b / PAGE, prot_of(perms), file, offset / PAGE,
                             TIDE_MAP_FROM_LAYOUT),
                         0);
        } else if (sscanf(line, "final %" SCNx64 " %" SCNx64 " %7s %" SCNu32 " %" SCNu64, &a, &b,
                          perms, &file, &offset) == 5) {
            v = final ? v->next : mm.first;
            final = true;
            cr_assert_not_null(v, "%s", line);
            cr_expect(v->start == a && v->end == b && v->prot == prot_of(perms) &&
                          v->file == file && v->offset == offset,
                      "%shave %s", line, show(&mm));
            bytes += b - a;
        } else if (sscanf(line, "mmap %" SCNx64 " %" SCNu64 " %7s %" SCNu32 " %" SCNu64, &a, &b,
                          perms, &file, &offset) == 5) {
            cr_assert_eq(event(&mm, (struct tide_event){.type = TIDE_EV_MAP,
                                                        .addr = a,
                                                        .len = b,
                                                        .prot = prot_of(perms),
                                                        .file = file,
                                                        .offset = offset}),
                         0);
        } else if (sscanf(line, "mprotect %" SCNx64 " %" SCNu64 " %7s", &a, &b, perms) == 3) {
            cr_assert_eq(event(&mm, (struct tide_event){.type = TIDE_EV_PROTECT,
                                                        .addr = a,
                                                        .len = b,
                                                        .prot = prot_of(perms)}),
                         0);
        } else if (sscanf(line, "munmap %" SCNx64 " %" SCNu64, &a, &b) == 2) {
            cr_assert_eq(
                event(&mm, (struct tide_event){.type = TIDE_EV_UNMAP, .addr = a, .len = b}), 0);
        } else if (sscanf(line, "heap %" SCNx64 " %" SCNx64, &a, &b) == 2) {
            cr_assert_eq(range(&mm, TIDE_EV_HEAP, a / PAGE, b / PAGE, 0), 0);
        } else if (sscanf(line, "stack %" SCNx64 " %" SCNx64, &a, &b) == 2) {
            cr_assert_eq(range(&mm, TIDE_EV_STACK, a / PAGE, b / PAGE, 0), 0);
        } else if (sscanf(line, "brk %" SCNx64, &a) == 1) {
            cr_assert_eq(brk_to(&mm, a), 0);
        } else if (sscanf(line, "touch %" SCNx64, &a) == 1) {
            cr_assert_eq(touch(&mm, a, 4096, &prot), 1);
        } else {
            cr_assert_fail("%s: %s", sscanf(line, "%15s", word) == 1 ? word : "", line);
        }
    }
    fclose(f);
    cr_expect(final && v->next == NULL, "more VMAs than Valgrind has: %s", show(&mm));
    cr_expect_eq(mm.vsz_bytes, bytes);
    cr_expect(tide_mm_strict(&mm));
    cr_expect_eq(mm.stats.inferred, 0);
    tide_mm_fini(&mm);
}

Test(mm, ends_where_valgrind_ends_for_ls)
{
    replay("ls.maps");
}

Test(mm, ends_where_valgrind_ends_for_a_static_program)
{
    replay("chase_static.maps");
}

Test(mm, without_host_memory_the_space_stays_valid)
{
    struct tide_error e = {0};
    struct tide_mm mm;
    unsigned prot;
    struct tide_vma *v;

    tide_mm_init(&mm, 7, &hooks);
    tide_mem_fail_after(1);
    cr_expect_eq(tide_mm_touch(&mm, 0, 4096, 0, &prot, &v, &e), TIDE_E_NOMEM);
    cr_expect_eq(e.code, TIDE_E_NOMEM);
    cr_expect_eq(map(&mm, 0x10, 0x18, R, 0, 0, 0), TIDE_E_NOMEM);
    tide_mem_fail_after(0);
    expect(&mm, "", "");
    cr_assert_eq(map(&mm, 0x10, 0x18, R, 0, 0, 0), 0);
    tide_mem_fail_after(2); /* the second cut */
    cr_expect_eq(range(&mm, TIDE_EV_PROTECT, 0x12, 0x14, R | W), TIDE_E_NOMEM);
    tide_mem_fail_after(0);
    expect(&mm, "10-18 r-- mmap", "");
    tide_mem_fail_after(2);
    cr_expect_eq(remap(&mm, 0x12, 0x14, 0x30, 0x32), TIDE_E_NOMEM);
    tide_mem_fail_after(0);
    expect(&mm, "10-18 r-- mmap", "");
    tide_mem_fail_after(1);
    cr_expect_eq(range(&mm, TIDE_EV_UNMAP, 0x12, 0x14, 0), TIDE_E_NOMEM);
    tide_mem_fail_after(0);
    expect(&mm, "10-18 r-- mmap", "");
    tide_mm_fini(&mm);
}
