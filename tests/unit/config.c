/* config/: what experiment files mean, and what is said about wrong ones.
 *
 * Golden texts are pairs in data/config/errors: NAME.yaml and NAME.txt, what is reported for it.
 * <policies>, <presets> and <formats> stand there for lists that grow with the project.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "config/experiment.h"
#include "config/presets_dir.h"
#include "trace/reader.h"

#define DATA TIDE_PRESETS_SOURCE "/../../tests/unit/data/config"

static void use_presets(void)
{
    setenv("TIDE_PRESETS", TIDE_PRESETS_SOURCE, 1);
}

TestSuite(config, .init = use_presets);

/* What a load gave. */
struct outcome {
    int rc;
    char *said; /* what was reported */
    unsigned errors;
    struct tide_experiments x;
    struct tide_error e;
};

static struct outcome parse_bytes(const char *text, size_t n, const char *base_dir,
                                  const char *const *overrides)
{
    struct outcome o = {0};
    struct tide_diagnostics d = {0};
    size_t length, n_overrides = 0;

    while (overrides != NULL && overrides[n_overrides] != NULL)
        n_overrides++;
    d.out = open_memstream(&o.said, &length);
    cr_assert_not_null(d.out);
    o.rc =
        tide_experiments_parse(text, n, "x.yaml", base_dir, overrides, n_overrides, &o.x, &d, &o.e);
    fclose(d.out);
    o.errors = d.errors;
    return o;
}

static struct outcome parse(const char *text, const char *const *overrides)
{
    return parse_bytes(text, strlen(text), "", overrides);
}

static void done(struct outcome *o)
{
    tide_experiments_free(&o->x);
    free(o->said);
}

static char *slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *text;

    cr_assert_not_null(f, "%s", path);
    text = calloc(1, 1 << 16);
    *n = fread(text, 1, (1 << 16) - 1, f);
    fclose(f);
    return text;
}

/* ---- golden errors ---- */

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *join_sorted(const char **names, size_t n)
{
    char *list = calloc(1, 4096);

    qsort(names, n, sizeof *names, compare_strings);
    for (size_t i = 0; i < n; i++)
        strcat(strcat(list, i > 0 ? ", " : ""), names[i]);
    return list;
}

static char *replace(char *text, const char *old, const char *with)
{
    char *at = strstr(text, old), *out;

    if (at == NULL)
        return text;
    out = calloc(1, strlen(text) + strlen(with) + 1);
    memcpy(out, text, (size_t)(at - text));
    strcat(strcat(out, with), at + strlen(old));
    free(text);
    return replace(out, old, with);
}

static int collect_preset(void *context, const char *name, const char *path,
                          const char *description, struct tide_error *e)
{
    const char ***next = context;

    (void)e;
    cr_expect_gt(strlen(description), 10, "%s", name);
    cr_expect_eq(access(path, R_OK), 0, "%s", path);
    *(*next)++ = strdup(name);
    return 0;
}

static char *without_lists(char *text)
{
    const char *names[256], **next = names;
    struct tide_error e;
    char *list;
    size_t n = 0;

    for (; tide_policies[n] != NULL; n++)
        names[n] = tide_policies[n]->name;
    list = join_sorted(names, n);
    text = replace(text, list, "<policies>");
    free(list);
    for (n = 0; tide_formats[n] != NULL; n++)
        names[n] = tide_formats[n]->name;
    list = join_sorted(names, n);
    text = replace(text, list, "<formats>");
    free(list);
    cr_assert_eq(tide_presets_each(collect_preset, &next, &e), 0, "%s: %s", e.where, e.what);
    *next++ = strdup("none");
    list = join_sorted(names, (size_t)(next - names));
    text = replace(text, list, "<presets>");
    free(list);
    while (next > names)
        free((char *)*--next);
    return text;
}

