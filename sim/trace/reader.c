/* The frame around the formats: see reader.h.
 *
 * It owns the window: the stream delivers into it, a format parses from it, and what is
 * left of an incomplete record moves to its front before the next read. Its size is fixed. A block
 * is filled before it is handed out, so blocks do not depend on how the bytes arrived. An error is
 * kept until the records before it have been handed out.
 */
#include "trace/reader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"

enum { WINDOW_BYTES = 256 * 1024, PADDING_BYTES = 64, PROBE_BYTES = 64 * 1024, PROBE_SURE = 100 };

#define TIDE_FORMAT(symbol) extern const struct tide_format tide_format_##symbol;
#include "trace/formats.def"
#undef TIDE_FORMAT

const struct tide_format *const tide_formats[] = {
#define TIDE_FORMAT(symbol) &tide_format_##symbol,
#include "trace/formats.def"
#undef TIDE_FORMAT
    NULL};

const char *const tide_event_names[TIDE_EV_TYPES] = {[TIDE_EV_PROCESS] = "process",
                                                     [TIDE_EV_MAP] = "map",
                                                     [TIDE_EV_UNMAP] = "unmap",
                                                     [TIDE_EV_PROTECT] = "protect",
                                                     [TIDE_EV_REMAP] = "remap",
                                                     [TIDE_EV_BRK] = "brk",
                                                     [TIDE_EV_STACK] = "stack",
                                                     [TIDE_EV_HEAP] = "heap",
                                                     [TIDE_EV_MADVISE] = "madvise",
                                                     [TIDE_EV_SYSCALL] = "syscall",
                                                     [TIDE_EV_EXIT] = "exit",
                                                     [TIDE_EV_MALLOC] = "malloc",
                                                     [TIDE_EV_REALLOC] = "realloc",
                                                     [TIDE_EV_FREE] = "free",
                                                     [TIDE_EV_PAGE_ALLOC] = "page_alloc",
                                                     [TIDE_EV_PAGE_FREE] = "page_free",
                                                     [TIDE_EV_KALLOC] = "kalloc",
                                                     [TIDE_EV_KFREE] = "kfree"};

struct tide_reader {
    struct tide_stream *stream;
    const struct tide_format *format;
    void *state;
    struct tide_reader_window window;
    struct tide_trace_info info;
    bool fragments;    /* the consumer takes them */
    uint64_t accesses; /* handed out */
    int ended;         /* 1: the end, negative: `failed`; then nothing more comes */
    bool going_on;     /* a damaged record does not end the trace, */
    bool more;         /* ... and what has failed was one */
    struct tide_error failed;
};

enum { KNOWN_MAX = 32 };

/* The names, for "did you mean" and for messages. */
static size_t names_of(const struct tide_format *const *list, const char *names[KNOWN_MAX],
                       char *text, size_t bytes)
{
    size_t n = 0;

    text[0] = '\0';
    for (; list[n] != NULL && n < KNOWN_MAX; n++) {
        names[n] = list[n]->name;
        if (n > 0)
            strncat(text, ", ", bytes - strlen(text) - 1);
        strncat(text, names[n], bytes - strlen(text) - 1);
    }
    return n;
}

