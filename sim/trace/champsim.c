/* ChampSim's `.champsimtrace`: 64 bytes an instruction, little-endian, nothing around them.
 *
 *     0       8        9       10     12     16             32                    64
 *     +-------+--------+-------+------+------+--------------+---------------------+
 *     |  ip   | branch | taken | dest | src  | dest memory  | source memory       |
 *     |       |  0, 1  | 0, 1  | regs | regs | 2 addresses  | 4 addresses         |
 *     +-------+--------+-------+------+------+--------------+---------------------+
 *
 * An instruction is a fetch, then its loads, then its stores; address 0 means none. Sizes are not
 * told: one byte each. There is no magic number: content is taken for this format where every
 * record of its head has possible flags and canonical addresses and some touch memory.
 *
 * Source: ChampSim, inc/trace_instruction.h (input_instr).
 * Differs: the 96-byte records of its Cloudsuite variant are not read.
 */
#include "trace/record.h"

enum {
    RECORD = 64,
    BRANCH_AT = 8,
    TAKEN_AT = 9,
    STORES_AT = 16,
    LOADS_AT = 32,
    STORES = 2,
    LOADS = 4,
    ACCESSES_MAX = 1 + LOADS + STORES
};

struct champsim {
    uint64_t records;
    bool begun; /* PROCESS has been delivered */
};

static void add(struct tide_block *b, uint64_t addr, enum tide_kind kind)
{
    if (addr != 0)
        b->accesses[b->n_accesses++] =
            (struct tide_access){.addr = addr, .size = 1, .kind = (uint8_t)kind};
}

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    struct champsim *s = state;

    if (!s->begun) {
        tide_block_event(b, info, TIDE_EV_PROCESS);
        s->begun = true;
    }
    for (; w->len - w->pos >= RECORD; w->pos += RECORD, s->records++) {
        const unsigned char *p = w->bytes + w->pos;

        if (b->n_accesses + ACCESSES_MAX > TIDE_BLOCK_ACCESSES)
            return 1;
        if (p[BRANCH_AT] > 1)
            return tide_damaged_record(w, p + BRANCH_AT, s->records, e,
                                       "is_branch is %u, not 0 or 1", p[BRANCH_AT]);
        if (p[TAKEN_AT] > 1)
            return tide_damaged_record(w, p + TAKEN_AT, s->records, e,
                                       "branch_taken is %u, not 0 or 1", p[TAKEN_AT]);
        add(b, tide_le(p, 8), TIDE_FETCH);
        for (unsigned i = 0; i < LOADS; i++)
            add(b, tide_le(p + LOADS_AT + 8 * i, 8), TIDE_READ);
        for (unsigned i = 0; i < STORES; i++)
            add(b, tide_le(p + STORES_AT + 8 * i, 8), TIDE_WRITE);
    }
    if (w->at_end && w->pos < w->len)
        return tide_cut_record(w, s->records, e);
    return 0;
}

static bool canonical(uint64_t addr)
{
    return addr >> 47 == 0 || addr >> 47 == 0x1ffff;
}

static int probe(const unsigned char *head, size_t n, bool whole)
{
    size_t records = n / RECORD;
    bool memory = false;

    if (records < 2 || (whole && n % RECORD != 0))
        return 0;
    for (const unsigned char *p = head; p < head + records * RECORD; p += RECORD) {
        if (p[BRANCH_AT] > 1 || p[TAKEN_AT] > p[BRANCH_AT] || tide_le(p, 8) == 0 ||
            !canonical(tide_le(p, 8)))
            return 0;
        for (unsigned at = STORES_AT; at < RECORD; at += 8) {
            if (!canonical(tide_le(p + at, 8)))
                return 0;
            memory |= tide_le(p + at, 8) != 0;
        }
    }
    return memory ? 70 : 0;
}

const struct tide_format tide_format_champsim = {
    .name = "champsim",
    .summary = "ChampSim's binary instruction trace, 64 bytes a record",
    .example = "(binary: ip, branch flags, registers, 2 store and 4 load addresses)",
    .state_bytes = sizeof(struct champsim),
    .probe = probe,
    .parse = parse,
};
