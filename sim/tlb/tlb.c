/* TLB arrays and the path through their levels: see tlb.h.
 *
 * The victim is the way with the least `order`, ties to the lowest way. As free slots have order 0
 * and used ones more, one search finds a free way first, then lru's, fifo's or lfu's victim; for
 * random and plru it tells that no way is free.
 *
 * Sets of very many ways keep a tournament tree over `recorded`, a copy of `order` that lags
 * behind: hits raise `order` and leave the tree alone, so a hit stays one store. recorded <= order
 * holds always; so once the winner's record is up to date, no other way can have less. Until then
 * the search brings the winner up to date and plays its matches again: at most once for each slot
 * hit since, O(log ways) each. Leaves are nodes ways..2*ways-1, node n's children 2n and 2n+1.
 */
#include "tlb/tlb.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *const tide_tlb_kind_names[TIDE_TLB_KINDS] = {
#define TIDE_TLB_KIND(name, summary) #name,
#include "tlb/kinds.def"
#undef TIDE_TLB_KIND
};

const char *const tide_tlb_kind_summaries[TIDE_TLB_KINDS] = {
#define TIDE_TLB_KIND(name, summary) summary,
#include "tlb/kinds.def"
#undef TIDE_TLB_KIND
};

/* The tournament */

static uint32_t contestant(const struct tide_tlb_array *a, uint32_t base, uint32_t node)
{
    return node >= a->ways ? node - a->ways : a->winner[base + node];
}

static void play(struct tide_tlb_array *a, uint32_t base, uint32_t node)
{
    uint32_t x = contestant(a, base, 2 * node), y = contestant(a, base, 2 * node + 1);
    uint64_t of_x = a->recorded[base + x], of_y = a->recorded[base + y];

    /* where ways is no power of two, the left child's ways may be the higher ones */
    a->winner[base + node] = of_x < of_y || (of_x == of_y && x < y) ? x : y;
}

static void record(struct tide_tlb_array *a, uint32_t base, uint32_t way)
{
    if (a->winner == NULL)
        return;
    a->recorded[base + way] = a->order[base + way];
    for (uint32_t node = (a->ways + way) / 2; node >= 1; node /= 2)
        play(a, base, node);
}

static uint32_t least(struct tide_tlb_array *a, uint32_t base)
{
    const uint64_t *order = &a->order[base];
    uint32_t best = 0;
    uint64_t of_best = order[0];

    if (a->winner != NULL) {
        for (;;) {
            best = a->winner[base + 1];
            if (a->recorded[base + best] == a->order[base + best])
                return best;
            record(a, base, best);
        }
    }
    for (uint32_t way = 1; way < a->ways; way++) {
        best = order[way] < of_best ? way : best;
        of_best = order[way] < of_best ? order[way] : of_best;
    }
    return best;
}

/* The index: linear probing, deletion by back-shift (Knuth, TAOCP vol. 3, 6.4, algorithm R). */

static size_t index_mask(const struct tide_tlb_array *a)
{
    return ((size_t)1 << (64 - a->index_shift)) - 1;
}

static void index_insert(struct tide_tlb_array *a, uint32_t slot)
{
    size_t mask, i;

    if (a->index == NULL)
        return;
    mask = index_mask(a);
    i = tide_tlb_array_home(a, a->tags[slot]);
    while (a->index[i] != TIDE_TLB_NO_SLOT)
        i = (i + 1) & mask;
    a->index[i] = slot;
}

static void index_remove(struct tide_tlb_array *a, uint32_t slot)
{
    size_t mask, hole;

    if (a->index == NULL)
        return;
    mask = index_mask(a);
    hole = tide_tlb_array_home(a, a->tags[slot]);
    while (a->index[hole] != slot)
        hole = (hole + 1) & mask;
    for (size_t i = (hole + 1) & mask; a->index[i] != TIDE_TLB_NO_SLOT; i = (i + 1) & mask) {
        size_t home = tide_tlb_array_home(a, a->tags[a->index[i]]);

        /* the slot at i may fill the hole unless its home lies cyclically in (hole, i] */
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            a->index[hole] = a->index[i];
            hole = i;
        }
    }
    a->index[hole] = TIDE_TLB_NO_SLOT;
}

/* Tree PLRU */

static uint64_t *tree_of(const struct tide_tlb_array *a, uint32_t base)
{
    return &a->tree[base / a->ways * a->tree_words];
}

void tide_tlb_array_touch_tree(struct tide_tlb_array *a, int32_t slot)
{
    uint32_t way = (uint32_t)slot % a->ways;
    uint64_t *bits = tree_of(a, (uint32_t)slot - way);

    for (uint32_t node = a->ways + way; node > 1; node /= 2) {
        uint64_t bit = UINT64_C(1) << (node / 2 % 64);

        if (node % 2 == 0)
            bits[node / 128] |= bit;
        else
            bits[node / 128] &= ~bit;
    }
}

