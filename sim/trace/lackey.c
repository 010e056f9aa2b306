/* Valgrind's lackey: `valgrind [-d] --tool=lackey --trace-mem=yes [--trace-syscalls=yes]`.
 *
 *     I  0401ab70,3           fetch: column 0, two blanks, hexadecimal address, decimal size
 *      S 1fff000708,8         store; L load; M modify: a load and a store of the same bytes
 *
 * Access lines are nearly all of a log. On x86-64 fetches that have been read before are known by
 * their text, and the 16 bytes of any other address are checked and packed at once. What that path
 * does not take (capitals, CR LF, long sizes, all other lines) goes line by line through the plain
 * path, which also words the errors.
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
#ifdef __x86_64__
#include <emmintrin.h>
#endif

#include "base/mem.h"
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

#ifdef __x86_64__
/* Fetch lines that have been read before are known by their text: a trace is made of loops. Line
 * `known.next` of the line before is tried first, so an instruction that follows the same one as
 * last time costs one comparison of 16 bytes. */
enum { KNOWN_LINES = 16384, KNOWN_LINE_MAX = 15 };

struct known_line {
    unsigned char text[16]; /* with its line feed; the last byte is its length */
    struct tide_access access;
};

struct known {
    struct known_line lines[KNOWN_LINES]; /* by a hash of the address */
    struct {
        uint16_t next;   /* the line that followed last time */
        uint16_t behind; /* 1 bits for the bytes that do not belong to the text */
    } links[KNOWN_LINES];
    uint32_t last; /* the fetch line before */
};

static inline bool is_line(const struct known *k, uint32_t i, __m128i text)
{
    __m128i same = _mm_cmpeq_epi8(text, _mm_loadu_si128((const __m128i *)k->lines[i].text));

    return ((unsigned)_mm_movemask_epi8(same) | k->links[i].behind) == 0xffff;
}

/* Remembers the fetch line of n bytes at p, if it is short enough. */
static void know(struct known *k, const unsigned char *p, size_t n, const struct tide_access *a)
{
    uint32_t i = (uint32_t)(a->addr * UINT64_C(0x9e3779b97f4a7c15) >> 50);

    if (n > KNOWN_LINE_MAX)
        return;
    memcpy(k->lines[i].text, p, n);
    k->lines[i].text[15] = (unsigned char)n;
    k->lines[i].access = *a;
    k->links[i].behind = (uint16_t)(0xffffu << n);
    k->links[k->last].next = (uint16_t)i;
    k->last = i;
}
_Static_assert(KNOWN_LINES == 1 << (64 - 50), "the hash of know()");

/* 1 bits where bytes of x lie in from..from+span. */
static inline __m128i in_span(__m128i x, char from, char span)
{
    __m128i above = _mm_sub_epi8(x, _mm_set1_epi8(from)); /* wraps below `from` */

    return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8(span)), above);
}

/* Takes the ordinary access line at p: a lower-case address, a size of one or two digits, a line
 * feed. Returns its length with the line feed, or 0: it is something else. Reads at most 24 bytes
 * from p. */
static inline size_t take_ordinary(const unsigned char *p, struct tide_access *a)
{
    __m128i text = _mm_loadu_si128((const __m128i *)(p + 3));
    __m128i letters = in_span(text, 'a', 5);
    __m128i hex = _mm_or_si128(letters, in_span(text, '0', 9));
    unsigned digits = (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(hex));
    /* Nibbles: what is no digit becomes some nibble behind the last one, to be shifted out. */
    __m128i nibbles = _mm_add_epi8(_mm_and_si128(text, _mm_set1_epi8(15)),
                                   _mm_and_si128(letters, _mm_set1_epi8(9)));
    __m128i pairs = _mm_and_si128(
        _mm_or_si128(_mm_slli_epi16(nibbles, 4), _mm_srli_epi16(nibbles, 8)), _mm_set1_epi16(255));
    uint64_t packed = (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(pairs, pairs));
    uint64_t addr = __builtin_bswap64(packed) >> ((64 - 4 * digits) & 63);
    const unsigned char *tail = p + 3 + digits;
    unsigned size = tail[1] - (unsigned)'0', second = tail[2] - (unsigned)'0', most = 9;
    size_t n = digits + 6;
    const struct prefix *prefix;
    uint32_t head;

    if (tail[2] != '\n') {
        if (second > 9 || tail[3] != '\n')
            return 0;
        n++;
        most = 99;
        size = size <= 9 ? size * 10 + second : UINT32_MAX;
    }
    memcpy(&head, p, sizeof head);
    prefix = &prefixes[PREFIX_SLOT(head)];
    *a = (struct tide_access){.addr = addr, .size = size, .kind = (uint8_t)prefix->kind};
    return PREFIX_OF(head) == prefix->bytes && digits > 0 && tail[0] == ',' && size - 1 < most &&
                   addr + size >= addr
               ? n
               : 0;
}

