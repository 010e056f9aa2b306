/* Tide files from outside: see tide_file.h.
 *
 * The end member has a fixed size, so it is looked for first; it leads to the summary and the
 * index. Where it is missing, the file is walked from member to member. Where no member begins
 * where one should, the next one is looked for by what all heads of members have in common.
 */
#include "trace/tide_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "addr/page.h"
#include "base/mem.h"
#include "trace/codec.h"
#include "trace/reader.h"
#include "trace/sink.h"
#include "trace/tide_census.h"
#include "trace/tide_layout.h"

extern const struct tide_format tide_format_tide_part;

enum {
    SEARCH_BYTES = 64 * 1024,
    VALUE_BYTES = 4096, /* of a value that tide_file_value() gives, at most */
    /* of a member: deflate grows what it cannot pack by less than this */
    MEMBER_MAX = TIDE_PAYLOAD_MAX + TIDE_PAYLOAD_MAX / 256 + 4096
};

/* What the head of a member says. */
struct member {
    uint64_t offset;  /* in the file */
    uint64_t content; /* in the content, if nothing before it is lost */
    uint32_t bytes, raw, accesses;
    uint64_t first;
    uint8_t type, flags;
};

struct tide_file {
    char *path;
    int fd;
    uint64_t size;
    bool complete, has_summary;
    char *header, *summary_text; /* lines; NULL: lost */
    struct tide_summary summary;
    struct tide_group *groups;
    size_t n_groups, cap_groups;
    uint64_t *ends; /* offset behind each group */
    size_t cap_ends;
    uint64_t content;
    char value[VALUE_BYTES];
};

/* ---- members ---- */

/* Bytes of the file; fewer than n only at its end. */
static ssize_t read_at(int fd, void *to, size_t n, uint64_t offset)
{
    size_t got = 0;

    while (got < n) {
        ssize_t some = pread(fd, (char *)to + got, n - got, (off_t)(offset + got));

        if (some < 0 && errno == EINTR)
            continue;
        if (some < 0)
            return -1;
        if (some == 0)
            break;
        got += (size_t)some;
    }
    return (ssize_t)got;
}

static bool is_member(const unsigned char *p)
{
    static const unsigned char gzip[] = {
        0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, TIDE_EXTRA_BYTES, 0, 'T', 'D', TIDE_EXTRA_FIELD, 0};

    return memcmp(p, gzip, sizeof gzip) == 0;
}

/* The member that begins at an offset. False: none does, or not all of it is there. */
static bool member_at(int fd, uint64_t size, uint64_t offset, struct member *m)
{
    unsigned char head[TIDE_MEMBER_HEAD];
    struct tide_cursor c = {head + 16, head + sizeof head, false};

    if (size < offset || size - offset < sizeof head ||
        read_at(fd, head, sizeof head, offset) != (ssize_t)sizeof head || !is_member(head))
        return false;
    m->offset = offset;
    m->bytes = (uint32_t)tide_take(&c, 4);
    m->type = (uint8_t)tide_take(&c, 1);
    m->flags = (uint8_t)tide_take(&c, 1);
    tide_take(&c, 2);
    m->raw = (uint32_t)tide_take(&c, 4);
    m->accesses = (uint32_t)tide_take(&c, 4);
    m->first = tide_take(&c, 8);
    return m->bytes >= TIDE_MEMBER_HEAD + TIDE_MEMBER_TAIL && m->bytes <= MEMBER_MAX &&
           m->bytes <= size - offset && m->raw >= TIDE_HEAD_BYTES &&
           m->raw <= TIDE_HEAD_BYTES + TIDE_PAYLOAD_MAX;
}

/* The next place from `offset` on where a whole member begins; `size` where none does. */
static uint64_t find_member(int fd, uint64_t size, uint64_t offset)
{
    static const size_t overlap = TIDE_MEMBER_HEAD - 1;
    unsigned char *buf = tide_malloc(SEARCH_BYTES);
    struct member m;

    while (buf != NULL && offset < size) {
        ssize_t n = read_at(fd, buf, SEARCH_BYTES, offset);

        if (n < TIDE_MEMBER_HEAD)
            break;
        for (size_t i = 0; i + overlap < (size_t)n; i++)
            if (is_member(buf + i) && member_at(fd, size, offset + i, &m)) {
                free(buf);
                return offset + i;
            }
        offset += (size_t)n - overlap;
    }
    free(buf);
    return size;
}

