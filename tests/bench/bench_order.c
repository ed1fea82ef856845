/* What an order costs the gateway, beside the least it could cost.
 *
 * The floor is measured first, in this process: building, hashing and signing one order with
 * libsecp256k1. Then a gateway and a paper venue run as processes of their own; traders place orders
 * through the gateway's HTTP API over kept connections, and the gateway's own CPU time is read from
 * the kernel before and after. The ratio of the two, from one run, is the result.
 *
 * Usage: bench_order FOLDER-WITH-PROGRAMS [ORDERS] [CONNECTIONS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "adapters/hyperliquid/hl_action.h"
#include "base/buf.h"
#include "base/secret.h"
#include "bench/bench_site.h"
#include "bench/http_load.h"
#include "sign/secp.h"

#define FLOOR_ROUNDS 5000

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

static void write_order(struct http_lane *lane, const struct trader *t)
{
        char bearer[128];

        snprintf(bearer, sizeof bearer, "Bearer %s", t->token);
        /* A resting order far from the market, as a maker's are; each is cancelled by nobody. */
        http_load_post(lane, "/v1/orders", BENCH_SITE_HOST, bearer,
                       "{\"symbol\":\"BTC\",\"side\":\"buy\",\"type\":\"limit\","
                       "\"size\":\"0.001\",\"price\":\"50000\"}");
}

int main(int argc, char **argv)
{
        static struct trader traders[HTTP_LOAD_LANES_MAX];
        static struct http_lane lanes[HTTP_LOAD_LANES_MAX];
        unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 2000;
        unsigned n_lanes = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 16;
        struct secp *secp;
        struct bench_site site;

        if (argc < 2 || n == 0 || n_lanes == 0 || n_lanes > HTTP_LOAD_LANES_MAX) {
                fputs("usage: bench_order FOLDER-WITH-PROGRAMS [ORDERS] [CONNECTIONS <= 64]\n",
                      stderr);
                return 2;
        }
        secret_process_init();
        secp = secp_new();
        bench_site_open(&site, argv[1]);
        http_load_open(lanes, n_lanes, site.world.http);
        for (unsigned i = 0; i < n_lanes; i++) {
                bench_site_trader(&traders[i], &site, secp);
                write_order(&lanes[i], &traders[i]);
        }
        http_load_run(lanes, n_lanes, n_lanes * 4, NULL, NULL, NULL); /* warm */
        int64_t floor_before = floor_ns(secp);
        int64_t cpu = bench_site_cpu_ns(site.world.pid), wall = wall_ns();
        http_load_run(lanes, n_lanes, n, NULL, NULL, NULL);
        wall = wall_ns() - wall;
        cpu = bench_site_cpu_ns(site.world.pid) - cpu;
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
        http_load_close(lanes, n_lanes);
        bench_site_close(&site);
        secp_free(secp);
        return 0;
}
