/* Fragments of a lackey log, known by their text: see lackey_code.h.
 *
 * What followed a piece last time is tried first, then the pieces that begin with the same text.
 * Where none fits, the lines are read one by one until straight code ends, and make a new piece.
 * Pieces are found by their own text alone, so how a log is cut into fragments depends on what
 * precedes, not on how much of it is in the window: that holds the longest text there can be, or
 * the rest of the log.
 */
#include "trace/lackey_code.h"

#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__) && !defined(TIDE_PLAIN_C)
#define WITH_SSE2
#include <emmintrin.h>
#endif

#include "base/mem.h"
#include "trace/text.h"

enum {
    DIGITS_MIN = 8,  /* of an address */
    DIGITS_MAX = 15, /* of more, an access could reach beyond the last byte there is */
    LINE_BYTES = 3 + DIGITS_MAX + 1 + 3 + 2, /* at most: `I  `, address, `,`, size, CR LF */
    TEXT_BYTES = TIDE_FRAGMENT_ACCESSES * LINE_BYTES,
    WORD_BYTES = 16,
    TABLE_BITS = 15,
    TRIES = 16, /* of pieces that begin alike */
    /* a data access leaves room for those of its instruction */
    LAST_FETCH = TIDE_FRAGMENT_ACCESSES - 4
};

/* A piece, in one piece of memory:
 *
 *     head | wild, for each word | place, for each data access | words of 16 bytes
 *
 * Bit i of `wild` is set where byte i of the word may be anything: the digits of data addresses,
 * which are zero in the word, and what lies behind the end. A place is where such digits begin in
 * the text, and how many fewer than 16 there are: at << 4 | 16 - digits. */
struct tide_piece {
    uint64_t kinds; /* accesses by kind, 16 bits each */
    uint32_t id;    /* of the fragment */
    uint32_t next;  /* the piece that followed last time: these two are places in the store */
    uint32_t chain; /* the next one with the same hash; 0: none */
    uint16_t bytes; /* of text; 0: it has none */
    uint8_t words, accesses, data;
    uint16_t marks[];
};

enum {
    UNIT_BYTES = 16,       /* pieces begin at multiples */
    STORE_UNITS = 1 << 20, /* there are enough: the store grows no more */
    PIECE_UNITS =
        (sizeof(struct tide_piece) + 2 * TIDE_FRAGMENT_ACCESSES + 2 * TEXT_BYTES + 3 * UNIT_BYTES) /
        UNIT_BYTES, /* more than any takes */
    NOTHING = 0     /* the first piece of the store, without text */
};

/* A fragment that is being put together. */
struct draft {
    uint64_t pc, next; /* next: where straight code goes on */
    unsigned fetches, data, bytes;
    bool crosses;
    uint64_t kinds;
    uint8_t lengths[TIDE_FRAGMENT_ACCESSES];
    struct tide_slot slots[TIDE_FRAGMENT_ACCESSES];
    uint16_t places[TIDE_FRAGMENT_ACCESSES];
    uint64_t addresses[TIDE_FRAGMENT_ACCESSES];
};

/* ---- life ---- */

void tide_lackey_code_fini(struct tide_lackey_code *c)
{
    tide_dictionaries_fini(&c->dictionaries);
    free(c->store);
    free(c->table);
}

static inline struct tide_piece *piece_at(const struct tide_lackey_code *c, uint32_t at)
{
    return (struct tide_piece *)(void *)(c->store + (size_t)at * UNIT_BYTES);
}

static inline uint32_t place_of(const struct tide_lackey_code *c, const struct tide_piece *piece)
{
    return (uint32_t)((size_t)((const unsigned char *)piece - c->store) / UNIT_BYTES);
}

/* The block has got fragments. */
static int refer(struct tide_lackey_code *c, struct tide_block *b)
{
    if (b->dictionary != NULL || tide_dictionaries_lease(&c->dictionaries, b) == 0)
        return 0;
    b->n_accesses = 0; /* nobody can read them */
    return TIDE_E_NOMEM;
}

