#include "adapters/hyperliquid/hl_budget.h"

#include <string.h>

#define MS_PER_SLOT  1000
#define HOLD_MAX_MS  60000
#define HOLD_DOUBLES 5

void hl_budget_init(struct hl_budget *budget, unsigned per_minute, unsigned order_reserve,
                    int64_t mono_ms)
{
        *budget = (struct hl_budget){
                .per_minute = per_minute,
                .order_reserve = order_reserve < per_minute ? order_reserve : per_minute,
                .second = mono_ms / MS_PER_SLOT,
        };
}

static unsigned *slot(struct hl_budget *budget, int64_t second)
{
        return &budget->spent[second % HL_BUDGET_SLOTS];
}

/* Forgets what left the minute. */
static void advance(struct hl_budget *budget, int64_t mono_ms)
{
        int64_t now = mono_ms / MS_PER_SLOT;

        if (now - budget->second >= HL_BUDGET_SLOTS) {
                memset(budget->spent, 0, sizeof budget->spent);
                budget->total = 0;
                budget->second = now;
        }
        while (budget->second < now) {
                unsigned *oldest = slot(budget, ++budget->second);

                budget->total -= *oldest;
                *oldest = 0;
        }
}

/* Milliseconds until enough of what was spent has left the minute. */
static int64_t wait_for(struct hl_budget *budget, unsigned surplus, int64_t mono_ms)
{
        unsigned freed = 0;
        int64_t at = budget->second + 1;

        /* Slot second + 1 is the oldest; it is forgotten when that second begins. */
        for (; at < budget->second + HL_BUDGET_SLOTS; at++) {
                freed += *slot(budget, at);
                if (freed >= surplus)
                        break;
        }
        return at * MS_PER_SLOT - mono_ms;
}

int64_t hl_budget_wait(struct hl_budget *budget, unsigned weight, int64_t mono_ms)
{
        advance(budget, mono_ms);
        if (budget->total == 0 || budget->total + weight <= budget->per_minute)
                return 0;
        return wait_for(budget, budget->total + weight - budget->per_minute, mono_ms);
}

int64_t hl_budget_take(struct hl_budget *budget, unsigned weight, bool is_order, int64_t mono_ms)
{
        unsigned limit = budget->per_minute - (is_order ? 0 : budget->order_reserve);

        advance(budget, mono_ms);
        if (!is_order && mono_ms < budget->reads_held_until)
                return budget->reads_held_until - mono_ms;
        if (budget->total > 0 && budget->total + weight > limit)
                return wait_for(budget, budget->total + weight - limit, mono_ms);
        hl_budget_charge(budget, weight, mono_ms);
        return 0;
}

void hl_budget_charge(struct hl_budget *budget, unsigned weight, int64_t mono_ms)
{
        advance(budget, mono_ms);
        *slot(budget, budget->second) += weight;
        budget->total += weight;
}

void hl_budget_hold(struct hl_budget *budget, int64_t retry_after_ms, int64_t mono_ms)
{
        bool is_held = mono_ms < budget->reads_held_until;
        int64_t hold = retry_after_ms;
        int64_t until;

        if (hold < 0 && is_held)
                return;
        if (hold < 0)
                hold = (int64_t)MS_PER_SLOT << budget->holds;
        if (!is_held && budget->holds < HOLD_DOUBLES)
                budget->holds++;
        if (hold > HOLD_MAX_MS)
                hold = HOLD_MAX_MS;
        until = mono_ms + hold;
        if (until > budget->reads_held_until)
                budget->reads_held_until = until;
}

void hl_budget_answered(struct hl_budget *budget)
{
        budget->holds = 0;
}

unsigned hl_budget_left(struct hl_budget *budget, int64_t mono_ms)
{
        advance(budget, mono_ms);
        return budget->total < budget->per_minute ? budget->per_minute - budget->total : 0;
}
