/* Radix page tables with walk caches.
 *
 * A table of `levels` levels, level `levels` at the root and level 1 at the leaves. A level-k table
 * has 2^bits[k] entries of `entry_bytes`; it takes a block of physical memory of its size, given by
 * the machine on demand. Leaf entries (PTEs) are 64-bit words of this layout:
 *
 *   present (P = 1)                          not present (P = 0)
 *    63       32 31   16 15        5 4 3 2 1 0    63       32 31   16 15      2   1       0
 *   +-----------+-------+-----------+-+-+-+-+-+  +-----------+-------+-------+---------+---+
 *   | frame     | seen  |     0     |D|A|W|0|1|  | stamp     | seen  |   0   | evicted | 0 |
 *   +-----------+-------+-----------+-+-+-+-+-+  +-----------+-------+-------+---------+---+
 *
 * frame: user frame index. seen: TLB arrays that have held the page (tide_tlb_note). evicted: the
 * page has been in memory and was taken out. stamp: interval in which it was last referenced.
 * A zero word: never touched, or forgotten by munmap.
 *
 * A walk reads one entry a level from the root until the leaf or the first non-present entry, and
 * counts each entry read, that one included. A process always has a root (hardware could not walk
 * otherwise), though its block is taken with the first entry and given back with the last: a walk
 * of a process without any entry reads one.
 *
 * A walk cache for level k holds upper entries read at level k, least recently used out first: a
 * walk starts below the deepest cached entry. All walk caches are probed, and a hit renews the
 * entry in each. The entries read during a walk are put into the caches of their levels (present
 * ones only). 4 levels, caches of levels 3 and 2:
 *
 *   reads     probes        reads         fills
 *   first     -             L4 L3 L2 L1   L3, L2
 *   again     L3 hit, L2 hit          L1  -
 *   other L2  L3 hit, L2 miss      L2 L1  L2
 *
 * Host memory: a table is a sorted array of its entries until that would take as much as the whole
 * table does; 32 bytes with one entry, at most 64 an entry. One leaf, the last used, is remembered.
 * Source: Intel SDM vol. 3, 4.5 and 4.10.3 (paging-structure caches); Barr, Cox and Rixner,
 * "Translation caching: skip, don't walk (the page table)", ISCA 2010.
 */
#ifndef TIDE_PAGETABLE_PAGETABLE_H
#define TIDE_PAGETABLE_PAGETABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr/page.h"
#include "base/error.h"
#include "tlb/tlb.h"

enum { TIDE_PT_MAX_LEVELS = 5, TIDE_PT_MAX_BITS = 16 };

enum {
    TIDE_PTE_PRESENT = 1,
    TIDE_PTE_EVICTED = 2,
    TIDE_PTE_WRITABLE = 4,
    TIDE_PTE_ACCESSED = 8,
    TIDE_PTE_DIRTY = 16
};

static inline uint32_t tide_pte_frame(uint64_t pte)
{
    return (uint32_t)(pte >> 32);
}

static inline uint16_t tide_pte_seen(uint64_t pte)
{
    return (uint16_t)(pte >> 16);
}

/* One cache of upper-level entries. */
struct tide_walk_cache_config {
    unsigned level;   /* 2..levels: whose entries it holds */
    uint32_t entries; /* sets = entries / ways, a power of two */
    uint32_t ways;    /* == entries: full */
};

struct tide_pagetable_config {
    unsigned levels;                       /* 2..5 */
    unsigned bits[TIDE_PT_MAX_LEVELS + 1]; /* bits[k], k = 1..levels: index bits of level k */
    unsigned entry_bytes;                  /* 8, or 4 */
    unsigned n_walk_caches;
    struct tide_walk_cache_config walk_caches[TIDE_PT_MAX_LEVELS];
};

/* The default geometry of a page size: 8-byte entries, 9 bits a level, no walk caches. A page size
 * of 4K * 512^k (2M, 1G) is a leaf k levels higher, so it has k levels less, but two at least.
 * Where that would exceed TIDE_VADDR_MAX_BITS, the levels nearest the root get fewer bits. */
