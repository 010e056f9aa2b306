/* Plain models of lrfu, lecar, cacheus, wsclock, freebsd and mglru: see plain_policies.h. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plain_rules.h"

static double real(const char *settings, const char *name, double def)
{
    const char *at = strstr(settings, name);

    return at != NULL ? strtod(at + strlen(name), NULL) : def;
}

static struct plain_page *resident(struct plain *p, tide_page page)
{
    size_t i = plain_find(p, page);

    assert(i < p->n);
    return &p->list[i];
}

static void leave_list(struct plain_list *l, tide_page page)
{
    size_t i = 0;

    while (i < l->n && l->pages[i].v != page.v)
        i++;
    assert(i < l->n);
    l->n--;
    memmove(l->pages + i, l->pages + i + 1, (l->n - i) * sizeof *l->pages);
}

static void join_list(struct plain_list *l, tide_page page)
{
    assert(l->n < PLAIN_PAGES);
    l->pages[l->n++] = page;
}

static bool on_list(const struct plain_list *l, tide_page page)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->pages[i].v == page.v)
            return true;
    return false;
}

/* ---- lrfu: the definition, all references since the page came added up ---- */

static void lrfu_open(struct plain *p, const char *settings)
{
    p->lambda = real(settings, "lambda=", 0.001);
}

static void lrfu_reference(struct plain *p, struct plain_page *page)
{
    assert(p->n_visits < PLAIN_VISITS);
    p->visits[p->n_visits++] = (struct plain_visit){.page = page->page, .time = p->now};
}

static void lrfu_load(struct plain *p, struct plain_page *page)
{
    page->since = p->now;
    lrfu_reference(p, page);
}

static long double crf(const struct plain *p, const struct plain_page *page)
{
    long double sum = 0;

    for (size_t i = 0; i < p->n_visits; i++)
        if (p->visits[i].page.v == page->page.v && p->visits[i].time >= page->since)
            sum += powl(0.5L, p->lambda * (long double)(p->now - p->visits[i].time));
    return sum;
}

/* Sums of so many terms are off by some 10^-17 of themselves: what is closer than 10^-14 counts as
 * equal, and the page used least recently leaves. */
static size_t least_crf(struct plain *p)
{
    size_t best = 0;
    long double least = crf(p, &p->list[0]);

    for (size_t i = 1; i < p->n; i++) {
        long double x = crf(p, &p->list[i]);
        bool equal = fabsl(x - least) <= 1e-14L * least;

        if (equal ? p->list[i].last < p->list[best].last : x < least) {
            best = i;
            least = x;
        }
    }
    return best;
}

/* ---- lecar and cacheus: histories and weights ---- */

static void learner_open(struct plain *p, const char *settings)
{
    size_t history = p->frames * plain_number(settings, "history=", 50) / 100;

    p->weights[0] = p->weights[1] = 0.5;
    p->sizes[2] = history > 0 ? history : 1;
}

static void forget_ghost(struct plain *p, int who, size_t i)
{
    struct plain_ghost *ghosts = p->ghosts[who];

    p->n_ghosts[who]--;
    memmove(ghosts + i, ghosts + i + 1, (p->n_ghosts[who] - i) * sizeof *ghosts);
}

/* Takes the page out of the history that has it; whose it was, or -1. */
static int recall(struct plain *p, tide_page page, struct plain_ghost *ghost)
{
    for (int who = 0; who < 2; who++)
        for (size_t i = 0; i < p->n_ghosts[who]; i++)
            if (p->ghosts[who][i].page.v == page.v) {
                *ghost = p->ghosts[who][i];
                forget_ghost(p, who, i);
                return who;
            }
    return -1;
}

static void learner_forget(struct plain *p, tide_page page)
{
    struct plain_ghost ghost;

    recall(p, page, &ghost);
}

static void regret(struct plain *p, int who, double size)
{
    double sum;

    p->weights[who] *= exp(-size);
    sum = p->weights[0] + p->weights[1];
    for (int i = 0; i < 2; i++)
        p->weights[i] /= sum;
    for (int i = 0; i < 2; i++)
        if (p->weights[i] >= 0.99) {
            p->weights[i] = 0.99;
            p->weights[1 - i] = 0.01;
            return;
        }
}

