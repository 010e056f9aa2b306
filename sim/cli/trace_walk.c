/* Opening a trace and walking through its blocks, for the `trace` commands: see trace_walk.h. */
#include "cli/trace_walk.h"

#include <stdlib.h>

#include "base/mem.h"

int cli_trace_open(struct cli_trace *t, const char *path, const char *format, struct tide_error *e)
{
    struct tide_stream *s;

    *t = (struct cli_trace){.block = tide_malloc(sizeof *t->block)};
    if (t->block == NULL)
        return tide_nomem(e);
    s = tide_stream_open(path, e);
    if (s == NULL)
        return e->code;
    t->reader = tide_reader_open(s, format, e);
    return t->reader != NULL ? 0 : e->code;
}

int cli_trace_next(struct cli_trace *t, struct tide_error *e)
{
    return tide_reader_next(t->reader, t->block, e);
}

void cli_trace_close(struct cli_trace *t)
{
    if (t->reader != NULL)
        tide_reader_close(t->reader);
    free(t->block);
    *t = (struct cli_trace){0};
}
