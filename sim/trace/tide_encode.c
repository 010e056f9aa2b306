/* The encoder of the tide format: see tide_encode.h and README.md.
 *
 * Accesses are collected until they make a block; then they are cut into fragments, each of which
 * is looked up by its content, and what cannot be foretold of their data addresses goes into
 * columns. Blocks in which hardly anything is fetched, or that hold what no fragment can say, are
 * coded access by access. A block ends early where its columns or the dictionary are full.
 */
#include "trace/tide_encode.h"

#include <stdlib.h>

#include "addr/page.h"
#include "base/map.h"
#include "base/mem.h"

enum {
    TABLE_BITS = 18,                        /* of the look-up by content: at most a quarter full */
    ITEMS_MAX = 3 * TIDE_FRAGMENT_ACCESSES, /* bytes */
    /* a data access leaves room for those of its instruction */
    LAST_FETCH = TIDE_FRAGMENT_ACCESSES - 4,
    FRAGMENT_BYTES = 4096,              /* more than the columns grow by with one fragment */
    COLUMNS_MAX = TIDE_PAYLOAD_MAX / 2, /* without events */
    EVENTS_MAX = 8192,                  /* of a block; 128 bytes each are more than enough */
    NAMES_MAX = 512 * 1024,             /* bytes of names of a block */
    ITEM_POOL = 4 * TIDE_DICTIONARY_LENGTHS,
    FEW_FETCHES = 8 /* one access in so many, or fewer: no fragments */
};

struct column {
    unsigned char *p;
    size_t n, cap;
};

struct fragment {
    uint64_t pc, hash;
    uint32_t first_item, first_slot;
    uint8_t items, data; /* bytes of items; data slots */
};

/* The fragment at hand. */
struct draft {
    uint64_t pc, next; /* next: where straight code goes on */
    unsigned accesses, fetches, data, items;
    bool crosses;
    unsigned char item[ITEMS_MAX];
    uint64_t addr[TIDE_FRAGMENT_ACCESSES];
};

struct name {
    char *path; /* NULL: the trace does not tell */
    uint32_t file;
    uint32_t group; /* in which it was last told, counted from 1 */
};

struct tide_encoder {
    tide_encoded_fn *out;
    void *context;

    struct tide_access *accesses; /* TIDE_CHUNK_ACCESSES */
    size_t n;
    size_t fetches, unfit;     /* among them; unfit: no fragment can hold them */
    struct tide_event *events; /* EVENTS_MAX; `at` counts from accesses[0] */
    size_t n_events, name_bytes;

    struct name *names;
    size_t n_names, cap_names;
    struct tide_map name_of; /* file id of the trace -> index */

    bool *appeared; /* by process: PROCESS has come in */
    struct known {
        uint16_t process;
        uint32_t pid;
    } * known; /* by PROCESS events of blocks that were handed out, in their order */
    size_t n_known, cap_known;

    uint64_t first; /* accesses handed out */
    uint32_t block, in_group, group;
    bool full; /* the dictionary: the group ends */

    struct column columns[TIDE_COLS];
    uint32_t stretches, records, units, data, definitions;
    unsigned char *payload;

    /* the dictionary */
    uint32_t *table; /* 1 << TABLE_BITS: index + 1 */
    struct fragment *fragments;
    struct tide_slot_state *slots;
    uint64_t *strides;   /* of the slots */
    uint64_t *followers; /* TIDE_FOLLOWERS */
    unsigned char *items;
    uint32_t n_fragments, n_slots, n_items, n_lengths;
    uint64_t regions[TIDE_REGIONS];
    uint64_t addr_before; /* the last data address */
    uint64_t bases[TIDE_BASES];
    uint64_t last_pc;

    struct draft draft;
    struct tide_single_state single;
    struct tide_map shapes;
};

/* ---- set-up ---- */

struct tide_encoder *tide_encoder_new(tide_encoded_fn *out, void *context, struct tide_error *e)
{
    struct tide_encoder *s = tide_calloc(1, sizeof *s);

