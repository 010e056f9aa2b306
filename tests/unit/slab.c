/* phys/slab: SLUB's geometry as a kernel built it, the three lists, lack of memory. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "phys/buddy.h"
#include "phys/slab.h"

/* The data stands beside this file. */
static FILE *open_data(const char *name)
{
    char path[1024];
    const char *slash = strrchr(__FILE__, '/');
    FILE *f;

    snprintf(path, sizeof path, "%.*s/data/%s", slash != NULL ? (int)(slash - __FILE__) : 1,
             slash != NULL ? __FILE__ : ".", name);
    f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    return f;
}

Test(slab, geometry_is_the_kernels)
{
    FILE *f = open_data("slub_geometry.csv");
    char line[256];
    int rows = 0;

    while (fgets(line, sizeof line, f) != NULL) {
        unsigned object, align, slot, order, objects, cpu_partial, min_partial, rcu, ctor;
        struct tide_slab_geometry g;
        char *comma = strchr(line, ',');

        if (line[0] == '#' || strncmp(line, "cache,", 6) == 0)
            continue;
        cr_assert_not_null(comma);
        cr_assert_eq(sscanf(comma, ",%u,%u,%u,%u,%u,%u,%u,%u,%u", &object, &align, &slot, &order,
                            &objects, &cpu_partial, &min_partial, &rcu, &ctor),
                     9, "%s", line);
        /* These two are freed by RCU, but lend the free pointer a field of the object
         * (kmem_cache_args.freeptr_offset). */
        if (strncmp(line, "vm_area_struct,", 15) == 0 || strncmp(line, "filp,", 5) == 0)
            rcu = 0;
        g = tide_slab_geometry(object, align, rcu || ctor, 2, 4096);
        cr_expect(g.slot_bytes == slot && g.order == order && g.objects == objects &&
                      g.cpu_partial == cpu_partial && g.min_partial == min_partial,
                  "%s got slot %u order %u objects %u cpu_partial %u min_partial %u", line,
                  g.slot_bytes, g.order, g.objects, g.cpu_partial, g.min_partial);
        rows++;
    }
    fclose(f);
    cr_expect_eq(rows, 141);
}

/* 104-byte objects (buffer_head): 39 in 4 KiB, 40 bytes left over; with more processors SLUB asks
 * for more objects: 4 * (fls(64) + 1) = 32 of 192 bytes are 6 KiB, order 1. */
Test(slab, geometry_by_hand)
{
    struct tide_slab_geometry g = tide_slab_geometry(104, 0, false, 2, 4096);

    cr_expect(g.objects == 39 && 4096 - g.objects * g.slot_bytes == 40);
    g = tide_slab_geometry(192, 0, false, 64, 4096);
    cr_expect(g.order == 1 && g.objects == 42);
    /* Frames of other sizes: an object larger than eight frames takes what it needs. */
    g = tide_slab_geometry(1600, 64, false, 2, 64);
    cr_expect(g.order == 5 && g.objects == 1);
    g = tide_slab_geometry(192, 64, false, 2, 1u << 30);
    cr_expect(g.order == 0 && g.objects == (1u << 30) / 192);
}

static tide_pfn take(void *context, unsigned order)
{
    return tide_buddy_alloc(context, order);
}

static void give(void *context, tide_pfn pfn, unsigned order)
{
    tide_buddy_free(context, pfn, order);
}

/* Objects of 1000 bytes: 16 of 1000 in four frames (2 CPUs). */
static void start(struct tide_slab_cache *c, struct tide_buddy *b, uint32_t frames)
{
    struct tide_slab_source source = {.context = b, .alloc = take, .free = give};

    cr_assert_eq(tide_buddy_init(b, frames, frames, NULL), 0);
    tide_slab_init(c, "test", 1000, 0, 2, 4096, &source);
    cr_assert(c->geometry.order == 2 && c->geometry.objects == 16 && c->geometry.min_partial == 5);
}

static void expect_lists(const struct tide_slab_cache *c, unsigned full, unsigned partial,
                         unsigned empty)
{
    cr_expect(c->n_full == full && c->n_partial == partial && c->n_empty == empty,
              "full %u partial %u empty %u", c->n_full, c->n_partial, c->n_empty);
    cr_expect(tide_slab_valid(c));
}

