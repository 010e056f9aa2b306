/* Memory accesses as the Pin kit's example tools `pinatrace` print them.
 *
 *     0x7f1d3c0a2d10: R 0x7ffd9a0b1c38            instruction pointer, R or W, address; one byte
 *     0x7f1d3c0a2d10: R     0x7ffd9a0b1c38  8 ... the simple example adds size and value
 *     #eof
 *
 * The instruction pointer is not an access of its own: only instructions that touch memory are
 * listed, some of them twice. A line of `#` is a comment; Pin's own are the head and `#eof`.
 *
 * Source: Pin kit, source/tools/ManualExamples/pinatrace.cpp and SimpleExamples/pinatrace.cpp.
 * Differs: the value behind the size is not read. A trace without `#eof` is taken as it is, for
 *   people cut them.
 */
#include "trace/oneline.h"

static const char *take(const struct tide_line *line, struct tide_access *a, bool *empty,
                        const unsigned char **bad)
{
    const unsigned char *end = line->text + line->n, *from;
    const char *expected;
    uint64_t ip, size = 1;

    *bad = tide_skip_blanks(line->text, end);
    *empty = *bad == end || **bad == '#';
    if (*empty)
        return NULL;
    if ((expected = tide_address(bad, end, &ip)) != NULL)
        return expected;
    if (*bad == end || **bad != ':')
        return "':' was expected behind the instruction pointer";
    *bad = tide_skip_blanks(*bad + 1, end);
    if (*bad == end || (**bad != 'R' && **bad != 'W'))
        return "R or W was expected behind the instruction pointer";
    *a = (struct tide_access){.kind = **bad == 'W' ? TIDE_WRITE : TIDE_READ};
    *bad = tide_skip_blanks(*bad + 1, end);
    if ((expected = tide_address(bad, end, &a->addr)) != NULL)
        return expected;
    from = *bad;
    *bad = tide_skip_blanks(from, end);
    if (*bad < end) {
        if (*bad == from || !tide_number(bad, end, 10, &size) || (*bad<end &&* * bad> ' '))
            return "a decimal size, or the end of the line, was expected behind the address";
    }
    a->size = (uint32_t)size;
    return tide_bad_extent(a->addr, size);
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

const struct tide_format tide_format_pinatrace = {
    .name = "pinatrace",
    .summary = "Intel Pin's pinatrace: instruction pointer, R or W, address",
    .example = "0x7f1d3c0a2d10: R 0x7ffd9a0b1c38",
    .lines = true,
    .state_bytes = sizeof(struct tide_oneline),
    .probe = probe,
    .parse = parse,
};
