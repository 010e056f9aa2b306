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
 * from the next one, so many runs in which nothing happens are passed over with one subtraction,
 * and a run is written down without looking ahead. Behind the last run of a segment stands one more
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
    /* Four fields of 16 bits, the lowest first: index in the block of the access it starts with;
     * and, all before this run, in the block: references, data references among them, changes of
     * side from one reference to the next. All only grow, so differences are taken in one. */
    uint64_t counts;
    uint16_t changed; /* references before the last change of side */
    uint8_t kind;     /* enum tide_kind of the access that starts the run */
    uint8_t flags;
};

/* A field of `counts`, or of a difference of two. */
static inline uint32_t tide_run_first(uint64_t counts)
{
    return (uint16_t)counts;
}

static inline uint32_t tide_run_references(uint64_t counts)
{
    return (uint16_t)(counts >> 16);
}

static inline uint32_t tide_run_data(uint64_t counts)
{
    return (uint16_t)(counts >> 32);
}

static inline uint32_t tide_run_changes(uint64_t counts)
{
    return (uint32_t)(counts >> 48);
}

#define TIDE_RUN_COUNTS(first, references, data, changes)                        \
    ((uint64_t)(first) | (uint64_t)(references) << 16 | (uint64_t)(data) << 32 | \
     (uint64_t)(changes) << 48)

/* What is folded into a run. */
struct tide_folded {
    uint32_t fetches; /* references to the held fetch page */
    uint32_t data;    /* references to the held data page: a MODIFY that starts the run folds its
                       * write */
    uint32_t changes; /* times the references went from one side to the other, from the run's first
                       * one on */
    uint32_t tail;    /* references since the last one of the side not referenced last; all, where
                       * there is none */
    enum tide_side last; /* side of the last reference of the run, the first one included */
};

/* `r` is followed by the next run or the end. */
static inline struct tide_folded tide_run_folded(const struct tide_run *r)
{
    const struct tide_run *next = r + 1;
    enum tide_side side = tide_side_of((enum tide_kind)r->kind);
    struct tide_folded f = {.last = side};
    uint64_t counts = next->counts - r->counts;
    uint32_t all, begins;

    if ((r->flags & TIDE_RUN_APART) != 0)
        return f;
    f.last = (next->flags & TIDE_RUN_AFTER_DATA) != 0 ? TIDE_SIDE_DATA : TIDE_SIDE_FETCH;
    all = tide_run_references(counts) - 1;
    f.data = tide_run_data(counts) - (side == TIDE_SIDE_DATA);
    f.fetches = all - f.data;
    /* a run may begin with a change of side itself */
    begins = ((r->flags & TIDE_RUN_AFTER_DATA) != 0) != (side == TIDE_SIDE_DATA);
    f.changes = tide_run_changes(counts) - begins;
    f.tail = f.changes > 0 ? tide_run_references(next->counts) - next->changed : all;
    return f;
}

/* Cuts accesses [from, to) of a block, which no event divides, into runs; there is room for
 * to - from + 1. `start` counts what the block's earlier segments hold: the end of the one before,
 * or zeros. Returns the number of runs, the end not counted. */
size_t tide_runs_cut(struct tide_geometry g, const struct tide_access *accesses, size_t from,
                     size_t to, const struct tide_run *start, struct tide_run *runs);

/* ---- for those who cut ---- */

/* Whether addresses are canonical, with the least work. */
struct tide_canonical_test {
    unsigned shift;
    uint64_t bias;
};

static inline struct tide_canonical_test tide_canonical_test_of(struct tide_geometry g)
{
    if (g.va_bits < 48)
        return (struct tide_canonical_test){g.va_bits, 0};
    return (struct tide_canonical_test){g.va_bits < 64 ? g.va_bits - 1 : 63, 1};
}

static inline int tide_canonical_fails(struct tide_canonical_test t, uint64_t vaddr)
{
    return (uint64_t)((int64_t)vaddr >> t.shift) + t.bias > t.bias;
}

/* Where the cutting stands. Each access writes the record that would begin a run with it; only
 * where it does the next one goes behind it. So the loops have no branch that depends on the
 * trace's pages. */
