/* Plain models of the policies that have several lists or remember pages without a frame. See
 * plain_policies.h. A list here is an array of pages that are moved about in it; where a paper has
 * pseudo-code (arc, car, lru-k) the model follows it line by line. */
#include <assert.h>
#include <string.h>

#include "base/map.h"
#include "plain_rules.h"

/* ---- lists ---- */

static bool has(const struct plain_list *l, tide_page page)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->pages[i].v == page.v)
            return true;
    return false;
}

static void append(struct plain_list *l, tide_page page)
{
    assert(l->n < PLAIN_PAGES && !has(l, page));
    l->pages[l->n++] = page;
}

/* Returns whether it was there. */
static bool take(struct plain_list *l, tide_page page)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->pages[i].v == page.v) {
            l->n--;
            memmove(l->pages + i, l->pages + i + 1, (l->n - i) * sizeof *l->pages);
            return true;
        }
    return false;
}

static tide_page take_oldest(struct plain_list *l)
{
    tide_page oldest = l->pages[0];

    assert(l->n > 0);
    take(l, oldest);
    return oldest;
}

static struct plain_page *resident(struct plain *p, tide_page page)
{
    size_t i = plain_find(p, page);

    assert(i < p->n);
    return &p->list[i];
}

static void gone_from_all_lists(struct plain *p, const struct plain_page *page, bool evicted)
{
    (void)evicted;
    for (size_t i = 0; i < 4; i++)
        take(&p->lists[i], page->page);
}

/* "name=20" or "name=20%" of `whole`; `share` is the default, in percent. */
static size_t part(const char *settings, const char *name, size_t share, size_t whole)
{
    const char *at = strstr(settings, name);
    size_t n = plain_number(settings, name, share);

    if (at != NULL && strchr("0123456789%", at[strlen(name)]) != NULL) {
        const char *end = at + strlen(name);

        while (*end >= '0' && *end <= '9')
            end++;
        return *end == '%' ? n * whole / 100 : n;
    }
    return share * whole / 100;
}

static size_t clamp(size_t n, size_t least, size_t most)
{
    if (n < least)
        n = least;
    return n < most ? n : most;
}

/* ---- sfifo: primary, secondary ---- */

static void sfifo_open(struct plain *p, const char *settings)
{
    p->sizes[0] = p->frames - clamp(part(settings, "secondary=", 50, p->frames), 0, p->frames - 1);
}

static void sfifo_to_primary(struct plain *p, tide_page page)
{
    if (p->lists[0].n == p->sizes[0])
        append(&p->lists[1], take_oldest(&p->lists[0]));
    append(&p->lists[0], page);
}

static void sfifo_load(struct plain *p, struct plain_page *page)
{
    sfifo_to_primary(p, page->page);
}

static void sfifo_reference(struct plain *p, struct plain_page *page)
{
    if (take(&p->lists[1], page->page))
        sfifo_to_primary(p, page->page);
}

static size_t sfifo_victim(struct plain *p)
{
    const struct plain_list *l = p->lists[1].n > 0 ? &p->lists[1] : &p->lists[0];

    return plain_find(p, l->pages[0]);
}

/* ---- slru: probationary, protected ---- */

static void slru_open(struct plain *p, const char *settings)
{
    p->sizes[1] = clamp(part(settings, "protected=", 80, p->frames), 0, p->frames - 1);
}

static void slru_load(struct plain *p, struct plain_page *page)
{
    append(&p->lists[0], page->page);
}

static void slru_reference(struct plain *p, struct plain_page *page)
{
    if (!take(&p->lists[0], page->page))
        take(&p->lists[1], page->page);
    append(&p->lists[1], page->page);
    while (p->lists[1].n > p->sizes[1])
        append(&p->lists[0], take_oldest(&p->lists[1]));
}

static size_t slru_victim(struct plain *p)
{
    return plain_find(p, p->lists[p->lists[0].n > 0 ? 0 : 1].pages[0]);
}

/* ---- 2q: A1in, Am, A1out ---- */

static void two_q_open(struct plain *p, const char *settings)
{
    p->sizes[0] = clamp(part(settings, "kin=", 25, p->frames), 1, p->frames);
    p->sizes[2] = clamp(part(settings, "kout=", 50, p->frames), 1, PLAIN_PAGES);
}

