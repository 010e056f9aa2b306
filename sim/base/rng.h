/* The one source of randomness: xoshiro256**, seeded by splitmix64.
 *
 * Each consumer draws from a stream of its own, derived from the experiment's seed and the
 * consumer's name, so that one consumer's draws never shift another's.
 * Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4),
 * 2021; Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014;
 * Lemire, "Fast random integer generation in an interval", ACM TOMACS 29(1), 2019.
 */
#ifndef TIDE_BASE_RNG_H
#define TIDE_BASE_RNG_H

#include <stdint.h>

struct tide_rng {
    uint64_t s[4];
};

static inline uint64_t tide_splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline void tide_rng_init(struct tide_rng *r, uint64_t seed, const char *name)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a of the name */

    for (; *name != '\0'; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    h ^= seed * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 4; i++)
        r->s[i] = tide_splitmix64(&h);
}

static inline uint64_t tide_rng_next(struct tide_rng *r)
{
    uint64_t *s = r->s;
    uint64_t x = s[1] * 5;
    uint64_t result = ((x << 7) | (x >> 57)) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}

/* Uniform in 0..n-1, n > 0, without bias. */
static inline uint64_t tide_rng_below(struct tide_rng *r, uint64_t n)
{
    unsigned __int128 m = (unsigned __int128)tide_rng_next(r) * n;
    uint64_t low = (uint64_t)m;

    if (low < n) {
        uint64_t threshold = -n % n;

        while (low < threshold) {
            m = (unsigned __int128)tide_rng_next(r) * n;
            low = (uint64_t)m;
        }
    }
    return (uint64_t)(m >> 64);
}

#endif
