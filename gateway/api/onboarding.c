/* Onboarding: what a trader still has to do. */
#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/admit.h"
#include "api/agent_life.h"
#include "api/call.h"
#include "api/gather.h"
#include "api/handlers.h"
#include "api/out.h"
#include "base/log.h"
#include "base/mem.h"

/* --- what is left to do --- */

struct view {
        struct call *call;
        struct store_account record;
        unsigned reading;
        struct err err;
        bool has_money;
        bool agent_active;
        struct venue_agent *agents; /* as the venue lists them; owned */
        size_t n_agents;
        int64_t builder_fee; /* approved at the venue, tenths of a basis point */
};

static bool charges_builder(const struct brand *b)
{
        return b->has_builder && b->builder_fee_tenth_bp > 0;
}

static void item(struct buf *out, const char *step, bool done, const char *what)
{
        if (out->data[out->len - 1] == '}')
                buf_putc(out, ',');
        buf_putc(out, '{');
        out_text(out, "step", step);
        out_text(out, "status", done ? "done" : "todo");
        out_text(out, "detail", what);
        buf_putc(out, '}');
}

static void show_terms(struct buf *out, const struct brand *b, const struct store_account *r)
{
        out_key(out, "terms");
        if (!b->terms_version[0]) {
                buf_puts(out, "null");
                return;
        }
        buf_putc(out, '{');
        out_text(out, "version", b->terms_version);
        out_text(out, "url", b->terms_url);
        out_bool(out, "required", b->terms_required);
        out_text(out, "accepted", r->terms_version[0] ? r->terms_version : NULL);
        if (r->terms_version[0])
                out_int(out, "acceptedAt", r->terms_at);
        else
                out_null(out, "acceptedAt");
        buf_putc(out, '}');
}

