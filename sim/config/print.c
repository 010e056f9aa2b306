/* The canonical text of a machine: see experiment.h.
 *
 * The text is an experiment file without traces, so it reads back as the same machine. What does
 * not change a run's counts (traces, output, intervals) has no place in it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/experiment.h"
#include "config/machine_yaml.h"

struct text {
    char *s;
    size_t n, cap;
    bool failed;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
    char piece[512];
    va_list ap;
    size_t n;
    char *s;

    va_start(ap, fmt);
    n = (size_t)vsnprintf(piece, sizeof piece, fmt, ap);
    va_end(ap);
    if (t->failed)
        return;
    s = tide_grow(t->s, &t->cap, t->n + n + 1, 1);
    if (s == NULL) {
        t->failed = true;
        return;
    }
    t->s = s;
    memcpy(s + t->n, piece, n + 1);
    t->n += n;
}

static void add_ways(struct text *t, uint32_t entries, uint32_t ways)
{
    if (ways == entries)
        add(t, "ways: full");
    else
        add(t, "ways: %" PRIu32, ways);
}

static void add_policy(struct text *t, const struct tide_machine_config *c)
{
    const struct tide_option *row = c->policy->options;
    char value[64];

    if (row == NULL || row->name == NULL) {
        add(t, "  policy: %s\n", c->policy->name);
        return;
    }
    add(t, "  policy: {name: %s", c->policy->name);
    for (; row->name != NULL; row++) {
        tide_option_print(row, c->policy_options, value, sizeof value);
        add(t, ", %s: %s", row->name, value);
    }
    add(t, "}\n");
}

static void add_array(struct text *t, const struct tide_tlb_array_config *a, unsigned page_shift)
{
    static const char *const sides[] = {"", "instruction", "data", "both"};
    char size[24];

    add(t, "    - {name: %s, level: %" PRIu32 ", for: %s, entries: %" PRIu32 ", ", a->name,
        a->level, sides[a->serves & 3], a->entries);
    add_ways(t, a->entries, a->ways);
    add(t, ", policy: %s, page_sizes: [", tide_tlb_kind_names[a->kind]);
    if (tide_array_serves(a, page_shift)) {
        tide_format_size(UINT64_C(1) << page_shift, size, sizeof size);
        add(t, "%s", size);
    } else {
        for (unsigned i = 0; i < a->n_sizes; i++) {
            tide_format_size(UINT64_C(1) << a->page_shifts[i], size, sizeof size);
            add(t, "%s%s", i > 0 ? ", " : "", size);
        }
    }
    add(t, "], latency: %" PRIu32 "}\n", a->latency);
}

static void add_page_table(struct text *t, const struct tide_pagetable_config *c)
{
    add(t, "  page_table:\n    kind: radix\n    levels: %u\n    bits: [", c->levels);
    for (unsigned k = c->levels; k >= 1; k--)
        add(t, "%u%s", c->bits[k], k > 1 ? ", " : "]\n");
    add(t, "    entry_bytes: %u\n    walk_caches:%s\n", c->entry_bytes,
        c->n_walk_caches == 0 ? " []" : "");
    for (unsigned i = 0; i < c->n_walk_caches; i++) {
        add(t, "      - {level: %u, entries: %" PRIu32 ", ", c->walk_caches[i].level,
            c->walk_caches[i].entries);
        add_ways(t, c->walk_caches[i].entries, c->walk_caches[i].ways);
        add(t, "}\n");
    }
}

char *tide_machine_print(const struct tide_machine_config *c)
{
    struct text t = {0};
    char value[64];

    tide_format_size(UINT64_C(1) << c->page_shift, value, sizeof value);
    add(&t, "machine:\n  page_size: %s\n", value);
    if (c->by_memory)
        tide_format_size(c->memory_bytes, value, sizeof value);
    else
        tide_format_amount(c->frames, value, sizeof value);
    add(&t, "  %s: %s\n", c->by_memory ? "memory" : "frames", value);
    add_policy(&t, c);
    add(&t, "  observe: %s\n  flush_on_clear: %s\n  references: %s\n",
        tide_observe_names[c->observe], c->flush_on_clear ? "yes" : "no",
        tide_references_names[c->references]);
    add(&t, "  tlb:%s\n", c->tlb.n == 0 ? " none" : "");
    for (unsigned i = 0; i < c->tlb.n; i++)
        add_array(&t, &c->tlb.arrays[i], c->page_shift);
    add_page_table(&t, &c->pagetable);
    add(&t, "  page_cache: %s\n", c->page_cache_warm ? "warm" : "cold");
    add(&t,
        "  costs:\n    memory: %" PRIu64 "\n    walk_ref: %" PRIu64 "\n    minor_fault: %" PRIu64
        "\n    major_fault: %" PRIu64 "\n    writeback: %" PRIu64 "\n",
        c->costs.memory, c->costs.walk_ref, c->costs.minor_fault, c->costs.major_fault,
        c->costs.writeback);
    add(&t, "  seed: %" PRIu64 "\n", c->seed);
    add(&t, "warmup: %" PRIu64 "\nskip: %" PRIu64 "\n", c->warmup, c->skip);
    if (c->limit == UINT64_MAX)
        add(&t, "limit: all\n");
    else
        add(&t, "limit: %" PRIu64 "\n", c->limit);
    if (t.failed) {
        free(t.s);
        return NULL;
    }
    return t.s;
}
