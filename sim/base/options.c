/* Option tables: see options.h. */
#include "base/options.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/units.h"

enum { MOST_ROWS = 64 };

static int set_bool(const char *value, bool *out, struct tide_error *e)
{
    if (strcmp(value, "yes") == 0 || strcmp(value, "true") == 0) {
        *out = true;
        return 0;
    }
    if (strcmp(value, "no") == 0 || strcmp(value, "false") == 0) {
        *out = false;
        return 0;
    }
    tide_fail(e, TIDE_E_CONFIG, "'%s' is not yes or no", value);
    return TIDE_E_CONFIG;
}

static int set_choice(const char *const *choices, const char *value, int *out, struct tide_error *e)
{
    char list[256] = "";
    size_t used = 0;

    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], value) == 0) {
            *out = i;
            return 0;
        }
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "",
                                 choices[i]);
        if (used >= sizeof list)
            used = sizeof list - 1;
    }
    tide_fail(e, TIDE_E_CONFIG, "'%s' is none of the choices", value);
    tide_error_remedy(e, "one of: %s", list);
    return TIDE_E_CONFIG;
}

static int check_range(const struct tide_option *row, uint64_t v, struct tide_error *e)
{
    if (v >= row->min && (row->max == 0 || v <= row->max))
        return 0;
    tide_fail(e, TIDE_E_CONFIG, "%" PRIu64 " is out of range", v);
    if (row->max == 0)
        tide_error_remedy(e, "at least %" PRIu64, row->min);
    else
        tide_error_remedy(e, "from %" PRIu64 " to %" PRIu64, row->min, row->max);
    return TIDE_E_CONFIG;
}

static int set_real(const struct tide_option *row, const char *value, double *out,
                    struct tide_error *e)
{
    double v;

    if (value[strspn(value, "0123456789.")] != '\0' || strspn(value, "0123456789") == 0 ||
        strchr(value, '.') != strrchr(value, '.')) {
        tide_fail(e, TIDE_E_CONFIG, "'%s' is not a decimal number", value);
        tide_error_remedy(e, "such as 0.001");
        return TIDE_E_CONFIG;
    }
    v = strtod(value, NULL);
    if (v < (double)row->min || (row->max > 0 && v > (double)row->max)) {
        tide_fail(e, TIDE_E_CONFIG, "%s is out of range", value);
        if (row->max == 0)
            tide_error_remedy(e, "at least %" PRIu64, row->min);
        else
            tide_error_remedy(e, "from %" PRIu64 " to %" PRIu64, row->min, row->max);
        return TIDE_E_CONFIG;
    }
    *out = v;
    return 0;
}

static int set_row(const struct tide_option *row, void *base, const char *value,
                   struct tide_error *e)
{
    void *field = (char *)base + row->offset;
    struct tide_amount amount;
    uint64_t v = 0;
    int rc;

    switch (row->type) {
    case TIDE_OPT_COUNT:
    case TIDE_OPT_SIZE:
        rc = row->type == TIDE_OPT_COUNT ? tide_parse_count(value, &v, e)
                                         : tide_parse_size(value, &v, e);
        if (rc == 0 && (rc = check_range(row, v, e)) == 0)
            *(uint64_t *)field = v;
        return rc;
    case TIDE_OPT_AMOUNT:
        rc = tide_parse_amount(value, &amount, e);
        if (rc == 0 && (amount.is_share || (rc = check_range(row, amount.value, e)) == 0))
            *(struct tide_amount *)field = amount;
        return rc;
    case TIDE_OPT_REAL:
        return set_real(row, value, field, e);
    case TIDE_OPT_BOOL:
        return set_bool(value, field, e);
    case TIDE_OPT_CHOICE:
        return set_choice(row->choices, value, field, e);
    }
    return tide_fail(e, TIDE_E_CONFIG, "option type unknown");
}

void tide_options_defaults(const struct tide_option *table, void *base)
{
    for (const struct tide_option *row = table; row != NULL && row->name != NULL; row++) {
        int rc = set_row(row, base, row->def, NULL);

        assert(rc == 0);
        (void)rc;
    }
}

int tide_option_set(const struct tide_option *table, void *base, const char *owner,
                    const char *name, const char *value, struct tide_error *e)
{
    const char *names[MOST_ROWS];
    const char *near;
    char list[256] = "";
    size_t n = 0, used = 0;
    int rc;

    for (const struct tide_option *row = table; row != NULL && row->name != NULL; row++) {
        if (strcmp(row->name, name) == 0) {
            rc = set_row(row, base, value, e);
            if (rc != 0 && e != NULL) {
                char what[sizeof e->what];

                snprintf(what, sizeof what, "%s", e->what);
                snprintf(e->what, sizeof e->what, "%s: %s: %.400s", owner, name, what);
            }
            return rc;
        }
        assert(n < MOST_ROWS);
        names[n++] = row->name;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", n > 1 ? ", " : "",
                                     row->name);
    }
    tide_fail(e, TIDE_E_CONFIG, "%s has no option '%s'", owner, name);
    near = tide_nearest(name, names, n);
    if (n == 0)
        tide_error_remedy(e, "it takes no options");
    else if (near != NULL)
        tide_error_remedy(e, "did you mean '%s'? known: %s", near, list);
    else
        tide_error_remedy(e, "known: %s", list);
    return TIDE_E_CONFIG;
}

/* The shortest decimal form that reads back as the same number. */
static void print_real(double v, char *buf, size_t n)
{
    int digits = 1;

    do
        snprintf(buf, n, "%.*f", digits++, v);
    while (strtod(buf, NULL) != v && digits < 30);
}

void tide_option_print(const struct tide_option *row, const void *base, char *buf, size_t n)
{
    const void *field = (const char *)base + row->offset;

    switch (row->type) {
    case TIDE_OPT_COUNT:
        tide_format_count(*(const uint64_t *)field, buf, n);
        return;
    case TIDE_OPT_SIZE:
        tide_format_size(*(const uint64_t *)field, buf, n);
        return;
    case TIDE_OPT_AMOUNT:
        tide_format_amount(*(const struct tide_amount *)field, buf, n);
        return;
    case TIDE_OPT_REAL:
        print_real(*(const double *)field, buf, n);
        return;
    case TIDE_OPT_BOOL:
        snprintf(buf, n, "%s", *(const bool *)field ? "yes" : "no");
        return;
    case TIDE_OPT_CHOICE:
        snprintf(buf, n, "%s", row->choices[*(const int *)field]);
        return;
    }
}
