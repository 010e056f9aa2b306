/* phys/buddy: text-book examples, list order, growth, the unusable index, lack of memory. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "phys/buddy.h"

static void start(struct tide_buddy *b, uint32_t frames, uint32_t capacity)
{
    struct tide_error e = {0};

    cr_assert_eq(tide_buddy_init(b, frames, capacity, &e), 0, "%s", e.what);
    cr_assert(tide_buddy_valid(b));
}

/* Free blocks as "order:count ..." for the orders that have any. */
static const char *blocks(const struct tide_buddy *b)
{
    static char text[256];
    size_t at = 0;

    text[0] = '\0';
    for (unsigned k = 0; k < TIDE_BUDDY_ORDERS; k++)
        if (b->free_blocks[k] > 0)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%u:%u", at > 0 ? " " : "", k,
                                   b->free_blocks[k]);
    return text;
}

/* Stallings, Operating Systems: Internals and Design Principles, 7th ed., figure 7.6: a 1 MB block,
 * requests of 100K, 240K, 64K, 256K, 75K. Frames of 1 KiB here, so 128K is order 7. */
Test(buddy, stallings_one_megabyte)
{
    static const struct {
        char block; /* given out, or back */
        int order;  /* -1: released */
        uint32_t pfn;
        const char *free;
    } steps[] = {
        {'A', 7, 0, "7:1 8:1 9:1"},  /* 100K: A=128K | 128K | 256K | 512K */
        {'B', 8, 256, "7:1 9:1"},    /* 240K: A | 128K | B=256K | 512K */
        {'C', 6, 128, "6:1 9:1"},    /* 64K: A | C=64K | 64K | B | 512K */
        {'D', 8, 512, "6:1 8:1"},    /* 256K: A | C | 64K | B | D=256K | 256K */
        {'B', -1, 256, "6:1 8:2"},   /* A | C | 64K | 256K | D | 256K */
        {'A', -1, 0, "6:1 7:1 8:2"}, /* 128K | C | 64K | 256K | D | 256K */
        {'E', 7, 0, "6:1 8:2"},      /* 75K: E=128K | C | 64K | 256K | D | 256K */
        {'C', -1, 128, "7:1 8:2"},   /* E | 128K | 256K | D | 256K */
        {'E', -1, 0, "8:1 9:1"},     /* 512K | D | 256K */
        {'D', -1, 512, "10:1"},      /* 1M */
    };
    struct tide_buddy b;
    unsigned held[128];

    start(&b, 1024, 1024);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        unsigned char id = (unsigned char)steps[i].block;

        if (steps[i].order >= 0) {
            held[id] = (unsigned)steps[i].order;
            cr_expect_eq(tide_buddy_alloc(&b, held[id]).v, steps[i].pfn, "step %zu", i);
        } else {
            tide_buddy_free(&b, (tide_pfn){steps[i].pfn}, held[id]);
        }
        cr_expect_str_eq(blocks(&b), steps[i].free, "step %zu: %s", i, blocks(&b));
        cr_expect(tide_buddy_valid(&b), "step %zu", i);
    }
    cr_expect_eq(b.stats.splits, b.stats.merges);
    cr_expect_eq(b.stats.failures, 0);
    tide_buddy_fini(&b);
}

/* Silberschatz, Galvin, Gagne, Operating System Concepts, 9th ed., figure 9.26: 21 KB from a 256 KB
 * segment: halves AL AR, BL BR, CL CR; CL (32 KB) is given out. Frames of 4 KiB: 32 KB is order 3.
 */
Test(buddy, silberschatz_21_kb)
{
    struct tide_buddy b;

    start(&b, 64, 64);
    cr_expect_str_eq(blocks(&b), "6:1");
    cr_expect_eq(tide_buddy_alloc(&b, 3).v, 0);
    cr_expect_str_eq(blocks(&b), "3:1 4:1 5:1"); /* CR, BR, AR */
    cr_expect_eq(b.stats.splits, 3);
    cr_expect_eq(b.free_frames, 56);
    tide_buddy_fini(&b);
}

