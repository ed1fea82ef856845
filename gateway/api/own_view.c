/* An account's figures: positions and account, as the mirror has them at present marks. */
#include <stdlib.h>
#include <string.h>

#include "api/account.h"
#include "api/accounts.h"
#include "api/own_impl.h"
#include "api/own_rows.h"
#include "base/mem.h"

#define RETRY_MS     2000
#define RETRIES_MAX  5     /* doublings */
#define FACTS_AGE_MS 60000 /* asked again of those who have them at hand for longer */

struct own_view {
        struct own_account *a;
        struct handle self;
        bool is_shown; /* one of its channels is, or was, open */
        bool wants, is_reading, is_read;
        int64_t retry_at;
        unsigned failures;
        struct own_rows rows;
        bool has_account, has_facts, is_asking_facts;
        struct account_facts facts;
        int64_t facts_at;
        struct buf account; /* as it was told last */
};

struct own_view *own_view_new(struct own_account *a)
{
        struct own_view *v = xcalloc(1, sizeof *v);

        v->a = a;
        v->self = handle_put(a->own->handles, v);
        must(v->self.generation);
        own_rows_init(&v->rows, v, a->own->held);
        buf_init(&v->account, OWN_BODY_MAX);
        own_impl_dirty(a);
        return v;
}

void own_view_free(struct own_view *v)
{
        if (!v)
                return;
        (void)handle_take(v->a->own->handles, v->self);
        own_rows_fini(&v->rows);
        buf_fini(&v->account);
        free(v);
}

void own_view_want(struct own_view *v)
{
        v->wants = true;
        own_impl_wake(v->a);
}

/* --- reading it --- */

static void gathered(void *cookie, const struct err *err, struct gather *g)
{
        struct own_asked asked;
        struct own_view *v = own_impl_answered(cookie, &asked);

        if (!v)
                return;
        v->is_reading = false;
        if (err->code) {
                v->wants = true;
                v->retry_at = own_now(v->a->own) + ((int64_t)RETRY_MS << v->failures);
                v->failures += v->failures < RETRIES_MAX;
                return;
        }
        v->failures = 0;
        v->is_read = true;
        if (v->a->orders)
                own_orders_gathered(v->a->orders, g, asked.at);
        own_impl_dirty(v->a);
}

static void facts_read(void *cookie, const struct err *err, const struct account_facts *facts)
{
        struct own_asked asked;
        struct own_view *v = own_impl_answered(cookie, &asked);

        if (!v)
                return;
        v->is_asking_facts = false;
        v->facts_at = asked.at;
        if (err->code)
                return;
        v->has_facts = true;
        v->facts = *facts;
        own_impl_dirty(v->a);
}

static void ask_facts(struct own_view *v, int64_t now)
{
        struct own *own = v->a->own;
        bool is_old = v->has_facts && now - v->facts_at > FACTS_AGE_MS;
        bool is_due = !v->has_facts && now - v->facts_at > RETRY_MS;

        if (!v->a->channel[OWN_ACCOUNT] || v->is_asking_facts || (!is_old && !is_due))
                return;
        v->is_asking_facts = true;
        accounts_facts(own->api->accounts, &v->a->subject.account, facts_read,
                       own_impl_ask(own, v->self));
}

bool own_view_work(struct own_view *v, int64_t now)
{
        struct own *own = v->a->own;

        ask_facts(v, now);
        if (v->wants && !v->is_reading && now >= v->retry_at) {
                v->wants = false;
                v->is_reading = true;
                gather_read(own->api, &v->a->subject.account, NULL, true, gathered,
                            own_impl_ask(own, v->self));
        }
        return v->wants || (v->a->channel[OWN_ACCOUNT] && !v->has_facts);
}

void own_view_opened(struct own_view *v)
{
        struct own_account *a = v->a;

        /* The other channel's figures are at hand, and kept up. */
        v->is_shown = true;
        if (!v->is_read)
                own_view_want(v);
        own_impl_dirty(a);
}

void own_view_left(struct own_view *v, enum own_channel channel)
{
        if (channel == OWN_POSITIONS)
                v->rows.is_ready = false;
        else
                v->has_account = false;
}

/* --- looking --- */

