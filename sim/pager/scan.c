/* The preparatory scan: distinct pages and next uses. See scan.h.
 *
 * The scan follows the trace as a machine would, address space included, so that it leaves out the
 * same segmentation faults. Positions count the merged stream of fetches and data without immediate
 * repeats; a reference that faults for good has a position of its own and no page (NOBODY). The id
 * of a page is dense and ends when the page is unmapped; mremap takes it along.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "pager/internal.h"

#define NOBODY UINT64_MAX

enum {
    CHUNK = 1 << 16,  /* positions written or turned around at a time */
    WINDOW = 1 << 14, /* positions a cursor holds */
    BEHIND = 1 << 12, /* of them before the last one asked for */
    RECENT = 1 << 10  /* pages in the look-aside of ids */
};

/* Value of `pages`: the id, and whether the page has one now and has been counted. */
#define PAGE_LIVE    (UINT64_C(1) << 63)
#define PAGE_COUNTED (UINT64_C(1) << 62)
#define PAGE_ID      (PAGE_COUNTED - 1)

/* A position on file: first the page and the time of its reference, then the time of the next. */
struct tide_position {
    uint64_t id_or_next;
    uint64_t time;
};

struct tide_future {
    int fd;
    uint64_t positions;
};

struct scanned_page {
    tide_page page;
    uint64_t id;
    unsigned prot;
};

struct tide_scan {
    struct tide_geometry geometry;
    uint64_t skip_left, references_left;
    uint64_t now; /* references since the skip */
    bool want_future, finished;
    bool replayed; /* the reference at hand is not behind the limit */
    struct tide_map pages;
    uint64_t n_ids, distinct;
    struct tide_mm **processes;
    size_t n_processes, processes_cap;
    struct scanned_page recent[RECENT];
    struct scanned_page held[TIDE_SIDES];
    bool wrote; /* the held data page */
    tide_page previous;
    int hook_code;

    struct tide_future future;
    struct tide_position *chunk; /* CHUNK of them, the first n_chunk not yet written */
    size_t n_chunk;
    struct tide_block_runs runs;
};

/* ---- the file of next uses ---- */

static int io_error(struct tide_error *e, const char *what)
{
    tide_fail(e, TIDE_E_IO, "%s the temporary file of next uses failed: %s", what, strerror(errno));
    tide_error_remedy(e, "it takes 16 bytes for each change of page; TMPDIR says where it goes");
    return TIDE_E_IO;
}

static int open_temporary(struct tide_error *e)
{
    const char *dir = getenv("TMPDIR");
    char *path =
        tide_asprintf("%s/pagetide-next-XXXXXX", dir != NULL && dir[0] != '\0' ? dir : "/tmp");
    int fd;

    if (path == NULL)
        return tide_nomem(e);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    free(path);
    return fd >= 0 ? fd : io_error(e, "creating");
}

static int write_positions(int fd, const struct tide_position *from, size_t n, uint64_t position,
                           struct tide_error *e)
{
    const char *p = (const char *)from;
    size_t left = n * sizeof *from;
    off_t at = (off_t)(position * sizeof *from);

    while (left > 0) {
        ssize_t done = pwrite(fd, p, left, at);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return io_error(e, "writing");
        p += done;
        left -= (size_t)done;
        at += done;
    }
    return 0;
}

static int read_positions(int fd, struct tide_position *to, size_t n, uint64_t position,
                          struct tide_error *e)
{
    char *p = (char *)to;
    size_t left = n * sizeof *to;
    off_t at = (off_t)(position * sizeof *to);

    while (left > 0) {
        ssize_t done = pread(fd, p, left, at);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return io_error(e, "reading");
        p += done;
        left -= (size_t)done;
        at += done;
    }
    return 0;
}

static int emit(struct tide_scan *s, uint64_t id, uint64_t time, struct tide_error *e)
{
    if (!s->want_future || !s->replayed)
        return 0;
    s->chunk[s->n_chunk++] = (struct tide_position){.id_or_next = id, .time = time};
    if (s->n_chunk == CHUNK) {
        int rc = write_positions(s->future.fd, s->chunk, CHUNK, s->future.positions, e);

        if (rc != 0)
            return rc;
        s->future.positions += CHUNK;
        s->n_chunk = 0;
    }
    return 0;
}

