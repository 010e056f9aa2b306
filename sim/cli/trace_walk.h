/* Opening a trace and walking through its blocks, for the `trace` commands. */
#ifndef TIDE_CLI_TRACE_WALK_H
#define TIDE_CLI_TRACE_WALK_H

#include "trace/reader.h"

struct cli_trace {
    struct tide_reader *reader;
    struct tide_block *block; /* the one that the last next() filled */
};

/* format NULL: by content. Close it even after a failure. */
TIDE_MUST_CHECK int cli_trace_open(struct cli_trace *t, const char *path, const char *format,
                                   struct tide_error *e);
/* As tide_reader_next(). */
TIDE_MUST_CHECK int cli_trace_next(struct cli_trace *t, struct tide_error *e);
void cli_trace_close(struct cli_trace *t);

#endif
