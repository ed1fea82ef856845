#include "api/mirrored.h"

#include <stdlib.h>
#include <string.h>

#include "api/state.h"
#include "base/mem.h"

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

static void *copy(const void *from, size_t n, size_t size)
{
        void *to = xcalloc(n + 1, size);

        if (n)
                memcpy(to, from, n * size);
        return to;
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

        *out = (struct mirrored){.n_orders = 0};
        if (rc)
                return rc;
        out->account = view.account;
        out->account.cross.resting = view.resting;
        out->account.position =
                copy(room->position, view.account.n_positions, sizeof *room->position);
        out->trust = copy(room->trust, view.account.n_positions, sizeof *room->trust);
        out->orders = copy(room->order, view.n_orders, sizeof *room->order);
        out->n_orders = view.n_orders;
        out->total = view.total;
        out->as_of = view.as_of;
        out->is_drifted = view.is_drifted;
        out->is_pooled = view.pool != POOL_STANDARD;
        return E_OK;
}

void mirrored_fini(struct mirrored *mirrored)
{
        venue_account_fini(&mirrored->account);
        free(mirrored->trust);
        free(mirrored->orders);
        *mirrored = (struct mirrored){.n_orders = 0};
}
