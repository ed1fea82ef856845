#include "journal/recover.h"

#include "base/attr.h"

/* --- what is next --- */

static bool is_stopped(const struct recover_plan *plan, unsigned i)
{
        if (plan->is_independent || plan->step[i].is_put_back)
                return false;
        for (unsigned k = 0; k < i; k++)
                if (plan->step[k].fate == RECOVER_REJECTED && !plan->step[k].is_pending &&
                    !plan->step[k].is_guessed)
                        return true;
        return false;
}

static bool follows_guess(const struct recover_plan *plan, unsigned i)
{
        for (unsigned k = 0; k < i; k++)
                if (plan->step[k].is_guessed)
                        return !plan->is_independent && !plan->step[i].is_put_back;
        return false;
}

/* What is left of a plan of which a step was rejected never left; or it is not known to have, and does
 * not leave any more. */
static void stop_rest(struct recover_plan *plan)
{
        for (unsigned i = 0; i < plan->n; i++) {
                struct recover_step *step = &plan->step[i];

                if (step->fate != RECOVER_OPEN)
                        continue;
                if (is_stopped(plan, i))
                        step->fate = RECOVER_REJECTED;
                else if (follows_guess(plan, i))
                        step->may_send = step->wants_send = false;
        }
}

static void set(struct recover_next *out, enum recover_act act, unsigned step, int64_t at)
{
        *out = (struct recover_next){.act = act, .step = step, .at = at};
}

static bool has_room(const struct recover_step *step, int64_t now)
{
        return now + RECOVER_ROOM_MS <= step->expires_at;
}

static void step_next(struct recover_next *out, struct recover_step *step, unsigned i, int64_t now)
{
        if (step->wants_send && !has_room(step, now)) { /* it had to wait for its turn */
                step->wants_send = false;
                step->at = step->expires_at + RECOVER_GRACE_MS;
        }
        if (now < step->at)
                set(out, RECOVER_WAIT, i, step->at);
        else
                set(out, step->wants_send ? RECOVER_SEND : RECOVER_ASK, i, now);
}

/* After the last step's end. */
static bool wants_repair(const struct recover_plan *plan, unsigned i, enum recover_act *act,
                         int64_t now)
{
        const struct recover_step *step = &plan->step[i];

        if (step->is_repaired)
                return false;
        *act = step->is_pending ? RECOVER_ADD_MARGIN : RECOVER_PUT_BACK;
        if (step->is_pending)
                return step->fate != RECOVER_DONE && plan->has_filled &&
                       now - plan->made_at <= RECOVER_VALID_MS;
        return step->has_before && !step->is_needed && step->fate == RECOVER_DONE;
}

void recover_next(struct recover_next *out, struct recover_plan *plan, int64_t now)
{
        enum recover_act act;

        stop_rest(plan);
        for (unsigned i = 0; i < plan->n; i++) {
                if (plan->step[i].fate != RECOVER_OPEN || plan->step[i].is_pending)
                        continue;
                step_next(out, &plan->step[i], i, now);
                return;
        }
        for (unsigned i = 0; i < plan->n; i++) {
                if (!wants_repair(plan, i, &act, now))
                        continue;
                if (now < plan->step[i].at)
                        set(out, RECOVER_WAIT, i, plan->step[i].at);
                else
                        set(out, act, i, now);
                return;
        }
        set(out, RECOVER_END, 0, now);
}

/* --- what was said --- */

static int64_t pause_after(unsigned n_silent)
{
        int64_t pause = RECOVER_AGAIN_MS;

        for (unsigned i = 1; i < n_silent && pause < RECOVER_LONGEST_MS; i++)
                pause *= 2;
        return pause;
}

static void ask_at(struct recover_step *step, int64_t at)
{
        step->wants_send = false;
        step->at = at;
}

static int64_t latest(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

static void hear_missing(struct recover_step *step, int64_t now)
{
        int64_t over = step->expires_at + RECOVER_GRACE_MS;

        if (now >= over) {
                step->n_missing++;
                if (step->n_missing >= 2) {
                        step->fate = RECOVER_REJECTED;
                        step->is_guessed = step->can_be_undone;
                }
                ask_at(step, now + RECOVER_TWICE_MS);
                return;
        }
        ask_at(step, over);
        if (step->may_send && step->n_sent < RECOVER_SENDS_MAX && has_room(step, now)) {
                step->wants_send = true;
                step->at = now;
        }
}

static void hear_silence(struct recover_step *step, int64_t now)
{
        step->n_silent++;
        ask_at(step, now + pause_after(step->n_silent));
}

static void hear_repair(struct recover_step *step, enum recover_word word, int64_t now)
{
        if (word == RECOVER_SAYS_NOTHING) {
                hear_silence(step, now);
                return;
        }
        step->is_repaired = true;
        if (step->is_pending)
                step->fate = word == RECOVER_SAYS_DONE ? RECOVER_DONE : RECOVER_REJECTED;
}

/* The step was sent, so what had to be done before it was done. Whoever changed that since wanted it so. */
static void hear_arrival(struct recover_plan *plan, unsigned i)
{
        for (unsigned k = 0; k < i; k++) {
                struct recover_step *before = &plan->step[k];

                if (!before->is_guessed)
                        continue;
                before->is_guessed = false;
                before->is_repaired = true;
                before->fate = RECOVER_DONE;
        }
}

void recover_hear(struct recover_plan *plan, unsigned i, enum recover_act act,
                  enum recover_word word, int64_t now)
{
        struct recover_step *step = &plan->step[i];

        must(i < plan->n);
        if (act == RECOVER_PUT_BACK || act == RECOVER_ADD_MARGIN) {
                hear_repair(step, word, now);
                return;
        }
        must(step->fate == RECOVER_OPEN && !step->is_pending);
        if (act == RECOVER_SEND)
                step->n_sent++;
        if (word != RECOVER_SAYS_NOTHING)
                step->n_silent = 0;
        switch (word) {
        case RECOVER_SAYS_DONE:
                step->fate = RECOVER_DONE;
                hear_arrival(plan, i);
                break;
        case RECOVER_SAYS_REFUSED:
                step->fate = RECOVER_REJECTED;
                hear_arrival(plan, i);
                break;
        case RECOVER_SAYS_MISSING: hear_missing(step, now); break;
        case RECOVER_SAYS_BEFORE: /* there at once, or refused; then it can't be found ever */
                step->may_send = false;
                ask_at(step, now);
                break;
        case RECOVER_SAYS_DECLINED:
                step->may_send = false;
                ask_at(step, latest(now, step->expires_at + RECOVER_GRACE_MS));
                break;
        case RECOVER_SAYS_NOTHING: hear_silence(step, now); break;
        }
}
