#include <stdio.h>
#include <string.h>

#include "adapters/hyperliquid/hl_action.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/paper_show.h"
#include "adapters/paper/wire.h"
#include "base/attr.h"
#include "sign/keccak.h"

/* Sub-accounts: accounts without a key, made and paid by their master. */

#define VOLUME_MICRO INT64_C(100000000000) /* 100,000 dollars */

struct paper_user *paper_family_sub(struct paper *p, const struct paper_user *user,
                                    const struct addr *sub)
{
        for (unsigned i = 0; i < user->n_subs; i++)
                if (hex_addr_equal(&user->sub[i], sub))
                        return paper_users_get(p, sub);
        return NULL;
}

static bool refuse(struct paper_outcome *out, const char *text)
{
        paper_exchange_refuse(out, text);
        return false;
}

/* Whether the master has no other sub-account of that name. */
static bool is_free(struct paper *p, const struct paper_user *user, const struct hl_text *name,
                    const struct paper_user *except)
{
        for (unsigned i = 0; i < user->n_subs; i++) {
                const struct paper_user *sub = paper_users_get(p, &user->sub[i]);

                if (sub && sub != except && strlen(sub->name) == name->len &&
                    !memcmp(sub->name, name->s, name->len))
                        return false;
        }
        return true;
}

static bool name_fits(struct paper *p, struct paper_outcome *out, const struct paper_user *user,
                      const struct hl_text *name, const struct paper_user *except)
{
        if (name->len == 0 || name->len >= PAPER_SUB_NAME)
                return refuse(out, "Sub-account name must have 1 to 16 characters.");
        if (!is_free(p, user, name, except))
                return refuse(out, "Sub-account name is already in use.");
        return true;
}

static bool may_create(struct paper *p, struct paper_outcome *out, const struct paper_user *user,
                       const struct hl_text *name)
{
        char traded[NUM_STR_MAX];

        if (!p->is_ungated && user->volume_micro < VOLUME_MICRO) {
                (void)snprintf(out->text, sizeof(out->text),
                               "Cannot create sub-accounts until enough volume traded. Required: "
                               "$100000. Traded: $%s.",
                               num_print(traded, user->volume_micro / 10000, 2, 0));
                return false;
        }
        if (user->is_sub)
                return refuse(out, "Vault may not perform this action");
        if (user->n_subs == PAPER_SUBS_MAX)
                return refuse(out, "Too many sub-accounts. Current limit is 10");
        return name_fits(p, out, user, name, NULL);
}

static struct addr address_of(const struct paper_user *master, unsigned n)
{
        static const char label[] = "perpgate paper sub-account";
        uint8_t bytes[sizeof(label) + sizeof(master->address.b) + 1];
        struct hash32 hash;
        struct addr address;

        memcpy(bytes, label, sizeof(label));
        memcpy(bytes + sizeof(label), master->address.b, sizeof(master->address.b));
        bytes[sizeof(bytes) - 1] = (uint8_t)n;
        keccak256(&hash, bytes, sizeof(bytes));
        memcpy(address.b, hash.b, sizeof(address.b));
        return address;
}

static void create(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                   const struct hl_text *name)
{
        struct addr address = address_of(user, user->n_subs);
        struct paper_user *sub;

        if (!may_create(p, out, user, name))
                return;
        sub = paper_users_make(p, &address);
        if (!sub) {
                paper_exchange_refuse(out, "The venue has as many accounts as it takes.");
                return;
        }
        sub->is_sub = true;
        sub->master = user->address;
        memcpy(sub->name, name->s, name->len);
        user->sub[user->n_subs++] = address;
        jot_object(&out->response, NULL);
        jot_text(&out->response, "type", "createSubAccount");
        jot_addr(&out->response, "data", &address);
        jot_end_object(&out->response);
        out->n_done = 1;
}

