/* Text: see text.h. */
#include "report/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool reserve(struct tide_text *t, size_t more)
{
    char *p;

    if (t->failed)
        return false;
    p = tide_grow(t->bytes, &t->cap, t->n + more + 1, 1);
    if (p == NULL)
        t->failed = true;
    else
        t->bytes = p;
    return p != NULL;
}

void tide_text_fini(struct tide_text *t)
{
    free(t->bytes);
    *t = (struct tide_text){0};
}

void tide_text_clear(struct tide_text *t)
{
    tide_text_cut(t, 0);
}

void tide_text_cut(struct tide_text *t, size_t n)
{
    if (n >= t->n)
        return;
    t->n = n;
    t->bytes[n] = '\0';
}

void tide_text_add(struct tide_text *t, const char *bytes, size_t n)
{
    if (!reserve(t, n))
        return;
    memcpy(t->bytes + t->n, bytes, n);
    t->n += n;
    t->bytes[t->n] = '\0';
}

void tide_text_printf(struct tide_text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !reserve(t, (size_t)n))
        return;
    va_start(ap, fmt);
    vsnprintf(t->bytes + t->n, (size_t)n + 1, fmt, ap);
    va_end(ap);
    t->n += (size_t)n;
}

size_t tide_text_utf8(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;

    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) || (*s == 0xf0 && s[1] < 0x90) ||
        (*s == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}
