/* Whole curves in one pass: see curves.h. */
#include "curve/curves.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

const char *const tide_curve_names[] = {
    [TIDE_CURVE_LRU] = "lru",
    [TIDE_CURVE_OPT] = "opt",
    [TIDE_CURVE_WORKING_SET] = "working-set",
    [TIDE_CURVE_REUSE] = "reuse",
    [TIDE_CURVES] = NULL,
};

struct tide_curves {
    struct tide_curves_config config;
    struct tide_follow *follow;
    struct tide_curve_consumer consumers[TIDE_CURVE_CONSUMERS];
    size_t n_consumers;
    uint64_t references;
    uint64_t *seen; /* bit by page: referenced between skip and limit */
    size_t seen_cap, pages, n_ids;
    struct tide_lru_curve lru;
    struct tide_opt_curve opt;
    struct tide_future *future; /* of OPT; NULL: not asked for, or done */
    uint64_t uses, repeats;     /* in it; references that repeat the page before */
    struct tide_windows windows;
};

static int take_lru(void *context, const struct tide_page_ref *refs, size_t n, size_t n_ids,
                    struct tide_error *e)
{
    return tide_lru_curve_take(context, refs, n, n_ids, e);
}

/* OPT is done when next uses are known: until then uses go to a file. */
static int take_opt(void *context, const struct tide_page_ref *refs, size_t n, size_t n_ids,
                    struct tide_error *e)
{
    struct tide_curves *c = context;
    int rc = 0;

    (void)n_ids;
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct tide_page_ref *r = &refs[i];
        bool repeats = (r->flags & TIDE_REF_CONTINUES) != 0;
        struct tide_next_use use = {.id = r->id, .next = c->uses};

        if (r->kind == TIDE_REF_START) {
            use.id = TIDE_NOBODY;
            c->repeats = 0;
        } else if (r->kind == TIDE_REF_PAGE) {
            use.flags = (r->flags & TIDE_REF_FIRST) != 0 ? TIDE_USE_FIRST : 0;
            c->repeats += r->n - !repeats;
        }
        if (r->kind == TIDE_REF_START || (r->kind == TIDE_REF_PAGE && !repeats)) {
            rc = tide_future_add(c->future, use, e);
            c->uses++;
        }
    }
    return rc;
}

static int finish_opt(struct tide_curves *c, struct tide_error *e)
{
    static const size_t piece = 1 << 14;
    uint64_t n = c->uses;
    struct tide_next_use *uses = tide_malloc(piece * sizeof *uses);
    int rc = uses == NULL ? tide_nomem(e) : tide_future_turn(c->future, c->n_ids, e);

    for (uint64_t from = 0; from < n && rc == 0; from += piece) {
        size_t k = n - from < piece ? (size_t)(n - from) : piece;

        rc = tide_future_read(c->future, from, k, uses, e);
        if (rc == 0)
            rc = tide_opt_curve_take(&c->opt, uses, k, e);
    }
    if (rc == 0)
        rc = tide_distances_reserve(&c->opt.distances, 1, e);
    if (rc == 0)
        c->opt.distances.counts[1] += c->repeats;
    free(uses);
    tide_future_free(c->future);
    c->future = NULL;
    return rc;
}

static int take_windows(void *context, const struct tide_page_ref *refs, size_t n, size_t n_ids,
                        struct tide_error *e)
{
    return tide_windows_take(context, refs, n, n_ids, e);
}

/* References, and different pages: a page's first reference is flagged, but not it alone. */
static int count(struct tide_curves *c, const struct tide_page_ref *refs, size_t n, size_t n_ids,
                 struct tide_error *e)
{
    size_t old = c->seen_cap;

    if (n_ids > 64 * old) {
        uint64_t *grown = tide_grow(c->seen, &c->seen_cap, n_ids / 64 + 1, sizeof *grown);

        if (grown == NULL)
            return tide_nomem(e);
        c->seen = grown;
        for (size_t i = old; i < c->seen_cap; i++)
            grown[i] = 0;
    }
    for (size_t i = 0; i < n; i++) {
        const struct tide_page_ref *r = &refs[i];

        c->references = r->kind == TIDE_REF_START ? 0 : c->references + r->n;
        if ((r->flags & TIDE_REF_FIRST) != 0) {
            uint64_t bit = UINT64_C(1) << (r->id % 64);

            c->pages += (c->seen[r->id / 64] & bit) == 0;
            c->seen[r->id / 64] |= bit;
        }
    }
    return 0;
}

