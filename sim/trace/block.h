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
    TIDE_EV_TYPES
};

/* Flags of MAP. */
enum {
    TIDE_MAP_SHARED = 1,
    TIDE_MAP_FROM_LAYOUT = 2, /* part of the initial image, not of a system call */
    TIDE_MAP_POPULATE = 4
};

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
    uint32_t number; /* system call, pid or advice */
};

struct tide_block {
    size_t n_accesses, n_events;
    uint64_t first; /* ordinal of accesses[0] in the trace, from 0 */
    struct tide_access accesses[TIDE_BLOCK_ACCESSES];
    struct tide_event events[TIDE_BLOCK_EVENTS];
};

#endif
