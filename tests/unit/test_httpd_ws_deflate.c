/* permessage-deflate between the edge and a client of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "edge/ws_deflate.h"

#include "ws_rig.h"

#define OFFER  "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
#define ANSWER "\r\nSec-WebSocket-Extensions: " WS_DEFLATE_ANSWER "\r\n"
#define TEXT   3000

static void fill(char text[TEXT + 1], unsigned number)
{
        for (int i = 0; i < TEXT; i += 10)
                (void)snprintf(text + i, 11, "%05u%05d", number, i % 70);
}

static struct client deflating(struct rig *rig)
{
        struct client c = upgraded_with(rig, OFFER);

        assert_non_null(strstr(c.got, ANSWER));
        client_forget(&c);
        return c;
}

/* The frame at the start of what was got must be compressed, and text. Returns its length in all. */
static size_t expect_packed(struct client *c, const char *text, size_t len)
{
        struct ws_deflate *d = ws_deflate_new();
        const uint8_t *p = (const uint8_t *)c->got;
        struct buf out;
        size_t n, head;

        assert_true(client_wait_len(c, 4));
        p = (const uint8_t *)c->got;
        assert_int_equal(p[0], 0xc1);
        head = p[1] == 126 ? 4 : 2;
        n = head == 4 ? (size_t)p[2] << 8 | p[3] : p[1];
        assert_true(n < len);
        assert_true(client_wait_len(c, head + n));
        buf_init(&out, len);
        assert_int_equal(ws_deflate_unpack(d, &out, c->got + head, n), E_OK);
        assert_int_equal(out.len, len);
        assert_memory_equal(out.data, text, len);
        buf_fini(&out);
        ws_deflate_free(d);
        return head + n;
}

static int deflate_setup(void **state)
{
        int rc = ws_setup(state);

        ((struct rig *)*state)->options.ws_deflate = true;
        return rc;
}

static void test_shared_by_those_who_take_it(void **state)
{
        struct rig *rig = *state;
        struct client c[3];
        struct handle peer[3];
        struct httpd_frame *frame;
        char text[TEXT + 1];
        size_t n;

        rig_listen(rig);
        for (int i = 0; i < 3; i++) {
                c[i] = i == 1 ? upgraded(rig) : deflating(rig);
                peer[i] = rig->peer;
        }
        fill(text, 1);
        frame = httpd_frame_new(text, TEXT);
        for (int i = 0; i < 3; i++)
                assert_int_equal(httpd_ws_share(rig->httpd, peer[i], frame), E_OK);
        assert_int_equal(httpd_ws_queued(rig->httpd, peer[1]), TEXT + 4);
        assert_true(httpd_ws_queued(rig->httpd, peer[0]) <
                    TEXT / 4); /* what will leave is counted */
        httpd_frame_drop(frame);
        n = expect_packed(&c[0], text, TEXT);
        assert_int_equal(expect_packed(&c[2], text, TEXT), n);
        assert_memory_equal(c[0].got, c[2].got, n);
        assert_true(client_wait_len(&c[1], TEXT + 4));
        assert_memory_equal(c[1].got + 4, text, TEXT);
        for (int i = 0; i < 3; i++)
                client_close(&c[i]);
}

static void test_each_message_stands_alone(void **state)
{
        struct rig *rig = *state;
        struct client c;
        char text[TEXT + 1];

        rig_listen(rig);
        c = deflating(rig);
        for (unsigned i = 0; i < 20; i++) {
                fill(text, i);
                client_forget(&c);
                assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, text, TEXT), E_OK);
                assert_int_equal(c.len, 0);
                (void)expect_packed(&c, text, TEXT); /* with a decompressor of its own */
        }
        client_close(&c);
}

static void test_small_frames_and_noise_stay_plain(void **state)
{
        struct rig *rig = *state;
        struct client c;
        char noise[1000];
        uint32_t x = 7;

        rig_listen(rig);
        c = deflating(rig);
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, "aaaaaaaaaaaaaaaaaaaaaaaa", 24),
                         E_OK);
        assert_true(client_wait_len(&c, 26));
        assert_memory_equal(c.got,
                            "\x81\x18"
                            "aaaaaaaa",
                            10);
        client_forget(&c);
        for (size_t i = 0; i < sizeof(noise); i++)
                noise[i] = (char)((x = x * 1664525 + 1013904223) >> 24);
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, noise, sizeof(noise)), E_OK);
        assert_true(client_wait_len(&c, sizeof(noise) + 4));
        assert_int_equal((uint8_t)c.got[0], 0x81);
        assert_memory_equal(c.got + 4, noise, sizeof(noise));
        client_close(&c);
}

