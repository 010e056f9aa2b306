/* A hash join: rows of one table are hashed, those of another probe for them in random order.
 *
 * Usage: hashjoin ROWS PROBES
 * Open addressing with linear probing, at most half full. Prints the sum of what was found.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct row {
    uint64_t key, value; /* key 0: free */
};

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct row *find(struct row *table, uint64_t mask, uint64_t key)
{
    uint64_t i = key * 0x9e3779b97f4a7c15u & mask;

    while (table[i].key != 0 && table[i].key != key)
        i = (i + 1) & mask;
    return &table[i];
}

int main(int argc, char **argv)
{
    uint64_t rows, probes, size = 2, state = 88172645463325252u, sum = 0;
    struct row *table;

    if (argc != 3)
        return 2;
    rows = strtoull(argv[1], NULL, 10);
    probes = strtoull(argv[2], NULL, 10);
    while (size < 2 * rows)
        size *= 2;
    if ((table = calloc(size, sizeof *table)) == NULL)
        return 1;
    for (uint64_t key = 1; key <= rows; key++)
        *find(table, size - 1, key) = (struct row){key, next(&state)};
    for (uint64_t i = 0; i < probes; i++)
        sum += find(table, size - 1, 1 + next(&state) % (2 * rows))->value;
    printf("%llu\n", (unsigned long long)sum);
    free(table);
    return 0;
}
