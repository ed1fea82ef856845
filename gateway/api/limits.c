/* What time it is here, and how much may still be asked: every budget that a request of the caller
 * draws on. */
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/out.h"
#include "api/schema.h"
#include "auth/limit.h"

void limits_time(struct call *call)
{
        struct err err = {.code = E_OK};
        struct buf body;

        if (call_query(call, NULL, NULL, 0, &err)) {
                call_fail(call, &err);
                return;
        }
        buf_init(&body, 128);
        buf_putc(&body, '{');
        out_int(&body, "time", state_now(call->api));
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

static void bucket(struct buf *out, const char *name, const struct limit_state *state)
{
        out_key(out, name);
        buf_putc(out, '{');
        out_int(out, "limit", state->limit);
        out_int(out, "remaining", state->remaining);
        out_int(out, "resetSeconds", state->reset_s);
        buf_putc(out, '}');
}

static void venue_budget(struct buf *out, const struct venue *venue)
{
        struct venue_budget budget;

        venue->ops->budget(venue, &budget);
        out_key(out, "venue");
        buf_putc(out, '{');
        out_int(out, "weightPerMinute", budget.weight_per_minute);
        out_int(out, "weightLeft", budget.weight_left);
        out_int(out, "reservedForOrders", budget.order_reserve);
        buf_putc(out, '}');
}

/* The venue's count may be unavailable; the rest is known all the same. */
static void allowance(struct buf *out, const struct err *err, const struct venue_allowance *a)
{
        uint64_t all = a->cap + a->reserved;

        if (err->code) {
                out_null(out, "venueAddress");
                out_key(out, "warnings");
                buf_puts(out, "[{");
                out_text(out, "code", err_wire(err->code));
                out_text(out, "detail", err->detail);
                buf_puts(out, "}]");
                return;
        }
        out_key(out, "venueAddress");
        buf_putc(out, '{');
        out_text(out, "volume", a->volume);
        out_int(out, "used", (int64_t)a->used);
        out_int(out, "limit", (int64_t)a->cap);
        out_int(out, "reserved", (int64_t)a->reserved);
        out_int(out, "remaining", (int64_t)(all > a->used ? all - a->used : 0));
        buf_puts(out, "},\"warnings\":[]");
}

static void allowance_read(void *cookie, const struct err *err, const struct venue_allowance *read)
{
        struct call *call = cookie;
        struct api *api = call->api;
        char network[LIMIT_NETWORK_MAX];
        struct limit_state address;
        struct buf body;

        limit_network(network, call->client);
        (void)limit_take(api->public_limit, network, 0, clock_mono_ms(api->o.clock), &address);
        buf_init(&body, 8192);
        buf_putc(&body, '{');
        bucket(&body, "session", &call->limit);
        bucket(&body, "networkAddress", &address);
        out_key(&body, "brand");
        buf_putc(&body, '{');
        out_text(&body, "id", call->brand->id);
        out_int(&body, "requestsPerMinute", call->brand->requests_per_minute);
        buf_putc(&body, '}');
        venue_budget(&body, api->o.venue);
        allowance(&body, err, read);
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

void limits_get(struct call *call)
{
        struct venue *venue = call->api->o.venue;
        struct err err = {.code = E_OK};

        if (call_query(call, NULL, NULL, 0, &err))
                call_fail(call, &err);
        else
                venue->ops->read_allowance(venue, &call->account, allowance_read, call);
}
