/* Batches: see batch.h. Trace after trace: plan (what is finished, what is repeated), scan, replay,
 * conclude; experiment after experiment: assemble. */
#include "batch/batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"
#include "batch/feed.h"
#include "batch/sizes.h"
#include "batch/spool.h"
#include "batch/store.h"
#include "pager/reduced.h"
#include "pager/scan.h"
#include "report/curves.h"
#include "report/json.h"
#include "report/machine.h"
#include "trace/reader.h"

enum { PROGRESS_PERIOD_MS = 200, DRAIN_BYTES = 65536 };

struct batch {
    const struct tide_batch_options *o;
    size_t trace_index, n_traces;
    int64_t progress_ms; /* when progress was last told */
    size_t n_damaged, n_oom;
    bool faults_only; /* is all that is wanted */
};

/* One machine on the trace at hand. */
struct run {
    struct replay *replay;
    const struct tide_machine_config *config;
    struct tide_geometry geometry;
    struct tide_run_result *result;
    uint64_t hash;     /* of the resolved machine: the trace's content makes it the id */
    bool finished;     /* taken over, or in the store */
    size_t same;       /* index of the first run with an equal machine, perhaps its own */
    struct scan *scan; /* NULL: none needed */
    struct tide_machine *machine;
    struct tide_rows rows;           /* with a store */
    bool admitted;                   /* the trace may be fed to this machine */
    struct tide_reduction reduction; /* of the trace */
};

/* A scan that several machines share. */
struct scan {
    struct tide_geometry geometry;
    uint64_t skip, warmup, limit;
    unsigned futures; /* enum tide_future_time, added up */
    struct tide_scan *scan;
};

/* The curves of one page size. */
struct curve_job {
    struct replay *replay;
    const struct tide_curve_plan *plan;
    struct tide_run_result *result; /* id, variant, status: for the store */
    bool finished;                  /* taken over */
    struct tide_curves *curves;
    struct tide_series *series; /* NULL: none wanted */
    struct tide_rows rows;      /* with a store */
    bool admitted;
    struct scan *scan;       /* with a plan of sizes that needs one */
    struct tide_sized sized; /* with a plan of sizes */
};

/* One trace and its machines. */
struct replay {
    struct batch *batch;
    const struct tide_store *store; /* NULL: no files */
    const char *path, *name, *format;
    const struct tide_reader *reader; /* while it is fed */
    const char *open_path;            /* `path`, or where standard input is spooled */
    int spool;                        /* descriptor of the spooled input, -1 */
    char spool_path[TIDE_SPOOL_PATH];
    struct run *runs;
    size_t n, n_made;
    struct curve_job *jobs;
    size_t n_jobs;
    struct scan *scans;
    size_t n_scans;
    bool scanning;
    bool one_pass; /* stands for all machines (batch/sizes.h) */
    const struct tide_machine_config *machines;
    bool known; /* content has been determined */
    struct tide_content content;
    char *json; /* the trace's entry of run.json, own memory */
    bool damaged;
};

static bool is_stdin(const char *path)
{
    return strcmp(path, "-") == 0;
}

static const char *trace_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (is_stdin(path))
        return "stdin";
    return slash != NULL ? slash + 1 : path;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void notice(const struct batch *b, const char *text)
{
    if (b->o->watch.notice != NULL)
        b->o->watch.notice(b->o->watch.context, text);
}

/* ---- reading ---- */

/* Messages about the spooled file speak of what the user gave. */
static void name_stdin(const struct replay *t, struct tide_error *e)
{
    char rest[sizeof e->where];
    size_t n = strlen(t->spool_path);

    if (t->spool < 0 || strncmp(e->where, t->spool_path, n) != 0)
        return;
    snprintf(rest, sizeof rest, "%s", e->where + n);
    snprintf(e->where, sizeof e->where, "standard input%.480s", rest);
}

static struct tide_reader *open_reader(const struct replay *t, struct tide_error *e)
{
    struct tide_stream *s = tide_stream_open(t->open_path, e);
    struct tide_reader *r = s != NULL ? tide_reader_open(s, t->format, e) : NULL;

    if (r == NULL)
        name_stdin(t, e);
    return r;
}

static void tell_progress(const struct replay *t, struct tide_reader *r, uint64_t accesses)
{
    const struct tide_batch_watch *w = &t->batch->o->watch;
    struct tide_stream *s = tide_reader_stream(r);

    if (w->progress == NULL)
        return;
    t->batch->progress_ms = now_ms();
    w->progress(w->context, &(struct tide_progress){.trace = t->path,
                                                    .trace_index = t->batch->trace_index,
                                                    .n_traces = t->batch->n_traces,
                                                    .scanning = t->scanning,
                                                    .raw_bytes = tide_stream_raw_offset(s),
                                                    .raw_size = tide_stream_raw_size(s),
                                                    .accesses = accesses,
                                                    .machines = t->n_made});
}

static void progress(void *context, struct tide_reader *r, uint64_t accesses)
{
    struct replay *t = context;

    if (now_ms() - t->batch->progress_ms >= PROGRESS_PERIOD_MS)
        tell_progress(t, r, accesses);
}

/* A failure of a feed is fatal; that of the trace is not, it is left in the feed. */
static int feed(struct replay *t, struct tide_feed *f, struct tide_error *e)
{
    int rc;

    f->reader = open_reader(t, e);
    if (f->reader == NULL)
        return e->code;
    t->reader = f->reader;
    f->jobs = t->batch->o->jobs;
    f->progress = progress;
    f->progress_context = t;
    rc = tide_feed_run(f, e);
    name_stdin(t, &f->trace_error);
    return rc;
}

/* Reads on to the end, or to damage: the content is what can be inflated. */
static int drain(struct tide_stream *s, struct tide_content *c, struct tide_error *e)
{
    char *piece = tide_malloc(DRAIN_BYTES);

    if (piece == NULL)
        return tide_nomem(e);
    while (tide_stream_read(s, piece, DRAIN_BYTES, NULL) > 0)
        continue;
    free(piece);
    *c = (struct tide_content){.crc = tide_stream_crc32(s), .bytes = tide_stream_offset(s)};
    return 0;
}

/* ---- plan ---- */

/* Byte by byte, lowest first: the same on every host. */
static uint64_t hash_u64(uint64_t h, uint64_t v)
{
    unsigned char bytes[8];

    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(v >> (8 * i));
    return tide_hash_bytes(h, bytes, sizeof bytes);
}

