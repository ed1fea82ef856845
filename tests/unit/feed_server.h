/* feed_server: the rig of the feed's tests, and in it a WebSocket server that answers as a script says and
 * keeps count of what the venue's limits are about. Include feed_rig.h. */
#ifndef TESTS_FEED_SERVER_H
#define TESTS_FEED_SERVER_H

#include <stdarg.h>
#include <stdio.h>

#include "adapters/feed.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/hyperliquid/hl_venue.h"
#include "base/mem.h"
#include "edge/httpd.h"

#define WAIT_MS   60000
#define PEERS_MAX 64
#define SAID_MAX  4096
#define TOLD_MAX  4096
#define SUBS_MAX  2000
#define TEXT_MAX  160
#define RAW_MAX   512

struct said {
        unsigned peer;
        char text[TEXT_MAX]; /* "subscribe trades BTC" */
};

/* What the feed told. */
struct told {
        enum feed_event_kind kind;
        struct feed_topic topic;
        int64_t since;
        size_t n, n_past;
        bool is_snapshot;
        char dex[16];
        char text[TEXT_MAX]; /* of the first row */
        char raw[RAW_MAX];   /* what was received, cut short; "" */
};

struct rig {
        struct loop *loop;
        struct httpd *httpd;
        struct httpd_listener *listener;
        struct hl_venue venue;
        struct venue_ops ops;
        struct market market[8];
        size_t n_markets;
        struct feed *feed;
        struct feed_limits limits;
        unsigned n_egress;
        const char (*egress)[VENUE_ADDRESS_MAX];
        /* the server's side */
        struct handle peer[PEERS_MAX];
        bool is_open[PEERS_MAX];
        char address[PEERS_MAX][46];
        unsigned n_peers, n_open, max_open;
        struct said *said;
        size_t n_said;
        struct {
                unsigned peer;
                char text[TEXT_MAX], user[ADDR_STR_MAX];
        } * sub;
        size_t n_subs, max_subs;
        unsigned max_users;
        bool closes_at_once, is_mute, is_deaf, is_busy;
        bool has_books;         /* books are answered with one */
        bool has_first;         /* user feeds are answered with empty snapshots and states */
        unsigned users;         /* 0: any number */
        const char *refused[4]; /* types or coins */
        const char *ignored;    /* a type or coin that is not answered */
        /* the feed's */
        struct told *told;
        size_t n_told;
        bool closes_in_callback;
        struct feed_topic *drops_in_callback;
};

/* ---- The server -------------------------------------------------------------------------------- */

static inline void server_handler(void *cookie, const struct httpd_request *request)
{
        struct rig *rig = cookie;

        httpd_reply(rig->httpd, request->handle, 404, "text/plain", NULL, 0, "no", 2);
}

static inline int server_upgrade(void *cookie, const struct httpd_request *request)
{
        (void)cookie;
        (void)request;
        return 0;
}

static inline void server_opened(void *cookie, struct handle peer,
                                 const struct httpd_request *request)
{
        struct rig *rig = cookie;

        assert_true(rig->n_peers < PEERS_MAX);
        (void)text_copy(rig->address[rig->n_peers], sizeof(rig->address[0]), request->peer);
        rig->peer[rig->n_peers] = peer;
        rig->is_open[rig->n_peers++] = true;
        if (++rig->n_open > rig->max_open)
                rig->max_open = rig->n_open;
        if (rig->closes_at_once)
                httpd_ws_close(rig->httpd, peer, 1011, "not now");
}

static inline unsigned peer_of(const struct rig *rig, struct handle peer)
{
        for (unsigned i = 0; i < rig->n_peers; i++)
                if (memcmp(&rig->peer[i], &peer, sizeof(peer)) == 0)
                        return i;
        fail_msg("a peer that never came");
        return 0;
}

static inline void forget_sub(struct rig *rig, size_t i)
{
        rig->sub[i] = rig->sub[--rig->n_subs];
}

static inline void server_closed(void *cookie, struct handle peer)
{
        struct rig *rig = cookie;
        unsigned who = peer_of(rig, peer);

        rig->is_open[who] = false;
        rig->n_open--;
        for (size_t i = rig->n_subs; i > 0; i--)
                if (rig->sub[i - 1].peer == who)
                        forget_sub(rig, i - 1);
}