Test(slab, slabs_go_from_partial_to_full_and_back)
{
    struct tide_buddy b;
    struct tide_slab_cache c;
    uint64_t h[17];

    start(&c, &b, 64);
    expect_lists(&c, 0, 0, 0);
    for (unsigned i = 0; i < 17; i++) {
        h[i] = tide_slab_alloc(&c, NULL);
        cr_assert_neq(h[i], 0);
        cr_expect_eq(tide_slab_address(&c, h[i]), i < 16 ? i * 1000u : 4 * 4096u, "object %u", i);
        expect_lists(&c, i >= 15, i != 15, 0);
    }
    cr_expect_eq(b.free_frames, 56);
    /* The slab that was full comes to the head of the partial list; its last freed object is the
     * first to go. */
    tide_slab_free(&c, h[3]);
    tide_slab_free(&c, h[9]);
    expect_lists(&c, 0, 2, 0);
    cr_expect_eq(tide_slab_address(&c, tide_slab_alloc(&c, NULL)), 9000);
    cr_expect_eq(tide_slab_address(&c, tide_slab_alloc(&c, NULL)), 3000);
    expect_lists(&c, 1, 1, 0);
    tide_slab_free(&c, h[16]);
    expect_lists(&c, 1, 0, 1);
    cr_expect_eq(tide_slab_shrink(&c), 4);
    expect_lists(&c, 1, 0, 0);
    cr_expect_eq(b.free_frames, 60);
    cr_expect_eq(c.active_objects, 16);
    tide_slab_fini(&c);
    cr_expect_eq(b.free_frames, 64);
    tide_buddy_fini(&b);
}

Test(slab, a_freed_object_goes_before_a_fresh_one)
{
    struct tide_buddy b;
    struct tide_slab_cache c;
    uint64_t h[3];

    start(&c, &b, 64);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_neq(h[i] = tide_slab_alloc(&c, NULL), 0);
    tide_slab_free(&c, h[1]);
    tide_slab_free(&c, h[0]);
    cr_expect_eq(tide_slab_address(&c, tide_slab_alloc(&c, NULL)), 0);
    cr_expect_eq(tide_slab_address(&c, tide_slab_alloc(&c, NULL)), 1000);
    cr_expect_eq(tide_slab_address(&c, tide_slab_alloc(&c, NULL)), 3000);
    tide_slab_fini(&c);
    tide_buddy_fini(&b);
}

Test(slab, min_partial_empty_slabs_are_kept)
{
    struct tide_buddy b;
    struct tide_slab_cache c;
    uint64_t h[8 * 16];

    start(&c, &b, 64);
    for (size_t i = 0; i < 8 * 16; i++)
        cr_assert_neq(h[i] = tide_slab_alloc(&c, NULL), 0);
    expect_lists(&c, 8, 0, 0);
    for (size_t i = 0; i < 8 * 16; i++)
        tide_slab_free(&c, h[i]);
    expect_lists(&c, 0, 0, 5);
    cr_expect_eq(c.stats.slabs_made, 8);
    cr_expect_eq(c.stats.slabs_freed, 3);
    /* An empty slab is used before the buddy is asked. */
    cr_assert_neq(tide_slab_alloc(&c, NULL), 0);
    expect_lists(&c, 0, 1, 4);
    cr_expect_eq(c.stats.slabs_made, 8);
    tide_slab_fini(&c);
    tide_buddy_fini(&b);
}

Test(slab, one_object_a_slab_is_full_or_empty)
{
    struct tide_buddy b;
    struct tide_slab_source source = {.context = &b, .alloc = take, .free = give};
    struct tide_slab_cache c;
    uint64_t h;

    cr_assert_eq(tide_buddy_init(&b, 64, 64, NULL), 0);
    tide_slab_init(&c, "kvm_vcpu", 51472, 16, 2, 4096, &source);
    h = tide_slab_alloc(&c, NULL);
    expect_lists(&c, 1, 0, 0);
    tide_slab_free(&c, h);
    expect_lists(&c, 0, 0, 1);
    tide_slab_fini(&c);
    tide_buddy_fini(&b);
}

Test(slab, without_frames_there_is_no_object)
{
    struct tide_buddy b;
    struct tide_slab_cache c;
    struct tide_error e = {.code = TIDE_E_IO};

    start(&c, &b, 4);
    for (int i = 0; i < 16; i++)
        cr_assert_neq(tide_slab_alloc(&c, NULL), 0);
    cr_expect_eq(tide_slab_alloc(&c, &e), 0);
    cr_expect_eq(e.code, TIDE_OK);
    cr_expect_eq(c.stats.failures, 1);
    expect_lists(&c, 1, 0, 0);
    cr_assert_eq(tide_buddy_grow(&b, 4, NULL), 0);
    cr_expect_neq(tide_slab_alloc(&c, &e), 0);
    expect_lists(&c, 1, 1, 0);
    tide_slab_fini(&c);
    tide_buddy_fini(&b);
}

Test(slab, without_host_memory_there_is_an_error)
{
    struct tide_buddy b;
    struct tide_slab_cache c;
    uint64_t h = 0;
    int failed = 0;

    start(&c, &b, 64);
    for (long n = 1; h == 0; n++) {
        struct tide_error e = {0};

        tide_mem_fail_after(n);
        h = tide_slab_alloc(&c, &e);
        tide_mem_fail_after(0);
        cr_expect_eq(e.code, h == 0 ? TIDE_E_NOMEM : TIDE_OK);
        cr_expect(tide_slab_valid(&c));
        cr_expect_eq(b.free_frames, h == 0 ? 64 : 60);
        failed += h == 0;
    }
    cr_expect_eq(failed, 2);
    tide_slab_fini(&c);
    tide_buddy_fini(&b);
}
