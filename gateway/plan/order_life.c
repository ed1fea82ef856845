#include "plan/order_life.h"

#include <string.h>

#include "base/mem.h"

/* What a word says. Of two facts at one time the higher one says more. */
enum says {
        SAYS_NOTHING,
        SAYS_OPEN,
        SAYS_TRIGGERED, /* in the book, or on its way through it */
        SAYS_SOMETHING, /* not known what */
        SAYS_REJECTED,
        SAYS_CANCELLED,
        SAYS_FILLED,
};

static const struct row {
        const char *word;
        enum says says;
} table[] = {
        {"open", SAYS_OPEN},
        {"triggered", SAYS_TRIGGERED},
        {"filled", SAYS_FILLED},
        {"canceled", SAYS_CANCELLED},
        {"marginCanceled", SAYS_CANCELLED},
        {"vaultWithdrawalCanceled", SAYS_CANCELLED},
        {"openInterestCapCanceled", SAYS_CANCELLED},
        {"selfTradeCanceled", SAYS_CANCELLED},
        {"reduceOnlyCanceled", SAYS_CANCELLED},
        {"siblingFilledCanceled", SAYS_CANCELLED},
        {"delistedCanceled", SAYS_CANCELLED},
        {"liquidatedCanceled", SAYS_CANCELLED},
        {"outcomeSettledCanceled", SAYS_CANCELLED},
        {"scheduledCancel", SAYS_CANCELLED},
        {"internalCancel", SAYS_CANCELLED},
        {"rejected", SAYS_REJECTED},
        {"tickRejected", SAYS_REJECTED},
        {"minTradeNtlRejected", SAYS_REJECTED},
        {"perpMarginRejected", SAYS_REJECTED},
        {"reduceOnlyRejected", SAYS_REJECTED},
        {"badAloPxRejected", SAYS_REJECTED},
        {"iocCancelRejected", SAYS_REJECTED},
        {"badTriggerPxRejected", SAYS_REJECTED},
        {"marketOrderNoLiquidityRejected", SAYS_REJECTED},
        {"positionIncreaseAtOpenInterestCapRejected", SAYS_REJECTED},
        {"positionFlipAtOpenInterestCapRejected", SAYS_REJECTED},
        {"tooAggressiveAtOpenInterestCapRejected", SAYS_REJECTED},
        {"openInterestIncreaseRejected", SAYS_REJECTED},
        {"insufficientSpotBalanceRejected", SAYS_REJECTED},
        {"oracleRejected", SAYS_REJECTED},
        {"perpMaxPositionRejected", SAYS_REJECTED},
        {"tooManyOpenOrdersRejected", SAYS_REJECTED},
        /* Words of answers, which some lists use as well. */
        {"resting", SAYS_OPEN},
        {"waitingForFill", SAYS_OPEN},
        {"waitingForTrigger", SAYS_OPEN},
};
#define N_WORDS (sizeof table / sizeof *table)

static const struct row *find(const char *word)
{
        for (size_t i = 0; i < N_WORDS; i++)
                if (strcmp(table[i].word, word) == 0)
                        return &table[i];
        return NULL;
}

bool order_life_knows(const char *word)
{
        return find(word) != NULL;
}

const char *order_life_word_at(size_t i)
{
        return i < N_WORDS ? table[i].word : NULL;
}

static bool ends_with(const char *word, const char *end)
{
        size_t n = strlen(word), k = strlen(end);

        return n > k && strcmp(word + n - k, end) == 0;
}

static enum says says_of(const char *word)
{
        const struct row *row = find(word);

        if (row)
                return row->says;
        if (ends_with(word, "Canceled"))
                return SAYS_CANCELLED;
        return ends_with(word, "Rejected") ? SAYS_REJECTED : SAYS_SOMETHING;
}

/* --- facts --- */

static bool ends(enum says says)
{
        switch (says) {
        case SAYS_NOTHING:
        case SAYS_OPEN:
        case SAYS_TRIGGERED:
        case SAYS_SOMETHING: return false;
        case SAYS_REJECTED:
        case SAYS_CANCELLED:
        case SAYS_FILLED: return true;
        }
        never("what a word says");
}

/* A total order among facts of one time, so that it does not matter which came first. */
static bool says_more(const struct order_life_fact *a, const struct order_life_fact *b)
{
        if (a->says != b->says)
                return a->says > b->says;
        return strcmp(a->word, b->word) > 0;
}

