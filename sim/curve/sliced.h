/* FIFO, CLOCK and enhanced second chance at up to 64 sizes at once, bit by bit.
 *
 * What a page is at each size is one bit of a word: resident, referenced, dirty. A reference to a
 * page that is resident at all sizes costs one compare and one OR for all of them together; only
 * sizes at which it misses cost more, each as much as a fault of its own. Every size has its queue:
 * the page at the hand is the first, pages that are passed over or come in become the last, so that
 * the order is that of the ring in replacement/list.h.
 *
 * Faults, evictions and write-backs are those of a machine with `frames: N`.
 *
 * Source: bit-slicing as in Lamport, "Multiple byte processing with full-word instructions", 1975,
 * turned on its side: the lanes of a word are sizes of memory.
 */
#ifndef TIDE_CURVE_SLICED_H
#define TIDE_CURVE_SLICED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "curve/lanes.h"
#include "curve/steps.h"

enum { TIDE_SLICED_MOST = 64 };

enum tide_sliced_kind { TIDE_SLICED_FIFO, TIDE_SLICED_CLOCK, TIDE_SLICED_ESC };

struct tide_sliced;

/* Whether the policy is one of these; *kind and, for clock, *initial_bit come from its options. */
bool tide_sliced_can(const struct tide_policy *policy, const void *options,
                     enum tide_sliced_kind *kind, bool *initial_bit);
/* frames: n of them, 1..TIDE_SLICED_MOST, each at least 1, in any order; copied. */
struct tide_sliced *tide_sliced_new(enum tide_sliced_kind kind, bool initial_bit, bool collapsed,
                                    const uint32_t *frames, uint32_t n, struct tide_error *e);
void tide_sliced_free(struct tide_sliced *s);
/* Batches need not be folded, but are taken faster where they are. */
TIDE_MUST_CHECK int tide_sliced_feed(struct tide_sliced *s, const struct tide_steps *batch,
                                     struct tide_error *e);
/* Of the i-th size; valid at any time. */
struct tide_size_counts tide_sliced_counts(const struct tide_sliced *s, uint32_t i);

#endif