/* Room for one more piece, however long. */
static bool room(const struct tide_lackey_code *c)
{
    return tide_dictionaries_room(&c->dictionaries) && c->used + PIECE_UNITS <= c->cap;
}

/* Makes room, if it can: pieces move. */
static int grow(struct tide_lackey_code *c)
{
    unsigned char *grown;

    if (c->used + PIECE_UNITS <= c->cap || c->cap >= STORE_UNITS)
        return 0;
    grown = tide_grow(c->store, &c->cap, c->used + PIECE_UNITS, UNIT_BYTES);
    if (grown == NULL)
        return TIDE_E_NOMEM;
    c->store = grown;
    return 0;
}

/* Appends a piece of so many words and data accesses. */
static struct tide_piece *piece_new(struct tide_lackey_code *c, unsigned words, unsigned data)
{
    struct tide_piece *piece = piece_at(c, c->used);
    size_t bytes =
        sizeof *piece + (words + data) * sizeof *piece->marks + (size_t)words * WORD_BYTES;

    *piece = (struct tide_piece){.words = (uint8_t)words, .data = (uint8_t)data};
    c->used += (uint32_t)((bytes + UNIT_BYTES - 1) / UNIT_BYTES);
    return piece;
}

static inline const unsigned char *text_of(const struct tide_piece *piece)
{
    return (const unsigned char *)&piece->marks[piece->words + piece->data];
}

/* Forgets everything. */
static int renew(struct tide_lackey_code *c)
{
    memset(c->table, 0, sizeof *c->table << TABLE_BITS);
    c->used = c->last = NOTHING;
    piece_new(c, 0, 0);
    return tide_dictionaries_renew(&c->dictionaries);
}

int tide_lackey_code_begin(struct tide_lackey_code *c, struct tide_block *b)
{
    b->n_fragments = b->n_data = 0;
    b->process = 0;
    tide_dictionaries_release(&c->dictionaries, b);
    if (c->table == NULL && (c->table = tide_malloc(sizeof *c->table << TABLE_BITS)) == NULL)
        return TIDE_E_NOMEM;
    if (grow(c) != 0 && c->store == NULL)
        return TIDE_E_NOMEM;
    return c->dictionaries.now != NULL && room(c) ? 0 : renew(c);
}

bool tide_lackey_code_full(const struct tide_lackey_code *c, const struct tide_block *b)
{
    return b->n_accesses > TIDE_BLOCK_ACCESSES - TIDE_FRAGMENT_ACCESSES || !room(c);
}

/* ---- drafts ---- */

static void draft_begin(struct draft *d)
{
    d->pc = d->next = d->kinds = 0;
    d->fetches = d->data = d->bytes = 0;
    d->crosses = false;
}

static bool draft_takes(const struct draft *d, const struct tide_access *a)
{
    unsigned n = d->fetches + d->data;

    if (a->kind != TIDE_FETCH) /* without code there is nothing to know pieces by: one each */
        return n < TIDE_FRAGMENT_ACCESSES && (d->fetches > 0 || d->data == 0);
    return n == 0 || (d->fetches > 0 && n < LAST_FETCH && a->addr == d->next &&
                      (a->addr + a->size - 1) >> TIDE_FRAGMENT_PAGE_SHIFT ==
                          d->pc >> TIDE_FRAGMENT_PAGE_SHIFT);
}

static void draft_add(struct draft *d, const struct tide_access *a)
{
    d->kinds += UINT64_C(1) << 16 * a->kind;
    if (a->kind != TIDE_FETCH) {
        d->slots[d->data] = (struct tide_slot){
            .kind = a->kind, .fetches = (uint8_t)d->fetches, .size = (uint16_t)a->size};
        d->addresses[d->data++] = a->addr;
        return;
    }
    if (d->fetches == 0) {
        d->pc = a->addr;
        d->crosses = ((a->addr + (a->size - 1)) ^ a->addr) >> TIDE_FRAGMENT_PAGE_SHIFT != 0;
    }
    d->lengths[d->fetches++] = (uint8_t)a->size;
    d->next = a->addr + a->size;
}

