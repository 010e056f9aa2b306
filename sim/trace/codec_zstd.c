/* zstd frames, skippable ones among them (these deliver nothing). */
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "trace/codec.h"

static void *codec_open(void)
{
    return ZSTD_createDStream();
}

static void codec_close(void *state)
{
    ZSTD_freeDStream(state);
}

static int restart(void *state)
{
    ZSTD_DCtx_reset(state, ZSTD_reset_session_only);
    return 0;
}

/* A frame, or a skippable one: 5x 2a 4d 18. */
static bool begins(const unsigned char *p, size_t n)
{
    if ((p[0] & 0xf0) == 0x50)
        return n < 4 || memcmp(p + 1, "\x2a\x4d\x18", 3) == 0;
    return memcmp(p, "\x28\xb5\x2f\xfd", n < 4 ? n : 4) == 0;
}

static int step(void *state, struct tide_codec_io *io, const char **why)
{
    ZSTD_inBuffer in = {io->in, io->n_in, 0};
    ZSTD_outBuffer out = {io->out, io->n_out, 0};
    size_t rc = ZSTD_decompressStream(state, &out, &in);

    io->in += in.pos;
    io->n_in -= in.pos;
    io->out += out.pos;
    io->n_out -= out.pos;
    if (!ZSTD_isError(rc))
        return rc == 0 ? TIDE_CODEC_MEMBER_END : TIDE_CODEC_MORE;
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
