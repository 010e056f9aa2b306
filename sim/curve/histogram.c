/* Distances: see histogram.h. */
#include "curve/histogram.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int tide_distances_reserve(struct tide_distances *d, size_t most, struct tide_error *e)
{
    size_t old = d->cap;
    uint64_t *grown;

    if (most < d->cap)
        return 0;
    grown = tide_grow(d->counts, &d->cap, most + 1, sizeof *grown);
    if (grown == NULL)
        return tide_nomem(e);
    d->counts = grown;
    memset(grown + old, 0, (d->cap - old) * sizeof *grown);
    return 0;
}

void tide_distances_clear(struct tide_distances *d)
{
    if (d->cap > 0)
        memset(d->counts, 0, d->cap * sizeof *d->counts);
}

void tide_distances_fini(struct tide_distances *d)
{
    free(d->counts);
    *d = (struct tide_distances){0};
}

uint64_t tide_distances_references(const struct tide_distances *d)
{
    uint64_t n = 0;

    for (size_t i = 0; i < d->cap; i++)
        n += d->counts[i];
    return n;
}

uint64_t tide_distances_beyond(const struct tide_distances *d, uint64_t distance)
{
    uint64_t n = d->cap > 0 ? d->counts[0] : 0;

    for (uint64_t i = distance + 1; i < d->cap; i++)
        n += d->counts[i];
    return n;
}
