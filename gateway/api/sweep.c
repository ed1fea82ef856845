#include "api/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/mirrored.h"
#include "api/signer.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "plan/plan.h"

#define SAME_MOMENT_MS 1000 /* legs and the order they came with */
#define TICK_MS        3000
#define LOOK_EVERY_MS  60000
#define WATCHED_MAX    65536 /* accounts; above that, only closes are looked after */
#define LOOKS_PER_WEIGHT                                                                           \
        2400 /* looks in one tick: one for so much of the venue's weight a minute */

struct sweep {
        struct api *api;
        struct loop_timer *timer;
        bool knows_journal;  /* whose orders there were before this process is asked for */
        struct map *running; /* brand, dex and address -> struct job */
        struct map *watched; /* brand, dex and address -> struct watch */
};

struct job_key {
        char brand[STORE_BRAND_MAX];
        char dex[DEX_NAME_MAX];
        struct addr account;
};

/* An account that is looked at from time to time. */
struct watch {
        struct job_key key;
        struct addr wallet;
        int64_t due_at;   /* monotonic */
        int64_t noted_at; /* monotonic: when it last got orders that the venue may not list yet */
};

struct job {
        struct sweep *sweep;
        int64_t began_at; /* monotonic */
        struct job_key key;
        struct addr wallet; /* whose agent signs: the account itself, or its master */
        struct store_account record;
        struct venue_open_order *orders; /* owned */
        struct store_order *known;       /* owned: what the journal says of each */
        size_t n_orders;
        struct venue_action cancel;
        struct venue_compiled compiled;
        struct store_intent intent;
};

/* NULL where there is no room. */
static struct watch *watch_account(struct sweep *s, const struct job_key *key,
                                   const struct addr *wallet, int64_t due_at)
{
        struct watch *watch = map_get(s->watched, key, sizeof *key);

        if (watch || map_size(s->watched) >= WATCHED_MAX)
                return watch;
        watch = xcalloc(1, sizeof *watch);
        watch->key = *key;
        watch->wallet = *wallet;
        watch->due_at = due_at;
        map_put(s->watched, key, sizeof *key, watch);
        return watch;
}

static void end(struct job *job)
{
        map_take(job->sweep->running, &job->key, sizeof job->key);
        job->sweep->api->open_runs--;
        venue_compiled_fini(&job->compiled);
        free(job->orders);
        free(job->known);
        free(job);
}

static bool is_sub_account(const struct job *job)
{
        return !hex_addr_equal(&job->wallet, &job->key.account);
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

/* The same, known from the journal: however long ago it was placed, and whenever it fills. */
static bool parent_rests(const struct store_order *known, const struct venue_open_order *orders,
                         size_t n)
{
        if (strcmp(known->role, "order") == 0)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!orders[i].reduce_only && orders[i].has_cloid &&
                    hex_cloid_equal(&orders[i].cloid, &known->first))
                        return true;
        return false;
}

void sweep_pick(struct venue_action *cancel, const struct venue_account *account,
                const struct venue_open_order *orders, const struct store_order *known, size_t n)
{
        *cancel = (struct venue_action){.kind = VENUE_CANCEL};
        for (size_t i = 0; i < n && cancel->u.cancel.n < VENUE_CANCELS_MAX; i++) {
                const struct venue_open_order *o = &orders[i];
                /* What the journal does not know was placed elsewhere: it may be there for an entry
                 * that is still to come. */
                if (!o->has_cloid || !known[i].is_known || !o->is_trigger || !o->reduce_only ||
                    o->waits_for_parent || is_older(account, o) || is_protecting(account, o) ||
                    came_with_another(o, orders, n) || parent_rests(&known[i], orders, n))
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

        if (rc || signer_sign(&sig, api, job->key.brand, &job->wallet, &job->record,
                              &job->compiled.digest, &err)) {
                end(job);
                return;
        }
        mirrored_submit(api, &job->key.account, &job->cancel, &job->compiled, &sig, submitted, job);
}

static void journal(struct job *job, uint64_t nonce)
{
        struct store_intent *it = &job->intent;
        struct api *api = job->sweep->api;

        secret_random(it->id.b, sizeof it->id.b);
        text_copy(it->brand, sizeof it->brand, job->key.brand);
        it->account = job->key.account;
        it->has_master = is_sub_account(job);
        it->master = job->wallet;
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
                rc = api->o.venue->ops->compile(api->o.venue, &job->compiled, &job->cancel,
                                                is_sub_account(job) ? &job->key.account : NULL,
                                                nonce, expires, &err);
        if (rc)
                end(job);
        else
                journal(job, nonce);
}

/* --- reading: the orders first, what the journal says of them, the account after them --- */

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
                sweep_pick(&job->cancel, account, job->orders, job->known, job->n_orders);
        if (err->code || job->cancel.u.cancel.n == 0)
                end(job);
        else
                accounts_get(job->sweep->api->accounts, job->key.brand, &job->wallet, record_read,
                             job);
}

