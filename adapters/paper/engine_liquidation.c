/* Liquidation (protocol reference 9.5): below maintenance the position goes to the book as a market
 * order, a fifth of it first where it is large; below two thirds of maintenance after that, position
 * and margin go to the backstop. An isolated position is judged alone and its loss ends with its
 * margin; the cross positions of one dex are judged as a whole, and no other dex answers for them. A fill that would leave less than nothing is not
 * made (engine_fill_allowed), so a gap ends at the backstop, which bears what is missing. */
#include <stdlib.h>

#include "base/mem.h"
#include "adapters/paper/engine_internal.h"
#include "risk/show.h"

#define PARTIAL_ABOVE   (INT64_C(100000) * NUM_SCALE)
#define PARTIAL_DIVISOR 5
#define COOLDOWN_MS     INT64_C(30000)

static bool is_cross_in(const struct slot *slot, unsigned dex)
{
        return slot->p.mode == MARGIN_CROSS && slot->listing->spec.dex == dex;
}

/* What one liquidation did. */
struct progress {
        struct engine *engine;
        struct account *account;
        unsigned dex;
        enum margin_mode mode;
        struct usd account_value; /* when it began */
        struct usd notional;
        uint32_t *asset;
        struct qty *size;
        size_t n, capacity;
};

static struct usd maintenance_of(const struct slot *slot)
{
        struct usd u = {0};

        must(margin_maintenance(&u, &slot->p.tiers, slot->p.value) == E_OK);
        return u;
}

static struct usd equity_of(const struct account *account, unsigned dex, const struct slot *slot)
{
        struct margin_cross cross;

        if (slot)
                return isolated_equity(&slot->p);
        engine_account_cross(account, dex, &cross);
        return cross.account_value;
}

/* slot NULL: the cross account of the dex, judged on the sum of the cut maintenance figures that it shows. */
static bool is_below_maintenance(const struct account *account, unsigned dex,
                                 const struct slot *slot)
{
        struct margin_cross cross;
        bool is_below = false;

        if (slot) {
                must(margin_is_liquidatable(&is_below, &slot->p.tiers, slot->p.value,
                                            isolated_equity(&slot->p)) == E_OK);
                return slot->p.size.v && is_below;
        }
        engine_account_cross(account, dex, &cross);
        return cross.notional.v && cross.account_value.v < cross.maintenance.v;
}

static bool is_below_two_thirds(const struct account *account, unsigned dex,
                                const struct slot *slot)
{
        struct margin_cross cross;
        struct usd maintenance;

        engine_account_cross(account, dex, &cross);
        maintenance = slot ? maintenance_of(slot) : cross.maintenance;
        return 3 * (num_wide)equity_of(account, dex, slot).v < 2 * (num_wide)maintenance.v;
}

static void note(struct progress *progress, const struct slot *slot, int64_t size)
{
        struct usd value = value_of(slot->listing->mark, (struct qty){size});

        if (!size)
                return;
        progress->notional.v = add_exact(progress->notional.v, value.v);
        for (size_t i = 0; i < progress->n; i++) {
                if (progress->asset[i] == slot->listing->asset) {
                        progress->size[i].v += size;
                        return;
                }
        }
        must(progress->n < progress->capacity);
        progress->asset[progress->n] = slot->listing->asset;
        progress->size[progress->n++].v = size;
}

/* The whole position, or a fifth of a large one unless the user was dealt with so just before. */
static struct qty size_to_send(struct engine *engine, struct slot *slot)
{
        int64_t step = num_pow10(NUM_DECIMALS - slot->listing->spec.sz_decimals);
        int64_t whole = num_abs(slot->p.size.v);
        int64_t part = num_to_step(whole / PARTIAL_DIVISOR, step, NUM_DOWN);

        if (slot->p.value.v <= PARTIAL_ABOVE || engine->now < slot->account->cooldown_until ||
            !part)
                return (struct qty){whole};
        return (struct qty){part};
}