/* Ids become times of the next use of the same id, from the end backwards. */
static int turn_around(struct tide_scan *s, struct tide_error *e)
{
    uint64_t *next = tide_malloc((s->n_ids + 1) * sizeof *next);
    uint64_t end = s->future.positions;
    int rc = 0;

    if (next == NULL)
        return tide_nomem(e);
    for (uint64_t id = 0; id < s->n_ids; id++)
        next[id] = TIDE_NEVER;
    while (end > 0 && rc == 0) {
        size_t n = end < CHUNK ? (size_t)end : CHUNK;
        uint64_t start = end - n;

        rc = read_positions(s->future.fd, s->chunk, n, start, e);
        for (size_t i = n; i-- > 0 && rc == 0;) {
            uint64_t id = s->chunk[i].id_or_next;

            s->chunk[i].id_or_next = TIDE_NEVER;
            if (id != NOBODY) {
                s->chunk[i].id_or_next = next[id];
                next[id] = s->chunk[i].time;
            }
        }
        if (rc == 0)
            rc = write_positions(s->future.fd, s->chunk, n, start, e);
        end = start;
    }
    free(next);
    return rc;
}

/* ---- pages ---- */

static void forget_recent(struct tide_scan *s)
{
    for (size_t i = 0; i < RECENT; i++)
        s->recent[i].page = TIDE_PAGE_NONE;
}

static void end_page(struct tide_scan *s, uint64_t key)
{
    uint64_t *value = tide_map_get(&s->pages, key);

    if (value != NULL)
        *value &= ~PAGE_LIVE;
}

static bool overlapped(struct tide_scan *s, tide_page page)
{
    return tide_mm_overlap(s->processes[tide_page_process(page)],
                           tide_page_address(s->geometry, page),
                           UINT64_C(1) << s->geometry.page_shift) != NULL;
}

/* Calls f for each live page of a range of bytes: by the range or by the map, whichever is less. */
static void each_page(struct tide_scan *s, unsigned process, uint64_t start, uint64_t end,
                      void (*f)(struct tide_scan *, tide_page, void *), void *arg)
{
    uint64_t last = end - 1;
    tide_page from, to;

    forget_recent(s);
    if (!tide_canonical(s->geometry, start) || !tide_canonical(s->geometry, last))
        return;
    from = tide_page_of(s->geometry, process, start);
    to = tide_page_of(s->geometry, process, last);
    if (to.v - from.v <= s->pages.count) {
        for (uint64_t key = from.v; key <= to.v; key++) {
            const uint64_t *value = tide_map_get(&s->pages, key);

            if (value != NULL && (*value & PAGE_LIVE) != 0)
                f(s, (tide_page){key}, arg);
        }
        return;
    }
    for (size_t i = 0; s->pages.slots != NULL && i <= s->pages.mask; i++) {
        const struct tide_map_slot *slot = &s->pages.slots[i];

        if (slot->key != TIDE_MAP_NONE && slot->key >= from.v && slot->key <= to.v &&
            (slot->value & PAGE_LIVE) != 0)
            f(s, (tide_page){slot->key}, arg);
    }
}

static void end_unless_mapped(struct tide_scan *s, tide_page page, void *arg)
{
    (void)arg;
    if (!overlapped(s, page))
        end_page(s, page.v);
}

static void end_always(struct tide_scan *s, tide_page page, void *arg)
{
    (void)arg;
    end_page(s, page.v);
}

static void on_unmapped(void *context, unsigned process, uint64_t start, uint64_t end)
{
    each_page(context, process, start, end, end_unless_mapped, NULL);
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
    struct tide_scan *s = context;
    uint64_t bytes = UINT64_C(1) << s->geometry.page_shift;

    start = (start + bytes - 1) & ~(bytes - 1);
    end &= ~(bytes - 1);
    if (start < end)
        each_page(s, process, start, end, end_always, NULL);
}

/* Pages that move, collected first: the map must not change while it is walked. */
struct move {
    uint64_t from, len;
    struct {
        tide_page page;
    } * pages;
    size_t n, cap;
    bool failed;
};

static void collect(struct tide_scan *s, tide_page page, void *arg)
{
    struct move *move = arg;
    void *grown = tide_grow(move->pages, &move->cap, move->n + 1, sizeof *move->pages);

    (void)s;
    if (grown == NULL) {
        move->failed = true;
        return;
    }
    move->pages = grown;
    move->pages[move->n++].page = page;
}

