/* Valgrind's lackey: `valgrind [-d] --tool=lackey --trace-mem=yes [--trace-syscalls=yes]`.
 *
 *     I  0401ab70,3           fetch: column 0, two blanks, hexadecimal address, decimal size
 *      S 1fff000708,8         store; L load; M modify: a load and a store of the same bytes
 *
 * Access lines are nearly all of a log: lackey_code.h takes the ordinary ones. What it does not
 * take (capitals, short or very high addresses, long sizes, all other lines) goes line by line, and
 * errors are worded there.
 *
 * Around them Valgrind prints, to the same file, talk (`==PID== ...`, `--PID-- ...`), the memory
 * layout and system calls; lackey_image.h takes what is told there. All other printable lines (the
 * traced program's own output, too) are skipped and counted. Lines that begin as an access and are
 * none, and control characters, are damage.
 *
 * A forked child writes into the same log, and access lines carry no pid: all accesses count for
 * the first process, and the calls of other pids are skipped and counted with the talk.
 *
 * Source: Valgrind 3.19, lackey/lk_main.c.
 */
#include <string.h>

#include "base/mem.h"
#include "trace/lackey_code.h"
#include "trace/lackey_image.h"

/* ---- access lines ---- */

/* The three bytes that begin an access line, found by a hash of the first two. A bit above them
 * tells used slots from free ones, which match nothing. */
struct prefix {
    uint32_t bytes; /* in memory order, lowest first */
    uint32_t kind;
};

#define PREFIX(a, b, c)        ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | 1u << 24)
#define PREFIX_OF(word)        (((uint32_t)(word)&0xffffff) | 1u << 24)
#define PREFIX_SLOT(word)      (((word) ^ (word) >> 8) & 15)
#define PREFIX_ROW(a, b, c, k) [PREFIX_SLOT(PREFIX(a, b, c))] = {PREFIX(a, b, c), k}

static const struct prefix prefixes[16] = {
    PREFIX_ROW('I', ' ', ' ', TIDE_FETCH),
    PREFIX_ROW(' ', 'L', ' ', TIDE_READ),
    PREFIX_ROW(' ', 'S', ' ', TIDE_WRITE),
    PREFIX_ROW(' ', 'M', ' ', TIDE_MODIFY),
};

/* Returns NULL and the access, or what was expected at *bad. */
static const char *parse_access(const struct tide_line *line, struct tide_access *a,
                                const unsigned char **bad)
{
    const unsigned char *p = line->text + 3, *end = line->text + line->n, *size_at;
    uint32_t head = PREFIX(line->text[0], line->text[1], line->text[2]);
    uint64_t size;

    *a = (struct tide_access){.kind = (uint8_t)prefixes[PREFIX_SLOT(head)].kind};
    *bad = p;
    if (line->cut)
        return "the line is far too long for an access";
    if (!tide_number(&p, end, 16, &a->addr)) {
        *bad = p;
        return p == line->text + 3 ? "a hexadecimal address was expected"
                                   : "the address does not fit in 64 bits";
    }
    *bad = p;
    if (p == end || *p != ',')
        return "',' was expected behind the hexadecimal address";
    *bad = size_at = ++p;
    if (!tide_number(&p, end, 10, &size) && p == size_at)
        return "a decimal size was expected behind ','";
    if (p < end && tide_hex_digit[*p] >= 10) {
        *bad = p;
        return "the end of the line was expected behind the size";
    }
    if (p < end || size == 0 || size > TIDE_ACCESS_MAX_BYTES)
        return "the size is not within 1..65536 bytes";
    if (a->addr > UINT64_MAX - (size - 1)) {
        *bad = line->text + 3;
        return "address plus size do not fit in 64 bits";
    }
    a->size = (uint32_t)size;
    return NULL;
}

static bool begins_access(const unsigned char *text, size_t n)
{
    uint32_t head;

    if (n < 3)
        return false;
    head = PREFIX(text[0], text[1], text[2]);
    return prefixes[PREFIX_SLOT(head)].bytes == head;
}

