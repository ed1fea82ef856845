#include "store/store_audit_acts.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "store/store_op.h"

#define DETAIL_MAX 65536

static void put_text(struct buf *out, const char *name, const char *text)
{
        buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
        buf_put_json(out, text, strlen(text));
}

static void put_addr(struct buf *out, const char *name, const struct addr *address)
{
        char text[ADDR_STR_MAX];

        put_text(out, name, hex_print_addr(text, address));
}

static enum errc add(struct db *db, const char *brand, const struct addr *actor, const char *action,
                     struct buf *detail, int64_t at)
{
        char text[ADDR_STR_MAX];
        enum errc rc;

        buf_putc(detail, '}');
        must(buf_check(detail) == E_OK);
        rc = store_audit_add(db, brand, hex_print_addr(text, actor), action, buf_cstr(detail), at);
        buf_fini(detail);
        return rc;
}

static void begin(struct buf *detail)
{
        buf_init(detail, DETAIL_MAX);
        buf_putc(detail, '{');
}

/* --- what is signed --- */

static bool is_signed(const struct store_intent *intent, unsigned i)
{
        static const struct hash32 none;

        return i < intent->n_steps && intent->step[i].nonce != 0 &&
               memcmp(&intent->step[i].digest, &none, sizeof none) != 0;
}

static bool is_new(const struct store_intent *before, const struct store_intent *after, unsigned i)
{
        return is_signed(after, i) && !(before && is_signed(before, i) &&
                                        memcmp(&before->step[i].digest, &after->step[i].digest,
                                               sizeof(struct hash32)) == 0);
}

static void put_intent(struct buf *out, const struct store_intent *intent)
{
        char id[CLOID_STR_MAX];

        put_text(out, "intent", hex_print_cloid(id, &intent->id));
        put_text(out, "kind", intent->kind);
        if (intent->symbol[0])
                put_text(out, "symbol", intent->symbol);
        put_addr(out, "account", &intent->account);
        put_addr(out, "signer", &intent->signer);
}

static const struct addr *wallet_of(const struct store_intent *intent)
{
        return intent->has_master ? &intent->master : &intent->account;
}

enum errc store_audit_acts_signed(struct db *db, const struct store_intent *before,
                                  const struct store_intent *after)
{
        struct buf detail;
        unsigned n = 0;

        for (unsigned i = 0; i < after->n_steps; i++)
                n += is_new(before, after, i);
        if (n == 0)
                return E_OK;
        begin(&detail);
        put_intent(&detail, after);
        buf_puts(&detail, ",\"steps\":[");
        for (unsigned i = 0; i < after->n_steps; i++) {
                char digest[HASH_STR_MAX];

                if (!is_new(before, after, i))
                        continue;
                buf_puts(&detail, "{\"action\":");
                buf_put_json(&detail, after->step[i].action, strlen(after->step[i].action));
                buf_printf(&detail, ",\"nonce\":%" PRIu64 ",\"digest\":\"%s\"}%s",
                           after->step[i].nonce, hex_print_hash(digest, &after->step[i].digest),
                           --n ? "," : "");
        }
        buf_putc(&detail, ']');
        return add(db, after->brand, wallet_of(after), "signed", &detail, after->updated_at);
}

enum errc store_audit_acts_settled(struct db *db, const struct store_intent *before,
                                   const struct store_intent *after)
{
        struct buf detail;

        if (after->state != INTENT_REJECTED || before->state == INTENT_REJECTED)
                return E_OK;
        begin(&detail);
        put_intent(&detail, after);
        buf_printf(&detail, ",\"status\":%d", after->answer_status);
        return add(db, after->brand, wallet_of(after), "rejected", &detail, after->updated_at);
}

/* --- accounts --- */

static enum errc add_agent(struct db *db, const struct store_account *account, const char *action,
                           const struct addr *agent, const char *name, int64_t at)
{
        struct buf detail;

        begin(&detail);
        put_addr(&detail, "agent", agent);
        put_text(&detail, "name", name);
        return add(db, account->brand, &account->address, action, &detail, at);
}

static bool had(const struct store_account *account, const struct addr *agent)
{
        return (account->has_agent && hex_addr_equal(&account->agent, agent)) ||
               (account->has_next && hex_addr_equal(&account->next.address, agent));
}

static bool was_approved(const struct store_account *account, const struct addr *agent)
{
        return account->has_agent && account->agent_approved &&
               hex_addr_equal(&account->agent, agent);
}

