/* The working set over time: see series.h. */
#include "curve/series.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NO_PAGE UINT32_MAX

/* Pages of a process by last use: `earlier` is towards the least recent. */
struct node {
    uint32_t earlier, later;
    uint64_t last; /* process's time of the last use; 0: not in the list */
};

struct edge {
    uint32_t page;  /* the earliest page inside the window; NO_PAGE where it is empty */
    uint64_t pages; /* inside */
};

struct process {
    uint64_t now;
    uint32_t latest;
    struct edge *edges; /* by tau */
};

struct tide_series {
    struct tide_series_config config;
    struct node *nodes; /* by page */
    struct process *processes;
    size_t nodes_cap, processes_cap, n_processes;
    uint64_t vtime, left; /* references behind the warm-up; to the next sample */
    bool counting;
    uint64_t *pages; /* of a sample */
};

struct tide_series *tide_series_new(const struct tide_series_config *c, struct tide_error *e)
{
    struct tide_series *s = tide_calloc(1, sizeof *s);

    if (s == NULL || (s->pages = tide_calloc(c->n_taus, sizeof *s->pages)) == NULL) {
        free(s);
        tide_nomem(e);
        return NULL;
    }
    s->config = *c;
    s->left = c->interval;
    return s;
}

void tide_series_free(struct tide_series *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_processes; i++)
        free(s->processes[i].edges);
    free(s->processes);
    free(s->nodes);
    free(s->pages);
    free(s);
}

/* Pages that are too old leave the window. */
static void expire(const struct tide_series *s, const struct process *p, size_t k)
{
    struct edge *edge = &p->edges[k];

    while (edge->pages > 0 && p->now - s->nodes[edge->page].last >= s->config.taus[k]) {
        edge->page = s->nodes[edge->page].later;
        edge->pages--;
    }
}

static void leave_list(struct tide_series *s, struct process *p, uint32_t page)
{
    struct node *node = &s->nodes[page];

    for (size_t k = 0; k < s->config.n_taus; k++) {
        struct edge *edge = &p->edges[k];

        if (edge->pages > 0 && node->last >= s->nodes[edge->page].last) {
            edge->pages--;
            if (edge->page == page)
                edge->page = node->later;
        }
    }
    if (node->later != NO_PAGE)
        s->nodes[node->later].earlier = node->earlier;
    else
        p->latest = node->earlier;
    if (node->earlier != NO_PAGE)
        s->nodes[node->earlier].later = node->later;
    node->last = 0;
}

/* n references to a page, all of them within one interval. */
static void reference(struct tide_series *s, struct process *p, uint32_t page, uint32_t n)
{
    struct node *node = &s->nodes[page];

    if (p->latest == page) { /* the order stays; a window that had lost the page has it again */
        p->now += n;
        node->last = p->now;
        for (size_t k = 0; k < s->config.n_taus; k++)
            if (p->edges[k].pages == 0)
                p->edges[k] = (struct edge){.page = page, .pages = 1};
        return;
    }
    if (node->last != 0)
        leave_list(s, p, page);
    p->now += n;
    *node = (struct node){.earlier = p->latest, .later = NO_PAGE, .last = p->now};
    if (p->latest != NO_PAGE)
        s->nodes[p->latest].later = page;
    p->latest = page;
    for (size_t k = 0; k < s->config.n_taus; k++) {
        struct edge *edge = &p->edges[k];

        if (edge->pages++ == 0)
            edge->page = page;
    }
}

static int sample(struct tide_series *s, struct tide_error *e)
{
    for (size_t k = 0; k < s->config.n_taus; k++) {
        s->pages[k] = 0;
        for (size_t i = 0; i < s->n_processes; i++) {
            if (s->processes[i].edges == NULL)
                continue;
            expire(s, &s->processes[i], k);
            s->pages[k] += s->processes[i].edges[k].pages;
        }
    }
    s->left = s->config.interval;
    return s->config.sample(s->config.context, s->vtime, s->pages, e);
}

static int reserve(struct tide_series *s, size_t n_ids, struct tide_error *e)
{
    size_t old = s->nodes_cap;
    struct node *grown;

    if (n_ids <= old)
        return 0;
    grown = tide_grow(s->nodes, &s->nodes_cap, n_ids, sizeof *grown);
    if (grown == NULL)
        return tide_nomem(e);
    s->nodes = grown;
    memset(grown + old, 0, (s->nodes_cap - old) * sizeof *grown);
    return 0;
}

static int process_of(struct tide_series *s, unsigned index, struct process **out,
                      struct tide_error *e)
{
    struct process *p;

    if (index >= s->n_processes) {
        p = tide_grow(s->processes, &s->processes_cap, index + 1, sizeof *p);
        if (p == NULL)
            return tide_nomem(e);
        s->processes = p;
        while (s->n_processes <= index)
            p[s->n_processes++] = (struct process){.latest = NO_PAGE};
    }
    p = &s->processes[index];
    if (p->edges == NULL && (p->edges = tide_calloc(s->config.n_taus, sizeof *p->edges)) == NULL)
        return tide_nomem(e);
    *out = p;
    return 0;
}

static int references(struct tide_series *s, struct process *p, const struct tide_page_ref *r,
                      struct tide_error *e)
{
    uint32_t left = r->n;

    while (left > 0) {
        uint32_t n = s->counting && left > s->left ? (uint32_t)s->left : left;
        int rc = 0;

        if (r->kind == TIDE_REF_PAGE)
            reference(s, p, r->id, n);
        else
            p->now += n;
        left -= n;
        if (s->counting) {
            s->vtime += n;
            s->left -= n;
            rc = s->left == 0 ? sample(s, e) : 0;
        }
        if (rc != 0)
            return rc;
    }
    return 0;
}

int tide_series_take(struct tide_series *s, const struct tide_page_ref *refs, size_t n,
                     size_t n_ids, struct tide_error *e)
{
    int rc = reserve(s, n_ids, e);

    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct tide_page_ref *r = &refs[i];
        struct process *p = NULL;

        rc = process_of(s, r->process, &p, e);
        if (rc != 0)
            return rc;
        if (r->kind == TIDE_REF_START)
            s->counting = true;
        else if (r->kind == TIDE_REF_FORGET && s->nodes[r->id].last != 0)
            leave_list(s, p, r->id);
        else
            rc = references(s, p, r, e);
    }
    return rc;
}

int tide_series_finish(struct tide_series *s, struct tide_error *e)
{
    return s->vtime > 0 && s->left < s->config.interval ? sample(s, e) : 0;
}
