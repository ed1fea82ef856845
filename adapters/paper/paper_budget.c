#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "adapters/hyperliquid/hl_action.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/wire.h"

/* How many actions an address may send: 10000 and one for each dollar it has traded, more by paying.
 * Counted and shown always; enforced with the option for limits. */

#define FIRST       10000
#define PRICE       50000  /* of one action: 0.0005 dollars, 1e-8 */
#define CANCELS     100000 /* more of them than of other actions, but at most twice as many */
#define SLOW_MS     10000  /* between actions beyond the budget */
#define RESERVE_MAX UINT64_C(1000000000)

int64_t paper_budget_cap(const struct paper_user *user)
{
        return FIRST + (user ? user->volume_micro / 1000000 : 0);
}

static bool is_cancel(const char *type)
{
        return !strcmp(type, "cancel") || !strcmp(type, "cancelByCloid") ||
               !strcmp(type, "scheduleCancel") || !strcmp(type, "twapCancel");
}

bool paper_budget_admits(struct paper *p, struct paper_user *user, const char *type, size_t n,
                         char text[PAPER_TEXT_MAX])
{
        int64_t cap = paper_budget_cap(user), at = paper_now(p), used;
        char volume[NUM_STR_MAX];

        /* What buys more is never refused. */
        if (!p->has_limits || !strcmp(type, "reserveRequestWeight"))
                return true;
        if (is_cancel(type))
                cap = cap < CANCELS ? 2 * cap : cap + CANCELS;
        used = (int64_t)(user->n_requests + n) - (int64_t)user->n_reserved;
        if (used <= cap)
                return true;
        if (at - user->over_budget_at >= SLOW_MS) {
                user->over_budget_at = at;
                return true;
        }
        (void)snprintf(text, PAPER_TEXT_MAX,
                       "Too many cumulative requests sent (%" PRId64 " > %" PRId64
                       ") for cumulative volume traded $%s. Place taker orders to free up 1 "
                       "request per USDC traded.",
                       used, cap, num_print(volume, user->volume_micro / 10000, 2, 0));
        return false;
}

void paper_budget_reserve(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                          const struct hl_action *action)
{
        uint64_t weight = action->u.reserve.weight;
        struct paper_user *whose = user;
        struct usd cost;

        if (action->u.reserve.has_destination)
                whose = paper_users_get(p, &action->u.reserve.destination);
        if (!whose) {
                paper_exchange_refuse(out, "Destination user does not exist.");
                return;
        }
        if (weight == 0 || weight > RESERVE_MAX) {
                paper_exchange_refuse(out, "Invalid weight");
                return;
        }
        /* Money comes in units of 0.000001, and weights at 500 of them each. */
        cost.v = (int64_t)weight * PRICE;
        if (!paper_transfer_take(p, out, user, 0, cost, "Insufficient balance for withdrawal"))
                return;
        whose->n_reserved += weight;
        paper_exchange_default(out);
}

void paper_budget_show(struct buf *out, const struct paper_user *user)
{
        uint64_t used = user ? user->n_requests : 0, reserved = user ? user->n_reserved : 0;
        char text[NUM_STR_MAX];

        jot_object(out, NULL);
        jot_text(out, "cumVlm", num_print(text, user ? user->volume_micro : 0, 6, 1));
        jot_uint(out, "nRequestsUsed", used > reserved ? used - reserved : 0);
        jot_int(out, "nRequestsCap", paper_budget_cap(user));
        jot_uint(out, "nRequestsSurplus", reserved > used ? reserved - used : 0);
        jot_end_object(out);
}
