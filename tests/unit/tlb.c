/* tlb/: state tables of each kind, paths, known answers, configurations. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tlb/tlb.h"

static struct tide_tlb_array_config shape(uint32_t entries, uint32_t ways, enum tide_tlb_kind kind)
{
    return (struct tide_tlb_array_config){
        .name = "l1", .level = 1, .serves = 3, .entries = entries, .ways = ways, .kind = kind};
}

static struct tide_tlb_array new_array(uint32_t entries, uint32_t ways, enum tide_tlb_kind kind)
{
    struct tide_tlb_array_config c = shape(entries, ways, kind);
    struct tide_tlb_array a;

    cr_assert_eq(tide_tlb_array_init(&a, &c, 1, NULL), 0);
    return a;
}

/* Touches page `letter` ('a' is page 0); hit or fill. */
static bool touch(struct tide_tlb_array *a, char letter)
{
    tide_page page = {(uint64_t)(letter - 'a')};
    int32_t slot = tide_tlb_array_find(a, page);

    if (slot >= 0)
        tide_tlb_array_hit(a, slot, 1);
    else
        tide_tlb_array_fill(a, page, 0);
    return slot >= 0;
}

/* The ways of a one-set array as letters, '.' for a free one. */
static void show(const struct tide_tlb_array *a, char *buf)
{
    for (uint32_t way = 0; way < a->ways; way++)
        buf[way] = a->tags[way] == TIDE_PAGE_NONE.v ? '.' : (char)('a' + a->tags[way]);
    buf[a->ways] = '\0';
}

/* A step is a page, or - and the page that is invalidated before the next. */
static void replay(enum tide_tlb_kind kind, uint32_t ways, const char *const (*steps)[2])
{
    struct tide_tlb_array a = new_array(ways, ways, kind);
    char now[32];

    for (int i = 0; steps[i][0] != NULL; i++) {
        if (steps[i][0][0] == '-')
            cr_expect(tide_tlb_array_invalidate(&a, (tide_page){(uint64_t)(steps[i][0][1] - 'a')}));
        else
            touch(&a, steps[i][0][0]);
        show(&a, now);
        cr_expect_str_eq(now, steps[i][1], "%s, step %d (%s)", tide_tlb_kind_names[kind], i,
                         steps[i][0]);
    }
    tide_tlb_array_fini(&a);
}

Test(tlb, lru_evicts_the_least_recently_used)
{
    static const char *const steps[][2] = {
        {"a", "a..."}, {"b", "ab.."}, {"c", "abc."}, {"d", "abcd"}, {"a", "abcd"},
        {"e", "aecd"}, {"c", "aecd"}, {"f", "aecf"}, {"g", "gecf"}, {NULL, NULL}};

    replay(TIDE_TLB_lru, 4, steps);
}

Test(tlb, fifo_does_not_care_for_hits)
{
    static const char *const steps[][2] = {{"a", "a..."}, {"b", "ab.."}, {"c", "abc."},
                                           {"d", "abcd"}, {"a", "abcd"}, {"e", "ebcd"},
                                           {"b", "ebcd"}, {"f", "efcd"}, {NULL, NULL}};

    replay(TIDE_TLB_fifo, 4, steps);
}

/* counts:                                      after
 *   a a b c   -> a 2, b 1, c 1                 d takes b's way: the lower of the ties
 *   d d d e   -> d 3, e takes c's way          a 2, d 3, e 1
 *   b         -> takes e's way, with count 1   a 2, d 3, b 1
 *   c         -> takes b's */
Test(tlb, lfu_counts_since_the_fill_and_takes_the_lowest_way_of_equals)
{
    static const char *const steps[][2] = {{"a", "a.."}, {"a", "a.."}, {"b", "ab."}, {"c", "abc"},
                                           {"d", "adc"}, {"d", "adc"}, {"d", "adc"}, {"e", "ade"},
                                           {"b", "adb"}, {"c", "adc"}, {NULL, NULL}};

    replay(TIDE_TLB_lfu, 3, steps);
}

/* root and halves, > means the victim is searched on the right:
 *   a b c d filled    root <, left half <, right half <
 *   a hit             root >, left half >
 *   e                 into the right half's left way (c's); root <, right half >
 *   f                 left half says > : b's; root >, left half <
 *   g                 right half says > : d's */
