#include "compat/compat_answer.h"

#include <stdio.h>
#include <string.h>

#include "api/audited.h"
#include "base/log.h"

#define ANSWER_MAX (1u << 20)
#define TEXT_MAX   768

void compat_answer_err(struct call *call, const char *text)
{
        struct buf body;

        buf_init(&body, ANSWER_MAX);
        buf_puts(&body, "{\"status\":\"err\",\"response\":");
        buf_put_json(&body, text, strlen(text));
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

static void note(const struct call *call, const struct err *err)
{
        log_event(LOG_INFO, "action refused", "request", call->request_id, "brand", call->brand->id,
                  "code", err_wire(err->code), "detail", err->detail, NULL);
        audited_refusal(call, err);
}

void compat_answer_refuse(struct call *call, const struct err *err, const char *text)
{
        note(call, err);
        compat_answer_err(call, text);
}

/* --- the venue's words --- */

static uint32_t asset_of(const struct hl_action *action, unsigned item)
{
        if (action->type == HL_ORDER)
                return action->u.order.orders[item].asset;
        if (action->type == HL_MODIFY || action->type == HL_BATCH_MODIFY)
                return action->u.modify.modifies[item].order.asset;
        return action->type == HL_TWAP_ORDER ? action->u.twap.asset : 0;
}

static bool is_order(const struct hl_action *action)
{
        return action->type == HL_ORDER || action->type == HL_MODIFY ||
               action->type == HL_BATCH_MODIFY || action->type == HL_TWAP_ORDER;
}

static const char *words_for(const struct hl_action *action, enum errc code)
{
        if (action->type == HL_UPDATE_LEVERAGE && code == E_LEVERAGE)
                return "Invalid leverage value";
        if (!is_order(action))
                return NULL;
        if (code == E_TOO_SMALL)
                return "Order must have minimum value of $10.";
        if (code == E_TICK)
                return "Price must be divisible by tick size.";
        if (code == E_LOT)
                return "Order has invalid size.";
        if (code == E_MARGIN)
                return "Insufficient margin to place order.";
        return NULL;
}

static void word(char out[TEXT_MAX], const struct hl_action *action, unsigned item,
                 const struct err *err)
{
        const char *words = words_for(action, err->code);
        const char *why = err->detail[0] ? err->detail : err_text(err->code);

        if (words && is_order(action))
                snprintf(out, TEXT_MAX, "%s asset=%u (%s)", words, asset_of(action, item), why);
        else if (words)
                snprintf(out, TEXT_MAX, "%s: %s", words, why);
        else
                snprintf(out, TEXT_MAX, "%s", why);
}

/* --- shapes --- */

static void put_error(struct buf *body, const char *text)
{
        buf_puts(body, "{\"error\":");
        buf_put_json(body, text, strlen(text));
        buf_putc(body, '}');
}

/* The others went nowhere either: an action is signed as a whole. */
static void put_statuses(struct buf *body, unsigned n, unsigned item, const char *text)
{
        char other[64];

        snprintf(other, sizeof other, "Not sent: order %u of the action was refused.", item + 1);
        buf_puts(body,
                 "{\"status\":\"ok\",\"response\":{\"type\":\"order\",\"data\":{\"statuses\":[");
        for (unsigned i = 0; i < n; i++) {
                if (i)
                        buf_putc(body, ',');
                put_error(body, i == item ? text : other);
        }
        buf_puts(body, "]}}}");
}

void compat_answer_item(struct call *call, const struct hl_action *action, unsigned item,
                        const struct err *err)
{
        char text[TEXT_MAX];
        struct buf body;

        word(text, action, item, err);
        note(call, err);
        buf_init(&body, ANSWER_MAX);
        if (action->type == HL_ORDER) {
                put_statuses(&body, action->u.order.n, item, text);
        } else if (action->type == HL_BATCH_MODIFY) {
                put_statuses(&body, action->u.modify.n, item, text);
        } else if (action->type == HL_TWAP_ORDER) {
                buf_puts(&body, "{\"status\":\"ok\",\"response\":{\"type\":\"twapOrder\",\"data\":{"
                                "\"status\":");
                put_error(&body, text);
                buf_puts(&body, "}}}");
        } else {
                buf_fini(&body);
                compat_answer_err(call, text);
                return;
        }
        call_reply(call, 200, &body);
}
