#include "adapters/hyperliquid/hl_egress.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_budget.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"

#define HTTP_WAITING_MAX 512
#define ANSWER_MAX_BYTES (8 * 1024 * 1024)
#define IN_FLIGHT        16
#define REST_MS          1000 /* the first time, then doubled */
#define REST_DOUBLES     6
#define PREFIX_BYTES     8 /* of IPv6: a /64 */

struct budget {
        struct hl_budget all;
        struct hl_budget past; /* the part of it that reads of the past may use */
};

struct address {
        char text[VENUE_ADDRESS_MAX]; /* "": the system's choice */
        struct http_client *client;
        struct budget *budget;
        int64_t rests_until; /* monotonic */
        unsigned failures;   /* in a row */
        uint64_t requests, refused, failed;
};

struct hl_egress {
        struct loop *loop;
        unsigned n;
        struct address address[HL_EGRESS_MAX];
        unsigned n_budgets;
        struct budget budget[HL_EGRESS_MAX];
};

static int64_t now(const struct hl_egress *egress)
{
        return clock_mono_ms(loop_clock(egress->loop));
}

/* ---- Which one ---- */

static bool is_resting(const struct hl_egress *egress, unsigned i)
{
        return egress->address[i].rests_until > now(egress);
}

bool hl_egress_has_other(const struct hl_egress *egress, uint32_t tried)
{
        for (unsigned i = 0; i < egress->n; i++)
                if (!(tried & 1u << i) && !is_resting(egress, i))
                        return true;
        return false;
}

/* What rests is used when there is nothing else: then it is not the address that is at fault. */
static bool may_use(const struct hl_egress *egress, unsigned i, uint32_t tried, bool all_rest)
{
        return !(tried & 1u << i) && (all_rest || !is_resting(egress, i));
}

/* 0: taken, else how long to wait. The past draws on its own part too. */
static int64_t take_from(struct hl_egress *egress, struct budget *b,
                         const struct hl_egress_ask *ask)
{
        int64_t wait = 0;

        if (ask->use == HL_EGRESS_PAST)
                wait = hl_budget_wait(&b->past, ask->weight, now(egress));
        if (!wait)
                wait = hl_budget_take(&b->all, ask->weight, ask->use == HL_EGRESS_ORDER,
                                      now(egress));
        if (!wait && ask->use == HL_EGRESS_PAST)
                hl_budget_charge(&b->past, ask->weight, now(egress));
        return wait;
}

/* Where an order leaves from: not where the venue has just said no, if it can be helped. */
static unsigned best_for_order(struct hl_egress *egress, uint32_t tried, bool all_rest)
{
        unsigned best = egress->n;
        int64_t most = -1;

        for (unsigned i = 0; i < egress->n; i++) {
                struct hl_budget *b = &egress->address[i].budget->all;
                bool is_held = b->reads_held_until > now(egress);
                int64_t worth = hl_budget_left(b, now(egress));

                if (!is_held)
                        worth += INT32_MAX;
                if (may_use(egress, i, tried, all_rest) && worth > most) {
                        most = worth;
                        best = i;
                }
        }
        return best;
}

bool hl_egress_take(struct hl_egress *egress, unsigned *address, int64_t *wait_ms,
                    const struct hl_egress_ask *ask)
{
        uint32_t everyone = (1u << egress->n) - 1;
        uint32_t tried = (ask->tried & everyone) == everyone ? 0 : ask->tried;
        bool all_rest = !hl_egress_has_other(egress, tried);
        unsigned first = ask->hash % egress->n;

        if (ask->use == HL_EGRESS_ORDER)
                first = best_for_order(egress, tried, all_rest);
        *wait_ms = INT64_MAX;
        for (unsigned k = 0; k < egress->n; k++) {
                unsigned i = (first + k) % egress->n;
                int64_t wait;

                if (!may_use(egress, i, tried, all_rest))
                        continue;
                wait = take_from(egress, egress->address[i].budget, ask);
                if (!wait) {
                        egress->address[i].requests++;
                        *address = i;
                        return true;
                }
                if (wait < *wait_ms)
                        *wait_ms = wait;
        }
        return false;
}

struct http_client *hl_egress_client(const struct hl_egress *egress, unsigned address)
{
        return egress->address[address].client;
}

/* ---- How it went ---- */

static const char *name_of(const struct address *a)
{
        return a->text[0] ? a->text : "default";
}

static void fail(struct hl_egress *egress, struct address *a, const char *reason)
{
        unsigned doubles = a->failures < REST_DOUBLES ? a->failures : REST_DOUBLES;

        a->failed++;
        a->rests_until = now(egress) + ((int64_t)REST_MS << doubles);
        if (a->failures++ == 0 && egress->n > 1)
                log_event(LOG_WARN, "egress address rests", "address", name_of(a), "reason", reason,
                          NULL);
}

static void work(const struct hl_egress *egress, struct address *a)
{
        if (a->failures && egress->n > 1)
                log_event(LOG_INFO, "egress address works again", "address", name_of(a), NULL);
        a->failures = 0;
        a->rests_until = 0;
}

void hl_egress_ended(struct hl_egress *egress, unsigned address, const struct http_answer *answer)
{
        struct address *a = &egress->address[address];

        if (answer->result != HTTP_ANSWERED) {
                fail(egress, a, answer->reason);
                return;
        }
        work(egress, a);
        if (answer->status == 429) {
                a->refused++;
                hl_budget_hold(&a->budget->all, answer->retry_after_ms, now(egress));
        } else {
                hl_budget_answered(&a->budget->all);
        }
}

