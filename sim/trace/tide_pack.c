/* Chunks into gzip members: see tide_pack.h. */
#include "trace/tide_pack.h"

#include <stdlib.h>

#include "base/mem.h"
#include "trace/codec.h"

enum { OWN_CODES = 512 }; /* bytes of a column that are worth a set of codes */

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

int tide_packer_init(struct tide_packer *p, struct tide_out *out, int level, struct tide_error *e)
{
    p->out = out;
    p->z.zalloc = z_alloc;
    p->z.zfree = z_free;
    if (deflateInit2(&p->z, level, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return tide_nomem(e);
    p->ready = true;
    return 0;
}

void tide_packer_fini(struct tide_packer *p)
{
    if (p->ready)
        deflateEnd(&p->z);
    free(p->packed);
    free(p->groups);
    *p = (struct tide_packer){0};
}

/* Gives deflate more input; `flush` as zlib has it. */
static void feed(z_stream *z, const unsigned char *p, size_t n, int flush)
{
    z->next_in = (unsigned char *)(uintptr_t)p; /* zlib only reads it */
    z->avail_in = (unsigned)n;
    deflate(z, flush);
}

/* The columns of a block have nothing in common: each gets codes of its own. */
static size_t feed_columns(z_stream *z, const unsigned char *payload)
{
    size_t at = TIDE_BLOCK_HEAD_BYTES;

    feed(z, payload, at, Z_NO_FLUSH);
    for (unsigned i = 0; i < TIDE_COLS; i++) {
        const unsigned char *field = payload + 4 * (TIDE_BLOCK_COLUMNS + i);
        struct tide_cursor c = {field, field + 4, false};
        size_t n = (size_t)tide_take(&c, 4);

        if (n >= OWN_CODES)
            deflate(z, Z_BLOCK);
        feed(z, payload + at, n, Z_NO_FLUSH);
        at += n;
    }
    return at;
}

/* Deflates head and payload behind the place of the member's head; *n: bytes of it. */
static void deflate_chunk(struct tide_packer *p, const struct tide_chunk *c,
                          const unsigned char *head, const unsigned char *payload, size_t *n)
{
    z_stream *z = &p->z;
    size_t done = 0;

    deflateReset(z);
    z->next_out = p->packed + TIDE_MEMBER_HEAD;
    z->avail_out = (unsigned)(p->cap_packed - TIDE_MEMBER_HEAD);
    feed(z, head, TIDE_HEAD_BYTES, Z_NO_FLUSH);
    if (c->type == TIDE_CHUNK_FRAGMENTS || c->type == TIDE_CHUNK_COLUMNS)
        done = feed_columns(z, payload);
    feed(z, payload + done, c->length - done, Z_FINISH);
    *n = (size_t)z->total_out;
}

/* One stored block, whose length therefore is known beforehand. */
static void store_chunk(struct tide_packer *p, const unsigned char *head,
                        const unsigned char *payload, size_t length, size_t *n)
{
    unsigned char *to = p->packed + TIDE_MEMBER_HEAD;
    unsigned bytes = (unsigned)(TIDE_HEAD_BYTES + length);

    *to++ = 1; /* the last block, stored */
    tide_put_le(to, bytes, 2);
    tide_put_le(to + 2, ~bytes, 2);
    memcpy(to + 4, head, TIDE_HEAD_BYTES);
    memcpy(to + 4 + TIDE_HEAD_BYTES, payload, length);
    *n = 5 + bytes;
}

static void put_member_head(unsigned char *to, const struct tide_chunk *c, size_t member)
{
    static const unsigned char gzip[] = {0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff};

    memcpy(to, gzip, sizeof gzip);
    tide_put_le(to + 10, TIDE_EXTRA_BYTES, 2);
    to[12] = 'T';
    to[13] = 'D';
    tide_put_le(to + 14, TIDE_EXTRA_FIELD, 2);
    tide_put_le(to + 16, member, 4);
    to[20] = c->type;
    to[21] = c->flags;
    tide_put_le(to + 22, c->version, 2);
    tide_put_le(to + 24, TIDE_HEAD_BYTES + c->length, 4);
    tide_put_le(to + 28, c->accesses, 4);
    tide_put_le(to + 32, c->first, 8);
}

int tide_packer_put(struct tide_packer *p, const struct tide_chunk *c, const unsigned char *payload,
                    struct tide_error *e)
{
    size_t most = TIDE_MEMBER_HEAD + TIDE_MEMBER_TAIL + 1024 +
                  deflateBound(&p->z, (uLong)(TIDE_HEAD_BYTES + c->length));
    unsigned char head[TIDE_HEAD_BYTES], *grown;
    struct tide_chunk full = *c;
    uint32_t crc;
    size_t n;

    grown = tide_grow(p->packed, &p->cap_packed, most, 1);
    if (grown == NULL)
        return tide_nomem(e);
    p->packed = grown;
    full.version = TIDE_LAYOUT_VERSION;
    full.crc = tide_crc32(0, payload, c->length);
    tide_chunk_put(head, &full);
    if (c->type == TIDE_CHUNK_END)
        store_chunk(p, head, payload, c->length, &n);
    else
        deflate_chunk(p, &full, head, payload, &n);
    n += TIDE_MEMBER_HEAD;
    crc = tide_crc32(tide_crc32(0, head, TIDE_HEAD_BYTES), payload, c->length);
    tide_put_le(p->packed + n, crc, 4);
    tide_put_le(p->packed + n + 4, TIDE_HEAD_BYTES + c->length, 4);
    n += TIDE_MEMBER_TAIL;
    put_member_head(p->packed, &full, n);
    p->offset += n;
    p->content += TIDE_HEAD_BYTES + c->length;
    return tide_out_write(p->out, p->packed, n, e);
}

int tide_packer_block(struct tide_packer *p, const struct tide_chunk *c,
                      const unsigned char *payload, struct tide_error *e)
{
    struct tide_group *group;

    if (c->flags & TIDE_CHUNK_GROUP) {
        group = tide_grow(p->groups, &p->cap_groups, p->n_groups + 1, sizeof *group);
        if (group == NULL)
            return tide_nomem(e);
        p->groups = group;
        p->groups[p->n_groups++] = (struct tide_group){
            .offset = p->offset, .content_offset = p->content, .first = c->first};
    }
    group = &p->groups[p->n_groups - 1];
    group->blocks++;
    group->accesses += c->accesses;
    p->blocks++;
    p->accesses += c->accesses;
    return tide_packer_put(p, c, payload, e);
}

static int put_index(struct tide_packer *p, struct tide_error *e)
{
    struct tide_chunk c = {.type = TIDE_CHUNK_INDEX,
                           .flags = TIDE_CHUNK_MAY_SKIP,
                           .first = p->accesses,
                           .length = (uint32_t)(p->n_groups * TIDE_INDEX_BYTES)};
    unsigned char *payload = tide_calloc(p->n_groups + 1, TIDE_INDEX_BYTES), *to = payload;
    int rc;

    if (payload == NULL)
        return tide_nomem(e);
    for (size_t i = 0; i < p->n_groups; i++, to += TIDE_INDEX_BYTES) {
        tide_put_le(to, p->groups[i].offset, 8);
        tide_put_le(to + 8, p->groups[i].content_offset, 8);
        tide_put_le(to + 16, p->groups[i].first, 8);
        tide_put_le(to + 24, p->groups[i].accesses, 8);
        tide_put_le(to + 32, p->groups[i].blocks, 4);
    }
    rc = tide_packer_put(p, &c, payload, e);
    free(payload);
    return rc;
}

int tide_packer_end(struct tide_packer *p, uint64_t summary, struct tide_error *e)
{
    struct tide_chunk c = {.type = TIDE_CHUNK_END, .first = p->accesses, .length = TIDE_END_BYTES};
    unsigned char payload[TIDE_END_BYTES] = {0};
    uint64_t index = 0;
    int rc = 0;

    /* a trace of so many groups is found by its members' heads */
    if (p->n_groups <= TIDE_PAYLOAD_MAX / TIDE_INDEX_BYTES) {
        index = p->offset;
        rc = put_index(p, e);
    }
    tide_put_le(payload, summary, 8);
    tide_put_le(payload + 8, index, 8);
    tide_put_le(payload + 16, p->accesses, 8);
    tide_put_le(payload + 24, p->n_groups, 8);
    tide_put_le(payload + 32, p->blocks, 8);
    tide_put_le(payload + 40, p->content, 8);
    return rc == 0 ? tide_packer_put(p, &c, payload, e) : rc;
}
