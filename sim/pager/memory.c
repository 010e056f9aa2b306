/* Frames: where pages of the programs and the kernel's own objects live, and how they come and go.
 *
 * All memory is one zone of one buddy allocator. A page of a program is a block of 2^page_order
 * frames; a *user frame* is a number 0..capacity-1 that stands for such a block as long as it holds
 * a page: policies, TLB entries and PTEs know user frames, so that nothing in them depends on where
 * the buddy happens to put a block.
 *
 *   frames: N      user pages have N user frames; page tables and slabs live in a reserve beside
 *                  them that grows by 4 MiB whenever it is used up, so it never decides anything;
 *                  by as much as a page where they have broken the block that one needs
 *   memory: SIZE   everything shares SIZE; when free frames fall below the low watermark, user
 * pages are evicted until the high one is reached; when that is not enough the machine is out of
 * memory and its run ends there
 *
 * Source: Linux mm/page_alloc.c (init_per_zone_wmark_min, __setup_per_zone_wmarks) for watermarks.
 * Differs: small zones keep at most 1/8 of themselves free, so that toy memories work; reclaim
 * happens inside the allocation that found too little, there is no kswapd in the background.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pager/internal.h"

enum {
    RESERVE_BYTES = 4 << 20,
    MAX_FRAME_SHIFT = 12, /* frames are pages up to 4 KiB; larger pages are blocks of frames */
    CPUS = 2              /* SLUB's geometry depends on it; the machine measured in tests has 2 */
};

/* Object sizes as Linux 6.18 on x86-64 has them (/proc/slabinfo). */
static const struct {
    const char *name;
    uint32_t bytes, align;
} kernel_objects[CACHES] = {
    [CACHE_VMA] = {"vm_area_struct", 192, 64},
    [CACHE_MM] = {"mm_struct", 1568, 64},
    [CACHE_PTDESC] = {"ptdesc", 64, 64},
};

static uint64_t isqrt(uint64_t x)
{
    uint64_t r = 0;

    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1)
        if ((r | bit) * (r | bit) <= x)
            r |= bit;
    return r;
}

static void set_watermarks(struct tide_machine *m)
{
    uint64_t frame_bytes = UINT64_C(1) << m->frame_shift;
    uint64_t managed = m->buddy.frames;
    uint64_t min_kb = isqrt(16 * (managed * frame_bytes / 1024)), min, gap;

    min_kb = min_kb < 128 ? 128 : min_kb > 262144 ? 262144 : min_kb;
    min = min_kb * 1024 / frame_bytes;
    if (min > managed / 8)
        min = managed / 8;
    gap = managed / 1000; /* watermark_scale_factor 10, of 10000 */
    if (gap < min / 4)
        gap = min / 4;
    m->low = (uint32_t)(min + gap);
    m->high = (uint32_t)(min + 2 * gap);
}

/* ---- eviction ---- */

static void release_slot(struct tide_machine *m, uint32_t frame)
{
    tide_buddy_free(&m->buddy, m->frames[frame].pfn, m->page_order);
    m->pages[frame] = TIDE_PAGE_NONE;
    m->bits[frame] = 0;
    m->free_slots[m->n_free_slots++] = frame;
    m->resident--;
    if (m->last_touched == frame)
        m->last_touched = NO_FRAME;
}

/* The page in a frame leaves memory by the policy's decision. */
static void evict_frame(struct tide_machine *m, uint32_t frame)
{
    tide_page page = m->pages[frame];
    uint64_t *pte;

    assert(page.v != TIDE_PAGE_NONE.v);
    if (m->watch.reference != NULL) {
        m->victim.page = page;
        m->victim.why[0] = '\0';
        if (m->policy->why != NULL)
            m->policy->why(m->policy_state, frame, m->victim.why, sizeof m->victim.why);
    }
    m->policy->remove(m->policy_state, frame, TIDE_REMOVE_EVICT);
    m->counts.evictions++;
    m->counts.writebacks += (m->bits[frame] & TIDE_FRAME_DIRTY) != 0;
    pte = tide_pagetable_find(&m->pagetable, page);
    *pte = (uint64_t)m->frames[frame].stamp << 32 | (uint64_t)m->frames[frame].seen << 16 |
           TIDE_PTE_EVICTED;
    tide_tlb_invalidate(&m->tlb, page);
    m->processes[tide_page_process(page)]->rss--;
    /* the eviction belongs to the reference that is being made, now */
    settle_resident(m, m->now > 0 ? m->now - 1 : 0);
    release_slot(m, frame);
}

