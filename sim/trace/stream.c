/* Streams of bytes: see stream.h.
 *
 * A codec decodes straight into the caller's buffer and keeps its own history, so the memory used
 * does not depend on the length. A read returns at the end of a member at the latest. The checksum
 * of gzip's content comes free: its members have CRC-32 sums, which crc32_combine() joins. Other
 * content is summed as it passes.
 *
 * Where a codec has a judge, a member that does not end well is decoded once more by that one, from
 * the beginning, up to where the content was delivered; from there the judge goes on, and finds the
 * damage. A pipe cannot go back: there the judge decodes all.
 *
 * The first failure is kept and returned by every later read.
 *
 * Source: RFC 1952 (1996), gzip file format 4.3; sections 2.2 (members) and 2.3.
 */
#include "trace/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "trace/codec.h"
#include "trace/read_ahead.h"

enum { RAW_BYTES = 128 * 1024, IDENTIFY_BYTES = 256 * 1024 };

enum stage {
    PLAIN,  /* raw bytes are content */
    MEMBER, /* inside a compressed member */
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
    uint64_t raw_end;    /* file offset at which to stop */
    bool raw_over;       /* the file has ended: it is not asked again, whatever it is */
    unsigned char *buffer;

    enum stage stage;
    bool padded;                    /* a zero byte has followed the last member */
    const struct tide_codec *codec; /* NULL: plain */
    void *decoder;                  /* its state */
    uint64_t member_raw;            /* file offset of the current member */
    uint64_t again;                 /* content that the judge has to make a second time */
    uint32_t again_crc;             /* of all content, meanwhile */

    uint64_t offset;        /* content delivered */
    uint64_t member_offset; /* content delivered before the current member */
    uint32_t crc;           /* of that */
    struct tide_error failed;

    struct tide_read_ahead *ahead; /* NULL: content is made when it is asked for */
    uint64_t began_ahead;          /* content delivered before that */
};

static uint64_t raw_offset(const struct tide_stream *s)
{
    return s->raw_before + s->raw_pos;
}

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
                         (unsigned long long)raw_offset(s), (unsigned long long)s->offset);
    if (code == TIDE_E_TRACE)
        tide_error_remedy(&s->failed, "copy or record the file again");
    return keep(s, code, e);
}

/* How much of `most` bytes at a file offset is ours to read. */
static size_t room_for(const struct tide_stream *s, uint64_t offset, size_t most)
{
    return s->raw_end - offset < most ? (size_t)(s->raw_end - offset) : most;
}

/* Makes raw bytes available: 1, or 0 at the end of the file. */
static int refill(struct tide_stream *s, struct tide_error *e)
{
    ssize_t n;

    if (s->raw_pos < s->raw_len)
        return 1;
    if (s->fd < 0 || s->raw_over)
        return 0;
    do
        n = read(s->fd, s->buffer, room_for(s, s->raw_before + s->raw_len, RAW_BYTES));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail(s, TIDE_E_IO, strerror(errno), e);
    s->raw_before += s->raw_len;
    s->raw_pos = 0;
    s->raw_len = (size_t)n;
    s->raw_over = n == 0;
    return n > 0;
}

/* Looks at the first bytes, which a pipe may deliver one by one. */
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
    while (s->fd >= 0 && s->raw_len < TIDE_CODEC_MAGIC_MAX) {
        ssize_t n = read(s->fd, s->buffer + s->raw_len,
                         room_for(s, s->raw_before + s->raw_len, RAW_BYTES - s->raw_len));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(s, TIDE_E_IO, strerror(errno), e);
        if (n == 0)
            break;
        s->raw_len += (size_t)n;
    }
    s->codec = tide_codec_find(s->raw, s->raw_len);
    if (s->codec == NULL)
        return 0;
    if (s->codec->judge != NULL && s->fd >= 0 && lseek(s->fd, 0, SEEK_CUR) < 0)
        s->codec = s->codec->judge;
    if ((s->decoder = s->codec->open()) == NULL)
        return tide_nomem(e);
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
    s->raw_end = UINT64_MAX;
    if ((s->name = tide_strdup(name)) == NULL) {
        tide_nomem(e);
        free(s);
        return NULL;
    }
    return s;
}

