/* gzip by zlib. Members are checked by zlib itself, so their CRC-32 comes free. */
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"
#include "trace/codec.h"

static void *z_alloc(void *context, unsigned n, unsigned bytes)
{
    (void)context;
    return tide_calloc(n, bytes);
}

static void z_free(void *context, void *p)
{
    (void)context;
    free(p);
}

static void *codec_open(void)
{
    z_stream *z = tide_calloc(1, sizeof *z);

    if (z == NULL)
        return NULL;
    z->zalloc = z_alloc;
    z->zfree = z_free;
    if (inflateInit2(z, 16 + MAX_WBITS) == Z_OK)
        return z;
    free(z);
    return NULL;
}

static void codec_close(void *state)
{
    inflateEnd(state);
    free(state);
}

static int restart(void *state)
{
    inflateReset(state);
    return 0;
}

static unsigned most(size_t n)
{
    return n < UINT_MAX ? (unsigned)n : UINT_MAX;
}

static bool begins(const unsigned char *p, size_t n)
{
    return p[0] == 0x1f && (n < 2 || p[1] == 0x8b);
}

static int step(void *state, struct tide_codec_io *io, const char **why)
{
    z_stream *z = state;
    unsigned in = most(io->n_in), out = most(io->n_out);
    int rc;

    z->next_in = (unsigned char *)(uintptr_t)io->in; /* zlib only reads it */
    z->avail_in = in;
    z->next_out = io->out;
    z->avail_out = out;
    rc = inflate(z, Z_NO_FLUSH);
    io->in += in - z->avail_in;
    io->n_in -= in - z->avail_in;
    io->out += out - z->avail_out;
    io->n_out -= out - z->avail_out;
    if (rc == Z_STREAM_END)
        return TIDE_CODEC_MEMBER_END;
    if (rc == Z_OK || rc == Z_BUF_ERROR)
        return TIDE_CODEC_MORE;
    if (rc == Z_MEM_ERROR)
        return TIDE_E_NOMEM;
    *why = z->msg != NULL ? z->msg : "not deflate";
    return TIDE_E_TRACE;
}

static uint32_t crc32_so_far(const void *state)
{
    /* before the header is complete this is the sum of nothing, whatever zlib keeps there */
    const z_stream *z = state;

    return z->total_out == 0 ? 0 : (uint32_t)z->adler;
}

const struct tide_codec tide_codec_zlib = {
    .name = "gzip",
    .begins = begins,
    .magic_bytes = 2,
    .open = codec_open,
    .close = codec_close,
    .restart = restart,
    .step = step,
    .crc32 = crc32_so_far,
};