static void evict(struct tide_machine *m)
{
    evict_frame(m, m->policy->victim(m->policy_state));
}

void memory_shed(struct tide_machine *m)
{
    uint32_t frame;

    while (m->policy->shed(m->policy_state, &frame))
        evict_frame(m, frame);
}

/* ---- physical memory ---- */

static int out_of_memory(struct tide_machine *m, struct tide_error *e)
{
    m->status = TIDE_STATUS_OOM;
    m->done = true;
    return tide_fail(e, TIDE_E_RUN, "the simulated machine is out of memory");
}

/* A block of 2^order frames for the kernel or a user page. */
static tide_pfn alloc_block(struct tide_machine *m, unsigned order)
{
    tide_pfn pfn;

    if (m->config.by_memory) {
        uint64_t need = UINT64_C(1) << order;

        if (m->buddy.free_frames < m->low + need)
            while (m->resident > 0 && m->buddy.free_frames < m->high + need)
                evict(m);
        /* free memory may be in pieces that are too small */
        while ((pfn = tide_buddy_alloc(&m->buddy, order)).v == TIDE_PFN_NONE.v && m->resident > 0)
            evict(m);
        return pfn;
    }
    while ((pfn = tide_buddy_alloc(&m->buddy, order)).v == TIDE_PFN_NONE.v &&
           order < TIDE_BUDDY_ORDERS) {
        uint32_t more = (uint32_t)RESERVE_BYTES >> m->frame_shift;

        if (tide_buddy_grow(&m->buddy, more, m->hook_error) != 0) {
            m->hook_code = TIDE_E_NOMEM;
            break;
        }
    }
    return pfn;
}

static tide_pfn slab_block(void *context, unsigned order)
{
    return alloc_block(context, order);
}

static void slab_unblock(void *context, tide_pfn pfn, unsigned order)
{
    struct tide_machine *m = context;

    tide_buddy_free(&m->buddy, pfn, order);
}

static unsigned table_order(const struct tide_machine *m, uint64_t bytes)
{
    unsigned order = 0;

    while ((UINT64_C(1) << (m->frame_shift + order)) < bytes)
        order++;
    return order;
}

static int kernel_object(struct tide_machine *m, enum kernel_cache which, uint64_t *object,
                         struct tide_error *e)
{
    if (e != NULL)
        e->code = 0;
    *object = tide_slab_alloc(&m->caches[which], e);
    if (*object != 0)
        return 0;
    if (e != NULL && e->code != 0)
        return e->code;
    return out_of_memory(m, e);
}

static int table_alloc(void *context, uint64_t bytes, tide_pfn *pfn, struct tide_error *e)
{
    struct tide_machine *m = context;
    uint64_t *grown = tide_grow(m->ptdescs, &m->ptdescs_cap, m->n_ptdescs + 1, sizeof *grown);
    int rc;

    if (grown == NULL)
        return tide_nomem(e);
    m->ptdescs = grown;
    rc = kernel_object(m, CACHE_PTDESC, &m->ptdescs[m->n_ptdescs], e);
    if (rc != 0)
        return rc;
    *pfn = alloc_block(m, table_order(m, bytes));
    if (pfn->v == TIDE_PFN_NONE.v) {
        tide_slab_free(&m->caches[CACHE_PTDESC], m->ptdescs[m->n_ptdescs]);
        return m->hook_code == TIDE_E_NOMEM ? tide_nomem(e) : out_of_memory(m, e);
    }
    m->n_ptdescs++;
    return 0;
}

static void table_free(void *context, uint64_t bytes, tide_pfn pfn)
{
    struct tide_machine *m = context;

    tide_buddy_free(&m->buddy, pfn, table_order(m, bytes));
    tide_slab_free(&m->caches[CACHE_PTDESC], m->ptdescs[--m->n_ptdescs]);
}

/* ---- faults ---- */

static int user_frame(struct tide_machine *m, uint32_t *frame, struct tide_error *e)
{
    tide_pfn pfn;

    if (m->resident == m->capacity)
        evict(m);
    pfn = alloc_block(m, m->page_order);
    if (pfn.v == TIDE_PFN_NONE.v)
        return m->hook_code == TIDE_E_NOMEM ? tide_nomem(e) : out_of_memory(m, e);
    *frame = m->n_free_slots > 0 ? m->free_slots[--m->n_free_slots] : m->fresh_slots++;
    m->frames[*frame].pfn = pfn;
    return 0;
}

