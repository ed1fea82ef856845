/* perpgate: reads the command line, opens the parts (app_parts.c), runs the loop, and takes
 * them apart.
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

#include "app.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"

#define DRAIN_LOOK_MS 20
#define READY_LOOK_MS 20

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
        bool empty = api_open_calls(app->api) == 0 && httpd_requests_open(app->httpd) == 0 &&
                     sockets_open(app->sockets) == 0 && compat_ws_open(app->compat_ws) == 0;
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
        sockets_drain(app->sockets);
        compat_ws_drain(app->compat_ws);
        app->drain_until = clock_mono_ms(loop_clock(app->loop)) + app->config->drain_deadline_ms;
        loop_timer_start(app->drain_timer, 0, DRAIN_LOOK_MS);
}

static void on_reload(void *cookie)
{
        struct app *app = cookie;
        struct err err = {.code = E_OK};
        struct config *config;
        struct buf problems;
        bool done = false;

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
                done = true;
        api_note(app->api, done ? "config_reloaded" : "config_refused", "{}");
        if (done)
                log_event(LOG_INFO, "configuration reloaded", "brands",
                          log_int((long long)config->brands->n), NULL);
        if (done) {
                tell_brands(app->tell, config->brands);
                sockets_reload(app->sockets);
                compat_ws_reload(app->compat_ws);
                live_reload(app->live);
                set_log_level(config->log_level);
        }
        config_free(config);
        buf_fini(&problems);
}

static int open_all(struct app *app)
{
        app->loop = loop_new();
        if (app_parts_open(app))
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
        static const char *const files[] = {"perpgate.db",         "perpgate.db-wal",
                                            "perpgate.db-shm",     "perpgate.db-lock",
                                            "perpgate.db-reserve", "perpgate.db-reserve-journal",
                                            "candles.db",          "candles.db-wal",
                                            "candles.db-shm",      "master.key"};
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
        app_parts_close(app);
        loop_signal_free(app->on_hup);
        loop_signal_free(app->on_int);
        loop_signal_free(app->on_term);
        loop_timer_free(app->drain_timer);
        loop_timer_free(app->ready_timer);
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
        signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a full disk, not the end */
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
