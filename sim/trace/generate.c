/* Synthetic traces: see generate.h.
 *
 * Zipf's chances are made in integers: libm's pow() may differ in the last bit from machine to
 * machine, and with it the trace. 2^-y is the product of the powers 2^(-1/2), 2^(-1/4), ... that y
 * has bits for, each the root of the one before; log2 comes bit by bit from squaring.
 *
 * Differs: the cycle of `chase` is made by Sattolo's algorithm (1986), so that it passes every
 * page.
 */
#include "trace/generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/rng.h"

const char *const tide_pattern_names[TIDE_PATTERNS] = {
    "sequential", "strided", "uniform", "zipf", "loop", "chase", "ramp", "scan-mix"};

#define ROW(field) offsetof(struct tide_phase, field)

const struct tide_option tide_phase_options[] = {
    {.name = "accesses",
     .type = TIDE_OPT_COUNT,
     .offset = ROW(accesses),
     .def = "100K",
     .min = 1,
     .unit = "accesses",
     .help = "length of the phase"},
    {.name = "pages",
     .type = TIDE_OPT_COUNT,
     .offset = ROW(pages),
     .def = "1024",
     .min = 1,
     .max = TIDE_GENERATE_PAGES,
     .unit = "pages",
     .help = "size of the region"},
    {.name = "base",
     .type = TIDE_OPT_COUNT,
     .offset = ROW(base),
     .def = "0",
     .max = UINT64_C(1) << 34,
     .unit = "pages",
     .help = "place of the region"},
    {.name = "size",
     .type = TIDE_OPT_SIZE,
     .offset = ROW(size),
     .def = "8B",
     .min = 1,
     .max = TIDE_GENERATE_PAGE,
     .help = "bytes of an access"},
    {.name = "stride",
     .type = TIDE_OPT_SIZE,
     .offset = ROW(stride),
     .def = "4K",
     .min = 1,
     .help = "strided: step in bytes"},
    {.name = "skew",
     .type = TIDE_OPT_COUNT,
     .offset = ROW(skew),
     .def = "100",
     .max = 400,
     .help = "zipf, scan-mix: the exponent in hundredths"},
    {.name = "from",
     .type = TIDE_OPT_COUNT,
     .offset = ROW(from),
     .def = "1",
     .min = 1,
     .max = TIDE_GENERATE_PAGES,
     .unit = "pages",
     .help = "ramp: the working set at the start"},
    {.name = "writes",
     .type = TIDE_OPT_AMOUNT,
     .offset = ROW(writes),
     .def = "25%",
     .help = "share of writes, or 0"},
    {.name = "scan",
     .type = TIDE_OPT_AMOUNT,
     .offset = ROW(scan),
     .def = "20%",
     .help = "scan-mix: share of the scan, or 0"},
    {0}};

void tide_phase_init(struct tide_phase *p, enum tide_pattern pattern)
{
    *p = (struct tide_phase){.pattern = pattern};
    tide_options_defaults(tide_phase_options, p);
}

int tide_pattern_find(const char *name, enum tide_pattern *out, struct tide_error *e)
{
    const char *near = tide_nearest(name, tide_pattern_names, TIDE_PATTERNS);

    for (unsigned i = 0; i < TIDE_PATTERNS; i++)
        if (strcmp(name, tide_pattern_names[i]) == 0) {
            *out = (enum tide_pattern)i;
            return 0;
        }
    tide_fail(e, TIDE_E_CONFIG, "unknown pattern '%.100s'", name);
    tide_error_remedy(
        e, "%s%s%sknown: sequential, strided, uniform, zipf, loop, chase, ramp, scan-mix",
        near != NULL ? "did you mean '" : "", near != NULL ? near : "", near != NULL ? "'? " : "");
    return TIDE_E_CONFIG;
}

static bool is_share(struct tide_amount a)
{
    return a.is_share || a.value == 0;
}

int tide_phase_check(const struct tide_phase *p, struct tide_error *e)
{
    const char *name = tide_pattern_names[p->pattern];

    if (!is_share(p->writes) || !is_share(p->scan))
        return tide_fail(e, TIDE_E_CONFIG, "%s: %s must be a share (30%%), or 0", name,
                         is_share(p->writes) ? "scan" : "writes");
    if (p->pattern == TIDE_PATTERN_RAMP && p->from > p->pages)
        return tide_fail(e, TIDE_E_CONFIG, "ramp: from (%llu) is above pages (%llu)",
                         (unsigned long long)p->from, (unsigned long long)p->pages);
    if (p->pattern == TIDE_PATTERN_SCAN_MIX && p->pages < 2)
        return tide_fail(e, TIDE_E_CONFIG, "scan-mix: pages must be 2 or more");
    return 0;
}

/* ---- Zipf ---- */

enum { FRACTION = 40, ONE_BITS = 63 };

static uint64_t square_root(unsigned __int128 v)
{
    uint64_t root = 0;

    for (int bit = 63; bit >= 0; bit--) {
        uint64_t more = root | UINT64_C(1) << bit;

        if ((unsigned __int128)more * more <= v)
            root = more;
    }
    return root;
}

