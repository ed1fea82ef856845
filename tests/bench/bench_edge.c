/* What a WebSocket costs at the edge, beside the least server that libwebsockets makes: frames delivered for a
 * second of the server's CPU, bytes of memory for a peer, time until the last of many has a frame; and what a
 * request costs with thousands of idle connections beside it.
 *
 * Each server is a process of its own on one core, the load is on another. Both are there at the same time and
 * take turns, so that a busy machine is busy for both.
 *
 * Usage: bench_edge [ROUNDS] [PART...] with PART of fanout connect memory latency idle */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge_load.h"
#include "edge_server.h"

#define WIRE       (EDGE_FRAME_BYTES + 4)
#define REQUESTS   2000
#define TAKES      5
#define FDS_SPARED 300

#define NEED(x)                                                                                    \
        do {                                                                                       \
                if (!(x)) {                                                                        \
                        fprintf(stderr, "bench_edge: %s does not hold\n", #x);                     \
                        exit(1);                                                                   \
                }                                                                                  \
        } while (0)

enum kind {
        GATEWAY,
        GATEWAY_DEFLATE,
        BARE_PACKED,
        BARE_PLAIN,
        WS, /* the npm package */
        N_KINDS,
};

struct server {
        pid_t pid;
        int control;
        uint16_t port;
};

static const char *ws_folder(void)
{
        const char *named = getenv("PERPGATE_BENCH_WS");

        return named ? named : BENCH_DIR "/../e2e/node_modules/ws";
}

static bool is_ws_there(void)
{
        char file[4096];
        int n = snprintf(file, sizeof(file), "%s/package.json", ws_folder());

        return n > 0 && (size_t)n < sizeof(file) && access(file, R_OK) == 0 &&
               system("command -v node >/dev/null 2>&1") == 0;
}

static void run_ws(int control)
{
        char number[16];

        (void)snprintf(number, sizeof(number), "%d", control);
        (void)execlp("node", "node", BENCH_DIR "/edge_ws.mjs", ws_folder(), number, (char *)NULL);
        fprintf(stderr, "bench_edge: node does not start\n");
        exit(1);
}

static void pin(size_t core)
{
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(core, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
}

static void run(enum kind kind, int control)
{
        switch (kind) {
        case GATEWAY:
        case GATEWAY_DEFLATE: edge_gateway_serve(control, kind == GATEWAY_DEFLATE); break;
        case BARE_PACKED:
        case BARE_PLAIN: edge_bare_serve(control, kind == BARE_PACKED); break;
        case WS: run_ws(control); break;
        case N_KINDS: break;
        }
}

static struct edge_report report(const struct server *server)
{
        struct edge_command command = {.order = EDGE_REPORT};
        struct edge_report out;

        NEED(send(server->control, &command, sizeof(command), MSG_NOSIGNAL) == sizeof(command));
        NEED(recv(server->control, &out, sizeof(out), MSG_WAITALL) == sizeof(out));
        return out;
}

static struct server start(enum kind kind)
{
        struct server server;
        int pair[2];

        /* Node knows no sockets of packets. */
        NEED(socketpair(AF_UNIX, kind == WS ? SOCK_STREAM : SOCK_SEQPACKET, 0, pair) == 0);
        server.control = pair[0];
        server.pid = fork();
        NEED(server.pid >= 0);
        if (server.pid == 0) {
                close(pair[0]);
                pin(0);
                run(kind, pair[1]);
                exit(0);
        }
        close(pair[1]);
        server.port = report(&server).port;
        return server;
}

static void stop(struct server *server)
{
        struct edge_command command = {.order = EDGE_QUIT};

        NEED(send(server->control, &command, sizeof(command), MSG_NOSIGNAL) == sizeof(command));
        NEED(waitpid(server->pid, NULL, 0) == server->pid);
        close(server->control);
}

static void publish(const struct server *server, unsigned n)
{
        struct edge_command command = {.order = EDGE_PUBLISH, .n = n};

        NEED(send(server->control, &command, sizeof(command), MSG_NOSIGNAL) == sizeof(command));
}

static void await_peers(const struct server *server, unsigned n)
{
        int64_t until = edge_load_now_ns() + 60 * INT64_C(1000000000);

        while (report(server).n_peers != n && edge_load_now_ns() < until)
                usleep(1000);
        NEED(report(server).n_peers == n);
}

/* ---- fan-out ---- */

static int64_t burst(const struct server *server, struct edge_load *load, unsigned n,
                     unsigned frames, bool is_packed)
{
        int64_t before = report(server).cpu_ns;

        publish(server, frames);
        if (is_packed)
                edge_load_read_frames(load, (uint64_t)n * frames);
        else
                edge_load_read(load, (uint64_t)n * frames * WIRE);
        return report(server).cpu_ns - before;
}

/* all: the gateway and the bare server that packs, or every way of both. */
static void fan_out(unsigned n, unsigned frames, unsigned rounds, bool all, bool has_ws)
{
        enum kind kinds[N_KINDS] = {GATEWAY, BARE_PACKED, BARE_PLAIN, GATEWAY_DEFLATE};
        struct server server[N_KINDS];
        struct edge_load *load[N_KINDS];
        double rate[N_KINDS] = {0};
        int64_t cpu[N_KINDS] = {0};
        int n_kinds = all ? 4 : 2;

        if (has_ws)
                kinds[n_kinds++] = WS;
        for (int k = 0; k < n_kinds; k++) {
                server[k] = start(kinds[k]);
                load[k] = edge_load_open(server[k].port, n, true, kinds[k] == GATEWAY_DEFLATE);
                await_peers(&server[k], n);
                (void)burst(&server[k], load[k], n, frames, kinds[k] == GATEWAY_DEFLATE);
        }
        for (unsigned i = 0; i < rounds; i++)
                for (int k = 0; k < n_kinds; k++)
                        cpu[k] +=
                                burst(&server[k], load[k], n, frames, kinds[k] == GATEWAY_DEFLATE);
        for (int k = 0; k < n_kinds; k++) {
                rate[kinds[k]] = (double)n * frames * rounds / ((double)cpu[k] / 1e9);
                edge_load_close(load[k]);
                stop(&server[k]);
        }
        printf("fan-out to %u of %u at a time, frames a CPU second: gateway %.0f, bare packed "
               "%.0f: %.2f",
               n, frames, rate[GATEWAY], rate[BARE_PACKED], rate[GATEWAY] / rate[BARE_PACKED]);
        if (all)
                printf("; bare unpacked %.0f: %.2f; gateway compressed %.0f", rate[BARE_PLAIN],
                       rate[GATEWAY] / rate[BARE_PLAIN], rate[GATEWAY_DEFLATE]);
        if (has_ws)
                printf("; ws %.0f: %.2f", rate[WS], rate[GATEWAY] / rate[WS]);
        printf("\n");
        fflush(stdout);
}

static void fan_outs(unsigned rounds, unsigned limit)
{
        bool has_ws = is_ws_there();
        bool fits = limit > 3 * 5000 + FDS_SPARED;

        if (!has_ws)
                printf("skipped: the package ws at %s, or node, is not there\n", ws_folder());
        else if (!fits)
                printf("skipped: ws with 5000 peers, for want of descriptors\n");
        fan_out(1000, 1, rounds * 4, true, has_ws);
        fan_out(1000, 16, rounds, true, has_ws);
        fan_out(5000, 1, rounds, false, has_ws && fits);
        fan_out(5000, 16, rounds / 4 + 1, false, has_ws && fits);
}

/* ---- connecting ---- */

/* CPU of a connection and its upgrade, when n come one after another as fast as they are served. */
static void connecting(unsigned n, unsigned rounds)
{
        static const enum kind kinds[] = {GATEWAY, BARE_PACKED};
        double us[2] = {0};

        for (unsigned i = 0; i < rounds; i++)
                for (int k = 0; k < 2; k++) {
                        struct server server = start(kinds[k]);
                        int64_t before = report(&server).cpu_ns;
                        struct edge_load *load = edge_load_open(server.port, n, true, false);

                        await_peers(&server, n);
                        us[k] += (double)(report(&server).cpu_ns - before) / 1e3 / n / rounds;
                        edge_load_close(load);
                        stop(&server);
                }
        printf("a connection and its upgrade, %u at once: gateway %.1f us, bare %.1f us (%.2f of "
               "it)\n",
               n, us[0], us[1], us[0] / us[1]);
        fflush(stdout);
}

/* ---- memory ---- */

/* Until all are gone, and what lingered behind them. */
static struct edge_report after_all(const struct server *server, struct edge_load *load)
{
        edge_load_close(load);
        await_peers(server, 0);
        (void)usleep(1500000);
        return report(server);
}

static double each(int64_t bytes, unsigned n)
{
        return (double)bytes / n;
}

static void memory_of(enum kind kind, const char *name, unsigned n)
{
        struct server server = start(kind);
        struct edge_report before =
                after_all(&server, edge_load_open(server.port, 200, true, false));
        struct edge_load *load = edge_load_open(server.port, n, true, false);
        struct edge_report idle, fed, gone, again;

        await_peers(&server, n);
        idle = report(&server);
        (void)burst(&server, load, n, 16, false);
        fed = report(&server);
        gone = after_all(&server, load);
        load = edge_load_open(server.port, n, true, false);
        await_peers(&server, n);
        (void)burst(&server, load, n, 16, false);
        again = after_all(&server, load);
        printf("memory of %s: idle %.0f B (resident %.0f), sent frames %.0f B (resident %.0f); "
               "left by %u that "
               "came and went %.0f B each, by as many again %.0f\n",
               name, each(idle.used_bytes - before.used_bytes, n),
               each(idle.rss_bytes - before.rss_bytes, n),
               each(fed.used_bytes - before.used_bytes, n),
               each(fed.rss_bytes - before.rss_bytes, n), n,
               each(gone.used_bytes - before.used_bytes, n),
               each(again.used_bytes - gone.used_bytes, n));
        fflush(stdout);
        stop(&server);
}

/* ---- latency ---- */

static int by_size(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return x < y ? -1 : x > y;
}

static void latency(unsigned n, unsigned rounds)
{
        static const enum kind kinds[] = {GATEWAY, BARE_PACKED};
        struct server server[2];
        struct edge_load *load[2];
        int64_t *took[2];

        for (int k = 0; k < 2; k++) {
                server[k] = start(kinds[k]);
                load[k] = edge_load_open(server[k].port, n, true, false);
                await_peers(&server[k], n);
                took[k] = calloc(rounds, sizeof(int64_t));
                NEED(took[k] != NULL);
        }
        for (unsigned i = 0; i < rounds; i++)
                for (int k = 0; k < 2; k++) {
                        int64_t from = edge_load_now_ns();

                        publish(&server[k], 1);
                        edge_load_read(load[k], (uint64_t)n * WIRE);
                        took[k][i] = edge_load_now_ns() - from;
                }
        for (int k = 0; k < 2; k++) {
                qsort(took[k], rounds, sizeof(int64_t), by_size);
                edge_load_close(load[k]);
                stop(&server[k]);
        }
        printf("until the last of %u has a frame: gateway p50 %.1f ms p90 %.1f ms, bare p50 %.1f "
               "ms p90 %.1f ms "
               "(p50 %.2f of it)\n",
               n, (double)took[0][rounds / 2] / 1e6, (double)took[0][rounds * 9 / 10] / 1e6,
               (double)took[1][rounds / 2] / 1e6, (double)took[1][rounds * 9 / 10] / 1e6,
               (double)took[0][rounds / 2] / (double)took[1][rounds / 2]);
        fflush(stdout);
        free(took[0]);
        free(took[1]);
}

/* ---- idle connections beside a request ---- */

/* The least of several takes: what others do on the machine only adds. */
static double request_us(const struct server *server)
{
        double least = 1e9;

        edge_load_requests(server->port, REQUESTS / 4);
        for (int i = 0; i < TAKES; i++) {
                int64_t before = report(server).cpu_ns;
                double took;

                edge_load_requests(server->port, REQUESTS);
                took = (double)(report(server).cpu_ns - before) / 1e3 / REQUESTS;
                if (took < least)
                        least = took;
        }
        return least;
}

static void idle_beside(bool is_ws, unsigned most)
{
        struct server server = start(GATEWAY);
        double alone = request_us(&server), few, many;
        struct edge_load *some, *rest;

        some = edge_load_open(server.port, 5000, is_ws, false);
        few = request_us(&server);
        rest = edge_load_open(server.port, most - 5000, is_ws, false);
        many = request_us(&server);
        printf("a request beside idle %s: none %.1f us, 5000 %.1f us (%.2f), %u %.1f us (%.2f)\n",
               is_ws ? "WebSockets" : "HTTP connections", alone, few, few / alone, most, many,
               many / alone);
        fflush(stdout);
        edge_load_close(some);
        edge_load_close(rest);
        stop(&server);
}

static unsigned descriptors(void)
{
        struct rlimit limit;

        NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
        limit.rlim_cur = limit.rlim_max;
        NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        return limit.rlim_cur > 30000 ? 30000 : (unsigned)limit.rlim_cur;
}

static bool wants(int argc, char **argv, const char *part)
{
        for (int i = 2; i < argc; i++)
                if (strcmp(argv[i], part) == 0)
                        return true;
        return argc <= 2;
}

int main(int argc, char **argv)
{
        long asked = argc > 1 ? strtol(argv[1], NULL, 10) : 20;
        unsigned rounds = asked > 0 && asked <= 100000 ? (unsigned)asked : 20;
        unsigned limit = descriptors();
        unsigned most = limit - FDS_SPARED < 20000 ? limit - FDS_SPARED : 20000;

        NEED(limit > 2 * 5000 + FDS_SPARED);
        pin(1);
        if (wants(argc, argv, "fanout"))
                fan_outs(rounds, limit);
        if (wants(argc, argv, "connect"))
                connecting(5000, rounds / 8 + 1);
        if (wants(argc, argv, "memory")) {
                memory_of(GATEWAY, "gateway", 5000);
                memory_of(BARE_PACKED, "bare", 5000);
        }
        if (wants(argc, argv, "latency"))
                latency(1000, rounds * 5);
        if (wants(argc, argv, "idle")) {
                idle_beside(true, most);
                idle_beside(false, most);
        }
        return 0;
}
