#include "loop/ws_client.h"

#include <openssl/ssl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/lws_include.h"
#include "loop/worker.h"
#include "loop/ws_client_url.h"

/* The library's context is this client's own, on the same libev loop. Its traps that shape this file:
 * connecting by name would look the name up on the loop; a message comes in pieces; one write per
 * writeable callback, which may also come unasked; the library answers a failed attempt from inside
 * the call that began it. */

#define PING_MS     INT64_C(50000)
#define IDLE_MS     INT64_C(90000)
#define CONNECT_MS  INT64_C(10000)
#define BACKOFF_MIN INT64_C(500)
#define BACKOFF_MAX INT64_C(30000)
#define REASON_MAX  160
#define FDS_MAX     32

enum state {
        WAITING,    /* for the next attempt */
        RESOLVING,  /* a worker looks the name up */
        CONNECTING, /* the library connects and shakes hands */
        OPEN,
        CLOSING, /* next turn */
};

struct outgoing {
        struct list in_queue;
        size_t len;
        uint8_t room[]; /* LWS_PRE bytes for the library, then the text */
};

struct ws_client {
        struct loop *loop;
        struct worker *worker;
        struct worker_job job;
        struct lws_context *context;
        SSL_CTX *tls; /* NULL: plain */
        struct lws *wsi;
        struct ws_client_options options;
        struct ws_client_url url;
        struct ws_client_addresses found; /* the worker's while RESOLVING */
        enum state state;
        unsigned n_failures; /* attempts since something was last heard */
        bool is_freed;
        bool wants_ping;
        bool is_first_piece;
        struct loop_timer *retry, *deadline, *pulse;
        int64_t heard_until, pinged_until; /* monotonic ms */
        struct list queue;
        size_t queued_bytes;
        struct buf message;
        char reason[REASON_MAX];
};

static int64_t now_ms(const struct ws_client *c)
{
        return clock_mono_ms(loop_clock(c->loop));
}

static void say_why(struct ws_client *c, const char *reason)
{
        if (!c->reason[0])
                (void)text_copy(c->reason, sizeof(c->reason), reason);
}

/* ---- Ends and beginnings --------------------------------------------------------------------- */

static void queue_clear(struct ws_client *c)
{
        list_each_safe (it, &c->queue) {
                struct outgoing *out = list_entry(it, struct outgoing, in_queue);

                list_remove(it);
                free(out);
        }
        c->queued_bytes = 0;
}

/* Doubled with every failure; anywhere in its upper half, so that clients don't return together. */
static int64_t next_wait(struct ws_client *c)
{
        int64_t wait = c->options.backoff_min_ms;

        for (unsigned i = 0; i < c->n_failures && wait < c->options.backoff_max_ms; i++)
                wait *= 2;
        if (wait > c->options.backoff_max_ms)
                wait = c->options.backoff_max_ms;
        return wait / 2 + randombytes_uniform((uint32_t)(wait - wait / 2) + 1);
}

static void ended(struct ws_client *c, const char *reason)
{
        if (c->is_freed || c->state == WAITING)
                return;
        say_why(c, reason);
        c->state = WAITING;
        c->wsi = NULL;
        loop_timer_stop(c->deadline);
        loop_timer_stop(c->pulse);
        queue_clear(c);
        buf_reset(&c->message);
        loop_timer_start(c->retry, next_wait(c), 0);
        c->n_failures++;
        c->options.closed(c->options.cookie, c->reason);
}

/* Next turn, because it may be asked for from inside the library. */
static void close_soon(struct ws_client *c, const char *reason)
{
        say_why(c, reason);
        c->state = CLOSING;
        loop_timer_start(c->deadline, 1, 0);
}

static void connect_now(struct ws_client *c)
{
        struct lws_client_connect_info info = {
                .context = c->context,
                .address = c->found.text[c->n_failures % c->found.n],
                .port = c->url.port,
                .path = c->url.path,
                .host = c->url.authority,
                .iface = c->options.bind_address,
                .ssl_connection = c->url.is_tls ? LCCSCF_USE_SSL : 0,
                .local_protocol_name = "ws-client",
                .pwsi = &c->wsi,
        };

        c->state = CONNECTING;
        if (!lws_client_connect_via_info(&info))
                ended(c, "the connection could not be begun");
}

