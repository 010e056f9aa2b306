/* Curves in one pass against the definitions, point by point: streams of page references with
 * forgotten pages, faults, several processes and warm-ups against brute force; blocks with mmap,
 * munmap, mremap, madvise, brk and exits against the machine at each number of frames. TIDE_SEED
 * and TIDE_CASES choose other cases than the usual ones. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "curve/curves.h"
#include "pager/machine.h"
#include "pager/scan.h"

enum { PAGES = 24, ENTRIES = 400, PROCESSES = 3 };

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *s = getenv(name);

    return s != NULL ? strtoull(s, NULL, 0) : otherwise;
}

static uint64_t below(struct tide_rng *r, uint64_t n)
{
    return tide_rng_below(r, n);
}

/* ---- streams ---- */

struct stream {
    struct tide_page_ref refs[ENTRIES + 1];
    size_t n;
    unsigned pages;
};

/* Phases of loops, scans and random choices; a page's process is its number modulo PROCESSES. */
static void random_stream(struct tide_rng *r, struct stream *s)
{
    unsigned pages = 1 + (unsigned)below(r, PAGES), processes = 1 + (unsigned)below(r, PROCESSES);
    size_t n = 1 + below(r, ENTRIES), start = below(r, 3) == 0 ? below(r, n) : 0;
    unsigned forgets = below(r, 2) == 0 ? 0 : 2 + (unsigned)below(r, 40);
    unsigned loop = 1 + (unsigned)below(r, pages), mode = 0;
    bool live[PAGES] = {false};
    uint32_t last = UINT32_MAX;

    *s = (struct stream){.pages = pages};
    for (size_t i = 0; i < n; i++) {
        uint32_t page;

        if (i == start)
            s->refs[s->n++] = (struct tide_page_ref){.kind = TIDE_REF_START};
        if (below(r, 40) == 0) {
            mode = (unsigned)below(r, 3);
            loop = 1 + (unsigned)below(r, pages);
        }
        page = (uint32_t)(mode == 0   ? i % loop
                          : mode == 1 ? below(r, pages)
                                      : below(r, 1 + below(r, pages)));
        if (forgets > 0 && below(r, forgets) == 0 && live[page]) {
            s->refs[s->n++] = (struct tide_page_ref){
                .kind = TIDE_REF_FORGET, .id = page, .process = (uint16_t)(page % processes)};
            live[page] = false;
            last = last == page ? UINT32_MAX : last;
            i++;
        } else if (below(r, 30) == 0) {
            s->refs[s->n++] = (struct tide_page_ref){.kind = TIDE_REF_FAULT,
                                                     .n = 1 + (uint32_t)below(r, 3),
                                                     .process = (uint16_t)below(r, processes)};
            last = UINT32_MAX;
        } else {
            s->refs[s->n++] = (struct tide_page_ref){
                .kind = TIDE_REF_PAGE,
                .id = page,
                .n = 1 + (uint32_t)(below(r, 3) == 0 ? below(r, 6) : 0),
                .process = (uint16_t)(page % processes),
                .flags = (uint8_t)((live[page] ? 0u : (unsigned)TIDE_REF_FIRST) |
                                   (last == page ? (unsigned)TIDE_REF_CONTINUES : 0u))};
            live[page] = true;
            last = page;
        }
        if (s->n >= ENTRIES)
            break;
    }
    if (s->n <= start && s->n < ENTRIES) /* the stream is over in the warm-up */
        s->refs[s->n++] = (struct tide_page_ref){.kind = TIDE_REF_START};
    for (size_t i = 0; i < s->n; i++)
        if (s->refs[i].kind == TIDE_REF_START)
            return;
    s->refs[s->n++] = (struct tide_page_ref){.kind = TIDE_REF_START};
}

/* LRU or OPT with so many frames, page by page. */
static uint64_t brute_force(const struct stream *s, size_t frames, bool opt)
{
    bool resident[PAGES] = {false};
    size_t last[PAGES] = {0}, n = 0;
    uint64_t faults = 0;

    for (size_t i = 0; i < s->n; i++) {
        const struct tide_page_ref *r = &s->refs[i];

        if (r->kind == TIDE_REF_START)
            faults = 0;
        if (r->kind == TIDE_REF_FORGET) {
            n -= resident[r->id];
            resident[r->id] = false;
        }
        if (r->kind != TIDE_REF_PAGE)
            continue;
        if (!resident[r->id]) {
            faults++;
            if (n == frames) {
                size_t worst = 0, victim = PAGES;

                for (size_t p = 0; p < PAGES; p++) {
                    size_t badness = s->n - last[p];

                    if (!resident[p])
                        continue;
                    if (opt) { /* the next use, if it comes before the page is forgotten */
                        badness = i + 1;
                        while (badness < s->n && (s->refs[badness].id != p ||
                                                  (s->refs[badness].kind != TIDE_REF_PAGE &&
                                                   s->refs[badness].kind != TIDE_REF_FORGET)))
                            badness++;
                        if (badness < s->n && s->refs[badness].kind == TIDE_REF_FORGET)
                            badness = s->n;
                    }
                    if (victim == PAGES || badness > worst) {
                        worst = badness;
                        victim = p;
                    }
                }
                resident[victim] = false;
                n--;
            }
            resident[r->id] = true;
            n++;
        }
        last[r->id] = i;
    }
    return faults;
}

