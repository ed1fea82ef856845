#include "api/sockets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/forwarded.h"
#include "api/markets.h"
#include "api/problem.h"
#include "api/sockets_impl.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"

#define TICK_MS        1000
#define SPREAD_FROM_MS 500
#define CLOSING_MAX    512
#define RECONNECT_SOON 1000
#define RECONNECT_FULL 30000
#define NO_RECONNECT   (-1)

static const uint16_t wire_code[SOCKET_CODES] = {1000, 4001, 4003, 4008, 4029, 4051, 4100, 4408};
static const char *const code_name[SOCKET_CODES] = {"other", "4001", "4003", "4008",
                                                    "4029",  "4051", "4100", "4408"};

/* ---- the hub's wire ---- */

static enum errc share(void *cookie, struct handle peer, struct httpd_frame *frame)
{
        struct sockets *all = cookie;

        return httpd_ws_share(all->api->o.httpd, peer, frame);
}

static size_t queued(void *cookie, struct handle peer)
{
        struct sockets *all = cookie;

        return httpd_ws_queued(all->api->o.httpd, peer);
}

static void hang_up(struct socket *s, enum socket_code code, const char *reason)
{
        s->is_closing = true;
        s->closed_as = code;
        log_event(LOG_DEBUG, "socket closed", "brand", s->from.brand, "code", code_name[code],
                  "reason", reason, NULL);
        httpd_ws_close(s->all->api->o.httpd, s->peer, wire_code[code], reason);
}

/* The hub ends a reader that is too slow. */
static void close_slow(void *cookie, struct handle peer, uint16_t code, const char *reason)
{
        struct sockets *all = cookie;
        struct socket *s = sockets_find(all, peer);

        if (!s || s->is_closing)
                return;
        must(code == wire_code[SOCKET_SLOW]);
        hang_up(s, SOCKET_SLOW, reason);
}

static void print_problem(struct buf *out, const struct err *err)
{
        problem_print(out, err, "", "");
}

/* ---- opening ---- */

struct socket *sockets_find(struct sockets *all, struct handle peer)
{
        return map_get(all->by_peer, &peer, sizeof peer);
}

int64_t sockets_spread(const struct sockets *all)
{
        uint32_t random;

        secret_random(&random, sizeof random);
        return SPREAD_FROM_MS + (int64_t)(random % (uint32_t)(all->limits.reconnect_spread_ms + 1));
}

/* Pages of the brand's own host, whatever its port, and those that the brand names. */
static bool origin_fits(const struct brand *brand, const struct httpd_request *request)
{
        const char *origin = httpd_header(request, "origin");
        const char *host = strstr(origin, "://");
        size_t len;

        if (!origin[0] || brand_allows_origin(brand, origin))
                return true;
        if (!host)
                return false;
        host += 3;
        len = strcspn(host, ":/");
        return len > 0 && strlen(request->host) == len && memcmp(host, request->host, len) == 0;
}

static int upgrade(void *cookie, const struct httpd_request *request)
{
        struct sockets *all = cookie;
        const struct brand *brand = brand_by_host(all->api->brands, request->host);

        if (!brand)
                return 404;
        if (request->query[0]) /* nothing secret may come to stand in a log of addresses */
                return 400;
        return origin_fits(brand, request) ? 0 : 403;
}

void sockets_end(struct socket *s, enum socket_code code, const char *reason, int64_t reconnect_ms)
{
        struct buf frame;

        if (s->is_closing)
                return;
        if (reconnect_ms >= 0) {
                buf_init(&frame, CLOSING_MAX);
                buf_printf(&frame,
                           "{\"type\":\"closing\",\"code\":%u,\"reason\":", wire_code[code]);
                buf_put_json(&frame, reason, strlen(reason));
                buf_printf(&frame, ",\"reconnectAfterMs\":%" PRId64, reconnect_ms);
                sockets_frames_say(s, &frame);
        }
        if (s->is_closing) /* it does not even take that */
                return;
        hang_up(s, code, reason);
}

static void admit(struct socket *s)
{
        struct sockets *all = s->all;
        const struct config_streams *limits = &all->limits;

        if (all->draining) {
                sockets_end(s, SOCKET_RESTART, "the gateway is ending", sockets_spread(all));
                return;
        }
        if (!tally_add(all->by_network, s->network, limits->sockets_per_address)) {
                sockets_end(s, SOCKET_LIMIT, "too many sockets from this address", RECONNECT_FULL);
                return;
        }
        if (!tally_add(all->by_brand, s->from.brand, limits->sockets_per_brand)) {
                tally_drop(all->by_network, s->network);
                sockets_end(s, SOCKET_LIMIT, "too many sockets", RECONNECT_FULL);
                return;
        }
        s->is_counted = true;
}

