/* Every policy of the registry keeps the contract in replacement/policy.h. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/rng.h"
#include "replacement/policy.h"

enum { SEED = 77, MOST_FRAMES = 40, STEPS = 4000 };

#define FOR_EACH_POLICY(p)                                                               \
    for (const struct tide_policy *const *each_ = tide_policies, *p = *each_; p != NULL; \
         p = *++each_)

/* A policy with its machine's side of the contract. */
struct rig {
    const struct tide_policy *policy;
    void *state, *options;
    struct tide_policy_env env;
    struct tide_rng rng;
    uint8_t bits[MOST_FRAMES];
    tide_page pages[MOST_FRAMES];
    uint64_t now, next_use; /* there is one process: its time is the machine's */
    unsigned running;
    bool in_use[MOST_FRAMES];
    uint32_t n;
    tide_page incoming; /* its fault was told; or NONE */
};

/* All but init. */
static void rig_prepare(struct rig *g, const struct tide_policy *policy, uint32_t capacity,
                        uint32_t limit, uint64_t seed)
{
    memset(g, 0, sizeof *g);
    g->policy = policy;
    g->incoming = TIDE_PAGE_NONE;
    g->state = calloc(1, policy->state_bytes);
    g->options = calloc(1, policy->options_bytes + 1);
    tide_rng_init(&g->rng, seed, "policy");
    tide_options_defaults(policy->options, g->options);
    g->env = (struct tide_policy_env){.capacity = capacity,
                                      .frame_limit = limit,
                                      .bits = g->bits,
                                      .pages = g->pages,
                                      .now = &g->now,
                                      .times = policy->variable_space ? &g->now : NULL,
                                      .running = policy->variable_space ? &g->running : NULL,
                                      .rng = &g->rng};
}

static int rig_init(struct rig *g, struct tide_error *e)
{
    return g->policy->init(g->state, &g->env, g->options, e);
}

static void rig_open(struct rig *g, const struct tide_policy *policy, uint32_t capacity,
                     uint32_t limit, uint64_t seed)
{
    struct tide_error e;

    rig_prepare(g, policy, capacity, limit, seed);
    cr_assert_eq(rig_init(g, &e), 0, "%s", policy->name);
}

static void rig_close(struct rig *g)
{
    g->policy->fini(g->state);
    free(g->state);
    free(g->options);
}

static uint64_t next_use(struct rig *g, struct tide_rng *r)
{
    if (g->policy->observes != TIDE_OBSERVES_FUTURE)
        return 0;
    if (tide_rng_below(r, 4) == 0)
        return TIDE_NEVER;
    /* distinct, and not in the order of calls */
    return g->now + (tide_rng_below(r, 1000) << 20 | g->next_use++);
}

static bool resident(const struct rig *g, tide_page page)
{
    for (uint32_t i = 0; i < g->env.frame_limit; i++)
        if (g->in_use[i] && g->pages[i].v == page.v)
            return true;
    return false;
}

enum { PAGES = 97 }; /* more than frames, so that each comes again */

static void fault(struct rig *g)
{
    g->now++;
    g->incoming = (tide_page){g->now % PAGES};
    while (resident(g, g->incoming))
        g->incoming.v = (g->incoming.v + 1) % PAGES;
    if (g->policy->fault != NULL)
        g->policy->fault(g->state, g->incoming);
}

static void load(struct rig *g, struct tide_rng *r, uint32_t frame)
{
    if (g->incoming.v == TIDE_PAGE_NONE.v)
        fault(g);
    g->in_use[frame] = true;
    g->n++;
    g->pages[frame] = g->incoming;
    g->incoming = TIDE_PAGE_NONE;
    g->bits[frame] = TIDE_FRAME_REFERENCED;
    g->policy->load(g->state, frame, next_use(g, r));
}

