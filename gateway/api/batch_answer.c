/* One result per order of a batch, in the order asked. */
#include <string.h>

#include "api/batch.h"
#include "api/out.h"
#include "api/problem.h"
#include "base/mem.h"
#include "plan/order_life.h"

const char *batch_answer_word(const struct batch_item *item)
{
        if (item->is_unknown)
                return "unknown";
        if (item->err.code || !item->n_outcomes)
                return "rejected";
        return order_life_word_of_item(
                &item->outcome[0], &item->plan.step[item->plan.order_step].action.u.order.order[0]);
}

static void legs(struct buf *out, const struct batch_item *item)
{
        const struct venue_action *a = &item->plan.step[item->plan.order_step].action;

        if (a->u.order.n < 2)
                return;
        out_key(out, "legs");
        buf_putc(out, '[');
        for (unsigned i = 1; i < a->u.order.n; i++) {
                const struct venue_order *o = &a->u.order.order[i];
                char id[CLOID_STR_MAX];
                buf_puts(out, i > 1 ? ",{" : "{");
                out_text(out, "kind",
                         o->trigger == TRIGGER_TAKE_PROFIT ? "takeProfit" : "stopLoss");
                out_text(out, "id", hex_print_cloid(id, &o->cloid));
                out_px(out, "triggerPrice", o->trigger_price);
                if (i < item->n_outcomes) {
                        out_text(out, "status", order_life_word_of_item(&item->outcome[i], o));
                        if (item->outcome[i].status == ITEM_REFUSED)
                                out_text(out, "detail", item->outcome[i].venue_message);
                }
                buf_putc(out, '}');
        }
        buf_putc(out, ']');
}

static void planned(struct buf *out, const struct batch_item *item)
{
        const struct venue_item *first = &item->outcome[0];

        out_qty(out, "filledSize", item->n_outcomes ? first->filled : (struct qty){0});
        if (item->n_outcomes && first->average.v > 0)
                out_px(out, "averagePrice", first->average);
        else
                out_null(out, "averagePrice");
        out_qty(out, "size", item->plan.size);
        out_px(out, "price", item->plan.price);
        out_px(out, "expectedPrice", item->plan.expected_price);
        out_usd(out, "notional", item->plan.notional);
        legs(out, item);
        out_plan(out, &item->plan);
        out_risk(out, &item->plan.risk, item->market->market.collateral);
}

void batch_answer_item(struct batch *b, unsigned i, struct buf *out)
{
        const struct batch_item *item = &b->item[i];
        const struct plan_order_request *r = &item->request;
        char id[CLOID_STR_MAX];

        buf_putc(out, '{');
        out_int(out, "index", i);
        out_text(out, "id", item->is_journaled ? hex_print_cloid(id, &item->cloid[0]) : NULL);
        out_text(out, "clientId", r->client_id[0] ? r->client_id : NULL);
        out_text(out, "symbol", r->symbol[0] ? r->symbol : NULL);
        out_text(out, "status", batch_answer_word(item));
        if (item->is_planned)
                planned(out, item);
        if (item->err.code) {
                out_key(out, "error");
                problem_print(out, &item->err, b->call->request_id, "");
        }
        buf_putc(out, '}');
}

void batch_answer(struct batch *b, struct buf *out)
{
        buf_puts(out, "{\"results\":[");
        for (unsigned i = 0; i < b->n_items; i++) {
                if (i)
                        buf_putc(out, ',');
                batch_answer_item(b, i, out);
        }
        buf_puts(out, "]}");
}
