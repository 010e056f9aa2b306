/* trace/tide: what is written reads back as the same, in both forms; damage is found where it is;
 * the bytes of a file are those that the documentation tells. */
#include <fcntl.h>
#include <unistd.h>

#include "trace.h"
#include "trace/codec.h"
#include "trace/sink.h"
#include "trace/tide_file.h"
#include "trace/tide_layout.h"

/* ---- traces ---- */

/* An access, or an event before it. */
struct item {
    bool event;
    struct tide_access a;
    struct tide_event v;
};

struct items {
    struct item *p;
    size_t n, cap;
};

static struct item *add(struct items *l)
{
    if (l->n == l->cap) {
        l->cap = 2 * l->cap + 64;
        l->p = realloc(l->p, l->cap * sizeof *l->p);
        cr_assert_not_null(l->p);
    }
    l->p[l->n] = (struct item){0};
    return &l->p[l->n++];
}

static void add_access(struct items *l, enum tide_kind kind, uint64_t addr, uint32_t size,
                       unsigned process)
{
    if (addr + (size - 1) < addr)
        addr -= size;
    add(l)->a = (struct tide_access){
        .addr = addr, .size = size, .process = (uint16_t)process, .kind = (uint8_t)kind};
}

static struct tide_event *add_event(struct items *l, enum tide_event_type type, unsigned process)
{
    struct item *i = add(l);

    i->event = true;
    i->v.type = (uint8_t)type;
    i->v.process = (uint16_t)process;
    return &i->v;
}

static void add_process(struct items *l, unsigned process, uint32_t pid)
{
    add_event(l, TIDE_EV_PROCESS, process)->number = pid;
}

/* File ids have these names; every fifth has none. */
static const char *name_of(const void *context, uint32_t file)
{
    static char name[64];

    (void)context;
    if (file % 5 == 0)
        return NULL;
    snprintf(name, sizeof name, "/usr/lib/file %u.so", file);
    return name;
}

static char dir[] = "/tmp/pagetide-tide-XXXXXX";

static void make_dir(void)
{
    cr_assert_not_null(mkdtemp(dir));
}

static void remove_dir(void)
{
    char command[256];

    snprintf(command, sizeof command, "rm -rf %s", dir);
    cr_assert_eq(system(command), 0);
}

static const char *in_dir(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static struct bytes contents(const char *path)
{
    struct bytes b = {0};
    char piece[4096];
    size_t n;
    FILE *f = fopen(path, "rb");

    cr_assert_not_null(f);
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        put(&b, piece, n);
    fclose(f);
    return b;
}

/* Blocks of at most `most` accesses, to see that it does not matter how they come. */
static void put_all(struct tide_sink *s, const struct items *l, size_t most)
{
    static const struct tide_file_names names = {name_of, NULL};
    struct tide_block *b = calloc(1, sizeof *b);
    struct tide_error e = {0};

    for (size_t i = 0; i <= l->n; i++) {
        if (i == l->n || b->n_accesses == most || b->n_events == TIDE_BLOCK_EVENTS) {
            cr_assert_eq(tide_sink_put(s, b, &names, &e), 0, "%s", e.what);
            b->n_accesses = b->n_events = 0;
        }
        if (i == l->n)
            break;
        if (l->p[i].event) {
            b->events[b->n_events] = l->p[i].v;
            b->events[b->n_events++].at = (uint32_t)b->n_accesses;
        } else {
            b->accesses[b->n_accesses++] = l->p[i].a;
        }
    }
    free(b);
}

static struct bytes written(const struct items *l, const struct tide_sink_options *o)
{
    char path[256];
    struct tide_error e = {0};
    struct tide_sink *s;

    snprintf(path, sizeof path, "%s", in_dir("x.tide"));
    s = tide_sink_open("tide", path, o, &e);
    cr_assert_not_null(s, "%s", e.what);
    put_all(s, l, 1000);
    cr_assert_eq(tide_sink_finish(s, &e), 0, "%s", e.what);
    return contents(path);
}

static struct bytes inflated(struct bytes packed)
{
    struct tide_error e = {0};
    struct tide_stream *s = tide_stream_memory(packed.p, packed.n, "t", &e);
    struct bytes out = {0};
    char piece[4096];
    ssize_t n;

    cr_assert_not_null(s);
    while ((n = tide_stream_read(s, piece, sizeof piece, &e)) > 0)
        put(&out, piece, (size_t)n);
    cr_assert_eq(n, 0, "%s", e.what);
    tide_stream_close(s);
    return out;
}

static bool same_event(const struct tide_event *a, const struct tide_event *b)
{
    return a->type == b->type && a->process == b->process && a->flags == b->flags &&
           a->addr == b->addr && a->len == b->len && a->new_addr == b->new_addr &&
           a->new_len == b->new_len && a->offset == b->offset && a->file == b->file &&
           a->prot == b->prot && a->number == b->number && a->cpu == b->cpu;
}

struct reading {
    bool fragments;
    size_t blocks;
    size_t as_fragments; /* accesses that came so */
    int rc;
    size_t items; /* that came before the end */
    struct tide_error error;
    struct tide_trace_info info;
};

/* Compares what comes with the list, as far as it comes. */
static void read_items(struct tide_stream *s, const struct items *l, struct reading *g)
{
    struct tide_error e = {0};
    struct tide_reader *r = tide_reader_open(s, NULL, &e);
    static struct tide_block block;
    struct tide_block *b = &block;
    uint64_t counts[TIDE_KINDS] = {0};
    size_t at = 0;

    g->rc = e.code;
    g->error = e;
    if (r == NULL)
        return;
    if (g->fragments)
        tide_reader_take_fragments(r);
    while ((g->rc = tide_reader_next(r, b, &g->error)) > 0) {
        size_t k = 0;

        g->blocks++;
        if (b->dictionary != NULL) {
            cr_assert(g->fragments);
            check_fragments(b);
            g->as_fragments += b->n_accesses;
            tide_block_unfold(b);
        }
        for (size_t i = 0; i <= b->n_accesses; i++) {
            for (; k < b->n_events && b->events[k].at == i; k++, at++) {
                const char *name = tide_reader_file(r, b->events[k].file);
                const char *expected =
                    b->events[k].file != 0 ? name_of(NULL, b->events[k].file) : NULL;

                cr_assert(at < l->n && l->p[at].event, "item %zu", at);
                cr_assert(same_event(&b->events[k], &l->p[at].v), "item %zu", at);
                cr_assert((name == NULL) == (expected == NULL));
                if (name != NULL)
                    cr_assert_str_eq(name, expected);
            }
            if (i == b->n_accesses)
                break;
            cr_assert(at < l->n && !l->p[at].event, "item %zu", at);
            cr_assert_eq(b->accesses[i].addr, l->p[at].a.addr, "item %zu", at);
            cr_assert_eq(b->accesses[i].size, l->p[at].a.size, "item %zu", at);
            cr_assert_eq(b->accesses[i].kind, l->p[at].a.kind, "item %zu", at);
            cr_assert_eq(b->accesses[i].process, l->p[at].a.process, "item %zu", at);
            counts[b->accesses[i].kind]++;
            at++;
        }
        cr_assert_eq(k, b->n_events);
    }
    g->items = at;
    g->info = *tide_reader_info(r);
    for (size_t i = 0; i < TIDE_KINDS; i++)
        cr_assert_eq(g->info.accesses[i], counts[i]);
    tide_reader_close(r);
}

static struct reading read_back(struct bytes b, const struct items *l, bool fragments)
{
    struct tide_error e = {0};
    struct tide_stream *s = tide_stream_memory(b.p, b.n, "t", &e);
    struct reading g = {.fragments = fragments};

    cr_assert_not_null(s, "%s", e.what);
    read_items(s, l, &g);
    return g;
}

/* Writes and reads; returns the share of accesses that came as fragments. */
static double expect_same(const struct items *l)
{
    struct bytes b = written(l, &(struct tide_sink_options){0});
    struct reading one = read_back(b, l, false), two = read_back(b, l, true);
    size_t accesses = 0;

    for (size_t i = 0; i < l->n; i++)
        accesses += !l->p[i].event;
    cr_assert_eq(one.rc, 0, "%s: %s", one.error.where, one.error.what);
    cr_assert_eq(two.rc, 0, "%s: %s", two.error.where, two.error.what);
    cr_assert_eq(one.items, l->n);
    cr_assert_eq(two.items, l->n);
    cr_assert_eq(one.as_fragments, 0);
    free(b.p);
    return (double)two.as_fragments / (double)accesses;
}

/* ---- generated traces ---- */

/* Any event that makes sense, with all fields that it may have. */
static void add_any_event(struct items *l, struct tide_rng *rng, unsigned process)
{
    enum tide_event_type type = (enum tide_event_type)tide_rng_below(rng, TIDE_EV_TYPES);
    struct tide_event *v;

    if (type == TIDE_EV_SYSCALL)
        return;
    v = add_event(l, type, process);
    v->flags = (uint8_t)tide_rng_below(rng, 256);
    v->addr = tide_rng_below(rng, 1u << 30) << 12;
    v->len = 1 + tide_rng_below(rng, 1u << 20);
    v->number = (uint32_t)tide_rng_below(rng, UINT64_C(1) << 32);
    if (type == TIDE_EV_REMAP || type >= TIDE_EV_MALLOC) {
        v->new_addr = (UINT64_C(1) << 44) + (tide_rng_below(rng, 1u << 20) << 12);
        v->new_len = 1 + tide_rng_below(rng, 1u << 20);
    }
    if (type == TIDE_EV_MAP || type == TIDE_EV_KALLOC) {
        v->file = (uint32_t)tide_rng_below(rng, 30);
        v->offset = tide_rng_below(rng, UINT64_C(1) << 63);
    }
    v->prot = (uint32_t)tide_rng_below(rng, 256);
    v->cpu = (uint32_t)tide_rng_below(rng, 3) * 0x7fffffffu;
}

/* Accesses of any kind and size anywhere; events and changes of process among them. */
static void add_noise(struct items *l, struct tide_rng *rng, size_t n, unsigned processes,
                      unsigned shift, unsigned event_every)
{
    for (unsigned p = 0; p < processes; p++)
        add_process(l, p, 100 + p);
    for (size_t i = 0; i < n; i++) {
        unsigned process = (unsigned)tide_rng_below(rng, processes);
        uint64_t addr = tide_rng_next(rng) >> tide_rng_below(rng, 64);
        uint32_t size = 1 + (uint32_t)(tide_rng_next(rng) >> (shift + tide_rng_below(rng, 8)));

        if (event_every > 0 && tide_rng_below(rng, event_every) == 0)
            add_any_event(l, rng, process);
        add_access(l, (enum tide_kind)tide_rng_below(rng, TIDE_KINDS), addr, size, process);
    }
}

/* A program: functions of straight code with data accesses on a stack, in an array and at random,
 * called in loops. */
static void add_program(struct items *l, struct tide_rng *rng, size_t n, unsigned process)
{
    enum { FUNCTIONS = 24, LONGEST = 40 };
    struct {
        uint64_t pc;
        unsigned count, length[LONGEST], data[LONGEST], size[LONGEST];
    } f[FUNCTIONS];
    uint64_t array = 0x5000000, end = l->n + n;
    unsigned depth = 0;

    for (unsigned i = 0; i < FUNCTIONS; i++) {
        f[i].pc = 0x400000 + tide_rng_below(rng, 1 << 16);
        f[i].count = 1 + (unsigned)tide_rng_below(rng, LONGEST);
        for (unsigned k = 0; k < f[i].count; k++) {
            f[i].length[k] = 1 + (unsigned)tide_rng_below(rng, 15);
            f[i].data[k] = (unsigned)tide_rng_below(rng, 8);
            f[i].size[k] = 1u << tide_rng_below(rng, 6);
        }
    }
    while (l->n < end) {
        unsigned which = (unsigned)tide_rng_below(rng, FUNCTIONS);
        unsigned times = 1 + (unsigned)tide_rng_below(rng, 20);

        depth = (depth + (unsigned)tide_rng_below(rng, 3)) % 16;
        for (unsigned t = 0; t < times; t++) {
            uint64_t pc = f[which].pc;

            for (unsigned k = 0; k < f[which].count; k++) {
                unsigned size = f[which].size[k];

                add_access(l, TIDE_FETCH, pc, f[which].length[k], process);
                pc += f[which].length[k];
                switch (f[which].data[k]) {
                case 0:
                    add_access(l, TIDE_WRITE, UINT64_C(0x1fff000000) - 64 * depth - 8 * k, size,
                               process);
                    break;
                case 1:
                    add_access(l, TIDE_READ, array += 8, size, process);
                    break;
                case 2:
                    add_access(l, TIDE_MODIFY, 0x5000000 + tide_rng_below(rng, 1 << 24), size,
                               process);
                    add_access(l, TIDE_READ, 0x5000000 + tide_rng_below(rng, 1 << 10), size,
                               process);
                    break;
                default:
                    break;
                }
            }
        }
    }
}

TestSuite(tide, .init = make_dir, .fini = remove_dir);

Test(tide, programs_come_back_as_fragments)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct tide_rng rng;
        struct items l = {0};

        tide_rng_init(&rng, seed, "tide");
        add_process(&l, 0, 4711);
        for (unsigned i = 0; i < 8; i++) {
            add_program(&l, &rng, 20000, 0);
            add_any_event(&l, &rng, 0);
        }
        cr_assert_eq(expect_same(&l), 1.0);
        free(l.p);
    }
}

