#include "adapters/paper/follow.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/jot.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "loop/ws_client.h"

#define MESSAGE_MAX (4u << 20)
#define QUEUE_MAX   (1u << 20)

struct followed {
        char coin[RECORDING_COIN];
        int64_t since; /* their time of the first book of this connection; 0: none yet */
};

struct follow {
        struct loop *loop;
        struct ws_client *client;
        struct followed *coin;
        size_t n_coins;
        struct map *by_name; /* struct followed, borrowed */
        struct follow_options options;
        struct follow_stats stats;
        bool has_told; /* something since the last gap */
        struct recording_event event;
};

static void tell(struct follow *f, const struct followed *coin, enum recording_type type)
{
        f->event.type = type;
        f->event.at = clock_wall_ms(loop_clock(f->loop));
        if (coin)
                (void)text_copy(f->event.coin, sizeof(f->event.coin), coin->coin);
        f->has_told = type != RECORDING_GAP;
        f->stats.n_events++;
        f->options.event(f->options.cookie, &f->event);
}

static struct followed *find(const struct follow *f, const json_t *data)
{
        const char *coin = hl_raw_get_text(data, "coin", NULL);

        return coin ? map_get(f->by_name, coin, strlen(coin)) : NULL;
}

static bool read_px(const json_t *object, const char *key, struct px *out)
{
        size_t len;
        const char *text = hl_raw_get_text(object, key, &len);

        return text && !num_parse_px(out, text, len) && recording_price_fits(*out);
}

static bool read_qty(const json_t *object, const char *key, struct qty *out)
{
        size_t len;
        const char *text = hl_raw_get_text(object, key, &len);

        return text && !num_parse_qty(out, text, len) && out->v > 0;
}

/* ---- Channels: false where a frame makes no sense ---------------------------------------------- */

static bool on_context(struct follow *f, const json_t *data)
{
        const json_t *context = json_object_get(data, "ctx");
        const struct followed *coin = find(f, data);

        memset(&f->event, 0, sizeof(f->event));
        if (!coin || !read_px(context, "markPx", &f->event.mark) ||
            !read_px(context, "oraclePx", &f->event.oracle))
                return false;
        tell(f, coin, RECORDING_PRICE);
        return true;
}

static bool on_book(struct follow *f, const json_t *data)
{
        const json_t *sides = json_object_get(data, "levels");
        struct followed *coin = find(f, data);
        int64_t time;

        memset(&f->event, 0, sizeof(f->event));
        if (!coin || json_array_size(sides) != 2 || hl_raw_get_int(&time, data, "time") ||
            time <= 0)
                return false;
        for (size_t side = 0; side < 2; side++) {
                const json_t *levels = json_array_get(sides, side);
                size_t n = json_array_size(levels);

                if (!json_is_array(levels))
                        return false;
                n = n < RECORDING_LEVELS ? n : RECORDING_LEVELS;
                for (size_t i = 0; i < n; i++) {
                        struct recording_level *level = &f->event.level[side][i];
                        const json_t *row = json_array_get(levels, i);
                        uint64_t n_orders;

                        if (!read_px(row, "px", &level->price) ||
                            !read_qty(row, "sz", &level->size) ||
                            hl_raw_get_uint(&n_orders, row, "n") || n_orders > UINT32_MAX)
                                return false;
                        level->n_orders = (uint32_t)n_orders;
                }
                f->event.n_levels[side] = n;
        }
        if (!recording_book_fits(&f->event))
                return false;
        if (!coin->since)
                coin->since = time;
        tell(f, coin, RECORDING_BOOK);
        return true;
}

/* A subscription starts with trades of the past: they took from a book that is gone. */
static bool on_trade(struct follow *f, const json_t *row)
{
        const char *side = hl_raw_get_text(row, "side", NULL);
        struct followed *coin = find(f, row);
        int64_t time;

        memset(&f->event, 0, sizeof(f->event));
        if (!coin || !side || (strcmp(side, "A") != 0 && strcmp(side, "B") != 0) ||
            !read_px(row, "px", &f->event.price) || !read_qty(row, "sz", &f->event.size) ||
            hl_raw_get_int(&time, row, "time"))
                return false;
        if (!coin->since || time <= coin->since)
                return true;
        f->event.is_buy = side[0] == 'B';
        tell(f, coin, RECORDING_TRADE);
        return true;
}

static bool on_trades(struct follow *f, const json_t *data)
{
        bool is_good = json_is_array(data);

        for (size_t i = 0; i < json_array_size(data); i++)
                is_good = on_trade(f, json_array_get(data, i)) && is_good;
        return is_good;
}

static bool is_silent(const char *channel)
{
        return !strcmp(channel, "subscriptionResponse") || !strcmp(channel, "pong");
}