static uint64_t hash_machine(const char *resolved, const struct tide_machine_config *c)
{
    uint64_t h = tide_hash_bytes(TIDE_HASH_START, resolved, strlen(resolved) + 1);

    return hash_u64(hash_u64(hash_u64(h, c->skip), c->warmup), c->limit);
}

/* A forced format may read other accesses from the same bytes. */
static uint32_t hash_variant(const struct tide_machine_config *c, const char *format)
{
    uint64_t h = hash_u64(TIDE_HASH_START, c->interval);

    return (uint32_t)(format != NULL ? tide_hash_bytes(h, format, strlen(format)) : h);
}

static void set_result_id(struct tide_run_result *result, uint64_t hash,
                          const struct tide_content *c)
{
    uint64_t h = tide_hash64(hash_u64(hash_u64(hash, c->crc), c->bytes));

    snprintf(result->id, sizeof result->id, "%0*" PRIx64, TIDE_RUN_ID_DIGITS,
             h >> (64 - 4 * TIDE_RUN_ID_DIGITS));
}

static void set_id(struct run *r, const struct tide_content *c)
{
    set_result_id(r->result, r->hash, c);
}

static uint64_t hash_sizes(uint64_t h, const struct tide_size_plan *p)
{
    if (p == NULL)
        return h;
    for (size_t i = 0; i < p->n_policies; i++) {
        const struct tide_machine_config *c = &p->policies[i];

        h = tide_hash_bytes(h, p->names[i], strlen(p->names[i]) + 1);
        h = hash_u64(hash_u64(h, c->seed), c->references);
    }
    for (size_t i = 0; i < p->n_frames; i++)
        h = hash_u64(hash_u64(h, p->frames[i].is_share), p->frames[i].value);
    return h;
}

static void set_curve_id(struct curve_job *job, const struct tide_content *c)
{
    const struct tide_curves_config *k = &job->plan->curves;
    const uint64_t words[] = {
        k->geometry.page_shift, k->geometry.va_bits, k->skip, k->warmup, k->limit, k->which,
        job->plan->n_taus,      job->plan->interval};
    uint64_t h = tide_hash_bytes(TIDE_HASH_START, "curves", strlen("curves"));

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        h = hash_u64(h, words[i]);
    for (size_t i = 0; i < job->plan->n_taus; i++)
        h = hash_u64(h, job->plan->taus[i]);
    h = hash_sizes(h, job->plan->sizes);
    set_result_id(job->result, h, c);
}

/* The row of summary.csv: what the stored one lacks goes in front. */
static int set_summary(const struct replay *t, struct tide_run_result *result, const char *stored,
                       struct tide_error *e)
{
    struct tide_text row = {0};

    tide_text_printf(&row, "%s,", result->id);
    tide_csv_quote(&row, t->name);
    tide_text_printf(&row, ",%s", stored);
    if (row.failed) {
        tide_text_fini(&row);
        return tide_nomem(e);
    }
    result->summary = row.bytes;
    return 0;
}

/* Finds the runs of this trace that an earlier batch finished. */
static int take_over(struct replay *t, struct tide_error *e)
{
    int rc = tide_store_recall(t->store, t->path, &t->content, &t->json, e);

    if (rc == 0) {
        struct tide_stream *s = tide_stream_open(t->open_path, e);

        if (s == NULL)
            return e->code;
        rc = drain(s, &t->content, e);
        tide_stream_close(s);
    }
    t->known = rc >= 0;
    for (size_t i = 0; i < t->n && rc >= 0; i++) {
        struct run *r = &t->runs[i];
        char *stored;

        set_id(r, &t->content);
        rc = tide_store_find(t->store, r->result, &stored, e);
        /* What a damaged trace gave is made again, so that its damage is told again. */
        if (rc == 1 && r->result->status != TIDE_STATUS_PARTIAL) {
            r->result->faults = r->result->counts.faults_minor + r->result->counts.faults_major;
            rc = set_summary(t, r->result, stored, e);
            r->finished = r->result->resumed = true;
        }
        free(stored);
    }
    for (size_t i = 0; i < t->n_jobs && rc >= 0; i++) {
        struct curve_job *job = &t->jobs[i];

        set_curve_id(job, &t->content);
        rc = tide_store_find(t->store, job->result, NULL, e);
        job->finished = rc == 1 && job->result->status != TIDE_STATUS_PARTIAL;
    }
    return rc < 0 ? rc : 0;
}

static bool makes(const struct replay *t, const struct run *r)
{
    return !r->finished && r == &t->runs[r->same];
}

static enum tide_future_time needs_future(const struct run *r)
{
    return r->replay->one_pass ? TIDE_FUTURE_NONE : tide_machine_needs_future(r->config);
}

static bool needs_scan(const struct run *r)
{
    return needs_future(r) != TIDE_FUTURE_NONE || tide_machine_needs_pages(r->config);
}

/* The scan of a part of the trace, planned if it is not yet there. */
static struct scan *scan_of(struct replay *t, struct tide_geometry g, uint64_t skip,
                            uint64_t warmup, uint64_t limit)
{
    size_t k;

    for (k = 0; k < t->n_scans; k++) {
        const struct scan *s = &t->scans[k];

        if (s->geometry.page_shift == g.page_shift && s->geometry.va_bits == g.va_bits &&
            s->skip == skip && s->warmup == warmup && s->limit == limit)
            return &t->scans[k];
    }
    t->scans[t->n_scans++] =
        (struct scan){.geometry = g, .skip = skip, .warmup = warmup, .limit = limit};
    return &t->scans[k];
}

/* Which scans there are, and who uses which. */
static int plan_scans(struct replay *t, struct tide_error *e)
{
    t->scans = tide_calloc(t->n + t->n_jobs, sizeof *t->scans);
    if (t->scans == NULL)
        return tide_nomem(e);
    for (size_t i = 0; i < t->n; i++) {
        struct run *r = &t->runs[i];
        const struct tide_machine_config *c = r->config;

        if (!makes(t, r) || !needs_scan(r))
            continue;
        r->scan = scan_of(t, r->geometry, c->skip, c->warmup, c->limit);
        r->scan->futures |= needs_future(r);
    }
    for (size_t i = 0; i < t->n_jobs; i++) {
        struct curve_job *job = &t->jobs[i];
        const struct tide_curves_config *c = &job->plan->curves;

        if (!job->finished && job->plan->sizes != NULL && tide_sized_needs_pages(job->plan->sizes))
            job->scan = scan_of(t, c->geometry, c->skip, c->warmup, c->limit);
    }
    return 0;
}

static int spool(struct replay *t, struct tide_error *e)
{
    int rc;

    notice(t->batch, "standard input is read twice, so it is kept in TMPDIR meanwhile");
    rc = tide_spool_stdin(&t->spool, t->spool_path, e);
    if (rc != 0)
        t->spool = -1;
    else
        t->open_path = t->spool_path;
    return rc;
}