Test(config, wrong_files_are_reported_as_the_golden_texts_say)
{
    static const char folder[] = DATA "/errors";
    DIR *d = opendir(folder);
    struct dirent *entry;
    unsigned cases = 0;

    cr_assert_not_null(d);
    while ((entry = readdir(d)) != NULL) {
        size_t stem = strlen(entry->d_name), n;
        char path[1024], *yaml, *golden;
        struct outcome o;

        if (stem < 6 || strcmp(entry->d_name + stem - 5, ".yaml") != 0)
            continue;
        stem -= 5;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        yaml = slurp(path, &n);
        snprintf(path, sizeof path, "%s/%.*s.txt", folder, (int)stem, entry->d_name);
        o = parse_bytes(yaml, n, "no/such/folder", NULL);
        free(yaml);
        golden = slurp(path, &n);
        o.said = without_lists(o.said);
        cr_expect_str_eq(o.said, golden, "%s:\n%s", entry->d_name, o.said);
        cr_expect_eq(o.rc, TIDE_E_CONFIG, "%s", entry->d_name);
        cr_expect_eq(o.x.n, 0);
        free(golden);
        done(&o);
        cases++;
    }
    closedir(d);
    cr_expect_geq(cases, 50);
}

Test(config, wrong_overrides_are_reported)
{
    static const char *const wrong[] = {"machine.policy=clok",    "machine.polic=lru",
                                        "machine.frames=64M",     "nonsense",
                                        "machine.policy=",        "machine.policy={name: lru",
                                        "sweep.machine.frames=3", "machine.policy=[lru, fifo]",
                                        "machine.policy.cap=3",   NULL};
    static const char golden[] =
        "-s machine.policy=clok: error: unknown replacement policy 'clok'\n"
        "      = did you mean 'clock'?\n"
        "      = known: <policies>\n";
    struct outcome o = parse("traces: ['-']\n", (const char *const[]){wrong[0], NULL});

    o.said = without_lists(o.said);
    cr_expect_str_eq(o.said, golden);
    done(&o);
    for (size_t i = 0; wrong[i] != NULL; i++) {
        char start[128];

        o = parse("traces: ['-']\n", (const char *const[]){wrong[i], NULL});
        snprintf(start, sizeof start, "-s %s: error: ", wrong[i]);
        cr_expect_eq(o.rc, TIDE_E_CONFIG, "%s", wrong[i]);
        cr_expect_eq(o.errors, 1, "%s", o.said);
        cr_expect_eq(strncmp(o.said, start, strlen(start)), 0, "%s", o.said);
        done(&o);
    }
}

Test(config, files_that_cannot_be_read_are_io_errors)
{
    static const char *const paths[] = {DATA "/absent.yaml", DATA, "/dev/zero"};

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct tide_diagnostics d = {.out = stderr};
        struct tide_experiments x;
        struct tide_error e;

        cr_expect_eq(tide_experiments_load(paths[i], NULL, 0, &x, &d, &e), TIDE_E_IO, "%s",
                     paths[i]);
        cr_expect_str_eq(e.where, paths[i]);
        cr_expect_eq(d.errors, 0);
        cr_expect_eq(x.n, 0);
    }
}

/* ---- meaning ---- */

/* "lru 8, fifo 8": policies and frames of the machines, in order. */
static char *machines(const struct tide_experiment *x)
{
    char *text = calloc(1, 1 << 16), value[32];

    for (size_t i = 0; i < x->n_machines; i++) {
        const struct tide_machine_config *c = &x->machines[i];

        if (c->by_memory)
            tide_format_size(c->memory_bytes, value, sizeof value);
        else
            tide_format_amount(c->frames, value, sizeof value);
        strcat(strcat(strcat(strcat(text, i > 0 ? ", " : ""), c->policy->name), " "), value);
    }
    return text;
}

