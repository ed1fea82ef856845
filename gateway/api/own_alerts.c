/* Alerts as events: the newest out of the store, then each as it is raised. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/alerts.h"
#include "api/own_impl.h"
#include "base/mem.h"

#define NEWEST   50
#define RETRY_MS 2000
#define ROW_MAX  8192

struct kept {
        uint64_t number;
        char *text; /* owned */
};

struct own_alerts {
        struct own_account *a;
        struct handle self;
        bool is_begun, is_ready, is_reading, has_more;
        int64_t retry_at;
        struct kept newest[NEWEST]; /* newest first */
        size_t n;
        uint64_t told; /* the newest number */
};

struct own_alerts *own_alerts_new(struct own_account *a)
{
        struct own_alerts *l = xcalloc(1, sizeof *l);

        l->a = a;
        l->self = handle_put(a->own->handles, l);
        must(l->self.generation);
        return l;
}

void own_alerts_free(struct own_alerts *l)
{
        if (!l)
                return;
        (void)handle_take(l->a->own->handles, l->self);
        for (size_t i = 0; i < l->n; i++)
                free(l->newest[i].text);
        free(l);
}

/* True where it is news. */
static bool keep(struct own_alerts *l, const struct store_alert *alert)
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
void own_alerts_raised(struct own_alerts *l, const struct store_alert *alert)
{
        struct own_account *a = l->a;

        if (!l->is_begun || !keep(l, alert) || !l->is_ready || !a->channel[OWN_ALERTS])
                return;
        stream_update(a->channel[OWN_ALERTS], own_now(a->own), l->newest[0].text,
                      strlen(l->newest[0].text));
}

static void listed(void *cookie, enum errc rc, const struct store_alert *alerts, size_t n)
{
        struct own_asked asked;
        struct own_alerts *l = own_impl_answered(cookie, &asked);

        if (!l)
                return;
        l->is_reading = false;
        l->retry_at = own_now(l->a->own) + RETRY_MS;
        l->is_begun = !rc;
        for (size_t i = n; i-- > 0 && !rc;)
                (void)keep(l, &alerts[i]);
        own_impl_wake(l->a);
}

bool own_alerts_work(struct own_alerts *l, int64_t now)
{
        const struct stream_subject *subject = &l->a->subject;
        struct own *own = l->a->own;

        if (l->a->channel[OWN_ALERTS] && l->is_begun && !l->is_ready) {
                l->is_ready = true;
                stream_ready(l->a->channel[OWN_ALERTS]);
        }
        if (l->is_begun || l->is_reading)
                return false;
        if (now >= l->retry_at) {
                l->is_reading = true;
                store_alert_list(own->api->o.store, subject->brand, &subject->account, "", 0,
                                 NEWEST + 1, listed, own_impl_ask(own, l->self));
        }
        return !l->is_reading;
}

void own_alerts_left(struct own_alerts *l)
{
        l->is_ready = false;
}

bool own_alerts_snapshot(struct own_alerts *l, struct buf *out)
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
