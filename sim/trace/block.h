/* What readers deliver: blocks of accesses with the events that fall among them.
 *
 * A block is the unit that is decoded once and replayed, read-only, by every machine of a batch.
 * Event k takes effect before access events[k].at (at == n_accesses: after the last).  Events are
 * rare: consumers run the accesses between two of them without looking for more.
 */
#ifndef TIDE_TRACE_BLOCK_H
#define TIDE_TRACE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "addr/access.h"
#include "base/error.h"
#include "trace/fragments.h"

enum {
    TIDE_BLOCK_ACCESSES = 16384, /* 256 KiB: stays in a second-level cache with the rest */
    TIDE_BLOCK_EVENTS = 1024
};

/*
 * event    meaning; fields used besides at, process
 * PROCESS  a process appears: pid in `number`, 0 where the trace does not tell
 * MAP      [addr, addr+len) is mapped anew, replacing what was there: prot, flags, file, offset
 *          (offset in bytes; file 0 = anonymous; initial layout and successful mmap alike)
 * UNMAP    [addr, addr+len) is unmapped
 * PROTECT  [addr, addr+len) gets prot
 * REMAP    mremap: [addr, addr+len) becomes [new_addr, new_addr+new_len), pages move along
 * BRK      the program break is now addr
 * STACK    the mapping that ends at addr+len may grow down to addr (its reservation in the layout)
 * HEAP     the program break lives in the mapping that starts at addr, at most to addr+len
 * MADVISE  [addr, addr+len), advice as Linux numbers it (4 = MADV_DONTNEED frees the pages)
 * SYSCALL  any other system call; readers count these in tide_trace_info and deliver no event
 * EXIT     the process is gone
 *
 * The rest says what an allocator was asked, above the pages or below them. It changes no mapping:
 * a machine without a stage for it passes over it.
 *
 * MALLOC      a heap object `addr` of `len` bytes; `number` is the alignment asked for, 0: none
 * REALLOC     object `addr` is now `new_addr`, of `new_len` bytes; new_addr 0: asked in vain
 * FREE        object `addr` is released
 * PAGE_ALLOC  2^`number` page frames from frame `addr` on; `prot` is the migrate type, or
 *             TIDE_MIGRATE_UNKNOWN; `cpu`
 * PAGE_FREE   these come back: frame `addr`, order `number`; `cpu`
 * KALLOC      a kernel object at `addr`: `len` bytes asked, `new_len` given, from the slab cache
 *             that tide_reader_file(`file`) names, 0: kmalloc, which chooses by size; `cpu`
 * KFREE       kernel object `addr` goes back, `file` as above; `cpu`
 */
enum tide_event_type {
    TIDE_EV_PROCESS,
    TIDE_EV_MAP,
    TIDE_EV_UNMAP,
    TIDE_EV_PROTECT,
    TIDE_EV_REMAP,
    TIDE_EV_BRK,
    TIDE_EV_STACK,
    TIDE_EV_HEAP,
    TIDE_EV_MADVISE,
    TIDE_EV_SYSCALL,
    TIDE_EV_EXIT,
    TIDE_EV_MALLOC,
    TIDE_EV_REALLOC,
    TIDE_EV_FREE,
    TIDE_EV_PAGE_ALLOC,
    TIDE_EV_PAGE_FREE,
    TIDE_EV_KALLOC,
    TIDE_EV_KFREE,
    TIDE_EV_TYPES
};

/* Flags of MAP. */
enum {
    TIDE_MAP_SHARED = 1,
    TIDE_MAP_FROM_LAYOUT = 2, /* part of the initial image, not of a system call */
    TIDE_MAP_POPULATE = 4
};

/* Flags of MALLOC, REALLOC and FREE. */
enum {
    TIDE_HEAP_NUMBERED = 1, /* objects are numbers, not addresses: where they lie is open */
    TIDE_HEAP_ZEROED = 2    /* calloc */
};

enum { TIDE_MIGRATE_UNKNOWN = 255 };

struct tide_event {
    uint32_t at;      /* index of the access it precedes */
    uint16_t process; /* dense process index */
    uint8_t type;     /* enum tide_event_type */
    uint8_t flags;
    uint64_t addr, len; /* bytes; addr and len are as the trace says, not rounded */
    uint64_t new_addr, new_len;
    uint64_t offset; /* bytes into the file */
    uint32_t file;   /* 0: anonymous; else an id that tide_reader_file() names */
    uint32_t prot;   /* TIDE_PROT_* */
    uint32_t number; /* system call, pid, advice, alignment or order */
    uint32_t cpu;    /* of kernel events; 0 where the trace does not tell */
};

/* The names of enum tide_event_type: one lower-case word each. */
extern const char *const tide_event_names[TIDE_EV_TYPES];

/* Events are at the kernel's granularity, whatever page size a machine has. */
enum { TIDE_EVENT_GRAIN = 4096 };

/* What no system call can have done, as the end of a sentence ("is larger than 2^57 bytes"): a
 * range that is empty, wraps, is absurdly large or starts off a 4 KiB border. NULL: nothing.
 * Readers check with it where they know the place of a record, address spaces once more. */
const char *tide_event_problem(const struct tide_event *ev);

/* The accesses of a block stand in `accesses`, or, where the consumer has said that it takes them
 * so (tide_reader_take_fragments) and the format has them, as fragments. These belong to one
 * process, and no event falls inside one. */
struct tide_block {
    size_t n_accesses, n_events;
    uint64_t first; /* ordinal of accesses[0] in the trace, from 0 */
    struct tide_access accesses[TIDE_BLOCK_ACCESSES];
    struct tide_event events[TIDE_BLOCK_EVENTS];

    const struct tide_dictionary *dictionary; /* NULL: not as fragments; else accesses are void */
    size_t n_fragments, n_data;
    uint16_t process;                     /* of all accesses */
    uint32_t ids[TIDE_BLOCK_ACCESSES];    /* of the fragments, in the dictionary */
    uint16_t starts[TIDE_BLOCK_ACCESSES]; /* index in the block of each fragment's first access, */
    uint16_t data_starts[TIDE_BLOCK_ACCESSES]; /* and in `data` of its first data access */
    uint64_t data[TIDE_BLOCK_ACCESSES];        /* addresses of all data accesses, in order */
};

/* The fragment of a block in fragments that access i belongs to. */
size_t tide_block_fragment(const struct tide_block *b, size_t i);
/* Writes accesses [from, to) of a block to `out`, whatever form it has. */
void tide_block_expand(const struct tide_block *b, size_t from, size_t to, struct tide_access *out);
/* Copies what `from` holds, which may be much less than the block. A dictionary is only named. */
void tide_block_copy(struct tide_block *to, const struct tide_block *from);
/* Gives the block its accesses; it has no fragments then. */
void tide_block_unfold(struct tide_block *b);

#endif
