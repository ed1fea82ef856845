#include <stdlib.h>

#include "adapters/paper/engine_state.h"
#include "base/mem.h"

/* Reading a state back (engine_state.c has the format). Nothing is believed: what the engine relies on
 * is checked before it is used, so that a damaged file is refused and never half loaded. */

#define ORDERS_MAX   (1u << 22)
#define ACCOUNTS_MAX (1u << 20)
#define ORDER_BYTES  150 /* at least */
#define FILL_BYTES   170 /* at least */
#define MONEY_MAX    (INT64_MAX / 4)

/* Orders that name others, until all are there. */
struct link {
        struct order *order;
        uint64_t child[ENGINE_CHILDREN_MAX], sibling;
};

struct loading {
        struct archive *archive;
        struct engine *engine;
        struct link *link;
        size_t n_links, capacity;
};

static bool money_fits(struct usd v)
{
        return v.v <= MONEY_MAX && v.v >= -MONEY_MAX;
}

/* Nothing lies in a dex that is not there. */
static bool pools_fit(const struct loading *l, const struct account *account)
{
        for (unsigned dex = 0; dex < ENGINE_DEXES_MAX; dex++)
                if (!money_fits(account->pool[dex].cash) ||
                    (dex >= l->engine->n_dexes && account->pool[dex].cash.v))
                        return false;
        return true;
}

static bool slot_fits(const struct slot *slot)
{
        const struct margin_position *p = &slot->p;
        const struct engine_market_spec *spec = &slot->listing->spec;
        struct px entry;

        return slot->leverage >= 1 && slot->leverage <= spec->max_leverage && p->leverage >= 1 &&
               p->leverage <= spec->max_leverage && money_fits(p->value) && p->value.v >= 0 &&
               money_fits(p->entry_notional) && p->entry_notional.v >= 0 &&
               money_fits(p->raw_usd) && p->size.v > INT64_MIN &&
               (!p->size.v ||
                !num_px_for(&entry, p->entry_notional, (struct qty){num_abs(p->size.v)}, NUM_UP));
}

static void load_slots(struct loading *l, struct account *account)
{
        struct archive *a = l->archive;
        size_t n = 0, first = 0;

        archive_count(a, &n, l->engine->n_listings, 60);
        for (size_t i = 0; i < n; i++) {
                uint32_t asset = 0;
                struct slot *slot;

                archive_u32(a, &asset);
                if (!archive_want(a, asset >= first && asset < l->engine->n_listings,
                                  "an account's markets are not in order"))
                        return;
                first = (size_t)asset + 1;
                slot = engine_account_slot(l->engine, account, asset);
                engine_state_slot(a, slot);
                if (!archive_want(a, slot_fits(slot), "a position is out of all bounds"))
                        return;
                if (slot->p.size.v)
                        account->held[account->n_held++] = slot;
        }
}

static bool order_fits(const struct loading *l, const struct order *order, enum order_state state,
                       bool is_done)
{
        const struct engine_order *o = &order->pub;

        if (o->oid == 0 || o->oid > l->engine->last_oid || engine_order_find(l->engine, o->oid))
                return false;
        if (is_done != (state == ORDER_DONE) || state == ORDER_TAKING)
                return false;
        if (o->size.v < 0 || o->original_size.v < 0 || order->filled.v < 0 ||
            o->builder_fee > 100000)
                return false;
        if (state == ORDER_BOOK)
                return o->price.v > 0 && o->size.v > 0;
        return state != ORDER_TRIGGER || o->trigger_price.v > 0;
}

static void remember(struct loading *l, const struct link *link)
{
        if (!link->sibling && !link->child[0] && !link->child[1])
                return;
        if (l->n_links == l->capacity) {
                l->capacity = l->capacity ? 2 * l->capacity : 64;
                l->link = xrealloc(l->link, l->capacity * sizeof *l->link);
        }
        l->link[l->n_links++] = *link;
}

static void load_order(struct loading *l, struct account *account, bool is_done)
{
        struct archive *a = l->archive;
        struct order *order = xcalloc(1, sizeof *order);
        struct link link = {.order = order};
        bool is_named = false;
        unsigned state = 0;

        order->account = account;
        list_init(&order->in_account);
        list_init(&order->in_slot);
        list_init(&order->in_level);
        engine_state_order(a, &order->pub);
        order->pub.user = account->addr;
        archive_choice(a, &state, ORDER_DONE);
        archive_qty(a, &order->filled);
        archive_bool(a, &order->follows_position);
        archive_bool(a, &is_named);
        for (size_t i = 0; i < ENGINE_CHILDREN_MAX; i++)
                archive_u64(a, &link.child[i]);
        archive_u64(a, &link.sibling);
        if (order->pub.asset < l->engine->n_listings)
                order->slot = account->slot[order->pub.asset];
        if (!archive_want(a,
                          order->slot && order_fits(l, order, (enum order_state)state, is_done) &&
                                  (!is_named || order->pub.has_cloid),
                          "an order can't be as it is")) {
                free(order);
                return;
        }
        engine_order_index(l->engine, order, is_named);
        engine_order_restore(order, (enum order_state)state);
        remember(l, &link);
}

