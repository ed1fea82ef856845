/* Market routes. A market that the brand does not offer does not exist here. */
#include <string.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/markets.h"
#include "api/out.h"
#include "api/snapshots.h"

#define MARKETS_BODY_MAX (4u << 20)

static bool offered(const struct call *call, const struct market *m)
{
        return !m->is_delisted && brand_offers(call->brand, m->symbol);
}

const struct market *markets_find(struct call *call)
{
        struct venue *venue = call->api->o.venue;
        const struct market *m = venue->ops->market_by_symbol(venue, call->param);
        struct err err = {.code = E_OK};

        if (m && brand_offers(call->brand, m->symbol))
                return m;
        (void)err_field(&err, E_MARKET_NOT_OFFERED, "symbol", "is not offered by %s",
                        call->brand->name);
        call_fail(call, &err);
        return NULL;
}

void markets_list(struct call *call)
{
        struct venue *venue = call->api->o.venue;
        size_t n = venue->ops->market_count(venue);
        struct buf body;
        bool first = true;

        buf_init(&body, MARKETS_BODY_MAX);
        buf_puts(&body, "{\"data\":[");
        for (size_t i = 0; i < n; i++) {
                const struct market *m = venue->ops->market_at(venue, i);
                if (!offered(call, m))
                        continue;
                if (!first)
                        buf_putc(&body, ',');
                first = false;
                out_market(&body, m, call->brand);
        }
        buf_puts(&body, "]}");
        call_reply(call, 200, &body);
}

void markets_one(struct call *call)
{
        const struct market *m = markets_find(call);
        struct buf body;

        if (!m)
                return;
        buf_init(&body, MARKETS_BODY_MAX);
        out_market(&body, m, call->brand);
        call_reply(call, 200, &body);
}

void markets_book(struct call *call)
{
        const struct market *m = markets_find(call);

        if (m)
                snapshots_answer(call->api->snapshots, call, m, SNAPSHOT_BOOK);
}

void markets_trades(struct call *call)
{
        const struct market *m = markets_find(call);

        if (m)
                snapshots_answer(call->api->snapshots, call, m, SNAPSHOT_TRADES);
}