static void remember(struct plain *p, const struct plain_page *page)
{
    int who = p->chose;

    if (p->n_ghosts[who] == p->sizes[2])
        forget_ghost(p, who, 0);
    p->ghosts[who][p->n_ghosts[who]++] = (struct plain_ghost){
        .page = page->page, .count = page->count, .time = p->now, .is_new = page->is_new};
}

/* The victim: that of 0 or of 1, by the weight of 0. */
static size_t choose(struct plain *p, size_t of_0, size_t of_1)
{
    bool first = (double)(tide_rng_next(&p->rng) >> 11) / 9007199254740992.0 < p->weights[0];

    p->chose = of_0 == of_1 ? -1 : first ? 0 : 1;
    return p->chose == 1 ? of_1 : of_0;
}

/* ---- lecar ---- */

static void lecar_open(struct plain *p, const char *settings)
{
    learner_open(p, settings);
    p->rate = real(settings, "learning_rate=", 0.45);
    p->discount = real(settings, "discount=", 0.005);
}

static void lecar_fault(struct plain *p, tide_page page)
{
    struct plain_ghost ghost = {.count = 0};
    int who = recall(p, page, &ghost);

    p->incoming_count = ghost.count + 1;
    if (who >= 0)
        regret(p, who,
               p->rate * pow(p->discount, (double)(p->now - ghost.time) / (double)p->frames));
}

static void learner_load(struct plain *p, struct plain_page *page)
{
    page->count = p->incoming_count;
}

static void learner_reference(struct plain *p, struct plain_page *page)
{
    (void)p;
    page->count++;
}

static size_t lecar_victim(struct plain *p)
{
    size_t lru = 0, lfu = 0;

    for (size_t i = 1; i < p->n; i++) {
        const struct plain_page *a = &p->list[i], *b = &p->list[lfu];

        if (a->last < p->list[lru].last)
            lru = i;
        if (a->count < b->count || (a->count == b->count && a->page.v < b->page.v))
            lfu = i;
    }
    return choose(p, lru, lfu);
}

static void lecar_gone(struct plain *p, const struct plain_page *page, bool evicted)
{
    if (evicted && p->chose >= 0)
        remember(p, page);
}

/* ---- cacheus: as the authors' program goes about it ---- */

enum { S, Q }; /* p->lists[], p->sizes[] */

static void cacheus_open(struct plain *p, const char *settings)
{
    double q = (double)plain_number(settings, "q=", 1) / 100;

    learner_open(p, settings);
    p->sizes[Q] = (size_t)(q * (double)p->frames + 0.5);
    if (p->sizes[Q] == 0)
        p->sizes[Q] = 1;
    p->sizes[S] = p->frames - p->sizes[Q];
    p->rate = sqrt(2 * log(2) / (double)p->frames);
    p->rate_reset = fmin(fmax(p->rate, 0.001), 1);
    p->rate_now = p->rate;
}

static double to_3_places(double x)
{
    return round(x * 1000) / 1000;
}

static void leap(struct plain *p)
{
    if (p->rate >= 1)
        p->rate = 0.9;
    else if (p->rate <= 0.001)
        p->rate = 0.005;
    else if (tide_rng_below(&p->rng, 2) == 0)
        p->rate = fmin(p->rate * 1.25, 1);
    else
        p->rate = fmax(p->rate * 0.75, 0.001);
}