Test(config, machines_come_in_the_order_of_the_sweep_with_overrides_in_place)
{
#define SWEEP                                            \
    "traces: ['-']\nmachine: {policy: mru, frames: 7}\n" \
    "sweep:\n  machine.policy: [lru, fifo]\n  machine.frames: [8, 50%]\n"
    static const struct {
        const char *text;
        const char *overrides[4];
        const char *machines;
    } cases[] = {
        {"traces: ['-']\n", {NULL}, "lru 50%"},
        {SWEEP, {NULL}, "lru 8, lru 50%, fifo 8, fifo 50%"},
        {SWEEP, {"machine.policy=clock"}, "clock 8, clock 50%"},
        {SWEEP, {"machine.policy=clock", "machine.frames=3"}, "clock 3"},
        {SWEEP, {"machine.policy=clock", "machine.policy=opt"}, "opt 8, opt 50%"},
        {SWEEP, {"machine.memory=64M"}, "lru 64M, fifo 64M"},
        {SWEEP, {"machine={policy: esc, frames: 2}"}, "esc 2"},
        {SWEEP, {"sweep.machine.frames=[1, 2, 3]"}, "lru 1, lru 2, lru 3, fifo 1, fifo 2, fifo 3"},
        {SWEEP, {"sweep={machine.frames: [5]}"}, "mru 5"},
        {SWEEP, {"sweep.machine.seed=[1, 2]", "machine.frames=4"}, "lru 4, lru 4, fifo 4, fifo 4"},
        {"traces: ['-']\nmachine: {frames: 7}\nsweep: {machine.memory: [1M, 2M]}\n",
         {NULL},
         "lru 1M, lru 2M"},
        {"traces: ['-']\nsweep:\n  machine: [{policy: lru, frames: 3}, {policy: fifo, frames: "
         "4}]\n",
         {NULL},
         "lru 3, fifo 4"},
        {"traces: '-'\nsweep: {machine.policy: [lru, {name: clock}], warmup: [0, 1K]}\n",
         {NULL},
         "lru 50%, lru 50%, clock 50%, clock 50%"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome o = parse(cases[i].text, cases[i].overrides);
        char *got;

        cr_assert_eq(o.rc, 0, "case %zu: %s", i, o.said);
        cr_assert_eq(o.x.n, 1);
        got = machines(&o.x.list[0]);
        cr_expect_str_eq(got, cases[i].machines, "case %zu: %s", i, got);
        free(got);
        done(&o);
    }
}

Test(config, paths_reach_below_policies_and_tlb_arrays)
{
    struct outcome o = parse("traces: ['-']\nmachine: {policy: gclock, tlb: x86-skylake}\n"
                             "sweep:\n  machine.policy.cap: [2, 5]\n"
                             "  machine.tlb.l1d.entries: [16, 32]\n",
                             (const char *const[]){"machine.tlb.l2.ways=6", NULL});
    static const char *const caps[] = {"cap: 2", "cap: 2", "cap: 5", "cap: 5"};
    static const uint32_t entries[] = {16, 32, 16, 32};

    cr_assert_eq(o.rc, 0, "%s", o.said);
    cr_assert_eq(o.x.list[0].n_machines, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct tide_tlb_config *t = &o.x.list[0].machines[i].tlb;

        cr_expect_not_null(strstr(o.x.list[0].resolved[i], caps[i]), "%s", o.x.list[0].resolved[i]);
        cr_expect_str_eq(t->arrays[1].name, "l1d");
        cr_expect_eq(t->arrays[1].entries, entries[i]);
        cr_expect_eq(t->arrays[1].ways, 4);
        cr_expect_eq(t->arrays[2].ways, 6 * (t->arrays[2].entries == 1536));
    }
    done(&o);
}

Test(config, traces_are_globbed_and_sorted_beside_the_file)
{
    static const struct {
        const char *traces, *list;
    } cases[] = {
        {"traces: '*.tide'\n", "a.tide b.tide"},
        {"traces: [c.gz, '*.tide']\n", "c.gz a.tide b.tide"},
        {"traces: [b.tide, a.tide, '-']\n", "b.tide a.tide -"},
        {"traces: ['[bc].*']\n", "b.tide c.gz"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome o =
            parse_bytes(cases[i].traces, strlen(cases[i].traces), DATA "/tree", NULL);
        char got[4096] = "";

        cr_assert_eq(o.rc, 0, "%s", o.said);
        for (size_t k = 0; k < o.x.list[0].n_traces; k++) {
            const char *path = o.x.list[0].traces[k];

            if (strcmp(path, "-") != 0) {
                cr_expect_eq(strncmp(path, DATA "/tree/", strlen(DATA "/tree/")), 0);
                path += strlen(DATA "/tree/");
            }
            strcat(strcat(got, k > 0 ? " " : ""), path);
        }
        cr_expect_str_eq(got, cases[i].list);
        done(&o);
    }
}

Test(config, a_folder_with_a_pattern_in_its_name_is_no_pattern)
{
    char folder[] = "/tmp/tide[0-9]-XXXXXX", path[64];
    struct tide_diagnostics d = {.out = stderr};
    struct tide_experiments x;
    struct tide_error e;
    FILE *f;

    cr_assert_not_null(mkdtemp(folder));
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, i == 0 ? "t.pages" : "e.yaml");
        f = fopen(path, "w");
        cr_assert_not_null(f);
        fputs("traces: ['*.pages']\noutput: {dir: ../out}\n", f);
        fclose(f);
    }
    cr_assert_eq(tide_experiments_load(path, NULL, 0, &x, &d, &e), 0, "%s", e.what);
    cr_expect_eq(x.list[0].n_traces, 1);
    cr_expect_str_eq(x.list[0].name, "e");
    cr_expect_eq(strncmp(x.list[0].output_dir, folder, strlen(folder)), 0);
    cr_expect_str_eq(x.list[0].output_dir + strlen(folder), "/../out");
    tide_experiments_free(&x);
    unlink(path);
    snprintf(path, sizeof path, "%s/t.pages", folder);
    unlink(path);
    rmdir(folder);
}

