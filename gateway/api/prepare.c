#include "api/prepare.h"

#include <stdlib.h>
#include <string.h>

#include "api/admit.h"
#include "api/handlers.h"
#include "api/identity.h"
#include "api/order_fields.h"
#include "api/out.h"
#include "api/run.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"

#define WAITING_MAX     1024 /* in all */
#define PER_ACCOUNT_MAX 16

struct waiting {
        struct cloid id;
        struct run *run; /* owned; without a call */
        char brand[BRAND_ID_MAX];
        struct addr account;
        int64_t expires_at;
};

struct prepare {
        struct api *api;
        struct map *waiting; /* id -> struct waiting */
};

static void drop(void *value)
{
        struct waiting *w = value;

        w->run->api->open_runs++; /* which it gave back when it was put aside */
        pipeline_free(w->run);
        free(w);
}

struct prepare *prepare_new(struct api *api)
{
        struct prepare *p = xcalloc(1, sizeof *p);

        p->api = api;
        p->waiting = map_new();
        return p;
}

void prepare_free(struct prepare *p)
{
        if (!p)
                return;
        map_free(p->waiting, drop);
        free(p);
}

/* --- what waits --- */

struct tally {
        struct prepare *prepare;
        const struct call *call;
        unsigned n_of_account;
};

static void count_or_drop(void *cookie, const void *key, size_t key_len, void *value)
{
        struct tally *tally = cookie;
        struct waiting *w = value;

        if (w->expires_at <= state_now(tally->prepare->api))
                drop(map_take(tally->prepare->waiting, key, key_len));
        else if (hex_addr_equal(&w->account, &tally->call->session.address) &&
                 strcmp(w->brand, tally->call->brand->id) == 0)
                tally->n_of_account++;
}

static enum errc make_room(struct prepare *p, const struct call *call, struct err *err)
{
        struct tally tally = {.prepare = p, .call = call};

        map_each(p->waiting, count_or_drop, &tally);
        if (tally.n_of_account >= PER_ACCOUNT_MAX)
                return err_set(err, E_RATE_LIMITED,
                               "%d prepared plans of this account wait for signatures; submit one "
                               "or let it expire.",
                               PER_ACCOUNT_MAX);
        if (map_size(p->waiting) >= WAITING_MAX)
                return err_set(err, E_RATE_LIMITED, "%s", err_text(E_RATE_LIMITED));
        return E_OK;
}

