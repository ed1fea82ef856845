/* Questions and actions that come over a socket: the same as over HTTP, answered in a frame. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/inbound.h"
#include "base/log.h"
#include "base/mem.h"
#include "compat/compat_span.h"
#include "compat/compat_ws_impl.h"

#define FRAME_MAX (8u << 20)
#define TYPE_MAX  64

struct post {
        struct compat_ws *ws;
        struct handle peer;
        uint64_t id;
        bool is_info;
        char type[TYPE_MAX]; /* of the question */
};

static void put_response(struct buf *out, const struct post *post, int status, const char *body,
                         size_t len)
{
        struct buf text;

        if (status != 200) {
                buf_init(&text, FRAME_MAX);
                buf_printf(&text, "%d: ", status);
                buf_put(&text, body, len);
                buf_puts(out, "{\"type\":\"error\",\"payload\":");
                buf_put_json(out, (const char *)text.data, text.len);
                buf_fini(&text);
        } else if (post->is_info) {
                buf_puts(out, "{\"type\":\"info\",\"payload\":{\"type\":");
                buf_put_json(out, post->type, strlen(post->type));
                buf_puts(out, ",\"data\":");
                buf_put(out, body, len);
                buf_putc(out, '}');
        } else {
                buf_puts(out, "{\"type\":\"action\",\"payload\":");
                buf_put(out, body, len);
        }
        buf_putc(out, '}');
}

static void answered(void *cookie, int status, const char *content_type, const char *body,
                     size_t len, bool replayed)
{
        struct post *post = cookie;
        struct ws_peer *peer = map_get(post->ws->by_handle, &post->peer, sizeof post->peer);
        struct buf frame;

        (void)content_type;
        (void)replayed;
        if (peer) {
                peer->n_posts--;
                buf_init(&frame, FRAME_MAX);
                buf_printf(&frame,
                           "{\"channel\":\"post\",\"data\":{\"id\":%" PRIu64 ",\"response\":",
                           post->id);
                put_response(&frame, post, status, body, len);
                buf_puts(&frame, "}}");
                compat_ws_say(peer, &frame);
                buf_fini(&frame);
                compat_ws_leave(peer);
        }
        free(post);
}

static void run(struct ws_peer *peer, const struct brand *brand, struct post *post,
                const char *payload, size_t len)
{
        struct compat *compat = peer->ws->compat;
        const struct route *route = post->is_info ? &compat_info_route : &compat_exchange_route;
        struct inbound in = {
                .method = METHOD_POST,
                .path = route->path,
                .query = "",
                .body = payload,
                .body_len = len,
                .peer = peer->client,
                .client = peer->client,
                .request_id = "socket",
                .origin = "",
                .accept = "",
        };
        struct call *call = call_new(compat->api, &in, route, compat->api->brands, brand, "");

        if (brand->region_header[0])
                call->region = brand_region_of(brand, peer->country);
        call->told = answered;
        call->told_cookie = post;
        if (len > route->max_body_bytes)
                compat_text(call, 413, "The body is too large.");
        else if (!(post->is_info ? brand->compat_info : brand->compat_exchange))
                compat_text(call, 404, "Not offered here.");
        else
                compat_run(compat, call);
}

bool compat_post(struct ws_peer *peer, const json_t *message, const char *text, size_t len)
{
        const json_t *request = json_object_get(message, "request");
        const json_t *payload = json_object_get(request, "payload");
        const char *kind = hl_raw_get_text(request, "type", NULL);
        const char *type = hl_raw_get_text(payload, "type", NULL);
        const struct brand *brand = brand_by_id(peer->ws->compat->api->brands, peer->brand);
        struct post *post;
        const char *at;
        size_t n;
        uint64_t id;

        if (hl_raw_get_uint(&id, message, "id") || !kind || !json_is_object(payload) ||
            (strcmp(kind, "info") != 0 && strcmp(kind, "action") != 0) || !brand ||
            !compat_span_find(&at, &n, text, len, "request") ||
            !compat_span_find(&at, &n, at, n, "payload"))
                return false;
        if (peer->n_posts >= COMPAT_WS_POSTS_MAX) {
                char number[32];

                (void)text_copy(number, sizeof number, log_int((long long)id));
                compat_ws_error(peer, "too many pending post requests id=", number);
                return true;
        }
        post = xcalloc(1, sizeof *post);
        *post = (struct post){
                .ws = peer->ws, .peer = peer->handle, .id = id, .is_info = kind[0] == 'i'};
        (void)text_copy(post->type, sizeof post->type, type ? type : "");
        peer->n_posts++;
        run(peer, brand, post, at, n);
        return true;
}
