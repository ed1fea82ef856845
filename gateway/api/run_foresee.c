/* What a preview shows besides its plan: the position and the account's free collateral before, and as
 * they will be. Before is what the venue said; after follows from it by the plan's own figures, which
 * are those that the refusals were decided on. */
#include <stdlib.h>
#include <string.h>

#include "api/out.h"
#include "api/run.h"
#include "base/mem.h"
#include "risk/show.h"

struct outlook {
        const char *name;
        const struct venue_position *position; /* NULL: none */
        struct venue_account account;          /* its positions are not used */
        enum risk_source source;
        struct usd venue_fee, builder_fee;
        const struct venue_open_order *orders; /* that protect the position */
        size_t n_orders;
};

static const struct venue_position *held(const struct run *run)
{
        for (unsigned i = 0; i < run->before.n_positions; i++)
                if (strcmp(run->before.position[i].symbol, run->q.symbol) == 0)
                        return &run->before.position[i];
        return NULL;
}

/* --- the orders that will stand --- */

static bool is_cancelled(const struct plan *plan, uint64_t oid)
{
        for (unsigned i = 0; i < plan->n_steps; i++) {
                const struct venue_action *a = &plan->step[i].action;

                for (unsigned k = 0; a->kind == VENUE_CANCEL && k < a->u.cancel.n; k++)
                        if (!a->u.cancel.cancel[k].by_cloid && a->u.cancel.cancel[k].oid == oid)
                                return true;
        }
        return false;
}

/* A leg that the plan places; without an id, which it gets when it is placed. */
static struct venue_open_order leg(const struct run *run, const struct venue_order *o)
{
        struct venue_open_order open = {
                .side = o->side,
                .price = o->price,
                .size = o->size,
                .reduce_only = true,
                .is_trigger = true,
                .trigger = o->trigger,
                .trigger_price = o->trigger_price,
                .trigger_is_market = o->is_market,
        };

        text_copy(open.symbol, sizeof open.symbol, run->q.symbol);
        return open;
}

static size_t orders_after(struct venue_open_order **out, const struct run *run)
{
        const struct plan *plan = &run->plan;
        size_t n = 0;

        *out = xcalloc(run->n_orders + VENUE_ORDERS_MAX, sizeof **out);
        for (size_t i = 0; i < run->n_orders; i++)
                if (!is_cancelled(plan, run->orders[i].oid))
                        (*out)[n++] = run->orders[i];
        if (plan->order_step >= 0) {
                const struct venue_action *a = &plan->step[plan->order_step].action;

                for (unsigned i = a->u.order.legs_of_position ? 0 : 1; i < a->u.order.n; i++)
                        (*out)[n++] = leg(run, &a->u.order.order[i]);
        }
        return n;
}

/* --- the position that will be there --- */

/* As the venue prints it: cut to as many decimals as the market's prices may have. */
static struct px entry_of(const struct run *run, const struct margin_position *p)
{
        struct px entry = {0};
        int64_t tick = num_pow10(NUM_DECIMALS - run->market.price_max_decimals);

        if (num_px_for(&entry, p->entry_notional, (struct qty){num_abs(p->size.v)}, NUM_DOWN))
                return (struct px){0};
        entry.v = num_to_step(entry.v, tick, NUM_DOWN);
        return entry;
}

static bool is_same_side(const struct venue_position *before, const struct margin_position *after)
{
        return before && (before->p.size.v > 0) == (after->size.v > 0);
}

static enum errc position_after(struct venue_position *out, const struct run *run)
{
        const struct margin_position *p = &run->plan.position_after;
        const struct venue_position *before = held(run);
        struct margin_figures f;
        enum errc rc;

        *out = (struct venue_position){.p = *p, .tiers_known = !before || before->tiers_known};
        rc = margin_position_figures(&f, p, &run->plan.cross_after);
        if (rc)
                goto done;
        text_copy(out->symbol, sizeof out->symbol, run->q.symbol);
        out->entry = p->entry_notional.v == (before ? before->p.entry_notional.v : 0)
                             ? before->entry
                             : entry_of(run, p);
        out->margin_used = f.margin_used;
        out->unrealized_pnl = f.unrealized_pnl;
        (void)show_liquidation(out->liquidation_px, &f.liquidation);
        (void)show_rate10(out->return_on_equity, f.return_on_equity);
        if (is_same_side(before, p))
                out->funding_since_open = before->funding_since_open;
done:
        return rc;
}

/* --- writing --- */

static void margin_members(struct buf *out, const struct outlook *o)
{
        const struct venue_position *p = o->position;
        struct margin_figures f = {.has_distance = false};
        bool known = p && margin_position_figures(&f, &p->p, &o->account.cross) == E_OK;

        out_text(out, "liquidationPrice", p && p->liquidation_px[0] ? p->liquidation_px : NULL);
        out_text(out, "source", p ? risk_source_name(o->source) : NULL);
        if (known && f.has_distance && p->liquidation_px[0])
                out_rate(out, "liquidationDistance", f.distance, 6);
        else
                out_null(out, "liquidationDistance");
        if (p && !known)
                out_null(out, "margin");
        else
                out_usd(out, "margin",
                        !p                             ? (struct usd){0}
                        : p->p.mode == MARGIN_ISOLATED ? f.collateral
                                                       : p->margin_used);
}

/* Free is what GET /v1/account calls so: resting orders are not counted. */
static void free_member(struct buf *out, const struct outlook *o)
{
        struct margin_cross cross = o->account.cross;
        struct usd free_margin;

        cross.resting.v = 0;
        if (margin_free(&free_margin, &cross))
                out_null(out, "freeCollateral");
        else
                out_usd(out, "freeCollateral", free_margin);
}

static void outlook(struct buf *out, const struct run *run, const struct outlook *o)
{
        out_key(out, o->name);
        buf_putc(out, '{');
        if (o->position) {
                out_key(out, "position");
                out_position_foreseen(out, o->position, &o->account, &run->market, o->orders,
                                      o->n_orders, o->source);
        } else {
                out_null(out, "position");
        }
        margin_members(out, o);
        free_member(out, o);
        out_key(out, "fees");
        buf_putc(out, '{');
        out_usd(out, "venue", o->venue_fee);
        out_usd(out, "builder", o->builder_fee);
        buf_puts(out, "}}");
}

void run_foresee_members(struct buf *out, const struct run *run)
{
        struct venue_position position;
        struct venue_open_order *orders;
        struct outlook o = {.name = "before",
                            .position = held(run),
                            .account = run->before,
                            .source = SOURCE_VENUE,
                            .orders = run->orders,
                            .n_orders = run->n_orders};

        outlook(out, run, &o);
        o.name = "after";
        o.n_orders = orders_after(&orders, run);
        o.orders = orders;
        o.account.cross = run->plan.cross_after;
        o.source = run->plan.risk.source;
        o.venue_fee = run->plan.risk.venue_fee;
        o.builder_fee = run->plan.risk.builder_fee;
        o.position = NULL;
        if (run->plan.position_after.size.v && position_after(&position, run) == E_OK)
                o.position = &position;
        outlook(out, run, &o);
        free(orders);
}
