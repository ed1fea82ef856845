/* A number is a string of digits and a count of how many stand after the point: rounding is cutting
 * digits off the end and at most one carry, so every step is exact. */
#include "adapters/hyperliquid/hl_decimal.h"

#include <string.h>

#include "base/attr.h"

#define TEXT_MAX     100
#define EXPONENT_MAX 60
#define DIGITS_MAX   200
#define SIGNIFICANT  5

struct dec {
        bool negative;
        unsigned n;                  /* digits, no leading zero; 0: the value is zero */
        unsigned char d[DIGITS_MAX]; /* most significant first, 0..9 */
        int scale;                   /* value = digits * 10^-scale; never negative */
};

enum cut { CUT_DOWN, CUT_HALF_EVEN };

static void push(struct dec *x, unsigned char digit)
{
        if (x->n == 0 && digit == 0)
                return;
        must(x->n < DIGITS_MAX);
        x->d[x->n++] = digit;
}

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static void trim(const char **text, size_t *len)
{
        while (*len > 0 && (*text)[0] == ' ') {
                (*text)++;
                (*len)--;
        }
        while (*len > 0 && (*text)[*len - 1] == ' ')
                (*len)--;
}

/* "e-7" and the like: moves the point. */
static enum errc parse_exponent(struct dec *x, const char *s, size_t len)
{
        bool down = false;
        int e = 0;

        if (len > 0 && (s[0] == '-' || s[0] == '+')) {
                down = s[0] == '-';
                s++;
                len--;
        }
        if (len == 0 || len > 2)
                return E_SYNTAX;
        for (size_t i = 0; i < len; i++) {
                if (!is_digit(s[i]))
                        return E_SYNTAX;
                e = e * 10 + (s[i] - '0');
        }
        if (e > EXPONENT_MAX)
                return E_SYNTAX;
        x->scale += down ? e : -e;
        for (; x->scale < 0; x->scale++)
                push(x, 0);
        return E_OK;
}

static enum errc parse(struct dec *x, const char *s, size_t len, bool exponent_allowed)
{
        size_t i = 0;
        bool has_digit = false;
        bool has_point = false;

        *x = (struct dec){0};
        trim(&s, &len);
        if (len > TEXT_MAX)
                return E_SYNTAX;
        if (len > 0 && s[0] == '-') {
                x->negative = true;
                i = 1;
        }
        for (; i < len && (is_digit(s[i]) || (s[i] == '.' && !has_point)); i++) {
                if (s[i] == '.') {
                        has_point = true;
                        continue;
                }
                has_digit = true;
                x->scale += has_point;
                push(x, (unsigned char)(s[i] - '0'));
        }
        if (!has_digit)
                return E_SYNTAX;
        if (i == len)
                return E_OK;
        if (!exponent_allowed || (s[i] != 'e' && s[i] != 'E'))
                return E_SYNTAX;
        return parse_exponent(x, s + i + 1, len - i - 1);
}

static void increment(struct dec *x)
{
        unsigned i = x->n;

        while (i > 0 && x->d[i - 1] == 9)
                x->d[--i] = 0;
        if (i > 0) {
                x->d[i - 1]++;
                return;
        }
        must(x->n < DIGITS_MAX);
        memmove(x->d + 1, x->d, x->n);
        x->d[0] = 1;
        x->n++;
}

/* More than half of a unit, or half of it with an odd digit before: rounds away from zero. */
static bool rounds_up(const struct dec *x, unsigned kept)
{
        unsigned first = x->d[kept];
        bool more = false;

        for (unsigned i = kept + 1; i < x->n; i++)
                more |= x->d[i] != 0;
        if (first != 5 || more)
                return first >= 5;
        return kept > 0 && x->d[kept - 1] % 2 == 1;
}

/* Drops the last count digits by value: the scale shrinks with them, below zero if need be. */
static void drop(struct dec *x, unsigned count, enum cut cut)
{
        bool up = false;

        if (count == 0)
                return;
        x->scale -= (int)count;
        if (count > x->n) {
                x->n = 0; /* below a tenth of a unit */
        } else {
                unsigned kept = x->n - count;

                up = cut == CUT_HALF_EVEN && rounds_up(x, kept);
                x->n = kept;
        }
        if (up)
                increment(x);
        for (; x->scale < 0; x->scale++)
                push(x, 0);
}

static void to_decimals(struct dec *x, unsigned decimals, enum cut cut)
{
        if (x->scale > (int)decimals)
                drop(x, (unsigned)(x->scale - (int)decimals), cut);
}

static void to_significant(struct dec *x, enum cut cut)
{
        if (x->n > SIGNIFICANT)
                drop(x, x->n - SIGNIFICANT, cut);
}

/* Takes the zeros after the point away. */
static void strip(struct dec *x)
{
        while (x->scale > 0 && x->n > 0 && x->d[x->n - 1] == 0) {
                x->n--;
                x->scale--;
        }
        if (x->n == 0) {
                x->scale = 0;
                x->negative = false;
        }
}