Test(tlb, plru_follows_the_tree)
{
    static const char *const steps[][2] = {{"a", "a..."}, {"b", "ab.."}, {"c", "abc."},
                                           {"d", "abcd"}, {"a", "abcd"}, {"e", "abed"},
                                           {"f", "afed"}, {"g", "afeg"}, {NULL, NULL}};

    replay(TIDE_TLB_plru, 4, steps);
}

Test(tlb, the_lowest_free_way_is_filled_first_whatever_the_kind)
{
    static const char *const steps[][2] = {
        {"a", "a..."}, {"b", "ab.."}, {"c", "abc."},  {"d", "abcd"}, {"-d", "abc."}, {"-b", "a.c."},
        {"e", "aec."}, {"f", "aecf"}, {"-a", ".ecf"}, {"b", "becf"}, {NULL, NULL}};

    for (int kind = 0; kind < TIDE_TLB_KINDS; kind++)
        replay((enum tide_tlb_kind)kind, 4, steps);
}

/* The same sequence of free ways where ways are found by the tournament. */
Test(tlb, the_lowest_free_way_is_filled_first_among_many)
{
    enum { WAYS = 2 * TIDE_TLB_SCAN_VICTIMS };

    for (int kind = 0; kind < TIDE_TLB_KINDS; kind++) {
        struct tide_tlb_array a = new_array(WAYS, WAYS, (enum tide_tlb_kind)kind);

        for (uint64_t v = 0; v < WAYS; v++)
            cr_expect_eq(tide_tlb_array_fill(&a, (tide_page){v}, 0), (int32_t)v);
        cr_expect(tide_tlb_array_invalidate(&a, (tide_page){40}));
        cr_expect(tide_tlb_array_invalidate(&a, (tide_page){7}));
        cr_expect_not(tide_tlb_array_invalidate(&a, (tide_page){7}));
        cr_expect_eq(tide_tlb_array_fill(&a, (tide_page){1000}, 0), 7);
        cr_expect_eq(tide_tlb_array_fill(&a, (tide_page){1001}, 0), 40);
        cr_expect_eq(a.stats.evictions, 0);
        tide_tlb_array_fill(&a, (tide_page){1002}, 0);
        cr_expect_eq(a.stats.evictions, 1);
        tide_tlb_array_fini(&a);
    }
}

/* A refill lowers a way's count, which no hit can do. All counts are 2; page 1000 comes into way 0
 * with count 1, 1001 into the freed last way; 1002 must take the lower of these two. */
Test(tlb, lfu_among_many_ways_sees_the_lowered_count_of_a_refill)
{
    enum { WAYS = 2 * TIDE_TLB_SCAN_VICTIMS };
    struct tide_tlb_array a = new_array(WAYS, WAYS, TIDE_TLB_lfu);

    for (uint64_t v = 0; v < WAYS; v++)
        tide_tlb_array_hit(&a, tide_tlb_array_fill(&a, (tide_page){v}, 0), 1);
    cr_expect_eq(tide_tlb_array_fill(&a, (tide_page){1000}, 0), 0);
    cr_expect(tide_tlb_array_invalidate(&a, (tide_page){WAYS - 1}));
    cr_expect_eq(tide_tlb_array_fill(&a, (tide_page){1001}, 0), WAYS - 1);
    cr_expect_eq(tide_tlb_array_fill(&a, (tide_page){1002}, 0), 0);
    tide_tlb_array_fini(&a);
}

Test(tlb, random_takes_any_way_and_the_same_ones_for_the_same_seed)
{
    struct tide_tlb_array a = new_array(8, 8, TIDE_TLB_random);
    struct tide_tlb_array b = new_array(8, 8, TIDE_TLB_random);
    unsigned ways = 0;

    for (uint64_t v = 0; v < 200; v++) {
        int32_t slot = tide_tlb_array_fill(&a, (tide_page){v}, 0);

        cr_assert_eq(tide_tlb_array_fill(&b, (tide_page){v}, 0), slot);
        if (v >= 8)
            ways |= 1u << slot;
    }
    cr_expect_eq(ways, 0xff);
    cr_expect_eq(a.stats.evictions, 192);
    tide_tlb_array_fini(&a);
    tide_tlb_array_fini(&b);
}

