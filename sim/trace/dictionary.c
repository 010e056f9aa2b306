/* Dictionaries that grow: see dictionary.h. */
#include "trace/dictionary.h"

#include <stdlib.h>

#include "base/mem.h"

static void growing_free(struct tide_growing *g)
{
    free(g->fragments);
    free(g->slots);
    free(g->lengths);
    free(g);
}

void tide_dictionaries_fini(struct tide_dictionaries *d)
{
    while (d->all != NULL) {
        struct tide_growing *g = d->all;

        d->all = g->next;
        growing_free(g);
    }
    free(d->leases);
}

static struct tide_growing *growing_new(void)
{
    struct tide_growing *g = tide_calloc(1, sizeof *g);

    if (g == NULL)
        return NULL;
    /* parts that are never used take no memory, and nothing is read before it is written */
    g->fragments = tide_malloc(TIDE_FRAGMENTS_MAX * sizeof *g->fragments);
    g->slots = tide_malloc(TIDE_GROWING_SLOTS * sizeof *g->slots);
    g->lengths = tide_malloc(TIDE_GROWING_LENGTHS * sizeof *g->lengths);
    if (g->fragments == NULL || g->slots == NULL || g->lengths == NULL) {
        growing_free(g);
        return NULL;
    }
    g->dictionary = (struct tide_dictionary){g->fragments, g->slots, g->lengths};
    return g;
}

int tide_dictionaries_renew(struct tide_dictionaries *d)
{
    struct tide_growing *g = d->all;

    if (d->now != NULL)
        d->now->users--;
    d->now = NULL;
    while (g != NULL && g->users > 0)
        g = g->next;
    if (g == NULL) {
        if ((g = growing_new()) == NULL)
            return TIDE_E_NOMEM;
        g->next = d->all;
        d->all = g;
    }
    g->n_fragments = g->n_slots = g->n_lengths = 0;
    g->users = 1;
    d->now = g;
    return 0;
}

bool tide_dictionaries_room(const struct tide_dictionaries *d)
{
    const struct tide_growing *g = d->now;

    return g->n_fragments < TIDE_FRAGMENTS_MAX &&
           g->n_slots + TIDE_FRAGMENT_ACCESSES <= TIDE_GROWING_SLOTS &&
           g->n_lengths + TIDE_FRAGMENT_ACCESSES <= TIDE_GROWING_LENGTHS;
}

int tide_dictionaries_lease(struct tide_dictionaries *d, struct tide_block *b)
{
    struct tide_dictionary_lease *grown =
        tide_grow(d->leases, &d->cap_leases, d->n_leases + 1, sizeof *grown);

    if (grown == NULL)
        return TIDE_E_NOMEM;
    d->leases = grown;
    d->leases[d->n_leases++] = (struct tide_dictionary_lease){b, d->now};
    d->now->users++;
    b->dictionary = &d->now->dictionary;
    return 0;
}

void tide_dictionaries_release(struct tide_dictionaries *d, const struct tide_block *b)
{
    for (size_t i = 0; i < d->n_leases; i++) {
        if (d->leases[i].block != b)
            continue;
        d->leases[i].growing->users--;
        d->leases[i] = d->leases[--d->n_leases];
        return;
    }
}

void tide_dictionaries_move(struct tide_dictionaries *d, const struct tide_block *to,
                            const struct tide_block *from)
{
    tide_dictionaries_release(d, to);
    for (size_t i = 0; i < d->n_leases; i++)
        if (d->leases[i].block == from)
            d->leases[i].block = to;
}
