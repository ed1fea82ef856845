/* The order that a modification is of: looked up at the venue, which tells its market; and afterwards,
 * what became of it. */
#include <string.h>

#include "api/mirrored.h"
#include "api/order_name.h"
#include "api/run.h"
#include "base/mem.h"
#include "plan/order_life.h"

/* The new order keeps the name that the trader gave the old one. */
static void named(void *cookie, enum errc rc, const struct store_order *order, size_t n)
{
        struct run *run = cookie;

        if (rc) {
                (void)err_set(&run->err, rc, "%s", err_text(rc));
                pipeline_fail(run);
                return;
        }
        if (n && order->is_known && strcmp(order->role, "order") == 0)
                text_copy(run->q.order.client_id, sizeof run->q.order.client_id, order->client_id);
        pipeline_next(run);
}

static void found(void *cookie, const struct err *err, const struct venue_order_status *s)
{
        struct run *run = cookie;
        if (err->code)
                run->err = *err;
        else if (!s->found)
                (void)err_set(&run->err, E_NOT_FOUND, "%s", err_text(E_NOT_FOUND));
        else if (!order_life_stands(order_life_state_of(s)))
                (void)err_set(&run->err, E_NOT_FOUND, "The order no longer stands: it is %s.",
                              order_life_word_of(s));
        if (run->err.code) {
                pipeline_fail(run);
                return;
        }
        run->old = s->order;
        text_copy(run->q.symbol, sizeof run->q.symbol, s->order.symbol);
        if (!s->order.has_cloid)
                pipeline_next(run);
        else
                store_order_lookup(run->api->o.store, run->call->brand->id, &run->call->account,
                                   &run->old.cloid, 1, named, run);
}

void run_find(struct run *run)
{
        struct order_name name;

        if (run->q.kind != RUN_MODIFY) {
                pipeline_next(run);
        } else if (order_name_parse(&name, run->q.order_id)) {
                (void)err_set(&run->err, E_NOT_FOUND, "%s", err_text(E_NOT_FOUND));
                pipeline_fail(run);
        } else {
                mirrored_lookup(run->api, &run->call->account, name.by_cloid ? &name.cloid : NULL,
                                name.oid, found, run);
        }
}

/* It was looked up before others in the line had their turn: what counts is how it stands now. It is
 * taken out of the list, so that its margin counts as free. */
void run_find_again(struct run *run)
{
        for (size_t i = 0; i < run->n_orders; i++) {
                if (run->orders[i].oid != run->old.oid)
                        continue;
                run->old = run->orders[i];
                run->orders[i] = run->orders[--run->n_orders];
                return;
        }
        (void)err_set(&run->err, E_NOT_FOUND, "The order no longer stands.");
}

static void looked_again(void *cookie, const struct err *err, const struct venue_order_status *s)
{
        struct run *run = cookie;

        if (!err->code && s->found)
                text_copy(run->old_status, sizeof run->old_status, order_life_word_of(s));
        run->find_done(run);
}

void run_find_fate(struct run *run, void (*done)(struct run *run))
{
        run->find_done = done;
        mirrored_lookup(run->api, &run->call->account, NULL, run->old.oid, looked_again, run);
}
