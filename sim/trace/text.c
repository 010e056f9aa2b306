/* Lines, digits and messages of the text formats: see text.h. */
#include "trace/text.h"

#include <stdio.h>
#include <string.h>

bool tide_line_next(struct tide_lines *lines, struct tide_reader_window *w, struct tide_line *line)
{
    const unsigned char *from = w->bytes + w->pos;
    size_t n = w->len - w->pos;
    const unsigned char *lf = memchr(from, '\n', n);

    if (lines->inside_long) {
        w->pos = lf != NULL ? w->pos + (size_t)(lf - from) + 1 : w->len;
        if (lf == NULL)
            return false;
        lines->inside_long = false;
        from = lf + 1;
        n = w->len - w->pos;
        lf = memchr(from, '\n', n);
    }
    line->text = from;
    line->n = lf != NULL ? (size_t)(lf - from) : n;
    line->cut = line->n > TIDE_LINE_MAX;
    line->ended = lf != NULL || line->cut;
    if (line->cut) {
        line->n = TIDE_LINE_MAX;
        lines->inside_long = true;
        w->pos += TIDE_LINE_MAX;
    } else if (lf != NULL) {
        w->pos += line->n + 1;
    } else if (w->at_end && n > 0) {
        w->pos = w->len;
    } else {
        return false;
    }
    lines->number++;
    if (!line->cut && line->n > 0 && line->text[line->n - 1] == '\r')
        line->n--;
    return true;
}

bool tide_eat(struct tide_text *t, const char *s)
{
    size_t n = strlen(s);

    if ((size_t)(t->end - t->p) < n || memcmp(t->p, s, n) != 0)
        return false;
    t->p += n;
    return true;
}

void tide_eat_blanks(struct tide_text *t)
{
    while (t->p < t->end && *t->p == ' ')
        t->p++;
}

bool tide_eat_through(struct tide_text *t, const char *s)
{
    const unsigned char *at = memmem(t->p, (size_t)(t->end - t->p), s, strlen(s));

    if (at == NULL)
        return false;
    t->p = at + strlen(s);
    return true;
}

#define ROW_OF_NONE    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255
#define ROW_OF_LETTERS 255, 10, 11, 12, 13, 14, 15, 255, 255, 255, 255, 255, 255, 255, 255, 255

const unsigned char tide_hex_digit[256] = {ROW_OF_NONE, ROW_OF_NONE,
                                           ROW_OF_NONE, 0,
                                           1,           2,
                                           3,           4,
                                           5,           6,
                                           7,           8,
                                           9,           255,
                                           255,         255,
                                           255,         255,
                                           255,         ROW_OF_LETTERS,
                                           ROW_OF_NONE, ROW_OF_LETTERS,
                                           ROW_OF_NONE, ROW_OF_NONE,
                                           ROW_OF_NONE, ROW_OF_NONE,
                                           ROW_OF_NONE, ROW_OF_NONE,
                                           ROW_OF_NONE, ROW_OF_NONE,
                                           ROW_OF_NONE};

bool tide_number(const unsigned char **at, const unsigned char *end, unsigned base, uint64_t *out)
{
    const unsigned char *p = *at;
    uint64_t v = 0;

    for (; p < end && tide_hex_digit[*p] < base; p++) {
        unsigned digit = tide_hex_digit[*p];

        if (v > (UINT64_MAX - digit) / base)
            break;
        v = v * base + digit;
    }
    *out = v;
    if (p == *at)
        return false;
    *at = p;
    return p == end || tide_hex_digit[*p] >= base;
}

bool tide_number_c(const unsigned char **at, const unsigned char *end, uint64_t *out)
{
    if (end - *at >= 2 && (*at)[0] == '0' && ((*at)[1] | 0x20) == 'x') {
        *at += 2;
        return tide_number(at, end, 16, out);
    }
    return tide_number(at, end, 10, out);
}

const char *tide_address(const unsigned char **at, const unsigned char *end, uint64_t *out)
{
    const unsigned char *digits;

    if (end - *at >= 2 && (*at)[0] == '0' && ((*at)[1] | 0x20) == 'x')
        *at += 2;
    digits = *at;
    if (tide_number(at, end, 16, out))
        return NULL;
    return *at == digits ? "a hexadecimal address was expected"
                         : "the address does not fit in 64 bits";
}

int tide_damage(const struct tide_reader_window *w, const unsigned char *at, uint64_t line,
                struct tide_error *e, const char *what, ...)
{
    char text[sizeof e->what];
    va_list ap;

    va_start(ap, what);
    vsnprintf(text, sizeof text, what, ap);
    va_end(ap);
    tide_fail(e, TIDE_E_TRACE, "%s", text);
    tide_error_where(e, "%s: line %llu, byte %llu", w->name, (unsigned long long)line,
                     (unsigned long long)(w->offset + (uint64_t)(at - w->bytes)));
    return TIDE_E_TRACE;
}

int tide_damaged_line(const struct tide_reader_window *w, const struct tide_line *line,
                      const unsigned char *bad, uint64_t number, const char *expected,
                      struct tide_error *e)
{
    char excerpt[TIDE_EXCERPT_BYTES];

    return tide_damage(w, bad, number, e, "%s%s: '%s'",
                       line->ended ? "" : "the trace is truncated inside a line: ", expected,
                       tide_excerpt(line->text, line->n, excerpt));
}

const char *tide_excerpt(const unsigned char *text, size_t n, char out[TIDE_EXCERPT_BYTES])
{
    char *o = out;
    bool shortened = n > 48;

    for (size_t i = 0; i < (shortened ? 48 : n); i++) {
        if (text[i] >= 0x20 && text[i] < 0x7f)
            *o++ = (char)text[i];
        else
            o += sprintf(o, "\\x%02x", text[i]);
    }
    strcpy(o, shortened ? "..." : "");
    return out;
}
