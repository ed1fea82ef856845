#include "compat/compat_ws.h"

#include <stdlib.h>
#include <string.h>

#include "api/door.h"
#include "base/log.h"
#include "base/mem.h"
#include "compat/compat_ws_impl.h"

#define MESSAGES_PER_MINUTE 2000 /* of an address, as the venue takes them */
#define MINUTE_MS           60000
#define ADDRESSES_MAX       65536
#define TICK_MS             250
#define ANSWER_MAX          65536
#define CLOSE_LATE          1008
#define CLOSE_AGAIN         1012

/* --- peers --- */

void compat_ws_close(struct ws_peer *peer, uint16_t code, const char *reason)
{
        if (peer->is_closing)
                return;
        peer->is_closing = true;
        httpd_ws_close(peer->ws->httpd, peer->handle, code, reason);
}

void compat_ws_say(struct ws_peer *peer, const struct buf *frame)
{
        if (peer->is_closing || buf_check(frame))
                return;
        if (httpd_ws_send(peer->ws->httpd, peer->handle, frame->data, frame->len) == E_LIMIT)
                compat_ws_close(peer, CLOSE_LATE, "too slow to keep up");
}

void compat_ws_error(struct ws_peer *peer, const char *text, const char *detail)
{
        struct buf frame, whole;

        buf_init(&frame, ANSWER_MAX);
        buf_init(&whole, ANSWER_MAX / 8);
        buf_puts(&whole, text);
        buf_puts(&whole, detail);
        buf_puts(&frame, "{\"channel\":\"error\",\"data\":");
        buf_put_json(&frame, buf_cstr(&whole), whole.len);
        buf_putc(&frame, '}');
        compat_ws_say(peer, &frame);
        buf_fini(&whole);
        buf_fini(&frame);
}

static void drop_peer(struct ws_peer *peer)
{
        struct compat_ws *ws = peer->ws;

        while (!list_empty(&peer->subs))
                compat_channel_leave(list_entry(peer->subs.next, struct ws_sub, in_peer));
        must(map_take(ws->by_handle, &peer->handle, sizeof peer->handle) == peer);
        list_remove(&peer->in_ws);
        ws->n_peers--;
        free(peer);
}

/* --- subscriptions --- */

/* Clients wait for an echo of everything that they sent, and of what they left to the venue. */
static void acknowledge(struct ws_peer *peer, const char *method, const json_t *subscription)
{
        json_t *echo = json_copy(hl_raw_mutable(subscription));
        const char *type = hl_raw_get_text(subscription, "type", NULL);
        struct buf frame;
        char *json;

        if (strcmp(type, "l2Book") == 0) {
                if (!json_object_get(echo, "nSigFigs"))
                        (void)json_object_set_new(echo, "nSigFigs", json_null());
                if (!json_object_get(echo, "mantissa"))
                        (void)json_object_set_new(echo, "mantissa", json_null());
                if (!json_object_get(echo, "fast"))
                        (void)json_object_set_new(echo, "fast", json_false());
        }
        json = json_dumps(echo, JSON_COMPACT);
        buf_init(&frame, ANSWER_MAX);
        buf_printf(&frame,
                   "{\"channel\":\"subscriptionResponse\",\"data\":{\"method\":\"%s\","
                   "\"subscription\":",
                   method);
        buf_puts(&frame, json ? json : "null");
        buf_puts(&frame, "}}");
        compat_ws_say(peer, &frame);
        buf_fini(&frame);
        free(json);
        json_decref(echo);
}

static struct ws_sub *find(const struct ws_peer *peer, const struct ws_channel *channel)
{
        list_each (it, &peer->subs) {
                struct ws_sub *sub = list_entry(it, struct ws_sub, in_peer);

                if (sub->channel == channel)
                        return sub;
        }
        return NULL;
}

void compat_ws_refuse(struct ws_peer *peer, const char *subscription, const char *why)
{
        struct buf detail;

        buf_init(&detail, ANSWER_MAX / 8);
        buf_puts(&detail, subscription);
        buf_puts(&detail, why);
        compat_ws_error(peer, "Invalid subscription ", buf_cstr(&detail));
        buf_fini(&detail);
}

