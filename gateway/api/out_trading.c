/* The writers for plans, risk, positions and orders. */
#include <string.h>

#include "api/out.h"
#include "base/hex.h"
#include "base/mem.h"

static void problem(struct buf *out, const struct err *err)
{
        out_key(out, "error");
        buf_putc(out, '{');
        out_text(out, "code", err_wire(err->code));
        out_text(out, "detail", err->detail[0] ? err->detail : err_text(err->code));
        if (err->venue_message[0])
                out_text(out, "venueMessage", err->venue_message);
        buf_putc(out, '}');
}

static void order_json(struct buf *out, const struct venue_order *o)
{
        char id[CLOID_STR_MAX];

        buf_putc(out, '{');
        out_text(out, "side", out_side(o->side));
        out_qty(out, "size", o->size);
        out_px(out, "price", o->price);
        if (o->kind == ORDER_TRIGGER) {
                out_px(out, "triggerPrice", o->trigger_price);
                out_text(out, "kind",
                         o->trigger == TRIGGER_TAKE_PROFIT ? "takeProfit" : "stopLoss");
        } else {
                static const char *const tif[] = {
                        [TIF_GTC] = "gtc", [TIF_IOC] = "ioc", [TIF_ALO] = "alo"};
                out_text(out, "timeInForce", tif[o->tif]);
        }
        out_bool(out, "market", o->is_market);
        out_bool(out, "reduceOnly", o->reduce_only);
        out_text(out, "id", hex_print_cloid(id, &o->cloid));
        buf_putc(out, '}');
}

static void orders_json(struct buf *out, const struct venue_action *a)
{
        out_key(out, "orders");
        buf_putc(out, '[');
        for (unsigned i = 0; i < a->u.order.n; i++) {
                if (i)
                        buf_putc(out, ',');
                order_json(out, &a->u.order.order[i]);
        }
        buf_putc(out, ']');
        if (a->u.order.has_builder) {
                char s[ADDR_STR_MAX];
                struct rate fee = out_fee_share(a->u.order.builder_fee_tenth_bp);
                out_text(out, "builder", hex_print_addr(s, &a->u.order.builder));
                out_rate(out, "builderFee", fee, 8);
        }
}

static void step_json(struct buf *out, const struct plan_step *step)
{
        const struct venue_action *a = &step->action;

        buf_putc(out, '{');
        out_text(out, "action", step->name);
        out_text(out, "status", step_status_name(step->status));
        if (step->is_put_back)
                out_bool(out, "putBack", true);
        switch (a->kind) {
        case VENUE_SET_LEVERAGE:
                out_text(out, "marginMode", margin_mode_name(a->u.leverage.mode));
                out_int(out, "leverage", a->u.leverage.leverage);
                break;
        case VENUE_ORDER:
        case VENUE_MODIFY: orders_json(out, a); break;
        case VENUE_ADJUST_MARGIN:
                if (step->amount_pending) {
                        out_null(out, "amount");
                        out_usd(out, "targetMargin", step->target_collateral);
                } else {
                        out_usd(out, "amount", a->u.margin.amount);
                }
                break;
        case VENUE_CANCEL: out_int(out, "orders", a->u.cancel.n); break;
        case VENUE_CREATE_SUB_ACCOUNT: out_text(out, "name", a->u.sub_name); break;
        case VENUE_FUND_SUB_ACCOUNT: out_usd(out, "amount", a->u.fund.amount); break;
        case VENUE_SCHEDULE_CANCEL: out_int(out, "at", a->u.cancel_all_at); break;
        }
        if (step->status == STEP_SKIPPED && step->err.detail[0])
                out_text(out, "reason", step->err.detail);
        else if (step->err.code)
                problem(out, &step->err);
        buf_putc(out, '}');
}

void out_plan(struct buf *out, const struct plan *plan)
{
        out_key(out, "plan");
        buf_putc(out, '[');
        for (unsigned i = 0; i < plan->n_steps; i++) {
                if (i)
                        buf_putc(out, ',');
                step_json(out, &plan->step[i]);
        }
        buf_putc(out, ']');
}

void out_risk(struct buf *out, const struct plan_risk *r, const char *collateral)
{
        out_key(out, "risk");
        buf_putc(out, '{');
        out_text(out, "collateral", collateral);
        out_text(out, "marginMode", margin_mode_name(r->mode));
        out_int(out, "leverage", r->leverage);
        out_usd(out, "marginRequired", r->margin_required);
        out_rate(out, "effectiveLeverage", r->effective_leverage, 4);
        out_text(out, "liquidationPrice", r->has_liquidation ? r->liquidation_text : NULL);
        if (r->has_distance)
                out_rate(out, "liquidationDistance", r->distance, 6);
        else
                out_null(out, "liquidationDistance");
        out_text(out, "source", risk_source_name(r->source));
        out_usd(out, "maxLoss", r->max_loss);
        out_usd(out, "maintenanceMargin", r->maintenance);
        out_key(out, "fees");
        buf_putc(out, '{');
        out_usd(out, "venue", r->venue_fee);
        out_usd(out, "builder", r->builder_fee);
        buf_puts(out, "}");
        out_key(out, "warnings");
        buf_putc(out, '[');
        for (unsigned i = 0; i < r->n_warnings; i++) {
                buf_puts(out, i ? ",{" : "{");
                out_text(out, "code", r->warning[i].code);
                out_text(out, "detail", r->warning[i].detail);
                buf_putc(out, '}');
        }
        buf_puts(out, "]}");
}

