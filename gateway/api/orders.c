/* Order routes. */
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/gather.h"
#include "api/handlers.h"
#include "api/mirrored.h"
#include "api/order_fields.h"
#include "api/order_list.h"
#include "api/order_name.h"
#include "api/order_told.h"
#include "api/out.h"
#include "api/pipeline.h"
#include "api/prepare.h"
#include "api/recovery.h"
#include "api/tables.h"
#include "base/mem.h"
#include "plan/order_life.h"

#define FORGOTTEN_MS INT64_C(86400000) /* the venue may not know an order any more that is so old */
#define ARRIVAL_MS   600000            /* what expires has expired long before */

static void start_order(struct call *call, bool preview)
{
        struct run_request request = {.kind = RUN_PLACE, .preview = preview};
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
        start_order(call, true);
}

void orders_place(struct call *call)
{
        start_order(call, false);
}

void orders_list(struct call *call)
{
        order_list_answer(call);
}

/* --- one order --- */

/* A lookup under way: what our journal knows, then what the venue says. */
struct look {
        struct call *call;
        struct order_name name;
        bool cancels;
        bool journaled;          /* ours */
        bool is_recovering;      /* its end is being found out */
        enum intent_state state; /* of the order */
        struct order_told told;  /* in the answer to its request */
        int64_t created_at;
        struct venue_order_status status; /* at the venue */
        char client_id[64];
        char symbol[SYMBOL_MAX];
};

static bool is_settled(const struct look *look)
{
        return look->state == INTENT_DONE || look->state == INTENT_REJECTED;
}

/* The venue does not know it. It was refused there, or it can't arrive any more: nothing signed lives so
 * long. Whether it left at all does not matter then. */
static bool never_stood(const struct look *look)
{
        const struct api *api = look->call->api;
        int64_t age = state_now(api) - look->created_at;

        if (look->state == INTENT_REJECTED || look->told.is_refused)
                return true;
        return !is_settled(look) && api->o.expires_after_ms &&
               age > api->o.expires_after_ms + ARRIVAL_MS && age < FORGOTTEN_MS;
}

/* What was told of its end stays true: the venue forgets orders, two thousand newer ones later. */
static void show_journaled(struct look *look, bool refused)
{
        const char *message = look->told.venue_message;
        bool is_filled = !refused && look->told.is_filled;
        struct buf body;

        buf_init(&body, 4096);
        buf_putc(&body, '{');
        out_text(&body, "id", look->call->param);
        out_text(&body, "clientId", look->client_id[0] ? look->client_id : NULL);
        out_text(&body, "symbol", look->symbol);
        out_text(&body, "status", refused ? "rejected" : is_filled ? "filled" : "unknown");
        out_text(&body, "filledSize", refused ? "0" : is_filled ? look->told.filled_size : NULL);
        if (look->is_recovering && !refused && !is_filled)
                out_bool(&body, "recovering", true);
        if (refused && message[0])
                out_text(&body, "venueMessage", message);
        buf_putc(&body, '}');
        call_reply(look->call, 200, &body);
}

/* Known to us, not to the venue: refused before or when it got there, not yet known to have arrived, or
 * forgotten there. */