static uint64_t faults_at(const struct tide_distances *d, size_t frames)
{
    uint64_t faults = d->counts[0];

    for (size_t k = frames + 1; k < d->cap; k++)
        faults += d->counts[k];
    return faults;
}

/* The stream as OPT's engine has it, turned around. */
static size_t future_of(const struct stream *s, struct tide_next_use *uses, uint64_t *repeats)
{
    uint64_t next[PAGES];
    size_t n = 0;

    *repeats = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct tide_page_ref *r = &s->refs[i];
        bool repeated = (r->flags & TIDE_REF_CONTINUES) != 0;

        if (r->kind == TIDE_REF_START) {
            uses[n++] = (struct tide_next_use){.id = TIDE_NOBODY};
            *repeats = 0;
        }
        if (r->kind != TIDE_REF_PAGE)
            continue;
        *repeats += r->n - !repeated;
        if (!repeated)
            uses[n++] = (struct tide_next_use){
                .id = r->id, .flags = (r->flags & TIDE_REF_FIRST) != 0 ? TIDE_USE_FIRST : 0};
    }
    for (size_t p = 0; p < PAGES; p++)
        next[p] = TIDE_NEVER;
    for (size_t i = n; i-- > 0;) {
        if (uses[i].id == TIDE_NOBODY)
            continue;
        uses[i].next = next[uses[i].id];
        next[uses[i].id] = (uses[i].flags & TIDE_USE_FIRST) != 0 ? TIDE_NEVER : i;
    }
    return n;
}

/* In pieces of random length, as a follower might deliver. */
#define TAKE(take, engine, s, r, e)                                                   \
    do {                                                                              \
        for (size_t from_ = 0; from_ < (s)->n;) {                                     \
            size_t n_ = 1 + below((r), (s)->n - from_);                               \
            cr_assert_eq(take((engine), (s)->refs + from_, n_, (s)->pages, &(e)), 0); \
            from_ += n_;                                                              \
        }                                                                             \
    } while (0)

Test(curves, lru_and_opt_are_the_simulation_at_each_size)
{
    uint64_t seed = from_environment("TIDE_SEED", 1), cases = from_environment("TIDE_CASES", 3000);
    uint64_t forgets = 0;

    for (uint64_t k = 0; k < cases; k++) {
        struct tide_lru_curve lru = {0};
        static struct tide_next_use uses[ENTRIES + 1];
        struct tide_opt_curve opt = {0};
        struct tide_error e = {0};
        struct tide_rng r;
        struct stream s;
        uint64_t repeats;
        size_t n;

        tide_rng_init(&r, seed + k, "curves");
        random_stream(&r, &s);
        TAKE(tide_lru_curve_take, &lru, &s, &r, e);
        n = future_of(&s, uses, &repeats);
        for (size_t from = 0; from < n;) {
            size_t piece = 1 + below(&r, n - from);

            cr_assert_eq(tide_opt_curve_take(&opt, uses + from, piece, &e), 0);
            from += piece;
        }
        for (size_t frames = 1; frames <= s.pages; frames++) {
            uint64_t expected = brute_force(&s, frames, false);

            cr_assert_eq(faults_at(&lru.distances, frames), expected,
                         "case %" PRIu64 ", lru, %zu frames: %" PRIu64 ", not %" PRIu64, seed + k,
                         frames, faults_at(&lru.distances, frames), expected);
            expected = brute_force(&s, frames, true);
            cr_assert_eq(faults_at(&opt.distances, frames), expected,
                         "case %" PRIu64 ", opt, %zu frames: %" PRIu64 ", not %" PRIu64, seed + k,
                         frames, faults_at(&opt.distances, frames), expected);
        }
        for (size_t i = 0; i < s.n; i++)
            forgets += s.refs[i].kind == TIDE_REF_FORGET;
        tide_lru_curve_fini(&lru);
        tide_opt_curve_fini(&opt);
    }
    if (cases >= 500)
        cr_expect_gt(forgets, cases, "hardly a page was forgotten");
}

/* Large stacks, so that slots are renumbered and groups have many chunks: against Mattson's stacks
 * as arrays, distance by distance. */
