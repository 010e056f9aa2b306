/* pagetide: finds the command, runs it, prints what went wrong, and checks that its output was
 * written. */
#include <signal.h>
#include <string.h>

#include "cli/cli.h"

/* `CMD --help` is `help CMD`; what stands behind "--" is not ours. */
static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

/* argv[-1] is the program. */
static int dispatch(int argc, char **argv, struct tide_error *e)
{
    const struct cli_command *c;
    int used, rc;

    if (argc == 0) {
        cli_help_all(stderr);
        return TIDE_E_USAGE;
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
        return cli_help_words(argc - 1, argv + 1, stdout, e);
    rc = cli_find(argc, argv, &c, &used, e);
    if (rc != 0)
        return rc;
    if (asks_for_help(argc - used, argv + used))
        return cli_help_words(c != NULL ? used : 1, argv, stdout, e);
    if (c == NULL) {
        tide_fail(e, TIDE_E_USAGE, "'%s' needs one of its commands", argv[0]);
        tide_error_remedy(e, "see: pagetide help %s", argv[0]);
        return TIDE_E_USAGE;
    }
    return c->run(&(struct cli_args){.command = c,
                                     .argc = argc - used,
                                     .argv = argv + used,
                                     .line = (const char *const *)argv - 1,
                                     .n_line = (size_t)argc + 1},
                  e);
}

int main(int argc, char **argv)
{
    struct tide_error e = {0}, at_end = {0};
    int rc, end;

    /* `pagetide ... | head` ends well: cli_close_stdout() tells a reader that left from a disk that
     * is full. */
    signal(SIGPIPE, SIG_IGN);
    rc = dispatch(argc > 0 ? argc - 1 : 0, argv + 1, &e);
    if (rc != 0)
        cli_print_error(&e);
    end = cli_close_stdout(&at_end);
    if (end != 0)
        cli_print_error(&at_end);
    return tide_exit_code(rc != 0 ? rc : end);
}
