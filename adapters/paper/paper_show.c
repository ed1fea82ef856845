#include "adapters/paper/paper_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/paper/jot.h"
#include "base/attr.h"
#include "base/mem.h"
#include "risk/show.h"

/* ---- Orders ---------------------------------------------------------------------------------- */

static const char *tif_name(enum engine_tif tif)
{
        switch (tif) {
        case ENGINE_GTC: return "Gtc";
        case ENGINE_IOC: return "Ioc";
        case ENGINE_ALO: return "Alo";
        case ENGINE_FRONTEND_MARKET: return "FrontendMarket";
        case ENGINE_LIQUIDATION_MARKET: return "LiquidationMarket";
        }
        must(false);
        return "";
}

static const char *order_type(const struct engine_order *order)
{
        if (order->is_trigger && order->is_take_profit)
                return order->trigger_is_market ? "Take Profit Market" : "Take Profit Limit";
        if (order->is_trigger)
                return order->trigger_is_market ? "Stop Market" : "Stop Limit";
        if (order->twap_id)
                return "Twap Slice";
        if (order->tif == ENGINE_FRONTEND_MARKET || order->tif == ENGINE_LIQUIDATION_MARKET)
                return "Market";
        return "Limit";
}

static void order_head(struct paper *p, struct buf *out, const char *key,
                       const struct engine_order *order)
{
        jot_object(out, key);
        jot_text(out, "coin", paper_coin(p, order->asset));
        jot_text(out, "side", order->is_buy ? "B" : "A");
        jot_px(out, "limitPx", order->price);
        jot_qty(out, "sz", order->size);
        jot_uint(out, "oid", order->oid);
        jot_int(out, "timestamp", order->placed_at);
}

void paper_show_order(struct paper *p, struct buf *out, const char *key,
                      const struct engine_order *order)
{
        order_head(p, out, key, order);
        jot_qty(out, "origSz", order->original_size);
        if (order->has_cloid)
                jot_cloid(out, "cloid", &order->cloid);
        if (order->reduce_only)
                jot_bool(out, "reduceOnly", true);
        jot_end_object(out);
}

static void trigger_condition(struct buf *out, const struct engine_order *order)
{
        /* A stop of a buy and a take-profit of a sell fire when the mark rises. */
        bool is_above = order->is_buy != order->is_take_profit;
        char text[64], price[NUM_STR_MAX];

        if (!order->is_trigger) {
                jot_text(out, "triggerCondition", "N/A");
                return;
        }
        (void)snprintf(text, sizeof(text), "Price %s %s", is_above ? "above" : "below",
                       num_print_px(price, order->trigger_price));
        jot_text(out, "triggerCondition", text);
}

struct children {
        struct paper *p;
        struct buf *out;
        uint64_t parent_oid;
};

static void show_child(void *cookie, const struct engine_order *order)
{
        struct children *children = cookie;

        if (order->parent_oid == children->parent_oid)
                paper_show_order_full(children->p, children->out, NULL, order);
}

void paper_show_order_full(struct paper *p, struct buf *out, const char *key,
                           const struct engine_order *order)
{
        struct children children = {p, out, order->oid};

        order_head(p, out, key, order);
        trigger_condition(out, order);
        jot_bool(out, "isTrigger", order->is_trigger);
        jot_px(out, "triggerPx", order->is_trigger ? order->trigger_price : (struct px){0});
        jot_array(out, "children");
        /* Children are triggers and have none themselves; only an open parent has waiting ones. */
        if (!order->is_trigger && !strcmp(order->status, "open"))
                engine_orders(p->engine, &order->user, true, show_child, &children);
        jot_end_array(out);
        jot_bool(out, "isPositionTpsl", order->is_position_tpsl);
        jot_bool(out, "reduceOnly", order->reduce_only);
        jot_text(out, "orderType", order_type(order));
        jot_qty(out, "origSz", order->original_size);
        if (order->is_trigger)
                jot_null(out, "tif");
        else
                jot_text(out, "tif", tif_name(order->tif));
        if (order->has_cloid)
                jot_cloid(out, "cloid", &order->cloid);
        else
                jot_null(out, "cloid");
        jot_end_object(out);
}

