#include "adapters/paper/engine_internal.h"

bool engine_withdraw(struct engine *engine, const struct addr *user, struct usd amount, int64_t at)
{
        struct account *account = engine_account_find(engine, user);
        struct engine_account view;

        if (!account || amount.v <= 0 || amount.v % NUM_MICRO != 0)
                return false;
        engine_account(engine, user, &view);
        if (amount.v > view.withdrawable.v)
                return false;
        engine_begin(engine, at);
        account->cash.v -= amount.v;
        engine_end(engine);
        return true;
}