struct tide_stream *tide_stream_open(const char *path, struct tide_error *e)
{
    return tide_stream_open_part(path, 0, UINT64_MAX, 0, e);
}

struct tide_stream *tide_stream_open_part(const char *path, uint64_t from, uint64_t to,
                                          uint64_t content, struct tide_error *e)
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
    s->raw_before = s->member_raw = from;
    s->raw_end = to;
    s->offset = s->member_offset = content;
    if (from > 0 && lseek(s->fd, (off_t)from, SEEK_SET) < 0) {
        tide_fail(e, TIDE_E_IO, "%s", strerror(errno));
        goto failed;
    }
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
    if (s->decoder != NULL)
        s->codec->close(s->decoder);
    if (s->own_fd && s->fd >= 0)
        close(s->fd);
    tide_read_ahead_free(s->ahead);
    free(s->buffer);
    free(s->name);
    free(s);
}

/* The judge has come to an end before what was delivered did: it is stricter than the codec was.
 * The content so far keeps its sum. */
static void settle(struct tide_stream *s)
{
    if (s->again == 0)
        return;
    s->again = 0;
    s->crc = s->again_crc;
    s->member_offset = s->offset;
}

/* Back to the beginning of the member. */
static int rewind_member(struct tide_stream *s, struct tide_error *e)
{
    uint64_t taken = s->raw_before + s->raw_len - s->member_raw;

    if (s->fd < 0) {
        s->raw_pos = (size_t)s->member_raw;
        return 0;
    }
    if (lseek(s->fd, -(off_t)taken, SEEK_CUR) < 0)
        return fail(s, TIDE_E_IO, strerror(errno), e);
    s->raw_before = s->member_raw;
    s->raw_pos = s->raw_len = 0;
    s->raw_over = false;
    return 0;
}

/* The member does not end well: puts the judge in the codec's place. */
static int ask_judge(struct tide_stream *s, struct tide_error *e)
{
    const struct tide_codec *judge = s->codec->judge;
    void *decoder = judge->open();
    int rc;

    if (decoder == NULL)
        return keep(s, tide_nomem(&s->failed), e);
    s->again_crc = tide_stream_crc32(s);
    s->again = s->offset - s->member_offset;
    s->codec->close(s->decoder);
    s->codec = judge;
    s->decoder = decoder;
    if ((rc = rewind_member(s, e)) < 0)
        settle(s);
    return rc;
}

static void fail_member(struct tide_stream *s, int code, const char *why, struct tide_error *e)
{
    char what[200];

    if (code == TIDE_E_TRACE)
        snprintf(what, sizeof what, "the %s data is damaged (%s)", s->codec->name, why);
    else
        snprintf(what, sizeof what, "the %s data is truncated: the file ends inside it",
                 s->codec->name);
    fail(s, TIDE_E_TRACE, what, e);
}

/* One step inside a member. Returns the bytes delivered, which may be 0 before the end. */
static ssize_t decode_some(struct tide_stream *s, unsigned char *buf, size_t n,
                           struct tide_error *e)
{
    struct tide_codec_io io;
    const char *why = NULL;
    size_t made, got = 0;
    int more = refill(s, e), rc;

    if (more < 0)
        return more;
    /* what is made a second time goes into the buffer, too, and stays there unused */
    if (s->again > 0 && n > s->again)
        n = (size_t)s->again;
    io = (struct tide_codec_io){s->raw + s->raw_pos, s->raw_len - s->raw_pos, buf, n};
    rc = s->codec->step(s->decoder, &io, &why);
    s->raw_pos = s->raw_len - io.n_in;
    made = n - io.n_out;
    if (s->again > 0) {
        s->again -= made;
    } else {
        got = made;
        s->offset += got;
        if (s->codec->crc32 == NULL)
            s->crc = tide_crc32(s->crc, buf, got);
    }
    if (rc == TIDE_CODEC_MEMBER_END) {
        settle(s);
        s->crc = tide_stream_crc32(s);
        s->member_offset = s->offset;
        s->stage = BEHIND;
        return (ssize_t)got;
    }
    if (rc == TIDE_E_NOMEM)
        return keep(s, tide_nomem(&s->failed), e);
    /* The codec may hold bytes that it had no room for: only silence at the end is a truncation. */
    if (rc == TIDE_CODEC_MORE && (made > 0 || more))
        return (ssize_t)got;
    if (s->codec->judge != NULL) {
        rc = ask_judge(s, e);
    } else {
        settle(s);
        fail_member(s, rc, why, e);
        rc = TIDE_E_TRACE;
    }
    return got > 0 || rc == 0 ? (ssize_t)got : rc;
}

