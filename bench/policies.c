/* How fast policies are on a stream of page references in memory: M references a second.
 *
 * Usage: policies [-p POLICY] [LACKEY_TRACE...]
 * The small stream is that of the traces given (about 1,000 pages), one after the other; without
 * any it is generated as the large one is, whose 1,000,000 pages are referenced by Zipf's law
 * (chance of rank r proportional to 1/r), every eighth time by a scan. Streams are collapsed, and
 * prepared for all policies once (its cost is the first row). A policy has frames for 25 % of the
 * pages. Ratios are to the plain engine of a whole machine on the same stream.
 *
 * CPU seconds of one thread, the best of three: other work on the machine can only slow it down.
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
    REPEATS = 3,
    PLAIN_BLOCKS = 20,
    SMALL_PAGES = 1000,
    LARGE_PAGES = 1000000,
    GENERATED = 8000000, /* references */
    PAGE_BYTES = 4096,
    NEXT_TRACE = 1 << 30 /* bytes between the pages of one trace and those of the next */
};

struct stream {
    struct tide_steps *batches;
    size_t n, cap;
    struct tide_block *blocks; /* the first PLAIN_BLOCKS */
    size_t n_blocks;
    struct tide_stepper stepper;
    uint64_t steps, pages;
    struct tide_follow *follow;
    double folding; /* seconds */
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

    return tide_steps_take(&s->stepper, &s->batches[s->n], s->follow, refs, n, err);
}

static void add_block(struct stream *s, const struct tide_block *b)
{
    if (s->n == s->cap) {
        s->cap = 2 * s->cap + 64;
        s->batches = must(realloc(s->batches, s->cap * sizeof *s->batches));
    }
    memset(&s->batches[s->n], 0, sizeof *s->batches);
    if (b != NULL)
        check(tide_follow_feed(s->follow, b, NULL, &e));
    else
        check(tide_follow_finish(s->follow, &e));
    for (size_t i = 0; i < s->batches[s->n].n_steps; i++)
        s->steps += s->batches[s->n].steps[i].n > 0;
    s->n++;
    if (b != NULL && s->n_blocks < PLAIN_BLOCKS)
        s->blocks[s->n_blocks++] = *b;
}

static void begin(struct stream *s)
{
    struct tide_machine_config c;

    *s = (struct stream){.blocks = must(calloc(PLAIN_BLOCKS, sizeof *s->blocks))};
    tide_machine_defaults(&c);
    tide_stepper_init(&s->stepper, true);
    s->follow =
        must(tide_follow_new(&(struct tide_follow_config){.geometry = tide_machine_geometry(&c),
                                                          .limit = UINT64_MAX,
                                                          .context = s,
                                                          .take = take},
                             &e));
}

