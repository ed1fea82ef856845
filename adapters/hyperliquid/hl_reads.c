/* Each read is a call: what was asked, who wants to know, and how the answer is delivered. */
#include "adapters/hyperliquid/hl_reads.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/hyperliquid/hl_venue.h"
#include "base/mem.h"

#define BODY_MAX 1024

struct call {
        struct hl_venue *v;
        enum hl_rest_kind kind;
        /* answer is NULL exactly when err holds an error. */
        void (*deliver)(struct call *call, struct err *err, const json_t *answer);
        union {
                venue_account_fn *account;
                venue_setting_fn *setting;
                venue_orders_fn *orders;
                venue_status_fn *status;
                venue_fills_fn *fills;
                venue_book_fn *book;
                venue_trades_fn *trades;
                venue_fees_fn *fees;
                venue_number_fn *number;
                venue_text_fn *text;
        } done;
        void *cookie;
        struct addr user;       /* read_agent */
        struct addr agent;      /* read_agent */
        char dex[DEX_NAME_MAX]; /* read_account, read_open_orders */
};

json_t *hl_reads_load(const struct http_answer *answer, enum errc refused, enum hl_rest_kind kind,
                      struct err *err)
{
        struct err bad = {0};
        json_t *root = NULL;

        if (refused) {
                (void)err_set(err, refused, "%s", answer->reason);
        } else if (answer->result != HTTP_ANSWERED) {
                (void)err_set(err, E_VENUE_UNAVAILABLE, "The venue did not answer %s: %s.",
                              hl_rest_kind_name(kind), answer->reason);
        } else if (answer->status == 429) {
                (void)err_set(err, E_RATE_LIMITED,
                              "The venue takes no more requests from this gateway for the moment.");
        } else if (answer->status != 200) {
                (void)err_set(err, E_VENUE_UNAVAILABLE, "The venue answered %s with status %ld.",
                              hl_rest_kind_name(kind), answer->status);
        } else {
                root = hl_raw_load(answer->body, answer->body_len, &bad);
                if (!root)
                        (void)hl_parse_failed(err, hl_rest_kind_name(kind), "not JSON");
        }
        return root;
}

static void on_answer(void *cookie, const struct http_answer *answer, enum errc refused)
{
        struct call *call = cookie;
        struct err err = {0};
        json_t *root = hl_reads_load(answer, refused, call->kind, &err);

        call->v->bad_answers += !root && !refused && answer->status == 200;
        call->deliver(call, &err, root);
        json_decref(root);
        free(call);
}

static struct call *call_new(struct venue *venue, enum hl_rest_kind kind, void *cookie)
{
        struct call *call = xcalloc(1, sizeof *call);

        call->v = hl_venue_of(venue);
        call->kind = kind;
        call->cookie = cookie;
        return call;
}

/* Begins {"type":"...": the caller adds members and hands the buffer to ask(). */
static void body_init(struct buf *body, const struct call *call)
{
        buf_init(body, BODY_MAX);
        buf_printf(body, "{\"type\":\"%s\"", hl_rest_kind_name(call->kind));
}

static void add_addr(struct buf *body, const char *key, const struct addr *addr)
{
        char s[ADDR_STR_MAX];

        buf_printf(body, ",\"%s\":\"%s\"", key, hex_print_addr(s, addr));
}

static void add_coin(struct buf *body, const struct market *m)
{
        buf_puts(body, ",\"coin\":");
        buf_put_json(body, m->symbol, strlen(m->symbol));
}

static void ask(struct call *call, struct buf *body)
{
        buf_putc(body, '}');
        must(buf_check(body) == E_OK);
        hl_rest_post(call->v->rest, call->kind, body->data, body->len, 0, call->v->read_deadline_ms,
                     on_answer, call);
        buf_fini(body);
}

static void ask_about(struct call *call, const struct addr *user)
{
        struct buf body;

        body_init(&body, call);
        add_addr(&body, "user", user);
        ask(call, &body);
}

/* A parser refused the answer: count it, once. */
static void judge(struct call *call, enum errc rc)
{
        call->v->bad_answers += rc != E_OK;
}

