#include <stdlib.h>

#include "mirror/shadow.h"
#include "risk/margin_reserve.h"

static enum errc move(struct usd *to, num_wide delta)
{
        num_wide v = to->v + delta;

        if (v > INT64_MAX || v < INT64_MIN + 1)
                return E_RANGE;
        to->v = (int64_t)v;
        return E_OK;
}

/* The venue's unit of money: exact for the prices and sizes it accepts. */
static enum errc value_at(struct usd *out, struct qty size, struct px price)
{
        enum errc rc;

        rc = num_notional(out, price, (struct qty){num_abs(size.v)}, NUM_NEAREST);
        if (rc)
                goto done;
        out->v = num_to_step(out->v, NUM_MICRO, NUM_NEAREST);
done:
        return rc;
}

enum errc shadow_value_position(struct margin_position *out, const struct shadow_position *position,
                                struct px mark, const struct margin_table *tables)
{
        *out = (struct margin_position){
                .size = position->size,
                .entry_notional = position->entry_notional,
                .mode = position->mode == MARGIN_CROSS ? MARGIN_CROSS : MARGIN_ISOLATED,
                .leverage = position->leverage,
                .raw_usd = position->raw_usd,
                .tiers = tables[position->table],
        };
        return value_at(&out->value, position->size, mark);
}

static enum errc add_cross(struct shadow_value *out, const struct margin_position *p,
                           num_wide signed_value)
{
        struct usd maintenance, used;
        enum errc rc;

        rc = margin_maintenance(&maintenance, &p->tiers, p->value);
        if (rc)
                goto done;
        rc = margin_initial(&used, p->value, p->leverage, NUM_DOWN);
        if (rc)
                goto done;
        used.v = num_to_step(used.v, NUM_MICRO, NUM_DOWN);
        rc = move(&out->cross.account_value, signed_value);
        if (rc)
                goto done;
        rc = move(&out->cross.maintenance, maintenance.v);
        if (rc)
                goto done;
        rc = move(&out->cross.margin_used, used.v);
        if (rc)
                goto done;
        rc = move(&out->cross.notional, p->value.v);
        if (rc)
                goto done;
        rc = move(&out->margin_used, used.v);
done:
        return rc;
}

static enum errc add_isolated(struct shadow_value *out, const struct margin_position *p,
                              num_wide signed_value)
{
        enum errc rc;

        rc = move(&out->raw_usd, p->raw_usd.v);
        if (rc)
                goto done;
        rc = move(&out->account_value, p->raw_usd.v + signed_value);
        if (rc)
                goto done;
        rc = move(&out->margin_used, p->raw_usd.v + signed_value);
done:
        return rc;
}

enum errc shadow_value_book(struct shadow_value *out, const struct shadow_book *book,
                            const struct shadow_marks *marks, const struct margin_table *tables)
{
        enum errc rc = E_OK;

        *out = (struct shadow_value){.raw_usd = book->cash};
        out->cross.account_value = book->cash;
        for (uint32_t i = 0; i < book->n && !rc; i++) {
                const struct shadow_position *held = &book->position[i];
                struct margin_position p;
                num_wide signed_value;

                rc = shadow_value_position(&p, held, marks->mark(marks->cookie, held->market),
                                           tables);
                if (rc)
                        break;
                signed_value = p.size.v < 0 ? -(num_wide)p.value.v : p.value.v;
                rc = move(&out->notional, p.value.v);
                if (rc)
                        break;
                rc = p.mode == MARGIN_CROSS ? add_cross(out, &p, signed_value)
                                            : add_isolated(out, &p, signed_value);
        }
        if (!rc)
                rc = move(&out->account_value, out->cross.account_value.v);
        return rc;
}

/* Leverage of orders on the market, 0 where it is not known, and what is held there. */
static unsigned leverage_on(const struct shadow *s, uint32_t market, struct qty *held)
{
        const struct shadow_setting *setting;

        held->v = 0;
        for (uint32_t i = 0; i < s->book.n; i++) {
                if (s->book.position[i].market != market)
                        continue;
                *held = s->book.position[i].size;
                return s->book.position[i].leverage;
        }
        setting = shadow_setting(s, market);
        return setting ? setting->leverage : 0;
}

static bool is_first_of_market(const struct shadow *s, uint32_t i)
{
        for (uint32_t k = 0; k < i; k++) {
                if (s->order[k].market == s->order[i].market)
                        return false;
        }
        return true;
}

static enum errc reserved_on(struct usd *out, unsigned *unknown, const struct shadow *s,
                             uint32_t market)
{
        struct margin_resting resting = {0};
        unsigned doubts = 0, leverage;
        struct qty held;
        enum errc rc = E_OK;

        for (uint32_t i = 0; i < s->n_orders && !rc; i++) {
                const struct shadow_order *o = &s->order[i];

                if (o->market == market && !o->reduce_only && !o->is_trigger &&
                    !o->waits_for_parent && o->size.v > 0 && o->price.v > 0)
                        rc = margin_reserve_add(&resting, o->side == SIDE_BUY, o->size, o->price);
        }
        out->v = 0;
        leverage = leverage_on(s, market, &held);
        if (!rc && leverage)
                rc = margin_reserve_needed(out, &doubts, &resting, held, leverage);
        if (doubts || (!leverage && (resting.size[0].v || resting.size[1].v)))
                ++*unknown;
        return rc;
}

enum errc shadow_value_resting(struct usd *out, unsigned *unknown, const struct shadow *s)
{
        enum errc rc = E_OK;

        out->v = 0;
        *unknown = 0;
        for (uint32_t i = 0; i < s->n_orders && !rc; i++) {
                struct usd reserved;

                if (!is_first_of_market(s, i))
                        continue;
                rc = reserved_on(&reserved, unknown, s, s->order[i].market);
                if (!rc)
                        rc = move(out, reserved.v);
        }
        return rc;
}

/* Orders, positions and leverage are as they were when the state was made. */
static bool is_as_read(const struct shadow *s)
{
        if (!s->has_reserved || s->n_log || s->n_sent)
                return false;
        for (uint32_t i = 0; i < s->n_orders; i++) {
                if (s->order[i].known_at >= s->asked_at)
                        return false;
        }
        for (uint32_t i = 0; i < s->n_gone; i++) {
                if (s->gone[i].at >= s->asked_at)
                        return false;
        }
        return true;
}

enum errc shadow_reserved(struct usd *out, unsigned *unknown, const struct shadow *s)
{
        enum errc rc = shadow_value_resting(out, unknown, s);

        if (rc || !is_as_read(s))
                return rc;
        if (!*unknown && s->orders_known && !(s->doubts & DOUBT_ORDERS))
                return rc;
        if (!s->is_least) {
                *out = s->reserved;
                *unknown = 0;
        } else if (out->v < s->reserved.v) {
                *out = s->reserved;
                ++*unknown;
        }
        return rc;
}
