/* The fast engine on page runs, for machines that must be told more than quiet.c keeps.
 *
 * Most references repeat the page that their side touched last. Such a page is in its first-level
 * TLB array, at the slot where the run's first reference found or put it, and stays there as long
 * as nothing else of that array is filled and the page keeps its frame: losing the frame takes it
 * out of the array. So the folded references of a run are hits with the same effects, which are
 * added up. Whatever is not that simple (a fault in between has taken the page away, a permission
 * is missing, a deadline falls into the run, a side has no TLB) is taken apart into single
 * references by the plain engine's step.
 *
 * Order: the folded references alternate between two pages; between decisions only the order of the
 * last reference to each can matter (replacement/policy.h), so the side referenced last is handled
 * last.
 */
#include "pager/internal.h"

enum { ACCESSES_AT_ONCE = 64 };

/* ---- what the sides hold ---- */

/* Where a side's last page sits in its first-level array. */
struct hold {
    struct tide_tlb_array *array; /* NULL: the side has no TLB */
    int32_t slot;                 /* -1: not there */
    tide_page page;               /* TIDE_PAGE_NONE: none yet in this segment */
    unsigned kind;                /* of the run that began with it */
};

static inline bool holds(const struct hold *h)
{
    return h->slot >= 0 && h->array->tags[h->slot] == h->page.v;
}

static inline void find_hold(struct hold *h)
{
    h->slot = h->array != NULL && h->page.v != TIDE_PAGE_NONE.v
                  ? tide_tlb_array_find(h->array, h->page)
                  : -1;
}

static inline bool permits(const struct tide_machine *m, const struct hold *h, unsigned needed)
{
    return (m->frames[h->array->frames[h->slot]].prot & needed) == needed;
}

/* What the references to the held page of a side need at most: a page that is written may be read
 * too. */
static unsigned needs(const struct hold *h)
{
    return h->kind == TIDE_FETCH  ? TIDE_PROT_EXEC
           : h->kind == TIDE_READ ? TIDE_PROT_READ
                                  : TIDE_PROT_READ | TIDE_PROT_WRITE;
}

/* ---- accesses of a run, whatever form the block has ---- */

/* At most ACCESSES_AT_ONCE of the accesses [from, to). */
static const struct tide_access *some_accesses(const struct tide_block *b, size_t from, size_t to,
                                               struct tide_access *buffer, size_t *n)
{
    *n = to - from;
    if (b->dictionary == NULL)
        return &b->accesses[from];
    if (*n > ACCESSES_AT_ONCE)
        *n = ACCESSES_AT_ONCE;
    tide_block_expand(b, from, from + *n, buffer);
    return buffer;
}

/* Takes accesses [from, to) of a run apart; `skip_first`: the first reference has been made. */
static int apart(struct tide_machine *m, const struct tide_block *b, size_t from, size_t to,
                 bool skip_first, struct hold *hold, struct tide_error *e)
{
    struct tide_access buffer[ACCESSES_AT_ONCE];
    size_t n;

    for (size_t i = from; i < to && !m->done; i += n) {
        const struct tide_access *a = some_accesses(b, i, to, buffer, &n);

        for (size_t k = 0; k < n && !m->done; k++) {
            int rc = step_access(m, &a[k], skip_first && i + k == from, e);

            if (rc != 0)
                return rc;
        }
    }
    /* held pages may sit elsewhere in their arrays now, or be gone */
    for (int side = 0; side < TIDE_SIDES; side++)
        find_hold(&hold[side]);
    return 0;
}

/* ---- one run ---- */

static inline bool dirty(const struct tide_machine *m, const struct hold *h)
{
    return (m->bits[h->array->frames[h->slot]] & TIDE_FRAME_DIRTY) != 0;
}

/* All folded references of the run are hits of held pages that permit them and change no page: one
 * that has been written, evicted and read in again is clean, and the next write to it is among the
 * folded references, who knows where. */
