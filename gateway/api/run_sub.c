/* Sub-accounts: making one, and moving money between it and its master. What the wallet has before is
 * read first: when the venue's answer is lost, what has come since tells whether it was done. */
#include <stdlib.h>
#include <string.h>

#include "api/acting.h"
#include "api/out.h"
#include "api/run.h"
#include "base/mem.h"

/* The venue's clock and ours differ; what is older than this is never counted. */
#define LEDGER_BACK_MS  INT64_C(600000)
#define LEDGER_AHEAD_MS INT64_C(86400000)

/* --- before --- */

static void fail_read(struct run *run, const struct err *err)
{
        run->err = *err;
        pipeline_fail(run);
}

static void subs_read(void *cookie, const struct err *err, const struct venue_sub_account *subs,
                      size_t n)
{
        struct run *run = cookie;

        if (err->code) {
                fail_read(run, err);
                return;
        }
        run->subs_before = xcalloc(n + 1, sizeof *run->subs_before);
        for (size_t i = 0; i < n; i++)
                run->subs_before[i] = subs[i].address;
        run->n_subs_before = n;
        pipeline_next(run);
}

/* How many transfers like this one the ledger has, as the wallet sees it: what it sent is below zero. */
static unsigned count_moves(const struct run *run, const struct venue_ledger_row *rows, size_t n)
{
        int64_t wanted = run->q.is_deposit ? -run->q.amount.v : run->q.amount.v;
        unsigned count = 0;

        for (size_t i = 0; i < n; i++) {
                struct usd amount;
                if (strcmp(rows[i].type, "subAccountTransfer") == 0 && rows[i].has_peer &&
                    hex_addr_equal(&rows[i].peer, &run->q.sub_account) &&
                    num_parse_usd(&amount, rows[i].amount, strlen(rows[i].amount)) == E_OK &&
                    amount.v == wanted)
                        count++;
        }
        return count;
}

static void ledger_before(void *cookie, const struct err *err, const struct venue_ledger_row *rows,
                          size_t n, const struct venue_span *span)
{
        struct run *run = cookie;

        (void)span;
        if (err->code) {
                fail_read(run, err);
                return;
        }
        run->n_moves_before = count_moves(run, rows, n);
        pipeline_next(run);
}

static void read_ledger(struct run *run, venue_ledger_fn *done)
{
        run->venue->ops->read_ledger(run->venue, &run->call->session.address, run->ledger_from,
                                     run->ledger_from + LEDGER_BACK_MS + LEDGER_AHEAD_MS, done,
                                     run);
}

/* What can't leave is told before anything is signed. */
static void source_read(void *cookie, const struct err *err, struct venue_account *account)
{
        struct run *run = cookie;
        struct err why = *err;
        char has[NUM_STR_MAX], given[NUM_STR_MAX];

        if (!why.code && run->q.amount.v > account->withdrawable.v)
                (void)err_field(&why, E_MARGIN, "amount", "%s is more than the %s that can leave",
                                num_print_usd(given, run->q.amount),
                                num_print_usd(has, account->withdrawable));
        if (why.code) {
                fail_read(run, &why);
                return;
        }
        run->ledger_from = state_now(run->api) - LEDGER_BACK_MS;
        read_ledger(run, ledger_before);
}

void run_sub_read(struct run *run)
{
        const struct venue_ops *ops = run->venue->ops;
        const struct addr *wallet = &run->call->session.address;

        if (run->q.kind == RUN_SUB_ACCOUNT)
                ops->read_sub_accounts(run->venue, wallet, subs_read, run);
        else if (run->q.kind == RUN_SUB_TRANSFER)
                ops->read_account(run->venue, run->q.is_deposit ? wallet : &run->q.sub_account, "",
                                  source_read, run);
        else
                pipeline_next(run);
}

/* --- the step --- */

static const char *direction(const struct run *run)
{
        return run->q.is_deposit ? "deposit" : "withdraw";
}

