#include "brand/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "brand/yaml_read.h"

/* ASCII by hand: <ctype.h> follows the locale. */
static bool lower_or_digit(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool letter_or_digit(char c)
{
        return lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool only(const char *text, const char *extra)
{
        for (; *text; text++)
                if (!letter_or_digit(*text) && !strchr(extra, *text))
                        return false;
        return true;
}

static bool host_span(const char *text, size_t len)
{
        size_t label = 0;

        if (len == 0 || len > 253)
                return false;
        for (size_t i = 0; i < len; i++) {
                if (text[i] == '.') {
                        if (label == 0 || text[i - 1] == '-')
                                return false;
                        label = 0;
                        continue;
                }
                if (!lower_or_digit(text[i]) && (text[i] != '-' || label == 0))
                        return false;
                if (++label > 63)
                        return false;
        }
        return label > 0 && text[len - 1] != '-';
}

bool check_host(const char *text)
{
        return host_span(text, strlen(text));
}

static bool port_span(const char *text, size_t len)
{
        char digits[6];
        uint64_t port;

        if (len == 0 || len >= sizeof digits)
                return false;
        memcpy(digits, text, len);
        digits[len] = '\0';
        return yaml_read_digits(digits, 65535, &port) && port > 0;
}

/* Points behind scheme and authority, NULL when they are not "SCHEME(s)://host[:port]". */
static const char *after_authority(const char *text, const char *scheme)
{
        size_t scheme_len = strlen(scheme);

        if (strncmp(text, scheme, scheme_len) != 0)
                return NULL;
        text += scheme_len;
        text += *text == 's';
        if (strncmp(text, "://", 3) != 0)
                return NULL;
        text += 3;
        size_t len = strcspn(text, "/?#");
        size_t host_len = strcspn(text, ":/?#");
        if (!host_span(text, host_len))
                return NULL;
        if (host_len < len && !port_span(text + host_len + 1, len - host_len - 1))
                return NULL;
        return text + len;
}

bool check_origin(const char *text)
{
        const char *rest = after_authority(text, "http");

        return rest && *rest == '\0';
}

static bool is_tail(const char *rest)
{
        if (!rest)
                return false;
        for (; *rest; rest++)
                if (*rest <= 0x20 || *rest >= 0x7f || strchr("\"'<>\\^`{|}", *rest))
                        return false;
        return true;
}

bool check_url(const char *text)
{
        return is_tail(after_authority(text, "http"));
}

bool check_ws_url(const char *text)
{
        return is_tail(after_authority(text, "ws")) && !strchr(text, '#');
}

bool check_base_url(const char *text)
{
        size_t len = strlen(text);

        return check_url(text) && !strpbrk(text, "?#") && text[len - 1] != '/';
}

bool check_colour(const char *text)
{
        if (text[0] != '#' || strlen(text) != 7)
                return false;
        return strspn(text + 1, "0123456789abcdefABCDEF") == 6;
}

bool check_symbol(const char *text)
{
        return *text && letter_or_digit(*text) && only(text, ":_-/@.");
}

bool check_market(const char *text)
{
        size_t len = strcspn(text, ":");

        if (text[len] && strcmp(text + len, ":*") == 0)
                return len > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789") == len;
        return check_symbol(text);
}

bool check_font(const char *text)
{
        return only(text, " ,-");
}

bool check_statement(const char *text)
{
        return only(text, " -._~:/?#[]@!$&'()*+,;=");
}

bool check_address(const char *text)
{
        struct in6_addr address;

        return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

bool check_loopback(const char *text)
{
        struct in_addr v4;
        struct in6_addr v6;

        if (inet_pton(AF_INET, text, &v4) == 1)
                return ntohl(v4.s_addr) >> 24 == 127;
        return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* No segment may start with '.', which covers "..", and hidden files with it. */
bool check_plain_path(const char *text)
{
        if (!*text || !only(text, "._-/"))
                return false;
        for (size_t i = 0; text[i]; i++)
                if ((i == 0 || text[i - 1] == '/') && (text[i] == '.' || text[i] == '/'))
                        return false;
        return true;
}

bool check_folder_id(const char *text)
{
        if (!(*text >= 'a' && *text <= 'z'))
                return false;
        for (; *text; text++)
                if (!lower_or_digit(*text) && *text != '-')
                        return false;
        return true;
}

bool check_country(const char *text)
{
        return strlen(text) == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' &&
               text[1] <= 'Z' && strcmp(text, "XX") != 0;
}
