/* Following a trace: see follow.h.
 *
 * Works on page runs (addr/runs.h): a run whose folded references stay on their pages, with
 * permission, is one or a few entries; only where fetches and data alternate between two pages are
 * its accesses looked at, for the order of the two. Everything else is taken apart into single
 * references, by the rules of the machine's step().
 */
#include "pager/follow.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "space/mm.h"

enum {
    PIECE = 4096,    /* entries delivered at a time */
    RECENT = 1 << 10 /* pages in the look-aside of ids */
};

/* Value of `pages`, by page: its id and what is known of it. */
#define PAGE_LIVE      (UINT64_C(1) << 63) /* touched since it was mapped */
#define PAGE_COUNTED   (UINT64_C(1) << 62) /* is among the distinct pages */
#define PAGE_DELIVERED (UINT64_C(1) << 61) /* touched since it was mapped and since the skip */
#define PAGE_HAS_ID    (UINT64_C(1) << 60)
#define PAGE_ID        UINT64_C(0xffffffff)

struct followed_page {
    tide_page page; /* TIDE_PAGE_NONE: none */
    uint32_t id;
    uint8_t prot;
    bool first; /* its first reference has not been delivered */
};

struct followed_process {
    struct tide_mm mm;
    bool alive;
};

struct tide_follow {
    struct tide_follow_config config;
    uint64_t skip_left, references_left;
    uint64_t warmup_left; /* references before START; UINT64_MAX: it has been delivered */
    tide_page previous;   /* the page referenced last; NONE where that was no page or is gone */
    struct followed_page held[TIDE_SIDES];
    bool wrote; /* the held data page has been written */
    struct followed_page recent[RECENT];

    struct tide_map pages;
    tide_page *names; /* by id: the first one */
    tide_page *moved; /* by id: the present one; NULL as long as no page has moved */
    size_t n_ids, names_cap, n_moved, moved_cap;
    uint64_t distinct;
    struct followed_process **processes;
    size_t n_processes, processes_cap;

    struct tide_follow_counts counts;
    struct tide_page_ref *piece; /* PIECE of them */
    size_t n_piece;
    int hook_code;
    struct tide_error *hook_error;
    struct tide_block_runs *runs; /* own ones; NULL: none cut yet */
    struct tide_access *apart;    /* room for the accesses of a run of a block in fragments */
};

/* ---- delivery ---- */

static int deliver(struct tide_follow *f, struct tide_error *e)
{
    size_t n = f->n_piece;

    f->n_piece = 0;
    return n > 0 && f->config.take != NULL ? f->config.take(f->config.context, f->piece, n, e) : 0;
}

static int push(struct tide_follow *f, struct tide_page_ref ref, struct tide_error *e)
{
    int rc = f->n_piece == PIECE ? deliver(f, e) : 0;

    if (rc == 0)
        f->piece[f->n_piece++] = ref;
    return rc;
}

/* The warm-up ends within these references, or before them. */
static int put_start(struct tide_follow *f, struct tide_page_ref *ref, struct tide_error *e)
{
    uint32_t before = (uint32_t)f->warmup_left;
    int rc = 0;

    f->warmup_left = UINT64_MAX;
    if (before > 0) {
        struct tide_page_ref part = *ref;

        part.n = before;
        rc = push(f, part, e);
        ref->n -= before;
        ref->flags &= TIDE_REF_WRITES;
        if (ref->kind == TIDE_REF_PAGE)
            ref->flags |= TIDE_REF_CONTINUES;
    }
    return rc == 0 ? push(f, (struct tide_page_ref){.kind = TIDE_REF_START}, e) : rc;
}

static struct tide_page_ref nothing = {.kind = TIDE_REF_START};

