/* Position routes: read, close, leverage and mode, isolated margin. */
#include "api/positions.h"

#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/gather.h"
#include "api/guards.h"
#include "api/handlers.h"
#include "api/out.h"
#include "api/pipeline.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"

#define BODY_MAX (4u << 20)

/* --- reading: the account and the orders that protect its positions --- */

void positions_row(struct buf *out, const struct api *api, const char *brand,
                   const struct addr *account, const struct gather_part *part, unsigned i)
{
        struct venue *venue = api->o.venue;
        const struct venue_position *p = &part->account.position[i];
        struct buf guard;

        buf_init(&guard, 4096);
        guards_print(&guard, api->guards, brand, account, p->symbol);
        out_position(out, p, &part->account, venue->ops->market_by_symbol(venue, p->symbol),
                     part->orders, part->n_orders, guard.len ? buf_cstr(&guard) : NULL);
        buf_fini(&guard);
}

static void position_json(struct buf *out, const struct call *call, const struct gather_part *part,
                          unsigned i)
{
        positions_row(out, call->api, call->brand->id, &call->account, part, i);
}

static void answer_one(struct call *call, const struct gather_part *part)
{
        struct err err = {.code = E_OK};
        struct buf body;

        for (unsigned i = 0; i < part->account.n_positions; i++) {
                if (strcmp(part->account.position[i].symbol, call->param) != 0)
                        continue;
                buf_init(&body, BODY_MAX);
                position_json(&body, call, part, i);
                call_reply(call, 200, &body);
                return;
        }
        (void)err_set(&err, E_NOT_FOUND, "No position is open on %s.", call->param);
        call_fail(call, &err);
}

static void answer_all(struct call *call, const struct gather *g)
{
        struct buf body;

        buf_init(&body, BODY_MAX);
        buf_puts(&body, "{\"data\":[");
        for (unsigned k = 0; k < g->n; k++) {
                for (unsigned i = 0; i < g->part[k].account.n_positions; i++) {
                        if (body.data[body.len - 1] != '[')
                                buf_putc(&body, ',');
                        position_json(&body, call, &g->part[k], i);
                }
        }
        buf_putc(&body, ']');
        gather_missing(&body, g);
        out_int(&body, "asOf", gather_as_of(g));
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

static void gathered(void *cookie, const struct err *err, struct gather *g)
{
        struct call *call = cookie;

        if (err->code) {
                call_fail(call, err);
                return;
        }
        if (call->param[0])
                answer_one(call, &g->part[0]);
        else
                answer_all(call, g);
}

void positions_list(struct call *call)
{
        char dex[DEX_NAME_MAX];

        gather_dex_of(dex, call->api->o.venue, call->param);
        gather_read(call->api, &call->account, call->param[0] ? dex : NULL, true, gathered, call);
}

void positions_get(struct call *call)
{
        positions_list(call);
}

/* --- changing --- */

static void start(struct call *call, struct run_request *request)
{
        if (!text_copy(request->symbol, sizeof request->symbol, call->param)) {
                call_fail_code(call, E_MARKET_NOT_OFFERED);
                return;
        }
        pipeline_start(call, request);
}

static void start_close(struct call *call, bool preview)
{
        struct run_request request = {.kind = RUN_CLOSE, .preview = preview};
        struct err err = {.code = E_OK};
        char nothing;

        /* The whole position closes: a body that asks for something else is refused, not ignored. */
        enum errc rc = call_fields(call, &nothing, NULL, 0, &err);
        if (rc) {
                call_fail(call, &err);
                return;
        }
        start(call, &request);
}

void positions_close(struct call *call)
{
        start_close(call, false);
}

void positions_close_preview(struct call *call)
{
        start_close(call, true);
}

struct leverage_request {
        int mode;
        bool has_mode;
        unsigned leverage;
};

static const char *const mode_words[] = {"isolated", "cross", NULL};
static const struct field leverage_fields[] = {
        {.name = "marginMode",
         .type = FIELD_WORD,
         .offset = offsetof(struct leverage_request, mode),
         .present = offsetof(struct leverage_request, has_mode),
         .words = mode_words},
        {.name = "leverage",
         .type = FIELD_UINT,
         .required = true,
         .offset = offsetof(struct leverage_request, leverage),
         .present = FIELD_NO_FLAG,
         .size = 1000},
};
FIELD_TABLE(positions_leverage_table, leverage_fields);

static void start_leverage(struct call *call, bool preview)
{
        struct run_request request = {.kind = RUN_LEVERAGE, .preview = preview};
        struct leverage_request fields = {.mode = 0};
        struct err err = {.code = E_OK};

        enum errc rc = call_fields(call, &fields, leverage_fields, 2, &err);
        if (rc) {
                call_fail(call, &err);
                return;
        }
        request.has_mode = fields.has_mode;
        request.mode = (enum margin_mode)fields.mode;
        request.leverage = fields.leverage;
        start(call, &request);
}

void positions_leverage(struct call *call)
{
        start_leverage(call, false);
}

void positions_leverage_preview(struct call *call)
{
        start_leverage(call, true);
}

struct margin_request {
        bool has_amount;
        struct usd amount;
        struct plan_margin_target target;
};

static const struct field margin_fields[] = {
        {.name = "amount",
         .type = FIELD_SIGNED_USD,
         .offset = offsetof(struct margin_request, amount),
         .present = offsetof(struct margin_request, has_amount)},
        {.name = "targetLiquidationPrice",
         .type = FIELD_PX,
         .offset = offsetof(struct margin_request, target.price),
         .present = offsetof(struct margin_request, target.has_price)},
        {.name = "targetLeverage",
         .type = FIELD_PX,
         .offset = offsetof(struct margin_request, target.leverage),
         .present = offsetof(struct margin_request, target.has_leverage)},
};
FIELD_TABLE(positions_margin_table, margin_fields);

static void start_margin(struct call *call, bool preview)
{
        struct run_request request = {.kind = RUN_MARGIN, .preview = preview};
        struct margin_request fields = {.has_amount = false};
        struct err err = {.code = E_OK};

        enum errc rc = call_fields(call, &fields, margin_fields, 3, &err);
        if (!rc && fields.has_amount + fields.target.has_price + fields.target.has_leverage != 1)
                rc = err_field(&err, E_INVALID, "amount",
                               "exactly one of amount, targetLiquidationPrice, targetLeverage");
        if (rc) {
                call_fail(call, &err);
                return;
        }
        request.amount = fields.amount;
        request.target = fields.target;
        start(call, &request);
}

void positions_margin(struct call *call)
{
        start_margin(call, false);
}

void positions_margin_preview(struct call *call)
{
        start_margin(call, true);
}
