/* The routes: POST arms, arms anew, or disarms; GET shows. An API key has a switch of its own, a session
 * the account's. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/dead_man_impl.h"
#include "api/handlers.h"
#include "api/identity.h"
#include "api/out.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"

#define BODY_MAX 4096

struct request {
        unsigned timeout_ms;
};
static const struct field fields[] = {
        {.name = "timeoutMs",
         .type = FIELD_UINT_OR_NULL,
         .required = true,
         .offset = offsetof(struct request, timeout_ms),
         .present = FIELD_NO_FLAG,
         .size = DEAD_MAN_MAX_MS},
};
FIELD_TABLE(dead_man_table, fields);

struct setting {
        struct call *call;
        unsigned timeout_ms;
};

static void key_of(struct dead_man_key *key, const struct call *call)
{
        dead_man_impl_key(key, call->brand->id, &call->account, call_key_id(call));
}

/* --- showing --- */

static void time_or_null(struct buf *out, const char *name, int64_t at)
{
        if (at)
                out_int(out, name, at);
        else
                out_null(out, name);
}

static const char *net_word(const struct dead_account *account, bool is_armed)
{
        if (!account)
                return "off";
        switch (account->net) {
        case NET_OFF: return is_armed ? "pending" : "off";
        case NET_ARMED: return "armed";
        case NET_PENDING: return "pending";
        case NET_REFUSED: return is_armed ? "refused" : "off";
        }
        never("net");
}

static void print(struct buf *out, const struct call *call)
{
        struct dead_men *men = call->api->dead_men;
        const struct dead_man *man;
        const struct dead_account *account;
        struct dead_man_key key;
        int64_t timeout_ms;
        bool is_armed;

        key_of(&key, call);
        man = dead_man_impl_find(men, &key);
        is_armed = man && man->row.deadline && !man->is_passed;
        dead_man_impl_key(&key, call->brand->id, &call->account, NULL);
        account = map_get(men->by_account, &key, sizeof key);
        buf_putc(out, '{');
        out_text(out, "scope", call->has_key ? "apiKey" : "account");
        out_bool(out, "armed", is_armed);
        time_or_null(out, "timeoutMs", is_armed ? man->row.timeout_ms : 0);
        time_or_null(out, "deadline", is_armed ? man->row.deadline : 0);
        time_or_null(out, "firedAt", man ? man->row.fired_at : 0);
        out_int(out, "cancelled", man ? man->row.cancelled : 0);
        out_key(out, "venueTimer");
        buf_putc(out, '{');
        out_text(out, "status",
                 net_word(account, account && dead_man_impl_earliest(account, &timeout_ms)));
        time_or_null(out, "at", account && account->net == NET_ARMED ? account->at : 0);
        out_text(out, "reason", account && account->reason[0] ? account->reason : NULL);
        buf_puts(out, "}}");
}

void dead_man_get(struct call *call)
{
        struct err err = {.code = E_OK};
        struct buf body;

        if (call_query(call, NULL, NULL, 0, &err)) {
                call_fail(call, &err);
                return;
        }
        if (!call->api->dead_men->is_loaded) {
                call_fail_code(call, E_STORE_DOWN);
                return;
        }
        buf_init(&body, BODY_MAX);
        print(&body, call);
        call_reply(call, 200, &body);
}

/* --- answering --- */

struct answer {
        struct call *call;
        struct buf body;
        struct store_intent intent;
};

static void recorded(void *cookie, enum errc rc)
{
        struct answer *a = cookie;

        if (rc == E_EXISTS) { /* two at once with one key */
                rc = E_IDEMPOTENCY;
        }
        if (rc)
                call_fail_code(a->call, rc);
        else
                call_reply(a->call, 200, &a->body);
        buf_fini(&a->body);
        free(a);
}

/* With a key the answer is kept for whoever asks again with it. */
void dead_man_set_answer(struct call *call)
{
        struct answer *a = xcalloc(1, sizeof *a);
        struct store_intent *it = &a->intent;

        a->call = call;
        buf_init(&a->body, BODY_MAX);
        print(&a->body, call);
        if (!call->key[0]) {
                recorded(a, E_OK);
                return;
        }
        identity_cloids(&it->id, 1, call);
        text_copy(it->brand, sizeof it->brand, call->brand->id);
        it->account = call->account;
        it->master = call->session.address;
        it->has_master = call->for_sub_account;
        text_copy(it->kind, sizeof it->kind, "deadMan");
        text_copy(it->idempotency_key, sizeof it->idempotency_key, call->key);
        identity_digest(it->request_digest, call);
        it->created_at = it->updated_at = state_now(call->api);
        it->state = INTENT_DONE;
        text_copy(it->owner, sizeof it->owner, call->api->o.node);
        it->epoch = 1;
        it->request = call->body;
        it->answer = buf_cstr(&a->body);
        it->answer_status = 200;
        store_intent_insert(call->api->o.store, it, recorded, a);
}

