#include "api/gather.h"

#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/mirrored.h"
#include "api/out.h"
#include "api/state.h"
#include "base/mem.h"

void gather_fini(struct gather *g)
{
        for (unsigned i = 0; i < g->n; i++) {
                venue_account_fini(&g->part[i].account);
                free(g->part[i].orders);
        }
        g->n = 0;
}

static void gather_free(struct gather *g)
{
        gather_fini(g);
        free(g);
}

static void part_done(struct gather_part *part, const struct err *err)
{
        struct gather *g = part->all;

        if (err->code && !part->err.code)
                part->err = *err;
        if (--g->reading)
                return;
        g->done(g->cookie, &g->part[0].err, g);
        gather_free(g);
}

static void orders_read(void *cookie, const struct err *err, const struct venue_open_order *orders,
                        size_t n)
{
        struct gather_part *part = cookie;

        if (!err->code) {
                part->orders = xcalloc(n + 1, sizeof *orders);
                if (n)
                        memcpy(part->orders, orders, n * sizeof *orders);
                part->n_orders = n;
        }
        part_done(part, err);
}

static void read_orders(struct gather_part *part)
{
        const struct gather *g = part->all;

        mirrored_orders(g->api, &g->user, part->dex, MIRRORED_SHOW, orders_read, part);
}

/* Where collateral is pooled, a dex without money of its own can have orders. What is not known counts
 * as pooled. */
static void facts_read(void *cookie, const struct err *err, const struct account_facts *facts)
{
        static const struct err ok = {.code = E_OK};
        struct gather_part *part = cookie;

        if (!err->code && strcmp(facts->mode, "standard") == 0)
                part_done(part, &ok);
        else
                read_orders(part);
}

static void account_read(void *cookie, const struct err *err, struct venue_account *account)
{
        struct gather_part *part = cookie;
        struct gather *g = part->all;
        bool is_used;

        if (!err->code) {
                part->account = *account;
                *account = (struct venue_account){.n_positions = 0};
        }
        /* The first one's orders were asked for beside the account. */
        if (err->code || !g->wants_orders || part == &g->part[0]) {
                part_done(part, err);
                return;
        }
        is_used = part->account.account_value.v != 0 || part->account.n_positions > 0;
        if (is_used)
                read_orders(part);
        else
                accounts_facts(g->api->accounts, &g->user, facts_read, part);
}

/* The dexes that there are, or the one asked for. */
static void choose(struct gather *g, const char *dex)
{
        struct venue *venue = g->api->o.venue;
        unsigned n = dex ? 0 : venue->ops->dex_count(venue);
        struct venue_dex its;

        if (dex)
                must(text_copy(g->part[g->n++].dex, DEX_NAME_MAX, dex));
        for (unsigned i = 0; i < n; i++) {
                venue->ops->dex_at(venue, i, &its);
                if (!its.is_gone)
                        memcpy(g->part[g->n++].dex, its.name, DEX_NAME_MAX);
        }
}

void gather_read(struct api *api, const struct addr *user, const char *dex, bool wants_orders,
                 gather_fn *done, void *cookie)
{
        struct gather *g = xcalloc(1, sizeof *g);

        g->api = api;
        g->user = *user;
        g->wants_orders = wants_orders;
        g->done = done;
        g->cookie = cookie;
        choose(g, dex);
        g->reading = g->n + (wants_orders ? 1 : 0);
        for (unsigned i = 0; i < g->n; i++) {
                struct gather_part *part = &g->part[i];

                part->all = g;
                mirrored_account(api, user, part->dex, MIRRORED_SHOW, account_read, part);
        }
        if (wants_orders)
                read_orders(&g->part[0]);
}

static void take_part(struct gather_part *part, struct api *api, const struct addr *user)
{
        struct mirrored m;

        part->err.code = E_OK;
        part->account = (struct venue_account){.n_positions = 0};
        part->orders = NULL;
        part->n_orders = 0;
        if (mirrored_take(&m, api, user, part->dex)) {
                part->err = (struct err){.code = E_OK};
                (void)err_set(&part->err, E_VENUE_UNAVAILABLE, "%s", err_text(E_VENUE_UNAVAILABLE));
                return;
        }
        part->account = m.account;
        part->account.cross.resting.v = 0;
        part->orders = m.orders;
        part->n_orders = m.n_orders;
        m.account.position = NULL;
        m.orders = NULL;
        mirrored_fini(&m);
}

void gather_mirror(struct gather *out, struct api *api, const struct addr *user)
{
        out->api = api;
        out->user = *user;
        out->n = 0;
        choose(out, NULL);
        for (unsigned i = 0; i < out->n; i++)
                take_part(&out->part[i], api, user);
}

bool gather_find_dex(struct venue_dex *out, struct venue *venue, const char *name)
{
        unsigned n = venue->ops->dex_count(venue);

        for (unsigned i = 1; i < n; i++) {
                venue->ops->dex_at(venue, i, out);
                if (strcmp(out->name, name) == 0)
                        return true;
        }
        return false;
}

void gather_dex_of(char out[DEX_NAME_MAX], struct venue *venue, const char *symbol)
{
        size_t len = strcspn(symbol, ":");
        char name[DEX_NAME_MAX] = "";
        struct venue_dex its;

        out[0] = '\0';
        if (!symbol[len] || len >= sizeof name)
                return;
        memcpy(name, symbol, len);
        if (gather_find_dex(&its, venue, name))
                memcpy(out, its.name, DEX_NAME_MAX);
}

void gather_missing(struct buf *out, const struct gather *g)
{
        bool is_first = true;

        out_key(out, "missing");
        buf_putc(out, '[');
        for (unsigned i = 0; i < g->n; i++) {
                const struct err *err = &g->part[i].err;

                if (!err->code)
                        continue;
                buf_puts(out, is_first ? "{" : ",{");
                is_first = false;
                out_text(out, "dex", g->part[i].dex);
                out_text(out, "code", err_wire(err->code));
                out_text(out, "detail", err->detail[0] ? err->detail : err_text(err->code));
                buf_putc(out, '}');
        }
        buf_putc(out, ']');
}

bool gather_is_whole(const struct gather *g)
{
        for (unsigned i = 0; i < g->n; i++)
                if (g->part[i].err.code)
                        return false;
        return true;
}

int64_t gather_as_of(const struct gather *g)
{
        int64_t oldest = g->part[0].account.as_of;

        for (unsigned i = 1; i < g->n; i++)
                if (!g->part[i].err.code && g->part[i].account.as_of < oldest)
                        oldest = g->part[i].account.as_of;
        return oldest;
}
