/* The adapter over real sockets, against a small scripted server: markets, compiled actions whose
 * signer the server's side can recover, every way an answer can go wrong, the budget, closing. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/venue.h"
#include "loop/loop.h"

/* ---- The server: one request per connection, on a thread of its own ---- */

enum mode { GOOD, BAD_META, HTTP_429, HTTP_502, HTTP_422, RUBBISH, HANG_UP, SILENT };
#define HELD_MAX 64

static struct {
        pthread_t thread;
        pthread_mutex_t lock;
        int listener;
        uint16_t port;
        enum mode meta_mode;
        enum mode exchange_mode;
        enum mode info_mode;
        const char *exchange_answer;
        char exchange_body[16384]; /* the latest */
        unsigned n_meta, n_info, n_exchange;
        int held[HELD_MAX]; /* connections never answered */
        unsigned n_held;
} server;

static const char good_meta[] =
        "[{\"universe\":[{\"name\":\"BTC\",\"szDecimals\":5,\"maxLeverage\":40,\"marginTableId\":"
        "56},{\"name\":\"ETH\",\"szDecimals\":4,\"maxLeverage\":25,\"marginTableId\":25},"
        "{\"name\":\"ISO\",\"szDecimals\":0,\"maxLeverage\":3,\"marginTableId\":3,"
        "\"onlyIsolated\":true,\"marginMode\":\"strictIsolated\"}],\"marginTables\":[[56,{"
        "\"description\":\"\",\"marginTiers\":[{\"lowerBound\":\"0.0\",\"maxLeverage\":40},{"
        "\"lowerBound\":\"150000000.0\",\"maxLeverage\":20}]}]],\"collateralToken\":0},["
        "{\"markPx\":\"60000.0\",\"oraclePx\":\"60001.0\",\"midPx\":\"60000.5\",\"funding\":"
        "\"0.0000125\",\"openInterest\":\"1.0\",\"prevDayPx\":\"59000.0\",\"dayNtlVlm\":\"5.0\"},"
        "{\"markPx\":\"3000.0\",\"oraclePx\":\"3000.0\",\"midPx\":null,\"funding\":\"0.0\","
        "\"openInterest\":\"1.0\",\"prevDayPx\":\"1.0\",\"dayNtlVlm\":\"5.0\"},"
        "{\"markPx\":\"1.0\",\"oraclePx\":\"1.0\",\"midPx\":null,\"funding\":\"0.0\","
        "\"openInterest\":\"1.0\",\"prevDayPx\":\"1.0\",\"dayNtlVlm\":\"5.0\"}]]";

static const char resting[] = "{\"status\":\"ok\",\"response\":{\"type\":\"order\",\"data\":{"
                              "\"statuses\":[{\"resting\":{\"oid\":42}}]}}}";
static const char done_plain[] = "{\"status\":\"ok\",\"response\":{\"type\":\"default\"}}";

static const struct {
        const char *type;
        const char *answer;
} info_answers[] = {
        {"extraAgents",
         "[{\"name\":\"a\",\"address\":\"0x00000000000000000000000000000000000000a1\","
         "\"validUntil\":99999999999999},{\"name\":\"b\",\"address\":"
         "\"0x00000000000000000000000000000000000000a2\",\"validUntil\":5}]"},
        {"userRole",
         "{\"role\":\"agent\",\"data\":{\"user\":\"0x00000000000000000000000000000000000000ee\"}}"},
        {"maxBuilderFee", "25"},
        {"orderStatus", "{\"status\":\"unknownOid\"}"},
        {"frontendOpenOrders", "[]"},
        {"userFills", "[]"},
        {"recentTrades", "[{\"coin\":\"BTC\",\"side\":\"B\",\"px\":\"60000.0\",\"sz\":\"0.1\","
                         "\"time\":7,\"tid\":8}]"},
        {"l2Book", "{\"coin\":\"BTC\",\"time\":1,\"levels\":[[],[]]}"},
        {"userFees", "{\"userCrossRate\":\"0.00045\",\"userAddRate\":\"0.00015\"}"},
        {"activeAssetData", "{\"leverage\":{\"type\":\"isolated\",\"value\":10,\"rawUsd\":\"0.0\"},"
                            "\"availableToTrade\":[\"1.0\",\"2.0\"],\"markPx\":\"60000.0\"}"},
        {"clearinghouseState",
         "{\"marginSummary\":{\"accountValue\":\"9.0\",\"totalNtlPos\":\"0.0\",\"totalRawUsd\":"
         "\"9.0\",\"totalMarginUsed\":\"0.0\"},\"crossMarginSummary\":{\"accountValue\":\"9.0\","
         "\"totalNtlPos\":\"0.0\",\"totalRawUsd\":\"9.0\",\"totalMarginUsed\":\"0.0\"},"
         "\"crossMaintenanceMarginUsed\":\"0.0\",\"withdrawable\":\"9.0\",\"time\":3,"
         "\"assetPositions\":[]}"},
};

