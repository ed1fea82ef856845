/* Market data of the past: candles and funding rates, by window. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/call.h"
#include "api/candles.h"
#include "api/handlers.h"
#include "api/markets.h"
#include "api/out.h"
#include "api/schema.h"
#include "api/series.h"
#include "api/tables.h"
#include "base/mem.h"

#define LIMIT_DEFAULT 500
#define BODY_MAX      (4u << 20)
#define HOUR_MS       INT64_C(3600000)

struct past_query {
        int interval;
        int64_t start, end;
        bool has_start, has_end, has_limit;
        unsigned limit;
};

#define WINDOW_FIELDS(max)                                                                         \
        {.name = "start",                                                                          \
         .type = FIELD_TIME,                                                                       \
         .offset = offsetof(struct past_query, start),                                             \
         .present = offsetof(struct past_query, has_start)},                                       \
                {.name = "end",                                                                    \
                 .type = FIELD_TIME,                                                               \
                 .offset = offsetof(struct past_query, end),                                       \
                 .present = offsetof(struct past_query, has_end)},                                 \
        {                                                                                          \
                .name = "limit", .type = FIELD_UINT, .offset = offsetof(struct past_query, limit), \
                .present = offsetof(struct past_query, has_limit), .size = (max)                   \
        }

static const struct field candle_fields[] = {
        WINDOW_FIELDS(SERIES_CANDLES_MAX),
        {.name = "interval",
         .type = FIELD_WORD,
         .required = true,
         .offset = offsetof(struct past_query, interval),
         .present = FIELD_NO_FLAG,
         .words = series_intervals},
};
static const struct field rate_fields[] = {WINDOW_FIELDS(SERIES_RATES_MAX)};
FIELD_TABLE(markets_past_candles_table, candle_fields);
FIELD_TABLE(markets_past_funding_table, rate_fields);

/* The window asked for: to now, and as long as `limit` rows, where the query does not say. */
static enum errc window_of(struct series_window *w, const struct past_query *q, int64_t now,
                           int64_t row_ms, unsigned max_rows, struct err *err)
{
        int64_t span;

        *w = (struct series_window){.limit = q->has_limit               ? q->limit
                                             : max_rows < LIMIT_DEFAULT ? max_rows
                                                                        : LIMIT_DEFAULT};
        if (q->has_end)
                w->end = q->end;
        else /* the row of this moment included */
                w->end = q->has_start && q->start > now ? q->start + row_ms : now + row_ms;
        span = row_ms * w->limit;
        w->start = q->has_start ? q->start : w->end > span ? w->end - span : 0;
        if (w->start >= w->end)
                return err_field(err, E_INVALID, "start", "must be before end");
        if ((w->end - w->start) / row_ms > (int64_t)max_rows + 1) {
                (void)err_field(err, E_INVALID, "start",
                                "leaves a window of more than %u rows; ask for a part of it",
                                max_rows);
                err_hint(err, "start=%" PRId64, w->end - row_ms * max_rows);
                return E_INVALID;
        }
        return E_OK;
}

struct chart {
        struct call *call;
        char symbol[SYMBOL_MAX];
        unsigned interval;
};

static void candles_told(void *cookie, const struct err *err, const struct candles_answer *answer)
{
        struct chart *chart = cookie;
        struct call *call = chart->call;
        char since[24];
        const struct httpd_header_pair stale = {CANDLES_STALE_HEADER, since};
        struct buf body;

        if (err->code) {
                free(chart);
                call_fail(call, err);
                return;
        }
        buf_init(&body, BODY_MAX);
        buf_putc(&body, '{');
        out_text(&body, "symbol", chart->symbol);
        out_text(&body, "interval", series_intervals[chart->interval]);
        buf_puts(&body, ",\"data\":[");
        for (size_t i = 0; i < answer->n; i++) {
                if (i)
                        buf_putc(&body, ',');
                out_candle(&body, &answer->row[i]);
        }
        buf_puts(&body, "]}");
        free(chart);
        snprintf(since, sizeof since, "%" PRId64, answer->stale_since);
        must(buf_check(&body) == E_OK);
        call_reply_raw(call, 200, "application/json", body.data, body.len, &stale,
                       answer->stale_since ? 1 : 0);
        buf_fini(&body);
}

void markets_candles(struct call *call)
{
        struct past_query q = {.interval = 0};
        struct err err = {.code = E_OK};
        struct series_window window;
        const struct market *m = markets_find(call);
        struct chart *chart;

        if (!m)
                return;
        if (call_query(call, &q, candle_fields, sizeof candle_fields / sizeof *candle_fields,
                       &err) ||
            window_of(&window, &q, state_now(call->api), series_interval_ms((unsigned)q.interval),
                      SERIES_CANDLES_MAX, &err)) {
                call_fail(call, &err);
                return;
        }
        chart = xcalloc(1, sizeof *chart);
        chart->call = call;
        chart->interval = (unsigned)q.interval;
        must(text_copy(chart->symbol, sizeof chart->symbol, m->symbol));
        candles_get(call->api->candles, m, chart->interval, &window, candles_told, chart);
}

void markets_funding(struct call *call)
{
        struct past_query q = {.interval = 0};
        struct err err = {.code = E_OK};
        struct series_window window;
        const struct market *m = markets_find(call);

        if (!m)
                return;
        if (call_query(call, &q, rate_fields, sizeof rate_fields / sizeof *rate_fields, &err) ||
            window_of(&window, &q, state_now(call->api), HOUR_MS, SERIES_RATES_MAX, &err))
                call_fail(call, &err);
        else
                series_rates(call->api->series, call, m, &window);
}