static void two_q_fault(struct plain *p, tide_page page)
{
    p->returns = take(&p->lists[2], page);
}

static void two_q_load(struct plain *p, struct plain_page *page)
{
    append(&p->lists[p->returns ? 1 : 0], page->page);
}

static void two_q_reference(struct plain *p, struct plain_page *page)
{
    if (take(&p->lists[1], page->page))
        append(&p->lists[1], page->page);
}

static size_t two_q_victim(struct plain *p)
{
    size_t from = p->lists[0].n > p->sizes[0] || p->lists[1].n == 0 ? 0 : 1;

    return plain_find(p, p->lists[from].pages[0]);
}

static void two_q_gone(struct plain *p, const struct plain_page *page, bool evicted)
{
    if (take(&p->lists[0], page->page)) {
        if (evicted)
            append(&p->lists[2], page->page);
        if (p->lists[2].n > p->sizes[2])
            take_oldest(&p->lists[2]);
    } else {
        take(&p->lists[1], page->page);
    }
}

static void two_q_forget(struct plain *p, tide_page page)
{
    take(&p->lists[2], page);
}

/* ---- arc and car: T1, T2, B1, B2. A fault runs the whole of the paper's procedure, and victim()
 * tells what it replaced ---- */

enum { T1, T2, B1, B2 };

static void arc_open(struct plain *p, const char *settings)
{
    p->variant = strstr(settings, "arith=integer") != NULL;
}

static double max(double a, double b)
{
    return a > b ? a : b;
}

static double min(double a, double b)
{
    return a < b ? a : b;
}

static double ratio(const struct plain *p, size_t a, size_t b)
{
    return p->variant ? (double)(a / b) : (double)a / (double)b;
}

static size_t arc_victim(struct plain *p)
{
    return plain_find(p, p->chosen);
}

static void arc_forget(struct plain *p, tide_page page)
{
    take(&p->lists[B1], page);
    take(&p->lists[B2], page);
}

static void arc_gone(struct plain *p, const struct plain_page *page, bool evicted)
{
    if (!evicted)
        gone_from_all_lists(p, page, evicted);
}

/* REPLACE(x, p), where memory is full. */
static void arc_replace(struct plain *p, bool x_in_b2)
{
    struct plain_list *l = p->lists;
    double t1 = (double)l[T1].n;

    if (p->n < p->frames)
        return;
    if (l[T2].n == 0 || (t1 >= 1 && ((x_in_b2 && t1 == p->target) || t1 > p->target))) {
        p->chosen = take_oldest(&l[T1]);
        append(&l[B1], p->chosen);
    } else {
        p->chosen = take_oldest(&l[T2]);
        append(&l[B2], p->chosen);
    }
}

static void arc_fault(struct plain *p, tide_page x)
{
    struct plain_list *l = p->lists;
    size_t b1 = l[B1].n, b2 = l[B2].n, c = p->frames;

    if (has(&l[B1], x)) { /* case II */
        p->target = min((double)c, p->target + (b1 >= b2 ? 1 : ratio(p, b2, b1)));
        arc_replace(p, false);
        take(&l[B1], x);
        append(&l[T2], x);
    } else if (has(&l[B2], x)) { /* case III */
        p->target = max(0, p->target - (b2 >= b1 ? 1 : ratio(p, b1, b2)));
        arc_replace(p, true);
        take(&l[B2], x);
        append(&l[T2], x);
    } else { /* case IV */
        if (l[T1].n + b1 == c) {
            if (l[T1].n < c) {
                take_oldest(&l[B1]);
                arc_replace(p, false);
            } else {
                p->chosen = take_oldest(&l[T1]);
            }
        } else if (l[T1].n + b1 + l[T2].n + b2 >= c) {
            if (l[T1].n + b1 + l[T2].n + b2 == 2 * c)
                take_oldest(&l[B2]);
            arc_replace(p, false);
        }
        append(&l[T1], x);
    }
}

static void arc_reference(struct plain *p, struct plain_page *page)
{
    if (!take(&p->lists[T1], page->page))
        take(&p->lists[T2], page->page);
    append(&p->lists[T2], page->page);
}

