/* The output of trace writers: see out.h. */
#include "trace/out.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"

enum { BUFFER_BYTES = 64 * 1024, PACKED_BYTES = 64 * 1024 };
_Static_assert(BUFFER_BYTES >= (int)TIDE_OUT_ROOM_MAX, "a record fits the buffer");

struct tide_out {
    char *path, *tmp; /* tmp NULL: standard output */
    int fd;
    bool regular;
    bool unread;
    bool deflating;
    z_stream z;
    size_t used;      /* bytes in the buffer */
    uint64_t flushed; /* bytes that have left it */
    char *buffer;
    unsigned char *packed;
};

static int io_error(const struct tide_out *o, const char *verb, struct tide_error *e)
{
    int cause = errno;

    tide_fail(e, TIDE_E_IO, "cannot %s the trace: %s", verb, strerror(cause));
    tide_error_where(e, "%s", o->path);
    return TIDE_E_IO;
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

struct tide_out *tide_out_open(const char *path, int level, struct tide_error *e)
{
    bool standard = strcmp(path, "-") == 0;
    size_t length = strlen(path);
    struct tide_out *o = tide_calloc(1, sizeof *o);
    struct stat st;

    if (o == NULL)
        goto nomem;
    o->fd = standard ? STDOUT_FILENO : -1;
    o->path = tide_strdup(standard ? "standard output" : path);
    o->tmp = standard ? NULL : tide_asprintf("%s.tmp", path);
    o->buffer = tide_malloc(BUFFER_BYTES);
    if (o->path == NULL || (!standard && o->tmp == NULL) || o->buffer == NULL)
        goto nomem;
    if (level != TIDE_OUT_AS_IT_IS && length > 3 && strcmp(path + length - 3, ".gz") == 0) {
        o->z.zalloc = z_alloc;
        o->z.zfree = z_free;
        if ((o->packed = tide_malloc(PACKED_BYTES)) == NULL ||
            deflateInit2(&o->z, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            goto nomem;
        o->deflating = true;
    }
    if (standard)
        return o;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        tide_fail(e, TIDE_E_IO, "this is there already, and no regular file");
        tide_error_where(e, "%s", path);
        goto failed;
    }
    o->fd = open(o->tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (o->fd < 0) {
        io_error(o, "make", e);
        goto failed;
    }
    o->regular = true;
    return o;
nomem:
    tide_nomem(e);
failed:
    tide_out_abandon(o);
    return NULL;
}

static int write_all(struct tide_out *o, const void *bytes, size_t n, struct tide_error *e)
{
    const char *p = bytes;

    while (n > 0 && !o->unread) {
        ssize_t done = write(o->fd, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno == EPIPE && o->tmp == NULL) {
            o->unread = true;
            return 0;
        }
        if (done < 0)
            return io_error(o, "write", e);
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* Sends the buffer on; at the end, what deflate still holds as well. */
static int flush(struct tide_out *o, bool end, struct tide_error *e)
{
    int rc = 0;

    o->flushed += o->used;
    if (!o->deflating) {
        rc = write_all(o, o->buffer, o->used, e);
        o->used = 0;
        return rc;
    }
    o->z.next_in = (unsigned char *)o->buffer;
    o->z.avail_in = (unsigned)o->used;
    do {
        o->z.next_out = o->packed;
        o->z.avail_out = PACKED_BYTES;
        deflate(&o->z, end ? Z_FINISH : Z_NO_FLUSH);
        rc = write_all(o, o->packed, PACKED_BYTES - o->z.avail_out, e);
    } while (rc == 0 && o->z.avail_out == 0);
    o->used = 0;
    return rc;
}

char *tide_out_room(struct tide_out *o, size_t n, struct tide_error *e)
{
    assert(n <= TIDE_OUT_ROOM_MAX);
    if (n > BUFFER_BYTES - o->used && flush(o, false, e) != 0)
        return NULL;
    return o->buffer + o->used;
}

void tide_out_used(struct tide_out *o, size_t n)
{
    o->used += n;
    assert(o->used <= BUFFER_BYTES);
}

int tide_out_write(struct tide_out *o, const void *bytes, size_t n, struct tide_error *e)
{
    const char *p = bytes;

    while (n > 0) {
        size_t piece = n < TIDE_OUT_ROOM_MAX ? n : TIDE_OUT_ROOM_MAX;
        char *room = tide_out_room(o, piece, e);

        if (room == NULL)
            return TIDE_E_IO;
        memcpy(room, p, piece);
        tide_out_used(o, piece);
        p += piece;
        n -= piece;
    }
    return 0;
}

bool tide_out_patchable(const struct tide_out *o)
{
    return o->regular && !o->deflating;
}

int tide_out_patch(struct tide_out *o, uint64_t offset, const void *bytes, size_t n,
                   struct tide_error *e)
{
    ssize_t done;

    assert(tide_out_patchable(o) && offset + n <= o->flushed + o->used);
    if (offset >= o->flushed) {
        memcpy(o->buffer + (offset - o->flushed), bytes, n);
        return 0;
    }
    if (offset + n > o->flushed) { /* across the border: bring both parts to the file */
        int rc = flush(o, false, e);

        if (rc != 0)
            return rc;
    }
    do
        done = pwrite(o->fd, bytes, n, (off_t)offset);
    while (done < 0 && errno == EINTR);
    if (done == (ssize_t)n)
        return 0;
    if (done >= 0)
        errno = ENOSPC; /* pwrite() of a few bytes falls short only where the disk is full */
    return io_error(o, "write", e);
}

bool tide_out_unread(const struct tide_out *o)
{
    return o->unread;
}

const char *tide_out_path(const struct tide_out *o)
{
    return o->path;
}

int tide_out_finish(struct tide_out *o, struct tide_error *e)
{
    int rc = flush(o, true, e), fd = o->fd;

    if (o->tmp != NULL) {
        if (rc == 0 && fsync(fd) != 0)
            rc = io_error(o, "write", e);
        o->fd = -1;
        if (close(fd) != 0 && rc == 0)
            rc = io_error(o, "close", e);
        if (rc == 0 && rename(o->tmp, o->path) != 0)
            rc = io_error(o, "name", e);
        if (rc == 0) { /* nothing is left to clean up */
            free(o->tmp);
            o->tmp = NULL;
        }
    }
    tide_out_abandon(o);
    return rc;
}

void tide_out_abandon(struct tide_out *o)
{
    if (o == NULL)
        return;
    if (o->tmp != NULL) {
        if (o->fd >= 0)
            close(o->fd);
        if (o->regular)
            unlink(o->tmp);
    }
    if (o->deflating)
        deflateEnd(&o->z);
    free(o->packed);
    free(o->buffer);
    free(o->tmp);
    free(o->path);
    free(o);
}
