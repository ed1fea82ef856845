/* A request is in exactly one list: waiting (orders, reads or the past), flying, or refused. The pump moves
 * waiting ones on: into the network when the budget has their weight, into refused when their
 * deadline passes. Refused ones are told from a timer, so that no callback fires early. */
#include "adapters/hyperliquid/hl_rest.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_egress.h"
#include "base/attr.h"
#include "base/list.h"
#include "base/mem.h"

#define WAITING_MAX      256 /* orders, and reads, that wait for budget */
#define PAST_WAITING_MAX 64
#define TRIES_MAX        3 /* from as many addresses */

enum result { OK, HTTP_429, HTTP_OTHER, NOT_SENT, UNKNOWN, NO_BUDGET, RESULT_COUNT };
static const char *const result_names[RESULT_COUNT] = {"ok",       "http_429", "http_other",
                                                       "not_sent", "unknown",  "no_budget"};

struct hl_rest {
        struct loop *loop;
        struct hl_egress *egress;
        struct loop_timer *timer;
        char *info_url;
        char *exchange_url;
        struct list orders;
        struct list reads;
        struct list past;
        struct list flying;
        struct list refused;
        unsigned n_orders;
        unsigned n_reads;
        unsigned n_past;
        bool closing;
        unsigned answering; /* the address whose answer is being told */
        uint64_t count[HL_REST_KIND_COUNT][RESULT_COUNT];
};

struct request {
        struct list node;
        struct hl_rest *rest;
        enum hl_rest_kind kind;
        unsigned weight;
        int64_t until; /* monotonic */
        char *body;
        size_t body_len;
        uint32_t hash;
        uint32_t tried; /* bits of addresses */
        unsigned tries;
        unsigned address; /* while it flies */
        enum errc refusal;
        const char *reason;
        hl_rest_done *done;
        void *cookie;
};

static const struct {
        const char *name;
        unsigned weight;
} kinds[HL_REST_KIND_COUNT] = {
#define ROW(constant, name, weight) [constant] = {name, weight},
        HL_REST_KINDS(ROW)
#undef ROW
};

const char *hl_rest_kind_name(enum hl_rest_kind kind)
{
        return kinds[kind].name;
}

/* What nobody trades by, and anybody may ask for, however much of it. */
static bool is_past(enum hl_rest_kind kind)
{
        switch (kind) {
        case HL_REST_SHOWN_BOOK:
        case HL_REST_TRADES:
        case HL_REST_CANDLES:
        case HL_REST_FUNDING_HISTORY:
        case HL_REST_PAST_FILLS:
        case HL_REST_PAYMENTS:
        case HL_REST_LEDGER:
        case HL_REST_PAST_ORDERS:
        case HL_REST_PASSED: return true;
        case HL_REST_EXCHANGE:
        case HL_REST_META:
        case HL_REST_DEXES:
        case HL_REST_TOKENS:
        case HL_REST_BOOK:
        case HL_REST_ACCOUNT:
        case HL_REST_ORDER_STATUS:
        case HL_REST_SETTING:
        case HL_REST_OPEN_ORDERS:
        case HL_REST_FILLS:
        case HL_REST_FEES:
        case HL_REST_BUILDER_FEE:
        case HL_REST_ABSTRACTION:
        case HL_REST_EXTRA_AGENTS:
        case HL_REST_USER_ROLE:
        case HL_REST_ALLOWANCE:
        case HL_REST_SUB_ACCOUNTS:
        case HL_REST_KIND_COUNT: return false;
        }
        return false;
}

static int64_t now(const struct hl_rest *rest)
{
        return clock_mono_ms(loop_clock(rest->loop));
}

static void request_free(struct request *r)
{
        free(r->body);
        free(r);
}

static void count_answer(struct hl_rest *rest, enum hl_rest_kind kind,
                         const struct http_answer *answer)
{
        enum result result = HTTP_OTHER;

        switch (answer->result) {
        case HTTP_NOT_SENT: result = NOT_SENT; break;
        case HTTP_UNKNOWN: result = UNKNOWN; break;
        case HTTP_ANSWERED:
                if (answer->status == 200)
                        result = OK;
                else if (answer->status == 429)
                        result = HTTP_429;
                break;
        }
        rest->count[kind][result]++;
}

static struct list *queue_of(struct hl_rest *rest, enum hl_rest_kind kind, unsigned **n)
{
        if (kind == HL_REST_EXCHANGE) {
                *n = &rest->n_orders;
                return &rest->orders;
        }
        *n = is_past(kind) ? &rest->n_past : &rest->n_reads;
        return is_past(kind) ? &rest->past : &rest->reads;
}

static void pump_all(struct hl_rest *rest);

