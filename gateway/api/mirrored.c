#include "api/mirrored.h"

#include <stdlib.h>
#include <string.h>

#include "api/state.h"
#include "base/mem.h"

static const struct err no_error = {.code = E_OK};

struct mirrored_room {
        struct venue_position position[VENUE_POSITIONS_MAX];
        struct mirror_trust trust[VENUE_POSITIONS_MAX];
        struct venue_open_order order[MIRROR_ORDERS_MAX];
};

struct mirrored_room *mirrored_room_new(void)
{
        return xcalloc(1, sizeof(struct mirrored_room));
}

void mirrored_room_free(struct mirrored_room *room)
{
        free(room);
}

/* --- a view, copied --- */

static void *copy(const void *from, size_t n, size_t size)
{
        void *to = xcalloc(n + 1, size);

        if (n)
                memcpy(to, from, n * size);
        return to;
}

static void note_trust(struct venue_position *p, const struct mirror_trust *trust)
{
        p->is_computed = trust->source != SOURCE_VENUE;
        p->doubt = trust->source == SOURCE_ESTIMATE ? trust->reason : NULL;
}

/* Which account it is, and in what: amounts of different collateral never meet. */
static void name_account(struct venue_account *account, const struct venue *venue, const char *dex)
{
        struct venue_dex at;

        must(text_copy(account->dex, sizeof account->dex, dex));
        for (unsigned i = 0; i < venue->ops->dex_count(venue); i++) {
                venue->ops->dex_at(venue, i, &at);
                if (strcmp(at.name, dex) == 0)
                        memcpy(account->collateral, at.collateral, sizeof account->collateral);
        }
}

enum errc mirrored_take(struct mirrored *out, struct api *api, const struct addr *user,
                        const char *dex)
{
        struct mirrored_room *room = api->room;
        struct mirror_view view = {
                .position = room->position,
                .trust = room->trust,
                .position_max = VENUE_POSITIONS_MAX,
                .order = room->order,
                .order_max = MIRROR_ORDERS_MAX,
        };
        enum errc rc = mirror_view(keeper_mirror(api->o.keeper), user, dex, state_now(api), &view);
        unsigned n = view.account.n_positions;

        *out = (struct mirrored){.n_orders = 0};
        if (rc)
                return rc;
        for (unsigned i = 0; i < n; i++)
                note_trust(&room->position[i], &room->trust[i]);
        out->account = view.account;
        name_account(&out->account, api->o.venue, dex);
        out->account.as_of = view.as_of;
        out->account.cross.resting = view.resting;
        out->account.is_computed = view.total.source != SOURCE_VENUE;
        out->account.doubt = view.total.source == SOURCE_ESTIMATE ? view.total.reason : NULL;
        out->account.is_drifted = view.is_drifted;
        out->account.position = copy(room->position, n, sizeof *room->position);
        out->trust = copy(room->trust, n, sizeof *room->trust);
        out->orders = copy(room->order, view.n_orders, sizeof *room->order);
        out->n_orders = view.n_orders;
        out->orders_known = view.orders_known && !(view.doubts & DOUBT_ORDERS);
        out->total = view.total;
        return E_OK;
}

void mirrored_fini(struct mirrored *mirrored)
{
        venue_account_fini(&mirrored->account);
        free(mirrored->trust);
        free(mirrored->orders);
        *mirrored = (struct mirrored){.n_orders = 0};
}

/* --- reads --- */

enum part { ACCOUNT, ORDERS, SETTING };

struct wait {
        struct api *api;
        enum part part;
        struct addr user;
        struct market market; /* SETTING; of the others, its dex alone */
        union {
                venue_account_fn *account;
                venue_orders_fn *orders;
                venue_setting_fn *setting;
        } done;
        void *cookie;
        struct err err;
};

static void fail(struct wait *wait, const struct err *err)
{
        switch (wait->part) {
        case ACCOUNT: wait->done.account(wait->cookie, err, NULL); return;
        case ORDERS: wait->done.orders(wait->cookie, err, NULL, 0); return;
        case SETTING: wait->done.setting(wait->cookie, err, NULL); return;
        }
}

static void hear_venue(const struct wait *wait);