struct tide_run_cutter {
    uint64_t counts;       /* as in a run */
    tide_page fetch, data; /* held; TIDE_PAGE_NONE: nothing */
    unsigned wrote;        /* 1: the held data page has been written */
    unsigned prior;        /* enum tide_side of the reference before */
    unsigned changed;
    unsigned pending; /* TIDE_RUN_PROCESS until a run has it */
    struct tide_run *to;
};

static inline void tide_run_cutter_init(struct tide_run_cutter *c, const struct tide_run *start,
                                        size_t from, struct tide_run *runs)
{
    *c = (struct tide_run_cutter){
        .counts = (start->counts & ~UINT64_C(0xffff)) | from,
        .fetch = TIDE_PAGE_NONE,
        .data = TIDE_PAGE_NONE,
        .prior = TIDE_SIDE_FETCH,
        .pending = TIDE_RUN_PROCESS,
        .to = runs,
    };
}

static inline void tide_run_cutter_drop(struct tide_run_cutter *c)
{
    c->fetch = c->data = TIDE_PAGE_NONE;
}

/* Another process begins. */
static inline void tide_run_cutter_process(struct tide_run_cutter *c)
{
    tide_run_cutter_drop(c);
    c->pending = TIDE_RUN_PROCESS;
}

static inline void tide_run_cutter_write(const struct tide_run_cutter *c, tide_page page,
                                         unsigned kind, unsigned flags)
{
    *c->to = (struct tide_run){
        .page = page,
        .counts = c->counts,
        .changed = (uint16_t)c->changed,
        .kind = (uint8_t)kind,
        .flags = (uint8_t)(flags | c->prior * TIDE_RUN_AFTER_DATA),
    };
}

/* An access that has to be taken apart. */
static inline void tide_run_cutter_apart(struct tide_run_cutter *c, unsigned kind)
{
    tide_run_cutter_write(c, TIDE_PAGE_NONE, kind, TIDE_RUN_APART);
    c->to++;
    c->counts += TIDE_RUN_COUNTS(1, 0, 0, 0);
    tide_run_cutter_drop(c);
}

/* A reference of a side. */
static inline void tide_run_cutter_side(struct tide_run_cutter *c, unsigned side)
{
    unsigned change = side ^ c->prior;

    c->changed = change != 0 ? tide_run_references(c->counts) : c->changed;
    c->counts += (uint64_t)change << 48;
    c->prior = side;
}

/* An access of one page. */
static inline void tide_run_cutter_fetch(struct tide_run_cutter *c, tide_page page)
{
    unsigned begins = page.v != c->fetch.v;

    tide_run_cutter_write(c, page, TIDE_FETCH, c->pending);
    c->pending = begins != 0 ? 0 : c->pending;
    c->to += begins;
    c->fetch = page;
    tide_run_cutter_side(c, TIDE_SIDE_FETCH);
    c->counts += TIDE_RUN_COUNTS(1, 1, 0, 0);
}

static inline void tide_run_cutter_data(struct tide_run_cutter *c, tide_page page, unsigned kind)
{
    unsigned differs = page.v != c->data.v, writes = kind >> 1; /* WRITE and MODIFY */
    unsigned begins = differs | (writes & ~c->wrote);
    unsigned references = 1 + (writes & kind);

    tide_run_cutter_write(c, page, kind, c->pending);
    c->pending = begins != 0 ? 0 : c->pending;
    c->to += begins;
    c->data = page;
    c->wrote = writes | (c->wrote & ~differs);
    tide_run_cutter_side(c, TIDE_SIDE_DATA);
    c->counts += TIDE_RUN_COUNTS(1, references, references, 0);
}
_Static_assert(TIDE_WRITE == 2 && TIDE_MODIFY == 3, "bits of kinds in tide_run_cutter_data()");

/* Writes the end. Returns the number of runs. */
static inline size_t tide_run_cutter_end(const struct tide_run_cutter *c,
                                         const struct tide_run *runs)
{
    tide_run_cutter_write(c, TIDE_PAGE_NONE, TIDE_FETCH, 0);
    return (size_t)(c->to - runs);
}

#endif