static void cacheus_learn(struct plain *p)
{
    double hit_ratio, gained, step;

    if (p->now % p->frames != 0)
        return;
    hit_ratio = to_3_places((double)p->hits / (double)p->frames);
    gained = to_3_places(hit_ratio - p->hit_ratio_before);
    step = to_3_places(to_3_places(p->rate_now) - to_3_places(p->rate_before));
    if (step * gained > 0) {
        p->rate = fmin(p->rate + fabs(p->rate * step), 1);
        p->worse = p->idle = 0;
    } else if (step * gained < 0) {
        p->rate = fmax(p->rate - fabs(p->rate * step), 0.001);
        p->worse = p->idle = 0;
    } else if (gained <= 0) {
        if (hit_ratio <= 0 && gained == 0)
            p->idle++;
        if (gained < 0) {
            p->worse++;
            p->idle++;
        }
        if (p->idle >= 10) {
            p->rate = p->rate_reset;
            p->idle = 0;
        } else if (gained < 0) {
            if (p->worse >= 10) {
                p->rate = p->rate_reset;
                p->worse = 0;
            } else {
                leap(p);
            }
        }
    }
    p->rate_before = p->rate_now;
    p->rate_now = p->rate;
    p->hit_ratio_before = hit_ratio;
    p->hits = 0;
}

static size_t demoted(const struct plain *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        n += p->list[i].demoted;
    return n;
}

/* New pages that SR-LRU evicted too early, for all that is known. */
static size_t early(const struct plain *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_ghosts[0]; i++)
        n += p->ghosts[0][i].is_new;
    return n;
}

static void lengthen(struct plain *p, int part, size_t more, size_t fewer)
{
    double step = floor((double)more / fmax(1, (double)fewer) + 0.5);

    p->sizes[part] += (size_t)fmax(1, step);
    if (p->sizes[part] > p->frames - 1)
        p->sizes[part] = p->frames - 1;
    p->sizes[1 - part] = p->frames - p->sizes[part];
}

static void demote(struct plain *p)
{
    tide_page oldest = p->lists[S].pages[0];

    leave_list(&p->lists[S], oldest);
    join_list(&p->lists[Q], oldest);
    resident(p, oldest)->demoted = true;
}

static void cacheus_fault(struct plain *p, tide_page page)
{
    struct plain_ghost ghost;
    int who;

    cacheus_learn(p);
    who = recall(p, page, &ghost);
    p->incoming_count = who >= 0 ? ghost.count : 1;
    p->returns = who >= 0;
    if (who == 0 && ghost.is_new)
        lengthen(p, Q, demoted(p), early(p));
    if (who >= 0)
        regret(p, who, p->rate);
    p->to_s = who >= 0 || (p->lists[S].n < p->sizes[S] && p->lists[Q].n == 0);
    p->fills = !p->to_s && p->n < p->frames && p->lists[Q].n < p->sizes[Q];
}

static void cacheus_load(struct plain *p, struct plain_page *page)
{
    page->count = p->incoming_count;
    page->is_new = !p->to_s && !p->fills;
    join_list(&p->lists[p->to_s ? S : Q], page->page);
    if (p->returns || page->is_new)
        while (p->lists[S].n > 0 && p->lists[S].n >= p->sizes[S])
            demote(p);
}

static void cacheus_reference(struct plain *p, struct plain_page *page)
{
    cacheus_learn(p);
    p->hits++;
    page->count++;
    if (on_list(&p->lists[S], page->page)) {
        leave_list(&p->lists[S], page->page);
    } else {
        if (page->demoted)
            lengthen(p, S, early(p), demoted(p));
        page->demoted = false;
        leave_list(&p->lists[Q], page->page);
        if (p->lists[S].n > 0 && p->lists[S].n >= p->sizes[S])
            demote(p);
    }
    join_list(&p->lists[S], page->page);
}

static size_t cacheus_victim(struct plain *p)
{
    size_t lfu = 0;
    const struct plain_list *from = &p->lists[p->lists[Q].n > 0 ? Q : S];

    for (size_t i = 1; i < p->n; i++) {
        const struct plain_page *a = &p->list[i], *b = &p->list[lfu];

        if (a->count < b->count || (a->count == b->count && a->last > b->last))
            lfu = i;
    }
    return choose(p, plain_find(p, from->pages[0]), lfu);
}

static void cacheus_gone(struct plain *p, const struct plain_page *page, bool evicted)
{
    leave_list(&p->lists[on_list(&p->lists[S], page->page) ? S : Q], page->page);
    if (evicted && p->chose >= 0)
        remember(p, page);
}

/* ---- wsclock: the hand is at list[0] ---- */

