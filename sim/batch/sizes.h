/* What many memory sizes and policies fault on one trace, without whole machines.
 *
 * Where user memory is a number of frames and policies see every reference, page faults depend on
 * no TLB and no page table. Then the trace is followed once, as one stream of page references, and
 * each policy takes the stream at all its sizes: bit by bit or side by side (curve/). Counts are
 * those of the machines.
 */
#ifndef TIDE_BATCH_SIZES_H
#define TIDE_BATCH_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "curve/lanes.h"
#include "pager/follow.h"
#include "pager/machine.h"
#include "trace/reader.h"

/* Whether one pass can stand for all these machines: frames, not memory; the same pages, part of
 * the trace and `references`; policies that it can have. */
bool tide_sizes_can(const struct tide_machine_config *const *machines, size_t n);

struct tide_sizes;

/* `distinct_pages` as for tide_machine_new(). The configurations must outlive it. */
struct tide_sizes *tide_sizes_new(const struct tide_machine_config *const *machines, size_t n,
                                  uint64_t distinct_pages, struct tide_error *e);
void tide_sizes_free(struct tide_sizes *s);
/* User frames of machine i. */
uint32_t tide_sizes_frames(const struct tide_sizes *s, size_t i);

struct tide_sizes_feed {
    struct tide_reader *reader;
    unsigned jobs; /* threads, the calling one included */
    /* Called once, after the first block: what the trace says about itself is known; may fail. */
    int (*begin)(void *context, struct tide_error *e);
    /* Told after each block, by one thread at a time; may be NULL. */
    void (*progress)(void *context, struct tide_reader *r, uint64_t accesses);
    void *context;

    /* results */
    uint64_t accesses;             /* decoded */
    int trace_code;                /* how reading ended: 0, or what made the trace damaged */
    struct tide_error trace_error; /* ... and said */
};

/* Feeds the trace, once. Negative when this machine failed; damage of the trace is in the feed. */
TIDE_MUST_CHECK int tide_sizes_run(struct tide_sizes *s, struct tide_sizes_feed *f,
                                   struct tide_error *e);

/* ---- results ---- */

struct tide_size_counts tide_sizes_counts(const struct tide_sizes *s, size_t i);
/* Of any of the machines. */
struct tide_follow_counts tide_sizes_references(const struct tide_sizes *s);

#endif
