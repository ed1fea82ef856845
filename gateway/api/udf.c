#include "api/udf.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/handlers.h"
#include "api/out.h"
#include "api/query.h"
#include "api/series.h"
#include "api/tables.h"
#include "base/mem.h"

#define BODY_MAX       (1u << 20)
#define QUERY_MAX      16384
#define FOUND_DEFAULT  30
#define FOUND_MAX      200
#define SIGNIFICANT    5      /* figures of a price that is no integer */
#define TYPE           "swap" /* the library's word for a perpetual */
#define N_INTERVALS    14
#define UNKNOWN_SYMBOL "unknown_symbol" /* the library's own word */

const char *const udf_resolutions[] = {"1",   "3",  "5",  "15", "30", "60", "120", "240", "480",
                                       "720", "1D", "3D", "1W", "1M", "D",  "W",   "M",   NULL};

unsigned udf_interval(unsigned resolution)
{
        static const unsigned others[] = {10, 12, 13};

        must(resolution < N_INTERVALS + sizeof others / sizeof *others);
        return resolution < N_INTERVALS ? resolution : others[resolution - N_INTERVALS];
}

/* --- reading --- */

static bool is_known(const struct field_table *table, const char *piece, size_t len)
{
        const char *equals = memchr(piece, '=', len);

        for (size_t i = 0; equals && equals + 1 < piece + len && i < table->n; i++) {
                size_t n = strlen(table->field[i].name);
                if (n == (size_t)(equals - piece) && memcmp(table->field[i].name, piece, n) == 0)
                        return true;
        }
        return false;
}

enum errc udf_query(struct call *call, void *out, const struct field_table *table, struct err *err)
{
        const char *at = call->query;
        struct buf known;
        enum errc rc;

        buf_init(&known, QUERY_MAX);
        while (*at) {
                size_t len = strcspn(at, "&");

                if (is_known(table, at, len)) {
                        buf_put(&known, at, len);
                        buf_putc(&known, '&');
                }
                at += len + (at[len] == '&');
        }
        rc = buf_check(&known) ? err_set(err, E_INVALID, "The query is too long.")
                               : query_read(out, buf_cstr(&known), table->field, table->n, err);
        buf_fini(&known);
        return rc;
}

static bool is_offered(const struct call *call, const struct market *m)
{
        return !m->is_delisted && brand_offers(call->brand, m->symbol);
}

const struct market *udf_market(const struct call *call, const char *symbol)
{
        struct venue *venue = call->api->o.venue;
        size_t n = strlen(call->brand->name);
        const struct market *m = venue->ops->market_by_symbol(venue, symbol);

        if (!m && strncmp(symbol, call->brand->name, n) == 0 && symbol[n] == ':')
                m = venue->ops->market_by_symbol(venue, symbol + n + 1);
        return m && is_offered(call, m) ? m : NULL;
}

/* --- writing --- */

