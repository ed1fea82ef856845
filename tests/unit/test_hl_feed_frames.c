/* What the venue says, as the feed tells it: each channel, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed_rig.h"

#define USER1 "0x0000000000000000000000000000000000000001"
#define USER2 "0x0000000000000000000000000000000000000002"

/* ---- Trades ------------------------------------------------------------------------------------ */

static void put_trade(struct buf *out, const char *coin, const char *px, int64_t at, unsigned tid)
{
        buf_printf(out,
                   "%s{\"coin\":\"%s\",\"side\":\"B\",\"px\":\"%s\",\"sz\":\"0.5\",\"time\":%lld,"
                   "\"hash\":\"0x0\",\"tid\":%u,\"users\":[\"" USER1 "\",\"" USER2 "\"]}",
                   out->data[out->len - 1] == '[' ? "" : ",", coin, px, (long long)at, tid);
}

/* n trades of a coin, the last at that time, one millisecond apart, with ids from tid on. */
static void say_trades(struct rig *rig, unsigned peer, const char *coin, unsigned n, int64_t last,
                       unsigned tid)
{
        struct buf text;

        buf_init(&text, 1u << 20);
        buf_puts(&text, "{\"channel\":\"trades\",\"data\":[");
        for (unsigned i = 0; i < n; i++)
                put_trade(&text, coin, "60000.5", last - n + 1 + i, tid + i);
        buf_puts(&text, "]}");
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer[peer], text.data, text.len), E_OK);
        buf_fini(&text);
}

static int64_t wall(const struct rig *rig)
{
        return clock_wall_ms(loop_clock(rig->loop));
}

static void test_past_trades(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc = market_topic(FEED_TRADES, "BTC");
        const struct told *rows;
        int64_t start;

        open_feed(rig);
        want(rig, btc);
        AWAIT(rig, FEED_LIVE, btc, 1);
        start = wall(rig);
        say_trades(rig, 0, "BTC", 30, start - 100, 1);
        rows = await(rig, FEED_TRADE_ROWS, btc, 1);
        assert_int_equal(rows->n, 30);
        assert_int_equal(rows->n_past, 30);
        assert_string_equal(rows->text, "BTC 60000.5");
        say_trades(rig, 0, "BTC", 2, start + 1000, 100);
        assert_int_equal(await(rig, FEED_TRADE_ROWS, btc, 2)->n_past, 0);
        say_trades(rig, 0, "BTC", 2, start + 1000, 100); /* the same frame again */
        assert_int_equal(await(rig, FEED_TRADE_ROWS, btc, 3)->n_past, 2);
        /* After a loss: what was seen before is past, however the clocks differ. */
        httpd_ws_close(rig->httpd, rig->peer[0], 1011, "");
        AWAIT(rig, FEED_LIVE, btc, 2);
        say_trades(rig, 1, "BTC", 30, start + 1000, 73);
        assert_int_equal(await(rig, FEED_TRADE_ROWS, btc, 4)->n_past, 30);
        say_trades(rig, 1, "BTC", 1, start + 1001, 200);
        assert_int_equal(await(rig, FEED_TRADE_ROWS, btc, 5)->n_past, 0);
}

/* The venue's clock may be hours before ours: what it says elsewhere tells so. */
static void test_past_by_the_venues_clock(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc = market_topic(FEED_TRADES, "BTC");
        struct feed_topic eth = market_topic(FEED_TRADES, "ETH");
        int64_t hour = 3600000;

        open_feed(rig);
        want(rig, eth);
        AWAIT(rig, FEED_LIVE, eth, 1);
        say_trades(rig, 0, "ETH", 1, wall(rig) + hour, 1);
        AWAIT(rig, FEED_TRADE_ROWS, eth, 1);
        want(rig, btc);
        AWAIT(rig, FEED_LIVE, btc, 1);
        say_trades(rig, 0, "BTC", 30, wall(rig) + hour - 1000, 100);
        assert_int_equal(await(rig, FEED_TRADE_ROWS, btc, 1)->n_past, 30);
}

