/* The agent: showing, making and retiring it. Its approval, which only the trader's wallet can sign, is
 * in approve.c; what is decided about names, slots and succession in agent_life.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/agent_life.h"
#include "api/approve.h"
#include "api/call.h"
#include "api/handlers.h"
#include "api/out.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/log.h"
#include "base/mem.h"

#define DAY_MS       INT64_C(86400000)
#define LIFE_DAYS    90
#define LIFE_MAX     180 /* the venue's longest */
#define LISTED_BYTES 65536

/* What the venue lists, kept until the record is there too. */
struct listed {
        struct call *call;
        struct venue_agent *agents;
        size_t n;
        /* making */
        struct agent_life_request request;
        unsigned chain_id, days;
        struct store_account record;
};

static void listed_free(struct listed *l)
{
        free(l->agents);
        free(l);
}

static void keep_agents(struct listed *l, const struct venue_agent *agents, size_t n)
{
        l->agents = xcalloc(n + 1, sizeof *agents);
        if (n)
                memcpy(l->agents, agents, n * sizeof *agents);
        l->n = n;
}

static void fail(struct listed *l, const struct err *err)
{
        call_fail(l->call, err);
        listed_free(l);
}

/* --- showing --- */

static void agent_json(struct buf *out, const struct addr *address, const char *name,
                       const char *status, int64_t valid_until)
{
        char text[ADDR_STR_MAX], base[64];

        agent_life_base(base, name);
        buf_putc(out, '{');
        out_text(out, "address", hex_print_addr(text, address));
        out_text(out, "name", base);
        if (status)
                out_text(out, "status", status);
        if (valid_until)
                out_int(out, "validUntil", valid_until);
        else
                out_null(out, "validUntil");
        buf_putc(out, '}');
}

/* The venue lists it, or did and does no more. */
static const char *status_of(const struct listed *l, const struct store_account *r)
{
        if (!r->agent_approved)
                return "pending";
        if (agent_life_find(l->agents, l->n, &r->agent))
                return "approved";
        return r->agent_valid_until && r->agent_valid_until <= state_now(l->call->api)
                       ? "expired"
                       : "notListed";
}

static void show(struct listed *l, const struct store_account *r)
{
        struct venue *venue = l->call->api->o.venue;
        struct buf body;

        buf_init(&body, LISTED_BYTES);
        buf_puts(&body, "{\"agent\":");
        if (r->has_agent)
                agent_json(&body, &r->agent, r->agent_name, status_of(l, r), r->agent_valid_until);
        else
                buf_puts(&body, "null");
        buf_puts(&body, ",\"successor\":");
        if (r->has_next)
                agent_json(&body, &r->next.address, r->next.name, "pending", r->next.valid_until);
        else
                buf_puts(&body, "null");
        out_key(&body, "slots");
        buf_putc(&body, '{');
        out_int(&body, "limit", venue->ops->caps(venue)->named_agents);
        out_int(&body, "used", (int64_t)l->n);
        buf_puts(&body, ",\"agents\":[");
        for (size_t i = 0; i < l->n; i++) {
                if (i)
                        buf_putc(&body, ',');
                agent_json(&body, &l->agents[i].address, l->agents[i].name, NULL,
                           l->agents[i].valid_until);
        }
        buf_puts(&body, "]}");
        agent_life_warn(&body, r, r->has_agent && r->agent_approved, state_now(l->call->api));
        buf_putc(&body, '}');
        call_reply(l->call, 200, &body);
}

static void followed(void *cookie, enum errc rc)
{
        (void)cookie;
        if (rc)
                log_event(LOG_ERROR, "account not recorded", "code", err_constant(rc), NULL);
}

static void show_record(void *cookie, enum errc rc, const struct store_account *account)
{
        struct listed *l = cookie;

        if (rc) {
                call_fail_code(l->call, rc);
                listed_free(l);
                return;
        }
        l->record = *account;
        if (agent_life_follow(&l->record, l->agents, l->n) && l->record.created_at)
                accounts_put(l->call->api->accounts, &l->record, followed, NULL);
        show(l, &l->record);
        listed_free(l);
}

