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

/* A list for each process, over the same frames: they share their links, of which those behind the
 * frames' are the lists' ends. */
struct tide_own_lists {
    struct tide_link *links;
    uint32_t frame_limit;
    unsigned processes; /* those from here on never had a frame, and have no list */
};

TIDE_MUST_CHECK static inline int tide_own_lists_init(struct tide_own_lists *l,
                                                      uint32_t frame_limit, struct tide_error *e)
{
    *l = (struct tide_own_lists){.frame_limit = frame_limit};
    l->links = tide_calloc((size_t)frame_limit + TIDE_MAX_PROCESSES, sizeof *l->links);
    return l->links != NULL ? 0 : tide_nomem(e);
}

static inline void tide_own_lists_fini(struct tide_own_lists *l)
{
    free(l->links);
    l->links = NULL;
}

/* The list of a process that has one. */
static inline struct tide_list tide_own_list(const struct tide_own_lists *l, unsigned process)
{
    return (struct tide_list){.links = l->links, .end = l->frame_limit + process};
}

/* The frame becomes the last of its process. */
static inline void tide_own_lists_append(struct tide_own_lists *l,
                                         const struct tide_policy_env *env, uint32_t frame)
{
    unsigned process = tide_own_process(env, frame);
    struct tide_list list = tide_own_list(l, process);

    for (; l->processes <= process; l->processes++) {
        uint32_t end = l->frame_limit + l->processes;

        l->links[end] = (struct tide_link){.prev = end, .next = end};
    }
    tide_list_append(&list, frame);
}

static inline void tide_own_lists_remove(struct tide_own_lists *l, uint32_t frame)
{
    struct tide_list any = {.links = l->links};

    tide_list_remove(&any, frame);
}

static inline void tide_own_lists_move_last(struct tide_own_lists *l,
                                            const struct tide_policy_env *env, uint32_t frame)
{
    struct tide_list list = tide_own_list(l, tide_own_process(env, frame));

    tide_list_move_last(&list, frame);
}

/* The first frame of a process; false: it has none. */
static inline bool tide_own_lists_first(const struct tide_own_lists *l, unsigned process,
                                        uint32_t *frame)
{
    struct tide_list list = tide_own_list(l, process);

    if (process >= l->processes)
        return false;
    *frame = tide_list_first(&list);
    return *frame != list.end;
}

/* The first frame of the running process or, where that has none, of the first process that has
 * one: somebody has. */
static inline uint32_t tide_own_lists_victim(const struct tide_own_lists *l,
                                             const struct tide_policy_env *env)
{
    uint32_t frame = 0;

    if (tide_own_lists_first(l, *env->running, &frame))
        return frame;
    for (unsigned process = 0; process < l->processes; process++)
        if (tide_own_lists_first(l, process, &frame))
            break;
    return frame;
}

#endif
