/* The access lines of a lackey log as fragments (trace/fragments.h).
 *
 * A program repeats itself, and so does the text of its log: of straight code that runs once more
 * all bytes are the same but for the digits of data addresses. A *piece* is a fragment with its
 * text; where the text goes on like that of a known piece, the accesses of all its lines are known
 * without looking at any of them, and only the data addresses are read.
 */
#ifndef TIDE_TRACE_LACKEY_CODE_H
#define TIDE_TRACE_LACKEY_CODE_H

#include "trace/dictionary.h"
#include "trace/reader.h"

/* Zeroed first. */
struct tide_lackey_code {
    struct tide_dictionaries dictionaries;
    unsigned char *store; /* the pieces */
    uint32_t *table;      /* by a hash of the text: the first piece */
    uint32_t used;        /* units of the store */
    size_t cap;           /* that there are */
    uint32_t last;        /* the piece before */
};

void tide_lackey_code_fini(struct tide_lackey_code *c);

/* A block is to be filled, which may have been in other hands. 0 or TIDE_E_NOMEM. */
TIDE_MUST_CHECK int tide_lackey_code_begin(struct tide_lackey_code *c, struct tide_block *b);

/* Whether a block of fragments can take no more. */
bool tide_lackey_code_full(const struct tide_lackey_code *c, const struct tide_block *b);

enum tide_lackey_taken {
    TIDE_LACKEY_FULL,  /* the block can take no more */
    TIDE_LACKEY_MORE,  /* more of the content must be in the window to decide */
    TIDE_LACKEY_OTHER, /* what follows is no ordinary access line */
    TIDE_LACKEY_NOMEM
};

/* Takes ordinary access lines: lower-case addresses of 8..15 digits, sizes of 1..3 digits that a
 * fragment can hold. The block is one of fragments, or empty, and not full. Counts the accesses by
 * kind. */
TIDE_MUST_CHECK enum tide_lackey_taken tide_lackey_code_take(struct tide_lackey_code *c,
                                                             struct tide_reader_window *w,
                                                             struct tide_block *b,
                                                             uint64_t counts[TIDE_KINDS]);

/* Adds an access whose line was read by other means to a block that is not full. Returns 1, 0: no
 * fragment can hold it, or TIDE_E_NOMEM. */
TIDE_MUST_CHECK int tide_lackey_code_add(struct tide_lackey_code *c, struct tide_block *b,
                                         const struct tide_access *a);

#endif
