#include "adapters/paper/engine_internal.h"

static void cancel(struct engine *engine, const struct engine_order *pub, uint32_t asset,
                   char error[ENGINE_TEXT_MAX], int64_t at)
{
        struct order *order = pub ? engine_order_find(engine, pub->oid) : NULL;

        error[0] = '\0';
        if (!order || order->pub.asset != asset || order->state == ORDER_DONE) {
                engine_check_text(engine, error,
                                  "Order was never placed, already canceled, or filled.", asset);
                return;
        }
        engine_begin(engine, at);
        engine_order_end(engine, order, END_CANCELED);
        engine_end(engine);
}

void engine_cancel(struct engine *engine, const struct addr *user, uint32_t asset, uint64_t oid,
                   char error[ENGINE_TEXT_MAX], int64_t at)
{
        cancel(engine, engine_order_by_oid(engine, user, oid), asset, error, at);
}

void engine_cancel_cloid(struct engine *engine, const struct addr *user, uint32_t asset,
                         const struct cloid *cloid, char error[ENGINE_TEXT_MAX], int64_t at)
{
        cancel(engine, engine_order_by_cloid(engine, user, cloid), asset, error, at);
}

static bool is_any(const struct order *order, const void *cookie)
{
        (void)order;
        (void)cookie;
        return true;
}

void engine_cancel_all(struct engine *engine, const struct addr *user, int64_t at)
{
        struct account *account = engine_account_find(engine, user);

        if (!account)
                return;
        engine_begin(engine, at);
        engine_order_end_all(engine, account, END_SCHEDULED, is_any, NULL);
        engine_end(engine);
}
