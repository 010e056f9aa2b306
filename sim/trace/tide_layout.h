/* The layout of the tide format, for its writer and its readers. README.md says it in words.
 *
 * The content is a sequence of chunks, each a head of 32 bytes and a payload:
 *
 *     0       4      5       6         8          12        16        24         28        32
 *     +-------+------+-------+---------+----------+---------+---------+----------+---------+----
 *     | "TIDE"| type | flags | version | payload  | payload | first   | accesses | head's  | pay-
 *     |       |      |       |         | bytes    | CRC-32  | access  |          | CRC-32  | load
 *     +-------+------+-------+---------+----------+---------+---------+----------+---------+----
 *
 * In a file each chunk is a gzip member of its own. All numbers are little-endian.
 */
#ifndef TIDE_TRACE_TIDE_LAYOUT_H
#define TIDE_TRACE_TIDE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "addr/access.h"
#include "trace/fragments.h"

enum {
    TIDE_LAYOUT_VERSION = 2,
    TIDE_HEAD_BYTES = 32,               /* of a chunk */
    TIDE_PAYLOAD_MAX = 4 * 1024 * 1024, /* bytes */
    TIDE_CHUNK_MAY_SKIP = 1,            /* flag: a reader that does not know the type goes on */
    TIDE_CHUNK_GROUP = 2                /* flag: a block that begins a group */
};

enum tide_chunk_type {
    TIDE_CHUNK_HEADER = 1, /* lines "key value" */
    TIDE_CHUNK_FRAGMENTS,  /* a block of fragments */
    TIDE_CHUNK_COLUMNS,    /* a block of single accesses */
    TIDE_CHUNK_SUMMARY,    /* lines "key value" */
    TIDE_CHUNK_INDEX,      /* groups, TIDE_INDEX_BYTES each */
    TIDE_CHUNK_END
};

struct tide_chunk {
    uint8_t type, flags;
    uint16_t version;
    uint32_t length; /* bytes of the payload */
    uint32_t crc;    /* of the payload */
    uint64_t first;  /* accesses of the trace before this chunk */
    uint32_t accesses;
};

/* ---- blocks ---- */

enum {
    TIDE_CHUNK_ACCESSES = 1 << 20, /* of a block, at most */
    TIDE_GROUP_BLOCKS = 16,        /* that share a dictionary, as this writer makes them */
    TIDE_DICTIONARY_SLOTS = 1 << 18,
    TIDE_DICTIONARY_LENGTHS = 1 << 19
};

/* The payload of a block begins with these, 4 bytes each; the columns follow in this order. */
enum tide_block_field {
    TIDE_BLOCK_NUMBER,   /* of the block in the trace, from 0 */
    TIDE_BLOCK_IN_GROUP, /* number of the block in its group; 0: nothing is known before it */
    TIDE_BLOCK_UNITS,    /* fragments, or accesses */
    TIDE_BLOCK_DATA,     /* accesses whose addresses are coded */
    TIDE_BLOCK_STRETCHES,
    TIDE_BLOCK_RECORDS,     /* in the column of events */
    TIDE_BLOCK_DEFINITIONS, /* new fragments, or shapes */
    TIDE_BLOCK_COLUMNS      /* from here on: lengths of the columns in bytes */
};

enum tide_column {
    TIDE_COL_STRETCHES,
    TIDE_COL_EVENTS,
    TIDE_COL_DEFINITIONS,
    TIDE_COL_ADDRESSES, /* first address of each data slot that is defined */
    TIDE_COL_IDS,
    TIDE_COL_CODES,
    TIDE_COL_R16,
    TIDE_COL_R32,
    TIDE_COLS
};

enum { TIDE_BLOCK_HEAD_BYTES = 4 * (TIDE_BLOCK_COLUMNS + TIDE_COLS) };

/* Two bits for each data address. */
enum tide_data_code {
    TIDE_CODE_BASE,   /* the slot's base + its distance from it */
    TIDE_CODE_STRIDE, /* the slot's last address + its stride */
    TIDE_CODE_NEAR,   /* the slot's last address + a zig-zag number of 16 bits, or its follower */
    TIDE_CODE_FAR     /* low 32 bits of the address, under the upper ones of the last; or escaped */
};
#define TIDE_NEAR_FOLLOWER                                                                    \
    UINT16_MAX                     /* instead of the number: the follower of the last address \
                                    */
#define TIDE_FAR_ESCAPE UINT32_MAX /* 8 bytes of address follow */

/* What is known of a data slot, besides its stride: the step to the last of its addresses that its
 * base did not foretell. */
struct tide_slot_state {
    uint64_t last;     /* its last address */
    uint64_t distance; /* from its base, when that did not foretell its address */
};

