/* The list of traces of an experiment. */
#ifndef TIDE_CONFIG_TRACES_H
#define TIDE_CONFIG_TRACES_H

#include <stdbool.h>

#include "config/settings.h"

/* `path` as it is seen from the working directory: below `base_dir` unless it is absolute, or
 * base_dir is empty. In the arena; NULL: out of memory, which is noted. */
char *tide_path_join(struct tide_load *l, const char *base_dir, const char *path);

/* Expands a word or a list of words, each a path, a glob or "-" (standard input); what a glob
 * matches is sorted. Reports what does not exist and what is listed twice. The list of strings is
 * in the arena. */
void tide_traces_expand(struct tide_load *l, const struct tide_yaml *value, const char *base_dir,
                        char ***traces, size_t *n);

#endif
