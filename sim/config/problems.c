/* Collecting and showing problems: see problems.h. */
#include "config/problems.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "config/experiment.h"

/* Of a long line: this many, and at least so many from the place on. */
enum { SHOWN_CHARACTERS = 120, SHOWN_AFTER = 40 };

static const char *format(struct tide_problems *ps, const char *fmt, va_list ap)
{
    char text[1024];
    char *copy;

    vsnprintf(text, sizeof text, fmt, ap);
    for (char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?'; /* values are quoted in messages; they must not break or colour the line */
    copy = tide_arena_copy(ps->arena, text, strlen(text));
    if (copy == NULL)
        ps->out_of_memory = true;
    return copy;
}

static int compare_places(struct tide_place a, struct tide_place b)
{
    if (a.source->order != b.source->order)
        return a.source->order < b.source->order ? -1 : 1;
    if (a.line != b.line)
        return a.line < b.line ? -1 : 1;
    if (a.column != b.column)
        return a.column < b.column ? -1 : 1;
    return 0;
}

struct tide_problem *tide_problem_at(struct tide_problems *ps, struct tide_place at,
                                     const char *fmt, ...)
{
    struct tide_problem **link = &ps->first, *p;
    const char *what;
    va_list ap;

    ps->raised++;
    va_start(ap, fmt);
    what = format(ps, fmt, ap);
    va_end(ap);
    if (what == NULL)
        return &ps->ignored;
    for (; *link != NULL; link = &(*link)->next) {
        int order = compare_places((*link)->place, at);

        if (order > 0)
            break;
        if (order == 0 && strcmp((*link)->what, what) == 0)
            return &ps->ignored;
    }
    p = tide_arena_alloc(ps->arena, sizeof *p);
    if (p == NULL) {
        ps->out_of_memory = true;
        return &ps->ignored;
    }
    *p = (struct tide_problem){.place = at, .what = what, .next = *link};
    *link = p;
    return p;
}

void tide_problem_hint(struct tide_problems *ps, struct tide_problem *p, const char *fmt, ...)
{
    va_list ap;

    if (p == &ps->ignored)
        return;
    va_start(ap, fmt);
    p->hint = format(ps, fmt, ap);
    va_end(ap);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void tide_problem_suggest(struct tide_problems *ps, struct tide_problem *p, const char *word,
                          const char *const *names, size_t n)
{
    const char *near = tide_nearest(word, names, n);
    const char **sorted;
    char *list;
    size_t bytes = sizeof "known: ";

    if (p == &ps->ignored || n == 0)
        return;
    if (near != NULL)
        tide_problem_hint(ps, p, "did you mean '%s'?", near);
    for (size_t i = 0; i < n; i++)
        bytes += strlen(names[i]) + 2;
    sorted = tide_arena_alloc(ps->arena, n * sizeof *sorted);
    list = tide_arena_alloc(ps->arena, bytes);
    if (sorted == NULL || list == NULL) {
        ps->out_of_memory = true;
        return;
    }
    memcpy(sorted, names, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_names);
    strcpy(list, "known: ");
    for (size_t i = 0; i < n; i++)
        strcat(strcat(list, i > 0 ? ", " : ""), sorted[i]);
    p->note = list;
}

/* Bytes of the line break at p (as YAML 1.1 has them), or 0. */
static size_t line_break(const char *p, const char *end)
{
    if (*p == '\n')
        return 1;
    if (*p == '\r')
        return end - p > 1 && p[1] == '\n' ? 2 : 1;
    if (end - p > 1 && memcmp(p, "\xc2\x85", 2) == 0)
        return 2;
    if (end - p > 2 && (memcmp(p, "\xe2\x80\xa8", 3) == 0 || memcmp(p, "\xe2\x80\xa9", 3) == 0))
        return 3;
    return 0;
}

static const char *next_character(const char *p, const char *end)
{
    for (p++; p < end && ((unsigned char)*p & 0xc0) == 0x80; p++)
        ;
    return p;
}

/* Not a control character, and as many bytes as its first one says. */
static bool printable(const char *p, size_t n)
{
    unsigned char c = (unsigned char)*p;

    if (c < 0x80)
        return c >= ' ' && c != 0x7f;
    return c >= 0xc2 && c <= 0xf4 && n == 2u + (c >= 0xe0) + (c >= 0xf0);
}

static void repeat(FILE *out, char c, size_t n)
{
    while (n-- > 0)
        fputc(c, out);
}

/* The line and the caret below it. Long lines are cut to a window around the place. */
static void show_line(FILE *out, const struct tide_problem *p)
{
    const struct tide_source *s = p->place.source;
    const char *at = s->text, *end = s->text + s->n;
    size_t skip = p->place.column > SHOWN_CHARACTERS - SHOWN_AFTER
                      ? p->place.column - (SHOWN_CHARACTERS - SHOWN_AFTER)
                      : 0;
    size_t column = 0, shown = 0, caret = p->place.column - skip, width = p->place.width;

    for (size_t line = 0; line < p->place.line && at < end;) {
        size_t n = line_break(at, end);

        at += n > 0 ? n : 1;
        line += n > 0;
    }
    fprintf(out, "%5zu | %s", p->place.line + 1, skip > 0 ? "..." : "");
    for (; at < end && line_break(at, end) == 0 && shown < SHOWN_CHARACTERS; column++) {
        const char *next = next_character(at, end);

        if (column >= skip) {
            shown++;
            if (*at == '\t')
                fputc(' ', out); /* so that the caret stands below its character */
            else if (printable(at, (size_t)(next - at)))
                fwrite(at, 1, (size_t)(next - at), out);
            else
                fputc('?', out);
        }
        at = next;
    }
    if (at < end && line_break(at, end) == 0)
        fputs("...", out);
    if (width > SHOWN_CHARACTERS - caret)
        width = SHOWN_CHARACTERS - caret;
    fputs("\n      | ", out);
    repeat(out, ' ', caret + (skip > 0 ? 3 : 0));
    fputc('^', out);
    repeat(out, '~', width - 1);
    if (p->hint != NULL)
        fprintf(out, " %s", p->hint);
    fputc('\n', out);
}

void tide_problems_print(const struct tide_problems *ps, struct tide_diagnostics *d)
{
    for (const struct tide_problem *p = ps->first; p != NULL; p = p->next) {
        d->errors++;
        if (p->place.source->command_line) {
            fprintf(d->out, "%s: error: %s\n", p->place.source->name, p->what);
            if (p->hint != NULL)
                fprintf(d->out, "      = %s\n", p->hint);
        } else {
            fprintf(d->out, "%s:%zu:%zu: error: %s\n", p->place.source->name, p->place.line + 1,
                    p->place.column + 1, p->what);
            show_line(d->out, p);
        }
        if (p->note != NULL)
            fprintf(d->out, "      = %s\n", p->note);
    }
}

int tide_problems_error(const struct tide_problems *ps, struct tide_error *e)
{
    const struct tide_problem *p = ps->first;

    tide_fail(e, TIDE_E_CONFIG, "%s", p->what);
    if (!p->place.source->command_line)
        tide_error_where(e, "%s:%zu:%zu", p->place.source->name, p->place.line + 1,
                         p->place.column + 1);
    if (p->hint != NULL || p->note != NULL)
        tide_error_remedy(e, "%s%s%s", p->hint != NULL ? p->hint : "",
                          p->hint != NULL && p->note != NULL ? " " : "",
                          p->note != NULL ? p->note : "");
    return TIDE_E_CONFIG;
}