static void subscribe(struct ws_peer *peer, const json_t *subscription, const char *text)
{
        struct ws_channel *channel;
        struct ws_sub *sub;
        enum errc why = E_OK;

        if (peer->n_subs >= COMPAT_WS_SUBS_MAX) {
                compat_ws_refuse(peer, text, COMPAT_WS_NO_ROOM);
                return;
        }
        channel = compat_channel_get(peer->ws, subscription, &why);
        if (!channel) {
                compat_ws_refuse(peer, text, why == E_LIMIT ? COMPAT_WS_NO_ROOM : "");
                return;
        }
        if (find(peer, channel)) {
                compat_ws_error(peer, "Already subscribed: ", text);
                return;
        }
        sub = xcalloc(1, sizeof *sub);
        sub->peer = peer;
        sub->text = xstrdup(text);
        list_init(&sub->in_channel);
        list_push_back(&peer->subs, &sub->in_peer);
        peer->n_subs++;
        acknowledge(peer, "subscribe", subscription);
        compat_channel_join(channel, sub);
}

static void unsubscribe(struct ws_peer *peer, const json_t *subscription, const char *text)
{
        struct ws_channel *channel = compat_channel_find(peer->ws, subscription);
        struct ws_sub *sub = channel ? find(peer, channel) : NULL;

        if (!sub) {
                compat_ws_error(peer, "Already unsubscribed: ", text);
                return;
        }
        compat_channel_leave(sub);
        acknowledge(peer, "unsubscribe", subscription);
}

/* --- messages --- */

static bool about_subscription(struct ws_peer *peer, const char *method, const json_t *subscription)
{
        char *text;

        if (!json_is_object(subscription))
                return false;
        text = json_dumps(subscription, JSON_COMPACT);
        if (!text)
                return false;
        if (!hl_raw_get_text(subscription, "type", NULL))
                compat_ws_refuse(peer, text, "");
        else if (strcmp(method, "subscribe") == 0)
                subscribe(peer, subscription, text);
        else
                unsubscribe(peer, subscription, text);
        free(text);
        return true;
}

static bool handle(struct ws_peer *peer, const json_t *message, const char *text, size_t len)
{
        const char *method = hl_raw_get_text(message, "method", NULL);
        struct buf frame;

        if (!method)
                return false;
        if (strcmp(method, "post") == 0)
                return compat_post(peer, message, text, len);
        if (strcmp(method, "subscribe") == 0 || strcmp(method, "unsubscribe") == 0)
                return about_subscription(peer, method, json_object_get(message, "subscription"));
        if (strcmp(method, "ping") != 0)
                return false;
        buf_init(&frame, 64);
        buf_puts(&frame, "{\"channel\":\"pong\"}");
        compat_ws_say(peer, &frame);
        buf_fini(&frame);
        return true;
}

static void on_message(void *cookie, struct handle from, const char *text, size_t len)
{
        struct compat_ws *ws = cookie;
        struct ws_peer *peer = map_get(ws->by_handle, &from, sizeof from);
        struct limit_state unused;
        json_t *message;

        if (!peer || peer->is_closing || ws->is_stopped)
                return;
        if (!limit_take(ws->messages, peer->network, 1, clock_mono_ms(ws->compat->api->o.clock),
                        &unused)) {
                compat_ws_error(peer, "Too many messages.", "");
                return;
        }
        message = hl_raw_load(text, len, NULL);
        if (!message || !handle(peer, message, text, len))
                compat_ws_error(peer, "Error parsing JSON into valid websocket request: ", text);
        json_decref(message);
}

/* --- coming and going --- */

static const struct brand *brand_of(const struct compat_ws *ws, const struct httpd_request *request)
{
        const struct brand *brand = brand_by_host(ws->compat->api->brands, request->host);

        return brand && brand->compat_ws ? brand : NULL;
}

static int on_upgrade(void *cookie, const struct httpd_request *request)
{
        const struct compat_ws *ws = cookie;

        if (!brand_of(ws, request))
                return 404;
        return ws->is_draining || ws->is_stopped ? 503 : 0;
}

