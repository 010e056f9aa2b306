/* The preparatory scan: a user of pager/follow.h. See scan.h. */
#include "pager/scan.h"

#include <stdlib.h>

#include "base/mem.h"
#include "pager/follow.h"

struct tide_scan {
    struct tide_follow *follow;
    struct tide_future *future; /* NULL: not wanted */
    uint64_t now;               /* references since the skip */
    bool finished;
};

static int take(void *context, const struct tide_page_ref *refs, size_t n, struct tide_error *e)
{
    struct tide_scan *s = context;
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct tide_page_ref *r = &refs[i];

        if (r->kind == TIDE_REF_PAGE && (r->flags & TIDE_REF_CONTINUES) == 0)
            rc = tide_future_add(s->future,
                                 (struct tide_next_use){.next = s->now + 1,
                                                        .id = r->id,
                                                        .flags = (r->flags & TIDE_REF_FIRST) != 0
                                                                     ? (uint32_t)TIDE_USE_FIRST
                                                                     : 0},
                                 e);
        else if (r->kind == TIDE_REF_FAULT)
            for (uint32_t k = 0; k < r->n && rc == 0; k++)
                rc = tide_future_add(s->future, (struct tide_next_use){.id = TIDE_NOBODY}, e);
        s->now += r->n;
    }
    return rc;
}

struct tide_scan *tide_scan_new(struct tide_geometry g, uint64_t skip, uint64_t warmup,
                                uint64_t limit, bool want_future, struct tide_error *e)
{
    struct tide_scan *s = tide_calloc(1, sizeof *s);
    const struct tide_follow_config c = {.geometry = g,
                                         .skip = skip,
                                         .warmup = warmup,
                                         .limit = limit,
                                         .whole = true,
                                         .context = s,
                                         .take = want_future ? take : NULL};

    if (s == NULL) {
        tide_nomem(e);
        return NULL;
    }
    s->follow = tide_follow_new(&c, e);
    if (s->follow != NULL && want_future)
        s->future = tide_future_new(e);
    if (s->follow == NULL || (want_future && s->future == NULL)) {
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
    tide_future_free(s->future);
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
    if (rc != 0 || s->future == NULL)
        return rc;
    return tide_future_turn(s->future, tide_follow_ids(s->follow), e);
}

uint64_t tide_scan_distinct_pages(const struct tide_scan *s)
{
    return tide_follow_distinct_pages(s->follow);
}

struct tide_future *tide_scan_future(struct tide_scan *s)
{
    return s->finished ? s->future : NULL;
}