static struct gather *take(struct own *own, const struct addr *account)
{
        if (!own->scratch)
                own->scratch = xcalloc(1, sizeof *own->scratch);
        gather_mirror(own->scratch, own->api, account);
        return own->scratch;
}

static void look_at_positions(struct own_view *v, const struct gather *g)
{
        struct own_account *a = v->a;
        struct buf data;
        bool is_changed;

        buf_init(&data, OWN_BODY_MAX);
        is_changed = own_rows_take(&v->rows, &data, g, a);
        if (a->channel[OWN_POSITIONS] && v->is_read) {
                if (is_changed && v->rows.is_ready)
                        own_impl_tell(a, OWN_POSITIONS, &data);
                if (!v->rows.is_ready) {
                        v->rows.is_ready = true;
                        stream_ready(a->channel[OWN_POSITIONS]);
                }
        }
        buf_fini(&data);
}

static bool print_account(struct own_view *v, struct buf *out, const struct gather *g)
{
        struct own_account *a = v->a;
        const struct venue *venue = a->own->api->o.venue;
        const struct brand *brand = brand_by_id(a->own->api->brands, a->subject.brand);
        struct account_about about = {
                .brand = brand,
                .address = &a->subject.account,
                .master = a->subject.is_sub_account ? &a->subject.owner : NULL,
                .network = venue->ops->caps(venue)->network,
                .facts = &v->facts,
        };
        struct buf margin;
        bool is_fit;

        if (!brand)
                return false;
        buf_init(&margin, 65536);
        is_fit = account_margin(&margin, g) == E_OK && buf_check(&margin) == E_OK;
        if (is_fit)
                account_print(out, &about, &margin);
        buf_fini(&margin);
        return is_fit;
}

static void look_at_account(struct own_view *v, const struct gather *g)
{
        struct own_account *a = v->a;
        struct buf now_so;

        if (!a->channel[OWN_ACCOUNT] || !v->has_facts || !v->is_read || g->part[0].err.code)
                return;
        buf_init(&now_so, OWN_BODY_MAX);
        if (print_account(v, &now_so, g) &&
            (!v->has_account || now_so.len != v->account.len ||
             memcmp(now_so.data, v->account.data, now_so.len) != 0)) {
                bool is_first = !v->has_account;

                buf_reset(&v->account);
                buf_put(&v->account, now_so.data, now_so.len);
                v->has_account = true;
                if (is_first)
                        stream_ready(a->channel[OWN_ACCOUNT]);
                else
                        own_impl_tell(a, OWN_ACCOUNT, &now_so);
        }
        buf_fini(&now_so);
}

void own_view_look(struct own_view *v, int64_t now)
{
        struct own_account *a = v->a;
        struct gather *g = take(a->own, &a->subject.account);

        if (!g->part[0].err.code)
                look_at_positions(v, g);
        look_at_account(v, g);
        gather_fini(g);
        ask_facts(v, now);
}

bool own_view_snapshot(struct own_view *v, enum own_channel channel, struct buf *out)
{
        if (channel == OWN_POSITIONS && v->rows.is_ready)
                own_rows_print(&v->rows, out);
        else if (channel == OWN_ACCOUNT && v->has_account)
                buf_put(out, v->account.data, v->account.len);
        else
                return false;
        return true;
}

/* --- when to look --- */

bool own_view_is_idle(const struct own_view *v)
{
        return !v->a->channel[OWN_ACCOUNT] && (!v->a->channel[OWN_POSITIONS] || v->rows.n == 0);
}

void own_view_marked(struct own *own, const char *symbol)
{
        struct own_held *held = map_get(own->held, symbol, strlen(symbol));

        if (!held)
                return;
        list_each (it, &held->rows) {
                struct own_account *a = own_rows_owner(it)->a;
                if (a->channel[OWN_POSITIONS] || a->channel[OWN_ACCOUNT])
                        own_impl_dirty(a);
        }
}

bool own_view_holds_mended(const struct own_view *v)
{
        const struct map *mended = v->a->own->mended;

        for (size_t i = 0; i < v->rows.n; i++)
                if (map_get(mended, v->rows.row[i]->symbol, strlen(v->rows.row[i]->symbol)))
                        return true;
        return v->a->orders && own_orders_is_in(v->a->orders, mended);
}