static void touch(struct rig *g, struct tide_rng *r, uint32_t frame)
{
    uint64_t n = 1 + tide_rng_below(r, 1000);

    g->now += n;
    g->bits[frame] |= TIDE_FRAME_REFERENCED;
    if (tide_rng_below(r, 2) != 0)
        g->bits[frame] |= TIDE_FRAME_DIRTY;
    if (g->policy->touch != NULL)
        g->policy->touch(g->state, frame, n, next_use(g, r));
}

static void drop(struct rig *g, uint32_t frame, enum tide_remove_reason why)
{
    g->policy->remove(g->state, frame, why);
    g->in_use[frame] = false;
    g->n--;
}

static uint32_t victim(struct rig *g)
{
    uint8_t dirty[MOST_FRAMES];
    uint32_t frame;

    memcpy(dirty, g->bits, sizeof dirty);
    frame = g->policy->victim(g->state);
    cr_assert_lt(frame, g->env.frame_limit, "%s", g->policy->name);
    cr_assert(g->in_use[frame], "%s: frame %u is not in use", g->policy->name, frame);
    for (uint32_t i = 0; i < g->env.frame_limit; i++)
        cr_assert_eq(g->bits[i] & TIDE_FRAME_DIRTY, dirty[i] & TIDE_FRAME_DIRTY, "%s",
                     g->policy->name);
    return frame;
}

/* The k-th frame, from 0, that is (not) in use. */
static uint32_t kth(const struct rig *g, bool in_use, uint64_t k)
{
    uint32_t frame = 0;

    while (g->in_use[frame] != in_use || k-- > 0)
        frame++;
    return frame;
}

static uint64_t evict(struct rig *g)
{
    uint32_t frame = victim(g);

    drop(g, frame, TIDE_REMOVE_EVICT);
    return frame;
}

/* A random life; returns a hash of all victims. */
static uint64_t live(const struct tide_policy *policy, uint64_t trial, uint64_t seed)
{
    struct rig g;
    struct tide_rng r;
    uint32_t capacity, limit;
    uint64_t hash = 0;

    tide_rng_init(&r, SEED + trial, policy->name);
    capacity = trial == 0 ? 1 : 1 + (uint32_t)tide_rng_below(&r, MOST_FRAMES);
    limit = capacity + (uint32_t)tide_rng_below(&r, MOST_FRAMES - capacity + 1);
    rig_open(&g, policy, capacity, limit, seed);
    for (int i = 0; i < STEPS; i++) {
        uint64_t dice = tide_rng_below(&r, 100);

        if (g.n == capacity && dice < 30) {
            fault(&g);
            do /* reclaim may want several at once ... */
                hash = tide_hash64(hash ^ evict(&g));
            while (g.n > 0 && tide_rng_below(&r, 8) == 0);
        }
        if (dice < 50 && g.n < capacity)
            load(&g, &r, kth(&g, false, tide_rng_below(&r, limit - g.n)));
        else if (dice < 90 && g.n > 0)
            touch(&g, &r, kth(&g, true, tide_rng_below(&r, g.n)));
        else if (dice < 92 && g.n > 0) /* ... or for something that is not a user's page */
            hash = tide_hash64(hash ^ evict(&g));
        else if (dice < 95 && g.n > 0)
            drop(&g, kth(&g, true, tide_rng_below(&r, g.n)), TIDE_REMOVE_UNMAP);
        else if (dice == 95 && policy->forget != NULL) {
            tide_page page = {tide_rng_below(&r, PAGES)};

            if (!resident(&g, page))
                policy->forget(g.state, page);
        } else if (dice > 95 && policy->tick != NULL)
            policy->tick(g.state);
        if (dice == 99 && tide_rng_below(&r, 10) == 0)
            while (g.n > 0) /* the process ends */
                drop(&g, kth(&g, true, tide_rng_below(&r, g.n)), TIDE_REMOVE_UNMAP);
        cr_assert(policy->failed == NULL || !policy->failed(g.state));
    }
    rig_close(&g);
    return hash;
}

