/* Traces that commands write: the flags they share, and the file. */
#ifndef TIDE_CLI_TRACE_OUT_H
#define TIDE_CLI_TRACE_OUT_H

#include "cli/cli.h"
#include "cli/trace_walk.h"
#include "trace/sink.h"

enum { CLI_FLAG_TO = CLI_LONG + 100, CLI_FLAG_LEVEL };

/* Rows of a command's table of flags. */
#define CLI_OUT_FLAGS                                                                       \
    {'o', "output", "FILE", "where to write; - is standard output; FILE.gz is compressed"}, \
        {CLI_FLAG_TO, "to", "FORMAT",                                                       \
         "the format to write (default: by the ending of FILE's name,\n"                    \
         "else " CLI_OUT_FORMAT ")"},                                                       \
        {CLI_FLAG_LEVEL, "level", "N",                                                      \
         "zlib's level, 1..9 (default 6); tide of 7..9 is smallest,\n"                      \
         "slower to read with zlib"},                                                       \
    {                                                                                       \
        'q', "quiet", NULL, "no progress and no notes"                                      \
    }
#define CLI_OUT_FORMAT "tide"

struct cli_out {
    const char *path, *format; /* format NULL: by the path */
    struct tide_sink_options options;
    bool quiet;
    struct tide_sink *sink;
    struct cli_meter meter; /* begun by the command */
};

#define CLI_OUT_INIT ((struct cli_out){.path = NULL})

/* The format that a file's name asks for: NAME.FORMAT or NAME.FORMAT.gz; lackey for other names in
 * .gz, else the default. */
const char *cli_out_format_of(const char *path);
/* Takes a flag of the rows above; *taken tells whether it was one. */
TIDE_MUST_CHECK int cli_out_flag(const struct cli_args *args, struct cli_out *o, int flag,
                                 const char *value, bool *taken, struct tide_error *e);
/* -o was given, and does not name one of the n inputs. Fills in the format. */
TIDE_MUST_CHECK int cli_out_check(const struct cli_args *args, struct cli_out *o,
                                  const char *const *inputs, size_t n, struct tide_error *e);
/* Begins the file. It takes over what the trace that it is made from says about itself, where
 * nothing else was set: known once the trace's first block has been read. The info must stay until
 * the sink is gone. */
TIDE_MUST_CHECK int cli_out_open(struct cli_out *o, const struct tide_trace_info *info,
                                 struct tide_error *e);
/* Writes a block that came from `t`, and shows how far that is. */
TIDE_MUST_CHECK int cli_out_put(struct cli_out *o, const struct cli_trace *t,
                                const struct tide_block *b, struct tide_error *e);
/* What the format could not say of a trace that has been written: a note to stderr, if anything. */
void cli_out_losses(const struct tide_sink_format *f, const struct tide_trace_info *info);
/* rc 0: completes the file; else leaves none. Returns rc or what went wrong now. What was written
 * came from `from`, which has been read to its end where that is the `whole` of it; NULL: nowhere.
 */
TIDE_MUST_CHECK int cli_out_end(struct cli_out *o, struct tide_reader *from, bool whole, int rc,
                                struct tide_error *e);
/* tide_sink_open(), with pages by segment for formats that keep a summary. */
struct tide_sink *cli_sink_open(const char *format, const char *path,
                                const struct tide_sink_options *options, struct tide_error *e);

#endif
