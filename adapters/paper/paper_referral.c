#include <string.h>

#include "adapters/hyperliquid/hl_action.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/wire.h"

/* Referral codes. An account that was referred pays 4 percent less in fees; rewards to the referrer
 * are not paid here. */

#define VOLUME_MICRO INT64_C(10000000000) /* 10,000 dollars */
#define PAID_PERCENT 96

static void set(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                const struct hl_text *code)
{
        struct paper_user *referrer = map_get(p->codes, code->s, code->len);
        struct rate taker, maker;

        if (!referrer) {
                paper_exchange_refuse(out, "Referral code not registered");
        } else if (user->is_referred) {
                paper_exchange_refuse(out, "Referrer already set.");
        } else if (referrer == user ||
                   (user->is_sub && hex_addr_equal(&user->master, &referrer->address))) {
                paper_exchange_refuse(out, "Cannot self-refer.");
        } else {
                user->is_referred = true;
                user->referrer = referrer->address;
                referrer->n_referred++;
                engine_fees(p->engine, &user->address, &taker, &maker);
                taker.v = taker.v * PAID_PERCENT / 100;
                maker.v = maker.v * PAID_PERCENT / 100;
                engine_set_fees(p->engine, &user->address, taker, maker);
                paper_exchange_default(out);
        }
}

static bool is_code(const struct hl_text *code)
{
        if (code->len == 0 || code->len >= PAPER_CODE)
                return false;
        for (size_t i = 0; i < code->len; i++) {
                char c = code->s[i];

                if ((c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z'))
                        return false;
        }
        return true;
}

static void enrol(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                  const struct hl_text *code)
{
        if (!is_code(code)) {
                paper_exchange_refuse(out, "Referral code must have 1 to 20 letters and digits.");
        } else if (user->code[0]) {
                paper_exchange_refuse(out, "Referral code already registered.");
        } else if (!p->is_ungated && user->volume_micro < VOLUME_MICRO) {
                paper_exchange_refuse(out,
                                      "Cannot generate referral code until enough volume traded.");
        } else if (map_get(p->codes, code->s, code->len)) {
                paper_exchange_refuse(out, "Referral code is already in use.");
        } else {
                memcpy(user->code, code->s, code->len);
                (void)map_put(p->codes, code->s, code->len, user);
                paper_exchange_default(out);
        }
}

void paper_referral_run(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                        const struct hl_action *action)
{
        if (action->type == HL_SET_REFERRER)
                set(p, out, user, &action->u.word);
        else
                enrol(p, out, user, &action->u.word);
}

static void show_stage(struct paper *p, struct buf *out, const struct paper_user *user)
{
        jot_object(out, "referrerState");
        if (user && user->code[0]) {
                jot_text(out, "stage", "ready");
                jot_object(out, "data");
                jot_text(out, "code", user->code);
                jot_uint(out, "nReferrals", user->n_referred);
                jot_raw(out, "referralStates", "[]");
                jot_end_object(out);
        } else if (user && (p->is_ungated || user->volume_micro >= VOLUME_MICRO)) {
                jot_text(out, "stage", "needToCreateCode");
        } else {
                jot_text(out, "stage", "needToTrade");
                jot_raw(out, "data", "{\"required\":\"10000.0\"}");
        }
        jot_end_object(out);
}

void paper_referral_show(struct paper *p, struct buf *out, const struct paper_user *user)
{
        const struct paper_user *referrer =
                user && user->is_referred ? paper_users_get(p, &user->referrer) : NULL;
        char volume[NUM_STR_MAX];

        jot_object(out, NULL);
        if (referrer) {
                jot_object(out, "referredBy");
                jot_addr(out, "referrer", &referrer->address);
                jot_text(out, "code", referrer->code);
                jot_end_object(out);
        } else {
                jot_null(out, "referredBy");
        }
        jot_text(out, "cumVlm", num_print(volume, user ? user->volume_micro : 0, 6, 1));
        jot_text(out, "unclaimedRewards", "0.0");
        jot_text(out, "claimedRewards", "0.0");
        jot_text(out, "builderRewards", "0.0");
        jot_raw(out, "tokenToState", "[]");
        show_stage(p, out, user);
        jot_raw(out, "rewardHistory", "[]");
        jot_end_object(out);
}
