#include <stdio.h>
#include <string.h>

#include "adapters/paper/jot.h"
#include "adapters/paper/paper_frame.h"
#include "adapters/paper/paper_ws.h"

/* What an account is told that it did not do itself: resting orders filled, orders that ended. */

#define FRAME_MAX (8u << 20)

static bool is_of(const struct paper_sub *sub, const struct addr *user)
{
        return hex_addr_equal(&sub->user, user);
}

static void push_notifications(struct paper *p, struct paper_sub *sub)
{
        for (size_t i = 0; i < p->events.n_fills; i++) {
                const struct engine_fill *fill = &p->events.fill[i];
                char text[160], size[NUM_STR_MAX], price[NUM_STR_MAX];
                struct buf frame;

                if (!is_of(sub, &fill->user) || fill->crossed)
                        continue;
                (void)snprintf(text, sizeof(text), "Resting order filled: %s %s %s at $%s",
                               fill->is_buy ? "Bought" : "Sold", num_print_qty(size, fill->size),
                               paper_coin(p, fill->asset), num_print_px(price, fill->price));
                buf_init(&frame, FRAME_MAX);
                paper_frame_begin(&frame, "notification");
                jot_object(&frame, "data");
                jot_text(&frame, "notification", text);
                jot_end_object(&frame);
                paper_frame_end(&frame);
                paper_feed_push(p, sub, &frame);
                buf_fini(&frame);
        }
}

/* Orders that ended through no cancel of their owner's. */
static bool is_foreign_cancel(const struct engine_order *order)
{
        size_t len = strlen(order->status);

        return len > 8 && !strcmp(order->status + len - 8, "Canceled");
}

static void push_foreign_cancels(struct paper *p, struct paper_sub *sub)
{
        struct buf frame;
        bool is_any = false;

        buf_init(&frame, FRAME_MAX);
        paper_frame_begin(&frame, "user");
        jot_object(&frame, "data");
        jot_array(&frame, "nonUserCancel");
        for (size_t i = 0; i < p->events.n_orders; i++) {
                const struct engine_order *order = &p->events.order[i];

                if (!is_of(sub, &order->user) || !is_foreign_cancel(order))
                        continue;
                jot_object(&frame, NULL);
                jot_text(&frame, "coin", paper_coin(p, order->asset));
                jot_uint(&frame, "oid", order->oid);
                jot_end_object(&frame);
                is_any = true;
        }
        jot_end_array(&frame);
        jot_end_object(&frame);
        paper_frame_end(&frame);
        if (is_any)
                paper_feed_push(p, sub, &frame);
        buf_fini(&frame);
}

void paper_feed_notes_flush(struct paper *p)
{
        list_each_safe (it, &p->ws->by_type[PAPER_SUB_USER_EVENTS])
                push_foreign_cancels(p, list_entry(it, struct paper_sub, in_type));
        list_each_safe (it, &p->ws->by_type[PAPER_SUB_NOTIFICATION])
                push_notifications(p, list_entry(it, struct paper_sub, in_type));
}
