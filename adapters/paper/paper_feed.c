#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/paper/jot.h"
#include "adapters/paper/paper_frame.h"
#include "adapters/paper/paper_journal.h"
#include "adapters/paper/paper_show.h"
#include "adapters/paper/paper_tape.h"
#include "adapters/paper/paper_twap.h"
#include "base/mem.h"

/* From the engine to subscribers. The sink only writes down what happened (it may not ask the engine
 * anything); paper_feed_flush then pushes it, grouped per subscription. */

#define FRAME_MAX        (8u << 20)
#define TICKS_PER_SECOND 2
#define TICKS_PER_STATE  10 /* states move with the marks; pushed every five seconds */
#define FIRST_CAPACITY   64

/* ---- The sink -------------------------------------------------------------------------------- */

static void on_order(void *cookie, const struct engine_order *order)
{
        struct paper *p = cookie;
        struct paper_events *e = &p->events;
        struct paper_user *user;

        if (paper_is_house(p, &order->user))
                return;
        user = paper_users_get(p, &order->user);
        if (!user)
                return;
        if (e->n_orders == e->cap_orders) {
                e->cap_orders = e->cap_orders ? 2 * e->cap_orders : FIRST_CAPACITY;
                e->order = xrealloc(e->order, e->cap_orders * sizeof(*e->order));
        }
        e->order[e->n_orders++] = *order;
        paper_users_changed(p, user);
}

static void on_fill(void *cookie, const struct engine_fill *fill)
{
        struct paper *p = cookie;
        struct paper_events *e = &p->events;
        struct paper_user *user;
        struct usd notional;

        paper_twap_on_fill(p, fill);
        if (hex_addr_equal(&fill->user, &p->maker))
                p->market[fill->asset].is_eaten = true;
        user = paper_is_house(p, &fill->user) ? NULL : paper_users_get(p, &fill->user);
        if (!user)
                return;
        paper_journal_fill(p, fill);
        if (!num_notional(&notional, fill->price, fill->size, NUM_DOWN) &&
            user->volume_micro < INT64_MAX / 2)
                user->volume_micro += num_abs(notional.v) / NUM_MICRO;
        if (e->n_fills == e->cap_fills) {
                e->cap_fills = e->cap_fills ? 2 * e->cap_fills : FIRST_CAPACITY;
                e->fill = xrealloc(e->fill, e->cap_fills * sizeof(*e->fill));
        }
        e->fill[e->n_fills++] = *fill;
        paper_users_changed(p, user);
}

static void on_trade(void *cookie, const struct engine_fill *taker, const struct addr *buyer,
                     const struct addr *seller)
{
        struct paper *p = cookie;

        *paper_market_add_trade(p, taker->asset) = (struct paper_trade){
                .price = taker->price,
                .size = taker->size,
                .is_buy = taker->is_buy,
                .at = taker->at,
                .hash = taker->hash,
                .tid = taker->tid,
                .buyer = *buyer,
                .seller = *seller,
        };
        paper_candles_add(&p->market[taker->asset].candles, taker->price, taker->size, taker->at);
        p->market[taker->asset].is_candle_changed = true;
}

static void on_book(void *cookie, uint32_t asset)
{
        struct paper *p = cookie;

        p->market[asset].is_book_changed = true;
        p->market[asset].is_bbo_changed = true;
}

static void on_funding(void *cookie, const struct addr *address, uint32_t asset, struct usd paid,
                       struct qty size, struct rate rate, int64_t at)
{
        struct paper *p = cookie;
        struct paper_user *user = paper_users_get(p, address);
        struct paper_payment payment = {at, {{0}}, asset, paid, size, rate};

        /* Funding has no transaction of its own: its hash is zero at the venue too. */
        if (user)
                paper_users_payment(p, user, &payment);
}

static void on_liquidation(void *cookie, const struct addr *address, enum margin_mode mode,
                           struct usd notional, struct usd value, const uint32_t *assets,
                           const struct qty *sizes, size_t n, int64_t at)
{
        struct paper *p = cookie;
        struct paper_user *user = paper_users_get(p, address);
        struct paper_ledger_event *event;
        struct buf delta;

        if (!user)
                return;
        buf_init(&delta, 64u << 10);
        jot_object(&delta, NULL);
        jot_text(&delta, "type", "liquidation");
        jot_usd(&delta, "liquidatedNtlPos", notional);
        jot_usd(&delta, "accountValue", value);
        jot_text(&delta, "leverageType", mode == MARGIN_CROSS ? "Cross" : "Isolated");
        jot_array(&delta, "liquidatedPositions");
        for (size_t i = 0; i < n; i++) {
                jot_object(&delta, NULL);
                jot_text(&delta, "coin", paper_coin(p, assets[i]));
                jot_qty(&delta, "szi", sizes[i]);
                jot_end_object(&delta);
        }
        jot_end_array(&delta);
        jot_end_object(&delta);
        paper_users_row(p, user, buf_cstr(&delta), at);
        event = &p->events.row[p->events.n_rows - 1];
        event->is_liquidation = true;
        event->liquidated_notional = notional;
        event->account_value = value;
        buf_fini(&delta);
}

