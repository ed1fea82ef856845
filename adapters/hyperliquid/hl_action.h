/* hl_action: Hyperliquid's actions as typed values, and the one walk that turns an action into both
 * the MessagePack bytes that are hashed and the JSON that is posted. Field order in the walk is the
 * order that is hashed. Pure. Source: the venue's API reference, "exchange endpoint" and "signing". */
#ifndef HL_ACTION_H
#define HL_ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/num.h"

/* A sink for a walk: hl_msgpack and hl_json implement it. Maps and arrays announce their size. */
struct hl_emit {
        void (*map)(struct hl_emit *emit, unsigned n_pairs);
        void (*array)(struct hl_emit *emit, unsigned n);
        void (*end)(struct hl_emit *emit); /* of the map or array begun last */
        void (*key)(struct hl_emit *emit, const char *key);
        void (*text)(struct hl_emit *emit, const char *s, size_t len);
        void (*uint)(struct hl_emit *emit, uint64_t v);
        void (*sint)(struct hl_emit *emit, int64_t v);
        void (*boolean)(struct hl_emit *emit, bool v);
        void (*null)(struct hl_emit *emit);
};

/* Emitters into a buf. Embed or place on the stack; pass &x.emit to a walk. */
struct hl_msgpack {
        struct hl_emit emit;
        struct buf *out;
};
void hl_msgpack_init(struct hl_msgpack *m, struct buf *out);

#define HL_JSON_DEPTH 16
struct hl_json {
        struct hl_emit emit;
        struct buf *out;
        unsigned depth;
        bool in_map[HL_JSON_DEPTH];
        unsigned n[HL_JSON_DEPTH];
        bool after_key;
};
void hl_json_init(struct hl_json *j, struct buf *out);

enum hl_tif { HL_TIF_GTC, HL_TIF_IOC, HL_TIF_ALO, HL_TIF_FRONTEND_MARKET };
enum hl_tpsl { HL_TP, HL_SL };
enum hl_grouping { HL_GROUP_NA, HL_GROUP_NORMAL_TPSL, HL_GROUP_POSITION_TPSL };

struct hl_order {
        uint32_t asset;
        bool is_buy;
        struct px price;
        struct qty size;
        bool reduce_only;
        bool is_trigger;
        enum hl_tif tif;        /* limit orders */
        bool trigger_is_market; /* trigger orders */
        struct px trigger_price;
        enum hl_tpsl tpsl;
        bool has_cloid;
        struct cloid cloid;
};

#define HL_BATCH_MAX 200 /* items in one signed action */

struct hl_cancel {
        uint32_t asset;
        uint64_t oid;
        struct cloid cloid; /* cancelByCloid */
};

enum hl_action_type {
        HL_ORDER,
        HL_CANCEL,
        HL_CANCEL_BY_CLOID,
        HL_UPDATE_LEVERAGE,
        HL_UPDATE_ISOLATED_MARGIN,
        HL_MODIFY,
        HL_BATCH_MODIFY,
        HL_SCHEDULE_CANCEL,
        HL_TWAP_ORDER,
        HL_TWAP_CANCEL,
        HL_TOP_UP_ISOLATED_ONLY_MARGIN,
        HL_RESERVE_REQUEST_WEIGHT,
        HL_AGENT_SET_ABSTRACTION,
        HL_SET_REFERRER,
        HL_REGISTER_REFERRER,
        HL_CREATE_SUB_ACCOUNT,
        HL_SUB_ACCOUNT_MODIFY,
        HL_SUB_ACCOUNT_TRANSFER,
        HL_NOOP,
};
const char *hl_action_type_name(enum hl_action_type type);

struct hl_modify {
        bool by_cloid;
        uint64_t oid;
        struct cloid cloid;
        struct hl_order order;
};

/* An order that the venue executes in slices over minutes. */
struct hl_twap {
        uint32_t asset;
        bool is_buy;
        struct qty size;
        bool reduce_only;
        uint32_t minutes;
        bool randomize;
        bool has_details; /* with any of the two below, or none */
        bool has_trigger;
        struct px trigger_price;
        bool trigger_is_above; /* starts when the mark is above the price, else below */
        bool has_stop;
        struct px stop_price;
};

struct hl_text {
        const char *s;
        size_t len;
};

/* An L1 action. Arrays and texts are borrowed. */
struct hl_action {
        enum hl_action_type type;
        union {
                struct {
                        const struct hl_order *orders;
                        unsigned n;
                        enum hl_grouping grouping;
                        bool has_priority; /* grouping {p: n}: replaces grouping */
                        uint64_t priority;
                        bool has_builder;
                        struct addr builder;
                        uint32_t builder_fee; /* tenths of a basis point */
                } order;
                struct {
                        const struct hl_cancel *cancels;
                        unsigned n;
                        bool fast;
                } cancel; /* HL_CANCEL, HL_CANCEL_BY_CLOID */
                struct {
                        uint32_t asset;
                        bool is_cross;
                        uint32_t leverage;
                } leverage;
                struct {
                        uint32_t asset;
                        bool is_buy;
                        int64_t ntli; /* micro-dollars, signed */
                } margin;
                struct {
                        const struct hl_modify *modifies;
                        unsigned n; /* HL_MODIFY: 1 */
                        bool always_place;
                } modify;
                struct {
                        bool has_time;
                        int64_t time_ms;
                } schedule;
                struct hl_twap twap;
                struct {
                        uint32_t asset;
                        uint64_t id;
                } twap_cancel;
                struct {
                        uint32_t asset;
                        int64_t leverage; /* 1e-8 */
                } top_up;
                struct {
                        uint64_t weight;
                        bool has_destination;
                        struct addr destination;
                } reserve;
                struct hl_text word; /* abstraction, referral code, or a sub-account's name */
                struct {
                        struct addr user;
                        struct hl_text name;
                } sub_modify;
                struct {
                        struct addr user;
                        bool is_deposit;
                        uint64_t usd; /* micro-dollars */
                } sub_transfer;
        } u;
};

void hl_action_walk(const struct hl_action *action, struct hl_emit *emit);

/* Everything around the action that is hashed and posted. */
struct hl_envelope {
        uint64_t nonce;
        bool has_vault;
        struct addr vault;
        bool has_expires_after;
        uint64_t expires_after;
};

/* connectionId: keccak256(msgpack || nonce || vault marker || expiry marker). */
void hl_action_hash(struct hash32 *out, const void *msgpack, size_t len,
                    const struct hl_envelope *envelope);
/* The digest that is signed, from a connectionId: EIP-712 "Agent" in domain Exchange/1/1337. */
MUST_USE enum errc hl_phantom_digest(struct hash32 *out, const struct hash32 *connection_id,
                                     bool is_mainnet);
/* The same as typed data for eth_signTypedData_v4, as JSON. */
void hl_phantom_typed_data(struct buf *out, const struct hash32 *connection_id, bool is_mainnet);
/* Walks the action into scratch (reset first), hashes and wraps: the digest to sign. E_LIMIT. */
MUST_USE enum errc hl_l1_digest(struct hash32 *out, struct buf *scratch,
                                const struct hl_action *action, const struct hl_envelope *envelope,
                                bool is_mainnet);

#endif
