/* What an intent came to, written into its record: the states of its steps, the numbers of its orders, and
 * the answer, which from now on is what its Idempotency-Key gets. Where one was given before, it is that
 * answer with what is known now; where the gateway ended before it gave one, it has what the venue says. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api/problem.h"
#include "api/recovery_impl.h"
#include "base/mem.h"

static const char *const problem_members[] = {"type",         "title",  "code",
                                              "retryable",    "detail", "hint",
                                              "venueMessage", "fields", "requestId"};

static void put_text(json_t *object, const char *name, const char *value)
{
        must(json_object_set_new(object, name, value ? json_string(value) : json_null()) == 0);
}

static void put_qty(json_t *object, const char *name, struct qty value)
{
        char text[NUM_STR_MAX];

        put_text(object, name, num_print_qty(text, value));
}

/* --- words --- */

static const char *item_word(const struct recovery_item *item)
{
        if (!item->is_found)
                return "rejected";
        switch (item->item.status) {
        case ITEM_RESTING: return item->item.filled.v > 0 ? "partiallyFilled" : "resting";
        case ITEM_FILLED: return "filled";
        case ITEM_WAITING_PARENT:
        case ITEM_TRIGGER_PENDING: return "triggerPending";
        case ITEM_CANCELLED: return "cancelled";
        case ITEM_REFUSED: return "rejected";
        }
        never("item status");
}

static const struct recovery_item *item_by_name(const struct recovery_case *c, const char *id)
{
        char text[CLOID_STR_MAX];

        for (unsigned i = 0; i < c->n_items; i++) {
                const struct venue_cancel *name = &c->item[i].name;
                const char *own = name->by_cloid ? hex_print_cloid(text, &name->cloid)
                                                 : num_print(text, (int64_t)name->oid, 0, 0);
                if (strcmp(own, id) == 0)
                        return &c->item[i];
        }
        return NULL;
}

/* --- the plan's steps --- */

static void show_error(json_t *step, const struct err *err)
{
        json_t *error = json_object();

        put_text(error, "code", err_wire(err->code));
        put_text(error, "detail", err->detail);
        if (err->venue_message[0])
                put_text(error, "venueMessage", err->venue_message);
        must(json_object_set_new(step, "error", error) == 0);
}

static void show_failed(json_t *step, const struct recovery_step *s)
{
        bool is_pending = s->has_letter && s->letter.is_pending;

        put_text(step, "status", is_pending ? "skipped" : "failed");
        (void)json_object_del(step, "error");
        if (s->refusal.code)
                show_error(step, &s->refusal);
        else if (!s->note)
                put_text(step, "reason", "The venue never had it.");
}

static void show_step(json_t *step, const struct recovery_case *c, unsigned i)
{
        const struct recovery_step *s = &c->step[i];
        const char *was = json_string_value(json_object_get(step, "status"));
        char text[NUM_STR_MAX];

        if (s->note)
                put_text(step, "reason", s->note);
        if (c->steps[i].fate == RECOVER_DONE) {
                put_text(step, "status", "done");
                (void)json_object_del(step, "error");
                if (s->has_letter && s->letter.is_pending && c->moved.v)
                        put_text(step, "amount", num_print_usd(text, c->moved));
        } else if (!was || (strcmp(was, "skipped") != 0 && strcmp(was, "failed") != 0)) {
                show_failed(step, s);
        }
}

static void show_put_back(json_t *plan, const struct recovery_case *c)
{
        json_t *step = json_object();

        for (unsigned i = 0; i < c->plan.n; i++) {
                const struct letter *l = &c->step[i].letter;
                if (!c->steps[i].has_before)
                        continue;
                put_text(step, "action", "setLeverage");
                put_text(step, "status", "done");
                must(json_object_set_new(step, "putBack", json_true()) == 0);
                put_text(step, "marginMode", margin_mode_name(l->mode_before));
                must(json_object_set_new(step, "leverage", json_integer(l->leverage_before)) == 0);
        }
        must(json_array_append_new(plan, step) == 0);
}

static void show_plan(json_t *root, const struct recovery_case *c)
{
        json_t *plan = json_object_get(root, "plan");

        if (!json_is_array(plan)) {
                plan = json_array();
                must(json_object_set_new(root, "plan", plan) == 0);
                for (unsigned i = 0; i < c->plan.n; i++) {
                        json_t *step = json_object();
                        put_text(step, "action", c->intent.step[i].action);
                        must(json_array_append_new(plan, step) == 0);
                }
        }
        for (unsigned i = 0; i < c->plan.n; i++)
                if (json_is_object(json_array_get(plan, i)))
                        show_step(json_array_get(plan, i), c, i);
        if (c->was_put_back)
                show_put_back(plan, c);
}

