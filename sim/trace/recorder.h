/* From the bytes of a lackey log, as Valgrind writes them, to a sink, in bounded memory.
 *
 * The log goes through the lackey reader; on the way what was not asked for is left out, and so is
 * what our heap shim (sim/shim/) adds to the program: every fetch from its pages with the data
 * accesses of that instruction, every access to its pages, their mappings, and all between the
 * marks with which it surrounds its own start. What its calls make the real allocator do stays.
 */
#ifndef TIDE_TRACE_RECORDER_H
#define TIDE_TRACE_RECORDER_H

#include "trace/reader.h"
#include "trace/sink.h"

/* How the shim announces its start and the end of it: "**PID** " and one of these. */
#define TIDE_SHIM_BEGINS "pagetide shim begins"
#define TIDE_SHIM_ENDS   "pagetide shim ends"

struct tide_recorder_options {
    bool no_fetches;
    uint64_t skip, max; /* accesses, after what is left out; max 0: all */
    const char *shim;   /* its path as in the log, or NULL */
    /* Opens the sink, when the first access has come. NULL: failed. */
    struct tide_sink *(*open)(void *context, const struct tide_trace_info *info,
                              struct tide_error *e);
    void *context;
};

struct tide_recorder;

/* The options are copied. NULL: out of memory. */
struct tide_recorder *tide_recorder_new(const struct tide_recorder_options *o,
                                        struct tide_error *e);
/* Without finish: leaves no file. */
void tide_recorder_free(struct tide_recorder *r);
/* Where at most *n bytes, at least one, of the log can be put; then took() takes them. */
char *tide_recorder_room(struct tide_recorder *r, size_t *n);
/* 1: has all that was asked for; more is ignored. 0: wants more. */
TIDE_MUST_CHECK int tide_recorder_took(struct tide_recorder *r, size_t n, struct tide_error *e);
/* The log is over, perhaps inside a line, which is then left out. Completes the file, if any
 * access has come. */
TIDE_MUST_CHECK int tide_recorder_finish(struct tide_recorder *r, struct tide_error *e);
/* Accesses recorded so far. */
uint64_t tide_recorder_accesses(const struct tide_recorder *r);

#endif
