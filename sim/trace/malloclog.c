/* Calls of malloc and its kin, as LD_PRELOAD loggers and ltrace print them. Events alone.
 *
 *     malloc(24) = 0x55d0c8a2a2a0         [pid 4711] before any of them: as ltrace -f
 *     calloc(2, 16) = 0x55d0c8a2a2c0      memalign(64, 100) = ...; aligned_alloc the same
 *     realloc(0x55d0c8a2a2a0, 4096) = 0x55d0c8a2b6d0
 *     free(0x55d0c8a2a2c0)                what follows the bracket is not read: = <void>
 *
 * (nil), NULL and 0 are the null pointer: a request in vain, and free(NULL), are skipped and
 * counted, as are all lines that are no such call. realloc(NULL, n) is a MALLOC.
 */
#include "trace/malloclog.h"

#include <string.h>

#include "base/mem.h"
#include "trace/record.h"
#include "trace/text.h"

enum call { MALLOC, CALLOC, REALLOC, FREE, MEMALIGN, ALIGNED_ALLOC, CALLS };

static const struct {
    const char *text;
    unsigned args;
} calls[CALLS] = {[MALLOC] = {"malloc(", 1},     [CALLOC] = {"calloc(", 2},
                  [REALLOC] = {"realloc(", 2},   [FREE] = {"free(", 1},
                  [MEMALIGN] = {"memalign(", 2}, [ALIGNED_ALLOC] = {"aligned_alloc(", 2}};

struct malloclog {
    struct tide_lines lines;
    struct tide_pids pids;
    bool begun; /* the table of processes is made */
};

static bool take_value(struct tide_text *t, uint64_t *out)
{
    *out = 0;
    return tide_eat(t, "(nil)") || tide_eat(t, "NULL") || tide_number_c(&t->p, t->end, out);
}

const char *tide_heap_call(struct tide_text t, struct tide_event *ev, const unsigned char **bad)
{
    uint64_t args[2] = {0}, result = 0, align = 0;
    unsigned call = 0;

    *ev = (struct tide_event){.type = TIDE_EV_TYPES};
    while (call < CALLS && !tide_eat(&t, calls[call].text))
        call++;
    if (call == CALLS)
        return NULL;
    for (unsigned i = 0; i < calls[call].args; i++) {
        *bad = t.p;
        if ((i > 0 && !tide_eat(&t, ",")) || (tide_eat_blanks(&t), !take_value(&t, &args[i])))
            return "a number was expected in the call's brackets";
    }
    *bad = t.p;
    if (!tide_eat(&t, ")"))
        return "')' was expected behind the call's values";
    tide_eat_blanks(&t);
    *bad = t.p;
    if (call != FREE && (!tide_eat(&t, "=") || (tide_eat_blanks(&t), !take_value(&t, &result))))
        return "'= ADDRESS' was expected behind the call";
    if (call == CALLOC) {
        if (__builtin_mul_overflow(args[0], args[1], &args[0]))
            return "number times size do not fit in 64 bits";
        ev->flags = TIDE_HEAP_ZEROED;
    } else if (call == MEMALIGN || call == ALIGNED_ALLOC) {
        align = args[0];
        args[0] = args[1];
        if (align > UINT32_MAX)
            return "the alignment is not possible";
    } else if (call == REALLOC && args[0] == 0) {
        args[0] = args[1];
        call = MALLOC;
    }
    if (call == FREE && args[0] != 0) {
        ev->type = TIDE_EV_FREE;
        ev->addr = args[0];
    } else if (call == REALLOC) {
        ev->type = TIDE_EV_REALLOC;
        ev->addr = args[0];
        ev->new_addr = result;
        ev->new_len = args[1];
    } else if (call != FREE && result != 0) {
        ev->type = TIDE_EV_MALLOC;
        ev->addr = result;
        ev->len = args[0];
        ev->number = (uint32_t)align;
    }
    return NULL;
}

/* As tide_heap_call(), with the pid in front, 0 where there is none. */
static const char *take(const struct tide_line *line, struct tide_event *ev, uint64_t *pid,
                        const unsigned char **bad)
{
    struct tide_text t = {line->text, line->text + line->n};

    *ev = (struct tide_event){.type = TIDE_EV_TYPES};
    *pid = 0;
    *bad = line->text;
    tide_eat_blanks(&t);
    if (tide_eat(&t, "[pid ")) {
        if (!tide_number(&t.p, t.end, 10, pid) || !tide_eat(&t, "]"))
            return NULL;
        tide_eat_blanks(&t);
    }
    return tide_heap_call(t, ev, bad);
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    struct malloclog *s = state;
    struct tide_line line;

    if (!s->begun) {
        tide_pids_init(&s->pids);
        s->begun = true;
    }
    /* a call makes its event, and PROCESS before it */
    while (b->n_events + 2 <= TIDE_BLOCK_EVENTS) {
        const unsigned char *bad;
        const char *expected;
        struct tide_event ev;
        uint64_t pid;
        int process;

        if (!tide_line_next(&s->lines, w, &line))
            return 0;
        if ((expected = take(&line, &ev, &pid, &bad)) != NULL)
            return tide_damaged_line(w, &line, bad, s->lines.number, expected, e);
        if (ev.type == TIDE_EV_TYPES) {
            info->other_lines++;
            continue;
        }
        process = tide_pids_process(&s->pids, pid, b, info, &expected);
        if (process == TIDE_E_NOMEM)
            return tide_nomem(e);
        if (process < 0)
            return tide_damaged_line(w, &line, bad, s->lines.number, expected, e);
        ev.process = (uint16_t)process;
        *tide_block_event(b, info, ev.type) = ev;
    }
    return 1;
}

static void fini(void *state)
{
    struct malloclog *s = state;

    if (s->begun)
        tide_pids_fini(&s->pids);
}

/* A call among the first lines. */
static int probe(const unsigned char *head, size_t n, bool whole)
{
    enum { LINES = 64 };
    struct tide_reader_window w = {
        .bytes = (unsigned char *)(uintptr_t)head, .len = n, .at_end = whole};
    struct tide_lines lines = {0};
    struct tide_line line;
    const unsigned char *bad;
    struct tide_event ev;
    uint64_t pid;

    while (lines.number < LINES && tide_line_next(&lines, &w, &line))
        if (take(&line, &ev, &pid, &bad) == NULL && ev.type != TIDE_EV_TYPES)
            return 90;
    return 0;
}

const struct tide_format tide_format_malloclog = {
    .name = "malloclog",
    .summary = "calls of malloc and its kin, as ltrace prints them (events alone)",
    .example = "malloc(24) = 0x55d0c8a2a2a0 or free(0x55d0c8a2a2a0)",
    .events_alone = true,
    .lines = true,
    .state_bytes = sizeof(struct malloclog),
    .probe = probe,
    .fini = fini,
    .parse = parse,
};
