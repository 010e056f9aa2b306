/* Memory divided into segments: each frame in use is in one of a few lists, which know their
 * lengths. Each list runs from its oldest frame to its newest; what makes a frame new (loading, a
 * reference) is the policy's business.
 */
#ifndef TIDE_REPLACEMENT_SEGMENTS_H
#define TIDE_REPLACEMENT_SEGMENTS_H

#include <stdint.h>
#include <stdlib.h>

#include "replacement/list.h"

enum { TIDE_SEGMENTS_MAX = 3 };

struct tide_segments {
    struct tide_list lists[TIDE_SEGMENTS_MAX];
    uint32_t n[TIDE_SEGMENTS_MAX];
    uint8_t *in; /* by frame: its segment */
};

static inline void tide_segments_fini(struct tide_segments *s)
{
    tide_list_fini(&s->lists[0]);
    free(s->in);
    s->in = NULL;
}

/* On failure nothing is left allocated. */
TIDE_MUST_CHECK static inline int tide_segments_init(struct tide_segments *s, uint32_t n,
                                                     uint32_t frame_limit, struct tide_error *e)
{
    int rc;

    s->in = tide_calloc(frame_limit, sizeof *s->in);
    rc = s->in == NULL ? tide_nomem(e) : tide_lists_init(s->lists, n, frame_limit, e);
    if (rc != 0)
        tide_segments_fini(s);
    return rc;
}

static inline void tide_segments_add(struct tide_segments *s, uint8_t segment, uint32_t frame)
{
    s->in[frame] = segment;
    s->n[segment]++;
    tide_list_append(&s->lists[segment], frame);
}

static inline void tide_segments_remove(struct tide_segments *s, uint32_t frame)
{
    s->n[s->in[frame]]--;
    tide_list_remove(&s->lists[s->in[frame]], frame);
}

/* The frame becomes the newest of a segment, of another or of its own. */
static inline void tide_segments_move(struct tide_segments *s, uint8_t segment, uint32_t frame)
{
    if (s->in[frame] == segment) {
        tide_list_move_last(&s->lists[segment], frame);
        return;
    }
    tide_segments_remove(s, frame);
    tide_segments_add(s, segment, frame);
}

/* A frame that may move soon. */
static inline void tide_segments_prefetch(const struct tide_segments *s, uint32_t frame)
{
    __builtin_prefetch(&s->in[frame], 1);
    tide_list_prefetch(&s->lists[0], frame); /* they share their links */
}

/* The segment must not be empty. */
static inline uint32_t tide_segments_oldest(const struct tide_segments *s, uint8_t segment)
{
    return tide_list_first(&s->lists[segment]);
}

/* How many of its segment are newer; walks the list. */
static inline uint32_t tide_segments_newer(const struct tide_segments *s, uint32_t frame)
{
    return tide_list_behind(&s->lists[s->in[frame]], frame);
}

#endif
