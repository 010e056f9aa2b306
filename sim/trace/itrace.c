/* Instruction addresses as the Pin kit's example tool `itrace` prints them.
 *
 *     0x7f1d3c0a2d10      one a line, always with 0x: a fetch; its size is not told: one byte
 *     #eof
 *
 * Without the end, this may also be a list of page numbers (format `pages`): numbers that no page
 * of a 48-bit address space can have, or the end, decide; else --format has to.
 *
 * Source: Pin kit, source/tools/ManualExamples/itrace.cpp.
 */
#include <string.h>

#include "trace/oneline.h"

static const char *take(const struct tide_line *line, struct tide_access *a, bool *empty,
                        const unsigned char **bad)
{
    const unsigned char *end = line->text + line->n;
    const char *expected;

    *bad = tide_skip_blanks(line->text, end);
    *empty = *bad == end || **bad == '#';
    if (*empty)
        return NULL;
    if (end - *bad < 2 || memcmp(*bad, "0x", 2) != 0)
        return "an instruction address with 0x was expected";
    *a = (struct tide_access){.size = 1, .kind = TIDE_FETCH};
    if ((expected = tide_address(bad, end, &a->addr)) != NULL)
        return expected;
    *bad = tide_skip_blanks(*bad, end);
    return *bad == end ? NULL : "the end of the line was expected behind the address";
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    return tide_oneline_parse(take, state, w, b, info, e);
}

static int probe(const unsigned char *head, size_t n, bool whole)
{
    static const char end[] = "#eof";
    struct tide_reader_window w = {
        .bytes = (unsigned char *)(uintptr_t)head, .len = n, .at_end = whole};
    struct tide_lines lines = {0};
    struct tide_line line;
    struct tide_access a;
    const unsigned char *bad;
    bool empty, certain = false;
    int score = tide_oneline_probe(take, 95, head, n, whole);

    while (score > 0 && !certain && tide_line_next(&lines, &w, &line)) {
        certain = line.n == strlen(end) && memcmp(line.text, end, line.n) == 0;
        if (!certain && tide_oneline_line(take, &line, &a, &empty, &bad) == NULL)
            certain = !empty && a.addr >> 36 != 0;
    }
    return score + (certain ? 1 : 0);
}

const struct tide_format tide_format_itrace = {
    .name = "itrace",
    .summary = "Intel Pin's itrace: the address of an instruction a line",
    .example = "0x7f1d3c0a2d10",
    .lines = true,
    .state_bytes = sizeof(struct tide_oneline),
    .probe = probe,
    .parse = parse,
};
