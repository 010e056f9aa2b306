/* The fast engine equals the plain one, row for row of every CSV table, on random traces and
 * machines; TIDE_SEED and TIDE_CASES choose others than the usual ones. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random_case.h"
#include "../support/replay.h"
#include "config/experiment.h"

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *s = getenv(name);

    return s != NULL ? strtoull(s, NULL, 0) : otherwise;
}

/* The first row in which the two differ. */
static void report_difference(const char *a, const char *b, char *buf, size_t n)
{
    while (*a != '\0' && *b != '\0') {
        size_t la = strcspn(a, "\n"), lb = strcspn(b, "\n");

        if (la != lb || memcmp(a, b, la) != 0)
            break;
        a += la + (a[la] == '\n');
        b += lb + (b[lb] == '\n');
    }
    snprintf(buf, n, "plain: %.*s\nfast:  %.*s", (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"),
             b);
}

Test(engines, fast_equals_plain)
{
    uint64_t seed = from_environment("TIDE_SEED", 1), cases = from_environment("TIDE_CASES", 600);
    uint64_t told = 0, tried = 0, fragments = 0, policies_seen = 0, kinds_seen = 0, n_policies = 0;

    while (tide_policies[n_policies] != NULL)
        n_policies++;
    fprintf(stderr, "# engines: TIDE_SEED=%" PRIu64 " TIDE_CASES=%" PRIu64 "\n", seed, cases);
    while (told < cases) {
        const struct tide_policy *policy = tide_policies[tried % n_policies];
        struct tide_machine_config c;
        struct replay plain, fast;
        struct tide_error e = {0};
        struct tide_rng r;
        char *text, *tide, difference[1024], *described;
        size_t n, n_tide;
        int rc_plain, rc_fast;

        cr_assert_lt(tried, 20 * cases, "too few cases tell anything");
        tide_rng_init(&r, seed + tried++, "engines");
        text = random_lackey(&r, 200 + tide_rng_below(&r, 4000), &n);
        random_machine(&r, policy, &c);
        cr_assert_eq(tide_machine_check(&c, &e), 0, "%s", e.what);
        rc_plain = replay(text, n, "lackey", &c, TIDE_ENGINE_PLAIN, &plain, &e);
        cr_assert_eq(rc_plain, 0, "case %" PRIu64 ": %s: %s", seed + tried - 1, e.where, e.what);
        switch (tide_rng_below(&r, 3)) {
        case 0:
            rc_fast = replay_accesses(text, n, "lackey", &c, &fast, &e);
            cr_assert_eq(fast.fragments, 0);
            break;
        case 1: /* which are cut otherwise than those of tide */
            rc_fast = replay(text, n, "lackey", &c, TIDE_ENGINE_FAST, &fast, &e);
            break;
        default:
            tide = as_tide(text, n, "lackey", &n_tide, &e);
            cr_assert_not_null(tide, "%s", e.what);
            rc_fast = replay(tide, n_tide, "tide", &c, TIDE_ENGINE_FAST, &fast, &e);
            free(tide);
        }
        fragments += fast.fragments;
        cr_assert_eq(rc_fast, 0, "case %" PRIu64 ": %s: %s", seed + tried - 1, e.where, e.what);
        if (strcmp(plain.rows, fast.rows) != 0) {
            report_difference(plain.rows, fast.rows, difference, sizeof difference);
            described = tide_machine_print(&c);
            cr_assert(false, "case %" PRIu64 ":\n%s\n%s", seed + tried - 1, difference,
                      described != NULL ? described : policy->name);
        }
        if (plain.counts.evictions > 0 && plain.counts.walks > 0 && plain.crossings > 0) {
            told++;
            policies_seen |= UINT64_C(1) << ((tried - 1) % n_policies);
            for (unsigned i = 0; i < c.tlb.n; i++)
                kinds_seen |= UINT64_C(1) << c.tlb.arrays[i].kind;
        }
        replay_free(&plain);
        replay_free(&fast);
        free(text);
    }
    fprintf(stderr, "# engines: %" PRIu64 " cases tell, of %" PRIu64 " tried\n", told, tried);
    cr_expect_gt(fragments, 40 * cases, "few fragments were replayed");
    if (cases >= 500) {
        cr_expect_eq(policies_seen, (UINT64_C(1) << n_policies) - 1, "a policy was never evicting");
        cr_expect_eq(kinds_seen, (UINT64_C(1) << TIDE_TLB_KINDS) - 1, "a TLB kind never occurred");
    }
}

/* A program that loops for long without a fault. */
static char *long_loop(struct tide_rng *r, size_t *n)
{
    enum { LINES = 60, TURNS = 1500, LINE_BYTES = 24 };
    char *text = malloc((size_t)LINES * TURNS * LINE_BYTES);
    uint64_t pc[LINES], page[LINES];

    *n = 0;
    for (int i = 0; i < LINES; i++) {
        pc[i] = 0x400000 + 0x1000 * tide_rng_below(r, 3) + 16 * (uint64_t)i;
        page[i] = 0x10000000 + 0x1000 * tide_rng_below(r, 12);
    }
    for (int turn = 0; turn < TURNS; turn++)
        for (int i = 0; i < LINES; i++) {
            if (i % 3 == 0)
                *n += (size_t)sprintf(text + *n, "I  %08" PRIx64 ",4\n", pc[i]);
            else
                *n += (size_t)sprintf(text + *n, " %c %08" PRIx64 ",8\n", "LSM"[i % 7 % 3],
                                      page[(i + turn / 64) % LINES] + 8 * (uint64_t)(turn % 500));
        }
    return text;
}

/* The usual machine, but for policy and frames. */
static struct tide_machine_config machine_with(const char *policy, uint64_t frames)
{
    struct tide_machine_config c;

    tide_machine_defaults(&c);
    c.policy = tide_policy_find(policy);
    tide_options_defaults(c.policy->options, c.policy_options);
    c.frames = (struct tide_amount){.value = frames};
    return c;
}

/* All four ways of a replay give the same rows. */
static void expect_equal_engines(const char *text, size_t n, const struct tide_machine_config *c,
                                 const char *of)
{
    static const char *const ways[] = {"fragments of the log", "fragments of tide", "accesses"};
    struct replay plain, fast[3];
    struct tide_error e = {0};
    size_t n_tide;
    char *tide = as_tide(text, n, "lackey", &n_tide, &e);

    cr_assert_not_null(tide, "%s", e.what);
    cr_assert_eq(replay(text, n, "lackey", c, TIDE_ENGINE_PLAIN, &plain, &e), 0, "%s", e.what);
    cr_assert_eq(replay(text, n, "lackey", c, TIDE_ENGINE_FAST, &fast[0], &e), 0);
    cr_assert_eq(replay(tide, n_tide, "tide", c, TIDE_ENGINE_FAST, &fast[1], &e), 0);
    cr_assert_eq(replay_accesses(text, n, "lackey", c, &fast[2], &e), 0);
    for (size_t i = 0; i < sizeof fast / sizeof *fast; i++) {
        cr_expect_str_eq(plain.rows, fast[i].rows, "%s, %s", of, ways[i]);
        replay_free(&fast[i]);
    }
    replay_free(&plain);
    free(tide);
}

/* The last pages of the address space have numbers that a fast engine is tempted to use as marks.
 */
Test(engines, the_last_pages_of_all_are_pages)
{
    static const char text[] = "I  00400000,4\n L fffffffffffffff0,4\nI  00400004,4\n"
                               " L fffffffffffffff0,4\n S ffffffffffffe000,4\n"
                               "I  ffffffffffffe000,4\nI  ffffffffffffe004,4\n"
                               "I  ffffffffffffd000,4\n L 00400000,4\n"
                               "I  fffffffffffff000,4\nI  fffffffffffff004,4\n";
    static const char *const policies[] = {"clock", "lru"};

    for (size_t i = 0; i < 2; i++) {
        struct tide_machine_config c = machine_with(policies[i], 3);

        expect_equal_engines(text, sizeof text - 1, &c, policies[i]);
    }
}

/* Of an access of three pages the one in the middle takes the slot of a page that has been written.
 */
Test(engines, accesses_of_many_pages)
{
    static const char *const policies[] = {"clock", "lru", "fifo"};
    enum { LINES = 1000, LINE_BYTES = 24 };
    char text[LINES * LINE_BYTES];
    size_t n = (size_t)sprintf(text, "I  00400000,4\n L 20000ff0,4128\n");

    for (int i = 0; i < 400; i++)
        n += (size_t)sprintf(text + n, " S %08x,8\n", 0x10000000 + i / 2 % 64 * 0x1000 + i % 2 * 8);
    n += (size_t)sprintf(text + n, " L 20000ff0,4128\n S 20001100,8\n");
    for (int i = 0; i < 400; i++)
        n += (size_t)sprintf(text + n, " L %08x,8\n", 0x30000000 + i * 0x1000);
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct tide_machine_config c = machine_with(policies[i], 100);

        expect_equal_engines(text, n, &c, policies[i]);
    }
}

