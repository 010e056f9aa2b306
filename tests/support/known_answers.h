/* Reads tests/golden/known_answers.csv: results that books, papers, exams and courses print, each
 * with its source. Driving them is the business of the tests.
 *
 *   source    where the value is printed
 *   sequence  page numbers or names, hexadecimal, w behind one for a write; for aging the R bits
 *             of all pages, a group for each tick
 *   frames    a number; "A minus B" (the value is a difference); "all"
 *   policy, params (NAME=VALUE)
 *   metric, value
 *   status    how far the value was checked
 */
#ifndef TIDE_TESTS_KNOWN_ANSWERS_H
#define TIDE_TESTS_KNOWN_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum known_column {
    KNOWN_SOURCE,
    KNOWN_SEQUENCE,
    KNOWN_FRAMES,
    KNOWN_POLICY,
    KNOWN_PARAMS,
    KNOWN_METRIC,
    KNOWN_VALUE,
    KNOWN_STATUS,
    KNOWN_COLUMNS
};

struct known_answer {
    const char *text[KNOWN_COLUMNS]; /* into the file's content */
    int line;
};

struct known_answers {
    char *content;
    struct known_answer *rows;
    size_t n;
};

struct known_reference {
    uint64_t page;
    bool write;
};

/* Aborts with a message if the file is missing or malformed: the tests cannot go on without it. */
void known_answers_open(struct known_answers *k);
void known_answers_close(struct known_answers *k);

/* The references of a sequence, *n of them, for free(). Aborts at anything that is not one. */
struct known_reference *known_sequence(const char *text, size_t *n);

#endif
