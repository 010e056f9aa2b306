/* From a file to experiments: defaults, overrides, sweeps. See experiment.h, and settings.h for
 * how values are put over each other.
 *
 * A sweep is decoded point by point, each from its layers; what is wrong in a value is found at
 * every point it is part of and reported once (problems.h).
 */
#include "config/experiment.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/machine_yaml.h"
#include "config/settings.h"
#include "config/textfile.h"
#include "config/traces.h"
#include "config/yaml.h"
#include "trace/reader.h"

enum { RUNS_MAX = 100000, AXES_MAX = 16, FORMATS_MAX = 64 };

/* One -s: a path and its value. */
struct override {
    const char *path;
    const struct tide_yaml *value;
};

struct overrides {
    const struct override *list;
    size_t n;
    struct tide_layer layer; /* those that are not sweeps */
};

struct axis {
    const char *path;
    struct tide_place at;
    const struct tide_yaml *values; /* a sequence of at least one */
};

struct sweep {
    struct axis axes[AXES_MAX];
    size_t n;
    size_t points; /* product of the lengths, at most RUNS_MAX + 1 */
};

/* ---- -s ---- */

static const char sweep_prefix[] = "sweep.";

static bool is_sweep(const char *path)
{
    return strcmp(path, "sweep") == 0 || strncmp(path, sweep_prefix, sizeof sweep_prefix - 1) == 0;
}

static void read_override(struct tide_load *l, const char *text, struct override *o,
                          struct tide_layer *layer)
{
    const char *equals = strchr(text, '=');
    const char *name = tide_arena_printf(&l->arena, "-s %s", text);
    const struct tide_source *source;
    struct tide_place at;

    if (name == NULL) {
        l->problems.out_of_memory = true;
        return;
    }
    source = tide_load_source(l, name, equals != NULL ? equals + 1 : "",
                              equals != NULL ? strlen(equals + 1) : 0, true);
    if (source == NULL)
        return;
    at = (struct tide_place){source, 0, 0, 1};
    if (equals == NULL || equals == text || equals[1] == '\0') {
        tide_problem_hint(&l->problems,
                          tide_problem_at(&l->problems, at, "not of the form KEY=VALUE"),
                          "for example: -s machine.policy=clock");
        return;
    }
    o->path = tide_arena_copy(&l->arena, text, (size_t)(equals - text));
    o->value = tide_yaml_parse(source, &l->problems);
    if (o->path == NULL)
        l->problems.out_of_memory = true;
    else if (o->value != NULL && !is_sweep(o->path))
        tide_layer_set(l, layer, o->path, at, o->value);
}

static void read_overrides(struct tide_load *l, const char *const *texts, size_t n,
                           struct overrides *out)
{
    struct override *list = tide_arena_alloc(&l->arena, (n + 1) * sizeof *list);

    if (list == NULL) {
        l->problems.out_of_memory = true;
        return;
    }
    out->list = list;
    for (size_t i = 0; i < n; i++) {
        struct tide_layer one = {0};

        read_override(l, texts[i], &list[out->n], &one);
        if (list[out->n].path == NULL || list[out->n].value == NULL)
            continue;
        out->n++;
        tide_layer_cover(l, &out->layer, &one); /* a later -s wins */
    }
}

/* ---- sweeps ---- */

static void add_axis(struct tide_load *l, struct sweep *s, const char *path, struct tide_place at,
                     const struct tide_yaml *values)
{
    struct tide_problem *p;
    size_t i;

    if (values->refused)
        return;
    if (!tide_path_sweepable(path)) {
        p = tide_problem_at(&l->problems, at, "'%s' can't be swept", path);
        tide_problem_hint(&l->problems, p,
                          "what can be: machine and all below it, warmup, skip, limit");
        return;
    }
    if (values->type != TIDE_YAML_SEQUENCE || values->n == 0) {
        p = tide_problem_at(&l->problems, values->place, "%s must be swept over a list of values",
                            path);
        tide_problem_hint(&l->problems, p, "like [a, b]; one value goes into the machine itself");
        return;
    }
    for (i = 0; i < s->n; i++)
        if (strcmp(s->axes[i].path, path) == 0)
            break; /* of -s: instead of the file's, at its position */
    if (i == AXES_MAX) {
        tide_problem_at(&l->problems, at, "a sweep has at most %d keys", AXES_MAX);
        return;
    }
    s->axes[i] = (struct axis){path, at, values};
    if (i == s->n)
        s->n++;
}