static inline bool foldable(const struct tide_machine *m, const struct tide_folded *f,
                            const struct hold *hold)
{
    const uint32_t n[TIDE_SIDES] = {[TIDE_SIDE_FETCH] = f->fetches, [TIDE_SIDE_DATA] = f->data};

    for (int side = 0; side < TIDE_SIDES; side++)
        if (n[side] > 0 && (!holds(&hold[side]) || !permits(m, &hold[side], needs(&hold[side])) ||
                            (hold[side].kind >= TIDE_WRITE && !dirty(m, &hold[side]))))
            return false;
    return true;
}

/* n references of one side, the last of them at time `now` and `position`; the policy is told of
 * `tell` of them. */
static inline int fold(struct tide_machine *m, struct hold *h, uint32_t n, uint64_t tell,
                       uint64_t now, uint64_t position, struct tide_error *e)
{
    uint32_t frame = h->array->frames[h->slot];

    m->now = now;
    tide_tlb_array_hit(h->array, h->slot, n);
    step_mark(m, frame, false);
    return step_tell(m, frame, tell, position, e);
}

/* ---- the sides of a run, whatever form the block has ---- */

/* What goes through the accesses [.., to) of a block, which may lie in fragments. */
struct walk {
    const struct tide_block *b;
    size_t next, to;     /* accesses of the block */
    size_t fragment;     /* that `next` lies in, and what of it has been gone through: */
    unsigned data, done; /* data accesses and fetches */
};

/* References of one side in a row, not always all of them. */
struct stretch {
    enum tide_side side;
    uint32_t references;
};

static inline uint32_t references_of(unsigned kind)
{
    return kind == TIDE_MODIFY ? 2 : 1;
}

static inline bool next_stretch(struct walk *w, struct stretch *s)
{
    const struct tide_block *b = w->b;
    size_t left = w->to - w->next;

    if (left == 0)
        return false;
    if (b->dictionary == NULL) {
        unsigned kind = b->accesses[w->next++].kind;

        *s = (struct stretch){tide_side_of((enum tide_kind)kind), references_of(kind)};
        return true;
    }
    for (;; w->fragment++, w->data = w->done = 0) {
        const struct tide_fragment *f = &b->dictionary->fragments[b->ids[w->fragment]];
        const struct tide_slot *slot = &b->dictionary->slots[f->first_slot + w->data];
        unsigned before = w->data < f->data ? slot->fetches : f->fetches;

        if (w->done < before) {
            uint32_t n = before - w->done < left ? before - w->done : (uint32_t)left;

            *s = (struct stretch){TIDE_SIDE_FETCH, n};
            w->done += n;
            w->next += n;
            return true;
        }
        if (w->data < f->data) {
            *s = (struct stretch){TIDE_SIDE_DATA, references_of(slot->kind)};
            w->data++;
            w->next++;
            return true;
        }
    }
}

/* To the accesses of a run; from where the walk is, which must not be behind that. */
static inline void walk_run(struct walk *w, const struct tide_run *r)
{
    const struct tide_block *b = w->b;
    size_t first = tide_run_first(r->word);
    struct stretch passed;

    if (b->dictionary == NULL) {
        w->next = first;
    } else if (w->next < first) {
        if (w->fragment + 1 < b->n_fragments && b->starts[w->fragment + 1] <= first) {
            while (w->fragment + 1 < b->n_fragments && b->starts[w->fragment + 1] <= first)
                w->fragment++;
            w->next = b->starts[w->fragment];
            w->data = w->done = 0;
        }
        w->to = first;
        while (next_stretch(w, &passed))
            ;
    }
    w->to = tide_run_first(r[1].word);
}

/* Tells the policy of the folded references one stay on a page after the other, for policies that
 * must not have two pages folded. `now` is the time of the run's first reference. */
static int tell_each(struct tide_machine *m, struct walk w, const struct tide_run *r,
                     const struct hold *hold, uint64_t now, struct tide_error *e)
{
    bool every = m->config.references == TIDE_REFERENCES_EVERY, more = true;
    const struct hold *at = NULL;
    uint64_t position = m->position;
    tide_page previous = r->page;
    uint64_t stay = 0;  /* references since the page changed */
    uint32_t first = 1; /* the first reference has been told */

    while (more) {
        struct stretch s = {0};
        const struct hold *h;

        more = next_stretch(&w, &s); /* at the end the last stay is told */
        h = more ? &hold[s.side] : NULL;
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
        stay += s.references - first;
        now += s.references - first;
        first = 0;
    }
    return 0;
}

