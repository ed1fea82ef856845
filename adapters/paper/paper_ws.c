#include "adapters/paper/paper_ws.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/paper_info.h"
#include "base/mem.h"

#define SUBS_MAX    1000 /* per connection */
#define FRAME_MAX   (8u << 20)
#define CLOSE_LATE  1008
#define CLOSE_FAULT 1011

enum needs { NEEDS_COIN = 1, NEEDS_USER = 2, NEEDS_INTERVAL = 4, NEEDS_DEX = 8, NEEDS_GRID = 16 };

/* How each subscription is called, and what it must name. */
static const struct {
        const char *name;
        enum paper_sub_type type;
        unsigned needs;
} kinds[] = {
        {"allMids", PAPER_SUB_ALL_MIDS, NEEDS_DEX},
        {"l2Book", PAPER_SUB_L2_BOOK, NEEDS_COIN | NEEDS_GRID},
        {"trades", PAPER_SUB_TRADES, NEEDS_COIN},
        {"bbo", PAPER_SUB_BBO, NEEDS_COIN},
        {"candle", PAPER_SUB_CANDLE, NEEDS_COIN | NEEDS_INTERVAL},
        {"activeAssetCtx", PAPER_SUB_ACTIVE_ASSET_CTX, NEEDS_COIN},
        {"activeAssetData", PAPER_SUB_ACTIVE_ASSET_DATA, NEEDS_COIN | NEEDS_USER},
        {"assetCtxs", PAPER_SUB_ASSET_CTXS, NEEDS_DEX},
        {"allDexsAssetCtxs", PAPER_SUB_ALL_DEXS_ASSET_CTXS, 0},
        {"spotAssetCtxs", PAPER_SUB_SPOT_ASSET_CTXS, 0},
        {"fastAssetCtxs", PAPER_SUB_FAST_ASSET_CTXS, 0},
        {"outcomeMetaUpdates", PAPER_SUB_OUTCOME_META_UPDATES, 0},
        {"orderUpdates", PAPER_SUB_ORDER_UPDATES, NEEDS_USER},
        {"userEvents", PAPER_SUB_USER_EVENTS, NEEDS_USER},
        {"user", PAPER_SUB_USER_EVENTS, NEEDS_USER},
        {"userFills", PAPER_SUB_USER_FILLS, NEEDS_USER},
        {"userFundings", PAPER_SUB_USER_FUNDINGS, NEEDS_USER},
        {"userNonFundingLedgerUpdates", PAPER_SUB_LEDGER_UPDATES, NEEDS_USER},
        {"userHistoricalOrders", PAPER_SUB_HISTORICAL_ORDERS, NEEDS_USER},
        {"clearinghouseState", PAPER_SUB_CLEARINGHOUSE_STATE, NEEDS_USER | NEEDS_DEX},
        {"allDexsClearinghouseState", PAPER_SUB_ALL_DEXS_CLEARINGHOUSE_STATE, NEEDS_USER},
        {"openOrders", PAPER_SUB_OPEN_ORDERS, NEEDS_USER | NEEDS_DEX},
        {"spotState", PAPER_SUB_SPOT_STATE, NEEDS_USER},
        {"webData3", PAPER_SUB_WEB_DATA3, NEEDS_USER},
        {"notification", PAPER_SUB_NOTIFICATION, NEEDS_USER},
        {"twapStates", PAPER_SUB_TWAP_STATES, NEEDS_USER | NEEDS_DEX},
        {"userTwapSliceFills", PAPER_SUB_TWAP_SLICE_FILLS, NEEDS_USER},
        {"userTwapHistory", PAPER_SUB_TWAP_HISTORY, NEEDS_USER},
};

/* ---- Peers ----------------------------------------------------------------------------------- */

struct paper_ws *paper_ws_new(struct paper *p)
{
        struct paper_ws *ws = xcalloc(1, sizeof(*ws));

        ws->p = p;
        ws->by_handle = map_new();
        list_init(&ws->peers);
        for (size_t i = 0; i < PAPER_SUB_TYPES; i++)
                list_init(&ws->by_type[i]);
        return ws;
}

static void drop_sub(struct paper_sub *sub)
{
        list_remove(&sub->in_peer);
        list_remove(&sub->in_type);
        sub->peer->n_subs--;
        free(sub);
}

static void drop_peer(struct paper_ws *ws, struct paper_peer *peer)
{
        list_each_safe (it, &peer->subs)
                drop_sub(list_entry(it, struct paper_sub, in_peer));
        (void)map_take(ws->by_handle, &peer->handle, sizeof(peer->handle));
        list_remove(&peer->in_ws);
        ws->n_peers--;
        buf_fini(&peer->held);
        free(peer);
}