static void load_fills(struct loading *l, struct account *account)
{
        size_t n = 0;

        archive_count(l->archive, &n, ORDERS_MAX, FILL_BYTES);
        for (size_t i = 0; i < n && archive_is_good(l->archive); i++) {
                struct fill_node *node = xcalloc(1, sizeof *node);

                engine_state_fill(l->archive, &node->fill);
                node->fill.user = account->addr;
                (void)archive_want(l->archive, node->fill.asset < l->engine->n_listings,
                                   "a fill names no market");
                list_push_back(&account->fills, &node->in_account);
                account->n_fills++;
        }
}

static void load_account(struct loading *l)
{
        struct archive *a = l->archive;
        const int64_t rate_max = NUM_RATE_SCALE / 10;
        struct account *account;
        struct addr addr;

        archive_addr(a, &addr);
        account = engine_account_make(l->engine, &addr);
        engine_state_account(a, account);
        if (!archive_want(a,
                          pools_fit(l, account) && account->taker.v < rate_max &&
                                  account->taker.v > -rate_max && account->maker.v < rate_max &&
                                  account->maker.v > -rate_max,
                          "an account is out of all bounds"))
                return;
        load_slots(l, account);
        for (int is_done = 0; is_done < 2; is_done++) {
                size_t n = 0;

                archive_count(a, &n, ORDERS_MAX, ORDER_BYTES);
                for (size_t i = 0; i < n && archive_is_good(a); i++)
                        load_order(l, account, is_done);
        }
        load_fills(l, account);
}

static void load_accounts(struct loading *l)
{
        size_t n = 0;

        archive_count(l->archive, &n, ACCOUNTS_MAX, 60);
        for (size_t i = 0; i < n && archive_is_good(l->archive); i++) {
                load_account(l);
                (void)archive_want(l->archive, l->engine->n_accounts == i + 1,
                                   "an account is there twice, or the backstop is missing");
        }
}

/* ---- What orders are to each other ----------------------------------------------------------- */

static bool adopt(struct loading *l, struct order *parent, size_t i, uint64_t oid)
{
        struct order *child = engine_order_find(l->engine, oid);

        if (!child || child->state != ORDER_WAITING || child->parent || child == parent ||
            child->slot != parent->slot || child->pub.parent_oid != parent->pub.oid ||
            parent->state == ORDER_DONE)
                return false;
        parent->child[i] = child;
        child->parent = parent;
        return true;
}

static void load_links(struct loading *l)
{
        bool is_good = true;

        for (size_t i = 0; i < l->n_links; i++) {
                struct link *link = &l->link[i];

                for (size_t k = 0; k < ENGINE_CHILDREN_MAX; k++)
                        if (link->child[k] && !adopt(l, link->order, k, link->child[k]))
                                is_good = false;
                if (link->sibling)
                        link->order->sibling = engine_order_find(l->engine, link->sibling);
                if (link->sibling && !link->order->sibling)
                        is_good = false;
        }
        for (size_t i = 0; i < l->n_links; i++) {
                const struct order *order = l->link[i].order;

                if (order->sibling &&
                    (order->sibling->sibling != order || order->sibling == order ||
                     order->state == ORDER_DONE || order->account != order->sibling->account))
                        is_good = false;
        }
        (void)archive_want(l->archive, is_good, "orders of a group don't fit each other");
}

static bool stands_there(const struct order *order, const struct listing *listing, int side,
                         bool is_trigger, struct px price)
{
        const struct engine_order *o;

        if (!order || order->ladder || order->slot->listing != listing)
                return false;
        o = &order->pub;
        if (!is_trigger)
                return order->state == ORDER_BOOK && o->is_buy == (side == 0) &&
                       o->price.v == price.v;
        return order->state == ORDER_TRIGGER && (o->is_buy != o->is_take_profit) == (side == 1) &&
               o->trigger_price.v == price.v;
}

