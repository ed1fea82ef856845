#include "api/transfers.h"

#include <stdlib.h>
#include <string.h>

#include "api/admit.h"
#include "api/call.h"
#include "api/gather.h"
#include "api/handlers.h"
#include "api/letters.h"
#include "api/out.h"
#include "api/recovery.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/log.h"
#include "base/mem.h"

#define LIFE_MS     INT64_C(600000)
#define WAITING_MAX 65536

struct waiting {
        struct venue_approval what;
        int64_t expires_at;
};
struct waiting_key {
        char brand[STORE_BRAND_MAX];
        struct addr account;
        int kind;
};

struct transfers {
        struct api *api;
        struct map *waiting;
};

struct transfers *transfers_new(struct api *api)
{
        struct transfers *t = xcalloc(1, sizeof *t);

        t->api = api;
        t->waiting = map_new();
        return t;
}

void transfers_free(struct transfers *t)
{
        if (!t)
                return;
        map_free(t->waiting, free);
        free(t);
}

static struct waiting_key key_of(const struct call *call, enum venue_approval_kind kind)
{
        struct waiting_key key = {.account = call->session.address, .kind = (int)kind};

        text_copy(key.brand, sizeof key.brand, call->brand->id);
        return key;
}

/* --- what is to be signed --- */

struct ask {
        struct call *call;
        struct venue_approval what;
        struct usd fee;
};

static void drop_expired(void *cookie, const void *key, size_t key_len, void *value)
{
        struct transfers *t = cookie;

        if (((const struct waiting *)value)->expires_at <= state_now(t->api))
                free(map_take(t->waiting, key, key_len));
}

/* The newest asked for is the one that can be signed. */
static enum errc put_aside(struct ask *ask, int64_t expires_at)
{
        struct transfers *t = ask->call->api->transfers;
        struct waiting_key key = key_of(ask->call, ask->what.kind);
        struct waiting *w;

        if (map_size(t->waiting) >= WAITING_MAX)
                map_each(t->waiting, drop_expired, t);
        if (map_size(t->waiting) >= WAITING_MAX)
                return E_RATE_LIMITED;
        w = xcalloc(1, sizeof *w);
        *w = (struct waiting){.what = ask->what, .expires_at = expires_at};
        free(map_put(t->waiting, &key, sizeof key, w));
        return E_OK;
}

static void members(struct buf *out, const struct venue_approval *what, struct usd fee)
{
        char address[ADDR_STR_MAX];

        out_usd(out, "amount", what->amount);
        if (what->kind == APPROVE_WITHDRAWAL) {
                struct usd arrives = {what->amount.v - fee.v};
                out_text(out, "destination", hex_print_addr(address, &what->destination));
                out_usd(out, "fee", fee);
                out_usd(out, "arrives", arrives);
        } else {
                out_text(out, "to", what->to_perps ? "perps" : "spot");
                out_text(out, "dex", what->dex[0] ? what->dex : NULL);
        }
}

static void show(struct ask *ask)
{
        struct call *call = ask->call;
        struct venue *venue = call->api->o.venue;
        int64_t expires_at = state_now(call->api) + LIFE_MS;
        struct hash32 digest;
        struct buf body;
        enum errc rc;

        buf_init(&body, 65536);
        buf_putc(&body, '{');
        members(&body, &ask->what, ask->fee);
        out_int(&body, "expiresAt", expires_at);
        out_key(&body, "typedData");
        rc = venue->ops->approval_prepare(venue, &body, &digest, &ask->what);
        if (!rc)
                rc = put_aside(ask, expires_at);
        buf_putc(&body, '}');
        if (rc) {
                buf_fini(&body);
                call_fail_code(call, rc);
        } else {
                call_reply(call, 200, &body);
        }
        free(ask);
}

/* What can't leave is told before anybody signs for it. */
static void account_read(void *cookie, const struct err *err, struct venue_account *account)
{
        struct ask *ask = cookie;
        char has[NUM_STR_MAX], given[NUM_STR_MAX];
        struct err why = *err;

        if (!why.code && ask->what.amount.v > account->withdrawable.v)
                (void)err_field(&why, E_MARGIN, "amount", "%s is more than the %s that can leave",
                                num_print_usd(given, ask->what.amount),
                                num_print_usd(has, account->withdrawable));
        if (!why.code) {
                show(ask);
                return;
        }
        call_fail(ask->call, &why);
        free(ask);
}

