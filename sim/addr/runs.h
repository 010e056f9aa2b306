/* From accesses to page references, and from those to page runs.
 *
 * A *reference* is one touch of one page. An access that lies in one page is one reference (a
 * MODIFY: two, a read and then a write); one that crosses pages is one for each page, in order (a
 * MODIFY that crosses: p1 read, p2 read, p1 write, p2 write).
 *
 * A *run* begins where a side (fetch, data) touches another page than it did before, or writes to
 * the page that it has only read. Until the next run begins, both sides stay on the pages they hold
 * and do nothing new to them; what happens in between is folded into counts:
 *
 *     access     F:a  D:x  F:a  F:a  D:x  D:y  F:a  D:y
 *     run         1    2    .    .    .    3    .    .
 *     folded into           2    2    2         3    3
 *
 *     run 1: page a, fetch, nothing folded
 *     run 2: page x, data, 2 fetches (of a) and 1 data (of x) folded
 *     run 3: page y, data, 1 fetch (of a) and 1 data (of y) folded
 *
 * A machine handles the first reference of a run in full and the folded ones by adding numbers,
 * provided both held pages still have their translations; else it takes the run apart again, access
 * by access. Runs depend on the accesses and the geometry only, so machines of one geometry share
 * them. They never reach across an event, a block or a change of process.
 *
 * A run says what had been counted in the block before it began. What is folded into it follows
 * from the next one, so many runs in which nothing happens are counted with one subtraction, and a
 * run is written down without looking ahead. Behind the last run of a segment stands one more
 * record, the end, with the final counts.
 */
#ifndef TIDE_ADDR_RUNS_H
#define TIDE_ADDR_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "addr/access.h"
#include "addr/page.h"

enum {
    TIDE_RUN_APART = 1,   /* its access crosses a page or is not canonical: the run is that access
                           * alone, to be taken apart; `page` has no meaning, and none of its
                           * references is in the counts */
    TIDE_RUN_PROCESS = 2, /* the first of a process (or of a segment) that is not APART */
    TIDE_RUN_AFTER_DATA = 4, /* the reference before it was a data reference */
};

struct tide_run {
    tide_page page; /* of the first reference */
    /* The index in the block of the access it starts with; all references and the data references
     * that the block has made before; enum tide_kind of that access; TIDE_RUN_*:
     *
     *     63     56 55    48 47          32 31          16 15           0
     *    +---------+--------+--------------+--------------+--------------+
     *    |  flags  |  kind  |     data     |  references  |    first     |
     *    +---------+--------+--------------+--------------+--------------+
     *
     * The counts only grow, so all differences of two runs are taken in one subtraction. */
    uint64_t word;
};

static inline uint32_t tide_run_first(uint64_t word)
{
    return (uint16_t)word;
}

static inline uint32_t tide_run_references(uint64_t word)
{
    return (uint16_t)(word >> 16);
}

static inline uint32_t tide_run_data(uint64_t word)
{
    return (uint16_t)(word >> 32);
}

static inline enum tide_kind tide_run_kind(const struct tide_run *r)
{
    return (enum tide_kind)(uint8_t)(r->word >> 48);
}

static inline unsigned tide_run_flags(const struct tide_run *r)
{
    return (unsigned)(r->word >> 56);
}

#define TIDE_RUN_COUNTS(first, references, data) \
    ((uint64_t)(first) | (uint64_t)(references) << 16 | (uint64_t)(data) << 32)
#define TIDE_RUN_KIND(kind)   ((uint64_t)(kind) << 48)
#define TIDE_RUN_FLAGS(flags) ((uint64_t)(flags) << 56)

/* What is folded into a run. */
struct tide_folded {
    uint32_t fetches;    /* references to the held fetch page */
    uint32_t data;       /* references to the held data page: a MODIFY that starts the run folds its
                          * write */
    enum tide_side last; /* side of the last reference of the run, the first one included */
};

/* `r` is followed by the next run or the end. */
static inline struct tide_folded tide_run_folded(const struct tide_run *r)
{
    enum tide_side side = tide_side_of(tide_run_kind(r));
    struct tide_folded f = {.last = side};
    uint64_t counts = r[1].word - r->word;

    if ((tide_run_flags(r) & TIDE_RUN_APART) != 0)
        return f;
    f.last = (tide_run_flags(&r[1]) & TIDE_RUN_AFTER_DATA) != 0 ? TIDE_SIDE_DATA : TIDE_SIDE_FETCH;
    f.data = tide_run_data(counts) - (side == TIDE_SIDE_DATA);
    f.fetches = tide_run_references(counts) - 1 - f.data;
    return f;
}

