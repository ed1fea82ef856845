/* hl_feed_state: what the files of the feed share. A topic is what the gateway wants; a wire is one
 * subscription at the venue; a topic has one or several of them, each on a connection. Topics, wires
 * and connections are made and freed by the pump alone (hl_feed.c), a turn of its own: frames and
 * callbacks only change their state, so nothing goes away under whoever walks a list.
 * Private to hl_feed*.c and its fuzz target. */
#ifndef HL_FEED_STATE_H
#define HL_FEED_STATE_H

#include <jansson.h>

#include "adapters/feed_ops.h"
#include "adapters/hyperliquid/hl_budget.h"
#include "adapters/hyperliquid/hl_feed.h"
#include "base/list.h"
#include "base/map.h"
#include "loop/loop.h"
#include "loop/ws_client.h"

#define HL_FEED_ROWS       256 /* market rows told in one event */
#define HL_FEED_DEXES_MAX  64
#define HL_FEED_DEX_MAX    16
#define HL_FEED_DETAIL_MAX 48

/* What the venue offers. Its userEvents stand twice: read for the liquidations in it, which say whose they
 * are, and word by word, where nothing does. */
enum hl_feed_type {
        HL_FEED_ALL_CONTEXTS,
        HL_FEED_DEX_CONTEXTS,
        HL_FEED_CONTEXT,
        HL_FEED_FILLS,
        HL_FEED_FUNDINGS,
        HL_FEED_EVENTS,
        HL_FEED_EVENTS_ALONE,
        HL_FEED_ALL_STATES,
        HL_FEED_STATE,
        HL_FEED_ORDERS,
        HL_FEED_ORDER_UPDATES,
        HL_FEED_TRADES,
        HL_FEED_BOOK,
        HL_FEED_BBO,
        HL_FEED_CANDLE,
        HL_FEED_MIDS,
        HL_FEED_SPOT_CONTEXTS,
        HL_FEED_FAST_CONTEXTS,
        HL_FEED_OUTCOMES,
        HL_FEED_LEDGER,
        HL_FEED_PAST_ORDERS,
        HL_FEED_SPOT_STATE,
        HL_FEED_SETTING,
        HL_FEED_WEB_DATA,
        HL_FEED_NOTIFICATION,
        HL_FEED_TWAP_STATES,
        HL_FEED_TWAP_FILLS,
        HL_FEED_TWAP_HISTORY,
};
#define HL_FEED_TYPES 28

/* In this order they are subscribed to, and get what room there is. */
enum hl_feed_class { HL_FEED_FIRST, HL_FEED_USERS, HL_FEED_PUBLIC, HL_FEED_WATCHED };
#define HL_FEED_CLASSES 4

/* Names one subscription; every byte counts, padding included. */
struct hl_feed_key {
        uint32_t type;
        char name[SYMBOL_MAX];           /* coin or dex, "" */
        char detail[HL_FEED_DETAIL_MAX]; /* a candle's interval; other options as they are sent */
        struct addr user;
};

enum hl_feed_wire_state {
        HL_FEED_WAITING, /* to be asked for */
        HL_FEED_ASKED,
        HL_FEED_HELD, /* the venue said yes */
        HL_FEED_REFUSED,
        HL_FEED_LEAVING, /* to be given up */
        HL_FEED_LEFT,    /* the venue was told, and counts it until it answers */
        HL_FEED_GONE,    /* to be freed */
};

struct hl_feed_topic;
struct hl_feed_conn;
struct hl_feed_seen;

