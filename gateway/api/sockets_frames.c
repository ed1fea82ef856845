/* What clients say, frame by frame. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/markets.h"
#include "api/problem.h"
#include "api/schema.h"
#include "api/sockets_impl.h"
#include "base/mem.h"

#define FRAME_MAX  4096  /* without a body */
#define ORDER_MAX  16384 /* with one */
#define ID_MAX     64
#define SEQ_MAX    INT64_C(9007199254740991) /* what every client can count to */
#define ANSWER_MAX (1u << 20)

struct subscription {
        char channel[16], symbol[SYMBOL_MAX], interval[STREAM_INTERVAL_MAX];
        bool has_symbol, has_interval;
        char epoch[17];
};

#define TEXT(member)                                                                               \
        .name = #member, .type = FIELD_TEXT, .offset = offsetof(struct subscription, member),      \
        .size = sizeof((struct subscription *)NULL)->member

static const struct field subscribe_fields[] = {
        {TEXT(channel), .required = true, .present = FIELD_NO_FLAG},
        {TEXT(symbol), .present = offsetof(struct subscription, has_symbol)},
        {TEXT(interval), .present = offsetof(struct subscription, has_interval)},
};
static const struct field resume_fields[] = {
        {TEXT(channel), .required = true, .present = FIELD_NO_FLAG},
        {TEXT(symbol), .present = offsetof(struct subscription, has_symbol)},
        {TEXT(interval), .present = offsetof(struct subscription, has_interval)},
        {TEXT(epoch), .required = true, .present = FIELD_NO_FLAG},
};
#define N(fields) (sizeof(fields) / sizeof *(fields))

/* ---- answers ---- */

void sockets_frames_begin(struct buf *out, const char *type, const char *id, const char *op)
{
        buf_init(out, ANSWER_MAX);
        buf_printf(out, "{\"type\":\"%s\"", type);
        if (id)
                buf_printf(out, ",\"id\":%s", id);
        if (op) {
                buf_puts(out, ",\"op\":");
                buf_put_json(out, op, strlen(op));
        }
}

void sockets_frames_say(struct socket *s, struct buf *out)
{
        buf_putc(out, '}');
        if (buf_check(out) == E_OK)
                hub_say(s->reader, (const char *)out->data, out->len);
        buf_fini(out);
}

void sockets_frames_fail(struct socket *s, const struct socket_frame *frame, const struct err *err)
{
        const char *channel = frame && frame->json
                                      ? json_string_value(json_object_get(frame->json, "channel"))
                                      : NULL;
        struct buf out;

        sockets_frames_begin(&out, "error", frame ? frame->id : NULL, frame ? frame->op : NULL);
        if (channel) {
                buf_puts(&out, ",\"channel\":");
                buf_put_json(&out, channel, strlen(channel));
        }
        buf_puts(&out, ",\"problem\":");
        problem_print(&out, err, "", "");
        sockets_frames_say(s, &out);
}

/* ---- subscriptions ---- */

static enum errc name_market(struct socket *s, const char *symbol, struct stream_subject *subject,
                             struct err *err)
{
        struct venue *venue = s->all->api->o.venue;
        const struct market *m = venue->ops->market_by_symbol(venue, symbol);

        if (!m || m->is_delisted || !brand_offers(s->brand, m->symbol))
                return markets_refuse(venue, s->brand, symbol, err);
        must(text_copy(subject->symbol, sizeof subject->symbol, m->symbol));
        return E_OK;
}

static enum errc name_account(struct socket *s, struct stream_subject *subject, struct err *err)
{
        if (!s->is_known)
                return err_set(err, E_UNAUTHORIZED, "This channel needs op \"auth\" first.");
        if (!s->who.may_read)
                return err_set(err, E_FORBIDDEN, "The key's scopes don't include \"read\".");
        must(text_copy(subject->brand, sizeof subject->brand, s->brand->id));
        subject->account = s->who.account;
        subject->owner = s->who.session.address;
        subject->is_sub_account = s->who.for_sub_account;
        return E_OK;
}

static enum errc check_member(bool is_named, bool is_needed, const char *name, const char *channel,
                              struct err *err)
{
        if (is_needed && !is_named)
                return err_field(err, E_INVALID, name, "is required for %s", channel);
        if (is_named && !is_needed)
                return err_field(err, E_INVALID, name, "is not a field of %s", channel);
        return E_OK;
}

static enum errc name_subject(struct socket *s, const struct subscription *want,
                              struct stream_subject *subject, struct err *err)
{
        const struct stream_source *source = hub_source(s->all->hub, want->channel);

        if (!source)
                return err_field(err, E_INVALID, "channel", "there is no such channel");
        if (check_member(want->has_symbol, source->by_symbol, "symbol", source->name, err) ||
            check_member(want->has_interval, source->by_interval, "interval", source->name, err))
                return err->code;
        if (source->is_private)
                return name_account(s, subject, err);
        if (source->by_symbol && name_market(s, want->symbol, subject, err))
                return err->code;
        if (source->by_interval)
                must(text_copy(subject->interval, sizeof subject->interval, want->interval));
        if (source->by_brand)
                must(text_copy(subject->brand, sizeof subject->brand, s->brand->id));
        return E_OK;
}