Test(registry, policies_introduce_themselves)
{
    size_t n = 0;

    FOR_EACH_POLICY(p)
    {
        n++;
        cr_expect_eq(tide_policy_find(p->name), p, "%s", p->name);
        cr_expect(p->summary != NULL && strlen(p->summary) > 5, "%s: no summary", p->name);
        cr_expect(p->source != NULL && strlen(p->source) > 5, "%s: no source", p->name);
        cr_expect_eq(p->name[strspn(p->name, "abcdefghijklmnopqrstuvwxyz0123456789-")], '\0', "%s",
                     p->name);
        cr_expect(p->init != NULL && p->fini != NULL && p->load != NULL && p->victim != NULL &&
                      p->remove != NULL && p->why != NULL && p->describe != NULL,
                  "%s: a hook is missing", p->name);
        cr_expect_eq(p->tick != NULL, p->tick_period != NULL, "%s", p->name);
        cr_expect_eq(p->due != NULL, p->variable_space, "%s", p->name);
        cr_expect_eq(p->shed != NULL, p->variable_space, "%s", p->name);
        cr_expect_eq(p->touch != NULL, p->observes > TIDE_OBSERVES_BIT, "%s: touch", p->name);
        cr_expect_eq(p->options != NULL, p->options_bytes > 0, "%s", p->name);
    }
    cr_expect_geq(n, 11);
    cr_expect_null(tide_policy_find("lur"));
    cr_expect_null(tide_policy_find(""));
}

Test(registry, options_have_defaults_that_parse_and_help)
{
    FOR_EACH_POLICY(p)
    {
        void *options = calloc(1, p->options_bytes + 1);

        for (const struct tide_option *o = p->options; o != NULL && o->name != NULL; o++) {
            struct tide_error e;
            char text[64];

            cr_expect_eq(tide_option_set(p->options, options, p->name, o->name, o->def, &e), 0,
                         "%s: %s: %s", p->name, o->name, e.what);
            tide_option_print(o, options, text, sizeof text);
            cr_expect(o->help != NULL && strlen(o->help) > 5, "%s: %s: no help", p->name, o->name);
        }
        if (p->tick_period != NULL)
            cr_expect_gt(p->tick_period(options), 0, "%s", p->name);
        free(options);
    }
}

Test(contract, victims_are_in_use_and_depend_on_nothing_but_calls_and_seed)
{
    FOR_EACH_POLICY(p)
    for (uint64_t trial = 0; trial < 50; trial++)
        cr_expect_eq(live(p, trial, 5), live(p, trial, 5), "%s, seed %d, trial %d", p->name, SEED,
                     (int)trial);
}

/* ... and where there is chance, the seed is what decides. */
Test(contract, only_policies_that_draw_depend_on_the_seed)
{
    static const char *const draw[] = {"random", "nru", "w-tinylfu", "lecar", "cacheus"};

    FOR_EACH_POLICY(p)
    {
        bool draws = false, differs = false;

        for (size_t i = 0; i < sizeof draw / sizeof *draw; i++)
            draws |= strcmp(p->name, draw[i]) == 0;
        for (uint64_t trial = 1; trial < 10; trial++)
            differs |= live(p, trial, 5) != live(p, trial, 6);
        cr_expect_eq(differs, draws, "%s", p->name);
    }
}

Test(contract, one_frame_is_enough)
{
    FOR_EACH_POLICY(p)
    {
        struct tide_rng r;
        struct rig g;

        tide_rng_init(&r, SEED, "one");
        rig_open(&g, p, 1, 1, 1);
        for (int i = 0; i < 100; i++) {
            load(&g, &r, 0);
            if (i % 3 == 0)
                touch(&g, &r, 0);
            if (i % 5 == 0 && p->tick != NULL)
                p->tick(g.state);
            if (i % 7 != 0)
                cr_expect_eq(victim(&g), 0, "%s", p->name);
            drop(&g, 0, i % 7 != 0 ? TIDE_REMOVE_EVICT : TIDE_REMOVE_UNMAP);
        }
        rig_close(&g);
    }
}

