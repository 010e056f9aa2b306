/* One access a line: hexadecimal address, R or W.
 *
 *     0041f7a0 R        with or without 0x; blanks, or a comma, between; either case; one byte
 *     0x13f5e2c0,W      # a comment, to the end of the line
 *
 * What most course-work simulators read. Empty lines and comment lines are counted as other lines.
 */
#include "trace/oneline.h"

static const char *take(const struct tide_line *line, struct tide_access *a, bool *empty,
                        const unsigned char **bad)
{
    const unsigned char *end = line->text + line->n, *from;
    const char *expected;
    bool comma;

    *bad = tide_skip_blanks(line->text, end);
    *a = (struct tide_access){.size = 1};
    *empty = *bad == end || **bad == '#';
    if (*empty)
        return NULL;
    if ((expected = tide_address(bad, end, &a->addr)) != NULL)
        return expected;
    from = *bad;
    *bad = tide_skip_blanks(from, end);
    comma = *bad < end && **bad == ',';
    *bad = tide_skip_blanks(*bad + comma, end);
    if (*bad == from && from < end)
        return "a blank or ',' was expected behind the hexadecimal address";
    if (*bad == end || ((**bad | 0x20) != 'r' && (**bad | 0x20) != 'w'))
        return "R or W was expected behind the address";
    a->kind = (**bad | 0x20) == 'w' ? TIDE_WRITE : TIDE_READ;
    *bad = tide_skip_blanks(*bad + 1, end);
    if (*bad < end && **bad != '#')
        return "the end of the line was expected behind R or W";
    return NULL;
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    return tide_oneline_parse(take, state, w, b, info, e);
}

static int probe(const unsigned char *head, size_t n, bool whole)
{
    return tide_oneline_probe(take, 95, head, n, whole);
}

const struct tide_format tide_format_addr = {
    .name = "addr",
    .summary = "one access a line: hexadecimal address, R or W",
    .example = "0041f7a0 R",
    .lines = true,
    .state_bytes = sizeof(struct tide_oneline),
    .probe = probe,
    .parse = parse,
};
