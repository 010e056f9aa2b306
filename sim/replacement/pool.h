/* A set of frames from which one can be drawn by number in O(1).
 *
 * Order is part of the definition, for draws must be reproducible: a frame that comes in is the
 * last; when one leaves, the last takes its place.
 */
#ifndef TIDE_REPLACEMENT_POOL_H
#define TIDE_REPLACEMENT_POOL_H

#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

struct tide_pool {
    uint32_t n;
    uint32_t *frames;
    uint32_t *place; /* by frame: its index in frames[] */
};

static inline void tide_pool_fini(struct tide_pool *p)
{
    free(p->frames);
    free(p->place);
    *p = (struct tide_pool){0};
}

/* On failure nothing is left allocated. */
TIDE_MUST_CHECK static inline int tide_pool_init(struct tide_pool *p, uint32_t frame_limit,
                                                 struct tide_error *e)
{
    p->n = 0;
    p->frames = tide_calloc(frame_limit, sizeof *p->frames);
    p->place = tide_calloc(frame_limit, sizeof *p->place);
    if (p->frames != NULL && p->place != NULL)
        return 0;
    tide_pool_fini(p);
    return tide_nomem(e);
}

static inline void tide_pool_add(struct tide_pool *p, uint32_t frame)
{
    p->place[frame] = p->n;
    p->frames[p->n++] = frame;
}

static inline void tide_pool_remove(struct tide_pool *p, uint32_t frame)
{
    uint32_t last = p->frames[--p->n];

    p->frames[p->place[frame]] = last;
    p->place[last] = p->place[frame];
}

#endif