static void on_moved(void *context, unsigned process, uint64_t from, uint64_t to, uint64_t len)
{
    struct tide_scan *s = context;
    struct move move = {.from = from, .len = len};
    uint64_t bytes = UINT64_C(1) << s->geometry.page_shift;
    bool congruent = ((from ^ to) & (bytes - 1)) == 0;

    each_page(s, process, from, from + len, collect, &move);
    for (size_t i = 0; i < move.n && !move.failed; i++) {
        tide_page page = move.pages[i].page;
        uint64_t start = tide_page_address(s->geometry, page);
        uint64_t target = to + (start - from), id, *value;
        bool whole = len >= bytes && start >= from && start - from <= len - bytes;

        if (congruent && whole && tide_canonical(s->geometry, target)) {
            id = *tide_map_get(&s->pages, page.v) & PAGE_ID;
            end_page(s, page.v);
            value = tide_map_put(&s->pages, tide_page_of(s->geometry, process, target).v, NULL);
            if (value == NULL)
                move.failed = true;
            else
                *value = (*value & PAGE_COUNTED) | PAGE_LIVE | id;
        } else if (!overlapped(s, page)) {
            end_page(s, page.v);
        }
    }
    free(move.pages);
    if (move.failed)
        s->hook_code = TIDE_E_NOMEM;
}

static int process_mm(struct tide_scan *s, unsigned index, struct tide_mm **out,
                      struct tide_error *e)
{
    const struct tide_mm_hooks hooks = {
        .context = s,
        .unmapped = on_unmapped,
        .protected_ = on_protected,
        .discarded = on_discarded,
        .moved = on_moved,
    };

    while (s->n_processes <= index) {
        struct tide_mm **grown =
            tide_grow(s->processes, &s->processes_cap, s->n_processes + 1, sizeof *grown);
        struct tide_mm *mm = NULL;

        if (grown == NULL || (s->processes = grown, mm = tide_calloc(1, sizeof *mm)) == NULL)
            return tide_nomem(e);
        tide_mm_init(mm, (unsigned)s->n_processes, &hooks);
        s->processes[s->n_processes++] = mm;
    }
    *out = s->processes[index];
    return 0;
}

/* Looks a page up through the address space. Returns 1 with *out filled, 0 for a segmentation
 * fault, negative on failure. */
static int look_up(struct tide_scan *s, tide_page page, uint64_t addr, unsigned needed,
                   struct scanned_page *out, struct tide_error *e)
{
    struct scanned_page *near = &s->recent[tide_hash64(page.v) % RECENT];

    if (near->page.v != page.v) {
        uint64_t bytes = UINT64_C(1) << s->geometry.page_shift;
        struct scanned_page found = {.page = page};
        struct tide_vma *vma;
        struct tide_mm *mm = NULL;
        uint64_t *value;
        int rc;

        rc = process_mm(s, tide_page_process(page), &mm, e);
        if (rc == 0)
            rc = tide_mm_touch(mm, addr & ~(bytes - 1), bytes, addr, &found.prot, &vma, e);
        if (rc <= 0)
            return rc;
        if ((found.prot & needed) != needed)
            return 0;
        value = tide_map_put(&s->pages, page.v, NULL);
        if (value == NULL)
            return tide_nomem(e);
        if ((*value & PAGE_LIVE) == 0)
            *value = (*value & PAGE_COUNTED) | PAGE_LIVE | s->n_ids++;
        if ((*value & PAGE_COUNTED) == 0) {
            *value |= PAGE_COUNTED;
            s->distinct++;
        }
        found.id = *value & PAGE_ID;
        *near = found;
    }
    *out = *near;
    return (near->prot & needed) == needed;
}

/* ---- references ---- */

/* One reference by itself; the same rules as the machine's step(). */
static int scan_reference(struct tide_scan *s, unsigned process, uint64_t addr,
                          enum tide_kind fault_kind, struct tide_error *e)
{
    bool canonical = tide_canonical(s->geometry, addr);
    tide_page page = canonical ? tide_page_of(s->geometry, process, addr) : TIDE_PAGE_NONE;
    bool moves = !canonical || page.v != s->previous.v;
    bool skipped = s->skip_left > 0;
    struct scanned_page found = {.id = NOBODY};
    int rc = 0;

    if (canonical)
        rc = look_up(s, page, addr, tide_prot_needed(fault_kind), &found, e);
    if (rc < 0)
        return rc;
    s->previous = page;
    s->replayed = s->references_left > 0;
    if (skipped) { /* counted, but machines see no more than its change of page */
        s->skip_left--;
        found.id = NOBODY;
    } else {
        s->now++;
        s->references_left -= s->replayed;
        if (rc == 0) {
            s->previous = TIDE_PAGE_NONE;
            found.id = NOBODY;
        }
    }
    return moves ? emit(s, found.id, s->now, e) : 0;
}

