/* Rules. Not sent: refused. Sent without a whole answer: unknown. 429 and 4xx are answered before an
 * action is executed: refused. 5xx may come from a proxy after it was: unknown. A duplicate nonce says
 * that the same bytes were executed or burnt before: unknown. A 200 that can't be understood, or
 * whose statuses are not as many as the orders, is unknown too. */
#include "adapters/hyperliquid/hl_outcome.h"

#include <string.h>

#include "adapters/hyperliquid/hl_err.h"
#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/attr.h"
#include "base/mem.h"

static void set(struct venue_outcome *out, enum venue_result result, enum errc code,
                const char *detail)
{
        out->result = result;
        out->was_received = false;
        out->err = (struct err){0};
        if (code)
                (void)err_set(&out->err, code, "%s", detail);
}

static void unknown(struct venue_outcome *out, const char *why)
{
        out->n_items = 0;
        set(out, VENUE_UNKNOWN, E_OUTCOME_UNKNOWN, why);
}

/* The venue refused the action as a whole. */
static void refuse_by_text(struct venue_outcome *out, const char *text, uint64_t *unknown_texts)
{
        struct err err;
        bool known;
        enum errc code = hl_err_set(&err, text, &known);

        *unknown_texts += !known;
        out->n_items = 0;
        out->err = err;
        out->result = code == E_OUTCOME_UNKNOWN ? VENUE_UNKNOWN : VENUE_REFUSED;
        out->was_received = code == E_OUTCOME_UNKNOWN; /* the row is that of duplicate nonces */
}

/* ---- Statuses ---- */

static enum errc read_resting(struct venue_item *item, const json_t *resting)
{
        item->status = ITEM_RESTING;
        return hl_raw_get_uint(&item->oid, resting, "oid");
}

static enum errc read_filled(struct venue_item *item, const json_t *filled)
{
        item->status = ITEM_FILLED;
        if (hl_raw_get_uint(&item->oid, filled, "oid") ||
            hl_parse_qty(&item->filled, filled, "totalSz"))
                return E_SYNTAX;
        return hl_parse_px_rounded(&item->average, filled, "avgPx");
}

static enum errc read_word(struct venue_item *item, enum venue_action_kind kind, const char *word)
{
        if (kind == VENUE_CANCEL) {
                item->status = ITEM_CANCELLED;
                return strcmp(word, "success") == 0 ? E_OK : E_SYNTAX;
        }
        if (strcmp(word, "waitingForFill") == 0)
                item->status = ITEM_WAITING_PARENT;
        else if (strcmp(word, "waitingForTrigger") == 0)
                item->status = ITEM_TRIGGER_PENDING;
        else
                return E_SYNTAX;
        return E_OK;
}

static enum errc read_status(struct venue_item *item, enum venue_action_kind kind,
                             const json_t *status, uint64_t *unknown_texts)
{
        const char *word = hl_raw_text(status, NULL);
        const char *error = hl_raw_get_text(status, "error", NULL);
        const json_t *resting = json_object_get(status, "resting");
        const json_t *filled = json_object_get(status, "filled");
        bool known;

        *item = (struct venue_item){0};
        if (word)
                return read_word(item, kind, word);
        if (error) {
                item->status = ITEM_REFUSED;
                item->refusal = hl_err_code(error, &known);
                (void)text_copy(item->venue_message, sizeof item->venue_message, error);
                *unknown_texts += !known;
                return E_OK;
        }
        if (kind != VENUE_CANCEL && resting)
                return read_resting(item, resting);
        if (kind != VENUE_CANCEL && filled)
                return read_filled(item, filled);
        return E_SYNTAX;
}

/* One error may stand for the whole batch: what is wrong with the payload is found before any of it
 * is executed. */
static bool copy_single_error(struct venue_outcome *out, unsigned n_items)
{
        if (out->n_items != 1 || out->item[0].status != ITEM_REFUSED)
                return false;
        for (; out->n_items < n_items; out->n_items++)
                out->item[out->n_items] = out->item[0];
        return true;
}

static bool all_refused(const struct venue_outcome *out)
{
        for (unsigned i = 0; i < out->n_items; i++) {
                if (out->item[i].status != ITEM_REFUSED)
                        return false;
        }
        return out->n_items > 0;
}

