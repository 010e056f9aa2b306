/* What the kernel's own allocators did, as ftrace prints the kmem events. Events alone.
 *
 *     TASK-PID     [001] d..1.  1234.567890: mm_page_alloc: page=0x... pfn=0x1fc1c4 order=0
 *                  migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_ZERO       (all on one line)
 *     TASK-PID     [001] d..1.  1234.567891: kmem_cache_free: call_site=... ptr=... name=dentry
 *
 * mm_page_alloc, mm_page_free; kmalloc, kfree, kmem_cache_alloc, kmem_cache_free and their _node
 * forms become events of process 0, the kernel, with the CPU. All other lines are skipped and
 * counted, mm_page_free_batched among them, for the kernel traces mm_page_free for the same page;
 * and requests that got nothing. GFP flags are not read: they are printed by names that differ
 * from kernel to kernel, and the migrate type says what the buddy allocator needs of them.
 *
 * Source: Linux 6.1, include/trace/events/kmem.h; Documentation/trace/ftrace.rst.
 * Differs: kernels before 5.13 print no name of the cache: it is "unnamed" then.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trace/text.h"

enum { CACHES_MAX = 4096, ORDER_MAX = 30 };

struct ftrace {
    struct tide_lines lines;
    bool begun;    /* PROCESS has been delivered */
    char **caches; /* file id - 1 -> name */
    size_t n_caches, cap_caches;
};

/* What the fields of an event become. */
enum shape { PAGE_ALLOC, PAGE_FREE, KMALLOC, KFREE, CACHE_ALLOC, CACHE_FREE };

static const struct {
    const char *name;
    enum shape shape;
} known[] = {
    {"mm_page_alloc: ", PAGE_ALLOC},
    {"mm_page_free: ", PAGE_FREE},
    {"kmalloc: ", KMALLOC},
    {"kmalloc_node: ", KMALLOC},
    {"kfree: ", KFREE},
    {"kmem_cache_alloc: ", CACHE_ALLOC},
    {"kmem_cache_alloc_node: ", CACHE_ALLOC},
    {"kmem_cache_free: ", CACHE_FREE},
};

/* One line's event; `text` is what follows its name. */
struct found {
    enum shape shape;
    uint32_t cpu;
    struct tide_text text;
};

/* `[CPU] flags time: name: `. */
static bool find_event(const struct tide_line *line, struct found *f)
{
    struct tide_text t = {line->text, line->text + line->n};
    uint64_t cpu = 0;

    do
        if (!tide_eat_through(&t, "["))
            return false;
    while (!tide_number(&t.p, t.end, 10, &cpu) || !tide_eat(&t, "] ") || cpu > UINT32_MAX);
    f->cpu = (uint32_t)cpu;
    if (!tide_eat_through(&t, ": "))
        return false;
    tide_eat_blanks(&t);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (tide_eat(&t, known[i].name)) {
            f->shape = known[i].shape;
            f->text = t;
            return true;
        }
    return false;
}

/* Behind `key`, which has its '='. */
static bool find_field(struct tide_text text, const char *key, struct tide_text *value)
{
    while (tide_eat_through(&text, key)) {
        const unsigned char *before = text.p - strlen(key);

        if (before[-1] == ' ') { /* the event's name and a blank stand before the first key */
            *value = text;
            return true;
        }
    }
    return false;
}

static bool number_field(struct tide_text text, const char *key, uint64_t *out)
{
    struct tide_text value;

    return find_field(text, key, &value) && tide_number_c(&value.p, value.end, out);
}

/* Pointers are hexadecimal with 0x or without. */
static bool pointer_field(struct tide_text text, const char *key, uint64_t *out)
{
    struct tide_text value;

    if (!find_field(text, key, &value))
        return false;
    *out = 0;
    return tide_eat(&value, "(null)") || tide_address(&value.p, value.end, out) == NULL;
}

/* The id of the cache that the line names, or a negative enum tide_code. */
static int cache_of(struct ftrace *s, struct tide_text text)
{
    static const char unnamed[] = "unnamed";
    struct tide_text value;
    const unsigned char *name = (const unsigned char *)unnamed;
    size_t n = strlen(unnamed);
    char **grown;

    if (find_field(text, "name=", &value)) {
        name = value.p;
        for (n = 0; value.p + n < value.end && value.p[n] > ' ';)
            n++;
    }
    for (size_t i = 0; i < s->n_caches; i++)
        if (strlen(s->caches[i]) == n && memcmp(s->caches[i], name, n) == 0)
            return (int)i + 1;
    if (s->n_caches == CACHES_MAX)
        return TIDE_E_TRACE;
    if ((grown = tide_grow(s->caches, &s->cap_caches, s->n_caches + 1, sizeof *grown)) == NULL)
        return TIDE_E_NOMEM;
    s->caches = grown;
    if ((grown[s->n_caches] = tide_asprintf("%.*s", (int)n, (const char *)name)) == NULL)
        return TIDE_E_NOMEM;
    return (int)++s->n_caches;
}