static void car_replace(struct plain *p)
{
    struct plain_list *l = p->lists;

    for (;;) {
        bool from_t1 = (double)l[T1].n >= max(1, p->target) || l[T2].n == 0;
        tide_page head = take_oldest(&l[from_t1 ? T1 : T2]);

        if (!resident(p, head)->r) {
            append(&l[from_t1 ? B1 : B2], head);
            p->chosen = head;
            return;
        }
        resident(p, head)->r = false;
        append(&l[T2], head);
    }
}

static void car_fault(struct plain *p, tide_page x)
{
    struct plain_list *l = p->lists;
    size_t c = p->frames;
    bool in_b1 = has(&l[B1], x), in_b2 = has(&l[B2], x);
    double b1, b2;

    if (l[T1].n + l[T2].n == c)
        car_replace(p);
    if (!in_b1 && !in_b2) {
        if (l[T1].n + l[B1].n == c)
            take_oldest(&l[B1]);
        else if (l[T1].n + l[T2].n + l[B1].n + l[B2].n == 2 * c)
            take_oldest(&l[B2]);
        append(&l[T1], x);
        return;
    }
    b1 = in_b1 ? max(1, ratio(p, l[B2].n, l[B1].n)) : 0;
    b2 = in_b2 ? max(1, ratio(p, l[B1].n, l[B2].n)) : 0;
    p->target = max(0, min(p->target + b1 - b2, (double)c));
    take(&l[in_b1 ? B1 : B2], x);
    append(&l[T2], x);
}

static void clear_r(struct plain *p, struct plain_page *page)
{
    (void)p;
    page->r = false;
}

/* ---- sieve: list[] is the queue, `chosen` the page at the hand ---- */

static void sieve_open(struct plain *p, const char *settings)
{
    (void)settings;
    p->chosen = TIDE_PAGE_NONE;
}

static size_t sieve_victim(struct plain *p)
{
    size_t i = plain_find(p, p->chosen);

    if (i == p->n)
        i = 0;
    while (p->list[i].r) {
        p->list[i].r = false;
        i = (i + 1) % p->n;
    }
    p->chosen = p->list[i].page;
    return i;
}

static void sieve_gone(struct plain *p, const struct plain_page *page, bool evicted)
{
    size_t i = plain_find(p, page->page);

    (void)evicted;
    if (p->chosen.v == page->page.v)
        p->chosen = i + 1 < p->n ? p->list[i + 1].page : TIDE_PAGE_NONE;
}

/* ---- s3-fifo: S, M, G ---- */

static void s3_fifo_open(struct plain *p, const char *settings)
{
    p->sizes[0] = clamp(part(settings, "small=", 10, p->frames), 1, p->frames);
    p->sizes[1] = p->frames - p->sizes[0];
    p->sizes[2] = part(settings, "ghost=", 90, p->frames);
    p->promote = plain_number(settings, "promote=", 2);
    p->variant = strstr(settings, "variant=paper") != NULL;
    p->initial = strstr(settings, "fill=main") != NULL; /* until something was evicted */
}

static void s3_fifo_fault(struct plain *p, tide_page page)
{
    if (!p->variant)
        p->returns = take(&p->lists[2], page);
}

static void s3_fifo_load(struct plain *p, struct plain_page *page)
{
    if (p->variant)
        p->returns = take(&p->lists[2], page->page);
    if (p->returns || (p->initial && p->lists[0].n >= p->sizes[0]))
        append(&p->lists[1], page->page);
    else
        append(&p->lists[0], page->page);
}

static void s3_fifo_reference(struct plain *p, struct plain_page *page)
{
    (void)p;
    if (page->count < 3)
        page->count++;
}

static size_t evict_m(struct plain *p)
{
    for (;;) {
        tide_page tail = p->lists[1].pages[0];
        struct plain_page *page = resident(p, tail);

        if (page->count == 0)
            return plain_find(p, tail);
        page->count--;
        append(&p->lists[1], take_oldest(&p->lists[1]));
    }
}

static size_t evict_s(struct plain *p)
{
    while (p->lists[0].n > 0) {
        tide_page tail = p->lists[0].pages[0];

        if (resident(p, tail)->count < p->promote)
            return plain_find(p, tail);
        resident(p, tail)->count = 0;
        append(&p->lists[1], take_oldest(&p->lists[0]));
        if (p->variant && p->lists[1].n > p->sizes[1])
            return evict_m(p);
    }
    return evict_m(p);
}