struct hl_feed_wire {
        struct list in_topic, in_verbatim; /* of itself where it is in none */
        struct list in_conn;
        /* Whoever wants it: a topic that is read, one that is handed on word by word, or both. Neither
         * from LEAVING on. */
        struct hl_feed_topic *topic, *verbatim;
        struct hl_feed_conn *conn;
        struct hl_feed_key key;
        enum hl_feed_wire_state state;
        uint64_t turn;   /* of asking: answers come in this order */
        bool is_desired; /* scratch of hl_feed_wire_sync */
        bool has_data;
        bool is_first;         /* no frame came since it was asked for */
        bool must_leave_first; /* it is asked for anew on a connection that has it */
        unsigned strikes;      /* silences in a row */
        unsigned lies;         /* frames that can't be true, in a while */
        int64_t asked_until, heard_until, not_before_until; /* monotonic ms */
        int64_t lied_until;                                 /* when it last did */
        int64_t held_at;                                    /* the venue's time, about */
        int64_t newest_at;         /* the venue's time of the newest trade, book or best prices */
        uint64_t content;          /* digest of the newest book or best prices */
        unsigned quiet;            /* silences in a row that had nothing to say */
        struct hl_feed_seen *seen; /* trades, or NULL */
        struct venue_candle candle[2]; /* the newest, and the one before */
        /* A state: the newest frame's "data", for those who come later; NULL: none, or too long. */
        char *kept;
        size_t kept_len;
};

struct hl_feed_topic {
        struct list in_class;
        struct feed_topic topic;
        struct hl_feed_key key; /* FEED_VERBATIM */
        struct addr user;       /* or zero */
        unsigned n_wants;       /* 0: the pump frees it, once nothing lingers */
        int64_t linger_until;   /* monotonic ms */
        struct list wires;
        bool is_live;
        bool is_fed;    /* something of it was told since it was last wanted */
        bool fits;      /* scratch of hl_feed_fit */
        bool is_parked; /* there is no room for it: no wires */
        bool is_hit;    /* a wire of it was just lost */
        enum errc refusal;
        int64_t live_since, heard_at, whole_at; /* wall ms */
        int64_t proven_at;                      /* wall ms: whole up to then, by an answer */
};

struct hl_feed_conn {
        struct hl_feed *feed;
        struct ws_client *client;
        bool is_open;
        struct list wires;
        int64_t heard_at;    /* wall ms */
        int64_t used_until;  /* monotonic ms: when it last had a wire */
        int64_t spoke_until; /* monotonic ms: when something of ours last came */
        /* Pings: what was told before an answer to one has come with it. */
        bool must_prove;
        unsigned n_pings; /* not answered */
        int64_t pinged_at,
                proven_at;    /* wall ms: the last one sent; and of those answered, 0: none */
        int64_t pinged_until; /* monotonic ms */
        /* Something was said that can't be read: nobody knows of what, so all of it may be missing. */
        bool must_restart;
        unsigned garbled;                     /* times, in a while */
        int64_t garbled_until, restart_until; /* monotonic ms */
};

enum hl_feed_ignored {
        HL_FEED_RUBBISH,         /* not JSON, or no channel */
        HL_FEED_UNKNOWN_CHANNEL, /* of no use here */
        HL_FEED_NOT_OURS,        /* of a topic that was left, or never wanted */
        HL_FEED_NOT_UNDERSTOOD,  /* of a topic of ours */
        HL_FEED_ERROR_TEXT,      /* that names nothing of ours */
};
#define HL_FEED_IGNORED  5
#define HL_FEED_CHANNELS 48 /* at most */

