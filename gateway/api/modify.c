/* PATCH /v1/orders/{id}, and its preview. */
#include <stddef.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/pipeline.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"

static const struct field change_fields[] = {
        {.name = "price",
         .type = FIELD_PX,
         .offset = offsetof(struct plan_change, price),
         .present = offsetof(struct plan_change, has_price)},
        {.name = "size",
         .type = FIELD_QTY,
         .offset = offsetof(struct plan_change, size),
         .present = offsetof(struct plan_change, has_size)},
        {.name = "triggerPrice",
         .type = FIELD_PX,
         .offset = offsetof(struct plan_change, trigger_price),
         .present = offsetof(struct plan_change, has_trigger)},
};
FIELD_TABLE(modify_order_table, change_fields);

static void start(struct call *call, bool preview)
{
        struct run_request request = {.kind = RUN_MODIFY, .preview = preview};
        struct err err = {.code = E_OK};

        enum errc rc = call_fields(call, &request.change, change_fields, 3, &err);
        if (!rc && !request.change.has_price && !request.change.has_size &&
            !request.change.has_trigger)
                rc = err_set(&err, E_INVALID, "Say what to change: price, size or triggerPrice.");
        if (rc) {
                call_fail(call, &err);
                return;
        }
        text_copy(request.order_id, sizeof request.order_id, call->param);
        pipeline_start(call, &request);
}

void modify_order(struct call *call)
{
        start(call, false);
}

void modify_preview(struct call *call)
{
        start(call, true);
}