static bool on_frame(struct follow *f, const json_t *root)
{
        const char *channel = hl_raw_get_text(root, "channel", NULL);
        const json_t *data = json_object_get(root, "data");

        if (!channel)
                return false;
        if (!strcmp(channel, "l2Book"))
                return on_book(f, data);
        if (!strcmp(channel, "trades"))
                return on_trades(f, data);
        if (!strcmp(channel, "activeAssetCtx"))
                return on_context(f, data);
        return is_silent(channel);
}

/* ---- The socket -------------------------------------------------------------------------------- */

static void subscribe(struct follow *f, const char *type, const char *coin)
{
        struct buf text;

        buf_init(&text, 1024);
        jot_object(&text, NULL);
        jot_text(&text, "method", "subscribe");
        jot_object(&text, "subscription");
        jot_text(&text, "type", type);
        jot_text(&text, "coin", coin);
        jot_end_object(&text);
        jot_end_object(&text);
        if (ws_client_send(f->client, text.data, text.len))
                log_event(LOG_WARN, "can't subscribe", "type", type, "coin", coin, NULL);
        buf_fini(&text);
}

static void on_opened(void *cookie)
{
        static const char *const types[] = {"l2Book", "activeAssetCtx", "trades"};
        struct follow *f = cookie;

        f->stats.is_open = true;
        log_event(LOG_INFO, "price feed is open", "url", f->options.url, NULL);
        for (size_t i = 0; i < f->n_coins; i++)
                f->coin[i].since = 0;
        for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++)
                for (size_t i = 0; i < f->n_coins; i++)
                        subscribe(f, types[k], f->coin[i].coin);
}

static void on_message(void *cookie, const char *text, size_t len)
{
        struct follow *f = cookie;
        json_t *root = hl_raw_load(text, len, NULL);

        if (!on_frame(f, root) && f->stats.n_unread++ == 0)
                log_event(LOG_WARN, "price feed sent what makes no sense", "url", f->options.url,
                          NULL);
        json_decref(root);
}

static void on_closed(void *cookie, const char *reason)
{
        struct follow *f = cookie;

        f->stats.is_open = false;
        log_event(LOG_WARN, "price feed is closed", "url", f->options.url, "reason", reason, NULL);
        if (!f->has_told)
                return;
        f->stats.n_gaps++;
        memset(&f->event, 0, sizeof(f->event));
        tell(f, NULL, RECORDING_GAP);
}

static bool take_coins(struct follow *f, const struct follow_options *options, struct err *err)
{
        if (options->n_coins == 0 || options->n_coins > FOLLOW_COINS_MAX) {
                (void)err_set(err, E_CONFIG, "want 1..%d coins to follow, not %zu",
                              FOLLOW_COINS_MAX, options->n_coins);
                return false;
        }
        f->coin = xcalloc(options->n_coins, sizeof(*f->coin));
        for (size_t i = 0; i < options->n_coins; i++) {
                const char *coin = options->coins[i];

                if (!recording_coin_fits(coin)) {
                        (void)err_set(err, E_CONFIG, "coin %zu has no name that could be followed",
                                      i + 1);
                        return false;
                }
                (void)text_copy(f->coin[i].coin, sizeof(f->coin[i].coin), coin);
                if (map_put(f->by_name, coin, strlen(coin), &f->coin[i])) {
                        (void)err_set(err, E_CONFIG, "%s is named twice", coin);
                        return false;
                }
        }
        f->n_coins = options->n_coins;
        return true;
}

struct follow *follow_open(struct loop *loop, const struct follow_options *options, struct err *err)
{
        struct follow *f = xcalloc(1, sizeof(*f));
        struct ws_client_options client = {
                .url = options->url,
                .max_message_bytes = MESSAGE_MAX,
                .max_queue_bytes = QUEUE_MAX,
                .ping_text = "{\"method\":\"ping\"}",
                .backoff_min_ms = options->backoff_ms,
                .opened = on_opened,
                .message = on_message,
                .closed = on_closed,
                .cookie = f,
        };

        f->loop = loop;
        f->by_name = map_new();
        f->options = *options;
        f->options.url = xstrdup(options->url);
        f->options.coins = NULL;
        if (take_coins(f, options, err))
                f->client = ws_client_new(loop, &client, err);
        if (f->client)
                return f;
        follow_close(f);
        return NULL;
}

void follow_close(struct follow *f)
{
        if (!f)
                return;
        ws_client_free(f->client);
        map_free(f->by_name, NULL);
        free(f->coin);
        free((char *)(uintptr_t)f->options.url);
        free(f);
}

void follow_restart(struct follow *f)
{
        ws_client_restart(f->client, "no price came for too long");
}

void follow_stats(const struct follow *f, struct follow_stats *out)
{
        *out = f->stats;
}
