/* Opening a trace and walking through its blocks, for the `trace` commands: see trace_walk.h. */
#include "cli/trace_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int cli_trace_open(struct cli_trace *t, const char *path, const char *format, struct tide_error *e)
{
    struct tide_stream *s;

    *t = (struct cli_trace){.block = tide_malloc(sizeof *t->block)};
    if (t->block == NULL)
        return tide_nomem(e);
    s = tide_stream_open(path, e);
    if (s == NULL)
        return e->code;
    t->reader = tide_reader_open(s, format, e);
    return t->reader != NULL ? 0 : e->code;
}

int cli_tide_open(struct tide_file **f, const char *path, const char *format, struct tide_error *e)
{
    int rc;

    *f = NULL;
    if (format != NULL && strcmp(format, "tide") != 0)
        return 0;
    rc = tide_file_open(path, f, e);
    if (rc == 1 && (!tide_file_complete(*f) || tide_file_summary(*f) == NULL)) {
        tide_file_close(*f); /* whoever reads it from the start is told where it ends */
        *f = NULL;
        return 0;
    }
    return rc == TIDE_E_TRACE ? 0 : rc;
}

/* Groups [from, end) of the file, as they are read. */
static int open_groups(struct cli_trace *t, size_t from, struct tide_error *e)
{
    size_t groups;

    tide_file_groups(t->file, &groups);
    if ((t->block = tide_malloc(sizeof *t->block)) == NULL)
        return tide_nomem(e);
    t->reader = tide_file_reader(t->file, from, groups, e);
    return t->reader != NULL ? 0 : e->code;
}

int cli_trace_open_at(struct cli_trace *t, const char *path, const char *format, uint64_t first,
                      struct tide_error *e)
{
    int rc;

    *t = (struct cli_trace){.file = NULL};
    if (first == 0)
        return cli_trace_open(t, path, format, e);
    if ((rc = cli_tide_open(&t->file, path, format, e)) < 0)
        return rc;
    /* an access earlier: what stands between the two belongs to neither group */
    if (rc == 1 && first - 1 < tide_file_accesses(t->file))
        return open_groups(t, tide_file_find(t->file, first - 1), e);
    tide_file_close(t->file);
    return cli_trace_open(t, path, format, e);
}

int cli_trace_open_end(struct cli_trace *t, const char *path, const char *format, uint64_t n,
                       struct tide_error *e)
{
    int rc;

    *t = (struct cli_trace){.file = NULL};
    if ((rc = cli_tide_open(&t->file, path, format, e)) < 0)
        return rc;
    if (rc == 1 && tide_file_accesses(t->file) > n)
        return open_groups(t, tide_file_find(t->file, tide_file_accesses(t->file) - n - 1), e);
    tide_file_close(t->file);
    return cli_trace_open(t, path, format, e);
}

static void copy_value(struct tide_file *f, const char *key, char *to, size_t bytes)
{
    const char *value = tide_file_value(f, key);

    if (value != NULL)
        snprintf(to, bytes, "%s", value);
}

void cli_tide_info(struct tide_file *f, struct tide_trace_info *info)
{
    const struct tide_summary *sum = tide_file_summary(f);
    char page[16] = "";

    *info = (struct tide_trace_info){.format = "tide"};
    memcpy(info->accesses, sum->accesses, sizeof info->accesses);
    memcpy(info->events, sum->events, sizeof info->events);
    info->other_lines = sum->other_lines;
    info->lost_results = sum->lost_results;
    info->has_layout = sum->has_layout;
    info->has_syscalls = sum->has_syscalls;
    copy_value(f, "command", info->command, sizeof info->command);
    copy_value(f, "recorder", info->recorder, sizeof info->recorder);
    copy_value(f, "date", info->date, sizeof info->date);
    copy_value(f, "note", info->note, sizeof info->note);
    copy_value(f, "reduction", info->reduction, sizeof info->reduction);
    copy_value(f, "host_page_bytes", page, sizeof page);
    info->host_page_bytes = (uint32_t)strtoul(page, NULL, 10);
}

void cli_trace_about(const struct cli_trace *t, struct tide_trace_info *info)
{
    if (t->file != NULL)
        cli_tide_info(t->file, info);
    else
        *info = *tide_reader_info(t->reader);
}

int cli_trace_next(struct cli_trace *t, struct tide_error *e)
{
    int rc = tide_reader_next(t->reader, t->block, e);

    if (rc > 0)
        t->passed = t->block->first + t->block->n_accesses;
    return rc;
}

void cli_trace_close(struct cli_trace *t)
{
    if (t->reader != NULL)
        tide_reader_close(t->reader);
    tide_file_close(t->file);
    free(t->block);
    *t = (struct cli_trace){0};
}

void cli_meter_trace(struct cli_meter *m, const struct cli_trace *t)
{
    const struct tide_stream *s = tide_reader_stream(t->reader);

    cli_meter_show(m, t->passed, tide_stream_raw_offset(s), tide_stream_raw_size(s));
}