static void add_axes(struct tide_load *l, struct sweep *s, const struct tide_yaml *mapping)
{
    if (mapping->type != TIDE_YAML_MAPPING) {
        tide_problem_hint(&l->problems,
                          tide_problem_at(&l->problems, mapping->place,
                                          "sweep must be a mapping of keys to lists"),
                          "like machine.policy: [fifo, lru]");
        return;
    }
    for (size_t i = 0; i < mapping->n; i++)
        if (tide_yaml_get(mapping, mapping->keys[i]->text) == mapping->values[i])
            add_axis(l, s, mapping->keys[i]->text, mapping->keys[i]->place, mapping->values[i]);
}

/* The file's sweep without what -s sets to one value, and with what -s sweeps. */
static void read_sweep(struct tide_load *l, const struct tide_yaml *mapping,
                       const struct overrides *o, struct sweep *s)
{
    size_t kept = 0;

    *s = (struct sweep){.points = 1};
    for (size_t i = 0; i < o->n; i++)
        if (strcmp(o->list[i].path, "sweep") == 0)
            mapping = o->list[i].value;
    if (mapping != NULL)
        add_axes(l, s, mapping);
    for (size_t i = 0; i < s->n; i++) {
        bool covered = false;

        for (size_t k = 0; k < o->n; k++)
            covered = covered || (!is_sweep(o->list[k].path) &&
                                  tide_path_covers(o->list[k].path, s->axes[i].path));
        if (!covered)
            s->axes[kept++] = s->axes[i];
    }
    s->n = kept;
    for (size_t i = 0; i < o->n; i++)
        if (strncmp(o->list[i].path, sweep_prefix, sizeof sweep_prefix - 1) == 0)
            add_axis(l, s, o->list[i].path + sizeof sweep_prefix - 1, o->list[i].value->place,
                     o->list[i].value);
    for (size_t i = 0; i < s->n; i++) {
        s->points *= s->axes[i].values->n;
        if (s->points > RUNS_MAX)
            s->points = RUNS_MAX + 1;
    }
}

/* Values of point `k`; the last axis is the fastest. */
static void sweep_layer(struct tide_load *l, const struct sweep *s, size_t k,
                        struct tide_layer *layer)
{
    const struct tide_yaml *value[AXES_MAX];

    for (size_t i = s->n; i-- > 0; k /= s->axes[i].values->n)
        value[i] = s->axes[i].values->values[k % s->axes[i].values->n];
    for (size_t i = 0; i < s->n; i++)
        tide_layer_set(l, layer, s->axes[i].path, s->axes[i].at, value[i]);
}

/* ---- one experiment ---- */

static char *copy_out(struct tide_load *l, const char *s)
{
    char *copy = tide_strdup(s);

    if (copy == NULL)
        l->problems.out_of_memory = true;
    return copy;
}

static void build_machines(struct tide_load *l, const struct tide_layer *base,
                           const struct sweep *sweep, const struct tide_layer *top,
                           struct tide_experiment *x)
{
    x->machines = tide_calloc(sweep->points, sizeof *x->machines);
    x->resolved = tide_calloc(sweep->points, sizeof *x->resolved);
    if (x->machines == NULL || x->resolved == NULL) {
        l->problems.out_of_memory = true;
        return;
    }
    for (size_t k = 0; k < sweep->points && !l->problems.out_of_memory; k++) {
        struct tide_layer layer = *base, point = {.root = base->root};
        size_t before = l->problems.raised;

        sweep_layer(l, sweep, k, &point);
        tide_layer_cover(l, &layer, &point);
        tide_layer_cover(l, &layer, top);
        tide_machine_defaults(&x->machines[k]);
        tide_machine_apply(l, &layer, true, &x->machines[k]);
        x->n_machines = k + 1;
        if (l->problems.raised != before)
            continue;
        x->resolved[k] = tide_machine_print(&x->machines[k]);
        if (x->resolved[k] == NULL)
            l->problems.out_of_memory = true;
    }
}

struct twin {
    const char *text;
    size_t index;
};

static int compare_twins(const void *a, const void *b)
{
    return strcmp(((const struct twin *)a)->text, ((const struct twin *)b)->text);
}

