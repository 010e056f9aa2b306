/* pagetide trace convert: the same trace in another format. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "cli/trace_out.h"

enum { FLAG_FORMAT = CLI_LONG, INPUTS_MAX = 1024 };

struct convert {
    const char *paths[INPUTS_MAX], *format;
    size_t n;
    struct cli_out out;
};

static int convert_one(const struct convert *c, const char *from, const char *to,
                       struct tide_error *e)
{
    const struct tide_sink_format *format = NULL;
    struct cli_out out = c->out;
    struct cli_trace t;
    int rc = cli_trace_open(&t, from, c->format, e);

    out.path = to;
    cli_meter_init(&out.meter, "converting", from, out.quiet);
    while (rc == 0 && (rc = cli_trace_next(&t, e)) > 0) {
        rc = out.sink == NULL ? cli_out_open(&out, tide_reader_info(t.reader), e) : 0;
        if (rc != 0)
            break;
        format = tide_sink_format(out.sink);
        if ((rc = cli_out_put(&out, &t, t.block, e)) != 0 || tide_sink_unread(out.sink))
            break;
    }
    rc = cli_out_end(&out, t.reader, true, rc, e);
    if (rc == 0 && format != NULL && !out.quiet)
        cli_out_losses(format, tide_reader_info(t.reader));
    cli_trace_close(&t);
    return rc;
}

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* a/sort.lackey.gz -> FOLDER/sort.FORMAT: the name up to its first dot. */
static char *path_in(const struct convert *c, const char *from)
{
    const char *slash = strrchr(from, '/'), *name = slash != NULL ? slash + 1 : from;
    size_t stem = strcspn(name[0] == '.' ? name + 1 : name, ".") + (name[0] == '.');

    return tide_asprintf("%s/%.*s.%s", c->out.path, (int)stem, name, c->out.format);
}

/* Two inputs that would have the same name, or an input that would be written over. */
static int check_names(const struct cli_args *args, const struct convert *c, struct tide_error *e)
{
    char *names[INPUTS_MAX] = {NULL};
    int rc = 0;

    for (size_t i = 0; i < c->n && rc == 0; i++) {
        struct cli_out out = c->out;

        if (strcmp(c->paths[i], "-") == 0)
            rc = cli_usage(args, e, "standard input has no name that a file in '%.200s' could get",
                           c->out.path);
        else if ((names[i] = path_in(c, c->paths[i])) == NULL)
            rc = tide_nomem(e);
        for (size_t k = 0; k < i && rc == 0; k++)
            if (strcmp(names[k], names[i]) == 0)
                rc = cli_usage(args, e, "'%.150s' and '%.150s' would both become %.150s",
                               c->paths[k], c->paths[i], names[i]);
        out.path = names[i];
        if (rc == 0)
            rc = cli_out_check(args, &out, c->paths, c->n, e);
    }
    for (size_t i = 0; i < c->n; i++)
        free(names[i]);
    return rc;
}

static int convert_all(const struct cli_args *args, struct convert *c, struct tide_error *e)
{
    int rc;

    if (c->out.path != NULL && is_folder(c->out.path)) {
        if (c->out.format == NULL)
            c->out.format = CLI_OUT_FORMAT;
        rc = check_names(args, c, e);
        for (size_t i = 0; i < c->n && rc == 0; i++) {
            char *to = path_in(c, c->paths[i]);

            rc = to != NULL ? convert_one(c, c->paths[i], to, e) : tide_nomem(e);
            free(to);
        }
        return rc;
    }
    rc = cli_out_check(args, &c->out, c->paths, c->n, e);
    if (rc == 0 && c->n > 1) {
        rc = cli_usage(args, e, "several traces go into a folder, which '%.200s' is not",
                       c->out.path);
        tide_error_remedy(e, "to make one trace of them: pagetide trace cat");
    }
    return rc == 0 ? convert_one(c, c->paths[0], c->out.path, e) : rc;
}

static int convert(struct cli_args *args, struct tide_error *e)
{
    struct convert c = {.out = CLI_OUT_INIT};
    const char *value;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        bool taken;

        rc = flag < 0 ? flag : cli_out_flag(args, &c.out, flag, value, &taken, e);
        if (rc != 0 || taken)
            continue;
        if (flag == FLAG_FORMAT)
            c.format = value;
        else if (c.n == INPUTS_MAX)
            rc = cli_usage(args, e, "more than %d traces", INPUTS_MAX);
        else
            c.paths[c.n++] = value;
    }
    if (rc == 0 && c.n == 0)
        rc = cli_usage(args, e, "which trace? FILE is missing");
    return rc == 0 ? convert_all(args, &c, e) : rc;
}

static const struct cli_flag flags[] = {
    CLI_OUT_FLAGS,
    {FLAG_FORMAT, "format", "FORMAT", "read it as this format instead of finding it by content"},
    {0},
};

const struct cli_command cli_trace_convert = {
    .name = "trace convert",
    .group = "trace",
    .synopsis = "FILE... -o FILE|FOLDER [--to FORMAT]",
    .summary = "write a trace in another format",
    .about =
        "Reads any format of `pagetide list formats`. The format to write comes from --to, else\n"
        "from the ending of the name: x.tide, x.lackey.gz, x.pages, x.addr, x.din,\n"
        "x.oracleGeneral, x.champsimtrace.gz. Several traces go into a folder, each under its own\n"
        "name. What the new format cannot say is left out, and said on standard error.\n",
    .examples = "  pagetide trace convert log.lackey.gz -o log.tide\n"
                "  zcat log.gz | pagetide trace convert - -o - --to addr | head\n"
                "  pagetide trace convert *.lackey.gz -o tides/\n",
    .flags = flags,
    .run = convert,
};
