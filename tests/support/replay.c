/* A trace in memory through one machine: see replay.h. */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "pager/scan.h"
#include "report/machine.h"
#include "trace/reader.h"

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
                         c->policy->observes == TIDE_OBSERVES_FUTURE, e);
    if (*out == NULL)
        rc = e->code;
    while (rc > 0 && (rc = tide_reader_next(r, b, e)) > 0)
        rc = tide_scan_feed(*out, b, NULL, e);
    tide_reader_close(r);
    return rc < 0 ? rc : tide_scan_finish(*out, e);
}

int replay(const char *text, size_t n, const char *format, const struct tide_machine_config *c,
           enum tide_engine engine, struct replay *out, struct tide_error *e)
{
    struct tide_csv csv = {0};
    struct tide_machine_watch watch = {.context = &csv, .sample = keep_sample};
    struct tide_block *b = malloc(sizeof *b);
    struct tide_block_runs *runs = malloc(sizeof *runs);
    struct tide_scan *s = NULL;
    struct tide_machine *m = NULL;
    struct tide_reader *r = NULL;
    int rc;

    *out = (struct replay){0};
    if (b == NULL || runs == NULL)
        abort();
    rc = scan(text, n, format, c, b, &s, e);
    if (rc == 0) {
        m = tide_machine_new(c, engine, tide_scan_distinct_pages(s), tide_scan_future(s), &watch,
                             e);
        r = open_reader(text, n, format, e);
        rc = m != NULL && r != NULL ? 1 : e->code;
        tide_block_runs_init(runs, tide_machine_geometry(c));
    }
    while (rc > 0 && (rc = tide_reader_next(r, b, e)) > 0) {
        for (size_t i = 0; i < b->n_accesses; i++) {
            const struct tide_access *a = &b->accesses[i];

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
    free(runs);
    free(b);
    return rc;
}

void replay_free(struct replay *r)
{
    free(r->rows);
    *r = (struct replay){0};
}
