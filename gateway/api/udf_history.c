/* Bars. The newest come first to mind: a chart asks for so many (`countback`) that end at a time, and reads on
 * backwards from the oldest it got. Where markets rest, a window holds fewer bars than its length: then it is widened,
 * once, as far as the venue's memory. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/candles.h"
#include "api/handlers.h"
#include "api/out.h"
#include "api/tables.h"
#include "api/udf.h"
#include "base/mem.h"

#define BODY_MAX (4u << 20)

struct history_query {
        char symbol[UDF_SYMBOL_MAX];
        int resolution;
        int64_t from, to;
        bool has_from, has_countback;
        unsigned countback;
};

static const struct field history_fields[] = {
        {.name = "symbol",
         .type = FIELD_TEXT,
         .required = true,
         .offset = offsetof(struct history_query, symbol),
         .present = FIELD_NO_FLAG,
         .size = UDF_SYMBOL_MAX},
        {.name = "resolution",
         .type = FIELD_WORD,
         .required = true,
         .offset = offsetof(struct history_query, resolution),
         .present = FIELD_NO_FLAG,
         .words = udf_resolutions},
        {.name = "from",
         .type = FIELD_SECONDS,
         .offset = offsetof(struct history_query, from),
         .present = offsetof(struct history_query, has_from)},
        {.name = "to",
         .type = FIELD_SECONDS,
         .required = true,
         .offset = offsetof(struct history_query, to),
         .present = FIELD_NO_FLAG},
        {.name = "countback",
         .type = FIELD_UINT,
         .offset = offsetof(struct history_query, countback),
         .present = offsetof(struct history_query, has_countback),
         .size = 1000000},
};
FIELD_TABLE(udf_history_table, history_fields);

struct chart {
        struct call *call;
        char symbol[SYMBOL_MAX];
        unsigned interval;
        struct series_window window;
        unsigned wanted; /* countback; 0: what the window holds */
        bool is_widened;
        int64_t stale_since; /* the venue could not be asked */
};

static void read_bars(struct chart *chart);

/* --- answering --- */

static void put_times(struct buf *out, const struct candles_answer *a)
{
        out_key(out, "t");
        for (size_t i = 0; i < a->n; i++)
                buf_printf(out, "%s%" PRId64, i ? "," : "[", a->row[i].open_at / 1000);
        buf_putc(out, ']');
}

/* A decimal as it is: what prints one prints a JSON number. */
static void put_prices(struct buf *out, const char *name, const struct candles_answer *a,
                       struct px (*price)(const struct venue_candle *candle))
{
        char text[NUM_STR_MAX];

        out_key(out, name);
        for (size_t i = 0; i < a->n; i++) {
                buf_putc(out, i ? ',' : '[');
                buf_puts(out, num_print_px(text, price(&a->row[i])));
        }
        buf_putc(out, ']');
}

static struct px open_of(const struct venue_candle *c)
{
        return c->open;
}

static struct px high_of(const struct venue_candle *c)
{
        return c->high;
}

static struct px low_of(const struct venue_candle *c)
{
        return c->low;
}

static struct px close_of(const struct venue_candle *c)
{
        return c->close;
}

static void put_volumes(struct buf *out, const struct candles_answer *a)
{
        out_key(out, "v");
        for (size_t i = 0; i < a->n; i++) {
                buf_putc(out, i ? ',' : '[');
                buf_puts(out, a->row[i].volume);
        }
        buf_putc(out, ']');
}

static void put_bars(struct buf *out, const struct candles_answer *a)
{
        out_text(out, "s", "ok");
        put_times(out, a);
        put_prices(out, "o", a, open_of);
        put_prices(out, "h", a, high_of);
        put_prices(out, "l", a, low_of);
        put_prices(out, "c", a, close_of);
        put_volumes(out, a);
}

static void put_none(struct buf *out, int64_t next)
{
        out_text(out, "s", "no_data");
        if (next)
                out_int(out, "nextTime", next / 1000);
}