int tide_curves_take(struct tide_curves *c, const struct tide_page_ref *refs, size_t n,
                     size_t n_ids, struct tide_error *e)
{
    int rc = count(c, refs, n, n_ids, e);

    c->n_ids = n_ids;
    for (size_t i = 0; i < c->n_consumers && rc == 0; i++)
        rc = c->consumers[i].take(c->consumers[i].context, refs, n, n_ids, e);
    return rc;
}

static int take(void *context, const struct tide_page_ref *refs, size_t n, struct tide_error *e)
{
    struct tide_curves *c = context;

    return tide_curves_take(c, refs, n, tide_follow_ids(c->follow), e);
}

static bool wants(const struct tide_curves *c, enum tide_curve which)
{
    return (c->config.which & 1u << which) != 0;
}

struct tide_curves *tide_curves_new(const struct tide_curves_config *config, struct tide_error *e)
{
    struct tide_curves *c = tide_calloc(1, sizeof *c);
    struct tide_follow_config follow = {.geometry = config->geometry,
                                        .skip = config->skip,
                                        .warmup = config->warmup,
                                        .limit = config->limit,
                                        .context = c,
                                        .take = take};

    if (c == NULL) {
        tide_nomem(e);
        return NULL;
    }
    c->config = *config;
    c->follow = tide_follow_new(&follow, e);
    if (c->follow == NULL) {
        free(c);
        return NULL;
    }
    if (wants(c, TIDE_CURVE_LRU) || wants(c, TIDE_CURVE_REUSE))
        tide_curves_add(c, (struct tide_curve_consumer){.context = &c->lru, .take = take_lru});
    if (wants(c, TIDE_CURVE_OPT)) {
        c->future = tide_future_new(e);
        if (c->future == NULL) {
            tide_curves_free(c);
            return NULL;
        }
        tide_curves_add(c, (struct tide_curve_consumer){.context = c, .take = take_opt});
    }
    if (wants(c, TIDE_CURVE_WORKING_SET))
        tide_curves_add(c,
                        (struct tide_curve_consumer){.context = &c->windows, .take = take_windows});
    return c;
}

void tide_curves_free(struct tide_curves *c)
{
    if (c == NULL)
        return;
    tide_follow_free(c->follow);
    tide_lru_curve_fini(&c->lru);
    tide_opt_curve_fini(&c->opt);
    tide_future_free(c->future);
    tide_windows_fini(&c->windows);
    free(c->seen);
    free(c);
}

void tide_curves_add(struct tide_curves *c, struct tide_curve_consumer consumer)
{
    assert(c->n_consumers < TIDE_CURVE_CONSUMERS);
    c->consumers[c->n_consumers++] = consumer;
}

int tide_curves_feed(struct tide_curves *c, const struct tide_block *b,
                     const struct tide_block_runs *runs, struct tide_error *e)
{
    return tide_follow_feed(c->follow, b, runs, e);
}

int tide_curves_finish(struct tide_curves *c, struct tide_error *e)
{
    int rc = tide_follow_finish(c->follow, e);

    return rc == 0 ? tide_curves_end(c, e) : rc;
}

int tide_curves_end(struct tide_curves *c, struct tide_error *e)
{
    tide_windows_finish(&c->windows);
    return c->future != NULL ? finish_opt(c, e) : 0;
}

const struct tide_curves_config *tide_curves_config_of(const struct tide_curves *c)
{
    return &c->config;
}

uint64_t tide_curves_references(const struct tide_curves *c)
{
    return c->references;
}

uint64_t tide_curves_pages(const struct tide_curves *c)
{
    return c->pages;
}

const struct tide_distances *tide_curves_distances(const struct tide_curves *c,
                                                   enum tide_curve which)
{
    if (which == TIDE_CURVE_OPT)
        return wants(c, TIDE_CURVE_OPT) ? &c->opt.distances : NULL;
    return wants(c, TIDE_CURVE_LRU) || wants(c, TIDE_CURVE_REUSE) ? &c->lru.distances : NULL;
}

const struct tide_windows *tide_curves_windows(const struct tide_curves *c)
{
    return wants(c, TIDE_CURVE_WORKING_SET) ? &c->windows : NULL;
}
