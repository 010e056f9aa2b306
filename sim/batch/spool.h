/* Standard input kept in an unlinked file, for a trace that must be read more than once. */
#ifndef TIDE_BATCH_SPOOL_H
#define TIDE_BATCH_SPOOL_H

#include "base/error.h"

enum { TIDE_SPOOL_PATH = 32 };

/* Copies what is left of standard input to TMPDIR (else /tmp). *fd keeps the file alive: close it
 * to free the space. Each opening of `path` reads it from the start. */
TIDE_MUST_CHECK int tide_spool_stdin(int *fd, char path[static TIDE_SPOOL_PATH],
                                     struct tide_error *e);

#endif
