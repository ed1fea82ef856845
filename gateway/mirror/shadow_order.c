#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/shadow.h"

struct shadow_order *shadow_order(struct shadow *s, uint64_t oid)
{
        for (uint32_t i = 0; i < s->n_orders; i++) {
                if (s->order[i].oid == oid)
                        return &s->order[i];
        }
        return NULL;
}

bool shadow_order_put(struct shadow *s, const struct shadow_order *order)
{
        struct shadow_order *known = shadow_order(s, order->oid);

        if (!known && s->n_orders == MIRROR_ORDERS_MAX)
                return false;
        if (!known && s->n_orders == s->cap_orders) {
                s->cap_orders = s->cap_orders ? s->cap_orders + s->cap_orders / 2 + 1 : 2;
                s->order = xrealloc(s->order, s->cap_orders * sizeof *s->order);
        }
        if (!known)
                known = &s->order[s->n_orders++];
        *known = *order;
        return true;
}

/* The oldest is overwritten: the list that could name it was asked for long ago. */
static void remember_gone(struct shadow *s, uint64_t oid, int64_t now, bool is_fired_unsaid)
{
        uint32_t at = s->n_gone;

        if (!s->gone)
                s->gone = xcalloc(SHADOW_GONE_MAX, sizeof *s->gone);
        if (s->n_gone == SHADOW_GONE_MAX) {
                at = 0;
                for (uint32_t i = 1; i < SHADOW_GONE_MAX; i++)
                        at = s->gone[i].at < s->gone[at].at ? i : at;
        } else {
                s->n_gone++;
        }
        s->gone[at] =
                (struct shadow_gone){.oid = oid, .at = now, .is_fired_unsaid = is_fired_unsaid};
}

void shadow_order_drop(struct shadow *s, uint64_t oid, int64_t now)
{
        struct shadow_order *order = shadow_order(s, oid);

        remember_gone(s, oid, now, order && order->is_fired_unsaid);
        if (order)
                *order = s->order[--s->n_orders];
        if (!s->n_orders) {
                free(s->order);
                s->order = NULL;
                s->cap_orders = 0;
        }
}

bool shadow_order_gone_since(const struct shadow *s, uint64_t oid, int64_t since)
{
        for (uint32_t i = 0; i < s->n_gone; i++) {
                if (s->gone[i].oid == oid && s->gone[i].at >= since)
                        return true;
        }
        return false;
}

bool shadow_order_take_unsaid(struct shadow *s, uint64_t oid)
{
        bool is_unsaid = false;

        for (uint32_t i = 0; i < s->n_gone; i++) {
                if (s->gone[i].oid != oid)
                        continue;
                is_unsaid |= s->gone[i].is_fired_unsaid;
                s->gone[i].is_fired_unsaid = false;
        }
        return is_unsaid;
}

bool shadow_order_on(const struct shadow *s, uint32_t market)
{
        for (uint32_t i = 0; i < s->n_orders; i++) {
                if (s->order[i].market == market)
                        return true;
        }
        return false;
}
