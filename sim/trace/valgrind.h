/* Runs a program under Valgrind's lackey and records what it does.
 *
 * lackey writes its log one write(2) a line: it goes through a pipe, with the children's through a
 * socket for each process (Valgrind connects anew after every exec; only so can their logs be told
 * apart). The program keeps our standard input and output.
 *
 * The layout (-d) goes to the program's standard error whatever is asked for. Without children,
 * that is a pipe from which Valgrind's lines are taken and all else is passed on at once. With
 * children it cannot be had, for a shell may send standard error of its commands anywhere: mappings
 * are then inferred by who reads the trace. A child that was forked and never calls exec is not
 * recorded.
 *
 * SIGINT, SIGTERM and SIGHUP are held back from this process meanwhile and passed to the program
 * (but for a SIGINT that the terminal has sent to both): what was recorded until it ends is kept.
 */
#ifndef TIDE_TRACE_VALGRIND_H
#define TIDE_TRACE_VALGRIND_H

#include "trace/recorder.h"

struct tide_valgrind_options {
    char *const *argv; /* the program's, NULL-ended */
    bool children;
    const char *shim; /* to be preloaded, absolute; or NULL */
    bool no_fetches;
    uint64_t skip, max; /* as in recorder.h; of each process */
};

struct tide_valgrind_hooks {
    void *context;
    /* Opens the sink of a process: number 0 is the program's own, others count from 1. */
    struct tide_sink *(*open)(void *context, unsigned number, const struct tide_trace_info *info,
                              struct tide_error *e);
    /* At most five times a second, but not while the program has begun a line on standard error:
     * accesses of all processes, how many these are. May be NULL. */
    void (*progress)(void *context, uint64_t accesses, unsigned processes);
    /* The program is about to write to standard error; not told with children. May be NULL. */
    void (*output)(void *context);
};

struct tide_valgrind_result {
    int status;   /* as from waitpid(2) */
    bool stopped; /* ended by us: there was enough */
    uint64_t accesses;
    unsigned processes; /* that left a file */
};

/* Returns when the program, with children all processes, have ended. Files are complete, also when
 * the program crashed. TIDE_E_RUN: valgrind is not there. */
TIDE_MUST_CHECK int tide_valgrind_record(const struct tide_valgrind_options *o,
                                         const struct tide_valgrind_hooks *hooks,
                                         struct tide_valgrind_result *result, struct tide_error *e);

/* ---- for tests ---- */

/* Takes Valgrind's debug lines (`--PID:1: aspacem ...`) out of what a program wrote to its standard
 * error, wherever they begin. */
struct tide_stderr_split {
    char held[64]; /* the beginning of what may be such a line */
    size_t n_held;
    bool inside; /* of such a line */
    /* Pieces of the program's output, and of Valgrind's lines (with the line feed). */
    int (*program)(void *context, const char *bytes, size_t n, struct tide_error *e);
    int (*talk)(void *context, const char *bytes, size_t n, struct tide_error *e);
    void *context;
};

TIDE_MUST_CHECK int tide_stderr_split(struct tide_stderr_split *s, const char *bytes, size_t n,
                                      struct tide_error *e);
/* What was held back is the program's after all. */
TIDE_MUST_CHECK int tide_stderr_split_end(struct tide_stderr_split *s, struct tide_error *e);

#endif
