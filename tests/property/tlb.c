/* tlb/: against the plain TLB of tests/support over random streams; laws of LRU. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/map.h"
#include "plain_tlb.h"
#include "tlb/tlb.h"

/* Every kind in every round, in shapes on both sides of TIDE_TLB_SCAN_WAYS and of
 * TIDE_TLB_SCAN_VICTIMS, some not a power of two of ways. */
static const struct {
    uint32_t entries, ways;
} shapes[] = {{1, 1},   {8, 1},     {8, 2},     {16, 4},    {24, 6},   {48, 12},  {16, 16},
              {17, 17}, {32, 32},   {64, 32},   {72, 72},   {80, 20},  {128, 64}, {96, 96},
              {64, 8},  {256, 128}, {129, 129}, {200, 200}, {512, 256}};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static void random_array(struct tide_tlb_array_config *a, struct tide_rng *r, const char *name,
                         uint32_t level, uint32_t serves, enum tide_tlb_kind kind)
{
    uint64_t i;

    do
        i = tide_rng_below(r, SHAPES);
    while (kind == TIDE_TLB_plru && (shapes[i].ways & (shapes[i].ways - 1)) != 0);
    *a = (struct tide_tlb_array_config){.level = level,
                                        .serves = serves,
                                        .entries = shapes[i].entries,
                                        .ways = shapes[i].ways,
                                        .kind = kind};
    snprintf(a->name, sizeof a->name, "%s", name);
}

static void random_config(struct tide_tlb_config *c, struct tide_rng *r, uint64_t round)
{
    enum tide_tlb_kind kind = (enum tide_tlb_kind)(round % TIDE_TLB_KINDS);
    bool unified = tide_rng_below(r, 3) == 0;
    uint64_t levels = 1 + tide_rng_below(r, 3);

    *c = (struct tide_tlb_config){0};

    if (unified) {
        random_array(&c->arrays[c->n++], r, "l1", 1, 3, kind);
    } else {
        random_array(&c->arrays[c->n++], r, "l1i", 1, TIDE_TLB_FOR_FETCH, kind);
        random_array(&c->arrays[c->n++], r, "l1d", 1, TIDE_TLB_FOR_DATA,
                     (enum tide_tlb_kind)tide_rng_below(r, TIDE_TLB_KINDS));
    }
    for (uint32_t level = 2; level <= levels; level++) {
        char name[8];

        snprintf(name, sizeof name, "l%u", level);
        random_array(&c->arrays[c->n++], r, name, level, 3,
                     (enum tide_tlb_kind)tide_rng_below(r, TIDE_TLB_KINDS));
    }
}

static void same_counts(const struct tide_tlb *t, const struct plain_tlb *p, uint64_t seed)
{
    for (unsigned i = 0; i < t->n; i++) {
        const struct tide_tlb_array_stats *x = &t->arrays[i].stats, *y = &p->arrays[i].stats;
        const char *name = t->arrays[i].config.name;

        cr_assert_eq(x->lookups, y->lookups, "seed %lu, %s", seed, name);
        cr_assert_eq(x->hits, y->hits, "seed %lu, %s", seed, name);
        cr_assert_eq(x->misses, y->misses, "seed %lu, %s", seed, name);
        cr_assert_eq(x->compulsory_misses, y->compulsory_misses, "seed %lu, %s", seed, name);
        cr_assert_eq(x->evictions, y->evictions, "seed %lu, %s", seed, name);
        cr_assert_eq(x->invalidations, y->invalidations, "seed %lu, %s", seed, name);
    }
}

/* Slot by slot, and what find() says of every page. */
static void same_contents(const struct tide_tlb *t, const struct plain_tlb *p, uint64_t seed)
{
    for (unsigned i = 0; i < t->n; i++) {
        const struct tide_tlb_array *a = &t->arrays[i];

        for (uint32_t slot = 0; slot < a->config.entries; slot++) {
            const struct plain_entry *e = &p->arrays[i].set[slot / a->ways][slot % a->ways];
            tide_page page = {e->vpn | (uint64_t)e->process << TIDE_VPN_BITS};

            if (!e->valid) {
                cr_assert_eq(a->tags[slot], TIDE_PAGE_NONE.v, "seed %lu, %s, slot %u", seed,
                             a->config.name, slot);
                continue;
            }
            cr_assert_eq(a->tags[slot], page.v, "seed %lu, %s, slot %u", seed, a->config.name,
                         slot);
            cr_assert_eq(a->frames[slot], e->frame, "seed %lu, %s, slot %u", seed, a->config.name,
                         slot);
            cr_assert_eq(tide_tlb_array_find(a, page), (int32_t)slot, "seed %lu, %s, slot %u", seed,
                         a->config.name, slot);
        }
    }
}

/* A stream with locality: mostly near a moving centre, sometimes anywhere, from two processes. */
static tide_page random_page(struct tide_rng *r, uint64_t *centre, uint64_t span)
{
    uint64_t process = tide_rng_below(r, 8) == 0;

    if (tide_rng_below(r, 50) == 0)
        *centre = tide_rng_below(r, span);
    if (tide_rng_below(r, 10) == 0)
        return (tide_page){tide_rng_below(r, span) | process << TIDE_VPN_BITS};
    return (tide_page){(*centre + tide_rng_below(r, 1 + span / 4)) % span | process
                                                                                << TIDE_VPN_BITS};
}

