/* pagetide version. */
#include "cli/cli.h"

static int version(struct cli_args *args, struct tide_error *e)
{
    const char *value;
    int flag = cli_next(args, &value, e);

    if (flag < 0)
        return flag;
    if (flag != CLI_END)
        return cli_usage(args, e, "unexpected argument '%.200s'", value);
    puts("pagetide " PAGETIDE_VERSION);
    return 0;
}

const struct cli_command cli_version = {
    .name = "version",
    .synopsis = "",
    .summary = "print the version",
    .about = "Prints the name and the version in one line.\n",
    .examples = "  pagetide version\n"
                "  pagetide --version\n",
    .run = version,
};