/* Two points that make the same machine would be one run with two rows. */
static void refuse_twins(struct tide_load *l, const struct tide_experiment *x, struct tide_place at)
{
    struct twin *twins = tide_calloc(x->n_machines, sizeof *twins);

    if (twins == NULL) {
        l->problems.out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < x->n_machines; i++)
        twins[i] = (struct twin){x->resolved[i], i + 1};
    qsort(twins, x->n_machines, sizeof *twins, compare_twins);
    for (size_t i = 1; i < x->n_machines; i++) {
        size_t a = twins[i - 1].index, b = twins[i].index;

        if (strcmp(twins[i - 1].text, twins[i].text) != 0)
            continue;
        tide_problem_hint(&l->problems,
                          tide_problem_at(&l->problems, at,
                                          "points %zu and %zu of the sweep are one machine",
                                          a < b ? a : b, a < b ? b : a),
                          "two values that mean the same stand in a list");
        break;
    }
    free(twins);
}

static void read_format(struct tide_load *l, const struct tide_yaml *value,
                        struct tide_experiment *x)
{
    const char *names[FORMATS_MAX];
    size_t n = 0;
    int i;

    for (; tide_formats[n] != NULL && n < FORMATS_MAX; n++)
        names[n] = tide_formats[n]->name;
    i = tide_read_choice(l, value, tide_key_path(TIDE_KEY_FORMAT), "trace format", names, n);
    if (i >= 0)
        x->trace_format = copy_out(l, names[i]);
}

/* A list; one value alone stands for a list of one. */
static const struct tide_yaml *item(const struct tide_yaml *list, size_t i)
{
    if (list->type == TIDE_YAML_SEQUENCE)
        return i < list->n ? list->values[i] : NULL;
    return i == 0 ? list : NULL;
}

static unsigned read_curve_names(struct tide_load *l, const struct tide_yaml *list)
{
    const struct tide_yaml *value;
    unsigned which = 0;

    for (size_t i = 0; list != NULL && (value = item(list, i)) != NULL; i++) {
        int k = tide_read_choice(l, value, tide_key_path(TIDE_KEY_OUTPUT_CURVES), "curve",
                                 tide_curve_names, TIDE_CURVES);

        if (k >= 0 && (which & 1u << k) != 0)
            tide_problem_at(&l->problems, value->place, "curve '%s' is there twice",
                            tide_curve_names[k]);
        which |= k >= 0 ? 1u << k : 0;
    }
    return which;
}

static void read_taus(struct tide_load *l, const struct tide_yaml *list,
                      struct tide_curve_plan *plan)
{
    const struct tide_yaml *value;

    for (size_t i = 0; (value = item(list, i)) != NULL; i++) {
        uint64_t tau, *grown;

        if (!tide_read_number(l, value, tide_key_path(TIDE_KEY_OUTPUT_TAU), tide_parse_count, &tau))
            continue;
        for (size_t k = 0; k < plan->n_taus; k++)
            if (plan->taus[k] == tau)
                tide_problem_at(&l->problems, value->place, "output.tau: a window is there twice");
        if (tau == 0)
            tide_problem_at(&l->problems, value->place, "output.tau: a window holds 1 or more");
        grown = tide_realloc(plan->taus, (plan->n_taus + 1) * sizeof *grown);
        if (grown == NULL) {
            l->problems.out_of_memory = true;
            return;
        }
        plan->taus = grown;
        plan->taus[plan->n_taus++] = tau;
    }
}

/* The plan for one page size; false once memory has run out. */
static bool add_plan(struct tide_load *l, const struct tide_layer *layer, unsigned which,
                     const struct tide_machine_config *c, struct tide_experiment *x)
{
    const struct tide_yaml *taus = layer->slot[TIDE_KEY_OUTPUT_TAU];
    struct tide_curve_plan *grown = tide_realloc(x->curves, (x->n_curves + 1) * sizeof *grown);

    if (grown == NULL) {
        l->problems.out_of_memory = true;
        return false;
    }
    x->curves = grown;
    grown[x->n_curves] = (struct tide_curve_plan){.curves = {.geometry = tide_machine_geometry(c),
                                                             .skip = c->skip,
                                                             .warmup = c->warmup,
                                                             .limit = c->limit,
                                                             .which = which},
                                                  .interval = c->interval};
    if (taus != NULL)
        read_taus(l, taus, &grown[x->n_curves]);
    x->n_curves++;
    return true;
}

