/* What the venue pushes, once for all peers that want it. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "compat/compat_ws_impl.h"

#define FRAME_MAX     (4u << 20)
#define USERS_MAX     4 /* whose subscriptions count against the venue's ten, over all peers */
#define STRANGERS_MAX 2 /* of them, accounts that no brand here knows */
#define POLLED_MAX    64
#define CHANNELS_MAX  600 /* of the thousand subscriptions that an address may have */
#define STALE_MS      30000
#define CLOSE_LATE    1008
#define CLOSE_AGAIN   1012

/* --- kinds --- */

static const struct {
        const char *type, *name;
        enum ws_shape shape;
} kinds[] = {
        {"allMids", "allMids", WS_STATE},
        {"l2Book", "l2Book", WS_STATE},
        {"bbo", "bbo", WS_STATE},
        {"candle", "candle", WS_STATE},
        {"activeAssetCtx", "activeAssetCtx", WS_STATE},
        {"assetCtxs", "assetCtxs", WS_STATE},
        {"allDexsAssetCtxs", "allDexsAssetCtxs", WS_STATE},
        {"spotAssetCtxs", "spotAssetCtxs", WS_STATE},
        {"outcomeMetaUpdates", "outcomeMetaUpdates", WS_EVENTS},
        {"trades", "trades", WS_EVENTS},
        {"clearinghouseState", "clearinghouseState", WS_STATE},
        {"allDexsClearinghouseState", "allDexsClearinghouseState", WS_STATE},
        {"openOrders", "openOrders", WS_STATE},
        {"spotState", "spotState", WS_STATE},
        {"activeAssetData", "activeAssetData", WS_STATE},
        {"webData3", "webData3", WS_STATE},
        {"twapStates", "twapStates", WS_STATE},
        {"orderUpdates", "orderUpdates", WS_EVENTS},
        {"userEvents", "user", WS_EVENTS},
        {"notification", "notification", WS_EVENTS},
        {"userFills", "userFills", WS_LOG},
        {"userFundings", "userFundings", WS_LOG},
        {"userNonFundingLedgerUpdates", "userNonFundingLedgerUpdates", WS_LOG},
        {"userHistoricalOrders", "userHistoricalOrders", WS_LOG},
        {"userTwapSliceFills", "userTwapSliceFills", WS_LOG},
        {"userTwapHistory", "userTwapHistory", WS_LOG},
};

/* The venue calls the contexts of spot pairs by another name than it is asked for them. */
static const char *name_of(size_t kind, const json_t *subscription)
{
        const char *coin = hl_raw_get_text(subscription, "coin", NULL);
        bool is_spot = coin && (coin[0] == '@' || strchr(coin, '/'));

        return is_spot && strcmp(kinds[kind].type, "activeAssetCtx") == 0 ? "activeSpotAssetCtx"
                                                                          : kinds[kind].name;
}

/* A market of the first dex that is not there is refused at once; of other kinds the venue judges. */
static bool may_be_coin(const struct ws_channel *c, const json_t *subscription)
{
        const struct venue *venue = c->ws->compat->api->o.venue;
        const char *coin = hl_raw_get_text(subscription, "coin", NULL);

        return !coin || strpbrk(coin, "@/:#+") || venue->ops->market_count(venue) == 0 ||
               venue->ops->market_by_symbol(venue, coin);
}

static bool describe(struct ws_channel *c, const json_t *subscription)
{
        const char *type = hl_raw_get_text(subscription, "type", NULL);

        if (!may_be_coin(c, subscription))
                return false;
        for (size_t i = 0; type && i < sizeof kinds / sizeof *kinds; i++) {
                if (strcmp(kinds[i].type, type) != 0)
                        continue;
                c->name = name_of(i, subscription);
                c->shape = kinds[i].shape;
                c->has_user = hl_raw_get_addr(&c->user, subscription, "user") == E_OK;
                return true;
        }
        return false;
}

/* --- opening --- */

/* Distinct users who have a subscription of the gateway's through here; of them, those of no brand. */
static unsigned count_users(const struct compat_ws *ws, const struct addr *but, unsigned *strangers)
{
        struct addr seen[USERS_MAX + 1];
        unsigned n = 0;

        *strangers = 0;
        list_each (it, &ws->all) {
                const struct ws_channel *c = list_entry(it, struct ws_channel, in_ws);
                bool is_new = c->has_user && !c->is_polled && !hex_addr_equal(&c->user, but);

                for (unsigned i = 0; i < n && is_new; i++)
                        is_new = !hex_addr_equal(&c->user, &seen[i]);
                if (!is_new || n > USERS_MAX)
                        continue;
                seen[n++] = c->user;
                *strangers += !keeper_watches(ws->compat->api->o.keeper, &c->user);
        }
        return n;
}

static bool may_follow(const struct ws_channel *c)
{
        const struct compat_ws *ws = c->ws;
        unsigned strangers, users;

        if (!c->has_user)
                return true;
        users = count_users(ws, &c->user, &strangers);
        return users < USERS_MAX &&
               (strangers < STRANGERS_MAX || keeper_watches(ws->compat->api->o.keeper, &c->user));
}

