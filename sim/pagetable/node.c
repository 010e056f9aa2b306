/* Host form of one table: see node.h. */
#include "pagetable/node.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static size_t round_up_8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static size_t slots(unsigned bits)
{
    return (size_t)1 << bits;
}

/* Byte offset of the words, or of a direct node's bits. */
static size_t offset(uint16_t capacity)
{
    return round_up_8(sizeof(struct tide_pt_node) + capacity * sizeof(uint16_t));
}

static uint64_t *in_use(struct tide_pt_node *n)
{
    return (uint64_t *)(void *)((char *)n + offset(0));
}

static size_t in_use_words(unsigned bits)
{
    return (slots(bits) + 63) / 64;
}

static uint64_t *words(struct tide_pt_node *n)
{
    if (n->capacity == 0)
        return in_use(n) + in_use_words(n->bits);
    return (uint64_t *)(void *)((char *)n + offset(n->capacity));
}

static struct tide_pt_node *new_node(unsigned bits, tide_pfn pfn, size_t capacity)
{
    size_t n = capacity > 0 ? capacity : in_use_words(bits) + slots(bits);
    struct tide_pt_node *node = tide_calloc(1, offset((uint16_t)capacity) + n * sizeof(uint64_t));

    if (node != NULL)
        *node = (struct tide_pt_node){
            .pfn = pfn, .capacity = (uint16_t)capacity, .bits = (uint16_t)bits};
    return node;
}

struct tide_pt_node *tide_pt_node_new(unsigned bits, tide_pfn pfn)
{
    return new_node(bits, pfn, 1);
}

/* Sparse: the position of the first index not below this one. */
static uint32_t position(const struct tide_pt_node *n, uint32_t index)
{
    uint32_t at = 0;

    for (uint32_t len = n->count; len > 0;) {
        uint32_t half = (len + 1) / 2;

        at += n->index[at + half - 1] < index ? half : 0;
        len -= half;
    }
    return at;
}

uint64_t *tide_pt_node_get(struct tide_pt_node *n, uint32_t index)
{
    uint32_t at = index;

    if (n->capacity == 0)
        return in_use(n)[at / 64] >> at % 64 & 1 ? &words(n)[at] : NULL;
    at = position(n, index);
    return at < n->count && n->index[at] == index ? &words(n)[at] : NULL;
}

/* The same entries with twice the room, or direct. */
static struct tide_pt_node *grown(struct tide_pt_node *n)
{
    size_t capacity = 2 * (size_t)n->capacity;
    struct tide_pt_node *bigger =
        new_node(n->bits, n->pfn, capacity <= slots(n->bits) / 8 ? capacity : 0);

    if (bigger == NULL)
        return NULL;
    bigger->count = n->count;
    if (bigger->capacity > 0) {
        memcpy(bigger->index, n->index, n->count * sizeof *n->index);
        memcpy(words(bigger), words(n), n->count * sizeof *words(n));
    } else {
        for (uint32_t i = 0; i < n->count; i++) {
            in_use(bigger)[n->index[i] / 64] |= UINT64_C(1) << n->index[i] % 64;
            words(bigger)[n->index[i]] = words(n)[i];
        }
    }
    return bigger;
}

uint64_t *tide_pt_node_put(struct tide_pt_node **node, uint32_t index)
{
    struct tide_pt_node *n = *node;
    uint64_t *w = tide_pt_node_get(n, index);
    uint32_t at = index;

    if (w != NULL)
        return w;
    if (n->capacity > 0 && n->count == n->capacity) {
        n = grown(*node);
        if (n == NULL)
            return NULL;
        free(*node);
        *node = n;
    }
    w = words(n);
    if (n->capacity == 0) {
        in_use(n)[at / 64] |= UINT64_C(1) << at % 64;
    } else {
        at = position(n, index);
        memmove(&n->index[at + 1], &n->index[at], (n->count - at) * sizeof *n->index);
        memmove(&w[at + 1], &w[at], (n->count - at) * sizeof *w);
        n->index[at] = (uint16_t)index;
    }
    n->count++;
    w[at] = 0;
    return &w[at];
}

void tide_pt_node_remove(struct tide_pt_node *n, uint32_t index)
{
    uint32_t at;

    n->count--;
    if (n->capacity == 0) {
        in_use(n)[index / 64] &= ~(UINT64_C(1) << index % 64);
        return;
    }
    at = position(n, index);
    memmove(&n->index[at], &n->index[at + 1], (n->count - at) * sizeof *n->index);
    memmove(&words(n)[at], &words(n)[at + 1], (n->count - at) * sizeof *words(n));
}

uint64_t *tide_pt_node_next(struct tide_pt_node *n, uint32_t *index)
{
    uint32_t at = *index;

    if (n->capacity > 0) {
        at = position(n, at);
        if (at == n->count)
            return NULL;
        *index = n->index[at];
        return &words(n)[at];
    }
    for (uint64_t mask = UINT64_MAX << at % 64; at < slots(n->bits); at += 64) {
        uint64_t hits = in_use(n)[at / 64] & mask;

        if (hits != 0) {
            *index = at / 64 * 64 + (uint32_t)__builtin_ctzll(hits);
            return &words(n)[*index];
        }
        mask = UINT64_MAX;
    }
    return NULL;
}