/* References in a row: they join the entry before where they can. */
static int put(struct tide_follow *f, struct tide_page_ref ref, struct tide_error *e)
{
    struct tide_page_ref *last;

    if (f->warmup_left != UINT64_MAX) {
        if (ref.n > f->warmup_left) {
            int rc = put_start(f, &ref, e);

            if (rc != 0)
                return rc;
        } else {
            f->warmup_left -= ref.n;
        }
    }
    if (f->warmup_left == UINT64_MAX)
        f->counts.references += ref.n;
    last = f->n_piece > 0 ? &f->piece[f->n_piece - 1] : &nothing;
    if (last->kind == ref.kind && last->id == ref.id && last->process == ref.process &&
        ((ref.flags & TIDE_REF_CONTINUES) != 0 || ref.kind == TIDE_REF_FAULT) &&
        last->n <= UINT32_MAX - ref.n) {
        last->n += ref.n;
        last->flags |= ref.flags & TIDE_REF_WRITES;
        return 0;
    }
    return push(f, ref, e);
}

static int put_page(struct tide_follow *f, const struct followed_page *page, uint32_t n, bool first,
                    bool writes, struct tide_error *e)
{
    unsigned flags = (first ? (unsigned)TIDE_REF_FIRST : 0u) |
                     (writes ? (unsigned)TIDE_REF_WRITES : 0u) |
                     (page->page.v == f->previous.v ? (unsigned)TIDE_REF_CONTINUES : 0u);

    f->previous = page->page;
    return put(f,
               (struct tide_page_ref){.id = page->id,
                                      .n = n,
                                      .process = (uint16_t)tide_page_process(page->page),
                                      .kind = TIDE_REF_PAGE,
                                      .flags = (uint8_t)flags},
               e);
}

/* ---- pages ---- */

static void forget_recent(struct tide_follow *f)
{
    for (size_t i = 0; i < RECENT; i++)
        f->recent[i].page = TIDE_PAGE_NONE;
}

/* Pages touched in the skip have not been touched for those who see what follows. */
static void skipped(struct tide_follow *f, uint64_t n)
{
    f->skip_left -= n;
    if (f->skip_left == 0) {
        forget_recent(f);
        for (int side = 0; side < TIDE_SIDES; side++)
            f->held[side].page = TIDE_PAGE_NONE;
    }
}

static void hook_failed(struct tide_follow *f, int code)
{
    if (f->hook_code == 0)
        f->hook_code = code;
}

/* The page's name is no longer what was referenced last. */
static void lose_name(struct tide_follow *f, tide_page page)
{
    if (f->previous.v == page.v)
        f->previous = TIDE_PAGE_NONE;
}

static void end_page(struct tide_follow *f, tide_page page)
{
    uint64_t *value = tide_map_get(&f->pages, page.v);

    lose_name(f, page);
    if (value == NULL || (*value & PAGE_LIVE) == 0)
        return;
    if ((*value & PAGE_DELIVERED) != 0 && f->references_left > 0) {
        int rc = push(f,
                      (struct tide_page_ref){.id = (uint32_t)(*value & PAGE_ID),
                                             .process = (uint16_t)tide_page_process(page),
                                             .kind = TIDE_REF_FORGET},
                      f->hook_error);

        if (rc != 0)
            hook_failed(f, rc);
    }
    *value &= ~(PAGE_LIVE | PAGE_DELIVERED);
}

static bool overlapped(struct tide_follow *f, tide_page page)
{
    return tide_mm_overlap(&f->processes[tide_page_process(page)]->mm,
                           tide_page_address(f->config.geometry, page),
                           UINT64_C(1) << f->config.geometry.page_shift) != NULL;
}

/* Pages of a range of bytes, collected first: the map must not change while it is walked. */
struct page_list {
    struct tide_follow *follow;
    struct {
        tide_page page;
    } * pages;
    size_t n, cap;
};

static void add_live(struct page_list *list, uint64_t key, uint64_t value)
{
    void *grown;

    if ((value & PAGE_LIVE) == 0)
        return;
    grown = tide_grow(list->pages, &list->cap, list->n + 1, sizeof *list->pages);
    if (grown == NULL) {
        hook_failed(list->follow, tide_nomem(list->follow->hook_error));
        return;
    }
    list->pages = grown;
    list->pages[list->n++].page.v = key;
}