static void look_up(struct worker_job *job, void *state)
{
        struct ws_client *c = list_entry(job, struct ws_client, job);

        (void)state;
        ws_client_url_resolve(&c->found, c->url.host);
}

static void looked_up(struct worker_job *job)
{
        struct ws_client *c = list_entry(job, struct ws_client, job);

        if (c->is_freed)
                return;
        if (c->state == CLOSING)
                ended(c, "it took too long to look the name up");
        else if (c->found.n)
                connect_now(c);
        else
                ended(c, c->found.reason);
}

static void on_retry(void *cookie)
{
        struct ws_client *c = cookie;

        if (c->options.may_connect && !c->options.may_connect(c->options.cookie)) {
                loop_timer_start(c->retry, c->options.backoff_min_ms, 0);
                return;
        }
        c->reason[0] = '\0';
        c->state = RESOLVING;
        loop_timer_start(c->deadline, c->options.connect_ms, 0);
        c->job = (struct worker_job){.run = look_up, .done = looked_up};
        must(worker_submit(c->worker, &c->job) == E_OK); /* one at a time */
}

static void on_deadline(void *cookie)
{
        struct ws_client *c = cookie;

        if (c->state == RESOLVING) {
                c->state = CLOSING; /* the lookup can't be stopped: its end ends this */
                return;
        }
        if (!c->wsi || (c->state != CONNECTING && c->state != CLOSING))
                return;
        say_why(c, "the peer took too long to answer");
        c->state = CLOSING;
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
        ended(c, ""); /* where the library did not say so */
}

/* ---- What the connection does ------------------------------------------------------------------ */

static void on_pulse(void *cookie)
{
        struct ws_client *c = cookie;
        int64_t now = now_ms(c);

        if (c->state != OPEN)
                return;
        if (now - c->heard_until >= c->options.idle_ms) {
                close_soon(c, "nothing came for too long");
                return;
        }
        if (now - c->pinged_until < c->options.ping_ms)
                return;
        c->pinged_until = now;
        if (!c->options.ping_text) {
                c->wants_ping = true;
                lws_callback_on_writable(c->wsi);
        } else if (ws_client_send(c, c->options.ping_text, strlen(c->options.ping_text))) {
                close_soon(c, "it takes nothing any more");
        }
}

static void opened(struct ws_client *c)
{
        int64_t shorter =
                c->options.ping_ms < c->options.idle_ms ? c->options.ping_ms : c->options.idle_ms;
        int64_t pulse = shorter / 4 > 0 ? shorter / 4 : 1;

        if (c->state != CONNECTING)
                return;
        c->state = OPEN;
        c->heard_until = c->pinged_until = now_ms(c);
        c->wants_ping = false;
        c->is_first_piece = true;
        loop_timer_stop(c->deadline);
        loop_timer_start(c->pulse, pulse, pulse);
        c->options.opened(c->options.cookie);
}

/* A piece of a message. Returns whether the connection may stay. */
static bool received(struct ws_client *c, const void *data, size_t len)
{
        if (c->state != OPEN)
                return true;
        c->heard_until = now_ms(c);
        if (c->is_first_piece && lws_frame_is_binary(c->wsi)) {
                say_why(c, "the peer sent a binary message");
                return false;
        }
        if (len > c->options.max_message_bytes - c->message.len) {
                say_why(c, "the peer sent a message that is too long");
                return false;
        }
        buf_put(&c->message, data, len);
        c->is_first_piece = lws_is_final_fragment(c->wsi) && !lws_remaining_packet_payload(c->wsi);
        if (!c->is_first_piece)
                return true;
        c->n_failures = 0;
        c->options.message(c->options.cookie, buf_cstr(&c->message), c->message.len);
        buf_reset(&c->message);
        return true;
}

