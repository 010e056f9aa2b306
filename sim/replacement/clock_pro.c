/* CLOCK-Pro: LIRS (lirs.c) with reference bits: pages are hot or cold, and one clock has them all.
 *
 * The clock also holds cold pages that left memory while in their test period, which begins when a
 * page comes in (or is referenced when the last one is over) and ends when the hot hand passes.
 * A cold page referenced in its test period becomes hot. All enter at the head, behind the hot
 * hand. Three hands:
 *
 *   cold   looks at resident cold pages: not referenced, it is the victim; referenced, its bit is
 *          cleared, and in its test period it becomes hot, else it begins one at the head
 *   hot    runs when there are too many hot pages: clears bits of hot pages until it finds one not
 *          referenced, which becomes cold; ends test periods on its way, to the next hot page
 *   test   runs when more than n pages without a frame are remembered, ends the next test period
 *
 * Source: Jiang, Chen and Zhang, "CLOCK-Pro: an effective improvement of the CLOCK replacement",
 * USENIX ATC 2005, sections 4.2 and 4.3.
 * Differs: the paper leaves open that pages are hot as long as fewer are than there may be (as in
 * LIRS), that a page comes in with its bit clear, and how a test period starts again. `adaptive`:
 * the share of cold pages grows by one when a test period ends by a reference, shrinks by one when
 * it ends without; it starts at `cold` and stays from 1 to n - 1.
 */
#include <inttypes.h>
#include <stdio.h>

#include "replacement/ghosts.h"
#include "replacement/list.h"
#include "replacement/policy.h"

struct clock_pro_options {
    struct tide_amount cold;
    bool adaptive;
};

struct clock_pro {
    const struct tide_policy_env *env;
    /* the clock: a list without ends, of frames and, from frame_limit on, of ghost entries */
    struct tide_link *links;
    struct tide_ghosts ghosts;         /* found by page; their order there is of no use */
    uint8_t *marks;                    /* by frame: HOT, TEST */
    uint32_t hot, cold, test;          /* hands; NOWHERE when the clock is empty */
    uint32_t n_hot, n_cold;            /* pages in memory */
    uint32_t cold_share, cold_at_most; /* the latter: the share's upper bound */
    bool adaptive;
};

enum { HOT = 1, TEST = 2 };

#define NOWHERE UINT32_MAX

static const struct tide_option options_table[] = {
    {.name = "cold",
     .type = TIDE_OPT_AMOUNT,
     .offset = offsetof(struct clock_pro_options, cold),
     .def = "5%",
     .min = 1,
     .unit = "pages",
     .help = "frames for cold pages, at least 2 where there are more than 2"},
    {.name = "adaptive",
     .type = TIDE_OPT_BOOL,
     .offset = offsetof(struct clock_pro_options, adaptive),
     .def = "no",
     .help = "the number of frames for cold pages follows the test periods"},
    {.name = NULL},
};

static void fini(void *state)
{
    struct clock_pro *s = state;

    tide_ghosts_fini(&s->ghosts);
    free(s->links);
    free(s->marks);
    s->links = NULL;
    s->marks = NULL;
}

static int init(void *state, const struct tide_policy_env *env, const void *options,
                struct tide_error *e)
{
    const struct clock_pro_options *o = options;
    struct clock_pro *s = state;
    /* a fault leaves one more than n until its page is placed, reclaim in batches up to 2n */
    uint32_t n = env->capacity, ghosts = 2 * n;
    int rc;

    s->env = env;
    s->adaptive = o->adaptive;
    s->cold_at_most = n > 1 ? n - 1 : 1;
    s->cold_share = tide_policy_part(o->cold, n, 2, s->cold_at_most);
    s->hot = s->cold = s->test = NOWHERE;
    s->links = tide_calloc((size_t)env->frame_limit + TIDE_GHOST_LISTS + ghosts, sizeof *s->links);
    s->marks = tide_calloc(env->frame_limit, sizeof *s->marks);
    rc = s->links == NULL || s->marks == NULL ? tide_nomem(e)
                                              : tide_ghosts_init(&s->ghosts, ghosts, e);
    if (rc != 0)
        fini(s);
    return rc;
}

