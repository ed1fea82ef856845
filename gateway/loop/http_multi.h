/* http_multi: joins one curl multi handle to the loop. Loop thread only. */
#ifndef LOOP_HTTP_MULTI_H
#define LOOP_HTTP_MULTI_H

#include <curl/curl.h>

#include "loop/loop.h"

struct http_multi;

/* A transfer is over, with code. Must call http_multi_remove; may add others. */
typedef void http_multi_ended(void *cookie, CURL *easy, CURLcode code);

/* Keeps up to max_connections idle connections open. */
struct http_multi *http_multi_open(struct loop *loop, unsigned max_connections,
                                   http_multi_ended *ended, void *cookie);
/* After the last transfer was removed: one left inside would leak. Accepts NULL. */
void http_multi_close(struct http_multi *multi);
/* Starts easy in the next turn. */
void http_multi_add(struct http_multi *multi, CURL *easy);
void http_multi_remove(struct http_multi *multi, CURL *easy);

#endif
