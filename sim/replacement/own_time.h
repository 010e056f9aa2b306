/* Processes' own virtual times, for policies with variable space (ws, pff, vmin).
 *
 * A page ages only while its process runs, so pages of different processes have no common order of
 * age: there is one list a process, of which the first frame is the first to come due, and at a
 * reference only the list of the running process counts.
 */
#ifndef TIDE_REPLACEMENT_OWN_TIME_H
#define TIDE_REPLACEMENT_OWN_TIME_H

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replacement/list.h"
#include "replacement/policy.h"

static inline unsigned tide_own_process(const struct tide_policy_env *env, uint32_t frame)
{
    return tide_page_process(env->pages[frame]);
}

/* The present of the process whose page is in the frame. */
static inline uint64_t tide_own_now(const struct tide_policy_env *env, uint32_t frame)
{
    return env->times[tide_own_process(env, frame)];
}

/* For due(): the machine's time at which the running process will have come to a time of its own,
 * start + after, if it goes on running; the present where it is there already. */
static inline uint64_t tide_own_due(const struct tide_policy_env *env, uint64_t start,
                                    uint64_t after)
{
    uint64_t passed = env->times[*env->running] - start, now = *env->now;

    if (passed >= after)
        return now;
    return after - passed > UINT64_MAX - now ? UINT64_MAX : now + (after - passed);
}

/* A list for each process, over the same frames; they share their links. */
struct tide_own_lists {
    struct tide_list *lists; /* TIDE_MAX_PROCESSES of them */
    unsigned processes;      /* those from here on never had a frame */
};

static inline void tide_own_lists_fini(struct tide_own_lists *l)
{
    if (l->lists != NULL)
        tide_list_fini(&l->lists[0]);
    free(l->lists);
    l->lists = NULL;
}

/* On failure nothing is left allocated. */
TIDE_MUST_CHECK static inline int tide_own_lists_init(struct tide_own_lists *l,
                                                      uint32_t frame_limit, struct tide_error *e)
{
    int rc;

    l->processes = 0;
    l->lists = tide_calloc(TIDE_MAX_PROCESSES, sizeof *l->lists);
    rc = l->lists == NULL ? tide_nomem(e)
                          : tide_lists_init(l->lists, TIDE_MAX_PROCESSES, frame_limit, e);
    if (rc != 0)
        tide_own_lists_fini(l);
    return rc;
}

/* The frame becomes the last of its process. */
static inline void tide_own_lists_append(struct tide_own_lists *l,
                                         const struct tide_policy_env *env, uint32_t frame)
{
    unsigned process = tide_own_process(env, frame);

    if (process >= l->processes)
        l->processes = process + 1;
    tide_list_append(&l->lists[process], frame);
}

static inline void tide_own_lists_move_last(struct tide_own_lists *l,
                                            const struct tide_policy_env *env, uint32_t frame)
{
    tide_list_move_last(&l->lists[tide_own_process(env, frame)], frame);
}

/* Lists share their links: any of them will do. */
static inline void tide_own_lists_remove(struct tide_own_lists *l, uint32_t frame)
{
    tide_list_remove(&l->lists[0], frame);
}

/* The first frame of a process; false: it has none. */
static inline bool tide_own_lists_first(const struct tide_own_lists *l, unsigned process,
                                        uint32_t *frame)
{
    *frame = tide_list_first(&l->lists[process]);
    return *frame != l->lists[process].end;
}

/* The first frame of the running process or, where that has none, of the first process that has
 * one: somebody has. */
static inline uint32_t tide_own_lists_victim(const struct tide_own_lists *l,
                                             const struct tide_policy_env *env)
{
    uint32_t frame;

    if (tide_own_lists_first(l, *env->running, &frame))
        return frame;
    for (unsigned process = 0; process < l->processes; process++)
        if (tide_own_lists_first(l, process, &frame))
            break;
    return frame;
}

#endif