/* ---- the clock ---- */

static uint32_t node_of_ghost(const struct clock_pro *s, uint32_t entry)
{
    return s->env->frame_limit + entry;
}

static bool is_ghost(const struct clock_pro *s, uint32_t node)
{
    return node >= s->env->frame_limit;
}

static uint32_t next(const struct clock_pro *s, uint32_t node)
{
    return s->links[node].next;
}

static void link_before(struct clock_pro *s, uint32_t at, uint32_t node)
{
    uint32_t before = s->links[at].prev;

    s->links[node] = (struct tide_link){.prev = before, .next = at};
    s->links[before].next = node;
    s->links[at].prev = node;
}

/* At the head of the list: behind the hot hand. */
static void insert(struct clock_pro *s, uint32_t node)
{
    if (s->hot != NOWHERE) {
        link_before(s, s->hot, node);
        return;
    }
    s->links[node] = (struct tide_link){.prev = node, .next = node};
    s->hot = s->cold = s->test = node;
}

/* Hands that stand there go on. */
static void take_out(struct clock_pro *s, uint32_t node)
{
    struct tide_link link = s->links[node];
    uint32_t after = link.next != node ? link.next : NOWHERE;

    s->hot = s->hot == node ? after : s->hot;
    s->cold = s->cold == node ? after : s->cold;
    s->test = s->test == node ? after : s->test;
    s->links[link.prev].next = link.next;
    s->links[link.next].prev = link.prev;
}

/* The page in a frame that will be taken out keeps its place, and the hands that are there. */
static void leave_ghost(struct clock_pro *s, uint32_t frame)
{
    uint32_t ghost = node_of_ghost(s, tide_ghosts_add(&s->ghosts, 0, s->env->pages[frame]));

    link_before(s, frame, ghost);
    s->hot = s->hot == frame ? ghost : s->hot;
    s->cold = s->cold == frame ? ghost : s->cold;
    s->test = s->test == frame ? ghost : s->test;
}

static void remove_ghost(struct clock_pro *s, uint32_t entry)
{
    take_out(s, node_of_ghost(s, entry));
    tide_ghosts_remove(&s->ghosts, entry);
}

/* ---- hands ---- */

static bool referenced(const struct clock_pro *s, uint32_t frame)
{
    return (s->env->bits[frame] & TIDE_FRAME_REFERENCED) != 0;
}

static void test_ended(struct clock_pro *s, bool by_reference)
{
    if (s->adaptive && by_reference && s->cold_share < s->cold_at_most)
        s->cold_share++;
    else if (s->adaptive && !by_reference && s->cold_share > 1)
        s->cold_share--;
}

/* A hand passes a cold page that may be in its test period, and ends that. */
static void end_test(struct clock_pro *s, uint32_t node)
{
    if (is_ghost(s, node)) {
        test_ended(s, false);
        remove_ghost(s, node - s->env->frame_limit);
    } else if ((s->marks[node] & TEST) != 0) {
        s->marks[node] = 0;
        test_ended(s, referenced(s, node));
    }
}

/* To the next hot page. There must be one. */
static void hot_hand_to_hot_page(struct clock_pro *s)
{
    while (is_ghost(s, s->hot) || (s->marks[s->hot] & HOT) == 0) {
        uint32_t node = s->hot;

        s->hot = next(s, node);
        end_test(s, node);
    }
}

/* One hot page, there must be one, becomes cold. */
static void run_hot_hand(struct clock_pro *s)
{
    for (;;) {
        uint32_t frame;

        hot_hand_to_hot_page(s);
        frame = s->hot;
        s->hot = next(s, frame);
        if (!referenced(s, frame)) {
            s->marks[frame] = 0;
            s->n_hot--;
            s->n_cold++;
            break;
        }
        tide_policy_clear(s->env, frame);
    }
    if (s->n_hot > 0)
        hot_hand_to_hot_page(s);
}

