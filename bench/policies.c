/* How fast policies are on a stream of page references in memory: M references a second.
 *
 * Usage: policies [-p POLICY] [LACKEY_TRACE...]
 * The small stream is that of the traces given (about 1,000 pages), one after the other. The large
 * one is generated, as the small one is where no trace is given: three of four references go to one
 * of the 32 pages drawn last; else a page is drawn of 1,000,000 (1,000) by Zipf's law (chance of
 * rank r proportional to 1/r), one in 64 of them is the next of a scan instead. Streams are
 * collapsed, and prepared for all policies at once: what that costs is the last row. A policy has
 * frames for 25 % of the pages, and its misses are shown; the other ratio is to the plain engine of
 * a whole machine on the first blocks of the stream.
 *
 * CPU seconds of one thread, the best of two: other work on the machine can only slow it down.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "curve/lanes.h"
#include "curve/sliced.h"
#include "curve/steps.h"
#include "pager/machine.h"
#include "trace/reader.h"

enum {
    REPEATS = 2,
    PLAIN_BLOCKS = 20,
    SMALL_PAGES = 1000,
    LARGE_PAGES = 1000000,
    GENERATED = 16000000, /* references */
    BATCH = 8192,         /* of them prepared at a time */
    RECENT = 32,
    PAGE_BYTES = 4096,
    NEXT_TRACE = 1 << 30 /* bytes between the pages of one trace and those of the next */
};

struct stream {
    struct tide_page_ref *refs;
    size_t n, cap;
    struct tide_block *blocks; /* the first PLAIN_BLOCKS of the trace */
    size_t n_blocks, plain_refs;
    struct tide_follow *follow;
    uint64_t pages;
    struct tide_stepper stepper;
    struct tide_steps batch;
    size_t at;         /* refs that have been prepared */
    double preparing;  /* seconds */
    double miss_ratio; /* of the policy measured last */
};

static struct tide_error e;

static void check(int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "policies: %s: %s\n", e.where, e.what);
    exit(1);
}

