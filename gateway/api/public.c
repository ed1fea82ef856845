/* The public routes that are not market data: health, the brand, its page and logo. */
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "api/call.h"
#include "api/handlers.h"
#include "api/health.h"
#include "api/out.h"
#include "api/page.h"

void public_health(struct call *call)
{
        struct buf body;

        buf_init(&body, 4096);
        buf_puts(&body, "{\"status\":\"ok\"}");
        call_reply(call, 200, &body);
}

void public_ready(struct call *call)
{
        struct buf body;

        buf_init(&body, 8192);
        bool ready = health_print(call->api, &body);
        call_reply(call, ready ? 200 : 503, &body);
}

void public_brand(struct call *call)
{
        struct venue *venue = call->api->o.venue;
        struct buf body;

        buf_init(&body, 65536);
        out_brand(&body, call->brand, venue->ops->caps(venue)->network);
        call_reply(call, 200, &body);
}

void public_logo(struct call *call)
{
        /* A logo is drawn, never run: no script of it may act in the brand's name. */
        static const struct httpd_header_pair safe[] = {
                {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"}};
        const struct brand *b = call->brand;

        if (!b->logo_len) {
                call_fail_code(call, E_NOT_FOUND);
                return;
        }
        call_reply_raw(call, 200, b->logo_type, b->logo, b->logo_len, safe, 1);
}

static void answer_page(struct call *call, const char *page)
{
        uint8_t random[16];
        char nonce[33], policy[256];
        struct buf body;

        randombytes_buf(random, sizeof random);
        hex_encode(nonce, random, sizeof random);
        snprintf(policy, sizeof policy,
                 "default-src 'none'; connect-src 'self'; img-src 'self'; style-src 'nonce-%s'; "
                 "script-src 'nonce-%s'; base-uri 'none'; frame-ancestors 'none'",
                 nonce, nonce);
        struct httpd_header_pair headers[] = {{"Content-Security-Policy", policy},
                                              {"Referrer-Policy", "no-referrer"}};
        buf_init(&body, 1u << 20);
        page_print(&body, page, call->brand, nonce);
        must(buf_check(&body) == E_OK);
        call_reply_raw(call, 200, "text/html; charset=utf-8", body.data, body.len, headers, 2);
        buf_fini(&body);
}

void public_page(struct call *call)
{
        answer_page(call, page_template);
}

void public_docs(struct call *call)
{
        answer_page(call, docs_template);
}
