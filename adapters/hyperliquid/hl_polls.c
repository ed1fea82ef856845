#include "adapters/hyperliquid/hl_polls.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/hyperliquid/hl_reads.h"
#include "base/attr.h"
#include "base/mem.h"

#define BODY_MAX 256
#define USER_MAX 48 /* of a body: an address, its quotes and a comma */

/* One account, or its orders. Waiting for others of its dex, or under way. */
struct poll {
        struct list at; /* in venue's waiting, or in a batch */
        struct hl_venue *v;
        struct addr user;
        char dex[DEX_NAME_MAX];
        venue_account_fn *account_done;
        venue_orders_fn *orders_done;
        void *cookie;
};

struct batch {
        struct hl_venue *v;
        struct list polls; /* in the order of the request */
};

static struct poll *poll_new(struct hl_venue *v, const struct addr *user, const char *dex,
                             void *cookie)
{
        struct poll *poll = xcalloc(1, sizeof *poll);

        list_init(&poll->at);
        poll->v = v;
        poll->user = *user;
        must(text_copy(poll->dex, sizeof poll->dex, dex));
        poll->cookie = cookie;
        return poll;
}

static void put_dex(struct buf *body, const char *dex)
{
        if (!dex[0])
                return;
        buf_puts(body, ",\"dex\":");
        buf_put_json(body, dex, strlen(dex));
}

static void post_one(struct poll *poll, enum hl_rest_kind kind, http_client_done *done)
{
        char text[ADDR_STR_MAX];
        struct buf body;

        buf_init(&body, BODY_MAX);
        buf_printf(&body, "{\"type\":\"%s\",\"user\":\"%s\"", hl_rest_kind_name(kind),
                   hex_print_addr(text, &poll->user));
        put_dex(&body, poll->dex);
        buf_putc(&body, '}');
        must(buf_check(&body) == E_OK);
        hl_node_post(poll->v->node, body.data, body.len, poll->v->read_deadline_ms, done, poll);
        buf_fini(&body);
}

/* The JSON of what the node said, new; else err, and the node is left alone for a while. */
static json_t *load(struct hl_venue *v, const struct http_answer *answer, enum hl_rest_kind kind,
                    struct err *err)
{
        json_t *root = hl_reads_load(answer, E_OK, kind, err);

        if (!root)
                hl_node_fail(v->node, err->detail);
        return root;
}

/* ---- Accounts, one by one ---- */

static void tell_account(struct poll *poll, struct err *err, const json_t *state)
{
        struct venue_account account = {0};

        if (state)
                (void)!hl_reads_take_account(poll->v, &account, poll->dex, state, err);
        account.may_be_late = true;
        poll->account_done(poll->cookie, err, &account);
        free(account.position); /* unless the callee took it */
        free(poll);
}

static void on_account(void *cookie, const struct http_answer *answer)
{
        struct poll *poll = cookie;
        struct err err = {0};
        json_t *root = load(poll->v, answer, HL_REST_ACCOUNT, &err);

        tell_account(poll, &err, root);
        json_decref(root);
}

/* ---- Accounts, many at once ---- */

static struct poll *find(struct batch *batch, const struct addr *user)
{
        list_each (it, &batch->polls) {
                struct poll *poll = list_entry(it, struct poll, at);

                if (hex_addr_equal(&poll->user, user))
                        return poll;
        }
        return NULL;
}

static void tell_next(struct poll *poll, struct err *err, const json_t *state)
{
        list_remove(&poll->at);
        if (!state)
                (void)hl_parse_failed(err, "batchClearinghouseStates", "an account is missing");
        tell_account(poll, err, state);
}

/* Pairs of an address and its state; those that failed are absent. The first of the batch is the
 * likely one: nodes keep the order. */
static void take_pairs(struct batch *batch, const json_t *pairs)
{
        for (size_t i = 0; i < json_array_size(pairs); i++) {
                const json_t *pair = json_array_get(pairs, i);
                size_t len = 0;
                const char *text = hl_raw_text(json_array_get(pair, 0), &len);
                const json_t *state = json_array_get(pair, 1);
                struct err err = {0};
                struct addr user;
                struct poll *poll = NULL;

                if (text && !hex_parse_addr(&user, text, len))
                        poll = find(batch, &user);
                if (poll && json_is_object(state))
                        tell_next(poll, &err, state);
        }
}

/* The states alone, in the order of the request; null for one that failed. */
static void take_row(struct batch *batch, const json_t *states)
{
        size_t i = 0;

        list_each_safe (it, &batch->polls) {
                const json_t *state = json_array_get(states, i++);
                struct err err = {0};

                tell_next(list_entry(it, struct poll, at), &err,
                          json_is_object(state) ? state : NULL);
        }
}

static size_t length(const struct list *list)
{
        size_t n = 0;

        list_each (it, list)
                n++;
        return n;
}

static void on_batch(void *cookie, const struct http_answer *answer)
{
        struct batch *batch = cookie;
        struct err err = {0};
        json_t *root = load(batch->v, answer, HL_REST_ACCOUNT, &err);
        const json_t *pairs = json_object_get(root, "successful_states");

        if (json_is_array(pairs)) {
                take_pairs(batch, pairs);
        } else if (json_is_array(root) && json_array_size(root) == length(&batch->polls)) {
                take_row(batch, root);
        } else if (root) {
                batch->v->bad_answers++;
                hl_node_fail(batch->v->node, "its accounts were not understood");
        }
        while (!list_empty(&batch->polls)) {
                struct err one = err;

                tell_next(list_entry(batch->polls.next, struct poll, at), &one, NULL);
        }
        json_decref(root);
        free(batch);
}

