/* pagetide help. */
#include "cli/cli.h"

static int help(struct cli_args *args, struct tide_error *e)
{
    return cli_help_words(args->argc, args->argv, stdout, e);
}

const struct cli_command cli_help = {
    .name = "help",
    .synopsis = "[COMMAND]",
    .summary = "say what pagetide, or one of its commands, does",
    .about = "Prints the list of commands, or what one command does and takes. COMMAND --help is\n"
             "the same.\n",
    .examples = "  pagetide help explain\n"
                "  pagetide help trace info\n",
    .run = help,
};
