/* http_easy: how every curl handle of a client is set up: what it may speak, whom it trusts. */
#ifndef LOOP_HTTP_EASY_H
#define LOOP_HTTP_EASY_H

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/http_client.h"

struct http_easy;

struct http_easy *http_easy_open(const struct http_client_options *options);
void http_easy_close(struct http_easy *setup); /* after the last of its handles; accepts NULL */
CURL *http_easy_new(const struct http_easy *setup);
/* The headers of every request and these; the caller frees the list with curl_slist_free_all. */
struct curl_slist *http_easy_headers(const char *const *more, unsigned n);
/* Puts back the headers of every request. */
void http_easy_plain_headers(const struct http_easy *setup, CURL *easy);

/* The value of a Retry-After header in milliseconds, at most a day; -1 unless it is plain digits:
 * the date form would need the peer's clock. */
int64_t http_easy_retry_after_ms(const char *value, size_t len);

#endif