void paper_ws_free(struct paper_ws *ws)
{
        if (!ws)
                return;
        list_each_safe (it, &ws->peers)
                drop_peer(ws, list_entry(it, struct paper_peer, in_ws));
        map_free(ws->by_handle, NULL);
        free(ws);
}

size_t paper_ws_count(const struct paper *p)
{
        return p->ws->n_peers;
}

void paper_ws_send(struct paper *p, struct paper_peer *peer, const struct buf *frame)
{
        enum errc rc;

        if (peer->is_silent || p->is_stopped || buf_check(frame))
                return;
        rc = httpd_ws_send(p->httpd, peer->handle, frame->data, frame->len);
        /* Closed at the next tick: whoever pushes is walking lists that closing would change. */
        if (rc == E_LIMIT)
                peer->is_silent = peer->is_late = true;
}

bool paper_ws_hold(struct paper_peer *peer, const struct buf *frame)
{
        if (peer->has_held)
                return false;
        buf_reset(&peer->held);
        buf_put(&peer->held, frame->data, frame->len);
        peer->has_held = true;
        return true;
}

void paper_ws_let_go(struct paper *p, struct paper_peer *peer)
{
        if (!peer->has_held)
                return;
        peer->has_held = false;
        paper_ws_send(p, peer, &peer->held);
}

void paper_ws_close_late(struct paper *p)
{
        list_each_safe (it, &p->ws->peers) {
                struct paper_peer *peer = list_entry(it, struct paper_peer, in_ws);

                paper_ws_let_go(p, peer);
                if (!peer->is_late)
                        continue;
                peer->is_late = false;
                httpd_ws_close(p->httpd, peer->handle, CLOSE_LATE, "too slow to keep up");
        }
}

void paper_ws_close_peers(struct paper *p, unsigned count, bool silently)
{
        list_each_safe (it, &p->ws->peers) {
                struct paper_peer *peer = list_entry(it, struct paper_peer, in_ws);

                if (peer->is_silent || count == 0)
                        continue;
                count--;
                peer->is_silent = true;
                if (!silently)
                        httpd_ws_close(p->httpd, peer->handle, CLOSE_FAULT, "closed by a fault");
        }
}

/* ---- Answers --------------------------------------------------------------------------------- */

static void send_error(struct paper *p, struct paper_peer *peer, const char *text,
                       const char *detail)
{
        struct buf frame, message;

        buf_init(&frame, FRAME_MAX);
        buf_init(&message, FRAME_MAX);
        buf_puts(&message, text);
        buf_puts(&message, detail);
        jot_object(&frame, NULL);
        jot_text(&frame, "channel", "error");
        jot_text(&frame, "data", buf_cstr(&message));
        jot_end_object(&frame);
        paper_ws_send(p, peer, &frame);
        buf_fini(&message);
        buf_fini(&frame);
}

static void send_about(struct paper *p, struct paper_peer *peer, const char *text,
                       const json_t *subscription)
{
        char *json = json_dumps(subscription, JSON_COMPACT | JSON_ENCODE_ANY);

        send_error(p, peer, text, json ? json : "null");
        free(json);
}

/* Echoes everything the client sent, and what it left to the default: clients compare. */
static void acknowledge(struct paper *p, struct paper_peer *peer, const char *method,
                        const json_t *subscription, enum paper_sub_type type)
{
        json_t *echo = json_copy((json_t *)(uintptr_t)subscription);
        char *json = NULL;
        struct buf frame;

        if (type == PAPER_SUB_L2_BOOK) {
                if (!json_object_get(echo, "nSigFigs"))
                        (void)json_object_set_new(echo, "nSigFigs", json_null());
                if (!json_object_get(echo, "mantissa"))
                        (void)json_object_set_new(echo, "mantissa", json_null());
                if (!json_object_get(echo, "fast"))
                        (void)json_object_set_new(echo, "fast", json_false());
        }
        json = json_dumps(echo, JSON_COMPACT);
        buf_init(&frame, FRAME_MAX);
        jot_object(&frame, NULL);
        jot_text(&frame, "channel", "subscriptionResponse");
        jot_object(&frame, "data");
        jot_text(&frame, "method", method);
        jot_raw(&frame, "subscription", json ? json : "null");
        jot_end_object(&frame);
        jot_end_object(&frame);
        paper_ws_send(p, peer, &frame);
        buf_fini(&frame);
        free(json);
        json_decref(echo);
}