/* --- orders and cancels --- */

/* What was asked about; where the run knew it by itself, its answer has it. */
static void show_order(json_t *root, const struct recovery_case *c, bool is_done)
{
        int order = recovery_case_order_step(c);
        const struct recovery_item *first = &c->item[c->step[order].first_item];
        char id[CLOID_STR_MAX];

        put_text(root, "id", hex_print_cloid(id, &c->intent.id));
        put_text(root, "clientId", c->intent.client_id[0] ? c->intent.client_id : NULL);
        put_text(root, "symbol", c->intent.symbol);
        if (!is_done) {
                put_text(root, "orderStatus", "rejected");
                put_text(root, "filledSize", "0");
                return;
        }
        if (!first->was_asked)
                return;
        (void)json_object_del(root, "orderStatus");
        put_text(root, "status", item_word(first));
        put_qty(root, "filledSize", first->item.filled);
        if (!json_object_get(root, "averagePrice"))
                put_text(root, "averagePrice", NULL);
}

static void show_legs(json_t *root, const struct recovery_case *c)
{
        json_t *legs = json_object_get(root, "legs");

        for (size_t i = 0; i < json_array_size(legs); i++) {
                json_t *leg = json_array_get(legs, i);
                const char *id = json_string_value(json_object_get(leg, "id"));
                const struct recovery_item *item = id ? item_by_name(c, id) : NULL;
                if (item && item->was_asked)
                        put_text(leg, "status", item_word(item));
        }
}

static void name_of(char text[CLOID_STR_MAX], const struct venue_cancel *name)
{
        if (name->by_cloid)
                hex_print_cloid(text, &name->cloid);
        else
                num_print(text, (int64_t)name->oid, 0, 0);
}

/* Gone is cancelled, unless it was filled or refused before. */
static const char *cancel_word(const struct recovery_case *c, const struct recovery_item *item)
{
        if (c->steps[item->step].fate == RECOVER_DONE && !item->was_asked)
                return "cancelled";
        if (item->is_found && item->item.status != ITEM_CANCELLED)
                return "rejected";
        return c->steps[item->step].fate == RECOVER_DONE ? "cancelled" : "rejected";
}

static void show_cancels(json_t *root, const struct recovery_case *c, bool is_done)
{
        json_t *results = json_object_get(root, "results");
        char text[CLOID_STR_MAX];

        if (json_object_get(root, "id") || (!results && c->n_items == 1)) {
                if (!json_object_get(root, "id")) {
                        name_of(text, &c->item[0].name);
                        put_text(root, "id", text);
                }
                put_text(root, is_done ? "status" : "orderStatus",
                         is_done ? "cancelled" : "rejected");
                return;
        }
        if (!results) {
                results = json_array();
                must(json_object_set_new(root, "results", results) == 0);
                must(json_object_set_new(root, "more", json_false()) == 0);
        }
        for (unsigned i = 0; i < c->n_items; i++) {
                json_t *row = json_array_get(results, i);
                if (!row) {
                        row = json_object();
                        name_of(text, &c->item[i].name);
                        put_text(row, "id", text);
                        must(json_array_append_new(results, row) == 0);
                }
                put_text(row, "status", cancel_word(c, &c->item[i]));
        }
}

/* --- a batch: its orders are told one by one --- */

static void show_result(json_t *row, const struct recovery_item *item)
{
        put_text(row, "status", item_word(item));
        put_qty(row, "filledSize", item->is_found ? item->item.filled : (struct qty){0});
        if (recovery_case_item_arrived(item))
                (void)json_object_del(row, "error");
}

static void show_batch(json_t *root, const struct recovery_case *c)
{
        json_t *results = json_object_get(root, "results");
        bool is_new = !json_is_array(results);
        char id[CLOID_STR_MAX];

        if (is_new) {
                results = json_array();
                must(json_object_set_new(root, "results", results) == 0);
        }
        for (unsigned i = 0; i < c->n_items && is_new; i++) {
                json_t *row = json_object();
                name_of(id, &c->item[i].name);
                put_text(row, "id", id);
                show_result(row, &c->item[i]);
                must(json_array_append_new(results, row) == 0);
        }
        for (size_t i = 0; i < json_array_size(results) && !is_new; i++) {
                json_t *row = json_array_get(results, i);
                const char *name = json_string_value(json_object_get(row, "id"));
                const struct recovery_item *item = name ? item_by_name(c, name) : NULL;
                if (item && item->was_asked)
                        show_result(row, item);
        }
}

/* --- the whole --- */

