/* Policies against their plain models, victim by victim, and the laws they obey. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "plain_policies.h"
#include "policy_driver.h"

enum { SEED = 20240611, CASES = 1000, LONGEST = 600, MOST_PAGES = 160 };

struct trace {
    struct driver_step steps[LONGEST];
    size_t n;
    bool unmaps;
};

/* ---- random traces: patches of different behaviour, one after another ---- */

static tide_page page_number(uint64_t i)
{
    /* two processes, interleaved, so that (process, vpn) order is not the order of i */
    return (tide_page){(i % 2) << TIDE_VPN_BITS | i / 2};
}

static void step(struct trace *t, struct tide_rng *r, uint64_t page, uint64_t writes_in_8)
{
    if (t->n < LONGEST)
        t->steps[t->n++] = (struct driver_step){
            .page = page_number(page),
            .op = tide_rng_below(r, 8) < writes_in_8 ? DRIVER_WRITE : DRIVER_READ};
}

enum patch { LOOP, ZIPF, SCAN, PHASE, REPEAT, PING_PONG, UNMAPS, PATCHES };

static void patch(struct trace *t, struct tide_rng *r, enum patch kind, uint64_t pages)
{
    uint64_t span = 1 + tide_rng_below(r, pages), base = tide_rng_below(r, pages);
    uint64_t length = 1 + tide_rng_below(r, 80), writes = tide_rng_below(r, 5);
    uint64_t other = base + 1 + tide_rng_below(r, pages);

    for (uint64_t i = 0; i < length; i++) {
        uint64_t u;

        switch (kind) {
        case LOOP:
            step(t, r, (base + i % span) % pages, writes);
            break;
        case ZIPF: /* the density of ranks falls steeply */
            u = tide_rng_below(r, 1000);
            step(t, r, u * u * u / 1000000 * span / 1000 % pages, writes);
            break;
        case SCAN:
            step(t, r, (base + i) % pages, writes);
            break;
        case PHASE:
            step(t, r, (base + tide_rng_below(r, 1 + span / 4)) % pages, writes);
            break;
        case REPEAT:
            step(t, r, base, writes);
            break;
        case PING_PONG:
            step(t, r, (tide_rng_below(r, 2) != 0 ? base : other) % pages, writes);
            break;
        case UNMAPS:
            if (t->n < LONGEST && i < 1 + length / 8)
                t->steps[t->n++] = (struct driver_step){
                    .page = page_number(tide_rng_below(r, pages)), .op = DRIVER_UNMAP};
            break;
        case PATCHES:
            break;
        }
    }
}

static void make_trace(struct trace *t, struct tide_rng *r, uint64_t frames, bool unmaps)
{
    uint64_t pages = 1 + tide_rng_below(r, 2 * frames + 8);
    uint64_t wanted = 50 + tide_rng_below(r, LONGEST - 50);

    if (pages > MOST_PAGES)
        pages = MOST_PAGES;
    t->n = 0;
    t->unmaps = unmaps;
    while (t->n < wanted)
        patch(t, r, (enum patch)tide_rng_below(r, unmaps ? PATCHES : UNMAPS), pages);
    driver_next_uses(t->steps, t->n);
}

/* ---- random options ---- */

