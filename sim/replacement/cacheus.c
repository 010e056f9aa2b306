/* CACHEUS: draws between a scan-resistant LRU and a churn-resistant LFU, and adapts how fast it
 * learns which to trust.
 *
 * SR-LRU parts the pages into S, for those referenced again, and Q, for new ones and those demoted
 * from S; each in order of recency, and the end of Q is its victim. Their sizes follow what faults
 * and hits tell: a hit on a demoted page of Q makes S longer, a fault on a new page that left too
 * early makes Q longer. CR-LFU's victim is the page with the lowest count, of equals the one used
 * last. As with LeCaR, each of the two has a weight, and a history of the pages it evicted; a fault
 * on such a page multiplies the weight by exp(-rate).
 *
 * The rate changes every `frames` references: further the way that went with more hits last time,
 * back otherwise; by chance, and after ten bad periods back to its start, where nothing is learned.
 *
 * Source: Rodriguez et al., "Learning cache replacement with CACHEUS", USENIX FAST 2021, pp.
 * 341-354; the authors' program, github.com/sylab/cacheus, code/algs/cacheus.py, followed where the
 * two differ or the paper is silent (a returning page keeps its count as it was; hit rates and
 * rates are compared to 3 decimals).
 * Differs: draws come from our generator; histories hold at least one page; halves round up; with
 * one frame S stays empty. When Q is empty (pages were unmapped), S's oldest stands for its victim.
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

struct cacheus_options {
    double initial_weight;
    struct tide_amount history, q;
};

enum expert { SR_LRU, CR_LFU, EXPERTS, BOTH = EXPERTS };
enum part { S, Q, PARTS };

/* Where the page of the last fault is to go. */
enum placement { TO_S, TO_Q, TO_Q_AS_NEW, TO_S_FROM_HISTORY };

struct cacheus {
    const struct tide_policy_env *env;
    struct tide_list parts[PARTS]; /* of frames, least recent first */
    uint32_t n[PARTS];
    uint64_t limits[PARTS];
    struct tide_heap heap; /* major: count, minor: ~order of last use; stale until needed */
    struct page {
        struct tide_heap_key use; /* what the key should be */
        enum part part;
        bool demoted, is_new;
    } * pages;                 /* by frame */
    uint64_t clock;            /* loads and touches so far */
    struct tide_ghosts ghosts; /* a list for each expert */
    struct memory {
        uint64_t count;
        bool is_new;
    } * memories;     /* by ghost */
    uint32_t history; /* length of each list */
    uint64_t demoted; /* pages in Q that are */
    uint64_t early;   /* new pages in SR-LRU's history */
    double weights[EXPERTS];
    enum placement placement;
    uint64_t incoming_count;
    enum expert chose; /* the last victim */

    /* learning rate; hit and rate differences in thousandths */
    double rate, rate_now, rate_before, rate_reset;
    uint64_t period_end, hits;
    int64_t hits_before;
    unsigned idle, worse;
};

static const struct tide_option options_table[] = {
    {.name = "initial_weight",
     .type = TIDE_OPT_REAL,
     .offset = offsetof(struct cacheus_options, initial_weight),
     .def = "0.5",
     .max = 1,
     .help = "of SR-LRU, at the start"},
    {.name = "history",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct cacheus_options, history),
     .def = "50%",
     .min = 1,
     .unit = "pages",
     .help = "pages in each of the two histories"},
    {.name = "q",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct cacheus_options, q),
     .def = "1%",
     .min = 1,
     .unit = "pages",
     .help = "of SR-LRU's part for new pages, at the start"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct cacheus *s = state;

    for (int p = 0; p < PARTS; p++)
        tide_list_fini(&s->parts[p]);
    tide_ghosts_fini(&s->ghosts);
    tide_heap_fini(&s->heap);
    free(s->memories);
    free(s->pages);
    s->memories = NULL;
    s->pages = NULL;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* As the program rounds: to the nearest, halves up. */
