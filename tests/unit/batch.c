/* Batches, from trace files to CSV files: the same bytes however they are made; killed, resumed,
 * damaged, full disks. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "batch/batch.h"
#include "batch/feed.h"
#include "metrics/columns.h"
#include "report/csv.h"
#include "report/curves.h"
#include "report/text.h"
#include "trace/stream.h"

enum { ACCESSES = 60000, MACHINES = 6, PATH = 256 }; /* several blocks of a trace */

/* ---- a folder with traces, and an experiment on them ---- */

struct fixture {
    char dir[64];
    char traces[3][PATH];
    char *trace_list[3];
    struct tide_machine_config machines[MACHINES];
    char *resolved[MACHINES];
    uint64_t taus[2];
    struct tide_curve_plan curves[2];
    struct tide_experiment experiment;
    struct tide_experiments experiments;
    char output[PATH];
    struct tide_batch_options options;
};

/* Lackey lines: fetches in a loop, data here and there, some across pages. */
static void write_trace(const char *path, uint64_t seed, size_t n)
{
    gzFile f = gzopen(path, "wb1");
    struct tide_rng r;
    uint64_t code = 0x400000;

    cr_assert_not_null(f);
    tide_rng_init(&r, seed, "batch test");
    for (size_t i = 0; i < n; i++) {
        uint64_t at = 0x10000000 + tide_rng_below(&r, 24) * 4096 + tide_rng_below(&r, 4096);

        if (tide_rng_below(&r, 500) == 0)
            code = 0x400000 + tide_rng_below(&r, 8) * 4096;
        if (i % 2 == 0)
            gzprintf(f, "I  %08" PRIx64 ",4\n", code + i % 64 * 4);
        else
            gzprintf(f, " %c %08" PRIx64 ",8\n", "LSM"[tide_rng_below(&r, 3)], at);
    }
    cr_assert_eq(gzclose(f), Z_OK);
}

static const char *const policies[MACHINES] = {"fifo", "lru", "opt", "clock", "random", "lru"};

static void set_up(struct fixture *f, size_t n_traces)
{
    *f = (struct fixture){0};
    snprintf(f->dir, sizeof f->dir, "/tmp/pagetide-batch-XXXXXX");
    cr_assert_not_null(mkdtemp(f->dir));
    for (size_t i = 0; i < n_traces; i++) {
        snprintf(f->traces[i], PATH, "%s/trace%zu.gz", f->dir, i);
        write_trace(f->traces[i], i + 1, ACCESSES);
        f->trace_list[i] = f->traces[i];
    }
    for (size_t i = 0; i < MACHINES; i++) {
        struct tide_machine_config *c = &f->machines[i];
        const struct tide_policy *policy = tide_policy_find(policies[i]);

        tide_machine_defaults(c);
        if (strcmp(policies[i], c->policy->name) != 0) {
            c->policy = policy;
            tide_options_defaults(policy->options, c->policy_options);
        }
        /* the last repeats the second */
        c->frames = i == 0 ? (struct tide_amount){.value = 9}
                           : (struct tide_amount){.is_share = true, .value = TIDE_SHARE_WHOLE / 2};
        if (i == 3) {
            c->page_shift = 14;
            c->tlb.n = 0;
        }
        if (i == 4)
            c->limit = 1000;
        tide_pagetable_defaults(&c->pagetable, 4, c->page_shift);
        c->interval = 10000;
        f->resolved[i] = tide_asprintf("policy %s frames %d", policies[i], i == 0);
    }
    f->taus[0] = 100;
    f->taus[1] = 5000;
    for (size_t i = 0; i < 2; i++)
        f->curves[i] = (struct tide_curve_plan){
            .curves = {.geometry = tide_machine_geometry(&f->machines[3 * i]),
                       .limit = UINT64_MAX,
                       .which = TIDE_CURVES_ALL},
            .interval = 10000,
            .taus = f->taus,
            .n_taus = 2};
    snprintf(f->output, sizeof f->output, "%s/out", f->dir);
    f->experiment = (struct tide_experiment){.name = "test, \"quoted\"",
                                             .traces = f->trace_list,
                                             .n_traces = n_traces,
                                             .machines = f->machines,
                                             .resolved = f->resolved,
                                             .n_machines = MACHINES,
                                             .curves = f->curves,
                                             .n_curves = 2,
                                             .output_dir = f->output};
    f->experiments = (struct tide_experiments){.list = &f->experiment, .n = 1};
    f->options = (struct tide_batch_options){.jobs = 1, .version = "0.0.0-test"};
}

