/* conn_ws: a WebSocket peer. The library did the handshake's HTTP, and does TLS; otherwise it is told
 * to leave the connection alone, and frames are read and written here. Private to this folder.
 *
 * What is sent is queued, and leaves when the turn of the loop is over: all that came together in one
 * write. What the socket does not take waits in the queue until it can be written to. */
#ifndef EDGE_CONN_WS_H
#define EDGE_CONN_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/handle.h"
#include "edge/head.h"
#include "edge/httpd.h"
#include "edge/ws_parser.h"
#include "edge/ws_queue.h"

struct conn;

struct conn_ws {
        struct handle peer;
        struct head head; /* the upgrade's, until the peer is there */
        struct ws_parser parser;
        struct buf message; /* the one that is arriving */
        struct ws_queue queue;
        struct httpd_frame *pong; /* the next one to send: of several pings, the last is answered */
        unsigned n_waits;         /* sweeps for which the upgrade has been held back */
        bool wants_ping;
        bool wants_drained; /* was above half of its bound, or something was refused */
        bool is_blocked;    /* waits until its socket can be written to */
};

bool conn_ws_is_open(const struct conn *conn); /* neither side has closed */
enum errc conn_ws_send(struct conn *conn, const void *text, size_t len);
enum errc conn_ws_share(struct conn *conn, struct httpd_frame *frame);
size_t conn_ws_queued(const struct conn *conn);
void conn_ws_close(struct conn *conn, uint16_t code, const char *reason);
void conn_ws_ping(struct conn *conn);
/* The peer has closed, or must be done with: a close frame, then the end. */
void conn_ws_end(struct conn *conn, uint16_t code, const char *why);
void conn_ws_gone(struct conn *conn); /* tells closed(), and frees what it had; once */

/* conn_ws_in: what arrives. */
void conn_ws_in_ready(struct conn *conn); /* there may be something to read */

/* conn_ws_out: what leaves. */
void conn_ws_out_wake(struct conn *conn);  /* something is to be sent when the turn is over */
void conn_ws_out_flush(struct conn *conn); /* sends what fits; the WebSocket may be gone after */

#endif
