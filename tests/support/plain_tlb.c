/* See plain_tlb.h. Out of memory ends the test. */
#include "plain_tlb.h"

#include <stdio.h>
#include <stdlib.h>

static void *need(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

void plain_tlb_init(struct plain_tlb *t, const struct tide_tlb_config *c, unsigned page_shift,
                    uint64_t seed)
{
    *t = (struct plain_tlb){.config = *c, .page_shift = page_shift};
    for (unsigned i = 0; i < c->n; i++) {
        struct plain_array *a = &t->arrays[i];
        char stream[40];

        a->ways = c->arrays[i].ways;
        a->sets = c->arrays[i].entries / a->ways;
        a->kind = c->arrays[i].kind;
        a->set = need(calloc(a->sets, sizeof *a->set));
        a->right_used_last = need(calloc(a->sets, sizeof *a->right_used_last));
        for (unsigned s = 0; s < a->sets; s++) {
            a->set[s] = need(calloc(a->ways, sizeof *a->set[s]));
            a->right_used_last[s] = need(malloc(a->ways * sizeof(bool)));
            for (unsigned node = 0; node < a->ways; node++)
                a->right_used_last[s][node] = true; /* so the left half goes first */
        }
        snprintf(stream, sizeof stream, "tlb.%s", c->arrays[i].name);
        tide_rng_init(&a->rng, seed, stream);
    }
}

void plain_tlb_fini(struct plain_tlb *t)
{
    for (unsigned i = 0; i < t->config.n; i++) {
        struct plain_array *a = &t->arrays[i];

        for (unsigned s = 0; s < a->sets; s++) {
            free(a->set[s]);
            free(a->right_used_last[s]);
        }
        free(a->set);
        free(a->right_used_last);
        free(a->filled);
    }
}

/* The node path of a way: the tree's halves, quarters, ... from the root down. */
static void used(struct plain_array *a, unsigned s, unsigned way)
{
    unsigned node = 1, low = 0, size = a->ways;

    while (size > 1) {
        bool right = way >= low + size / 2;

        a->right_used_last[s][node] = right;
        size /= 2;
        low += right ? size : 0;
        node = 2 * node + (right ? 1 : 0);
    }
}

static unsigned plru_victim(const struct plain_array *a, unsigned s)
{
    unsigned node = 1, low = 0, size = a->ways;

    while (size > 1) {
        bool right = !a->right_used_last[s][node];

        size /= 2;
        low += right ? size : 0;
        node = 2 * node + (right ? 1 : 0);
    }
    return low;
}

static unsigned victim(struct plain_array *a, unsigned s)
{
    const struct plain_entry *e = a->set[s];
    unsigned best = 0;

    for (unsigned way = 0; way < a->ways; way++)
        if (!e[way].valid)
            return way;
    if (a->kind == TIDE_TLB_random)
        return (unsigned)tide_rng_below(&a->rng, a->ways);
    if (a->kind == TIDE_TLB_plru)
        return plru_victim(a, s);
    for (unsigned way = 1; way < a->ways; way++)
        if ((a->kind == TIDE_TLB_lru && e[way].last_use < e[best].last_use) ||
            (a->kind == TIDE_TLB_fifo && e[way].filled < e[best].filled) ||
            (a->kind == TIDE_TLB_lfu && e[way].count < e[best].count))
            best = way;
    return best;
}

static struct plain_entry *find(struct plain_array *a, unsigned process, uint64_t vpn)
{
    struct plain_entry *e = a->set[vpn % a->sets];

    for (unsigned way = 0; way < a->ways; way++)
        if (e[way].valid && e[way].process == process && e[way].vpn == vpn)
            return &e[way];
    return NULL;
}

static bool first_fill(struct plain_array *a, unsigned process, uint64_t vpn)
{
    for (size_t i = 0; i < a->n_filled; i++)
        if (a->filled[i].process == process && a->filled[i].vpn == vpn)
            return false;
    if (a->n_filled == a->cap_filled) {
        a->cap_filled = 2 * a->cap_filled + 16;
        a->filled = need(realloc(a->filled, a->cap_filled * sizeof *a->filled));
    }
    a->filled[a->n_filled++] = (struct plain_page){process, vpn};
    return true;
}

static void fill(struct plain_tlb *t, struct plain_array *a, unsigned process, uint64_t vpn,
                 uint32_t frame)
{
    unsigned s = (unsigned)(vpn % a->sets), way = victim(a, s);

    a->stats.evictions += a->set[s][way].valid;
    a->stats.compulsory_misses += first_fill(a, process, vpn);
    a->set[s][way] = (struct plain_entry){.valid = true,
                                          .process = process,
                                          .vpn = vpn,
                                          .frame = frame,
                                          .last_use = t->now,
                                          .filled = t->now,
                                          .count = 1};
    used(a, s, way);
}

static bool on_path(const struct plain_tlb *t, unsigned i, enum tide_side side, unsigned level)
{
    const struct tide_tlb_array_config *c = &t->config.arrays[i];
    bool size = c->n_sizes == 0;

    for (unsigned k = 0; k < c->n_sizes; k++)
        size = size || c->page_shifts[k] == t->page_shift;
    return size && c->level == level &&
           (c->serves & (side == TIDE_SIDE_FETCH ? TIDE_TLB_FOR_FETCH : TIDE_TLB_FOR_DATA)) != 0;
}

int plain_tlb_reference(struct plain_tlb *t, enum tide_side side, unsigned process, uint64_t vpn,
                        uint32_t frame, uint32_t *hit_frame)
{
    struct plain_array *missed[TIDE_TLB_MAX_LEVELS];
    int n_missed = 0, hit = -1;

    t->now++;
    for (unsigned level = 1; level <= TIDE_TLB_MAX_LEVELS && hit < 0; level++) {
        for (unsigned i = 0; i < t->config.n; i++) {
            struct plain_array *a = &t->arrays[i];
            struct plain_entry *e;

            if (!on_path(t, i, side, level))
                continue;
            a->stats.lookups++;
            e = find(a, process, vpn);
            if (e == NULL) {
                a->stats.misses++;
                missed[n_missed++] = a;
                continue;
            }
            a->stats.hits++;
            e->last_use = t->now;
            e->count++;
            used(a, (unsigned)(vpn % a->sets), (unsigned)(e - a->set[vpn % a->sets]));
            hit = n_missed;
            *hit_frame = frame = e->frame;
        }
    }
    for (int i = 0; i < n_missed; i++)
        fill(t, missed[i], process, vpn, frame);
    return hit;
}

void plain_tlb_invalidate(struct plain_tlb *t, unsigned process, uint64_t vpn)
{
    for (unsigned i = 0; i < t->config.n; i++) {
        struct plain_entry *e = find(&t->arrays[i], process, vpn);

        if (e != NULL) {
            e->valid = false;
            t->arrays[i].stats.invalidations++;
        }
    }
}

void plain_tlb_flush_process(struct plain_tlb *t, unsigned process)
{
    for (unsigned i = 0; i < t->config.n; i++) {
        struct plain_array *a = &t->arrays[i];

        for (unsigned s = 0; s < a->sets; s++) {
            for (unsigned way = 0; way < a->ways; way++) {
                struct plain_entry *e = &a->set[s][way];

                if (e->valid && e->process == process) {
                    e->valid = false;
                    a->stats.invalidations++;
                }
            }
        }
    }
}

void plain_tlb_forget(struct plain_tlb *t, unsigned process, uint64_t vpn)
{
    plain_tlb_invalidate(t, process, vpn);
    for (unsigned i = 0; i < t->config.n; i++) {
        struct plain_array *a = &t->arrays[i];

        for (size_t k = 0; k < a->n_filled; k++)
            if (a->filled[k].process == process && a->filled[k].vpn == vpn)
                a->filled[k--] = a->filled[--a->n_filled];
    }
}
