/* pagetide plot: one figure from the columns of a CSV file. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "report/chart.h"

enum { FLAG_X = CLI_LONG, FLAG_Y, FLAG_BY, FLAG_WHERE, FLAG_LOG };
enum { MOST_FILTERS = 16 };

struct request {
    struct tide_chart chart;
    struct tide_chart_filter where[MOST_FILTERS];
    struct cli_list names; /* the columns of `where`, cut from COL=VALUE */
    const char *output;
    enum tide_plot_format format;
};

static int take_filter(struct request *q, const struct cli_args *args, const char *value,
                       struct tide_error *e)
{
    const char *equals = strchr(value, '=');
    size_t n = q->chart.n_where;
    int rc;

    if (equals == NULL || equals == value)
        return cli_usage(args, e, "--where '%.100s': COL=VALUE is needed", value);
    if (n == MOST_FILTERS)
        return cli_usage(args, e, "--where: at most %d times", MOST_FILTERS);
    rc = cli_list_add(&q->names, value, (size_t)(equals - value), e);
    if (rc != 0)
        return rc;
    q->where[n] = (struct tide_chart_filter){q->names.items[n], equals + 1};
    q->chart.n_where++;
    return 0;
}

static int take_log(struct request *q, const struct cli_args *args, const char *value,
                    struct tide_error *e)
{
    if (value[0] == '\0' || value[strspn(value, "xy")] != '\0')
        return cli_usage(args, e, "--log '%.60s': x, y or xy is needed", value);
    q->chart.log_x |= strchr(value, 'x') != NULL;
    q->chart.log_y |= strchr(value, 'y') != NULL;
    return 0;
}

/* The format is what the file's name ends in; standard output gets SVG. */
static int choose_format(struct request *q, const struct cli_args *args, struct tide_error *e)
{
    static const struct {
        const char *ending;
        enum tide_plot_format format;
    } endings[] = {{".svg", TIDE_PLOT_SVG}, {".png", TIDE_PLOT_PNG}, {".pdf", TIDE_PLOT_PDF}};
    size_t n;

    if (q->output == NULL || strcmp(q->output, "-") == 0) {
        q->output = NULL;
        q->format = TIDE_PLOT_SVG;
        return 0;
    }
    n = strlen(q->output);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (n > 4 && strcasecmp(q->output + n - 4, endings[i].ending) == 0) {
            q->format = endings[i].format;
            return 0;
        }
    }
    return cli_usage(args, e,
                     "-o '%.200s': a name ends in .svg, .png or .pdf, which says the format",
                     q->output);
}

static int take_flags(struct request *q, struct cli_args *args, struct tide_error *e)
{
    const char *value;
    int flag, rc = 0;

    q->chart.where = q->where;
    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        switch (flag) {
        case CLI_WORD:
            if (q->chart.path != NULL)
                rc = cli_usage(args, e, "one file at a time: what is '%.200s'?", value);
            q->chart.path = value;
            break;
        case FLAG_X:
            q->chart.x = value;
            break;
        case FLAG_Y:
            q->chart.y = value;
            break;
        case FLAG_BY:
            q->chart.by = value;
            break;
        case FLAG_WHERE:
            rc = take_filter(q, args, value, e);
            break;
        case FLAG_LOG:
            rc = take_log(q, args, value, e);
            break;
        case 'o':
            q->output = value;
            break;
        default:
            rc = flag;
        }
    }
    if (rc == 0 && q->chart.path == NULL)
        rc = cli_usage(args, e, "which file? FILE.csv is missing");
    if (rc == 0 && (q->chart.x == NULL || q->chart.y == NULL))
        rc = cli_usage(args, e, "%s COL is missing", q->chart.x == NULL ? "--x" : "--y");
    return rc == 0 ? choose_format(q, args, e) : rc;
}

/* What the figure doesn't show, or shows in another way than asked for. */
static void say_left_out(const struct tide_chart_left_out *left_out)
{
    char text[256];

    if (left_out->empty > 0)
        fprintf(stderr, "pagetide: %zu row%s with an empty cell in a column to draw left out\n",
                left_out->empty, left_out->empty == 1 ? "" : "s");
    if (left_out->same_x > 0)
        fputs("pagetide: several rows have the same x, so no lines are drawn: use --by or "
              "--where to tell them apart\n",
              stderr);
    tide_plot_say(&left_out->points, text, sizeof text);
    if (text[0] != '\0')
        fprintf(stderr, "pagetide: %s\n", text);
}

static int run(struct cli_args *args, struct tide_error *e)
{
    struct request q = {0};
    struct tide_plot plot = {0};
    struct tide_chart_room room;
    struct tide_chart_left_out left_out;
    struct tide_text picture = {0};
    int rc = take_flags(&q, args, e);

    if (rc == 0)
        rc = tide_chart_make(&q.chart, &plot, &room, &left_out, e);
    if (rc == 0)
        rc = tide_plot_draw(&plot, q.format, &picture, e);
    if (rc == 0 && q.output != NULL)
        rc = cli_write_file(q.output, picture.bytes, picture.n, e);
    else if (rc == 0)
        fwrite(picture.bytes, 1, picture.n, stdout);
    if (rc == 0)
        say_left_out(&left_out);
    tide_text_fini(&picture);
    tide_plot_fini(&plot);
    cli_list_fini(&q.names);
    return rc;
}

static const struct cli_flag flags[] = {
    {FLAG_X, "x", "COL", "the column along the bottom"},
    {FLAG_Y, "y", "COL", "the column along the side"},
    {FLAG_BY, "by", "COL", "a line for each value of this column"},
    {FLAG_WHERE, "where", "COL=VALUE",
     "only rows with this value; may be repeated, then all\n"
     "must hold"},
    {FLAG_LOG, "log", "AXIS", "a logarithmic axis: x, y or xy; may be repeated"},
    {'o', "output", "FILE",
     "write FILE.svg, FILE.png or FILE.pdf (default: SVG to\n"
     "standard output)"},
    {0},
};

const struct cli_command cli_plot = {
    .name = "plot",
    .synopsis = "FILE.csv --x COL --y COL [--by COL] [--where COL=VALUE]... [--log AXIS] [-o FILE]",
    .summary = "draw one figure from the columns of a CSV file",
    .about = "Draws the rows of any CSV file, in order of x. The results' files (pagetide list\n"
             "metrics) give their units to the axes, and those with a column `run` may use the\n"
             "columns of the summary.csv beside them too. gnuplot draws.\n",
    .examples = "  pagetide plot results/policies/summary.csv --x frames --y fault_ratio \\\n"
                "      --by policy --where trace=sort.tide --log y -o sort.pdf\n"
                "  pagetide plot results/quickstart/timeline.csv --x vtime_refs --y faults \\\n"
                "      --by policy --where trace=sort.tide --where frames_setting=25% -o f.svg\n",
    .flags = flags,
    .run = run,
};