/* log2(v) in units of 2^-FRACTION; v > 0. */
static uint64_t log_2(uint64_t v)
{
    unsigned whole = 63 - (unsigned)__builtin_clzll(v);
    unsigned __int128 m = (unsigned __int128)v << (ONE_BITS - whole); /* 1..2 in 2^-63 */
    uint64_t log = whole;

    for (unsigned i = 0; i < FRACTION; i++) {
        m = m * m >> ONE_BITS;
        log = log << 1 | (m >> (ONE_BITS + 1) != 0);
        if (log & 1)
            m >>= 1;
    }
    return log;
}

/* 2^-y in units of 2^-63, y in units of 2^-FRACTION; roots[i] is 2^-(2^-(i+1)). */
static uint64_t power_2(uint64_t y, const uint64_t roots[FRACTION])
{
    unsigned __int128 p = (unsigned __int128)1 << ONE_BITS;

    if (y >> FRACTION >= ONE_BITS)
        return 0;
    for (unsigned i = 0; i < FRACTION; i++)
        if (y >> (FRACTION - 1 - i) & 1)
            p = p * roots[i] >> ONE_BITS;
    return (uint64_t)(p >> (y >> FRACTION));
}

/* sums[r]: of the weights of ranks 1..r+1, below 2^63. */
static void zipf_sums(uint64_t *sums, uint64_t n, uint64_t skew)
{
    enum { WEIGHT_BITS = 38 }; /* so that 2^24 weights of at most 2^38 fit */
    uint64_t roots[FRACTION], sum = 0;
    unsigned __int128 v = (unsigned __int128)1 << (2 * ONE_BITS - 1);

    for (unsigned i = 0; i < FRACTION; i++) {
        roots[i] = square_root(v);
        v = (unsigned __int128)roots[i] << ONE_BITS;
    }
    for (uint64_t r = 0; r < n; r++) {
        uint64_t y = (uint64_t)((unsigned __int128)log_2(r + 1) * skew / 100);
        uint64_t weight = power_2(y, roots) >> (ONE_BITS - WEIGHT_BITS);

        sum += weight > 0 ? weight : 1; /* every page keeps a chance */
        sums[r] = sum;
    }
}

/* ---- the generator ---- */

struct tide_generator {
    const struct tide_phase *phases;
    size_t n_phases, phase;
    uint64_t repeats; /* still to come, this one included */
    uint64_t done;    /* accesses of the phase */
    bool begun;
    uint64_t ordinal;
    uint64_t seed;
    struct tide_rng rng;
    /* of the phase */
    uint64_t at;      /* place in the region: bytes, or a page */
    uint64_t scanned; /* pages of the scan */
    uint32_t *order;  /* zipf: page of a rank; chase: the page behind a page */
    uint64_t *sums;   /* zipf */
    uint64_t ranks;   /* zipf: their number */
};

static void end_phase(struct tide_generator *g)
{
    free(g->order);
    free(g->sums);
    g->order = NULL;
    g->sums = NULL;
    g->at = g->scanned = g->done = 0;
}

/* A random order of n pages; `cycle`: one in which order[] is a single cycle. */
static int shuffle(struct tide_generator *g, uint64_t n, bool cycle, struct tide_error *e)
{
    if ((g->order = tide_malloc(n * sizeof *g->order)) == NULL)
        return tide_nomem(e);
    for (uint64_t i = 0; i < n; i++)
        g->order[i] = (uint32_t)i;
    for (uint64_t i = n - 1; i > 0; i--) {
        uint64_t j = tide_rng_below(&g->rng, cycle ? i : i + 1);
        uint32_t held = g->order[i];

        g->order[i] = g->order[j];
        g->order[j] = held;
    }
    return 0;
}

static int zipf_begin(struct tide_generator *g, const struct tide_phase *p, struct tide_error *e)
{
    int rc;

    g->ranks = p->pattern == TIDE_PATTERN_ZIPF ? p->pages : p->pages / 2;
    rc = shuffle(g, g->ranks, false, e);
    if (rc != 0)
        return rc;
    if ((g->sums = tide_malloc(g->ranks * sizeof *g->sums)) == NULL)
        return tide_nomem(e);
    zipf_sums(g->sums, g->ranks, p->skew);
    return 0;
}

/* Each phase draws from streams of its own: changing one leaves the others as they are. A repeated
 * phase has the same layout of pages, and goes through it by other draws. */
static int begin_phase(struct tide_generator *g, struct tide_error *e)
{
    const struct tide_phase *p = &g->phases[g->phase];
    char name[64];
    int rc = 0;

    snprintf(name, sizeof name, "generate layout %zu", g->phase);
    tide_rng_init(&g->rng, g->seed, name);
    if (p->pattern == TIDE_PATTERN_CHASE)
        rc = shuffle(g, p->pages, true, e);
    else if (p->pattern == TIDE_PATTERN_ZIPF || p->pattern == TIDE_PATTERN_SCAN_MIX)
        rc = zipf_begin(g, p, e);
    snprintf(name, sizeof name, "generate phase %zu round %llu", g->phase,
             (unsigned long long)g->repeats);
    tide_rng_init(&g->rng, g->seed, name);
    return rc;
}

