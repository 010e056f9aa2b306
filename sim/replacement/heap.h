/* A heap of frames, smallest key first, that knows each frame's place.
 *
 * Nodes have four children, which stand side by side with their keys: a way down through a million
 * nodes meets few lines of memory.
 *
 * Keys that can only grow need not be kept up to date: a policy may leave them stale until the
 * frame comes to the top, give it its true key then (tide_heap_rekey) and look again. Every other
 * frame's true key is at least its stale one, so a top that is up to date is the true minimum. That
 * makes a reference O(1).
 */
#ifndef TIDE_REPLACEMENT_HEAP_H
#define TIDE_REPLACEMENT_HEAP_H

#include <stdint.h>

#include "base/error.h"

struct tide_heap_key {
    uint64_t major, minor; /* compared in this order; no two frames may have the same key */
};

struct tide_heap {
    uint32_t n;
    struct tide_heap_node {
        struct tide_heap_key key;
        uint32_t frame;
    } * nodes;       /* nodes[0] is the top; children of i: 4i+1 to 4i+4 */
    uint32_t *place; /* by frame: its index in nodes[] */
};

/* On failure nothing is left allocated. */
TIDE_MUST_CHECK int tide_heap_init(struct tide_heap *h, uint32_t frame_limit, struct tide_error *e);
void tide_heap_fini(struct tide_heap *h);
void tide_heap_insert(struct tide_heap *h, uint32_t frame, struct tide_heap_key key);
void tide_heap_remove(struct tide_heap *h, uint32_t frame);
void tide_heap_rekey(struct tide_heap *h, uint32_t frame, struct tide_heap_key key);
/* Restores the order after any number of nodes' keys have been written: O(n). */
void tide_heap_rebuild(struct tide_heap *h);

/* The heap must not be empty. */
static inline uint32_t tide_heap_top(const struct tide_heap *h)
{
    return h->nodes[0].frame;
}

/* Of a frame that is in the heap. */
static inline struct tide_heap_key tide_heap_key_of(const struct tide_heap *h, uint32_t frame)
{
    return h->nodes[h->place[frame]].key;
}

#endif