/* Sends the position to the book. */
static void send_to_book(struct progress *progress, struct slot *slot, struct qty size)
{
        struct engine *engine = progress->engine;
        struct liquidation liquidation = {.account = slot->account};
        int64_t before = slot->p.size.v;
        struct engine_order_request request = {
                .asset = slot->listing->asset,
                .is_buy = before < 0,
                .price = slot->listing->mark,
                .size = size,
                .reduce_only = true,
                .tif = ENGINE_LIQUIDATION_MARKET,
        };
        struct order *order;
        struct match match;

        if (!engine_book_best(&slot->listing->book[request.is_buy ? 1 : 0]))
                return;
        order = engine_order_new(engine, slot, &request, NULL, 0);
        engine_match_run(engine, order, &liquidation, &match);
        if (order->state != ORDER_DONE)
                engine_order_end(engine, order, END_CANCELED);
        note(progress, slot, before - slot->p.size.v);
}

/* Hands position and its value at the mark over; the cash that belongs to it follows apart. */
static void hand_over(struct progress *progress, struct slot *slot)
{
        struct engine *engine = progress->engine;
        struct slot *taker = engine_account_slot(engine, engine->backstop, slot->listing->asset);
        struct liquidation liquidation = {.account = slot->account, .is_backstop = true};
        struct px mark = slot->listing->mark;
        int64_t size = slot->p.size.v;
        uint64_t tid = engine_fill_next_tid(engine);
        struct side gives = {.slot = slot, .size = -size, .is_taker = true};
        struct side takes = {.slot = taker, .size = size};
        struct engine_fill told;

        engine_fill_book(engine, &gives, mark, tid, &liquidation, &told);
        engine_fill_book(engine, &takes, mark, tid, &liquidation, &told);
        note(progress, slot, size);
        engine_order_reconcile(engine, slot);
}

static void move_cash(struct progress *progress, int64_t amount)
{
        struct usd *from = &progress->account->pool[progress->dex].cash;
        struct usd *to = &progress->engine->backstop->pool[progress->dex].cash;

        from->v = add_exact(from->v, -amount);
        to->v = add_exact(to->v, amount);
}

/* The whole equity of what is taken goes with it, a negative one too. */
static void to_backstop(struct progress *progress, struct slot *slot)
{
        struct account *account = progress->account;
        const struct usd *cash = &account->pool[progress->dex].cash;
        int64_t before = cash->v;
        size_t i = 0;

        if (slot) {
                /* Closing lets what is left, never less than nothing, go to the cross balance, and
                 * charges the backstop with what is missing. */
                hand_over(progress, slot);
                move_cash(progress, cash->v - before);
                return;
        }
        while (i < account->n_held) {
                if (is_cross_in(account->held[i], progress->dex))
                        hand_over(progress, account->held[i]);
                else
                        i++;
        }
        move_cash(progress, cash->v);
}

static bool is_on_symbol(const struct order *order, const void *cookie)
{
        return order->slot == cookie;
}

/* A cross liquidation leaves isolated positions alone, and so the orders that can only reduce them. */
static bool draws_on_cross(const struct order *order, const void *cookie)
{
        const struct margin_position *p = &order->slot->p;
        const unsigned *dex = cookie;

        return order->slot->listing->spec.dex == *dex &&
               !(p->mode == MARGIN_ISOLATED && p->size.v && order->pub.reduce_only);
}

static struct slot *largest_cross(const struct account *account, unsigned dex, const bool *tried)
{
        struct slot *largest = NULL;

        for (size_t i = 0; i < account->n_held; i++) {
                struct slot *slot = account->held[i];

                if (!is_cross_in(slot, dex) || tried[slot->listing->asset])
                        continue;
                if (!largest || slot->p.value.v > largest->p.value.v)
                        largest = slot;
        }
        return largest;
}

/* The largest first, until the account is sound again. */
static void cross_to_book(struct progress *progress)
{
        struct engine *engine = progress->engine;
        bool *tried = xcalloc(engine->n_listings, sizeof *tried);
        bool was_partial = false;
        struct slot *slot;

        while (is_below_maintenance(progress->account, progress->dex, NULL) &&
               (slot = largest_cross(progress->account, progress->dex, tried))) {
                struct qty size = size_to_send(engine, slot);

                tried[slot->listing->asset] = true;
                was_partial |= size.v < num_abs(slot->p.size.v);
                send_to_book(progress, slot, size);
        }
        if (was_partial && progress->n)
                progress->account->cooldown_until = engine->now + COOLDOWN_MS;
        free(tried);
}

