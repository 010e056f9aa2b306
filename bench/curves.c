/* Speed of the curve engines on collapsed page references in memory.
 *
 * Usage: curves [TRACE...]
 * For each TRACE, and for made-up streams of 1,000 and 1,000,000 pages (Zipf-like choices, and
 * loops over parts of a footprint), prints millions of references a second for each engine (median
 * of three passes, CPU time) and its ratio to a plain implementation that walks its stack page by
 * page, on as much of the stream as that can do in a second or so. OPT is given next uses.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "curve/curves.h"
#include "pager/follow.h"
#include "trace/reader.h"

enum { PASSES = 3, PIECE = 4096 };

struct stream {
    struct tide_page_ref *refs;
    size_t n, cap, pages;
};

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    fprintf(stderr, "curves: %s\n", what);
    exit(1);
}

static void add(struct stream *s, struct tide_page_ref ref)
{
    if (s->n == s->cap) {
        s->cap = s->cap > 0 ? 2 * s->cap : 1 << 20;
        s->refs = realloc(s->refs, s->cap * sizeof *s->refs);
        if (s->refs == NULL)
            fail("out of memory");
    }
    s->refs[s->n++] = ref;
    if (ref.id >= s->pages)
        s->pages = ref.id + 1;
}

static void add_page(struct stream *s, uint32_t page)
{
    if (s->n > 0 && s->refs[s->n - 1].kind == TIDE_REF_PAGE && s->refs[s->n - 1].id == page)
        s->refs[s->n - 1].n++;
    else
        add(s, (struct tide_page_ref){.kind = TIDE_REF_PAGE, .id = page, .n = 1});
}

/* Ranks with weight 1/rank, by inversion of the integral; ranks are spread over the numbers. */
static void make_zipf(struct stream *s, size_t pages, size_t n)
{
    struct tide_rng r;

    tide_rng_init(&r, 1, "zipf");
    add(s, (struct tide_page_ref){.kind = TIDE_REF_START});
    while (s->n < n) {
        double u = (double)(tide_rng_next(&r) >> 11) * 0x1p-53;
        uint64_t rank = (uint64_t)exp(u * log((double)pages + 1)) - 1;

        rank = rank >= pages ? pages - 1 : rank;
        add_page(s, (uint32_t)(rank * UINT64_C(2654435761) % pages));
    }
}

/* Loops over a part of the footprint that changes, with a quarter of random references in it. */
static void make_loops(struct stream *s, size_t pages, size_t n)
{
    struct tide_rng r;
    size_t from = 0, length = 1, at = 0, left = 0;

    tide_rng_init(&r, 1, "loops");
    add(s, (struct tide_page_ref){.kind = TIDE_REF_START});
    while (s->n < n) {
        if (left-- == 0) {
            length = 1 + tide_rng_below(&r, 1 + tide_rng_below(&r, pages / 4));
            from = tide_rng_below(&r, pages - length);
            left = 3 * length;
        }
        at = (at + 1) % length;
        add_page(s,
                 (uint32_t)(from + (tide_rng_below(&r, 4) == 0 ? tide_rng_below(&r, length) : at)));
    }
}

static int keep(void *context, const struct tide_page_ref *refs, size_t n, struct tide_error *e)
{
    (void)e;
    for (size_t i = 0; i < n; i++)
        add(context, refs[i]);
    return 0;
}

static void read_trace(struct stream *s, const char *path)
{
    struct tide_error e = {0};
    struct tide_stream *in = tide_stream_open(path, &e);
    struct tide_reader *r = in != NULL ? tide_reader_open(in, NULL, &e) : NULL;
    struct tide_block *b = calloc(1, sizeof *b);
    struct tide_machine_config machine;
    struct tide_follow_config c = {.limit = UINT64_MAX, .context = s, .take = keep};
    struct tide_follow *f;

    tide_machine_defaults(&machine);
    c.geometry = tide_machine_geometry(&machine);
    f = tide_follow_new(&c, &e);
    if (r == NULL || b == NULL || f == NULL)
        fail(e.what);
    while (tide_reader_next(r, b, &e) > 0)
        if (tide_follow_feed(f, b, NULL, &e) < 0)
            fail(e.what);
    if (tide_follow_finish(f, &e) != 0)
        fail(e.what);
    tide_follow_free(f);
    tide_reader_close(r);
    free(b);
}

/* ---- engines ---- */

static void run_lru(const struct stream *s)
{
    struct tide_lru_curve c = {0};
    struct tide_error e = {0};

    for (size_t i = 0; i < s->n; i += PIECE)
        if (tide_lru_curve_take(&c, s->refs + i, s->n - i < PIECE ? s->n - i : PIECE, s->pages,
                                &e) != 0)
            fail(e.what);
    tide_lru_curve_fini(&c);
}

/* The stream with next uses, made beforehand. */
static struct tide_next_use *uses;
static size_t n_uses;

static void look_ahead(const struct stream *s)
{
    uint64_t *next = malloc(s->pages * sizeof *next);
    char *seen = calloc(s->pages, 1);

    uses = malloc((s->n + 1) * sizeof *uses);
    n_uses = 0;
    if (uses == NULL || next == NULL || seen == NULL)
        fail("out of memory");
    for (size_t i = 0; i < s->n; i++) {
        const struct tide_page_ref *r = &s->refs[i];

        if (r->kind == TIDE_REF_FORGET)
            seen[r->id] = 0;
        if (r->kind != TIDE_REF_PAGE || (r->flags & TIDE_REF_CONTINUES) != 0)
            continue;
        uses[n_uses++] =
            (struct tide_next_use){.id = r->id, .flags = seen[r->id] ? 0 : TIDE_USE_FIRST};
        seen[r->id] = 1;
    }
    memset(next, 0xff, s->pages * sizeof *next);
    for (size_t i = n_uses; i-- > 0;) {
        uses[i].next = next[uses[i].id];
        next[uses[i].id] = (uses[i].flags & TIDE_USE_FIRST) != 0 ? TIDE_NEVER : i;
    }
    free(next);
    free(seen);
}

