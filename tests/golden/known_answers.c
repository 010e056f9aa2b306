/* Every row of known_answers.csv, each policy driven by itself: a fixed number of frames, demand
 * paging, a dirty page is one written since it was brought in. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "known_answers.h"
#include "policy_driver.h"

/* The sequence as steps, with next uses; for free(). */
static struct driver_step *steps_of(const struct known_answer *row, size_t *n)
{
    struct known_reference *refs = known_sequence(row->text[KNOWN_SEQUENCE], n);
    struct driver_step *steps = calloc(*n + 1, sizeof *steps);

    for (size_t i = 0; i < *n; i++)
        steps[i] = (struct driver_step){.page = {refs[i].page},
                                        .op = refs[i].write ? DRIVER_WRITE : DRIVER_READ};
    driver_next_uses(steps, *n);
    free(refs);
    return steps;
}

static const struct tide_policy *policy_of(const struct known_answer *row)
{
    const struct tide_policy *policy = tide_policy_find(row->text[KNOWN_POLICY]);

    cr_assert_not_null(policy, "line %d: no policy '%s'", row->line, row->text[KNOWN_POLICY]);
    return policy;
}

struct outcome {
    uint64_t faults, writebacks;
};

static struct outcome replay(const struct known_answer *row, uint32_t frames)
{
    size_t n;
    struct driver_step *steps = steps_of(row, &n);
    struct driver d;
    struct outcome outcome;

    driver_open(&d, policy_of(row), row->text[KNOWN_PARAMS], frames, 1);
    for (size_t i = 0; i < n; i++)
        driver_step(&d, &steps[i], NULL);
    outcome = (struct outcome){.faults = d.faults, .writebacks = d.writebacks};
    driver_close(&d);
    free(steps);
    return outcome;
}

static uint32_t number(const struct known_answer *row, const char *text, char **end)
{
    uint32_t n = (uint32_t)strtoul(text, end, 10);

    cr_assert(*end != text && n > 0, "line %d: '%s' is not a number of frames", row->line, text);
    return n;
}

static void expect_faults(const struct known_answer *row)
{
    char *end;
    uint32_t frames = number(row, row->text[KNOWN_FRAMES], &end);

    cr_expect_eq(replay(row, frames).faults, strtoull(row->text[KNOWN_VALUE], NULL, 10),
                 "line %d: %s, %s", row->line, row->text[KNOWN_SOURCE], row->text[KNOWN_POLICY]);
}

static void expect_writebacks(const struct known_answer *row)
{
    char *end;
    uint32_t frames = number(row, row->text[KNOWN_FRAMES], &end);

    cr_expect_eq(replay(row, frames).writebacks, strtoull(row->text[KNOWN_VALUE], NULL, 10),
                 "line %d: %s, %s", row->line, row->text[KNOWN_SOURCE], row->text[KNOWN_POLICY]);
}

static void expect_difference(const struct known_answer *row)
{
    char *end;
    uint32_t more = number(row, row->text[KNOWN_FRAMES], &end), fewer;

    cr_assert_eq(strncmp(end, " minus ", 7), 0, "line %d", row->line);
    fewer = number(row, end + 7, &end);
    cr_expect_eq(replay(row, more).faults - replay(row, fewer).faults,
                 strtoull(row->text[KNOWN_VALUE], NULL, 10), "line %d: %s", row->line,
                 row->text[KNOWN_SOURCE]);
}

/* LRU includes: the stack distance of a reference is the least number of frames with which it hits,
 * and infinite for a first reference. */
static void expect_distances(const struct known_answer *row)
{
    size_t n;
    struct driver_step *steps = steps_of(row, &n);
    uint32_t *distance = calloc(n, sizeof *distance); /* 0: infinite */
    char text[1024] = "";
    size_t used = 0;

    for (uint32_t frames = (uint32_t)n; frames >= 1; frames--) {
        struct driver d;

        driver_open(&d, policy_of(row), NULL, frames, 1);
        for (size_t i = 0; i < n; i++)
            if (!driver_step(&d, &steps[i], NULL))
                distance[i] = frames;
        driver_close(&d);
    }
    for (size_t i = 0; i < n; i++) {
        char one[16] = "inf";

        if (distance[i] != 0)
            snprintf(one, sizeof one, "%u", distance[i]);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? " " : "", one);
        cr_assert_lt(used, sizeof text);
    }
    cr_expect_str_eq(text, row->text[KNOWN_VALUE], "line %d: %s: %s", row->line,
                     row->text[KNOWN_SOURCE], text);
    free(distance);
    free(steps);
}

