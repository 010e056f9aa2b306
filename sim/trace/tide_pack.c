/* Chunks into gzip members: see tide_pack.h.
 *
 * Inflating takes time by the byte that comes out, and most where hardly anything repeats. So at
 * the lower levels columns that deflate shrinks little are stored, as far as size allows; what
 * asks for a higher level asks for the smallest file.
 */
#include "trace/tide_pack.h"

#include <stdlib.h>

#include "base/mem.h"
#include "trace/codec.h"

enum {
    OWN_CODES = 512,        /* bytes of a column that are worth a set of codes */
    SMALLEST_FROM_LEVEL = 7 /* nothing is stored that deflate makes smaller */
};

/* Of a column. A byte of file that storing adds saves the inflating of raw / (raw - deflated)
 * bytes: of less than 1.7 where deflate leaves less than this. Such columns repeat, and what
 * repeats is inflated fast, too. */
enum { STORE_FROM_PERCENT = 40 };
/* Of what deflate makes of a member: files stay well below what xz makes of a log of the same
 * accesses. */
enum { MEMBER_MOST_PERCENT = 150 };

enum {
    STORED_MAX = 65535, /* bytes in a stored block */
    BORDERS_MAX = 1024  /* bytes that deflate adds to end blocks at columns, and more than enough */
};

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
    p->stores = level < SMALLEST_FROM_LEVEL;
    return 0;
}

