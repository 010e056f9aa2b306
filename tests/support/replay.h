/* A trace in memory through one machine, and everything it says as CSV rows: what tests compare. */
#ifndef TESTS_SUPPORT_REPLAY_H
#define TESTS_SUPPORT_REPLAY_H

#include <stddef.h>

#include "pager/machine.h"

struct replay {
    char *rows; /* samples as they came, then the end: stored form of report/machine.h */
    struct tide_counts counts;
    enum tide_machine_status status;
    uint64_t crossings; /* accesses of the trace that cross a page of this machine */
    uint64_t fragments; /* that the machine was given (trace/fragments.h) */
};

/* Returns 0, or a negative code with *e filled. `format` NULL: by content. Scans first where the
 * machine needs it. */
int replay(const char *text, size_t n, const char *format, const struct tide_machine_config *c,
           enum tide_engine engine, struct replay *out, struct tide_error *e);
/* The same with the fast engine, which is given accesses even where it would take fragments. */
int replay_accesses(const char *text, size_t n, const char *format,
                    const struct tide_machine_config *c, struct replay *out, struct tide_error *e);
void replay_free(struct replay *r);
/* The same trace in the native format; NULL: failed. The caller's. */
char *as_tide(const char *text, size_t n, const char *format, size_t *out_n, struct tide_error *e);

#endif