static void make_settings(const char *policy, struct tide_rng *r, char *buf, size_t n)
{
    static const char *const lambdas[] = {"0", "0.00001", "0.001", "0.01", "0.1", "0.5", "1"};
    unsigned a = (unsigned)tide_rng_below(r, 1000), b = (unsigned)tide_rng_below(r, 1000);

    buf[0] = '\0';
    if (strcmp(policy, "clock") == 0)
        snprintf(buf, n, "initial_bit=%u", a % 2);
    else if (strcmp(policy, "nru") == 0)
        snprintf(buf, n, "tick=%u", 1 + a % 120);
    else if (strcmp(policy, "aging") == 0)
        snprintf(buf, n, "tick=%u bits=%u", 1 + a % 120, b % 10 == 0 ? 63 : 1 + b % 10);
    else if (strcmp(policy, "lfu") == 0)
        snprintf(buf, n, "persist=%s", a % 2 != 0 ? "yes" : "no");
    else if (strcmp(policy, "gclock") == 0)
        snprintf(buf, n, "cap=%u initial=%u", 1 + a % 5, b % (2 + a % 5));
    else if (strcmp(policy, "sfifo") == 0)
        snprintf(buf, n, "secondary=%u%%", 1 + a % 100);
    else if (strcmp(policy, "slru") == 0)
        snprintf(buf, n, "protected=%u%%", 1 + a % 100);
    else if (strcmp(policy, "lru-k") == 0)
        snprintf(buf, n, "k=%u crp=%u retain=%u", 1 + a % 4, b % 3 == 0 ? b % 20 : 0,
                 a % 3 == 0 ? b % 200 : 0);
    else if (strcmp(policy, "2q") == 0)
        snprintf(buf, n, "kin=%u%% kout=%u", a % 2 == 0 ? 25 : 1 + a % 100, 1 + b % 40);
    else if (strcmp(policy, "arc") == 0 || strcmp(policy, "car") == 0)
        snprintf(buf, n, "arith=%s", a % 3 == 0 ? "integer" : "real");
    else if (strcmp(policy, "s3-fifo") == 0)
        snprintf(buf, n, "small=%u%% ghost=%u promote=%u variant=%s fill=%s",
                 a % 2 == 0 ? 10 : 1 + a % 100, b % 60, b % 3 == 0 ? 1 + a % 3 : 2,
                 a % 3 == 0 ? "paper" : "released", a % 5 == 0 ? "main" : "small");
    else if (strcmp(policy, "w-tinylfu") == 0)
        snprintf(buf, n, "window=%u%% protected=%u%%", a % 2 == 0 ? 1 : 1 + a % 100,
                 b % 2 == 0 ? 80 : 1 + b % 100);
    else if (strcmp(policy, "lirs") == 0)
        snprintf(buf, n, "hir=%u%%", a % 2 == 0 ? 1 : 1 + a % 100);
    else if (strcmp(policy, "clock-pro") == 0)
        snprintf(buf, n, "cold=%u%% adaptive=%s", a % 2 == 0 ? 5 : 1 + a % 100,
                 b % 2 == 0 ? "yes" : "no");
    else if (strcmp(policy, "lrfu") == 0)
        snprintf(buf, n, "lambda=%s", lambdas[a % (sizeof lambdas / sizeof *lambdas)]);
    else if (strcmp(policy, "lecar") == 0)
        snprintf(buf, n, "learning_rate=0.%u discount=0.%03u history=%u%%", 1 + a % 99, 1 + b % 999,
                 a % 2 == 0 ? 50 : 1 + b % 100);
    else if (strcmp(policy, "cacheus") == 0)
        snprintf(buf, n, "history=%u%% q=%u%%", a % 2 == 0 ? 50 : 1 + a % 100,
                 b % 2 == 0 ? 1 : 1 + b % 100);
    else if (strcmp(policy, "wsclock") == 0)
        snprintf(buf, n, "tau=%u clean_first=%s",
                 a % 5 == 0   ? 0
                 : a % 5 == 1 ? 10000
                              : b % 200,
                 a % 2 == 0 ? "yes" : "no");
    else if (strcmp(policy, "freebsd") == 0)
        snprintf(buf, n, "init=%u advance=%u decline=%u max=%u inactive=%u%%", a % 8, b % 5,
                 1 + a % 3, b % 2 == 0 ? 64 : 1 + b % 20, a % 2 == 0 ? 25 : 1 + b % 100);
    else if (strcmp(policy, "mglru") == 0)
        snprintf(buf, n, "look_around=%u", a % 2 == 0 ? 64 : b % 513);
}

