#include "api/batch.h"

#include <stdlib.h>
#include <string.h>

#include "api/admit.h"
#include "api/handlers.h"
#include "api/identity.h"
#include "api/letters.h"
#include "api/markets.h"
#include "api/order_fields.h"
#include "api/policy.h"
#include "api/prepare.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/log.h"
#include "base/mem.h"

void batch_free(struct batch *b)
{
        must(!b->call);
        for (unsigned i = 0; i < b->n_acts; i++)
                venue_compiled_fini(&b->acts[i].compiled);
        free(b->acts);
        letters_wipe(&b->letters);
        free(b->item);
        free(b->market);
        for (unsigned i = 0; i < b->n_dexes; i++) {
                venue_account_fini(&b->dex[i].before);
                venue_account_fini(&b->dex[i].after);
                free(b->dex[i].orders);
        }
        free((void *)(uintptr_t)b->intent.answer);
        free(b);
}

/* Lets others in, and the call be answered by whoever took it. */
static struct call *release(struct batch *b)
{
        struct call *call = b->call;

        for (unsigned i = 0; i < b->n_markets; i++)
                turnstile_leave(call->api->turnstile, &b->market[i].pass);
        call->api->open_runs--;
        b->call = NULL;
        return call;
}

void batch_fail(struct batch *b)
{
        struct err err = b->err;
        struct call *call;

        must(!b->is_journaled);
        log_event(LOG_INFO, "request refused", "request", b->call->request_id, "route",
                  "/v1/orders/batch", "brand", b->call->brand->id, "code", err_wire(err.code),
                  "detail", err.detail, NULL);
        call = release(b);
        batch_free(b);
        call_fail(call, &err);
}

static void fail_code(struct batch *b, enum errc rc)
{
        (void)err_set(&b->err, rc, "%s", err_text(rc));
        batch_fail(b);
}

/* --- reading the venue --- */

static void read_done(struct batch *b, const struct err *err)
{
        if (err->code && !b->err.code)
                b->err = *err;
        if (--b->reading)
                return;
        if (b->err.code) {
                batch_fail(b);
                return;
        }
        batch_plan(b);
        batch_wave_start(b);
}

static void setting_read(void *cookie, const struct err *err, const struct venue_setting *s)
{
        struct batch_market *m = cookie;

        if (!err->code) {
                m->setting = *s;
                m->market.mark = s->mark.v > 0 ? s->mark : m->market.mark;
                m->market.context_at = state_now(m->batch->call->api);
        }
        read_done(m->batch, err);
}

static void book_read(void *cookie, const struct err *err, const struct venue_book *book)
{
        struct batch_market *m = cookie;

        if (!err->code) {
                m->book = *book;
                m->has_book = true;
                if (book->n[0] && book->n[1]) {
                        int64_t bid = book->level[0][0].price.v, ask = book->level[1][0].price.v;
                        m->market.mid.v = bid + (ask - bid) / 2;
                        m->market.has_mid = true;
                }
        }
        read_done(m->batch, err);
}

static void orders_read(void *cookie, const struct err *err, const struct venue_open_order *orders,
                        size_t n)
{
        struct batch_dex *dex = cookie;

        if (!err->code) {
                dex->orders = xcalloc(n + 1, sizeof *orders);
                if (n)
                        memcpy(dex->orders, orders, n * sizeof *orders);
                dex->n_orders = n;
        }
        read_done(dex->batch, err);
}

static void facts_read(void *cookie, const struct err *err, const struct account_facts *facts)
{
        struct batch *b = cookie;

        if (!err->code)
                b->facts = *facts;
        read_done(b, err);
}

static void take_held(struct batch_market *m, const struct venue_position *p)
{
        m->has_setting = true;
        m->held_size = p->p.size;
        m->setting.mode = p->p.mode;
        m->setting.leverage = p->p.leverage;
        if (num_px_for(&m->market.mark, p->p.value, (struct qty){num_abs(p->p.size.v)},
                       NUM_NEAREST) == E_OK)
                m->market.context_at = state_now(m->batch->call->api);
}

