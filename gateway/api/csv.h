/* csv: RFC 4180 text that a spreadsheet reads as data. Pure.
 * A text that begins like a formula ('=', '+', '-', '@', tab, carriage return) gets an apostrophe in
 * front, since spreadsheets would run it; numbers of ours are plain decimals and stay as they are. */
#ifndef API_CSV_H
#define API_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* A field; the comma before it is left out at the start of a line. */
void csv_text(struct buf *out, const char *value); /* NULL: empty */
void csv_number(struct buf *out, const char *digits);
void csv_int(struct buf *out, int64_t value);
void csv_end(struct buf *out); /* of the line */

/* True when an Accept header asks for text/csv and not for application/json. */
bool csv_wanted(const char *accept);

#endif