/* A market that was never traded has no past: its first trade is new. */
static void test_first_trade_ever(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc = market_topic(FEED_TRADES, "BTC");

        open_feed(rig);
        want(rig, btc);
        AWAIT(rig, FEED_LIVE, btc, 1);
        say_trades(rig, 0, "BTC", 1, wall(rig) + 5, 1);
        assert_int_equal(await(rig, FEED_TRADE_ROWS, btc, 1)->n_past, 0);
}

static void test_many_trades_in_a_frame(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc = market_topic(FEED_TRADES, "BTC");

        open_feed(rig);
        want(rig, btc);
        AWAIT(rig, FEED_LIVE, btc, 1);
        say_trades(rig, 0, "BTC", 600, wall(rig) + 10000, 1);
        assert_int_equal(await(rig, FEED_TRADE_ROWS, btc, 3)->n, 600 - 2 * 256);
}

/* A trade that can't be read is one that was missed. */
static void test_bad_trade(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc = market_topic(FEED_TRADES, "BTC");

        open_feed(rig);
        want(rig, btc);
        want(rig, market_topic(FEED_TRADES, "ETH"));
        AWAIT(rig, FEED_LIVE, btc, 1);
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "ETH"), 1);
        say_to(rig, 0,
               "{\"channel\":\"trades\",\"data\":[{\"coin\":\"BTC\",\"side\":\"B\",\"px\":1,"
               "\"sz\":\"1\",\"time\":1,\"tid\":1,\"users\":[]}]}");
        AWAIT(rig, FEED_GAP, btc, 1);
        await_said(rig, "unsubscribe trades BTC", 1);
        AWAIT(rig, FEED_LIVE, btc, 2);
        assert_true(state_of(rig, market_topic(FEED_TRADES, "ETH")).is_live);
        assert_int_equal(rig->n_peers, 1);
        assert_int_equal(metric(rig, "perpgate_feed_resubscribes_total"), 1);
}

/* ---- Contexts ---------------------------------------------------------------------------------- */

#define CTX(mark)                                                                                  \
        "{\"funding\":\"0.0000125\",\"openInterest\":\"605822.2557999999\",\"oraclePx\":\"9.5\","  \
        "\"markPx\":" mark ",\"midPx\":\"9.25\"}"

static void test_contexts_by_place(void **state)
{
        static const struct feed_topic contexts = {.kind = FEED_CONTEXTS};
        struct rig *rig = *state;
        const struct told *rows;

        add_market(rig, "xyz:TSLA", 110000);
        add_market(rig, "xyz:GOLD", 110001);
        open_feed(rig);
        want(rig, contexts);
        await_said(rig, "subscribe allDexsAssetCtxs", 1);
        /* The second market is not traded; a new market and a new dex are not known yet. */
        say_to(rig, 0,
               "{\"channel\":\"allDexsAssetCtxs\",\"data\":{\"ctxs\":[[\"\",[" CTX("\"9\"") "," CTX("null") "," CTX(
                       "\"1\"") "]],[\"abc\",[" CTX("\"2\"") "]],[\"xyz\",[" CTX("\"3\"") "," CTX("\"4\"") "]]]}}");
        rows = await(rig, FEED_CONTEXT_ROWS, contexts, 1);
        assert_int_equal(rows->n, 1);
        assert_string_equal(rows->text, "BTC 9");
        rows = await(rig, FEED_CONTEXT_ROWS, contexts, 2);
        assert_int_equal(rows->n, 2);
        assert_string_equal(rows->text, "xyz:TSLA 3");
        /* A list shorter than what is known can't be told apart by place. */
        say_to(rig, 0,
               "{\"channel\":\"allDexsAssetCtxs\",\"data\":{\"ctxs\":[[\"xyz\",[" CTX(
                       "\"5\"") "]],[\"\",[" CTX("\"6\"") "," CTX("\"7\"") "]]]}}");
        rows = await(rig, FEED_CONTEXT_ROWS, contexts, 3);
        assert_string_equal(rows->text, "BTC 6");
        assert_int_equal(
                metric(rig, "perpgate_feed_ignored_frames_total{reason=\"notUnderstood\"}"), 1);
        assert_int_equal(metric(rig, "perpgate_feed_frames_total{channel=\"allDexsAssetCtxs\"}"),
                         2);
}