Test(tlb, n_hits_at_once_are_n_hits)
{
    struct tide_tlb_array a = new_array(2, 2, TIDE_TLB_lfu);

    touch(&a, 'a');
    touch(&a, 'b');
    tide_tlb_array_hit(&a, 0, 5);
    cr_expect_eq(a.stats.lookups, 5);
    cr_expect_eq(a.stats.hits, 5);
    cr_expect_eq(a.order[0], 6);
    cr_expect_eq(a.order[1], 1);
    tide_tlb_array_fini(&a);
}

/* Derivation: with W entries and LRU, page k + W evicts page k just before it is needed; and W
 * pages fit. */
Test(tlb, sweeps_around_the_capacity)
{
    static const uint32_t sizes[] = {1, 2, 4, 16, 17, 64, 100, 512};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint32_t w = sizes[i];

        for (uint32_t pages = w; pages <= w + 1; pages++) {
            struct tide_tlb_array a = new_array(w, w, TIDE_TLB_lru);
            uint64_t misses = 0;

            for (int sweep = 0; sweep < 4; sweep++) {
                for (uint64_t v = 0; v < pages; v++) {
                    int32_t slot = tide_tlb_array_find(&a, (tide_page){v});

                    misses += slot < 0;
                    if (slot >= 0)
                        tide_tlb_array_hit(&a, slot, 1);
                    else
                        tide_tlb_array_fill(&a, (tide_page){v}, 0);
                }
            }
            cr_expect_eq(misses, pages == w ? w : 4 * pages, "%u entries, %u pages", w, pages);
            cr_expect_eq(a.stats.hits, pages == w ? 3 * w : 0, "%u entries, %u pages", w, pages);
            tide_tlb_array_fini(&a);
        }
    }
}

/* Bryant and O'Hallaron, Computer Systems: A Programmer's Perspective, 3rd ed. 2016, section 9.6.4:
 * 14-bit virtual and 12-bit physical addresses, 64-byte pages, a TLB of 4 sets of 4 ways. The valid
 * entries of its figure 9.20(a), and the translations worked out there (0x3d4) and in practice
 * problem 9.4 (0x3d7). */
Test(tlb, csapp_example_memory_system)
{
    static const struct {
        uint64_t set, tag;
        uint32_t ppn;
    } figure[] = {
        {0, 0x09, 0x0d}, {0, 0x07, 0x02}, {1, 0x03, 0x2d}, {3, 0x03, 0x0d}, {3, 0x0a, 0x34}};
    static const struct {
        uint64_t va, vpn, set, tag, pa;
    } answers[] = {{0x3d4, 0xf, 3, 3, 0x354}, {0x3d7, 0xf, 3, 3, 0x357}};
    struct tide_geometry g = {.page_shift = 6, .va_bits = 14};
    struct tide_tlb_array a = new_array(16, 4, TIDE_TLB_lru);

    cr_assert_eq(a.sets, 4);
    for (size_t i = 0; i < sizeof figure / sizeof *figure; i++)
        tide_tlb_array_fill(&a, (tide_page){figure[i].tag << 2 | figure[i].set}, figure[i].ppn);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        tide_page page = tide_page_of(g, 0, answers[i].va);
        int32_t slot = tide_tlb_array_find(&a, page);

        cr_expect_eq(tide_page_vpn(page), answers[i].vpn);
        cr_expect_eq(page.v & a.set_mask, answers[i].set);
        cr_expect_eq(page.v >> 2, answers[i].tag);
        cr_assert_geq(slot, 0);
        cr_expect_eq((uint64_t)slot / a.ways, answers[i].set);
        cr_expect_eq((uint64_t)a.frames[slot] << 6 | (answers[i].va & 63), answers[i].pa);
    }
    cr_expect_lt(tide_tlb_array_find(&a, (tide_page){0x0e}), 0);
    tide_tlb_array_fini(&a);
}

/* l1i, l1d and l2 of 1, 1 and 2 entries. */
static const struct tide_tlb_config two_levels = {
    .n = 3,
    .arrays = {{.name = "l1i", .level = 1, .serves = TIDE_TLB_FOR_FETCH, .entries = 1, .ways = 1},
               {.name = "l1d", .level = 1, .serves = TIDE_TLB_FOR_DATA, .entries = 1, .ways = 1},
               {.name = "l2", .level = 2, .serves = 3, .entries = 2, .ways = 2}}};

