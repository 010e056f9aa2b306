/* The address space of a process: VMAs in a balanced tree (look-up) threaded in order (walking).
 *
 * VMAs are byte ranges at the trace's own granularity (4 KiB on Linux), whatever page size the
 * machine has. A page belongs to the address space when any VMA overlaps it, and its permissions
 * are the union of those VMAs' permissions: for 4 KiB pages that is the kernel's rule, for larger
 * ones the only one under which a program that ran still runs.
 *
 * Where the trace has no layout or no system calls, VMAs are *inferred*: a touch outside every VMA
 * creates an anonymous rwx one, or extends one at most TIDE_INFER_GAP away; then nothing is a
 * segmentation fault. `strict` (layout and at least one system call seen) ends that.
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

enum { TIDE_INFER_GAP = 65536 }; /* bytes */

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
    uint64_t offset;     /* bytes into the file at `start` */
    uint32_t file;       /* 0: anonymous */
    uint8_t prot;        /* TIDE_PROT_* */
    uint8_t segment;     /* enum tide_segment */
    bool shared;
    bool grows_down;
    uint64_t limit;               /* lowest start that growth may reach (grows_down) */
    uint64_t object;              /* handle of the kernel object that stands for it, from `hooks` */
    struct tide_vma *prev, *next; /* by address */
    /* tree links: private to mm.c */
    struct tide_vma *parent, *left, *right;
    uint32_t priority;
};

#define tide_vma_for_each(vma, mm) for ((vma) = (mm)->first; (vma) != NULL; (vma) = (vma)->next)

/* How an address space tells the machine what changed. Any hook may be NULL. Ranges are bytes. */
struct tide_mm_hooks {
    void *context;
    /* a VMA comes or goes; alloc returns 0 and a handle, or a negative code (out of memory) */
    int (*vma_alloc)(void *context, uint64_t *object, struct tide_error *e);
    void (*vma_free)(void *context, uint64_t object);
    /* pages that no VMA overlaps any more must go; the others may have lost permissions */
    void (*unmapped)(void *context, unsigned process, uint64_t start, uint64_t end);
    void (*protected_)(void *context, unsigned process, uint64_t start, uint64_t end);
    /* contents are forgotten, the mapping stays (MADV_DONTNEED) */
    void (*discarded)(void *context, unsigned process, uint64_t start, uint64_t end);
    /* pages move with their contents (mremap), page by page */
    void (*moved)(void *context, unsigned process, uint64_t from, uint64_t to, uint64_t len);
};

struct tide_mm_stats { /* since init */
    uint64_t maps, unmaps, protects, remaps, brks, splits, merges, growths, inferred;
};

struct tide_mm {
    unsigned process;
    uint32_t pid;
    struct tide_vma *first, *last, *root;
    size_t count;                /* VMAs */
    uint64_t vsz_bytes;          /* sum of their lengths */
    uint64_t brk_start, brk_end; /* bytes; 0: not known */
    bool has_layout, has_syscalls;
    struct tide_vma *cached; /* the last one found */
    struct tide_mm_hooks hooks;
    struct tide_mm_stats stats;
    uint64_t random_state; /* tree priorities */
};

void tide_mm_init(struct tide_mm *mm, unsigned process, const struct tide_mm_hooks *hooks);
/* Frees all VMAs through the hooks (no unmapped() calls). */
void tide_mm_fini(struct tide_mm *mm);

static inline bool tide_mm_strict(const struct tide_mm *mm)
{
    return mm->has_layout && mm->has_syscalls;
}

/* Applies a trace event of this process. Ranges that are empty, wrap or exceed 2^57 bytes are
 * TIDE_E_TRACE. */
TIDE_MUST_CHECK int tide_mm_event(struct tide_mm *mm, const struct tide_event *ev,
                                  struct tide_error *e);

/* The VMA that holds the address, or NULL. */
struct tide_vma *tide_mm_find(struct tide_mm *mm, uint64_t addr);
/* The first VMA (by address) that overlaps [start, start+bytes), or NULL. */
struct tide_vma *tide_mm_overlap(struct tide_mm *mm, uint64_t start, uint64_t bytes);

/* The page at [start, start+bytes) is about to be touched: what the address space says.
 * Grows a stack, infers a VMA. Returns 1 and fills *prot (union) and *vma (the one that holds
 * `addr`, else the first overlapping) if the page belongs to the address space, 0 if not (a
 * segmentation fault), negative when out of memory. */
TIDE_MUST_CHECK int tide_mm_touch(struct tide_mm *mm, uint64_t start, uint64_t bytes, uint64_t addr,
                                  unsigned *prot, struct tide_vma **vma, struct tide_error *e);

#endif