static int plan(struct replay *t, struct tide_error *e)
{
    bool resume = t->store != NULL && t->store->has_rows;
    int rc = 0;

    for (size_t i = 0; i < t->n; i++) {
        size_t k = 0;

        while (t->store != NULL && (t->runs[k].hash != t->runs[i].hash ||
                                    t->runs[k].result->variant != t->runs[i].result->variant))
            k++;
        t->runs[i].same = t->store != NULL ? k : i;
    }
    if (is_stdin(t->path) && resume)
        rc = spool(t, e);
    if (rc == 0 && resume)
        rc = take_over(t, e);
    t->one_pass = t->batch->faults_only && t->batch->o->engine == TIDE_ENGINE_FAST &&
                  tide_sizes_can(t->machines, t->n);
    if (rc == 0)
        rc = plan_scans(t, e);
    for (size_t i = 0; i < t->n; i++)
        t->n_made += makes(t, &t->runs[i]);
    if (rc == 0 && is_stdin(t->path) && t->n_scans > 0 && t->spool < 0)
        rc = spool(t, e);
    return rc;
}

/* ---- scan ---- */

static int take_scan(void *context, const struct tide_block *b, const struct tide_block_runs *runs,
                     struct tide_error *e)
{
    const struct scan *s = context;

    return tide_scan_feed(s->scan, b, runs, e);
}

static int scan(struct replay *t, struct tide_error *e)
{
    struct tide_feed f = {.n = t->n_scans};
    int rc = 0;

    if (t->n_scans == 0)
        return 0;
    f.consumers = tide_calloc(t->n_scans, sizeof *f.consumers);
    if (f.consumers == NULL)
        return tide_nomem(e);
    t->scanning = true;
    for (size_t k = 0; k < t->n_scans && rc == 0; k++) {
        struct scan *s = &t->scans[k];

        f.consumers[k] =
            (struct tide_consumer){.context = s, .take = take_scan, .geometry = &s->geometry};
        s->scan = tide_scan_new(s->geometry, s->skip, s->warmup, s->limit, s->futures, e);
        if (s->scan == NULL)
            rc = e->code;
    }
    if (rc == 0)
        rc = feed(t, &f, e);
    if (f.reader != NULL)
        tide_reader_close(f.reader);
    /* A damaged trace is scanned as far as it will be replayed; the replay tells. */
    for (size_t k = 0; k < t->n_scans && rc == 0; k++)
        rc = tide_scan_finish(t->scans[k].scan, e);
    t->scanning = false;
    free(f.consumers);
    return rc;
}

/* ---- replay ---- */

static int sample(void *context, const struct tide_machine *m, const struct tide_sample *s,
                  struct tide_error *e)
{
    struct run *r = context;

    tide_report_sample(&r->rows.csv, m, s);
    return tide_rows_flush(&r->rows, e);
}

/* What the trace says about itself is known with its first block. */
static int parse_reduction(const struct replay *t, struct tide_reduction *out, struct tide_error *e)
{
    const char *text = tide_reader_info(t->reader)->reduction;

    if (tide_reduction_parse(text, out))
        return 0;
    tide_fail(e, TIDE_E_TRACE, "the trace is reduced in an unknown way: %.200s", text);
    tide_error_where(e, "%s", t->path);
    return TIDE_E_TRACE;
}

static int admit(struct run *r, struct tide_error *e)
{
    int rc = parse_reduction(r->replay, &r->reduction, e);

    if (rc != 0)
        return rc;
    rc = tide_reduced_check(&r->reduction, r->config, tide_machine_frames(r->machine), e);
    if (rc != 0)
        tide_error_where(e, "%s", r->replay->path);
    r->admitted = rc == 0;
    return rc;
}

static int take_machine(void *context, const struct tide_block *b,
                        const struct tide_block_runs *runs, struct tide_error *e)
{
    struct run *r = context;
    int rc = r->admitted ? 0 : admit(r, e);

    if (rc != 0)
        return rc;
    return tide_machine_feed(r->machine, b, runs, e);
}

/* ---- curves ---- */

static struct tide_csv *begin_row(void *context, enum tide_table table)
{
    struct curve_job *job = context;

    tide_text_printf(&job->rows.csv.text, "%s,", tide_tables[table].name);
    tide_csv_begin(&job->rows.csv, table, TIDE_CURVE_FIRST_COLUMN);
    return &job->rows.csv;
}

static int end_row(void *context, enum tide_table table, struct tide_error *e)
{
    struct curve_job *job = context;

    (void)table;
    return tide_rows_flush(&job->rows, e);
}

static int take_sample(void *context, uint64_t vtime, const uint64_t *pages, struct tide_error *e)
{
    struct curve_job *job = context;
    const struct tide_curve_rows rows = {.context = job, .begin = begin_row, .end = end_row};

    return tide_report_series(&job->plan->curves, vtime, job->plan->taus, pages, job->plan->n_taus,
                              &rows, e);
}

static int take_series(void *context, const struct tide_page_ref *refs, size_t n, size_t n_ids,
                       struct tide_error *e)
{
    return tide_series_take(context, refs, n, n_ids, e);
}

/* A reduced trace lacks what working sets are made of, and small sizes. */
static int admit_curves(struct curve_job *job, struct tide_error *e)
{
    const char *text = tide_reader_info(job->replay->reader)->reduction;
    int rc;

    job->admitted = text[0] == '\0';
    if (job->admitted)
        return 0;
    rc = tide_fail(e, TIDE_E_CONFIG,
                   "the trace is reduced (%.200s): its curves are not those of "
                   "the whole trace",
                   text);
    tide_error_remedy(e, "take the curves of the trace that it was made from");
    tide_error_where(e, "%s", job->replay->path);
    return rc;
}

static int take_curves(void *context, const struct tide_block *b,
                       const struct tide_block_runs *runs, struct tide_error *e)
{
    struct curve_job *job = context;
    int rc = job->admitted ? 0 : admit_curves(job, e);

    return rc != 0 ? rc : tide_curves_feed(job->curves, b, runs, e);
}

