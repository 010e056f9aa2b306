/* Typed addresses. One-member structs: mixing kinds does not compile, and they cost nothing.
 *
 * A *page* is a (process, virtual page number) pair, packed into one word so that one compare
 * decides whether two references touch the same page:
 *
 *     63        51 50                              0
 *    +------------+---------------------------------+
 *    |  process   |  virtual page number (vpn)      |
 *    +------------+---------------------------------+
 *
 * `process` is a dense index (0, 1, ... in order of appearance), not the pid. A machine translates
 * canonical addresses of at most 57 bits with pages of at least 64 bytes, so 51 bits hold any vpn.
 * Comparing words compares (process, vpn) lexicographically.
 */
#ifndef TIDE_ADDR_PAGE_H
#define TIDE_ADDR_PAGE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TIDE_VPN_BITS = 51,
    TIDE_VADDR_MAX_BITS = 57,
    TIDE_PAGE_SHIFT_MIN = 6,  /* 64 B: CS:APP's toy system */
    TIDE_PAGE_SHIFT_MAX = 30, /* 1 GiB */
    TIDE_MAX_PROCESSES = 1 << (64 - TIDE_VPN_BITS)
};

typedef struct {
    uint64_t v;
} tide_page;

/* A page frame number of the simulated physical memory. */
typedef struct {
    uint32_t v;
} tide_pfn;

#define TIDE_PFN_NONE ((tide_pfn){UINT32_MAX})
/* Never a page of any process. */
#define TIDE_PAGE_NONE ((tide_page){UINT64_MAX})

/* How a machine cuts addresses: set once from page size and page-table geometry. */
struct tide_geometry {
    unsigned page_shift; /* log2 of the page size in bytes */
    unsigned va_bits; /* translated address bits; bits va_bits-1..63 must all be equal ("canonical")
                       * for va_bits of 48 and more; below that the upper bits must be 0 */
};

static inline bool tide_canonical(struct tide_geometry g, uint64_t vaddr)
{
    uint64_t upper;

    if (g.va_bits >= 64)
        return true;
    if (g.va_bits < 48)
        return vaddr >> g.va_bits == 0;
    upper = (uint64_t)((int64_t)vaddr >> (g.va_bits - 1));
    return upper == 0 || upper == UINT64_MAX;
}

/* The page of an address; meaningful for canonical addresses only. */
static inline tide_page tide_page_of(struct tide_geometry g, unsigned process, uint64_t vaddr)
{
    uint64_t vpn = (vaddr & ((UINT64_C(1) << g.va_bits) - 1)) >> g.page_shift;

    return (tide_page){vpn | (uint64_t)process << TIDE_VPN_BITS};
}

static inline uint64_t tide_page_vpn(tide_page p)
{
    return p.v & ((UINT64_C(1) << TIDE_VPN_BITS) - 1);
}

static inline unsigned tide_page_process(tide_page p)
{
    return (unsigned)(p.v >> TIDE_VPN_BITS);
}

/* The first virtual address of a page (sign-extended where the geometry is). */
static inline uint64_t tide_page_address(struct tide_geometry g, tide_page p)
{
    uint64_t a = tide_page_vpn(p) << g.page_shift;

    if (g.va_bits >= 48 && g.va_bits < 64 && (a >> (g.va_bits - 1)) != 0)
        a |= UINT64_MAX << g.va_bits;
    return a;
}

#endif
