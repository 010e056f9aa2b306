/* Valgrind's lackey: `valgrind [-d] --tool=lackey --trace-mem=yes [--trace-syscalls=yes]`.
 *
 *     I  0401ab70,3           fetch: column 0, two blanks, hexadecimal address, decimal size
 *      S 1fff000708,8         store; L load; M modify: a load and a store of the same bytes
 *
 * Access lines are nearly all of a log. Where the processor has SSE2, the 16 bytes of an address
 * are checked and packed at once. What that path does not take (capitals, CR LF, long sizes, all
 * other lines) goes line by line through the plain path, which also words the errors.
 *
 * Around them Valgrind prints, to the same file:
 *   ==PID== ..., --PID-- ...       its own talk; with -d the memory layout at client startup (and
 *                                  once more at shutdown, which is ignored)
 *   SYSCALL[PID,TID](NR) name ( args ) --> [pre-success] Success(0x0)
 * A result may come later: behind `... [async]` in a second SYSCALL line of the thread, or alone on
 * a line when Valgrind's talk broke the first one. System calls are those of x86-64 Linux.
 *
 * All other printable lines (the traced program's own output, too) are skipped and counted.
 * Lines that begin as an access and are none, and control characters, are damage.
 *
 * A forked child writes into the same log, and access lines carry no pid: all accesses count for
 * the first process, and the calls of other pids are skipped and counted with the talk.
 *
 * Source: Valgrind 3.19, lackey/lk_main.c, coregrind/m_syswrap/syswrap-main.c,
 * coregrind/m_aspacemgr/aspacemgr-linux.c (show_nsegment).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/mem.h"
#include "trace/text.h"

enum {
    EVENTS_PER_LINE = 3,       /* a line makes at most PROCESS, MAP and HEAP or STACK */
    FDS_MAX = 1 << 20,         /* Linux's fs.nr_open; higher ones are not followed */
    LAYOUT_NAMES_MAX = 1 << 16 /* more than the segments Valgrind can hold */
};

struct fd {
    char *path;    /* NULL: not known */
    uint32_t file; /* once it has been mapped, else 0 */
};

/* A system call whose result has not come yet; one for each thread. */
struct call {
    uint64_t tid;
    uint64_t number;
    uint64_t args[6];
    unsigned n_args;
    char *path; /* of open and openat */
};

struct segment {
    uint64_t start, last; /* the last byte belongs to it */
};

struct lackey {
    struct tide_lines lines;
    bool begun;   /* PROCESS has been delivered */
    uint64_t pid; /* 0: not known yet */

    enum { LAYOUT_BEFORE, LAYOUT_INSIDE, LAYOUT_DONE } layout;
    uint32_t *layout_files; /* by index of the name; 0: none */
    size_t layout_cap;
    struct segment mapped;   /* the segment of the program on the line before; last 0: none */
    struct segment reserved; /* the stack's reservation on the line before; last 0: none */

    char **files; /* file id - 1 -> path or NULL */
    size_t n_files, files_cap;
    struct fd *fds;
    size_t fds_cap;

    struct call *calls;
    size_t n_calls, calls_cap;
    uint64_t broken_tid; /* whose SYSCALL line came last and has no result; 0: none */
};

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

#ifdef __SSE2__
/* 1 bits where bytes of x lie in from..from+span. */
static inline __m128i in_span(__m128i x, char from, char span)
{
    __m128i above = _mm_sub_epi8(x, _mm_set1_epi8(from)); /* wraps below `from` */

    return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8(span)), above);
}

/* Takes ordinary access lines: lower-case addresses, sizes of one or two digits, 22 bytes at most.
 * Stops at anything else, and at the zeros behind the window, without having taken it.
 *
 * The line end is looked for by itself: the next line's place then waits for one load and a few
 * operations only, and the checks of several lines overlap. */
