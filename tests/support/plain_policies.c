/* See plain_policies.h. Conventions are those that the head comments in sim/replacement/ state. */
#include "plain_rules.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- by order of loading, last use, count, next use ---- */

static size_t first_loaded(struct plain *p)
{
    (void)p;
    return 0;
}

static size_t least_recent(struct plain *p)
{
    size_t best = 0;

    for (size_t i = 1; i < p->n; i++)
        if (p->list[i].last < p->list[best].last)
            best = i;
    return best;
}

static size_t most_recent(struct plain *p)
{
    size_t best = 0;

    for (size_t i = 1; i < p->n; i++)
        if (p->list[i].last > p->list[best].last)
            best = i;
    return best;
}

static size_t least_frequent(struct plain *p)
{
    size_t best = 0;

    for (size_t i = 1; i < p->n; i++) {
        const struct plain_page *a = &p->list[i], *b = &p->list[best];

        if (a->count < b->count || (a->count == b->count && a->last < b->last))
            best = i;
    }
    return best;
}

static size_t farthest(struct plain *p)
{
    size_t best = 0;

    for (size_t i = 1; i < p->n; i++) {
        const struct plain_page *a = &p->list[i], *b = &p->list[best];

        if (a->next_use > b->next_use || (a->next_use == b->next_use && a->page.v < b->page.v))
            best = i;
    }
    return best;
}

/* ---- lfu: counts ---- */

static size_t remembered(const struct plain *p, tide_page page)
{
    size_t i = 0;

    while (i < p->n_remembered && p->remembered[i].page.v != page.v)
        i++;
    return i;
}

static void lfu_load(struct plain *p, struct plain_page *page)
{
    size_t i = remembered(p, page->page);

    page->count = 1;
    if (i < p->n_remembered)
        page->count += p->remembered[i].count;
}

static void lfu_reference(struct plain *p, struct plain_page *page)
{
    (void)p;
    page->count++;
}

static void lfu_forget(struct plain *p, tide_page page)
{
    size_t i = remembered(p, page);

    if (i < p->n_remembered)
        p->remembered[i] = p->remembered[--p->n_remembered];
}

static void lfu_gone(struct plain *p, const struct plain_page *page, bool evicted)
{
    lfu_forget(p, page->page);
    if (!evicted || !p->persist)
        return;
    assert(p->n_remembered < PLAIN_REMEMBERED);
    p->remembered[p->n_remembered++] = *page;
}

/* ---- rings, as queues: the hand is at list[0], and goes on by sending that page to the end ----
 */

static void advance(struct plain *p)
{
    struct plain_page first = p->list[0];

    memmove(p->list, p->list + 1, (p->n - 1) * sizeof *p->list);
    p->list[p->n - 1] = first;
}

static void clock_load(struct plain *p, struct plain_page *page)
{
    page->r = p->initial_bit == 1;
}

static size_t second_chance(struct plain *p)
{
    while (p->list[0].r) {
        p->list[0].r = false;
        advance(p);
    }
    return 0;
}

static size_t enhanced_second_chance(struct plain *p)
{
    for (;;) {
        for (size_t i = 0; i < p->n; i++, advance(p))
            if (!p->list[0].r && !p->list[0].m)
                return 0;
        for (size_t i = 0; i < p->n; i++, advance(p)) {
            if (!p->list[0].r && p->list[0].m)
                return 0;
            p->list[0].r = false;
        }
    }
}

static void gclock_load(struct plain *p, struct plain_page *page)
{
    page->count = p->initial;
}

static void gclock_reference(struct plain *p, struct plain_page *page)
{
    if (page->count < p->cap)
        page->count++;
}

static size_t count_down(struct plain *p)
{
    while (p->list[0].count > 0) {
        p->list[0].count--;
        advance(p);
    }
    return 0;
}

/* ---- aging ---- */

static size_t least_register(struct plain *p)
{
    size_t best = 0;

    for (size_t i = 1; i < p->n; i++) {
        const struct plain_page *a = &p->list[i], *b = &p->list[best];

        if (a->r < b->r || (a->r == b->r && a->shifted < b->shifted))
            best = i;
    }
    return best;
}

static void shift(struct plain *p)
{
    for (size_t i = 0; i < p->n; i++) {
        p->list[i].shifted /= 2;
        if (p->list[i].r)
            p->list[i].shifted += UINT64_C(1) << (p->bits - 1);
        p->list[i].r = false;
    }
}

/* ---- random and nru: draws from pools ---- */

static void pool_add(struct plain *p, int class, tide_page page)
{
    p->pools[class][p->n_pools[class]++] = page;
}

/* The last page of the pool takes the place of the one that goes. */
static void pool_remove(struct plain *p, tide_page page)
{
    for (int c = 0; c < 4; c++)
        for (size_t i = 0; i < p->n_pools[c]; i++)
            if (p->pools[c][i].v == page.v)
                p->pools[c][i] = p->pools[c][--p->n_pools[c]];
}

static void pool_gone(struct plain *p, const struct plain_page *page, bool evicted)
{
    (void)evicted;
    pool_remove(p, page->page);
}

static void random_load(struct plain *p, struct plain_page *page)
{
    pool_add(p, 0, page->page);
}

static size_t any(struct plain *p)
{
    return plain_find(p, p->pools[0][tide_rng_below(&p->rng, p->n_pools[0])]);
}

