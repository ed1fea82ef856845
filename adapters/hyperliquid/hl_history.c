/* As in hl_reads.c, each read is a call that knows how its answer is delivered. */
#include "adapters/hyperliquid/hl_history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_parse_history.h"
#include "adapters/hyperliquid/hl_reads.h"
#include "adapters/hyperliquid/hl_venue.h"
#include "base/mem.h"

#define BODY_MAX  1024
#define FILLS_CAP 2000 /* rows in one answer */
#define ROWS_CAP  500

struct ask {
        struct hl_venue *v;
        enum hl_rest_kind kind;
        /* answer is NULL exactly when err holds an error. */
        void (*deliver)(struct ask *ask, struct err *err, const json_t *answer);
        union {
                venue_candles_fn *candles;
                venue_rates_fn *rates;
                venue_past_fills_fn *fills;
                venue_payments_fn *payments;
                venue_ledger_fn *ledger;
                venue_past_orders_fn *orders;
                venue_agents_fn *agents;
                venue_allowance_fn *allowance;
        } done;
        void *cookie;
        struct addr user;
        struct buf body;
};

static void on_answer(void *cookie, const struct http_answer *answer, enum errc refused)
{
        struct ask *ask = cookie;
        struct err err = {0};
        json_t *root = hl_reads_load(answer, refused, ask->kind, &err);

        ask->v->bad_answers += !root && !refused && answer->status == 200;
        ask->deliver(ask, &err, root);
        json_decref(root);
        free(ask);
}

/* Begins the body: the caller adds members to ask->body and calls send. */
static struct ask *ask_new(struct venue *venue, enum hl_rest_kind kind,
                           void (*deliver)(struct ask *ask, struct err *err, const json_t *answer),
                           void *cookie)
{
        struct ask *ask = xcalloc(1, sizeof *ask);

        ask->v = hl_venue_of(venue);
        ask->kind = kind;
        ask->deliver = deliver;
        ask->cookie = cookie;
        buf_init(&ask->body, BODY_MAX);
        buf_printf(&ask->body, "{\"type\":\"%s\"", hl_rest_kind_name(kind));
        return ask;
}

static void add_user(struct ask *ask, const struct addr *user)
{
        char s[ADDR_STR_MAX];

        ask->user = *user;
        buf_printf(&ask->body, ",\"user\":\"%s\"", hex_print_addr(s, user));
}

/* The venue's windows include both ends. */
static void add_window(struct ask *ask, int64_t start, int64_t end)
{
        buf_printf(&ask->body, ",\"startTime\":%" PRId64 ",\"endTime\":%" PRId64, start,
                   end > start ? end - 1 : start);
}

static void send(struct ask *ask)
{
        buf_putc(&ask->body, '}');
        must(buf_check(&ask->body) == E_OK);
        hl_rest_post(ask->v->rest, ask->kind, ask->body.data, ask->body.len, 0,
                     ask->v->read_deadline_ms, on_answer, ask);
        buf_fini(&ask->body);
}

static void judge(struct ask *ask, enum errc rc)
{
        ask->v->bad_answers += rc != E_OK;
}

/* Reads the span of a list and pays for its length; false when it is none. */
static bool take_span(struct ask *ask, struct venue_span *span, const json_t *answer, size_t cap,
                      struct err *err)
{
        if (!answer)
                return false;
        hl_rest_charge_items(ask->v->rest, ask->kind, json_array_size(answer));
        if (hl_parse_history_span(span, answer, cap) == E_OK)
                return true;
        judge(ask, hl_parse_failed(err, hl_rest_kind_name(ask->kind), "time"));
        return false;
}

/* ---- Markets ---- */

static void deliver_candles(struct ask *ask, struct err *err, const json_t *answer)
{
        struct venue_candle *candles = NULL;
        size_t n = 0;

        if (answer) {
                /* One per 60 here, where others pay one per 20. */
                hl_rest_charge_items(ask->v->rest, ask->kind, json_array_size(answer) / 3);
                judge(ask, hl_parse_history_candles(&candles, &n, answer, err));
        }
        ask->done.candles(ask->cookie, err, candles, n);
        free(candles);
}

void hl_history_candles(struct venue *venue, const struct market *m, const char *interval,
                        int64_t start, int64_t end, venue_candles_fn *done, void *cookie)
{
        struct ask *ask = ask_new(venue, HL_REST_CANDLES, deliver_candles, cookie);

        ask->done.candles = done;
        buf_puts(&ask->body, ",\"req\":{\"coin\":");
        buf_put_json(&ask->body, m->symbol, strlen(m->symbol));
        buf_puts(&ask->body, ",\"interval\":");
        buf_put_json(&ask->body, interval, strlen(interval));
        add_window(ask, start, end);
        buf_putc(&ask->body, '}');
        send(ask);
}

static void deliver_rates(struct ask *ask, struct err *err, const json_t *answer)
{
        struct venue_funding_rate *rates = NULL;
        size_t n = 0;

        if (answer) {
                hl_rest_charge_items(ask->v->rest, ask->kind, json_array_size(answer));
                judge(ask, hl_parse_history_rates(&rates, &n, answer, err));
        }
        ask->done.rates(ask->cookie, err, rates, n);
        free(rates);
}