static int by_page(const void *a, const void *b)
{
    const tide_page *x = a, *y = b;

    return x->v < y->v ? -1 : x->v > y->v;
}

/* The live pages of a range in their order, by the range or by the map, whichever is less. */
static struct page_list live_pages(struct tide_follow *f, unsigned process, uint64_t start,
                                   uint64_t end)
{
    struct page_list list = {.follow = f};
    struct tide_geometry g = f->config.geometry;
    tide_page from, to;

    forget_recent(f);
    if (!tide_canonical(g, start) || !tide_canonical(g, end - 1))
        return list;
    from = tide_page_of(g, process, start);
    to = tide_page_of(g, process, end - 1);
    if (to.v - from.v <= f->pages.count) {
        for (uint64_t key = from.v; key <= to.v; key++) {
            const uint64_t *value = tide_map_get(&f->pages, key);

            if (value != NULL)
                add_live(&list, key, *value);
        }
        return list;
    }
    for (size_t i = 0; f->pages.slots != NULL && i <= f->pages.mask; i++) {
        const struct tide_map_slot *slot = &f->pages.slots[i];

        if (slot->key != TIDE_MAP_NONE && slot->key >= from.v && slot->key <= to.v)
            add_live(&list, slot->key, slot->value);
    }
    if (list.n > 0)
        qsort(list.pages, list.n, sizeof *list.pages, by_page);
    return list;
}

static void on_unmapped(void *context, unsigned process, uint64_t start, uint64_t end)
{
    struct tide_follow *f = context;
    struct page_list list = live_pages(f, process, start, end);

    for (size_t i = 0; i < list.n; i++)
        if (!overlapped(f, list.pages[i].page))
            end_page(f, list.pages[i].page);
    free(list.pages);
}

static void on_protected(void *context, unsigned process, uint64_t start, uint64_t end)
{
    (void)process;
    (void)start;
    (void)end;
    forget_recent(context);
}

static void on_discarded(void *context, unsigned process, uint64_t start, uint64_t end)
{
    struct tide_follow *f = context;
    uint64_t bytes = UINT64_C(1) << f->config.geometry.page_shift;
    struct page_list list;

    start = (start + bytes - 1) & ~(bytes - 1);
    end &= ~(bytes - 1);
    if (start >= end)
        return;
    list = live_pages(f, process, start, end);
    for (size_t i = 0; i < list.n; i++)
        end_page(f, list.pages[i].page);
    free(list.pages);
}

/* The id has another name: what stands before is delivered with the old one. */
static int put_move(struct tide_follow *f, uint32_t id, tide_page name, bool live)
{
    tide_page *grown = tide_grow(f->moved, &f->moved_cap, f->n_ids, sizeof *grown);
    int rc;

    if (grown == NULL)
        return tide_nomem(f->hook_error);
    f->moved = grown;
    for (; f->n_moved < f->n_ids; f->n_moved++)
        f->moved[f->n_moved] = f->names[f->n_moved];
    rc = deliver(f, f->hook_error);
    f->moved[id] = name;
    if (rc == 0 && f->references_left > 0)
        rc = push(f,
                  (struct tide_page_ref){.id = id,
                                         .process = (uint16_t)tide_page_process(name),
                                         .kind = TIDE_REF_MOVE,
                                         .flags = live ? 0 : TIDE_REF_UNUSED},
                  f->hook_error);
    return rc == 0 ? deliver(f, f->hook_error) : rc;
}

