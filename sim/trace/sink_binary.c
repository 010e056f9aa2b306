/* Binary formats of other simulators: libCacheSim's oracleGeneral and ChampSim's records.
 *
 * oracleGeneral: 24 bytes a page reference, little endian, packed:
 *
 *      0         4                      12        16                     24
 *     +---------+----------------------+---------+----------------------+
 *     |  time   |  object: page number | size    | number of the next   |
 *     |  0      |  of 4 KiB            | 4096    | reference, or -1     |
 *     +---------+----------------------+---------+----------------------+
 *
 * References are numbered from 1, as the simulator counts requests. The next reference is patched
 * into the record of the last one when it comes. A memory trace has no clock: time is 0.
 *
 * ChampSim: 64 bytes an instruction: ip at 0, up to two stores at 16, up to four loads at 32. The
 * data of a fetch goes into its record; what has no room there into further records with its ip;
 * data without a fetch has ip 0. No branch information is in our traces: none is written.
 *
 * Source: libCacheSim, traceReader/customizedReader/oracle/oracleGeneralBin.h; ChampSim,
 * inc/trace_instruction.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "trace/sink.h"

static void put_little(unsigned char *to, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char)(v >> 8 * i);
}

/* ---- oracleGeneral ---- */

enum { ORACLE_BYTES = 24, ORACLE_OBJECT = 4, ORACLE_SIZE = 12, ORACLE_NEXT = 16 };

struct oracle {
    struct tide_map last; /* page -> number of its last reference */
    bool begun;
    uint64_t references;
};

static int oracle_piece(void *context, uint64_t at, enum tide_kind kind, struct tide_out *out,
                        struct tide_error *e)
{
    struct oracle *s = context;
    uint64_t page = at >> TIDE_SINK_PAGE_SHIFT, *last;
    unsigned char record[ORACLE_BYTES] = {0}, next[8];
    bool inserted;

    (void)kind;
    if (!s->begun) {
        tide_map_init(&s->last);
        s->begun = true;
    }
    if ((last = tide_map_put(&s->last, page, &inserted)) == NULL)
        return tide_nomem(e);
    s->references++;
    if (!inserted) {
        int rc;

        put_little(next, s->references, sizeof next);
        rc = tide_out_patch(out, (*last - 1) * ORACLE_BYTES + ORACLE_NEXT, next, sizeof next, e);
        if (rc != 0)
            return rc;
    }
    *last = s->references;
    put_little(record + ORACLE_OBJECT, page, 8);
    put_little(record + ORACLE_SIZE, UINT64_C(1) << TIDE_SINK_PAGE_SHIFT, 4);
    put_little(record + ORACLE_NEXT, UINT64_MAX, 8);
    return tide_out_write(out, record, sizeof record, e);
}

static int oracle_access(void *state, const struct tide_access *a, struct tide_out *out,
                         struct tide_error *e)
{
    return tide_sink_pieces(a, oracle_piece, state, out, e);
}

static void oracle_fini(void *state)
{
    struct oracle *s = state;

    if (s->begun)
        tide_map_fini(&s->last);
}

const struct tide_sink_format tide_sink_oraclegeneral = {
    .name = "oraclegeneral",
    .summary = "libCacheSim's oracleGeneral: page references with the place of the next; no kinds, "
               "no events",
    .state_bytes = sizeof(struct oracle),
    .says = TIDE_SAYS_ORDER,
    .patches = true,
    .access = oracle_access,
    .fini = oracle_fini,
};

/* ---- ChampSim ---- */

enum { CHAMPSIM_BYTES = 64, STORES = 2, STORES_AT = 16, LOADS = 4, LOADS_AT = 32 };

struct champsim {
    bool open; /* a record is being filled */
    uint64_t ip;
    unsigned stores, loads;
    unsigned char record[CHAMPSIM_BYTES];
};

static int champsim_flush(void *state, struct tide_out *out, struct tide_error *e)
{
    struct champsim *s = state;

    if (!s->open)
        return 0;
    s->open = false;
    return tide_out_write(out, s->record, sizeof s->record, e);
}

static void champsim_begin(struct champsim *s, uint64_t ip)
{
    *s = (struct champsim){.open = true, .ip = ip};
    put_little(s->record, ip, 8);
}

static int champsim_access(void *state, const struct tide_access *a, struct tide_out *out,
                           struct tide_error *e)
{
    struct champsim *s = state;
    bool loads = a->kind == TIDE_READ || a->kind == TIDE_MODIFY;
    bool stores = a->kind == TIDE_WRITE || a->kind == TIDE_MODIFY;
    int rc;

    if (a->addr == 0) {
        tide_fail(e, TIDE_E_TRACE, "an access at address 0, which ChampSim's records cannot hold");
        tide_error_where(e, "%s", tide_out_path(out));
        return TIDE_E_TRACE;
    }
    if (a->kind == TIDE_FETCH) {
        if ((rc = champsim_flush(s, out, e)) != 0)
            return rc;
        champsim_begin(s, a->addr);
        return 0;
    }
    /* Without fetches, a record for each access keeps the order of loads and stores. */
    if (!s->open || s->ip == 0 || (loads && s->loads == LOADS) || (stores && s->stores == STORES)) {
        uint64_t ip = s->open ? s->ip : 0;

        if ((rc = champsim_flush(s, out, e)) != 0)
            return rc;
        champsim_begin(s, ip);
    }
    if (loads)
        put_little(s->record + LOADS_AT + 8 * s->loads++, a->addr, 8);
    if (stores)
        put_little(s->record + STORES_AT + 8 * s->stores++, a->addr, 8);
    return 0;
}

const struct tide_sink_format tide_sink_champsim = {
    .name = "champsim",
    .summary = "ChampSim, 64 bytes an instruction; no sizes, no events, no branches",
    .state_bytes = sizeof(struct champsim),
    .says = TIDE_SAYS_FETCHES | TIDE_SAYS_WRITES | TIDE_SAYS_ADDRESSES,
    .access = champsim_access,
    .end = champsim_flush,
};