/* One write; more waits for the next callback. */
static bool writable(struct ws_client *c)
{
        uint8_t empty[LWS_PRE + 1] = {0};
        struct outgoing *out;
        bool is_written;

        if (c->state != OPEN)
                return true;
        if (c->wants_ping) {
                c->wants_ping = false;
                is_written = lws_write(c->wsi, empty + LWS_PRE, 0, LWS_WRITE_PING) >= 0;
        } else if (list_empty(&c->queue)) {
                return true;
        } else {
                out = list_entry(c->queue.next, struct outgoing, in_queue);
                list_remove(&out->in_queue);
                c->queued_bytes -= out->len;
                is_written = lws_write(c->wsi, out->room + LWS_PRE, out->len, LWS_WRITE_TEXT) >=
                             (int)out->len;
                free(out);
        }
        if (!is_written)
                say_why(c, "it could not be written to");
        else if (!list_empty(&c->queue))
                lws_callback_on_writable(c->wsi);
        return is_written;
}

static void close_code(struct ws_client *c, const uint8_t *data, size_t len)
{
        char text[REASON_MAX];

        if (len < 2) {
                say_why(c, "the peer closed it");
                return;
        }
        (void)snprintf(text, sizeof(text), "the peer closed it: %u %.*s", data[0] << 8 | data[1],
                       (int)(len - 2 < 120 ? len - 2 : 120), (const char *)data + 2);
        say_why(c, text);
}

/* Every callback the library has comes here; those that are not named are none of ours. */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
        struct ws_client *c = lws_context_user(lws_get_context(wsi));
        bool stays = true;

        (void)user;
        if (!c || c->is_freed || (c->wsi && wsi != c->wsi))
                return 0;
        if (reason == LWS_CALLBACK_CLIENT_ESTABLISHED)
                opened(c);
        else if (reason == LWS_CALLBACK_CLIENT_RECEIVE)
                stays = received(c, in, len);
        else if (reason == LWS_CALLBACK_CLIENT_RECEIVE_PONG)
                c->heard_until = now_ms(c);
        else if (reason == LWS_CALLBACK_CLIENT_WRITEABLE)
                stays = writable(c);
        else if (reason == LWS_CALLBACK_WS_PEER_INITIATED_CLOSE)
                close_code(c, in, len);
        else if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR)
                ended(c, in && len ? in : "the connection could not be made");
        else if (reason == LWS_CALLBACK_CLIENT_CLOSED)
                ended(c, "the connection was lost");
        return stays ? 0 : -1;
}

/* ---- Life -------------------------------------------------------------------------------------- */

static void on_library_log(int level, const char *line)
{
        (void)level;
        log_event(LOG_DEBUG, "libwebsockets", "line", line, NULL);
}

/* Whom to believe. Our own, because the library finds its own settings again through OpenSSL's indexes,
 * which it keeps in globals that every further context makes anew. */
static bool open_tls(struct ws_client *c)
{
        if (!c->url.is_tls)
                return true;
        c->tls = SSL_CTX_new(TLS_client_method());
        must(c->tls != NULL);
        (void)SSL_CTX_set_min_proto_version(c->tls, TLS1_2_VERSION);
        SSL_CTX_set_verify(c->tls, SSL_VERIFY_PEER, NULL);
        if (c->options.ca_file)
                return SSL_CTX_load_verify_locations(c->tls, c->options.ca_file, NULL) == 1;
        return SSL_CTX_set_default_verify_paths(c->tls) == 1;
}

static struct lws_context *context_new(struct ws_client *c)
{
        static const struct lws_protocols protocols[] = {
                {.name = "ws-client", .callback = on_event, .rx_buffer_size = 4096},
                {.name = NULL},
        };
        void *loops[] = {loop_native(c->loop)};
        struct lws_context_creation_info info = {
                .port = CONTEXT_PORT_NO_LISTEN,
                .protocols = protocols,
                .options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_VALIDATE_UTF8,
                .foreign_loops = loops,
                .gid = -1,
                .uid = -1,
                .user = c,
                .fd_limit_per_thread = FDS_MAX,
                .http_proxy_address = "", /* else the environment would choose one */
        };

