/* pager/scan: what shares of frames are shares of, and what OPT is told. */
#include <criterion/criterion.h>
#include <string.h>

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