/* Cuts accesses [from, to) of a block, which no event divides, into runs; there is room for
 * to - from + 1. `start` counts what the block's earlier segments hold: the end of the one before,
 * or zeros. Returns the number of runs, the end not counted. */
size_t tide_runs_cut(struct tide_geometry g, const struct tide_access *accesses, size_t from,
                     size_t to, const struct tide_run *start, struct tide_run *runs);

/* ---- for those who cut ---- */

/* Where the cutting stands. A data access writes the record that would begin a run with it; only
 * where it does the next one goes behind it: whether it does is hard to predict. */
struct tide_run_cutter {
    uint64_t counts;       /* TIDE_RUN_COUNTS before the next access */
    uint64_t flags;        /* TIDE_RUN_FLAGS of the next run, without APART */
    tide_page fetch, data; /* held; TIDE_PAGE_NONE: nothing */
    unsigned wrote;        /* 1: the held data page has been written */
    struct tide_run *to;
};

static inline void tide_run_cutter_init(struct tide_run_cutter *c, const struct tide_run *start,
                                        size_t from, struct tide_run *runs)
{
    *c = (struct tide_run_cutter){
        .counts = (start->word & TIDE_RUN_COUNTS(0, 0xffff, 0xffff)) | from,
        .flags = TIDE_RUN_FLAGS(TIDE_RUN_PROCESS),
        .fetch = TIDE_PAGE_NONE,
        .data = TIDE_PAGE_NONE,
        .to = runs,
    };
}

/* Another process begins. */
static inline void tide_run_cutter_process(struct tide_run_cutter *c)
{
    c->fetch = c->data = TIDE_PAGE_NONE;
    c->flags |= TIDE_RUN_FLAGS(TIDE_RUN_PROCESS);
}

/* An access that has to be taken apart. */
static inline void tide_run_cutter_apart(struct tide_run_cutter *c, enum tide_kind kind)
{
    *c->to++ = (struct tide_run){TIDE_PAGE_NONE,
                                 c->counts | TIDE_RUN_KIND(kind) | TIDE_RUN_FLAGS(TIDE_RUN_APART) |
                                     (c->flags & TIDE_RUN_FLAGS(TIDE_RUN_AFTER_DATA))};
    c->counts += TIDE_RUN_COUNTS(1, 0, 0);
    c->fetch = c->data = TIDE_PAGE_NONE;
}

/* n fetches of one page, one behind the other. */
static inline void tide_run_cutter_fetch(struct tide_run_cutter *c, tide_page page, uint32_t n)
{
    if (page.v != c->fetch.v) {
        *c->to++ = (struct tide_run){page, c->counts | TIDE_RUN_KIND(TIDE_FETCH) | c->flags};
        c->fetch = page;
    }
    /* PROCESS has been told: a page is held that was not */
    c->flags = 0;
    c->counts += n * TIDE_RUN_COUNTS(1, 1, 0);
}

/* A data access of one page. */
static inline void tide_run_cutter_data(struct tide_run_cutter *c, tide_page page, unsigned kind)
{
    unsigned differs = page.v != c->data.v, writes = kind >> 1; /* WRITE and MODIFY */
    unsigned references = 1 + (writes & kind);

    *c->to = (struct tide_run){page, c->counts | TIDE_RUN_KIND(kind) | c->flags};
    c->to += differs | (writes & ~c->wrote);
    c->data = page;
    c->wrote = writes | (c->wrote & ~differs);
    c->flags = TIDE_RUN_FLAGS(TIDE_RUN_AFTER_DATA);
    c->counts += TIDE_RUN_COUNTS(1, references, references);
}
_Static_assert(TIDE_WRITE == 2 && TIDE_MODIFY == 3, "bits of kinds in tide_run_cutter_data()");

/* Writes the end. Returns the number of runs. */
static inline size_t tide_run_cutter_end(const struct tide_run_cutter *c,
                                         const struct tide_run *runs)
{
    *c->to = (struct tide_run){TIDE_PAGE_NONE, c->counts | c->flags};
    return (size_t)(c->to - runs);
}

#endif
