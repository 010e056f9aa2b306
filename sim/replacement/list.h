/* Order among frames: a doubly linked list, and a ring with a hand, as arrays of links.
 *
 * A frame index is its own node, so nothing is allocated after init. Both live in one array of
 * frame_limit + 1 links; the last one, `end`, is before the first and behind the last frame. An
 * array fresh from tide_calloc() costs memory only as far as frames are used.
 */
#ifndef TIDE_REPLACEMENT_LIST_H
#define TIDE_REPLACEMENT_LIST_H

#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

struct tide_list {
    struct tide_link {
        uint32_t prev, next;
    } * links;
    uint32_t end; /* not a frame: what first and last return when the list is empty */
};

TIDE_MUST_CHECK static inline int tide_list_init(struct tide_list *l, uint32_t frame_limit,
                                                 struct tide_error *e)
{
    l->links = tide_calloc((size_t)frame_limit + 1, sizeof *l->links);
    if (l->links == NULL)
        return tide_nomem(e);
    l->end = frame_limit;
    l->links[l->end] = (struct tide_link){.prev = l->end, .next = l->end};
    return 0;
}

static inline void tide_list_fini(struct tide_list *l)
{
    free(l->links);
    l->links = NULL;
}

/* Several lists over the same frames, each frame in at most one of them at a time. They share their
 * links: tide_list_fini(&lists[0]) frees those of all. */
TIDE_MUST_CHECK static inline int tide_lists_init(struct tide_list *lists, uint32_t n,
                                                  uint32_t frame_limit, struct tide_error *e)
{
    struct tide_link *links = tide_calloc((size_t)frame_limit + n, sizeof *links);

    if (links == NULL)
        return tide_nomem(e);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t end = frame_limit + i;

        lists[i] = (struct tide_list){.links = links, .end = end};
        links[end] = (struct tide_link){.prev = end, .next = end};
    }
    return 0;
}

static inline uint32_t tide_list_first(const struct tide_list *l)
{
    return l->links[l->end].next;
}

static inline uint32_t tide_list_last(const struct tide_list *l)
{
    return l->links[l->end].prev;
}

/* `at` may be `end`: then the frame becomes the last. */
static inline void tide_list_insert_before(struct tide_list *l, uint32_t at, uint32_t frame)
{
    uint32_t before = l->links[at].prev;

    l->links[frame] = (struct tide_link){.prev = before, .next = at};
    l->links[before].next = frame;
    l->links[at].prev = frame;
}

static inline void tide_list_append(struct tide_list *l, uint32_t frame)
{
    tide_list_insert_before(l, l->end, frame);
}

static inline void tide_list_remove(struct tide_list *l, uint32_t frame)
{
    struct tide_link link = l->links[frame];

    l->links[link.prev].next = link.next;
    l->links[link.next].prev = link.prev;
}

static inline void tide_list_move_last(struct tide_list *l, uint32_t frame)
{
    if (tide_list_last(l) == frame)
        return;
    tide_list_remove(l, frame);
    tide_list_append(l, frame);
}

/* A frame that may move soon. */
static inline void tide_list_prefetch(const struct tide_list *l, uint32_t frame)
{
    __builtin_prefetch(&l->links[frame], 1);
}

/* How many frames follow `frame`; walks the list. */
static inline uint32_t tide_list_behind(const struct tide_list *l, uint32_t frame)
{
    uint32_t n = 0;

    while ((frame = l->links[frame].next) != l->end)
        n++;
    return n;
}

/* The ring: the hand stands at the frame that will be looked at next. New frames come in right
 * behind it, so they are looked at last; a frame that replaces a victim takes the victim's place.
 * When the frame at the hand leaves, the hand stands at the next one. */
struct tide_ring {
    struct tide_list list;
    uint32_t hand; /* list.end when the ring is empty */
    uint32_t n;
};

TIDE_MUST_CHECK static inline int tide_ring_init(struct tide_ring *r, uint32_t frame_limit,
                                                 struct tide_error *e)
{
    r->hand = frame_limit;
    r->n = 0;
    return tide_list_init(&r->list, frame_limit, e);
}

static inline void tide_ring_fini(struct tide_ring *r)
{
    tide_list_fini(&r->list);
}

/* The frame after this one on the hand's way; itself where it is the only one. */
static inline uint32_t tide_ring_next(const struct tide_ring *r, uint32_t frame)
{
    uint32_t next = r->list.links[frame].next;

    return next != r->list.end ? next : tide_list_first(&r->list);
}

static inline void tide_ring_insert(struct tide_ring *r, uint32_t frame)
{
    tide_list_insert_before(&r->list, r->hand, frame);
    if (r->n++ == 0)
        r->hand = frame;
}

static inline void tide_ring_remove(struct tide_ring *r, uint32_t frame)
{
    if (r->hand == frame)
        r->hand = r->n > 1 ? tide_ring_next(r, frame) : r->list.end;
    tide_list_remove(&r->list, frame);
    r->n--;
}

#endif
