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

/* Whether the markets of the symbol's dex have been read. */
static bool are_known(struct venue *venue, const char *symbol)
{
        size_t len = strcspn(symbol, ":");
        struct venue_status status;
        struct venue_dex dex;

        venue->ops->status(venue, &status);
        if (!status.markets_at || !symbol[len])
                return status.markets_at != 0;
        for (unsigned i = 1; i < venue->ops->dex_count(venue); i++) {
                venue->ops->dex_at(venue, i, &dex);
                if (strlen(dex.name) == len && memcmp(dex.name, symbol, len) == 0)
                        return dex.is_gone || dex.n_markets > 0;
        }
        return true;
}

enum errc markets_refuse(struct venue *venue, const struct brand *brand, const char *symbol,
                         struct err *err)
{
        if (brand_offers(brand, symbol) && !are_known(venue, symbol))
                return err_set(err, E_VENUE_UNAVAILABLE,
                               "The venue's markets have not been read yet; nothing was done.");
        return err_field(err, E_MARKET_NOT_OFFERED, "symbol", "is not offered by %s", brand->name);
}

const struct market *markets_find(struct call *call)
{
        struct venue *venue = call->api->o.venue;
        const struct market *m = venue->ops->market_by_symbol(venue, call->param);
        struct err err = {.code = E_OK};

        if (m && brand_offers(call->brand, m->symbol))
                return m;
        (void)markets_refuse(venue, call->brand, call->param, &err);
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
