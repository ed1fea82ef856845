/* The least server that broadcasts with libwebsockets: on libev as the gateway is, its own timers off, no checks,
 * no bounds, no HTTP. A ring of the frames last published is shared; each peer knows how far it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wstrict-aliasing"
#include <ev.h>
#include <libwebsockets.h>
#pragma GCC diagnostic pop

#include "edge_server.h"

#define HEAD  4
#define NEVER 86400
#define WIRE  (HEAD + EDGE_FRAME_BYTES)

struct peer {
        unsigned next; /* the first frame it has not been sent */
};

static struct {
        struct ev_loop *ev;
        struct lws_context *lws;
        struct lws_vhost *vhost;
        bool is_packed;
        unsigned n_peers, n_published;
        unsigned char ring[EDGE_BURST_MAX][LWS_PRE + EDGE_FRAME_BYTES];
        unsigned char out[LWS_PRE + 64 * WIRE];
        struct edge_server server;
        int control;
} bare;

/* All that waits, up to 64 KB: the heads are ours then, and the library is told that they are plain bytes. */
static int write_packed(struct lws *lws, struct peer *peer)
{
        size_t len = 0;

        while (peer->next != bare.n_published && len + WIRE <= 64 * WIRE) {
                unsigned char *at = bare.out + LWS_PRE + len;

                at[0] = 0x81;
                at[1] = 126;
                at[2] = EDGE_FRAME_BYTES >> 8;
                at[3] = EDGE_FRAME_BYTES & 0xff;
                memcpy(at + HEAD, bare.ring[peer->next++ % EDGE_BURST_MAX] + LWS_PRE,
                       EDGE_FRAME_BYTES);
                len += WIRE;
        }
        return lws_write(lws, bare.out + LWS_PRE, len, LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

static int write_frame(struct lws *lws, struct peer *peer)
{
        unsigned char *text = bare.ring[peer->next++ % EDGE_BURST_MAX] + LWS_PRE;

        return lws_write(lws, text, EDGE_FRAME_BYTES, LWS_WRITE_TEXT) < 0 ? -1 : 0;
}

static int on_event(struct lws *lws, enum lws_callback_reasons reason, void *session, void *in,
                    size_t len)
{
        struct peer *peer = session;
        int rc = 0;

        (void)in;
        (void)len;
        switch ((int)reason) {
        case LWS_CALLBACK_ESTABLISHED:
                peer->next = bare.n_published;
                bare.n_peers++;
                break;
        case LWS_CALLBACK_CLOSED: bare.n_peers--; break;
        case LWS_CALLBACK_SERVER_WRITEABLE:
                if (peer->next != bare.n_published)
                        rc = bare.is_packed ? write_packed(lws, peer) : write_frame(lws, peer);
                if (!rc && peer->next != bare.n_published)
                        lws_callback_on_writable(lws);
                break;
        default: break;
        }
        return rc;
}

static const struct lws_protocols protocols[] = {
        {.name = "b",
         .callback = on_event,
         .per_session_data_size = sizeof(struct peer),
         .tx_packet_size = sizeof(bare.out)},
        {0},
};

static uint16_t port(void *cookie)
{
        (void)cookie;
        return (uint16_t)lws_get_vhost_listen_port(bare.vhost);
}

static unsigned peers(void *cookie)
{
        (void)cookie;
        return bare.n_peers;
}

static void publish(void *cookie, unsigned n_frames)
{
        (void)cookie;
        for (unsigned i = 0; i < n_frames; i++) {
                edge_server_text((char *)bare.ring[bare.n_published % EDGE_BURST_MAX] + LWS_PRE,
                                 bare.n_published);
                bare.n_published++;
        }
        lws_callback_on_writable_all_protocol_vhost(bare.vhost,
                                                    lws_vhost_name_to_protocol(bare.vhost, "b"));
}

static void quit(void *cookie)
{
        (void)cookie;
        ev_break(bare.ev, EVBREAK_ALL);
}

static void on_control(struct ev_loop *ev, ev_io *io, int events)
{
        (void)ev;
        (void)io;
        (void)events;
        edge_server_obey(&bare.server, bare.control);
}

void edge_bare_serve(int control, bool is_packed)
{
        static const lws_retry_bo_t no_pings = {0};
        void *loops[1];
        struct lws_context_creation_info info = {
                .options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
                .port = CONTEXT_PORT_NO_LISTEN,
                .timeout_secs = NEVER,
                .retry_and_idle_policy = &no_pings,
        };
        struct lws_context_creation_info vhost = {
                .iface = "127.0.0.1",
                .protocols = protocols,
                .keepalive_timeout = NEVER,
                .retry_and_idle_policy = &no_pings,
        };
        ev_io io;

        lws_set_log_level(LLL_ERR, NULL);
        bare.ev = ev_loop_new(EVBACKEND_EPOLL);
        bare.is_packed = is_packed;
        bare.control = control;
        bare.server = (struct edge_server){port, peers, publish, quit, NULL};
        loops[0] = bare.ev;
        info.foreign_loops = loops;
        bare.lws = lws_create_context(&info);
        bare.vhost = bare.lws ? lws_create_vhost(bare.lws, &vhost) : NULL;
        if (!bare.vhost) {
                fprintf(stderr, "bench_edge: libwebsockets does not start\n");
                exit(1);
        }
        ev_io_init(&io, on_control, control, EV_READ);
        ev_io_start(bare.ev, &io);
        ev_run(bare.ev, 0);
        ev_io_stop(bare.ev, &io);
        lws_context_destroy(bare.lws);
        ev_loop_destroy(bare.ev);
}
