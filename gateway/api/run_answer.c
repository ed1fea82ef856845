/* How a finished request is told. */
#include <string.h>

#include "api/order_name.h"
#include "api/out.h"
#include "api/problem.h"
#include "api/run.h"
#include "plan/order_life.h"

/* The order's own outcome. Another step's says nothing of it: the margin moved after it may be unknown
 * while the order stands, and one that waited for an unknown leverage was never sent. */
static bool order_is_unknown(const struct run *run)
{
        int order = run->plan.order_step;

        return order >= 0 && run->plan.step[order].status == STEP_UNKNOWN;
}

bool run_answer_is_problem(const struct run *run)
{
        int order = run->plan.order_step;

        /* An order that stands is no failure, even if moving margin after it was. */
        if (order >= 0)
                return run->plan.step[order].status != STEP_DONE;
        if (run->unknown)
                return true;
        if (run->q.kind == RUN_CANCEL && run->q.cancel_single && run->has_outcome &&
            run->outcome.n_items && run->outcome.item[0].status == ITEM_REFUSED)
                return true;
        return run->err.code != E_OK;
}

const char *run_order_status(const struct run *run)
{
        if (order_is_unknown(run))
                return "unknown";
        if (!run->has_outcome || run_answer_is_problem(run))
                return "rejected";
        return order_life_word_of_item(
                &run->outcome.item[0],
                &run->plan.step[run->plan.order_step].action.u.order.order[0]);
}

/* In a problem document "status" is the HTTP status. */
static const char *status_key(const struct run *run)
{
        return run_answer_is_problem(run) ? "orderStatus" : "status";
}

static void legs(struct buf *out, const struct run *run)
{
        const struct venue_action *a = &run->plan.step[run->plan.order_step].action;

        unsigned first = a->u.order.legs_of_position ? 0 : 1;

        if (a->u.order.n <= first)
                return;
        out_key(out, "legs");
        buf_putc(out, '[');
        for (unsigned i = first; i < a->u.order.n; i++) {
                const struct venue_order *o = &a->u.order.order[i];
                const struct venue_item *item = &run->outcome.item[i];
                char id[CLOID_STR_MAX];
                buf_puts(out, i > first ? ",{" : "{");
                out_text(out, "kind",
                         o->trigger == TRIGGER_TAKE_PROFIT ? "takeProfit" : "stopLoss");
                out_text(out, "id", hex_print_cloid(id, &o->cloid));
                out_px(out, "triggerPrice", o->trigger_price);
                if (run->has_outcome && i < run->outcome.n_items) {
                        out_text(out, "status", order_life_word_of_item(item, o));
                        if (item->status == ITEM_REFUSED)
                                out_text(out, "detail", item->venue_message);
                }
                buf_putc(out, '}');
        }
        buf_putc(out, ']');
}

/* The old order, by the name it had, and what became of it. */
static void replaced_member(struct buf *out, const struct run *run)
{
        char name[CALL_PARAM_MAX];
        char oid[NUM_STR_MAX];

        out_key(out, "replaced");
        buf_putc(out, '{');
        out_text(out, "id", order_name_print(name, &run->old));
        out_text(out, "venueOrderId", num_print(oid, (int64_t)run->old.oid, 0, 0));
        out_text(out, "status", run->old_status[0] ? run->old_status : NULL);
        buf_putc(out, '}');
}

static void order_members(struct buf *out, const struct run *run)
{
        const struct venue_item *item = &run->outcome.item[0];
        char id[CLOID_STR_MAX];

        if (!run->q.preview) {
                out_text(out, "id", hex_print_cloid(id, &run->cloid[0]));
                out_text(out, "clientId",
                         run->q.order.client_id[0] ? run->q.order.client_id : NULL);
                out_text(out, status_key(run), run_order_status(run));
                if (order_is_unknown(run))
                        out_null(out, "filledSize");
                else
                        out_qty(out, "filledSize",
                                run->has_outcome ? item->filled : (struct qty){0});
                if (run->has_outcome && item->average.v > 0)
                        out_px(out, "averagePrice", item->average);
                else
                        out_null(out, "averagePrice");
        }
        out_text(out, "symbol", run->q.symbol);
        out_qty(out, "size", run->plan.size);
        out_px(out, "price", run->plan.price);
        out_px(out, "expectedPrice", run->plan.expected_price);
        out_usd(out, "notional", run->plan.notional);
        if (!run->q.preview && run->q.kind == RUN_MODIFY)
                replaced_member(out, run);
        if (!run->q.preview)
                legs(out, run);
        out_plan(out, &run->plan);
        out_risk(out, &run->plan.risk, run->market.collateral);
}