Test(curves, large_stacks_are_mattsons)
{
    enum { LARGE = 6000, MANY = 60000 };
    static uint32_t ids[MANY], lru_stack[LARGE], opt_stack[LARGE];
    static struct tide_next_use uses[MANY];
    static struct tide_page_ref refs[MANY];
    static uint64_t next[LARGE], lru_counts[LARGE + 2], opt_counts[LARGE + 2];
    uint64_t seed = from_environment("TIDE_SEED", 1);

    for (uint64_t k = 0; k < 6; k++) {
        uint32_t pages = k < 3 ? LARGE : 700, mode = 0, length = 1, from = 0, previous = UINT32_MAX;
        struct tide_lru_curve lru = {0};
        struct tide_opt_curve opt = {0};
        struct tide_error e = {0};
        struct tide_rng r;
        uint32_t n = 0, n_lru = 0, n_opt = 0;

        tide_rng_init(&r, seed + k, "large");
        memset(lru_counts, 0, sizeof lru_counts);
        memset(opt_counts, 0, sizeof opt_counts);
        memset(next, 0xff, sizeof next);
        while (n < MANY) {
            uint32_t page;

            if (below(&r, 4000) == 0) {
                mode = (uint32_t)below(&r, 4);
                length = 1 + (uint32_t)below(&r, pages);
                from = (uint32_t)below(&r, pages - length + 1);
            }
            page = mode == 0   ? from + n % length
                   : mode == 1 ? (uint32_t)below(&r, pages)
                   : mode == 2
                       ? from + (n % (2 * length) < length ? n % length : length - 1 - n % length)
                       : (uint32_t)below(&r, 1 + below(&r, 1 + below(&r, pages)));
            if (page == previous)
                page = (page + 1) % pages;
            previous = ids[n] = page;
            n++;
        }
        for (uint32_t i = n; i-- > 0;) {
            uses[i] = (struct tide_next_use){.id = ids[i], .next = next[ids[i]]};
            next[ids[i]] = i;
            refs[i] = (struct tide_page_ref){.kind = TIDE_REF_PAGE, .id = ids[i], .n = 1};
        }
        memset(next, 0xff, sizeof next);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t page = ids[i], at = 0, carried;

            while (at < n_lru && lru_stack[at] != page)
                at++;
            uses[i].flags = at == n_lru ? TIDE_USE_FIRST : 0;
            lru_counts[at < n_lru ? at + 1 : 0]++;
            n_lru += at == n_lru;
            memmove(lru_stack + 1, lru_stack, at * sizeof *lru_stack);
            lru_stack[0] = page;

            next[page] = uses[i].next;
            carried = n_opt > 0 ? opt_stack[0] : page;
            opt_stack[0] = page;
            for (at = n_opt > 0 && carried == page ? 0 : 1; at > 0 && at < n_opt; at++) {
                uint32_t here = opt_stack[at];

                if (here == page)
                    break;
                if (next[here] > next[carried]) {
                    opt_stack[at] = carried;
                    carried = here;
                }
            }
            if (n_opt == 0) {
                opt_counts[0]++;
                n_opt = 1;
            } else if (at < n_opt) {
                opt_counts[at + 1]++;
                opt_stack[at] = carried;
            } else {
                opt_counts[0]++;
                opt_stack[n_opt++] = carried;
            }
        }
        cr_assert_eq(tide_lru_curve_take(&lru, refs, n, pages, &e), 0);
        cr_assert_eq(tide_opt_curve_take(&opt, uses, n, &e), 0);
        for (size_t d = 0; d <= pages; d++) {
            cr_assert_eq(lru.distances.counts[d], lru_counts[d], "case %" PRIu64 ", lru, %zu",
                         seed + k, d);
            cr_assert_eq(d < opt.distances.cap ? opt.distances.counts[d] : 0, opt_counts[d],
                         "case %" PRIu64 ", opt, %zu", seed + k, d);
        }
        tide_lru_curve_fini(&lru);
        tide_opt_curve_fini(&opt);
    }
}

/* ---- windows ---- */

/* The process's own times at which each reference of the stream happens, one by one. */
struct moment {
    uint32_t page; /* PAGES: a fault */
    unsigned process;
    uint64_t time;    /* of the process */
    uint64_t next;    /* time of the next reference to the page while it lives; 0: none */
    uint64_t last;    /* of the one before; 0: none */
    uint64_t ends;    /* the time up to which the page lives after this reference */
    size_t forgotten; /* the moments before that, of all processes; 0: never */
    bool counts;
};

