/* Reduced traces keep what they promise: faults of LRU and OPT and write-backs of LRU at every
 * number of frames from k on; misses of LRU TLBs of S sets or more. Held against plain lists of
 * pages, over random traces with several processes and pages that are unmapped on the way.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "addr/page.h"
#include "base/mem.h"
#include "base/rng.h"
#include "trace/reduce.h"

enum { PAGES = 24, LENGTH = 3000, SHIFT = 12, CASES = 300 };

/* A reference of one page, or (`gone`) the page is unmapped. */
struct step {
    unsigned page; /* process * PAGES + page */
    uint8_t kind;
    bool gone;
};

struct steps {
    struct step at[8 * LENGTH];
    size_t n;
};

/* References of a block, an access at a time, a MODIFY as a write: the two have one page. */
static void add_block(struct steps *s, const struct tide_block *b)
{
    size_t k = 0;

    for (size_t i = 0; i <= b->n_accesses; i++) {
        for (; k < b->n_events && b->events[k].at == i; k++)
            if (b->events[k].type == TIDE_EV_UNMAP)
                s->at[s->n++] = (struct step){.page = b->events[k].process * PAGES +
                                                      (unsigned)(b->events[k].addr >> SHIFT),
                                              .gone = true};
        if (i < b->n_accesses) {
            const struct tide_access *a = &b->accesses[i];

            for (uint64_t page = a->addr >> SHIFT; page <= (a->addr + a->size - 1) >> SHIFT; page++)
                s->at[s->n++] =
                    (struct step){.page = a->process * PAGES + (unsigned)page, .kind = a->kind};
        }
    }
    cr_assert(s->n <= sizeof s->at / sizeof *s->at);
}

static int collect(void *context, const struct tide_block *b, struct tide_error *e)
{
    (void)e;
    add_block(context, b);
    return 0;
}

/* A trace of locality: a pointer that walks, jumps and loops, with crossings and unmaps. */
static void make(struct tide_block *b, struct tide_rng *r)
{
    unsigned at = 0, span = 1 + (unsigned)tide_rng_below(r, PAGES - 1), process = 0;
    unsigned processes = 1 + (unsigned)tide_rng_below(r, 2);
    bool events = tide_rng_below(r, 2) == 0;

    b->n_events = 0;
    for (b->n_accesses = 0; b->n_accesses < LENGTH; b->n_accesses++) {
        struct tide_access *a = &b->accesses[b->n_accesses];
        uint64_t draw = tide_rng_below(r, 100);

        if (draw < 30)
            at = (at + 1) % span;
        else if (draw < 40)
            at = (unsigned)tide_rng_below(r, PAGES);
        else if (draw < 41)
            span = 1 + (unsigned)tide_rng_below(r, PAGES - 1);
        else if (draw < 43)
            process = (unsigned)tide_rng_below(r, processes);
        *a = (struct tide_access){.addr = (uint64_t)at << SHIFT,
                                  .size = 4,
                                  .kind = (uint8_t)tide_rng_below(r, TIDE_KINDS),
                                  .process = (uint16_t)process};
        if (tide_rng_below(r, 50) == 0 && at + 1 < PAGES)
            a->addr += (1 << SHIFT) - 2;
        if (events && tide_rng_below(r, 200) == 0 && b->n_events < TIDE_BLOCK_EVENTS)
            b->events[b->n_events++] =
                (struct tide_event){.at = (uint32_t)b->n_accesses,
                                    .type = TIDE_EV_UNMAP,
                                    .process = (uint16_t)process,
                                    .addr = tide_rng_below(r, PAGES) << SHIFT,
                                    .len = 1 << SHIFT};
    }
}

static void reduce(const struct tide_reduction *what, const struct tide_block *b, struct steps *out)
{
    struct tide_error e = {0};
    struct tide_reducer *r = tide_reducer_new(what, &e);

    out->n = 0;
    cr_assert_eq(tide_reducer_feed(r, b, collect, out, &e), 0);
    cr_assert_eq(tide_reducer_finish(r, collect, out, &e), 0);
    tide_reducer_free(r);
}

/* ---- plain memories ---- */

static bool writes(uint8_t kind)
{
    return kind == TIDE_WRITE || kind == TIDE_MODIFY;
}

struct counts {
    unsigned faults, writebacks;
};

/* A list of pages, the one used last in front. */
static struct counts lru(const struct steps *s, size_t frames)
{
    struct {
        unsigned page;
        bool dirty;
    } list[2 * PAGES + 1], found;
    struct counts c = {0};
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        size_t k = 0;

        while (k < n && list[k].page != s->at[i].page)
            k++;
        if (k == n && s->at[i].gone)
            continue;
        found.page = s->at[i].page;
        found.dirty = k < n && list[k].dirty;
        if (k == n) {
            c.faults++;
            if (n == frames)
                c.writebacks += list[--n].dirty;
            k = n++;
        }
        memmove(list + 1, list, k * sizeof *list);
        list[0].page = found.page;
        list[0].dirty = found.dirty || writes(s->at[i].kind);
        if (s->at[i].gone) /* it was there: it is in front now */
            memmove(list, list + 1, --n * sizeof *list);
    }
    return c;
}

