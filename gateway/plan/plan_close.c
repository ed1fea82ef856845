#include "base/mem.h"
#include "plan/plan_build.h"

enum errc plan_close_build(struct plan *plan, const struct plan_inputs *in, const char *symbol,
                           struct qty size, struct rate slippage, const struct cloid *cloid,
                           struct err *err)
{
        const struct venue_position *held = plan_read_held(in->account, symbol);
        struct plan_order_request request = {
                .type = ORDER_TYPE_MARKET,
                .sizing = size.v ? SIZING_SIZE : SIZING_POSITION,
                .size = size,
                .reduce_only = true,
                .has_slippage = slippage.v != 0,
                .slippage = slippage,
        };
        const struct cloid cloids[3] = {*cloid};
        enum errc rc;

        if (!held) {
                rc = err_set(err, E_NOT_FOUND, "There is no open position in %s.", symbol);
                goto done;
        }
        request.side = held->p.size.v > 0 ? SIDE_SELL : SIDE_BUY;
        (void)text_copy(request.symbol, sizeof request.symbol, symbol);
        rc = plan_order_build(plan, &request, in, cloids, err);
done:
        return rc;
}
