/* The page runs of a block (addr/runs.h), segment by segment, from accesses or fragments. */
#ifndef TIDE_TRACE_BLOCK_RUNS_H
#define TIDE_TRACE_BLOCK_RUNS_H

#include "addr/runs.h"
#include "trace/block.h"

/* Made once for one geometry and shared by all who have it. */
struct tide_block_runs {
    struct tide_geometry geometry;
    size_t n_segments;
    /* Segment k lies between events k-1 and k. */
    struct tide_segment_runs {
        size_t from, to; /* accesses */
        size_t first_run, n_runs;
    } segments[TIDE_BLOCK_EVENTS + 1];
    /* the runs of each segment and their end */
    struct tide_run runs[TIDE_BLOCK_ACCESSES + TIDE_BLOCK_EVENTS + 1];
};

/* Whether runs of this geometry can be cut from fragments. */
bool tide_block_runs_take_fragments(struct tide_geometry g);

void tide_block_runs_init(struct tide_block_runs *r, struct tide_geometry g);
void tide_block_runs_cut(struct tide_block_runs *r, const struct tide_block *b);

#endif