struct ask_request {
        struct usd amount;
        struct addr destination;
        unsigned chain_id;
        int to;
        char dex[DEX_NAME_MAX];
};

static const char *const to_words[] = {"spot", "perps", NULL};

#define AMOUNT_FIELD                                                                               \
        {                                                                                          \
                .name = "amount", .type = FIELD_USD, .required = true,                             \
                .offset = offsetof(struct ask_request, amount), .present = FIELD_NO_FLAG           \
        }
#define CHAIN_FIELD                                                                                \
        {                                                                                          \
                .name = "chainId", .type = FIELD_UINT,                                             \
                .offset = offsetof(struct ask_request, chain_id), .present = FIELD_NO_FLAG,        \
                .size = UINT32_MAX                                                                 \
        }

static const struct field withdraw_fields[] = {
        AMOUNT_FIELD,
        CHAIN_FIELD,
        {.name = "destination",
         .type = FIELD_ADDRESS,
         .required = true,
         .offset = offsetof(struct ask_request, destination),
         .present = FIELD_NO_FLAG},
};
FIELD_TABLE(transfers_withdraw_table, withdraw_fields);
static const struct field move_fields[] = {
        AMOUNT_FIELD,
        CHAIN_FIELD,
        {.name = "to",
         .type = FIELD_WORD,
         .required = true,
         .offset = offsetof(struct ask_request, to),
         .present = FIELD_NO_FLAG,
         .words = to_words},
        {.name = "dex",
         .type = FIELD_TEXT,
         .offset = offsetof(struct ask_request, dex),
         .present = FIELD_NO_FLAG,
         .size = DEX_NAME_MAX},
};
FIELD_TABLE(transfers_move_table, move_fields);

static enum errc check_amount(const struct ask *ask, struct err *err)
{
        struct usd amount = ask->what.amount;
        char fee[NUM_STR_MAX];

        if (amount.v % NUM_MICRO)
                return err_field(err, E_INVALID, "amount", "must be whole units of 0.000001");
        if (ask->what.kind == APPROVE_WITHDRAWAL && amount.v <= ask->fee.v)
                return err_field(err, E_INVALID, "amount", "must be above the fee of %s",
                                 num_print_usd(fee, ask->fee));
        return E_OK;
}

static enum errc set_dex(struct ask *ask, const char *dex, struct err *err)
{
        struct venue_dex its;

        if (!gather_find_dex(&its, ask->call->api->o.venue, dex) || its.is_gone)
                return err_field(err, E_INVALID, "dex", "is not a dex that is traded here");
        ask->what.destination = ask->call->session.address;
        memcpy(ask->what.dex, its.name, sizeof ask->what.dex);
        memcpy(ask->what.token, its.token, sizeof ask->what.token);
        return its.token[0] ? E_OK : err_set(err, E_VENUE_UNAVAILABLE, "%s is not known yet.", dex);
}

static void nonces_ready(void *cookie, enum errc rc)
{
        struct ask *ask = cookie;
        struct call *call = ask->call;
        struct venue *venue = call->api->o.venue;

        if (!rc)
                rc = nonce_ledger_take(call->api->o.nonces, &call->session.address, 1,
                                       &ask->what.nonce);
        if (rc) {
                call_fail_code(call, rc);
                free(ask);
        } else if (ask->what.to_perps) {
                show(ask); /* what is on the spot side only the venue knows */
        } else {
                venue->ops->read_account(venue, &call->session.address, ask->what.dex, account_read,
                                         ask);
        }
}

