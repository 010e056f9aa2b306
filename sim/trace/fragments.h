/* Accesses as fragments: straight runs of instructions, defined once and then named by number.
 *
 * A *fragment* is what one run of straight code does: fetches of consecutive instructions, and
 * between them data accesses of fixed kind and size whose addresses alone change from one pass to
 * the next. A trace in this form is a list of fragment numbers and a list of data addresses:
 *
 *     fragment 7            fetch 401ab70,3   fetch 401ab73,5   write ?,8   fetch 401ab78,2
 *     numbers  7 7 9 ...    data  1fff000708 1fff000700 ...
 *
 * All fetches of a fragment lie in one page of 4 KiB, so a machine with pages at least as large
 * looks at the instruction side once for a fragment, not once for an instruction. A fetch that
 * crosses such a page is a fragment of its own, marked TIDE_FRAGMENT_CROSSES, with the data
 * accesses that follow it. Data accesses in front of the first fetch make a fragment without
 * fetches.
 */
#ifndef TIDE_TRACE_FRAGMENTS_H
#define TIDE_TRACE_FRAGMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "addr/access.h"

enum {
    TIDE_FRAGMENT_ACCESSES = 48,   /* at most, fetches and data */
    TIDE_FRAGMENT_PAGE_SHIFT = 12, /* fetches of a fragment lie in one page of this size */
    TIDE_FRAGMENTS_MAX = 65536     /* of a dictionary */
};

enum { TIDE_FRAGMENT_CROSSES = 1 }; /* its only fetch crosses a page of 4 KiB */

/* One data access of a fragment. */
struct tide_slot {
    uint8_t kind;    /* enum tide_kind; never TIDE_FETCH */
    uint8_t fetches; /* fetches of the fragment that precede it */
    uint16_t size;   /* bytes; 65536 does not fit and stays out of fragments */
};

struct tide_fragment {
    uint64_t pc;           /* address of the first fetch; 0 without fetches */
    uint32_t first_slot;   /* in tide_dictionary.slots: `data` of them, in order of access */
    uint32_t first_length; /* in tide_dictionary.lengths: `fetches` of them */
    uint8_t fetches, data; /* accesses of each sort; together 1..TIDE_FRAGMENT_ACCESSES */
    uint8_t flags;         /* TIDE_FRAGMENT_* */
    uint8_t kinds;         /* 1 << enum tide_kind of each kind that occurs */
    uint32_t tail;         /* data accesses behind the last fetch */
};

/* The fragments known at some place of a trace. It only grows; what a block names stays as it is
 * until the reader that made it is closed or has taken the block back. */
struct tide_dictionary {
    const struct tide_fragment *fragments;
    const struct tide_slot *slots;
    const uint8_t *lengths; /* bytes of instructions, 1..255 */
};

#endif
