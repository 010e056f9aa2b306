/* Dictionaries of fragments that a reader fills while blocks refer to them.
 *
 * A dictionary only grows. When it is full the reader begins an empty one; the old one is used
 * again when no block that was handed out names anything in it any more.
 */
#ifndef TIDE_TRACE_DICTIONARY_H
#define TIDE_TRACE_DICTIONARY_H

#include <stdbool.h>

#include "trace/block.h"

enum {
    TIDE_GROWING_SLOTS = 1 << 18,  /* data accesses of all fragments of a dictionary */
    TIDE_GROWING_LENGTHS = 1 << 19 /* fetches */
};

struct tide_growing {
    struct tide_dictionary dictionary; /* what blocks get */
    struct tide_fragment *fragments;   /* TIDE_FRAGMENTS_MAX */
    struct tide_slot *slots;           /* TIDE_GROWING_SLOTS */
    uint8_t *lengths;                  /* TIDE_GROWING_LENGTHS */
    uint32_t n_fragments, n_slots, n_lengths;
    unsigned users;            /* blocks that refer to it, and whoever fills it */
    struct tide_growing *next; /* of all there are */
};

/* Zeroed first. */
struct tide_dictionaries {
    struct tide_growing *all, *now; /* now: the one that grows; NULL: none yet */
    struct tide_dictionary_lease {
        const struct tide_block *block;
        struct tide_growing *growing;
    } * leases; /* what each block refers to */
    size_t n_leases, cap_leases;
};

void tide_dictionaries_fini(struct tide_dictionaries *d);
/* Begins an empty dictionary. 0 or TIDE_E_NOMEM: then `now` is NULL. */
TIDE_MUST_CHECK int tide_dictionaries_renew(struct tide_dictionaries *d);
/* Room for one more fragment, however long. */
bool tide_dictionaries_room(const struct tide_dictionaries *d);
/* The block is to have fragments of `now`. 0 or TIDE_E_NOMEM. */
TIDE_MUST_CHECK int tide_dictionaries_lease(struct tide_dictionaries *d, struct tide_block *b);
/* A consumer has given the block back. */
void tide_dictionaries_release(struct tide_dictionaries *d, const struct tide_block *b);
/* What `from` refers to is from now on what `to` refers to, which was given back. */
void tide_dictionaries_move(struct tide_dictionaries *d, const struct tide_block *to,
                            const struct tide_block *from);

#endif
