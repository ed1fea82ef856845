/* Every rounding happens in divide(), on magnitudes: the sign is put back at the end, so that
 * "towards zero" and "ties away from zero" mean the same on both sides of zero and INT64_MIN needs
 * no case of its own. */
#include "base/num.h"

#include <string.h>

#include "base/attr.h"

__extension__ typedef unsigned __int128 wide_magnitude;

#define POW10_MAX 18

static uint64_t magnitude(int64_t v)
{
        return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

static wide_magnitude magnitude_wide(num_wide v)
{
        return v < 0 ? 0 - (wide_magnitude)v : (wide_magnitude)v;
}

static enum errc with_sign(int64_t *out, wide_magnitude m, bool negative)
{
        if (m > (wide_magnitude)INT64_MAX + (negative ? 1 : 0))
                return E_RANGE;
        *out = (int64_t)(negative ? 0 - (uint64_t)m : (uint64_t)m);
        return E_OK;
}

static wide_magnitude divide(wide_magnitude a, wide_magnitude c, enum num_round round)
{
        wide_magnitude quotient = a / c, rest = a % c;

        switch (round) {
        case NUM_DOWN: break;
        case NUM_UP: quotient += rest > 0; break;
        case NUM_NEAREST: quotient += rest > 0 && rest >= c - rest; break;
        }
        return quotient;
}

int64_t num_pow10(unsigned n)
{
        int64_t v = 1;

        must(n <= POW10_MAX);
        while (n-- > 0)
                v *= 10;
        return v;
}

int64_t num_abs(int64_t v)
{
        must(v != INT64_MIN);
        return v < 0 ? -v : v;
}

enum errc num_div_wide(int64_t *out, num_wide a, num_wide c, enum num_round round)
{
        must(c != 0);
        return with_sign(out, divide(magnitude_wide(a), magnitude_wide(c), round),
                         (a < 0) != (c < 0));
}

enum errc num_muldiv(int64_t *out, int64_t a, int64_t b, int64_t c, enum num_round round)
{
        return num_div_wide(out, (num_wide)a * b, c, round);
}

enum errc num_add(int64_t *out, int64_t a, int64_t b)
{
        int64_t sum;

        if (__builtin_add_overflow(a, b, &sum))
                return E_RANGE;
        *out = sum;
        return E_OK;
}

enum errc num_sub(int64_t *out, int64_t a, int64_t b)
{
        int64_t difference;

        if (__builtin_sub_overflow(a, b, &difference))
                return E_RANGE;
        *out = difference;
        return E_OK;
}

int64_t num_to_step(int64_t v, int64_t step, enum num_round round)
{
        must(step > 0);
        wide_magnitude units = divide(magnitude(v), (uint64_t)step, round);
        int64_t rounded;

        if (with_sign(&rounded, units * (uint64_t)step, v < 0))
                rounded = v - v % step; /* only when rounding outwards left the range */
        return rounded;
}

/* Digits read so far, as a magnitude that stops growing once it can't fit any more. */
struct digits {
        wide_magnitude value;
        bool too_large;
};

static void push_digit(struct digits *d, unsigned digit)
{
        if (d->value > INT64_MAX)
                d->too_large = true;
        else
                d->value = d->value * 10 + digit;
}

static size_t count_digits(const char *s, size_t len)
{
        size_t n = 0;

        while (n < len && s[n] >= '0' && s[n] <= '9')
                n++;
        return n;
}

/* The digits after the point: as many as the scale holds go into d, then the surplus is judged.
 * *round_up is set where the rest rounds away from zero. */
static enum errc push_fraction(struct digits *d, const char *s, size_t n, unsigned decimals,
                               enum num_excess excess, bool *round_up)
{
        for (unsigned i = 0; i < decimals; i++)
                push_digit(d, i < n ? (unsigned)(s[i] - '0') : 0);
        for (size_t i = decimals; i < n; i++) {
                if (s[i] != '0' && excess == NUM_REFUSE)
                        return E_SYNTAX;
        }
        *round_up = n > decimals && s[decimals] >= '5';
        return E_OK;
}

enum errc num_parse(int64_t *out, const char *s, size_t len, unsigned decimals,
                    enum num_excess excess)
{
        bool negative = len > 0 && s[0] == '-', round_up = false;
        struct digits d = {0, false};
        size_t at = negative ? 1 : 0, n_fraction = 0;

        must(decimals <= POW10_MAX);
        if (len == 0)
                return E_SYNTAX;
        size_t n_whole = count_digits(s + at, len - at);
        if (n_whole == 0 || (n_whole > 1 && s[at] == '0'))
                return E_SYNTAX;
        for (size_t i = 0; i < n_whole; i++)
                push_digit(&d, (unsigned)(s[at + i] - '0'));
        at += n_whole;
        if (at < len && s[at] == '.') {
                at++;
                n_fraction = count_digits(s + at, len - at);
                if (n_fraction == 0)
                        return E_SYNTAX;
        }
        if (at + n_fraction != len)
                return E_SYNTAX;
        if (push_fraction(&d, s + at, n_fraction, decimals, excess, &round_up))
                return E_SYNTAX;
        if (d.too_large)
                return E_RANGE;
        return with_sign(out, d.value + round_up, negative);
}

enum errc num_parse_px(struct px *out, const char *s, size_t len)
{
        return num_parse(&out->v, s, len, NUM_DECIMALS, NUM_REFUSE);
}

enum errc num_parse_qty(struct qty *out, const char *s, size_t len)
{
        return num_parse(&out->v, s, len, NUM_DECIMALS, NUM_REFUSE);
}

enum errc num_parse_usd(struct usd *out, const char *s, size_t len)
{
        return num_parse(&out->v, s, len, NUM_DECIMALS, NUM_REFUSE);
}

enum errc num_parse_rate(struct rate *out, const char *s, size_t len)
{
        return num_parse(&out->v, s, len, NUM_RATE_DECIMALS, NUM_REFUSE);
}

enum errc num_parse_micro(struct usd *out, const char *s)
{
        int64_t micro;
        enum errc rc = num_parse(&micro, s, strlen(s), 6, NUM_ROUND);

        if (rc)
                return rc;
        return num_muldiv(&out->v, micro, NUM_MICRO, 1, NUM_DOWN);
}

/* Written backwards into its end, then moved: the lowest digits decide what is left out. */
char *num_print(char *buf, int64_t v, unsigned decimals, unsigned min_decimals)
{
        char text[NUM_STR_MAX], *p = text + sizeof text;
        uint64_t m = magnitude(v);
        unsigned n_decimals = decimals;

        must(decimals <= POW10_MAX && min_decimals <= POW10_MAX);
        for (; n_decimals > min_decimals && m % 10 == 0; n_decimals--)
                m /= 10;
        *--p = '\0';
        for (unsigned i = n_decimals; i < min_decimals; i++)
                *--p = '0';
        for (unsigned i = 0; i < n_decimals; i++, m /= 10)
                *--p = (char)('0' + m % 10);
        if (n_decimals > 0 || min_decimals > 0)
                *--p = '.';
        do {
                *--p = (char)('0' + m % 10);
                m /= 10;
        } while (m > 0);
        if (v < 0)
                *--p = '-';
        return memcpy(buf, p, (size_t)(text + sizeof text - p));
}

char *num_print_px(char *buf, struct px p)
{
        return num_print(buf, p.v, NUM_DECIMALS, 0);
}

char *num_print_qty(char *buf, struct qty q)
{
        return num_print(buf, q.v, NUM_DECIMALS, 0);
}

char *num_print_usd(char *buf, struct usd u)
{
        return num_print(buf, u.v, NUM_DECIMALS, 0);
}

char *num_print_rate(char *buf, struct rate r)
{
        return num_print(buf, r.v, NUM_RATE_DECIMALS, 0);
}

enum errc num_notional(struct usd *out, struct px p, struct qty q, enum num_round round)
{
        return num_muldiv(&out->v, p.v, q.v, NUM_SCALE, round);
}

/* A price or size of zero comes from outside (a market without a mark): an error, not a bug. */
static enum errc scaled_quotient(int64_t *out, int64_t a, int64_t c, enum num_round round)
{
        if (c == 0)
                return E_RANGE;
        return num_muldiv(out, a, NUM_SCALE, c, round);
}

enum errc num_qty_for(struct qty *out, struct usd u, struct px p, enum num_round round)
{
        return scaled_quotient(&out->v, u.v, p.v, round);
}

enum errc num_px_for(struct px *out, struct usd u, struct qty q, enum num_round round)
{
        return scaled_quotient(&out->v, u.v, q.v, round);
}

enum errc num_usd_rate(struct usd *out, struct usd u, struct rate r, enum num_round round)
{
        return num_muldiv(&out->v, u.v, r.v, NUM_RATE_SCALE, round);
}

enum errc num_usd_add(struct usd *out, struct usd a, struct usd b)
{
        return num_add(&out->v, a.v, b.v);
}

enum errc num_usd_sub(struct usd *out, struct usd a, struct usd b)
{
        return num_sub(&out->v, a.v, b.v);
}

enum errc num_ratio(struct rate *out, int64_t a, int64_t b, enum num_round round)
{
        return num_muldiv(&out->v, a, NUM_RATE_SCALE, b, round);
}