enum { POLICIES = 5, TLBS = 4 };

/* `programs` of those that `make` makes, with `least` frames or up to `span` - 1 more; `tlb`: by
 * turns one of these, NULL: the usual. */
static void expect_equal_on(const char *name, char *(*make)(struct tide_rng *r, size_t *n),
                            uint64_t programs, const char *const policies[POLICIES], uint64_t least,
                            uint64_t span, const struct tide_tlb_config tlb[TLBS])
{
    for (uint64_t seed = 0; seed < programs; seed++) {
        struct tide_machine_config c;
        struct tide_rng r;
        char *text;
        size_t n;

        tide_rng_init(&r, seed, name);
        text = make(&r, &n);
        c = machine_with(policies[seed % POLICIES], least + tide_rng_below(&r, span));
        if (tlb != NULL)
            c.tlb = tlb[seed % TLBS];
        expect_equal_engines(text, n, &c, policies[seed % POLICIES]);
        free(text);
    }
}

Test(engines, long_loops_without_faults)
{
    static const char *const policies[POLICIES] = {"lru", "mru", "2q", "clock", "fifo"};

    expect_equal_on("long loops", long_loop, 10, policies, 10, 8, NULL);
}

/* A program of a few instructions on three pages of code, several of which use two or three pages
 * of data at once: of these the last one is referenced after the instruction, the others too. */
