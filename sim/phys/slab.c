/* Slab caches: see slab.h.
 *
 * A handle is (slab id + 1) << 32 | index of the object: `slabs[id]` is the descriptor. An id keeps
 * its descriptor when the slab's frames go back, so the next new slab costs no host memory.
 */
#include "phys/slab.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

/* calculate_order()'s limits. */
enum { ORDER_MAX = 3, LEFTOVER_MIN = 2, LEFTOVER_MAX = 16 };

/* States of an object; smaller values name the next free one. */
static const uint32_t LIVE = UINT32_MAX, LAST = UINT32_MAX - 1;

struct tide_slab {
    struct tide_slab *next, *prev; /* on the list of its state; prev: NULL for the head */
    uint32_t id;
    tide_pfn pfn;
    uint32_t live;  /* objects */
    uint32_t fresh; /* objects from here on were never given out: entries[] is not set */
    uint32_t free;  /* first free object below `fresh`, or LAST */
    uint32_t entries[];
};

static unsigned order_of(uint64_t bytes, uint32_t frame_bytes)
{
    unsigned order = 0;

    while ((uint64_t)frame_bytes << order < bytes)
        order++;
    return order;
}

static unsigned log2_floor(unsigned v)
{
    return (unsigned)(31 - __builtin_clz(v));
}

static unsigned slab_order(uint32_t slot, unsigned cpus, uint32_t frame_bytes)
{
    uint64_t most = ((uint64_t)frame_bytes << ORDER_MAX) / slot;
    uint64_t wanted = 4 * (log2_floor(cpus) + 2); /* fls(cpus) is log2_floor(cpus) + 1 */

    if (wanted > most)
        wanted = most > 0 ? most : 1;
    for (unsigned part = LEFTOVER_MAX; part >= LEFTOVER_MIN; part /= 2)
        for (unsigned k = order_of(wanted * slot, frame_bytes); k <= ORDER_MAX; k++) {
            uint64_t bytes = (uint64_t)frame_bytes << k;

            if (bytes % slot <= bytes / part)
                return k;
        }
    return order_of(slot, frame_bytes);
}

struct tide_slab_geometry tide_slab_geometry(uint32_t object_bytes, uint32_t align, bool outside,
                                             unsigned cpus, uint32_t frame_bytes)
{
    struct tide_slab_geometry g;
    uint32_t unit = align > 8 ? align : 8;
    uint32_t half;

    assert(object_bytes > 0 && object_bytes <= 1u << 30 && (unit & (unit - 1)) == 0 && cpus > 0);
    g.slot_bytes = ((object_bytes + 7) & ~7u) + (outside ? 8 : 0);
    g.slot_bytes = (g.slot_bytes + unit - 1) & ~(unit - 1);
    g.order = slab_order(g.slot_bytes, cpus, frame_bytes);
    g.objects = (uint32_t)(((uint64_t)frame_bytes << g.order) / g.slot_bytes);
    g.cpu_partial = g.slot_bytes >= 4096   ? 6
                    : g.slot_bytes >= 1024 ? 24
                    : g.slot_bytes >= 256  ? 52
                                           : 120;
    half = log2_floor(g.slot_bytes) / 2;
    g.min_partial = half < 5 ? 5 : half > 10 ? 10 : half;
    return g;
}

void tide_slab_init(struct tide_slab_cache *c, const char *name, uint32_t object_bytes,
                    uint32_t align, unsigned cpus, uint32_t frame_bytes,
                    const struct tide_slab_source *source)
{
    *c = (struct tide_slab_cache){
        .name = name,
        .object_bytes = object_bytes,
        .frame_bytes = frame_bytes,
        .geometry = tide_slab_geometry(object_bytes, align, false, cpus, frame_bytes),
        .source = *source,
    };
}

static void push(struct tide_slab **list, uint32_t *n, struct tide_slab *s)
{
    s->prev = NULL;
    s->next = *list;
    if (s->next != NULL)
        s->next->prev = s;
    *list = s;
    ++*n;
}

static void unlink_slab(struct tide_slab **list, uint32_t *n, struct tide_slab *s)
{
    *(s->prev == NULL ? list : &s->prev->next) = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    --*n;
}

/* A descriptor without frames: a spare one, or a new one put on `spare` too. */
static struct tide_slab *descriptor(struct tide_slab_cache *c)
{
    struct tide_slab **slabs, *s;

    if (c->spare != NULL)
        return c->spare;
    slabs = tide_grow(c->slabs, &c->slabs_cap, c->n_slabs + 1, sizeof *slabs);
    if (slabs == NULL)
        return NULL;
    c->slabs = slabs;
    s = tide_malloc(sizeof *s + c->geometry.objects * sizeof *s->entries);
    if (s == NULL)
        return NULL;
    s->id = (uint32_t)c->n_slabs;
    s->next = NULL;
    c->slabs[c->n_slabs++] = s;
    c->spare = s;
    return s;
}

/* Makes an empty slab; NULL when host or source have no memory. */
static struct tide_slab *make_slab(struct tide_slab_cache *c, struct tide_error *e)
{
    struct tide_slab *s = descriptor(c);

    if (s == NULL) {
        tide_nomem(e);
        return NULL;
    }
    s->pfn = c->source.alloc(c->source.context, c->geometry.order);
    if (s->pfn.v == TIDE_PFN_NONE.v)
        return NULL;
    c->spare = s->next;
    s->live = 0;
    s->fresh = 0;
    s->free = LAST;
    push(&c->empty, &c->n_empty, s);
    c->stats.slabs_made++;
    return s;
}

