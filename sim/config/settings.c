/* The keys of an experiment and layers of values: see settings.h. */
#include "config/settings.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The first path of a key is the one that messages use. */
static const struct {
    const char *path;
    enum tide_key key;
} rows[] = {
    {"experiment", TIDE_KEY_EXPERIMENT},
    {"traces", TIDE_KEY_TRACES},
    {"format", TIDE_KEY_FORMAT},
    {"machine.page_size", TIDE_KEY_PAGE_SIZE},
    {"machine.frames", TIDE_KEY_FRAMES},
    {"machine.memory", TIDE_KEY_MEMORY},
    {"machine.policy", TIDE_KEY_POLICY},
    {"machine.observe", TIDE_KEY_OBSERVE},
    {"machine.flush_on_clear", TIDE_KEY_FLUSH_ON_CLEAR},
    {"machine.references", TIDE_KEY_REFERENCES},
    {"machine.tlb", TIDE_KEY_TLB},
    {"machine.page_table.kind", TIDE_KEY_PT_KIND},
    {"machine.page_table.levels", TIDE_KEY_PT_LEVELS},
    {"machine.page_table.bits", TIDE_KEY_PT_BITS},
    {"machine.page_table.entry_bytes", TIDE_KEY_PT_ENTRY_BYTES},
    {"machine.page_table.walk_caches", TIDE_KEY_PT_WALK_CACHES},
    {"machine.page_cache", TIDE_KEY_PAGE_CACHE},
    {"machine.costs.memory", TIDE_KEY_COST_MEMORY},
    {"machine.costs.walk_ref", TIDE_KEY_COST_WALK_REF},
    {"machine.costs.minor_fault", TIDE_KEY_COST_MINOR_FAULT},
    {"machine.costs.major_fault", TIDE_KEY_COST_MAJOR_FAULT},
    {"machine.costs.writeback", TIDE_KEY_COST_WRITEBACK},
    {"machine.seed", TIDE_KEY_SEED},
    {"seed", TIDE_KEY_SEED},
    {"sweep", TIDE_KEY_SWEEP},
    {"warmup", TIDE_KEY_WARMUP},
    {"skip", TIDE_KEY_SKIP},
    {"limit", TIDE_KEY_LIMIT},
    {"output.dir", TIDE_KEY_OUTPUT_DIR},
    {"output.interval", TIDE_KEY_OUTPUT_INTERVAL},
    {"output.curves", TIDE_KEY_OUTPUT_CURVES},
    {"output.tau", TIDE_KEY_OUTPUT_TAU},
};

enum { ROWS = sizeof rows / sizeof *rows, PATH_BYTES = 128 };

const char *tide_key_path(enum tide_key key)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].key == key)
            return rows[i].path;
    return "";
}

/* What follows `path.` in `longer`, or NULL. */
static const char *below(const char *path, const char *longer)
{
    size_t n = strlen(path);

    return strncmp(path, longer, n) == 0 && longer[n] == '.' ? longer + n + 1 : NULL;
}

static bool find_row(const char *path, enum tide_key *key)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].path, path) == 0) {
            *key = rows[i].key;
            return true;
        }
    }
    return false;
}

static bool is_group(const char *path)
{
    for (size_t i = 0; i < ROWS; i++)
        if (below(path, rows[i].path) != NULL)
            return true;
    return false;
}

/* A path below a value: policy options, and fields of TLB arrays. */
static const char *find_tweak(const char *path, enum tide_key *key)
{
    static const enum tide_key keys[] = {TIDE_KEY_POLICY, TIDE_KEY_TLB};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *rest = below(tide_key_path(keys[i]), path);

        if (rest != NULL && *rest != '\0') {
            *key = keys[i];
            return rest;
        }
    }
    return NULL;
}

void tide_load_init(struct tide_load *l)
{
    *l = (struct tide_load){0};
    l->problems.arena = &l->arena;
}

void tide_load_fini(struct tide_load *l)
{
    tide_arena_fini(&l->arena);
}

struct tide_source *tide_load_source(struct tide_load *l, const char *name, const char *text,
                                     size_t n, bool command_line)
{
    struct tide_source *s = tide_arena_alloc(&l->arena, sizeof *s);
    const char *copy = tide_arena_copy(&l->arena, name, strlen(name));

    if (s == NULL || copy == NULL) {
        l->problems.out_of_memory = true;
        return NULL;
    }
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark has no column */
        text += 3;
        n -= 3;
    }
    *s = (struct tide_source){copy, text, n, l->n_sources++, command_line};
    return s;
}