static size_t moments(const struct stream *s, struct moment *out)
{
    uint64_t now[PROCESSES] = {0};
    size_t before[PAGES], n = 0;
    bool counts = false;

    for (size_t p = 0; p < PAGES; p++)
        before[p] = SIZE_MAX;
    for (size_t i = 0; i < s->n; i++) {
        const struct tide_page_ref *r = &s->refs[i];

        counts |= r->kind == TIDE_REF_START;
        if (r->kind == TIDE_REF_FORGET && before[r->id] != SIZE_MAX) {
            out[before[r->id]].ends = now[r->process];
            out[before[r->id]].forgotten = n;
            before[r->id] = SIZE_MAX;
        }
        for (uint32_t k = 0; k < r->n; k++) {
            struct moment m = {.page = PAGES, .process = r->process, .counts = counts};

            m.time = ++now[r->process];
            if (r->kind == TIDE_REF_PAGE) {
                m.page = r->id;
                if (before[r->id] != SIZE_MAX) {
                    m.last = out[before[r->id]].time;
                    out[before[r->id]].next = m.time;
                }
                before[r->id] = n;
            }
            out[n++] = m;
        }
    }
    for (size_t p = 0; p < PAGES; p++)
        if (before[p] != SIZE_MAX)
            out[before[p]].ends = now[out[before[p]].process];
    return n;
}

struct checked {
    const struct moment *m;
    size_t n;
    uint64_t case_number, taus, last_tau, last_faults;
};

/* Straight from the definitions. */
static int check_point(void *context, const struct tide_window_point *p, struct tide_error *e)
{
    struct checked *c = context;
    uint64_t size = 0, vmin = 0, faults = 0, footprint = 0, windows = 0;

    (void)e;
    for (size_t i = 0; i < c->n; i++) {
        const struct moment *m = &c->m[i];

        if (!m->counts)
            continue;
        faults += m->page < PAGES && (m->last == 0 || m->time - m->last > p->tau);
        for (size_t k = 0; k <= i; k++) { /* what is in memory after reference i */
            const struct moment *u = &c->m[k];
            uint64_t end;

            if (u->page == PAGES || u->process != m->process)
                continue;
            end = u->next != 0 ? u->next - 1 : u->ends;
            size += m->time <= end && m->time - u->time < p->tau;
            vmin += u == m || (u->next != 0 && u->next - u->time <= p->tau && m->time < u->next);
        }
    }
    for (unsigned process = 0; process < PROCESSES; process++) {
        for (size_t i = 0; i < c->n; i++) { /* windows of references that begin with i */
            uint64_t left = p->tau, seen = 0;

            if (c->m[i].process != process || !c->m[i].counts)
                continue;
            for (size_t k = i; k < c->n && left > 0; k++) {
                if (c->m[k].process != process)
                    continue;
                left--;
                if (c->m[k].page < PAGES)
                    seen |= UINT64_C(1) << c->m[k].page;
            }
            if (left == 0) {
                windows++;
                footprint += (uint64_t)__builtin_popcountll(seen);
            }
        }
    }
    cr_assert_eq(p->faults, faults,
                 "case %" PRIu64 ", tau %" PRIu64 ": %" PRIu64 " faults, not %" PRIu64,
                 c->case_number, p->tau, p->faults, faults);
    cr_assert_eq(p->size_sum, size,
                 "case %" PRIu64 ", tau %" PRIu64 ": size %" PRIu64 ", not %" PRIu64,
                 c->case_number, p->tau, p->size_sum, size);
    cr_assert_eq(p->vmin_sum, vmin,
                 "case %" PRIu64 ", tau %" PRIu64 ": vmin %" PRIu64 ", not %" PRIu64,
                 c->case_number, p->tau, p->vmin_sum, vmin);
    cr_assert_eq(p->windows, windows, "case %" PRIu64 ", tau %" PRIu64, c->case_number, p->tau);
    cr_assert_eq(p->footprint_sum, footprint,
                 "case %" PRIu64 ", tau %" PRIu64 ": footprint %" PRIu64 ", not %" PRIu64,
                 c->case_number, p->tau, p->footprint_sum, footprint);
    if (c->taus > 0)
        cr_assert_eq(p->gaps, c->last_faults - faults);
    cr_assert_gt(p->tau, c->last_tau);
    c->last_faults = faults;
    c->last_tau = p->tau;
    c->taus++;
    return 0;
}

Test(curves, windows_are_the_definitions_at_each_tau)
{
    uint64_t seed = from_environment("TIDE_SEED", 1), cases = from_environment("TIDE_CASES", 40);

    for (uint64_t k = 0; k < cases; k++) {
        static struct moment m[8 * ENTRIES];
        struct tide_windows *w = calloc(1, sizeof *w);
        struct tide_error e = {0};
        struct checked c = {.m = m, .case_number = seed + k};
        struct tide_rng r;
        struct stream s;
        uint64_t counted = 0;

        cr_assert_not_null(w);
        tide_rng_init(&r, seed + k, "windows");
        random_stream(&r, &s);
        s.n = s.n > 120 ? 120 : s.n;
        if (k % 2 == 0 || s.refs[0].kind != TIDE_REF_START) { /* a warm-up of some length */
            for (size_t i = 0; i < s.n; i++)
                if (s.refs[i].kind == TIDE_REF_START)
                    memmove(&s.refs[i], &s.refs[i + 1], (--s.n - i) * sizeof *s.refs);
            memmove(&s.refs[s.n / 3 + 1], &s.refs[s.n / 3], (s.n - s.n / 3) * sizeof *s.refs);
            s.refs[s.n / 3] = (struct tide_page_ref){.kind = TIDE_REF_START};
            s.n++;
        }
        c.n = moments(&s, m);
        for (size_t i = 0; i < c.n; i++)
            counted += m[i].counts;
        TAKE(tide_windows_take, w, &s, &r, e);
        tide_windows_finish(w);
        cr_assert_eq(tide_windows_points(w, check_point, &c, &e), 0);
        cr_assert_eq(c.taus > 0, counted > 0);
        if (counted > 0)
            cr_assert_eq(c.last_tau, c.n);
        tide_windows_fini(w);
        free(w);
    }
}

