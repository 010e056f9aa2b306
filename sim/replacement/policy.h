/* Page-replacement policies: the contract.
 *
 * A policy decides which resident page leaves memory when a frame is needed. It knows frames by
 * index (0 .. frame_limit-1) and holds one entry for each frame in use. It must not count, print,
 * allocate after init (but for ghost lists, bounded by the frames), keep global state, or draw
 * randomness from anywhere but env->rng.
 *
 * Which hook is called when (each for one frame, in order of virtual time):
 *
 *   event                                    calls
 *   a page is brought into a free frame      load
 *   a resident page is referenced            touch (n = how often since the last touch of anything
 *                                            else that matters to the policy's `observes`)
 *   a frame is needed, none is free          victim, then remove(frame, TIDE_REMOVE_EVICT), then
 *                                            load of the new page (maybe in another frame)
 *   the page is unmapped, or its process     remove(frame, TIDE_REMOVE_UNMAP)
 *   ends
 *   the virtual clock passes a tick          tick (only with .tick set), after the tick's last
 *                                            reference
 *
 * The load of a page is its first reference: no touch follows it for that reference. With
 * `initial_bit`-like conventions each policy says what load does.
 *
 * Reference and dirty bits are kept by the machine, one byte a frame, in env->bits: hooks read and
 * clear TIDE_FRAME_REFERENCED there; the machine sets it on load and on every reference *before*
 * the hook runs, so a policy that needs no more than the bit (observes = TIDE_OBSERVES_BIT) has no
 * touch hook at all. Only the machine changes TIDE_FRAME_DIRTY.
 *
 * Runs: consecutive references to one page arrive as one touch with n > 1 when nothing else was
 * referenced in between, or when only the page of the other side (fetch/data) was; those two pages
 * are then touched in the order of their last reference. So a policy sees the true order of last
 * references and the true number of references whenever it is asked to decide, but interleavings
 * of two pages between decisions may be folded. What may depend on more than that must not exist.
 */
#ifndef TIDE_REPLACEMENT_POLICY_H
#define TIDE_REPLACEMENT_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr/page.h"
#include "base/error.h"
#include "base/options.h"
#include "base/rng.h"
#include "base/units.h"

/* env->bits[frame] */
enum { TIDE_FRAME_REFERENCED = 1, TIDE_FRAME_DIRTY = 2 };

#define TIDE_NEVER UINT64_MAX /* next use of a page that is not used again */

/* What a policy must be shown of references to resident pages. */
enum tide_observes {
    TIDE_OBSERVES_NOTHING, /* fifo, random */
    TIDE_OBSERVES_BIT,     /* the reference bit: touch is NULL */
    TIDE_OBSERVES_ORDER,   /* the order of last references; n does not matter */
    TIDE_OBSERVES_COUNT,   /* order and number */
    TIDE_OBSERVES_FUTURE   /* order, and the next use of the page */
};

struct tide_policy_env {
    uint32_t capacity;      /* frames that user pages can have: parameters in % are of this; >= 1 */
    uint32_t frame_limit;   /* frame indices are below this (>= capacity) */
    uint8_t *bits;          /* TIDE_FRAME_*, by frame */
    const tide_page *pages; /* the page in each frame in use, valid from before load until after
                             * remove */
    const uint64_t *now;    /* virtual time: references so far, the current one included */
    struct tide_rng *rng;   /* the policy's own stream */
};

enum tide_remove_reason { TIDE_REMOVE_EVICT, TIDE_REMOVE_UNMAP };

struct tide_policy {
    const char *name;    /* as in YAML and CSV, equal to its name in sim/replacement/meson.build */
    const char *summary; /* one line for `pagetide list policies` */
    const char *source;  /* paper or book, year */
    enum tide_observes observes;
    bool stack; /* has the inclusion property (more frames never fault more) */
    const struct tide_option *options; /* NULL-ended, or NULL */
    size_t options_bytes;              /* of the struct that options describe */
    size_t state_bytes;                /* zeroed before init */

    /* Takes all memory (arrays of frame_limit may be tide_calloc'ed: untouched parts are free).
     * `options` points to a filled struct that outlives the policy. */
    int (*init)(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e);
    void (*fini)(void *state);
    /* next_use (TIDE_OBSERVES_FUTURE only, else 0): grows with the time of the page's next
     * reference; equal only for TIDE_NEVER. */
    void (*load)(void *state, uint32_t frame, uint64_t next_use);
    void (*touch)(void *state, uint32_t frame, uint64_t n, uint64_t next_use);
    /* One of the frames in use (there is at least one). Does not remove it, but may move hands,
     * clear bits, ... */
    uint32_t (*victim)(void *state);
    void (*remove)(void *state, uint32_t frame, enum tide_remove_reason why);
    /* Period in references, from the options; called for every elapsed tick. NULL: none. */
    uint64_t (*tick_period)(const void *options);
    void (*tick)(void *state);
    /* For `explain`: why the frame that victim() just returned was chosen, in a few words, and the
     * policy's view of a frame ("R=1", "count 3"), both into buf. May be NULL. */
    void (*why)(const void *state, uint32_t frame, char *buf, size_t n);
    void (*describe)(const void *state, uint32_t frame, char *buf, size_t n);
};

/* NULL-ended, in the order of sim/replacement/meson.build. */
extern const struct tide_policy *const tide_policies[];

/* NULL if there is none of that name. */
const struct tide_policy *tide_policy_find(const char *name);

#endif
