/* A lackey log, as our reader and others read it: the layout and system calls are written back from
 * the events.
 *
 * Mappings of the initial layout become Valgrind's `aspacem` lines, in which the room of the heap
 * stands behind its mapping and the room of the stack before it: so a mapping waits until it is
 * known not to be the stack. What follows becomes the system call that would have done it, with an
 * openat for the file where the path is known. What the calls left out in the trace did, and their
 * number, is not written.
 *
 * Source: Valgrind 3.19; see lackey.c and lackey_image.c.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "trace/digits.h"
#include "trace/sink.h"

/* File ids up to here can be named in a layout; the reader takes no more. */
enum { LAYOUT_NAMES = 1 << 16, ACCESS_MAX = 40 };

struct lackey {
    unsigned pid;
    bool begun;
    enum { BEFORE, INSIDE, DONE } layout;
    bool waiting; /* `mapped` is still to be written */
    struct tide_event mapped;
    unsigned char named[LAYOUT_NAMES / 8]; /* bit set: the layout has named this file */
    struct tide_sink_options options;
};

__attribute__((format(printf, 3, 4))) static int say(struct tide_out *out, struct tide_error *e,
                                                     const char *fmt, ...)
{
    char *room = tide_out_room(out, TIDE_OUT_ROOM_MAX, e);
    va_list ap;
    int n;

    if (room == NULL)
        return TIDE_E_IO;
    va_start(ap, fmt);
    n = vsnprintf(room, TIDE_OUT_ROOM_MAX, fmt, ap);
    va_end(ap);
    /* Paths are what is long here; PATH_MAX is half of the room. */
    tide_out_used(out, (size_t)(n < TIDE_OUT_ROOM_MAX ? n : TIDE_OUT_ROOM_MAX - 1));
    return 0;
}

static int talk(struct lackey *s, struct tide_out *out, const char *what, const char *text,
                struct tide_error *e)
{
    if (text == NULL || text[0] == '\0')
        return 0;
    return say(out, e, "==%u== %s: %.*s\n", s->pid, what, (int)strcspn(text, "\r\n"), text);
}

static int begin(void *state, const struct tide_sink_options *o, struct tide_out *out,
                 struct tide_error *e)
{
    struct lackey *s = state;

    (void)out, (void)e;
    s->options = *o;
    s->pid = 1;
    return 0;
}

static int head(struct lackey *s, struct tide_out *out, struct tide_error *e)
{
    const struct tide_sink_options *o = &s->options;
    int rc = say(out, e, "==%u== Lackey, an example Valgrind tool\n", s->pid);

    s->begun = true;
    if (rc == 0)
        rc = talk(s, out, "Command", o->command, e);
    if (rc == 0)
        rc = talk(s, out, "Recorder", o->recorder, e);
    if (rc == 0)
        rc = talk(s, out, "Date", o->date, e);
    if (rc == 0)
        rc = talk(s, out, "Note", o->note, e);
    if (rc == 0 && o->host_page_bytes != 0)
        rc = say(out, e, "==%u== Page size: %u\n", s->pid, o->host_page_bytes);
    if (rc == 0)
        rc = talk(s, out, "Reduced", o->reduction, e);
    return rc;
}

/* ---- the layout ---- */

static int range(struct lackey *s, struct tide_out *out, const char *kind, uint64_t addr,
                 uint64_t len, const char *behind, struct tide_error *e)
{
    return say(out, e, "--%u:1: aspacem   0: %s %010llx-%010llx %7llu %s\n", s->pid, kind,
               (unsigned long long)addr, (unsigned long long)(addr + len - 1),
               (unsigned long long)len, behind);
}

static int write_mapping(struct lackey *s, struct tide_out *out, struct tide_error *e)
{
    const struct tide_event *v = &s->mapped;
    const char *kind = v->flags & TIDE_MAP_SHARED ? "shm " : "anon";
    char behind[96];
    int n = snprintf(behind, sizeof behind, "%c%c%c--", v->prot & TIDE_PROT_READ ? 'r' : '-',
                     v->prot & TIDE_PROT_WRITE ? 'w' : '-', v->prot & TIDE_PROT_EXEC ? 'x' : '-');

    if (!s->waiting)
        return 0;
    s->waiting = false;
    if (v->file != 0) {
        kind = "file";
        n += snprintf(behind + n, sizeof behind - (size_t)n, " d=0x1 i=1       o=%llu",
                      (unsigned long long)v->offset);
        if (v->file < LAYOUT_NAMES && (s->named[v->file / 8] & 1u << v->file % 8) != 0)
            snprintf(behind + n, sizeof behind - (size_t)n, " (%u,1,1)", v->file);
    }
    return range(s, out, kind, v->addr, v->len, behind, e);
}