static enum tide_fault_kind classify(const struct tide_machine *m, const struct tide_vma *vma,
                                     uint64_t old)
{
    if ((old & TIDE_PTE_EVICTED) != 0)
        return TIDE_FAULT_MAJOR_EVICTED;
    if (vma->file == 0)
        return TIDE_FAULT_MINOR_ANON;
    return m->config.page_cache_warm ? TIDE_FAULT_MINOR_FILE : TIDE_FAULT_MAJOR_FILE;
}

int memory_fault(struct tide_machine *m, struct process *p, tide_page page,
                 const struct tide_vma *vma, unsigned prot, enum tide_kind kind, uint32_t *frame,
                 struct tide_error *e)
{
    enum tide_fault_kind fault;
    uint64_t *pte, old, next = 0;
    uint32_t stamp;
    int rc;

    m->hook_code = 0;
    rc = tide_pagetable_ensure(&m->pagetable, page, &pte, e);
    if (rc == 0 && m->policy->fault != NULL)
        m->policy->fault(m->policy_state, page);
    if (rc == 0)
        rc = user_frame(m, frame, e);
    if (rc != 0)
        return rc;
    old = *pte;
    fault = classify(m, vma, old);
    m->counts.kinds[fault]++;
    m->counts.kinds[kind == TIDE_FETCH   ? TIDE_FAULT_FETCH
                    : kind == TIDE_WRITE ? TIDE_FAULT_WRITE
                                         : TIDE_FAULT_READ]++;
    if (fault == TIDE_FAULT_MAJOR_EVICTED || fault == TIDE_FAULT_MAJOR_FILE) {
        m->counts.faults_major++;
        p->faults_major++;
    } else {
        m->counts.faults_minor++;
        p->faults_minor++;
    }
    stamp = (uint32_t)(old >> 32);
    if (old == 0 && m->forgotten.count > 0) {
        uint64_t *forgotten = tide_map_get(&m->forgotten, page.v);

        if (forgotten != NULL)
            stamp = (uint32_t)*forgotten;
    }
    m->frames[*frame].stamp = stamp;
    m->frames[*frame].seen = tide_pte_seen(old);
    m->frames[*frame].prot = (uint8_t)prot;
    m->pages[*frame] = page;
    m->bits[*frame] = TIDE_FRAME_REFERENCED;
    *pte = (uint64_t)*frame << 32 | TIDE_PTE_PRESENT | TIDE_PTE_ACCESSED |
           ((prot & TIDE_PROT_WRITE) != 0 ? TIDE_PTE_WRITABLE : 0);
    settle_resident(m, m->now - 1);
    m->resident++;
    p->rss++;
    if (p->rss > p->rss_peak)
        p->rss_peak = p->rss;
    if (m->policy->observes == TIDE_OBSERVES_FUTURE) {
        rc = tide_future_next(m->future, m->position, &next, e);
        if (rc != 0)
            return rc;
    }
    m->policy->load(m->policy_state, *frame, next);
    m->last_touched = m->policy->observes == TIDE_OBSERVES_ORDER ? *frame : NO_FRAME;
    return 0;
}

void memory_set_dirty(struct tide_machine *m, uint32_t frame)
{
    uint64_t *pte = tide_pagetable_find(&m->pagetable, m->pages[frame]);

    m->bits[frame] |= TIDE_FRAME_DIRTY;
    *pte |= TIDE_PTE_DIRTY;
}

/* ---- what the address space tells ---- */

static uint64_t page_bytes(const struct tide_machine *m)
{
    return UINT64_C(1) << m->geometry.page_shift;
}

static unsigned page_prot(struct tide_machine *m, tide_page page)
{
    struct tide_mm *mm = &m->processes[tide_page_process(page)]->mm;
    uint64_t start = tide_page_address(m->geometry, page), last = start + page_bytes(m) - 1;
    unsigned prot = 0;

    if (!tide_mm_strict(mm))
        return TIDE_PROT_READ | TIDE_PROT_WRITE | TIDE_PROT_EXEC;
    for (struct tide_vma *v = tide_mm_overlap(mm, start, page_bytes(m));
         v != NULL && v->start <= last; v = v->next)
        prot |= v->prot;
    return prot;
}

