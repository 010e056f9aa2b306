/* Indexed binary heap: see heap.h.
 * Source: Williams, "Algorithm 232: Heapsort", CACM 7(6), 1964; Floyd, "Algorithm 245: Treesort",
 * CACM 7(12), 1964 (building in linear time).
 */
#include "replacement/heap.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

int tide_heap_init(struct tide_heap *h, uint32_t frame_limit, struct tide_error *e)
{
    h->n = 0;
    h->frames = tide_calloc(frame_limit, sizeof *h->frames);
    h->place = tide_calloc(frame_limit, sizeof *h->place);
    h->keys = tide_calloc(frame_limit, sizeof *h->keys);
    if (h->frames != NULL && h->place != NULL && h->keys != NULL)
        return 0;
    tide_heap_fini(h);
    return tide_nomem(e);
}

void tide_heap_fini(struct tide_heap *h)
{
    free(h->frames);
    free(h->place);
    free(h->keys);
    *h = (struct tide_heap){0};
}

static bool less(const struct tide_heap *h, uint32_t a, uint32_t b)
{
    struct tide_heap_key x = h->keys[a], y = h->keys[b];

    return x.major != y.major ? x.major < y.major : x.minor < y.minor;
}

static void put(struct tide_heap *h, uint32_t i, uint32_t frame)
{
    h->frames[i] = frame;
    h->place[frame] = i;
}

/* Moves a frame towards the top from index i, or down from it; returns where it came to rest. */
static uint32_t sift_up(struct tide_heap *h, uint32_t i, uint32_t frame)
{
    while (i > 0 && less(h, frame, h->frames[(i - 1) / 2])) {
        put(h, i, h->frames[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(h, i, frame);
    return i;
}

static void sift_down(struct tide_heap *h, uint32_t i, uint32_t frame)
{
    for (;;) {
        uint64_t child = 2 * (uint64_t)i + 1;

        if (child >= h->n)
            break;
        if (child + 1 < h->n && less(h, h->frames[child + 1], h->frames[child]))
            child++;
        if (!less(h, h->frames[child], frame))
            break;
        put(h, i, h->frames[child]);
        i = (uint32_t)child;
    }
    put(h, i, frame);
}

/* A frame whose key may have changed either way. */
static void settle(struct tide_heap *h, uint32_t i, uint32_t frame)
{
    sift_down(h, sift_up(h, i, frame), frame);
}

void tide_heap_insert(struct tide_heap *h, uint32_t frame, struct tide_heap_key key)
{
    h->keys[frame] = key;
    sift_up(h, h->n++, frame);
}

void tide_heap_remove(struct tide_heap *h, uint32_t frame)
{
    uint32_t hole = h->place[frame], last = h->frames[--h->n];

    if (last != frame)
        settle(h, hole, last);
}

void tide_heap_rekey(struct tide_heap *h, uint32_t frame, struct tide_heap_key key)
{
    h->keys[frame] = key;
    settle(h, h->place[frame], frame);
}

void tide_heap_rebuild(struct tide_heap *h)
{
    for (uint32_t i = h->n / 2; i-- > 0;)
        sift_down(h, i, h->frames[i]);
}
