#include "alerts/alerts.h"

#include <stdlib.h>

#include "alerts/webhooks.h"
#include "base/log.h"
#include "base/mem.h"

struct alerts {
        struct alerts_options o;
        struct webhooks *webhooks;
        alerts_told_fn *heard; /* or NULL */
        void *heard_cookie;
        unsigned open;  /* being kept */
        bool is_closed; /* freed when the last of them is */
};

struct raised {
        struct alerts *alerts;
        struct store_alert row;
        alerts_told_fn *told;
        void *cookie;
};

static const char *const names[ALERT_KINDS] = {
        [ALERT_LIQUIDATION_DISTANCE] = "liquidationDistance",
        [ALERT_FUNDING_CHARGED] = "fundingCharged",
        [ALERT_STOP_TRIGGERED] = "stopTriggered",
        [ALERT_LIQUIDATED] = "liquidated",
        [ALERT_GUARD_ACTED] = "guardActed",
        [ALERT_AGENT_EXPIRES] = "agentExpires",
        [ALERT_DRIFT] = "drift",
        [ALERT_DEAD_MAN_FIRED] = "deadManFired",
};

const char *alerts_kind_name(enum alert_kind kind)
{
        return names[kind];
}

struct alerts *alerts_new(const struct alerts_options *options)
{
        struct alerts *alerts = xcalloc(1, sizeof *alerts);

        alerts->o = *options;
        alerts->webhooks = webhooks_new(options);
        return alerts;
}

void alerts_free(struct alerts *alerts)
{
        if (!alerts)
                return;
        webhooks_free(alerts->webhooks);
        alerts->webhooks = NULL;
        alerts->is_closed = true;
        if (alerts->open == 0)
                free(alerts);
}

enum errc alerts_configure(struct alerts *alerts, const struct brand_set *brands, struct err *err)
{
        return webhooks_configure(alerts->webhooks, brands, err);
}

void alerts_listen(struct alerts *alerts, alerts_told_fn *heard, void *cookie)
{
        alerts->heard = heard;
        alerts->heard_cookie = cookie;
}

static void count(struct alerts *alerts, const char *kind, const char *result)
{
        char labels[96];
        struct buf text;

        buf_init(&text, sizeof labels);
        buf_printf(&text, "kind=\"%s\",result=\"%s\"", kind, result);
        must(text_copy(labels, sizeof labels, buf_cstr(&text)));
        buf_fini(&text);
        metrics_add(alerts->o.metrics, "perpgate_alerts_total", labels, 1,
                    "Alerts raised, by kind and by what became of them.");
}

static void tell_kept(struct raised *raised, enum errc rc)
{
        struct alerts *alerts = raised->alerts;

        if (rc == E_OK) {
                count(alerts, raised->row.kind, "kept");
                webhooks_wake(alerts->webhooks, raised->row.brand);
                if (raised->told)
                        raised->told(raised->cookie, &raised->row);
                if (alerts->heard)
                        alerts->heard(alerts->heard_cookie, &raised->row);
        } else if (rc == E_EXISTS) {
                count(alerts, raised->row.kind, "repeated");
        } else {
                count(alerts, raised->row.kind, "lost");
                log_event(LOG_ERROR, "alert_lost", "brand", raised->row.brand, "kind",
                          raised->row.kind, "error", err_wire(rc), NULL);
        }
}

static void kept(void *cookie, enum errc rc, uint64_t number)
{
        struct raised *raised = cookie;
        struct alerts *alerts = raised->alerts;

        raised->row.number = number;
        alerts->open--;
        if (!alerts->is_closed)
                tell_kept(raised, rc);
        else if (alerts->open == 0)
                free(alerts);
        free(raised);
}

void alerts_raise(struct alerts *alerts, const struct alert *alert, alerts_told_fn *told,
                  void *cookie)
{
        struct raised *raised = xcalloc(1, sizeof *raised);
        const char *url[STORE_ALERT_HOOKS];
        struct store_alert *row = &raised->row;

        must(text_copy(row->brand, sizeof row->brand, alert->brand));
        must(text_copy(row->cause, sizeof row->cause, alert->cause));
        must(text_copy(row->topic, sizeof row->topic, alert->topic ? alert->topic : ""));
        must(text_copy(row->kind, sizeof row->kind, alerts_kind_name(alert->kind)));
        must(text_copy(row->symbol, sizeof row->symbol, alert->symbol));
        must(text_copy(row->detail, sizeof row->detail, alert->detail));
        row->account = alert->account;
        row->at = alert->at;
        raised->alerts = alerts;
        raised->told = told;
        raised->cookie = cookie;
        alerts->open++;
        store_alert_put(alerts->o.store, row, url, webhooks_of(alerts->webhooks, alert->brand, url),
                        kept, raised);
}