static int start_curves(struct curve_job *job, size_t number, struct tide_error *e)
{
    const struct tide_curve_plan *plan = job->plan;
    const struct tide_series_config series = {.interval = plan->interval,
                                              .taus = plan->taus,
                                              .n_taus = plan->n_taus,
                                              .context = job,
                                              .sample = take_sample};
    int rc =
        job->replay->store != NULL ? tide_rows_open(&job->rows, job->replay->store, number, e) : 0;

    if (rc != 0)
        return rc;
    job->curves = tide_curves_new(&plan->curves, e);
    if (job->curves == NULL)
        return e->code;
    if (plan->n_taus == 0 || job->replay->store == NULL)
        return 0;
    job->series = tide_series_new(&series, e);
    if (job->series == NULL)
        return e->code;
    tide_curves_add(job->curves,
                    (struct tide_curve_consumer){.context = job->series, .take = take_series});
    return 0;
}

static int note_empty(const struct curve_job *job, struct tide_error *e)
{
    char *text;

    if (tide_curves_references(job->curves) > 0)
        return 0;
    text = tide_asprintf("%s: the curves counted nothing: the trace ended in skip or warm-up",
                         job->replay->name);
    if (text == NULL)
        return tide_nomem(e);
    notice(job->replay->batch, text);
    free(text);
    return 0;
}

/* `cut`: the trace was damaged before the curves had all they wanted. */
static int finish_curves(struct curve_job *job, bool cut, struct tide_error *e)
{
    const struct tide_batch_options *o = job->replay->batch->o;
    const struct tide_curve_rows rows = {.context = job, .begin = begin_row, .end = end_row};
    const struct tide_size_table *sizes = job->plan->sizes != NULL ? &job->sized.table : NULL;
    int rc = sizes != NULL ? tide_curves_end(job->curves, e) : tide_curves_finish(job->curves, e);

    job->result->status = cut ? TIDE_STATUS_PARTIAL : TIDE_STATUS_OK;
    if (rc == 0 && job->series != NULL)
        rc = tide_series_finish(job->series, e);
    if (rc == 0 && job->replay->store != NULL)
        rc = tide_report_curves(job->curves, &rows, e);
    if (rc == 0 && job->replay->store != NULL && sizes != NULL)
        rc = tide_report_sizes(&job->plan->curves, sizes, &rows, e);
    if (rc == 0 && o->curves != NULL)
        o->curves(o->curves_context, job->curves, sizes, cut);
    if (rc == 0 && job->replay->n == 0) /* where there are runs, these say it */
        rc = note_empty(job, e);
    return rc;
}

static void free_curves(struct curve_job *job)
{
    tide_series_free(job->series);
    tide_curves_free(job->curves);
    tide_sized_fini(&job->sized);
    tide_rows_close(&job->rows);
}

/* ---- replay, again ---- */

static int start(struct run *r, size_t number, struct tide_error *e)
{
    const struct replay *t = r->replay;
    struct tide_machine_watch watch = {.context = r, .sample = sample};
    uint64_t distinct = 0;
    struct tide_future *future = NULL;

    if (t->store != NULL) {
        int rc = tide_rows_open(&r->rows, t->store, number, e);

        if (rc != 0)
            return rc;
    }
    if (r->scan != NULL) {
        distinct = tide_scan_distinct_pages(r->scan->scan);
        future = tide_scan_future(r->scan->scan, needs_future(r));
    }
    r->machine = tide_machine_new(r->config, t->batch->o->engine, distinct, future,
                                  t->store != NULL ? &watch : NULL, e);
    return r->machine != NULL ? 0 : e->code;
}

/* The run is over: its last rows and its result. */
static int finish(struct run *r, bool cut, struct tide_error *e)
{
    struct tide_run_result *result = r->result;
    struct tide_csv row = {0};
    int rc = tide_machine_finish(r->machine, e);

    if (rc != 0)
        return rc;
    result->status = tide_machine_status_of(r->machine);
    if (result->status == TIDE_STATUS_OK && cut)
        result->status = TIDE_STATUS_PARTIAL;
    result->frames = tide_machine_frames(r->machine);
    result->cycles = tide_machine_cycles(r->machine);
    tide_machine_counts(r->machine, &result->counts);
    result->faults = result->counts.faults_minor + result->counts.faults_major;
    rc = tide_reduced_check_counts(&r->reduction, &result->counts, e);
    if (rc != 0) {
        tide_error_where(e, "%s", r->replay->path);
        return rc;
    }
    if (r->replay->store != NULL) {
        tide_report_machine(&r->rows.csv, r->machine, result->status);
        rc = tide_rows_flush(&r->rows, e);
    }
    tide_report_summary(&row, r->machine, result->status);
    if (rc == 0 && row.text.failed)
        rc = tide_nomem(e);
    if (rc == 0) {
        row.text.bytes[row.text.n - 1] = '\0';
        rc = set_summary(r->replay, result, row.text.bytes, e);
    }
    tide_csv_fini(&row);
    return rc;
}

static const char *const kind_names[TIDE_KINDS] = {"fetches", "reads", "writes", "modifies"};

/* The trace's entry of run.json. `r` NULL: its runs were all finished before. */
static int describe(struct replay *t, const struct tide_reader *r, const struct tide_feed *f,
                    struct tide_error *e)
{
    struct tide_json j = {.depth = 2};
    char crc[16];

    snprintf(crc, sizeof crc, "%08" PRIx32, t->content.crc);
    tide_json_open(&j, NULL, '{');
    tide_json_string(&j, "path", t->path);
    tide_json_string(&j, "content_crc32", crc);
    tide_json_u64(&j, "content_bytes", t->content.bytes);
    if (r != NULL) {
        const struct tide_trace_info *info = tide_reader_info(r);

        tide_json_string(&j, "format", info->format);
        tide_json_string(&j, "command", info->command[0] != '\0' ? info->command : NULL);
        tide_json_bool(&j, "has_layout", info->has_layout);
        tide_json_bool(&j, "has_syscalls", info->has_syscalls);
        tide_json_open(&j, "accesses_read", '{');
        for (size_t k = 0; k < TIDE_KINDS; k++)
            tide_json_u64(&j, kind_names[k], info->accesses[k]);
        tide_json_close(&j, '}');
        tide_json_open(&j, "events_read", '{');
        for (size_t k = 0; k < TIDE_EV_TYPES; k++)
            tide_json_u64(&j, tide_event_names[k], info->events[k]);
        tide_json_close(&j, '}');
        tide_json_u64(&j, "other_lines", info->other_lines);
        tide_json_u64(&j, "lost_results", info->lost_results);
        if (f->trace_code < 0) {
            tide_json_open(&j, "damage", '{');
            tide_json_string(&j, "where", f->trace_error.where);
            tide_json_string(&j, "what", f->trace_error.what);
            tide_json_close(&j, '}');
        } else {
            tide_json_string(&j, "damage", NULL);
        }
    }
    tide_json_close(&j, '}');
    if (j.text.failed) {
        tide_json_fini(&j);
        return tide_nomem(e);
    }
    free(t->json);
    t->json = j.text.bytes;
    return 0;
}

