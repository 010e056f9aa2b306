/* The fast engine: page runs instead of references.
 *
 * Most references repeat the page that their side touched last. Such a page is in its first-level
 * TLB array, at the slot where the run's first reference found or put it, and stays there as long
 * as nothing else of that array is filled and the page keeps its frame: losing the frame takes it
 * out of the array. So one compare of the slot's tag tells whether all folded references of a run
 * are hits with the same effects, which are then added up. Whatever is not that simple (a fault in
 * between has taken the page away, a permission is missing, a deadline falls into the run, a side
 * has no TLB) is taken apart into single references by the plain engine's step.
 *
 * Order: the folded references alternate between two pages; between decisions only the order of the
 * last reference to each can matter (replacement/policy.h), so the side referenced last is handled
 * last.
 */
#include "pager/internal.h"

/* Where a side's last page sits in its first-level array. */
struct hold {
    struct tide_tlb_array *array; /* NULL: the side has no TLB */
    int32_t slot;
    tide_page page; /* NOT_HELD: none */
};

/* Unlike TIDE_PAGE_NONE it never equals the tag of an empty slot. */
#define NOT_HELD ((tide_page){UINT64_MAX - 1})

static inline bool holds(const struct hold *h)
{
    return h->array != NULL && h->array->tags[h->slot] == h->page.v;
}

static inline void find_hold(struct hold *h, tide_page page)
{
    h->slot = tide_tlb_array_find(h->array, page);
    h->page = page;
    if (h->slot < 0) {
        h->slot = 0;
        h->page = NOT_HELD;
    }
}

/* Takes accesses [from, to) of a run apart; `skip_first`: the first reference has been made. */
static int apart(struct tide_machine *m, const struct tide_block *b, size_t from, size_t to,
                 bool skip_first, struct hold *hold, struct tide_error *e)
{
    for (size_t i = from; i < to && !m->done; i++) {
        int rc = step_access(m, &b->accesses[i], skip_first && i == from, e);

        if (rc != 0)
            return rc;
    }
    /* held pages may sit elsewhere in their arrays now, or be gone */
    for (int side = 0; side < TIDE_SIDES; side++)
        if (hold[side].array != NULL && hold[side].page.v != NOT_HELD.v)
            find_hold(&hold[side], hold[side].page);
    return 0;
}

static inline bool permits(const struct tide_machine *m, const struct hold *h, unsigned needed)
{
    return (m->frames[h->array->frames[h->slot]].prot & needed) == needed;
}

/* All folded references of the run are hits of held pages that permit them. */
static inline bool foldable(const struct tide_machine *m, const struct tide_run *r,
                            const struct hold *hold)
{
    if (r->fetches > 0 &&
        (!holds(&hold[TIDE_SIDE_FETCH]) || !permits(m, &hold[TIDE_SIDE_FETCH], TIDE_PROT_EXEC)))
        return false;
    if (r->data > 0) {
        unsigned needed = ((r->flags & TIDE_RUN_READS) != 0 ? TIDE_PROT_READ : 0u) |
                          ((r->flags & TIDE_RUN_WRITES) != 0 ? TIDE_PROT_WRITE : 0u);

        if (!holds(&hold[TIDE_SIDE_DATA]) || !permits(m, &hold[TIDE_SIDE_DATA], needed))
            return false;
    }
    return true;
}

/* n references of one side, the last of them at time `now` and `position`; the policy is told of
 * `tell` of them. */
static inline int fold(struct tide_machine *m, struct hold *h, uint32_t n, uint64_t tell,
                       bool writes, uint64_t now, uint64_t position, struct tide_error *e)
{
    uint32_t frame = h->array->frames[h->slot];

    m->now = now;
    tide_tlb_array_hit(h->array, h->slot, n);
    step_mark(m, frame, writes);
    return step_tell(m, frame, tell, position, e);
}

/* Tells the policy of the folded references one stay on a page after the other, for policies that
 * must not have two pages folded. `now` is the time of the run's first reference. */
static int tell_each(struct tide_machine *m, const struct tide_block *b, const struct tide_run *r,
                     size_t to, const struct hold *hold, uint64_t now, tide_page previous,
                     struct tide_error *e)
{
    uint64_t stay = 0; /* references since the page changed */
    bool modify = (r->flags & TIDE_RUN_KIND) == TIDE_MODIFY;
    bool every = m->config.references == TIDE_REFERENCES_EVERY;
    const struct hold *at = NULL;
    uint64_t position = m->position;

    for (size_t i = r->first; i <= to; i++) {
        const struct tide_access *a = &b->accesses[i];
        const struct hold *h = i < to ? &hold[tide_side_of((enum tide_kind)a->kind)] : NULL;
        uint64_t n = i == to ? 0 : a->kind == TIDE_MODIFY ? 2 : 1;

        if (i == r->first)
            n = modify ? 1 : 0; /* the first reference has been told */
        if (at != NULL && (h == NULL || h->page.v != at->page.v)) {
            bool repeats = at->page.v == previous.v;
            uint64_t tell = every ? stay : !repeats;
            int rc;

            m->now = every ? now : now - stay + 1; /* repeats would not move the time */
            position += !repeats;
            rc = stay == 0 ? 0 : step_tell(m, at->array->frames[at->slot], tell, position, e);
            if (rc != 0)
                return rc;
            if (stay > 0)
                previous = at->page;
            stay = 0;
        }
        at = h;
        stay += n;
        now += n;
    }
    return 0;
}