static void reply(struct chart *chart, const struct candles_answer *a)
{
        struct call *call = chart->call;
        char since[24];
        const struct httpd_header_pair stale = {CANDLES_STALE_HEADER, since};
        int64_t next = a->n ? a->row[a->n - 1].open_at : a->before;
        /* Widened for want of any bar: those found lie before the window. */
        bool is_empty = a->n == 0 || (chart->is_widened && !chart->wanted);
        bool is_stale = chart->stale_since != 0;
        struct buf body;

        buf_init(&body, BODY_MAX);
        buf_putc(&body, '{');
        if (is_empty)
                put_none(&body, next);
        else
                put_bars(&body, a);
        buf_putc(&body, '}');
        snprintf(since, sizeof since, "%" PRId64, chart->stale_since);
        must(buf_check(&body) == E_OK);
        free(chart);
        call_reply_raw(call, 200, "application/json", body.data, body.len, &stale,
                       is_stale ? 1 : 0);
        buf_fini(&body);
}

/* --- reading --- */

static bool widen(struct chart *chart)
{
        struct series_window *w = &chart->window;
        int64_t all = series_interval_ms(chart->interval) * SERIES_CANDLES_MAX;
        int64_t start = w->end > all ? w->end - all : 0;

        if (chart->is_widened || start >= w->start)
                return false;
        chart->is_widened = true;
        if (!chart->wanted) {
                w->end = w->start;
                w->limit = 1;
        }
        w->start = start;
        w->kept_only = chart->stale_since != 0;
        return w->start < w->end;
}

static void bars_told(void *cookie, const struct err *err, const struct candles_answer *answer)
{
        struct chart *chart = cookie;
        struct call *call = chart->call;
        bool is_short = !err->code && (answer->n == 0 || answer->n < chart->wanted);

        if (err->code) {
                free(chart);
                udf_refuse(call, err->detail[0] ? err->detail : err_text(err->code));
                return;
        }
        if (!chart->stale_since)
                chart->stale_since = answer->stale_since;
        if (is_short && (chart->wanted || !answer->before) && widen(chart))
                read_bars(chart);
        else
                reply(chart, answer);
}

static void read_bars(struct chart *chart)
{
        const struct market *m = udf_market(chart->call, chart->symbol);
        struct call *call = chart->call;

        if (m) {
                candles_get(call->api->candles, m, chart->interval, &chart->window, bars_told,
                            chart);
                return;
        }
        free(chart);
        udf_refuse(call, "unknown_symbol");
}

/* What `from`, `to` and `countback` mean; NULL, or why not. */
static const char *take_window(struct chart *chart, const struct history_query *q)
{
        struct series_window *w = &chart->window;
        int64_t ms = series_interval_ms(chart->interval);
        int64_t newest = state_now(chart->call->api) + 1; /* the bar of this moment included */
        int64_t span;

        if (!q->has_from && !q->has_countback)
                return "from: must be given where countback is not";
        if (q->to <= 0)
                return "to: must be after 1970";
        if (!q->has_countback && q->from >= q->to)
                return "from: must be before to";
        w->end = q->to * 1000 < newest ? q->to * 1000 : newest;
        w->limit = SERIES_CANDLES_MAX;
        if (q->has_countback && q->countback < w->limit)
                w->limit = q->countback;
        chart->wanted = q->has_countback ? w->limit : 0;
        /* Two more: until somebody trades, the newest may not be there. */
        span = ms * (w->limit + (chart->wanted ? 2 : 0));
        w->start = w->end > span ? w->end - span : 0;
        if (!q->has_countback && q->from * 1000 > w->start)
                w->start = q->from * 1000 < w->end ? q->from * 1000 : w->end - 1;
        return NULL;
}

void udf_history(struct call *call)
{
        struct history_query q = {.resolution = 0};
        struct err err = {.code = E_OK};
        const struct market *m;
        struct chart *chart;
        const char *wrong;

        if (udf_query(call, &q, &udf_history_table, &err)) {
                udf_refuse(call, err.detail);
                return;
        }
        m = udf_market(call, q.symbol);
        if (!m) {
                udf_refuse(call, "unknown_symbol");
                return;
        }
        chart = xcalloc(1, sizeof *chart);
        chart->call = call;
        chart->interval = udf_interval((unsigned)q.resolution);
        must(text_copy(chart->symbol, sizeof chart->symbol, m->symbol));
        wrong = take_window(chart, &q);
        if (!wrong) {
                read_bars(chart);
                return;
        }
        free(chart);
        udf_refuse(call, wrong);
}
