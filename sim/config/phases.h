/* Synthetic traces described in YAML:
 *
 *     seed: 7
 *     repeat: 3
 *     phases:
 *       - {pattern: zipf, pages: 1000, accesses: 100K}
 *       - {pattern: sequential, pages: 64, accesses: 10K, writes: 0}
 */
#ifndef TIDE_CONFIG_PHASES_H
#define TIDE_CONFIG_PHASES_H

#include "config/experiment.h"
#include "trace/generate.h"

struct tide_phases {
    struct tide_phase *items;
    size_t n, cap;
    uint64_t seed, repeat;
};

#define TIDE_PHASES_INIT ((struct tide_phases){.seed = 1, .repeat = 1})

/* Adds a phase: TIDE_E_NOMEM or 0. */
TIDE_MUST_CHECK int tide_phases_add(struct tide_phases *ps, const struct tide_phase *p,
                                    struct tide_error *e);
/* Reads the file into `ps`, which has been initialised. What is wrong in it goes to `d`, all at
 * once, and is TIDE_E_CONFIG. */
TIDE_MUST_CHECK int tide_phases_load(const char *path, struct tide_phases *ps,
                                     struct tide_diagnostics *d, struct tide_error *e);
void tide_phases_fini(struct tide_phases *ps);

#endif
