/* Memory accesses as DynamoRIO's samples print them, in either shape.
 *
 *     Format: <instr address>,<(r)ead/(w)rite>,<data size>,<data address>     memtrace_x86
 *     0x00007f1d3c0a2d10,r,8,0x00007ffd9a0b1c38
 *
 *     Format: <data address>: <data size>, <(r)ead/(w)rite/opcode>            memtrace_simple
 *     0x00007f1d3c0a2d10:  3, mov                  an opcode stands for the instruction's fetch
 *     0x00007ffd9a0b1c38:  8, r
 *
 * In the first shape the instruction is not an access of its own, as with pinatrace. The heading
 * may be missing: each line shows its shape.
 *
 * Source: DynamoRIO, api/samples/memtrace_x86.c (OUTPUT_TEXT) and memtrace_simple.c.
 */
#include <string.h>

#include "trace/oneline.h"

/* r or w by itself: no opcode is called that. */
static bool is_data(const unsigned char *p, const unsigned char *end, struct tide_access *a)
{
    a->kind = *p == 'w' ? TIDE_WRITE : TIDE_READ;
    return (*p == 'r' || *p == 'w') && (p + 1 == end || p[1] == ',' || p[1] == ' ');
}

/* Behind `instr address,`. */
static const char *take_full(struct tide_access *a, const unsigned char *end,
                             const unsigned char **bad)
{
    const char *expected;
    uint64_t size;

    if (*bad == end || !is_data(*bad, end, a) || *bad + 1 == end || (*bad)[1] != ',')
        return "r, or w, was expected behind the instruction address";
    *bad += 2;
    if (!tide_number(bad, end, 10, &size) || *bad == end || **bad != ',')
        return "a decimal size was expected behind r or w";
    (*bad)++;
    if ((expected = tide_address(bad, end, &a->addr)) != NULL)
        return expected;
    if (*bad < end)
        return "the end of the line was expected behind the address";
    expected = tide_bad_extent(a->addr, size);
    a->size = (uint32_t)size;
    return expected;
}

/* Behind `address:`. */
static const char *take_simple(struct tide_access *a, const unsigned char *end,
                               const unsigned char **bad)
{
    const char *expected;
    uint64_t size;

    *bad = tide_skip_blanks(*bad, end);
    if (!tide_number(bad, end, 10, &size) || *bad == end || **bad != ',')
        return "a decimal size was expected behind the address";
    if ((expected = tide_bad_extent(a->addr, size)) != NULL)
        return expected;
    a->size = (uint32_t)size;
    *bad = tide_skip_blanks(*bad + 1, end);
    if (*bad == end || (**bad | 0x20) < 'a' || (**bad | 0x20) > 'z')
        return "r, w or an opcode was expected behind the size";
    if (!is_data(*bad, end, a))
        a->kind = TIDE_FETCH;
    return NULL;
}

static const char *take(const struct tide_line *line, struct tide_access *a, bool *empty,
                        const unsigned char **bad)
{
    struct tide_text text = {line->text, line->text + line->n};
    const char *expected;

    *bad = line->text;
    *empty = line->n == 0 || tide_eat(&text, "Format: <");
    if (*empty)
        return NULL;
    *a = (struct tide_access){0};
    if (line->n < 2 || memcmp(line->text, "0x", 2) != 0)
        return "an address with 0x was expected";
    if ((expected = tide_address(bad, text.end, &a->addr)) != NULL)
        return expected;
    if (*bad < text.end && (**bad == ',' || **bad == ':')) {
        bool full = *(*bad)++ == ',';

        return full ? take_full(a, text.end, bad) : take_simple(a, text.end, bad);
    }
    return "',' or ':' was expected behind the address";
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

const struct tide_format tide_format_memtrace = {
    .name = "memtrace",
    .summary = "the text of DynamoRIO's samples memtrace_x86 and memtrace_simple",
    .example = "0x7f1d3c0a2d10,r,8,0x7ffd9a0b1c38 or 0x7ffd9a0b1c38:  8, r",
    .lines = true,
    .state_bytes = sizeof(struct tide_oneline),
    .probe = probe,
    .parse = parse,
};