/* Beyond 1024 windows stand 64 to an octave; sums at them are exact too. */
static int check_gaps(void *context, const struct tide_window_point *p, struct tide_error *e)
{
    const uint64_t *gaps = context; /* those of one page, a 0 behind the last one */
    uint64_t now = 1, size = 0, faults = 1, vmin = 1, longest = 1, n;

    (void)e;
    for (n = 0; gaps[n] != 0; n++) {
        size += gaps[n] < p->tau ? gaps[n] : p->tau;
        faults += gaps[n] > p->tau;
        vmin += gaps[n] <= p->tau ? gaps[n] : 1;
        now += gaps[n];
        longest = gaps[n] > longest ? gaps[n] : longest;
    }
    size++; /* the last reference */
    cr_assert_eq(p->size_sum, size, "tau %" PRIu64, p->tau);
    cr_assert_eq(p->faults, faults, "tau %" PRIu64, p->tau);
    cr_assert_eq(p->vmin_sum, vmin, "tau %" PRIu64, p->tau);
    if (p->tau > 1024 && p->tau < now) /* a multiple of a 64th of the power of two below */
        cr_assert_eq((p->tau - 1) % (1 << (63 - __builtin_clzll(p->tau - 1) - 6)),
                     (1u << (63 - __builtin_clzll(p->tau - 1) - 6)) - 1, "tau %" PRIu64, p->tau);
    return 0;
}

Test(curves, large_windows_are_exact_where_they_are_written)
{
    struct tide_rng r;

    for (uint64_t k = 0; k < 30; k++) {
        struct tide_windows *w = calloc(1, sizeof *w);
        struct tide_error e = {0};
        uint64_t gaps[40] = {0};

        cr_assert_not_null(w);
        tide_rng_init(&r, k, "gaps");
        for (size_t i = 0; i < 39; i++) {
            uint32_t n = 1 + (uint32_t)below(&r, UINT64_C(1) << below(&r, 30));
            struct tide_page_ref refs[3] = {{.kind = TIDE_REF_START},
                                            {.kind = TIDE_REF_FAULT, .n = n},
                                            {.kind = TIDE_REF_PAGE, .n = 1}};

            if (i > 0)
                gaps[i - 1] = (uint64_t)n + 1;
            cr_assert_eq(tide_windows_take(w, i == 0 ? refs : refs + 1, i == 0 ? 1 : 2, 1, &e), 0);
            if (i == 0)
                cr_assert_eq(tide_windows_take(w, refs + 2, 1, 1, &e), 0);
        }
        tide_windows_finish(w);
        /* size, faults and VMIN of the page's references: faults are no pages */
        cr_assert_eq(tide_windows_points(w, check_gaps, gaps, &e), 0);
        tide_windows_fini(w);
        free(w);
    }
}

/* ---- series ---- */

struct series_check {
    const struct moment *m;
    const uint64_t *taus;
    size_t n, n_taus, samples;
    uint64_t interval, counted, case_number;
};

static int check_sample(void *context, uint64_t vtime, const uint64_t *pages, struct tide_error *e)
{
    struct series_check *c = context;
    uint64_t now[PROCESSES] = {0}, counted = 0;
    size_t end = 0;

    (void)e;
    c->samples++;
    cr_assert(vtime == c->samples * c->interval || vtime == c->counted);
    while (end < c->n && counted < vtime) {
        counted += c->m[end].counts;
        now[c->m[end].process] = c->m[end].time;
        end++;
    }
    for (size_t k = 0; k < c->n_taus; k++) {
        uint64_t size = 0;

        for (size_t i = 0; i < end; i++) {
            const struct moment *u = &c->m[i];
            bool used_again = u->next != 0 && u->next <= now[u->process];
            /* where a page is forgotten at the time of a sample, the sample comes first, but for
             * the one at the end */
            bool gone = u->forgotten != 0 &&
                        (vtime % c->interval == 0 ? u->forgotten < end : u->forgotten <= end);

            size +=
                u->page < PAGES && !used_again && !gone && now[u->process] - u->time < c->taus[k];
        }
        cr_assert_eq(pages[k], size,
                     "case %" PRIu64 ", time %" PRIu64 ", tau %" PRIu64 ": %" PRIu64
                     ", not %" PRIu64,
                     c->case_number, vtime, c->taus[k], pages[k], size);
    }
    return 0;
}