static void send_text(int fd, const char *status, const char *body)
{
        char *text = NULL;
        int n = asprintf(&text,
                         "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                         "Connection: close\r\n\r\n%s",
                         status, strlen(body), body);

        for (int sent = 0; sent < n;) {
                ssize_t k = send(fd, text + sent, (size_t)(n - sent), MSG_NOSIGNAL);

                if (k <= 0)
                        break;
                sent += (int)k;
        }
        free(text);
}

/* Returns true when the connection is to stay open unanswered. */
static bool answer(int fd, enum mode mode, const char *body)
{
        switch (mode) {
        case GOOD: send_text(fd, "200 OK", body); return false;
        case BAD_META: send_text(fd, "200 OK", "[{\"universe\":[]},[]]"); return false;
        case HTTP_429: send_text(fd, "429 Too Many Requests", "slow down"); return false;
        case HTTP_502: send_text(fd, "502 Bad Gateway", "<html>"); return false;
        case HTTP_422:
                send_text(fd, "422 Unprocessable Entity", "Failed to deserialize");
                return false;
        case RUBBISH: send_text(fd, "200 OK", "<html>oops</html>"); return false;
        case HANG_UP: return false;
        case SILENT: return true;
        }
        return false;
}

static bool serve_info(int fd, const char *body)
{
        if (strstr(body, "\"metaAndAssetCtxs\"")) {
                server.n_meta++;
                return answer(fd, server.meta_mode, good_meta);
        }
        server.n_info++;
        for (size_t i = 0; i < sizeof info_answers / sizeof *info_answers; i++) {
                if (strstr(body, info_answers[i].type))
                        return answer(fd, server.info_mode, info_answers[i].answer);
        }
        return answer(fd, HTTP_422, "");
}

/* Reads one whole request; false when the peer left first. */
static bool read_request(int fd, char *text, size_t cap)
{
        size_t len = 0;

        for (;;) {
                ssize_t n = recv(fd, text + len, cap - 1 - len, 0);
                const char *body;
                const char *length;

                if (n <= 0)
                        return false;
                len += (size_t)n;
                text[len] = '\0';
                body = strstr(text, "\r\n\r\n");
                length = strstr(text, "Content-Length: ");
                if (body && length &&
                    len >= (size_t)(body + 4 - text) + strtoul(length + 16, NULL, 10))
                        return true;
        }
}

static void serve(int fd)
{
        static char text[32768];
        const char *body;
        bool keep;

        if (!read_request(fd, text, sizeof text)) {
                (void)close(fd);
                return;
        }
        body = strstr(text, "\r\n\r\n") + 4;
        pthread_mutex_lock(&server.lock);
        if (strncmp(text, "POST /exchange ", 15) == 0) {
                server.n_exchange++;
                (void)snprintf(server.exchange_body, sizeof server.exchange_body, "%s", body);
                keep = answer(fd, server.exchange_mode, server.exchange_answer);
        } else {
                keep = serve_info(fd, body);
        }
        if (keep && server.n_held < HELD_MAX)
                server.held[server.n_held++] = fd;
        else
                (void)close(fd);
        pthread_mutex_unlock(&server.lock);
}

static void *server_run(void *arg)
{
        int fd;

        (void)arg;
        while ((fd = accept(server.listener, NULL, NULL)) >= 0)
                serve(fd);
        return NULL;
}

static void server_start(void)
{
        struct sockaddr_in addr = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof addr;

        memset(&server, 0, sizeof server);
        pthread_mutex_init(&server.lock, NULL);
        server.exchange_answer = resting;
        server.listener = socket(AF_INET, SOCK_STREAM, 0);
        assert_true(server.listener >= 0);
        assert_int_equal(bind(server.listener, (struct sockaddr *)&addr, sizeof addr), 0);
        assert_int_equal(listen(server.listener, 64), 0);
        assert_int_equal(getsockname(server.listener, (struct sockaddr *)&addr, &len), 0);
        server.port = ntohs(addr.sin_port);
        assert_int_equal(pthread_create(&server.thread, NULL, server_run, NULL), 0);
}

static void server_stop(void)
{
        (void)shutdown(server.listener, SHUT_RDWR);
        assert_int_equal(pthread_join(server.thread, NULL), 0);
        (void)close(server.listener);
        for (unsigned i = 0; i < server.n_held; i++)
                (void)close(server.held[i]);
}

static void server_set(enum mode *which, enum mode mode)
{
        pthread_mutex_lock(&server.lock);
        *which = mode;
        pthread_mutex_unlock(&server.lock);
}

static unsigned server_count(const unsigned *which)
{
        unsigned n;

        pthread_mutex_lock(&server.lock);
        n = *which;
        pthread_mutex_unlock(&server.lock);
        return n;
}

/* ---- The venue under test ---- */

