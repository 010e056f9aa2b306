/* Hash map: see map.h. Source of deletion by back-shift: Knuth, TAOCP vol. 3, 6.4, algorithm R. */
#include "base/map.h"

#include <stdlib.h>

#include "base/mem.h"

void tide_map_init(struct tide_map *m)
{
    *m = (struct tide_map){0};
}

void tide_map_fini(struct tide_map *m)
{
    free(m->slots);
    *m = (struct tide_map){0};
}

void tide_map_clear(struct tide_map *m)
{
    tide_map_fini(m);
}

static size_t find(const struct tide_map *m, uint64_t key)
{
    size_t i = (size_t)tide_hash64(key) & m->mask;

    while (m->slots[i].key != key && m->slots[i].key != TIDE_MAP_NONE)
        i = (i + 1) & m->mask;
    return i;
}

uint64_t *tide_map_get(const struct tide_map *m, uint64_t key)
{
    size_t i;

    if (m->slots == NULL)
        return NULL;
    i = find(m, key);
    return m->slots[i].key == key ? &m->slots[i].value : NULL;
}

static bool grow(struct tide_map *m)
{
    size_t n = m->slots == NULL ? 16 : 2 * (m->mask + 1);
    struct tide_map bigger = {.slots = tide_malloc(n * sizeof *m->slots), .mask = n - 1};

    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        bigger.slots[i].key = TIDE_MAP_NONE;
    for (size_t i = 0; m->slots != NULL && i <= m->mask; i++)
        if (m->slots[i].key != TIDE_MAP_NONE)
            bigger.slots[find(&bigger, m->slots[i].key)] = m->slots[i];
    free(m->slots);
    m->slots = bigger.slots;
    m->mask = bigger.mask;
    return true;
}

uint64_t *tide_map_put(struct tide_map *m, uint64_t key, bool *inserted)
{
    size_t i;
    bool is_new;

    if ((m->slots == NULL || m->count + 1 > (m->mask + 1) / 4 * 3) && !grow(m))
        return NULL;
    i = find(m, key);
    is_new = m->slots[i].key == TIDE_MAP_NONE;
    if (is_new) {
        m->slots[i] = (struct tide_map_slot){.key = key, .value = 0};
        m->count++;
    }
    if (inserted != NULL)
        *inserted = is_new;
    return &m->slots[i].value;
}

bool tide_map_remove(struct tide_map *m, uint64_t key)
{
    size_t hole, i;

    if (m->slots == NULL)
        return false;
    hole = find(m, key);
    if (m->slots[hole].key != key)
        return false;
    for (i = (hole + 1) & m->mask; m->slots[i].key != TIDE_MAP_NONE; i = (i + 1) & m->mask) {
        size_t home = (size_t)tide_hash64(m->slots[i].key) & m->mask;

        /* the entry at i may fill the hole unless its home lies cyclically in (hole, i] */
        if (((i - home) & m->mask) >= ((i - hole) & m->mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole].key = TIDE_MAP_NONE;
    m->count--;
    return true;
}
