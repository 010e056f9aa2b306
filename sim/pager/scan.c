/* The preparatory scan: a user of pager/follow.h. See scan.h. */
#include "pager/scan.h"

#include <stdlib.h>

#include "base/mem.h"
#include "pager/follow.h"

enum { MACHINE, OWN, TIMES };

static const enum tide_future_time times[TIMES] = {
    [MACHINE] = TIDE_FUTURE_MACHINE,
    [OWN] = TIDE_FUTURE_OWN,
};

struct tide_scan {
    struct tide_follow *follow;
    struct tide_future *futures[TIMES]; /* NULL: not wanted */
    uint64_t now;                       /* references since the skip */
    uint64_t *own;                      /* ... of each process; NULL: not wanted */
    bool finished;
};

/* A position: `use` at the machine's time and the process's own. */
static int add(struct tide_scan *s, struct tide_next_use use, unsigned process,
               struct tide_error *e)
{
    int rc = 0;

    if (s->futures[MACHINE] != NULL) {
        use.next = s->now + 1;
        rc = tide_future_add(s->futures[MACHINE], use, e);
    }
    if (rc == 0 && s->futures[OWN] != NULL) {
        use.next = s->own[process] + 1;
        rc = tide_future_add(s->futures[OWN], use, e);
    }
    return rc;
}

static int take(void *context, const struct tide_page_ref *refs, size_t n, struct tide_error *e)
{
    struct tide_scan *s = context;
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct tide_page_ref *r = &refs[i];

        if (r->kind == TIDE_REF_PAGE && (r->flags & TIDE_REF_CONTINUES) == 0)
            rc = add(s,
                     (struct tide_next_use){
                         .id = r->id,
                         .flags = (r->flags & TIDE_REF_FIRST) != 0 ? (uint32_t)TIDE_USE_FIRST : 0},
                     r->process, e);
        else if (r->kind == TIDE_REF_FAULT)
            for (uint32_t k = 0; k < r->n && rc == 0; k++)
                rc = add(s, (struct tide_next_use){.id = TIDE_NOBODY}, r->process, e);
        s->now += r->n;
        if (s->own != NULL)
            s->own[r->process] += r->n;
    }
    return rc;
}

static int make_futures(struct tide_scan *s, unsigned futures, struct tide_error *e)
{
    for (int i = 0; i < TIMES; i++) {
        if ((futures & times[i]) == 0)
            continue;
        s->futures[i] = tide_future_new(e);
        if (s->futures[i] == NULL)
            return e->code;
    }
    if (s->futures[OWN] == NULL)
        return 0;
    s->own = tide_calloc(TIDE_MAX_PROCESSES, sizeof *s->own);
    return s->own != NULL ? 0 : tide_nomem(e);
}

struct tide_scan *tide_scan_new(struct tide_geometry g, uint64_t skip, uint64_t warmup,
                                uint64_t limit, unsigned futures, struct tide_error *e)
{
    struct tide_scan *s = tide_calloc(1, sizeof *s);
    const struct tide_follow_config c = {.geometry = g,
                                         .skip = skip,
                                         .warmup = warmup,
                                         .limit = limit,
                                         .whole = true,
                                         .context = s,
                                         .take = futures != 0 ? take : NULL};

    if (s == NULL) {
        tide_nomem(e);
        return NULL;
    }
    s->follow = tide_follow_new(&c, e);
    if (s->follow == NULL || make_futures(s, futures, e) != 0) {
        tide_scan_free(s);
        return NULL;
    }
    return s;
}

void tide_scan_free(struct tide_scan *s)
{
    if (s == NULL)
        return;
    tide_follow_free(s->follow);
    for (int i = 0; i < TIMES; i++)
        tide_future_free(s->futures[i]);
    free(s->own);
    free(s);
}

int tide_scan_feed(struct tide_scan *s, const struct tide_block *b,
                   const struct tide_block_runs *runs, struct tide_error *e)
{
    return tide_follow_feed(s->follow, b, runs, e);
}

int tide_scan_finish(struct tide_scan *s, struct tide_error *e)
{
    int rc = tide_follow_finish(s->follow, e);

    s->finished = true;
    for (int i = 0; i < TIMES && rc == 0; i++)
        if (s->futures[i] != NULL)
            rc = tide_future_turn(s->futures[i], tide_follow_ids(s->follow), e);
    return rc;
}

uint64_t tide_scan_distinct_pages(const struct tide_scan *s)
{
    return tide_follow_distinct_pages(s->follow);
}

struct tide_future *tide_scan_future(struct tide_scan *s, enum tide_future_time time)
{
    for (int i = 0; i < TIMES; i++)
        if (s->finished && times[i] == time)
            return s->futures[i];
    return NULL;
}