Test(buddy, frames_are_handed_out_from_below)
{
    struct tide_buddy b;

    start(&b, 3 * 1024, 3 * 1024);
    for (uint32_t i = 0; i < 3 * 1024; i++)
        cr_assert_eq(tide_buddy_alloc(&b, 0).v, i);
    cr_expect_eq(tide_buddy_alloc(&b, 0).v, TIDE_PFN_NONE.v);
    cr_expect_eq(b.stats.failures, 1);
    cr_expect_eq(b.stats.allocs[0], 3 * 1024);
    tide_buddy_fini(&b);
}

Test(buddy, last_freed_is_first_out)
{
    struct tide_buddy b;

    start(&b, 8, 8);
    for (int i = 0; i < 8; i++)
        cr_assert_neq(tide_buddy_alloc(&b, 0).v, TIDE_PFN_NONE.v);
    /* No two are buddies, so nothing merges. */
    tide_buddy_free(&b, (tide_pfn){6}, 0);
    tide_buddy_free(&b, (tide_pfn){1}, 0);
    tide_buddy_free(&b, (tide_pfn){4}, 0);
    cr_expect_eq(b.stats.merges, 0);
    cr_expect_eq(tide_buddy_alloc(&b, 0).v, 4);
    cr_expect_eq(tide_buddy_alloc(&b, 0).v, 1);
    cr_expect_eq(tide_buddy_alloc(&b, 0).v, 6);
    tide_buddy_fini(&b);
}

Test(buddy, any_number_of_frames_is_cut_into_aligned_blocks)
{
    static const struct {
        uint32_t frames;
        const char *free;
    } cases[] = {
        {0, ""},
        {1, "0:1"},
        {1023, "0:1 1:1 2:1 3:1 4:1 5:1 6:1 7:1 8:1 9:1"},
        {1024, "10:1"},
        {1500, "2:1 3:1 4:1 6:1 7:1 8:1 10:1"}, /* 1024 + 256 + 128 + 64 + 16 + 8 + 4 */
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tide_buddy b;

        start(&b, cases[i].frames, cases[i].frames);
        cr_expect_str_eq(blocks(&b), cases[i].free, "%u frames", cases[i].frames);
        cr_expect_eq(b.free_frames, cases[i].frames);
        tide_buddy_fini(&b);
    }
}

Test(buddy, added_frames_merge_with_free_buddies_below)
{
    struct tide_buddy b;

    start(&b, 1500, 1500);
    cr_assert_eq(tide_buddy_grow(&b, 548, NULL), 0); /* beyond the capacity too */
    cr_expect(tide_buddy_valid(&b));
    cr_expect_str_eq(blocks(&b), "10:2");
    cr_expect_eq(b.frames, 2048);
    cr_expect_geq(b.capacity, 2048);
    cr_expect_eq(tide_buddy_alloc(&b, 10).v, 0);
    /* In use: nothing to merge with. New frames come after what was there. */
    cr_expect_eq(tide_buddy_alloc(&b, 10).v, 1024);
    cr_assert_eq(tide_buddy_grow(&b, 3, NULL), 0);
    cr_expect_str_eq(blocks(&b), "0:1 1:1");
    cr_assert_eq(tide_buddy_grow(&b, 1, NULL), 0);
    cr_expect_str_eq(blocks(&b), "2:1");
    cr_expect(tide_buddy_valid(&b));
    tide_buddy_fini(&b);
}

Test(buddy, growth_keeps_the_order_of_lists)
{
    struct tide_buddy b;

    start(&b, 8, 8);
    for (int i = 0; i < 8; i++)
        cr_assert_neq(tide_buddy_alloc(&b, 0).v, TIDE_PFN_NONE.v);
    tide_buddy_free(&b, (tide_pfn){5}, 0);
    tide_buddy_free(&b, (tide_pfn){0}, 0);
    cr_assert_eq(tide_buddy_grow(&b, 1, NULL), 0);
    cr_expect_eq(tide_buddy_alloc(&b, 0).v, 0);
    cr_expect_eq(tide_buddy_alloc(&b, 0).v, 5);
    cr_expect_eq(tide_buddy_alloc(&b, 0).v, 8);
    tide_buddy_fini(&b);
}