static uint32_t tree_victim(const struct tide_tlb_array *a, uint32_t base)
{
    const uint64_t *bits = tree_of(a, base);
    uint32_t node = 1;

    while (node < a->ways)
        node = 2 * node + (uint32_t)(bits[node / 64] >> (node % 64) & 1);
    return node - a->ways;
}

/* One array */

int tide_tlb_array_init(struct tide_tlb_array *a, const struct tide_tlb_array_config *c,
                        uint64_t seed, struct tide_error *e)
{
    char stream[sizeof c->name + 4] = "tlb.";

    *a = (struct tide_tlb_array){
        .set_mask = c->entries / c->ways - 1,
        .ways = c->ways,
        .sets = c->entries / c->ways,
        .kind = c->kind,
        .config = *c,
    };
    memcpy(stream + 4, c->name, strnlen(c->name, sizeof c->name - 1));
    tide_rng_init(&a->rng, seed, stream);
    a->tags = tide_malloc(c->entries * sizeof *a->tags);
    a->frames = tide_calloc(c->entries, sizeof *a->frames);
    a->order = tide_calloc(c->entries, sizeof *a->order);
    if (a->tags == NULL || a->frames == NULL || a->order == NULL)
        goto nomem;
    for (uint32_t i = 0; i < c->entries; i++)
        a->tags[i] = TIDE_PAGE_NONE.v;
    if (c->kind == TIDE_TLB_plru) {
        a->tree_words = (c->ways + 63) / 64;
        a->tree = tide_calloc(a->sets * a->tree_words, sizeof *a->tree);
        if (a->tree == NULL)
            goto nomem;
    }
    if (c->ways > TIDE_TLB_SCAN_WAYS) {
        size_t places = 1;

        a->index_shift = 64;
        while (places < 2 * (size_t)c->entries) {
            places *= 2;
            a->index_shift--;
        }
        if ((a->index = tide_malloc(places * sizeof *a->index)) == NULL)
            goto nomem;
        for (size_t i = 0; i < places; i++)
            a->index[i] = TIDE_TLB_NO_SLOT;
    }
    if (c->ways > TIDE_TLB_SCAN_VICTIMS) {
        a->recorded = tide_calloc(c->entries, sizeof *a->recorded);
        a->winner = tide_calloc(c->entries, sizeof *a->winner);
        if (a->recorded == NULL || a->winner == NULL)
            goto nomem;
        for (uint32_t base = 0; base < c->entries; base += c->ways)
            for (uint32_t node = c->ways - 1; node >= 1; node--)
                play(a, base, node);
    }
    return 0;
nomem:
    tide_tlb_array_fini(a);
    return tide_nomem(e);
}

void tide_tlb_array_fini(struct tide_tlb_array *a)
{
    free(a->tags);
    free(a->frames);
    free(a->order);
    free(a->tree);
    free(a->index);
    free(a->recorded);
    free(a->winner);
    *a = (struct tide_tlb_array){0};
}

int32_t tide_tlb_array_fill(struct tide_tlb_array *a, tide_page page, uint32_t frame)
{
    uint32_t base = (uint32_t)(page.v & a->set_mask) * a->ways;
    uint32_t way = least(a, base), slot;

    assert(tide_tlb_array_find(a, page) < 0);
    a->evicted.order = 0;
    if (a->order[base + way] != 0) {
        if (a->kind == TIDE_TLB_random)
            way = (uint32_t)tide_rng_below(&a->rng, a->ways);
        else if (a->kind == TIDE_TLB_plru)
            way = tree_victim(a, base);
        index_remove(a, base + way);
        a->evicted.order = a->order[base + way];
        a->evicted.frame = a->frames[base + way];
        a->stats.evictions++;
    }
    slot = base + way;
    a->tags[slot] = page.v;
    a->frames[slot] = frame;
    if (a->kind == TIDE_TLB_lru || a->kind == TIDE_TLB_fifo)
        a->order[slot] = ++a->now;
    else
        a->order[slot] = 1;
    if (a->kind == TIDE_TLB_plru)
        tide_tlb_array_touch_tree(a, (int32_t)slot);
    record(a, base, way);
    index_insert(a, slot);
    return (int32_t)slot;
}

static void empty_slot(struct tide_tlb_array *a, uint32_t slot)
{
    uint32_t way = slot % a->ways;

    index_remove(a, slot);
    a->tags[slot] = TIDE_PAGE_NONE.v;
    a->order[slot] = 0;
    record(a, slot - way, way);
    a->stats.invalidations++;
}

