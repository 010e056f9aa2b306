/* The keys of an experiment, and layers of values for them.
 *
 * Every key is a dotted path; the one table of them is in settings.c. A layer holds at most one
 * value for each key, still as YAML. A machine is made from layers put over each other:
 *
 *     built-in defaults < defaults: < the experiment < one point of its sweep < -s
 *
 * Values below a key (machine.policy.kin, machine.tlb.l1d.entries) are kept as tweaks, which are
 * carried out after the key itself.
 */
#ifndef TIDE_CONFIG_SETTINGS_H
#define TIDE_CONFIG_SETTINGS_H

#include <stdint.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/arena.h"
#include "config/problems.h"
#include "config/yaml.h"

enum tide_key {
    TIDE_KEY_EXPERIMENT,
    TIDE_KEY_TRACES,
    TIDE_KEY_FORMAT,
    TIDE_KEY_PAGE_SIZE,
    TIDE_KEY_FRAMES,
    TIDE_KEY_MEMORY,
    TIDE_KEY_POLICY,
    TIDE_KEY_OBSERVE,
    TIDE_KEY_FLUSH_ON_CLEAR,
    TIDE_KEY_REFERENCES,
    TIDE_KEY_TLB,
    TIDE_KEY_PT_KIND,
    TIDE_KEY_PT_LEVELS,
    TIDE_KEY_PT_BITS,
    TIDE_KEY_PT_ENTRY_BYTES,
    TIDE_KEY_PT_WALK_CACHES,
    TIDE_KEY_PAGE_CACHE,
    TIDE_KEY_COST_MEMORY,
    TIDE_KEY_COST_WALK_REF,
    TIDE_KEY_COST_MINOR_FAULT,
    TIDE_KEY_COST_MAJOR_FAULT,
    TIDE_KEY_COST_WRITEBACK,
    TIDE_KEY_SEED,
    TIDE_KEY_SWEEP,
    TIDE_KEY_WARMUP,
    TIDE_KEY_SKIP,
    TIDE_KEY_LIMIT,
    TIDE_KEY_OUTPUT_DIR,
    TIDE_KEY_OUTPUT_INTERVAL,
    TIDE_KEY_OUTPUT_CURVES,
    TIDE_KEY_OUTPUT_TAU,
    TIDE_KEYS
};

/* As users write it: "machine.page_table.levels". */
const char *tide_key_path(enum tide_key key);

enum { TIDE_TWEAKS_MAX = 16 };

struct tide_layer {
    struct tide_place root; /* where to point when no key is to blame */
    const struct tide_yaml *slot[TIDE_KEYS];
    size_t n_tweaks;
    struct tide_tweak {
        enum tide_key key;
        const char *path; /* below the key: "kin", "l1d.entries" */
        const struct tide_yaml *value;
    } tweaks[TIDE_TWEAKS_MAX];
};

struct tide_preset;

/* What a load needs all along. */
struct tide_load {
    struct tide_arena arena;
    struct tide_problems problems;
    struct tide_preset *presets; /* those read so far */
    unsigned n_sources;
};

void tide_load_init(struct tide_load *l);
void tide_load_fini(struct tide_load *l);
/* A new source in the arena; NULL: out of memory, which is noted. The text must stay. */
struct tide_source *tide_load_source(struct tide_load *l, const char *name, const char *text,
                                     size_t n, bool command_line);

/* Sets `path` (dotted; a group of keys takes a mapping) in the layer; `at` is the path's place. */
void tide_layer_set(struct tide_load *l, struct tide_layer *layer, const char *path,
                    struct tide_place at, const struct tide_yaml *value);
/* Takes the whole mapping of an experiment. */
void tide_layer_walk(struct tide_load *l, struct tide_layer *layer,
                     const struct tide_yaml *mapping);
/* Puts `upper` over `lower`. frames and memory are one setting: either replaces the other. */
void tide_layer_cover(struct tide_load *l, struct tide_layer *lower,
                      const struct tide_layer *upper);
/* True if a path may be swept: it is a key, or a group of keys, or below a key, of the machine or
 * of the replayed part. */
bool tide_path_sweepable(const char *path);
/* True if setting `upper` makes a value for `lower` meaningless: it is the same path, or above it,
 * or the other one of frames and memory. */
bool tide_path_covers(const char *upper, const char *lower);

/* ---- reading values; each reports what is wrong and returns false then ---- */

bool tide_read_word(struct tide_load *l, const struct tide_yaml *value, const char *name,
                    const char **out);
/* `parse` is one of base/units.h. */
bool tide_read_number(struct tide_load *l, const struct tide_yaml *value, const char *name,
                      int (*parse)(const char *, uint64_t *, struct tide_error *), uint64_t *out);
/* The index of the value among n names, or -1; what: "page-table kind". */
int tide_read_choice(struct tide_load *l, const struct tide_yaml *value, const char *name,
                     const char *what, const char *const *names, size_t n);
/* Reports an error of a checker at a place. */
void tide_problem_from(struct tide_load *l, struct tide_place at, const char *name,
                       const struct tide_error *e);

#endif