static uint64_t rounded_share(struct tide_amount a, uint64_t whole)
{
    if (!a.is_share)
        return a.value;
    return (uint64_t)(((unsigned __int128)a.value * whole * 2 + TIDE_SHARE_WHOLE) /
                      (2 * (uint64_t)TIDE_SHARE_WHOLE));
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct cacheus_options *o = options;
    struct cacheus *s = state;
    uint64_t history = tide_amount_of(o->history, env->capacity);
    uint64_t q = least(rounded_share(o->q, env->capacity), env->capacity);
    int rc;

    if (history >= UINT32_MAX / 4)
        return tide_fail(e, TIDE_E_CONFIG, "policy cacheus: history of more than 2^30 pages");
    s->env = env;
    s->limits[Q] = q > 0 ? q : 1;
    s->limits[S] = env->capacity - s->limits[Q];
    s->weights[SR_LRU] = o->initial_weight;
    s->weights[CR_LFU] = 1 - o->initial_weight;
    /* sqrt(2 ln 2 / frames) */
    s->rate = tide_exp2(tide_log2(2 * TIDE_LN2 / env->capacity) / 2);
    s->rate_now = s->rate;
    s->rate_reset = s->rate < 0.001 ? 0.001 : s->rate > 1 ? 1 : s->rate;
    s->period_end = env->capacity;
    s->history = history > 0 ? (uint32_t)history : 1;
    s->pages = tide_calloc(env->frame_limit, sizeof *s->pages);
    s->memories = tide_calloc(2 * (size_t)s->history + TIDE_GHOST_LISTS, sizeof *s->memories);
    rc = s->pages == NULL || s->memories == NULL ? tide_nomem(e) : 0;
    if (rc == 0)
        rc = tide_ghosts_init(&s->ghosts, 2 * s->history, e);
    if (rc == 0)
        rc = tide_heap_init(&s->heap, env->frame_limit, e);
    for (int i = 0; i < PARTS && rc == 0; i++)
        rc = tide_list_init(&s->parts[i], env->frame_limit, e);
    if (rc != 0)
        fini(s);
    return rc;
}

/* ---- learning rate ---- */

static int64_t thousandths(double x)
{
    return (int64_t)(x * 1000 + 0.5);
}

static void leap(struct cacheus *s)
{
    if (s->rate >= 1)
        s->rate = 0.9;
    else if (s->rate <= 0.001)
        s->rate = 0.005;
    else if (tide_rng_below(s->env->rng, 2) == 0)
        s->rate = s->rate * 1.25 < 1 ? s->rate * 1.25 : 1;
    else
        s->rate = s->rate * 0.75 > 0.001 ? s->rate * 0.75 : 0.001;
}

static void end_period(struct cacheus *s)
{
    uint64_t length = s->env->capacity;
    int64_t hits = (int64_t)((2000 * s->hits + length) / (2 * length));
    int64_t more_hits = hits - s->hits_before;
    int64_t rate_step = thousandths(s->rate_now) - thousandths(s->rate_before);
    double step = s->rate * (double)(rate_step < 0 ? -rate_step : rate_step) / 1000;

    if (rate_step * more_hits > 0) {
        s->rate = s->rate + step < 1 ? s->rate + step : 1;
        s->idle = s->worse = 0;
    } else if (rate_step * more_hits < 0) {
        s->rate = s->rate - step > 0.001 ? s->rate - step : 0.001;
        s->idle = s->worse = 0;
    } else if (more_hits < 0 || hits == 0) {
        s->idle++;
        s->worse += more_hits < 0;
        if (s->idle >= 10) {
            s->rate = s->rate_reset;
            s->idle = 0;
        } else if (more_hits < 0 && s->worse >= 10) {
            s->rate = s->rate_reset;
            s->worse = 0;
        } else if (more_hits < 0) {
            leap(s);
        }
    }
    s->rate_before = s->rate_now;
    s->rate_now = s->rate;
    s->hits_before = hits;
    s->hits = 0;
}

/* Comes to the reference at `now`: a period ends before the reference that completes it. */
static void come_to(struct cacheus *s, uint64_t now)
{
    while (s->period_end <= now) {
        end_period(s);
        s->period_end += s->env->capacity;
    }
}