static struct loop *loop;
static struct venue *venue;
static struct secp *secp;
static const uint8_t key[32] = {[31] = 9};
static struct addr signer;

static struct venue_options options(char *url, size_t cap)
{
        (void)snprintf(url, cap, "http://127.0.0.1:%u", server.port);
        return (struct venue_options){
                .kind = "hyperliquid",
                .base_url = url,
                .weight_per_minute = 100000,
                .order_reserve = 100,
                .order_deadline_ms = 5000,
                .read_deadline_ms = 5000,
                .contexts_every_ms = 20,
                .markets_every_ms = 1,
                .max_in_flight = 4,
        };
}

static void open_venue(const struct venue_options *o)
{
        struct err err = {0};

        venue = venue_open(loop, o, &err);
        if (!venue)
                fail_msg("%s", err.detail);
}

static bool turn_until(bool (*done)(void))
{
        for (unsigned i = 0; i < 20000; i++) {
                if (done())
                        return true;
                loop_turn(loop, 5);
        }
        return false;
}

static enum venue_health health(void)
{
        struct venue_status status;

        venue->ops->status(venue, &status);
        return status.health;
}

static bool is_up(void)
{
        return health() == VENUE_UP;
}

static bool is_degraded(void)
{
        return health() == VENUE_DEGRADED;
}

static bool is_down(void)
{
        return health() == VENUE_DOWN;
}

static int setup(void **state)
{
        char url[64];
        struct venue_options o;

        (void)state;
        server_start();
        loop = loop_new();
        secp = secp_new();
        assert_int_equal(secp_address(secp, &signer, key), 0);
        o = options(url, sizeof url);
        open_venue(&o);
        assert_true(turn_until(is_up));
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        if (venue)
                venue->ops->close(venue);
        venue = NULL;
        loop_free(loop);
        secp_free(secp);
        server_stop();
        return 0;
}

static void reopen(const struct venue_options *o)
{
        venue->ops->close(venue);
        open_venue(o);
}

/* ---- Submitting ---- */

static struct {
        unsigned n;
        enum venue_result result;
        struct err err;
        unsigned n_items;
        uint64_t oid;
} got;

static void on_outcome(void *cookie, const struct venue_outcome *outcome)
{
        (void)cookie;
        got.n++;
        got.result = outcome->result;
        got.err = outcome->err;
        got.n_items = outcome->n_items;
        got.oid = outcome->item[0].oid;
}

static bool has_outcome(void)
{
        return got.n > 0;
}

static struct venue_action limit_order(const char *price, const char *size)
{
        struct venue_action a = {.kind = VENUE_ORDER, .asset = 0, .u.order.n = 1};
        struct venue_order *o = &a.u.order.order[0];

        o->side = SIDE_BUY;
        o->tif = TIF_GTC;
        assert_int_equal(num_parse_px(&o->price, price, strlen(price)), 0);
        assert_int_equal(num_parse_qty(&o->size, size, strlen(size)), 0);
        o->cloid.b[15] = 1;
        return a;
}

static void submit(const struct venue_action *action, uint64_t nonce, uint64_t expires_after)
{
        struct venue_compiled compiled;
        struct signature sig;
        struct err err = {0};

        if (venue->ops->compile(venue, &compiled, action, nonce, expires_after, &err))
                fail_msg("%s", err.detail);
        assert_int_equal(secp_sign(secp, &sig, &compiled.digest, key), 0);
        memset(&got, 0, sizeof got);
        venue->ops->submit(venue, &compiled, &sig, on_outcome, NULL);
        assert_int_equal(got.n, 0); /* never before it returns */
        venue_compiled_fini(&compiled);
}

static void submit_and_wait(const struct venue_action *action)
{
        submit(action, 1790000000000, 0);
        assert_true(turn_until(has_outcome));
}

/* What the server received, parsed and recovered as a venue would. */
static json_t *recover_posted(struct hl_request *request, struct addr *by)
{
        json_t *body;

        pthread_mutex_lock(&server.lock);
        body = hl_raw_load(server.exchange_body, strlen(server.exchange_body), NULL);
        pthread_mutex_unlock(&server.lock);
        assert_non_null(body);
        assert_int_equal(hl_raw_request(request, body, NULL), 0);
        assert_int_equal(hl_raw_recover(secp, by, request, false), 0);
        return body;
}

static void a_signed_order_reaches_the_venue(void **state)
{
        struct venue_action a = limit_order("60000", "0.25");
        struct hl_request request;
        struct addr by;
        json_t *body;

        (void)state;
        a.u.order.has_builder = true;
        a.u.order.builder.b[19] = 0xb1;
        a.u.order.builder_fee_tenth_bp = 25;
        submit(&a, 1790000000001, 1790000015000);
        assert_true(turn_until(has_outcome));
        assert_int_equal(got.n, 1);
        assert_int_equal(got.result, VENUE_DONE);
        assert_int_equal(got.n_items, 1);
        assert_int_equal(got.oid, 42);
        body = recover_posted(&request, &by);
        assert_true(hex_addr_equal(&by, &signer));
        assert_int_equal(request.envelope.nonce, 1790000000001);
        assert_int_equal(request.envelope.expires_after, 1790000015000);
        assert_false(request.envelope.has_vault);
        assert_int_equal(json_integer_value(
                                 json_object_get(json_object_get(request.action, "builder"), "f")),
                         25);
        json_decref(body);
}

