/* One producer, many consumers, no thread with a fixed part: the slots of a small ring go from the
 * one to the others.
 *
 * Each thread takes the next piece of work there is: fill a slot (one thread at a time, while the
 * ring has a free one), hand the next slot to a consumer that no other thread has, or prepare what
 * will be filled in. A consumer sees all slots in order, and consumers share nothing that is
 * written, so what they count can't depend on the number of threads. With one thread nothing is
 * started: with a ring of one slot it is produce, consume, repeat, while the slot is in the cache.
 */
#ifndef TIDE_BATCH_RING_H
#define TIDE_BATCH_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { TIDE_RING_SLOTS = 16 }; /* half of them keep a thread busy for longer than waking it takes */

struct tide_ring_consumer {
    void *context;
    /* 1: wants more, 0: has enough, TIDE_E_TRACE: the slot says what can't be (this consumer
     * stops), else negative: failed (the ring is given up) */
    int (*take)(void *context, const void *slot, struct tide_error *e);

    /* kept by the ring */
    uint64_t next; /* slot to take next, counted from the first */
    bool busy;     /* a thread is on it */
    bool enough;
    bool damaged; /* it could not make sense of a slot, and stopped there */
};

/* Work that produce() will not have to do. Where it lags it goes before all else: everything waits
 * for it in the end. Otherwise it is for threads that have nothing else to do. */
struct tide_ring_preparation {
    void *context;
    /* By any number of threads at a time, beside produce(). False: there is none now. NULL: there
     * never is any. */
    bool (*prepare)(void *context);
    bool (*lags)(void *context);    /* it is time for a thread to do it, and none is at it */
    bool (*starves)(void *context); /* produce() would wait for a thread that is at it */
};

struct tide_ring {
    void *const *slots; /* how many there must be for `jobs`: tide_ring_slots() */
    struct tide_ring_consumer *consumers;
    size_t n;
    unsigned jobs; /* threads, the calling one included; >= 1 */
    void *context;
    /* Fills a slot: 1; 0: there is nothing more; negative: failed, the ring is given up. */
    int (*produce)(void *context, void *slot, struct tide_error *e);
    /* A consumer has taken `slot` as damage; called by one thread at a time, not beside
     * ended(). */
    void (*damage)(void *context, const void *slot, const struct tide_error *e);
    /* produce() has returned 0; may be NULL */
    void (*ended)(void *context);
    struct tide_ring_preparation preparation;

    bool all_have_enough; /* result: the production was not needed to its end */
};

size_t tide_ring_slots(unsigned jobs);
/* 0 when nothing more is produced or wanted. Negative: what failed. */
TIDE_MUST_CHECK int tide_ring_run(struct tide_ring *r, struct tide_error *e);

#endif
