/* A hash map from 64-bit keys to 64-bit values: open addressing, linear probing.
 *
 * Any key but TIDE_MAP_NONE can be stored. Iteration order is not defined: nothing that reaches a
 * result may depend on it. Deletion shifts entries back, so there are no tombstones.
 */
#ifndef TIDE_BASE_MAP_H
#define TIDE_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIDE_MAP_NONE UINT64_MAX

struct tide_map {
    struct tide_map_slot {
        uint64_t key; /* TIDE_MAP_NONE: free */
        uint64_t value;
    } * slots;
    size_t mask;  /* slots - 1; a power of two less one */
    size_t count; /* entries */
};

static inline uint64_t tide_hash64(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ (x >> 32);
}

/* An empty map takes no memory until the first put. */
void tide_map_init(struct tide_map *m);
void tide_map_fini(struct tide_map *m);
void tide_map_clear(struct tide_map *m);
/* The place of the value of `key`, or NULL. Valid until the next put or remove. */
uint64_t *tide_map_get(const struct tide_map *m, uint64_t key);
/* The place of the value of `key`, inserted as 0 if absent (*inserted tells, may be NULL);
 * NULL: out of memory, the map unchanged. */
uint64_t *tide_map_put(struct tide_map *m, uint64_t key, bool *inserted);
bool tide_map_remove(struct tide_map *m, uint64_t key);

#endif
