/* paper: a venue of our own that speaks Hyperliquid's wire protocol over real sockets: POST /info,
 * POST /exchange, /ws, and control routes under /paper/ for demonstrations and tests. It is a venue:
 * it recovers signers, keeps nonces, agents and builder approvals, and trades through
 * paper/engine.h. It lives on the caller's loop, embedded or alone (perpgate-paper).
 * Loop thread only. */
#ifndef PAPER_PAPER_H
#define PAPER_PAPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hex.h"
#include "base/num.h"
#include "edge/httpd.h"
#include "loop/loop.h"

struct paper;

struct paper_options {
        const char *address;   /* numeric; NULL: 127.0.0.1 */
        uint16_t port;         /* 0 picks a free one */
        uint64_t seed;         /* of the synthetic market */
        const char *meta_file; /* a captured universe, or NULL for the built-in one */
        bool is_mainnet;       /* which network signatures must name */
        bool has_limits;       /* requests are limited per IP address and per account */
        bool is_ungated;       /* no traded volume is asked for (sub-accounts, scheduled cancels) */
        bool has_node;         /* the venue answers at /node/info too, as a node beside it */
        bool is_rented;        /* and at /rented/info, as a rented one */
        bool is_still; /* prices move only through /paper/price, and nobody trades but traders */
        /* Where prices come from: at most one of them; neither: made here from the seed. */
        const char *replay_file; /* a recording, as FORMAT.md describes it */
        unsigned speed;          /* of the replay; 0: 1 */
        const char *live_url;    /* another venue's public socket, ws:// or wss:// */
        int64_t stale_ms;        /* live: a market silent for so long is not quoted; 0: 15,000 */
        /* Loaded at the start where it exists, saved by paper_stop and POST /paper/state/save; NULL:
         * nothing is kept. */
        const char *state_file;
        /* Grows by a line for each action and each fill (README.md); NULL: none. */
        const char *journal_file;
};

/* Opens the venue and its port; NULL (with err) when the universe or the port can't be had. */
struct paper *paper_open(struct loop *loop, struct httpd *httpd,
                         const struct paper_options *options, struct err *err);
uint16_t paper_port(const struct paper *paper);
/* Shutting down takes three calls, because the port belongs to httpd and its last callbacks still name
 * the venue: paper_stop (timers end, nothing is sent any more, requests get 503), httpd_free,
 * paper_close. Both accept NULL. */
void paper_stop(struct paper *paper);
void paper_close(struct paper *paper);

/* After paper_stop: whether the state, where it is kept, was saved. */
bool paper_is_saved(const struct paper *paper);

/* A deposit, as the faucet route makes it: the account exists afterwards. */
void paper_fund(struct paper *paper, const struct addr *user, struct usd amount);
/* Whether money has ever reached it, also before the venue was saved and loaded. */
bool paper_knows(const struct paper *paper, const struct addr *user);

#endif