/* Puts finished runs into the store. */
static int keep(struct replay *t, const struct tide_feed *f, struct tide_error *e)
{
    int rc = describe(t, f->reader, f, e);

    if (rc == 0 && !t->damaged && !is_stdin(t->path))
        rc = tide_store_note(t->store, t->path, &t->content, t->json, e);
    for (size_t i = 0; i < t->n && rc == 0; i++) {
        if (makes(t, &t->runs[i]))
            rc = tide_rows_commit(&t->runs[i].rows, t->store, t->runs[i].result, e);
    }
    for (size_t i = 0; i < t->n_jobs && rc == 0; i++) {
        if (!t->jobs[i].finished)
            rc = tide_rows_commit(&t->jobs[i].rows, t->store, t->jobs[i].result, e);
    }
    return rc;
}

static void tell_damage(struct replay *t, const struct tide_error *error)
{
    t->damaged = true;
    t->batch->n_damaged++;
    if (t->batch->o->watch.damaged != NULL)
        t->batch->o->watch.damaged(t->batch->o->watch.context, t->path, error);
}

/* Results of the runs that were made; their consumers stand in the same order. */
static int conclude(struct replay *t, struct tide_feed *f, struct tide_error *e)
{
    size_t made = 0;
    int rc = 0;

    if (f->trace_code < 0)
        tell_damage(t, &f->trace_error);
    tell_progress(t, f->reader, f->accesses);
    if (t->store != NULL && !t->known)
        rc = drain(tide_reader_stream(f->reader), &t->content, e);
    for (size_t i = 0; i < t->n && rc == 0; i++) {
        struct run *r = &t->runs[i];

        if (t->store != NULL)
            set_id(r, &t->content);
        if (makes(t, r)) {
            const struct tide_consumer *c = &f->consumers[made++];

            rc = finish(r, c->damaged || (t->damaged && !c->enough), e);
        }
    }
    for (size_t i = 0; i < t->n_jobs && rc == 0; i++) {
        struct curve_job *job = &t->jobs[i];

        if (t->store != NULL)
            set_curve_id(job, &t->content);
        if (!job->finished) {
            const struct tide_consumer *c = &f->consumers[made++];

            rc = finish_curves(job, c->damaged || (t->damaged && !c->enough), e);
        }
    }
    return rc == 0 && t->store != NULL ? keep(t, f, e) : rc;
}

/* ---- one pass for many sizes ---- */

static int begin_job(void *context, struct tide_error *e)
{
    return admit_curves(context, e);
}

static void job_progress(void *context, struct tide_reader *r, uint64_t accesses)
{
    progress(((struct curve_job *)context)->replay, r, accesses);
}

/* A feed as of curves alone, but through one pass that has policies at sizes too. */
static int feed_sized(struct curve_job *job, struct tide_feed *f, struct tide_error *e)
{
    struct replay *t = job->replay;
    struct tide_sizes_feed sf = {
        .jobs = t->batch->o->jobs, .begin = begin_job, .progress = job_progress, .context = job};
    struct tide_sizes *sizes = NULL;
    uint64_t pages = job->scan != NULL ? tide_scan_distinct_pages(job->scan->scan) : 0;
    int rc = tide_sized_init(&job->sized, job->plan, pages, e);

    if (rc != 0)
        return rc;
    sizes = tide_sizes_new(job->sized.machines, job->sized.n, pages, e);
    f->reader = sizes != NULL ? open_reader(t, e) : NULL;
    rc = f->reader != NULL ? 0 : e->code;
    if (rc == 0) {
        t->reader = sf.reader = f->reader;
        tide_sizes_add_curves(sizes, job->curves);
        rc = tide_sizes_run(sizes, &sf, e);
        f->accesses = sf.accesses;
        f->trace_code = sf.trace_code;
        f->trace_error = sf.trace_error;
        name_stdin(t, &f->trace_error);
        tide_sized_fill(&job->sized, sizes);
    }
    tide_sizes_free(sizes);
    return rc;
}

/* The only job, where it has a plan of sizes: those stand alone. */
static struct curve_job *sized_job(const struct replay *t)
{
    return t->n == 0 && t->n_jobs == 1 && t->jobs[0].plan->sizes != NULL ? &t->jobs[0] : NULL;
}

/* ---- replay, at last ---- */

static struct tide_consumer machine_consumer(struct run *r)
{
    enum tide_machine_food food = tide_machine_takes(r->machine);

    return (struct tide_consumer){.context = r,
                                  .take = take_machine,
                                  .geometry = food == TIDE_TAKES_RUNS ? &r->geometry : NULL,
                                  .accesses = food == TIDE_TAKES_ACCESSES};
}

static int replay(struct replay *t, struct tide_error *e)
{
    struct tide_feed f = {.consumers = tide_calloc(t->n + t->n_jobs, sizeof *f.consumers)};
    int rc = f.consumers == NULL ? tide_nomem(e) : 0;

    for (size_t i = 0; i < t->n && rc == 0; i++) {
        struct run *r = &t->runs[i];

        if (!makes(t, r))
            continue;
        rc = start(r, i, e);
        if (rc == 0)
            f.consumers[f.n++] = machine_consumer(r);
    }
    for (size_t i = 0; i < t->n_jobs && rc == 0; i++) {
        struct curve_job *job = &t->jobs[i];

        if (job->finished)
            continue;
        f.consumers[f.n++] = (struct tide_consumer){
            .context = job, .take = take_curves, .geometry = &job->plan->curves.geometry};
        rc = start_curves(job, t->n + i, e);
    }
    if (rc == 0 && f.n > 0) {
        rc = sized_job(t) != NULL ? feed_sized(sized_job(t), &f, e) : feed(t, &f, e);
        if (rc == 0)
            rc = conclude(t, &f, e);
        if (f.reader != NULL)
            tide_reader_close(f.reader);
    } else if (rc == 0 && t->json == NULL) {
        rc = describe(t, NULL, NULL, e);
    }
    free(f.consumers);
    return rc;
}

/* ---- faults alone ---- */

/* What the trace says about itself may forbid some machine. */
static int admit_sizes(struct replay *t, const struct tide_sizes *sizes, struct tide_error *e)
{
    struct tide_reduction reduction;
    int rc = parse_reduction(t, &reduction, e);

    for (size_t i = 0; i < t->n && rc == 0; i++) {
        t->runs[i].reduction = reduction;
        rc = tide_reduced_check(&reduction, t->runs[i].config, tide_sizes_frames(sizes, i), e);
        if (rc != 0)
            tide_error_where(e, "%s", t->path);
    }
    return rc;
}

