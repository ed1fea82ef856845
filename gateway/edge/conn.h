/* conn: one accepted connection, from accept to close: its state, deadline and end. What its bytes
 * mean is conn_http's and conn_ws's; the bytes themselves are the library's, until a WebSocket is
 * made of it. Private to this folder.
 * Loop thread only.
 *
 * A connection is in exactly one of its listener's lists, the one of its state; every state has one
 * time limit, so each list is sorted by deadline and the sweep looks at its front only. The
 * library's own timers are not used: each is an entry in one sorted list, which is slow to insert
 * into when there are thousands.
 *
 * The library may close a connection at any time, and says so by destroying its own object; only
 * then does a conn die. We never close one under the library's feet: conn_doom does it after the
 * turn, when none of its callbacks is on the stack. */
#ifndef EDGE_CONN_H
#define EDGE_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/handle.h"
#include "base/list.h"
#include "edge/gate.h"
#include "edge/head.h"
#include "edge/http.h"
#include "edge/httpd.h"
#include "loop/watch.h"

struct conn_ws;
struct lws;
struct lws_context;
struct lws_vhost;
struct ws_deflate;

enum conn_state {
        CONN_READING,    /* accepted, or a head is here and its body is not */
        CONN_IDLE,       /* kept alive; of a next request at most a part of the head is here */
        CONN_WAITING,    /* the handler has the request */
        CONN_WRITING,    /* the answer is being sent */
        CONN_LINGERING,  /* all is sent; what still comes is discarded until the peer closes */
        CONN_UPGRADING,  /* becomes a WebSocket: the library has to let go of it */
        CONN_WS,         /* WebSocket, heard from lately */
        CONN_WS_PINGED,  /* WebSocket, silent, was sent a ping */
        CONN_WS_CLOSING, /* what is queued is sent, then a close frame, then its echo is awaited */
        CONN_WS_ENDING, /* the peer has closed or broken the protocol: a close frame, then the end */
        CONN_DOOMED,    /* closed after this turn; every callback of it is refused */
        CONN_STATES,
};

struct httpd {
        struct loop *loop;
        struct lws_context *lws;
        struct list listeners;
        struct handle_table *requests;
        struct handle_table *peers;
        struct list doomed;
        bool doom_is_due;
        struct list to_flush; /* WebSockets that have something to send when the turn is over */
        bool flush_is_due;
        bool is_flushing;
        struct ws_deflate *deflate;
        uint8_t scratch[16384]; /* for one read, or one write; nothing stays in it */
        struct loop_timer *sweep;
        struct httpd_stats stats;
        int fd_limit;       /* descriptors from here on are left to the rest of the process */
        uint64_t id_prefix; /* of request ids, random */
        uint64_t n_ids;
        int64_t date_second;
        char date[HTTP_DATE_SIZE];
};

struct httpd_listener {
        struct list at;
        struct httpd *httpd;
        struct httpd_listen_options options; /* strings are owned */
        struct lws_vhost *vhost;
        char name[32]; /* of the vhost */
        bool is_draining;
        struct gate *gate;
        unsigned n_conns;
        struct conn *newborn;           /* created, not yet told to its lws */
        struct list conns[CONN_STATES]; /* by state */
};

struct conn {
        struct list at;
        struct list doomed_at;
        struct list flush_at;
        struct httpd *httpd;
        struct httpd_listener *listener;
        struct lws *lws;
        enum conn_state state;
        int64_t until; /* monotonic ms; INT64_MAX: no deadline */
        struct gate_key gate_key;
        char peer[46];
        struct watch *watch; /* of its socket, beside the library's own; see conn_http and linger */
        bool reads_are_paused;

        /* HTTP */
        struct head head;
        struct buf body;
        struct handle request;
        char request_id[37];
        char *spoilt; /* the name in an Upgrade header, of which the library must not know */
        char spoilt_was;
        bool closes_after;  /* the connection ends with this answer */
        bool is_delivering; /* the handler is on the stack */
        bool has_answered;  /* an earlier request */
        bool knows_taken;
        uint64_t taken; /* bytes read of the socket when the last answer was out */
        struct buf out; /* the answer */
        size_t out_off; /* of it, what lws has taken */

        struct conn_ws *ws; /* NULL: it is no WebSocket */
};

/* Whether a socket just accepted may stay. Counts it. */
bool conn_admit(struct httpd_listener *listener, int fd);
void conn_created(struct httpd_listener *listener, struct lws *lws);
void conn_destroyed(struct conn *conn); /* its lws is gone */

void conn_set_state(struct conn *conn, enum conn_state state);
/* Closes it after this turn. reason is a short fixed phrase, for the log. Safe to call twice. */
void conn_doom(struct conn *conn, const char *reason);
void conn_expired(struct conn *conn); /* its deadline has passed */
void conn_pause_reads(struct conn *conn);
void conn_resume_reads(struct conn *conn);
void conn_drop_watch(struct conn *conn); /* at the latest when lws is about to close the socket */
/* Ends the sending side; the rest of what the peer sends is read and dropped, because closing with
 * unread bytes would make the kernel throw away our last answer. */
void conn_linger(struct conn *conn);

/* conn_http: requests. Those that return int are called by lws: not zero closes. */
void conn_http_spoil(struct conn *conn, char *upgrade); /* what the library finds in Upgrade */
int conn_http_begin(struct conn *conn);                 /* a head is whole */
int conn_http_body(struct conn *conn, const void *data, size_t len);
int conn_http_body_whole(struct conn *conn);
int conn_http_writeable(struct conn *conn);
void conn_http_dropped(struct conn *conn); /* what belongs to the request goes */
void conn_http_reply(struct conn *conn, int status, const char *content_type,
                     const struct httpd_header_pair *headers, size_t n_headers, const void *body,
                     size_t body_len);
/* Whether a part of a head is here. */
bool conn_http_has_begun(const struct conn *conn);
/* The error whose row has this status, so that a refused upgrade has a code like any refusal. */
enum errc conn_http_code_for(int status);
/* The library forgets the request, as one that is answered. Not zero: to be closed. */
int conn_http_forget(struct conn *conn);
void conn_http_view(struct conn *conn, struct httpd_request *request);

#endif
