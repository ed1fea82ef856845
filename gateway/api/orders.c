/* Order routes. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/gather.h"
#include "api/handlers.h"
#include "api/order_fields.h"
#include "api/order_name.h"
#include "api/order_status.h"
#include "api/orders_past.h"
#include "api/out.h"
#include "api/pipeline.h"
#include "api/sweep.h"
#include "api/tables.h"
#include "base/mem.h"

#define BODY_MAX (4u << 20)

static void start_order(struct call *call, enum run_kind kind)
{
        struct run_request request = {.kind = kind};
        struct err err = {.code = E_OK};
        const json_t *json = call_json(call, &err);

        if (!json || order_fields_read(&request.order, json, &err)) {
                call_fail(call, &err);
                return;
        }
        text_copy(request.symbol, sizeof request.symbol, request.order.symbol);
        pipeline_start(call, &request);
}

void orders_preview(struct call *call)
{
        start_order(call, RUN_PREVIEW);
}

void orders_place(struct call *call)
{
        start_order(call, RUN_PLACE);
}

/* --- open orders --- */

static const char *open_status(const struct venue_open_order *o)
{
        if (o->is_trigger)
                return "triggerPending";
        return o->size.v < o->original_size.v ? "partiallyFilled" : "resting";
}

static bool is_asked_for(const struct call *call, const struct venue_open_order *o)
{
        return !call->symbol_query[0] || strcmp(call->symbol_query, o->symbol) == 0;
}

static void list_part(struct buf *body, const struct call *call, const struct gather_part *part)
{
        for (size_t i = 0; i < part->n_orders; i++) {
                const struct venue_open_order *o = &part->orders[i];

                if (!is_asked_for(call, o))
                        continue;
                if (body->data[body->len - 1] != '[')
                        buf_putc(body, ',');
                out_open_order(body, o, open_status(o), NULL, o->placed_at);
        }
}

