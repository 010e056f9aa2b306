/* Whole text files, read into an arena. */
#ifndef TIDE_CONFIG_TEXTFILE_H
#define TIDE_CONFIG_TEXTFILE_H

#include <stddef.h>

#include "base/error.h"
#include "config/arena.h"

/* An experiment file is written by people (or a small script): more than this is another file. */
enum { TIDE_TEXTFILE_MAX = 1 << 20 };

/* TIDE_E_IO with the path for what can't be read (a directory too) or is too large. */
TIDE_MUST_CHECK int tide_textfile_read(const char *path, struct tide_arena *a, const char **text,
                                       size_t *n, struct tide_error *e);

#endif