static void show_listed(void *cookie, const struct err *err, const struct venue_agent *agents,
                        size_t n)
{
        struct listed *l = cookie;
        struct call *call = l->call;

        if (err->code) {
                fail(l, err);
                return;
        }
        keep_agents(l, agents, n);
        accounts_get(call->api->accounts, call->brand->id, &call->session.address, show_record, l);
}

void agents_get(struct call *call)
{
        struct listed *l = xcalloc(1, sizeof *l);
        struct venue *venue = call->api->o.venue;

        l->call = call;
        venue->ops->read_agents(venue, &call->session.address, show_listed, l);
}

/* --- making --- */

#define MAKE(member) .offset = offsetof(struct listed, member), .present = FIELD_NO_FLAG
static const struct field make_fields[] = {
        {.name = "name", .type = FIELD_TEXT, MAKE(request.name), .size = AGENT_LIFE_NAME_MAX},
        {.name = "replace", .type = FIELD_BOOL, MAKE(request.replace)},
        {.name = "chainId", .type = FIELD_UINT, MAKE(chain_id), .size = UINT32_MAX},
        {.name = "days", .type = FIELD_UINT, MAKE(days), .size = LIFE_MAX},
};
FIELD_TABLE(agents_make_table, make_fields);

static void made(void *cookie, enum errc rc)
{
        struct listed *l = cookie;

        if (rc)
                call_fail_code(l->call, rc);
        else
                approve_show(l->call, &l->record, APPROVE_AGENT, l->chain_id);
        listed_free(l);
}

static enum errc make_agent(struct listed *l, struct store_agent *agent, const char *name)
{
        struct api *api = l->call->api;
        const char *brand = l->call->brand->id;
        const struct vault_brand *key = map_get(api->brand_keys, brand, strlen(brand));
        struct vault_sealed sealed;
        enum errc rc;

        *agent = (struct store_agent){.nonce = 0};
        if (!key ||
            vault_agent_create(api->o.vault, key, &agent->address, &sealed, &l->record.address))
                return E_CRYPTO;
        rc = nonce_ledger_take(api->o.nonces, &l->record.address, 1, &agent->nonce);
        if (rc)
                return rc;
        memcpy(agent->sealed, sealed.b, sizeof sealed.b);
        agent->sealed_len = sizeof sealed.b;
        agent->valid_until = state_now(api) + (l->days ? l->days : LIFE_DAYS) * DAY_MS;
        snprintf(agent->name, sizeof agent->name, "%s valid_until %lld", name,
                 (long long)agent->valid_until);
        return E_OK;
}

/* Beside an agent that works the new one waits; else it takes the place. */
static void put_in_place(struct store_account *r, const struct store_agent *agent)
{
        if (r->has_agent && r->agent_approved) {
                r->has_next = true;
                r->next = *agent;
                return;
        }
        r->has_next = false;
        r->next = (struct store_agent){.nonce = 0};
        r->has_agent = true;
        r->agent_approved = false;
        r->agent = agent->address;
        memcpy(r->agent_name, agent->name, sizeof r->agent_name);
        memcpy(r->agent_sealed, agent->sealed, sizeof r->agent_sealed);
        r->agent_sealed_len = agent->sealed_len;
        r->agent_valid_until = agent->valid_until;
        r->agent_nonce = agent->nonce;
}

