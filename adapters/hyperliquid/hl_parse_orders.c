#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

#define ORDERS_MAX   6000 /* the venue keeps at most 5,000 open per account */
#define NESTING_MAX  3
#define OPEN_ORDERS  "frontendOpenOrders"
#define PAST_ORDERS  "historicalOrders"
#define ORDER_STATUS "orderStatus"

static bool begins(const char *s, const char *prefix)
{
        return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* "Stop Market", "Take Profit Limit": what a trigger is and what it fires as. */
static enum errc parse_trigger(struct venue_open_order *out, const json_t *order)
{
        const char *type = hl_raw_get_text(order, "orderType", NULL);
        size_t len;

        if (!type || hl_parse_px_rounded(&out->trigger_price, order, "triggerPx"))
                return E_SYNTAX;
        if (begins(type, "Take Profit"))
                out->trigger = TRIGGER_TAKE_PROFIT;
        else if (begins(type, "Stop"))
                out->trigger = TRIGGER_STOP_LOSS;
        else
                return E_SYNTAX;
        len = strlen(type);
        out->trigger_is_market = len > 6 && strcmp(type + len - 6, "Market") == 0;
        return E_OK;
}

static enum errc parse_flag(bool *out, const json_t *order, const char *key)
{
        *out = false;
        return hl_raw_is_absent(order, key) ? E_OK : hl_raw_get_bool(out, order, key);
}

static enum errc parse_order(struct venue_open_order *out, const json_t *order,
                             const struct hl_markets *markets)
{
        const struct market *m;

        if (hl_parse_text(out->symbol, sizeof out->symbol, order, "coin") ||
            hl_parse_side(&out->side, order) || hl_parse_px(&out->price, order, "limitPx") ||
            hl_parse_qty(&out->size, order, "sz") ||
            hl_parse_qty(&out->original_size, order, "origSz") ||
            hl_raw_get_uint(&out->oid, order, "oid") ||
            hl_raw_get_int(&out->placed_at, order, "timestamp") ||
            hl_parse_cloid(&out->has_cloid, &out->cloid, order))
                return E_SYNTAX;
        if (parse_flag(&out->reduce_only, order, "reduceOnly") ||
            parse_flag(&out->is_trigger, order, "isTrigger") ||
            parse_flag(&out->is_position_tpsl, order, "isPositionTpsl"))
                return E_SYNTAX;
        if (out->is_trigger && parse_trigger(out, order))
                return E_SYNTAX;
        if (!hl_raw_is_absent(order, "tif") &&
            hl_parse_text(out->tif, sizeof out->tif, order, "tif"))
                return E_SYNTAX;
        m = hl_markets_find(markets, out->symbol);
        out->asset = m ? m->asset : UINT32_MAX;
        return E_OK;
}

/* ---- Open orders ---- */

struct orders {
        struct venue_open_order *order;
        size_t n;
        size_t cap;
        const struct hl_markets *markets;
};

/* Children may stand both in their parent and at top level. */
static bool is_listed(struct orders *list, const struct venue_open_order *order)
{
        for (size_t i = 0; i < list->n; i++) {
                if (list->order[i].oid != order->oid)
                        continue;
                list->order[i].waits_for_parent |= order->waits_for_parent;
                return true;
        }
        return false;
}

static enum errc add_orders(struct orders *list, const json_t *orders, unsigned depth);

static enum errc add_order(struct orders *list, const json_t *order, unsigned depth)
{
        const json_t *children = json_object_get(order, "children");
        const char *coin = hl_raw_get_text(order, "coin", NULL);
        struct venue_open_order parsed = {0};

        if (!coin)
                return E_SYNTAX;
        if (!hl_markets_has(list->markets, coin))
                return E_OK;
        if (parse_order(&parsed, order, list->markets))
                return E_SYNTAX;
        parsed.waits_for_parent = depth > 0;
        if (!is_listed(list, &parsed)) {
                if (list->n == ORDERS_MAX)
                        return E_LIMIT;
                if (list->n == list->cap) {
                        list->cap = list->cap ? 2 * list->cap : 16;
                        list->order = xrealloc(list->order, list->cap * sizeof *list->order);
                }
                list->order[list->n++] = parsed;
        }
        if (!json_is_array(children))
                return E_OK;
        return depth < NESTING_MAX ? add_orders(list, children, depth + 1) : E_SYNTAX;
}

static enum errc add_orders(struct orders *list, const json_t *orders, unsigned depth)
{
        enum errc rc = E_OK;

        for (size_t i = 0; i < json_array_size(orders) && !rc; i++)
                rc = add_order(list, json_array_get(orders, i), depth);
        return rc;
}

enum errc hl_parse_orders(struct venue_open_order **out, size_t *n, const json_t *answer,
                          const struct hl_markets *markets, struct err *err)
{
        struct orders list = {.markets = markets};

        *out = NULL;
        *n = 0;
        if (!json_is_array(answer))
                return hl_parse_failed(err, OPEN_ORDERS, "not a list");
        if (add_orders(&list, answer, 0)) {
                free(list.order);
                return hl_parse_failed(err, OPEN_ORDERS, "order");
        }
        *out = list.order;
        *n = list.n;
        return E_OK;
}

/* A word that is longer than any is cut: one order's must not hide the others. */
static enum errc parse_status(struct venue_order_status *out, const json_t *row)
{
        const char *word = hl_raw_get_text(row, "status", NULL);

        if (!word)
                return E_SYNTAX;
        (void)text_copy(out->status, sizeof out->status, word);
        return hl_raw_get_int(&out->status_at, row, "statusTimestamp");
}

/* ---- One order's status ---- */

enum errc hl_parse_orders_status(struct venue_order_status *out, const json_t *answer,
                                 const struct hl_markets *markets, struct err *err)
{
        const char *status = hl_raw_get_text(answer, "status", NULL);
        const json_t *outer = json_object_get(answer, "order");

        *out = (struct venue_order_status){0};
        if (status && strcmp(status, "unknownOid") == 0)
                return E_OK;
        if (!status || strcmp(status, "order") != 0)
                return hl_parse_failed(err, ORDER_STATUS, "status");
        if (parse_order(&out->order, json_object_get(outer, "order"), markets))
                return hl_parse_failed(err, ORDER_STATUS, "order");
        if (parse_status(out, outer))
                return hl_parse_failed(err, ORDER_STATUS, "order.status");
        out->found = true;
        return E_OK;
}

/* ---- Orders of the past ---- */

enum errc hl_parse_orders_past(struct venue_order_status **out, size_t *n, const json_t *answer,
                               const struct hl_markets *markets, struct err *err)
{
        size_t count = json_array_size(answer);
        struct venue_order_status *rows;

        *out = NULL;
        *n = 0;
        if (!json_is_array(answer) || count > ORDERS_MAX)
                return hl_parse_failed(err, PAST_ORDERS, "not a list that is accepted");
        rows = xcalloc(count + 1, sizeof *rows);
        for (size_t i = 0; i < count; i++) {
                const json_t *row = json_array_get(answer, i);
                const json_t *order = json_object_get(row, "order");
                const char *coin = hl_raw_get_text(order, "coin", NULL);
                struct venue_order_status *s = &rows[*n];

                if (coin && !hl_markets_has(markets, coin))
                        continue;
                if (parse_order(&s->order, order, markets) || parse_status(s, row)) {
                        free(rows);
                        *n = 0;
                        return hl_parse_failed(err, PAST_ORDERS, "order");
                }
                s->found = true;
                (*n)++;
        }
        *out = rows;
        return E_OK;
}