static void run_opt(const struct stream *s)
{
    struct tide_opt_curve c = {0};
    struct tide_error e = {0};

    (void)s;
    for (size_t i = 0; i < n_uses; i += PIECE)
        if (tide_opt_curve_take(&c, uses + i, n_uses - i < PIECE ? n_uses - i : PIECE, &e) != 0)
            fail(e.what);
    tide_opt_curve_fini(&c);
}

static void run_windows(const struct stream *s)
{
    static struct tide_windows w;
    struct tide_error e = {0};

    memset(&w, 0, sizeof w);
    for (size_t i = 0; i < s->n; i += PIECE)
        if (tide_windows_take(&w, s->refs + i, s->n - i < PIECE ? s->n - i : PIECE, s->pages, &e) !=
            0)
            fail(e.what);
    tide_windows_fini(&w);
}

/* ---- plain ones: Mattson's stacks as arrays; return the references done in about a second ---- */

static size_t plain_lru(const struct stream *s)
{
    uint32_t *stack = malloc((s->pages + 1) * sizeof *stack);
    uint64_t *counts = calloc(s->pages + 1, sizeof *counts);
    double start = seconds();
    size_t n = 0, i;

    if (stack == NULL || counts == NULL)
        fail("out of memory");
    for (i = 0; i < s->n; i++) {
        size_t at = 0;

        if (s->refs[i].kind != TIDE_REF_PAGE)
            continue;
        while (at < n && stack[at] != s->refs[i].id)
            at++;
        counts[at < n ? at + 1 : 0]++;
        n += at == n;
        memmove(stack + 1, stack, at * sizeof *stack);
        stack[0] = s->refs[i].id;
        if (i % 1024 == 0 && seconds() - start > 1)
            break;
    }
    free(stack);
    free(counts);
    return i;
}

static size_t plain_opt(const struct stream *s)
{
    uint32_t *stack = malloc((s->pages + 1) * sizeof *stack);
    uint64_t *counts = calloc(s->pages + 1, sizeof *counts), *next_of = NULL;
    size_t *next = malloc(s->n * sizeof *next), n = 0, i;
    double start;

    next_of = malloc(s->pages * sizeof *next_of);
    if (stack == NULL || counts == NULL || next == NULL || next_of == NULL)
        fail("out of memory");
    memset(next_of, 0xff, s->pages * sizeof *next_of);
    for (i = s->n; i-- > 0;) {
        if (s->refs[i].kind != TIDE_REF_PAGE)
            continue;
        next[i] = next_of[s->refs[i].id];
        next_of[s->refs[i].id] = i;
    }
    start = seconds(); /* next uses are given */
    for (i = 0; i < s->n; i++) {
        uint32_t page = s->refs[i].id, carried;
        size_t at = 0;

        if (s->refs[i].kind != TIDE_REF_PAGE)
            continue;
        next_of[page] = next[i];
        if (n > 0 && stack[0] == page) {
            counts[1]++;
            continue;
        }
        carried = n > 0 ? stack[0] : page;
        stack[0] = page;
        for (at = 1; at < n && stack[at] != page; at++) {
            uint32_t here = stack[at];
            int stays = next_of[here] <= next_of[carried];

            stack[at] = stays ? here : carried;
            carried = stays ? carried : here;
        }
        counts[at < n ? at + 1 : 0]++;
        if (n > 0)
            stack[at] = carried;
        n += at >= n;
        if (i % 1024 == 0 && seconds() - start > 1)
            break;
    }
    free(stack);
    free(counts);
    free(next);
    free(next_of);
    return i;
}

static const struct engine {
    const char *name;
    void (*run)(const struct stream *s);
    size_t (*plain)(const struct stream *s);
} engines[] = {
    {"lru", run_lru, plain_lru},
    {"opt", run_opt, plain_opt},
    {"working-set", run_windows, NULL},
};

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void measure(const char *name, struct stream *s)
{
    look_ahead(s);
    printf("%-24.24s %9zu pages %5.1f M references", name, s->pages, (double)s->n / 1e6);
    for (size_t k = 0; k < sizeof engines / sizeof *engines; k++) {
        double times[PASSES], rate, start;

        for (int i = 0; i < PASSES; i++) {
            start = seconds();
            engines[k].run(s);
            times[i] = seconds() - start;
        }
        qsort(times, PASSES, sizeof *times, by_value);
        rate = (double)s->n / times[PASSES / 2];
        printf("  %s %.1f M/s", engines[k].name, rate / 1e6);
        if (engines[k].plain != NULL) {
            size_t done;

            start = seconds();
            done = engines[k].plain(s);
            printf(" (x %.1f)", rate * (seconds() - start) / (double)done);
        }
        fflush(stdout);
    }
    putchar('\n');
    free(uses);
    free(s->refs);
    *s = (struct stream){0};
}

int main(int argc, char **argv)
{
    struct stream s = {0};

    for (int i = 1; i < argc; i++) {
        const char *slash = strrchr(argv[i], '/');

        read_trace(&s, argv[i]);
        measure(slash != NULL ? slash + 1 : argv[i], &s);
    }
    make_zipf(&s, 1000, 10000000);
    measure("zipf", &s);
    make_loops(&s, 1000, 10000000);
    measure("loops", &s);
    make_zipf(&s, 1000000, 5000000);
    measure("zipf", &s);
    make_loops(&s, 1000000, 5000000);
    measure("loops", &s);
    return 0;
}
