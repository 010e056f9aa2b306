/* From a lackey log to a sink: see recorder.h.
 *
 * It holds the window that the lackey format parses from, and two blocks: what was parsed, and what
 * is left of that. The marks of the shim are looked for in the bytes, and the window is parsed up
 * to a mark before its meaning is taken, so no event is needed for them.
 */
#include "trace/recorder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trace/text.h"

enum { WINDOW_BYTES = 256 * 1024, PADDING_BYTES = 64 };

extern const struct tide_format tide_format_lackey;

struct tide_recorder {
    struct tide_recorder_options options;
    struct tide_reader_window window;
    void *state; /* of the lackey format */
    struct tide_trace_info info;
    struct tide_block *in, *out;
    struct tide_sink *sink;
    uint64_t seen, kept;         /* accesses that were asked for; written or waiting in `out` */
    uint64_t shim_from, shim_to; /* the shim's pages; from == to: not known */
    bool in_shim;                /* the instruction at hand is the shim's */
    bool hidden;                 /* between the shim's marks */
    bool enough;
};

struct tide_recorder *tide_recorder_new(const struct tide_recorder_options *o, struct tide_error *e)
{
    struct tide_recorder *r = tide_calloc(1, sizeof *r);

    if (r == NULL || (r->window.bytes = tide_calloc(1, WINDOW_BYTES + PADDING_BYTES)) == NULL ||
        (r->state = tide_calloc(1, tide_format_lackey.state_bytes)) == NULL ||
        (r->in = tide_calloc(1, sizeof *r->in)) == NULL ||
        (r->out = tide_calloc(1, sizeof *r->out)) == NULL) {
        tide_nomem(e);
        tide_recorder_free(r);
        return NULL;
    }
    r->options = *o;
    r->window.name = "the log of Valgrind";
    r->info.format = tide_format_lackey.name;
    return r;
}

void tide_recorder_free(struct tide_recorder *r)
{
    if (r == NULL)
        return;
    tide_sink_abandon(r->sink);
    if (r->state != NULL)
        tide_format_lackey.fini(r->state);
    free(r->state);
    free(r->window.bytes);
    free(r->in);
    free(r->out);
    free(r);
}

uint64_t tide_recorder_accesses(const struct tide_recorder *r)
{
    return r->kept;
}

/* ---- what is left out ---- */

static const char *path_of(const void *context, uint32_t file)
{
    const struct tide_recorder *r = context;

    return tide_format_lackey.file(r->state, file);
}

static bool within_shim(const struct tide_recorder *r, uint64_t addr)
{
    return addr - r->shim_from < r->shim_to - r->shim_from;
}

/* The dynamic linker maps a library as a whole, then its parts over that, so the first mapping of
 * the file has all its pages. */
static bool event_of_shim(struct tide_recorder *r, const struct tide_event *v)
{
    const char *path;

    if (r->options.shim == NULL)
        return false;
    if (v->type == TIDE_EV_MAP && v->file != 0 && r->shim_from == r->shim_to &&
        (path = path_of(r, v->file)) != NULL && strcmp(path, r->options.shim) == 0) {
        r->shim_from = v->addr;
        r->shim_to = v->addr + ((v->len + 4095) & ~UINT64_C(4095));
        return true;
    }
    return (v->type == TIDE_EV_MAP || v->type == TIDE_EV_PROTECT || v->type == TIDE_EV_UNMAP) &&
           within_shim(r, v->addr);
}

static bool wanted(struct tide_recorder *r, const struct tide_access *a)
{
    if (a->kind == TIDE_FETCH)
        r->in_shim = within_shim(r, a->addr);
    if (r->in_shim || r->hidden || within_shim(r, a->addr) ||
        (a->kind == TIDE_FETCH && r->options.no_fetches))
        return false;
    return r->seen++ >= r->options.skip;
}

static int flush(struct tide_recorder *r, struct tide_error *e)
{
    const struct tide_file_names names = {path_of, r};
    int rc;

    if (r->out->n_accesses == 0 && r->out->n_events == 0)
        return 0;
    if (r->sink == NULL && (r->sink = r->options.open(r->options.context, &r->info, e)) == NULL)
        return e->code;
    rc = tide_sink_put(r->sink, r->out, &names, e);
    r->out->first += r->out->n_accesses;
    r->out->n_accesses = r->out->n_events = 0;
    return rc;
}

