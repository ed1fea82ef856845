#include "api/snapshots.h"

#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/out.h"
#include "base/mem.h"

#define BODY_MAX        (256u << 10)
#define WAITING_MAX     4096
#define BOOK_FRESH_MS   300
#define TRADES_FRESH_MS 3000 /* the venue weighs trades ten times a book */

struct snapshots {
        struct api *api;
        struct map *by_key; /* symbol and kind -> struct snapshot */
};

struct snapshot {
        struct api *api;
        char symbol[SYMBOL_MAX];
        enum snapshot_kind kind;
        struct buf body; /* as answered */
        int64_t until;   /* monotonic; 0: none yet */
        bool reading;
        struct call **waiting;
        size_t n_waiting, cap_waiting;
};

struct snapshots *snapshots_new(struct api *api)
{
        struct snapshots *s = xcalloc(1, sizeof *s);

        s->api = api;
        s->by_key = map_new();
        return s;
}

static void snapshot_free(void *value)
{
        struct snapshot *s = value;

        must(s->n_waiting == 0);
        buf_fini(&s->body);
        free(s->waiting);
        free(s);
}

void snapshots_free(struct snapshots *s)
{
        if (!s)
                return;
        map_free(s->by_key, snapshot_free);
        free(s);
}

static void answer(struct snapshot *s, struct call *call)
{
        call_reply_raw(call, 200, "application/json", s->body.data, s->body.len, NULL, 0);
}

static void settle(struct snapshot *s, const struct err *err)
{
        struct call **waiting = s->waiting;
        size_t n = s->n_waiting;

        s->reading = false;
        s->waiting = NULL;
        s->n_waiting = s->cap_waiting = 0;
        for (size_t i = 0; i < n; i++) {
                if (err->code)
                        call_fail(waiting[i], err);
                else
                        answer(s, waiting[i]);
        }
        free(waiting);
}

/* What outgrew its bound is not answered in part. */
static void rendered(struct snapshot *s, int64_t fresh_ms)
{
        struct err err = {.code = E_OK};

        if (buf_check(&s->body))
                (void)err_set(&err, E_INTERNAL, "%s has more than an answer holds.", s->symbol);
        else
                s->until = clock_mono_ms(s->api->o.clock) + fresh_ms;
        settle(s, &err);
}

static void book_arrived(void *cookie, const struct err *err, const struct venue_book *book)
{
        struct snapshot *s = cookie;

        if (err->code) {
                settle(s, err);
                return;
        }
        buf_reset(&s->body);
        out_book(&s->body, book);
        rendered(s, BOOK_FRESH_MS);
}

static void trades_arrived(void *cookie, const struct err *err, const struct venue_trade *trades,
                           size_t n)
{
        struct snapshot *s = cookie;

        if (err->code) {
                settle(s, err);
                return;
        }
        buf_reset(&s->body);
        out_trades(&s->body, s->symbol, trades, n);
        rendered(s, TRADES_FRESH_MS);
}

static void wait_for(struct snapshot *s, struct call *call)
{
        if (s->n_waiting == s->cap_waiting) {
                s->cap_waiting = s->cap_waiting ? s->cap_waiting * 2 : 8;
                s->waiting = xrealloc(s->waiting, s->cap_waiting * sizeof(struct call *));
        }
        s->waiting[s->n_waiting++] = call;
}

void snapshots_answer(struct snapshots *all, struct call *call, const struct market *market,
                      enum snapshot_kind kind)
{
        struct {
                char symbol[SYMBOL_MAX];
                int kind;
        } key = {.kind = (int)kind};
        struct venue *venue = all->api->o.venue;
        struct snapshot *s;

        text_copy(key.symbol, sizeof key.symbol, market->symbol);
        s = map_get(all->by_key, &key, sizeof key);
        if (!s) {
                s = xcalloc(1, sizeof *s);
                s->api = all->api;
                s->kind = kind;
                text_copy(s->symbol, sizeof s->symbol, market->symbol);
                buf_init(&s->body, BODY_MAX);
                map_put(all->by_key, &key, sizeof key, s);
        }
        if (s->until > clock_mono_ms(all->api->o.clock)) {
                answer(s, call);
                return;
        }
        if (s->n_waiting >= WAITING_MAX) {
                call_fail_code(call, E_VENUE_UNAVAILABLE);
                return;
        }
        wait_for(s, call);
        if (s->reading)
                return;
        s->reading = true;
        if (kind == SNAPSHOT_BOOK)
                venue->ops->read_shown_book(venue, market, book_arrived, s);
        else
                venue->ops->read_trades(venue, market, trades_arrived, s);
}
