/* One access a line: hexadecimal address, R or W.
 *
 *     0041f7a0 R        with or without 0x; blanks, or a comma, between; either case; one byte
 *     0x13f5e2c0,W      # a comment, to the end of the line
 *
 * What most course-work simulators read. Empty lines and comment lines are counted as other lines.
 */
#include "trace/text.h"

struct addr {
    struct tide_lines lines;
    bool begun; /* PROCESS has been delivered */
};

static const unsigned char *skip_blanks(const unsigned char *p, const unsigned char *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

/* Returns NULL and the access, or what was expected at *bad. *empty: the line holds no record. */
static const char *parse_line(const struct tide_line *line, struct tide_access *a, bool *empty,
                              const unsigned char **bad)
{
    const unsigned char *end = line->text + line->n, *p = skip_blanks(line->text, end), *from;
    bool comma;

    *a = (struct tide_access){.size = 1};
    *empty = p == end || *p == '#';
    if (*empty && !(line->cut && p == end))
        return NULL;
    *bad = p;
    if (line->cut)
        return "the line is far too long for an access";
    if (end - p >= 2 && p[0] == '0' && (p[1] | 0x20) == 'x')
        p += 2;
    from = p;
    if (!tide_number(&p, end, 16, &a->addr)) {
        *bad = p;
        return p == from ? "a hexadecimal address was expected"
                         : "the address does not fit in 64 bits";
    }
    *bad = from = p;
    p = skip_blanks(p, end);
    comma = p < end && *p == ',';
    p = skip_blanks(comma ? p + 1 : p, end);
    if (p == from && p < end)
        return "a blank or ',' was expected behind the hexadecimal address";
    *bad = p;
    if (p == end || ((*p | 0x20) != 'r' && (*p | 0x20) != 'w'))
        return "R or W was expected behind the address";
    a->kind = (*p | 0x20) == 'w' ? TIDE_WRITE : TIDE_READ;
    *bad = p = skip_blanks(p + 1, end);
    if (p < end && *p != '#')
        return "the end of the line was expected behind R or W";
    return NULL;
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    struct addr *s = state;
    struct tide_line line;
    struct tide_access a;

    if (!s->begun) {
        tide_block_event(b, info, TIDE_EV_PROCESS);
        s->begun = true;
    }
    while (b->n_accesses < TIDE_BLOCK_ACCESSES) {
        const unsigned char *bad;
        const char *expected;
        bool empty;

        if (!tide_line_next(&s->lines, w, &line))
            return 0;
        if ((expected = parse_line(&line, &a, &empty, &bad)) != NULL) {
            char excerpt[TIDE_EXCERPT_BYTES];

            return tide_damage(w, bad, s->lines.number, e, "%s%s: '%s'",
                               line.ended ? "" : "the trace is truncated inside a line: ", expected,
                               tide_excerpt(line.text, line.n, excerpt));
        }
        if (empty)
            info->other_lines++;
        else
            b->accesses[b->n_accesses++] = a;
    }
    return 1;
}

/* The first record must be one; then the share of good ones counts. */
static int probe(const unsigned char *head, size_t n, bool whole)
{
    struct tide_reader_window w = {
        .bytes = (unsigned char *)(uintptr_t)head, .len = n, .at_end = whole};
    struct tide_lines lines = {0};
    struct tide_line line;
    struct tide_access a;
    size_t good = 0, all = 0;

    while (tide_line_next(&lines, &w, &line)) {
        const unsigned char *bad;
        bool empty;

        if (parse_line(&line, &a, &empty, &bad) != NULL) {
            if (good == 0)
                return 0;
            all++;
        } else if (!empty) {
            good++;
            all++;
        }
    }
    return all == 0 ? 0 : (int)(1 + 94 * good / all);
}

const struct tide_format tide_format_addr = {
    .name = "addr",
    .summary = "one access a line: hexadecimal address, R or W",
    .example = "0041f7a0 R",
    .state_bytes = sizeof(struct addr),
    .probe = probe,
    .parse = parse,
};
