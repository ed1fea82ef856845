#include "api/guards.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/alerts.h"
#include "api/call.h"
#include "api/guards_impl.h"
#include "api/out.h"
#include "api/own.h"
#include "api/pipeline.h"
#include "base/log.h"
#include "base/mem.h"

#define LOOK_MS       1000
#define PAUSE_MS      60000 /* after a refusal */
#define FIND_OUT_MS   15000 /* after the action has expired */
#define READ_AGAIN_MS 5000

/* --- finding --- */

void guards_impl_key(struct guard_key *key, const char *brand, const struct addr *account,
                     const char *symbol)
{
        memset(key, 0, sizeof *key);
        must(text_copy(key->brand, sizeof key->brand, brand));
        key->account = *account;
        must(text_copy(key->symbol, sizeof key->symbol, symbol));
}

struct guarded *guards_impl_find(const struct guards *guards, const struct guard_key *key)
{
        return map_get(guards->by_key, key, sizeof *key);
}

void guards_impl_keep(struct guards *guards, const struct store_guard *row)
{
        struct guarded *g = xcalloc(1, sizeof *g);
        struct guard_key key;

        g->guards = guards;
        g->row = *row;
        guards_impl_key(&key, row->brand, &row->account, row->symbol);
        must(map_put(guards->by_key, &key, sizeof key, g) == NULL);
        keeper_watch(guards->api->o.keeper, row->brand, &row->account);
}

/* Freed when nothing under way names it. */
static void release(struct guarded *g)
{
        if (g->is_gone && !g->is_busy)
                free(g);
}

void guards_impl_forget(struct guards *guards, struct guarded *g)
{
        struct guard_key key;

        guards_impl_key(&key, g->row.brand, &g->row.account, g->row.symbol);
        must(map_take(guards->by_key, &key, sizeof key) == g);
        g->is_gone = true;
        own_touch(guards->api->own, &g->row.account);
        store_guard_delete(guards->api->o.store, &g->row, NULL, NULL);
        release(g);
}

struct guard_rule guards_impl_rule(const struct store_guard *row)
{
        return (struct guard_rule){
                .min_distance = row->min_distance,
                .top_up = row->top_up,
                .max_total = row->max_total,
                .has_take_back = row->has_take_back,
                .take_back_above = row->take_back_above,
        };
}

/* --- telling --- */

static void tell(struct guarded *g, const char *what, struct usd amount,
                 const struct guard_decision *d, const char *why)
{
        struct api *api = g->guards->api;
        const struct store_guard *row = &g->row;
        char cause[96], id[33], number[NUM_STR_MAX];
        struct buf detail;

        buf_init(&detail, STORE_ALERT_DETAIL - 1);
        buf_putc(&detail, '{');
        out_text(&detail, "move", what);
        out_usd(&detail, "amount", amount);
        out_usd(&detail, "added", row->added);
        out_usd(&detail, "maxTotal", row->max_total);
        if (d) {
                out_rate(&detail, "distance", d->distance, 8);
                out_px(&detail, "markPrice", d->mark);
                out_px(&detail, "liquidationPrice", d->liquidation);
        }
        if (why)
                out_text(&detail, "reason", why);
        buf_putc(&detail, '}');
        must(buf_check(&detail) == E_OK);
        snprintf(cause, sizeof cause, "guard %s %" PRIu64 " %s", hex_encode(id, row->id, 16),
                 row->moves, what);
        struct alert alert = {.brand = row->brand,
                              .account = row->account,
                              .kind = ALERT_GUARD_ACTED,
                              .symbol = row->symbol,
                              .at = state_now(api),
                              .cause = cause,
                              .detail = buf_cstr(&detail)};
        alerts_raise(api->o.alerts, &alert, NULL, NULL);
        store_audit(api->o.store, row->brand, "guard", what, alert.detail, alert.at, NULL, NULL);
        log_event(LOG_INFO, "margin guard", "brand", row->brand, "symbol", row->symbol, "move",
                  what, "amount", num_print_usd(number, amount), NULL);
        buf_fini(&detail);
}

/* --- the end of a move --- */

static void noted(void *cookie, enum errc rc)
{
        struct guarded *g = cookie;

        (void)rc; /* where the store was down the move stays pending there, and is found out again */
        g->is_busy = false;
        own_touch(g->guards->api->own, &g->row.account);
        release(g);
}

static void settle(struct guarded *g, bool is_done, const char *why)
{
        struct api *api = g->guards->api;
        struct usd amount = g->row.pending_amount;

        g->row.pending_amount.v = 0;
        if (is_done) {
                g->row.added.v += amount.v;
                if (g->row.added.v < 0)
                        g->row.added.v = 0;
        } else {
                g->rest_until = state_now(api) + PAUSE_MS;
        }
        tell(g,
             !is_done       ? "refused"
             : amount.v > 0 ? "added"
                            : "takenBack",
             (struct usd){num_abs(amount.v)}, &g->decision, why);
        store_guard_update(api->o.store, &g->row, noted, g);
}