static void answer(struct view *view)
{
        struct call *call = view->call;
        const struct brand *b = call->brand;
        const struct store_account *r = &view->record;
        bool terms = !b->terms_required || strcmp(r->terms_version, b->terms_version) == 0;
        bool agent =
                view->call->brand->keys == BRAND_KEYS_NONE || (r->has_agent && view->agent_active);
        bool builder = !charges_builder(b) || view->builder_fee >= b->builder_fee_tenth_bp;
        bool deposit = view->has_money;
        char address[ADDR_STR_MAX];
        struct buf body;

        buf_init(&body, 16384);
        buf_putc(&body, '{');
        out_bool(&body, "ready", terms && agent && deposit);
        out_key(&body, "steps");
        buf_putc(&body, '[');
        item(&body, "terms", terms, "Accepted by signing in, or with POST /v1/terms.");
        item(&body, "deposit", deposit, "The venue account needs collateral to trade with.");
        item(&body, "agent", agent, "POST /v1/agent, sign the typed data, POST /v1/agent/approve.");
        if (charges_builder(b))
                item(&body, "builderFee", builder,
                     "POST /v1/builder-fee, sign the typed data, POST /v1/builder-fee/approve. "
                     "Without it orders go without the fee.");
        buf_puts(&body, "],");
        buf_puts(&body, "\"agent\":");
        if (r->has_agent) {
                buf_putc(&body, '{');
                out_text(&body, "address", hex_print_addr(address, &r->agent));
                out_text(&body, "status", agent ? "approved" : "pending");
                if (r->agent_valid_until)
                        out_int(&body, "validUntil", r->agent_valid_until);
                buf_putc(&body, '}');
        } else {
                buf_puts(&body, "null");
        }
        show_terms(&body, b, r);
        call->terms_due = !terms;
        admit_show(&body, call);
        agent_life_warn(&body, r, agent, state_now(call->api));
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

static void view_free(struct view *view)
{
        free(view->agents);
        free(view);
}

static void recorded(void *cookie, enum errc rc)
{
        (void)cookie;
        if (rc)
                log_event(LOG_ERROR, "account not recorded", "code", err_constant(rc), NULL);
}

/* What the venue says is the truth: our record follows it, unless it has changed since the venue was
 * asked, by an approval or another agent. */
static void follow_venue(void *cookie, enum errc rc, const struct store_account *account)
{
        struct view *view = cookie;
        struct store_account *r = &view->record;
        bool same = !rc && account->has_agent == r->has_agent &&
                    hex_addr_equal(&account->agent, &r->agent) &&
                    account->agent_approved == r->agent_approved &&
                    account->builder_fee_tenth_bp == r->builder_fee_tenth_bp &&
                    hex_addr_equal(&account->builder, &r->builder);

        if (same) {
                bool changed;
                *r = *account;
                r->builder_fee_tenth_bp = (unsigned)view->builder_fee;
                r->builder = view->builder_fee ? view->call->brand->builder : (struct addr){{0}};
                r->agent_approved = r->has_agent && view->agent_active;
                changed = agent_life_follow(r, view->agents, view->n_agents) ||
                          r->builder_fee_tenth_bp != account->builder_fee_tenth_bp ||
                          !hex_addr_equal(&r->builder, &account->builder) ||
                          r->agent_approved != account->agent_approved;
                view->agent_active = r->agent_approved;
                if (r->created_at && changed)
                        accounts_put(view->call->api->accounts, r, recorded, NULL);
        }
        answer(view);
        view_free(view);
}

static void done(struct view *view, const struct err *err)
{
        if (err->code && !view->err.code)
                view->err = *err;
        if (--view->reading)
                return;
        if (view->err.code) {
                call_fail(view->call, &view->err);
                view_free(view);
                return;
        }
        accounts_get(view->call->api->accounts, view->call->brand->id, &view->call->session.address,
                     follow_venue, view);
}

static void gathered(void *cookie, const struct err *err, struct gather *g)
{
        struct view *view = cookie;

        for (unsigned i = 0; i < g->n; i++)
                view->has_money |= g->part[i].account.account_value.v > 0;
        done(view, err);
}

static void agent_read(void *cookie, const struct err *err, int64_t value)
{
        struct view *view = cookie;

        view->agent_active = value == 1;
        done(view, err);
}

/* An agent that is not listed may still be known: the venue lists named ones only, and a fresh one
 * with a delay. */
static void agents_read(void *cookie, const struct err *err, const struct venue_agent *agents,
                        size_t n)
{
        struct view *view = cookie;
        struct venue *venue = view->call->api->o.venue;
        const struct addr *agent = &view->record.agent;

        if (!err->code) {
                view->agents = xcalloc(n + 1, sizeof *agents);
                if (n)
                        memcpy(view->agents, agents, n * sizeof *agents);
                view->n_agents = n;
                view->agent_active = agent_life_find(agents, n, agent) != NULL;
        }
        if (!err->code && !view->agent_active) {
                view->reading++;
                venue->ops->read_agent(venue, &view->call->session.address, agent, agent_read,
                                       view);
        }
        done(view, err);
}

static void builder_read(void *cookie, const struct err *err, int64_t value)
{
        struct view *view = cookie;

        if (!err->code)
                view->builder_fee = value;
        done(view, err);
}

static void record_read(void *cookie, enum errc rc, const struct store_account *account)
{
        struct view *view = cookie;
        struct call *call = view->call;
        struct venue *venue = call->api->o.venue;
        const struct addr *user = &call->session.address;

        if (rc) {
                call_fail_code(call, rc);
                view_free(view);
                return;
        }
        view->record = *account;
        view->reading = 1u + (account->has_agent ? 1 : 0) + (charges_builder(call->brand) ? 1 : 0);
        gather_read(call->api, user, NULL, false, gathered, view);
        if (account->has_agent)
                venue->ops->read_agents(venue, user, agents_read, view);
        if (charges_builder(call->brand))
                venue->ops->read_builder_fee(venue, user, &call->brand->builder, builder_read,
                                             view);
}

void onboarding_get(struct call *call)
{
        struct view *view = xcalloc(1, sizeof *view);

        view->call = call;
        accounts_get(call->api->accounts, call->brand->id, &call->session.address, record_read,
                     view);
}