static bool overlapped(struct tide_machine *m, tide_page page)
{
    struct tide_mm *mm = &m->processes[tide_page_process(page)]->mm;

    return tide_mm_overlap(mm, tide_page_address(m->geometry, page), page_bytes(m)) != NULL;
}

/* A reference to the page that would have been a repeat is one no more. */
static void lose_name(struct tide_machine *m, tide_page page)
{
    if (m->previous.v == page.v)
        m->previous = TIDE_PAGE_NONE;
}

/* Forgets a page whose PTE is *pte: its frame, if it has one, and its history; the PTE is cleared.
 */
static int forget(struct tide_machine *m, tide_page page, const uint64_t *pte)
{
    uint32_t stamp = (uint32_t)(*pte >> 32);
    uint64_t *forgotten;

    if ((*pte & TIDE_PTE_PRESENT) != 0) {
        uint32_t frame = tide_pte_frame(*pte);

        stamp = m->frames[frame].stamp;
        m->policy->remove(m->policy_state, frame, TIDE_REMOVE_UNMAP);
        tide_tlb_invalidate(&m->tlb, page);
        m->processes[tide_page_process(page)]->rss--;
        settle_resident(m, m->now);
        release_slot(m, frame);
    }
    if (m->policy->forget != NULL)
        m->policy->forget(m->policy_state, page);
    lose_name(m, page);
    tide_pagetable_clear(&m->pagetable, page);
    forgotten = tide_map_put(&m->forgotten, page.v, NULL);
    if (forgotten == NULL)
        return TIDE_E_NOMEM;
    *forgotten = stamp;
    return 0;
}

static void collect(void *context, tide_page page, uint64_t *pte)
{
    struct tide_machine *m = context;
    struct range_page *grown;

    (void)pte;
    grown = tide_grow(m->scratch, &m->scratch_cap, m->n_scratch + 1, sizeof *grown);
    if (grown == NULL) {
        m->hook_code = TIDE_E_NOMEM;
        return;
    }
    m->scratch = grown;
    m->scratch[m->n_scratch++].page = page;
}

/* The pages with a PTE in a range of bytes, into scratch. */
static void collect_range(struct tide_machine *m, unsigned process, uint64_t start, uint64_t end)
{
    uint64_t last = end - 1;

    m->n_scratch = 0;
    if (!tide_canonical(m->geometry, start) || !tide_canonical(m->geometry, last))
        return; /* nothing there can be mapped */
    tide_pagetable_for_range(&m->pagetable, tide_page_of(m->geometry, process, start),
                             tide_page_of(m->geometry, process, last), collect, m);
}

/* `keep_mapped`: pages that a VMA still overlaps stay. */
static void forget_range(struct tide_machine *m, unsigned process, uint64_t start, uint64_t end,
                         bool keep_mapped)
{
    collect_range(m, process, start, end);
    for (size_t i = 0; i < m->n_scratch; i++) {
        tide_page page = m->scratch[i].page;

        if (keep_mapped && overlapped(m, page))
            continue;
        if (forget(m, page, tide_pagetable_find(&m->pagetable, page)) != 0)
            m->hook_code = TIDE_E_NOMEM;
    }
}

static void refresh_permissions(struct tide_machine *m, unsigned process, uint64_t start,
                                uint64_t end)
{
    collect_range(m, process, start, end);
    for (size_t i = 0; i < m->n_scratch; i++) {
        uint64_t *pte = tide_pagetable_find(&m->pagetable, m->scratch[i].page);
        unsigned prot;

        if ((*pte & TIDE_PTE_PRESENT) == 0)
            continue;
        prot = page_prot(m, m->scratch[i].page);
        m->frames[tide_pte_frame(*pte)].prot = (uint8_t)prot;
        *pte = (*pte & ~(uint64_t)TIDE_PTE_WRITABLE) |
               ((prot & TIDE_PROT_WRITE) != 0 ? TIDE_PTE_WRITABLE : 0);
    }
}

static void unmapped(void *context, unsigned process, uint64_t start, uint64_t end)
{
    forget_range(context, process, start, end, true);
    /* a large page that another VMA still overlaps may have lost permissions */
    refresh_permissions(context, process, start, end);
}

static void protect(void *context, unsigned process, uint64_t start, uint64_t end)
{
    refresh_permissions(context, process, start, end);
}

