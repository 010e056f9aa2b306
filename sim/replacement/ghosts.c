/* See ghosts.h. */
#include "replacement/ghosts.h"

#include <assert.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

void tide_ghosts_fini(struct tide_ghosts *g)
{
    free(g->entries);
    free(g->chains);
    *g = (struct tide_ghosts){0};
}

int tide_ghosts_init(struct tide_ghosts *g, uint32_t limit, struct tide_error *e)
{
    uint32_t chains = 1;

    while (chains < limit && chains <= UINT32_MAX / 4)
        chains *= 2;
    *g = (struct tide_ghosts){.mask = chains - 1, .fresh = TIDE_GHOST_LISTS};
    g->entries = tide_calloc((size_t)limit + TIDE_GHOST_LISTS, sizeof *g->entries);
    g->chains = tide_calloc(chains, sizeof *g->chains);
    if (g->entries == NULL || g->chains == NULL) {
        tide_ghosts_fini(g);
        return tide_nomem(e);
    }
    for (uint32_t end = 0; end < TIDE_GHOST_LISTS; end++)
        g->entries[end] = (struct tide_ghost){.prev = end, .next = end};
    return 0;
}

static uint32_t *chain_of(const struct tide_ghosts *g, uint64_t page)
{
    return &g->chains[tide_hash64(page) & g->mask];
}

uint32_t tide_ghosts_find(const struct tide_ghosts *g, tide_page page)
{
    uint32_t entry = *chain_of(g, page.v);

    while (entry != TIDE_GHOST_NONE && g->entries[entry].page != page.v)
        entry = g->entries[entry].chain;
    return entry;
}

uint32_t tide_ghosts_add(struct tide_ghosts *g, unsigned list, tide_page page)
{
    uint32_t entry = g->unused, newest = g->entries[list].prev, *chain = chain_of(g, page.v);

    assert(tide_ghosts_find(g, page) == TIDE_GHOST_NONE);
    if (entry != TIDE_GHOST_NONE)
        g->unused = g->entries[entry].chain;
    else
        entry = g->fresh++;
    g->entries[entry] = (struct tide_ghost){
        .page = page.v, .prev = newest, .next = list, .chain = *chain, .list = list};
    *chain = entry;
    g->entries[newest].next = entry;
    g->entries[list].prev = entry;
    g->n[list]++;
    return entry;
}

void tide_ghosts_remove(struct tide_ghosts *g, uint32_t entry)
{
    struct tide_ghost *ghost = &g->entries[entry];
    uint32_t *link = chain_of(g, ghost->page);

    while (*link != entry)
        link = &g->entries[*link].chain;
    *link = ghost->chain;
    g->entries[ghost->prev].next = ghost->next;
    g->entries[ghost->next].prev = ghost->prev;
    g->n[ghost->list]--;
    ghost->chain = g->unused;
    g->unused = entry;
}
