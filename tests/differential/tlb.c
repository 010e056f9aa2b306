/* The whole machine's TLB counters on a shipped trace of a real program, against the plain TLB of
 * tests/support, which sees only accesses and munmap calls and cuts pages by itself. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pager/machine.h"
#include "plain_tlb.h"
#include "trace/reader.h"

enum { SHIFT = 12 };

/* References of one access in order: a MODIFY reads all its pages and then writes them. */
static void plain_access(struct plain_tlb *t, const struct tide_access *a)
{
    enum tide_side side = a->kind == TIDE_FETCH ? TIDE_SIDE_FETCH : TIDE_SIDE_DATA;
    uint64_t first = a->addr >> SHIFT, last = (a->addr + a->size - 1) >> SHIFT;
    uint32_t frame;

    for (int pass = 0; pass < (a->kind == TIDE_MODIFY ? 2 : 1); pass++)
        for (uint64_t vpn = first; vpn <= last; vpn++)
            plain_tlb_reference(t, side, 0, vpn, 0, &frame);
}

/* munmap, and mmap over what was there, take pages away. */
static void plain_event(struct plain_tlb *t, const struct tide_event *ev)
{
    if (ev->type != TIDE_EV_UNMAP && ev->type != TIDE_EV_MAP)
        return;
    for (uint64_t at = ev->addr; at < ev->addr + ev->len; at += 1 << SHIFT) {
        plain_tlb_invalidate(t, 0, at >> SHIFT);
        plain_tlb_forget(t, 0, at >> SHIFT);
    }
}

static void compare(const struct tide_tlb_config *tlb, enum tide_engine engine)
{
    struct tide_machine_config c;
    struct tide_block *b = malloc(sizeof *b);
    struct tide_block_runs *runs = malloc(sizeof *runs);
    struct tide_error e = {0};
    struct plain_tlb plain;
    struct tide_machine *m;
    struct tide_reader *r;
    uint64_t maps = 0;

    tide_machine_defaults(&c);
    c.tlb = *tlb;
    c.frames = (struct tide_amount){.value = 100000}; /* nothing is ever evicted */
    r = tide_reader_open(tide_stream_open(TINY_TRACE, &e), NULL, &e);
    cr_assert_not_null(r, "%s", e.what);
    m = tide_machine_new(&c, engine, 0, NULL, NULL, &e);
    cr_assert_not_null(m, "%s", e.what);
    plain_tlb_init(&plain, tlb, SHIFT, c.seed);
    tide_block_runs_init(runs, tide_machine_geometry(&c));
    while (tide_reader_next(r, b, &e) > 0) {
        size_t k = 0;

        tide_block_runs_cut(runs, b);
        cr_assert_eq(tide_machine_feed(m, b, runs, &e), 1, "%s", e.what);
        for (size_t i = 0; i <= b->n_accesses; i++) {
            for (; k < b->n_events && b->events[k].at == i; k++) {
                plain_event(&plain, &b->events[k]);
                maps += b->events[k].type == TIDE_EV_MAP;
            }
            if (i < b->n_accesses)
                plain_access(&plain, &b->accesses[i]);
        }
    }
    cr_assert_eq(e.code, 0, "%s", e.what);
    cr_expect_gt(maps, 0, "the trace is to map something");
    for (unsigned i = 0; i < tlb->n; i++) {
        const struct tide_tlb_array_stats *got = &tide_machine_tlb(m)->arrays[i].stats;
        const struct tide_tlb_array_stats *want = &plain.arrays[i].stats;
        const struct tide_tlb_array_config *a = &tlb->arrays[i];

        if (a->level == 1)
            cr_expect_gt(want->hits, 0);
        cr_expect_gt(want->compulsory_misses, 0);
        cr_expect(got->lookups == want->lookups && got->hits == want->hits &&
                      got->misses == want->misses &&
                      got->compulsory_misses == want->compulsory_misses,
                  "%s %u/%u %s: %lu %lu %lu %lu, plain %lu %lu %lu %lu", a->name, a->entries,
                  a->ways, tide_tlb_kind_names[a->kind], got->lookups, got->hits, got->misses,
                  got->compulsory_misses, want->lookups, want->hits, want->misses,
                  want->compulsory_misses);
    }
    plain_tlb_fini(&plain);
    tide_machine_free(m);
    tide_reader_close(r);
    free(runs);
    free(b);
}

Test(tlb, a_real_program_through_every_kind_and_shape)
{
    static const struct {
        unsigned l1i, l1i_ways, l1d, l1d_ways, l2, l2_ways;
    } shapes[] = {{16, 4, 16, 4, 64, 4}, {4, 4, 8, 1, 48, 3}, {32, 32, 24, 24, 128, 8}};

    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (int kind = 0; kind < TIDE_TLB_KINDS; kind++) {
            struct tide_tlb_config t = {.n = 3,
                                        .arrays = {
                                            {.name = "l1i",
                                             .level = 1,
                                             .serves = TIDE_TLB_FOR_FETCH,
                                             .entries = shapes[s].l1i,
                                             .ways = shapes[s].l1i_ways},
                                            {.name = "l1d",
                                             .level = 1,
                                             .serves = TIDE_TLB_FOR_DATA,
                                             .entries = shapes[s].l1d,
                                             .ways = shapes[s].l1d_ways},
                                            {.name = "l2",
                                             .level = 2,
                                             .serves = TIDE_TLB_FOR_FETCH | TIDE_TLB_FOR_DATA,
                                             .entries = shapes[s].l2,
                                             .ways = shapes[s].l2_ways},
                                        }};
            struct tide_error e;

            for (unsigned i = 0; i < t.n; i++)
                t.arrays[i].kind = (enum tide_tlb_kind)kind;
            if (tide_tlb_check(&t, SHIFT, &e) != 0)
                continue; /* tree PLRU needs a power of two of ways */
            compare(&t, TIDE_ENGINE_FAST);
            compare(&t, TIDE_ENGINE_PLAIN);
        }
    }
}