/* The chunk of a member, inflated and checked: its payload, with a zero behind; free() it. NULL:
 * damaged (e->code TIDE_E_TRACE) or out of memory. */
static unsigned char *chunk_of(int fd, const struct member *m, struct tide_chunk *c,
                               struct tide_error *e)
{
    unsigned char *packed = tide_malloc(m->bytes), *raw = tide_malloc((size_t)m->raw + 1);
    z_stream z = {0};
    bool ok = false;

    if (packed == NULL || raw == NULL) {
        tide_nomem(e);
        goto done;
    }
    tide_fail(e, TIDE_E_TRACE, "a member of the file is damaged");
    if (read_at(fd, packed, m->bytes, m->offset) != (ssize_t)m->bytes)
        goto done;
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
        tide_nomem(e);
        goto done;
    }
    z.next_in = packed;
    z.avail_in = m->bytes;
    z.next_out = raw;
    z.avail_out = m->raw;
    ok = inflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out == m->raw && z.avail_in == 0 &&
         tide_chunk_get(raw, c) && c->length == m->raw - TIDE_HEAD_BYTES &&
         tide_crc32(0, raw + TIDE_HEAD_BYTES, c->length) == c->crc;
    inflateEnd(&z);
done:
    free(packed);
    if (!ok) {
        free(raw);
        return NULL;
    }
    memmove(raw, raw + TIDE_HEAD_BYTES, c->length);
    raw[c->length] = '\0';
    return raw;
}

static bool is_block(const struct member *m)
{
    return m->type == TIDE_CHUNK_FRAGMENTS || m->type == TIDE_CHUNK_COLUMNS;
}

/* ---- the index ---- */

static int add_group(struct tide_file *f, const struct tide_group *g)
{
    struct tide_group *groups =
        tide_grow(f->groups, &f->cap_groups, f->n_groups + 1, sizeof *groups);
    uint64_t *ends;

    if (groups == NULL)
        return TIDE_E_NOMEM;
    f->groups = groups;
    if ((ends = tide_grow(f->ends, &f->cap_ends, f->n_groups + 1, sizeof *ends)) == NULL)
        return TIDE_E_NOMEM;
    f->ends = ends;
    f->groups[f->n_groups++] = *g;
    return 0;
}

static void take_summary(struct tide_file *f, unsigned char *text)
{
    free(f->summary_text);
    f->summary_text = (char *)text;
    tide_summary_parse(&f->summary, f->summary_text);
    f->has_summary = true;
}

/* The groups of the index: they follow one another, and the end says where the last one ends. */
static int take_index(struct tide_file *f, const unsigned char *p, size_t n, uint64_t end)
{
    struct tide_cursor c = {p, p + n, false};
    uint64_t before = 0;

    while (c.p < c.end && !c.failed) {
        struct tide_group g = {0};

        g.offset = tide_take(&c, 8);
        g.content_offset = tide_take(&c, 8);
        g.first = tide_take(&c, 8);
        g.accesses = tide_take(&c, 8);
        g.blocks = (uint32_t)tide_take(&c, 4);
        tide_take(&c, 4);
        if (c.failed || g.offset <= before || g.offset >= end)
            return TIDE_E_TRACE;
        if (add_group(f, &g) != 0)
            return TIDE_E_NOMEM;
        before = g.offset;
    }
    for (size_t i = 0; i < f->n_groups; i++)
        f->ends[i] = i + 1 < f->n_groups ? f->groups[i + 1].offset : end;
    return 0;
}