static void discarded(void *context, unsigned process, uint64_t start, uint64_t end)
{
    struct tide_machine *m = context;
    uint64_t bytes = page_bytes(m);

    /* only whole pages can lose their contents */
    start = (start + bytes - 1) & ~(bytes - 1);
    end &= ~(bytes - 1);
    if (start < end)
        forget_range(m, process, start, end, false);
}

/* mremap: the page keeps its frame and its history under another name. */
static int move_page(struct tide_machine *m, tide_page from, tide_page to)
{
    uint64_t *target, *old, *earlier, word;
    uint32_t stamp;
    int rc;

    rc = tide_pagetable_ensure(&m->pagetable, to, &target, m->hook_error);
    if (rc != 0)
        return rc;
    old = tide_map_put(&m->forgotten, from.v, NULL);
    if (old == NULL)
        return tide_nomem(m->hook_error);
    word = *tide_pagetable_find(&m->pagetable, from); /* only now: ensure may have evicted it */
    *old = (word & TIDE_PTE_PRESENT) != 0 ? m->frames[tide_pte_frame(word)].stamp : word >> 32;
    earlier = tide_map_get(&m->forgotten, to.v);
    stamp = earlier != NULL ? (uint32_t)*earlier : 0;
    if ((word & TIDE_PTE_PRESENT) != 0) {
        struct frame *f = &m->frames[tide_pte_frame(word)];

        f->stamp = stamp;
        f->seen = 0;
        tide_tlb_invalidate(&m->tlb, from);
        m->pages[tide_pte_frame(word)] = to;
        *target = word;
    } else {
        *target = (uint64_t)stamp << 32 | TIDE_PTE_EVICTED;
        if (m->policy->forget != NULL) /* what policies keep of evicted pages goes by name */
            m->policy->forget(m->policy_state, from);
    }
    lose_name(m, from);
    tide_pagetable_clear(&m->pagetable, from);
    return 0;
}

static void moved(void *context, unsigned process, uint64_t from, uint64_t to, uint64_t len)
{
    struct tide_machine *m = context;
    uint64_t bytes = page_bytes(m);
    bool congruent = ((from ^ to) & (bytes - 1)) == 0;

    collect_range(m, process, from, from + len);
    for (size_t i = 0; i < m->n_scratch && m->hook_code == 0; i++) {
        tide_page page = m->scratch[i].page;
        uint64_t start = tide_page_address(m->geometry, page);
        bool whole =
            start >= from && start - from <= len - (len < bytes ? len : bytes) && len >= bytes;
        uint64_t target = to + (start - from);

        if (congruent && whole && tide_canonical(m->geometry, target))
            m->hook_code = move_page(m, page, tide_page_of(m->geometry, process, target));
        else if (!overlapped(m, page) &&
                 forget(m, page, tide_pagetable_find(&m->pagetable, page)) != 0)
            m->hook_code = TIDE_E_NOMEM;
    }
}

static int vma_alloc(void *context, uint64_t *object, struct tide_error *e)
{
    return kernel_object(context, CACHE_VMA, object, e);
}

static void vma_free(void *context, uint64_t object)
{
    struct tide_machine *m = context;

    tide_slab_free(&m->caches[CACHE_VMA], object);
}

int memory_process(struct tide_machine *m, unsigned index, struct process **out,
                   struct tide_error *e)
{
    static const struct tide_mm_hooks hooks = {
        .vma_alloc = vma_alloc,
        .vma_free = vma_free,
        .unmapped = unmapped,
        .protected_ = protect,
        .discarded = discarded,
        .moved = moved,
    };

    while (m->n_processes <= index) {
        struct process **grown =
            tide_grow(m->processes, &m->processes_cap, m->n_processes + 1, sizeof *grown);
        struct tide_mm_hooks h = hooks;
        struct process *p;
        int rc;

        if (grown == NULL || (m->processes = grown, p = tide_calloc(1, sizeof *p)) == NULL)
            return tide_nomem(e);
        rc = kernel_object(m, CACHE_MM, &p->mm_object, e);
        if (rc != 0) {
            free(p);
            return rc;
        }
        h.context = m;
        tide_mm_init(&p->mm, (unsigned)m->n_processes, &h);
        p->pid = (uint32_t)m->n_processes + 1;
        p->alive = true;
        m->processes[m->n_processes++] = p;
    }
    *out = m->processes[index];
    return 0;
}

