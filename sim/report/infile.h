/* A whole file into memory. */
#ifndef TIDE_REPORT_INFILE_H
#define TIDE_REPORT_INFILE_H

#include <stddef.h>

#include "base/error.h"

/* *n bytes and a NUL behind them, in new memory; TIDE_E_IO names the path. */
TIDE_MUST_CHECK int tide_infile_read(const char *path, char **bytes, size_t *n,
                                     struct tide_error *e);

#endif