Test(tide, processes_that_take_turns_come_back)
{
    struct tide_rng rng;
    struct items l = {0};

    tide_rng_init(&rng, 7, "tide");
    for (unsigned p = 0; p < 5; p++)
        add_process(&l, p, p * p);
    for (unsigned i = 0; i < 3000; i++)
        add_program(&l, &rng, 1 + tide_rng_below(&rng, 100), (unsigned)tide_rng_below(&rng, 5));
    add_event(&l, TIDE_EV_EXIT, 3);
    cr_assert_eq(expect_same(&l), 1.0);
    free(l.p);
}

Test(tide, noise_comes_back)
{
    static const unsigned shifts[] = {48, 52, 56};

    for (uint64_t seed = 1; seed <= 9; seed++) {
        struct tide_rng rng;
        struct items l = {0};

        tide_rng_init(&rng, seed, "tide");
        add_noise(&l, &rng, 30000, 1 + (unsigned)seed % 3, shifts[seed % 3],
                  1 + 20 * ((unsigned)seed % 4));
        expect_same(&l);
        free(l.p);
    }
}

Test(tide, data_alone_come_back)
{
    struct tide_rng rng;
    struct items l = {0};

    tide_rng_init(&rng, 3, "tide");
    add_process(&l, 0, 0);
    for (unsigned i = 0; i < 100000; i++) {
        if (i % 7 == 0)
            add_access(&l, TIDE_WRITE, 0x7ffc00000000 + 8 * tide_rng_below(&rng, 50), 8, 0);
        else
            add_access(&l, TIDE_READ, 0x10000 + 64 * i, 4, 0);
        if (i % 5000 == 0)
            add_any_event(&l, &rng, 0);
    }
    cr_assert_eq(expect_same(&l), 0.0);
    free(l.p);
}

Test(tide, one_page_after_the_other_takes_next_to_nothing)
{
    struct items l = {0};
    struct bytes b;

    add_process(&l, 0, 0);
    for (unsigned i = 0; i < 1000000; i++)
        add_access(&l, TIDE_READ, 4096 * (uint64_t)(i % 1000), 1, 0);
    b = written(&l, &(struct tide_sink_options){0});
    cr_assert_lt(b.n, 20000);
    free(b.p);
    expect_same(&l);
    free(l.p);
}

/* What no fragment can say, and the edges of what one can. */
Test(tide, odd_accesses_come_back)
{
    static const uint32_t sizes[] = {1, 3, 64, 65, 127, 128, 255, 256, 65535, 65536};

    for (unsigned which = 0; which < 10; which++) {
        struct items l = {0};

        add_process(&l, 0, 1);
        add_access(&l, TIDE_READ, 0x1000, 8, 0); /* in front of the first fetch */
        for (unsigned i = 0; i < 3000; i++) {
            uint32_t size = sizes[which];

            add_access(&l, TIDE_FETCH, 0x400ff0 + i, size <= 256 ? size : 5, 0);
            add_access(&l, TIDE_WRITE, UINT64_MAX - size + 1, size, 0);
            add_access(&l, TIDE_MODIFY, 0, size, 0);
            if (i % 100 == 0)
                for (unsigned k = 0; k < 100; k++)
                    add_access(&l, TIDE_READ, 8 * k, size, 0);
            if (i % 100 == 50)
                for (unsigned k = 0; k < 100; k++)
                    add_access(&l, TIDE_FETCH, 0xffffffffffffff00 + 2 * k, 2, 0);
        }
        expect_same(&l);
        free(l.p);
    }
}

/* Code that is made on the fly: more fragments than a dictionary holds. */
Test(tide, more_fragments_than_a_dictionary_holds_come_back)
{
    struct tide_rng rng;
    struct items l = {0};

    tide_rng_init(&rng, 5, "tide");
    add_process(&l, 0, 1);
    for (uint64_t i = 0; i < 200000; i++) {
        add_access(&l, TIDE_FETCH, 0x10000000 + 32 * i, 4, 0);
        add_access(&l, TIDE_FETCH, 0x10000004 + 32 * i, 4, 0);
        add_access(&l, TIDE_WRITE, tide_rng_next(&rng) >> 20, 8, 0);
    }
    cr_assert_eq(expect_same(&l), 1.0);
    free(l.p);
}

