/* store: the embedded database (SQLite: WAL, synchronous=FULL) behind typed operations, run on a
 * thread of its own with group commit: all operations taken from the mailbox at once share one
 * fsync, and done() fires after it. SQL stays inside this folder; another engine implements the same
 * header. Records are copied in on submission. Loop thread only.
 * When the disk refuses, every waiting and later write fails with E_STORE_DOWN until it works again
 * (store_is_up), and nothing that was acknowledged is lost. Intents of requests that reduce risk, and the
 * outcomes of all, go on in the reserve (store_reserve.h), which was allocated in advance: to their callers
 * nothing differs. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hex.h"
#include "loop/loop.h"

struct store;

#define STORE_BRAND_MAX 32
#define STORE_BLOB_MAX  (256 * 1024)

/* Opens or creates file (":memory:" for tests), brings the schema up to date. NULL with err. */
struct store *store_open(struct loop *loop, const char *file, struct err *err);
void store_close(struct store *store); /* finishes what is queued; accepts NULL */
bool store_is_up(const struct store *store);
struct loop *store_loop(const struct store *store); /* the loop it was opened on; borrowed */

/* After the commit is on disk. May be NULL where nobody asks. E_STORE_DOWN: nothing was written. */
typedef void store_done(void *cookie, enum errc rc);

/* Small synchronous operations, for start-up and a reload. The wrapped key blob of a brand; E_NOT_FOUND.
 * Saving one adds a record to the brand's audit log. */
MUST_USE enum errc store_brand_key_load(struct store *store, const char *brand, uint8_t *blob,
                                        size_t cap, size_t *len);
MUST_USE enum errc store_brand_key_save(struct store *store, const char *brand, const uint8_t *blob,
                                        size_t len);

/* Whose keys there are, at most cap; E_LIMIT when there are more. */
MUST_USE enum errc store_brand_key_list(struct store *store, char (*brand)[STORE_BRAND_MAX],
                                        unsigned cap, unsigned *n);
/* Replaces all of them in one transaction: each brand[i]'s by the len bytes at blobs + i * len. E_NOT_FOUND
 * when one is not there, and nothing is changed then. */
MUST_USE enum errc store_brand_key_replace(struct store *store,
                                           const char (*brand)[STORE_BRAND_MAX],
                                           const uint8_t *blobs, size_t len, unsigned n);

/* --- accounts, sessions --- */
struct store_account {
        char brand[STORE_BRAND_MAX];
        struct addr address;
        char terms_version[32];
        int64_t terms_at; /* 0: not accepted */
        int64_t created_at;
        bool has_agent; /* the current agent */
        struct addr agent;
        char agent_name[64];
        uint8_t agent_sealed[128];
        size_t agent_sealed_len;
        bool agent_approved;
        int64_t agent_valid_until;     /* 0: not known */
        uint64_t agent_nonce;          /* the nonce its approval typed data names */
        uint64_t builder_nonce;        /* likewise for the builder fee; 0: none pending */
        unsigned builder_fee_tenth_bp; /* approved, as last confirmed by the venue */
        struct addr builder;           /* for whom; zero: for nobody */
        bool has_next;                 /* a successor of the current agent, not approved yet */
        struct store_agent {
                struct addr address;
                char name[64];
                uint8_t sealed[128];
                size_t sealed_len;
                int64_t valid_until;
                uint64_t nonce;
        } next;
};
typedef void store_account_fn(void *cookie, enum errc rc, const struct store_account *account);
/* E_NOT_FOUND in the callback. */
void store_account_get(struct store *store, const char *brand, const struct addr *address,
                       store_account_fn *done, void *cookie);
/* Makes or replaces the account, and raises the highest nonce of its wallet to those that its pending
 * approvals name. Agents that are neither its current one nor its successor any more are
 * retired: their sealed keys are erased; one that was ever retired, or is another account's, is E_EXISTS. */
void store_account_put(struct store *store, const struct store_account *account, store_done *done,
                       void *cookie);

struct store_session {
        uint8_t token_hash[32];
        char brand[STORE_BRAND_MAX];
        struct addr address;
        int64_t created_at;
        int64_t expires_at;
};
typedef void store_session_fn(void *cookie, enum errc rc, const struct store_session *session);
void store_session_put(struct store *store, const struct store_session *session, store_done *done,
                       void *cookie);
void store_session_get(struct store *store, const uint8_t token_hash[32], store_session_fn *done,
                       void *cookie);
void store_session_delete(struct store *store, const uint8_t token_hash[32], store_done *done,
                          void *cookie);

/* --- nonces: the highest ever reserved by a signer. store_intent_insert and store_intent_update
 * raise it, in the same transaction, to the highest nonce among the intent's steps; store_account_put to
 * those of the wallet's approvals. --- */
/* 0: none yet. next: the lowest of those at or above the bound, 0: none. */
typedef void store_nonce_fn(void *cookie, enum errc rc, uint64_t highest, uint64_t next);
/* below: when the highest is not below it, the highest of those that are. 0: no bound. */
void store_nonce_get(struct store *store, const struct addr *signer, uint64_t below,
                     store_nonce_fn *done, void *cookie);

/* --- intents: written before any bytes leave, updated when the venue has answered --- */
enum intent_state { INTENT_RESERVED, INTENT_SENT, INTENT_DONE, INTENT_REJECTED, INTENT_UNKNOWN };
const char *intent_state_name(enum intent_state state);

