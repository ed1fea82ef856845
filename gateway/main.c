/* perpgate: the composition root. Reads the command line, builds every part in the order in which
 * they stand on each other, runs the loop, and takes them apart in reverse. Nothing else knows
 * everything.
 *
 *   perpgate --config FILE [--check]
 *   perpgate demo [--http PORT] [--paper PORT] [--data DIR] [--seed N]
 *
 * SIGHUP reloads the configuration, whole or not at all; SIGTERM and SIGINT drain and end. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/paper/paper.h"
#include "adapters/venue.h"
#include "api/admin.h"
#include "api/api.h"
#include "auth/auth.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "brand/config.h"
#include "edge/httpd.h"
#include "journal/nonce.h"
#include "loop/loop.h"
#include "ops/metrics.h"
#include "options.h"
#include "sign/vault.h"
#include "store/store.h"

#define MASTER_KEY_ENV    "PERPGATE_MASTER_KEY"
#define DRAIN_LOOK_MS     20
#define READY_LOOK_MS     20
#define CHALLENGE_MS      300000
#define ADMIN_BODY_MAX    1024
#define ADMIN_CONNECTIONS 64
#define BUILDER_FUNDS     (INT64_C(1000) * NUM_SCALE) /* a builder must hold some to be eligible */

struct app {
        struct options options;
        struct config *config;
        char data_dir[256];
        bool data_is_ours; /* a temporary folder of this run, removed at the end */
        struct loop *loop;
        struct httpd *httpd;
        struct httpd *paper_httpd; /* apart: while we drain, the venue goes on answering */
        struct httpd_listener *public_listener, *admin_listener;
        struct secp *secp;
        struct vault *vault;
        struct store *store;
        struct nonce_ledger *nonces;
        struct auth *auth;
        struct paper *paper;
        struct venue *venue;
        struct metrics *metrics;
        struct api *api;
        struct loop_signal *on_term, *on_int, *on_hup;
        struct loop_timer *ready_timer, *drain_timer;
        int64_t drain_until;
        bool draining;
        int status;
};

static void complain(const struct err *err, const char *what)
{
        fprintf(stderr, "perpgate: %s: %s\n", what,
                err->detail[0] ? err->detail : err_text(err->code));
}

/* --- configuration --- */

static int prepare_data_dir(struct app *app)
{
        const char *base = getenv("TMPDIR");

        if (app->options.data_dir) {
                text_copy(app->data_dir, sizeof app->data_dir, app->options.data_dir);
                if (mkdir(app->data_dir, 0700) && errno != EEXIST) {
                        fprintf(stderr, "perpgate: %s: %s\n", app->data_dir, strerror(errno));
                        return -1;
                }
                return 0;
        }
        snprintf(app->data_dir, sizeof app->data_dir, "%s/perpgate-demo-XXXXXX",
                 base && base[0] ? base : "/tmp");
        if (!mkdtemp(app->data_dir)) {
                fprintf(stderr, "perpgate: %s: %s\n", app->data_dir, strerror(errno));
                return -1;
        }
        app->data_is_ours = true;
        return 0;
}

static int load_config(struct app *app)
{
        struct buf problems;

        buf_init(&problems, 1u << 20);
        if (app->options.demo) {
                if (prepare_data_dir(app)) {
                        buf_fini(&problems);
                        return -1;
                }
                app->config = config_demo(app->data_dir, app->options.http_port,
                                          app->options.paper_port, app->options.seed, &problems);
        } else {
                app->config = config_load(app->options.config_file, &problems);
        }
        if (!app->config)
                fprintf(stderr, "%s", buf_cstr(&problems));
        buf_fini(&problems);
        return app->config ? 0 : -1;
}

static void set_log_level(const char *name)
{
        static const char *const names[] = {"error", "warn", "info", "debug"};

        for (int i = 0; i < 4; i++)
                if (strcmp(name, names[i]) == 0)
                        log_set_level((enum log_level)i);
}

/* --- the parts, in order --- */

