#include "adapters/paper/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "adapters/paper/engine_internal.h"
#include "sign/keccak.h"

/* Positions beyond this value can't be taken, so that sums over all markets fit their type. */
#define POSITION_VALUE_MAX (INT64_C(1000000000) * NUM_SCALE)

/* "paper backstop" in front of zeros: nobody has its key. */
static const struct addr backstop_address = {
        .b = {0x70, 0x61, 0x70, 0x65, 0x72, 0x20, 0x62, 0x61, 0x63, 0x6b, 0x73, 0x74, 0x6f, 0x70}};

static void listing_init(struct listing *listing, const struct engine_market_spec *spec,
                         uint32_t asset)
{
        must(spec->sz_decimals <= 6 && spec->max_leverage > 0 && spec->dex < ENGINE_DEXES_MAX);
        must(margin_table_check(&spec->tiers) == E_OK);
        listing->spec = *spec;
        listing->asset = asset;
        if (!spec->id)
                listing->spec.id = asset;
        if (!spec->fee_share)
                listing->spec.fee_share = 1000;
        if (!spec->rebate_share)
                listing->spec.rebate_share = 1000;
        engine_book_init(&listing->book[0], true);
        engine_book_init(&listing->book[1], false);
        engine_book_init(&listing->trigger[0], true);
        engine_book_init(&listing->trigger[1], false);
        list_init(&listing->holders);
}

struct engine *engine_new(const struct engine_market_spec *markets, size_t n,
                          const struct engine_sink *sink)
{
        struct engine *engine = xcalloc(1, sizeof *engine);
        int64_t share = INT64_MAX / 8 / (int64_t)(n + 1);

        if (sink)
                engine->sink = *sink;
        engine->n_listings = n;
        engine->listing = xcalloc(n + 1, sizeof *engine->listing);
        engine->dirty = xcalloc(n + 1, sizeof *engine->dirty);
        engine->value_cap.v = share < POSITION_VALUE_MAX ? share : POSITION_VALUE_MAX;
        engine->account_by_addr = map_new();
        engine->order_by_oid = map_new();
        engine->order_by_cloid = map_new();
        list_init(&engine->distressed);
        engine->n_dexes = 1;
        for (size_t i = 0; i < n; i++) {
                listing_init(&engine->listing[i], &markets[i], (uint32_t)i);
                if (engine->n_dexes <= markets[i].dex)
                        engine->n_dexes = markets[i].dex + 1;
        }
        engine_set_house(engine, &backstop_address);
        engine->backstop = engine_account_find(engine, &backstop_address);
        return engine;
}

void engine_free(struct engine *engine)
{
        if (!engine)
                return;
        for (size_t i = 0; i < engine->n_accounts; i++)
                engine_account_free(engine->account[i], engine->n_listings);
        for (size_t i = 0; i < engine->n_listings; i++) {
                for (int side = 0; side < 2; side++) {
                        engine_book_fini(&engine->listing[i].book[side]);
                        engine_book_fini(&engine->listing[i].trigger[side]);
                }
        }
        map_free(engine->account_by_addr, NULL);
        map_free(engine->order_by_oid, NULL);
        map_free(engine->order_by_cloid, NULL);
        free(engine->account);
        free(engine->listing);
        free(engine->dirty);
        free(engine);
}

size_t engine_market_count(const struct engine *engine)
{
        return engine->n_listings;
}

const struct engine_market_spec *engine_market(const struct engine *engine, uint32_t asset)
{
        return asset < engine->n_listings ? &engine->listing[asset].spec : NULL;
}

void engine_begin(struct engine *engine, int64_t at)
{
        engine->now = at;
        engine->calls++;
        engine->has_call_hash = false;
}

void engine_end(struct engine *engine)
{
        for (size_t i = 0; i < engine->n_dirty; i++) {
                engine->listing[engine->dirty[i]].is_dirty = false;
                if (engine->sink.book)
                        engine->sink.book(engine->sink.cookie, engine->dirty[i]);
        }
        engine->n_dirty = 0;
}

/* All fills of one call carry one hash, as those of one transaction do. */
const struct hash32 *engine_call_hash(struct engine *engine)
{
        static const char label[] = "perpgate paper transaction";
        uint8_t data[sizeof label + 8];

        if (engine->has_call_hash)
                return &engine->call_hash;
        memcpy(data, label, sizeof label);
        for (unsigned i = 0; i < 8; i++)
                data[sizeof label + i] = (uint8_t)(engine->calls >> (8 * i));
        keccak256(&engine->call_hash, data, sizeof data);
        engine->has_call_hash = true;
        return &engine->call_hash;
}

void engine_set_house(struct engine *engine, const struct addr *user)
{
        struct account *account = engine_account_make(engine, user);

        account->is_known = true;
        account->is_house = true;
}

void engine_backstop(const struct engine *engine, struct addr *out)
{
        *out = engine->backstop->addr;
}

void engine_set_fees(struct engine *engine, const struct addr *user, struct rate taker,
                     struct rate maker)
{
        struct account *account = engine_account_make(engine, user);