/* Curves of each page size among the machines, for the references that these replay. */
static void read_curves(struct tide_load *l, const struct tide_layer *layer,
                        struct tide_experiment *x)
{
    const struct tide_yaml *names = layer->slot[TIDE_KEY_OUTPUT_CURVES];
    const struct tide_yaml *taus = layer->slot[TIDE_KEY_OUTPUT_TAU];
    unsigned which = read_curve_names(l, names);
    const struct tide_yaml *at = names != NULL ? names : taus;

    if (which == 0 && (taus == NULL || item(taus, 0) == NULL))
        return;
    if (taus != NULL && layer->slot[TIDE_KEY_OUTPUT_INTERVAL] == NULL) {
        tide_problem_hint(
            &l->problems,
            tide_problem_at(&l->problems, taus->place, "output.tau without output.interval: when?"),
            "write interval: 100K, the references between two rows of wst.csv");
        return;
    }
    for (size_t i = 0; i < x->n_machines; i++) {
        const struct tide_machine_config *c = &x->machines[i];
        const struct tide_curves_config *known = NULL;

        for (size_t k = 0; k < x->n_curves; k++)
            if (x->curves[k].curves.geometry.page_shift == c->page_shift)
                known = &x->curves[k].curves;
        if (known == NULL) {
            size_t raised = l->problems.raised;

            if (!add_plan(l, layer, which, c, x) || l->problems.raised > raised)
                return;
        } else if (known->skip != c->skip || known->warmup != c->warmup ||
                   known->limit != c->limit) {
            tide_problem_hint(
                &l->problems,
                tide_problem_at(&l->problems, at->place,
                                "output.curves: machines of one page size replay different parts"),
                "rows of curves tell traces and page sizes apart, not skip, warmup and limit: "
                "sweep "
                "these in an experiment without curves");
            return;
        }
    }
}

struct file {
    const char *base_dir;
    const char *default_name;
    const struct overrides *overrides;
    bool shared_dir; /* experiments of a batch get folders of their own below a common one */
};

static void read_output(struct tide_load *l, const struct file *f, const struct tide_layer *layer,
                        bool own_dir, struct tide_experiment *x)
{
    const struct tide_yaml *dir = layer->slot[TIDE_KEY_OUTPUT_DIR];
    const char *word;
    char *path;

    if (dir == NULL || !tide_read_word(l, dir, tide_key_path(TIDE_KEY_OUTPUT_DIR), &word))
        return;
    path = tide_path_join(l, dir->place.source->command_line ? "" : f->base_dir, word);
    if (path != NULL && !own_dir && f->shared_dir && x->name != NULL)
        path = tide_path_join(l, path, x->name);
    if (path != NULL)
        x->output_dir = copy_out(l, path);
}

static void read_name(struct tide_load *l, const struct file *f, const struct tide_layer *layer,
                      struct tide_experiment *x)
{
    const struct tide_yaml *value = layer->slot[TIDE_KEY_EXPERIMENT];
    const char *word = f->default_name;

    if (value == NULL && f->shared_dir)
        tide_problem_hint(
            &l->problems,
            tide_problem_at(&l->problems, layer->root, "an experiment of a batch needs a name"),
            "write experiment: NAME");
    else if (value != NULL && tide_read_word(l, value, tide_key_path(TIDE_KEY_EXPERIMENT), &word) &&
             (strchr(word, '/') != NULL || word[0] == '.'))
        tide_problem_at(&l->problems, value->place, "'%s' can't be the name of an experiment",
                        word);
    x->name = copy_out(l, word);
}

static void read_traces(struct tide_load *l, const struct file *f, const struct tide_layer *layer,
                        struct tide_experiment *x)
{
    const struct tide_yaml *value = layer->slot[TIDE_KEY_TRACES];
    char **paths;
    size_t n;

    if (value == NULL) {
        tide_problem_hint(
            &l->problems,
            tide_problem_at(&l->problems, layer->root, "the experiment has no traces"),
            "write traces: [sort.tide]");
        return;
    }
    tide_traces_expand(l, value, value->place.source->command_line ? "" : f->base_dir, &paths, &n);
    x->traces = tide_calloc(n, sizeof *x->traces);
    if (x->traces == NULL) {
        l->problems.out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        if ((x->traces[x->n_traces] = copy_out(l, paths[i])) != NULL)
            x->n_traces++;
}

static void read_experiment(struct tide_load *l, const struct file *f,
                            const struct tide_layer *defaults, const struct tide_yaml *mapping,
                            struct tide_experiment *x)
{
    struct tide_layer layer = *defaults, own = {.root = mapping->place}, all;
    const struct tide_layer *top = &f->overrides->layer;
    struct tide_machine_config ignored;
    const struct tide_yaml *sweep_node;
    size_t before = l->problems.raised;
    struct sweep sweep;
    bool own_dir;

