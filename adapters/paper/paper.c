#include "adapters/paper/paper.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/paper_journal.h"
#include "adapters/paper/paper_source.h"
#include "adapters/paper/paper_state.h"
#include "adapters/paper/paper_twap.h"
#include "adapters/paper/paper_ledger.h"
#include "adapters/paper/wire.h"
#include "base/log.h"
#include "base/mem.h"
#include "sign/keccak.h"

#define TICK_MS          500
#define REQUEST_MS       15000
#define KEEP_ALIVE_MS    60000
#define CONNECTIONS      1000
#define WS_MESSAGE_BYTES (256u << 10)
#define WS_QUEUE_BYTES   (8u << 20)
#define WS_IDLE_MS       60000

void paper_answer_init(struct paper_answer *answer)
{
        memset(answer, 0, sizeof(*answer));
        answer->status = 200;
        buf_init(&answer->body, PAPER_ANSWER_MAX);
}

void paper_answer_fini(struct paper_answer *answer)
{
        buf_fini(&answer->body);
}

void paper_answer_text(struct paper_answer *answer, int status, const char *text)
{
        answer->status = status;
        answer->is_text = true;
        buf_reset(&answer->body);
        buf_puts(&answer->body, text);
}

/* ---- Time, names ----------------------------------------------------------------------------- */

int64_t paper_wall_now(struct paper *p)
{
        return clock_wall_ms(loop_clock(p->loop));
}

int64_t paper_now(struct paper *p)
{
        int64_t at = paper_wall_now(p) + p->advanced_ms;

        if (at > p->last_at)
                p->last_at = at;
        return p->last_at;
}

struct hash32 paper_next_hash(struct paper *p)
{
        struct hash32 hash;
        uint64_t n = ++p->n_hashes;

        keccak256(&hash, &n, sizeof(n));
        return hash;
}

bool paper_is_house(const struct paper *p, const struct addr *user)
{
        return hex_addr_equal(user, &p->maker) || hex_addr_equal(user, &p->taker);
}

const char *paper_coin(const struct paper *p, uint32_t asset)
{
        return p->universe.spec[asset].name;
}

unsigned paper_dex_of(const struct paper *p, uint32_t asset)
{
        return p->universe.spec[asset].dex;
}

const char *paper_token_of(const struct paper *p, uint32_t asset)
{
        return paper_dexes_token[p->universe.dex[paper_dex_of(p, asset)].token].name;
}

static void move_on(struct paper *p, int64_t at)
{
        if (p->source)
                paper_source_tick(p->source, at);
        paper_funding_tick(p, at);
        engine_tick(p->engine, at);
        paper_users_tick(p, at);
        paper_twap_tick(p, at);
}

void paper_advance(struct paper *p, int64_t ms)
{
        /* In steps from slice to slice, what waits for the price of now first: a TWAP runs as it
         * would have. */
        paper_twap_tick(p, paper_now(p));
        do {
                int64_t due = paper_twap_next(p) - paper_now(p);
                int64_t step = due < ms ? due : ms;

                if (step < 0)
                        step = 0;

                p->advanced_ms += step;
                ms -= step;
                move_on(p, paper_now(p));
                paper_feed_flush(p);
        } while (ms > 0);
}

static void on_tick(void *cookie)
{
        struct paper *p = cookie;
        int64_t at = paper_now(p);

        p->n_ticks++;
        if (p->n_ticks % 2 == 0)
                paper_market_tick(p, at);
        move_on(p, at);
        paper_feed_flush(p);
        paper_feed_tick(p);
}

/* ---- Requests -------------------------------------------------------------------------------- */

void paper_reply(struct paper *p, struct handle request, struct paper_answer *answer)
{
        static const struct httpd_header_pair cors[] = {
                {"Access-Control-Allow-Origin", "*"},
                {"Access-Control-Allow-Methods", "GET, POST, OPTIONS"},
                {"Access-Control-Allow-Headers", "*"},
                {"Access-Control-Max-Age", "600"},
        };

        httpd_reply(p->httpd, request, answer->status,
                    answer->is_text ? "text/plain; charset=utf-8" : "application/json", cors,
                    sizeof(cors) / sizeof(cors[0]), buf_cstr(&answer->body), answer->body.len);
}

void paper_process(struct paper *p, struct paper_answer *answer, const char *peer, const char *text,
                   size_t len, enum paper_path path)
{
        json_t *body = hl_raw_load(text, len, NULL);

        if (!paper_limits_admit(p, peer, path, body)) {
                paper_answer_text(answer, 429, "Too Many Requests");
        } else if (!body) {
                paper_answer_text(answer, 422, PAPER_422);
        } else if (path == PAPER_PATH_EXCHANGE) {
                paper_exchange_run(p, answer, body);
        } else {
                paper_info_run(p, answer, body);
                paper_limits_settle(p, peer, body, answer);
        }
        json_decref(body);
}

static void process(struct paper *p, struct paper_answer *answer,
                    const struct httpd_request *request, enum paper_path path)
{
        paper_process(p, answer, request->peer, request->body, request->body_len, path);
}

