/* conn: one accepted connection, from accept to close: bytes in, bytes out, deadlines. What the bytes
 * mean is conn_http's and conn_ws's. Private to this folder. Loop thread only.
 *
 * A connection is in exactly one of its listener's lists, the one of its state; every state has one
 * time limit, so each list is sorted by deadline and the sweep looks at its front only. Closing takes
 * effect at once; the memory goes after the turn, because callers up the stack still borrow it. */
#ifndef EDGE_CONN_H
#define EDGE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/handle.h"
#include "base/list.h"
#include "edge/gate.h"
#include "edge/http.h"
#include "edge/http_parse.h"
#include "edge/httpd.h"
#include "edge/stream.h"
#include "loop/watch.h"

enum conn_state {
        CONN_READING,    /* accepted, or part of a request is here */
        CONN_IDLE,       /* kept alive, nothing of a next request is here */
        CONN_WAITING,    /* the handler has the request */
        CONN_WRITING,    /* the answer is being sent */
        CONN_LINGERING,  /* all is sent; what still comes is discarded until the peer closes */
        CONN_WS,         /* WebSocket, heard from lately */
        CONN_WS_PINGED,  /* WebSocket, silent, was sent a ping */
        CONN_WS_CLOSING, /* a close frame was queued */
        CONN_CLOSED,
        CONN_STATES,
};

/* Bytes between off and len wait; those before off are done with. */
struct conn_bytes {
        uint8_t *data;
        size_t off;
        size_t len;
        size_t cap;
};

struct httpd {
        struct loop *loop;
        struct list listeners;
        struct handle_table *requests;
        struct handle_table *peers;
        struct list unflushed; /* connections that were sent frames in this turn */
        bool flush_is_due;
        bool is_draining;
        bool is_out_of_files; /* accept failed for lack of descriptors: said once */
        struct loop_timer *sweep;
        struct httpd_stats stats;
        uint64_t id_prefix; /* of request ids, random */
        uint64_t n_ids;
        int64_t date_second;
        char date[HTTP_DATE_SIZE];
};

struct httpd_listener {
        struct list at;
        struct httpd *httpd;
        struct httpd_listen_options options; /* strings are owned */
        int fd;
        uint16_t port;
        struct watch *watch;
        struct stream_tls *tls;
        struct gate *gate;
        unsigned n_conns;
        struct list conns[CONN_STATES]; /* by state */
};

struct conn {
        struct list at;
        struct list unflushed_at;
        struct httpd *httpd;
        struct httpd_listener *listener;
        struct stream stream;
        struct watch *watch;
        enum conn_state state;
        int64_t until; /* monotonic ms; INT64_MAX: no deadline */
        struct gate_key gate_key;
        char peer[46];
        struct conn_bytes in;
        struct conn_bytes out;
        bool peer_ended;    /* it sends no more */
        bool is_processing; /* conn_http is on the stack */

        /* HTTP */
        struct http_head head;
        size_t head_len; /* 0: the head is not whole yet */
        size_t scanned;
        bool said_continue;
        bool closes_after; /* the connection ends with this answer */
        struct handle request;
        char request_id[37];

        /* WebSocket */
        struct handle ws_peer;
        struct buf message; /* of a fragmented message */
        bool is_in_message;
        bool ws_heard_close;
};

void conn_accept(struct httpd_listener *listener, int fd, const char *peer,
                 const struct gate_key *key);
void conn_set_state(struct conn *conn, enum conn_state state);
/* reason is a short fixed phrase, for the log. Safe to call twice. */
void conn_close(struct conn *conn, const char *reason);
void conn_expired(struct conn *conn); /* its deadline has passed */

/* Room for len more bytes at the end of bytes->data. */
void conn_bytes_reserve(struct conn_bytes *bytes, size_t len);
void conn_bytes_put(struct conn_bytes *bytes, const void *data, size_t len);
void conn_bytes_skip(struct conn_bytes *bytes, size_t len);
size_t conn_bytes_left(const struct conn_bytes *bytes);

/* Writes what the socket takes. When everything is out, the state decides what follows. */
void conn_flush(struct conn *conn);
/* The same, after this turn: many frames become one write, and nobody is called back from a send. */
void conn_flush_later(struct conn *conn);
/* Ends the sending side; the rest of what the peer sends is read and dropped, because closing with
 * unread bytes would make the kernel throw away our last answer. */
void conn_linger(struct conn *conn);
/* Has conn_http look at bytes that are here already, in the next turn. */
void conn_process_later(struct conn *conn);

/* What httpd_header needs of a request; httpd_request.internal points here. */
struct conn_view {
        const struct http_head *head;
        const char *data;
};

/* conn_http: requests. */
void conn_http_process(struct conn *conn);
void conn_http_sent(struct conn *conn); /* the answer is out */
void conn_http_reply(struct conn *conn, int status, const char *content_type,
                     const struct httpd_header_pair *headers, size_t n_headers, const void *body,
                     size_t body_len);
/* Answers with a problem document and ends the connection. */
void conn_http_refuse(struct conn *conn, enum errc code, int status, const char *detail);
void conn_http_view(struct conn *conn, struct httpd_request *request);

/* conn_ws: WebSocket peers. */
void conn_ws_start(struct conn *conn); /* conn->head asks for an upgrade on the right path */
void conn_ws_process(struct conn *conn);
enum errc conn_ws_send(struct conn *conn, const void *text, size_t len);
void conn_ws_close(struct conn *conn, uint16_t code, const char *reason);
void conn_ws_sent(struct conn *conn);
void conn_ws_ping(struct conn *conn);
void conn_ws_gone(struct conn *conn); /* tells closed(), once */

#endif
