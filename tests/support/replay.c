/* A trace in memory through one machine: see replay.h. */
#include "replay.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pager/scan.h"
#include "report/machine.h"
#include "trace/reader.h"
#include "trace/sink.h"

static int keep_sample(void *context, const struct tide_machine *m, const struct tide_sample *s,
                       struct tide_error *e)
{
    (void)e;
    tide_report_sample(context, m, s);
    return 0;
}

static struct tide_reader *open_reader(const char *text, size_t n, const char *format,
                                       struct tide_error *e)
{
    struct tide_stream *s = tide_stream_memory(text, n, "memory", e);

    return s == NULL ? NULL : tide_reader_open(s, format, e);
}

static int scan(const char *text, size_t n, const char *format, const struct tide_machine_config *c,
                struct tide_block *b, struct tide_scan **out, struct tide_error *e)
{
    struct tide_reader *r = open_reader(text, n, format, e);
    int rc = 1;

    if (r == NULL)
        return e->code;
    *out = tide_scan_new(tide_machine_geometry(c), c->skip, c->warmup, c->limit,
                         tide_machine_needs_future(c), e);
    if (*out == NULL)
        rc = e->code;
    while (rc > 0 && (rc = tide_reader_next(r, b, e)) > 0)
        rc = tide_scan_feed(*out, b, NULL, e);
    tide_reader_close(r);
    return rc < 0 ? rc : tide_scan_finish(*out, e);
}

static int replay_as(const char *text, size_t n, const char *format,
                     const struct tide_machine_config *c, enum tide_engine engine, bool fragments,
                     struct replay *out, struct tide_error *e)
{
    struct tide_csv csv = {0};
    struct tide_machine_watch watch = {.context = &csv, .sample = keep_sample};
    /* kept from one replay to the next: they are large, and there are thousands of replays */
    static struct tide_block *b;
    static struct tide_block_runs *runs;
    static struct tide_access *accesses;
    struct tide_scan *s = NULL;
    struct tide_machine *m = NULL;
    struct tide_reader *r = NULL;
    int rc;

    *out = (struct replay){0};
    if (b == NULL) {
        b = malloc(sizeof *b);
        runs = malloc(sizeof *runs);
        accesses = malloc(TIDE_BLOCK_ACCESSES * sizeof *accesses);
    }
    if (b == NULL || runs == NULL || accesses == NULL)
        abort();
    rc = scan(text, n, format, c, b, &s, e);
    if (rc == 0) {
        m = tide_machine_new(c, engine, tide_scan_distinct_pages(s),
                             tide_scan_future(s, tide_machine_needs_future(c)), &watch, e);
        r = open_reader(text, n, format, e);
        rc = m != NULL && r != NULL ? 1 : e->code;
        tide_block_runs_init(runs, tide_machine_geometry(c));
    }
    if (rc > 0 && fragments && engine == TIDE_ENGINE_FAST &&
        tide_block_runs_take_fragments(tide_machine_geometry(c)))
        tide_reader_take_fragments(r);
    while (rc > 0 && (rc = tide_reader_next(r, b, e)) > 0) {
        tide_block_expand(b, 0, b->n_accesses, accesses);
        out->fragments += b->dictionary != NULL ? b->n_fragments : 0;
        for (size_t i = 0; i < b->n_accesses; i++) {
            const struct tide_access *a = &accesses[i];

            out->crossings += a->addr >> c->page_shift != (a->addr + a->size - 1) >> c->page_shift;
        }
        tide_block_runs_cut(runs, b);
        rc = tide_machine_feed(m, b, runs, e);
    }
    if (rc == 0)
        rc = tide_machine_finish(m, e);
    if (rc == 0) {
        tide_machine_counts(m, &out->counts);
        out->status = tide_machine_status_of(m);
        tide_report_machine(&csv, m, out->status);
        out->rows = malloc(csv.text.n + 1);
        if (out->rows == NULL)
            abort();
        memcpy(out->rows, csv.text.bytes, csv.text.n);
        out->rows[csv.text.n] = '\0';
    }
    tide_machine_free(m);
    tide_scan_free(s);
    if (r != NULL)
        tide_reader_close(r);
    tide_csv_fini(&csv);
    return rc;
}

char *as_tide(const char *text, size_t n, const char *format, size_t *out_n, struct tide_error *e)
{
    char path[] = "/tmp/pagetide-replay-XXXXXX", *bytes = NULL;
    struct tide_sink_options options = {0};
    struct tide_block *b = malloc(sizeof *b);
    struct tide_reader *r = open_reader(text, n, format, e);
    int fd = mkstemp(path), rc = 1;
    struct tide_sink *sink = r != NULL ? tide_sink_open("tide", path, &options, e) : NULL;
    off_t size;

    while (sink != NULL && rc > 0 && (rc = tide_reader_next(r, b, e)) > 0)
        rc = tide_sink_put(sink, b, NULL, e) == 0 ? 1 : e->code;
    if (sink != NULL && rc == 0 && tide_sink_finish(sink, e) == 0) {
        close(fd);
        fd = open(path, O_RDONLY);
        size = lseek(fd, 0, SEEK_END);
        bytes = malloc((size_t)size);
        if (bytes == NULL || pread(fd, bytes, (size_t)size, 0) != size)
            abort();
        *out_n = (size_t)size;
    }
    close(fd);
    unlink(path);
    if (r != NULL)
        tide_reader_close(r);
    free(b);
    return bytes;
}

int replay(const char *text, size_t n, const char *format, const struct tide_machine_config *c,
           enum tide_engine engine, struct replay *out, struct tide_error *e)
{
    return replay_as(text, n, format, c, engine, true, out, e);
}

int replay_accesses(const char *text, size_t n, const char *format,
                    const struct tide_machine_config *c, struct replay *out, struct tide_error *e)
{
    return replay_as(text, n, format, c, TIDE_ENGINE_FAST, false, out, e);
}

void replay_free(struct replay *r)
{
    free(r->rows);
    *r = (struct replay){0};
}
