/* A case, made from an intent and its letters: what each step is, what of it can be asked and sent. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "api/recovery_impl.h"
#include "base/log.h"
#include "base/mem.h"

#define NO_EXPIRY_MS                                                                               \
        60000 /* what carries no expiry of its own has arrived by then, or never will */

bool recovery_case_is_batch(const struct recovery_case *c)
{
        return strcmp(c->intent.kind, "batch") == 0;
}

/* --- the intent, as our own --- */

static void copy_intent(struct store_intent *out, const struct store_intent *in)
{
        *out = *in;
        out->request = in->request ? xstrdup(in->request) : NULL;
        out->answer = in->answer ? xstrdup(in->answer) : NULL;
        out->letters = NULL;
        if (in->letters_len) {
                uint8_t *copy = xmalloc(in->letters_len);
                memcpy(copy, in->letters, in->letters_len);
                out->letters = copy;
        }
        /* The orders of a batch are in its actions; those of an intent without steps are one. */
        if (in->n_steps == 0 && in->n_orders) {
                text_copy(out->step[0].action, sizeof out->step[0].action, "order");
                out->n_steps = 1;
        }
}

static void free_intent(struct store_intent *in)
{
        void *letters = (void *)(uintptr_t)in->letters;

        if (letters)
                sodium_memzero(letters, in->letters_len);
        free(letters);
        free((void *)(uintptr_t)in->request);
        free((void *)(uintptr_t)in->answer);
        *in = (struct store_intent){.n_steps = 0};
}

/* --- steps --- */

static enum recovery_kind kind_of_letter(const struct letter *l)
{
        if (l->is_approval) {
                switch (l->approval) {
                case APPROVE_AGENT: return REC_AGENT;
                case APPROVE_BUILDER_FEE: return REC_BUILDER_FEE;
                case APPROVE_WITHDRAWAL:
                case APPROVE_CLASS_TRANSFER: return REC_FUNDS;
                }
                never("approval kind");
        }
        switch (l->kind) {
        case VENUE_SET_LEVERAGE: return REC_LEVERAGE;
        case VENUE_ORDER:
        case VENUE_MODIFY: return REC_ORDER;
        case VENUE_ADJUST_MARGIN: return REC_MARGIN;
        case VENUE_CANCEL: return REC_CANCEL;
        case VENUE_CREATE_SUB_ACCOUNT: return REC_SUB_ACCOUNT;
        case VENUE_FUND_SUB_ACCOUNT: return REC_SUB_TRANSFER;
        case VENUE_SCHEDULE_CANCEL: return REC_UNTOLD; /* a newer one takes its place */
        }
        never("action kind");
}

static bool is_order_name(const char *action)
{
        return strcmp(action, "order") == 0 || strcmp(action, "modify") == 0;
}

/* A later letter of a step takes the place of an earlier one: margin is signed once the fill is known. */
static void read_letters(struct recovery_case *c)
{
        const uint8_t *bytes = c->intent.letters;
        size_t len = c->intent.letters_len;
        struct letter letter;
        enum errc rc;

        for (rc = letter_read(&letter, &bytes, &len); !rc;
             rc = letter_read(&letter, &bytes, &len)) {
                if (letter.step >= c->plan.n)
                        break;
                c->step[letter.step].letter = letter;
                c->step[letter.step].has_letter = true;
        }
        if (rc != E_NOT_FOUND)
                log_event(LOG_ERROR, "letters can't be read", "kind", c->intent.kind, NULL);
}

static struct recovery_item *add_item(struct recovery_case *c, unsigned step)
{
        struct recovery_item *item;

        c->item = xrealloc(c->item, (c->n_items + 1) * sizeof *c->item);
        item = &c->item[c->n_items++];
        *item = (struct recovery_item){.step = step};
        c->step[step].n_items++;
        return item;
}

static void note_items(struct recovery_case *c, unsigned i)
{
        struct recovery_step *s = &c->step[i];

        s->first_item = c->n_items;
        if (s->has_letter && (s->kind == REC_ORDER || s->kind == REC_CANCEL)) {
                for (unsigned k = 0; k < s->letter.n_names; k++)
                        add_item(c, i)->name = letter_name(&s->letter, k);
        } else if (s->kind == REC_ORDER) {
                for (unsigned k = 0; k < c->intent.n_orders; k++)
                        add_item(c, i)->name = (struct venue_cancel){
                                .by_cloid = true, .cloid = c->intent.order[k].cloid};
        }
}

static void note_kind(struct recovery_case *c, unsigned i)
{
        struct recovery_step *s = &c->step[i];

        if (s->has_letter)
                s->kind = kind_of_letter(&s->letter);
        else
                s->kind = is_order_name(c->intent.step[i].action) ? REC_ORDER : REC_UNTOLD;
}

static enum recover_fate fate_of(enum intent_state state)
{
        switch (state) {
        case INTENT_DONE: return RECOVER_DONE;
        case INTENT_REJECTED: return RECOVER_REJECTED;
        case INTENT_RESERVED:
        case INTENT_SENT:
        case INTENT_UNKNOWN: return RECOVER_OPEN;
        }
        never("intent state");
}

static int64_t expiry_of(const struct recovery_case *c, unsigned i)
{
        uint64_t expires = c->intent.step[i].expires_after;

        if (expires && expires < INT64_MAX)
                return (int64_t)expires;
        if (c->step[i].has_letter && c->step[i].letter.is_approval)
                return c->intent.created_at + NO_EXPIRY_MS;
        return c->adopted_at + (c->life ? c->life : NO_EXPIRY_MS);
}

