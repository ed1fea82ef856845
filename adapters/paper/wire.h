/* wire: what the files of the paper venue share. Private to this folder.
 *
 * One struct paper owns everything; each part lives in its own file with its own prefix:
 *   paper_market   price process, marks, market maker      paper_candles  candles and day figures
 *   paper_funding  premium samples, hourly payments        paper_users    accounts beside the engine
 *   paper_agents   agents and builder approvals            paper_nonces   nonces per signer
 *   paper_exchange /exchange                               paper_info     /info
 *   paper_ws       subscriptions                           paper_feed     what is pushed, and when
 *   paper_faults, paper_ledger, paper_control              /paper/...
 *   paper_show     JSON of orders, fills, accounts
 * Everything that happens in the engine is gathered by the sink (paper_feed) and pushed by
 * paper_feed_flush, which every entry point calls once it is done. */
#ifndef PAPER_WIRE_H
#define PAPER_WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/paper/engine.h"
#include "adapters/paper/paper.h"
#include "adapters/paper/paper_candles.h"
#include "adapters/paper/paper_universe.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "sign/secp.h"

#define PAPER_TEXT_MAX   256 /* the venue's error texts; the engine's are shorter */
#define PAPER_BODY_MAX   (1u << 20)
#define PAPER_ANSWER_MAX (32u << 20)
#define PAPER_USERS_MAX  200000
#define PAPER_ROWS_MAX   2000 /* history rows kept per account and kind */
#define PAPER_LEVELS     20   /* of a book, as shown and as quoted */
#define PAPER_TRADES     64   /* kept per market */
#define PAPER_HOUR_MS    INT64_C(3600000)
#define PAPER_DAY_MS     INT64_C(86400000)
#define PAPER_422        "Failed to deserialize the JSON body into the target type"

/* ---- Markets ------------------------------------------------------------------------------- */

struct paper_trade {
        struct px price;
        struct qty size;
        bool is_buy; /* the aggressor's side */
        int64_t at;
        struct hash32 hash;
        uint64_t tid;
        struct addr buyer, seller;
};

struct paper_funding_row {
        int64_t at;
        struct rate rate, premium;
};
#define PAPER_FUNDING_ROWS 1000

/* How a book is shown: n_sig_figs 0: as it is; mantissa 0: 1; fast: the best levels only. */
struct paper_grid {
        unsigned n_sig_figs, mantissa;
        bool is_fast;
};

/* A market's mark and mid, as the channel of all of them told them last; mid 0: there is none. */
struct paper_fast {
        struct px mark, mid;
        bool is_mark_changed, is_mid_changed;
};

struct paper_market {
        uint64_t random;  /* state of the market's own generator */
        struct px anchor; /* the walk is drawn towards it */
        struct px oracle;
        bool is_held;  /* price set by hand: neither walk nor takers */
        int64_t basis; /* moving average of mid - oracle, 1e-8 */
        int64_t basis_at;
        /* The market maker's orders, and what each is meant to be. */
        struct engine_order_request quote[2 * PAPER_LEVELS];
        uint64_t quote_oid[2 * PAPER_LEVELS]; /* 0: not in the book */
        unsigned n_quotes;
        bool is_eaten; /* one of them is not whole */
        /* Trades, newest at (n_trades - 1) % PAPER_TRADES. */
        struct paper_trade trade[PAPER_TRADES];
        uint64_t n_trades, n_trades_pushed;
        struct paper_candles candles;
        /* Funding. */
        int64_t premium_sum;
        unsigned n_premiums;
        struct rate premium;               /* the latest sample */
        struct paper_funding_row *funding; /* ring of PAPER_FUNDING_ROWS */
        size_t n_funding;
        /* Pushing. */
        bool is_book_changed, is_bbo_changed, is_candle_changed;
        struct engine_level bbo[2];
        struct paper_fast fast;
};

/* ---- Accounts ------------------------------------------------------------------------------ */

#define PAPER_SUBS_MAX     10 /* sub-accounts of one account */
#define PAPER_SUB_NAME     17
#define PAPER_CODE         21 /* a referral code */
#define PAPER_AGENTS_NAMED 3  /* and two more for every sub-account */
#define PAPER_AGENTS_MAX   (PAPER_AGENTS_NAMED + 2 * PAPER_SUBS_MAX)
#define PAPER_BUILDERS_MAX 10
#define PAPER_AGENT_NAME   17