/* ---- Users ------------------------------------------------------------------------------------- */

#define FILL                                                                                       \
        "{\"coin\":\"BTC\",\"px\":\"83843.0\",\"sz\":\"0.31975\",\"side\":\"A\",\"time\":"         \
        "1790357129742,"                                                                           \
        "\"startPosition\":\"1.5\",\"dir\":\"Sell\",\"closedPnl\":\"86.62649561\",\"hash\":"       \
        "\"0x0\","                                                                                 \
        "\"oid\":556657630865,\"crossed\":true,\"fee\":\"18.01551309\",\"tid\":246814713305894,"   \
        "\"feeToken\":\"USDC\",\"twapId\":null}"

static void test_fills(void **state)
{
        struct rig *rig = *state;
        struct feed_topic fills = user_topic(FEED_USER_FILLS, 1);
        const struct told *rows;

        open_feed(rig);
        want(rig, fills);
        AWAIT(rig, FEED_LIVE, fills, 1);
        assert_int_equal(rig->told[0].kind, FEED_FILL_ROWS);
        assert_true(rig->told[0].is_snapshot); /* an empty one is told as well */
        say_to(rig, 0,
               "{\"channel\":\"userFills\",\"data\":{\"user\":\"" USER1 "\",\"fills\":[" FILL
               "]}}");
        rows = await(rig, FEED_FILL_ROWS, fills, 2);
        assert_int_equal(rows->n, 1);
        assert_false(rows->is_snapshot);
        assert_string_equal(rows->text, "BTC");
        say_to(rig, 0,
               "{\"channel\":\"userFills\",\"data\":{\"user\":\"" USER2 "\",\"fills\":[" FILL
               "]}}");
        say_to(rig, 0,
               "{\"channel\":\"userFills\",\"data\":{\"user\":\"" USER1 "\",\"fills\":[{}]}}");
        AWAIT(rig, FEED_GAP, fills, 1);
        AWAIT(rig, FEED_LIVE, fills, 2);
        assert_true(await(rig, FEED_FILL_ROWS, fills, 3)->is_snapshot);
        assert_int_equal(metric(rig, "perpgate_feed_ignored_frames_total{reason=\"notOurs\"}"), 1);
}

static void test_events(void **state)
{
        struct rig *rig = *state;
        struct feed_topic one = user_topic(FEED_USER_EVENTS, 1);
        struct feed_topic two = user_topic(FEED_USER_EVENTS, 2);
        const struct told *rows;

        open_feed(rig);
        want(rig, one);
        want(rig, two);
        AWAIT(rig, FEED_LIVE, one, 1);
        AWAIT(rig, FEED_LIVE, two, 1);
        say_to(rig, 0,
               "{\"channel\":\"userFundings\",\"data\":{\"user\":\"" USER2
               "\",\"fundings\":[{\"time\":1710000000123,\"coin\":\"BTC\",\"usdc\":\"-1.25\","
               "\"szi\":\"0.5\",\"fundingRate\":\"0.0001\",\"nSamples\":null}]}}");
        rows = await(rig, FEED_PAYMENT_ROWS, two, 2);
        assert_string_equal(rows->text, "-1.25");
        assert_false(rows->is_snapshot);
        /* Says whom by itself; what else the channel has does not, and is told by others. */
        say_to(rig, 0, "{\"channel\":\"user\",\"data\":{\"fills\":[" FILL "]}}");
        say_to(rig, 0,
               "{\"channel\":\"user\",\"data\":{\"liquidation\":{\"lid\":7,\"liquidator\":\"" USER2
               "\",\"liquidated_user\":\"" USER1
               "\",\"liquidated_ntl_pos\":\"5100.5\",\"liquidated_account_value\":\"12.3\"}}}");
        assert_string_equal(await(rig, FEED_LIQUIDATED, one, 1)->text, "5100.5");
        assert_int_equal(count_told(rig, FEED_LIQUIDATED, two), 0);
        say_to(rig, 0,
               "{\"channel\":\"user\",\"data\":{\"liquidation\":{\"lid\":8,\"liquidated_user\":"
               "\"" USER1 "\"}}}");
        AWAIT(rig, FEED_GAP, one, 1);
        assert_true(state_of(rig, two).is_live);
}

