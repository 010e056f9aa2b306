/* Page-replacement policies: the contract.
 *
 * A policy decides which resident page leaves memory when a frame is needed. It knows frames by
 * index (0 .. frame_limit-1) and holds one entry for each frame in use. It must not count results,
 * print, keep global state, or draw randomness from anywhere but env->rng; and not allocate after
 * init, unless what it remembers of pages without a frame has no bound (then it has `failed`).
 *
 * Which hook is called when (each for one frame, in order of virtual time):
 *
 *   event                                    calls
 *   a page is brought into a free frame      load
 *   a resident page is referenced            touch (n >= 1: how often, see "Runs")
 *   a page without a frame is referenced     fault(page), before room is made: its load follows
 *                                            the victims, if any, and no other hook stands between
 *   a frame is needed, none is free          victim, then (for explain) why, then
 *                                            remove(frame, TIDE_REMOVE_EVICT), then load of the new
 *                                            page (maybe into another frame)
 *   the page is unmapped, or its process     remove(frame, TIDE_REMOVE_UNMAP); at any time, for
 *   ends                                     any frame in use
 *   a page without a frame is unmapped       forget(page)
 *   virtual time has come to due()           shed, remove(frame, TIDE_REMOVE_EVICT), until shed has
 *                                            no more; after the reference made at that time
 *   the virtual clock passes a tick          tick (only with tick_period set), after the tick's
 *                                            last reference
 *
 * Fixed and variable space: most policies fill a number of frames that is given. A policy with
 * `variable_space` (ws, pff, vmin) has as many frames as the trace has pages; its pages leave by
 * shed, and do not count as resident any more at the reference made at that time. It is asked for a
 * victim only where pages that mremap moved, and nobody touched since, have filled the frames. It
 * lives in the processes' own virtual times: a page ages only while its process runs, so at a
 * reference only pages of the running process come due. Where there is one process, its time is the
 * machine's.
 *
 * The load of a page is its first reference: no touch follows it for that reference. What load does
 * with the reference bit is the policy's convention.
 *
 * Reference and dirty bits are kept by the machine, one byte a frame, in env->bits: hooks read
 * TIDE_FRAME_REFERENCED there and clear it with tide_policy_clear(); the machine sets it on load
 * and on every later reference (with `observe: accessed-bit`: on those that walk) *before* the hook
 * runs, so a policy that needs no more than the bit (observes = TIDE_OBSERVES_BIT) has no touch
 * hook at all. Only the machine changes TIDE_FRAME_DIRTY. From load to remove it only ever sets
 * bits, never clears one: policies rely on that to leave frames unexamined.
 *
 * Runs: consecutive references to one page arrive as one touch with n > 1 when nothing else was
 * referenced in between, or when only the page of the other side (fetch/data) was; those two pages
 * are then touched in the order of their last reference. So a policy sees the true order of last
 * references and the true number of references whenever it is asked to decide, but interleavings
 * of two pages between decisions may be folded. A policy whose decisions depend on more (the time
 * of the last reference but one, say) observes TIDE_OBSERVES_EACH: a touch of n > 1 is then n
 * references in a row, the last of them at *env->now. With `references: collapsed` immediate
 * repeats of a page are not told at all. References that follow a load in its run are a
 * touch of their own (and set the bit again). No run reaches across a tick.
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
    TIDE_OBSERVES_ORDER,   /* the order of last references; n does not matter, and between two other
                            * hooks a page may be told once only, at the place of its last one */
    TIDE_OBSERVES_COUNT,   /* order and number */
    TIDE_OBSERVES_EACH,    /* every single change of page, in time: two pages never fold */
    TIDE_OBSERVES_FUTURE   /* order, and the next use of the page */
};

struct tide_policy_env {
    uint32_t capacity;      /* frames that user pages can have: parameters in % are of this; >= 1 */
    uint32_t frame_limit;   /* frame indices are below this (>= capacity) */
    uint8_t *bits;          /* TIDE_FRAME_*, by frame; valid from before load until after remove */
    const tide_page *pages; /* the page in each frame in use; valid as long */
    const uint64_t *now;    /* virtual time: references so far, the current one included */
    /* With `variable_space`, else NULL: by process (tide_page_process(), below TIDE_MAX_PROCESSES)
     * its own virtual time, the references that it has made so far; and the process that made the
     * last one. Both are up to date whenever *now is, their sum is *now. */
    const uint64_t *times;
    const unsigned *running;
    struct tide_rng *rng; /* the policy's own stream */
    /* the machine wants to know of cleared reference bits (`observe: accessed-bit`), or NULL */
    void (*cleared)(void *context, uint32_t frame);
    void *context;
};

