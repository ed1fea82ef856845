/* Onboarding: what a trader still has to do, and making and retiring the agent. The approvals
 * themselves, which only the trader's wallet can sign, are in approve.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/approve.h"
#include "api/call.h"
#include "api/handlers.h"
#include "api/out.h"
#include "api/schema.h"
#include "base/log.h"
#include "base/mem.h"

#define AGENT_NAME_MAX 16 /* the venue's, without its expiry suffix */
#define AGENT_LIFE_MS  (INT64_C(90) * 24 * 3600 * 1000)

/* --- what is left to do --- */

struct view {
        struct call *call;
        struct store_account record;
        unsigned reading;
        struct err err;
        struct usd equity;
        bool agent_active;
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

static void answer(struct view *view)
{
        struct call *call = view->call;
        const struct brand *b = call->brand;
        const struct store_account *r = &view->record;
        bool terms = !b->terms_required || strcmp(r->terms_version, b->terms_version) == 0;
        bool agent = r->has_agent && view->agent_active;
        bool builder = !charges_builder(b) || view->builder_fee >= b->builder_fee_tenth_bp;
        bool deposit = view->equity.v > 0;
        char address[ADDR_STR_MAX];
        struct buf body;

        buf_init(&body, 16384);
        buf_putc(&body, '{');
        out_bool(&body, "ready", terms && agent && deposit);
        out_key(&body, "steps");
        buf_putc(&body, '[');
        item(&body, "terms", terms, "Accepted by signing in.");
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
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
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
                    account->builder_fee_tenth_bp == r->builder_fee_tenth_bp;

        if (same) {
                *r = *account;
                r->builder_fee_tenth_bp = (unsigned)view->builder_fee;
                r->agent_approved = r->has_agent && view->agent_active;
                if (r->created_at && (r->builder_fee_tenth_bp != account->builder_fee_tenth_bp ||
                                      r->agent_approved != account->agent_approved))
                        accounts_put(view->call->api->accounts, r, recorded, NULL);
        }
        answer(view);
        free(view);
}

static void done(struct view *view, const struct err *err)
{
        if (err->code && !view->err.code)
                view->err = *err;
        if (--view->reading)
                return;
        if (view->err.code) {
                call_fail(view->call, &view->err);
                free(view);
                return;
        }
        accounts_get(view->call->api->accounts, view->call->brand->id, &view->call->session.address,
                     follow_venue, view);
}

static void state_read(void *cookie, const struct err *err, struct venue_account *account)
{
        struct view *view = cookie;

        if (!err->code)
                view->equity = account->account_value;
        done(view, err);
}

static void agent_read(void *cookie, const struct err *err, int64_t value)
{
        struct view *view = cookie;

        view->agent_active = value == 1;
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
                free(view);
                return;
        }
        view->record = *account;
        view->reading = 1u + (account->has_agent ? 1 : 0) + (charges_builder(call->brand) ? 1 : 0);
        venue->ops->read_account(venue, user, state_read, view);
        if (account->has_agent)
                venue->ops->read_agent(venue, user, &account->agent, agent_read, view);
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

/* --- making the agent --- */

struct agent_request {
        char name[AGENT_NAME_MAX + 1];
        unsigned chain_id;
};

static const struct field agent_fields[] = {
        {.name = "name",
         .type = FIELD_TEXT,
         .offset = offsetof(struct agent_request, name),
         .present = FIELD_NO_FLAG,
         .size = AGENT_NAME_MAX + 1},
        {.name = "chainId",
         .type = FIELD_UINT,
         .offset = offsetof(struct agent_request, chain_id),
         .present = FIELD_NO_FLAG,
         .size = UINT32_MAX},
};

struct make {
        struct call *call;
        struct agent_request request;
        struct store_account record;
};

static void agent_stored(void *cookie, enum errc rc)
{
        struct make *make = cookie;

        if (rc)
                call_fail_code(make->call, rc);
        else
                approve_show(make->call, &make->record, APPROVE_AGENT, make->request.chain_id);
        free(make);
}

static enum errc make_key(struct make *make)
{
        struct api *api = make->call->api;
        struct store_account *r = &make->record;
        const struct brand *b = make->call->brand;
        const struct vault_brand *key = map_get(api->brand_keys, b->id, strlen(b->id));
        struct vault_sealed sealed;
        enum errc rc = E_CRYPTO;