/*   side page   finds            l1i  l1d  l2      compulsory in
 *   D    1      nothing          -    1    1       l1d, l2
 *   D    1      l1d              -    1    1
 *   F    1      l2               1    1    1       l1i
 *   D    2      nothing          1    2    1 2     l1d, l2
 *   D    1      l2               1    1    1 2
 *   invalidate 1                 -    -    2
 *   F    1      nothing          1    -    1 2     (seen before) */
Test(tlb, a_miss_goes_down_and_the_path_is_filled)
{
    static const struct {
        enum tide_side side;
        uint64_t vpn;
        int level;
    } steps[] = {{TIDE_SIDE_DATA, 1, -1}, {TIDE_SIDE_DATA, 1, 0}, {TIDE_SIDE_FETCH, 1, 1},
                 {TIDE_SIDE_DATA, 2, -1}, {TIDE_SIDE_DATA, 1, 1}, {TIDE_SIDE_FETCH, 1, -1}};
    static const struct tide_tlb_array_stats stats[] = {
        {.lookups = 2, .misses = 2, .compulsory_misses = 1, .invalidations = 1},
        {.lookups = 4,
         .hits = 1,
         .misses = 3,
         .compulsory_misses = 2,
         .evictions = 2,
         .invalidations = 1},
        {.lookups = 5, .hits = 2, .misses = 3, .compulsory_misses = 2, .invalidations = 1}};
    uint16_t seen[3] = {0};
    struct tide_tlb t;

    cr_assert_eq(tide_tlb_check(&two_levels, 12, NULL), 0);
    cr_assert_eq(tide_tlb_init(&t, &two_levels, 12, 1, NULL), 0);
    for (int i = 0; i < 6; i++) {
        tide_page page = {steps[i].vpn};
        uint32_t frame = 0;
        int level;

        if (i == 5)
            tide_tlb_invalidate(&t, page);
        level = tide_tlb_lookup(&t, steps[i].side, page, &frame);
        cr_expect_eq(level, steps[i].level, "step %d", i);
        if (level < 0)
            tide_tlb_fill(&t, steps[i].side, page, 70 + (uint32_t)steps[i].vpn);
        else
            cr_expect_eq(frame, 70 + steps[i].vpn, "step %d", i);
        tide_tlb_note(&t, steps[i].side, level, &seen[steps[i].vpn]);
    }
    for (int i = 0; i < 3; i++)
        cr_expect(memcmp(&t.arrays[i].stats, &stats[i], sizeof *stats) == 0, "%s",
                  t.arrays[i].config.name);
    cr_expect_eq(seen[1], 7);
    cr_expect_eq(seen[2], 6);
    tide_tlb_zero_stats(&t);
    cr_expect_eq(t.arrays[2].stats.lookups, 0);
    cr_expect_geq(tide_tlb_array_find(&t.arrays[2], (tide_page){1}), 0, "contents stay");
    tide_tlb_fini(&t);
}

Test(tlb, no_arrays_means_every_reference_misses)
{
    struct tide_tlb_config none = {.n = 0};
    struct tide_tlb t;
    uint32_t frame;
    uint16_t seen = 0;

    cr_assert_eq(tide_tlb_check(&none, 12, NULL), 0);
    cr_assert_eq(tide_tlb_init(&t, &none, 12, 1, NULL), 0);
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(tide_tlb_lookup(&t, TIDE_SIDE_DATA, (tide_page){1}, &frame), -1);
        tide_tlb_fill(&t, TIDE_SIDE_DATA, (tide_page){1}, 0);
        tide_tlb_note(&t, TIDE_SIDE_DATA, -1, &seen);
    }
    cr_expect_eq(seen, 0);
    tide_tlb_fini(&t);
}

