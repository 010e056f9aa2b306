/* The rows of known_answers.csv for LRU and OPT, at the number of frames that is printed and
 * against the policy itself at all others, from one pass. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "curve/curves.h"
#include "known_answers.h"
#include "policy_driver.h"

enum { MOST = 1000 };

static uint64_t faults_at(const struct tide_distances *d, size_t frames)
{
    uint64_t faults = d->counts[0];

    for (size_t k = frames + 1; k < d->cap; k++)
        faults += d->counts[k];
    return faults;
}

static uint64_t simulated(const struct known_reference *refs, size_t n, const char *policy,
                          uint32_t frames)
{
    struct driver_step *steps = calloc(n + 1, sizeof *steps);
    struct driver d;
    uint64_t faults;

    cr_assert_not_null(steps);
    for (size_t i = 0; i < n; i++)
        steps[i] = (struct driver_step){.page = {refs[i].page}, .op = DRIVER_READ};
    driver_next_uses(steps, n);
    driver_open(&d, tide_policy_find(policy), NULL, frames, 1);
    for (size_t i = 0; i < n; i++)
        driver_step(&d, &steps[i], NULL);
    faults = d.faults;
    driver_close(&d);
    free(steps);
    return faults;
}

/* The sequence as a block of one process that has no layout. */
static struct tide_curves *curves_of(const struct known_reference *refs, size_t n)
{
    struct tide_block *b = calloc(1, sizeof *b);
    struct tide_curves_config c = {.limit = UINT64_MAX, .which = TIDE_CURVES_ALL};
    struct tide_machine_config machine;
    struct tide_error e = {0};
    struct tide_curves *curves;

    tide_machine_defaults(&machine);
    c.geometry = tide_machine_geometry(&machine);
    curves = tide_curves_new(&c, &e);
    cr_assert(b != NULL && curves != NULL && n < MOST);
    for (size_t i = 0; i < n; i++)
        b->accesses[b->n_accesses++] =
            (struct tide_access){.addr = refs[i].page << machine.page_shift,
                                 .size = 1,
                                 .kind = refs[i].write ? TIDE_WRITE : TIDE_READ};
    cr_assert_eq(tide_curves_feed(curves, b, NULL, &e), 1, "%s", e.what);
    cr_assert_eq(tide_curves_finish(curves, &e), 0, "%s", e.what);
    free(b);
    return curves;
}

Test(curves, lru_and_opt_at_all_sizes)
{
    struct known_answers k;
    size_t seen[2] = {0};

    known_answers_open(&k);
    for (size_t i = 0; i < k.n; i++) {
        const struct known_answer *row = &k.rows[i];
        const char *policy = row->text[KNOWN_POLICY];
        bool opt = strcmp(policy, "opt") == 0;
        const struct tide_distances *d;
        struct known_reference *refs;
        struct tide_curves *curves;
        size_t n;

        if ((!opt && strcmp(policy, "lru") != 0) || strcmp(row->text[KNOWN_METRIC], "faults") != 0)
            continue;
        refs = known_sequence(row->text[KNOWN_SEQUENCE], &n);
        curves = curves_of(refs, n);
        d = tide_curves_distances(curves, opt ? TIDE_CURVE_OPT : TIDE_CURVE_LRU);
        cr_expect_eq(faults_at(d, strtoul(row->text[KNOWN_FRAMES], NULL, 10)),
                     strtoull(row->text[KNOWN_VALUE], NULL, 10), "line %d: %s, %s", row->line,
                     row->text[KNOWN_SOURCE], policy);
        for (uint32_t frames = 1; frames <= tide_curves_pages(curves); frames++)
            cr_expect_eq(faults_at(d, frames), simulated(refs, n, policy, frames),
                         "line %d: %s, %u frames", row->line, policy, frames);
        seen[opt]++;
        tide_curves_free(curves);
        free(refs);
    }
    cr_expect_geq(seen[0], 15);
    cr_expect_geq(seen[1], 10);
    known_answers_close(&k);
}

/* Belady's string: LRU 10 and 8, OPT 7 and 6 faults with 3 and 4 frames (Belady, Nelson and
 * Shedler, "An anomaly in space-time characteristics of certain programs running in a paging
 * machine", CACM 12(6), 1969, for the string; the counts are worked out by hand in
 * operating-systems texts). */
Test(curves, beladys_string)
{
    static const struct known_reference refs[] = {
        {.page = 1}, {.page = 2}, {.page = 3}, {.page = 4}, {.page = 1}, {.page = 2},
        {.page = 5}, {.page = 1}, {.page = 2}, {.page = 3}, {.page = 4}, {.page = 5}};
    struct tide_curves *curves = curves_of(refs, sizeof refs / sizeof *refs);
    const struct tide_distances *lru = tide_curves_distances(curves, TIDE_CURVE_LRU);
    const struct tide_distances *opt = tide_curves_distances(curves, TIDE_CURVE_OPT);

    cr_expect_eq(faults_at(lru, 3), 10);
    cr_expect_eq(faults_at(lru, 4), 8);
    cr_expect_eq(faults_at(opt, 3), 7);
    cr_expect_eq(faults_at(opt, 4), 6);
    cr_expect_eq(faults_at(lru, 5), 5);
    cr_expect_eq(faults_at(opt, 5), 5);
    tide_curves_free(curves);
}
