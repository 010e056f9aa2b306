/* Slab caches on top of the buddy allocator: objects of one size in slabs of 2^order frames.
 *
 * A cache keeps its slabs on three lists: full, partial, empty. An allocation takes the first
 * partial slab, else an empty one, else asks the buddy for a new slab. A free that empties a slab
 * moves it to the empty list; beyond `min_partial` empty slabs it goes back to the buddy. Lists and
 * the free objects within a slab are last in, first out. Descriptors stay outside the slabs.
 * Geometry is SLUB's: see tide_slab_geometry().
 * Source: Bonwick, "The slab allocator", USENIX Summer 1994; Linux mm/slub.c (calculate_order,
 * set_min_partial, set_cpu_partial).
 * Differs: SLUB keeps an empty slab while the node has fewer than min_partial partial ones; here
 * min_partial bounds the empty slabs alone. Per-CPU partial lists are left out (cpu_partial is
 * computed only), and so is the limit of 32767 objects a slab, which 4 KiB frames never reach.
 */
#ifndef TIDE_PHYS_SLAB_H
#define TIDE_PHYS_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr/page.h"
#include "base/error.h"

struct tide_slab_geometry {
    uint32_t slot_bytes; /* bytes that one object takes */
    unsigned order;      /* a slab is 2^order frames */
    uint32_t objects;    /* per slab */
    uint32_t cpu_partial, min_partial;
};

/* SLUB's choice for frames of `frame_bytes` (4096 there) and `cpus` processors, for objects of
 * 1..2^30 bytes. `align` is a power of two; 0: 8. `outside`: the free pointer may not lie in a
 * free object, because that is freed by RCU or has a constructor, and has no field set aside for it
 * (vm_area_struct and filp are freed by RCU and have one). The order may be more than a buddy
 * allocator has, where frames are small: allocation then fails. */
struct tide_slab_geometry tide_slab_geometry(uint32_t object_bytes, uint32_t align, bool outside,
                                             unsigned cpus, uint32_t frame_bytes);

/* Where slabs come from: a block of 2^order frames, or TIDE_PFN_NONE. */
struct tide_slab_source {
    void *context;
    tide_pfn (*alloc)(void *context, unsigned order);
    void (*free)(void *context, tide_pfn pfn, unsigned order);
};

struct tide_slab_stats { /* since init */
    uint64_t allocs, frees, slabs_made, slabs_freed, failures;
};

struct tide_slab; /* one slab; private */

struct tide_slab_cache {
    const char *name; /* not copied */
    uint32_t object_bytes;
    uint32_t frame_bytes;
    struct tide_slab_geometry geometry;
    struct tide_slab_source source;
    struct tide_slab *full, *partial, *empty;
    uint32_t n_full, n_partial, n_empty;
    uint64_t active_objects;
    struct tide_slab_stats stats;
    struct tide_slab **slabs; /* descriptors by id; those without frames are on `spare` */
    size_t n_slabs, slabs_cap;
    struct tide_slab *spare;
};

void tide_slab_init(struct tide_slab_cache *c, const char *name, uint32_t object_bytes,
                    uint32_t align, unsigned cpus, uint32_t frame_bytes,
                    const struct tide_slab_source *source);
/* Returns all slabs to the source. */
void tide_slab_fini(struct tide_slab_cache *c);
/* A handle, never 0, valid until freed; 0 when the source has no memory (or the host: then e->code
 * is TIDE_E_NOMEM, else 0). */
uint64_t tide_slab_alloc(struct tide_slab_cache *c, struct tide_error *e);
/* The handle must be live (asserted). */
void tide_slab_free(struct tide_slab_cache *c, uint64_t object);
/* Physical byte address of an object. */
uint64_t tide_slab_address(const struct tide_slab_cache *c, uint64_t object);
/* Gives empty slabs back to the source; returns the frames freed. */
uint64_t tide_slab_shrink(struct tide_slab_cache *c);
/* Lists, counts and free objects are consistent: for tests, O(objects). */
bool tide_slab_valid(const struct tide_slab_cache *c);

#endif