    if (s == NULL) {
        tide_nomem(e);
        return NULL;
    }
    s->out = out;
    s->context = context;
    s->group = 1;
    tide_map_init(&s->name_of);
    tide_map_init(&s->shapes);
    s->accesses = tide_calloc(TIDE_CHUNK_ACCESSES, sizeof *s->accesses);
    s->events = tide_calloc(EVENTS_MAX, sizeof *s->events);
    s->payload = tide_calloc(1, TIDE_PAYLOAD_MAX);
    s->table = tide_calloc((size_t)1 << TABLE_BITS, sizeof *s->table);
    s->fragments = tide_calloc(TIDE_FRAGMENTS_MAX, sizeof *s->fragments);
    s->slots = tide_calloc(TIDE_DICTIONARY_SLOTS, sizeof *s->slots);
    s->strides = tide_calloc(TIDE_DICTIONARY_SLOTS, sizeof *s->strides);
    s->followers = tide_calloc(TIDE_FOLLOWERS, sizeof *s->followers);
    s->items = tide_calloc(1, ITEM_POOL);
    s->appeared = tide_calloc(TIDE_MAX_PROCESSES, sizeof *s->appeared);
    if (s->appeared != NULL && s->accesses != NULL && s->events != NULL && s->payload != NULL &&
        s->table != NULL && s->fragments != NULL && s->slots != NULL && s->strides != NULL &&
        s->followers != NULL && s->items != NULL)
        return s;
    tide_nomem(e);
    tide_encoder_free(s);
    return NULL;
}

void tide_encoder_free(struct tide_encoder *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < TIDE_COLS; i++)
        free(s->columns[i].p);
    for (size_t i = 0; i < s->n_names; i++)
        free(s->names[i].path);
    free(s->names);
    tide_map_fini(&s->name_of);
    tide_map_fini(&s->shapes);
    free(s->appeared);
    free(s->known);
    free(s->accesses);
    free(s->events);
    free(s->payload);
    free(s->table);
    free(s->fragments);
    free(s->slots);
    free(s->strides);
    free(s->followers);
    free(s->items);
    free(s);
}

/* ---- columns ---- */

/* Room for n bytes at the end of a column. NULL: out of memory. */
static unsigned char *room(struct column *c, size_t n)
{
    unsigned char *grown = tide_grow(c->p, &c->cap, c->n + n, 1);

    if (grown == NULL)
        return NULL;
    c->p = grown;
    return c->p + c->n;
}

static int put_byte(struct tide_encoder *s, enum tide_column column, unsigned v)
{
    struct column *c = &s->columns[column];

    if (c->n == c->cap && room(c, 1) == NULL)
        return TIDE_E_NOMEM;
    c->p[c->n++] = (unsigned char)v;
    return 0;
}

static int put_number(struct tide_encoder *s, enum tide_column column, uint64_t v, unsigned bytes)
{
    unsigned char *to = room(&s->columns[column], bytes);

    if (to == NULL)
        return TIDE_E_NOMEM;
    tide_put_le(to, v, bytes);
    s->columns[column].n += bytes;
    return 0;
}

static int put_varint(struct tide_encoder *s, enum tide_column column, uint64_t v)
{
    unsigned char *to = room(&s->columns[column], TIDE_VARINT_MAX);

    if (to == NULL)
        return TIDE_E_NOMEM;
    s->columns[column].n += tide_put_varint(to, v);
    return 0;
}

static int put_bytes(struct tide_encoder *s, enum tide_column column, const void *bytes, size_t n)
{
    unsigned char *to = room(&s->columns[column], n);

    if (to == NULL)
        return TIDE_E_NOMEM;
    memcpy(to, bytes, n);
    s->columns[column].n += n;
    return 0;
}

static bool columns_full(const struct tide_encoder *s)
{
    size_t n = FRAGMENT_BYTES;

    for (size_t i = 0; i < TIDE_COLS; i++)
        if (i != TIDE_COL_EVENTS)
            n += s->columns[i].n;
    return n > COLUMNS_MAX;
}

static int put_far(struct tide_encoder *s, uint64_t addr, uint64_t last)
{
    int rc;

    if (addr >> 32 == last >> 32 && (uint32_t)addr != TIDE_FAR_ESCAPE)
        return put_number(s, TIDE_COL_R32, (uint32_t)addr, 4);
    rc = put_number(s, TIDE_COL_R32, TIDE_FAR_ESCAPE, 4);
    return rc != 0 ? rc : put_number(s, TIDE_COL_R32, addr, 8);
}