        if (!key)
                goto done;
        rc = vault_agent_create(api->o.vault, key, &r->agent, &sealed, &r->address);
        if (rc)
                goto done;
        r->has_agent = true;
        r->agent_approved = false;
        memcpy(r->agent_sealed, sealed.b, sizeof sealed.b);
        r->agent_sealed_len = sizeof sealed.b;
        r->agent_valid_until = state_now(api) + AGENT_LIFE_MS;
        r->agent_nonce = (uint64_t)state_now(api);
        snprintf(r->agent_name, sizeof r->agent_name, "%s valid_until %lld",
                 make->request.name[0] ? make->request.name : log_fmt("%.16s", b->id),
                 (long long)r->agent_valid_until);
done:
        return rc;
}

static void agent_record(void *cookie, enum errc rc, const struct store_account *account)
{
        struct make *make = cookie;
        struct err err = {.code = E_OK};

        if (rc) {
                (void)err_set(&err, rc, "%s", err_text(rc));
        } else if (account->has_agent && account->agent_approved) {
                (void)err_set(&err, E_FORBIDDEN, "An approved agent is in use.");
                err_hint(&err, "DELETE /v1/agent retires it.");
        } else {
                make->record = *account;
                if (!make->record.created_at)
                        make->record.created_at = state_now(make->call->api);
                rc = make_key(make);
                if (rc)
                        (void)err_set(&err, rc, "%s", err_text(rc));
        }
        if (err.code) {
                call_fail(make->call, &err);
                free(make);
                return;
        }
        accounts_put(make->call->api->accounts, &make->record, agent_stored, make);
}

static bool name_is_plain(const char *s)
{
        for (; *s; s++)
                if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
                      (*s >= '0' && *s <= '9') || *s == '-' || *s == '_'))
                        return false;
        return true;
}

void onboarding_agent(struct call *call)
{
        struct make *make = xcalloc(1, sizeof *make);
        struct err err = {.code = E_OK};

        make->call = call;
        enum errc rc = call_fields(call, &make->request, agent_fields, 2, &err);
        /* A blank in a name would be read by the venue as the start of its expiry suffix. */
        if (!rc && !name_is_plain(make->request.name))
                (void)err_field(&err, E_INVALID, "name", "must be letters, digits, '-' or '_'");
        if (!err.code && make->request.chain_id &&
            !brand_allows_chain(call->brand, make->request.chain_id))
                (void)err_field(&err, E_INVALID, "chainId", "is not a chain of this brand");
        if (err.code) {
                call_fail(call, &err);
                free(make);
                return;
        }
        accounts_get(call->api->accounts, call->brand->id, &call->session.address, agent_record,
                     make);
}

/* --- retiring it: the key is forgotten here, so that nothing can be signed with it any more --- */

static void retired(void *cookie, enum errc rc)
{
        struct call *call = cookie;
        struct buf body;

        if (rc) {
                call_fail_code(call, rc);
                return;
        }
        buf_init(&body, 1024);
        buf_putc(&body, '{');
        out_text(&body, "status", "retired");
        out_text(&body, "detail",
                 "The gateway has destroyed its copy of the key and can't sign with it any more. "
                 "The venue lists the agent until it expires or is replaced.");
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

static void retire_record(void *cookie, enum errc rc, const struct store_account *account)
{
        struct call *call = cookie;
        struct store_account record;

        if (rc || !account->has_agent) {
                call_fail_code(call, rc ? rc : E_NOT_FOUND);
                return;
        }
        record = *account;
        record.has_agent = record.agent_approved = false;
        record.agent = (struct addr){{0}};
        memset(record.agent_sealed, 0, sizeof record.agent_sealed);
        record.agent_sealed_len = 0;
        record.agent_name[0] = '\0';
        record.agent_valid_until = 0;
        record.agent_nonce = 0;
        accounts_put(call->api->accounts, &record, retired, call);
}

void onboarding_agent_retire(struct call *call)
{
        accounts_get(call->api->accounts, call->brand->id, &call->session.address, retire_record,
                     call);
}
