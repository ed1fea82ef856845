/* siwe_text: the values that stand in the lines of a sign-in message: addresses in EIP-55 mixed
 * case, times as RFC 3339 with milliseconds and "Z", and the character sets of the rest. One text per
 * value: what is parsed prints as the same bytes. Pure. */
#ifndef AUTH_SIWE_TEXT_H
#define AUTH_SIWE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hex.h"

#define SIWE_TIME_MAX 25 /* "2026-01-31T23:59:59.999Z" and NUL */

void siwe_text_print_addr(char out[ADDR_STR_MAX], const struct addr *address);
/* "0x" and 40 digits in exactly the case of EIP-55. E_SYNTAX. */
MUST_USE enum errc siwe_text_parse_addr(struct addr *out, const char *s, size_t len);

/* Years 1970 to 9999. E_RANGE. */
MUST_USE enum errc siwe_text_print_time(char out[SIWE_TIME_MAX], int64_t wall_ms);
MUST_USE enum errc siwe_text_parse_time(int64_t *out, const char *s, size_t len); /* E_SYNTAX */

/* At least one digit, no leading zero, fits. E_SYNTAX. */
MUST_USE enum errc siwe_text_parse_u64(uint64_t *out, const char *s, size_t len);

bool siwe_text_domain_ok(const char *s, size_t len);    /* host, optionally with a port */
bool siwe_text_statement_ok(const char *s, size_t len); /* the characters EIP-4361 allows */
bool siwe_text_uri_ok(const char *s, size_t len);       /* a scheme, and no blanks */
bool siwe_text_nonce_ok(const char *s, size_t len);     /* 8 letters and digits or more */

#endif