static void subscribe(struct socket_frame *frame, struct err *err)
{
        struct socket *s = frame->socket;
        struct subscription want = {.channel = ""};
        struct stream_subject subject = {.brand = ""};
        enum errc rc;

        if (schema_read(&want, frame->json, subscribe_fields, N(subscribe_fields), err) ||
            name_subject(s, &want, &subject, err))
                return;
        rc = hub_subscribe(s->reader, want.channel, &subject, frame->id, NULL, err);
        must(!rc || err->code);
}

static enum errc take_seq(json_t *json, uint64_t *out, struct err *err)
{
        const json_t *seq = json_object_get(json, "seq");
        json_int_t v = json_integer_value(seq);

        if (!json_is_integer(seq) || v < 0 || v > SEQ_MAX)
                return err_field(err, E_INVALID, "seq", "must be a whole number that was seen");
        *out = (uint64_t)v;
        must(json_object_del(json, "seq") == 0);
        return E_OK;
}

static void resume(struct socket_frame *frame, struct err *err)
{
        struct socket *s = frame->socket;
        struct subscription want = {.channel = ""};
        struct stream_subject subject = {.brand = ""};
        struct hub_place from;
        enum errc rc;

        if (take_seq(frame->json, &from.seq, err) ||
            schema_read(&want, frame->json, resume_fields, N(resume_fields), err) ||
            name_subject(s, &want, &subject, err))
                return;
        memcpy(from.epoch, want.epoch, sizeof from.epoch);
        rc = hub_subscribe(s->reader, want.channel, &subject, frame->id, &from, err);
        must(!rc || err->code);
}

static void unsubscribe(struct socket_frame *frame, struct err *err)
{
        struct socket *s = frame->socket;
        struct subscription want = {.channel = ""};
        struct stream_subject subject = {.brand = ""};

        if (schema_read(&want, frame->json, subscribe_fields, N(subscribe_fields), err) ||
            name_subject(s, &want, &subject, err))
                return;
        if (hub_unsubscribe(s->reader, want.channel, &subject, frame->id))
                (void)err_set(err, E_NOT_FOUND, "There is no such subscription.");
}

static void ping(struct socket_frame *frame, struct err *err)
{
        struct buf out;

        if (schema_read(NULL, frame->json, NULL, 0, err))
                return;
        sockets_frames_begin(&out, "pong", frame->id, NULL);
        buf_printf(&out, ",\"at\":%" PRId64, state_now(frame->socket->all->api));
        sockets_frames_say(frame->socket, &out);
}

/* ---- frames ---- */

static const struct {
        const char *name;
        void (*run)(struct socket_frame *frame, struct err *err);
} ops[] = {
        {"subscribe", subscribe}, {"unsubscribe", unsubscribe},
        {"resume", resume},       {"auth", sockets_auth_take},
        {"ping", ping},
};

/* Echoed as it came: text, or a whole number. */
static enum errc take_id(struct socket_frame *frame, struct err *err)
{
        const json_t *id = json_object_get(frame->json, "id");
        const char *text = json_string_value(id);
        struct buf out;

        if (!id)
                return E_OK;
        if (!json_is_integer(id) && (!text || json_string_length(id) > ID_MAX))
                return err_field(err, E_INVALID, "id",
                                 "must be text of at most %d bytes, or a whole number", ID_MAX);
        buf_init(&out, 8 * ID_MAX);
        if (text)
                buf_put_json(&out, text, json_string_length(id));
        else
                buf_printf(&out, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        frame->id = xstrdup(buf_cstr(&out));
        buf_fini(&out);
        return E_OK;
}

static void run(struct socket_frame *frame, struct err *err)
{
        for (unsigned i = 0; i < N(ops); i++) {
                if (strcmp(frame->op, ops[i].name) != 0)
                        continue;
                ops[i].run(frame, err);
                return;
        }
        if (sockets_calls_has(frame->op))
                sockets_calls_take(frame, err);
        else
                (void)err_field(err, E_INVALID, "op", "is not one of those in the documentation");
}

static void take_object(struct socket_frame *frame, struct err *err)
{
        frame->op_json = json_incref(json_object_get(frame->json, "op"));
        frame->op = json_string_value(frame->op_json);
        if (take_id(frame, err))
                return;
        if (!frame->op) {
                (void)err_field(err, E_INVALID, "op", "is required: a name of what to do");
                return;
        }
        (void)json_object_del(frame->json, "op");
        (void)json_object_del(frame->json, "id");
        if (frame->len > FRAME_MAX && !sockets_calls_has(frame->op))
                sockets_end(frame->socket, SOCKET_LIMIT, "the frame is too large", -1);
        else
                run(frame, err);
}

void sockets_frames_take(struct socket *s, const char *text, size_t len)
{
        struct socket_frame frame = {.socket = s, .len = len};
        struct err err = {.code = E_OK};
        json_error_t why;

        if (len > ORDER_MAX) {
                sockets_end(s, SOCKET_LIMIT, "the frame is too large", -1);
                return;
        }
        frame.json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
        if (!frame.json)
                (void)err_set(&err, E_SYNTAX, "The frame is not valid JSON: %s (column %d).",
                              why.text, why.column);
        else if (!json_is_object(frame.json))
                (void)err_set(&err, E_SYNTAX, "The frame must be a JSON object.");
        else
                take_object(&frame, &err);
        if (err.code)
                sockets_frames_fail(s, &frame, &err);
        free(frame.id);
        json_decref(frame.body);
        json_decref(frame.op_json);
        json_decref(frame.json);
}