/* The protective order of a kind for a position: the one that the mark reaches first. */
static const struct venue_open_order *protective(const struct venue_position *p,
                                                 enum trigger_kind kind,
                                                 const struct venue_open_order *orders, size_t n)
{
        bool is_long = p->p.size.v > 0;
        enum side closing = is_long ? SIDE_SELL : SIDE_BUY;
        bool highest = is_long == (kind == TRIGGER_STOP_LOSS);
        const struct venue_open_order *first = NULL;

        for (size_t i = 0; i < n; i++) {
                const struct venue_open_order *o = &orders[i];
                if (!o->is_trigger || !o->reduce_only || o->trigger != kind || o->side != closing ||
                    strcmp(o->symbol, p->symbol) != 0)
                        continue;
                if (!first || (highest ? o->trigger_price.v > first->trigger_price.v
                                       : o->trigger_price.v < first->trigger_price.v))
                        first = o;
        }
        return first;
}

static void protective_json(struct buf *out, const char *name, const struct venue_open_order *o)
{
        char id[CLOID_STR_MAX];

        if (!o) {
                out_null(out, name);
                return;
        }
        out_key(out, name);
        buf_putc(out, '{');
        if (o->has_cloid) {
                out_text(out, "id", hex_print_cloid(id, &o->cloid));
        } else if (!o->oid) { /* foreseen */
                out_null(out, "id");
        } else {
                char oid[NUM_STR_MAX];
                out_text(out, "id", num_print(oid, (int64_t)o->oid, 0, 0));
        }
        out_px(out, "triggerPrice", o->trigger_price);
        if (o->trigger_is_market)
                out_null(out, "price");
        else
                out_px(out, "price", o->price);
        out_qty(out, "size", o->size);
        buf_putc(out, '}');
}

static void figures_json(struct buf *out, const struct venue_position *p,
                         const struct margin_figures *f, enum risk_source source)
{
        bool isolated = p->p.mode == MARGIN_ISOLATED;

        out_rate(out, "effectiveLeverage", f->effective_leverage, 4);
        out_usd(out, "margin", isolated ? f->collateral : p->margin_used);
        out_usd(out, "marginUsed", p->margin_used);
        out_usd(out, "maintenanceMargin", f->maintenance);
        if (p->liquidation_px[0]) {
                out_text(out, "liquidationPrice", p->liquidation_px);
                if (f->has_distance)
                        out_rate(out, "liquidationDistance", f->distance, 6);
                else
                        out_null(out, "liquidationDistance");
        } else {
                out_null(out, "liquidationPrice");
                out_null(out, "liquidationDistance");
        }
        out_text(out, "source", risk_source_name(source));
        out_text(out, "sourceReason", source == SOURCE_ESTIMATE ? p->doubt : NULL);
        out_usd(out, "unrealizedPnl", p->unrealized_pnl);
        out_text(out, "returnOnEquity", p->return_on_equity);
        out_usd(out, "funding", p->funding_since_open);
        out_usd(out, "maxLoss", f->max_loss);
        out_usd(out, "removableMargin", f->removable);
}

/* The market's tiers are not known: only what the venue said itself. */
static void venue_figures_json(struct buf *out, const struct venue_position *p,
                               enum risk_source source)
{
        static const char *const unknown[] = {"effectiveLeverage",   "margin",  "maintenanceMargin",
                                              "liquidationDistance", "maxLoss", "removableMargin"};

        for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
                out_null(out, unknown[i]);
        out_usd(out, "marginUsed", p->margin_used);
        out_text(out, "liquidationPrice", p->liquidation_px[0] ? p->liquidation_px : NULL);
        out_text(out, "source", risk_source_name(source));
        out_text(out, "sourceReason", source == SOURCE_ESTIMATE ? p->doubt : NULL);
        out_usd(out, "unrealizedPnl", p->unrealized_pnl);
        out_text(out, "returnOnEquity", p->return_on_equity);
        out_usd(out, "funding", p->funding_since_open);
}

static void position_head(struct buf *out, const struct venue_position *p,
                          const struct venue_account *account, const struct market *market)
{
        buf_putc(out, '{');
        out_text(out, "symbol", p->symbol);
        out_text(out, "collateral",
                 account->collateral[0] ? account->collateral
                 : market               ? market->collateral
                                        : NULL);
        out_text(out, "side", p->p.size.v > 0 ? "long" : "short");
}

