/* What the commands that run batches share: see cli.h. */
#include <sched.h>

#include "cli/cli.h"

enum { MOST_JOBS = 1024 };

unsigned cli_processors(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

int cli_jobs(const struct cli_args *args, const char *value, uint64_t *jobs, struct tide_error *e)
{
    return cli_count(args, "-j", value, 1, MOST_JOBS, jobs, e);
}

struct tide_batch_options cli_batch_options(const struct cli_args *args, unsigned jobs,
                                            enum tide_engine engine, struct cli_progress *p)
{
    return (struct tide_batch_options){.jobs = jobs,
                                       .engine = engine,
                                       .version = PAGETIDE_VERSION,
                                       .command = args->line,
                                       .n_command = args->n_line,
                                       .watch = cli_progress_watch(p)};
}

int cli_batch_end(int rc, struct cli_progress *p, struct tide_error *e)
{
    cli_progress_end(p);
    if (rc == TIDE_E_TRACE && p->damaged)
        e->what[0] = '\0';
    return rc;
}