void tide_pagetable_defaults(struct tide_pagetable_config *c, unsigned levels, unsigned page_shift);
/* Errors: levels, bits or entry_bytes out of range, more than TIDE_VADDR_MAX_BITS address bits,
 * walk caches of a wrong shape, of a level that is no upper one, or two of one level. *va_bits is
 * page_shift plus the bits of all levels. */
TIDE_MUST_CHECK int tide_pagetable_check(const struct tide_pagetable_config *c, unsigned page_shift,
                                         unsigned *va_bits, struct tide_error *e);

/* Physical memory for tables: blocks of the size of a table. While alloc runs, a place from
 * tide_pagetable_find() may be used (to evict a page), but ensure and clear must not be called. */
struct tide_pagetable_source {
    void *context;
    /* 0 and *pfn, or a negative code: no memory */
    int (*alloc)(void *context, uint64_t bytes, tide_pfn *pfn, struct tide_error *e);
    void (*free)(void *context, uint64_t bytes, tide_pfn pfn);
};

struct tide_pagetable_stats {
    uint64_t walks, walk_refs;
    uint64_t walk_cache_lookups[TIDE_PT_MAX_LEVELS + 1], walk_cache_hits[TIDE_PT_MAX_LEVELS + 1];
    uint64_t tables; /* now */
    uint64_t tables_peak;
    uint64_t table_bytes; /* now */
};

struct tide_pt_node; /* private */

/* The page tables of all processes of a machine (one root each), with the walk caches they share
 * (entries are tagged by process). */
struct tide_pagetable {
    struct tide_pagetable_config config;
    struct tide_pagetable_source source;
    unsigned shift[TIDE_PT_MAX_LEVELS + 1]; /* vpn >> shift[k]: the vpn's prefix down to level k */
    struct tide_pt_node **roots;            /* by process; NULL: no entries */
    size_t n_roots;
    uint64_t leaf_key; /* page.v >> bits[1] of the last leaf used, and that leaf (NULL: none) */
    struct tide_pt_node *leaf;
    /* as config.walk_caches; the page of an entry is its process and prefix */
    struct tide_tlb_array caches[TIDE_PT_MAX_LEVELS];
    struct tide_pagetable_stats stats;
};

/* The configuration has passed tide_pagetable_check(). */
TIDE_MUST_CHECK int tide_pagetable_init(struct tide_pagetable *pt,
                                        const struct tide_pagetable_config *c,
                                        const struct tide_pagetable_source *source,
                                        struct tide_error *e);
void tide_pagetable_fini(struct tide_pagetable *pt);

/* A walk by the hardware: counts, uses and fills the walk caches. Returns the place of the PTE, or
 * NULL where it is zero. The place is valid until the next ensure or clear. Sets TIDE_PTE_ACCESSED
 * if the PTE is present. */
uint64_t *tide_pagetable_walk(struct tide_pagetable *pt, tide_page page);
/* The same look-up by the kernel: counts nothing, sets nothing. */
uint64_t *tide_pagetable_find(const struct tide_pagetable *pt, tide_page page);
/* The place of the PTE, tables made as needed (a root too); valid until the next ensure or clear.
 * The caller makes the word non-zero, or clears the page. Fails when source.alloc does, with its
 * code, or when the host's memory ends; then no table has been made. */
TIDE_MUST_CHECK int tide_pagetable_ensure(struct tide_pagetable *pt, tide_page page, uint64_t **pte,
                                          struct tide_error *e);
/* Makes the PTE zero; tables that hold no entry any more are freed and leave the walk caches. */
void tide_pagetable_clear(struct tide_pagetable *pt, tide_page page);
/* Calls f for every non-zero PTE within [first, last], two pages of one process, ascending. f may
 * change the word but not to zero, nor call ensure or clear. Skips missing tables, so sparse ranges
 * are cheap. */
void tide_pagetable_for_range(struct tide_pagetable *pt, tide_page first, tide_page last,
                              void (*f)(void *context, tide_page page, uint64_t *pte),
                              void *context);
void tide_pagetable_zero_stats(struct tide_pagetable *pt); /* keeps tables, tables_peak, bytes */

#endif