static bool give_setting(const struct wait *wait)
{
        struct api *api = wait->api;
        struct venue_setting setting;

        if (mirror_view_setting(keeper_mirror(api->o.keeper), &wait->user, wait->market.symbol,
                                state_now(api), &setting))
                return false;
        wait->done.setting(wait->cookie, &no_error, &setting);
        return true;
}

static bool give(const struct wait *wait)
{
        struct mirrored m;
        bool is_given = true;

        if (wait->part == SETTING)
                return give_setting(wait);
        if (mirrored_take(&m, wait->api, &wait->user, wait->market.dex))
                return false;
        m.account.cross.resting.v = 0;
        if (wait->part == ACCOUNT)
                wait->done.account(wait->cookie, &no_error, &m.account);
        else if (m.orders_known)
                wait->done.orders(wait->cookie, &no_error, m.orders, m.n_orders);
        else
                is_given = false;
        mirrored_fini(&m);
        return is_given;
}

static void arrived(void *cookie, const struct err *err)
{
        struct wait *wait = cookie;

        if (err->code)
                fail(wait, err);
        else if (!give(wait))
                hear_venue(wait);
        free(wait);
}

static void ready(void *cookie)
{
        arrived(cookie, &no_error);
}

static bool has(const struct wait *wait, enum mirrored_age age)
{
        struct keeper *keeper = wait->api->o.keeper;
        struct venue_setting setting;
        struct mirror_view view = {.position_max = 0};
        int64_t now = state_now(wait->api);

        if (age == MIRRORED_NOW || !keeper_ready(keeper, &wait->user, wait->market.dex,
                                                 wait->market.symbol, age == MIRRORED_SHOW))
                return false;
        switch (wait->part) {
        case ACCOUNT: return true;
        case ORDERS:
                (void)!mirror_view(keeper_mirror(keeper), &wait->user, wait->market.dex, now,
                                   &view);
                return view.orders_known && !(view.doubts & DOUBT_ORDERS);
        case SETTING:
                return mirror_view_setting(keeper_mirror(keeper), &wait->user, wait->market.symbol,
                                           now, &setting) == E_OK;
        }
        return false;
}

/* --- straight from the venue; the mirror hears it on the way --- */

struct hearing {
        struct wait wait;
        int64_t asked_at;
};

static struct mirror_reading reading_of(const struct hearing *h)
{
        return (struct mirror_reading){h->asked_at, state_now(h->wait.api)};
}

static void account_heard(void *cookie, const struct err *err, struct venue_account *account)
{
        struct hearing h = *(struct hearing *)cookie;
        struct mirror_reading reading = reading_of(&h);

        free(cookie);
        if (!err->code)
                keeper_heard_state(h.wait.api->o.keeper, &h.wait.user, h.wait.market.dex, &reading,
                                   account);
        h.wait.done.account(h.wait.cookie, err, account);
}

static void orders_heard(void *cookie, const struct err *err, const struct venue_open_order *orders,
                         size_t n)
{
        struct hearing h = *(struct hearing *)cookie;
        struct mirror_reading reading = reading_of(&h);

        free(cookie);
        if (!err->code)
                mirror_orders(keeper_mirror(h.wait.api->o.keeper), &h.wait.user, h.wait.market.dex,
                              &reading, orders, n);
        h.wait.done.orders(h.wait.cookie, err, orders, n);
}

static void setting_heard(void *cookie, const struct err *err, const struct venue_setting *setting)
{
        struct hearing h = *(struct hearing *)cookie;
        struct mirror_reading reading = reading_of(&h);

        free(cookie);
        if (!err->code)
                keeper_heard_setting(h.wait.api->o.keeper, &h.wait.user, h.wait.market.symbol,
                                     &reading, setting);
        h.wait.done.setting(h.wait.cookie, err, setting);
}

static void hear_venue(const struct wait *wait)
{
        struct venue *venue = wait->api->o.venue;
        struct hearing *h = xmalloc(sizeof *h);

        *h = (struct hearing){*wait, state_now(wait->api)};
        switch (wait->part) {
        case ACCOUNT:
                venue->ops->read_account(venue, &wait->user, h->wait.market.dex, account_heard, h);
                return;
        case ORDERS:
                venue->ops->read_open_orders(venue, &wait->user, h->wait.market.dex, orders_heard,
                                             h);
                return;
        case SETTING:
                venue->ops->read_setting(venue, &wait->user, &h->wait.market, setting_heard, h);
                return;
        }
}