Test(curves, working_sets_over_time_are_the_definition)
{
    uint64_t seed = from_environment("TIDE_SEED", 1), cases = from_environment("TIDE_CASES", 1000);

    for (uint64_t k = 0; k < cases; k++) {
        static struct moment m[8 * ENTRIES];
        uint64_t taus[3];
        struct series_check c = {.m = m, .taus = taus, .n_taus = 3, .case_number = seed + k};
        struct tide_error e = {0};
        struct tide_series *series;
        struct tide_rng r;
        struct stream s;

        tide_rng_init(&r, seed + k, "series");
        random_stream(&r, &s);
        c.n = moments(&s, m);
        for (size_t i = 0; i < c.n; i++)
            c.counted += m[i].counts;
        for (size_t i = 0; i < 3; i++)
            taus[i] = 1 + below(&r, UINT64_C(1) << below(&r, 10));
        c.interval = 1 + below(&r, 100);
        series = tide_series_new(&(struct tide_series_config){.interval = c.interval,
                                                              .taus = taus,
                                                              .n_taus = 3,
                                                              .context = &c,
                                                              .sample = check_sample},
                                 &e);
        cr_assert_not_null(series);
        TAKE(tide_series_take, series, &s, &r, e);
        cr_assert_eq(tide_series_finish(series, &e), 0);
        cr_assert_eq(c.samples, (c.counted + c.interval - 1) / c.interval);
        tide_series_free(series);
    }
}

/* ---- blocks, through the machine ---- */

enum { ACCESSES = 1500, BASE = 0x10000000, SPAN = 40 };

static void add_event(struct tide_block *b, struct tide_event ev)
{
    ev.at = (uint32_t)b->n_accesses;
    b->events[b->n_events++] = ev;
}

static void random_event(struct tide_rng *r, struct tide_block *b, uint16_t process)
{
    uint64_t page = below(r, SPAN), len = 1 + below(r, 8), other = below(r, SPAN);
    struct tide_event ev = {.process = process, .addr = BASE + page * 4096, .len = len * 4096};

    switch (below(r, 8)) {
    case 0:
    case 1:
        ev.type = TIDE_EV_UNMAP;
        break;
    case 2:
    case 3:
        ev.type = TIDE_EV_MAP;
        ev.prot = below(r, 6) == 0 ? TIDE_PROT_READ : 7;
        break;
    case 4:
        ev.type = TIDE_EV_MADVISE;
        ev.number = 4;
        break;
    case 5:
        if (other + len > page && page + len > other)
            return;
        ev.type = TIDE_EV_REMAP;
        ev.new_addr = BASE + other * 4096;
        ev.new_len = ev.len;
        break;
    case 6:
        ev.type = TIDE_EV_PROTECT;
        ev.prot = below(r, 3) == 0 ? TIDE_PROT_READ : 7;
        break;
    default:
        if (below(r, 10) != 0)
            return;
        ev.type = TIDE_EV_EXIT;
        break;
    }
    add_event(b, ev);
}

static void random_block(struct tide_rng *r, struct tide_block *b)
{
    unsigned processes = 1 + (unsigned)below(r, PROCESSES), events = 2 + (unsigned)below(r, 60);
    bool layout = below(r, 3) != 0;
    uint64_t span = 2 + below(r, SPAN - 2), at[TIDE_SIDES] = {0};
    uint16_t process = 0;

    b->n_accesses = b->n_events = 0;
    b->first = 0;
    for (unsigned p = 0; layout && p < processes; p++)
        add_event(b, (struct tide_event){.type = TIDE_EV_MAP,
                                         .process = (uint16_t)p,
                                         .flags = TIDE_MAP_FROM_LAYOUT,
                                         .addr = BASE,
                                         .len = SPAN * 4096,
                                         .prot = 7});
    while (b->n_accesses < ACCESSES) {
        enum tide_kind kind = (enum tide_kind)below(r, TIDE_KINDS);
        unsigned side = tide_side_of(kind);
        uint64_t offset = below(r, 4096);

        if (below(r, 20) == 0)
            process = (uint16_t)below(r, processes);
        if (below(r, events) == 0 && b->n_events < TIDE_BLOCK_EVENTS - 1)
            random_event(r, b, process);
        if (below(r, 4) == 0)
            at[side] = below(r, 3) == 0 ? (at[side] + 1) % span : below(r, span);
        if (below(r, 12) != 0 && offset > 4088)
            offset = 4088;
        b->accesses[b->n_accesses++] =
            (struct tide_access){.addr = below(r, 200) == 0 ? UINT64_C(0x8000000000000000)
                                                            : BASE + at[side] * 4096 + offset,
                                 .size = 8,
                                 .process = process,
                                 .kind = (uint8_t)kind};
    }
}

