#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "adapters/paper/engine_internal.h"

#define HISTORY_MAX 2000

static const char *const end_name[] = {
        [END_FILLED] = "filled",
        [END_CANCELED] = "canceled",
        [END_MARGIN] = "marginCanceled",
        [END_SELF_TRADE] = "selfTradeCanceled",
        [END_REDUCE_ONLY] = "reduceOnlyCanceled",
        [END_SIBLING] = "siblingFilledCanceled",
        [END_LIQUIDATED] = "liquidatedCanceled",
        [END_SCHEDULED] = "scheduledCancel",
        [END_REJECTED] = "rejected",
        [END_TICK_REJECTED] = "tickRejected",
        [END_MINIMUM_REJECTED] = "minTradeNtlRejected",
        [END_MARGIN_REJECTED] = "perpMarginRejected",
        [END_REDUCE_REJECTED] = "reduceOnlyRejected",
        [END_ALO_REJECTED] = "badAloPxRejected",
        [END_IOC_REJECTED] = "iocCancelRejected",
        [END_TRIGGER_REJECTED] = "badTriggerPxRejected",
        [END_NO_LIQUIDITY_REJECTED] = "marketOrderNoLiquidityRejected",
        [END_CAP_REJECTED] = "positionIncreaseAtOpenInterestCapRejected",
        [END_TIER_REJECTED] = "perpMaxPositionRejected",
        [END_TOO_MANY_REJECTED] = "tooManyOpenOrdersRejected",
};

/* Client order ids are unique within an account only. */
struct cloid_key {
        struct addr user;
        struct cloid cloid;
};

static struct cloid_key cloid_key(const struct addr *user, const struct cloid *cloid)
{
        return (struct cloid_key){.user = *user, .cloid = *cloid};
}

struct order *engine_order_find(const struct engine *engine, uint64_t oid)
{
        return map_get(engine->order_by_oid, &oid, sizeof oid);
}

struct order *engine_order_new(struct engine *engine, struct slot *slot,
                               const struct engine_order_request *request,
                               const struct addr *builder, uint32_t builder_fee)
{
        struct order *order = xcalloc(1, sizeof *order);

        order->account = slot->account;
        order->slot = slot;
        order->pub = (struct engine_order){
                .oid = ++engine->last_oid,
                .user = slot->account->addr,
                .asset = slot->listing->asset,
                .is_buy = request->is_buy,
                .price = request->price,
                .size = request->size,
                .original_size = request->size,
                .reduce_only = request->reduce_only,
                .is_trigger = request->is_trigger,
                .trigger_is_market = request->trigger_is_market,
                .is_take_profit = request->is_take_profit,
                .trigger_price = request->trigger_price,
                .tif = request->tif,
                .has_cloid = request->has_cloid,
                .cloid = request->cloid,
                .twap_id = request->twap_id,
                .placed_at = engine->now,
                .status = "open",
                .status_at = engine->now,
        };
        if (builder && builder_fee) {
                order->pub.builder = *builder;
                order->pub.builder_fee = builder_fee;
        }
        list_init(&order->in_account);
        list_init(&order->in_slot);
        list_init(&order->in_level);
        engine_order_index(engine, order, request->has_cloid);
        return order;
}

void engine_order_index(struct engine *engine, struct order *order, bool is_named)
{
        struct cloid_key key = cloid_key(&order->pub.user, &order->pub.cloid);

        (void)map_put(engine->order_by_oid, &order->pub.oid, sizeof order->pub.oid, order);
        if (is_named)
                (void)map_put(engine->order_by_cloid, &key, sizeof key, order);
}

bool engine_order_is_named(const struct engine *engine, const struct order *order)
{
        struct cloid_key key = cloid_key(&order->pub.user, &order->pub.cloid);

        return order->pub.has_cloid && map_get(engine->order_by_cloid, &key, sizeof key) == order;
}

