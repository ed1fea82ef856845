/* openapi_schema: JSON Schema (2020-12) from field tables, and from the shorthand of openapi/. */
#ifndef API_OPENAPI_SCHEMA_H
#define API_OPENAPI_SCHEMA_H

#include <jansson.h>

struct field;
struct field_table;

/* {"$ref": ...} to a schema of the document. */
json_t *openapi_schema_ref(const char *name);
/* What one field takes, and an object of a table's fields. */
json_t *openapi_schema_field(const struct field *field);
json_t *openapi_schema_table(const struct field_table *table);
/* Shorthand: "decimal|null: words", ["Name"], {"member?": ...}, {"*": ...} for any names, and
 * {"...": "Name"} for the members of another shorthand in `all`. Members without ? are required and no
 * others are there. */
json_t *openapi_schema_expand(const json_t *shorthand, const json_t *all);

#endif
