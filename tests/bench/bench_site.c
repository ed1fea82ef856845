#include "bench/bench_site.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"

#define FOLDERS_OPEN 8

int64_t bench_site_cpu_ns(int pid)
{
        clockid_t id;
        struct timespec t;

        if (clock_getcpuclockid(pid, &id) || clock_gettime(id, &t))
                client_fail("the CPU time of process %d can't be read", pid);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* --- the programs --- */

void bench_site_write(const char *path, const char *text)
{
        FILE *f = fopen(path, "w");

        if (!f || fputs(text, f) < 0 || fclose(f) || chmod(path, 0600))
                client_fail("%s: %s", path, strerror(errno));
}

static void write_brand(const struct bench_site *site)
{
        char path[128];

        snprintf(path, sizeof path, "%s/bench", site->dir);
        mkdir(path, 0700);
        snprintf(path, sizeof path, "%s/bench/brand.yaml", site->dir);
        bench_site_write(
                path,
                "name: Bench\ntagline: A brand to measure with.\nhosts: [" BENCH_SITE_HOST "]\n"
                "tls: false\n"
                "theme: {primary: \"#000000\", background: \"#ffffff\", text: \"#000000\", "
                "accent: \"#000000\", mode: light, font: sans-serif}\nlogo: logo.svg\n"
                "margin: {defaultMode: isolated, modes: [isolated, cross]}\nmarkets: all\n"
                "terms: {version: \"1\", url: \"https://bench.example/terms\", "
                "required: false}\nsignIn: {chains: [1], statement: Sign in to Bench.}\n"
                "requestsPerMinute: 1000000\ncompat: {weightPerMinute: 10000000}\n");
        snprintf(path, sizeof path, "%s/bench/logo.svg", site->dir);
        bench_site_write(path, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n");
}

static void write_site(struct bench_site *site)
{
        char path[128], text[2048];

        text_copy(site->dir, sizeof site->dir, "/tmp/perpgate-bench-XXXXXX");
        if (!mkdtemp(site->dir))
                client_fail("mkdtemp: %s", strerror(errno));
        write_brand(site);
        snprintf(path, sizeof path, "%s/key", site->dir);
        bench_site_write(path,
                         "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
        snprintf(path, sizeof path, "%s/gateway.yaml", site->dir);
        snprintf(text, sizeof text,
                 "listen:\n  public: {port: 0}\n  admin: {port: 0}\n"
                 "limits: {maxConnectionsPerAddress: 0}\n"
                 "venue: {baseUrl: \"%s\", network: mainnet, weightPerMinute: 10000000, "
                 "orderReserve: 1000}\nstore: {dataDir: .}\nkeys: {masterKeyFile: key}\n"
                 "log: {level: error}\nbrands: [bench]\n",
                 site->world.paper);
        bench_site_write(path, text);
}

void bench_site_open(struct bench_site *site, const char *programs)
{
        char paper[512], gateway[512], config[128];
        const char *const paper_argv[] = {paper, "--port", "0", NULL};
        const char *const gateway_argv[] = {gateway, "--config", config, NULL};
        json_t *ready;

        *site = (struct bench_site){.paper_pid = 0};
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
        text_copy(site->admin, sizeof site->admin,
                  json_string_value(json_object_get(ready, "admin")));
        json_decref(ready);
        json_decref(client_paper(&site->world, "/paper/price",
                                 json_pack("{s:s,s:s}", "coin", "BTC", "price", "100000")));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
        (void)st;
        (void)type;
        (void)at;
        return remove(path);
}

void bench_site_close(struct bench_site *site)
{
        client_end(site->world.pid, site->world.out);
        client_end(site->paper_pid, site->paper_out);
        nftw(site->dir, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
}

/* --- the traders --- */

void bench_site_stranger(struct trader *t, const struct bench_site *site, const struct secp *secp)
{
        client_trader(t, &site->world, secp, BENCH_SITE_HOST);
        json_decref(
                client_paper(t->world, "/paper/faucet",
                             json_pack("{s:s,s:s}", "user", t->address_text, "amount", "1000000")));
}

void bench_site_trader(struct trader *t, const struct bench_site *site, const struct secp *secp)
{
        char signature[133];
        json_t *a, *b;

        bench_site_stranger(t, site, secp);
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
