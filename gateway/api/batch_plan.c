/* Planning a batch: each order against the account as the ones before it leave it. */
#include <string.h>

#include "api/batch.h"
#include "base/mem.h"

/* Where collateral is pooled over dexes and spot, the account's own figures don't tell its risk. */
static enum errc check_mode(const struct batch *b, struct batch_item *item)
{
        if (item->request.reduce_only || strcmp(b->facts.mode, "standard") == 0)
                return E_OK;
        return err_set(&item->err, E_FORBIDDEN,
                       "The account's collateral mode is %s, whose risk can't be judged here; "
                       "positions can be closed and reduced.",
                       b->facts.mode);
}

/* The leverage step of a plan is the batch's own, once per symbol and before any order: what an
 * earlier order was planned with stays. */
static enum errc check_setting(struct batch_item *item)
{
        const struct batch_market *m = item->market;

        if (!item->plan.leverage_changed || !m->is_decided)
                return E_OK;
        return err_field(&item->err, E_INVALID,
                         item->request.has_leverage ? "leverage" : "marginMode",
                         "differs from an earlier order's of this batch on %s, which is %s %ux",
                         m->market.symbol, margin_mode_name(m->setting.mode), m->setting.leverage);
}

/* What a planned order takes is no longer free for those after it. */
static enum errc reserve(const struct batch_item *item)
{
        const struct plan_risk *risk = &item->plan.risk;
        struct usd *resting = &item->market->dex->before.cross.resting;
        enum errc rc;

        rc = num_usd_add(resting, *resting, risk->margin_required);
        if (!rc && risk->venue_fee.v > 0)
                rc = num_usd_add(resting, *resting, risk->venue_fee);
        if (!rc)
                rc = num_usd_add(resting, *resting, risk->builder_fee);
        return rc;
}

static void take_setting(struct batch *b, struct batch_item *item)
{
        struct batch_market *m = item->market;
        const struct venue_action *a = &item->plan.step[0].action;
        struct batch_act *act;

        if (item->request.reduce_only)
                return;
        m->is_decided = true;
        if (!item->plan.leverage_changed)
                return;
        m->before = m->setting;
        m->lever = (int)b->n_acts;
        act = batch_act_new(b, "setLeverage", VENUE_SET_LEVERAGE, m->market.asset);
        act->action = *a;
        act->market = m;
        m->setting.mode = a->u.leverage.mode;
        m->setting.leverage = a->u.leverage.leverage;
}

static void plan_item(struct batch *b, struct batch_item *item)
{
        const struct batch_market *m = item->market;
        struct plan_inputs in = {
                .market = &m->market,
                .caps = b->venue->ops->caps(b->venue),
                .policy = &m->policy,
                .account = &m->dex->before,
                .setting = &m->setting,
                .book = m->has_book ? &m->book : NULL,
                .fees = &b->facts.fees,
                .open_orders = m->dex->orders,
                .n_open_orders = m->dex->n_orders,
                .rules = b->venue->ops,
        };
        enum errc rc = check_mode(b, item);

        if (!rc)
                rc = plan_order_build(&item->plan, &item->request, &in, item->cloid, &item->err);
        if (!rc)
                rc = check_setting(item);
        if (!rc && !item->request.reduce_only)
                rc = reserve(item);
        if (rc) {
                (void)err_set(&item->err, rc, "%s", err_text(rc));
                return;
        }
        item->is_planned = true;
        take_setting(b, item);
}

void batch_plan(struct batch *b)
{
        b->acts = xcalloc(BATCH_ACTS_MAX, sizeof *b->acts);
        for (unsigned i = 0; i < b->n_items; i++)
                if (!b->item[i].err.code)
                        plan_item(b, &b->item[i]);
}

struct batch_act *batch_act_new(struct batch *b, const char *name, enum venue_action_kind kind,
                                uint32_t asset)
{
        struct batch_act *act;

        must(b->n_acts < BATCH_ACTS_MAX);
        act = &b->acts[b->n_acts++];
        act->name = name;
        act->action.kind = kind;
        act->action.asset = asset;
        act->status = STEP_PENDING;
        return act;
}

/* An item's plan has a step of each kind at most, but for leverage that is put back. */
void batch_item_step(struct batch_item *item, enum venue_action_kind kind, enum step_status status,
                     const struct err *err)
{
        for (unsigned i = 0; i < item->plan.n_steps; i++) {
                struct plan_step *s = &item->plan.step[i];
                if (s->action.kind != kind || s->status == STEP_SKIPPED ||
                    s->status == STEP_FAILED || s->status == STEP_DONE)
                        continue;
                if (s->status == STEP_PENDING && (status == STEP_DONE || status == STEP_UNKNOWN))
                        plan_step_set(&item->plan, i, STEP_SENT, NULL);
                plan_step_set(&item->plan, i, status, err);
                return;
        }
}