/* Takes ordinary access lines up to the first that is none, or is not all in the window. */
static void parse_ordinary(struct known *k, struct tide_reader_window *w, struct tide_block *b)
{
    /* Reads go at most 24 bytes past a line's begin: into the window's padding. */
    const unsigned char *p = w->bytes + w->pos, *const stop = w->bytes + w->len;
    struct tide_access *to = b->accesses + b->n_accesses;
    struct tide_access *const end = b->accesses + TIDE_BLOCK_ACCESSES;

    if (k->lines[0].text[0] == 0)
        k->lines[0].text[0] = 1; /* where links lead at first; no access looks like that */
    while (to < end && p < stop) {
        __m128i text = _mm_loadu_si128((const __m128i *)p);
        uint32_t next = k->links[k->last].next;
        size_t n;

        if (is_line(k, next, text)) {
            n = k->lines[next].text[15];
            if (n > (size_t)(stop - p))
                break;
            _mm_storeu_si128((__m128i *)to,
                             _mm_loadu_si128((const __m128i *)&k->lines[next].access));
            k->last = next;
        } else {
            n = take_ordinary(p, to);
            if (n - 1 >= (size_t)(stop - p)) /* none, or not all of it */
                break;
            if (to->kind == TIDE_FETCH)
                know(k, p, n, to);
        }
        to++;
        p += n;
    }
    b->n_accesses = (size_t)(to - b->accesses);
    w->pos = (size_t)(p - w->bytes);
}
#endif

/* The plain path. Returns NULL and the access, or what was expected at *bad. */
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
#ifdef __x86_64__
    struct known known;
#endif
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
        b->accesses[b->n_accesses++] = a;
        return 0;
    }
    if (!line->ended && stub_of_access(line))
        return damaged_access(s, line, "an access was expected", line->text + line->n, w, e);
    return take_other(s, line, w, b, info, e);
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    struct lackey *s = state;
    struct tide_line line;
    int rc;

    for (;;) {
        if (b->n_events + TIDE_LACKEY_EVENTS_PER_LINE > TIDE_BLOCK_EVENTS ||
            b->n_accesses == TIDE_BLOCK_ACCESSES)
            return 1;
#ifdef __x86_64__
        if (s->image.begun && !s->lines.inside_long) {
            size_t before = b->n_accesses;

            parse_ordinary(&s->known, w, b);
            s->lines.number += b->n_accesses - before;
            if (b->n_accesses == TIDE_BLOCK_ACCESSES)
                return 1;
        }
#endif
        if (!tide_line_next(&s->lines, w, &line))
            break;
        if ((rc = take_line(s, &line, w, b, info, e)) < 0)
            return rc;
    }
    if (w->at_end)
        tide_lackey_image_end(&s->image, info);
    return 0;
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
    tide_lackey_image_fini(&((struct lackey *)state)->image);
}

static const char *file_path(const void *state, uint32_t file)
{
    return tide_lackey_image_file(&((const struct lackey *)state)->image, file);
}

const struct tide_format tide_format_lackey = {
    .name = "lackey",
    .summary = "Valgrind's lackey --trace-mem=yes, with -d and --trace-syscalls=yes where given",
    .example = "I  0401ab70,3 or  S 1fff000708,8",
    .lines = true,
    .state_bytes = sizeof(struct lackey),
    .probe = probe,
    .fini = fini,
    .parse = parse,
    .file = file_path,
};