static size_t s3_fifo_victim(struct plain *p)
{
    if (p->lists[1].n == 0)
        return evict_s(p);
    if (p->variant)
        return p->lists[0].n >= p->sizes[0] ? evict_s(p) : evict_m(p);
    return p->lists[1].n > p->sizes[1] ? evict_m(p) : evict_s(p);
}

static void s3_fifo_gone(struct plain *p, const struct plain_page *page, bool evicted)
{
    bool was_small = take(&p->lists[0], page->page);

    take(&p->lists[1], page->page);
    if (!evicted)
        return;
    p->initial = false;
    if (was_small)
        append(&p->lists[2], page->page);
    if (p->lists[2].n > p->sizes[2])
        take_oldest(&p->lists[2]);
}

/* ---- w-tinylfu: window, probationary, protected ---- */

static void w_tinylfu_open(struct plain *p, const char *settings)
{
    size_t rest;

    p->sizes[0] = clamp(part(settings, "window=", 1, p->frames), 1, p->frames);
    rest = p->frames - p->sizes[0];
    p->sizes[2] = rest == 0 ? 0 : clamp(part(settings, "protected=", 80, rest), 0, rest - 1);
    for (p->lines = 1; p->lines * 16 < 4 * p->frames; p->lines *= 2)
        ;
    p->seed = tide_rng_next(&p->rng);
}

/* Where the page's counter in a row is: part of the model, for another hash gives other victims. */
static unsigned *sketch(struct plain *p, tide_page page, int row)
{
    uint64_t h = tide_hash64(page.v ^ p->seed);

    return &p->sketch[h % p->lines][row][(h >> (48 + 4 * row)) % 16];
}

static unsigned estimate(struct plain *p, tide_page page)
{
    unsigned least = 15;

    for (int row = 0; row < 4; row++)
        least = *sketch(p, page, row) < least ? *sketch(p, page, row) : least;
    return least;
}

static void count(struct plain *p, tide_page page)
{
    bool any = false;

    for (int row = 0; row < 4; row++) {
        any |= *sketch(p, page, row) < 15;
        *sketch(p, page, row) += *sketch(p, page, row) < 15;
    }
    p->increments += any;
    if (!any || p->increments < 10 * p->frames)
        return;
    p->increments /= 2;
    for (int line = 0; line < 16; line++)
        for (int row = 0; row < 4; row++)
            for (int i = 0; i < 16; i++)
                p->sketch[line][row][i] /= 2;
}

static void w_tinylfu_load(struct plain *p, struct plain_page *page)
{
    append(&p->lists[0], page->page);
    if (p->lists[0].n > p->sizes[0])
        append(&p->lists[1], take_oldest(&p->lists[0]));
}

static void w_tinylfu_reference(struct plain *p, struct plain_page *page)
{
    count(p, page->page);
    if (take(&p->lists[0], page->page)) {
        append(&p->lists[0], page->page);
        return;
    }
    take(&p->lists[1], page->page);
    take(&p->lists[2], page->page);
    append(&p->lists[2], page->page);
    if (p->lists[2].n > p->sizes[2])
        append(&p->lists[1], take_oldest(&p->lists[2]));
}

static size_t w_tinylfu_victim(struct plain *p)
{
    const struct plain_list *main = p->lists[1].n > 0 ? &p->lists[1] : &p->lists[2];
    bool overflows = p->lists[0].n == p->sizes[0];
    tide_page candidate = p->lists[0].pages[0], old = main->pages[0];

    if (main->n > 0 && (!overflows || estimate(p, candidate) > estimate(p, old)))
        return plain_find(p, old);
    return plain_find(p, candidate);
}

/* ---- lru-k ---- */

static void lru_k_open(struct plain *p, const char *settings)
{
    p->k = plain_number(settings, "k=", 2);
    p->crp = plain_number(settings, "crp=", 0);
    p->retain = plain_number(settings, "retain=", 0);
}

static struct plain_history *history(struct plain *p, tide_page page)
{
    size_t i = 0;

