#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "adapters/paper/engine_internal.h"

#define DEFAULT_LEVERAGE 20
#define DEFAULT_TAKER    INT64_C(450000000) /* 0.00045 */
#define DEFAULT_MAKER    INT64_C(150000000) /* 0.00015 */

struct account *engine_account_find(const struct engine *engine, const struct addr *user)
{
        return map_get(engine->account_by_addr, user->b, sizeof user->b);
}

bool engine_account_exists(const struct engine *engine, const struct addr *user)
{
        const struct account *account = engine_account_find(engine, user);

        return account && account->is_known;
}

struct account *engine_account_make(struct engine *engine, const struct addr *user)
{
        struct account *account = engine_account_find(engine, user);

        if (account)
                return account;
        account = xcalloc(1, sizeof *account);
        account->addr = *user;
        account->taker.v = DEFAULT_TAKER;
        account->maker.v = DEFAULT_MAKER;
        account->slot = xcalloc(engine->n_listings, sizeof(struct slot *));
        account->held = xcalloc(engine->n_listings, sizeof(struct slot *));
        list_init(&account->open);
        list_init(&account->done);
        list_init(&account->fills);
        list_init(&account->in_distressed);
        if (engine->n_accounts == engine->accounts_capacity) {
                engine->accounts_capacity =
                        engine->accounts_capacity ? 2 * engine->accounts_capacity : 16;
                engine->account = xrealloc(engine->account,
                                           engine->accounts_capacity * sizeof(struct account *));
        }
        engine->account[engine->n_accounts++] = account;
        (void)map_put(engine->account_by_addr, user->b, sizeof user->b, account);
        return account;
}

static void orders_free(struct list *orders)
{
        list_each_safe (it, orders) {
                struct order *order = list_entry(it, struct order, in_account);

                list_remove(it);
                free(order);
        }
}

void engine_account_free(struct account *account, size_t n_listings)
{
        orders_free(&account->open);
        orders_free(&account->done);
        list_each_safe (it, &account->fills) {
                struct fill_node *node = list_entry(it, struct fill_node, in_account);

                list_remove(it);
                free(node);
        }
        for (size_t i = 0; i < n_listings; i++)
                free(account->slot[i]);
        free(account->slot);
        free(account->held);
        free(account->view);
        free(account);
}

enum margin_mode engine_account_default_mode(const struct listing *listing)
{
        return listing->spec.only_isolated ? MARGIN_ISOLATED : MARGIN_CROSS;
}

unsigned engine_account_default_leverage(const struct listing *listing)
{
        unsigned max = listing->spec.max_leverage;

        return max < DEFAULT_LEVERAGE ? max : DEFAULT_LEVERAGE;
}

struct slot *engine_account_slot(struct engine *engine, struct account *account, uint32_t asset)
{
        struct listing *listing = &engine->listing[asset];
        struct slot *slot = account->slot[asset];

        if (slot)
                return slot;
        slot = xcalloc(1, sizeof *slot);
        slot->account = account;
        slot->listing = listing;
        slot->mode = engine_account_default_mode(listing);
        slot->leverage = engine_account_default_leverage(listing);
        slot->p = (struct margin_position){
                .mode = slot->mode, .leverage = slot->leverage, .tiers = listing->spec.tiers};
        list_init(&slot->reducing);
        list_init(&slot->in_holders);
        account->slot[asset] = slot;
        return slot;
}

void engine_account_cross(const struct account *account, unsigned dex, struct margin_cross *out)
{
        const struct pool *pool = &account->pool[dex];

        *out = (struct margin_cross){.account_value = pool->cash, .resting = pool->reserved};
        for (size_t i = 0; i < account->n_held; i++) {
                const struct margin_position *p = &account->held[i]->p;
                struct usd maintenance = {0};
                struct usd used = {0};

                if (p->mode != MARGIN_CROSS || account->held[i]->listing->spec.dex != dex)
                        continue;
                must(margin_maintenance(&maintenance, &p->tiers, p->value) == E_OK);
                must(margin_initial(&used, p->value, p->leverage, NUM_DOWN) == E_OK);
                used.v = num_to_step(used.v, NUM_MICRO, NUM_DOWN);
                out->account_value.v = add_exact(out->account_value.v, signed_value(p));
                out->maintenance.v = add_exact(out->maintenance.v, maintenance.v);
                out->margin_used.v = add_exact(out->margin_used.v, used.v);
                out->notional.v = add_exact(out->notional.v, p->value.v);
        }
}

struct usd engine_account_free_margin(const struct account *account, unsigned dex)
{
        struct margin_cross cross;

        engine_account_cross(account, dex, &cross);
        return (struct usd){add_exact(add_exact(cross.account_value.v, -cross.margin_used.v),
                                      -cross.resting.v)};
}

/* Orders against the position reserve nothing for the part that closes it. Which of them come first
 * is not decided before they fill, so the rest counts at their average price. */