static bool fits_fragment(const struct tide_access *a)
{
    return a->size <= (a->kind == TIDE_FETCH ? UINT8_MAX : UINT16_MAX);
}

/* The ordinary access line at p, not beyond `stop`. Returns its length with the line feed, or 0: it
 * is something else. */
static unsigned read_line(const unsigned char *p, const unsigned char *stop, struct tide_access *a)
{
    static const char heads[TIDE_KINDS][3] = {"I  ", " L ", " S ", " M "};
    const unsigned char *digits = p + 3, *q = digits, *size;
    unsigned kind = 0;
    uint64_t addr = 0, bytes;

    if (stop - p < 3)
        return 0;
    while (kind < TIDE_KINDS && memcmp(p, heads[kind], 3) != 0)
        kind++;
    for (; q < stop && q < digits + DIGITS_MAX && tide_hex_digit[*q] < 16 && (*q < 'A' || *q > 'F');
         q++)
        addr = addr << 4 | tide_hex_digit[*q];
    if (kind == TIDE_KINDS || q - digits < DIGITS_MIN || q == stop || *q != ',')
        return 0;
    size = ++q;
    if (!tide_number(&q, stop, 10, &bytes) || q - size > 3)
        return 0;
    q += q < stop && *q == '\r';
    if (q == stop || *q != '\n')
        return 0;
    *a = (struct tide_access){.addr = addr, .size = (uint32_t)bytes, .kind = (uint8_t)kind};
    return bytes > 0 && fits_fragment(a) ? (unsigned)(q + 1 - p) : 0;
}

/* Straight code from p on, or one data access. */
static void draft_text(struct draft *d, const unsigned char *p, const unsigned char *stop)
{
    struct tide_access a;
    unsigned n;

    while ((n = read_line(p + d->bytes, stop, &a)) > 0 && draft_takes(d, &a)) {
        if (a.kind != TIDE_FETCH) {
            const unsigned char *at = p + d->bytes + 3;
            ptrdiff_t digits = (const unsigned char *)memchr(at, ',', n) - at;

            d->places[d->data] = (uint16_t)((d->bytes + 3) << 4 | (unsigned)(WORD_BYTES - digits));
        }
        draft_add(d, &a);
        d->bytes += n;
    }
}

/* ---- the pieces that are known ---- */

/* Gives a piece the draft's text, which is at p. */
static void know_text(struct tide_piece *piece, const struct draft *d, const unsigned char *p)
{
    uint16_t *wild = piece->marks;
    unsigned char *text = (unsigned char *)&wild[piece->words + piece->data];
    size_t bytes = (size_t)piece->words * WORD_BYTES;

    piece->bytes = (uint16_t)d->bytes;
    memcpy(wild + piece->words, d->places, d->data * sizeof *d->places);
    memcpy(text, p, d->bytes);
    memset(text + d->bytes, 0, bytes - d->bytes);
    memset(wild, 0, piece->words * sizeof *wild);
    if (bytes > d->bytes)
        wild[piece->words - 1] = (uint16_t)(0xffff << d->bytes % WORD_BYTES);
    for (unsigned i = 0; i < d->data; i++) {
        unsigned from = d->places[i] >> 4, to = from + WORD_BYTES - (d->places[i] & 15u);

        memset(text + from, 0, to - from);
        for (unsigned k = from; k < to; k++)
            wild[k / WORD_BYTES] |= (uint16_t)(1 << k % WORD_BYTES);
    }
}

static void fragment_new(struct tide_growing *g, const struct draft *d)
{
    struct tide_fragment *f = &g->fragments[g->n_fragments++];

    *f = (struct tide_fragment){
        .pc = d->pc,
        .first_slot = g->n_slots,
        .first_length = g->n_lengths,
        .fetches = (uint8_t)d->fetches,
        .data = (uint8_t)d->data,
        .flags = d->crosses ? TIDE_FRAGMENT_CROSSES : 0,
    };
    for (unsigned kind = 0; kind < TIDE_KINDS; kind++)
        if ((d->kinds >> 16 * kind & 0xffff) != 0)
            f->kinds |= (uint8_t)(1 << kind);
    for (unsigned i = 0; i < d->data; i++)
        f->tail += d->slots[i].fetches == d->fetches;
    memcpy(&g->slots[g->n_slots], d->slots, d->data * sizeof *d->slots);
    memcpy(&g->lengths[g->n_lengths], d->lengths, d->fetches);
    g->n_slots += d->data;
    g->n_lengths += d->fetches;
}