struct sizes_feed {
    struct replay *replay;
    struct tide_sizes *sizes;
};

static int begin_sizes(void *context, struct tide_error *e)
{
    struct sizes_feed *f = context;

    return admit_sizes(f->replay, f->sizes, e);
}

static void sizes_progress(void *context, struct tide_reader *r, uint64_t accesses)
{
    progress(((struct sizes_feed *)context)->replay, r, accesses);
}

static int conclude_sizes(struct replay *t, const struct tide_sizes *sizes,
                          struct tide_sizes_feed *f, struct tide_error *e)
{
    struct tide_follow_counts references = tide_sizes_references(sizes);

    if (f->trace_code < 0) {
        name_stdin(t, &f->trace_error);
        tell_damage(t, &f->trace_error);
    }
    tell_progress(t, f->reader, f->accesses);
    for (size_t i = 0; i < t->n; i++) {
        struct tide_run_result *r = t->runs[i].result;
        struct tide_size_counts counts = tide_sizes_counts(sizes, i);
        int rc;

        r->status = t->damaged ? TIDE_STATUS_PARTIAL : TIDE_STATUS_OK;
        r->frames = tide_sizes_frames(sizes, i);
        r->faults = counts.faults;
        r->counts.references = references.references;
        r->counts.evictions = counts.evictions;
        r->counts.writebacks = counts.writebacks;
        r->counts.kinds[TIDE_FAULT_SEGV_NONCANONICAL] = references.noncanonical;
        r->counts.kinds[TIDE_FAULT_SEGV_MAP] = references.faults - references.noncanonical;
        rc = tide_reduced_check_counts(&t->runs[i].reduction, &r->counts, e);
        if (rc != 0) {
            tide_error_where(e, "%s", t->path);
            return rc;
        }
    }
    return 0;
}

static int count_sizes(struct replay *t, struct tide_error *e)
{
    uint64_t distinct = t->n_scans > 0 ? tide_scan_distinct_pages(t->scans[0].scan) : 0;
    struct sizes_feed context = {.replay = t};
    struct tide_sizes_feed f = {.jobs = t->batch->o->jobs,
                                .begin = begin_sizes,
                                .progress = sizes_progress,
                                .context = &context};
    int rc = 0;

    context.sizes = tide_sizes_new(t->machines, t->n, distinct, e);
    if (context.sizes == NULL)
        return e->code;
    f.reader = open_reader(t, e);
    t->reader = f.reader;
    rc = f.reader == NULL ? e->code : tide_sizes_run(context.sizes, &f, e);
    if (rc == 0)
        rc = conclude_sizes(t, context.sizes, &f, e);
    if (f.reader != NULL)
        tide_reader_close(f.reader);
    tide_sizes_free(context.sizes);
    return rc;
}

/* A run that repeats another one has its results too. */
static int repeat(struct replay *t, struct tide_error *e)
{
    for (size_t i = 0; i < t->n; i++) {
        struct run *r = &t->runs[i];
        const struct tide_run_result *from = t->runs[r->same].result;

        if (r->same != i && !r->finished) {
            r->result->status = from->status;
            r->result->frames = from->frames;
            r->result->cycles = from->cycles;
            r->result->counts = from->counts;
            r->result->faults = from->faults;
            r->result->summary = tide_strdup(from->summary);
            if (r->result->summary == NULL)
                return tide_nomem(e);
        }
        t->batch->n_oom += r->result->status == TIDE_STATUS_OOM;
    }
    return 0;
}

static uint64_t segfaults(const struct tide_counts *c)
{
    uint64_t n = 0;

    for (int k = TIDE_FAULT_SEGV_MAP; k <= TIDE_FAULT_SEGV_NONCANONICAL; k++)
        n += c->kinds[k];
    return n;
}

/* What a user could overlook in the tables: a note for each trace, about its worst run. */
static int note_oddities(const struct replay *t, struct tide_error *e)
{
    const struct tide_counts *worst = &t->runs[0].result->counts;
    size_t idle = 0;
    char *text = NULL;

    for (size_t i = 0; i < t->n; i++) {
        const struct tide_counts *c = &t->runs[i].result->counts;

        idle += c->references == 0 && t->runs[i].result->status == TIDE_STATUS_OK;
        if (segfaults(c) > segfaults(worst))
            worst = c;
    }
    if (idle > 0) {
        text =
            tide_asprintf("%s: %zu of %zu runs counted nothing: the trace ended in skip or warm-up",
                          t->name, idle, t->n);
        if (text == NULL)
            return tide_nomem(e);
        notice(t->batch, text);
        free(text);
    }
    if (segfaults(worst) > 0) {
        text = tide_asprintf(
            "%s: %" PRIu64 " of %" PRIu64 " references were segmentation faults, %" PRIu64
            " of them beyond the page table's addresses (faults.csv has the kinds)",
            t->name, segfaults(worst), worst->references,
            worst->kinds[TIDE_FAULT_SEGV_NONCANONICAL]);
        if (text == NULL)
            return tide_nomem(e);
        notice(t->batch, text);
        free(text);
    }
    return 0;
}

/* What is made of one trace. */
struct work {
    const struct tide_machine_config *machines;
    char *const *resolved; /* with a store */
    size_t n;
    struct tide_run_result *results; /* n of them, to be filled */
    const struct tide_curve_plan *curves;
    size_t n_curves;
    struct tide_run_result *curve_results; /* n_curves of them, to be filled */
};

