/* hl_raw: what somebody else wrote in Hyperliquid's wire format, turned into checked values: posted
 * requests, actions typed and untyped, user-signed actions, signatures. Used by the paper venue, the
 * compatible API and the signing driver; the venue's own answers are loaded here too. Pure. */
#ifndef HL_RAW_H
#define HL_RAW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hex.h"
#include "base/num.h"
#include "adapters/hyperliquid/hl_action.h"
#include "sign/eip712.h"
#include "sign/secp.h"

/* ---- Loading ------------------------------------------------------------------------------ */

#define HL_RAW_DEPTH_MAX 16 /* nesting of arrays and objects in one text */

/* Parses a whole JSON text. Refused (NULL, err says where): trailing bytes, invalid UTF-8, duplicate
 * keys, NUL in a string, nesting above HL_RAW_DEPTH_MAX, integers outside int64 and uint64.
 * Integers above 2^63-1, which jansson can't hold, are carried exactly: as a string whose first byte
 * is NUL, which no other loaded string can contain. Read integers with hl_raw_get_uint or
 * hl_raw_uint and texts with hl_raw_get_text, and the carrier never shows. */
json_t *hl_raw_load(const char *text, size_t len, struct err *err);

/* Values. E_SYNTAX when absent, null or of another type or range. */
MUST_USE enum errc hl_raw_uint(uint64_t *out, const json_t *value);
MUST_USE enum errc hl_raw_int(int64_t *out, const json_t *value);
/* The text of a string value, borrowed; NULL when it is not a text. len may be NULL. */
const char *hl_raw_text(const json_t *value, size_t *len);

/* Members of an object, likewise. */
MUST_USE enum errc hl_raw_get_uint(uint64_t *out, const json_t *object, const char *key);
MUST_USE enum errc hl_raw_get_int(int64_t *out, const json_t *object, const char *key);
MUST_USE enum errc hl_raw_get_bool(bool *out, const json_t *object, const char *key);
MUST_USE enum errc hl_raw_get_addr(struct addr *out, const json_t *object, const char *key);
const char *hl_raw_get_text(const json_t *object, const char *key, size_t *len);
/* True when the key is absent or null. */
bool hl_raw_is_absent(const json_t *object, const char *key);

/* The same value for jansson's iterators, which read but ask for a pointer they may write through. */
json_t *hl_raw_mutable(const json_t *value);

/* Emits any value, keys in the order received: what a client hashed. E_SYNTAX for a number that is
 * not an integer (floats are never hashed) and for nesting above HL_RAW_DEPTH_MAX. */
MUST_USE enum errc hl_raw_walk(const json_t *value, struct hl_emit *emit);

/* ---- Kinds of action ---------------------------------------------------------------------- */

enum hl_raw_kind {
        HL_RAW_UNKNOWN, /* no action of the venue has this name: HTTP 422 there */
        HL_RAW_TYPED,   /* hl_raw_action parses it */
        HL_RAW_L1,      /* a known L1 action that has no typed form here */
        HL_RAW_USER,    /* user-signed: hl_raw_user_digest */
        HL_RAW_MULTI_SIG,
};
enum hl_raw_kind hl_raw_kind(const char *type);

/* ---- L1 actions, typed -------------------------------------------------------------------- */

/* An action and the arrays it borrows. Its texts stay the parsed JSON's. */
struct hl_owned_action {
        struct hl_action action;
        struct hl_order *orders;
        struct hl_cancel *cancels;
        struct hl_modify *modifies;
};

/* Parses an action of kind HL_RAW_TYPED strictly: unknown fields refused, types checked, numbers and
 * addresses canonicalised, so that walking the result gives the venue's own encoding. Values are
 * not judged (a size of 0, a negative price, an empty batch pass): that is the venue's engine.
 * Optional fields may be null. E_INVALID for another type of action, E_SYNTAX, E_RANGE for a number
 * that does not fit, E_LIMIT for more than HL_BATCH_MAX items. *out is NULL on error. */
MUST_USE enum errc hl_raw_action(struct hl_owned_action **out, const json_t *action,
                                 struct err *err);
