/* LeCaR: draws between LRU and LFU, and learns from regret which of them to trust.
 *
 * A page that one of the two has evicted is remembered in that one's history. When it faults while
 * it is there, the eviction was a mistake: the weight w of the policy that made it is multiplied by
 * exp(-rate d^t), t references after the eviction, with d = discount^(1/frames), and the weights
 * are normalised, and kept within 0.01..0.99. A victim is that of LRU with chance w_lru, else that
 * of LFU; where both name the same page, it is nobody's mistake. A page that returns from a history
 * goes on from the count it had.
 *
 * LFU's pages stand in a heap by (count, page); counts only grow, so a reference just counts
 * (heap.h).
 *
 * Source: Vietri et al., "Driving cache replacement with ML-based LeCaR", USENIX HotStorage 2018;
 * the authors' program, github.com/sylab/cacheus, code/algs/lecar.py (length of the histories, ties
 * of LFU to the lowest page, bounds of the weights).
 * Differs: draws come from our generator; histories hold at least one page.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replacement/ghosts.h"
#include "replacement/heap.h"
#include "replacement/list.h"
#include "replacement/policy.h"
#include "replacement/real.h"

struct lecar_options {
    double learning_rate, discount, initial_weight;
    struct tide_amount history;
};

enum expert { LRU, LFU, EXPERTS, BOTH = EXPERTS };

struct lecar {
    const struct tide_policy_env *env;
    const struct lecar_options *options;
    struct tide_list recency;  /* of frames, least recent first */
    struct tide_heap heap;     /* major: count, minor: page; stale until needed */
    uint64_t *counts;          /* by frame */
    struct tide_ghosts ghosts; /* a list for each expert */
    struct memory {
        uint64_t count;
        uint64_t time; /* of the eviction */
    } * memories;      /* by ghost */
    uint32_t history;  /* length of each list */
    double weights[EXPERTS];
    double log2_discount; /* of one reference */
    tide_page incoming;   /* of the last fault */
    uint64_t incoming_count;
    enum expert chose; /* the last victim */
};