#define SUMMARY(value)                                                                             \
        "{\"accountValue\":\"" value                                                               \
        "\",\"totalNtlPos\":\"0.0\",\"totalRawUsd\":\"1.0\",\"totalMarginUsed\":\"0.0\"}"
#define STATE(value)                                                                               \
        "{\"marginSummary\":" SUMMARY(value) ",\"crossMarginSummary\":" SUMMARY(                   \
                value) ",\"crossMaintenanceMarginUsed\":\"0.0\",\"withdrawable\":\"1.0\","         \
                       "\"assetPositions\":[],"                                                    \
                       "\"time\":1790357129742}"

static void test_states(void **state)
{
        struct rig *rig = *state;
        struct feed_topic one = user_topic(FEED_USER_STATE, 1);

        open_feed(rig);
        want(rig, one);
        await_said(rig, "subscribe allDexsClearinghouseState 01", 1);
        say_to(rig, 0,
               "{\"channel\":\"allDexsClearinghouseState\",\"data\":{\"user\":\"" USER1
               "\",\"clearinghouseStates\":[[\"\"," STATE("100.5") "],[\"xyz\"," STATE(
                       "7.0") "]]}}");
        AWAIT(rig, FEED_LIVE, one, 1);
        assert_int_equal(rig->n_told, 3);
        assert_string_equal(rig->told[0].text, "100.5");
        assert_string_equal(rig->told[0].dex, "");
        assert_string_equal(rig->told[1].text, "7");
        assert_string_equal(rig->told[1].dex, "xyz");
        /* A dex that is not traded here need not be understood. */
        say_to(rig, 0,
               "{\"channel\":\"allDexsClearinghouseState\",\"data\":{\"user\":\"" USER1
               "\",\"clearinghouseStates\":[[\"\"," STATE("100.5") "],[\"abc\",7]]}}");
        AWAIT(rig, FEED_ACCOUNT, one, 3);
        /* What can't be read comes whole again: until then it is what it was. */
        say_to(rig, 0,
               "{\"channel\":\"allDexsClearinghouseState\",\"data\":{\"user\":\"" USER1
               "\",\"clearinghouseStates\":[[\"\",{}]]}}");
        say_to(rig, 0,
               "{\"channel\":\"allDexsClearinghouseState\",\"data\":{\"user\":\"" USER2
               "\",\"clearinghouseStates\":[]}}");
        settle(rig, 50);
        assert_true(state_of(rig, one).is_live);
        assert_int_equal(rig->n_told, 4);
        assert_int_equal(
                metric(rig, "perpgate_feed_ignored_frames_total{reason=\"notUnderstood\"}"), 1);
}

#define POSITION(coin)                                                                             \
        "{\"type\":\"oneWay\",\"position\":{\"coin\":\"" coin                                      \
        "\",\"szi\":\"0.001\",\"leverage\":{\"type\":\"isolated\",\"value\":10,\"rawUsd\":\"-75."  \
        "4\"},"                                                                                    \
        "\"entryPx\":\"83800.0\",\"positionValue\":\"83.8\",\"unrealizedPnl\":\"0.0\","            \
        "\"returnOnEquity\":\"0.0\",\"liquidationPx\":\"76000.1\",\"marginUsed\":\"8.38\","        \
        "\"maxLeverage\":40,\"cumFunding\":{\"sinceOpen\":\"0.0\"}}}"

/* A position or an order of another dex is not this account's. */
static void test_states_keep_dexes_apart(void **state)
{
        static const char *const positions[] = {POSITION("xyz:GOLD"), POSITION("BTC")};
        struct rig *rig = *state;
        struct feed_topic one = user_topic(FEED_USER_STATE, 1);

        open_feed(rig);
        want(rig, one);
        await_said(rig, "subscribe allDexsClearinghouseState 01", 1);
        for (size_t i = 0; i < 2; i++) {
                say_to(rig, 0,
                       "{\"channel\":\"allDexsClearinghouseState\",\"data\":{\"user\":\"" USER1
                       "\",\"clearinghouseStates\":[[\"\",{\"marginSummary\":" SUMMARY(
                               "5.0") ","
                                      "\"crossMarginSummary\":" SUMMARY(
                                              "5.0") ",\"crossMaintenanceMarginUsed\":"
                                                     "\"0.0\",\"withdrawable\":\"1.0\",\"time\":1,"
                                                     "\"assetPositions\":[%s]}]]}}",
                       positions[i]);
        }
        AWAIT(rig, FEED_LIVE, one, 1);
        assert_int_equal(count_told(rig, FEED_ACCOUNT, one), 1); /* the second */
        assert_int_equal(
                metric(rig, "perpgate_feed_ignored_frames_total{reason=\"notUnderstood\"}"), 1);
}

