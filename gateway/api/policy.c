#include "api/policy.h"

bool policy_fee_is_approved(const struct brand *b, const struct store_account *account)
{
        return hex_addr_equal(&account->builder, &b->builder) &&
               account->builder_fee_tenth_bp >= b->builder_fee_tenth_bp;
}

void policy_resolve(struct plan_policy *p, const struct brand *b, const struct market *m,
                    const struct store_account *account)
{
        *p = (struct plan_policy){
                .default_mode = b->default_margin_mode,
                .allow_isolated = b->allow_isolated,
                .allow_cross = b->allow_cross,
                .max_leverage = brand_max_leverage(b, m->symbol, m->max_leverage),
                .default_leverage = b->default_leverage,
                .has_min_distance = b->has_min_liquidation_distance,
                .min_distance = b->min_liquidation_distance,
                .warn_distance = b->on_liquidation_too_close == RULE_WARN,
                .warn_stop = b->on_stop_beyond_liquidation == RULE_WARN,
                .warn_margin = b->on_insufficient_margin == RULE_WARN,
                .warn_removal = b->on_margin_not_removable == RULE_WARN,
                .default_slippage = b->default_slippage,
                .max_slippage = b->max_slippage,
                .builder = b->builder,
                .builder_fee_tenth_bp = b->builder_fee_tenth_bp,
        };
        /* A fee the trader has not approved is left out, not refused. */
        p->has_builder =
                b->has_builder && b->builder_fee_tenth_bp > 0 && policy_fee_is_approved(b, account);
}
