/* Heads of chunks: see tide_layout.h. */
#include "trace/tide_layout.h"

#include "trace/codec.h"

static const unsigned char magic[4] = {'T', 'I', 'D', 'E'};

void tide_chunk_put(unsigned char head[TIDE_HEAD_BYTES], const struct tide_chunk *c)
{
    memcpy(head, magic, sizeof magic);
    head[4] = c->type;
    head[5] = c->flags;
    tide_put_le(head + 6, c->version, 2);
    tide_put_le(head + 8, c->length, 4);
    tide_put_le(head + 12, c->crc, 4);
    tide_put_le(head + 16, c->first, 8);
    tide_put_le(head + 24, c->accesses, 4);
    tide_put_le(head + 28, tide_crc32(0, head, 28), 4);
}

bool tide_chunk_get(const unsigned char head[TIDE_HEAD_BYTES], struct tide_chunk *c)
{
    struct tide_cursor at = {head + 4, head + TIDE_HEAD_BYTES, false};

    c->type = (uint8_t)tide_take(&at, 1);
    c->flags = (uint8_t)tide_take(&at, 1);
    c->version = (uint16_t)tide_take(&at, 2);
    c->length = (uint32_t)tide_take(&at, 4);
    c->crc = (uint32_t)tide_take(&at, 4);
    c->first = tide_take(&at, 8);
    c->accesses = (uint32_t)tide_take(&at, 4);
    return memcmp(head, magic, sizeof magic) == 0 && tide_take(&at, 4) == tide_crc32(0, head, 28);
}