static void start_ask(struct call *call, enum venue_approval_kind kind, const struct field *fields,
                      size_t n)
{
        struct ask_request request = {.amount = {0}};
        struct venue *venue = call->api->o.venue;
        struct ask *ask = xcalloc(1, sizeof *ask);
        struct err err = {.code = E_OK};

        ask->call = call;
        ask->fee = venue->ops->caps(venue)->withdrawal_fee;
        if (!call_fields(call, &request, fields, n, &err) && request.chain_id &&
            !brand_allows_chain(call->brand, request.chain_id))
                (void)err_field(&err, E_INVALID, "chainId", "is not a chain of this brand");
        ask->what = (struct venue_approval){
                .kind = kind,
                .chain_id = request.chain_id ? request.chain_id : call->brand->chain[0],
                .amount = request.amount,
                .destination = request.destination,
                .to_perps = request.to == 1,
        };
        if (!err.code && request.dex[0])
                (void)!set_dex(ask, request.dex, &err);
        if (!err.code && check_amount(ask, &err) == E_OK && ask->what.to_perps)
                (void)!admit_check(call, ADMIT_FUNDS_IN, &err);
        if (err.code) {
                call_fail(call, &err);
                free(ask);
        } else {
                nonce_ledger_load(call->api->o.nonces, &call->session.address, nonces_ready, ask);
        }
}

void transfers_withdraw(struct call *call)
{
        start_ask(call, APPROVE_WITHDRAWAL, withdraw_fields, 3);
}

void transfers_move(struct call *call)
{
        start_ask(call, APPROVE_CLASS_TRANSFER, move_fields, 4);
}

/* --- the wallet's signature --- */

struct submit {
        struct call *call;
        struct signature sig;
        struct venue_approval what;
        struct hash32 digest;
        struct store_intent intent;
        struct err err;
};

static void settled(void *cookie, enum errc rc)
{
        struct submit *s = cookie;
        struct call *call = s->call;
        struct venue *venue = call->api->o.venue;
        struct buf body;

        if (rc)
                log_event(LOG_ERROR, "outcome not recorded", "request", call->request_id, "code",
                          err_constant(rc), NULL);
        recovery_after(call->api->recovery, &s->intent, rc);
        call->api->open_runs--;
        if (s->err.code) {
                call_fail(call, &s->err);
        } else {
                buf_init(&body, 4096);
                buf_putc(&body, '{');
                out_text(&body, "status", "sent");
                members(&body, &s->what, venue->ops->caps(venue)->withdrawal_fee);
                buf_putc(&body, '}');
                call_reply(call, 200, &body);
        }
        free(s);
}

static void submitted(void *cookie, const struct venue_outcome *outcome)
{
        struct submit *s = cookie;
        struct store_intent *it = &s->intent;

        switch (outcome->result) {
        case VENUE_DONE: it->state = INTENT_DONE; break;
        case VENUE_REFUSED:
                it->state = INTENT_REJECTED;
                s->err = outcome->err;
                break;
        case VENUE_UNKNOWN:
                it->state = INTENT_UNKNOWN;
                (void)err_set(&s->err, E_OUTCOME_UNKNOWN,
                              "No answer came. GET /v1/account tells whether the money left.");
                break;
        }
        it->step[0].state = it->state;
        it->updated_at = state_now(s->call->api);
        store_intent_update(s->call->api->o.store, it, settled, s);
}

static void journaled(void *cookie, enum errc rc)
{
        struct submit *s = cookie;
        struct venue *venue = s->call->api->o.venue;

        if (!rc && s->call->api->ended)
                rc = E_DRAINING;
        if (rc) {
                s->call->api->open_runs--;
                call_fail_code(s->call, rc);
                free(s);
                return;
        }
        venue->ops->approval_submit(venue, &s->what, &s->sig, submitted, s);
}

/* What is moved, where to and under which nonce: the digest alone would tell nobody afterwards. */
static void describe(struct buf *out, const struct venue_approval *what)
{
        char to[ADDR_STR_MAX];

        buf_putc(out, '{');
        out_usd(out, "amount", what->amount);
        if (what->kind == APPROVE_WITHDRAWAL)
                out_text(out, "destination", hex_print_addr(to, &what->destination));
        else
                out_bool(out, "toPerps", what->to_perps);
        if (what->dex[0])
                out_text(out, "dex", what->dex);
        out_int(out, "chainId", (int64_t)what->chain_id);
        out_int(out, "nonce", (int64_t)what->nonce);
        buf_putc(out, '}');
}