Test(tlb, the_path_takes_the_arrays_of_the_page_size)
{
    struct tide_tlb_config c = {.n = 4,
                                .arrays = {{"l1-4k", 1, 3, 4, 4, TIDE_TLB_lru, 0, 1, {12}},
                                           {"l1-2m", 1, 3, 4, 4, TIDE_TLB_lru, 0, 1, {21}},
                                           {"l2", 2, 3, 8, 4, TIDE_TLB_lru, 0, 2, {12, 21}},
                                           {"l2-1g", 2, 3, 4, 4, TIDE_TLB_lru, 0, 1, {30}}}};
    static const struct {
        unsigned shift, depth;
        uint8_t path[2];
    } want[] = {{12, 2, {0, 2}}, {21, 2, {1, 2}}, {30, 1, {3, 0}}};

    for (int i = 0; i < 3; i++) {
        struct tide_tlb t;

        cr_assert_eq(tide_tlb_check(&c, want[i].shift, NULL), 0);
        cr_assert_eq(tide_tlb_init(&t, &c, want[i].shift, 1, NULL), 0);
        for (int side = 0; side < TIDE_SIDES; side++) {
            cr_expect_eq(t.depth[side], want[i].depth);
            cr_expect_eq(memcmp(t.path[side], want[i].path, want[i].depth), 0);
        }
        tide_tlb_fill(&t, TIDE_SIDE_DATA, (tide_page){1}, 0);
        tide_tlb_invalidate(&t, (tide_page){1}); /* passes over the arrays that serve nothing */
        tide_tlb_flush_process(&t, 0);
        cr_expect_str_eq(t.arrays[1].config.name, "l1-2m");
        cr_expect_eq(t.arrays[0].tags != NULL, want[i].shift == 12);
        tide_tlb_fini(&t);
    }
}

Test(tlb, flush_takes_one_process_out)
{
    struct tide_tlb_config c = {.n = 1, .arrays = {shape(32, 32, TIDE_TLB_lru)}};
    struct tide_tlb t;

    cr_assert_eq(tide_tlb_init(&t, &c, 12, 1, NULL), 0);
    for (uint64_t v = 0; v < 30; v++)
        tide_tlb_fill(&t, TIDE_SIDE_DATA, (tide_page){v | v % 3 << TIDE_VPN_BITS}, 0);
    tide_tlb_flush_process(&t, 1);
    for (uint64_t v = 0; v < 30; v++)
        cr_expect_eq(tide_tlb_array_find(&t.arrays[0], (tide_page){v | v % 3 << TIDE_VPN_BITS}) >=
                         0,
                     v % 3 != 1);
    cr_expect_eq(t.arrays[0].stats.invalidations, 10);
    tide_tlb_fini(&t);
}

Test(tlb, shapes_that_cannot_be_name_those_that_can)
{
    static const struct {
        uint32_t entries, ways;
        enum tide_tlb_kind kind;
        const char *what, *remedy;
    } cases[] = {
        {64, 5, TIDE_TLB_lru, "x: 5 ways do not divide 64 entries",
         "ways 4 or 8, or entries 40 or 80 would do"},
        {96, 4, TIDE_TLB_lru, "x: 96 entries of 4 ways are 24 sets, no power of two",
         "ways 3 or 6, or entries 64 or 128 would do"},
        {7, 2, TIDE_TLB_fifo, "x: 2 ways do not divide 7 entries",
         "ways 7, or entries 4 or 8 would do"},
        {2048, 12, TIDE_TLB_lru, "x: 12 ways do not divide 2048 entries",
         "ways 8 or 16, or entries 1536 or 3072 would do"},
        {48, 12, TIDE_TLB_plru, "x: plru needs a power of two of ways, not 12",
         "lru takes any number of ways"},
        {96, 4, TIDE_TLB_plru, "x: 96 entries of 4 ways are 24 sets, no power of two",
         "entries 64 or 128 would do; lru takes any number of ways"},
        {0, 1, TIDE_TLB_lru, "x: 0 entries", "from 1 to 1048576"},
        {1048577, 1, TIDE_TLB_lru, "x: 1048577 entries", "from 1 to 1048576"},
        {8, 0, TIDE_TLB_lru, "x: 0 ways for 8 entries", "from 1 to 8; 'full' is 8"},
        {8, 9, TIDE_TLB_lru, "x: 9 ways for 8 entries", "from 1 to 8; 'full' is 8"},
    };
    struct tide_error e;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_eq(tide_tlb_check_shape("x", cases[i].entries, cases[i].ways, cases[i].kind, &e),
                     TIDE_E_CONFIG);
        cr_expect_str_eq(e.what, cases[i].what);
        cr_expect_str_eq(e.remedy, cases[i].remedy);
    }
    cr_expect_eq(tide_tlb_check_shape("x", 1536, 12, TIDE_TLB_lru, &e), 0);
    cr_expect_eq(tide_tlb_check_shape("x", 72, 72, TIDE_TLB_lru, &e), 0);
    cr_expect_eq(tide_tlb_check_shape("x", 16, 16, TIDE_TLB_plru, &e), 0);
}