struct lackey {
    struct tide_lines lines;
    struct tide_lackey_image image;
    struct tide_lackey_code code;
};

/* ---- all lines that are no accesses ---- */

/* Tab, line and form feeds, bell, backspace, escape: what terminals get. */
static bool control(unsigned char c)
{
    return c == 0x7f || (c < 0x20 && !(c >= 0x07 && c <= 0x0d) && c != 0x1b);
}

static int take_other(struct lackey *s, const struct tide_line *line, struct tide_reader_window *w,
                      struct tide_block *b, struct tide_trace_info *info, struct tide_error *e)
{
    const unsigned char *bad;
    char excerpt[TIDE_EXCERPT_BYTES];
    size_t before = b->n_events;
    bool used;
    int rc;

    for (size_t i = 0; i < line->n; i++)
        if (control(line->text[i])) {
            rc = tide_damage(w, line->text + i, s->lines.number, e,
                             "byte 0x%02x is not text: this is not a lackey log, or damaged",
                             line->text[i]);
            tide_error_remedy(e, "logs are written by: valgrind --tool=lackey --trace-mem=yes "
                                 "--log-file=FILE PROGRAM");
            return rc;
        }
    rc = tide_lackey_image_take(&s->image, line, &used, &bad, b, info);
    if (bad != NULL) {
        rc = tide_damage(w, bad, s->lines.number, e, "this layout line can't be read: '%s'",
                         tide_excerpt(line->text, line->n, excerpt));
        tide_error_remedy(e, "layouts are read as Valgrind 3.19 prints them with -d");
        return rc;
    }
    if (rc < 0)
        return tide_nomem(e);
    for (; before < b->n_events; before++) {
        const char *problem = tide_event_problem(&b->events[before]);

        if (problem != NULL) {
            b->n_events = before;
            rc = tide_damage(w, line->text, s->lines.number, e,
                             "what this line maps or unmaps %s: '%s'", problem,
                             tide_excerpt(line->text, line->n, excerpt));
            tide_error_remedy(e, "no system call can have done that: the log is damaged");
            return rc;
        }
    }
    info->other_lines += !used;
    return 0;
}

static int damaged_access(struct lackey *s, const struct tide_line *line, const char *expected,
                          const unsigned char *bad, struct tide_reader_window *w,
                          struct tide_error *e)
{
    char excerpt[TIDE_EXCERPT_BYTES];
    int rc = tide_damage(w, bad, s->lines.number, e, "%s%s: '%s'",
                         line->ended ? "" : "the trace is truncated inside a line: ", expected,
                         tide_excerpt(line->text, line->n, excerpt));

    if (line->ended)
        tide_error_remedy(e, "if the program printed this line itself, record again with "
                             "--log-file=FILE so that its output stays out of the trace");
    else
        tide_error_remedy(e, "copy or record the trace again");
    return rc;
}

/* The content ends with what may be the beginning of an access line: `I `, ` L`. */
static bool stub_of_access(const struct tide_line *line)
{
    static const char *const heads[] = {"I  ", " L ", " S ", " M "};

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (line->n > 0 && line->n < 3 && memcmp(line->text, heads[i], line->n) == 0)
            return true;
    return false;
}

/* The block has no access yet, or fragments. */
static bool as_fragments(const struct tide_block *b)
{
    return b->dictionary != NULL || b->n_accesses == 0;
}

/* Adds an access that was read line by line. A block with one that no fragment can hold goes on
 * without fragments. */
static int add_access(struct lackey *s, const struct tide_access *a, struct tide_block *b,
                      struct tide_trace_info *info, struct tide_error *e)
{
    int rc = as_fragments(b) ? tide_lackey_code_add(&s->code, b, a) : 0;

    if (rc < 0)
        return tide_nomem(e);
    info->accesses[a->kind]++;
    if (rc == 0) {
        tide_block_unfold(b);
        b->accesses[b->n_accesses++] = *a;
    }
    return 0;
}