/* --- a move --- */

static void key_of_move(char out[CALL_KEY_MAX], const struct store_guard *row)
{
        char id[33];

        snprintf(out, CALL_KEY_MAX, "guard-%s-%" PRIu64, hex_encode(id, row->id, 16), row->moves);
}

static void answered(void *cookie, int status, const char *body)
{
        struct guarded *g = cookie;
        char code[CALL_CODE_MAX];

        if (status == 200) {
                settle(g, true, NULL);
                return;
        }
        call_problem_code(code, body);
        if (strcmp(code, err_wire(E_OUTCOME_UNKNOWN)) == 0 || status >= 500) {
                g->is_busy = false; /* pending: found out later */
                release(g);
                return;
        }
        settle(g, false, code);
}

static void begin(void *cookie, enum errc rc)
{
        struct guarded *g = cookie;
        struct api *api = g->guards->api;
        struct run_request request = {.kind = RUN_MARGIN, .amount = g->row.pending_amount};
        struct call *call;

        if (rc || g->is_gone || api->draining) {
                g->is_busy = false;
                if (rc)
                        g->row.pending_amount.v = 0; /* not on disk: it was never begun */
                release(g);
                return;
        }
        call = call_internal(api, g->row.brand, &g->row.wallet, &g->row.account, METHOD_POST,
                             "/v1/positions/{symbol}/margin", g->row.symbol);
        if (!call) {
                settle(g, false, "the brand is not served any more");
                return;
        }
        key_of_move(call->key, &g->row);
        call->answered = answered;
        call->answered_cookie = g;
        must(text_copy(request.symbol, sizeof request.symbol, g->row.symbol));
        pipeline_start(call, &request);
}

static void move(struct guarded *g, const struct guard_decision *d, const struct venue_position *p)
{
        int64_t sign = d->move == GUARD_ADD ? 1 : -1;

        g->decision = *d;
        g->row.moves++;
        g->row.pending_amount.v = sign * d->amount.v;
        g->row.pending_at = state_now(g->guards->api);
        g->row.cash_before = p->p.raw_usd;
        g->row.size_before = p->p.size;
        g->is_busy = true;
        store_guard_update(g->guards->api->o.store, &g->row, begin, g);
}

/* --- a move whose end is not known: after a crash, or a lost answer --- */

/* Whatever happened to it is over by now: the action has expired, and the account was read since. The
 * position's own cash tells, unless its size changed: then the move counts as done, so that the total is
 * never passed. */
static void compare_cash(struct guarded *g, const struct venue_position *p)
{
        int64_t wanted = g->row.pending_amount.v, moved = p->p.raw_usd.v - g->row.cash_before.v;
        bool is_same_size = p->p.size.v == g->row.size_before.v;
        bool is_near = wanted > 0 ? moved > wanted / 2 : moved < wanted / 2;

        settle(g, !is_same_size || is_near, "found out by reading the position");
}

static void read_again(void *cookie, const struct err *err)
{
        struct guarded *g = cookie;
        struct mirrored m = {.n_orders = 0};
        const struct venue_position *p = NULL;

        if (!err->code && !g->is_gone && !g->guards->api->draining)
                p = guards_impl_position(g, &m);
        if (p) {
                compare_cash(g, p);
        } else {
                g->rest_until = state_now(g->guards->api) + READ_AGAIN_MS;
                g->is_busy = false;
                release(g);
        }
        mirrored_fini(&m);
}

static void intent_found(void *cookie, enum errc rc, const struct store_intent *intent)
{
        struct guarded *g = cookie;
        char dex[DEX_NAME_MAX];

        if (g->guards->api->draining) { /* found out after the next start */
                g->is_busy = false;
                release(g);
        } else if (rc == E_NOT_FOUND) {
                settle(g, false, "it was never sent");
        } else if (!rc && intent->state == INTENT_DONE) {
                settle(g, true, NULL);
        } else if (!rc && intent->state == INTENT_REJECTED) {
                settle(g, false, "the venue refused it");
        } else {
                gather_dex_of(dex, g->guards->api->o.venue, g->row.symbol);
                keeper_read(g->guards->api->o.keeper, &g->row.account, dex, PART_STATE, "",
                            read_again, g);
        }
}

static void find_out(struct guarded *g, int64_t now)
{
        struct api *api = g->guards->api;
        char key[CALL_KEY_MAX];

        if (now < g->row.pending_at + api->o.expires_after_ms + FIND_OUT_MS)
                return;
        key_of_move(key, &g->row);
        g->is_busy = true;
        store_intent_by_key(api->o.store, g->row.brand, &g->row.account, key, intent_found, g);
}

/* --- looking --- */

const struct venue_position *guards_impl_position(const struct guarded *g, struct mirrored *m)
{
        struct api *api = g->guards->api;
        char dex[DEX_NAME_MAX];

        gather_dex_of(dex, api->o.venue, g->row.symbol);
        if (mirrored_take(m, api, &g->row.account, dex))
                return NULL;
        for (unsigned i = 0; i < m->account.n_positions; i++)
                if (strcmp(m->account.position[i].symbol, g->row.symbol) == 0)
                        return &m->account.position[i];
        return NULL;
}

