/* Whether a machine may be fed a reduced trace: see reduced.h. */
#include "pager/reduced.h"

#include <string.h>

static int refuse(struct tide_error *e, const char *why, unsigned long long needed)
{
    tide_fail(e, TIDE_E_CONFIG, why, needed);
    tide_error_remedy(e,
                      "use the whole trace, or reduce it for this machine: pagetide trace reduce");
    return TIDE_E_CONFIG;
}

static int check_sad(const struct tide_reduction *r, const struct tide_machine_config *c,
                     uint64_t frames, struct tide_error *e)
{
    if (c->by_memory || frames < r->frames)
        return refuse(e, "the trace is reduced: its faults hold for frames: %llu or more",
                      r->frames);
    if (strcmp(c->policy->name, "lru") != 0 && strcmp(c->policy->name, "opt") != 0)
        return refuse(e, "the trace is reduced: its faults hold for the policies lru and opt only",
                      0);
    return 0;
}

static int check_tlb(const struct tide_reduction *r, const struct tide_machine_config *c,
                     struct tide_error *e)
{
    for (unsigned side = 0; side < TIDE_SIDES; side++) {
        int i = tide_tlb_array_of(&c->tlb, c->page_shift, (enum tide_side)side, 1);
        const struct tide_tlb_array_config *a = i >= 0 ? &c->tlb.arrays[i] : NULL;

        if (a == NULL || a->kind != TIDE_TLB_lru || a->entries / a->ways < r->sets)
            return refuse(e,
                          "the trace is reduced: its TLB misses hold for first-level arrays with "
                          "lru and %llu sets or more",
                          r->sets);
    }
    return 0;
}

int tide_reduced_check(const struct tide_reduction *r, const struct tide_machine_config *c,
                       uint64_t frames, struct tide_error *e)
{
    if (r->kind == TIDE_REDUCED_NOT)
        return 0;
    if (c->page_shift != r->page_shift)
        return refuse(e, "the trace is reduced: its counts hold for pages of %llu bytes only",
                      1ull << r->page_shift);
    if (c->skip > 0 || c->warmup > 0 || c->limit != UINT64_MAX)
        return refuse(e,
                      "the trace is reduced: skip, warmup and limit count references that it has "
                      "no more",
                      0);
    return r->kind == TIDE_REDUCED_SAD ? check_sad(r, c, frames, e) : check_tlb(r, c, e);
}

int tide_reduced_check_counts(const struct tide_reduction *r, const struct tide_counts *counts,
                              struct tide_error *e)
{
    if (r->kind != TIDE_REDUCED_TLB || counts->evictions == 0)
        return 0;
    return refuse(e,
                  "the trace is reduced: its TLB misses hold while memory evicts nothing, and %llu "
                  "pages were evicted",
                  counts->evictions);
}