/* Summary and index by the end member. 1: all there. 0: not so. */
static int by_the_end(struct tide_file *f, struct tide_error *e)
{
    struct member m, summary, index;
    struct tide_chunk c;
    struct tide_cursor at;
    uint64_t summary_at, index_at;
    unsigned char *p;
    int rc;

    if (f->size < TIDE_END_MEMBER || !member_at(f->fd, f->size, f->size - TIDE_END_MEMBER, &m) ||
        m.type != TIDE_CHUNK_END || (p = chunk_of(f->fd, &m, &c, e)) == NULL)
        return e->code == TIDE_E_NOMEM ? TIDE_E_NOMEM : 0;
    at = (struct tide_cursor){p, p + c.length, false};
    summary_at = tide_take(&at, 8);
    index_at = tide_take(&at, 8);
    for (unsigned i = 0; i < 3; i++) /* accesses, groups, blocks: the index tells */
        tide_take(&at, 8);
    f->content = tide_take(&at, 8) + TIDE_HEAD_BYTES + c.length;
    free(p);
    if (at.failed || !member_at(f->fd, f->size, summary_at, &summary) ||
        summary.type != TIDE_CHUNK_SUMMARY || !member_at(f->fd, f->size, index_at, &index) ||
        index.type != TIDE_CHUNK_INDEX)
        return 0;
    if ((p = chunk_of(f->fd, &summary, &c, e)) == NULL)
        return e->code == TIDE_E_NOMEM ? TIDE_E_NOMEM : 0;
    take_summary(f, p);
    if ((p = chunk_of(f->fd, &index, &c, e)) == NULL)
        return e->code == TIDE_E_NOMEM ? TIDE_E_NOMEM : 0;
    rc = take_index(f, p, c.length, summary_at);
    free(p);
    if (rc == TIDE_E_TRACE)
        f->n_groups = 0;
    return rc == 0 ? 1 : rc == TIDE_E_NOMEM ? rc : 0;
}

/* ---- the walk ---- */

/* Goes over all members; `each` hears of members and of what lies between them (m NULL: bytes
 * [from, to) belong to none). Returns what `each` does if not 0. */
typedef int member_fn(void *context, const struct member *m, uint64_t from, uint64_t to);

static int walk(int fd, uint64_t size, member_fn *each, void *context)
{
    uint64_t offset = 0, content = 0;
    struct member m;
    int rc = 0;

    while (rc == 0 && offset < size) {
        if (member_at(fd, size, offset, &m)) {
            m.content = content;
            rc = each(context, &m, offset, offset + m.bytes);
            offset += m.bytes;
            content += m.raw;
        } else {
            uint64_t next = find_member(fd, size, offset + 1);

            rc = each(context, NULL, offset, next);
            offset = next;
        }
    }
    return rc;
}

/* Zero bytes may follow the last member. */
static bool only_zeros(int fd, uint64_t from, uint64_t to)
{
    unsigned char buf[4096];

    while (from < to) {
        size_t want = to - from < sizeof buf ? (size_t)(to - from) : sizeof buf;
        ssize_t n = read_at(fd, buf, want, from);

        if (n <= 0)
            return false;
        for (ssize_t i = 0; i < n; i++)
            if (buf[i] != 0)
                return false;
        from += (uint64_t)n;
    }
    return true;
}

struct rebuilding {
    struct tide_file *f;
    struct tide_error *e;
    bool broken; /* a block is missing from the last group */
    bool ended;
};

static int rebuild_one(void *context, const struct member *m, uint64_t from, uint64_t to)
{
    struct rebuilding *r = context;
    struct tide_file *f = r->f;
    struct tide_group *g = f->n_groups > 0 ? &f->groups[f->n_groups - 1] : NULL;
    struct tide_chunk c;
    unsigned char *p;

    if (m == NULL) {
        r->broken = true;
        if (r->ended && !only_zeros(f->fd, from, to))
            r->ended = false;
        return 0;
    }
    f->content = m->content + m->raw;
    if (m->type == TIDE_CHUNK_END)
        r->ended = true;
    if (m->type == TIDE_CHUNK_SUMMARY && (p = chunk_of(f->fd, m, &c, r->e)) != NULL)
        take_summary(f, p);
    if (!is_block(m))
        return 0;
    if (m->flags & TIDE_CHUNK_GROUP) {
        struct tide_group fresh = {
            .offset = m->offset, .content_offset = m->content, .first = m->first};

        if (add_group(f, &fresh) != 0)
            return tide_nomem(r->e);
        g = &f->groups[f->n_groups - 1];
        r->broken = false;
    }
    if (g == NULL || r->broken || m->first != g->first + g->accesses) {
        r->broken = true;
        return 0;
    }
    g->blocks++;
    g->accesses += m->accesses;
    f->ends[f->n_groups - 1] = to;
    return 0;
}