/* Nothing of it reached the venue, or the venue turned the address away: then another one may do. */
static bool moves_on(struct request *r, const struct http_answer *answer)
{
        struct hl_rest *rest = r->rest;
        bool is_untouched = answer->result == HTTP_NOT_SENT ||
                            (answer->result == HTTP_ANSWERED && answer->status == 429);
        unsigned *n;

        if (!is_untouched || rest->closing || ++r->tries == TRIES_MAX || r->until <= now(rest))
                return false;
        r->tried |= 1u << r->address;
        if (!hl_egress_has_other(rest->egress, r->tried))
                return false;
        list_push_front(queue_of(rest, r->kind, &n), &r->node);
        ++*n;
        loop_timer_start(rest->timer, 0, 0);
        return true;
}

static void on_http(void *cookie, const struct http_answer *answer)
{
        struct request *r = cookie;
        struct hl_rest *rest = r->rest;

        list_remove(&r->node);
        count_answer(rest, r->kind, answer);
        hl_egress_ended(rest->egress, r->address, answer);
        if (moves_on(r, answer))
                return;
        rest->answering = r->address;
        r->done(r->cookie, answer, E_OK);
        request_free(r);
}

static void send_request(struct request *r)
{
        struct hl_rest *rest = r->rest;
        bool is_order = r->kind == HL_REST_EXCHANGE;

        list_push_back(&rest->flying, &r->node);
        http_client_post(hl_egress_client(rest->egress, r->address),
                         is_order ? rest->exchange_url : rest->info_url, r->body, r->body_len,
                         r->until - now(rest), is_order, on_http, r);
}

static void refuse(struct request *r, enum errc code, const char *reason)
{
        r->refusal = code;
        r->reason = reason;
        r->rest->count[r->kind][NO_BUDGET]++;
        list_push_back(&r->rest->refused, &r->node);
}

static enum hl_egress_use use_of(enum hl_rest_kind kind)
{
        if (kind == HL_REST_EXCHANGE)
                return HL_EGRESS_ORDER;
        return is_past(kind) ? HL_EGRESS_PAST : HL_EGRESS_READ;
}

/* Sends from the head of a queue while an address has budget; the rest keeps its order. Returns how
 * long to wait for more budget, or -1 when nothing waits for it. */
static int64_t pump(struct hl_rest *rest, struct list *queue, unsigned *n)
{
        while (!list_empty(queue)) {
                struct request *r = list_entry(queue->next, struct request, node);
                struct hl_egress_ask ask = {use_of(r->kind), r->weight, r->hash, r->tried};
                int64_t wait;

                if (!hl_egress_take(rest->egress, &r->address, &wait, &ask))
                        return wait;
                list_remove(&r->node);
                (*n)--;
                send_request(r);
        }
        return -1;
}

static void expire(struct hl_rest *rest, struct list *queue, unsigned *n, int64_t *next)
{
        list_each_safe (it, queue) {
                struct request *r = list_entry(it, struct request, node);

                if (r->until > now(rest)) {
                        if (*next < 0 || r->until - now(rest) < *next)
                                *next = r->until - now(rest);
                        continue;
                }
                list_remove(&r->node);
                (*n)--;
                refuse(r, E_RATE_LIMITED, "The venue's request budget was used up.");
        }
}

/* Reads must not take the weight that a waiting order needs, nor the past what a waiting read does. */
static void pump_all(struct hl_rest *rest)
{
        int64_t next = -1;
        int64_t wait = pump(rest, &rest->orders, &rest->n_orders);

        if (wait < 0)
                wait = pump(rest, &rest->reads, &rest->n_reads);
        if (wait < 0)
                wait = pump(rest, &rest->past, &rest->n_past);
        expire(rest, &rest->orders, &rest->n_orders, &next);
        expire(rest, &rest->reads, &rest->n_reads, &next);
        expire(rest, &rest->past, &rest->n_past, &next);
        if (wait > 0 && (next < 0 || wait < next))
                next = wait;
        if (!list_empty(&rest->refused))
                next = 0;
        if (next >= 0)
                loop_timer_start(rest->timer, next, 0);
}

static void tell_refused(struct hl_rest *rest)
{
        while (!list_empty(&rest->refused)) {
                struct request *r = list_entry(rest->refused.next, struct request, node);
                struct http_answer answer = {.result = HTTP_NOT_SENT,
                                             .body = "",
                                             .content_type = "",
                                             .retry_after_ms = -1};

                list_remove(&r->node);
                (void)text_copy(answer.reason, sizeof answer.reason, r->reason);
                r->done(r->cookie, &answer, r->refusal);
                request_free(r);
        }
}

static void on_timer(void *cookie)
{
        struct hl_rest *rest = cookie;

        tell_refused(rest);
        pump_all(rest);
}

