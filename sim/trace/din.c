/* Dinero's traditional and extended `din`.
 *
 *     2 2cb5            label and hexadecimal address: 0 read, 1 write, 2 fetch; 3 and 4 are no
 *     1 70f60890        accesses and are skipped; one byte; the rest of the line is a comment
 *     r 7ffd9a0b1c38 8  extended: r, w, i (fetch), m (like a read), c and v (skipped), the address
 *                       and a hexadecimal size
 *
 * A line of digits and blanks alone may also be page numbers (format `pages`): the first hex letter
 * decides, or --format has to.
 *
 * Source: J. Edler and M. D. Hill, Dinero IV (1997): dinfmt.c, xdinfmt.c.
 * Differs: where nothing but a number of 1..65536 follows a traditional address, it is a size,
 *   hexadecimal as the extended one; to Dinero it is a comment, as all other text is.
 */
#include <string.h>

#include "trace/oneline.h"

static const char labels[] = "012rwimcv34";
enum { SKIPPED = TIDE_KINDS };
static const unsigned char kinds[] = {TIDE_READ,  TIDE_WRITE, TIDE_FETCH, TIDE_READ,
                                      TIDE_WRITE, TIDE_FETCH, TIDE_READ,  SKIPPED,
                                      SKIPPED,    SKIPPED,    SKIPPED};

/* Whether a size, and nothing else, stands here. */
static bool lone_size(const unsigned char *p, const unsigned char *end, uint64_t *size)
{
    return p < end && tide_hex_digit[*p] < 10 && tide_number(&p, end, 16, size) &&
           tide_skip_blanks(p, end) == end && *size > 0 && *size <= TIDE_ACCESS_MAX_BYTES;
}

static const char *take(const struct tide_line *line, struct tide_access *a, bool *empty,
                        const unsigned char **bad)
{
    const unsigned char *end = line->text + line->n, *from;
    const char *label, *expected;
    bool extended;
    uint64_t size = 1;

    *bad = tide_skip_blanks(line->text, end);
    *empty = *bad == end || **bad == '#';
    if (*empty)
        return NULL;
    label = **bad != '\0' ? strchr(labels, **bad) : NULL;
    if (label == NULL || *bad + 1 == end || tide_skip_blanks(*bad + 1, end) == *bad + 1)
        return "a label was expected: 0 to 4, or r, w, i, m, c or v";
    extended = label >= labels + 3 && label < labels + 9;
    *bad = tide_skip_blanks(*bad + 1, end);
    *a = (struct tide_access){.kind = kinds[label - labels]};
    if ((expected = tide_address(bad, end, &a->addr)) != NULL)
        return expected;
    from = *bad;
    if (from < end && *from != ' ' && *from != '\t')
        return "a blank was expected behind the hexadecimal address";
    *bad = tide_skip_blanks(from, end);
    if (extended) {
        if (tide_address(bad, end, &size) != NULL || (*bad<end &&* * bad> ' '))
            return "a hexadecimal size was expected behind the address";
    } else if (!lone_size(*bad, end, &size)) {
        size = 1;
    }
    *empty = a->kind == SKIPPED;
    if (*empty)
        return NULL;
    a->size = (uint32_t)size;
    return tide_bad_extent(a->addr, size);
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    return tide_oneline_parse(take, state, w, b, info, e);
}

/* One line of two page numbers is a reference string; nobody traces one access. */
static int probe(const unsigned char *head, size_t n, bool whole)
{
    const unsigned char *lf = memchr(head, '\n', n);
    bool single = lf == NULL || tide_skip_blanks(lf + 1, head + n) == head + n;

    return tide_oneline_probe(take, single && head[0] < 'A' ? 40 : 95, head, n, whole);
}

const struct tide_format tide_format_din = {
    .name = "din",
    .summary = "Dinero's din: label, hexadecimal address; extended din with a size",
    .example = "2 2cb5 or r 70f60890 8",
    .lines = true,
    .state_bytes = sizeof(struct tide_oneline),
    .probe = probe,
    .parse = parse,
};
