#include "api/recovery.h"

#include <stdlib.h>
#include <string.h>

#include "api/gather.h"
#include "api/own.h"
#include "api/recovery_impl.h"
#include "base/log.h"
#include "base/mem.h"
#include "keeper/keeper.h"

#define ACTING_MAX    4   /* cases that ask, send or write at once */
#define LOADED_MAX    256 /* cases in memory as a whole */
#define READ_AGAIN_MS 2000

enum outcome { OUT_DONE, OUT_REJECTED, OUT_LOST, OUTCOMES };
static const char *const outcome_names[OUTCOMES] = {"done", "rejected", "taken_over"};

struct recovery {
        struct api *api; /* NULL once freed, while the journal is still being read */
        struct map *cases;
        struct list all;
        struct list fresh[2]; /* not loaded: orders, the others */
        struct list loaded;   /* waiting for their time */
        unsigned n_loaded, n_acting;
        struct loop_timer *timer, *reload;
        bool is_reading;
        uint64_t ended[OUTCOMES];
        uint64_t asked, sent, repaired;
};

static void pump(struct recovery *r);

static int64_t mono(const struct recovery *r)
{
        return clock_mono_ms(r->api->o.clock);
}

int64_t recovery_impl_now(const struct recovery_case *c)
{
        return c->adopted_at + mono(c->recovery) - c->adopted_mono;
}

struct recovery_step *recovery_impl_step(struct recovery_case *c)
{
        return &c->step[c->now.step];
}

/* --- which cases there are --- */

static void key_fill(struct recovery_key *key, const char *brand, const struct addr *account,
                     const struct cloid *id)
{
        memset(key, 0, sizeof *key);
        must(text_copy(key->brand, sizeof key->brand, brand));
        key->account = *account;
        key->id = *id;
}

static bool places_orders(const struct store_intent *intent)
{
        return intent->n_orders > 0 || strcmp(intent->kind, "batch") == 0;
}

void recovery_adopt(struct recovery *r, const struct store_intent *intent)
{
        struct recovery_key key;
        struct recovery_case *c;

        key_fill(&key, intent->brand, &intent->account, &intent->id);
        if (map_get(r->cases, &key, sizeof key))
                return;
        c = xcalloc(1, sizeof *c);
        c->recovery = r;
        c->api = r->api;
        c->life = r->api->o.expires_after_ms;
        c->key = key;
        c->created_at = intent->created_at;
        c->adopted_at = state_now(r->api);
        c->adopted_mono = mono(r);
        c->is_order = places_orders(intent);
        list_init(&c->pass.link);
        must(!map_put(r->cases, &key, sizeof key, c));
        list_push_back(&r->all, &c->all);
        list_push_back(&r->fresh[c->is_order ? 0 : 1], &c->link);
        loop_timer_start(r->timer, 0, 0);
}

void recovery_after(struct recovery *r, const struct store_intent *intent, enum errc rc)
{
        if (rc || intent->state == INTENT_UNKNOWN)
                recovery_adopt(r, intent);
}

bool recovery_has(const struct recovery *r, const char *brand, const struct addr *account,
                  const struct cloid *id)
{
        struct recovery_key key;

        key_fill(&key, brand, account, id);
        return map_get(r->cases, &key, sizeof key) != NULL;
}

static void drop(struct recovery_case *c)
{
        struct recovery *r = c->recovery;

        must(map_take(r->cases, &c->key, sizeof c->key) == c);
        list_remove(&c->all);
        list_remove(&c->link);
        turnstile_leave(r->api->turnstile, &c->pass);
        if (c->is_loaded)
                r->n_loaded--;
        recovery_case_unload(c);
        free(c);
}

static void drop_last(struct recovery_case *c, enum outcome outcome)
{
        struct recovery *r = c->recovery;

        r->ended[outcome]++;
        r->n_acting--;
        drop(c);
        pump(r);
}

/* --- turns --- */

static void rest_until(struct recovery_case *c, int64_t due_at)
{
        struct recovery *r = c->recovery;

        c->is_acting = false;
        r->n_acting--;
        c->due_at = due_at;
        list_push_back(c->is_loaded ? &r->loaded : &r->fresh[c->is_order ? 0 : 1], &c->link);
        pump(r);
}

static void tell_mirror(struct recovery_case *c)
{
        struct api *api = c->recovery->api;
        char dex[DEX_NAME_MAX];

        gather_dex_of(dex, api->o.venue, c->intent.symbol);
        mirror_touched(keeper_mirror(api->o.keeper), &c->key.account, dex, state_now(api));
        for (unsigned i = 0; i < c->intent.n_orders; i++)
                own_ask_order(api->own, &c->key.account, &c->intent.order[i].cloid);
}

