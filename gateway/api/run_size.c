/* How an order that was sized by its risk is told. */
#include "api/out.h"
#include "api/run.h"

/* A body for POST /v1/orders and its preview, as it is. */
static void order_json(struct buf *out, const struct run *run)
{
        const struct plan_order_request *o = &run->sized.order;

        out_key(out, "order");
        buf_putc(out, '{');
        out_text(out, "symbol", o->symbol);
        out_text(out, "side", out_side(o->side));
        out_text(out, "type", o->has_price ? "limit" : "market");
        out_qty(out, "size", o->size);
        if (o->has_price)
                out_px(out, "price", o->price);
        out_text(out, "marginMode", margin_mode_name(o->mode));
        out_int(out, "leverage", o->leverage);
        out_key(out, "stopLoss");
        buf_putc(out, '{');
        out_px(out, "triggerPrice", o->stop_loss.trigger_price);
        buf_puts(out, "}}");
}

static void fees_json(struct buf *out, const char *name, struct usd venue, struct usd builder)
{
        out_key(out, name);
        buf_putc(out, '{');
        out_usd(out, "venue", venue);
        out_usd(out, "builder", builder);
        buf_putc(out, '}');
}

static void total(struct buf *out, const char *name, struct usd entry, struct usd stop)
{
        struct usd sum;

        if (num_usd_add(&sum, entry, stop))
                out_null(out, name);
        else
                out_usd(out, name, sum);
}

/* |entry - stop| / entry. */
static void stop_distance(struct buf *out, const struct run *run)
{
        struct px entry = run->sized.entry, stop = run->q.sized.stop;
        struct rate distance;

        if (num_ratio(&distance, num_abs(entry.v - stop.v), entry.v, NUM_NEAREST))
                out_null(out, "stopDistance");
        else
                out_rate(out, "stopDistance", distance, 6);
}

void run_size_members(struct buf *out, const struct run *run)
{
        const struct plan_sized *s = &run->sized;
        const struct plan_risk *risk = &run->plan.risk;

        out_text(out, "symbol", run->q.symbol);
        out_text(out, "side", out_side(run->q.sized.side));
        out_px(out, "entryPrice", s->entry);
        out_px(out, "stopPrice", run->q.sized.stop);
        stop_distance(out, run);
        out_text(out, "collateral", run->market.collateral);
        out_usd(out, "equity", s->equity);
        out_usd(out, "riskAmount", s->risk);
        out_usd(out, "lossAtStop", s->size.loss);
        out_key(out, "fees");
        buf_putc(out, '{');
        total(out, "venue", s->entry_venue_fee, s->stop_venue_fee);
        total(out, "builder", s->entry_builder_fee, s->stop_builder_fee);
        fees_json(out, "entry", s->entry_venue_fee, s->entry_builder_fee);
        fees_json(out, "stop", s->stop_venue_fee, s->stop_builder_fee);
        buf_putc(out, '}');
        out_qty(out, "size", s->size.size);
        out_usd(out, "notional", run->plan.notional);
        out_text(out, "marginMode", margin_mode_name(risk->mode));
        out_int(out, "leverage", risk->leverage);
        out_usd(out, "margin", risk->margin_required);
        out_usd(out, "marginNeeded", s->size.required);
        out_px(out, "liquidationBound", s->size.target);
        out_text(out, "liquidationPrice", risk->has_liquidation ? risk->liquidation_text : NULL);
        if (risk->has_distance)
                out_rate(out, "liquidationDistance", risk->distance, 6);
        else
                out_null(out, "liquidationDistance");
        out_text(out, "source", risk_source_name(risk->source));
        order_json(out, run);
        out_plan(out, &run->plan);
        out_risk(out, risk, run->market.collateral);
}