/* (free pages - pages in free blocks of the order and above) / free pages: Linux mm/vmstat.c,
 * unusable_free_index(), without its scaling to thousandths. */
Test(buddy, unusable_index)
{
    struct tide_buddy b;
    uint64_t num, den;

    start(&b, 16, 16);
    tide_buddy_unusable(&b, 4, &num, &den);
    cr_expect(num == 0 && den == 16);
    cr_assert_eq(tide_buddy_alloc(&b, 0).v, 0); /* leaves blocks of 1, 2, 4, 8 */
    static const uint64_t unusable[] = {0, 1, 3, 7, 15, 15};
    for (unsigned k = 0; k < sizeof unusable / sizeof *unusable; k++) {
        tide_buddy_unusable(&b, k, &num, &den);
        cr_expect_eq(num, unusable[k], "order %u", k);
        cr_expect_eq(den, 15);
    }
    for (unsigned k = 0; k < 4; k++)
        cr_assert_neq(tide_buddy_alloc(&b, k).v, TIDE_PFN_NONE.v);
    tide_buddy_unusable(&b, 0, &num, &den);
    cr_expect(num == 0 && den == 0);
    tide_buddy_fini(&b);
}

Test(buddy, orders_beyond_the_top_fail)
{
    struct tide_buddy b;

    start(&b, 1 << 12, 1 << 12);
    cr_expect_eq(tide_buddy_alloc(&b, TIDE_BUDDY_ORDERS).v, TIDE_PFN_NONE.v);
    cr_expect_eq(tide_buddy_alloc(&b, 40).v, TIDE_PFN_NONE.v);
    cr_expect_eq(b.stats.failures, 2);
    cr_expect_eq(b.free_frames, 1 << 12);
    tide_buddy_fini(&b);
}

Test(buddy, parts_of_a_block_can_be_freed_apart)
{
    struct tide_buddy b;

    start(&b, 16, 16);
    cr_assert_eq(tide_buddy_alloc(&b, 4).v, 0);
    for (uint32_t i = 0; i < 16; i++)
        tide_buddy_free(&b, (tide_pfn){i}, 0);
    cr_expect_str_eq(blocks(&b), "4:1");
    cr_expect(tide_buddy_valid(&b));
    tide_buddy_fini(&b);
}

/* 64 GiB of 4 KiB frames: the tables are 128 MiB and more, of which only the top order's 128 KiB
 * and a few pages may become resident. */
Test(buddy, a_large_zone_stays_small)
{
    struct tide_buddy b;
    long pages[2];

    mallopt(M_PERTURB, 0); /* meson sets it, and then calloc writes all of what it hands out */
    for (int i = 0; i < 2; i++) {
        FILE *f;
        long size;

        if (i == 1)
            cr_assert_eq(tide_buddy_init(&b, 1 << 24, 1 << 24, NULL), 0);
        f = fopen("/proc/self/statm", "r");
        cr_assert_not_null(f);
        cr_assert_eq(fscanf(f, "%ld %ld", &size, &pages[i]), 2);
        fclose(f);
    }
    cr_expect_lt(pages[1] - pages[0], 128, "%ld pages became resident", pages[1] - pages[0]);
    cr_expect_eq(b.free_blocks[10], 1 << 14);
    tide_buddy_fini(&b);
}

Test(buddy, without_host_memory_nothing_changes)
{
    struct tide_buddy b, before;
    struct tide_error e = {0};

    tide_mem_fail_after(1);
    cr_expect_eq(tide_buddy_init(&b, 8, 8, &e), TIDE_E_NOMEM);
    cr_expect_eq(e.code, TIDE_E_NOMEM);
    tide_buddy_fini(&b);
    tide_mem_fail_after(0);
    start(&b, 8, 8);
    before = b;
    tide_mem_fail_after(1);
    cr_expect_eq(tide_buddy_grow(&b, 8, &e), TIDE_E_NOMEM);
    cr_expect_eq(memcmp(&b, &before, sizeof b), 0);
    tide_mem_fail_after(0);
    cr_expect(tide_buddy_valid(&b));
    tide_buddy_fini(&b);
}