struct paper_agent {
        struct addr address, master;
        char name[PAPER_AGENT_NAME]; /* "" unnamed */
        int64_t valid_until;
        bool is_removed; /* stays known: an address is approved only once, ever */
};

struct paper_builder {
        struct addr address;
        unsigned fee; /* tenths of a basis point */
};

struct paper_twap_row;       /* paper_twap.h */
struct hl_multi_sig_signers; /* hl_multi_sig.h */

struct paper_row { /* of the account's ledger, without funding */
        int64_t at;
        struct hash32 hash;
        char *delta; /* JSON, owned */
};

struct paper_payment { /* funding */
        int64_t at;
        struct hash32 hash;
        uint32_t asset;
        struct usd paid; /* > 0: by the account */
        struct qty size;
        struct rate rate;
};

enum paper_mode { PAPER_MODE_STANDARD, PAPER_MODE_UNIFIED };

struct paper_user {
        struct addr address;
        /* By token, outside perps; 0 in unified mode, where all backs the perps. */
        struct usd spot[PAPER_TOKENS];
        struct usd ledger; /* deposits less withdrawals, of the first dex */
        int64_t volume_micro;
        uint64_t n_requests, n_reserved; /* used of the budget, bought on top of it */
        int64_t over_budget_at;          /* the last action that was taken beyond the budget */
        enum paper_mode mode;
        struct hl_multi_sig_signers *signers; /* NULL: acts with its own key and agents */
        bool is_sub;
        struct addr master;        /* of a sub-account */
        char name[PAPER_SUB_NAME]; /* likewise */
        struct addr sub[PAPER_SUBS_MAX];
        unsigned n_subs;
        char code[PAPER_CODE]; /* under which it refers others; "" none */
        bool is_referred;
        struct addr referrer;
        unsigned n_referred;
        struct paper_agent *agent[1 + PAPER_AGENTS_MAX]; /* slot 0: unnamed; owned by the map */
        int64_t agent_removed_at;                        /* 0: never */
        struct paper_builder builder[PAPER_BUILDERS_MAX];
        unsigned n_builders;
        int64_t cancel_all_at; /* 0: not scheduled */
        int64_t cancel_all_day;
        unsigned cancel_all_fired; /* on that day */
        struct paper_row *rows;    /* ring of PAPER_ROWS_MAX, grown as needed */
        uint64_t n_rows;
        struct paper_payment *payments;
        uint64_t n_payments;
        struct paper_twap_row *twap_rows; /* ring of PAPER_ROWS_MAX, grown as needed */
        uint64_t n_twap_rows, n_twap_rows_pushed;
        bool is_changed; /* state channels have something to push */
        struct list in_changed;
};

/* ---- What happened, until it is pushed ------------------------------------------------------- */

struct paper_events {
        struct engine_order *order;
        size_t n_orders, cap_orders;
        struct engine_fill *fill;
        size_t n_fills, cap_fills;
        struct paper_ledger_event {
                struct addr user;
                uint64_t row; /* sequence number within the user's rows */
                bool is_funding;
                bool is_liquidation;
                struct usd liquidated_notional, account_value;
        } * row;
        size_t n_rows, cap_rows;
};

/* ---- Faults ---------------------------------------------------------------------------------- */

enum paper_fault_kind {
        PAPER_FAULT_NONE,
        PAPER_FAULT_LOST_ANSWER,
        PAPER_FAULT_DELAY,
        PAPER_FAULT_429,
        PAPER_FAULT_502,
        PAPER_FAULT_CLOSE_SOCKET,
        PAPER_FAULT_SILENT_SOCKET,
        PAPER_FAULT_DUPLICATE_EVENT,
        PAPER_FAULT_REORDER_EVENTS,
        PAPER_FAULT_LATE,
        PAPER_FAULT_LOST_EVENT,
        PAPER_FAULT_RUBBISH,
        PAPER_FAULT_NO_ANSWER,
        PAPER_FAULT_CROSSED_BOOK,
        PAPER_FAULT_HALF_OPEN,
        PAPER_FAULT_KINDS,
};
enum paper_path { PAPER_PATH_ANY, PAPER_PATH_EXCHANGE, PAPER_PATH_INFO, PAPER_PATH_WS };
#define PAPER_FAULTS_MAX 32
struct paper_fault {
        enum paper_fault_kind kind;
        enum paper_path path;
        unsigned count;
        int64_t delay_ms;
};

