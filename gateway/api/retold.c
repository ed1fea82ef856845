#include "api/retold.h"

#include <stdlib.h>
#include <string.h>

#include "api/batch.h"
#include "api/handlers.h"
#include "api/idempotency.h"
#include "api/identity.h"
#include "api/problem.h"
#include "base/mem.h"
#include "store/store_keys.h"

struct retold {
        struct call *call;
        int status;   /* the stored answer's, and then the new one's */
        json_t *root; /* owned */
        char *stored; /* owned: the answer word for word */
        bool is_changed;
        bool was_answered; /* else root is made from the journal */
        struct cloid id;   /* of the intent */
        char kind[16];
        enum intent_state state;
        unsigned n_steps;
        enum intent_state step[INTENT_STEPS_MAX];
        unsigned n_asked, next;
        json_t *asked[BATCH_MAX]; /* orders of which nothing was known; in root */
};

static const char *text(const json_t *object, const char *name)
{
        const char *s = json_string_value(json_object_get(object, name));

        return s ? s : "";
}

static bool is(const json_t *object, const char *name, const char *value)
{
        return strcmp(text(object, name), value) == 0;
}

static void set(json_t *object, const char *name, const char *value)
{
        must(json_object_set_new(object, name, json_string(value)) == 0);
}

/* --- the answer --- */

static void reply(struct retold *r)
{
        struct call *call = r->call;
        char *printed = r->is_changed ? json_dumps(r->root, JSON_COMPACT) : NULL;
        const char *body = printed ? printed : r->stored;

        if (!body)
                idempotency_say_running(call, &r->id);
        else
                call_reply_raw(call, r->status,
                               r->status < 400 ? "application/json" : "application/problem+json",
                               body, strlen(body), NULL, 0);
        free(printed);
        free(r->stored);
        json_decref(r->root);
        free(r);
}

/* Leaves what is not of the problem. */
static void strip(json_t *root)
{
        static const char *const members[] = {
                "type", "title",        "status", "code",      "retryable",  "detail",
                "hint", "venueMessage", "fields", "requestId", "orderStatus"};

        for (size_t i = 0; i < sizeof members / sizeof *members; i++)
                (void)json_object_del(root, members[i]);
}

static json_t *problem(const struct err *err, const struct call *call)
{
        struct buf body;
        json_t *json;

        buf_init(&body, 65536);
        problem_print(&body, err, call->request_id, "");
        json = json_loads(buf_cstr(&body), 0, NULL);
        must(json != NULL);
        buf_fini(&body);
        return json;
}

static void become_answer(struct retold *r)
{
        strip(r->root);
        r->status = 200;
}

static void become_problem(struct retold *r, const struct err *err)
{
        json_t *why = problem(err, r->call);

        strip(r->root);
        must(json_object_update(r->root, why) == 0);
        json_decref(why);
        r->status = err_http_status(err->code);
}

/* --- steps --- */

static void settle_step(json_t *step, bool is_done)
{
        set(step, "status", is_done ? "done" : "failed");
        (void)json_object_del(step, "error");
}

static void settle_order_step(const json_t *order, bool is_done)
{
        const json_t *plan = json_object_get(order, "plan");

        for (size_t i = 0; i < json_array_size(plan); i++) {
                json_t *step = json_array_get(plan, i);
                if (is(step, "status", "unknown") &&
                    (is(step, "action", "order") || is(step, "action", "modify")))
                        settle_step(step, is_done);
        }
}

/* The other steps, as the journal has them by now. */
static void settle_steps(struct retold *r)
{
        const json_t *plan = json_object_get(r->root, "plan");

        if (!r->was_answered || r->status == err_http_status(E_OUTCOME_UNKNOWN))
                return; /* they are the journal's, or nothing is known yet */
        for (size_t i = 0; i < json_array_size(plan) && i < r->n_steps; i++) {
                json_t *step = json_array_get(plan, i);
                bool is_known = r->step[i] == INTENT_DONE || r->step[i] == INTENT_REJECTED;
                if (!is(step, "status", "unknown") || !is_known)
                        continue;
                settle_step(step, r->step[i] == INTENT_DONE);
                r->is_changed = true;
        }
}

