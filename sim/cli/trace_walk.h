/* Opening a trace and walking through its blocks, for the `trace` commands. */
#ifndef TIDE_CLI_TRACE_WALK_H
#define TIDE_CLI_TRACE_WALK_H

#include "cli/cli.h"
#include "trace/reader.h"
#include "trace/tide_file.h"

struct cli_trace {
    struct tide_reader *reader;
    struct tide_block *block; /* the one that the last next() filled */
    struct tide_file *file;   /* where it was found by an index, else NULL */
    uint64_t passed;          /* accesses up to the block's end */
};

/* format NULL: by content. Close it even after a failure. */
TIDE_MUST_CHECK int cli_trace_open(struct cli_trace *t, const char *path, const char *format,
                                   struct tide_error *e);
/* The same, but what precedes access `first` may be left out: where the trace has an index, reading
 * begins shortly before that access. All events stand where they would, but that there is a PROCESS
 * in front for each process known by then; those that precede are left out. */
TIDE_MUST_CHECK int cli_trace_open_at(struct cli_trace *t, const char *path, const char *format,
                                      uint64_t first, struct tide_error *e);
/* The same for the end: at least the last n accesses, where there are as many. */
TIDE_MUST_CHECK int cli_trace_open_end(struct cli_trace *t, const char *path, const char *format,
                                       uint64_t n, struct tide_error *e);
/* Opens a tide file by its index, where it has one and `format` allows it: 1, 0 or an error. */
TIDE_MUST_CHECK int cli_tide_open(struct tide_file **f, const char *path, const char *format,
                                  struct tide_error *e);
/* What the index and the header of a tide file tell. */
void cli_tide_info(struct tide_file *f, struct tide_trace_info *info);
/* What the trace says about itself, once the first block has come. */
void cli_trace_about(const struct cli_trace *t, struct tide_trace_info *info);
/* As tide_reader_next(). */
TIDE_MUST_CHECK int cli_trace_next(struct cli_trace *t, struct tide_error *e);
void cli_trace_close(struct cli_trace *t);
/* Shows how far it has been read. */
void cli_meter_trace(struct cli_meter *m, const struct cli_trace *t);

#endif
