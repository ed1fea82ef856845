#include "adapters/hyperliquid/hl_venue.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_approval.h"
#include "adapters/hyperliquid/hl_compile.h"
#include "adapters/hyperliquid/hl_family.h"
#include "adapters/hyperliquid/hl_history.h"
#include "adapters/hyperliquid/hl_num.h"
#include "adapters/hyperliquid/hl_pass.h"
#include "adapters/hyperliquid/hl_poll.h"
#include "adapters/hyperliquid/hl_polls.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/hyperliquid/hl_reads.h"
#include "adapters/hyperliquid/hl_submit.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"
#include "plan/order_life.h"

#define URL_MAX_BYTES   512
#define MIN_ORDER_VALUE (10 * NUM_SCALE)
#define WITHDRAWAL_FEE  NUM_SCALE
#define NAMED_AGENTS    3

#define ACCOUNTS_PER_READ 1000

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

/* ---- Ops ---- */

static void op_close(struct venue *venue)
{
        struct hl_venue *v = hl_venue_of(venue);

        if (!v)
                return;
        hl_poll_stop(v);
        hl_polls_close(v);
        hl_rest_free(v->rest); /* tells everybody who waits; they may still read markets */
        hl_poll_drop(v);
        hl_node_free(v->node);
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
        return hl_markets_count(&hl_venue_of_const(venue)->markets);
}

static const struct market *op_market_at(const struct venue *venue, size_t i)
{
        return hl_markets_at(&hl_venue_of_const(venue)->markets, i);
}

static const struct market *op_market_by_symbol(const struct venue *venue, const char *symbol)
{
        return hl_markets_find(&hl_venue_of_const(venue)->markets, symbol);
}

static unsigned op_dex_count(const struct venue *venue)
{
        return hl_venue_of_const(venue)->markets.n;
}