static void opened(void *cookie, struct handle peer, const struct httpd_request *request)
{
        struct sockets *all = cookie;
        struct socket *s = xcalloc(1, sizeof *s);

        s->all = all;
        s->peer = peer;
        if (api_socket_peer(&s->from, all->api, request)) { /* a reload came in between */
                free(s);
                httpd_ws_close(all->api->o.httpd, peer, wire_code[SOCKET_LIMIT], "not served");
                return;
        }
        s->brands = brand_set_ref(all->api->brands);
        s->brand = brand_by_id(s->brands, s->from.brand);
        must(s->brand);
        limit_network(s->network, s->from.client);
        s->filled_at = clock_mono_ms(all->api->o.clock);
        s->milli_frames = (int64_t)all->limits.frame_burst * 1000;
        s->reader = hub_join(all->hub, peer);
        list_push_back(&all->all, &s->at);
        list_init(&s->at_signed_in);
        map_put(all->by_peer, &peer, sizeof peer, s);
        all->n_open++;
        all->opened++;
        admit(s);
}

/* ---- talking ---- */

static bool take_allowance(struct socket *s)
{
        const struct config_streams *limits = &s->all->limits;
        int64_t now = clock_mono_ms(s->all->api->o.clock);
        int64_t full = (int64_t)limits->frame_burst * 1000;
        int64_t elapsed = now - s->filled_at;

        /* A rate in frames a second is one in thousandths of a frame a millisecond. */
        if (elapsed > full / limits->frames_per_second)
                s->milli_frames = full;
        else
                s->milli_frames += elapsed * limits->frames_per_second;
        if (s->milli_frames > full)
                s->milli_frames = full;
        s->filled_at = now;
        if (s->milli_frames < 1000)
                return false;
        s->milli_frames -= 1000;
        return true;
}

static void message(void *cookie, struct handle peer, const char *text, size_t len)
{
        struct sockets *all = cookie;
        struct socket *s = sockets_find(all, peer);

        if (!s || s->is_closing)
                return;
        all->frames++;
        if (take_allowance(s)) {
                sockets_frames_take(s, text, len);
                return;
        }
        all->refused_frames++;
        sockets_end(s, SOCKET_RATE, "too many frames", RECONNECT_SOON + sockets_spread(all));
}

static void drained(void *cookie, struct handle peer)
{
        struct socket *s = sockets_find(cookie, peer);

        if (s && !s->is_closing)
                hub_drained(s->reader);
}

/* ---- closing ---- */

static void closed(void *cookie, struct handle peer)
{
        struct sockets *all = cookie;
        struct socket *s = map_take(all->by_peer, &peer, sizeof peer);

        if (!s)
                return;
        all->closed[s->closed_as]++;
        all->n_open--;
        sockets_auth_forget(s);
        hub_leave(s->reader);
        list_remove(&s->at);
        if (s->is_counted) {
                tally_drop(all->by_network, s->network);
                tally_drop(all->by_brand, s->from.brand);
        }
        brand_set_unref(s->brands);
        free(s);
}

const struct httpd_ws_ops sockets_ops = {
        .upgrade = upgrade,
        .opened = opened,
        .message = message,
        .closed = closed,
        .drained = drained,
};

/* What is under way is still answered. */
static void drain_one(struct socket *s)
{
        if (s->calls == 0)
                sockets_end(s, SOCKET_RESTART, "the gateway is ending", sockets_spread(s->all));
}

static void tick(void *cookie)
{
        struct sockets *all = cookie;

        hub_tick(all->hub);
        sockets_auth_tick(all);
        if (!all->draining)
                return;
        list_each_safe (it, &all->all)
                drain_one(list_entry(it, struct socket, at));
}

void sockets_drain(struct sockets *all)
{
        all->draining = true;
        list_each_safe (it, &all->all)
                drain_one(list_entry(it, struct socket, at));
}

static enum errc why_no_more(void *cookie, const struct stream_source *source,
                             const struct stream_subject *subject, struct err *err)
{
        const struct socket *s = cookie;

        if (!source->by_symbol || brand_offers(s->brand, subject->symbol))
                return E_OK;
        return markets_refuse(s->all->api->o.venue, s->brand, subject->symbol, err);
}

static void reload_one(struct socket *s)
{
        struct brand_set *brands = brand_set_ref(s->all->api->brands);
        const struct brand *brand = brand_by_id(brands, s->from.brand);

        if (!brand) {
                sockets_end(s, SOCKET_LIMIT, "this is not served here any more", NO_RECONNECT);
                brand_set_unref(brands);
                return;
        }
        brand_set_unref(s->brands);
        s->brands = brands;
        s->brand = brand;
        hub_review(s->reader, why_no_more, s);
}