    while (i < p->n_histories && p->histories[i].page.v != page.v)
        i++;
    return i < p->n_histories ? &p->histories[i] : NULL;
}

static void lru_k_forget(struct plain *p, tide_page page)
{
    struct plain_history *h = history(p, page);

    if (h != NULL)
        *h = p->histories[--p->n_histories];
}

static void lru_k_load(struct plain *p, struct plain_page *page)
{
    struct plain_history *h = history(p, page->page);

    if (h != NULL && p->retain > 0 && p->now - h->last > p->retain) {
        lru_k_forget(p, page->page);
        h = NULL;
    }
    if (h == NULL) {
        assert(p->n_histories < PLAIN_PAGES);
        h = &p->histories[p->n_histories++];
        *h = (struct plain_history){.page = page->page};
    } else {
        for (uint64_t i = p->k; i >= 2; i--)
            h->hist[i] = h->hist[i - 1];
    }
    h->hist[1] = h->last = p->now;
}

static void lru_k_reference(struct plain *p, struct plain_page *page)
{
    struct plain_history *h = history(p, page->page);

    if (p->now - h->last > p->crp) {
        uint64_t period = h->last - h->hist[1];

        for (uint64_t i = p->k; i >= 2; i--)
            if (h->hist[i - 1] != 0)
                h->hist[i] = h->hist[i - 1] + period;
        h->hist[1] = p->now;
    }
    h->last = p->now;
}

/* Of the eligible, or of all if there are none. */
static size_t lru_k_victim(struct plain *p)
{
    for (int all = 0;; all++) {
        size_t best = p->n;

        for (size_t i = 0; i < p->n; i++) {
            const struct plain_history *h = history(p, p->list[i].page), *b;

            if (!all && p->now - h->last <= p->crp)
                continue;
            b = best < p->n ? history(p, p->list[best].page) : NULL;
            if (b == NULL || h->hist[p->k] < b->hist[p->k] ||
                (h->hist[p->k] == b->hist[p->k] && h->last < b->last))
                best = i;
        }
        if (best < p->n)
            return best;
    }
}

static void lru_k_gone(struct plain *p, const struct plain_page *page, bool evicted)
{
    if (!evicted)
        lru_k_forget(p, page->page);
}

/* ---- lirs: S (bottom first), Q, and the LIR pages in any order ---- */

enum { S, Q, LIR };

static void lirs_open(struct plain *p, const char *settings)
{
    size_t hir = clamp(part(settings, "hir=", 1, p->frames), 2, p->frames);

    p->sizes[LIR] = p->frames - hir;
    if (p->frames > 1 && p->sizes[LIR] == 0)
        p->sizes[LIR] = 1;
    p->chosen = TIDE_PAGE_NONE;
}

static void prune(struct plain *p)
{
    while (p->lists[S].n > 0 && !has(&p->lists[LIR], p->lists[S].pages[0]))
        take_oldest(&p->lists[S]);
}

static void become_lir(struct plain *p, tide_page page)
{
    append(&p->lists[LIR], page);
    if (p->lists[LIR].n > p->sizes[LIR]) {
        tide_page bottom = take_oldest(&p->lists[S]);

        take(&p->lists[LIR], bottom);
        append(&p->lists[Q], bottom);
    }
}

static void lirs_load(struct plain *p, struct plain_page *page)
{
    bool in_s = take(&p->lists[S], page->page);

    p->chosen = page->page;
    append(&p->lists[S], page->page);
    if (in_s || p->lists[LIR].n < p->sizes[LIR])
        become_lir(p, page->page);
    else
        append(&p->lists[Q], page->page);
    prune(p);
}

static void lirs_reference(struct plain *p, struct plain_page *page)
{
    bool in_s;

    if (p->chosen.v == page->page.v)
        return;
    p->chosen = page->page;
    in_s = take(&p->lists[S], page->page);
    append(&p->lists[S], page->page);
    if (take(&p->lists[Q], page->page)) {
        if (in_s)
            become_lir(p, page->page);
        else
            append(&p->lists[Q], page->page);
    }
    prune(p);
}

static size_t lirs_victim(struct plain *p)
{
    return plain_find(p, p->lists[p->lists[Q].n > 0 ? Q : S].pages[0]);
}

