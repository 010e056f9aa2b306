/* One table as the host keeps it: indices to 64-bit words, sparse or direct.
 *
 * In one block of memory, behind the header:
 *
 *   sparse   index[capacity], ascending; padding to 8 bytes; words[capacity]
 *   direct   padding to 8 bytes; one bit for each index in use; words[2^bits]
 *
 * A sparse node doubles up to an eighth of all indices and is then made direct. The header of 12
 * bytes with one entry makes 24 bytes, which malloc serves from 32; the first entries of a direct
 * node of 512 cost 64 bytes each. Nodes never shrink.
 */
#ifndef TIDE_PAGETABLE_NODE_H
#define TIDE_PAGETABLE_NODE_H

#include <stdint.h>

#include "addr/page.h"

struct tide_pt_node {
    tide_pfn pfn;      /* of its block of simulated memory */
    uint32_t count;    /* indices in use */
    uint16_t capacity; /* sparse: room; 0: direct */
    uint16_t bits;     /* an index is below 2^bits */
    uint16_t index[];
};

/* An empty node with room for one entry, or NULL. Freed with free(). */
struct tide_pt_node *tide_pt_node_new(unsigned bits, tide_pfn pfn);
/* The word at an index in use, or NULL. */
uint64_t *tide_pt_node_get(struct tide_pt_node *n, uint32_t index);
/* The word at an index; zero if it was not in use until now. *n may move. NULL: no memory, and
 * nothing has changed. */
uint64_t *tide_pt_node_put(struct tide_pt_node **n, uint32_t index);
/* An index in use is so no more. */
void tide_pt_node_remove(struct tide_pt_node *n, uint32_t index);
/* The first index in use at or after *index, into *index, and its word; NULL: there is none. */
uint64_t *tide_pt_node_next(struct tide_pt_node *n, uint32_t *index);

#endif
