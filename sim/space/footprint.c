/* Which segments a trace touches: see footprint.h. */
#include "space/footprint.h"

#include <stdlib.h>

#include "base/mem.h"

static const struct tide_geometry geometry = {12, TIDE_VADDR_MAX_BITS};
static const uint64_t grain = TIDE_MM_GRAIN; /* bytes of a page */

void tide_footprint_init(struct tide_footprint *f)
{
    *f = (struct tide_footprint){.outside = 0};
    tide_map_init(&f->seen);
    for (size_t i = 0; i < TIDE_SIDES; i++)
        f->last[i] = TIDE_PAGE_NONE.v;
}

void tide_footprint_fini(struct tide_footprint *f)
{
    tide_map_fini(&f->seen);
    for (size_t i = 0; i < f->n_spaces; i++)
        tide_mm_fini(&f->spaces[i]);
    free(f->spaces);
}

static struct tide_mm *space_of(struct tide_footprint *f, unsigned process, struct tide_error *e)
{
    static const struct tide_mm_hooks no_hooks = {0};
    struct tide_mm *grown =
        tide_grow(f->spaces, &f->cap_spaces, (size_t)process + 1, sizeof *grown);

    if (grown == NULL) {
        tide_nomem(e);
        return NULL;
    }
    f->spaces = grown;
    for (; f->n_spaces <= process; f->n_spaces++)
        tide_mm_init(&f->spaces[f->n_spaces], (unsigned)f->n_spaces, &no_hooks);
    return &f->spaces[process];
}

/* A page that the side did not touch last. */
static int touch(struct tide_footprint *f, enum tide_side side, unsigned process, uint64_t addr,
                 struct tide_error *e)
{
    uint64_t page = tide_page_of(geometry, process, addr).v;
    struct tide_mm *mm;
    struct tide_vma *vma;
    unsigned prot;
    bool inserted;
    int rc;

    f->last[side] = page;
    if (tide_map_put(&f->seen, page, &inserted) == NULL)
        return tide_nomem(e);
    if (!inserted)
        return 0;
    if ((mm = space_of(f, process, e)) == NULL)
        return TIDE_E_NOMEM;
    rc = tide_mm_touch(mm, addr & ~(grain - 1), grain, addr, &prot, &vma, e);
    if (rc < 0)
        return rc;
    if (rc == 0)
        f->outside++;
    else
        f->segments[vma->segment]++;
    return 0;
}

static int take_access(struct tide_footprint *f, const struct tide_access *a, struct tide_error *e)
{
    enum tide_side side = tide_side_of((enum tide_kind)a->kind);
    uint64_t addr = a->addr, left = (a->addr + (a->size - 1)) / grain - addr / grain;
    int rc = 0;

    for (;; addr = (addr | (grain - 1)) + 1) {
        if (tide_page_of(geometry, a->process, addr).v != f->last[side])
            rc = touch(f, side, a->process, addr, e);
        if (rc != 0 || left-- == 0)
            return rc;
    }
}

int tide_footprint_take(struct tide_footprint *f, const struct tide_block *b, struct tide_error *e)
{
    size_t k = 0;
    int rc = 0;

    for (size_t i = 0; i <= b->n_accesses && rc == 0; i++) {
        for (; rc == 0 && k < b->n_events && b->events[k].at == i; k++) {
            struct tide_mm *mm = space_of(f, b->events[k].process, e);

            rc = mm != NULL ? tide_mm_event(mm, &b->events[k], e) : TIDE_E_NOMEM;
        }
        if (i < b->n_accesses && rc == 0)
            rc = take_access(f, &b->accesses[i], e);
    }
    return rc;
}
