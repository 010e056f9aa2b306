/* What the geometry of a page table may be: see pagetable.h. */
#include <stdio.h>

#include "pagetable/pagetable.h"

static unsigned min(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

void tide_pagetable_defaults(struct tide_pagetable_config *c, unsigned levels, unsigned page_shift)
{
    unsigned left = TIDE_VADDR_MAX_BITS - page_shift;

    if (page_shift == 21 || page_shift == 30)
        levels -= min(levels - 2, (page_shift - 12) / 9);
    *c = (struct tide_pagetable_config){.levels = levels, .entry_bytes = 8};
    for (unsigned k = 1; k <= levels; k++) {
        c->bits[k] = min(9, left - (levels - k)); /* one bit at least for each level above */
        left -= c->bits[k];
    }
}

static int check_walk_cache(const struct tide_pagetable_config *c, unsigned i, struct tide_error *e)
{
    const struct tide_walk_cache_config *w = &c->walk_caches[i];
    char owner[48];

    snprintf(owner, sizeof owner, "walk cache of level %u", w->level);
    if (w->level < 2 || w->level > c->levels) {
        tide_fail(e, TIDE_E_CONFIG, "%s: it would hold no upper entries", owner);
        tide_error_remedy(e, "its level is from 2 (above the leaves) to %u (the root)", c->levels);
        return TIDE_E_CONFIG;
    }
    for (unsigned j = 0; j < i; j++) {
        if (c->walk_caches[j].level == w->level) {
            tide_fail(e, TIDE_E_CONFIG, "%s: there are two", owner);
            tide_error_remedy(e, "give each level one walk cache at most");
            return TIDE_E_CONFIG;
        }
    }
    return tide_tlb_check_shape(owner, w->entries, w->ways, TIDE_TLB_lru, e);
}

int tide_pagetable_check(const struct tide_pagetable_config *c, unsigned page_shift,
                         unsigned *va_bits, struct tide_error *e)
{
    if (c->levels < 2 || c->levels > TIDE_PT_MAX_LEVELS) {
        tide_fail(e, TIDE_E_CONFIG, "page table: %u levels", c->levels);
        tide_error_remedy(e, "from 2 to %d", TIDE_PT_MAX_LEVELS);
        return TIDE_E_CONFIG;
    }
    if (c->entry_bytes != 4 && c->entry_bytes != 8) {
        tide_fail(e, TIDE_E_CONFIG, "page table: entries of %u bytes", c->entry_bytes);
        tide_error_remedy(e, "4 or 8");
        return TIDE_E_CONFIG;
    }
    *va_bits = page_shift;
    for (unsigned k = 1; k <= c->levels; k++) {
        if (c->bits[k] < 1 || c->bits[k] > TIDE_PT_MAX_BITS) {
            tide_fail(e, TIDE_E_CONFIG, "page table: %u index bits at level %u", c->bits[k], k);
            tide_error_remedy(e, "from 1 to %d", TIDE_PT_MAX_BITS);
            return TIDE_E_CONFIG;
        }
        *va_bits += c->bits[k];
    }
    if (*va_bits > TIDE_VADDR_MAX_BITS) {
        unsigned surplus = *va_bits - TIDE_VADDR_MAX_BITS, root = c->bits[c->levels];

        tide_fail(e, TIDE_E_CONFIG, "page table: %u address bits, at most %d are possible",
                  *va_bits, TIDE_VADDR_MAX_BITS);
        if (surplus < root)
            tide_error_remedy(e, "give the root (level %u) %u index bits, or use fewer levels",
                              c->levels, root - surplus);
        else
            tide_error_remedy(e, "use fewer levels, or %u index bits less", surplus);
        return TIDE_E_CONFIG;
    }
    if (c->n_walk_caches > TIDE_PT_MAX_LEVELS) {
        tide_fail(e, TIDE_E_CONFIG, "page table: %u walk caches", c->n_walk_caches);
        tide_error_remedy(e, "one for each of the levels 2 to %u", c->levels);
        return TIDE_E_CONFIG;
    }
    for (unsigned i = 0; i < c->n_walk_caches; i++) {
        int rc = check_walk_cache(c, i, e);

        if (rc < 0)
            return rc;
    }
    return 0;
}
