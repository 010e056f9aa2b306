/* addr/: cutting accesses into page runs, by hand and against a naive walk over the references. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>

#include "addr/runs.h"
#include "base/rng.h"
#include "trace/block_runs.h"

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

struct expected {
    uint32_t first;
    char page;
    uint32_t fetches, data, kind;
    enum tide_side last;
};

static const struct tide_run zero;

static void expect_runs(const char *accesses, const struct expected *want, size_t n_want)
{
    struct tide_access a[64];
    struct tide_run runs[64];
    size_t n = parse(accesses, a), got = tide_runs_cut(g48, a, 0, n, &zero, runs);

    cr_assert_eq(got, n_want, "%s: %zu runs", accesses, got);
    cr_expect_eq(tide_run_first(runs[got].word), n, "%s: the end", accesses);
    for (size_t i = 0; i < got; i++) {
        struct tide_folded f = tide_run_folded(&runs[i]);

        cr_expect_eq(tide_run_first(runs[i].word), want[i].first, "%s: run %zu", accesses, i);
        cr_expect_eq(runs[i].page.v, (uint64_t)(want[i].page - 'a' + 1), "%s: run %zu", accesses,
                     i);
        cr_expect_eq(tide_run_kind(&runs[i]), want[i].kind, "%s: run %zu", accesses, i);
        cr_expect_eq(f.fetches, want[i].fetches, "%s: run %zu", accesses, i);
        cr_expect_eq(f.data, want[i].data, "%s: run %zu", accesses, i);
        cr_expect_eq(f.last, want[i].last, "%s: run %zu", accesses, i);
    }
}

Test(runs, the_picture_in_the_header)
{
    expect_runs("Fa Rx Fa Fa Rx Ry Fa Ry",
                (struct expected[]){
                    {0, 'a', 0, 0, TIDE_FETCH, TIDE_SIDE_FETCH},
                    {1, 'x', 2, 1, TIDE_READ, TIDE_SIDE_DATA},
                    {5, 'y', 1, 1, TIDE_READ, TIDE_SIDE_DATA},
                },
                3);
}

Test(runs, a_modify_is_two_references)
{
    expect_runs("Mx Mx Fa",
                (struct expected[]){
                    {0, 'x', 0, 3, TIDE_MODIFY, TIDE_SIDE_DATA},
                    {2, 'a', 0, 0, TIDE_FETCH, TIDE_SIDE_FETCH},
                },
                2);
}

Test(runs, the_first_write_begins_a_run)
{
    expect_runs("Rx Rx Fa Wx Rx Wx Mx Ry Wy",
                (struct expected[]){
                    {0, 'x', 0, 1, TIDE_READ, TIDE_SIDE_DATA},
                    {2, 'a', 0, 0, TIDE_FETCH, TIDE_SIDE_FETCH},
                    {3, 'x', 0, 4, TIDE_WRITE, TIDE_SIDE_DATA},
                    {7, 'y', 0, 0, TIDE_READ, TIDE_SIDE_DATA},
                    {8, 'y', 0, 0, TIDE_WRITE, TIDE_SIDE_DATA},
                },
                5);
}

Test(runs, both_sides_may_hold_one_page)
{
    expect_runs("Fa Ra Fa Ra",
                (struct expected[]){
                    {0, 'a', 0, 0, TIDE_FETCH, TIDE_SIDE_FETCH},
                    {1, 'a', 1, 1, TIDE_READ, TIDE_SIDE_DATA},
                },
                2);
}

Test(runs, crossing_and_noncanonical_accesses_stand_alone)
{
    struct tide_access a[5];
    struct tide_run runs[6];

    parse("Rx Rx Rx Rx Rx", a);
    a[1].addr = 24 * 4096 + 4094; /* into the next page */
    a[3].addr = UINT64_C(1) << 50;
    cr_assert_eq(tide_runs_cut(g48, a, 0, 5, &zero, runs), 5);
    cr_expect_neq(tide_run_flags(&runs[1]) & TIDE_RUN_APART, 0);
    cr_expect_neq(tide_run_flags(&runs[3]) & TIDE_RUN_APART, 0);
    cr_expect_eq(tide_run_flags(&runs[2]) & TIDE_RUN_APART, 0);
    cr_expect_eq(tide_run_folded(&runs[2]).data, 0, "what follows does not lean on it");
}

