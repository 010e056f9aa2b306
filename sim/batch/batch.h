/* Batches: many machines over one decoded trace, trace after trace, from experiments to files.
 *
 * For each trace: where a machine needs to know it beforehand (a share of frames, a policy that
 * sees the future), one preparatory scan, shared by all machines that agree; then one decode that
 * feeds all machines. `jobs` threads inflate, decode, cut and replay (batch/feed.h); results are
 * the same bytes for every number of threads.
 *
 * A finished run is kept as a whole file in OUTPUT_DIR/.unfinished (batch/store.h), so that a batch
 * that is killed loses no finished run and `resume` continues it to the same bytes. The tables
 * appear when all runs of an experiment are there, run.json last.
 */
#ifndef TIDE_BATCH_BATCH_H
#define TIDE_BATCH_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/experiment.h"
#include "curve/curves.h"
#include "pager/machine.h"

enum { TIDE_RUN_ID_DIGITS = 12 };

/* Where a batch stands, told at most five times a second, and once when a trace is done. */
struct tide_progress {
    const char *trace;  /* its path */
    size_t trace_index; /* from 0, over the whole batch */
    size_t n_traces;
    bool scanning;      /* the preparatory scan, not the replay */
    uint64_t raw_bytes; /* read of the file */
    uint64_t raw_size;  /* of the file; 0 if not known */
    uint64_t accesses;  /* decoded so far */
    size_t machines;    /* that are being fed */
};

/* Hooks may be NULL; they are called by one thread at a time, but not always the same. */
struct tide_batch_watch {
    void *context;
    void (*progress)(void *context, const struct tide_progress *p);
    /* something the user should know, one sentence without a full stop */
    void (*notice)(void *context, const char *text);
    /* a trace is damaged; the batch goes on with what was read of it, and with the others */
    void (*damaged)(void *context, const char *trace, const struct tide_error *error);
};

struct tide_batch_options {
    unsigned jobs; /* threads, 1..; 1: the calling one alone */
    enum tide_engine engine;
    bool resume;
    const char *version;        /* of the program, for run.json */
    const char *const *command; /* the command line, for run.json */
    size_t n_command;
    struct tide_batch_watch watch;
    /* the curves of a trace are complete (partial: as far as the trace could be read); NULL: not
     * asked for. Not called for those that `resume` takes over. */
    void (*curves)(void *context, const struct tide_curves *c, const struct tide_size_table *sizes,
                   bool partial);
    void *curves_context;
};

/* What became of one run. */
struct tide_run_result {
    size_t experiment, trace, machine; /* indices */
    char id[TIDE_RUN_ID_DIGITS + 1];   /* "" from tide_batch_compare() */
    uint32_t variant; /* of the run's rows: hashed from what they depend on beside the run itself,
                       * interval and forced format */
    enum tide_machine_status status;
    bool resumed; /* taken over from the batch that was killed */
    uint64_t frames, cycles;
    struct tide_counts counts;
    uint64_t faults; /* minor and major */
    char *summary;   /* its row of summary.csv, without the line end; NULL where only faults were
                      * wanted */
};

struct tide_batch_results {
    struct tide_run_result *runs; /* in run order, experiment after experiment */
    size_t n;
};

/* Runs all experiments and writes their files. Nothing is begun unless every output folder can be
 * written and every trace opened. Afterwards *out holds the runs (empty on failure; free it).
 *
 *   0             every run is complete
 *   TIDE_E_TRACE  a trace was damaged: its runs have status partial, all files are written
 *   TIDE_E_RUN    a machine ran out of memory (status oom), all files are written
 *   else          the batch was given up; finished runs are kept for `resume`
 */
TIDE_MUST_CHECK int tide_batch_run(const struct tide_experiments *x,
                                   const struct tide_batch_options *o,
                                   struct tide_batch_results *out, struct tide_error *e);

/* The same machines over one trace without any file: for `compare`. *out is in the order of
 * `machines`; on TIDE_E_TRACE and TIDE_E_RUN it is filled too. */
TIDE_MUST_CHECK int tide_batch_compare(const char *trace, const char *format,
                                       const struct tide_machine_config *machines, size_t n,
                                       const struct tide_batch_options *o,
                                       struct tide_batch_results *out, struct tide_error *e);

/* The same for those who want to know frames, references, faults, evictions and write-backs only,
 * beside status and segmentation faults: the rest may be 0. Where no machine depends on more than
 * the order of its page references, one pass stands for all of them (batch/sizes.h), unless the
 * engine is the plain one. */
TIDE_MUST_CHECK int tide_batch_faults(const char *trace, const char *format,
                                      const struct tide_machine_config *machines, size_t n,
                                      const struct tide_batch_options *o,
                                      struct tide_batch_results *out, struct tide_error *e);

/* The curves of one trace without any file: `o->curves` is told. A trace that is damaged is
 * TIDE_E_TRACE, after that. */
TIDE_MUST_CHECK int tide_batch_curves(const char *trace, const char *format,
                                      const struct tide_curve_plan *plan,
                                      const struct tide_batch_options *o, struct tide_error *e);

void tide_batch_results_free(struct tide_batch_results *r);

#endif
