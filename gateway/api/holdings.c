#include "api/holdings.h"

#include <stdlib.h>

#include "adapters/venue.h"
#include "api/gather.h"
#include "base/mem.h"

struct find {
        struct call *call;
        holdings_fn *done;
        void *cookie;
        struct addr sub[VENUE_SUB_ACCOUNTS_MAX]; /* not looked at yet */
        size_t n_subs;
};

static void end(struct find *f, const struct err *err, bool holds)
{
        f->done(f->cookie, err, holds);
        free(f);
}

static void next_sub(struct find *f);

static void sub_gathered(void *cookie, const struct err *err, struct gather *g)
{
        bool holds = !gather_is_whole(g);

        for (unsigned i = 0; i < g->n; i++)
                holds |= g->part[i].account.n_positions > 0 ||
                         g->part[i].account.account_value.v != 0;
        if (err->code || holds)
                end(cookie, err, true);
        else
                next_sub(cookie);
}

static void next_sub(struct find *f)
{
        static const struct err ok = {.code = E_OK};

        if (f->n_subs == 0)
                end(f, &ok, false);
        else
                gather_read(f->call->api, &f->sub[--f->n_subs], NULL, false, sub_gathered, f);
}

/* The list tells of the first dex alone: each is asked about the others. */
static void subs_read(void *cookie, const struct err *err, const struct venue_sub_account *subs,
                      size_t n)
{
        struct find *f = cookie;
        struct venue *venue = f->call->api->o.venue;
        bool holds = false;

        must(n <= VENUE_SUB_ACCOUNTS_MAX);
        for (size_t i = 0; i < n; i++) {
                holds |= subs[i].equity.v != 0;
                f->sub[i] = subs[i].address;
        }
        f->n_subs = venue->ops->dex_count(venue) > 1 ? n : 0;
        if (err->code || holds)
                end(f, err, holds);
        else
                next_sub(f);
}

static void gathered(void *cookie, const struct err *err, struct gather *g)
{
        struct find *f = cookie;
        struct venue *venue = f->call->api->o.venue;
        bool holds = !gather_is_whole(g);

        for (unsigned i = 0; i < g->n; i++)
                holds |= g->part[i].account.n_positions > 0 || g->part[i].n_orders > 0;
        if (err->code || holds)
                end(f, err, true);
        else
                venue->ops->read_sub_accounts(venue, &f->call->session.address, subs_read, f);
}

void holdings_find(struct call *call, holdings_fn *done, void *cookie)
{
        struct find *f = xcalloc(1, sizeof *f);

        f->call = call;
        f->done = done;
        f->cookie = cookie;
        gather_read(call->api, &call->session.address, NULL, true, gathered, f);
}