/* /info and /exchange, with whatever fault is due. */
static void serve(struct paper *p, const struct httpd_request *request, enum paper_path path)
{
        struct paper_fault fault = paper_faults_take(p, path);
        struct paper_answer answer;

        paper_answer_init(&answer);
        switch (fault.kind) {
        case PAPER_FAULT_NONE:
        case PAPER_FAULT_DUPLICATE_EVENT:
        case PAPER_FAULT_REORDER_EVENTS:
        case PAPER_FAULT_LOST_EVENT:
        case PAPER_FAULT_CROSSED_BOOK:
        case PAPER_FAULT_HALF_OPEN:
                process(p, &answer, request, path);
                paper_reply(p, request->handle, &answer);
                break;
        case PAPER_FAULT_DELAY:
                process(p, &answer, request, path);
                paper_late_answer(p, request->handle, &answer, fault.delay_ms);
                break;
        case PAPER_FAULT_LATE: paper_late_request(p, request, path, fault.delay_ms); break;
        case PAPER_FAULT_LOST_ANSWER:
                process(p, &answer, request, path);
                httpd_abort(p->httpd, request->handle);
                break;
        case PAPER_FAULT_CLOSE_SOCKET: httpd_abort(p->httpd, request->handle); break;
        case PAPER_FAULT_SILENT_SOCKET:
        case PAPER_FAULT_NO_ANSWER: break; /* the request stays open until the client gives up */
        case PAPER_FAULT_429:
                paper_answer_text(&answer, 429, "Too Many Requests");
                paper_reply(p, request->handle, &answer);
                break;
        case PAPER_FAULT_502:
                paper_answer_text(&answer, 502, "Bad Gateway");
                paper_reply(p, request->handle, &answer);
                break;
        case PAPER_FAULT_KINDS: never("fault kind");
        case PAPER_FAULT_RUBBISH:
                process(p, &answer, request, path);
                buf_reset(&answer.body);
                buf_puts(&answer.body, "{\"status\":\"ok\",\"resp<html>");
                paper_reply(p, request->handle, &answer);
                break;
        }
        paper_answer_fini(&answer);
}

/* False: it is for none of the nodes that there are. */
static bool serve_node(struct paper *p, const struct httpd_request *request)
{
        bool is_own = p->node.is_there && !strcmp(request->path, "/node/info");
        bool is_rented = p->node.is_rented && !strcmp(request->path, "/rented/info");
        struct paper_answer answer;
        json_t *body;

        if (p->is_stopped || request->method != METHOD_POST || (!is_own && !is_rented))
                return false;
        body = hl_raw_load(request->body, request->body_len, NULL);
        paper_answer_init(&answer);
        paper_node_run(p, &answer, body, is_rented);
        paper_reply(p, request->handle, &answer);
        paper_answer_fini(&answer);
        json_decref(body);
        return true;
}