void paper_show_order_status(struct paper *p, struct buf *out, const char *key,
                             const struct engine_order *order, bool is_full)
{
        jot_object(out, key);
        if (is_full)
                paper_show_order_full(p, out, "order", order);
        else
                paper_show_order(p, out, "order", order);
        jot_text(out, "status", order->status);
        jot_int(out, "statusTimestamp", order->status_at);
        jot_end_object(out);
}

struct order_list {
        struct paper *p;
        struct buf *out;
        const struct addr *user;
        unsigned dex;
        bool is_full;
};

static bool waits_for_parent(const struct order_list *list, const struct engine_order *order)
{
        const struct engine_order *parent;

        if (order->parent_oid == 0)
                return false;
        parent = engine_order_by_oid(list->p->engine, list->user, order->parent_oid);
        return parent && !strcmp(parent->status, "open");
}

static void show_open(void *cookie, const struct engine_order *order)
{
        struct order_list *list = cookie;

        if (paper_dex_of(list->p, order->asset) != list->dex)
                return;
        if (!list->is_full)
                paper_show_order(list->p, list->out, NULL, order);
        else if (!waits_for_parent(list, order))
                paper_show_order_full(list->p, list->out, NULL, order);
}

void paper_show_open_orders(struct paper *p, struct buf *out, const char *key,
                            const struct addr *user, unsigned dex, bool is_full)
{
        struct order_list list = {p, out, user, dex, is_full};

        jot_array(out, key);
        engine_orders(p->engine, user, true, show_open, &list);
        jot_end_array(out);
}

static void show_past(void *cookie, const struct engine_order *order)
{
        struct order_list *list = cookie;

        paper_show_order_status(list->p, list->out, NULL, order, true);
}

void paper_show_history(struct paper *p, struct buf *out, const char *key, const struct addr *user)
{
        struct order_list list = {p, out, user, 0, true};

        jot_array(out, key);
        engine_orders(p->engine, user, false, show_past, &list);
        jot_end_array(out);
}

/* ---- Fills ----------------------------------------------------------------------------------- */

void paper_show_fill(struct paper *p, struct buf *out, const char *key,
                     const struct engine_fill *fill)
{
        jot_object(out, key);
        jot_text(out, "coin", paper_coin(p, fill->asset));
        jot_px(out, "px", fill->price);
        jot_qty(out, "sz", fill->size);
        jot_text(out, "side", fill->is_buy ? "B" : "A");
        jot_int(out, "time", fill->at);
        jot_qty(out, "startPosition", fill->start_position);
        jot_text(out, "dir", fill->direction);
        jot_usd(out, "closedPnl", fill->closed_pnl);
        jot_hash(out, "hash", &fill->hash);
        jot_uint(out, "oid", fill->oid);
        jot_bool(out, "crossed", fill->crossed);
        jot_usd(out, "fee", fill->fee);
        if (fill->builder_fee.v > 0)
                jot_usd(out, "builderFee", fill->builder_fee);
        jot_uint(out, "tid", fill->tid);
        if (fill->has_cloid)
                jot_cloid(out, "cloid", &fill->cloid);
        if (fill->is_liquidation) {
                jot_object(out, "liquidation");
                jot_addr(out, "liquidatedUser", &fill->liquidated_user);
                jot_px(out, "markPx", fill->liquidation_mark);
                jot_text(out, "method", fill->liquidation_is_backstop ? "backstop" : "market");
                jot_end_object(out);
        }
        jot_text(out, "feeToken", paper_token_of(p, fill->asset));
        if (fill->twap_id)
                jot_uint(out, "twapId", fill->twap_id);
        else
                jot_null(out, "twapId");
        jot_end_object(out);
}

struct fill_list {
        const struct engine_fill **fill;
        size_t n, cap;
        int64_t from, until;
        bool is_twap;
};

static void keep_fill(void *cookie, const struct engine_fill *fill)
{
        struct fill_list *list = cookie;

        if (fill->at < list->from || fill->at > list->until || list->n == list->cap ||
            (fill->twap_id != 0) != list->is_twap)
                return;
        list->fill[list->n++] = fill;
}

