/* pagetable/: against a list of pages, naive walks and walk caches as lists. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/rng.h"
#include "pagetable/pagetable.h"

enum { MAX_PAGES = 2000, MAX_WAYS = 64, MAX_SETS = 8 };

/* Simulated memory: which blocks are out, and of what size. */
struct memory {
    struct tide_map blocks; /* pfn -> bytes */
    uint64_t bytes;
    uint32_t next;
    uint64_t refuse_one_in; /* 0: never */
    struct tide_rng rng;
};

static int take(void *context, uint64_t bytes, tide_pfn *pfn, struct tide_error *e)
{
    struct memory *m = context;

    if (m->refuse_one_in > 0 && tide_rng_below(&m->rng, m->refuse_one_in) == 0)
        return tide_fail(e, TIDE_E_RUN, "no simulated memory");
    pfn->v = m->next++;
    *tide_map_put(&m->blocks, pfn->v, NULL) = bytes;
    m->bytes += bytes;
    return 0;
}

static void give(void *context, uint64_t bytes, tide_pfn pfn)
{
    struct memory *m = context;
    uint64_t *out = tide_map_get(&m->blocks, pfn.v);

    cr_assert_not_null(out, "block %u was not out", pfn.v);
    cr_assert_eq(*out, bytes);
    tide_map_remove(&m->blocks, pfn.v);
    m->bytes -= bytes;
}

/* The model: pages with their words, unordered; a table exists if a page lies below it. */
struct naive_cache {
    struct tide_walk_cache_config config;
    uint64_t recent[MAX_SETS][MAX_WAYS]; /* prefixes with process, newest first */
    unsigned n[MAX_SETS];
    uint64_t lookups, hits;
};

struct naive {
    const struct tide_pagetable_config *c;
    struct {
        uint64_t page, word;
    } pages[MAX_PAGES];
    size_t n;
    struct naive_cache caches[TIDE_PT_MAX_LEVELS];
    uint64_t walks, walk_refs;
};

static uint64_t vpn_of(uint64_t page)
{
    return page & ((UINT64_C(1) << TIDE_VPN_BITS) - 1);
}

/* The index bits of levels 1 .. level. */
static unsigned bits_to(const struct naive *m, unsigned level)
{
    unsigned bits = 0;

    for (unsigned k = 1; k <= level; k++)
        bits += m->c->bits[k];
    return bits;
}

static bool same_prefix(uint64_t a, uint64_t b, unsigned bits)
{
    return a >> TIDE_VPN_BITS == b >> TIDE_VPN_BITS && vpn_of(a) >> bits == vpn_of(b) >> bits;
}

static uint64_t *naive_find(struct naive *m, uint64_t page)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->pages[i].page == page)
            return &m->pages[i].word;
    return NULL;
}

/* Whether the entry that a walk for the page reads at this level is present. */
static bool entry_present(const struct naive *m, uint64_t page, unsigned level)
{
    for (size_t i = 0; i < m->n; i++)
        if (same_prefix(m->pages[i].page, page, bits_to(m, level - 1)))
            return true;
    return false;
}

static uint64_t tables(const struct naive *m, unsigned level)
{
    uint64_t n = 0;

    for (size_t i = 0; i < m->n; i++) {
        size_t first = 0;

        while (!same_prefix(m->pages[first].page, m->pages[i].page, bits_to(m, level)))
            first++;
        n += first == i;
    }
    return n;
}

static unsigned position(const struct naive_cache *w, unsigned set, uint64_t key)
{
    unsigned at = 0;

    while (at < w->n[set] && w->recent[set][at] != key)
        at++;
    return at;
}

static void to_front(struct naive_cache *w, unsigned set, uint64_t key)
{
    unsigned at = position(w, set, key);

    if (at == w->n[set] && w->n[set] < w->config.ways)
        w->n[set]++;
    if (at == w->config.ways)
        at--; /* the oldest goes */
    memmove(&w->recent[set][1], &w->recent[set][0], at * sizeof(uint64_t));
    w->recent[set][0] = key;
}

static uint64_t key_of(const struct naive *m, uint64_t page, unsigned level)
{
    return vpn_of(page) >> bits_to(m, level - 1) | page >> TIDE_VPN_BITS << TIDE_VPN_BITS;
}

static unsigned set_of(const struct naive *m, const struct naive_cache *w, uint64_t page)
{
    return (unsigned)((vpn_of(page) >> bits_to(m, w->config.level - 1)) %
                      (w->config.entries / w->config.ways));
}

static void naive_walk(struct naive *m, uint64_t page)
{
    unsigned level = m->c->levels;

    for (unsigned i = 0; i < m->c->n_walk_caches; i++) {
        struct naive_cache *w = &m->caches[i];
        uint64_t key = key_of(m, page, w->config.level);
        unsigned set = set_of(m, w, page);

        w->lookups++;
        if (position(w, set, key) == w->n[set])
            continue;
        w->hits++;
        to_front(w, set, key);
        if (w->config.level - 1 < level)
            level = w->config.level - 1;
    }
    m->walks++;
    for (;; level--) {
        m->walk_refs++;
        if (level == 1 || !entry_present(m, page, level))
            return;
        for (unsigned i = 0; i < m->c->n_walk_caches; i++)
            if (m->caches[i].config.level == level)
                to_front(&m->caches[i], set_of(m, &m->caches[i], page), key_of(m, page, level));
    }
}

