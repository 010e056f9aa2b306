/* Whole curves in one pass: blocks of a trace go in, and at the end there are the chosen curves.
 *
 * The trace is followed once (pager/follow.h); each piece of the stream of page references goes to
 * every consumer in turn. A consumer is an engine of this folder, or one of the caller's. OPT,
 * which needs next uses, keeps its references in a file in TMPDIR (pager/future.h) and is done at
 * the end.
 */
#ifndef TIDE_CURVE_CURVES_H
#define TIDE_CURVE_CURVES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "curve/lru.h"
#include "curve/opt.h"
#include "curve/series.h"
#include "curve/windows.h"
#include "pager/follow.h"

enum tide_curve {
    TIDE_CURVE_LRU,         /* faults of LRU at every number of frames */
    TIDE_CURVE_OPT,         /* ... of OPT */
    TIDE_CURVE_WORKING_SET, /* sizes and faults at every window */
    TIDE_CURVE_REUSE,       /* histogram of LRU's stack distances */
    TIDE_CURVES
};

extern const char *const tide_curve_names[]; /* by enum tide_curve, NULL-ended */

enum { TIDE_CURVES_ALL = (1 << TIDE_CURVES) - 1, TIDE_CURVE_CONSUMERS = 16 };

/* Something that eats the stream. Ids in the piece are below n_ids. */
struct tide_curve_consumer {
    void *context;
    int (*take)(void *context, const struct tide_page_ref *refs, size_t n, size_t n_ids,
                struct tide_error *e);
};

/* A value type: plain assignment copies it. */
struct tide_curves_config {
    struct tide_geometry geometry;
    uint64_t skip, warmup, limit; /* references, as of a machine */
    unsigned which;               /* 1 << enum tide_curve, ored */
};

/* What a batch makes of one trace: curves, and beside them the working set over time. */
struct tide_curve_plan {
    struct tide_curves_config curves;
    uint64_t interval; /* references between rows of wst; with taus */
    uint64_t *taus;    /* its windows; n_taus 0: no wst */
    size_t n_taus;
    struct tide_size_plan *sizes; /* NULL: none */
};

/* More points of miss curves: policies at sizes. */
struct tide_size_plan {
    struct tide_machine_config *policies; /* policy, options, seed, references; the rest is that of
                                           * the curves */
    const char *const *names;             /* of each, in tables */
    size_t n_policies;
    struct tide_amount *frames; /* n_frames 0: every size up to the number of pages */
    size_t n_frames;
};

/* Pages at most where every size is wanted. */
enum { TIDE_SIZES_EVERY_MOST = 4096 };

/* What came of it. */
struct tide_size_table {
    const char *const *names;
    size_t n_policies;
    const uint32_t *frames; /* ascending, no two alike */
    size_t n_frames;
    const uint64_t *faults; /* policy by policy */
};

struct tide_curves;

struct tide_curves *tide_curves_new(const struct tide_curves_config *c, struct tide_error *e);
void tide_curves_free(struct tide_curves *c);
/* Before the first block; at most TIDE_CURVE_CONSUMERS in all, the engines of the curves that are
 * asked for included. */
void tide_curves_add(struct tide_curves *c, struct tide_curve_consumer consumer);
/* As tide_follow_feed(). */
TIDE_MUST_CHECK int tide_curves_feed(struct tide_curves *c, const struct tide_block *b,
                                     const struct tide_block_runs *runs, struct tide_error *e);
TIDE_MUST_CHECK int tide_curves_finish(struct tide_curves *c, struct tide_error *e);
/* Instead of these two, where the caller has a follower of his own: a piece of its stream, and the
 * end. */
TIDE_MUST_CHECK int tide_curves_take(struct tide_curves *c, const struct tide_page_ref *refs,
                                     size_t n, size_t n_ids, struct tide_error *e);
TIDE_MUST_CHECK int tide_curves_end(struct tide_curves *c, struct tide_error *e);

/* ---- results, after finish ---- */

const struct tide_curves_config *tide_curves_config_of(const struct tide_curves *c);
/* References that count, and different pages among the references from the skip to the limit, the
 * warm-up's included: more frames than that make no difference. */
uint64_t tide_curves_references(const struct tide_curves *c);
uint64_t tide_curves_pages(const struct tide_curves *c);
/* Distances of LRU or OPT; NULL where that curve was not asked for (LRU's are there for the reuse
 * histogram too). */
const struct tide_distances *tide_curves_distances(const struct tide_curves *c,
                                                   enum tide_curve which);
/* NULL where not asked for. */
const struct tide_windows *tide_curves_windows(const struct tide_curves *c);

#endif
