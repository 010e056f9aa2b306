/* The address space of a process: VMAs in a balanced tree (look-up) threaded in order (walking).
 *
 * VMAs are byte ranges at the kernel's granularity of 4 KiB, whatever page size the machine has. A
 * page belongs to the address space when any VMA overlaps it, and its permissions are the union of
 * those VMAs' permissions: for 4 KiB pages that is the kernel's rule, for larger ones the only one
 * under which a program that ran still runs.
 *
 * A trace whose layout is known is *strict*: what it touches outside every VMA, or against
 * permissions, is a segmentation fault. Without a layout VMAs are *inferred*: a touch outside every
 * VMA creates an anonymous rwx one, or extends an inferred one at most TIDE_INFER_GAP away, and
 * every page permits everything.
 *
 * Neighbours that agree in all that a VMA says, with contiguous offsets where they map an object,
 * are merged at each change.
 * Source: Linux mm/mmap.c, mm/mprotect.c, mm/mremap.c, mm/vma.c.
 * Differs: Linux keeps anonymous neighbours apart that have written pages from different faults
 * (anon_vma), merges a heap with the bss before it, and refuses stack growth near another mapping;
 * here segments never merge and a stack may grow through all of its reservation.
 */
#ifndef TIDE_SPACE_MM_H
#define TIDE_SPACE_MM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr/access.h"
#include "addr/page.h"
#include "base/error.h"
#include "trace/block.h"

enum {
    TIDE_MM_GRAIN = 4096,   /* bytes: VMAs start and end at multiples of it */
    TIDE_INFER_GAP = 65536, /* bytes */
    TIDE_MM_CACHED = 16,
    TIDE_PROT_ALL = TIDE_PROT_READ | TIDE_PROT_WRITE | TIDE_PROT_EXEC
};

/* What a VMA holds; segment classes of an operating-systems text. */
enum tide_segment {
    TIDE_SEG_TEXT, /* file, executable */
    TIDE_SEG_DATA, /* file, private */
    TIDE_SEG_BSS,  /* anonymous, from the initial image */
    TIDE_SEG_HEAP, /* grown by brk */
    TIDE_SEG_MMAP, /* anonymous mmap */
    TIDE_SEG_FILE, /* file mapped by the program, shared */
    TIDE_SEG_STACK,
    TIDE_SEG_INFERRED,
    TIDE_SEGMENTS
};

extern const char *const tide_segment_names[TIDE_SEGMENTS];

struct tide_vma {
    uint64_t start, end; /* bytes, end exclusive (0 stands for 2^64) */
    uint64_t offset; /* bytes into the file (or the shared anonymous object) at `start`; else 0 */
    uint32_t file;   /* 0: anonymous */
    uint8_t prot;    /* TIDE_PROT_* */
    uint8_t segment; /* enum tide_segment; it stays what it was when mapped */
    bool shared;
    bool grows_down;
    uint64_t limit;               /* lowest start that growth may reach (grows_down), else 0 */
    uint64_t object;              /* handle of the kernel object that stands for it, from `hooks` */
    struct tide_vma *prev, *next; /* by address */
    /* tree links: private to mm.c */
    struct tide_vma *parent, *left, *right;
    uint32_t priority;
};

#define tide_vma_for_each(vma, mm) for ((vma) = (mm)->first; (vma) != NULL; (vma) = (vma)->next)

/* The last byte: unlike `end` it never wraps. */
static inline uint64_t tide_vma_last(const struct tide_vma *vma)
{
    return vma->end - 1;
}

/* How an address space tells the machine what changed. Any hook may be NULL. Ranges are bytes,
 * never empty, in whole grains, and lay in one VMA each; `end` 0 stands for 2^64. A hook is called
 * when the VMAs have changed already (tide_mm_overlap() shows what is left), and before what
 * replaces the range is mapped. It must not change the address space. */
struct tide_mm_hooks {
    void *context;
    /* a VMA comes or goes; alloc returns 0 and a handle, or a negative code (out of memory) */
    int (*vma_alloc)(void *context, uint64_t *object, struct tide_error *e);
    void (*vma_free)(void *context, uint64_t object);
    /* pages that no VMA overlaps any more must go; the others may have lost permissions */
    void (*unmapped)(void *context, unsigned process, uint64_t start, uint64_t end);
    /* permissions have changed, in either direction */
    void (*protected_)(void *context, unsigned process, uint64_t start, uint64_t end);
    /* contents are forgotten, the mapping stays (MADV_DONTNEED) */
    void (*discarded)(void *context, unsigned process, uint64_t start, uint64_t end);
    /* pages move with their contents (mremap), page by page; then as for unmapped() */
    void (*moved)(void *context, unsigned process, uint64_t from, uint64_t to, uint64_t len);
};

