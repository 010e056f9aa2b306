/* What compare and curve share of their command lines: see cli.h. */
#include "cli/cli.h"

void cli_replay_init(struct cli_replay *r)
{
    *r = (struct cli_replay){.jobs = cli_processors()};
    tide_machine_defaults(&r->base);
}

void cli_replay_fini(struct cli_replay *r)
{
    cli_list_fini(&r->policies);
    cli_list_fini(&r->memories);
}

/* What is no number and no key of a machine. */
static int take_word(const struct cli_args *args, struct cli_replay *r, int flag, const char *value,
                     bool *taken, struct tide_error *e)
{
    switch (flag) {
    case CLI_WORD:
        if (r->trace != NULL)
            return cli_usage(args, e, "one trace at a time: what is '%.200s'?", value);
        r->trace = value;
        return 0;
    case 'p':
        return cli_list_split(&r->policies, value, e);
    case 'm':
        return cli_list_split(&r->memories, value, e);
    case 'o':
        r->output = value;
        return 0;
    case 'q':
        r->quiet = true;
        return 0;
    case CLI_FLAG_READ_FORMAT:
        r->format = value;
        return 0;
    default:
        *taken = false;
        return 0;
    }
}

int cli_replay_flag(const struct cli_args *args, struct cli_replay *r, int flag, const char *value,
                    bool *taken, struct tide_error *e)
{
    struct tide_machine_config *c = &r->base;

    *taken = true;
    switch (flag) {
    case 'j':
        return cli_jobs(args, value, &r->jobs, e);
    case CLI_FLAG_SKIP:
        return cli_count(args, "--skip", value, 0, UINT64_MAX, &c->skip, e);
    case CLI_FLAG_WARMUP:
        return cli_count(args, "--warmup", value, 0, UINT64_MAX, &c->warmup, e);
    case CLI_FLAG_LIMIT:
        return cli_count(args, "--limit", value, 1, UINT64_MAX, &c->limit, e);
    case CLI_FLAG_SEED:
        return cli_count(args, "--seed", value, 0, UINT64_MAX, &c->seed, e);
    case CLI_FLAG_PAGE_SIZE:
        return cli_set("--page-size", c, "page_size", value, e);
    default:
        return take_word(args, r, flag, value, taken, e);
    }
}
