/* States of users for whom the venue has no room among its subscriptions: asked for from time to time, each
 * frame made of its own answer. Events can't be made that way, and are refused. */
#include <string.h>

#include "base/mem.h"
#include "compat/compat_ws_impl.h"

#define FRAME_MAX (4u << 20)

static const struct row {
        const char *name;     /* of the channel */
        const char *question; /* type of the question that answers it */
        const char *member;   /* the answer in the frame's data; NULL: it is the data */
        bool has_dex, has_coin;
        unsigned weight;
        int64_t every_ms;
} rows[] = {
        {"clearinghouseState", "clearinghouseState", "clearinghouseState", true, false, 2, 5000},
        {"openOrders", "frontendOpenOrders", "orders", true, false, 20, 15000},
        {"spotState", "spotClearinghouseState", "spotState", false, false, 2, 10000},
        {"activeAssetData", "activeAssetData", NULL, false, true, 20, 15000},
};

static const struct row *row_of(const struct ws_channel *c)
{
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                if (strcmp(rows[i].name, c->name) == 0)
                        return &rows[i];
        return NULL;
}

bool compat_poll_can(const struct ws_channel *c)
{
        return c->has_user && row_of(c);
}

/* The member of the subscription, as JSON; "" written for what it leaves out. */
static void put_member(struct buf *out, const json_t *subscription, const char *key)
{
        size_t len = 0;
        const char *text = hl_raw_get_text(subscription, key, &len);

        buf_printf(out, ",\"%s\":", key);
        buf_put_json(out, text ? text : "", text ? len : 0);
}

static void put_data(struct buf *out, const struct ws_channel *c, const struct row *row,
                     const json_t *subscription, const char *answer, size_t len)
{
        char user[ADDR_STR_MAX];

        buf_printf(out, "{\"user\":\"%s\"", hex_print_addr(user, &c->user));
        if (row->has_dex)
                put_member(out, subscription, "dex");
        buf_printf(out, ",\"%s\":", row->member);
        buf_put(out, answer, len);
        buf_putc(out, '}');
}

static void tell(struct ws_channel *c, const char *answer, size_t len)
{
        const struct row *row = row_of(c);
        json_t *subscription = hl_raw_load(c->topic.detail, strlen(c->topic.detail), NULL);
        struct buf data;

        buf_init(&data, FRAME_MAX);
        if (row->member)
                put_data(&data, c, row, subscription, answer, len);
        else
                buf_put(&data, answer, len);
        if (buf_check(&data) == E_OK)
                compat_channel_tell(c, (const char *)data.data, data.len);
        buf_fini(&data);
        json_decref(subscription);
}

static void on_answer(void *cookie, const struct venue_wire_answer *answer)
{
        struct ws_channel *c = cookie;

        c->is_asked = false;
        if (c->is_gone) {
                compat_channel_destroy(c);
                return;
        }
        if (answer->end == WIRE_ANSWERED && answer->status == 200 && !c->ws->is_stopped)
                tell(c, answer->body, answer->len);
}

static void ask(struct ws_channel *c, const struct row *row)
{
        struct venue *venue = c->ws->compat->api->o.venue;
        struct venue_wire_cost cost = {.weight = row->weight};
        json_t *subscription = hl_raw_load(c->topic.detail, strlen(c->topic.detail), NULL);
        char user[ADDR_STR_MAX];
        struct buf body;

        buf_init(&body, 1024);
        buf_printf(&body, "{\"type\":\"%s\",\"user\":\"%s\"", row->question,
                   hex_print_addr(user, &c->user));
        if (row->has_dex)
                put_member(&body, subscription, "dex");
        if (row->has_coin)
                put_member(&body, subscription, "coin");
        buf_putc(&body, '}');
        must(buf_check(&body) == E_OK);
        c->is_asked = true;
        venue->ops->wire_ask(venue, body.data, body.len, &cost, on_answer, c);
        buf_fini(&body);
        json_decref(subscription);
}

void compat_poll_tick(struct compat_ws *ws)
{
        int64_t now = clock_mono_ms(ws->compat->api->o.clock);

        list_each (it, &ws->all) {
                struct ws_channel *c = list_entry(it, struct ws_channel, in_ws);

                if (!c->is_polled || c->is_asked || c->poll_at > now)
                        continue;
                c->poll_at = now + row_of(c)->every_ms;
                ask(c, row_of(c));
        }
}