static void remove_tree(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *entry;

    if (d == NULL) {
        unlink(path);
        return;
    }
    while ((entry = readdir(d)) != NULL) {
        char sub[2 * PATH];

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(sub, sizeof sub, "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR)
            remove_tree(sub);
        else
            unlink(sub);
    }
    closedir(d);
    rmdir(path);
}

static void tear_down(struct fixture *f)
{
    for (size_t i = 0; i < MACHINES; i++)
        free(f->resolved[i]);
    remove_tree(f->dir);
}

static int run(struct fixture *f, struct tide_batch_results *results, struct tide_error *e)
{
    struct tide_batch_results own;
    int rc = tide_batch_run(&f->experiments, &f->options, results != NULL ? results : &own, e);

    if (results == NULL)
        tide_batch_results_free(&own);
    return rc;
}

static char *read_file(const char *dir, const char *name)
{
    char path[2 * PATH], piece[4096];
    struct tide_text t = {0};
    FILE *file;
    size_t n;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "r");
    cr_assert_not_null(file, "%s: %s", path, strerror(errno));
    tide_text_add(&t, "", 0);
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        tide_text_add(&t, piece, n);
    fclose(file);
    return t.bytes;
}

static bool exists(const char *dir, const char *name)
{
    char path[2 * PATH];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return lstat(path, &st) == 0;
}

/* All tables, one behind the other. */
static char *tables(const char *dir)
{
    struct tide_text t = {0};

    for (size_t k = 0; k < TIDE_TABLES; k++) {
        char name[64], *text;

        snprintf(name, sizeof name, "%s.csv", tide_tables[k].name);
        text = read_file(dir, name);
        tide_text_printf(&t, "%s\n%s", name, text);
        free(text);
    }
    return t.bytes;
}

/* The tables that a fresh batch with one thread makes. */
static char *expected_tables(struct fixture *f)
{
    struct tide_batch_options kept = f->options;
    struct tide_error e = {0};
    char *text, out[PATH];

    snprintf(out, sizeof out, "%s/expected", f->dir);
    f->experiment.output_dir = out;
    f->options = (struct tide_batch_options){.jobs = 1, .version = kept.version};
    cr_assert_eq(run(f, NULL, &e), 0, "%s: %s", e.where, e.what);
    f->experiment.output_dir = f->output;
    f->options = kept;
    text = tables(out);
    return text;
}

