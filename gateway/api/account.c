/* The account route. */
#include "api/account.h"

#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/call.h"
#include "api/gather.h"
#include "api/handlers.h"
#include "api/out.h"
#include "base/mem.h"

struct view {
        struct call *call;
        unsigned reading;
        struct err err;
        struct buf margin; /* members of the answer, from the account in each dex */
        struct account_facts facts;
};

/* Of one collateral: amounts of different ones never meet. */
struct sums {
        char collateral[COLLATERAL_MAX];
        struct usd value, cross_value, notional, margin_used, cross_used, maintenance, withdrawable;
};

static void sums_members(struct buf *out, const struct sums *s)
{
        out_text(out, "collateral", s->collateral[0] ? s->collateral : NULL);
        out_usd(out, "accountValue", s->value);
        out_usd(out, "crossAccountValue", s->cross_value);
        out_usd(out, "totalNotional", s->notional);
        out_usd(out, "totalMarginUsed", s->margin_used);
        out_usd(out, "crossMarginUsed", s->cross_used);
        out_usd(out, "crossMaintenanceMargin", s->maintenance);
        out_usd(out, "withdrawable", s->withdrawable);
}

static enum errc sums_add(struct sums *s, const struct venue_account *a)
{
        if (num_usd_add(&s->value, s->value, a->account_value) ||
            num_usd_add(&s->cross_value, s->cross_value, a->cross.account_value) ||
            num_usd_add(&s->notional, s->notional, a->total_notional) ||
            num_usd_add(&s->margin_used, s->margin_used, a->total_margin_used) ||
            num_usd_add(&s->cross_used, s->cross_used, a->cross.margin_used) ||
            num_usd_add(&s->maintenance, s->maintenance, a->cross.maintenance) ||
            num_usd_add(&s->withdrawable, s->withdrawable, a->withdrawable))
                return E_RANGE;
        return E_OK;
}

/* A token that is not known is summed with nothing. */
static bool is_of(const struct gather_part *part, const struct gather_part *other)
{
        return part == other || (!other->err.code && part->account.collateral[0] &&
                                 strcmp(part->account.collateral, other->account.collateral) == 0);
}

static enum errc collateral_row(struct buf *out, const struct gather *g, unsigned i)
{
        struct sums sums = {.value = {0}};

        for (unsigned k = 0; k < i; k++)
                if (is_of(&g->part[i], &g->part[k]))
                        return E_OK; /* its row is there */
        memcpy(sums.collateral, g->part[i].account.collateral, sizeof sums.collateral);
        for (unsigned k = i; k < g->n; k++)
                if (is_of(&g->part[i], &g->part[k]) && sums_add(&sums, &g->part[k].account))
                        return E_RANGE;
        buf_puts(out, out->data[out->len - 1] == '[' ? "{" : ",{");
        sums_members(out, &sums);
        buf_putc(out, '}');
        return E_OK;
}

/* A row per collateral, and what it is made of. */
static enum errc summary(struct buf *out, const struct gather *g)
{
        enum errc rc = E_OK;

        out_key(out, "marginSummary");
        buf_putc(out, '[');
        for (unsigned i = 0; i < g->n && !rc; i++)
                if (!g->part[i].err.code)
                        rc = collateral_row(out, g, i);
        buf_putc(out, ']');
        out_key(out, "dexes");
        buf_putc(out, '[');
        for (unsigned i = 0; i < g->n && !rc; i++) {
                const struct venue_account *a = &g->part[i].account;
                struct sums sums = {.value = {0}};

                if (g->part[i].err.code)
                        continue;
                memcpy(sums.collateral, a->collateral, sizeof sums.collateral);
                rc = sums_add(&sums, a);
                buf_puts(out, out->data[out->len - 1] == '[' ? "{" : ",{");
                out_text(out, "dex", a->dex[0] ? a->dex : NULL);
                sums_members(out, &sums);
                out_int(out, "positions", a->n_positions);
                buf_putc(out, '}');
        }
        buf_putc(out, ']');
        return rc;
}

enum errc account_margin(struct buf *out, const struct gather *g)
{
        const struct venue_account *first = &g->part[0].account;
        struct usd free_margin = {0};
        int64_t positions = 0;
        enum errc rc;

        (void)!margin_free(&free_margin, &first->cross);
        out_usd(out, "equity", first->account_value);
        out_usd(out, "freeCollateral", free_margin);
        rc = summary(out, g);
        gather_missing(out, g);
        for (unsigned i = 0; i < g->n; i++)
                positions += g->part[i].account.n_positions;
        out_int(out, "positions", positions);
        out_int(out, "asOf", gather_as_of(g));
        return rc;
}

void account_print(struct buf *out, const struct account_about *about, const struct buf *margin)
{
        const struct brand *b = about->brand;
        struct rate builder = out_fee_share(b->builder_fee_tenth_bp);
        char address[ADDR_STR_MAX];

        if (!b->has_builder)
                builder.v = 0;
        buf_putc(out, '{');
        out_text(out, "address", hex_print_addr(address, about->address));
        if (about->master)
                out_text(out, "master", hex_print_addr(address, about->master));
        out_text(out, "brand", b->id);
        out_text(out, "network", about->network);
        out_text(out, "accountMode", about->facts->mode);
        buf_putc(out, ',');
        buf_put(out, margin->data, margin->len);
        out_key(out, "fees");
        buf_putc(out, '{');
        out_rate(out, "taker", about->facts->fees.taker, 12);
        out_rate(out, "maker", about->facts->fees.maker, 12);
        out_rate(out, "builder", builder, 12);
        buf_puts(out, "}");
        out_key(out, "limits");
        buf_putc(out, '{');
        out_int(out, "requestsPerMinute", b->requests_per_minute);
        buf_putc(out, '}');
        buf_putc(out, '}');
}

static void answer(struct view *view)
{
        struct call *call = view->call;
        const struct account_about about = {
                .brand = call->brand,
                .address = &call->account,
                .master = call->for_sub_account ? &call->session.address : NULL,
                .network = call->api->o.venue->ops->caps(call->api->o.venue)->network,
                .facts = &view->facts,
        };
        struct buf body;

        buf_init(&body, 65536);
        account_print(&body, &about, &view->margin);
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
        buf_fini(&view->margin);
        free(view);
}

static void gathered(void *cookie, const struct err *err, struct gather *g)
{
        struct view *view = cookie;
        struct err why = *err;

        if (!why.code && account_margin(&view->margin, g))
                (void)err_set(&why, E_INTERNAL, "%s", err_text(E_INTERNAL));
        done(view, &why);
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

        view->call = call;
        view->reading = 2;
        buf_init(&view->margin, 65536);
        gather_read(call->api, &call->account, NULL, false, gathered, view);
        accounts_facts(call->api->accounts, &call->account, facts_read, view);
}
