#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/paper_info.h"
#include "adapters/paper/paper_state.h"
#include "adapters/paper/paper_ledger.h"
#include "adapters/paper/wire.h"
#include "base/mem.h"

/* The control routes, for demonstrations and tests. JSON in and out; a refused request answers 400
 * with {"error": sentence}. Unknown members are refused. */

#define DEPOSIT_MAX   (INT64_C(1000000000) * NUM_SCALE)
#define ADVANCE_MAX   (31 * PAPER_DAY_MS)
#define COUNT_MAX     100000
#define DELAY_MAX     600000
#define DELAY_DEFAULT 3000
#define LEDGER_LIMIT  10000

static void refuse(struct paper_answer *answer, int status, const char *text)
{
        answer->status = status;
        buf_reset(&answer->body);
        jot_object(&answer->body, NULL);
        jot_text(&answer->body, "error", text);
        jot_end_object(&answer->body);
}

static bool knows_all(const json_t *body, const char *const *names)
{
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)(uintptr_t)body, key, value)
        {
                size_t i = 0;

                while (names[i] && strcmp(names[i], key) != 0)
                        i++;
                if (!names[i])
                        return false;
        }
        return true;
}

/* A decimal string, or a whole number written as such. */
static bool decimal(const json_t *body, const char *key, int64_t *out)
{
        const char *text = hl_raw_get_text(body, key, NULL);
        int64_t whole;

        if (text)
                return !num_parse(out, text, strlen(text), NUM_DECIMALS, NUM_REFUSE);
        return !hl_raw_get_int(&whole, body, key) &&
               !num_muldiv(out, whole, NUM_SCALE, 1, NUM_DOWN);
}

/* ---- POST /paper/faucet {user, amount, dex?, token?} ----------------------------------------- */

/* Where the money goes: to a dex, whose collateral it then is, or to spot where only a token is named
 * that the first dex doesn't take. */
static bool read_balance(const struct paper *p, const json_t *body, unsigned *dex, int *token)
{
        const char *name = hl_raw_get_text(body, "token", NULL);

        *token = -1;
        if (!paper_info_dex(p, body, dex))
                return false;
        for (unsigned i = 0; name && i < PAPER_TOKENS; i++)
                if (!strcmp(paper_dexes_token[i].name, name) &&
                    paper_dexes_by_token(&p->universe, i) >= 0)
                        *token = (int)i;
        if (hl_raw_is_absent(body, "token"))
                return true;
        if (*token < 0 ||
            (!hl_raw_is_absent(body, "dex") && p->universe.dex[*dex].token != (unsigned)*token))
                return false;
        if (!hl_raw_is_absent(body, "dex") || *token == 0)
                *token = -1;
        return true;
}

static void faucet(struct paper *p, struct paper_answer *answer, const json_t *body)
{
        struct engine_account account;
        struct paper_user *known;
        struct usd amount, sum;
        struct addr user;
        unsigned dex;
        int token;

        if (hl_raw_get_addr(&user, body, "user")) {
                refuse(answer, 400, "user must be an address, 0x and 40 hexadecimal digits");
                return;
        }
        if (!decimal(body, "amount", &amount.v) || amount.v <= 0 || amount.v > DEPOSIT_MAX ||
            amount.v % NUM_MICRO != 0) {
                refuse(answer, 400,
                       "amount must be a decimal string above 0, at most 1000000000, with at most "
                       "6 decimals");
                return;
        }
        if (!read_balance(p, body, &dex, &token)) {
                refuse(answer, 400,
                       "dex must name a perps dex, token a token (the dex's own where both are "
                       "given)");
                return;
        }
        known = paper_users_make(p, &user);
        if (!known || (token >= 0 && num_usd_add(&sum, known->spot[token], amount))) {
                refuse(answer, 400, "the venue has as many accounts as it takes");
                return;
        }
        if (token >= 0 && known->mode != PAPER_MODE_UNIFIED) {
                known->spot[token] = sum;
                paper_users_changed(p, known);
        } else {
                if (token >= 0)
                        dex = (unsigned)paper_dexes_by_token(&p->universe, (unsigned)token);
                paper_users_deposit(p, &user, dex, amount);
        }
        engine_dex_account(p->engine, &user, dex, &account);
        jot_object(&answer->body, NULL);
        jot_addr(&answer->body, "user", &user);
        jot_usd(&answer->body, "amount", amount);
        jot_usd(&answer->body, "accountValue", account.account_value);
        jot_end_object(&answer->body);
}

