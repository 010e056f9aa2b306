/* LRU at every number of frames: see lru.h.
 *
 * Most references find their page among the last eight, which are kept in order in a window of
 * their own. The others ask how many marks stand at or behind their page's slot: groups, blocks and
 * words are added up from the end. When the slots are used up, the marked ones move together.
 */
#include "curve/lru.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    WORDS = 8,                   /* of marks in a block */
    BLOCK = 64 * WORDS,          /* slots */
    GROUP_BLOCKS = 64,           /* blocks in a group */
    GROUP = BLOCK * GROUP_BLOCKS /* slots */
};

/* Values of slot_of beside slots. */
#define ABSENT    UINT32_MAX
#define IN_WINDOW (UINT32_MAX - 1)
/* Value of page_at. */
#define HOLE UINT32_MAX
/* In the window. */
#define NO_PAGE UINT32_MAX

/* ---- marks ---- */

static inline void mark(struct tide_lru_curve *c, uint32_t slot)
{
    c->marks[slot / 64] |= UINT64_C(1) << (slot % 64);
    c->blocks[slot / BLOCK]++;
    c->groups[slot / GROUP]++;
    c->marked++;
}

static inline void unmark(struct tide_lru_curve *c, uint32_t slot)
{
    c->marks[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
    c->blocks[slot / BLOCK]--;
    c->groups[slot / GROUP]--;
    c->marked--;
}

/* Marks at `slot` and behind it. */
static inline uint32_t marks_from(const struct tide_lru_curve *c, uint32_t slot)
{
    uint32_t group = slot / GROUP, block = slot / BLOCK, word = slot / 64;
    uint32_t last_group = (c->top - 1) / GROUP, last_block = (c->top - 1) / BLOCK, n;

    n = (uint32_t)__builtin_popcountll(c->marks[word] >> (slot % 64));
    for (uint32_t w = word + 1; w % WORDS != 0; w++)
        n += (uint32_t)__builtin_popcountll(c->marks[w]);
    for (uint32_t b = block + 1; b % GROUP_BLOCKS != 0 && b <= last_block; b++)
        n += c->blocks[b];
    for (uint32_t g = group + 1; g <= last_group; g++)
        n += c->groups[g];
    return n;
}

/* ---- the heap of holes: the latest slot first ---- */

static int add_hole(struct tide_lru_curve *c, uint32_t slot, struct tide_error *e)
{
    uint32_t *heap = tide_grow(c->holes, &c->holes_cap, c->n_holes + 1, sizeof *heap);
    size_t i = c->n_holes;

    if (heap == NULL)
        return tide_nomem(e);
    c->holes = heap;
    c->n_holes++;
    c->page_at[slot] = HOLE;
    for (; i > 0 && heap[(i - 1) / 2] < slot; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = slot;
    return 0;
}

static uint32_t take_hole(struct tide_lru_curve *c)
{
    uint32_t *heap = c->holes, first = heap[0], last = heap[--c->n_holes];
    size_t i = 0, child;

    while ((child = 2 * i + 1) < c->n_holes) {
        child += child + 1 < c->n_holes && heap[child + 1] > heap[child];
        if (heap[child] <= last)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return first;
}

/* ---- slots ---- */

static int resize(struct tide_lru_curve *c, uint32_t slots, struct tide_error *e)
{
    uint32_t groups = slots / GROUP + 1;
    struct tide_lru_curve old = *c;

    c->page_at = tide_malloc((size_t)slots * sizeof *c->page_at);
    c->marks = tide_calloc(slots / 64, sizeof *c->marks);
    c->blocks = tide_calloc(slots / BLOCK, sizeof *c->blocks);
    c->groups = tide_calloc(groups, sizeof *c->groups);
    if (c->page_at == NULL || c->marks == NULL || c->blocks == NULL || c->groups == NULL) {
        free(c->page_at);
        free(c->marks);
        free(c->blocks);
        free(c->groups);
        *c = old;
        return tide_nomem(e);
    }
    if (old.top > 0) {
        memcpy(c->page_at, old.page_at, old.top * sizeof *c->page_at);
        memcpy(c->marks, old.marks, old.slots / 64 * sizeof *c->marks);
        memcpy(c->blocks, old.blocks, old.slots / BLOCK * sizeof *c->blocks);
        memcpy(c->groups, old.groups, (old.slots / GROUP + 1) * sizeof *c->groups);
    }
    free(old.page_at);
    free(old.marks);
    free(old.blocks);
    free(old.groups);
    c->slots = slots;
    return 0;
}

/* All slots are used up: marked ones move together, and there are at least twice as many slots. */
static int make_room(struct tide_lru_curve *c, struct tide_error *e)
{
    uint32_t to = 0, marked = c->marked;
    size_t holes = 0;

    /* moving keeps the order of slots, so a sorted list of holes is a heap again if it descends */
    for (uint32_t word = 0; word < (c->top + 63) / 64; word++) {
        for (uint64_t bits = c->marks[word]; bits != 0; bits &= bits - 1, to++) {
            uint32_t from = word * 64 + (uint32_t)__builtin_ctzll(bits), page = c->page_at[from];

            c->page_at[to] = page;
            if (page == HOLE)
                c->holes[holes++] = to;
            else
                c->slot_of[page] = to;
        }
    }
    for (size_t i = 0; i < holes / 2; i++) {
        uint32_t swapped = c->holes[i];

        c->holes[i] = c->holes[holes - 1 - i];
        c->holes[holes - 1 - i] = swapped;
    }
    if (c->slots > 0) {
        memset(c->marks, 0, c->slots / 64 * sizeof *c->marks);
        memset(c->blocks, 0, c->slots / BLOCK * sizeof *c->blocks);
        memset(c->groups, 0, (c->slots / GROUP + 1) * sizeof *c->groups);
    }
    c->marked = 0;
    for (uint32_t slot = 0; slot < marked; slot++)
        mark(c, slot);
    c->top = marked;
    if (c->slots == 0)
        return resize(c, 8 * BLOCK, e);
    if (marked <= c->slots / 4)
        return 0;
    if (c->slots > UINT32_MAX / 4)
        return tide_nomem(e);
    return resize(c, 2 * c->slots, e);
}

/* The page gets the latest slot. */
static inline int give_slot(struct tide_lru_curve *c, uint32_t page, struct tide_error *e)
{
    if (c->top == c->slots) {
        int rc = make_room(c, e);

        if (rc != 0)
            return rc;
    }
    c->page_at[c->top] = page;
    c->slot_of[page] = c->top;
    mark(c, c->top++);
    return 0;
}

/* ---- references ---- */

/* The page moves to the front of the window. Returns its place there before, from 1; 0: it was not
 * there, and *fallen has left at the other end (NO_PAGE: nobody). */
static inline uint32_t to_front(struct tide_lru_curve *c, uint32_t page, uint32_t *fallen)
{
    uint32_t carried = page;

    for (uint32_t i = 0; i < TIDE_LRU_WINDOW; i++) {
        uint32_t here = c->window[i];

        c->window[i] = carried;
        if (here == page)
            return i + 1;
        carried = here;
    }
    *fallen = carried;
    return 0;
}

/* A page that was not in the window and is now. Returns its depth, 0 for a page without a place. */
static int reference(struct tide_lru_curve *c, uint32_t page, uint32_t fallen, uint32_t *depth,
                     struct tide_error *e)
{
    uint32_t slot = c->slot_of[page];
    int rc = 0;

    *depth = 0;
    c->slot_of[page] = IN_WINDOW;
    if (slot == ABSENT) {
        if (c->n_holes > 0)
            unmark(c, take_hole(c));
    } else {
        *depth = c->n_window + marks_from(c, slot);
        if (c->n_holes > 0 && c->holes[0] > slot) {
            unmark(c, take_hole(c));
            rc = add_hole(c, slot, e);
        } else {
            unmark(c, slot);
        }
    }
    if (fallen == NO_PAGE)
        c->n_window++;
    else if (rc == 0)
        rc = give_slot(c, fallen, e);
    return rc;
}

static int forget(struct tide_lru_curve *c, uint32_t page, struct tide_error *e)
{
    uint32_t slot = c->slot_of[page];
    int rc = 0;

    if (slot == ABSENT)
        return 0;
    if (slot == IN_WINDOW) { /* there are no holes in the window: it is dissolved */
        for (uint32_t i = c->n_window; i-- > 0 && rc == 0;) {
            rc = give_slot(c, c->window[i], e);
            c->window[i] = NO_PAGE;
        }
        c->n_window = 0;
        if (rc != 0)
            return rc;
        slot = c->slot_of[page];
    }
    c->slot_of[page] = ABSENT;
    return add_hole(c, slot, e);
}

static int reserve(struct tide_lru_curve *c, size_t n_ids, struct tide_error *e)
{
    size_t old = c->ids_cap;
    uint32_t *grown;

    if (n_ids >= IN_WINDOW)
        return tide_nomem(e);
    if (old == 0)
        for (size_t i = 0; i < TIDE_LRU_WINDOW; i++)
            c->window[i] = NO_PAGE;
    if (n_ids > old) {
        grown = tide_grow(c->slot_of, &c->ids_cap, n_ids, sizeof *grown);
        if (grown == NULL)
            return tide_nomem(e);
        c->slot_of = grown;
        for (size_t i = old; i < c->ids_cap; i++)
            grown[i] = ABSENT;
    }
    /* no more places than pages at a time, and those in the window */
    return tide_distances_reserve(&c->distances, n_ids + TIDE_LRU_WINDOW, e);
}

int tide_lru_curve_take(struct tide_lru_curve *c, const struct tide_page_ref *refs, size_t n,
                        size_t n_ids, struct tide_error *e)
{
    int rc = reserve(c, n_ids, e);
    uint64_t *counts = c->distances.counts;

    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct tide_page_ref *r = &refs[i];

        if (r->kind == TIDE_REF_PAGE) {
            uint32_t fallen, depth = to_front(c, r->id, &fallen);

            if (depth == 0)
                rc = reference(c, r->id, fallen, &depth, e);
            counts[1] += r->n - 1;
            counts[depth]++;
        } else if (r->kind == TIDE_REF_FORGET) {
            rc = forget(c, r->id, e);
        } else if (r->kind == TIDE_REF_START) {
            tide_distances_clear(&c->distances);
        }
    }
    return rc;
}

void tide_lru_curve_fini(struct tide_lru_curve *c)
{
    tide_distances_fini(&c->distances);
    free(c->slot_of);
    free(c->page_at);
    free(c->marks);
    free(c->blocks);
    free(c->groups);
    free(c->holes);
    *c = (struct tide_lru_curve){0};
}
