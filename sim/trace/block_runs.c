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

/* Neither crosses a page nor has a bit of `upper`: as in addr/runs.c. */
static inline bool plain(uint64_t upper, unsigned shift, uint64_t addr, uint32_t size)
{
    return (((addr + size - 1) ^ addr) >> shift | (addr & upper)) == 0;
}

/* A fragment in which something is not plain, from access `i` of the block on: one by one. */
static void take_singly(struct tide_run_cutter *c, struct tide_geometry g,
                        const struct tide_block *b, size_t at, size_t i)
{
    struct tide_access accesses[TIDE_FRAGMENT_ACCESSES];
    const struct tide_fragment *f = &b->dictionary->fragments[b->ids[at]];
    size_t n = (size_t)b->starts[at] + f->fetches + f->data - i;

    tide_block_expand(b, i, i + n, accesses);
    for (size_t k = 0; k < n; k++) {
        const struct tide_access *a = &accesses[k];
        tide_page page = tide_page_of(g, b->process, a->addr);

        if (!plain(0, g.page_shift, a->addr, a->size) || !tide_canonical(g, a->addr))
            tide_run_cutter_apart(c, (enum tide_kind)a->kind);
        else if (a->kind == TIDE_FETCH)
            tide_run_cutter_fetch(c, page, 1);
        else
            tide_run_cutter_data(c, page, a->kind);
    }
}

/* All fetches of a fragment lie in one page: the first one decides for all. */
static inline __attribute__((always_inline)) void
take_fragment(struct tide_run_cutter *c, struct tide_geometry g, uint64_t upper,
              const unsigned shift, uint64_t process_bits, const struct tide_block *b, size_t at)
{
    const struct tide_dictionary *d = b->dictionary;
    const struct tide_fragment *f = &d->fragments[b->ids[at]];
    const struct tide_slot *slot = &d->slots[f->first_slot];
    const uint64_t *data = &b->data[b->data_starts[at]];
    tide_page code = {f->pc >> shift | process_bits};
    uint32_t done = 0;

    if (__builtin_expect((f->flags & TIDE_FRAGMENT_CROSSES) != 0 || (f->pc & upper) != 0, 0)) {
        take_singly(c, g, b, at, b->starts[at]);
        return;
    }
    for (uint32_t k = 0; k < f->data; k++) {
        if (slot[k].fetches != done)
            tide_run_cutter_fetch(c, code, slot[k].fetches - done);
        done = slot[k].fetches;
        if (__builtin_expect(!plain(upper, shift, data[k], slot[k].size), 0)) {
            take_singly(c, g, b, at, (size_t)b->starts[at] + done + k);
            return;
        }
        tide_run_cutter_data(c, (tide_page){data[k] >> shift | process_bits}, slot[k].kind);
    }
    if (f->fetches != done)
        tide_run_cutter_fetch(c, code, f->fetches - done);
}

/* The fragments of a segment; *k is the first one and moves behind the last. `shift` is the page
 * shift, a constant where the caller passes one. */
static inline __attribute__((always_inline)) size_t
cut_fragments(struct tide_geometry g, const unsigned shift, const struct tide_block *b, size_t *k,
              size_t from, size_t to, const struct tide_run *start, struct tide_run *runs)
{
    const uint64_t upper = UINT64_MAX << (g.va_bits - (g.va_bits >= 48));
    const uint64_t process_bits = (uint64_t)b->process << TIDE_VPN_BITS;
    struct tide_run_cutter c;
    size_t at = *k;

    tide_run_cutter_init(&c, start, from, runs);
    for (; at < b->n_fragments && b->starts[at] < to; at++)
        take_fragment(&c, g, upper, shift, process_bits, b, at);
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