        if (c->tls) {
                info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
                info.provided_client_ssl_ctx = c->tls;
        }
        lws_set_log_level(LLL_ERR, on_library_log);
        return lws_create_context(&info);
}

static int64_t or_default(int64_t v, int64_t fallback)
{
        return v > 0 ? v : fallback;
}

static void take_options(struct ws_client *c, const struct ws_client_options *options)
{
        struct ws_client_options *o = &c->options;

        *o = *options;
        o->url = NULL; /* parsed */
        o->ping_text = options->ping_text ? xstrdup(options->ping_text) : NULL;
        o->ca_file = options->ca_file ? xstrdup(options->ca_file) : NULL;
        o->bind_address = options->bind_address ? xstrdup(options->bind_address) : NULL;
        o->ping_ms = or_default(o->ping_ms, PING_MS);
        o->idle_ms = or_default(o->idle_ms, IDLE_MS);
        o->connect_ms = or_default(o->connect_ms, CONNECT_MS);
        o->backoff_min_ms = or_default(o->backoff_min_ms, BACKOFF_MIN);
        o->backoff_max_ms = or_default(o->backoff_max_ms, BACKOFF_MAX);
}

struct ws_client *ws_client_new(struct loop *loop, const struct ws_client_options *options,
                                struct err *err)
{
        struct worker_options worker = {.name = "ws-names", .max_queued = 1, .max_batch = 1};
        struct ws_client *c = xcalloc(1, sizeof(*c));

        must(sodium_init() >= 0);
        c->loop = loop;
        c->state = WAITING;
        list_init(&c->queue);
        buf_init(&c->message, options->max_message_bytes);
        take_options(c, options);
        if (ws_client_url_parse(&c->url, options->url, err))
                goto failed;
        if (!open_tls(c)) {
                (void)err_set(err, E_CONFIG, "the trust anchors can't be read");
                goto failed;
        }
        c->context = context_new(c);
        if (!c->context) {
                (void)err_set(err, E_CONFIG,
                              "libwebsockets gives no client: is its libev plug-in installed?");
                goto failed;
        }
        c->worker = worker_new(loop, &worker);
        c->retry = loop_timer_new(loop, on_retry, c);
        c->deadline = loop_timer_new(loop, on_deadline, c);
        c->pulse = loop_timer_new(loop, on_pulse, c);
        loop_timer_start(c->retry, 1, 0);
        return c;
failed:
        ws_client_free(c);
        return NULL;
}

void ws_client_free(struct ws_client *c)
{
        if (!c)
                return;
        c->is_freed = true;
        worker_free(c->worker);
        if (c->context)
                lws_context_destroy(c->context);
        SSL_CTX_free(c->tls);
        loop_timer_free(c->retry);
        loop_timer_free(c->deadline);
        loop_timer_free(c->pulse);
        queue_clear(c);
        buf_fini(&c->message);
        free((char *)(uintptr_t)c->options.ping_text);
        free((char *)(uintptr_t)c->options.ca_file);
        free((char *)(uintptr_t)c->options.bind_address);
        free(c);
}

enum errc ws_client_send(struct ws_client *c, const void *text, size_t len)
{
        struct outgoing *out;

        if (c->state != OPEN)
                return E_NOT_FOUND;
        if (len > c->options.max_queue_bytes - c->queued_bytes)
                return E_LIMIT;
        out = xmalloc(sizeof(*out) + LWS_PRE + len);
        list_init(&out->in_queue);
        out->len = len;
        memcpy(out->room + LWS_PRE, text, len);
        list_push_back(&c->queue, &out->in_queue);
        c->queued_bytes += len;
        lws_callback_on_writable(c->wsi);
        return E_OK;
}

void ws_client_restart(struct ws_client *c, const char *reason)
{
        if (c->state == OPEN || (c->state == CONNECTING && c->wsi))
                close_soon(c, reason);
}