int memory_event(struct tide_machine *m, const struct tide_event *ev, struct tide_error *e)
{
    struct process *p;
    int rc;

    rc = memory_process(m, ev->process, &p, e);
    if (rc != 0)
        return rc;
    m->hook_code = 0;
    switch (ev->type) {
    case TIDE_EV_PROCESS:
        p->pid = ev->number;
        return 0;
    case TIDE_EV_EXIT: {
        size_t alive = 0;

        for (size_t i = 0; i < m->n_processes; i++)
            alive += m->processes[i]->alive;
        /* what the last process leaves is the state that results describe */
        if (alive < 2)
            return 0;
        p->alive = false;
        break;
    }
    default:
        break;
    }
    rc = tide_mm_event(&p->mm, ev, e);
    if (rc == 0 && m->hook_code == TIDE_E_NOMEM)
        return tide_nomem(e);
    return rc != 0 ? rc : m->hook_code;
}

/* ---- life ---- */

static int make_tables(struct tide_machine *m, struct tide_error *e)
{
    m->frames = tide_calloc(m->capacity, sizeof *m->frames);
    m->pages = tide_calloc(m->capacity, sizeof *m->pages);
    m->bits = tide_calloc(m->capacity, sizeof *m->bits);
    m->free_slots = tide_calloc(m->capacity, sizeof *m->free_slots);
    if (m->frames == NULL || m->pages == NULL || m->bits == NULL || m->free_slots == NULL)
        return tide_nomem(e);
    return 0;
}

int memory_init(struct tide_machine *m, struct tide_error *e)
{
    struct tide_slab_source slabs = {.context = m, .alloc = slab_block, .free = slab_unblock};
    struct tide_pagetable_source tables = {.context = m, .alloc = table_alloc, .free = table_free};
    uint64_t total, frame_bytes;
    int rc;

    m->frame_shift = m->geometry.page_shift;
    if (m->frame_shift > MAX_FRAME_SHIFT)
        m->frame_shift = MAX_FRAME_SHIFT;
    if (m->geometry.page_shift - m->frame_shift > TIDE_BUDDY_ORDERS - 1)
        m->frame_shift = m->geometry.page_shift - (TIDE_BUDDY_ORDERS - 1);
    m->page_order = m->geometry.page_shift - m->frame_shift;
    frame_bytes = UINT64_C(1) << m->frame_shift;
    if (m->config.by_memory) {
        total = m->config.memory_bytes / frame_bytes;
    } else {
        uint64_t reserve = RESERVE_BYTES / frame_bytes > 0 ? RESERVE_BYTES / frame_bytes : 1;

        total = ((uint64_t)m->capacity << m->page_order) + reserve;
        total = (total + reserve - 1) / reserve * reserve;
    }
    if (total >= UINT32_MAX / 2) {
        tide_fail(e, TIDE_E_CONFIG, "the machine would have %llu frames of %llu bytes",
                  (unsigned long long)total, (unsigned long long)frame_bytes);
        tide_error_remedy(e, "at most %u", UINT32_MAX / 2 - 1);
        return TIDE_E_CONFIG;
    }
    rc = tide_buddy_init(&m->buddy, (uint32_t)total, (uint32_t)total, e);
    if (rc != 0)
        return rc;
    if (m->config.by_memory)
        set_watermarks(m);
    for (int i = 0; i < CACHES; i++) {
        tide_slab_init(&m->caches[i], kernel_objects[i].name, kernel_objects[i].bytes,
                       kernel_objects[i].align, CPUS, (uint32_t)frame_bytes, &slabs);
        m->cache_list[i] = &m->caches[i];
    }
    rc = make_tables(m, e);
    return rc != 0 ? rc : tide_pagetable_init(&m->pagetable, &m->config.pagetable, &tables, e);
}

void memory_fini(struct tide_machine *m)
{
    for (size_t i = 0; i < m->n_processes; i++) {
        tide_mm_fini(&m->processes[i]->mm);
        tide_slab_free(&m->caches[CACHE_MM], m->processes[i]->mm_object);
        free(m->processes[i]);
    }
    free(m->processes);
    tide_pagetable_fini(&m->pagetable);
    for (int i = 0; i < CACHES; i++)
        if (m->caches[i].name != NULL)
            tide_slab_fini(&m->caches[i]);
    tide_buddy_fini(&m->buddy);
    tide_map_fini(&m->forgotten);
    free(m->ptdescs);
    free(m->scratch);
    free(m->frames);
    free(m->pages);
    free(m->bits);
    free(m->free_slots);
}