static void every_action_recovers_its_signer(void **state)
{
        struct venue_action lever = {
                .kind = VENUE_SET_LEVERAGE, .asset = 1, .u.leverage = {MARGIN_ISOLATED, 10}};
        struct venue_action margin = {
                .kind = VENUE_ADJUST_MARGIN, .asset = 1, .u.margin.amount = {-200 * NUM_SCALE}};
        struct venue_action legs = limit_order("60000", "0.25");
        struct venue_action cancel = {.kind = VENUE_CANCEL, .u.cancel.n = 1};
        const struct venue_action *actions[] = {&lever, &margin, &legs, &cancel};
        static const char *const types[] = {"updateLeverage", "updateIsolatedMargin", "order",
                                            "cancelByCloid"};

        (void)state;
        legs.u.order.n = 2;
        legs.u.order.legs_follow_parent = true;
        legs.u.order.order[1] = legs.u.order.order[0];
        legs.u.order.order[1].kind = ORDER_TRIGGER;
        legs.u.order.order[1].side = SIDE_SELL;
        legs.u.order.order[1].is_market = true;
        legs.u.order.order[1].trigger = TRIGGER_STOP_LOSS;
        legs.u.order.order[1].trigger_price = (struct px){55000 * NUM_SCALE};
        cancel.u.cancel.cancel[0].by_cloid = true;
        for (size_t i = 0; i < 4; i++) {
                struct hl_request request;
                struct addr by;
                json_t *body;

                submit_and_wait(actions[i]);
                body = recover_posted(&request, &by);
                assert_string_equal(request.type, types[i]);
                assert_true(hex_addr_equal(&by, &signer));
                json_decref(body);
        }
}

static void answers_end_in_three_words(void **state)
{
        static const struct {
                enum mode mode;
                enum venue_result result;
                enum errc code;
        } cases[] = {
                {GOOD, VENUE_DONE, E_OK},
                {HTTP_429, VENUE_REFUSED, E_RATE_LIMITED},
                {HTTP_422, VENUE_REFUSED, E_VENUE_REJECTED},
                {HTTP_502, VENUE_UNKNOWN, E_OUTCOME_UNKNOWN},
                {RUBBISH, VENUE_UNKNOWN, E_OUTCOME_UNKNOWN},
                {HANG_UP, VENUE_UNKNOWN, E_OUTCOME_UNKNOWN},
        };
        struct venue_action a = limit_order("60000", "0.25");

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                server_set(&server.exchange_mode, cases[i].mode);
                submit_and_wait(&a);
                assert_int_equal(got.result, cases[i].result);
                assert_int_equal(got.err.code, cases[i].code);
        }
        assert_int_equal(server_count(&server.n_exchange), sizeof cases / sizeof *cases);
}

static void silence_is_unknown_at_the_deadline(void **state)
{
        struct venue_action a = limit_order("60000", "0.25");
        char url[64];
        struct venue_options o = options(url, sizeof url);

        (void)state;
        o.order_deadline_ms = 50;
        reopen(&o);
        assert_true(turn_until(is_up));
        server_set(&server.exchange_mode, SILENT);
        submit_and_wait(&a);
        assert_int_equal(got.result, VENUE_UNKNOWN);
        assert_int_equal(server_count(&server.n_exchange), 1); /* and it was not sent again */
}

static void nothing_sent_is_refused(void **state)
{
        struct venue_action cancel = {.kind = VENUE_CANCEL, .u.cancel.n = 1};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in addr = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof addr;
        char url[64];
        struct venue_options o = options(url, sizeof url);

        (void)state;
        /* Bound and not listening: connections are refused. */
        assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(addr.sin_port));
        reopen(&o);
        submit_and_wait(&cancel);
        assert_int_equal(got.result, VENUE_REFUSED);
        assert_int_equal(got.err.code, E_VENUE_UNAVAILABLE);
        assert_int_equal(health(), VENUE_DOWN);
        (void)close(fd);
}

/* ---- Compiling ---- */

static enum errc compile_code(const struct venue_action *action, struct err *err)
{
        struct venue_compiled compiled;
        enum errc rc;

        *err = (struct err){0};
        rc = venue->ops->compile(venue, &compiled, action, 1, 0, err);
        venue_compiled_fini(&compiled);
        return rc;
}

