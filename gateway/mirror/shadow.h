/* shadow: one account as the mirror keeps it; private to mirror.
 * The book is what stands now. While anything happened since the last state (the log is not empty),
 * `base` keeps what that state said, and the book is always base plus the log in order of the venue's
 * time: a late event is put where it belongs, a corrected one is corrected, and both are replayed. */
#ifndef MIRROR_SHADOW_H
#define MIRROR_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hex.h"
#include "base/num.h"
#include "mirror/mirror.h"
#include "risk/margin.h"

#define SHADOW_PRICE_MAX 25 /* the venue's printed price; longer ones are computed again */

/* Of a position. */
enum {
        POSITION_RERATED = 1,         /* follows tiers that are not the market's present ones */
        POSITION_TIERS_GUESSED = 2,   /* what tiers it follows is not known */
        POSITION_SETTING_GUESSED = 4, /* mode and leverage were taken for the default */
        POSITION_PRINTED = 8,         /* liquidation holds what the venue printed ("" null) */
        POSITION_BEYOND = 16,         /* of a loss: the mark is beyond its liquidation price */
};

/* What a look at the account reads comes first. */
struct shadow_position {
        struct qty size; /* signed, not 0 */
        uint32_t market;
        uint16_t table; /* the mirror's tables */
        uint16_t leverage, max_leverage;
        uint8_t mode; /* enum margin_mode */
        uint8_t flags;
        uint8_t reached; /* isolated: bit by enum mirror_level */
        char liquidation[SHADOW_PRICE_MAX];
        struct usd entry_notional;
        struct usd raw_usd; /* isolated */
        struct usd funding; /* since open, paid > 0 */
        int64_t funded_at;  /* hour for which it was charged last, ms */
};

struct shadow_book {
        struct usd cash; /* of the cross account: its value less that of its positions */
        uint32_t n, cap;
        struct shadow_position *position; /* by market, ascending */
};

/* A symbol's mode and leverage without a position. */
struct shadow_setting {
        uint32_t market;
        uint16_t leverage;
        uint8_t mode;
        int64_t at; /* wall ms: when it was read, or done by us */
};

struct shadow_order {
        uint64_t oid;
        struct px price, trigger_price;
        struct qty size, original_size;
        int64_t placed_at;
        int64_t status_at; /* the venue's time of the newest status; 0 */
        int64_t known_at;  /* wall ms: since when it is known here */
        uint32_t market;
        struct cloid cloid;
        uint8_t side, trigger;
        bool has_cloid, reduce_only, is_trigger, is_position_tpsl, trigger_is_market,
                waits_for_parent;
        bool is_fired_unsaid; /* it was triggered, and nobody could say by what */
        char tif[20];
};
/* An order that went: a list asked for before it did may still name it. */
struct shadow_gone {
        uint64_t oid;
        int64_t at;
        bool is_fired_unsaid; /* as it was when it went */
};
#define SHADOW_GONE_MAX 32

enum shadow_effect_kind { EFFECT_FILL, EFFECT_FUNDING, EFFECT_TRANSFER, EFFECT_LEVERAGE };
/* What happened after the base. */
struct shadow_effect {
        int64_t at;       /* the venue's time; of our own actions wall ms of the outcome */
        int64_t known_at; /* wall ms */
        uint64_t order;   /* of arrival: breaks ties of at */
        uint64_t tid;
        uint32_t market;
        uint8_t kind;
        bool is_ours;  /* at is not the venue's */
        bool is_exact; /* nothing of it was estimated */
        bool is_taker;
        bool is_claimed; /* FILL: an outcome of ours has accounted for it */
        /* LEVERAGE: as set. FILL: what a position that it opens has; leverage 0: as is set then. */
        uint8_t mode;
        uint16_t leverage;
        int64_t sent_at;   /* TRANSFER, LEVERAGE: wall ms; it was done between then and at */
        struct qty size;   /* FILL: signed. FUNDING: position it was charged on */
        struct px price;   /* FILL */
        struct usd amount; /* FILL: fee. FUNDING: < 0 paid. TRANSFER: into the position */
        unsigned builder_tenth_bp;
        /* What it found: filled in by the replay. */
        struct qty size_before;
        struct usd margin_before; /* of an isolated position */
        struct usd realized;
        struct usd cash_moved; /* of the cross account, by this effect */
};
#define SHADOW_LOG_MAX 64

