/* Where a page is: a hash table over an array of pages, of a size known beforehand.
 *
 * The array is the caller's; an entry is a place in it. Unlike base/map.h it takes all memory at
 * once, as policies must.
 */
#ifndef TIDE_REPLACEMENT_INDEX_H
#define TIDE_REPLACEMENT_INDEX_H

#include <stdint.h>
#include <stdlib.h>

#include "addr/page.h"
#include "base/error.h"
#include "base/map.h"
#include "base/mem.h"

#define TIDE_INDEX_NONE UINT32_MAX

struct tide_index {
    const tide_page *pages;
    uint32_t *heads; /* by hash: place + 1 of the first page of a chain, 0: none */
    uint32_t *nexts; /* by place: place + 1 of the next one */
    uint64_t mask;
};

static inline void tide_index_fini(struct tide_index *x)
{
    free(x->heads);
    free(x->nexts);
    *x = (struct tide_index){0};
}

/* Of an array of n pages. On failure nothing is left allocated. */
TIDE_MUST_CHECK static inline int tide_index_init(struct tide_index *x, const tide_page *pages,
                                                  uint32_t n, struct tide_error *e)
{
    x->pages = pages;
    x->mask = 1;
    while (x->mask < n)
        x->mask = 2 * x->mask + 1;
    x->heads = tide_calloc(x->mask + 1, sizeof *x->heads);
    x->nexts = tide_calloc(n, sizeof *x->nexts);
    if (x->heads != NULL && x->nexts != NULL)
        return 0;
    tide_index_fini(x);
    return tide_nomem(e);
}

static inline uint32_t tide_index_find(const struct tide_index *x, tide_page page)
{
    uint32_t at = x->heads[tide_hash64(page.v) & x->mask];

    while (at != 0 && x->pages[at - 1].v != page.v)
        at = x->nexts[at - 1];
    return at - 1;
}

/* pages[place] is set, and not in the index. */
static inline void tide_index_add(struct tide_index *x, uint32_t place)
{
    uint32_t *head = &x->heads[tide_hash64(x->pages[place].v) & x->mask];

    x->nexts[place] = *head;
    *head = place + 1;
}

/* pages[place] is still what it was when it was added. */
static inline void tide_index_remove(struct tide_index *x, uint32_t place)
{
    uint32_t *at = &x->heads[tide_hash64(x->pages[place].v) & x->mask];

    while (*at != place + 1)
        at = &x->nexts[*at - 1];
    *at = x->nexts[place];
}

#endif