/* The sequence gives the R bits of all pages at each tick, the value their counters afterwards. A
 * tick comes when as many references have been made as there are pages: between two ticks each page
 * with R = 1 is referenced, and the rest of the references goes to a page that is not in the
 * exercise and stays in memory too. */
static void expect_counters(const struct known_answer *row)
{
    const char *ticks = row->text[KNOWN_SEQUENCE];
    size_t pages = strcspn(ticks, " ");
    tide_page filler = {pages};
    char settings[64], *end;
    uint32_t period = (uint32_t)pages + 1;
    struct driver d;
    char text[256] = "";
    size_t used = 0;

    cr_assert_eq(number(row, row->text[KNOWN_FRAMES], &end), pages, "line %d", row->line);
    snprintf(settings, sizeof settings, "tick=%u %s", period, row->text[KNOWN_PARAMS]);
    driver_open(&d, policy_of(row), settings, period, 1);
    /* bring all in, and let as many ticks pass as shift that out again */
    for (uint64_t p = 0; p <= pages; p++)
        driver_step(&d, &(struct driver_step){.page = {p}}, NULL);
    for (int i = 0; i < 64; i++)
        for (uint32_t k = 0; k < period; k++)
            driver_step(&d, &(struct driver_step){.page = filler}, NULL);
    for (; *ticks != '\0'; ticks += pages, ticks += strspn(ticks, " ")) {
        cr_assert_eq(strspn(ticks, "01"), pages, "line %d", row->line);
        for (size_t p = 0; p < pages; p++)
            driver_step(
                &d, &(struct driver_step){.page = ticks[p] == '1' ? (tide_page){p} : filler}, NULL);
        driver_step(&d, &(struct driver_step){.page = filler}, NULL);
    }
    for (uint64_t p = 0; p < pages; p++) {
        char view[128];
        static const char before[] = "R=0 counter ";

        d.policy->describe(d.state, (uint32_t)*tide_map_get(&d.frames, p), view, sizeof view);
        cr_assert_eq(strncmp(view, before, strlen(before)), 0, "'%s'", view);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", p > 0 ? " " : "",
                                 view + strlen(before));
        cr_assert_lt(used, sizeof text);
    }
    cr_expect_str_eq(text, row->text[KNOWN_VALUE], "line %d: %s: %s", row->line,
                     row->text[KNOWN_SOURCE], text);
    driver_close(&d);
}

static const struct {
    const char *metric;
    void (*expect)(const struct known_answer *row);
    int least; /* rows that must be there, so that a broken file does not pass as an empty one */
} metrics[] = {
    {"faults", expect_faults, 70},
    {"dirty write-backs", expect_writebacks, 8},
    {"fault difference", expect_difference, 4},
    {"distance string", expect_distances, 1},
    {"counters", expect_counters, 1},
};

enum { METRICS = sizeof metrics / sizeof *metrics };

Test(known_answers, every_row_comes_out_as_printed)
{
    struct known_answers k;
    int seen[METRICS] = {0};

    known_answers_open(&k);
    for (size_t i = 0; i < k.n; i++) {
        const struct known_answer *row = &k.rows[i];
        int m = 0;

        while (m < METRICS && strcmp(metrics[m].metric, row->text[KNOWN_METRIC]) != 0)
            m++;
        cr_assert_lt(m, METRICS, "line %d: unknown metric '%s'", row->line,
                     row->text[KNOWN_METRIC]);
        cr_expect_str_neq(row->text[KNOWN_SOURCE], "", "line %d: no source", row->line);
        metrics[m].expect(row);
        seen[m]++;
    }
    for (int m = 0; m < METRICS; m++)
        cr_expect_geq(seen[m], metrics[m].least, "%s: %d rows", metrics[m].metric, seen[m]);
    known_answers_close(&k);
}