Test(config, a_batch_merges_its_defaults_key_by_key)
{
    struct outcome o =
        parse("defaults:\n"
              "  traces: ['-']\n"
              "  machine: {frames: 8, policy: {name: gclock, cap: 7}, costs: {memory: 1}}\n"
              "  output: {dir: out, interval: 5K}\n"
              "experiments:\n"
              "  - experiment: a\n"
              "    machine: {costs: {walk_ref: 2}}\n"
              "  - experiment: b\n"
              "    machine: {memory: 16M, policy: gclock}\n"
              "    output: {dir: own}\n"
              "    sweep: {machine.seed: [1, 2, 3]}\n",
              (const char *const[]){"warmup=10", NULL});
    const struct tide_experiment *a, *b;

    cr_assert_eq(o.rc, 0, "%s", o.said);
    cr_assert_eq(o.x.n, 2);
    a = &o.x.list[0];
    b = &o.x.list[1];
    cr_expect_str_eq(a->output_dir, "out/a");
    cr_expect_str_eq(b->output_dir, "own");
    cr_expect_eq(a->n_machines, 1);
    cr_expect_eq(b->n_machines, 3);
    cr_expect_eq(a->machines[0].frames.value, 8);
    cr_expect_eq(a->machines[0].costs.memory, 1);
    cr_expect_eq(a->machines[0].costs.walk_ref, 2);
    cr_expect_not(a->machines[0].by_memory);
    cr_expect(b->machines[0].by_memory);
    cr_expect_eq(b->machines[2].costs.memory, 1);
    cr_expect_eq(b->machines[2].seed, 3);
    cr_expect_eq(b->machines[2].warmup, 10);
    cr_expect_eq(b->machines[2].interval, 5000);
    cr_expect_not_null(strstr(a->resolved[0], "cap: 7"));
    cr_expect_null(strstr(b->resolved[0], "cap: 7"), "another policy, other options");
    done(&o);
    o = parse("defaults: {traces: ['-'], output: {dir: out}}\n"
              "experiments: [{experiment: a}, {experiment: b, output: {dir: own}}]\n",
              (const char *const[]){"output.dir=/tmp/d", NULL});
    cr_assert_eq(o.rc, 0, "%s", o.said);
    cr_expect_str_eq(o.x.list[0].output_dir, "/tmp/d/a");
    cr_expect_str_eq(o.x.list[1].output_dir, "/tmp/d/b");
    done(&o);
}

Test(config, what_does_not_change_a_run_is_not_in_its_text)
{
    struct outcome a = parse("traces: ['-']\n", NULL);
    struct outcome b =
        parse("experiment: other\ntraces: '-'\nformat: pages\n"
              "output: {dir: d, interval: 10K, curves: [lru, reuse], tau: [5K, 10]}\n"
              "machine: {page_size: 4KiB, policy: {name: lru}, seed: 1,\n"
              "  tlb: x86-skylake, page_table: {kind: radix, bits: [9, 9, 9, 9]}}\n",
              NULL);
    struct outcome c = parse("traces: ['-']\nskip: 1\n", NULL);

    cr_assert_eq(a.rc + b.rc + c.rc, 0, "%s%s%s", a.said, b.said, c.said);
    cr_expect_str_eq(a.x.list[0].resolved[0], b.x.list[0].resolved[0]);
    cr_expect_str_neq(a.x.list[0].resolved[0], c.x.list[0].resolved[0]);
    cr_expect_eq(b.x.list[0].machines[0].interval, 10000);
    cr_expect_str_eq(b.x.list[0].trace_format, "pages");
    cr_expect_eq(a.x.list[0].n_curves, 0);
    cr_assert_eq(b.x.list[0].n_curves, 1);
    cr_expect_eq(b.x.list[0].curves[0].curves.which, 1u << TIDE_CURVE_LRU | 1u << TIDE_CURVE_REUSE);
    cr_assert_eq(b.x.list[0].curves[0].n_taus, 2);
    cr_expect_eq(b.x.list[0].curves[0].taus[0], 5000);
    cr_expect_eq(b.x.list[0].curves[0].interval, 10000);
    done(&a);
    done(&b);
    done(&c);
}