static bool places_order(const char *kind)
{
        return strcmp(kind, "order") == 0 || strcmp(kind, "close") == 0 ||
               strcmp(kind, "modify") == 0;
}

/* What left no order unknown is known when the journal knows it. */
static void settle_whole(struct retold *r)
{
        const json_t *results = json_object_get(r->root, "results");
        bool is_done = r->state == INTENT_DONE;
        struct err err = {.code = E_OK};

        if (r->n_asked > 0 || r->status != err_http_status(E_OUTCOME_UNKNOWN) ||
            (!is_done && r->state != INTENT_REJECTED))
                return;
        if (strcmp(r->kind, "subAccount") == 0 && is_done)
                return; /* which one it is only its list tells, and the stored answer says so */
        if (places_order(r->kind))
                is_done = false; /* what was unknown came before it: it was not sent */
        for (size_t i = 0; i < json_array_size(results); i++)
                set(json_array_get(results, i), "status", is_done ? "cancelled" : "rejected");
        if (is_done) {
                become_answer(r);
        } else {
                (void)err_set(&err, E_VENUE_UNAVAILABLE, "It did not take effect at the venue.");
                become_problem(r, &err);
        }
        if (strcmp(r->kind, "cancel") == 0 && json_object_get(r->root, "id"))
                set(r->root, is_done ? "status" : "orderStatus",
                    is_done ? "cancelled" : "rejected");
        if (strcmp(r->kind, "subTransfer") == 0 && is_done)
                set(r->root, "status", "done");
        if (places_order(r->kind))
                set(r->root, "orderStatus", "rejected");
        r->is_changed = true;
}

/* --- orders --- */

static void ask_next(struct retold *r);

static void refused(struct retold *r, json_t *order, const char *venue_message)
{
        struct err err = {.code = E_OK};

        if (venue_message[0])
                (void)err_set(&err, E_VENUE_REJECTED, "%s", err_text(E_VENUE_REJECTED));
        else
                (void)err_set(&err, E_VENUE_UNAVAILABLE,
                              "The order never stood at the venue; nothing was done.");
        (void)text_copy(err.venue_message, sizeof err.venue_message, venue_message);
        settle_order_step(order, false);
        if (order == r->root) {
                become_problem(r, &err);
                set(order, "orderStatus", "rejected");
        } else {
                must(json_object_set_new(order, "error", problem(&err, r->call)) == 0);
                set(order, "status", "rejected");
        }
        set(order, "filledSize", "0");
}

/* told: what GET /v1/orders/{id} answers. */
static void take(struct retold *r, json_t *order, const json_t *told)
{
        const char *status = text(told, "status"), *message = text(told, "venueMessage");

        if (!status[0] || strcmp(status, "unknown") == 0)
                return;
        r->is_changed = true;
        if (strcmp(status, "rejected") == 0) {
                refused(r, order, message[0] ? message : text(told, "venueStatus"));
        } else {
                if (order == r->root)
                        become_answer(r);
                (void)json_object_del(order, "error");
                set(order, "status", status);
                set(order, "filledSize", text(told, "filledSize"));
                settle_order_step(order, true);
        }
        if (!r->was_answered)
                must(json_object_update_missing(order, (json_t *)(uintptr_t)told) == 0);
}

/* Each order of a batch is in the journal before any is sent. */
static void never_sent(struct retold *r, json_t *order)
{
        if (order == r->root)
                return;
        r->is_changed = true;
        refused(r, order, "");
}

static void answered(void *cookie, int status, const char *body)
{
        struct retold *r = cookie;
        json_t *told = status == 200 ? json_loads(body, 0, NULL) : NULL;

        if (!told && status == err_http_status(E_NOT_FOUND) && !r->was_answered)
                never_sent(r, r->asked[r->next++]);
        else
                take(r, r->asked[r->next++], told);
        json_decref(told);
        ask_next(r);
}

static void ask_next(struct retold *r)
{
        const struct call *call = r->call;
        struct call *asking = NULL;

        if (r->next < r->n_asked)
                asking = call_internal(call->api, call->brand->id, &call->session.address,
                                       &call->account, METHOD_GET, "/v1/orders/{id}",
                                       text(r->asked[r->next], "id"));
        if (!asking) { /* none is left, or the brand is not served any more */
                settle_whole(r);
                settle_steps(r);
                reply(r);
                return;
        }
        asking->answered = answered;
        asking->answered_cookie = r;
        orders_get(asking);
}

