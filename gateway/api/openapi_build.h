/* openapi_build: the API's description (OpenAPI 3.1), from the tables that the router and the handlers read
 * by, and the words and examples in openapi/. */
#ifndef API_OPENAPI_BUILD_H
#define API_OPENAPI_BUILD_H

#include <jansson.h>

#include "edge/httpd.h"

struct field_table;

/* The document, with {{name}}, {{host}}, {{url}} and {{terms}} where the brand's own goes. Free with free(). */
char *openapi_build(void);

/* For descriptions of the same in another form. What is in openapi/, merged; all schemas by name. To be
 * released by the caller. */
json_t *openapi_build_parts(void);
json_t *openapi_build_schemas(const json_t *parts);
/* The names of the schemas of a route's body (NULL: it takes none) and answer. The route must exist. */
struct openapi_route {
        const char *body, *answer;
};
struct openapi_route openapi_build_route(enum http_method method, const char *path);

#endif