/* The page keeps its id; the old name takes that of the new one. */
static int move_page(struct tide_follow *f, tide_page from, tide_page to)
{
    const uint64_t carried = PAGE_LIVE | PAGE_DELIVERED | PAGE_HAS_ID | PAGE_ID;
    uint64_t *target = tide_map_put(&f->pages, to.v, NULL), *source, moved, other;
    int rc = 0;

    if (target == NULL)
        return tide_nomem(f->hook_error);
    source = tide_map_get(&f->pages, from.v);
    moved = *source & carried;
    other = *target;
    *source = (*source & PAGE_COUNTED) | (*target & (PAGE_HAS_ID | PAGE_ID));
    *target = (*target & PAGE_COUNTED) | moved;
    lose_name(f, from);
    if ((other & PAGE_HAS_ID) != 0)
        rc = put_move(f, (uint32_t)(other & PAGE_ID), from, false);
    return rc == 0 ? put_move(f, (uint32_t)(moved & PAGE_ID), to, (moved & PAGE_DELIVERED) != 0)
                   : rc;
}

static void on_moved(void *context, unsigned process, uint64_t from, uint64_t to, uint64_t len)
{
    struct tide_follow *f = context;
    struct tide_geometry g = f->config.geometry;
    uint64_t bytes = UINT64_C(1) << g.page_shift;
    bool congruent = ((from ^ to) & (bytes - 1)) == 0;
    struct page_list list = live_pages(f, process, from, from + len);

    for (size_t i = 0; i < list.n; i++) {
        tide_page page = list.pages[i].page;
        uint64_t start = tide_page_address(g, page), target = to + (start - from);
        bool whole = len >= bytes && start >= from && start - from <= len - bytes;

        if (congruent && whole && tide_canonical(g, target)) {
            int rc = move_page(f, page, tide_page_of(g, process, target));

            if (rc != 0)
                hook_failed(f, rc);
        } else if (!overlapped(f, page)) {
            end_page(f, page);
        }
    }
    free(list.pages);
}

static int process_of(struct tide_follow *f, unsigned index, struct followed_process **out,
                      struct tide_error *e)
{
    const struct tide_mm_hooks hooks = {
        .context = f,
        .unmapped = on_unmapped,
        .protected_ = on_protected,
        .discarded = on_discarded,
        .moved = on_moved,
    };

    while (f->n_processes <= index) {
        struct followed_process **grown =
            tide_grow(f->processes, &f->processes_cap, f->n_processes + 1, sizeof *grown);
        struct followed_process *p = NULL;

        if (grown == NULL || (f->processes = grown, p = tide_calloc(1, sizeof *p)) == NULL)
            return tide_nomem(e);
        tide_mm_init(&p->mm, (unsigned)f->n_processes, &hooks);
        p->alive = true;
        f->processes[f->n_processes++] = p;
    }
    *out = f->processes[index];
    return 0;
}

static int new_id(struct tide_follow *f, tide_page page, uint32_t *id, struct tide_error *e)
{
    tide_page *grown;

    if (f->n_ids == UINT32_MAX)
        return tide_fail(e, TIDE_E_TRACE, "the trace touches more than %u different pages",
                         UINT32_MAX);
    grown = tide_grow(f->names, &f->names_cap, f->n_ids + 1, sizeof *grown);
    if (grown == NULL)
        return tide_nomem(e);
    f->names = grown;
    f->names[f->n_ids] = page;
    *id = (uint32_t)f->n_ids++;
    return 0;
}

/* What is behind the look-aside: the address space, and the map of ids. */
static int find_page(struct tide_follow *f, tide_page page, uint64_t addr, unsigned needed,
                     struct followed_page *near, struct tide_error *e)
{
    uint64_t bytes = UINT64_C(1) << f->config.geometry.page_shift;
    struct followed_page found = {.page = page};
    struct followed_process *p = NULL;
    struct tide_vma *vma;
    uint64_t *value;
    unsigned prot;
    int rc = process_of(f, tide_page_process(page), &p, e);