static void machine_counts(const struct tide_block *b, const struct tide_machine_config *config,
                           enum tide_engine engine, struct tide_counts *counts)
{
    static struct tide_block_runs runs;
    enum tide_future_time future = tide_machine_needs_future(config);
    struct tide_geometry g = tide_machine_geometry(config);
    struct tide_error e = {0};
    struct tide_scan *scan =
        tide_scan_new(g, config->skip, config->warmup, config->limit, future, &e);
    struct tide_machine *m;

    cr_assert_not_null(scan);
    cr_assert_eq(tide_scan_feed(scan, b, NULL, &e), 1, "%s", e.what);
    cr_assert_eq(tide_scan_finish(scan, &e), 0);
    m = tide_machine_new(config, engine, tide_scan_distinct_pages(scan),
                         tide_scan_future(scan, future), NULL, &e);
    cr_assert_not_null(m, "%s", e.what);
    tide_block_runs_init(&runs, g);
    tide_block_runs_cut(&runs, b);
    cr_assert_geq(tide_machine_feed(m, b, &runs, &e), 0, "%s", e.what);
    cr_assert_eq(tide_machine_finish(m, &e), 0);
    tide_machine_counts(m, counts);
    tide_machine_free(m);
    tide_scan_free(scan);
}

/* The machine that the curves are to be compared with; frames and options are the policy's. */
static void make_machine(struct tide_machine_config *config, const char *policy,
                         unsigned page_shift, const struct tide_curves_config *c)
{
    tide_machine_defaults(config);
    config->policy = tide_policy_find(policy);
    tide_options_defaults(config->policy->options, config->policy_options);
    config->page_shift = page_shift;
    config->skip = c->skip;
    config->warmup = c->warmup;
    config->limit = c->limit;
}

static uint64_t machine_faults(const struct tide_block *b, const char *policy, uint64_t frames,
                               enum tide_engine engine, unsigned page_shift,
                               const struct tide_curves_config *c, uint64_t *references)
{
    struct tide_machine_config config;
    struct tide_counts counts;

    make_machine(&config, policy, page_shift, c);
    config.frames = (struct tide_amount){.value = frames};
    machine_counts(b, &config, engine, &counts);
    *references = counts.references;
    return counts.faults_minor + counts.faults_major;
}

Test(curves, lru_and_opt_are_the_machine_at_each_size)
{
    uint64_t seed = from_environment("TIDE_SEED", 1), cases = from_environment("TIDE_CASES", 60);
    struct tide_block *b = malloc(sizeof *b);
    uint64_t kinds[TIDE_EV_TYPES] = {0};

    cr_assert_not_null(b);
    memset(b, 0, sizeof *b);
    for (uint64_t k = 0; k < cases; k++) {
        struct tide_curves_config config = {.limit = UINT64_MAX, .which = TIDE_CURVES_ALL};
        struct tide_machine_config machine;
        struct tide_curves *curves;
        struct tide_error e = {0};
        struct tide_rng r;
        uint64_t references;

        tide_rng_init(&r, seed + k, "machines");
        random_block(&r, b);
        for (size_t i = 0; i < b->n_events; i++)
            kinds[b->events[i].type]++;
        tide_machine_defaults(&machine);
        machine.page_shift = below(&r, 4) == 0 ? 13 : 12;
        config.geometry = tide_machine_geometry(&machine);
        if (below(&r, 2) == 0) {
            config.skip = below(&r, 1000);
            config.warmup = below(&r, 2) == 0 ? below(&r, 1000) : 0;
            config.limit = below(&r, 2) == 0 ? 1 + below(&r, 1500) : UINT64_MAX;
        }
        curves = tide_curves_new(&config, &e);
        cr_assert_not_null(curves);
        cr_assert_geq(tide_curves_feed(curves, b, NULL, &e), 0, "%s", e.what);
        cr_assert_eq(tide_curves_finish(curves, &e), 0);
        for (uint64_t frames = 1; frames <= tide_curves_pages(curves) + 1;
             frames += 1 + frames / 6) {
            for (int opt = 0; opt < 2; opt++) {
                enum tide_curve which = opt != 0 ? TIDE_CURVE_OPT : TIDE_CURVE_LRU;
                enum tide_engine engine = below(&r, 2) == 0 ? TIDE_ENGINE_FAST : TIDE_ENGINE_PLAIN;
                uint64_t expected = machine_faults(b, tide_curve_names[which], frames, engine,
                                                   machine.page_shift, &config, &references);
                uint64_t got = faults_at(tide_curves_distances(curves, which), frames);

                cr_assert_eq(got, expected,
                             "case %" PRIu64 ", %s, %" PRIu64 " frames: %" PRIu64 ", not %" PRIu64,
                             seed + k, tide_curve_names[which], frames, got, expected);
                cr_assert_eq(tide_curves_references(curves), references);
            }
        }
        tide_curves_free(curves);
    }
    if (cases >= 50) {
        cr_expect_gt(kinds[TIDE_EV_UNMAP], 0);
        cr_expect_gt(kinds[TIDE_EV_REMAP], 0);
        cr_expect_gt(kinds[TIDE_EV_MADVISE], 0);
        cr_expect_gt(kinds[TIDE_EV_EXIT], 0);
    }
    free(b);
}

