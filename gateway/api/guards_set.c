/* Setting, ending and showing a margin guard. */
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/guards_impl.h"
#include "api/handlers.h"
#include "api/markets.h"
#include "api/out.h"
#include "api/own.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"

struct guard_request {
        struct guard_rule rule;
};

static const struct field fields[] = {
        {.name = "minDistance",
         .type = FIELD_RATE,
         .required = true,
         .offset = offsetof(struct guard_request, rule.min_distance),
         .present = FIELD_NO_FLAG},
        {.name = "topUp",
         .type = FIELD_USD,
         .required = true,
         .offset = offsetof(struct guard_request, rule.top_up),
         .present = FIELD_NO_FLAG},
        {.name = "maxTotal",
         .type = FIELD_USD,
         .required = true,
         .offset = offsetof(struct guard_request, rule.max_total),
         .present = FIELD_NO_FLAG},
        {.name = "takeBackAbove",
         .type = FIELD_RATE,
         .offset = offsetof(struct guard_request, rule.take_back_above),
         .present = offsetof(struct guard_request, rule.has_take_back)},
};
FIELD_TABLE(guards_table, fields);

static void guard_json(struct buf *out, const struct store_guard *row, bool is_moving)
{
        buf_putc(out, '{');
        out_rate(out, "minDistance", row->min_distance, 12);
        out_usd(out, "topUp", row->top_up);
        out_usd(out, "maxTotal", row->max_total);
        if (row->has_take_back)
                out_rate(out, "takeBackAbove", row->take_back_above, 12);
        else
                out_null(out, "takeBackAbove");
        out_usd(out, "added", row->added);
        out_bool(out, "moving", is_moving || row->pending_amount.v != 0);
        out_int(out, "setAt", row->created_at);
        buf_putc(out, '}');
}

void guards_print(struct buf *out, const struct guards *guards, const char *brand,
                  const struct addr *account, const char *symbol)
{
        struct guard_key key;
        const struct guarded *g;

        guards_impl_key(&key, brand, account, symbol);
        g = guards_impl_find(guards, &key);
        if (g)
                guard_json(out, &g->row, g->is_busy); /* a move ends when it is on disk */
}

/* --- setting --- */

struct setting {
        struct call *call;
        struct store_guard row;
};

