/* Help, made from the table of commands: see cli.h. */
#include <string.h>

#include "base/nearest.h"
#include "cli/cli.h"

#define CLI_COMMAND(symbol) extern const struct cli_command cli_##symbol;
#include "cli/commands.def"
#undef CLI_COMMAND

const struct cli_command *const cli_commands[] = {
#define CLI_COMMAND(symbol) &cli_##symbol,
#include "cli/commands.def"
#undef CLI_COMMAND
    NULL,
};

enum { MOST_COMMANDS = 64, FLAG_COLUMN = 24, WIDTH = 80 };

/* ---- filling lines ---- */

/* The end of a word, or of several that brackets or quotes keep together. */
static const char *piece_end(const char *p)
{
    bool quoted = false;
    int depth = 0;

    for (; *p != '\0' && (depth > 0 || quoted || (*p != ' ' && *p != '\n')); p++) {
        quoted ^= *p == '"';
        depth += (*p == '[' || *p == '{') - (*p == ']' || *p == '}');
    }
    return p;
}

/* Prints [p, end) from `column` on; the lines behind the first are indented. */
static void fill(const char *p, const char *end, size_t column, size_t indent, FILE *out)
{
    bool begun = false;

    for (p += strspn(p, " \n"); p < end; p += strspn(p, " \n")) {
        size_t n = (size_t)(piece_end(p) - p);

        if (begun && column + 1 + n > WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (begun) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", (int)n, p);
        column += n;
        p += n;
        begun = true;
    }
    fputc('\n', out);
}

/* Fills paragraphs, which empty lines or indented ones end; those stay as they are. */
static void fill_text(const char *p, FILE *out)
{
    while (*p != '\0') {
        const char *end = p;

        if (*p == ' ' || *p == '\n') {
            end = strchr(p, '\n') + 1;
            fprintf(out, "%.*s", (int)(end - p), p);
        } else {
            while (*end != '\0' && *end != '\n' && *end != ' ')
                end = strchr(end, '\n') + 1;
            fill(p, end, 0, 0, out);
        }
        p = end;
    }
}

/* ---- help ---- */

void cli_help_all(FILE *out)
{
    fputs("Examples:\n"
          "  pagetide compare traces/sort.tide -p fifo,lru,clock,opt -m 25%,50%,75%\n"
          "  pagetide explain -p lru -f 3 \"7 0 1 2 0 3 0 4\"\n"
          "\n"
          "pagetide replays memory traces of programs through a model of virtual memory and\n"
          "counts what it did: TLB misses, page walks, page faults, evictions, write-backs.\n"
          "\n"
          "Commands:\n",
          out);
    for (const struct cli_command *const *c = cli_commands; *c != NULL; c++)
        fprintf(out, "  %-14s %s\n", (*c)->name, (*c)->summary);
    fputs("\n"
          "pagetide help COMMAND says more about one. Exit status: 0 done, 1 a run failed,\n"
          "2 usage, 3 configuration, 4 trace, 5 input/output or memory.\n",
          out);
}

static void print_flag(const struct cli_flag *f, FILE *out)
{
    char left[64];
    int column;

    snprintf(left, sizeof left, "%s%c%s--%s%s%s", f->id < CLI_LONG ? "-" : "  ",
             f->id < CLI_LONG ? f->id : ' ', f->id < CLI_LONG ? ", " : " ", f->name,
             f->arg != NULL ? " " : "", f->arg != NULL ? f->arg : "");
    column = fprintf(out, "  %-*s ", FLAG_COLUMN, left);
    if (strlen(left) > FLAG_COLUMN)
        column = fprintf(out, "\n  %-*s ", FLAG_COLUMN, "") - 1;
    fill(f->help, f->help + strlen(f->help), (size_t)column, FLAG_COLUMN + 3, out);
}

void cli_help_command(const struct cli_command *c, FILE *out)
{
    size_t indent;

    fprintf(out, "Examples:\n%s\n", c->examples);
    indent = (size_t)fprintf(out, "Usage: pagetide %s%s", c->name, *c->synopsis ? " " : "");
    fill(c->synopsis, c->synopsis + strlen(c->synopsis), indent, indent, out);
    fputc('\n', out);
    fill_text(c->about, out);
    if (c->flags != NULL) {
        fputs("\nOptions:\n", out);
        for (const struct cli_flag *f = c->flags; f->id != 0; f++)
            print_flag(f, out);
    }
}

static bool in_group(const struct cli_command *c, const char *group)
{
    return c->group != NULL && strcmp(c->group, group) == 0;
}

static int unknown(const char *word, const char *const *known, size_t n, const char *group,
                   struct tide_error *e)
{
    const char *near = tide_nearest(word, known, n);

    tide_fail(e, TIDE_E_USAGE, "unknown command '%s%s%.200s'", group, group[0] != '\0' ? " " : "",
              word);
    if (near != NULL)
        tide_error_remedy(e, "did you mean '%s%s%s'? see: pagetide help", group,
                          group[0] != '\0' ? " " : "", near);
    else
        tide_error_remedy(e, "see: pagetide help");
    return TIDE_E_USAGE;
}

/* A second word of a group: `trace info`. */
static int find_in_group(const char *group, int argc, char **argv, const struct cli_command **out,
                         int *used, struct tide_error *e)
{
    const char *known[MOST_COMMANDS];
    size_t n = 0;

    for (const struct cli_command *const *c = cli_commands; *c != NULL; c++) {
        const char *second;

        if (!in_group(*c, group))
            continue;
        second = (*c)->name + strlen(group) + 1;
        if (argc > 1 && strcmp(argv[1], second) == 0) {
            *out = *c;
            *used = 2;
            return 0;
        }
        known[n++] = second;
    }
    if (argc > 1 && argv[1][0] != '-')
        return unknown(argv[1], known, n, group, e);
    *out = NULL;
    *used = 1;
    return 0;
}

int cli_find(int argc, char **argv, const struct cli_command **out, int *used, struct tide_error *e)
{
    static const char *const version_names[] = {"--version", "-V"};
    const char *known[MOST_COMMANDS];
    const char *word = argv[0];
    size_t n = 0;

    for (size_t i = 0; i < sizeof version_names / sizeof *version_names; i++) {
        if (strcmp(word, version_names[i]) == 0)
            word = "version";
    }
    for (const struct cli_command *const *c = cli_commands; *c != NULL; c++) {
        if (strcmp((*c)->name, word) == 0) {
            *out = *c;
            *used = 1;
            return 0;
        }
        if (in_group(*c, word))
            return find_in_group(word, argc, argv, out, used, e);
        known[n++] = (*c)->group != NULL ? (*c)->group : (*c)->name;
    }
    return unknown(word, known, n, "", e);
}

int cli_help_words(int argc, char **argv, FILE *out, struct tide_error *e)
{
    const struct cli_command *c;
    const char *blank = "";
    int used, rc;

    if (argc == 0) {
        cli_help_all(out);
        return 0;
    }
    rc = cli_find(argc, argv, &c, &used, e);
    if (rc != 0)
        return rc;
    if (c != NULL) {
        cli_help_command(c, out);
        return 0;
    }
    for (const struct cli_command *const *g = cli_commands; *g != NULL; g++) {
        if (in_group(*g, argv[0])) {
            fputs(blank, out);
            cli_help_command(*g, out);
            blank = "\n";
        }
    }
    return 0;
}