void hl_raw_action_free(struct hl_owned_action *owned); /* accepts NULL */

/* ---- User-signed actions ------------------------------------------------------------------ */

#define HL_USER_FIELDS_MAX 12

struct hl_user_field {
        const char *name;
        const char *solidity_type;
};
struct hl_user_type {
        const char *type; /* "withdraw3" */
        const char *name; /* primary type after "HyperliquidTransaction:": "Withdraw" */
        unsigned n;
        struct hl_user_field field[HL_USER_FIELDS_MAX]; /* in the order that is hashed */
};
/* NULL when the type is not user-signed. Static. */
const struct hl_user_type *hl_raw_user_type(const char *type);

/* Digest of a posted user-signed action, by its type: the fields of the table and no others, plus
 * type and signatureChainId. agentName may be absent (""). Texts are hashed as they are written.
 * E_INVALID for another type, E_SYNTAX. */
MUST_USE enum errc hl_raw_user_digest(struct eip712_result *out, const json_t *action,
                                      struct err *err);
/* The same with the primary type ("HyperliquidTransaction:UsdSend") and types ([[name, solidity
 * type], ...]) given; other fields of the action are not looked at. */
MUST_USE enum errc hl_raw_user_digest_as(struct eip712_result *out, const json_t *action,
                                         const char *primary_type, const json_t *types,
                                         struct err *err);

/* What the user-signed actions say. E_SYNTAX. */
struct hl_user_agent {     /* approveAgent */
        struct addr agent; /* zero: removes */
        char name[64];     /* without the suffix; "" unnamed */
        bool has_valid_until;
        int64_t valid_until; /* ms, from " valid_until {ms}" */
        uint64_t nonce;
};
struct hl_user_builder { /* approveBuilderFee */
        struct addr builder;
        unsigned fee_tenth_bp; /* of "0.1%": 100 */
        uint64_t nonce;
};
struct hl_user_transfer { /* usdSend, withdraw3 */
        struct addr destination;
        struct usd amount;
        uint64_t time;
};
struct hl_user_class_transfer { /* usdClassTransfer */
        struct usd amount;
        bool to_perp;
        bool has_sub_account;
        struct addr sub_account;
        uint64_t nonce;
};
MUST_USE enum errc hl_raw_user_agent(struct hl_user_agent *out, const json_t *action);
MUST_USE enum errc hl_raw_user_builder(struct hl_user_builder *out, const json_t *action);
MUST_USE enum errc hl_raw_user_transfer(struct hl_user_transfer *out, const json_t *action);
MUST_USE enum errc hl_raw_user_class_transfer(struct hl_user_class_transfer *out,
                                              const json_t *action);

/* ---- Requests ----------------------------------------------------------------------------- */

struct hl_request {
        const json_t *action; /* borrowed from the body */
        const char *type;     /* borrowed from the action */
        enum hl_raw_kind kind;
        struct hl_envelope envelope;
        struct signature signature;
};

/* {r, s, v}; r and s may lack leading zeros. E_SYNTAX. */
MUST_USE enum errc hl_raw_signature(struct signature *out, const json_t *value, struct err *err);

/* Parses what is posted to /exchange. vaultAddress (with or without "0x") and expiresAfter may be
 * absent or null; r and s may lack leading zeros; unknown members are refused. For a user-signed
 * action the nonce or time inside must equal the request's. E_SYNTAX, E_INVALID for the latter. */
MUST_USE enum errc hl_raw_request(struct hl_request *out, const json_t *body, struct err *err);

/* Who signed it. A typed action is re-encoded the venue's way first, so odd key order or "50000.0"
 * recovers a stranger, as it does there; other L1 actions are hashed as received. Of a multi-sig
 * wrapper it is the leader. E_CRYPTO when no signer can be recovered, E_INVALID for another network's
 * hyperliquidChain or an unknown type, else the errors of hl_raw_action, hl_raw_user_digest and
 * hl_multi_sig_read. */
MUST_USE enum errc hl_raw_recover(const struct secp *secp, struct addr *signer,
                                  const struct hl_request *request, bool is_mainnet);

#endif
