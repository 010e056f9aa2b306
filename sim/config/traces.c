/* The list of traces of an experiment: see traces.h. */
#include "config/traces.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

struct list {
    char **paths; /* on the heap while it grows */
    size_t n, cap;
};

char *tide_path_join(struct tide_load *l, const char *base_dir, const char *path)
{
    char *joined = *path == '/' || *base_dir == '\0'
                       ? tide_arena_copy(&l->arena, path, strlen(path))
                       : tide_arena_printf(&l->arena, "%s/%s", base_dir, path);

    if (joined == NULL)
        l->problems.out_of_memory = true;
    return joined;
}

static void add(struct tide_load *l, struct list *list, const char *path, struct tide_place at)
{
    char **grown, *copy;

    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->paths[i], path) == 0) {
            tide_problem_at(&l->problems, at, "trace '%s' is listed twice", path);
            return;
        }
    }
    grown = tide_grow(list->paths, &list->cap, list->n + 1, sizeof *grown);
    if (grown != NULL)
        list->paths = grown;
    copy = tide_arena_copy(&l->arena, path, strlen(path));
    if (grown == NULL || copy == NULL)
        l->problems.out_of_memory = true;
    else
        list->paths[list->n++] = copy;
}

/* The folder is not part of the pattern, whatever its name looks like. */
static char *escape(struct tide_load *l, const char *folder)
{
    char *out = tide_arena_alloc(&l->arena, 2 * strlen(folder) + 1), *p = out;

    if (out == NULL) {
        l->problems.out_of_memory = true;
        return NULL;
    }
    for (; *folder != '\0'; folder++) {
        if (strchr("*?[]\\", *folder) != NULL)
            *p++ = '\\';
        *p++ = *folder;
    }
    return out;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_matches(struct tide_load *l, struct list *list, const struct tide_yaml *value,
                        const char *base_dir)
{
    const char *folder = escape(l, base_dir), *pattern;
    struct tide_problem *p;
    glob_t found = {0};
    int rc;

    if (folder == NULL || (pattern = tide_path_join(l, folder, value->text)) == NULL)
        return;
    rc = glob(pattern, GLOB_NOSORT, NULL, &found); /* glob's own order follows the locale */
    if (rc == GLOB_NOMATCH) {
        p = tide_problem_at(&l->problems, value->place, "no file matches '%s'", value->text);
        tide_problem_hint(&l->problems, p, "looked in '%s'", *base_dir != '\0' ? base_dir : ".");
    } else if (rc == GLOB_NOSPACE) {
        l->problems.out_of_memory = true;
    } else if (rc != 0) {
        tide_problem_at(&l->problems, value->place, "can't search for '%s'", value->text);
    } else {
        qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, compare_paths);
        for (size_t i = 0; i < found.gl_pathc; i++)
            add(l, list, found.gl_pathv[i], value->place);
    }
    globfree(&found);
}

static void add_word(struct tide_load *l, struct list *list, const struct tide_yaml *value,
                     const char *base_dir)
{
    const char *word, *path;

    if (!tide_read_word(l, value, "a trace", &word))
        return;
    if (strcmp(word, "-") == 0) {
        add(l, list, word, value->place);
        return;
    }
    path = tide_path_join(l, base_dir, word);
    if (path == NULL)
        return;
    if (access(path, F_OK) == 0)
        add(l, list, path, value->place);
    else if (strpbrk(word, "*?[") != NULL)
        add_matches(l, list, value, base_dir);
    else
        tide_problem_hint(
            &l->problems,
            tide_problem_at(&l->problems, value->place, "trace '%s': %s", word, strerror(errno)),
            "looked for '%s'", path);
}

void tide_traces_expand(struct tide_load *l, const struct tide_yaml *value, const char *base_dir,
                        char ***traces, size_t *n)
{
    struct list list = {0};

    if (value->type == TIDE_YAML_SEQUENCE) {
        for (size_t i = 0; i < value->n; i++)
            add_word(l, &list, value->values[i], base_dir);
        if (value->n == 0)
            tide_problem_at(&l->problems, value->place, "traces is an empty list");
    } else {
        add_word(l, &list, value, base_dir);
    }
    *traces = tide_arena_alloc(&l->arena, (list.n + 1) * sizeof **traces);
    *n = 0;
    if (*traces == NULL) {
        l->problems.out_of_memory = true;
    } else if (list.n > 0) {
        memcpy(*traces, list.paths, list.n * sizeof **traces);
        *n = list.n;
    }
    free(list.paths);
}
