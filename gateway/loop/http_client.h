/* http_client: outbound HTTP over libcurl multi on the loop. Keep-alive, TLS verified, own
 * deadlines, own queue per client (waiting for a slot is ours, not curl's), body caps.
 * Loop thread only. */
#ifndef LOOP_HTTP_CLIENT_H
#define LOOP_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "loop/loop.h"

struct http_client;

struct http_client_options {
        unsigned max_in_flight; /* transfers at once, for all hosts; more wait in order */
        unsigned max_waiting;   /* bound of that queue; above it a request ends at once, E_LIMIT */
        size_t max_body_bytes;  /* a longer answer aborts the transfer */
        const char *interface_address; /* egress address to bind to, or NULL */
        const char *ca_file;           /* trust anchors instead of the system's, or NULL */
};

/* How a request ended, in the only terms that matter for an order. */
enum http_result {
        HTTP_ANSWERED, /* a whole answer arrived; see status */
        HTTP_NOT_SENT, /* certain: nothing of the request reached the peer */
        HTTP_UNKNOWN,  /* sent at least in part, and no whole answer arrived */
};

struct http_answer {
        enum http_result result;
        long status;      /* 0 unless HTTP_ANSWERED */
        const char *body; /* borrowed for the callback; NUL-terminated; "" if none */
        size_t body_len;
        const char *content_type; /* borrowed; "" if none */
        char reason[160];         /* why it was not answered, a sentence */
        int64_t retry_after_ms;   /* from Retry-After in seconds; -1 if absent */
};

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options);
/* Ends everything under way (callbacks fire with HTTP_NOT_SENT or HTTP_UNKNOWN) and frees. */
void http_client_free(struct http_client *client);

/* Fires exactly once, never before http_client_post has returned. */
typedef void http_client_done(void *cookie, const struct http_answer *answer);

/* Posts body (copied) as application/json. deadline_ms counts from now and includes waiting.
 * urgent requests pass those that are not in the queue: orders before reads. */
void http_client_post(struct http_client *client, const char *url, const void *body,
                      size_t body_len, int64_t deadline_ms, bool urgent, http_client_done *done,
                      void *cookie);
/* The same, not urgent, with further headers: "Name: value" lines, copied, at most
 * HTTP_CLIENT_HEADERS_MAX of them. */
#define HTTP_CLIENT_HEADERS_MAX 8
void http_client_post_with(struct http_client *client, const char *url, const char *const *header,
                           unsigned n_headers, const void *body, size_t body_len,
                           int64_t deadline_ms, http_client_done *done, void *cookie);
/* The same as http_client_post, as a GET without a body; never urgent. */
void http_client_get(struct http_client *client, const char *url, int64_t deadline_ms,
                     http_client_done *done, void *cookie);
unsigned http_client_in_flight(const struct http_client *client);

#endif
