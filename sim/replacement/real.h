/* Powers and logarithms of two that come out the same on every machine.
 *
 * Policies that weigh references by exp(-x) decide by comparing such numbers, and libm's differ
 * from one version to the next in their last bit. These use nothing but IEEE additions,
 * multiplications and divisions; errors stay below 2^-50 of the result.
 */
#ifndef TIDE_REPLACEMENT_REAL_H
#define TIDE_REPLACEMENT_REAL_H

#include <math.h>
#include <stdint.h>

#include "base/rng.h"

#define TIDE_LN2 0.69314718055994530942

/* 2^x for x up to 1023; 0 where it would be below 2^-1000. */
static inline double tide_exp2(double x)
{
    int whole;
    double r, sum = 1;

    if (x < -1000)
        return 0;
    whole = (int)(x < 0 ? x - 0.5 : x + 0.5);
    r = (x - whole) * TIDE_LN2; /* at most ln(2)/2: the 14th term of the series is below 2^-57 */
    for (int k = 14; k > 0; k--)
        sum = 1 + sum * r / k;
    return ldexp(sum, whole);
}

/* Of a normal number above 0. */
static inline double tide_log2(double x)
{
    int whole;
    double m = frexp(x, &whole), z, sum = 0;

    if (m < 0.70710678118654752440) {
        m *= 2;
        whole--;
    }
    /* ln m = 2 artanh z, |z| < 0.172: the 12th term of the series is below 2^-61 */
    z = (m - 1) / (m + 1);
    for (int k = 23; k > 0; k -= 2)
        sum = sum * z * z + 1.0 / k;
    return whole + 2 * z * sum / TIDE_LN2;
}

static inline double tide_exp(double x)
{
    return tide_exp2(x / TIDE_LN2);
}

/* Uniform in 0..1, without 1. */
static inline double tide_real_draw(struct tide_rng *r)
{
    return ldexp((double)(tide_rng_next(r) >> 11), -53);
}

#endif
