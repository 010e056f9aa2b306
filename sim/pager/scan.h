/* The preparatory scan: what must be known of a trace before it is replayed.
 *
 * One pass over the trace finds the number of distinct pages (for `frames: 50%`) and, for policies
 * that see the future, the next use of every reference, in the machine's virtual time or in that of
 * the page's process. Machines that agree in geometry, skip, warmup and limit share one.
 *
 * Next uses have *positions*: from the end of the skip on, each reference to another page than the
 * one before it in the merged stream of fetches and data has the next position; so has each
 * segmentation fault, and the reference after it. A page that is unmapped or moved is another page
 * from then on.
 */
#ifndef TIDE_PAGER_SCAN_H
#define TIDE_PAGER_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "addr/page.h"
#include "base/error.h"
#include "pager/future.h"
#include "pager/machine.h"
#include "trace/block.h"

struct tide_scan;

/* futures: the times in which to prepare next uses, enum tide_future_time added up. */
struct tide_scan *tide_scan_new(struct tide_geometry g, uint64_t skip, uint64_t warmup,
                                uint64_t limit, unsigned futures, struct tide_error *e);
void tide_scan_free(struct tide_scan *s);
/* 1, or negative: failure. The whole trace is wanted. `runs`: as for tide_follow_feed(). */
TIDE_MUST_CHECK int tide_scan_feed(struct tide_scan *s, const struct tide_block *b,
                                   const struct tide_block_runs *runs, struct tide_error *e);
/* The trace is over. */
TIDE_MUST_CHECK int tide_scan_finish(struct tide_scan *s, struct tide_error *e);
/* Distinct (process, page) pairs of the whole trace, whatever of it is replayed; segmentation
 * faults left out. */
uint64_t tide_scan_distinct_pages(const struct tide_scan *s);
/* After finish; NULL unless asked for. Belongs to the scan. */
struct tide_future *tide_scan_future(struct tide_scan *s, enum tide_future_time time);

#endif
