/* Synthetic traces described in YAML: see phases.h. */
#include "config/phases.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/settings.h"
#include "config/textfile.h"

int tide_phases_add(struct tide_phases *ps, const struct tide_phase *p, struct tide_error *e)
{
    struct tide_phase *grown = tide_grow(ps->items, &ps->cap, ps->n + 1, sizeof *grown);

    if (grown == NULL)
        return tide_nomem(e);
    ps->items = grown;
    ps->items[ps->n++] = *p;
    return 0;
}

void tide_phases_fini(struct tide_phases *ps)
{
    free(ps->items);
    ps->items = NULL;
}

static void read_phase(struct tide_load *l, const struct tide_yaml *y, struct tide_phases *ps)
{
    const struct tide_yaml *pattern;
    struct tide_phase p;
    struct tide_error e;
    const char *word;
    int index;

    if (y->type != TIDE_YAML_MAPPING || (pattern = tide_yaml_get(y, "pattern")) == NULL) {
        tide_problem_at(&l->problems, y->place, "a phase is a mapping with the key pattern");
        return;
    }
    index = tide_read_choice(l, pattern, "pattern", "pattern", tide_pattern_names, TIDE_PATTERNS);
    if (index < 0)
        return;
    tide_phase_init(&p, (enum tide_pattern)index);
    for (size_t i = 0; i < y->n; i++) {
        const char *key = y->keys[i]->text;

        if (strcmp(key, "pattern") == 0 || !tide_read_word(l, y->values[i], key, &word))
            continue;
        if (tide_option_set(tide_phase_options, &p, "phase", key, word, &e) != 0)
            tide_problem_from(l, y->values[i]->place, "", &e);
    }
    if (tide_phase_check(&p, &e) != 0)
        tide_problem_from(l, y->place, "", &e);
    else if (tide_phases_add(ps, &p, NULL) != 0)
        l->problems.out_of_memory = true;
}

static void read_list(struct tide_load *l, const struct tide_yaml *y, struct tide_phases *ps)
{
    if (y->type != TIDE_YAML_SEQUENCE || y->n == 0) {
        tide_problem_at(&l->problems, y->place, "phases must be a list of phases");
        return;
    }
    for (size_t i = 0; i < y->n; i++)
        read_phase(l, y->values[i], ps);
}

static void read_root(struct tide_load *l, const struct tide_yaml *root, struct tide_phases *ps)
{
    static const char *const known[] = {"seed", "repeat", "phases"};

    if (root->type != TIDE_YAML_MAPPING) {
        tide_problem_at(&l->problems, root->place, "a mapping with the key phases was expected");
        return;
    }
    for (size_t i = 0; i < root->n; i++) {
        const char *key = root->keys[i]->text;
        const struct tide_yaml *value = root->values[i];

        if (strcmp(key, "seed") == 0) {
            tide_read_number(l, value, key, tide_parse_u64, &ps->seed);
        } else if (strcmp(key, "repeat") == 0) {
            if (tide_read_number(l, value, key, tide_parse_count, &ps->repeat) && ps->repeat == 0)
                tide_problem_at(&l->problems, value->place, "repeat must be 1 or more");
        } else if (strcmp(key, "phases") == 0) {
            read_list(l, value, ps);
        } else {
            tide_problem_suggest(
                &l->problems,
                tide_problem_at(&l->problems, root->keys[i]->place, "unknown key '%s'", key), key,
                known, sizeof known / sizeof *known);
        }
    }
    if (tide_yaml_get(root, "phases") == NULL)
        tide_problem_at(&l->problems, root->place, "the key phases is missing");
}

int tide_phases_load(const char *path, struct tide_phases *ps, struct tide_diagnostics *d,
                     struct tide_error *e)
{
    const struct tide_yaml *root = NULL;
    const struct tide_source *source;
    struct tide_arena arena = {0};
    struct tide_load l;
    const char *text;
    size_t n;
    int rc = tide_textfile_read(path, &arena, &text, &n, e);

    if (rc != 0) {
        tide_arena_fini(&arena);
        return rc;
    }
    tide_load_init(&l);
    source = tide_load_source(&l, path, text, n, false);
    if (source != NULL)
        root = tide_yaml_parse(source, &l.problems);
    if (root != NULL)
        read_root(&l, root, ps);
    if (l.problems.out_of_memory) {
        rc = tide_nomem(e);
    } else if (l.problems.first != NULL) {
        tide_problems_print(&l.problems, d);
        rc = tide_fail(e, TIDE_E_CONFIG, "%u error%s in the description", d->errors,
                       d->errors == 1 ? "" : "s");
        tide_error_where(e, "%s", path);
    }
    tide_load_fini(&l);
    tide_arena_fini(&arena);
    return rc;
}