/* ---- POST /paper/price {coin, price} --------------------------------------------------------- */

static void price(struct paper *p, struct paper_answer *answer, const json_t *body)
{
        const char *coin = hl_raw_get_text(body, "coin", NULL);
        int asset = coin ? paper_universe_find(&p->universe, coin) : -1;
        int64_t grain;
        struct px value;

        if (asset < 0) {
                refuse(answer, 400, "coin must name a market of this venue");
                return;
        }
        grain = num_pow10(2 + p->universe.spec[asset].sz_decimals);
        if (json_is_null(json_object_get(body, "price"))) {
                paper_market_hold(p, (uint32_t)asset, NULL, paper_now(p));
        } else if (!decimal(body, "price", &value.v) || value.v <= 0 ||
                   value.v > INT64_C(10000000) * NUM_SCALE || value.v % grain != 0) {
                refuse(answer, 400,
                       "price must be null or a decimal string above 0, at most 10000000, with at "
                       "most 6 - szDecimals decimals");
                return;
        } else {
                paper_market_hold(p, (uint32_t)asset, &value, paper_now(p));
        }
        jot_object(&answer->body, NULL);
        jot_text(&answer->body, "coin", coin);
        jot_bool(&answer->body, "held", p->market[asset].is_held);
        jot_px(&answer->body, "markPx", engine_mark(p->engine, (uint32_t)asset));
        jot_px(&answer->body, "oraclePx", engine_oracle(p->engine, (uint32_t)asset));
        jot_end_object(&answer->body);
}

/* ---- POST /paper/clock {advanceMs} ----------------------------------------------------------- */

static void clock_route(struct paper *p, struct paper_answer *answer, const json_t *body)
{
        int64_t ms;

        if (hl_raw_get_int(&ms, body, "advanceMs") || ms < 0 || ms > ADVANCE_MAX) {
                refuse(answer, 400, "advanceMs must be an integer from 0 to 31 days");
                return;
        }
        paper_advance(p, ms);
        jot_object(&answer->body, NULL);
        jot_int(&answer->body, "time", paper_now(p));
        jot_int(&answer->body, "advancedMs", p->advanced_ms);
        jot_end_object(&answer->body);
}

/* ---- POST /paper/fault {kind, count, delayMs?, path?} ---------------------------------------- */

static const struct {
        const char *name;
        enum paper_fault_kind kind;
} kinds[] = {
        {"lostAnswer", PAPER_FAULT_LOST_ANSWER},
        {"delay", PAPER_FAULT_DELAY},
        {"429", PAPER_FAULT_429},
        {"502", PAPER_FAULT_502},
        {"closeSocket", PAPER_FAULT_CLOSE_SOCKET},
        {"silentSocket", PAPER_FAULT_SILENT_SOCKET},
        {"duplicateEvent", PAPER_FAULT_DUPLICATE_EVENT},
        {"reorderEvents", PAPER_FAULT_REORDER_EVENTS},
        {"late", PAPER_FAULT_LATE},
        {"lostEvent", PAPER_FAULT_LOST_EVENT},
        {"rubbish", PAPER_FAULT_RUBBISH},
        {"noAnswer", PAPER_FAULT_NO_ANSWER},
        {"crossedBook", PAPER_FAULT_CROSSED_BOOK},
        {"halfOpen", PAPER_FAULT_HALF_OPEN},
        {"none", PAPER_FAULT_NONE},
};

static bool read_kind(const json_t *body, enum paper_fault_kind *out)
{
        const char *name = hl_raw_get_text(body, "kind", NULL);
        uint64_t number;
        char text[24];

        /* 429 and 502 may come as numbers. */
        if (!name && !hl_raw_get_uint(&number, body, "kind")) {
                (void)snprintf(text, sizeof(text), "%" PRIu64, number);
                name = text;
        }
        for (size_t i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                if (!strcmp(kinds[i].name, name)) {
                        *out = kinds[i].kind;
                        return true;
                }
        }
        return false;
}

static bool read_path(const json_t *body, enum paper_path *out)
{
        static const char *const names[] = {"", "exchange", "info", "ws"};
        const char *text = hl_raw_get_text(body, "path", NULL);

        *out = PAPER_PATH_ANY;
        if (hl_raw_is_absent(body, "path"))
                return true;
        if (text && text[0] == '/')
                text++;
        for (int i = PAPER_PATH_EXCHANGE; text && i <= PAPER_PATH_WS; i++) {
                if (!strcmp(names[i], text)) {
                        *out = (enum paper_path)i;
                        return true;
                }
        }
        return false;
}