static void naive_clear(struct naive *m, uint64_t page)
{
    uint64_t *word = naive_find(m, page);

    if (word == NULL)
        return;
    for (size_t i = 0; i < m->n; i++)
        if (m->pages[i].page == page)
            m->pages[i] = m->pages[--m->n];
    for (unsigned i = 0; i < m->c->n_walk_caches; i++) {
        struct naive_cache *w = &m->caches[i];
        unsigned set = set_of(m, w, page);
        unsigned at = position(w, set, key_of(m, page, w->config.level));

        if (at == w->n[set] || entry_present(m, page, w->config.level))
            continue;
        memmove(&w->recent[set][at], &w->recent[set][at + 1],
                (w->n[set] - at - 1) * sizeof(uint64_t));
        w->n[set]--;
    }
}

static void random_config(struct tide_pagetable_config *c, struct tide_rng *r)
{
    *c = (struct tide_pagetable_config){.entry_bytes = tide_rng_below(r, 2) == 0 ? 4 : 8};
    c->levels = 2 + (unsigned)tide_rng_below(r, 4);
    for (unsigned k = 1; k <= c->levels; k++)
        c->bits[k] = 1 + (unsigned)tide_rng_below(r, k == 1 ? 10 : 9);
    for (unsigned level = 2; level <= c->levels; level++) {
        struct tide_walk_cache_config *w = &c->walk_caches[c->n_walk_caches];

        if (tide_rng_below(r, 3) == 0)
            continue;
        w->level = level;
        w->ways = 1 + (uint32_t)tide_rng_below(r, tide_rng_below(r, 4) == 0 ? MAX_WAYS : 4);
        w->entries = w->ways << tide_rng_below(r, 4);
        c->n_walk_caches++;
    }
}

/* Dense near a moving centre, so that tables become direct; sometimes anywhere. */
static uint64_t random_page(struct tide_rng *r, uint64_t *centre, unsigned bits)
{
    uint64_t all = UINT64_C(1) << bits, process = tide_rng_below(r, 3);

    if (tide_rng_below(r, 200) == 0)
        *centre = tide_rng_below(r, all);
    if (tide_rng_below(r, 8) == 0)
        return tide_rng_below(r, all) | process << TIDE_VPN_BITS;
    return (*centre + tide_rng_below(r, 300)) % all | process / 2 << TIDE_VPN_BITS;
}

struct range {
    struct naive *m;
    uint64_t next, last; /* the next page may not lie below the first */
    size_t n;
    uint64_t seed;
};

static void visit(void *context, tide_page page, uint64_t *pte)
{
    struct range *v = context;
    uint64_t *word = naive_find(v->m, page.v);

    cr_assert(page.v >= v->next && page.v <= v->last, "seed %lu: page %lx", v->seed, page.v);
    cr_assert_not_null(word, "seed %lu: page %lx", v->seed, page.v);
    cr_assert_eq(*word, *pte, "seed %lu: page %lx", v->seed, page.v);
    v->next = page.v + 1;
    v->n++;
}

static void same_range(struct tide_pagetable *pt, struct naive *m, uint64_t a, uint64_t b,
                       uint64_t seed)
{
    struct range v = {.m = m, .next = a < b ? a : b, .last = a < b ? b : a, .seed = seed};
    uint64_t first = v.next;
    size_t n = 0;

    tide_pagetable_for_range(pt, (tide_page){first}, (tide_page){v.last}, visit, &v);
    for (size_t i = 0; i < m->n; i++)
        n += m->pages[i].page >= first && m->pages[i].page <= v.last;
    cr_assert_eq(v.n, n, "seed %lu: pages %lx to %lx", seed, first, v.last);
}

static void same_tables(const struct tide_pagetable *pt, const struct naive *m,
                        const struct memory *memory, uint64_t seed)
{
    uint64_t n = 0, bytes = 0;

    for (unsigned level = 1; level <= m->c->levels; level++) {
        n += tables(m, level);
        bytes += tables(m, level) * (m->c->entry_bytes << m->c->bits[level]);
    }
    cr_assert_eq(pt->stats.tables, n, "seed %lu", seed);
    cr_assert_eq(pt->stats.table_bytes, bytes, "seed %lu", seed);
    cr_assert_eq(memory->blocks.count, n, "seed %lu", seed);
    cr_assert_eq(memory->bytes, bytes, "seed %lu", seed);
}

struct totals {
    uint64_t refused, cleared, hits, walk_refs;
};