/* n hits in a row, the last at the present. */
static void count_hits(struct cacheus *s, uint64_t n)
{
    uint64_t now = *s->env->now;

    while (now >= s->period_end) {
        uint64_t after = now - s->period_end + 1; /* those of the next period on */

        if (n > after) {
            s->hits += n - after;
            n = after;
        }
        come_to(s, s->period_end);
    }
    s->hits += n;
}

/* ---- SR-LRU ---- */

static void put(struct cacheus *s, enum part part, uint32_t frame)
{
    s->pages[frame].part = part;
    tide_list_append(&s->parts[part], frame);
    s->n[part]++;
}

static void take(struct cacheus *s, uint32_t frame)
{
    tide_list_remove(&s->parts[s->pages[frame].part], frame);
    s->n[s->pages[frame].part]--;
}

static void demote_oldest(struct cacheus *s)
{
    uint32_t frame = tide_list_first(&s->parts[S]);

    take(s, frame);
    put(s, Q, frame);
    s->pages[frame].demoted = true;
    s->demoted++;
}

static void limit_s(struct cacheus *s)
{
    while (s->n[S] > 0 && s->n[S] >= s->limits[S])
        demote_oldest(s);
}

static void no_longer_demoted(struct cacheus *s, uint32_t frame)
{
    s->demoted -= s->pages[frame].demoted;
    s->pages[frame].demoted = false;
}

/* `part` grows at the other's cost, by more / fewer, at least 1. */
static void lengthen(struct cacheus *s, enum part part, uint64_t more, uint64_t fewer)
{
    uint64_t step;

    if (fewer == 0)
        fewer = 1;
    step = (2 * more + fewer) / (2 * fewer);
    s->limits[part] = least(s->env->capacity - 1, s->limits[part] + (step > 0 ? step : 1));
    s->limits[1 - part] = s->env->capacity - s->limits[part];
}

/* ---- hooks ---- */

static void regret(struct cacheus *s, unsigned who)
{
    double *w = s->weights, sum;

    w[who] *= tide_exp(-s->rate);
    sum = w[SR_LRU] + w[CR_LFU];
    w[SR_LRU] /= sum;
    w[CR_LFU] /= sum;
    for (int i = 0; i < EXPERTS; i++)
        if (w[i] >= 0.99) {
            w[i] = 0.99;
            w[1 - i] = 0.01;
        }
}

static void forget_ghost(struct cacheus *s, uint32_t ghost)
{
    s->early -= s->ghosts.entries[ghost].list == SR_LRU && s->memories[ghost].is_new;
    tide_ghosts_remove(&s->ghosts, ghost);
}

static void recall(struct cacheus *s, uint32_t ghost)
{
    unsigned who = s->ghosts.entries[ghost].list;
    struct memory m = s->memories[ghost];

    forget_ghost(s, ghost);
    s->incoming_count = m.count;
    if (who == SR_LRU && m.is_new)
        lengthen(s, Q, s->demoted, s->early);
    regret(s, who);
}

static void fault(void *state, tide_page page)
{
    struct cacheus *s = state;
    uint32_t ghost = tide_ghosts_find(&s->ghosts, page);

    come_to(s, *s->env->now);
    s->incoming_count = 1;
    s->placement = TO_Q_AS_NEW;
    if (ghost != TIDE_GHOST_NONE) {
        recall(s, ghost);
        s->placement = TO_S_FROM_HISTORY;
    } else if (s->n[S] < s->limits[S] && s->n[Q] == 0) {
        s->placement = TO_S;
    } else if (s->n[S] + s->n[Q] < s->env->capacity && s->n[Q] < s->limits[Q]) {
        s->placement = TO_Q;
    }
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct cacheus *s = state;
    bool to_q = s->placement == TO_Q || s->placement == TO_Q_AS_NEW;

    (void)next_use;
    s->pages[frame] = (struct page){.use = {.major = s->incoming_count, .minor = ~++s->clock},
                                    .is_new = s->placement == TO_Q_AS_NEW};
    put(s, to_q ? Q : S, frame);
    tide_heap_insert(&s->heap, frame, s->pages[frame].use);
    if (s->placement == TO_Q_AS_NEW || s->placement == TO_S_FROM_HISTORY)
        limit_s(s);
}