/* ---- The venue ------------------------------------------------------------------------------- */

struct paper_ws;
struct paper_ledger;
struct paper_journal;
struct paper_twap;
struct paper_source;

struct paper {
        struct loop *loop;
        struct httpd *httpd;
        struct httpd_listener *listener;
        struct loop_timer *timer;
        struct engine *engine;
        struct secp *secp;
        bool is_mainnet, is_still, is_stopped;
        bool is_ungated, has_limits;
        struct { /* the same venue as a node beside it */
                bool is_there, is_rented, is_down;
                int64_t lag_ms;
                uint64_t requests, batches;
        } node;
        struct paper_source *source; /* NULL: synthetic */
        char *state_file;            /* NULL: none */
        bool is_ready;               /* opened as a whole: there is a state to save */
        bool is_unsaved;
        int64_t advanced_ms; /* by /paper/clock */
        int64_t last_at;     /* venue time never goes back */
        uint64_t n_hashes;
        uint64_t n_ticks;
        struct addr maker, taker; /* the house's accounts */
        struct paper_universe universe;
        struct paper_market *market; /* by asset */
        int64_t next_sample_at, next_funding_at;
        struct map *users;   /* struct addr -> struct paper_user */
        struct map *agents;  /* struct addr -> struct paper_agent */
        struct map *nonces;  /* struct addr -> struct paper_nonces */
        struct map *ips;     /* address as text -> struct paper_ip */
        struct map *codes;   /* referral code -> struct paper_user */
        struct list changed; /* struct paper_user.in_changed */
        struct paper_events events;
        struct paper_ws *ws;
        struct paper_ledger *ledger;
        struct paper_journal *journal; /* NULL: none */
        struct paper_fault fault[PAPER_FAULTS_MAX];
        unsigned n_faults;
        uint64_t n_fault_hits[PAPER_FAULT_KINDS]; /* requests and events that met one */
        bool shows_crossed;                       /* books have their sides changed over */
        struct list delayed;                      /* held back by a fault (paper_late.c) */
        struct list twaps;                        /* those that run; oldest first */
        size_t n_twaps;
        uint64_t last_twap_id, twap_random;
        struct paper_twap *twap_now; /* whose slice is being placed */
};

/* An answer on its way, over HTTP or as a WebSocket post. */
struct paper_answer {
        int status;
        bool is_text; /* plain text instead of JSON */
        struct buf body;
};
void paper_answer_init(struct paper_answer *answer);
void paper_answer_fini(struct paper_answer *answer);
/* Replaces whatever stands in the body. */
void paper_answer_text(struct paper_answer *answer, int status, const char *text);
void paper_reply(struct paper *p, struct handle request, struct paper_answer *answer);
/* The body of a request to path, from bytes to answer. */
void paper_process(struct paper *p, struct paper_answer *answer, const char *peer, const char *text,
                   size_t len, enum paper_path path);

/* What an action did. text is set when it was refused as a whole; response is what stands under
 * "response" otherwise. */
struct paper_outcome {
        struct buf response;
        char text[PAPER_TEXT_MAX];
        unsigned n_done, n_failed; /* items of a batch; 1 and 0 for a plain action */
};
struct hl_action;
struct hl_request;
int64_t paper_now(struct paper *p);      /* the venue's clock */
int64_t paper_wall_now(struct paper *p); /* the same without what /paper/clock has added */
struct hash32 paper_next_hash(struct paper *p);
bool paper_is_house(const struct paper *p, const struct addr *user);
const char *paper_coin(const struct paper *p, uint32_t asset);
/* The dex of a market, and the name of the token that backs it. */
unsigned paper_dex_of(const struct paper *p, uint32_t asset);
const char *paper_token_of(const struct paper *p, uint32_t asset);
/* Advances the venue's clock: funding of every whole hour passed, then the engine and schedules. */
void paper_advance(struct paper *p, int64_t ms);

/* paper_users */
struct paper_user *paper_users_get(struct paper *p, const struct addr *user); /* NULL: unknown */
/* Makes it where unknown; NULL when PAPER_USERS_MAX is reached. */
struct paper_user *paper_users_make(struct paper *p, const struct addr *user);
void paper_users_deposit(struct paper *p, const struct addr *user, unsigned dex, struct usd amount);
/* Appends a ledger row; delta is JSON (copied). */
void paper_users_row(struct paper *p, struct paper_user *user, const char *delta, int64_t at);
void paper_users_payment(struct paper *p, struct paper_user *user,
                         const struct paper_payment *payment);
