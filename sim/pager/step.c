/* One reference, straight from the definitions: the plain engine, and the judge of the fast one.
 *
 * See machine.h for the path. Nothing is remembered from one reference to the next but the
 * machine's state.
 */
#include "pager/internal.h"

static int segv(struct tide_machine *m, enum tide_fault_kind kind)
{
    m->counts.kinds[kind]++;
    return 0;
}

int step_tell(struct tide_machine *m, uint32_t frame, uint64_t n, uint64_t position,
              struct tide_error *e)
{
    uint64_t next = 0;

    if (n == 0)
        return 0;
    if (m->config.observe == TIDE_OBSERVE_EVERY_REFERENCE)
        m->bits[frame] |= TIDE_FRAME_REFERENCED;
    if (m->policy->touch == NULL)
        return 0;
    if (m->policy->observes == TIDE_OBSERVES_ORDER) {
        if (m->last_touched == frame)
            return 0;
        m->last_touched = frame;
    } else if (m->policy->observes == TIDE_OBSERVES_FUTURE) {
        int rc = tide_future_next(m->future, position, &next, e);

        if (rc != 0)
            return rc;
    }
    m->policy->touch(m->policy_state, frame, n, next);
    return 0;
}

/* From address space to touch; the reference has been counted. */
static int translate(struct tide_machine *m, struct process *p, tide_page page, uint64_t addr,
                     enum tide_kind kind, enum tide_kind fault_kind, bool repeats, bool *faulted,
                     struct tide_error *e)
{
    enum tide_side side = tide_side_of(kind);
    uint64_t page_bytes = UINT64_C(1) << m->geometry.page_shift;
    struct tide_vma *vma = NULL;
    unsigned prot = 0;
    uint32_t frame = NO_FRAME;
    bool keep = true;
    int level, rc;

    rc = tide_mm_touch(&p->mm, addr & ~(page_bytes - 1), page_bytes, addr, &prot, &vma, e);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        m->previous = TIDE_PAGE_NONE;
        return segv(m, TIDE_FAULT_SEGV_MAP);
    }
    if ((prot & tide_prot_needed(fault_kind)) == 0) {
        m->previous = TIDE_PAGE_NONE;
        return segv(m, fault_kind == TIDE_FETCH   ? TIDE_FAULT_SEGV_FETCH
                       : fault_kind == TIDE_WRITE ? TIDE_FAULT_SEGV_WRITE
                                                  : TIDE_FAULT_SEGV_READ);
    }
    level = tide_tlb_lookup(&m->tlb, side, page, &frame);
    if (level < 0) {
        uint64_t *pte = tide_pagetable_walk(&m->pagetable, page);

        m->counts.tlb_misses++;
        if (pte != NULL && (*pte & TIDE_PTE_PRESENT) != 0) {
            frame = tide_pte_frame(*pte);
            if (m->config.observe == TIDE_OBSERVE_ACCESSED_BIT)
                m->bits[frame] |= TIDE_FRAME_REFERENCED;
        } else {
            *faulted = true;
            rc = memory_fault(m, p, page, vma, prot, fault_kind, &frame, e);
            if (rc != 0)
                return rc;
        }
        /* a bit that load() cleared has flushed the page like any other that is cleared */
        keep = !m->config.flush_on_clear || (m->bits[frame] & TIDE_FRAME_REFERENCED) != 0;
        if (keep)
            tide_tlb_fill(&m->tlb, side, page, frame);
    }
    if (keep)
        tide_tlb_note(&m->tlb, side, level, &m->frames[frame].seen);
    step_mark(m, frame, kind == TIDE_WRITE);
    if (*faulted) /* the load was told */
        return 0;
    return step_tell(m, frame, m->config.references == TIDE_REFERENCES_EVERY || !repeats,
                     m->position, e);
}

int step_pass_over(struct tide_machine *m, struct process *p, uint64_t addr, struct tide_error *e)
{
    uint64_t page_bytes = UINT64_C(1) << m->geometry.page_shift;
    struct tide_vma *vma = NULL;
    unsigned prot = 0;
    int rc = tide_mm_touch(&p->mm, addr & ~(page_bytes - 1), page_bytes, addr, &prot, &vma, e);

    return rc < 0 ? rc : 0;
}

int step(struct tide_machine *m, unsigned process, uint64_t addr, enum tide_kind kind,
         enum tide_kind fault_kind, bool starts_access, struct tide_error *e)
{
    bool canonical = tide_canonical(m->geometry, addr);
    tide_page page = canonical ? tide_page_of(m->geometry, process, addr) : TIDE_PAGE_NONE;
    bool faulted = false, repeats;
    struct process *p;
    int rc;

    rc = memory_process(m, process, &p, e);
    if (rc != 0)
        return rc;
    if (m->skip_left > 0) {
        m->skip_left--;
        return canonical ? step_pass_over(m, p, addr, e) : 0;
    }
    repeats = canonical && page.v == m->previous.v;
    m->position += !repeats;
    m->previous = page;
    m->now++;
    if (m->own_times != NULL) {
        m->own_times[process]++;
        m->running = process;
    }
    m->counts.references++;
    m->counts.accesses += starts_access;
    p->references++;
    m->victim.page = TIDE_PAGE_NONE;
    if (canonical) {
        rc = translate(m, p, page, addr, kind, fault_kind, repeats, &faulted, e);
    } else {
        rc = segv(m, TIDE_FAULT_SEGV_NONCANONICAL);
    }
    if (rc != 0)
        return rc;
    /* references that fault for good have positions of their own, and so have those after them:
     * `previous` is NONE then */
    m->position += repeats && m->previous.v == TIDE_PAGE_NONE.v;
    if (m->policy->due != NULL)
        machine_ask_due(m);
    if (m->watch.reference != NULL)
        m->watch.reference(m->watch.context, m, page, kind, faulted, m->victim.page, m->victim.why);
    return m->now == m->deadline ? machine_deadline(m, e) : 0;
}

/* An access is one reference for each page it touches; a MODIFY reads all of them, then writes all.
 */
int step_access(struct tide_machine *m, const struct tide_access *a, bool skip_first,
                struct tide_error *e)
{
    unsigned shift = m->geometry.page_shift;
    uint64_t pages = ((a->addr + a->size - 1) >> shift) - (a->addr >> shift) + 1;
    bool modify = a->kind == TIDE_MODIFY;
    enum tide_kind kind = modify ? TIDE_READ : (enum tide_kind)a->kind;
    enum tide_kind fault_kind = modify ? TIDE_WRITE : kind;

    for (int pass = 0; pass < (modify ? 2 : 1); pass++) {
        for (uint64_t i = 0; i < pages; i++) {
            bool first = pass == 0 && i == 0;
            uint64_t addr = i == 0 ? a->addr : ((a->addr >> shift) + i) << shift;

            if (!(first && skip_first)) {
                int rc = step(m, a->process, addr, kind, fault_kind, first, e);

                if (rc != 0)
                    return rc;
                if (m->done)
                    return 0;
            }
        }
        kind = TIDE_WRITE;
    }
    return 0;
}
