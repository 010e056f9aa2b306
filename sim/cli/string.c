/* Reference strings as textbooks print them: see cli.h. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "cli/cli.h"

static const char separators[] = " \t\r\n,;";

/* Highest page number + 1: the lower half of a 48-bit address space of 4K pages. */
static const uint64_t page_end = UINT64_C(1) << 35;

enum { MOST_REFERENCES = 1000 };

enum notation { LETTERS, HEXADECIMAL, DECIMAL };

struct token {
    const char *text;
    size_t length; /* without the write mark */
    bool write;
};

static bool next_token(const char **at, struct token *t)
{
    size_t n;

    *at += strspn(*at, separators);
    n = strcspn(*at, separators);
    if (n == 0)
        return false;
    t->text = *at;
    t->write = n > 1 && ((*at)[n - 1] == 'w' || (*at)[n - 1] == 'W');
    t->length = n - t->write;
    *at += n;
    return true;
}

static bool has_0x(const struct token *t)
{
    return t->length > 2 && t->text[0] == '0' && (t->text[1] == 'x' || t->text[1] == 'X');
}

static enum notation notation_of(const char *text)
{
    bool letters = true, hexadecimal = false;
    struct token t;

    while (next_token(&text, &t)) {
        letters = letters && t.length == 1 && isalpha((unsigned char)t.text[0]);
        for (size_t i = has_0x(&t) ? t.length : 0; i < t.length; i++)
            hexadecimal = hexadecimal || isalpha((unsigned char)t.text[i]);
    }
    return letters ? LETTERS : hexadecimal ? HEXADECIMAL : DECIMAL;
}

static int page_of(const struct token *t, enum notation notation, uint64_t *page,
                   struct tide_error *e)
{
    bool prefixed = has_0x(t);
    unsigned base = notation == HEXADECIMAL || prefixed ? 16 : 10;

    *page = 0;
    if (notation == LETTERS) {
        *page = (unsigned char)t->text[0];
        return 0;
    }
    for (size_t i = prefixed ? 2 : 0; i < t->length; i++) {
        int c = tolower((unsigned char)t->text[i]);
        unsigned digit = isdigit(c)             ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 99;

        if (digit >= base) {
            tide_fail(e, TIDE_E_USAGE, "'%.*s' is not a page of a reference string",
                      (int)(t->length < 60 ? t->length : 60), t->text);
            tide_error_remedy(e, "page numbers (7, 0x1f, 1f) or letters, with w behind them for "
                                 "writes: \"7 0 1w 2\"");
            return TIDE_E_USAGE;
        }
        *page = *page * base + digit;
        if (*page >= page_end) {
            tide_fail(e, TIDE_E_USAGE, "page '%.*s' is too large",
                      (int)(t->length < 60 ? t->length : 60), t->text);
            tide_error_remedy(e,
                              "page numbers are below 0x%" PRIx64 ": a 48-bit address space of "
                              "4K pages",
                              page_end);
            return TIDE_E_USAGE;
        }
    }
    return 0;
}

static int add(struct cli_string *s, struct tide_map *names, const struct token *t, uint64_t page,
               struct tide_error *e)
{
    struct cli_reference *grown =
        tide_grow(s->references, &s->cap, s->n + 1, sizeof *s->references);
    bool inserted;
    uint64_t *name;
    int rc;

    if (grown == NULL)
        return tide_nomem(e);
    s->references = grown;
    name = tide_map_put(names, page, &inserted);
    if (name == NULL)
        return tide_nomem(e);
    if (inserted) {
        *name = s->names.n;
        rc = cli_list_add(&s->names, t->text, t->length, e);
        if (rc != 0)
            return rc;
    }
    s->references[s->n++] = (struct cli_reference){page, (size_t)*name, t->write};
    return 0;
}

int cli_string_parse(struct cli_string *s, const char *text, struct tide_error *e)
{
    enum notation notation = notation_of(text);
    struct tide_map names;
    struct token t;
    int rc = 0;

    tide_map_init(&names);
    while (rc == 0 && next_token(&text, &t)) {
        uint64_t page;

        if (s->n == MOST_REFERENCES) {
            rc = tide_fail(e, TIDE_E_USAGE, "the string has more than %d references",
                           MOST_REFERENCES);
            tide_error_remedy(e, "put it into a file and use: pagetide compare FILE");
            break;
        }
        rc = page_of(&t, notation, &page, e);
        if (rc == 0)
            rc = add(s, &names, &t, page, e);
    }
    if (rc == 0 && s->n == 0) {
        rc = tide_fail(e, TIDE_E_USAGE, "the reference string is empty");
        tide_error_remedy(e, "for example: pagetide explain -f 3 \"7 0 1 2 0 3 0 4\"");
    }
    tide_map_fini(&names);
    return rc;
}

char *cli_string_pages(const struct cli_string *s)
{
    enum { LONGEST = 16 }; /* 11 digits, w, blank */
    char *text = tide_malloc(s->n * LONGEST + 1), *at = text;

    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < s->n; i++)
        at += snprintf(at, LONGEST, "%" PRIu64 "%s\n", s->references[i].page,
                       s->references[i].write ? "w" : "");
    return text;
}

void cli_string_fini(struct cli_string *s)
{
    free(s->references);
    cli_list_fini(&s->names);
    *s = (struct cli_string){0};
}
