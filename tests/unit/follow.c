/* pager/follow: the stream of page references, entry by entry. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pager/follow.h"

enum { PAGE = 4096, BASE = 0x10000000, MOST_TEXT = 4096 };

struct told {
    char text[MOST_TEXT];
    size_t n;
    int code; /* returned by take */
};

/* "p0x3w" three references to page 0 with a write, "!" first, "+" continues; "f2" two faults,
 * "-1" page 1 is forgotten, "|" the start. */
static int tell(void *context, const struct tide_page_ref *refs, size_t n, struct tide_error *e)
{
    struct told *t = context;

    for (size_t i = 0; i < n; i++) {
        const struct tide_page_ref *r = &refs[i];
        char process[16] = "";

        if (r->process > 0)
            snprintf(process, sizeof process, "@%u", r->process);
        if (r->kind == TIDE_REF_PAGE)
            t->n += (size_t)snprintf(t->text + t->n, MOST_TEXT - t->n, "%s%sp%ux%u%s%s ",
                                     (r->flags & TIDE_REF_FIRST) != 0 ? "!" : "",
                                     (r->flags & TIDE_REF_CONTINUES) != 0 ? "+" : "", r->id, r->n,
                                     (r->flags & TIDE_REF_WRITES) != 0 ? "w" : "", process);
        else if (r->kind == TIDE_REF_FAULT)
            t->n += (size_t)snprintf(t->text + t->n, MOST_TEXT - t->n, "f%u%s ", r->n, process);
        else if (r->kind == TIDE_REF_FORGET)
            t->n += (size_t)snprintf(t->text + t->n, MOST_TEXT - t->n, "-%u%s ", r->id, process);
        else if (r->kind == TIDE_REF_MOVE)
            t->n += (size_t)snprintf(t->text + t->n, MOST_TEXT - t->n, "%s>%u%s ",
                                     (r->flags & TIDE_REF_UNUSED) != 0 ? "-" : "", r->id, process);
        else
            t->n += (size_t)snprintf(t->text + t->n, MOST_TEXT - t->n, "| ");
    }
    return t->code != 0 ? tide_fail(e, t->code, "no more") : 0;
}

/* A block from words: "r3" reads page 3, w writes, m modifies, x fetches; "r3,2" with process 2;
 * "c3" reads across pages 3 and 4; "n" reads beyond the canonical addresses; "u3" unmaps page 3,
 * "M3" maps it, "P3" maps it for reading only, "d3" discards it, "v3>5" moves it to 5; "e,1"
 * process 1 ends; "L" maps pages 0 to 15 as the layout of all processes to 2. */
static void block_of(struct tide_block *b, const char *words)
{
    memset(b, 0, sizeof *b);
    while (*words != '\0') {
        char op = *words++;
        uint64_t page = strtoull(words, (char **)&words, 10), to = 0;
        uint16_t process = 0;
        struct tide_event ev = {.at = (uint32_t)b->n_accesses, .addr = BASE + page * PAGE};

        if (*words == '>')
            to = strtoull(words + 1, (char **)&words, 10);
        if (*words == ',')
            process = (uint16_t)strtoul(words + 1, (char **)&words, 10);
        words += strspn(words, " ");
        ev.process = process;
        ev.len = PAGE;
        switch (op) {
        case 'L':
            for (uint16_t k = 0; k < 3; k++)
                b->events[b->n_events++] = (struct tide_event){.type = TIDE_EV_MAP,
                                                               .at = (uint32_t)b->n_accesses,
                                                               .process = k,
                                                               .flags = TIDE_MAP_FROM_LAYOUT,
                                                               .addr = BASE,
                                                               .len = 16 * PAGE,
                                                               .prot = 7};
            continue;
        case 'u':
            ev.type = TIDE_EV_UNMAP;
            break;
        case 'M':
        case 'P':
            ev.type = TIDE_EV_MAP;
            ev.prot = op == 'M' ? 7 : TIDE_PROT_READ;
            break;
        case 'd':
            ev.type = TIDE_EV_MADVISE;
            ev.number = 4;
            break;
        case 'v':
            ev.type = TIDE_EV_REMAP;
            ev.new_addr = BASE + to * PAGE;
            ev.new_len = PAGE;
            break;
        case 'e':
            ev.type = TIDE_EV_EXIT;
            break;
        default:
            b->accesses[b->n_accesses++] = (struct tide_access){
                .addr = op == 'n' ? UINT64_C(1) << 60 : BASE + page * PAGE + (op == 'c' ? 4092 : 0),
                .size = 8,
                .process = process,
                .kind = op == 'w'   ? TIDE_WRITE
                        : op == 'm' ? TIDE_MODIFY
                        : op == 'x' ? TIDE_FETCH
                                    : TIDE_READ};
            continue;
        }
        b->events[b->n_events++] = ev;
    }
}

static struct tide_follow_config config(struct told *t)
{
    return (struct tide_follow_config){.geometry = {.page_shift = 12, .va_bits = 48},
                                       .limit = UINT64_MAX,
                                       .context = t,
                                       .take = tell};
}

static void expect(const char *words, const struct tide_follow_config *c, const char *expected)
{
    struct told *t = c->context;
    struct tide_block *b = malloc(sizeof *b);
    struct tide_error e = {0};
    struct tide_follow *f = tide_follow_new(c, &e);

    cr_assert(b != NULL && f != NULL);
    t->n = 0;
    t->text[0] = '\0';
    block_of(b, words);
    cr_assert_geq(tide_follow_feed(f, b, NULL, &e), 0, "%s", e.what);
    cr_assert_eq(tide_follow_finish(f, &e), 0);
    cr_expect_str_eq(t->text, expected, "%s: %s, not %s", words, t->text, expected);
    tide_follow_free(f);
    free(b);
}