static enum errc open_upstream(struct ws_channel *c)
{
        struct compat_ws *ws = c->ws;
        enum errc rc = E_LIMIT;

        if (map_size(ws->channels) >= CHANNELS_MAX)
                return E_LIMIT;
        if (may_follow(c))
                rc = keeper_want(ws->compat->api->o.keeper, &c->topic);
        if (!rc || !compat_poll_can(c) || ws->n_polled >= POLLED_MAX)
                return rc;
        c->is_polled = true;
        ws->n_polled++;
        return E_OK;
}

/* {"type":"user"} is what some clients write for userEvents. */
static json_t *without_alias(const json_t *subscription)
{
        json_t *copy = json_copy(hl_raw_mutable(subscription));
        const char *type = hl_raw_get_text(copy, "type", NULL);

        if (type && strcmp(type, "user") == 0)
                must(json_object_set_new(copy, "type", json_string("userEvents")) == 0);
        return copy;
}

static struct ws_channel *open_channel(struct compat_ws *ws, const json_t *subscription,
                                       const struct feed_topic *topic, enum errc *why)
{
        struct ws_channel *c = xcalloc(1, sizeof *c);

        c->ws = ws;
        c->topic = *topic;
        list_init(&c->subs);
        list_init(&c->in_ws);
        *why = describe(c, subscription) ? open_upstream(c) : E_INVALID;
        if (*why) {
                free(c);
                return NULL;
        }
        map_put(ws->channels, topic->detail, strlen(topic->detail), c);
        list_push_back(&ws->all, &c->in_ws);
        return c;
}

/* The same topic for all ways to write the same subscription. */
static enum errc read_topic(struct feed_topic *out, const struct compat_ws *ws, const json_t *plain)
{
        char *spelt = json_dumps(plain, JSON_COMPACT);
        enum errc rc = E_INVALID;

        if (spelt)
                rc = keeper_verbatim(ws->compat->api->o.keeper, out, spelt, strlen(spelt));
        free(spelt);
        return rc;
}

struct ws_channel *compat_channel_find(struct compat_ws *ws, const json_t *subscription)
{
        json_t *plain = without_alias(subscription);
        struct ws_channel *c = NULL;
        struct feed_topic topic;

        if (read_topic(&topic, ws, plain) == E_OK)
                c = map_get(ws->channels, topic.detail, strlen(topic.detail));
        json_decref(plain);
        return c;
}

struct ws_channel *compat_channel_get(struct compat_ws *ws, const json_t *subscription,
                                      enum errc *why)
{
        struct ws_channel *c = compat_channel_find(ws, subscription);
        json_t *plain = without_alias(subscription);
        struct feed_topic topic;

        *why = E_OK;
        if (!c) {
                *why = read_topic(&topic, ws, plain);
                if (!*why)
                        c = open_channel(ws, plain, &topic, why);
        } else if (c->log_is_lost) {
                *why = E_LIMIT;
                c = NULL;
        }
        json_decref(plain);
        return c;
}

/* --- closing --- */

static void forget_log(struct ws_channel *c)
{
        for (unsigned i = 0; i < c->n_log; i++)
                httpd_frame_drop(c->log[i]);
        c->n_log = 0;
}

void compat_channel_destroy(struct ws_channel *c)
{
        forget_log(c);
        free(c->log);
        httpd_frame_drop(c->newest);
        free(c);
}

/* Not heard of any more; an answer that is still to come frees it. */
void compat_channel_free(struct ws_channel *c)
{
        struct compat_ws *ws = c->ws;

        must(list_empty(&c->subs));
        must(map_take(ws->channels, c->topic.detail, strlen(c->topic.detail)) == c);
        list_remove(&c->in_ws);
        if (c->is_polled)
                ws->n_polled--;
        else if (!ws->is_stopped)
                keeper_drop(ws->compat->api->o.keeper, &c->topic);
        if (c->is_asked)
                c->is_gone = true;
        else
                compat_channel_destroy(c);
}

void compat_channel_leave(struct ws_sub *sub)
{
        struct ws_channel *c = sub->channel;

        list_remove(&sub->in_peer);
        list_remove(&sub->in_channel);
        sub->peer->n_subs--;
        free(sub->text);
        free(sub);
        if (list_empty(&c->subs))
                compat_channel_free(c);
}

/* --- frames --- */

static void send(struct ws_sub *sub, struct httpd_frame *frame)
{
        struct ws_peer *peer = sub->peer;
        struct compat_ws *ws = peer->ws;
        bool is_state = sub->channel->shape == WS_STATE;

        if (peer->is_closing)
                return;
        /* What can be skipped leaves half of the queue to what can't. */
        if (is_state && httpd_ws_queued(ws->httpd, peer->handle) > ws->queue_bytes / 2) {
                sub->is_behind = true;
                return;
        }
        if (httpd_ws_share(ws->httpd, peer->handle, frame) != E_LIMIT)
                return;
        if (is_state)
                sub->is_behind = true;
        else
                compat_ws_close(peer, CLOSE_LATE, "too slow to keep up");
}