static void limit_hot(struct clock_pro *s)
{
    while (s->n_hot > 0 && s->n_hot > s->env->capacity - s->cold_share)
        run_hot_hand(s);
}

static void run_test_hand(struct clock_pro *s)
{
    uint32_t node;

    while (!is_ghost(s, s->test) && (s->marks[s->test] & TEST) == 0)
        s->test = next(s, s->test);
    node = s->test;
    s->test = next(s, node);
    end_test(s, node);
}

/* A page comes to the head as a hot one; it is not in the clock. */
static void insert_hot(struct clock_pro *s, uint32_t frame)
{
    insert(s, frame);
    s->marks[frame] = HOT;
    s->n_hot++;
    limit_hot(s);
}

static void load(void *state, uint32_t frame, uint64_t next_use)
{
    struct clock_pro *s = state;
    uint32_t ghost = tide_ghosts_find(&s->ghosts, s->env->pages[frame]);

    (void)next_use;
    tide_policy_clear(s->env, frame);
    if (ghost != TIDE_GHOST_NONE) {
        remove_ghost(s, ghost);
        test_ended(s, true);
        insert_hot(s, frame);
    } else if (s->n_hot < s->env->capacity - s->cold_share) {
        insert_hot(s, frame);
    } else {
        insert(s, frame);
        s->marks[frame] = TEST;
        s->n_cold++;
    }
    while (s->ghosts.n[0] > s->env->capacity)
        run_test_hand(s);
}

static uint32_t victim(void *state)
{
    struct clock_pro *s = state;

    for (;;) {
        uint32_t frame;

        if (s->n_cold == 0)
            run_hot_hand(s);
        while (is_ghost(s, s->cold) || (s->marks[s->cold] & HOT) != 0)
            s->cold = next(s, s->cold);
        frame = s->cold;
        if (!referenced(s, frame))
            return frame;
        tide_policy_clear(s->env, frame);
        take_out(s, frame);
        if ((s->marks[frame] & TEST) != 0) {
            s->n_cold--;
            test_ended(s, true);
            insert_hot(s, frame);
        } else {
            s->marks[frame] = TEST;
            insert(s, frame);
        }
    }
}

static void drop(void *state, uint32_t frame, enum tide_remove_reason why)
{
    struct clock_pro *s = state;

    if (why == TIDE_REMOVE_EVICT && (s->marks[frame] & TEST) != 0)
        leave_ghost(s, frame);
    take_out(s, frame);
    if ((s->marks[frame] & HOT) != 0)
        s->n_hot--;
    else
        s->n_cold--;
}

static void forget(void *state, tide_page page)
{
    struct clock_pro *s = state;
    uint32_t ghost = tide_ghosts_find(&s->ghosts, page);

    if (ghost != TIDE_GHOST_NONE)
        remove_ghost(s, ghost);
}

static void describe(const void *state, uint32_t frame, char *buf, size_t n)
{
    const struct clock_pro *s = state;

    snprintf(buf, n, "%s%s R=%d", (s->marks[frame] & HOT) != 0 ? "hot" : "cold",
             (s->marks[frame] & TEST) != 0 ? " in test" : "", referenced(s, frame));
}

static void why(const void *state, uint32_t frame, char *buf, size_t n)
{
    (void)state;
    (void)frame;
    snprintf(buf, n, "first cold page from the hand with R=0");
}

const struct tide_policy tide_policy_clock_pro = {
    .name = "clock-pro",
    .summary = "LIRS by reference bits: hot and cold pages, and cold ones that left, in one clock",
    .source = "Jiang, Chen and Zhang 2005",
    .observes = TIDE_OBSERVES_BIT,
    .options = options_table,
    .options_bytes = sizeof(struct clock_pro_options),
    .state_bytes = sizeof(struct clock_pro),
    .init = init,
    .fini = fini,
    .load = load,
    .victim = victim,
    .remove = drop,
    .forget = forget,
    .why = why,
    .describe = describe,
};