/* How the folded references of a run go back and forth. */
struct order {
    uint32_t changes; /* times they go from one side to the other, from the run's first one on */
    uint32_t tail;    /* references since the last one of the side not referenced last; all, where
                       * there is none */
};

static struct order order_of(struct walk *w, const struct tide_run *r)
{
    enum tide_side side = tide_side_of(tide_run_kind(r));
    struct order o = {0};
    struct stretch s;

    while (next_stretch(w, &s)) {
        bool changed = s.side != side;

        o.changes += changed;
        o.tail = (changed ? 0 : o.tail) + s.references;
        side = s.side;
    }
    o.tail -= o.changes == 0; /* the first one is not folded */
    return o;
}

static inline int fold_all(struct tide_machine *m, struct walk *w, const struct tide_run *r,
                           const struct tide_folded *f, struct hold *hold, struct tide_error *e)
{
    bool every = m->config.references == TIDE_REFERENCES_EVERY;
    bool each = m->policy->observes == TIDE_OBSERVES_EACH;
    unsigned last = f->last, other = 1 - last;
    const uint32_t n[TIDE_SIDES] = {[TIDE_SIDE_FETCH] = f->fetches, [TIDE_SIDE_DATA] = f->data};
    struct order order = {0};
    struct walk begin = *w;
    const uint64_t start = m->now, end = start + f->fetches + f->data;
    uint32_t switches;
    uint64_t position, tell_last, tell_other;
    int rc = 0;

    if (!machine_wants_order_only(m)) {
        walk_run(w, r);
        begin = *w;
        order = order_of(w, r);
    }
    /* the merged stream changes page with the side, unless both hold one page */
    switches = hold[TIDE_SIDE_FETCH].page.v != hold[TIDE_SIDE_DATA].page.v ? order.changes : 0;
    position = m->position + switches;
    /* the merged stream went back and forth; the last switch was to the side referenced last */
    tell_last = each ? 0 : every ? n[last] : (switches + UINT64_C(1)) / 2;
    tell_other = each ? 0 : every ? n[other] : switches / 2;
    if (n[other] > 0)
        rc = fold(m, &hold[other], n[other], tell_other, end - order.tail,
                  switches > 0 ? position - 1 : position, e);
    if (rc == 0)
        rc = fold(m, &hold[last], n[last], tell_last, end, position, e);
    if (rc == 0 && each)
        rc = tell_each(m, begin, r, hold, start, e);
    m->now = end;
    m->position = position;
    m->previous = hold[last].page;
    return rc;
}

/* References before the machine's start: the address space follows. */
static int skip_run(struct tide_machine *m, const struct tide_block *b, const struct tide_run *r,
                    const struct tide_folded *f, struct tide_error *e)
{
    size_t at = tide_run_first(r->word);
    struct tide_access first;
    struct process *p;
    int rc = memory_process(m, tide_page_process(r->page), &p, e);

    if (rc != 0)
        return rc;
    tide_block_expand(b, at, at + 1, &first);
    m->skip_left -= UINT64_C(1) + f->fetches + f->data;
    return step_pass_over(m, p, first.addr, e);
}

static int fast_run(struct tide_machine *m, struct walk *w, const struct tide_run *r,
                    struct hold *hold, struct tide_error *e)
{
    const struct tide_block *b = w->b;
    struct tide_folded f = tide_run_folded(r);
    enum tide_kind kind = tide_run_kind(r);
    enum tide_kind fault_kind = kind == TIDE_MODIFY ? TIDE_WRITE : kind;
    unsigned side = tide_side_of(kind), needed = tide_prot_needed(fault_kind), process;
    struct hold *h = &hold[side];
    uint32_t folded = f.fetches + f.data;
    size_t from = tide_run_first(r->word), to = tide_run_first(r[1].word);
    struct process *p;
    int rc;