static inline void say_to(struct rig *rig, unsigned peer, const char *fmt, ...) PRINTF(3, 4);
static inline void say_to(struct rig *rig, unsigned peer, const char *fmt, ...)
{
        struct buf text;
        char piece[8192];
        va_list args;

        va_start(args, fmt);
        (void)vsnprintf(piece, sizeof(piece), fmt, args);
        va_end(args);
        buf_init(&text, sizeof(piece));
        buf_puts(&text, piece);
        (void)(httpd_ws_send(rig->httpd, rig->peer[peer], text.data, text.len) == E_OK);
        buf_fini(&text);
}

static inline unsigned count_users(const struct rig *rig)
{
        unsigned n = 0;

        for (size_t i = 0; i < rig->n_subs; i++) {
                bool is_new = rig->sub[i].user[0] != '\0';

                for (size_t k = 0; k < i; k++)
                        is_new = is_new && strcmp(rig->sub[i].user, rig->sub[k].user) != 0;
                n += is_new;
        }
        return n;
}

static inline bool is_refused(const struct rig *rig, const char *type, const char *name)
{
        for (size_t i = 0; i < 4; i++)
                if (rig->refused[i] &&
                    (!strcmp(rig->refused[i], type) || !strcmp(rig->refused[i], name)))
                        return true;
        return false;
}

static inline void send_book(struct rig *rig, unsigned peer, const char *coin)
{
        say_to(rig, peer,
               "{\"channel\":\"l2Book\",\"data\":{\"coin\":\"%s\",\"time\":%lld,\"levels\":[[],[]]}"
               "}",
               coin, (long long)clock_wall_ms(loop_clock(rig->loop)));
}

static inline void send_first(struct rig *rig, unsigned peer, const char *type, const char *user)
{
        if (!strcmp(type, "userFills"))
                say_to(rig, peer,
                       "{\"channel\":\"userFills\",\"data\":{\"isSnapshot\":true,\"user\":\"%s\","
                       "\"fills\":[]}}",
                       user);
        else if (!strcmp(type, "userFundings"))
                say_to(rig, peer,
                       "{\"channel\":\"userFundings\",\"data\":{\"isSnapshot\":true,\"user\":"
                       "\"%s\",\"fundings\":[]}}",
                       user);
        else if (!strcmp(type, "openOrders"))
                say_to(rig, peer,
                       "{\"channel\":\"openOrders\",\"data\":{\"dex\":\"\",\"user\":\"%s\","
                       "\"orders\":[]}}",
                       user);
}

static inline void send_refusal(struct rig *rig, unsigned peer, const char *json)
{
        struct buf text, quoted;

        buf_init(&text, 4096);
        buf_init(&quoted, 8192);
        buf_puts(&text, "Invalid subscription ");
        buf_puts(&text, json);
        buf_put_json(&quoted, (const char *)text.data, text.len);
        say_to(rig, peer, "{\"channel\":\"error\",\"data\":%s}", buf_cstr(&quoted));
        buf_fini(&quoted);
        buf_fini(&text);
}

static inline void take_subscribe(struct rig *rig, unsigned peer, const char *text,
                                  const char *json, const char *type, const char *name,
                                  const char *user)
{
        if (is_refused(rig, type, name)) {
                send_refusal(rig, peer, json);
                return;
        }
        assert_true(rig->n_subs < SUBS_MAX);
        /* Frames of two books of one coin can't be told apart. */
        for (size_t i = 0; i < rig->n_subs && !strcmp(type, "l2Book"); i++)
                if (rig->sub[i].peer == peer && !strcmp(rig->sub[i].text, text))
                        fail_msg("%s twice on one connection", text);
        rig->sub[rig->n_subs].peer = peer;
        (void)text_copy(rig->sub[rig->n_subs].text, TEXT_MAX, text);
        (void)text_copy(rig->sub[rig->n_subs].user, ADDR_STR_MAX, user);
        rig->n_subs++;
        if (rig->users && count_users(rig) > rig->users) {
                rig->n_subs--;
                say_to(rig, peer,
                       "{\"channel\":\"error\",\"data\":\"Cannot track more than %u total "
                       "users.\"}",
                       rig->users);
                return;
        }
        if (rig->n_subs > rig->max_subs)
                rig->max_subs = rig->n_subs;
        if (count_users(rig) > rig->max_users)
                rig->max_users = count_users(rig);
        say_to(rig, peer,
               "{\"channel\":\"subscriptionResponse\",\"data\":{\"method\":\"subscribe\","
               "\"subscription\":%s}}",
               json);
        if (rig->has_first)
                send_first(rig, peer, type, user);
        if (rig->has_books && !strcmp(type, "l2Book"))
                send_book(rig, peer, name);
}

