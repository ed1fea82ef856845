/* httpd: HTTP/1.1 and WebSocket listeners on the loop, over libwebsockets. It knows
 * nothing of routes or brands: it delivers whole, bounded, well-formed requests and frames, and
 * takes answers by handle, because the peer may leave at any time and nothing else may notice.
 *
 * Refused here, before the handler: Transfer-Encoding (411/400), a Content-Length that is not plain
 * digits (400) or above the listener's cap (413), a body on a method that has none announced,
 * paths with control bytes, blanks, backslash, '#', '&' or ';' (also percent-encoded) or bad UTF-8,
 * queries with repeated names or control bytes (400), slow headers and bodies (closed after the
 * listener's deadline), too many connections in all or per address (closed, counted). Such refusals
 * are problem documents from err.def. Headers above 16 KB, unknown methods, bad percent-encoding and
 * what is not HTTP at all are the library's to refuse: with a bare 403, or by closing.
 * "." and ".." segments and repeated slashes are resolved before anybody sees them.
 * Loop thread only. */
#ifndef EDGE_HTTPD_H
#define EDGE_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/handle.h"
#include "loop/loop.h"

struct httpd;          /* all listeners of one loop */
struct httpd_listener; /* one port with its handler */

enum http_method {
        METHOD_GET,
        METHOD_POST,
        METHOD_PUT,
        METHOD_PATCH,
        METHOD_DELETE,
        METHOD_OPTIONS,
        METHOD_HEAD
};
const char *http_method_name(enum http_method method);

/* A whole request. Everything is borrowed for the handler call only. */
struct httpd_request {
        struct handle handle; /* answer with httpd_reply, now or later, exactly once */
        enum http_method method;
        const char *path;  /* decoded, starts with '/' */
        const char *query; /* percent-encoded anew, without '?'; "" if none */
        const char *host;  /* lower case, without port; "" if none */
        const char *body;  /* NUL-terminated; "" if none */
        size_t body_len;
        char peer[46];       /* numeric address of the TCP peer */
        char request_id[37]; /* X-Request-Id when 1..36 of [A-Za-z0-9._-] were sent, else our own */
        int64_t received_until; /* monotonic ms when it was whole */
        const void *internal;
};

/* Value of a request header (name in lower case, one of the set below), "" if absent. Borrowed for
 * the handler call. Known names: authorization, content-type, origin, accept, idempotency-key,
 * x-api-key, x-api-timestamp, x-api-signature, x-api-window, x-sub-account, if-none-match,
 * x-forwarded-for, user-agent, cf-ipcountry, x-country, access-control-request-method,
 * access-control-request-headers. */
const char *httpd_header(const struct httpd_request *request, const char *name);
/* Decoded value of a query parameter into out; 0 when absent or when it does not fit. */
bool httpd_query(const struct httpd_request *request, const char *name, char *out, size_t cap);

struct httpd_header_pair {
        const char *name;
        const char *value;
};

/* Answers; all arguments are copied. No-op when the peer left. X-Request-Id, Content-Length and
 * Date are added here. A HEAD request gets the headers alone. */
void httpd_reply(struct httpd *httpd, struct handle request, int status, const char *content_type,
                 const struct httpd_header_pair *headers, size_t n_headers, const void *body,
                 size_t body_len);

/* Closes the request's connection without an answer, instead of httpd_reply: for a server that plays
 * a broken one. No-op when the peer left. */
void httpd_abort(struct httpd *httpd, struct handle request);

/* WebSocket peers. What is sent is queued within the listener's bounds: E_LIMIT when the queue is
 * full (the caller decides: drop or close), E_NOT_FOUND when the peer is gone or being closed. What is
 * queued within one turn of the loop leaves together, in order. */
