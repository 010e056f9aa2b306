/* Radix page tables, walks and walk caches: see pagetable.h. Words of upper nodes are pointers to
 * the nodes below; an index in use there always has one. */
#include "pagetable/pagetable.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "pagetable/node.h"

static struct tide_pt_node *child(uint64_t word)
{
    return (struct tide_pt_node *)(uintptr_t)word;
}

static uint64_t word_of(struct tide_pt_node *n)
{
    return (uint64_t)(uintptr_t)n;
}

static uint32_t index_at(const struct tide_pagetable *pt, tide_page page, unsigned level)
{
    uint64_t mask = (UINT64_C(1) << pt->config.bits[level]) - 1;

    return (uint32_t)(tide_page_vpn(page) >> pt->shift[level] & mask);
}

/* What the walk cache of a level knows the page's entry by. */
static tide_page prefix(const struct tide_pagetable *pt, tide_page page, unsigned level)
{
    return (tide_page){tide_page_vpn(page) >> pt->shift[level] | (uint64_t)tide_page_process(page)
                                                                     << TIDE_VPN_BITS};
}

/* Whether the tables have too few bits for the page. */
static bool beyond(const struct tide_pagetable *pt, tide_page page)
{
    unsigned levels = pt->config.levels;

    return tide_page_vpn(page) >> pt->shift[levels] >> pt->config.bits[levels] != 0;
}

static uint64_t leaf_key(const struct tide_pagetable *pt, tide_page page)
{
    return page.v >> pt->config.bits[1];
}

static uint64_t table_bytes(const struct tide_pagetable *pt, unsigned level)
{
    return (uint64_t)pt->config.entry_bytes << pt->config.bits[level];
}

int tide_pagetable_init(struct tide_pagetable *pt, const struct tide_pagetable_config *c,
                        const struct tide_pagetable_source *source, struct tide_error *e)
{
    *pt = (struct tide_pagetable){.config = *c, .source = *source};
    for (unsigned k = 2; k <= c->levels; k++)
        pt->shift[k] = pt->shift[k - 1] + c->bits[k - 1];
    for (unsigned i = 0; i < c->n_walk_caches; i++) {
        struct tide_tlb_array_config array = {
            .name = "walk cache",
            .entries = c->walk_caches[i].entries,
            .ways = c->walk_caches[i].ways,
            .kind = TIDE_TLB_lru,
        };
        int rc = tide_tlb_array_init(&pt->caches[i], &array, 0, e);

        if (rc < 0) {
            tide_pagetable_fini(pt);
            return rc;
        }
    }
    return 0;
}

/* Frees a node whose level is `level`, with its block. */
static void free_table(struct tide_pagetable *pt, struct tide_pt_node *n, unsigned level)
{
    pt->source.free(pt->source.context, table_bytes(pt, level), n->pfn);
    pt->stats.tables--;
    pt->stats.table_bytes -= table_bytes(pt, level);
    free(n);
}

static void free_tree(struct tide_pagetable *pt, struct tide_pt_node *n, unsigned level)
{
    uint32_t index = 0;

    if (level > 1)
        for (uint64_t *w; (w = tide_pt_node_next(n, &index)) != NULL; index++)
            free_tree(pt, child(*w), level - 1);
    free_table(pt, n, level);
}

void tide_pagetable_fini(struct tide_pagetable *pt)
{
    for (size_t i = 0; i < pt->n_roots; i++)
        if (pt->roots[i] != NULL)
            free_tree(pt, pt->roots[i], pt->config.levels);
    free(pt->roots);
    for (unsigned i = 0; i < pt->config.n_walk_caches; i++)
        tide_tlb_array_fini(&pt->caches[i]);
    *pt = (struct tide_pagetable){0};
}

/* Fills path[levels], path[levels - 1], ... with the tables that exist on the way to the page.
 * Returns the level of the last one; levels + 1 if there is not even a root. */
static unsigned descend(const struct tide_pagetable *pt, tide_page page,
                        struct tide_pt_node *path[TIDE_PT_MAX_LEVELS + 1])
{
    unsigned process = tide_page_process(page), level = pt->config.levels;

    if (process >= pt->n_roots || pt->roots[process] == NULL)
        return level + 1;
    path[level] = pt->roots[process];
    for (; level > 1; level--) {
        uint64_t *w = tide_pt_node_get(path[level], index_at(pt, page, level));

        if (w == NULL)
            break;
        path[level - 1] = child(*w);
    }
    return level;
}

/* The leaf table of the page, or NULL; *level is that of the lowest table on the way, the root's
 * where that is missing. */
