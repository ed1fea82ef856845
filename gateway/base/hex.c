#include "base/hex.h"

#include <string.h>

#include "base/attr.h"

/* -1 for anything but a digit. */
static int digit_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

char *hex_encode(char *out, const uint8_t *data, size_t len)
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < len; i++) {
                out[2 * i] = digits[data[i] >> 4];
                out[2 * i + 1] = digits[data[i] & 15];
        }
        out[2 * len] = '\0';
        return out;
}

enum errc hex_decode(uint8_t *out, size_t len, const char *digits, size_t n_digits)
{
        if (n_digits % 2 != 0 || n_digits / 2 != len)
                return E_SYNTAX;
        for (size_t i = 0; i < len; i++) {
                int high = digit_value(digits[2 * i]);
                int low = digit_value(digits[2 * i + 1]);
                if (high < 0 || low < 0)
                        return E_SYNTAX;
                out[i] = (uint8_t)(high << 4 | low);
        }
        return E_OK;
}

static bool has_prefix(const char *s, size_t len)
{
        return len >= 2 && s[0] == '0' && s[1] == 'x';
}

static enum errc parse_exact(uint8_t *out, size_t n_bytes, const char *s, size_t len)
{
        if (!has_prefix(s, len))
                return E_SYNTAX;
        return hex_decode(out, n_bytes, s + 2, len - 2);
}

static char *print_prefixed(char *out, const uint8_t *data, size_t len)
{
        out[0] = '0';
        out[1] = 'x';
        hex_encode(out + 2, data, len);
        return out;
}

enum errc hex_parse_padded(struct hash32 *out, const char *s, size_t len)
{
        char digits[2 * sizeof out->b];

        if (!has_prefix(s, len) || len == 2 || len - 2 > sizeof digits)
                return E_SYNTAX;
        size_t n_digits = len - 2;
        memset(digits, '0', sizeof digits);
        memcpy(digits + sizeof digits - n_digits, s + 2, n_digits);
        return hex_decode(out->b, sizeof out->b, digits, sizeof digits);
}

enum errc hex_parse_addr(struct addr *out, const char *s, size_t len)
{
        return parse_exact(out->b, sizeof out->b, s, len);
}

enum errc hex_parse_hash(struct hash32 *out, const char *s, size_t len)
{
        return parse_exact(out->b, sizeof out->b, s, len);
}

enum errc hex_parse_cloid(struct cloid *out, const char *s, size_t len)
{
        return parse_exact(out->b, sizeof out->b, s, len);
}

char *hex_print_addr(char out[ADDR_STR_MAX], const struct addr *a)
{
        return print_prefixed(out, a->b, sizeof a->b);
}

char *hex_print_hash(char out[HASH_STR_MAX], const struct hash32 *h)
{
        return print_prefixed(out, h->b, sizeof h->b);
}

char *hex_print_cloid(char out[CLOID_STR_MAX], const struct cloid *c)
{
        return print_prefixed(out, c->b, sizeof c->b);
}

bool hex_addr_equal(const struct addr *a, const struct addr *b)
{
        return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool hex_addr_zero(const struct addr *a)
{
        static const struct addr zero;

        return hex_addr_equal(a, &zero);
}

bool hex_cloid_equal(const struct cloid *a, const struct cloid *b)
{
        return memcmp(a->b, b->b, sizeof a->b) == 0;
}
