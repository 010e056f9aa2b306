/* Working sets that books and exams print: faults, mean sizes, the set itself. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_driver.h"

/* Each page is one character; what stands before the bar is referenced first and not counted. */
static const struct {
    const char *source, *string, *policy, *settings;
    uint64_t faults;  /* 0: not printed */
    double mean_size; /* likewise */
    const char *last; /* the pages at the end, or NULL */
} cases[] = {
    {"GATE CSE 1992", "eda|ccdbcecead", "ws", "tau=4", 5, 3.2, NULL},
    {"Bic and Shaw, VMIN", "d|ccdbcecead", "vmin", "tau=3", 5, 1.6, NULL},
    {"Stallings, problem 8.15", "12345213323454511325", "ws", "tau=1", 0, 1, NULL},
    {"Stallings, problem 8.15", "12345213323454511325", "ws", "tau=2", 0, 1.85, NULL},
    {"Stallings, problem 8.15", "12345213323454511325", "ws", "tau=3", 0, 2.5, NULL},
    {"Stallings, problem 8.15", "12345213323454511325", "ws", "tau=4", 0, 3.1, NULL},
    {"Stallings, problem 8.15", "12345213323454511325", "ws", "tau=5", 0, 3.55, NULL},
    {"Stallings, problem 8.15", "12345213323454511325", "ws", "tau=6", 0, 3.9, NULL},
    {"Silberschatz, fig. of the working-set model, t1", "2615777751", "ws", "tau=10", 0, 0,
     "12567"},
};

Test(working_sets, come_out_as_printed)
{
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct driver_step steps[64];
        uint64_t faults_before = 0, sum_before = 0, counted = 0;
        struct driver d;
        char pages[128] = "";
        size_t n = 0, bar = 0;

        for (const char *s = cases[c].string; *s != '\0'; s++)
            if (*s == '|')
                bar = n;
            else
                steps[n++] = (struct driver_step){.page = {(uint64_t)*s}, .op = DRIVER_READ};
        driver_next_uses(steps, n);
        driver_open(&d, tide_policy_find(cases[c].policy), cases[c].settings, (uint32_t)n, 1);
        for (size_t i = 0; i < n; i++) {
            if (i == bar) {
                faults_before = d.faults;
                sum_before = d.resident_sum;
            }
            driver_step(&d, &steps[i], NULL);
        }
        counted = n - bar;
        if (cases[c].faults > 0)
            cr_expect_eq(d.faults - faults_before, cases[c].faults, "%s: %d faults",
                         cases[c].source, (int)(d.faults - faults_before));
        if (cases[c].mean_size > 0)
            cr_expect_float_eq((double)(d.resident_sum - sum_before) / (double)counted,
                               cases[c].mean_size, 1e-9, "%s {%s}: %d pages in %d references",
                               cases[c].source, cases[c].settings,
                               (int)(d.resident_sum - sum_before), (int)counted);
        for (int page = 0, used = 0; page < 128 && cases[c].last != NULL; page++)
            if (driver_resident(&d, (tide_page){(uint64_t)page}))
                pages[used++] = (char)page;
        if (cases[c].last != NULL)
            cr_expect_str_eq(pages, cases[c].last, "%s: %s", cases[c].source, pages);
        driver_close(&d);
    }
}
