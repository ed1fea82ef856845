/* Steps that are no orders: what they were to make is looked for. Approvals and transfers that a wallet has
 * signed carry no expiry; they are never sent again, and given a minute to show. */
#include <string.h>

#include "api/recovery_impl.h"

#define LEDGER_BACK_MS  2000 /* the venue's clock may be behind ours */
#define LEDGER_AHEAD_MS 600000

static const struct addr *wallet_of(const struct recovery_case *c)
{
        return c->intent.has_master ? &c->intent.master : &c->intent.account;
}

static void say(struct recovery_case *c, const struct err *err, bool is_there)
{
        recovery_impl_heard(c, err->code  ? RECOVER_SAYS_NOTHING
                               : is_there ? RECOVER_SAYS_DONE
                                          : RECOVER_SAYS_MISSING);
}

static void agent_read(void *cookie, const struct err *err, int64_t value)
{
        say(cookie, err, value == 1);
}

static void fee_read(void *cookie, const struct err *err, int64_t value)
{
        struct recovery_case *c = cookie;

        say(c, err, value >= (int64_t)recovery_impl_step(c)->letter.count);
}

static void subs_read(void *cookie, const struct err *err, const struct venue_sub_account *subs,
                      size_t n)
{
        struct recovery_case *c = cookie;
        const struct letter *l = &recovery_impl_step(c)->letter;
        bool is_there = false;

        /* The newest come last; without one more than before, it is one of the same name that was there. */
        for (size_t i = l->count; i < n && !err->code; i++)
                is_there |= strcmp(subs[i].name, l->text) == 0;
        say(c, err, is_there);
}

static bool is_amount(const struct venue_ledger_row *row, int64_t wanted)
{
        struct usd amount;

        return num_parse_usd(&amount, row->amount, strlen(row->amount)) == E_OK &&
               amount.v == wanted;
}

static bool is_sub_move(const struct letter *l, const struct venue_ledger_row *row)
{
        return strcmp(row->type, "subAccountTransfer") == 0 && row->has_peer &&
               hex_addr_equal(&row->peer, &l->peer) &&
               is_amount(row, l->is_deposit ? -l->amount.v : l->amount.v);
}

/* A withdrawal's row has what left, with its fee or without. */
static bool is_own_move(const struct recovery_case *c, const struct letter *l,
                        const struct venue_ledger_row *row)
{
        int64_t fee = c->api->o.venue->ops->caps(c->api->o.venue)->withdrawal_fee.v;

        if (l->approval == APPROVE_WITHDRAWAL)
                return strcmp(row->type, "withdraw") == 0 &&
                       (is_amount(row, -l->amount.v) || is_amount(row, fee - l->amount.v));
        return is_amount(row, l->is_deposit ? l->amount.v : -l->amount.v) &&
               (strcmp(row->type, "accountClassTransfer") == 0 || strcmp(row->type, "send") == 0);
}

static void ledger_read(void *cookie, const struct err *err, const struct venue_ledger_row *rows,
                        size_t n, const struct venue_span *span)
{
        struct recovery_case *c = cookie;
        const struct recovery_step *s = recovery_impl_step(c);
        uint64_t count = 0;

        (void)span;
        for (size_t i = 0; i < n && !err->code; i++)
                count += s->kind == REC_SUB_TRANSFER ? is_sub_move(&s->letter, &rows[i])
                                                     : is_own_move(c, &s->letter, &rows[i]);
        say(c, err, count > (s->kind == REC_SUB_TRANSFER ? s->letter.count : 0));
}

static void ask_ledger(struct recovery_case *c)
{
        struct venue *venue = c->api->o.venue;
        const struct letter *l = &recovery_impl_step(c)->letter;
        int64_t since = l->since - (l->is_approval ? LEDGER_BACK_MS : 0);

        venue->ops->read_ledger(venue, wallet_of(c), since, since + LEDGER_AHEAD_MS, ledger_read,
                                c);
}

void recovery_ask_more(struct recovery_case *c)
{
        struct venue *venue = c->api->o.venue;
        const struct recovery_step *s = recovery_impl_step(c);

        switch (s->kind) {
        case REC_AGENT:
                venue->ops->read_agent(venue, wallet_of(c), &s->letter.peer, agent_read, c);
                break;
        case REC_BUILDER_FEE:
                venue->ops->read_builder_fee(venue, wallet_of(c), &s->letter.peer, fee_read, c);
                break;
        case REC_SUB_ACCOUNT:
                venue->ops->read_sub_accounts(venue, wallet_of(c), subs_read, c);
                break;
        case REC_FUNDS:
        case REC_SUB_TRANSFER: ask_ledger(c); break;
        case REC_ORDER:
        case REC_CANCEL:
        case REC_LEVERAGE:
        case REC_MARGIN:
        case REC_UNTOLD: must(false && "asked elsewhere"); break;
        }
}
