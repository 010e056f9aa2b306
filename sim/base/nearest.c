/* Nearest word. Source: the optimal string alignment distance (Damerau 1964, Wagner and Fischer
 * 1974 with neighbour swaps). */
#include "base/nearest.h"

#include <string.h>

enum { LONGEST = 48 };

static size_t min2(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t d[LONGEST + 1][LONGEST + 1];

    for (size_t i = 0; i <= na; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= nb; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= na; i++) {
        for (size_t j = 1; j <= nb; j++) {
            size_t best =
                min2(min2(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));

            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = min2(best, d[i - 2][j - 2] + 1);
            d[i][j] = best;
        }
    }
    return d[na][nb];
}

const char *tide_nearest(const char *word, const char *const *known, size_t n)
{
    size_t nw = strlen(word), best = 0;
    const char *found = NULL;

    if (nw == 0 || nw > LONGEST)
        return NULL;
    best = nw / 3 + 2; /* farther than this is another word, not a slip */
    for (size_t i = 0; i < n; i++) {
        size_t nk = strlen(known[i]), d;

        if (nk > LONGEST)
            continue;
        d = distance(word, nw, known[i], nk);
        if (d < best && d < nk) {
            best = d;
            found = known[i];
        }
    }
    return found;
}