static void parse_ordinary(struct tide_reader_window *w, struct tide_block *b)
{
    const unsigned char *p = w->bytes + w->pos;
    struct tide_access *to = b->accesses + b->n_accesses;
    struct tide_access *const end = b->accesses + TIDE_BLOCK_ACCESSES;

    /* Reads reach at most 37 bytes from p, which is within the window or its padding. */
    for (; to < end; to++) {
        /* ` L 1,8` is the shortest line. */
        __m128i tail = _mm_loadu_si128((const __m128i *)(p + 6));
        __m128i feeds = _mm_cmpeq_epi8(tail, _mm_set1_epi8('\n'));
        __m128i text = _mm_loadu_si128((const __m128i *)(p + 3));
        __m128i letters = in_span(text, 'a', 5);
        __m128i hex = _mm_or_si128(letters, in_span(text, '0', 9));
        /* Where there is none, bit 31 gives a place that no size reaches. */
        unsigned feed = 6 + (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(feeds) | 1u << 31);
        unsigned digits = (unsigned)__builtin_ctz(~(unsigned)_mm_movemask_epi8(hex));
        /* Nibbles: what is no digit becomes some nibble behind the last one, to be shifted out. */
        __m128i nibbles = _mm_add_epi8(_mm_and_si128(text, _mm_set1_epi8(15)),
                                       _mm_and_si128(letters, _mm_set1_epi8(9)));
        __m128i pairs =
            _mm_and_si128(_mm_or_si128(_mm_slli_epi16(nibbles, 4), _mm_srli_epi16(nibbles, 8)),
                          _mm_set1_epi16(255));
        uint64_t packed = (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(pairs, pairs));
        uint64_t addr = __builtin_bswap64(packed) >> ((64 - 4 * digits) & 63);
        unsigned two = feed - digits - 5; /* 1: the size has two digits; 0: one; else none */
        unsigned tens = (p[feed - 2] - (unsigned)'0') & -two;
        unsigned units = p[feed - 1] - (unsigned)'0';
        unsigned size = tens * 10 + units;
        uint32_t head;
        const struct prefix *prefix;

        memcpy(&head, p, sizeof head);
        prefix = &prefixes[PREFIX_SLOT(head)];
        if (PREFIX_OF(head) != prefix->bytes || digits == 0 || p[3 + digits] != ',' || two > 1 ||
            tens > 9 || units > 9 || size == 0 || addr + size < addr)
            break;
        *to = (struct tide_access){.addr = addr, .size = size, .kind = (uint8_t)prefix->kind};
        p += feed + 1;
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

/* ---- small things about lines ---- */

/* A piece of a line, eaten from the front. */
struct text {
    const unsigned char *p, *end;
};

static bool eat(struct text *t, const char *s)
{
    size_t n = strlen(s);

    if ((size_t)(t->end - t->p) < n || memcmp(t->p, s, n) != 0)
        return false;
    t->p += n;
    return true;
}

static void eat_blanks(struct text *t)
{
    while (t->p < t->end && *t->p == ' ')
        t->p++;
}

/* Moves behind the first `s`. */
static bool eat_through(struct text *t, const char *s)
{
    const unsigned char *at = memmem(t->p, (size_t)(t->end - t->p), s, strlen(s));

    if (at == NULL)
        return false;
    t->p = at + strlen(s);
    return true;
}

/* The last `s` in the text, or NULL. */
static const unsigned char *last_of(struct text t, const char *s)
{
    const unsigned char *found = NULL;

    while (eat_through(&t, s))
        found = t.p - strlen(s);
    return found;
}

static char *copy(const unsigned char *from, const unsigned char *to)
{
    size_t n = (size_t)(to - from);
    char *s = tide_malloc(n + 1);

    if (s != NULL) {
        memcpy(s, from, n);
        s[n] = '\0';
    }
    return s;
}

/* ---- files ---- */

/* A new file id; takes over `path`, which may be NULL. 0: out of memory. */
static uint32_t add_file(struct lackey *s, char *path)
{
    char **files = tide_grow(s->files, &s->files_cap, s->n_files + 1, sizeof *files);

    if (files == NULL) {
        free(path);
        return 0;
    }
    s->files = files;
    files[s->n_files++] = path;
    return (uint32_t)s->n_files;
}

/* The id of the file at `path`: equal paths are one file. 0: out of memory. */
static uint32_t file_at(struct lackey *s, const char *path)
{
    char *own;

    for (size_t i = 0; i < s->n_files; i++)
        if (s->files[i] != NULL && strcmp(s->files[i], path) == 0)
            return (uint32_t)i + 1;
    own = tide_strdup(path);
    return own == NULL ? 0 : add_file(s, own);
}

static const char *file_path(const void *state, uint32_t file)
{
    const struct lackey *s = state;

    return file >= 1 && file <= s->n_files ? s->files[file - 1] : NULL;
}

/* The descriptor, which must be below FDS_MAX. NULL: out of memory. */
static struct fd *fd_of(struct lackey *s, uint64_t number)
{
    size_t old = s->fds_cap;
    struct fd *fds = tide_grow(s->fds, &s->fds_cap, number + 1, sizeof *fds);

    if (fds == NULL)
        return NULL;
    s->fds = fds;
    memset(fds + old, 0, (s->fds_cap - old) * sizeof *fds);
    return &fds[number];
}

/* Gives a descriptor a new meaning; takes over `path`. */
static int set_fd(struct lackey *s, uint64_t number, char *path, uint32_t file)
{
    struct fd *fd = number < FDS_MAX ? fd_of(s, number) : NULL;

    if (fd == NULL) {
        free(path);
        return number < FDS_MAX ? TIDE_E_NOMEM : 0;
    }
    free(fd->path);
    *fd = (struct fd){path, file};
    return 0;
}

static int copy_fd(struct lackey *s, uint64_t from, uint64_t to)
{
    struct fd fd = from < s->fds_cap ? s->fds[from] : (struct fd){NULL, 0};

    if (from == to)
        return 0;
    if (fd.path != NULL && (fd.path = tide_strdup(fd.path)) == NULL)
        return TIDE_E_NOMEM;
    return set_fd(s, to, fd.path, fd.file);
}

/* The file id behind a descriptor that is mapped. 0: out of memory. */
static uint32_t file_of_fd(struct lackey *s, uint64_t number)
{
    struct fd *fd;

    if (number >= FDS_MAX)
        return add_file(s, NULL);
    if ((fd = fd_of(s, number)) == NULL)
        return 0;
    if (fd->file == 0)
        fd->file = fd->path != NULL ? file_at(s, fd->path) : add_file(s, NULL);
    return fd->file;
}

/* ---- events ---- */

static void begin(struct lackey *s, struct tide_block *b, struct tide_trace_info *info)
{
    if (s->begun)
        return;
    s->begun = true;
    tide_block_event(b, info, TIDE_EV_PROCESS)->number = (uint32_t)s->pid;
}

static struct tide_event *event(struct lackey *s, struct tide_block *b,
                                struct tide_trace_info *info, enum tide_event_type type,
                                uint64_t addr, uint64_t len)
{
    struct tide_event *ev;

    begin(s, b, info);
    ev = tide_block_event(b, info, type);
    ev->addr = addr;
    ev->len = len;
    return ev;
}

/* ---- system calls ---- */

/* x86-64 Linux. */
enum number {
    NR_OPEN = 2,
    NR_CLOSE = 3,
    NR_MMAP = 9,
    NR_MPROTECT = 10,
    NR_MUNMAP = 11,
    NR_BRK = 12,
    NR_MREMAP = 25,
    NR_MADVISE = 28,
    NR_DUP = 32,
    NR_DUP2 = 33,
    NR_FCNTL = 72,
    NR_CREAT = 85,
    NR_EXIT_GROUP = 231,
    NR_OPENAT = 257,
    NR_DUP3 = 292
};

/* Their flags. */
enum {
    LINUX_MAP_SHARED = 1,
    LINUX_MAP_SHARED_VALIDATE = 3,
    LINUX_MAP_TYPE = 15,
    LINUX_MAP_ANONYMOUS = 0x20,
    LINUX_MAP_POPULATE = 0x8000,
    LINUX_F_DUPFD = 0,
    LINUX_F_DUPFD_CLOEXEC = 1030,
    LINUX_PROT_MASK = TIDE_PROT_READ | TIDE_PROT_WRITE | TIDE_PROT_EXEC
};

/* How many arguments must have been read for the call to be followed; the calls that are absent
 * are only counted. */
static unsigned args_needed(uint64_t number, bool *changes_map)
{
    *changes_map = true;
    switch (number) {
    case NR_MMAP:
        return 6;
    case NR_MPROTECT:
    case NR_MADVISE:
    case NR_MREMAP:
        return 3;
    case NR_MUNMAP:
        return 2;
    case NR_BRK:
        return 1;
    case NR_EXIT_GROUP:
        return 0;
    default:
        *changes_map = false;
        return 0;
    }
}

static struct call *find_call(struct lackey *s, uint64_t tid)
{
    for (size_t i = 0; i < s->n_calls; i++)
        if (s->calls[i].tid == tid)
            return &s->calls[i];
    return NULL;
}

static void forget_call(struct lackey *s, struct call *c)
{
    if (s->broken_tid == c->tid)
        s->broken_tid = 0;
    free(c->path);
    *c = s->calls[--s->n_calls];
}

/* `( 0x0, 8192, 3, -1 )`, or with a string: `( 4294967196, 0x4034bb0(/etc/passwd), 524288 )`. */
static int read_args(struct call *c, struct text t)
{
    bool names_file = c->number == NR_OPEN || c->number == NR_OPENAT || c->number == NR_CREAT;

    c->n_args = 0;
    if (!eat_through(&t, "("))
        return 0;
    while (c->n_args < 6) {
        uint64_t v;
        bool negative;

        eat_blanks(&t);
        negative = eat(&t, "-");
        if (!tide_number_c(&t.p, t.end, &v))
            break;
        c->args[c->n_args++] = negative ? 0 - v : v;
        if (names_file && eat(&t, "(")) {
            /* The path may hold anything; the last "), " ends it. */
            const unsigned char *end = last_of(t, "), ");

            if (end == NULL)
                break;
            if ((c->path = copy(t.p, end)) == NULL)
                return TIDE_E_NOMEM;
            t.p = end + 1;
        }
        if (!eat(&t, ","))
            break;
    }
    return 0;
}

static int map_anew(struct lackey *s, const struct call *c, uint64_t at, struct tide_block *b,
                    struct tide_trace_info *info)
{
    uint64_t flags = c->args[3], type = flags & LINUX_MAP_TYPE;
    uint32_t file = 0;
    struct tide_event *ev;

    if ((flags & LINUX_MAP_ANONYMOUS) == 0 && (file = file_of_fd(s, c->args[4] & UINT32_MAX)) == 0)
        return TIDE_E_NOMEM;
    ev = event(s, b, info, TIDE_EV_MAP, at, c->args[1]);
    ev->prot = (uint32_t)(c->args[2] & LINUX_PROT_MASK);
    ev->file = file;
    ev->offset = file != 0 ? c->args[5] : 0;
    if (type == LINUX_MAP_SHARED || type == LINUX_MAP_SHARED_VALIDATE)
        ev->flags |= TIDE_MAP_SHARED;
    if (flags & LINUX_MAP_POPULATE)
        ev->flags |= TIDE_MAP_POPULATE;
    return 0;
}

/* The call has succeeded with `result`. */
static int succeed(struct lackey *s, struct call *c, uint64_t result, struct tide_block *b,
                   struct tide_trace_info *info)
{
    struct tide_event *ev;
    char *path;

    switch (c->number) {
    case NR_MMAP:
        return map_anew(s, c, result, b, info);
    case NR_MUNMAP:
        event(s, b, info, TIDE_EV_UNMAP, c->args[0], c->args[1]);
        break;
    case NR_MPROTECT:
        ev = event(s, b, info, TIDE_EV_PROTECT, c->args[0], c->args[1]);
        ev->prot = (uint32_t)(c->args[2] & LINUX_PROT_MASK);
        break;
    case NR_MREMAP:
        ev = event(s, b, info, TIDE_EV_REMAP, c->args[0], c->args[1]);
        ev->new_addr = result;
        ev->new_len = c->args[2];
        break;
    case NR_BRK:
        event(s, b, info, TIDE_EV_BRK, result, 0);
        break;
    case NR_MADVISE:
        ev = event(s, b, info, TIDE_EV_MADVISE, c->args[0], c->args[1]);
        ev->number = (uint32_t)c->args[2];
        break;
    case NR_EXIT_GROUP:
        event(s, b, info, TIDE_EV_EXIT, 0, 0);
        break;
    case NR_OPEN:
    case NR_OPENAT:
    case NR_CREAT:
        path = c->path;
        c->path = NULL;
        return set_fd(s, result, path, 0);
    case NR_CLOSE:
        if (c->n_args >= 1 && c->args[0] < s->fds_cap)
            return set_fd(s, c->args[0], NULL, 0);
        break;
    case NR_DUP:
    case NR_DUP2:
    case NR_DUP3:
        if (c->n_args >= 1)
            return copy_fd(s, c->args[0], result);
        break;
    case NR_FCNTL:
        if (c->n_args >= 2 && (c->args[1] == LINUX_F_DUPFD || c->args[1] == LINUX_F_DUPFD_CLOEXEC))
            return copy_fd(s, c->args[0], result);
        break;
    default:
        break;
    }
    return 0;
}

/* `[pre-success] Success(0x4a17000)`, `Failure(0x2)`, `[pre-success] NoWriteResult`. False: the
 * text is no result. */
static bool read_result(struct text t, bool *success, uint64_t *value)
{
    *value = 0;
    eat_blanks(&t);
    if (eat(&t, "["))
        eat_through(&t, "] ");
    *success = eat(&t, "Success(0x");
    if (*success)
        return tide_number(&t.p, t.end, 16, value);
    return eat(&t, "Failure(") || eat(&t, "NoWriteResult");
}

/* `c` has come to an end with the result in `t`. */
static int complete(struct lackey *s, struct call *c, bool success, uint64_t value,
                    struct tide_block *b, struct tide_trace_info *info)
{
    bool changes_map;
    unsigned needed = args_needed(c->number, &changes_map);
    int rc = 0;

    if (success && c->n_args < needed)
        info->lost_results++; /* what it changed is not known */
    else if (success)
        rc = succeed(s, c, value, b, info);
    if (changes_map && !success)
        info->events[TIDE_EV_SYSCALL]++;
    forget_call(s, c);
    return rc;
}

/* Behind `SYSCALL[`. Sets *foreign where another process made the call. */
static int take_syscall(struct lackey *s, struct text t, bool *foreign, struct tide_block *b,
                        struct tide_trace_info *info)
{
    uint64_t pid, tid, number, value;
    const unsigned char *arrow;
    bool success, changes_map;
    struct call *c, *calls;
    int rc;

    *foreign = true;
    if (!tide_number(&t.p, t.end, 10, &pid) || !eat(&t, ",") ||
        !tide_number(&t.p, t.end, 10, &tid) || !eat(&t, "]("))
        return 0;
    eat_blanks(&t);
    if (!tide_number(&t.p, t.end, 10, &number) || !eat(&t, ") "))
        return 0;
    if (s->pid == 0)
        s->pid = pid;
    if (pid != s->pid)
        return 0;
    *foreign = false;
    info->has_syscalls = true;
    c = find_call(s, tid);
    if (eat(&t, "... [async] --> ")) {
        if (c != NULL && read_result(t, &success, &value))
            return complete(s, c, success, value, b, info);
        return 0;
    }
    if (c != NULL) {
        info->lost_results++;
        forget_call(s, c);
    }
    calls = tide_grow(s->calls, &s->calls_cap, s->n_calls + 1, sizeof *calls);
    if (calls == NULL)
        return TIDE_E_NOMEM;
    s->calls = calls;
    c = &calls[s->n_calls++];
    *c = (struct call){.tid = tid, .number = number};
    args_needed(number, &changes_map);
    if (!changes_map)
        info->events[TIDE_EV_SYSCALL]++;
    if ((rc = read_args(c, t)) < 0)
        return rc;
    if ((arrow = last_of(t, " --> ")) != NULL) {
        t.p = arrow + strlen(" --> ");
        if (read_result(t, &success, &value))
            return complete(s, c, success, value, b, info);
        if (eat(&t, "[async] ..."))
            return 0;
    }
    s->broken_tid = tid;
    return 0;
}

/* ---- the layout ---- */

/* `(1,49,7) /usr/bin/sort`, behind the parenthesis. */
static int take_layout_name(struct lackey *s, struct text t)
{
    uint64_t index;
    size_t old = s->layout_cap;
    uint32_t *files;
    char *path;
    uint32_t file;

    if (!tide_number(&t.p, t.end, 10, &index) || index >= LAYOUT_NAMES_MAX ||
        !eat_through(&t, ") ") || eat(&t, "[free slot"))
        return 0;
    if ((files = tide_grow(s->layout_files, &s->layout_cap, index + 1, sizeof *files)) == NULL)
        return TIDE_E_NOMEM;
    s->layout_files = files;
    if (s->layout_cap > old)
        memset(files + old, 0, (s->layout_cap - old) * sizeof *files);
    if ((path = copy(t.p, t.end)) == NULL)
        return TIDE_E_NOMEM;
    file = file_at(s, path);
    free(path);
    s->layout_files[index] = file;
    return file == 0 ? TIDE_E_NOMEM : 0;
}

/* `d=0xfe00 i=248060  o=12288   (1,49)`: the offset and the name's index. */
static int file_of_segment(struct lackey *s, struct text t, struct tide_event *ev)
{
    uint64_t offset = 0, index;

    if (eat_through(&t, " o=") && tide_number(&t.p, t.end, 10, &offset) && eat_through(&t, "(") &&
        tide_number(&t.p, t.end, 10, &index) && index < s->layout_cap)
        ev->file = s->layout_files[index];
    ev->offset = offset;
    if (ev->file == 0)
        ev->file = add_file(s, NULL);
    return ev->file == 0 ? TIDE_E_NOMEM : 0;
}

/*   0: RSVN 0000000000-0000107fff 1081344 ----- SmFixed
 *   2: file 000010b000-000011cfff   73728 r-x-- d=0xfe00 i=248060  o=12288   (1,49)
 *   6: anon 0004035000-0004035fff    4096 rwx--
 *  12:      0004835000-0057ffffff   1335m
 * Lower case is the program's, upper case Valgrind's own. The fourth letter of the permissions is
 * T where Valgrind has translated code. Sets *bad where the line is none of these. */
static int take_segment(struct lackey *s, struct text t, const unsigned char **bad,
                        struct tide_block *b, struct tide_trace_info *info)
{
    struct segment before = s->mapped, stack = s->reserved, seg;
    bool reserved, file, shared, program;
    struct text rest;
    struct tide_event *ev;
    uint64_t index;
    uint32_t prot = 0;
    int rc = 0;

    s->mapped = s->reserved = (struct segment){0, 0};
    eat_blanks(&t);
    if (!tide_number(&t.p, t.end, 10, &index) || !eat(&t, ": "))
        goto bad;
    reserved = eat(&t, "RSVN ");
    file = eat(&t, "file ");
    shared = eat(&t, "shm  ");
    program = eat(&t, "anon ") || file || shared;
    if (!program && !reserved) {
        if (eat(&t, "ANON ") || eat(&t, "FILE ") || eat(&t, "     "))
            return 0;
        goto bad;
    }
    if (!tide_number(&t.p, t.end, 16, &seg.start) || !eat(&t, "-") ||
        !tide_number(&t.p, t.end, 16, &seg.last) || seg.last < seg.start)
        goto bad;
    eat_blanks(&t);
    while (t.p < t.end && *t.p != ' ') /* the size once more */
        t.p++;
    eat_blanks(&t);
    if (t.end - t.p < 3)
        goto bad;
    if (reserved) {
        rest = t;
        if (eat_through(&rest, " SmUpper"))
            s->reserved = seg;
        else if (eat_through(&t, " SmLower") && before.last != 0 && before.last + 1 == seg.start)
            event(s, b, info, TIDE_EV_HEAP, before.start, seg.last + 1 - before.start);
        return 0;
    }
    for (unsigned i = 0; i < 3; i++) {
        if (t.p[i] == (unsigned char)"rwx"[i])
            prot |= 1u << i;
        else if (t.p[i] != '-')
            goto bad;
    }
    ev = event(s, b, info, TIDE_EV_MAP, seg.start, seg.last - seg.start + 1);
    ev->prot = prot;
    ev->flags = (uint8_t)(TIDE_MAP_FROM_LAYOUT | (shared ? TIDE_MAP_SHARED : 0));
    if (file)
        rc = file_of_segment(s, t, ev);
    if (stack.last != 0 && stack.last + 1 == seg.start)
        event(s, b, info, TIDE_EV_STACK, stack.start, seg.last + 1 - stack.start);
    s->mapped = seg;
    return rc;
bad:
    *bad = t.p;
    return 0;
}

/* Behind ` aspacem `. Sets *used where the line said something. */
static int take_aspacem(struct lackey *s, struct text t, bool *used, const unsigned char **bad,
                        struct tide_block *b, struct tide_trace_info *info)
{
    *used = false;
    if (s->layout == LAYOUT_BEFORE) {
        if (eat(&t, "<<< SHOW_SEGMENTS: Memory layout at client startup"))
            s->layout = LAYOUT_INSIDE;
        return 0;
    }
    if (s->layout == LAYOUT_DONE)
        return 0;
    if (eat(&t, ">>>")) {
        s->layout = LAYOUT_DONE;
        info->has_layout = true;
        return 0;
    }
    if (t.p < t.end && (*t.p == '(' || *t.p == ' ')) {
        *used = true;
        if (eat(&t, "("))
            return take_layout_name(s, t);
        return take_segment(s, t, bad, b, info);
    }
    return 0; /* `3 segment names in 3 slots`, `freelist is empty` */
}

/* ---- all lines that are no accesses ---- */

/* Tab, line and form feeds, bell, backspace, escape: what terminals get. */
static bool control(unsigned char c)
{
    return c == 0x7f || (c < 0x20 && !(c >= 0x07 && c <= 0x0d) && c != 0x1b);
}

/* Valgrind's talk: `==PID== `, `--PID-- `, `--PID:1: `. Moves behind the first two. The first pid
 * that shows is the process's. */
static bool eat_talk(struct lackey *s, struct text *t)
{
    uint64_t pid;

    if ((!eat(t, "==") && !eat(t, "--")) || !tide_number(&t->p, t->end, 10, &pid) ||
        (!eat(t, "== ") && !eat(t, "-- ") && !eat(t, ":")))
        return false;
    if (s->pid == 0)
        s->pid = pid & UINT32_MAX;
    return true;
}

static int take_other(struct lackey *s, const struct tide_line *line, struct tide_reader_window *w,
                      struct tide_block *b, struct tide_trace_info *info, struct tide_error *e)
{
    struct text t = {line->text, line->text + line->n};
    const unsigned char *bad = NULL;
    char excerpt[TIDE_EXCERPT_BYTES];
    bool used = false, foreign, success;
    struct call *broken;
    uint64_t value;
    int rc = 0;

    for (size_t i = 0; i < line->n; i++)
        if (control(line->text[i])) {
            rc = tide_damage(w, line->text + i, s->lines.number, e,
                             "byte 0x%02x is not text: this is not a lackey log, or damaged",
                             line->text[i]);
            tide_error_remedy(e, "logs are written by: valgrind --tool=lackey --trace-mem=yes "
                                 "--log-file=FILE PROGRAM");
            return rc;
        }
    if (eat_talk(s, &t)) {
        if (line->text[0] == '-') {
            if (eat_through(&t, " aspacem "))
                rc = take_aspacem(s, t, &used, &bad, b, info);
        } else if (info->command[0] == '\0' && eat(&t, "Command: ")) {
            snprintf(info->command, sizeof info->command, "%.*s", (int)(t.end - t.p),
                     (const char *)t.p);
            used = true;
        }
    } else if (eat(&t, "SYSCALL[")) {
        rc = take_syscall(s, t, &foreign, b, info);
        used = !foreign;
    } else if (s->broken_tid != 0 && (eat(&t, " --> ") || eat(&t, "[sync] --> ")) &&
               (broken = find_call(s, s->broken_tid)) != NULL && read_result(t, &success, &value)) {
        rc = complete(s, broken, success, value, b, info);
        used = true;
    }
    if (bad != NULL) {
        rc = tide_damage(w, bad, s->lines.number, e, "this layout line can't be read: '%s'",
                         tide_excerpt(line->text, line->n, excerpt));
        tide_error_remedy(e, "layouts are read as Valgrind 3.19 prints them with -d");
        return rc;
    }
    if (rc == TIDE_E_NOMEM)
        return tide_nomem(e);
    info->other_lines += !used;
    return rc;
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
        tide_error_remedy(e, "copy or record the trace again; what precedes this place can be "
                             "used");
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
        begin(s, b, info);
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
        if (b->n_events + EVENTS_PER_LINE > TIDE_BLOCK_EVENTS ||
            b->n_accesses == TIDE_BLOCK_ACCESSES)
            return 1;
#ifdef __SSE2__
        if (s->begun && !s->lines.inside_long) {
            size_t before = b->n_accesses;

            parse_ordinary(w, b);
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
        while (s->n_calls > 0) {
            info->lost_results++;
            forget_call(s, &s->calls[s->n_calls - 1]);
        }
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
            struct text t = {line.text, line.text + line.n};

            if ((eat(&t, "==") || eat(&t, "--") || eat(&t, "SYSCALL[")) && t.p < t.end &&
                tide_hex_digit[*t.p] < 10)
                score = 60;
        }
    }
    return score;
}

static void fini(void *state)
{
    struct lackey *s = state;

    while (s->n_calls > 0)
        forget_call(s, &s->calls[s->n_calls - 1]);
    free(s->calls);
    for (size_t i = 0; i < s->n_files; i++)
        free(s->files[i]);
    free(s->files);
    for (size_t i = 0; i < s->fds_cap; i++)
        free(s->fds[i].path);
    free(s->fds);
    free(s->layout_files);
}

const struct tide_format tide_format_lackey = {
    .name = "lackey",
    .summary = "Valgrind's lackey --trace-mem=yes, with -d and --trace-syscalls=yes where given",
    .example = "I  0401ab70,3 or  S 1fff000708,8",
    .state_bytes = sizeof(struct lackey),
    .probe = probe,
    .fini = fini,
    .parse = parse,
    .file = file_path,
};