static void put(struct tide_load *l, struct tide_layer *layer, enum tide_key key,
                struct tide_place at, const struct tide_yaml *value)
{
    if (layer->slot[key] != NULL) {
        tide_problem_hint(&l->problems,
                          tide_problem_at(&l->problems, at, "%s is set twice", tide_key_path(key)),
                          "first in line %zu", layer->slot[key]->place.line + 1);
        return;
    }
    layer->slot[key] = value;
}

static void put_tweak(struct tide_load *l, struct tide_layer *layer, enum tide_key key,
                      const char *path, struct tide_place at, const struct tide_yaml *value)
{
    const char *copy = tide_arena_copy(&l->arena, path, strlen(path));

    if (copy == NULL) {
        l->problems.out_of_memory = true;
        return;
    }
    if (layer->n_tweaks == TIDE_TWEAKS_MAX) {
        tide_problem_at(&l->problems, at, "more than %d paths below a value", TIDE_TWEAKS_MAX);
        return;
    }
    layer->tweaks[layer->n_tweaks++] = (struct tide_tweak){key, copy, value};
}

/* Takes the pairs of a mapping whose own path is `group` ("": the top). */
static void walk(struct tide_load *l, struct tide_layer *layer, const char *group,
                 const struct tide_yaml *mapping)
{
    const char *known[ROWS];
    size_t n_known = 0;

    /* The names that may stand here: next components of the rows below the group, each once. */
    for (size_t i = 0; i < ROWS; i++) {
        const char *rest = *group == '\0' ? rows[i].path : below(group, rows[i].path);
        size_t n;

        if (rest == NULL)
            continue;
        n = strcspn(rest, ".");
        if (n_known > 0 && strlen(known[n_known - 1]) == n &&
            strncmp(known[n_known - 1], rest, n) == 0)
            continue;
        if ((known[n_known++] = tide_arena_copy(&l->arena, rest, n)) == NULL) {
            l->problems.out_of_memory = true;
            return;
        }
    }
    for (size_t i = 0; i < mapping->n; i++) {
        const struct tide_yaml *key = mapping->keys[i];
        struct tide_problem *p;
        char path[PATH_BYTES];
        bool found = false;

        if (key->type != TIDE_YAML_SCALAR || strcmp(key->text, "<<") == 0 ||
            tide_yaml_get(mapping, key->text) != mapping->values[i])
            continue; /* has been reported */
        for (size_t k = 0; k < n_known && !found; k++)
            found = strcmp(known[k], key->text) == 0;
        if (found) {
            snprintf(path, sizeof path, "%s%s%s", group, *group != '\0' ? "." : "", key->text);
            tide_layer_set(l, layer, path, key->place, mapping->values[i]);
            continue;
        }
        p = tide_problem_at(&l->problems, key->place, "unknown key '%s'%s%s", key->text,
                            *group != '\0' ? " in " : "", group);
        tide_problem_suggest(&l->problems, p, key->text, known, n_known);
        if (*group == '\0' && strcmp(key->text, "defaults") == 0)
            tide_problem_hint(&l->problems, p, "it goes with a list of experiments:");
    }
}

static void unknown_path(struct tide_load *l, const char *path, struct tide_place at)
{
    const char *known[ROWS];
    size_t group = strcspn(path, "."), n = 0;

    /* Those of its group, or all. */
    for (size_t i = 0; i < ROWS; i++)
        if (strcspn(rows[i].path, ".") == group && strncmp(rows[i].path, path, group) == 0)
            known[n++] = rows[i].path;
    for (size_t i = 0; n == i && i < ROWS; i++)
        known[n++] = rows[i].path;
    tide_problem_suggest(&l->problems, tide_problem_at(&l->problems, at, "unknown key '%s'", path),
                         path, known, n);
}

void tide_layer_set(struct tide_load *l, struct tide_layer *layer, const char *path,
                    struct tide_place at, const struct tide_yaml *value)
{
    enum tide_key key;
    const char *rest;

    if (value->refused)
        return;
    if (value->type == TIDE_YAML_SCALAR && *value->text == '\0') {
        tide_problem_at(&l->problems, at, "%s has no value", path);
    } else if (find_row(path, &key)) {
        put(l, layer, key, at, value);
    } else if (is_group(path)) {
        if (value->type == TIDE_YAML_MAPPING)
            walk(l, layer, path, value);
        else
            tide_problem_at(&l->problems, value->place, "%s must be a mapping of keys to values",
                            path);
    } else if ((rest = find_tweak(path, &key)) != NULL) {
        put_tweak(l, layer, key, rest, at, value);
    } else {
        unknown_path(l, path, at);
    }
}

