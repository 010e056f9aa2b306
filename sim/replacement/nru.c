/* Not recently used: a random page of the lowest class in use leaves, where a page's class is
 * 2R + M (R: referenced since the last tick, M: dirty). Ticks clear R.
 *
 * Nobody tells us when a bit gets set, so a page stands in the pool of the class it had when we
 * last looked. Between ticks classes only rise. The victim is drawn from the lowest pool that is
 * not empty; a page found in a higher class moves to its pool and the draw is repeated. What is
 * left to be accepted is exactly the lowest class, each page with equal chance, and every page
 * moves at most three times a tick: O(1) amortised. A tick appends the pools with R to those
 * without, in their order; that and clearing R is O(n), the latter in one run through the bits.
 *
 * Source: Tanenbaum and Bos, "Modern operating systems", ch. 3, "The not recently used page
 * replacement algorithm".
 * Differs: the length of a tick is open; here it is an option in references. The bits are those of
 * the moment a victim is needed. Which page a draw means is fixed by the order of the pools.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/policy.h"
#include "replacement/pool.h"

enum { CLASSES = 4 };

struct nru_options {
    uint64_t tick;
};

struct nru {
    const struct tide_policy_env *env;
    struct tide_pool pools[CLASSES]; /* by the class last seen */
    uint8_t *seen;                   /* class last seen, by frame */
    uint32_t frames;                 /* those below have been in use */
};

static const struct tide_option options_table[] = {
    {.name = "tick",
     .type = TIDE_OPT_COUNT,
     .offset = offsetof(struct nru_options, tick),
     .def = "1000",
     .min = 1,
     .unit = "refs",
     .help = "references between two clearings of the reference bits"},
    {.name = NULL},
};

static uint64_t tick_period(const void *options)
{
    const struct nru_options *o = options;

    return o->tick;
}

static void fini(void *state)
{
    struct nru *s = state;

    for (int c = 0; c < CLASSES; c++)
        tide_pool_fini(&s->pools[c]);
    free(s->seen);
    s->seen = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    struct nru *s = state;
    int rc = 0;

    (void)options;
    s->env = env;
    s->seen = tide_calloc(env->frame_limit, sizeof *s->seen);
    if (s->seen == NULL)
        rc = tide_nomem(e);
    for (int c = 0; c < CLASSES && rc == 0; c++)
        rc = tide_pool_init(&s->pools[c], env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

static uint8_t class_of(const struct nru *s, uint32_t frame)
{
    uint8_t bits = s->env->bits[frame];

    return (uint8_t)(2 * ((bits & TIDE_FRAME_REFERENCED) != 0) + ((bits & TIDE_FRAME_DIRTY) != 0));
}

static void file(struct nru *s, uint32_t frame, uint8_t class)
{
    s->seen[frame] = class;
    tide_pool_add(&s->pools[class], frame);
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct nru *s = state;

    (void)next_use;
    if (frame >= s->frames)
        s->frames = frame + 1;
    file(s, frame, class_of(s, frame));
}

static uint32_t victim(void *state)
{
    struct nru *s = state;
    struct tide_pool *pool = s->pools;

    for (;;) {
        uint32_t frame;
        uint8_t class;

        while (pool->n == 0)
            pool++;
        frame = pool->frames[tide_rng_below(s->env->rng, pool->n)];
        class = class_of(s, frame);
        if (class == s->seen[frame])
            return frame;
        tide_pool_remove(pool, frame);
        file(s, frame, class);
    }
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct nru *s = state;

    (void)why;
    tide_pool_remove(&s->pools[s->seen[frame]], frame);
}

static void clear_all(const struct nru *s)
{
    uint8_t *bits = s->env->bits;

    if (s->env->cleared == NULL) { /* nobody minds that unused frames are among them */
        for (uint32_t i = 0; i < s->frames; i++)
            bits[i] &= (uint8_t)~TIDE_FRAME_REFERENCED;
        return;
    }
    for (int c = 0; c < CLASSES; c++)
        for (uint32_t i = 0; i < s->pools[c].n; i++)
            tide_policy_clear(s->env, s->pools[c].frames[i]);
}

static void tick(void *state)
{
    struct nru *s = state;

    clear_all(s);
    for (uint8_t c = 2; c < CLASSES; c++) {
        for (uint32_t i = 0; i < s->pools[c].n; i++)
            file(s, s->pools[c].frames[i], (uint8_t)(c - 2));
        s->pools[c].n = 0;
    }
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct nru *s = state;

    snprintf(buf, n, "drawn from class %d, the lowest", s->seen[frame]);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct nru *s = state;
    int class = class_of(s, frame);

    snprintf(buf, n, "R=%d M=%d", class / 2, class % 2);
}

const struct tide_policy tide_policy_nru = {
    .name = "nru",
    .summary = "not recently used: any page of the lowest class by reference and dirty bit",
    .source = "Tanenbaum and Bos, Modern operating systems",
    .observes = TIDE_OBSERVES_BIT,
    .options = options_table,
    .options_bytes = sizeof(struct nru_options),
    .state_bytes = sizeof(struct nru),
    .init = init,
    .fini = fini,
    .load = load,
    .victim = victim,
    .remove = drop,
    .tick_period = tick_period,
    .tick = tick,
    .why = why,
    .describe = describe,
};
