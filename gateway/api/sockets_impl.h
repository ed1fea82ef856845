/* sockets_impl: what the files of sockets share. Private to gateway/api. */
#ifndef API_SOCKETS_IMPL_H
#define API_SOCKETS_IMPL_H

#include <jansson.h>

#include "api/api_socket.h"
#include "api/sockets.h"
#include "api/state.h"
#include "api/tally.h"
#include "base/list.h"
#include "stream/hub.h"

enum socket_code {
        SOCKET_BY_CLIENT, /* it left, or the edge closed it: silence, a broken frame */
        SOCKET_WHO,       /* 4001 */
        SOCKET_SCOPE,     /* 4003 */
        SOCKET_LIMIT,     /* 4008 */
        SOCKET_RATE,      /* 4029 */
        SOCKET_POLICY,    /* 4051 */
        SOCKET_RESTART,   /* 4100 */
        SOCKET_SLOW,      /* 4408 */
        SOCKET_CODES
};

struct sockets {
        struct api *api;
        struct config_streams limits;
        struct stream_hub *hub;
        struct loop_timer *tick;
        struct map *by_peer;   /* handle -> struct socket */
        struct list all;       /* sockets */
        struct list signed_in; /* those of them with an account, the next to be checked first */
        unsigned n_open;
        struct tally *by_network, *by_account, *by_brand;
        bool draining;
        uint64_t opened, frames, refused_frames, operations;
        uint64_t closed[SOCKET_CODES];
};

struct socket {
        struct sockets *all;
        struct handle peer;
        struct hub_reader *reader;
        struct list at, at_signed_in;
        struct brand_set *brands; /* keeps brand alive */
        const struct brand *brand;
        struct api_socket_peer from;
        char network[LIMIT_NETWORK_MAX];
        bool is_counted; /* in by_network and by_brand */
        bool is_known;
        bool is_asking; /* who it is: being found out, or looked at again */
        struct api_socket_who who;
        char account_key[BRAND_ID_MAX + ADDR_STR_MAX]; /* in by_account; "": not counted */
        int64_t check_at;                              /* monotonic */
        int64_t milli_frames, filled_at;               /* what is left of its allowance */
        unsigned calls, failures;
        bool is_closing; /* nothing it says counts any more */
        enum socket_code closed_as;
};

/* What a client said, taken apart. */
struct socket_frame {
        struct socket *socket;
        json_t *op_json; /* Owned */
        const char *op;  /* its text; NULL: none */
        char *id;        /* as JSON; NULL: none. Owned */
        json_t *json;    /* what is left beside op, id and body. Owned */
        json_t *body;    /* NULL: none. Owned */
        size_t len;      /* of the whole frame */
};

/* ---- sockets.c ---- */

struct socket *sockets_find(struct sockets *all, struct handle peer);
/* Closes it, after a frame that says when to come back where reconnect_ms is not negative. */
void sockets_end(struct socket *s, enum socket_code code, const char *reason, int64_t reconnect_ms);
int64_t sockets_spread(const struct sockets *all); /* a moment to come back at */

/* ---- sockets_frames.c ---- */

void sockets_frames_take(struct socket *s, const char *text, size_t len);
/* An error, about the frame (NULL: none in particular). */
void sockets_frames_fail(struct socket *s, const struct socket_frame *frame, const struct err *err);
/* {"type":"...","id":...,"op":"..." of the frame: more members, and sockets_frames_say. */
void sockets_frames_begin(struct buf *out, const char *type, const char *id, const char *op);
void sockets_frames_say(struct socket *s, struct buf *out); /* closes the object; frees out */

/* ---- sockets_auth.c ---- */

void sockets_auth_take(struct socket_frame *frame, struct err *err);
void sockets_auth_tick(struct sockets *all);
void sockets_auth_forget(struct socket *s); /* it leaves, or becomes another */

/* ---- sockets_calls.c ---- */

/* Whether there is an operation of this name. */
bool sockets_calls_has(const char *op);
void sockets_calls_take(struct socket_frame *frame, struct err *err);

#endif