/* ---- equal to the plain model ---- */

struct seen {
    uint64_t evictions, writebacks, folded, unmapped_residents, remembered;
};

static void run_case(const struct tide_policy *policy, uint64_t number, struct seen *seen)
{
    static struct trace t;
    static struct plain plain;
    struct tide_rng r;
    struct driver d;
    char name[64], settings[96];
    uint32_t frames;
    size_t longest_run;

    snprintf(name, sizeof name, "%s %u", policy->name, (unsigned)number);
    tide_rng_init(&r, SEED, name);
    frames = 1 + (uint32_t)tide_rng_below(&r, PLAIN_FRAMES);
    make_settings(policy->name, &r, settings, sizeof settings);
    make_trace(&t, &r, frames, number % 2 == 0);
    longest_run = number % 3 == 0 ? 1 : 1 + (size_t)tide_rng_below(&r, 40);

    driver_open(&d, policy, settings, frames, number);
    plain_open(&plain, policy->name, settings, frames, number);
    for (size_t i = 0; i < t.n;) {
        size_t n = t.n - i < longest_run ? t.n - i : longest_run;
        tide_page victim, expected;
        bool faulted, expect_fault;

        seen->unmapped_residents +=
            t.steps[i].op == DRIVER_UNMAP && driver_resident(&d, t.steps[i].page);
        n = driver_run(&d, t.steps + i, n, &faulted, &victim);
        expect_fault = plain_step(&plain, &t.steps[i], &expected);
        cr_assert(faulted == expect_fault && victim.v == expected.v,
                  "seed %d, case '%s', %u frames, options '%s', step %zu: page %llx leaves, "
                  "should be %llx",
                  SEED, name, frames, settings, i, (unsigned long long)victim.v,
                  (unsigned long long)expected.v);
        seen->folded += n > 1;
        for (i++; n > 1; i++, n--)
            cr_assert(!plain_step(&plain, &t.steps[i], &expected), "seed %d, case '%s', step %zu",
                      SEED, name, i);
    }
    seen->evictions += d.evictions;
    seen->writebacks += d.writebacks;
    seen->remembered += plain.n_remembered;
    driver_close(&d);
}

Test(policies, evict_as_their_plain_models_do)
{
    for (const struct tide_policy *const *p = tide_policies; *p != NULL; p++) {
        struct seen seen = {0};

        if ((*p)->variable_space) /* variable_space.c */
            continue;
        for (uint64_t i = 0; i < CASES; i++)
            run_case(*p, i, &seen);
        cr_expect_gt(seen.evictions, 10000, "%s", (*p)->name);
        cr_expect_gt(seen.writebacks, 5000, "%s", (*p)->name);
        /* with each change of page told, only repeats fold */
        cr_expect_gt(seen.folded, (*p)->observes == TIDE_OBSERVES_EACH ? 15000 : 30000, "%s",
                     (*p)->name);
        cr_expect_gt(seen.unmapped_residents, 1000, "%s", (*p)->name);
        if (strcmp((*p)->name, "lfu") == 0)
            cr_expect_gt(seen.remembered, 1000);
    }
}

/* ---- laws ---- */

static uint64_t faults_of(const struct tide_policy *policy, const char *settings,
                          const struct trace *t, uint32_t frames)
{
    struct driver d;
    uint64_t faults;

    driver_open(&d, policy, settings, frames, 1);
    for (size_t i = 0; i < t->n; i++)
        driver_step(&d, &t->steps[i], NULL);
    faults = d.faults;
    driver_close(&d);
    return faults;
}

