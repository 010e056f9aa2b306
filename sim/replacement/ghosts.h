/* Ghosts: pages without a frame that a policy remembers, in two lists, oldest first.
 *
 * A bounded number of entries, taken at init and found by page through a chained hash table. An
 * array fresh from tide_calloc() costs memory only as far as entries are used.
 */
#ifndef TIDE_REPLACEMENT_GHOSTS_H
#define TIDE_REPLACEMENT_GHOSTS_H

#include <stdint.h>

#include "addr/page.h"
#include "base/error.h"

enum { TIDE_GHOST_LISTS = 2, TIDE_GHOST_NONE = 0 };

struct tide_ghosts {
    struct tide_ghost {
        uint64_t page;
        uint32_t prev, next;
        uint32_t chain; /* the next of equal hash, or of the unused, or TIDE_GHOST_NONE */
        uint32_t list;
    } * entries;      /* the first TIDE_GHOST_LISTS are the ends of the lists */
    uint32_t *chains; /* by hash: the first entry, or TIDE_GHOST_NONE */
    uint32_t mask;    /* chains - 1; a power of two less one */
    uint32_t fresh;   /* entries from here on were never used */
    uint32_t unused;  /* the first of those given back */
    uint32_t n[TIDE_GHOST_LISTS];
};

/* For at most `limit` pages. On failure nothing is left allocated. */
TIDE_MUST_CHECK int tide_ghosts_init(struct tide_ghosts *g, uint32_t limit, struct tide_error *e);
void tide_ghosts_fini(struct tide_ghosts *g);
/* The page's entry, or TIDE_GHOST_NONE. */
uint32_t tide_ghosts_find(const struct tide_ghosts *g, tide_page page);
/* A page that has no entry becomes the newest of a list; returns its entry. There must be room. */
uint32_t tide_ghosts_add(struct tide_ghosts *g, unsigned list, tide_page page);
void tide_ghosts_remove(struct tide_ghosts *g, uint32_t entry);

/* TIDE_GHOST_NONE is never its result: the list must not be empty. */
static inline uint32_t tide_ghosts_oldest(const struct tide_ghosts *g, unsigned list)
{
    return g->entries[list].next;
}

static inline void tide_ghosts_forget(struct tide_ghosts *g, tide_page page)
{
    uint32_t entry = tide_ghosts_find(g, page);

    if (entry != TIDE_GHOST_NONE)
        tide_ghosts_remove(g, entry);
}

#endif
