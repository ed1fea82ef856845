#include "api/agent_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alerts/alerts.h"
#include "api/agent_life.h"
#include "api/state.h"
#include "base/log.h"
#include "base/mem.h"
#include "keeper/keeper.h"
#include "store/store_trader.h"

#define LOOK_MS INT64_C(3600000)

struct agent_watch {
        struct api *api; /* NULL: freed when the look under way is over */
        struct loop_timer *timer;
        bool is_looking;
};

static void tell(struct api *api, const struct store_trader *t, unsigned days)
{
        char cause[96], detail[160], address[ADDR_STR_MAX];
        struct alert alert = {.brand = t->brand,
                              .account = t->account,
                              .kind = ALERT_AGENT_EXPIRES,
                              .symbol = "",
                              .at = state_now(api),
                              .cause = cause,
                              .detail = detail};

        hex_print_addr(address, &t->agent);
        snprintf(cause, sizeof cause, "agent %s %u", address, days);
        snprintf(detail, sizeof detail, "{\"agent\":\"%s\",\"days\":%u,\"validUntil\":%" PRId64 "}",
                 address, days, t->valid_until);
        alerts_raise(api->o.alerts, &alert, NULL, NULL);
}

static void found(void *cookie, enum errc rc, const struct store_trader *traders, size_t n)
{
        struct agent_watch *watch = cookie;
        struct api *api = watch->api;

        watch->is_looking = false;
        if (!api) {
                free(watch);
                return;
        }
        if (rc)
                log_event(LOG_WARN, "traders can't be read", "error", err_wire(rc), NULL);
        for (size_t i = 0; i < n; i++) {
                unsigned days = agent_life_warning(traders[i].valid_until, state_now(api));
                keeper_watch(api->o.keeper, traders[i].brand, &traders[i].account);
                if (days)
                        tell(api, &traders[i], days);
        }
}

static void look(void *cookie)
{
        struct agent_watch *watch = cookie;

        if (watch->is_looking)
                return;
        watch->is_looking = true;
        store_trader_all(watch->api->o.store, found, watch);
}

struct agent_watch *agent_watch_new(struct api *api)
{
        struct agent_watch *watch = xcalloc(1, sizeof *watch);

        watch->api = api;
        watch->timer = loop_timer_new(api->o.loop, look, watch);
        loop_timer_start(watch->timer, 0, LOOK_MS);
        return watch;
}

void agent_watch_free(struct agent_watch *watch)
{
        if (!watch)
                return;
        loop_timer_free(watch->timer);
        watch->api = NULL;
        if (!watch->is_looking)
                free(watch);
}