/* Compressed by something we do not inflate: its name, else NULL. */
static const char *foreign_compression(const unsigned char *head, size_t n)
{
    static const struct {
        const char *magic, *name;
    } known[] = {{"\xfd\x37\x7a\x58\x5a", "xz"},
                 {"\x28\xb5\x2f\xfd", "zstd"},
                 {"BZh", "bzip2"},
                 {"PK\x03\x04", "zip"}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (n >= strlen(known[i].magic) &&
            memcmp(head, known[i].magic, strlen(known[i].magic)) == 0)
            return known[i].name;
    return NULL;
}

static bool has_magic(const struct tide_format *f, const unsigned char *head, size_t n)
{
    size_t length = f->magic != NULL ? strlen(f->magic) : 0;

    return length > 0 && n >= length && memcmp(head, f->magic, length) == 0;
}

const struct tide_format *tide_format_find(const struct tide_format *const *list, const char *name,
                                           const unsigned char *head, size_t n, bool whole,
                                           struct tide_error *e)
{
    const char *names[KNOWN_MAX] = {NULL}, *other;
    char known[512];
    size_t count = names_of(list, names, known, sizeof known);
    size_t best = count, second = count;
    int best_score = 0;

    if (name != NULL) {
        const char *near = tide_nearest(name, names, count);

        for (size_t i = 0; i < count; i++)
            if (strcmp(list[i]->name, name) == 0)
                return list[i];
        tide_fail(e, TIDE_E_USAGE, "unknown trace format '%s'", name);
        if (near != NULL)
            tide_error_remedy(e, "did you mean '%s'? known: %s", near, known);
        else
            tide_error_remedy(e, "known: %s", known);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (has_magic(list[i], head, n))
            return list[i];
    for (size_t i = 0; i < count && best_score < PROBE_SURE; i++) {
        int score = list[i]->probe != NULL ? list[i]->probe(head, n, whole) : 0;

        if (score > best_score) {
            best = i;
            second = count;
            best_score = score;
        } else if (score > 0 && score == best_score) {
            second = i;
        }
    }
    if (best < count && second == count)
        return list[best];
    other = foreign_compression(head, n);
    if (n == 0 && whole) {
        tide_fail(e, TIDE_E_TRACE, "there is nothing in it: the trace is empty");
    } else if (other != NULL) {
        tide_fail(e, TIDE_E_TRACE, "the trace is compressed with %s; this build reads %s and plain",
                  other, tide_stream_compressions());
        tide_error_remedy(e, "decompress it into a pipe and give '-' as the trace");
    } else if (best < count) {
        tide_fail(e, TIDE_E_TRACE, "the format is not clear: it may be %s or %s", names[best],
                  names[second]);
        tide_error_remedy(e, "say --format NAME (known: %s)", known);
    } else {
        tide_fail(e, TIDE_E_TRACE, "the content is in no known trace format");
        tide_error_remedy(e, "if it is one, say --format NAME (known: %s) to see what is wrong",
                          known);
    }
    return NULL;
}

struct tide_event *tide_block_event(struct tide_block *b, struct tide_trace_info *info,
                                    enum tide_event_type type)
{
    struct tide_event *ev = &b->events[b->n_events++];

    assert(b->n_events <= TIDE_BLOCK_EVENTS);
    *ev = (struct tide_event){.at = (uint32_t)b->n_accesses, .type = (uint8_t)type};
    info->events[type]++;
    return ev;
}

const char *tide_bad_extent(uint64_t addr, uint64_t size)
{
    if (size == 0 || size > TIDE_ACCESS_MAX_BYTES)
        return "the size is not within 1..65536 bytes";
    if (addr > UINT64_MAX - (size - 1))
        return "address plus size do not fit in 64 bits";
    return NULL;
}

/* Moves what is unread to the front and reads behind it. 1, 0 at the end, or an error. */
static int read_more(struct tide_reader *r, struct tide_error *e)
{
    struct tide_reader_window *w = &r->window;
    ssize_t got;

    memmove(w->bytes, w->bytes + w->pos, w->len - w->pos);
    w->offset += w->pos;
    w->len -= w->pos;
    w->pos = 0;
    assert(w->len < WINDOW_BYTES); /* no format leaves a record as long as that unread */
    got = tide_stream_read(r->stream, w->bytes + w->len, WINDOW_BYTES - w->len, e);
    if (got > 0)
        w->len += (size_t)got;
    else
        w->last = true;
    w->at_end = got == 0;
    memset(w->bytes + w->len, 0, PADDING_BYTES);
    return got > 0 ? 1 : (int)got;
}

/* Finds the format by name or content, unless it is given. */
static int choose(struct tide_reader *r, const char *name, const struct tide_format *format,
                  struct tide_error *e)
{
    struct tide_error found;
    int rc = 1;

    while (rc > 0 && r->window.len < PROBE_BYTES)
        rc = read_more(r, e);
    /* A stream that fails after some content fails again when it is read on; what precedes that
     * is a trace all the same. */
    if (rc < 0 && r->window.len == 0)
        return rc;
    r->format = format != NULL ? format
                               : tide_format_find(tide_formats, name, r->window.bytes,
                                                  r->window.len, r->window.at_end, &found);
    if (r->format != NULL)
        return 0;
    if (rc >= 0 || found.code == TIDE_E_USAGE) {
        *e = found;
        if (found.code != TIDE_E_USAGE)
            tide_error_where(e, "%s", r->window.name);
    }
    return e->code;
}

static struct tide_reader *open_reader(struct tide_stream *s, const char *name,
                                       const struct tide_format *format, struct tide_error *e)
{
    struct tide_reader *r = tide_calloc(1, sizeof *r);
    struct tide_error own;

    if (r == NULL) {
        tide_nomem(e);
        tide_stream_close(s);
        return NULL;
    }
    if (e == NULL)
        e = &own;
    r->stream = s;
    r->window.name = tide_stream_name(s);
    r->window.offset = tide_stream_offset(s);
    if ((r->window.bytes = tide_malloc(WINDOW_BYTES + PADDING_BYTES)) == NULL) {
        tide_nomem(e);
        goto failed;
    }
    if (choose(r, name, format, e) != 0)
        goto failed;
    r->info.format = r->format->name;
    if ((r->state = tide_calloc(1, r->format->state_bytes)) == NULL) {
        tide_nomem(e);
        goto failed;
    }
    return r;
failed:
    tide_reader_close(r);
    return NULL;
}

struct tide_reader *tide_reader_open(struct tide_stream *s, const char *format,
                                     struct tide_error *e)
{
    return open_reader(s, format, NULL, e);
}

struct tide_reader *tide_reader_open_as(struct tide_stream *s, const struct tide_format *format,
                                        uint64_t first, struct tide_error *e)
{
    struct tide_reader *r = open_reader(s, NULL, format, e);

    if (r != NULL)
        r->accesses = first;
    return r;
}

void tide_reader_close(struct tide_reader *r)
{
    if (r == NULL)
        return;
    if (r->state != NULL && r->format->fini != NULL)
        r->format->fini(r->state);
    free(r->state);
    free(r->window.bytes);
    tide_stream_close(r->stream);
    free(r);
}

/* A flipped bit in a compressed file mostly decodes to something, and is found when a record makes
 * no sense, long before the checksum. So when a record is damaged the rest of the stream is read
 * too: if that fails, the file is what is damaged, and the record only where it shows. */
static void blame_stream(struct tide_reader *r)
{
    struct tide_error *found = &r->failed, cause = {0};
    const char *place;
    char shows[256];
    ssize_t got;

    if (tide_stream_compression(r->stream) == NULL)
        return;
    do
        got = tide_stream_read(r->stream, r->window.bytes, WINDOW_BYTES, &cause);
    while (got > 0);
    place = strstr(found->where, ": ");
    snprintf(shows, sizeof shows, "%.200s", place != NULL ? place + 2 : found->where);
    if (got < 0 && cause.code == TIDE_E_TRACE) {
        size_t n = strlen(cause.what);

        *found = cause;
        snprintf(found->what + n, sizeof found->what - n, "; it makes no sense from %s on", shows);
    } else {
        tide_error_where(found, "%.200s: %s of the content", r->window.name, shows);
    }
}

/* Fills the block. 1 full, 0 the content has ended, or an error. */
static int fill(struct tide_reader *r, struct tide_block *b, struct tide_error *e)
{
    bool last;

    for (;;) {
        int rc = r->format->parse(r->state, &r->window, b, &r->info, e);

        r->more = rc == TIDE_E_TRACE && r->going_on;
        if (rc == TIDE_E_TRACE && !r->going_on)
            blame_stream(r);
        if (rc != 0 || r->window.at_end)
            return rc;
        last = r->window.last;
        /* what has failed fails again; before that, what precedes it is taken */
        if ((rc = read_more(r, e)) < 0 && last)
            return rc;
    }
}

/* Four counters of 16 bits in one word: a block has no more than 2^14 accesses of a kind. */
static void count_kinds(const struct tide_block *b, uint64_t counts[TIDE_KINDS])
{
    uint64_t packed = 0;

    for (size_t i = 0; i < b->n_accesses; i++)
        packed += UINT64_C(1) << 16 * b->accesses[i].kind;
    for (unsigned kind = 0; kind < TIDE_KINDS; kind++)
        counts[kind] += packed >> 16 * kind & 0xffff;
}
_Static_assert(TIDE_KINDS <= 4 && TIDE_BLOCK_ACCESSES < 1 << 16, "the counters of count_kinds()");

/* Whether anything but processes was told of. */
static bool has_events(const struct tide_trace_info *info)
{
    for (size_t type = 0; type < TIDE_EV_TYPES; type++)
        if (type != TIDE_EV_PROCESS && info->events[type] > 0)
            return true;
    return false;
}

/* There is something before the damage. */
static void tell_of_rest(struct tide_error *e)
{
    size_t n = strlen(e->remedy);

    snprintf(e->remedy + n, sizeof e->remedy - n, "%swhat precedes this place can be used",
             n > 0 ? "; " : "");
}

int tide_reader_next(struct tide_reader *r, struct tide_block *b, struct tide_error *e)
{
    int rc;

    b->n_accesses = b->n_events = 0;
    b->dictionary = NULL;
    b->first = r->accesses;
    if (r->ended == 0) {
        rc = fill(r, b, &r->failed);
        if (!r->format->counts)
            count_kinds(b, r->info.accesses);
        if (!r->fragments)
            tide_block_unfold(b);
        r->accesses += b->n_accesses;
        if (rc == 0 && r->accesses == 0 && !(r->format->events_alone && has_events(&r->info))) {
            rc = tide_fail(&r->failed, TIDE_E_TRACE, "the trace holds no %s",
                           r->format->events_alone ? "event" : "memory access");
            tide_error_where(&r->failed, "%s", r->window.name);
            tide_error_remedy(&r->failed, "read as %s, a record looks like: %s", r->format->name,
                              r->format->example);
        } else if (rc == TIDE_E_TRACE && (r->accesses > 0 || has_events(&r->info))) {
            tell_of_rest(&r->failed);
        }
        r->ended = rc < 0 ? rc : rc == 0;
        if (b->n_accesses > 0 || b->n_events > 0)
            return 1;
    }
    if (r->ended >= 0)
        return 0;
    if (e != NULL)
        *e = r->failed;
    rc = r->ended;
    if (r->more)
        r->ended = 0;
    return rc;
}

bool tide_reader_go_on(struct tide_reader *r)
{
    r->going_on = r->format->lines;
    return r->going_on;
}

bool tide_reader_goes_on(const struct tide_reader *r)
{
    return r->more;
}

void tide_reader_move(struct tide_reader *r, struct tide_block *to, struct tide_block *from)
{
    tide_block_copy(to, from);
    if (r->format->move != NULL)
        r->format->move(r->state, to, from);
}

void tide_reader_take_fragments(struct tide_reader *r)
{
    r->fragments = true;
    if (r->format->take_fragments != NULL)
        r->format->take_fragments(r->state);
}

const struct tide_trace_info *tide_reader_info(const struct tide_reader *r)
{
    return &r->info;
}

const char *tide_reader_file(const struct tide_reader *r, uint32_t file)
{
    return file == 0 || r->format->file == NULL ? NULL : r->format->file(r->state, file);
}

struct tide_stream *tide_reader_stream(struct tide_reader *r)
{
    return r->stream;
}