static void prefetch(const void *state, uint32_t frame)
{
    const struct cacheus *s = state;

    __builtin_prefetch(&s->pages[frame], 1);
    tide_list_prefetch(&s->parts[0], frame);
}

static void touch(void *state, uint32_t frame, uint64_t n, uint64_t next_use)
{
    struct cacheus *s = state;
    struct page *page = &s->pages[frame];

    (void)next_use;
    count_hits(s, n);
    page->use.major += n;
    page->use.minor = ~++s->clock;
    if (page->part == S) {
        tide_list_move_last(&s->parts[S], frame);
        return;
    }
    if (page->demoted)
        lengthen(s, S, s->early, s->demoted);
    no_longer_demoted(s, frame);
    take(s, frame);
    if (s->n[S] > 0 && s->n[S] >= s->limits[S])
        demote_oldest(s);
    put(s, S, frame);
}

static uint32_t least_frequent(struct cacheus *s)
{
    for (;;) {
        uint32_t frame = tide_heap_top(&s->heap);

        if (tide_heap_key_of(&s->heap, frame).minor == s->pages[frame].use.minor)
            return frame;
        tide_heap_rekey(&s->heap, frame, s->pages[frame].use);
    }
}

static uint32_t victim(void *state)
{
    struct cacheus *s = state;
    uint32_t lru = tide_list_first(&s->parts[s->n[Q] > 0 ? Q : S]), lfu = least_frequent(s);
    bool trust_lru = tide_real_draw(s->env->rng) < s->weights[SR_LRU];

    s->chose = lru == lfu ? BOTH : trust_lru ? SR_LRU : CR_LFU;
    return s->chose == CR_LFU ? lfu : lru;
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct cacheus *s = state;
    const struct page *page = &s->pages[frame];

    no_longer_demoted(s, frame);
    take(s, frame);
    tide_heap_remove(&s->heap, frame);
    if (why != TIDE_REMOVE_EVICT || s->chose == BOTH)
        return;
    if (s->ghosts.n[s->chose] == s->history)
        forget_ghost(s, tide_ghosts_oldest(&s->ghosts, s->chose));
    s->early += s->chose == SR_LRU && page->is_new;
    s->memories[tide_ghosts_add(&s->ghosts, s->chose, s->env->pages[frame])] =
        (struct memory){.count = page->use.major, .is_new = page->is_new};
}

static void forget(void *state, tide_page page)
{
    struct cacheus *s = state;
    uint32_t ghost = tide_ghosts_find(&s->ghosts, page);

    if (ghost != TIDE_GHOST_NONE)
        forget_ghost(s, ghost);
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    static const char *const reasons[] = {[SR_LRU] = "oldest of Q (SR-LRU)",
                                          [CR_LFU] = "lowest count, latest used (CR-LFU)",
                                          [BOTH] = "both SR-LRU and CR-LFU choose it"};
    const struct cacheus *s = state;

    (void)frame;
    snprintf(buf, n, "%s", reasons[s->chose]);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct cacheus *s = state;
    const struct page *page = &s->pages[frame];

    snprintf(buf, n, "%s, count %" PRIu64 "%s", page->part == S ? "S" : "Q", page->use.major,
             page->demoted  ? ", demoted"
             : page->is_new ? ", new"
                            : "");
}

const struct tide_policy tide_policy_cacheus = {
    .name = "cacheus",
    .summary = "scan-resistant LRU or churn-resistant LFU, by chance, with learned weights",
    .source = "Rodriguez et al. 2021",
    .observes = TIDE_OBSERVES_EACH,
    .options = options_table,
    .options_bytes = sizeof(struct cacheus_options),
    .state_bytes = sizeof(struct cacheus),
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
