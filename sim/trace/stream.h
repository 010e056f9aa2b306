/* A stream of bytes: a file, standard input, or memory; compressed content is decoded on the way.
 *
 * Bounded memory whatever the length. Compression is found by content, never by name: gzip always,
 * zstd and xz where their libraries were there when this was built. Concatenated members are one
 * stream, as gzip(1) and the others have it. After a member, zero padding is accepted; any other
 * trailing byte is an error. Truncation and a wrong checksum are errors that carry the byte offset
 * in the compressed file and in the content.
 * We do not use gzread(): it takes a truncated file for a clean end.
 */
#ifndef TIDE_TRACE_STREAM_H
#define TIDE_TRACE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct tide_stream;

/* Opens a file, or standard input for "-". A directory, an unreadable and an empty file are
 * errors. NULL on failure. `name` is used in messages. Release with tide_stream_close(). */
struct tide_stream *tide_stream_open(const char *path, struct tide_error *e);
/* Bytes [from, to) of a file alone: whole members, or plain content. `content` is the offset of its
 * first byte in the whole content, for messages and tide_stream_offset(). */
struct tide_stream *tide_stream_open_part(const char *path, uint64_t from, uint64_t to,
                                          uint64_t content, struct tide_error *e);
/* Reads from memory, which must stay until the stream is closed. */
struct tide_stream *tide_stream_memory(const void *data, size_t n, const char *name,
                                       struct tide_error *e);
void tide_stream_close(struct tide_stream *s);

/* As read(2): up to n bytes of content; 0 at the end; negative enum tide_code. Bytes that precede
 * damage are delivered first. */
TIDE_MUST_CHECK ssize_t tide_stream_read(struct tide_stream *s, void *buf, size_t n,
                                         struct tide_error *e);

/* From here on other threads than the one that reads may make content ahead of it (read_ahead.h):
 * what they can do is tide_stream_make_ahead(), which returns false where there is nothing to make
 * now, tide_stream_lags(), which tells that it is time for that, and tide_stream_would_wait(),
 * which tells that reading would have to wait for a thread that is making some. */
TIDE_MUST_CHECK int tide_stream_read_ahead(struct tide_stream *s, struct tide_error *e);
bool tide_stream_make_ahead(struct tide_stream *s);
bool tide_stream_lags(const struct tide_stream *s);
bool tide_stream_would_wait(const struct tide_stream *s);

const char *tide_stream_name(const struct tide_stream *s);
/* "gzip", "zstd", "xz", or NULL for plain content. */
const char *tide_stream_compression(const struct tide_stream *s);
/* The compressions that this build reads, as "gzip, zstd". */
const char *tide_stream_compressions(void);
/* Bytes taken from the file, its size (0 if not known), bytes of content delivered. */
uint64_t tide_stream_raw_offset(const struct tide_stream *s);
uint64_t tide_stream_raw_size(const struct tide_stream *s);
uint64_t tide_stream_offset(const struct tide_stream *s);
/* CRC-32 (as gzip has it) of all content delivered so far: with the length it identifies a trace's
 * content, whether compressed or not. Where content is made ahead, only when all is delivered. */
uint32_t tide_stream_crc32(const struct tide_stream *s);

/* Reads the rest and returns 0 with the content's identity; used to find finished runs. */
TIDE_MUST_CHECK int tide_stream_identify(const char *path, uint32_t *crc, uint64_t *bytes,
                                         struct tide_error *e);

#endif