struct hl_feed {
        struct feed feed; /* first: a struct feed * is a struct hl_feed * */
        struct loop *loop;
        struct feed_options options;
        char *host; /* of the URL, as it may be logged: the rest may hold a key */
        char address[VENUE_ADDRESS_MAX]; /* to connect from, "": the system's choice */
        struct feed_limits limits;       /* nothing left open */
        unsigned users_max;              /* as the venue has it now: at most limits.users */
        int64_t users_raise_until;       /* monotonic ms: when all may be tried again */
        int64_t users_wait_ms;
        struct list topics[HL_FEED_CLASSES];
        struct map *by_topic; /* struct feed_topic -> struct hl_feed_topic, wanted ones */
        struct map *by_key;   /* struct hl_feed_key -> struct hl_feed_wire, of wanted topics */
        struct map *by_echo;  /* by connection and what its frames tell -> the same */
        struct hl_feed_conn **conn; /* limits.connections of them, NULL where not needed */
        struct loop_timer *pump, *tick;
        struct hl_budget messages, connects;
        struct addr *users; /* scratch: limits.users of them */
        uint64_t turn;
        unsigned n_dexes; /* of the venue's markets; the first is "" */
        char dex[HL_FEED_DEXES_MAX][HL_FEED_DEX_MAX];
        unsigned contexts_level; /* 0 all at once, 1 by dex, 2 by market: what the venue takes */
        unsigned states_level;   /* 0 all dexes at once, 1 by dex */
        int64_t venue_ahead_ms;  /* at least so much is its clock before ours */
        int64_t contexts_at;     /* wall ms */
        int64_t no_conn_until;   /* monotonic ms: the last one could not be made */
        unsigned depth;          /* callbacks under way */
        bool is_closed;
        struct {
                uint64_t frames[HL_FEED_CHANNELS], ignored[HL_FEED_IGNORED], unknown_statuses;
                uint64_t refused[FEED_KINDS]; /* frames that can't be true */
                uint64_t gaps, resubscribes, reconnects, refusals, messages;
        } count;
        struct {
                enum hl_feed_type type; /* where the channel tells */
                const char *raw;        /* its "data" as received */
                size_t raw_len;
                bool is_raw_told;
                bool is_past;     /* all of it may have been seen before */
                bool is_repeated; /* it has */
                bool is_passed;   /* on, word by word */
        } frame;                  /* under way */
        struct feed_trade trade[HL_FEED_ROWS];
        struct feed_context context[HL_FEED_ROWS];
};

static inline int64_t hl_feed_mono(const struct hl_feed *f)
{
        return clock_mono_ms(loop_clock(f->loop));
}

static inline int64_t hl_feed_wall(const struct hl_feed *f)
{
        return clock_wall_ms(loop_clock(f->loop));
}

/* ---- hl_feed.c ---- */

/* The pump runs in a turn of its own: frees what was dropped, fits topics into the limits, sends. */
void hl_feed_kick(struct hl_feed *f);
/* Tells; fills topic and at. Nothing where there is no topic, once it is dropped or the feed closed. */
void hl_feed_tell(struct hl_feed *f, struct hl_feed_topic *t, struct feed_event *event);
/* Tells FEED_LIVE if the topic was not live and all its wires are. */
void hl_feed_check_live(struct hl_feed *f, struct hl_feed_topic *t);
/* Tells FEED_GAP if the topic was live, or now has a reason why it is not. */
void hl_feed_lose(struct hl_feed *f, struct hl_feed_topic *t, enum errc refusal);
/* The same for whoever wants the wire. */
void hl_feed_check_wire(struct hl_feed *f, const struct hl_feed_wire *w);
void hl_feed_lose_wire(struct hl_feed *f, const struct hl_feed_wire *w, enum errc refusal);
enum hl_feed_class hl_feed_class_of(enum feed_kind kind);

/* ---- hl_feed_topic.c ---- */

/* The caller's. E_INVALID: it does not name what its kind is by. */
MUST_USE enum errc hl_feed_topic_new(struct hl_feed_topic **out, const struct feed_topic *topic);
static inline bool hl_feed_class_is_market(enum hl_feed_class rank)
{
        return rank >= HL_FEED_PUBLIC;
}
enum hl_feed_class hl_feed_topic_class(const struct hl_feed_topic *t);

/* ---- hl_feed_key.c: subscriptions as the venue names them ---- */

void hl_feed_key_init(struct hl_feed_key *key, enum hl_feed_type type);
const char *hl_feed_key_name(const struct hl_feed_key *key);
bool hl_feed_key_is_interval(const char *text);
/* "subscription" as it is sent, and as it comes back; E_SYNTAX for one that can't be ours. */
void hl_feed_key_print(struct buf *out, const struct hl_feed_key *key);
MUST_USE enum errc hl_feed_key_parse(struct hl_feed_key *out, const json_t *subscription);
MUST_USE enum errc hl_feed_key_load(struct hl_feed_key *out, const char *text, size_t len);
/* Does the venue answer such a subscription with data at once? */
bool hl_feed_key_has_first(const struct hl_feed_key *key);
/* Does each frame replace the one before? */
bool hl_feed_key_is_state(const struct hl_feed_key *key);
bool hl_feed_key_is_of_dex(const struct hl_feed_key *key); /* other than the first */
int64_t hl_feed_key_silent_ms(const struct hl_feed_key *key);
/* What its frames tell of it; and whether that is all. */
void hl_feed_key_echo(struct hl_feed_key *out, const struct hl_feed_key *key);
bool hl_feed_key_is_told_apart(const struct hl_feed_key *key);
/* Could frames of one be taken for the other's, were they on one connection? */
bool hl_feed_key_conflicts(const struct hl_feed_key *a, const struct hl_feed_key *b);
/* What a frame's data tells. */
MUST_USE enum errc hl_feed_key_of_frame(struct hl_feed_key *out, enum hl_feed_type type,
                                        const json_t *data);