static void load_level(struct loading *l, struct listing *listing, int side, bool is_trigger)
{
        struct ladder *ladder = is_trigger ? &listing->trigger[side] : &listing->book[side];
        struct archive *a = l->archive;
        struct level *best = engine_book_best(ladder);
        struct px price = {0};
        int64_t sum = 0;
        size_t n = 0;

        archive_px(a, &price);
        archive_count(a, &n, ORDERS_MAX, sizeof(uint64_t));
        (void)archive_want(a,
                           n > 0 && (!best || (best->price.v < price.v) == ladder->best_is_highest),
                           "a ladder is not in order");
        (void)archive_want(a, !best || best->price.v != price.v, "a ladder is not in order");
        for (size_t i = 0; i < n && archive_is_good(a); i++) {
                struct order *order;
                uint64_t oid = 0;

                archive_u64(a, &oid);
                order = engine_order_find(l->engine, oid);
                if (archive_want(a,
                                 stands_there(order, listing, side, is_trigger, price) &&
                                         !num_add(&sum, sum, order->pub.size.v),
                                 "a ladder holds what does not belong there"))
                        engine_book_insert(ladder, order, price);
        }
}

static void load_holders(struct loading *l, struct listing *listing)
{
        struct archive *a = l->archive;
        size_t n = 0;

        archive_count(a, &n, ACCOUNTS_MAX, sizeof(struct addr));
        for (size_t i = 0; i < n && archive_is_good(a); i++) {
                struct account *account;
                struct slot *slot;
                struct addr addr;

                archive_addr(a, &addr);
                account = engine_account_find(l->engine, &addr);
                slot = account ? account->slot[listing->asset] : NULL;
                if (!archive_want(a, slot && slot->p.size.v && list_empty(&slot->in_holders),
                                  "a holder has no position"))
                        return;
                list_push_back(&listing->holders, &slot->in_holders);
                if (slot->p.size.v > 0)
                        (void)archive_want(a,
                                           !num_add(&listing->open_interest.v,
                                                    listing->open_interest.v, slot->p.size.v),
                                           "positions are out of all bounds");
        }
}

static void load_markets(struct loading *l)
{
        struct archive *a = l->archive;

        for (size_t i = 0; i < l->engine->n_listings && archive_is_good(a); i++) {
                for (unsigned k = 0; k < 4; k++) {
                        size_t n = 0;

                        archive_count(a, &n, ORDERS_MAX, 24);
                        for (size_t j = 0; j < n && archive_is_good(a); j++)
                                load_level(l, &l->engine->listing[i], (int)(k / 2), k % 2 == 1);
                }
                load_holders(l, &l->engine->listing[i]);
        }
}

static void load_distressed(struct loading *l)
{
        struct archive *a = l->archive;
        size_t n = 0;

        archive_count(a, &n, ACCOUNTS_MAX, sizeof(struct addr));
        for (size_t i = 0; i < n && archive_is_good(a); i++) {
                struct account *account;
                struct addr addr;

                archive_addr(a, &addr);
                account = engine_account_find(l->engine, &addr);
                if (archive_want(a, account && list_empty(&account->in_distressed),
                                 "an account waits that is not there"))
                        list_push_back(&l->engine->distressed, &account->in_distressed);
        }
}

/* Everything open has found its place, and what rests is counted again. */
static void settle(struct loading *l, struct account *account)
{
        bool is_good = true;

        for (size_t i = 0; i < account->n_held; i++)
                is_good = is_good && !list_empty(&account->held[i]->in_holders);
        list_each (it, &account->open) {
                struct order *order = list_entry(it, struct order, in_account);

                if (order->state == ORDER_WAITING)
                        is_good = is_good && order->parent;
                else
                        is_good = is_good && order->ladder;
                if (is_good && order->state == ORDER_BOOK)
                        is_good = engine_order_restore_resting(order);
        }
        (void)archive_want(l->archive, is_good, "an account's orders or positions are incomplete");
}

struct engine *engine_state_load(const struct engine_market_spec *markets, size_t n,
                                 const struct engine_sink *sink, struct archive *a)
{
        struct engine *engine = engine_new(markets, n, sink);
        struct loading l = {.archive = a, .engine = engine};

        engine_state_head(a, engine);
        for (unsigned dex = 0; dex < ENGINE_DEXES_MAX; dex++)
                (void)archive_want(
                        a, money_fits(engine->fees[dex]) && money_fits(engine->deposited[dex]),
                        "a dex's sums are out of all bounds");
        load_accounts(&l);
        if (archive_is_good(a))
                load_links(&l);
        load_markets(&l);
        if (archive_is_good(a))
                load_distressed(&l);
        for (size_t i = 0; i < engine->n_accounts && archive_is_good(a); i++)
                settle(&l, engine->account[i]);
        free(l.link);
        if (archive_is_good(a))
                return engine;
        engine_free(engine);
        return NULL;
}
