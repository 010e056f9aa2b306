/* A whole file into memory: see infile.h. */
#include "report/infile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "report/outfile.h"

enum { STEP = 64 * 1024 };

int tide_infile_read(const char *path, char **bytes, size_t *n, struct tide_error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
    size_t used = 0, cap = 0;
    ssize_t got = 1;
    char *all = NULL;

    *bytes = NULL;
    *n = 0;
    if (fd < 0)
        return tide_io_error(e, "open", path);
    while (rc == 0 && got > 0) {
        char *larger = tide_grow(all, &cap, used + STEP + 1, 1);

        if (larger == NULL) {
            rc = tide_nomem(e);
            break;
        }
        all = larger;
        do {
            got = read(fd, all + used, cap - used - 1);
        } while (got < 0 && errno == EINTR);
        if (got < 0)
            rc = tide_io_error(e, "read", path);
        else
            used += (size_t)got;
    }
    close(fd);
    if (rc != 0) {
        free(all);
        return rc;
    }
    all[used] = '\0';
    *bytes = all;
    *n = used;
    return 0;
}