static void isolated_to_book(struct progress *progress, struct slot *slot)
{
        struct qty size = size_to_send(progress->engine, slot);
        bool is_partial = size.v < num_abs(slot->p.size.v);

        send_to_book(progress, slot, size);
        if (is_partial && progress->n)
                progress->account->cooldown_until = progress->engine->now + COOLDOWN_MS;
}

static void tell(struct progress *progress)
{
        const struct engine_sink *sink = &progress->engine->sink;

        if (progress->n && sink->liquidation)
                sink->liquidation(sink->cookie, &progress->account->addr, progress->mode,
                                  progress->notional, progress->account_value, progress->asset,
                                  progress->size, progress->n, progress->engine->now);
}

/* Judges one isolated position, or the cross account of the dex (slot NULL). Those that stay below maintenance
 * because nobody takes them are looked at again with time. */
static void judge(struct engine *engine, struct account *account, unsigned dex, struct slot *slot)
{
        struct progress progress = {
                .engine = engine,
                .account = account,
                .dex = dex,
                .mode = slot ? MARGIN_ISOLATED : MARGIN_CROSS,
                .capacity = engine->n_listings,
        };

        if (account->is_house || !is_below_maintenance(account, dex, slot))
                return;
        progress.account_value = equity_of(account, dex, slot);
        progress.asset = xcalloc(engine->n_listings, sizeof *progress.asset);
        progress.size = xcalloc(engine->n_listings, sizeof *progress.size);
        engine_order_end_all(engine, account, END_LIQUIDATED, slot ? is_on_symbol : draws_on_cross,
                             slot ? (const void *)slot : &dex);
        if (slot)
                isolated_to_book(&progress, slot);
        else
                cross_to_book(&progress);
        if (is_below_maintenance(account, dex, slot) && is_below_two_thirds(account, dex, slot))
                to_backstop(&progress, slot);
        if (is_below_maintenance(account, dex, slot) && list_empty(&account->in_distressed))
                list_push_back(&engine->distressed, &account->in_distressed);
        tell(&progress);
        free(progress.asset);
        free(progress.size);
}

void engine_liquidation_run(struct engine *engine, struct listing *listing)
{
        struct slot **slot;
        size_t n = 0;

        list_each (it, &listing->holders)
                n++;
        if (!n)
                return;
        /* Liquidating changes who holds a position: judge those that did at the start. */
        slot = xcalloc(n, sizeof(struct slot *));
        n = 0;
        list_each (it, &listing->holders)
                slot[n++] = list_entry(it, struct slot, in_holders);
        for (size_t i = 0; i < n; i++)
                if (slot[i]->p.size.v)
                        judge(engine, slot[i]->account, listing->spec.dex,
                              slot[i]->p.mode == MARGIN_ISOLATED ? slot[i] : NULL);
        free(slot);
}

void engine_liquidation_retry(struct engine *engine)
{
        struct list waiting;

        list_init(&waiting);
        while (!list_empty(&engine->distressed)) {
                struct list *first = engine->distressed.next;

                list_remove(first);
                list_push_back(&waiting, first);
        }
        while (!list_empty(&waiting)) {
                struct account *account = list_entry(waiting.next, struct account, in_distressed);

                list_remove(&account->in_distressed);
                for (size_t i = 0; i < engine->n_listings; i++) {
                        struct slot *slot = account->slot[i];

                        if (slot && slot->p.size.v && slot->p.mode == MARGIN_ISOLATED)
                                judge(engine, account, slot->listing->spec.dex, slot);
                }
                for (unsigned dex = 0; dex < engine->n_dexes; dex++)
                        judge(engine, account, dex, NULL);
        }
}

bool engine_liquidation_text(const struct engine *engine, const struct addr *user, uint32_t asset,
                             char buf[NUM_STR_MAX])
{
        const struct account *account = engine_account_find(engine, user);
        const struct slot *slot;
        struct margin_liquidation liquidation;
        struct margin_cross cross;

        buf[0] = '\0';
        if (!account || account->is_house || asset >= engine->n_listings)
                return false;
        slot = account->slot[asset];
        if (!slot || !slot->p.size.v)
                return false;
        engine_account_cross(account, slot->listing->spec.dex, &cross);
        if (margin_liquidation(&liquidation, &slot->p, &cross))
                return false;
        return show_liquidation(buf, &liquidation) != NULL;
}
