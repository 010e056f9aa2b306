/* Reading ahead: content is made before it is asked for, by whatever thread turns to it first.
 *
 * To inflate takes about as long as all that is done with a trace afterwards, but only one thread
 * can do it at a time, and it has to be done first. So pieces of content wait in a few buffers.
 * Whoever asks when there is none makes one.
 */
#ifndef TIDE_TRACE_READ_AHEAD_H
#define TIDE_TRACE_READ_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct tide_read_ahead;

struct tide_read_ahead_source {
    void *context;
    /* As read(2): up to n bytes of content, 0 at the end, negative enum tide_code; both for good.
     * Called by one thread at a time. */
    ssize_t (*read)(void *context, void *buf, size_t n, struct tide_error *e);
    /* Where that has got to in the file, in bytes. */
    uint64_t (*raw_offset)(const void *context);
};

/* NULL: out of memory. */
struct tide_read_ahead *tide_read_ahead_new(struct tide_read_ahead_source source);
void tide_read_ahead_free(struct tide_read_ahead *a);

/* As the source's read(). By one thread at a time; others may be in tide_read_ahead_make(). */
TIDE_MUST_CHECK ssize_t tide_read_ahead_take(struct tide_read_ahead *a, void *buf, size_t n,
                                             struct tide_error *e);
/* Makes pieces until half of the buffers are full, or one where they are; on any thread. False:
 * there was nothing to do. */
bool tide_read_ahead_make(struct tide_read_ahead *a);
/* It is time to make some: half of the buffers are empty, and no thread is at it. */
bool tide_read_ahead_lags(struct tide_read_ahead *a);
/* To take some would be to wait for a thread that is making it. */
bool tide_read_ahead_would_wait(struct tide_read_ahead *a);

/* For the thread that takes: bytes of content taken, and where they end in the file at most. */
uint64_t tide_read_ahead_taken(const struct tide_read_ahead *a);
uint64_t tide_read_ahead_raw_offset(const struct tide_read_ahead *a);

#endif