static struct tide_tlb_config changed(void (*change)(struct tide_tlb_config *))
{
    struct tide_tlb_config c = two_levels;

    change(&c);
    return c;
}

static void bad_shape(struct tide_tlb_config *c)
{
    c->arrays[1].entries = 3;
    c->arrays[1].ways = 2;
}

static void same_name(struct tide_tlb_config *c)
{
    strcpy(c->arrays[1].name, "l1i");
}

static void no_name(struct tide_tlb_config *c)
{
    c->arrays[1].name[0] = '\0';
}

static void gap(struct tide_tlb_config *c)
{
    c->arrays[2].level = 3;
}

static void no_level(struct tide_tlb_config *c)
{
    c->arrays[2].level = 0;
}

static void no_side(struct tide_tlb_config *c)
{
    c->arrays[2].serves = 0;
}

static void twice(struct tide_tlb_config *c)
{
    c->arrays[1].serves = 3;
}

static void other_size(struct tide_tlb_config *c)
{
    for (int i = 1; i < 3; i++) {
        c->arrays[i].n_sizes = 1;
        c->arrays[i].page_shifts[0] = 21;
    }
}

static void too_many(struct tide_tlb_config *c)
{
    c->n = TIDE_TLB_MAX_ARRAYS + 1;
}

Test(tlb, configurations_that_cannot_be_say_which_array)
{
    static const struct {
        void (*change)(struct tide_tlb_config *);
        const char *what;
    } cases[] = {
        {bad_shape, "TLB array 'l1d': 2 ways do not divide 3 entries"},
        {same_name, "two TLB arrays have the name 'l1i'"},
        {no_name, "TLB array 2 has no name"},
        {gap, "the TLB levels have a gap"},
        {no_level, "TLB array 'l2': level 0"},
        {no_side, "TLB array 'l2' serves neither fetches nor data"},
        {twice, "TLB arrays 'l1i' and 'l1d' both serve 4K pages at level 1"},
        {other_size, "no TLB array for data serves 4K pages"},
        {too_many, "17 TLB arrays"},
    };
    struct tide_error e;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tide_tlb_config c = changed(cases[i].change);

        cr_expect_eq(tide_tlb_check(&c, 12, &e), TIDE_E_CONFIG, "%s", cases[i].what);
        cr_expect_str_eq(e.what, cases[i].what);
        cr_expect_neq(e.remedy[0], '\0', "%s", cases[i].what);
        cr_expect_eq(tide_tlb_check(&c, 12, NULL), TIDE_E_CONFIG, "without an error to fill");
    }
}

/* A data TLB alone is a choice; each fetch walks. */
Test(tlb, a_side_may_have_no_array)
{
    struct tide_tlb_config c = {.n = 1, .arrays = {shape(4, 4, TIDE_TLB_lru)}};
    struct tide_tlb t;

    c.arrays[0].serves = TIDE_TLB_FOR_DATA;
    cr_expect_eq(tide_tlb_check(&c, 12, NULL), 0);
    cr_assert_eq(tide_tlb_init(&t, &c, 12, 1, NULL), 0);
    cr_expect_eq(t.depth[TIDE_SIDE_FETCH], 0);
    cr_expect_eq(t.depth[TIDE_SIDE_DATA], 1);
    tide_tlb_fini(&t);
}

/* Each allocation that init makes is failed once; the sanitizer build sees leaks. */
Test(tlb, out_of_memory_leaves_nothing_behind)
{
    struct tide_tlb_config c = {
        .n = 2,
        .arrays = {shape(2 * TIDE_TLB_SCAN_VICTIMS, 2 * TIDE_TLB_SCAN_VICTIMS, TIDE_TLB_lru),
                   shape(8, 4, TIDE_TLB_plru)}};
    struct tide_error e;
    struct tide_tlb t;
    long n = 0;
    int rc;

    strcpy(c.arrays[1].name, "l2");
    c.arrays[1].level = 2;
    do {
        tide_mem_fail_after(++n);
        rc = tide_tlb_init(&t, &c, 12, 1, &e);
        tide_mem_fail_after(0);
        cr_assert(rc == 0 || rc == TIDE_E_NOMEM);
    } while (rc != 0);
    cr_expect_eq(n, 6 + 4 + 1, "tags, frames, order and index, record, winners; or the trees");
    tide_tlb_fini(&t);
}