/* ---- Subscriptions --------------------------------------------------------------------------- */

static bool read_coin(struct paper *p, const json_t *subscription, struct paper_sub *out)
{
        int asset;

        if (!paper_info_asset(p, subscription, "coin", &asset) || asset < 0)
                return false;
        out->asset = (uint32_t)asset;
        return true;
}

static bool read_interval(const json_t *subscription, struct paper_sub *out)
{
        const char *name = hl_raw_get_text(subscription, "interval", NULL);

        out->interval = name ? paper_candles_interval(name) : -1;
        return out->interval >= 0;
}

static bool parse(struct paper *p, const json_t *subscription, struct paper_sub *out)
{
        const char *name = hl_raw_get_text(subscription, "type", NULL);

        memset(out, 0, sizeof(*out));
        for (size_t i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                unsigned needs = kinds[i].needs;

                if (strcmp(kinds[i].name, name) != 0)
                        continue;
                out->type = kinds[i].type;
                return !((needs & NEEDS_COIN && !read_coin(p, subscription, out)) ||
                         (needs & NEEDS_USER &&
                          !paper_info_user(subscription, "user", &out->user)) ||
                         (needs & NEEDS_INTERVAL && !read_interval(subscription, out)) ||
                         (needs & NEEDS_DEX && !paper_info_dex(p, subscription, &out->dex)) ||
                         (needs & NEEDS_GRID && !paper_info_grid(subscription, &out->grid)));
        }
        return false;
}

static bool is_same(const struct paper_sub *a, const struct paper_sub *b)
{
        return a->type == b->type && a->dex == b->dex && a->asset == b->asset &&
               a->interval == b->interval && a->grid.n_sig_figs == b->grid.n_sig_figs &&
               a->grid.mantissa == b->grid.mantissa && a->grid.is_fast == b->grid.is_fast &&
               hex_addr_equal(&a->user, &b->user);
}

static struct paper_sub *find(struct paper_peer *peer, const struct paper_sub *like)
{
        list_each (it, &peer->subs) {
                struct paper_sub *sub = list_entry(it, struct paper_sub, in_peer);

                if (is_same(sub, like))
                        return sub;
        }
        return NULL;
}

static void subscribe(struct paper *p, struct paper_peer *peer, const json_t *subscription)
{
        struct paper_sub like, *sub;

        if (!parse(p, subscription, &like) || peer->n_subs >= SUBS_MAX) {
                send_about(p, peer, "Invalid subscription ", subscription);
                return;
        }
        if (find(peer, &like)) {
                send_about(p, peer, "Already subscribed: ", subscription);
                return;
        }
        if (!paper_limits_user(p, peer, &like.user)) {
                send_error(p, peer, "Cannot track more than 15 total users.", "");
                return;
        }
        sub = xmalloc(sizeof(*sub));
        *sub = like;
        sub->peer = peer;
        list_push_back(&peer->subs, &sub->in_peer);
        list_push_back(&p->ws->by_type[sub->type], &sub->in_type);
        peer->n_subs++;
        acknowledge(p, peer, "subscribe", subscription, sub->type);
        paper_feed_first(p, sub);
}

static void unsubscribe(struct paper *p, struct paper_peer *peer, const json_t *subscription)
{
        struct paper_sub like, *sub;

        if (!parse(p, subscription, &like)) {
                send_about(p, peer, "Invalid subscription ", subscription);
                return;
        }
        sub = find(peer, &like);
        if (!sub) {
                send_about(p, peer, "Already unsubscribed: ", subscription);
                return;
        }
        drop_sub(sub);
        acknowledge(p, peer, "unsubscribe", subscription, like.type);
}

/* ---- Posts ----------------------------------------------------------------------------------- */

static void send_post(struct paper *p, struct paper_peer *peer, uint64_t id, const char *kind,
                      const char *info_type, struct paper_answer *answer)
{
        struct buf frame;

        buf_init(&frame, PAPER_ANSWER_MAX);
        jot_object(&frame, NULL);
        jot_text(&frame, "channel", "post");
        jot_object(&frame, "data");
        jot_uint(&frame, "id", id);
        jot_object(&frame, "response");
        if (answer->is_text) {
                struct buf text;

                buf_init(&text, 512);
                buf_printf(&text, "%d: %s", answer->status, buf_cstr(&answer->body));
                jot_text(&frame, "type", "error");
                jot_text(&frame, "payload", buf_cstr(&text));
                buf_fini(&text);
        } else if (info_type) {
                jot_text(&frame, "type", kind);
                jot_object(&frame, "payload");
                jot_text(&frame, "type", info_type);
                jot_raw(&frame, "data", buf_cstr(&answer->body));
                jot_end_object(&frame);
        } else {
                jot_text(&frame, "type", kind);
                jot_raw(&frame, "payload", buf_cstr(&answer->body));
        }
        jot_end_object(&frame);
        jot_end_object(&frame);
        jot_end_object(&frame);
        paper_ws_send(p, peer, &frame);
        buf_fini(&frame);
}