static void written(void *cookie, enum errc rc)
{
        struct recovery_case *c = cookie;
        bool is_done = c->intent.state == INTENT_DONE;
        char id[CLOID_STR_MAX];

        if (rc == E_STORE_DOWN && !c->recovery->api->draining) {
                rest_until(c, mono(c->recovery) + READ_AGAIN_MS); /* it ends the same next time */
                return;
        }
        log_event(rc ? LOG_ERROR : LOG_INFO, "intent recovered", "id",
                  hex_print_cloid(id, &c->key.id), "kind", c->intent.kind, "state",
                  intent_state_name(c->intent.state), "code", err_constant(rc), NULL);
        tell_mirror(c);
        drop_last(c, rc ? OUT_LOST : is_done ? OUT_DONE : OUT_REJECTED);
}

static void finish(struct recovery_case *c)
{
        struct store_intent *it = &c->intent;
        const char *node = c->recovery->api->o.node;

        if (strcmp(it->owner, node) != 0)
                it->epoch++; /* whoever had it before may not write any more */
        text_copy(it->owner, sizeof it->owner, node);
        recovery_answer(c);
        it->updated_at = state_now(c->recovery->api);
        store_intent_update(c->recovery->api->o.store, it, written, c);
}

/* What is next, at once. */
static void act(struct recovery_case *c)
{
        struct recovery *r = c->recovery;

        recover_next(&c->now, &c->plan, recovery_impl_now(c));
        c->asked_at = recovery_impl_now(c);
        if (c->now.act == RECOVER_WAIT || c->now.act == RECOVER_END)
                turnstile_leave(r->api->turnstile, &c->pass);
        switch (c->now.act) {
        case RECOVER_WAIT: rest_until(c, mono(r) + (c->now.at - recovery_impl_now(c))); break;
        case RECOVER_ASK:
                r->asked++;
                recovery_ask(c);
                break;
        case RECOVER_SEND:
                r->sent++;
                recovery_send(c);
                break;
        case RECOVER_PUT_BACK:
                r->repaired++;
                recovery_repair_put_back(c);
                break;
        case RECOVER_ADD_MARGIN:
                r->repaired++;
                recovery_repair_add_margin(c);
                break;
        case RECOVER_END: finish(c); break;
        }
}

void recovery_impl_heard(struct recovery_case *c, enum recover_word word)
{
        struct recovery *r = c->recovery;

        recover_hear(&c->plan, c->now.step, c->now.act, word, c->asked_at);
        recovery_case_note(c);
        if (c->now.act == RECOVER_SEND)
                tell_mirror(c);
        if (!r->api->draining) {
                act(c);
                return;
        }
        /* Found again after the next start; who waits in its line is not kept from ending. */
        turnstile_leave(r->api->turnstile, &c->pass);
        rest_until(c, INT64_MAX);
}

static void intent_read(void *cookie, enum errc rc, const struct store_intent *intent)
{
        struct recovery_case *c = cookie;
        struct recovery *r = c->recovery;

        if (rc == E_NOT_FOUND ||
            (!rc && (intent->state == INTENT_DONE || intent->state == INTENT_REJECTED))) {
                r->n_acting--;
                drop(c);
                pump(r);
        } else if (rc) {
                rest_until(c, mono(r) + READ_AGAIN_MS);
        } else {
                recovery_case_load(c, intent);
                r->n_loaded++;
                act(c);
        }
}

static void begin(struct recovery_case *c)
{
        struct recovery *r = c->recovery;

        list_remove(&c->link);
        c->is_acting = true;
        r->n_acting++;
        if (c->is_loaded)
                act(c);
        else
                store_intent_by_cloid(r->api->o.store, c->key.brand, &c->key.account, &c->key.id,
                                      intent_read, c);
}

/* The first that is due; *next becomes the time of the first that will be. */
static struct recovery_case *due_in(const struct list *cases, int64_t now, bool is_order,
                                    int64_t *next)
{
        list_each (it, cases) {
                struct recovery_case *c = list_entry(it, struct recovery_case, link);

                if (c->due_at <= now && c->is_order == is_order)
                        return c;
                if (c->due_at > now && c->due_at < *next)
                        *next = c->due_at;
        }
        return NULL;
}

static struct recovery_case *pick(struct recovery *r, int64_t now, int64_t *next)
{
        bool has_room = r->n_loaded < LOADED_MAX;
        struct recovery_case *c = due_in(&r->loaded, now, true, next);

        if (!c && has_room)
                c = due_in(&r->fresh[0], now, true, next);
        if (!c)
                c = due_in(&r->loaded, now, false, next);
        if (!c && has_room)
                c = due_in(&r->fresh[1], now, false, next);
        return c;
}

static void pump(struct recovery *r)
{
        int64_t next = INT64_MAX, now;

        if (!r->api || r->api->draining)
                return;
        now = mono(r);
        while (r->n_acting < ACTING_MAX) {
                struct recovery_case *c = pick(r, now, &next);
                if (!c)
                        break;
                begin(c);
        }
        if (next != INT64_MAX)
                loop_timer_start(r->timer, next > now ? next - now : 0, 0);
}