/* ---- opening ---- */

/* 1: a tide file made of members, open. 0: something else. */
static int open_members(const char *path, int *fd, uint64_t *size, struct tide_error *e)
{
    struct stat st;
    struct member m;

    *fd = -1;
    if (strcmp(path, "-") == 0)
        return 0;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, &st) != 0) {
        tide_fail(e, TIDE_E_IO, "%s", strerror(errno));
        tide_error_where(e, "%s", path);
        if (*fd >= 0)
            close(*fd);
        return TIDE_E_IO;
    }
    *size = (uint64_t)st.st_size;
    if (S_ISREG(st.st_mode) && member_at(*fd, *size, 0, &m) && m.type == TIDE_CHUNK_HEADER)
        return 1;
    close(*fd);
    return 0;
}

static int open_file(struct tide_file *f, struct tide_error *e)
{
    struct rebuilding r = {f, e, false, false};
    struct tide_chunk c;
    struct member m;
    int rc = 0;

    if (member_at(f->fd, f->size, 0, &m))
        f->header = (char *)chunk_of(f->fd, &m, &c, e);
    if (f->header != NULL || e->code != TIDE_E_NOMEM)
        rc = by_the_end(f, e);
    else
        rc = TIDE_E_NOMEM;
    if (rc != 0) {
        f->complete = rc > 0;
        return rc;
    }
    f->content = 0;
    rc = walk(f->fd, f->size, rebuild_one, &r);
    f->complete = r.ended && f->has_summary;
    if (rc != 0 || f->n_groups > 0)
        return rc != 0 ? rc : 1;
    tide_fail(e, TIDE_E_TRACE, "the trace is truncated before the end of its first block");
    tide_error_where(e, "%s: byte %" PRIu64, f->path, f->size);
    return TIDE_E_TRACE;
}

int tide_file_open(const char *path, struct tide_file **out, struct tide_error *e)
{
    struct tide_error own = {0};
    struct tide_file *f;
    uint64_t size;
    int fd, rc;

    *out = NULL;
    if (e == NULL)
        e = &own;
    e->code = 0;
    if ((rc = open_members(path, &fd, &size, e)) <= 0)
        return rc;
    if ((f = tide_calloc(1, sizeof *f)) == NULL) {
        close(fd);
        return tide_nomem(e);
    }
    f->fd = fd;
    f->size = size;
    rc = (f->path = tide_strdup(path)) != NULL ? open_file(f, e) : tide_nomem(e);
    if (rc > 0)
        *out = f;
    else
        tide_file_close(f);
    return rc;
}

void tide_file_close(struct tide_file *f)
{
    if (f == NULL)
        return;
    close(f->fd);
    free(f->path);
    free(f->header);
    free(f->summary_text);
    free(f->groups);
    free(f->ends);
    free(f);
}

bool tide_file_complete(const struct tide_file *f)
{
    return f->complete;
}

const struct tide_summary *tide_file_summary(const struct tide_file *f)
{
    return f->has_summary ? &f->summary : NULL;
}

const char *tide_file_value(struct tide_file *f, const char *key)
{
    if ((f->header != NULL && tide_lines_get(f->header, key, f->value, sizeof f->value)) ||
        (f->summary_text != NULL &&
         tide_lines_get(f->summary_text, key, f->value, sizeof f->value)))
        return f->value;
    return NULL;
}

const struct tide_group *tide_file_groups(const struct tide_file *f, size_t *n)
{
    *n = f->n_groups;
    return f->groups;
}

uint64_t tide_file_accesses(const struct tide_file *f)
{
    const struct tide_group *last = f->n_groups > 0 ? &f->groups[f->n_groups - 1] : NULL;

    return last != NULL ? last->first + last->accesses : 0;
}

uint64_t tide_file_bytes(const struct tide_file *f)
{
    return f->size;
}

uint64_t tide_file_content_bytes(const struct tide_file *f)
{
    return f->content;
}

size_t tide_file_find(const struct tide_file *f, uint64_t access)
{
    size_t low = 0, high = f->n_groups;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (f->groups[middle].first <= access)
            low = middle;
        else
            high = middle;
    }
    return low;
}

