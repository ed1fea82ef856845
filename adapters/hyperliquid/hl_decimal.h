/* hl_decimal: the number formats that Hyperliquid's clients apply to text, exact on decimal digits
 * and without the bounds of struct px: what a client would put on the wire for a number it was
 * given. Pure. Prices and sizes that we sign go through hl_num instead. */
#ifndef HL_DECIMAL_H
#define HL_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

#include "adapters/hyperliquid/hl_num.h"
#include "base/err.h"

#define HL_DECIMAL_STR_MAX 256

/* All print into out (HL_DECIMAL_STR_MAX bytes) and return 0, E_SYNTAX for what is not a number, or
 * E_RANGE for a value the format refuses. Text may have leading zeros, a leading or trailing point
 * and blanks around it; exponents where the format is for binary numbers (the first two). */

/* At most 8 decimals, half to even; E_RANGE when that moves the value by 1e-12 or more. */
MUST_USE enum errc hl_decimal_wire(char *out, const char *text, size_t len);
/* value * 10^decimals as an integer; E_RANGE when off one by 1e-3 or more. */
MUST_USE enum errc hl_decimal_int(char *out, const char *text, size_t len, unsigned decimals);
/* Cut to max_decimals, then, unless written as an integer, to 5 digits; E_RANGE for zero. */
MUST_USE enum errc hl_decimal_price(char *out, const char *text, size_t len, unsigned max_decimals);
/* Cut to size_decimals; E_RANGE for zero. */
MUST_USE enum errc hl_decimal_size(char *out, const char *text, size_t len, unsigned size_decimals);
/* Nearest with 5 digits (integers pass), then nearest with max_decimals. */
MUST_USE enum errc hl_decimal_price_nearest(char *out, const char *text, size_t len,
                                            unsigned max_decimals);
/* Nearest with that many decimals. */
MUST_USE enum errc hl_decimal_nearest(char *out, const char *text, size_t len, unsigned decimals);

/* Would the venue take the value as it stands? False for what is not a number above zero. */
bool hl_decimal_price_is_valid(const char *text, size_t len, unsigned max_decimals);
bool hl_decimal_size_is_valid(const char *text, size_t len, unsigned size_decimals);

#endif
