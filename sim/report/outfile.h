/* Files that are whole or absent: written as NAME.tmp, synced, closed, then renamed.
 *
 * finish() and publish() are apart so that a set of files can be finished, all of them, before the
 * first one appears under its final name.
 */
#ifndef TIDE_REPORT_OUTFILE_H
#define TIDE_REPORT_OUTFILE_H

#include <stddef.h>

#include "base/error.h"

struct tide_outfile {
    int fd;           /* -1: closed */
    char *path, *tmp; /* own memory; NULL when nothing is to be cleaned up */
};

#define TIDE_OUTFILE_NONE ((struct tide_outfile){.fd = -1})

/* DIR/NAME.tmp is made anew. */
TIDE_MUST_CHECK int tide_outfile_open(struct tide_outfile *o, const char *dir, const char *name,
                                      struct tide_error *e);
TIDE_MUST_CHECK int tide_outfile_write(struct tide_outfile *o, const char *bytes, size_t n,
                                       struct tide_error *e);
/* Everything is on the disk. */
TIDE_MUST_CHECK int tide_outfile_finish(struct tide_outfile *o, struct tide_error *e);
TIDE_MUST_CHECK int tide_outfile_publish(struct tide_outfile *o, struct tide_error *e);
/* Removes what was not published; harmless after publish and on TIDE_OUTFILE_NONE. */
void tide_outfile_abandon(struct tide_outfile *o);

/* The error for a failed system call on a file, from errno: "cannot write 'PATH': No space ...". */
int tide_io_error(struct tide_error *e, const char *verb, const char *path);
/* Writes all n bytes or fails. */
TIDE_MUST_CHECK int tide_write_all(int fd, const char *bytes, size_t n, const char *path,
                                   struct tide_error *e);

#endif