static size_t count_lines(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

/* ---- JSON, for run.json: the end of one value, or NULL ---- */

static const char *blank(const char *s)
{
    return s + strspn(s, " \n\t\r");
}

static const char *json_text(const char *s)
{
    if (*s++ != '"')
        return NULL;
    for (; *s != '"'; s++) {
        if ((unsigned char)*s < 0x20)
            return NULL;
        if (*s == '\\' && strchr("\"\\/bfnrtu", *++s) == NULL)
            return NULL;
    }
    return s + 1;
}

static const char *json_value(const char *s)
{
    static const char *const words[] = {"true", "false", "null"};
    char close = *s == '{' ? '}' : ']';

    if (*s == '"')
        return json_text(s);
    if (*s >= '0' && *s <= '9')
        return s + strspn(s, "0123456789");
    for (size_t i = 0; i < 3; i++) {
        if (strncmp(s, words[i], strlen(words[i])) == 0)
            return s + strlen(words[i]);
    }
    if (*s != '{' && *s != '[')
        return NULL;
    s = blank(s + 1);
    if (*s == close)
        return s + 1;
    for (;; s = blank(s + 1)) {
        if (close == '}') {
            s = json_text(s);
            if (s == NULL || *blank(s) != ':')
                return NULL;
            s = blank(blank(s) + 1);
        }
        s = json_value(s);
        if (s == NULL)
            return NULL;
        s = blank(s);
        if (*s == close)
            return s + 1;
        if (*s != ',')
            return NULL;
    }
}

/* ---- what a batch makes ---- */

Test(batch, makes_every_file_and_nothing_else)
{
    struct fixture f;
    struct tide_batch_results results;
    struct tide_error e = {0};
    struct dirent *entry;
    size_t files = 0;
    char *json;
    const char *end;
    DIR *d;

    set_up(&f, 2);
    cr_assert_eq(run(&f, &results, &e), 0, "%s: %s", e.where, e.what);
    cr_assert_eq(results.n, 2 * MACHINES);
    d = opendir(f.output);
    while ((entry = readdir(d)) != NULL)
        files += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(d);
    cr_expect_eq(files, TIDE_TABLES + 1, "%zu files", files);

    json = read_file(f.output, "run.json");
    end = json_value(json);
    cr_assert_not_null(end, "run.json is not JSON: %s", json);
    cr_assert_str_eq(end, "\n");
    cr_expect_not_null(strstr(json, results.runs[0].id));
    cr_expect_not_null(strstr(json, "test, \\\"quoted\\\""));
    free(json);
    tide_batch_results_free(&results);
    tear_down(&f);
}

/* Every row has the cells of the header, and the ids of runs, in run order. */
Test(batch, rows_are_whole_and_in_run_order)
{
    struct fixture f;
    struct tide_batch_results results;
    struct tide_error e = {0};

    set_up(&f, 2);
    cr_assert_eq(run(&f, &results, &e), 0, "%s: %s", e.where, e.what);
    for (size_t k = 0; k < TIDE_TABLES; k++) {
        char name[64], *text, *row, *rest, cell[64];
        size_t at = 0;

        snprintf(name, sizeof name, "%s.csv", tide_tables[k].name);
        text = read_file(f.output, name);
        row = strtok_r(text, "\n", &rest);
        while ((row = strtok_r(NULL, "\n", &rest)) != NULL) {
            cr_assert(tide_csv_cell(row, tide_tables[k].n_columns - 1, cell, sizeof cell), "%s: %s",
                      name, row);
            cr_assert_not(tide_csv_cell(row, tide_tables[k].n_columns, cell, sizeof cell), "%s: %s",
                          name, row);
            if (k == TIDE_TABLE_schema)
                continue;
            tide_csv_cell(row, 0, cell, sizeof cell);
            if (tide_report_is_curve((enum tide_table)k)) { /* trace by trace */
                at += strcmp(cell, "trace0.gz") != 0 && at <= MACHINES ? MACHINES + 1 : 0;
                cr_assert_str_eq(cell, at <= MACHINES ? "trace0.gz" : "trace1.gz");
                continue;
            }
            while (at < results.n && strcmp(results.runs[at].id, cell) != 0)
                at++;
            cr_assert_lt(at, results.n, "%s: out of order: %s", name, row);
            if (k == TIDE_TABLE_summary)
                cr_assert_str_eq(row, results.runs[at++].summary);
        }
        cr_assert(k == TIDE_TABLE_schema || at > MACHINES, "%s: rows of both traces", name);
        free(text);
    }
    tide_batch_results_free(&results);
    tear_down(&f);
}

Test(batch, counts_agree_with_the_summary)
{
    struct fixture f;
    struct tide_batch_results results;
    struct tide_error e = {0};

    set_up(&f, 1);
    cr_assert_eq(run(&f, &results, &e), 0, "%s: %s", e.where, e.what);
    for (size_t i = 0; i < results.n; i++) {
        const struct tide_run_result *r = &results.runs[i];
        char cell[64];

        tide_csv_cell(r->summary, TIDE_COL_summary_faults, cell, sizeof cell);
        cr_expect_eq(strtoull(cell, NULL, 10), r->counts.faults_minor + r->counts.faults_major);
        cr_expect_gt(r->counts.faults_minor, 0);
        tide_csv_cell(r->summary, TIDE_COL_summary_trace, cell, sizeof cell);
        cr_expect_str_eq(cell, "trace0.gz");
        tide_csv_cell(r->summary, TIDE_COL_summary_policy, cell, sizeof cell);
        cr_expect_str_eq(cell, policies[i]);
        cr_expect_eq(r->status, TIDE_STATUS_OK);
    }
    cr_expect_eq(results.runs[4].counts.references, 1000, "the limit");
    tide_batch_results_free(&results);
    tear_down(&f);
}

Test(batch, same_bytes_for_any_number_of_threads_and_either_engine)
{
    struct fixture f;
    struct tide_error e = {0};
    char *expected, *text;

    set_up(&f, 2);
    expected = expected_tables(&f);
    for (unsigned jobs = 1; jobs <= 8; jobs += jobs < 4 ? 1 : 4) {
        f.options.jobs = jobs;
        f.options.engine = jobs == 3 ? TIDE_ENGINE_PLAIN : TIDE_ENGINE_FAST;
        cr_assert_eq(run(&f, NULL, &e), 0, "%s: %s", e.where, e.what);
        text = tables(f.output);
        cr_expect_str_eq(text, expected, "%u threads", jobs);
        free(text);
    }
    free(expected);
    tear_down(&f);
}

Test(batch, an_equal_machine_has_the_same_id_and_its_own_rows)
{
    struct fixture f;
    struct tide_batch_results results;
    struct tide_error e = {0};
    char *text;

    set_up(&f, 1);
    cr_assert_eq(run(&f, &results, &e), 0, "%s: %s", e.where, e.what);
    cr_expect_str_eq(results.runs[1].id, results.runs[5].id);
    cr_expect_str_eq(results.runs[1].summary, results.runs[5].summary);
    for (size_t i = 0; i < 5; i++) {
        cr_expect_eq(strlen(results.runs[i].id), TIDE_RUN_ID_DIGITS);
        for (size_t k = 0; k < i; k++)
            cr_expect_str_neq(results.runs[i].id, results.runs[k].id);
    }
    text = read_file(f.output, "summary.csv");
    cr_expect_eq(count_lines(text), 1 + MACHINES);
    free(text);
    tide_batch_results_free(&results);
    tear_down(&f);
}

/* The id is of machine and content: not of the path, the compression, threads, engine, output. */
Test(batch, ids_depend_on_machine_and_content_only)
{
    struct fixture f;
    struct tide_batch_results first, second;
    struct tide_error e = {0};
    char plain[PATH], piece[4096];
    gzFile from;
    FILE *to;
    int n;

    set_up(&f, 1);
    cr_assert_eq(run(&f, &first, &e), 0, "%s: %s", e.where, e.what);
    snprintf(plain, sizeof plain, "%s/other name", f.dir);
    from = gzopen(f.traces[0], "rb");
    to = fopen(plain, "w");
    while ((n = gzread(from, piece, sizeof piece)) > 0)
        fwrite(piece, 1, (size_t)n, to);
    gzclose(from);
    fclose(to);
    f.trace_list[0] = plain;
    f.options.jobs = 3;
    f.options.engine = TIDE_ENGINE_PLAIN;
    snprintf(f.output, sizeof f.output, "%s/elsewhere", f.dir);
    f.machines[0].warmup = 1;
    cr_assert_eq(run(&f, &second, &e), 0, "%s: %s", e.where, e.what);
    cr_expect_str_neq(first.runs[0].id, second.runs[0].id, "a warm-up makes another run");
    for (size_t i = 1; i < MACHINES; i++)
        cr_expect_str_eq(first.runs[i].id, second.runs[i].id);
    tide_batch_results_free(&first);
    tide_batch_results_free(&second);
    tear_down(&f);
}

Test(batch, compare_counts_the_same)
{
    struct fixture f;
    struct tide_batch_results ran, compared;
    struct tide_error e = {0};

    set_up(&f, 1);
    cr_assert_eq(run(&f, &ran, &e), 0, "%s: %s", e.where, e.what);
    f.options.jobs = 2;
    cr_assert_eq(
        tide_batch_compare(f.traces[0], NULL, f.machines, MACHINES, &f.options, &compared, &e), 0,
        "%s: %s", e.where, e.what);
    cr_assert_eq(compared.n, MACHINES);
    for (size_t i = 0; i < MACHINES; i++) {
        cr_expect_eq(
            memcmp(&ran.runs[i].counts, &compared.runs[i].counts, sizeof ran.runs[i].counts), 0);
        /* the same row but for the id */
        cr_expect_str_eq(ran.runs[i].summary + TIDE_RUN_ID_DIGITS, compared.runs[i].summary);
    }
    tide_batch_results_free(&ran);
    tide_batch_results_free(&compared);
    tear_down(&f);
}

/* ---- killed and resumed ---- */

static void die(void *context, const struct tide_progress *p)
{
    size_t *trace = context;

    if (p->trace_index == *trace && !p->scanning)
        raise(SIGKILL);
}

/* A child process runs the batch and is killed while it replays this trace. */
static void run_and_kill(struct fixture *f, size_t trace)
{
    pid_t child = fork();
    int status;

    cr_assert_geq(child, 0);
    if (child == 0) {
        f->options.watch = (struct tide_batch_watch){.context = &trace, .progress = die};
        _exit(run(f, NULL, NULL) == 0 ? 0 : 1);
    }
    waitpid(child, &status, 0);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %d", status);
    cr_assert_not(exists(f->output, "summary.csv"));
    cr_assert_not(exists(f->output, "run.json"));
}

static size_t count_resumed(const struct tide_batch_results *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++)
        n += r->runs[i].resumed;
    return n;
}

