/* Streams of bytes: see stream.h.
 *
 * gzip is inflated straight into the caller's buffer; zlib keeps its own 32 KiB of history, so the
 * memory used does not depend on the length. A read returns at the end of a member at the latest.
 * The checksum of the content comes free: zlib checks each member by its own CRC-32, and
 * crc32_combine() joins those. Plain input is summed as it passes.
 *
 * The first failure is kept and returned by every later read.
 *
 * Source: RFC 1952 (1996), gzip file format 4.3; sections 2.2 (members) and 2.3.
 */
#include "trace/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"

enum { RAW_BYTES = 128 * 1024, IDENTIFY_BYTES = 256 * 1024 };

enum stage {
    PLAIN,  /* raw bytes are content */
    MEMBER, /* inside a gzip member */
    BEHIND  /* behind a complete member: another one, zero padding, or the end */
};

struct tide_stream {
    char *name;
    int fd; /* -1: memory */
    bool own_fd;

    const unsigned char *raw; /* read ahead from the file, or all of the memory */
    size_t raw_pos, raw_len;
    uint64_t raw_before; /* file offset of raw[0] */
    uint64_t raw_size;   /* 0: not known */
    unsigned char *buffer;

    enum stage stage;
    bool padded; /* a zero byte has followed the last member */
    bool inflating;
    z_stream z;

    uint64_t offset;        /* content delivered */
    uint64_t member_offset; /* content delivered before the current member */
    uint32_t crc;           /* of that */
    struct tide_error failed;
};

/* Hands out the failure that is kept. */
static int keep(struct tide_stream *s, int code, struct tide_error *e)
{
    if (e != NULL)
        *e = s->failed;
    return code;
}

static int fail(struct tide_stream *s, int code, const char *what, struct tide_error *e)
{
    tide_fail(&s->failed, code, "%s", what);
    if (s->stage == PLAIN)
        tide_error_where(&s->failed, "%s: byte %llu", s->name, (unsigned long long)s->offset);
    else
        tide_error_where(&s->failed, "%s: byte %llu (byte %llu of the content)", s->name,
                         (unsigned long long)tide_stream_raw_offset(s),
                         (unsigned long long)s->offset);
    if (code == TIDE_E_TRACE)
        tide_error_remedy(&s->failed, "copy or record the file again; what precedes this place "
                                      "can be used");
    return keep(s, code, e);
}

/* Makes raw bytes available: 1, or 0 at the end of the file. */
static int refill(struct tide_stream *s, struct tide_error *e)
{
    ssize_t n;

    if (s->raw_pos < s->raw_len)
        return 1;
    if (s->fd < 0)
        return 0;
    do
        n = read(s->fd, s->buffer, RAW_BYTES);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail(s, TIDE_E_IO, strerror(errno), e);
    s->raw_before += s->raw_len;
    s->raw_pos = 0;
    s->raw_len = (size_t)n;
    return n > 0;
}

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

/* Looks at the first two bytes, which a pipe may deliver one by one. */
static int sniff(struct tide_stream *s, struct tide_error *e)
{
    int rc = refill(s, e);

    if (rc < 0)
        return rc;
    if (rc == 0) {
        tide_fail(e, TIDE_E_TRACE, "there is nothing in it: the trace is empty");
        tide_error_where(e, "%s", s->name);
        return TIDE_E_TRACE;
    }
    while (s->fd >= 0 && s->raw_len == 1) {
        ssize_t n = read(s->fd, s->buffer + 1, RAW_BYTES - 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(s, TIDE_E_IO, strerror(errno), e);
        if (n == 0)
            break;
        s->raw_len += (size_t)n;
    }
    if (s->raw_len < 2 || s->raw[0] != 0x1f || s->raw[1] != 0x8b)
        return 0;
    s->z.zalloc = z_alloc;
    s->z.zfree = z_free;
    if (inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK)
        return tide_nomem(e);
    s->inflating = true;
    s->stage = MEMBER;
    return 0;
}

static struct tide_stream *stream_new(const char *name, struct tide_error *e)
{
    struct tide_stream *s = tide_calloc(1, sizeof *s);

    if (s == NULL) {
        tide_nomem(e);
        return NULL;
    }
    s->fd = -1;
    if ((s->name = tide_strdup(name)) == NULL) {
        tide_nomem(e);
        free(s);
        return NULL;
    }
    return s;
}

struct tide_stream *tide_stream_open(const char *path, struct tide_error *e)
{
    bool standard = strcmp(path, "-") == 0;
    struct tide_stream *s = stream_new(standard ? "standard input" : path, e);
    struct stat st;

    if (s == NULL)
        return NULL;
    s->own_fd = !standard;
    s->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st) < 0) {
        tide_fail(e, TIDE_E_IO, "%s", strerror(errno));
        goto failed;
    }
    if (S_ISDIR(st.st_mode)) {
        tide_fail(e, TIDE_E_IO, "this is a directory, not a trace");
        goto failed;
    }
    if (S_ISREG(st.st_mode))
        s->raw_size = (uint64_t)st.st_size;
    if ((s->buffer = tide_malloc(RAW_BYTES)) == NULL) {
        tide_nomem(e);
        goto failed;
    }
    s->raw = s->buffer;
    if (sniff(s, e) < 0)
        goto failed;
    return s;
failed:
    tide_error_where(e, "%s", s->name);
    tide_stream_close(s);
    return NULL;
}

struct tide_stream *tide_stream_memory(const void *data, size_t n, const char *name,
                                       struct tide_error *e)
{
    struct tide_stream *s = stream_new(name, e);

