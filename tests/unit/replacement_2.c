/* Policies with several lists or ghosts: short strings whose victims can be worked out by hand. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_driver.h"

/* `string`: page numbers, - before one for an unmapping. */
static const struct {
    const char *policy, *settings;
    uint32_t frames;
    const char *string, *victims, *because;
} cases[] = {
    /* primary 2, secondary 1 */
    {"sfifo", "", 3, "0 1 2 3", "0", ""},
    {"sfifo", "", 3, "0 1 2 1 3", "0", "a reference to a primary page changes nothing"},
    {"sfifo", "", 3, "0 1 2 0 3", "1", "0 came back to the primary list, 1 left it"},
    {"sfifo", "", 3, "0 1 2 -0 3 4", "1", "1 went to the secondary list when 3 came"},
    {"slru", "protected=1", 3, "0 1 2 0 3", "1", "0 is protected"},
    {"slru", "protected=1", 3, "0 0 1 1 2 3", "0", "1 took 0's place"},
    {"slru", "", 3, "0 0 1 1 2 3", "2", "both are protected"},
    {"slru", "", 3, "0 0 1 1 2 -2 3 4", "3", ""},
    {"lru-k", "", 3, "0 0 1 2 2 3", "1", "the only one referenced once"},
    {"lru-k", "", 3, "0 1 0 1 2 3 4", "2 3", ""},
    {"lru-k", "", 3, "0 1 2 2 1 0 3", "0", "its last reference but one is the oldest"},
    {"lru-k", "k=1", 3, "0 1 2 2 1 0 3", "2", "LRU"},
    {"lru-k", "", 3, "0 1 2 3 0 4 5 6", "0 1 2 3 4", "0 has come back: two references"},
    {"lru-k", "", 3, "0 1 2 3 -0 0 4 5 6", "0 1 2 3 0", "unmapping forgets the first"},
    {"lru-k", "retain=3", 3, "0 1 2 3 0 4 5 6", "0 1 2 3 0", "after 4 references it is forgotten"},
    {"lru-k", "retain=4", 3, "0 1 2 3 0 4 5 6", "0 1 2 3 4", "not yet"},
    {"lru-k", "crp=2", 3, "0 0 1 2 3", "0", "its references are correlated: one"},
    {"lru-k", "crp=9", 3, "0 0 1 2 3", "0", "all are in their period: the first by key"},
    /* Kin 1, Kout 2 */
    {"2q", "", 4, "0 1 2 3 0 4", "0", "a reference in A1in changes nothing"},
    {"2q", "", 4, "0 1 2 3 4 0 5 6 7", "0 1 2 3 4", "0 came back into Am"},
    {"2q", "", 4, "0 1 2 3 4 0 5 1 2 3 6 7", "0 1 2 3 4 0 1 5", "A1in is down to Kin for a while"},
    {"2q", "", 4, "0 1 2 3 4 -0 0 5 6 7 8", "0 1 2 3 4 0", "0's name is forgotten: A1in again"},
    {"arc", "", 2, "0 1 0 2 1 0 3", "1 0 2 1", "p: 0, then 1 for 1 in B1, then 0 for 0 in B2"},
    {"arc", "", 2, "0 1 2 0 3", "0 1 2", "T1 fills memory: no names are kept"},
    {"car", "", 2, "0 1 0 2 1 3", "1 2 0", "0 moves to T2 when the hand passes"},
    {"sieve", "", 3, "0 1 2 0 3 4 5", "1 2 3", "the hand does not go back to 0"},
    {"sieve", "", 3, "0 1 2 0 1 2 3 4", "0 1", "one turn clears all"},
    {"sieve", "", 3, "0 1 2 0 3 -2 4 5", "1 3", "the hand goes on from 2 to 3"},
    /* S 1, M 3, G 3 */
    {"s3-fifo", "", 4, "0 1 1 2 3 4 5", "0 1", "one reference is not enough"},
    {"s3-fifo", "", 4, "0 1 1 1 2 3 4 5", "0 2", "1 goes to M"},
    {"s3-fifo", "promote=1", 4, "0 1 1 2 3 4 5", "0 2", ""},
    {"s3-fifo", "", 4, "0 1 2 3 4 0 5 6 7 8", "0 1 2 3 4 5", "0 came back into M"},
    {"s3-fifo", "fill=main", 4, "0 1 2 3 4 5", "0 4", "1, 2 and 3 came into M, 4 into S"},
    /* S 2, M 2: on the third fault M is full */
    {"s3-fifo", "small=2", 4, "0 0 0 1 1 1 2 2 2 3 4", "3", "moves leave M too long"},
    {"s3-fifo", "small=2 variant=paper", 4, "0 0 0 1 1 1 2 2 2 3 4", "0", "the third move evicts"},
    /* window 1, probationary 1, protected 1 */
    {"w-tinylfu", "", 3, "0 1 2 3", "2", "as often as 0: not admitted"},
    {"w-tinylfu", "", 3, "0 1 2 2 3", "0", "more often than 0"},
    {"w-tinylfu", "", 3, "0 1 2 0 2 2 3", "1", "0 is protected"},
    /* LIR 2, HIR 2 */
    {"lirs", "", 4, "0 1 2 3 4 2 5 6", "2 3 4 0", "2 came back while in S: LIR in place of 0"},
    {"lirs", "", 4, "0 1 2 2 3 4", "2", "an immediate repeat changes nothing"},
    {"lirs", "", 4, "0 1 2 3 2 4 5", "3 0", "2 becomes LIR, 0 HIR"},
    {"lirs", "", 4, "0 1 2 3 4 -2 2 5 6", "2 3 4 2", "2 is forgotten, it comes back as HIR"},
    {"lirs", "", 2, "0 1 2 3 0 4", "1 2 3", "one page stays even in two frames"},
    /* hot 2, cold 2 */
    {"clock-pro", "", 4, "0 1 2 3 4 2 5 6", "2 3 4 0", "2 came back in its test: hot, 0 cold"},
    {"clock-pro", "", 4, "0 1 2 3 2 4 5", "3 0", "2 was referenced in its test"},
    {"clock-pro", "", 4, "0 1 2 3 0 4 2 5 6 7", "2 3 4 1 5", "0 is referenced: 1 cools down"},
    {"clock-pro", "", 4, "0 1 2 3 4 -2 2 5 6", "2 3 4 2", "2 is forgotten, it comes back as cold"},
};

