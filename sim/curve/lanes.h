/* One policy at many sizes: each size a lane, fed side by side from the same steps.
 *
 * A lane is a machine with `frames: N` without what its page faults do not depend on: no address
 * space, TLB or page table, but a table from page ids to frames. It calls the policy as the machine
 * does (replacement/policy.h): the same frames, times, names of pages, order of events and seed, so
 * faults, evictions and write-backs are those of the machine.
 */
#ifndef TIDE_CURVE_LANES_H
#define TIDE_CURVE_LANES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "curve/steps.h"
#include "replacement/policy.h"

/* Of the references that count: those behind the START of the steps. */
struct tide_size_counts {
    uint64_t faults, evictions, writebacks;
};

struct tide_lanes_config {
    const struct tide_policy *policy;
    const void *options; /* filled; outlives the lanes */
    bool collapsed;      /* references: collapsed, else every */
    uint64_t seed;
    const uint32_t *frames; /* n of them, each at least 1, in any order; copied */
    uint32_t n;
};

struct tide_lanes;

/* Policies that a lane can't have: those of variable space, and those that see the future. */
bool tide_lanes_can(const struct tide_policy *policy);
struct tide_lanes *tide_lanes_new(const struct tide_lanes_config *c, struct tide_error *e);
void tide_lanes_free(struct tide_lanes *l);
TIDE_MUST_CHECK int tide_lanes_feed(struct tide_lanes *l, const struct tide_steps *s,
                                    struct tide_error *e);
/* Of size i of the configuration; valid at any time. */
struct tide_size_counts tide_lanes_counts(const struct tide_lanes *l, uint32_t i);

#endif
