/* phys/slab against a list of live objects: no two share a byte, and no frame gets lost. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/rng.h"
#include "phys/buddy.h"
#include "phys/slab.h"

enum { CACHES = 3, LIVE_MAX = 2000, FRAMES = 256, SEEDS = 60, STEPS = 4000 };

static tide_pfn take(void *context, unsigned order)
{
    return tide_buddy_alloc(context, order);
}

static void give(void *context, tide_pfn pfn, unsigned order)
{
    tide_buddy_free(context, pfn, order);
}

struct live {
    uint64_t handle, address;
    unsigned cache;
};

static int by_address(const void *a, const void *b)
{
    const struct live *x = a, *y = b;

    return (x->address > y->address) - (x->address < y->address);
}

static void compare(const struct tide_slab_cache *caches, const struct tide_buddy *b,
                    struct live *live, size_t n, unsigned seed)
{
    uint64_t in_slabs = 0, count[CACHES] = {0};

    for (size_t i = 0; i < n; i++) {
        const struct tide_slab_cache *c = &caches[live[i].cache];

        cr_assert_eq(tide_slab_address(c, live[i].handle), live[i].address, "seed %u", seed);
        count[live[i].cache]++;
    }
    qsort(live, n, sizeof *live, by_address);
    for (size_t i = 0; i < n; i++) {
        uint64_t end = live[i].address + caches[live[i].cache].geometry.slot_bytes;

        cr_assert_leq(end, i + 1 < n ? live[i + 1].address : FRAMES * 4096u, "seed %u", seed);
    }
    for (unsigned k = 0; k < CACHES; k++) {
        const struct tide_slab_cache *c = &caches[k];
        uint32_t slabs = c->n_full + c->n_partial + c->n_empty;

        cr_assert(tide_slab_valid(c), "seed %u cache %u", seed, k);
        cr_assert_eq(c->active_objects, count[k], "seed %u cache %u", seed, k);
        cr_assert_eq(c->stats.slabs_made - c->stats.slabs_freed, slabs, "seed %u", seed);
        in_slabs += (uint64_t)slabs << c->geometry.order;
    }
    cr_assert_eq(b->free_frames + in_slabs, FRAMES, "seed %u", seed);
    cr_assert(tide_buddy_valid(b), "seed %u", seed);
}

static void run(unsigned seed, uint64_t *failures)
{
    struct tide_buddy b;
    struct tide_slab_source source = {.context = &b, .alloc = take, .free = give};
    struct tide_slab_cache caches[CACHES];
    struct live *live = calloc(LIVE_MAX, sizeof *live);
    struct tide_rng r;
    uint64_t lean = 60; /* chance of an allocation, in percent */
    size_t n = 0;

    tide_rng_init(&r, seed, "slab");
    cr_assert_eq(tide_buddy_init(&b, FRAMES, FRAMES, NULL), 0);
    for (unsigned k = 0; k < CACHES; k++)
        tide_slab_init(&caches[k], "test", 1 + (uint32_t)tide_rng_below(&r, k == 2 ? 20000 : 1200),
                       8u << tide_rng_below(&r, 4), 1 + (unsigned)tide_rng_below(&r, 8), 4096,
                       &source);
    for (unsigned i = 1; i <= STEPS; i++) {
        if (i % 500 == 0) /* fill and drain in turns */
            lean = 100 - lean;
        if (tide_rng_below(&r, 100) < lean && n < LIVE_MAX) {
            unsigned k = (unsigned)tide_rng_below(&r, CACHES);
            bool room = caches[k].n_partial + caches[k].n_empty > 0;
            uint64_t h = tide_slab_alloc(&caches[k], NULL);

            for (unsigned o = caches[k].geometry.order; o < TIDE_BUDDY_ORDERS; o++)
                cr_assert(h != 0 || b.free_blocks[o] == 0, "seed %u", seed);
            cr_assert(h != 0 || !room, "seed %u", seed);
            if (h != 0)
                live[n++] = (struct live){h, tide_slab_address(&caches[k], h), k};
        } else if (n > 0) {
            struct live *l = &live[tide_rng_below(&r, n)];

            tide_slab_free(&caches[l->cache], l->handle);
            *l = live[--n];
        }
        if (tide_rng_below(&r, 500) == 0) {
            unsigned k = (unsigned)tide_rng_below(&r, CACHES);
            uint32_t before = b.free_frames;

            cr_assert_eq(tide_slab_shrink(&caches[k]), b.free_frames - before, "seed %u", seed);
            cr_assert_eq(caches[k].n_empty, 0, "seed %u", seed);
        }
        if (i % 50 == 0)
            compare(caches, &b, live, n, seed);
    }
    for (unsigned k = 0; k < CACHES; k++) {
        *failures += caches[k].stats.failures;
        tide_slab_fini(&caches[k]);
    }
    cr_assert_eq(b.free_frames, FRAMES, "seed %u", seed);
    tide_buddy_fini(&b);
    free(live);
}

Test(slab, objects_are_disjoint_and_frames_conserved)
{
    uint64_t failures = 0;

    for (unsigned seed = 1; seed <= SEEDS; seed++)
        run(seed, &failures);
    cr_expect_gt(failures, 0, "memory never ran out, so that path was not tried");
}