static void position_member(struct buf *out, const char *name, const struct run *run,
                            const struct venue_account *account)
{
        out_key(out, name);
        for (unsigned i = 0; i < account->n_positions; i++) {
                if (strcmp(account->position[i].symbol, run->q.symbol) != 0)
                        continue;
                out_position(out, &account->position[i], account, &run->market, run->orders_after,
                             run->n_orders_after, NULL);
                return;
        }
        buf_puts(out, "null");
}

static void position_members(struct buf *out, const struct run *run)
{
        out_text(out, "symbol", run->q.symbol);
        if (run->unknown)
                out_text(out, status_key(run), "unknown");
        out_plan(out, &run->plan);
        out_risk(out, &run->plan.risk, run->market.collateral);
        if (run->q.preview)
                return;
        position_member(out, "before", run, &run->before);
        if (run->has_after)
                position_member(out, "position", run, &run->after);
}

static void tpsl_members(struct buf *out, const struct run *run)
{
        out_text(out, "symbol", run->q.symbol);
        if (run->unknown)
                out_text(out, status_key(run), "unknown");
        if (run->plan.order_step >= 0 && !run->q.preview)
                legs(out, run);
        out_plan(out, &run->plan);
        out_risk(out, &run->plan.risk, run->market.collateral);
        if (run->has_after)
                position_member(out, "position", run, &run->after);
}

static void cancel_members(struct buf *out, const struct run *run)
{
        if (run->q.cancel_single) {
                out_text(out, "id", run->q.cancel_id[0]);
                out_text(out, status_key(run),
                         run->unknown                 ? "unknown"
                         : run_answer_is_problem(run) ? "rejected"
                                                      : "cancelled");
                return;
        }
        out_key(out, "results");
        buf_putc(out, '[');
        for (unsigned i = 0; i < run->q.n_cancels; i++) {
                const struct venue_item *item = &run->outcome.item[i];
                bool refused = i >= run->outcome.n_items || item->status == ITEM_REFUSED;
                buf_puts(out, i ? ",{" : "{");
                out_text(out, "id", run->q.cancel_id[i]);
                out_text(out, "status",
                         run->unknown ? "unknown"
                         : refused    ? "rejected"
                                      : "cancelled");
                if (refused && i < run->outcome.n_items)
                        out_text(out, "detail", item->venue_message);
                buf_putc(out, '}');
        }
        buf_putc(out, ']');
        out_bool(out, "more", run->q.cancels_more);
}

static void members(struct buf *out, const struct run *run)
{
        switch (run->q.kind) {
        case RUN_SIZE: run_size_members(out, run); break;
        case RUN_PLACE:
        case RUN_MODIFY: order_members(out, run); break;
        case RUN_CLOSE:
                order_members(out, run);
                if (run->has_after)
                        position_member(out, "position", run, &run->after);
                break;
        case RUN_LEVERAGE:
        case RUN_MARGIN: position_members(out, run); break;
        case RUN_TPSL: tpsl_members(out, run); break;
        case RUN_CANCEL: cancel_members(out, run); break;
        case RUN_SUB_ACCOUNT:
        case RUN_SUB_TRANSFER: run_sub_members(out, run); break;
        }
        if (run->q.preview)
                run_foresee_members(out, run);
}

int run_answer(struct run *run, struct buf *out)
{
        struct err err = run->err;
        struct buf more;

        if (run->q.preview || !run_answer_is_problem(run)) {
                buf_putc(out, '{');
                members(out, run);
                buf_putc(out, '}');
                return 200;
        }
        if (order_is_unknown(run)) {
                char id[CLOID_STR_MAX];
                err_hint(&err, "GET /v1/orders/%s tells when it is known.",
                         hex_print_cloid(id, &run->cloid[0]));
        } else if (run->unknown && !pipeline_has_market(run->q.kind) && run->q.kind != RUN_CANCEL) {
                err_hint(&err, "GET /v1/sub-accounts tells when it is known.");
        } else if (!err.code) {
                venue_item_err(&err, &run->outcome.item[0]);
        }
        buf_init(&more, 1u << 20);
        members(&more, run);
        problem_print(out, &err, run->call->request_id, buf_cstr(&more));
        buf_fini(&more);
        return err_http_status(err.code);
}
