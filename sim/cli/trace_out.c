/* Traces that commands write: see trace_out.h. */
#include "cli/trace_out.h"

#include <string.h>
#include <sys/stat.h>

int cli_out_flag(const struct cli_args *args, struct cli_out *o, int flag, const char *value,
                 bool *taken, struct tide_error *e)
{
    uint64_t level;
    int rc = 0;

    *taken = true;
    if (flag == 'o') {
        o->path = value;
    } else if (flag == CLI_FLAG_TO) {
        o->format = value;
    } else if (flag == CLI_FLAG_LEVEL) {
        rc = cli_count(args, "--level", value, 1, 9, &level, e);
        if (rc == 0)
            o->options.level = (int)level;
    } else {
        *taken = false;
    }
    return rc;
}

int cli_out_check(const struct cli_args *args, const struct cli_out *o, const char *const *inputs,
                  size_t n, struct tide_error *e)
{
    struct stat out, in;

    if (o->path == NULL)
        return cli_usage(args, e, "where to? -o FILE is missing");
    if (strcmp(o->path, "-") == 0 || stat(o->path, &out) != 0)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (stat(inputs[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return cli_usage(args, e, "'%.300s' would be written over while it is read", o->path);
    }
    return 0;
}

int cli_out_open(struct cli_out *o, struct tide_error *e)
{
    o->sink = tide_sink_open(o->format, o->path, &o->options, e);
    return o->sink != NULL ? 0 : e->code;
}

static const char *path_of(const void *context, uint32_t file)
{
    return tide_reader_file(context, file);
}

int cli_out_put(struct cli_out *o, const struct cli_trace *t, const struct tide_block *b,
                struct tide_error *e)
{
    const struct tide_file_names names = {path_of, t->reader};

    return tide_sink_put(o->sink, b, &names, e);
}

int cli_out_end(struct cli_out *o, int rc, struct tide_error *e)
{
    struct tide_sink *s = o->sink;

    o->sink = NULL;
    if (rc == 0 && s != NULL)
        return tide_sink_finish(s, e);
    tide_sink_abandon(s);
    return rc;
}