/* Numbers of every run from the references one by one. */
Test(runs, agree_with_a_naive_walk)
{
    enum { N = 400 };
    struct tide_access a[N];
    struct tide_run runs[N + 1];

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
        n = tide_runs_cut(g48, a, 0, N, &zero, runs);
        for (size_t k = 0; k < n; k++) {
            size_t end = tide_run_first(runs[k + 1].word);
            struct tide_folded f = tide_run_folded(&runs[k]);
            uint64_t counts[2] = {0, 0}, total = 0;
            unsigned last_side;

            cr_assert_eq(tide_run_first(runs[k].word), i, "seed %d", (int)seed);
            last_side = a[i].kind != TIDE_FETCH;
            if (a[i].kind == TIDE_MODIFY && (tide_run_flags(&runs[k]) & TIDE_RUN_APART) == 0)
                counts[1]++, total++;
            for (i++; i < end; i++) {
                unsigned side = a[i].kind != TIDE_FETCH;
                uint64_t refs = a[i].kind == TIDE_MODIFY ? 2 : 1;

                last_side = side;
                counts[side] += refs;
                total += refs;
            }
            cr_assert_eq(f.fetches, counts[0], "seed %d run %zu", (int)seed, k);
            cr_assert_eq(f.data, counts[1], "seed %d run %zu", (int)seed, k);
            if (total > 0) {
                cr_assert_eq(f.last, last_side, "seed %d run %zu", (int)seed, k);
            }
        }
        cr_assert_eq(i, N);
    }
}

/* ---- fragments ---- */

enum { FRAGMENTS = 40, SLOTS = FRAGMENTS * TIDE_FRAGMENT_ACCESSES };

struct code {
    struct tide_fragment fragments[FRAGMENTS];
    struct tide_slot slots[SLOTS];
    uint8_t lengths[SLOTS];
    struct tide_dictionary dictionary;
};

/* Any code that the rules of trace/fragments.h allow, on few pages. */
static void make_code(struct code *c, struct tide_rng *r)
{
    uint32_t slots = 0, lengths = 0;

    for (size_t k = 0; k < FRAGMENTS; k++) {
        struct tide_fragment *f = &c->fragments[k];
        uint64_t place = tide_rng_below(r, 3800);

        *f = (struct tide_fragment){.first_slot = slots, .first_length = lengths};
        f->fetches = (uint8_t)tide_rng_below(r, 7);
        f->data = (uint8_t)tide_rng_below(r, 9);
        if (f->fetches + f->data == 0)
            f->data = 1;
        if (f->fetches > 0) {
            f->pc = (1 + tide_rng_below(r, 3)) << 12 | place;
            if (tide_rng_below(r, 8) == 0) { /* crosses */
                f->pc |= 0xfff;
                f->fetches = 1;
                f->flags = TIDE_FRAGMENT_CROSSES;
            } else if (tide_rng_below(r, 12) == 0) {
                f->pc |= UINT64_C(1) << 52; /* not canonical */
            }
        }
        for (unsigned i = 0; i < f->fetches; i++)
            c->lengths[lengths++] = (uint8_t)(2 + tide_rng_below(r, 6));
        for (unsigned j = 0, at = f->fetches > 0; j < f->data; j++) {
            if (at < f->fetches)
                at += (unsigned)tide_rng_below(r, f->fetches - at + 1);
            c->slots[slots++] = (struct tide_slot){
                .kind = (uint8_t)(1 + tide_rng_below(r, 3)), .fetches = (uint8_t)at, .size = 8};
        }
    }
    c->dictionary = (struct tide_dictionary){c->fragments, c->slots, c->lengths};
}

