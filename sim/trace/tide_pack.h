/* Chunks of the tide format into a file: gzip members, with the index and the end behind them. */
#ifndef TIDE_TRACE_TIDE_PACK_H
#define TIDE_TRACE_TIDE_PACK_H

#include <zlib.h>

#include "trace/out.h"
#include "trace/tide_file.h"
#include "trace/tide_layout.h"

struct tide_packer {
    struct tide_out *out;
    z_stream z;
    bool ready;  /* z is */
    bool stores; /* columns that deflate shrinks little */
    unsigned char *deflated;
    size_t cap_deflated;
    uint64_t offset, content; /* bytes written to the file; of content */
    struct tide_group *groups;
    size_t n_groups, cap_groups;
    uint64_t blocks, accesses;
};

/* Zeroed first; `level` is zlib's, 1..9; from 7 on the file is the smallest. tide_packer_fini()
 * also after a failure. */
TIDE_MUST_CHECK int tide_packer_init(struct tide_packer *p, struct tide_out *out, int level,
                                     struct tide_error *e);
void tide_packer_fini(struct tide_packer *p);
/* Writes a chunk; length and CRC of `c` are filled in here where it is no block. */
TIDE_MUST_CHECK int tide_packer_put(struct tide_packer *p, const struct tide_chunk *c,
                                    const unsigned char *payload, struct tide_error *e);
/* A block. */
TIDE_MUST_CHECK int tide_packer_block(struct tide_packer *p, const struct tide_chunk *c,
                                      const unsigned char *payload, struct tide_error *e);
/* The index and the end. `summary` is the file offset of that member. */
TIDE_MUST_CHECK int tide_packer_end(struct tide_packer *p, uint64_t summary, struct tide_error *e);

#endif
