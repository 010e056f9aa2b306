/* Whole files: see outfile.h. */
#include "report/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

int tide_io_error(struct tide_error *e, const char *verb, const char *path)
{
    int cause = errno;

    tide_fail(e, TIDE_E_IO, "cannot %s '%.300s': %s", verb, path, strerror(cause));
    if (cause == ENOSPC || cause == EDQUOT || cause == EFBIG)
        tide_error_remedy(e, "make room; finished runs are kept, --resume goes on from them");
    else if (cause == EACCES || cause == EPERM || cause == EROFS)
        tide_error_remedy(e, "choose another output folder with -o, or change its permissions");
    return TIDE_E_IO;
}

int tide_write_all(int fd, const char *bytes, size_t n, const char *path, struct tide_error *e)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return tide_io_error(e, "write", path);
        bytes += done;
        n -= (size_t)done;
    }
    return 0;
}

int tide_outfile_open(struct tide_outfile *o, const char *dir, const char *name,
                      struct tide_error *e)
{
    *o = TIDE_OUTFILE_NONE;
    o->path = tide_asprintf("%s/%s", dir, name);
    o->tmp = tide_asprintf("%s/%s.tmp", dir, name);
    if (o->path == NULL || o->tmp == NULL) {
        free(o->path);
        free(o->tmp);
        *o = TIDE_OUTFILE_NONE;
        return tide_nomem(e);
    }
    o->fd = open(o->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (o->fd < 0) {
        int rc = tide_io_error(e, "make", o->tmp);

        tide_outfile_abandon(o);
        return rc;
    }
    return 0;
}

int tide_outfile_write(struct tide_outfile *o, const char *bytes, size_t n, struct tide_error *e)
{
    return tide_write_all(o->fd, bytes, n, o->tmp, e);
}

int tide_outfile_finish(struct tide_outfile *o, struct tide_error *e)
{
    int fd = o->fd, rc = 0;

    if (fsync(fd) != 0)
        rc = tide_io_error(e, "write", o->tmp);
    o->fd = -1;
    if (close(fd) != 0 && rc == 0)
        rc = tide_io_error(e, "close", o->tmp);
    return rc;
}

int tide_outfile_publish(struct tide_outfile *o, struct tide_error *e)
{
    if (rename(o->tmp, o->path) != 0)
        return tide_io_error(e, "rename", o->tmp);
    free(o->path);
    free(o->tmp);
    *o = TIDE_OUTFILE_NONE;
    return 0;
}

void tide_outfile_abandon(struct tide_outfile *o)
{
    if (o->fd >= 0)
        close(o->fd);
    if (o->tmp != NULL)
        unlink(o->tmp);
    free(o->path);
    free(o->tmp);
    *o = TIDE_OUTFILE_NONE;
}
