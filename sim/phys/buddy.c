/* Buddy allocator: see buddy.h. */
#include "phys/buddy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { TOP = TIDE_BUDDY_ORDERS - 1 };

static const uint32_t END = UINT32_MAX;

static bool is_free(const struct tide_buddy *b, uint32_t pfn, unsigned order)
{
    return b->table[order][pfn >> order].next != 0;
}

static void insert(struct tide_buddy *b, uint32_t pfn, unsigned order, bool at_tail)
{
    struct tide_buddy_block *table = b->table[order];
    uint32_t name = (pfn >> order) + 1;
    uint32_t prev = at_tail ? b->tail[order] : END;
    uint32_t next = at_tail ? END : b->head[order];

    table[name - 1] = (struct tide_buddy_block){.next = next, .prev = prev};
    *(prev == END ? &b->head[order] : &table[prev - 1].next) = name;
    *(next == END ? &b->tail[order] : &table[next - 1].prev) = name;
    b->free_blocks[order]++;
}

static void take(struct tide_buddy *b, uint32_t pfn, unsigned order)
{
    struct tide_buddy_block *table = b->table[order];
    struct tide_buddy_block *block = &table[pfn >> order];

    *(block->prev == END ? &b->head[order] : &table[block->prev - 1].next) = block->next;
    *(block->next == END ? &b->tail[order] : &table[block->next - 1].prev) = block->prev;
    *block = (struct tide_buddy_block){0};
    b->free_blocks[order]--;
}

/* Puts a block among the free ones, merged with its buddies as far as that goes. */
static void release(struct tide_buddy *b, uint32_t pfn, unsigned order, bool at_tail)
{
    b->free_frames += 1u << order;
    while (order < TOP) {
        uint32_t buddy = pfn ^ (1u << order);

        if (buddy >= b->frames || !is_free(b, buddy, order))
            break;
        take(b, buddy, order);
        b->stats.merges++;
        pfn &= ~(1u << order);
        order++;
    }
    insert(b, pfn, order, at_tail);
}

/* Adds frames [b->frames, end) as the largest aligned blocks that they hold. */
static void add(struct tide_buddy *b, uint32_t end)
{
    uint32_t pfn = b->frames;

    b->frames = end;
    while (pfn < end) {
        unsigned order = 0;

        while (order < TOP && (pfn & (1u << order)) == 0 && end - pfn >= 2u << order)
            order++;
        release(b, pfn, order, true);
        pfn += 1u << order;
    }
}

/* Tables for `capacity` frames, with nothing free. */
static int make_tables(struct tide_buddy_block *table[TIDE_BUDDY_ORDERS], uint32_t capacity,
                       struct tide_error *e)
{
    size_t at[TIDE_BUDDY_ORDERS];
    size_t total = 0;

    for (unsigned order = 0; order <= TOP; order++) {
        at[order] = total;
        total += ((size_t)capacity >> order) + 1;
    }
    table[0] = tide_calloc(total, sizeof **table);
    if (table[0] == NULL)
        return tide_nomem(e);
    for (unsigned order = 1; order <= TOP; order++)
        table[order] = table[0] + at[order];
    return 0;
}

int tide_buddy_init(struct tide_buddy *b, uint32_t frames, uint32_t capacity, struct tide_error *e)
{
    assert(frames <= capacity && capacity < UINT32_MAX);
    *b = (struct tide_buddy){.capacity = capacity};
    for (unsigned order = 0; order <= TOP; order++)
        b->head[order] = b->tail[order] = END;
    if (make_tables(b->table, capacity, e) < 0)
        return TIDE_E_NOMEM;
    add(b, frames);
    return 0;
}

void tide_buddy_fini(struct tide_buddy *b)
{
    free(b->table[0]);
    *b = (struct tide_buddy){0};
}

/* At least doubles the tables. Only the entries of free blocks are copied, found by their lists,
 * so that the untouched rest stays unbacked. */