/* The longest blocks and groups: several of each. */
Test(tide, many_blocks_come_back)
{
    struct tide_rng rng;
    struct items l = {0};

    tide_rng_init(&rng, 11, "tide");
    add_process(&l, 0, 1);
    add_process(&l, 1, 2);
    for (unsigned i = 0; i < 6; i++) {
        add_event(&l, TIDE_EV_MAP, 0)->len = 4096;
        l.p[l.n - 1].v.file = 7;
        add_program(&l, &rng, 1000000, i % 2);
    }
    cr_assert_eq(expect_same(&l), 1.0);
    free(l.p);
}

/* ---- damage ---- */

static struct items small_trace(size_t accesses)
{
    struct tide_rng rng;
    struct items l = {0};

    tide_rng_init(&rng, 2, "tide");
    add_process(&l, 0, 1);
    add_program(&l, &rng, accesses / 2, 0);
    add_any_event(&l, &rng, 0);
    add_program(&l, &rng, accesses / 2, 0);
    return l;
}

/* By byte of the content: it belongs to the head of a chunk or of a block. All columns of the
 * blocks have something, so whatever steps through them meets each part of the layout. */
static bool *heads_of(struct bytes plain)
{
    bool *head = calloc(plain.n, sizeof *head);
    struct tide_chunk c;
    size_t blocks = 0;

    cr_assert_not_null(head);
    for (size_t at = 0; at < plain.n; at += TIDE_HEAD_BYTES + c.length) {
        const unsigned char *p = plain.p + at;
        size_t n = TIDE_HEAD_BYTES;

        cr_assert(tide_chunk_get(p, &c));
        if (c.type == TIDE_CHUNK_FRAGMENTS) {
            n += TIDE_BLOCK_HEAD_BYTES;
            blocks++;
            for (size_t i = 0; i < TIDE_COLS; i++)
                cr_assert_neq(memcmp(p + n - 4 * (TIDE_COLS - i), "\0\0\0", 4), 0, "column %zu", i);
        }
        memset(head + at, true, n);
    }
    cr_assert_gt(blocks, 0);
    return head;
}

/* Steps of changing length, so that each offset of a field comes up; short ones within heads. A
 * reader takes memory for the largest dictionary, which is dear under the sanitizers. */
Test(tide, every_cut_is_found)
{
    struct items l = small_trace(800);
    struct bytes b = written(&l, &(struct tide_sink_options){0});
    struct bytes plain = inflated(b);
    bool *head = heads_of(plain);

    for (int packed = 0; packed < 2; packed++) {
        struct bytes cut = packed ? b : plain;
        size_t all = cut.n;

        for (cut.n = 40; cut.n < all;) {
            struct reading g = read_back(cut, &l, cut.n % 2);

            cr_assert_eq(g.rc, TIDE_E_TRACE, "cut at %zu of %zu", cut.n, all);
            cr_assert(g.error.what[0] != '\0' && g.error.where[0] != '\0');
            cut.n += 1 + cut.n % (packed ? 29 : head[cut.n] ? 3 : 17);
        }
    }
    free(head);
    free(b.p);
    free(plain.p);
    free(l.p);
}

/* Cut right before the end: all accesses come, and then the error. */
Test(tide, what_precedes_a_cut_comes_whole)
{
    struct items l = small_trace(6000);
    struct bytes b = written(&l, &(struct tide_sink_options){0});
    struct reading g;

    b.n -= TIDE_END_MEMBER;
    g = read_back(b, &l, true);
    cr_assert_eq(g.rc, TIDE_E_TRACE);
    cr_assert_eq(g.items, l.n);
    cr_assert_not_null(strstr(g.error.what, "truncated"), "%s", g.error.what);
    free(b.p);
    free(l.p);
}

Test(tide, every_flipped_bit_is_found)
{
    struct items l = small_trace(800);
    struct bytes b = written(&l, &(struct tide_sink_options){0}), plain = inflated(b);
    bool *head = heads_of(plain);

    for (size_t at = 0; at < plain.n; at += 1 + at % (head[at] ? 3 : 17)) {
        struct reading g;

        plain.p[at] ^= (unsigned char)(1u << at % 8);
        g = read_back(plain, &l, at % 2);
        cr_assert_lt(g.rc, 0, "byte %zu", at);
        plain.p[at] ^= (unsigned char)(1u << at % 8);
    }
    free(head);
    free(b.p);
    free(plain.p);
    free(l.p);
}

/* Behind a right checksum anything may stand: it ends in an error or in something, never in a
 * crash. */
Test(tide, made_up_payloads_do_no_harm)
{
    struct items l = small_trace(6000);
    struct bytes b = written(&l, &(struct tide_sink_options){0}), plain = inflated(b);
    struct tide_chunk c;
    struct tide_rng rng;
    size_t at = 0;

    tide_rng_init(&rng, 1, "tide");
    while (at < plain.n && tide_chunk_get(plain.p + at, &c) && c.type != TIDE_CHUNK_FRAGMENTS)
        at += TIDE_HEAD_BYTES + c.length;
    cr_assert(at < plain.n);
    for (unsigned round = 0; round < 1000; round++) {
        size_t n = round % 2 ? TIDE_BLOCK_HEAD_BYTES : c.length;
        size_t where = at + TIDE_HEAD_BYTES + tide_rng_below(&rng, n);
        unsigned char was = plain.p[where];
        struct tide_error e = {0};
        struct tide_reader *r;
        struct tide_block *block = malloc(sizeof *block);
        int rc;

        plain.p[where] = (unsigned char)tide_rng_next(&rng);
        c.crc = tide_crc32(0, plain.p + at + TIDE_HEAD_BYTES, c.length);
        tide_chunk_put(plain.p + at, &c);
        r = tide_reader_open(tide_stream_memory(plain.p, plain.n, "t", &e), NULL, &e);
        cr_assert_not_null(r);
        if (round % 4 < 2)
            tide_reader_take_fragments(r);
        while ((rc = tide_reader_next(r, block, &e)) > 0)
            if (block->dictionary != NULL)
                check_fragments(block);
        cr_assert(rc == 0 || rc == TIDE_E_TRACE);
        tide_reader_close(r);
        free(block);
        plain.p[where] = was;
    }
    free(b.p);
    free(plain.p);
    free(l.p);
}

/* ---- the file ---- */

Test(tide, the_level_can_be_chosen)
{
    struct items l = small_trace(6000);
    struct bytes fast = written(&l, &(struct tide_sink_options){.level = 1});
    struct bytes best = written(&l, &(struct tide_sink_options){.level = 9});

    cr_assert_lt(best.n, fast.n);
    cr_assert_eq(read_back(fast, &l, false).rc, 0);
    cr_assert_eq(read_back(best, &l, false).rc, 0);
    free(fast.p);
    free(best.p);
    free(l.p);
}

/* Compressed again as one member, or not at all, or arriving in pieces. */
Test(tide, the_content_may_be_packed_in_any_way)
{
    struct items l = small_trace(6000);
    struct bytes b = written(&l, &(struct tide_sink_options){0}), plain = inflated(b);
    struct bytes again = in_pieces(plain.p, plain.n, plain.n);
    struct bytes pieces = in_pieces(plain.p, plain.n, 61);

    cr_assert_eq(read_back(plain, &l, false).rc, 0);
    cr_assert_eq(read_back(again, &l, true).rc, 0);
    cr_assert_eq(read_back(pieces, &l, true).rc, 0);
    free(b.p);
    free(plain.p);
    free(again.p);
    free(pieces.p);
    free(l.p);
}

Test(tide, what_the_trace_says_of_itself_comes_back)
{
    struct items l = small_trace(6000);
    struct bytes b = written(&l, &(struct tide_sink_options){.command = "sort -n \\n\nfile",
                                                             .reduction = "sad frames=32"});
    struct reading g = read_back(b, &l, false);

    cr_assert_str_eq(g.info.command, "sort -n \\n\nfile");
    cr_assert_str_eq(g.info.reduction, "sad frames=32");
    free(b.p);
    free(l.p);
}

/* ---- columns that are stored ---- */

/* The content of a member as zlib itself inflates it, and by byte whether a block stored it. */
struct unpacked {
    unsigned char *p;
    bool *stored;
    size_t n, member; /* bytes: content, member */
    size_t longest;   /* stored block */
};

static uint32_t number_at(const unsigned char *p)
{
    struct tide_cursor c = {p, p + 4, false};

    return (uint32_t)tide_take(&c, 4);
}