static void close_all(struct ws_channel *c, const char *reason)
{
        list_each_safe (it, &c->subs)
                compat_ws_close(list_entry(it, struct ws_sub, in_channel)->peer, CLOSE_AGAIN,
                                reason);
}

static void keep(struct ws_channel *c, struct httpd_frame *frame)
{
        switch (c->shape) {
        case WS_EVENTS: return;
        case WS_STATE:
                httpd_frame_drop(c->newest);
                c->newest = httpd_frame_hold(frame);
                return;
        case WS_LOG:
                if (!c->log)
                        c->log = xcalloc(WS_LOG_MAX, sizeof(struct httpd_frame *));
                if (c->n_log == WS_LOG_MAX) {
                        forget_log(c);
                        c->log_is_lost = true;
                }
                if (!c->log_is_lost)
                        c->log[c->n_log++] = httpd_frame_hold(frame);
                return;
        }
}

void compat_channel_tell(struct ws_channel *c, const char *data, size_t len)
{
        struct httpd_frame *frame;
        struct buf text;

        buf_init(&text, FRAME_MAX);
        buf_printf(&text, "{\"channel\":\"%s\",\"data\":", c->name);
        buf_put(&text, data, len);
        buf_putc(&text, '}');
        if (buf_check(&text) == E_OK) {
                frame = httpd_frame_new(text.data, text.len);
                keep(c, frame);
                list_each (it, &c->subs)
                        send(list_entry(it, struct ws_sub, in_channel), frame);
                httpd_frame_drop(frame);
        } else {
                log_event(LOG_WARN, "frame too large", "channel", c->name, NULL);
                close_all(c, "the venue sent more than fits");
        }
        buf_fini(&text);
}

void compat_channel_join(struct ws_channel *c, struct ws_sub *sub)
{
        sub->channel = c;
        list_push_back(&c->subs, &sub->in_channel);
        if (c->newest)
                send(sub, c->newest);
        for (unsigned i = 0; i < c->n_log; i++)
                send(sub, c->log[i]);
}

void compat_channel_catch_up(struct ws_peer *peer)
{
        list_each (it, &peer->subs) {
                struct ws_sub *sub = list_entry(it, struct ws_sub, in_peer);

                if (!sub->is_behind || !sub->channel->newest)
                        continue;
                sub->is_behind = false;
                send(sub, sub->channel->newest);
        }
}

/* --- what the feed tells --- */

/* The venue has no such thing, or room for it no more. */
static void refuse_all(struct ws_channel *c, const char *why)
{
        bool is_last = list_empty(&c->subs);

        while (!is_last) {
                struct ws_sub *sub = list_entry(c->subs.next, struct ws_sub, in_channel);

                is_last =
                        sub->in_channel.next == sub->in_channel.prev; /* the channel goes with it */
                compat_ws_refuse(sub->peer, sub->text, why);
                compat_channel_leave(sub);
        }
}

/* The venue's frames have no word for a hole: who may have missed an event starts over, as after a lost
 * connection there. */
static void hear_gap(struct ws_channel *c)
{
        struct feed_topic_state state;

        keeper_feed_state(c->ws->compat->api->o.keeper, &c->topic, &state);
        if (c->is_live)
                c->cut_at = clock_mono_ms(c->ws->compat->api->o.clock);
        c->is_live = false;
        if (state.refusal == E_NOT_FOUND)
                refuse_all(c, "");
        else if (state.refusal == E_LIMIT)
                refuse_all(c, COMPAT_WS_NO_ROOM);
        else if (c->was_live && c->shape != WS_STATE)
                close_all(c, "events may be missing");
}

/* Nobody takes for the newest what has not been told for long. */
void compat_channel_tick(struct compat_ws *ws)
{
        int64_t long_ago = clock_mono_ms(ws->compat->api->o.clock) - STALE_MS;

        list_each (it, &ws->all) {
                struct ws_channel *c = list_entry(it, struct ws_channel, in_ws);

                if (!c->is_polled && c->was_live && !c->is_live && c->cut_at < long_ago)
                        close_all(c, "the venue can't be heard");
        }
}

void compat_channel_event(void *cookie, const struct feed_event *event)
{
        struct compat_ws *ws = cookie;
        struct ws_channel *c;

        if (event->topic->kind != FEED_VERBATIM)
                return;
        c = map_get(ws->channels, event->topic->detail, strlen(event->topic->detail));
        if (!c || c->is_polled)
                return;
        if (event->kind == FEED_FRAME) {
                compat_channel_tell(c, event->raw, event->raw_len);
        } else if (event->kind == FEED_GAP) {
                hear_gap(c);
        } else if (event->kind == FEED_LIVE) {
                c->is_live = c->was_live = true;
        }
}