static size_t parse(const char *string, struct driver_step *steps)
{
    size_t n = 0;

    while (*string != '\0') {
        bool unmaps = *string == '-';
        char *end;

        steps[n].page.v = strtoull(string + unmaps, &end, 10);
        steps[n++].op = unmaps ? DRIVER_UNMAP : DRIVER_READ;
        string = end + (*end == ' ');
    }
    return n;
}

Test(replacement_2, victims_are_those_worked_out_by_hand)
{
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct driver_step steps[32];
        size_t n = parse(cases[c].string, steps), used = 0;
        char victims[64] = "";
        struct driver d;

        driver_open(&d, tide_policy_find(cases[c].policy), cases[c].settings, cases[c].frames, 1);
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

/* What `explain` shows: fill four frames, reference page 1 again, and ask. */
Test(replacement_2, views_and_reasons)
{
    static const struct {
        const char *policy, *page_1, *why;
    } views[] = {
        {"sfifo", "primary, 0 newer", "oldest of the secondary list"},
        {"slru", "protected, 0 newer", "least recently used, probationary"},
        {"lru-k", "ref 2 back at 2", "fewer than 2 refs, last at 1"},
        {"2q", "A1in, 2 newer", "oldest of A1in, which has 4"},
        {"arc", "T2, 0 newer", "least recent of T1, |T1|=3 p=0"},
        {"car", "T1 R=1, 2 newer", "first of T1 with R=0, |T1|=4 p=0"},
        {"sieve", "V=1, 2 newer", "first from the hand not visited"},
        {"s3-fifo", "S count 1, 2 newer", "oldest of S, count 0"},
        {"w-tinylfu", "protected, 0 newer, frequency 2", "window, oldest, frequency 1"},
        {"lirs", "LIR, in S", "first HIR page of Q"},
        {"clock-pro", "hot R=1", "first cold page from the hand with R=0"},
    };

    for (size_t c = 0; c < sizeof views / sizeof *views; c++) {
        struct driver_step steps[8];
        size_t n = parse("0 1 2 3 1", steps);
        char text[64];
        struct driver d;
        uint32_t frame;

        driver_open(&d, tide_policy_find(views[c].policy), NULL, 4, 1);
        for (size_t i = 0; i < n; i++)
            driver_step(&d, &steps[i], NULL);
        d.policy->describe(d.state, 1, text, sizeof text);
        cr_expect_str_eq(text, views[c].page_1, "%s: '%s'", views[c].policy, text);
        frame = d.policy->victim(d.state);
        d.policy->why(d.state, frame, text, sizeof text);
        cr_expect_str_eq(text, views[c].why, "%s: '%s'", views[c].policy, text);
        driver_close(&d);
    }
}
