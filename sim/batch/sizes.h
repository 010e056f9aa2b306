/* What many memory sizes and policies fault on one trace, without whole machines.
 *
 * Where user memory is a number of frames and policies see every reference, page faults depend on
 * no TLB and no page table. Then the trace is followed once, as one stream of page references, and
 * each policy takes the stream at all its sizes: LRU and OPT as whole curves, others bit by bit or
 * side by side (curve/). Counts are those of the machines.
 */
#ifndef TIDE_BATCH_SIZES_H
#define TIDE_BATCH_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "curve/curves.h"
#include "curve/lanes.h"
#include "pager/follow.h"
#include "pager/machine.h"
#include "trace/reader.h"

/* Whether one pass can stand for all these machines: frames, not memory; the same pages, part of
 * the trace and `references`; policies that it can have. */
bool tide_sizes_can(const struct tide_machine_config *machines, size_t n);

struct tide_sizes;

/* `distinct_pages` as for tide_machine_new(). The configurations must outlive it. */
struct tide_sizes *tide_sizes_new(const struct tide_machine_config *machines, size_t n,
                                  uint64_t distinct_pages, struct tide_error *e);
void tide_sizes_free(struct tide_sizes *s);
/* Before the run: these are fed too, though not finished; they outlive it. */
void tide_sizes_add_curves(struct tide_sizes *s, struct tide_curves *c);
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

/* Of LRU and OPT, evictions are those of a trace that unmaps nothing, else fewer but not none where
 * there are any, and write-backs are not known (0). */
struct tide_size_counts tide_sizes_counts(const struct tide_sizes *s, size_t i);
/* Of any of the machines. */
struct tide_follow_counts tide_sizes_references(const struct tide_sizes *s);

/* ---- policies at sizes beside curves ---- */

/* What a plan comes to on one trace. */
struct tide_sized {
    struct tide_machine_config *machines; /* for tide_sizes_new(): policy by policy */
    size_t n;
    uint32_t *frames;
    uint64_t *faults;
    struct tide_size_table table; /* of these */
};

/* Whether the number of the trace's distinct pages must be known. */
bool tide_sized_needs_pages(const struct tide_size_plan *p);
/* Fails where every size is wanted of too many pages. fini does no harm after a failure. */
TIDE_MUST_CHECK int tide_sized_init(struct tide_sized *s, const struct tide_curve_plan *plan,
                                    uint64_t distinct_pages, struct tide_error *e);
void tide_sized_fini(struct tide_sized *s);
/* The table's faults. */
void tide_sized_fill(struct tide_sized *s, const struct tide_sizes *from);

#endif
