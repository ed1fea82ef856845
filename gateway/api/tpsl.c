/* PUT /v1/positions/{symbol}/tpsl, and its preview. */
#include <stddef.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/pipeline.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"

static const struct field leg_fields[] = {
        {.name = "triggerPrice",
         .type = FIELD_PX,
         .required = true,
         .offset = offsetof(struct plan_leg, trigger_price),
         .present = FIELD_NO_FLAG},
        {.name = "price",
         .type = FIELD_PX,
         .offset = offsetof(struct plan_leg, price),
         .present = offsetof(struct plan_leg, has_price)},
};
static const struct field fields[] = {
        {.name = "takeProfit",
         .type = FIELD_OBJECT_OR_NULL,
         .offset = offsetof(struct plan_tpsl, take_profit),
         .present = offsetof(struct plan_tpsl, take_profit.present),
         .sub = leg_fields,
         .n_sub = 2,
         .null = offsetof(struct plan_tpsl, drop_take_profit)},
        {.name = "stopLoss",
         .type = FIELD_OBJECT_OR_NULL,
         .offset = offsetof(struct plan_tpsl, stop_loss),
         .present = offsetof(struct plan_tpsl, stop_loss.present),
         .sub = leg_fields,
         .n_sub = 2,
         .null = offsetof(struct plan_tpsl, drop_stop_loss)},
};
FIELD_TABLE(tpsl_table, fields);

/* What is given is set, what is null goes, what is absent stays. */
static void start(struct call *call, bool preview)
{
        struct run_request request = {.kind = RUN_TPSL, .preview = preview};
        const struct plan_tpsl *t = &request.tpsl;
        struct err err = {.code = E_OK};

        enum errc rc = call_fields(call, &request.tpsl, fields, 2, &err);
        if (!rc && !t->take_profit.present && !t->stop_loss.present && !t->drop_take_profit &&
            !t->drop_stop_loss)
                rc = err_set(&err, E_INVALID, "Say what to set: takeProfit, stopLoss or both.");
        if (!rc && !text_copy(request.symbol, sizeof request.symbol, call->param))
                rc = err_set(&err, E_MARKET_NOT_OFFERED, "%s", err_text(E_MARKET_NOT_OFFERED));
        if (rc) {
                call_fail(call, &err);
                return;
        }
        pipeline_start(call, &request);
}

void tpsl_put(struct call *call)
{
        start(call, false);
}

void tpsl_preview(struct call *call)
{
        start(call, true);
}
