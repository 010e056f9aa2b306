/* The preparatory scan: what must be known of a trace before it is replayed.
 *
 * One pass over the trace finds the number of distinct pages (for `frames: 50%`) and, for OPT, the
 * next use of every reference. Machines that agree in geometry, skip, warmup and limit share one.
 *
 * Bounded memory: next uses do not live in memory. The scan numbers the references of the merged
 * stream after dropping immediate repeats (positions), writes the page id of each position to an
 * unlinked temporary file in TMPDIR (16 bytes a position), then turns ids into times of next uses
 * in place, from the end backwards, keeping one word for each distinct page. OPT machines read the
 * file in order through a small window. A page that is unmapped has no next use.
 */
#ifndef TIDE_PAGER_SCAN_H
#define TIDE_PAGER_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "addr/page.h"
#include "base/error.h"
#include "pager/machine.h"
#include "trace/block.h"

struct tide_scan;

/* want_future: prepare next uses too. */
struct tide_scan *tide_scan_new(struct tide_geometry g, uint64_t skip, uint64_t warmup,
                                uint64_t limit, bool want_future, struct tide_error *e);
void tide_scan_free(struct tide_scan *s);
/* 1, or negative: failure. The whole trace is wanted. */
TIDE_MUST_CHECK int tide_scan_feed(struct tide_scan *s, const struct tide_block *b,
                                   struct tide_error *e);
/* The trace is over. */
TIDE_MUST_CHECK int tide_scan_finish(struct tide_scan *s, struct tide_error *e);
/* Distinct (process, page) pairs of the whole trace, whatever of it is replayed; segmentation
 * faults left out. */
uint64_t tide_scan_distinct_pages(const struct tide_scan *s);
/* After finish; NULL unless asked for. Belongs to the scan. */
struct tide_future *tide_scan_future(struct tide_scan *s);

/* ---- for machines: a reader of next uses ---- */

struct tide_future_cursor;
struct tide_future_cursor *tide_future_open(struct tide_future *f, struct tide_error *e);
void tide_future_close(struct tide_future_cursor *c);
/* The virtual time (references since the skip, from 1) of the next use after `position`, or
 * TIDE_NEVER. Positions may be asked for in any
 * order within the last 4096; else ascending. */
TIDE_MUST_CHECK int tide_future_next(struct tide_future_cursor *c, uint64_t position,
                                     uint64_t *next, struct tide_error *e);

#endif