static void wsclock_open(struct plain *p, const char *settings)
{
    p->tau = plain_number(settings, "tau=", 10000);
    p->clean_first = strstr(settings, "clean_first=no") == NULL;
}

static void wsclock_load(struct plain *p, struct plain_page *page)
{
    page->since = p->now;
}

static void go_on(struct plain *p)
{
    struct plain_page first = p->list[0];

    memmove(p->list, p->list + 1, (p->n - 1) * sizeof *p->list);
    p->list[p->n - 1] = first;
}

static size_t wsclock_victim(struct plain *p)
{
    tide_page written = TIDE_PAGE_NONE;

    for (size_t turn = 0; turn < p->n; turn++, go_on(p)) {
        struct plain_page *page = &p->list[0];

        if (page->r) {
            page->r = false;
            page->since = p->now;
        } else if (p->now - page->since >= p->tau) {
            if (!page->m || !p->clean_first)
                return 0;
            if (written.v == TIDE_PAGE_NONE.v)
                written = page->page;
        }
    }
    while (written.v != TIDE_PAGE_NONE.v && p->list[0].page.v != written.v)
        go_on(p);
    return 0;
}

/* ---- freebsd ---- */

enum { ACTIVE, INACTIVE }; /* p->lists[], the head first */

static void freebsd_open(struct plain *p, const char *settings)
{
    p->initial = plain_number(settings, "init=", 5);
    p->advance = plain_number(settings, "advance=", 3);
    p->decline = plain_number(settings, "decline=", 1);
    p->cap = plain_number(settings, "max=", 64);
    p->sizes[INACTIVE] = p->frames * plain_number(settings, "inactive=", 25) / 100;
}

static void add_activity(struct plain *p, struct plain_page *page, uint64_t more)
{
    page->count += more;
    if (page->count > p->cap)
        page->count = p->cap;
}

static void freebsd_load(struct plain *p, struct plain_page *page)
{
    add_activity(p, page, p->initial);
    join_list(&p->lists[ACTIVE], page->page);
}

static void move(struct plain *p, tide_page page, int to)
{
    leave_list(&p->lists[on_list(&p->lists[ACTIVE], page) ? ACTIVE : INACTIVE], page);
    join_list(&p->lists[to], page);
}

static void freebsd_gone(struct plain *p, const struct plain_page *page, bool evicted)
{
    (void)evicted;
    leave_list(&p->lists[on_list(&p->lists[ACTIVE], page->page) ? ACTIVE : INACTIVE], page->page);
}

static tide_page look_at_inactive(struct plain *p, bool first_look)
{
    for (size_t left = p->lists[INACTIVE].n; left > 0; left--) {
        struct plain_page *page = resident(p, p->lists[INACTIVE].pages[0]);

        if (page->r) {
            page->r = false;
            page->spared = false;
            page->count = 0;
            add_activity(p, page, p->initial + p->advance + 1);
            move(p, page->page, ACTIVE);
        } else if (page->m && !page->spared && first_look) {
            page->spared = true;
            move(p, page->page, INACTIVE);
        } else {
            return page->page;
        }
    }
    return TIDE_PAGE_NONE;
}

static void look_at_active(struct plain *p, size_t goal)
{
    for (size_t left = p->lists[ACTIVE].n; left > 0 && p->lists[INACTIVE].n < goal; left--) {
        struct plain_page *page = resident(p, p->lists[ACTIVE].pages[0]);

        if (page->r)
            add_activity(p, page, p->advance + 1);
        else
            page->count -= page->count < p->decline ? page->count : p->decline;
        move(p, page->page, !page->r && page->count == 0 ? INACTIVE : ACTIVE);
        page->r = false;
    }
}

static size_t freebsd_victim(struct plain *p)
{
    for (bool first_look = true;; first_look = false) {
        tide_page victim = look_at_inactive(p, first_look);

        look_at_active(p, p->sizes[INACTIVE] + 1); /* the victim, or the one still wanted */
        if (victim.v != TIDE_PAGE_NONE.v)
            return plain_find(p, victim);
    }
}

