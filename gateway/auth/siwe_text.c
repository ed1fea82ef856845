#include "auth/siwe_text.h"

#include <stdio.h>
#include <string.h>

#include "sign/keccak.h"

#define DAY_MS   INT64_C(86400000)
#define YEAR_MAX 9999

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(char c)
{
        return is_digit(c) || is_alpha(c);
}

static bool is_one_of(char c, const char *set)
{
        return c != '\0' && strchr(set, c) != NULL;
}

/* --- addresses (EIP-55): a letter is upper case where the digit of the hash is 8 or more --- */

void siwe_text_print_addr(char out[ADDR_STR_MAX], const struct addr *address)
{
        struct hash32 hash;

        hex_print_addr(out, address);
        keccak256(&hash, out + 2, 40);
        for (unsigned i = 0; i < 40; i++) {
                unsigned nibble = i % 2 ? hash.b[i / 2] & 0xfU : hash.b[i / 2] >> 4;
                char *c = &out[2 + i];

                if (nibble >= 8 && is_alpha(*c))
                        *c = (char)(*c - 'a' + 'A');
        }
}

enum errc siwe_text_parse_addr(struct addr *out, const char *s, size_t len)
{
        char exact[ADDR_STR_MAX];
        struct addr address;
        enum errc rc = hex_parse_addr(&address, s, len);

        if (rc)
                return rc;
        siwe_text_print_addr(exact, &address);
        if (memcmp(exact, s, len) != 0)
                return E_SYNTAX;
        *out = address;
        return E_OK;
}

/* --- times: days counted in the proleptic Gregorian calendar, years starting in March, so that the
 * leap day is the last of the year --- */

static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
        int64_t y = month <= 2 ? year - 1 : year;
        int64_t era = y / 400;
        int64_t year_of_era = y - era * 400;
        int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

        return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
               day_of_year - 719468;
}

static void date_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
        int64_t shifted = days + 719468;
        int64_t era = shifted / 146097;
        int64_t day_of_era = shifted - era * 146097;
        int64_t year_of_era =
                (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        int64_t day_of_year =
                day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        int64_t shifted_month = (5 * day_of_year + 2) / 153;

        *day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        *month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
        *year = year_of_era + era * 400 + (*month <= 2);
}

enum errc siwe_text_print_time(char out[SIWE_TIME_MAX], int64_t wall_ms)
{
        int64_t year = 0, month = 0, day = 0;

        if (wall_ms < 0 || wall_ms / DAY_MS > days_from_date(YEAR_MAX, 12, 31))
                return E_RANGE;
        date_from_days(wall_ms / DAY_MS, &year, &month, &day);
        int64_t ms = wall_ms % DAY_MS;
        int n = snprintf(out, SIWE_TIME_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year,
                         (int)month, (int)day, (int)(ms / 3600000), (int)(ms / 60000 % 60),
                         (int)(ms / 1000 % 60), (int)(ms % 1000));
        must(n == SIWE_TIME_MAX - 1);
        return E_OK;
}

static int64_t digits(const char *s, size_t n)
{
        int64_t v = 0;

        for (size_t i = 0; i < n; i++)
                v = v * 10 + (s[i] - '0');
        return v;
}

enum errc siwe_text_parse_time(int64_t *out, const char *s, size_t len)
{
        static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";
        char back[SIWE_TIME_MAX];

        if (len != sizeof shape - 1)
                return E_SYNTAX;
        for (size_t i = 0; i < len; i++) {
                if (shape[i] == 'd' ? !is_digit(s[i]) : s[i] != shape[i])
                        return E_SYNTAX;
        }
        int64_t year = digits(s, 4), month = digits(s + 5, 2), day = digits(s + 8, 2);
        int64_t hour = digits(s + 11, 2), minute = digits(s + 14, 2), second = digits(s + 17, 2);
        if (year < 1970 || month < 1 || month > 12)
                return E_SYNTAX;
        int64_t ms = days_from_date(year, month, day) * DAY_MS + hour * 3600000 + minute * 60000 +
                     second * 1000 + digits(s + 20, 3);
        /* February 30, 24:00 and second 60 come back as another text. */
        if (siwe_text_print_time(back, ms) || memcmp(back, s, len) != 0)
                return E_SYNTAX;
        *out = ms;
        return E_OK;
}

/* --- the rest --- */

enum errc siwe_text_parse_u64(uint64_t *out, const char *s, size_t len)
{
        uint64_t v = 0;

        if (len == 0 || len > 20 || (len > 1 && s[0] == '0'))
                return E_SYNTAX;
        for (size_t i = 0; i < len; i++) {
                if (!is_digit(s[i]) || __builtin_mul_overflow(v, UINT64_C(10), &v) ||
                    __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
                        return E_SYNTAX;
        }
        *out = v;
        return E_OK;
}

/* Without "@": "brand.example@other.example" reads as the brand and names the other. */
bool siwe_text_domain_ok(const char *s, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                if (!is_alnum(s[i]) && !is_one_of(s[i], "-._:[]"))
                        return false;
        }
        return len > 0;
}

bool siwe_text_statement_ok(const char *s, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                if (!is_alnum(s[i]) && !is_one_of(s[i], " -._~:/?#[]@!$&'()*+,;="))
                        return false;
        }
        return true;
}

bool siwe_text_uri_ok(const char *s, size_t len)
{
        size_t scheme = 0;

        while (scheme < len && (is_alnum(s[scheme]) || is_one_of(s[scheme], "+-.")))
                scheme++;
        if (scheme == 0 || !is_alpha(s[0]) || scheme == len || s[scheme] != ':')
                return false;
        for (size_t i = scheme; i < len; i++) {
                if (!is_alnum(s[i]) && !is_one_of(s[i], "-._~:/?#[]@!$&'()*+,;=%"))
                        return false;
        }
        return scheme + 1 < len;
}

bool siwe_text_nonce_ok(const char *s, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                if (!is_alnum(s[i]))
                        return false;
        }
        return len >= 8;
}