/* An open position tells leverage and mode; a flat symbol has to be asked for them. */
static void account_state_read(void *cookie, const struct err *err, struct venue_account *account)
{
        struct batch_dex *dex = cookie;
        struct batch *b = dex->batch;
        const struct venue_ops *ops = b->venue->ops;

        if (err->code) {
                read_done(b, err);
                return;
        }
        dex->before = *account;
        *account = (struct venue_account){.n_positions = 0};
        for (unsigned i = 0; i < b->n_markets; i++) {
                struct batch_market *m = &b->market[i];
                if (m->dex != dex)
                        continue;
                for (unsigned k = 0; k < dex->before.n_positions; k++)
                        if (strcmp(dex->before.position[k].symbol, m->market.symbol) == 0)
                                take_held(m, &dex->before.position[k]);
                if (m->has_setting)
                        continue;
                b->reading++;
                ops->read_setting(b->venue, &b->call->account, &m->market, setting_read, m);
        }
        read_done(b, err);
}

static void read_all(struct batch *b)
{
        const struct venue_ops *ops = b->venue->ops;
        const struct addr *user = &b->call->account;

        b->reading = 1 + 2 * b->n_dexes;
        accounts_facts(b->call->api->accounts, user, facts_read, b);
        for (unsigned i = 0; i < b->n_dexes; i++) {
                struct batch_dex *dex = &b->dex[i];
                ops->read_account(b->venue, user, dex->name, account_state_read, dex);
                ops->read_open_orders(b->venue, user, dex->name, orders_read, dex);
        }
        for (unsigned i = 0; i < b->n_markets; i++) {
                if (!b->market[i].wants_book)
                        continue;
                b->reading++;
                ops->read_book(b->venue, &b->market[i].market, book_read, &b->market[i]);
        }
}

/* --- the lines of its symbols, entered in alphabetical order: two batches can't block each other --- */

static void enter_next(struct batch *b);

static void entered(struct turnstile_pass *pass)
{
        struct batch *b = list_entry(pass, struct batch_market, pass)->batch;
        const struct api *api = b->call->api;
        int64_t waited = clock_mono_ms(api->o.clock) - b->call->started_mono_ms;

        if (!api->o.expires_after_ms || waited <= api->o.expires_after_ms) {
                enter_next(b);
                return;
        }
        (void)err_set(&b->err, E_VENUE_UNAVAILABLE,
                      "The request waited too long behind others; nothing was sent.");
        batch_fail(b);
}

static void enter_next(struct batch *b)
{
        struct batch_market *m;

        if (b->gate == b->n_markets) {
                read_all(b);
                return;
        }
        m = &b->market[b->gate++];
        if (turnstile_enter(b->call->api->turnstile, &m->pass, &b->call->account, m->market.symbol,
                            entered)) {
                (void)err_set(&b->err, E_RATE_LIMITED,
                              "Too many orders of this account wait on %s.", m->market.symbol);
                batch_fail(b);
        }
}

/* --- the brand's rules, and all that needs no reading --- */

static int by_symbol(const void *a, const void *b)
{
        return strcmp(((const struct batch_market *)a)->market.symbol,
                      ((const struct batch_market *)b)->market.symbol);
}

static struct batch_market *market_of(struct batch *b, const char *symbol)
{
        for (unsigned i = 0; i < b->n_markets; i++)
                if (strcmp(b->market[i].market.symbol, symbol) == 0)
                        return &b->market[i];
        return NULL;
}

static void check_item(struct batch *b, struct batch_item *item)
{
        const struct brand *brand = b->call->brand;
        const char *symbol = item->request.symbol;
        const struct market *m = b->venue->ops->market_by_symbol(b->venue, symbol);
        struct plan_policy policy;
        struct market unpriced;

        if (!m || !brand_offers(brand, m->symbol)) {
                (void)markets_refuse(b->venue, brand, symbol, &item->err);
                return;
        }
        policy_resolve(&policy, brand, m, &b->account);
        unpriced = *m;
        unpriced.context_at = 0;
        if (plan_order_check(&item->request, &unpriced, &policy, b->venue->ops->caps(b->venue),
                             b->venue->ops, &item->err) ||
            market_of(b, symbol))
                return;
        b->market[b->n_markets++] =
                (struct batch_market){.batch = b, .market = *m, .policy = policy, .lever = -1};
}

static struct batch_dex *dex_of(struct batch *b, const char *name)
{
        struct batch_dex *dex = b->dex;

        while (dex < b->dex + b->n_dexes && strcmp(dex->name, name) != 0)
                dex++;
        if (dex < b->dex + b->n_dexes)
                return dex;
        must(b->n_dexes++ < sizeof b->dex / sizeof *b->dex);
        dex->batch = b;
        must(text_copy(dex->name, sizeof dex->name, name));
        return dex;
}

