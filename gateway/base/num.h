/* num: exact fixed-point numbers for prices, sizes, money and rates.
 * px, qty and usd count 1e-8 units in 64 bits (largest 9.2e10); rate counts 1e-12.
 * Products are formed in 128 bits; the rounding direction is an argument; overflow is E_RANGE.
 * Pure: no allocation, no locale, no floating point. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

__extension__ typedef __int128 num_wide;

struct px { /* price in collateral per unit of the base asset, 1e-8 */
        int64_t v;
};
struct qty { /* size in units of the base asset, 1e-8; signed where it is a position (long > 0) */
        int64_t v;
};
struct usd { /* money in the market's collateral token, 1e-8 */
        int64_t v;
};
struct rate { /* a dimensionless ratio, 1e-12: fees, funding, margin fractions */
        int64_t v;
};

#define NUM_SCALE         INT64_C(100000000) /* units in one: px, qty, usd */
#define NUM_DECIMALS      8
#define NUM_MICRO         INT64_C(100) /* usd units in 0.000001, the venue's unit of money */
#define NUM_RATE_SCALE    INT64_C(1000000000000) /* units in one: rate */
#define NUM_RATE_DECIMALS 12
#define NUM_STR_MAX       48 /* room for any printed number and its NUL */

enum num_round {
        NUM_DOWN,    /* towards zero */
        NUM_UP,      /* away from zero */
        NUM_NEAREST, /* ties away from zero */
};

/* What parsing does with more decimals than the scale holds. */
enum num_excess {
        NUM_REFUSE, /* E_SYNTAX unless the surplus digits are zeros */
        NUM_ROUND,  /* rounds to nearest: only for figures the venue prints from binary doubles */
};

/* Parses an optional '-', digits, optionally '.' and digits: nothing else (no '+', exponent, blank,
 * "NaN", leading '.', trailing '.'). Leading zeros are accepted only as "0" or "0.": "007" is E_SYNTAX.
 * out counts 10^-decimals units. E_SYNTAX, E_RANGE. decimals <= 18. */
MUST_USE enum errc num_parse(int64_t *out, const char *s, size_t len, unsigned decimals,
                             enum num_excess excess);
MUST_USE enum errc num_parse_px(struct px *out, const char *s, size_t len);     /* NUM_REFUSE */
MUST_USE enum errc num_parse_qty(struct qty *out, const char *s, size_t len);   /* NUM_REFUSE */
MUST_USE enum errc num_parse_usd(struct usd *out, const char *s, size_t len);   /* NUM_REFUSE */
MUST_USE enum errc num_parse_rate(struct rate *out, const char *s, size_t len); /* NUM_REFUSE */

/* Venue money as the venue prints it: rounded to whole units of 0.000001 (result is a multiple of
 * NUM_MICRO). NUL-terminated input. */
MUST_USE enum errc num_parse_micro(struct usd *out, const char *s);

/* Canonical decimal: no exponent, no trailing zeros, no trailing point, "0" for zero, never "-0".
 * Returns buf, which must hold NUM_STR_MAX bytes. num_print prints v * 10^-decimals; min_decimals
 * keeps at least that many ("2000.0" with 1). */
char *num_print(char *buf, int64_t v, unsigned decimals, unsigned min_decimals);
char *num_print_px(char *buf, struct px p);
char *num_print_qty(char *buf, struct qty q);
char *num_print_usd(char *buf, struct usd u);
char *num_print_rate(char *buf, struct rate r);

/* a * b / c in 128 bits with the given rounding; c must not be 0. E_RANGE when the result does not
 * fit. The floor that the typed functions stand on. */
MUST_USE enum errc num_muldiv(int64_t *out, int64_t a, int64_t b, int64_t c, enum num_round round);
MUST_USE enum errc num_div_wide(int64_t *out, num_wide a, num_wide c, enum num_round round);
MUST_USE enum errc num_add(int64_t *out, int64_t a, int64_t b); /* E_RANGE */
MUST_USE enum errc num_sub(int64_t *out, int64_t a, int64_t b); /* E_RANGE */

/* Typed arithmetic. The sign of a qty carries through. E_RANGE, also where the divisor is 0. */
MUST_USE enum errc num_notional(struct usd *out, struct px p, struct qty q, enum num_round round);
MUST_USE enum errc num_qty_for(struct qty *out, struct usd u, struct px p, enum num_round round);
MUST_USE enum errc num_px_for(struct px *out, struct usd u, struct qty q, enum num_round round);
MUST_USE enum errc num_usd_rate(struct usd *out, struct usd u, struct rate r, enum num_round round);
MUST_USE enum errc num_usd_add(struct usd *out, struct usd a, struct usd b);
MUST_USE enum errc num_usd_sub(struct usd *out, struct usd a, struct usd b);
/* a / b as a rate; b must not be 0. */
MUST_USE enum errc num_ratio(struct rate *out, int64_t a, int64_t b, enum num_round round);

/* Rounds v to a multiple of step (> 0). Where that multiple does not fit, the one towards zero. */
int64_t num_to_step(int64_t v, int64_t step, enum num_round round);
int64_t num_abs(int64_t v);    /* v must not be INT64_MIN */
int64_t num_pow10(unsigned n); /* n <= 18 */

#endif
