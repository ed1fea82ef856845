#include "risk/margin.h"

/* The state a fill works on: copies, written back only when everything fitted. */
struct books {
        struct margin_position position;
        struct margin_cross cross;
};

/* *to += delta, or E_RANGE. */
static enum errc move(struct usd *to, num_wide delta)
{
        num_wide v = to->v + delta;

        if (v > INT64_MAX || v < INT64_MIN + 1)
                return E_RANGE;
        to->v = (int64_t)v;
        return 0;
}

/* |size| * price in the venue's unit of money: exact for prices and sizes the venue accepts. */
static enum errc value_at(struct usd *out, int64_t size, struct px price)
{
        enum errc rc;

        rc = num_notional(out, price, (struct qty){num_abs(size)}, NUM_NEAREST);
        if (rc)
                goto done;
        out->v = num_to_step(out->v, NUM_MICRO, NUM_NEAREST);
done:
        return rc;
}

/* Adds (sign 1) or takes out (sign -1) what a cross position contributes to the account's sums,
 * its value in accountValue apart. */
static enum errc cross_share(struct books *b, int sign)
{
        struct usd maintenance, used;
        enum errc rc;

        rc = margin_maintenance(&maintenance, &b->position.tiers, b->position.value);
        if (rc)
                goto done;
        rc = margin_initial(&used, b->position.value, b->position.leverage, NUM_DOWN);
        if (rc)
                goto done;
        used.v = num_to_step(used.v, NUM_MICRO, NUM_DOWN);
        rc = move(&b->cross.maintenance, sign * (num_wide)maintenance.v);
        if (rc)
                goto done;
        rc = move(&b->cross.margin_used, sign * (num_wide)used.v);
        if (rc)
                goto done;
        rc = move(&b->cross.notional, sign * (num_wide)b->position.value.v);
done:
        return rc;
}

/* The position's part of accountValue: its signed value. */
static num_wide signed_value(const struct margin_position *p)
{
        return p->size.v < 0 ? -(num_wide)p->value.v : p->value.v;
}

/* Opens or adds size (signed, with the position) at price. */
static enum errc increase(struct books *b, int64_t size, struct px price, num_wide fee)
{
        struct margin_position *p = &b->position;
        int side = size < 0 ? -1 : 1;
        struct usd added, taken;
        enum errc rc;

        rc = value_at(&added, size, price);
        if (rc)
                goto done;
        rc = num_add(&p->size.v, p->size.v, size);
        if (rc)
                goto done;
        rc = move(&p->entry_notional, added.v);
        if (rc)
                goto done;
        if (p->mode == MARGIN_CROSS) {
                rc = move(&b->cross.account_value, -side * (num_wide)added.v - fee);
                goto done;
        }
        rc = margin_initial(&taken, added, p->leverage, NUM_DOWN);
        if (rc)
                goto done;
        taken.v = num_to_step(taken.v, NUM_MICRO, NUM_DOWN);
        rc = move(&b->cross.account_value, -(num_wide)taken.v);
        if (rc)
                goto done;
        rc = move(&p->raw_usd, taken.v - side * (num_wide)added.v - fee);
done:
        return rc;
}

/* Isolated: what the closed part lets go. Its share of the position's equity at the fill's price,
 * rounded down; all that is left, fee paid, when nothing remains open. Never less than nothing: an
 * isolated position can't take from the cross balance. */
static enum errc release(struct books *b, int64_t closed, struct px price, num_wide proceeds,
                         num_wide fee)
{
        struct margin_position *p = &b->position;
        struct usd whole, freed;
        enum errc rc;

        if (closed == num_abs(p->size.v)) {
                freed.v = 0;
                rc = move(&freed, p->raw_usd.v + proceeds - fee);
                if (rc)
                        goto done;
        } else {
                rc = value_at(&whole, p->size.v, price);
                if (rc)
                        goto done;
                freed = p->raw_usd;
                rc = move(&freed, p->size.v < 0 ? -(num_wide)whole.v : whole.v);
                if (rc)
                        goto done;
                rc = num_muldiv(&freed.v, freed.v, closed, num_abs(p->size.v), NUM_DOWN);
                if (rc)
                        goto done;
                freed.v = num_to_step(freed.v, NUM_MICRO, NUM_DOWN);
        }
        if (freed.v < 0)
                freed.v = 0;
        rc = move(&b->cross.account_value, freed.v);
        if (rc)
                goto done;
        rc = move(&p->raw_usd, proceeds - fee - freed.v);
done:
        return rc;
}

/* Closes that much (> 0, at most all) of the position at price. */
static enum errc decrease(struct books *b, int64_t closed, struct px price, num_wide fee,
                          struct usd *realized)
{
        struct margin_position *p = &b->position;
        int side = p->size.v < 0 ? -1 : 1;
        struct usd sold, entry_part;
        num_wide proceeds;
        enum errc rc;

