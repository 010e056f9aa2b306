/* Next uses: what policies that see the future are told, and what OPT's curve is made from.
 *
 * Bounded memory: next uses do not live in memory. A scan adds the references of a trace in order,
 * with page and time, to an unlinked temporary file in TMPDIR (16 bytes each); turning it around
 * replaces times by times of the next use of the same page, in place, from the end backwards,
 * keeping one word for each distinct page. Readers go through the file in order.
 */
#ifndef TIDE_PAGER_FUTURE_H
#define TIDE_PAGER_FUTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "replacement/policy.h"

/* An entry of the file. What kinds and flags mean is the writer's business, but for these: */
struct tide_next_use {
    uint64_t next;  /* virtual time, of whatever clock the writer goes by; TIDE_NEVER where the page
                     * is not used again, or is forgotten  before. Until turned around: the time of
                     * the use itself */
    uint32_t id;    /* of the page; TIDE_NOBODY: none */
    uint32_t flags; /* TIDE_USE_FIRST: nothing is known of the page's uses before this one */
};

#define TIDE_NOBODY UINT32_MAX
enum { TIDE_USE_FIRST = 1 };

struct tide_future;

struct tide_future *tide_future_new(struct tide_error *e);
void tide_future_free(struct tide_future *f);
TIDE_MUST_CHECK int tide_future_add(struct tide_future *f, struct tide_next_use use,
                                    struct tide_error *e);
/* All is added: turns it around. Ids are below n_ids. */
TIDE_MUST_CHECK int tide_future_turn(struct tide_future *f, size_t n_ids, struct tide_error *e);
uint64_t tide_future_count(const struct tide_future *f);
/* Entries [from, from + n) of what has been turned around. */
TIDE_MUST_CHECK int tide_future_read(const struct tide_future *f, uint64_t from, size_t n,
                                     struct tide_next_use *out, struct tide_error *e);

/* ---- for machines: a reader of next uses ---- */

struct tide_future_cursor;
struct tide_future_cursor *tide_future_open(struct tide_future *f, struct tide_error *e);
void tide_future_close(struct tide_future_cursor *c);
/* The virtual time (references since the skip, from 1: the machine's or the process's own, see
 * pager/scan.h) of the next use after `position`, or TIDE_NEVER. Positions may be asked for in any
 * order within the last 4096; else ascending. */
TIDE_MUST_CHECK int tide_future_next(struct tide_future_cursor *c, uint64_t position,
                                     uint64_t *next, struct tide_error *e);

#endif