#define ORDER                                                                                      \
        "{\"coin\":\"BTC\",\"side\":\"B\",\"limitPx\":\"83000.0\",\"sz\":\"0.01\",\"oid\":"        \
        "5566963,"                                                                                 \
        "\"timestamp\":1790360256851,\"origSz\":\"0.01\"}"

static void test_orders(void **state)
{
        struct rig *rig = *state;
        struct feed_topic one = user_topic(FEED_USER_ORDERS, 1);
        struct feed_topic two = user_topic(FEED_USER_ORDERS, 2);
        unsigned peer_one, peer_two;

        rig->limits.connections = 2;
        open_feed(rig);
        want(rig, one);
        want(rig, two);
        AWAIT(rig, FEED_LIVE, one, 1);
        AWAIT(rig, FEED_LIVE, two, 1);
        peer_one = peer_that_said(rig, "subscribe orderUpdates 01");
        peer_two = peer_that_said(rig, "subscribe orderUpdates 02");
        say_to(rig, peer_one,
               "{\"channel\":\"orderUpdates\",\"data\":[{\"order\":" ORDER
               ",\"status\":\"open\",\"statusTimestamp\":1790360256851}]}");
        say_to(rig, peer_two,
               "{\"channel\":\"orderUpdates\",\"data\":[{\"order\":" ORDER
               ",\"status\":\"canceled\",\"statusTimestamp\":1},{\"order\":" ORDER
               ",\"status\":\"filled\",\"statusTimestamp\":1}]}");
        assert_string_equal(await(rig, FEED_ORDER_STATUS, one, 1)->text, "open");
        assert_string_equal(await(rig, FEED_ORDER_STATUS, two, 2)->text, "filled");
        assert_int_equal(count_told(rig, FEED_ORDER_STATUS, one), 1);
        say_to(rig, peer_that_said(rig, "subscribe openOrders 01"),
               "{\"channel\":\"openOrders\",\"data\":{\"dex\":\"\",\"user\":\"" USER1
               "\",\"orders\":[" ORDER "]}}");
        assert_string_equal(await(rig, FEED_ORDERS, one, 2)->text, "BTC");
}

/* ---- What is none of ours ---------------------------------------------------------------------- */