/* Behind a member. Returns 1 when another begins, 0 at the end. */
static int next_member(struct tide_stream *s, struct tide_error *e)
{
    char what[200];
    int rc;

    while ((rc = refill(s, e)) == 1) {
        const unsigned char *p = s->raw + s->raw_pos;

        if (!s->padded && s->codec->begins(p, 1)) {
            s->stage = MEMBER;
            s->member_raw = raw_offset(s);
            rc = s->codec->restart(s->decoder);
            return rc < 0 ? keep(s, tide_nomem(&s->failed), e) : 1;
        }
        if (*p != 0) {
            snprintf(what, sizeof what, "bytes that are not %s follow the end of the %s data",
                     s->codec->name, s->codec->name);
            return fail(s, TIDE_E_TRACE, what, e);
        }
        s->padded = true;
        s->raw_pos++;
    }
    return rc;
}

/* Makes content, where tide_stream_read() may hand out what has been made. */
static ssize_t read_on(struct tide_stream *s, void *buf, size_t n, struct tide_error *e)
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
        s->crc = tide_crc32(s->crc, buf, n);
        s->raw_pos += n;
        s->offset += n;
        return (ssize_t)n;
    }
    do {
        if (s->stage == BEHIND && (rc = next_member(s, e)) <= 0)
            return rc;
        got = decode_some(s, buf, n, e);
    } while (got == 0);
    return got;
}

ssize_t tide_stream_read(struct tide_stream *s, void *buf, size_t n, struct tide_error *e)
{
    return s->ahead != NULL ? tide_read_ahead_take(s->ahead, buf, n, e) : read_on(s, buf, n, e);
}

static ssize_t read_source(void *context, void *buf, size_t n, struct tide_error *e)
{
    return read_on(context, buf, n, e);
}

static uint64_t raw_offset_of_source(const void *context)
{
    return raw_offset(context);
}

int tide_stream_read_ahead(struct tide_stream *s, struct tide_error *e)
{
    if (s->ahead != NULL)
        return 0;
    s->began_ahead = s->offset;
    s->ahead = tide_read_ahead_new((struct tide_read_ahead_source){
        .context = s, .read = read_source, .raw_offset = raw_offset_of_source});
    return s->ahead != NULL ? 0 : tide_nomem(e);
}

bool tide_stream_make_ahead(struct tide_stream *s)
{
    return tide_read_ahead_make(s->ahead);
}

bool tide_stream_lags(const struct tide_stream *s)
{
    return tide_read_ahead_lags(s->ahead);
}

bool tide_stream_would_wait(const struct tide_stream *s)
{
    return tide_read_ahead_would_wait(s->ahead);
}

const char *tide_stream_name(const struct tide_stream *s)
{
    return s->name;
}

const char *tide_stream_compression(const struct tide_stream *s)
{
    return s->codec != NULL ? s->codec->name : NULL;
}

uint64_t tide_stream_raw_offset(const struct tide_stream *s)
{
    return s->ahead != NULL ? tide_read_ahead_raw_offset(s->ahead) : raw_offset(s);
}

uint64_t tide_stream_raw_size(const struct tide_stream *s)
{
    return s->raw_size;
}

uint64_t tide_stream_offset(const struct tide_stream *s)
{
    return s->ahead != NULL ? s->began_ahead + tide_read_ahead_taken(s->ahead) : s->offset;
}

uint32_t tide_stream_crc32(const struct tide_stream *s)
{
    uint64_t n = s->offset - s->member_offset;

    if (s->again > 0)
        return s->again_crc;
    if (s->stage == PLAIN || s->codec->crc32 == NULL || n == 0)
        return s->crc;
    return (uint32_t)crc32_combine(s->crc, s->codec->crc32(s->decoder), (z_off_t)n);
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