static void ask_of(struct retold *r, json_t *order)
{
        const char *id = text(order, "id");

        if ((is(order, "status", "unknown") || is(order, "orderStatus", "unknown")) && id[0] &&
            strlen(id) < CALL_PARAM_MAX && r->n_asked < BATCH_MAX)
                r->asked[r->n_asked++] = order;
}

static void collect(struct retold *r)
{
        const json_t *results = json_object_get(r->root, "results");

        if (places_order(r->kind))
                ask_of(r, r->root);
        else if (strcmp(r->kind, "batch") == 0)
                for (size_t i = 0; i < json_array_size(results); i++)
                        ask_of(r, json_array_get(results, i));
}

/* --- an answer that was never given --- */

static const char *step_word(enum intent_state state)
{
        switch (state) {
        case INTENT_DONE: return "done";
        case INTENT_REJECTED: return "failed";
        case INTENT_RESERVED:
        case INTENT_SENT:
        case INTENT_UNKNOWN: return "unknown";
        }
        never("intent state");
}

static void unanswered_batch(json_t *root, struct call *call, const struct store_intent *intent)
{
        struct cloid ids[1 + 3 * BATCH_MAX];
        struct err err = {.code = E_OK};
        const json_t *orders = json_object_get(call_json(call, &err), "orders");
        json_t *results = json_array();
        int64_t day = intent->created_at / STORE_KEY_KEPT_MS;

        /* The request came on that day, or just before. */
        identity_cloids_of_day(ids, 1, call, day);
        day -= !hex_cloid_equal(&ids[0], &intent->id);
        identity_cloids_of_day(ids, 1 + 3 * BATCH_MAX, call, day);
        for (size_t i = 0; i < json_array_size(orders) && i < BATCH_MAX; i++) {
                char id[CLOID_STR_MAX];
                json_t *result = json_object();

                must(json_object_set_new(result, "index", json_integer((json_int_t)i)) == 0);
                set(result, "id", hex_print_cloid(id, &ids[1 + 3 * i]));
                set(result, "status", "unknown");
                must(json_array_append_new(results, result) == 0);
        }
        must(json_object_set_new(root, "results", results) == 0);
}

/* What the journal has of it, in the words of an answer in which nothing is known yet. */
static json_t *unanswered(struct call *call, const struct store_intent *intent)
{
        json_t *root = json_object(), *plan = json_array();
        char id[CLOID_STR_MAX];

        if (strcmp(intent->kind, "batch") == 0) {
                unanswered_batch(root, call, intent);
                json_decref(plan);
                return root;
        }
        set(root, "id", hex_print_cloid(id, &intent->id));
        if (intent->symbol[0])
                set(root, "symbol", intent->symbol);
        set(root, "orderStatus", "unknown");
        for (unsigned i = 0; i < intent->n_steps; i++) {
                json_t *step = json_object();

                set(step, "action", intent->step[i].action);
                set(step, "status", step_word(intent->step[i].state));
                must(json_array_append_new(plan, step) == 0);
        }
        must(json_object_set_new(root, "plan", plan) == 0);
        return root;
}

void retold_reply(struct call *call, const struct store_intent *intent)
{
        struct retold *r = xcalloc(1, sizeof *r);

        r->call = call;
        r->id = intent->id;
        r->was_answered = intent->answer != NULL;
        if (r->was_answered) {
                r->status = intent->answer_status;
                r->stored = xstrdup(intent->answer);
                r->root = json_loads(intent->answer, 0, NULL);
        } else {
                r->status = strcmp(intent->kind, "batch") == 0 ? 200
                                                               : err_http_status(E_OUTCOME_UNKNOWN);
                r->root = unanswered(call, intent);
        }
        if (!r->root) /* an older program's: as it is */
                r->root = json_object();
        text_copy(r->kind, sizeof r->kind, intent->kind);
        r->state = intent->state;
        r->n_steps = intent->n_steps;
        for (unsigned i = 0; i < intent->n_steps; i++)
                r->step[i] = intent->step[i].state;
        collect(r);
        ask_next(r);
}
