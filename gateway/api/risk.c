/* POST /v1/risk/size: an order by what it may lose. A run like a preview: it reads what an order's run
 * reads, and its answer is an order whose preview shows the same figures. */
#include <stddef.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/pipeline.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"

/* Where the trader does not say: a hundredth of the stop price. */
#define BUFFER_DEFAULT (NUM_RATE_SCALE / 100)

struct size_fields {
        char symbol[SYMBOL_MAX];
        int side;
        bool has_entry, has_amount, has_percent, has_buffer;
        struct px entry, stop, percent;
        struct usd amount;
        struct rate buffer;
};

static const char *const side_words[] = {"buy", "sell", NULL};
static const struct field fields[] = {
        {.name = "symbol",
         .type = FIELD_TEXT,
         .required = true,
         .offset = offsetof(struct size_fields, symbol),
         .present = FIELD_NO_FLAG,
         .size = SYMBOL_MAX},
        {.name = "side",
         .type = FIELD_WORD,
         .required = true,
         .offset = offsetof(struct size_fields, side),
         .present = FIELD_NO_FLAG,
         .words = side_words},
        {.name = "entryPrice",
         .type = FIELD_PX,
         .offset = offsetof(struct size_fields, entry),
         .present = offsetof(struct size_fields, has_entry)},
        {.name = "stopPrice",
         .type = FIELD_PX,
         .required = true,
         .offset = offsetof(struct size_fields, stop),
         .present = FIELD_NO_FLAG},
        {.name = "riskAmount",
         .type = FIELD_USD,
         .offset = offsetof(struct size_fields, amount),
         .present = offsetof(struct size_fields, has_amount)},
        {.name = "riskPercent",
         .type = FIELD_PX,
         .offset = offsetof(struct size_fields, percent),
         .present = offsetof(struct size_fields, has_percent)},
        {.name = "liquidationBuffer",
         .type = FIELD_RATE,
         .offset = offsetof(struct size_fields, buffer),
         .present = offsetof(struct size_fields, has_buffer)},
};
FIELD_TABLE(risk_size_table, fields);

static enum errc check(const struct size_fields *f, struct err *err)
{
        if (f->has_amount == f->has_percent)
                return err_field(err, E_INVALID, "riskAmount",
                                 "exactly one of riskAmount, riskPercent");
        if (f->has_amount && f->amount.v % NUM_MICRO)
                return err_field(err, E_INVALID, "riskAmount", "must be whole units of 0.000001");
        if (f->has_percent && f->percent.v > 100 * NUM_SCALE)
                return err_field(err, E_INVALID, "riskPercent", "must be at most 100");
        return E_OK;
}

void risk_size(struct call *call)
{
        struct run_request request = {.kind = RUN_SIZE, .preview = true};
        struct size_fields f = {.side = 0};
        struct err err = {.code = E_OK};
        enum errc rc;

        rc = call_fields(call, &f, fields, sizeof fields / sizeof fields[0], &err);
        if (!rc)
                rc = check(&f, &err);
        if (rc) {
                call_fail(call, &err);
                return;
        }
        text_copy(request.symbol, sizeof request.symbol, f.symbol);
        request.sized = (struct plan_sized_request){
                .side = (enum side)f.side,
                .has_entry = f.has_entry,
                .entry = f.entry,
                .stop = f.stop,
                .has_percent = f.has_percent,
                .percent = f.percent,
                .risk = f.amount,
                .buffer = f.has_buffer ? f.buffer : (struct rate){BUFFER_DEFAULT},
        };
        /* What is read depends on the order that it will be. */
        request.order = (struct plan_order_request){
                .side = (enum side)f.side,
                .type = f.has_entry ? ORDER_TYPE_LIMIT : ORDER_TYPE_MARKET,
                .has_price = f.has_entry,
                .price = f.entry,
                .has_mode = true,
                .mode = MARGIN_ISOLATED,
        };
        pipeline_start(call, &request);
}