Test(config, the_default_machine_prints_with_every_value)
{
    static const char golden[] =
        "machine:\n"
        "  page_size: 4K\n"
        "  frames: 50%%\n"
        "  policy: lru\n"
        "  observe: every-reference\n"
        "  flush_on_clear: no\n"
        "  references: every\n"
        "  tlb:\n"
        "    - {name: l1i, level: 1, for: instruction, entries: 128, ways: 8, policy: lru, "
        "page_sizes: [4K], latency: 0}\n"
        "    - {name: l1d, level: 1, for: data, entries: 64, ways: 4, policy: lru, "
        "page_sizes: [4K], latency: 0}\n"
        "    - {name: l2, level: 2, for: both, entries: 1536, ways: 12, policy: lru, "
        "page_sizes: [4K], latency: 9}\n"
        "  page_table:\n"
        "    kind: radix\n"
        "    levels: 4\n"
        "    bits: [9, 9, 9, 9]\n"
        "    entry_bytes: 8\n"
        "    walk_caches: []\n"
        "  page_cache: cold\n"
        "  costs:\n"
        "    memory: %" PRIu64 "\n"
        "    walk_ref: %" PRIu64 "\n"
        "    minor_fault: %" PRIu64 "\n"
        "    major_fault: %" PRIu64 "\n"
        "    writeback: %" PRIu64 "\n"
        "  seed: 1\n"
        "warmup: 0\n"
        "skip: 0\n"
        "limit: all\n";
    struct tide_machine_config c;
    char want[2048], *text;

    tide_machine_defaults(&c);
    snprintf(want, sizeof want, golden, c.costs.memory, c.costs.walk_ref, c.costs.minor_fault,
             c.costs.major_fault, c.costs.writeback);
    text = tide_machine_print(&c);
    cr_expect_str_eq(text, want);
    free(text);
}

/* ---- the command line ---- */

Test(config, one_key_is_set_from_the_command_line)
{
    static const struct {
        const char *key, *value, *line; /* of the printed machine; NULL: refused */
    } cases[] = {
        {"policy", "clock", "  policy: {name: clock, initial_bit: 1}\n"},
        {"policy", "{name: gclock, cap: 9}", "  policy: {name: gclock, cap: 9,"},
        {"frames", "25%", "  frames: 25%\n"},
        {"frames", "10", "  frames: 10\n"},
        {"memory", "64M", "  memory: 64M\n"},
        {"page_size", "2M", "    bits: [9, 9, 9]\n"},
        {"page_size", "16K", "entries: 64, ways: 4, policy: lru, page_sizes: [16K]"},
        {"tlb", "none", "  tlb: none\n"},
        {"tlb", "drcachesim", "for: data, entries: 32, ways: full, policy: lfu"},
        {"tlb", "champsim", "      - {level: 4, entries: 4, ways: full}\n"},
        {"tlb", "[{name: t, entries: 4}]",
         "    - {name: t, level: 1, for: both, entries: 4, ways: full, policy: lru, page_sizes: "
         "[4K], latency: 0}\n"},
        {"tlb.l1d.entries", "32", "for: data, entries: 32, ways: 4"},
        {"page_table.levels", "5", "    bits: [9, 9, 9, 9, 9]\n"},
        {"costs.memory", "7", "    memory: 7\n"},
        {"references", "collapsed", "  references: collapsed\n"},
        {"observe", "accessed-bit", NULL}, /* lru needs the order */
        {"flush_on_clear", "yes", NULL},
        {"limit", "20K", "limit: 20000\n"},
        {"seed", "18446744073709551615", "  seed: 18446744073709551615\n"},
        {"policy", "lur", NULL},
        {"frames", "0", NULL},
        {"frames", "64M", NULL},
        {"memory", "64", NULL},
        {"tlb", "[{name: t, entries: 12, ways: 5}]", NULL},
        {"nothing", "1", NULL},
        {"policy", "", NULL},
        {"policy", "{", NULL},
        {"traces", "x", NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tide_machine_config c, before;
        struct tide_error e = {0};
        char *text;
        int rc;

        tide_machine_defaults(&c);
        before = c;
        rc = tide_machine_set(&c, cases[i].key, cases[i].value, &e);
        cr_expect_eq(rc, cases[i].line != NULL ? 0 : TIDE_E_CONFIG, "%s=%s: %s", cases[i].key,
                     cases[i].value, e.what);
        if (cases[i].line == NULL) {
            cr_expect_neq(e.what[0], '\0');
            cr_expect_eq(memcmp(&c, &before, sizeof c), 0, "%s=%s", cases[i].key, cases[i].value);
            continue;
        }
        text = tide_machine_print(&c);
        cr_expect_not_null(strstr(text, cases[i].line), "%s=%s:\n%s", cases[i].key, cases[i].value,
                           text);
        free(text);
    }
}

/* ---- presets ---- */

static int check_preset(void *context, const char *name, const char *path, const char *description,
                        struct tide_error *e)
{
    static const char *const sizes[] = {"4K", "16K", "64K", "2M", "1G"};
    unsigned *served = context, here = 0;

    (void)path, (void)description, (void)e;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct tide_machine_config c;
        struct tide_error why = {0};

        tide_machine_defaults(&c);
        cr_assert_eq(tide_machine_set(&c, "page_size", sizes[i], &why), 0);
        if (tide_machine_set(&c, "tlb", name, &why) == 0) {
            cr_expect_eq(tide_machine_check(&c, &why), 0, "%s: %s", name, why.what);
            cr_expect_neq(c.tlb.n, 0);
            for (unsigned k = 0; k < c.tlb.n; k++)
                cr_expect_eq(c.tlb.arrays[k].n_sizes, 0, "%s has an array that is not used", name);
            here++;
        } else {
            cr_expect_not_null(strstr(why.what, "has no array for"), "%s: %s %s", name, why.where,
                               why.what);
        }
    }
    cr_expect_geq(here, 1, "%s serves no page size", name);
    (*served)++;
    return 0;
}

