/* pagetide trace generate: synthetic traces. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/trace_out.h"
#include "config/phases.h"

enum { FLAG_SEED = CLI_LONG, FLAG_REPEAT, FLAG_SPEC };

/* "zipf,pages=1000,skew=80" */
static int read_phase(const struct cli_args *args, const char *text, struct tide_phases *ps,
                      struct tide_error *e)
{
    struct cli_list parts = {0};
    enum tide_pattern pattern;
    struct tide_phase p;
    int rc = cli_list_split(&parts, text, e);

    if (rc == 0 && (rc = tide_pattern_find(parts.items[0], &pattern, e)) == 0)
        tide_phase_init(&p, pattern);
    for (size_t i = 1; rc == 0 && i < parts.n; i++) {
        char *equals = strchr(parts.items[i], '=');

        if (equals == NULL) {
            rc = cli_usage(args, e, "'%.100s' is no parameter: NAME=VALUE was expected",
                           parts.items[i]);
            break;
        }
        *equals = '\0';
        rc = tide_option_set(tide_phase_options, &p, "phase", parts.items[i], equals + 1, e);
    }
    if (rc == 0)
        rc = tide_phase_check(&p, e);
    if (rc == TIDE_E_CONFIG) { /* of the command line, here */
        e->code = rc = TIDE_E_USAGE;
        tide_error_where(e, "%.300s", text);
    }
    cli_list_fini(&parts);
    return rc == 0 ? tide_phases_add(ps, &p, e) : rc;
}

static int load(const char *path, struct tide_phases *ps, struct tide_error *e)
{
    struct tide_diagnostics d = {.out = stderr};
    int rc = tide_phases_load(path, ps, &d, e);

    if (rc == TIDE_E_CONFIG && d.errors > 0)
        e->what[0] = '\0'; /* said already, with line and column */
    return rc;
}

/* The phases as words of this command, defaults included: what makes the trace again. */
static char *describe(const struct tide_phases *ps)
{
    char *text = tide_asprintf("pagetide trace generate --seed %llu --repeat %llu",
                               (unsigned long long)ps->seed, (unsigned long long)ps->repeat);

    for (size_t i = 0; text != NULL && i < ps->n; i++) {
        char words[512];
        size_t n =
            (size_t)snprintf(words, sizeof words, " %s", tide_pattern_names[ps->items[i].pattern]);
        char *longer;

        for (const struct tide_option *o = tide_phase_options; o->name != NULL; o++) {
            char value[64];

            tide_option_print(o, &ps->items[i], value, sizeof value);
            n += (size_t)snprintf(words + n, sizeof words - n, ",%s=%s", o->name, value);
        }
        longer = tide_asprintf("%s%s", text, words);
        free(text);
        text = longer;
    }
    return text;
}

static int write_trace(const struct tide_phases *ps, struct cli_out *out, struct tide_error *e)
{
    struct tide_block *b = tide_malloc(sizeof *b);
    struct tide_generator *g = NULL;
    const struct tide_trace_info nothing = {0};
    char *command = describe(ps);
    int rc = b == NULL || command == NULL ? tide_nomem(e) : 0;

    out->options.command = command;
    cli_meter_init(&out->meter, "writing", out->path, out->quiet);
    if (rc == 0)
        rc = cli_out_open(out, &nothing, e);
    if (rc == 0 && (g = tide_generator_new(ps->items, ps->n, ps->repeat, ps->seed, e)) == NULL)
        rc = TIDE_E_NOMEM;
    while (rc == 0 && !tide_sink_unread(out->sink) && (rc = tide_generator_next(g, b, e)) > 0) {
        rc = tide_sink_put(out->sink, b, NULL, e);
        cli_meter_show(&out->meter, b->first + b->n_accesses, 0, 0);
    }
    rc = cli_out_end(out, NULL, true, rc, e);
    tide_generator_free(g);
    free(command);
    free(b);
    return rc;
}

static int generate(struct cli_args *args, struct tide_error *e)
{
    struct tide_phases ps = TIDE_PHASES_INIT;
    struct cli_out out = CLI_OUT_INIT;
    uint64_t seed = 0, repeat = 0;
    bool seeded = false;
    const char *value, *spec = NULL;
    int flag, rc = 0;

    while (rc == 0 && (flag = cli_next(args, &value, e)) != CLI_END) {
        bool taken;

        rc = flag < 0 ? flag : cli_out_flag(args, &out, flag, value, &taken, e);
        if (rc != 0 || taken)
            continue;
        if (flag == CLI_WORD) {
            rc = read_phase(args, value, &ps, e);
        } else if (flag == FLAG_SPEC) {
            spec = value;
        } else if (flag == FLAG_SEED) {
            rc = cli_count(args, "--seed", value, 0, UINT64_MAX, &seed, e);
            seeded = true;
        } else if (flag == FLAG_REPEAT) {
            rc = cli_count(args, "--repeat", value, 1, UINT64_MAX, &repeat, e);
        }
    }
    if (rc == 0 && spec != NULL && ps.n > 0)
        rc = cli_usage(args, e, "phases come from the command line or from --spec, not from both");
    if (rc == 0 && spec == NULL && ps.n == 0)
        rc = cli_usage(args, e, "which pattern? PHASE is missing");
    if (rc == 0)
        rc = cli_out_check(args, &out, &spec, spec != NULL, e);
    if (rc == 0 && spec != NULL)
        rc = load(spec, &ps, e);
    if (seeded)
        ps.seed = seed;
    if (repeat > 0)
        ps.repeat = repeat;
    if (rc == 0)
        rc = write_trace(&ps, &out, e);
    tide_phases_fini(&ps);
    return rc;
}

static const struct cli_flag flags[] = {
    {FLAG_SEED, "seed", "N", "of all that is random (default 1)"},
    {FLAG_REPEAT, "repeat", "N", "all phases N times, in order (default 1)"},
    {FLAG_SPEC, "spec", "FILE",
     "the phases from a YAML file: seed, repeat, and a list phases of\n"
     "{pattern: zipf, pages: 1000, ...}"},
    CLI_OUT_FLAGS,
    {0},
};

const struct cli_command cli_trace_generate = {
    .name = "trace generate",
    .group = "trace",
    .synopsis = "PHASE... -o FILE | --spec FILE -o FILE",
    .summary = "write a synthetic trace",
    .about =
        "A PHASE is a pattern with parameters: zipf,pages=1000,skew=80. Phases follow each other.\n"
        "  sequential   step by step through the region, over and over\n"
        "  strided      the same by steps of stride bytes\n"
        "  uniform      every page with equal chance\n"
        "  zipf         rank r of the pages with chance 1/r^(skew/100)\n"
        "  loop         one access to each page in turn, over and over\n"
        "  chase        along one random cycle through all pages\n"
        "  ramp         uniform over a working set that grows from `from` pages to all\n"
        "  scan-mix     zipf in one half, mixed with a scan of the other half\n"
        "Parameters and defaults: accesses=100K pages=1024 base=0 (pages) size=8B stride=4K\n"
        "skew=100 from=1 writes=25% scan=20%. Equal phases and seed make equal traces.\n",
    .examples =
        "  pagetide trace generate zipf,pages=10K,accesses=5M -o zipf.tide\n"
        "  pagetide trace generate loop,pages=64 uniform,pages=500 --repeat 10 -o x.pages\n",
    .flags = flags,
    .run = generate,
};