void paper_show_fills(struct paper *p, struct buf *out, const char *key, const struct addr *user,
                      int64_t from, int64_t until, bool is_oldest_first)
{
        struct fill_list list = {.cap = 2000, .from = from, .until = until};

        list.fill = xcalloc(list.cap, sizeof(*list.fill));
        engine_fills(p->engine, user, keep_fill, &list);
        jot_array(out, key);
        for (size_t i = 0; i < list.n; i++)
                paper_show_fill(p, out, NULL, list.fill[is_oldest_first ? list.n - 1 - i : i]);
        jot_end_array(out);
        free(list.fill);
}

void paper_show_slice_fill(struct paper *p, struct buf *out, const struct engine_fill *fill)
{
        jot_object(out, NULL);
        paper_show_fill(p, out, "fill", fill);
        jot_uint(out, "twapId", fill->twap_id);
        jot_end_object(out);
}

void paper_show_slice_fills(struct paper *p, struct buf *out, const char *key,
                            const struct addr *user, int64_t from, int64_t until)
{
        struct fill_list list = {.cap = 2000, .from = from, .until = until, .is_twap = true};

        list.fill = xcalloc(list.cap, sizeof(*list.fill));
        engine_fills(p->engine, user, keep_fill, &list);
        jot_array(out, key);
        for (size_t i = 0; i < list.n; i++)
                paper_show_slice_fill(p, out, list.fill[i]);
        jot_end_array(out);
        free(list.fill);
}

/* ---- Accounts -------------------------------------------------------------------------------- */

static void show_leverage(struct buf *out, enum margin_mode mode, unsigned leverage,
                          const struct usd *raw_usd)
{
        jot_object(out, "leverage");
        jot_text(out, "type", margin_mode_name(mode));
        jot_uint(out, "value", leverage);
        if (raw_usd)
                jot_usd(out, "rawUsd", *raw_usd);
        jot_end_object(out);
}

static void show_position(struct paper *p, struct buf *out, const struct addr *user,
                          const struct engine_position *position, const struct margin_cross *cross)
{
        const struct margin_position *m = &position->p;
        struct margin_figures figures;
        char text[NUM_STR_MAX];

        if (margin_position_figures(&figures, m, cross))
                return;
        jot_object(out, NULL);
        jot_text(out, "type", "oneWay");
        jot_object(out, "position");
        jot_text(out, "coin", paper_coin(p, position->asset));
        jot_qty(out, "szi", m->size);
        show_leverage(out, m->mode, m->leverage, m->mode == MARGIN_ISOLATED ? &m->raw_usd : NULL);
        jot_px(out, "entryPx", position->entry);
        jot_usd(out, "positionValue", m->value);
        jot_usd(out, "unrealizedPnl", figures.unrealized_pnl);
        jot_text(out, "returnOnEquity", show_rate10(text, figures.return_on_equity));
        if (engine_liquidation_text(p->engine, user, position->asset, text))
                jot_text(out, "liquidationPx", text);
        else
                jot_null(out, "liquidationPx");
        jot_usd(out, "marginUsed", figures.margin_used);
        jot_uint(out, "maxLeverage", margin_max_leverage(&m->tiers, m->value));
        jot_object(out, "cumFunding");
        jot_usd(out, "allTime", position->funding_all_time);
        jot_usd(out, "sinceOpen", position->funding_since_open);
        jot_usd(out, "sinceChange", position->funding_since_change);
        jot_end_object(out);
        jot_end_object(out);
        jot_end_object(out);
}

static void show_summary(struct buf *out, const char *key, struct usd value, struct usd notional,
                         struct usd raw, struct usd used)
{
        jot_object(out, key);
        jot_usd(out, "accountValue", value);
        jot_usd(out, "totalNtlPos", notional);
        jot_usd(out, "totalRawUsd", raw);
        jot_usd(out, "totalMarginUsed", used);
        jot_end_object(out);
}

