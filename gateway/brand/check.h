/* check: the syntax of single values in a configuration. Each returns whether text is one.
 * Private to brand. */
#ifndef BRAND_CHECK_H
#define BRAND_CHECK_H

#include <stdbool.h>

bool check_host(const char *text);       /* DNS name or IPv4, lower case, no port */
bool check_url(const char *text);        /* http(s)://host[:port][/...], no user part */
bool check_base_url(const char *text);   /* the same without query, fragment and trailing '/' */
bool check_ws_url(const char *text);     /* ws(s)://host[:port][/...], no user part, no fragment */
bool check_origin(const char *text);     /* http(s)://host[:port] and nothing behind */
bool check_colour(const char *text);     /* "#rrggbb" */
bool check_symbol(const char *text);     /* a market: letters, digits and ":_-/@." */
bool check_market(const char *text);     /* a symbol, or "dex:*" */
bool check_font(const char *text);       /* goes into a style sheet: letters, digits, " ,-" */
bool check_statement(const char *text);  /* what EIP-4361 allows in a statement */
bool check_address(const char *text);    /* numeric IPv4 or IPv6 */
bool check_loopback(const char *text);   /* 127.0.0.0/8 or ::1 */
bool check_plain_path(const char *text); /* relative, inside its folder, no hidden files */
bool check_country(const char *text);    /* two capital letters, not "XX" */
bool check_folder_id(const char *text);  /* [a-z0-9-], starting with a letter */

#endif