static bool read_bounded(const json_t *body, const char *key, uint64_t fallback, uint64_t max,
                         uint64_t *out)
{
        *out = fallback;
        return hl_raw_is_absent(body, key) ||
               (!hl_raw_get_uint(out, body, key) && *out > 0 && *out <= max);
}

/* What only sockets can meet. */
static bool is_of_events(enum paper_fault_kind kind)
{
        return kind == PAPER_FAULT_DUPLICATE_EVENT || kind == PAPER_FAULT_REORDER_EVENTS ||
               kind == PAPER_FAULT_LOST_EVENT || kind == PAPER_FAULT_CROSSED_BOOK ||
               kind == PAPER_FAULT_HALF_OPEN;
}

/* Sockets that close or fall silent: open WebSockets where there are any, or where path says so; else
 * the next requests. */
static void apply(struct paper *p, struct paper_fault *fault)
{
        bool is_socket =
                fault->kind == PAPER_FAULT_CLOSE_SOCKET || fault->kind == PAPER_FAULT_SILENT_SOCKET;

        if (is_of_events(fault->kind))
                fault->path = PAPER_PATH_WS;
        if (fault->kind == PAPER_FAULT_NONE)
                paper_faults_clear(p);
        else if (is_socket && (fault->path == PAPER_PATH_WS ||
                               (fault->path == PAPER_PATH_ANY && paper_ws_count(p) > 0)))
                paper_ws_close_peers(p, fault->count, fault->kind == PAPER_FAULT_SILENT_SOCKET);
        else
                (void)paper_faults_add(p, fault);
}

static void fault_route(struct paper *p, struct paper_answer *answer, const json_t *body)
{
        struct paper_fault fault = {.kind = PAPER_FAULT_NONE};
        uint64_t count, delay_ms;

        if (!read_kind(body, &fault.kind)) {
                refuse(answer, 400,
                       "kind must be lostAnswer, delay, late, 429, 502, closeSocket, silentSocket, "
                       "duplicateEvent, reorderEvents, lostEvent, rubbish, crossedBook, halfOpen, "
                       "noAnswer or none");
                return;
        }
        if (!read_path(body, &fault.path) ||
            (fault.path == PAPER_PATH_WS && fault.kind != PAPER_FAULT_CLOSE_SOCKET &&
             fault.kind != PAPER_FAULT_SILENT_SOCKET && fault.kind != PAPER_FAULT_RUBBISH &&
             !is_of_events(fault.kind))) {
                refuse(answer, 400, "path must be exchange or info, or ws for what sockets can do");
                return;
        }
        if (!read_bounded(body, "count", 1, COUNT_MAX, &count) ||
            !read_bounded(body, "delayMs", DELAY_DEFAULT, DELAY_MAX, &delay_ms)) {
                refuse(answer, 400, "count must be 1..100000 and delayMs 1..600000");
                return;
        }
        if (fault.kind != PAPER_FAULT_NONE && p->n_faults == PAPER_FAULTS_MAX) {
                refuse(answer, 400, "too many faults are waiting; {\"kind\":\"none\"} clears them");
                return;
        }
        fault.count = (unsigned)count;
        fault.delay_ms = (int64_t)delay_ms;
        apply(p, &fault);
        jot_object(&answer->body, NULL);
        jot_uint(&answer->body, "waiting", p->n_faults);
        jot_end_object(&answer->body);
}

/* How many requests and events met a fault of each kind so far. */
static void fault_hits(struct paper *p, struct paper_answer *answer)
{
        jot_object(&answer->body, NULL);
        jot_uint(&answer->body, "waiting", p->n_faults);
        jot_object(&answer->body, "hits");
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                if (kinds[i].kind != PAPER_FAULT_NONE)
                        jot_uint(&answer->body, kinds[i].name, p->n_fault_hits[kinds[i].kind]);
        jot_end_object(&answer->body);
        jot_end_object(&answer->body);
}

/* ---- POST /paper/state/save {} ---------------------------------------------------------------- */

