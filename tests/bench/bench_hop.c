/* What passing a request on costs the gateway, beside nginx that passes the same on to the same venue.
 *
 * A paper venue, a gateway and nginx run as processes of their own. Requests go over kept connections, one
 * under way on each, and the CPU time of the process that is asked is read from the kernel before and
 * after. Every way is measured in turn, several rounds; the least of a way's rounds is its cost, since
 * others on the machine can only add to it, and the ratio to nginx's proxy_pass is the result. Without
 * nginx the ratios are left out.
 *
 * Usage: bench_hop FOLDER-WITH-PROGRAMS [REQUESTS A ROUND] [CONNECTIONS] [ROUNDS] [GROUP] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/hyperliquid/hl_action.h"
#include "base/buf.h"
#include "base/secret.h"
#include "bench/bench_site.h"
#include "bench/hop_nginx.h"
#include "bench/http_load.h"
#include "sign/secp.h"

#define ROUNDS_MAX   25
#define FLOOR_ROUNDS 1000
#define WAYS_MAX     4
#define BODY_MAX     4096

struct hop {
        struct bench_site site;
        struct hop_nginx nginx;
        bool has_nginx;
        struct secp *secp;
        unsigned n, n_lanes, n_rounds;
        struct trader traders[HTTP_LOAD_LANES_MAX];
        /* Whose orders go past the gateway: not of the accounts that it mirrors. */
        struct trader strangers[HTTP_LOAD_LANES_MAX];
        uint64_t nonce;
        struct buf scratch;
};

enum server { GATEWAY, NGINX };
enum load { LOAD_SAME, LOAD_SIGNED, LOAD_ORDER };

struct way {
        const char *name;
        enum server server;
        const char *path;
        enum load load;
        const char *expect;
};

struct group {
        const char *title;
        const char *body; /* "%s": the address of the lane's trader */
        struct way way[WAYS_MAX];
};

static const struct group groups[] = {
        {"/info, answered from what is kept (spotMeta)",
         "{\"type\":\"spotMeta\"}",
         {{"nginx proxy_pass", NGINX, "/info", LOAD_SAME, "\"universe\""},
          {"nginx proxy_cache", NGINX, "/cached/info", LOAD_SAME, "\"universe\""},
          {"gateway", GATEWAY, "/info", LOAD_SAME, "\"universe\""}}},
        {"/info, answered from what polling brought (metaAndAssetCtxs)",
         "{\"type\":\"metaAndAssetCtxs\"}",
         {{"nginx proxy_pass", NGINX, "/info", LOAD_SAME, "\"universe\""},
          {"nginx proxy_cache", NGINX, "/cached/info", LOAD_SAME, "\"universe\""},
          {"gateway", GATEWAY, "/info", LOAD_SAME, "\"universe\""}}},
        {"/info, passed on (clearinghouseState of a trader)",
         "{\"type\":\"clearinghouseState\",\"user\":\"%s\"}",
         {{"nginx proxy_pass", NGINX, "/info", LOAD_SAME, "\"marginSummary\""},
          {"gateway", GATEWAY, "/info", LOAD_SAME, "\"marginSummary\""}}},
        {"a placed order",
         NULL,
         {{"nginx proxy_pass /exchange", NGINX, "/exchange", LOAD_SIGNED, "resting"},
          {"gateway /exchange", GATEWAY, "/exchange", LOAD_SIGNED, "resting"},
          {"gateway /v1/orders", GATEWAY, "/v1/orders", LOAD_ORDER, "resting"}}},
};

