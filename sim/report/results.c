/* A folder of results: see results.h. */
#include "report/results.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/units.h"
#include "report/outfile.h"
#include "report/text.h"

/* What the report reads of each file. Every cell of a column behind '#' is a number or empty. */
static const struct file {
    const char *name;
    const char *columns[20];
} files[TIDE_RESULTS] = {
    [TIDE_RESULT_SUMMARY] = {"summary.csv",
                             {"run", "trace", "policy", "#frames", "#page_bytes", "#accesses",
                              "#references", "#distinct_pages", "#faults_minor", "#faults_major",
                              "#faults", "#fault_ratio", "#evictions", "#writebacks", "#tlb_misses",
                              "#walk_refs", "#eat_cycles", "#mean_resident_pages", "status"}},
    [TIDE_RESULT_TLB] = {"tlb.csv", {"run", "level", "#lookups", "#misses", "#compulsory_misses"}},
    [TIDE_RESULT_FAULTS] = {"faults.csv", {"run", "kind", "#count"}},
    [TIDE_RESULT_TIMELINE] = {"timeline.csv",
                              {"run", "#vtime_refs", "#faults", "#resident_pages", "#wss_pages"}},
    [TIDE_RESULT_BUDDY] = {"buddy.csv",
                           {"run", "#vtime_refs", "zone", "#order", "#free_blocks",
                            "#unusable_index"}},
    [TIDE_RESULT_SLAB] = {"slab.csv",
                          {"run", "cache", "#object_bytes", "#order", "#objects_per_slab",
                           "#active_objects", "#total_objects", "#slabs"}},
    [TIDE_RESULT_MRC] = {"mrc.csv", {"trace", "#page_bytes", "policy", "#frames", "#faults"}},
    [TIDE_RESULT_WSS] = {"wss.csv",
                         {"trace", "#page_bytes", "#tau_refs", "#wss_pages", "#miss_ratio"}},
    [TIDE_RESULT_WST] = {"wst.csv", {"trace", "#vtime_refs", "#tau_refs", "#wss_pages"}},
    [TIDE_RESULT_REUSE] = {"reuse.csv", {"trace", "#page_bytes", "#distance_pages", "#references"}},
};

const char *tide_results_file(enum tide_result table)
{
    return files[table].name;
}