/* Makes the draft a piece, with its text at p, or without where that is NULL. Other pieces may
 * move; where memory ends, there is no room for more. */
static uint32_t define(struct tide_lackey_code *c, const struct draft *d, uint32_t *head,
                       const unsigned char *p)
{
    struct tide_growing *g = c->dictionaries.now;
    uint32_t at = c->used;
    struct tide_piece *piece =
        piece_new(c, (d->bytes + WORD_BYTES - 1) / WORD_BYTES, p != NULL ? d->data : 0);

    piece->kinds = d->kinds;
    piece->id = g->n_fragments;
    piece->accesses = (uint8_t)(d->fetches + d->data);
    piece->data = (uint8_t)d->data;
    piece->chain = *head;
    *head = at;
    fragment_new(g, d);
    if (p != NULL)
        know_text(piece, d, p);
    (void)grow(c);
    return at;
}

#define EACH(byte) ((byte)*UINT64_C(0x0101010101010101))

/* Eight bytes, the first one lowest. */
static inline uint64_t load(const unsigned char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* The first of the pieces that begin like the text at p: the first 16 bytes of a fetch, its address
 * among them; of data the kind, the number of digits, and what follows the address. */
static uint32_t *pieces_like(struct tide_lackey_code *c, const unsigned char *p)
{
    uint64_t a = load(p), b = load(p + 8);

    if (p[0] != 'I') {
        const unsigned char *comma = p + 3 + DIGITS_MIN;
        uint64_t v = load(comma) ^ EACH(','), none = (v - EACH(1)) & ~v & EACH(0x80);

        a = p[1];
        b = none == 0 ? 0 : (unsigned)__builtin_ctzll(none) / 8;
        b |= (load(comma + b) & 0xffffff) << 8;
    }
    a = (a * UINT64_C(0x9e3779b97f4a7c15)) ^ b;
    return &c->table[(a ^ a >> 32) * UINT64_C(0xd6e8feb86659fd93) >> (64 - TABLE_BITS)];
}

/* ---- reading by text ---- */

#ifdef WITH_SSE2
/* Whether the 16 bytes at p are those of the word, but for wild ones. */
static inline bool word_fits(const unsigned char *word, unsigned wild, const unsigned char *p)
{
    __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)p),
                                  _mm_loadu_si128((const __m128i *)(const void *)word));

    return ((unsigned)_mm_movemask_epi8(same) | wild) == 0xffff;
}

/* 1 bits where bytes of x lie in from..from+span. */
static inline __m128i in_span(__m128i x, char from, char span)
{
    __m128i above = _mm_sub_epi8(x, _mm_set1_epi8(from)); /* wraps below `from` */

    return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8(span)), above);
}

/* The address of 16 - `less` lower-case digits at p. The lower 16 bits of *wrong get bits where one
 * is none. */
static inline uint64_t read_digits(const unsigned char *p, unsigned less, uint32_t *wrong)
{
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i letters = in_span(text, 'a', 5), hex = _mm_or_si128(letters, in_span(text, '0', 9));
    /* what stands behind the digits becomes nibbles, too, to be shifted out */
    __m128i nibbles = _mm_add_epi8(_mm_and_si128(text, _mm_set1_epi8(15)),
                                   _mm_and_si128(letters, _mm_set1_epi8(9)));
    __m128i pairs = _mm_and_si128(
        _mm_or_si128(_mm_slli_epi16(nibbles, 4), _mm_srli_epi16(nibbles, 8)), _mm_set1_epi16(255));
    uint64_t packed = (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(pairs, pairs));

    *wrong |= ~(unsigned)_mm_movemask_epi8(hex) << less;
    return __builtin_bswap64(packed) >> 4 * less;
}
#else
/* Eight bits as bytes, the lowest bit as the first one: 0 or 255. */
static inline uint64_t spread(unsigned bits)
{
    uint64_t v = EACH(bits & 0xff) & UINT64_C(0x8040201008040201);

    return ((v + EACH(0x7f)) >> 7 & EACH(1)) * 0xff;
}

