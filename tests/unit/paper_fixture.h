/* paper_fixture: a paper venue on a real port of the test's own loop, a plain HTTP and WebSocket
 * client that turns the loop while it waits, and wallets that sign as clients do. */
#ifndef TESTS_PAPER_FIXTURE_H
#define TESTS_PAPER_FIXTURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "adapters/paper/paper.h"
#include "sign/secp.h"

struct paper_fixture {
        struct loop *loop;
        struct httpd *httpd;
        struct paper *paper;
        struct secp *secp;
        bool is_mainnet;
        int64_t last_nonce;
};

struct paper_wallet {
        uint8_t key[32];
        struct addr address;
        char hex[ADDR_STR_MAX];
};

/* Only prices set by hand move unless options say otherwise; NULL: mainnet, still, seed 7. */
void paper_fixture_open(struct paper_fixture *f, const struct paper_options *options);
void paper_fixture_close(struct paper_fixture *f);
/* The n-th wallet of this test run; the same n gives the same wallet. */
struct paper_wallet paper_fixture_wallet(const struct paper_fixture *f, unsigned n);

/* A whole HTTP exchange. status 0: the connection was closed without an answer; -1: nothing came
 * within the wait. body is owned by the caller; "" if none. head is the answer's header block. */
struct paper_reply {
        int status;
        char *head;
        char *body;
};
struct paper_reply paper_fixture_http(struct paper_fixture *f, const char *method, const char *path,
                                      const char *body, int64_t wait_ms);
void paper_fixture_reply_fini(struct paper_reply *reply);

/* POST of JSON; the answer parsed (owned), after asserting the status. */
json_t *paper_fixture_post(struct paper_fixture *f, const char *path, int status, const char *fmt,
                           ...) __attribute__((format(printf, 4, 5)));
json_t *paper_fixture_info(struct paper_fixture *f, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
json_t *paper_fixture_ledger(struct paper_fixture *f);
void paper_fixture_faucet(struct paper_fixture *f, const struct paper_wallet *w, const char *usd);
void paper_fixture_price(struct paper_fixture *f, const char *coin, const char *price);

/* How an action is signed and sent. Zero values: a fresh nonce, nothing else. */
struct paper_sending {
        uint64_t nonce;
        uint64_t expires_after;
        const char *vault;
        bool as_received;   /* hash the action's bytes as they are written, not the venue's way */
        bool is_unpadded;   /* r and s without leading zeros */
        bool other_network; /* sign for the other network */
};
uint64_t paper_fixture_nonce(struct paper_fixture *f);
/* The body of a POST /exchange with a signed L1 action; owned. */
char *paper_fixture_sign(struct paper_fixture *f, const struct paper_wallet *w, const char *action,
                         const struct paper_sending *sending);
/* Signs and posts an L1 action; the answer (owned). sending may be NULL. */
json_t *paper_fixture_act(struct paper_fixture *f, const struct paper_wallet *w,
                          const struct paper_sending *sending, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
/* Signs and posts a user-signed action given without type's companions: signatureChainId,
 * hyperliquidChain and the time field (its name given) are added. */
json_t *paper_fixture_user_act(struct paper_fixture *f, const struct paper_wallet *w,
                               const char *time_field, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
/* The text of a refusal, borrowed from the answer; "" when it is not one. */
const char *paper_fixture_refusal(const json_t *answer);
bool paper_fixture_is_ok(const json_t *answer);
/* A member by path "a.b.0.c"; NULL if absent. Borrowed. */
const json_t *paper_fixture_at(const json_t *value, const char *path);
const char *paper_fixture_text(const json_t *value, const char *path); /* "" if absent */

/* WebSocket. */
struct paper_socket;
struct paper_socket *paper_fixture_ws(struct paper_fixture *f);
void paper_fixture_ws_close(struct paper_socket *s);
void paper_fixture_ws_send(struct paper_fixture *f, struct paper_socket *s, const char *text);
/* The next frame on channel, others discarded; NULL when none came within the wait, or the peer
 * closed. Owned. */
json_t *paper_fixture_ws_next(struct paper_fixture *f, struct paper_socket *s, const char *channel,
                              int64_t wait_ms);
bool paper_fixture_ws_is_closed(const struct paper_socket *s);

#endif
