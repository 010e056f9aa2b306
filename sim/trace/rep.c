/* malloclab's .rep: what a program asked of its heap, by object number. Events alone, no access.
 *
 *     20000         suggested heap size      a 0 2040    allocate object 0, 2040 bytes
 *     2847          number of objects        r 0 4080    reallocate
 *     5694          number of requests       f 0         free
 *     1             weight
 *
 * Where objects lie is for the allocator to say that replays them.
 *
 * Source: R. Bryant and D. O'Hallaron, Computer Systems: A Programmer's Perspective, malloc lab,
 *   mdriver.c (read_trace).
 */
#include "trace/text.h"

enum { HEAD_LINES = 4, OBJECTS = 1, REQUESTS = 2 };

struct rep {
    struct tide_lines lines;
    unsigned heads; /* numbers read of the head */
    uint64_t head[HEAD_LINES];
    uint64_t requests; /* read */
};

static const char *take_head(struct rep *s, const struct tide_line *line, const unsigned char **bad)
{
    const unsigned char *end = line->text + line->n;

    *bad = tide_skip_blanks(line->text, end);
    if (!tide_number(bad, end, 10, &s->head[s->heads]) || tide_skip_blanks(*bad, end) != end)
        return "a number of the head was expected: heap size, objects, requests, weight";
    s->heads++;
    return NULL;
}

/* Returns NULL and the event, or what was expected at *bad. */
static const char *take_request(struct rep *s, const struct tide_line *line, struct tide_event *ev,
                                const unsigned char **bad)
{
    const unsigned char *end = line->text + line->n;
    const unsigned char *id_at;
    uint64_t id, size = 0;
    unsigned char letter;

    *bad = line->text;
    if (s->requests == s->head[REQUESTS])
        return "there are more requests than the head says";
    letter = *line->text;
    if ((letter != 'a' && letter != 'r' && letter != 'f') || line->n < 2 || line->text[1] != ' ')
        return "a, r or f was expected";
    *bad = id_at = tide_skip_blanks(line->text + 1, end);
    if (!tide_number(bad, end, 10, &id))
        return "an object number was expected";
    if (id >= s->head[OBJECTS]) {
        *bad = id_at;
        return "the object number is not below the number of objects that the head says";
    }
    *bad = tide_skip_blanks(*bad, end);
    if (letter != 'f' && !tide_number(bad, end, 10, &size))
        return "a size was expected behind the object number";
    if (tide_skip_blanks(*bad, end) != end)
        return "the end of the line was expected";
    *ev = (struct tide_event){.addr = id, .flags = TIDE_HEAP_NUMBERED};
    ev->type = letter == 'a' ? TIDE_EV_MALLOC : letter == 'r' ? TIDE_EV_REALLOC : TIDE_EV_FREE;
    if (letter == 'a') {
        ev->len = size;
    } else if (letter == 'r') {
        ev->new_addr = id;
        ev->new_len = size;
    }
    s->requests++;
    return NULL;
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    struct rep *s = state;
    struct tide_line line;

    while (b->n_events < TIDE_BLOCK_EVENTS) {
        const unsigned char *bad;
        const char *expected;
        struct tide_event ev;
        bool head = s->heads < HEAD_LINES;

        if (!tide_line_next(&s->lines, w, &line))
            break;
        if (tide_skip_blanks(line.text, line.text + line.n) == line.text + line.n) {
            info->other_lines++;
            continue;
        }
        expected = head ? take_head(s, &line, &bad) : take_request(s, &line, &ev, &bad);
        if (expected != NULL)
            return tide_damaged_line(w, &line, bad, s->lines.number, expected, e);
        if (head && s->heads == HEAD_LINES)
            tide_block_event(b, info, TIDE_EV_PROCESS);
        else if (!head)
            *tide_block_event(b, info, ev.type) = ev;
    }
    if (b->n_events == TIDE_BLOCK_EVENTS)
        return 1;
    if (w->at_end && (s->heads < HEAD_LINES || s->requests < s->head[REQUESTS]))
        return tide_damage(w, w->bytes + w->len, s->lines.number, e,
                           "the trace is truncated: %llu of %llu requests are there",
                           (unsigned long long)s->requests, (unsigned long long)s->head[REQUESTS]);
    return 0;
}

/* Four numbers, then an allocation. */
static int probe(const unsigned char *head, size_t n, bool whole)
{
    struct tide_reader_window w = {
        .bytes = (unsigned char *)(uintptr_t)head, .len = n, .at_end = whole};
    struct rep s = {0};
    struct tide_line line;
    const unsigned char *bad;
    struct tide_event ev;

    while (tide_line_next(&s.lines, &w, &line)) {
        if (tide_skip_blanks(line.text, line.text + line.n) == line.text + line.n)
            continue;
        if (s.heads == HEAD_LINES)
            return take_request(&s, &line, &ev, &bad) == NULL ? 97 : 0;
        if (take_head(&s, &line, &bad) != NULL)
            return 0;
    }
    return 0;
}

const struct tide_format tide_format_rep = {
    .name = "rep",
    .summary = "malloclab's .rep: heap requests by object number (events alone)",
    .example = "a 0 2040 or r 0 4080 or f 0, behind four numbers",
    .events_alone = true,
    .state_bytes = sizeof(struct rep),
    .probe = probe,
    .parse = parse,
};