void tide_layer_walk(struct tide_load *l, struct tide_layer *layer, const struct tide_yaml *mapping)
{
    walk(l, layer, "", mapping);
}

static void drop_tweaks(struct tide_layer *layer, enum tide_key key)
{
    size_t kept = 0;

    for (size_t i = 0; i < layer->n_tweaks; i++)
        if (layer->tweaks[i].key != key)
            layer->tweaks[kept++] = layer->tweaks[i];
    layer->n_tweaks = kept;
}

void tide_layer_cover(struct tide_load *l, struct tide_layer *lower, const struct tide_layer *upper)
{
    if (upper->slot[TIDE_KEY_FRAMES] != NULL || upper->slot[TIDE_KEY_MEMORY] != NULL)
        lower->slot[TIDE_KEY_FRAMES] = lower->slot[TIDE_KEY_MEMORY] = NULL;
    for (int key = 0; key < TIDE_KEYS; key++) {
        if (upper->slot[key] == NULL)
            continue;
        lower->slot[key] = upper->slot[key];
        drop_tweaks(lower, (enum tide_key)key);
    }
    for (size_t i = 0; i < upper->n_tweaks; i++)
        put_tweak(l, lower, upper->tweaks[i].key, upper->tweaks[i].path,
                  upper->tweaks[i].value->place, upper->tweaks[i].value);
}

bool tide_path_sweepable(const char *path)
{
    static const char *const others[] = {"warmup", "skip", "limit", "seed"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(path, others[i]) == 0)
            return true;
    return strcmp(path, "machine") == 0 || below("machine", path) != NULL;
}

bool tide_path_covers(const char *upper, const char *lower)
{
    enum tide_key a, b;

    if (strcmp(upper, lower) == 0 || below(upper, lower) != NULL)
        return true;
    if (!find_row(upper, &a) || !find_row(lower, &b))
        return false;
    return a == b || (a == TIDE_KEY_FRAMES && b == TIDE_KEY_MEMORY) ||
           (a == TIDE_KEY_MEMORY && b == TIDE_KEY_FRAMES);
}

bool tide_read_word(struct tide_load *l, const struct tide_yaml *value, const char *name,
                    const char **out)
{
    struct tide_problem *p;

    if (value->refused)
        return false;
    if (value->type != TIDE_YAML_SCALAR) {
        p = tide_problem_at(&l->problems, value->place, "%s must be a single value, not a %s", name,
                            value->type == TIDE_YAML_SEQUENCE ? "list" : "mapping");
        if (value->type == TIDE_YAML_SEQUENCE && tide_path_sweepable(name))
            tide_problem_hint(&l->problems, p, "values to try one by one go below sweep:");
        return false;
    }
    if (*value->text == '\0') {
        tide_problem_at(&l->problems, value->place, "%s has no value", name);
        return false;
    }
    *out = value->text;
    return true;
}

void tide_problem_from(struct tide_load *l, struct tide_place at, const char *name,
                       const struct tide_error *e)
{
    struct tide_problem *p;

    if (e->code == TIDE_E_NOMEM) {
        l->problems.out_of_memory = true;
        return;
    }
    p = tide_problem_at(&l->problems, at, "%s%s%s", name, *name != '\0' ? ": " : "", e->what);
    if (e->remedy[0] != '\0')
        tide_problem_hint(&l->problems, p, "%s", e->remedy);
}

bool tide_read_number(struct tide_load *l, const struct tide_yaml *value, const char *name,
                      int (*parse)(const char *, uint64_t *, struct tide_error *), uint64_t *out)
{
    struct tide_error e;
    const char *word;

    if (!tide_read_word(l, value, name, &word))
        return false;
    if (parse(word, out, &e) == 0)
        return true;
    tide_problem_from(l, value->place, name, &e);
    return false;
}

int tide_read_choice(struct tide_load *l, const struct tide_yaml *value, const char *name,
                     const char *what, const char *const *names, size_t n)
{
    const char *word;

    if (!tide_read_word(l, value, name, &word))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], word) == 0)
            return (int)i;
    tide_problem_suggest(&l->problems,
                         tide_problem_at(&l->problems, value->place, "unknown %s '%s'", what, word),
                         word, names, n);
    return -1;
}