struct httpd_ws_ops {
        /* Upgrade request; return 0 to accept, an HTTP status to refuse. May be NULL: refuse all. */
        int (*upgrade)(void *cookie, const struct httpd_request *request);
        /* The peer is there. request is the upgrade's; of its handle, method and body there is nothing
         * to use. */
        void (*opened)(void *cookie, struct handle peer, const struct httpd_request *request);
        /* A whole text message, valid UTF-8, NUL-terminated, within max_message_bytes. */
        void (*message)(void *cookie, struct handle peer, const char *text, size_t len);
        void (*closed)(void *cookie, struct handle peer);
        /* What was queued fell to a quarter of the bound or less, after it had been above half of it, or
         * something had been refused: there is room again. Never from inside a call. May be NULL. */
        void (*drained)(void *cookie, struct handle peer);
};
MUST_USE enum errc httpd_ws_send(struct httpd *httpd, struct handle peer, const void *text,
                                 size_t len);

/* One text message for many peers: encoded once, counted, never changed. text is copied. */
struct httpd_frame;
struct httpd_frame *httpd_frame_new(const void *text,
                                    size_t len);                 /* the caller has one reference */
struct httpd_frame *httpd_frame_hold(struct httpd_frame *frame); /* one more */
void httpd_frame_drop(struct httpd_frame *frame);                /* accepts NULL */
/* Like httpd_ws_send. Holds the frame itself for as long as it waits. */
MUST_USE enum errc httpd_ws_share(struct httpd *httpd, struct handle peer,
                                  struct httpd_frame *frame);
size_t httpd_ws_queued(const struct httpd *httpd,
                       struct handle peer); /* bytes that wait; 0: gone */
/* Sends what is queued, then closes with code and reason (at most 120 bytes). */
void httpd_ws_close(struct httpd *httpd, struct handle peer, uint16_t code, const char *reason);

typedef void httpd_handler(void *cookie, const struct httpd_request *request);

struct httpd_listen_options {
        const char *address; /* numeric, e.g. "127.0.0.1" */
        uint16_t port;       /* 0 picks a free one */
        size_t max_body_bytes;
        unsigned max_connections;
        unsigned max_connections_per_address; /* 0: no bound of its own */
        int64_t request_deadline_ms;          /* from accept or first byte to a whole request */
        int64_t idle_keep_alive_ms;
        const char *tls_cert_file; /* both NULL: plain */
        const char *tls_key_file;
        httpd_handler *handler;
        const struct httpd_ws_ops *ws; /* NULL: no WebSockets; borrowed */
        const char *const *ws_paths;   /* e.g. {"/ws"} */
        unsigned n_ws_paths;
        size_t ws_max_message_bytes;
        size_t ws_max_queue_bytes;
        unsigned ws_max_queue_frames; /* 0: only the bytes are bounded */
        int64_t ws_ping_ms;           /* pinged when nothing was received for so long; 0: never */
        int64_t ws_idle_ms;           /* closed when nothing was received for so long; 0: never */
        bool ws_deflate;              /* permessage-deflate for peers that offer it */
        void *cookie;                 /* for handler and ws */
};

struct httpd *httpd_new(struct loop *loop);
/* Closes every connection and listener. Not from a callback of this module. */
void httpd_free(struct httpd *httpd);
/* NULL when the port can't be bound; err says why. Listeners live until httpd_free. */
struct httpd_listener *httpd_listen(struct httpd *httpd, const struct httpd_listen_options *options,
                                    struct err *err);
uint16_t httpd_port(const struct httpd_listener *listener);
/* Drain: new connections are closed at once; what is under way may finish. */
void httpd_stop_listener(struct httpd *httpd, struct httpd_listener *listener);
void httpd_stop_accepting(struct httpd *httpd);          /* the same for all listeners */
unsigned httpd_requests_open(const struct httpd *httpd); /* delivered and not answered yet */

struct httpd_stats {
        uint64_t connections, requests, refused, slow_closed, over_limit, ws_opened, ws_open;
};
void httpd_stats(const struct httpd *httpd, struct httpd_stats *out);

#endif
