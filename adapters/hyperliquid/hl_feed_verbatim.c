#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

/* What is handed on as it came. Whoever comes later to a subscription that is held already is told its newest
 * frame, where frames are states. */

#define KEPT_MAX 65536u

enum shape { ANYTHING, OBJECT, LIST, TEXT };

/* What data of this type can't be without: a frame that lacks it is not what it says. */
static const struct {
        enum shape shape;
        const char *member;
} looks[HL_FEED_TYPES] = {
        [HL_FEED_CONTEXT] = {OBJECT, "ctx"},
        [HL_FEED_MIDS] = {OBJECT, "mids"},
        [HL_FEED_SPOT_CONTEXTS] = {LIST, NULL},
        [HL_FEED_FAST_CONTEXTS] = {TEXT, NULL},
        [HL_FEED_LEDGER] = {OBJECT, "nonFundingLedgerUpdates"},
        [HL_FEED_PAST_ORDERS] = {OBJECT, "orderHistory"},
        [HL_FEED_SPOT_STATE] = {OBJECT, "spotState"},
        [HL_FEED_SETTING] = {OBJECT, "leverage"},
        [HL_FEED_WEB_DATA] = {OBJECT, "perpDexStates"},
        [HL_FEED_NOTIFICATION] = {OBJECT, "notification"},
        [HL_FEED_TWAP_STATES] = {OBJECT, "states"},
        [HL_FEED_TWAP_FILLS] = {OBJECT, "twapSliceFills"},
        [HL_FEED_TWAP_HISTORY] = {OBJECT, "history"},
};

static bool has_shape(enum hl_feed_type type, const json_t *data)
{
        const char *member = looks[type].member;

        switch (looks[type].shape) {
        case ANYTHING: return data && !json_is_null(data);
        case OBJECT: return json_is_object(data) && !hl_raw_is_absent(data, member);
        case LIST: return json_is_array(data);
        case TEXT: return json_is_string(data);
        }
        never("a shape of the enum");
}

void hl_feed_verbatim_take(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        struct hl_feed_wire *w = NULL;
        struct hl_feed_key key;

        if (!hl_feed_key_of_frame(&key, f->frame.type, data))
                w = hl_feed_wire_find_key(c, &key);
        if (!w)
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS);
        else if (has_shape(f->frame.type, data))
                hl_feed_frame_heard(f, w);
        else
                hl_feed_frame_refuse(f, w);
}

static void keep(struct hl_feed_wire *w, const char *raw, size_t len)
{
        if (!hl_feed_key_is_state(&w->key))
                return;
        if (len == 0 || len > KEPT_MAX) {
                free(w->kept);
                w->kept = NULL;
                w->kept_len = 0;
                return;
        }
        if (len != w->kept_len)
                w->kept = xrealloc(w->kept, len);
        memcpy(w->kept, raw, len);
        w->kept_len = len;
}

void hl_feed_verbatim_pass(struct hl_feed *f, struct hl_feed_wire *w, bool is_snapshot)
{
        struct feed_event event = {
                .kind = FEED_FRAME,
                .is_snapshot = is_snapshot || f->frame.is_past,
                .raw = f->frame.raw,
                .raw_len = f->frame.raw_len,
        };

        if (!f->frame.raw || f->frame.is_repeated || f->frame.is_passed)
                return;
        f->frame.is_passed = true;
        keep(w, f->frame.raw, f->frame.raw_len);
        hl_feed_tell(f, w->verbatim, &event);
}

void hl_feed_verbatim_again(struct hl_feed *f, struct hl_feed_topic *t)
{
        bool is_state = t->topic.kind == FEED_VERBATIM || t->topic.kind == FEED_BOOK ||
                        t->topic.kind == FEED_BBO || t->topic.kind == FEED_CANDLES;

        list_each (it, &t->wires) {
                struct hl_feed_wire *w = hl_feed_wire_at(t, it);
                struct feed_event event = {
                        .kind = FEED_FRAME,
                        .is_snapshot = true,
                        .raw = w->kept,
                        .raw_len = w->kept_len,
                };

                if (!w->kept || !is_state)
                        continue;
                if (t->topic.kind == FEED_VERBATIM)
                        hl_feed_tell(f, t, &event);
                else
                        hl_feed_book_again(f, w);
        }
}

enum errc hl_feed_verbatim(struct feed_topic *out, const char *json, size_t len)
{
        struct hl_feed_key key;
        struct buf text;
        enum errc rc = E_INVALID;

        memset(out, 0, sizeof *out);
        buf_init(&text, sizeof out->detail);
        if (!hl_feed_key_load(&key, json, len)) {
                hl_feed_key_print(&text, &key);
                rc = buf_check(&text) ? E_INVALID : E_OK;
        }
        out->kind = FEED_VERBATIM;
        if (!rc && !text_copy(out->detail, sizeof out->detail, buf_cstr(&text)))
                rc = E_INVALID;
        buf_fini(&text);
        return rc;
}