bool tide_tlb_array_invalidate(struct tide_tlb_array *a, tide_page page)
{
    int32_t slot = tide_tlb_array_find(a, page);

    if (slot < 0)
        return false;
    empty_slot(a, (uint32_t)slot);
    return true;
}

/* The path */

static bool on_a_path(const struct tide_tlb *t, unsigned i)
{
    for (unsigned side = 0; side < TIDE_SIDES; side++)
        for (unsigned k = 0; k < t->depth[side]; k++)
            if (t->path[side][k] == i)
                return true;
    return false;
}

int tide_tlb_init(struct tide_tlb *t, const struct tide_tlb_config *c, unsigned page_shift,
                  uint64_t seed, struct tide_error *e)
{
    *t = (struct tide_tlb){.n = c->n};
    for (unsigned side = 0; side < TIDE_SIDES; side++) {
        for (uint32_t level = 1; level <= TIDE_TLB_MAX_LEVELS; level++) {
            int i = tide_tlb_array_of(c, page_shift, (enum tide_side)side, level);

            if (i >= 0)
                t->path[side][t->depth[side]++] = (uint8_t)i;
        }
    }
    for (unsigned i = 0; i < c->n; i++) {
        int rc;

        if (!on_a_path(t, i)) {
            t->arrays[i].config = c->arrays[i];
            continue;
        }
        rc = tide_tlb_array_init(&t->arrays[i], &c->arrays[i], seed, e);
        if (rc < 0) {
            tide_tlb_fini(t);
            return rc;
        }
    }
    return 0;
}

void tide_tlb_fini(struct tide_tlb *t)
{
    for (unsigned i = 0; i < t->n; i++)
        tide_tlb_array_fini(&t->arrays[i]);
    *t = (struct tide_tlb){0};
}

int32_t tide_tlb_hit(struct tide_tlb *t, enum tide_side side, tide_page page, unsigned level,
                     int32_t slot)
{
    const uint8_t *path = t->path[side];
    struct tide_tlb_array *hit = &t->arrays[path[level]];

    tide_tlb_array_hit(hit, slot, 1);
    while (level-- > 0) {
        struct tide_tlb_array *a = &t->arrays[path[level]];

        a->stats.lookups++;
        a->stats.misses++;
        slot = tide_tlb_array_fill(a, page, hit->frames[slot]);
        hit = a;
    }
    return slot;
}

int tide_tlb_lookup(struct tide_tlb *t, enum tide_side side, tide_page page, uint32_t *frame)
{
    const uint8_t *path = t->path[side];

    for (unsigned level = 0; level < t->depth[side]; level++) {
        const struct tide_tlb_array *a = &t->arrays[path[level]];
        int32_t slot = tide_tlb_array_find(a, page);

        if (slot >= 0) {
            *frame = a->frames[slot];
            tide_tlb_hit(t, side, page, level, slot);
            return (int)level;
        }
    }
    for (unsigned level = 0; level < t->depth[side]; level++) {
        t->arrays[path[level]].stats.lookups++;
        t->arrays[path[level]].stats.misses++;
    }
    return -1;
}

void tide_tlb_fill(struct tide_tlb *t, enum tide_side side, tide_page page, uint32_t frame)
{
    for (unsigned level = 0; level < t->depth[side]; level++)
        tide_tlb_array_fill(&t->arrays[t->path[side][level]], page, frame);
}

void tide_tlb_note(struct tide_tlb *t, enum tide_side side, int level, uint16_t *seen)
{
    unsigned filled = level < 0 ? t->depth[side] : (unsigned)level;

    for (unsigned k = 0; k < filled; k++) {
        unsigned i = t->path[side][k];

        t->arrays[i].stats.compulsory_misses += ~*seen >> i & 1;
        *seen = (uint16_t)(*seen | 1u << i);
    }
}

void tide_tlb_invalidate(struct tide_tlb *t, tide_page page)
{
    for (unsigned i = 0; i < t->n; i++)
        if (t->arrays[i].tags != NULL)
            tide_tlb_array_invalidate(&t->arrays[i], page);
}

void tide_tlb_flush_process(struct tide_tlb *t, unsigned process)
{
    for (unsigned i = 0; i < t->n; i++) {
        struct tide_tlb_array *a = &t->arrays[i];

        if (a->tags == NULL)
            continue;
        for (uint32_t slot = 0; slot < a->config.entries; slot++)
            if (a->order[slot] != 0 && tide_page_process((tide_page){a->tags[slot]}) == process)
                empty_slot(a, slot);
    }
}

void tide_tlb_zero_stats(struct tide_tlb *t)
{
    for (unsigned i = 0; i < t->n; i++)
        t->arrays[i].stats = (struct tide_tlb_array_stats){0};
}