/* ---- Account, setting, fees ---- */

static void ask_in_dex(struct call *call, const struct addr *user, const char *dex)
{
        struct buf body;

        must(text_copy(call->dex, sizeof call->dex, dex));
        body_init(&body, call);
        add_addr(&body, "user", user);
        if (dex[0]) {
                buf_puts(&body, ",\"dex\":");
                buf_put_json(&body, dex, strlen(dex));
        }
        ask(call, &body);
}

/* A position of another dex would be judged, and its protection swept, by the wrong account. */
static enum errc check_dex(struct venue_account *account, const struct hl_venue *v, const char *dex,
                           struct err *err)
{
        for (unsigned i = 0; i < account->n_positions; i++) {
                const char *symbol = account->position[i].symbol;

                if (hl_markets_is_in(&v->markets, dex, symbol))
                        continue;
                (void)hl_parse_failed(err, hl_rest_kind_name(HL_REST_ACCOUNT), symbol);
                free(account->position);
                *account = (struct venue_account){.n_positions = 0};
                return E_VENUE_UNAVAILABLE;
        }
        return E_OK;
}

enum errc hl_reads_take_account(struct hl_venue *v, struct venue_account *out, const char *dex,
                                const json_t *state, struct err *err)
{
        enum errc rc = hl_parse_account(out, state, &v->markets, err);

        if (!rc)
                rc = check_dex(out, v, dex, err);
        v->bad_answers += rc != E_OK;
        must(text_copy(out->dex, sizeof out->dex, dex));
        hl_markets_name_collateral(&v->markets, out);
        return rc;
}

static void deliver_account(struct call *call, struct err *err, const json_t *answer)
{
        struct venue_account account = {0};

        if (answer)
                (void)!hl_reads_take_account(call->v, &account, call->dex, answer, err);
        call->done.account(call->cookie, err, &account);
        free(account.position); /* unless the callee took it */
}

void hl_reads_account(struct venue *venue, const struct addr *user, const char *dex,
                      venue_account_fn *done, void *cookie)
{
        struct call *call = call_new(venue, HL_REST_ACCOUNT, cookie);

        call->deliver = deliver_account;
        call->done.account = done;
        ask_in_dex(call, user, dex);
}

static void deliver_setting(struct call *call, struct err *err, const json_t *answer)
{
        struct venue_setting setting = {0};

        if (answer)
                judge(call, hl_parse_account_setting(&setting, answer, err));
        call->done.setting(call->cookie, err, &setting);
}

void hl_reads_setting(struct venue *venue, const struct addr *user, const struct market *m,
                      venue_setting_fn *done, void *cookie)
{
        struct call *call = call_new(venue, HL_REST_SETTING, cookie);
        struct buf body;

        call->deliver = deliver_setting;
        call->done.setting = done;
        body_init(&body, call);
        add_addr(&body, "user", user);
        add_coin(&body, m);
        ask(call, &body);
}

static void deliver_fees(struct call *call, struct err *err, const json_t *answer)
{
        struct venue_fees fees = {0};

        if (answer)
                judge(call, hl_parse_account_fees(&fees, answer, err));
        call->done.fees(call->cookie, err, &fees);
}

void hl_reads_fees(struct venue *venue, const struct addr *user, venue_fees_fn *done, void *cookie)
{
        struct call *call = call_new(venue, HL_REST_FEES, cookie);

        call->deliver = deliver_fees;
        call->done.fees = done;
        ask_about(call, user);
}

/* ---- Orders and fills ---- */

static void deliver_orders(struct call *call, struct err *err, const json_t *answer)
{
        struct venue_open_order *orders = NULL;
        size_t n = 0;

        if (answer)
                judge(call, hl_parse_orders(&orders, &n, answer, &call->v->markets, err));
        n = hl_markets_pick_orders(&call->v->markets, call->dex, orders, n);
        call->done.orders(call->cookie, err, orders, n);
        free(orders);
}