        must(num_abs(taker.v) < NUM_RATE_SCALE / 10 && num_abs(maker.v) < NUM_RATE_SCALE / 10);
        account->taker = taker;
        account->maker = maker;
}

void engine_fees(const struct engine *engine, const struct addr *user, struct rate *taker,
                 struct rate *maker)
{
        const struct account *account = engine_account_find(engine, user);

        if (!account)
                account = engine->backstop;
        *taker = account->taker;
        *maker = account->maker;
}

static struct px to_price_decimals(const struct listing *listing, struct px price)
{
        price.v = num_to_step(price.v, num_pow10(2 + listing->spec.sz_decimals), NUM_NEAREST);
        return price;
}

/* Whether every position could be valued at that mark. */
static bool is_bearable(const struct engine *engine, const struct listing *listing, struct px mark)
{
        list_each (it, &listing->holders) {
                const struct slot *slot = list_entry(it, struct slot, in_holders);
                struct usd value;

                if (num_notional(&value, mark, (struct qty){num_abs(slot->p.size.v)}, NUM_UP) ||
                    value.v > 4 * engine->value_cap.v)
                        return false;
        }
        return true;
}

void engine_set_prices(struct engine *engine, uint32_t asset, struct px mark, struct px oracle,
                       int64_t at)
{
        struct listing *listing;

        if (asset >= engine->n_listings || mark.v <= 0 || oracle.v <= 0)
                return;
        listing = &engine->listing[asset];
        mark = to_price_decimals(listing, mark);
        oracle = to_price_decimals(listing, oracle);
        if (!mark.v || !oracle.v || !is_bearable(engine, listing, mark) ||
            !is_bearable(engine, listing, oracle))
                return;
        engine_begin(engine, at);
        listing->mark = mark;
        listing->oracle = oracle;
        list_each (it, &listing->holders) {
                struct slot *slot = list_entry(it, struct slot, in_holders);

                slot->p.value = value_of(mark, slot->p.size);
        }
        engine_trigger_run(engine, listing);
        engine_liquidation_run(engine, listing);
        engine_end(engine);
}

struct px engine_mark(const struct engine *engine, uint32_t asset)
{
        return asset < engine->n_listings ? engine->listing[asset].mark : (struct px){0};
}

struct px engine_oracle(const struct engine *engine, uint32_t asset)
{
        return asset < engine->n_listings ? engine->listing[asset].oracle : (struct px){0};
}

void engine_tick(struct engine *engine, int64_t at)
{
        engine_begin(engine, at);
        for (size_t i = 0; i < engine->n_listings; i++)
                engine_trigger_run(engine, &engine->listing[i]);
        engine_liquidation_retry(engine);
        engine_end(engine);
}

static struct usd funding_of(const struct slot *slot, struct rate hourly)
{
        struct usd value = value_of(slot->listing->oracle, slot->p.size);
        num_wide paid = (num_wide)value.v * hourly.v;
        int64_t micro = 0;

        must(num_div_wide(&micro, slot->p.size.v < 0 ? -paid : paid,
                          (num_wide)NUM_RATE_SCALE * NUM_MICRO, NUM_NEAREST) == E_OK);
        return (struct usd){micro * NUM_MICRO};
}

void engine_pay_funding(struct engine *engine, uint32_t asset, struct rate hourly, int64_t at)
{
        struct listing *listing;

        if (asset >= engine->n_listings || num_abs(hourly.v) > NUM_RATE_SCALE)
                return;
        listing = &engine->listing[asset];
        engine_begin(engine, at);
        list_each (it, &listing->holders) {
                struct slot *slot = list_entry(it, struct slot, in_holders);
                struct usd paid = funding_of(slot, hourly);
                struct usd *from =
                        slot->p.mode == MARGIN_ISOLATED ? &slot->p.raw_usd : &pool_of(slot)->cash;
                struct usd *fees = &engine->fees[listing->spec.dex];

                from->v = add_exact(from->v, -paid.v);
                /* Longs and shorts are rounded apart: the venue keeps or bears the difference. */
                fees->v = add_exact(fees->v, paid.v);
                slot->funding_all_time.v = add_exact(slot->funding_all_time.v, paid.v);
                slot->funding_since_open.v = add_exact(slot->funding_since_open.v, paid.v);
                slot->funding_since_change.v = add_exact(slot->funding_since_change.v, paid.v);
                if (engine->sink.funding)
                        engine->sink.funding(engine->sink.cookie, &slot->account->addr, asset, paid,
                                             slot->p.size, hourly, at);
        }
        engine_liquidation_run(engine, listing);
        engine_end(engine);
}

struct px engine_last_price(const struct engine *engine, uint32_t asset)
{
        return asset < engine->n_listings ? engine->listing[asset].last : (struct px){0};
}

struct qty engine_open_interest(const struct engine *engine, uint32_t asset)
{
        return asset < engine->n_listings ? engine->listing[asset].open_interest : (struct qty){0};
}