static void position_json(struct buf *out, const struct venue_position *p,
                          const struct venue_account *account, const struct market *market,
                          const struct venue_open_order *orders, size_t n_orders,
                          enum risk_source source, const char *guard)
{
        struct qty size = {num_abs(p->p.size.v)};
        struct margin_figures f = {.has_distance = false};
        struct px mark = {0};
        bool known = p->tiers_known && margin_position_figures(&f, &p->p, &account->cross) == E_OK;

        position_head(out, p, account, market);
        out_qty(out, "size", size);
        out_px(out, "entryPrice", p->entry);
        if (num_px_for(&mark, p->p.value, size, NUM_NEAREST) == E_OK)
                out_px(out, "markPrice", mark);
        else
                out_null(out, "markPrice");
        out_usd(out, "notional", p->p.value);
        out_text(out, "marginMode", margin_mode_name(p->p.mode));
        out_int(out, "leverage", p->p.leverage);
        if (known)
                figures_json(out, p, &f, source);
        else
                venue_figures_json(out, p, source);
        protective_json(out, "takeProfit", protective(p, TRIGGER_TAKE_PROFIT, orders, n_orders));
        protective_json(out, "stopLoss", protective(p, TRIGGER_STOP_LOSS, orders, n_orders));
        out_key(out, "guard");
        buf_puts(out, guard ? guard : "null");
        out_int(out, "asOf", account->as_of);
        out_bool(out, "drift", account->is_drifted);
        buf_putc(out, '}');
}

void out_position_gone(struct buf *out, const struct venue_position *was,
                       const struct venue_account *account, const struct market *market)
{
        const struct usd none = {0};
        struct venue_position p = *was;

        p.liquidation_px[0] = '\0';
        p.margin_used = p.unrealized_pnl = p.funding_since_open = none;
        must(text_copy(p.return_on_equity, sizeof p.return_on_equity, "0"));
        position_head(out, &p, account, market);
        out_qty(out, "size", (struct qty){0});
        out_px(out, "entryPrice", p.entry);
        out_null(out, "markPrice");
        out_usd(out, "notional", none);
        out_text(out, "marginMode", margin_mode_name(p.p.mode));
        out_int(out, "leverage", p.p.leverage);
        venue_figures_json(out, &p, account->is_computed ? SOURCE_EXACT : SOURCE_VENUE);
        out_null(out, "takeProfit");
        out_null(out, "stopLoss");
        out_null(out, "guard");
        out_int(out, "asOf", account->as_of);
        out_bool(out, "drift", account->is_drifted);
        buf_putc(out, '}');
}

void out_position(struct buf *out, const struct venue_position *p,
                  const struct venue_account *account, const struct market *market,
                  const struct venue_open_order *orders, size_t n_orders, const char *guard)
{
        position_json(out, p, account, market, orders, n_orders,
                      p->doubt         ? SOURCE_ESTIMATE
                      : p->is_computed ? SOURCE_EXACT
                                       : SOURCE_VENUE,
                      guard);
}

void out_position_foreseen(struct buf *out, const struct venue_position *p,
                           const struct venue_account *account, const struct market *market,
                           const struct venue_open_order *orders, size_t n_orders,
                           enum risk_source source)
{
        position_json(out, p, account, market, orders, n_orders, source, NULL);
}

const char *out_order_type(const struct venue_open_order *o)
{
        if (!o->is_trigger)
                return strcmp(o->tif, "FrontendMarket") == 0 ? "market" : "limit";
        if (o->trigger == TRIGGER_TAKE_PROFIT)
                return o->trigger_is_market ? "takeProfitMarket" : "takeProfitLimit";
        return o->trigger_is_market ? "stopMarket" : "stopLimit";
}

void out_open_order(struct buf *out, const struct venue_open_order *o, const char *status,
                    const char *client_id, int64_t status_at)
{
        struct qty filled = {o->original_size.v - o->size.v};
        char id[CLOID_STR_MAX], oid[NUM_STR_MAX];

        num_print(oid, (int64_t)o->oid, 0, 0);
        buf_putc(out, '{');
        out_text(out, "id", o->has_cloid ? hex_print_cloid(id, &o->cloid) : oid);
        out_text(out, "clientId", client_id && client_id[0] ? client_id : NULL);
        out_text(out, "venueOrderId", oid);
        out_text(out, "symbol", o->symbol);
        out_text(out, "side", out_side(o->side));
        out_text(out, "type", out_order_type(o));
        out_qty(out, "size", o->original_size);
        out_qty(out, "remainingSize", o->size);
        out_qty(out, "filledSize", filled);
        out_px(out, "price", o->price);
        if (o->is_trigger)
                out_px(out, "triggerPrice", o->trigger_price);
        else
                out_null(out, "triggerPrice");
        out_text(out, "timeInForce",
                 o->tif[0] == 'G'   ? "gtc"
                 : o->tif[0] == 'A' ? "alo"
                 : o->tif[0]        ? "ioc"
                                    : NULL);
        out_bool(out, "reduceOnly", o->reduce_only);
        out_text(out, "status", status);
        out_int(out, "placedAt", o->placed_at);
        out_int(out, "statusAt", status_at);
        buf_putc(out, '}');
}