static inline int fold_all(struct tide_machine *m, const struct tide_block *b,
                           const struct tide_run *r, size_t to, struct hold *hold,
                           struct tide_error *e)
{
    bool writes = (r->flags & TIDE_RUN_WRITES) != 0;
    bool every = m->config.references == TIDE_REFERENCES_EVERY;
    bool each = m->policy->observes == TIDE_OBSERVES_EACH;
    unsigned last = (r->flags & TIDE_RUN_LAST_FETCH) != 0 ? TIDE_SIDE_FETCH : TIDE_SIDE_DATA;
    unsigned other = 1 - last;
    const uint32_t n[TIDE_SIDES] = {[TIDE_SIDE_FETCH] = r->fetches, [TIDE_SIDE_DATA] = r->data};
    uint64_t start = m->now, end = start + r->fetches + r->data;
    uint64_t position = m->position + r->switches;
    /* the merged stream went back and forth; the last switch was to the side referenced last */
    uint64_t tell_last = each ? 0 : every ? n[last] : (r->switches + UINT64_C(1)) / 2;
    uint64_t tell_other = each ? 0 : every ? n[other] : r->switches / 2;
    int rc = 0;

    if (n[other] > 0)
        rc = fold(m, &hold[other], n[other], tell_other, writes && other == TIDE_SIDE_DATA,
                  end - r->tail, r->switches > 0 ? position - 1 : position, e);
    if (rc == 0)
        rc = fold(m, &hold[last], n[last], tell_last, writes && last == TIDE_SIDE_DATA, end,
                  position, e);
    if (rc == 0 && each)
        rc = tell_each(m, b, r, to, hold, start, r->page, e);
    m->now = end;
    m->position = position;
    m->previous = hold[last].page;
    return rc;
}

/* References before the machine's start: the address space follows. */
static int skip_run(struct tide_machine *m, const struct tide_run *r, uint64_t addr,
                    struct hold *hold, unsigned side, struct tide_error *e)
{
    struct process *p;
    int rc = memory_process(m, tide_page_process(r->page), &p, e);

    if (rc != 0)
        return rc;
    hold[side].page = r->page;
    m->skip_left -= UINT64_C(1) + r->fetches + r->data;
    return step_pass_over(m, p, addr, e);
}

static int fast_run(struct tide_machine *m, const struct tide_block *b, const struct tide_run *r,
                    size_t to, struct hold *hold, struct tide_error *e)
{
    enum tide_kind kind = (enum tide_kind)(r->flags & TIDE_RUN_KIND);
    enum tide_kind fault_kind = kind == TIDE_MODIFY ? TIDE_WRITE : kind;
    unsigned side = tide_side_of(kind), needed = tide_prot_needed(fault_kind), process;
    struct hold *h = &hold[side];
    uint32_t folded = r->fetches + r->data;
    struct process *p;
    int rc;

    if ((r->flags & TIDE_RUN_APART) != 0)
        return apart(m, b, r->first, to, false, hold, e);
    if (m->skip_left > folded)
        return skip_run(m, r, b->accesses[r->first].addr, hold, side, e);
    process = tide_page_process(r->page);
    if (h->array == NULL || m->policy->due != NULL || m->skip_left > 0 ||
        m->deadline - m->now <= folded || process >= m->n_processes) {
        h->page = r->page;
        return apart(m, b, r->first, to, false, hold, e);
    }
    p = m->processes[process];
    find_hold(h, r->page);
    if (holds(h) && permits(m, h, needed)) {
        uint64_t tell = m->config.references == TIDE_REFERENCES_EVERY || r->page.v != p->previous.v;

        m->position += r->page.v != m->previous.v;
        m->previous = p->previous = r->page;
        m->counts.references++;
        m->counts.accesses++;
        p->references++;
        rc = fold(m, h, 1, tell, kind == TIDE_WRITE, m->now + 1, m->position, e);
        if (rc == 0 && m->now == m->deadline)
            return machine_deadline(m, e);
    } else {
        rc = step(m, process, b->accesses[r->first].addr, kind == TIDE_MODIFY ? TIDE_READ : kind,
                  fault_kind, true, e);
        find_hold(h, r->page);
    }
    if (rc != 0 || folded == 0)
        return rc;
    /* a first reference that was a segmentation fault ends the merged stream's repeats */
    if (!holds(h) || !permits(m, h, needed) || !foldable(m, r, hold))
        return apart(m, b, r->first, to, true, hold, e);
    m->counts.references += folded;
    m->counts.accesses += to - r->first - 1;
    p->references += folded;
    rc = fold_all(m, b, r, to, hold, e);
    p->previous = m->previous;
    return rc == 0 && m->now == m->deadline ? machine_deadline(m, e) : rc;
}

int fast_segment(struct tide_machine *m, const struct tide_block *b, const struct tide_run *runs,
                 size_t n_runs, size_t to, struct tide_error *e)
{
    struct hold hold[TIDE_SIDES];

    for (int side = 0; side < TIDE_SIDES; side++)
        hold[side] = (struct hold){
            .array = m->tlb.depth[side] > 0 ? &m->tlb.arrays[m->tlb.path[side][0]] : NULL,
            .page = NOT_HELD,
        };
    for (size_t i = 0; i < n_runs && !m->done; i++) {
        int rc = fast_run(m, b, &runs[i], i + 1 < n_runs ? runs[i + 1].first : to, hold, e);

        if (rc != 0)
            return rc;
    }
    return 0;
}