void paper_show_account(struct paper *p, struct buf *out, const char *key, const struct addr *user,
                        unsigned dex)
{
        struct engine_account a;
        struct engine_position *position;

        engine_dex_account(p->engine, user, dex, &a);
        position = xcalloc(a.n_positions + 1, sizeof(*position));
        if (a.n_positions)
                memcpy(position, a.position, a.n_positions * sizeof(*position));
        jot_object(out, key);
        show_summary(out, "marginSummary", a.account_value, a.total_notional, a.total_raw_usd,
                     a.total_margin_used);
        show_summary(out, "crossMarginSummary", a.cross.account_value, a.cross.notional,
                     a.cross_raw_usd, a.cross.margin_used);
        jot_usd(out, "crossMaintenanceMarginUsed", a.cross.maintenance);
        jot_usd(out, "withdrawable", a.withdrawable);
        jot_array(out, "assetPositions");
        for (size_t i = 0; i < a.n_positions; i++)
                show_position(p, out, user, &position[i], &a.cross);
        jot_end_array(out);
        jot_int(out, "time", paper_now(p));
        jot_end_object(out);
        free(position);
}

void paper_show_setting(struct paper *p, struct buf *out, const char *key, const struct addr *user,
                        uint32_t asset)
{
        struct engine_setting setting;
        struct engine_account account;
        struct usd raw_usd = {0};

        engine_setting(p->engine, user, asset, &setting);
        engine_dex_account(p->engine, user, paper_dex_of(p, asset), &account);
        for (size_t i = 0; i < account.n_positions; i++)
                if (account.position[i].asset == asset)
                        raw_usd = account.position[i].p.raw_usd;
        jot_object(out, key);
        jot_addr(out, "user", user);
        jot_text(out, "coin", paper_coin(p, asset));
        show_leverage(out, setting.mode, setting.leverage,
                      setting.mode == MARGIN_ISOLATED ? &raw_usd : NULL);
        jot_array(out, "maxTradeSzs");
        jot_qty(out, NULL, setting.max_trade_size[0]);
        jot_qty(out, NULL, setting.max_trade_size[1]);
        jot_end_array(out);
        jot_array(out, "availableToTrade");
        jot_usd(out, NULL, setting.available[0]);
        jot_usd(out, NULL, setting.available[1]);
        jot_end_array(out);
        jot_px(out, "markPx", engine_mark(p->engine, asset));
        jot_end_object(out);
}

/* ---- History of money ------------------------------------------------------------------------ */

void paper_show_payment(struct paper *p, struct buf *out, const char *key,
                        const struct paper_payment *payment, bool is_ledger)
{
        jot_object(out, key);
        jot_int(out, "time", payment->at);
        if (is_ledger) {
                jot_hash(out, "hash", &payment->hash);
                jot_object(out, "delta");
                jot_text(out, "type", "funding");
        }
        jot_text(out, "coin", paper_coin(p, payment->asset));
        jot_usd(out, "usdc", (struct usd){-payment->paid.v});
        jot_qty(out, "szi", payment->size);
        jot_rate(out, "fundingRate", payment->rate);
        jot_null(out, "nSamples");
        if (is_ledger)
                jot_end_object(out);
        jot_end_object(out);
}

void paper_show_payments(struct paper *p, struct buf *out, const char *key,
                         const struct paper_user *user, int64_t from, int64_t until, bool is_ledger)
{
        uint64_t n = user ? user->n_payments : 0;

        jot_array(out, key);
        for (uint64_t i = n > PAPER_ROWS_MAX ? n - PAPER_ROWS_MAX : 0; i < n; i++) {
                const struct paper_payment *payment = &user->payments[i % PAPER_ROWS_MAX];

                if (payment->at >= from && payment->at <= until)
                        paper_show_payment(p, out, NULL, payment, is_ledger);
        }
        jot_end_array(out);
}

void paper_show_row(struct buf *out, const char *key, const struct paper_row *row)
{
        jot_object(out, key);
        jot_int(out, "time", row->at);
        jot_hash(out, "hash", &row->hash);
        jot_raw(out, "delta", row->delta);
        jot_end_object(out);
}

void paper_show_rows(struct buf *out, const char *key, const struct paper_user *user, int64_t from,
                     int64_t until)
{
        uint64_t n = user ? user->n_rows : 0;

        jot_array(out, key);
        for (uint64_t i = n > PAPER_ROWS_MAX ? n - PAPER_ROWS_MAX : 0; i < n; i++) {
                const struct paper_row *row = &user->rows[i % PAPER_ROWS_MAX];

                if (row->at >= from && row->at <= until)
                        paper_show_row(out, NULL, row);
        }
        jot_end_array(out);
}
