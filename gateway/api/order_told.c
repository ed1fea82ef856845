#include "api/order_told.h"

#include <string.h>

#include <jansson.h>

#include "base/mem.h"

static const char *text(const json_t *object, const char *name)
{
        const char *s = json_string_value(json_object_get(object, name));

        return s ? s : "";
}

static void take(struct order_told *out, const char *status, const char *message,
                 const char *filled_size)
{
        out->is_refused = strcmp(status, "rejected") == 0;
        out->is_filled = strcmp(status, "filled") == 0 && filled_size[0] &&
                         text_copy(out->filled_size, sizeof out->filled_size, filled_size);
        if (out->is_refused)
                (void)text_copy(out->venue_message, sizeof out->venue_message, message);
}

/* In a problem document "status" is the HTTP status; one order of a batch has its problem beside it. */
static void take_order(struct order_told *out, const json_t *answer)
{
        const json_t *problem = json_object_get(answer, "error");
        const char *status = text(answer, "orderStatus");

        take(out, status[0] ? status : text(answer, "status"),
             text(problem ? problem : answer, "venueMessage"), text(answer, "filledSize"));
}

void order_told_read(struct order_told *out, const char *answer, const char *id)
{
        json_t *root = answer ? json_loads(answer, 0, NULL) : NULL;
        const json_t *legs = json_object_get(root, "legs");

        *out = (struct order_told){.is_refused = false};
        if (strcmp(text(root, "id"), id) == 0)
                take_order(out, root);
        for (size_t i = 0; i < json_array_size(legs); i++) {
                const json_t *leg = json_array_get(legs, i);
                if (strcmp(text(leg, "id"), id) == 0)
                        take(out, text(leg, "status"), text(leg, "detail"), "");
        }
        json_decref(root);
}
