/* Plain text formats that hold accesses only: pages, addr, din.
 *
 *     pages   16 17w 16                      addr   0041f7a0 R           din   2 401ab73 5
 *             page numbers of 4 KiB                 0041f7a8 W                 0 1fff000708 8
 *
 * pages and addr have no sizes: an access across a page border becomes one line for each page, a
 * modify a read and a write, so that the page references of the trace are kept. din has the size in
 * the third column, hexadecimal as its extended form has it, which readers may ignore; labels are
 * 0 read, 1 write, 2 fetch.
 */
#include <stdio.h>
#include <string.h>

#include "trace/digits.h"
#include "trace/sink.h"

enum { LINE_MAX = 64 };

/* What the trace says about itself, as comment lines. */
static int comment(struct tide_out *out, const char *what, const char *text, struct tide_error *e)
{
    char line[1024];
    int n;

    if (text == NULL || text[0] == '\0')
        return 0;
    n = snprintf(line, sizeof line - 1, "# %s: ", what);
    for (; *text != '\0' && n < (int)sizeof line - 2; text++)
        line[n++] = *text == '\n' || *text == '\r' ? ' ' : *text;
    line[n++] = '\n';
    return tide_out_write(out, line, (size_t)n, e);
}

static int comments(void *state, const struct tide_sink_options *o, struct tide_out *out,
                    struct tide_error *e)
{
    const struct {
        const char *what, *text;
    } lines[] = {{"command", o->command},
                 {"recorder", o->recorder},
                 {"date", o->date},
                 {"note", o->note},
                 {"reduced", o->reduction}};
    int rc = 0;

    (void)state;
    for (size_t i = 0; rc == 0 && i < sizeof lines / sizeof *lines; i++)
        rc = comment(out, lines[i].what, lines[i].text, e);
    return rc;
}

static int pages_piece(void *context, uint64_t at, enum tide_kind kind, struct tide_out *out,
                       struct tide_error *e)
{
    char *room = tide_out_room(out, LINE_MAX, e), *p = room;

    (void)context;
    if (p == NULL)
        return TIDE_E_IO;
    p = tide_put_decimal(p, at >> TIDE_SINK_PAGE_SHIFT);
    if (kind == TIDE_WRITE)
        *p++ = 'w';
    *p++ = '\n';
    tide_out_used(out, (size_t)(p - room));
    return 0;
}

static int pages_access(void *state, const struct tide_access *a, struct tide_out *out,
                        struct tide_error *e)
{
    return tide_sink_pieces(a, pages_piece, state, out, e);
}

static int addr_piece(void *context, uint64_t at, enum tide_kind kind, struct tide_out *out,
                      struct tide_error *e)
{
    char *room = tide_out_room(out, LINE_MAX, e), *p = room;

    (void)context;
    if (p == NULL)
        return TIDE_E_IO;
    p = tide_put_hex(p, at, 8);
    memcpy(p, kind == TIDE_WRITE ? " W\n" : " R\n", 3);
    tide_out_used(out, (size_t)(p + 3 - room));
    return 0;
}

static int addr_access(void *state, const struct tide_access *a, struct tide_out *out,
                       struct tide_error *e)
{
    return tide_sink_pieces(a, addr_piece, state, out, e);
}

static char *din_line(char *p, char label, const struct tide_access *a)
{
    *p++ = label;
    *p++ = ' ';
    p = tide_put_hex(p, a->addr, 1);
    *p++ = ' ';
    p = tide_put_hex(p, a->size, 2); /* a letter in front would make it a comment */
    *p++ = '\n';
    return p;
}

static int din_access(void *state, const struct tide_access *a, struct tide_out *out,
                      struct tide_error *e)
{
    static const char labels[TIDE_KINDS] = {
        [TIDE_FETCH] = '2', [TIDE_READ] = '0', [TIDE_WRITE] = '1', [TIDE_MODIFY] = '0'};
    char *room = tide_out_room(out, 2 * LINE_MAX, e), *p = room;

    (void)state;
    if (p == NULL)
        return TIDE_E_IO;
    p = din_line(p, labels[a->kind], a);
    if (a->kind == TIDE_MODIFY)
        p = din_line(p, labels[TIDE_WRITE], a);
    tide_out_used(out, (size_t)(p - room));
    return 0;
}

const struct tide_sink_format tide_sink_pages = {
    .name = "pages",
    .summary = "page numbers of 4 KiB, w behind a write; no events, no fetches apart",
    .state_bytes = 1,
    .says = TIDE_SAYS_WRITES | TIDE_SAYS_ORDER,
    .about = true,
    .begin = comments,
    .access = pages_access,
};

const struct tide_sink_format tide_sink_addr = {
    .name = "addr",
    .summary = "hexadecimal address, R or W; no sizes, no events, no fetches apart",
    .state_bytes = 1,
    .says = TIDE_SAYS_WRITES | TIDE_SAYS_ADDRESSES | TIDE_SAYS_ORDER,
    .about = true,
    .begin = comments,
    .access = addr_access,
};

const struct tide_sink_format tide_sink_din = {
    .name = "din",
    .summary = "Dinero: label, address, size; no events",
    .state_bytes = 1,
    .says = TIDE_SAYS_ALL & ~TIDE_SAYS_MODIFIES,
    .access = din_access,
};