static inline void take_unsubscribe(struct rig *rig, unsigned peer, const char *text,
                                    const char *json)
{
        for (size_t i = 0; i < rig->n_subs; i++) {
                if (rig->sub[i].peer != peer || strcmp(rig->sub[i].text, text) != 0)
                        continue;
                forget_sub(rig, i);
                break;
        }
        say_to(rig, peer,
               "{\"channel\":\"subscriptionResponse\",\"data\":{\"method\":\"unsubscribe\","
               "\"subscription\":%s}}",
               json);
}

static inline bool is_ignored(const struct rig *rig, const char *type, const char *name)
{
        return rig->ignored && (!strcmp(rig->ignored, type) || !strcmp(rig->ignored, name));
}

static inline const char *or_empty(const char *text)
{
        return text ? text : "";
}

static inline void server_message(void *cookie, struct handle from, const char *text, size_t len)
{
        struct rig *rig = cookie;
        unsigned peer = peer_of(rig, from);
        json_t *root = hl_raw_load(text, len, NULL);
        const json_t *sub = json_object_get(root, "subscription");
        const char *method = or_empty(hl_raw_get_text(root, "method", NULL));
        const char *type = or_empty(hl_raw_get_text(sub, "type", NULL));
        const char *user = or_empty(hl_raw_get_text(sub, "user", NULL));
        const char *coin = hl_raw_get_text(sub, "coin", NULL);
        const char *name = coin ? coin : or_empty(hl_raw_get_text(sub, "dex", NULL));
        struct said *said = &rig->said[rig->n_said];
        char what[TEXT_MAX], *json;

        if (!strcmp(method, "ping")) {
                if (!rig->is_deaf)
                        say_to(rig, peer, "{\"channel\":\"pong\"}");
                json_decref(root);
                return;
        }
        assert_true(rig->n_said < SAID_MAX);
        (void)snprintf(what, sizeof(what), "%s%s%s%s%s", type, *user ? " " : "",
                       *user ? user + 40 : "", *name ? " " : "", name);
        said->peer = peer;
        (void)snprintf(said->text, sizeof(said->text), "%.11s %.140s", method, what);
        rig->n_said++;
        json = json_dumps(sub, JSON_COMPACT);
        if (rig->is_mute || is_ignored(rig, type, name))
                ;
        else if (!strcmp(method, "subscribe"))
                take_subscribe(rig, peer, what, json, type, name, user);
        else
                take_unsubscribe(rig, peer, what, json);
        free(json);
        json_decref(root);
}

static inline void serve(struct rig *rig)
{
        static const char *const paths[] = {"/ws"};
        static const struct httpd_ws_ops ops = {.upgrade = server_upgrade,
                                                .opened = server_opened,
                                                .message = server_message,
                                                .closed = server_closed};
        struct httpd_listen_options options = {
                .address = "127.0.0.1",
                .max_body_bytes = 1000,
                .max_connections = PEERS_MAX,
                .request_deadline_ms = 5000,
                .idle_keep_alive_ms = 5000,
                .handler = server_handler,
                .ws = &ops,
                .ws_paths = paths,
                .n_ws_paths = 1,
                .ws_max_message_bytes = 100000,
                .ws_max_queue_bytes = 64u << 20,
                .cookie = rig,
        };
        struct err err = {.code = E_OK};

        rig->httpd = httpd_new(rig->loop);
        rig->listener = httpd_listen(rig->httpd, &options, &err);
        if (!rig->listener)
                fail_msg("%s", err.detail);
}

#endif
