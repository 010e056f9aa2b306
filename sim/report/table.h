/* A table for people: chosen columns of summary rows, aligned. */
#ifndef TIDE_REPORT_TABLE_H
#define TIDE_REPORT_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

/* `rows`: n rows of summary.csv (without line ends). The trace and status columns are left out
 * where they say nothing (one trace; all ok), and so are settings in which the rows agree. Write
 * errors are the caller's to find (ferror). */
TIDE_MUST_CHECK int tide_table_print(FILE *out, const char *const *rows, size_t n,
                                     struct tide_error *e);

#endif
