/* The parts of the program, opened in the order in which they stand on each other. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/admin.h"
#include "app.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "ctl/rotation.h"

#define MASTER_KEY_ENV    "PERPGATE_MASTER_KEY"
#define CHALLENGE_MS      300000
#define ADMIN_BODY_MAX    1024
#define ADMIN_CONNECTIONS 64
#define CANDLES_KEPT      2000000                     /* rows; some 80 bytes each */
#define BUILDER_FUNDS     (INT64_C(1000) * NUM_SCALE) /* a builder must hold some to be eligible */

void app_complain(const struct err *err, const char *what)
{
        fprintf(stderr, "perpgate: %s: %s\n", what,
                err->detail[0] ? err->detail : err_text(err->code));
}

static int open_keys(struct app *app)
{
        struct err err = {.code = E_OK};
        struct secret master = {.data = NULL};
        const char *file = app->config->master_key_file;

        app->secp = secp_new();
        if (app->options.demo) {
                enum errc rc = vault_make_master_file(file, &err);
                if (rc && rc != E_EXISTS) {
                        app_complain(&err, file);
                        return -1;
                }
                err = (struct err){.code = E_OK};
        }
        if (vault_read_master(&master, file, MASTER_KEY_ENV, &err)) {
                app_complain(&err, "master key");
                return -1;
        }
        app->vault = vault_new(&master, app->secp);
        return 0;
}

static void open_backup(struct app *app)
{
        const struct config *c = app->config;
        char folder[300];
        struct store_backup_options options = {.folder = folder,
                                               .every_ms = c->backup.every_ms,
                                               .keep = c->backup.keep,
                                               .bytes_per_second = c->backup.bytes_per_second};

        snprintf(folder, sizeof folder, "%s", c->backup.dir);
        if (!c->backup.dir[0])
                snprintf(folder, sizeof folder, "%s/backups", c->data_dir);
        app->backup = store_backup_new(app->store, &options);
}

/* Charts go on without what is kept. */
static void open_candles(struct app *app)
{
        struct err err = {.code = E_OK};
        char file[300];

        snprintf(file, sizeof file, "%s/candles.db", app->config->data_dir);
        app->candles = candle_store_open(app->loop, file, CANDLES_KEPT, &err);
        if (!app->candles)
                log_event(LOG_WARN, "no candles are kept", "file", file, "why", err.detail, NULL);
}

static int open_store(struct app *app)
{
        struct err err = {.code = E_OK};
        char file[300];

        snprintf(file, sizeof file, "%s/perpgate.db", app->config->data_dir);
        app->store = store_open(app->loop, file, &err);
        if (!app->store) {
                app_complain(&err, file);
                return -1;
        }
        rotation_pick(&app->vault, app->store, app->config->master_key_file, app->secp);
        open_backup(app);
        open_candles(app);
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
                app_complain(&err, "paper venue");
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
                .n_egress = c->venue.n_egress,
                .node_url = c->venue.node.info_url[0] ? c->venue.node.info_url : NULL,
                .node_max_lag_ms = c->venue.node.max_lag_ms,
                .accounts_per_read = c->venue.node.accounts_per_read,
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

        for (unsigned i = 0; i < c->venue.n_egress; i++)
                must(text_copy(options.egress[i], sizeof options.egress[i], c->venue.egress[i]));
        for (unsigned i = 0; i < c->venue.n_dexes; i++)
                must(text_copy(options.dex[i], sizeof options.dex[i], c->venue.dex[i]));
        app->venue = venue_open(app->loop, &options, &err);
        if (!app->venue)
                app_complain(&err, "venue");
        return app->venue ? 0 : -1;
}

static int open_alerts(struct app *app)
{
        struct alerts_options options = {
                .loop = app->loop,
                .store = app->store,
                .metrics = app->metrics,
        };

        app->alerts = alerts_new(&options);
        return 0;
}

/* The venue's socket is where its requests go, with another scheme. */
static bool feed_url(char *out, size_t cap, const char *base)
{
        static const char plain[] = "http://", secure[] = "https://";
        int n;

        if (strncmp(base, secure, sizeof secure - 1) == 0)
                n = snprintf(out, cap, "wss://%s/ws", base + sizeof secure - 1);
        else
                n = snprintf(out, cap, "ws://%s/ws", base + sizeof plain - 1);
        return n > 0 && (size_t)n < cap;
}

