/* tables: the field tables of the handlers, by name, and what describes them. */
#ifndef API_TABLES_H
#define API_TABLES_H

#include "api/schema.h"

#define TABLE(name, table) extern const struct field_table table;
#define DOC(handler, query, body, answer)
#include "api/openapi.def"
#undef TABLE
#undef DOC

#endif