/* Clears the reference bit of a frame in use. */
static inline void tide_policy_clear(const struct tide_policy_env *env, uint32_t frame)
{
    env->bits[frame] &= (uint8_t)~TIDE_FRAME_REFERENCED;
    if (env->cleared != NULL)
        env->cleared(env->context, frame);
}

/* A part of `whole` pages, made to fit: at least `least`, but above all at most `most`. */
static inline uint32_t tide_policy_part(struct tide_amount part, uint32_t whole, uint32_t least,
                                        uint32_t most)
{
    uint64_t n = tide_amount_of(part, whole);

    n = n < least ? least : n;
    return n > most ? most : (uint32_t)n;
}

enum tide_remove_reason { TIDE_REMOVE_EVICT, TIDE_REMOVE_UNMAP };

struct tide_policy {
    const char *name;    /* as in YAML and CSV, equal to its name in sim/replacement/meson.build */
    const char *summary; /* one line for `pagetide list policies` */
    const char *source;  /* paper or book, year */
    enum tide_observes observes;
    bool stack;          /* has the inclusion property (more frames never fault more) */
    bool variable_space; /* ignores the number of frames; has due and shed */
    const struct tide_option *options; /* NULL-ended, or NULL */
    size_t options_bytes;              /* of the struct that options describe */
    size_t state_bytes;                /* zeroed before init */

    /* Takes all memory (arrays of frame_limit may be tide_calloc'ed: untouched parts are free), and
     * checks options against each other. `options` points to a filled struct that outlives the
     * policy. A failed init leaves nothing allocated; calling fini after it does no harm. */
    int (*init)(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e);
    void (*fini)(void *state);
    /* The page that needs a frame, for policies whose choice of a victim depends on it. It has been
     * referenced at *env->now. There may be victims without a fault, or several for one. NULL: the
     * policy need not know before load. */
    void (*fault)(void *state, tide_page page);
    /* next_use (TIDE_OBSERVES_FUTURE only, else 0): the virtual time of the page's next reference,
     * with `variable_space` its process's own; immediate repeats of the page left out; TIDE_NEVER
     * where there is none, or the page is unmapped before it. */
    void (*load)(void *state, uint32_t frame, uint64_t next_use);
    void (*touch)(void *state, uint32_t frame, uint64_t n, uint64_t next_use);
    /* A frame in use may be touched soon: what touch looks at can be fetched into the cache. A
     * hint, by callers that look ahead; it changes nothing. NULL: of no use. */
    void (*prefetch)(const void *state, uint32_t frame);
    /* One of the frames in use (there is at least one). Does not remove it, but may move hands,
     * clear bits, draw, ... */
    uint32_t (*victim)(void *state);
    void (*remove)(void *state, uint32_t frame, enum tide_remove_reason why);
    /* A page that has no frame is unmapped: what was kept of it goes. NULL: nothing is kept. Pages
     * never seen may be told too. */
    void (*forget)(void *state, tide_page page);
    /* True once memory taken after init has run out; decisions since are void and the run must
     * fail (TIDE_E_NOMEM). To be asked once a block. NULL: takes none. */
    bool (*failed)(const void *state);
    /* The virtual time, the machine's, after whose reference shed is to be asked if the running
     * process goes on running: the present or later, UINT64_MAX for never. Asked after every
     * reference, whether it reaches a page or not, and after the last shed, so that another process
     * is seen with its first reference. May be earlier than needed: shed then has none. Machines
     * never fold references for a policy that has it. */
    uint64_t (*due)(const void *state);
    /* A frame in use whose page leaves now; false: none (any more). */
    bool (*shed)(void *state, uint32_t *frame);
    /* Period in references, from the options; called for every elapsed tick. NULL: none. */
    uint64_t (*tick_period)(const void *options);
    void (*tick)(void *state);
    /* For `explain`: why the frame that victim() just returned was chosen, in a few words, asked
     * before its remove; and the policy's view of a frame in use ("R=1", "count 3"); both into buf,
     * cut to n bytes with the final 0. May be slow. */
    void (*why)(const void *state, uint32_t frame, char *buf, size_t n);
    void (*describe)(const void *state, uint32_t frame, char *buf, size_t n);
};

/* NULL-ended, in the order of sim/replacement/meson.build. */
extern const struct tide_policy *const tide_policies[];

/* NULL if there is none of that name. */
const struct tide_policy *tide_policy_find(const char *name);

#endif