void hl_reads_open_orders(struct venue *venue, const struct addr *user, const char *dex,
                          venue_orders_fn *done, void *cookie)
{
        struct call *call = call_new(venue, HL_REST_OPEN_ORDERS, cookie);

        call->deliver = deliver_orders;
        call->done.orders = done;
        ask_in_dex(call, user, dex);
}

static void deliver_status(struct call *call, struct err *err, const json_t *answer)
{
        struct venue_order_status status = {0};

        if (answer)
                judge(call, hl_parse_orders_status(&status, answer, &call->v->markets, err));
        hl_venue_note_status(&call->v->unknown_statuses, &status);
        call->done.status(call->cookie, err, &status);
}

void hl_reads_lookup(struct venue *venue, const struct addr *user, const struct cloid *cloid,
                     uint64_t oid, venue_status_fn *done, void *cookie)
{
        struct call *call = call_new(venue, HL_REST_ORDER_STATUS, cookie);
        char s[CLOID_STR_MAX];
        struct buf body;

        call->deliver = deliver_status;
        call->done.status = done;
        body_init(&body, call);
        add_addr(&body, "user", user);
        if (cloid)
                buf_printf(&body, ",\"oid\":\"%s\"", hex_print_cloid(s, cloid));
        else
                buf_printf(&body, ",\"oid\":%" PRIu64, oid);
        ask(call, &body);
}

static void deliver_fills(struct call *call, struct err *err, const json_t *answer)
{
        struct venue_fill *fills = NULL;
        size_t n = 0;

        if (answer) {
                hl_rest_charge_items(call->v->rest, call->kind, json_array_size(answer));
                judge(call, hl_parse_fills(&fills, &n, answer, &call->v->markets, err));
        }
        call->done.fills(call->cookie, err, fills, n);
        free(fills);
}

void hl_reads_fills(struct venue *venue, const struct addr *user, venue_fills_fn *done,
                    void *cookie)
{
        struct call *call = call_new(venue, HL_REST_FILLS, cookie);

        call->deliver = deliver_fills;
        call->done.fills = done;
        ask_about(call, user);
}

/* ---- Market data ---- */

static void deliver_book(struct call *call, struct err *err, const json_t *answer)
{
        struct venue_book book = {0};

        if (answer)
                judge(call, hl_parse_market_book(&book, answer, err));
        call->done.book(call->cookie, err, &book);
}

static void ask_book(struct venue *venue, enum hl_rest_kind kind, const struct market *m,
                     venue_book_fn *done, void *cookie)
{
        struct call *call = call_new(venue, kind, cookie);
        struct buf body;

        call->deliver = deliver_book;
        call->done.book = done;
        buf_init(&body, BODY_MAX);
        buf_puts(&body, "{\"type\":\"l2Book\"");
        add_coin(&body, m);
        ask(call, &body);
}

void hl_reads_book(struct venue *venue, const struct market *m, venue_book_fn *done, void *cookie)
{
        ask_book(venue, HL_REST_BOOK, m, done, cookie);
}

void hl_reads_shown_book(struct venue *venue, const struct market *m, venue_book_fn *done,
                         void *cookie)
{
        ask_book(venue, HL_REST_SHOWN_BOOK, m, done, cookie);
}

static void deliver_trades(struct call *call, struct err *err, const json_t *answer)
{
        struct venue_trade *trades = NULL;
        size_t n = 0;

        if (answer) {
                hl_rest_charge_items(call->v->rest, call->kind, json_array_size(answer));
                judge(call, hl_parse_market_trades(&trades, &n, answer, err));
        }
        call->done.trades(call->cookie, err, trades, n);
        free(trades);
}

void hl_reads_trades(struct venue *venue, const struct market *m, venue_trades_fn *done,
                     void *cookie)
{
        struct call *call = call_new(venue, HL_REST_TRADES, cookie);
        struct buf body;

        call->deliver = deliver_trades;
        call->done.trades = done;
        body_init(&body, call);
        add_coin(&body, m);
        ask(call, &body);
}

/* ---- Approvals ---- */

