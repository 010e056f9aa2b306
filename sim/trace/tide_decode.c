/* The decoder of the tide format: see tide_decode.h and README.md.
 *
 * The loop over fragments does no more than it must: events and changes of process lie between
 * stretches, and ids are checked for the whole block at its beginning.
 */
#include "trace/tide_decode.h"

#include <stdlib.h>

#include "addr/page.h"
#include "base/mem.h"

/* Addresses from here on may wrap with an access of up to 65536 bytes. */
#define HIGH_ADDRESS (UINT64_MAX - (TIDE_ACCESS_MAX_BYTES - 1))

_Static_assert(sizeof((struct tide_decoder *)0)->appeared == TIDE_MAX_PROCESSES, "by process");
_Static_assert((int)TIDE_DICTIONARY_SLOTS == (int)TIDE_GROWING_SLOTS &&
                   (int)TIDE_DICTIONARY_LENGTHS == (int)TIDE_GROWING_LENGTHS,
               "a dictionary has room for a group");

/* ---- numbers in the columns ---- */

static inline uint64_t load(const unsigned char *p, unsigned bytes)
{
    uint64_t v = 0;

    memcpy(&v, p, bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static inline uint16_t id_at(const unsigned char *ids, size_t i)
{
    uint16_t v; /* a load that vectors can be made of */

    memcpy(&v, ids + 2 * i, 2);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap16(v);
#endif
    return v;
}

/* ---- set-up ---- */

int tide_decoder_init(struct tide_decoder *d)
{
    tide_map_init(&d->names);
    /* parts that are never used take hardly any memory; nothing is read before it is written */
    d->coded = tide_malloc(TIDE_FRAGMENTS_MAX * sizeof *d->coded);
    d->states = tide_malloc_huge(TIDE_DICTIONARY_SLOTS * sizeof *d->states);
    d->strides = tide_malloc_huge(TIDE_DICTIONARY_SLOTS * sizeof *d->strides);
    d->followers = tide_calloc(TIDE_FOLLOWERS, sizeof *d->followers);
    return d->coded != NULL && d->states != NULL && d->strides != NULL && d->followers != NULL
               ? 0
               : TIDE_E_NOMEM;
}

void tide_decoder_fini(struct tide_decoder *d)
{
    tide_dictionaries_fini(&d->groups);
    tide_map_fini(&d->names);
    for (size_t i = 0; i < d->n_paths; i++)
        free(d->paths[i]);
    free(d->paths);
    free(d->coded);
    free(d->states);
    free(d->strides);
    free(d->followers);
    free(d->pattern);
    free(d->place);
    free(d->shape);
}

void tide_decoder_release(struct tide_decoder *d, const struct tide_block *b)
{
    tide_dictionaries_release(&d->groups, b);
}

void tide_decoder_move(struct tide_decoder *d, const struct tide_block *to,
                       const struct tide_block *from)
{
    tide_dictionaries_move(&d->groups, to, from);
}

static int lease(struct tide_decoder *d, struct tide_block *b)
{
    b->process = d->process;
    b->n_fragments = b->n_data = 0;
    return tide_dictionaries_lease(&d->groups, b);
}

const char *tide_decoder_file(const struct tide_decoder *d, uint32_t file)
{
    const uint64_t *index = tide_map_get(&d->names, file);

    return index != NULL ? d->paths[*index] : NULL;
}

/* ---- the beginning of a block ---- */

static int problem(struct tide_problem *p, const unsigned char *at, const char *what)
{
    *p = (struct tide_problem){TIDE_E_TRACE, what, at};
    return p->code;
}

static int nomem(struct tide_problem *p)
{
    *p = (struct tide_problem){TIDE_E_NOMEM, "out of memory", NULL};
    return p->code;
}

static uint32_t field(const unsigned char *payload, unsigned i)
{
    struct tide_cursor c = {payload + 4 * i, payload + 4 * i + 4, false};

    return (uint32_t)tide_take(&c, 4);
}

/* The items of a definition. Returns NULL or what is wrong. */
static const char *take_items(struct tide_growing *g, struct tide_fragment *f,
                              struct tide_cursor *c, unsigned accesses)
{
    unsigned fetches = 0, data = 0, tail = 0;

    for (unsigned i = 0; i < accesses; i++) {
        unsigned item = (unsigned)tide_take(c, 1), kind = item & 3, class, size;

        if (item < TIDE_ITEM_DATA) {
            unsigned length = item != TIDE_ITEM_LONG ? item : (unsigned)tide_take(c, 1);

            if (length == 0)
                return "an instruction has no length";
            if (fetches == 0 && data > 0)
                return "a fragment of instructions begins with data";
            g->lengths[f->first_length + fetches++] = (uint8_t)length;
            f->kinds |= 1 << TIDE_FETCH;
            tail = 0;
            continue;
        }
        class = item >> TIDE_ITEM_SIZE_SHIFT & 7;
        size = class < TIDE_ITEM_SIZED ? 1u << class : (unsigned)tide_take(c, 2) + 1;
        if (kind == TIDE_FETCH || (item & 0x60) != 0 || size > UINT16_MAX)
            return "a data access is not a kind and a size";
        g->slots[f->first_slot + data++] = (struct tide_slot){
            .kind = (uint8_t)kind, .fetches = (uint8_t)fetches, .size = (uint16_t)size};
        f->kinds |= (uint8_t)(1 << kind);
        tail++;
    }
    f->fetches = (uint8_t)fetches;
    f->data = (uint8_t)data;
    f->tail = tail;
    return c->failed ? "the definitions end early" : NULL;
}

/* All fetches lie in one page, or the only one crosses into the next. */
static const char *check_fetches(const struct tide_growing *g, struct tide_fragment *f)
{
    uint64_t bytes = 0, last;

    for (unsigned i = 0; i < f->fetches; i++)
        bytes += g->lengths[f->first_length + i];
    if (bytes == 0)
        return NULL;
    last = f->pc + (bytes - 1);
    if (last < f->pc)
        return "an instruction reaches beyond 2^64";
    if ((last ^ f->pc) >> TIDE_FRAGMENT_PAGE_SHIFT == 0)
        return NULL;
    if (f->fetches > 1 || (f->data > 0 && f->tail < f->data))
        return "a fragment lies in more than one page";
    f->flags = TIDE_FRAGMENT_CROSSES;
    return NULL;
}

/* The first addresses of a new fragment's slots. */
static const char *take_first_addresses(struct tide_decoder *d, const struct tide_fragment *f)
{
    struct tide_cursor *c = &d->columns[TIDE_COL_ADDRESSES];

    for (unsigned i = 0; i < f->data; i++) {
        unsigned head = (unsigned)tide_take(c, 1), base = head & 3, bytes = head >> 2;
        uint64_t addr;

        if (bytes > 8)
            return "a first address has more than 8 bytes";
        addr = d->bases[base] + tide_unzigzag(tide_take(c, bytes));
        tide_base_learn(d->bases, base, bytes, addr);
        d->states[f->first_slot + i] = (struct tide_slot_state){.last = addr};
        d->strides[f->first_slot + i] = 0;
    }
    return c->failed ? "the first addresses end early" : NULL;
}

/* The accesses of a fragment, as they are but for the addresses of data. */
static void draw_pattern(struct tide_decoder *d, const struct tide_growing *g,
                         const struct tide_fragment *f)
{
    struct tide_access *to = &d->pattern[f->first_slot + f->first_length];
    const struct tide_slot *slot = &g->slots[f->first_slot];
    uint64_t pc = f->pc;
    unsigned data = 0;

    for (unsigned i = 0; i <= f->fetches; i++) {
        for (; data < f->data && slot[data].fetches == i; data++) {
            d->place[f->first_slot + data] = (uint8_t)(i + data);
            to[i + data] = (struct tide_access){.size = slot[data].size, .kind = slot[data].kind};
        }
        if (i < f->fetches) {
            unsigned length = g->lengths[f->first_length + i];

            to[i + data] = (struct tide_access){.addr = pc, .size = length, .kind = TIDE_FETCH};
            pc += length;
        }
    }
}

static void code_fragment(struct tide_decoder *d, const struct tide_growing *g,
                          const struct tide_fragment *f, unsigned code_bytes)
{
    struct tide_coded_fragment *coded = &d->coded[g->n_fragments];

    *coded = (struct tide_coded_fragment){
        .first_slot = f->first_slot,
        .data = f->data,
        .accesses = (uint8_t)(f->data + f->fetches),
        .code_bytes = (uint8_t)code_bytes,
        .shift = (uint8_t)(code_bytes > 0 && code_bytes < 8 ? 64 - 8 * code_bytes : 0),
    };
    coded->kinds = (uint64_t)f->fetches << 16 * TIDE_FETCH;
    for (unsigned i = 0; i < f->data; i++)
        coded->kinds += UINT64_C(1) << 16 * g->slots[f->first_slot + i].kind;
    if (!d->take_fragments)
        draw_pattern(d, g, f);
}

static int take_definitions(struct tide_decoder *d, uint32_t n, struct tide_problem *p)
{
    struct tide_growing *g = d->groups.now;
    struct tide_cursor *c = &d->columns[TIDE_COL_DEFINITIONS];

    for (uint32_t i = 0; i < n; i++) {
        struct tide_fragment *f = &g->fragments[g->n_fragments];
        const unsigned char *at = c->p;
        unsigned accesses = (unsigned)tide_take(c, 1);
        const char *what;

        if (g->n_fragments == TIDE_FRAGMENTS_MAX)
            return problem(p, at, "a group has more than 65536 fragments");
        if (accesses == 0 || accesses > TIDE_FRAGMENT_ACCESSES)
            return problem(p, at, "a fragment does not have 1..48 accesses");
        if (g->n_slots + accesses > TIDE_DICTIONARY_SLOTS ||
            g->n_lengths + accesses > TIDE_DICTIONARY_LENGTHS)
            return problem(p, at, "the fragments of a group are too long");
        *f = (struct tide_fragment){.first_slot = g->n_slots, .first_length = g->n_lengths};
        if ((what = take_items(g, f, c, accesses)) != NULL)
            return problem(p, at, what);
        if (f->fetches > 0)
            f->pc = d->last_pc += tide_unzigzag(tide_take_varint(c));
        if ((what = check_fetches(g, f)) != NULL)
            return problem(p, at, what);
        if ((what = take_first_addresses(d, f)) != NULL)
            return problem(p, d->columns[TIDE_COL_ADDRESSES].p, what);
        code_fragment(d, g, f, (f->data + 3u) / 4);
        g->n_slots += f->data;
        g->n_lengths += f->fetches;
        g->n_fragments++;
    }
    return c->failed ? problem(p, c->p, "the definitions end early") : 0;
}

/* Ids are of fragments that are known. */
static int check_ids(const struct tide_decoder *d, struct tide_problem *p)
{
    const struct tide_cursor *c = &d->columns[TIDE_COL_IDS];
    const unsigned char *ids = c->p;
    const size_t n = d->units;
    uint16_t most = 0;

    if ((size_t)(c->end - c->p) != 2 * (size_t)d->units)
        return problem(p, c->p, "the column of fragments does not have their number");
    for (size_t i = 0; i < n; i++)
        most = id_at(ids, i) > most ? id_at(ids, i) : most;
    if (d->units > 0 && most >= d->groups.now->n_fragments)
        return problem(p, c->p, "a fragment is used that is not defined");
    return 0;
}

static int take_shapes(struct tide_decoder *d, struct tide_problem *p)
{
    struct tide_cursor *c = &d->columns[TIDE_COL_DEFINITIONS];
    const struct tide_cursor *ids = &d->columns[TIDE_COL_IDS];
    unsigned bytes = tide_shape_bytes(d->shapes);

    if (d->shapes > TIDE_SHAPES_MAX || (d->shapes == 0 && d->units > 0))
        return problem(p, c->p, "the number of kinds and sizes is not within 1..65536");
    if (d->shape == NULL && (d->shape = tide_calloc(TIDE_SHAPES_MAX, sizeof *d->shape)) == NULL)
        return nomem(p);
    for (uint32_t i = 0; i < d->shapes; i++) {
        unsigned kind = (unsigned)tide_take(c, 1);

        if (kind >= TIDE_KINDS)
            return problem(p, c->p - 1, "there is no such kind of access");
        d->shape[i] =
            (struct tide_access){.kind = (uint8_t)kind, .size = (uint32_t)tide_take(c, 2) + 1};
    }
    if (c->failed)
        return problem(p, c->p, "the kinds and sizes end early");
    if ((size_t)(ids->end - ids->p) != (size_t)bytes * d->units)
        return problem(p, ids->p, "the column of kinds does not have their number");
    for (size_t i = 0; i < d->units && bytes > 0; i++)
        if ((bytes == 1 ? ids->p[i] : id_at(ids->p, i)) >= d->shapes)
            return problem(p, ids->p + bytes * i, "a kind and size is used that is not defined");
    if ((size_t)(d->columns[TIDE_COL_CODES].end - d->columns[TIDE_COL_CODES].p) !=
        ((size_t)d->units + 3) / 4)
        return problem(p, d->columns[TIDE_COL_CODES].p,
                       "the column of codes does not have their number");
    memset(&d->single, 0, sizeof d->single);
    d->single_at = 0;
    return 0;
}

bool tide_decoder_joins(const struct tide_decoder *d, const struct tide_chunk *c,
                        const unsigned char *payload, const struct tide_block *b)
{
    bool fragments = c->type == TIDE_CHUNK_FRAGMENTS;

    if (b->n_accesses == 0 || !d->take_fragments)
        return true;
    return fragments == (b->dictionary != NULL) &&
           !(fragments && c->length >= TIDE_BLOCK_HEAD_BYTES &&
             field(payload, TIDE_BLOCK_IN_GROUP) == 0);
}

static int begin_group(struct tide_decoder *d, struct tide_problem *p)
{
    bool first = d->groups.all == NULL;

    if (tide_dictionaries_renew(&d->groups) != 0)
        return nomem(p);
    if (!d->take_fragments && d->pattern == NULL) {
        d->pattern =
            tide_malloc((TIDE_DICTIONARY_SLOTS + TIDE_DICTIONARY_LENGTHS + 4) * sizeof *d->pattern);
        d->place = tide_malloc(TIDE_DICTIONARY_SLOTS);
        if (d->pattern == NULL || d->place == NULL)
            return nomem(p);
    }
    memset(d->regions, 0, sizeof d->regions);
    if (!first)
        memset(d->followers, 0, TIDE_FOLLOWERS * sizeof *d->followers);
    memset(d->bases, 0, sizeof d->bases);
    d->last_pc = d->addr_before = 0;
    return 0;
}

int tide_decoder_begin(struct tide_decoder *d, const struct tide_chunk *c,
                       const unsigned char *payload, struct tide_problem *p)
{
    const unsigned char *at = payload + TIDE_BLOCK_HEAD_BYTES;
    uint32_t number, in_group;
    uint64_t left;
    int rc = 0;

    d->active = false;
    if (c->length < TIDE_BLOCK_HEAD_BYTES)
        return problem(p, payload, "a block is shorter than its head");
    if (c->accesses > TIDE_CHUNK_ACCESSES)
        return problem(p, payload, "a block has more than 1048576 accesses");
    left = c->length - TIDE_BLOCK_HEAD_BYTES;
    for (unsigned i = 0; i < TIDE_COLS; i++) {
        uint32_t bytes = field(payload, TIDE_BLOCK_COLUMNS + i);

        if (bytes > left)
            return problem(p, payload + 4 * (TIDE_BLOCK_COLUMNS + i),
                           "a column is longer than its block");
        d->columns[i] = (struct tide_cursor){at, at + bytes, false};
        at += bytes;
        left -= bytes;
    }
    if (left > 0)
        return problem(p, at, "bytes follow the columns of a block");
    number = field(payload, TIDE_BLOCK_NUMBER);
    in_group = field(payload, TIDE_BLOCK_IN_GROUP);
    if (in_group != 0 &&
        (d->groups.now == NULL || in_group != d->in_group + 1 || number != d->number + 1))
        return problem(p, payload, "an earlier block of the group is missing");
    d->number = number;
    d->in_group = in_group;
    d->singles = c->type == TIDE_CHUNK_COLUMNS;
    d->units = field(payload, TIDE_BLOCK_UNITS);
    d->stretches = field(payload, TIDE_BLOCK_STRETCHES);
    d->records = field(payload, TIDE_BLOCK_RECORDS);
    d->shapes = field(payload, TIDE_BLOCK_DEFINITIONS);
    d->accesses = c->accesses;
    d->stretch_units = d->stretch_records = 0;
    if (in_group == 0)
        rc = begin_group(d, p);
    if (rc == 0 && d->singles)
        rc = take_shapes(d, p);
    else if (rc == 0 && (rc = take_definitions(d, d->shapes, p)) == 0)
        rc = check_ids(d, p);
    d->active = rc == 0;
    return rc;
}

/* ---- events ---- */

static int add_name(struct tide_decoder *d, struct tide_cursor *c, struct tide_problem *p)
{
    const unsigned char *at = c->p;
    uint64_t file = tide_take_varint(c), *index;
    size_t length = (size_t)(c->end - c->p);
    char *path, **grown;
    bool inserted;

    if (c->failed || file == 0 || file > UINT32_MAX || memchr(c->p, '\0', length) != NULL)
        return problem(p, at, "a file's name is damaged");
    if ((index = tide_map_put(&d->names, file, &inserted)) == NULL)
        return nomem(p);
    if (!inserted) {
        path = d->paths[*index];
        if (strlen(path) != length || memcmp(path, c->p, length) != 0)
            return problem(p, at, "a file is named twice");
        return 0;
    }
    *index = d->n_paths;
    grown = tide_grow(d->paths, &d->cap_paths, d->n_paths + 1, sizeof *grown);
    path = grown != NULL ? tide_malloc(length + 1) : NULL;
    if (grown != NULL)
        d->paths = grown;
    if (path == NULL) {
        tide_map_remove(&d->names, file);
        return nomem(p);
    }
    memcpy(path, c->p, length);
    path[length] = '\0';
    d->paths[d->n_paths++] = path;
    return 0;
}

static struct tide_event *new_process(struct tide_decoder *d, struct tide_block *b,
                                      struct tide_trace_info *info, unsigned process, uint32_t pid)
{
    struct tide_event *v = tide_block_event(b, info, TIDE_EV_PROCESS);

    v->process = (uint16_t)process;
    v->number = pid;
    d->appeared[process] = true;
    return v;
}

/* A process that appeared before the group, for those who read the group by itself. */
static int add_known(struct tide_decoder *d, struct tide_cursor *c, struct tide_block *b,
                     struct tide_trace_info *info, struct tide_problem *p)
{
    const unsigned char *at = c->p;
    uint64_t process = tide_take_varint(c), pid = tide_take_varint(c);

    if (c->failed || process >= TIDE_MAX_PROCESSES || pid > UINT32_MAX)
        return problem(p, at, "a process is damaged");
    if (!d->appeared[process])
        new_process(d, b, info, (unsigned)process, (uint32_t)pid);
    return 0;
}

static int add_event(struct tide_decoder *d, unsigned type, struct tide_cursor *c,
                     struct tide_block *b, struct tide_trace_info *info, struct tide_problem *p)
{
    static const uint64_t most[TIDE_FIELDS] = {
        [TIDE_FIELD_FLAGS] = UINT8_MAX,    [TIDE_FIELD_ADDR] = UINT64_MAX,
        [TIDE_FIELD_LEN] = UINT64_MAX,     [TIDE_FIELD_NEW_ADDR] = UINT64_MAX,
        [TIDE_FIELD_NEW_LEN] = UINT64_MAX, [TIDE_FIELD_OFFSET] = UINT64_MAX,
        [TIDE_FIELD_FILE] = UINT32_MAX,    [TIDE_FIELD_PROT] = UINT32_MAX,
        [TIDE_FIELD_NUMBER] = UINT32_MAX,  [TIDE_FIELD_CPU] = UINT32_MAX,
    };
    const unsigned char *at = c->p;
    uint64_t process = tide_take_varint(c), mask = tide_take_varint(c), v[TIDE_FIELDS] = {0};
    struct tide_event *ev;
    const char *what;

    for (unsigned i = 0; i < 64; i++) {
        uint64_t value = mask >> i & 1 ? tide_take_varint(c) : 0;

        if (i >= TIDE_FIELDS) /* of a later version */
            continue;
        if (value > most[i])
            return problem(p, at, "a field of an event is too large");
        v[i] = value;
    }
    if (c->failed)
        return problem(p, at, "an event ends early");
    if (process >= TIDE_MAX_PROCESSES || (type != TIDE_EV_PROCESS && !d->appeared[process]))
        return problem(p, at, "an event is of a process that has not appeared");
    d->appeared[process] = true;
    ev = tide_block_event(b, info, (enum tide_event_type)type);
    ev->process = (uint16_t)process;
    ev->flags = (uint8_t)v[TIDE_FIELD_FLAGS];
    ev->addr = v[TIDE_FIELD_ADDR];
    ev->len = v[TIDE_FIELD_LEN];
    ev->new_addr = v[TIDE_FIELD_NEW_ADDR];
    ev->new_len = v[TIDE_FIELD_NEW_LEN];
    ev->offset = v[TIDE_FIELD_OFFSET];
    ev->file = (uint32_t)v[TIDE_FIELD_FILE];
    ev->prot = (uint32_t)v[TIDE_FIELD_PROT];
    ev->number = (uint32_t)v[TIDE_FIELD_NUMBER];
    ev->cpu = (uint32_t)v[TIDE_FIELD_CPU];
    if ((what = tide_event_problem(ev)) != NULL) {
        b->n_events--;
        info->events[type]--;
        return problem(p, at, "an event tells of what no system call can have done");
    }
    if (type == TIDE_EV_MAP && (ev->flags & TIDE_MAP_FROM_LAYOUT))
        info->has_layout = true;
    return 0;
}

/* One record of the column of events; the block has room for one. */
static int take_record(struct tide_decoder *d, struct tide_block *b, struct tide_trace_info *info,
                       struct tide_problem *p)
{
    struct tide_cursor *c = &d->columns[TIDE_COL_EVENTS], body;
    const unsigned char *at = c->p;
    unsigned type = (unsigned)tide_take(c, 1);
    uint64_t bytes = tide_take_varint(c);

    if (c->failed || bytes > (uint64_t)(c->end - c->p))
        return problem(p, at, "the column of events ends early");
    body = (struct tide_cursor){c->p, c->p + bytes, false};
    c->p += bytes;
    if (type == TIDE_RECORD_NAME)
        return add_name(d, &body, p);
    if (type == TIDE_RECORD_KNOWN)
        return add_known(d, &body, b, info, p);
    if (type < TIDE_EV_TYPES && type != TIDE_EV_SYSCALL)
        return add_event(d, type, &body, b, info, p);
    if (type & TIDE_RECORD_MAY_SKIP)
        return 0;
    return problem(p, at, "an event is of a type that this version does not know");
}

/* ---- fragments ---- */

/* What the loop over fragments works with, out of memory's way. */
struct loop {
    struct tide_slot_state *states;
    uint64_t *strides, *followers, *regions;
    const unsigned char *codes, *codes_end;
    const unsigned char *near, *near_end, *far, *far_end;
    uint64_t addr_before;
};

/* An address that its base has not foretold, after `last` in the same slot. Up to 12 bytes behind
 * the end of a column may be read: the caller looks when the fragment is complete. */
static inline uint64_t unforetold(struct loop *l, uint64_t *stride, uint64_t last, unsigned code)
{
    uint64_t *follower = tide_follower(l->followers, last), addr, number;

    if (code == TIDE_CODE_STRIDE) {
        addr = last + *stride;
    } else if (code == TIDE_CODE_NEAR) {
        number = load(l->near, 2);
        l->near += 2;
        addr = number != TIDE_NEAR_FOLLOWER ? last + tide_unzigzag(number) : *follower;
    } else {
        number = load(l->far, 4);
        l->far += 4;
        addr = (last & ~(uint64_t)UINT32_MAX) | number;
        if (__builtin_expect(number == TIDE_FAR_ESCAPE, 0)) {
            addr = load(l->far, 8);
            l->far += 8;
        }
    }
    *stride = addr - last;
    *follower = addr;
    return addr;
}

/* Decodes the addresses of one fragment. `foretold`: all its codes are TIDE_CODE_BASE. */
static inline void take_slots(struct loop *l, const struct tide_coded_fragment *f, uint64_t word,
                              bool foretold, uint64_t *to)
{
    struct tide_slot_state *s = &l->states[f->first_slot];
    uint64_t before = l->addr_before, addr;
    const unsigned n = f->data;

    for (unsigned i = 0; i < n; i++) {
        uint64_t last = s[i].last, base = before;

        if (!foretold && i == 32)
            word = load(l->codes + 8, 8);
        if (foretold || (word & 3) == TIDE_CODE_BASE) {
            if (!tide_same_region(last, before))
                base = tide_leave_region(l->regions, before, last);
            addr = base + s[i].distance;
        } else {
            addr = unforetold(l, &l->strides[f->first_slot + i], last, word & 3);
            if (!tide_same_region(addr, before))
                base = tide_leave_region(l->regions, before, addr);
            s[i].distance = addr - base;
        }
        word >>= 2;
        s[i].last = addr;
        to[i] = addr;
        before = addr;
    }
    l->addr_before = before;
}

/* False: a column has ended. */
static inline bool take_addresses(struct loop *l, const struct tide_coded_fragment *f, uint64_t *to)
{
    uint64_t word = load(l->codes, 8);

    if (f->data <= 32 && word << f->shift == 0) {
        take_slots(l, f, 0, true, to);
        return true;
    }
    take_slots(l, f, word, false, to);
    return l->near <= l->near_end && l->far <= l->far_end;
}

/* The first of the block's fragments from `from` on with a data access that wraps past 2^64; their
 * number where there is none. */
static size_t first_that_wraps(const struct tide_block *b, const struct tide_growing *g,
                               size_t from)
{
    uint64_t bits = 0;

    for (size_t i = from < b->n_fragments ? b->data_starts[from] : b->n_data; i < b->n_data; i++)
        bits |= b->data[i];
    if (bits < HIGH_ADDRESS)
        return b->n_fragments;
    for (size_t k = from; k < b->n_fragments; k++) {
        const struct tide_fragment *f = &g->fragments[b->ids[k]];

        for (unsigned i = 0; i < f->data; i++) {
            uint64_t addr = b->data[b->data_starts[k] + i];

            if (addr + (g->slots[f->first_slot + i].size - 1u) < addr)
                return k;
        }
    }
    return b->n_fragments;
}

/* Takes fragments from number k on off the block again. */
static void cut_fragments(struct tide_block *b, size_t k)
{
    if (k == b->n_fragments)
        return;
    b->n_accesses = b->starts[k];
    b->n_data = b->data_starts[k];
    b->n_fragments = k;
}

static struct loop begin_loop(struct tide_decoder *d)
{
    const struct tide_cursor *c = d->columns;

    return (struct loop){.states = d->states,
                         .strides = d->strides,
                         .followers = d->followers,
                         .regions = d->regions,
                         .codes = c[TIDE_COL_CODES].p,
                         .codes_end = c[TIDE_COL_CODES].end,
                         .near = c[TIDE_COL_R16].p,
                         .near_end = c[TIDE_COL_R16].end,
                         .far = c[TIDE_COL_R32].p,
                         .far_end = c[TIDE_COL_R32].end,
                         .addr_before = d->addr_before};
}

/* Appends fragments of the stretch to the block as long as they fit. 0, or p->code; *full tells
 * that one does not fit. */
static int take_fragments(struct tide_decoder *d, struct tide_block *b,
                          struct tide_trace_info *info, bool *full, struct tide_problem *p)
{
    const unsigned char *ids = d->columns[TIDE_COL_IDS].p;
    const struct tide_coded_fragment *coded = d->coded;
    struct loop l = begin_loop(d);
    size_t n = b->n_accesses, m = b->n_fragments, data = b->n_data, k, from = m;
    size_t most = d->stretch_units, limit = n + (size_t)d->accesses, good;
    uint64_t kinds = 0;
    const char *what = NULL;

    if (limit > TIDE_BLOCK_ACCESSES)
        limit = TIDE_BLOCK_ACCESSES;
    *full = false;
    for (k = 0; k < most; k++) {
        unsigned id = id_at(ids, k);
        const struct tide_coded_fragment *f = &coded[id];

        if (n + f->accesses > limit) {
            *full = limit == TIDE_BLOCK_ACCESSES;
            if (!*full)
                what = "the fragments of a block have more accesses than it";
            break;
        }
        if (l.codes_end - l.codes < f->code_bytes || !take_addresses(&l, f, &b->data[data])) {
            what = "the columns of addresses end early";
            break;
        }
        l.codes += f->code_bytes;
        b->ids[m] = id;
        b->starts[m] = (uint16_t)n;
        b->data_starts[m] = (uint16_t)data;
        kinds += f->kinds;
        n += f->accesses;
        data += f->data;
        m++;
    }
    d->columns[TIDE_COL_IDS].p = ids + 2 * k;
    d->columns[TIDE_COL_CODES].p = l.codes;
    d->columns[TIDE_COL_R16].p = l.near;
    d->columns[TIDE_COL_R32].p = l.far;
    d->addr_before = l.addr_before;
    d->stretch_units -= (uint32_t)k;
    d->units -= (uint32_t)k;
    d->accesses -= n - b->n_accesses;
    b->n_accesses = n;
    b->n_fragments = m;
    b->n_data = data;
    good = first_that_wraps(b, d->groups.now, from);
    for (size_t i = good; i < m; i++) {
        kinds -= coded[b->ids[i]].kinds;
        l.codes -= coded[b->ids[i]].code_bytes;
    }
    cut_fragments(b, good);
    for (unsigned kind = 0; kind < TIDE_KINDS; kind++)
        info->accesses[kind] += kinds >> 16 * kind & 0xffff;
    if (good < m)
        return problem(p, l.codes, "an access reaches beyond 2^64");
    return what != NULL ? problem(p, l.codes, what) : 0;
}

/* Copies n accesses four by four, and so up to three more as long as there is room before `end`. */
static inline void copy_pattern(struct tide_access *to, const struct tide_access *from, unsigned n,
                                const struct tide_access *end)
{
    enum { STEP = 4 };

    if (__builtin_expect(end - to < TIDE_FRAGMENT_ACCESSES + STEP, 0)) {
        memcpy(to, from, n * sizeof *to);
        return;
    }
    for (unsigned i = 0; i < n; i += STEP)
        memcpy(to + i, from + i, STEP * sizeof *to);
}

/* Writes the accesses of the block's fragments from its access `from` on. */
static void unfold(const struct tide_decoder *d, struct tide_block *b, size_t from)
{
    const size_t m = b->n_fragments;
    const struct tide_access *end = b->accesses + TIDE_BLOCK_ACCESSES;
    const uint64_t *data = b->data;

    for (size_t k = 0; k < m; k++) {
        const struct tide_coded_fragment *f = &d->coded[b->ids[k]];
        const uint8_t *place = &d->place[f->first_slot];
        unsigned first_length = d->groups.now->fragments[b->ids[k]].first_length;
        struct tide_access *to = &b->accesses[b->starts[k]];

        copy_pattern(to, &d->pattern[f->first_slot + first_length], f->accesses, end);
        for (unsigned i = 0; i < f->data; i++)
            to[place[i]].addr = *data++;
    }
    for (size_t i = from; d->process != 0 && i < b->n_accesses; i++)
        b->accesses[i].process = d->process;
    b->n_fragments = b->n_data = 0;
}

/* ---- single accesses ---- */

static int take_singles(struct tide_decoder *d, struct tide_block *b, struct tide_trace_info *info,
                        bool *full, struct tide_problem *p)
{
    const unsigned char *ids = d->columns[TIDE_COL_IDS].p;
    const unsigned char *codes = d->columns[TIDE_COL_CODES].p;
    unsigned bytes = tide_shape_bytes(d->shapes);

    for (; d->stretch_units > 0; d->stretch_units--, d->units--, d->accesses--) {
        uint32_t i = d->single_at;
        unsigned code = codes[i / 4] >> 2 * (i % 4) & 3;
        struct tide_single_state *s = &d->single;
        struct tide_access *a = &b->accesses[b->n_accesses];
        struct tide_cursor *c = &d->columns[code == TIDE_SINGLE_FAR ? TIDE_COL_R32 : TIDE_COL_R16];
        uint32_t shape = bytes == 0 ? 0 : bytes == 1 ? ids[i] : id_at(ids, i);
        uint64_t addr = 0, low, *step = tide_single_step(s, shape);

        *full = b->n_accesses == TIDE_BLOCK_ACCESSES;
        if (*full)
            return 0;
        switch (code) {
        case TIDE_SINGLE_STEP:
            addr = s->last + *step;
            break;
        case TIDE_SINGLE_OTHER:
            addr = s->other + tide_unzigzag(tide_take(c, 2));
            break;
        case TIDE_SINGLE_NEAR:
            addr = s->last + tide_unzigzag(tide_take(c, 2));
            break;
        default:
            low = tide_take(c, 4);
            addr =
                low != TIDE_FAR_ESCAPE ? (s->last & ~(uint64_t)UINT32_MAX) | low : tide_take(c, 8);
        }
        if (d->accesses == 0)
            return problem(p, codes + i / 4, "a block has more accesses than its head says");
        *a = d->shape[shape];
        a->addr = addr;
        a->process = d->process;
        if (c->failed)
            return problem(p, c->p, "the columns of addresses end early");
        if (addr + (a->size - 1) < addr)
            return problem(p, c->p, "an access reaches beyond 2^64");
        tide_single_learn(s, step, addr);
        info->accesses[a->kind]++;
        b->n_accesses++;
        d->single_at++;
    }
    *full = false;
    return 0;
}

/* ---- blocks ---- */

/* The head of the next stretch. */
static int take_stretch(struct tide_decoder *d, struct tide_problem *p)
{
    struct tide_cursor *c = &d->columns[TIDE_COL_STRETCHES];
    const unsigned char *at = c->p;
    uint64_t records = tide_take_varint(c), units = tide_take_varint(c), process = 0;

    if (units > 0)
        process = tide_take_varint(c);
    if (c->failed || records > d->records || units > d->units || process >= TIDE_MAX_PROCESSES)
        return problem(p, at, "a stretch is longer than its block");
    d->stretches--;
    d->stretch_records = (uint32_t)records;
    d->stretch_units = (uint32_t)units;
    d->process = (uint16_t)process;
    return 0;
}

/* The whole of the block was taken. */
static int end_block(struct tide_decoder *d, struct tide_problem *p)
{
    d->active = false;
    if (d->units > 0 || d->records > 0 || d->accesses > 0)
        return problem(p, d->columns[TIDE_COL_STRETCHES].p, "the stretches do not fill the block");
    for (unsigned i = 0; i < TIDE_COLS; i++)
        if (d->columns[i].p != d->columns[i].end &&
            !(d->singles && (i == TIDE_COL_IDS || i == TIDE_COL_CODES)))
            return problem(p, d->columns[i].p, "a column is longer than what is in it");
    return 0;
}

static int take_units(struct tide_decoder *d, struct tide_block *b, struct tide_trace_info *info,
                      bool *full, struct tide_problem *p)
{
    int rc = 0;

    if (!d->appeared[d->process])
        return problem(p, d->columns[TIDE_COL_STRETCHES].p,
                       "an access is of a process that has not appeared");
    if (d->singles) {
        *full = d->take_fragments && b->dictionary != NULL;
        return *full ? 0 : take_singles(d, b, info, full, p);
    }
    if (!d->take_fragments) {
        size_t from = b->n_accesses;

        b->n_fragments = b->n_data = 0;
        rc = take_fragments(d, b, info, full, p);
        unfold(d, b, from);
        return rc;
    }
    if (b->dictionary == NULL && (rc = lease(d, b)) != 0)
        return nomem(p);
    *full = b->process != d->process;
    return *full ? 0 : take_fragments(d, b, info, full, p);
}

int tide_decoder_fill(struct tide_decoder *d, struct tide_block *b, struct tide_trace_info *info,
                      struct tide_problem *p)
{
    while (d->active) {
        int rc = 0;
        bool full = false;

        if (d->stretch_records > 0) {
            if (b->n_events == TIDE_BLOCK_EVENTS)
                return 1;
            rc = take_record(d, b, info, p);
            d->stretch_records--;
            d->records--;
        } else if (d->stretch_units > 0) {
            rc = take_units(d, b, info, &full, p);
        } else if (d->stretches > 0) {
            rc = take_stretch(d, p);
        } else {
            rc = end_block(d, p);
        }
        if (rc != 0)
            d->active = false;
        if (rc != 0 || full)
            return rc != 0 ? rc : 1;
    }
    return 0;
}