static void test_compressed_messages_arrive(void **state)
{
        struct rig *rig = *state;
        struct client c;
        struct ws_deflate *d = ws_deflate_new();
        char text[TEXT + 1];
        struct buf packed;

        rig_listen(rig);
        c = deflating(rig);
        buf_init(&packed, TEXT);
        for (unsigned i = 1; i <= 3; i++) {
                fill(text, i);
                buf_reset(&packed);
                assert_true(ws_deflate_pack(d, &packed, text, TEXT));
                if (i < 3) {
                        send_frame(&c, 0xc1, packed.data, packed.len);
                } else { /* in two, the first of which says that the whole is compressed */
                        send_frame(&c, 0x41, packed.data, 10);
                        send_frame(&c, 0x80, packed.data + 10, packed.len - 10);
                }
                assert_true(client_wait_count(rig->loop, &rig->n_messages, i));
                assert_int_equal(rig->last_message_len, TEXT);
                assert_memory_equal(rig->last_body, text, sizeof(rig->last_body) - 1);
        }
        send_text(&c, "plain"); /* need not be */
        assert_true(client_wait_count(rig->loop, &rig->n_messages, 4));
        assert_string_equal(rig->last_body, "plain");
        buf_fini(&packed);
        ws_deflate_free(d);
        client_close(&c);
}

static void expect_refused(struct rig *rig, const void *payload, size_t len, unsigned code)
{
        struct client c = deflating(rig);
        unsigned n = rig->n_messages;

        send_frame(&c, 0xc1, payload, len);
        expect_close(&c, code);
        assert_int_equal(rig->n_messages, n);
        client_close(&c);
}

static void test_bombs_and_rubbish(void **state)
{
        enum { BOMB = 50000000 };
        struct rig *rig = *state;
        struct ws_deflate *d = ws_deflate_new();
        char *zeros = calloc(1, BOMB);
        char bad[300];
        struct buf packed;

        rig_listen(rig);
        buf_init(&packed, 100000); /* as much as may be sent */
        assert_true(ws_deflate_pack(d, &packed, zeros, BOMB));
        expect_refused(rig, packed.data, packed.len, 1009);
        expect_refused(rig, "\xff\xff\xff\xff", 4, 1007);
        expect_refused(rig, "\xf2\x48\xcd", 3, 1007); /* ends in the middle */
        memset(bad, 0xff, sizeof(bad));
        buf_reset(&packed);
        assert_true(ws_deflate_pack(d, &packed, bad, sizeof(bad)));
        expect_refused(rig, packed.data, packed.len, 1007); /* no UTF-8 inside */
        free(zeros);
        buf_fini(&packed);
        ws_deflate_free(d);
}

static void keep_quiet(void *cookie, struct handle peer, const char *text, size_t len)
{
        struct rig *rig = cookie;

        rig->n_messages++;
        if (len < 100)
                assert_int_equal(httpd_ws_send(rig->httpd, peer, text, len), E_OK);
}

/* Each is within the bound, and a thousand times what was sent. */
static void test_many_bombs_leave_others_alone(void **state)
{
        static const struct httpd_ws_ops ops = {on_upgrade, on_opened, keep_quiet, on_closed, NULL};
        struct rig *rig = *state;
        struct ws_deflate *d = ws_deflate_new();
        struct client c, other;
        char *text = malloc(100000);
        struct buf packed;

        rig->options.ws = &ops;
        rig_listen(rig);
        c = deflating(rig);
        other = upgraded(rig);
        memset(text, 'a', 100000);
        buf_init(&packed, 100000);
        assert_true(ws_deflate_pack(d, &packed, text, 100000));
        assert_true(packed.len < 200);
        for (int i = 0; i < 300; i++)
                send_frame(&c, 0xc1, packed.data, packed.len);
        send_text(&other, "me too");
        assert_true(client_wait_len(&other, 8));
        assert_memory_equal(other.got, "\x81\x06me too", 8);
        assert_true(client_wait_count(rig->loop, &rig->n_messages, 301));
        free(text);
        buf_fini(&packed);
        ws_deflate_free(d);
        client_close(&c);
        client_close(&other);
}

static void test_only_where_both_want_it(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = upgraded_with(
                rig, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n");
        assert_null(strstr(c.got, "Sec-WebSocket-Extensions"));
        client_forget(&c);
        send_frame(&c, 0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
        expect_close(&c, 1002); /* it was not agreed on */
        client_close(&c);
        c = upgraded_with(
                rig, "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n"
                     "Sec-WebSocket-Extensions: permessage-deflate\r\n");
        assert_non_null(strstr(c.got, ANSWER));
        client_close(&c);
}

static void test_off(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig->options.ws_deflate = false;
        rig_listen(rig);
        c = upgraded_with(rig, OFFER);
        assert_null(strstr(c.got, "Sec-WebSocket-Extensions"));
        client_close(&c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, deflate_setup, ws_teardown)
        const struct CMUnitTest tests[] = {
                T(test_shared_by_those_who_take_it),
                T(test_each_message_stands_alone),
                T(test_small_frames_and_noise_stay_plain),
                T(test_compressed_messages_arrive),
                T(test_bombs_and_rubbish),
                T(test_many_bombs_leave_others_alone),
                T(test_only_where_both_want_it),
                T(test_off),
        };
#undef T

        return cmocka_run_group_tests(tests, NULL, NULL);
}
