/* asyncapi_build: the description of /v1/ws (AsyncAPI 3.0), from openapi/streams.json and the schemas of the
 * API's own description (openapi_build.h). */
#ifndef API_ASYNCAPI_BUILD_H
#define API_ASYNCAPI_BUILD_H

/* The document, with {{name}}, {{host}}, {{url}}, {{ws}} and {{terms}} where the brand's own goes. Free with
 * free(). */
char *asyncapi_build(void);

#endif