static int take_line(struct lackey *s, const struct tide_line *line, struct tide_reader_window *w,
                     struct tide_block *b, struct tide_trace_info *info, struct tide_error *e)
{
    struct tide_access a;
    const unsigned char *bad;
    const char *expected;

    if (begins_access(line->text, line->n)) {
        if ((expected = parse_access(line, &a, &bad)) != NULL)
            return damaged_access(s, line, expected, bad, w, e);
        tide_lackey_image_begin(&s->image, b, info);
        return add_access(s, &a, b, info, e);
    }
    if (!line->ended && stub_of_access(line))
        return damaged_access(s, line, "an access was expected", line->text + line->n, w, e);
    return take_other(s, line, w, b, info, e);
}

static bool is_full(const struct lackey *s, const struct tide_block *b)
{
    return b->n_events + TIDE_LACKEY_EVENTS_PER_LINE > TIDE_BLOCK_EVENTS ||
           b->n_accesses == TIDE_BLOCK_ACCESSES ||
           (b->dictionary != NULL && tide_lackey_code_full(&s->code, b));
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    struct lackey *s = state;
    struct tide_line line;
    int rc;

    if (b->n_accesses == 0 && b->n_events == 0 && tide_lackey_code_begin(&s->code, b) != 0)
        return tide_nomem(e);
    while (!is_full(s, b)) {
        if (s->image.begun && !s->lines.inside_long && as_fragments(b)) {
            size_t before = b->n_accesses;
            enum tide_lackey_taken taken = tide_lackey_code_take(&s->code, w, b, info->accesses);

            s->lines.number += b->n_accesses - before;
            if (taken == TIDE_LACKEY_NOMEM)
                return tide_nomem(e);
            if (taken == TIDE_LACKEY_FULL)
                return 1;
            if (taken == TIDE_LACKEY_MORE && !w->last)
                return 0;
        }
        if (!tide_line_next(&s->lines, w, &line)) {
            if (w->at_end)
                tide_lackey_image_end(&s->image, info);
            return 0;
        }
        if ((rc = take_line(s, &line, w, b, info, e)) < 0)
            return rc;
    }
    return 1;
}

/* An access line decides; Valgrind's talk alone, or a damaged access at the very front, is a sign
 * where nobody claims more. */
static int probe(const unsigned char *head, size_t n, bool whole)
{
    struct tide_reader_window w = {
        .bytes = (unsigned char *)(uintptr_t)head, .len = n, .at_end = whole};
    struct tide_lines lines = {0};
    struct tide_line line;
    struct tide_access a;
    const unsigned char *bad;
    int score = begins_access(head, n) ? 30 : 0;

    while (tide_line_next(&lines, &w, &line)) {
        if (begins_access(line.text, line.n)) {
            if (parse_access(&line, &a, &bad) == NULL)
                return 100;
        } else {
            struct tide_text t = {line.text, line.text + line.n};

            if ((tide_eat(&t, "==") || tide_eat(&t, "--") || tide_eat(&t, "SYSCALL[")) &&
                t.p < t.end && tide_hex_digit[*t.p] < 10)
                score = 60;
        }
    }
    return score;
}

static void fini(void *state)
{
    struct lackey *s = state;

    tide_lackey_image_fini(&s->image);
    tide_lackey_code_fini(&s->code);
}

static const char *file_path(const void *state, uint32_t file)
{
    return tide_lackey_image_file(&((const struct lackey *)state)->image, file);
}

static void move(void *state, const struct tide_block *to, const struct tide_block *from)
{
    struct lackey *s = state;

    tide_dictionaries_move(&s->code.dictionaries, to, from);
}

const struct tide_format tide_format_lackey = {
    .name = "lackey",
    .summary = "Valgrind's lackey --trace-mem=yes, with -d and --trace-syscalls=yes where given",
    .example = "I  0401ab70,3 or  S 1fff000708,8",
    .lines = true,
    .counts = true,
    .state_bytes = sizeof(struct lackey),
    .probe = probe,
    .fini = fini,
    .parse = parse,
    .file = file_path,
    .move = move,
};
