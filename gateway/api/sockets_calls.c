/* Operations over the socket: each is a request of the HTTP API, and its answer a frame. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/schema.h"
#include "api/sockets_impl.h"
#include "base/mem.h"

#define NAME_MAX_ 80 /* of an order or a market, as paths take it */
#define KEY_MAX   64
#define PATH_MAX_ 160

struct operation {
        char order[NAME_MAX_], symbol[SYMBOL_MAX];
        char key[KEY_MAX + 1];
        bool has_order, has_symbol, has_key;
};

/* What an operation names beside its body. */
enum names { NAMES_NOTHING, NAMES_ORDER, NAMES_SYMBOL, NAMES_EITHER };

static const struct call_op {
        const char *name;
        enum http_method method;
        const char *path; /* %s: what it names */
        enum names names;
        bool takes_body;
} calls[] = {
        {"order.place", METHOD_POST, "/v1/orders", NAMES_NOTHING, true},
        {"order.preview", METHOD_POST, "/v1/orders/preview", NAMES_NOTHING, true},
        {"order.modify", METHOD_PATCH, "/v1/orders/%s", NAMES_ORDER, true},
        {"order.cancel", METHOD_DELETE, "/v1/orders/%s", NAMES_EITHER, false},
        {"margin.adjust", METHOD_POST, "/v1/positions/%s/margin", NAMES_SYMBOL, true},
        {"leverage.set", METHOD_PUT, "/v1/positions/%s/leverage", NAMES_SYMBOL, true},
};

struct under_way {
        struct sockets *all;
        struct handle peer;
        const char *op;
        char *id;
};

static const struct field fields[] = {
        {.name = "orderId",
         .type = FIELD_TEXT,
         .offset = offsetof(struct operation, order),
         .present = offsetof(struct operation, has_order),
         .size = NAME_MAX_},
        {.name = "symbol",
         .type = FIELD_TEXT,
         .offset = offsetof(struct operation, symbol),
         .present = offsetof(struct operation, has_symbol),
         .size = SYMBOL_MAX},
        {.name = "idempotencyKey",
         .type = FIELD_TEXT,
         .offset = offsetof(struct operation, key),
         .present = offsetof(struct operation, has_key),
         .size = KEY_MAX + 1},
};

static const struct call_op *find(const char *name)
{
        for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
                if (strcmp(calls[i].name, name) == 0)
                        return &calls[i];
        return NULL;
}

bool sockets_calls_has(const char *op)
{
        return find(op) != NULL;
}

/* A name becomes one part of a path: nothing in it may end that part. */
static enum errc check_name(const char *name, const char *field, struct err *err)
{
        static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ:_-";

        if (name[strspn(name, allowed)])
                return err_field(err, E_INVALID, field, "must hold letters, digits, ':', '_', '-'");
        return E_OK;
}

static enum errc check_named(const struct call_op *op, const struct operation *o, struct err *err)
{
        bool order = op->names == NAMES_ORDER, symbol = op->names == NAMES_SYMBOL;

        if (order && !o->has_order)
                return err_field(err, E_INVALID, "orderId", "is required");
        if (symbol && !o->has_symbol)
                return err_field(err, E_INVALID, "symbol", "is required");
        if (o->has_order && !order && op->names != NAMES_EITHER)
                return err_field(err, E_INVALID, "orderId", "is not a field of this operation");
        if (o->has_symbol && !symbol && op->names != NAMES_EITHER)
                return err_field(err, E_INVALID, "symbol", "is not a field of this operation");
        if (o->has_order && o->has_symbol)
                return err_field(err, E_INVALID, "symbol", "and orderId exclude one another");
        if (check_name(o->order, "orderId", err))
                return err->code;
        return check_name(o->symbol, "symbol", err);
}