static void lirs_gone(struct plain *p, const struct plain_page *page, bool evicted)
{
    bool was_lir = take(&p->lists[LIR], page->page);

    take(&p->lists[Q], page->page);
    if (was_lir || !evicted)
        take(&p->lists[S], page->page);
    prune(p);
}

static void lirs_forget(struct plain *p, tide_page page)
{
    take(&p->lists[S], page);
}

/* ---- clock-pro: clock[0] is at the hot hand, the end of clock[] is the list's head ---- */

static void clock_pro_open(struct plain *p, const char *settings)
{
    p->sizes[0] =
        clamp(part(settings, "cold=", 5, p->frames), 2, p->frames > 1 ? p->frames - 1 : 1);
    p->variant = strstr(settings, "adaptive=yes") != NULL;
    p->cold_hand = p->test_hand = TIDE_PAGE_NONE;
}

static size_t node_of(const struct plain *p, tide_page page)
{
    size_t i = 0;

    while (i < p->n_clock && p->clock[i].page.v != page.v)
        i++;
    return i;
}

static size_t count_hot(const struct plain *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_clock; i++)
        n += p->clock[i].hot;
    return n;
}

static size_t count_ghosts(const struct plain *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_clock; i++)
        n += !p->clock[i].resident;
    return n;
}

static tide_page after(const struct plain *p, tide_page page)
{
    return p->clock[(node_of(p, page) + 1) % p->n_clock].page;
}

static void to_head(struct plain *p, struct plain_node node)
{
    assert(p->n_clock < PLAIN_PAGES);
    p->clock[p->n_clock++] = node;
    if (p->n_clock == 1)
        p->cold_hand = p->test_hand = node.page;
}

static struct plain_node leave_clock(struct plain *p, tide_page page)
{
    size_t i = node_of(p, page);
    struct plain_node node = p->clock[i];

    assert(i < p->n_clock);
    if (p->cold_hand.v == page.v)
        p->cold_hand = p->n_clock > 1 ? after(p, page) : TIDE_PAGE_NONE;
    if (p->test_hand.v == page.v)
        p->test_hand = p->n_clock > 1 ? after(p, page) : TIDE_PAGE_NONE;
    p->n_clock--;
    memmove(p->clock + i, p->clock + i + 1, (p->n_clock - i) * sizeof *p->clock);
    return node;
}

static void share_of_cold(struct plain *p, bool grows)
{
    if (!p->variant)
        return;
    if (grows)
        p->sizes[0] += p->sizes[0] + 1 < p->frames;
    else
        p->sizes[0] -= p->sizes[0] > 1;
}

static void test_is_over(struct plain *p, tide_page page)
{
    struct plain_node *node = &p->clock[node_of(p, page)];

    if (!node->test)
        return;
    node->test = false;
    share_of_cold(p, node->resident && resident(p, page)->r);
    if (!node->resident)
        leave_clock(p, page);
}

/* The hot hand goes one on. */
static void turn(struct plain *p)
{
    struct plain_node first = p->clock[0];

    memmove(p->clock, p->clock + 1, (p->n_clock - 1) * sizeof *p->clock);
    p->clock[p->n_clock - 1] = first;
}

static void hot_hand_to_hot(struct plain *p)
{
    while (!p->clock[0].hot) {
        tide_page page = p->clock[0].page;

        turn(p);
        test_is_over(p, page);
    }
}

static void hot_hand(struct plain *p)
{
    bool found = false;

    while (!found) {
        struct plain_page *page;

        hot_hand_to_hot(p);
        page = resident(p, p->clock[0].page);
        found = !page->r;
        if (found)
            p->clock[0].hot = false;
        page->r = false;
        turn(p);
    }
    if (count_hot(p) > 0)
        hot_hand_to_hot(p);
}

static void hot_to_head(struct plain *p, tide_page page)
{
    to_head(p, (struct plain_node){.page = page, .hot = true, .resident = true});
    while (count_hot(p) > p->frames - p->sizes[0])
        hot_hand(p);
}

