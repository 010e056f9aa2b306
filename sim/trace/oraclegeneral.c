/* libCacheSim's oracleGeneral: 24 bytes a request, little-endian, nothing around them.
 *
 *     0        4                 12       16                          24
 *     +--------+-----------------+--------+---------------------------+
 *     |  time  |   object id     |  size  |  next access, -1: never   |
 *     +--------+-----------------+--------+---------------------------+
 *
 * A request for object n reads one byte at n * 4096: objects are pages, whatever their size, as in
 * `pages`. There is no magic number: content is taken for this format where time never goes back in
 * its head and each next access is -1, none, or possible.
 *
 * Source: libCacheSim, traceReader/customizedReader/oracle/oracleGeneralBin.h.
 * Differs: ids above 2^52-1 (hashes of names) are refused, for no page has such a number. Requests
 *   of size 0 are skipped, as libCacheSim does, and counted.
 */
#include "trace/record.h"

enum { RECORD = 24, ID_AT = 4, SIZE_AT = 12, NEXT_AT = 16, PAGE_SHIFT = 12 };

struct oraclegeneral {
    uint64_t records;
    bool begun; /* PROCESS has been delivered */
};

static int parse(void *state, struct tide_reader_window *w, struct tide_block *b,
                 struct tide_trace_info *info, struct tide_error *e)
{
    struct oraclegeneral *s = state;

    if (!s->begun) {
        tide_block_event(b, info, TIDE_EV_PROCESS);
        s->begun = true;
    }
    for (; w->len - w->pos >= RECORD; w->pos += RECORD, s->records++) {
        const unsigned char *p = w->bytes + w->pos;
        uint64_t id = tide_le(p + ID_AT, 8);

        if (b->n_accesses == TIDE_BLOCK_ACCESSES)
            return 1;
        if (id > UINT64_MAX >> PAGE_SHIFT) {
            tide_damaged_record(w, p + ID_AT, s->records, e,
                                "object id %llu is above 2^52-1: it can't be a page number",
                                (unsigned long long)id);
            tide_error_remedy(e, "number the objects from 0 on and write these as ids");
            return TIDE_E_TRACE;
        }
        if (tide_le(p + SIZE_AT, 4) == 0)
            info->other_lines++;
        else
            b->accesses[b->n_accesses++] =
                (struct tide_access){.addr = id << PAGE_SHIFT, .size = 1, .kind = TIDE_READ};
    }
    if (w->at_end && w->pos < w->len)
        return tide_cut_record(w, s->records, e);
    return 0;
}

static int probe(const unsigned char *head, size_t n, bool whole)
{
    size_t records = n / RECORD;
    uint64_t time = 0;

    if (records < 2 || (whole && n % RECORD != 0))
        return 0;
    for (const unsigned char *p = head; p < head + records * RECORD; p += RECORD) {
        uint64_t next = tide_le(p + NEXT_AT, 8);
        bool never = next == UINT64_MAX || next == INT64_MAX;

        /* no trace has 2^40 requests; text has no such numbers */
        if (tide_le(p, 4) < time || (!never && (next == 0 || next >> 40 != 0)))
            return 0;
        time = tide_le(p, 4);
    }
    return 70;
}

const struct tide_format tide_format_oraclegeneral = {
    .name = "oraclegeneral",
    .summary = "libCacheSim's oracleGeneral: object ids are page numbers",
    .example = "(binary: time, object id, size, next access)",
    .state_bytes = sizeof(struct oraclegeneral),
    .probe = probe,
    .parse = parse,
};
