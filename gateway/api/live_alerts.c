/* Alerts as events: the newest out of the store, then each as it is raised. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/alerts.h"
#include "api/live_impl.h"
#include "base/mem.h"

#define NEWEST   50
#define RETRY_MS 2000
#define ROW_MAX  8192

struct kept {
        uint64_t number;
        char *text; /* owned */
};

struct live_alerts {
        struct live_account *a;
        struct handle self;
        bool is_begun, is_ready, is_reading, has_more;
        int64_t retry_at;
        struct kept newest[NEWEST]; /* newest first */
        size_t n;
        uint64_t told; /* the newest number */
};

struct live_alerts *live_alerts_new(struct live_account *a)
{
        struct live_alerts *l = xcalloc(1, sizeof *l);

        l->a = a;
        l->self = handle_put(a->live->handles, l);
        must(l->self.generation);
        return l;
}

void live_alerts_free(struct live_alerts *l)
{
        if (!l)
                return;
        (void)handle_take(l->a->live->handles, l->self);
        for (size_t i = 0; i < l->n; i++)
                free(l->newest[i].text);
        free(l);
}

/* True where it is news. */
static bool keep(struct live_alerts *l, const struct store_alert *alert)
{
        struct buf text;

        if (alert->number <= l->told)
                return false;
        l->told = alert->number;
        if (l->n == NEWEST) {
                free(l->newest[--l->n].text);
                l->has_more = true;
        }
        memmove(&l->newest[1], &l->newest[0], l->n * sizeof l->newest[0]);
        buf_init(&text, ROW_MAX);
        alert_json(&text, alert, false);
        must(buf_check(&text) == E_OK);
        l->newest[0] = (struct kept){alert->number, xstrdup(buf_cstr(&text))};
        l->n++;
        buf_fini(&text);
        return true;
}

/* The store answers in the order it was asked: what is raised before its answer is in it. */
void live_alerts_raised(struct live_alerts *l, const struct store_alert *alert)
{
        struct live_account *a = l->a;

        if (!l->is_begun || !keep(l, alert) || !l->is_ready || !a->channel[LIVE_ALERTS])
                return;
        stream_update(a->channel[LIVE_ALERTS], live_now(a->live), l->newest[0].text,
                      strlen(l->newest[0].text));
}

static void listed(void *cookie, enum errc rc, const struct store_alert *alerts, size_t n)
{
        struct live_asked asked;
        struct live_alerts *l = live_impl_answered(cookie, &asked);

        if (!l)
                return;
        l->is_reading = false;
        l->retry_at = live_now(l->a->live) + RETRY_MS;
        l->is_begun = !rc;
        for (size_t i = n; i-- > 0 && !rc;)
                (void)keep(l, &alerts[i]);
        live_impl_wake(l->a);
}

bool live_alerts_work(struct live_alerts *l, int64_t now)
{
        const struct stream_subject *subject = &l->a->subject;
        struct live *live = l->a->live;

        if (!l->a->channel[LIVE_ALERTS]) {
                l->is_ready = false;
        } else if (l->is_begun && !l->is_ready) {
                l->is_ready = true;
                stream_ready(l->a->channel[LIVE_ALERTS]);
        }
        if (l->is_begun || l->is_reading)
                return false;
        if (now >= l->retry_at) {
                l->is_reading = true;
                store_alert_list(live->api->o.store, subject->brand, &subject->account, "", 0,
                                 NEWEST + 1, listed, live_impl_ask(live, l->self));
        }
        return !l->is_reading;
}

bool live_alerts_snapshot(struct live_alerts *l, struct buf *out)
{
        if (!l->is_ready)
                return false;
        buf_puts(out, "{\"data\":[");
        for (size_t i = 0; i < l->n; i++) {
                if (i)
                        buf_putc(out, ',');
                buf_puts(out, l->newest[i].text);
        }
        buf_puts(out, "],\"nextCursor\":");
        if (l->has_more)
                buf_printf(out, "\"%" PRIu64 "\"}", l->newest[l->n - 1].number);
        else
                buf_puts(out, "null}");
        return true;
}