static void deliver_builder_fee(struct call *call, struct err *err, const json_t *answer)
{
        int64_t fee = 0;

        if (answer && (hl_raw_int(&fee, answer) || fee < 0)) {
                fee = 0;
                judge(call, hl_parse_failed(err, hl_rest_kind_name(call->kind), "not a number"));
        }
        call->done.number(call->cookie, err, fee);
}

void hl_reads_builder_fee(struct venue *venue, const struct addr *user, const struct addr *builder,
                          venue_number_fn *done, void *cookie)
{
        struct call *call = call_new(venue, HL_REST_BUILDER_FEE, cookie);
        struct buf body;

        call->deliver = deliver_builder_fee;
        call->done.number = done;
        body_init(&body, call);
        add_addr(&body, "user", user);
        add_addr(&body, "builder", builder);
        ask(call, &body);
}

/* The venue's words for how collateral is pooled, and ours. An unknown one is passed on as it is. */
static void deliver_mode(struct call *call, struct err *err, const json_t *answer)
{
        const char *word = json_string_value(answer);
        const char *mode = word;

        if (answer && !word)
                judge(call, hl_parse_failed(err, hl_rest_kind_name(call->kind), "not a word"));
        if (word && (strcmp(word, "default") == 0 || strcmp(word, "disabled") == 0))
                mode = "standard";
        else if (word && strcmp(word, "unifiedAccount") == 0)
                mode = "unified";
        call->done.text(call->cookie, err, mode ? mode : "");
}

void hl_reads_mode(struct venue *venue, const struct addr *user, venue_text_fn *done, void *cookie)
{
        struct call *call = call_new(venue, HL_REST_ABSTRACTION, cookie);

        call->deliver = deliver_mode;
        call->done.text = done;
        ask_about(call, user);
}

/* {"role":"agent","data":{"user":"0x.."}} */
static void deliver_role(struct call *call, struct err *err, const json_t *answer)
{
        const char *role = hl_raw_get_text(answer, "role", NULL);
        struct addr master;
        bool acts = false;

        if (answer && !role)
                judge(call, hl_parse_failed(err, hl_rest_kind_name(call->kind), "role"));
        if (role && strcmp(role, "agent") == 0)
                acts = hl_raw_get_addr(&master, json_object_get(answer, "data"), "user") == E_OK &&
                       hex_addr_equal(&master, &call->user);
        call->done.number(call->cookie, err, acts);
}

static void ask_role(const struct call *before)
{
        struct call *call = call_new(&before->v->venue, HL_REST_USER_ROLE, before->cookie);

        call->deliver = deliver_role;
        call->done = before->done;
        call->user = before->user;
        ask_about(call, &before->agent);
}

/* 1: listed and not expired; 0: listed and expired; -1: not listed. */
static int find_agent(const json_t *list, const struct addr *agent, int64_t wall_ms)
{
        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *entry = json_array_get(list, i);
                struct addr address;
                int64_t until;

                if (hl_raw_get_addr(&address, entry, "address") || !hex_addr_equal(&address, agent))
                        continue;
                if (hl_raw_is_absent(entry, "validUntil"))
                        return 1;
                return hl_raw_get_int(&until, entry, "validUntil") == E_OK && until > wall_ms;
        }
        return -1;
}

static void deliver_agents(struct call *call, struct err *err, const json_t *answer)
{
        int found;

        if (answer && !json_is_array(answer))
                judge(call, hl_parse_failed(err, hl_rest_kind_name(call->kind), "not a list"));
        if (err->code) {
                call->done.number(call->cookie, err, 0);
                return;
        }
        found = find_agent(answer, &call->agent, clock_wall_ms(loop_clock(call->v->loop)));
        if (found < 0)
                ask_role(call);
        else
                call->done.number(call->cookie, err, found);
}

void hl_reads_agent(struct venue *venue, const struct addr *user, const struct addr *agent,
                    venue_number_fn *done, void *cookie)
{
        struct call *call = call_new(venue, HL_REST_EXTRA_AGENTS, cookie);

        call->deliver = deliver_agents;
        call->done.number = done;
        call->user = *user;
        call->agent = *agent;
        ask_about(call, user);
}