static int check_columns(const struct tide_csv_table *t, const struct file *f, struct tide_error *e)
{
    for (size_t i = 0; i < sizeof f->columns / sizeof f->columns[0] && f->columns[i] != NULL; i++) {
        bool number = f->columns[i][0] == '#';
        size_t column;
        int rc = tide_csv_column(t, f->columns[i] + number, TIDE_E_IO, &column, e);

        if (rc != 0) {
            tide_error_remedy(e, "is it from pagetide? Its files are described by: "
                                 "pagetide list metrics");
            return rc;
        }
        for (size_t row = 0; row < t->rows && number; row++) {
            double v;
            bool present;

            rc = tide_csv_number_at(t, row, column, &v, &present, e);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

static int load_files(struct tide_results *r, struct tide_error *e)
{
    size_t found = 0;
    struct stat st;
    char *path;
    int rc = 0;

    if (stat(r->dir, &st) != 0)
        return tide_io_error(e, "open", r->dir);
    for (size_t i = 0; i <= TIDE_RESULTS && rc == 0; i++) {
        const char *name = i < TIDE_RESULTS ? files[i].name : "run.json";

        path = tide_asprintf("%s/%s", r->dir, name);
        if (path == NULL)
            return tide_nomem(e);
        if (stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
            free(path);
            continue;
        }
        if (i == TIDE_RESULTS) {
            rc = tide_json_load(path, &r->run_json, e);
        } else {
            rc = tide_csv_load(path, &r->tables[i], e);
            if (rc == 0)
                rc = check_columns(&r->tables[i], &files[i], e);
            found++;
        }
        free(path);
    }
    if (rc == 0 && found == 0) {
        rc = tide_fail(e, TIDE_E_IO, "no results in '%.300s': neither summary.csv nor mrc.csv",
                       r->dir);
        tide_error_remedy(e, "pagetide run CONFIG.yaml -o DIR and pagetide curve TRACE -o DIR "
                             "make them");
    }
    return rc;
}

const char *tide_results_cell(const struct tide_results *r, enum tide_result table, size_t row,
                              const char *column)
{
    size_t at = tide_csv_find(&r->tables[table], column);

    return at != TIDE_NO_COLUMN ? tide_csv_at(&r->tables[table], row, at) : "";
}

double tide_results_number(const struct tide_results *r, enum tide_result table, size_t row,
                           const char *column)
{
    double v;

    return tide_csv_number(tide_results_cell(r, table, row, column), &v) ? v : NAN;
}

/* ---- which run is which ---- */

static uint64_t hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

    for (; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return h == TIDE_MAP_NONE ? 0 : h;
}

/* The trace of that name (and number in run.json), which is added where it is new. */
static int find_trace(struct tide_results *r, const char *name, size_t index, size_t *out,
                      struct tide_error *e)
{
    struct tide_result_trace *all;

    for (*out = 0; *out < r->n_traces; (*out)++) {
        if (r->traces[*out].index == index && strcmp(r->traces[*out].name, name) == 0)
            return 0;
    }
    all = tide_grow(r->traces, &r->cap_traces, r->n_traces + 1, sizeof *all);
    if (all == NULL)
        return tide_nomem(e);
    r->traces = all;
    all[r->n_traces++] = (struct tide_result_trace){.name = name, .title = name, .index = index};
    return 0;
}

/* The trace and machine of each run, as run.json has them. */
struct told {
    struct tide_map of_run; /* hash of the id -> trace << 32 | machine */
};

static int read_told(const struct tide_results *r, struct told *t, struct tide_error *e)
{
    const struct tide_json_doc *d = &r->run_json;
    const struct tide_json_value *v;

    if (d->n == 0)
        return 0;
    v = tide_json_first(d, tide_json_member(d, d->values, "runs"));
    for (; v != NULL; v = tide_json_next(d, v)) {
        uint64_t *place = tide_map_put(&t->of_run, hash(tide_json_text(d, v, "run")), NULL);

        if (place == NULL)
            return tide_nomem(e);
        *place = strtoull(tide_json_text(d, v, "trace"), NULL, 10) << 32 |
                 (uint32_t)strtoul(tide_json_text(d, v, "machine"), NULL, 10);
    }
    return 0;
}

/* A machine of a memory size, not of a number of frames for user pages. */
static bool has_memory(const struct tide_results *r, size_t machine)
{
    const struct tide_json_doc *d = &r->run_json;
    const struct tide_json_value *v =
        tide_json_first(d, tide_json_member(d, d->values, "machines"));

    while (v != NULL && --machine > 0)
        v = tide_json_next(d, v);
    return strstr(tide_json_text(d, v, "resolved"), "\n  memory: ") != NULL;
}

static int read_runs(struct tide_results *r, struct tide_error *e)
{
    const struct tide_csv_table *t = &r->tables[TIDE_RESULT_SUMMARY];
    struct told told;
    int rc;

    r->runs = tide_calloc(t->rows, sizeof *r->runs);
    if (r->runs == NULL)
        return tide_nomem(e);
    tide_map_init(&told.of_run);
    rc = read_told(r, &told, e);
    for (size_t row = 0; row < t->rows && rc == 0; row++) {
        struct tide_result_run *run = &r->runs[r->n_runs];
        const uint64_t *place;

        run->row = row;
        run->id = tide_results_cell(r, TIDE_RESULT_SUMMARY, row, "run");
        run->policy = tide_results_cell(r, TIDE_RESULT_SUMMARY, row, "policy");
        run->references = tide_results_number(r, TIDE_RESULT_SUMMARY, row, "references");
        run->faults = tide_results_number(r, TIDE_RESULT_SUMMARY, row, "faults");
        run->fault_ratio = tide_results_number(r, TIDE_RESULT_SUMMARY, row, "fault_ratio");
        run->page_bytes = tide_results_number(r, TIDE_RESULT_SUMMARY, row, "page_bytes");
        run->frames = tide_results_number(r, TIDE_RESULT_SUMMARY, row, "frames");
        run->fixed_frames = !isnan(run->frames);
        if (!run->fixed_frames)
            run->frames = tide_results_number(r, TIDE_RESULT_SUMMARY, row, "mean_resident_pages");
        run->size = tide_results_cell(r, TIDE_RESULT_SUMMARY, row, "frames_setting");
        if (run->size[0] == '\0')
            run->size = tide_results_cell(r, TIDE_RESULT_SUMMARY, row, "frames");
        place = tide_map_get(&told.of_run, hash(run->id));
        run->machine = place != NULL ? (uint32_t)*place + (size_t)1 : 0;
        run->memory = run->machine > 0 && has_memory(r, run->machine);
        rc = find_trace(r, tide_results_cell(r, TIDE_RESULT_SUMMARY, row, "trace"),
                        place != NULL ? (size_t)(*place >> 32) : 0, &run->trace, e);
        if (rc == 0) {
            r->traces[run->trace].runs++;
            r->n_runs++;
        }
    }
    tide_map_fini(&told.of_run);
    return rc;
}

/* Curves know their trace by name only. */
static int add_curve_traces(struct tide_results *r, struct tide_error *e)
{
    for (int t = TIDE_RESULT_OF_RUNS; t < TIDE_RESULTS; t++) {
        const char *last = "";

        for (size_t row = 0; row < r->tables[t].rows; row++) {
            const char *name = tide_results_cell(r, (enum tide_result)t, row, "trace");
            bool known = false;
            size_t at;

            if (strcmp(name, last) == 0)
                continue;
            last = name;
            for (size_t i = 0; i < r->n_traces && !known; i++)
                known = strcmp(r->traces[i].name, name) == 0;
            if (!known && find_trace(r, name, 0, &at, e) != 0)
                return TIDE_E_NOMEM;
        }
    }
    return 0;
}

static void name_traces(struct tide_results *r)
{
    const struct tide_json_doc *d = &r->run_json;

    for (size_t i = 0; i < r->n_traces; i++) {
        const struct tide_json_value *v =
            d->n > 0 ? tide_json_first(d, tide_json_member(d, d->values, "traces")) : NULL;
        bool shared = false;

        for (size_t k = 0; k < r->n_traces; k++)
            shared |= k != i && strcmp(r->traces[k].name, r->traces[i].name) == 0;
        for (size_t k = 0; k < r->traces[i].index && v != NULL; k++)
            v = tide_json_next(d, v);
        if (shared && tide_json_text(d, v, "path")[0] != '\0')
            r->traces[i].title = tide_json_text(d, v, "path");
    }
}

/* ---- what tells runs apart ---- */

static const struct {
    const char *column, *before;
} traits[] = {{"policy", ""},         {"policy_options", ""}, {"page_bytes", "page "},
              {"reference_mode", ""}, {"observe", ""},        {"flush_on_clear", "flush "},
              {"tlb", "TLB "},        {"seed", "seed "}};

enum { TRAITS = sizeof traits / sizeof traits[0], POLICY = 0, OPTIONS = 1 };

static void add_trait(struct tide_text *t, const struct tide_results *r, size_t row, size_t trait)
{
    const char *cell = tide_results_cell(r, TIDE_RESULT_SUMMARY, row, traits[trait].column);
    char size[32];
    double bytes;

    if (cell[0] == '\0')
        return;
    if (strcmp(traits[trait].column, "page_bytes") == 0 && tide_csv_number(cell, &bytes) &&
        bytes >= 1 && bytes < 0x1p63) {
        tide_format_size((uint64_t)bytes, size, sizeof size);
        cell = size;
    }
    tide_text_printf(t, "%s%s%s", t->n > 0 ? ", " : "", traits[trait].before, cell);
}

/* Options tell only runs of one policy apart: runs whose policy comes with several are marked. */
static int mark_variants(const struct tide_results *r, size_t trace, bool *several,
                         struct tide_error *e)
{
    struct tide_map policies; /* to the first run of each */
    int rc = 0;

    tide_map_init(&policies);
    for (int pass = 0; pass < 2 && rc == 0; pass++) {
        for (size_t i = 0; i < r->n_runs && rc == 0; i++) {
            const char *policy =
                tide_results_cell(r, TIDE_RESULT_SUMMARY, r->runs[i].row, "policy");
            bool inserted;
            uint64_t *first;

            if (r->runs[i].trace != trace)
                continue;
            first = tide_map_put(&policies, hash(policy), &inserted);
            if (first == NULL) {
                rc = tide_nomem(e);
                break;
            }
            if (inserted)
                *first = i;
            several[*first] |= strcmp(tide_results_cell(r, TIDE_RESULT_SUMMARY, r->runs[*first].row,
                                                        traits[OPTIONS].column),
                                      tide_results_cell(r, TIDE_RESULT_SUMMARY, r->runs[i].row,
                                                        traits[OPTIONS].column)) != 0;
            several[i] = several[*first]; /* for good in the second pass */
        }
    }
    tide_map_fini(&policies);
    return rc;
}

static int name_series(struct tide_results *r, size_t trace, struct tide_error *e)
{
    bool *several = tide_calloc(r->n_runs, sizeof *several);
    bool varies[TRAITS] = {[POLICY] = true}; /* always named */
    const struct tide_result_run *one = NULL;
    struct tide_text t = {0};
    int rc = several != NULL ? mark_variants(r, trace, several, e) : tide_nomem(e);

    for (size_t i = 0; i < r->n_runs && rc == 0; i++) {
        if (r->runs[i].trace != trace)
            continue;
        one = one != NULL ? one : &r->runs[i];
        for (size_t k = 0; k < TRAITS; k++)
            varies[k] |=
                strcmp(tide_results_cell(r, TIDE_RESULT_SUMMARY, one->row, traits[k].column),
                       tide_results_cell(r, TIDE_RESULT_SUMMARY, r->runs[i].row,
                                         traits[k].column)) != 0;
        r->traces[trace].many_pages |= one->page_bytes != r->runs[i].page_bytes;
    }
    for (size_t i = 0; i < r->n_runs && rc == 0; i++) {
        if (r->runs[i].trace != trace)
            continue;
        tide_text_clear(&t);
        for (size_t k = 0; k < TRAITS; k++) {
            if (k == OPTIONS ? several[i] : varies[k])
                add_trait(&t, r, r->runs[i].row, k);
        }
        r->runs[i].series = t.failed ? NULL : tide_strdup(t.bytes != NULL ? t.bytes : "");
        if (r->runs[i].series == NULL)
            rc = tide_nomem(e);
    }
    tide_text_fini(&t);
    free(several);
    return rc;
}

/* Runs of one series and size differ in something that summary.csv does not say. */
static int number_machines(struct tide_results *r, size_t trace, struct tide_error *e)
{
    struct tide_map seen;
    bool twice = false;
    int rc = 0;

    tide_map_init(&seen);
    for (size_t i = 0; i < r->n_runs && rc == 0; i++) {
        const struct tide_result_run *run = &r->runs[i];
        bool inserted;

        if (run->trace != trace)
            continue;
        if (tide_map_put(&seen, hash(run->series) ^ hash(run->size) * 3, &inserted) == NULL)
            rc = tide_nomem(e);
        else
            twice |= !inserted;
    }
    tide_map_fini(&seen);
    for (size_t i = 0; i < r->n_runs && rc == 0 && twice; i++) {
        struct tide_result_run *run = &r->runs[i];
        char *longer;

        if (run->trace != trace)
            continue;
        longer = run->machine > 0 ? tide_asprintf("%s, machine %zu", run->series, run->machine)
                                  : tide_asprintf("%s, run %s", run->series, run->id);
        if (longer == NULL)
            return tide_nomem(e);
        free(run->series);
        run->series = longer;
    }
    return rc;
}

/* ---- rows by run ---- */

static int link_rows(struct tide_results *r, const struct tide_map *runs, enum tide_result table,
                     struct tide_error *e)
{
    const struct tide_csv_table *t = &r->tables[table];
    size_t *last = tide_calloc(r->n_runs, sizeof *last);
    int rc = 0;

    r->first[table] = tide_malloc(r->n_runs * sizeof *r->first[table]);
    r->next[table] = tide_malloc(t->rows * sizeof *r->next[table]);
    if (last == NULL || r->first[table] == NULL || r->next[table] == NULL) {
        free(last);
        return tide_nomem(e);
    }
    for (size_t i = 0; i < r->n_runs; i++)
        r->first[table][i] = TIDE_NO_COLUMN;
    for (size_t row = 0; row < t->rows; row++) {
        const char *id = tide_results_cell(r, table, row, "run");
        const uint64_t *run = tide_map_get(runs, hash(id));

        if (run == NULL) {
            rc = tide_fail(e, TIDE_E_IO, "run '%.60s' is not in summary.csv", id);
            tide_error_where(e, "%s:%zu", t->path, t->lines[row]);
            tide_error_remedy(e, "are all files of the folder from one experiment?");
            break;
        }
        if (r->first[table][*run] == TIDE_NO_COLUMN)
            r->first[table][*run] = row;
        else
            r->next[table][last[*run]] = row;
        r->next[table][row] = TIDE_NO_COLUMN;
        last[*run] = row;
    }
    free(last);
    return rc;
}

static int link_tables(struct tide_results *r, struct tide_error *e)
{
    struct tide_map runs;
    int rc = 0;

    tide_map_init(&runs);
    for (size_t i = 0; i < r->n_runs && rc == 0; i++) {
        uint64_t *place = tide_map_put(&runs, hash(r->runs[i].id), NULL);

        if (place == NULL)
            rc = tide_nomem(e);
        else
            *place = i;
    }
    for (int t = TIDE_RESULT_SUMMARY + 1; t < TIDE_RESULT_OF_RUNS && rc == 0; t++) {
        if (tide_results_has(r, (enum tide_result)t))
            rc = link_rows(r, &runs, (enum tide_result)t, e);
    }
    tide_map_fini(&runs);
    return rc;
}

size_t tide_results_first(const struct tide_results *r, enum tide_result table, size_t run)
{
    return r->first[table] != NULL ? r->first[table][run] : TIDE_NO_COLUMN;
}

size_t tide_results_next(const struct tide_results *r, enum tide_result table, size_t row)
{
    return r->next[table][row];
}

int tide_results_load(const char *dir, struct tide_results *out, struct tide_error *e)
{
    int rc;

    *out = (struct tide_results){.dir = dir};
    rc = load_files(out, e);
    if (rc == 0)
        rc = read_runs(out, e);
    if (rc == 0)
        rc = add_curve_traces(out, e);
    if (rc != 0)
        return rc;
    name_traces(out);
    for (size_t i = 0; i < out->n_traces && rc == 0; i++) {
        rc = name_series(out, i, e);
        if (rc == 0)
            rc = number_machines(out, i, e);
    }
    return rc == 0 ? link_tables(out, e) : rc;
}

void tide_results_fini(struct tide_results *r)
{
    for (size_t t = 0; t < TIDE_RESULTS; t++)
        tide_csv_table_fini(&r->tables[t]);
    for (size_t t = 0; t < TIDE_RESULT_OF_RUNS; t++) {
        free(r->first[t]);
        free(r->next[t]);
    }
    for (size_t i = 0; i < r->n_runs; i++)
        free(r->runs[i].series);
    free(r->runs);
    free(r->traces);
    tide_json_doc_fini(&r->run_json);
}
