#include "mirror/mirror_core.h"

static void payments(struct mirror *mirror, const struct feed_event *e)
{
        /* Past payments of an account come with its subscription. */
        if (!e->is_snapshot)
                mirror_payments(mirror, &e->topic->user, e->u.payment, e->n, e->at);
}

static void statuses(struct mirror *mirror, const struct feed_event *e)
{
        for (size_t i = 0; i < e->n; i++)
                mirror_order_status(mirror, &e->topic->user, &e->u.status[i], e->at);
}

static void liquidations(struct mirror *mirror, const struct feed_event *e)
{
        for (size_t i = 0; i < e->n; i++)
                mirror_liquidated(mirror, &e->u.liquidation[i], e->at);
}

/* What others watch tells nothing of accounts. */
static bool is_of_accounts(enum feed_kind kind)
{
        switch (kind) {
        case FEED_CONTEXTS:
        case FEED_TRADES:
        case FEED_USER_FILLS:
        case FEED_USER_EVENTS:
        case FEED_USER_STATE:
        case FEED_USER_ORDERS: return true;
        case FEED_BOOK:
        case FEED_BBO:
        case FEED_CANDLES:
        case FEED_VERBATIM: return false;
        }
        never("a feed's kind");
}

void mirror_event(struct mirror *mirror, const struct feed_event *e)
{
        struct mirror_reading reading = {.at = e->at};

        if (!is_of_accounts(e->topic->kind))
                return;
        switch (e->kind) {
        case FEED_LIVE: mirror_live(mirror, e->topic, e->at); return;
        case FEED_GAP: mirror_gap(mirror, e->topic, e->since, e->at); return;
        case FEED_PROVEN: mirror_proven(mirror, e->topic, e->since); return;
        case FEED_CONTEXT_ROWS: mirror_contexts(mirror, e->u.context, e->n, e->at); return;
        case FEED_TRADE_ROWS: mirror_trades(mirror, e->u.trade, e->n, e->at); return;
        case FEED_FILL_ROWS:
                mirror_fills(mirror, &e->topic->user, e->u.fill, e->n, e->is_snapshot, e->at);
                return;
        case FEED_PAYMENT_ROWS: payments(mirror, e); return;
        case FEED_LIQUIDATED: liquidations(mirror, e); return;
        case FEED_ACCOUNT:
                mirror_state(mirror, &e->topic->user, e->dex, &reading, e->u.account);
                return;
        case FEED_ORDERS:
                mirror_orders(mirror, &e->topic->user, e->dex, &reading, e->u.order, e->n);
                return;
        case FEED_ORDER_STATUS: statuses(mirror, e); return;
        case FEED_BOOK_WHOLE:
        case FEED_BBO_ROW:
        case FEED_CANDLE_ROW:
        case FEED_FRAME: return;
        }
        never("a feed event's kind");
}
