/* YAML text as a tree whose nodes know their place.
 *
 * Built from libyaml's events rather than its documents: our nodes can be mixed from several
 * sources (file, presets, command line), keep their memory in an arena that tests can fail, and
 * anchors are refused where they stand. Refused besides syntax errors: more than one document,
 * anchors, aliases, merge keys, tags, keys that are not plain words, duplicate keys, NUL bytes,
 * nesting deeper than TIDE_YAML_MAX_DEPTH.
 */
#ifndef TIDE_CONFIG_YAML_H
#define TIDE_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "config/arena.h"
#include "config/problems.h"

enum { TIDE_YAML_MAX_DEPTH = 16 };

enum tide_yaml_type { TIDE_YAML_SCALAR, TIDE_YAML_SEQUENCE, TIDE_YAML_MAPPING };

struct tide_yaml {
    enum tide_yaml_type type;
    struct tide_place place;
    bool refused;                            /* an alias stood here, which has been reported */
    const char *text;                        /* of a scalar */
    size_t n;                                /* items of a sequence, pairs of a mapping */
    const struct tide_yaml **keys, **values; /* a sequence has no keys */
};

/* NULL where there is nothing usable: the problems say why (or that memory ran out). What could be
 * read before a syntax error is not returned. */
const struct tide_yaml *tide_yaml_parse(const struct tide_source *s, struct tide_problems *ps);
/* The value of a key of a mapping, or NULL. */
const struct tide_yaml *tide_yaml_get(const struct tide_yaml *mapping, const char *key);

#endif
