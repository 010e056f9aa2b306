/* Policies: short strings whose victims can be worked out by hand. All with three frames. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_driver.h"

/* `string`: page numbers, w behind one for a write, - before one for an unmapping. */
static const struct {
    const char *policy, *settings, *string, *victims, *because;
} cases[] = {
    {"fifo", "", "0 1 2 0 3", "0", "a reference changes nothing"},
    {"fifo", "", "0 1 2 -0 3 4", "1", "3 takes the free frame"},
    {"lru", "", "0 1 2 0 3", "1", ""},
    {"lru", "", "0 1 2 0 -1 3 4", "2", ""},
    {"mru", "", "0 1 2 3 4", "2 3", "the incoming page is not a candidate"},
    {"mru", "", "0 1 2 0 3", "0", ""},
    {"clock", "", "0 1 2 3 4", "0 1", "one turn clears all bits, then it is FIFO"},
    {"clock", "", "0 1 2 3 1 4", "0 2", "1 has a second chance"},
    {"clock", "", "0 1 2 3 -1 4 5", "0 2", "the hand goes on from 1; 4 stands behind it"},
    {"clock", "", "0 1 2 3 -2 4 5", "0 1", "the hand stays at 1"},
    {"clock", "", "0 1 2 -0 -1 -2 3 4 5 6", "3", "the ring was empty in between"},
    {"clock", "initial_bit=0", "0 1 2 0 3", "1", "only 0 was referenced after it came in"},
    {"clock", "initial_bit=1", "0 1 2 0 3", "0", "all bits are set"},
    {"esc", "", "0w 1 2w 3", "1", "all bits cleared in the second turn, 1 is clean in the third"},
    {"esc", "", "0w 1 2w 3 4 5", "1 2 0", "then no page is (0,0): 2 and 0 are (0,1), 3 is (1,0)"},
    {"esc", "", "0w 1w 2w 3", "0", "the fourth turn: nothing is clean"},
    {"esc", "", "0 1 2 3 1w 4", "0 2", "1 is (1,1) now"},
    {"nru", "tick=4", "0 1w 2 2 0 2 3", "1", "after the tick: 0 (1,0), 1 (0,1), 2 (1,0)"},
    {"nru", "tick=4", "0w 1w 2w 2 0 1 3", "2", "after the tick: 0 (1,1), 1 (1,1), 2 (0,1)"},
    {"aging", "tick=4", "0 1 2 0 1 3", "0", "0 and 2 are equal, 0 came first"},
    {"aging", "tick=4", "0 1 2 2 3 4", "0 1", "3 has counter 0, but R is set"},
    {"aging", "tick=3", "0 1 2 0 1 1 3", "2", "counters 110.. 110.. 010.."},
    {"lfu", "", "0 0 1 2 2 3 4", "1 3", ""},
    {"lfu", "", "0 1 2 0 1 3", "2", ""},
    {"lfu", "", "0 1 2 1 0 2 3", "1", "equal counts: the least recently used"},
    {"lfu", "persist=no", "0 0 1 2 2 3 1 4", "1 3 1", "1 starts at 1 again"},
    {"lfu", "persist=yes", "0 0 1 2 2 3 1 4", "1 3 0", "1 goes on to 2; 0 is least recently used"},
    {"lfu", "persist=yes", "0 0 1 2 2 3 -1 1 4", "1 3 1", "unmapping forgets 1's count"},
    {"gclock", "", "0 0 0 1 2 3 4", "1 2", "0 counts 3, the others 1"},
    {"gclock", "cap=1", "0 0 0 1 2 3", "0", "CLOCK"},
    {"gclock", "initial=0", "0 1 2 0 3", "1", ""},
    {"opt", "", "0 1 2 3 0 1", "2", "0 and 1 are used again"},
    {"opt", "", "0 1 2 3 1 0 2", "2 0", "2 is used last; then none is used again: the lowest"},
    {"opt", "", "2 1 0 3 2", "0", "0 and 1 are not used again: the lowest"},
    {"opt", "", "0 1 2 3 0 -1 2 1", "1 0", "1 is unmapped before it is used again"},
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

Test(replacement, victims_are_those_worked_out_by_hand)
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

/* What `explain` shows: fill three frames, reference page 1 again, and ask. */
Test(replacement, views_and_reasons)
{
    static const struct {
        const char *policy, *settings, *page_1, *why;
    } views[] = {
        {"fifo", "", "loaded at 2", "oldest, loaded at 1"},
        {"lru", "", "0 used since", "least recently used"},
        {"mru", "", "0 used since", "most recently used"},
        {"clock", "", "R=1", "first from the hand with R=0"},
        {"esc", "", "R=1 M=1", "first from the hand with (R,M)=(0,0)"},
        {"nru", "", "R=1 M=1", "drawn from class 2, the lowest"},
        {"aging", "bits=4", "R=1 counter 0000", "smallest: R=1 counter 0000"},
        {"lfu", "", "count 2", "least count, 1"},
        {"gclock", "", "count 2", "first from the hand with count 0"},
        {"opt", "", "0 used sooner", "not used again"},
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