/* Takes the block that was parsed. */
static int keep(struct tide_recorder *r, struct tide_error *e)
{
    const struct tide_block *in = r->in;
    struct tide_block *out = r->out;
    size_t k = 0;
    int rc = 0;

    for (size_t i = 0; i <= in->n_accesses && !r->enough && rc == 0; i++) {
        for (; k < in->n_events && in->events[k].at == i && rc == 0; k++) {
            if (event_of_shim(r, &in->events[k]))
                continue;
            if (out->n_events == TIDE_BLOCK_EVENTS)
                rc = flush(r, e);
            out->events[out->n_events] = in->events[k];
            out->events[out->n_events++].at = (uint32_t)out->n_accesses;
        }
        if (rc != 0 || i == in->n_accesses || !wanted(r, &in->accesses[i]))
            continue;
        if (out->n_accesses == TIDE_BLOCK_ACCESSES)
            rc = flush(r, e);
        out->accesses[out->n_accesses++] = in->accesses[i];
        r->enough = ++r->kept == r->options.max;
    }
    return rc;
}

/* ---- the window ---- */

char *tide_recorder_room(struct tide_recorder *r, size_t *n)
{
    struct tide_reader_window *w = &r->window;

    memmove(w->bytes, w->bytes + w->pos, w->len - w->pos);
    w->offset += w->pos;
    w->len -= w->pos;
    w->pos = 0;
    *n = WINDOW_BYTES - w->len;
    assert(*n > 0); /* of a line longer than the format takes only the beginning is left unread */
    return (char *)w->bytes + w->len;
}

/* Parses the window up to `end`. */
static int parse(struct tide_recorder *r, size_t end, struct tide_error *e)
{
    struct tide_reader_window *w = &r->window;
    unsigned char behind[PADDING_BYTES];
    size_t len = w->len;
    int rc, kept;

    /* the format reads on for some bytes, and has to find zeros there */
    memcpy(behind, w->bytes + end, sizeof behind);
    memset(w->bytes + end, 0, sizeof behind);
    w->len = end;
    w->last = true; /* no line may wait: what follows a mark is hidden or not */
    do {
        r->in->n_accesses = r->in->n_events = 0;
        r->in->dictionary = NULL;
        rc = tide_format_lackey.parse(r->state, w, r->in, &r->info, e);
        tide_block_unfold(r->in);
        kept = keep(r, e);
        if (kept < 0)
            rc = kept;
    } while (rc == 1 && !r->enough);
    memcpy(w->bytes + end, behind, sizeof behind);
    w->len = len;
    return rc < 0 ? rc : 0;
}

/* The first mark that begins before `len`; its line's end in *end, 0 where that has not come. */
static const char *find_mark(const struct tide_recorder *r, size_t *end)
{
    static const char stem[] = "** pagetide shim ";
    const struct tide_reader_window *w = &r->window;
    const char *from = (const char *)w->bytes + w->pos, *feed;
    const char *mark = memmem(from, w->len - w->pos, stem, sizeof stem - 1);

    *end = 0;
    if (mark == NULL)
        return NULL;
    feed = memchr(mark, '\n', (size_t)((const char *)w->bytes + w->len - mark));
    if (feed != NULL)
        *end = (size_t)(feed + 1 - (const char *)w->bytes);
    return mark + 3;
}

int tide_recorder_took(struct tide_recorder *r, size_t n, struct tide_error *e)
{
    struct tide_reader_window *w = &r->window;
    const char *mark = NULL;
    size_t end;
    int rc = 0;

    w->len += n;
    memset(w->bytes + w->len, 0, PADDING_BYTES);
    while (!r->enough && rc == 0 && r->options.shim != NULL &&
           (mark = find_mark(r, &end)) != NULL && end > 0) {
        rc = parse(r, end, e);
        r->hidden = strncmp(mark, TIDE_SHIM_BEGINS, sizeof TIDE_SHIM_BEGINS - 1) == 0;
    }
    /* a mark whose line is not complete stays unread with that line */
    if (rc == 0 && !r->enough)
        rc = parse(r, w->len, e);
    if (r->enough)
        w->pos = w->len; /* what comes now is not looked at */
    return rc < 0 ? rc : r->enough;
}

int tide_recorder_finish(struct tide_recorder *r, struct tide_error *e)
{
    struct tide_sink *s;
    int rc = 0;

    /* what is left is a line that was cut: the program was killed while it was written */
    r->window.pos = r->window.len;
    r->window.at_end = true;
    if (!r->enough)
        rc = parse(r, r->window.len, e);
    if (rc == 0 && (r->sink != NULL || r->kept > 0))
        rc = flush(r, e);
    if (rc != 0 || r->sink == NULL)
        return rc;
    s = r->sink;
    r->sink = NULL;
    if (r->kept == 0) {
        tide_sink_abandon(s);
        return 0;
    }
    rc = tide_sink_source(s, &(struct tide_sink_source){.info = &r->info}, e);
    if (rc == 0)
        return tide_sink_finish(s, e);
    tide_sink_abandon(s);
    return rc;
}