static void answer(struct call *call, const struct store_guard *row)
{
        struct buf body;

        buf_init(&body, 4096);
        buf_putc(&body, '{');
        out_text(&body, "symbol", row->symbol);
        out_key(&body, "guard");
        guard_json(&body, row, false);
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

static void kept(void *cookie, enum errc rc)
{
        struct setting *setting = cookie;
        struct guards *guards = setting->call->api->guards;
        struct guard_key key;
        struct guarded *g;

        guards_impl_key(&key, setting->row.brand, &setting->row.account, setting->row.symbol);
        g = guards_impl_find(guards, &key);
        if (rc) {
                call_fail_code(setting->call, rc);
        } else {
                if (g)
                        g->row = setting->row;
                else
                        guards_impl_keep(guards, &setting->row);
                if (g)
                        g->is_busy = g->is_being_set = false;
                own_touch(setting->call->api->own, &setting->row.account);
                answer(setting->call, &setting->row);
        }
        if (rc && g)
                g->is_busy = g->is_being_set = false;
        free(setting);
}

/* What the guard that is there has added stays counted: a new rule is no new allowance. */
static enum errc take_row(struct setting *setting, const struct guard_rule *rule,
                          const struct venue_position *p, struct err *err)
{
        const struct call *call = setting->call;
        struct store_guard *row = &setting->row;
        struct guard_key key;
        struct guarded *g;

        guards_impl_key(&key, call->brand->id, &call->account, call->param);
        g = guards_impl_find(call->api->guards, &key);
        if (g && (g->is_busy || g->row.pending_amount.v)) {
                (void)err_set(err, E_RATE_LIMITED, "The guard is moving margin right now.");
                return err->code;
        }
        if (!g && map_size(call->api->guards->by_key) >= GUARDS_MAX)
                return err_set(err, E_LIMIT, "No more guards can be kept here.");
        *row = (struct store_guard){.account = call->account,
                                    .wallet = call->session.address,
                                    .is_long = p->p.size.v > 0,
                                    .created_at = state_now(call->api)};
        must(text_copy(row->brand, sizeof row->brand, call->brand->id));
        must(text_copy(row->symbol, sizeof row->symbol, call->param));
        row->min_distance = rule->min_distance;
        row->top_up = rule->top_up;
        row->max_total = rule->max_total;
        row->has_take_back = rule->has_take_back;
        row->take_back_above = rule->take_back_above;
        secret_random(row->id, sizeof row->id);
        if (g && g->row.is_long == row->is_long) {
                row->added = g->row.added;
                row->moves = g->row.moves;
                memcpy(row->id, g->row.id, sizeof row->id);
        }
        if (g) /* nothing moves by the old rule meanwhile */
                g->is_busy = g->is_being_set = true;
        return E_OK;
}

static enum errc check_position(const struct call *call, const struct guard_rule *rule,
                                const struct venue_position *p, struct err *err)
{
        const struct venue *venue = call->api->o.venue;
        const struct market *m = venue->ops->market_by_symbol(venue, call->param);

        if (!p)
                return err_set(err, E_NOT_FOUND, "No position is open on %s.", call->param);
        if (p->p.mode != MARGIN_ISOLATED)
                return err_set(err, E_INVALID,
                               "The position on %s is in cross margin, where the whole account "
                               "stands behind it: there is nothing to guard.",
                               call->param);
        if (rule->has_take_back && m && !m->margin_removable)
                return err_field(err, E_MARGIN_NOT_REMOVABLE, "takeBackAbove",
                                 "margin can't be removed on this market");
        return E_OK;
}

static void gathered(void *cookie, const struct err *read_err, struct gather *gather)
{
        struct call *call = cookie;
        struct guard_request request = {.rule = {.has_take_back = false}};
        const struct venue_position *p = NULL;
        struct err err = *read_err;
        struct setting *setting;

        if (!err.code)
                (void)!call_fields(call, &request, fields, sizeof fields / sizeof *fields, &err);
        if (!err.code)
                (void)!guard_rule_check(&request.rule, &err);
        for (unsigned i = 0; i < gather->part[0].account.n_positions && !err.code; i++)
                if (strcmp(gather->part[0].account.position[i].symbol, call->param) == 0)
                        p = &gather->part[0].account.position[i];
        if (!err.code)
                (void)!check_position(call, &request.rule, p, &err);
        setting = xcalloc(1, sizeof *setting);
        setting->call = call;
        if (!err.code)
                (void)!take_row(setting, &request.rule, p, &err);
        if (err.code) {
                call_fail(call, &err);
                free(setting);
                return;
        }
        store_guard_put(call->api->o.store, &setting->row, kept, setting);
}

static enum errc may_set(const struct call *call, struct err *err)
{
        const struct venue *venue = call->api->o.venue;

        if (call->brand->keys == BRAND_KEYS_NONE)
                return err_set(err, E_AGENT,
                               "%s keeps no keys, and a guard acts while nobody is there to sign.",
                               call->brand->name);
        if (!call->api->guards->is_loaded)
                return err_set(err, E_STORE_DOWN, "%s", err_text(E_STORE_DOWN));
        if (!brand_offers(call->brand, call->param) ||
            !venue->ops->market_by_symbol(venue, call->param))
                return markets_refuse(call->api->o.venue, call->brand, call->param, err);
        return E_OK;
}

void guards_put(struct call *call)
{
        struct guard_request request = {.rule = {.has_take_back = false}};
        struct err err = {.code = E_OK};
        char dex[DEX_NAME_MAX];

        if (may_set(call, &err) ||
            call_fields(call, &request, fields, sizeof fields / sizeof *fields, &err) ||
            guard_rule_check(&request.rule, &err)) {
                call_fail(call, &err);
                return;
        }
        gather_dex_of(dex, call->api->o.venue, call->param);
        gather_read(call->api, &call->account, dex, false, gathered, call);
}

/* What it added stays in the position; a move under way ends as it ends. */
void guards_delete(struct call *call)
{
        struct guards *guards = call->api->guards;
        struct err err = {.code = E_OK};
        struct guard_key key;
        struct guarded *g = NULL;
        struct buf body;

        if (strlen(call->param) < sizeof key.symbol) {
                guards_impl_key(&key, call->brand->id, &call->account, call->param);
                g = guards_impl_find(guards, &key);
        }
        if (!g)
                (void)err_set(&err, E_NOT_FOUND, "No guard is set on %s.", call->param);
        else if (g->is_being_set)
                (void)err_set(&err, E_RATE_LIMITED, "The guard is being changed right now.");
        if (err.code) {
                call_fail(call, &err);
                return;
        }
        buf_init(&body, 4096);
        buf_putc(&body, '{');
        out_text(&body, "symbol", call->param);
        out_usd(&body, "added", g->row.added);
        out_text(&body, "status", "ended");
        buf_putc(&body, '}');
        guards_impl_forget(guards, g);
        call_reply(call, 200, &body);
}
