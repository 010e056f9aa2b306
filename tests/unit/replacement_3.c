/* LRFU, LeCaR, CACHEUS, WSClock, FreeBSD, MGLRU, WS, PFF, VMIN: what can be worked out by hand. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_driver.h"
#include "replacement/real.h"

/* Three frames; w behind a page for a write, - before one for an unmapping. */
static const struct {
    const char *policy, *settings, *string, *victims, *because;
} cases[] = {
    {"lrfu", "lambda=1", "0 0 0 1 2 3", "0", "one reference outweighs all earlier ones: LRU"},
    {"lrfu", "lambda=0", "0 0 0 1 2 3", "1", "counts: LFU, ties to the least recently used"},
    {"lrfu", "lambda=0.5", "0 0 1 2 3", "1", "0.604 0.5 0.707"},
    {"lrfu", "lambda=0.5", "0 0 1 2 1 2 1 2 3", "0", "two references, but 7 and 8 ago: 0.151"},
    {"lrfu", "lambda=0", "0 0 0 1 2 3 1 0 4", "1 2 3", "an evicted page starts again"},
    {"wsclock", "tau=2", "0 1 2 3 4 5", "0 1 2", "at 6 page 2 was last seen in use at 4"},
    {"wsclock", "tau=2", "0 1 2 3 4 2 5", "0 1 3", "page 2 is in use again at 6"},
    {"wsclock", "tau=1", "0 1w 2 3 4", "0 2", "page 1 is as old, but dirty"},
    {"wsclock", "tau=1", "0 1w 2w 3 4", "0 1", "both are dirty: the first is written first"},
    {"wsclock", "tau=1 clean_first=no", "0 1w 2 3 4", "0 1", ""},
    {"freebsd", "", "0 1 2 3", "0", "counts 5 + 4, then down to 0, 0 first"},
    {"freebsd", "", "0 1 2 3 1 4", "0 2", "1 has 1 + 4, 2 goes from 1 to 0"},
    {"freebsd", "inactive=100%", "0 1w 2 3 4", "0 2", "1 is dirty and goes round once more"},
    {"freebsd", "inactive=100%", "0 1w 2 3 4 5", "0 2 1", "its second time it leaves"},
    {"freebsd", "inactive=100%", "0 1 2 3 1 4", "0 2", "1 is inactive, but in use: active again"},
    {"mglru", "", "0 1 2 3", "0", "all were in use: aged together, first in, first out"},
    {"mglru", "", "0 1 2 3 1 4", "0 2", "1 is promoted by the walk"},
    {"lecar", "initial_weight=1 learning_rate=0", "0 1 2 0 3", "1", "only LRU is asked"},
    {"lecar", "initial_weight=0 learning_rate=0", "0 0 1 2 2 3", "1", "only LFU is asked"},
    {"lecar", "initial_weight=0 learning_rate=0", "0 0 1 2 2 3 1 4", "1 3 0",
     "1 returns with count 2; then all have 2: the lowest page"},
    {"cacheus", "", "0 1 2 3", "2", "0 and 1 fill S; Q's oldest is also the latest used"},
    {"cacheus", "", "0 1 2 3 0 4", "2 3", "0 was demoted to Q, and is back in S"},
    {"ws", "tau=2", "0 1 2 1 0", "", "no frame is ever needed"},
};

static size_t parse(const char *string, struct driver_step *steps)
{
    size_t n = 0;

    while (*string != '\0') {
        bool unmaps = *string == '-';
        char *end;

        steps[n].page.v = strtoull(string + unmaps, &end, 10);
        steps[n].op = unmaps ? DRIVER_UNMAP : *end == 'w' ? DRIVER_WRITE : DRIVER_READ;
        end += *end == 'w';
        string = end + (*end == ' ');
        n++;
    }
    driver_next_uses(steps, n);
    return n;
}

Test(replacement_3, victims_are_those_worked_out_by_hand)
{
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct driver_step steps[32];
        size_t n = parse(cases[c].string, steps), used = 0;
        char victims[64] = "";
        struct driver d;

        driver_open(&d, tide_policy_find(cases[c].policy), cases[c].settings, 3, 1);
        for (size_t i = 0; i < n; i++) {
            tide_page victim;

            driver_step(&d, &steps[i], &victim);
            if (victim.v != TIDE_PAGE_NONE.v)
                used += (size_t)snprintf(victims + used, sizeof victims - used, "%s%d",
                                         used > 0 ? " " : "", (int)victim.v);
        }
        driver_close(&d);
        cr_expect_str_eq(victims, cases[c].victims, "%s {%s}: %s: evicts %s, not %s (%s)",
                         cases[c].policy, cases[c].settings, cases[c].string, victims,
                         cases[c].victims, cases[c].because);
    }
}