static bool nameable(const char *path)
{
    return path != NULL && path[0] != '\0' && strlen(path) < TIDE_OUT_ROOM_MAX / 2 &&
           strpbrk(path, "\r\n") == NULL;
}

static int layout_mapping(struct lackey *s, const struct tide_event *v, const char *file,
                          struct tide_out *out, struct tide_error *e)
{
    int rc = 0;

    if (s->layout == BEFORE) {
        s->layout = INSIDE;
        rc = say(out, e, "--%u:1: aspacem <<< SHOW_SEGMENTS: Memory layout at client startup\n",
                 s->pid);
    }
    if (rc == 0)
        rc = write_mapping(s, out, e);
    if (rc == 0 && v->file != 0 && v->file < LAYOUT_NAMES && nameable(file) &&
        (s->named[v->file / 8] & 1u << v->file % 8) == 0) {
        s->named[v->file / 8] |= (unsigned char)(1u << v->file % 8);
        rc = say(out, e, "--%u:1: aspacem (%u,1,1) %s\n", s->pid, v->file, file);
    }
    s->mapped = *v;
    s->waiting = true;
    return rc;
}

/* The room of the heap lies behind the mapping that was written last; that of the stack before the
 * one that waits. */
static int heap_room(struct lackey *s, const struct tide_event *v, struct tide_out *out,
                     struct tide_error *e)
{
    uint64_t end = s->mapped.addr + s->mapped.len;
    int rc = write_mapping(s, out, e);

    if (rc != 0 || s->mapped.addr != v->addr || v->addr + v->len <= end)
        return rc;
    return range(s, out, "RSVN", end, v->addr + v->len - end, "----- SmLower", e);
}

static int stack_room(struct lackey *s, const struct tide_event *v, struct tide_out *out,
                      struct tide_error *e)
{
    int rc = 0;

    if (s->waiting && v->addr + v->len == s->mapped.addr + s->mapped.len &&
        v->addr < s->mapped.addr)
        rc = range(s, out, "RSVN", v->addr, s->mapped.addr - v->addr, "----- SmUpper", e);
    return rc == 0 ? write_mapping(s, out, e) : rc;
}

/* Before anything that is not layout. */
static int end_layout(struct lackey *s, struct tide_out *out, struct tide_error *e)
{
    int rc;

    if (!s->begun && (rc = head(s, out, e)) != 0)
        return rc;
    if (s->layout != INSIDE) {
        s->layout = DONE;
        return 0;
    }
    s->layout = DONE;
    rc = write_mapping(s, out, e);
    return rc == 0 ? say(out, e, "--%u:1: aspacem >>>\n", s->pid) : rc;
}

/* ---- system calls ---- */

static int call(struct lackey *s, struct tide_out *out, unsigned number, const char *name,
                const uint64_t *args, size_t n, uint64_t result, struct tide_error *e)
{
    char text[256];
    size_t at = 0;

    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s0x%llx", i > 0 ? ", " : "",
                               (unsigned long long)args[i]);
    return say(out, e, "SYSCALL[%u,1](%3u) sys_%s ( %.*s ) --> [pre-success] Success(0x%llx)\n",
               s->pid, number, name, (int)at, text, (unsigned long long)result);
}

/* Descriptor 3 stands for the file of the mapping that follows. */
static int mmap_call(struct lackey *s, const struct tide_event *v, const char *file,
                     struct tide_out *out, struct tide_error *e)
{
    uint64_t flags = (v->flags & TIDE_MAP_SHARED ? 1 : 2) | (v->file == 0 ? 0x20 : 0) |
                     (v->flags & TIDE_MAP_POPULATE ? 0x8000 : 0);
    int rc = 0;

    if (v->file != 0 && nameable(file))
        rc = say(out, e,
                 "SYSCALL[%u,1](257) sys_openat ( 4294967196, 0x0(%s), 524288 ) --> [pre-success] "
                 "Success(0x3)\n",
                 s->pid, file);
    else if (v->file != 0)
        rc = call(s, out, 3, "close", (const uint64_t[]){3}, 1, 0, e);
    if (rc != 0)
        return rc;
    return call(s, out, 9, "mmap",
                (const uint64_t[]){v->addr, v->len, v->prot, flags, v->file != 0 ? 3 : 0xffffffff,
                                   v->offset},
                6, v->addr, e);
}

static int heap_malloc(struct lackey *s, const struct tide_event *v, struct tide_out *out,
                       struct tide_error *e)
{
    char call[64];

