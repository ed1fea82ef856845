/* A run's letters: each step is signed before the journal has it, and what was signed is journaled with
 * what it asks, so that whoever finds the intent after a crash can send the same, or find out. */
#include <string.h>

#include "api/letters.h"
#include "api/run.h"
#include "api/signer.h"

static const struct venue_position *held(const struct run *run)
{
        for (unsigned i = 0; i < run->before.n_positions; i++)
                if (strcmp(run->before.position[i].symbol, run->q.symbol) == 0)
                        return &run->before.position[i];
        return NULL;
}

/* What a later look is compared with. */
static void note_before(struct letter *letter, const struct run *run, unsigned i)
{
        const struct venue_position *p = held(run);
        const struct plan *plan = &run->plan;

        letter->step = i;
        letter->is_put_back = plan->step[i].is_put_back;
        letter->has_before = letter->kind == VENUE_SET_LEVERAGE && plan->leverage_changed &&
                             !letter->is_put_back && (int)i < plan->order_step;
        letter->mode_before = plan->mode_before;
        letter->leverage_before = letter->has_before ? plan->leverage_before : 0;
        if (p) {
                letter->held_size = p->p.size;
                letter->held_cash = p->p.raw_usd;
        }
        if (letter->kind == VENUE_FUND_SUB_ACCOUNT) {
                letter->since = run->ledger_from;
                letter->count = run->n_moves_before;
        } else if (letter->kind == VENUE_CREATE_SUB_ACCOUNT) {
                letter->count = run->n_subs_before;
        }
}

enum errc run_letters_add(struct run *run, unsigned i, struct err *err)
{
        struct venue_cancel name[VENUE_CANCELS_MAX];
        struct letter letter;
        enum errc rc = E_OK;

        if (!run->is_given)
                rc = signer_sign(&run->given[i], run->api, run->call->brand->id,
                                 &run->call->session.address, &run->account, &run->compiled.digest,
                                 err);
        if (rc)
                return rc;
        letter_of_action(&letter, name, &run->plan.step[i].action);
        note_before(&letter, run, i);
        return letters_add(&run->letters, &letter, run->venue, &run->compiled, &run->given[i]);
}

enum errc run_letters_add_pending(struct run *run)
{
        const struct plan *plan = &run->plan;
        struct letter letter = {.kind = VENUE_ADJUST_MARGIN,
                                .asset = plan->asset,
                                .is_pending = true,
                                .amount = plan->margin_asked,
                                .size = plan->size,
                                .held_size = plan->risk.size_after,
                                .held_cash = plan->collateral_before};

        if (plan->adjust_step < 0 || !plan->step[plan->adjust_step].amount_pending)
                return E_OK;
        letter.step = (unsigned)plan->adjust_step;
        return letters_add_unsigned(&run->letters, &letter);
}

enum errc run_letters_recompile(struct run *run, unsigned i, struct err *err)
{
        const struct store_intent_step *noted = &run->intent.step[i];
        enum errc rc;

        if (run->compiled.nonce == noted->nonce)
                return E_OK;
        venue_compiled_fini(&run->compiled);
        run->compiled = (struct venue_compiled){.nonce = 0};
        rc = run->venue->ops->compile(run->venue, &run->compiled, &run->plan.step[i].action,
                                      call_sub_account(run->call), noted->nonce,
                                      noted->expires_after, err);
        if (!rc)
                must(memcmp(noted->digest.b, run->compiled.digest.b, sizeof noted->digest.b) == 0);
        return rc;
}

enum errc run_letters_add_given(struct run *run, struct err *err)
{
        enum errc rc = E_OK;

        for (unsigned i = run->plan.n_steps; i-- > 0 && !rc;) {
                if (!run->intent.step[i].nonce)
                        continue; /* moved later, with a signature of its own */
                rc = run_letters_recompile(run, i, err);
                if (!rc)
                        rc = run_letters_add(run, i, err);
        }
        return rc;
}

void run_letters_attach(struct run *run)
{
        letters_attach(&run->intent, &run->letters);
}

void run_letters_fini(struct run *run)
{
        letters_wipe(&run->letters);
        run->intent.letters = NULL;
}
