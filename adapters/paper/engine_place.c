#include <stdio.h>
#include <string.h>

#include "adapters/paper/engine_internal.h"

#define BUILDER_FEE_MAX 1000 /* tenths of a basis point */

/* One action's orders on their way in. */
struct placing {
        struct engine *engine;
        struct account *account;
        const struct addr *builder;
        uint32_t builder_fee;
        bool is_position_tpsl;
};

static void refused(struct engine_order_result *result, const char *text)
{
        *result = (struct engine_order_result){.status = ENGINE_ERROR};
        snprintf(result->error, sizeof result->error, "%s", text);
}

static struct order *make(const struct placing *in, const struct engine_order_request *request)
{
        struct slot *slot = engine_account_slot(in->engine, in->account, request->asset);

        return engine_order_new(in->engine, slot, request, in->builder, in->builder_fee);
}

/* NULL when refused, which result then says. */
static struct order *accept(const struct placing *in, const struct engine_order_request *request,
                            const struct engine_order_request *parent,
                            struct engine_order_result *result)
{
        struct refusal refusal;
        struct order *order;

        engine_check_order(in->engine, in->account, request, parent, in->is_position_tpsl,
                           in->builder_fee, &refusal);
        if (!refusal.text[0])
                return make(in, request);
        refused(result, refusal.text);
        if (!refusal.is_recorded)
                return NULL;
        order = make(in, request);
        result->oid = order->pub.oid;
        engine_order_end(in->engine, order, refusal.end);
        return NULL;
}

static struct px average(const struct order *order, const struct match *match)
{
        unsigned decimals = 2 + order->slot->listing->spec.sz_decimals;
        struct px price = {0};

        must(num_div_wide(&price.v, match->notional, match->filled.v, NUM_NEAREST) == E_OK);
        price.v = num_to_step(price.v, num_pow10(decimals), NUM_NEAREST);
        return price;
}

/* Where only part filled and the rest stands in the book the answer is "resting", as the venue's. */
static void execute(const struct placing *in, struct order *order,
                    struct engine_order_result *result)
{
        struct match match;
        char text[ENGINE_TEXT_MAX];

        result->oid = order->pub.oid;
        if (!engine_match_execute(in->engine, order, &match, text)) {
                refused(result, text);
                result->oid = order->pub.oid;
                return;
        }
        result->status = order->state == ORDER_DONE ? ENGINE_FILLED : ENGINE_RESTING;
        result->total_size = match.filled;
        if (match.filled.v)
                result->average_price = average(order, &match);
        must(order->state != ORDER_DONE || match.filled.v);
}

static void await_trigger(const struct placing *in, struct order *order,
                          struct engine_order_result *result)
{
        int64_t whole = num_abs(order->slot->p.size.v);

        if (in->is_position_tpsl) {
                order->pub.is_position_tpsl = true;
                order->follows_position = !order->pub.size.v || order->pub.size.v >= whole;
                if (order->follows_position)
                        order->pub.size.v = whole;
        }
        result->status = ENGINE_WAITING_FOR_TRIGGER;
        result->oid = order->pub.oid;
        engine_order_await_trigger(in->engine, order);
}

static void place_each(const struct placing *in, const struct engine_order_request *orders,
                       size_t n, struct engine_order_result *results)
{
        struct order *first = NULL;

        for (size_t i = 0; i < n; i++) {
                struct order *order = accept(in, &orders[i], NULL, &results[i]);

                if (!order)
                        continue;
                if (!order->pub.is_trigger) {
                        execute(in, order, &results[i]);
                        continue;
                }
                await_trigger(in, order, &results[i]);
                if (!in->is_position_tpsl)
                        continue;
                if (first) {
                        first->sibling = order;
                        order->sibling = first;
                }
                first = order;
        }
}

static void child_answer(const struct engine *engine, const struct order *child,
                         const struct engine_order_result *parent,
                         struct engine_order_result *result)
{
        char text[ENGINE_TEXT_MAX];

        result->oid = child->pub.oid;
        switch (child->state) {
        case ORDER_WAITING: result->status = ENGINE_WAITING_FOR_FILL; return;
        case ORDER_TRIGGER: result->status = ENGINE_WAITING_FOR_TRIGGER; return;
        case ORDER_TAKING:
        case ORDER_BOOK:
        case ORDER_DONE: break;
        }
        engine_check_text(engine, text, "Reduce only order would increase position.",
                          child->pub.asset);
        refused(result, parent->status == ENGINE_ERROR ? parent->error : text);
        result->oid = child->pub.oid;
}

/* The parent's children exist before it is matched: their ids follow its own, and they are there to
 * be set off by its fill. What refuses the parent refuses them. */
static void place_group(const struct placing *in, const struct engine_order_request *orders,
                        size_t n, struct engine_order_result *results)
{
        struct order *child[ENGINE_CHILDREN_MAX] = {NULL};
        struct order *parent = accept(in, &orders[0], NULL, &results[0]);

        if (!parent) {
                for (size_t i = 1; i < n; i++)
                        refused(&results[i], results[0].error);
                return;
        }
        for (size_t i = 1; i < n; i++) {
                child[i - 1] = accept(in, &orders[i], &orders[0], &results[i]);
                if (child[i - 1])
                        engine_order_await_parent(in->engine, child[i - 1], parent);
        }
        if (child[0] && child[1]) {
                child[0]->sibling = child[1];
                child[1]->sibling = child[0];
        }
        execute(in, parent, &results[0]);
        for (size_t i = 1; i < n; i++)
                if (child[i - 1])
                        child_answer(in->engine, child[i - 1], &results[0], &results[i]);
}

bool engine_place(struct engine *engine, const struct addr *user,
                  const struct engine_order_request *orders, size_t n,
                  enum engine_grouping grouping, const struct addr *builder, uint32_t builder_fee,
                  struct engine_order_result *results, char err[ENGINE_TEXT_MAX], int64_t at)
{
        struct placing in = {
                .engine = engine,
                .account = engine_account_find(engine, user),
                .builder = builder,
                .builder_fee = builder_fee,
                .is_position_tpsl = grouping == ENGINE_POSITION_TPSL,
        };
        char text[ADDR_STR_MAX];

        err[0] = '\0';
        if (!in.account || !in.account->is_known) {
                snprintf(err, ENGINE_TEXT_MAX, "Must deposit before performing actions. User: %s",
                         hex_print_addr(text, user));
                return false;
        }
        if (builder && builder_fee > BUILDER_FEE_MAX) {
                snprintf(err, ENGINE_TEXT_MAX, "Builder fee has not been approved.");
                return false;
        }
        if (!engine_check_payload(engine, in.account, orders, n, grouping, err))
                return false;
        memset(results, 0, n * sizeof *results);
        engine_begin(engine, at);
        switch (grouping) {
        case ENGINE_NA:
        case ENGINE_POSITION_TPSL: place_each(&in, orders, n, results); break;
        case ENGINE_NORMAL_TPSL: place_group(&in, orders, n, results); break;
        }
        engine_end(engine);
        return true;
}