static void save_state(struct paper *p, struct paper_answer *answer, const json_t *body)
{
        struct err err = {.code = E_OK};
        struct hash32 checksum;
        size_t n_bytes;

        (void)body;
        if (!p->state_file) {
                refuse(answer, 400, "the venue keeps no state: it was started without --state");
                return;
        }
        if (paper_state_save(p, &n_bytes, &checksum, &err)) {
                refuse(answer, 500, err.detail);
                return;
        }
        jot_object(&answer->body, NULL);
        jot_uint(&answer->body, "bytes", n_bytes);
        jot_hash(&answer->body, "checksum", &checksum);
        jot_end_object(&answer->body);
}

/* ---- GET /paper/ledger?after=seq&limit=n ----------------------------------------------------- */

static bool query_uint(const struct httpd_request *request, const char *name, uint64_t fallback,
                       uint64_t *out)
{
        char text[24];
        int64_t value;

        *out = fallback;
        if (!httpd_query(request, name, text, sizeof(text)))
                return true;
        if (num_parse(&value, text, strlen(text), 0, NUM_REFUSE) || value < 0)
                return false;
        *out = (uint64_t)value;
        return true;
}

static void ledger(struct paper *p, struct paper_answer *answer,
                   const struct httpd_request *request)
{
        uint64_t after, limit;

        if (!query_uint(request, "after", 0, &after) ||
            !query_uint(request, "limit", LEDGER_LIMIT, &limit)) {
                refuse(answer, 400, "after and limit must be whole numbers");
                return;
        }
        if (limit > LEDGER_LIMIT)
                limit = LEDGER_LIMIT;
        paper_ledger_show(p->ledger, &answer->body, after, (size_t)limit);
}

/* ---- POST /paper/node {lagMs?, isDown?} ------------------------------------------------------ */

static void node_route(struct paper *p, struct paper_answer *answer, const json_t *body)
{
        bool is_down = p->node.is_down;
        int64_t lag = p->node.lag_ms;

        if ((!hl_raw_is_absent(body, "lagMs") &&
             (hl_raw_get_int(&lag, body, "lagMs") || lag < 0 || lag > ADVANCE_MAX)) ||
            (!hl_raw_is_absent(body, "isDown") && hl_raw_get_bool(&is_down, body, "isDown"))) {
                refuse(answer, 400, "lagMs must be an integer from 0 to 31 days, isDown a boolean");
                return;
        }
        p->node.is_down = is_down;
        p->node.lag_ms = lag;
        paper_node_show(p, &answer->body);
}

/* ---- Routing --------------------------------------------------------------------------------- */

static const struct route {
        const char *path;
        void (*run)(struct paper *p, struct paper_answer *answer, const json_t *body);
        const char *const *members;
} routes[] = {
        {"/paper/faucet", faucet, (const char *const[]){"user", "amount", "dex", "token", NULL}},
        {"/paper/price", price, (const char *const[]){"coin", "price", NULL}},
        {"/paper/clock", clock_route, (const char *const[]){"advanceMs", NULL}},
        {"/paper/fault", fault_route,
         (const char *const[]){"kind", "count", "delayMs", "path", NULL}},
        {"/paper/node", node_route, (const char *const[]){"lagMs", "isDown", NULL}},
        {"/paper/state/save", save_state, (const char *const[]){NULL}},
};

static void run(struct paper *p, struct paper_answer *answer, const struct route *route,
                const struct httpd_request *request)
{
        json_t *body = hl_raw_load(request->body, request->body_len, NULL);

        if (!json_is_object(body))
                refuse(answer, 400, "the body must be a JSON object");
        else if (!knows_all(body, route->members))
                refuse(answer, 400, "the body has a member this route does not know");
        else
                route->run(p, answer, body);
        json_decref(body);
        paper_feed_flush(p);
}

void paper_control_handle(struct paper *p, struct paper_answer *answer,
                          const struct httpd_request *request)
{
        bool is_get = request->method == METHOD_GET;

        if (!strcmp(request->path, "/paper/ledger") && is_get) {
                ledger(p, answer, request);
                return;
        }
        if (!strcmp(request->path, "/paper/limits") && is_get) {
                paper_limits_show(p, &answer->body);
                return;
        }
        if (!strcmp(request->path, "/paper/fault") && is_get) {
                fault_hits(p, answer);
                return;
        }
        for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
                if (strcmp(routes[i].path, request->path) != 0)
                        continue;
                if (request->method == METHOD_POST)
                        run(p, answer, &routes[i], request);
                else
                        refuse(answer, 405, "this route takes POST");
                return;
        }
        refuse(answer, 404, "there is no such route");
}