struct usd engine_account_reserve(const struct slot *slot, int64_t position,
                                  const struct resting resting[2], unsigned leverage)
{
        int64_t sum = 0;

        if (slot->account->is_house)
                return (struct usd){0};
        for (int side = 0; side < 2; side++) {
                int64_t held = (side == 0) == (position < 0) ? num_abs(position) : 0;
                int64_t notional = resting[side].notional;
                int64_t size = resting[side].size;

                if (size <= held)
                        continue;
                must(num_muldiv(&notional, notional, size - held, size, NUM_UP) == E_OK);
                must(num_div_wide(&notional, notional, (num_wide)leverage * NUM_MICRO, NUM_UP) ==
                     E_OK);
                sum = add_exact(sum, notional * NUM_MICRO);
        }
        return (struct usd){sum};
}

void engine_account_reserve_update(struct slot *slot)
{
        struct usd now =
                engine_account_reserve(slot, slot->p.size.v, slot->resting, slot->leverage);

        pool_of(slot)->reserved.v += now.v - slot->reserved.v;
        slot->reserved = now;
        must(pool_of(slot)->reserved.v >= 0);
}

static void held_insert(struct slot *slot)
{
        struct account *account = slot->account;
        size_t i = account->n_held++;

        for (; i && account->held[i - 1]->listing->asset > slot->listing->asset; i--)
                account->held[i] = account->held[i - 1];
        account->held[i] = slot;
        list_push_back(&slot->listing->holders, &slot->in_holders);
}

static void held_remove(struct slot *slot)
{
        struct account *account = slot->account;
        size_t i = 0;

        while (account->held[i] != slot)
                i++;
        account->n_held--;
        memmove(&account->held[i], &account->held[i + 1],
                (account->n_held - i) * sizeof(struct slot *));
        list_remove(&slot->in_holders);
}

static int64_t long_part(int64_t size)
{
        return size > 0 ? size : 0;
}

void engine_account_set_position(struct slot *slot, const struct margin_position *p)
{
        int64_t before = slot->p.size.v;
        int64_t after = p->size.v;

        slot->listing->open_interest.v += long_part(after) - long_part(before);
        slot->p = *p;
        if (!before && after)
                held_insert(slot);
        if (before && !after)
                held_remove(slot);
        if (before != after)
                slot->funding_since_change.v = 0;
        if (!before || !after || (before < 0) != (after < 0))
                slot->funding_since_open.v = 0;
        engine_account_reserve_update(slot);
}

/* Entry notional / size, cut to as many decimals as the market's prices may have. */
static struct px entry_of(const struct slot *slot)
{
        struct px entry = {0};

        must(num_px_for(&entry, slot->p.entry_notional, (struct qty){num_abs(slot->p.size.v)},
                        NUM_DOWN) == E_OK);
        entry.v = num_to_step(entry.v, num_pow10(2 + slot->listing->spec.sz_decimals), NUM_DOWN);
        return entry;
}

static void position_fill(struct engine_position *out, const struct slot *slot)
{
        *out = (struct engine_position){
                .asset = slot->listing->asset,
                .p = slot->p,
                .entry = entry_of(slot),
                .funding_all_time = slot->funding_all_time,
                .funding_since_open = slot->funding_since_open,
                .funding_since_change = slot->funding_since_change,
        };
}

/* The positions in a dex stand together in what is lent out. */
static size_t lend_positions(struct account *account, unsigned dex)
{
        size_t n = 0;

        if (account->n_held > account->view_capacity) {
                account->view_capacity = account->n_held;
                account->view = xrealloc(account->view, account->n_held * sizeof *account->view);
        }
        for (size_t i = 0; i < account->n_held; i++)
                if (account->held[i]->listing->spec.dex == dex)
                        position_fill(&account->view[n++], account->held[i]);
        return n;
}

void engine_dex_account(const struct engine *engine, const struct addr *user, unsigned dex,
                        struct engine_account *out)
{
        struct account *account = engine_account_find(engine, user);

        *out = (struct engine_account){0};
        if (!account || dex >= engine->n_dexes)
                return;
        engine_account_cross(account, dex, &out->cross);
        must(margin_withdrawable(&out->withdrawable, &out->cross) == E_OK);
        out->cross_raw_usd = account->pool[dex].cash;
        out->account_value = out->cross.account_value;
        out->total_raw_usd = out->cross_raw_usd;
        out->total_margin_used = out->cross.margin_used;
        out->n_positions = lend_positions(account, dex);
        for (size_t i = 0; i < out->n_positions; i++) {
                const struct margin_position *p = &account->view[i].p;

                out->total_notional.v = add_exact(out->total_notional.v, p->value.v);
                if (p->mode != MARGIN_ISOLATED)
                        continue;
                out->account_value.v = add_exact(out->account_value.v, isolated_equity(p).v);
                out->total_raw_usd.v = add_exact(out->total_raw_usd.v, p->raw_usd.v);
                out->total_margin_used.v =
                        add_exact(out->total_margin_used.v, isolated_equity(p).v);
        }
        out->position = out->n_positions ? account->view : NULL;
}

void engine_account(const struct engine *engine, const struct addr *user,
                    struct engine_account *out)
{
        engine_dex_account(engine, user, 0, out);
}
