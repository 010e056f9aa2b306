/* DynamoRIO's drmemtrace, offline, one thread or one core a file: 12-byte records, little-endian.
 *
 *     0      2      4                        12
 *     +------+------+------------------------+
 *     | type | size | address, id or value   |     the first is HEADER, the last is FOOTER
 *     +------+------+------------------------+
 *
 * Fetches, reads and writes become accesses; an instruction of size 0 only tells the address of the
 * one that the next data belong to; iterations of `rep` instructions (NO_FETCH) fetch nothing. PID
 * and THREAD choose the process: threads of one pid share it. Markers, encodings of instructions,
 * prefetches and flushes are skipped and counted.
 *
 * Source: DynamoRIO, clients/drcachesim/common/trace_entry.h and reader/reader.cpp.
 * Differs: of prefetches nothing is taken, for they neither fault nor wait. The zip archive with
 *   its chunks is not opened: `unzip -p FILE.zip 'chunk.*' | pagetide ... -`.
 */
#include <string.h>

#include "base/mem.h"
#include "trace/record.h"

enum { RECORD = 12, VERSION_MAX = 15 };

enum {
    READ = 0,
    WRITE = 1,
    INSTR_FIRST = 10,
    INSTR_LAST = 16,
    BUNDLE = 17,
    THREAD = 22,
    PID = 24,
    HEADER = 25,
    FOOTER = 26,
    NO_FETCH = 29,
    MAYBE_FETCH = 30,
    SYSENTER = 31,
    TAKEN_JUMP = 48,
    UNTAKEN_JUMP = 49,
    TYPES
};

struct drmemtrace {
    uint64_t records;
    bool begun; /* the tables below are made */
    bool known; /* `process` is one that has been delivered */
    bool over;  /* FOOTER has come */
    uint16_t process;
    uint64_t tid;
    struct tide_map pids_by_tid; /* tid -> pid, once it has been told */
    struct tide_pids pids;
    uint64_t pc;      /* of the last instruction */
    uint64_t next_pc; /* behind it: where a bundle begins */
};

static int damage(struct drmemtrace *s, const struct tide_reader_window *w, struct tide_error *e,
                  const char *what)
{
    return tide_damaged_record(w, w->bytes + w->pos, s->records, e, "%s", what);
}

static int enter(struct drmemtrace *s, uint64_t pid, const struct tide_reader_window *w,
                 struct tide_block *b, struct tide_trace_info *info, struct tide_error *e)
{
    const char *what;
    int process = tide_pids_process(&s->pids, pid, b, info, &what);

    if (process == TIDE_E_NOMEM)
        return tide_nomem(e);
    if (process < 0)
        return damage(s, w, e, what);
    s->process = (uint16_t)process;
    s->known = true;
    return 0;
}

static int add(struct drmemtrace *s, uint64_t addr, uint64_t size, enum tide_kind kind,
               const struct tide_reader_window *w, struct tide_block *b,
               struct tide_trace_info *info, struct tide_error *e)
{
    const char *bad = tide_bad_extent(addr, size);
    int rc;

    if (bad != NULL)
        return damage(s, w, e, bad);
    if (!s->known && (rc = enter(s, 0, w, b, info, e)) < 0)
        return rc;
    b->accesses[b->n_accesses++] = (struct tide_access){
        .addr = addr, .size = (uint32_t)size, .process = s->process, .kind = (uint8_t)kind};
    return 0;
}

/* The lengths of instructions that follow one another. */
static int take_bundle(struct drmemtrace *s, const unsigned char *lengths, unsigned n,
                       const struct tide_reader_window *w, struct tide_block *b,
                       struct tide_trace_info *info, struct tide_error *e)
{
    int rc = 0;

    if (n > RECORD - 4)
        return damage(s, w, e, "a bundle holds at most 8 instructions");
    for (unsigned i = 0; i < n && rc == 0; i++) {
        s->pc = s->next_pc;
        rc = add(s, s->pc, lengths[i], TIDE_FETCH, w, b, info, e);
        s->next_pc = s->pc + lengths[i];
    }
    return rc;
}

static int take_instruction(struct drmemtrace *s, unsigned type, unsigned size, uint64_t pc,
                            const struct tide_reader_window *w, struct tide_block *b,
                            struct tide_trace_info *info, struct tide_error *e)
{
    bool fetched = size > 0 && type != NO_FETCH && (type != MAYBE_FETCH || pc != s->pc);

    s->pc = pc;
    s->next_pc = pc + size;
    return fetched ? add(s, pc, size, TIDE_FETCH, w, b, info, e) : 0;
}

