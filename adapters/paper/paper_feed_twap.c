#include "adapters/paper/jot.h"
#include "adapters/paper/paper_frame.h"
#include "adapters/paper/paper_show.h"
#include "adapters/paper/paper_twap.h"
#include "adapters/paper/paper_ws.h"

/* What subscribers hear of TWAPs: fills of slices, which stand in no other feed, and changes. */

#define FRAME_MAX (8u << 20)

static void begin(struct buf *frame, const struct paper_sub *sub, const char *list)
{
        buf_init(frame, FRAME_MAX);
        paper_frame_begin(frame, paper_frame_channel(sub->type));
        jot_object(frame, "data");
        if (sub->type != PAPER_SUB_USER_EVENTS)
                jot_addr(frame, "user", &sub->user);
        jot_array(frame, list);
}

static void finish(struct paper *p, struct paper_sub *sub, struct buf *frame, bool is_any)
{
        jot_end_array(frame);
        jot_end_object(frame);
        paper_frame_end(frame);
        if (is_any)
                paper_feed_push(p, sub, frame);
        buf_fini(frame);
}

static void push_slice_fills(struct paper *p, struct paper_sub *sub)
{
        struct buf frame;
        bool is_any = false;

        begin(&frame, sub, "twapSliceFills");
        for (size_t i = 0; i < p->events.n_fills; i++) {
                const struct engine_fill *fill = &p->events.fill[i];

                if (!fill->twap_id || !hex_addr_equal(&fill->user, &sub->user))
                        continue;
                paper_show_slice_fill(p, &frame, fill);
                is_any = true;
        }
        finish(p, sub, &frame, is_any);
}

static void push_history(struct paper *p, struct paper_sub *sub)
{
        const char *list = sub->type == PAPER_SUB_USER_EVENTS ? "twapHistory" : "history";
        const struct paper_user *user = paper_users_get(p, &sub->user);
        struct buf frame;

        if (!user || user->n_twap_rows == user->n_twap_rows_pushed)
                return;
        begin(&frame, sub, list);
        for (uint64_t i = user->n_twap_rows_pushed; i < user->n_twap_rows; i++)
                paper_twap_show_row(p, &frame, &user->twap_rows[i % PAPER_ROWS_MAX]);
        finish(p, sub, &frame, true);
}

static void push_type(struct paper *p, enum paper_sub_type type,
                      void (*each)(struct paper *p, struct paper_sub *sub))
{
        list_each_safe (it, &p->ws->by_type[type])
                each(p, list_entry(it, struct paper_sub, in_type));
}

void paper_feed_twap_flush(struct paper *p)
{
        push_type(p, PAPER_SUB_TWAP_SLICE_FILLS, push_slice_fills);
        push_type(p, PAPER_SUB_USER_EVENTS, push_slice_fills);
        push_type(p, PAPER_SUB_TWAP_HISTORY, push_history);
        push_type(p, PAPER_SUB_USER_EVENTS, push_history);
}
