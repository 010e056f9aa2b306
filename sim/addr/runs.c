/* Cutting accesses into page runs: see runs.h. This loop sees every access of a trace once for each
 * geometry. */
#include "addr/runs.h"

/* `shift` is g.page_shift, a constant where the caller passes one. */
static inline __attribute__((always_inline)) size_t
cut(struct tide_geometry g, const unsigned shift, const struct tide_access *accesses, size_t from,
    size_t to, const struct tide_run *start, struct tide_run *runs)
{
    /* Where none of these bits is set the address is canonical, and its page number is the rest. */
    const uint64_t upper = UINT64_MAX << (g.va_bits - (g.va_bits >= 48));
    uint64_t process_bits = 0;
    unsigned process = UINT32_MAX;
    struct tide_run_cutter c;

    tide_run_cutter_init(&c, start, from, runs);
    for (size_t i = from; i < to; i++) {
        const struct tide_access *a = &accesses[i];
        uint64_t crosses = ((a->addr + a->size - 1) ^ a->addr) >> shift;
        tide_page page = {a->addr >> shift | process_bits};

        if (__builtin_expect((crosses | (a->addr & upper) | (a->process ^ process)) != 0, 0)) {
            if (a->process != process) {
                process = a->process;
                process_bits = (uint64_t)process << TIDE_VPN_BITS;
                tide_run_cutter_process(&c);
            }
            if (crosses != 0 || !tide_canonical(g, a->addr)) {
                tide_run_cutter_apart(&c, (enum tide_kind)a->kind);
                continue;
            }
            page = tide_page_of(g, process, a->addr);
        }
        if (a->kind == TIDE_FETCH)
            tide_run_cutter_fetch(&c, page, 1);
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
