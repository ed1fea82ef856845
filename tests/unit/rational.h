/* rational: exact fractions of 128-bit whole numbers, for models that tests compare the product with.
 * It shares nothing with risk/ but the type num_wide. A number that does not fit fails the test. */
#ifndef TEST_RATIONAL_H
#define TEST_RATIONAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/num.h"

struct rational {
        num_wide n, d; /* d > 0, without a common factor */
};

static inline num_wide rational_gcd(num_wide a, num_wide b)
{
        a = a < 0 ? -a : a;
        b = b < 0 ? -b : b;
        while (b) {
                num_wide rest = a % b;

                a = b;
                b = rest;
        }
        return a;
}

static inline num_wide rational_times(num_wide a, num_wide b)
{
        num_wide v;

        if (__builtin_mul_overflow(a, b, &v))
                fail_msg("a model's number does not fit");
        return v;
}

static inline num_wide rational_plus(num_wide a, num_wide b)
{
        num_wide v;

        if (__builtin_add_overflow(a, b, &v))
                fail_msg("a model's number does not fit");
        return v;
}

static inline struct rational rational(num_wide n, num_wide d)
{
        num_wide common = rational_gcd(n, d);

        if (d < 0)
                common = -common;
        return (struct rational){n / common, d / common};
}

static inline struct rational rational_whole(num_wide n)
{
        return (struct rational){n, 1};
}

static inline struct rational rational_mul(struct rational a, struct rational b)
{
        num_wide one = rational_gcd(a.n, b.d), two = rational_gcd(b.n, a.d);

        one = one ? one : 1;
        two = two ? two : 1;
        return rational(rational_times(a.n / one, b.n / two), rational_times(a.d / two, b.d / one));
}

static inline struct rational rational_add(struct rational a, struct rational b)
{
        num_wide common = rational_gcd(a.d, b.d);

        return rational(
                rational_plus(rational_times(a.n, b.d / common), rational_times(b.n, a.d / common)),
                rational_times(a.d, b.d / common));
}

static inline struct rational rational_negate(struct rational a)
{
        return (struct rational){-a.n, a.d};
}

static inline struct rational rational_sub(struct rational a, struct rational b)
{
        return rational_add(a, rational_negate(b));
}

/* < 0, 0, > 0 as a is to b. */
static inline int rational_compare(struct rational a, struct rational b)
{
        num_wide n = rational_sub(a, b).n;

        return n < 0 ? -1 : n > 0;
}

/* Largest whole number not above a. */
static inline num_wide rational_floor(struct rational a)
{
        return a.n / a.d - (a.n % a.d < 0);
}

/* A price, size or amount of the product. */
static inline struct rational rational_of(int64_t units)
{
        return rational(units, NUM_SCALE);
}

/* ---- Random numbers ---- */

struct dice {
        uint64_t state;
};

/* Seeded from the clock, or from the environment; printed. */
static inline struct dice dice_new(const char *variable)
{
        const char *given = getenv(variable);
        uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

        print_message("%s=%llu\n", variable, (unsigned long long)seed);
        return (struct dice){seed};
}

static inline uint64_t dice_next(struct dice *dice)
{
        uint64_t z = dice->state += UINT64_C(0x9E3779B97F4A7C15);

        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        return z ^ (z >> 31);
}

static inline int64_t dice_below(struct dice *dice, int64_t n)
{
        return (int64_t)(dice_next(dice) % (uint64_t)n);
}

static inline int64_t dice_between(struct dice *dice, int64_t low, int64_t high)
{
        return low + dice_below(dice, high - low + 1);
}

#endif