    if (mapping->type != TIDE_YAML_MAPPING) {
        tide_problem_at(&l->problems, mapping->place,
                        "an experiment is a mapping of keys to values");
        return;
    }
    tide_layer_walk(l, &own, mapping);
    layer.root = mapping->place;
    tide_layer_cover(l, &layer, &own);
    all = layer;
    tide_layer_cover(l, &all, top);
    own_dir = own.slot[TIDE_KEY_OUTPUT_DIR] != NULL && top->slot[TIDE_KEY_OUTPUT_DIR] == NULL;

    /* What -s or a sweep hides must be right too. */
    tide_machine_defaults(&ignored);
    tide_machine_apply(l, &layer, false, &ignored);
    read_name(l, f, &all, x);
    read_traces(l, f, &all, x);
    if (all.slot[TIDE_KEY_FORMAT] != NULL)
        read_format(l, all.slot[TIDE_KEY_FORMAT], x);
    read_output(l, f, &all, own_dir, x);
    sweep_node = layer.slot[TIDE_KEY_SWEEP];
    read_sweep(l, sweep_node, f->overrides, &sweep);
    if (sweep.points > RUNS_MAX || sweep.points * x->n_traces > RUNS_MAX) {
        tide_problem_hint(&l->problems,
                          tide_problem_at(&l->problems,
                                          sweep_node != NULL ? sweep_node->place : mapping->place,
                                          "more than %d runs", RUNS_MAX),
                          "the lists of a sweep multiply, with each other and with the traces");
        return;
    }
    build_machines(l, &layer, &sweep, top, x);
    read_curves(l, &all, x);
    if (l->problems.raised == before && !l->problems.out_of_memory)
        refuse_twins(l, x, sweep_node != NULL ? sweep_node->place : mapping->place);
}

/* ---- the whole file ---- */

static void refuse_same_places(struct tide_load *l, const struct tide_experiments *xs,
                               const struct tide_yaml *list)
{
    for (size_t i = 0; i < xs->n; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct tide_experiment *a = &xs->list[j], *b = &xs->list[i];

            if (a->name != NULL && b->name != NULL && strcmp(a->name, b->name) == 0)
                tide_problem_at(&l->problems, list->values[i]->place,
                                "two experiments have the name '%s'", b->name);
            else if (a->output_dir != NULL && b->output_dir != NULL &&
                     strcmp(a->output_dir, b->output_dir) == 0)
                tide_problem_at(&l->problems, list->values[i]->place,
                                "experiments '%s' and '%s' have one output.dir", a->name, b->name);
        }
    }
}

static void read_batch(struct tide_load *l, struct file *f, const struct tide_yaml *root,
                       struct tide_experiments *out)
{
    static const char *const known[] = {"experiments", "defaults"};
    const struct tide_yaml *list = tide_yaml_get(root, known[0]);
    const struct tide_yaml *shared = tide_yaml_get(root, known[1]);
    struct tide_layer defaults = {.root = root->place};

    f->shared_dir = true;
    for (size_t i = 0; i < root->n; i++) {
        const char *key = root->keys[i]->text;

        if (strcmp(key, known[0]) != 0 && strcmp(key, known[1]) != 0)
            tide_problem_hint(&l->problems,
                              tide_problem_at(&l->problems, root->keys[i]->place,
                                              "'%s' beside experiments:", key),
                              "what experiments share goes below defaults:");
    }
    if (shared != NULL && shared->type == TIDE_YAML_MAPPING)
        tide_layer_walk(l, &defaults, shared);
    else if (shared != NULL)
        tide_problem_at(&l->problems, shared->place, "defaults must be a mapping");
    if (list->type != TIDE_YAML_SEQUENCE || list->n == 0) {
        tide_problem_at(&l->problems, list->place,
                        "experiments must be a list of at least one experiment");
        return;
    }
    out->list = tide_calloc(list->n, sizeof *out->list);
    if (out->list == NULL) {
        l->problems.out_of_memory = true;
        return;
    }
    out->n = list->n;
    for (size_t i = 0; i < list->n; i++)
        read_experiment(l, f, &defaults, list->values[i], &out->list[i]);
    refuse_same_places(l, out, list);
}