void hl_egress_charge(struct hl_egress *egress, unsigned address, enum hl_egress_use use,
                      unsigned weight)
{
        struct budget *b = egress->address[address].budget;

        hl_budget_charge(&b->all, weight, now(egress));
        if (use == HL_EGRESS_PAST)
                hl_budget_charge(&b->past, weight, now(egress));
}

/* ---- Figures ---- */

static bool is_usable(const struct hl_egress *egress, const struct budget *b, bool all_rest)
{
        for (unsigned i = 0; i < egress->n; i++)
                if (egress->address[i].budget == b && may_use(egress, i, 0, all_rest))
                        return true;
        return false;
}

void hl_egress_budget(struct hl_egress *egress, struct venue_budget *out)
{
        bool all_rest = !hl_egress_has_other(egress, 0);

        *out = (struct venue_budget){.n_addresses = 0};
        for (unsigned i = 0; i < egress->n_budgets; i++) {
                struct hl_budget *b = &egress->budget[i].all;

                if (!is_usable(egress, &egress->budget[i], all_rest))
                        continue;
                out->n_addresses++;
                out->weight_per_minute += b->per_minute;
                out->order_reserve += b->order_reserve;
                out->weight_left += hl_budget_left(b, now(egress));
        }
}

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_requests(const struct hl_egress *egress, struct buf *out)
{
        static const char name[] = "perpgate_venue_egress_requests_total";

        put_head(out, name, "counter", "Requests by the address they left from.");
        for (unsigned i = 0; i < egress->n; i++) {
                const struct address *a = &egress->address[i];

                buf_printf(out, "%s{address=\"%s\",result=\"sent\"} %llu\n", name, name_of(a),
                           (unsigned long long)a->requests);
                buf_printf(out, "%s{address=\"%s\",result=\"http_429\"} %llu\n", name, name_of(a),
                           (unsigned long long)a->refused);
                buf_printf(out, "%s{address=\"%s\",result=\"failed\"} %llu\n", name, name_of(a),
                           (unsigned long long)a->failed);
        }
}

void hl_egress_metrics(struct hl_egress *egress, struct buf *out)
{
        struct venue_budget all;

        hl_egress_budget(egress, &all);
        put_head(out, "perpgate_venue_weight_left", "gauge",
                 "Request weight left in this minute, over all addresses that work.");
        buf_printf(out, "perpgate_venue_weight_left %u\n", all.weight_left);
        put_requests(egress, out);
        put_head(out, "perpgate_venue_egress_weight_left", "gauge",
                 "Request weight left in this minute, by address; those of one /64 share it.");
        for (unsigned i = 0; i < egress->n; i++)
                buf_printf(out, "perpgate_venue_egress_weight_left{address=\"%s\"} %u\n",
                           name_of(&egress->address[i]),
                           hl_budget_left(&egress->address[i].budget->all, now(egress)));
        put_head(out, "perpgate_venue_egress_up", "gauge", "0 while the address rests.");
        for (unsigned i = 0; i < egress->n; i++)
                buf_printf(out, "perpgate_venue_egress_up{address=\"%s\"} %d\n",
                           name_of(&egress->address[i]), egress->address[i].failures == 0);
}

/* ---- Life ---- */

bool hl_egress_share(const char *a, const char *b)
{
        struct in6_addr x, y;

        if (strcmp(a, b) == 0)
                return true;
        return inet_pton(AF_INET6, a, &x) == 1 && inet_pton(AF_INET6, b, &y) == 1 &&
               !IN6_IS_ADDR_V4MAPPED(&x) && memcmp(&x, &y, PREFIX_BYTES) == 0;
}

/* Two thirds of what reads may use: the rest is left for those that trading needs. */
static unsigned past_weight(const struct hl_egress_options *options)
{
        return (options->weight_per_minute - options->order_reserve) / 3 * 2 + 1;
}

static struct budget *budget_for(struct hl_egress *egress, unsigned i,
                                 const struct hl_egress_options *options)
{
        struct budget *b;

        for (unsigned k = 0; k < i; k++)
                if (hl_egress_share(egress->address[k].text, egress->address[i].text))
                        return egress->address[k].budget;
        b = &egress->budget[egress->n_budgets++];
        hl_budget_init(&b->all, options->weight_per_minute, options->order_reserve, now(egress));
        hl_budget_init(&b->past, past_weight(options), 0, now(egress));
        return b;
}

struct hl_egress *hl_egress_new(struct loop *loop, const struct hl_egress_options *options)
{
        struct hl_egress *egress = xcalloc(1, sizeof *egress);
        struct http_client_options http = {
                .max_in_flight = options->max_in_flight ? options->max_in_flight : IN_FLIGHT,
                .max_waiting = HTTP_WAITING_MAX,
                .max_body_bytes = ANSWER_MAX_BYTES,
                .ca_file = options->ca_file,
        };

        must(options->n_addresses <= HL_EGRESS_MAX);
        egress->loop = loop;
        egress->n = options->n_addresses ? options->n_addresses : 1;
        for (unsigned i = 0; i < egress->n; i++) {
                struct address *a = &egress->address[i];

                if (options->n_addresses)
                        must(text_copy(a->text, sizeof a->text, options->address[i]));
                http.interface_address = a->text[0] ? a->text : NULL;
                a->client = http_client_new(loop, &http);
                a->budget = budget_for(egress, i, options);
        }
        return egress;
}

void hl_egress_end(struct hl_egress *egress)
{
        for (unsigned i = 0; egress && i < egress->n; i++) {
                http_client_free(egress->address[i].client);
                egress->address[i].client = NULL;
        }
}

void hl_egress_free(struct hl_egress *egress)
{
        free(egress);
}