/* FNV-1a: equal requests leave from the same address. */
static uint32_t hash_of(const char *body, size_t len)
{
        uint32_t hash = 2166136261u;

        for (size_t i = 0; i < len; i++)
                hash = (hash ^ (uint8_t)body[i]) * 16777619u;
        return hash;
}

static unsigned weight_of(enum hl_rest_kind kind, unsigned n_items)
{
        if (kind == HL_REST_PASSED)
                return n_items;
        return kinds[kind].weight + (kind == HL_REST_EXCHANGE ? n_items / 40 : 0);
}

void hl_rest_post(struct hl_rest *rest, enum hl_rest_kind kind, const void *body, size_t body_len,
                  unsigned n_items, int64_t deadline_ms, hl_rest_done *done, void *cookie)
{
        struct request *r = xcalloc(1, sizeof *r);
        unsigned *n;
        struct list *queue = queue_of(rest, kind, &n);

        *r = (struct request){
                .rest = rest,
                .kind = kind,
                .weight = weight_of(kind, n_items),
                .until = now(rest) + deadline_ms,
                .body = xmalloc(body_len + 1),
                .body_len = body_len,
                .done = done,
                .cookie = cookie,
        };
        memcpy(r->body, body, body_len);
        r->hash = hash_of(r->body, body_len);
        list_init(&r->node);
        if (rest->closing) {
                refuse(r, E_VENUE_UNAVAILABLE, "The venue is being closed.");
                return; /* hl_rest_free tells it */
        }
        if (*n >= (is_past(kind) ? PAST_WAITING_MAX : WAITING_MAX)) {
                refuse(r, E_RATE_LIMITED, "Too many requests wait for the venue's budget.");
        } else {
                list_push_back(queue, &r->node);
                (*n)++;
        }
        pump_all(rest);
}

void hl_rest_charge_items(struct hl_rest *rest, enum hl_rest_kind kind, size_t n)
{
        hl_egress_charge(rest->egress, rest->answering, use_of(kind), (unsigned)(n / 20));
}

struct hl_rest *hl_rest_new(struct loop *loop, const struct hl_rest_options *options)
{
        struct hl_rest *rest = xcalloc(1, sizeof *rest);
        struct buf url;

        rest->loop = loop;
        rest->egress = hl_egress_new(loop, &options->egress);
        rest->timer = loop_timer_new(loop, on_timer, rest);
        buf_init(&url, 4096);
        buf_printf(&url, "%s/info", options->base_url);
        rest->info_url = xstrdup(buf_cstr(&url));
        buf_reset(&url);
        buf_printf(&url, "%s/exchange", options->base_url);
        rest->exchange_url = xstrdup(buf_cstr(&url));
        buf_fini(&url);
        list_init(&rest->orders);
        list_init(&rest->reads);
        list_init(&rest->past);
        list_init(&rest->flying);
        list_init(&rest->refused);
        return rest;
}

static void refuse_all(struct list *queue)
{
        while (!list_empty(queue)) {
                struct request *r = list_entry(queue->next, struct request, node);

                list_remove(&r->node);
                refuse(r, E_VENUE_UNAVAILABLE, "The venue is being closed.");
        }
}

void hl_rest_free(struct hl_rest *rest)
{
        if (!rest)
                return;
        rest->closing = true;
        refuse_all(&rest->orders);
        refuse_all(&rest->reads);
        refuse_all(&rest->past);
        hl_egress_end(rest->egress); /* tells those that fly */
        tell_refused(rest);          /* and those that their callbacks posted */
        must(list_empty(&rest->flying) && list_empty(&rest->orders) && list_empty(&rest->reads) &&
             list_empty(&rest->past));
        hl_egress_free(rest->egress);
        loop_timer_free(rest->timer);
        free(rest->info_url);
        free(rest->exchange_url);
        free(rest);
}

void hl_rest_budget(struct hl_rest *rest, struct venue_budget *out)
{
        hl_egress_budget(rest->egress, out);
}

void hl_rest_metrics(struct hl_rest *rest, struct buf *out)
{
        buf_puts(out, "# HELP perpgate_venue_requests_total Requests to the venue.\n"
                      "# TYPE perpgate_venue_requests_total counter\n");
        for (unsigned k = 0; k < HL_REST_KIND_COUNT; k++) {
                for (unsigned i = 0; i < RESULT_COUNT; i++) {
                        if (rest->count[k][i] == 0)
                                continue;
                        buf_printf(
                                out,
                                "perpgate_venue_requests_total{kind=\"%s\",result=\"%s\"} %llu\n",
                                kinds[k].name, result_names[i],
                                (unsigned long long)rest->count[k][i]);
                }
        }
        hl_egress_metrics(rest->egress, out);
}