static bool post(struct paper *p, struct paper_peer *peer, const json_t *message)
{
        const json_t *request = json_object_get(message, "request");
        const json_t *payload = json_object_get(request, "payload");
        const char *kind = hl_raw_get_text(request, "type", NULL), *info_type = NULL;
        struct paper_answer answer;
        uint64_t id;

        if (hl_raw_get_uint(&id, message, "id") || !kind || !json_is_object(payload) ||
            (strcmp(kind, "info") != 0 && strcmp(kind, "action") != 0))
                return false;
        paper_answer_init(&answer);
        if (!strcmp(kind, "info")) {
                info_type = hl_raw_get_text(payload, "type", NULL);
                paper_info_run(p, &answer, payload);
        } else {
                paper_exchange_run(p, &answer, payload);
        }
        send_post(p, peer, id, kind, info_type, &answer);
        paper_answer_fini(&answer);
        return true;
}

/* ---- Messages -------------------------------------------------------------------------------- */

static bool handle(struct paper *p, struct paper_peer *peer, const json_t *message)
{
        const char *method = hl_raw_get_text(message, "method", NULL);
        const json_t *subscription = json_object_get(message, "subscription");
        struct buf frame;

        if (!method)
                return false;
        if (!strcmp(method, "post"))
                return post(p, peer, message);
        if (!strcmp(method, "subscribe") && json_is_object(subscription)) {
                subscribe(p, peer, subscription);
        } else if (!strcmp(method, "unsubscribe") && json_is_object(subscription)) {
                unsubscribe(p, peer, subscription);
        } else if (!strcmp(method, "ping")) {
                buf_init(&frame, 64);
                buf_puts(&frame, "{\"channel\":\"pong\"}");
                paper_ws_send(p, peer, &frame);
                buf_fini(&frame);
        } else {
                return false;
        }
        return true;
}

static void on_message(void *cookie, struct handle from, const char *text, size_t len)
{
        struct paper *p = cookie;
        struct paper_peer *peer = map_get(p->ws->by_handle, &from, sizeof(from));
        json_t *message;

        if (!peer || peer->is_silent || p->is_stopped)
                return;
        if (!paper_limits_message(p, peer->address)) {
                send_error(p, peer, "Too many messages.", "");
                return;
        }
        message = hl_raw_load(text, len, NULL);
        if (!message || !handle(p, peer, message))
                send_error(p, peer, "Error parsing JSON into valid websocket request: ", text);
        json_decref(message);
}

static int on_upgrade(void *cookie, const struct httpd_request *request)
{
        struct paper *p = cookie;

        if (p->is_stopped)
                return 503;
        return paper_limits_may_open(p, request->peer) ? 0 : 429;
}

static void on_opened(void *cookie, struct handle from, const struct httpd_request *request)
{
        struct paper *p = cookie;
        struct paper_peer *peer = xcalloc(1, sizeof(*peer));

        (void)text_copy(peer->address, sizeof(peer->address), request->peer);
        paper_limits_count(p, peer->address, true);
        peer->handle = from;
        peer->is_silent = p->n_faults && paper_faults_take_open(p);
        buf_init(&peer->held, PAPER_ANSWER_MAX);
        list_init(&peer->subs);
        list_push_back(&p->ws->peers, &peer->in_ws);
        p->ws->n_peers++;
        (void)map_put(p->ws->by_handle, &from, sizeof(from), peer);
}

static void on_closed(void *cookie, struct handle from)
{
        struct paper *p = cookie;
        struct paper_peer *peer = map_get(p->ws->by_handle, &from, sizeof(from));

        if (!peer)
                return;
        paper_limits_count(p, peer->address, false);
        drop_peer(p->ws, peer);
}

const struct httpd_ws_ops *paper_ws_ops(void)
{
        static const struct httpd_ws_ops ops = {
                .upgrade = on_upgrade,
                .opened = on_opened,
                .message = on_message,
                .closed = on_closed,
        };

        return &ops;
}