/* Resumes; the files must be those of an uninterrupted batch. */
static size_t resume(struct fixture *f, const char *expected)
{
    struct tide_batch_results results;
    struct tide_error e = {0};
    size_t resumed;
    char *text;

    f->options.resume = true;
    cr_assert_eq(run(f, &results, &e), 0, "%s: %s", e.where, e.what);
    text = tables(f->output);
    cr_assert_str_eq(text, expected);
    cr_assert_not(exists(f->output, ".unfinished"));
    free(text);
    text = read_file(f->output, "run.json");
    cr_assert_not_null(strstr(text, "\"format\": \"lackey\""), "what was known is known: %s", text);
    free(text);
    resumed = count_resumed(&results);
    for (size_t i = 0; i < results.n; i++)
        cr_assert_gt(results.runs[i].counts.references, 0);
    tide_batch_results_free(&results);
    return resumed;
}

Test(batch, a_killed_batch_is_resumed_to_the_same_bytes)
{
    struct fixture f;
    char *expected;

    set_up(&f, 3);
    expected = expected_tables(&f);
    for (size_t trace = 0; trace < 3; trace++) {
        for (unsigned jobs = 1; jobs <= 4; jobs += 3) {
            f.options.resume = false;
            f.options.jobs = jobs;
            run_and_kill(&f, trace);
            cr_expect_eq(resume(&f, expected), trace * MACHINES, "killed in trace %zu", trace);
            remove_tree(f.output);
        }
    }
    free(expected);
    tear_down(&f);
}