/* The page whose next use is farthest goes; what is unmapped before has none. */
static unsigned opt(const struct steps *s, size_t frames)
{
    static size_t next[8 * LENGTH];
    size_t last[2 * PAGES], held[2 * PAGES];
    bool in[2 * PAGES] = {false};
    size_t n = 0;
    unsigned faults = 0;

    for (size_t p = 0; p < 2 * PAGES; p++)
        last[p] = SIZE_MAX;
    for (size_t i = s->n; i-- > 0;) {
        next[i] = last[s->at[i].page];
        last[s->at[i].page] = s->at[i].gone ? SIZE_MAX : i;
    }
    for (size_t i = 0; i < s->n; i++) {
        unsigned page = s->at[i].page;

        if (s->at[i].gone) {
            n -= in[page];
            in[page] = false;
            continue;
        }
        if (!in[page]) {
            faults++;
            if (n == frames) {
                size_t victim = SIZE_MAX;

                for (size_t p = 0; p < 2 * PAGES; p++)
                    if (in[p] && (victim == SIZE_MAX || held[p] > held[victim]))
                        victim = p;
                in[victim] = false;
                n--;
            }
            in[page] = true;
            n++;
        }
        held[page] = next[i];
    }
    return faults;
}

Test(reduce, sad_keeps_faults_of_lru_and_opt_at_k_frames_and_more)
{
    struct tide_block *b = calloc(1, sizeof *b);
    struct steps *whole = malloc(sizeof *whole), *left = malloc(sizeof *left);
    size_t dropped = 0, all = 0;

    for (uint64_t seed = 1; seed <= CASES; seed++) {
        struct tide_reduction what = {.kind = TIDE_REDUCED_SAD, .page_shift = SHIFT};
        struct tide_rng r;

        tide_rng_init(&r, seed, "reduce sad");
        make(b, &r);
        what.frames = 1 + tide_rng_below(&r, seed % 3 == 0 ? 3 : PAGES);
        whole->n = 0;
        add_block(whole, b);
        reduce(&what, b, left);
        for (size_t frames = what.frames; frames <= 2 * PAGES; frames++) {
            struct counts a = lru(whole, frames), c = lru(left, frames);

            cr_assert_eq(c.faults, a.faults, "seed %u, k %u, %zu frames: %u faults of %u",
                         (unsigned)seed, (unsigned)what.frames, frames, c.faults, a.faults);
            cr_assert_eq(c.writebacks, a.writebacks, "seed %u, k %u, %zu frames: write-backs",
                         (unsigned)seed, (unsigned)what.frames, frames);
            cr_assert_eq(opt(left, frames), opt(whole, frames), "seed %u, k %u, %zu frames: opt",
                         (unsigned)seed, (unsigned)what.frames, frames);
        }
        all += whole->n;
        dropped += whole->n - left->n;
    }
    cr_expect_gt(dropped, all / 2, "of %zu references only %zu were dropped", all, dropped);
    free(whole);
    free(left);
    free(b);
}

/* The drop is maximal: no reference that stays could go by the same rule. So k must be tight. */
Test(reduce, sad_drops_what_it_may)
{
    struct tide_block *b = calloc(1, sizeof *b);
    struct steps *left = malloc(sizeof *left);

    for (uint64_t seed = 1; seed <= CASES / 3; seed++) {
        struct tide_reduction what = {.kind = TIDE_REDUCED_SAD, .page_shift = SHIFT};
        struct tide_rng r;

        tide_rng_init(&r, seed, "reduce tight");
        make(b, &r);
        b->n_events = 0;
        what.frames = 1 + tide_rng_below(&r, PAGES);
        reduce(&what, b, left);
        for (size_t i = 0; i < left->n; i++) { /* i is the b of a and c */
            bool seen[2 * PAGES] = {false};
            size_t a = i, c = i + 1, others = 0;

            while (a-- > 0 && left->at[a].page != left->at[i].page)
                continue;
            while (c < left->n && left->at[c].page != left->at[i].page)
                c++;
            if (a == SIZE_MAX || c == left->n)
                continue;
            for (size_t k = a + 1; k < c; k++) {
                others += k != i && !seen[left->at[k].page];
                seen[left->at[k].page] = true;
            }
            cr_assert_geq(others, what.frames, "seed %u, k %u: record %zu", (unsigned)seed,
                          (unsigned)what.frames, i);
        }
    }
    free(left);
    free(b);
}

/* Misses of an LRU array; `sides`: bit mask of 1 << enum tide_side. Flushed when the process
 * changes, and by an unmap for its page. */