/* 0 means never in the file, and the default where it goes. */
static int64_t or_never(int64_t ms)
{
        return ms ? ms : -1;
}

static struct feed_limits feed_limits(const struct config *c)
{
        const struct config_feed *from = &c->venue.feed;

        return (struct feed_limits){
                .connections = from->connections,
                .connects_per_minute = from->connects_per_minute,
                .subscriptions = from->subscriptions,
                .users = c->mirror.users,
                .messages_per_minute = from->messages_per_minute,
                .answer_ms = from->answer_ms,
                .linger_ms = or_never(from->linger_ms),
                .silent_ms = {[FEED_CONTEXTS] = or_never(from->contexts_silent_ms),
                              [FEED_TRADES] = or_never(from->trades_silent_ms),
                              [FEED_USER_STATE] = or_never(from->user_state_silent_ms),
                              [FEED_USER_ORDERS] = or_never(from->user_orders_silent_ms),
                              [FEED_BOOK] = or_never(from->book_silent_ms),
                              [FEED_BBO] = or_never(from->bbo_silent_ms),
                              [FEED_CANDLES] = or_never(from->candles_silent_ms)},
        };
}

static int open_keeper(struct app *app)
{
        const struct config *c = app->config;
        struct err err = {.code = E_OK};
        char url[300];
        struct keeper_options options = {
                .loop = app->loop,
                .venue = app->venue,
                .kind = c->venue.kind,
                .ca_file = c->venue.ca_file[0] ? c->venue.ca_file : NULL,
                .n_egress = c->venue.n_egress,
                .egress = c->venue.egress,
                .limits = feed_limits(c),
                .poll_weight = c->mirror.poll_weight,
                .polls_at_once = c->mirror.polls_at_once,
                .max_age_ms = c->mirror.check_max_age_ms,
                .show_age_ms = c->mirror.show_max_age_ms,
        };

        app->tell = tell_new(app->alerts);
        tell_brands(app->tell, c->brands);
        options.mirror.hooks = tell_hooks(app->tell);
        if (tell_bands(options.mirror.band, &options.mirror.n_bands, c->brands))
                (void)err_set(&err, E_CONFIG,
                              "the brands alert at more than %d liquidation distances in all",
                              MIRROR_BANDS_MAX);
        for (size_t i = 0; i < c->brands->n; i++) {
                struct rate *least = &options.mirror.drift_share;
                if (!least->v || c->brands->brand[i]->drift_threshold.v < least->v)
                        *least = c->brands->brand[i]->drift_threshold;
        }
        if (c->mirror.feed && c->venue.node.ws_url[0])
                options.feed_url = c->venue.node.ws_url;
        else if (c->mirror.feed && feed_url(url, sizeof url, c->venue.base_url))
                options.feed_url = url;
        if (!err.code)
                app->keeper = keeper_open(&options, &err);
        if (!app->keeper) {
                app_complain(&err, "mirror");
                return -1;
        }
        tell_keeper(app->tell, app->keeper);
        return 0;
}

static int open_api(struct app *app)
{
        struct err err = {.code = E_OK};
        uint8_t life[8];
        struct api_options options = {
                .loop = app->loop,
                .clock = loop_clock(app->loop),
                .httpd = app->httpd,
                .store = app->store,
                .backup = app->backup,
                .candles = app->candles,
                .auth = app->auth,
                .vault = app->vault,
                .secp = app->secp,
                .nonces = app->nonces,
                .venue = app->venue,
                .metrics = app->metrics,
                .alerts = app->alerts,
                .keeper = app->keeper,
                .expires_after_ms = app->config->venue.expires_after_ms,
        };

        /* Of this process alone: what another left open in the journal is told apart by it. */
        secret_random(life, sizeof life);
        must(text_copy(app->node, sizeof app->node, "local-"));
        hex_encode(app->node + strlen(app->node), life, sizeof life);
        options.node = app->node;
        app->api = api_new(&options, app->config, &err);
        if (!app->api)
                app_complain(&err, "api");
        else
                app->compat = compat_new(app->api);
        return app->api ? 0 : -1;
}