static struct tide_pt_node *leaf_of(const struct tide_pagetable *pt, tide_page page,
                                    unsigned *level)
{
    struct tide_pt_node *path[TIDE_PT_MAX_LEVELS + 1];

    *level = 1;
    if (pt->leaf != NULL && pt->leaf_key == leaf_key(pt, page))
        return pt->leaf;
    *level = descend(pt, page, path);
    if (*level > pt->config.levels)
        *level = pt->config.levels;
    return *level == 1 ? path[1] : NULL;
}

/* The place of a PTE; NULL where it is zero. `leaf` may be NULL. */
static uint64_t *pte_in(const struct tide_pagetable *pt, struct tide_pt_node *leaf, tide_page page)
{
    uint64_t *pte = leaf == NULL ? NULL : tide_pt_node_get(leaf, index_at(pt, page, 1));

    return pte != NULL && *pte != 0 ? pte : NULL;
}

uint64_t *tide_pagetable_find(const struct tide_pagetable *pt, tide_page page)
{
    unsigned level;

    return pte_in(pt, leaf_of(pt, page, &level), page);
}

static void remember(struct tide_pagetable *pt, struct tide_pt_node *leaf, tide_page page)
{
    pt->leaf = leaf;
    pt->leaf_key = leaf_key(pt, page);
}

uint64_t *tide_pagetable_walk(struct tide_pagetable *pt, tide_page page)
{
    unsigned from = pt->config.levels, to;
    struct tide_pt_node *leaf;
    uint64_t *pte;

    for (unsigned i = 0; i < pt->config.n_walk_caches; i++) {
        unsigned level = pt->config.walk_caches[i].level;
        int32_t slot = tide_tlb_array_find(&pt->caches[i], prefix(pt, page, level));

        pt->stats.walk_cache_lookups[level]++;
        if (slot < 0)
            continue;
        tide_tlb_array_touch(&pt->caches[i], slot, 1);
        pt->stats.walk_cache_hits[level]++;
        if (level - 1 < from)
            from = level - 1;
    }
    leaf = leaf_of(pt, page, &to);
    /* Levels from .. to are read, and the entries above `to` are present. The table below a cached
     * entry exists, so from >= to; and a cache of a level that was read has missed. */
    assert(from >= to);
    pt->stats.walks++;
    pt->stats.walk_refs += from - to + 1;
    for (unsigned i = 0; i < pt->config.n_walk_caches; i++) {
        unsigned level = pt->config.walk_caches[i].level;

        if (to < level && level <= from)
            tide_tlb_array_fill(&pt->caches[i], prefix(pt, page, level), 0);
    }
    if (leaf != NULL)
        remember(pt, leaf, page);
    pte = pte_in(pt, leaf, page);
    if (pte != NULL && (*pte & TIDE_PTE_PRESENT) != 0)
        *pte |= TIDE_PTE_ACCESSED;
    return pte;
}

static int make_table(struct tide_pagetable *pt, unsigned level, struct tide_pt_node **made,
                      struct tide_error *e)
{
    tide_pfn pfn;
    int rc = pt->source.alloc(pt->source.context, table_bytes(pt, level), &pfn, e);

    if (rc < 0)
        return rc;
    *made = tide_pt_node_new(pt->config.bits[level], pfn);
    if (*made == NULL) {
        pt->source.free(pt->source.context, table_bytes(pt, level), pfn);
        return tide_nomem(e);
    }
    pt->stats.tables++;
    pt->stats.table_bytes += table_bytes(pt, level);
    return 0;
}

static int make_room_for_root(struct tide_pagetable *pt, unsigned process, struct tide_error *e)
{
    size_t n = pt->n_roots;
    struct tide_pt_node **roots;

    if (process < pt->n_roots)
        return 0;
    roots = tide_grow(pt->roots, &pt->n_roots, process + 1, sizeof *pt->roots);
    if (roots == NULL)
        return tide_nomem(e);
    for (; n < pt->n_roots; n++)
        roots[n] = NULL;
    pt->roots = roots;
    return 0;
}

/* Puts the page's index into path[level], which exists; its parent learns if it moves. NULL: no
 * host memory, and nothing has changed. */
static uint64_t *put(struct tide_pagetable *pt, tide_page page, unsigned level,
                     struct tide_pt_node *path[TIDE_PT_MAX_LEVELS + 1])
{
    struct tide_pt_node *n = path[level];
    uint64_t *w = tide_pt_node_put(&n, index_at(pt, page, level));

    if (n != path[level]) {
        path[level] = n;
        if (level == pt->config.levels)
            pt->roots[tide_page_process(page)] = n;
        else
            *tide_pt_node_get(path[level + 1], index_at(pt, page, level + 1)) = word_of(n);
    }
    return w;
}