const char *engine_order_status(const char *status)
{
        static const char *const other[] = {"open", "triggered"};

        for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
                if (!strcmp(other[i], status))
                        return other[i];
        for (size_t i = 0; i < sizeof end_name / sizeof end_name[0]; i++)
                if (!strcmp(end_name[i], status))
                        return end_name[i];
        return NULL;
}

/* Drops the oldest of the history; a repeated cloid may name a later order by now. */
static void forget(struct engine *engine, struct account *account)
{
        struct order *order = list_entry(account->done.next, struct order, in_account);

        (void)map_take(engine->order_by_oid, &order->pub.oid, sizeof order->pub.oid);
        if (order->pub.has_cloid) {
                struct cloid_key key = cloid_key(&order->pub.user, &order->pub.cloid);

                if (map_get(engine->order_by_cloid, &key, sizeof key) == order)
                        (void)map_take(engine->order_by_cloid, &key, sizeof key);
        }
        list_remove(&order->in_account);
        account->n_done--;
        free(order);
}

void engine_order_tell(struct engine *engine, struct order *order, const char *status)
{
        order->pub.status = status;
        order->pub.status_at = engine->now;
        if (engine->sink.order)
                engine->sink.order(engine->sink.cookie, &order->pub);
}

static void resting_add(struct order *order, int sign)
{
        struct resting *resting = &order->slot->resting[order->pub.is_buy ? 0 : 1];

        if (order->pub.reduce_only)
                return;
        resting->size = add_exact(resting->size, sign * order->pub.size.v);
        resting->notional =
                add_exact(resting->notional, sign * value_of(order->pub.price, order->pub.size).v);
        must(resting->size >= 0 && resting->notional >= 0);
        engine_account_reserve_update(order->slot);
}

/* Into the lists of an open order. */
static void list_as(struct order *order, enum order_state state)
{
        must(order->state == ORDER_TAKING);
        order->state = state;
        list_push_back(&order->account->open, &order->in_account);
        order->account->n_open++;
        order->slot->n_open_orders++;
        if (order->pub.reduce_only)
                list_push_back(&order->slot->reducing, &order->in_slot);
}

void engine_order_restore(struct order *order, enum order_state state)
{
        if (state != ORDER_DONE) {
                list_as(order, state);
                return;
        }
        order->state = ORDER_DONE;
        list_push_back(&order->account->done, &order->in_account);
        order->account->n_done++;
}

bool engine_order_restore_resting(struct order *order)
{
        const struct resting *resting = &order->slot->resting[order->pub.is_buy ? 0 : 1];
        struct usd value;
        int64_t sum;

        if (order->pub.reduce_only)
                return true;
        if (num_notional(&value, order->pub.price, order->pub.size, NUM_UP) ||
            value.v > INT64_MAX / 4 || num_add(&sum, resting->size, order->pub.size.v) ||
            num_add(&sum, resting->notional, value.v) || sum > INT64_MAX / 4 ||
            pool_of(order->slot)->reserved.v > INT64_MAX / 4)
                return false;
        resting_add(order, 1);
        return true;
}

void engine_order_rest(struct engine *engine, struct order *order)
{
        struct listing *listing = order->slot->listing;

        list_as(order, ORDER_BOOK);
        engine_book_insert(&listing->book[order->pub.is_buy ? 0 : 1], order, order->pub.price);
        resting_add(order, 1);
        engine_book_touch(engine, listing);
        engine_order_tell(engine, order, "open");
}

void engine_order_await_trigger(struct engine *engine, struct order *order)
{
        /* Buy stops and sell take-profits lie above the mark. */
        bool is_above = order->pub.is_buy != order->pub.is_take_profit;

        list_as(order, ORDER_TRIGGER);
        engine_book_insert(&order->slot->listing->trigger[is_above ? 1 : 0], order,
                           order->pub.trigger_price);
        engine_order_tell(engine, order, "open");
}