/* An account without open orders of ours has nothing to be swept, unless one was placed just now. */
static void note_open(struct job *job, bool has_ours)
{
        struct sweep *s = job->sweep;
        struct watch *watch = map_get(s->watched, &job->key, sizeof job->key);

        if (has_ours && !watch)
                watch = watch_account(s, &job->key, &job->wallet, job->began_at + LOOK_EVERY_MS);
        else if (!has_ours && watch && watch->noted_at + LOOK_EVERY_MS < job->began_at)
                free(map_take(s->watched, &job->key, sizeof job->key));
}

static void journal_asked(void *cookie, enum errc rc, const struct store_order *known, size_t n)
{
        static const struct venue_account flat = {.n_positions = 0};
        struct job *job = cookie;
        struct venue_action maybe = {.kind = VENUE_CANCEL};

        if (!rc) {
                bool has_ours = false;
                memcpy(job->known, known, n * sizeof *known);
                for (size_t i = 0; i < n; i++)
                        has_ours |= known[i].is_known;
                note_open(job, has_ours);
                sweep_pick(&maybe, &flat, job->orders, job->known, job->n_orders);
        }
        if (maybe.u.cancel.n == 0)
                end(job); /* whatever the account holds */
        else
                mirrored_account(job->sweep->api, &job->key.account, job->key.dex, MIRRORED_NOW,
                                 account_read, job);
}

static void orders_read(void *cookie, const struct err *err, const struct venue_open_order *orders,
                        size_t n)
{
        struct job *job = cookie;
        struct api *api = job->sweep->api;
        struct cloid *cloids;

        if (!err->code && n == 0)
                note_open(job, false);
        if (err->code || n == 0) {
                end(job);
                return;
        }
        job->orders = xcalloc(n, sizeof *orders);
        memcpy(job->orders, orders, n * sizeof *orders);
        job->n_orders = n;
        job->known = xcalloc(n, sizeof *job->known);
        cloids = xcalloc(n, sizeof *cloids);
        for (size_t i = 0; i < n; i++)
                cloids[i] = orders[i].cloid; /* without one: no intent has it */
        store_order_lookup(api->o.store, job->key.brand, &job->key.account, cloids, n,
                           journal_asked, job);
        free(cloids);
}

static void look(struct sweep *s, const struct job_key *key, const struct addr *wallet)
{
        struct watch *watch = map_get(s->watched, key, sizeof *key);
        int64_t now = clock_mono_ms(s->api->o.clock);
        struct job *job;

        if (watch)
                watch->due_at = now + LOOK_EVERY_MS;
        if (s->api->draining || map_get(s->running, key, sizeof *key))
                return;
        job = xcalloc(1, sizeof *job);
        job->sweep = s;
        job->key = *key;
        job->wallet = *wallet;
        job->began_at = now;
        map_put(s->running, key, sizeof *key, job);
        s->api->open_runs++;
        mirrored_orders(s->api, &key->account, key->dex, MIRRORED_NOW, orders_read, job);
}

/* --- the schedule --- */