static enum errc agents_changed(struct db *db, const struct store_account *b,
                                const struct store_account *a, int64_t at)
{
        enum errc rc = E_OK;

        if (a->has_agent && !had(b, &a->agent))
                rc = add_agent(db, a, "agent_made", &a->agent, a->agent_name, at);
        if (!rc && a->has_next && !had(b, &a->next.address))
                rc = add_agent(db, a, "agent_made", &a->next.address, a->next.name, at);
        if (!rc && a->has_agent && a->agent_approved && !was_approved(b, &a->agent))
                rc = add_agent(db, a, "agent_approved", &a->agent, a->agent_name, at);
        if (!rc && a->has_agent && !a->agent_approved && was_approved(b, &a->agent))
                rc = add_agent(db, a, "agent_lapsed", &a->agent, a->agent_name, at);
        if (!rc && b->has_agent && !had(a, &b->agent))
                rc = add_agent(db, a, "agent_retired", &b->agent, b->agent_name, at);
        if (!rc && b->has_next && !had(a, &b->next.address))
                rc = add_agent(db, a, "agent_retired", &b->next.address, b->next.name, at);
        return rc;
}

enum errc store_audit_acts_account(struct db *db, const struct store_account *before,
                                   const struct store_account *after, int64_t at)
{
        bool has_fee = after->builder_fee_tenth_bp != 0;
        enum errc rc = E_OK;
        struct buf detail;

        if (after->terms_at && (after->terms_at != before->terms_at ||
                                strcmp(after->terms_version, before->terms_version) != 0)) {
                begin(&detail);
                put_text(&detail, "version", after->terms_version);
                rc = add(db, after->brand, &after->address, "terms_accepted", &detail,
                         after->terms_at);
        }
        if (!rc)
                rc = agents_changed(db, before, after, at);
        if (!rc && (after->builder_fee_tenth_bp != before->builder_fee_tenth_bp ||
                    (has_fee && !hex_addr_equal(&after->builder, &before->builder)))) {
                begin(&detail);
                put_addr(&detail, "builder", has_fee ? &after->builder : &before->builder);
                buf_printf(&detail, ",\"feeTenthBp\":%u", after->builder_fee_tenth_bp);
                rc = add(db, after->brand, &after->address,
                         has_fee ? "builder_fee_approved" : "builder_fee_gone", &detail, at);
        }
        return rc;
}

/* --- sessions, keys, guards --- */

enum errc store_audit_acts_session(struct db *db, const char *action,
                                   const struct store_session *session, int64_t at)
{
        struct buf detail;

        begin(&detail);
        buf_printf(&detail, "\"expiresAt\":%" PRId64, session->expires_at);
        return add(db, session->brand, &session->address, action, &detail, at);
}

enum errc store_audit_acts_api_key(struct db *db, const char *action,
                                   const struct store_api_key *key, int64_t at)
{
        struct buf detail;
        char id[33];

        begin(&detail);
        put_text(&detail, "id", hex_encode(id, key->id, sizeof key->id));
        if (key->kind) {
                put_text(&detail, "name", key->name);
                put_text(&detail, "type", key->kind == API_KEY_HMAC ? "hmac" : "ed25519");
                put_text(&detail, "scopes",
                         !(key->scopes & API_KEY_TRADE)  ? "read"
                         : !(key->scopes & API_KEY_READ) ? "trade"
                                                         : "read,trade");
                put_text(&detail, "ipAllow", key->ip_allow);
                buf_printf(&detail, ",\"expiresAt\":%" PRId64, key->expires_at);
        }
        if (key->has_sub_account)
                put_addr(&detail, "subAccount", &key->sub_account);
        return add(db, key->brand, &key->account, action, &detail, at);
}

enum errc store_audit_acts_guard(struct db *db, const char *action, const struct store_guard *guard,
                                 int64_t at)
{
        char id[33], number[NUM_STR_MAX];
        struct buf detail;

        begin(&detail);
        put_text(&detail, "id", hex_encode(id, guard->id, sizeof guard->id));
        put_addr(&detail, "account", &guard->account);
        put_text(&detail, "symbol", guard->symbol);
        put_text(&detail, "maxTotal", num_print_usd(number, guard->max_total));
        put_text(&detail, "added", num_print_usd(number, guard->added));
        return add(db, guard->brand, &guard->wallet, action, &detail, at);
}

enum errc store_audit_acts_dead_man(struct db *db, const char *action,
                                    const struct store_dead_man *row, int64_t at)
{
        struct buf detail;
        char id[33];

        begin(&detail);
        put_addr(&detail, "account", &row->account);
        if (row->has_key)
                put_text(&detail, "apiKey", hex_encode(id, row->key, sizeof row->key));
        if (row->deadline)
                buf_printf(&detail, ",\"timeoutMs\":%" PRId64 ",\"deadline\":%" PRId64,
                           row->timeout_ms, row->deadline);
        else if (row->fired_at)
                buf_printf(&detail, ",\"cancelled\":%" PRId64, row->cancelled);
        return add(db, row->brand, &row->wallet, action, &detail, at);
}
