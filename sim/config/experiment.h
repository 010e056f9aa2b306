/* Experiments: what a YAML file (or the command line of `compare`) asks for.
 *
 * Loading resolves everything that does not need a trace: presets, sweeps, overrides, defaults.
 * The result is a list of experiments; each is a list of traces and a list of machines; a run is
 * one machine on one trace.  Runs are ordered: traces in order, then sweep keys in order, the last
 * fastest.
 *
 * Values come, each over the one before, from: the built-in machine; `defaults:` of a batch; the
 * experiment; a point of its sweep; -s. `frames` and `memory` are one setting in this: either
 * replaces the other, but both in one place are an error. -s KEY=VALUE takes YAML in flow style;
 * a KEY that is swept is swept no more; -s sweep.KEY=[...] sweeps it. Paths reach below a policy
 * (machine.policy.cap) and into a named TLB array, a preset's too (machine.tlb.l1d.entries).
 *
 * Paths in a file are relative to its folder, those of -s to the working directory. In a batch,
 * an `output.dir` of `defaults:` or -s gets a folder for each experiment, by its name.
 */
#ifndef TIDE_CONFIG_EXPERIMENT_H
#define TIDE_CONFIG_EXPERIMENT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "curve/curves.h"
#include "pager/machine.h"

struct tide_experiment {
    char *name;
    char **traces; /* paths, globs expanded and sorted, relative ones resolved against the file */
    size_t n_traces;
    struct tide_machine_config *machines; /* the cross product */
    char **resolved; /* canonical YAML of each machine with every default filled in: equal machines
                      * have equal texts; what `run` ids are hashed from */
    size_t n_machines;
    struct tide_curve_plan *curves; /* of each trace, one for each page size; n_curves 0: none */
    size_t n_curves;
    char *output_dir;   /* NULL: not given */
    char *trace_format; /* NULL: by content */
};

struct tide_experiments {
    struct tide_experiment *list;
    size_t n;
};

/* Where errors go: each with file, line, column, the line, a caret and the remedy (problems.h
 * shows the form). All errors of a file are reported at once. */
struct tide_diagnostics {
    FILE *out;
    unsigned errors;
};

/* `overrides`: KEY=VALUE strings of -s, each a dotted path ("machine.policy=clock"); errors in them
 * are shown as "-s machine.policy=clok: error: ...". Returns 0, or TIDE_E_CONFIG after everything
 * wrong has been reported to `d` (*e then only tells how many errors there are), or TIDE_E_IO /
 * TIDE_E_NOMEM with *e filled. */
TIDE_MUST_CHECK int tide_experiments_load(const char *path, const char *const *overrides,
                                          size_t n_overrides, struct tide_experiments *out,
                                          struct tide_diagnostics *d, struct tide_error *e);
/* The same from memory; `base_dir` is what relative paths are relative to ("": the working
 * directory). */
TIDE_MUST_CHECK int tide_experiments_parse(const char *text, size_t n, const char *name,
                                           const char *base_dir, const char *const *overrides,
                                           size_t n_overrides, struct tide_experiments *out,
                                           struct tide_diagnostics *d, struct tide_error *e);
void tide_experiments_free(struct tide_experiments *x);

/* Sets one key of a machine from the command line, as -s does: key is a path below machine
 * ("policy", "costs.memory", "tlb.l1d.entries"), or warmup, skip or limit; value is YAML in flow
 * style ("lru", "{name: 2q, kin: 25%}"). page_size comes before what depends on it (tlb). On
 * failure *c is as before. */
TIDE_MUST_CHECK int tide_machine_set(struct tide_machine_config *c, const char *key,
                                     const char *value, struct tide_error *e);
/* Canonical YAML (block style, two blanks, keys in the order of the reference): an experiment file
 * without traces, which reads back as the same machine. Holds all that changes a run's counts, so
 * not `interval`. New memory, NULL when out of it. */
char *tide_machine_print(const struct tide_machine_config *c);

/* TLB presets: YAML files in the presets folder (TIDE_PRESETS in the environment, else the
 * installed one, else the source tree's). Calls f for each, sorted by name. */
TIDE_MUST_CHECK int tide_presets_each(int (*f)(void *context, const char *name, const char *path,
                                               const char *description, struct tide_error *e),
                                      void *context, struct tide_error *e);

#endif