/* ---- hl_feed_seen.c ---- */

/* Whether the trade was seen before; it is from now on. */
bool hl_feed_seen_note(struct hl_feed_seen **seen, uint64_t tid);

/* ---- hl_feed_wire.c ---- */

/* Learns the dexes from the venue's markets. */
void hl_feed_wire_dexes(struct hl_feed *f);
bool hl_feed_wire_knows_dex(const struct hl_feed *f, const char *dex);
/* The dex of a market's name into out: "" for the first; false: a name that can't be one. */
bool hl_feed_wire_dex_of(char out[HL_FEED_DEX_MAX], const char *symbol);
/* How many subscriptions the topic needs. */
size_t hl_feed_wire_count(const struct hl_feed *f, const struct hl_feed_topic *t);
/* Makes the wires that are missing and leaves those that are too many. */
void hl_feed_wire_sync(struct hl_feed *f, struct hl_feed_topic *t);
void hl_feed_wire_leave(struct hl_feed *f, struct hl_feed_topic *t, struct hl_feed_wire *w);
/* Is there a wire already that is all a market's topic needs? */
bool hl_feed_wire_carries(const struct hl_feed *f, const struct feed_topic *topic);
/* Another one's wire does for the topic, too. */
bool hl_feed_wire_is_shared(const struct hl_feed *f, const struct hl_feed_topic *t);
void hl_feed_wire_free(struct hl_feed_wire *w);
/* The wanted topic's wire on this connection that was asked for; NULL: no such. */
struct hl_feed_wire *hl_feed_wire_find(const struct hl_feed_conn *c, enum hl_feed_type type,
                                       const char *name, const struct addr *user);
struct hl_feed_wire *hl_feed_wire_find_key(const struct hl_feed_conn *c,
                                           const struct hl_feed_key *key);
/* Does the topic stand without it? */
bool hl_feed_wire_is_optional(const struct hl_feed_topic *t, const struct hl_feed_wire *w);
/* The wire at a place of the topic's list. */
static inline struct hl_feed_wire *hl_feed_wire_at(const struct hl_feed_topic *t, struct list *it)
{
        return t->topic.kind == FEED_VERBATIM ? list_entry(it, struct hl_feed_wire, in_verbatim)
                                              : list_entry(it, struct hl_feed_wire, in_topic);
}
static inline bool hl_feed_wire_is_at_venue(const struct hl_feed_wire *w)
{
        return w->state == HL_FEED_ASKED || w->state == HL_FEED_HELD ||
               w->state == HL_FEED_LEAVING || w->state == HL_FEED_LEFT;
}

/* ---- hl_feed_conn.c ---- */

/* Can connections be made with these options? */
bool hl_feed_conn_check(struct hl_feed *f, struct err *err);
/* Where such a wire belongs, made if need be. NULL: there is no room for it anywhere. */
struct hl_feed_conn *hl_feed_conn_for(struct hl_feed *f, const struct hl_feed_key *key);
void hl_feed_conn_free(struct hl_feed_conn *c); /* accepts NULL */
/* Frees what was given up, and connections that nobody needs. */
void hl_feed_conn_sweep(struct hl_feed *f);

/* ---- hl_feed_fit.c ---- */