void paper_users_changed(struct paper *p, struct paper_user *user);
void paper_users_free(void *user);
/* Scheduled cancels that are due. */
void paper_users_tick(struct paper *p, int64_t at);

/* paper_nonces: struct paper_nonces is opaque; map values are freed with free(). True when the nonce
 * was unused and in the window, and is now used; else text says why not. */
bool paper_nonces_take(struct paper *p, const struct addr *signer, uint64_t nonce,
                       char text[PAPER_TEXT_MAX]);

/* paper_agents */
struct paper_agent *paper_agents_get(const struct paper *p, const struct addr *agent);
/* Account that signer may act for now; false (with the venue's text) when there is none. */
bool paper_agents_resolve(struct paper *p, const struct addr *signer, struct addr *account,
                          char text[PAPER_TEXT_MAX]);
bool paper_agents_approve(struct paper *p, struct paper_user *user, const struct addr *agent,
                          const char *name, const int64_t *valid_until, char text[PAPER_TEXT_MAX]);
bool paper_agents_is_live(const struct paper *p, const struct paper_agent *agent, int64_t at);
bool paper_agents_approve_builder(struct paper *p, struct paper_user *user,
                                  const struct addr *builder, unsigned fee,
                                  char text[PAPER_TEXT_MAX]);
/* Approved fee in tenths of a basis point; -1: no approval. */
int paper_agents_builder_fee(const struct paper_user *user, const struct addr *builder);

/* How many named agents the account may have. */
unsigned paper_agents_named(const struct paper_user *user);

/* paper_family: sub-accounts. They trade only through vaultAddress, signed by the master or its
 * agents. */
/* The sub-account when it is one of user's, else NULL. */
struct paper_user *paper_family_sub(struct paper *p, const struct paper_user *user,
                                    const struct addr *sub);
void paper_family_run(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                      const struct hl_action *action);
/* subAccounts, or subAccounts2 with is_by_dex: an array, or null. */
void paper_family_show(struct paper *p, struct buf *out, const struct paper_user *user,
                       bool is_by_dex);

/* paper_mode: standard and unified accounts. */
/* letter: of agentSetAbstraction. */
void paper_mode_set(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                    const char *letter, size_t len);
/* userSetAbstraction, of user or one of its sub-accounts. */
void paper_mode_run(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                    const json_t *action);
const char *paper_mode_name(const struct paper_user *user); /* accepts NULL */

/* paper_referral */
void paper_referral_run(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                        const struct hl_action *action);
void paper_referral_show(struct paper *p, struct buf *out, const struct paper_user *user);

/* paper_multi_sig */
void paper_multi_sig_convert(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                             const json_t *action);
/* Whether enough authorised users signed; account is then the one that acts. */
bool paper_multi_sig_check(struct paper *p, const struct hl_request *request,
                           const struct addr *signer, struct addr *account,
                           char text[PAPER_TEXT_MAX]);
/* The inner action as a request of its own, with the wrapper's envelope; false: malformed. */
bool paper_multi_sig_inner(struct hl_request *out, const struct hl_request *request);
void paper_multi_sig_show(struct buf *out, const struct paper_user *user);

/* paper_budget: actions per address. */
void paper_budget_reserve(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                          const struct hl_action *action);
/* Whether the account may send n more items now; else text says why. Always true without limits. */
bool paper_budget_admits(struct paper *p, struct paper_user *user, const char *type, size_t n,
                         char text[PAPER_TEXT_MAX]);
int64_t paper_budget_cap(const struct paper_user *user);
void paper_budget_show(struct buf *out, const struct paper_user *user);

/* paper_market */
struct px paper_market_round(struct px price, unsigned sz_decimals, enum num_round round);
void paper_market_start(struct paper *p, uint64_t seed);
/* Moves on what is made here: walk, quotes, takers. With a source that is next to nothing. */
void paper_market_tick(struct paper *p, int64_t at);
/* Holds the price of a market, or lets it walk again (price NULL). */
void paper_market_hold(struct paper *p, uint32_t asset, const struct px *price, int64_t at);
/* Puts back what was taken from the quotes of held markets. */
void paper_market_refill(struct paper *p, int64_t at);
bool paper_market_mid(const struct paper *p, uint32_t asset, struct px *mid);
struct paper_trade *paper_market_add_trade(struct paper *p, uint32_t asset);
/* Average price at which notional could be traded; false when the book is too thin. */
bool paper_market_impact(const struct paper *p, uint32_t asset, int side, struct px *out);

