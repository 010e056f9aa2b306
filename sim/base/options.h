/* Option tables: the rows from which settings are parsed, checked, printed and explained.
 *
 * A module that can be configured (a policy, a TLB kind, ...) declares one table; YAML keys, help
 * and `check --resolved` come from it. A row describes one field of the module's options struct.
 *
 *   type                 field               values
 *   TIDE_OPT_COUNT       uint64_t            count within min..max
 *   TIDE_OPT_SIZE        uint64_t            size in bytes within min..max
 *   TIDE_OPT_AMOUNT      struct tide_amount  count within min..max, or share of the frames
 *   TIDE_OPT_REAL        double              decimal number within min..max, without exponent
 *   TIDE_OPT_BOOL        bool                yes | no | true | false
 *   TIDE_OPT_CHOICE      int                 index into `choices`
 */
#ifndef TIDE_BASE_OPTIONS_H
#define TIDE_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum tide_option_type {
    TIDE_OPT_COUNT,
    TIDE_OPT_SIZE,
    TIDE_OPT_AMOUNT,
    TIDE_OPT_REAL,
    TIDE_OPT_BOOL,
    TIDE_OPT_CHOICE
};

struct tide_option {
    const char *name; /* as in YAML; NULL ends the table */
    enum tide_option_type type;
    size_t offset;              /* of the field in the options struct */
    const char *def;            /* the default, as a user would write it */
    uint64_t min, max;          /* for numbers; max 0: no upper bound */
    const char *const *choices; /* NULL-ended, for TIDE_OPT_CHOICE */
    const char *unit;           /* "refs", "pages", "bits", ... or NULL */
    const char *help;           /* one sentence */
};

/* Fills `base` with the defaults. Tables are our own: a default that does not parse is a bug and
 * asserts. */
void tide_options_defaults(const struct tide_option *table, void *base);

/* Sets one field. Unknown name, wrong type and out of range are TIDE_E_CONFIG with the nearest or
 * the permitted values as remedy. `owner` names the module in messages ("policy lru"). */
TIDE_MUST_CHECK int tide_option_set(const struct tide_option *table, void *base, const char *owner,
                                    const char *name, const char *value, struct tide_error *e);

/* Writes the field's value as a user would write it. */
void tide_option_print(const struct tide_option *row, const void *base, char *buf, size_t n);

#endif
