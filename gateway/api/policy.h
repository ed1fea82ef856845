/* policy: what a brand permits one of its traders on one market. Pure. */
#ifndef API_POLICY_H
#define API_POLICY_H

#include "brand/brand.h"
#include "plan/plan.h"
#include "store/store.h"

/* Whether the account has approved the fee that the brand charges, and for the brand's builder. */
bool policy_fee_is_approved(const struct brand *brand, const struct store_account *account);

void policy_resolve(struct plan_policy *out, const struct brand *brand, const struct market *market,
                    const struct store_account *account);

#endif