static enum errc take_body(struct socket_frame *frame, const struct call_op *op, struct err *err)
{
        frame->body = json_incref(json_object_get(frame->json, "body"));
        (void)json_object_del(frame->json, "body");
        if (op->takes_body && !json_is_object(frame->body))
                return err_field(err, E_INVALID, "body", "is required: an object");
        if (!op->takes_body && frame->body)
                return err_field(err, E_INVALID, "body", "is not a field of this operation");
        return E_OK;
}

/* HTTP's answer as a frame. The socket may have left meanwhile; what was done, is done. */
static void answered(void *cookie, int status, const char *content_type, const char *body,
                     size_t len, bool replayed)
{
        struct under_way *call = cookie;
        struct socket *s = sockets_find(call->all, call->peer);
        struct buf out;

        (void)content_type;
        if (!s)
                goto done;
        s->calls--;
        sockets_frames_begin(&out, status < 400 ? "result" : "error", call->id, call->op);
        if (status < 400)
                buf_printf(&out, ",\"status\":%d,\"data\":", status);
        else
                buf_puts(&out, ",\"problem\":");
        if (len)
                buf_put(&out, body, len);
        else
                buf_puts(&out, "null");
        buf_printf(&out, ",\"replayed\":%s", replayed ? "true" : "false");
        sockets_frames_say(s, &out);
        if (call->all->draining && s->calls == 0)
                sockets_end(s, SOCKET_RESTART, "the gateway is ending", sockets_spread(call->all));
done:
        free(call->id);
        free(call);
}

static void make_target(const struct call_op *op, const struct operation *o, char path[PATH_MAX_],
                        char query[PATH_MAX_])
{
        const char *named = op->names == NAMES_SYMBOL ? o->symbol : o->order;
        const char *tail = strstr(op->path, "%s");
        int n;

        query[0] = '\0';
        if (!tail) {
                must(text_copy(path, PATH_MAX_, op->path));
        } else if (named[0]) {
                n = snprintf(path, PATH_MAX_, "%.*s%s%s", (int)(tail - op->path), op->path, named,
                             tail + 2);
                must(n > 0 && n < PATH_MAX_);
        } else {
                n = snprintf(path, PATH_MAX_, "%.*s", (int)(tail - op->path) - 1, op->path);
                must(n > 0 && n < PATH_MAX_);
        }
        if (op->names != NAMES_EITHER || !o->has_symbol)
                return;
        n = snprintf(query, PATH_MAX_, "symbol=%s", o->symbol);
        must(n > 0 && n < PATH_MAX_);
}

static void start(struct socket_frame *frame, const struct call_op *op, const struct operation *o)
{
        struct socket *s = frame->socket;
        struct under_way *call = xcalloc(1, sizeof *call);
        char path[PATH_MAX_], query[PATH_MAX_];
        char *body = frame->body ? json_dumps(frame->body, JSON_COMPACT) : NULL;
        struct api_socket_request request = {
                .from = &s->from,
                .who = s->is_known ? &s->who : NULL,
                .method = op->method,
                .path = path,
                .body = body,
                .body_len = body ? strlen(body) : 0,
                .idempotency_key = o->has_key ? o->key : NULL,
        };

        make_target(op, o, path, query);
        request.query = query[0] ? query : NULL;
        *call = (struct under_way){.all = s->all,
                                   .peer = s->peer,
                                   .op = op->name,
                                   .id = frame->id ? xstrdup(frame->id) : NULL};
        s->calls++;
        s->all->operations++;
        api_socket_call(s->all->api, &request, answered, call);
        free(body);
}

void sockets_calls_take(struct socket_frame *frame, struct err *err)
{
        struct socket *s = frame->socket;
        const struct call_op *op = find(frame->op);
        struct operation o = {.order = ""};

        if (take_body(frame, op, err) ||
            schema_read(&o, frame->json, fields, sizeof fields / sizeof *fields, err) ||
            check_named(op, &o, err))
                return;
        if (s->calls >= s->all->limits.operations_at_once)
                (void)err_set(err, E_RATE_LIMITED, "A socket has at most %u operations under way.",
                              s->all->limits.operations_at_once);
        else
                start(frame, op, &o);
}