static void invalid_values_name_the_nearest(void **state)
{
        struct venue_action a = limit_order("60000.5", "0.25");
        struct err err;

        (void)state;
        assert_int_equal(compile_code(&a, &err), E_TICK);
        assert_string_equal(err.hint, "The nearest valid prices are 60000 and 60001.");
        assert_string_equal(err.field[0].path, "price");
        a = limit_order("60000", "0.000001");
        assert_int_equal(compile_code(&a, &err), E_LOT);
        assert_string_equal(err.hint, "The nearest valid size is 0.00001.");
        a = limit_order("60000", "0");
        assert_int_equal(compile_code(&a, &err), E_LOT);
        a = limit_order("60000", "1.0000001");
        assert_int_equal(compile_code(&a, &err), E_LOT);
        assert_string_equal(err.hint, "The nearest valid sizes are 1 and 1.00001.");
}

static void impossible_actions_are_refused(void **state)
{
        struct venue_action lever = {
                .kind = VENUE_SET_LEVERAGE, .asset = 2, .u.leverage = {MARGIN_CROSS, 2}};
        struct venue_action margin = {.kind = VENUE_ADJUST_MARGIN, .asset = 0};
        struct venue_action order = limit_order("60000", "1");
        struct venue_action mixed = {.kind = VENUE_CANCEL, .u.cancel.n = 2};
        struct err err;

        (void)state;
        assert_int_equal(compile_code(&lever, &err), E_MARGIN_MODE);
        lever.u.leverage.mode = MARGIN_ISOLATED;
        lever.u.leverage.leverage = 4;
        assert_int_equal(compile_code(&lever, &err), E_LEVERAGE);
        lever.u.leverage.leverage = 0;
        assert_int_equal(compile_code(&lever, &err), E_LEVERAGE);
        lever.asset = 3;
        assert_int_equal(compile_code(&lever, &err), E_MARKET_NOT_OFFERED);
        assert_int_equal(compile_code(&margin, &err), E_INVALID);
        margin.u.margin.amount.v = 150; /* 1.5 millionths */
        assert_int_equal(compile_code(&margin, &err), E_INVALID);
        margin.asset = 2;
        margin.u.margin.amount.v = -NUM_SCALE;
        assert_int_equal(compile_code(&margin, &err), E_MARGIN_NOT_REMOVABLE);
        order.u.order.n = 0;
        assert_int_equal(compile_code(&order, &err), E_INVALID);
        order.u.order.n = 1;
        order.u.order.has_builder = true;
        order.u.order.builder_fee_tenth_bp = 101;
        assert_int_equal(compile_code(&order, &err), E_INVALID);
        mixed.u.cancel.cancel[1].by_cloid = true;
        assert_int_equal(compile_code(&mixed, &err), E_INVALID);
}

static void a_builder_without_a_fee_is_left_out(void **state)
{
        struct venue_action a = limit_order("60000", "1");
        struct venue_compiled compiled;

        (void)state;
        a.u.order.has_builder = true;
        assert_int_equal(venue->ops->compile(venue, &compiled, &a, 1, 0, NULL), 0);
        assert_null(strstr(buf_cstr(&compiled.body), "builder"));
        venue_compiled_fini(&compiled);
}

/* ---- Reads ---- */

static struct {
        unsigned n;
        enum errc code;
        int64_t value;
} read_;

static void take(const struct err *err, int64_t value)
{
        read_.n++;
        read_.code = err->code;
        read_.value = value;
}

static void on_number(void *cookie, const struct err *err, int64_t value)
{
        (void)cookie;
        take(err, value);
}

static void on_account(void *cookie, const struct err *err, struct venue_account *account)
{
        (void)cookie;
        take(err, account->withdrawable.v);
        if (account->position) { /* moved out, as a callee may */
                struct venue_account mine = *account;

                account->position = NULL;
                venue_account_fini(&mine);
        }
}

static void on_setting(void *cookie, const struct err *err, const struct venue_setting *s)
{
        (void)cookie;
        take(err, s->leverage);
}

static void on_orders(void *cookie, const struct err *err, const struct venue_open_order *orders,
                      size_t n)
{
        (void)cookie;
        (void)orders;
        take(err, (int64_t)n);
}

static void on_status(void *cookie, const struct err *err, const struct venue_order_status *s)
{
        (void)cookie;
        take(err, s->found);
}

static void on_fills(void *cookie, const struct err *err, const struct venue_fill *fills, size_t n)
{
        (void)cookie;
        (void)fills;
        take(err, (int64_t)n);
}

static void on_book(void *cookie, const struct err *err, const struct venue_book *book)
{
        (void)cookie;
        take(err, book->as_of);
}

static void on_trades(void *cookie, const struct err *err, const struct venue_trade *trades,
                      size_t n)
{
        (void)cookie;
        take(err, n > 0 ? trades[0].at : -1);
}

static void on_fees(void *cookie, const struct err *err, const struct venue_fees *fees)
{
        (void)cookie;
        take(err, fees->taker.v);
}

static bool has_read(void)
{
        return read_.n > 0;
}

