/* pager/scan: what shares of frames are shares of, and what OPT is told. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "replay.h"

static void expect_row(const char *pages, const struct tide_machine_config *c, const char *start)
{
    struct tide_error e = {0};
    struct replay r;
    const char *row;

    cr_assert_eq(replay(pages, strlen(pages), "pages", c, TIDE_ENGINE_FAST, &r, &e), 0, "%s",
                 e.what);
    row = strstr(r.rows, "summary,");
    cr_assert_not_null(row);
    cr_expect_eq(strncmp(row, start, strlen(start)), 0, "%.60s, not %s", row, start);
    replay_free(&r);
}

Test(scan, a_share_is_of_the_whole_trace_whatever_is_replayed)
{
    static const char trace[] = "1 2 3 1 2 3 4 5 6 7 8 9";
    struct tide_machine_config c;

    tide_machine_defaults(&c);
    expect_row(trace, &c, "summary,lru,4,"); /* half of 9, rounded down */
    c.limit = 3;
    expect_row(trace, &c, "summary,lru,4,");
    c.skip = 6;
    expect_row(trace, &c, "summary,lru,4,");
    c.warmup = 2;
    expect_row(trace, &c, "summary,lru,4,");
}

/* Belady's string with the first pages skipped: OPT must not be told of the past. */
Test(scan, skipped_references_are_nobodys_next_use)
{
    struct tide_machine_config c;

    tide_machine_defaults(&c);
    c.policy = tide_policy_find("opt");
    c.frames = (struct tide_amount){.value = 3};
    expect_row("1 2 3 4 1 2 5 1 2 3 4 5", &c, "summary,opt,3,4096,12,12,5,5,2,7,");
    c.skip = 3;
    expect_row("9 9 9 1 2 3 4 1 2 5 1 2 3 4 5", &c, "summary,opt,3,4096,12,12,5,5,2,7,");
}

/* Where nothing but the end of the warm-up is due, it is not missed. */
Test(scan, warm_up_ends_for_policies_that_shed)
{
    static const char *const policies[] = {"ws", "vmin", "pff"};

    for (int i = 0; i < 3; i++) {
        struct tide_machine_config c;
        char row[64];

        tide_machine_defaults(&c);
        c.policy = tide_policy_find(policies[i]);
        tide_options_defaults(c.policy->options, c.policy_options);
        c.warmup = 3;
        snprintf(row, sizeof row, "summary,%s,,4096,4,4,2,0,0,0,", policies[i]);
        expect_row("1 2 1 2 1 2 1", &c, row);
    }
}

/* The working-set policies through the whole machine against the formulas over gaps between
 * references to one page: Denning and Schwartz, "Properties of the working-set model", CACM 15(3),
 * 1972 (WS); Prieve and Fabry, "VMIN: an optimal variable-space page replacement algorithm", CACM
 * 19(5), 1976. */
Test(scan, ws_and_vmin_obey_the_gap_formulas)
{
    enum { N = 3000, PAGES = 14 };
    static const uint64_t taus[] = {1, 2, 3, 10, 50, 400};
    char *text = malloc(4 * N + 1);
    uint64_t last[PAGES] = {0}, gaps[N], n_gaps = 0, distinct = 0;
    struct tide_rng r;
    size_t used = 0;

    cr_assert_not_null(text);
    tide_rng_init(&r, 1, "gaps");
    for (uint64_t t = 1, page = 0; t <= N; t++) {
        if (tide_rng_below(&r, 3) > 0) /* else an immediate repeat */
            page = tide_rng_below(&r, t < N / 2 ? 5 : PAGES);
        used += (size_t)sprintf(text + used, "%d ", (int)page);
        if (last[page] != 0)
            gaps[n_gaps++] = t - last[page];
        distinct += last[page] == 0;
        last[page] = t;
    }
    for (size_t i = 0; i < sizeof taus / sizeof *taus; i++) {
        uint64_t tau = taus[i], longer = 0, ws = 0, vmin = distinct;

        for (uint64_t k = 0; k < n_gaps; k++) {
            longer += gaps[k] > tau;
            ws += gaps[k] < tau ? gaps[k] : tau;
            vmin += gaps[k] <= tau ? gaps[k] : 1;
        }
        for (int page = 0; page < PAGES; page++) {
            uint64_t end = N - last[page] + 1;

            ws += end < tau ? end : tau;
        }
        for (int k = 0; k < 2; k++) {
            struct tide_machine_config c;
            struct tide_error e = {0};
            struct replay got;
            char value[16];

            tide_machine_defaults(&c);
            c.policy = tide_policy_find(k == 0 ? "ws" : "vmin");
            tide_options_defaults(c.policy->options, c.policy_options);
            snprintf(value, sizeof value, "%d", (int)tau);
            cr_assert_eq(
                tide_option_set(c.policy->options, c.policy_options, "it", "tau", value, &e), 0,
                "%s", e.what);
            cr_assert_eq(replay(text, used, "pages", &c, TIDE_ENGINE_FAST, &got, &e), 0, "%s",
                         e.what);
            cr_expect_eq(got.counts.faults_minor + got.counts.faults_major, distinct + longer,
                         "%s, tau %d", c.policy->name, (int)tau);
            cr_expect_eq(got.counts.resident_sum, k == 0 ? ws : vmin, "%s, tau %d: %lu, not %lu",
                         c.policy->name, (int)tau, got.counts.resident_sum, k == 0 ? ws : vmin);
            replay_free(&got);
        }
    }
    free(text);
}