Test(batch, without_resume_a_batch_starts_over)
{
    struct fixture f;
    struct tide_batch_results results;

    set_up(&f, 2);
    run_and_kill(&f, 1);
    cr_assert_eq(run(&f, &results, NULL), 0);
    cr_assert_eq(count_resumed(&results), 0);
    tide_batch_results_free(&results);
    tear_down(&f);
}

/* The first finished run that the kill left behind. */
static void find_rows(const struct fixture *f, char path[static 3 * PATH])
{
    char dir[PATH + 16];
    struct dirent *entry;
    DIR *d;

    snprintf(dir, sizeof dir, "%s/.unfinished", f->output);
    d = opendir(dir);
    cr_assert_not_null(d);
    path[0] = '\0';
    while ((entry = readdir(d)) != NULL) {
        if (strstr(entry->d_name, ".rows") != NULL)
            snprintf(path, 3 * PATH, "%s/%s", dir, entry->d_name);
    }
    closedir(d);
    cr_assert_neq(path[0], '\0');
}

static void cut(const char *path, off_t size)
{
    (void)size;
    cr_assert_eq(truncate(path, size / 2), 0);
}

static void flip(const char *path, off_t size)
{
    int fd = open(path, O_RDWR);
    char c;

    cr_assert_eq(pread(fd, &c, 1, size / 2), 1);
    c ^= 1;
    cr_assert_eq(pwrite(fd, &c, 1, size / 2), 1);
    close(fd);
}

static void lengthen(const char *path, off_t size)
{
    int fd = open(path, O_WRONLY);

    cr_assert_eq(pwrite(fd, "tlb,x\n", 6, size), 6);
    close(fd);
}

Test(batch, rows_that_are_not_whole_are_made_again)
{
    static void (*const harms[])(const char *, off_t) = {cut, flip, lengthen};
    struct fixture f;
    char *expected;

    set_up(&f, 2);
    expected = expected_tables(&f);
    for (size_t i = 0; i < 3; i++) {
        char path[3 * PATH];
        struct stat st;
        size_t resumed;

        f.options.resume = false;
        run_and_kill(&f, 1);
        find_rows(&f, path);
        cr_assert_eq(stat(path, &st), 0);
        harms[i](path, st.st_size);
        resumed = resume(&f, expected);
        /* the equal machines share one file, so one or two runs are lost */
        cr_expect(resumed == MACHINES - 1 || resumed == MACHINES - 2, "harm %zu: %zu", i, resumed);
        remove_tree(f.output);
    }
    free(expected);
    tear_down(&f);
}

Test(batch, another_version_takes_nothing_over)
{
    struct fixture f;
    struct tide_batch_results results;

    set_up(&f, 2);
    run_and_kill(&f, 1);
    f.options.resume = true;
    f.options.version = "0.0.1-test";
    cr_assert_eq(run(&f, &results, NULL), 0);
    cr_assert_eq(count_resumed(&results), 0);
    tide_batch_results_free(&results);
    tear_down(&f);
}

/* A changed trace is another content: its old runs are no longer of this batch. */
Test(batch, a_trace_that_changed_is_replayed)
{
    struct fixture f;
    struct tide_batch_results results;
    char *expected, *text;

    set_up(&f, 2);
    run_and_kill(&f, 1);
    write_trace(f.traces[0], 77, ACCESSES);
    expected = expected_tables(&f);
    f.options.resume = true;
    cr_assert_eq(run(&f, &results, NULL), 0);
    cr_assert_eq(count_resumed(&results), 0);
    text = tables(f.output);
    cr_expect_str_eq(text, expected);
    free(text);
    free(expected);
    tide_batch_results_free(&results);
    tear_down(&f);
}

/* ---- damage and full disks ---- */

struct told {
    size_t damaged, notices;
    struct tide_error error;
    char notice[256];
};

static void on_damage(void *context, const char *trace, const struct tide_error *e)
{
    struct told *t = context;

    (void)trace;
    t->damaged++;
    t->error = *e;
}

static void on_notice(void *context, const char *text)
{
    struct told *t = context;

    t->notices++;
    snprintf(t->notice, sizeof t->notice, "%s", text);
}

