/* Reading JSON: see json_read.h. Strings are unescaped in place: no escape is shorter than what it
 * stands for. Source: RFC 8259, 2017. */
#include "report/json_read.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/infile.h"

enum { DEEPEST = 64 };

struct parser {
    struct tide_json_doc *d;
    const char *path;
    char *p; /* the text ends in a NUL, so looking one byte ahead is always safe */
    unsigned depth;
};

static int wrong(const struct parser *q, const char *what, struct tide_error *e)
{
    size_t line = 1, column = 1;

    /* strings that were unescaped in place hold no line feeds of the file: JSON forbids them */
    for (const char *s = q->d->bytes; s < q->p; s++) {
        column = *s == '\n' ? 1 : column + 1;
        line += *s == '\n';
    }
    tide_fail(e, TIDE_E_IO, "%s", what);
    tide_error_where(e, "%s:%zu:%zu", q->path, line, column);
    tide_error_remedy(e, "is this a JSON file (RFC 8259)?");
    return TIDE_E_IO;
}

static void blanks(struct parser *q)
{
    q->p += strspn(q->p, " \t\r\n");
}

static bool hex4(const char *s, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)s[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 16;

        if (digit == 16)
            return false;
        *out = *out * 16 + digit;
    }
    return true;
}

static char *put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | (c >> 6));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | (c >> 12));
        *to++ = (char)(0x80 | ((c >> 6) & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | (c >> 18));
        *to++ = (char)(0x80 | ((c >> 12) & 0x3f));
        *to++ = (char)(0x80 | ((c >> 6) & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* What stands behind a backslash. */
static int escape(struct parser *q, char **to, struct tide_error *e)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    const char *known = *q->p != '\0' ? strchr(from, *q->p) : NULL;
    unsigned c, low;

    if (known != NULL) {
        *(*to)++ = into[known - from];
        q->p++;
        return 0;
    }
    if (*q->p != 'u' || !hex4(q->p + 1, &c))
        return wrong(q, "an unknown escape", e);
    if (c >= 0xd800 && c < 0xdc00) {
        if (q->p[5] != '\\' || q->p[6] != 'u' || !hex4(q->p + 7, &low) || low < 0xdc00 ||
            low > 0xdfff)
            return wrong(q, "half a surrogate pair", e);
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        q->p += 6;
    } else if (c == 0 || (c >= 0xdc00 && c < 0xe000)) {
        return wrong(q, "an escape for no character", e);
    }
    *to = put_utf8(*to, c);
    q->p += 5;
    return 0;
}

static int string(struct parser *q, const char **out, struct tide_error *e)
{
    char *to;
    int rc;

    if (*q->p != '"')
        return wrong(q, "a string should stand here", e);
    *out = to = ++q->p;
    while (*q->p != '"') {
        if ((unsigned char)*q->p < 0x20)
            return wrong(q, "a string that does not end in its line", e);
        if (*q->p != '\\') {
            *to++ = *q->p++;
            continue;
        }
        q->p++;
        rc = escape(q, &to, e);
        if (rc != 0)
            return rc;
    }
    q->p++;
    *to = '\0'; /* at most where the closing quote was */
    return 0;
}

/* Length of the number at s by RFC 8259's grammar; 0: none. */
static size_t number(const char *s)
{
    static const char digits[] = "0123456789";
    const char *p = s + (*s == '-');
    size_t n = strspn(p, digits);

    if (n == 0 || (n > 1 && *p == '0'))
        return 0;
    p += n;
    if (*p == '.') {
        n = strspn(++p, digits);
        if (n == 0)
            return 0;
        p += n;
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-';
        n = strspn(p, digits);
        if (n == 0)
            return 0;
        p += n;
    }
    return (size_t)(p - s);
}

static int value(struct parser *q, const char *key, uint32_t *at, struct tide_error *e);

/* The elements or members of values[parent]; the opening bracket has been passed. */
static int inside(struct parser *q, uint32_t parent, struct tide_error *e)
{
    bool object = q->d->values[parent].type == TIDE_JSON_OBJECT;
    char close = object ? '}' : ']';
    uint32_t last = 0, at;
    int rc;

    if (++q->depth > DEEPEST)
        return wrong(q, "brackets too deep", e);
    blanks(q);
    if (*q->p == close) {
        q->p++;
        q->depth--;
        return 0;
    }
    for (;;) {
        const char *key = NULL;

        blanks(q);
        if (object) {
            rc = string(q, &key, e);
            if (rc != 0)
                return rc;
            blanks(q);
            if (*q->p++ != ':') {
                q->p--;
                return wrong(q, "':' should stand here", e);
            }
            blanks(q);
        }
        rc = value(q, key, &at, e);
        if (rc != 0)
            return rc;
        if (last == 0)
            q->d->values[parent].child = at;
        else
            q->d->values[last].next = at;
        last = at;
        blanks(q);
        if (*q->p == close)
            break;
        if (*q->p != ',')
            return wrong(
                q, object ? "',' or '}' should stand here" : "',' or ']' should stand here", e);
        q->p++;
    }
    q->p++;
    q->depth--;
    return 0;
}

/* true, false, null or a number. A number moves one byte to the front, over what has been read, to
 * make room for its NUL: the byte behind it is still to be read. */
static int plain(struct parser *q, struct tide_json_value *v, struct tide_error *e)
{
    static const struct {
        const char *text;
        enum tide_json_type type;
    } words[] = {{"true", TIDE_JSON_BOOL}, {"false", TIDE_JSON_BOOL}, {"null", TIDE_JSON_NULL}};
    size_t n;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        n = strlen(words[i].text);
        if (strncmp(q->p, words[i].text, n) == 0) {
            v->type = words[i].type;
            v->text = words[i].text;
            q->p += n;
            return 0;
        }
    }
    n = number(q->p);
    if (n == 0 || q->depth == 0)
        return wrong(q, "a value should stand here", e);
    v->type = TIDE_JSON_NUMBER;
    v->text = memmove(q->p - 1, q->p, n);
    q->p[n - 1] = '\0';
    q->p += n;
    return 0;
}

static int value(struct parser *q, const char *key, uint32_t *at, struct tide_error *e)
{
    struct tide_json_doc *d = q->d;
    struct tide_json_value *values = tide_grow(d->values, &d->cap, d->n + 1, sizeof *values);
    struct tide_json_value *v;

    if (values == NULL)
        return tide_nomem(e);
    d->values = values;
    *at = (uint32_t)d->n++;
    v = &values[*at];
    *v = (struct tide_json_value){.key = key, .text = ""};
    if (*q->p == '{' || *q->p == '[') {
        v->type = *q->p++ == '{' ? TIDE_JSON_OBJECT : TIDE_JSON_ARRAY;
        return inside(q, *at, e);
    }
    if (*q->p == '"') {
        v->type = TIDE_JSON_STRING;
        return string(q, &v->text, e);
    }
    return plain(q, v, e);
}

/* Takes over `bytes`, which have a NUL behind their n. */
static int parse(const char *path, char *bytes, size_t n, struct tide_json_doc *out,
                 struct tide_error *e)
{
    struct parser q = {.d = out, .path = path, .p = bytes};
    uint32_t at;
    int rc;

    *out = (struct tide_json_doc){.bytes = bytes};
    blanks(&q);
    rc = value(&q, NULL, &at, e);
    blanks(&q);
    if (rc == 0 && q.p != bytes + n)
        rc = wrong(&q, "text behind the end of the document", e);
    if (rc != 0)
        tide_json_doc_fini(out);
    return rc;
}

int tide_json_load(const char *path, struct tide_json_doc *out, struct tide_error *e)
{
    char *bytes;
    size_t n;
    int rc = tide_infile_read(path, &bytes, &n, e);

    *out = (struct tide_json_doc){0};
    return rc == 0 ? parse(path, bytes, n, out, e) : rc;
}

int tide_json_parse(const char *path, const char *bytes, size_t n, struct tide_json_doc *out,
                    struct tide_error *e)
{
    char *copy = tide_malloc(n + 1);

    *out = (struct tide_json_doc){0};
    if (copy == NULL)
        return tide_nomem(e);
    memcpy(copy, bytes, n);
    copy[n] = '\0';
    return parse(path, copy, n, out, e);
}

void tide_json_doc_fini(struct tide_json_doc *d)
{
    free(d->bytes);
    free(d->values);
    *d = (struct tide_json_doc){0};
}

const struct tide_json_value *tide_json_first(const struct tide_json_doc *d,
                                              const struct tide_json_value *v)
{
    return v != NULL && v->child != 0 ? &d->values[v->child] : NULL;
}

const struct tide_json_value *tide_json_next(const struct tide_json_doc *d,
                                             const struct tide_json_value *v)
{
    return v != NULL && v->next != 0 ? &d->values[v->next] : NULL;
}

const struct tide_json_value *tide_json_member(const struct tide_json_doc *d,
                                               const struct tide_json_value *v, const char *key)
{
    if (v == NULL || v->type != TIDE_JSON_OBJECT)
        return NULL;
    v = tide_json_first(d, v);
    while (v != NULL && strcmp(v->key, key) != 0)
        v = tide_json_next(d, v);
    return v;
}

const char *tide_json_text(const struct tide_json_doc *d, const struct tide_json_value *v,
                           const char *key)
{
    v = tide_json_member(d, v, key);
    return v != NULL ? v->text : "";
}