static void expect_read(enum errc code, int64_t value)
{
        assert_int_equal(read_.n, 0);
        assert_true(turn_until(has_read));
        assert_int_equal(read_.n, 1);
        assert_int_equal(read_.code, code);
        if (!code)
                assert_int_equal(read_.value, value);
        memset(&read_, 0, sizeof read_);
}

static const struct addr user = {.b = {[19] = 0xee}};

static void reads_are_answered(void **state)
{
        const struct market *m = venue->ops->market_by_symbol(venue, "BTC");
        struct market btc;

        (void)state;
        assert_non_null(m);
        btc = *m;
        venue->ops->read_account(venue, &user, on_account, NULL);
        expect_read(E_OK, 9 * NUM_SCALE);
        venue->ops->read_setting(venue, &user, &btc, on_setting, NULL);
        expect_read(E_OK, 10);
        venue->ops->read_open_orders(venue, &user, on_orders, NULL);
        expect_read(E_OK, 0);
        venue->ops->lookup(venue, &user, &(struct cloid){.b = {1}}, 0, on_status, NULL);
        expect_read(E_OK, 0);
        venue->ops->lookup(venue, &user, NULL, 77, on_status, NULL);
        expect_read(E_OK, 0);
        venue->ops->read_fills(venue, &user, on_fills, NULL);
        expect_read(E_OK, 0);
        venue->ops->read_book(venue, &btc, on_book, NULL);
        expect_read(E_OK, 1);
        venue->ops->read_trades(venue, &btc, on_trades, NULL);
        expect_read(E_OK, 7);
        venue->ops->read_fees(venue, &user, on_fees, NULL);
        expect_read(E_OK, 450000000);
        venue->ops->read_builder_fee(venue, &user, &user, on_number, NULL);
        expect_read(E_OK, 25);
}

static void agents_are_found_named_and_unnamed(void **state)
{
        static const struct addr named = {.b = {[19] = 0xa1}};
        static const struct addr expired = {.b = {[19] = 0xa2}};
        static const struct addr unnamed = {.b = {[19] = 0xa3}};
        static const struct addr stranger = {.b = {[19] = 0x01}};

        (void)state;
        venue->ops->read_agent(venue, &user, &named, on_number, NULL);
        expect_read(E_OK, 1);
        venue->ops->read_agent(venue, &user, &expired, on_number, NULL);
        expect_read(E_OK, 0);
        venue->ops->read_agent(venue, &user, &unnamed, on_number, NULL);
        expect_read(E_OK, 1); /* userRole names the user */
        venue->ops->read_agent(venue, &stranger, &unnamed, on_number, NULL);
        expect_read(E_OK, 0); /* and it is not that one */
}

static void failed_reads_say_so(void **state)
{
        static const struct {
                enum mode mode;
                enum errc code;
        } cases[] = {
                {HTTP_502, E_VENUE_UNAVAILABLE}, {HTTP_422, E_VENUE_UNAVAILABLE},
                {RUBBISH, E_VENUE_UNAVAILABLE},  {HANG_UP, E_VENUE_UNAVAILABLE},
                {HTTP_429, E_RATE_LIMITED},
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                server_set(&server.info_mode, cases[i].mode);
                venue->ops->read_account(venue, &user, on_account, NULL);
                expect_read(cases[i].code, 0);
        }
}

/* ---- Markets ---- */

static unsigned meta_seen;

static bool two_more_polls(void)
{
        return server_count(&server.n_meta) >= meta_seen + 2;
}

static void a_bad_universe_replaces_nothing(void **state)
{
        (void)state;
        assert_int_equal(venue->ops->market_count(venue), 3);
        server_set(&server.meta_mode, BAD_META);
        meta_seen = server_count(&server.n_meta);
        assert_true(turn_until(two_more_polls));
        assert_true(turn_until(is_down));
        assert_int_equal(venue->ops->market_count(venue), 3);
        assert_non_null(venue->ops->market_by_symbol(venue, "ETH"));
        server_set(&server.meta_mode, GOOD);
        assert_true(turn_until(is_up));
}

static void a_failed_poll_degrades_first(void **state)
{
        struct venue_status status;

        (void)state;
        server_set(&server.meta_mode, HTTP_502);
        assert_true(turn_until(is_degraded));
        venue->ops->status(venue, &status);
        assert_true(status.reason[0] != '\0');
        assert_true(status.contexts_at > 0);
        assert_true(turn_until(is_down));
}

