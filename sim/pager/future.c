/* The file of next uses: see future.h. */
#include "pager/future.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    CHUNK = 1 << 16,  /* entries written or turned around at a time */
    WINDOW = 1 << 14, /* entries a cursor holds */
    BEHIND = 1 << 12  /* of them before the last one asked for */
};

struct tide_future {
    int fd;
    uint64_t count;              /* entries on file */
    struct tide_next_use *chunk; /* CHUNK of them, the first n_chunk not yet written */
    size_t n_chunk;
};

static int io_error(struct tide_error *e, const char *what)
{
    tide_fail(e, TIDE_E_IO, "%s the temporary file of next uses failed: %s", what, strerror(errno));
    tide_error_remedy(e, "it takes 16 bytes for each change of page; TMPDIR says where it goes");
    return TIDE_E_IO;
}

static int open_temporary(struct tide_error *e)
{
    const char *dir = getenv("TMPDIR");
    char *path =
        tide_asprintf("%s/pagetide-next-XXXXXX", dir != NULL && dir[0] != '\0' ? dir : "/tmp");
    int fd;

    if (path == NULL)
        return tide_nomem(e);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    free(path);
    return fd >= 0 ? fd : io_error(e, "creating");
}

static int write_uses(int fd, const struct tide_next_use *from, size_t n, uint64_t position,
                      struct tide_error *e)
{
    const char *p = (const char *)from;
    size_t left = n * sizeof *from;
    off_t at = (off_t)(position * sizeof *from);

    while (left > 0) {
        ssize_t done = pwrite(fd, p, left, at);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return io_error(e, "writing");
        p += done;
        left -= (size_t)done;
        at += done;
    }
    return 0;
}

int tide_future_read(const struct tide_future *f, uint64_t from, size_t n,
                     struct tide_next_use *out, struct tide_error *e)
{
    char *p = (char *)out;
    size_t left = n * sizeof *out;
    off_t at = (off_t)(from * sizeof *out);

    while (left > 0) {
        ssize_t done = pread(f->fd, p, left, at);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return io_error(e, "reading");
        p += done;
        left -= (size_t)done;
        at += done;
    }
    return 0;
}

struct tide_future *tide_future_new(struct tide_error *e)
{
    struct tide_future *f = tide_calloc(1, sizeof *f);

    if (f == NULL) {
        tide_nomem(e);
        return NULL;
    }
    f->fd = -1;
    f->chunk = tide_malloc(CHUNK * sizeof *f->chunk);
    if (f->chunk == NULL)
        tide_nomem(e);
    else
        f->fd = open_temporary(e);
    if (f->fd < 0) {
        tide_future_free(f);
        return NULL;
    }
    return f;
}

void tide_future_free(struct tide_future *f)
{
    if (f == NULL)
        return;
    if (f->fd >= 0)
        close(f->fd);
    free(f->chunk);
    free(f);
}

static int flush(struct tide_future *f, struct tide_error *e)
{
    int rc = write_uses(f->fd, f->chunk, f->n_chunk, f->count, e);

    if (rc == 0) {
        f->count += f->n_chunk;
        f->n_chunk = 0;
    }
    return rc;
}

int tide_future_add(struct tide_future *f, struct tide_next_use use, struct tide_error *e)
{
    f->chunk[f->n_chunk++] = use;
    return f->n_chunk == CHUNK ? flush(f, e) : 0;
}

int tide_future_turn(struct tide_future *f, size_t n_ids, struct tide_error *e)
{
    uint64_t *next, end;
    int rc = flush(f, e);

    if (rc != 0)
        return rc;
    next = tide_malloc((n_ids + 1) * sizeof *next);
    if (next == NULL)
        return tide_nomem(e);
    for (size_t id = 0; id < n_ids; id++)
        next[id] = TIDE_NEVER;
    end = f->count;
    while (end > 0 && rc == 0) {
        size_t n = end < CHUNK ? (size_t)end : CHUNK;
        uint64_t start = end - n;

        rc = tide_future_read(f, start, n, f->chunk, e);
        for (size_t i = n; i-- > 0 && rc == 0;) {
            struct tide_next_use *use = &f->chunk[i];
            uint64_t time = use->next;

            use->next = TIDE_NEVER;
            if (use->id != TIDE_NOBODY) {
                use->next = next[use->id];
                next[use->id] = (use->flags & TIDE_USE_FIRST) != 0 ? TIDE_NEVER : time;
            }
        }
        if (rc == 0)
            rc = write_uses(f->fd, f->chunk, n, start, e);
        end = start;
    }
    free(next);
    free(f->chunk);
    f->chunk = NULL;
    return rc;
}

uint64_t tide_future_count(const struct tide_future *f)
{
    return f->count;
}

/* ---- cursors ---- */

struct tide_future_cursor {
    const struct tide_future *future;
    uint64_t base;
    size_t n;
    struct tide_next_use window[WINDOW];
};

struct tide_future_cursor *tide_future_open(struct tide_future *f, struct tide_error *e)
{
    struct tide_future_cursor *c = tide_calloc(1, sizeof *c);

    if (c == NULL) {
        tide_nomem(e);
        return NULL;
    }
    c->future = f;
    return c;
}

void tide_future_close(struct tide_future_cursor *c)
{
    free(c);
}

int tide_future_next(struct tide_future_cursor *c, uint64_t position, uint64_t *next,
                     struct tide_error *e)
{
    if (position - c->base >= c->n) {
        uint64_t left;
        int rc;

        if (position >= c->future->count)
            return tide_fail(e, TIDE_E_TRACE, "the trace changed between the scan and the replay");
        c->base = position > BEHIND ? position - BEHIND : 0;
        left = c->future->count - c->base;
        c->n = left < WINDOW ? (size_t)left : WINDOW;
        rc = tide_future_read(c->future, c->base, c->n, c->window, e);
        if (rc != 0)
            return rc;
    }
    *next = c->window[position - c->base].next;
    return 0;
}
