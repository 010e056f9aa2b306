/* "Did you mean": the known word nearest to a mistyped one. */
#ifndef TIDE_BASE_NEAREST_H
#define TIDE_BASE_NEAREST_H

#include <stddef.h>

/* The word of `known` (n of them) with the least edit distance (insert, delete, replace, swap of
 * neighbours) to `word`, or NULL where none is near enough to be meant. First wins ties. */
const char *tide_nearest(const char *word, const char *const *known, size_t n);

#endif
