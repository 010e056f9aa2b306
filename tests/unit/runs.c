/* addr/: cutting accesses into page runs, by hand and against a naive walk over the references. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>

#include "addr/runs.h"
#include "base/rng.h"

static const struct tide_geometry g48 = {.page_shift = 12, .va_bits = 48};

/* Shorthand: kind letter, page letter -> an access in the middle of a page. */
static size_t parse(const char *s, struct tide_access *out)
{
    size_t n = 0;

    for (; *s != '\0'; s++) {
        static const char kinds[] = "FRWM";

        if (*s == ' ')
            continue;
        out[n] = (struct tide_access){
            .addr = (uint64_t)(s[1] - 'a' + 1) * 4096 + 16,
            .size = 4,
            .kind = (uint8_t)(strchr(kinds, s[0]) - kinds),
        };
        n++;
        s++;
    }
    return n;
}

/* first, page, fetches, data, switches, tail, flags */
struct expected {
    uint32_t first;
    char page;
    uint32_t fetches, data, switches, tail, flags;
};

static void expect_runs(const char *accesses, const struct expected *want, size_t n_want)
{
    struct tide_access a[64];
    struct tide_run runs[64];
    size_t n = parse(accesses, a), got = tide_runs_cut(g48, a, 0, n, runs);

    cr_assert_eq(got, n_want, "%s: %zu runs", accesses, got);
    for (size_t i = 0; i < got; i++) {
        cr_expect_eq(runs[i].first, want[i].first, "%s: run %zu", accesses, i);
        cr_expect_eq(runs[i].page.v, (uint64_t)(want[i].page - 'a' + 1), "%s: run %zu", accesses,
                     i);
        cr_expect_eq(runs[i].fetches, want[i].fetches, "%s: run %zu", accesses, i);
        cr_expect_eq(runs[i].data, want[i].data, "%s: run %zu", accesses, i);
        cr_expect_eq(runs[i].switches, want[i].switches, "%s: run %zu", accesses, i);
        cr_expect_eq(runs[i].tail, want[i].tail, "%s: run %zu", accesses, i);
        cr_expect_eq(runs[i].flags, want[i].flags, "%s: run %zu flags %u", accesses, i,
                     runs[i].flags);
    }
}

Test(runs, the_picture_in_the_header)
{
    expect_runs("Fa Rx Fa Fa Rx Ry Fa Ry",
                (struct expected[]){
                    {0, 'a', 0, 0, 0, 0, TIDE_FETCH},
                    {1, 'x', 2, 1, 2, 1, TIDE_READ | TIDE_RUN_READS},
                    {5, 'y', 1, 1, 2, 1, TIDE_READ | TIDE_RUN_READS},
                },
                3);
}

Test(runs, a_modify_is_two_references)
{
    expect_runs("Mx Mx Fa",
                (struct expected[]){
                    {0, 'x', 0, 3, 0, 3, TIDE_MODIFY | TIDE_RUN_READS | TIDE_RUN_WRITES},
                    {2, 'a', 0, 0, 0, 0, TIDE_FETCH},
                },
                2);
}

Test(runs, both_sides_may_hold_one_page)
{
    expect_runs("Fa Ra Fa Wa",
                (struct expected[]){
                    {0, 'a', 0, 0, 0, 0, TIDE_FETCH},
                    {1, 'a', 1, 1, 0, 1, TIDE_READ | TIDE_RUN_WRITES},
                },
                2);
}

Test(runs, crossing_and_noncanonical_accesses_stand_alone)
{
    struct tide_access a[5];
    struct tide_run runs[5];

    parse("Rx Rx Rx Rx Rx", a);
    a[1].addr = 24 * 4096 + 4094; /* into the next page */
    a[3].addr = UINT64_C(1) << 50;
    cr_assert_eq(tide_runs_cut(g48, a, 0, 5, runs), 5);
    cr_expect_neq(runs[1].flags & TIDE_RUN_APART, 0);
    cr_expect_neq(runs[3].flags & TIDE_RUN_APART, 0);
    cr_expect_eq(runs[2].flags & TIDE_RUN_APART, 0);
    cr_expect_eq(runs[2].data, 0, "what follows does not lean on it");
}

/* Numbers of every run from the references one by one. */
Test(runs, agree_with_a_naive_walk)
{
    enum { N = 400 };
    struct tide_access a[N];
    struct tide_run runs[N];

    for (uint64_t seed = 0; seed < 300; seed++) {
        struct tide_rng r;
        size_t n, i = 0;

        tide_rng_init(&r, seed, "runs");
        for (size_t k = 0; k < N; k++)
            a[k] = (struct tide_access){
                .addr = 4096 * (1 + tide_rng_below(&r, 3)) + tide_rng_below(&r, 4096),
                .size = 1 + (uint32_t)tide_rng_below(&r, 8),
                .kind = (uint8_t)tide_rng_below(&r, TIDE_KINDS),
                .process = tide_rng_below(&r, 40) == 0,
            };
        n = tide_runs_cut(g48, a, 0, N, runs);
        for (size_t k = 0; k < n; k++) {
            size_t end = k + 1 < n ? runs[k + 1].first : N;
            uint64_t counts[2] = {0, 0}, switches = 0, previous = a[i].addr >> 12;
            uint64_t last_other = 0, total = 0;
            unsigned last_side;

            cr_assert_eq(runs[k].first, i, "seed %d", (int)seed);
            last_side = a[i].kind != TIDE_FETCH;
            if (a[i].kind == TIDE_MODIFY && (runs[k].flags & TIDE_RUN_APART) == 0)
                counts[1]++, total++;
            for (i++; i < end; i++) {
                unsigned side = a[i].kind != TIDE_FETCH;
                uint64_t refs = a[i].kind == TIDE_MODIFY ? 2 : 1, page = a[i].addr >> 12;

                if (side != last_side)
                    last_other = total;
                last_side = side;
                counts[side] += refs;
                total += refs;
                switches += page != previous;
                previous = page;
            }
            cr_assert_eq(runs[k].fetches, counts[0], "seed %d run %zu", (int)seed, k);
            cr_assert_eq(runs[k].data, counts[1], "seed %d run %zu", (int)seed, k);
            cr_assert_eq(runs[k].switches, switches, "seed %d run %zu", (int)seed, k);
            if (total > 0) {
                cr_assert_eq(runs[k].tail, total - last_other, "seed %d run %zu", (int)seed, k);
                cr_assert_eq((runs[k].flags & TIDE_RUN_LAST_FETCH) != 0, last_side == 0,
                             "seed %d run %zu", (int)seed, k);
            }
        }
        cr_assert_eq(i, N);
    }
}