static void print(char *out, struct dec *x)
{
        size_t len = 0;
        int whole;

        strip(x);
        whole = (int)x->n - x->scale;
        if (x->negative)
                out[len++] = '-';
        if (whole <= 0)
                out[len++] = '0';
        for (int i = 0; i < whole; i++)
                out[len++] = (char)('0' + x->d[i]);
        if (x->scale > 0) {
                out[len++] = '.';
                for (int i = whole; i < 0; i++)
                        out[len++] = '0';
                for (int i = whole > 0 ? whole : 0; i < (int)x->n; i++)
                        out[len++] = (char)('0' + x->d[i]);
        }
        must(len < HL_DECIMAL_STR_MAX);
        out[len] = '\0';
}

/* Whether cutting x to decimals (half to even) moves it by 10^-bound or more. */
static bool moves_by(const struct dec *x, unsigned decimals, int bound)
{
        struct dec rest = *x;
        int tail = x->scale - (int)decimals; /* digits that go */
        unsigned kept;

        if (tail <= 0)
                return false;
        kept = (unsigned)tail < x->n ? x->n - (unsigned)tail : 0;
        memmove(rest.d, x->d + kept, x->n - kept);
        rest.n = x->n - kept;
        /* rest is the part below the last kept digit; what counts is its distance to 0 or 1 unit. */
        if ((unsigned)tail == rest.n && rounds_up(x, kept)) {
                for (unsigned i = 0; i < rest.n; i++)
                        rest.d[i] = (unsigned char)(9 - rest.d[i]);
                increment(&rest);
        }
        for (unsigned i = 0; i < rest.n; i++) {
                /* The digit stands for d * 10^(n - 1 - i - scale). */
                if (rest.d[i] != 0)
                        return (int)rest.n - 1 - (int)i - rest.scale >= -bound;
        }
        return false;
}

enum errc hl_decimal_wire(char *out, const char *text, size_t len)
{
        struct dec x;
        enum errc rc = parse(&x, text, len, true);

        if (rc)
                return rc;
        if (moves_by(&x, 8, 12))
                return E_RANGE;
        to_decimals(&x, 8, CUT_HALF_EVEN);
        print(out, &x);
        return E_OK;
}

enum errc hl_decimal_int(char *out, const char *text, size_t len, unsigned decimals)
{
        struct dec x;
        enum errc rc = parse(&x, text, len, true);

        must(decimals <= 20);
        if (rc)
                return rc;
        x.scale -= (int)decimals;
        for (; x.scale < 0; x.scale++)
                push(&x, 0);
        if (moves_by(&x, 0, 3))
                return E_RANGE;
        to_decimals(&x, 0, CUT_HALF_EVEN);
        print(out, &x);
        return E_OK;
}

enum errc hl_decimal_price(char *out, const char *text, size_t len, unsigned max_decimals)
{
        struct dec x;
        enum errc rc = parse(&x, text, len, false);

        if (rc)
                return rc;
        to_decimals(&x, max_decimals, CUT_DOWN);
        if (memchr(text, '.', len))
                to_significant(&x, CUT_DOWN);
        if (x.n == 0)
                return E_RANGE;
        print(out, &x);
        return E_OK;
}

enum errc hl_decimal_size(char *out, const char *text, size_t len, unsigned size_decimals)
{
        struct dec x;
        enum errc rc = parse(&x, text, len, false);

        if (rc)
                return rc;
        to_decimals(&x, size_decimals, CUT_DOWN);
        if (x.n == 0)
                return E_RANGE;
        print(out, &x);
        return E_OK;
}

enum errc hl_decimal_price_nearest(char *out, const char *text, size_t len, unsigned max_decimals)
{
        struct dec x;
        enum errc rc = parse(&x, text, len, true);

        if (rc)
                return rc;
        strip(&x);
        if (x.scale > 0) {
                to_significant(&x, CUT_HALF_EVEN);
                to_decimals(&x, max_decimals, CUT_HALF_EVEN);
        }
        print(out, &x);
        return E_OK;
}

enum errc hl_decimal_nearest(char *out, const char *text, size_t len, unsigned decimals)
{
        struct dec x;
        enum errc rc = parse(&x, text, len, true);

        if (rc)
                return rc;
        to_decimals(&x, decimals, CUT_HALF_EVEN);
        print(out, &x);
        return E_OK;
}

bool hl_decimal_price_is_valid(const char *text, size_t len, unsigned max_decimals)
{
        struct dec x;

        if (parse(&x, text, len, true) || x.negative)
                return false;
        strip(&x);
        if (x.n == 0)
                return false;
        return x.scale == 0 || (x.n <= SIGNIFICANT && x.scale <= (int)max_decimals);
}

bool hl_decimal_size_is_valid(const char *text, size_t len, unsigned size_decimals)
{
        struct dec x;

        if (parse(&x, text, len, true) || x.negative)
                return false;
        strip(&x);
        return x.n > 0 && x.scale <= (int)size_decimals;
}