        rc = value_at(&sold, closed, price);
        if (rc)
                goto done;
        /* In millionths, as the venue counts what a position was entered for and what it gains. */
        rc = num_div_wide(&entry_part.v, (num_wide)p->entry_notional.v * closed,
                          (num_wide)num_abs(p->size.v) * NUM_MICRO, NUM_NEAREST);
        if (rc)
                goto done;
        rc = num_muldiv(&entry_part.v, entry_part.v, NUM_MICRO, 1, NUM_DOWN);
        if (rc)
                goto done;
        proceeds = side * (num_wide)sold.v;
        rc = move(realized, side * ((num_wide)sold.v - entry_part.v));
        if (rc)
                goto done;
        rc = p->mode == MARGIN_CROSS ? move(&b->cross.account_value, proceeds - fee)
                                     : release(b, closed, price, proceeds, fee);
        if (rc)
                goto done;
        p->entry_notional.v -= entry_part.v;
        p->size.v -= side * closed;
        if (!p->size.v) {
                p->entry_notional.v = 0;
                p->raw_usd.v = 0;
        }
done:
        return rc;
}

/* The fill's two halves: what closes, then what opens; the fee is shared by size. */
static enum errc apply(struct books *b, const struct margin_fill *fill, struct usd *realized)
{
        int64_t size = fill->size.v;
        int64_t held = b->position.size.v;
        bool is_opposite = held && (held < 0) != (size < 0);
        int64_t closed = 0;
        int64_t close_fee = 0;
        enum errc rc = 0;

        if (is_opposite) {
                closed = num_abs(size) < num_abs(held) ? num_abs(size) : num_abs(held);
                rc = num_muldiv(&close_fee, fill->fee.v, closed, num_abs(size), NUM_NEAREST);
                if (rc)
                        goto done;
                /* Each half in whole units of the venue's money. */
                close_fee = num_to_step(close_fee, NUM_MICRO, NUM_NEAREST);
                rc = decrease(b, closed, fill->price, close_fee, realized);
                if (rc)
                        goto done;
        }
        size = size < 0 ? size + closed : size - closed;
        if (size)
                rc = increase(b, size, fill->price, (num_wide)fill->fee.v - close_fee);
done:
        return rc;
}

enum errc margin_apply_fill(struct margin_position *position, struct margin_cross *cross,
                            const struct margin_fill *fill, struct px mark,
                            struct usd *realized_pnl)
{
        struct books b = {.position = *position, .cross = *cross};
        bool is_cross = position->mode == MARGIN_CROSS;
        struct usd realized = {0};
        enum errc rc = E_INVALID;

        if (!fill->size.v || fill->size.v == INT64_MIN || fill->price.v < 0)
                goto done;
        rc = E_RANGE;
        if (position->size.v == INT64_MIN)
                goto done;
        rc = is_cross ? cross_share(&b, -1) : 0;
        if (rc)
                goto done;
        /* From here until the new value is added, accountValue holds cash for this position. */
        rc = is_cross ? move(&b.cross.account_value, -signed_value(&b.position)) : 0;
        if (rc)
                goto done;
        rc = apply(&b, fill, &realized);
        if (rc)
                goto done;
        rc = value_at(&b.position.value, b.position.size.v, mark);
        if (rc)
                goto done;
        rc = is_cross ? move(&b.cross.account_value, signed_value(&b.position)) : 0;
        if (rc)
                goto done;
        rc = is_cross ? cross_share(&b, 1) : 0;
        if (rc)
                goto done;
        *position = b.position;
        *cross = b.cross;
        if (realized_pnl)
                *realized_pnl = realized;
done:
        return rc;
}

enum errc margin_apply_transfer(struct margin_position *position, struct margin_cross *cross,
                                struct usd amount)
{
        struct margin_position after = *position;
        struct margin_cross left = *cross;
        enum errc rc = E_INVALID;

        if (position->mode != MARGIN_ISOLATED)
                goto done;
        rc = move(&after.raw_usd, amount.v);
        if (rc)
                goto done;
        rc = move(&left.account_value, -(num_wide)amount.v);
        if (rc)
                goto done;
        *position = after;
        *cross = left;
done:
        return rc;
}

enum errc margin_apply_funding(struct margin_position *position, struct margin_cross *cross,
                               struct px oracle, struct rate rate, struct usd *payment)
{
        struct usd value, paid;
        enum errc rc = E_INVALID;

        if (position->size.v == INT64_MIN || oracle.v < 0)
                goto done;
        rc = num_notional(&value, oracle, position->size, NUM_NEAREST);
        if (rc)
                goto done;
        rc = num_div_wide(&paid.v, (num_wide)value.v * rate.v, (num_wide)NUM_RATE_SCALE * NUM_MICRO,
                          NUM_NEAREST);
        if (rc)
                goto done;
        rc = num_muldiv(&paid.v, paid.v, NUM_MICRO, 1, NUM_DOWN);
        if (rc)
                goto done;
        rc = position->mode == MARGIN_ISOLATED ? move(&position->raw_usd, -(num_wide)paid.v)
                                               : move(&cross->account_value, -(num_wide)paid.v);
        if (!rc && payment)
                payment->v = -paid.v;
done:
        return rc;
}