/* All machines and curves on one trace. With a store, *json is filled. */
static int run_trace(struct batch *b, const struct tide_store *store, const char *path,
                     const char *format, const struct work *w, char **json, struct tide_error *e)
{
    size_t n = w->n;
    struct replay t = {.batch = b,
                       .store = store,
                       .path = path,
                       .name = trace_name(path),
                       .format = format,
                       .open_path = path,
                       .spool = -1,
                       .n = n,
                       .machines = w->machines,
                       .n_jobs = w->n_curves};
    int rc;

    t.runs = tide_calloc(n, sizeof *t.runs);
    t.jobs = tide_calloc(t.n_jobs, sizeof *t.jobs);
    if (t.runs == NULL || t.jobs == NULL) {
        free(t.runs);
        free(t.jobs);
        return tide_nomem(e);
    }
    for (size_t i = 0; i < n; i++) {
        t.runs[i] = (struct run){.replay = &t,
                                 .config = &w->machines[i],
                                 .geometry = tide_machine_geometry(&w->machines[i]),
                                 .result = &w->results[i]};
        if (store != NULL) {
            t.runs[i].hash = hash_machine(w->resolved[i], &w->machines[i]);
            w->results[i].variant = hash_variant(&w->machines[i], format);
        }
    }
    for (size_t i = 0; i < t.n_jobs; i++) {
        t.jobs[i] =
            (struct curve_job){.replay = &t, .plan = &w->curves[i], .result = &w->curve_results[i]};
        w->curve_results[i].variant =
            format != NULL ? (uint32_t)tide_hash_bytes(TIDE_HASH_START, format, strlen(format)) : 0;
    }
    rc = plan(&t, e);
    if (rc == 0)
        rc = scan(&t, e);
    if (rc == 0)
        rc = t.one_pass ? count_sizes(&t, e) : replay(&t, e);
    if (rc == 0)
        rc = repeat(&t, e);
    if (rc == 0 && n > 0)
        rc = note_oddities(&t, e);
    for (size_t i = 0; i < n; i++) {
        if (t.runs[i].machine != NULL)
            tide_machine_free(t.runs[i].machine);
        tide_rows_close(&t.runs[i].rows);
    }
    for (size_t i = 0; i < t.n_jobs; i++)
        free_curves(&t.jobs[i]);
    for (size_t k = 0; k < t.n_scans; k++) {
        if (t.scans[k].scan != NULL)
            tide_scan_free(t.scans[k].scan);
    }
    if (t.spool >= 0)
        close(t.spool);
    free(t.scans);
    free(t.runs);
    free(t.jobs);
    if (json != NULL)
        *json = t.json;
    else
        free(t.json);
    b->trace_index++;
    return rc;
}

/* ---- experiments ---- */

struct experiment {
    const struct tide_experiment *x;
    struct tide_store store;
    struct tide_run_result *results;
    struct tide_run_result *curve_results; /* by trace, then by plan */
    char **trace_json;                     /* by trace */
};