static void read_root(struct tide_load *l, struct file *f, const struct tide_yaml *root,
                      struct tide_experiments *out)
{
    struct tide_layer nothing = {.root = root->place};

    if (root->type == TIDE_YAML_MAPPING && tide_yaml_get(root, "experiments") != NULL) {
        read_batch(l, f, root, out);
        return;
    }
    out->list = tide_calloc(1, sizeof *out->list);
    if (out->list == NULL) {
        l->problems.out_of_memory = true;
        return;
    }
    out->n = 1;
    read_experiment(l, f, &nothing, root, &out->list[0]);
}

/* The file's name without folders and ending. */
static const char *stem(struct tide_load *l, const char *name)
{
    const char *slash = strrchr(name, '/'), *start = slash != NULL ? slash + 1 : name;
    const char *dot = strrchr(start, '.');
    const char *copy = tide_arena_copy(
        &l->arena, start, dot != NULL && dot != start ? (size_t)(dot - start) : strlen(start));

    if (copy == NULL)
        l->problems.out_of_memory = true;
    return copy != NULL ? copy : "";
}

int tide_experiments_parse(const char *text, size_t n, const char *name, const char *base_dir,
                           const char *const *overrides, size_t n_overrides,
                           struct tide_experiments *out, struct tide_diagnostics *d,
                           struct tide_error *e)
{
    struct overrides from_line = {0};
    struct file f = {.base_dir = base_dir, .overrides = &from_line};
    const struct tide_source *source;
    const struct tide_yaml *root = NULL;
    unsigned before = d->errors;
    struct tide_load l;
    int rc = 0;

    *out = (struct tide_experiments){0};
    tide_load_init(&l);
    f.default_name = stem(&l, name);
    source = tide_load_source(&l, name, text, n, false);
    if (source != NULL)
        root = tide_yaml_parse(source, &l.problems);
    read_overrides(&l, overrides, n_overrides, &from_line);
    if (root != NULL)
        read_root(&l, &f, root, out);
    if (l.problems.out_of_memory) {
        rc = tide_nomem(e);
    } else if (l.problems.first != NULL) {
        tide_problems_print(&l.problems, d);
        rc = tide_fail(e, TIDE_E_CONFIG, "%u error%s in the configuration", d->errors - before,
                       d->errors - before == 1 ? "" : "s");
        tide_error_where(e, "%s", name);
    }
    if (rc != 0)
        tide_experiments_free(out);
    tide_load_fini(&l);
    return rc;
}

int tide_experiments_load(const char *path, const char *const *overrides, size_t n_overrides,
                          struct tide_experiments *out, struct tide_diagnostics *d,
                          struct tide_error *e)
{
    const char *slash = strrchr(path, '/'), *text;
    struct tide_arena arena = {0};
    char *folder = NULL;
    size_t n;
    int rc;

    *out = (struct tide_experiments){0};
    rc = tide_textfile_read(path, &arena, &text, &n, e);
    if (rc != 0)
        goto out;
    /* "/" itself keeps its slash */
    folder = tide_arena_copy(&arena, path,
                             slash == NULL   ? 0
                             : slash == path ? 1
                                             : (size_t)(slash - path));
    if (folder == NULL) {
        rc = tide_nomem(e);
        goto out;
    }
    rc = tide_experiments_parse(text, n, path, folder, overrides, n_overrides, out, d, e);
out:
    tide_arena_fini(&arena);
    return rc;
}

void tide_experiments_free(struct tide_experiments *x)
{
    for (size_t i = 0; i < x->n; i++) {
        struct tide_experiment *one = &x->list[i];

        for (size_t k = 0; k < one->n_traces; k++)
            free(one->traces[k]);
        for (size_t k = 0; k < one->n_machines; k++)
            free(one->resolved[k]);
        for (size_t k = 0; k < one->n_curves; k++)
            free(one->curves[k].taus);
        free(one->curves);
        free(one->name);
        free(one->traces);
        free(one->machines);
        free(one->resolved);
        free(one->output_dir);
        free(one->trace_format);
    }
    free(x->list);
    *x = (struct tide_experiments){0};
}