static void listed(void *cookie, const struct err *err, struct gather *g)
{
        struct call *call = cookie;
        struct buf body;

        if (err->code) {
                call_fail(call, err);
                return;
        }
        buf_init(&body, BODY_MAX);
        buf_puts(&body, "{\"data\":[");
        for (unsigned i = 0; i < g->n; i++) {
                sweep_look(call->api->sweep, call, g->part[i].dex, g->part[i].orders,
                           g->part[i].n_orders);
                list_part(&body, call, &g->part[i]);
        }
        buf_putc(&body, ']');
        gather_missing(&body, g);
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

/* The orders of the symbol's dex, or of all. */
static void read_orders(struct call *call, gather_fn *done)
{
        char dex[DEX_NAME_MAX];

        gather_dex_of(dex, call->api->o.venue, call->symbol_query);
        gather_read(call->api, &call->session.address, call->symbol_query[0] ? dex : NULL, true,
                    done, call);
}

void orders_list(struct call *call)
{
        if (!orders_past_take(call))
                read_orders(call, listed);
}

/* --- one order --- */

/* A lookup under way: what our journal knows, then what the venue says. */
struct look {
        struct call *call;
        struct order_name name;
        bool cancels;
        bool journaled;          /* ours */
        enum intent_state state; /* of the order */
        char client_id[64];
        char symbol[SYMBOL_MAX];
};

/* Known to us, not to the venue: refused before it got there, or not yet known to have arrived. */
static void journal_only(struct look *look)
{
        struct call *call = look->call;
        bool refused = look->state == INTENT_REJECTED;
        struct buf body;

        if (!look->journaled || look->cancels) {
                /* It may still arrive: then there is something to cancel. */
                call_fail_code(call, look->journaled && !refused ? E_OUTCOME_UNKNOWN : E_NOT_FOUND);
                return;
        }
        buf_init(&body, 4096);
        buf_putc(&body, '{');
        out_text(&body, "id", call->param);
        out_text(&body, "clientId", look->client_id[0] ? look->client_id : NULL);
        out_text(&body, "symbol", look->symbol);
        out_text(&body, "status", refused ? "rejected" : "unknown");
        out_text(&body, "filledSize", refused ? "0" : NULL);
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

static void start_cancel(struct look *look, const struct venue_open_order *order)
{
        struct run_request request = {.kind = RUN_CANCEL, .n_cancels = 1, .cancel_single = true};

        text_copy(request.symbol, sizeof request.symbol, order->symbol);
        request.cancel[0] = (struct venue_cancel){.asset = order->asset,
                                                  .by_cloid = look->name.by_cloid,
                                                  .oid = order->oid,
                                                  .cloid = look->name.cloid};
        text_copy(request.cancel_id[0], sizeof request.cancel_id[0], look->call->param);
        pipeline_start(look->call, &request);
}

static void looked_up(void *cookie, const struct err *err, const struct venue_order_status *s)
{
        struct look *look = cookie;
        struct buf body;

        if (err->code) {
                call_fail(look->call, err);
        } else if (!s->found) {
                journal_only(look);
        } else if (look->cancels) {
                start_cancel(look, &s->order);
        } else {
                buf_init(&body, 16384);
                out_open_order(&body, &s->order, order_status_word(s), look->client_id,
                               s->status_at);
                body.len--; /* reopen the object for the venue's own word */
                out_text(&body, "venueStatus", s->status);
                buf_putc(&body, '}');
                call_reply(look->call, 200, &body);
        }
        free(look);
}

static void look_at_venue(struct look *look)
{
        struct venue *venue = look->call->api->o.venue;

        venue->ops->lookup(venue, &look->call->session.address,
                           look->name.by_cloid ? &look->name.cloid : NULL, look->name.oid,
                           looked_up, look);
}

/* What became of the order itself; another step of its plan may have ended otherwise. */
static enum intent_state order_state(const struct store_intent *intent)
{
        for (unsigned i = 0; i < intent->n_steps; i++)
                if (strcmp(intent->step[i].action, "order") == 0)
                        return intent->step[i].state;
        return intent->state;
}

static void journal_read(void *cookie, enum errc rc, const struct store_intent *intent)
{
        struct look *look = cookie;

        if (rc && rc != E_NOT_FOUND) {
                call_fail_code(look->call, rc);
                free(look);
                return;
        }
        if (!rc) {
                look->journaled = true;
                look->state = order_state(intent);
                text_copy(look->client_id, sizeof look->client_id, intent->client_id);
                text_copy(look->symbol, sizeof look->symbol, intent->symbol);
        }
        look_at_venue(look);
}

static void start_look(struct call *call, bool cancels)
{
        struct look *look = xcalloc(1, sizeof *look);

        look->call = call;
        look->cancels = cancels;
        if (order_name_parse(&look->name, call->param)) {
                free(look);
                call_fail_code(call, E_NOT_FOUND);
        } else if (look->name.by_cloid) {
                store_intent_by_cloid(call->api->o.store, call->brand->id, &call->session.address,
                                      &look->name.cloid, journal_read, look);
        } else {
                look_at_venue(look);
        }
}

void orders_get(struct call *call)
{
        start_look(call, false);
}

void orders_cancel(struct call *call)
{
        start_look(call, true);
}

/* --- cancel all --- */

static void add_cancel(struct run_request *request, const struct venue_open_order *o)
{
        unsigned i = request->n_cancels++;
        char s[NUM_STR_MAX];

        request->cancel[i] = (struct venue_cancel){.asset = o->asset, .oid = o->oid};
        if (o->has_cloid)
                hex_print_cloid(request->cancel_id[i], &o->cloid);
        else
                text_copy(request->cancel_id[i], sizeof request->cancel_id[i],
                          num_print(s, (int64_t)o->oid, 0, 0));
}

static void add_part(struct run_request *request, const struct call *call,
                     const struct gather_part *part)
{
        for (size_t i = 0; i < part->n_orders && !request->cancels_more; i++) {
                if (!is_asked_for(call, &part->orders[i]))
                        continue;
                if (request->n_cancels == VENUE_CANCELS_MAX)
                        request->cancels_more = true;
                else
                        add_cancel(request, &part->orders[i]);
        }
}

static void cancel_listed(void *cookie, const struct err *err, struct gather *g)
{
        struct call *call = cookie;
        struct run_request request = {.kind = RUN_CANCEL};

        if (err->code) {
                call_fail(call, err);
                return;
        }
        text_copy(request.symbol, sizeof request.symbol, call->symbol_query);
        for (unsigned i = 0; i < g->n; i++)
                add_part(&request, call, &g->part[i]);
        /* There may be some where nothing could be read. */
        request.cancels_more |= !gather_is_whole(g);
        if (request.n_cancels == 0) {
                struct buf body;
                buf_init(&body, 64);
                buf_puts(&body, "{\"results\":[]");
                out_bool(&body, "more", request.cancels_more);
                buf_putc(&body, '}');
                call_reply(call, 200, &body);
                return;
        }
        pipeline_start(call, &request);
}

struct cancel_query {
        char symbol[SYMBOL_MAX];
};

static const struct field cancel_fields[] = {
        {.name = "symbol",
         .type = FIELD_TEXT,
         .offset = offsetof(struct cancel_query, symbol),
         .present = FIELD_NO_FLAG,
         .size = SYMBOL_MAX},
};
FIELD_TABLE(orders_cancel_table, cancel_fields);

/* Cancels up to VENUE_CANCELS_MAX orders, all of them or those of ?symbol=; the answer lists what was
 * cancelled, and says whether there are more, so that the trader asks again. */
void orders_cancel_all(struct call *call)
{
        struct cancel_query query = {.symbol = ""};
        struct err err = {.code = E_OK};

        /* A mistyped or overlong ?symbol= must not come to mean every order. */
        if (call->has_query && !call->symbol_query[0]) {
                (void)err_field(&err, E_INVALID, "symbol",
                                "is the only parameter here and must be a market's symbol");
                call_fail(call, &err);
                return;
        }
        if (call_query(call, &query, cancel_fields, 1, &err)) {
                call_fail(call, &err);
                return;
        }
        read_orders(call, cancel_listed);
}
