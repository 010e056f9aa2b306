/* Comma-separated values with a heading that names the columns.
 *
 *     pid,op,address,size
 *     17,R,0x7ffd9a0b1c38,8
 *
 * column    called                                  values
 * address   address addr vaddr va virtual_address   0x hexadecimal, else decimal
 *           address_hex addr_hex vaddr_hex          hexadecimal, 0x or not
 *           page vpn page_number                    as address; times 4096
 * kind      op type rw kind access operation        R W I F X M, or a word that begins so; L load,
 *                                                   S store; 0 read, 1 write, 2 fetch; else a read
 * size      size bytes len length access_size       decimal or 0x; without it: one byte
 * process   pid process asid                        decimal or 0x
 *
 * Names in either case; other columns are skipped. Comma, semicolon or tab, whichever comes first
 * in the heading (a heading of one column has none). Values may stand in double quotes. Lines of
 * '#' are comments, before the heading too.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "trace/record.h"
#include "trace/text.h"

enum role { SKIP, ADDRESS, ADDRESS_HEX, PAGE, KIND, SIZE, PROCESS, ROLES };
enum { COLUMNS_MAX = 64, PAGE_SHIFT = 12 };

static const struct {
    const char *name;
    enum role role;
} names[] = {
    {"address", ADDRESS},
    {"addr", ADDRESS},
    {"vaddr", ADDRESS},
    {"va", ADDRESS},
    {"virtual_address", ADDRESS},
    {"address_hex", ADDRESS_HEX},
    {"addr_hex", ADDRESS_HEX},
    {"vaddr_hex", ADDRESS_HEX},
    {"page", PAGE},
    {"vpn", PAGE},
    {"page_number", PAGE},
    {"op", KIND},
    {"type", KIND},
    {"rw", KIND},
    {"kind", KIND},
    {"access", KIND},
    {"operation", KIND},
    {"size", SIZE},
    {"bytes", SIZE},
    {"len", SIZE},
    {"length", SIZE},
    {"access_size", SIZE},
    {"pid", PROCESS},
    {"process", PROCESS},
    {"asid", PROCESS},
};

struct heading {
    unsigned char roles[COLUMNS_MAX]; /* enum role by column */
    unsigned n;                       /* columns; 0: not read yet */
    unsigned char separator;
};

struct csv {
    struct tide_lines lines;
    struct heading heading;
    struct tide_pids pids;
    bool begun; /* the table of processes is made */
};

/* The value at *at, without quotes and the blanks around it; moves *at behind its separator, or to
 * NULL behind the last value. NULL, or what was expected at *at. */
static const char *take_value(const unsigned char **at, const unsigned char *end,
                              unsigned char separator, struct tide_text *value)
{
    const unsigned char *p = tide_skip_blanks(*at, separator == '\t' ? *at : end);

    if (p < end && *p == '"') {
        const unsigned char *close = memchr(p + 1, '"', (size_t)(end - p - 1));

        *at = p;
        if (close == NULL)
            return "the closing '\"' was expected";
        *value = (struct tide_text){p + 1, close};
        p = close + 1;
        while (p < end && *p == ' ')
            p++;
    } else {
        *value = (struct tide_text){p, p};
        while (p < end && *p != separator)
            p++;
        value->end = p;
        while (value->end > value->p && value->end[-1] == ' ')
            value->end--;
    }
    *at = p;
    if (p < end && *p != separator)
        return "the end of the value was expected behind '\"'";
    *at = p < end ? p + 1 : NULL;
    return NULL;
}

static enum role role_of(const struct tide_text *value)
{
    size_t n = (size_t)(value->end - value->p);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == n &&
            strncasecmp(names[i].name, (const char *)value->p, n) == 0)
            return names[i].role;
    return SKIP;
}

/* NULL, or what is wrong at *bad. */
static const char *take_heading(struct heading *h, const struct tide_line *line,
                                const unsigned char **bad)
{
    const unsigned char *end = line->text + line->n, *at = line->text;
    unsigned count[ROLES] = {0};

    *bad = at;
    h->separator = ',';
    for (const unsigned char *p = at; p < end; p++)
        if (*p == ',' || *p == ';' || *p == '\t') {
            h->separator = *p;
            break;
        }
    for (h->n = 0; at != NULL; h->n++) {
        struct tide_text value;
        const char *expected;
        enum role role;

        if (h->n == COLUMNS_MAX)
            return "there are more than 64 columns";
        if ((expected = take_value(&at, end, h->separator, &value)) != NULL) {
            *bad = at;
            return expected;
        }
        role = role_of(&value);
        if (role != SKIP && count[role]++ > 0) {
            *bad = value.p;
            return "two columns have the same meaning";
        }
        h->roles[h->n] = (unsigned char)role;
    }
    if (count[ADDRESS] + count[ADDRESS_HEX] + count[PAGE] != 1)
        return "the heading must name one column of addresses: address, address_hex or page";
    return NULL;
}