static int open_keys(struct app *app)
{
        struct err err = {.code = E_OK};
        struct secret master = {.data = NULL};
        const char *file = app->config->master_key_file;

        app->secp = secp_new();
        if (app->options.demo) {
                enum errc rc = vault_make_master_file(file, &err);
                if (rc && rc != E_EXISTS) {
                        complain(&err, file);
                        return -1;
                }
                err = (struct err){.code = E_OK};
        }
        if (vault_read_master(&master, file, MASTER_KEY_ENV, &err)) {
                complain(&err, "master key");
                return -1;
        }
        app->vault = vault_new(&master, app->secp);
        return 0;
}

static int open_store(struct app *app)
{
        struct err err = {.code = E_OK};
        char file[300];

        snprintf(file, sizeof file, "%s/perpgate.db", app->config->data_dir);
        app->store = store_open(app->loop, file, &err);
        if (!app->store) {
                complain(&err, file);
                return -1;
        }
        app->nonces = nonce_ledger_new(app->store, loop_clock(app->loop));
        struct auth_options options = {
                .clock = loop_clock(app->loop),
                .store = app->store,
                .secp = app->secp,
                .challenge_ms = CHALLENGE_MS,
                .session_ms = app->config->session_ms,
                .max_challenges = 65536,
                .max_challenges_per_address = 8,
                .max_cached_sessions = 65536,
        };
        app->auth = auth_new(&options);
        return 0;
}

/* The embedded paper venue; the adapter then reaches it like any other, over its socket. */
static int open_paper(struct app *app)
{
        struct config *c = app->config;
        struct err err = {.code = E_OK};
        struct paper_options options = {
                .address = "127.0.0.1",
                .port = c->paper.port,
                .seed = c->paper.seed,
                .meta_file = c->paper.meta_file[0] ? c->paper.meta_file : NULL,
                .replay_file = c->paper.replay_file[0] ? c->paper.replay_file : NULL,
                .speed = c->paper.replay_speed,
                .live_url = c->paper.live_url[0] ? c->paper.live_url : NULL,
                .state_file = c->paper.state_file[0] ? c->paper.state_file : NULL,
                .is_mainnet = strcmp(c->venue.network, "mainnet") == 0,
                .is_ungated = true, /* nobody trades a million on paper before trying something */
        };

        if (!c->paper.enabled)
                return 0;
        app->paper_httpd = httpd_new(app->loop);
        app->paper = paper_open(app->loop, app->paper_httpd, &options, &err);
        if (!app->paper) {
                complain(&err, "paper venue");
                return -1;
        }
        snprintf(c->venue.base_url, sizeof c->venue.base_url, "http://127.0.0.1:%u",
                 paper_port(app->paper));
        for (size_t i = 0; i < c->brands->n; i++) {
                const struct brand *b = c->brands->brand[i];
                if (b->has_builder && !paper_knows(app->paper, &b->builder))
                        paper_fund(app->paper, &b->builder, (struct usd){BUILDER_FUNDS});
        }
        return 0;
}

static int open_venue(struct app *app)
{
        const struct config *c = app->config;
        struct err err = {.code = E_OK};
        struct venue_options options = {
                .kind = c->venue.kind,
                .base_url = c->venue.base_url,
                .is_mainnet = strcmp(c->venue.network, "mainnet") == 0,
                .egress_address = c->venue.egress_address[0] ? c->venue.egress_address : NULL,
                .ca_file = c->venue.ca_file[0] ? c->venue.ca_file : NULL,
                .weight_per_minute = c->venue.weight_per_minute,
                .order_reserve = c->venue.order_reserve,
                .order_deadline_ms = c->venue.order_deadline_ms,
                .read_deadline_ms = c->venue.read_deadline_ms,
                .contexts_every_ms = c->venue.contexts_every_ms,
                .markets_every_ms = c->venue.markets_every_ms,
                .max_in_flight = c->venue.max_in_flight,
                .n_dexes = c->venue.n_dexes,
        };

        for (unsigned i = 0; i < c->venue.n_dexes; i++)
                must(text_copy(options.dex[i], sizeof options.dex[i], c->venue.dex[i]));
        app->venue = venue_open(app->loop, &options, &err);
        if (!app->venue)
                complain(&err, "venue");
        return app->venue ? 0 : -1;
}

