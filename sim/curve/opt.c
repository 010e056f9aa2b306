/* OPT at every number of frames: see opt.h. */
#include "curve/opt.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ABSENT   UINT32_MAX /* value of slot_of */
#define NO_PAGE  UINT32_MAX /* value of page_at */
#define NO_LABEL UINT32_MAX

enum { FEWEST_SLOTS = 64 };

/* ---- the tree of least labels ---- */

static inline uint32_t label(const struct tide_opt_curve *c, uint32_t slot)
{
    return c->least[c->slots + slot];
}

static inline void set_label(struct tide_opt_curve *c, uint32_t slot, uint32_t value)
{
    uint32_t *least = c->least;
    uint32_t i = c->slots + slot;

    least[i] = value;
    for (i /= 2; i > 0; i /= 2) {
        uint32_t of_both = least[2 * i] < least[2 * i + 1] ? least[2 * i] : least[2 * i + 1];

        if (least[i] == of_both)
            break;
        least[i] = of_both;
    }
}

/* The latest slot before `slot` with a label below `value`; ABSENT: none. */
static uint32_t find_less(const struct tide_opt_curve *c, uint32_t slot, uint32_t value)
{
    const uint32_t *least = c->least;

    for (uint32_t i = c->slots + slot; i > 1; i /= 2) {
        if (i % 2 == 1 && least[i - 1] < value) {
            i--;
            while (i < c->slots)
                i = least[2 * i + 1] < value ? 2 * i + 1 : 2 * i;
            return i - c->slots;
        }
    }
    return ABSENT;
}

/* ---- slots ---- */

/* All slots are used up: those in use move together, and there are at least four times as many. */
static int make_room(struct tide_opt_curve *c, struct tide_error *e)
{
    uint32_t to = 0, slots = c->slots > 0 ? c->slots : FEWEST_SLOTS, *page_at, *least;
    uint32_t used = 0;

    for (uint32_t i = 0; i < c->top; i++)
        used += c->page_at[i] != NO_PAGE || label(c, i) != NO_LABEL;
    while (slots / 4 < used + 1) {
        if (slots > UINT32_MAX / 4)
            return tide_nomem(e);
        slots *= 2;
    }
    page_at = tide_malloc((size_t)slots * sizeof *page_at);
    least = tide_malloc((size_t)slots * 2 * sizeof *least);
    if (page_at == NULL || least == NULL) {
        free(page_at);
        free(least);
        return tide_nomem(e);
    }
    for (uint32_t i = 0; i < c->top; i++) {
        if (c->page_at[i] == NO_PAGE && label(c, i) == NO_LABEL)
            continue;
        page_at[to] = c->page_at[i];
        if (page_at[to] != NO_PAGE)
            c->slot_of[page_at[to]] = to;
        least[slots + to++] = label(c, i);
    }
    for (uint32_t i = to; i < slots; i++) {
        page_at[i] = NO_PAGE;
        least[slots + i] = NO_LABEL;
    }
    for (uint32_t i = slots - 1; i > 0; i--)
        least[i] = least[2 * i] < least[2 * i + 1] ? least[2 * i] : least[2 * i + 1];
    free(c->page_at);
    free(c->least);
    c->page_at = page_at;
    c->least = least;
    c->slots = slots;
    c->top = to;
    return 0;
}

/* ---- references ---- */

/* The page leaves its slot; records take the place of the next one. Returns the last of them. */
static uint32_t shift_records(struct tide_opt_curve *c, uint32_t page)
{
    uint32_t slot = c->slot_of[page], record = label(c, slot);

    c->page_at[slot] = NO_PAGE;
    set_label(c, slot, NO_LABEL);
    while (record > 2 && (slot = find_less(c, slot, record)) != ABSENT) {
        uint32_t less = label(c, slot);

        set_label(c, slot, record);
        record = less;
    }
    return record;
}

/* Returns the stack distance, 0 for a first touch. */
static int reference(struct tide_opt_curve *c, uint32_t page, uint32_t *distance,
                     struct tide_error *e)
{
    uint32_t freed;

    if (c->slot_of[page] != ABSENT) {
        if (c->slot_of[page] == c->top - 1) {
            *distance = 1;
            return 0;
        }
        freed = *distance = shift_records(c, page);
    } else {
        *distance = 0;
        freed = ++c->live > c->most_live ? ++c->most_live : NO_LABEL;
    }
    if (c->top == c->slots) {
        int rc = make_room(c, e);

        if (rc != 0)
            return rc;
    }
    if (c->top > 0)
        set_label(c, c->top - 1, freed);
    c->page_at[c->top] = page;
    c->slot_of[page] = c->top;
    set_label(c, c->top++, 1);
    return 0;
}

static void forget(struct tide_opt_curve *c, uint32_t page)
{
    if (c->slot_of[page] == ABSENT)
        return;
    c->page_at[c->slot_of[page]] = NO_PAGE;
    c->slot_of[page] = ABSENT;
    c->live--;
}

static int reserve(struct tide_opt_curve *c, size_t n_ids, struct tide_error *e)
{
    size_t old = c->ids_cap;
    uint32_t *grown;

    if (n_ids > old) {
        grown = tide_grow(c->slot_of, &c->ids_cap, n_ids, sizeof *grown);
        if (grown == NULL)
            return tide_nomem(e);
        c->slot_of = grown;
        for (size_t i = old; i < c->ids_cap; i++)
            grown[i] = ABSENT;
    }
    return tide_distances_reserve(&c->distances, n_ids, e);
}

int tide_opt_curve_take(struct tide_opt_curve *c, const struct tide_page_ref *refs, size_t n,
                        size_t n_ids, struct tide_error *e)
{
    int rc = reserve(c, n_ids, e);

    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct tide_page_ref *r = &refs[i];

        if (r->kind == TIDE_REF_PAGE) {
            uint32_t distance;

            rc = reference(c, r->id, &distance, e);
            c->distances.counts[1] += r->n - 1;
            c->distances.counts[distance]++;
        } else if (r->kind == TIDE_REF_FORGET) {
            forget(c, r->id);
        } else if (r->kind == TIDE_REF_START) {
            tide_distances_clear(&c->distances);
        }
    }
    return rc;
}

void tide_opt_curve_fini(struct tide_opt_curve *c)
{
    tide_distances_fini(&c->distances);
    free(c->slot_of);
    free(c->page_at);
    free(c->least);
    *c = (struct tide_opt_curve){0};
}