static void note_end(struct order_life_fact *end, const struct order_life_fact *fact)
{
        int64_t was = end->at ? end->at : INT64_MAX, is = fact->at ? fact->at : INT64_MAX;

        if (end->says == SAYS_NOTHING || is < was || (is == was && says_more(fact, end)))
                *end = *fact;
}

static void note_latest(struct order_life_fact *latest, const struct order_life_fact *fact)
{
        if (fact->at > latest->at || (fact->at == latest->at && says_more(fact, latest)))
                *latest = *fact;
}

/* Whether what is told under this number is about the order as it is now. */
static bool is_current(struct order_life *life, uint64_t oid)
{
        if (oid > life->oid) {
                if (life->oid) /* else it is the size as placed */
                        life->size = (struct qty){0};
                life->oid = oid;
                life->was_triggered = false;
                life->filled = (struct qty){0};
                life->end = life->latest = (struct order_life_fact){.says = SAYS_NOTHING};
        }
        return oid == life->oid;
}

static void note(struct order_life *life, const struct order_life_fact *fact, struct qty filled)
{
        life->was_triggered |= fact->says == SAYS_TRIGGERED;
        if (filled.v > life->filled.v)
                life->filled = filled;
        if (ends(fact->says))
                note_end(&life->end, fact);
        else
                note_latest(&life->latest, fact);
}

/* --- taking in --- */

struct order_life order_life_of_order(const struct venue_order *order)
{
        return (struct order_life){
                .is_trigger = order->kind == ORDER_TRIGGER,
                .is_immediate = order->kind == ORDER_LIMIT && order->tif == TIF_IOC,
                .size = order->size,
        };
}

/* "Ioc" and "FrontendMarket". */
static bool is_immediate_tif(const char *tif)
{
        return tif[0] == 'I' || tif[0] == 'F';
}

void order_life_take(struct order_life *life, const struct venue_order_status *status)
{
        const struct venue_open_order *order = &status->order;
        struct order_life_fact fact = {.says = (unsigned char)says_of(status->status),
                                       .at = status->status_at > 0 ? status->status_at : 0};

        (void)text_copy(fact.word, sizeof fact.word, status->status);
        life->is_trigger |= order->is_trigger;
        life->is_immediate |= is_immediate_tif(order->tif);
        if (!is_current(life, order->oid))
                return;
        if (order->original_size.v > life->size.v)
                life->size = order->original_size;
        note(life, &fact, (struct qty){order->original_size.v - order->size.v});
}

static enum says says_item(const struct order_life *life, const struct venue_item *item)
{
        switch (item->status) {
        case ITEM_RESTING:
        case ITEM_WAITING_PARENT:
        case ITEM_TRIGGER_PENDING: return SAYS_OPEN;
        case ITEM_FILLED: /* so far: of an order that may rest, the rest may stand */
                return !life->is_immediate && item->filled.v > 0 && item->filled.v < life->size.v
                               ? SAYS_OPEN
                               : SAYS_FILLED;
        case ITEM_CANCELLED: return SAYS_CANCELLED;
        case ITEM_REFUSED: return SAYS_REJECTED;
        }
        never("item status");
}

void order_life_take_item(struct order_life *life, const struct venue_item *item)
{
        struct order_life_fact fact = {.says = (unsigned char)says_item(life, item)};

        life->is_trigger |=
                item->status == ITEM_TRIGGER_PENDING || item->status == ITEM_WAITING_PARENT;
        if (is_current(life, item->oid))
                note(life, &fact, item->filled);
}

/* --- what follows --- */

const struct order_life_fact *order_life_fact(const struct order_life *life)
{
        return life->end.says ? &life->end : &life->latest;
}

enum order_life_state order_life_state(const struct order_life *life)
{
        switch ((enum says)order_life_fact(life)->says) {
        case SAYS_NOTHING: return LIFE_UNTOLD;
        case SAYS_SOMETHING: return LIFE_UNKNOWN;
        case SAYS_OPEN:
        case SAYS_TRIGGERED:
                return life->is_trigger && !life->was_triggered ? LIFE_PENDING : LIFE_RESTING;
        case SAYS_REJECTED: return LIFE_REJECTED;
        case SAYS_CANCELLED: /* what an immediate order could not have was never there */
                return life->is_immediate && life->filled.v > 0 ? LIFE_FILLED : LIFE_CANCELLED;
        case SAYS_FILLED: return LIFE_FILLED;
        }
        never("what a word says");
}

