/* LFU: the page referenced least often leaves; of equals, the least recently used.
 *
 * By default references are counted while a page is in memory, the one that brings it in being the
 * first. With `persist: yes` ("perfect" LFU) an evicted page keeps its count and goes on from it;
 * only unmapping forgets it.
 *
 * Pages stand in a heap by (count, last use). Both only grow, so a reference just writes them down,
 * and a page's key is renewed when it comes to the top (heap.h).
 *
 * Source: Robinson and Devarakonda, "Data cache management using frequency-based replacement", ACM
 * SIGMETRICS 1990 (LFU as the known base); Tanenbaum and Bos, "Modern operating systems", ch. 3
 * (NFU).
 * Differs: texts leave open what happens to the count of an evicted page, and ties.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "replacement/heap.h"
#include "replacement/policy.h"

struct lfu_options {
    bool persist;
};

struct lfu {
    const struct tide_policy_env *env;
    struct tide_heap heap;      /* major: count, minor: last use; stale until needed */
    struct tide_heap_key *uses; /* by frame: what the key should be */
    uint64_t clock;             /* loads and touches so far: gives last uses their order */
    bool persist, failed;
    struct tide_map counts; /* of evicted pages, by page, where counts persist */
};

static const struct tide_option options_table[] = {
    {.name = "persist",
     .type = TIDE_OPT_BOOL,
     .offset = offsetof(struct lfu_options, persist),
     .def = "no",
     .help = "an evicted page keeps its count (needs memory for every page ever evicted)"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct lfu *s = state;

    tide_heap_fini(&s->heap);
    tide_map_fini(&s->counts);
    free(s->uses);
    s->uses = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct lfu_options *o = options;
    struct lfu *s = state;
    int rc;

    s->env = env;
    s->persist = o->persist;
    tide_map_init(&s->counts);
    s->uses = tide_calloc(env->frame_limit, sizeof *s->uses);
    rc = s->uses == NULL ? tide_nomem(e) : tide_heap_init(&s->heap, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct lfu *s = state;
    const uint64_t *kept = tide_map_get(&s->counts, s->env->pages[frame].v);

    (void)next_use;
    s->uses[frame] =
        (struct tide_heap_key){.major = kept != NULL ? *kept + 1 : 1, .minor = ++s->clock};
    tide_heap_insert(&s->heap, frame, s->uses[frame]);
}

static void prefetch(const void *state, uint32_t frame)
{
    const struct lfu *s = state;

    __builtin_prefetch(&s->uses[frame], 1);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct lfu *s = state;

    (void)next_use;
    s->uses[frame].major += n;
    s->uses[frame].minor = ++s->clock;
}

static uint32_t victim(void *state)
{
    struct lfu *s = state;

    for (;;) {
        uint32_t frame = tide_heap_top(&s->heap);

        if (tide_heap_key_of(&s->heap, frame).minor == s->uses[frame].minor)
            return frame;
        tide_heap_rekey(&s->heap, frame, s->uses[frame]);
    }
}

static void forget(void *state, tide_page page)
{
    struct lfu *s = state;

    tide_map_remove(&s->counts, page.v);
}

static void keep(struct lfu *s, tide_page page, uint64_t count)
{
    uint64_t *kept = tide_map_put(&s->counts, page.v, NULL);

    if (kept == NULL)
        s->failed = true;
    else
        *kept = count;
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct lfu *s = state;

    tide_heap_remove(&s->heap, frame);
    if (why == TIDE_REMOVE_UNMAP)
        forget(s, s->env->pages[frame]);
    else if (s->persist)
        keep(s, s->env->pages[frame], s->uses[frame].major);
}

static bool failed(const void *state)
{
    const struct lfu *s = state;

    return s->failed;
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct lfu *s = state;

    snprintf(buf, n, "count %" PRIu64, s->uses[frame].major);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct lfu *s = state;

    snprintf(buf, n, "least count, %" PRIu64, s->uses[frame].major);
}

const struct tide_policy tide_policy_lfu = {
    .name = "lfu",
    .summary = "least frequently used",
    .source = "Robinson and Devarakonda 1990",
    .observes = TIDE_OBSERVES_COUNT,
    .options = options_table,
    .options_bytes = sizeof(struct lfu_options),
    .state_bytes = sizeof(struct lfu),
    .init = init,
    .fini = fini,
    .load = load,
    .touch = touch,
    .prefetch = prefetch,
    .victim = victim,
    .remove = drop,
    .forget = forget,
    .failed = failed,
    .why = why,
    .describe = describe,
};