/* In which dex an order was, only the venue tells: where there are none, one look settles it. */
static void journal_owner(void *cookie, const struct store_owner *owner)
{
        struct sweep *s = cookie;
        struct venue *venue = s->api->o.venue;
        struct job_key key = {.account = owner->account};
        unsigned n = venue->ops->dex_count(venue);
        struct venue_dex dex;

        text_copy(key.brand, sizeof key.brand, owner->brand);
        for (unsigned i = 0; i < n; i++) {
                venue->ops->dex_at(venue, i, &dex);
                memcpy(key.dex, dex.name, sizeof key.dex);
                if (!dex.is_gone)
                        (void)watch_account(s, &key, &owner->wallet, 0);
        }
}

static void journal_read(void *cookie, enum errc rc)
{
        struct sweep *s = cookie;

        s->knows_journal = !rc; /* else it is asked again */
        s->api->open_runs--;
}

struct next {
        int64_t now;
        struct watch *due; /* the one that has waited longest */
};

static void find_due(void *cookie, const void *key, size_t key_len, void *value)
{
        struct next *next = cookie;
        struct watch *watch = value;

        (void)key;
        (void)key_len;
        if (watch->due_at <= next->now && (!next->due || watch->due_at < next->due->due_at))
                next->due = watch;
}

/* Orders come first: the venue is not asked for this while much of its budget is in use. */
static bool is_quiet(const struct sweep *s, unsigned *looks)
{
        struct venue_budget budget;
        unsigned reads;

        s->api->o.venue->ops->budget(s->api->o.venue, &budget);
        reads = budget.weight_per_minute - budget.order_reserve;
        *looks = 1 + budget.weight_per_minute / LOOKS_PER_WEIGHT;
        return budget.weight_left > budget.order_reserve + reads / 2;
}

static void tick(void *cookie)
{
        struct sweep *s = cookie;
        unsigned looks;

        if (s->api->draining || !is_quiet(s, &looks))
                return;
        if (!s->knows_journal) {
                s->knows_journal = true;
                s->api->open_runs++;
                store_order_owners(s->api->o.store, journal_owner, journal_read, s);
                return;
        }
        for (unsigned i = 0; i < looks; i++) {
                struct next next = {.now = clock_mono_ms(s->api->o.clock)};

                map_each(s->watched, find_due, &next);
                if (!next.due)
                        return;
                look(s, &next.due->key, &next.due->wallet);
        }
}

struct sweep *sweep_new(struct api *api)
{
        struct sweep *s = xcalloc(1, sizeof *s);

        s->api = api;
        s->running = map_new();
        s->watched = map_new();
        s->timer = loop_timer_new(api->o.loop, tick, s);
        loop_timer_start(s->timer, TICK_MS, TICK_MS);
        return s;
}

void sweep_free(struct sweep *s)
{
        if (!s)
                return;
        must(map_size(s->running) == 0);
        loop_timer_free(s->timer);
        map_free(s->running, NULL);
        map_free(s->watched, free);
        free(s);
}

static struct job_key key_of(const struct call *call, const char *dex)
{
        struct job_key key = {.account = call->account};

        text_copy(key.brand, sizeof key.brand, call->brand->id);
        text_copy(key.dex, sizeof key.dex, dex);
        return key;
}

void sweep_watch_orders(struct sweep *s, const struct call *call, const char *dex,
                        const struct plan *plan)
{
        struct job_key key = key_of(call, dex);
        int64_t now = clock_mono_ms(s->api->o.clock);
        const struct venue_action *a;

        if (plan->order_step < 0)
                return;
        a = &plan->step[plan->order_step].action;
        for (unsigned i = 0; i < a->u.order.n; i++) {
                const struct venue_order *o = &a->u.order.order[i];
                struct watch *watch;

                if (o->kind != ORDER_TRIGGER || !o->reduce_only)
                        continue;
                watch = watch_account(s, &key, &call->session.address, now);
                if (watch)
                        watch->noted_at = now;
                return;
        }
}

void sweep_start(struct sweep *s, const struct call *call, const char *dex)
{
        struct job_key key = key_of(call, dex);

        look(s, &key, &call->session.address);
}
