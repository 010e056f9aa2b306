/* Page references prepared for many consumers: what does not depend on policy or size, found once.
 *
 * A *step* is n references in a row to one page, or time that passes, or a page's end. Policies
 * differ in what they must see of steps (replacement/policy.h), so a batch holds them three times:
 *
 *   steps       every change of page, in time
 *   pairs       steps that go to and fro between two pages, folded: how often each, which was last
 *   stretches   steps that stay among a few pages, folded: which, in the order of last references
 *
 * Where all pages of a stretch are resident it needs one look at each page, however many references
 * it has; where one is not, its steps are taken one by one. Pages have the ids of pager/follow.h.
 */
#ifndef TIDE_CURVE_STEPS_H
#define TIDE_CURVE_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr/page.h"
#include "base/error.h"
#include "pager/follow.h"

enum {
    TIDE_STEP_WRITES = 1,
    TIDE_STEP_REPEATS = 2, /* collapsed only: its process referenced the same page last, so that
                            * policies are not told */
    TIDE_STEP_IDLE = 4,    /* n references that reach no page */
    TIDE_STEP_ENDS = 8     /* the page is forgotten; n is 0 */
};

enum { TIDE_STRETCH_PAGES = 16, TIDE_STRETCH_STEPS = 64 };

struct tide_step {
    uint32_t id;    /* of the page; no meaning when idle */
    uint32_t n;     /* references */
    uint32_t flags; /* TIDE_STEP_* */
};

/* Steps [from, to) touch pages id[0] and id[1] only; id[1] is that of the last step that does not
 * repeat. Idle steps and ends stand alone, with n of 0. */
struct tide_pair {
    uint32_t from, to;
    uint32_t id[2];   /* id[0] is id[1] where there is only one page */
    uint32_t n[2];    /* references */
    uint32_t told[2]; /* steps that do not repeat */
    uint32_t tail;    /* references after the last one to id[0] */
    uint32_t writes;  /* bit k: id[k] is written */
};

/* Steps [from, to) touch the n_pages pages from first_page on only, in the order of their last
 * step that does not repeat; those that only repeat stand first. Idle steps and ends stand alone,
 * without pages. */
struct tide_stretch {
    uint32_t from, to;
    uint32_t first_page, n_pages;
    uint64_t refs;
};

struct tide_stretch_page {
    uint32_t id;
    uint32_t flags; /* WRITES; REPEATS: all its steps repeat */
};

enum tide_break_kind {
    TIDE_BREAK_START, /* what follows counts */
    TIDE_BREAK_MOVE,  /* a page has another name from here */
    TIDE_BREAK_RENAME /* ... and is one that has not been referenced since it was forgotten */
};

/* What stands between steps. */
struct tide_break {
    uint32_t at;    /* before this step */
    uint32_t kind;  /* enum tide_break_kind */
    uint32_t id;    /* of MOVE and RENAME */
    tide_page page; /* their new name */
};

struct tide_steps {
    struct tide_step *steps;
    struct tide_pair *pairs;
    struct tide_stretch *stretches;
    struct tide_stretch_page *pages;
    struct tide_break *breaks;
    tide_page *names; /* of new ids: those from n_ids - n_names on, as they are before the steps */
    size_t n_steps, n_pairs, n_stretches, n_pages, n_breaks, n_names;
    size_t steps_cap, pairs_cap, stretches_cap, pages_cap, breaks_cap, names_cap;
    uint32_t n_ids; /* known by the end of the batch */
};

/* What goes on from one batch to the next. */
struct tide_stepper {
    bool collapsed;
    uint32_t n_ids;
    uint32_t previous; /* id referenced last; UINT32_MAX: none */
    /* by id: the stretch it was seen in last, and its place among that one's pages */
    uint32_t *seen, *place;
    size_t seen_cap, place_cap;
    uint32_t stretch;
};

/* `collapsed`: as in references: collapsed. */
void tide_stepper_init(struct tide_stepper *t, bool collapsed);
void tide_stepper_fini(struct tide_stepper *t);

/* A batch (zeroed at first) is cleared, gets names, entries and moves in the order of time, and is
 * folded then if it is wanted so. All may run out of memory. */
void tide_steps_clear(struct tide_steps *s);
void tide_steps_fini(struct tide_steps *s);
/* The next id is this page's. */
TIDE_MUST_CHECK int tide_steps_name(struct tide_stepper *t, struct tide_steps *s, tide_page page,
                                    struct tide_error *e);
/* Entries of any kind but MOVE; their ids have names. */
TIDE_MUST_CHECK int tide_steps_add(struct tide_stepper *t, struct tide_steps *s,
                                   const struct tide_page_ref *refs, size_t n,
                                   struct tide_error *e);
/* `kind` MOVE or RENAME. */
TIDE_MUST_CHECK int tide_steps_move(struct tide_stepper *t, struct tide_steps *s,
                                    enum tide_break_kind kind, uint32_t id, tide_page page,
                                    struct tide_error *e);
/* All that a follower delivers in one piece. */
TIDE_MUST_CHECK int tide_steps_take(struct tide_stepper *t, struct tide_steps *s,
                                    const struct tide_follow *f, const struct tide_page_ref *refs,
                                    size_t n, struct tide_error *e);
TIDE_MUST_CHECK int tide_steps_fold(struct tide_stepper *t, struct tide_steps *s,
                                    struct tide_error *e);

#endif