static void test_rubbish(void **state)
{
        static const char *const frames[] = {
                "Websocket connection established.",
                "[]",
                "null",
                "{\"channel\":7}",
                "{\"channel\":\"weather\",\"data\":{}}",
                "{\"channel\":\"trades\"}",
                "{\"channel\":\"trades\",\"data\":[]}",
                "{\"channel\":\"trades\",\"data\":[7]}",
                "{\"channel\":\"trades\",\"data\":[{\"coin\":\"ETH\"}]}",
                "{\"channel\":\"userFills\",\"data\":{\"user\":\"me\"}}",
                "{\"channel\":\"openOrders\",\"data\":{\"user\":\"" USER1 "\",\"dex\":7}}",
                "{\"channel\":\"orderUpdates\",\"data\":[]}",
                "{\"channel\":\"user\",\"data\":{\"liquidation\":{\"liquidated_user\":\"" USER1
                "\"}}}",
                "{\"channel\":\"subscriptionResponse\",\"data\":7}",
                "{\"channel\":\"subscriptionResponse\",\"data\":{\"method\":\"subscribe\","
                "\"subscription\":{\"type\":\"trades\",\"coin\":\"ETH\"}}}",
                "{\"channel\":\"error\",\"data\":\"Too many messages.\"}",
                "{\"channel\":\"error\",\"data\":\"Already subscribed: {\"}",
                "{\"channel\":\"error\",\"data\":\"Cannot track more than 15 total users.\"}",
                "{\"channel\":\"error\"}",
                "{\"channel\":\"pong\"}",
        };
        struct rig *rig = *state;
        struct feed_topic btc = market_topic(FEED_TRADES, "BTC");

        open_feed(rig);
        want(rig, btc);
        AWAIT(rig, FEED_LIVE, btc, 1);
        for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
                say_to(rig, 0, "%s", frames[i]);
        say_trades(rig, 0, "BTC", 1, wall(rig), 9);
        AWAIT(rig, FEED_TRADE_ROWS, btc, 1);
        assert_int_equal(rig->n_told, 2);
        assert_int_equal(metric(rig, "perpgate_feed_ignored_frames_total{reason=\"rubbish\"}"), 4);
        assert_int_equal(
                metric(rig, "perpgate_feed_ignored_frames_total{reason=\"unknownChannel\"}"), 1);
        assert_int_equal(metric(rig, "perpgate_feed_ignored_frames_total{reason=\"notOurs\"}"), 10);
        assert_int_equal(metric(rig, "perpgate_feed_ignored_frames_total{reason=\"error\"}"), 3);
}

/* Half a frame: nobody knows what was lost, so all that is on the connection may be missing something. */
static void test_half_a_frame(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc = market_topic(FEED_TRADES, "BTC");
        struct feed_topic eth = market_topic(FEED_TRADES, "ETH");

        open_feed(rig);
        want(rig, btc);
        want(rig, eth);
        AWAIT(rig, FEED_LIVE, btc, 1);
        AWAIT(rig, FEED_LIVE, eth, 1);
        say_to(rig, 0, "{\"channel\":\"trades\",\"data\":[{\"coin\":\"BT");
        AWAIT(rig, FEED_GAP, btc, 1);
        AWAIT(rig, FEED_GAP, eth, 1);
        await_peers(rig, 2);
        AWAIT(rig, FEED_LIVE, btc, 2);
        AWAIT(rig, FEED_LIVE, eth, 2);
        /* Again so soon: told at once, done about later. */
        say_to(rig, 1, "{\"channel\":\"trades\",\"data\":[{\"coin\":\"BT");
        AWAIT(rig, FEED_GAP, btc, 2);
        assert_int_equal(rig->n_peers, 2);
        await_peers(rig, 3);
        AWAIT(rig, FEED_LIVE, eth, 3);
}

/* Nothing of that size is a frame of ours: the connection goes, and the gap is told. */
static void test_giant_frame(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc = market_topic(FEED_TRADES, "BTC");
        size_t len = (8u << 20) + 1;
        char *giant = malloc(len);

        memset(giant, 'x', len);
        open_feed(rig);
        want(rig, btc);
        AWAIT(rig, FEED_LIVE, btc, 1);
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer[0], giant, len), E_OK);
        AWAIT(rig, FEED_GAP, btc, 1);
        AWAIT(rig, FEED_LIVE, btc, 2);
        free(giant);
}

/* "Already subscribed" is as good as an answer. */
static void test_already_subscribed(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc = market_topic(FEED_TRADES, "BTC");

        rig->is_mute = true;
        open_feed(rig);
        want(rig, btc);
        await_said(rig, "subscribe trades BTC", 1);
        say_to(rig, 0,
               "{\"channel\":\"error\",\"data\":\"Already subscribed: "
               "{\\\"type\\\":\\\"trades\\\",\\\"coin\\\":\\\"BTC\\\"}\"}");
        AWAIT(rig, FEED_LIVE, btc, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_past_trades),
                T(test_past_by_the_venues_clock),
                T(test_first_trade_ever),
                T(test_many_trades_in_a_frame),
                T(test_bad_trade),
                T(test_contexts_by_place),
                T(test_fills),
                T(test_events),
                T(test_states),
                T(test_states_keep_dexes_apart),
                T(test_orders),
                T(test_rubbish),
                T(test_half_a_frame),
                T(test_giant_frame),
                T(test_already_subscribed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