/* The address is not part of the body, and the journal tells it all the same. */
static void note_request(struct run *run)
{
        char address[ADDR_STR_MAX];
        struct buf asked;

        buf_init(&asked, 1024);
        buf_putc(&asked, '{');
        out_text(&asked, "subAccount", hex_print_addr(address, &run->q.sub_account));
        out_usd(&asked, "amount", run->q.amount);
        out_text(&asked, "direction", direction(run));
        buf_putc(&asked, '}');
        run->asked = xstrdup(buf_cstr(&asked));
        buf_fini(&asked);
}

void run_sub_build(struct run *run)
{
        struct plan_step *step = &run->plan.step[0];
        struct venue_action *a = &step->action;

        run->plan.n_steps = 1;
        run->plan.order_step = run->plan.adjust_step = -1;
        step->status = STEP_PENDING;
        if (run->q.kind == RUN_SUB_ACCOUNT) {
                step->name = "subAccount";
                a->kind = VENUE_CREATE_SUB_ACCOUNT;
                text_copy(a->u.sub_name, sizeof a->u.sub_name, run->q.sub_name);
                return;
        }
        step->name = "subTransfer";
        a->kind = VENUE_FUND_SUB_ACCOUNT;
        a->u.fund.sub_account = run->q.sub_account;
        a->u.fund.is_deposit = run->q.is_deposit;
        a->u.fund.amount = run->q.amount;
        note_request(run);
}

/* Its wallet may act for it at once, without the venue being asked. */
void run_sub_made(struct run *run, const struct addr *made)
{
        run->sub_made = *made;
        acting_add(run->api->acting, &run->call->session.address, made);
}

/* --- after an answer was lost --- */

/* What its trader signed may have waited while others like it were sent: a transfer in the ledger need
 * not be this one. */
static bool tells_nothing(const struct run *run)
{
        return run->q.kind == RUN_SUB_TRANSFER && run->is_given;
}

static bool was_there(const struct run *run, const struct addr *sub)
{
        for (size_t i = 0; i < run->n_subs_before; i++)
                if (hex_addr_equal(&run->subs_before[i], sub))
                        return true;
        return false;
}

static void subs_after(void *cookie, const struct err *err, const struct venue_sub_account *subs,
                       size_t n)
{
        struct run *run = cookie;
        bool is_done = false;

        for (size_t i = 0; i < n && !err->code && !is_done; i++) {
                is_done = strcmp(subs[i].name, run->q.sub_name) == 0 &&
                          !was_there(run, &subs[i].address);
                if (is_done)
                        run->sub_made = subs[i].address;
        }
        run->sub_done(run, is_done);
}

static void ledger_after(void *cookie, const struct err *err, const struct venue_ledger_row *rows,
                         size_t n, const struct venue_span *span)
{
        struct run *run = cookie;

        (void)span;
        run->sub_done(run, !err->code && count_moves(run, rows, n) > run->n_moves_before);
}

void run_sub_find_out(struct run *run, void (*done)(struct run *run, bool is_done))
{
        run->sub_done = done;
        if (run->q.kind == RUN_SUB_ACCOUNT)
                run->venue->ops->read_sub_accounts(run->venue, &run->call->session.address,
                                                   subs_after, run);
        else if (tells_nothing(run))
                done(run, false);
        else
                read_ledger(run, ledger_after);
}

/* --- the answer --- */

void run_sub_members(struct buf *out, const struct run *run)
{
        bool failed = run_answer_is_problem(run);
        char address[ADDR_STR_MAX];

        if (run->q.kind == RUN_SUB_ACCOUNT) {
                out_text(out, "name", run->q.sub_name);
                if (!failed)
                        out_text(out, "address", hex_print_addr(address, &run->sub_made));
                return;
        }
        out_text(out, "subAccount", hex_print_addr(address, &run->q.sub_account));
        out_usd(out, "amount", run->q.amount);
        out_text(out, "direction", direction(run));
        if (!failed)
                out_text(out, "status", "done");
}