Test(batch, a_damaged_trace_is_reported_as_far_as_it_was_read)
{
    struct fixture f;
    struct tide_batch_results results;
    struct tide_error e = {0};
    struct told told = {0};
    struct stat st;
    char *first = NULL;

    set_up(&f, 2);
    cr_assert_eq(stat(f.traces[0], &st), 0);
    cr_assert_eq(truncate(f.traces[0], st.st_size / 2), 0);
    f.options.watch = (struct tide_batch_watch){.context = &told, .damaged = on_damage};
    for (unsigned jobs = 1; jobs <= 4; jobs += 3) {
        char *text;

        told.damaged = 0;
        f.options.jobs = jobs;
        cr_assert_eq(run(&f, &results, &e), TIDE_E_TRACE);
        cr_assert_eq(tide_exit_code(e.code), 4);
        cr_expect_eq(told.damaged, 1);
        cr_expect_neq(told.error.where[0], '\0');
        for (size_t i = 0; i < results.n; i++) {
            /* the fifth machine had its 1000 references before the damage */
            bool partial = results.runs[i].trace == 0 && results.runs[i].machine != 4;

            cr_expect_eq(results.runs[i].status, partial ? TIDE_STATUS_PARTIAL : TIDE_STATUS_OK,
                         "run %zu", i);
        }
        cr_expect_gt(results.runs[0].counts.references, 1000);
        cr_expect_lt(results.runs[0].counts.references, results.runs[MACHINES].counts.references);
        tide_batch_results_free(&results);
        text = tables(f.output);
        cr_expect_not_null(strstr(text, ",partial,"));
        if (first != NULL)
            cr_expect_str_eq(text, first);
        free(first);
        first = text;
    }
    free(first);
    tear_down(&f);
}

/* Where all machines have enough before the damage, nobody has missed anything. */
Test(batch, damage_behind_the_limit_is_no_damage)
{
    struct fixture f;
    struct tide_error e = {0};
    struct stat st;

    set_up(&f, 1);
    cr_assert_eq(stat(f.traces[0], &st), 0);
    cr_assert_eq(truncate(f.traces[0], st.st_size * 3 / 4), 0);
    for (size_t i = 0; i < MACHINES; i++)
        f.machines[i].limit = 1000;
    for (size_t i = 0; i < 2; i++)
        f.curves[i].curves.limit = 1000;
    for (unsigned jobs = 1; jobs <= 4; jobs += 3) {
        f.options.jobs = jobs;
        cr_assert_eq(run(&f, NULL, &e), 0, "%u threads: %s", jobs, e.what);
    }
    tear_down(&f);
}

Test(batch, a_trace_that_is_not_there_is_found_before_any_work)
{
    struct fixture f;
    struct tide_error e = {0};

    set_up(&f, 2);
    unlink(f.traces[1]);
    cr_assert_lt(run(&f, NULL, &e), 0);
    cr_expect(strstr(e.what, "trace1.gz") != NULL || strstr(e.where, "trace1.gz") != NULL, "%s: %s",
              e.where, e.what);
    cr_assert_not(exists(f.dir, "out"));
    tear_down(&f);
}

static void no_progress(void *context, const struct tide_progress *p)
{
    (void)context;
    cr_assert(false, "%s is being read", p->trace);
}

Test(batch, an_output_folder_that_cannot_be_made_is_found_before_any_work)
{
    struct fixture f;
    struct tide_error e = {0};

    set_up(&f, 1);
    f.options.watch.progress = no_progress;
    snprintf(f.output, sizeof f.output, "%s/trace0.gz/below", f.dir); /* a file, not a folder */
    cr_assert_eq(run(&f, NULL, &e), TIDE_E_IO);
    cr_expect_not_null(strstr(e.what, "output folder"), "%s", e.what);
    cr_expect_not_null(strstr(e.what, "trace0.gz"), "%s", e.what);
    cr_assert_eq(tide_exit_code(e.code), 5);
    snprintf(f.output, sizeof f.output, "/proc/pagetide");
    cr_assert_eq(run(&f, NULL, &e), TIDE_E_IO);
    tear_down(&f);
}

Test(batch, two_experiments_cannot_share_a_folder)
{
    struct fixture f;
    struct tide_experiment twice[2];
    struct tide_error e = {0};

    set_up(&f, 1);
    f.options.watch.progress = no_progress;
    twice[0] = twice[1] = f.experiment;
    f.experiments = (struct tide_experiments){.list = twice, .n = 2};
    cr_assert_eq(run(&f, NULL, &e), TIDE_E_IO);
    cr_expect_not_null(strstr(e.what, "in use"), "%s", e.what);
    tear_down(&f);
}

Test(batch, a_full_disk_while_tables_are_written)
{
    struct fixture f;
    struct tide_error e = {0};
    char link[2 * PATH];
    char *expected;

    set_up(&f, 1);
    expected = expected_tables(&f);
    mkdir(f.output, 0777);
    snprintf(link, sizeof link, "%s/tlb.csv.tmp", f.output);
    cr_assert_eq(symlink("/dev/full", link), 0);
    cr_assert_eq(run(&f, NULL, &e), TIDE_E_IO);
    cr_expect_not_null(strstr(e.what, "No space left"), "%s", e.what);
    cr_expect_not_null(strstr(e.what, "tlb.csv"), "%s", e.what);
    cr_expect_not(exists(f.output, "summary.csv"));
    cr_expect_not(exists(f.output, "summary.csv.tmp"));
    cr_expect_not(exists(f.output, "run.json"));
    cr_expect_eq(resume(&f, expected), MACHINES, "the runs were finished");
    free(expected);
    tear_down(&f);
}