/* Stack, heap and libraries mostly lie in different regions of 64 MiB. The base of a slot is the
 * data address before it, of whatever fragment, if that lies in the region of the slot's last
 * address; else it is the address at which that region was left. */
enum { TIDE_REGIONS = 64, TIDE_REGION_SHIFT = 26 };

static inline bool tide_same_region(uint64_t a, uint64_t b)
{
    return (a ^ b) >> TIDE_REGION_SHIFT == 0;
}

/* Regions share a place with those that lie 4 GiB further. */
static inline uint64_t *tide_region(uint64_t regions[TIDE_REGIONS], uint64_t addr)
{
    return &regions[addr >> TIDE_REGION_SHIFT & (TIDE_REGIONS - 1)];
}

/* The base in the region of `to`, which is another one than that of the address before: this is
 * where that is left. */
static inline uint64_t tide_leave_region(uint64_t regions[TIDE_REGIONS], uint64_t before,
                                         uint64_t to)
{
    uint64_t base = *tide_region(regions, to);

    *tide_region(regions, before) = before;
    return base;
}

/* By an address: the one that came after it in its slot when no base and no stride foretold that.
 * Lists and trees that are walked again are. */
enum { TIDE_FOLLOWERS_BITS = 16, TIDE_FOLLOWERS = 1 << TIDE_FOLLOWERS_BITS };

static inline uint64_t *tide_follower(uint64_t followers[TIDE_FOLLOWERS], uint64_t addr)
{
    return &followers[addr * UINT64_C(0x9e3779b97f4a7c15) >> (64 - TIDE_FOLLOWERS_BITS)];
}

/* Items of a definition: a fetch is its length, 1..127, or TIDE_ITEM_LONG and a byte; a data access
 * is TIDE_ITEM_DATA | kind | size class << 2. */
enum { TIDE_ITEM_LONG = 0, TIDE_ITEM_DATA = 0x80, TIDE_ITEM_SIZE_SHIFT = 2, TIDE_ITEM_SIZED = 7 };

/* Size classes 0..6 are 1 << class; TIDE_ITEM_SIZED: 2 bytes of size - 1 follow. */
static inline unsigned tide_size_class(uint32_t size)
{
    if ((size & (size - 1)) != 0 || size > 64)
        return TIDE_ITEM_SIZED;
    return (unsigned)__builtin_ctz(size);
}

/* Bases of the column of first addresses, kept in the order of their last far step. */
enum { TIDE_BASES = 4, TIDE_BASE_FAR = 4 /* bytes of distance from which on a base is replaced */ };

static inline void tide_base_learn(uint64_t bases[TIDE_BASES], unsigned base, unsigned bytes,
                                   uint64_t addr)
{
    if (bytes < TIDE_BASE_FAR) {
        bases[base] = addr;
        return;
    }
    memmove(bases + 1, bases, (TIDE_BASES - 1) * sizeof *bases);
    bases[0] = addr;
}

/* ---- events ---- */

/* A record is a type, the length of what follows as a varint, and that. */
enum {
    TIDE_RECORD_NAME = 0x7f,    /* varint file id; the rest is its name */
    TIDE_RECORD_KNOWN = 0x7e,   /* varint process, varint pid: it appeared before this group */
    TIDE_RECORD_MAY_SKIP = 0x80 /* set in the type: a reader that does not know it goes on */
};

/* Fields of an event: a varint mask tells which are not 0; those follow as varints. */
enum tide_event_field {
    TIDE_FIELD_FLAGS,
    TIDE_FIELD_ADDR,
    TIDE_FIELD_LEN,
    TIDE_FIELD_NEW_ADDR,
    TIDE_FIELD_NEW_LEN,
    TIDE_FIELD_OFFSET,
    TIDE_FIELD_FILE,
    TIDE_FIELD_PROT,
    TIDE_FIELD_NUMBER,
    TIDE_FIELD_CPU,
    TIDE_FIELDS
};

/* ---- single accesses ---- */

/* A shape is a kind and a size. Its number takes no byte where there is one shape, one where there
 * are at most 256, else two. */
enum { TIDE_SHAPES_MAX = 65536, TIDE_SHAPE_BYTES = 3 /* kind, size - 1 in 2 bytes */ };

static inline unsigned tide_shape_bytes(uint32_t shapes)
{
    return shapes <= 1 ? 0 : shapes <= 256 ? 1 : 2;
}

/* The codes of single accesses. */
enum tide_single_code {
    TIDE_SINGLE_STEP,  /* the last address + the step expected after the last two */
    TIDE_SINGLE_OTHER, /* the last address of the region before this one + zig-zag of 16 bits */
    TIDE_SINGLE_NEAR,  /* the last address + zig-zag of 16 bits */
    TIDE_SINGLE_FAR    /* low 32 bits under the upper ones of the last; or escaped */
};