    if (v->flags & TIDE_HEAP_ZEROED)
        snprintf(call, sizeof call, "calloc(1, %llu)", (unsigned long long)v->len);
    else if (v->number != 0)
        snprintf(call, sizeof call, "memalign(%u, %llu)", v->number, (unsigned long long)v->len);
    else
        snprintf(call, sizeof call, "malloc(%llu)", (unsigned long long)v->len);
    return say(out, e, "**%u** %s = 0x%llx\n", s->pid, call, (unsigned long long)v->addr);
}

static int event(void *state, const struct tide_event *v, const char *file, struct tide_out *out,
                 struct tide_error *e)
{
    struct lackey *s = state;
    int rc;

    if (v->type == TIDE_EV_PROCESS) {
        if (!s->begun && v->number != 0)
            s->pid = v->number;
        return s->begun ? 0 : head(s, out, e);
    }
    if (s->layout != DONE && s->begun) {
        if (v->type == TIDE_EV_MAP && (v->flags & TIDE_MAP_FROM_LAYOUT) != 0)
            return layout_mapping(s, v, file, out, e);
        if (s->layout == INSIDE && v->type == TIDE_EV_HEAP)
            return heap_room(s, v, out, e);
        if (s->layout == INSIDE && v->type == TIDE_EV_STACK)
            return stack_room(s, v, out, e);
    }
    if ((rc = end_layout(s, out, e)) != 0)
        return rc;
    switch ((enum tide_event_type)v->type) {
    case TIDE_EV_MAP:
        return mmap_call(s, v, file, out, e);
    case TIDE_EV_UNMAP:
        return call(s, out, 11, "munmap", (const uint64_t[]){v->addr, v->len}, 2, 0, e);
    case TIDE_EV_PROTECT:
        return call(s, out, 10, "mprotect", (const uint64_t[]){v->addr, v->len, v->prot}, 3, 0, e);
    case TIDE_EV_REMAP:
        return call(s, out, 25, "mremap", (const uint64_t[]){v->addr, v->len, v->new_len, 1}, 4,
                    v->new_addr, e);
    case TIDE_EV_BRK:
        return call(s, out, 12, "brk", (const uint64_t[]){v->addr}, 1, v->addr, e);
    case TIDE_EV_MADVISE:
        return call(s, out, 28, "madvise", (const uint64_t[]){v->addr, v->len, v->number}, 3, 0, e);
    case TIDE_EV_EXIT:
        return call(s, out, 231, "exit_group", NULL, 0, 0, e);
    case TIDE_EV_MALLOC:
        return heap_malloc(s, v, out, e);
    case TIDE_EV_REALLOC:
        return say(out, e, "**%u** realloc(0x%llx, %llu) = 0x%llx\n", s->pid,
                   (unsigned long long)v->addr, (unsigned long long)v->new_len,
                   (unsigned long long)v->new_addr);
    case TIDE_EV_FREE:
        return say(out, e, "**%u** free(0x%llx)\n", s->pid, (unsigned long long)v->addr);
    default: /* the rooms of heap and stack can be told in a layout only, the kernel's not at all */
        return 0;
    }
}

static int access_line(void *state, const struct tide_access *a, struct tide_out *out,
                       struct tide_error *e)
{
    static const char heads[TIDE_KINDS][4] = {"I  ", " L ", " S ", " M "};
    struct lackey *s = state;
    char *room, *p;
    int rc;

    if (s->layout != DONE && (rc = end_layout(s, out, e)) != 0)
        return rc;
    if ((room = tide_out_room(out, ACCESS_MAX, e)) == NULL)
        return TIDE_E_IO;
    memcpy(room, heads[a->kind], 3);
    p = tide_put_hex(room + 3, a->addr, 8);
    *p++ = ',';
    p = tide_put_decimal(p, a->size);
    *p++ = '\n';
    tide_out_used(out, (size_t)(p - room));
    return 0;
}

const struct tide_sink_format tide_sink_lackey = {
    .name = "lackey",
    .summary = "Valgrind's lackey, with the layout and the calls that change mappings",
    .state_bytes = sizeof(struct lackey),
    .says = TIDE_SAYS_ALL,
    .events = 1u << TIDE_EV_PROCESS | 1u << TIDE_EV_MAP | 1u << TIDE_EV_UNMAP |
              1u << TIDE_EV_PROTECT | 1u << TIDE_EV_REMAP | 1u << TIDE_EV_BRK |
              1u << TIDE_EV_STACK | 1u << TIDE_EV_HEAP | 1u << TIDE_EV_MADVISE |
              1u << TIDE_EV_EXIT | 1u << TIDE_EV_MALLOC | 1u << TIDE_EV_REALLOC |
              1u << TIDE_EV_FREE,
    .about = true,
    .begin = begin,
    .access = access_line,
    .event = event,
};
