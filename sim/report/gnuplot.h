/* gnuplot as a filter: a script in, a picture out. */
#ifndef TIDE_REPORT_GNUPLOT_H
#define TIDE_REPORT_GNUPLOT_H

#include <stddef.h>

#include "base/error.h"
#include "report/text.h"

/* Runs `gnuplot` from PATH and appends what it writes to `out`. TIDE_E_IO where it is missing or
 * fails. The caller ignores SIGPIPE. */
TIDE_MUST_CHECK int tide_gnuplot(const char *script, size_t n, struct tide_text *out,
                                 struct tide_error *e);

#endif