Test(config, every_preset_makes_a_machine_for_each_size_it_has)
{
    unsigned n = 0;
    struct tide_error e;

    cr_assert_eq(tide_presets_each(check_preset, &n, &e), 0, "%s: %s", e.where, e.what);
    cr_expect_geq(n, 12);
}

static int stop_at_second(void *context, const char *name, const char *path,
                          const char *description, struct tide_error *e)
{
    (void)name, (void)path, (void)description;
    return ++*(int *)context == 2 ? tide_fail(e, TIDE_E_RUN, "enough") : 0;
}

Test(config, listing_presets_ends_with_the_callers_error)
{
    struct tide_error e;
    int n = 0;

    cr_expect_eq(tide_presets_each(stop_at_second, &n, &e), TIDE_E_RUN);
    cr_expect_eq(n, 2);
    setenv("TIDE_PRESETS", "/nonexistent", 1);
    cr_expect_eq(tide_presets_each(stop_at_second, &n, &e), TIDE_E_IO);
    cr_expect_str_eq(e.where, "/nonexistent");
}

Test(config, a_wrong_preset_is_reported_in_its_own_file)
{
    setenv("TIDE_PRESETS", DATA "/presets", 1);
    for (int i = 0; i < 2; i++) {
        struct outcome o = parse(i == 0 ? "traces: ['-']\nmachine: {tlb: wrong-ways}\n"
                                        : "traces: ['-']\nmachine: {tlb: wrong-keys}\n",
                                 NULL);

        cr_expect_eq(o.rc, TIDE_E_CONFIG);
        cr_expect_eq(o.errors, 2, "%s", o.said);
        cr_expect_not_null(strstr(o.said, i == 0 ? "presets/wrong-ways.yaml:5:5: error: "
                                                 : "presets/wrong-keys.yaml:1:1: error: "),
                           "%s", o.said);
        done(&o);
    }
}

/* ---- laws ---- */