static void markets_carry_rules_and_context(void **state)
{
        const struct market *m = venue->ops->market_by_symbol(venue, "BTC");
        struct px p = {6000050 * (NUM_SCALE / 100)};

        (void)state;
        assert_int_equal(m->mark.v, 60000 * NUM_SCALE);
        assert_true(m->context_at > 0 && m->has_mid);
        assert_int_equal(venue->ops->round_price(m, &p, NUM_UP), 0);
        assert_int_equal(p.v, 60001 * NUM_SCALE);
        m = venue->ops->market_by_symbol(venue, "ISO");
        assert_false(m->cross_allowed || m->margin_removable);
        assert_null(venue->ops->market_by_symbol(venue, "NONE"));
        assert_ptr_equal(venue->ops->market_at(venue, 2), m);
        assert_string_equal(venue->ops->caps(venue)->network, "Testnet");
}

/* ---- Budget ---- */

static void orders_pass_when_reads_must_wait(void **state)
{
        struct venue_action cancel = {.kind = VENUE_CANCEL, .u.cancel.n = 1};
        char url[64];
        struct venue_options o = options(url, sizeof url);

        (void)state;
        o.weight_per_minute = 40; /* one poll, then the reserve alone */
        o.order_reserve = 20;
        o.read_deadline_ms = 40;
        o.contexts_every_ms = 1000000;
        server.exchange_answer = "{\"status\":\"ok\",\"response\":{\"type\":\"cancel\",\"data\":{"
                                 "\"statuses\":[\"success\"]}}}";
        reopen(&o);
        assert_true(turn_until(is_up));
        venue->ops->read_account(venue, &user, on_account, NULL);
        expect_read(E_RATE_LIMITED, 0);
        submit_and_wait(&cancel);
        assert_int_equal(got.result, VENUE_DONE);
        assert_int_equal(server_count(&server.n_info), 0);
}

static void too_many_waiting_reads_are_refused(void **state)
{
        char url[64];
        struct venue_options o = options(url, sizeof url);

        (void)state;
        o.weight_per_minute = 40;
        o.order_reserve = 20;
        o.contexts_every_ms = 1000000;
        reopen(&o);
        assert_true(turn_until(is_up));
        memset(&read_, 0, sizeof read_);
        for (unsigned i = 0; i < 300; i++)
                venue->ops->read_account(venue, &user, on_account, NULL);
        assert_int_equal(read_.n, 0);
        assert_true(turn_until(has_read));
        assert_int_equal(read_.n, 300 - 256);
        assert_int_equal(read_.code, E_RATE_LIMITED);
        venue->ops->close(venue); /* the others are told now */
        venue = NULL;
        assert_int_equal(read_.n, 300);
        assert_int_equal(read_.code, E_VENUE_UNAVAILABLE);
        memset(&read_, 0, sizeof read_);
}

/* ---- Approvals ---- */

static void approve(const struct venue_approval *approval, const char *type)
{
        struct buf typed;
        struct hash32 digest;
        struct signature sig;
        struct hl_request request;
        struct eip712_result result;
        struct addr by;
        json_t *data;
        json_t *body;

        buf_init(&typed, 65536);
        assert_int_equal(venue->ops->approval_prepare(venue, &typed, &digest, approval), 0);
        data = hl_raw_load((const char *)typed.data, typed.len, NULL);
        assert_non_null(data);
        assert_int_equal(
                json_array_size(json_object_get(json_object_get(data, "types"), "EIP712Domain")),
                4);
        assert_non_null(json_object_get(json_object_get(data, "types"),
                                        json_string_value(json_object_get(data, "primaryType"))));
        assert_int_equal(json_object_size(json_object_get(data, "message")), 4);
        assert_int_equal(secp_sign(secp, &sig, &digest, key), 0);
        memset(&got, 0, sizeof got);
        venue->ops->approval_submit(venue, approval, &sig, on_outcome, NULL);
        assert_int_equal(got.n, 0);
        assert_true(turn_until(has_outcome));
        assert_int_equal(got.result, VENUE_DONE);
        body = recover_posted(&request, &by);
        assert_string_equal(request.type, type);
        assert_true(hex_addr_equal(&by, &signer));
        assert_int_equal(hl_raw_user_digest(&result, request.action, NULL), 0);
        assert_memory_equal(result.digest.b, digest.b, 32);
        json_decref(body);
        json_decref(data);
        buf_fini(&typed);
}

static void approvals_are_typed_data_and_action(void **state)
{
        struct venue_approval agent = {.kind = APPROVE_AGENT,
                                       .chain_id = 42161,
                                       .nonce = 1790000000003,
                                       .agent.b[19] = 0xc3,
                                       .name = "perp\"gate valid_until 1799999999999"};
        struct venue_approval builder = {.kind = APPROVE_BUILDER_FEE,
                                         .chain_id = 0x66eee,
                                         .nonce = 1790000000004,
                                         .builder.b[19] = 0xb1,
                                         .builder_fee_tenth_bp = 25};
        struct buf typed;
        struct hash32 digest;

        (void)state;
        server.exchange_answer = done_plain;
        approve(&agent, "approveAgent");
        approve(&builder, "approveBuilderFee");
        pthread_mutex_lock(&server.lock);
        assert_non_null(strstr(server.exchange_body, "\"maxFeeRate\":\"0.025%\""));
        pthread_mutex_unlock(&server.lock);
        buf_init(&typed, 65536);
        builder.builder_fee_tenth_bp = 1001;
        assert_int_equal(venue->ops->approval_prepare(venue, &typed, &digest, &builder), E_INVALID);
        buf_fini(&typed);
}

