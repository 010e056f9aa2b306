/* A folder of results, as the report sees it: the files that are there, the runs, and what tells
 * the runs of a trace apart.
 *
 * A run's *size* is its memory (the configured frames or memory size); its *series* is everything
 * else that varies within its trace: the policy, and its options, page size, TLB, ... where these
 * are not all the same. What no column of summary.csv tells apart is told apart by the number of
 * the machine, which the report explains from run.json.
 */
#ifndef TIDE_REPORT_RESULTS_H
#define TIDE_REPORT_RESULTS_H

#include "report/csv_read.h"
#include "report/json_read.h"

enum tide_result {
    TIDE_RESULT_SUMMARY,
    TIDE_RESULT_TLB,
    TIDE_RESULT_FAULTS,
    TIDE_RESULT_TIMELINE,
    TIDE_RESULT_BUDDY,
    TIDE_RESULT_SLAB,
    TIDE_RESULT_OF_RUNS, /* the tables above have a column `run`, those below `trace` */
    TIDE_RESULT_MRC = TIDE_RESULT_OF_RUNS,
    TIDE_RESULT_WSS,
    TIDE_RESULT_WST,
    TIDE_RESULT_REUSE,
    TIDE_RESULTS
};

struct tide_result_run {
    size_t row;     /* of summary.csv */
    size_t trace;   /* index into traces */
    size_t machine; /* number of the machine in run.json; 0 without one */
    char *series;
    const char *id, *size, *policy;
    double references, faults, fault_ratio, page_bytes;
    double frames;     /* or, for a policy that sets its own number, the mean resident pages */
    bool fixed_frames; /* frames are the run's setting */
    bool memory;       /* ... and, as run.json has it, they are all frames of the machine */
};

struct tide_result_trace {
    const char *name;  /* as the tables have it */
    const char *title; /* of its own: the path where two traces have one name */
    size_t index;      /* in run.json */
    size_t runs;
    bool many_pages; /* its runs have different page sizes */
};

struct tide_results {
    const char *dir;
    struct tide_csv_table tables[TIDE_RESULTS]; /* columns 0: not there */
    struct tide_json_doc run_json;              /* n 0: not there */
    struct tide_result_trace *traces;
    struct tide_result_run *runs; /* in the order of summary.csv */
    size_t n_traces, cap_traces, n_runs;
    /* for each table of runs: the first row of each run, the next row of the same run */
    size_t *first[TIDE_RESULT_OF_RUNS], *next[TIDE_RESULT_OF_RUNS];
};

/* Reads what is there. TIDE_E_IO for a folder without results, for a file that is not what its name
 * says, and for files that don't belong together. Free it after a failure too. */
TIDE_MUST_CHECK int tide_results_load(const char *dir, struct tide_results *out,
                                      struct tide_error *e);
void tide_results_fini(struct tide_results *r);

static inline bool tide_results_has(const struct tide_results *r, enum tide_result table)
{
    return r->tables[table].columns > 0;
}

/* The rows of a run, in the file's order; TIDE_NO_COLUMN at the end. */
size_t tide_results_first(const struct tide_results *r, enum tide_result table, size_t run);
size_t tide_results_next(const struct tide_results *r, enum tide_result table, size_t row);

/* A cell by its column's name, which is one of those that loading requires. */
const char *tide_results_cell(const struct tide_results *r, enum tide_result table, size_t row,
                              const char *column);
/* As a number; NaN where the cell is empty. Loading has checked that it is one or empty. */
double tide_results_number(const struct tide_results *r, enum tide_result table, size_t row,
                           const char *column);

/* The file's name of a table: "summary.csv". */
const char *tide_results_file(enum tide_result table);

#endif
