/* Numbers as text for writers: several times faster than snprintf, which would bound a conversion.
 * Each writes at `to`, without a NUL, and returns the place behind. */
#ifndef TIDE_TRACE_DIGITS_H
#define TIDE_TRACE_DIGITS_H

#include <stdint.h>

enum { TIDE_DIGITS_MAX = 20 };

/* At least `width` digits (at most 16), zeros in front. */
static inline char *tide_put_hex(char *to, uint64_t v, unsigned width)
{
    unsigned digits = (67u - (unsigned)__builtin_clzll(v | 1)) / 4;

    if (digits < width)
        digits = width;
    for (unsigned i = digits; i-- > 0; v >>= 4)
        to[i] = "0123456789abcdef"[v & 15];
    return to + digits;
}

static inline char *tide_put_decimal(char *to, uint64_t v)
{
    char digits[TIDE_DIGITS_MAX];
    unsigned n = 0;

    do
        digits[n++] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    while (n > 0)
        *to++ = digits[--n];
    return to;
}

#endif
