#include "auth/ip_net.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

#define V4_BITS 96 /* before an IPv4 address */

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const uint8_t b[16])
{
        return memcmp(b, v4_prefix, sizeof v4_prefix) == 0;
}

/* *is_short: it was written as IPv4. */
static bool read_address(uint8_t b[16], bool *is_short, const char *text)
{
        *is_short = inet_pton(AF_INET, text, b + sizeof v4_prefix) == 1;
        if (*is_short) {
                memcpy(b, v4_prefix, sizeof v4_prefix);
                return true;
        }
        return inet_pton(AF_INET6, text, b) == 1;
}

/* Clears what is behind the prefix; true when something was there. */
static bool clear_rest(struct ip_net *net)
{
        bool had = false;

        for (unsigned i = net->bits; i < 128; i++) {
                uint8_t bit = (uint8_t)(0x80u >> (i % 8));

                had = had || (net->b[i / 8] & bit);
                net->b[i / 8] &= (uint8_t)~bit;
        }
        return had;
}

enum errc ip_net_parse(struct ip_net *out, const char *text)
{
        const char *slash = strchr(text, '/');
        size_t len = slash ? (size_t)(slash - text) : strlen(text);
        char address[INET6_ADDRSTRLEN];
        int64_t bits = 0;
        bool is_short;

        if (len >= sizeof address)
                return E_SYNTAX;
        memcpy(address, text, len);
        address[len] = '\0';
        if (!read_address(out->b, &is_short, address))
                return E_SYNTAX;
        out->bits = 128;
        if (!slash)
                return E_OK;
        if (strlen(slash + 1) > 3 || slash[1 + strspn(slash + 1, "0123456789")] ||
            num_parse(&bits, slash + 1, strlen(slash + 1), 0, NUM_REFUSE) ||
            bits > (is_short ? 32 : 128))
                return E_SYNTAX;
        out->bits = (unsigned)bits + (is_short ? V4_BITS : 0);
        return clear_rest(out) ? E_INVALID : E_OK;
}

char *ip_net_print(char out[IP_NET_STR_MAX], const struct ip_net *net)
{
        bool is_short = is_v4(net->b) && net->bits >= V4_BITS;
        char address[INET6_ADDRSTRLEN];
        int n;

        must(inet_ntop(is_short ? AF_INET : AF_INET6, net->b + (is_short ? sizeof v4_prefix : 0),
                       address, sizeof address));
        n = net->bits == 128 ? snprintf(out, IP_NET_STR_MAX, "%s", address)
                             : snprintf(out, IP_NET_STR_MAX, "%s/%u", address,
                                        net->bits - (is_short ? V4_BITS : 0));
        must(n > 0 && n < IP_NET_STR_MAX);
        return out;
}

bool ip_net_has(const struct ip_net *net, const char *address)
{
        struct ip_net other = {.bits = net->bits};
        bool is_short;

        if (!read_address(other.b, &is_short, address))
                return false;
        (void)clear_rest(&other);
        return memcmp(other.b, net->b, sizeof net->b) == 0;
}