struct totals {
    uint64_t evictions[TIDE_TLB_KINDS], invalidations[TIDE_TLB_KINDS], hits[TIDE_TLB_KINDS];
};

static void one_case(uint64_t seed, struct totals *totals)
{
    struct tide_tlb_config c;
    struct tide_tlb t;
    struct plain_tlb p;
    struct tide_rng r;
    struct tide_map seen; /* of every page */
    uint64_t centre = 0, span;
    struct tide_error e;

    tide_rng_init(&r, seed, "property tlb");
    random_config(&c, &r, seed);
    cr_assert_eq(tide_tlb_check(&c, 12, &e), 0, "seed %lu: %s", seed, e.what);
    cr_assert_eq(tide_tlb_init(&t, &c, 12, seed, &e), 0);
    plain_tlb_init(&p, &c, 12, seed);
    tide_map_init(&seen);
    span = UINT64_C(4) << tide_rng_below(&r, 9);
    for (int step = 0; step < 3000; step++) {
        tide_page page = random_page(&r, &centre, span);
        uint64_t vpn = tide_page_vpn(page), what = tide_rng_below(&r, 100);
        unsigned process = tide_page_process(page);

        if (what < 4) {
            tide_tlb_invalidate(&t, page);
            plain_tlb_invalidate(&p, process, vpn);
        } else if (what < 6) {
            tide_tlb_invalidate(&t, page);
            tide_map_remove(&seen, page.v);
            plain_tlb_forget(&p, process, vpn);
        } else if (what == 6 && step % 10 == 0) {
            tide_tlb_flush_process(&t, process);
            plain_tlb_flush_process(&p, process);
        } else {
            enum tide_side side = (enum tide_side)tide_rng_below(&r, TIDE_SIDES);
            uint32_t frame = (uint32_t)step, plain_frame = frame;
            uint64_t *mask = tide_map_put(&seen, page.v, NULL);
            uint16_t m;
            int level = tide_tlb_lookup(&t, side, page, &frame);

            if (level < 0)
                tide_tlb_fill(&t, side, page, frame);
            m = (uint16_t)*mask;
            tide_tlb_note(&t, side, level, &m);
            *mask = m;
            cr_assert_eq(level,
                         plain_tlb_reference(&p, side, process, vpn, (uint32_t)step, &plain_frame),
                         "seed %lu, step %d", seed, step);
            cr_assert_eq(frame, plain_frame, "seed %lu, step %d", seed, step);
        }
        if (step % 500 == 499)
            same_contents(&t, &p, seed);
    }
    same_counts(&t, &p, seed);
    for (unsigned i = 0; i < t.n; i++) {
        totals->evictions[t.arrays[i].kind] += t.arrays[i].stats.evictions;
        totals->invalidations[t.arrays[i].kind] += t.arrays[i].stats.invalidations;
        totals->hits[t.arrays[i].kind] += t.arrays[i].stats.hits;
    }
    tide_map_fini(&seen);
    tide_tlb_fini(&t);
    plain_tlb_fini(&p);
}

Test(tlb, agrees_with_the_plain_tlb)
{
    struct totals totals = {0};

    for (uint64_t seed = 1; seed <= 300; seed++)
        one_case(seed, &totals);
    for (int kind = 0; kind < TIDE_TLB_KINDS; kind++) {
        cr_expect_gt(totals.evictions[kind], 1000, "%s", tide_tlb_kind_names[kind]);
        cr_expect_gt(totals.invalidations[kind], 1000, "%s", tide_tlb_kind_names[kind]);
        cr_expect_gt(totals.hits[kind], 1000, "%s", tide_tlb_kind_names[kind]);
    }
}

/* Mattson, Gecsei, Slutz and Traiger, "Evaluation techniques for storage hierarchies", IBM Systems
 * Journal 9(2), 1970: what n fully associative LRU entries hold, n + 1 hold too. */
Test(tlb, lru_has_the_inclusion_property)
{
    enum { LARGEST = 40 };
    struct tide_tlb_array a[LARGEST + 1];
    uint64_t seed = 7, centre = 0, differ = 0;
    struct tide_rng r;

    tide_rng_init(&r, seed, "inclusion");
    for (uint32_t n = 1; n <= LARGEST; n++) {
        struct tide_tlb_array_config c = {.entries = n, .ways = n, .kind = TIDE_TLB_lru};

        cr_assert_eq(tide_tlb_array_init(&a[n], &c, 1, NULL), 0);
    }
    for (int step = 0; step < 5000; step++) {
        tide_page page = random_page(&r, &centre, 64);
        bool smaller_hit = false;

        for (uint32_t n = 1; n <= LARGEST; n++) {
            int32_t slot = tide_tlb_array_find(&a[n], page);

            cr_assert(!smaller_hit || slot >= 0, "seed %lu, step %d: %u entries hit, %u do not",
                      seed, step, n - 1, n);
            differ += !smaller_hit && slot >= 0;
            smaller_hit = slot >= 0;
            if (slot >= 0)
                tide_tlb_array_touch(&a[n], slot, 1);
            else
                tide_tlb_array_fill(&a[n], page, 0);
        }
    }
    cr_expect_gt(differ, 100, "a stream that tells sizes apart");
    for (uint32_t n = 1; n <= LARGEST; n++)
        tide_tlb_array_fini(&a[n]);
}
