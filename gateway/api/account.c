/* The account route. */
#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/call.h"
#include "api/handlers.h"
#include "api/out.h"
#include "base/mem.h"

struct view {
        struct call *call;
        unsigned reading;
        struct err err;
        struct venue_account account;
        struct account_facts facts;
};

static void summary(struct buf *out, const struct venue_account *a)
{
        out_key(out, "marginSummary");
        buf_puts(out, "[{");
        out_text(out, "collateral", "USDC");
        out_usd(out, "accountValue", a->account_value);
        out_usd(out, "crossAccountValue", a->cross.account_value);
        out_usd(out, "totalNotional", a->total_notional);
        out_usd(out, "totalMarginUsed", a->total_margin_used);
        out_usd(out, "crossMarginUsed", a->cross.margin_used);
        out_usd(out, "crossMaintenanceMargin", a->cross.maintenance);
        out_usd(out, "withdrawable", a->withdrawable);
        buf_puts(out, "}]");
}

static void answer(struct view *view)
{
        struct call *call = view->call;
        struct venue *venue = call->api->o.venue;
        const struct brand *b = call->brand;
        struct rate builder = out_fee_share(b->builder_fee_tenth_bp);
        char address[ADDR_STR_MAX];
        struct usd free_margin = {0};
        struct buf body;

        if (!b->has_builder)
                builder.v = 0;
        (void)!margin_free(&free_margin, &view->account.cross);
        buf_init(&body, 65536);
        buf_putc(&body, '{');
        out_text(&body, "address", hex_print_addr(address, &call->account));
        if (call->for_sub_account)
                out_text(&body, "master", hex_print_addr(address, &call->session.address));
        out_text(&body, "brand", b->id);
        out_text(&body, "network", venue->ops->caps(venue)->network);
        out_text(&body, "accountMode", view->facts.mode);
        out_usd(&body, "equity", view->account.account_value);
        out_usd(&body, "freeCollateral", free_margin);
        summary(&body, &view->account);
        out_key(&body, "fees");
        buf_putc(&body, '{');
        out_rate(&body, "taker", view->facts.fees.taker, 12);
        out_rate(&body, "maker", view->facts.fees.maker, 12);
        out_rate(&body, "builder", builder, 12);
        buf_puts(&body, "}");
        out_key(&body, "limits");
        buf_putc(&body, '{');
        out_int(&body, "requestsPerMinute", b->requests_per_minute);
        buf_putc(&body, '}');
        out_int(&body, "positions", view->account.n_positions);
        out_int(&body, "asOf", view->account.as_of);
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

static void done(struct view *view, const struct err *err)
{
        if (err->code && !view->err.code)
                view->err = *err;
        if (--view->reading)
                return;
        if (view->err.code)
                call_fail(view->call, &view->err);
        else
                answer(view);
        venue_account_fini(&view->account);
        free(view);
}

static void state_read(void *cookie, const struct err *err, struct venue_account *account)
{
        struct view *view = cookie;

        if (!err->code) {
                view->account = *account;
                *account = (struct venue_account){.n_positions = 0};
        }
        done(view, err);
}

static void facts_read(void *cookie, const struct err *err, const struct account_facts *facts)
{
        struct view *view = cookie;

        if (!err->code)
                view->facts = *facts;
        done(view, err);
}

void account_get(struct call *call)
{
        struct view *view = xcalloc(1, sizeof *view);
        struct venue *venue = call->api->o.venue;

        view->call = call;
        view->reading = 2;
        venue->ops->read_account(venue, &call->account, state_read, view);
        accounts_facts(call->api->accounts, &call->account, facts_read, view);
}