static struct unpacked unpack(const unsigned char *member)
{
    const unsigned char *from = member + TIDE_MEMBER_HEAD;
    struct unpacked u = {.n = number_at(member + 24), .member = number_at(member + 16)};
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)from};
    int rc;

    z.next_out = u.p = malloc(u.n);
    z.avail_out = (unsigned)u.n;
    z.avail_in = (unsigned)(u.member - TIDE_MEMBER_HEAD - TIDE_MEMBER_TAIL);
    u.stored = calloc(u.n, sizeof *u.stored);
    cr_assert(u.p != NULL && u.stored != NULL);
    cr_assert_eq(inflateInit2(&z, -MAX_WBITS), Z_OK);
    do {
        size_t was = z.total_out, bit = 8 * z.total_in - (z.data_type & 7);
        unsigned head = (from[bit / 8] | (unsigned)from[bit / 8 + 1] << 8) >> bit % 8;

        rc = inflate(&z, Z_BLOCK);
        if ((head >> 1 & 3) != 0)
            continue;
        memset(u.stored + was, true, z.total_out - was);
        if (z.total_out - was > u.longest)
            u.longest = z.total_out - was;
    } while (rc == Z_OK);
    cr_assert_eq(rc, Z_STREAM_END);
    cr_assert_eq(z.total_out, u.n);
    cr_assert_eq(z.avail_in, 0);
    inflateEnd(&z);
    cr_assert_eq(number_at(member + u.member - 8), crc32(0, u.p, (unsigned)u.n));
    cr_assert_eq(number_at(member + u.member - 4), u.n);
    return u;
}

static void free_unpacked(struct unpacked *u)
{
    free(u->p);
    free(u->stored);
}

static bool all_stored(const struct unpacked *u, size_t at, size_t n)
{
    return memchr(u->stored + at, false, n) == NULL;
}

static bool is_block(const struct unpacked *u)
{
    return u->p[4] == TIDE_CHUNK_FRAGMENTS || u->p[4] == TIDE_CHUNK_COLUMNS;
}

/* What deflate makes of the content of a block, with an end on a byte border before each column of
 * 512 bytes or more. The first piece are the heads. */
struct piece {
    size_t at, raw, deflated;
};