static void make_record(void *cookie, enum errc rc, const struct store_account *account)
{
        struct listed *l = cookie;
        struct venue *venue = l->call->api->o.venue;
        char name[AGENT_LIFE_NAME_MAX];
        struct store_agent agent;
        struct err err = {.code = E_OK};

        if (rc) {
                (void)err_set(&err, rc, "%s", err_text(rc));
                fail(l, &err);
                return;
        }
        l->record = *account;
        if (!l->record.created_at)
                l->record.created_at = state_now(l->call->api);
        (void)agent_life_follow(&l->record, l->agents, l->n);
        /* One that has come to its end is in nobody's way. One that is not listed before its end keeps
         * its place until a successor is approved: the venue may list it with a delay, and a key that
         * is dropped here is gone. */
        if (l->record.agent_approved && !agent_life_find(l->agents, l->n, &l->record.agent) &&
            l->record.agent_valid_until <= state_now(l->call->api))
                l->record.agent_approved = false;
        if (agent_life_choose(name, &l->request, l->call->brand->id, &l->record, l->agents, l->n,
                              venue->ops->caps(venue)->named_agents, &err) == E_OK &&
            make_agent(l, &agent, name))
                (void)err_set(&err, E_CRYPTO, "An agent can't be made.");
        if (err.code) {
                fail(l, &err);
                return;
        }
        put_in_place(&l->record, &agent);
        secret_wipe(&agent, sizeof agent);
        accounts_put(l->call->api->accounts, &l->record, made, l);
}

static void make_nonces(void *cookie, enum errc rc)
{
        struct listed *l = cookie;
        struct call *call = l->call;
        struct err err = {.code = E_OK};

        if (rc) {
                (void)err_set(&err, rc, "%s", err_text(rc));
                fail(l, &err);
                return;
        }
        accounts_get(call->api->accounts, call->brand->id, &call->session.address, make_record, l);
}

static void make_listed(void *cookie, const struct err *err, const struct venue_agent *agents,
                        size_t n)
{
        struct listed *l = cookie;
        struct call *call = l->call;

        if (err->code) {
                fail(l, err);
                return;
        }
        keep_agents(l, agents, n);
        nonce_ledger_load(call->api->o.nonces, &call->session.address, make_nonces, l);
}

static bool name_is_plain(const char *s)
{
        for (; *s; s++)
                if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
                      (*s >= '0' && *s <= '9') || *s == '-' || *s == '_'))
                        return false;
        return true;
}

void agents_make(struct call *call)
{
        struct listed *l = xcalloc(1, sizeof *l);
        struct venue *venue = call->api->o.venue;
        struct err err = {.code = E_OK};

        l->call = call;
        enum errc rc =
                call_fields(call, l, make_fields, sizeof make_fields / sizeof *make_fields, &err);
        /* A blank in a name would be read by the venue as the start of its expiry suffix. */
        if (!rc && !name_is_plain(l->request.name))
                (void)err_field(&err, E_INVALID, "name", "must be letters, digits, '-' or '_'");
        if (!rc && l->request.replace && !l->request.name[0])
                (void)err_field(&err, E_INVALID, "replace",
                                "needs the name of the agent to replace");
        if (!rc && l->chain_id && !brand_allows_chain(call->brand, l->chain_id))
                (void)err_field(&err, E_INVALID, "chainId", "is not a chain of this brand");
        if (!err.code && call->brand->keys == BRAND_KEYS_NONE) {
                (void)err_set(&err, E_FORBIDDEN, "%s keeps no keys.", call->brand->name);
                err_hint(&err, "Every route that trades tells what to sign.");
        }
        if (err.code)
                fail(l, &err);
        else
                venue->ops->read_agents(venue, &call->session.address, make_listed, l);
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
        record.has_agent = record.agent_approved = record.has_next = false;
        record.agent = (struct addr){{0}};
        memset(record.agent_sealed, 0, sizeof record.agent_sealed);
        record.agent_sealed_len = 0;
        memset(record.agent_name, 0, sizeof record.agent_name);
        record.agent_valid_until = 0;
        record.agent_nonce = 0;
        record.next = (struct store_agent){.nonce = 0};
        accounts_put(call->api->accounts, &record, retired, call);
}

void agents_retire(struct call *call)
{
        accounts_get(call->api->accounts, call->brand->id, &call->session.address, retire_record,
                     call);
}