static void *must(void *p)
{
    if (p != NULL)
        return p;
    fprintf(stderr, "policies: %s\n", e.what[0] != '\0' ? e.what : "out of memory");
    exit(1);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- streams ---- */

static int take(void *context, const struct tide_page_ref *refs, size_t n, struct tide_error *err)
{
    struct stream *s = context;

    (void)err;
    if (s->n + n > s->cap) {
        s->cap = 2 * s->cap + n;
        s->refs = must(realloc(s->refs, s->cap * sizeof *refs));
    }
    memcpy(s->refs + s->n, refs, n * sizeof *refs);
    s->n += n;
    return 0;
}

static void add_block(struct stream *s, const struct tide_block *b)
{
    check(tide_follow_feed(s->follow, b, NULL, &e));
    if (s->n_blocks == PLAIN_BLOCKS)
        return;
    s->blocks[s->n_blocks++] = *b;
    s->plain_refs = s->n; /* but for what the follower holds back: a hundredth at most */
}

static void begin(struct stream *s)
{
    struct tide_machine_config c;

    *s = (struct stream){.blocks = must(calloc(PLAIN_BLOCKS, sizeof *s->blocks))};
    tide_machine_defaults(&c);
    s->follow = must(tide_follow_new(
        &(struct tide_follow_config){
            .geometry = tide_machine_geometry(&c), .limit = UINT64_MAX, .context = s, .take = take},
        &e));
}

static void rewind_stream(struct stream *s)
{
    tide_stepper_fini(&s->stepper);
    tide_stepper_init(&s->stepper, true);
    s->at = 0;
    s->preparing = 0;
}

/* The next batch, prepared; NULL: there is none. */
static const struct tide_steps *next_batch(struct stream *s, bool fold)
{
    size_t n = s->n - s->at < BATCH ? s->n - s->at : BATCH;
    double start = seconds();

    if (n == 0)
        return NULL;
    tide_steps_clear(&s->batch);
    check(tide_steps_take(&s->stepper, &s->batch, s->follow, s->refs + s->at, n, &e));
    if (fold)
        check(tide_steps_fold(&s->stepper, &s->batch, &e));
    s->at += n;
    s->preparing += seconds() - start;
    return &s->batch;
}

static void finish(struct stream *s)
{
    check(tide_follow_finish(s->follow, &e));
    s->pages = tide_follow_distinct_pages(s->follow);
    tide_stepper_init(&s->stepper, true);
}

/* Accesses alone: system calls of one trace mean nothing to another's pages. */
static void add_trace(struct stream *s, const char *path, uint64_t base, struct tide_block *b)
{
    struct tide_stream *in = must(tide_stream_open(path, &e));
    struct tide_reader *r = must(tide_reader_open(in, NULL, &e));
    int rc;

    while ((rc = tide_reader_next(r, b, &e)) > 0) {
        b->n_events = 0;
        for (size_t i = 0; i < b->n_accesses; i++)
            b->accesses[i].addr += base;
        add_block(s, b);
    }
    check(rc);
    tide_reader_close(r);
}

struct generator {
    struct tide_rng rng;
    uint64_t pages, scanned;
    uint64_t recent[RECENT]; /* the pages drawn last */
    uint64_t drawn;
};

static uint64_t fresh_page(struct generator *g)
{
    unsigned octaves = 64 - (unsigned)__builtin_clzll(g->pages);
    uint64_t below, rank;

    if (tide_rng_below(&g->rng, 64) == 0)
        return g->scanned++ % g->pages;
    below = UINT64_C(1) << tide_rng_below(&g->rng, octaves); /* the rank's logarithm is uniform */
    rank = below + tide_rng_below(&g->rng, below);
    return (rank - 1) * UINT64_C(7368787) % g->pages; /* scattered by a prime */
}

static uint64_t next_page(struct generator *g)
{
    uint64_t page;

    if (g->drawn >= RECENT && tide_rng_below(&g->rng, 4) > 0)
        return g->recent[tide_rng_below(&g->rng, RECENT)];
    page = fresh_page(g);
    g->recent[g->drawn++ % RECENT] = page;
    return page;
}

static void generate(struct stream *s, uint64_t pages, struct tide_block *b)
{
    struct generator g = {.pages = pages};

    tide_rng_init(&g.rng, 1, "bench");
    b->n_events = 0;
    for (uint64_t left = GENERATED; left > 0; left -= b->n_accesses) {
        b->n_accesses = left < TIDE_BLOCK_ACCESSES ? (size_t)left : TIDE_BLOCK_ACCESSES;
        for (size_t i = 0; i < b->n_accesses; i++)
            b->accesses[i] = (struct tide_access){
                .addr = NEXT_TRACE + next_page(&g) * PAGE_BYTES,
                .size = 8,
                .kind = tide_rng_below(&g.rng, 4) == 0 ? TIDE_WRITE : TIDE_READ};
        add_block(s, b);
    }
}

/* ---- measuring ---- */

static double plain_speed(const struct stream *s, const struct tide_policy *policy)
{
    struct tide_machine_config c;
    struct tide_machine *m;
    double start, took;

    tide_machine_defaults(&c);
    c.policy = policy;
    tide_options_defaults(policy->options, c.policy_options);
    c.references = TIDE_REFERENCES_COLLAPSED;
    c.frames = (struct tide_amount){.value = s->pages / 4};
    c.tlb.n = 0;
    m = must(tide_machine_new(&c, TIDE_ENGINE_PLAIN, s->pages, NULL, NULL, &e));
    start = seconds();
    for (size_t i = 0; i < s->n_blocks; i++)
        check(tide_machine_feed(m, &s->blocks[i], NULL, &e));
    took = seconds() - start;
    tide_machine_free(m);
    return (double)s->plain_refs / took;
}

static double lane_speed(struct stream *s, const struct tide_policy *policy)
{
    struct tide_machine_config c;
    uint32_t frames = (uint32_t)(s->pages / 4);
    const struct tide_lanes_config config = {.policy = policy,
                                             .options = c.policy_options,
                                             .collapsed = true,
                                             .seed = 1,
                                             .frames = &frames,
                                             .n = 1};
    const struct tide_steps *batch;
    double best = 0;

    tide_machine_defaults(&c);
    tide_options_defaults(policy->options, c.policy_options);
    for (int k = 0; k < REPEATS; k++) {
        struct tide_lanes *l = must(tide_lanes_new(&config, &e));
        double took = 0;

        rewind_stream(s);
        while ((batch = next_batch(s, true)) != NULL) {
            double start = seconds();

            check(tide_lanes_feed(l, batch, &e));
            took += seconds() - start;
        }
        if (best == 0 || took < best)
            best = took;
        if (k + 1 == REPEATS)
            s->miss_ratio = (double)tide_lanes_counts(l, 0).faults / (double)s->n;
        tide_lanes_free(l);
    }
    return (double)s->n / best;
}

/* All sizes together; the batches are not folded, as that would be for this alone. */
static double sliced_speed(struct stream *s, enum tide_sliced_kind kind)
{
    uint32_t frames[TIDE_SLICED_MOST];
    const struct tide_steps *batch;
    double best = 0;

    for (uint32_t i = 0; i < TIDE_SLICED_MOST; i++)
        frames[i] = (uint32_t)(s->pages * (i + 1) / TIDE_SLICED_MOST);
    for (int k = 0; k < REPEATS; k++) {
        struct tide_sliced *l =
            must(tide_sliced_new(kind, true, true, frames, TIDE_SLICED_MOST, &e));
        double took = 0;

        rewind_stream(s);
        while ((batch = next_batch(s, false)) != NULL) {
            double start = seconds();

            check(tide_sliced_feed(l, batch, &e));
            took += seconds() - start;
        }
        if (best == 0 || took < best)
            best = took;
        tide_sliced_free(l);
    }
    return (double)s->n / best;
}

static void print_speeds(const char *name, double small, double large)
{
    printf("%-18s %9.1f", name, small / 1e6);
    if (large > 0)
        printf(" %9.1f", large / 1e6);
    putchar('\n');
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const char *const sliced[] = {"fifo x 64 sizes", "clock x 64 sizes", "esc x 64 sizes"};
    struct tide_block *b = must(calloc(1, sizeof *b));
    struct stream small, large;
    const char *only = NULL;
    int first = 1;

    if (argc > 2 && strcmp(argv[1], "-p") == 0) {
        only = argv[2];
        first = 3;
    }
    begin(&small);
    for (int i = first; i < argc; i++)
        add_trace(&small, argv[i], (uint64_t)(i - first) * NEXT_TRACE, b);
    if (first == argc)
        generate(&small, SMALL_PAGES, b);
    finish(&small);
    begin(&large);
    generate(&large, LARGE_PAGES, b);
    finish(&large);
    printf("%-18s %9s %9s %9s %9s %9s %9s\n", "", "small", "large", "misses", "misses", "to plain",
           "to plain");
    printf("%-18s %9llu %9llu\n", "pages", (unsigned long long)small.pages,
           (unsigned long long)large.pages);
    printf("%-18s %9.1f %9.1f\n", "references, M", (double)small.n / 1e6, (double)large.n / 1e6);
    for (size_t k = 0; k < sizeof sliced / sizeof *sliced && only == NULL; k++)
        print_speeds(sliced[k], sliced_speed(&small, (enum tide_sliced_kind)k), 0);
    for (const struct tide_policy *const *p = tide_policies; *p != NULL; p++) {
        double speeds[2], plain[2];

        if (!tide_lanes_can(*p) || (only != NULL && strcmp(only, (*p)->name) != 0))
            continue;
        speeds[0] = lane_speed(&small, *p);
        speeds[1] = lane_speed(&large, *p);
        plain[0] = plain_speed(&small, *p);
        plain[1] = plain_speed(&large, *p);
        printf("%-18s %9.1f %9.1f %9.5f %9.5f %9.1f %9.1f\n", (*p)->name, speeds[0] / 1e6,
               speeds[1] / 1e6, small.miss_ratio, large.miss_ratio, speeds[0] / plain[0],
               speeds[1] / plain[1]);
        fflush(stdout);
    }
    print_speeds("preparing them", (double)small.n / small.preparing,
                 (double)large.n / large.preparing);
    return 0;
}