    if (rc == 0)
        rc = tide_mm_touch(&p->mm, addr & ~(bytes - 1), bytes, addr, &prot, &vma, e);
    if (rc <= 0)
        return rc;
    if ((prot & needed) != needed)
        return 0;
    value = tide_map_put(&f->pages, page.v, NULL);
    if (value == NULL)
        return tide_nomem(e);
    if ((*value & PAGE_HAS_ID) == 0) {
        rc = new_id(f, page, &found.id, e);
        if (rc != 0)
            return rc;
        *value |= PAGE_HAS_ID | found.id;
    }
    if ((*value & PAGE_COUNTED) == 0)
        f->distinct++;
    found.id = (uint32_t)(*value & PAGE_ID);
    found.prot = (uint8_t)prot;
    found.first = f->skip_left == 0 && (*value & PAGE_DELIVERED) == 0;
    *value |= PAGE_LIVE | PAGE_COUNTED | (f->skip_left == 0 ? PAGE_DELIVERED : 0);
    *near = found;
    return 1;
}

static uint64_t address(const struct tide_follow *f, const struct tide_block *b, size_t i)
{
    if (b->dictionary == NULL)
        return b->accesses[i].addr;
    tide_block_expand(b, i, i + 1, f->apart);
    return f->apart->addr;
}

/* ---- references ---- */

static const struct tide_access *accesses(const struct tide_follow *f, const struct tide_block *b,
                                          size_t from, size_t to)
{
    if (b->dictionary == NULL)
        return &b->accesses[from];
    tide_block_expand(b, from, to, f->apart);
    return f->apart;
}

/* One reference by itself; the same rules as the machine's step(). */
static int follow_reference(struct tide_follow *f, unsigned process, uint64_t addr,
                            enum tide_kind kind, enum tide_kind fault_kind, struct tide_error *e)
{
    bool canonical = tide_canonical(f->config.geometry, addr);
    tide_page page = canonical ? tide_page_of(f->config.geometry, process, addr) : TIDE_PAGE_NONE;
    struct followed_page *near = &f->recent[tide_hash64(page.v) % RECENT];
    unsigned needed = tide_prot_needed(fault_kind);
    int rc = 0;

    if (canonical) {
        /* what was not permitted may be: mappings beside it have joined a large page since */
        rc = near->page.v == page.v && (near->prot & needed) == needed
                 ? 1
                 : find_page(f, page, addr, needed, near, e);
        if (rc < 0)
            return rc;
    }
    if (f->skip_left > 0) {
        skipped(f, 1);
        return 0;
    }
    if (f->references_left == 0)
        return 0;
    f->references_left--;
    if (rc == 1) {
        bool first = near->first;

        near->first = false;
        return put_page(f, near, 1, first, kind == TIDE_WRITE, e);
    }
    f->previous = TIDE_PAGE_NONE;
    rc = put(
        f, (struct tide_page_ref){.n = 1, .process = (uint16_t)process, .kind = TIDE_REF_FAULT}, e);
    if (f->warmup_left == UINT64_MAX) {
        f->counts.faults++;
        f->counts.noncanonical += !canonical;
    }
    return rc;
}

static int follow_access(struct tide_follow *f, const struct tide_access *a, struct tide_error *e)
{
    unsigned shift = f->config.geometry.page_shift;
    uint64_t pages = ((a->addr + a->size - 1) >> shift) - (a->addr >> shift) + 1;
    bool modify = a->kind == TIDE_MODIFY;
    enum tide_kind kind = modify ? TIDE_READ : (enum tide_kind)a->kind;
    enum tide_kind fault_kind = modify ? TIDE_WRITE : kind;

    for (int pass = 0; pass < (modify ? 2 : 1); pass++) {
        for (uint64_t i = 0; i < pages; i++) {
            uint64_t addr = i == 0 ? a->addr : ((a->addr >> shift) + i) << shift;
            int rc = follow_reference(f, a->process, addr, kind, fault_kind, e);

            if (rc != 0)
                return rc;
        }
        kind = TIDE_WRITE;
    }
    return 0;
}

static int follow_apart(struct tide_follow *f, const struct tide_block *b, size_t from, size_t to,
                        struct tide_error *e)
{
    const struct tide_access *a = accesses(f, b, from, to);

