#include "adapters/hyperliquid/hl_submit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_approval.h"
#include "adapters/hyperliquid/hl_err.h"
#include "adapters/hyperliquid/hl_outcome.h"
#include "adapters/hyperliquid/hl_venue.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"

#define REQUEST_MAX (128 * 1024)

struct submission {
        struct hl_venue *v;
        enum venue_action_kind kind;
        unsigned n_items;
        bool is_approval;
        venue_outcome_fn *done;
        void *cookie;
};

/* To an agent this text means that its approval is gone; a wallet that gets it has no money there. */
static void explain_approval(struct err *err)
{
        static const char text[] = "Must deposit before performing actions";

        if (strncmp(err->venue_message, text, sizeof text - 1) != 0)
                return;
        err->code = E_OK;
        (void)err_set(err, E_MARGIN, "The account has no deposit at the venue yet.");
}

/* Logs a text that hl_err.def lacks, so that a row can be added. */
static void log_if_unknown(const char *text)
{
        bool known = true;

        if (text[0])
                (void)hl_err_code(text, &known);
        if (!known)
                log_event(LOG_WARN, "unknown venue error text", "text", text, NULL);
}

static void log_unknown_texts(const struct venue_outcome *outcome)
{
        if (outcome->n_items == 0)
                log_if_unknown(outcome->err.venue_message);
        for (unsigned i = 0; i < outcome->n_items; i++) {
                if (outcome->item[i].status == ITEM_REFUSED)
                        log_if_unknown(outcome->item[i].venue_message);
        }
}

static void on_answer(void *cookie, const struct http_answer *answer, enum errc refused)
{
        struct submission *s = cookie;
        struct venue_outcome *outcome = xmalloc(sizeof *outcome); /* too large for the stack */
        uint64_t unknown_before = s->v->unknown_texts;

        hl_outcome_read(outcome, s->kind, s->n_items, answer, refused, &s->v->unknown_texts);
        if (s->is_approval)
                explain_approval(&outcome->err);
        if (s->v->unknown_texts != unknown_before)
                log_unknown_texts(outcome);
        s->done(s->cookie, outcome);
        free(outcome);
        free(s);
}

/* {"action":...,"nonce":...,"signature":{...}}; what is not used is absent. */
static void put_request(struct buf *out, const void *action, size_t action_len, uint64_t nonce,
                        uint64_t expires_after, const struct addr *sub_account,
                        const struct signature *sig)
{
        char r[HASH_STR_MAX];
        char s[HASH_STR_MAX];
        char vault[ADDR_STR_MAX];

        buf_puts(out, "{\"action\":");
        buf_put(out, action, action_len);
        buf_printf(out, ",\"nonce\":%" PRIu64 ",\"signature\":{\"r\":\"%s\",\"s\":\"%s\",\"v\":%u}",
                   nonce, hex_print_hash(r, &sig->r), hex_print_hash(s, &sig->s), sig->v);
        if (sub_account)
                buf_printf(out, ",\"vaultAddress\":\"%s\"", hex_print_addr(vault, sub_account));
        if (expires_after != 0)
                buf_printf(out, ",\"expiresAfter\":%" PRIu64, expires_after);
        buf_putc(out, '}');
        must(buf_check(out) == E_OK);
}

void hl_submit_letter(struct venue *venue, struct buf *out, const struct venue_compiled *compiled,
                      const struct signature *sig)
{
        (void)venue;
        put_request(out, compiled->body.data, compiled->body.len, compiled->nonce,
                    compiled->expires_after,
                    compiled->has_sub_account ? &compiled->sub_account : NULL, sig);
}

void hl_submit_approval_letter(struct venue *venue, struct buf *out,
                               const struct venue_approval *approval, const struct signature *sig)
{
        struct buf action;

        buf_init(&action, REQUEST_MAX / 2);
        hl_approval_action(&action, approval, hl_venue_of(venue)->is_mainnet);
        must(buf_check(&action) == E_OK);
        put_request(out, action.data, action.len, approval->nonce, 0, NULL, sig);
        buf_fini(&action);
}

static void post(struct submission *s, const void *letter, size_t len)
{
        hl_rest_post(s->v->rest, HL_REST_EXCHANGE, letter, len, s->n_items, s->v->order_deadline_ms,
                     on_answer, s);
}

void hl_submit_again(struct venue *venue, const void *letter, size_t len,
                     enum venue_action_kind kind, unsigned n_items, venue_outcome_fn *done,
                     void *cookie)
{
        struct submission *s = xcalloc(1, sizeof *s);

        *s = (struct submission){.v = hl_venue_of(venue),
                                 .kind = kind,
                                 .n_items = n_items,
                                 .done = done,
                                 .cookie = cookie};
        post(s, letter, len);
}

void hl_submit_action(struct venue *venue, const struct venue_compiled *compiled,
                      const struct signature *sig, venue_outcome_fn *done, void *cookie)
{
        struct buf letter;

        buf_init(&letter, REQUEST_MAX);
        hl_submit_letter(venue, &letter, compiled, sig);
        hl_submit_again(venue, letter.data, letter.len, compiled->kind, compiled->n_items, done,
                        cookie);
        buf_fini(&letter);
}

void hl_submit_approval(struct venue *venue, const struct venue_approval *approval,
                        const struct signature *sig, venue_outcome_fn *done, void *cookie)
{
        struct submission *s = xcalloc(1, sizeof *s);
        struct buf letter;

        /* Answered like the actions that have no items. */
        *s = (struct submission){.v = hl_venue_of(venue),
                                 .kind = VENUE_SET_LEVERAGE,
                                 .is_approval = true,
                                 .done = done,
                                 .cookie = cookie};
        buf_init(&letter, REQUEST_MAX);
        hl_submit_approval_letter(venue, &letter, approval, sig);
        post(s, letter.data, letter.len);
        buf_fini(&letter);
}
