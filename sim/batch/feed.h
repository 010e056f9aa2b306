/* One decode, many consumers: the blocks of a trace go through a small ring to machines and scans.
 *
 * Blocks are inflated, decoded and their runs cut as there is room in the ring, and replayed by
 * whatever thread is free (batch/ring.h): what consumers count can't depend on the number of
 * threads.
 */
#ifndef TIDE_BATCH_FEED_H
#define TIDE_BATCH_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "pager/machine.h"
#include "trace/reader.h"

struct tide_consumer {
    void *context;
    /* 1: wants more, 0: has enough, TIDE_E_TRACE: the trace says what can't be (this consumer
     * stops), else negative: failed (the feed is given up). `runs` is NULL for a
     * consumer without geometry. */
    int (*take)(void *context, const struct tide_block *b, const struct tide_block_runs *runs,
                struct tide_error *e);
    const struct tide_geometry *geometry; /* of the page runs it wants; NULL: none */
    bool accesses; /* it wants the accesses of blocks written down; else they may come as fragments
                    * (trace/fragments.h) */

    /* kept by the feed */
    size_t runs; /* index of its geometry among the different ones */
    bool enough;
    bool damaged; /* it could not make sense of an event, and stopped there */
};

struct tide_feed {
    struct tide_reader *reader;
    struct tide_consumer *consumers;
    size_t n;
    unsigned jobs;
    /* Told after each block, by one thread at a time; may be NULL. */
    void (*progress)(void *context, struct tide_reader *r, uint64_t accesses);
    void *progress_context;

    /* results */
    uint64_t accesses;             /* decoded */
    int trace_code;                /* how reading ended: 0, or what the reader returned */
    struct tide_error trace_error; /* ... and said */
};

/* Feeds until the trace ends, is found damaged, or every consumer has enough: all 0. Negative when
 * a consumer or this machine failed. */
TIDE_MUST_CHECK int tide_feed_run(struct tide_feed *f, struct tide_error *e);

#endif