int tide_pagetable_ensure(struct tide_pagetable *pt, tide_page page, uint64_t **pte,
                          struct tide_error *e)
{
    struct tide_pt_node *path[TIDE_PT_MAX_LEVELS + 1];
    unsigned levels = pt->config.levels, existing, made;
    int rc;

    assert(!beyond(pt, page));
    *pte = pte_in(pt, leaf_of(pt, page, &existing), page);
    if (*pte != NULL)
        return 0;
    rc = make_room_for_root(pt, tide_page_process(page), e);
    if (rc < 0)
        return rc;
    /* the missing tables, root first, are linked to each other and last to the tree */
    existing = made = descend(pt, page, path);
    while (made > 1) {
        rc = make_table(pt, made - 1, &path[made - 1], e);
        if (rc < 0)
            goto undo;
        made--;
        if (made + 1 < existing) /* a new table has room for its first entry */
            *put(pt, page, made + 1, path) = word_of(path[made]);
    }
    if (existing > 1)
        *pte = put(pt, page, 1, path);
    if (existing > levels) {
        pt->roots[tide_page_process(page)] = path[levels];
    } else {
        uint64_t *w = put(pt, page, existing, path);

        if (w == NULL) {
            rc = tide_nomem(e);
            goto undo;
        }
        if (existing > 1)
            *w = word_of(path[existing - 1]);
        else
            *pte = w;
    }
    remember(pt, path[1], page);
    if (pt->stats.tables > pt->stats.tables_peak)
        pt->stats.tables_peak = pt->stats.tables;
    return 0;
undo:
    for (; made < existing; made++)
        free_table(pt, path[made], made);
    *pte = NULL;
    return rc;
}

static void forget_cached(struct tide_pagetable *pt, tide_page page, unsigned level)
{
    for (unsigned i = 0; i < pt->config.n_walk_caches; i++)
        if (pt->config.walk_caches[i].level == level)
            tide_tlb_array_invalidate(&pt->caches[i], prefix(pt, page, level));
}

void tide_pagetable_clear(struct tide_pagetable *pt, tide_page page)
{
    struct tide_pt_node *path[TIDE_PT_MAX_LEVELS + 1];
    unsigned levels = pt->config.levels;

    if (descend(pt, page, path) > 1 || tide_pt_node_get(path[1], index_at(pt, page, 1)) == NULL)
        return;
    for (unsigned level = 1; level <= levels; level++) {
        tide_pt_node_remove(path[level], index_at(pt, page, level));
        if (path[level]->count > 0)
            return;
        if (path[level] == pt->leaf)
            pt->leaf = NULL;
        free_table(pt, path[level], level);
        forget_cached(pt, page, level + 1);
    }
    pt->roots[tide_page_process(page)] = NULL;
}

struct visit {
    tide_page first, last;
    void (*f)(void *context, tide_page page, uint64_t *pte);
    void *context;
};

/* The entries of one table; the first page that it can hold is `start`. */
static void visit(const struct tide_pagetable *pt, struct tide_pt_node *n, unsigned level,
                  tide_page start, const struct visit *v)
{
    unsigned shift = pt->shift[level];
    uint32_t index = start.v < v->first.v ? (uint32_t)((v->first.v - start.v) >> shift) : 0;

    for (uint64_t *w; (w = tide_pt_node_next(n, &index)) != NULL; index++) {
        tide_page page = {start.v + ((uint64_t)index << shift)};

        if (page.v > v->last.v)
            return;
        if (level > 1)
            visit(pt, child(*w), level - 1, page, v);
        else if (*w != 0)
            v->f(v->context, page, w);
    }
}

void tide_pagetable_for_range(struct tide_pagetable *pt, tide_page first, tide_page last,
                              void (*f)(void *context, tide_page page, uint64_t *pte),
                              void *context)
{
    const struct visit v = {.first = first, .last = last, .f = f, .context = context};
    unsigned process = tide_page_process(first), levels = pt->config.levels;
    tide_page start = {(uint64_t)process << TIDE_VPN_BITS};

    assert(process == tide_page_process(last));
    if (process < pt->n_roots && pt->roots[process] != NULL && !beyond(pt, first))
        visit(pt, pt->roots[process], levels, start, &v);
}

void tide_pagetable_zero_stats(struct tide_pagetable *pt)
{
    pt->stats = (struct tide_pagetable_stats){.tables = pt->stats.tables,
                                              .tables_peak = pt->stats.tables_peak,
                                              .table_bytes = pt->stats.table_bytes};
}
