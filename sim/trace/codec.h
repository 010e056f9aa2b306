/* Decompressors behind a stream: one const struct tide_codec each, found by the magic number.
 *
 * A compressed file is a sequence of members (gzip), frames (zstd) or streams (xz), each complete
 * in itself; "member" stands for all three here. The stream owns what is around them: files,
 * padding, offsets, the first failure. A codec sees only bytes in and bytes out, in any portions.
 */
#ifndef TIDE_TRACE_CODEC_H
#define TIDE_TRACE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tide_codec_io {
    const unsigned char *in;
    size_t n_in;
    unsigned char *out;
    size_t n_out;
};

enum { TIDE_CODEC_MORE, TIDE_CODEC_MEMBER_END };

struct tide_codec {
    const char *name;
    /* Whether a member may begin with these n >= 1 bytes, of which it looks at `magic_bytes`. */
    bool (*begins)(const unsigned char *p, size_t n);
    size_t magic_bytes;
    /* NULL: out of memory. At the beginning of a member. */
    void *(*open)(void);
    void (*close)(void *state);
    /* At the beginning of another member. */
    int (*restart)(void *state);
    /* Decodes until the input is used up, the output is full or the member ends, and moves `in`
     * and `out` behind what was taken and made. Returns enum above; TIDE_E_TRACE with *why (static
     * text) when the data is damaged, or TIDE_E_NOMEM; what was made before the damage is in
     * `out`. Called again with no input at the end of the file, as long as it makes output. */
    int (*step)(void *state, struct tide_codec_io *io, const char **why);
    /* CRC-32 of the output of this member so far. NULL: the codec has no such sum. */
    uint32_t (*crc32)(const void *state);
    /* Another codec that reads the same files and, in place of this one, tells where and why a
     * member is damaged. Or NULL. */
    const struct tide_codec *judge;
};

enum { TIDE_CODEC_MAGIC_MAX = 6 };
/* By magic number; `head` has at least TIDE_CODEC_MAGIC_MAX bytes unless the content is shorter.
 * NULL: not compressed, or by something that this build does not read. */
const struct tide_codec *tide_codec_find(const unsigned char *head, size_t n);

/* CRC-32 as gzip has it, by the fastest means of this build. */
uint32_t tide_crc32(uint32_t crc, const void *p, size_t n);

extern const struct tide_codec tide_codec_zlib, tide_codec_isal, tide_codec_zstd, tide_codec_xz;

#endif