/* Whether the 16 bytes at p are those of the word, but for wild ones. */
static inline bool word_fits(const unsigned char *word, unsigned wild, const unsigned char *p)
{
    return (((load(word) ^ load(p)) & ~spread(wild)) |
            ((load(word + 8) ^ load(p + 8)) & ~spread(wild >> 8))) == 0;
}

/* Eight lower-case digits at p as a number; *wrong is not 0 where one is none. */
static inline uint64_t read_eight(const unsigned char *p, uint64_t *wrong)
{
    uint64_t text = load(p), v = ((text & EACH(15)) + 9 * (text >> 6 & EACH(1))) & EACH(15);

    /* what these nibbles would be printed as */
    *wrong |= text ^ (v + EACH('0') + ('a' - '0' - 10) * ((v + EACH(6)) >> 4 & EACH(1)));
    v = __builtin_bswap64(v);
    v = (v | v >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v | v >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (v | v >> 16) & UINT32_MAX;
}

/* The address of 16 - `less` lower-case digits at p. The lower 16 bits of *wrong get bits where one
 * is none. */
static inline uint64_t read_digits(const unsigned char *p, unsigned less, uint32_t *wrong)
{
    unsigned more = WORD_BYTES - less - DIGITS_MIN;
    uint64_t bad = 0;
    /* the first eight and the last eight, which overlap */
    uint64_t addr = read_eight(p, &bad) << 4 * more | read_eight(p + more, &bad);

    *wrong |= bad != 0;
    return addr;
}
#endif

static inline bool same_text(const unsigned char *text, const uint16_t *wild, unsigned words,
                             const unsigned char *p)
{
    for (unsigned i = 0; i < words; i++, text += WORD_BYTES, p += WORD_BYTES)
        if (!word_fits(text, wild[i], p))
            return false;
    return true;
}

/* Whether the text at p is that of a piece; then reads its data addresses. */
static inline bool fits(const struct tide_piece *piece, const unsigned char *p,
                        const unsigned char *stop, uint64_t *addresses)
{
    const uint16_t *place = piece->marks + piece->words;
    uint32_t wrong = 0;

    if (piece->bytes - (size_t)1 >= (size_t)(stop - p) || /* without text: never */
        !same_text(text_of(piece), piece->marks, piece->words, p))
        return false;
    for (unsigned i = 0, n = piece->data; i < n; i++)
        addresses[i] = read_digits(p + (place[i] >> 4), place[i] & 15u, &wrong);
    return (wrong & 0xffff) == 0;
}

/* A new piece of the text at p, with its data addresses; NOTHING: no ordinary line. */
static __attribute__((noinline)) uint32_t learn(struct tide_lackey_code *c, uint32_t *head,
                                                const unsigned char *p, const unsigned char *stop,
                                                uint64_t *addresses)
{
    struct draft d;

    draft_begin(&d);
    draft_text(&d, p, stop);
    if (d.bytes == 0)
        return NOTHING;
    memcpy(addresses, d.addresses, d.data * sizeof *addresses);
    return define(c, &d, head, p);
}

/* The piece at p, known or new, with its data addresses; NOTHING: no ordinary line. */
static uint32_t find(struct tide_lackey_code *c, const unsigned char *p, const unsigned char *stop,
                     uint64_t *addresses)
{
    uint32_t *head = pieces_like(c, p), at = *head;

    for (unsigned tries = 0; at != NOTHING && tries < TRIES; tries++) {
        if (fits(piece_at(c, at), p, stop, addresses))
            return at;
        at = piece_at(c, at)->chain;
    }
    return learn(c, head, p, stop, addresses);
}

/* The piece is likely to be the next but one: most are no longer than this. */
static inline void prefetch(const struct tide_piece *piece)
{
    const char *p = (const char *)piece;

    __builtin_prefetch(p);
    __builtin_prefetch(p + 64);
    __builtin_prefetch(p + 128);
}

enum tide_lackey_taken tide_lackey_code_take(struct tide_lackey_code *c,
                                             struct tide_reader_window *w, struct tide_block *b,
                                             uint64_t counts[TIDE_KINDS])
{
    const unsigned char *p = w->bytes + w->pos, *const stop = w->bytes + w->len;
    const size_t unsure = w->last ? 0 : TEXT_BYTES;
    size_t n = b->n_accesses, m = b->n_fragments, data = b->n_data;
    enum tide_lackey_taken taken = TIDE_LACKEY_MORE;
    struct tide_piece *last = piece_at(c, c->last);
    uint64_t kinds = 0;

    while (taken == TIDE_LACKEY_MORE && (size_t)(stop - p) > unsure) {
        struct tide_piece *piece = piece_at(c, last->next);

        prefetch(piece_at(c, piece->next));
        if (!fits(piece, p, stop, &b->data[data])) {
            uint32_t before = place_of(c, last), at = find(c, p, stop, &b->data[data]);

            last = piece_at(c, before);
            if (at == NOTHING) {
                taken = TIDE_LACKEY_OTHER;
                break;
            }
            last->next = at;
            piece = piece_at(c, at);
            if (!room(c))
                taken = TIDE_LACKEY_FULL;
        }
        b->ids[m] = piece->id;
        b->starts[m] = (uint16_t)n;
        b->data_starts[m++] = (uint16_t)data;
        n += piece->accesses;
        data += piece->data;
        kinds += piece->kinds;
        p += piece->bytes;
        last = piece;
        if (n > TIDE_BLOCK_ACCESSES - TIDE_FRAGMENT_ACCESSES)
            taken = TIDE_LACKEY_FULL;
    }
    w->pos = (size_t)(p - w->bytes);
    c->last = place_of(c, last);
    b->n_accesses = n;
    b->n_fragments = m;
    b->n_data = data;
    for (unsigned kind = 0; kind < TIDE_KINDS; kind++)
        counts[kind] += kinds >> 16 * kind & 0xffff;
    return m > 0 && refer(c, b) != 0 ? TIDE_LACKEY_NOMEM : taken;
}

/* ---- single accesses ---- */

static bool is_single(const struct tide_lackey_code *c, uint32_t at, const struct draft *d)
{
    const struct tide_growing *g = c->dictionaries.now;
    const struct tide_piece *piece = piece_at(c, at);
    const struct tide_fragment *f = &g->fragments[piece->id];

    if (piece->bytes > 0 || f->fetches != d->fetches)
        return false;
    if (d->fetches > 0)
        return f->pc == d->pc && g->lengths[f->first_length] == d->lengths[0];
    return g->slots[f->first_slot].kind == d->slots[0].kind &&
           g->slots[f->first_slot].size == d->slots[0].size;
}

int tide_lackey_code_add(struct tide_lackey_code *c, struct tide_block *b,
                         const struct tide_access *a)
{
    struct draft d;
    uint64_t key;
    uint32_t *head, at;

    if (!fits_fragment(a))
        return 0;
    draft_begin(&d);
    draft_add(&d, a);
    key = (a->kind == TIDE_FETCH ? a->addr : a->size) * UINT64_C(0x9e3779b97f4a7c15);
    head = &c->table[key >> (64 - TABLE_BITS)];
    for (at = *head; at != NOTHING && !is_single(c, at, &d); at = piece_at(c, at)->chain)
        continue;
    if (at == NOTHING)
        at = define(c, &d, head, NULL);
    b->ids[b->n_fragments] = piece_at(c, at)->id;
    b->starts[b->n_fragments] = (uint16_t)b->n_accesses++;
    b->data_starts[b->n_fragments++] = (uint16_t)b->n_data;
    b->data[b->n_data] = a->addr;
    b->n_data += d.data;
    return refer(c, b) == 0 ? 1 : TIDE_E_NOMEM;
}