static bool chance(struct tide_generator *g, struct tide_amount share)
{
    return share.value > 0 && tide_rng_below(&g->rng, TIDE_SHARE_WHOLE) < share.value;
}

/* A place in the page for an access of `size` bytes, aligned to its size where that divides it. */
static uint64_t within(struct tide_generator *g, uint64_t page, uint64_t size)
{
    return page * TIDE_GENERATE_PAGE + tide_rng_below(&g->rng, TIDE_GENERATE_PAGE / size) * size;
}

static uint64_t zipf_page(struct tide_generator *g)
{
    uint64_t draw = tide_rng_below(&g->rng, g->sums[g->ranks - 1]);
    uint64_t low = 0, high = g->ranks - 1; /* the first sum above the draw is in low..high */

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (g->sums[middle] > draw)
            high = middle;
        else
            low = middle + 1;
    }
    return g->order[low];
}

/* The offset of the next access in the region. */
static uint64_t step(struct tide_generator *g, const struct tide_phase *p)
{
    uint64_t bytes = p->pages * TIDE_GENERATE_PAGE, at = g->at, set;

    switch (p->pattern) {
    case TIDE_PATTERN_SEQUENTIAL:
        g->at = at + 2 * p->size <= bytes ? at + p->size : 0;
        return at;
    case TIDE_PATTERN_STRIDED:
        g->at = (at + p->stride % bytes) % bytes;
        return at;
    case TIDE_PATTERN_UNIFORM:
        return within(g, tide_rng_below(&g->rng, p->pages), p->size);
    case TIDE_PATTERN_ZIPF:
        return within(g, zipf_page(g), p->size);
    case TIDE_PATTERN_LOOP:
        g->at = (at + TIDE_GENERATE_PAGE) % bytes;
        return at;
    case TIDE_PATTERN_CHASE:
        g->at = g->order[at];
        return at * TIDE_GENERATE_PAGE;
    case TIDE_PATTERN_RAMP:
        set = p->from +
              (uint64_t)((unsigned __int128)(p->pages - p->from + 1) * g->done / p->accesses);
        return within(g, tide_rng_below(&g->rng, set), p->size);
    case TIDE_PATTERN_SCAN_MIX:
        if (!chance(g, p->scan))
            return within(g, zipf_page(g), p->size);
        return within(g, g->ranks + g->scanned++ % (p->pages - g->ranks), p->size);
    case TIDE_PATTERNS:
        break;
    }
    return 0;
}

static struct tide_access next_access(struct tide_generator *g, const struct tide_phase *p)
{
    uint64_t at = step(g, p), bytes = p->pages * TIDE_GENERATE_PAGE;
    /* what begins near the end of the region stays inside */
    uint64_t size = p->size <= bytes - at ? p->size : bytes - at;

    return (struct tide_access){.addr = TIDE_GENERATE_BASE + p->base * TIDE_GENERATE_PAGE + at,
                                .size = (uint32_t)size,
                                .kind = chance(g, p->writes) ? TIDE_WRITE : TIDE_READ};
}

struct tide_generator *tide_generator_new(const struct tide_phase *phases, size_t n,
                                          uint64_t repeat, uint64_t seed, struct tide_error *e)
{
    struct tide_generator *g = tide_calloc(1, sizeof *g);

    if (g == NULL) {
        tide_nomem(e);
        return NULL;
    }
    *g = (struct tide_generator){.phases = phases, .n_phases = n, .repeats = repeat, .seed = seed};
    return g;
}

void tide_generator_free(struct tide_generator *g)
{
    if (g == NULL)
        return;
    end_phase(g);
    free(g);
}

int tide_generator_next(struct tide_generator *g, struct tide_block *b, struct tide_error *e)
{
    b->n_accesses = b->n_events = 0;
    b->first = g->ordinal;
    if (!g->begun) {
        g->begun = true;
        b->events[b->n_events++] = (struct tide_event){.type = TIDE_EV_PROCESS};
    }
    while (g->repeats > 0 && b->n_accesses < TIDE_BLOCK_ACCESSES) {
        const struct tide_phase *p = &g->phases[g->phase];
        int rc = g->done == 0 ? begin_phase(g, e) : 0;

        if (rc != 0)
            return rc;
        while (g->done < p->accesses && b->n_accesses < TIDE_BLOCK_ACCESSES) {
            b->accesses[b->n_accesses++] = next_access(g, p);
            g->done++;
        }
        if (g->done < p->accesses)
            break;
        end_phase(g);
        if (++g->phase == g->n_phases) {
            g->phase = 0;
            g->repeats--;
        }
    }
    g->ordinal += b->n_accesses;
    return b->n_accesses > 0 || b->n_events > 0;
}
