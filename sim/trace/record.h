/* What the binary formats share: little-endian fields, messages that name a record, and the
 * process index of a pid. */
#ifndef TIDE_TRACE_RECORD_H
#define TIDE_TRACE_RECORD_H

#include "base/map.h"
#include "trace/reader.h"

static inline uint64_t tide_le(const unsigned char *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

/* The error for a damaged record, counted from 0; `at` points into the window;
 * "name: record R, byte B". */
int tide_damaged_record(const struct tide_reader_window *w, const unsigned char *at,
                        uint64_t record, struct tide_error *e, const char *what, ...)
    __attribute__((format(printf, 5, 6)));

/* The content ends inside a record, whose beginning is at w->pos. */
int tide_cut_record(const struct tide_reader_window *w, uint64_t record, struct tide_error *e);

/* Dense process indexes by pid, in order of appearance. */
struct tide_pids {
    struct tide_map index;
    uint64_t pid; /* asked for last: accesses come in runs of one process */
    uint16_t process;
};

void tide_pids_init(struct tide_pids *p);
void tide_pids_fini(struct tide_pids *p);
/* The index, or a negative enum tide_code; *what says what is wrong with TIDE_E_TRACE. A new pid
 * delivers PROCESS: the block must have room for one event. */
int tide_pids_process(struct tide_pids *p, uint64_t pid, struct tide_block *b,
                      struct tide_trace_info *info, const char **what);

#endif
