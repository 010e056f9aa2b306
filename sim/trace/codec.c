/* The list of decompressors: see codec.h. */
#include "trace/codec.h"
#include "trace/stream.h"

#include <stdlib.h>
#include <string.h>
#ifdef TIDE_WITH_ISAL
#include <isa-l/crc.h>
#else
#include <zlib.h>
#endif

static const struct tide_codec *const others[] = {
#ifdef TIDE_WITH_ZSTD
    &tide_codec_zstd,
#endif
#ifdef TIDE_WITH_XZ
    &tide_codec_xz,
#endif
    NULL};

/* igzip where it was built in, unless PAGETIDE_INFLATE=zlib asks for zlib, to compare the two. */
static const struct tide_codec *gzip(void)
{
#ifdef TIDE_WITH_ISAL
    const char *asked = getenv("PAGETIDE_INFLATE");

    if (asked == NULL || strcmp(asked, "zlib") != 0)
        return &tide_codec_isal;
#endif
    return &tide_codec_zlib;
}

const struct tide_codec *tide_codec_find(const unsigned char *head, size_t n)
{
    const struct tide_codec *c = gzip();

    for (size_t i = 0; c != NULL; c = others[i++])
        if (n >= c->magic_bytes && c->begins(head, n))
            return c;
    return NULL;
}

const char *tide_stream_compressions(void)
{
    return "gzip"
#ifdef TIDE_WITH_ZSTD
           ", zstd"
#endif
#ifdef TIDE_WITH_XZ
           ", xz"
#endif
        ;
}

uint32_t tide_crc32(uint32_t crc, const void *p, size_t n)
{
#ifdef TIDE_WITH_ISAL
    return crc32_gzip_refl(crc, p, n);
#else
    return (uint32_t)crc32_z(crc, p, n);
#endif
}
