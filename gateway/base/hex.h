/* hex: hexadecimal text, and the fixed-size values that travel as hex: addresses, hashes, client
 * order ids. All output is lower case with "0x". */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct addr { /* an account's or agent's address */
        uint8_t b[20];
};
struct hash32 {
        uint8_t b[32];
};
struct cloid { /* client order id, 128 bits */
        uint8_t b[16];
};

#define ADDR_STR_MAX  43 /* "0x" + 40 + NUL */
#define HASH_STR_MAX  67
#define CLOID_STR_MAX 35

/* len bytes to 2*len digits and a NUL, without prefix. */
char *hex_encode(char *out, const uint8_t *data, size_t len);
/* Exactly len bytes from 2*len digits; either case. E_SYNTAX. */
MUST_USE enum errc hex_decode(uint8_t *out, size_t len, const char *digits, size_t n_digits);
/* "0x" and 1..64 digits into 32 bytes, left-padded with zeros: signatures may come unpadded. */
MUST_USE enum errc hex_parse_padded(struct hash32 *out, const char *s, size_t len);

/* "0x" + the exact number of digits, either case. E_SYNTAX. */
MUST_USE enum errc hex_parse_addr(struct addr *out, const char *s, size_t len);
MUST_USE enum errc hex_parse_hash(struct hash32 *out, const char *s, size_t len);
MUST_USE enum errc hex_parse_cloid(struct cloid *out, const char *s, size_t len);
char *hex_print_addr(char out[ADDR_STR_MAX], const struct addr *a);
char *hex_print_hash(char out[HASH_STR_MAX], const struct hash32 *h);
char *hex_print_cloid(char out[CLOID_STR_MAX], const struct cloid *c);

bool hex_addr_equal(const struct addr *a, const struct addr *b);
bool hex_addr_zero(const struct addr *a);
bool hex_cloid_equal(const struct cloid *a, const struct cloid *b);

#endif
