/* Where the runs of one experiment wait until its tables are complete: OUTPUT_DIR/.unfinished.
 *
 *   run-N.tmp      the rows of a run that is being made, appended as it goes: memory does not grow
 *                  with the trace
 *   ID-V.rows      a finished run: synced, then renamed; ID is the run's, V its variant's
 *   HASH.trace     what is known of a trace that was read to its end, so that resuming needs not
 *                  read it again
 *
 * A row file is a line with the program's version, rows in stored form (report/machine.h), a line
 * `result`, and a line `end` with the CRC-32 of all before: a file without that is not a run.
 * Tables are assembled from row files in run order, whatever the order they were made in.
 */
#ifndef TIDE_BATCH_STORE_H
#define TIDE_BATCH_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "batch/batch.h"
#include "report/csv.h"

struct tide_store {
    char *dir, *unfinished; /* paths */
    int lock;               /* descriptor of .unfinished, locked; -1: not open */
    bool has_rows;          /* an earlier batch has left finished runs, to be resumed */
    const char *version;
};

#define TIDE_STORE_NONE ((struct tide_store){.lock = -1})

/* Makes the folders. Without `resume`, what an earlier batch left behind is removed. Fails when
 * the folder can't be made or written, or another batch has it. */
TIDE_MUST_CHECK int tide_store_open(struct tide_store *s, const char *dir, const char *version,
                                    bool resume, struct tide_error *e);
/* Leaves .unfinished for a later `resume`. */
void tide_store_close(struct tide_store *s);
/* Removes .unfinished; the store must still be closed. */
TIDE_MUST_CHECK int tide_store_remove(struct tide_store *s, struct tide_error *e);

/* ---- the rows of one run ---- */

struct tide_rows {
    struct tide_csv csv; /* rows are added here */
    char *path;          /* run-N.tmp; NULL: not open */
    uint32_t crc;        /* of what has been written */
};

TIDE_MUST_CHECK int tide_rows_open(struct tide_rows *r, const struct tide_store *s, size_t number,
                                   struct tide_error *e);
/* To be called now and then: writes what has gathered once it is worth it. */
TIDE_MUST_CHECK int tide_rows_flush(struct tide_rows *r, struct tide_error *e);
/* The run is complete: as ID-V.rows on the disk. */
TIDE_MUST_CHECK int tide_rows_commit(struct tide_rows *r, const struct tide_store *s,
                                     const struct tide_run_result *result, struct tide_error *e);
/* Frees memory, and removes a file that was not committed. */
void tide_rows_close(struct tide_rows *r);

/* Takes over a finished run by result->id: fills status, frames, cycles, counts, and *summary with
 * the stored row of summary (new memory; NULL for curves, which have none). 1: there is a whole
 * one, 0: there is none. */
TIDE_MUST_CHECK int tide_store_find(const struct tide_store *s, struct tide_run_result *result,
                                    char **summary, struct tide_error *e);

/* ---- traces ---- */

/* Identity of a trace's content: all that can be inflated, CRC-32 and length. */
struct tide_content {
    uint32_t crc;
    uint64_t bytes;
};

/* Notes a trace that was read to its end, with its entry of run.json. */
TIDE_MUST_CHECK int tide_store_note(const struct tide_store *s, const char *path,
                                    const struct tide_content *content, const char *json,
                                    struct tide_error *e);
/* 1 where the file at `path` has been noted and has not changed since by size and time; *json is
 * new memory. */
TIDE_MUST_CHECK int tide_store_recall(const struct tide_store *s, const char *path,
                                      struct tide_content *content, char **json,
                                      struct tide_error *e);

/* ---- the tables ---- */

/* What the tables are made of. */
struct tide_store_parts {
    const struct tide_run_result *runs;
    size_t n_runs;
    const struct tide_run_result *curves; /* stored like runs: id, variant, trace */
    size_t n_curves;
    const char *const *trace_names; /* by result->trace */
    const struct tide_text *json;   /* run.json; NULL: none */
};

/* Writes the CSV files from the row files: those of runs where there are any, those of curves that
 * have rows, and the schema; and run.json. All are on the disk before the first appears under its
 * final name. With runs, files of curves that an earlier batch has left and that get no rows now
 * are removed. */
TIDE_MUST_CHECK int tide_store_assemble(const struct tide_store *s,
                                        const struct tide_store_parts *parts, struct tide_error *e);

/* FNV-1a; start with TIDE_HASH_START. */
#define TIDE_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t tide_hash_bytes(uint64_t h, const void *bytes, size_t n);

#endif
