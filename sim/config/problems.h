/* Everything that is wrong with a configuration, collected and then shown in order of place:
 *
 *     sweep.yaml:14:11: error: unknown replacement policy 'lur'
 *        14 |   policy: lur
 *           |           ^~~ did you mean 'lru'?
 *           = known: arc, clock, fifo, lru
 *
 * A problem found again at its place (a sweep decodes the same text many times) is kept once.
 */
#ifndef TIDE_CONFIG_PROBLEMS_H
#define TIDE_CONFIG_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "config/arena.h"

struct tide_diagnostics;

/* A text that places refer to. */
struct tide_source {
    const char *name; /* the file's, or "-s KEY=VALUE" */
    const char *text;
    size_t n;
    unsigned order;    /* problems of the source with the lower number come first */
    bool command_line; /* no lines worth showing */
};

struct tide_place {
    const struct tide_source *source;
    size_t line, column; /* from 0; columns count characters */
    size_t width;        /* characters to underline, at least 1 */
};

struct tide_problem {
    struct tide_place place;
    const char *what;
    const char *hint; /* behind the caret; or NULL */
    const char *note; /* on a line of its own; or NULL */
    struct tide_problem *next;
};

struct tide_problems {
    struct tide_arena *arena;
    struct tide_problem *first;  /* in order of place */
    size_t raised;               /* repeated ones included */
    bool out_of_memory;          /* sticky */
    struct tide_problem ignored; /* where hints of repeated problems go */
};

/* Never NULL, so that a hint can be added at once. */
struct tide_problem *tide_problem_at(struct tide_problems *ps, struct tide_place at,
                                     const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void tide_problem_hint(struct tide_problems *ps, struct tide_problem *p, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "did you mean" the nearest of n names, and the list of all of them, sorted. */
void tide_problem_suggest(struct tide_problems *ps, struct tide_problem *p, const char *word,
                          const char *const *names, size_t n);
void tide_problems_print(const struct tide_problems *ps, struct tide_diagnostics *d);
/* The first problem as an error: for a value that has no file. */
int tide_problems_error(const struct tide_problems *ps, struct tide_error *e);

#endif