    if (s == NULL)
        return NULL;
    s->raw = data;
    s->raw_len = n;
    s->raw_size = n;
    if (n == 0) {
        tide_fail(e, TIDE_E_TRACE, "there is nothing in it: the trace is empty");
        tide_error_where(e, "%s", name);
    } else if (sniff(s, e) == 0) {
        return s;
    }
    tide_stream_close(s);
    return NULL;
}

void tide_stream_close(struct tide_stream *s)
{
    if (s == NULL)
        return;
    if (s->inflating)
        inflateEnd(&s->z);
    if (s->own_fd && s->fd >= 0)
        close(s->fd);
    free(s->buffer);
    free(s->name);
    free(s);
}

/* One step inside a member. Returns the bytes delivered, which may be 0 before the end. */
static ssize_t inflate_some(struct tide_stream *s, unsigned char *buf, size_t n,
                            struct tide_error *e)
{
    int more = refill(s, e);
    size_t in, got;
    int z;

    if (more < 0)
        return more;
    in = s->raw_len - s->raw_pos;
    if (in > UINT_MAX)
        in = UINT_MAX;
    if (n > UINT_MAX)
        n = UINT_MAX;
    s->z.next_in = (unsigned char *)(uintptr_t)(s->raw + s->raw_pos); /* zlib only reads it */
    s->z.avail_in = (unsigned)in;
    s->z.next_out = buf;
    s->z.avail_out = (unsigned)n;
    z = inflate(&s->z, Z_NO_FLUSH);
    s->raw_pos += in - s->z.avail_in;
    got = n - s->z.avail_out;
    s->offset += got;
    if (z == Z_STREAM_END) {
        s->crc = tide_stream_crc32(s);
        s->member_offset = s->offset;
        s->stage = BEHIND;
        return (ssize_t)got;
    }
    if (z == Z_MEM_ERROR)
        return keep(s, tide_nomem(&s->failed), e);
    if (z != Z_OK && z != Z_BUF_ERROR) {
        char what[128];

        snprintf(what, sizeof what, "the gzip data is damaged (%s)",
                 s->z.msg != NULL ? s->z.msg : "not deflate");
        fail(s, TIDE_E_TRACE, what, e);
        return got > 0 ? (ssize_t)got : TIDE_E_TRACE;
    }
    /* zlib may hold bytes that it had no room for: only silence at the end is a truncation. */
    if (got == 0 && !more)
        return fail(s, TIDE_E_TRACE, "the gzip data is truncated: the file ends inside it", e);
    return (ssize_t)got;
}

/* Behind a member. Returns 1 when another begins, 0 at the end. */
static int next_member(struct tide_stream *s, struct tide_error *e)
{
    int rc;

    while ((rc = refill(s, e)) == 1) {
        unsigned char c = s->raw[s->raw_pos];

        if (c == 0x1f && !s->padded) {
            s->stage = MEMBER;
            inflateReset(&s->z);
            return 1;
        }
        if (c != 0)
            return fail(s, TIDE_E_TRACE, "bytes that are not gzip follow the end of the gzip data",
                        e);
        s->padded = true;
        s->raw_pos++;
    }
    return rc;
}

ssize_t tide_stream_read(struct tide_stream *s, void *buf, size_t n, struct tide_error *e)
{
    ssize_t got;
    int rc;

    if (s->failed.code != 0)
        return keep(s, s->failed.code, e);
    if (n == 0)
        return 0;
    if (s->stage == PLAIN) {
        if ((rc = refill(s, e)) <= 0)
            return rc;
        if (n > s->raw_len - s->raw_pos)
            n = s->raw_len - s->raw_pos;
        memcpy(buf, s->raw + s->raw_pos, n);
        s->crc = (uint32_t)crc32_z(s->crc, buf, n);
        s->raw_pos += n;
        s->offset += n;
        return (ssize_t)n;
    }
    do {
        if (s->stage == BEHIND && (rc = next_member(s, e)) <= 0)
            return rc;
        got = inflate_some(s, buf, n, e);
    } while (got == 0);
    return got;
}

const char *tide_stream_name(const struct tide_stream *s)
{
    return s->name;
}

uint64_t tide_stream_raw_offset(const struct tide_stream *s)
{
    return s->raw_before + s->raw_pos;
}

uint64_t tide_stream_raw_size(const struct tide_stream *s)
{
    return s->raw_size;
}

uint64_t tide_stream_offset(const struct tide_stream *s)
{
    return s->offset;
}

uint32_t tide_stream_crc32(const struct tide_stream *s)
{
    uint64_t n = s->offset - s->member_offset;

    if (s->stage == PLAIN || n == 0)
        return s->crc;
    return (uint32_t)crc32_combine(s->crc, s->z.adler, (z_off_t)n);
}

int tide_stream_identify(const char *path, uint32_t *crc, uint64_t *bytes, struct tide_error *e)
{
    struct tide_error own;
    struct tide_stream *s;
    void *buf;
    ssize_t got;

    if (e == NULL)
        e = &own;
    if ((s = tide_stream_open(path, e)) == NULL)
        return e->code;
    if ((buf = tide_malloc(IDENTIFY_BYTES)) == NULL)
        got = tide_nomem(e);
    else
        do
            got = tide_stream_read(s, buf, IDENTIFY_BYTES, e);
        while (got > 0);
    *crc = tide_stream_crc32(s);
    *bytes = tide_stream_offset(s);
    free(buf);
    tide_stream_close(s);
    return (int)got;
}