struct window_check {
    const struct tide_block *block;
    const struct tide_curves_config *config;
    struct tide_rng *rng;
    uint64_t case_number, points;
};

/* Some of the points: WS and VMIN fault as the curve says. Both engines count the same, pff's too.
 */
static int check_against_machine(void *context, const struct tide_window_point *p,
                                 struct tide_error *e)
{
    static const char *const policies[] = {"ws", "vmin", "pff"};
    struct window_check *c = context;

    if (below(c->rng, 1 + p->tau) > 2)
        return 0;
    c->points++;
    for (int i = 0; i < 3; i++) {
        struct tide_machine_config machine;
        struct tide_counts plain, fast;
        char value[24];

        make_machine(&machine, policies[i], c->config->geometry.page_shift, c->config);
        snprintf(value, sizeof value, "%" PRIu64, p->tau);
        cr_assert_eq(tide_option_set(machine.policy->options, machine.policy_options, "it",
                                     i < 2 ? "tau" : "t", value, e),
                     0);
        machine_counts(c->block, &machine, TIDE_ENGINE_PLAIN, &plain);
        machine_counts(c->block, &machine, TIDE_ENGINE_FAST, &fast);
        cr_assert_arr_eq((const char *)&plain, (const char *)&fast, sizeof plain,
                         "case %" PRIu64 ", %s, tau %" PRIu64 ": engines differ", c->case_number,
                         policies[i], p->tau);
        if (i < 2)
            cr_assert_eq(plain.faults_minor + plain.faults_major, p->faults,
                         "case %" PRIu64 ", %s, tau %" PRIu64 ": %" PRIu64 " faults, not %" PRIu64,
                         c->case_number, policies[i], p->tau,
                         plain.faults_minor + plain.faults_major, p->faults);
    }
    return 0;
}

Test(curves, windows_are_the_machine_at_each_tau)
{
    uint64_t seed = from_environment("TIDE_SEED", 1), cases = from_environment("TIDE_CASES", 60);
    struct tide_block *b = calloc(1, sizeof *b);
    uint64_t several = 0;

    cr_assert_not_null(b);
    for (uint64_t k = 0; k < cases; k++) {
        struct tide_curves_config config = {.limit = UINT64_MAX,
                                            .which = 1 << TIDE_CURVE_WORKING_SET};
        struct tide_machine_config machine;
        struct tide_curves *curves;
        struct tide_error e = {0};
        struct tide_rng r;
        struct window_check c = {.block = b, .config = &config, .rng = &r, .case_number = seed + k};
        size_t events = 0;

        tide_rng_init(&r, seed + k, "windows of machines");
        random_block(&r, b);
        for (size_t i = 0; i < b->n_accesses; i++)
            several += b->accesses[i].process > 0;
        /* pages that were moved fill frames which nobody counted: then the policy is asked for a
         * victim, against its will */
        for (size_t i = 0; i < b->n_events; i++)
            if (b->events[i].type != TIDE_EV_REMAP)
                b->events[events++] = b->events[i];
        b->n_events = events;
        tide_machine_defaults(&machine);
        machine.page_shift = below(&r, 4) == 0 ? 13 : 12;
        config.geometry = tide_machine_geometry(&machine);
        if (below(&r, 2) == 0) {
            config.skip = below(&r, 700);
            config.warmup = below(&r, 2) == 0 ? below(&r, 700) : 0;
            config.limit = below(&r, 2) == 0 ? 1 + below(&r, 1500) : UINT64_MAX;
        }
        curves = tide_curves_new(&config, &e);
        cr_assert_not_null(curves);
        cr_assert_geq(tide_curves_feed(curves, b, NULL, &e), 0, "%s", e.what);
        cr_assert_eq(tide_curves_finish(curves, &e), 0);
        cr_assert_eq(
            tide_windows_points(tide_curves_windows(curves), check_against_machine, &c, &e), 0,
            "%s", e.what);
        cr_expect_gt(c.points, 2, "case %" PRIu64, seed + k);
        tide_curves_free(curves);
    }
    if (cases >= 50)
        cr_expect_gt(several, 100 * cases, "few references of a second process");
    free(b);
}
