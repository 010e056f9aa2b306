/* What a trace touches: see census.h. */
#include "space/census.h"

#include <stdlib.h>

#include "base/mem.h"

static const struct tide_geometry geometries[TIDE_SUMMARY_SIZES] = {
    [TIDE_SUMMARY_4K] = {12, TIDE_VADDR_MAX_BITS},
    [TIDE_SUMMARY_64K] = {16, TIDE_VADDR_MAX_BITS},
    [TIDE_SUMMARY_2M] = {21, TIDE_VADDR_MAX_BITS}};
/* bytes of a 4K page */
static const uint64_t small = UINT64_C(1) << 12;

void tide_census_init(struct tide_census *c)
{
    *c = (struct tide_census){.first_byte = UINT64_MAX};
    for (size_t i = 0; i < TIDE_SUMMARY_SIZES; i++)
        tide_map_init(&c->pages[i]);
    for (size_t i = 0; i < TIDE_SIDES; i++)
        c->last[i] = TIDE_PAGE_NONE.v;
}

void tide_census_fini(struct tide_census *c)
{
    for (size_t i = 0; i < TIDE_SUMMARY_SIZES; i++)
        tide_map_fini(&c->pages[i]);
    for (size_t i = 0; i < c->n_spaces; i++)
        tide_mm_fini(&c->spaces[i]);
    free(c->spaces);
}

static struct tide_mm *space_of(struct tide_census *c, unsigned process, struct tide_error *e)
{
    static const struct tide_mm_hooks no_hooks = {0};
    struct tide_mm *grown =
        tide_grow(c->spaces, &c->cap_spaces, (size_t)process + 1, sizeof *grown);

    if (grown == NULL) {
        tide_nomem(e);
        return NULL;
    }
    c->spaces = grown;
    for (; c->n_spaces <= process; c->n_spaces++)
        tide_mm_init(&c->spaces[c->n_spaces], (unsigned)c->n_spaces, &no_hooks);
    return &c->spaces[process];
}

/* A page's first touch. */
static int count_page(struct tide_census *c, unsigned process, uint64_t addr, struct tide_error *e)
{
    struct tide_mm *mm = space_of(c, process, e);
    struct tide_vma *vma;
    unsigned prot;
    int rc;

    if (mm == NULL)
        return TIDE_E_NOMEM;
    for (size_t i = 0; i < TIDE_SUMMARY_SIZES; i++)
        if (tide_map_put(&c->pages[i], tide_page_of(geometries[i], process, addr).v, NULL) == NULL)
            return tide_nomem(e);
    rc = tide_mm_touch(mm, addr & ~(small - 1), small, addr, &prot, &vma, e);
    if (rc < 0)
        return rc;
    if (rc == 0)
        c->outside++;
    else
        c->segments[vma->segment]++;
    return 0;
}

/* A run begins. */
static int count_run(struct tide_census *c, enum tide_side side, unsigned process, uint64_t addr,
                     struct tide_error *e)
{
    uint64_t page = tide_page_of(geometries[TIDE_SUMMARY_4K], process, addr).v;
    bool inserted;
    uint64_t *sides = tide_map_put(&c->pages[TIDE_SUMMARY_4K], page, &inserted);

    if (sides == NULL)
        return tide_nomem(e);
    c->last[side] = page;
    c->side_runs[side]++;
    c->side_pages[side] += (*sides >> side & 1) == 0;
    *sides |= 1u << side;
    return inserted ? count_page(c, process, addr, e) : 0;
}

static int take_access(struct tide_census *c, const struct tide_access *a, struct tide_error *e)
{
    enum tide_side side = tide_side_of((enum tide_kind)a->kind);
    uint64_t addr = a->addr, last = a->addr + (a->size - 1), left = last / small - addr / small;
    int rc = 0;

    if (addr < c->first_byte)
        c->first_byte = addr;
    if (last > c->last_byte)
        c->last_byte = last;
    for (;; addr = (addr | (small - 1)) + 1) {
        if (tide_page_of(geometries[TIDE_SUMMARY_4K], a->process, addr).v != c->last[side])
            rc = count_run(c, side, a->process, addr, e);
        if (rc != 0 || left-- == 0)
            return rc;
    }
}

int tide_census_take(struct tide_census *c, const struct tide_block *b, struct tide_error *e)
{
    size_t k = 0;
    int rc = 0;

    for (size_t i = 0; i <= b->n_accesses && rc == 0; i++) {
        for (; rc == 0 && k < b->n_events && b->events[k].at == i; k++) {
            struct tide_mm *mm = space_of(c, b->events[k].process, e);

            rc = mm != NULL ? tide_mm_event(mm, &b->events[k], e) : TIDE_E_NOMEM;
        }
        if (i < b->n_accesses && rc == 0)
            rc = take_access(c, &b->accesses[i], e);
    }
    return rc;
}
