/* ws_client: one outbound WebSocket over libwebsockets on the loop, kept open: it connects again with
 * back-off and jitter until it is freed. Names are looked up off the loop, connections go to the
 * address, the host name is for TLS and the request. Only text messages are taken.
 * Loop thread only. */
#ifndef LOOP_WS_CLIENT_H
#define LOOP_WS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "loop/loop.h"

struct ws_client;

struct ws_client_options {
        const char *url;          /* ws://host[:port][/path], wss://... */
        size_t max_message_bytes; /* a longer one closes the connection */
        size_t max_queue_bytes;   /* of what waits to be sent */
        const char *ping_text;    /* sent as a message every ping_ms; NULL: a WebSocket ping */
        /* 0: the default. */
        int64_t ping_ms;                        /* 50,000: peers close after a silent minute */
        int64_t idle_ms;                        /* 90,000: closed when nothing came for so long */
        int64_t connect_ms;                     /* 10,000: name, connection, handshake in all */
        int64_t backoff_min_ms, backoff_max_ms; /* 500 and 30,000: doubled with every failure */
        const char *ca_file;                    /* trust anchors instead of the system's, or NULL */
        const char *bind_address;               /* egress address to connect from, or NULL */
        /* Asked before each attempt; false: asked again after backoff_min_ms. NULL: always. For who has
         * to count attempts over several clients. Must not call the client. */
        bool (*may_connect)(void *cookie);
        /* Never called from inside ws_client_new or ws_client_send. The client must not be freed from
         * them. closed follows each opened, and each attempt that failed; reason is a sentence. */
        void (*opened)(void *cookie);
        void (*message)(void *cookie, const char *text, size_t len); /* NUL-terminated, borrowed */
        void (*closed)(void *cookie, const char *reason);
        void *cookie;
};

/* Begins to connect; options' texts are copied. NULL (E_CONFIG) for a URL it can't use. */
struct ws_client *ws_client_new(struct loop *loop, const struct ws_client_options *options,
                                struct err *err);
/* No callback after it. Waits for a name lookup under way. Accepts NULL. */
void ws_client_free(struct ws_client *client);
/* Queues a text message. E_NOT_FOUND while there is no connection, E_LIMIT when the queue is full. */
MUST_USE enum errc ws_client_send(struct ws_client *client, const void *text, size_t len);
/* Closes the connection, if there is one, and connects again. */
void ws_client_restart(struct ws_client *client, const char *reason);

#endif
