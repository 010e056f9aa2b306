/* Cutting accesses into page runs: see runs.h.
 *
 * This loop sees every access of a trace once for each geometry, so it keeps its state in locals
 * and takes ordinary accesses without a branch.
 */
#include "addr/runs.h"

/* `shift` is g.page_shift, a constant where the caller passes one. */
static inline __attribute__((always_inline)) size_t
cut(struct tide_geometry g, const unsigned shift, const struct tide_access *accesses, size_t from,
    size_t to, const struct tide_run *start, struct tide_run *runs)
{
    const struct tide_canonical_test canonical = tide_canonical_test_of(g);
    const uint64_t mask = (UINT64_C(1) << g.va_bits) - 1; /* as tide_page_of() has it */
    uint64_t process_bits = UINT64_MAX;
    unsigned process = UINT32_MAX;
    struct tide_run_cutter c;

    tide_run_cutter_init(&c, start, from, runs);
    for (size_t i = from; i < to; i++) {
        const struct tide_access *a = &accesses[i];
        uint64_t crosses = ((a->addr + a->size - 1) ^ a->addr) >> shift;

        tide_page page;

        if (__builtin_expect(a->process != process, 0)) {
            process = a->process;
            process_bits = (uint64_t)process << TIDE_VPN_BITS;
            tide_run_cutter_process(&c);
        }
        if (__builtin_expect(crosses != 0 || tide_canonical_fails(canonical, a->addr), 0)) {
            tide_run_cutter_apart(&c, a->kind);
            continue;
        }
        page = (tide_page){(a->addr & mask) >> shift | process_bits};
        if (a->kind == TIDE_FETCH)
            tide_run_cutter_fetch(&c, page);
        else
            tide_run_cutter_data(&c, page, a->kind);
    }
    return tide_run_cutter_end(&c, runs);
}

size_t tide_runs_cut(struct tide_geometry g, const struct tide_access *accesses, size_t from,
                     size_t to, const struct tide_run *start, struct tide_run *runs)
{
    /* nearly every machine has 4 KiB pages: the loop is shorter for a constant shift */
    return g.page_shift == 12 ? cut(g, 12, accesses, from, to, start, runs)
                              : cut(g, g.page_shift, accesses, from, to, start, runs);
}