static void journal_only(struct look *look)
{
        bool refused = look->journaled && never_stood(look);

        if (!look->journaled || look->cancels)
                /* It may still arrive: then there is something to cancel. */
                call_fail_code(look->call, look->journaled && !refused && !look->told.is_filled
                                                   ? E_OUTCOME_UNKNOWN
                                                   : E_NOT_FOUND);
        else
                show_journaled(look, refused);
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

static void show_order(struct look *look)
{
        const struct venue_order_status *s = &look->status;
        struct buf body;

        buf_init(&body, 16384);
        out_open_order(&body, &s->order, order_life_word_of(s), look->client_id, s->status_at);
        body.len--; /* reopen the object for the venue's own word */
        out_text(&body, "venueStatus", s->status);
        if (look->told.venue_message[0])
                out_text(&body, "venueMessage", look->told.venue_message);
        buf_putc(&body, '}');
        call_reply(look->call, 200, &body);
        free(look);
}

/* Asked for by the venue's number: its name tells whether it is one of ours. */
static void name_read(void *cookie, enum errc rc, const struct store_order *order, size_t n)
{
        struct look *look = cookie;

        if (rc) {
                call_fail_code(look->call, rc);
                free(look);
                return;
        }
        if (n && order->is_known && strcmp(order->role, "order") == 0)
                text_copy(look->client_id, sizeof look->client_id, order->client_id);
        show_order(look);
}

static void looked_up(void *cookie, const struct err *err, const struct venue_order_status *s)
{
        struct look *look = cookie;
        struct call *call = look->call;

        if (!err->code && s->found && !look->cancels) {
                look->status = *s;
                if (look->name.by_cloid || !s->order.has_cloid)
                        show_order(look);
                else
                        store_order_lookup(call->api->o.store, call->brand->id, &call->account,
                                           &s->order.cloid, 1, name_read, look);
                return;
        }
        /* Not known to have arrived, and the venue can't be asked: that is the answer. */
        if (err->code && look->journaled && !look->cancels && !is_settled(look))
                show_journaled(look, false);
        else if (err->code)
                call_fail(call, err);
        else if (!s->found)
                journal_only(look);
        else
                start_cancel(look, &s->order);
        free(look);
}

static void look_at_venue(struct look *look)
{
        mirrored_lookup(look->call->api, &look->call->account,
                        look->name.by_cloid ? &look->name.cloid : NULL, look->name.oid, looked_up,
                        look);
}

/* What became of the orders themselves; another step of their plan may have ended otherwise. */
static enum intent_state order_state(const struct store_intent *intent)
{
        for (unsigned i = 0; i < intent->n_steps; i++)
                if (strcmp(intent->step[i].action, "order") == 0 ||
                    strcmp(intent->step[i].action, "modify") == 0)
                        return intent->step[i].state;
        return intent->state;
}

/* A client id names the order; its legs have names of their own. */
static bool is_leg(const struct store_intent *intent, const struct cloid *cloid)
{
        for (unsigned i = 0; i < intent->n_orders; i++)
                if (hex_cloid_equal(&intent->order[i].cloid, cloid))
                        return strcmp(intent->order[i].role, "order") != 0;
        return false;
}

static void journal_read(void *cookie, enum errc rc, const struct store_intent *intent)
{
        struct look *look = cookie;
        char id[CLOID_STR_MAX];

        if (rc && rc != E_NOT_FOUND) {
                call_fail_code(look->call, rc);
                free(look);
                return;
        }
        if (!rc) {
                look->journaled = true;
                look->is_recovering = recovery_has(look->call->api->recovery, intent->brand,
                                                   &intent->account, &intent->id);
                look->state = order_state(intent);
                look->created_at = intent->created_at;
                order_told_read(&look->told, intent->answer,
                                hex_print_cloid(id, &look->name.cloid));
                if (!is_leg(intent, &look->name.cloid))
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
                store_intent_by_cloid(call->api->o.store, call->brand->id, &call->account,
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

static bool is_asked_for(const struct call *call, const struct venue_open_order *o)
{
        return !call->symbol_query[0] || strcmp(call->symbol_query, o->symbol) == 0;
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
        struct err why = {.code = E_OK};

        if (err->code) {
                call_fail(call, err);
                return;
        }
        text_copy(request.symbol, sizeof request.symbol, call->symbol_query);
        for (unsigned i = 0; i < g->n; i++)
                add_part(&request, call, &g->part[i]);
        /* There may be some where nothing could be read. */
        request.cancels_more |= !gather_is_whole(g);
        if (prepare_is_asked(&request, call, &why)) {
                call_fail(call, &why);
                return;
        }
        if (request.n_cancels == 0 && !request.prepare) {
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

/* Cancels up to VENUE_CANCELS_MAX orders, all of them or those of ?symbol=; the answer lists what was
 * cancelled, and says whether there are more, so that the trader asks again. */
void orders_cancel_all(struct call *call)
{
        struct prepare_query query = {.symbol = ""};
        char dex[DEX_NAME_MAX];
        struct err err = {.code = E_OK};
        enum errc rc;

        /* A mistyped or overlong ?symbol= must not come to mean every order. */
        rc = prepare_read_query(&query, call, true, &err);
        if (!rc && (strcmp(query.symbol, call->symbol_query) != 0 ||
                    (call->has_query && !query.has_symbol && !query.has_prepare)))
                rc = err_field(&err, E_INVALID, "symbol", "must be a market's symbol");
        if (rc) {
                call_fail(call, &err);
                return;
        }
        gather_dex_of(dex, call->api->o.venue, call->symbol_query);
        gather_read(call->api, &call->account, call->symbol_query[0] ? dex : NULL, true,
                    cancel_listed, call);
}