struct tide_reader *tide_file_reader(const struct tide_file *f, size_t from, size_t to,
                                     struct tide_error *e)
{
    const struct tide_group *g = &f->groups[from];
    struct tide_stream *s =
        tide_stream_open_part(f->path, g->offset, f->ends[to - 1], g->content_offset, e);

    return s != NULL ? tide_reader_open_as(s, &tide_format_tide_part, g->first, e) : NULL;
}

/* ---- verify ---- */

struct verifying {
    const char *path;
    int fd;
    tide_damage_fn *tell;
    void *context;
    struct tide_verdict *v;
    struct tide_error *e;

    struct member *members; /* of the group at hand: blocks that follow one another */
    size_t n_members, cap_members;
    uint64_t next;   /* ordinal of the access that comes next if nothing is lost */
    uint64_t blocks; /* so far, lost ones too */
    bool broken;     /* a block of the group is missing: the rest of it is lost */
    bool ended;

    struct tide_block *block;
    struct tide_sink *sink; /* repair: where to put what is intact, or NULL */
    bool seen[TIDE_MAX_PROCESSES];
};

static void tell(struct verifying *w, uint64_t offset, uint64_t content, uint64_t block,
                 uint64_t record, uint64_t lost, const char *what)
{
    const struct tide_damage d = {offset, content, block, record, lost, what};

    w->v->damages++;
    w->v->lost_accesses += lost;
    if (w->tell != NULL)
        w->tell(w->context, &d);
}

static const char *path_of(const void *context, uint32_t file)
{
    return tide_reader_file(context, file);
}

/* Hands what is intact on; groups that are read by themselves tell of processes again. */
static int put_block(struct verifying *w, const struct tide_reader *r)
{
    const struct tide_file_names names = {path_of, r};
    struct tide_block *b = w->block;
    size_t n = 0;

    if (w->sink == NULL)
        return 0;
    for (size_t i = 0; i < b->n_events; i++) {
        bool *seen = &w->seen[b->events[i].process];

        if (b->events[i].type == TIDE_EV_PROCESS && *seen)
            continue;
        *seen = true;
        b->events[n++] = b->events[i];
    }
    b->n_events = n;
    return tide_sink_put(w->sink, b, &names, w->e);
}

/* Decodes the blocks that were collected. */
static int verify_group(struct verifying *w)
{
    struct member *m = w->members, *last;
    uint64_t first, done, all = 0;
    size_t n = w->n_members, intact = 0;
    struct tide_error e = {0};
    struct tide_stream *s;
    struct tide_reader *r;
    int rc, put = 0;

    w->n_members = 0;
    if (n == 0)
        return 0;
    last = m + n - 1;
    first = done = m->first;
    last = &m[n - 1];
    s = tide_stream_open_part(w->path, m->offset, last->offset + last->bytes, m->content, &e);
    r = s != NULL ? tide_reader_open_as(s, &tide_format_tide_part, first, &e) : NULL;
    rc = r != NULL ? 1 : e.code;
    while (rc > 0 && (rc = tide_reader_next(r, w->block, &e)) > 0) {
        done += w->block->n_accesses;
        if ((put = put_block(w, r)) != 0)
            break;
    }
    tide_reader_close(r);
    if (put != 0)
        return put;
    if (rc < 0 && rc != TIDE_E_TRACE) {
        *w->e = e;
        return rc;
    }
    for (size_t i = 0; i < n; i++) {
        all += m[i].accesses;
        intact += rc == 0 || first + all <= done;
    }
    w->v->accesses += done - first;
    w->v->behind += w->v->damages > 0 ? done - first : 0;
    w->v->blocks += intact;
    w->v->lost_blocks += n - intact;
    if (rc == 0 && done - first != all)
        tell(w, m->offset, m->content, w->blocks, done, 0,
             "the head of a member does not tell its number of accesses");
    if (rc < 0)
        tell(w, m[intact < n ? intact : n - 1].offset, m[intact < n ? intact : n - 1].content,
             w->blocks + intact, done, all - (done - first), e.what);
    w->blocks += n;
    return 0;
}