static const struct tide_option options_table[] = {
    {.name = "learning_rate",
     .type = TIDE_OPT_REAL,
     .offset = offsetof(struct lecar_options, learning_rate),
     .def = "0.45",
     .max = 100,
     .help = "how fast a mistake costs weight"},
    {.name = "discount",
     .type = TIDE_OPT_REAL,
     .offset = offsetof(struct lecar_options, discount),
     .def = "0.005",
     .max = 1,
     .help = "what remains of a mistake as many references after it as there are frames"},
    {.name = "initial_weight",
     .type = TIDE_OPT_REAL,
     .offset = offsetof(struct lecar_options, initial_weight),
     .def = "0.5",
     .max = 1,
     .help = "of LRU, at the start"},
    {.name = "history",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct lecar_options, history),
     .def = "50%",
     .min = 1,
     .unit = "pages",
     .help = "pages in each of the two histories"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct lecar *s = state;

    tide_list_fini(&s->recency);
    tide_heap_fini(&s->heap);
    tide_ghosts_fini(&s->ghosts);
    free(s->memories);
    free(s->counts);
    s->memories = NULL;
    s->counts = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct lecar_options *o = options;
    struct lecar *s = state;
    uint64_t history = tide_amount_of(o->history, env->capacity);
    int rc;

    if (o->discount == 0) {
        tide_fail(e, TIDE_E_CONFIG, "policy lecar: discount is 0");
        tide_error_remedy(e, "above 0, up to 1 for none");
        return TIDE_E_CONFIG;
    }
    if (history >= UINT32_MAX / 4)
        return tide_fail(e, TIDE_E_CONFIG, "policy lecar: history of more than 2^30 pages");
    s->env = env;
    s->options = o;
    s->weights[LRU] = o->initial_weight;
    s->weights[LFU] = 1 - o->initial_weight;
    s->log2_discount = tide_log2(o->discount) / env->capacity;
    s->incoming = TIDE_PAGE_NONE;
    s->history = history > 0 ? (uint32_t)history : 1;
    s->counts = tide_calloc(env->frame_limit, sizeof *s->counts);
    s->memories = tide_calloc(2 * (size_t)s->history + TIDE_GHOST_LISTS, sizeof *s->memories);
    rc = s->counts == NULL || s->memories == NULL ? tide_nomem(e) : 0;
    if (rc == 0)
        rc = tide_ghosts_init(&s->ghosts, 2 * s->history, e);
    if (rc == 0)
        rc = tide_list_init(&s->recency, env->frame_limit, e);
    if (rc == 0)
        rc = tide_heap_init(&s->heap, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static void regret(struct lecar *s, unsigned who, uint64_t age)
{
    double *w = s->weights;
    double size = tide_exp2(s->log2_discount * (double)age), sum;

    w[who] *= tide_exp(-s->options->learning_rate * size);
    sum = w[LRU] + w[LFU];
    w[LRU] /= sum;
    w[LFU] /= sum;
    for (int i = 0; i < EXPERTS; i++)
        if (w[i] >= 0.99) {
            w[i] = 0.99;
            w[1 - i] = 0.01;
        }
}

static void fault(void *state, tide_page page)
{
    struct lecar *s = state;
    uint32_t ghost = tide_ghosts_find(&s->ghosts, page);

    s->incoming = page;
    s->incoming_count = 0;
    if (ghost == TIDE_GHOST_NONE)
        return;
    s->incoming_count = s->memories[ghost].count;
    regret(s, s->ghosts.entries[ghost].list, *s->env->now - s->memories[ghost].time);
    tide_ghosts_remove(&s->ghosts, ghost);
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct lecar *s = state;
    tide_page page = s->env->pages[frame];

    (void)next_use;
    s->counts[frame] = 1 + (page.v == s->incoming.v ? s->incoming_count : 0);
    tide_list_append(&s->recency, frame);
    tide_heap_insert(&s->heap, frame,
                     (struct tide_heap_key){.major = s->counts[frame], .minor = page.v});
}

static void prefetch(const void *state, uint32_t frame)
{
    const struct lecar *s = state;

    __builtin_prefetch(&s->counts[frame], 1);
    tide_list_prefetch(&s->recency, frame);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct lecar *s = state;

    (void)next_use;
    s->counts[frame] += n;
    tide_list_move_last(&s->recency, frame);
}

static uint32_t least_frequent(struct lecar *s)
{
    for (;;) {
        uint32_t frame = tide_heap_top(&s->heap);
        struct tide_heap_key key = tide_heap_key_of(&s->heap, frame);

        if (key.major == s->counts[frame])
            return frame;
        key.major = s->counts[frame];
        tide_heap_rekey(&s->heap, frame, key);
    }
}

static uint32_t victim(void *state)
{
    struct lecar *s = state;
    uint32_t lru = tide_list_first(&s->recency), lfu = least_frequent(s);
    bool trust_lru = tide_real_draw(s->env->rng) < s->weights[LRU];

    s->chose = lru == lfu ? BOTH : trust_lru ? LRU : LFU;
    return s->chose == LFU ? lfu : lru;
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct lecar *s = state;

    tide_list_remove(&s->recency, frame);
    tide_heap_remove(&s->heap, frame);
    if (why != TIDE_REMOVE_EVICT || s->chose == BOTH)
        return;
    if (s->ghosts.n[s->chose] == s->history)
        tide_ghosts_remove(&s->ghosts, tide_ghosts_oldest(&s->ghosts, s->chose));
    s->memories[tide_ghosts_add(&s->ghosts, s->chose, s->env->pages[frame])] =
        (struct memory){.count = s->counts[frame], .time = *s->env->now};
}

static void forget(void *state, tide_page page)
{
    struct lecar *s = state;

    tide_ghosts_forget(&s->ghosts, page);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    static const char *const reasons[] = {[LRU] = "least recently used",
                                          [LFU] = "least frequently used",
                                          [BOTH] = "least recently and frequently used"};
    const struct lecar *s = state;

    (void)frame;
    snprintf(buf, n, "%s", reasons[s->chose]);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct lecar *s = state;

    snprintf(buf, n, "count %" PRIu64 ", %" PRIu32 " used since", s->counts[frame],
             tide_list_behind(&s->recency, frame));
}

const struct tide_policy tide_policy_lecar = {
    .name = "lecar",
    .summary = "LRU or LFU, by chance, with weights learned from mistakes",
    .source = "Vietri et al. 2018",
    .observes = TIDE_OBSERVES_COUNT,
    .options = options_table,
    .options_bytes = sizeof(struct lecar_options),
    .state_bytes = sizeof(struct lecar),
    .init = init,
    .fini = fini,
    .fault = fault,
    .load = load,
    .touch = touch,
    .prefetch = prefetch,
    .victim = victim,
    .remove = drop,
    .forget = forget,
    .why = why,
    .describe = describe,
};