static void one_step(struct tide_pagetable *pt, struct naive *m, struct memory *memory,
                     struct tide_rng *r, uint64_t page, uint64_t other, uint64_t seed,
                     struct totals *totals)
{
    uint64_t what = tide_rng_below(r, 100), *pte, *word = naive_find(m, page);
    struct tide_error e;

    if (what < 30 && m->n < MAX_PAGES) {
        uint64_t value = (tide_rng_next(r) & ~UINT64_C(0xff)) |
                         (tide_rng_below(r, 2) == 0 ? TIDE_PTE_PRESENT : TIDE_PTE_EVICTED);

        if (tide_pagetable_ensure(pt, (tide_page){page}, &pte, &e) < 0) {
            cr_assert_eq(e.code, TIDE_E_RUN);
            totals->refused++;
            return;
        }
        cr_assert_eq(*pte, word == NULL ? 0 : *word, "seed %lu: page %lx", seed, page);
        *pte = value;
        if (word != NULL) {
            *word = value;
        } else {
            m->pages[m->n].page = page;
            m->pages[m->n++].word = value;
        }
    } else if (what < 45) {
        totals->cleared += word != NULL;
        tide_pagetable_clear(pt, (tide_page){page});
        naive_clear(m, page);
    } else if (what < 46) {
        /* the other end, in the same process */
        same_range(pt, m, page, vpn_of(other) | page >> TIDE_VPN_BITS << TIDE_VPN_BITS, seed);
    } else if (what < 47) {
        same_tables(pt, m, memory, seed);
    } else {
        bool walk = what < 85;

        pte = walk ? tide_pagetable_walk(pt, (tide_page){page})
                   : tide_pagetable_find(pt, (tide_page){page});
        if (walk) {
            naive_walk(m, page);
            if (word != NULL && (*word & TIDE_PTE_PRESENT) != 0)
                *word |= TIDE_PTE_ACCESSED;
        }
        cr_assert_eq(pte != NULL, word != NULL, "seed %lu: page %lx", seed, page);
        cr_assert(pte == NULL || *pte == *word, "seed %lu: page %lx", seed, page);
        cr_assert_eq(pt->stats.walk_refs, m->walk_refs, "seed %lu: page %lx", seed, page);
    }
}

static void one_case(uint64_t seed, struct totals *totals)
{
    static struct naive m;
    struct memory memory = {.refuse_one_in = 50};
    struct tide_pagetable_source source = {.context = &memory, .alloc = take, .free = give};
    struct tide_pagetable_config c;
    struct tide_pagetable pt;
    struct tide_rng r;
    struct tide_error e;
    uint64_t centre = 0;
    unsigned va_bits;

    tide_rng_init(&r, seed, "property pagetable");
    tide_rng_init(&memory.rng, seed, "refusals");
    tide_map_init(&memory.blocks);
    random_config(&c, &r);
    cr_assert_eq(tide_pagetable_check(&c, 6, &va_bits, &e), 0, "seed %lu: %s", seed, e.what);
    cr_assert_eq(tide_pagetable_init(&pt, &c, &source, &e), 0);
    memset(&m, 0, sizeof m);
    m.c = &c;
    for (unsigned i = 0; i < c.n_walk_caches; i++)
        m.caches[i].config = c.walk_caches[i];
    for (int step = 0; step < 4000; step++) {
        uint64_t page = random_page(&r, &centre, va_bits - 6);

        one_step(&pt, &m, &memory, &r, page, random_page(&r, &centre, va_bits - 6), seed, totals);
    }
    cr_assert_eq(pt.stats.walks, m.walks, "seed %lu", seed);
    for (unsigned i = 0; i < c.n_walk_caches; i++) {
        unsigned level = c.walk_caches[i].level;

        cr_assert_eq(pt.stats.walk_cache_lookups[level], m.caches[i].lookups, "seed %lu", seed);
        cr_assert_eq(pt.stats.walk_cache_hits[level], m.caches[i].hits, "seed %lu", seed);
        totals->hits += m.caches[i].hits;
    }
    totals->walk_refs += m.walk_refs;
    same_tables(&pt, &m, &memory, seed);
    if (seed % 2 == 0) /* else fini gives back what is left */
        while (m.n > 0) {
            tide_pagetable_clear(&pt, (tide_page){m.pages[0].page});
            naive_clear(&m, m.pages[0].page);
        }
    if (seed % 2 == 0)
        cr_assert_eq(memory.blocks.count, 0, "seed %lu", seed);
    tide_pagetable_fini(&pt);
    cr_assert_eq(memory.blocks.count, 0, "seed %lu", seed);
    tide_map_fini(&memory.blocks);
}

Test(pagetable, agrees_with_the_model)
{
    struct totals totals = {0};

    for (uint64_t seed = 1; seed <= 150; seed++)
        one_case(seed, &totals);
    cr_expect_gt(totals.refused, 1000);
    cr_expect_gt(totals.cleared, 1000);
    cr_expect_gt(totals.hits, 1000);
    cr_expect_gt(totals.walk_refs, 100000);
}