Test(contract, reasons_are_few_words_and_are_cut_to_the_buffer)
{
    FOR_EACH_POLICY(p)
    {
        struct tide_rng r;
        struct rig g;
        uint32_t frame;

        tide_rng_init(&r, SEED, "words");
        rig_open(&g, p, 4, 4, 1);
        for (uint32_t i = 0; i < 4; i++)
            load(&g, &r, i);
        frame = victim(&g);
        for (int what = 0; what < 2; what++) {
            void (*tell)(const void *, uint32_t, char *, size_t) = what ? p->why : p->describe;
            char full[200], cut[200];

            tell(g.state, frame, full, sizeof full);
            cr_expect(strlen(full) > 2 && strlen(full) < 50, "%s: '%s'", p->name, full);
            memset(cut, '#', sizeof cut);
            tell(g.state, frame, cut, 3);
            cr_expect(strncmp(cut, full, 2) == 0 && cut[2] == '\0' && cut[3] == '#', "%s", p->name);
        }
        rig_close(&g);
    }
}

/* Arrays of this many frames are too large for malloc's cache of freed blocks, which mallinfo2()
 * takes for blocks in use. */
enum { LARGE = 4096 };

Test(contract, init_without_memory_fails_and_leaves_nothing)
{
    FOR_EACH_POLICY(p)
    {
        int rc = TIDE_E_NOMEM;
        long nth;

        for (nth = 1; rc != 0; nth++) {
            struct tide_error e;
            struct rig g;
            size_t before;

            rig_prepare(&g, p, LARGE, LARGE, 1);
            before = mallinfo2().uordblks;
            tide_mem_fail_after(nth);
            rc = rig_init(&g, &e);
            tide_mem_fail_after(0);
            if (rc != 0) {
                cr_expect_eq(rc, TIDE_E_NOMEM, "%s, allocation %ld", p->name, nth);
                cr_expect_eq(mallinfo2().uordblks, before, "%s, allocation %ld: memory is lost",
                             p->name, nth);
            }
            rig_close(&g); /* fini after a failed init does no harm */
        }
        cr_expect_gt(nth, 2, "%s takes no memory", p->name);
    }
}

/* Memory that grows after init: the policy goes on, and says that it failed. */
Test(contract, policies_that_cannot_remember_say_so)
{
    static const struct {
        const char *policy, *option, *value;
    } growing[] = {{"lfu", "persist", "yes"}, {"lru-k", "k", "3"}, {"lirs", "hir", "2"}};

    for (size_t i = 0; i < sizeof growing / sizeof *growing; i++) {
        const struct tide_policy *p = tide_policy_find(growing[i].policy);
        struct tide_rng r;
        struct tide_error e;
        struct rig g;

        tide_rng_init(&r, SEED, "failed");
        rig_prepare(&g, p, 4, 4, 1);
        cr_assert_eq(tide_option_set(p->options, g.options, p->name, growing[i].option,
                                     growing[i].value, &e),
                     0);
        cr_assert_eq(rig_init(&g, &e), 0);
        for (uint32_t frame = 0; frame < 4; frame++)
            load(&g, &r, frame);
        cr_expect(!p->failed(g.state), "%s", p->name);
        tide_mem_fail_after(1);
        evict(&g);
        tide_mem_fail_after(0);
        cr_expect(p->failed(g.state), "%s", p->name);
        while (g.n > 0)
            evict(&g);
        load(&g, &r, 1);
        cr_expect_eq(victim(&g), 1, "%s", p->name);
        rig_close(&g);
    }
}

Test(contract, gclock_refuses_to_start_above_its_cap)
{
    const struct tide_policy *p = tide_policy_find("gclock");
    struct tide_error e;
    struct rig g;

    rig_prepare(&g, p, 2, 2, 1);
    cr_assert_eq(tide_option_set(p->options, g.options, "gclock", "initial", "4", &e), 0);
    cr_expect_eq(rig_init(&g, &e), TIDE_E_CONFIG);
    cr_expect_str_eq(e.what, "policy gclock: initial (4) is above cap (3)");
    rig_close(&g);
}
