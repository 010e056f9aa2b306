/* Page runs of blocks: see block_runs.h. */
#include "trace/block_runs.h"

#include <assert.h>

bool tide_block_runs_take_fragments(struct tide_geometry g)
{
    return g.page_shift >= TIDE_FRAGMENT_PAGE_SHIFT;
}

void tide_block_runs_init(struct tide_block_runs *r, struct tide_geometry g)
{
    r->geometry = g;
    r->n_segments = 0;
}

/* ---- fragments ---- */

/* n fetches of the held page. */
static inline void take_fetches(struct tide_run_cutter *c, uint32_t n)
{
    tide_run_cutter_side(c, n > 0 ? TIDE_SIDE_FETCH : c->prior);
    c->counts += n * TIDE_RUN_COUNTS(1, 1, 0, 0);
}

/* What fragments are cut with: as in addr/runs.c. */
struct rule {
    struct tide_canonical_test canonical;
    uint64_t mask, process_bits;
};

/* Crosses a page or is not canonical. */
static inline bool odd(const struct rule *rule, unsigned shift, uint64_t addr, uint32_t size)
{
    return (((addr + size - 1) ^ addr) >> shift |
            (uint64_t)tide_canonical_fails(rule->canonical, addr)) != 0;
}

static inline tide_page page_of(const struct rule *rule, unsigned shift, uint64_t addr)
{
    return (tide_page){(addr & rule->mask) >> shift | rule->process_bits};
}

/* A fragment in which something is odd, from access `i` of the block on: one by one. */
static void take_singly(struct tide_run_cutter *c, const struct rule *rule, unsigned shift,
                        const struct tide_block *b, size_t at, size_t i)
{
    struct tide_access accesses[TIDE_FRAGMENT_ACCESSES];
    const struct tide_fragment *f = &b->dictionary->fragments[b->ids[at]];
    size_t n = (size_t)b->starts[at] + f->fetches + f->data - i;

    tide_block_expand(b, i, i + n, accesses);
    for (size_t k = 0; k < n; k++) {
        const struct tide_access *a = &accesses[k];

        if (odd(rule, shift, a->addr, a->size))
            tide_run_cutter_apart(c, a->kind);
        else if (a->kind == TIDE_FETCH)
            tide_run_cutter_fetch(c, page_of(rule, shift, a->addr));
        else
            tide_run_cutter_data(c, page_of(rule, shift, a->addr), a->kind);
    }
}

/* All fetches of a fragment lie in one page: the first one decides for all. */
static inline __attribute__((always_inline)) void
take_fragment(struct tide_run_cutter *c, const struct rule *rule, const unsigned shift,
              const struct tide_block *b, size_t at)
{
    const struct tide_dictionary *d = b->dictionary;
    const struct tide_fragment *f = &d->fragments[b->ids[at]];
    const struct tide_slot *slot = &d->slots[f->first_slot];
    const uint64_t *data = &b->data[b->data_starts[at]];
    uint32_t done = 0;

    if (f->fetches > 0) {
        if (__builtin_expect((f->flags & TIDE_FRAGMENT_CROSSES) != 0 ||
                                 tide_canonical_fails(rule->canonical, f->pc),
                             0)) {
            take_singly(c, rule, shift, b, at, b->starts[at]);
            return;
        }
        tide_run_cutter_fetch(c, page_of(rule, shift, f->pc));
        done = 1;
    }
    for (unsigned k = 0; k < f->data; k++, slot++, data++) {
        take_fetches(c, slot->fetches - done);
        done = slot->fetches;
        if (__builtin_expect(odd(rule, shift, *data, slot->size), 0)) {
            take_singly(c, rule, shift, b, at, (size_t)b->starts[at] + done + k);
            return;
        }
        tide_run_cutter_data(c, page_of(rule, shift, *data), slot->kind);
    }
    take_fetches(c, f->fetches - done);
}

/* The fragments of a segment; *k is the first one and moves behind the last. `shift` is the page
 * shift, a constant where the caller passes one. */
static inline __attribute__((always_inline)) size_t
cut_fragments(struct tide_geometry g, const unsigned shift, const struct tide_block *b, size_t *k,
              size_t from, size_t to, const struct tide_run *start, struct tide_run *runs)
{
    const struct rule rule = {
        .canonical = tide_canonical_test_of(g),
        .mask = (UINT64_C(1) << g.va_bits) - 1,
        .process_bits = (uint64_t)b->process << TIDE_VPN_BITS,
    };
    struct tide_run_cutter c;
    size_t at = *k;

    tide_run_cutter_init(&c, start, from, runs);
    for (; at < b->n_fragments && b->starts[at] < to; at++)
        take_fragment(&c, &rule, shift, b, at);
    *k = at;
    return tide_run_cutter_end(&c, runs);
}

/* ---- segments ---- */

void tide_block_runs_cut(struct tide_block_runs *r, const struct tide_block *b)
{
    const struct tide_run zero = {0}, *start = &zero;
    size_t from = 0, used = 0, fragment = 0;

    assert(b->dictionary == NULL || tide_block_runs_take_fragments(r->geometry));
    for (size_t k = 0; k <= b->n_events; k++) {
        size_t to = k < b->n_events ? b->events[k].at : b->n_accesses, n;
        struct tide_run *runs = r->runs + used;

        if (b->dictionary == NULL)
            n = tide_runs_cut(r->geometry, b->accesses, from, to, start, runs);
        else if (r->geometry.page_shift == TIDE_FRAGMENT_PAGE_SHIFT)
            n = cut_fragments(r->geometry, TIDE_FRAGMENT_PAGE_SHIFT, b, &fragment, from, to, start,
                              runs);
        else
            n = cut_fragments(r->geometry, r->geometry.page_shift, b, &fragment, from, to, start,
                              runs);
        r->segments[k] =
            (struct tide_segment_runs){.from = from, .to = to, .first_run = used, .n_runs = n};
        start = &runs[n];
        used += n + 1;
        from = to;
    }
    r->n_segments = b->n_events + 1;
}
