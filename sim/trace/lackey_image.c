/* The program's image from a lackey log: see lackey_image.h.
 *
 * System calls are those of x86-64 Linux, printed by --trace-syscalls=yes:
 *   SYSCALL[PID,TID](NR) name ( args ) --> [pre-success] Success(0x0)
 * A result may come later: behind `... [async]` in a second SYSCALL line of the thread, or alone on
 * a line when Valgrind's talk broke the first one. Failed calls change nothing.
 *
 * Calls of the heap come from our shim (sim/shim/), which has Valgrind print them in order.
 *
 * Names of mapped files come from the layout and from open, openat and creat, whose descriptors are
 * followed through dup and close; relative names are taken as they are.
 *
 * Source: Valgrind 3.19, coregrind/m_syswrap/syswrap-main.c, coregrind/m_aspacemgr/
 * aspacemgr-linux.c (show_nsegment).
 */
#include "trace/lackey_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trace/malloclog.h"

enum {
    FDS_MAX = 1 << 20,         /* Linux's fs.nr_open; higher ones are not followed */
    LAYOUT_NAMES_MAX = 1 << 16 /* more than the segments Valgrind can hold */
};

/* ---- files ---- */

/* A new file id; takes over `path`, which may be NULL. 0: out of memory. */
static uint32_t add_file(struct tide_lackey_image *s, char *path)
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
static uint32_t file_at(struct tide_lackey_image *s, const char *path)
{
    char *own;

    for (size_t i = 0; i < s->n_files; i++)
        if (s->files[i] != NULL && strcmp(s->files[i], path) == 0)
            return (uint32_t)i + 1;
    own = tide_strdup(path);
    return own == NULL ? 0 : add_file(s, own);
}

/* The descriptor, which must be below FDS_MAX. NULL: out of memory. */
static struct tide_lackey_fd *fd_of(struct tide_lackey_image *s, uint64_t number)
{
    size_t old = s->fds_cap;
    struct tide_lackey_fd *fds = tide_grow(s->fds, &s->fds_cap, number + 1, sizeof *fds);

    if (fds == NULL)
        return NULL;
    s->fds = fds;
    memset(fds + old, 0, (s->fds_cap - old) * sizeof *fds);
    return &fds[number];
}

/* Gives a descriptor a new meaning; takes over `path`. */
static int set_fd(struct tide_lackey_image *s, uint64_t number, char *path, uint32_t file)
{
    struct tide_lackey_fd *fd = number < FDS_MAX ? fd_of(s, number) : NULL;

    if (fd == NULL) {
        free(path);
        return number < FDS_MAX ? TIDE_E_NOMEM : 0;
    }
    free(fd->path);
    *fd = (struct tide_lackey_fd){path, file};
    return 0;
}

static int copy_fd(struct tide_lackey_image *s, uint64_t from, uint64_t to)
{
    struct tide_lackey_fd fd = from < s->fds_cap ? s->fds[from] : (struct tide_lackey_fd){NULL, 0};

    if (from == to)
        return 0;
    if (fd.path != NULL && (fd.path = tide_strdup(fd.path)) == NULL)
        return TIDE_E_NOMEM;
    return set_fd(s, to, fd.path, fd.file);
}

/* The file id behind a descriptor that is mapped. 0: out of memory. */
static uint32_t file_of_fd(struct tide_lackey_image *s, uint64_t number)
{
    struct tide_lackey_fd *fd;

    if (number >= FDS_MAX)
        return add_file(s, NULL);
    if ((fd = fd_of(s, number)) == NULL)
        return 0;
    if (fd->file == 0)
        fd->file = fd->path != NULL ? file_at(s, fd->path) : add_file(s, NULL);
    return fd->file;
}

/* ---- events ---- */

void tide_lackey_image_begin(struct tide_lackey_image *s, struct tide_block *b,
                             struct tide_trace_info *info)
{
    if (s->begun)
        return;
    s->begun = true;
    tide_block_event(b, info, TIDE_EV_PROCESS)->number = (uint32_t)s->pid;
}

static struct tide_event *event(struct tide_lackey_image *s, struct tide_block *b,
                                struct tide_trace_info *info, enum tide_event_type type,
                                uint64_t addr, uint64_t len)
{
    struct tide_event *ev;

    tide_lackey_image_begin(s, b, info);
    ev = tide_block_event(b, info, type);
    ev->addr = addr;
    ev->len = len;
    return ev;
}