static void rename_sub(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                       const struct addr *address, const struct hl_text *name)
{
        struct paper_user *sub = paper_family_sub(p, user, address);
        char hex[ADDR_STR_MAX];

        if (!sub) {
                (void)snprintf(out->text, sizeof(out->text), "Sub-account not registered: %s",
                               hex_print_addr(hex, address));
                return;
        }
        if (!name_fits(p, out, user, name, sub))
                return;
        memset(sub->name, 0, sizeof(sub->name));
        memcpy(sub->name, name->s, name->len);
        paper_exchange_default(out);
}

static void transfer(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                     const struct hl_action *action)
{
        const struct addr *address = &action->u.sub_transfer.user;
        struct paper_user *sub = paper_family_sub(p, user, address);
        struct paper_user *from = action->u.sub_transfer.is_deposit ? user : sub;
        struct paper_user *to = action->u.sub_transfer.is_deposit ? sub : user;
        char a[ADDR_STR_MAX], b[ADDR_STR_MAX];
        struct usd amount;
        struct buf row;

        if (!sub || action->u.sub_transfer.usd == 0 ||
            action->u.sub_transfer.usd > (uint64_t)(INT64_MAX / NUM_MICRO)) {
                (void)snprintf(out->text, sizeof(out->text),
                               "Invalid sub-account transfer from %s to %s",
                               hex_print_addr(a, from ? &from->address : address),
                               hex_print_addr(b, to ? &to->address : address));
                return;
        }
        amount.v = (int64_t)action->u.sub_transfer.usd * NUM_MICRO;
        if (!paper_transfer_take(p, out, from, 0, amount, "Insufficient balance for withdrawal"))
                return;
        paper_transfer_give(p, to, 0, amount);
        buf_init(&row, 512);
        jot_object(&row, NULL);
        jot_text(&row, "type", "subAccountTransfer");
        jot_usd(&row, "usdc", amount);
        jot_addr(&row, "user", &from->address);
        jot_addr(&row, "destination", &to->address);
        jot_end_object(&row);
        paper_users_row(p, from, buf_cstr(&row), paper_now(p));
        paper_users_row(p, to, buf_cstr(&row), paper_now(p));
        buf_fini(&row);
        paper_exchange_default(out);
}

void paper_family_run(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                      const struct hl_action *action)
{
        if (action->type == HL_CREATE_SUB_ACCOUNT)
                create(p, out, user, &action->u.word);
        else if (action->type == HL_SUB_ACCOUNT_MODIFY)
                rename_sub(p, out, user, &action->u.sub_modify.user, &action->u.sub_modify.name);
        else
                transfer(p, out, user, action);
}

/* ---- Showing --------------------------------------------------------------------------------- */

static void show_sub(struct paper *p, struct buf *out, const struct paper_user *sub, bool is_by_dex)
{
        jot_object(out, NULL);
        jot_text(out, "name", sub->name);
        jot_addr(out, "subAccountUser", &sub->address);
        jot_addr(out, "master", &sub->master);
        if (is_by_dex) {
                jot_array(out, "dexToClearinghouseState");
                for (unsigned dex = 0; dex < p->universe.n_dexes; dex++) {
                        jot_array(out, NULL);
                        jot_text(out, NULL, p->universe.dex[dex].name);
                        paper_show_account(p, out, NULL, &sub->address, dex);
                        jot_end_array(out);
                }
                jot_end_array(out);
        } else {
                paper_show_account(p, out, "clearinghouseState", &sub->address, 0);
        }
        paper_show_spot(p, out, "spotState", &sub->address);
        if (is_by_dex && sub->mode != PAPER_MODE_STANDARD)
                jot_text(out, "abstraction", paper_mode_name(sub));
        jot_end_object(out);
}

void paper_family_show(struct paper *p, struct buf *out, const struct paper_user *user,
                       bool is_by_dex)
{
        if (!user || user->n_subs == 0) {
                jot_null(out, NULL);
                return;
        }
        jot_array(out, NULL);
        for (unsigned i = 0; i < user->n_subs; i++) {
                const struct paper_user *sub = paper_users_get(p, &user->sub[i]);

                must(sub);
                show_sub(p, out, sub, is_by_dex);
        }
        jot_end_array(out);
}
