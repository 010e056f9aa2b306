/* See known_answers.h. */
#include "known_answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what, int line)
{
    fprintf(stderr, "%s:%d: %s\n", KNOWN_ANSWERS_FILE, line, what);
    abort();
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *content = NULL;
    size_t len = 0, got;

    if (f == NULL)
        die("cannot open", 0);
    do {
        content = realloc(content, len + 4097);
        got = fread(content + len, 1, 4096, f);
        len += got;
    } while (got > 0);
    fclose(f);
    content[len] = '\0';
    return content;
}

/* Cuts one field off at *at (RFC 4180, no line breaks inside), in place; returns its start and
 * leaves *at behind the comma, or at the line break or end, which *last tells. */
static char *field(char **at, bool *last, int line)
{
    char *in = *at, *out = *at, *start = *at, end;

    if (*in == '"') {
        for (in++;; in++) {
            if (*in == '\0' || *in == '\n')
                die("quote without an end", line);
            if (*in == '"' && *++in != '"')
                break;
            *out++ = *in;
        }
    } else {
        in += strcspn(in, ",\n");
        out = in;
    }
    end = *in;
    if (end != ',' && end != '\n' && end != '\0')
        die("text behind a closing quote", line);
    *last = end != ',';
    *at = end == '\0' ? in : in + 1;
    *out = '\0';
    return start;
}

void known_answers_open(struct known_answers *k)
{
    char *at;

    *k = (struct known_answers){.content = slurp(KNOWN_ANSWERS_FILE)};
    at = k->content;
    for (int line = 1; *at != '\0'; line++) {
        struct known_answer row = {.line = line};
        bool last = false;

        for (int c = 0; c < KNOWN_COLUMNS; c++) {
            if (last)
                die("too few columns", line);
            row.text[c] = field(&at, &last, line);
        }
        if (!last)
            die("too many columns", line);
        if (line == 1)
            continue;
        k->rows = realloc(k->rows, (k->n + 1) * sizeof *k->rows);
        k->rows[k->n++] = row;
    }
}

void known_answers_close(struct known_answers *k)
{
    free(k->content);
    free(k->rows);
}

struct known_reference *known_sequence(const char *text, size_t *n)
{
    struct known_reference *refs = calloc(strlen(text) + 1, sizeof *refs);

    *n = 0;
    while (*text != '\0') {
        char *end;

        refs[*n].page = strtoull(text, &end, 16);
        if (end == text)
            die("not a page name", 0);
        refs[*n].write = *end == 'w';
        end += refs[*n].write;
        if (*end != ' ' && *end != '\0')
            die("not a page name", 0);
        text = end + strspn(end, " ");
        (*n)++;
    }
    return refs;
}
