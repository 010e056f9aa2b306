/* gzip by ISA-L's igzip: two to four times as fast as zlib.
 *
 * It tells less about damage, and leaves the place to guesswork (it reads ahead in bits), so zlib
 * is its judge: the stream has the member inflated again where it does not end well.
 */
#include <isa-l/igzip_lib.h>
#include <limits.h>
#include <stdlib.h>

#include "base/mem.h"
#include "trace/codec.h"

static int restart(void *state)
{
    struct inflate_state *s = state;

    isal_inflate_reset(s);
    s->crc_flag = ISAL_GZIP;
    return 0;
}

static void *codec_open(void)
{
    struct inflate_state *s = tide_malloc(sizeof *s);

    if (s == NULL)
        return NULL;
    isal_inflate_init(s);
    restart(s);
    return s;
}

static uint32_t most(size_t n)
{
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static bool begins(const unsigned char *p, size_t n)
{
    return p[0] == 0x1f && (n < 2 || p[1] == 0x8b);
}

static int step(void *state, struct tide_codec_io *io, const char **why)
{
    struct inflate_state *s = state;
    uint32_t in = most(io->n_in), out = most(io->n_out);
    int rc;

    s->next_in = (uint8_t *)(uintptr_t)io->in; /* igzip only reads it */
    s->avail_in = in;
    s->next_out = io->out;
    s->avail_out = out;
    rc = isal_inflate(s);
    io->in += in - s->avail_in;
    io->n_in -= in - s->avail_in;
    io->out += out - s->avail_out;
    io->n_out -= out - s->avail_out;
    if (rc < 0) {
        *why = rc == ISAL_INCORRECT_CHECKSUM ? "incorrect data check" : "not deflate";
        return TIDE_E_TRACE;
    }
    return s->block_state == ISAL_BLOCK_FINISH ? TIDE_CODEC_MEMBER_END : TIDE_CODEC_MORE;
}

static uint32_t crc32_so_far(const void *state)
{
    return ((const struct inflate_state *)state)->crc;
}

const struct tide_codec tide_codec_isal = {
    .name = "gzip",
    .begins = begins,
    .magic_bytes = 2,
    .open = codec_open,
    .close = free,
    .restart = restart,
    .step = step,
    .crc32 = crc32_so_far,
    .judge = &tide_codec_zlib,
};