#define INTENT_STEPS_MAX  80 /* a batch: leverage, order, margin and put-back each */
#define INTENT_ORDERS_MAX 3
struct store_intent_step {
        char action[16]; /* setLeverage, order, adjustMargin, cancel, approve, modify */
        enum intent_state state;
        uint64_t nonce; /* 0: not reserved yet */
        uint64_t expires_after;
        struct hash32 digest; /* of what is signed; zero when the nonce is not reserved */
};
struct store_intent_order {
        struct cloid cloid;
        uint64_t oid;
        char role[8]; /* order, tp, sl */
};
struct store_intent {
        struct cloid id; /* of the intent: its first order's cloid, or random */
        char brand[STORE_BRAND_MAX];
        struct addr account;
        bool has_master; /* the account is a sub-account of this wallet */
        struct addr master;
        struct addr signer;
        bool has_key; /* an API key asked for it: on insert; a read leaves it unset */
        uint8_t key[16];
        char kind[16]; /* order, leverage, margin, cancel, close, approve */
        char symbol[32];
        char client_id[64];
        char idempotency_key[128]; /* "" none; unique per brand and account, for a day */
        bool is_own_key;           /* the gateway's, not a trader's: for good; on insert */
        uint8_t request_digest[32];
        int64_t created_at;
        int64_t updated_at;
        enum intent_state state;
        char owner[32]; /* fence: the node that owns it, and its epoch */
        uint64_t epoch;
        unsigned n_steps;
        struct store_intent_step step[INTENT_STEPS_MAX];
        unsigned n_orders;
        struct store_intent_order order[INTENT_ORDERS_MAX];
        /* On insert: may be recorded in the reserve while the database takes no writes. Not kept. */
        bool reduces_risk;
        /* Borrowed on put, owned by the callee's frame on get: the request as received and the answer
         * that was given (JSON), NULL while there is none. */
        const char *request;
        const char *answer;
        int answer_status;
        /* What the steps ask, and their signed bytes (journal/letter.h); borrowed and owned as those
         * are. On disk until the intent is final, then erased. */
        const void *letters;
        size_t letters_len;
};
typedef void store_intent_fn(void *cookie, enum errc rc, const struct store_intent *intent);
/* E_EXISTS when the idempotency key is taken, or the client id (of an order), or the id or a cloid:
 * look it up by key first, then by client id. E_TOO_LARGE for a request above STORE_BLOB_MAX,
 * E_RANGE for a number above INT64_MAX, E_INTERNAL for a nonce that its signer has used before. */
void store_intent_insert(struct store *store, const struct store_intent *intent, store_done *done,
                         void *cookie);
/* Replaces state, steps, orders' oids, answer (NULL leaves the one that is there), updated_at, owner
 * and epoch, and the letters unless they are NULL. E_NOT_FOUND; E_FORBIDDEN when a node of a later epoch
 * has taken it over. */
void store_intent_update(struct store *store, const struct store_intent *intent, store_done *done,
                         void *cookie);
/* By a key of the gateway's own, or a trader's that was not swept yet. */
void store_intent_by_key(struct store *store, const char *brand, const struct addr *account,
                         const char *idempotency_key, store_intent_fn *done, void *cookie);
/* By a trader's key that is less than a day old. */
void store_intent_by_live_key(struct store *store, const char *brand, const struct addr *account,
                              const char *idempotency_key, int64_t now, store_intent_fn *done,
                              void *cookie);
/* By the id of the intent or the cloid of one of its orders. */
void store_intent_by_cloid(struct store *store, const char *brand, const struct addr *account,
                           const struct cloid *cloid, store_intent_fn *done, void *cookie);
void store_intent_by_client_id(struct store *store, const char *brand, const struct addr *account,
                               const char *client_id, store_intent_fn *done, void *cookie);
/* Those not final, oldest first: each is called once per intent, done after the last. For recovery. */
void store_intent_open(struct store *store, store_intent_fn *each, store_done *done, void *cookie);

/* --- orders, by the intents that placed them --- */
struct store_order {
        bool is_known; /* the cloid is that of an order that was journaled; else nothing below is set */
        char role[8];       /* order, tp, sl */
        char client_id[64]; /* of the intent; "" none */
        struct cloid first; /* of the intent's first order: the one that a leg came with */
};
/* As many as were asked for, in that order; borrowed for the call. */
typedef void store_order_fn(void *cookie, enum errc rc, const struct store_order *orders, size_t n);
void store_order_lookup(struct store *store, const char *brand, const struct addr *account,
                        const struct cloid *cloids, size_t n, store_order_fn *done, void *cookie);

/* Each account whose orders are among the latest intents, once; then done. */
struct store_owner {
        char brand[STORE_BRAND_MAX];
        struct addr account;
        struct addr wallet; /* the account itself, or the master of a sub-account */
};
typedef void store_owner_fn(void *cookie, const struct store_owner *owner);
void store_order_owners(struct store *store, store_owner_fn *each, store_done *done, void *cookie);

/* --- audit: append-only --- */
void store_audit(struct store *store, const char *brand, const char *actor, const char *action,
                 const char *detail, int64_t at, store_done *done, void *cookie);

struct store_stats {
        uint64_t commits, operations, failures;
        uint64_t reserve_records; /* in the reserve, not taken over yet */
        uint64_t reopened;        /* times the file was read anew after a failed sync or read */
        unsigned reserve_pages;   /* free in the reserve; 0: there is none, or it is used up */
        unsigned queued, log_frames;
        int64_t down_since; /* wall ms; 0: up */
};
void store_stats(const struct store *store, struct store_stats *out);
/* Why it is down, as a sentence; NULL while it is up. */
const char *store_down_reason(const struct store *store);

#endif