struct engine_sink paper_feed_sink(struct paper *p)
{
        return (struct engine_sink){
                .order = on_order,
                .fill = on_fill,
                .trade = on_trade,
                .book = on_book,
                .funding = on_funding,
                .liquidation = on_liquidation,
                .cookie = p,
        };
}

void paper_feed_fini(struct paper *p)
{
        free(p->events.order);
        free(p->events.fill);
        free(p->events.row);
        memset(&p->events, 0, sizeof(p->events));
}

/* ---- Pushing --------------------------------------------------------------------------------- */

/* Trades and fills are told once; states and lists come again. */
static bool is_told_once(enum paper_sub_type type)
{
        return type == PAPER_SUB_TRADES || type == PAPER_SUB_USER_FILLS ||
               type == PAPER_SUB_USER_EVENTS || type == PAPER_SUB_ORDER_UPDATES;
}

static bool is_book(enum paper_sub_type type)
{
        return type == PAPER_SUB_L2_BOOK || type == PAPER_SUB_BBO;
}

static void push_rubbish(struct paper *p, struct paper_sub *sub, const struct buf *frame)
{
        struct buf half;

        buf_init(&half, FRAME_MAX);
        buf_put(&half, frame->data, frame->len / 2);
        paper_ws_send(p, sub->peer, &half);
        buf_fini(&half);
}

static void push_crossed(struct paper *p, struct paper_sub *sub)
{
        struct buf frame;

        buf_init(&frame, FRAME_MAX);
        p->shows_crossed = true;
        if (paper_frame_whole(p, &frame, sub))
                paper_ws_send(p, sub->peer, &frame);
        p->shows_crossed = false;
        buf_fini(&frame);
}

void paper_feed_push(struct paper *p, struct paper_sub *sub, const struct buf *frame)
{
        struct paper_fault fault = {.kind = PAPER_FAULT_NONE};

        if (p->n_faults)
                fault = paper_faults_take_event(p, is_told_once(sub->type), is_book(sub->type));
        if (fault.kind == PAPER_FAULT_LOST_EVENT ||
            (fault.kind == PAPER_FAULT_REORDER_EVENTS && paper_ws_hold(sub->peer, frame)))
                return;
        if (fault.kind == PAPER_FAULT_RUBBISH)
                push_rubbish(p, sub, frame);
        else if (fault.kind == PAPER_FAULT_CROSSED_BOOK)
                push_crossed(p, sub);
        else
                paper_ws_send(p, sub->peer, frame);
        if (fault.kind == PAPER_FAULT_DUPLICATE_EVENT)
                paper_ws_send(p, sub->peer, frame);
        paper_ws_let_go(p, sub->peer);
}

static void push_whole(struct paper *p, struct paper_sub *sub)
{
        struct buf frame;

        buf_init(&frame, FRAME_MAX);
        if (paper_frame_whole(p, &frame, sub))
                paper_feed_push(p, sub, &frame);
        buf_fini(&frame);
}

void paper_feed_first(struct paper *p, struct paper_sub *sub)
{
        push_whole(p, sub);
}

static bool is_of(const struct paper_sub *sub, const struct addr *user)
{
        return hex_addr_equal(&sub->user, user);
}

/* One frame per subscription with what concerns it; built only when there is something. */
static void push_orders(struct paper *p, struct paper_sub *sub, bool is_full)
{
        struct buf frame;
        bool is_any = false;

        buf_init(&frame, FRAME_MAX);
        paper_frame_begin(&frame, paper_frame_channel(sub->type));
        if (is_full) {
                jot_object(&frame, "data");
                jot_addr(&frame, "user", &sub->user);
        }
        jot_array(&frame, is_full ? "orderHistory" : "data");
        for (size_t i = 0; i < p->events.n_orders; i++) {
                if (!is_of(sub, &p->events.order[i].user))
                        continue;
                paper_show_order_status(p, &frame, NULL, &p->events.order[i], is_full);
                is_any = true;
        }
        jot_end_array(&frame);
        if (is_full)
                jot_end_object(&frame);
        paper_frame_end(&frame);
        if (is_any)
                paper_feed_push(p, sub, &frame);
        buf_fini(&frame);
}

