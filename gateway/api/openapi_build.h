/* openapi_build: the API's description (OpenAPI 3.1), from the tables that the router and the handlers read
 * by, and the words and examples in openapi/. */
#ifndef API_OPENAPI_BUILD_H
#define API_OPENAPI_BUILD_H

/* The document, with {{name}}, {{host}}, {{url}} and {{terms}} where the brand's own goes. Free with free(). */
char *openapi_build(void);

#endif
