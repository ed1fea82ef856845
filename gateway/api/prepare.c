#include "api/prepare.h"

#include <stdlib.h>
#include <string.h>

#include "api/admit.h"
#include "api/handlers.h"
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
        struct addr account, wallet;
        uint64_t number;
        int64_t expires_at;
};

struct prepare {
        struct api *api;
        struct map *waiting; /* id -> struct waiting */
        uint64_t n_made;     /* so far: their order, many in one millisecond */
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
        struct waiting *oldest;         /* of the account */
        struct waiting *oldest_opening; /* of all */
};

static void note_older(struct waiting **oldest, struct waiting *w)
{
        if (!*oldest || w->number < (*oldest)->number)
                *oldest = w;
}

static void count_or_drop(void *cookie, const void *key, size_t key_len, void *value)
{
        struct tally *tally = cookie;
        struct waiting *w = value;

        if (w->expires_at <= state_now(tally->prepare->api)) {
                drop(map_take(tally->prepare->waiting, key, key_len));
                return;
        }
        if (pipeline_opens_risk(w->run))
                note_older(&tally->oldest_opening, w);
        if (!hex_addr_equal(&w->wallet, &tally->call->session.address) ||
            strcmp(w->brand, tally->call->brand->id) != 0)
                return;
        tally->n_of_account++;
        note_older(&tally->oldest, w);
}

static void drop_oldest(struct prepare *p, struct waiting *oldest)
{
        must(map_take(p->waiting, oldest->id.b, sizeof oldest->id.b) == oldest);
        drop(oldest);
}

/* Plans that nobody signed must keep nobody from closing: an account's newest take the place of its
 * oldest, and where there is no room at all, what reduces takes that of what opens. */
static enum errc make_room(struct prepare *p, const struct run *run, struct err *err)
{
        struct tally tally = {.prepare = p, .call = run->call};

        map_each(p->waiting, count_or_drop, &tally);
        if (tally.n_of_account >= PER_ACCOUNT_MAX)
                drop_oldest(p, tally.oldest);
        if (map_size(p->waiting) < WAITING_MAX)
                return E_OK;
        if (pipeline_opens_risk(run) || !tally.oldest_opening)
                return err_set(err, E_RATE_LIMITED, "%s", err_text(E_RATE_LIMITED));
        drop_oldest(p, tally.oldest_opening);
        return E_OK;
}

/* A cancel has no risk that could be told, and what is about no market has none. */
static void put_plan(struct buf *body, const struct run *run)
{
        out_plan(body, &run->plan);
        if (!pipeline_has_market(run->q.kind))
                out_null(body, "risk");
        else
                out_risk(body, &run->plan.risk, run->market.collateral);
        buf_putc(body, '}');
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
        put_plan(&body, w->run);
        call_reply(call, 200, &body);
}

void prepare_nothing(struct run *run)
{
        struct call *call = run->call;
        struct buf body;

        buf_init(&body, 1u << 20);
        buf_puts(&body, "{\"id\":null,\"expiresAt\":null,\"sign\":[]");
        put_plan(&body, run);
        run->call = NULL;
        call_reply(call, 200, &body);
        pipeline_free(run);
}

void prepare_keep(struct prepare *p, struct run *run, struct buf *steps)
{
        struct call *call = run->call;
        struct waiting *w;

        if (make_room(p, run, &run->err)) {
                pipeline_fail(run);
                return;
        }
        w = xcalloc(1, sizeof *w);
        secret_random(w->id.b, sizeof w->id.b);
        w->run = run;
        text_copy(w->brand, sizeof w->brand, call->brand->id);
        w->account = call->account;
        w->wallet = call->session.address;
        w->expires_at = (int64_t)run->intent.step[0].expires_after;
        w->number = run->api->prepare->n_made++;
        if (!run->asked)
                run->asked = xstrdup(call->body);
        run->call = NULL;
        run->api->open_runs--; /* it waits for its trader, and no drain for it */
        map_put(p->waiting, w->id.b, sizeof w->id.b, w);
        answer_prepared(call, w, steps);
}

/* --- what is asked --- */

static const char *const prepare_words[] = {"true", NULL};
static const struct field query_fields[] = {
        {.name = "prepare",
         .type = FIELD_WORD,
         .offset = offsetof(struct prepare_query, prepare),
         .present = offsetof(struct prepare_query, has_prepare),
         .words = prepare_words},
        {.name = "symbol",
         .type = FIELD_TEXT,
         .offset = offsetof(struct prepare_query, symbol),
         .present = offsetof(struct prepare_query, has_symbol),
         .size = SYMBOL_MAX},
};
const struct field_table prepare_query_table = {query_fields, 1};
const struct field_table prepare_cancel_table = {query_fields, 2};

enum errc prepare_read_query(struct prepare_query *query, struct call *call, bool takes_symbol,
                             struct err *err)
{
        const struct field_table *table =
                takes_symbol ? &prepare_cancel_table : &prepare_query_table;

        return call_query(call, query, table->field, table->n, err);
}

enum errc prepare_is_asked(struct run_request *request, struct call *call, struct err *err)
{
        struct prepare_query query = {.has_prepare = false};
        bool is_of_many = request->kind == RUN_CANCEL && !request->cancel_single;
        enum errc rc;

        if (request->preview)
                return E_OK;
        rc = prepare_read_query(&query, call, is_of_many, err);
        if (query.has_prepare || call->brand->keys == BRAND_KEYS_NONE)
                request->prepare = true;
        return rc;
}

void prepare_order(struct call *call)
{
        struct run_request request = {.kind = RUN_PLACE, .prepare = true};
        struct err err = {.code = E_OK};
        const json_t *json = call_json(call, &err);

        if (!json || order_fields_read(&request.order, json, &err)) {
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
        struct signature sig[PLAN_STEPS_MAX];   /* as they came */
        struct signature given[PLAN_STEPS_MAX]; /* by step */
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
            !hex_addr_equal(&w->account, &s->call->account) ||
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

/* All are made by one key. They come in the order of the steps that can be signed; given is by step. */
static enum errc recover(struct submit *s, const struct run *run, struct err *err)
{
        unsigned n = 0, k = 0;

        for (unsigned i = 0; i < run->plan.n_steps; i++)
                n += run_journal_can_prepare(run, i);
        if (s->n != n)
                return err_field(err, E_INVALID, "signatures", "must be %u, one for each step", n);
        for (unsigned i = 0; i < run->plan.n_steps; i++) {
                struct addr signer = {{0}};
                if (!run_journal_can_prepare(run, i))
                        continue;
                s->given[i] = s->sig[k++];
                if (secp_recover(s->call->api->o.secp, &signer, &run->intent.step[i].digest,
                                 &s->given[i]))
                        return mismatch(s, &signer, err);
                if (k > 1 && !hex_addr_equal(&signer, &s->signer))
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
        memcpy(run->given, s->given, sizeof run->given);
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
        else if (pipeline_admit(w->run, s->call, &err) == E_OK)
                (void)!recover(s, w->run, &err);
        if (err.code)
                fail(s, &err);
        else if (hex_addr_equal(&s->signer, &s->call->session.address))
                send_plan(s);
        else
                venue->ops->read_agent(venue, &s->call->session.address, &s->signer, agent_read, s);
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
        else
                check_signatures(s);
}
