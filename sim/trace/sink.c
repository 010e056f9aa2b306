/* The frame around the formats that are written: see sink.h. */
#include "trace/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"

#define TIDE_SINK(symbol) extern const struct tide_sink_format tide_sink_##symbol;
#include "trace/sinks.def"
#undef TIDE_SINK

const struct tide_sink_format *const tide_sink_formats[] = {
#define TIDE_SINK(symbol) &tide_sink_##symbol,
#include "trace/sinks.def"
#undef TIDE_SINK
    NULL};

struct tide_sink {
    const struct tide_sink_format *format;
    struct tide_out *out;
    void *state;
    uint64_t accesses;
    struct tide_sink_watch watch;
};

enum { KNOWN_MAX = 32 };

static const struct tide_sink_format *find(const char *name, struct tide_error *e)
{
    const char *names[KNOWN_MAX], *near;
    char known[256] = "";
    size_t n = 0;

    for (; tide_sink_formats[n] != NULL && n < KNOWN_MAX; n++) {
        names[n] = tide_sink_formats[n]->name;
        if (strcmp(names[n], name) == 0)
            return tide_sink_formats[n];
        strncat(known, n > 0 ? ", " : "", sizeof known - strlen(known) - 1);
        strncat(known, names[n], sizeof known - strlen(known) - 1);
    }
    near = tide_nearest(name, names, n);
    tide_fail(e, TIDE_E_USAGE, "'%.100s' is no format that can be written", name);
    if (near != NULL)
        tide_error_remedy(e, "did you mean '%s'? known: %s", near, known);
    else
        tide_error_remedy(e, "known: %s", known);
    return NULL;
}

struct tide_sink *tide_sink_open(const char *format, const char *path,
                                 const struct tide_sink_options *options, struct tide_error *e)
{
    const struct tide_sink_format *f = find(format, e);
    struct tide_sink *s;

    if (f == NULL)
        return NULL;
    if ((s = tide_calloc(1, sizeof *s)) == NULL ||
        (s->state = tide_calloc(1, f->state_bytes)) == NULL) {
        tide_nomem(e);
        goto failed;
    }
    s->format = f;
    s->out = tide_out_open(path,
                           f->packs             ? TIDE_OUT_AS_IT_IS
                           : options->level > 0 ? options->level
                                                : TIDE_OUT_LEVEL,
                           e);
    if (s->out == NULL)
        goto failed;
    if (f->patches && !tide_out_patchable(s->out)) {
        tide_fail(e, TIDE_E_USAGE, "%s is written to a plain file only", f->name);
        tide_error_where(e, "%s", tide_out_path(s->out));
        tide_error_remedy(e, "compress the file afterwards: each record holds the place of the "
                             "next one to its page, which is known late");
        goto failed;
    }
    if (f->begin != NULL && f->begin(s->state, options, s->out, e) != 0)
        goto failed;
    return s;
failed:
    tide_sink_abandon(s);
    return NULL;
}

static int several_processes(const struct tide_sink *s, struct tide_error *e)
{
    tide_fail(e, TIDE_E_USAGE, "the trace has several processes, which %s cannot tell apart",
              s->format->name);
    tide_error_where(e, "%s", tide_out_path(s->out));
    tide_error_remedy(e, "take one out of it: pagetide trace cut --process N");
    return TIDE_E_USAGE;
}

int tide_sink_put(struct tide_sink *s, const struct tide_block *b,
                  const struct tide_file_names *names, struct tide_error *e)
{
    const struct tide_sink_format *f = s->format;
    size_t k = 0;
    int rc = 0;

    s->accesses += b->n_accesses;
    if (s->watch.put != NULL)
        rc = s->watch.put(s->watch.context, b, e);
    for (size_t i = 0; i <= b->n_accesses && rc == 0; i++) {
        for (; rc == 0 && k < b->n_events && b->events[k].at == i; k++) {
            const struct tide_event *v = &b->events[k];

            if (v->process > 0 && !f->processes)
                return several_processes(s, e);
            if (f->event != NULL)
                rc = f->event(s->state, v,
                              v->file != 0 && names != NULL ? names->path(names->context, v->file)
                                                            : NULL,
                              s->out, e);
        }
        if (i == b->n_accesses || rc != 0)
            break;
        if (b->accesses[i].process > 0 && !f->processes)
            return several_processes(s, e);
        rc = f->access(s->state, &b->accesses[i], s->out, e);
    }
    return rc;
}

const struct tide_sink_format *tide_sink_format(const struct tide_sink *s)
{
    return s->format;
}

void tide_sink_watch(struct tide_sink *s, const struct tide_sink_watch *watch)
{
    s->watch = *watch;
}

int tide_sink_source(struct tide_sink *s, const struct tide_sink_source *source,
                     struct tide_error *e)
{
    struct tide_sink_source full = *source;

    if (s->format->source == NULL)
        return 0;
    if (full.extra == NULL && s->watch.extra != NULL)
        full.extra = s->watch.extra(s->watch.context);
    return s->format->source(s->state, &full, e);
}

bool tide_sink_unread(const struct tide_sink *s)
{
    return tide_out_unread(s->out);
}

int tide_sink_finish(struct tide_sink *s, struct tide_error *e)
{
    int rc = 0;

    if (s->accesses == 0) {
        rc = tide_fail(e, TIDE_E_TRACE, "no access is left: there is nothing to write");
        tide_error_where(e, "%s", tide_out_path(s->out));
    }
    if (rc == 0 && s->format->end != NULL)
        rc = s->format->end(s->state, s->out, e);
    if (rc == 0) {
        rc = tide_out_finish(s->out, e);
        s->out = NULL;
    }
    tide_sink_abandon(s);
    return rc;
}

void tide_sink_abandon(struct tide_sink *s)
{
    if (s == NULL)
        return;
    if (s->state != NULL && s->format != NULL && s->format->fini != NULL)
        s->format->fini(s->state);
    if (s->watch.free != NULL)
        s->watch.free(s->watch.context);
    free(s->state);
    tide_out_abandon(s->out);
    free(s);
}

int tide_sink_pieces(const struct tide_access *a,
                     int (*each)(void *context, uint64_t at, enum tide_kind kind,
                                 struct tide_out *out, struct tide_error *e),
                     void *context, struct tide_out *out, struct tide_error *e)
{
    static const enum tide_kind modify[] = {TIDE_READ, TIDE_WRITE};
    uint64_t first = a->addr >> TIDE_SINK_PAGE_SHIFT;
    uint64_t last = (a->addr + (a->size - 1)) >> TIDE_SINK_PAGE_SHIFT;
    size_t passes = a->kind == TIDE_MODIFY ? 2 : 1;

    for (size_t pass = 0; pass < passes; pass++) {
        enum tide_kind kind = a->kind == TIDE_MODIFY ? modify[pass] : (enum tide_kind)a->kind;

        for (uint64_t page = first; page <= last; page++) {
            int rc =
                each(context, page == first ? a->addr : page << TIDE_SINK_PAGE_SHIFT, kind, out, e);

            if (rc != 0)
                return rc;
        }
    }
    return 0;
}