/* Fills a page event. NULL, or what was expected. */
static const char *take_page(const struct found *f, struct tide_event *ev)
{
    uint64_t order, migrate = TIDE_MIGRATE_UNKNOWN;

    if (!number_field(f->text, "pfn=", &ev->addr))
        return "pfn=NUMBER was expected";
    if (!number_field(f->text, "order=", &order) || order > ORDER_MAX)
        return "order=NUMBER was expected, at most 30";
    if (f->shape == PAGE_ALLOC &&
        (!number_field(f->text, "migratetype=", &migrate) || migrate > TIDE_MIGRATE_UNKNOWN))
        return "migratetype=NUMBER was expected";
    ev->type = f->shape == PAGE_ALLOC ? TIDE_EV_PAGE_ALLOC : TIDE_EV_PAGE_FREE;
    ev->number = (uint32_t)order;
    ev->prot = (uint32_t)migrate;
    return NULL;
}

/* Fills an object event but for its cache. NULL, or what was expected. */
static const char *take_object(const struct found *f, struct tide_event *ev)
{
    if (!pointer_field(f->text, "ptr=", &ev->addr))
        return "ptr=ADDRESS was expected";
    ev->type = f->shape == KFREE || f->shape == CACHE_FREE ? TIDE_EV_KFREE : TIDE_EV_KALLOC;
    if (ev->type == TIDE_EV_KALLOC && (!number_field(f->text, "bytes_req=", &ev->len) ||
                                       !number_field(f->text, "bytes_alloc=", &ev->new_len)))
        return "bytes_req=NUMBER and bytes_alloc=NUMBER were expected";
    return NULL;
}

static int take(struct ftrace *s, const struct tide_line *line, const struct tide_reader_window *w,
                struct tide_block *b, struct tide_trace_info *info, struct tide_error *e)
{
    struct tide_event ev = {0};
    const char *expected;
    struct found f;
    int cache = 0;

    if (!find_event(line, &f)) {
        info->other_lines++;
        return 0;
    }
    expected = f.shape <= PAGE_FREE ? take_page(&f, &ev) : take_object(&f, &ev);
    if (line->cut)
        expected = "the line is far too long for an event";
    if (expected == NULL && (f.shape == CACHE_ALLOC || f.shape == CACHE_FREE) &&
        (cache = cache_of(s, f.text)) < 0) {
        if (cache == TIDE_E_NOMEM)
            return tide_nomem(e);
        expected = "there are more than 4096 caches";
    }
    if (expected != NULL)
        return tide_damaged_line(w, line, f.text.p, s->lines.number, expected, e);
    if (ev.addr == 0) { /* got nothing, or frees it */
        info->other_lines++;
        return 0;
    }
    ev.file = (uint32_t)cache;
    ev.cpu = f.cpu;
    *tide_block_event(b, info, ev.type) = ev;
    return 0;
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    struct ftrace *s = state;
    struct tide_line line;
    int rc;

    if (!s->begun) {
        tide_block_event(b, info, TIDE_EV_PROCESS);
        s->begun = true;
    }
    while (b->n_events < TIDE_BLOCK_EVENTS) {
        if (!tide_line_next(&s->lines, w, &line))
            return 0;
        if ((rc = take(s, &line, w, b, info, e)) < 0)
            return rc;
    }
    return 1;
}

static void fini(void *state)
{
    struct ftrace *s = state;

    for (size_t i = 0; i < s->n_caches; i++)
        free(s->caches[i]);
    free(s->caches);
}

static int probe(const unsigned char *head, size_t n, bool whole)
{
    struct tide_reader_window w = {
        .bytes = (unsigned char *)(uintptr_t)head, .len = n, .at_end = whole};
    struct tide_lines lines = {0};
    struct tide_line line;
    struct found f;

    while (tide_line_next(&lines, &w, &line)) {
        struct tide_text t = {line.text, line.text + line.n};

        if (lines.number == 1 && tide_eat(&t, "# tracer: "))
            return 90;
        if (find_event(&line, &f))
            return 90;
    }
    return 0;
}

static const char *file_name(const void *state, uint32_t file)
{
    const struct ftrace *s = state;

    return file <= s->n_caches ? s->caches[file - 1] : NULL;
}

const struct tide_format tide_format_ftrace = {
    .name = "ftrace",
    .summary = "ftrace's kmem events: page and slab allocations of the kernel (events alone)",
    .example = "cat-7 [001] ..... 12.5: mm_page_free: page=0x1 pfn=0x1fc1c4 order=0",
    .events_alone = true,
    .lines = true,
    .state_bytes = sizeof(struct ftrace),
    .probe = probe,
    .fini = fini,
    .parse = parse,
    .file = file_name,
};