/* --- setting --- */

/* What the venue says of the first timer is worth waiting for: it may take none. */
static void answer_or_wait(struct call *call)
{
        struct dead_men *men = call->api->dead_men;
        struct dead_account *account;
        struct dead_man_key key;
        int64_t now = state_now(call->api);

        dead_man_impl_key(&key, call->brand->id, &call->account, NULL);
        account = map_get(men->by_account, &key, sizeof key);
        if (account && !account->waiting && dead_man_net_is_due(account, now)) {
                bool is_first = account->net != NET_ARMED;

                if (is_first)
                        account->waiting = call;
                dead_man_net_look(account, now);
                if (is_first)
                        return;
        }
        dead_man_set_answer(call);
}

static void stored(void *cookie, enum errc rc)
{
        struct setting *s = cookie;

        if (rc)
                call_fail_code(s->call, rc);
        else
                answer_or_wait(s->call);
        free(s);
}

static void fill(struct store_dead_man *row, const struct setting *s, const struct dead_man *old)
{
        const struct call *call = s->call;
        int64_t now = state_now(call->api);

        *row = old ? old->row : (struct store_dead_man){.deadline = 0};
        must(text_copy(row->brand, sizeof row->brand, call->brand->id));
        row->account = call->account;
        row->wallet = call->session.address;
        row->has_key = call->has_key;
        if (call->has_key)
                memcpy(row->key, call_key_id(call), sizeof row->key);
        row->timeout_ms = s->timeout_ms;
        row->armed_at = s->timeout_ms ? now : 0;
        row->deadline = s->timeout_ms ? now + s->timeout_ms : 0;
        row->may_be_set |= s->timeout_ms != 0;
        if (!s->timeout_ms)
                row->fired_at = row->cancelled = 0;
}

static void set(struct setting *s)
{
        struct dead_men *men = s->call->api->dead_men;
        struct store_dead_man row;
        const struct dead_man *old;
        const char *action = NULL;
        struct dead_man_key key;
        bool was_armed;

        key_of(&key, s->call);
        old = dead_man_impl_find(men, &key);
        was_armed = old && old->row.deadline && !old->is_passed;
        if (!old && map_size(men->by_key) >= DEAD_MEN_MAX) {
                call_fail_code(s->call, E_RATE_LIMITED);
                free(s);
                return;
        }
        /* A client that goes on as it was is no news. */
        if (s->timeout_ms && !(was_armed && old->row.timeout_ms == s->timeout_ms))
                action = "dead_man_armed";
        if (!s->timeout_ms && was_armed)
                action = "dead_man_disarmed";
        fill(&row, s, old);
        dead_man_impl_write(men, &row, action, stored, s);
}

static void record_read(void *cookie, enum errc rc, const struct store_account *record)
{
        struct setting *s = cookie;

        if (!rc && !(record->has_agent && record->agent_approved))
                rc = E_AGENT;
        if (rc) {
                call_fail_code(s->call, rc == E_NOT_FOUND ? E_AGENT : rc);
                free(s);
                return;
        }
        set(s);
}

static void begin(struct setting *s)
{
        struct call *call = s->call;

        if (s->timeout_ms)
                accounts_get(call->api->accounts, call->brand->id, &call->session.address,
                             record_read, s);
        else
                set(s);
}

static enum errc check(struct call *call, struct request *request, struct err *err)
{
        if (call_query(call, NULL, NULL, 0, err) ||
            call_fields(call, request, fields, sizeof fields / sizeof *fields, err))
                return err->code;
        if (request->timeout_ms && request->timeout_ms < DEAD_MAN_MIN_MS)
                return err_field(err, E_INVALID, "timeoutMs",
                                 "must be at least %d: the venue's own timer takes no less",
                                 DEAD_MAN_MIN_MS);
        if (!call->api->dead_men->is_loaded)
                return err_set(err, E_STORE_DOWN, "%s", err_text(E_STORE_DOWN));
        if (call->api->draining)
                return err_set(err, E_DRAINING, "%s", err_text(E_DRAINING));
        if (call->brand->keys == BRAND_KEYS_NONE && request->timeout_ms)
                return err_set(err, E_AGENT,
                               "%s keeps no keys, and a dead man's switch signs while nobody is "
                               "there.",
                               call->brand->name);
        return E_OK;
}

void dead_man_set(struct call *call)
{
        struct request request = {.timeout_ms = 0};
        struct err err = {.code = E_OK};
        struct setting *s;

        if (check(call, &request, &err)) {
                call_fail(call, &err);
                return;
        }
        s = xcalloc(1, sizeof *s);
        s->call = call;
        s->timeout_ms = request.timeout_ms;
        begin(s);
}