void engine_order_await_parent(struct engine *engine, struct order *order, struct order *parent)
{
        list_as(order, ORDER_WAITING);
        order->parent = parent;
        order->pub.parent_oid = parent->pub.oid;
        parent->child[parent->child[0] ? 1 : 0] = order;
        engine_order_tell(engine, order, "open");
}

static void parent_forget(struct order *order)
{
        struct order *parent = order->parent;

        for (size_t i = 0; parent && i < ENGINE_CHILDREN_MAX; i++)
                if (parent->child[i] == order)
                        parent->child[i] = NULL;
        order->parent = NULL;
        order->pub.parent_oid = 0;
}

void engine_order_take(struct engine *engine, struct order *order)
{
        switch (order->state) {
        case ORDER_TAKING: return;
        case ORDER_DONE: must(order->state != ORDER_DONE); break;
        case ORDER_BOOK:
                resting_add(order, -1);
                engine_book_remove(order, order->pub.price);
                engine_book_touch(engine, order->slot->listing);
                break;
        case ORDER_TRIGGER: engine_book_remove(order, order->pub.trigger_price); break;
        case ORDER_WAITING: parent_forget(order); break;
        }
        list_remove(&order->in_account);
        list_remove(&order->in_slot);
        order->account->n_open--;
        order->slot->n_open_orders--;
        order->state = ORDER_TAKING;
}

void engine_order_shrink(struct engine *engine, struct order *order, struct qty by)
{
        must(by.v >= 0 && by.v <= order->pub.size.v);
        if (order->state == ORDER_BOOK) {
                resting_add(order, -1);
                engine_book_shrink(order, order->pub.price, by);
                engine_book_touch(engine, order->slot->listing);
        }
        order->pub.size.v -= by.v;
        if (order->state == ORDER_BOOK)
                resting_add(order, 1);
}

/* A parent that is done: its children start to wait for their triggers, or end with it. They live on
 * when it was filled, when the venue ended a partly filled one for want of margin, and when the rest
 * of a partly filled immediate order lapsed (which is answered as filled). */
static void children_follow(struct engine *engine, struct order *parent, enum order_end end)
{
        bool is_immediate =
                parent->pub.tif == ENGINE_IOC || parent->pub.tif == ENGINE_FRONTEND_MARKET;
        bool live =
                end == END_FILLED || (parent->filled.v > 0 && (end == END_MARGIN || is_immediate));

        for (size_t i = 0; i < ENGINE_CHILDREN_MAX; i++) {
                struct order *child = parent->child[i];
                int64_t position = child ? child->slot->p.size.v : 0;

                if (!child)
                        continue;
                parent->child[i] = NULL;
                if (!live) {
                        engine_order_end(engine, child, END_CANCELED);
                } else if (!position || child->pub.is_buy == (position > 0)) {
                        engine_order_end(engine, child, END_REDUCE_ONLY);
                } else {
                        engine_order_take(engine, child);
                        engine_order_await_trigger(engine, child);
                }
        }
}

void engine_order_end(struct engine *engine, struct order *order, enum order_end end)
{
        struct account *account = order->account;
        struct order *sibling = order->sibling;

        engine_order_take(engine, order);
        order->state = ORDER_DONE;
        list_push_back(&account->done, &order->in_account);
        account->n_done++;
        order->sibling = NULL;
        if (sibling)
                sibling->sibling = NULL;
        engine_order_tell(engine, order, end_name[end]);
        children_follow(engine, order, end);
        if (sibling && end == END_FILLED)
                engine_order_end(engine, sibling, END_SIBLING);
        if (account->n_done > HISTORY_MAX)
                forget(engine, account);
}

/* Ends the orders named; those that ended meanwhile with another are skipped. */
static void end_each(struct engine *engine, uint64_t *oid, size_t n, enum order_end end)
{
        for (size_t i = 0; i < n; i++) {
                struct order *order = engine_order_find(engine, oid[i]);

                if (order && order->state != ORDER_DONE && order->state != ORDER_TAKING)
                        engine_order_end(engine, order, end);
        }
        free(oid);
}

