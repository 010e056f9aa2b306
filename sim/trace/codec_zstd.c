/* zstd frames, skippable ones among them (these deliver nothing).
 *
 * A call of ZSTD_decompressStream() that fails keeps to itself how much it had made before. So it
 * is given one header or one block at a time: then a call that fails has made nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/mem.h"
#include "trace/codec.h"

/* The size of input that zstd suggests has the head of the next block in it. */
enum { FRAME_HEAD_LEAST = 5, BLOCK_HEAD = 3 };

struct decoder {
    ZSTD_DStream *stream;
    size_t next; /* bytes of input, at most, that are one header or one block */
};

static void *codec_open(void)
{
    struct decoder *d = tide_malloc(sizeof *d);

    if (d == NULL)
        return NULL;
    d->next = FRAME_HEAD_LEAST;
    if ((d->stream = ZSTD_createDStream()) != NULL)
        return d;
    free(d);
    return NULL;
}

static void codec_close(void *state)
{
    struct decoder *d = state;

    ZSTD_freeDStream(d->stream);
    free(d);
}

static int restart(void *state)
{
    struct decoder *d = state;

    ZSTD_DCtx_reset(d->stream, ZSTD_reset_session_only);
    d->next = FRAME_HEAD_LEAST;
    return 0;
}

/* A frame, or a skippable one: 5x 2a 4d 18. */
static bool begins(const unsigned char *p, size_t n)
{
    if ((p[0] & 0xf0) == 0x50)
        return n < 4 || memcmp(p + 1, "\x2a\x4d\x18", 3) == 0;
    return memcmp(p, "\x28\xb5\x2f\xfd", n < 4 ? n : 4) == 0;
}

/* Bytes left to take and to fill. */
static size_t left(const struct tide_codec_io *io)
{
    return io->n_in + io->n_out;
}

static int step(void *state, struct tide_codec_io *io, const char **why)
{
    struct decoder *d = state;
    size_t rc, before;

    do {
        ZSTD_inBuffer in = {io->in, io->n_in < d->next ? io->n_in : d->next, 0};
        ZSTD_outBuffer out = {io->out, io->n_out, 0};

        before = left(io);
        rc = ZSTD_decompressStream(d->stream, &out, &in);
        if (ZSTD_isError(rc))
            break;
        io->in += in.pos;
        io->n_in -= in.pos;
        io->out += out.pos;
        io->n_out -= out.pos;
        if (rc == 0)
            return TIDE_CODEC_MEMBER_END;
        d->next = rc > BLOCK_HEAD ? rc - BLOCK_HEAD : rc;
    } while (io->n_in > 0 && io->n_out > 0 && left(io) < before);
    if (!ZSTD_isError(rc))
        return TIDE_CODEC_MORE;
    if (ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation)
        return TIDE_E_NOMEM;
    *why = ZSTD_getErrorName(rc);
    return TIDE_E_TRACE;
}

const struct tide_codec tide_codec_zstd = {
    .name = "zstd",
    .begins = begins,
    .magic_bytes = 4,
    .open = codec_open,
    .close = codec_close,
    .restart = restart,
    .step = step,
};
