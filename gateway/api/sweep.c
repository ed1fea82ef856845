#include "api/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/signer.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "plan/plan.h"

#define SAME_MOMENT_MS 1000 /* legs and the order they came with */
#define LOOK_EVERY_MS  60000
#define LOOKS_MAX      65536 /* accounts remembered; forgotten when full */

struct sweep {
        struct api *api;
        struct map *running; /* brand and address -> struct job */
        struct map *looked;  /* brand and address -> int64_t, when last */
};

struct job_key {
        char brand[STORE_BRAND_MAX];
        char dex[DEX_NAME_MAX];
        struct addr account;
};

struct job {
        struct sweep *sweep;
        struct job_key key;
        struct store_account record;
        struct venue_open_order *orders; /* owned */
        size_t n_orders;
        struct venue_action cancel;
        struct venue_compiled compiled;
        struct store_intent intent;
};

struct sweep *sweep_new(struct api *api)
{
        struct sweep *s = xcalloc(1, sizeof *s);

        s->api = api;
        s->running = map_new();
        s->looked = map_new();
        return s;
}

void sweep_free(struct sweep *s)
{
        if (!s)
                return;
        must(map_size(s->running) == 0);
        map_free(s->running, NULL);
        map_free(s->looked, free);
        free(s);
}

static void end(struct job *job)
{
        map_take(job->sweep->running, &job->key, sizeof job->key);
        job->sweep->api->open_runs--;
        venue_compiled_fini(&job->compiled);
        free(job->orders);
        free(job);
}

/* --- which --- */

static bool is_protecting(const struct venue_account *account, const struct venue_open_order *o)
{
        for (unsigned i = 0; i < account->n_positions; i++) {
                const struct venue_position *p = &account->position[i];
                if (p->p.size.v && plan_tpsl_protects(o, p))
                        return true;
        }
        return false;
}

/* The venue answers from more than one place: an account as it was before the order says nothing of the
 * position that came with it. */
static bool is_older(const struct venue_account *account, const struct venue_open_order *o)
{
        return account->as_of && account->as_of <= o->placed_at;
}

/* The legs of an order that still rests, where the venue lists them without it. */
static bool came_with_another(const struct venue_open_order *o,
                              const struct venue_open_order *orders, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                const struct venue_open_order *other = &orders[i];
                if (!other->reduce_only && !other->is_trigger && other->side != o->side &&
                    strcmp(other->symbol, o->symbol) == 0 &&
                    num_abs(other->placed_at - o->placed_at) <= SAME_MOMENT_MS)
                        return true;
        }
        return false;
}

void sweep_pick(struct venue_action *cancel, const struct venue_account *account,
                const struct venue_open_order *orders, size_t n)
{
        *cancel = (struct venue_action){.kind = VENUE_CANCEL};
        for (size_t i = 0; i < n && cancel->u.cancel.n < VENUE_CANCELS_MAX; i++) {
                const struct venue_open_order *o = &orders[i];
                /* Every order of ours has a client order id: one without was placed elsewhere. */
                if (!o->has_cloid || !o->is_trigger || !o->reduce_only || o->waits_for_parent ||
                    is_older(account, o) || is_protecting(account, o) ||
                    came_with_another(o, orders, n))
                        continue;
                cancel->u.cancel.cancel[cancel->u.cancel.n++] =
                        (struct venue_cancel){.asset = o->asset, .oid = o->oid};
        }
}

/* --- journal, sign, send --- */

static void settled(void *cookie, enum errc rc)
{
        struct job *job = cookie;

        if (rc)
                log_event(LOG_ERROR, "outcome not recorded", "what", "sweep", "code",
                          err_constant(rc), NULL);
        end(job);
}

static void submitted(void *cookie, const struct venue_outcome *outcome)
{
        struct job *job = cookie;
        struct api *api = job->sweep->api;
        enum intent_state state = outcome->result == VENUE_DONE      ? INTENT_DONE
                                  : outcome->result == VENUE_REFUSED ? INTENT_REJECTED
                                                                     : INTENT_UNKNOWN;
        char account[ADDR_STR_MAX], count[NUM_STR_MAX];
        struct buf detail;

        hex_print_addr(account, &job->key.account);
        num_print(count, job->cancel.u.cancel.n, 0, 0);
        log_event(LOG_INFO, "orphaned protective orders cancelled", "brand", job->key.brand,
                  "account", account, "orders", count, "result", intent_state_name(state), NULL);
        buf_init(&detail, 4096);
        buf_printf(&detail, "{\"account\":\"%s\",\"result\":\"%s\",\"orders\":[", account,
                   intent_state_name(state));
        for (unsigned i = 0; i < job->cancel.u.cancel.n; i++)
                buf_printf(&detail, "%s\"%llu\"", i ? "," : "",
                           (unsigned long long)job->cancel.u.cancel.cancel[i].oid);
        buf_puts(&detail, "]}");
        store_audit(api->o.store, job->key.brand, "gateway", "orphans_cancelled", buf_cstr(&detail),
                    state_now(api), NULL, NULL);
        buf_fini(&detail);
        job->intent.state = job->intent.step[0].state = state;
        job->intent.updated_at = state_now(api);
        store_intent_update(api->o.store, &job->intent, settled, job);
}

