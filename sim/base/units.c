/* Numbers with units: see units.h. */
#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Reads decimal digits; returns the end, or NULL when there are none or they overflow. */
static const char *digits(const char *s, uint64_t *out)
{
    uint64_t v = 0;

    if (*s < '0' || *s > '9')
        return NULL;
    for (; *s >= '0' && *s <= '9'; s++) {
        if (v > (UINT64_MAX - (uint64_t)(*s - '0')) / 10)
            return NULL;
        v = 10 * v + (uint64_t)(*s - '0');
    }
    *out = v;
    return s;
}

static int too_large(const char *s, struct tide_error *e)
{
    return tide_fail(e, TIDE_E_CONFIG, "'%s' is too large", s);
}

/* An own message for the commonest reason that digits() fails: too many of them. */
static int not_a_number(const char *s, const char *what, struct tide_error *e)
{
    if (*s != '\0' && strspn(s, "0123456789") >= 20)
        return too_large(s, e);
    return tide_fail(e, TIDE_E_CONFIG, "'%s' is not a %s", s, what);
}

int tide_parse_u64(const char *s, uint64_t *out, struct tide_error *e)
{
    const char *end = digits(s, out);

    if (end == NULL || *end != '\0')
        return not_a_number(s, "whole number", e);
    return 0;
}

static int scale(const char *s, uint64_t v, uint64_t unit, uint64_t *out, struct tide_error *e)
{
    if (v > UINT64_MAX / unit)
        return too_large(s, e);
    *out = v * unit;
    return 0;
}

int tide_parse_count(const char *s, uint64_t *out, struct tide_error *e)
{
    uint64_t v, unit = 1;
    const char *end = digits(s, &v);

    if (end == NULL)
        return not_a_number(s, "count", e);
    switch (*end) {
    case 'k':
    case 'K':
        unit = 1000;
        break;
    case 'M':
        unit = 1000 * 1000;
        break;
    case 'G':
        unit = 1000 * 1000 * 1000;
        break;
    default:
        break;
    }
    if (unit != 1)
        end++;
    if (*end != '\0') {
        tide_fail(e, TIDE_E_CONFIG, "'%s' is not a count", s);
        tide_error_remedy(e, "counts are written 1000, 100K, 1M or 2G (decimal)");
        return TIDE_E_CONFIG;
    }
    return scale(s, v, unit, out, e);
}

int tide_parse_size(const char *s, uint64_t *out, struct tide_error *e)
{
    static const char letters[] = "KMGT";
    uint64_t v, unit = 0;
    const char *end = digits(s, &v);

    if (end == NULL)
        return not_a_number(s, "size", e);
    if (*end != '\0') {
        char upper = (char)(*end == 'k' ? 'K' : *end);
        const char *letter = strchr(letters, upper);

        if (letter != NULL) {
            unit = (uint64_t)1 << (10 * (letter - letters + 1));
            end += strcmp(end + 1, "iB") == 0 ? 3 : 1;
        } else if (*end == 'B') {
            unit = 1;
            end++;
        }
    }
    if (unit == 0 || *end != '\0') {
        tide_fail(e, TIDE_E_CONFIG, *end == '\0' ? "size '%s' has no unit" : "'%s' is not a size",
                  s);
        tide_error_remedy(e, "sizes are written 4K, 64M, 2G (binary), or 512B");
        return TIDE_E_CONFIG;
    }
    return scale(s, v, unit, out, e);
}

int tide_parse_amount(const char *s, struct tide_amount *out, struct tide_error *e)
{
    size_t n = strlen(s);
    uint64_t whole, part = 0, parts;
    const char *end;

    if (n == 0 || s[n - 1] != '%') {
        *out = (struct tide_amount){.is_share = false};
        return tide_parse_count(s, &out->value, e);
    }
    end = digits(s, &whole);
    if (end != NULL && *end == '.') {
        uint64_t weight = 100000; /* 10^-8 parts in a tenth of a percent */

        for (end++; *end >= '0' && *end <= '9' && weight > 0; end++, weight /= 10)
            part += (uint64_t)(*end - '0') * weight;
    }
    if (end == NULL || end != s + n - 1)
        return tide_fail(e, TIDE_E_CONFIG, "'%s' is not a share", s);
    if (whole > 100 || (parts = whole * 1000000 + part) > TIDE_SHARE_WHOLE || parts == 0)
        return tide_fail(e, TIDE_E_CONFIG, "share '%s' is not above 0%% and at most 100%%", s);
    *out = (struct tide_amount){.is_share = true, .value = parts};
    return 0;
}

uint64_t tide_amount_of(struct tide_amount a, uint64_t whole)
{
    if (!a.is_share)
        return a.value;
    return (uint64_t)((unsigned __int128)whole * a.value / TIDE_SHARE_WHOLE);
}

void tide_format_size(uint64_t bytes, char *buf, size_t n)
{
    int power = 0;

    while (power < 4 && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        power++;
    }
    snprintf(buf, n, "%" PRIu64 "%c", bytes, "BKMGT"[power]);
}

void tide_format_count(uint64_t count, char *buf, size_t n)
{
    int power = 0;

    while (power < 3 && count != 0 && count % 1000 == 0) {
        count /= 1000;
        power++;
    }
    snprintf(buf, n, "%" PRIu64 "%.*s", count, power > 0 ? 1 : 0,
             &"KMG"[power > 0 ? power - 1 : 0]);
}

void tide_format_amount(struct tide_amount a, char *buf, size_t n)
{
    int len;

    if (!a.is_share) {
        snprintf(buf, n, "%" PRIu64, a.value);
        return;
    }
    len = snprintf(buf, n, "%" PRIu64 ".%06" PRIu64, a.value / 1000000, a.value % 1000000);
    if (len < 0 || (size_t)len + 2 > n)
        return;
    while (buf[len - 1] == '0')
        len--;
    if (buf[len - 1] == '.')
        len--;
    buf[len] = '%';
    buf[len + 1] = '\0';
}
