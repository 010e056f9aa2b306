/* Spooling standard input: see spool.h. */
#include "batch/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "report/outfile.h"

enum { PIECE = 65536 };

static int copy(int to, const char *path, struct tide_error *e)
{
    char *piece = tide_malloc(PIECE);
    int rc = 0;

    if (piece == NULL)
        return tide_nomem(e);
    while (rc == 0) {
        ssize_t n = read(STDIN_FILENO, piece, PIECE);

        if (n == 0)
            break;
        if (n > 0)
            rc = tide_write_all(to, piece, (size_t)n, path, e);
        else if (errno != EINTR)
            rc = tide_io_error(e, "read", "standard input");
    }
    free(piece);
    if (rc == TIDE_E_IO)
        tide_error_remedy(e, "the trace is read twice, so it is kept in TMPDIR: set it to a "
                             "folder with room, or give the trace as a file");
    return rc;
}

int tide_spool_stdin(int *fd, char path[static TIDE_SPOOL_PATH], struct tide_error *e)
{
    const char *dir = getenv("TMPDIR");
    char *name = tide_asprintf("%s/pagetide-XXXXXX", dir != NULL && dir[0] != '\0' ? dir : "/tmp");
    int rc;

    if (name == NULL)
        return tide_nomem(e);
    *fd = mkostemp(name, O_CLOEXEC);
    if (*fd < 0) {
        rc = tide_io_error(e, "make", name);
    } else {
        unlink(name);
        snprintf(path, TIDE_SPOOL_PATH, "/dev/fd/%d", *fd);
        rc = copy(*fd, name, e);
        if (rc != 0)
            close(*fd);
    }
    free(name);
    return rc;
}
