/* GET /v1/openapi.json and /v1/asyncapi.json: the documents in the brand's name. */
#include <stdlib.h>
#include <string.h>

#include "api/asyncapi_build.h"
#include "api/call.h"
#include "api/handlers.h"
#include "api/openapi_build.h"

#define BODY_MAX (4u << 20)

/* The inside of a JSON string. */
static void put_inside(struct buf *out, const char *text)
{
        struct buf quoted;

        buf_init(&quoted, 65536);
        buf_put_json(&quoted, text, strlen(text));
        must(buf_check(&quoted) == E_OK);
        buf_put(out, quoted.data + 1, quoted.len - 2);
        buf_fini(&quoted);
}

static void put_value(struct buf *out, const struct brand *b, const char *name, size_t len)
{
        const char *scheme = b->tls ? "https://" : "http://";

        if (len == 2 && memcmp(name, "ws", len) == 0) {
                buf_puts(out, b->tls ? "wss" : "ws");
        } else if (len == 4 && memcmp(name, "name", len) == 0) {
                put_inside(out, b->name);
        } else if (len == 4 && memcmp(name, "host", len) == 0) {
                put_inside(out, b->host[0]);
        } else if (len == 5 && memcmp(name, "terms", len) == 0 && b->terms_url[0]) {
                put_inside(out, b->terms_url);
        } else {
                must((len == 3 && memcmp(name, "url", len) == 0) ||
                     (len == 5 && memcmp(name, "terms", len) == 0));
                put_inside(out, scheme);
                put_inside(out, b->host[0]);
        }
}

static void reply(struct call *call, const char *document)
{
        const char *at = document, *open;
        struct buf body;

        buf_init(&body, BODY_MAX);
        while ((open = strstr(at, "{{")) != NULL) {
                const char *close = strstr(open, "}}");
                must(close != NULL);
                buf_put(&body, at, (size_t)(open - at));
                put_value(&body, call->brand, open + 2, (size_t)(close - open - 2));
                at = close + 2;
        }
        buf_puts(&body, at);
        call_reply(call, 200, &body);
}

void openapi_get(struct call *call)
{
        struct api *api = call->api;

        if (!api->openapi)
                api->openapi = openapi_build();
        reply(call, api->openapi);
}

void openapi_streams(struct call *call)
{
        struct api *api = call->api;

        if (!api->asyncapi)
                api->asyncapi = asyncapi_build();
        reply(call, api->asyncapi);
}
