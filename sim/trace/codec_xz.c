/* xz streams. */
#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trace/codec.h"

/* xz -9 needs 65 MiB to decode. */
static const uint64_t memory_max = UINT64_C(256) << 20;

static void *alloc(void *context, size_t n, size_t bytes)
{
    (void)context;
    return tide_calloc(n, bytes);
}

static void release(void *context, void *p)
{
    (void)context;
    free(p);
}

static const lzma_allocator allocator = {.alloc = alloc, .free = release};

static int restart(void *state)
{
    return lzma_stream_decoder(state, memory_max, 0) == LZMA_OK ? 0 : TIDE_E_NOMEM;
}

static void codec_close(void *state)
{
    lzma_end(state);
    free(state);
}

static void *codec_open(void)
{
    lzma_stream *z = tide_calloc(1, sizeof *z);

    if (z == NULL)
        return NULL;
    z->allocator = &allocator;
    if (restart(z) == 0)
        return z;
    codec_close(z);
    return NULL;
}

static bool begins(const unsigned char *p, size_t n)
{
    return memcmp(p, "\xfd\x37\x7a\x58\x5a\x00", n < 6 ? n : 6) == 0;
}

static int step(void *state, struct tide_codec_io *io, const char **why)
{
    lzma_stream *z = state;
    lzma_ret rc;

    z->next_in = io->in;
    z->avail_in = io->n_in;
    z->next_out = io->out;
    z->avail_out = io->n_out;
    rc = lzma_code(z, LZMA_RUN);
    *io = (struct tide_codec_io){z->next_in, z->avail_in, z->next_out, z->avail_out};
    switch (rc) {
    case LZMA_OK:
    case LZMA_BUF_ERROR: /* nothing to do with so little */
        return TIDE_CODEC_MORE;
    case LZMA_STREAM_END:
        return TIDE_CODEC_MEMBER_END;
    case LZMA_MEM_ERROR:
        return TIDE_E_NOMEM;
    case LZMA_MEMLIMIT_ERROR:
        *why = "it takes more than 256 MiB to decode";
        return TIDE_E_TRACE;
    case LZMA_FORMAT_ERROR:
        *why = "not xz";
        return TIDE_E_TRACE;
    case LZMA_OPTIONS_ERROR:
        *why = "unknown options";
        return TIDE_E_TRACE;
    default:
        *why = "incorrect data or check";
        return TIDE_E_TRACE;
    }
}

const struct tide_codec tide_codec_xz = {
    .name = "xz",
    .begins = begins,
    .magic_bytes = 6,
    .open = codec_open,
    .close = codec_close,
    .restart = restart,
    .step = step,
};