static int open_api(struct app *app)
{
        struct err err = {.code = E_OK};
        struct api_options options = {
                .loop = app->loop,
                .clock = loop_clock(app->loop),
                .httpd = app->httpd,
                .store = app->store,
                .auth = app->auth,
                .vault = app->vault,
                .secp = app->secp,
                .nonces = app->nonces,
                .venue = app->venue,
                .metrics = app->metrics,
                .expires_after_ms = app->config->venue.expires_after_ms,
                .node = "local",
        };

        app->api = api_new(&options, app->config, &err);
        if (!app->api)
                complain(&err, "api");
        return app->api ? 0 : -1;
}

static int listen_on(struct app *app, struct httpd_listener **out,
                     const struct config_listener *where, struct httpd_listen_options *options)
{
        struct err err = {.code = E_OK};

        options->address = where->address;
        options->port = where->port;
        options->tls_cert_file = where->tls_cert_file[0] ? where->tls_cert_file : NULL;
        options->tls_key_file = where->tls_key_file[0] ? where->tls_key_file : NULL;
        options->request_deadline_ms = app->config->request_deadline_ms;
        options->idle_keep_alive_ms = app->config->idle_keep_alive_ms;
        options->cookie = app->api;
        *out = httpd_listen(app->httpd, options, &err);
        if (!*out)
                complain(&err, where->address);
        return *out ? 0 : -1;
}

static int open_listeners(struct app *app)
{
        const struct config *c = app->config;
        struct httpd_listen_options public_options = {
                .max_body_bytes = c->max_body_bytes,
                .max_connections = c->max_connections,
                .max_connections_per_address = c->max_connections_per_address,
                .handler = api_handle,
        };
        struct httpd_listen_options admin_options = {
                .max_body_bytes = ADMIN_BODY_MAX,
                .max_connections = ADMIN_CONNECTIONS,
                .handler = admin_handle,
        };

        if (listen_on(app, &app->public_listener, &c->public_listener, &public_options))
                return -1;
        return listen_on(app, &app->admin_listener, &c->admin_listener, &admin_options);
}

/* --- running --- */

static void tell_ready(struct app *app)
{
        const struct config *c = app->config;
        struct buf line;

        buf_init(&line, 65536);
        buf_printf(&line, "{\"ready\":true,\"http\":\"http%s://%s:%u\"",
                   c->public_listener.tls_cert_file[0] ? "s" : "", c->public_listener.address,
                   httpd_port(app->public_listener));
        buf_printf(&line, ",\"admin\":\"http://%s:%u\"", c->admin_listener.address,
                   httpd_port(app->admin_listener));
        if (app->paper)
                buf_printf(&line, ",\"paper\":\"http://127.0.0.1:%u\"", paper_port(app->paper));
        buf_puts(&line, ",\"brands\":[");
        for (size_t i = 0; i < c->brands->n; i++)
                buf_printf(&line, "%s{\"id\":\"%s\",\"host\":\"%s\"}", i ? "," : "",
                           c->brands->brand[i]->id, c->brands->brand[i]->host[0]);
        buf_puts(&line, "]}\n");
        (void)!fwrite(line.data, 1, line.len, stdout);
        fflush(stdout);
        buf_fini(&line);
        log_event(LOG_INFO, "ready", "venue", c->venue.base_url, NULL);
}

static void look_ready(void *cookie)
{
        struct app *app = cookie;
        struct venue_status status;

        app->venue->ops->status(app->venue, &status);
        if (!status.markets_at || !status.contexts_at)
                return;
        loop_timer_stop(app->ready_timer);
        tell_ready(app);
}

static void look_drained(void *cookie)
{
        struct app *app = cookie;
        bool empty = api_open_calls(app->api) == 0 && httpd_requests_open(app->httpd) == 0;
        bool late = clock_mono_ms(loop_clock(app->loop)) >= app->drain_until;

        if (empty || late)
                loop_stop(app->loop);
}

static void on_end(void *cookie)
{
        struct app *app = cookie;

        if (app->draining) {
                loop_stop(app->loop); /* asked twice: at once */
                return;
        }
        app->draining = true;
        log_event(LOG_INFO, "draining", "open", log_int(api_open_runs(app->api)), NULL);
        httpd_stop_accepting(app->httpd);
        api_drain(app->api);
        app->drain_until = clock_mono_ms(loop_clock(app->loop)) + app->config->drain_deadline_ms;
        loop_timer_start(app->drain_timer, 0, DRAIN_LOOK_MS);
}

