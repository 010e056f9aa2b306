/* phys/buddy against a bitmap of frames in use: what is free, and how it must be cut into blocks.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/rng.h"
#include "phys/buddy.h"

enum { FRAMES_MAX = 6000, HELD_MAX = 512, SEEDS = 200, STEPS = 1500 };

struct model {
    uint32_t frames;
    bool used[FRAMES_MAX];
    struct held {
        uint32_t pfn;
        unsigned order;
    } held[HELD_MAX];
    unsigned n_held;
};

/* Whether the aligned block is whole and free. */
static bool block_free(const struct model *m, uint32_t pfn, unsigned order)
{
    if (pfn + (1u << order) > m->frames)
        return false;
    for (uint32_t i = pfn; i < pfn + (1u << order); i++)
        if (m->used[i])
            return false;
    return true;
}

/* With coalescing after every free, the free blocks are the maximal aligned free blocks. */
static void compare(const struct model *m, const struct tide_buddy *b, unsigned seed, unsigned step)
{
    uint32_t count[TIDE_BUDDY_ORDERS] = {0};
    uint32_t free_frames = 0;

    for (uint32_t pfn = 0; pfn < m->frames;) {
        unsigned order = 0;

        if (m->used[pfn]) {
            pfn++;
            continue;
        }
        while (order + 1 < TIDE_BUDDY_ORDERS && pfn % (2u << order) == 0 &&
               block_free(m, pfn, order + 1))
            order++;
        count[order]++;
        free_frames += 1u << order;
        pfn += 1u << order;
    }
    cr_assert_eq(b->free_frames, free_frames, "seed %u step %u", seed, step);
    for (unsigned k = 0; k < TIDE_BUDDY_ORDERS; k++)
        cr_assert_eq(b->free_blocks[k], count[k], "seed %u step %u order %u", seed, step, k);
    cr_assert(tide_buddy_valid(b), "seed %u step %u", seed, step);
}

static bool any_free(const struct model *m, unsigned order)
{
    for (uint32_t pfn = 0; pfn < m->frames; pfn += 1u << order)
        if (block_free(m, pfn, order))
            return true;
    return false;
}

static void step(struct model *m, struct tide_buddy *b, struct tide_rng *r, unsigned seed)
{
    uint64_t what = tide_rng_below(r, 100);

    if (what < 55 && m->n_held < HELD_MAX) {
        unsigned order = (unsigned)tide_rng_below(r, 1 + tide_rng_below(r, TIDE_BUDDY_ORDERS));
        bool possible = any_free(m, order);
        tide_pfn pfn = tide_buddy_alloc(b, order);

        cr_assert_eq(pfn.v != TIDE_PFN_NONE.v, possible, "seed %u order %u", seed, order);
        if (!possible)
            return;
        cr_assert_eq(pfn.v % (1u << order), 0, "seed %u", seed);
        cr_assert(block_free(m, pfn.v, order), "seed %u: given out twice", seed);
        for (uint32_t i = 0; i < 1u << order; i++)
            m->used[pfn.v + i] = true;
        m->held[m->n_held++] = (struct held){pfn.v, order};
    } else if (what < 98 && m->n_held > 0) {
        struct held *h = &m->held[tide_rng_below(r, m->n_held)];

        for (uint32_t i = 0; i < 1u << h->order; i++)
            m->used[h->pfn + i] = false;
        tide_buddy_free(b, (tide_pfn){h->pfn}, h->order);
        *h = m->held[--m->n_held];
    } else if (what >= 98) {
        uint32_t more = (uint32_t)tide_rng_below(r, 200);

        if (m->frames + more > FRAMES_MAX)
            return;
        cr_assert_eq(tide_buddy_grow(b, more, NULL), 0);
        m->frames += more;
    }
}

Test(buddy, equals_a_bitmap)
{
    uint64_t splits = 0, merges = 0, failures = 0;

    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct model *m = calloc(1, sizeof *m);
        struct tide_buddy b;
        struct tide_rng r;

        tide_rng_init(&r, seed, "buddy");
        m->frames = (uint32_t)tide_rng_below(&r, 4000);
        cr_assert_eq(
            tide_buddy_init(&b, m->frames, m->frames + (uint32_t)tide_rng_below(&r, 100), NULL), 0);
        compare(m, &b, seed, 0);
        for (unsigned i = 1; i <= STEPS; i++) {
            step(m, &b, &r, seed);
            if (i % 25 == 0)
                compare(m, &b, seed, i);
        }
        while (m->n_held > 0) {
            struct held *h = &m->held[--m->n_held];

            for (uint32_t i = 0; i < 1u << h->order; i++)
                m->used[h->pfn + i] = false;
            tide_buddy_free(&b, (tide_pfn){h->pfn}, h->order);
        }
        compare(m, &b, seed, STEPS + 1);
        cr_assert_eq(b.free_frames, b.frames, "seed %u", seed);
        for (unsigned k = 0; k < TIDE_BUDDY_ORDERS; k++)
            cr_assert_eq(b.stats.allocs[k], b.stats.frees[k], "seed %u", seed);
        splits += b.stats.splits;
        merges += b.stats.merges;
        failures += b.stats.failures;
        tide_buddy_fini(&b);
        free(m);
    }
    /* The walk went through all paths. */
    cr_expect(splits > 1000 && merges > 1000 && failures > 100);
}