void engine_order_end_all(struct engine *engine, struct account *account, enum order_end end,
                          bool (*matches)(const struct order *order, const void *cookie),
                          const void *cookie)
{
        uint64_t *oid = xcalloc(account->n_open + 1, sizeof *oid);
        size_t n = 0;

        list_each (it, &account->open) {
                struct order *order = list_entry(it, struct order, in_account);

                if (matches(order, cookie))
                        oid[n++] = order->pub.oid;
        }
        end_each(engine, oid, n, end);
}

/* One reduce-only order, newest first, while `left` of the position is not spoken for. Returns
 * whether it has to end. */
static bool cut_to_position(struct engine *engine, struct order *order, int64_t position,
                            int64_t *left, bool *is_newest)
{
        int64_t whole = num_abs(position);

        if (!position || order->pub.is_buy == (position > 0))
                return true;
        if (order->state == ORDER_TRIGGER) {
                int64_t size = order->pub.size.v;
                bool is_bound = order->pub.is_position_tpsl;

                if (size == whole || !(order->follows_position || (is_bound && size > whole)))
                        return false;
                engine_book_shrink(order, order->pub.trigger_price, (struct qty){size - whole});
                order->pub.size.v = whole;
                engine_order_tell(engine, order, "open");
                return false;
        }
        if (order->pub.size.v > *left) {
                if (!*is_newest)
                        return true;
                engine_order_shrink(engine, order, (struct qty){order->pub.size.v - *left});
                engine_order_tell(engine, order, "open");
        }
        *left -= order->pub.size.v;
        *is_newest = false;
        return false;
}

void engine_order_reconcile(struct engine *engine, struct slot *slot)
{
        int64_t position = slot->p.size.v;
        int64_t left = num_abs(position);
        bool is_newest = true;
        uint64_t *oid;
        size_t n = 0;

        if (list_empty(&slot->reducing))
                return;
        oid = xcalloc(slot->n_open_orders, sizeof *oid);
        for (struct list *it = slot->reducing.prev; it != &slot->reducing; it = it->prev) {
                struct order *order = list_entry(it, struct order, in_slot);

                if (order->state != ORDER_WAITING &&
                    cut_to_position(engine, order, position, &left, &is_newest))
                        oid[n++] = order->pub.oid;
        }
        end_each(engine, oid, n, END_REDUCE_ONLY);
}

/* Newest first: the open ones, then those that ended last. */
void engine_orders(const struct engine *engine, const struct addr *user, bool only_open,
                   void (*each)(void *cookie, const struct engine_order *order), void *cookie)
{
        struct account *account = engine_account_find(engine, user);
        size_t n = 0;

        if (!account)
                return;
        for (struct list *it = account->open.prev; it != &account->open; it = it->prev) {
                if (!only_open && n == HISTORY_MAX)
                        return;
                each(cookie, &list_entry(it, struct order, in_account)->pub);
                n++;
        }
        if (only_open)
                return;
        for (struct list *it = account->done.prev; it != &account->done; it = it->prev) {
                if (n++ == HISTORY_MAX)
                        return;
                each(cookie, &list_entry(it, struct order, in_account)->pub);
        }
}

const struct engine_order *engine_order_by_oid(const struct engine *engine, const struct addr *user,
                                               uint64_t oid)
{
        struct order *order = engine_order_find(engine, oid);

        return order && hex_addr_equal(&order->pub.user, user) ? &order->pub : NULL;
}

const struct engine_order *engine_order_by_cloid(const struct engine *engine,
                                                 const struct addr *user, const struct cloid *cloid)
{
        struct cloid_key key = cloid_key(user, cloid);
        struct order *order = map_get(engine->order_by_cloid, &key, sizeof key);

        return order ? &order->pub : NULL;
}
