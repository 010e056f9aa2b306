/* Whether a machine may be fed a reduced trace (trace/reduce.h): only where its counts are those of
 * the whole trace. */
#ifndef TIDE_PAGER_REDUCED_H
#define TIDE_PAGER_REDUCED_H

#include "pager/machine.h"
#include "trace/reduce.h"

/* Before the first block. `frames`: as tide_machine_frames() tells. TIDE_E_CONFIG with what must be
 * different. */
TIDE_MUST_CHECK int tide_reduced_check(const struct tide_reduction *r,
                                       const struct tide_machine_config *c, uint64_t frames,
                                       struct tide_error *e);
/* Afterwards, for what only the counts tell. */
TIDE_MUST_CHECK int tide_reduced_check_counts(const struct tide_reduction *r,
                                              const struct tide_counts *counts,
                                              struct tide_error *e);

#endif