static void clock_pro_load(struct plain *p, struct plain_page *page)
{
    page->r = false;
    if (node_of(p, page->page) < p->n_clock) {
        leave_clock(p, page->page);
        share_of_cold(p, true);
        hot_to_head(p, page->page);
    } else if (count_hot(p) < p->frames - p->sizes[0]) {
        hot_to_head(p, page->page);
    } else {
        to_head(p, (struct plain_node){.page = page->page, .test = true, .resident = true});
    }
    while (count_ghosts(p) > p->frames) {
        tide_page passed;

        while (!p->clock[node_of(p, p->test_hand)].test)
            p->test_hand = after(p, p->test_hand);
        passed = p->test_hand;
        p->test_hand = after(p, passed);
        test_is_over(p, passed);
    }
}

static size_t clock_pro_victim(struct plain *p)
{
    for (;;) {
        const struct plain_node *at;
        struct plain_page *page;

        if (count_hot(p) == p->n)
            hot_hand(p);
        for (;; p->cold_hand = after(p, p->cold_hand)) {
            at = &p->clock[node_of(p, p->cold_hand)];
            if (at->resident && !at->hot)
                break;
        }
        page = resident(p, p->cold_hand);
        if (!page->r)
            return plain_find(p, page->page);
        page->r = false;
        if (leave_clock(p, page->page).test) {
            share_of_cold(p, true);
            hot_to_head(p, page->page);
        } else {
            to_head(p, (struct plain_node){.page = page->page, .test = true, .resident = true});
        }
    }
}

static void clock_pro_gone(struct plain *p, const struct plain_page *page, bool evicted)
{
    struct plain_node *node = &p->clock[node_of(p, page->page)];

    if (evicted && node->test)
        node->resident = false;
    else
        leave_clock(p, page->page);
}

static void clock_pro_forget(struct plain *p, tide_page page)
{
    if (node_of(p, page) < p->n_clock)
        leave_clock(p, page);
}

const struct plain_rules plain_rules_2[] = {
    {.name = "sfifo",
     .open = sfifo_open,
     .victim = sfifo_victim,
     .load = sfifo_load,
     .reference = sfifo_reference,
     .gone = gone_from_all_lists},
    {.name = "slru",
     .open = slru_open,
     .victim = slru_victim,
     .load = slru_load,
     .reference = slru_reference,
     .gone = gone_from_all_lists},
    {.name = "2q",
     .open = two_q_open,
     .fault = two_q_fault,
     .victim = two_q_victim,
     .load = two_q_load,
     .reference = two_q_reference,
     .gone = two_q_gone,
     .forget = two_q_forget},
    {.name = "arc",
     .open = arc_open,
     .fault = arc_fault,
     .victim = arc_victim,
     .reference = arc_reference,
     .gone = arc_gone,
     .forget = arc_forget},
    {.name = "car",
     .open = arc_open,
     .fault = car_fault,
     .victim = arc_victim,
     .load = clear_r,
     .gone = arc_gone,
     .forget = arc_forget},
    {.name = "sieve",
     .open = sieve_open,
     .victim = sieve_victim,
     .load = clear_r,
     .gone = sieve_gone},
    {.name = "s3-fifo",
     .open = s3_fifo_open,
     .fault = s3_fifo_fault,
     .victim = s3_fifo_victim,
     .load = s3_fifo_load,
     .reference = s3_fifo_reference,
     .gone = s3_fifo_gone,
     .forget = two_q_forget},
    {.name = "w-tinylfu",
     .open = w_tinylfu_open,
     .fault = count,
     .victim = w_tinylfu_victim,
     .load = w_tinylfu_load,
     .reference = w_tinylfu_reference,
     .gone = gone_from_all_lists},
    {.name = "lru-k",
     .open = lru_k_open,
     .victim = lru_k_victim,
     .load = lru_k_load,
     .reference = lru_k_reference,
     .gone = lru_k_gone,
     .forget = lru_k_forget},
    {.name = "lirs",
     .open = lirs_open,
     .victim = lirs_victim,
     .load = lirs_load,
     .reference = lirs_reference,
     .gone = lirs_gone,
     .forget = lirs_forget},
    {.name = "clock-pro",
     .open = clock_pro_open,
     .victim = clock_pro_victim,
     .load = clock_pro_load,
     .gone = clock_pro_gone,
     .forget = clock_pro_forget},
    {.name = NULL},
};
