#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/hyperliquid/hl_venue.h"
#include "base/mem.h"

#define PAYMENTS_MAX 10000

/* What concerns one user. Events that can't be read are lost, which is a gap; states come whole again. */

static struct hl_feed_wire *find_users(struct hl_feed_conn *c, enum hl_feed_type type,
                                       const json_t *data, const char *dex)
{
        struct addr user;
        struct hl_feed_wire *w = NULL;

        if (dex && !hl_raw_get_addr(&user, data, "user"))
                w = hl_feed_wire_find(c, type, dex, &user);
        if (!w)
                hl_feed_frame_ignore(c->feed, HL_FEED_NOT_OURS);
        return w;
}

static const struct hl_markets *markets_of(const struct hl_feed *f)
{
        return &hl_venue_of_const(f->options.venue)->markets;
}

static const char *dex_of(const json_t *data)
{
        return hl_raw_is_absent(data, "dex") ? "" : hl_raw_get_text(data, "dex", NULL);
}

/* A snapshot answers the subscription, also where it comes before the word that it is taken. */
static bool take_snapshot_mark(struct hl_feed_wire *w, const json_t *data)
{
        bool is_snapshot = json_is_true(json_object_get(data, "isSnapshot"));

        w->has_data = w->has_data || is_snapshot;
        return is_snapshot;
}

/* ---- Fills ------------------------------------------------------------------------------------- */

void hl_feed_account_fills(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        struct hl_feed_wire *w = find_users(c, HL_FEED_FILLS, data, "");
        struct feed_event event = {.kind = FEED_FILL_ROWS};
        struct venue_fill *fills;

        if (!w)
                return;
        if (hl_parse_fills(&fills, &event.n, json_object_get(data, "fills"), markets_of(f), NULL)) {
                hl_feed_frame_refuse(f, w);
                return;
        }
        event.is_snapshot = take_snapshot_mark(w, data);
        event.u.fill = fills;
        if (event.n > 0 || event.is_snapshot)
                hl_feed_tell(f, w->topic, &event);
        free(fills);
        hl_feed_frame_heard(f, w);
}

/* ---- Funding and liquidations ------------------------------------------------------------------ */

static enum errc read_payment(struct venue_payment *out, const json_t *row,
                              const struct hl_markets *markets)
{
        const struct market *m;

        if (hl_raw_get_int(&out->at, row, "time") ||
            hl_parse_text(out->symbol, sizeof out->symbol, row, "coin") || !out->symbol[0] ||
            hl_parse_usd(&out->amount, row, "usdc") ||
            hl_parse_qty_rounded(&out->size, row, "szi") ||
            hl_parse_rate(&out->rate, row, "fundingRate"))
                return E_SYNTAX;
        m = hl_markets_find(markets, out->symbol);
        if (m)
                memcpy(out->token, m->collateral, sizeof out->token);
        return E_OK;
}

/* Of the caller; NULL where a row was not understood. */
static struct venue_payment *read_payments(size_t *n, const json_t *rows,
                                           const struct hl_markets *markets)
{
        struct venue_payment *payments;

        *n = json_array_size(rows);
        if (!json_is_array(rows) || *n > PAYMENTS_MAX)
                return NULL;
        payments = xcalloc(*n + 1, sizeof *payments);
        for (size_t i = 0; i < *n; i++) {
                if (read_payment(&payments[i], json_array_get(rows, i), markets)) {
                        free(payments);
                        return NULL;
                }
        }
        return payments;
}

void hl_feed_account_fundings(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        struct hl_feed_wire *w = find_users(c, HL_FEED_FUNDINGS, data, "");
        struct feed_event event = {.kind = FEED_PAYMENT_ROWS};
        struct venue_payment *payments;

        if (!w)
                return;
        payments = read_payments(&event.n, json_object_get(data, "fundings"), markets_of(f));
        if (!payments) {
                hl_feed_frame_refuse(f, w);
                return;
        }
        event.is_snapshot = take_snapshot_mark(w, data);
        event.u.payment = payments;
        if (event.n > 0 || event.is_snapshot)
                hl_feed_tell(f, w->topic, &event);
        free(payments);
        hl_feed_frame_heard(f, w);
}

/* Of this channel only liquidations are of use: the others don't say whose they are, and come through
 * channels that do. */
void hl_feed_account_events(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        const json_t *row = json_object_get(data, "liquidation");
        struct feed_liquidation liquidation = {0};
        struct feed_event event = {.kind = FEED_LIQUIDATED, .n = 1, .u.liquidation = &liquidation};
        struct hl_feed_wire *w = hl_feed_wire_find(c, HL_FEED_EVENTS_ALONE, "", NULL);

        if (w && json_is_object(data)) {
                hl_feed_frame_heard(f, w);
                return;
        }
        if (!row)
                return;
        if (hl_raw_get_addr(&liquidation.user, row, "liquidated_user")) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_UNDERSTOOD);
                return;
        }
        w = hl_feed_wire_find(c, HL_FEED_EVENTS, "", &liquidation.user);
        if (!w) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS); /* the liquidator's */
                return;
        }
        if (hl_raw_get_uint(&liquidation.lid, row, "lid") ||
            hl_parse_usd(&liquidation.notional, row, "liquidated_ntl_pos") ||
            hl_parse_usd(&liquidation.account_value, row, "liquidated_account_value")) {
                hl_feed_frame_refuse(f, w);
                return;
        }
        hl_feed_tell(f, w->topic, &event);
        hl_feed_frame_heard(f, w);
}