static void on_opened(void *cookie, struct handle from, const struct httpd_request *request)
{
        struct compat_ws *ws = cookie;
        const struct api *api = ws->compat->api;
        const struct brand *brand = brand_of(ws, request);
        struct ws_peer *peer = xcalloc(1, sizeof *peer);

        peer->ws = ws;
        peer->handle = from;
        list_init(&peer->subs);
        forwarded_client(peer->client, request->peer, httpd_header(request, "x-forwarded-for"),
                         &api->trusted);
        limit_network(peer->network, peer->client);
        list_push_back(&ws->peers, &peer->in_ws);
        ws->n_peers++;
        (void)map_put(ws->by_handle, &from, sizeof from, peer);
        if (!brand) { /* reloaded away since the upgrade */
                compat_ws_close(peer, CLOSE_AGAIN, "not served any more");
                return;
        }
        must(text_copy(peer->brand, sizeof peer->brand, brand->id));
        (void)text_copy(peer->country, sizeof peer->country, door_country(api, request, brand));
}

static void on_closed(void *cookie, struct handle from)
{
        struct compat_ws *ws = cookie;
        struct ws_peer *peer = map_get(ws->by_handle, &from, sizeof from);

        if (peer)
                drop_peer(peer);
}

static void on_drained(void *cookie, struct handle from)
{
        struct compat_ws *ws = cookie;
        struct ws_peer *peer = map_get(ws->by_handle, &from, sizeof from);

        if (peer && !peer->is_closing)
                compat_channel_catch_up(peer);
}

const struct httpd_ws_ops compat_ws_ops = {
        .upgrade = on_upgrade,
        .opened = on_opened,
        .message = on_message,
        .closed = on_closed,
        .drained = on_drained,
};

/* --- life --- */

static void tick(void *cookie)
{
        struct compat_ws *ws = cookie;

        compat_poll_tick(ws);
        compat_channel_tick(ws);
        metrics_set(ws->compat->api->o.metrics, "perpgate_compat_sockets", "", ws->n_peers,
                    "Peers on /ws.");
        metrics_set(ws->compat->api->o.metrics, "perpgate_compat_channels", "",
                    (int64_t)map_size(ws->channels), "Subscriptions that peers on /ws share.");
}

struct compat_ws *compat_ws_new(struct compat *compat, size_t queue_bytes)
{
        struct compat_ws *ws = xcalloc(1, sizeof *ws);

        ws->compat = compat;
        ws->httpd = compat->api->o.httpd;
        ws->queue_bytes = queue_bytes;
        ws->by_handle = map_new();
        ws->channels = map_new();
        ws->messages = limit_new(MESSAGES_PER_MINUTE, MINUTE_MS, ADDRESSES_MAX);
        list_init(&ws->peers);
        list_init(&ws->all);
        ws->tap = keeper_tap(compat->api->o.keeper, compat_channel_event, ws);
        ws->tick = loop_timer_new(compat->api->o.loop, tick, ws);
        loop_timer_start(ws->tick, TICK_MS, TICK_MS);
        return ws;
}

void compat_ws_stop(struct compat_ws *ws)
{
        if (!ws || ws->is_stopped)
                return;
        ws->is_stopped = true;
        keeper_untap(ws->tap);
        loop_timer_free(ws->tick);
}

void compat_ws_free(struct compat_ws *ws)
{
        if (!ws)
                return;
        must(list_empty(&ws->peers) && list_empty(&ws->all));
        map_free(ws->by_handle, NULL);
        map_free(ws->channels, NULL);
        limit_free(ws->messages);
        free(ws);
}

void compat_ws_leave(struct ws_peer *peer)
{
        if (peer->ws->is_draining && peer->n_posts == 0)
                compat_ws_close(peer, CLOSE_AGAIN, "the gateway restarts");
}

void compat_ws_reload(struct compat_ws *ws)
{
        list_each (it, &ws->peers) {
                struct ws_peer *peer = list_entry(it, struct ws_peer, in_ws);
                const struct brand *brand = brand_by_id(ws->compat->api->brands, peer->brand);

                if (!brand || !brand->compat_ws)
                        compat_ws_close(peer, CLOSE_AGAIN, "not served any more");
        }
}

void compat_ws_drain(struct compat_ws *ws)
{
        ws->is_draining = true;
        list_each_safe (it, &ws->peers)
                compat_ws_leave(list_entry(it, struct ws_peer, in_ws));
}

unsigned compat_ws_open(const struct compat_ws *ws)
{
        return ws->n_peers;
}