static void push_fills(struct paper *p, struct paper_sub *sub)
{
        struct buf frame;
        bool is_any = false;

        buf_init(&frame, FRAME_MAX);
        paper_frame_begin(&frame, paper_frame_channel(sub->type));
        jot_object(&frame, "data");
        if (sub->type == PAPER_SUB_USER_FILLS)
                jot_addr(&frame, "user", &sub->user);
        jot_array(&frame, "fills");
        for (size_t i = 0; i < p->events.n_fills; i++) {
                if (!is_of(sub, &p->events.fill[i].user) || p->events.fill[i].twap_id)
                        continue;
                paper_show_fill(p, &frame, NULL, &p->events.fill[i]);
                is_any = true;
        }
        jot_end_array(&frame);
        jot_end_object(&frame);
        paper_frame_end(&frame);
        if (is_any)
                paper_feed_push(p, sub, &frame);
        buf_fini(&frame);
}

static void show_liquidation(struct paper *p, struct buf *out,
                             const struct paper_ledger_event *event)
{
        struct addr backstop;

        engine_backstop(p->engine, &backstop);
        jot_object(out, "liquidation");
        jot_uint(out, "lid", event->row + 1);
        jot_addr(out, "liquidator", &backstop);
        jot_addr(out, "liquidated_user", &event->user);
        jot_usd(out, "liquidated_ntl_pos", event->liquidated_notional);
        jot_usd(out, "liquidated_account_value", event->account_value);
        jot_end_object(out);
}

/* A ledger row or funding payment, as this type of subscription shows it; false: it does not. */
static bool show_row(struct paper *p, struct buf *out, const struct paper_sub *sub,
                     const struct paper_ledger_event *event)
{
        const struct paper_user *user = paper_users_get(p, &event->user);
        size_t at = (size_t)(event->row % PAPER_ROWS_MAX);

        if (sub->type == PAPER_SUB_USER_EVENTS && event->is_funding) {
                paper_show_payment(p, out, "funding", &user->payments[at], false);
        } else if (sub->type == PAPER_SUB_USER_EVENTS && event->is_liquidation) {
                show_liquidation(p, out, event);
        } else if (sub->type == PAPER_SUB_USER_FUNDINGS && event->is_funding) {
                jot_addr(out, "user", &sub->user);
                jot_array(out, "fundings");
                paper_show_payment(p, out, NULL, &user->payments[at], false);
                jot_end_array(out);
        } else if (sub->type == PAPER_SUB_LEDGER_UPDATES && !event->is_funding) {
                jot_addr(out, "user", &sub->user);
                jot_array(out, "nonFundingLedgerUpdates");
                paper_show_row(out, NULL, &user->rows[at]);
                jot_end_array(out);
        } else {
                return false;
        }
        return true;
}

static void push_rows(struct paper *p, struct paper_sub *sub)
{
        for (size_t i = 0; i < p->events.n_rows; i++) {
                struct buf frame;

                if (!is_of(sub, &p->events.row[i].user))
                        continue;
                buf_init(&frame, FRAME_MAX);
                paper_frame_begin(&frame, paper_frame_channel(sub->type));
                jot_object(&frame, "data");
                if (show_row(p, &frame, sub, &p->events.row[i])) {
                        jot_end_object(&frame);
                        paper_frame_end(&frame);
                        paper_feed_push(p, sub, &frame);
                }
                buf_fini(&frame);
        }
}

/* ---- Flush and tick -------------------------------------------------------------------------- */

static void push_type(struct paper *p, enum paper_sub_type type,
                      void (*each)(struct paper *p, struct paper_sub *sub))
{
        list_each_safe (it, &p->ws->by_type[type])
                each(p, list_entry(it, struct paper_sub, in_type));
}

static void push_order_updates(struct paper *p, struct paper_sub *sub)
{
        push_orders(p, sub, false);
}

static void push_order_history(struct paper *p, struct paper_sub *sub)
{
        push_orders(p, sub, true);
}

static void push_trades(struct paper *p, struct paper_sub *sub)
{
        const struct paper_market *m = &p->market[sub->asset];
        size_t n = (size_t)(m->n_trades - m->n_trades_pushed);
        struct buf frame;

        if (n == 0)
                return;
        buf_init(&frame, FRAME_MAX);
        paper_frame_begin(&frame, "trades");
        paper_tape_trades(p, &frame, "data", sub->asset, n, true);
        paper_frame_end(&frame);
        paper_feed_push(p, sub, &frame);
        buf_fini(&frame);
}

static void push_bbo(struct paper *p, struct paper_sub *sub)
{
        if (p->market[sub->asset].is_bbo_changed)
                push_whole(p, sub);
}

