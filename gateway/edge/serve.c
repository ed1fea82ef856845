#include "edge/serve.h"

#include "edge/conn.h"

/* The library gives a protocol its callback that a connection leaves it only when there is
 * per-session data; ours hangs on the connection itself. */
struct session {
        char unused;
};

static int on_accept(struct lws *listening, int fd)
{
        struct httpd_listener *listener = lws_get_vhost_user(lws_get_vhost(listening));

        return conn_admit(listener, fd) ? 0 : -1;
}

/* The connection of a lws, also while the library has not yet taken our pointer to it. */
static struct conn *conn_of(struct lws *lws)
{
        struct conn *conn = lws_get_opaque_user_data(lws);
        struct lws_vhost *vhost = lws_get_vhost(lws);
        struct httpd_listener *listener = vhost ? lws_get_vhost_user(vhost) : NULL;

        if (!conn && listener && listener->newborn && listener->newborn->lws == lws)
                conn = listener->newborn;
        return conn;
}

static int on_instantiated(struct lws *lws, struct conn *conn)
{
        if (!conn)
                return -1;
        lws_set_opaque_user_data(lws, conn);
        conn->listener->newborn = NULL;
        return 0;
}

/* A protocol that the library does not know it has refused before it asks; the name is gone then. */
static int on_upgrade(struct lws *lws, struct conn *conn, char *name)
{
        if (conn->state == CONN_DOOMED || lws_hdr_total_length(lws, WSI_TOKEN_UPGRADE) == 0)
                return -1;
        conn_http_spoil(conn, name);
        return 0;
}

static int on_event(struct lws *lws, enum lws_callback_reasons reason, void *session, void *in,
                    size_t len)
{
        struct conn *conn;

        (void)session;
        if (reason == LWS_CALLBACK_FILTER_NETWORK_CONNECTION)
                return on_accept(lws, (int)(intptr_t)in);
        if (reason == LWS_CALLBACK_WSI_CREATE) {
                conn_created(lws_get_vhost_user(lws_get_vhost(lws)), lws);
                return 0;
        }
        if (!lws || !lws_get_vhost(lws))
                return 0;
        conn = conn_of(lws);
        if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED)
                return on_instantiated(lws, conn);
        if (!conn)
                return 0; /* a listening socket, or the vhost itself */

        switch ((int)reason) {
        case LWS_CALLBACK_WSI_DESTROY: conn_destroyed(conn); return 0;
        case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return on_upgrade(lws, conn, in);
        case LWS_CALLBACK_HTTP: return conn_http_begin(conn);
        case LWS_CALLBACK_HTTP_BODY: return conn_http_body(conn, in, len);
        case LWS_CALLBACK_HTTP_BODY_COMPLETION: return conn_http_body_whole(conn);
        case LWS_CALLBACK_HTTP_WRITEABLE: return conn_http_writeable(conn);
        case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        case LWS_CALLBACK_CLOSED_HTTP:
                conn_drop_watch(conn);
                conn_http_dropped(conn);
                return 0;
        case LWS_CALLBACK_RAW_ADOPT: /* CONNECT: the library would have us speak something else */
        case LWS_CALLBACK_RAW_RX: return -1;
        default: return 0; /* the library's enum, of which this is all we care for */
        }
}

const struct lws_protocols serve_protocols[] = {
        {.name = "http",
         .callback = on_event,
         .per_session_data_size = sizeof(struct session),
         .tx_packet_size = 65536},
        {0},
};
