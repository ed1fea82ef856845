#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/wire.h"

/* How an account's money is kept together. Standard: spot and perps apart. Unified: one balance a
 * token, which here is that of the dex it backs; spot shows it. Portfolio margin needs more than this venue
 * has to lend. */

const char *paper_mode_name(const struct paper_user *user)
{
        return user && user->mode == PAPER_MODE_UNIFIED ? "unifiedAccount" : "disabled";
}

static void change(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                   enum paper_mode mode)
{
        user->mode = mode;
        for (unsigned dex = 0; dex < p->universe.n_dexes && mode == PAPER_MODE_UNIFIED; dex++) {
                struct usd *spot = &user->spot[p->universe.dex[dex].token];
                struct usd all = *spot;

                spot->v = 0;
                if (all.v > 0)
                        paper_transfer_give(p, user, dex, all);
        }
        paper_users_changed(p, user);
        paper_exchange_default(out);
}

static bool is_word(const char *s, size_t len, const char *letter, const char *word)
{
        return (letter && len == strlen(letter) && !memcmp(s, letter, len)) ||
               (word && len == strlen(word) && !memcmp(s, word, len));
}

static void set(struct paper *p, struct paper_outcome *out, struct paper_user *user, const char *s,
                size_t len, bool is_letter)
{
        if (is_word(s, len, is_letter ? "i" : NULL, is_letter ? NULL : "disabled"))
                change(p, out, user, PAPER_MODE_STANDARD);
        else if (is_word(s, len, is_letter ? "u" : NULL, is_letter ? NULL : "unifiedAccount"))
                change(p, out, user, PAPER_MODE_UNIFIED);
        else if (is_word(s, len, is_letter ? "p" : NULL, is_letter ? NULL : "portfolioMargin"))
                paper_exchange_refuse(out, "This venue does not offer portfolio margin.");
        else
                paper_exchange_refuse(out, "Invalid abstraction");
}

void paper_mode_set(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                    const char *letter, size_t len)
{
        set(p, out, user, letter, len, true);
}

void paper_mode_run(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                    const json_t *action)
{
        size_t len = 0;
        const char *word = hl_raw_get_text(action, "abstraction", &len);
        struct paper_user *whose = NULL;
        struct addr address;

        if (!hl_raw_get_addr(&address, action, "user"))
                whose = hex_addr_equal(&address, &user->address)
                                ? user
                                : paper_family_sub(p, user, &address);
        if (!whose || !word)
                paper_exchange_refuse(out, "Invalid abstraction");
        else
                set(p, out, whose, word, len, len == 1); /* a letter where several sign */
}
