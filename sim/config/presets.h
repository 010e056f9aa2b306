/* TLB presets: YAML files that describe one real or simulated machine's TLB each.
 *
 *     name: drcachesim              # equal to the file's name
 *     description: ...              # one line for `pagetide list presets`
 *     source: ...                   # where the numbers come from
 *     tlb: [{...}, ...]             # arrays, each with its page_sizes
 *     page_table: {walk_caches: [{...}, ...]}      # may be absent; levels as for 4K pages
 */
#ifndef TIDE_CONFIG_PRESETS_H
#define TIDE_CONFIG_PRESETS_H

#include "config/settings.h"

struct tide_preset {
    const char *name, *path, *description;
    const struct tide_yaml *tlb;
    const struct tide_yaml *walk_caches; /* or NULL */
    struct tide_preset *next;
};

/* Reads a preset, once a load. NULL: reported at `at`, or where the preset itself is wrong. */
const struct tide_preset *tide_preset_find(struct tide_load *l, const char *name,
                                           struct tide_place at);

#endif