/* Rows of a run that outgrow what may be written: in the middle of the replay. */
Test(batch, a_full_disk_while_rows_are_written)
{
    struct fixture f;
    struct tide_error e = {0};
    struct rlimit old, small;
    char *expected;

    set_up(&f, 1);
    f.experiment.n_machines = 2; /* without OPT, whose scan would meet the limit first */
    for (size_t i = 0; i < 2; i++)
        f.machines[i].interval = 50; /* some hundred kilobytes of rows */
    expected = expected_tables(&f);
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 100000;
    for (unsigned jobs = 1; jobs <= 4; jobs += 3) {
        int rc;

        f.options.jobs = jobs;
        f.options.resume = false;
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        rc = run(&f, NULL, &e);
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        cr_assert_eq(rc, TIDE_E_IO);
        cr_expect_not_null(strstr(e.what, "cannot write"), "%s", e.what);
        cr_expect_not(exists(f.output, "summary.csv"));
        resume(&f, expected);
        remove_tree(f.output);
    }
    free(expected);
    tear_down(&f);
}

/* ---- standard input ---- */

static void feed_stdin(const char *path)
{
    int ends[2];

    cr_assert_eq(pipe(ends), 0);
    if (fork() == 0) {
        char piece[4096];
        int fd = open(path, O_RDONLY);
        ssize_t n;

        close(ends[0]);
        while ((n = read(fd, piece, sizeof piece)) > 0) {
            if (write(ends[1], piece, (size_t)n) != n)
                break;
        }
        _exit(0);
    }
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    close(ends[1]);
}

Test(batch, standard_input_is_kept_only_where_it_is_read_twice)
{
    struct fixture f;
    struct tide_batch_results file, piped;
    struct tide_error e = {0};
    struct told told = {0};

    set_up(&f, 1);
    cr_assert_eq(run(&f, &file, &e), 0, "%s: %s", e.where, e.what);
    f.options.watch = (struct tide_batch_watch){.context = &told, .notice = on_notice};

    f.trace_list[0] = (char[]){"-"};
    feed_stdin(f.traces[0]);
    cr_assert_eq(run(&f, &piped, &e), 0, "%s: %s", e.where, e.what);
    cr_expect_eq(told.notices, 1);
    cr_expect_not_null(strstr(told.notice, "TMPDIR"), "%s", told.notice);
    for (size_t i = 0; i < MACHINES; i++) {
        cr_expect_str_eq(file.runs[i].id, piped.runs[i].id);
        cr_expect_eq(
            memcmp(&file.runs[i].counts, &piped.runs[i].counts, sizeof file.runs[i].counts), 0);
        cr_expect_not_null(strstr(piped.runs[i].summary, ",stdin,"), "%s", piped.runs[i].summary);
    }
    tide_batch_results_free(&piped);

    /* fifo with 9 frames needs no scan */
    f.experiment.n_machines = 1;
    feed_stdin(f.traces[0]);
    cr_assert_eq(run(&f, &piped, &e), 0, "%s: %s", e.where, e.what);
    cr_expect_eq(told.notices, 1, "no second notice");
    cr_expect_str_eq(file.runs[0].id, piped.runs[0].id);
    tide_batch_results_free(&piped);
    tide_batch_results_free(&file);
    tear_down(&f);
}

Test(batch, damage_on_standard_input_is_named_so)
{
    struct fixture f;
    struct told told = {0};
    struct stat st;

    set_up(&f, 1);
    cr_assert_eq(stat(f.traces[0], &st), 0);
    cr_assert_eq(truncate(f.traces[0], st.st_size / 2), 0);
    f.options.watch = (struct tide_batch_watch){.context = &told, .damaged = on_damage};
    f.trace_list[0] = (char[]){"-"};
    feed_stdin(f.traces[0]);
    cr_assert_eq(run(&f, NULL, NULL), TIDE_E_TRACE);
    cr_expect_eq(strncmp(told.error.where, "standard input", 14), 0, "%s", told.error.where);
    tear_down(&f);
}

/* ---- progress, memory ---- */

struct seen {
    atomic_uint calls, scans;
    uint64_t accesses, raw_bytes, raw_size;
    size_t machines;
};

static void watch(void *context, const struct tide_progress *p)
{
    struct seen *s = context;

    s->calls++;
    s->scans += p->scanning;
    s->accesses = p->accesses;
    s->raw_bytes = p->raw_bytes;
    s->raw_size = p->raw_size;
    s->machines = p->machines;
}

Test(batch, progress_ends_where_the_trace_does)
{
    struct fixture f;
    struct seen seen = {0};
    struct stat st;

    set_up(&f, 1);
    cr_assert_eq(stat(f.traces[0], &st), 0);
    f.options.watch = (struct tide_batch_watch){.context = &seen, .progress = watch};
    cr_assert_eq(run(&f, NULL, NULL), 0);
    cr_expect_geq(seen.calls, 1);
    cr_expect_eq(seen.accesses, ACCESSES);
    cr_expect_eq(seen.raw_bytes, (uint64_t)st.st_size);
    cr_expect_eq(seen.raw_size, (uint64_t)st.st_size);
    cr_expect_eq(seen.machines, MACHINES - 1, "one is computed for two");
    tear_down(&f);
}