static void check_items(struct batch *b)
{
        for (unsigned i = 0; i < b->n_items; i++)
                if (!b->item[i].err.code)
                        check_item(b, &b->item[i]);
        qsort(b->market, b->n_markets, sizeof *b->market, by_symbol);
        for (unsigned i = 0; i < b->n_markets; i++) {
                list_init(&b->market[i].pass.link);
                b->market[i].dex = dex_of(b, b->market[i].market.dex);
        }
        for (unsigned i = 0; i < b->n_items; i++) {
                struct batch_item *item = &b->item[i];
                if (item->err.code)
                        continue;
                item->market = market_of(b, item->request.symbol);
                item->market->wants_book |=
                        plan_order_may_meet_book(&item->request, &item->market->market);
        }
        enter_next(b);
}

/* --- who trades --- */

static void account_read(void *cookie, enum errc rc, const struct store_account *account)
{
        struct batch *b = cookie;

        if (!rc && !(account->has_agent && account->agent_approved))
                rc = E_AGENT;
        if (rc) {
                fail_code(b, rc);
                return;
        }
        b->account = *account;
        check_items(b);
}

/* Where nothing may be opened, the orders that reduce go on and the others are refused; all at once where
 * there is none that reduces. */
static enum errc admit_items(struct batch *b)
{
        struct err err = {.code = E_OK};
        unsigned n_opening = 0, n_reducing = 0;

        for (unsigned i = 0; i < b->n_items; i++) {
                const struct batch_item *item = &b->item[i];
                n_opening += !item->err.code && !item->request.reduce_only;
                n_reducing += !item->err.code && item->request.reduce_only;
        }
        if (n_opening == 0 || admit_check(b->call, ADMIT_OPENING, &err) == E_OK)
                return E_OK;
        if (n_reducing == 0) {
                b->err = err;
                return err.code;
        }
        for (unsigned i = 0; i < b->n_items; i++)
                if (!b->item[i].err.code && !b->item[i].request.reduce_only)
                        b->item[i].err = err;
        return E_OK;
}

static void read_account_record(struct batch *b)
{
        if (admit_items(b)) {
                batch_fail(b);
                return;
        }
        accounts_get(b->call->api->accounts, b->call->brand->id, &b->call->session.address,
                     account_read, b);
}

/* --- the request --- */

struct batch_request {
        const json_t *orders;
};

static const struct field fields[] = {
        {.name = "orders",
         .type = FIELD_LIST,
         .required = true,
         .offset = offsetof(struct batch_request, orders),
         .present = FIELD_NO_FLAG,
         .size = BATCH_MAX},
};
FIELD_TABLE(batch_place_table, fields);

static void read_items(struct batch *b, const json_t *orders)
{
        struct cloid cloid[1 + 3 * BATCH_MAX];

        b->n_items = (unsigned)json_array_size(orders);
        b->item = xcalloc(b->n_items, sizeof *b->item);
        b->market = xcalloc(b->n_items, sizeof *b->market);
        identity_cloids(cloid, 1 + 3 * BATCH_MAX, b->call);
        b->id = cloid[0];
        for (unsigned i = 0; i < b->n_items; i++) {
                struct batch_item *item = &b->item[i];
                memcpy(item->cloid, &cloid[1 + 3 * i], sizeof item->cloid);
                /* An item's error is the item's: it does not sink its neighbours. */
                (void)!order_fields_read(&item->request, json_array_get(orders, i), &item->err);
        }
}

/* What its second and third wave are depends on what became of the first: of a batch not all can be
 * signed before any of it is sent. */
static enum errc refuse_to_prepare(struct call *call, struct err *err)
{
        struct run_request asked = {.kind = RUN_PLACE};
        enum errc rc = prepare_is_asked(&asked, call, err);

        if (rc || !asked.prepare)
                return rc;
        rc = err_set(err, E_FORBIDDEN,
                     "A batch can't be signed by its trader: what it sends depends on what became "
                     "of its first orders.");
        err_hint(err, "POST /v1/orders/prepare for each order tells what to sign.");
        return rc;
}

void batch_place(struct call *call)
{
        struct batch_request request = {.orders = NULL};
        struct err err = {.code = E_OK};
        struct batch *b;

        if (call_fields(call, &request, fields, 1, &err) || refuse_to_prepare(call, &err)) {
                call_fail(call, &err);
                return;
        }
        b = xcalloc(1, sizeof *b);
        b->call = call;
        b->venue = call->api->o.venue;
        call->api->open_runs++;
        identity_digest(b->digest, call);
        read_items(b, request.orders);
        read_account_record(b);
}