static void print_time(time_t t, char *buf, size_t n)
{
    struct tm tm;

    strftime(buf, n, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
}

static void host_json(struct tide_json *j)
{
    struct utsname u;

    tide_json_open(j, "host", '{');
    if (uname(&u) == 0) {
        tide_json_string(j, "name", u.nodename);
        tide_json_string(j, "system", u.sysname);
        tide_json_string(j, "release", u.release);
        tide_json_string(j, "machine", u.machine);
    }
    tide_json_close(j, '}');
}

static void run_json(struct tide_json *j, const struct experiment *x,
                     const struct tide_batch_options *o, time_t started)
{
    size_t n_runs = x->x->n_traces * x->x->n_machines;
    char when[32];

    tide_json_open(j, NULL, '{');
    tide_json_string(j, "program", "pagetide");
    tide_json_string(j, "version", o->version);
    tide_json_string(j, "experiment", x->x->name);
    tide_json_open(j, "command", '[');
    for (size_t i = 0; i < o->n_command; i++)
        tide_json_string(j, NULL, o->command[i]);
    tide_json_close(j, ']');
    print_time(started, when, sizeof when);
    tide_json_string(j, "started", when);
    print_time(time(NULL), when, sizeof when);
    tide_json_string(j, "ended", when);
    host_json(j);
    tide_json_string(j, "engine", o->engine == TIDE_ENGINE_FAST ? "fast" : "plain");
    tide_json_u64(j, "jobs", o->jobs);
    tide_json_bool(j, "resume", o->resume);
    tide_json_open(j, "traces", '[');
    for (size_t i = 0; i < x->x->n_traces; i++)
        tide_json_raw(j, NULL, x->trace_json[i] + strspn(x->trace_json[i], " \n"));
    tide_json_close(j, ']');
    tide_json_open(j, "machines", '[');
    for (size_t i = 0; i < x->x->n_machines; i++) {
        tide_json_open(j, NULL, '{');
        tide_json_u64(j, "seed", x->x->machines[i].seed);
        tide_json_string(j, "resolved", x->x->resolved[i]);
        tide_json_close(j, '}');
    }
    tide_json_close(j, ']');
    tide_json_open(j, "runs", '[');
    for (size_t i = 0; i < n_runs; i++) {
        const struct tide_run_result *r = &x->results[i];

        tide_json_open(j, NULL, '{');
        tide_json_string(j, "run", r->id);
        tide_json_u64(j, "trace", r->trace);
        tide_json_u64(j, "machine", r->machine);
        tide_json_string(j, "status", tide_status_names[r->status]);
        tide_json_bool(j, "resumed", r->resumed);
        tide_json_close(j, '}');
    }
    tide_json_close(j, ']');
    tide_json_close(j, '}');
    tide_text_add(&j->text, "\n", 1);
}

static int assemble(const struct experiment *x, const struct tide_batch_options *o, time_t started,
                    struct tide_error *e)
{
    const char **names = tide_calloc(x->x->n_traces, sizeof *names);
    struct tide_json json = {0};
    struct tide_store_parts parts = {.runs = x->results,
                                     .n_runs = x->x->n_traces * x->x->n_machines,
                                     .curves = x->curve_results,
                                     .n_curves = x->x->n_traces * x->x->n_curves,
                                     .trace_names = names};
    int rc;

    if (names == NULL)
        return tide_nomem(e);
    for (size_t i = 0; i < x->x->n_traces; i++)
        names[i] = trace_name(x->x->traces[i]);
    if (parts.n_runs > 0) {
        run_json(&json, x, o, started);
        parts.json = &json.text;
    }
    rc = tide_store_assemble(&x->store, &parts, e);
    tide_json_fini(&json);
    free(names);
    return rc;
}

static int run_experiment(struct batch *b, struct experiment *x, time_t started,
                          struct tide_error *e)
{
    const struct tide_experiment *c = x->x;
    int rc = 0;

    for (size_t i = 0; i < c->n_traces && rc == 0; i++) {
        const struct work w = {.machines = c->machines,
                               .resolved = c->resolved,
                               .n = c->n_machines,
                               .results = x->results + i * c->n_machines,
                               .curves = c->curves,
                               .n_curves = c->n_curves,
                               .curve_results = x->curve_results + i * c->n_curves};

        rc = run_trace(b, &x->store, c->traces[i], c->trace_format, &w, &x->trace_json[i], e);
    }
    return rc == 0 ? assemble(x, b->o, started, e) : rc;
}

/* A trace that can't even be begun is found before hours of work, not after. */
static int try_traces(const struct tide_experiments *x, struct tide_error *e)
{
    size_t n_stdin = 0;

    for (size_t k = 0; k < x->n; k++) {
        for (size_t i = 0; i < x->list[k].n_traces; i++) {
            const struct replay t = {
                .open_path = x->list[k].traces[i], .format = x->list[k].trace_format, .spool = -1};
            struct tide_reader *r;

            if (is_stdin(t.open_path)) {
                if (++n_stdin > 1)
                    return tide_fail(e, TIDE_E_CONFIG, "standard input can be only one trace");
                continue;
            }
            r = open_reader(&t, e);
            if (r == NULL)
                return e->code;
            tide_reader_close(r);
        }
    }
    return 0;
}

static int open_experiments(const struct tide_experiments *x, const struct tide_batch_options *o,
                            struct experiment *list, struct tide_batch_results *out,
                            struct tide_error *e)
{
    size_t n_runs = 0;

    for (size_t k = 0; k < x->n; k++)
        n_runs += x->list[k].n_traces * x->list[k].n_machines;
    out->runs = tide_calloc(n_runs, sizeof *out->runs);
    if (out->runs == NULL)
        return tide_nomem(e);
    for (size_t k = 0; k < x->n; k++) {
        struct experiment *ex = &list[k];
        int rc;

        ex->x = &x->list[k];
        ex->results = out->runs + out->n;
        for (size_t i = 0; i < ex->x->n_traces * ex->x->n_machines; i++)
            out->runs[out->n++] = (struct tide_run_result){
                .experiment = k, .trace = i / ex->x->n_machines, .machine = i % ex->x->n_machines};
        ex->trace_json = tide_calloc(ex->x->n_traces, sizeof *ex->trace_json);
        ex->curve_results =
            tide_calloc(ex->x->n_traces * ex->x->n_curves, sizeof *ex->curve_results);
        if (ex->trace_json == NULL || ex->curve_results == NULL)
            return tide_nomem(e);
        for (size_t i = 0; i < ex->x->n_traces * ex->x->n_curves; i++)
            ex->curve_results[i].trace = i / ex->x->n_curves;
        rc = tide_store_open(&ex->store, ex->x->output_dir, o->version, o->resume, e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Complete, but perhaps not as hoped. */
static int verdict(const struct batch *b, size_t n_runs, struct tide_error *e)
{
    if (b->n_damaged > 0) {
        tide_fail(e, TIDE_E_TRACE, "%zu of %zu traces could be read only in part", b->n_damaged,
                  b->n_traces);
        tide_error_remedy(e,
                          "their runs have status partial, and runs and curves say what was read");
        return TIDE_E_TRACE;
    }
    if (b->n_oom > 0) {
        tide_fail(e, TIDE_E_RUN, "%zu of %zu runs ran out of simulated memory", b->n_oom, n_runs);
        tide_error_remedy(e, "their status is oom: they say what happened until then; a larger "
                             "'memory' lets them run on");
        return TIDE_E_RUN;
    }
    return 0;
}

int tide_batch_run(const struct tide_experiments *x, const struct tide_batch_options *o,
                   struct tide_batch_results *out, struct tide_error *e)
{
    struct tide_error local = {0};
    struct batch b = {.o = o};
    struct experiment *list = tide_calloc(x->n, sizeof *list);
    time_t started = time(NULL);
    int rc;

    *out = (struct tide_batch_results){0};
    e = e != NULL ? e : &local;
    if (list == NULL)
        return tide_nomem(e);
    for (size_t k = 0; k < x->n; k++) {
        list[k].store = TIDE_STORE_NONE;
        b.n_traces += x->list[k].n_traces;
    }
    rc = try_traces(x, e);
    if (rc == 0)
        rc = open_experiments(x, o, list, out, e);
    for (size_t k = 0; k < x->n && rc == 0; k++)
        rc = run_experiment(&b, &list[k], started, e);
    /* Only now: until the last experiment is there, a resumed batch needs the first one's runs. */
    for (size_t k = 0; k < x->n && rc == 0; k++)
        rc = tide_store_remove(&list[k].store, e);
    for (size_t k = 0; k < x->n; k++) {
        for (size_t i = 0; list[k].trace_json != NULL && i < list[k].x->n_traces; i++)
            free(list[k].trace_json[i]);
        free(list[k].trace_json);
        free(list[k].curve_results);
        tide_store_close(&list[k].store);
    }
    free(list);
    if (rc != 0) {
        tide_batch_results_free(out);
        return rc;
    }
    return verdict(&b, out->n, e);
}

static int compare(bool faults_only, const char *trace, const char *format,
                   const struct tide_machine_config *machines, size_t n,
                   const struct tide_batch_options *o, struct tide_batch_results *out,
                   struct tide_error *e)
{
    struct tide_error local = {0};
    struct batch b = {.o = o, .n_traces = 1, .faults_only = faults_only};
    int rc;

    e = e != NULL ? e : &local;
    *out = (struct tide_batch_results){.runs = tide_calloc(n, sizeof *out->runs), .n = n};
    if (out->runs == NULL) {
        out->n = 0;
        return tide_nomem(e);
    }
    for (size_t i = 0; i < n; i++)
        out->runs[i].machine = i;
    rc = run_trace(&b, NULL, trace, format,
                   &(struct work){.machines = machines, .n = n, .results = out->runs}, NULL, e);
    if (rc != 0) {
        tide_batch_results_free(out);
        return rc;
    }
    return verdict(&b, n, e);
}

int tide_batch_compare(const char *trace, const char *format,
                       const struct tide_machine_config *machines, size_t n,
                       const struct tide_batch_options *o, struct tide_batch_results *out,
                       struct tide_error *e)
{
    return compare(false, trace, format, machines, n, o, out, e);
}

int tide_batch_faults(const char *trace, const char *format,
                      const struct tide_machine_config *machines, size_t n,
                      const struct tide_batch_options *o, struct tide_batch_results *out,
                      struct tide_error *e)
{
    return compare(true, trace, format, machines, n, o, out, e);
}

int tide_batch_curves(const char *trace, const char *format, const struct tide_curve_plan *plan,
                      const struct tide_batch_options *o, struct tide_error *e)
{
    struct tide_error local = {0};
    struct tide_run_result result = {0};
    struct batch b = {.o = o, .n_traces = 1};
    int rc;

    e = e != NULL ? e : &local;
    rc =
        run_trace(&b, NULL, trace, format,
                  &(struct work){.curves = plan, .n_curves = 1, .curve_results = &result}, NULL, e);
    return rc == 0 ? verdict(&b, 0, e) : rc;
}

void tide_batch_results_free(struct tide_batch_results *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->runs[i].summary);
    free(r->runs);
    *r = (struct tide_batch_results){0};
}