/* ---- mglru: a page belongs to one generation and stands in another until it is met there ---- */

static void mglru_open(struct plain *p, const char *settings)
{
    p->look_around = plain_number(settings, "look_around=", 64);
    p->youngest = 3;
}

static void stand(struct plain *p, struct plain_page *page, uint64_t generation)
{
    page->stands = generation;
    page->arrived = ++p->arrivals;
}

static void mglru_load(struct plain *p, struct plain_page *page)
{
    page->belongs = p->youngest;
    stand(p, page, p->youngest);
}

static void promote(struct plain *p, struct plain_page *page)
{
    page->r = false;
    page->belongs = p->youngest;
}

/* Of those that stand there the one that came first, or n. */
static size_t first_of(const struct plain *p, uint64_t generation)
{
    size_t first = p->n;

    for (size_t i = 0; i < p->n; i++)
        if (p->list[i].stands == generation &&
            (first == p->n || p->list[i].arrived < p->list[first].arrived))
            first = i;
    return first;
}

static bool should_age(const struct plain *p)
{
    size_t young = 0, old = 0;

    for (size_t i = 0; i < p->n; i++) {
        young += p->list[i].belongs == p->youngest;
        old += p->list[i].belongs == p->oldest;
    }
    switch (p->youngest - p->oldest + 1) {
    case 2:
        return true;
    case 3:
        return 2 * young > p->n || 4 * old < p->n;
    default:
        return false;
    }
}

static void skip_empty(struct plain *p)
{
    while (p->youngest - p->oldest + 1 > 2 && first_of(p, p->oldest) == p->n)
        p->oldest++;
}

static void look_around(struct plain *p, tide_page page)
{
    int64_t size = (int64_t)p->look_around, at = (int64_t)(page.v % 512);
    int64_t from = at - size / 2;

    if (from + size > 512)
        from = 512 - size;
    if (from < 0)
        from = 0;
    for (size_t i = 0; i < p->n; i++) {
        int64_t other = (int64_t)(p->list[i].page.v % 512);

        if (p->list[i].page.v / 512 == page.v / 512 && other >= from && other < from + size &&
            p->list[i].r)
            promote(p, &p->list[i]);
    }
}

static size_t mglru_victim(struct plain *p)
{
    bool aged = false;

    for (;;) {
        size_t i;

        skip_empty(p);
        if (should_age(p) && (!aged || p->youngest - p->oldest + 1 == 2)) {
            for (i = 0; i < p->n; i++)
                if (p->list[i].r)
                    promote(p, &p->list[i]);
            p->youngest++;
            skip_empty(p);
            aged = true;
        }
        while ((i = first_of(p, p->oldest)) < p->n) {
            if (p->list[i].belongs == p->oldest && p->list[i].r) {
                promote(p, &p->list[i]);
                look_around(p, p->list[i].page);
            }
            if (p->list[i].belongs == p->oldest)
                return i;
            stand(p, &p->list[i], p->list[i].belongs);
        }
    }
}

const struct plain_rules plain_rules_3[] = {
    {.name = "lrfu",
     .open = lrfu_open,
     .victim = least_crf,
     .load = lrfu_load,
     .reference = lrfu_reference},
    {.name = "lecar",
     .open = lecar_open,
     .fault = lecar_fault,
     .victim = lecar_victim,
     .load = learner_load,
     .reference = learner_reference,
     .gone = lecar_gone,
     .forget = learner_forget},
    {.name = "cacheus",
     .open = cacheus_open,
     .fault = cacheus_fault,
     .victim = cacheus_victim,
     .load = cacheus_load,
     .reference = cacheus_reference,
     .gone = cacheus_gone,
     .forget = learner_forget},
    {.name = "wsclock", .open = wsclock_open, .victim = wsclock_victim, .load = wsclock_load},
    {.name = "freebsd",
     .open = freebsd_open,
     .victim = freebsd_victim,
     .load = freebsd_load,
     .gone = freebsd_gone},
    {.name = "mglru", .open = mglru_open, .victim = mglru_victim, .load = mglru_load},
    {.name = NULL},
};
