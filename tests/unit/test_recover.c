/* recover: whatever the venue says, in whatever order, nothing is sent that could take effect twice or out of
 * turn, nothing is called rejected that may still be taken, and everything has an end once the venue speaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "journal/recover.h"

#define NOW     INT64_C(1790000000000)
#define EXPIRES (NOW + 5000)
#define STEPS   3

/* --- every sequence of words --- */

struct world {
        struct recover_step step[STEPS];
        struct recover_plan plan;
        int64_t now;
        /* What has happened, by step. */
        unsigned sends[STEPS], missing[STEPS], repairs[STEPS];
        int64_t first_missing[STEPS];
        bool was_told[STEPS], was_received[STEPS];
};

static struct world world_of(unsigned n)
{
        struct world w = {.now = NOW, .plan = {.n = n, .made_at = NOW}};

        for (unsigned i = 0; i < n; i++)
                w.step[i] = (struct recover_step){.may_send = true, .expires_at = EXPIRES};
        return w;
}

static void attach(struct world *w)
{
        w->plan.step = w->step;
}

static void check_act(const struct world *w, const struct recover_next *next)
{
        const struct recover_step *s = &w->step[next->step];

        switch (next->act) {
        case RECOVER_WAIT: assert_true(next->at > w->now); break;
        case RECOVER_SEND:
                assert_true(w->now + RECOVER_ROOM_MS <= EXPIRES);
                assert_true(w->sends[next->step] < RECOVER_SENDS_MAX);
                assert_false(w->was_received[next->step]);
                /* fallthrough */
        case RECOVER_ASK:
                assert_int_equal(s->fate, RECOVER_OPEN);
                for (unsigned i = 0; i < next->step; i++)
                        assert_int_equal(w->step[i].fate, RECOVER_DONE);
                break;
        case RECOVER_PUT_BACK:
                assert_true(s->has_before && !s->is_needed);
                assert_int_equal(s->fate, RECOVER_DONE);
                assert_true(w->repairs[next->step] == 0);
                break;
        case RECOVER_ADD_MARGIN:
                assert_true(s->is_pending && w->plan.has_filled);
                assert_true(w->repairs[next->step] == 0);
                break;
        case RECOVER_END:
                for (unsigned i = 0; i < w->plan.n; i++)
                        assert_true(w->step[i].fate != RECOVER_OPEN || w->step[i].is_pending);
                break;
        }
}

static void note_word(struct world *w, const struct recover_next *next, enum recover_word word)
{
        unsigned i = next->step;

        if (next->act == RECOVER_SEND)
                w->sends[i]++;
        if (next->act == RECOVER_PUT_BACK || next->act == RECOVER_ADD_MARGIN)
                w->repairs[i] += word != RECOVER_SAYS_NOTHING;
        w->was_told[i] |= word == RECOVER_SAYS_REFUSED;
        w->was_received[i] |= word == RECOVER_SAYS_BEFORE || word == RECOVER_SAYS_DECLINED;
        if (word == RECOVER_SAYS_MISSING && w->now >= EXPIRES + RECOVER_GRACE_MS) {
                if (!w->missing[i]++)
                        w->first_missing[i] = w->now;
        }
}

/* Rejected: told so, never sent, or twice not there when it could not come any more. */
static void check_fates(const struct world *w)
{
        bool is_stopped = false;

        for (unsigned i = 0; i < w->plan.n; i++) {
                if (w->step[i].fate == RECOVER_REJECTED && !is_stopped && !w->was_told[i]) {
                        assert_true(w->missing[i] >= 2);
                        assert_true(w->now - w->first_missing[i] >= RECOVER_TWICE_MS);
                }
                is_stopped |= w->step[i].fate == RECOVER_REJECTED;
        }
}