static void start(const struct wait *what, enum mirrored_age age)
{
        struct keeper *keeper = what->api->o.keeper;
        bool is_ready =
                age != MIRRORED_NOW && keeper_watches(keeper, &what->user) && has(what, age);
        struct wait *wait;

        /* What is to be shown, or to be certain, is told in the venue's own figures. */
        if (!is_ready && (age != MIRRORED_CHECK || !keeper_watches(keeper, &what->user))) {
                hear_venue(what);
                return;
        }
        wait = xmalloc(sizeof *wait);
        *wait = *what;
        if (is_ready)
                loop_post(what->api->o.loop, ready, wait);
        else
                keeper_read(keeper, &wait->user, wait->market.dex,
                            PART_STATE | (what->part == ORDERS ? PART_ORDERS : 0),
                            what->part == SETTING ? wait->market.symbol : "", arrived, wait);
}

static struct wait wait_of(struct api *api, enum part part, const struct addr *user,
                           const char *dex, void *cookie)
{
        struct wait wait = {.api = api, .part = part, .user = *user, .cookie = cookie};

        must(text_copy(wait.market.dex, sizeof wait.market.dex, dex));
        return wait;
}

void mirrored_account(struct api *api, const struct addr *user, const char *dex,
                      enum mirrored_age age, venue_account_fn *done, void *cookie)
{
        struct wait wait = wait_of(api, ACCOUNT, user, dex, cookie);

        wait.done.account = done;
        start(&wait, age);
}

void mirrored_orders(struct api *api, const struct addr *user, const char *dex,
                     enum mirrored_age age, venue_orders_fn *done, void *cookie)
{
        struct wait wait = wait_of(api, ORDERS, user, dex, cookie);

        wait.done.orders = done;
        start(&wait, age);
}

void mirrored_setting(struct api *api, const struct addr *user, const struct market *market,
                      enum mirrored_age age, venue_setting_fn *done, void *cookie)
{
        struct wait wait = wait_of(api, SETTING, user, market->dex, cookie);

        wait.market = *market;
        wait.done.setting = done;
        start(&wait, age);
}

/* --- an order --- */

struct looking {
        struct api *api;
        struct addr user;
        venue_status_fn *done;
        void *cookie;
};

static void order_heard(void *cookie, const struct err *err,
                        const struct venue_order_status *status)
{
        struct looking look = *(struct looking *)cookie;

        free(cookie);
        if (!err->code && status->found && keeper_watches(look.api->o.keeper, &look.user))
                mirror_order_status(keeper_mirror(look.api->o.keeper), &look.user, status,
                                    state_now(look.api));
        look.done(look.cookie, err, status);
}

void mirrored_lookup(struct api *api, const struct addr *user, const struct cloid *cloid,
                     uint64_t oid, venue_status_fn *done, void *cookie)
{
        struct looking *look = xmalloc(sizeof *look);

        *look = (struct looking){api, *user, done, cookie};
        api->o.venue->ops->lookup(api->o.venue, user, cloid, oid, order_heard, look);
}

/* --- actions --- */

struct sent {
        struct api *api;
        uint64_t ticket;
        venue_outcome_fn *done;
        void *cookie;
};

static void outcome_told(void *cookie, const struct venue_outcome *outcome)
{
        struct sent sent = *(struct sent *)cookie;

        free(cookie);
        mirror_outcome(keeper_mirror(sent.api->o.keeper), sent.ticket, outcome,
                       state_now(sent.api));
        sent.done(sent.cookie, outcome);
}

void mirrored_submit(struct api *api, const struct addr *user, const struct venue_action *action,
                     const struct venue_compiled *compiled, const struct signature *sig,
                     venue_outcome_fn *done, void *cookie)
{
        struct venue *venue = api->o.venue;
        struct sent *sent = xmalloc(sizeof *sent);

        *sent = (struct sent){.api = api, .done = done, .cookie = cookie};
        sent->ticket = mirror_sent(keeper_mirror(api->o.keeper), user, action, state_now(api));
        venue->ops->submit(venue, compiled, sig, outcome_told, sent);
}
