/* LRFU: every past reference of a page counts, the less the longer ago; the least sum leaves.
 *
 * A reference x references ago weighs (1/2)^(lambda x). The sum over a page's references since it
 * was brought in is its combined recency and frequency, CRF. With lambda 0 that is LFU, with 1 LRU
 * (a single reference outweighs all earlier ones). Of equals the least recently used leaves.
 *
 * A page keeps its CRF as of its last reference; a reference d later makes it 1 + 2^(-lambda d)
 * CRF. All CRFs decay at the same pace, so their order is that of lambda t + log2 CRF(t) at any
 * time t. This grows with each reference and changes at no other time: pages stand in a heap by it,
 * stale until a page comes to the top (heap.h), and a reference is O(1).
 *
 * Source: Lee et al., "LRFU: a spectrum of policies that subsumes the least recently used and least
 * frequently used policies", IEEE Transactions on Computers 50(12), 2001, pp. 1352-1361.
 * Differs: the paper leaves lambda to the user, the default is ours; its correlated period is not
 * modelled. CRFs that agree to 14 digits are equal.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "replacement/heap.h"
#include "replacement/policy.h"
#include "replacement/real.h"

/* lambda is kept as a whole number of these, so that lambda t is exact for any t */
enum { LAMBDA_PARTS = 100000000 };

struct lrfu_options {
    double lambda;
};

struct lrfu {
    const struct tide_policy_env *env;
    struct tide_heap heap; /* by key_of() */
    struct use {
        double crf;    /* at the last reference */
        uint64_t last; /* its time */
    } * uses;          /* by frame */
    uint64_t lambda;   /* in 1/LAMBDA_PARTS */
    double decay;      /* of the weight in one reference */
    double *weights;   /* by age, below KNOWN_AGES; 0: not asked for so far */
};

/* Most references come soon after the one before: their weights are worked out once. */
enum { KNOWN_AGES = 1 << 16 };

static const struct tide_option options_table[] = {
    {.name = "lambda",
     .type = TIDE_OPT_REAL,
     .offset = offsetof(struct lrfu_options, lambda),
     .def = "0.001",
     .max = 1,
     .help = "from 0, like LFU, to 1, like LRU; to 8 decimals"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct lrfu *s = state;

    tide_heap_fini(&s->heap);
    free(s->uses);
    free(s->weights);
    s->uses = NULL;
    s->weights = NULL;
}

/* The weight of a reference that many references ago. */
static double weight(const struct lrfu *s, uint64_t age)
{
    return tide_exp2(-(double)s->lambda * (double)age / LAMBDA_PARTS);
}

static double known_weight(struct lrfu *s, uint64_t age)
{
    if (age >= KNOWN_AGES)
        return weight(s, age);
    if (s->weights[age] == 0)
        s->weights[age] = weight(s, age);
    return s->weights[age];
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct lrfu_options *o = options;
    struct lrfu *s = state;
    int rc;

    s->env = env;
    s->lambda = (uint64_t)(o->lambda * LAMBDA_PARTS + 0.5);
    s->decay = weight(s, 1);
    s->uses = tide_calloc(env->frame_limit, sizeof *s->uses);
    s->weights = tide_calloc(KNOWN_AGES, sizeof *s->weights);
    rc = s->uses == NULL || s->weights == NULL ? tide_nomem(e)
                                               : tide_heap_init(&s->heap, env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

/* lambda t + log2 CRF(t), 48 bits of it behind the point:
 *
 *     major   integer part (40)  |  fraction (24)
 *     minor   fraction (24)      |  time of the last reference (40)
 */
static struct tide_heap_key key_of(const struct lrfu *s, struct use use)
{
    unsigned __int128 product = (unsigned __int128)s->lambda * use.last;
    double rest = (double)(uint64_t)(product % LAMBDA_PARTS) / LAMBDA_PARTS + tide_log2(use.crf);
    uint64_t whole = (uint64_t)rest;
    uint64_t fraction = (uint64_t)((rest - (double)whole) * (double)(UINT64_C(1) << 48));

    whole += (uint64_t)(product / LAMBDA_PARTS);
    return (struct tide_heap_key){.major = whole << 24 | fraction >> 24,
                                  .minor = fraction << 40 | (use.last & ((UINT64_C(1) << 40) - 1))};
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct lrfu *s = state;

    (void)next_use;
    s->uses[frame] = (struct use){.crf = 1, .last = *s->env->now};
    tide_heap_insert(&s->heap, frame, key_of(s, s->uses[frame]));
}

static void prefetch(const void *state, uint32_t frame)
{
    const struct lrfu *s = state;

    __builtin_prefetch(&s->uses[frame], 1);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct lrfu *s = state;
    struct use *use = &s->uses[frame];
    double crf = 1 + use->crf * known_weight(s, *s->env->now - (n - 1) - use->last), before;

    (void)next_use;
    do { /* n - 1 more in a row, or until one more makes no difference */
        before = crf;
    } while (--n > 0 && (crf = 1 + crf * s->decay) != before);
    *use = (struct use){.crf = crf, .last = *s->env->now};
}

static uint32_t victim(void *state)
{
    struct lrfu *s = state;

    for (;;) {
        uint32_t frame = tide_heap_top(&s->heap);
        struct tide_heap_key key = key_of(s, s->uses[frame]),
                             old = tide_heap_key_of(&s->heap, frame);

        if (key.major == old.major && key.minor == old.minor)
            return frame;
        tide_heap_rekey(&s->heap, frame, key);
    }
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct lrfu *s = state;

    (void)why;
    tide_heap_remove(&s->heap, frame);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct lrfu *s = state;
    const struct use *use = &s->uses[frame];

    snprintf(buf, n, "CRF %.6g", use->crf * weight(s, *s->env->now - use->last));
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    int used = snprintf(buf, n, "least: ");

    if (used > 0 && (size_t)used < n)
        describe(state, frame, buf + used, n - (size_t)used);
}

const struct tide_policy tide_policy_lrfu = {
    .name = "lrfu",
    .summary = "between LRU and LFU: each reference counts, the less the longer ago",
    .source = "Lee et al. 2001",
    .observes = TIDE_OBSERVES_EACH,
    .options = options_table,
    .options_bytes = sizeof(struct lrfu_options),
    .state_bytes = sizeof(struct lrfu),
    .init = init,
    .fini = fini,
    .load = load,
    .touch = touch,
    .prefetch = prefetch,
    .victim = victim,
    .remove = drop,
    .why = why,
    .describe = describe,
};
