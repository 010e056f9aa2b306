/* Indexed heap: see heap.h.
 * Source: Williams, "Algorithm 232: Heapsort", CACM 7(6), 1964; Floyd, "Algorithm 245: Treesort",
 * CACM 7(12), 1964 (building in linear time); Johnson, "Priority queues with update and finding
 * minimum spanning trees", Information Processing Letters 4(3), 1975 (more than two children).
 */
#include "replacement/heap.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

enum { CHILDREN = 4 };

int tide_heap_init(struct tide_heap *h, uint32_t frame_limit, struct tide_error *e)
{
    h->n = 0;
    h->nodes = tide_calloc(frame_limit, sizeof *h->nodes);
    h->place = tide_calloc(frame_limit, sizeof *h->place);
    if (h->nodes != NULL && h->place != NULL)
        return 0;
    tide_heap_fini(h);
    return tide_nomem(e);
}

void tide_heap_fini(struct tide_heap *h)
{
    free(h->nodes);
    free(h->place);
    *h = (struct tide_heap){0};
}

static inline bool less(struct tide_heap_key x, struct tide_heap_key y)
{
    return x.major != y.major ? x.major < y.major : x.minor < y.minor;
}

static inline void put(struct tide_heap *h, uint32_t i, struct tide_heap_node node)
{
    h->nodes[i] = node;
    h->place[node.frame] = i;
}

/* Moves a node towards the top from index i, or down from it; returns where it came to rest. */
static uint32_t sift_up(struct tide_heap *h, uint32_t i, struct tide_heap_node node)
{
    while (i > 0 && less(node.key, h->nodes[(i - 1) / CHILDREN].key)) {
        put(h, i, h->nodes[(i - 1) / CHILDREN]);
        i = (i - 1) / CHILDREN;
    }
    put(h, i, node);
    return i;
}

static void sift_down(struct tide_heap *h, uint32_t i, struct tide_heap_node node)
{
    for (;;) {
        uint64_t first = CHILDREN * (uint64_t)i + 1, least = first;
        uint64_t end = first + CHILDREN < h->n ? first + CHILDREN : h->n;

        if (first >= h->n)
            break;
        for (uint64_t k = first + 1; k < end; k++)
            if (less(h->nodes[k].key, h->nodes[least].key))
                least = k;
        if (!less(h->nodes[least].key, node.key))
            break;
        put(h, i, h->nodes[least]);
        i = (uint32_t)least;
    }
    put(h, i, node);
}

/* A node whose key may have changed either way. */
static void settle(struct tide_heap *h, uint32_t i, struct tide_heap_node node)
{
    sift_down(h, sift_up(h, i, node), node);
}

void tide_heap_insert(struct tide_heap *h, uint32_t frame, struct tide_heap_key key)
{
    sift_up(h, h->n++, (struct tide_heap_node){.key = key, .frame = frame});
}

void tide_heap_remove(struct tide_heap *h, uint32_t frame)
{
    uint32_t hole = h->place[frame];
    struct tide_heap_node last = h->nodes[--h->n];

    if (last.frame != frame)
        settle(h, hole, last);
}

void tide_heap_rekey(struct tide_heap *h, uint32_t frame, struct tide_heap_key key)
{
    settle(h, h->place[frame], (struct tide_heap_node){.key = key, .frame = frame});
}

void tide_heap_rebuild(struct tide_heap *h)
{
    for (uint32_t i = (h->n + CHILDREN - 2) / CHILDREN; i-- > 0;)
        sift_down(h, i, h->nodes[i]);
}