static void on_timer(void *cookie)
{
        pump(cookie);
}

/* --- the line --- */

static void line_entered(struct turnstile_pass *pass)
{
        struct recovery_case *c = list_entry(pass, struct recovery_case, pass);

        c->recovery->n_acting++; /* waiting in a line keeps no other from its turn */
        c->entered(c);
}

void recovery_impl_enter(struct recovery_case *c, void (*entered)(struct recovery_case *c))
{
        struct recovery *r = c->recovery;

        if (c->pass.lane) {
                entered(c);
                return;
        }
        c->entered = entered;
        if (turnstile_enter(r->api->turnstile, &c->pass, &c->key.account, c->intent.symbol,
                            line_entered)) {
                recovery_impl_heard(c, RECOVER_SAYS_NOTHING);
                return;
        }
        r->n_acting--;
        loop_timer_start(r->timer, 0, 0);
}

bool recovery_impl_market(struct recovery_case *c, const struct recovery_step *s)
{
        const struct venue *venue = c->recovery->api->o.venue;
        size_t n = venue->ops->market_count(venue);

        for (size_t i = 0; i < n; i++) {
                const struct market *m = venue->ops->market_at(venue, i);
                if (m->asset != s->letter.asset)
                        continue;
                c->market = *m;
                return true;
        }
        return false;
}

/* --- life --- */

/* What another process left. This one's own are under way. */
static void found_open(void *cookie, enum errc rc, const struct store_intent *intent)
{
        struct recovery *r = cookie;

        if (!rc && r->api && strcmp(intent->owner, r->api->o.node) != 0)
                recovery_adopt(r, intent);
}

static void all_found(void *cookie, enum errc rc)
{
        struct recovery *r = cookie;

        r->is_reading = false;
        if (!r->api) {
                free(r);
                return;
        }
        if (rc) {
                log_event(LOG_ERROR, "open intents can't be read", "code", err_constant(rc), NULL);
                loop_timer_start(r->reload, READ_AGAIN_MS, 0);
        } else if (map_size(r->cases)) {
                log_event(LOG_WARN, "intents to be recovered", "n",
                          log_int((long long)map_size(r->cases)), NULL);
        }
}

static void read_open(void *cookie)
{
        struct recovery *r = cookie;

        r->is_reading = true;
        store_intent_open(r->api->o.store, found_open, all_found, r);
}

struct recovery *recovery_new(struct api *api)
{
        struct recovery *r = xcalloc(1, sizeof *r);

        r->api = api;
        r->cases = map_new();
        list_init(&r->all);
        list_init(&r->fresh[0]);
        list_init(&r->fresh[1]);
        list_init(&r->loaded);
        r->timer = loop_timer_new(api->o.loop, on_timer, r);
        r->reload = loop_timer_new(api->o.loop, read_open, r);
        read_open(r);
        return r;
}

void recovery_free(struct recovery *r)
{
        if (!r)
                return;
        while (!list_empty(&r->all))
                drop(list_entry(r->all.next, struct recovery_case, all));
        loop_timer_free(r->timer);
        loop_timer_free(r->reload);
        map_free(r->cases, NULL);
        r->api = NULL;
        if (!r->is_reading)
                free(r);
}

static void count_line(struct buf *out, const char *name, const char *type, const char *help,
                       uint64_t v)
{
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
                   (unsigned long long)v);
}

void recovery_metrics(const struct recovery *r, struct buf *out)
{
        static const char name[] = "perpgate_recovered_total";
        int64_t age = 0;

        if (!list_empty(&r->all))
                age = state_now(r->api) -
                      list_entry(r->all.next, struct recovery_case, all)->created_at;
        count_line(out, "perpgate_recovery_open", "gauge", "Intents whose end is being found out.",
                   map_size(r->cases));
        count_line(out, "perpgate_recovery_oldest_ms", "gauge", "Age of the one that came first.",
                   age > 0 ? (uint64_t)age : 0);
        count_line(out, "perpgate_recovery_asked_total", "counter", "Questions to the venue.",
                   r->asked);
        count_line(out, "perpgate_recovery_sent_total", "counter", "Signed bytes sent again.",
                   r->sent);
        count_line(out, "perpgate_recovery_repairs_total", "counter",
                   "Plans finished or put back after their end was known.", r->repaired);
        buf_printf(out, "# HELP %s Intents recovered, by outcome.\n# TYPE %s counter\n", name,
                   name);
        for (unsigned i = 0; i < OUTCOMES; i++)
                buf_printf(out, "%s{outcome=\"%s\"} %llu\n", name, outcome_names[i],
                           (unsigned long long)r->ended[i]);
}