Test(policies, none_beats_opt)
{
    static struct trace t;
    struct tide_rng r;
    bool worse = false;

    tide_rng_init(&r, SEED, "opt law");
    for (int i = 0; i < 1000; i++) {
        uint32_t frames = 1 + (uint32_t)tide_rng_below(&r, PLAIN_FRAMES);
        uint64_t least;

        make_trace(&t, &r, frames, i % 2 == 0);
        least = faults_of(tide_policy_find("opt"), NULL, &t, frames);
        for (const struct tide_policy *const *p = tide_policies; *p != NULL; p++) {
            uint64_t faults;

            if ((*p)->variable_space)
                continue;
            faults = faults_of(*p, NULL, &t, frames);
            cr_assert_geq(faults, least, "seed %d, trace %d, %u frames: %s", SEED, i, frames,
                          (*p)->name);
            worse |= faults > least;
        }
    }
    cr_expect(worse);
}

/* At every moment the pages in k frames are among those in k + 1. */
Test(policies, stack_policies_include)
{
    static struct trace t;
    struct tide_rng r;

    tide_rng_init(&r, SEED, "inclusion");
    for (int i = 0; i < 1000; i++) {
        uint32_t frames = 1 + (uint32_t)tide_rng_below(&r, PLAIN_FRAMES - 1);

        make_trace(&t, &r, frames, i % 2 == 0);
        for (const struct tide_policy *const *p = tide_policies; *p != NULL; p++) {
            struct driver small, large;

            if (!(*p)->stack)
                continue;
            driver_open(&small, *p, NULL, frames, 1);
            driver_open(&large, *p, NULL, frames + 1, 1);
            for (size_t k = 0; k < t.n; k++) {
                tide_page victim;

                driver_step(&small, &t.steps[k], NULL);
                driver_step(&large, &t.steps[k], &victim);
                /* only what the larger one evicts can break it */
                cr_assert(victim.v == TIDE_PAGE_NONE.v || !driver_resident(&small, victim),
                          "seed %d, trace %d, %u frames, step %zu: %s", SEED, i, frames, k,
                          (*p)->name);
            }
            driver_close(&small);
            driver_close(&large);
        }
    }
}

Test(policies, with_enough_frames_every_page_faults_once)
{
    static struct trace t;
    struct tide_rng r;

    tide_rng_init(&r, SEED, "enough");
    for (int i = 0; i < 200; i++) {
        struct tide_map pages;
        uint32_t distinct;

        make_trace(&t, &r, 1 + tide_rng_below(&r, PLAIN_FRAMES), false);
        tide_map_init(&pages);
        for (size_t k = 0; k < t.n; k++)
            tide_map_put(&pages, t.steps[k].page.v, NULL);
        distinct = (uint32_t)pages.count;
        tide_map_fini(&pages);
        for (const struct tide_policy *const *p = tide_policies; *p != NULL; p++)
            cr_assert((*p)->variable_space || faults_of(*p, NULL, &t, distinct) == distinct,
                      "seed %d, trace %d: %s", SEED, i, (*p)->name);
    }
}

Test(policies, gclock_that_counts_to_one_is_clock)
{
    static struct trace t;
    struct tide_rng r;

    tide_rng_init(&r, SEED, "gclock is clock");
    for (int i = 0; i < 300; i++) {
        uint32_t frames = 1 + (uint32_t)tide_rng_below(&r, PLAIN_FRAMES);

        make_trace(&t, &r, frames, i % 2 == 0);
        cr_assert_eq(faults_of(tide_policy_find("gclock"), "cap=1 initial=1", &t, frames),
                     faults_of(tide_policy_find("clock"), NULL, &t, frames), "seed %d, trace %d",
                     SEED, i);
        cr_assert_eq(faults_of(tide_policy_find("gclock"), "cap=1 initial=0", &t, frames),
                     faults_of(tide_policy_find("clock"), "initial_bit=0", &t, frames),
                     "seed %d, trace %d", SEED, i);
    }
}

