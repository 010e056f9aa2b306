/* What the text formats share: lines, hexadecimal digits, numbers, and messages about damage. */
#ifndef TIDE_TRACE_TEXT_H
#define TIDE_TRACE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/reader.h"

/* No record is longer; of a longer line only this much is seen, and the rest is skipped as it
 * passes, so that a line without end needs no more memory than any other. */
enum { TIDE_LINE_MAX = 16384 };

struct tide_lines {
    uint64_t number;  /* of the line taken last, from 1; formats that take lines by other means add
                       * them here */
    bool inside_long; /* the rest of a long line is still to be skipped */
};

struct tide_line {
    const unsigned char *text;
    size_t n;   /* without the line end (LF or CR LF) */
    bool cut;   /* longer than TIDE_LINE_MAX: only its beginning is here */
    bool ended; /* false: the content ended before the line did (not told of cut lines) */
};

/* Takes the next line from the window. False: the window holds no complete line. */
bool tide_line_next(struct tide_lines *lines, struct tide_reader_window *w, struct tide_line *line);

/* A piece of a line, eaten from the front: tide_eat() takes `s` if it stands there,
 * tide_eat_through() moves behind the first `s` wherever it is. */
struct tide_text {
    const unsigned char *p, *end;
};

bool tide_eat(struct tide_text *t, const char *s);
bool tide_eat_through(struct tide_text *t, const char *s);
void tide_eat_blanks(struct tide_text *t);

/* Behind blanks and tabs. */
static inline const unsigned char *tide_skip_blanks(const unsigned char *p,
                                                    const unsigned char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

/* The value of a hexadecimal digit of either case, or 255. */
extern const unsigned char tide_hex_digit[256];

/* Reads digits of base 10 or 16 at *at, up to `end`, and moves *at behind them. False, with *at at
 * the place, when there is no digit or the value does not fit in 64 bits. */
bool tide_number(const unsigned char **at, const unsigned char *end, unsigned base, uint64_t *out);
/* The same with 0x for hexadecimal, else decimal. */
bool tide_number_c(const unsigned char **at, const unsigned char *end, uint64_t *out);
/* An address: hexadecimal digits, with 0x or without. NULL, or what was expected at *at. */
const char *tide_address(const unsigned char **at, const unsigned char *end, uint64_t *out);

/* The error for a damaged record: `at` points into the window; "name: line L, byte B". */
int tide_damage(const struct tide_reader_window *w, const unsigned char *at, uint64_t line,
                struct tide_error *e, const char *what, ...) __attribute__((format(printf, 5, 6)));

/* The same for a line whose part at `bad` is not what was expected; shows the line. */
int tide_damaged_line(const struct tide_reader_window *w, const struct tide_line *line,
                      const unsigned char *bad, uint64_t number, const char *expected,
                      struct tide_error *e);

/* At most 48 bytes of text for a message, what cannot be printed as \xNN. Returns `out`. */
enum { TIDE_EXCERPT_BYTES = 4 * 48 + 4 };
const char *tide_excerpt(const unsigned char *text, size_t n, char out[TIDE_EXCERPT_BYTES]);

#endif