void udf_refuse(struct call *call, const char *why)
{
        struct buf body;

        buf_init(&body, BODY_MAX);
        buf_putc(&body, '{');
        out_text(&body, "s", "error");
        out_text(&body, "errmsg", why);
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

static void resolutions(struct buf *out, const char *name)
{
        out_key(out, name);
        for (unsigned i = 0; i < N_INTERVALS; i++)
                buf_printf(out, "%s\"%s\"", i ? "," : "[", udf_resolutions[i]);
        buf_putc(out, ']');
}

void udf_config(struct call *call)
{
        struct buf body;

        buf_init(&body, BODY_MAX);
        buf_putc(&body, '{');
        resolutions(&body, "supported_resolutions");
        out_bool(&body, "supports_search", true);
        out_bool(&body, "supports_group_request", false);
        out_bool(&body, "supports_marks", false);
        out_bool(&body, "supports_timescale_marks", false);
        out_bool(&body, "supports_time", true);
        buf_puts(&body, ",\"exchanges\":[{");
        out_text(&body, "value", call->brand->name);
        out_text(&body, "name", call->brand->name);
        out_text(&body, "desc", call->brand->name);
        buf_puts(&body, "}],\"symbols_types\":[{\"name\":\"All types\",\"value\":\"\"},"
                        "{\"name\":\"Perpetual\",\"value\":\"" TYPE "\"}]}");
        call_reply(call, 200, &body);
}

void udf_time(struct call *call)
{
        struct buf body;

        buf_init(&body, 64);
        buf_printf(&body, "%lld", (long long)(state_now(call->api) / 1000));
        call_reply_raw(call, 200, "text/plain", body.data, body.len, NULL, 0);
        buf_fini(&body);
}

/* --- symbols --- */

/* Decimals of the finest price that the venue takes near the mark: at most five figures, and so many decimals. */
static unsigned price_decimals(const struct market *m)
{
        unsigned decimals = 0;

        if (!m->context_at || m->mark.v <= 0)
                return m->price_max_decimals;
        /* One more while the mark leaves a figure for it: below 10000 for the first. */
        while (decimals < m->price_max_decimals &&
               m->mark.v < num_pow10(SIGNIFICANT - 1 + NUM_DECIMALS - decimals))
                decimals++;
        return decimals;
}

static void description(struct buf *out, const struct market *m)
{
        char text[SYMBOL_MAX + COLLATERAL_MAX + 16];

        snprintf(text, sizeof text, "%s/%s perpetual", m->symbol, m->collateral);
        out_text(out, "description", text);
}

static void full_name(struct buf *out, const char *member, const struct brand *brand,
                      const struct market *m)
{
        struct buf text;

        buf_init(&text, 512);
        buf_puts(&text, brand->name);
        buf_putc(&text, ':');
        buf_puts(&text, m->symbol);
        out_text(out, member, buf_cstr(&text));
        buf_fini(&text);
}

static void symbol_info(struct buf *out, const struct brand *brand, const struct market *m)
{
        buf_putc(out, '{');
        out_text(out, "name", m->symbol);
        out_text(out, "ticker", m->symbol);
        full_name(out, "full_name", brand, m);
        description(out, m);
        out_text(out, "type", TYPE);
        out_text(out, "session", "24x7");
        out_text(out, "timezone", "Etc/UTC");
        out_text(out, "exchange", brand->name);
        out_text(out, "listed_exchange", brand->name);
        out_text(out, "format", "price");
        out_int(out, "minmov", 1);
        out_int(out, "minmove2", 0);
        out_int(out, "pricescale", num_pow10(price_decimals(m)));
        out_bool(out, "fractional", false);
        out_bool(out, "has_intraday", true);
        out_bool(out, "has_daily", true);
        out_bool(out, "has_weekly_and_monthly", true);
        out_bool(out, "has_empty_bars", false);
        buf_puts(out, ",\"intraday_multipliers\":[");
        for (unsigned i = 0; i < 10; i++)
                buf_printf(out, "%s\"%s\"", i ? "," : "", udf_resolutions[i]);
        buf_puts(out, "],\"daily_multipliers\":[\"1\",\"3\"],\"weekly_multipliers\":[\"1\"],"
                      "\"monthly_multipliers\":[\"1\"]");
        resolutions(out, "supported_resolutions");
        out_int(out, "volume_precision", m->size_decimals);
        out_text(out, "data_status", "streaming");
        out_text(out, "currency_code", m->collateral);
        buf_putc(out, '}');
}

struct symbol_query {
        char symbol[UDF_SYMBOL_MAX];
};
static const struct field symbol_fields[] = {
        {.name = "symbol",
         .type = FIELD_TEXT,
         .required = true,
         .offset = offsetof(struct symbol_query, symbol),
         .present = FIELD_NO_FLAG,
         .size = UDF_SYMBOL_MAX},
};
FIELD_TABLE(udf_symbols_table, symbol_fields);

void udf_symbols(struct call *call)
{
        struct symbol_query q = {.symbol = ""};
        struct err err = {.code = E_OK};
        const struct market *m;
        struct buf body;

        if (udf_query(call, &q, &udf_symbols_table, &err)) {
                udf_refuse(call, err.detail);
                return;
        }
        m = udf_market(call, q.symbol);
        if (!m) {
                udf_refuse(call, UNKNOWN_SYMBOL);
                return;
        }
        buf_init(&body, BODY_MAX);
        symbol_info(&body, call->brand, m);
        call_reply(call, 200, &body);
}

/* --- search --- */

struct search_query {
        char query[64], type[32], exchange[128];
        unsigned limit;
        bool has_limit;
};
static const struct field search_fields[] = {
        {.name = "query",
         .type = FIELD_TEXT,
         .offset = offsetof(struct search_query, query),
         .present = FIELD_NO_FLAG,
         .size = 64},
        {.name = "type",
         .type = FIELD_TEXT,
         .offset = offsetof(struct search_query, type),
         .present = FIELD_NO_FLAG,
         .size = 32},
        {.name = "exchange",
         .type = FIELD_TEXT,
         .offset = offsetof(struct search_query, exchange),
         .present = FIELD_NO_FLAG,
         .size = 128},
        {.name = "limit",
         .type = FIELD_UINT,
         .offset = offsetof(struct search_query, limit),
         .present = offsetof(struct search_query, has_limit),
         .size = 1000000},
};
FIELD_TABLE(udf_search_table, search_fields);

/* How well a symbol fits what was typed: 0 it is that, 1 begins with it, 2 holds it, 3 does not. */
static unsigned distance(const char *symbol, const char *typed)
{
        size_t n = strlen(typed);

        if (strcasecmp(symbol, typed) == 0)
                return 0;
        if (strncasecmp(symbol, typed, n) == 0)
                return 1;
        for (const char *at = symbol; *at; at++)
                if (strncasecmp(at, typed, n) == 0)
                        return 2;
        return 3;
}

static void put_found(struct buf *out, const struct brand *brand, const struct market *m,
                      bool is_first)
{
        buf_puts(out, is_first ? "{" : ",{");
        out_text(out, "symbol", m->symbol);
        full_name(out, "full_name", brand, m);
        description(out, m);
        out_text(out, "exchange", brand->name);
        out_text(out, "ticker", m->symbol);
        out_text(out, "type", TYPE);
        buf_putc(out, '}');
}

void udf_search(struct call *call)
{
        struct venue *venue = call->api->o.venue;
        struct search_query q = {.limit = FOUND_DEFAULT};
        struct err err = {.code = E_OK};
        size_t n = venue->ops->market_count(venue);
        unsigned found = 0;
        struct buf body;
        bool fits;

        if (udf_query(call, &q, &udf_search_table, &err)) {
                udf_refuse(call, err.detail);
                return;
        }
        if (q.limit > FOUND_MAX)
                q.limit = FOUND_MAX;
        fits = (!q.type[0] || strcmp(q.type, TYPE) == 0) &&
               (!q.exchange[0] || strcmp(q.exchange, call->brand->name) == 0);
        buf_init(&body, BODY_MAX);
        buf_putc(&body, '[');
        for (unsigned d = 0; fits && d < 3; d++) {
                for (size_t i = 0; i < n && found < q.limit; i++) {
                        const struct market *m = venue->ops->market_at(venue, i);
                        if (!is_offered(call, m) || distance(m->symbol, q.query) != d)
                                continue;
                        put_found(&body, call->brand, m, found++ == 0);
                }
        }
        buf_putc(&body, ']');
        call_reply(call, 200, &body);
}