/* ---- States ------------------------------------------------------------------------------------ */

static void name_collateral(const struct hl_feed *f, struct venue_account *account)
{
        const struct hl_markets *markets = markets_of(f);
        int dex = hl_markets_dex(markets, account->dex);
        const struct hl_universe *u =
                dex >= 0 && (unsigned)dex < markets->n ? markets->dex[dex].universe : NULL;

        if (u)
                memcpy(account->collateral, u->collateral, sizeof account->collateral);
}

static bool is_of_dex(const char *symbol, const char *dex)
{
        char own[HL_FEED_DEX_MAX];

        return hl_feed_wire_dex_of(own, symbol) && strcmp(own, dex) == 0;
}

/* Positions of another dex would be judged by the wrong account's money. */
static bool is_all_of_dex(const struct venue_account *account, const char *dex)
{
        for (unsigned i = 0; i < account->n_positions; i++) {
                if (!is_of_dex(account->position[i].symbol, dex))
                        return false;
        }
        return true;
}

static bool take_state(struct hl_feed *f, struct hl_feed_wire *w, const char *dex,
                       const json_t *state)
{
        struct venue_account account;
        struct feed_event event = {.kind = FEED_ACCOUNT, .n = 1, .u.account = &account};
        bool is_good;

        if (!dex || !text_copy(event.dex, sizeof event.dex, dex) ||
            hl_parse_account(&account, state, markets_of(f), NULL))
                return false;
        is_good = text_copy(account.dex, sizeof account.dex, dex) && is_all_of_dex(&account, dex);
        name_collateral(f, &account);
        if (is_good) {
                hl_feed_frame_learn_time(f, account.as_of);
                hl_feed_tell(f, w->topic, &event);
        }
        venue_account_fini(&account);
        return is_good;
}

void hl_feed_account_all_states(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        struct hl_feed_wire *w = find_users(c, HL_FEED_ALL_STATES, data, "");
        const json_t *pairs = json_object_get(data, "clearinghouseStates");
        bool is_good = json_array_size(pairs) > 0;

        if (!w)
                return;
        for (size_t i = 0; i < json_array_size(pairs) && i < HL_FEED_DEXES_MAX; i++) {
                const json_t *pair = json_array_get(pairs, i);
                const char *dex = hl_raw_text(json_array_get(pair, 0), NULL);

                /* A dex that is not ours is told as well, where it can be read. */
                if (!take_state(f, w, dex, json_array_get(pair, 1)) &&
                    (!dex || hl_feed_wire_knows_dex(f, dex)))
                        is_good = false;
        }
        if (is_good || !w->topic) /* what nobody reads need not be understood */
                hl_feed_frame_heard(f, w);
        else
                hl_feed_frame_ignore(f, HL_FEED_NOT_UNDERSTOOD);
}

void hl_feed_account_state(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        const char *dex = dex_of(data);
        struct hl_feed_wire *w = find_users(c, HL_FEED_STATE, data, dex);

        if (!w)
                return;
        if (take_state(f, w, dex, json_object_get(data, "clearinghouseState")) || !w->topic)
                hl_feed_frame_heard(f, w);
        else
                hl_feed_frame_ignore(f, HL_FEED_NOT_UNDERSTOOD);
}

/* ---- Orders ------------------------------------------------------------------------------------ */

static size_t keep_those_of_dex(struct venue_open_order *orders, size_t n, const char *dex)
{
        size_t kept = 0;

        for (size_t i = 0; i < n; i++) {
                if (is_of_dex(orders[i].symbol, dex))
                        orders[kept++] = orders[i];
        }
        return kept;
}

void hl_feed_account_orders(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        const char *dex = dex_of(data);
        struct hl_feed_wire *w = find_users(c, HL_FEED_ORDERS, data, dex);
        struct feed_event event = {.kind = FEED_ORDERS};
        struct venue_open_order *orders;

        if (!w)
                return;
        if (!text_copy(event.dex, sizeof event.dex, dex) ||
            hl_parse_orders(&orders, &event.n, json_object_get(data, "orders"), markets_of(f),
                            NULL)) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_UNDERSTOOD);
                return;
        }
        event.n = keep_those_of_dex(orders, event.n, dex);
        event.u.order = orders;
        hl_feed_tell(f, w->topic, &event);
        free(orders);
        hl_feed_frame_heard(f, w);
}

/* Whose they are, only the connection tells: there is one such subscription on it. */
void hl_feed_account_order_updates(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        struct hl_feed_wire *w = hl_feed_wire_find(c, HL_FEED_ORDER_UPDATES, "", NULL);
        struct venue_order_status *rows;
        size_t n;

        if (!w) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS);
                return;
        }
        if (hl_parse_orders_past(&rows, &n, data, markets_of(f), NULL)) {
                hl_feed_frame_refuse(f, w);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                struct feed_event event = {.kind = FEED_ORDER_STATUS, .n = 1, .u.status = &rows[i]};

                hl_venue_note_status(&f->count.unknown_statuses, &rows[i]);
                hl_feed_tell(f, w->topic, &event);
        }
        free(rows);
        hl_feed_frame_heard(f, w);
}