static void read_statuses(struct venue_outcome *out, enum venue_action_kind kind, unsigned n_items,
                          const json_t *statuses, uint64_t *unknown_texts)
{
        size_t n = json_array_size(statuses);

        if (!json_is_array(statuses) || n == 0 || n > n_items) {
                unknown(out, "The venue's answer does not say what became of the orders.");
                return;
        }
        for (out->n_items = 0; out->n_items < n; out->n_items++) {
                if (read_status(&out->item[out->n_items], kind,
                                json_array_get(statuses, out->n_items), unknown_texts)) {
                        unknown(out, "The venue's answer about an order was not understood.");
                        return;
                }
        }
        if (n < n_items && !copy_single_error(out, n_items)) {
                unknown(out, "The venue's answer does not cover every order.");
                return;
        }
        set(out, VENUE_DONE, E_OK, NULL);
        if (all_refused(out)) {
                out->result = VENUE_REFUSED;
                venue_item_err(&out->err, &out->item[0]);
        }
}

/* ---- The whole answer ---- */

static void read_ok(struct venue_outcome *out, enum venue_action_kind kind, unsigned n_items,
                    const json_t *response, uint64_t *unknown_texts)
{
        const char *type = hl_raw_get_text(response, "type", NULL);
        const json_t *data = json_object_get(response, "data");

        if (kind == VENUE_ORDER || kind == VENUE_MODIFY || kind == VENUE_CANCEL) {
                read_statuses(out, kind, n_items, json_object_get(data, "statuses"), unknown_texts);
                return;
        }
        if (kind == VENUE_CREATE_SUB_ACCOUNT) {
                if (type && strcmp(type, "createSubAccount") == 0 &&
                    hl_raw_get_addr(&out->created, response, "data") == E_OK)
                        set(out, VENUE_DONE, E_OK, NULL);
                else
                        unknown(out, "The venue's answer does not name the sub-account.");
                return;
        }
        if (type && strcmp(type, "default") == 0)
                set(out, VENUE_DONE, E_OK, NULL);
        else
                unknown(out, "The venue's answer was not understood.");
}

static void read_body(struct venue_outcome *out, enum venue_action_kind kind, unsigned n_items,
                      const struct http_answer *answer, uint64_t *unknown_texts)
{
        json_t *body = hl_raw_load(answer->body, answer->body_len, NULL);
        const json_t *response = json_object_get(body, "response");
        const char *status = hl_raw_get_text(body, "status", NULL);
        const char *text = hl_raw_text(response, NULL);

        if (status && strcmp(status, "err") == 0 && text)
                refuse_by_text(out, text, unknown_texts);
        else if (status && strcmp(status, "ok") == 0)
                read_ok(out, kind, n_items, response, unknown_texts);
        else
                unknown(out, "The venue's answer was not understood.");
        json_decref(body);
}

static void read_answer(struct venue_outcome *out, enum venue_action_kind kind, unsigned n_items,
                        const struct http_answer *answer, uint64_t *unknown_texts)
{
        switch (answer->status) {
        case 200: read_body(out, kind, n_items, answer, unknown_texts); return;
        case 429:
                set(out, VENUE_REFUSED, E_RATE_LIMITED,
                    "The venue takes no more requests from this gateway for the moment.");
                return;
        case 400:
        case 401:
        case 403:
        case 404:
        case 405:
        case 413:
        case 415:
        case 422:
                set(out, VENUE_REFUSED, E_VENUE_REJECTED, err_text(E_VENUE_REJECTED));
                (void)text_copy(out->err.venue_message, sizeof out->err.venue_message,
                                answer->body);
                return;
        default: unknown(out, "The venue failed while it had the action."); return;
        }
}

void hl_outcome_read(struct venue_outcome *out, enum venue_action_kind kind, unsigned n_items,
                     const struct http_answer *answer, enum errc refused, uint64_t *unknown_texts)
{
        must(n_items <= VENUE_CANCELS_MAX);
        out->n_items = 0;
        out->item[0] = (struct venue_item){0}; /* the others when they are used: items are large */
        if (refused) {
                set(out, VENUE_REFUSED, refused, answer->reason);
                return;
        }
        switch (answer->result) {
        case HTTP_NOT_SENT: set(out, VENUE_REFUSED, E_VENUE_UNAVAILABLE, answer->reason); return;
        case HTTP_UNKNOWN: unknown(out, answer->reason); return;
        case HTTP_ANSWERED: read_answer(out, kind, n_items, answer, unknown_texts); return;
        }
}
