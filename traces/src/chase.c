/* Pointer chasing: the access pattern with no locality at all.
 *
 * Usage: chase PAGES ROUNDS
 * One node per 64-byte line of PAGES pages, linked into a single random cycle (Sattolo's shuffle),
 * followed ROUNDS times; every eighth node visited is written. It is linked statically, so that
 * its trace is nearly all its own work and not the dynamic linker's.
 *
 * Source: S. Sattolo, An algorithm to generate a random cyclic permutation, Information Processing
 * Letters 22 (1986).
 */
#include <stdint.h>
#include <stdlib.h>

enum { PAGE_BYTES = 4096, LINE_BYTES = 64 };

struct node {
    struct node *next;
    uint64_t visits;
    char rest[LINE_BYTES - sizeof(struct node *) - sizeof(uint64_t)];
};

static uint32_t random_below(uint64_t *state, uint32_t limit)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(((*state >> 32) * limit) >> 32);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    uint32_t n = (uint32_t)strtoul(argv[1], NULL, 10) * (PAGE_BYTES / LINE_BYTES);
    uint32_t rounds = (uint32_t)strtoul(argv[2], NULL, 10);
    struct node *nodes = aligned_alloc(PAGE_BYTES, (size_t)n * sizeof *nodes);
    uint32_t *order = malloc(n * sizeof *order);
    if (n == 0 || nodes == NULL || order == NULL)
        return 1;

    uint64_t state = 1;
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t i = n - 1; i > 0; i--) {
        uint32_t j = random_below(&state, i);
        uint32_t t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (uint32_t i = 0; i < n; i++) {
        nodes[i].next = &nodes[order[i]];
        nodes[i].visits = 0;
    }
    free(order);

    struct node *at = nodes;
    for (uint32_t i = 0; i < rounds * n; i++) {
        if (i % 8 == 0)
            at->visits++;
        at = at->next;
    }
    int lost = at != nodes; /* after whole rounds the walk is back where it began */
    free(nodes);
    return lost;
}