static void on_reload(void *cookie)
{
        struct app *app = cookie;
        struct err err = {.code = E_OK};
        struct config *config;
        struct buf problems;

        if (app->options.demo) {
                log_event(LOG_WARN, "nothing to reload", "why", "a demo has no file", NULL);
                return;
        }
        buf_init(&problems, 1u << 20);
        config = config_load(app->options.config_file, &problems);
        if (!config)
                log_event(LOG_ERROR, "configuration not reloaded", "problems", buf_cstr(&problems),
                          NULL);
        else if (api_reload(app->api, config, &err))
                log_event(LOG_ERROR, "configuration not reloaded", "problem", err.detail, NULL);
        else
                log_event(LOG_INFO, "configuration reloaded", "brands",
                          log_int((long long)config->brands->n), NULL);
        if (config && !err.code)
                set_log_level(config->log_level);
        config_free(config);
        buf_fini(&problems);
}

static int open_all(struct app *app)
{
        app->loop = loop_new();
        app->httpd = httpd_new(app->loop);
        app->metrics = metrics_new();
        if (open_keys(app) || open_store(app) || open_paper(app) || open_venue(app) ||
            open_api(app) || open_listeners(app))
                return -1;
        app->ready_timer = loop_timer_new(app->loop, look_ready, app);
        app->drain_timer = loop_timer_new(app->loop, look_drained, app);
        app->on_term = loop_signal_new(app->loop, SIGTERM, on_end, app);
        app->on_int = loop_signal_new(app->loop, SIGINT, on_end, app);
        app->on_hup = loop_signal_new(app->loop, SIGHUP, on_reload, app);
        loop_timer_start(app->ready_timer, READY_LOOK_MS, READY_LOOK_MS);
        return 0;
}

static void remove_data(struct app *app)
{
        static const char *const files[] = {"perpgate.db", "perpgate.db-wal", "perpgate.db-shm",
                                            "perpgate.db-lock", "master.key"};
        char path[320];

        if (!app->data_is_ours)
                return;
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
                snprintf(path, sizeof path, "%s/%s", app->data_dir, files[i]);
                (void)!unlink(path);
        }
        (void)!rmdir(app->data_dir);
}

static void close_all(struct app *app)
{
        /* Past the deadline with actions under way: they are in the journal, and taking the parts
         * apart below them is not worth a risk. */
        if (app->api && (api_open_calls(app->api) || httpd_requests_open(app->httpd))) {
                log_event(LOG_WARN, "ended before all was answered", "open",
                          log_int(api_open_calls(app->api)), NULL);
                api_end(app->api);
                store_close(app->store);
                _exit(1);
        }
        loop_signal_free(app->on_hup);
        loop_signal_free(app->on_int);
        loop_signal_free(app->on_term);
        loop_timer_free(app->drain_timer);
        loop_timer_free(app->ready_timer);
        if (app->venue)
                app->venue->ops->close(app->venue);
        paper_stop(app->paper);
        if (app->httpd)
                httpd_free(app->httpd);
        if (app->paper_httpd)
                httpd_free(app->paper_httpd);
        paper_close(app->paper);
        auth_free(app->auth);
        nonce_ledger_free(app->nonces);
        store_close(app->store);
        api_free(app->api);
        vault_free(app->vault);
        secp_free(app->secp);
        metrics_free(app->metrics);
        loop_free(app->loop);
        config_free(app->config);
        remove_data(app);
}

static void raise_file_limit(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
                limit.rlim_cur = limit.rlim_max;
                (void)!setrlimit(RLIMIT_NOFILE, &limit);
        }
}

int main(int argc, char **argv)
{
        struct app app = {.status = 1};

        secret_process_init();
        signal(SIGPIPE, SIG_IGN);
        raise_file_limit();
        if (options_read(&app.options, argc, argv))
                return 2;
        if (load_config(&app)) {
                remove_data(&app);
                return 1;
        }
        if (app.options.check) {
                printf("%s: ok, %zu brands\n", app.options.config_file, app.config->brands->n);
                config_free(app.config);
                return 0;
        }
        set_log_level(app.config->log_level);
        if (open_all(&app) == 0) {
                loop_run(app.loop);
                app.status = 0;
        }
        close_all(&app);
        return app.status;
}
