/* query: reads a query string into a struct by a table of fields. Pure. */
#ifndef API_QUERY_H
#define API_QUERY_H

#include "api/schema.h"

#define QUERY_VALUE_MAX 512 /* bytes of one decoded value */

/* As schema_read: unknown parameters, wrong types and values out of bounds are named, all at once.
 * Of the types, FIELD_TEXT, FIELD_WORD, FIELD_UINT, FIELD_TIME and FIELD_SECONDS have a place in a query. */
MUST_USE enum errc query_read(void *out, const char *query, const struct field *fields, size_t n,
                              struct err *err);

#endif
