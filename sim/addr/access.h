/* One record of a trace that touches memory. 16 bytes; readers produce arrays of them. */
#ifndef TIDE_ADDR_ACCESS_H
#define TIDE_ADDR_ACCESS_H

#include <stdint.h>

enum tide_kind {
    TIDE_FETCH,  /* instruction fetch */
    TIDE_READ,   /* load */
    TIDE_WRITE,  /* store */
    TIDE_MODIFY, /* lackey's M: a read and then a write of the same bytes */
    TIDE_KINDS
};

/* Longest access that readers let through; anything larger is a damaged record. */
enum { TIDE_ACCESS_MAX_BYTES = 65536 };

struct tide_access {
    uint64_t addr;    /* first byte */
    uint32_t size;    /* bytes, 1..TIDE_ACCESS_MAX_BYTES; the last byte does not wrap past 2^64-1 */
    uint16_t process; /* dense process index */
    uint8_t kind;     /* enum tide_kind */
    uint8_t unused;
};

/* Instruction and data references form two streams, each with its own first-level TLB. */
enum tide_side { TIDE_SIDE_FETCH, TIDE_SIDE_DATA, TIDE_SIDES };

static inline enum tide_side tide_side_of(enum tide_kind kind)
{
    return kind == TIDE_FETCH ? TIDE_SIDE_FETCH : TIDE_SIDE_DATA;
}

/* Permission and mapping bits, as mmap(2) has them. */
enum { TIDE_PROT_READ = 1, TIDE_PROT_WRITE = 2, TIDE_PROT_EXEC = 4 };

/* What a reference of this kind (not MODIFY, which is two references) needs. */
static inline unsigned tide_prot_needed(enum tide_kind kind)
{
    static const unsigned char needed[TIDE_KINDS] = {
        TIDE_PROT_EXEC, TIDE_PROT_READ, TIDE_PROT_WRITE, TIDE_PROT_READ | TIDE_PROT_WRITE};

    return needed[kind];
}

#endif