Test(follow, collapses_what_is_consecutive)
{
    struct told t = {0};
    struct tide_follow_config c = config(&t);

    expect("r0 r0 w0 r1 r0", &c, "| !p0x3w !p1x1 p0x1 ");
    expect("x0 r0 x0", &c, "| !p0x3 ");
    expect("x0 r1 x0 r1 m1 x0", &c, "| !p0x1 !p1x1 p0x1 p1x3w p0x1 ");
    expect("m0", &c, "| !p0x2w ");
    expect("c0 r1", &c, "| !p0x1 !p1x2 ");
    expect("r0 r0,1 r0", &c, "| !p0x1 !p1x1@1 p0x1 ");
}

Test(follow, counts_faults_for_good)
{
    struct told t = {0};
    struct tide_follow_config c = config(&t);

    expect("L r0 r20 r20 n0 r0", &c, "| !p0x1 f3 p0x1 ");
    expect("L r0 P0 w0 r0", &c, "| !p0x1 -0 f1 !p0x1 ");
    expect("L r20,1 r20", &c, "| f1@1 f1 ");
}

Test(follow, forgets)
{
    struct told t = {0};
    struct tide_follow_config c = config(&t);

    expect("L r0 r1 u0 r1 M0 r0", &c, "| !p0x1 !p1x1 -0 +p1x1 !p0x1 ");
    expect("L r0 d0 r0", &c, "| !p0x1 -0 !p0x1 ");
    expect("L r0 u5 M5 r0", &c, "| !p0x2 ");
    expect("L r0 r0,1 e0,1 r0", &c, "| !p0x1 !p1x1@1 -1@1 p0x1 ");
    expect("L r0 e0 r0", &c, "| !p0x1 -0 f1 "); /* the layout is of three processes */
    expect("r0 e0", &c, "| !p0x1 ");            /* what the last one leaves stays */
}

Test(follow, pages_move_with_their_ids)
{
    struct told t = {0};
    struct tide_follow_config c = config(&t);

    expect("L r0 u5 v0>5 r5 M0 r0", &c, "| !p0x1 >0 p0x1 !p1x1 ");
    /* the new name's old id goes to the old name */
    expect("L r0 r5 u5 v0>5 r5 M0 r0", &c, "| !p0x1 !p1x1 -1 ->1 >0 p0x1 !p1x1 ");
}

/* A mapping beside another one adds its permissions to a large page. */
Test(follow, large_pages_gain_permissions)
{
    struct told t = {0};
    struct tide_follow_config c = config(&t);

    c.geometry.page_shift = 13;
    expect("L u2 u3 P2 r2 w2 M3 w3", &c, "| !p0x1 f1 p0x1w ");
}

Test(follow, skips_warms_up_and_ends)
{
    struct told t = {0};
    struct tide_follow_config c = config(&t);

    c.skip = 2;
    expect("r0 r0 r0 r1", &c, "| !p0x1 !p1x1 ");
    expect("L r0 r1 u0 r1 M0 r0", &c, "| !p1x1 !p0x1 ");
    c.skip = 0;
    c.warmup = 2;
    expect("r0 r0 r0 r1", &c, "!p0x2 | +p0x1 !p1x1 ");
    expect("r0 r1 r2", &c, "!p0x1 !p1x1 | !p2x1 ");
    expect("r0", &c, "!p0x1 | ");
    c.limit = 1;
    expect("r0 r0 r0 r1 r2", &c, "!p0x2 | +p0x1 ");
    c.whole = true;
    expect("r0 r0 r0 r1 r2", &c, "!p0x2 | +p0x1 ");
}

Test(follow, knows_pages)
{
    struct told t = {0};
    struct tide_follow_config c = config(&t);
    struct tide_block *b = malloc(sizeof *b);
    struct tide_error e = {0};
    struct tide_follow *f = tide_follow_new(&c, &e);

    cr_assert(b != NULL && f != NULL);
    block_of(b, "L r7 r3,1 u7 M7 r7 r30");
    cr_assert_eq(tide_follow_feed(f, b, NULL, &e), 1);
    cr_assert_eq(tide_follow_finish(f, &e), 0);
    cr_expect_eq(tide_follow_ids(f), 2);
    cr_expect_eq(tide_follow_distinct_pages(f), 2);
    cr_expect_eq(tide_page_vpn(tide_follow_pages(f)[0]), BASE / PAGE + 7);
    cr_expect_eq(tide_page_process(tide_follow_pages(f)[1]), 1);
    tide_follow_free(f);
    free(b);
}

Test(follow, a_consumer_that_fails_ends_it)
{
    struct told t = {.code = TIDE_E_IO};
    struct tide_follow_config c = config(&t);
    struct tide_block *b = malloc(sizeof *b);
    struct tide_error e = {0};
    struct tide_follow *f = tide_follow_new(&c, &e);

    cr_assert(b != NULL && f != NULL);
    block_of(b, "r0");
    cr_assert_eq(tide_follow_feed(f, b, NULL, &e), 1);
    cr_expect_eq(tide_follow_finish(f, &e), TIDE_E_IO);
    cr_expect_str_eq(e.what, "no more");
    tide_follow_free(f);
    free(b);
}

Test(follow, limit_ends_the_feed)
{
    struct told t = {0};
    struct tide_follow_config c = config(&t);
    struct tide_block *b = malloc(sizeof *b);
    struct tide_error e = {0};
    struct tide_follow *f;

    c.limit = 2;
    f = tide_follow_new(&c, &e);
    cr_assert(b != NULL && f != NULL);
    block_of(b, "r0 r1 r2");
    cr_expect_eq(tide_follow_feed(f, b, NULL, &e), 0);
    tide_follow_free(f);
    free(b);
}