static void note_states(struct recovery_case *c, bool *is_done)
{
        struct store_intent *it = &c->intent;
        int order = recovery_case_order_step(c);

        *is_done = true;
        for (unsigned i = 0; i < c->plan.n; i++) {
                bool is_there = c->steps[i].fate == RECOVER_DONE;
                it->step[i].state = is_there ? INTENT_DONE : INTENT_REJECTED;
                *is_done &= is_there || c->steps[i].is_put_back;
        }
        if (recovery_case_is_batch(c))
                *is_done = true;
        else if (order >= 0)
                *is_done = c->steps[order].fate == RECOVER_DONE;
        it->state = *is_done ? INTENT_DONE : INTENT_REJECTED;
        for (unsigned i = 0; i < c->n_items; i++)
                for (unsigned k = 0; k < it->n_orders; k++)
                        if (c->item[i].is_found && c->item[i].item.oid &&
                            hex_cloid_equal(&c->item[i].name.cloid, &it->order[k].cloid))
                                it->order[k].oid = c->item[i].item.oid;
}

/* Approvals, transfers and what the gateway did by itself: nobody gets an answer to them again. */
static bool has_answer(const struct recovery_case *c)
{
        static const char *const without[] = {"approve", "withdraw", "transfer", "sweep", "repair"};

        for (size_t i = 0; i < sizeof without / sizeof *without; i++)
                if (strcmp(c->intent.kind, without[i]) == 0)
                        return false;
        return true;
}

static json_t *without_problem(const char *answer)
{
        json_t *root = answer ? json_loads(answer, 0, NULL) : NULL;

        if (!json_is_object(root)) {
                json_decref(root);
                return json_object();
        }
        if (json_is_integer(json_object_get(root, "status")))
                (void)json_object_del(root, "status");
        for (size_t k = 0; k < sizeof problem_members / sizeof *problem_members; k++)
                (void)json_object_del(root, problem_members[k]);
        return root;
}

/* The first that was refused; without a word of the venue's, it was never there. */
static void why(struct err *out, const struct recovery_case *c)
{
        for (unsigned i = 0; i < c->plan.n; i++) {
                if (c->steps[i].fate != RECOVER_REJECTED)
                        continue;
                *out = c->step[i].refusal;
                for (unsigned k = 0; k < c->step[i].n_items && !out->code; k++) {
                        const struct recovery_item *item = &c->item[c->step[i].first_item + k];
                        if (item->is_found && item->item.status == ITEM_REFUSED)
                                venue_item_err(out, &item->item);
                }
                break;
        }
        (void)err_set(out, E_VENUE_UNAVAILABLE,
                      "The venue never had it, and can't take it any more: nothing was done.");
}

static void print(struct recovery_case *c, json_t *root, bool is_done, const char *request_id)
{
        struct err err = {.code = E_OK};
        char *text = json_dumps(root, JSON_COMPACT);
        struct buf body;

        must(text);
        buf_init(&body, STORE_BLOB_MAX);
        c->intent.answer_status = 200;
        if (is_done) {
                buf_puts(&body, text);
        } else {
                size_t len = strlen(text);
                text[len - 1] = '\0'; /* the members alone */
                why(&err, c);
                problem_print(&body, &err, request_id, text + 1);
                c->intent.answer_status = err_http_status(err.code);
        }
        free(text);
        free((void *)(uintptr_t)c->intent.answer);
        c->intent.answer = buf_check(&body) ? NULL : xstrdup(buf_cstr(&body));
        buf_fini(&body);
}

void recovery_answer(struct recovery_case *c)
{
        char request_id[128] = "";
        bool is_done;
        json_t *old, *root;

        note_states(c, &is_done);
        /* Which order of a batch stood at which place follows from its key: retold.c tells of one that
         * was never answered. */
        if (!has_answer(c) || (recovery_case_is_batch(c) && !c->intent.answer))
                return;
        old = c->intent.answer ? json_loads(c->intent.answer, 0, NULL) : NULL;
        if (json_is_string(json_object_get(old, "requestId")))
                (void)text_copy(request_id, sizeof request_id,
                                json_string_value(json_object_get(old, "requestId")));
        json_decref(old);
        root = without_problem(c->intent.answer);
        if (recovery_case_is_batch(c)) {
                show_batch(root, c);
        } else {
                if (strcmp(c->intent.kind, "cancel") == 0)
                        show_cancels(root, c, is_done);
                else if (recovery_case_order_step(c) >= 0 && strcmp(c->intent.kind, "tpsl") != 0)
                        show_order(root, c, is_done);
                else if (c->intent.symbol[0])
                        put_text(root, "symbol", c->intent.symbol);
                show_legs(root, c);
                show_plan(root, c);
        }
        must(json_object_set_new(root, "recovered", json_true()) == 0);
        print(c, root, is_done, request_id);
        json_decref(root);
}