/* The last two steps are remembered, by 32 bits each. */
enum { TIDE_STEPS_BITS = 16, TIDE_STEP_HASH_BITS = 32 };

struct tide_single_state {
    uint64_t last, other; /* addresses */
    uint64_t history;     /* of steps */
    uint64_t steps[1 << TIDE_STEPS_BITS];
};

/* The place of the step that is expected of an access of this shape. */
static inline uint64_t *tide_single_step(struct tide_single_state *s, uint32_t shape)
{
    uint64_t x = (s->history + shape) * UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return &s->steps[x >> (64 - TIDE_STEPS_BITS)];
}

static inline void tide_single_learn(struct tide_single_state *s, uint64_t *step, uint64_t addr)
{
    *step = addr - s->last;
    s->history = s->history << TIDE_STEP_HASH_BITS |
                 *step * UINT64_C(0x9e3779b97f4a7c15) >> (64 - TIDE_STEP_HASH_BITS);
    if ((addr ^ s->last) >> TIDE_REGION_SHIFT != 0)
        s->other = s->last;
    s->last = addr;
}

/* ---- the file ---- */

/* A member: the fixed head of gzip with an extra field "TD", raw deflate, CRC-32 and length.
 *
 *     0            10     12       16       20     21      22       24       28        32       40
 *     +------------+------+--------+--------+------+-------+--------+--------+---------+--------+
 *     | 1f 8b 8 4  | 28   | "TD"   | member | type | flags | ver-   | raw    | ac-     | first  |
 *     | 0..0 0 ff  |      | 24     | bytes  |      |       | sion   | bytes  | cesses  | access |
 *     +------------+------+--------+--------+------+-------+--------+--------+---------+--------+
 */
enum {
    TIDE_MEMBER_HEAD = 40,
    TIDE_MEMBER_TAIL = 8,
    TIDE_EXTRA_BYTES = 28,
    TIDE_EXTRA_FIELD = 24,
    TIDE_INDEX_BYTES = 40, /* file offset, content offset, first access, accesses (8 each);
                              blocks, 0 (4 each) */
    TIDE_END_BYTES = 64    /* see struct tide_end */
};

/* The payload of END, 8 bytes each, zeros behind. Its member is stored, so its size is fixed. */
struct tide_end {
    uint64_t summary, index; /* offsets of their members in the file; 0: there is none */
    uint64_t accesses, groups, blocks;
    uint64_t content; /* bytes of content before END */
};

enum {
    TIDE_STORED_HEAD = 5, /* of a stored block of deflate: RFC 1951, 3.2.4 */
    TIDE_END_MEMBER =
        TIDE_MEMBER_HEAD + TIDE_STORED_HEAD + TIDE_HEAD_BYTES + TIDE_END_BYTES + TIDE_MEMBER_TAIL
};

/* ---- numbers ---- */

static inline void tide_put_le(unsigned char *to, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (unsigned char)(v >> 8 * i);
}

static inline uint64_t tide_zigzag(uint64_t difference)
{
    return difference << 1 ^ (uint64_t)((int64_t)difference >> 63);
}

static inline uint64_t tide_unzigzag(uint64_t v)
{
    return v >> 1 ^ -(v & 1);
}

enum { TIDE_VARINT_MAX = 10 };

static inline size_t tide_put_varint(unsigned char *to, uint64_t v)
{
    size_t n = 0;

    for (; v >= 0x80; v >>= 7)
        to[n++] = (unsigned char)(v | 0x80);
    to[n++] = (unsigned char)v;
    return n;
}

/* A cursor on a column; a read beyond the end gives 0 and sets `failed`. */
struct tide_cursor {
    const unsigned char *p, *end;
    bool failed;
};

static inline uint64_t tide_take(struct tide_cursor *c, unsigned bytes)
{
    uint64_t v = 0;

    if ((size_t)(c->end - c->p) < bytes) {
        c->failed = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)c->p[i] << 8 * i;
    c->p += bytes;
    return v;
}

static inline uint64_t tide_take_varint(struct tide_cursor *c)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned byte = (unsigned)tide_take(c, 1);

        if (shift == 63 && byte > 1)
            break;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return v;
    }
    c->failed = true;
    return 0;
}

/* Writes and reads the head of a chunk; false: it is none, or damaged. */
void tide_chunk_put(unsigned char head[TIDE_HEAD_BYTES], const struct tide_chunk *c);
bool tide_chunk_get(const unsigned char head[TIDE_HEAD_BYTES], struct tide_chunk *c);

#endif