/* A chunk that is no block: it has to inflate. */
static int verify_other(struct verifying *w, const struct member *m)
{
    struct tide_chunk c;
    struct tide_error e = {0};
    unsigned char *p = chunk_of(w->fd, m, &c, &e);

    if (p == NULL && e.code == TIDE_E_NOMEM)
        return tide_nomem(w->e);
    if (p == NULL)
        tell(w, m->offset, m->content, w->blocks, w->next, 0,
             m->type == TIDE_CHUNK_HEADER    ? "the header is damaged"
             : m->type == TIDE_CHUNK_SUMMARY ? "the summary is damaged"
             : m->type == TIDE_CHUNK_INDEX   ? "the index is damaged"
             : m->type == TIDE_CHUNK_END     ? "the end is damaged"
                                             : "a chunk is damaged");
    else if (m->type == TIDE_CHUNK_END)
        w->ended = true;
    free(p);
    return 0;
}

static int verify_one(void *context, const struct member *m, uint64_t from, uint64_t to)
{
    struct verifying *w = context;
    struct member *grown;
    int rc = 0;

    if (m == NULL) {
        if (w->ended && only_zeros(w->fd, from, to))
            return 0;
        rc = verify_group(w);
        tell(w, from, 0, w->blocks, w->next, 0, "these bytes are no part of the trace");
        w->broken = true;
        return rc;
    }
    if (w->ended)
        tell(w, from, m->content, w->blocks, w->next, 0, "members follow the end of the trace");
    if (!is_block(m)) {
        rc = verify_group(w);
        return rc == 0 ? verify_other(w, m) : rc;
    }
    if (m->flags & TIDE_CHUNK_GROUP) {
        rc = verify_group(w);
        w->broken = false;
    }
    if (rc != 0)
        return rc;
    if (m->first != w->next) {
        rc = verify_group(w);
        tell(w, from, m->content, w->blocks, w->next, m->first > w->next ? m->first - w->next : 0,
             m->first > w->next ? "a part of the trace is missing before this"
                                : "a part of the trace comes twice");
        w->broken |= !(m->flags & TIDE_CHUNK_GROUP);
        if (rc != 0)
            return rc;
    }
    w->next = m->first + m->accesses;
    if (w->broken) {
        tell(w, from, m->content, w->blocks, m->first, m->accesses,
             "an earlier block of the group is lost, without which this cannot be decoded");
        w->blocks++;
        w->v->lost_blocks++;
        return 0;
    }
    grown = tide_grow(w->members, &w->cap_members, w->n_members + 1, sizeof *grown);
    if (grown == NULL)
        return tide_nomem(w->e);
    w->members = grown;
    w->members[w->n_members++] = *m;
    return 0;
}

/* What has no members to walk over is read from its beginning to the first damage. */
static int verify_stream(struct verifying *w)
{
    struct tide_error e = {0};
    struct tide_stream *s = tide_stream_open(w->path, &e);
    struct tide_reader *r = s != NULL ? tide_reader_open(s, NULL, &e) : NULL;
    int rc = r != NULL ? 1 : e.code, put = 0;

    while (rc > 0 && (rc = tide_reader_next(r, w->block, &e)) > 0) {
        w->next += w->block->n_accesses;
        if ((put = put_block(w, r)) != 0)
            break;
    }
    w->v->accesses = w->next;
    w->ended = rc == 0;
    if (put == 0 && rc == TIDE_E_TRACE && r != NULL)
        tell(w, tide_stream_raw_offset(tide_reader_stream(r)),
             tide_stream_offset(tide_reader_stream(r)), 0, w->next, 0, e.what);
    else if (put == 0 && rc < 0)
        *w->e = e;
    tide_reader_close(r);
    if (put != 0)
        return put;
    return rc < 0 && (rc != TIDE_E_TRACE || r == NULL) ? rc : 0;
}

/* Looks at everything; damage is told and counted, and is no failure here. */
static int examine(struct verifying *w)
{
    uint64_t size;
    int rc;

    *w->v = (struct tide_verdict){0};
    if ((w->block = tide_malloc(sizeof *w->block)) == NULL)
        return tide_nomem(w->e);
    rc = open_members(w->path, &w->fd, &size, w->e);
    if (rc == 0) {
        rc = verify_stream(w);
    } else if (rc > 0) {
        rc = walk(w->fd, size, verify_one, w);
        if (rc == 0)
            rc = verify_group(w);
        if (rc == 0 && !w->ended)
            tell(w, size, 0, w->blocks, w->next, 0, "the trace is truncated: its end is missing");
        close(w->fd);
    }
    w->v->complete = w->ended;
    free(w->members);
    free(w->block);
    return rc;
}