/* Every allocation fails once: an error, no file under a final name, nothing lost (ASan). */
Test(batch, memory_that_runs_out_is_an_error)
{
    struct fixture f;
    long n;
    int rc = TIDE_E_NOMEM;

    set_up(&f, 1);
    write_trace(f.traces[0], 5, 300);
    for (n = 1; rc != 0 && n < 5000; n++) {
        struct tide_batch_results results;
        struct tide_error e = {0};

        tide_mem_fail_after(n);
        rc = run(&f, &results, &e);
        tide_mem_fail_after(0);
        cr_assert(rc == 0 || rc == TIDE_E_NOMEM, "allocation %ld: %d %s", n, rc, e.what);
        cr_assert_eq(exists(f.output, "run.json"), rc == 0, "allocation %ld", n);
        tide_batch_results_free(&results);
    }
    cr_assert_eq(rc, 0);
    cr_assert_gt(n, 50, "too few allocations for this to tell anything");
    tear_down(&f);
}

/* ---- the feed alone ---- */

struct taker {
    uint64_t expected; /* ordinal of the next block's first access */
    uint64_t enough;   /* accesses after which it has enough, */
    uint64_t fails;    /* ... or fails */
    unsigned slowness; /* microseconds a block */
    bool out_of_order;
};

static int take(void *context, const struct tide_block *b, const struct tide_block_runs *runs,
                struct tide_error *e)
{
    struct taker *t = context;

    t->out_of_order |= b->first != t->expected || runs == NULL || runs->n_segments == 0;
    t->expected += b->n_accesses;
    usleep(t->slowness);
    if (t->expected >= t->fails)
        return tide_fail(e, TIDE_E_RUN, "taker failed");
    return t->expected < t->enough;
}

static int feed_takers(const struct fixture *f, struct taker *takers, size_t n, unsigned jobs,
                       struct tide_feed *feed, struct tide_error *e)
{
    static const struct tide_geometry geometries[2] = {{.page_shift = 12, .va_bits = 48},
                                                       {.page_shift = 14, .va_bits = 50}};
    struct tide_consumer consumers[8];
    int rc;

    for (size_t i = 0; i < n; i++)
        consumers[i] = (struct tide_consumer){
            .context = &takers[i], .take = take, .geometry = &geometries[i % 2]};
    *feed =
        (struct tide_feed){.reader = tide_reader_open(tide_stream_open(f->traces[0], e), NULL, e),
                           .consumers = consumers,
                           .n = n,
                           .jobs = jobs};
    cr_assert_not_null(feed->reader, "%s", e->what);
    rc = tide_feed_run(feed, e);
    tide_reader_close(feed->reader);
    return rc;
}

Test(feed, everyone_gets_every_block_in_order)
{
    struct fixture f;
    struct tide_error e = {0};

    set_up(&f, 1);
    for (unsigned jobs = 1; jobs <= 6; jobs++) {
        struct taker takers[4] = {{.slowness = 3000}, {0}, {.slowness = 500}, {.enough = 20000}};
        struct tide_feed feed;

        for (size_t i = 0; i < 4; i++) {
            takers[i].fails = UINT64_MAX;
            takers[i].enough = takers[i].enough > 0 ? takers[i].enough : UINT64_MAX;
        }
        cr_assert_eq(feed_takers(&f, takers, 4, jobs, &feed, &e), 0, "%s", e.what);
        cr_expect_eq(feed.accesses, ACCESSES);
        for (size_t i = 0; i < 4; i++) {
            cr_expect_not(takers[i].out_of_order, "%u threads, taker %zu", jobs, i);
            if (i < 3)
                cr_expect_eq(takers[i].expected, ACCESSES);
        }
        cr_expect_geq(takers[3].expected, 20000);
        cr_expect_lt(takers[3].expected, 20000 + TIDE_BLOCK_ACCESSES, "fed after it had enough");
    }
    tear_down(&f);
}

Test(feed, a_failure_ends_it_for_all)
{
    struct fixture f;
    struct tide_error e = {0};

    set_up(&f, 1);
    for (unsigned jobs = 1; jobs <= 4; jobs++) {
        struct taker takers[2] = {{.enough = UINT64_MAX, .fails = UINT64_MAX},
                                  {.enough = UINT64_MAX, .fails = 20000}};
        struct tide_feed feed;

        cr_assert_eq(feed_takers(&f, takers, 2, jobs, &feed, &e), TIDE_E_RUN);
        cr_expect_str_eq(e.what, "taker failed");
    }
    tear_down(&f);
}