static const char *take_kind(const struct tide_text *value, struct tide_access *a)
{
    static const struct {
        char letter;
        uint8_t kind;
    } kinds[] = {{'r', TIDE_READ},  {'l', TIDE_READ},  {'w', TIDE_WRITE}, {'s', TIDE_WRITE},
                 {'i', TIDE_FETCH}, {'f', TIDE_FETCH}, {'x', TIDE_FETCH}, {'m', TIDE_MODIFY},
                 {'0', TIDE_READ},  {'1', TIDE_WRITE}, {'2', TIDE_FETCH}};

    for (size_t i = 0; value->p < value->end && i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].letter == (*value->p | 0x20)) {
            a->kind = kinds[i].kind;
            return NULL;
        }
    return "read, write, fetch or modify was expected";
}

static bool take_number(enum role role, struct tide_text value, uint64_t *out)
{
    bool ok = role == ADDRESS_HEX ? tide_address(&value.p, value.end, out) == NULL
                                  : tide_number_c(&value.p, value.end, out);

    return ok && value.p == value.end;
}

/* Returns NULL and the access with its pid, or what was expected at *bad. */
static const char *take_row(const struct heading *h, const struct tide_line *line,
                            struct tide_access *a, uint64_t *pid, const unsigned char **bad)
{
    const unsigned char *end = line->text + line->n, *at = line->text;
    uint64_t size = 1;

    *a = (struct tide_access){.kind = TIDE_READ};
    *pid = 0;
    for (unsigned i = 0; i < h->n; i++) {
        enum role role = h->roles[i];
        struct tide_text value;
        const char *expected;
        uint64_t number = 0;

        *bad = end;
        if (at == NULL)
            return "the line has fewer values than the heading";
        if ((expected = take_value(&at, end, h->separator, &value)) != NULL) {
            *bad = at;
            return expected;
        }
        *bad = value.p;
        if (role == KIND) {
            if ((expected = take_kind(&value, a)) != NULL)
                return expected;
        } else if (role != SKIP && !take_number(role, value, &number)) {
            return role == ADDRESS ? "a number was expected: decimal, or hexadecimal with 0x "
                                     "(call the column address_hex if there is no 0x)"
                                   : "a number was expected";
        }
        if (role == ADDRESS || role == ADDRESS_HEX)
            a->addr = number;
        else if (role == SIZE)
            size = number;
        else if (role == PROCESS)
            *pid = number;
        else if (role == PAGE && number > UINT64_MAX >> PAGE_SHIFT)
            return "the page number is above 2^52-1";
        else if (role == PAGE)
            a->addr = number << PAGE_SHIFT;
    }
    if (at != NULL) {
        *bad = at;
        return "the line has more values than the heading";
    }
    *bad = line->text;
    a->size = (uint32_t)size;
    return tide_bad_extent(a->addr, size);
}

static bool is_empty(const struct tide_line *line)
{
    return line->n == 0 || line->text[0] == '#';
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    struct csv *s = state;
    struct tide_line line;

    if (!s->begun) {
        tide_pids_init(&s->pids);
        s->begun = true;
    }
    while (b->n_accesses < TIDE_BLOCK_ACCESSES && b->n_events < TIDE_BLOCK_EVENTS) {
        const unsigned char *bad;
        const char *expected;
        struct tide_access a;
        uint64_t pid;
        bool heading;
        int process;

        if (!tide_line_next(&s->lines, w, &line))
            return 0;
        if (is_empty(&line)) {
            info->other_lines++;
            continue;
        }
        bad = line.text;
        heading = s->heading.n == 0;
        if (line.cut)
            expected = "the line is far too long for an access";
        else if (heading)
            expected = take_heading(&s->heading, &line, &bad);
        else
            expected = take_row(&s->heading, &line, &a, &pid, &bad);
        if (expected != NULL)
            return tide_damaged_line(w, &line, bad, s->lines.number, expected, e);
        if (heading)
            continue;
        process = tide_pids_process(&s->pids, pid, b, info, &expected);
        if (process == TIDE_E_NOMEM)
            return tide_nomem(e);
        if (process < 0)
            return tide_damaged_line(w, &line, bad, s->lines.number, expected, e);
        a.process = (uint16_t)process;
        b->accesses[b->n_accesses++] = a;
    }
    return 1;
}

static void fini(void *state)
{
    struct csv *s = state;

    if (s->begun)
        tide_pids_fini(&s->pids);
}

/* A heading that names addresses is sign enough. */
static int probe(const unsigned char *head, size_t n, bool whole)
{
    struct tide_reader_window w = {
        .bytes = (unsigned char *)(uintptr_t)head, .len = n, .at_end = whole};
    struct tide_lines lines = {0};
    struct tide_line line;
    struct heading heading;
    const unsigned char *bad;

    while (tide_line_next(&lines, &w, &line))
        if (!is_empty(&line))
            return !line.cut && take_heading(&heading, &line, &bad) == NULL ? 96 : 0;
    return 0;
}

const struct tide_format tide_format_csv = {
    .name = "csv",
    .summary = "values with a heading that names the columns: address, and op, size, pid",
    .example = "address,op,size\n0x7ffd9a0b1c38,W,8",
    .lines = true,
    .state_bytes = sizeof(struct csv),
    .probe = probe,
    .fini = fini,
    .parse = parse,
};
