/* The least machine that can hold a policy to its contract: a fixed number of frames, nothing else.
 *
 * It maps pages to frames, keeps reference and dirty bits, folds references into touches, calls
 * ticks, and counts faults and write-backs. Pages are single-process page numbers or any tide_page.
 */
#ifndef TIDE_TESTS_POLICY_DRIVER_H
#define TIDE_TESTS_POLICY_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "replacement/policy.h"

enum driver_op { DRIVER_READ, DRIVER_WRITE, DRIVER_UNMAP };

/* A step of a trace. Next uses are filled by driver_next_uses(). */
struct driver_step {
    tide_page page;
    uint8_t op;                  /* enum driver_op */
    uint64_t next_use, next_own; /* in the driver's time, in that of the page's process */
};

struct driver {
    const struct tide_policy *policy;
    void *state, *options;
    struct tide_policy_env env;
    struct tide_rng rng;
    uint8_t *bits;
    tide_page *pages;
    uint32_t *free_frames, n_free;
    struct tide_map frames; /* page -> frame */
    uint64_t now, tick;     /* tick: 0 for policies without */
    uint64_t *times;        /* of each process its own, for policies with variable space */
    unsigned running;       /* the process of the last reference */
    uint64_t faults, evictions, writebacks;
    uint64_t resident_sum; /* of the pages in memory after each step that folds nothing */
};

/* For policies with options: set some away from their defaults, NAME=VALUE, separated by blanks;
 * NULL or "": none. Asserts (by abort) that options exist and allocation works. */
void driver_open(struct driver *d, const struct tide_policy *policy, const char *settings,
                 uint32_t frames, uint64_t seed);
void driver_close(struct driver *d);

/* One step. Returns whether it faulted; *victim (may be NULL) is the page evicted for it, or
 * TIDE_PAGE_NONE. */
bool driver_step(struct driver *d, const struct driver_step *step, tide_page *victim);
/* Replays the longest part of steps[0..n) that one run can hold, at least one step: a reference
 * and those that follow it to the same page or to one other resident page, within a tick. Touches
 * are folded; those of two pages are not for policies that observe each change of page. Returns the
 * number of steps taken; *faulted and *victim are about the first. */
size_t driver_run(struct driver *d, const struct driver_step *steps, size_t n, bool *faulted,
                  tide_page *victim);

bool driver_resident(const struct driver *d, tide_page page);

/* Next uses are virtual times from 1 on; an unmapping in between ends a page's future. */
void driver_next_uses(struct driver_step *steps, size_t n);

#endif
