/* What went wrong, where, and what to do about it.
 *
 * Every function of sim/ that can fail returns 0 or a negative enum tide_code and takes a
 * struct tide_error as its last argument, which it fills once, at the place that knows the cause.
 * Only cli/ prints an error or ends the process.
 */
#ifndef TIDE_BASE_ERROR_H
#define TIDE_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

/* The negated value is the exit code of `pagetide` (out of memory shares 5 with I/O). */
enum tide_code {
    TIDE_OK = 0,
    TIDE_E_RUN = -1,    /* a run failed */
    TIDE_E_USAGE = -2,  /* the command line */
    TIDE_E_CONFIG = -3, /* the experiment file, or a setting in it */
    TIDE_E_TRACE = -4,  /* a trace is damaged, foreign or empty */
    TIDE_E_IO = -5,     /* reading or writing failed */
    TIDE_E_NOMEM = -6   /* out of memory */
};

struct tide_error {
    int code;         /* enum tide_code */
    char where[512];  /* "file:line:column", "file: byte 123, record 45", or empty */
    char what[512];   /* one sentence without a full stop */
    char remedy[512]; /* what the user can do, or empty */
};

#define TIDE_MUST_CHECK __attribute__((warn_unused_result))

/* Fills `e` (which may be NULL) and returns `code`, so that `return tide_fail(...)` reads well. */
int tide_fail(struct tide_error *e, int code, const char *what, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds the place or the remedy to an error that has been filled; both replace what was there. */
void tide_error_where(struct tide_error *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void tide_error_remedy(struct tide_error *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The documented exit code (0..5) for a return code. */
int tide_exit_code(int code);

#endif