/* paper_funding */
void paper_funding_tick(struct paper *p, int64_t at);
struct rate paper_funding_hourly(const struct paper *p, uint32_t asset); /* the estimate now */

/* paper_feed: the engine's sink, and pushing. */
struct engine_sink paper_feed_sink(struct paper *p);
void paper_feed_flush(struct paper *p);
/* Twice a second: books, candles; every second or slower: contexts, mids, states. */
void paper_feed_tick(struct paper *p);
void paper_feed_fini(struct paper *p);

/* paper_ws */
struct paper_ws *paper_ws_new(struct paper *p);
void paper_ws_free(struct paper_ws *ws);
const struct httpd_ws_ops *paper_ws_ops(void);
size_t paper_ws_count(const struct paper *p);
/* Closes (or silences) up to count peers, the oldest first. */
void paper_ws_close_peers(struct paper *p, unsigned count, bool silently);

/* paper_trade: typed L1 actions of an account. */
void paper_trade_run(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                     const struct hl_action *action);
/* paper_transfer: user-signed actions of the account that signed. */
void paper_transfer_run(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                        const struct hl_request *request);
/* Takes amount from the balance in a dex, or puts it there; the take is false, with the text, when so
 * much may not leave. */
bool paper_transfer_take(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                         unsigned dex, struct usd amount, const char *text);
void paper_transfer_give(struct paper *p, struct paper_user *user, unsigned dex, struct usd amount);
/* paper_send: sendAsset and agentSendAsset, between dexs, spot and accounts. */
void paper_send_run(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                    const struct hl_request *request);
void paper_exchange_refuse(struct paper_outcome *out, const char *text);
void paper_exchange_default(struct paper_outcome *out);

/* paper_exchange: the parsed body of a POST /exchange, or of a WebSocket post. */
void paper_exchange_run(struct paper *p, struct paper_answer *answer, const json_t *body);

/* paper_info */
void paper_info_run(struct paper *p, struct paper_answer *answer, const json_t *body);

/* paper_faults */
bool paper_faults_add(struct paper *p, const struct paper_fault *fault);
/* The fault that applies to a request on this path; it is counted down. */
struct paper_fault paper_faults_take(struct paper *p, enum paper_path path);
/* Of a pushed event; is_once: it never comes again, so that it can be lost. */
struct paper_fault paper_faults_take_event(struct paper *p, bool is_once, bool is_book);
bool paper_faults_take_open(struct paper *p); /* does the next socket never hear anything? */
void paper_faults_clear(struct paper *p);

/* paper_node: /node/info and /rented/info, without limits. */
void paper_node_run(struct paper *p, struct paper_answer *answer, const json_t *body, bool rented);
void paper_node_show(struct paper *p, struct buf *out);

/* paper_late: what a fault holds back. Takes the answer's body; copies the request. */
void paper_late_answer(struct paper *p, struct handle request, struct paper_answer *answer,
                       int64_t delay_ms);
void paper_late_request(struct paper *p, const struct httpd_request *request, enum paper_path path,
                        int64_t delay_ms);
void paper_late_fini(struct paper *p);

/* paper_limits: what one IP address may do. Everything is allowed unless the venue has limits. */
bool paper_limits_admit(struct paper *p, const char *peer, enum paper_path path,
                        const json_t *body);
/* Charges for what a read returned. */
void paper_limits_settle(struct paper *p, const char *peer, const json_t *body,
                         const struct paper_answer *answer);
struct paper_peer;
/* What each address has used. */
void paper_limits_show(struct paper *p, struct buf *out);
bool paper_limits_may_open(struct paper *p, const char *peer); /* a WebSocket */
void paper_limits_count(struct paper *p, const char *peer, bool is_open);
bool paper_limits_message(struct paper *p, const char *peer);
/* Whether the peer's address may follow this user, too. */
bool paper_limits_user(struct paper *p, const struct paper_peer *peer, const struct addr *user);

/* paper_control: GET and POST under /paper/. */
void paper_control_handle(struct paper *p, struct paper_answer *answer,
                          const struct httpd_request *request);

#endif