/* Policies that are others at the ends of a parameter's range. */
Test(policies, extremes_are_other_policies)
{
    static const struct {
        const char *policy, *settings, *other;
    } pairs[] = {
        {"sfifo", "secondary=0", "fifo"},    {"sfifo", "secondary=100%", "lru"},
        {"slru", "protected=0", "lru"},      {"lru-k", "k=1", "lru"},
        {"w-tinylfu", "window=100%", "lru"}, {"lrfu", "lambda=0", "lfu"},
        {"lrfu", "lambda=1", "lru"},         {"wsclock", "tau=0 clean_first=no", "clock"},
        {"wsclock", "tau=1M", "fifo"},
    };
    static struct trace t;
    struct tide_rng r;

    tide_rng_init(&r, SEED, "extremes");
    for (int i = 0; i < 300; i++) {
        uint32_t frames = 1 + (uint32_t)tide_rng_below(&r, PLAIN_FRAMES);

        make_trace(&t, &r, frames, i % 2 == 0);
        for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
            cr_assert_eq(
                faults_of(tide_policy_find(pairs[k].policy), pairs[k].settings, &t, frames),
                faults_of(tide_policy_find(pairs[k].other), NULL, &t, frames),
                "seed %d, trace %d, %u frames: %s {%s} is not %s", SEED, i, frames, pairs[k].policy,
                pairs[k].settings, pairs[k].other);
    }
}

/* At every size, down to one frame, pages that are used again and again can stay. */
Test(policies, none_misses_always)
{
    static struct trace t;

    for (const struct tide_policy *const *p = tide_policies; *p != NULL; p++)
        for (uint32_t frames = 1; frames <= 100; frames++) {
            t.n = 0;
            for (uint64_t i = 0; t.n < LONGEST; i++) /* 0 0 3 0 0 6 0 0 9 ... */
                t.steps[t.n++] = (struct driver_step){.page = page_number(i % 3 == 2 ? 1 + i : 0),
                                                      .op = DRIVER_READ};
            driver_next_uses(t.steps, t.n);
            cr_assert_lt(faults_of(*p, NULL, &t, frames), t.n, "%s, %u frames", (*p)->name, frames);
        }
}

/* ---- chance is fair ---- */

/* Pearson's chi-square against equal chances. */
static double chi_square(const uint64_t *counts, size_t n)
{
    double total = 0, sum = 0;

    for (size_t i = 0; i < n; i++)
        total += (double)counts[i];
    for (size_t i = 0; i < n; i++) {
        double off = (double)counts[i] - total / (double)n;

        sum += off * off / (total / (double)n);
    }
    return sum;
}

enum { RESIDENT = 8, DRAWS = 20000 };

/* Loads pages 0..7, passes a tick where there is one, references the first `again` pages, and
 * counts which page the next fault evicts, for many seeds. */
static void count_victims(const char *policy, const char *settings, uint64_t again,
                          uint64_t counts[RESIDENT])
{
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        struct driver d;
        tide_page victim;

        driver_open(&d, tide_policy_find(policy), settings, RESIDENT, seed);
        for (uint64_t p = 0; p < RESIDENT + again; p++)
            driver_step(&d, &(struct driver_step){.page = {p % RESIDENT}}, NULL);
        driver_step(&d, &(struct driver_step){.page = {RESIDENT}}, &victim);
        counts[victim.v]++;
        driver_close(&d);
    }
}

Test(policies, random_gives_every_page_an_equal_chance)
{
    uint64_t counts[RESIDENT] = {0};

    count_victims("random", NULL, 0, counts);
    cr_expect_lt(chi_square(counts, RESIDENT), 24.3); /* 7 degrees of freedom: 1 in 1000 above */
}

/* Pages 0..2 look unreferenced when they are drawn, but are not. */
Test(policies, nru_gives_every_page_of_the_lowest_class_an_equal_chance)
{
    uint64_t counts[RESIDENT] = {0};

    count_victims("nru", "tick=8", 3, counts);
    for (int p = 0; p < 3; p++)
        cr_expect_eq(counts[p], 0);
    cr_expect_lt(chi_square(counts + 3, RESIDENT - 3), 18.5); /* 4 degrees of freedom */
}