static void random_machine(struct tide_rng *r, struct tide_machine_config *c)
{
    static const char *const page_sizes[] = {"4K", "16K", "64K", "2M", "64B"};
    static const char *const tlbs[] = {
        "none",
        "x86-skylake",
        "arm-neoverse-n1",
        "drcachesim",
        "champsim",
        "virtuoso",
        "[{name: a, entries: 8, ways: 2, policy: plru, page_sizes: [4K, 2M]},"
        " {name: b, level: 2, for: data, entries: 16, policy: fifo, latency: 3}]"};
    static const char *const tables[] = {"{levels: 3}", "{bits: [4, 9, 9]}", "{entry_bytes: 4}",
                                         "{walk_caches: [{level: 2, entries: 16, ways: 4}]}"};
    char value[64];
    size_t n = 0;

    tide_machine_defaults(c);
    /* Some choices do not fit the others: then the machine stays as it was, which is as good. */
    (void)!tide_machine_set(c, "page_size", page_sizes[tide_rng_below(r, 5)], NULL);
    (void)!tide_machine_set(c, "page_table", tables[tide_rng_below(r, 4)], NULL);
    (void)!tide_machine_set(c, "tlb", tlbs[tide_rng_below(r, 7)], NULL);
    while (tide_policies[n] != NULL)
        n++;
    c->policy = tide_policies[tide_rng_below(r, n)];
    (void)!tide_machine_set(c, "policy", c->policy->name, NULL);
    if (tide_rng_below(r, 2) == 0)
        snprintf(value, sizeof value, "%" PRIu64 ".%06" PRIu64 "%%", tide_rng_below(r, 100),
                 1 + tide_rng_below(r, 999999));
    else
        snprintf(value, sizeof value, "%" PRIu64, 1 + tide_rng_below(r, 1u << 30));
    cr_assert_eq(tide_machine_set(c, "frames", value, NULL), 0, "%s", value);
    if (tide_rng_below(r, 3) == 0) {
        snprintf(value, sizeof value, "%" PRIu64 "K", 1024 + tide_rng_below(r, 1u << 20) * 64);
        (void)!tide_machine_set(c, "memory", value, NULL);
    }
    (void)!tide_machine_set(c, "observe", "accessed-bit", NULL);
    c->flush_on_clear = c->observe == TIDE_OBSERVE_ACCESSED_BIT && tide_rng_below(r, 2);
    c->references = tide_rng_below(r, 2) || c->policy->variable_space ? TIDE_REFERENCES_EVERY
                                                                      : TIDE_REFERENCES_COLLAPSED;
    c->page_cache_warm = tide_rng_below(r, 2);
    c->seed = tide_rng_next(r);
    c->warmup = tide_rng_next(r) >> tide_rng_below(r, 64);
    c->skip = tide_rng_next(r) >> tide_rng_below(r, 64);
    if (tide_rng_below(r, 2) == 0)
        c->limit = 1 + (tide_rng_next(r) >> (1 + tide_rng_below(r, 63)));
    c->costs.major_fault = tide_rng_below(r, TIDE_COST_MAX + 1);
}

Test(config, a_printed_machine_reads_back_as_itself)
{
    for (uint64_t seed = 1; seed <= 500; seed++) {
        struct tide_machine_config c;
        struct tide_rng r;
        struct outcome o;
        char *text, *file;

        tide_rng_init(&r, seed, "config");
        random_machine(&r, &c);
        text = tide_machine_print(&c);
        file = tide_asprintf("traces: ['-']\n%s", text);
        o = parse(file, NULL);
        cr_assert_eq(o.rc, 0, "seed %" PRIu64 ":\n%s%s", seed, file, o.said);
        cr_expect_str_eq(o.x.list[0].resolved[0], text, "seed %" PRIu64, seed);
        cr_expect_eq(memcmp(&o.x.list[0].machines[0].tlb, &c.tlb, sizeof c.tlb) &
                         (c.tlb.n == 0 || c.tlb.arrays[0].n_sizes == 0),
                     0, "seed %" PRIu64, seed);
        cr_expect_eq(o.x.list[0].machines[0].policy, c.policy);
        cr_expect_eq(o.x.list[0].machines[0].limit, c.limit);
        cr_expect_eq(o.x.list[0].machines[0].seed, c.seed);
        free(text);
        free(file);
        done(&o);
    }
}

static const char everything[] =
    "defaults:\n"
    "  traces: ['-']\n"
    "experiments:\n"
    "  - experiment: one\n"
    "    machine:\n"
    "      page_size: 4K\n"
    "      frames: 50%\n"
    "      policy: {name: gclock, cap: 3}\n"
    "      tlb:\n"
    "        - {name: l1, level: 1, for: both, entries: 64, ways: 4, page_sizes: [4K, 2M]}\n"
    "        - name: l2\n"
    "          level: 2\n"
    "          entries: 128\n"
    "          ways: full\n"
    "      page_table: {kind: radix, bits: [9, 9, 9, 9], walk_caches: [{level: 2, entries: 4}]}\n"
    "      costs: {memory: 5, walk_ref: 20}\n"
    "    sweep:\n"
    "      machine.frames: [10%, 25%]\n"
    "      machine.tlb.l1.entries: [32, 64]\n"
    "    output: {dir: ../x, interval: 100K, curves: [opt], tau: [1K, 2K]}\n"
    "  - {experiment: two, machine: {memory: 64M, tlb: champsim}, warmup: 10K, limit: 1M}\n";

