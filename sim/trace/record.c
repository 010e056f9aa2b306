/* Fields, messages and processes of the binary formats: see record.h. */
#include "trace/record.h"

#include <stdio.h>

#include "addr/page.h"

int tide_damaged_record(const struct tide_reader_window *w, const unsigned char *at,
                        uint64_t record, struct tide_error *e, const char *what, ...)
{
    char text[sizeof e->what];
    va_list ap;

    va_start(ap, what);
    vsnprintf(text, sizeof text, what, ap);
    va_end(ap);
    tide_fail(e, TIDE_E_TRACE, "%s", text);
    tide_error_where(e, "%s: record %llu, byte %llu", w->name, (unsigned long long)record,
                     (unsigned long long)(w->offset + (uint64_t)(at - w->bytes)));
    return TIDE_E_TRACE;
}

int tide_cut_record(const struct tide_reader_window *w, uint64_t record, struct tide_error *e)
{
    return tide_damaged_record(w, w->bytes + w->len, record, e,
                               "the trace is truncated inside a record");
}

void tide_pids_init(struct tide_pids *p)
{
    tide_map_init(&p->index);
    p->pid = UINT64_MAX;
}

void tide_pids_fini(struct tide_pids *p)
{
    tide_map_fini(&p->index);
}

int tide_pids_process(struct tide_pids *p, uint64_t pid, struct tide_block *b,
                      struct tide_trace_info *info, const char **what)
{
    struct tide_event *ev;
    bool inserted;
    uint64_t *index;

    if (pid > UINT32_MAX) { /* looked at first: p->pid is such a one in the beginning */
        *what = "the process id does not fit in 32 bits";
        return TIDE_E_TRACE;
    }
    if (pid == p->pid)
        return p->process;
    if ((index = tide_map_put(&p->index, pid, &inserted)) == NULL)
        return TIDE_E_NOMEM;
    if (inserted) {
        if (p->index.count > TIDE_MAX_PROCESSES) {
            *what = "there are more than 8192 processes";
            return TIDE_E_TRACE;
        }
        *index = p->index.count - 1;
        ev = tide_block_event(b, info, TIDE_EV_PROCESS);
        ev->process = (uint16_t)*index;
        ev->number = (uint32_t)pid;
    }
    p->pid = pid;
    p->process = (uint16_t)*index;
    return p->process;
}
