/* gzip by ISA-L's igzip: two to four times as fast as zlib.
 *
 * It tells less about damage, leaves the place to guesswork (it reads ahead in bits) and makes
 * output that is none before it notices; so zlib is its judge: the stream has the member inflated
 * again where it does not end well, and what the failing call made is not taken.
 *
 * Differs: a block whose set of codes is incomplete is refused by zlib at its head; igzip decodes
 * it until a code comes that is not in the set. Where a head is damaged like this, bytes of the
 * block may be delivered that zlib would not; the place and the cause that are told are the same.
 */
#include <isa-l/igzip_lib.h>
#include <limits.h>
#include <stdlib.h>

#include "base/mem.h"
#include "trace/codec.h"

struct decoder {
    struct inflate_state inflate;
    uint32_t crc;    /* of the output that was taken */
    unsigned header; /* bytes of the member seen, up to the flags */
};

/* Byte 3 of a member. igzip lets the reserved ones pass. */
enum { FLAGS_AT = 3, FLAGS_RESERVED = 0xe0 };

static int restart(void *state)
{
    struct decoder *d = state;

    isal_inflate_reset(&d->inflate);
    d->inflate.crc_flag = ISAL_GZIP;
    d->crc = 0;
    d->header = 0;
    return 0;
}

static void *codec_open(void)
{
    struct decoder *d = tide_malloc(sizeof *d);

    if (d == NULL)
        return NULL;
    isal_inflate_init(&d->inflate);
    restart(d);
    return d;
}

static bool flags_are_known(struct decoder *d, const struct tide_codec_io *io)
{
    unsigned at = FLAGS_AT - d->header;

    if (d->header > FLAGS_AT)
        return true;
    d->header += io->n_in <= at ? (unsigned)io->n_in : at + 1;
    return io->n_in <= at || (io->in[at] & FLAGS_RESERVED) == 0;
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
    struct decoder *d = state;
    struct inflate_state *s = &d->inflate;
    uint32_t in = most(io->n_in), out = most(io->n_out);

    *why = "not gzip";
    if (!flags_are_known(d, io))
        return TIDE_E_TRACE;
    s->next_in = (uint8_t *)(uintptr_t)io->in; /* igzip only reads it */
    s->avail_in = in;
    s->next_out = io->out;
    s->avail_out = out;
    if (isal_inflate(s) < 0)
        return TIDE_E_TRACE;
    io->in += in - s->avail_in;
    io->n_in -= in - s->avail_in;
    io->out += out - s->avail_out;
    io->n_out -= out - s->avail_out;
    d->crc = s->crc;
    return s->block_state == ISAL_BLOCK_FINISH ? TIDE_CODEC_MEMBER_END : TIDE_CODEC_MORE;
}

static uint32_t crc32_so_far(const void *state)
{
    return ((const struct decoder *)state)->crc;
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