static int scan_access(struct tide_scan *s, const struct tide_access *a, struct tide_error *e)
{
    unsigned shift = s->geometry.page_shift;
    uint64_t pages = ((a->addr + a->size - 1) >> shift) - (a->addr >> shift) + 1;
    bool modify = a->kind == TIDE_MODIFY;
    enum tide_kind fault_kind = modify ? TIDE_WRITE : (enum tide_kind)a->kind;

    for (int pass = 0; pass < (modify ? 2 : 1); pass++) {
        for (uint64_t i = 0; i < pages; i++) {
            uint64_t addr = i == 0 ? a->addr : ((a->addr >> shift) + i) << shift;
            int rc = scan_reference(s, a->process, addr, fault_kind, e);

            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

static int scan_apart(struct tide_scan *s, const struct tide_block *b, size_t from, size_t to,
                      struct tide_error *e)
{
    for (size_t i = from; i < to; i++) {
        int rc = scan_access(s, &b->accesses[i], e);

        if (rc != 0)
            return rc;
    }
    return 0;
}

/* The folded references of a run go from one held page to the other and back, with each change of
 * side. */
static int scan_switches(struct tide_scan *s, const struct tide_block *b, size_t from, size_t to,
                         struct tide_error *e)
{
    enum tide_side side = tide_side_of((enum tide_kind)b->accesses[from].kind);
    uint64_t time = s->now + 1;
    int rc = 0;

    for (size_t i = from; i < to && rc == 0; i++) {
        enum tide_kind kind = (enum tide_kind)b->accesses[i].kind;

        if (tide_side_of(kind) != side) {
            side = tide_side_of(kind);
            s->previous = s->held[side].page;
            rc = emit(s, s->held[side].id, time, e);
        }
        time += kind == TIDE_MODIFY ? 2 : 1;
    }
    return rc;
}

static int scan_run(struct tide_scan *s, const struct tide_block *b, const struct tide_run *r,
                    size_t to, struct tide_error *e)
{
    struct tide_folded f = tide_run_folded(r);
    enum tide_kind kind = (enum tide_kind)r->kind;
    enum tide_kind fault_kind = kind == TIDE_MODIFY ? TIDE_WRITE : kind;
    unsigned side = tide_side_of(kind);
    uint64_t references = UINT64_C(1) + f.fetches + f.data;
    unsigned data_needs;
    size_t from = tide_run_first(r->counts);
    struct scanned_page found;
    int rc;

    s->held[side].page = TIDE_PAGE_NONE;
    if (kind != TIDE_FETCH)
        s->wrote = kind != TIDE_READ;
    /* a page that is written may be read too */
    data_needs = TIDE_PROT_READ | (s->wrote ? TIDE_PROT_WRITE : 0u);
    s->replayed = s->references_left > 0;
    if ((r->flags & TIDE_RUN_APART) != 0 || s->skip_left > 0 ||
        (s->replayed && references > s->references_left))
        return scan_apart(s, b, from, to, e);
    rc = look_up(s, r->page, b->accesses[from].addr, tide_prot_needed(fault_kind), &found, e);
    if (rc < 0)
        return rc;
    if (rc == 1)
        s->held[side] = found;
    if (rc == 0 ||
        (f.fetches > 0 && (s->held[TIDE_SIDE_FETCH].page.v == TIDE_PAGE_NONE.v ||
                           (s->held[TIDE_SIDE_FETCH].prot & TIDE_PROT_EXEC) == 0)) ||
        (f.data > 0 && (s->held[TIDE_SIDE_DATA].page.v == TIDE_PAGE_NONE.v ||
                        (s->held[TIDE_SIDE_DATA].prot & data_needs) != data_needs)))
        return scan_apart(s, b, from, to, e);
    s->references_left -= s->replayed ? references : 0;
    rc = r->page.v != s->previous.v ? emit(s, found.id, s->now + 1, e) : 0;
    s->previous = r->page;
    if (rc == 0 && f.changes > 0 &&
        s->held[TIDE_SIDE_FETCH].page.v != s->held[TIDE_SIDE_DATA].page.v)
        rc = scan_switches(s, b, from, to, e);
    s->now += references;
    return rc;
}

/* ---- life ---- */

struct tide_scan *tide_scan_new(struct tide_geometry g, uint64_t skip, uint64_t warmup,
                                uint64_t limit, bool want_future, struct tide_error *e)
{
    struct tide_scan *s = tide_calloc(1, sizeof *s);

    if (s == NULL) {
        tide_nomem(e);
        return NULL;
    }
    s->geometry = g;
    s->skip_left = skip;
    s->references_left = limit > UINT64_MAX - warmup ? UINT64_MAX : warmup + limit;
    s->want_future = want_future;
    s->future.fd = -1;
    s->previous = TIDE_PAGE_NONE;
    tide_map_init(&s->pages);
    forget_recent(s);
    tide_block_runs_init(&s->runs, g);
    if (want_future) {
        s->chunk = tide_malloc(CHUNK * sizeof *s->chunk);
        if (s->chunk == NULL)
            tide_nomem(e);
        else
            s->future.fd = open_temporary(e);
        if (s->future.fd < 0) {
            tide_scan_free(s);
            return NULL;
        }
    }
    return s;
}

void tide_scan_free(struct tide_scan *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_processes; i++) {
        tide_mm_fini(s->processes[i]);
        free(s->processes[i]);
    }
    free(s->processes);
    tide_map_fini(&s->pages);
    if (s->future.fd >= 0)
        close(s->future.fd);
    free(s->chunk);
    free(s);
}

static int scan_event(struct tide_scan *s, const struct tide_event *ev, struct tide_error *e)
{
    struct tide_mm *mm = NULL;
    int rc = process_mm(s, ev->process, &mm, e);

    /* the machine keeps what its last process leaves; nothing follows an EXIT that could differ */
    if (rc != 0 || ev->type == TIDE_EV_EXIT || ev->type == TIDE_EV_PROCESS)
        return rc;
    s->hook_code = 0;
    rc = tide_mm_event(mm, ev, e);
    return rc == 0 && s->hook_code != 0 ? tide_nomem(e) : rc;
}

int tide_scan_feed(struct tide_scan *s, const struct tide_block *b, struct tide_error *e)
{
    tide_block_runs_cut(&s->runs, b);
    for (size_t k = 0; k < s->runs.n_segments; k++) {
        const struct tide_segment_runs *seg = &s->runs.segments[k];
        const struct tide_run *runs = &s->runs.runs[seg->first_run];
        int rc = 0;

        for (size_t i = 0; i < seg->n_runs && rc == 0; i++)
            rc = scan_run(s, b, &runs[i], tide_run_first(runs[i + 1].counts), e);
        if (rc == 0 && k < b->n_events)
            rc = scan_event(s, &b->events[k], e);
        if (rc != 0)
            return rc;
    }
    return 1;
}

int tide_scan_finish(struct tide_scan *s, struct tide_error *e)
{
    int rc;

    s->finished = true;
    if (!s->want_future)
        return 0;
    rc = write_positions(s->future.fd, s->chunk, s->n_chunk, s->future.positions, e);
    if (rc != 0)
        return rc;
    s->future.positions += s->n_chunk;
    return turn_around(s, e);
}

uint64_t tide_scan_distinct_pages(const struct tide_scan *s)
{
    return s->distinct;
}

struct tide_future *tide_scan_future(struct tide_scan *s)
{
    return s->want_future && s->finished ? &s->future : NULL;
}

/* ---- cursors ---- */

struct tide_future_cursor {
    const struct tide_future *future;
    uint64_t base;
    size_t n;
    struct tide_position window[WINDOW];
};

struct tide_future_cursor *tide_future_open(struct tide_future *f, struct tide_error *e)
{
    struct tide_future_cursor *c = tide_calloc(1, sizeof *c);

    if (c == NULL) {
        tide_nomem(e);
        return NULL;
    }
    c->future = f;
    return c;
}

void tide_future_close(struct tide_future_cursor *c)
{
    free(c);
}

int tide_future_next(struct tide_future_cursor *c, uint64_t position, uint64_t *next,
                     struct tide_error *e)
{
    if (position - c->base >= c->n) {
        uint64_t left;
        int rc;

        if (position >= c->future->positions)
            return tide_fail(e, TIDE_E_TRACE, "the trace changed between the scan and the replay");
        c->base = position > BEHIND ? position - BEHIND : 0;
        left = c->future->positions - c->base;
        c->n = left < WINDOW ? (size_t)left : WINDOW;
        rc = read_positions(c->future->fd, c->window, c->n, c->base, e);
        if (rc != 0)
            return rc;
    }
    *next = c->window[position - c->base].id_or_next;
    return 0;
}
