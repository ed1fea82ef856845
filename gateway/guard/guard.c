#include "guard/guard.h"

#include "risk/margin_target.h"

enum errc guard_rule_check(const struct guard_rule *rule, struct err *err)
{
        static const char whole[] = "must be a whole number of 0.000001";

        if (rule->min_distance.v <= 0 || rule->min_distance.v >= NUM_RATE_SCALE)
                (void)err_field(err, E_INVALID, "minDistance", "must be above 0 and below 1");
        if (rule->top_up.v < GUARD_LEAST)
                (void)err_field(err, E_INVALID, "topUp", "must be at least 0.01");
        if (rule->top_up.v % NUM_MICRO)
                (void)err_field(err, E_INVALID, "topUp", "%s", whole);
        if (rule->max_total.v < rule->top_up.v)
                (void)err_field(err, E_INVALID, "maxTotal", "must be at least topUp");
        if (rule->max_total.v % NUM_MICRO)
                (void)err_field(err, E_INVALID, "maxTotal", "%s", whole);
        if (rule->has_take_back && rule->take_back_above.v <= rule->min_distance.v)
                (void)err_field(err, E_INVALID, "takeBackAbove", "must be above minDistance");
        if (rule->has_take_back && rule->take_back_above.v >= NUM_RATE_SCALE)
                (void)err_field(err, E_INVALID, "takeBackAbove", "must be below 1");
        return err->code;
}

const char *guard_move_name(enum guard_move move)
{
        switch (move) {
        case GUARD_REST: return "resting";
        case GUARD_ADD: return "added";
        case GUARD_TAKE_BACK: return "takenBack";
        case GUARD_EXHAUSTED: return "exhausted";
        case GUARD_NO_MONEY: return "noMoney";
        }
        return "";
}

static int64_t least(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

static int64_t whole_micro(int64_t v)
{
        return v - v % NUM_MICRO;
}

static void decide_adding(struct guard_decision *out, const struct guard_rule *rule,
                          struct usd added, struct usd free)
{
        int64_t left = rule->max_total.v - added.v;
        int64_t wanted = least(rule->top_up.v, left);

        if (wanted < GUARD_LEAST) {
                out->move = GUARD_EXHAUSTED;
                return;
        }
        out->amount.v = least(wanted, whole_micro(free.v));
        out->move = out->amount.v < GUARD_LEAST ? GUARD_NO_MONEY : GUARD_ADD;
        if (out->move != GUARD_ADD)
                out->amount.v = 0;
}

/* The liquidation price at which the distance is take_back_above, rounded away from the mark. */
static enum errc price_at(struct px *out, const struct guard_rule *rule,
                          const struct margin_position *p, struct px mark)
{
        bool is_long = p->size.v > 0;
        int64_t share = is_long ? NUM_RATE_SCALE - rule->take_back_above.v
                                : NUM_RATE_SCALE + rule->take_back_above.v;

        return num_muldiv(&out->v, mark.v, share, NUM_RATE_SCALE, is_long ? NUM_DOWN : NUM_UP);
}

static enum errc decide_taking(struct guard_decision *out, const struct guard_rule *rule,
                               const struct margin_position *p, const struct margin_figures *f,
                               struct px mark, struct usd added)
{
        struct usd to_target = {0};
        struct px target;
        enum errc rc = price_at(&target, rule, p, mark);
        int64_t amount;

        if (!rc && target.v <= 0)
                return E_OK; /* no price is so far away */
        if (!rc)
                rc = margin_target_liquidation(&to_target, p, target);
        if (rc)
                return rc;
        amount = least(least(-to_target.v, added.v), whole_micro(f->removable.v));
        if (amount >= rule->top_up.v || (amount > 0 && amount == added.v)) {
                out->move = GUARD_TAKE_BACK;
                out->amount.v = amount;
        }
        return E_OK;
}

enum errc guard_decide(struct guard_decision *out, const struct guard_rule *rule,
                       const struct margin_position *position, struct px mark, struct usd added,
                       struct usd free)
{
        struct margin_figures figures;
        enum errc rc;

        *out = (struct guard_decision){.move = GUARD_REST, .mark = mark};
        if (position->mode != MARGIN_ISOLATED || position->size.v == 0)
                return E_INVALID;
        rc = margin_position_figures(&figures, position, NULL);
        if (rc)
                return rc;
        out->distance = figures.distance;
        out->liquidation = figures.liquidation.price;
        if (!figures.has_distance)
                return E_OK; /* nothing can liquidate it */
        if (figures.distance.v < rule->min_distance.v) {
                decide_adding(out, rule, added, free);
                return E_OK;
        }
        if (!rule->has_take_back || added.v <= 0 || figures.distance.v <= rule->take_back_above.v)
                return E_OK;
        return decide_taking(out, rule, position, &figures, mark, added);
}