/* A liquidation that was told or is suspected, and whose result is not yet read. */
struct shadow_loss {
        int64_t at;
        int64_t from;              /* fills from then on, or that came after `order`, may be its */
        uint64_t order;            /* of arrival */
        bool is_certain;           /* told */
        struct shadow_book before; /* as it was just before */
        int64_t value_before;      /* of the cross account, usd units */
};

/* What went otherwise than by us, as positions: raw_usd is the margin that went with it. */
struct shadow_past {
        int64_t at; /* wall ms: of the state that showed it */
        struct shadow_book gone;
};

struct shadow;
struct suspicion;
size_t suspicion_bytes(const struct shadow *s);

enum { TOPIC_FILLS_LIVE = 1, TOPIC_STATE_LIVE = 2, TOPIC_ORDERS_LIVE = 4 };

struct shadow {
        /* What each mark that concerns the account needs comes first: SHADOW_HOT_BYTES. */
        struct shadow_book book;
        uint32_t doubts; /* those that don't follow from the rest */
        uint32_t slot;   /* what ticks knows it by */
        uint8_t dex;
        uint8_t pool;
        uint8_t topics;
        uint8_t reached;               /* cross account: bit by enum mirror_level */
        uint8_t rank, parts, failures; /* needs, as the next ones */
        bool is_waited_for, is_taken, has_gap;
        bool fees_known, orders_known, is_drifted;
        bool has_reserved; /* a leverage set since makes it void; see shadow_reserved */
        bool is_least;     /* reserved is at least so much */
        int32_t attended;
        uint32_t heap_at; /* place in the heap of rank, or SHADOW_NOT_DUE */
        uint32_t n_orders, cap_orders;
        struct shadow_order *order;
        int64_t due_at, taken_at, verify_at, retry_at;
        int64_t state_at;     /* the venue's time of the last state; 0: never read */
        int64_t asked_at;     /* wall ms: when the last state was asked for */
        int64_t confirmed_at; /* wall ms: when it came */
        int64_t covered_at;   /* wall ms: its own topics are whole since */
        int64_t orders_at;

        struct addr user;
        uint32_t watchers;
        uint32_t n_sent; /* our actions under way */
        struct rate taker, maker;
        int64_t doubt_at; /* wall ms: the newest of them */
        int64_t orders_doubt_at;
        int64_t fills_proven_at, orders_proven_at; /* wall ms, of these alone */
        uint64_t adopted_order; /* when the last state was taken over, among the events */

        struct shadow_book *base; /* NULL while the log is empty */
        struct shadow_effect *log;
        uint32_t n_log, cap_log;
        uint32_t n_settings, cap_settings;
        struct shadow_setting *setting; /* by market, ascending */
        struct shadow_gone *gone;
        struct shadow_loss *loss;
        struct shadow_past *past;
        struct suspicion *suspicion; /* newest first; the mirror's to free */
        uint32_t *ticked;            /* markets whose thresholds are set, ascending */
        uint32_t n_gone, n_ticked, cap_ticked;

        int64_t folded_at; /* the base holds effects up to here: older states can't be used */
        int64_t as_of;     /* the venue's time of the newest thing in it */
        int64_t clean_at;  /* wall ms: when the last state that it was corrected by came */
        int64_t orders_asked_at;
        struct usd reserved; /* by resting orders, as the last state has it */
        int64_t drift_from;
};
#define SHADOW_HOT_BYTES offsetof(struct shadow, user)
#define SHADOW_NOT_DUE   UINT32_MAX