/* Is there room for the topic, if newer ones and lesser ones give way? Counts the room taken by users. */
/* Could its frames be told apart, on one of the connections there may be? */
bool hl_feed_fit_has_place(const struct hl_feed *f, const struct hl_feed_topic *t);
bool hl_feed_fit_has_room(const struct hl_feed *f, const struct hl_feed_topic *t);
unsigned hl_feed_fit_users(const struct hl_feed *f);
/* Parks what has no room, brings back what has. */
void hl_feed_fit(struct hl_feed *f);

/* ---- hl_feed_send.c, hl_feed_judge.c ---- */

void hl_feed_send(struct hl_feed *f);
/* Asks again for what is silent, or was not answered. */
void hl_feed_judge(struct hl_feed *f);
/* Asked for anew on a connection that lives, after so long. */
void hl_feed_judge_anew(struct hl_feed *f, struct hl_feed_wire *w, int64_t wait_ms);
/* A frame of it can't be true: a gap, and it is asked for anew. */
void hl_feed_judge_broken(struct hl_feed *f, struct hl_feed_wire *w);
/* A frame can't be read at all: a gap of all that is on the connection, which is opened anew. */
void hl_feed_judge_garbled(struct hl_feed_conn *c);

/* ---- hl_feed_prove.c ---- */

/* A connection opened, or was lost. */
void hl_feed_prove_begin(struct hl_feed_conn *c);
/* Asks whoever is to be asked, and gives up who did not answer. */
void hl_feed_prove_tick(struct hl_feed *f);
void hl_feed_prove(struct hl_feed *f);

/* ---- hl_feed_frame.c and the channels ---- */

/* What the venue said. */
void hl_feed_frame(struct hl_feed_conn *c, const char *text, size_t len);
const char *hl_feed_frame_channel(size_t i); /* NULL from the last on */
void hl_feed_frame_ignore(struct hl_feed *f, enum hl_feed_ignored why);
/* A frame of a topic of ours that can't be true: a gap, and it is asked for anew. */
void hl_feed_frame_refuse(struct hl_feed *f, struct hl_feed_wire *w);
static inline bool hl_feed_frame_is_time(int64_t at)
{
        return at > 0 && at < INT64_C(4102444800000); /* the year 2100 */
}
/* Data came for it: it is not silent, and is live if it was not. */
void hl_feed_frame_heard(struct hl_feed *f, struct hl_feed_wire *w);

/* The venue's clock is at least as late as what it says. */
void hl_feed_frame_learn_time(struct hl_feed *f, int64_t venue_at);

/* The "data" of a frame that was loaded, as it stands in its text; NULL: there is none. */
const char *hl_feed_raw_data(size_t *raw_len, const json_t *root, const char *text, size_t len);

/* Once for each frame. */
static inline void hl_feed_frame_put_raw(struct hl_feed *f, struct feed_event *event)
{
        if (f->frame.is_raw_told)
                return;
        event->raw = f->frame.raw;
        event->raw_len = f->frame.raw_len;
        f->frame.is_raw_told = true;
}

/* ---- hl_feed_verbatim.c ---- */

/* Hands the frame under way on to who wants it word by word, and keeps it for those who come later. */
void hl_feed_verbatim_pass(struct hl_feed *f, struct hl_feed_wire *w, bool is_snapshot);
/* Tells a state as it is now to who came later. */
void hl_feed_verbatim_again(struct hl_feed *f, struct hl_feed_topic *t);
/* The same of what is read: hl_feed_book.c. */
void hl_feed_book_again(struct hl_feed *f, struct hl_feed_wire *w);

typedef void hl_feed_take_fn(struct hl_feed_conn *c, const json_t *data);
hl_feed_take_fn hl_feed_market_trades, hl_feed_market_all_contexts, hl_feed_market_dex_contexts,
        hl_feed_market_context, hl_feed_book, hl_feed_book_bbo, hl_feed_book_candle;
hl_feed_take_fn hl_feed_account_fills, hl_feed_account_fundings, hl_feed_account_events,
        hl_feed_account_all_states, hl_feed_account_state, hl_feed_account_orders,
        hl_feed_account_order_updates, hl_feed_verbatim_take, hl_feed_prove_pong;

#endif
