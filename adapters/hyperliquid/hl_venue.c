#include "adapters/hyperliquid/hl_venue.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_approval.h"
#include "adapters/hyperliquid/hl_compile.h"
#include "adapters/hyperliquid/hl_family.h"
#include "adapters/hyperliquid/hl_history.h"
#include "adapters/hyperliquid/hl_num.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/hyperliquid/hl_reads.h"
#include "adapters/hyperliquid/hl_submit.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"

#define URL_MAX_BYTES        512
#define MIN_ORDER_VALUE      (10 * NUM_SCALE)
#define WITHDRAWAL_FEE       NUM_SCALE
#define FAILED_POLLS_IF_DOWN 3
#define NAMED_AGENTS         3

struct hl_venue *hl_venue_of(struct venue *venue)
{
        return (struct hl_venue *)(void *)venue;
}

const struct hl_venue *hl_venue_of_const(const struct venue *venue)
{
        return (const struct hl_venue *)(const void *)venue;
}

static int64_t wall(const struct hl_venue *v)
{
        return clock_wall_ms(loop_clock(v->loop));
}

/* ---- Health ---- */

static const char *health_name(enum venue_health health)
{
        switch (health) {
        case VENUE_UP: return "up";
        case VENUE_DEGRADED: return "degraded";
        case VENUE_DOWN: return "down";
        }
        must(false && "a health of the enum");
}

static void set_health(struct hl_venue *v, enum venue_health health, const char *reason)
{
        (void)text_copy(v->status.reason, sizeof v->status.reason, reason);
        if (v->status.health == health)
                return;
        v->status.health = health;
        v->status.since = wall(v);
        log_event(health == VENUE_UP ? LOG_INFO : LOG_WARN, "venue health", "health",
                  health_name(health), "reason", reason, NULL);
}

/* ---- Polling ---- */

static void free_universe(void *universe)
{
        hl_meta_free(universe);
}

/* Are these the markets we have, in the same places? Contexts are told apart by place alone. */
static bool same_markets(const struct hl_universe *u, const json_t *meta)
{
        const json_t *entries = json_object_get(meta, "universe");

        if (json_array_size(entries) != u->n)
                return false;
        for (size_t i = 0; i < u->n; i++) {
                const char *name = hl_raw_get_text(json_array_get(entries, i), "name", NULL);

                if (!name || strcmp(name, u->market[i].symbol) != 0)
                        return false;
        }
        return true;
}

/* A whole new universe with its contexts replaces the one we have, which may still be borrowed in
 * this turn; a bad one leaves everything as it was. */
static enum errc replace_universe(struct hl_venue *v, const json_t *meta, const json_t *contexts,
                                  struct err *err)
{
        struct hl_universe *fresh = hl_meta_parse(meta, err);
        enum errc rc = E_VENUE_UNAVAILABLE;

        if (!fresh)
                return rc;
        rc = hl_meta_contexts(fresh, contexts, wall(v), err);
        if (rc) {
                hl_meta_free(fresh);
                return rc;
        }
        if (v->universe)
                loop_free_later(v->loop, free_universe, v->universe);
        v->universe = fresh;
        v->status.markets_at = wall(v);
        return E_OK;
}

static enum errc take_markets(struct hl_venue *v, const json_t *answer, struct err *err)
{
        const json_t *meta = json_array_get(answer, 0);
        const json_t *contexts = json_array_get(answer, 1);
        bool is_due = wall(v) - v->status.markets_at >= v->markets_every_ms;
        enum errc rc;

        if (!v->universe || is_due || !same_markets(v->universe, meta))
                rc = replace_universe(v, meta, contexts, err);
        else
                rc = hl_meta_contexts(v->universe, contexts, wall(v), err);
        if (!rc)
                v->status.contexts_at = wall(v);
        else
                v->bad_answers++;
        return rc;
}

static void on_markets(void *cookie, const struct http_answer *answer, enum errc refused)
{
        struct hl_venue *v = cookie;
        struct err err = {0};
        json_t *root = hl_reads_load(answer, refused, HL_REST_META, &err);

        v->poll_in_flight = false;
        if (root && take_markets(v, root, &err) == E_OK) {
                v->failed_polls = 0;
                set_health(v, VENUE_UP, "");
        } else {
                v->failed_polls++;
                set_health(v,
                           !v->universe || v->failed_polls >= FAILED_POLLS_IF_DOWN ? VENUE_DOWN
                                                                                   : VENUE_DEGRADED,
                           err.detail);
        }
        json_decref(root);
}