/* What `explain` shows: fill three frames, reference page 1 again, and ask. (With vmin pages 0 and
 * 2, not used again, have left.) */
Test(replacement_3, views_and_reasons)
{
    static const struct {
        const char *policy, *settings, *page_1, *why;
    } views[] = {
        {"lrfu", "lambda=1", "CRF 1.25", "least: CRF 0.125"},
        {"wsclock", "", "R=1 M=1 last 2", "all are in the working set"},
        {"freebsd", "", "R=1 active, count 5", "head of the inactive queue"},
        {"mglru", "", "R=1 generation 3", "oldest of generation 3"},
        {"lecar", "", "count 2, 0 used since", "least recently and frequently used"},
        {"cacheus", "", "S, count 2", "both SR-LRU and CR-LFU choose it"},
        {"ws", "tau=5", "last at 4", "not among the last 5 references"},
        {"pff", "", "R=1 last at 4", "not referenced since 0"},
        {"vmin", "", "used again at 5", "used again at 5"},
    };

    for (size_t c = 0; c < sizeof views / sizeof *views; c++) {
        struct driver_step steps[8];
        size_t n = parse("0 1 2 1w 1", steps);
        char text[64];
        struct driver d;
        uint32_t frame;

        driver_open(&d, tide_policy_find(views[c].policy), views[c].settings, 3, 1);
        for (size_t i = 0; i + 1 < n; i++)
            driver_step(&d, &steps[i], NULL);
        d.policy->describe(d.state, 1, text, sizeof text);
        cr_expect_str_eq(text, views[c].page_1, "%s: '%s'", views[c].policy, text);
        frame = d.policy->victim(d.state);
        d.policy->why(d.state, frame, text, sizeof text);
        cr_expect_str_eq(text, views[c].why, "%s: '%s'", views[c].policy, text);
        driver_close(&d);
    }
}

Test(replacement_3, options_are_refused_where_they_mean_nothing)
{
    static const struct {
        const char *policy, *name, *value;
    } bad[] = {
        {"lrfu", "lambda", "1.5"},   {"lrfu", "lambda", "-1"},        {"lrfu", "lambda", "1e-3"},
        {"lrfu", "lambda", ""},      {"lrfu", "lambda", "."},         {"lrfu", "lambda", "0.1.2"},
        {"lecar", "discount", "2"},  {"lecar", "history", "0"},       {"cacheus", "q", "0%"},
        {"freebsd", "decline", "0"}, {"mglru", "look_around", "513"}, {"ws", "tau", "0"},
        {"pff", "t", "0"},           {"pff", "clear", "never"},       {"vmin", "tau", "0"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct tide_policy *p = tide_policy_find(bad[i].policy);
        void *options = calloc(1, p->options_bytes);
        struct tide_error e;

        cr_expect_eq(tide_option_set(p->options, options, p->name, bad[i].name, bad[i].value, &e),
                     TIDE_E_CONFIG, "%s: %s: '%s'", bad[i].policy, bad[i].name, bad[i].value);
        free(options);
    }
}

/* libm's are right to the last bit or two. */
Test(replacement_3, powers_and_logarithms_of_two)
{
    for (int i = -4000; i <= 4000; i++) {
        double x = i * 0.0371, y = pow(2, x);

        cr_assert_float_eq(tide_exp2(x) / y, 1, 1e-15, "2^%g", x);
        cr_assert_float_eq(tide_log2(y), log2(y), 1e-15 * (1 + fabs(x)), "log2 %g", y);
        cr_assert_float_eq(tide_exp(x / 4) / exp(x / 4), 1, 2e-14, "exp %g", x / 4);
    }
    for (int i = -900; i <= 900; i++) { /* exact */
        cr_assert_eq(tide_exp2(i), ldexp(1, i), "2^%d", i);
        cr_assert_eq(tide_log2(ldexp(1, i)), i, "%d", i);
    }
    cr_expect_eq(tide_exp2(-1e6), 0);
}