/* The position it was set for is closed, or turned round: said once, by the guard's end. */
static bool is_over(const struct guarded *g, const struct venue_position *p)
{
        return !p || p->p.mode != MARGIN_ISOLATED || (p->p.size.v > 0) != g->row.is_long;
}

static void decide(struct guarded *g, const struct mirrored *m, const struct venue_position *p)
{
        struct guard_rule rule = guards_impl_rule(&g->row);
        struct guard_decision d;
        struct usd free_margin = {0};
        struct px mark;

        if (m->trust[p - m->account.position].source == SOURCE_ESTIMATE ||
            num_px_for(&mark, p->p.value, (struct qty){num_abs(p->p.size.v)}, NUM_NEAREST) ||
            margin_free(&free_margin, &m->account.cross) ||
            guard_decide(&d, &rule, &p->p, mark, g->row.added, free_margin))
                return;
        switch (d.move) {
        case GUARD_REST: g->told_at_move = UINT64_MAX; break;
        case GUARD_ADD:
        case GUARD_TAKE_BACK: move(g, &d, p); break;
        case GUARD_EXHAUSTED:
        case GUARD_NO_MONEY:
                if (g->told_at_move != g->row.moves)
                        tell(g, guard_move_name(d.move), (struct usd){0}, &d, NULL);
                g->told_at_move = g->row.moves;
                break;
        }
}

static void look_at(struct guarded *g, int64_t now)
{
        struct api *api = g->guards->api;
        struct mirrored m = {.n_orders = 0};
        const struct venue_position *p;
        char dex[DEX_NAME_MAX];

        if (g->row.pending_amount.v) {
                find_out(g, now);
                return;
        }
        gather_dex_of(dex, api->o.venue, g->row.symbol);
        if (!keeper_ready(api->o.keeper, &g->row.account, dex, g->row.symbol, false)) {
                mirror_want(keeper_mirror(api->o.keeper), &g->row.account, dex, now);
                return;
        }
        p = guards_impl_position(g, &m);
        if (!is_over(g, p)) {
                decide(g, &m, p);
        } else if (m.trust && m.total.source != SOURCE_ESTIMATE) { /* it was there to be seen */
                tell(g, "ended", g->row.added, NULL, "the position is closed");
                guards_impl_forget(g->guards, g);
        }
        mirrored_fini(&m);
}

struct look {
        size_t n, max;
        struct guarded **all;
};

static void collect(void *cookie, const void *key, size_t len, void *value)
{
        struct look *look = cookie;

        (void)key;
        (void)len;
        if (look->n < look->max)
                look->all[look->n++] = value;
}

static void look_all(void *cookie)
{
        struct guards *guards = cookie;
        int64_t now = state_now(guards->api);
        struct look look = {.max = map_size(guards->by_key)};

        if (guards->api->draining || look.max == 0)
                return;
        /* A look may end a guard: the map changes meanwhile. */
        look.all = xcalloc(look.max, sizeof(struct guarded *));
        map_each(guards->by_key, collect, &look);
        for (size_t i = 0; i < look.n; i++)
                if (!look.all[i]->is_busy && now >= look.all[i]->rest_until)
                        look_at(look.all[i], now);
        free(look.all);
}

/* --- life --- */

static void loaded(void *cookie, enum errc rc, const struct store_guard *rows, size_t n)
{
        struct guards *guards = cookie;

        guards->is_loading = false;
        if (!guards->api) {
                free(guards); /* gone meanwhile */
                return;
        }
        if (rc) {
                log_event(LOG_ERROR, "margin guards can't be read", "error", err_wire(rc), NULL);
                loop_timer_start(guards->reload, READ_AGAIN_MS, 0);
                return;
        }
        guards->is_loaded = true;
        for (size_t i = 0; i < n; i++)
                guards_impl_keep(guards, &rows[i]);
        loop_timer_start(guards->timer, LOOK_MS, LOOK_MS);
}

static void load(void *cookie)
{
        struct guards *guards = cookie;

        guards->is_loading = true;
        store_guard_all(guards->api->o.store, loaded, guards);
}

struct guards *guards_new(struct api *api)
{
        struct guards *guards = xcalloc(1, sizeof *guards);

        guards->api = api;
        guards->by_key = map_new();
        guards->timer = loop_timer_new(api->o.loop, look_all, guards);
        guards->reload = loop_timer_new(api->o.loop, load, guards);
        load(guards);
        return guards;
}

void guards_free(struct guards *guards)
{
        if (!guards)
                return;
        loop_timer_free(guards->timer);
        loop_timer_free(guards->reload);
        map_free(guards->by_key, free);
        guards->by_key = NULL;
        guards->api = NULL;
        if (!guards->is_loading)
                free(guards);
}