void sockets_reload(struct sockets *all)
{
        list_each_safe (it, &all->all)
                reload_one(list_entry(it, struct socket, at));
}

/* ---- the whole ---- */

struct sockets *sockets_new(struct api *api, const struct config_streams *limits)
{
        struct sockets *all = xcalloc(1, sizeof *all);
        const struct hub_options options = {
                .wire = {.make = httpd_frame_new,
                         .hold = httpd_frame_hold,
                         .drop = httpd_frame_drop,
                         .share = share,
                         .queued = queued,
                         .close = close_slow,
                         .cookie = all},
                .clock = api->o.clock,
                .problem = print_problem,
                .queue_bytes = limits->queue_bytes,
                .channels = limits->channels,
                .subscriptions = limits->subscriptions,
                .ring_frames = limits->ring_frames,
                .ring_bytes = limits->ring_bytes,
                .rings_bytes = limits->rings_bytes,
                .events_linger_ms = limits->events_linger_ms,
        };

        all->api = api;
        all->limits = *limits;
        all->hub = hub_new(&options);
        all->by_peer = map_new();
        list_init(&all->all);
        list_init(&all->signed_in);
        all->by_network = tally_new();
        all->by_account = tally_new();
        all->by_brand = tally_new();
        all->tick = loop_timer_new(api->o.loop, tick, all);
        loop_timer_start(all->tick, TICK_MS, TICK_MS);
        api->sockets = all;
        return all;
}

void sockets_free(struct sockets *all)
{
        if (!all)
                return;
        must(all->n_open == 0);
        all->api->sockets = NULL;
        loop_timer_free(all->tick);
        hub_free(all->hub);
        map_free(all->by_peer, NULL);
        tally_free(all->by_network);
        tally_free(all->by_account);
        tally_free(all->by_brand);
        free(all);
}

struct stream_hub *sockets_hub(struct sockets *all)
{
        return all->hub;
}

unsigned sockets_open(const struct sockets *all)
{
        return all->n_open;
}

static void print(struct buf *out, const char *name, const char *type, const char *help, uint64_t n)
{
        buf_printf(out,
                   "# HELP perpgate_stream_%s %s\n# TYPE perpgate_stream_%s %s\n"
                   "perpgate_stream_%s %" PRIu64 "\n",
                   name, help, name, type, name, n);
}

static void print_hub(const struct stream_hub *hub, struct buf *out)
{
        struct hub_stats h;

        hub_stats(hub, &h);
        print(out, "subscriptions", "gauge", "Subscriptions of clients.", h.subscriptions);
        print(out, "channels", "gauge", "Channels open.", h.channels);
        print(out, "channels_idle", "gauge", "Channels that nobody reads now.", h.channels_idle);
        print(out, "ring_bytes", "gauge", "Frames kept for who comes back.", h.rings_bytes);
        print(out, "frames_encoded_total", "counter", "Frames made.", h.encoded);
        print(out, "frames_delivered_total", "counter", "Frames given to readers.", h.delivered);
        print(out, "conflated_total", "counter", "Times a slow reader was left to a snapshot.",
              h.conflated);
        print(out, "snapshots_total", "counter", "Snapshots given to readers.", h.snapshots);
        print(out, "gaps_total", "counter", "Gaps told.", h.gaps);
        print(out, "resumed_total", "counter", "Resumed from the ring.", h.resumed);
        print(out, "resumed_by_snapshot_total", "counter", "Resumed with a snapshot.",
              h.resumed_by_snapshot);
        print(out, "channels_refused_total", "counter", "Channels refused for want of room.",
              h.refused_full);
}

void sockets_metrics(const struct sockets *all, struct buf *out)
{
        if (!all)
                return;
        print(out, "sockets", "gauge", "Sockets of clients.", all->n_open);
        print(out, "sockets_opened_total", "counter", "Sockets opened.", all->opened);
        print(out, "frames_received_total", "counter", "Frames from clients.", all->frames);
        print(out, "frames_refused_total", "counter", "Frames above what a client may send.",
              all->refused_frames);
        print(out, "operations_total", "counter", "Operations over sockets.", all->operations);
        buf_puts(out, "# HELP perpgate_stream_sockets_closed_total Sockets closed, by code.\n"
                      "# TYPE perpgate_stream_sockets_closed_total counter\n");
        for (unsigned i = 0; i < SOCKET_CODES; i++)
                buf_printf(out, "perpgate_stream_sockets_closed_total{code=\"%s\"} %" PRIu64 "\n",
                           code_name[i], all->closed[i]);
        print_hub(all->hub, out);
}