static void make_block(struct tide_block *b, const struct code *c, struct tide_rng *r)
{
    *b = (struct tide_block){.dictionary = &c->dictionary, .process = 3};
    while (b->n_accesses < 600) {
        size_t id = tide_rng_below(r, FRAGMENTS), k = b->n_fragments++;
        const struct tide_fragment *f = &c->fragments[id];

        if (tide_rng_below(r, 30) == 0) {
            b->events[b->n_events].at = (uint32_t)b->n_accesses;
            b->n_events++;
        }
        b->ids[k] = (uint32_t)id;
        b->starts[k] = (uint16_t)b->n_accesses;
        b->data_starts[k] = (uint16_t)b->n_data;
        for (unsigned j = 0; j < f->data; j++) {
            uint64_t addr = (8 + tide_rng_below(r, 3)) << 12 | tide_rng_below(r, 4095);

            if (tide_rng_below(r, 40) == 0)
                addr = UINT64_C(1) << 60;
            b->data[b->n_data++] = addr;
        }
        b->n_accesses += (size_t)f->fetches + f->data;
    }
}

/* However a block says its accesses, the runs are the same. */
Test(runs, fragments_give_the_runs_of_their_accesses)
{
    struct code *c = malloc(sizeof *c);
    struct tide_block *b = malloc(sizeof *b);
    struct tide_block_runs *runs[2] = {malloc(sizeof **runs), malloc(sizeof **runs)};

    for (uint64_t seed = 0; seed < 200; seed++) {
        static const unsigned shifts[] = {12, 13, 21};
        struct tide_geometry g = {.page_shift = shifts[seed % 3], .va_bits = 48};
        struct tide_rng r;

        tide_rng_init(&r, seed, "fragments");
        make_code(c, &r);
        make_block(b, c, &r);
        tide_block_runs_init(runs[0], g);
        tide_block_runs_init(runs[1], g);
        tide_block_runs_cut(runs[0], b);
        tide_block_unfold(b);
        tide_block_runs_cut(runs[1], b);
        cr_assert_eq(runs[0]->n_segments, runs[1]->n_segments);
        for (size_t k = 0; k < runs[0]->n_segments; k++) {
            const struct tide_segment_runs *s = &runs[0]->segments[k], *t = &runs[1]->segments[k];

            cr_assert_eq(s->n_runs, t->n_runs, "seed %d segment %zu", (int)seed, k);
            for (size_t i = 0; i <= s->n_runs; i++) {
                const struct tide_run *x = &runs[0]->runs[s->first_run + i];
                const struct tide_run *y = &runs[1]->runs[t->first_run + i];

                cr_assert_eq(x->page.v, y->page.v, "seed %d run %zu", (int)seed, i);
                cr_assert_eq(x->word, y->word, "seed %d run %zu", (int)seed, i);
            }
        }
    }
    free(runs[0]);
    free(runs[1]);
    free(b);
    free(c);
}

/* Parts of a block in either form. */
Test(runs, fragments_expand_to_the_same_accesses_in_parts)
{
    struct code *c = malloc(sizeof *c);
    struct tide_block *b = malloc(sizeof *b), *whole = malloc(sizeof *whole);
    struct tide_access part[64];
    struct tide_rng r;

    tide_rng_init(&r, 7, "parts");
    make_code(c, &r);
    make_block(b, c, &r);
    *whole = *b;
    tide_block_unfold(whole);
    for (int i = 0; i < 2000; i++) {
        size_t from = tide_rng_below(&r, b->n_accesses);
        size_t n = tide_rng_below(&r, 64);

        if (n > b->n_accesses - from)
            n = b->n_accesses - from;
        tide_block_expand(b, from, from + n, part);
        for (size_t k = 0; k < n; k++) {
            cr_assert_eq(part[k].addr, whole->accesses[from + k].addr, "access %zu", from + k);
            cr_assert_eq(part[k].size, whole->accesses[from + k].size);
            cr_assert_eq(part[k].kind, whole->accesses[from + k].kind);
            cr_assert_eq(part[k].process, whole->accesses[from + k].process);
        }
    }
    free(whole);
    free(b);
    free(c);
}
