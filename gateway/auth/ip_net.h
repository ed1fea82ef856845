/* ip_net: networks that a client may call from: an address or a CIDR block, IPv4 or IPv6. Pure. */
#ifndef AUTH_IP_NET_H
#define AUTH_IP_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define IP_NET_STR_MAX 50 /* "ffff:...:255.255.255.255/128" and its NUL */

struct ip_net {
        uint8_t b[16]; /* IPv4 as ::ffff:a.b.c.d */
        unsigned bits; /* of the sixteen bytes */
};

/* "192.0.2.7", "192.0.2.0/24", "2001:db8::/32". E_SYNTAX for anything else; E_INVALID where bits are
 * set behind the prefix, with *out as it was probably meant. */
MUST_USE enum errc ip_net_parse(struct ip_net *out, const char *text);
/* The canonical text, with a prefix unless it is a single address. */
char *ip_net_print(char out[IP_NET_STR_MAX], const struct ip_net *net);
/* address is numeric; false when it is not. */
bool ip_net_has(const struct ip_net *net, const char *address);

#endif