static void on_poll(void *cookie)
{
        static const char body[] = "{\"type\":\"metaAndAssetCtxs\"}";
        struct hl_venue *v = cookie;

        if (v->poll_in_flight)
                return; /* it has a deadline of its own */
        v->poll_in_flight = true;
        hl_rest_post(v->rest, HL_REST_META, body, sizeof body - 1, 0, v->read_deadline_ms,
                     on_markets, v);
}

/* ---- Ops ---- */

static void op_close(struct venue *venue)
{
        struct hl_venue *v = hl_venue_of(venue);

        if (!v)
                return;
        loop_timer_free(v->poll_timer);
        hl_rest_free(v->rest); /* tells everybody who waits; they may still read markets */
        if (v->universe)
                loop_free_later(v->loop, free_universe, v->universe);
        v->universe = NULL;
        loop_free_later(v->loop, free, v);
}

static const struct venue_caps *op_caps(const struct venue *venue)
{
        return &hl_venue_of_const(venue)->caps;
}

static void op_status(const struct venue *venue, struct venue_status *out)
{
        *out = hl_venue_of_const(venue)->status;
}

static size_t op_market_count(const struct venue *venue)
{
        const struct hl_venue *v = hl_venue_of_const(venue);

        return v->universe ? v->universe->n : 0;
}

static const struct market *op_market_at(const struct venue *venue, size_t i)
{
        const struct hl_venue *v = hl_venue_of_const(venue);

        must(v->universe && i < v->universe->n);
        return &v->universe->market[i];
}

static const struct market *op_market_by_symbol(const struct venue *venue, const char *symbol)
{
        return hl_meta_find(hl_venue_of_const(venue)->universe, symbol);
}

static enum errc op_round_price(const struct market *m, struct px *price, enum num_round round)
{
        return hl_num_round_price(price, m->price_max_decimals, round);
}

static enum errc op_compile(struct venue *venue, struct venue_compiled *out,
                            const struct venue_action *action, const struct addr *sub_account,
                            uint64_t nonce, uint64_t expires_after, struct err *err)
{
        const struct hl_venue *v = hl_venue_of(venue);

        return hl_compile(out, action, v->universe, v->is_mainnet, sub_account, nonce,
                          expires_after, err);
}

static enum errc op_approval_prepare(struct venue *venue, struct buf *typed_data,
                                     struct hash32 *digest, const struct venue_approval *approval)
{
        return hl_approval_prepare(typed_data, digest, approval, hl_venue_of(venue)->is_mainnet);
}

static void op_signing_data(struct venue *venue, struct buf *typed_data,
                            const struct venue_compiled *compiled)
{
        hl_phantom_typed_data(typed_data, &compiled->content, hl_venue_of(venue)->is_mainnet);
}

static void op_budget(const struct venue *venue, struct venue_budget *out)
{
        hl_rest_budget(hl_venue_of_const(venue)->rest, out);
}

static void put_gauge(struct buf *out, const char *name, const char *help, long long value)
{
        buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", name, help, name, name, value);
}

static void put_counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
        buf_printf(out, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", name, help, name, name,
                   (unsigned long long)value);
}

static void op_metrics(const struct venue *venue, struct buf *out)
{
        const struct hl_venue *v = hl_venue_of_const(venue);

        hl_rest_metrics(v->rest, out);
        put_counter(out, "perpgate_venue_unknown_errors_total",
                    "Error texts of the venue that have no code of their own.", v->unknown_texts);
        put_counter(out, "perpgate_venue_bad_answers_total",
                    "Answers to reads that were not understood.", v->bad_answers);
        put_gauge(out, "perpgate_venue_up", "1 when the venue is up.",
                  v->status.health == VENUE_UP);
        put_gauge(out, "perpgate_venue_markets", "Markets known.",
                  v->universe ? (long long)v->universe->n : 0);
        if (v->status.contexts_at > 0)
                put_gauge(out, "perpgate_venue_contexts_age_ms", "Age of the latest prices.",
                          (long long)(wall(v) - v->status.contexts_at));
}

