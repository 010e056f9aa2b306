/* Distances of the references that count: what a miss curve and the reuse histogram are made of.
 *
 * A stack distance is the smallest number of frames with which the reference does not fault.
 */
#ifndef TIDE_CURVE_HISTOGRAM_H
#define TIDE_CURVE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tide_distances {
    uint64_t *counts; /* by distance, from 1; counts[0]: references that fault with any number */
    size_t cap;       /* of counts: distances are below it */
};

/* Room for distances up to `most`. */
TIDE_MUST_CHECK int tide_distances_reserve(struct tide_distances *d, size_t most,
                                           struct tide_error *e);
/* Forgets what was counted. */
void tide_distances_clear(struct tide_distances *d);
void tide_distances_fini(struct tide_distances *d);
/* References at more than `distance`, those that fault with any number included: the faults with
 * that many frames. */
uint64_t tide_distances_beyond(const struct tide_distances *d, uint64_t distance);
/* References counted. */
uint64_t tide_distances_references(const struct tide_distances *d);

#endif