void tide_packer_fini(struct tide_packer *p)
{
    if (p->ready)
        deflateEnd(&p->z);
    free(p->deflated);
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

/* A stretch of a chunk that begins and ends on a byte border of its deflate data, and ends where
 * the next one begins. Matches reach into what was inflated, in whatever way that was, so each may
 * be stored in place of its deflated bytes. */
struct segment {
    size_t at;       /* in the payload */
    size_t deflated; /* in the deflate data */
    bool tried, stored;
};

struct segments {
    struct segment s[TIDE_COLS + 2]; /* the heads; large columns; the end */
    unsigned n;                      /* without the end */
};

static size_t raw_bytes(const struct segment *s)
{
    return s[1].at - s->at;
}

static size_t deflated_bytes(const struct segment *s)
{
    return s[1].deflated - s->deflated;
}

static size_t stored_bytes(const struct segment *s)
{
    size_t n = raw_bytes(s);

    return n + (n + STORED_MAX - 1) / STORED_MAX * TIDE_STORED_HEAD;
}

/* The columns of a block have nothing in common: each gets codes of its own. */
static size_t feed_columns(struct tide_packer *p, const unsigned char *payload, struct segments *l)
{
    z_stream *z = &p->z;
    size_t at = TIDE_BLOCK_HEAD_BYTES;

    feed(z, payload, at, Z_NO_FLUSH);
    for (unsigned i = 0; i < TIDE_COLS; i++) {
        const unsigned char *field = payload + 4 * (TIDE_BLOCK_COLUMNS + i);
        struct tide_cursor c = {field, field + 4, false};
        size_t n = (size_t)tide_take(&c, 4);

        if (n >= OWN_CODES)
            deflate(z, p->stores ? Z_SYNC_FLUSH : Z_BLOCK);
        if (n >= OWN_CODES && p->stores)
            l->s[l->n++] = (struct segment){.at = at, .deflated = z->total_out};
        feed(z, payload + at, n, Z_NO_FLUSH);
        at += n;
    }
    return at;
}

/* Deflates head and payload. */
static void deflate_chunk(struct tide_packer *p, const struct tide_chunk *c,
                          const unsigned char *head, const unsigned char *payload,
                          struct segments *l)
{
    z_stream *z = &p->z;
    size_t done = 0;

    deflateReset(z);
    z->next_out = p->deflated;
    z->avail_out = (unsigned)p->cap_deflated;
    feed(z, head, TIDE_HEAD_BYTES, Z_NO_FLUSH);
    if (c->type == TIDE_CHUNK_FRAGMENTS || c->type == TIDE_CHUNK_COLUMNS)
        done = feed_columns(p, payload, l);
    feed(z, payload + done, c->length - done, Z_FINISH);
    l->s[l->n] = (struct segment){.at = c->length, .deflated = z->total_out};
}

/* The column that deflate shrinks least, of those which it leaves enough of; NULL: no more. */
static struct segment *least_shrunk(struct segments *l)
{
    struct segment *least = NULL;

    for (struct segment *s = l->s + 1; s < l->s + l->n; s++) {
        if (s->tried || deflated_bytes(s) * 100 < raw_bytes(s) * STORE_FROM_PERCENT)
            continue;
        if (least == NULL || (uint64_t)deflated_bytes(s) * raw_bytes(least) >
                                 (uint64_t)deflated_bytes(least) * raw_bytes(s))
            least = s;
    }
    return least;
}

/* Which columns are stored; returns bytes of the member. */
static size_t choose_stored(struct segments *l)
{
    size_t n = TIDE_MEMBER_HEAD + l->s[l->n].deflated + TIDE_MEMBER_TAIL;
    size_t most = n * MEMBER_MOST_PERCENT / 100;
    struct segment *s;

    while ((s = least_shrunk(l)) != NULL) {
        size_t with = n - deflated_bytes(s) + stored_bytes(s);

        s->tried = true;
        s->stored = with <= most;
        if (s->stored)
            n = with;
    }
    return n;
}

static void put_stored_head(unsigned char *to, bool last, size_t n)
{
    to[0] = last;
    tide_put_le(to + 1, n, 2);
    tide_put_le(to + 3, ~n, 2);
}

/* One stored block, whose length therefore is known beforehand. */
static void store_chunk(struct tide_packer *p, const struct tide_chunk *c,
                        const unsigned char *head, const unsigned char *payload, struct segments *l)
{
    unsigned char *to = p->deflated;
    size_t n = TIDE_HEAD_BYTES + c->length;

    put_stored_head(to, true, n);
    memcpy(to + TIDE_STORED_HEAD, head, TIDE_HEAD_BYTES);
    memcpy(to + TIDE_STORED_HEAD + TIDE_HEAD_BYTES, payload, c->length);
    l->s[l->n] = (struct segment){.at = c->length, .deflated = TIDE_STORED_HEAD + n};
}

static int write_stored(struct tide_out *out, const unsigned char *p, size_t n, bool last,
                        struct tide_error *e)
{
    unsigned char head[TIDE_STORED_HEAD];
    int rc = 0;

    for (size_t piece; n > 0 && rc == 0; p += piece, n -= piece) {
        piece = n < STORED_MAX ? n : STORED_MAX;
        put_stored_head(head, last && piece == n, piece);
        rc = tide_out_write(out, head, sizeof head, e);
        if (rc == 0)
            rc = tide_out_write(out, p, piece, e);
    }
    return rc;
}

static int write_segments(struct tide_packer *p, const struct segments *l,
                          const unsigned char *payload, struct tide_error *e)
{
    int rc = 0;

    for (const struct segment *s = l->s; s < l->s + l->n && rc == 0; s++)
        if (s->stored)
            rc = write_stored(p->out, payload + s->at, raw_bytes(s), s + 1 == l->s + l->n, e);
        else
            rc = tide_out_write(p->out, p->deflated + s->deflated, deflated_bytes(s), e);
    return rc;
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
    size_t most = BORDERS_MAX + deflateBound(&p->z, (uLong)(TIDE_HEAD_BYTES + c->length)), n;
    unsigned char head[TIDE_HEAD_BYTES], around[TIDE_MEMBER_HEAD], *grown;
    struct segments l = {.n = 1};
    struct tide_chunk full = *c;
    uint32_t crc;
    int rc;

    grown = tide_grow(p->deflated, &p->cap_deflated, most, 1);
    if (grown == NULL)
        return tide_nomem(e);
    p->deflated = grown;
    full.version = TIDE_LAYOUT_VERSION;
    full.crc = tide_crc32(0, payload, c->length);
    tide_chunk_put(head, &full);
    if (c->type == TIDE_CHUNK_END)
        store_chunk(p, c, head, payload, &l);
    else
        deflate_chunk(p, c, head, payload, &l);
    n = choose_stored(&l);
    p->offset += n;
    p->content += TIDE_HEAD_BYTES + c->length;
    put_member_head(around, &full, n);
    rc = tide_out_write(p->out, around, TIDE_MEMBER_HEAD, e);
    if (rc == 0)
        rc = write_segments(p, &l, payload, e);
    crc = tide_crc32(tide_crc32(0, head, TIDE_HEAD_BYTES), payload, c->length);
    tide_put_le(around, crc, 4);
    tide_put_le(around + 4, TIDE_HEAD_BYTES + c->length, 4);
    return rc == 0 ? tide_out_write(p->out, around, TIDE_MEMBER_TAIL, e) : rc;
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