static void journal(struct submit *s)
{
        struct store_intent *it = &s->intent;
        struct call *call = s->call;
        struct buf request;

        secret_random(it->id.b, sizeof it->id.b);
        text_copy(it->brand, sizeof it->brand, call->brand->id);
        it->account = it->signer = call->session.address;
        text_copy(it->kind, sizeof it->kind,
                  s->what.kind == APPROVE_WITHDRAWAL ? "withdraw" : "transfer");
        it->created_at = it->updated_at = state_now(call->api);
        text_copy(it->owner, sizeof it->owner, call->api->o.node);
        it->epoch = 1;
        it->n_steps = 1;
        text_copy(it->step[0].action, sizeof it->step[0].action, it->kind);
        it->step[0].digest = s->digest;
        it->step[0].nonce = s->what.nonce;
        buf_init(&request, 1024);
        describe(&request, &s->what);
        it->request = buf_cstr(&request);
        it->reduces_risk = s->what.kind == APPROVE_WITHDRAWAL;
        call->api->open_runs++;
        letters_insert_approval(call->api->o.store, it, call->api->o.venue, &s->what, &s->sig,
                                journaled, s);
        it->request = NULL; /* copied */
        buf_fini(&request);
}

/* The wallet may sign on any of the brand's chains. */
static enum errc match_signer(struct submit *s)
{
        struct api *api = s->call->api;
        const struct brand *b = s->call->brand;
        char expected[ADDR_STR_MAX], got[ADDR_STR_MAX];
        struct addr signer = {{0}};

        for (unsigned i = b->n_chains; i-- > 0;) {
                struct buf typed;
                enum errc rc;
                s->what.chain_id = b->chain[i];
                buf_init(&typed, 65536);
                rc = api->o.venue->ops->approval_prepare(api->o.venue, &typed, &s->digest,
                                                         &s->what);
                buf_fini(&typed);
                if (rc)
                        return err_set(&s->err, E_INTERNAL, "%s", err_text(E_INTERNAL));
                if (secp_recover(api->o.secp, &signer, &s->digest, &s->sig) == E_OK &&
                    hex_addr_equal(&signer, &s->call->session.address))
                        return E_OK;
        }
        return err_field(&s->err, E_SIGNATURE_MISMATCH, "signature", "recovers to %s, expected %s",
                         hex_print_addr(got, &signer),
                         hex_print_addr(expected, &s->call->session.address));
}

/* Taken out for good once its signature fits: it is sent once. */
static enum errc take(struct submit *s, enum venue_approval_kind kind)
{
        struct transfers *t = s->call->api->transfers;
        struct waiting_key key = key_of(s->call, kind);
        const struct waiting *w = map_get(t->waiting, &key, sizeof key);

        if (!w || w->expires_at <= state_now(t->api))
                return err_set(&s->err, E_NOT_FOUND,
                               "Nothing waits to be signed: it was sent, has expired, or was never "
                               "asked for.");
        s->what = w->what;
        if (match_signer(s) || (s->what.to_perps && admit_check(s->call, ADMIT_FUNDS_IN, &s->err)))
                return s->err.code;
        free(map_take(t->waiting, &key, sizeof key));
        return E_OK;
}

struct signature_request {
        const char *signature;
};

static const struct field signature_fields[] = {
        {.name = "signature",
         .type = FIELD_RAW,
         .required = true,
         .offset = offsetof(struct signature_request, signature),
         .present = FIELD_NO_FLAG,
         .size = 256},
};
FIELD_TABLE(transfers_signature_table, signature_fields);

static void start_submit(struct call *call, enum venue_approval_kind kind)
{
        struct signature_request request = {.signature = NULL};
        struct submit *s = xcalloc(1, sizeof *s);

        s->call = call;
        if (call_fields(call, &request, signature_fields, 1, &s->err) == E_OK &&
            secp_parse_signature(&s->sig, request.signature, strlen(request.signature)))
                (void)err_field(&s->err, E_INVALID, "signature",
                                "must be 65 bytes in hex: r, s and v");
        if (!s->err.code)
                (void)!take(s, kind);
        if (!s->err.code) {
                journal(s);
                return;
        }
        call_fail(call, &s->err);
        free(s);
}

void transfers_withdraw_submit(struct call *call)
{
        start_submit(call, APPROVE_WITHDRAWAL);
}

void transfers_move_submit(struct call *call)
{
        start_submit(call, APPROVE_CLASS_TRANSFER);
}