static void finish(struct stream *s)
{
    double start;

    add_block(s, NULL);
    s->pages = tide_follow_distinct_pages(s->follow);
    start = seconds();
    for (size_t i = 0; i < s->n; i++)
        check(tide_steps_fold(&s->stepper, &s->batches[i], &e));
    s->folding = seconds() - start;
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

/* Rank 1/r by Zipf: the logarithm of the rank is uniform. Ranks are scattered over the pages. */
static uint64_t draw(struct tide_rng *r, uint64_t pages, uint64_t *scan)
{
    uint64_t below = 1, rank;

    if (tide_rng_below(r, 8) == 0)
        return ++*scan % pages;
    for (uint64_t octaves = tide_rng_below(r, 1 + 63 - (unsigned)__builtin_clzll(pages));
         octaves > 0; octaves--)
        below *= 2;
    rank = below + tide_rng_below(r, below);
    return (rank - 1) * UINT64_C(7368787) % pages; /* a prime */
}

static void generate(struct stream *s, uint64_t pages, struct tide_block *b)
{
    struct tide_rng r;
    uint64_t scan = 0;

    tide_rng_init(&r, 1, "bench");
    b->n_events = 0;
    for (uint64_t left = GENERATED; left > 0; left -= b->n_accesses) {
        b->n_accesses = left < TIDE_BLOCK_ACCESSES ? (size_t)left : TIDE_BLOCK_ACCESSES;
        for (size_t i = 0; i < b->n_accesses; i++)
            b->accesses[i] = (struct tide_access){
                .addr = NEXT_TRACE + draw(&r, pages, &scan) * PAGE_BYTES,
                .size = 8,
                .kind = tide_rng_below(&r, 4) == 0 ? TIDE_WRITE : TIDE_READ};
        add_block(s, b);
    }
}

/* ---- measuring ---- */

static double plain_speed(const struct stream *s, const struct tide_policy *policy)
{
    struct tide_machine_config c;
    struct tide_machine *m;
    uint64_t steps = 0;
    double start, took;

    for (size_t i = 0; i < s->n_blocks && i < s->n; i++)
        steps += s->batches[i].n_steps;
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
    return (double)steps / took;
}

static double lane_speed(const struct stream *s, const struct tide_policy *policy)
{
    struct tide_machine_config c;
    uint32_t frames = (uint32_t)(s->pages / 4);
    double best = 0;

    tide_machine_defaults(&c);
    tide_options_defaults(policy->options, c.policy_options);
    for (int k = 0; k < REPEATS; k++) {
        struct tide_lanes *l = must(tide_lanes_new(
            &(struct tide_lanes_config){.policy = policy,
                                        .options = c.policy_options,
                                        .collapsed = true,
                                        .seed = 1,
                                        .frames = &frames,
                                        .n = 1},
            &e));
        double start = seconds(), took;

        for (size_t i = 0; i < s->n; i++)
            check(tide_lanes_feed(l, &s->batches[i], &e));
        took = seconds() - start;
        if (best == 0 || took < best)
            best = took;
        tide_lanes_free(l);
    }
    return (double)s->steps / best;
}

/* All sizes together, not folded before. */
static double sliced_speed(struct stream *s, enum tide_sliced_kind kind)
{
    uint32_t frames[TIDE_SLICED_MOST];
    double best = 0;

    for (uint32_t i = 0; i < TIDE_SLICED_MOST; i++)
        frames[i] = 1 + (uint32_t)(s->pages * i / TIDE_SLICED_MOST);
    for (int k = 0; k < REPEATS; k++) {
        struct tide_sliced *l =
            must(tide_sliced_new(kind, true, true, frames, TIDE_SLICED_MOST, &e));
        double start = seconds(), took;

        for (size_t i = 0; i < s->n; i++) {
            size_t folded = s->batches[i].n_stretches;

            s->batches[i].n_stretches = 0;
            check(tide_sliced_feed(l, &s->batches[i], &e));
            s->batches[i].n_stretches = folded;
        }
        took = seconds() - start;
        if (best == 0 || took < best)
            best = took;
        tide_sliced_free(l);
    }
    return (double)s->steps / best;
}

static void print_speeds(const char *name, double small, double large)
{
    printf("%-20s %9.1f %9.1f\n", name, small / 1e6, large / 1e6);
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
    printf("%-20s %9s %9s %9s %9s\n", "M references/s", "small", "large", "to plain", "to plain");
    printf("%-20s %9llu %9llu\n", "pages", (unsigned long long)small.pages,
           (unsigned long long)large.pages);
    printf("%-20s %9.1f %9.1f\n", "references, M", (double)small.steps / 1e6,
           (double)large.steps / 1e6);
    print_speeds("preparing", (double)small.steps / small.folding,
                 (double)large.steps / large.folding);
    for (size_t k = 0; k < sizeof sliced / sizeof *sliced && only == NULL; k++)
        print_speeds(sliced[k], sliced_speed(&small, (enum tide_sliced_kind)k),
                     sliced_speed(&large, (enum tide_sliced_kind)k));
    for (const struct tide_policy *const *p = tide_policies; *p != NULL; p++) {
        double speeds[2], plain[2];

        if (!tide_lanes_can(*p) || (only != NULL && strcmp(only, (*p)->name) != 0))
            continue;
        speeds[0] = lane_speed(&small, *p);
        speeds[1] = lane_speed(&large, *p);
        plain[0] = plain_speed(&small, *p);
        plain[1] = plain_speed(&large, *p);
        printf("%-20s %9.1f %9.1f %9.1f %9.1f\n", (*p)->name, speeds[0] / 1e6, speeds[1] / 1e6,
               speeds[0] / plain[0], speeds[1] / plain[1]);
        fflush(stdout);
    }
    return 0;
}
