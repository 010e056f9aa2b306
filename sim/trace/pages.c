/* Page numbers between white space; `w` behind a number marks a write.
 *
 *     7 0 1w 2        # a comment, to the end of the line
 *     0x10w
 *
 * The reference strings of textbooks. A number n, decimal or 0x hexadecimal, is a one-byte access
 * at n * 4096. All may stand on one line, so records are taken word by word.
 */
#include "trace/text.h"

enum { WORD_MAX = 64, PAGE_SHIFT = 12 };

struct pages {
    uint64_t newlines; /* seen so far */
    bool in_comment;
    bool begun; /* PROCESS has been delivered */
};

static bool is_white(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Returns NULL and the access, or what was expected at *bad. */
static const char *parse_word(const unsigned char *p, const unsigned char *end,
                              struct tide_access *a, const unsigned char **bad)
{
    const unsigned char *digits;
    unsigned base = 10;
    uint64_t number;

    *a = (struct tide_access){.size = 1, .kind = TIDE_READ};
    *bad = p;
    if (end - p >= WORD_MAX)
        return "the page number is far too long";
    if (end - p >= 2 && p[0] == '0' && (p[1] | 0x20) == 'x') {
        base = 16;
        p += 2;
    }
    digits = p;
    if (!tide_number(&p, end, base, &number) && p == digits)
        return "a page number was expected, decimal or 0x hexadecimal";
    if (number > UINT64_MAX >> PAGE_SHIFT || (p < end && tide_hex_digit[*p] < base))
        return "the page number is above 2^52-1";
    if (p < end && *p == 'w') {
        a->kind = TIDE_WRITE;
        p++;
    }
    *bad = p;
    if (p < end)
        return "white space, or w for a write, was expected behind the page number";
    a->addr = number << PAGE_SHIFT;
    return NULL;
}

/* Takes white space and comments. False: the window ends before a word begins. */
static bool skip_to_word(struct pages *s, struct tide_reader_window *w, uint64_t *comments)
{
    for (; w->pos < w->len; w->pos++) {
        unsigned char c = w->bytes[w->pos];

        if (c == '\n') {
            s->newlines++;
            s->in_comment = false;
        } else if (s->in_comment || is_white(c)) {
            continue;
        } else if (c == '#') {
            s->in_comment = true;
            ++*comments;
        } else {
            return true;
        }
    }
    return false;
}

/* The length of the word that begins at w->pos, WORD_MAX where it has more; 0 where its end is not
 * in the window yet. */
static size_t word_length(const struct tide_reader_window *w)
{
    size_t n = 0;

    while (w->pos + n < w->len && n < WORD_MAX && !is_white(w->bytes[w->pos + n]) &&
           w->bytes[w->pos + n] != '#')
        n++;
    return w->pos + n < w->len || n == WORD_MAX || w->at_end ? n : 0;
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    struct pages *s = state;
    struct tide_access a;

    if (!s->begun) {
        tide_block_event(b, info, TIDE_EV_PROCESS);
        s->begun = true;
    }
    while (b->n_accesses < TIDE_BLOCK_ACCESSES) {
        const unsigned char *word, *bad;
        const char *expected;
        size_t n;

        if (!skip_to_word(s, w, &info->other_lines) || (n = word_length(w)) == 0)
            return 0;
        word = w->bytes + w->pos;
        if ((expected = parse_word(word, word + n, &a, &bad)) != NULL) {
            char excerpt[TIDE_EXCERPT_BYTES];

            w->pos += n; /* where reading may go on */
            return tide_damage(w, bad, s->newlines + 1, e, "%s: '%s'", expected,
                               tide_excerpt(word, n, excerpt));
        }
        b->accesses[b->n_accesses++] = a;
        w->pos += n;
    }
    return 1;
}

/* The first line must be all page numbers; then the share of good ones counts. */
static int probe(const unsigned char *head, size_t n, bool whole)
{
    struct tide_reader_window w = {
        .bytes = (unsigned char *)(uintptr_t)head, .len = n, .at_end = whole};
    struct pages s = {0};
    struct tide_access a;
    uint64_t comments = 0, first_line = 0;
    size_t good = 0, all = 0, length;

    while (skip_to_word(&s, &w, &comments) && (length = word_length(&w)) > 0) {
        const unsigned char *word = head + w.pos, *bad;

        if (all++ == 0)
            first_line = s.newlines;
        if (parse_word(word, word + length, &a, &bad) == NULL)
            good++;
        else if (s.newlines == first_line)
            return 0;
        w.pos += length;
    }
    return all == 0 ? 0 : (int)(1 + 94 * good / all);
}

const struct tide_format tide_format_pages = {
    .name = "pages",
    .summary = "page numbers, decimal or 0x hexadecimal, w behind one for a write",
    .example = "7 0 1w 0x2",
    .lines = true,
    .state_bytes = sizeof(struct pages),
    .probe = probe,
    .parse = parse,
};