    for (size_t i = 0; i < to - from; i++) {
        int rc = follow_access(f, &a[i], e);

        if (rc != 0)
            return rc;
    }
    return 0;
}

/* The references of a run that goes back and forth between the two held pages. */
static int follow_switches(struct tide_follow *f, const struct tide_block *b, size_t from,
                           size_t to, bool first, struct tide_error *e)
{
    const struct tide_access *a = accesses(f, b, from, to);
    unsigned side = tide_side_of((enum tide_kind)a->kind);
    uint32_t n = 0;
    bool writes = false;

    for (size_t i = 0; i < to - from; i++) {
        enum tide_kind kind = (enum tide_kind)a[i].kind;

        if (tide_side_of(kind) != side) {
            int rc = put_page(f, &f->held[side], n, first, writes, e);

            if (rc != 0)
                return rc;
            side = tide_side_of(kind);
            n = 0;
            first = writes = false;
        }
        n += kind == TIDE_MODIFY ? 2 : 1;
        writes |= kind == TIDE_WRITE || kind == TIDE_MODIFY;
    }
    return put_page(f, &f->held[side], n, first, writes, e);
}

static bool permits(const struct followed_page *p, unsigned needed)
{
    return p->page.v != TIDE_PAGE_NONE.v && (p->prot & needed) == needed;
}

static int follow_run(struct tide_follow *f, const struct tide_block *b, const struct tide_run *r,
                      struct tide_error *e)
{
    struct tide_folded folded = tide_run_folded(r);
    size_t from = tide_run_first(r->word), to = tide_run_first(r[1].word);
    enum tide_kind kind = tide_run_kind(r);
    unsigned needed = tide_prot_needed(kind == TIDE_MODIFY ? TIDE_WRITE : kind);
    unsigned side = tide_side_of(kind), data_needs;
    uint32_t references = 1 + folded.fetches + folded.data;
    uint64_t *left = f->skip_left > 0 ? &f->skip_left : &f->references_left;
    struct followed_page *near = &f->recent[tide_hash64(r->page.v) % RECENT];
    bool first;
    int rc = 1;

    f->held[side].page = TIDE_PAGE_NONE;
    if (side == TIDE_SIDE_DATA)
        f->wrote = kind != TIDE_READ;
    /* a page that is written may be read too */
    data_needs = TIDE_PROT_READ | (f->wrote ? TIDE_PROT_WRITE : 0u);
    if ((tide_run_flags(r) & TIDE_RUN_APART) != 0 || (*left > 0 && references > *left))
        return follow_apart(f, b, from, to, e);
    if (near->page.v != r->page.v)
        rc = find_page(f, r->page, address(f, b, from), needed, near, e);
    if (rc < 0)
        return rc;
    if (rc == 1)
        f->held[side] = *near;
    if (!permits(&f->held[side], needed) ||
        (folded.fetches > 0 && !permits(&f->held[TIDE_SIDE_FETCH], TIDE_PROT_EXEC)) ||
        (folded.data > 0 && !permits(&f->held[TIDE_SIDE_DATA], data_needs)))
        return follow_apart(f, b, from, to, e);
    if (f->skip_left > 0) {
        skipped(f, references);
        return 0;
    }
    if (f->references_left == 0)
        return 0;
    f->references_left -= references;
    first = near->first;
    near->first = false;
    return (side == TIDE_SIDE_DATA ? folded.fetches : folded.data) > 0
               ? follow_switches(f, b, from, to, first, e)
               : put_page(f, near, references, first, kind >= TIDE_WRITE, e);
}

/* ---- life ---- */

struct tide_follow *tide_follow_new(const struct tide_follow_config *c, struct tide_error *e)
{
    struct tide_follow *f = tide_calloc(1, sizeof *f);