static void answer_prepared(struct call *call, const struct waiting *w, struct buf *steps)
{
        char id[CLOID_STR_MAX];
        struct buf body;

        buf_init(&body, 1u << 20);
        buf_putc(&body, '{');
        out_text(&body, "id", hex_print_cloid(id, &w->id));
        out_int(&body, "expiresAt", w->expires_at);
        out_key(&body, "sign");
        buf_put(&body, steps->data, steps->len);
        out_plan(&body, &w->run->plan);
        out_risk(&body, &w->run->plan.risk, w->run->market.collateral);
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

void prepare_keep(struct prepare *p, struct run *run, struct buf *steps)
{
        struct call *call = run->call;
        struct waiting *w;

        if (make_room(p, call, &run->err)) {
                pipeline_fail(run);
                return;
        }
        w = xcalloc(1, sizeof *w);
        secret_random(w->id.b, sizeof w->id.b);
        w->run = run;
        text_copy(w->brand, sizeof w->brand, call->brand->id);
        w->account = call->session.address;
        w->expires_at = (int64_t)run->intent.step[0].expires_after;
        run->asked = xstrdup(call->body);
        run->call = NULL;
        run->api->open_runs--; /* it waits for its trader, and no drain for it */
        map_put(p->waiting, w->id.b, sizeof w->id.b, w);
        answer_prepared(call, w, steps);
}

void prepare_order(struct call *call)
{
        struct run_request request = {.kind = RUN_PREPARE};
        struct err err = {.code = E_OK};
        const json_t *json = call_json(call, &err);

        if (call->brand->keys != BRAND_KEYS_NONE)
                (void)err_set(&err, E_FORBIDDEN,
                              "%s signs with the trader's agent: POST /v1/orders.",
                              call->brand->name);
        else if (json && !order_fields_read(&request.order, json, &err) &&
                 request.order.sizing == SIZING_MARGIN)
                (void)err_field(&err, E_INVALID, "margin",
                                "can't be prepared: what is to be moved is only known after the "
                                "fill; use size or notional");
        if (err.code) {
                call_fail(call, &err);
                return;
        }
        text_copy(request.symbol, sizeof request.symbol, request.order.symbol);
        pipeline_start(call, &request);
}

/* --- the signatures --- */

struct submit {
        struct call *call;
        struct cloid id;
        struct addr signer;
        unsigned n;
        struct signature sig[PLAN_STEPS_MAX];
};

static void fail(struct submit *s, const struct err *err)
{
        call_fail(s->call, err);
        free(s);
}

static void fail_code(struct submit *s, enum errc code)
{
        struct err err = {.code = code};

        fail(s, &err);
}

/* The plan of that id, if it is this trader's and still good. */
static struct waiting *find(const struct submit *s)
{
        struct waiting *w = map_get(s->call->api->prepare->waiting, s->id.b, sizeof s->id.b);

        if (!w || w->expires_at <= state_now(s->call->api) ||
            !hex_addr_equal(&w->account, &s->call->session.address) ||
            strcmp(w->brand, s->call->brand->id) != 0)
                return NULL;
        return w;
}

static enum errc mismatch(const struct submit *s, const struct addr *signer, struct err *err)
{
        char expected[ADDR_STR_MAX], got[ADDR_STR_MAX];

        return err_field(err, E_SIGNATURE_MISMATCH, "signatures",
                         "recovers to %s, expected %s or an agent of it",
                         hex_print_addr(got, signer),
                         hex_print_addr(expected, &s->call->session.address));
}

/* All are made by one key. */
static enum errc recover(struct submit *s, const struct run *run, struct err *err)
{
        if (s->n != run->plan.n_steps)
                return err_field(err, E_INVALID, "signatures", "must be %u, one for each step",
                                 run->plan.n_steps);
        for (unsigned i = 0; i < s->n; i++) {
                struct addr signer = {{0}};
                if (secp_recover(s->call->api->o.secp, &signer, &run->intent.step[i].digest,
                                 &s->sig[i]))
                        return mismatch(s, &signer, err);
                if (i > 0 && !hex_addr_equal(&signer, &s->signer))
                        return mismatch(s, &signer, err);
                s->signer = signer;
        }
        return E_OK;
}

/* Out of the table for good: whatever comes of it, it is not sent again. */
static void send_plan(struct submit *s)
{
        struct waiting *w = find(s);
        struct run *run;

        if (!w) {
                fail_code(s, E_NOT_FOUND);
                return;
        }
        must(map_take(s->call->api->prepare->waiting, s->id.b, sizeof s->id.b) == w);
        run = w->run;
        free(w);
        run->account.agent = s->signer;
        memcpy(run->given, s->sig, sizeof run->given);
        run->is_given = true;
        pipeline_resume(run, s->call);
        free(s);
}

static void agent_read(void *cookie, const struct err *err, int64_t is_agent)
{
        struct submit *s = cookie;
        struct err why = *err;

        if (!why.code && !is_agent)
                (void)mismatch(s, &s->signer, &why);
        if (why.code)
                fail(s, &why);
        else
                send_plan(s);
}

static enum errc read_signatures(struct submit *s, const json_t *list, struct err *err)
{
        s->n = (unsigned)json_array_size(list);
        if (!json_is_array(list) || s->n == 0 || s->n > PLAN_STEPS_MAX)
                return err_field(err, E_INVALID, "signatures",
                                 "must be an array with one signature for each step");
        for (unsigned i = 0; i < s->n; i++) {
                const json_t *one = json_array_get(list, i);
                if (!json_is_string(one) || secp_parse_signature(&s->sig[i], json_string_value(one),
                                                                 json_string_length(one)))
                        return err_field(err, E_INVALID, "signatures",
                                         "each must be 65 bytes in hex: r, s and v");
        }
        return E_OK;
}

struct submit_request {
        const char *id;
        const json_t *signatures;
};

static const struct field fields[] = {
        {.name = "id",
         .type = FIELD_RAW,
         .required = true,
         .offset = offsetof(struct submit_request, id),
         .present = FIELD_NO_FLAG,
         .size = CLOID_STR_MAX},
        {.name = "signatures",
         .type = FIELD_STRINGS,
         .required = true,
         .offset = offsetof(struct submit_request, signatures),
         .present = FIELD_NO_FLAG,
         .size = PLAN_STEPS_MAX},
};
FIELD_TABLE(prepare_submit_table, fields);

static void check_signatures(struct submit *s)
{
        struct venue *venue = s->call->api->o.venue;
        const struct waiting *w = find(s);
        struct err err = {.code = E_OK};

        if (!w)
                (void)err_set(&err, E_NOT_FOUND,
                              "No prepared plan waits under this id: it was sent, or has expired.");
        else if (w->run->q.order.reduce_only || admit_check(s->call, ADMIT_OPENING, &err) == E_OK)
                (void)!recover(s, w->run, &err);
        if (err.code)
                fail(s, &err);
        else if (hex_addr_equal(&s->signer, &s->call->session.address))
                send_plan(s);
        else
                venue->ops->read_agent(venue, &s->call->session.address, &s->signer, agent_read, s);
}

/* A plan that was sent waits no more: the same request again is recognised before it is looked for. */
static void key_looked_up(void *cookie, enum errc rc, const struct store_intent *intent)
{
        struct submit *s = cookie;
        struct call *call = s->call;
        uint8_t digest[IDENTITY_DIGEST_BYTES];
        struct err err = {.code = E_OK};

        if (rc == E_NOT_FOUND) {
                check_signatures(s);
                return;
        }
        identity_digest(digest, call);
        if (rc)
                (void)err_set(&err, rc, "%s", err_text(rc));
        else if (memcmp(intent->request_digest, digest, sizeof digest) != 0)
                (void)err_set(&err, E_IDEMPOTENCY,
                              "This Idempotency-Key was used with another request.");
        else if (!intent->answer)
                (void)err_set(&err, E_IDEMPOTENCY,
                              "The first request with this Idempotency-Key has no answer yet.");
        if (err.code) {
                fail(s, &err);
                return;
        }
        call->replayed = true;
        call_reply_raw(call, intent->answer_status,
                       intent->answer_status < 400 ? "application/json"
                                                   : "application/problem+json",
                       intent->answer, strlen(intent->answer), NULL, 0);
        free(s);
}

void prepare_submit(struct call *call)
{
        struct submit_request request = {.id = NULL};
        struct submit *s = xcalloc(1, sizeof *s);
        struct err err = {.code = E_OK};

        s->call = call;
        if (call_fields(call, &request, fields, 2, &err) ||
            read_signatures(s, request.signatures, &err)) {
                fail(s, &err);
                return;
        }
        if (hex_parse_cloid(&s->id, request.id, strlen(request.id)))
                fail_code(s, E_NOT_FOUND);
        else if (call->key[0])
                store_intent_by_key(call->api->o.store, call->brand->id, &call->session.address,
                                    call->key, key_looked_up, s);
        else
                check_signatures(s);
}
