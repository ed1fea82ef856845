#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_multi_sig.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/wire.h"
#include "base/mem.h"

/* Accounts that act through several signers: becoming one, who signed, and how it is shown. */

#define SCRATCH_MAX (256u << 10)

static bool refuse(char text[PAPER_TEXT_MAX], const char *why)
{
        (void)text_copy(text, PAPER_TEXT_MAX, why);
        return false;
}

void paper_multi_sig_convert(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                             const json_t *action)
{
        struct hl_multi_sig_signers signers;
        char hex[ADDR_STR_MAX];

        if (hl_multi_sig_signers(&signers, action) || user->is_sub) {
                paper_exchange_refuse(out, "Invalid multi-sig signers");
                return;
        }
        for (unsigned i = 0; i < signers.n_users; i++) {
                if (paper_users_get(p, &signers.user[i]) &&
                    !hex_addr_equal(&signers.user[i], &user->address))
                        continue;
                (void)snprintf(out->text, sizeof(out->text), "Multi-sig signer %s can't be used.",
                               hex_print_addr(hex, &signers.user[i]));
                return;
        }
        free(user->signers);
        user->signers = NULL;
        if (signers.n_users) {
                user->signers = xmalloc(sizeof(*user->signers));
                *user->signers = signers;
        }
        paper_users_changed(p, user);
        paper_exchange_default(out);
}

/* Index among the account's signers; -1: none. */
static int signer_index(const struct hl_multi_sig_signers *signers, const struct addr *who)
{
        for (unsigned i = 0; i < signers->n_users; i++)
                if (hex_addr_equal(&signers->user[i], who))
                        return (int)i;
        return -1;
}

/* How many different authorised users signed the inner action; -1 when somebody else did. */
static int count_signers(struct paper *p, const struct hl_multi_sig *multi,
                         const struct hl_multi_sig_signers *signers, const struct hash32 *digest)
{
        bool has_signed[HL_MULTI_SIG_USERS_MAX] = {false};
        int n = 0;

        for (size_t i = 0; i < json_array_size(multi->signatures); i++) {
                struct signature signature;
                struct addr who;
                int index = -1;

                if (!hl_raw_signature(&signature, json_array_get(multi->signatures, i), NULL) &&
                    !secp_recover(p->secp, &who, digest, &signature))
                        index = signer_index(signers, &who);
                if (index < 0)
                        return -1;
                n += !has_signed[index];
                has_signed[index] = true;
        }
        return n;
}

static bool is_of_network(const struct paper *p, const json_t *action)
{
        const char *chain = hl_raw_get_text(action, "hyperliquidChain", NULL);

        return !chain || !strcmp(chain, p->is_mainnet ? "Mainnet" : "Testnet");
}

bool paper_multi_sig_check(struct paper *p, const struct hl_request *request,
                           const struct addr *signer, struct addr *account,
                           char text[PAPER_TEXT_MAX])
{
        struct hl_multi_sig multi;
        struct paper_user *user;
        struct hash32 digest;
        struct addr leader;
        struct buf scratch;
        enum errc rc;
        int n;

        if (hl_multi_sig_read(&multi, request->action, NULL))
                return refuse(text, "Invalid multi-sig action");
        user = paper_users_get(p, &multi.user);
        if (!user || !user->signers)
                return refuse(text, "User is not a multi-sig user.");
        if (!hex_addr_equal(&multi.leader, signer) ||
            !paper_agents_resolve(p, signer, &leader, text) ||
            signer_index(user->signers, &leader) < 0)
                return refuse(text, "Multi-sig leader is not authorized.");
        if (!is_of_network(p, multi.action))
                return refuse(text, "Invalid chain: the inner action names another network.");
        buf_init(&scratch, SCRATCH_MAX);
        rc = hl_multi_sig_inner_digest(&digest, &scratch, &multi, &request->envelope,
                                       p->is_mainnet);
        buf_fini(&scratch);
        n = rc ? -1 : count_signers(p, &multi, user->signers, &digest);
        if (n < 0)
                return refuse(text, "Multi-sig signature by an unauthorized user.");
        if ((unsigned)n < user->signers->threshold)
                return refuse(text, "Multi-sig has too few signatures.");
        *account = multi.user;
        return true;
}

bool paper_multi_sig_inner(struct hl_request *out, const struct hl_request *request)
{
        const char *keys[] = {"nonce", "time"};
        struct hl_multi_sig multi;
        uint64_t nonce;

        *out = *request;
        if (hl_multi_sig_read(&multi, request->action, NULL))
                return false;
        out->action = multi.action;
        out->type = hl_raw_get_text(multi.action, "type", NULL);
        if (!out->type)
                return false;
        out->kind = hl_raw_kind(out->type);
        for (size_t i = 0; out->kind == HL_RAW_USER && i < 2; i++)
                if (!hl_raw_get_uint(&nonce, multi.action, keys[i]) &&
                    nonce != request->envelope.nonce)
                        return false;
        return out->kind != HL_RAW_MULTI_SIG && out->kind != HL_RAW_UNKNOWN;
}

void paper_multi_sig_show(struct buf *out, const struct paper_user *user)
{
        if (!user || !user->signers) {
                jot_null(out, NULL);
                return;
        }
        jot_object(out, NULL);
        jot_array(out, "authorizedUsers");
        for (unsigned i = 0; i < user->signers->n_users; i++)
                jot_addr(out, NULL, &user->signers->user[i]);
        jot_end_array(out);
        jot_uint(out, "threshold", user->signers->threshold);
        jot_end_object(out);
}