static char *crowded_loop(struct tide_rng *r, size_t *n)
{
    enum { INSTRUCTIONS = 24, TURNS = 300, LINE_BYTES = 24, DATA_MAX = 3 };
    char *text = malloc((size_t)INSTRUCTIONS * (DATA_MAX + 1) * TURNS * LINE_BYTES);
    uint64_t pc[INSTRUCTIONS], page[INSTRUCTIONS][DATA_MAX];
    unsigned data[INSTRUCTIONS];

    *n = 0;
    for (int i = 0; i < INSTRUCTIONS; i++) {
        bool jumps = i == 0 || tide_rng_below(r, 3) == 0;

        pc[i] = jumps ? 0x400000 + 0x1000 * tide_rng_below(r, 3) + 64 * (uint64_t)i : pc[i - 1] + 4;
        data[i] = (unsigned)tide_rng_below(r, DATA_MAX + 1);
        for (unsigned k = 0; k < DATA_MAX; k++)
            page[i][k] = 0x10000000 + 0x1000 * tide_rng_below(r, 4);
    }
    for (int turn = 0; turn < TURNS; turn++)
        for (int i = 0; i < INSTRUCTIONS; i++) {
            *n += (size_t)sprintf(text + *n, "I  %08" PRIx64 ",4\n", pc[i]);
            for (unsigned k = 0; k < data[i]; k++) {
                /* now and then a page that is not resident, so that the policy must decide */
                uint64_t far = tide_rng_below(r, 400) == 0 ? 0x1000 * tide_rng_below(r, 20) : 0;

                *n += (size_t)sprintf(text + *n, " %c %08" PRIx64 ",8\n", "LS"[k % 2],
                                      page[i][k] + far + 8 * (uint64_t)(turn % 500));
            }
        }
    return text;
}

Test(engines, code_and_data_keep_their_order)
{
    static const char *const policies[POLICIES] = {"lru", "mru", "2q", "lru", "arc"};

    expect_equal_on("crowded loops", crowded_loop, 60, policies, 3, 5, NULL);
}

/* Arrays of four entries before one that holds everything. */
static void small_first_levels(struct tide_tlb_config tlb[TLBS])
{
    static const struct {
        enum tide_tlb_kind kind;
        uint32_t ways;
    } first[TLBS] = {
        {TIDE_TLB_lru, 4}, {TIDE_TLB_lru, 1}, {TIDE_TLB_fifo, 4}, {TIDE_TLB_random, 2}};

    for (size_t i = 0; i < TLBS; i++)
        tlb[i] =
            (struct tide_tlb_config){.n = 3,
                                     .arrays = {{.name = "l1i",
                                                 .level = 1,
                                                 .serves = TIDE_TLB_FOR_FETCH,
                                                 .entries = 2,
                                                 .ways = first[i].ways < 2 ? 1 : 2,
                                                 .kind = first[i].kind},
                                                {.name = "l1d",
                                                 .level = 1,
                                                 .serves = TIDE_TLB_FOR_DATA,
                                                 .entries = 4,
                                                 .ways = first[i].ways,
                                                 .kind = first[i].kind},
                                                {.name = "l2",
                                                 .level = 2,
                                                 .serves = TIDE_TLB_FOR_FETCH | TIDE_TLB_FOR_DATA,
                                                 .entries = 64,
                                                 .ways = 4,
                                                 .kind = TIDE_TLB_lru}}};
}