static unsigned deflated_pieces(const struct unpacked *u, int level, struct piece *pieces)
{
    size_t at = TIDE_HEAD_BYTES + TIDE_BLOCK_HEAD_BYTES, room = 2 * u->n + 1024;
    unsigned char *out = malloc(room);
    z_stream z = {0};
    unsigned n = 1;

    pieces[0] = (struct piece){0};
    for (unsigned i = 0; i < TIDE_COLS; i++) {
        size_t bytes = number_at(u->p + TIDE_HEAD_BYTES + 4 * (TIDE_BLOCK_COLUMNS + i));

        if (bytes >= 512)
            pieces[n++] = (struct piece){.at = at};
        at += bytes;
    }
    cr_assert_eq(at, u->n);
    cr_assert_eq(deflateInit2(&z, level, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = out;
    z.avail_out = (unsigned)room;
    z.next_in = u->p;
    for (unsigned i = 0; i < n; i++) {
        size_t before = z.total_out;

        pieces[i].raw = (i + 1 < n ? pieces[i + 1].at : u->n) - pieces[i].at;
        z.avail_in = (unsigned)pieces[i].raw;
        deflate(&z, i + 1 < n ? Z_SYNC_FLUSH : Z_FINISH);
        pieces[i].deflated = z.total_out - before;
    }
    deflateEnd(&z);
    free(out);
    return n;
}

static size_t stored_size(const struct piece *p)
{
    return p->raw + 5 * ((p->raw + 65534) / 65535);
}

/* What storing is for: at least two fifths are left. */
static bool may_be_stored(const struct piece *p)
{
    return 5 * p->deflated >= 2 * p->raw;
}

/* How many columns were stored, and how many might have been. */
struct choice {
    unsigned stored, passed_over;
};

/* A block is at most one and a half times what deflate makes of it; of the columns that may be
 * stored, none would fit besides those that are, and the one that shrinks least is the first. */
static void expect_good_choice(const struct unpacked *u, int level, struct choice *seen)
{
    struct piece pieces[TIDE_COLS + 1], *least = NULL;
    unsigned n = deflated_pieces(u, level, pieces);
    size_t deflated = TIDE_MEMBER_HEAD + TIDE_MEMBER_TAIL, member, most;

    for (unsigned i = 0; i < n; i++)
        deflated += pieces[i].deflated;
    member = deflated;
    most = deflated + deflated / 2;
    cr_assert_leq(u->member, most);
    for (struct piece *p = pieces; p < pieces + n; p++) {
        if (p > pieces && may_be_stored(p) &&
            (least == NULL || p->deflated * least->raw > least->deflated * p->raw))
            least = p;
        if (!all_stored(u, p->at, p->raw)) {
            seen->passed_over += p > pieces && may_be_stored(p);
            cr_assert(p == pieces || !may_be_stored(p) ||
                      u->member - p->deflated + stored_size(p) > most);
            continue;
        }
        cr_assert(p > pieces && may_be_stored(p), "%zu of %zu bytes", p->deflated, p->raw);
        member += stored_size(p) - p->deflated;
        seen->stored++;
    }
    cr_assert_eq(u->member, member, "level %d", level);
    if (least != NULL && deflated - least->deflated + stored_size(least) <= most)
        cr_assert(all_stored(u, least->at, least->raw));
}

/* Calls `each` with every member of a file. */
static void for_members(struct bytes b, void (*each)(void *context, const struct unpacked *u),
                        void *context)
{
    for (size_t at = 0; at < b.n; at += number_at(b.p + at + 16)) {
        struct unpacked u = unpack(b.p + at);

        each(context, &u);
        free_unpacked(&u);
    }
}

/* Addresses of which `bits` bits from bit `shift` on are random. */
struct scatter {
    unsigned bits, shift;
};

/* Instructions that each access data in one of two ways, by turns of one in `every`. */
static void add_scattered(struct items *l, struct tide_rng *rng, size_t n, unsigned every,
                          const struct scatter ways[2])
{
    for (size_t i = 0; i < n; i++) {
        unsigned which = tide_rng_below(rng, every) == 0;
        const struct scatter *way = &ways[which];

        add_access(l, TIDE_FETCH, 0x400000 + 0x4000 * which + 64 * tide_rng_below(rng, 30), 4, 0);
        add_access(l, TIDE_READ,
                   (UINT64_C(0x10000000) << 4 * which) +
                       (tide_rng_below(rng, UINT64_C(1) << way->bits) << way->shift),
                   8, 0);
    }
}

static struct items scattered_trace(uint64_t seed, size_t n, unsigned every,
                                    const struct scatter ways[2])
{
    struct tide_rng rng;
    struct items l = {0};

    tide_rng_init(&rng, seed, "scattered");
    add_process(&l, 0, 1);
    add_scattered(&l, &rng, n, every, ways);
    return l;
}

/* Some in a few pages, and some anywhere in 128 MiB. */
static const struct scatter anywhere[2] = {{12, 3}, {24, 3}};

static struct reading read_back_by(const char *inflate, struct bytes b, const struct items *l)
{
    struct reading g;

    setenv("PAGETIDE_INFLATE", inflate, 1);
    g = read_back(b, l, true);
    unsetenv("PAGETIDE_INFLATE");
    cr_assert_eq(g.rc, 0, "%s: %s: %s", inflate, g.error.where, g.error.what);
    cr_assert_eq(g.items, l->n);
    return g;
}

static void append_content(void *context, const struct unpacked *u)
{
    put(context, u->p, u->n);
}

/* Longer than what one stored block holds. */
static void expect_far_stored(void *context, const struct unpacked *u)
{
    size_t far;

    if (!is_block(u))
        return;
    far = number_at(u->p + TIDE_HEAD_BYTES + 4 * (TIDE_BLOCK_COLUMNS + TIDE_COL_R32));
    cr_assert_gt(far, 2 * 65535);
    cr_expect(all_stored(u, u->n - far, far));
    cr_expect_eq(u->longest, 65535);
    ++*(unsigned *)context;
}

Test(tide, columns_that_deflate_hardly_shrinks_are_stored)
{
    struct items l = scattered_trace(1, 80000, 2, anywhere);
    struct bytes b = written(&l, &(struct tide_sink_options){0}), plain = inflated(b),
                 by_zlib = {0};
    char command[256];
    unsigned blocks = 0;

    for_members(b, expect_far_stored, &blocks);
    cr_expect_eq(blocks, 1);
    for_members(b, append_content, &by_zlib);
    cr_assert_eq(by_zlib.n, plain.n);
    cr_expect_arr_eq(by_zlib.p, plain.p, plain.n);
    read_back_by("", b, &l);
    read_back_by("zlib", b, &l);
    snprintf(command, sizeof command, "gzip -t <%s/x.tide", dir);
    cr_expect_eq(system(command), 0);
    free(b.p);
    free(plain.p);
    free(by_zlib.p);
    free(l.p);
}

/* The blocks of a file, which do not tell where anything lies in it as INDEX and END do. */
struct content {
    struct bytes blocks;
    size_t stored; /* bytes of them */
};

static void append_block(void *context, const struct unpacked *u)
{
    struct content *c = context;

    if (!is_block(u))
        return;
    put(&c->blocks, u->p, u->n);
    for (size_t i = 0; i < u->n; i++)
        c->stored += u->stored[i];
}

Test(tide, levels_differ_in_size_only_and_high_ones_store_nothing)
{
    struct items l = scattered_trace(2, 20000, 2, anywhere);
    struct content content[10] = {0};
    size_t least = SIZE_MAX;

    for (int level = 1; level <= 9; level++) {
        struct bytes b = written(&l, &(struct tide_sink_options){.level = level});
        struct content *c = &content[level];

        for_members(b, append_block, c);
        cr_assert_eq(c->blocks.n, content[1].blocks.n);
        cr_assert_arr_eq(c->blocks.p, content[1].blocks.p, c->blocks.n);
        cr_expect_eq(c->stored > 0, level <= 6, "level %d: %zu", level, c->stored);
        cr_assert_eq(read_back(b, &l, level % 2).rc, 0);
        if (level <= 6 && b.n < least)
            least = b.n;
        cr_expect(level <= 6 || b.n < least, "level %d: %zu", level, b.n);
        free(b.p);
    }
    for (int level = 1; level <= 9; level++)
        free(content[level].blocks.p);
    free(l.p);
}

struct choices {
    int level;
    struct choice seen;
};

static void look_at_choice(void *context, const struct unpacked *u)
{
    struct choices *c = context;

    if (is_block(u))
        expect_good_choice(u, c->level, &c->seen);
}

/* Columns that are worth it and fit, that are and do not, and that are not. */
Test(tide, what_storing_costs_has_a_bound)
{
    static const struct scatter ways[][2] = {
        {{12, 3}, {24, 3}},  {{8, 0}, {13, 17}}, {{6, 3}, {12, 18}},
        {{12, 3}, {14, 16}}, {{7, 8}, {20, 6}},  {{13, 0}, {10, 20}},
        {{3, 3}, {16, 12}},  {{14, 1}, {26, 2}}, {{0, 3}, {4, 3}}};
    struct choices c = {0};

    for (unsigned i = 0; i < 6 * sizeof ways / sizeof *ways; i++) {
        struct items l = scattered_trace(i, 1000 << i % 6, 2 + i % 3, ways[i / 6]);
        struct bytes b;

        c.level = 1 + (int)(i + i / 6) % 6;
        b = written(&l, &(struct tide_sink_options){.level = c.level});
        for_members(b, look_at_choice, &c);
        cr_assert_eq(read_back(b, &l, false).rc, 0);
        free(b.p);
        free(l.p);
    }
    cr_expect_gt(c.seen.stored, 20);
    cr_expect_gt(c.seen.passed_over, 20);
}

/* ---- the file from outside ---- */

/* A trace of several groups: fragments that never come again fill the dictionary. */
static struct items long_trace(size_t n)
{
    struct tide_rng rng;
    struct items l = {0};

    tide_rng_init(&rng, 5, "tide");
    add_process(&l, 0, 17);
    add_process(&l, 1, 18);
    for (uint64_t i = 0; i < n; i++) {
        if (i % 1000 == 0) {
            struct tide_event *v = add_event(&l, TIDE_EV_MAP, i % 2);

            v->addr = 4096 * i;
            v->len = 4096;
            v->file = (uint32_t)(1 + i / 1000 % 9);
        }
        add_access(&l, TIDE_FETCH, 0x10000000 + 32 * i, 4, i / 1000 % 2);
        add_access(&l, TIDE_WRITE, 0x20000000 + 8 * tide_rng_below(&rng, 1 << 20), 8, i / 1000 % 2);
    }
    return l;
}

static void write_file(const char *name, struct bytes b)
{
    FILE *f = fopen(in_dir(name), "wb");

    cr_assert_not_null(f);
    cr_assert_eq(fwrite(b.p, 1, b.n, f), b.n);
    cr_assert_eq(fclose(f), 0);
}

Test(tide, the_index_leads_to_every_group)
{
    struct items l = long_trace(300000);
    struct bytes b = written(&l, &(struct tide_sink_options){.command = "ls", .note = "none"});
    struct tide_error e = {0};
    const struct tide_group *g;
    struct tide_file *f;
    uint64_t accesses = 0;
    size_t n;

    cr_assert_eq(tide_file_open(in_dir("x.tide"), &f, &e), 1, "%s", e.what);
    cr_assert(tide_file_complete(f));
    cr_assert_eq(tide_file_accesses(f), 600000);
    cr_assert_eq(tide_file_bytes(f), b.n);
    cr_assert_str_eq(tide_file_value(f, "command"), "ls");
    cr_assert_null(tide_file_value(f, "date"));
    g = tide_file_groups(f, &n);
    cr_assert_geq(n, 4);
    for (size_t i = 0; i < n; i++) {
        struct tide_reader *r = tide_file_reader(f, i, i + 1, &e);
        struct tide_block *block = calloc(1, sizeof *block);
        uint64_t first = g[i].first;
        int rc;

        cr_assert_eq(g[i].first, accesses);
        cr_assert_eq(tide_file_find(f, g[i].first), i);
        cr_assert_eq(tide_file_find(f, g[i].first + g[i].accesses - 1), i);
        cr_assert_not_null(r, "%s", e.what);
        while ((rc = tide_reader_next(r, block, &e)) > 0) {
            if (first == g[i].first && block->n_accesses > 0) {
                cr_assert_eq(block->events[0].type, TIDE_EV_PROCESS);
                cr_assert_eq(block->events[0].number, 17);
            }
            cr_assert_eq(block->first, first);
            first += block->n_accesses;
        }
        cr_assert_eq(rc, 0, "%s: %s", e.where, e.what);
        accesses += g[i].accesses;
        cr_assert_eq(first, accesses);
        tide_reader_close(r);
        free(block);
    }
    cr_assert_eq(accesses, 600000);
    tide_file_close(f);
    free(b.p);
    free(l.p);
}

Test(tide, the_summary_counts)
{
    struct items l = {0};
    struct bytes b;
    struct tide_error e = {0};
    const struct tide_summary *s;
    struct tide_file *f;

    add_process(&l, 0, 1);
    add_access(&l, TIDE_FETCH, 0x1ffe, 4, 0);     /* pages 1 and 2 */
    add_access(&l, TIDE_WRITE, 0x2008, 8, 0);     /* page 2 again */
    add_access(&l, TIDE_MODIFY, 0x7000, 8192, 0); /* pages 7 and 8 */
    add_process(&l, 1, 2);
    add_access(&l, TIDE_READ, 0x2000, 8, 1); /* another process's page 2 */
    add_access(&l, TIDE_READ, 0x200000, 8, 1);
    b = written(&l, &(struct tide_sink_options){0});
    cr_assert_eq(tide_file_open(in_dir("x.tide"), &f, &e), 1);
    s = tide_file_summary(f);
    cr_assert_not_null(s);
    cr_expect_eq(s->accesses[TIDE_FETCH], 1);
    cr_expect_eq(s->accesses[TIDE_READ], 2);
    cr_expect_eq(s->bytes[TIDE_MODIFY], 8192);
    cr_expect_eq(s->pages[TIDE_SUMMARY_4K], 6);
    cr_expect_eq(s->pages[TIDE_SUMMARY_64K], 3);
    cr_expect_eq(s->pages[TIDE_SUMMARY_2M], 3);
    cr_expect_eq(s->side_pages[TIDE_SIDE_FETCH], 2);
    cr_expect_eq(s->side_pages[TIDE_SIDE_DATA], 5);
    cr_expect_eq(s->side_runs[TIDE_SIDE_FETCH], 2);
    cr_expect_eq(s->side_runs[TIDE_SIDE_DATA], 5);
    cr_expect_eq(s->first_byte, 0x1ffe);
    cr_expect_eq(s->last_byte, 0x200007);
    cr_expect_eq(s->events[TIDE_EV_PROCESS], 2);
    cr_expect_eq(s->processes, 2);
    tide_file_close(f);
    free(b.p);
    free(l.p);
}

Test(tide, what_the_source_says_comes_back)
{
    struct items l = small_trace(6000);
    struct tide_trace_info info = {.other_lines = 9, .lost_results = 2, .has_syscalls = true};
    struct tide_sink_source source = {&info, 12345, 0xdeadbeef, "segment-heap 12\n"};
    struct tide_error e = {0};
    struct tide_sink *s =
        tide_sink_open("tide", in_dir("x.tide"), &(struct tide_sink_options){0}, &e);
    struct tide_file *f;
    struct bytes b;
    struct reading g;

    info.events[TIDE_EV_SYSCALL] = 77;
    put_all(s, &l, 100);
    cr_assert_eq(tide_sink_source(s, &source, &e), 0);
    cr_assert_eq(tide_sink_finish(s, &e), 0);
    cr_assert_eq(tide_file_open(in_dir("x.tide"), &f, &e), 1);
    cr_expect_eq(tide_file_summary(f)->other_lines, 9);
    cr_expect_eq(tide_file_summary(f)->source_bytes, 12345);
    cr_expect_eq(tide_file_summary(f)->source_crc32, 0xdeadbeef);
    cr_expect_str_eq(tide_file_value(f, "segment-heap"), "12");
    tide_file_close(f);
    b = contents(in_dir("x.tide"));
    g = read_back(b, &l, false);
    cr_expect_eq(g.info.other_lines, 9);
    cr_expect_eq(g.info.lost_results, 2);
    cr_expect_eq(g.info.events[TIDE_EV_SYSCALL], 77);
    cr_expect(g.info.has_syscalls);
    free(b.p);
    free(l.p);
}

Test(tide, other_files_have_no_index)
{
    struct items l = small_trace(6000);
    struct bytes b = written(&l, &(struct tide_sink_options){0}), plain = inflated(b);
    struct tide_error e = {0};
    struct tide_file *f;

    write_file("plain", plain);
    cr_assert_eq(tide_file_open(in_dir("plain"), &f, &e), 0);
    cr_assert_eq(tide_file_open("-", &f, &e), 0);
    cr_assert_eq(tide_file_open(in_dir("absent"), &f, &e), TIDE_E_IO);
    b.n = 200;
    write_file("cut", b);
    cr_assert_eq(tide_file_open(in_dir("cut"), &f, &e), TIDE_E_TRACE);
    free(b.p);
    free(plain.p);
    free(l.p);
}

/* Cut anywhere, the groups and blocks that are whole are found again. */
Test(tide, the_index_is_rebuilt_where_the_file_was_cut)
{
    struct items l = long_trace(300000);
    struct bytes b = written(&l, &(struct tide_sink_options){0});
    struct tide_error e = {0};
    const struct tide_group *g;
    struct tide_file *f;
    uint64_t ends[16], firsts[16];
    size_t n, m;

    cr_assert_eq(tide_file_open(in_dir("x.tide"), &f, &e), 1);
    g = tide_file_groups(f, &n);
    cr_assert(n >= 4 && n < 16);
    for (size_t i = 0; i < n; i++) {
        ends[i] = i + 1 < n ? g[i + 1].offset : b.n - TIDE_END_MEMBER;
        firsts[i] = g[i].first + g[i].accesses;
    }
    tide_file_close(f);
    for (size_t i = 0; i < n; i++)
        for (int more = 0; more < 2; more++) {
            b.n = (size_t)ends[i] + (more ? 30 : 0);
            write_file("cut", b);
            cr_assert_eq(tide_file_open(in_dir("cut"), &f, &e), 1, "%s", e.what);
            cr_assert_not(tide_file_complete(f));
            g = tide_file_groups(f, &m);
            cr_assert_eq(m, i + 1);
            cr_assert_eq(tide_file_accesses(f), firsts[i]);
            tide_file_close(f);
        }
    free(b.p);
    free(l.p);
}

/* The items that a repaired file must have: those of the groups that are whole. */
static struct items without(const struct items *l, uint64_t from, uint64_t to)
{
    struct items kept = {0};
    uint64_t at = 0;

    for (size_t i = 0; i < l->n; i++) {
        bool in = at >= from && at < to;

        at += !l->p[i].event;
        if (!in)
            *add(&kept) = l->p[i];
    }
    return kept;
}

static void count_damage(void *context, const struct tide_damage *d)
{
    struct tide_damage *last = context;

    *last = *d;
    last->what = NULL;
}

Test(tide, damage_is_found_and_what_is_intact_is_kept)
{
    struct items l = long_trace(300000), kept;
    struct bytes b = written(&l, &(struct tide_sink_options){.note = "whole"}), fixed;
    struct tide_error e = {0};
    struct tide_verdict v;
    struct tide_damage d = {0};
    struct tide_group g;
    struct tide_file *f;
    struct reading r;
    char from[256], to[256];
    size_t n;

    cr_assert_eq(tide_file_open(in_dir("x.tide"), &f, &e), 1);
    g = tide_file_groups(f, &n)[1];
    tide_file_close(f);
    snprintf(from, sizeof from, "%s", in_dir("damaged"));
    snprintf(to, sizeof to, "%s", in_dir("fixed.tide"));
    cr_assert_eq(tide_file_verify(in_dir("x.tide"), count_damage, &d, &v, &e), 0, "%s", e.what);
    cr_assert_eq(v.accesses, 600000);
    cr_assert_eq(v.damages, 0);
    cr_assert(v.complete);

    b.p[g.offset + 1000] ^= 4;
    write_file("damaged", b);
    cr_assert_eq(tide_file_verify(from, count_damage, &d, &v, &e), TIDE_E_TRACE);
    cr_assert_eq(v.damages, 1);
    cr_assert_eq(v.lost_accesses, g.accesses);
    cr_assert_eq(v.accesses, 600000 - g.accesses);
    cr_assert_eq(d.offset, g.offset);
    cr_assert_eq(d.record, g.first);
    cr_assert_eq(d.block, 1);

    cr_assert_eq(tide_file_repair(from, to, count_damage, &d, &v, &e), 0, "%s", e.what);
    cr_assert_eq(tide_file_verify(to, count_damage, &d, &v, &e), 0, "%s: %s", e.where, e.what);
    kept = without(&l, g.first, g.first + g.accesses);
    fixed = contents(to);
    r = read_back(fixed, &kept, true);
    cr_assert_eq(r.rc, 0, "%s", r.error.what);
    cr_assert_eq(r.items, kept.n);
    cr_assert_eq(tide_file_open(to, &f, &e), 1);
    cr_assert_not_null(strstr(tide_file_value(f, "note"), "whole; repaired: "));
    tide_file_close(f);
    free(fixed.p);
    free(kept.p);

    /* a member's head: the next member is found, and what precedes is kept */
    b.p[g.offset + 1000] ^= 4;
    b.p[g.offset + 12] = 'X';
    write_file("damaged", b);
    cr_assert_eq(tide_file_verify(from, count_damage, &d, &v, &e), TIDE_E_TRACE);
    cr_assert_eq(v.lost_accesses, g.accesses);
    cr_assert_eq(tide_file_repair(from, to, NULL, NULL, &v, &e), 0, "%s", e.what);
    cr_assert_eq(tide_file_verify(to, NULL, NULL, &v, &e), 0);
    cr_assert_eq(v.accesses, 600000 - g.accesses);

    /* cut */
    b.p[g.offset + 12] = 'T';
    b.n = (size_t)g.offset + 500;
    write_file("damaged", b);
    cr_assert_eq(tide_file_repair(from, to, NULL, NULL, &v, &e), 0, "%s", e.what);
    cr_assert_eq(tide_file_verify(to, NULL, NULL, &v, &e), 0);
    cr_assert_eq(v.accesses, g.first);
    free(b.p);
    free(l.p);
}

/* ---- the layout ---- */

/* Small traces written out by hand after README.md; only the checksums were computed. */

/* A header, which both begin with. */
#define HEADER_CHUNK                                                       \
    'T', 'I', 'D', 'E', 1, 0, 2, 0, /* type HEADER, no flags, version 2 */ \
        13, 0, 0, 0,                /* bytes of payload */                 \
        0x65, 0xef, 0xff, 0xc8,     /* their CRC-32 */                     \
        0, 0, 0, 0, 0, 0, 0, 0,     /* accesses before */                  \
        0, 0, 0, 0,                 /* accesses in it */                   \
        0xfc, 0xc0, 0x1e, 0x8f,     /* CRC-32 of the 28 bytes before */    \
        'c', 'o', 'm', 'm', 'a', 'n', 'd', ' ', 't', 'r', 'u', 'e', '\n'

static const unsigned char of_fragments[] = {
    HEADER_CHUNK, 'T', 'I', 'D', 'E', 2, 2, 2, 0, /* type FRAGMENTS, flag GROUP */
    132, 0, 0, 0, 0x3f, 0xd2, 0x88, 0xc3, 0, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0x26, 0x6f, 0x5e,
    0x58, 0, 0, 0, 0,                                /* block 0 */
    0, 0, 0, 0,                                      /* of its group the first */
    6, 0, 0, 0,                                      /* fragments */
    12, 0, 0, 0,                                     /* data accesses */
    2, 0, 0, 0,                                      /* stretches */
    2, 0, 0, 0,                                      /* records of events */
    1, 0, 0, 0,                                      /* definitions */
    6, 0, 0, 0, 13, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, /* bytes of the columns */
    12, 0, 0, 0, 6, 0, 0, 0, 6, 0, 0, 0, 12, 0, 0, 0,
    /* stretches: records, fragments, process */
    1, 2, 0, 1, 4, 0,
    /* events: PROCESS, 4 bytes: of 0, mask 1 << 8, pid 7; BRK, 5 bytes: of 0, mask 1 << 1, 0x5000
     */
    0, 4, 0, 0x80, 0x02, 7, 5, 5, 0, 2, 0x80, 0xa0, 0x01,
    /* definition: 4 accesses: fetch of 3, write of 1 << 3, fetch of 2, read of 1 << 2; zig-zag of
     * 0x401000 */
    4, 3, 0x80 | 2 | 3 << 2, 2, 0x80 | 1 | 2 << 2, 0x80, 0xc0, 0x80, 0x04,
    /* first addresses: base 0, 5 bytes: zig-zag of 0x1fff000010; base 0, 1 byte: of 8 */
    0 | 5 << 2, 0x20, 0, 0, 0xfe, 0x3f, 0 | 1 << 2, 0x10,
    /* ids */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    /* codes: stride, stride; near, base; base, far; stride, base; near, base; near, base */
    1 | 1 << 2, 2 | 0 << 2, 0 | 3 << 2, 1 | 0 << 2, 2 | 0 << 2, 2 | 0 << 2,
    /* near: zig-zag of -16 and of 0x28; the follower */
    31, 0, 0x50, 0, 0xff, 0xff,
    /* far: under 0x1f00000000 there is no 0x601000, so all of it */
    0xff, 0xff, 0xff, 0xff, 0, 0x10, 0x60, 0, 0, 0, 0, 0, 'T', 'I', 'D', 'E', 6, 0, 2,
    0, /* type END */
    0, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0xc3, 0x06, 0x61};

Test(tide, a_trace_of_fragments_is_laid_out_as_documented)
{
    static const char expected[] = "process 7\n"
                                   "fetch 401000 3\nwrite 1fff000010 8\n"
                                   "fetch 401003 2\nread 1fff000018 4\n"
                                   "fetch 401000 3\nwrite 1fff000000 8\n"
                                   "fetch 401003 2\nread 1fff000008 4\n"
                                   "brk 5000+0\n"
                                   /* -0x18 from the address before, as the last time */
                                   "fetch 401000 3\nwrite 1ffefffff0 8\n"
                                   "fetch 401003 2\nread 601000 4\n"
                                   /* -16 once more; 0x601000 from where this region was left */
                                   "fetch 401000 3\nwrite 1ffeffffe0 8\n"
                                   "fetch 401003 2\nread c02000 4\n"
                                   "fetch 401000 3\nwrite 1fff000008 8\n"
                                   "fetch 401003 2\nread 1203000 4\n"
                                   /* 601000 came after 1fff000008, although in another slot */
                                   "fetch 401000 3\nwrite 601000 8\n"
                                   "fetch 401003 2\nread c02000 4\n"
                                   "end\n";
    char *got = render(of_fragments, sizeof of_fragments, NULL);

    cr_expect_str_eq(got, expected, "got:\n%s", got);
    free(got);
}

/* The engines count on it that a fragment's first fetch comes first. */
Test(tide, a_fragment_of_instructions_does_not_begin_with_data)
{
    enum { BLOCK = 45, DEFINITION = BLOCK + TIDE_HEAD_BYTES + TIDE_BLOCK_HEAD_BYTES + 6 + 13 };
    unsigned char other[sizeof of_fragments];
    struct tide_chunk c;
    char *got;

    memcpy(other, of_fragments, sizeof other);
    cr_assert_eq(other[DEFINITION + 1], 3);
    other[DEFINITION + 1] = other[DEFINITION + 2];
    other[DEFINITION + 2] = 3;
    cr_assert(tide_chunk_get(other + BLOCK, &c));
    c.crc = tide_crc32(0, other + BLOCK + TIDE_HEAD_BYTES, c.length);
    tide_chunk_put(other + BLOCK, &c);
    got = render(other, sizeof other, NULL);
    cr_expect_not_null(strstr(got, "a fragment of instructions begins with data"), "got:\n%s", got);
    free(got);
}

static const unsigned char of_singles[] = {
    HEADER_CHUNK, 'T', 'I', 'D', 'E', 3, 2, 2, 0, /* type COLUMNS, flag GROUP */
    0x66, 0, 0, 0, 0x69, 0x4c, 0xc2, 0x83, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0x3e, 0x29, 0x6e,
    0xa7, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0, /* block, in group, accesses, data */
    1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0,                   /* stretches, records, shapes */
    3, 0, 0, 0, 4, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0,       /* bytes of the columns */
    5, 0, 0, 0, 2, 0, 0, 0, 6, 0, 0, 0, 16, 0, 0, 0,
    /* stretch; event */
    1, 5, 0, 0, 2, 0, 0,
    /* shapes: kind, size - 1: reads of 8, writes of 4 */
    1, 7, 0, 2, 3, 0,
    /* shapes of the accesses */
    0, 0, 0, 1, 0,
    /* codes: far, near, near, far; other */
    3 | 2 << 2 | 2 << 4 | 3 << 6, 1,
    /* zig-zag: 8, 8, 8 */
    16, 0, 16, 0, 16, 0,
    /* far: 0x10000; all of 0x7f0000001000 */
    0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff, 0, 0x10, 0, 0, 0, 0x7f, 0, 0, 'T', 'I', 'D', 'E', 6, 0, 2,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe2, 0x2f, 0xb1, 0xf3};

Test(tide, a_trace_of_single_accesses_is_laid_out_as_documented)
{
    static const char expected[] = "process 0\nread 10000 8\nread 10008 8\nread 10010 8\n"
                                   "write 7f0000001000 4\nread 10018 8\nend\n";
    char *got = render(of_singles, sizeof of_singles, NULL);

    cr_expect_str_eq(got, expected, "got:\n%s", got);
    free(got);
}

/* A reader of one version does not guess at another one. */
Test(tide, other_versions_are_refused)
{
    unsigned char other[sizeof of_fragments];
    struct tide_chunk c;
    struct tide_error e = {0};
    struct tide_block *block = calloc(1, sizeof *block);
    struct tide_reader *r;

    memcpy(other, of_fragments, sizeof other);
    cr_assert(tide_chunk_get(other, &c));
    c.version = TIDE_LAYOUT_VERSION - 1;
    tide_chunk_put(other, &c);
    r = tide_reader_open(tide_stream_memory(other, sizeof other, "t", &e), NULL, &e);
    cr_assert_not_null(r, "%s", e.what);
    cr_expect_eq(tide_reader_next(r, block, &e), TIDE_E_TRACE);
    cr_expect_str_eq(e.what, "this is version 1 of the format; this program reads version 2");
    cr_expect_not_null(strstr(e.where, "byte 0"), "%s", e.where);
    cr_expect_not_null(strstr(e.remedy, "convert"), "%s", e.remedy);
    tide_reader_close(r);
    free(block);
}

/* Inserts a chunk of a type that does not exist before END. */
static char *render_with_chunk(unsigned type, unsigned flags)
{
    struct bytes b = {0};
    unsigned char head[TIDE_HEAD_BYTES];
    struct tide_chunk c = {
        .type = (uint8_t)type, .flags = (uint8_t)flags, .version = TIDE_LAYOUT_VERSION};
    char *text;

    tide_chunk_put(head, &c);
    put(&b, of_fragments, sizeof of_fragments - TIDE_HEAD_BYTES);
    put(&b, head, sizeof head);
    put(&b, of_fragments + sizeof of_fragments - TIDE_HEAD_BYTES, TIDE_HEAD_BYTES);
    text = render(b.p, b.n, NULL);
    free(b.p);
    return text;
}

Test(tide, unknown_chunks_are_skipped_where_they_may_be)
{
    char *skipped = render_with_chunk(77, TIDE_CHUNK_MAY_SKIP), *refused = render_with_chunk(77, 0);

    cr_expect_not_null(strstr(skipped, "read c02000 4\nend\n"), "%s", skipped);
    cr_expect_not_null(strstr(refused, "read c02000 4\nerror -4"), "%s", refused);
    cr_expect_not_null(strstr(refused, "type 77, which version 2"), "%s", refused);
    free(skipped);
    free(refused);
}

/* ---- blocks that are moved ---- */

/* Blocks stay what they were as long as they are held, whatever is read meanwhile. */
static void expect_moved_blocks_to_stay(const char *path)
{
    enum { HELD = 3 };
    struct tide_error e = {0};
    struct tide_reader *r = tide_reader_open(tide_stream_open(path, &e), NULL, &e);
    struct tide_block *own = calloc(1, sizeof *own), *held[HELD];
    struct tide_access *at_once[HELD], *later = calloc(TIDE_BLOCK_ACCESSES, sizeof *later);
    size_t n = 0, compared = 0;

    cr_assert_not_null(r, "%s", e.what);
    tide_reader_take_fragments(r);
    for (size_t i = 0; i < HELD; i++) {
        held[i] = calloc(1, sizeof *held[i]);
        at_once[i] = calloc(TIDE_BLOCK_ACCESSES, sizeof *at_once[i]);
    }
    for (; tide_reader_next(r, own, &e) > 0; n++) {
        struct tide_block *to = held[n % HELD];

        if (n >= HELD) {
            cr_assert_not_null(to->dictionary);
            tide_block_expand(to, 0, to->n_accesses, later);
            cr_assert_arr_eq(later, at_once[n % HELD], to->n_accesses * sizeof *later);
            compared += to->n_accesses;
        }
        tide_reader_move(r, to, own);
        cr_assert_eq(to->n_events, own->n_events);
        cr_assert_arr_eq(to->events, own->events, own->n_events * sizeof *own->events);
        tide_block_expand(own, 0, own->n_accesses, at_once[n % HELD]);
    }
    cr_expect_gt(n, 2 * HELD);
    cr_expect_gt(compared, 0);
    tide_reader_close(r);
    for (size_t i = 0; i < HELD; i++) {
        free(held[i]);
        free(at_once[i]);
    }
    free(own);
    free(later);
}

/* Many programs, so that dictionaries change. */
Test(tide, moved_blocks_keep_what_they_name)
{
    static const char *const formats[] = {"tide", "lackey"};
    struct items l = {0};
    struct tide_rng rng;

    tide_rng_init(&rng, 1, "moved");
    add_process(&l, 0, 1);
    for (unsigned i = 0; i < 40; i++)
        add_program(&l, &rng, 50000, 0);
    for (size_t i = 0; i < 2; i++) {
        struct tide_error e = {0};
        struct tide_sink *s =
            tide_sink_open(formats[i], in_dir("moved"), &(struct tide_sink_options){0}, &e);

        put_all(s, &l, TIDE_BLOCK_ACCESSES);
        cr_assert_eq(tide_sink_finish(s, &e), 0, "%s", e.what);
        expect_moved_blocks_to_stay(in_dir("moved"));
    }
    free(l.p);
}

/* ---- pipes and other compressors ---- */

/* Standard output and input: what goes through a pipe is the same file. */
Test(tide, it_goes_through_pipes)
{
    struct items l = small_trace(6000);
    struct bytes b = written(&l, &(struct tide_sink_options){0}), piped;
    struct tide_error e = {0};
    struct reading g = {.fragments = true};
    int ends[2], out = dup(STDOUT_FILENO), in = dup(STDIN_FILENO);
    struct tide_sink *s;

    fflush(stdout);
    cr_assert_geq(dup2(creat(in_dir("piped"), 0600), STDOUT_FILENO), 0);
    s = tide_sink_open("tide", "-", &(struct tide_sink_options){0}, &e);
    put_all(s, &l, 1000);
    cr_assert_eq(tide_sink_finish(s, &e), 0);
    cr_assert_geq(dup2(out, STDOUT_FILENO), 0);
    piped = contents(in_dir("piped"));
    cr_assert_eq(piped.n, b.n);
    cr_assert_arr_eq(piped.p, b.p, b.n);

    cr_assert_eq(pipe(ends), 0);
    if (fork() == 0) {
        close(ends[0]);
        _exit(write(ends[1], b.p, b.n) == (ssize_t)b.n ? 0 : 1);
    }
    close(ends[1]);
    cr_assert_geq(dup2(ends[0], STDIN_FILENO), 0);
    read_items(tide_stream_open("-", &e), &l, &g);
    cr_assert_eq(g.rc, 0, "%s", g.error.what);
    cr_assert_eq(g.items, l.n);
    dup2(in, STDIN_FILENO);
    free(b.p);
    free(piped.p);
    free(l.p);
}

/* Packed again by another compressor, where this build reads it and the program is there. */
Test(tide, it_may_be_packed_by_others)
{
    static const char *const programs[] = {"zstd", "xz"};
    struct items l = small_trace(6000);
    struct bytes b = written(&l, &(struct tide_sink_options){0});

    for (size_t i = 0; i < 2; i++) {
        char command[512];
        struct bytes again;
        struct reading g;

        if (strstr(tide_stream_compressions(), programs[i]) == NULL)
            continue;
        snprintf(command, sizeof command, "gzip -dc %s/x.tide | %s -qc >%s/again 2>%s/said", dir,
                 programs[i], dir, dir);
        if (system(command) != 0)
            continue;
        again = contents(in_dir("again"));
        if (again.n == 0)
            continue;
        g = read_back(again, &l, true);
        cr_assert_eq(g.rc, 0, "%s: %s", programs[i], g.error.what);
        cr_assert_eq(g.items, l.n);
        free(again.p);
    }
    free(b.p);
    free(l.p);
}

/* gzip itself takes the file, and gives the content. */
Test(tide, gzip_accepts_it)
{
    struct items l = small_trace(6000);
    struct bytes b = written(&l, &(struct tide_sink_options){0});
    char command[256];

    snprintf(command, sizeof command, "gzip -t <%s/x.tide", dir);
    cr_assert_eq(system(command), 0);
    free(b.p);
    free(l.p);
}

/* A log goes through tide and comes out as the same log. */
Test(tide, a_lackey_log_comes_back)
{
    struct tide_error e = {0};
    struct items l = small_trace(6000);
    char *texts[2];

    for (int through = 0; through < 2; through++) {
        const char *from = through ? "b.tide" : "a.lackey";
        struct tide_sink *s;
        struct tide_reader *r;
        struct tide_block *block = calloc(1, sizeof *block);

        s = tide_sink_open(through ? "tide" : "lackey", in_dir(from),
                           &(struct tide_sink_options){0}, &e);
        put_all(s, &l, 500);
        cr_assert_eq(tide_sink_finish(s, &e), 0, "%s", e.what);
        r = tide_reader_open(tide_stream_open(in_dir(from), &e), NULL, &e);
        s = tide_sink_open("lackey", in_dir("out.lackey"), &(struct tide_sink_options){0}, &e);
        while (tide_reader_next(r, block, &e) > 0)
            cr_assert_eq(tide_sink_put(s, block, NULL, &e), 0);
        tide_reader_close(r);
        cr_assert_eq(tide_sink_finish(s, &e), 0);
        texts[through] = (char *)contents(in_dir("out.lackey")).p;
        free(block);
    }
    cr_assert_str_eq(texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
    free(l.p);
}

/* ---- memory ---- */

/* The n-th allocation fails, for every n: an error, nothing left over, and no file. */
Test(tide, allocations_may_fail)
{
    struct items l = small_trace(6000);
    struct bytes b = written(&l, &(struct tide_sink_options){.command = "x"});
    static const struct tide_file_names names = {name_of, NULL};
    struct tide_block *block = calloc(1, sizeof *block);
    char path[256];
    int rc;

    snprintf(path, sizeof path, "%s", in_dir("y.tide"));
    for (size_t i = 0; i < l.n && block->n_accesses < 5000; i++) {
        if (l.p[i].event) {
            block->events[block->n_events] = l.p[i].v;
            block->events[block->n_events++].at = (uint32_t)block->n_accesses;
        } else {
            block->accesses[block->n_accesses++] = l.p[i].a;
        }
    }
    rc = TIDE_E_NOMEM;
    for (long n = 1; rc != 0; n++) {
        struct tide_error e = {0};
        struct tide_sink *s;

        cr_assert_lt(n, 1000);
        tide_mem_fail_after(n);
        s = tide_sink_open("tide", path, &(struct tide_sink_options){.command = "x"}, &e);
        rc = s != NULL ? tide_sink_put(s, block, &names, &e) : e.code;
        if (s != NULL && rc == 0)
            rc = tide_sink_finish(s, &e);
        else
            tide_sink_abandon(s);
        tide_mem_fail_after(0);
        cr_assert(rc == 0 || rc == TIDE_E_NOMEM, "allocation %ld: %d %s", n, rc, e.what);
        cr_assert_eq(access(path, F_OK) == 0, rc == 0);
    }
    for (int form = 0; form < 2; form++) {
        rc = TIDE_E_NOMEM;
        for (long n = 1; rc != 0; n++) {
            struct tide_error e = {0};
            struct tide_stream *s;
            struct tide_reader *r = NULL;

            cr_assert_lt(n, 1000);
            tide_mem_fail_after(n);
            if ((s = tide_stream_memory(b.p, b.n, "t", &e)) != NULL)
                r = tide_reader_open(s, NULL, &e);
            if (form == 1 && r != NULL)
                tide_reader_take_fragments(r);
            rc = r != NULL ? 1 : e.code;
            while (rc > 0)
                rc = tide_reader_next(r, block, &e);
            tide_reader_close(r);
            tide_mem_fail_after(0);
            cr_assert(rc == 0 || rc == TIDE_E_NOMEM, "allocation %ld: %d %s", n, rc, e.what);
        }
    }
    free(block);
    free(b.p);
    free(l.p);
}

Test(tide, opening_a_file_may_fail_for_want_of_memory)
{
    struct items l = small_trace(6000);
    struct bytes b = written(&l, &(struct tide_sink_options){0});
    int rc = TIDE_E_NOMEM;

    for (long n = 1; rc != 1; n++) {
        struct tide_error e = {0};
        struct tide_file *f;

        cr_assert_lt(n, 100);
        tide_mem_fail_after(n);
        rc = tide_file_open(in_dir("x.tide"), &f, &e);
        tide_mem_fail_after(0);
        cr_assert(rc == 1 || rc == TIDE_E_NOMEM, "allocation %ld: %d %s", n, rc, e.what);
        tide_file_close(f);
    }
    free(b.p);
    free(l.p);
}