static void push_book(struct paper *p, struct paper_sub *sub)
{
        if (p->market[sub->asset].is_book_changed)
                push_whole(p, sub);
}

static void push_candle(struct paper *p, struct paper_sub *sub)
{
        if (p->market[sub->asset].is_candle_changed)
                push_whole(p, sub);
}

static void push_if_changed(struct paper *p, struct paper_sub *sub)
{
        const struct paper_user *user = paper_users_get(p, &sub->user);

        if (user && user->is_changed)
                push_whole(p, sub);
}

static const enum paper_sub_type states[] = {
        PAPER_SUB_CLEARINGHOUSE_STATE, PAPER_SUB_ALL_DEXS_CLEARINGHOUSE_STATE,
        PAPER_SUB_OPEN_ORDERS,         PAPER_SUB_SPOT_STATE,
        PAPER_SUB_WEB_DATA3,           PAPER_SUB_ACTIVE_ASSET_DATA,
        PAPER_SUB_TWAP_STATES,
};
#define N_STATES (sizeof(states) / sizeof(states[0]))

/* Best prices that are as they were don't count as a change. */
static void settle_bbo(struct paper *p)
{
        for (uint32_t i = 0; i < p->universe.n; i++) {
                struct paper_market *m = &p->market[i];
                struct engine_level best[2] = {{.n_orders = 0}, {.n_orders = 0}};
                bool is_same = true;

                if (!m->is_bbo_changed)
                        continue;
                for (int side = 0; side < 2; side++) {
                        (void)engine_book(p->engine, i, side, &best[side], 1);
                        is_same = is_same && best[side].price.v == m->bbo[side].price.v &&
                                  best[side].size.v == m->bbo[side].size.v &&
                                  best[side].n_orders == m->bbo[side].n_orders;
                        m->bbo[side] = best[side];
                }
                m->is_bbo_changed = !is_same;
        }
}

void paper_feed_flush(struct paper *p)
{
        settle_bbo(p);
        if (p->ws->n_peers > 0) {
                push_type(p, PAPER_SUB_TRADES, push_trades);
                push_type(p, PAPER_SUB_BBO, push_bbo);
                push_type(p, PAPER_SUB_ORDER_UPDATES, push_order_updates);
                push_type(p, PAPER_SUB_HISTORICAL_ORDERS, push_order_history);
                push_type(p, PAPER_SUB_USER_FILLS, push_fills);
                push_type(p, PAPER_SUB_USER_EVENTS, push_fills);
                push_type(p, PAPER_SUB_USER_EVENTS, push_rows);
                push_type(p, PAPER_SUB_USER_FUNDINGS, push_rows);
                push_type(p, PAPER_SUB_LEDGER_UPDATES, push_rows);
                paper_feed_notes_flush(p);
                paper_feed_twap_flush(p);
                for (size_t i = 0; i < N_STATES && !list_empty(&p->changed); i++)
                        push_type(p, states[i], push_if_changed);
        }
        list_each_safe (it, &p->changed) {
                struct paper_user *user = list_entry(it, struct paper_user, in_changed);

                user->is_changed = false;
                user->n_twap_rows_pushed = user->n_twap_rows;
                list_remove(it);
        }
        for (uint32_t i = 0; i < p->universe.n; i++) {
                p->market[i].is_bbo_changed = false;
                p->market[i].n_trades_pushed = p->market[i].n_trades;
        }
        p->events.n_orders = p->events.n_fills = p->events.n_rows = 0;
}

void paper_feed_tick(struct paper *p)
{
        paper_ws_close_late(p);
        if (p->ws->n_peers > 0) {
                push_type(p, PAPER_SUB_L2_BOOK, push_book);
                push_type(p, PAPER_SUB_CANDLE, push_candle);
        }
        for (uint32_t i = 0; i < p->universe.n; i++)
                p->market[i].is_book_changed = p->market[i].is_candle_changed = false;
        paper_feed_fast_tick(p);
        if (p->ws->n_peers == 0)
                return;
        if (p->n_ticks % TICKS_PER_SECOND == 0) {
                push_type(p, PAPER_SUB_ALL_MIDS, push_whole);
                push_type(p, PAPER_SUB_ACTIVE_ASSET_CTX, push_whole);
                push_type(p, PAPER_SUB_ASSET_CTXS, push_whole);
                push_type(p, PAPER_SUB_ALL_DEXS_ASSET_CTXS, push_whole);
        }
        for (size_t i = 0; i < N_STATES && p->n_ticks % TICKS_PER_STATE == 0; i++)
                push_type(p, states[i], push_whole);
}