static bool may_say(enum recover_act act, enum recover_word word)
{
        switch (word) {
        case RECOVER_SAYS_MISSING: return act == RECOVER_ASK;
        case RECOVER_SAYS_BEFORE:
        case RECOVER_SAYS_DECLINED: return act == RECOVER_SEND;
        case RECOVER_SAYS_DONE:
        case RECOVER_SAYS_REFUSED:
        case RECOVER_SAYS_NOTHING: return true;
        }
        return true;
}

static unsigned n_paths;

static void walk(struct world w, unsigned depth)
{
        struct recover_next next;

        attach(&w);
        recover_next(&next, &w.plan, w.now);
        check_fates(&w);
        check_act(&w, &next);
        if (next.act == RECOVER_END || depth == 0) {
                n_paths++;
                return;
        }
        if (next.act == RECOVER_WAIT) {
                w.now = next.at;
                walk(w, depth - 1);
                return;
        }
        for (int word = RECOVER_SAYS_DONE; word <= RECOVER_SAYS_NOTHING; word++) {
                struct world then = w;

                if (!may_say(next.act, (enum recover_word)word))
                        continue;
                attach(&then);
                note_word(&then, &next, (enum recover_word)word);
                recover_hear(&then.plan, next.step, next.act, (enum recover_word)word, then.now);
                then.now += 300; /* the venue takes its time */
                walk(then, depth - 1);
        }
}

static void no_word_leads_astray(void **state)
{
        (void)state;
        n_paths = 0;
        for (unsigned n = 1; n <= STEPS; n++) {
                for (int unsent = 0; unsent < 2; unsent++) {
                        struct world w = world_of(n);
                        w.step[0].may_send = !unsent;
                        walk(w, 11);
                }
        }
        assert_true(n_paths > 10000);
}

static void plans_are_repaired_once(void **state)
{
        (void)state;
        for (unsigned bits = 0; bits < 8; bits++) {
                struct world w = world_of(3);

                w.step[0].has_before = bits & 1;
                w.step[0].is_needed = bits & 2;
                w.step[2].is_pending = true;
                w.plan.has_filled = bits & 4;
                walk(w, 10);
        }
}

/* --- a venue with a truth of its own --- */

struct venue_truth {
        int64_t arrives_at; /* of the bytes that were sent before; -1: never */
        bool is_taken, is_refused;
        bool was_there; /* the bytes have arrived */
};

static void arrive(struct venue_truth *v, bool is_good)
{
        if (v->was_there)
                return;
        v->was_there = true;
        v->is_taken = is_good;
        v->is_refused = !is_good;
}

static enum recover_word sent_to(struct venue_truth *v, int64_t now, bool is_good, bool is_heard)
{
        enum recover_word word;

        if (now > EXPIRES)
                return RECOVER_SAYS_DECLINED;
        word = v->was_there ? RECOVER_SAYS_BEFORE
               : is_good    ? RECOVER_SAYS_DONE
                            : RECOVER_SAYS_REFUSED;
        arrive(v, is_good);
        return is_heard ? word : RECOVER_SAYS_NOTHING;
}

static unsigned below(struct dice *dice, unsigned n)
{
        return (unsigned)dice_between(dice, 0, (int64_t)n - 1);
}

/* What is refused can't be found by its name afterwards. */
static void run_true(struct dice *dice)
{
        struct world w = world_of(1);
        bool is_good = below(dice, 4) != 0, is_sent_before = below(dice, 2);
        struct venue_truth v = {.arrives_at = -1};
        unsigned deaf_until = below(dice, 12), turns = 0;
        struct recover_next next;

        attach(&w);
        if (is_sent_before)
                v.arrives_at = NOW - 100 + below(dice, 5100);
        for (;; turns++) {
                bool is_heard = turns >= deaf_until || below(dice, 3);

                assert_true(turns < 200);
                if (v.arrives_at >= 0 && w.now >= v.arrives_at && v.arrives_at <= EXPIRES)
                        arrive(&v, is_good);
                recover_next(&next, &w.plan, w.now);
                check_act(&w, &next);
                if (next.act == RECOVER_END)
                        break;
                if (next.act == RECOVER_WAIT) {
                        w.now = next.at;
                        continue;
                }
                enum recover_word word = next.act == RECOVER_SEND
                                                 ? sent_to(&v, w.now, is_good, is_heard)
                                         : !is_heard  ? RECOVER_SAYS_NOTHING
                                         : v.is_taken ? RECOVER_SAYS_DONE
                                                      : RECOVER_SAYS_MISSING;
                note_word(&w, &next, word);
                recover_hear(&w.plan, next.step, next.act, word, w.now);
                w.now += below(dice, 400);
        }
        assert_int_equal(w.step[0].fate, v.is_taken ? RECOVER_DONE : RECOVER_REJECTED);
        assert_false(v.is_taken && v.is_refused);
}