static void free_slab(struct tide_slab_cache *c, struct tide_slab *s)
{
    c->source.free(c->source.context, s->pfn, c->geometry.order);
    s->next = c->spare;
    c->spare = s;
    c->stats.slabs_freed++;
}

uint64_t tide_slab_shrink(struct tide_slab_cache *c)
{
    uint64_t frames = (uint64_t)c->n_empty << c->geometry.order;

    while (c->empty != NULL) {
        struct tide_slab *s = c->empty;

        unlink_slab(&c->empty, &c->n_empty, s);
        free_slab(c, s);
    }
    return frames;
}

void tide_slab_fini(struct tide_slab_cache *c)
{
    struct tide_slab *lists[] = {c->full, c->partial, c->empty};

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (struct tide_slab *s = lists[i]; s != NULL; s = s->next)
            c->source.free(c->source.context, s->pfn, c->geometry.order);
    for (size_t i = 0; i < c->n_slabs; i++)
        free(c->slabs[i]);
    free(c->slabs);
    *c = (struct tide_slab_cache){0};
}

uint64_t tide_slab_alloc(struct tide_slab_cache *c, struct tide_error *e)
{
    struct tide_slab *s = c->partial != NULL ? c->partial : c->empty;
    uint32_t index;

    if (e != NULL)
        e->code = TIDE_OK;
    if (s == NULL && (s = make_slab(c, e)) == NULL) {
        c->stats.failures++;
        return 0;
    }
    if (s->free != LAST) {
        index = s->free;
        s->free = s->entries[index];
    } else {
        index = s->fresh++;
    }
    s->entries[index] = LIVE;
    if (s->live == 0)
        unlink_slab(&c->empty, &c->n_empty, s);
    else if (s->live + 1 == c->geometry.objects)
        unlink_slab(&c->partial, &c->n_partial, s);
    s->live++;
    if (s->live == c->geometry.objects)
        push(&c->full, &c->n_full, s);
    else if (s->live == 1)
        push(&c->partial, &c->n_partial, s);
    c->active_objects++;
    c->stats.allocs++;
    return ((uint64_t)s->id + 1) << 32 | index;
}

static struct tide_slab *slab_of(const struct tide_slab_cache *c, uint64_t object)
{
    uint64_t id = (object >> 32) - 1;

    assert(id < c->n_slabs);
    assert((uint32_t)object < c->slabs[id]->fresh);
    assert(c->slabs[id]->entries[(uint32_t)object] == LIVE);
    return c->slabs[id];
}

void tide_slab_free(struct tide_slab_cache *c, uint64_t object)
{
    struct tide_slab *s = slab_of(c, object);
    bool was_full = s->live == c->geometry.objects;

    s->entries[(uint32_t)object] = s->free;
    s->free = (uint32_t)object;
    s->live--;
    c->active_objects--;
    c->stats.frees++;
    if (was_full)
        unlink_slab(&c->full, &c->n_full, s);
    else if (s->live == 0)
        unlink_slab(&c->partial, &c->n_partial, s);
    else
        return;
    if (s->live > 0)
        push(&c->partial, &c->n_partial, s);
    else if (c->n_empty < c->geometry.min_partial)
        push(&c->empty, &c->n_empty, s);
    else
        free_slab(c, s);
}

uint64_t tide_slab_address(const struct tide_slab_cache *c, uint64_t object)
{
    return (uint64_t)slab_of(c, object)->pfn.v * c->frame_bytes +
           (uint64_t)(uint32_t)object * c->geometry.slot_bytes;
}

/* All slabs of a list hold low..high live objects; adds these to *live. */
static bool list_valid(const struct tide_slab_cache *c, const struct tide_slab *list, uint32_t n,
                       uint32_t low, uint32_t high, uint64_t *live)
{
    const struct tide_slab *prev = NULL;

    for (const struct tide_slab *s = list; s != NULL; prev = s, s = s->next) {
        uint32_t free_below = 0, marked = 0;

        if (n-- == 0 || s->prev != prev || c->slabs[s->id] != s)
            return false;
        if (s->live < low || s->live > high || s->fresh > c->geometry.objects)
            return false;
        for (uint32_t i = s->free; i != LAST; i = s->entries[i])
            if (i >= s->fresh || ++free_below > s->fresh)
                return false;
        for (uint32_t i = 0; i < s->fresh; i++)
            marked += s->entries[i] == LIVE;
        if (marked != s->live || marked + free_below != s->fresh)
            return false;
        *live += s->live;
    }
    return n == 0;
}

bool tide_slab_valid(const struct tide_slab_cache *c)
{
    uint32_t all = c->geometry.objects;
    uint64_t live = 0;
    size_t spare = 0;

    for (const struct tide_slab *s = c->spare; s != NULL; s = s->next)
        if (++spare > c->n_slabs)
            return false;
    return list_valid(c, c->full, c->n_full, all, all, &live) &&
           list_valid(c, c->partial, c->n_partial, 1, all - 1, &live) &&
           list_valid(c, c->empty, c->n_empty, 0, 0, &live) && live == c->active_objects &&
           spare + c->n_full + c->n_partial + c->n_empty == c->n_slabs &&
           c->stats.allocs - c->stats.frees == live && c->n_empty <= c->geometry.min_partial;
}
