#include "compat/compat_hint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compat/compat_impl.h"
#include "compat/compat_signer.h"

#define GUESSES_MAX 8
#define READS_MAX   2 /* of the venue, for one signature */

struct guess {
        struct addr signer;
        char why[200];
};

struct hint {
        struct compat *compat;
        struct call *call;
        bool is_user_signed;
        struct addr signer;
        unsigned n, next, reads;
        struct guess guess[GUESSES_MAX];
        compat_hint_fn *done;
        void *cookie;
};

/* --- guesses --- */

static void guess(struct hint *h, const struct hl_request *request, bool is_mainnet,
                  const char *why)
{
        struct guess *g = &h->guess[h->n];

        must(h->n < GUESSES_MAX);
        if (hl_raw_recover(h->compat->api->o.secp, &g->signer, request, is_mainnet) ||
            hex_addr_equal(&g->signer, &h->signer))
                return;
        (void)text_copy(g->why, sizeof g->why, why);
        h->n++;
}

static void guess_l1(struct hint *h, const struct hl_request *request, bool is_mainnet)
{
        struct hl_request other = *request;

        guess(h, request, !is_mainnet,
              is_mainnet ? "was made for Testnet (source b); this venue is Mainnet (source a)"
                         : "was made for Mainnet (source a); this venue is Testnet (source b)");
        if (request->kind == HL_RAW_TYPED) {
                other.kind = HL_RAW_L1;
                guess(h, &other, is_mainnet,
                      "is over the action as it was sent; the venue hashes its own form of it: its "
                      "order of keys, numbers without trailing zeros, addresses in lower case");
        }
        if (request->envelope.has_vault) {
                other = *request;
                other.envelope.has_vault = false;
                guess(h, &other, is_mainnet, "leaves out the vaultAddress that was sent");
        }
        if (request->envelope.has_expires_after) {
                other = *request;
                other.envelope.has_expires_after = false;
                guess(h, &other, is_mainnet, "leaves out the expiresAfter that was sent");
        }
}

/* A wallet signs with the chain it is on, whatever the action says. */
static void guess_user(struct hint *h, const struct hl_request *request, bool is_mainnet)
{
        static const char *const chains[] = {"0x66eee", "0xa4b1", "0x1"};
        struct hl_request other = *request;
        char why[96];

        for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
                json_t *action = json_copy(hl_raw_mutable(request->action));

                must(action &&
                     json_object_set_new(action, "signatureChainId", json_string(chains[i])) == 0);
                other.action = action;
                snprintf(why, sizeof why, "was made with chain id %s, not signatureChainId",
                         chains[i]);
                guess(h, &other, is_mainnet, why);
                json_decref(action);
        }
}

/* --- whose they would be --- */

static void finish(struct hint *h, const struct guess *found)
{
        char signer[ADDR_STR_MAX], other[ADDR_STR_MAX], text[COMPAT_HINT_MAX];

        hex_print_addr(signer, &h->signer);
        if (found)
                snprintf(text, sizeof text, "%s %s%s The signature would be that of %s if it %s.",
                         h->is_user_signed ? "Must deposit before performing actions. User:"
                                           : "User or API Wallet",
                         signer, h->is_user_signed ? "." : " does not exist.",
                         hex_print_addr(other, &found->signer), found->why);
        else
                snprintf(text, sizeof text,
                         "%s %s%s Either it has no account at the venue, or something else was "
                         "signed than was sent: %s.",
                         h->is_user_signed ? "Must deposit before performing actions. User:"
                                           : "User or API Wallet",
                         signer, h->is_user_signed ? "." : " does not exist.",
                         h->is_user_signed ? "signatureChainId, hyperliquidChain, and every field "
                                             "of the action as text are signed"
                                           : "the network (source), the nonce, vaultAddress, "
                                             "expiresAfter, and the order of keys in the "
                                             "MessagePack are all signed");
        h->done(h->cookie, text);
        free(h);
}

static void look(void *hint);

static void answered(void *cookie, const struct compat_who *who)
{
        struct hint *h = cookie;

        if (who->standing == SIGNER_KNOWN)
                finish(h, &h->guess[h->next]);
        else {
                h->next++;
                look(h);
        }
}

/* First what is known, then what the venue says. */
static void look(void *hint)
{
        struct hint *h = hint;
        struct compat_who who;

        for (unsigned i = 0; h->reads == 0 && i < h->n; i++) {
                if (!compat_signer_known(h->compat, &h->guess[i].signer, &who) ||
                    who.standing != SIGNER_KNOWN)
                        continue;
                finish(h, &h->guess[i]);
                return;
        }
        if (h->next == h->n || h->reads == READS_MAX) {
                finish(h, NULL);
                return;
        }
        h->reads++;
        compat_signer_ask(h->compat, h->call, &h->guess[h->next].signer, answered, h);
}

void compat_hint_find(struct compat *compat, struct call *call, const struct hl_request *request,
                      const struct addr *signer, compat_hint_fn *done, void *cookie)
{
        const struct venue *venue = compat->api->o.venue;
        bool is_mainnet = strcmp(venue->ops->caps(venue)->network, "Mainnet") == 0;
        struct hint *h = xcalloc(1, sizeof *h);

        h->compat = compat;
        h->call = call;
        h->signer = *signer;
        h->is_user_signed = request->kind == HL_RAW_USER;
        h->done = done;
        h->cookie = cookie;
        if (request->kind == HL_RAW_USER)
                guess_user(h, request, is_mainnet);
        else
                guess_l1(h, request, is_mainnet);
        loop_post(compat->api->o.loop, look, h);
}