/* There in a sanitizer build: nonzero if memory has been lost. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static void nothing_is_lost(void)
{
    if (__lsan_do_recoverable_leak_check != NULL)
        cr_expect_eq(__lsan_do_recoverable_leak_check(), 0, "memory is lost");
}

Test(config, a_failing_allocation_is_an_error_and_leaks_nothing)
{
    static const char *const overrides[] = {"machine.seed=4", "sweep.machine.policy=[lru, fifo]",
                                            NULL};
    long n = 1;

    for (;; n++) {
        struct outcome o = {0};
        struct tide_diagnostics d = {.out = stderr};
        int rc;

        tide_mem_fail_after(n);
        rc = tide_experiments_parse(everything, sizeof everything - 1, "x.yaml", "", overrides, 2,
                                    &o.x, &d, &o.e);
        tide_mem_fail_after(0);
        if (rc == 0) {
            tide_experiments_free(&o.x);
            break;
        }
        cr_assert_eq(rc, TIDE_E_NOMEM, "allocation %ld: %s", n, o.e.what);
        cr_assert_eq(o.x.n, 0);
        cr_expect_eq(d.errors, 0, "allocation %ld: half a report", n);
    }
    cr_expect_gt(n, 20);
    nothing_is_lost();
}

Test(config, a_failing_allocation_leaves_the_machine_as_it_was)
{
    struct tide_machine_config c, before;
    long n = 1;

    tide_machine_defaults(&c);
    before = c;
    for (;; n++) {
        int rc;

        tide_mem_fail_after(n);
        rc = tide_machine_set(&c, "tlb", "champsim", NULL);
        tide_mem_fail_after(0);
        if (rc == 0)
            break;
        cr_assert_eq(rc, TIDE_E_NOMEM, "allocation %ld", n);
        cr_expect_eq(memcmp(&c, &before, sizeof c), 0, "allocation %ld", n);
    }
    cr_expect_gt(n, 5);
    cr_expect_eq(c.pagetable.n_walk_caches, 3, "levels 2 to 4 of a table with four");
    nothing_is_lost();
}

/* Mutations of a good file never do more than report something. */
Test(config, mangled_files_are_reported_and_nothing_else)
{
    static const char bits[] = "{}[]:,-&*!|>'\"%@`#\n\t 0aK\xff\xc3";
    unsigned refused = 0, accepted = 0;

    for (uint64_t seed = 1; seed <= 4000; seed++) {
        char text[2 * sizeof everything];
        size_t n = sizeof everything - 1;
        struct tide_rng r;
        struct outcome o;

        memcpy(text, everything, n);
        tide_rng_init(&r, seed, "mangle");
        for (uint64_t k = 1 + tide_rng_below(&r, 4); k > 0; k--) {
            size_t at = tide_rng_below(&r, n), length = 1 + tide_rng_below(&r, 12);

            if (length > n - at)
                length = n - at;
            switch (tide_rng_below(&r, 4)) {
            case 0: /* another character */
                text[at] = bits[tide_rng_below(&r, sizeof bits - 1)];
                break;
            case 1: /* a piece less */
                memmove(text + at, text + at + length, n - at - length);
                n -= length;
                break;
            case 2: /* a piece twice */
                memmove(text + at + length, text + at, n - at);
                n += length;
                break;
            default: /* the end is missing */
                if (tide_rng_below(&r, 8) == 0)
                    n = at + 1;
            }
        }
        o = parse_bytes(text, n, "", NULL);
        cr_assert(o.rc == 0 || o.rc == TIDE_E_CONFIG, "seed %" PRIu64 ": %d", seed, o.rc);
        cr_assert_eq(o.rc == 0, o.errors == 0, "seed %" PRIu64, seed);
        cr_assert_eq(o.rc == 0, o.said[0] == '\0', "seed %" PRIu64, seed);
        if (o.rc == 0)
            accepted++;
        else
            refused++;
        done(&o);
    }
    cr_expect_gt(refused, 1000);
    cr_expect_gt(accepted, 50);
}