struct tide_mm_stats {                             /* since init */
    uint64_t maps, unmaps, protects, remaps, brks; /* events */
    uint64_t splits;                               /* VMAs cut in two */
    uint64_t merges;                               /* VMAs that became part of a neighbour */
    uint64_t growths;                              /* of stacks */
    uint64_t inferred;                             /* touches that made or extended a VMA */
};

struct tide_mm {
    unsigned process;
    uint32_t pid;
    struct tide_vma *first, *last, *root;
    size_t count;       /* VMAs */
    uint64_t vsz_bytes; /* sum of their lengths */
    /* bytes; 0: not known. Both are known from HEAP or from the first BRK on. */
    uint64_t brk_start, brk_end;
    uint8_t brk_prot; /* TIDE_PROT_* of the heap */
    bool has_layout;
    struct tide_vma *cached[TIDE_MM_CACHED]; /* VMAs found lately, by a hash of the address */
    struct tide_mm_hooks hooks;
    struct tide_mm_stats stats;
    uint64_t random_state; /* tree priorities */
};

void tide_mm_init(struct tide_mm *mm, unsigned process, const struct tide_mm_hooks *hooks);
/* Frees all VMAs through the hooks (no unmapped() calls). */
void tide_mm_fini(struct tide_mm *mm);

static inline bool tide_mm_strict(const struct tide_mm *mm)
{
    return mm->has_layout;
}

/* Applies a trace event of this process. What a system call can't have done is TIDE_E_TRACE, the
 * address space unchanged: a range that is empty (PROTECT and MADVISE: does nothing), wraps,
 * exceeds 2^57 bytes or starts off a 4 KiB border, a REMAP onto itself, a STACK without its
 * mapping, a break below the start that the layout gave. Out of memory: the address space is valid,
 * the event done in part. Lengths are rounded up to 4 KiB. */
TIDE_MUST_CHECK int tide_mm_event(struct tide_mm *mm, const struct tide_event *ev,
                                  struct tide_error *e);

/* The VMA that holds the address, or NULL. */
struct tide_vma *tide_mm_find(const struct tide_mm *mm, uint64_t addr);
/* The first VMA (by address) that overlaps [start, start+bytes), or NULL. bytes > 0; the range ends
 * at 2^64 at the latest. */
struct tide_vma *tide_mm_overlap(const struct tide_mm *mm, uint64_t start, uint64_t bytes);

/* The common case of tide_mm_touch() failed: see there. */
TIDE_MUST_CHECK int tide_mm_touch_slow(struct tide_mm *mm, uint64_t start, uint64_t bytes,
                                       uint64_t addr, unsigned *prot, struct tide_vma **vma,
                                       struct tide_error *e);

static inline struct tide_vma **tide_mm_cache_slot(struct tide_mm *mm, uint64_t start)
{
    return &mm->cached[((start >> 12) * 0x9e3779b97f4a7c15u) >> 60];
}

/* The page at [start, start+bytes) is about to be touched at `addr` in it: what the address space
 * says. Where no VMA overlaps the page, grows a stack or infers a VMA for it. Returns 1 and fills
 * *prot (union; everything while not strict) and *vma (the one that holds `addr`, else the first
 * overlapping) if the page belongs to the address space, 0 if not (a segmentation fault), negative
 * when out of memory. */
TIDE_MUST_CHECK static inline int tide_mm_touch(struct tide_mm *mm, uint64_t start, uint64_t bytes,
                                                uint64_t addr, unsigned *prot,
                                                struct tide_vma **vma, struct tide_error *e)
{
    struct tide_vma *v = *tide_mm_cache_slot(mm, start);

    /* The VMA holds the whole page; lengths, unlike ends, do not wrap. */
    if (v != NULL && start >= v->start && start <= tide_vma_last(v) && v->end - start >= bytes) {
        *prot = tide_mm_strict(mm) ? v->prot : TIDE_PROT_ALL;
        *vma = v;
        return 1;
    }
    return tide_mm_touch_slow(mm, start, bytes, addr, prot, vma, e);
}

#endif