void hl_history_rates(struct venue *venue, const struct market *m, int64_t start, int64_t end,
                      venue_rates_fn *done, void *cookie)
{
        struct ask *ask = ask_new(venue, HL_REST_FUNDING_HISTORY, deliver_rates, cookie);

        ask->done.rates = done;
        buf_puts(&ask->body, ",\"coin\":");
        buf_put_json(&ask->body, m->symbol, strlen(m->symbol));
        add_window(ask, start, end);
        send(ask);
}

/* ---- Accounts ---- */

static void deliver_fills(struct ask *ask, struct err *err, const json_t *answer)
{
        struct venue_span span = {.part = VENUE_WHOLE};
        struct venue_fill *fills = NULL;
        size_t n = 0;

        if (take_span(ask, &span, answer, FILLS_CAP, err))
                judge(ask, hl_parse_fills(&fills, &n, answer, &ask->v->markets, err));
        ask->done.fills(ask->cookie, err, fills, n, &span);
        free(fills);
}

void hl_history_fills(struct venue *venue, const struct addr *user, int64_t start, int64_t end,
                      venue_past_fills_fn *done, void *cookie)
{
        struct ask *ask = ask_new(venue, HL_REST_PAST_FILLS, deliver_fills, cookie);

        ask->done.fills = done;
        add_user(ask, user);
        add_window(ask, start, end);
        buf_puts(&ask->body, ",\"reversed\":true");
        send(ask);
}

static void deliver_payments(struct ask *ask, struct err *err, const json_t *answer)
{
        struct venue_span span = {.part = VENUE_WHOLE};
        struct venue_payment *payments = NULL;
        size_t n = 0;

        if (take_span(ask, &span, answer, ROWS_CAP, err))
                judge(ask, hl_parse_history_payments(&payments, &n, answer, &ask->v->markets, err));
        ask->done.payments(ask->cookie, err, payments, n, &span);
        free(payments);
}

void hl_history_payments(struct venue *venue, const struct addr *user, int64_t start, int64_t end,
                         venue_payments_fn *done, void *cookie)
{
        struct ask *ask = ask_new(venue, HL_REST_PAYMENTS, deliver_payments, cookie);

        ask->done.payments = done;
        add_user(ask, user);
        add_window(ask, start, end);
        send(ask);
}

static void deliver_ledger(struct ask *ask, struct err *err, const json_t *answer)
{
        struct venue_span span = {.part = VENUE_WHOLE};
        struct venue_ledger_row *rows = NULL;
        size_t n = 0;

        if (take_span(ask, &span, answer, ROWS_CAP, err))
                judge(ask, hl_parse_ledger(&rows, &n, answer, &ask->user, err));
        ask->done.ledger(ask->cookie, err, rows, n, &span);
        free(rows);
}

void hl_history_ledger(struct venue *venue, const struct addr *user, int64_t start, int64_t end,
                       venue_ledger_fn *done, void *cookie)
{
        struct ask *ask = ask_new(venue, HL_REST_LEDGER, deliver_ledger, cookie);

        ask->done.ledger = done;
        add_user(ask, user);
        add_window(ask, start, end);
        send(ask);
}

static void deliver_orders(struct ask *ask, struct err *err, const json_t *answer)
{
        struct venue_order_status *orders = NULL;
        size_t n = 0;

        if (answer) {
                hl_rest_charge_items(ask->v->rest, ask->kind, json_array_size(answer));
                judge(ask, hl_parse_orders_past(&orders, &n, answer, &ask->v->markets, err));
        }
        for (size_t i = 0; i < n; i++)
                hl_venue_note_status(&ask->v->unknown_statuses, &orders[i]);
        ask->done.orders(ask->cookie, err, orders, n);
        free(orders);
}

void hl_history_orders(struct venue *venue, const struct addr *user, venue_past_orders_fn *done,
                       void *cookie)
{
        struct ask *ask = ask_new(venue, HL_REST_PAST_ORDERS, deliver_orders, cookie);

        ask->done.orders = done;
        add_user(ask, user);
        send(ask);
}

static void deliver_agents(struct ask *ask, struct err *err, const json_t *answer)
{
        int64_t wall = clock_wall_ms(loop_clock(ask->v->loop));
        struct venue_agent *agents = NULL;
        size_t n = 0;

        if (answer)
                judge(ask, hl_parse_history_agents(&agents, &n, answer, wall, err));
        ask->done.agents(ask->cookie, err, agents, n);
        free(agents);
}

void hl_history_agents(struct venue *venue, const struct addr *user, venue_agents_fn *done,
                       void *cookie)
{
        struct ask *ask = ask_new(venue, HL_REST_EXTRA_AGENTS, deliver_agents, cookie);

        ask->done.agents = done;
        add_user(ask, user);
        send(ask);
}

static void deliver_allowance(struct ask *ask, struct err *err, const json_t *answer)
{
        struct venue_allowance allowance = {.used = 0};

        if (answer)
                judge(ask, hl_parse_history_allowance(&allowance, answer, err));
        ask->done.allowance(ask->cookie, err, &allowance);
}

void hl_history_allowance(struct venue *venue, const struct addr *user, venue_allowance_fn *done,
                          void *cookie)
{
        struct ask *ask = ask_new(venue, HL_REST_ALLOWANCE, deliver_allowance, cookie);

        ask->done.allowance = done;
        add_user(ask, user);
        send(ask);
}