/* The last `s` in the text, or NULL. */
static const unsigned char *last_of(struct tide_text t, const char *s)
{
    const unsigned char *found = NULL;

    while (tide_eat_through(&t, s))
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

static struct tide_lackey_call *find_call(struct tide_lackey_image *s, uint64_t tid)
{
    for (size_t i = 0; i < s->n_calls; i++)
        if (s->calls[i].tid == tid)
            return &s->calls[i];
    return NULL;
}

static void forget_call(struct tide_lackey_image *s, struct tide_lackey_call *c)
{
    if (s->broken_tid == c->tid)
        s->broken_tid = 0;
    free(c->path);
    *c = s->calls[--s->n_calls];
}

/* `( 0x0, 8192, 3, -1 )`, or with a string: `( 4294967196, 0x4034bb0(/etc/passwd), 524288 )`. */
static int read_args(struct tide_lackey_call *c, struct tide_text t)
{
    bool names_file = c->number == NR_OPEN || c->number == NR_OPENAT || c->number == NR_CREAT;

    c->n_args = 0;
    if (!tide_eat_through(&t, "("))
        return 0;
    while (c->n_args < 6) {
        uint64_t v;
        bool negative;

        tide_eat_blanks(&t);
        negative = tide_eat(&t, "-");
        if (!tide_number_c(&t.p, t.end, &v))
            break;
        c->args[c->n_args++] = negative ? 0 - v : v;
        if (names_file && tide_eat(&t, "(")) {
            /* The path may hold anything; the last "), " ends it. */
            const unsigned char *end = last_of(t, "), ");

            if (end == NULL)
                break;
            if ((c->path = copy(t.p, end)) == NULL)
                return TIDE_E_NOMEM;
            t.p = end + 1;
        }
        if (!tide_eat(&t, ","))
            break;
    }
    return 0;
}

static int map_anew(struct tide_lackey_image *s, const struct tide_lackey_call *c, uint64_t at,
                    struct tide_block *b, struct tide_trace_info *info)
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
static int succeed(struct tide_lackey_image *s, struct tide_lackey_call *c, uint64_t result,
                   struct tide_block *b, struct tide_trace_info *info)
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
static bool read_result(struct tide_text t, bool *success, uint64_t *value)
{
    *value = 0;
    tide_eat_blanks(&t);
    if (tide_eat(&t, "["))
        tide_eat_through(&t, "] ");
    *success = tide_eat(&t, "Success(0x");
    if (*success)
        return tide_number(&t.p, t.end, 16, value);
    return tide_eat(&t, "Failure(") || tide_eat(&t, "NoWriteResult");
}

/* `c` has come to an end with the result in `t`. */
static int complete(struct tide_lackey_image *s, struct tide_lackey_call *c, bool success,
                    uint64_t value, struct tide_block *b, struct tide_trace_info *info)
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
static int take_syscall(struct tide_lackey_image *s, struct tide_text t, bool *foreign,
                        struct tide_block *b, struct tide_trace_info *info)
{
    uint64_t pid, tid, number, value;
    const unsigned char *arrow;
    bool success, changes_map;
    struct tide_lackey_call *c, *calls;
    int rc;

    *foreign = true;
    if (!tide_number(&t.p, t.end, 10, &pid) || !tide_eat(&t, ",") ||
        !tide_number(&t.p, t.end, 10, &tid) || !tide_eat(&t, "]("))
        return 0;
    tide_eat_blanks(&t);
    if (!tide_number(&t.p, t.end, 10, &number) || !tide_eat(&t, ") "))
        return 0;
    if (s->pid == 0)
        s->pid = pid;
    if (pid != s->pid)
        return 0;
    *foreign = false;
    info->has_syscalls = true;
    c = find_call(s, tid);
    if (tide_eat(&t, "... [async] --> ")) {
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
    *c = (struct tide_lackey_call){.tid = tid, .number = number};
    args_needed(number, &changes_map);
    if (!changes_map)
        info->events[TIDE_EV_SYSCALL]++;
    if ((rc = read_args(c, t)) < 0)
        return rc;
    if ((arrow = last_of(t, " --> ")) != NULL) {
        t.p = arrow + strlen(" --> ");
        if (read_result(t, &success, &value))
            return complete(s, c, success, value, b, info);
        if (tide_eat(&t, "[async] ..."))
            return 0;
    }
    s->broken_tid = tid;
    return 0;
}

/* ---- the layout ---- */

/* `(1,49,7) /usr/bin/sort`, behind the parenthesis. */
static int take_layout_name(struct tide_lackey_image *s, struct tide_text t)
{
    uint64_t index;
    size_t old = s->layout_cap;
    uint32_t *files;
    char *path;
    uint32_t file;

    if (!tide_number(&t.p, t.end, 10, &index) || index >= LAYOUT_NAMES_MAX ||
        !tide_eat_through(&t, ") ") || tide_eat(&t, "[free slot"))
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
static int file_of_segment(struct tide_lackey_image *s, struct tide_text t, struct tide_event *ev)
{
    uint64_t offset = 0, index;

    if (tide_eat_through(&t, " o=") && tide_number(&t.p, t.end, 10, &offset) &&
        tide_eat_through(&t, "(") && tide_number(&t.p, t.end, 10, &index) && index < s->layout_cap)
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
static int take_segment(struct tide_lackey_image *s, struct tide_text t, const unsigned char **bad,
                        struct tide_block *b, struct tide_trace_info *info)
{
    struct tide_lackey_segment before = s->mapped, stack = s->reserved, seg;
    bool reserved, file, shared, program;
    struct tide_text rest;
    struct tide_event *ev;
    uint64_t index;
    uint32_t prot = 0;
    int rc = 0;

    s->mapped = s->reserved = (struct tide_lackey_segment){0, 0};
    tide_eat_blanks(&t);
    if (!tide_number(&t.p, t.end, 10, &index) || !tide_eat(&t, ": "))
        goto bad;
    reserved = tide_eat(&t, "RSVN ");
    file = tide_eat(&t, "file ");
    shared = tide_eat(&t, "shm  ");
    program = tide_eat(&t, "anon ") || file || shared;
    if (!program && !reserved) {
        if (tide_eat(&t, "ANON ") || tide_eat(&t, "FILE ") || tide_eat(&t, "     "))
            return 0;
        goto bad;
    }
    if (!tide_number(&t.p, t.end, 16, &seg.start) || !tide_eat(&t, "-") ||
        !tide_number(&t.p, t.end, 16, &seg.last) || seg.last < seg.start)
        goto bad;
    tide_eat_blanks(&t);
    while (t.p < t.end && *t.p != ' ') /* the size once more */
        t.p++;
    tide_eat_blanks(&t);
    if (t.end - t.p < 3)
        goto bad;
    if (reserved) {
        rest = t;
        if (tide_eat_through(&rest, " SmUpper"))
            s->reserved = seg;
        else if (tide_eat_through(&t, " SmLower") && before.last != 0 &&
                 before.last + 1 == seg.start)
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
static int take_aspacem(struct tide_lackey_image *s, struct tide_text t, bool *used,
                        const unsigned char **bad, struct tide_block *b,
                        struct tide_trace_info *info)
{
    *used = false;
    if (s->layout == TIDE_LAYOUT_BEFORE) {
        if (tide_eat(&t, "<<< SHOW_SEGMENTS: Memory layout at client startup"))
            s->layout = TIDE_LAYOUT_INSIDE;
        return 0;
    }
    if (s->layout == TIDE_LAYOUT_DONE)
        return 0;
    if (tide_eat(&t, ">>>")) {
        s->layout = TIDE_LAYOUT_DONE;
        info->has_layout = true;
        return 0;
    }
    if (t.p < t.end && (*t.p == '(' || *t.p == ' ')) {
        *used = true;
        if (tide_eat(&t, "("))
            return take_layout_name(s, t);
        return take_segment(s, t, bad, b, info);
    }
    return 0; /* `3 segment names in 3 slots`, `freelist is empty` */
}

/* ---- the interface ---- */

/* Valgrind's talk: `==PID== `, `--PID-- `, `--PID:1: `. Moves behind the first two. The first pid
 * that shows is the process's. */
static bool eat_talk(struct tide_lackey_image *s, struct tide_text *t)
{
    uint64_t pid;

    if ((!tide_eat(t, "==") && !tide_eat(t, "--")) || !tide_number(&t->p, t->end, 10, &pid) ||
        (!tide_eat(t, "== ") && !tide_eat(t, "-- ") && !tide_eat(t, ":")))
        return false;
    if (s->pid == 0)
        s->pid = pid & UINT32_MAX;
    return true;
}

/* `**PID** malloc(24) = 0x4A17040`, behind the first stars: what a client request printed. False:
 * no call of the process. */
static bool take_heap_call(struct tide_lackey_image *s, struct tide_text t, struct tide_block *b,
                           struct tide_trace_info *info)
{
    const unsigned char *bad;
    struct tide_event call;
    uint64_t pid;

    if (!tide_number(&t.p, t.end, 10, &pid) || !tide_eat(&t, "** ") ||
        (s->pid != 0 && pid != s->pid) || tide_heap_call(t, &call, &bad) != NULL ||
        call.type == TIDE_EV_TYPES)
        return false;
    tide_lackey_image_begin(s, b, info);
    call.at = (uint32_t)b->n_accesses;
    *tide_block_event(b, info, (enum tide_event_type)call.type) = call;
    return true;
}

/* What the log says about itself; the first line of a kind counts. All but the command and the
 * version is of our own making (sink_lackey.c). */
static bool take_about(struct tide_text t, struct tide_trace_info *info)
{
    const struct {
        const char *what;
        char *text;
        size_t bytes;
    } lines[] = {{"Command: ", info->command, sizeof info->command},
                 {"Recorder: ", info->recorder, sizeof info->recorder},
                 {"Date: ", info->date, sizeof info->date},
                 {"Note: ", info->note, sizeof info->note},
                 {"Reduced: ", info->reduction, sizeof info->reduction}};
    uint64_t bytes;

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (lines[i].text[0] == '\0' && tide_eat(&t, lines[i].what)) {
            snprintf(lines[i].text, lines[i].bytes, "%.*s", (int)(t.end - t.p), (const char *)t.p);
            return true;
        }
    if (info->recorder[0] == '\0' && tide_eat(&t, "Using Valgrind-")) {
        const unsigned char *p = t.p;

        while (p<t.end && * p> ' ')
            p++;
        snprintf(info->recorder, sizeof info->recorder, "valgrind-%.*s", (int)(p - t.p),
                 (const char *)t.p);
        return true;
    }
    if (info->host_page_bytes != 0 || !tide_eat(&t, "Page size: ") ||
        !tide_number(&t.p, t.end, 10, &bytes) || t.p < t.end || bytes > UINT32_MAX)
        return false;
    info->host_page_bytes = (uint32_t)bytes;
    return true;
}

int tide_lackey_image_take(struct tide_lackey_image *s, const struct tide_line *line, bool *used,
                           const unsigned char **bad, struct tide_block *b,
                           struct tide_trace_info *info)
{
    struct tide_text t = {line->text, line->text + line->n};
    struct tide_lackey_call *broken;
    bool foreign, success;
    uint64_t value;
    int rc = 0;

    *used = false;
    *bad = NULL;
    if (eat_talk(s, &t)) {
        if (line->text[0] == '-') {
            if (tide_eat_through(&t, " aspacem "))
                rc = take_aspacem(s, t, used, bad, b, info);
        } else {
            *used = take_about(t, info);
        }
    } else if (tide_eat(&t, "**")) {
        *used = take_heap_call(s, t, b, info);
    } else if (tide_eat(&t, "SYSCALL[")) {
        rc = take_syscall(s, t, &foreign, b, info);
        *used = !foreign;
    } else if (s->broken_tid != 0 && (tide_eat(&t, " --> ") || tide_eat(&t, "[sync] --> ")) &&
               (broken = find_call(s, s->broken_tid)) != NULL && read_result(t, &success, &value)) {
        rc = complete(s, broken, success, value, b, info);
        *used = true;
    }
    return rc;
}

void tide_lackey_image_end(struct tide_lackey_image *s, struct tide_trace_info *info)
{
    while (s->n_calls > 0) {
        info->lost_results++;
        forget_call(s, &s->calls[s->n_calls - 1]);
    }
}

void tide_lackey_image_fini(struct tide_lackey_image *s)
{
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

const char *tide_lackey_image_file(const struct tide_lackey_image *s, uint32_t file)
{
    return file >= 1 && file <= s->n_files ? s->files[file - 1] : NULL;
}
