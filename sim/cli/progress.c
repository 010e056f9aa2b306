/* One progress line on a terminal, and notices: see cli.h. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

static void erase(struct cli_progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", stderr);
    p->drawn = false;
}

static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static void on_progress(void *context, const struct tide_progress *now)
{
    struct cli_progress *p = context;
    char line[128];
    int n;

    n = snprintf(line, sizeof line, "[%zu/%zu] %.40s: %s", now->trace_index + 1, now->n_traces,
                 last_component(now->trace), now->scanning ? "scanning" : "replaying");
    if (now->raw_size > 0)
        n += snprintf(line + n, sizeof line - (size_t)n, " %3.0f %%",
                      100.0 * (double)now->raw_bytes / (double)now->raw_size);
    snprintf(line + n, sizeof line - (size_t)n, ", %.1f M accesses, %zu machine%s",
             (double)now->accesses / 1e6, now->machines, now->machines == 1 ? "" : "s");
    fprintf(stderr, "\r%.79s\033[K", line);
    fflush(stderr);
    p->drawn = true;
}

static void on_notice(void *context, const char *text)
{
    struct cli_progress *p = context;

    erase(p);
    if (!p->quiet)
        fprintf(stderr, "pagetide: note: %s\n", text);
}

static void on_damage(void *context, const char *trace, const struct tide_error *error)
{
    struct cli_progress *p = context;
    struct tide_error named = *error;

    erase(p);
    if (named.where[0] == '\0')
        tide_error_where(&named, "%s", trace);
    cli_print_error(&named);
    p->damaged = true;
}

void cli_progress_init(struct cli_progress *p, bool quiet)
{
    *p = (struct cli_progress){.quiet = quiet, .drawing = !quiet && isatty(STDERR_FILENO)};
}

struct tide_batch_watch cli_progress_watch(struct cli_progress *p)
{
    return (struct tide_batch_watch){.context = p,
                                     .progress = p->drawing ? on_progress : NULL,
                                     .notice = on_notice,
                                     .damaged = on_damage};
}

void cli_progress_end(struct cli_progress *p)
{
    erase(p);
}

enum { METER_MS = 200 };

void cli_meter_init(struct cli_meter *m, const char *verb, const char *name, bool quiet)
{
    *m = (struct cli_meter){.verb = verb, .name = last_component(name)};
    cli_progress_init(&m->line, quiet);
}

void cli_meter_show(struct cli_meter *m, uint64_t accesses, uint64_t raw_bytes, uint64_t raw_size)
{
    struct timespec now;
    uint64_t ms;
    char share[32] = "";

    if (!m->line.drawing || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return;
    ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    if (ms - m->last_ms < METER_MS)
        return;
    m->last_ms = ms;
    if (raw_size > 0)
        snprintf(share, sizeof share, " %.0f %%,", 100.0 * (double)raw_bytes / (double)raw_size);
    fprintf(stderr, "\r%s %.40s:%s %.1f M accesses\033[K", m->verb, m->name, share,
            (double)accesses / 1e6);
    fflush(stderr);
    m->line.drawn = true;
}

void cli_meter_end(struct cli_meter *m)
{
    erase(&m->line);
}
