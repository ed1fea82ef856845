/* What an order costs the gateway, beside the least it could cost.
 *
 * The floor is measured first, in this process: building, hashing and signing one order with
 * libsecp256k1. Then a gateway and a paper venue run as processes of their own; traders place orders
 * through the gateway's HTTP API over kept connections, and the gateway's own CPU time is read from
 * the kernel before and after. The ratio of the two, from one run, is the result.
 *
 * Usage: bench_order FOLDER-WITH-PROGRAMS [ORDERS] [CONNECTIONS] */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adapters/hyperliquid/hl_action.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"
#include "sign/secp.h"
#include "story/client.h"

#define FLOOR_ROUNDS  5000
#define TRADERS_MAX   64
#define ANSWER_MAX    65536
#define STALL_SECONDS 20

static int64_t cpu_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t wall_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* CPU time of another process so far. */
static int64_t process_cpu_ns(int pid)
{
        clockid_t id;
        struct timespec t;

        if (clock_getcpuclockid(pid, &id) || clock_gettime(id, &t))
                client_fail("the gateway's CPU time can't be read");
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* --- the floor --- */

static int64_t floor_ns(const struct secp *secp)
{
        struct hl_order order = {.asset = 0,
                                 .is_buy = true,
                                 .price = {INT64_C(5000000000000)},
                                 .size = {100000},
                                 .tif = HL_TIF_GTC,
                                 .has_cloid = true};
        struct hl_action action = {.type = HL_ORDER};
        struct hl_envelope envelope = {.has_expires_after = true,
                                       .expires_after = UINT64_C(1790000060000)};
        unsigned char key[32] = {0};
        struct signature sig;
        struct hash32 digest;
        struct buf scratch;

        action.u.order.orders = &order;
        action.u.order.n = 1;
        key[31] = 7;
        buf_init(&scratch, 65536);
        int64_t began = cpu_ns();
        for (uint64_t i = 0; i < FLOOR_ROUNDS; i++) {
                envelope.nonce = UINT64_C(1790000000000) + i;
                if (hl_l1_digest(&digest, &scratch, &action, &envelope, true) ||
                    secp_sign(secp, &sig, &digest, key))
                        client_fail("the floor can't be measured");
        }
        int64_t spent = cpu_ns() - began;
        buf_fini(&scratch);
        return spent / FLOOR_ROUNDS;
}

/* --- the programs --- */

struct site {
        struct world world;
        int paper_pid, paper_out;
        char dir[64];
};

static void write_file(const char *path, mode_t mode, const char *text)
{
        FILE *f = fopen(path, "w");

        if (!f || fputs(text, f) < 0 || fclose(f) || chmod(path, mode))
                client_fail("%s: %s", path, strerror(errno));
}

/* A configuration without the limits that would stop a benchmark. */
static void write_site(struct site *site)
{
        char path[128], text[2048];

        text_copy(site->dir, sizeof site->dir, "/tmp/perpgate-bench-XXXXXX");
        if (!mkdtemp(site->dir))
                client_fail("mkdtemp: %s", strerror(errno));
        snprintf(path, sizeof path, "%s/bench", site->dir);
        mkdir(path, 0700);
        snprintf(path, sizeof path, "%s/bench/brand.yaml", site->dir);
        write_file(path, 0600,
                   "name: Bench\ntagline: A brand to measure with.\nhosts: [bench.localhost]\n"
                   "tls: false\n"
                   "theme: {primary: \"#000000\", background: \"#ffffff\", text: \"#000000\", "
                   "accent: \"#000000\", mode: light, font: sans-serif}\nlogo: logo.svg\n"
                   "margin: {defaultMode: isolated, modes: [isolated, cross]}\nmarkets: all\n"
                   "terms: {version: \"1\", url: \"https://bench.example/terms\", "
                   "required: false}\nsignIn: {chains: [1], statement: Sign in to Bench.}\n"
                   "requestsPerMinute: 1000000\n");
        snprintf(path, sizeof path, "%s/bench/logo.svg", site->dir);
        write_file(path, 0600, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n");
        snprintf(path, sizeof path, "%s/key", site->dir);
        write_file(path, 0600,
                   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
        snprintf(path, sizeof path, "%s/gateway.yaml", site->dir);
        snprintf(text, sizeof text,
                 "listen:\n  public: {port: 0}\n  admin: {port: 0}\n"
                 "limits: {maxConnectionsPerAddress: 0}\n"
                 "venue: {baseUrl: \"%s\", network: mainnet, weightPerMinute: 10000000, "
                 "orderReserve: 1000}\nstore: {dataDir: .}\nkeys: {masterKeyFile: key}\n"
                 "log: {level: error}\nbrands: [bench]\n",
                 site->world.paper);
        write_file(path, 0600, text);
}

static void open_site(struct site *site, const char *programs)
{
        char paper[512], gateway[512], config[128];
        const char *const paper_argv[] = {paper, "--port", "0", NULL};
        const char *const gateway_argv[] = {gateway, "--config", config, NULL};
        json_t *ready;

        snprintf(paper, sizeof paper, "%s/perpgate-paper", programs);
        snprintf(gateway, sizeof gateway, "%s/perpgate", programs);
        ready = client_spawn(&site->paper_pid, &site->paper_out, paper_argv);
        text_copy(site->world.paper, sizeof site->world.paper,
                  json_string_value(json_object_get(ready, "url")));
        json_decref(ready);
        write_site(site);
        snprintf(config, sizeof config, "%s/gateway.yaml", site->dir);
        ready = client_spawn(&site->world.pid, &site->world.out, gateway_argv);
        text_copy(site->world.http, sizeof site->world.http,
                  json_string_value(json_object_get(ready, "http")));
        json_decref(ready);
}

static void close_site(struct site *site)
{
        static const char *const files[] = {
                "bench/brand.yaml", "bench/logo.svg", "bench",           "key",
                "gateway.yaml",     "perpgate.db",    "perpgate.db-wal", "perpgate.db-shm"};
        char path[128];

        client_end(site->world.pid, site->world.out);
        client_end(site->paper_pid, site->paper_out);
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
                snprintf(path, sizeof path, "%s/%s", site->dir, files[i]);
                remove(path);
        }
        remove(site->dir);
}

/* --- the traders --- */

static void prepare(struct trader *t, const struct site *site, const struct secp *secp)
{
        char signature[133];
        json_t *a, *b;

        client_trader(t, &site->world, secp, "bench.localhost");
        json_decref(
                client_paper(t->world, "/paper/faucet",
                             json_pack("{s:s,s:s}", "user", t->address_text, "amount", "1000000")));
        a = client_must(t, "POST", "/v1/auth/challenge",
                        json_pack("{s:s}", "address", t->address_text));
        client_sign_message(t, json_string_value(json_object_get(a, "message")), signature);
        b = client_must(t, "POST", "/v1/auth/login",
                        json_pack("{s:O,s:s}", "message", json_object_get(a, "message"),
                                  "signature", signature));
        text_copy(t->token, sizeof t->token, json_string_value(json_object_get(b, "token")));
        json_decref(a);
        json_decref(b);
        a = client_must(t, "POST", "/v1/agent", json_object());
        client_sign_typed(t, json_object_get(a, "typedData"), signature);
        json_decref(client_must(t, "POST", "/v1/agent/approve",
                                json_pack("{s:s}", "signature", signature)));
        json_decref(a);
        /* A position, so that its leverage is known with the account and needs no further read. */
        json_decref(client_must(t, "POST", "/v1/orders",
                                json_pack("{s:s,s:s,s:s,s:s,s:i}", "symbol", "BTC", "side", "buy",
                                          "type", "market", "notional", "1000", "leverage", 5)));
}

struct lane { /* one kept connection of one trader */
        int fd;
        char request[2048];
        size_t request_len;
        char answer[ANSWER_MAX];
        size_t have;
};

static void dial(struct lane *lane, const struct trader *t)
{
        /* A resting order far from the market, as a maker's are; each is cancelled by nobody. */
        static const char body[] = "{\"symbol\":\"BTC\",\"side\":\"buy\",\"type\":\"limit\","
                                   "\"size\":\"0.001\",\"price\":\"50000\"}";
        struct sockaddr_in to = {.sin_family = AF_INET};
        const char *port = strrchr(t->world->http, ':');
        int64_t n = 0;

        if (!port || num_parse(&n, port + 1, strlen(port + 1), 0, NUM_REFUSE))
                client_fail("the gateway's port is not known");
        to.sin_port = htons((uint16_t)n);
        inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
        lane->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (lane->fd < 0 || connect(lane->fd, (struct sockaddr *)&to, sizeof to))
                client_fail("connect: %s", strerror(errno));
        int len = snprintf(lane->request, sizeof lane->request,
                           "POST /v1/orders HTTP/1.1\r\nHost: bench.localhost\r\n"
                           "Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
                           "Content-Length: %zu\r\n\r\n%s",
                           t->token, strlen(body), body);
        lane->request_len = (size_t)len;
}

static void send_order(struct lane *lane)
{
        lane->have = 0;
        if (send(lane->fd, lane->request, lane->request_len, MSG_NOSIGNAL) !=
            (ssize_t)lane->request_len)
                client_fail("send: %s", strerror(errno));
}

/* True once a whole answer is there. */
static bool receive(struct lane *lane)
{
        ssize_t got = recv(lane->fd, lane->answer + lane->have, ANSWER_MAX - 1 - lane->have, 0);
        const char *end, *length;
        int64_t body = 0;

        if (got <= 0)
                client_fail("the gateway closed a connection");
        lane->have += (size_t)got;
        lane->answer[lane->have] = '\0';
        end = strstr(lane->answer, "\r\n\r\n");
        if (!end)
                return false;
        length = strcasestr(lane->answer, "content-length: ");
        if (!length ||
            num_parse(&body, length + 16, strspn(length + 16, "0123456789"), 0, NUM_REFUSE))
                client_fail("an answer without a length");
        if (lane->have < (size_t)(end - lane->answer) + 4 + (size_t)body)
                return false;
        if (strncmp(lane->answer, "HTTP/1.1 200", 12) != 0)
                client_fail("an order was refused: %s", end + 4);
        return true;
}

/* Places n orders over all lanes; every lane has one under way. */
static void place(struct lane *lanes, unsigned n_lanes, unsigned n)
{
        struct pollfd fds[TRADERS_MAX];
        unsigned sent = 0, done = 0;

        for (unsigned i = 0; i < n_lanes; i++) {
                fds[i] = (struct pollfd){.fd = lanes[i].fd, .events = POLLIN};
                if (sent < n) {
                        send_order(&lanes[i]);
                        sent++;
                }
        }
        while (done < n) {
                if (poll(fds, n_lanes, STALL_SECONDS * 1000) <= 0)
                        client_fail("no answer for %d s", STALL_SECONDS);
                for (unsigned i = 0; i < n_lanes; i++) {
                        if (!(fds[i].revents & POLLIN) || !receive(&lanes[i]))
                                continue;
                        done++;
                        if (sent < n) {
                                send_order(&lanes[i]);
                                sent++;
                        }
                }
        }
}

int main(int argc, char **argv)
{
        static struct trader traders[TRADERS_MAX];
        static struct lane lanes[TRADERS_MAX];
        unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 2000;
        unsigned n_lanes = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 16;
        struct secp *secp;
        struct site site = {.paper_pid = 0};

        if (argc < 2 || n == 0 || n_lanes == 0 || n_lanes > TRADERS_MAX) {
                fputs("usage: bench_order FOLDER-WITH-PROGRAMS [ORDERS] [CONNECTIONS <= 64]\n",
                      stderr);
                return 2;
        }
        secret_process_init();
        secp = secp_new();
        open_site(&site, argv[1]);
        json_decref(client_paper(&site.world, "/paper/price",
                                 json_pack("{s:s,s:s}", "coin", "BTC", "price", "100000")));
        for (unsigned i = 0; i < n_lanes; i++) {
                prepare(&traders[i], &site, secp);
                dial(&lanes[i], &traders[i]);
        }
        place(lanes, n_lanes, n_lanes * 4); /* warm */
        int64_t floor_before = floor_ns(secp);
        int64_t cpu = process_cpu_ns(site.world.pid), wall = wall_ns();
        place(lanes, n_lanes, n);
        wall = wall_ns() - wall;
        cpu = process_cpu_ns(site.world.pid) - cpu;
        int64_t floor = (floor_before + floor_ns(secp)) / 2;
        int64_t each = cpu / n;
        printf("orders %u over %u connections, all placed\n", n, n_lanes);
        printf("floor (build, hash, sign): %lld.%01lld us of CPU an order\n",
               (long long)(floor / 1000), (long long)(floor % 1000 / 100));
        printf("gateway: %lld.%01lld us of CPU an order\n", (long long)(each / 1000),
               (long long)(each % 1000 / 100));
        printf("ratio gateway / floor: %lld.%02lld\n", (long long)(each / floor),
               (long long)(each % floor * 100 / floor));
        printf("orders a second on one core of the gateway: %lld (wall, with venue and load on the "
               "same machine: %lld)\n",
               (long long)(INT64_C(1000000000) / each),
               (long long)((int64_t)n * 1000000000 / wall));
        close_site(&site);
        secp_free(secp);
        return 0;
}
