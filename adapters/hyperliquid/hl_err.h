/* hl_err: the venue's error texts and what they mean here. The table is hl_err.def. Pure. */
#ifndef HL_ERR_H
#define HL_ERR_H

#include <stdbool.h>

#include "base/err.h"

/* The code for a text, by the longest prefix that is known. E_OUTCOME_UNKNOWN for a nonce that was
 * used before: the action it was used for has been executed or burnt. *known is false for a text that
 * is not in the table (E_VENUE_REJECTED). */
enum errc hl_err_code(const char *text, bool *known);

/* Fills err: the code, its sentence, and the text verbatim as venue_message. */
enum errc hl_err_set(struct err *err, const char *text, bool *known);

#endif