/* ---- fragments ---- */

static void forget(struct tide_encoder *s)
{
    memset(s->table, 0, sizeof *s->table << TABLE_BITS);
    memset(s->regions, 0, sizeof s->regions);
    memset(s->followers, 0, TIDE_FOLLOWERS * sizeof *s->followers);
    memset(s->bases, 0, sizeof s->bases);
    s->n_fragments = s->n_slots = s->n_items = s->n_lengths = 0;
    s->last_pc = s->addr_before = 0;
    s->full = false;
}

static uint64_t hash_draft(const struct draft *d)
{
    uint64_t h = tide_hash64(d->pc + d->items), word;
    unsigned i = 0;

    for (; i + 8 <= d->items; i += 8) {
        memcpy(&word, d->item + i, 8);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    word = 0;
    memcpy(&word, d->item + i, d->items - i);
    return tide_hash64(h ^ word);
}

/* Codes the first addresses of a new fragment's slots. */
static int define_slots(struct tide_encoder *s, const struct draft *d, uint32_t first)
{
    for (unsigned k = 0; k < d->data; k++) {
        uint64_t addr = d->addr[k], best = UINT64_MAX;
        unsigned base = 0, bytes = 0;
        int rc;

        for (unsigned i = 0; i < TIDE_BASES; i++) {
            uint64_t z = tide_zigzag(addr - s->bases[i]);

            if (z < best) {
                best = z;
                base = i;
            }
        }
        while (bytes < 8 && best >> 8 * bytes != 0)
            bytes++;
        rc = put_byte(s, TIDE_COL_ADDRESSES, base | bytes << 2);
        if (rc == 0)
            rc = put_number(s, TIDE_COL_ADDRESSES, best, bytes);
        if (rc != 0)
            return rc;
        tide_base_learn(s->bases, base, bytes, addr);
        s->slots[first + k] = (struct tide_slot_state){.last = addr};
        s->strides[first + k] = 0;
    }
    return 0;
}

static int define(struct tide_encoder *s, const struct draft *d, uint64_t hash, uint32_t *place)
{
    struct fragment *f = &s->fragments[s->n_fragments];
    int rc;

    *f = (struct fragment){.pc = d->pc,
                           .hash = hash,
                           .first_item = s->n_items,
                           .first_slot = s->n_slots,
                           .items = (uint8_t)d->items,
                           .data = (uint8_t)d->data};
    memcpy(s->items + s->n_items, d->item, d->items);
    s->n_items += d->items;
    s->n_slots += d->data;
    s->n_lengths += d->fetches;
    *place = ++s->n_fragments;
    s->definitions++;
    rc = put_byte(s, TIDE_COL_DEFINITIONS, d->accesses);
    if (rc == 0)
        rc = put_bytes(s, TIDE_COL_DEFINITIONS, d->item, d->items);
    if (rc == 0 && d->fetches > 0) {
        rc = put_varint(s, TIDE_COL_DEFINITIONS, tide_zigzag(d->pc - s->last_pc));
        s->last_pc = d->pc;
    }
    return rc == 0 ? define_slots(s, d, f->first_slot) : rc;
}

/* An address that its base has not foretold; sets *code. */
static int put_unforetold(struct tide_encoder *s, uint64_t addr, uint64_t last, uint64_t *stride,
                          unsigned *code)
{
    uint64_t near = tide_zigzag(addr - last), *follower = tide_follower(s->followers, last);
    int rc = 0;

    *code = TIDE_CODE_NEAR;
    if (addr == last + *stride) {
        *code = TIDE_CODE_STRIDE;
    } else if (addr == *follower) {
        rc = put_number(s, TIDE_COL_R16, TIDE_NEAR_FOLLOWER, 2);
    } else if (near < TIDE_NEAR_FOLLOWER) {
        rc = put_number(s, TIDE_COL_R16, near, 2);
    } else {
        *code = TIDE_CODE_FAR;
        rc = put_far(s, addr, last);
    }
    *stride = addr - last;
    *follower = addr;
    return rc;
}

/* Codes the addresses of the draft, which is fragment `f`. */
static int put_addresses(struct tide_encoder *s, const struct draft *d, const struct fragment *f)
{
    uint64_t before = s->addr_before;
    unsigned packed = 0;
    int rc = 0;

    for (unsigned k = 0; k < d->data && rc == 0; k++) {
        struct tide_slot_state *slot = &s->slots[f->first_slot + k];
        uint64_t addr = d->addr[k], last = slot->last;
        bool stays = tide_same_region(last, before);
        uint64_t base = stays ? before : *tide_region(s->regions, last);
        unsigned code = TIDE_CODE_BASE;

        if (addr != base + slot->distance) {
            rc = put_unforetold(s, addr, last, &s->strides[f->first_slot + k], &code);
            stays = tide_same_region(addr, before);
            base = stays ? before : *tide_region(s->regions, addr);
            slot->distance = addr - base;
        }
        if (!stays)
            *tide_region(s->regions, before) = before;
        slot->last = addr;
        before = addr;
        packed |= code << 2 * (k % 4);
        if (rc == 0 && (k % 4 == 3 || k + 1 == d->data)) {
            rc = put_byte(s, TIDE_COL_CODES, packed);
            packed = 0;
        }
    }
    s->addr_before = before;
    s->data += d->data;
    return rc;
}

static int put_fragment(struct tide_encoder *s)
{
    struct draft *d = &s->draft;
    uint64_t hash;
    uint32_t i;
    int rc = 0;

    if (d->accesses == 0)
        return 0;
    hash = hash_draft(d);
    for (i = (uint32_t)(hash >> (64 - TABLE_BITS)); s->table[i] != 0;
         i = (i + 1) & ((UINT32_C(1) << TABLE_BITS) - 1)) {
        const struct fragment *f = &s->fragments[s->table[i] - 1];

        if (f->hash == hash && f->pc == d->pc && f->items == d->items &&
            memcmp(s->items + f->first_item, d->item, d->items) == 0)
            break;
    }
    if (s->table[i] == 0)
        rc = define(s, d, hash, &s->table[i]);
    if (rc == 0)
        rc = put_number(s, TIDE_COL_IDS, s->table[i] - 1, 2);
    if (rc == 0)
        rc = put_addresses(s, d, &s->fragments[s->table[i] - 1]);
    s->units++;
    d->accesses = d->fetches = d->data = d->items = 0;
    d->pc = 0;
    d->crosses = false;
    s->full = s->n_fragments == TIDE_FRAGMENTS_MAX ||
              s->n_slots + TIDE_FRAGMENT_ACCESSES > TIDE_DICTIONARY_SLOTS ||
              s->n_lengths + TIDE_FRAGMENT_ACCESSES > TIDE_DICTIONARY_LENGTHS ||
              s->n_items + ITEMS_MAX > ITEM_POOL;
    return rc;
}

/* Whether a fetch starts another fragment. */
static bool breaks(const struct draft *d, const struct tide_access *a, bool crosses)
{
    return d->accesses > 0 &&
           (d->fetches == 0 || a->addr != d->next || d->accesses >= LAST_FETCH || d->crosses ||
            crosses || (a->addr ^ d->pc) >> TIDE_FRAGMENT_PAGE_SHIFT != 0);
}

static void add_fetch(struct draft *d, const struct tide_access *a, bool crosses)
{
    if (d->fetches++ == 0)
        d->pc = a->addr;
    d->accesses++;
    d->crosses = crosses;
    d->next = a->addr + a->size;
    if (a->size >= TIDE_ITEM_DATA)
        d->item[d->items++] = TIDE_ITEM_LONG;
    d->item[d->items++] = (unsigned char)a->size;
}

static void add_data(struct draft *d, const struct tide_access *a)
{
    unsigned class = tide_size_class(a->size);

    d->addr[d->data++] = a->addr;
    d->accesses++;
    d->item[d->items++] = (unsigned char)(TIDE_ITEM_DATA | a->kind | class << TIDE_ITEM_SIZE_SHIFT);
    if (class == TIDE_ITEM_SIZED) {
        tide_put_le(d->item + d->items, a->size - 1, 2);
        d->items += 2;
    }
}

/* Cuts accesses [from, to) into fragments; *done is how far it came before something was full. */
static int put_fragments(struct tide_encoder *s, size_t from, size_t to, size_t *done)
{
    struct draft *d = &s->draft;
    size_t i;
    int rc = 0;

    for (i = from; i < to && rc == 0; i++) {
        const struct tide_access *a = &s->accesses[i];
        bool fetch = a->kind == TIDE_FETCH, crosses = false, full;

        if (fetch)
            crosses = ((a->addr + (a->size - 1)) ^ a->addr) >> TIDE_FRAGMENT_PAGE_SHIFT != 0;
        if (fetch ? breaks(d, a, crosses) : d->accesses == TIDE_FRAGMENT_ACCESSES) {
            rc = put_fragment(s);
            full = s->full || columns_full(s);
            if (rc != 0 || full)
                break;
        }
        if (fetch)
            add_fetch(d, a, crosses);
        else
            add_data(d, a);
    }
    *done = i;
    return rc == 0 && d->accesses > 0 ? put_fragment(s) : rc;
}

/* ---- single accesses ---- */

static int put_single(struct tide_encoder *s, const struct tide_access *a, uint32_t shape,
                      unsigned *packed)
{
    struct tide_single_state *m = &s->single;
    uint64_t *step = tide_single_step(m, shape);
    uint64_t near = tide_zigzag(a->addr - m->last), other = tide_zigzag(a->addr - m->other);
    unsigned code;
    int rc = 0;

    if (a->addr == m->last + *step) {
        code = TIDE_SINGLE_STEP;
    } else if (near <= UINT16_MAX) {
        code = TIDE_SINGLE_NEAR;
        rc = put_number(s, TIDE_COL_R16, near, 2);
    } else if (other <= UINT16_MAX) {
        code = TIDE_SINGLE_OTHER;
        rc = put_number(s, TIDE_COL_R16, other, 2);
    } else {
        code = TIDE_SINGLE_FAR;
        rc = put_far(s, a->addr, m->last);
    }
    tide_single_learn(m, step, a->addr);
    *packed |= code << 2 * (s->units % 4);
    if (++s->units % 4 == 0 && rc == 0) {
        rc = put_byte(s, TIDE_COL_CODES, *packed);
        *packed = 0;
    }
    return rc;
}

static int put_singles(struct tide_encoder *s, size_t from, size_t to, unsigned *packed,
                       size_t *done)
{
    size_t i;
    int rc = 0;

    for (i = from; i < to && rc == 0; i++) {
        const struct tide_access *a = &s->accesses[i];
        uint64_t *shape;
        bool inserted;

        if (columns_full(s) || s->definitions == TIDE_SHAPES_MAX)
            break;
        shape = tide_map_put(&s->shapes, (uint64_t)a->kind << 32 | a->size, &inserted);
        if (shape == NULL)
            return TIDE_E_NOMEM;
        if (inserted) {
            *shape = s->definitions++;
            rc = put_byte(s, TIDE_COL_DEFINITIONS, a->kind);
            if (rc == 0)
                rc = put_number(s, TIDE_COL_DEFINITIONS, a->size - 1, 2);
        }
        if (rc == 0)
            rc = put_number(s, TIDE_COL_IDS, *shape, 2);
        if (rc == 0)
            rc = put_single(s, a, (uint32_t)*shape, packed);
        s->data++;
    }
    *done = i;
    return rc;
}

/* Shape numbers were put down as two bytes each. */
static void narrow_shapes(struct tide_encoder *s)
{
    struct column *c = &s->columns[TIDE_COL_IDS];
    unsigned bytes = tide_shape_bytes(s->definitions);

    if (bytes == 1)
        for (size_t i = 0; i < s->units; i++)
            c->p[i] = c->p[2 * i];
    c->n = bytes * s->units;
}

/* ---- events ---- */

static int put_record(struct tide_encoder *s, unsigned type, const unsigned char *body, size_t n)
{
    int rc = put_byte(s, TIDE_COL_EVENTS, type);

    if (rc == 0)
        rc = put_varint(s, TIDE_COL_EVENTS, n);
    if (rc == 0)
        rc = put_bytes(s, TIDE_COL_EVENTS, body, n);
    s->records++;
    return rc;
}

/* Names are told once in each group that needs them. */
static int put_name(struct tide_encoder *s, uint32_t file)
{
    uint64_t *index = tide_map_get(&s->name_of, file);
    struct name *name = index != NULL ? &s->names[*index] : NULL;
    unsigned char head[TIDE_VARINT_MAX];
    size_t n, length;
    int rc;

    if (name == NULL || name->path == NULL || name->group == s->group)
        return 0;
    name->group = s->group;
    n = tide_put_varint(head, file);
    length = strlen(name->path);
    rc = put_byte(s, TIDE_COL_EVENTS, TIDE_RECORD_NAME);
    if (rc == 0)
        rc = put_varint(s, TIDE_COL_EVENTS, n + length);
    if (rc == 0)
        rc = put_bytes(s, TIDE_COL_EVENTS, head, n);
    if (rc == 0)
        rc = put_bytes(s, TIDE_COL_EVENTS, name->path, length);
    s->records++;
    return rc;
}

/* Of groups that are read by themselves, too, the first events are those of processes. */
static int put_known(struct tide_encoder *s)
{
    int rc = 0;

    for (size_t i = 0; i < s->n_known && rc == 0; i++) {
        unsigned char body[2 * TIDE_VARINT_MAX];
        size_t n = tide_put_varint(body, s->known[i].process);

        n += tide_put_varint(body + n, s->known[i].pid);
        rc = put_record(s, TIDE_RECORD_KNOWN, body, n);
    }
    return rc;
}

/* The last pid that a process had counts. */
static int know(struct tide_encoder *s, uint16_t process, uint32_t pid)
{
    struct known *grown;

    for (size_t i = 0; i < s->n_known; i++)
        if (s->known[i].process == process) {
            s->known[i].pid = pid;
            return 0;
        }
    grown = tide_grow(s->known, &s->cap_known, s->n_known + 1, sizeof *grown);
    if (grown == NULL)
        return TIDE_E_NOMEM;
    s->known = grown;
    s->known[s->n_known++] = (struct known){process, pid};
    return 0;
}

static int put_event(struct tide_encoder *s, const struct tide_event *v)
{
    const uint64_t fields[TIDE_FIELDS] = {
        v->flags,  v->addr, v->len,  v->new_addr, v->new_len,
        v->offset, v->file, v->prot, v->number,   v->cpu,
    };
    unsigned char body[(TIDE_FIELDS + 2) * TIDE_VARINT_MAX];
    unsigned mask = 0;
    size_t n;
    int rc = v->file != 0 ? put_name(s, v->file) : 0;

    if (rc != 0)
        return rc;
    for (unsigned i = 0; i < TIDE_FIELDS; i++)
        mask |= (unsigned)(fields[i] != 0) << i;
    if (v->type == TIDE_EV_PROCESS && (rc = know(s, v->process, v->number)) != 0)
        return rc;
    n = tide_put_varint(body, v->process);
    n += tide_put_varint(body + n, mask);
    for (unsigned i = 0; i < TIDE_FIELDS; i++)
        if (fields[i] != 0)
            n += tide_put_varint(body + n, fields[i]);
    return put_record(s, v->type, body, n);
}

/* ---- blocks ---- */

static int hand_out(struct tide_encoder *s, enum tide_chunk_type type, size_t accesses,
                    struct tide_error *e)
{
    uint32_t fields[TIDE_BLOCK_COLUMNS + TIDE_COLS] = {[TIDE_BLOCK_NUMBER] = s->block,
                                                       [TIDE_BLOCK_IN_GROUP] = s->in_group,
                                                       [TIDE_BLOCK_UNITS] = s->units,
                                                       [TIDE_BLOCK_DATA] = s->data,
                                                       [TIDE_BLOCK_STRETCHES] = s->stretches,
                                                       [TIDE_BLOCK_RECORDS] = s->records,
                                                       [TIDE_BLOCK_DEFINITIONS] = s->definitions};
    size_t n = TIDE_BLOCK_HEAD_BYTES;
    struct tide_chunk c = {.type = (uint8_t)type,
                           .flags = s->in_group == 0 ? TIDE_CHUNK_GROUP : 0,
                           .version = TIDE_LAYOUT_VERSION,
                           .first = s->first,
                           .accesses = (uint32_t)accesses};

    for (size_t i = 0; i < TIDE_COLS; i++) {
        fields[TIDE_BLOCK_COLUMNS + i] = (uint32_t)s->columns[i].n;
        if (s->columns[i].n > 0)
            memcpy(s->payload + n, s->columns[i].p, s->columns[i].n);
        n += s->columns[i].n;
    }
    for (size_t i = 0; i < TIDE_BLOCK_COLUMNS + TIDE_COLS; i++)
        tide_put_le(s->payload + 4 * i, fields[i], 4);
    c.length = (uint32_t)n;
    s->first += accesses;
    s->block++;
    s->in_group++;
    return s->out(s->context, &c, s->payload, e);
}

/* The end of the stretch that begins at access i: the next event or change of process. */
static size_t stretch_end(const struct tide_encoder *s, size_t i, size_t event)
{
    size_t to = event < s->n_events ? s->events[event].at : s->n;
    uint16_t process = s->accesses[i].process;

    for (; i < to && s->accesses[i].process == process; i++)
        continue;
    return i;
}

/* What was not coded moves to the front. */
static void keep_rest(struct tide_encoder *s, size_t done, size_t events)
{
    s->n -= done;
    s->n_events -= events;
    memmove(s->accesses, s->accesses + done, s->n * sizeof *s->accesses);
    memmove(s->events, s->events + events, s->n_events * sizeof *s->events);
    for (size_t i = 0; i < s->n_events; i++)
        s->events[i].at -= (uint32_t)done;
    s->fetches = s->unfit = 0;
}

static bool no_fragment_holds(const struct tide_access *a)
{
    return a->kind == TIDE_FETCH ? a->size > UINT8_MAX : a->size > UINT16_MAX;
}

static void count_rest(struct tide_encoder *s)
{
    for (size_t i = 0; i < s->n; i++) {
        s->fetches += s->accesses[i].kind == TIDE_FETCH;
        s->unfit += no_fragment_holds(&s->accesses[i]);
    }
    s->name_bytes = 0;
}

static void begin_block(struct tide_encoder *s)
{
    for (size_t i = 0; i < TIDE_COLS; i++)
        s->columns[i].n = 0;
    s->stretches = s->records = s->units = s->data = s->definitions = 0;
    if (s->full || s->in_group == TIDE_GROUP_BLOCKS) {
        s->in_group = 0;
        s->group++;
    }
    if (s->in_group == 0)
        forget(s);
}

static int put_stretch(struct tide_encoder *s, uint32_t records, uint32_t units, unsigned process)
{
    int rc = put_varint(s, TIDE_COL_STRETCHES, records);

    if (rc == 0)
        rc = put_varint(s, TIDE_COL_STRETCHES, units);
    if (rc == 0 && units > 0)
        rc = put_varint(s, TIDE_COL_STRETCHES, process);
    s->stretches++;
    return rc;
}

/* Makes one block of what was collected, as far as that fits. */
static int encode_block(struct tide_encoder *s, struct tide_error *e)
{
    bool singles = s->unfit > 0 || s->fetches <= s->n / FEW_FETCHES;
    size_t i = 0, event = 0;
    unsigned packed = 0;
    int rc = 0;

    begin_block(s);
    if (singles) {
        memset(&s->single, 0, sizeof s->single);
        tide_map_clear(&s->shapes);
    }
    while (rc == 0 && (i < s->n || event < s->n_events)) {
        size_t done = i, to;
        uint32_t units = s->units, records = s->records;
        unsigned process = i < s->n ? s->accesses[i].process : 0;

        if (s->stretches == 0 && s->in_group == 0)
            rc = put_known(s);
        for (; rc == 0 && event < s->n_events && s->events[event].at == i; event++)
            rc = put_event(s, &s->events[event]);
        records = s->records - records;
        to = i < s->n ? stretch_end(s, i, event) : i;
        if (rc == 0)
            rc = singles ? put_singles(s, i, to, &packed, &done) : put_fragments(s, i, to, &done);
        if (rc == 0)
            rc = put_stretch(s, records, s->units - units, process);
        i = done;
        if (done < to || s->full || columns_full(s))
            break;
    }
    if (rc == 0 && singles) {
        if (s->units % 4 != 0)
            rc = put_byte(s, TIDE_COL_CODES, packed);
        narrow_shapes(s);
    }
    if (rc != 0)
        return tide_nomem(e);
    rc = hand_out(s, singles ? TIDE_CHUNK_COLUMNS : TIDE_CHUNK_FRAGMENTS, i, e);
    keep_rest(s, i, event);
    count_rest(s);
    return rc;
}

/* The id under which a file stands in our trace: that of the source, unless it names another one
 * by now, as it may where several traces are joined. */
static int name_file(struct tide_encoder *s, uint32_t *file, const char *path)
{
    struct name *grown;
    uint64_t *index;
    bool inserted;
    uint32_t id = *file;

    index = tide_map_put(&s->name_of, id, &inserted);
    while (index != NULL && !inserted) {
        struct name *known = &s->names[*index];

        *file = id;
        if (known->path == NULL && path != NULL)
            return (known->path = tide_strdup(path)) != NULL ? 0 : TIDE_E_NOMEM;
        if (path == NULL || strcmp(known->path, path) == 0)
            return 0;
        id = id * 0x9e3779b1u + 1;
        if (id != 0)
            index = tide_map_put(&s->name_of, id, &inserted);
    }
    if (index == NULL)
        return TIDE_E_NOMEM;
    grown = tide_grow(s->names, &s->cap_names, s->n_names + 1, sizeof *grown);
    if (grown == NULL)
        return TIDE_E_NOMEM;
    s->names = grown;
    *index = s->n_names;
    s->names[s->n_names] = (struct name){.file = id};
    *file = id;
    if (path != NULL && (s->names[s->n_names].path = tide_strdup(path)) == NULL)
        return TIDE_E_NOMEM;
    s->n_names++;
    return 0;
}

static int put_in(struct tide_encoder *s, const struct tide_event *v, const char *name,
                  struct tide_error *e)
{
    size_t length = name != NULL ? strlen(name) : 0;
    struct tide_event *copy;
    int rc = 0;

    if (length > NAMES_MAX)
        return tide_fail(e, TIDE_E_TRACE, "the name of a file is longer than %d bytes", NAMES_MAX);
    while (rc == 0 && (s->n_events == EVENTS_MAX || s->name_bytes + length > NAMES_MAX))
        rc = encode_block(s, e);
    if (rc != 0)
        return rc;
    copy = &s->events[s->n_events++];
    *copy = *v;
    copy->at = (uint32_t)s->n;
    s->name_bytes += length;
    if (copy->file != 0 && name_file(s, &copy->file, name) != 0)
        return tide_nomem(e);
    return 0;
}

/* Whatever a process does, PROCESS comes first. */
static int appear(struct tide_encoder *s, uint16_t process, bool told, struct tide_error *e)
{
    const struct tide_event v = {.type = TIDE_EV_PROCESS, .process = process};

    if (process >= TIDE_MAX_PROCESSES)
        return tide_fail(e, TIDE_E_TRACE, "there are more than %d processes", TIDE_MAX_PROCESSES);
    if (s->appeared[process])
        return 0;
    s->appeared[process] = true;
    return told ? 0 : put_in(s, &v, NULL, e);
}

int tide_encoder_access(struct tide_encoder *s, const struct tide_access *a, struct tide_error *e)
{
    int rc = appear(s, a->process, false, e);

    if (rc != 0)
        return rc;

    if (s->n == TIDE_CHUNK_ACCESSES)
        rc = encode_block(s, e);
    s->fetches += a->kind == TIDE_FETCH;
    s->unfit += no_fragment_holds(a);
    s->accesses[s->n++] = *a;
    return rc;
}

int tide_encoder_event(struct tide_encoder *s, const struct tide_event *v, const char *name,
                       struct tide_error *e)
{
    int rc = appear(s, v->process, v->type == TIDE_EV_PROCESS, e);

    return rc == 0 ? put_in(s, v, name, e) : rc;
}

int tide_encoder_finish(struct tide_encoder *s, struct tide_error *e)
{
    int rc = 0;

    while (rc == 0 && (s->n > 0 || s->n_events > 0))
        rc = encode_block(s, e);
    return rc;
}