static int open_streams(struct app *app)
{
        const struct config_streams *c = &app->config->streams;

        app->sockets = sockets_new(app->api, c);
        app->live = live_new(app->api, sockets_hub(app->sockets), c->poll_weight);
        api_stream(app->api, sockets_hub(app->sockets));
        app->ws_paths = ws_paths_new(compat_handle, app->compat);
        ws_paths_add(app->ws_paths, SOCKETS_PATH, &sockets_ops, app->sockets);
        app->compat_ws = compat_ws_new(app->compat, c->queue_bytes);
        ws_paths_add(app->ws_paths, COMPAT_WS_PATH, &compat_ws_ops, app->compat_ws);
        return 0;
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
        *out = httpd_listen(app->httpd, options, &err);
        if (!*out)
                app_complain(&err, where->address);
        return *out ? 0 : -1;
}

static int open_listeners(struct app *app)
{
        const struct config *c = app->config;
        struct httpd_listen_options public_options = {
                .max_body_bytes = c->max_body_bytes,
                .max_connections = c->max_connections,
                .max_connections_per_address = c->max_connections_per_address,
                .ws_max_message_bytes = SOCKETS_MESSAGE_BYTES,
                .ws_max_queue_bytes = c->streams.queue_bytes,
                .ws_ping_ms = c->streams.ping_ms,
                .ws_idle_ms = c->streams.idle_ms,
                .ws_deflate = c->streams.deflate,
        };
        struct httpd_listen_options admin_options = {
                .max_body_bytes = ADMIN_BODY_MAX,
                .max_connections = ADMIN_CONNECTIONS,
                .handler = admin_handle,
                .cookie = app->api,
        };

        ws_paths_listen(app->ws_paths, &public_options);

        if (listen_on(app, &app->public_listener, &c->public_listener, &public_options))
                return -1;
        return listen_on(app, &app->admin_listener, &c->admin_listener, &admin_options);
}

int app_parts_open(struct app *app)
{
        app->httpd = httpd_new(app->loop);
        app->metrics = metrics_new();
        if (open_keys(app) || open_store(app) || open_paper(app) || open_venue(app) ||
            open_alerts(app) || open_keeper(app) || open_api(app) || open_streams(app) ||
            open_listeners(app))
                return -1;
        return 0;
}

void app_parts_close(struct app *app)
{
        /* Past the deadline with actions under way: they are in the journal, and taking the parts
         * apart below them is not worth a risk. */
        if (app->api && (api_open_calls(app->api) || httpd_requests_open(app->httpd))) {
                log_event(LOG_WARN, "ended before all was answered", "open",
                          log_int(api_open_calls(app->api)), NULL);
                api_end(app->api);
                api_flush(app->api);
                store_close(app->store);
                store_backup_free(app->backup);
                _exit(1);
        }
        /* What the gateway does of its own accord signs nothing below parts that are gone. */
        if (app->api)
                api_end(app->api);
        /* What the venue is still asked ends with the venue, and is told to the mirror. */
        if (app->venue)
                app->venue->ops->close(app->venue);
        live_stop(app->live);
        compat_ws_stop(app->compat_ws);
        keeper_close(app->keeper);
        tell_free(app->tell);
        paper_stop(app->paper);
        if (app->httpd)
                httpd_free(app->httpd);
        if (app->paper_httpd)
                httpd_free(app->paper_httpd);
        paper_close(app->paper);
        ws_paths_free(app->ws_paths);
        compat_ws_free(app->compat_ws);
        sockets_free(app->sockets);
        live_free(app->live);
        auth_free(app->auth);
        nonce_ledger_free(app->nonces);
        alerts_free(app->alerts);
        if (app->api)
                api_flush(app->api);
        store_close(app->store);
        candle_store_close(app->candles);
        store_backup_free(app->backup);
        compat_free(app->compat);
        api_free(app->api);
        vault_free(app->vault);
        secp_free(app->secp);
        metrics_free(app->metrics);
}