static const struct venue_ops ops = {
        .close = op_close,
        .caps = op_caps,
        .status = op_status,
        .market_count = op_market_count,
        .market_at = op_market_at,
        .market_by_symbol = op_market_by_symbol,
        .check_price = hl_compile_check_price,
        .check_size = hl_compile_check_size,
        .round_price = op_round_price,
        .compile = op_compile,
        .signing_data = op_signing_data,
        .submit = hl_submit_action,
        .approval_prepare = op_approval_prepare,
        .approval_submit = hl_submit_approval,
        .read_account = hl_reads_account,
        .read_setting = hl_reads_setting,
        .read_open_orders = hl_reads_open_orders,
        .lookup = hl_reads_lookup,
        .read_fills = hl_reads_fills,
        .read_book = hl_reads_book,
        .read_shown_book = hl_reads_shown_book,
        .read_trades = hl_reads_trades,
        .read_fees = hl_reads_fees,
        .read_builder_fee = hl_reads_builder_fee,
        .read_agent = hl_reads_agent,
        .read_mode = hl_reads_mode,
        .read_candles = hl_history_candles,
        .read_funding_history = hl_history_rates,
        .read_past_fills = hl_history_fills,
        .read_payments = hl_history_payments,
        .read_ledger = hl_history_ledger,
        .read_past_orders = hl_history_orders,
        .read_agents = hl_history_agents,
        .read_sub_accounts = hl_family_read,
        .read_allowance = hl_history_allowance,
        .budget = op_budget,
        .metrics = op_metrics,
};

/* ---- Opening ---- */

static enum errc check_options(const struct venue_options *o, struct err *err)
{
        const char *url = o->base_url ? o->base_url : "";
        size_t len = strlen(url);

        if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) ||
            len > URL_MAX_BYTES || url[len - 1] == '/')
                return err_field(err, E_CONFIG, "baseUrl",
                                 "http:// or https:// without a trailing slash was expected");
        if (o->weight_per_minute == 0 || o->order_reserve >= o->weight_per_minute)
                return err_field(err, E_CONFIG, "weightPerMinute",
                                 "a budget above the part reserved for orders was expected");
        if (o->order_deadline_ms <= 0 || o->read_deadline_ms <= 0)
                return err_field(err, E_CONFIG, "deadlines", "times above zero were expected");
        if (o->contexts_every_ms <= 0 || o->markets_every_ms <= 0)
                return err_field(err, E_CONFIG, "polling", "times above zero were expected");
        return E_OK;
}

struct venue *hl_venue_open(struct loop *loop, const struct venue_options *options, struct err *err)
{
        struct hl_rest_options rest = {
                .base_url = options->base_url,
                .egress_address = options->egress_address,
                .ca_file = options->ca_file,
                .weight_per_minute = options->weight_per_minute,
                .order_reserve = options->order_reserve,
                .max_in_flight = options->max_in_flight,
        };
        struct hl_venue *v;

        if (check_options(options, err))
                return NULL;
        v = xcalloc(1, sizeof *v);
        v->venue.ops = &ops;
        v->loop = loop;
        v->is_mainnet = options->is_mainnet;
        v->order_deadline_ms = options->order_deadline_ms;
        v->read_deadline_ms = options->read_deadline_ms;
        v->markets_every_ms = options->markets_every_ms;
        v->caps = (struct venue_caps){
                .name = "hyperliquid",
                .network = options->is_mainnet ? "Mainnet" : "Testnet",
                .can_remove_margin = true,
                .has_cross = true,
                .orders_per_action = VENUE_ORDERS_MAX,
                .named_agents = NAMED_AGENTS,
                .min_order_value = {MIN_ORDER_VALUE},
                .withdrawal_fee = {WITHDRAWAL_FEE},
        };
        v->status = (struct venue_status){.health = VENUE_DOWN, .since = wall(v)};
        (void)text_copy(v->status.reason, sizeof v->status.reason,
                        "No market data has arrived yet.");
        v->rest = hl_rest_new(loop, &rest);
        v->poll_timer = loop_timer_new(loop, on_poll, v);
        loop_timer_start(v->poll_timer, 0, options->contexts_every_ms);
        return &v->venue;
}