static void post_batch(struct batch *batch, const char *dex, size_t n)
{
        const char *comma = "";
        struct buf body;

        buf_init(&body, BODY_MAX + n * USER_MAX);
        buf_puts(&body, "{\"type\":\"batchClearinghouseStates\",\"users\":[");
        list_each (it, &batch->polls) {
                char text[ADDR_STR_MAX];

                buf_printf(&body, "%s\"%s\"", comma,
                           hex_print_addr(text, &list_entry(it, struct poll, at)->user));
                comma = ",";
        }
        buf_putc(&body, ']');
        put_dex(&body, dex);
        buf_putc(&body, '}');
        must(buf_check(&body) == E_OK);
        hl_node_post(batch->v->node, body.data, body.len, batch->v->read_deadline_ms, on_batch,
                     batch);
        buf_fini(&body);
}

/* Those that wait and are of the first one's dex, each address once, as many as may go together. */
static void send_batch(struct hl_venue *v)
{
        struct batch *batch = xcalloc(1, sizeof *batch);
        char dex[DEX_NAME_MAX];
        size_t n = 0;

        batch->v = v;
        list_init(&batch->polls);
        memcpy(dex, list_entry(v->polls.next, struct poll, at)->dex, sizeof dex);
        list_each_safe (it, &v->polls) {
                struct poll *poll = list_entry(it, struct poll, at);

                if (n == v->accounts_per_read || strcmp(poll->dex, dex) != 0 ||
                    find(batch, &poll->user))
                        continue;
                list_remove(&poll->at);
                list_push_back(&batch->polls, &poll->at);
                n++;
        }
        post_batch(batch, dex, n);
}

static void on_flush(void *cookie)
{
        struct hl_venue *v = cookie;

        while (!list_empty(&v->polls))
                send_batch(v);
}

/* ---- The ops ---- */

void hl_polls_account(struct venue *venue, const struct addr *user, const char *dex,
                      venue_account_fn *done, void *cookie)
{
        struct hl_venue *v = hl_venue_of(venue);
        struct poll *poll;

        if (!hl_node_is_fresh(v->node)) {
                hl_reads_account(venue, user, dex, done, cookie);
                return;
        }
        poll = poll_new(v, user, dex, cookie);
        poll->account_done = done;
        if (v->accounts_per_read < 2) {
                post_one(poll, HL_REST_ACCOUNT, on_account);
                return;
        }
        list_push_back(&v->polls, &poll->at);
        loop_timer_start(v->flush, 0, 0);
}

static void on_orders(void *cookie, const struct http_answer *answer)
{
        struct poll *poll = cookie;
        struct hl_venue *v = poll->v;
        struct venue_open_order *orders = NULL;
        struct err err = {0};
        json_t *root;
        size_t n = 0;

        /* A node may lack the type: then it is the venue that is asked from now on. */
        v->node_lacks_orders = answer->result == HTTP_ANSWERED && answer->status == 422;
        root = hl_reads_load(answer, E_OK, HL_REST_OPEN_ORDERS, &err);
        if (!root && !v->node_lacks_orders)
                hl_node_fail(v->node, err.detail);
        if (root)
                v->bad_answers += hl_parse_orders(&orders, &n, root, &v->markets, &err) != E_OK;
        n = hl_markets_pick_orders(&v->markets, poll->dex, orders, n);
        poll->orders_done(poll->cookie, &err, orders, n);
        free(orders);
        free(poll);
        json_decref(root);
}

void hl_polls_orders(struct venue *venue, const struct addr *user, const char *dex,
                     venue_orders_fn *done, void *cookie)
{
        struct hl_venue *v = hl_venue_of(venue);
        struct poll *poll;

        if (!hl_node_is_fresh(v->node) || v->node_lacks_orders) {
                hl_reads_open_orders(venue, user, dex, done, cookie);
                return;
        }
        poll = poll_new(v, user, dex, cookie);
        poll->orders_done = done;
        post_one(poll, HL_REST_OPEN_ORDERS, on_orders);
}

void hl_polls_budget(const struct hl_venue *v, struct venue_budget *out)
{
        if (!v->node)
                return;
        out->polls_late_ms = hl_node_lag_ms(v->node);
        if (!hl_node_is_fresh(v->node))
                return;
        out->free_polls =
                v->accounts_per_read > HL_NODE_IN_FLIGHT ? v->accounts_per_read : HL_NODE_IN_FLIGHT;
}

/* ---- Life ---- */

void hl_polls_open(struct hl_venue *v, unsigned accounts_per_read)
{
        list_init(&v->polls);
        v->accounts_per_read = accounts_per_read;
        v->flush = loop_timer_new(v->loop, on_flush, v);
}

void hl_polls_close(struct hl_venue *v)
{
        loop_timer_free(v->flush);
        v->flush = NULL;
        on_flush(v);
        hl_node_end(v->node);
}