    if ((tide_run_flags(r) & TIDE_RUN_APART) != 0) {
        hold[TIDE_SIDE_FETCH].page = hold[TIDE_SIDE_DATA].page = TIDE_PAGE_NONE;
        return apart(m, b, from, to, false, hold, e);
    }
    if ((tide_run_flags(r) & TIDE_RUN_PROCESS) != 0) {
        hold[TIDE_SIDE_FETCH].page = hold[TIDE_SIDE_DATA].page = TIDE_PAGE_NONE;
        hold[TIDE_SIDE_FETCH].slot = hold[TIDE_SIDE_DATA].slot = -1;
    }
    h->page = r->page;
    h->kind = kind;
    if (m->skip_left > folded)
        return skip_run(m, b, r, &f, e);
    process = tide_page_process(r->page);
    if (h->array == NULL || m->policy->due != NULL || m->skip_left > 0 ||
        m->deadline - m->now <= folded || process >= m->n_processes)
        return apart(m, b, from, to, false, hold, e);
    p = m->processes[process];
    find_hold(h);
    if (holds(h) && permits(m, h, needed)) {
        uint64_t tell = m->config.references == TIDE_REFERENCES_EVERY || r->page.v != m->previous.v;

        m->position += r->page.v != m->previous.v;
        m->previous = r->page;
        m->counts.references++;
        m->counts.accesses++;
        p->references++;
        step_mark(m, h->array->frames[h->slot], kind == TIDE_WRITE);
        rc = fold(m, h, 1, tell, m->now + 1, m->position, e);
        if (rc == 0 && m->now == m->deadline)
            return machine_deadline(m, e);
    } else {
        struct tide_access first;

        tide_block_expand(b, from, from + 1, &first);
        rc = step(m, process, first.addr, kind == TIDE_MODIFY ? TIDE_READ : kind, fault_kind, true,
                  e);
        find_hold(&hold[TIDE_SIDE_FETCH]);
        find_hold(&hold[TIDE_SIDE_DATA]);
    }
    if (rc != 0 || folded == 0)
        return rc;
    /* a first reference that was a segmentation fault ends the merged stream's repeats */
    if (!holds(h) || !permits(m, h, needed))
        return apart(m, b, from, to, true, hold, e);
    if (kind == TIDE_MODIFY) /* its write comes before all else that is folded */
        step_mark(m, h->array->frames[h->slot], true);
    if (!foldable(m, &f, hold))
        return apart(m, b, from, to, true, hold, e);
    m->counts.references += folded;
    m->counts.accesses += to - from - 1;
    p->references += folded;
    rc = fold_all(m, w, r, &f, hold, e);
    return rc == 0 && m->now == m->deadline ? machine_deadline(m, e) : rc;
}

/* No run can be folded, whatever is in it. */
static bool folds_nothing(const struct tide_machine *m)
{
    return m->policy->due != NULL ||
           (m->tlb.depth[TIDE_SIDE_FETCH] == 0 && m->tlb.depth[TIDE_SIDE_DATA] == 0);
}

int fast_runs(struct tide_machine *m, const struct tide_block *b, const struct tide_run *runs,
              size_t n_runs, struct tide_error *e)
{
    struct walk w = {.b = b};
    struct hold hold[TIDE_SIDES];

    if (b->dictionary != NULL && n_runs > 0) {
        w.fragment = tide_block_fragment(b, tide_run_first(runs[0].word));
        w.next = b->starts[w.fragment];
    }
    for (int side = 0; side < TIDE_SIDES; side++)
        hold[side] = (struct hold){
            .array = m->tlb.depth[side] > 0 ? &m->tlb.arrays[m->tlb.path[side][0]] : NULL,
            .slot = -1,
            .page = TIDE_PAGE_NONE,
        };
    if (folds_nothing(m) && m->skip_left == 0 && n_runs > 0)
        return apart(m, b, tide_run_first(runs[0].word), tide_run_first(runs[n_runs].word), false,
                     hold, e);
    for (size_t i = 0; i < n_runs && !m->done; i++) {
        int rc = fast_run(m, &w, &runs[i], hold, e);

        if (rc != 0)
            return rc;
    }
    return 0;
}