static void a_wallet_without_money_is_told(void **state)
{
        struct venue_approval agent = {.kind = APPROVE_AGENT, .chain_id = 1, .nonce = 1};
        struct signature sig = {.v = 27};

        (void)state;
        server.exchange_answer =
                "{\"status\":\"err\",\"response\":\"Must deposit before performing "
                "actions. User: 0x00\"}";
        memset(&got, 0, sizeof got);
        venue->ops->approval_submit(venue, &agent, &sig, on_outcome, NULL);
        assert_true(turn_until(has_outcome));
        assert_int_equal(got.result, VENUE_REFUSED);
        assert_int_equal(got.err.code, E_MARGIN);
}

/* ---- Life ---- */

static void closing_tells_everybody_once(void **state)
{
        struct venue_action a = limit_order("60000", "0.25");

        (void)state;
        server_set(&server.exchange_mode, SILENT);
        server_set(&server.info_mode, SILENT);
        submit(&a, 1, 0);
        memset(&read_, 0, sizeof read_);
        venue->ops->read_account(venue, &user, on_account, NULL);
        for (unsigned i = 0; i < 20; i++)
                loop_turn(loop, 1);
        venue->ops->close(venue);
        venue = NULL;
        assert_int_equal(got.n, 1);
        assert_true(got.result == VENUE_UNKNOWN || got.result == VENUE_REFUSED);
        assert_int_equal(read_.n, 1);
        assert_int_equal(read_.code, E_VENUE_UNAVAILABLE);
        memset(&read_, 0, sizeof read_);
}

static void bad_options_are_refused(void **state)
{
        char url[64];
        struct venue_options o = options(url, sizeof url);
        struct err err = {0};

        (void)state;
        o.kind = "nasdaq";
        assert_null(venue_open(loop, &o, &err));
        assert_int_equal(err.code, E_CONFIG);
        o = options(url, sizeof url);
        o.base_url = "ftp://x";
        assert_null(venue_open(loop, &o, NULL));
        o.base_url = "http://x/";
        assert_null(venue_open(loop, &o, NULL));
        o.base_url = NULL;
        assert_null(venue_open(loop, &o, NULL));
        o = options(url, sizeof url);
        o.order_reserve = o.weight_per_minute;
        assert_null(venue_open(loop, &o, NULL));
        o = options(url, sizeof url);
        o.order_deadline_ms = 0;
        assert_null(venue_open(loop, &o, NULL));
        o = options(url, sizeof url);
        o.contexts_every_ms = 0;
        assert_null(venue_open(loop, &o, NULL));
}

static void metrics_count_what_happened(void **state)
{
        struct venue_action a = limit_order("60000", "0.25");
        struct buf out;

        (void)state;
        server_set(&server.exchange_mode, HTTP_502);
        submit_and_wait(&a);
        server_set(&server.exchange_mode, GOOD);
        server.exchange_answer = "{\"status\":\"err\",\"response\":\"Brand new\"}";
        submit_and_wait(&a);
        buf_init(&out, 65536);
        venue->ops->metrics(venue, &out);
        assert_int_equal(buf_check(&out), 0);
        assert_non_null(strstr(
                buf_cstr(&out),
                "perpgate_venue_requests_total{kind=\"exchange\",result=\"http_other\"} 1\n"));
        assert_non_null(strstr(buf_cstr(&out), "perpgate_venue_unknown_errors_total 1\n"));
        assert_non_null(strstr(buf_cstr(&out), "perpgate_venue_markets 3\n"));
        assert_non_null(strstr(buf_cstr(&out), "perpgate_venue_weight_left "));
        buf_fini(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(markets_carry_rules_and_context),     TEST(a_signed_order_reaches_the_venue),
                TEST(every_action_recovers_its_signer),    TEST(answers_end_in_three_words),
                TEST(silence_is_unknown_at_the_deadline),  TEST(nothing_sent_is_refused),
                TEST(invalid_values_name_the_nearest),     TEST(impossible_actions_are_refused),
                TEST(a_builder_without_a_fee_is_left_out), TEST(reads_are_answered),
                TEST(agents_are_found_named_and_unnamed),  TEST(failed_reads_say_so),
                TEST(a_bad_universe_replaces_nothing),     TEST(a_failed_poll_degrades_first),
                TEST(orders_pass_when_reads_must_wait),    TEST(too_many_waiting_reads_are_refused),
                TEST(approvals_are_typed_data_and_action), TEST(a_wallet_without_money_is_told),
                TEST(closing_tells_everybody_once),        TEST(bad_options_are_refused),
                TEST(metrics_count_what_happened),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
