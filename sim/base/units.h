/* Numbers with units, as configuration files and command lines write them.
 *
 *   size    4K 64M 2G 1T, KiB MiB GiB TiB (all binary), 512B       bytes
 *   count   17 100K 1M 2G (decimal), 1e6 is refused                things
 *   share   50% 12.5%                                              of something known later
 */
#ifndef TIDE_BASE_UNITS_H
#define TIDE_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A number of things, or a share of a number known later. Shares are exact: 10^-8 of the whole. */
struct tide_amount {
    bool is_share;
    uint64_t value; /* things, or 10^-8 parts */
};

#define TIDE_SHARE_WHOLE 100000000u

/* All parsers take the whole string; leading or trailing blanks are errors. */
TIDE_MUST_CHECK int tide_parse_u64(const char *s, uint64_t *out, struct tide_error *e);
TIDE_MUST_CHECK int tide_parse_count(const char *s, uint64_t *out, struct tide_error *e);
/* A bare number is refused: say 4096B. */
TIDE_MUST_CHECK int tide_parse_size(const char *s, uint64_t *out, struct tide_error *e);
/* A count or a share above 0 % and at most 100 %. */
TIDE_MUST_CHECK int tide_parse_amount(const char *s, struct tide_amount *out, struct tide_error *e);

/* floor(share x whole), or the number itself. */
uint64_t tide_amount_of(struct tide_amount a, uint64_t whole);

/* The shortest form that reads back as the same value: "4K", "1536", "12.5%". */
void tide_format_size(uint64_t bytes, char *buf, size_t n);
void tide_format_count(uint64_t count, char *buf, size_t n);
void tide_format_amount(struct tide_amount a, char *buf, size_t n);

#endif
