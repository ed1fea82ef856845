#include "hl_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct hl_server hl_server;

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
        {"candleSnapshot",
         "[{\"t\":60000,\"T\":119999,\"s\":\"BTC\",\"i\":\"1m\",\"o\":\"1\",\"c\":\"1\","
         "\"h\":\"2\",\"l\":\"1\",\"v\":\"3\",\"n\":4}]"},
        {"fundingHistory", "[{\"coin\":\"BTC\",\"fundingRate\":\"0.0000125\",\"premium\":\"0.0\","
                           "\"time\":5}]"},
        {"userFillsByTime",
         "[{\"coin\":\"BTC\",\"px\":\"60000.0\",\"sz\":\"0.1\",\"side\":\"B\",\"time\":9,\"dir\":"
         "\"Open Long\",\"closedPnl\":\"0.0\",\"oid\":1,\"crossed\":true,\"fee\":\"2.7\",\"tid\":3,"
         "\"feeToken\":\"USDC\"}]"},
        {"userFunding",
         "[{\"time\":6,\"hash\":\"0x0\",\"delta\":{\"type\":\"funding\",\"coin\":\"ETH\","
         "\"usdc\":\"-1.5\",\"szi\":\"1\",\"fundingRate\":\"0.1\"}}]"},
        {"userNonFundingLedgerUpdates",
         "[{\"time\":7,\"hash\":\"0x1\",\"delta\":{\"type\":\"deposit\",\"usdc\":\"10.0\"}}]"},
        {"userFills", "[]"}, /* behind the longer name: found by its text */
        {"historicalOrders", "[]"},
        {"userRateLimit", "{\"cumVlm\":\"12.5\",\"nRequestsUsed\":7,\"nRequestsCap\":10012}"},
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

static const char dexes[] =
        "[null,{\"name\":\"abc\"},{\"name\":\"xyz\",\"deployerFeeScale\":\"0.5\"}]";

static const char tokens[] =
        "{\"universe\":[],\"tokens\":[{\"name\":\"USDC\",\"index\":0,\"tokenId\":\"0x00\"},"
        "{\"name\":\"USDX\",\"index\":7,\"tokenId\":\"0x77\"}]}";

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
static bool answer(int fd, enum server_mode mode, const char *body)
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
                if (strstr(body, "\"dex\"")) {
                        hl_server.n_dex_meta++;
                        return answer(fd, hl_server.dex_meta_mode, hl_server.dex_meta_answer);
                }
                hl_server.n_meta++;
                return answer(fd, hl_server.meta_mode, good_meta);
        }
        if (strstr(body, "\"perpDexs\"")) {
                hl_server.n_dexes++;
                return answer(fd, hl_server.dexes_mode, hl_server.dexes_answer);
        }
        if (strstr(body, "\"spotMeta\"")) {
                hl_server.n_tokens++;
                return answer(fd, hl_server.dexes_mode, tokens);
        }
        hl_server.n_info++;
        (void)snprintf(hl_server.info_body, sizeof hl_server.info_body, "%s", body);
        if (hl_server.info_answer)
                return answer(fd, hl_server.info_mode, hl_server.info_answer);
        for (size_t i = 0; i < sizeof info_answers / sizeof *info_answers; i++) {
                if (strstr(body, info_answers[i].type))
                        return answer(fd, hl_server.info_mode, info_answers[i].answer);
        }
        return answer(fd, HTTP_422, "");
}

/* ---- The node ---- */

static const char state[] =
        "{\"marginSummary\":{\"accountValue\":\"8.0\",\"totalNtlPos\":\"0.0\",\"totalRawUsd\":"
        "\"8.0\",\"totalMarginUsed\":\"0.0\"},\"crossMarginSummary\":{\"accountValue\":\"8.0\","
        "\"totalNtlPos\":\"0.0\",\"totalRawUsd\":\"8.0\",\"totalMarginUsed\":\"0.0\"},"
        "\"crossMaintenanceMarginUsed\":\"0.0\",\"withdrawable\":\"8.0\",\"time\":3,"
        "\"assetPositions\":[]}";

static bool answer_status(int fd)
{
        char text[64];
        struct timespec at;

        hl_server.n_status++;
        (void)clock_gettime(CLOCK_REALTIME, &at);
        (void)snprintf(text, sizeof text, "{\"time\":%lld,\"specialStatuses\":null}",
                       (long long)at.tv_sec * 1000 + at.tv_nsec / 1000000 - hl_server.node_lag_ms);
        return answer(fd, hl_server.status_mode, text);
}

/* A pair for each address of the request, in the wrong order. */
static bool answer_batch(int fd, const char *body)
{
        static char text[65536];
        size_t len = 0;
        const char *at = body + strlen(body);

        hl_server.n_batch++;
        if (hl_server.batch_answer)
                return answer(fd, hl_server.node_mode, hl_server.batch_answer);
        len += (size_t)snprintf(text, sizeof text, "{\"successful_states\":[");
        while (at-- > body)
                if (strncmp(at, "\"0x", 3) == 0)
                        len += (size_t)snprintf(text + len, sizeof text - len, "%s[%.44s,%s]",
                                                text[len - 1] == '[' ? "" : ",", at, state);
        (void)snprintf(text + len, sizeof text - len, "],\"failed_wallets\":[]}");
        return answer(fd, hl_server.node_mode, text);
}