static int64_t now_ns(clockid_t clock)
{
        struct timespec t;

        clock_gettime(clock, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* --- what is sent --- */

/* A resting order far from the market, as a maker's are. */
static void sign_order(struct hop *hop, const struct trader *t, char body[BODY_MAX])
{
        struct hl_order order = {.is_buy = true,
                                 .price = {INT64_C(5000000000000)},
                                 .size = {100000},
                                 .tif = HL_TIF_GTC};
        struct hl_action action = {.type = HL_ORDER};
        struct hl_envelope envelope = {.nonce = ++hop->nonce};
        struct hash32 digest;
        struct signature sig;
        struct hl_json json;
        char r[65], s[65];

        action.u.order.orders = &order;
        action.u.order.n = 1;
        if (hl_l1_digest(&digest, &hop->scratch, &action, &envelope, true) ||
            secp_sign(hop->secp, &sig, &digest, t->key))
                client_fail("an order can't be signed");
        buf_reset(&hop->scratch);
        hl_json_init(&json, &hop->scratch);
        hl_action_walk(&action, &json.emit);
        hex_encode(r, sig.r.b, sizeof sig.r.b);
        hex_encode(s, sig.s.b, sizeof sig.s.b);
        snprintf(body, BODY_MAX,
                 "{\"action\":%s,\"nonce\":%llu,\"signature\":{\"r\":\"0x%s\",\"s\":\"0x%s\","
                 "\"v\":%u}}",
                 buf_cstr(&hop->scratch), (unsigned long long)envelope.nonce, r, s, sig.v);
}

static void write_signed(struct hop *hop, struct http_lane *lane, const struct trader *t)
{
        char body[BODY_MAX];

        sign_order(hop, t, body);
        http_load_post(lane, "/exchange", BENCH_SITE_HOST, "", body);
}

static void write_traders(void *hop, struct http_lane *lane)
{
        write_signed(hop, lane, &((struct hop *)hop)->traders[lane->number]);
}

static void write_strangers(void *hop, struct http_lane *lane)
{
        write_signed(hop, lane, &((struct hop *)hop)->strangers[lane->number]);
}

static void write_same(struct hop *hop, struct http_lane *lane, const struct group *group,
                       const struct way *way)
{
        char body[BODY_MAX], bearer[128];
        const struct trader *t = &hop->traders[lane->number];

        if (way->load == LOAD_ORDER) {
                snprintf(bearer, sizeof bearer, "Bearer %s", t->token);
                http_load_post(lane, way->path, BENCH_SITE_HOST, bearer,
                               "{\"symbol\":\"BTC\",\"side\":\"buy\",\"type\":\"limit\","
                               "\"size\":\"0.001\",\"price\":\"50000\"}");
        } else if (way->load == LOAD_SAME) {
                const char *user = strstr(group->body, "%s");

                if (user)
                        snprintf(body, sizeof body, "%.*s%s%s", (int)(user - group->body),
                                 group->body, t->address_text, user + 2);
                http_load_post(lane, way->path, BENCH_SITE_HOST, "", user ? body : group->body);
        }
}

/* An account with few resting orders is the usual one; of many, every list that the venue tells grows. */
static void cancel_orders(const struct hop *hop)
{
        for (unsigned i = 0; i < hop->n_lanes; i++)
                json_decref(client_must(&hop->traders[i], "DELETE", "/v1/orders", NULL));
}

/* --- measuring --- */

struct figure {
        int64_t ns[ROUNDS_MAX];
        size_t bytes; /* of the last answer's body */
};

static void measure(struct hop *hop, const struct group *group, const struct way *way,
                    struct figure *figure, unsigned round)
{
        static struct http_lane lanes[HTTP_LOAD_LANES_MAX];
        int pid = way->server == NGINX ? hop->nginx.pid : hop->site.world.pid;
        http_load_fn *before = way->load != LOAD_SIGNED ? NULL
                               : way->server == NGINX   ? write_strangers
                                                        : write_traders;
        int64_t cpu;

        http_load_open(lanes, hop->n_lanes,
                       way->server == NGINX ? hop->nginx.base : hop->site.world.http);
        for (unsigned i = 0; i < hop->n_lanes; i++)
                write_same(hop, &lanes[i], group, way);
        http_load_run(lanes, hop->n_lanes, hop->n_lanes * 2, way->expect, before, hop); /* warm */
        cpu = bench_site_cpu_ns(pid);
        http_load_run(lanes, hop->n_lanes, hop->n, way->expect, before, hop);
        figure->ns[round] = (bench_site_cpu_ns(pid) - cpu) / hop->n;
        figure->bytes = lanes[0].body_len;
        http_load_close(lanes, hop->n_lanes);
        if (way->load != LOAD_SAME && way->server == GATEWAY)
                cancel_orders(hop);
}

static int compare(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return x < y ? -1 : x > y;
}

static void print_way(const struct way *way, const struct figure *f, unsigned n_rounds,
                      int64_t beside)
{
        int64_t least = f->ns[0], median = f->ns[n_rounds / 2];

        printf("  %-28s %6lld.%01lld %6lld.%01lld", way->name, (long long)(least / 1000),
               (long long)(least % 1000 / 100), (long long)(median / 1000),
               (long long)(median % 1000 / 100));
        if (beside)
                printf(" %5lld.%02lld", (long long)(least / beside),
                       (long long)(least % beside * 100 / beside));
        else
                printf("        -");
        printf(" %9zu\n", f->bytes);
        fflush(stdout);
}

static void run_group(struct hop *hop, const struct group *group)
{
        struct figure figures[WAYS_MAX] = {{{0}, 0}};
        int64_t beside = 0;

        for (unsigned round = 0; round < hop->n_rounds; round++)
                for (unsigned i = 0; i < WAYS_MAX && group->way[i].name; i++)
                        if (group->way[i].server == GATEWAY || hop->has_nginx)
                                measure(hop, group, &group->way[i], &figures[i], round);
        printf("%s\n", group->title);
        for (unsigned i = 0; i < WAYS_MAX && group->way[i].name; i++) {
                if (group->way[i].server == NGINX && !hop->has_nginx)
                        continue;
                qsort(figures[i].ns, hop->n_rounds, sizeof figures[i].ns[0], compare);
                if (i == 0)
                        beside = figures[0].ns[0];
                print_way(&group->way[i], &figures[i], hop->n_rounds, beside);
        }
}

/* What no way around spares a gateway that knows whose order it passes on, or signs it. */
static void print_floor(const struct hop *hop)
{
        struct hash32 digest = {{1}};
        struct signature sig;
        struct addr who;
        int64_t sign = now_ns(CLOCK_PROCESS_CPUTIME_ID), recover;

        for (unsigned i = 0; i < FLOOR_ROUNDS; i++)
                if (secp_sign(hop->secp, &sig, &digest, hop->traders[0].key))
                        client_fail("nothing can be signed");
        recover = now_ns(CLOCK_PROCESS_CPUTIME_ID);
        sign = recover - sign;
        for (unsigned i = 0; i < FLOOR_ROUNDS; i++)
                if (secp_recover(hop->secp, &who, &digest, &sig))
                        client_fail("no signer can be recovered");
        recover = now_ns(CLOCK_PROCESS_CPUTIME_ID) - recover;
        printf("  of that, in this process: to make a signature %lld us, to recover a signer %lld "
               "us\n",
               (long long)(sign / FLOOR_ROUNDS / 1000), (long long)(recover / FLOOR_ROUNDS / 1000));
}

/* What the gateway spends with nobody asking: its polls and the venue's feed. */
static void print_idle(const struct hop *hop)
{
        const struct timespec second = {.tv_sec = 2};
        int64_t cpu = bench_site_cpu_ns(hop->site.world.pid);
        int64_t wall = now_ns(CLOCK_MONOTONIC);

        (void)nanosleep(&second, NULL);
        cpu = bench_site_cpu_ns(hop->site.world.pid) - cpu;
        wall = now_ns(CLOCK_MONOTONIC) - wall;
        printf("the gateway with nobody asking: %lld us of CPU a second (part of the figures)\n",
               (long long)(cpu * 1000000 / wall));
}

static void open_all(struct hop *hop, const char *programs)
{
        hop->secp = secp_new();
        buf_init(&hop->scratch, 65536);
        bench_site_open(&hop->site, programs);
        for (unsigned i = 0; i < hop->n_lanes; i++) {
                bench_site_trader(&hop->traders[i], &hop->site, hop->secp);
                bench_site_stranger(&hop->strangers[i], &hop->site, hop->secp);
        }
        /* Above those that the traders have used by now. */
        hop->nonce = (uint64_t)(now_ns(CLOCK_REALTIME) / 1000000);
        hop->has_nginx = hop_nginx_open(&hop->nginx, &hop->site);
        if (!hop->has_nginx)
                puts("NO NGINX FOUND (Debian: nginx-light): the gateway's figures alone, no "
                     "ratios");
}

static void close_all(struct hop *hop)
{
        if (hop->has_nginx)
                hop_nginx_close(&hop->nginx);
        bench_site_close(&hop->site);
        buf_fini(&hop->scratch);
        secp_free(hop->secp);
}

static unsigned number(int argc, char **argv, int at, unsigned fallback)
{
        return argc > at ? (unsigned)strtoul(argv[at], NULL, 10) : fallback;
}

int main(int argc, char **argv)
{
        static struct hop hop;

        hop.n = number(argc, argv, 2, 1000);
        hop.n_lanes = number(argc, argv, 3, 32);
        hop.n_rounds = number(argc, argv, 4, 5);
        unsigned group = number(argc, argv, 5, 0);
        if (argc < 2 || hop.n == 0 || hop.n_lanes == 0 || hop.n_lanes > HTTP_LOAD_LANES_MAX ||
            hop.n_rounds == 0 || hop.n_rounds > ROUNDS_MAX) {
                fputs("usage: bench_hop FOLDER-WITH-PROGRAMS [REQUESTS A ROUND] [CONNECTIONS <= 64]"
                      " [ROUNDS <= 25] [GROUP, from 1; 0: all]\n",
                      stderr);
                return 2;
        }
        secret_process_init();
        open_all(&hop, argv[1]);
        printf("%u rounds of %u requests each way over %u connections; us of CPU a request\n",
               hop.n_rounds, hop.n, hop.n_lanes);
        print_idle(&hop);
        printf("  %-28s %8s %8s %8s %9s\n", "", "least", "median", "ratio", "bytes");
        for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
                if (group == 0 || group == i + 1)
                        run_group(&hop, &groups[i]);
        print_floor(&hop);
        close_all(&hop);
        return 0;
}
