/* Cutting accesses into page runs: see runs.h.
 *
 * This loop sees every access of a trace once for each geometry, so it keeps its state in locals
 * and folds without a branch. Pages held by the two sides are plain shifted addresses: canonical or
 * not, addresses of one process share one only if they share a page.
 */
#include "addr/runs.h"

#include <stdbool.h>

/* No address shifted by a page offset looks like this. */
#define NOTHING UINT64_MAX

/* What has been folded into the open run. Within a run each side stays on one page, so the merged
 * stream changes page exactly when it changes side (and the two pages differ). */
struct folds {
    uint64_t counts;  /* four 16-bit fields, see tally[] */
    uint32_t before;  /* references before the last change of side */
    uint32_t changes; /* of side */
    unsigned side;    /* of the last reference, the run's first included */
};

/* What an access adds to folds.counts. A block holds at most 2^15 references, so no field overflows
 * into the next. */
#define TALLY(all, fetches, reads, writes)                                   \
    ((uint64_t)(all) | (uint64_t)(fetches) << 16 | (uint64_t)(reads) << 32 | \
     (uint64_t)(writes) << 48)

static const uint64_t tally[TIDE_KINDS] = {
    [TIDE_FETCH] = TALLY(1, 1, 0, 0),
    [TIDE_READ] = TALLY(1, 0, 1, 0),
    [TIDE_WRITE] = TALLY(1, 0, 0, 1),
    [TIDE_MODIFY] = TALLY(2, 0, 1, 1),
};

static inline void finish(struct tide_run *run, const struct folds *f,
                          const uint64_t held[TIDE_SIDES])
{
    uint32_t all = (uint16_t)f->counts, fetches = (uint16_t)(f->counts >> 16);

    run->fetches = fetches;
    run->data = all - fetches;
    run->switches = held[TIDE_SIDE_FETCH] != held[TIDE_SIDE_DATA] ? f->changes : 0;
    run->tail = all - f->before;
    if (all > 0)
        run->flags |= (f->side == TIDE_SIDE_FETCH ? (uint32_t)TIDE_RUN_LAST_FETCH : 0) |
                      ((uint16_t)(f->counts >> 32) != 0 ? (uint32_t)TIDE_RUN_READS : 0) |
                      (f->counts >> 48 != 0 ? (uint32_t)TIDE_RUN_WRITES : 0);
}

/* `shift` is g.page_shift, a constant where the caller passes one. */
static inline __attribute__((always_inline)) size_t
cut(struct tide_geometry g, const unsigned shift, const struct tide_access *accesses, size_t from,
    size_t to, struct tide_run *runs)
{
    uint64_t held[TIDE_SIDES] = {NOTHING, NOTHING};
    struct folds f = {0};
    unsigned process = 0;
    struct tide_run *run = NULL;
    size_t n = 0;

    for (size_t i = from; i < to; i++) {
        const struct tide_access *a = &accesses[i];
        uint64_t page = a->addr >> shift;
        uint64_t crosses = ((a->addr + a->size - 1) >> shift) ^ page;
        unsigned side = a->kind != TIDE_FETCH;
        uint64_t of_side = side != 0 ? held[TIDE_SIDE_DATA] : held[TIDE_SIDE_FETCH];

        if (((page ^ of_side) | crosses | (a->process ^ process)) == 0) {
            unsigned changed = side ^ f.side;

            f.before = changed != 0 ? (uint16_t)f.counts : f.before;
            f.changes += changed;
            f.side = side;
            f.counts += tally[a->kind];
            continue;
        }
        if (run != NULL)
            finish(run, &f, held);
        run = &runs[n++];
        run->first = (uint32_t)i;
        run->flags = a->kind;
        f = (struct folds){.side = side};
        if (a->process != process) {
            process = a->process;
            held[TIDE_SIDE_FETCH] = held[TIDE_SIDE_DATA] = NOTHING;
        }
        if (crosses != 0 || !tide_canonical(g, a->addr)) {
            run->page = TIDE_PAGE_NONE;
            run->flags |= TIDE_RUN_APART;
            held[TIDE_SIDE_FETCH] = held[TIDE_SIDE_DATA] = NOTHING;
            continue;
        }
        run->page = tide_page_of(g, process, a->addr);
        if (side == TIDE_SIDE_FETCH)
            held[TIDE_SIDE_FETCH] = page;
        else
            held[TIDE_SIDE_DATA] = page;
        if (a->kind == TIDE_MODIFY) /* its write */
            f.counts = tally[TIDE_WRITE];
    }
    if (run != NULL)
        finish(run, &f, held);
    return n;
}

size_t tide_runs_cut(struct tide_geometry g, const struct tide_access *accesses, size_t from,
                     size_t to, struct tide_run *runs)
{
    /* nearly every machine has 4 KiB pages: the loop is shorter for a constant shift */
    return g.page_shift == 12 ? cut(g, 12, accesses, from, to, runs)
                              : cut(g, g.page_shift, accesses, from, to, runs);
}