    if (f == NULL || (f->piece = tide_malloc(PIECE * sizeof *f->piece)) == NULL) {
        free(f);
        tide_nomem(e);
        return NULL;
    }
    f->config = *c;
    f->skip_left = c->skip;
    f->warmup_left = c->warmup == UINT64_MAX ? c->warmup - 1 : c->warmup;
    f->references_left = c->limit > UINT64_MAX - c->warmup ? UINT64_MAX : c->warmup + c->limit;
    f->previous = TIDE_PAGE_NONE;
    for (int side = 0; side < TIDE_SIDES; side++)
        f->held[side].page = TIDE_PAGE_NONE;
    tide_map_init(&f->pages);
    forget_recent(f);
    return f;
}

void tide_follow_free(struct tide_follow *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->n_processes; i++) {
        tide_mm_fini(&f->processes[i]->mm);
        free(f->processes[i]);
    }
    free(f->processes);
    tide_map_fini(&f->pages);
    free(f->names);
    free(f->moved);
    free(f->piece);
    free(f->runs);
    free(f->apart);
    free(f);
}

static int follow_event(struct tide_follow *f, const struct tide_event *ev, struct tide_error *e)
{
    struct followed_process *p = NULL;
    int rc = process_of(f, ev->process, &p, e);

    if (rc != 0)
        return rc;
    if (ev->type == TIDE_EV_EXIT) {
        size_t alive = 0;

        for (size_t i = 0; i < f->n_processes; i++)
            alive += f->processes[i]->alive;
        if (alive < 2) /* machines keep what the last process leaves */
            return 0;
        p->alive = false;
    }
    f->hook_code = 0;
    f->hook_error = e;
    rc = tide_mm_event(&p->mm, ev, e);
    return rc != 0 ? rc : f->hook_code;
}

int tide_follow_feed(struct tide_follow *f, const struct tide_block *b,
                     const struct tide_block_runs *runs, struct tide_error *e)
{
    if (b->dictionary != NULL && f->apart == NULL) {
        f->apart = tide_malloc(TIDE_BLOCK_ACCESSES * sizeof *f->apart);
        if (f->apart == NULL)
            return tide_nomem(e);
    }
    if (runs == NULL) {
        if (f->runs == NULL) {
            f->runs = tide_calloc(1, sizeof *f->runs);
            if (f->runs == NULL)
                return tide_nomem(e);
            tide_block_runs_init(f->runs, f->config.geometry);
        }
        tide_block_runs_cut(f->runs, b);
        runs = f->runs;
    }
    for (size_t k = 0; k < runs->n_segments; k++) {
        const struct tide_segment_runs *seg = &runs->segments[k];
        const struct tide_run *list = &runs->runs[seg->first_run];
        int rc = 0;

        for (size_t i = 0; i < seg->n_runs && rc == 0; i++)
            rc = follow_run(f, b, &list[i], e);
        if (rc == 0 && k < b->n_events)
            rc = follow_event(f, &b->events[k], e);
        if (rc != 0)
            return rc;
        if (f->references_left == 0 && !f->config.whole)
            return 0;
    }
    return 1;
}

int tide_follow_finish(struct tide_follow *f, struct tide_error *e)
{
    int rc = 0;

    if (f->warmup_left != UINT64_MAX) {
        f->warmup_left = UINT64_MAX;
        rc = push(f, (struct tide_page_ref){.kind = TIDE_REF_START}, e);
    }
    return rc == 0 ? deliver(f, e) : rc;
}

size_t tide_follow_ids(const struct tide_follow *f)
{
    return f->n_ids;
}

const tide_page *tide_follow_pages(const struct tide_follow *f)
{
    return f->names;
}

tide_page tide_follow_name(const struct tide_follow *f, uint32_t id)
{
    return id < f->n_moved ? f->moved[id] : f->names[id];
}

struct tide_follow_counts tide_follow_counts(const struct tide_follow *f)
{
    return f->counts;
}

uint64_t tide_follow_distinct_pages(const struct tide_follow *f)
{
    return f->distinct;
}
