/* The store: see store.h. */
#include "batch/store.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "report/curves.h"
#include "report/machine.h"
#include "report/outfile.h"

enum { FLUSH_BYTES = 65536 };

uint64_t tide_hash_bytes(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* ---- folders ---- */

static int make_folder(const char *path, struct tide_error *e)
{
    struct stat st;

    if (mkdir(path, 0777) == 0)
        return 0;
    if (errno != EEXIST)
        return tide_io_error(e, "make output folder", path);
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return tide_io_error(e, "make output folder", path);
    }
    return 0;
}

/* With its parents, as mkdir -p. */
static int make_folders(const char *path, struct tide_error *e)
{
    char *copy = tide_strdup(path);
    int rc = 0;

    if (copy == NULL)
        return tide_nomem(e);
    for (char *p = copy + 1; *p != '\0' && rc == 0; p++) {
        if (*p == '/') {
            *p = '\0';
            rc = make_folder(copy, e);
            *p = '/';
        }
    }
    if (rc == 0)
        rc = make_folder(copy, e);
    free(copy);
    return rc;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

/* Removes our files, no others; or, where `rows` is given, only says whether there are rows. */
static int go_through(const struct tide_store *s, bool *rows, struct tide_error *e)
{
    DIR *d = opendir(s->unfinished);
    struct dirent *entry;
    int rc = 0;

    if (d == NULL)
        return tide_io_error(e, "read", s->unfinished);
    while (rc == 0 && (entry = readdir(d)) != NULL) {
        const char *name = entry->d_name;
        bool finished = ends_with(name, ".rows");

        if (rows != NULL)
            *rows |= finished;
        else if ((finished || ends_with(name, ".tmp") || ends_with(name, ".trace")) &&
                 unlinkat(dirfd(d), name, 0) != 0)
            rc = tide_io_error(e, "remove a file in", s->unfinished);
    }
    closedir(d);
    return rc;
}

int tide_store_open(struct tide_store *s, const char *dir, const char *version, bool resume,
                    struct tide_error *e)
{
    int rc;

    *s = (struct tide_store){.lock = -1, .version = version};
    s->dir = tide_strdup(dir);
    s->unfinished = tide_asprintf("%s/.unfinished", dir);
    if (s->dir == NULL || s->unfinished == NULL) {
        rc = tide_nomem(e);
        goto out;
    }
    rc = make_folders(dir, e);
    if (rc == 0 && access(dir, W_OK | X_OK) != 0)
        rc = tide_io_error(e, "write to output folder", dir);
    if (rc == 0)
        rc = make_folder(s->unfinished, e);
    if (rc != 0)
        goto out;
    s->lock = open(s->unfinished, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->lock < 0) {
        rc = tide_io_error(e, "open", s->unfinished);
        goto out;
    }
    if (flock(s->lock, LOCK_EX | LOCK_NB) != 0) {
        rc = tide_fail(e, TIDE_E_IO, "output folder '%.300s' is in use", dir);
        tide_error_remedy(e, "another batch, or another experiment of this one, writes to it: "
                             "give each its own");
        goto out;
    }
    rc = go_through(s, resume ? &s->has_rows : NULL, e);
out:
    if (rc != 0)
        tide_store_close(s);
    return rc;
}

void tide_store_close(struct tide_store *s)
{
    if (s->lock >= 0)
        close(s->lock);
    free(s->dir);
    free(s->unfinished);
    *s = TIDE_STORE_NONE;
}

int tide_store_remove(struct tide_store *s, struct tide_error *e)
{
    int rc = go_through(s, NULL, e);

    if (rc == 0 && rmdir(s->unfinished) != 0)
        rc = tide_io_error(e, "remove", s->unfinished);
    return rc;
}

/* New names in a folder are on the disk once the folder is. */
static int sync_folder(const char *path, struct tide_error *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

    /* EINVAL: a file system that can't sync folders */
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        rc = tide_io_error(e, "sync", path);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* ---- the rows of one run ---- */

static char *rows_path(const struct tide_store *s, const struct tide_run_result *run)
{
    return tide_asprintf("%s/%s-%08" PRIx32 ".rows", s->unfinished, run->id, run->variant);
}

static void header(struct tide_text *t, const struct tide_store *s)
{
    tide_text_printf(t, "pagetide,%s\n", s->version);
}

/* Files are opened for each piece: a sweep may have more runs than a process may have files. */
static int write_out(struct tide_rows *r, bool sync, struct tide_error *e)
{
    struct tide_text *t = &r->csv.text;
    int fd, rc;

    if (t->failed)
        return tide_nomem(e);
    fd = open(r->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
        return tide_io_error(e, "make", r->path);
    rc = tide_write_all(fd, t->bytes, t->n, r->path, e);
    if (rc == 0 && sync && fsync(fd) != 0)
        rc = tide_io_error(e, "write", r->path);
    if (close(fd) != 0 && rc == 0)
        rc = tide_io_error(e, "close", r->path);
    r->crc = (uint32_t)crc32_z(r->crc, (const unsigned char *)t->bytes, t->n);
    tide_text_clear(t);
    return rc;
}

int tide_rows_open(struct tide_rows *r, const struct tide_store *s, size_t number,
                   struct tide_error *e)
{
    *r = (struct tide_rows){.path = tide_asprintf("%s/run-%zu.tmp", s->unfinished, number)};
    if (r->path == NULL)
        return tide_nomem(e);
    if (unlink(r->path) != 0 && errno != ENOENT) {
        int rc = tide_io_error(e, "remove", r->path);

        tide_rows_close(r);
        return rc;
    }
    header(&r->csv.text, s);
    return 0;
}

int tide_rows_flush(struct tide_rows *r, struct tide_error *e)
{
    return r->csv.text.n >= FLUSH_BYTES || r->csv.text.failed ? write_out(r, false, e) : 0;
}

_Static_assert(sizeof(struct tide_counts) % sizeof(uint64_t) == 0, "counts are 64-bit words");
enum { COUNT_WORDS = sizeof(struct tide_counts) / sizeof(uint64_t) };

int tide_rows_commit(struct tide_rows *r, const struct tide_store *s,
                     const struct tide_run_result *result, struct tide_error *e)
{
    struct tide_text *t = &r->csv.text;
    uint64_t words[COUNT_WORDS];
    char *path;
    int rc;

    memcpy(words, &result->counts, sizeof words);
    tide_text_printf(t, "result,%d,%" PRIu64 ",%" PRIu64, (int)result->status, result->frames,
                     result->cycles);
    for (size_t i = 0; i < COUNT_WORDS; i++)
        tide_text_printf(t, ",%" PRIu64, words[i]);
    tide_text_add(t, "\n", 1);
    rc = write_out(r, false, e);
    if (rc != 0)
        return rc;
    tide_text_printf(t, "end,%08" PRIx32 "\n", r->crc);
    rc = write_out(r, true, e);
    if (rc != 0)
        return rc;
    path = rows_path(s, result);
    if (path == NULL)
        return tide_nomem(e);
    if (rename(r->path, path) != 0)
        rc = tide_io_error(e, "rename", r->path);
    free(path);
    if (rc == 0) {
        free(r->path);
        r->path = NULL;
    }
    return rc;
}

void tide_rows_close(struct tide_rows *r)
{
    if (r->path != NULL)
        unlink(r->path);
    free(r->path);
    tide_csv_fini(&r->csv);
    *r = (struct tide_rows){0};
}

/* ---- reading row files ---- */

struct record {
    char *bytes; /* n of them, line end included */
    size_t n, cap;
};

/* Reads one record: a line, or several where a quoted cell has line feeds. 1, 0 at the end. */
static int read_record(FILE *f, struct record *r, const char *path, struct tide_error *e)
{
    bool quoted = false;
    int c;

    r->n = 0;
    while ((c = getc_unlocked(f)) != EOF) {
        char *p = tide_grow(r->bytes, &r->cap, r->n + 2, 1);

        if (p == NULL)
            return tide_nomem(e);
        r->bytes = p;
        p[r->n++] = (char)c;
        p[r->n] = '\0';
        quoted ^= c == '"';
        if (c == '\n' && !quoted)
            return 1;
    }
    if (ferror(f))
        return tide_io_error(e, "read", path);
    return r->n > 0;
}

/* Opens a row file; *f stays NULL where there is none. *path is for messages, own memory. */
static int open_rows(const struct tide_store *s, const struct tide_run_result *run, FILE **f,
                     char **path, struct tide_error *e)
{
    *f = NULL;
    *path = rows_path(s, run);
    if (*path == NULL)
        return tide_nomem(e);
    *f = fopen(*path, "re");
    return *f != NULL || errno == ENOENT ? 0 : tide_io_error(e, "open", *path);
}

static bool starts(const struct record *r, const char *word)
{
    size_t n = strlen(word);

    return r->n > n && memcmp(r->bytes, word, n) == 0 && r->bytes[n] == ',';
}

/* Cells of a `result` line. */
static bool parse_result(const char *cells, struct tide_run_result *result)
{
    uint64_t words[COUNT_WORDS + 3];

    for (size_t i = 0; i < COUNT_WORDS + 3; i++) {
        char *end;

        errno = 0;
        words[i] = strtoull(cells, &end, 10);
        if (end == cells || errno != 0 || *end != (i < COUNT_WORDS + 2 ? ',' : '\n'))
            return false;
        cells = end + 1;
    }
    if (words[0] > TIDE_STATUS_OOM)
        return false;
    result->status = (enum tide_machine_status)words[0];
    result->frames = words[1];
    result->cycles = words[2];
    memcpy(&result->counts, words + 3, sizeof result->counts);
    return true;
}

int tide_store_find(const struct tide_store *s, struct tide_run_result *result, char **summary,
                    struct tide_error *e)
{
    struct tide_text expected = {0};
    struct record r = {0};
    char *path, end[32];
    uint32_t crc = 0;
    bool first = true, counted = false, whole = false;
    FILE *f;
    int rc = open_rows(s, result, &f, &path, e);

    if (summary != NULL)
        *summary = NULL;
    if (f == NULL) {
        free(path);
        return rc;
    }
    header(&expected, s);
    while ((rc = read_record(f, &r, path, e)) > 0 && !whole) {
        if (first && (expected.failed || strcmp(r.bytes, expected.bytes) != 0))
            break; /* another version's */
        first = false;
        if (starts(&r, "end")) {
            snprintf(end, sizeof end, "end,%08" PRIx32 "\n", crc);
            if (strcmp(r.bytes, end) != 0)
                break;
            whole = true;
        }
        crc = (uint32_t)crc32_z(crc, (const unsigned char *)r.bytes, r.n);
        if (starts(&r, "result"))
            counted = parse_result(r.bytes + strlen("result,"), result);
        if (summary != NULL && starts(&r, tide_tables[TIDE_TABLE_summary].name) &&
            *summary == NULL) {
            r.bytes[r.n - 1] = '\0';
            *summary = tide_strdup(strchr(r.bytes, ',') + 1);
        }
    }
    if (rc >= 0)
        rc = rc == 0 && whole && counted && (summary == NULL || *summary != NULL);
    if (rc <= 0 && summary != NULL) {
        free(*summary);
        *summary = NULL;
    }
    fclose(f);
    free(path);
    free(r.bytes);
    tide_text_fini(&expected);
    return rc;
}

/* ---- traces ---- */

static char *note_name(const char *path)
{
    return tide_asprintf("%016" PRIx64 ".trace",
                         tide_hash_bytes(TIDE_HASH_START, path, strlen(path)));
}

/* What must not have changed; false where the file is no plain file. */
static bool note_key(struct tide_text *t, const struct tide_store *s, const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    header(t, s);
    tide_text_printf(t, "%s\n%jd %jd.%09ld\n", path, (intmax_t)st.st_size,
                     (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    return !t->failed;
}

int tide_store_note(const struct tide_store *s, const char *path,
                    const struct tide_content *content, const char *json, struct tide_error *e)
{
    struct tide_outfile o = TIDE_OUTFILE_NONE;
    struct tide_text t = {0};
    char *name = NULL;
    int rc = 0;

    if (!note_key(&t, s, path))
        goto out;
    tide_text_printf(&t, "%08" PRIx32 " %" PRIu64 "\n%s", content->crc, content->bytes, json);
    name = note_name(path);
    if (name == NULL || t.failed) {
        rc = tide_nomem(e);
        goto out;
    }
    rc = tide_outfile_open(&o, s->unfinished, name, e);
    if (rc == 0)
        rc = tide_outfile_write(&o, t.bytes, t.n, e);
    if (rc == 0)
        rc = tide_outfile_finish(&o, e);
    if (rc == 0)
        rc = tide_outfile_publish(&o, e);
    tide_outfile_abandon(&o);
out:
    free(name);
    tide_text_fini(&t);
    return rc;
}

/* The whole file, or an empty text where there is none. */
static void read_whole(const char *dir, const char *name, struct tide_text *t)
{
    char *path = tide_asprintf("%s/%s", dir, name), piece[4096];
    FILE *f = path != NULL ? fopen(path, "re") : NULL;
    size_t n;

    free(path);
    if (f == NULL)
        return;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        tide_text_add(t, piece, n);
    fclose(f);
}

int tide_store_recall(const struct tide_store *s, const char *path, struct tide_content *content,
                      char **json, struct tide_error *e)
{
    struct tide_text key = {0}, note = {0};
    char *name = note_name(path);
    int rc = 0, used = 0;

    *json = NULL;
    if (name == NULL) {
        rc = tide_nomem(e);
        goto out;
    }
    if (!note_key(&key, s, path))
        goto out;
    read_whole(s->unfinished, name, &note);
    if (note.n > key.n && memcmp(note.bytes, key.bytes, key.n) == 0 &&
        sscanf(note.bytes + key.n, "%" SCNx32 " %" SCNu64 "%n", &content->crc, &content->bytes,
               &used) == 2 &&
        note.bytes[key.n + (size_t)used] == '\n') {
        *json = tide_strdup(note.bytes + key.n + used + 1);
        rc = *json != NULL ? 1 : tide_nomem(e);
    }
out:
    free(name);
    tide_text_fini(&key);
    tide_text_fini(&note);
    return rc;
}

/* ---- the tables ---- */

struct table {
    bool has_rows;
    struct tide_outfile file; /* made with the first that is written */
    struct tide_csv csv;      /* what is not written yet */
};

static char *file_name(char name[64], size_t table)
{
    snprintf(name, 64, "%s.csv", tide_tables[table].name);
    return name;
}

static int table_write(struct table *t, const char *dir, size_t table, struct tide_error *e)
{
    char name[64];
    int rc = 0;

    if (t->csv.text.failed)
        return tide_nomem(e);
    if (t->file.tmp == NULL)
        rc = tide_outfile_open(&t->file, dir, file_name(name, table), e);
    if (rc == 0)
        rc = tide_outfile_write(&t->file, t->csv.text.bytes, t->csv.text.n, e);
    tide_text_clear(&t->csv.text);
    return rc;
}

/* Rows of one run go behind those of the runs before it. */
static int append_run(struct table *tables, const struct tide_store *s,
                      const struct tide_run_result *run, const char *trace, struct tide_error *e)
{
    struct record r = {0};
    char *path;
    FILE *f;
    int rc = open_rows(s, run, &f, &path, e);

    if (rc == 0 && f == NULL) {
        errno = ENOENT;
        rc = tide_io_error(e, "open", path);
    }

    while (rc == 0 && (rc = read_record(f, &r, path, e)) > 0) {
        rc = 0;
        for (size_t k = 0; k < TIDE_TABLES; k++) {
            struct tide_text *t = &tables[k].csv.text;
            size_t name = strlen(tide_tables[k].name);

            if (!starts(&r, tide_tables[k].name))
                continue;
            tables[k].has_rows = true;
            if (!tide_report_is_curve((enum tide_table)k))
                tide_text_printf(t, "%s,", run->id);
            if (k == TIDE_TABLE_summary || tide_report_is_curve((enum tide_table)k)) {
                tide_csv_quote(t, trace);
                tide_text_add(t, ",", 1);
            }
            tide_text_add(t, r.bytes + name + 1, r.n - name - 1);
            if (t->n > FLUSH_BYTES || t->failed)
                rc = table_write(&tables[k], s->dir, k, e);
            break;
        }
    }
    if (f != NULL)
        fclose(f);
    free(path);
    free(r.bytes);
    return rc;
}

/* Runs have all of their tables, curves those with rows. */
static bool wanted(const struct table *tables, size_t k, const struct tide_store_parts *parts)
{
    if (k == TIDE_TABLE_schema)
        return true;
    return tide_report_is_curve((enum tide_table)k) ? tables[k].has_rows : parts->n_runs > 0;
}

static int fill_tables(struct table *tables, const struct tide_store *s,
                       const struct tide_store_parts *parts, struct tide_error *e)
{
    int rc = 0;

    for (size_t k = 0; k < TIDE_TABLES; k++)
        if (k != TIDE_TABLE_schema)
            tide_csv_header(&tables[k].csv, (enum tide_table)k);
    tide_csv_schema(&tables[TIDE_TABLE_schema].csv);
    for (size_t i = 0; i < parts->n_runs && rc == 0; i++)
        rc = append_run(tables, s, &parts->runs[i], parts->trace_names[parts->runs[i].trace], e);
    for (size_t i = 0; i < parts->n_curves && rc == 0; i++)
        rc =
            append_run(tables, s, &parts->curves[i], parts->trace_names[parts->curves[i].trace], e);
    for (size_t k = 0; k < TIDE_TABLES && rc == 0; k++) {
        if (!wanted(tables, k, parts))
            continue;
        rc = table_write(&tables[k], s->dir, k, e);
        if (rc == 0)
            rc = tide_outfile_finish(&tables[k].file, e);
    }
    return rc;
}

static int remove_file(const char *dir, const char *name, const char *end, struct tide_error *e)
{
    char *path = tide_asprintf("%s/%s%s", dir, name, end);
    int rc = 0;

    if (path == NULL)
        return tide_nomem(e);
    if (unlink(path) != 0 && errno != ENOENT)
        rc = tide_io_error(e, "remove", path);
    free(path);
    return rc;
}

/* What earlier batches have left, one that was killed while it published included. */
static int remove_stale(const struct tide_store *s, const struct tide_store_parts *parts, size_t k,
                        struct tide_error *e)
{
    char name[64];
    int rc = remove_file(s->dir, file_name(name, k), ".tmp", e);

    return rc == 0 && parts->n_runs > 0 ? remove_file(s->dir, name, "", e) : rc;
}

/* run.json stands for a complete set: it goes first and comes last. */
static int publish(struct table *tables, struct tide_outfile *json, const struct tide_store *s,
                   const struct tide_store_parts *parts, struct tide_error *e)
{
    int rc = 0;

    if (parts->json != NULL && unlink(json->path) != 0 && errno != ENOENT)
        return tide_io_error(e, "replace", json->path);
    for (size_t k = 0; k < TIDE_TABLES && rc == 0; k++) {
        if (wanted(tables, k, parts))
            rc = tide_outfile_publish(&tables[k].file, e);
        else
            rc = remove_stale(s, parts, k, e);
    }
    if (rc == 0 && parts->json != NULL)
        rc = tide_outfile_publish(json, e);
    return rc == 0 ? sync_folder(s->dir, e) : rc;
}

int tide_store_assemble(const struct tide_store *s, const struct tide_store_parts *parts,
                        struct tide_error *e)
{
    struct table tables[TIDE_TABLES];
    struct tide_outfile run_json = TIDE_OUTFILE_NONE;
    const struct tide_text *json = parts->json;
    int rc;

    for (size_t k = 0; k < TIDE_TABLES; k++)
        tables[k] = (struct table){.file = TIDE_OUTFILE_NONE};
    rc = json != NULL && json->failed ? tide_nomem(e) : fill_tables(tables, s, parts, e);
    if (rc == 0 && json != NULL) {
        rc = tide_outfile_open(&run_json, s->dir, "run.json", e);
        if (rc == 0)
            rc = tide_outfile_write(&run_json, json->bytes, json->n, e);
        if (rc == 0)
            rc = tide_outfile_finish(&run_json, e);
    }
    if (rc == 0)
        rc = publish(tables, &run_json, s, parts, e);
    for (size_t k = 0; k < TIDE_TABLES; k++) {
        tide_outfile_abandon(&tables[k].file);
        tide_csv_fini(&tables[k].csv);
    }
    tide_outfile_abandon(&run_json);
    return rc;
}