bool order_life_is_over(enum order_life_state state)
{
        switch (state) {
        case LIFE_UNTOLD:
        case LIFE_UNKNOWN:
        case LIFE_PENDING:
        case LIFE_RESTING: return false;
        case LIFE_FILLED:
        case LIFE_CANCELLED:
        case LIFE_REJECTED: return true;
        }
        never("order state");
}

bool order_life_stands(enum order_life_state state)
{
        return state == LIFE_PENDING || state == LIFE_RESTING;
}

struct qty order_life_filled(const struct order_life *life)
{
        return order_life_state(life) == LIFE_REJECTED ? (struct qty){0} : life->filled;
}

const char *order_life_word(const struct order_life *life)
{
        switch (order_life_state(life)) {
        case LIFE_UNTOLD:
        case LIFE_UNKNOWN: return "unknown";
        case LIFE_PENDING: return "triggerPending";
        case LIFE_RESTING: return life->filled.v > 0 ? "partiallyFilled" : "resting";
        case LIFE_FILLED: /* the venue's word where it does not tell how much */
                return life->filled.v > 0 && life->filled.v < life->size.v ? "partiallyFilled"
                                                                           : "filled";
        case LIFE_CANCELLED: return "cancelled";
        case LIFE_REJECTED: return "rejected";
        }
        never("order state");
}

/* --- of one thing alone --- */

static struct order_life life_of(const struct venue_order_status *status)
{
        struct order_life life = {.oid = 0};

        if (status->found)
                order_life_take(&life, status);
        return life;
}

enum order_life_state order_life_state_of(const struct venue_order_status *status)
{
        struct order_life life = life_of(status);

        return order_life_state(&life);
}

const char *order_life_word_of(const struct venue_order_status *status)
{
        struct order_life life = life_of(status);

        return order_life_word(&life);
}

const char *order_life_word_of_item(const struct venue_item *item, const struct venue_order *order)
{
        struct order_life life = order_life_of_order(order);

        order_life_take_item(&life, item);
        return order_life_word(&life);
}

bool order_life_item(struct venue_item *out, const struct venue_order_status *status)
{
        struct order_life life = life_of(status);

        *out = (struct venue_item){.oid = life.oid, .filled = order_life_filled(&life)};
        switch (order_life_state(&life)) {
        case LIFE_UNTOLD:
        case LIFE_UNKNOWN: return false;
        case LIFE_PENDING:
                out->status =
                        status->order.waits_for_parent ? ITEM_WAITING_PARENT : ITEM_TRIGGER_PENDING;
                break;
        case LIFE_RESTING: out->status = ITEM_RESTING; break;
        case LIFE_FILLED: out->status = ITEM_FILLED; break;
        case LIFE_CANCELLED: out->status = ITEM_CANCELLED; break;
        case LIFE_REJECTED:
                out->status = ITEM_REFUSED;
                out->refusal = E_VENUE_REJECTED;
                (void)text_copy(out->venue_message, sizeof out->venue_message, status->status);
                break;
        }
        return true;
}

/* Of rows that tell the same, one that says that it was triggered: alone it still says so. */
static bool tells(const struct order_life *life, const struct venue_order_status *row)
{
        const struct order_life_fact *fact = order_life_fact(life);

        if (row->order.oid != life->oid)
                return false;
        if (life->was_triggered && order_life_state(life) == LIFE_RESTING)
                return says_of(row->status) == SAYS_TRIGGERED;
        return row->status_at == fact->at && strcmp(row->status, fact->word) == 0;
}

size_t order_life_merge(struct venue_order_status *rows, size_t n)
{
        struct order_life life = {.oid = 0};

        must(n > 0);
        for (size_t i = 0; i < n; i++)
                order_life_take(&life, &rows[i]);
        for (size_t i = 0; i < n; i++) {
                struct venue_open_order *order = &rows[i].order;
                if (!tells(&life, &rows[i]))
                        continue;
                order->is_trigger |= life.is_trigger;
                /* A leg's size follows its parent's fills or its position: it may grow. */
                if (!life.is_trigger)
                        order->size.v = order->original_size.v - order_life_filled(&life).v;
                return i;
        }
        return 0; /* a time before 1970 */
}
