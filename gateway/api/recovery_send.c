/* The same bytes once more: in the line of the account's symbol, so that they don't fall between the steps
 * of a newer plan. A cancel waits for nothing. */
#include <string.h>

#include "api/recovery_impl.h"
#include "base/mem.h"

static void take_items(struct recovery_case *c, struct recovery_step *s,
                       const struct venue_outcome *outcome)
{
        for (unsigned i = 0; i < outcome->n_items && i < s->n_items; i++) {
                struct recovery_item *item = &c->item[s->first_item + i];

                item->was_asked = item->is_found = true;
                item->item = outcome->item[i];
        }
}

static bool is_refused(const struct recovery_case *c, const struct recovery_step *s,
                       const struct venue_outcome *outcome)
{
        return s->kind == REC_ORDER && strcmp(c->intent.kind, "tpsl") != 0 && outcome->n_items &&
               outcome->item[0].status == ITEM_REFUSED;
}

/* Refused with a word on each order: they were judged now, for the first time. Refused as a whole: who
 * knows what became of them before. */
static enum recover_word word_of(const struct recovery_case *c, const struct recovery_step *s,
                                 const struct venue_outcome *outcome)
{
        switch (outcome->result) {
        case VENUE_DONE:
                return is_refused(c, s, outcome) ? RECOVER_SAYS_REFUSED : RECOVER_SAYS_DONE;
        case VENUE_REFUSED:
                if (outcome->err.code == E_RATE_LIMITED || outcome->err.code == E_VENUE_UNAVAILABLE)
                        return RECOVER_SAYS_NOTHING;
                return outcome->n_items ? RECOVER_SAYS_REFUSED : RECOVER_SAYS_DECLINED;
        case VENUE_UNKNOWN:
                return outcome->was_received ? RECOVER_SAYS_BEFORE : RECOVER_SAYS_NOTHING;
        }
        never("venue result");
}

static void submitted(void *cookie, const struct venue_outcome *outcome)
{
        struct recovery_case *c = cookie;
        struct recovery_step *s = recovery_impl_step(c);
        enum recover_word word = word_of(c, s, outcome);

        if (word == RECOVER_SAYS_DONE || word == RECOVER_SAYS_REFUSED)
                take_items(c, s, outcome);
        if (word == RECOVER_SAYS_REFUSED && outcome->n_items)
                venue_item_err(&s->refusal, &outcome->item[0]);
        else if (outcome->result == VENUE_REFUSED)
                s->refusal = outcome->err;
        recovery_impl_heard(c, word);
}

static void submit(struct recovery_case *c)
{
        const struct recovery_step *s = recovery_impl_step(c);
        struct venue *venue = c->api->o.venue;

        /* It may have waited in the line past the time when it would arrive. */
        if (c->api->draining ||
            recovery_impl_now(c) + RECOVER_ROOM_MS > c->steps[c->now.step].expires_at) {
                recovery_impl_heard(c, RECOVER_SAYS_NOTHING);
                return;
        }
        venue->ops->submit_again(venue, s->letter.bytes, s->letter.len, s->letter.kind,
                                 s->letter.n_items, submitted, c);
}

/* --- an order goes at the leverage that its plan has set, or not at all --- */

static const struct recovery_step *lever_of(const struct recovery_case *c)
{
        for (unsigned i = 0; i < c->now.step; i++)
                if (c->step[i].kind == REC_LEVERAGE && c->step[i].has_letter)
                        return &c->step[i];
        return NULL;
}

static void setting_read(void *cookie, const struct err *err, const struct venue_setting *setting)
{
        struct recovery_case *c = cookie;
        const struct letter *l = &lever_of(c)->letter;

        if (err->code) {
                recovery_impl_heard(c, RECOVER_SAYS_NOTHING);
        } else if (setting->mode == l->mode && setting->leverage == l->leverage) {
                submit(c);
        } else {
                (void)err_set(&recovery_impl_step(c)->refusal, E_VENUE_UNAVAILABLE,
                              "The leverage it was planned with was changed meanwhile.");
                recovery_impl_heard(c, RECOVER_SAYS_DECLINED);
        }
}

static void in_line(struct recovery_case *c)
{
        const struct recovery_step *lever = lever_of(c);
        struct venue *venue = c->api->o.venue;

        if (recovery_impl_step(c)->kind != REC_ORDER || !lever) {
                submit(c);
        } else if (!recovery_impl_market(c, lever)) {
                recovery_impl_heard(c, RECOVER_SAYS_NOTHING);
        } else {
                venue->ops->read_setting(venue, &c->key.account, &c->market, setting_read, c);
        }
}

void recovery_send(struct recovery_case *c)
{
        if (recovery_impl_step(c)->kind == REC_CANCEL)
                submit(c);
        else
                recovery_impl_enter(c, in_line);
}