static bool serve_node(int fd, const char *body)
{
        if (strstr(body, "\"exchangeStatus\""))
                return answer_status(fd);
        hl_server.n_node++;
        (void)snprintf(hl_server.node_body, sizeof hl_server.node_body, "%s", body);
        if (strstr(body, "\"batchClearinghouseStates\""))
                return answer_batch(fd, body);
        if (strstr(body, "\"clearinghouseState\""))
                return answer(fd, hl_server.node_mode, state);
        return answer(fd, hl_server.node_mode, "[]");
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
        pthread_mutex_lock(&hl_server.lock);
        if (strncmp(text, "POST /exchange ", 15) == 0) {
                hl_server.n_exchange++;
                (void)snprintf(hl_server.exchange_body, sizeof hl_server.exchange_body, "%s", body);
                keep = answer(fd, hl_server.exchange_mode, hl_server.exchange_answer);
        } else if (strncmp(text, "POST /node/info ", 16) == 0) {
                keep = serve_node(fd, body);
        } else {
                keep = serve_info(fd, body);
        }
        if (keep && hl_server.n_held < HELD_MAX)
                hl_server.held[hl_server.n_held++] = fd;
        else
                (void)close(fd);
        pthread_mutex_unlock(&hl_server.lock);
}

static void *server_run(void *arg)
{
        int fd;

        (void)arg;
        while ((fd = accept(hl_server.listener, NULL, NULL)) >= 0)
                serve(fd);
        return NULL;
}

void hl_server_start(void)
{
        struct sockaddr_in addr = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof addr;

        memset(&hl_server, 0, sizeof hl_server);
        pthread_mutex_init(&hl_server.lock, NULL);
        hl_server.exchange_answer = resting;
        hl_server.dexes_answer = dexes;
        hl_server.listener = socket(AF_INET, SOCK_STREAM, 0);
        assert_true(hl_server.listener >= 0);
        assert_int_equal(bind(hl_server.listener, (struct sockaddr *)&addr, sizeof addr), 0);
        assert_int_equal(listen(hl_server.listener, 64), 0);
        assert_int_equal(getsockname(hl_server.listener, (struct sockaddr *)&addr, &len), 0);
        hl_server.port = ntohs(addr.sin_port);
        assert_int_equal(pthread_create(&hl_server.thread, NULL, server_run, NULL), 0);
}

void hl_server_stop(void)
{
        (void)shutdown(hl_server.listener, SHUT_RDWR);
        assert_int_equal(pthread_join(hl_server.thread, NULL), 0);
        (void)close(hl_server.listener);
        for (unsigned i = 0; i < hl_server.n_held; i++)
                (void)close(hl_server.held[i]);
}

void hl_server_set(enum server_mode *which, enum server_mode mode)
{
        pthread_mutex_lock(&hl_server.lock);
        *which = mode;
        pthread_mutex_unlock(&hl_server.lock);
}

unsigned hl_server_count(const unsigned *which)
{
        unsigned n;

        pthread_mutex_lock(&hl_server.lock);
        n = *which;
        pthread_mutex_unlock(&hl_server.lock);
        return n;
}

void hl_server_answer_exchange(const char *answer)
{
        pthread_mutex_lock(&hl_server.lock);
        hl_server.exchange_answer = answer;
        pthread_mutex_unlock(&hl_server.lock);
}

void hl_server_answer_dexes(const char *answer)
{
        pthread_mutex_lock(&hl_server.lock);
        hl_server.dexes_answer = answer;
        pthread_mutex_unlock(&hl_server.lock);
}

void hl_server_answer_dex(const char *markets, unsigned n, unsigned collateral)
{
        static const char context[] =
                "{\"markPx\":\"400.0\",\"oraclePx\":\"400.0\",\"midPx\":null,\"funding\":\"0.0\","
                "\"openInterest\":\"1.0\",\"prevDayPx\":\"1.0\",\"dayNtlVlm\":\"5.0\"}";
        char *out = hl_server.dex_meta_answer;
        size_t cap = sizeof hl_server.dex_meta_answer;
        size_t len;

        pthread_mutex_lock(&hl_server.lock);
        len = (size_t)snprintf(out, cap,
                               "[{\"universe\":[%s],\"marginTables\":[],\"collateralToken\":%u},[",
                               markets, collateral);
        for (unsigned i = 0; i < n; i++)
                len += (size_t)snprintf(out + len, cap - len, "%s%s", i ? "," : "", context);
        len += (size_t)snprintf(out + len, cap - len, "]]");
        assert_true(len < cap);
        pthread_mutex_unlock(&hl_server.lock);
}

void hl_server_answer_info(const char *answer)
{
        pthread_mutex_lock(&hl_server.lock);
        hl_server.info_answer = answer;
        pthread_mutex_unlock(&hl_server.lock);
}

void hl_server_answer_batch(const char *text)
{
        pthread_mutex_lock(&hl_server.lock);
        hl_server.batch_answer = text;
        pthread_mutex_unlock(&hl_server.lock);
}

void hl_server_set_lag(int64_t ms)
{
        pthread_mutex_lock(&hl_server.lock);
        hl_server.node_lag_ms = ms;
        pthread_mutex_unlock(&hl_server.lock);
}