static void op_dex_at(const struct venue *venue, unsigned i, struct venue_dex *out)
{
        const struct hl_venue *v = hl_venue_of_const(venue);
        const struct hl_markets *markets = &v->markets;
        const struct hl_universe *u;

        must(i < markets->n);
        u = markets->dex[i].universe;
        *out = (struct venue_dex){
                .n_markets = u ? u->n : 0,
                .is_gone = i > 0 && v->listed_at && !v->dex[i].facts.index,
        };
        memcpy(out->name, markets->dex[i].name, sizeof out->name);
        if (!u)
                return;
        memcpy(out->collateral, u->collateral, sizeof out->collateral);
        memcpy(out->token, u->token, sizeof u->token);
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

        return hl_compile(out, action, &v->markets, v->is_mainnet, sub_account, nonce,
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
        const struct hl_venue *v = hl_venue_of_const(venue);

        hl_rest_budget(v->rest, out);
        hl_polls_budget(v, out);
}

#define STATUSES_LOGGED 100 /* one list may hold thousands of them */

void hl_venue_note_status(uint64_t *count, const struct venue_order_status *status)
{
        char oid[NUM_STR_MAX];

        if (!status->found || order_life_knows(status->status))
                return;
        if ((*count)++ < STATUSES_LOGGED)
                log_event(LOG_WARN, "unknown order status", "status", status->status, "oid",
                          num_print(oid, (int64_t)status->order.oid, 0, 0), NULL);
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
        if (v->node)
                hl_node_metrics(v->node, out);
        put_counter(out, "perpgate_venue_unknown_errors_total",
                    "Error texts of the venue that have no code of their own.", v->unknown_texts);
        put_counter(out, "perpgate_venue_unknown_order_statuses_total",
                    "Orders read with a status that is not known here.", v->unknown_statuses);
        put_counter(out, "perpgate_venue_bad_answers_total",
                    "Answers to reads that were not understood.", v->bad_answers);
        put_gauge(out, "perpgate_venue_up", "1 when the venue is up.",
                  v->status.health == VENUE_UP);
        put_gauge(out, "perpgate_venue_markets", "Markets known.",
                  (long long)hl_markets_count(&v->markets));
        if (v->status.contexts_at > 0)
                put_gauge(out, "perpgate_venue_contexts_age_ms", "Age of the latest prices.",
                          (long long)(wall(v) - v->status.contexts_at));
        if (v->markets.n > 1)
                buf_puts(out,
                         "# HELP perpgate_venue_dex_up 1 when the dex was read the last time.\n"
                         "# TYPE perpgate_venue_dex_up gauge\n");
        for (unsigned i = 1; i < v->markets.n; i++)
                buf_printf(out, "perpgate_venue_dex_up{dex=\"%s\"} %d\n", v->markets.dex[i].name,
                           v->dex[i].is_up);
}

static const struct venue_ops ops = {
        .close = op_close,
        .caps = op_caps,
        .status = op_status,
        .market_count = op_market_count,
        .market_at = op_market_at,
        .market_by_symbol = op_market_by_symbol,
        .dex_count = op_dex_count,
        .dex_at = op_dex_at,
        .check_price = hl_compile_check_price,
        .check_size = hl_compile_check_size,
        .round_price = op_round_price,
        .compile = op_compile,
        .signing_data = op_signing_data,
        .submit = hl_submit_action,
        .letter = hl_submit_letter,
        .approval_letter = hl_submit_approval_letter,
        .submit_again = hl_submit_again,
        .approval_prepare = op_approval_prepare,
        .approval_submit = hl_submit_approval,
        .read_account = hl_reads_account,
        .poll_account = hl_polls_account,
        .poll_open_orders = hl_polls_orders,
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
        .read_role = hl_pass_role,
        .wire_ask = hl_pass_ask,
        .wire_act = hl_pass_act,
        .wire_polled = hl_pass_polled,
        .metrics = op_metrics,
};

/* ---- Opening ---- */

/* It goes into requests as it is, and asset ids hang on it. */
static bool dex_name_fits(const char *name)
{
        size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");

        return len >= 2 && len <= 4 && !name[len];
}

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
        if (o->node_url && (strlen(o->node_url) > URL_MAX_BYTES || o->node_max_lag_ms <= 0 ||
                            o->accounts_per_read > ACCOUNTS_PER_READ))
                return err_field(err, E_CONFIG, "node",
                                 "a URL, a lag above zero and %d accounts in a read at most were "
                                 "expected",
                                 ACCOUNTS_PER_READ);
        if (o->n_egress > VENUE_EGRESS_MAX)
                return err_field(err, E_CONFIG, "egress", "%d addresses at most were expected",
                                 VENUE_EGRESS_MAX);
        if (o->n_dexes > VENUE_DEXES_MAX)
                return err_field(err, E_CONFIG, "dexes", "%d dexes at most were expected",
                                 VENUE_DEXES_MAX);
        for (unsigned i = 0; i < o->n_dexes; i++)
                if (!dex_name_fits(o->dex[i]))
                        return err_field(err, E_CONFIG, "dexes",
                                         "2 to 4 lower-case letters or digits were expected");
        return E_OK;
}

static void open_node(struct hl_venue *v, const struct venue_options *options)
{
        struct hl_node_options node = {
                .info_url = options->node_url,
                .ca_file = options->ca_file,
                .max_lag_ms = options->node_max_lag_ms,
        };

        if (options->node_url)
                v->node = hl_node_new(v->loop, &node);
}

struct venue *hl_venue_open(struct loop *loop, const struct venue_options *options, struct err *err)
{
        struct hl_rest_options rest = {
                .base_url = options->base_url,
                .egress = {.n_addresses = options->n_egress,
                           .address = options->egress,
                           .ca_file = options->ca_file,
                           .weight_per_minute = options->weight_per_minute,
                           .order_reserve = options->order_reserve,
                           .max_in_flight = options->max_in_flight},
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
        v->markets.n = 1 + options->n_dexes;
        for (unsigned i = 0; i < options->n_dexes; i++)
                memcpy(v->markets.dex[1 + i].name, options->dex[i], DEX_NAME_MAX);
        v->rest = hl_rest_new(loop, &rest);
        hl_polls_open(v, options->accounts_per_read);
        open_node(v, options);
        hl_poll_start(v, options->contexts_every_ms);
        return &v->venue;
}