static void on_request(void *cookie, const struct httpd_request *request)
{
        struct paper *p = cookie;
        struct paper_answer answer;

        bool is_info = !strcmp(request->path, "/info");
        bool is_api = is_info || !strcmp(request->path, "/exchange");

        if (!p->is_stopped && request->method == METHOD_POST && is_api) {
                serve(p, request, is_info ? PAPER_PATH_INFO : PAPER_PATH_EXCHANGE);
                return;
        }
        if (serve_node(p, request))
                return;
        paper_answer_init(&answer);
        if (p->is_stopped)
                paper_answer_text(&answer, 503, "The venue is closing.");
        else if (request->method == METHOD_OPTIONS)
                paper_answer_text(&answer, 204, "");
        else if (!strncmp(request->path, "/paper/", 7))
                paper_control_handle(p, &answer, request);
        else if (is_api)
                paper_answer_text(&answer, 405, "Method Not Allowed");
        else
                paper_answer_text(&answer, 404, "Not found");
        paper_reply(p, request->handle, &answer);
        paper_answer_fini(&answer);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static struct addr house_address(const char *name)
{
        struct hash32 hash;
        struct addr address;

        keccak256(&hash, name, strlen(name));
        memcpy(address.b, hash.b, sizeof(address.b));
        return address;
}

static bool listen_on(struct paper *p, const struct paper_options *options, struct err *err)
{
        static const char *const ws_paths[] = {"/ws"};
        struct httpd_listen_options listen = {
                .address = options->address ? options->address : "127.0.0.1",
                .port = options->port,
                .max_body_bytes = PAPER_BODY_MAX,
                .max_connections = CONNECTIONS,
                .request_deadline_ms = REQUEST_MS,
                .idle_keep_alive_ms = KEEP_ALIVE_MS,
                .handler = on_request,
                .ws = paper_ws_ops(),
                .ws_paths = ws_paths,
                .n_ws_paths = 1,
                .ws_max_message_bytes = WS_MESSAGE_BYTES,
                .ws_max_queue_bytes = WS_QUEUE_BYTES,
                .ws_ping_ms = WS_IDLE_MS / 2,
                .ws_idle_ms = WS_IDLE_MS,
                .cookie = p,
        };

        p->listener = httpd_listen(p->httpd, &listen, err);
        return p->listener != NULL;
}

static void open_engine(struct paper *p)
{
        struct engine_sink sink = paper_feed_sink(p);

        p->engine = engine_new(p->universe.spec, p->universe.n, &sink);
        engine_set_house(p->engine, &p->maker);
        engine_set_house(p->engine, &p->taker);
}

/* A venue that goes on, or a new one. */
static enum errc open_state(struct paper *p, const struct paper_options *options, struct err *err)
{
        enum errc rc = E_NOT_FOUND;
        int64_t now;

        p->maker = house_address("perpgate paper market maker");
        p->taker = house_address("perpgate paper market taker");
        if (options->state_file) {
                p->state_file = xstrdup(options->state_file);
                rc = paper_state_load(p, err);
        }
        if (rc != E_NOT_FOUND)
                return rc;
        open_engine(p);
        now = paper_now(p);
        p->next_sample_at = now;
        p->next_funding_at = now - now % PAPER_HOUR_MS + PAPER_HOUR_MS;
        paper_market_start(p, options->seed);
        return E_OK;
}

static bool open_source(struct paper *p, const struct paper_options *options, struct err *err)
{
        if (options->replay_file)
                p->source = paper_source_replay(p, options->replay_file, options->speed, err);
        else if (options->live_url)
                p->source = paper_source_live(p, options->live_url, options->stale_ms, err);
        return p->source || (!options->replay_file && !options->live_url);
}

struct paper *paper_open(struct loop *loop, struct httpd *httpd,
                         const struct paper_options *options, struct err *err)
{
        struct paper *p = xcalloc(1, sizeof(*p));

        p->loop = loop;
        p->httpd = httpd;
        p->is_mainnet = options->is_mainnet;
        p->is_still = options->is_still;
        p->is_ungated = options->is_ungated;
        p->has_limits = options->has_limits;
        p->node.is_there = options->has_node;
        p->node.is_rented = options->is_rented;
        list_init(&p->changed);
        list_init(&p->delayed);
        list_init(&p->twaps);
        p->twap_random = options->seed + 1;
        p->users = map_new();
        p->agents = map_new();
        p->nonces = map_new();
        p->codes = map_new();
        p->ips = map_new();
        p->ws = paper_ws_new(p);
        p->ledger = paper_ledger_new();
        if (options->journal_file && paper_journal_open(&p->journal, options->journal_file, err))
                goto failed;
        p->secp = secp_new();
        if (!options->meta_file)
                paper_universe_default(&p->universe);
        else if (paper_universe_load(&p->universe, options->meta_file, err))
                goto failed;
        p->market = xcalloc(p->universe.n, sizeof(*p->market));
        if (!open_source(p, options, err) || open_state(p, options, err) ||
            !listen_on(p, options, err))
                goto failed;
        if (p->source)
                paper_source_start(p->source);
        p->is_ready = true;
        paper_feed_flush(p);
        p->timer = loop_timer_new(loop, on_tick, p);
        loop_timer_start(p->timer, TICK_MS, TICK_MS);
        return p;
failed:
        paper_close(p);
        return NULL;
}

uint16_t paper_port(const struct paper *p)
{
        return httpd_port(p->listener);
}

void paper_fund(struct paper *p, const struct addr *user, struct usd amount)
{
        paper_users_deposit(p, user, 0, amount);
        paper_feed_flush(p);
}

static void save_last(struct paper *p)
{
        struct err err = {.code = E_OK};
        struct hash32 checksum;
        size_t n_bytes;

        p->is_unsaved =
                p->is_ready && p->state_file && paper_state_save(p, &n_bytes, &checksum, &err);
        if (p->is_unsaved)
                log_event(LOG_ERROR, "paper state not saved", "reason", err.detail, NULL);
}

bool paper_is_saved(const struct paper *p)
{
        return !p->is_unsaved;
}

bool paper_knows(const struct paper *p, const struct addr *user)
{
        return engine_account_exists(p->engine, user);
}

void paper_stop(struct paper *p)
{
        if (!p || p->is_stopped)
                return;
        p->is_stopped = true;
        paper_source_free(p->source);
        p->source = NULL;
        save_last(p);
        loop_timer_free(p->timer);
        p->timer = NULL;
        paper_late_fini(p);
}

void paper_close(struct paper *p)
{
        if (!p)
                return;
        paper_stop(p);
        for (size_t i = 0; p->market && i < p->universe.n; i++) {
                paper_candles_fini(&p->market[i].candles);
                free(p->market[i].funding);
        }
        free(p->market);
        engine_free(p->engine);
        paper_feed_fini(p);
        paper_twap_fini(p);
        paper_ws_free(p->ws);
        paper_ledger_free(p->ledger);
        paper_journal_free(p->journal);
        map_free(p->users, paper_users_free);
        map_free(p->agents, free);
        map_free(p->nonces, free);
        map_free(p->codes, NULL);
        map_free(p->ips, free);
        paper_universe_fini(&p->universe);
        secp_free(p->secp);
        free(p->state_file);
        free(p);
}
