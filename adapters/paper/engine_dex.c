#include "adapters/paper/engine_internal.h"

/* Money in and out of an account, in the dex where it is kept. */

#define BALANCE_MAX (INT64_C(10000000000) * NUM_SCALE)

void engine_dex_deposit(struct engine *engine, const struct addr *user, unsigned dex,
                        struct usd amount, int64_t at)
{
        struct account *account = engine_account_make(engine, user);
        int64_t micro = num_to_step(amount.v, NUM_MICRO, NUM_DOWN);
        struct usd *cash;

        must(dex < engine->n_dexes);
        cash = &account->pool[dex].cash;
        engine_begin(engine, at);
        account->is_known = true;
        if (micro > 0 && micro <= BALANCE_MAX && cash->v <= BALANCE_MAX - micro) {
                cash->v += micro;
                engine->deposited[dex].v = add_exact(engine->deposited[dex].v, micro);
        }
        engine_end(engine);
}

void engine_deposit(struct engine *engine, const struct addr *user, struct usd amount, int64_t at)
{
        engine_dex_deposit(engine, user, 0, amount, at);
}

bool engine_dex_withdraw(struct engine *engine, const struct addr *user, unsigned dex,
                         struct usd amount, int64_t at)
{
        struct account *account = engine_account_find(engine, user);
        struct engine_account view;

        if (!account || dex >= engine->n_dexes || amount.v <= 0 || amount.v % NUM_MICRO != 0)
                return false;
        engine_dex_account(engine, user, dex, &view);
        if (amount.v > view.withdrawable.v)
                return false;
        engine_begin(engine, at);
        account->pool[dex].cash.v -= amount.v;
        engine->deposited[dex].v = add_exact(engine->deposited[dex].v, -amount.v);
        engine_end(engine);
        return true;
}

bool engine_withdraw(struct engine *engine, const struct addr *user, struct usd amount, int64_t at)
{
        return engine_dex_withdraw(engine, user, 0, amount, at);
}

bool engine_dex_is_used(const struct engine *engine, const struct addr *user)
{
        const struct account *account = engine_account_find(engine, user);

        if (account && account->n_held)
                return true;
        for (unsigned dex = 0; account && dex < engine->n_dexes; dex++)
                if (account->pool[dex].cash.v > 0)
                        return true;
        return false;
}

struct usd engine_dex_collected_fees(const struct engine *engine, unsigned dex)
{
        must(dex < engine->n_dexes);
        return engine->fees[dex];
}

struct usd engine_dex_deposited(const struct engine *engine, unsigned dex)
{
        must(dex < engine->n_dexes);
        return engine->deposited[dex];
}

bool engine_dex_is_capped(const struct engine *engine, uint32_t asset)
{
        const struct listing *listing = &engine->listing[asset];
        struct usd cap = listing->spec.open_interest_cap;

        return cap.v && value_of(listing->mark, listing->open_interest).v >= cap.v;
}

struct usd engine_collected_fees(const struct engine *engine)
{
        return engine_dex_collected_fees(engine, 0);
}
