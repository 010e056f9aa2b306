/* Cutting accesses into page runs: see runs.h.
 *
 * This loop sees every access of a trace once for each geometry, so it keeps its state in locals:
 * the pages held by the two sides as plain shifted addresses (two different addresses of one
 * process never share one, canonical or not), and the page of the merged stream's last reference.
 */
#include "addr/runs.h"

#include <stdbool.h>

/* No address shifted by a page offset looks like this. */
#define NOTHING UINT64_MAX

static inline void finish(struct tide_run *run, const uint32_t folded[TIDE_SIDES],
                          uint32_t switches, uint32_t tail, uint32_t flags)
{
    run->fetches = folded[TIDE_SIDE_FETCH];
    run->data = folded[TIDE_SIDE_DATA];
    run->switches = switches;
    run->tail = tail;
    run->flags = flags;
}

size_t tide_runs_cut(struct tide_geometry g, const struct tide_access *accesses, size_t from,
                     size_t to, struct tide_run *runs)
{
    const unsigned shift = g.page_shift;
    uint64_t held[TIDE_SIDES] = {NOTHING, NOTHING};
    uint64_t previous = NOTHING;
    uint32_t folded[TIDE_SIDES] = {0, 0};
    uint32_t switches = 0, tail = 0, flags = 0;
    unsigned process = 0, last_side = 0;
    struct tide_run *run = NULL;
    size_t n = 0;

    for (size_t i = from; i < to; i++) {
        const struct tide_access *a = &accesses[i];
        uint64_t page = a->addr >> shift;
        bool crosses = (a->addr + a->size - 1) >> shift != page;
        unsigned side = a->kind != TIDE_FETCH;

        if (page == held[side] && !crosses && a->process == process) {
            uint32_t references = a->kind == TIDE_MODIFY ? 2 : 1;

            folded[side] += references;
            tail = side == last_side ? tail + references : references;
            last_side = side;
            switches += page != previous;
            previous = page;
            flags =
                (flags & ~(uint32_t)TIDE_RUN_LAST_FETCH) |
                (uint32_t)(side == TIDE_SIDE_FETCH ? TIDE_RUN_LAST_FETCH : 0) |
                (uint32_t)(a->kind == TIDE_READ || a->kind == TIDE_MODIFY ? TIDE_RUN_READS : 0) |
                (uint32_t)(a->kind >= TIDE_WRITE ? TIDE_RUN_WRITES : 0);
            continue;
        }
        if (run != NULL)
            finish(run, folded, switches, tail, flags);
        run = &runs[n++];
        run->first = (uint32_t)i;
        folded[TIDE_SIDE_FETCH] = folded[TIDE_SIDE_DATA] = 0;
        switches = tail = 0;
        flags = a->kind;
        last_side = side;
        if (a->process != process) {
            process = a->process;
            held[TIDE_SIDE_FETCH] = held[TIDE_SIDE_DATA] = NOTHING;
        }
        if (crosses || !tide_canonical(g, a->addr)) {
            run->page = TIDE_PAGE_NONE;
            flags |= TIDE_RUN_APART;
            held[TIDE_SIDE_FETCH] = held[TIDE_SIDE_DATA] = NOTHING;
            continue;
        }
        run->page = tide_page_of(g, process, a->addr);
        held[side] = previous = page;
        if (a->kind == TIDE_MODIFY) {
            folded[TIDE_SIDE_DATA] = tail = 1;
            flags |= TIDE_RUN_WRITES;
        }
    }
    if (run != NULL)
        finish(run, folded, switches, tail, flags);
    return n;
}
