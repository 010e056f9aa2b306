/* The frame of the text formats that have at most one access on a line.
 *
 * Such a format is a function that reads one line; the loops stand here, inline, so that each
 * format gets its own, with its function inside.
 */
#ifndef TIDE_TRACE_ONELINE_H
#define TIDE_TRACE_ONELINE_H

#include "trace/text.h"

/* The state of a format that needs no more. */
struct tide_oneline {
    struct tide_lines lines;
    bool begun; /* PROCESS has been delivered */
};

/* Reads a line. Returns NULL and the access, with *empty where the line holds none; or what was
 * expected, at *bad. Not called for lines that are cut. */
typedef const char *tide_oneline_take(const struct tide_line *line, struct tide_access *a,
                                      bool *empty, const unsigned char **bad);

/* Cut lines: nothing but a comment may be as long. */
static inline const char *tide_oneline_line(tide_oneline_take *take, const struct tide_line *line,
                                            struct tide_access *a, bool *empty,
                                            const unsigned char **bad)
{
    if (!line->cut)
        return take(line, a, empty, bad);
    *bad = line->text;
    *empty = line->text[0] == '#';
    return *empty ? NULL : "the line is far too long for an access";
}

static inline int tide_oneline_parse(tide_oneline_take *take, struct tide_oneline *s,
                                     struct tide_reader_window *w, struct tide_block *b,
                                     struct tide_trace_info *info, struct tide_error *e)
{
    struct tide_line line;

    if (!s->begun) {
        tide_block_event(b, info, TIDE_EV_PROCESS);
        s->begun = true;
    }
    while (b->n_accesses < TIDE_BLOCK_ACCESSES) {
        struct tide_access *a = &b->accesses[b->n_accesses];
        const unsigned char *bad;
        const char *expected;
        bool empty;

        if (!tide_line_next(&s->lines, w, &line))
            return 0;
        if ((expected = tide_oneline_line(take, &line, a, &empty, &bad)) != NULL)
            return tide_damaged_line(w, &line, bad, s->lines.number, expected, e);
        info->other_lines += empty;
        b->n_accesses += !empty;
    }
    return 1;
}

/* The first record must be one; then the share of good ones counts: up to `best`. */
static inline int tide_oneline_probe(tide_oneline_take *take, int best, const unsigned char *head,
                                     size_t n, bool whole)
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

        if (tide_oneline_line(take, &line, &a, &empty, &bad) == NULL) {
            good += !empty;
            all += !empty;
        } else if (good == 0) {
            return 0;
        } else {
            all++;
        }
    }
    return all == 0 ? 0 : (int)(1 + (size_t)(best - 1) * good / all);
}

#endif