static unsigned misses(const struct steps *s, unsigned sides, size_t sets, size_t ways)
{
    unsigned list[64][8], n[64] = {0}, count = 0, process = 0;

    for (size_t i = 0; i < s->n; i++) {
        unsigned page = s->at[i].page, set = page % PAGES % (unsigned)sets, k = 0;

        if (!s->at[i].gone && page / PAGES != process) {
            memset(n, 0, sizeof n);
            process = page / PAGES;
        }
        while (k < n[set] && list[set][k] != page)
            k++;
        if (s->at[i].gone) {
            if (k < n[set]) {
                memmove(list[set] + k, list[set] + k + 1, (n[set] - k - 1) * sizeof **list);
                n[set]--;
            }
            continue;
        }
        if ((sides & 1u << tide_side_of((enum tide_kind)s->at[i].kind)) == 0)
            continue;
        if (k == n[set]) {
            count++;
            n[set] += n[set] < ways;
            k = n[set] - 1;
        }
        memmove(list[set] + 1, list[set], k * sizeof **list);
        list[set][0] = page;
    }
    return count;
}

Test(reduce, tlb_keeps_misses_of_lru_arrays)
{
    struct tide_block *b = calloc(1, sizeof *b);
    struct steps *whole = malloc(sizeof *whole), *left = malloc(sizeof *left);
    size_t dropped = 0, all = 0;

    for (uint64_t seed = 1; seed <= CASES; seed++) {
        struct tide_reduction what = {.kind = TIDE_REDUCED_TLB, .page_shift = SHIFT};
        struct tide_rng r;

        tide_rng_init(&r, seed, "reduce tlb");
        make(b, &r);
        what.sets = UINT64_C(1) << tide_rng_below(&r, 5);
        whole->n = 0;
        add_block(whole, b);
        reduce(&what, b, left);
        for (unsigned sides = 1; sides <= 3; sides++)
            for (size_t sets = what.sets; sets <= 32; sets *= 2)
                for (size_t ways = 1; ways <= 4; ways++)
                    cr_assert_eq(misses(left, sides, sets, ways), misses(whole, sides, sets, ways),
                                 "seed %u, %u sets kept, sides %u, %zu sets of %zu ways",
                                 (unsigned)seed, (unsigned)what.sets, sides, sets, ways);
        all += whole->n;
        dropped += whole->n - left->n;
    }
    cr_expect_gt(dropped, all / 4, "of %zu references only %zu were dropped", all, dropped);
    free(whole);
    free(left);
    free(b);
}

Test(reduce, guarantees_are_read_back)
{
    static const struct tide_reduction known[] = {
        {.kind = TIDE_REDUCED_SAD, .frames = 32, .page_shift = 12},
        {.kind = TIDE_REDUCED_TLB, .sets = 16, .page_shift = 21}};
    static const char *const foreign[] = {"sad", "sad frames=0 page=4096", "sad frames=1 page=5000",
                                          "tlb sets=", "magic"};
    char text[TIDE_REDUCTION_TEXT];
    struct tide_reduction r;

    for (size_t i = 0; i < 2; i++) {
        tide_reduction_print(&known[i], text);
        cr_assert(tide_reduction_parse(text, &r), "%s", text);
        cr_expect(r.kind == known[i].kind && r.frames == known[i].frames &&
                      r.sets == known[i].sets && r.page_shift == known[i].page_shift,
                  "%s", text);
    }
    cr_expect(tide_reduction_parse("", &r) && r.kind == TIDE_REDUCED_NOT);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        cr_expect(!tide_reduction_parse(foreign[i], &r), "%s", foreign[i]);
}

Test(reduce, out_of_memory)
{
    static const struct tide_reduction kinds[] = {
        {.kind = TIDE_REDUCED_SAD, .frames = 4, .page_shift = SHIFT},
        {.kind = TIDE_REDUCED_TLB, .sets = 4, .page_shift = SHIFT}};
    struct tide_block *b = calloc(1, sizeof *b);
    struct steps *left = malloc(sizeof *left);
    struct tide_rng rng;

    tide_rng_init(&rng, 1, "reduce memory");
    make(b, &rng);
    for (size_t k = 0; k < 2; k++) {
        int rc = TIDE_E_NOMEM;

        for (long n = 1; rc == TIDE_E_NOMEM; n++) {
            struct tide_error e = {0};
            struct tide_reducer *r;

            cr_assert(n < 200);
            left->n = 0;
            tide_mem_fail_after(n);
            r = tide_reducer_new(&kinds[k], &e);
            rc = r == NULL ? e.code : tide_reducer_feed(r, b, collect, left, &e);
            if (rc == 0)
                rc = tide_reducer_finish(r, collect, left, &e);
            tide_mem_fail_after(0);
            tide_reducer_free(r);
        }
        cr_expect_eq(rc, 0);
    }
    free(left);
    free(b);
}