/* ---- shadow.c: what an account holds ---- */
void shadow_fini(struct shadow *s);
size_t shadow_bytes(const struct shadow *s);
struct shadow_position *shadow_position(struct shadow_book *book, uint32_t market); /* or NULL */
/* Puts in or overwrites; borrowed until the book changes. */
struct shadow_position *shadow_position_put(struct shadow_book *book,
                                            const struct shadow_position *position);
void shadow_position_drop(struct shadow_book *book, uint32_t market);
void shadow_book_copy(struct shadow_book *to, const struct shadow_book *from);
void shadow_book_move(struct shadow_book *to, struct shadow_book *from);
void shadow_book_fini(struct shadow_book *book);
const struct shadow_setting *shadow_setting(const struct shadow *s, uint32_t market); /* or NULL */
void shadow_setting_put(struct shadow *s, const struct shadow_setting *setting);
void shadow_setting_drop(struct shadow *s, uint32_t market);

/* ---- shadow_order.c: resting orders ---- */
struct shadow_order *shadow_order(struct shadow *s, uint64_t oid); /* or NULL */
/* False: there are as many as are kept. */
bool shadow_order_put(struct shadow *s, const struct shadow_order *order);
void shadow_order_drop(struct shadow *s, uint64_t oid, int64_t now);
/* Whether it is known to have gone after that wall time. */
bool shadow_order_gone_since(const struct shadow *s, uint64_t oid, int64_t since);
/* Whether one that went was triggered by what is not told yet; true once. */
bool shadow_order_take_unsaid(struct shadow *s, uint64_t oid);
bool shadow_order_on(const struct shadow *s, uint32_t market);

/* ---- shadow_apply.c: effects ---- */
/* What applying needs to know of markets. */
struct shadow_rules {
        const struct margin_table *table; /* by number */
        const struct shadow_market_rule *(*market)(const void *cookie, uint32_t market);
        const void *cookie;
};
struct shadow_market_rule {
        uint16_t table;
        uint16_t default_leverage;
        uint8_t default_mode;
};
/* Adds an effect in its place; the book follows. False: out of range, nothing is kept. *folded tells
 * that the oldest had to be folded into the base. */
bool shadow_apply(struct shadow *s, const struct shadow_effect *effect,
                  const struct shadow_rules *rules, bool *folded);
/* The book again from base and log, after a change of an effect in the log. */
void shadow_replay(struct shadow *s, const struct shadow_rules *rules);
/* One effect on a book. E_RANGE: the book is as it was. */
MUST_USE enum errc shadow_apply_to(struct shadow_book *book, const struct shadow *s,
                                   struct shadow_effect *effect, const struct shadow_rules *rules);
struct shadow_effect *shadow_find_trade(struct shadow *s, uint32_t market, uint64_t tid, bool buys);
struct shadow_effect *shadow_find_funding(struct shadow *s, uint32_t market, int64_t hour_at);
void shadow_drop_effect(struct shadow *s, struct shadow_effect *effect);

/* ---- shadow_value.c: the book at given marks ---- */
struct shadow_value {
        struct margin_cross cross;
        struct usd account_value, margin_used, notional, raw_usd; /* isolated included */
};
typedef struct px shadow_mark_fn(const void *cookie, uint32_t market);
struct shadow_marks {
        shadow_mark_fn *mark;
        const void *cookie;
};
/* The position as the margin rules take it. */
MUST_USE enum errc shadow_value_position(struct margin_position *out,
                                         const struct shadow_position *position, struct px mark,
                                         const struct margin_table *tables);
MUST_USE enum errc shadow_value_book(struct shadow_value *out, const struct shadow_book *book,
                                     const struct shadow_marks *marks,
                                     const struct margin_table *tables);
/* What resting orders reserve. *unknown counts the markets where that is not certain: no leverage
 * known, or a case whose figure the venue does not publish. */
MUST_USE enum errc shadow_value_resting(struct usd *out, unsigned *unknown, const struct shadow *s);
/* The same; what is not known of it by what the venue itself held back at the last state, as long as nothing
 * came since. */
MUST_USE enum errc shadow_reserved(struct usd *out, unsigned *unknown, const struct shadow *s);

#endif
