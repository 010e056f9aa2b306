/* Where trace writers put their bytes: a file that is whole or absent, or standard output.
 *
 * A file is written as PATH.tmp, synced and renamed by finish(); a path that ends in .gz is written
 * as gzip. Bytes are collected in a buffer of fixed size.
 */
#ifndef TIDE_TRACE_OUT_H
#define TIDE_TRACE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tide_out;

enum { TIDE_OUT_AS_IT_IS = 0, TIDE_OUT_LEVEL = 6, TIDE_OUT_ROOM_MAX = 8192 };

/* "-" is standard output. `level` is zlib's, 1..9, or
 * TIDE_OUT_AS_IT_IS: the bytes are not compressed here, whatever the path ends in. NULL on failure.
 * Release with tide_out_finish() or tide_out_abandon(). */
struct tide_out *tide_out_open(const char *path, int level, struct tide_error *e);
/* Room for `n` bytes, at most TIDE_OUT_ROOM_MAX, at which the caller writes before it says
 * tide_out_used(). NULL on failure. */
char *tide_out_room(struct tide_out *o, size_t n, struct tide_error *e);
void tide_out_used(struct tide_out *o, size_t n);
TIDE_MUST_CHECK int tide_out_write(struct tide_out *o, const void *bytes, size_t n,
                                   struct tide_error *e);
/* Overwrites n bytes that were written before, at `offset` of the output; only where
 * tide_out_patchable(). */
TIDE_MUST_CHECK int tide_out_patch(struct tide_out *o, uint64_t offset, const void *bytes, size_t n,
                                   struct tide_error *e);
/* A plain regular file. */
bool tide_out_patchable(const struct tide_out *o);
/* True once the reader of standard output has left: what follows is thrown away, and the writer
 * may as well stop. */
bool tide_out_unread(const struct tide_out *o);
const char *tide_out_path(const struct tide_out *o);
/* Puts the file under its name. Frees `o`, also on failure, which leaves no file. */
TIDE_MUST_CHECK int tide_out_finish(struct tide_out *o, struct tide_error *e);
/* Leaves no file; NULL is fine. */
void tide_out_abandon(struct tide_out *o);

#endif
