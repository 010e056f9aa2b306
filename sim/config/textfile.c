/* Whole text files: see textfile.h.
 *
 * The buffer grows with the file. One of the most that is allowed would not be touched, but once
 * freed makes malloc take blocks of that size from the heap, where calloc has to clear them.
 */
#include "config/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { PIECE_BYTES = 4096 };

/* All that there is, or a byte more than may be. */
static int read_all(FILE *f, char **buf, size_t *n, struct tide_error *e)
{
    size_t cap = 0, got;

    *n = 0;
    do {
        size_t most = TIDE_TEXTFILE_MAX + 1 - *n;
        char *p = tide_grow(*buf, &cap, *n + PIECE_BYTES, 1);

        if (p == NULL)
            return tide_nomem(e);
        *buf = p;
        got = fread(p + *n, 1, cap - *n < most ? cap - *n : most, f);
        *n += got;
    } while (got > 0);
    return ferror(f) == 0 ? 0 : tide_fail(e, TIDE_E_IO, "can't read it: %s", strerror(errno));
}

int tide_textfile_read(const char *path, struct tide_arena *a, const char **text, size_t *n,
                       struct tide_error *e)
{
    FILE *f = fopen(path, "rb");
    char *buf = NULL;
    int rc;

    if (f == NULL) {
        tide_fail(e, TIDE_E_IO, "can't open it: %s", strerror(errno));
        tide_error_where(e, "%s", path);
        return TIDE_E_IO;
    }
    rc = read_all(f, &buf, n, e);
    if (rc == 0 && *n > TIDE_TEXTFILE_MAX)
        rc = tide_fail(e, TIDE_E_IO, "more than %d KiB: not a file of settings",
                       TIDE_TEXTFILE_MAX / 1024);
    if (rc == TIDE_E_IO)
        tide_error_where(e, "%s", path);
    if (rc == 0 && (*text = tide_arena_copy(a, buf, *n)) == NULL)
        rc = tide_nomem(e);
    free(buf);
    fclose(f);
    return rc;
}