static void the_end_is_what_the_venue_knows(void **state)
{
        struct dice dice = dice_new();

        (void)state;
        for (unsigned i = 0; i < 20000; i++)
                run_true(&dice);
}

/* --- single rules --- */

static enum recover_act next_act(struct world *w)
{
        struct recover_next next;

        recover_next(&next, &w->plan, w->now);
        return next.act;
}

static void silence_decides_nothing(void **state)
{
        struct world w = world_of(1);
        struct recover_next next;
        int64_t longest = 0;

        (void)state;
        attach(&w);
        for (unsigned i = 0; i < 500; i++) {
                recover_next(&next, &w.plan, w.now);
                if (next.act == RECOVER_WAIT) {
                        longest = next.at - w.now > longest ? next.at - w.now : longest;
                        w.now = next.at;
                        continue;
                }
                assert_int_equal(next.act, RECOVER_ASK);
                recover_hear(&w.plan, 0, RECOVER_ASK, RECOVER_SAYS_NOTHING, w.now);
        }
        assert_int_equal(longest, RECOVER_LONGEST_MS);
        assert_int_equal(w.step[0].fate, RECOVER_OPEN);
}

static void of_a_batch_one_refusal_stops_no_other(void **state)
{
        struct world w = world_of(2);

        (void)state;
        attach(&w);
        w.plan.is_independent = true;
        recover_hear(&w.plan, 0, RECOVER_ASK, RECOVER_SAYS_REFUSED, w.now);
        assert_int_equal(next_act(&w), RECOVER_ASK);
        assert_int_equal(w.step[1].fate, RECOVER_OPEN);
}

static void what_puts_back_is_found_out_after_a_refusal(void **state)
{
        struct world w = world_of(3);

        (void)state;
        attach(&w);
        w.step[0].fate = RECOVER_DONE;
        w.step[1].fate = RECOVER_REJECTED;
        w.step[2].is_put_back = true;
        assert_int_equal(next_act(&w), RECOVER_ASK);
        recover_hear(&w.plan, 2, RECOVER_ASK, RECOVER_SAYS_DONE, w.now);
        assert_int_equal(next_act(&w), RECOVER_END);
}

static void margin_is_moved_while_the_plan_is_valid(void **state)
{
        (void)state;
        for (int late = 0; late < 2; late++) {
                struct world w = world_of(2);
                attach(&w);
                w.step[0].fate = RECOVER_DONE;
                w.step[1].is_pending = true;
                w.plan.has_filled = true;
                w.now = NOW + RECOVER_VALID_MS + late;
                assert_int_equal(next_act(&w), late ? RECOVER_END : RECOVER_ADD_MARGIN);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(no_word_leads_astray),
                cmocka_unit_test(plans_are_repaired_once),
                cmocka_unit_test(the_end_is_what_the_venue_knows),
                cmocka_unit_test(silence_decides_nothing),
                cmocka_unit_test(of_a_batch_one_refusal_stops_no_other),
                cmocka_unit_test(what_puts_back_is_found_out_after_a_refusal),
                cmocka_unit_test(margin_is_moved_while_the_plan_is_valid),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