static bool order_was_given_up(const struct recovery_case *c)
{
        int order = recovery_case_order_step(c);

        return order >= 0 && c->steps[order].fate == RECOVER_REJECTED;
}

/* Of a batch nothing is sent: an action of it counts on others, and on lines of several symbols. */
static bool may_send(const struct recovery_case *c, unsigned i)
{
        const struct recovery_step *s = &c->step[i];

        if (!s->has_letter || !s->letter.len || s->letter.is_approval ||
            recovery_case_is_batch(c) || c->intent.step[i].expires_after == 0)
                return false;
        /* Leverage for an order that was not sent, and was said not to be. */
        return s->kind != REC_LEVERAGE || s->letter.is_put_back || !order_was_given_up(c);
}

static void note_step(struct recovery_case *c, unsigned i)
{
        struct recover_step *core = &c->steps[i];
        const struct recovery_step *s = &c->step[i];

        core->fate = fate_of(c->intent.step[i].state);
        core->is_put_back = s->has_letter && s->letter.is_put_back;
        core->can_be_undone = s->kind == REC_LEVERAGE;
        core->has_before = s->has_letter && s->letter.has_before;
        core->expires_at = expiry_of(c, i);
}

/* Margin that follows a fill is moved where the order's own end was open: else the run has decided. */
static void note_pending(struct recovery_case *c, unsigned i, bool order_was_open)
{
        struct recover_step *core = &c->steps[i];

        if (!c->step[i].has_letter || !c->step[i].letter.is_pending)
                return;
        core->is_pending = true;
        if (core->fate == RECOVER_REJECTED && order_was_open)
                core->fate = RECOVER_OPEN;
        core->is_repaired = core->fate != RECOVER_OPEN;
}

int recovery_case_order_step(const struct recovery_case *c)
{
        for (unsigned i = 0; i < c->plan.n; i++)
                if (c->step[i].kind == REC_ORDER)
                        return (int)i;
        return -1;
}

void recovery_case_load(struct recovery_case *c, const struct store_intent *intent)
{
        int order;

        copy_intent(&c->intent, intent);
        c->plan = (struct recover_plan){.n = c->intent.n_steps, .made_at = intent->created_at};
        c->step = xcalloc(c->plan.n + 1, sizeof *c->step);
        c->steps = xcalloc(c->plan.n + 1, sizeof *c->steps);
        c->plan.step = c->steps;
        c->plan.is_independent = recovery_case_is_batch(c);
        read_letters(c);
        for (unsigned i = 0; i < c->plan.n; i++) {
                note_kind(c, i);
                note_items(c, i);
                note_step(c, i);
        }
        order = recovery_case_order_step(c);
        for (unsigned i = 0; i < c->plan.n; i++) {
                c->steps[i].may_send = may_send(c, i);
                note_pending(c, i, order >= 0 && c->steps[order].fate == RECOVER_OPEN);
        }
        c->is_loaded = true;
}

void recovery_case_unload(struct recovery_case *c)
{
        free(c->step);
        free(c->steps);
        free(c->item);
        free_intent(&c->intent);
}

/* --- what follows from the items --- */

bool recovery_case_item_arrived(const struct recovery_item *item)
{
        return item->is_found && item->item.status != ITEM_REFUSED;
}

bool recovery_case_item_stands(const struct recovery_item *item)
{
        if (!item->is_found)
                return false;
        switch (item->item.status) {
        case ITEM_RESTING:
        case ITEM_FILLED:
        case ITEM_WAITING_PARENT:
        case ITEM_TRIGGER_PENDING: return true;
        case ITEM_CANCELLED: return item->item.filled.v > 0;
        case ITEM_REFUSED: return false;
        }
        never("item status");
}

/* Leverage is of use where an order was taken that was to be at it. */
static bool is_needed(const struct recovery_case *c, unsigned lever)
{
        bool is_for_orders = false;

        for (unsigned i = 0; i < c->n_items; i++) {
                const struct recovery_item *item = &c->item[i];
                if (c->step[item->step].kind != REC_ORDER)
                        continue;
                if (recovery_case_is_batch(c) && item->name.asset != c->step[lever].letter.asset)
                        continue;
                is_for_orders = true;
                if (recovery_case_item_arrived(item) ||
                    (c->steps[item->step].fate == RECOVER_DONE && !item->was_asked))
                        return true;
        }
        return !is_for_orders;
}

/* Old protection goes only where the whole of the new one stands. */
static void keep_old(struct recovery_case *c, unsigned order)
{
        const struct recovery_step *s = &c->step[order];

        for (unsigned k = 0; k < s->n_items; k++) {
                if (recovery_case_item_stands(&c->item[s->first_item + k]))
                        continue;
                for (unsigned i = order + 1; i < c->plan.n; i++)
                        if (c->step[i].kind == REC_CANCEL)
                                c->steps[i].may_send = false;
        }
}

void recovery_case_note(struct recovery_case *c)
{
        int order = recovery_case_order_step(c);

        if (order >= 0 && !recovery_case_is_batch(c) && c->steps[order].fate == RECOVER_DONE &&
            c->step[order].n_items) {
                const struct recovery_item *first = &c->item[c->step[order].first_item];
                c->plan.has_filled = first->is_found && first->item.filled.v > 0;
                keep_old(c, (unsigned)order);
        }
        for (unsigned i = 0; i < c->plan.n; i++)
                if (c->steps[i].has_before)
                        c->steps[i].is_needed = is_needed(c, i);
}