/* Pages come and go in the first level many times between two decisions, more often than the fast
 * engine takes note of. */
Test(engines, pages_that_left_the_first_level_keep_their_order)
{
    static const char *const policies[POLICIES] = {"lru", "mru", "2q", "lru", "arc"};
    struct tide_tlb_config tlb[TLBS];

    small_first_levels(tlb);
    expect_equal_on("crowded loops", crowded_loop, 40, policies, 6, 8, tlb);
    expect_equal_on("long loops", long_loop, 8, policies, 14, 4, tlb);
}

/* Two score pages that are read once, then two that stay in use while others come. */
static char *few_in_use(struct tide_rng *r, size_t *n)
{
    enum { IDLE = 40, USED = 2, TURNS = 3000, LINE_BYTES = 24 };
    char *text = malloc((size_t)2 * TURNS * LINE_BYTES);

    *n = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        int page = turn < IDLE ? turn : IDLE + (int)tide_rng_below(r, USED);

        if (turn >= IDLE && tide_rng_below(r, 20) == 0)
            page = turn; /* used neither before nor later */
        *n += (size_t)sprintf(text + *n, "I  %08x,4\n", 0x400000 + 4 * (turn % 50));
        *n +=
            (size_t)sprintf(text + *n, " %c %08x,8\n", "LS"[turn % 2], 0x10000000 + 0x1000 * page);
    }
    return text;
}

/* Reference bits of dozens of pages are cleared at once, those of the pages in use last of all;
 * the next reference sets theirs again. */
Test(engines, cleared_bits_are_set_again)
{
    static const char *const policies[POLICIES] = {"clock", "esc", "sieve", "car", "clock-pro"};
    struct tide_tlb_config tlb[TLBS];

    small_first_levels(tlb);
    expect_equal_on("few in use", few_in_use, 20, policies, 41, 6, tlb);
}

/* The k-th policy, counted round, that needs no more than reference bits. */
static const struct tide_policy *bit_policy(uint64_t k)
{
    for (size_t i = 0;; i++) {
        const struct tide_policy *policy = tide_policies[i];

        if (policy == NULL)
            i = SIZE_MAX; /* round */
        else if (policy->observes <= TIDE_OBSERVES_BIT && !policy->variable_space && k-- == 0)
            return policy;
    }
}

/* Accessed bits with a TLB flush on clearing are the textbook's reference bits: each reference
 * after a clearing walks. Without the flush they are not, or the option would be idle. */
Test(engines, accessed_bits_with_flush_are_reference_bits)
{
    uint64_t different = 0, tried = 0;

    for (uint64_t seed = 0; seed < 400; seed++) {
        const struct tide_policy *policy = bit_policy(seed);
        struct tide_machine_config c;
        struct replay textbook, flushed, stale;
        struct tide_error e = {0};
        struct tide_rng r;
        char *text;
        size_t n;

        tide_rng_init(&r, seed, "accessed");
        text = random_lackey(&r, 3000, &n);
        random_machine(&r, policy, &c);
        c.references = TIDE_REFERENCES_EVERY;
        c.observe = TIDE_OBSERVE_EVERY_REFERENCE;
        c.flush_on_clear = false;
        c.by_memory = false;
        c.frames = (struct tide_amount){.value = 4 + tide_rng_below(&r, 20)};
        cr_assert_eq(replay(text, n, "lackey", &c, TIDE_ENGINE_FAST, &textbook, &e), 0);
        c.observe = TIDE_OBSERVE_ACCESSED_BIT;
        cr_assert_eq(replay(text, n, "lackey", &c, TIDE_ENGINE_FAST, &stale, &e), 0);
        c.flush_on_clear = true;
        cr_assert_eq(replay(text, n, "lackey", &c, TIDE_ENGINE_FAST, &flushed, &e), 0);
        cr_assert_eq(textbook.counts.faults_major, flushed.counts.faults_major, "seed %" PRIu64,
                     seed);
        cr_assert_eq(textbook.counts.writebacks, flushed.counts.writebacks, "seed %" PRIu64, seed);
        tried++;
        different += stale.counts.evictions != textbook.counts.evictions;
        replay_free(&textbook);
        replay_free(&stale);
        replay_free(&flushed);
        free(text);
    }
    cr_expect_gt(different, tried / 20, "only %" PRIu64 " of %" PRIu64 " differ without the flush",
                 different, tried);
}
