/* From the chunks of a tide trace to blocks: the decoder behind the reader in tide.c.
 *
 * A block of the trace is begun with its payload, which must stay, and then fills the blocks of a
 * consumer one after the other. Every length, count and number is checked before it is used, so a
 * payload may hold anything.
 */
#ifndef TIDE_TRACE_TIDE_DECODE_H
#define TIDE_TRACE_TIDE_DECODE_H

#include "base/map.h"
#include "trace/dictionary.h"
#include "trace/reader.h"
#include "trace/tide_layout.h"

/* A fragment may read as many bytes behind the end of its columns: 12 for each access, and those
 * of a number. */
enum { TIDE_PAYLOAD_PADDING = 12 * TIDE_FRAGMENT_ACCESSES + 64 };

/* What the loop over fragments needs of one. */
struct tide_coded_fragment {
    uint32_t first_slot;
    uint8_t data, accesses, code_bytes;
    uint8_t shift;  /* that leaves its codes of a word of 64 bits */
    uint64_t kinds; /* accesses by kind, 16 bits each */
};

/* What is wrong, and where in the payload. */
struct tide_problem {
    int code; /* TIDE_E_TRACE or TIDE_E_NOMEM */
    const char *what;
    const unsigned char *at;
};

struct tide_decoder {
    bool take_fragments; /* else blocks get accesses */

    struct tide_dictionaries groups; /* one for each; `now`: of the group at hand */

    struct tide_coded_fragment *coded; /* TIDE_FRAGMENTS_MAX, of `groups.now` */
    struct tide_slot_state *states;    /* TIDE_DICTIONARY_SLOTS, of `groups.now` */
    uint64_t *strides;                 /* of the same slots */
    uint64_t *followers;               /* TIDE_FOLLOWERS */
    struct tide_access *pattern;       /* accesses of all fragments, data without addresses */
    uint8_t *place;                    /* by data slot: its place in the fragment's pattern */
    uint64_t regions[TIDE_REGIONS];
    uint64_t addr_before; /* the last data address */
    uint64_t bases[TIDE_BASES];
    uint64_t last_pc;

    bool appeared[8192]; /* by process: it has had its PROCESS */
    struct tide_map names;
    char **paths;
    size_t n_paths, cap_paths;

    /* the block at hand */
    uint32_t number, in_group; /* of the block in the trace, in the group */
    bool active, singles;
    struct tide_cursor columns[TIDE_COLS];
    uint32_t units, stretches, records; /* left */
    uint32_t stretch_units, stretch_records;
    uint64_t accesses; /* left, as the head of the chunk has them */
    uint16_t process;
    struct tide_single_state single;
    uint32_t shapes;
    uint32_t single_at;        /* accesses taken */
    struct tide_access *shape; /* TIDE_SHAPES_MAX, made when the first is needed */
};

/* Zeroed first. */
TIDE_MUST_CHECK int tide_decoder_init(struct tide_decoder *d);
void tide_decoder_fini(struct tide_decoder *d);
/* A consumer has given `b` back. */
void tide_decoder_release(struct tide_decoder *d, const struct tide_block *b);
/* What `from` refers to is from now on what `to` refers to, which was given back. */
void tide_decoder_move(struct tide_decoder *d, const struct tide_block *to,
                       const struct tide_block *from);
/* Whether a block that is begun now, with this payload, can add to what `b` holds. */
bool tide_decoder_joins(const struct tide_decoder *d, const struct tide_chunk *c,
                        const unsigned char *payload, const struct tide_block *b);
/* Begins a block. Returns 0 or p->code. The payload is followed by
 * TIDE_PAYLOAD_PADDING readable bytes. */
TIDE_MUST_CHECK int tide_decoder_begin(struct tide_decoder *d, const struct tide_chunk *c,
                                       const unsigned char *payload, struct tide_problem *p);
/* Appends to `b`. 1: b is full, 0: the block has ended, or p->code. */
TIDE_MUST_CHECK int tide_decoder_fill(struct tide_decoder *d, struct tide_block *b,
                                      struct tide_trace_info *info, struct tide_problem *p);
const char *tide_decoder_file(const struct tide_decoder *d, uint32_t file);

#endif
