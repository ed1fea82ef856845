#include "api/order_status.h"

#include <string.h>

#include "base/mem.h"

static bool ends_with(const char *text, const char *end)
{
        size_t n = strlen(text), k = strlen(end);

        return n > k && strcmp(text + n - k, end) == 0;
}

bool order_status_read(enum venue_item_status *out, const struct venue_order_status *s)
{
        const char *word = s->status;

        if (strcmp(word, "open") == 0)
                *out = s->order.is_trigger ? ITEM_TRIGGER_PENDING : ITEM_RESTING;
        else if (strcmp(word, "triggered") == 0)
                *out = ITEM_RESTING; /* in the book from now on */
        else if (strcmp(word, "filled") == 0)
                *out = ITEM_FILLED;
        else if (strcmp(word, "rejected") == 0 || ends_with(word, "Rejected"))
                *out = ITEM_REFUSED;
        else if (strcmp(word, "canceled") == 0 || strcmp(word, "scheduledCancel") == 0 ||
                 strcmp(word, "internalCancel") == 0 || ends_with(word, "Canceled"))
                *out = ITEM_CANCELLED;
        else
                return false;
        return true;
}

const char *order_status_word(const struct venue_order_status *s)
{
        enum venue_item_status status;

        if (!order_status_read(&status, s))
                return "unknown";
        switch (status) {
        case ITEM_RESTING:
                return s->order.size.v < s->order.original_size.v ? "partiallyFilled" : "resting";
        case ITEM_FILLED: return "filled";
        case ITEM_WAITING_PARENT:
        case ITEM_TRIGGER_PENDING: return "triggerPending";
        case ITEM_CANCELLED: return "cancelled";
        case ITEM_REFUSED: return "rejected";
        }
        never("item status");
}
