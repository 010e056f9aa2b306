/* Whole text files: see textfile.h. */
#include "config/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

int tide_textfile_read(const char *path, struct tide_arena *a, const char **text, size_t *n,
                       struct tide_error *e)
{
    FILE *f = fopen(path, "rb");
    char *buf = NULL;
    int rc = 0;

    if (f == NULL) {
        tide_fail(e, TIDE_E_IO, "can't open it: %s", strerror(errno));
        tide_error_where(e, "%s", path);
        return TIDE_E_IO;
    }
    buf = tide_arena_alloc(a, TIDE_TEXTFILE_MAX + 1);
    if (buf == NULL) {
        rc = tide_nomem(e);
        goto out;
    }
    *n = fread(buf, 1, TIDE_TEXTFILE_MAX + 1, f);
    if (ferror(f) != 0)
        rc = tide_fail(e, TIDE_E_IO, "can't read it: %s", strerror(errno));
    else if (*n > TIDE_TEXTFILE_MAX)
        rc = tide_fail(e, TIDE_E_IO, "more than %d KiB: not a file of settings",
                       TIDE_TEXTFILE_MAX / 1024);
    if (rc != 0)
        tide_error_where(e, "%s", path);
    *text = buf;
out:
    fclose(f);
    return rc;
}