static int class_of(const struct plain_page *page)
{
    return 2 * page->r + page->m;
}

static void nru_load(struct plain *p, struct plain_page *page)
{
    pool_add(p, class_of(page), page->page);
}

static size_t any_of_lowest_class(struct plain *p)
{
    int lowest = 3;

    for (size_t i = 0; i < p->n; i++)
        if (class_of(&p->list[i]) < lowest)
            lowest = class_of(&p->list[i]);
    for (int c = 0;;) {
        size_t i;

        if (p->n_pools[c] == 0) {
            c++;
            continue;
        }
        i = plain_find(p, p->pools[c][tide_rng_below(&p->rng, p->n_pools[c])]);
        if (class_of(&p->list[i]) == c) {
            assert(c == lowest);
            return i;
        }
        pool_remove(p, p->list[i].page);
        pool_add(p, class_of(&p->list[i]), p->list[i].page);
    }
}

static void clear_r(struct plain *p)
{
    for (size_t i = 0; i < p->n; i++)
        p->list[i].r = false;
    for (int c = 2; c < 4; c++) {
        for (size_t i = 0; i < p->n_pools[c]; i++)
            pool_add(p, c - 2, p->pools[c][i]);
        p->n_pools[c] = 0;
    }
}

static const struct plain_rules all_rules[] = {
    {.name = "fifo", .victim = first_loaded},
    {.name = "lru", .victim = least_recent},
    {.name = "mru", .victim = most_recent},
    {.name = "clock", .victim = second_chance, .load = clock_load},
    {.name = "esc", .victim = enhanced_second_chance},
    {.name = "nru",
     .victim = any_of_lowest_class,
     .load = nru_load,
     .gone = pool_gone,
     .tick = clear_r},
    {.name = "aging", .victim = least_register, .tick = shift},
    {.name = "lfu",
     .victim = least_frequent,
     .load = lfu_load,
     .reference = lfu_reference,
     .gone = lfu_gone,
     .forget = lfu_forget},
    {.name = "gclock", .victim = count_down, .load = gclock_load, .reference = gclock_reference},
    {.name = "random", .victim = any, .load = random_load, .gone = pool_gone},
    {.name = "opt", .victim = farthest},
    {.name = NULL},
};

/* ---- what all have in common ---- */

size_t plain_find(const struct plain *p, tide_page page)
{
    size_t i = 0;

    while (i < p->n && p->list[i].page.v != page.v)
        i++;
    return i;
}

uint64_t plain_number(const char *settings, const char *name, uint64_t def)
{
    const char *at = strstr(settings, name);

    return at != NULL ? strtoull(at + strlen(name), NULL, 10) : def;
}

static const struct plain_rules *rules_of(const char *policy)
{
    const struct plain_rules *const tables[] = {all_rules, plain_rules_2, plain_rules_3};

    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct plain_rules *r = tables[t]; r->name != NULL; r++)
            if (strcmp(r->name, policy) == 0)
                return r;
    return NULL;
}

void plain_open(struct plain *p, const char *policy, const char *settings, size_t frames,
                uint64_t seed)
{
    const struct plain_rules *rules = rules_of(policy);

    assert(rules != NULL && frames <= PLAIN_FRAMES);
    if (settings == NULL)
        settings = "";
    memset(p, 0, sizeof *p);
    p->rules = rules;
    p->frames = frames;
    p->tick = plain_number(settings, "tick=", 1000);
    p->bits = plain_number(settings, "bits=", 8);
    p->cap = plain_number(settings, "cap=", 3);
    p->initial = plain_number(settings, "initial=", 1);
    p->initial_bit = plain_number(settings, "initial_bit=", 1);
    p->persist = strstr(settings, "persist=yes") != NULL;
    tide_rng_init(&p->rng, seed, "policy");
    if (rules->open != NULL)
        rules->open(p, settings);
}

/* The page at list[i] leaves. */
static void out(struct plain *p, size_t i, bool evicted)
{
    if (p->rules->gone != NULL)
        p->rules->gone(p, &p->list[i], evicted);
    p->n--;
    memmove(p->list + i, p->list + i + 1, (p->n - i) * sizeof *p->list);
}

bool plain_step(struct plain *p, const struct driver_step *step, tide_page *victim)
{
    size_t i = plain_find(p, step->page);
    bool faulted = i == p->n;
    struct plain_page *page;

    *victim = TIDE_PAGE_NONE;
    if (step->op == DRIVER_UNMAP) {
        if (!faulted)
            out(p, i, false);
        else if (p->rules->forget != NULL)
            p->rules->forget(p, step->page);
        return false;
    }
    p->now++;
    if (faulted && p->rules->fault != NULL)
        p->rules->fault(p, step->page);
    if (faulted && p->n == p->frames) {
        i = p->rules->victim(p);
        *victim = p->list[i].page;
        out(p, i, true);
    }
    if (faulted) {
        i = p->n++;
        p->list[i] = (struct plain_page){.page = step->page};
    }
    page = &p->list[i];
    page->r = true;
    page->m |= step->op == DRIVER_WRITE;
    page->last = p->now;
    page->next_use = step->next_use;
    if (faulted && p->rules->load != NULL)
        p->rules->load(p, page);
    if (!faulted && p->rules->reference != NULL)
        p->rules->reference(p, page);
    if (p->rules->tick != NULL && p->now % p->tick == 0)
        p->rules->tick(p);
    return faulted;
}