static int take_thread(struct drmemtrace *s, uint64_t tid, const struct tide_reader_window *w,
                       struct tide_block *b, struct tide_trace_info *info, struct tide_error *e)
{
    const uint64_t *pid = tid != TIDE_MAP_NONE ? tide_map_get(&s->pids_by_tid, tid) : NULL;

    s->tid = tid;
    return pid != NULL ? enter(s, *pid, w, b, info, e) : 0;
}

static int take_pid(struct drmemtrace *s, uint64_t pid, const struct tide_reader_window *w,
                    struct tide_block *b, struct tide_trace_info *info, struct tide_error *e)
{
    uint64_t *of_thread;

    if (s->tid == TIDE_MAP_NONE)
        return damage(s, w, e, "the thread id is not possible");
    if ((of_thread = tide_map_put(&s->pids_by_tid, s->tid, NULL)) == NULL)
        return tide_nomem(e);
    *of_thread = pid;
    return enter(s, pid, w, b, info, e);
}

static int take(struct drmemtrace *s, const unsigned char *p, const struct tide_reader_window *w,
                struct tide_block *b, struct tide_trace_info *info, struct tide_error *e)
{
    unsigned type = (unsigned)tide_le(p, 2), size = (unsigned)tide_le(p + 2, 2);
    uint64_t addr = tide_le(p + 4, 8);

    if ((s->records == 0) != (type == HEADER))
        return damage(s, w, e,
                      s->records == 0 ? "the first record is no header"
                                      : "a header stands inside the trace");
    switch (type) {
    case HEADER:
        if (addr > VERSION_MAX)
            return damage(s, w, e, "the header's version is not possible");
        return 0;
    case READ:
    case WRITE:
        return add(s, addr, size, type == READ ? TIDE_READ : TIDE_WRITE, w, b, info, e);
    case BUNDLE:
        return take_bundle(s, p + 4, size, w, b, info, e);
    case THREAD:
        return take_thread(s, addr, w, b, info, e);
    case PID:
        return take_pid(s, addr, w, b, info, e);
    case FOOTER:
        s->over = true;
        return 0;
    case NO_FETCH:
    case MAYBE_FETCH:
    case SYSENTER:
    case TAKEN_JUMP:
    case UNTAKEN_JUMP:
        return take_instruction(s, type, size, addr, w, b, info, e);
    default:
        if (type >= INSTR_FIRST && type <= INSTR_LAST)
            return take_instruction(s, type, size, addr, w, b, info, e);
        if (type >= TYPES)
            return tide_damaged_record(w, p, s->records, e, "there is no record type %u", type);
        info->other_lines++;
        return 0;
    }
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    struct drmemtrace *s = state;

    if (!s->begun) {
        tide_map_init(&s->pids_by_tid);
        tide_pids_init(&s->pids);
        s->begun = true;
    }
    for (; w->len - w->pos >= RECORD; w->pos += RECORD, s->records++) {
        int rc;

        /* a bundle has up to 8 fetches; any record makes one event at most */
        if (b->n_accesses + 8 > TIDE_BLOCK_ACCESSES || b->n_events == TIDE_BLOCK_EVENTS)
            return 1;
        if (s->over)
            return damage(s, w, e, "records follow the footer");
        if ((rc = take(s, w->bytes + w->pos, w, b, info, e)) < 0)
            return rc;
    }
    if (w->at_end && w->pos < w->len)
        return tide_cut_record(w, s->records, e);
    if (w->at_end && !s->over)
        return damage(s, w, e, "the trace is truncated: its footer is missing");
    return 0;
}

static void fini(void *state)
{
    struct drmemtrace *s = state;

    if (s->begun) {
        tide_map_fini(&s->pids_by_tid);
        tide_pids_fini(&s->pids);
    }
}

static int probe(const unsigned char *head, size_t n, bool whole)
{
    (void)whole;
    if (n < RECORD || tide_le(head, 2) != HEADER || tide_le(head + 2, 2) != 0 ||
        tide_le(head + 4, 8) > VERSION_MAX)
        return 0;
    return n < 2 * RECORD || tide_le(head + RECORD, 2) < TYPES ? 98 : 50;
}

const struct tide_format tide_format_drmemtrace = {
    .name = "drmemtrace",
    .summary = "DynamoRIO's drmemtrace, offline: 12-byte records",
    .example = "(binary: type, size, address)",
    .state_bytes = sizeof(struct drmemtrace),
    .probe = probe,
    .fini = fini,
    .parse = parse,
};
