/* A result that is one file: see cli.h. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "report/outfile.h"

int cli_write_file(const char *path, const char *bytes, size_t n, struct tide_error *e)
{
    struct tide_outfile out = TIDE_OUTFILE_NONE;
    const char *slash = strrchr(path, '/');
    char *dir = slash == NULL   ? tide_strdup(".")
                : slash == path ? tide_strdup("/")
                                : tide_asprintf("%.*s", (int)(slash - path), path);
    int rc;

    if (dir == NULL)
        return tide_nomem(e);
    rc = tide_outfile_open(&out, dir, slash != NULL ? slash + 1 : path, e);
    if (rc == 0)
        rc = tide_outfile_write(&out, bytes, n, e);
    if (rc == 0)
        rc = tide_outfile_finish(&out, e);
    if (rc == 0)
        rc = tide_outfile_publish(&out, e);
    if (rc == TIDE_E_IO)
        tide_error_remedy(e, "choose another file with -o");
    tide_outfile_abandon(&out);
    free(dir);
    return rc;
}
