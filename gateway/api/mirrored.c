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

/* What the mirror can't answer, the venue does. */
static void ask_venue(const struct wait *wait)
{
        struct venue *venue = wait->api->o.venue;
        const struct venue_ops *ops = venue->ops;

        switch (wait->part) {
        case ACCOUNT:
                ops->read_account(venue, &wait->user, wait->market.dex, wait->done.account,
                                  wait->cookie);
                return;
        case ORDERS:
                ops->read_open_orders(venue, &wait->user, wait->market.dex, wait->done.orders,
                                      wait->cookie);
                return;
        case SETTING:
                ops->read_setting(venue, &wait->user, &wait->market, wait->done.setting,
                                  wait->cookie);
                return;
        }
}

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
                ask_venue(wait);
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

static void start(const struct wait *what, enum mirrored_age age)
{
        struct api *api = what->api;
        unsigned parts = PART_STATE;
        struct wait *wait;

        if (!keeper_watches(api->o.keeper, &what->user)) {
                ask_venue(what); /* beyond what the mirror holds */
                return;
        }
        wait = xmalloc(sizeof *wait);
        *wait = *what;
        if (has(wait, age)) {
                loop_post(api->o.loop, ready, wait);
                return;
        }
        if (what->part == ORDERS)
                parts |= PART_ORDERS;
        keeper_read(api->o.keeper, &wait->user, wait->market.dex, parts,
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