static int extend(struct tide_buddy *b, uint32_t need, struct tide_error *e)
{
    struct tide_buddy_block *table[TIDE_BUDDY_ORDERS];
    uint32_t doubled = b->capacity > (UINT32_MAX - 1) / 2 ? UINT32_MAX - 1 : 2 * b->capacity;
    uint32_t capacity = need > doubled ? need : doubled;

    if (make_tables(table, capacity, e) < 0)
        return TIDE_E_NOMEM;
    for (unsigned order = 0; order <= TOP; order++)
        for (uint32_t at = b->head[order]; at != END; at = b->table[order][at - 1].next)
            table[order][at - 1] = b->table[order][at - 1];
    free(b->table[0]);
    memcpy(b->table, table, sizeof table);
    b->capacity = capacity;
    return 0;
}

int tide_buddy_grow(struct tide_buddy *b, uint32_t more, struct tide_error *e)
{
    assert(more < UINT32_MAX - b->frames);
    if (more > b->capacity - b->frames && extend(b, b->frames + more, e) < 0)
        return TIDE_E_NOMEM;
    add(b, b->frames + more);
    return 0;
}

tide_pfn tide_buddy_alloc(struct tide_buddy *b, unsigned order)
{
    unsigned from = order;
    uint32_t pfn;

    while (from <= TOP && b->head[from] == END)
        from++;
    if (from > TOP) {
        b->stats.failures++;
        return TIDE_PFN_NONE;
    }
    pfn = (b->head[from] - 1) << from;
    take(b, pfn, from);
    while (from > order) {
        from--;
        insert(b, pfn + (1u << from), from, false);
        b->stats.splits++;
    }
    b->free_frames -= 1u << order;
    b->stats.allocs[order]++;
    return (tide_pfn){pfn};
}

/* Whether any frame of the block is free: then it, a block around it or one inside it is listed. */
static bool touches_free(const struct tide_buddy *b, uint32_t pfn, unsigned order)
{
    for (unsigned k = order; k <= TOP; k++)
        if (is_free(b, pfn, k))
            return true;
    for (unsigned k = 0; k < order; k++)
        for (uint32_t at = pfn; at < pfn + (1u << order); at += 1u << k)
            if (is_free(b, at, k))
                return true;
    return false;
}

void tide_buddy_free(struct tide_buddy *b, tide_pfn pfn, unsigned order)
{
    assert(order <= TOP && pfn.v % (1u << order) == 0);
    assert(pfn.v < b->frames && 1u << order <= b->frames - pfn.v);
    assert(!touches_free(b, pfn.v, order));
    b->stats.frees[order]++;
    release(b, pfn.v, order, false);
}

void tide_buddy_unusable(const struct tide_buddy *b, unsigned order, uint64_t *num, uint64_t *den)
{
    uint64_t usable = 0;

    for (unsigned k = order; k <= TOP; k++)
        usable += (uint64_t)b->free_blocks[k] << k;
    *num = b->free_frames - usable;
    *den = b->free_frames;
}

/* The list of an order: links in both directions, blocks whole, unmerged and in nothing free. */
static bool list_valid(const struct tide_buddy *b, unsigned order)
{
    const struct tide_buddy_block *table = b->table[order];
    uint32_t prev = END, n = 0;

    for (uint32_t at = b->head[order]; at != END; at = table[at - 1].next) {
        uint32_t pfn = (at - 1) << order;

        if (pfn >= b->frames || 1u << order > b->frames - pfn)
            return false;
        if (table[at - 1].next == 0 || table[at - 1].prev != prev || ++n > b->free_blocks[order])
            return false;
        if (order < TOP && (pfn ^ (1u << order)) < b->frames &&
            is_free(b, pfn ^ (1u << order), order))
            return false;
        for (unsigned k = order + 1; k <= TOP; k++)
            if (is_free(b, pfn, k))
                return false;
        prev = at;
    }
    return n == b->free_blocks[order] && b->tail[order] == prev;
}

bool tide_buddy_valid(const struct tide_buddy *b)
{
    uint64_t frames = 0;

    for (unsigned order = 0; order <= TOP; order++) {
        uint32_t marked = 0;

        if (!list_valid(b, order))
            return false;
        for (size_t i = 0; i <= b->capacity >> order; i++)
            marked += b->table[order][i].next != 0;
        if (marked != b->free_blocks[order])
            return false;
        frames += (uint64_t)b->free_blocks[order] << order;
    }
    return frames == b->free_frames;
}