static void journaled(void *cookie, enum errc rc)
{
        struct job *job = cookie;
        struct api *api = job->sweep->api;
        struct signature sig;
        struct err err = {.code = E_OK};

        if (rc || signer_sign(&sig, api, job->key.brand, &job->key.account, &job->record,
                              &job->compiled.digest, &err)) {
                end(job);
                return;
        }
        api->o.venue->ops->submit(api->o.venue, &job->compiled, &sig, submitted, job);
}

static void journal(struct job *job, uint64_t nonce)
{
        struct store_intent *it = &job->intent;
        struct api *api = job->sweep->api;

        secret_random(it->id.b, sizeof it->id.b);
        text_copy(it->brand, sizeof it->brand, job->key.brand);
        it->account = job->key.account;
        it->signer = job->record.agent;
        text_copy(it->kind, sizeof it->kind, "sweep");
        it->created_at = it->updated_at = state_now(api);
        text_copy(it->owner, sizeof it->owner, api->o.node);
        it->epoch = 1;
        it->n_steps = 1;
        text_copy(it->step[0].action, sizeof it->step[0].action, "cancel");
        it->step[0].nonce = nonce;
        it->step[0].expires_after = job->compiled.expires_after;
        it->step[0].digest = job->compiled.digest;
        store_intent_insert(api->o.store, it, journaled, job);
}

static void nonces_ready(void *cookie, enum errc rc)
{
        struct job *job = cookie;
        struct api *api = job->sweep->api;
        int64_t life = api->o.expires_after_ms;
        uint64_t expires = life ? (uint64_t)(state_now(api) + life) : 0;
        uint64_t nonce = 0;
        struct err err = {.code = E_OK};

        if (!rc)
                rc = nonce_ledger_take(api->o.nonces, &job->record.agent, 1, &nonce);
        if (!rc)
                rc = api->o.venue->ops->compile(api->o.venue, &job->compiled, &job->cancel, nonce,
                                                expires, &err);
        if (rc)
                end(job);
        else
                journal(job, nonce);
}

/* --- reading: the orders first, the account after them --- */

static void record_read(void *cookie, enum errc rc, const struct store_account *account)
{
        struct job *job = cookie;

        if (rc || !account->has_agent || !account->agent_approved) {
                end(job);
                return;
        }
        job->record = *account;
        nonce_ledger_load(job->sweep->api->o.nonces, &account->agent, nonces_ready, job);
}

static void account_read(void *cookie, const struct err *err, struct venue_account *account)
{
        struct job *job = cookie;

        if (!err->code)
                sweep_pick(&job->cancel, account, job->orders, job->n_orders);
        if (err->code || job->cancel.u.cancel.n == 0)
                end(job);
        else
                accounts_get(job->sweep->api->accounts, job->key.brand, &job->key.account,
                             record_read, job);
}

static void orders_read(void *cookie, const struct err *err, const struct venue_open_order *orders,
                        size_t n)
{
        struct job *job = cookie;
        struct venue *venue = job->sweep->api->o.venue;

        if (err->code || n == 0) {
                end(job);
                return;
        }
        job->orders = xcalloc(n, sizeof *orders);
        memcpy(job->orders, orders, n * sizeof *orders);
        job->n_orders = n;
        venue->ops->read_account(venue, &job->key.account, job->key.dex, account_read, job);
}

static struct job_key key_of(const struct call *call, const char *dex)
{
        struct job_key key = {.account = call->session.address};

        text_copy(key.brand, sizeof key.brand, call->brand->id);
        text_copy(key.dex, sizeof key.dex, dex);
        return key;
}

void sweep_look(struct sweep *s, const struct call *call, const char *dex,
                const struct venue_open_order *orders, size_t n)
{
        static const struct venue_account unknown = {.n_positions = 0};
        struct job_key key = key_of(call, dex);
        int64_t now = state_now(s->api);
        const int64_t *last = map_get(s->looked, &key, sizeof key);
        struct venue_action maybe;
        int64_t *at;

        if (last && now - *last < LOOK_EVERY_MS)
                return;
        sweep_pick(&maybe, &unknown, orders, n);
        if (maybe.u.cancel.n == 0)
                return;
        if (map_size(s->looked) >= LOOKS_MAX) {
                map_free(s->looked, free);
                s->looked = map_new();
        }
        at = xmalloc(sizeof *at);
        *at = now;
        free(map_put(s->looked, &key, sizeof key, at));
        sweep_start(s, call, dex);
}

void sweep_start(struct sweep *s, const struct call *call, const char *dex)
{
        struct venue *venue = s->api->o.venue;
        struct job_key key = key_of(call, dex);
        struct job *job;

        if (s->api->draining || map_get(s->running, &key, sizeof key))
                return;
        job = xcalloc(1, sizeof *job);
        job->sweep = s;
        job->key = key;
        map_put(s->running, &key, sizeof key, job);
        s->api->open_runs++;
        venue->ops->read_open_orders(venue, &key.account, key.dex, orders_read, job);
}

void sweep_offer(struct sweep *s, const struct call *call, const struct venue_account *account,
                 const struct venue_open_order *orders, size_t n)
{
        struct venue_action cancel;

        sweep_pick(&cancel, account, orders, n);
        if (cancel.u.cancel.n)
                sweep_start(s, call, account->dex);
}