int tide_file_verify(const char *path, tide_damage_fn *tell_, void *context, struct tide_verdict *v,
                     struct tide_error *e)
{
    struct verifying *w = tide_calloc(1, sizeof *w);
    struct tide_error own;
    int rc;

    if (w == NULL)
        return tide_nomem(e);
    *w = (struct verifying){
        .path = path, .tell = tell_, .context = context, .v = v, .e = e != NULL ? e : &own};
    rc = examine(w);
    free(w);
    if (rc == 0 && v->damages > 0) {
        rc = tide_fail(e, TIDE_E_TRACE, "the trace is damaged in %" PRIu64 " %s", v->damages,
                       v->damages == 1 ? "place" : "places");
        tide_error_where(e, "%s", path);
        tide_error_remedy(e, "pagetide trace verify --repair writes what is intact to a new file");
    }
    return rc;
}

/* ---- repair ---- */

/* The header's values for the new file; each has to be freed. */
struct values {
    char *command, *recorder, *date, *note, *reduction, *page;
};

static char *copy_value(struct tide_file *f, const char *key)
{
    const char *value = f != NULL ? tide_file_value(f, key) : NULL;

    return tide_strdup(value != NULL ? value : "");
}

static void free_values(struct values *o)
{
    free(o->command);
    free(o->recorder);
    free(o->date);
    free(o->note);
    free(o->reduction);
    free(o->page);
}

static int read_values(const char *path, const struct tide_verdict *v, struct values *o,
                       struct tide_error *e)
{
    struct tide_error own;
    struct tide_file *f;
    char *note;

    if (tide_file_open(path, &f, &own) == TIDE_E_NOMEM)
        return tide_nomem(e);
    *o = (struct values){copy_value(f, "command"),   copy_value(f, "recorder"),
                         copy_value(f, "date"),      NULL,
                         copy_value(f, "reduction"), copy_value(f, "host_page_bytes")};
    note = copy_value(f, "note");
    if (v->damages > 0 && note != NULL)
        o->note = tide_asprintf("%s%srepaired: %" PRIu64 " accesses are kept, %" PRIu64
                                " known to be lost",
                                note, note[0] != '\0' ? "; " : "", v->accesses, v->lost_accesses);
    else if (note != NULL)
        o->note = tide_strdup(note);
    free(note);
    tide_file_close(f);
    if (o->command == NULL || o->recorder == NULL || o->date == NULL || o->note == NULL ||
        o->reduction == NULL || o->page == NULL) {
        free_values(o);
        return tide_nomem(e);
    }
    return 0;
}

int tide_file_repair(const char *path, const char *to, tide_damage_fn *tell_, void *context,
                     struct tide_verdict *v, struct tide_error *e)
{
    struct tide_sink_options options = {0};
    struct verifying *w = NULL;
    struct tide_error own = {0};
    struct tide_verdict again;
    struct values o = {0};
    int rc;

    if (e == NULL)
        e = &own;
    rc = tide_file_verify(path, tell_, context, v, e);
    if (rc != 0 && (rc != TIDE_E_TRACE || v->accesses == 0))
        return rc;
    if ((rc = read_values(path, v, &o, e)) != 0)
        return rc;
    options = (struct tide_sink_options){
        .command = o.command,
        .recorder = o.recorder,
        .date = o.date,
        .note = o.note,
        .reduction = o.reduction,
        .host_page_bytes = (uint32_t)strtoul(o.page, NULL, 10),
    };
    rc = TIDE_E_NOMEM;
    if ((w = tide_calloc(1, sizeof *w)) == NULL) {
        tide_nomem(e);
    } else {
        *w = (struct verifying){.path = path, .v = &again, .e = e};
        w->sink = tide_sink_open("tide", to, &options, e);
        rc = w->sink != NULL ? examine(w) : e->code;
        if (rc == 0)
            rc = tide_sink_finish(w->sink, e);
        else
            tide_sink_abandon(w->sink);
        free(w);
    }
    free_values(&o);
    return rc;
}
