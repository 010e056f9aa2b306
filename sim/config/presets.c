/* TLB presets: see presets.h. */
#include "config/presets.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/experiment.h"
#include "config/presets_dir.h"
#include "config/textfile.h"

enum { NAMES_MAX = 512 };

static const char suffix[] = ".yaml";

static const char *folder(void)
{
    const char *own = getenv("TIDE_PRESETS");

    if (own != NULL && *own != '\0')
        return own;
    return access(TIDE_PRESETS_INSTALLED, R_OK) == 0 ? TIDE_PRESETS_INSTALLED : TIDE_PRESETS_SOURCE;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of all presets, sorted. */
static int list_names(struct tide_arena *arena, const char *names[NAMES_MAX], size_t *n,
                      struct tide_error *e)
{
    DIR *d = opendir(folder());
    struct dirent *entry;
    int rc = 0;

    *n = 0;
    if (d == NULL) {
        tide_fail(e, TIDE_E_IO, "can't open the folder of presets: %s", strerror(errno));
        tide_error_where(e, "%s", folder());
        tide_error_remedy(e, "TIDE_PRESETS in the environment names another folder");
        return TIDE_E_IO;
    }
    while (*n < NAMES_MAX && (entry = readdir(d)) != NULL) {
        size_t length = strlen(entry->d_name);

        if (entry->d_name[0] == '.' || length < sizeof suffix ||
            strcmp(entry->d_name + length - (sizeof suffix - 1), suffix) != 0)
            continue;
        names[*n] = tide_arena_copy(arena, entry->d_name, length - (sizeof suffix - 1));
        if (names[(*n)++] == NULL) {
            rc = tide_nomem(e);
            break;
        }
    }
    closedir(d);
    if (rc == 0)
        qsort(names, *n, sizeof *names, compare_names);
    return rc;
}

static void unknown_preset(struct tide_load *l, const char *name, struct tide_place at)
{
    const char *names[NAMES_MAX + 1];
    struct tide_error e;
    size_t n;

    if (list_names(&l->arena, names, &n, &e) != 0) {
        tide_problem_from(l, at, e.where, &e);
        return;
    }
    names[n++] = "none";
    tide_problem_suggest(&l->problems,
                         tide_problem_at(&l->problems, at, "unknown TLB preset '%s'", name), name,
                         names, n);
}

static bool read_keys(struct tide_load *l, struct tide_preset *preset, const struct tide_yaml *root)
{
    static const char *const known[] = {"name", "description", "source", "tlb", "page_table"};
    const struct tide_yaml *page_table, *value;
    const char *word;
    size_t before = l->problems.raised;

    if (root->type != TIDE_YAML_MAPPING) {
        tide_problem_at(&l->problems, root->place, "a preset is a mapping of keys to values");
        return false;
    }
    for (size_t i = 0; i < root->n; i++) {
        bool found = false;

        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            found = found || strcmp(root->keys[i]->text, known[k]) == 0;
        if (!found)
            tide_problem_suggest(&l->problems,
                                 tide_problem_at(&l->problems, root->keys[i]->place,
                                                 "unknown key '%s' in a preset",
                                                 root->keys[i]->text),
                                 root->keys[i]->text, known, sizeof known / sizeof *known);
    }
    for (size_t k = 0; k < 4; k++)
        if (tide_yaml_get(root, known[k]) == NULL)
            tide_problem_at(&l->problems, root->place, "the preset lacks '%s'", known[k]);
    if (l->problems.raised != before)
        return false;
    if (tide_read_word(l, tide_yaml_get(root, "name"), "name", &word) &&
        strcmp(word, preset->name) != 0)
        tide_problem_at(&l->problems, tide_yaml_get(root, "name")->place,
                        "the preset is named '%s' but its file %s%s", word, preset->name, suffix);
    tide_read_word(l, tide_yaml_get(root, "source"), "source", &word);
    tide_read_word(l, tide_yaml_get(root, "description"), "description", &preset->description);
    preset->tlb = tide_yaml_get(root, "tlb");
    page_table = tide_yaml_get(root, "page_table");
    if (page_table != NULL) {
        value =
            page_table->type == TIDE_YAML_MAPPING ? tide_yaml_get(page_table, "walk_caches") : NULL;
        if (value == NULL || page_table->n != 1)
            tide_problem_at(&l->problems, page_table->place,
                            "a preset's page_table holds walk_caches and nothing else");
        preset->walk_caches = value;
    }
    return l->problems.raised == before;
}

const struct tide_preset *tide_preset_find(struct tide_load *l, const char *name,
                                           struct tide_place at)
{
    struct tide_preset *preset;
    const struct tide_yaml *root;
    struct tide_source *source;
    struct tide_error e;
    const char *text;
    size_t n;

    for (preset = l->presets; preset != NULL; preset = preset->next)
        if (strcmp(preset->name, name) == 0)
            return preset->tlb != NULL ? preset : NULL;
    if (strchr(name, '/') != NULL) {
        unknown_preset(l, name, at);
        return NULL;
    }
    preset = tide_arena_alloc(&l->arena, sizeof *preset);
    if (preset == NULL)
        goto nomem;
    preset->name = tide_arena_copy(&l->arena, name, strlen(name));
    preset->path = tide_arena_printf(&l->arena, "%s/%s%s", folder(), name, suffix);
    if (preset->name == NULL || preset->path == NULL)
        goto nomem;
    if (access(preset->path, F_OK) != 0) {
        unknown_preset(l, name, at);
        return NULL;
    }
    if (tide_textfile_read(preset->path, &l->arena, &text, &n, &e) != 0) {
        tide_problem_from(l, at, preset->path, &e);
        return NULL;
    }
    preset->next = l->presets;
    l->presets = preset;
    source = tide_load_source(l, preset->path, text, n, false);
    if (source == NULL)
        return NULL;
    root = tide_yaml_parse(source, &l->problems);
    if (root == NULL || !read_keys(l, preset, root)) {
        preset->tlb = NULL;
        return NULL;
    }
    return preset;
nomem:
    l->problems.out_of_memory = true;
    return NULL;
}

int tide_presets_each(int (*f)(void *context, const char *name, const char *path,
                               const char *description, struct tide_error *e),
                      void *context, struct tide_error *e)
{
    struct tide_source nowhere = {.name = "presets", .command_line = true};
    const char *names[NAMES_MAX];
    struct tide_load l;
    size_t n = 0;
    int rc;

    tide_load_init(&l);
    rc = list_names(&l.arena, names, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct tide_preset *p =
            tide_preset_find(&l, names[i], (struct tide_place){&nowhere, 0, 0, 1});

        if (p != NULL)
            rc = f(context, p->name, p->path, p->description, e);
        else if (l.problems.out_of_memory)
            rc = tide_nomem(e);
        else
            rc = tide_problems_error(&l.problems, e);
    }
    tide_load_fini(&l);
    return rc;
}
