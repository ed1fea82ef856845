/* alerts: kept once per cause, listed by account, posted to webhooks until they are taken. */
#include "store_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/socket.h>

#include "alerts/alerts.h"

#define SECRET    "a secret of this test"
#define POSTS_MAX 32

/* A receiver of webhooks: takes one request at a time and answers what it is told to. */
struct receiver {
        int fd;
        uint16_t port;
        int status;
        unsigned n;
        char request[POSTS_MAX][4096];
};

struct world {
        struct rig *rig;
        struct metrics *metrics;
        struct alerts *alerts;
        struct receiver receiver;
        struct brand brand;
        struct brand *brands[1];
        struct brand_set set;
        unsigned told;
        uint64_t last_number;
};

/* --- the receiver --- */

static void receiver_open(struct receiver *r)
{
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof at;

        r->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(r->fd >= 0);
        assert_int_equal(bind(r->fd, (struct sockaddr *)&at, sizeof at), 0);
        assert_int_equal(listen(r->fd, 16), 0);
        assert_int_equal(getsockname(r->fd, (struct sockaddr *)&at, &len), 0);
        r->port = ntohs(at.sin_port);
        r->status = 200;
}

static bool is_whole(const char *request)
{
        const char *end = strstr(request, "\r\n\r\n"),
                   *length = strstr(request, "Content-Length: ");

        return end && length && strlen(end + 4) >= strtoul(length + 16, NULL, 10);
}

/* One connection, if there is one: reads a request whole, answers, closes. The sender is on the same
 * loop, which goes on meanwhile. */
static void receiver_serve(struct receiver *r, struct loop *loop)
{
        int fd = accept4(r->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        char *text, answer[128];
        size_t len = 0;
        int n;

        if (fd < 0)
                return;
        assert_true(r->n < POSTS_MAX);
        text = r->request[r->n];
        memset(text, 0, sizeof r->request[0]);
        for (int i = 0; i < 5000 && !is_whole(text); i++) {
                ssize_t got = recv(fd, text + len, sizeof r->request[0] - 1 - len, 0);
                if (got == 0 || (got < 0 && errno != EAGAIN)) {
                        close(fd); /* the client is gone: no request */
                        return;
                }
                if (got > 0)
                        len += (size_t)got;
                else
                        loop_turn(loop, 1);
        }
        assert_true(is_whole(text));
        r->n++;
        n = snprintf(answer, sizeof answer,
                     "HTTP/1.1 %d Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                     r->status);
        assert_int_equal(send(fd, answer, (size_t)n, MSG_NOSIGNAL), n);
        close(fd);
}

static void wait_posts(struct world *w, unsigned n)
{
        for (int i = 0; i < 4000 && w->receiver.n < n; i++) {
                loop_turn(w->rig->loop, 2);
                receiver_serve(&w->receiver, w->rig->loop);
        }
        assert_int_equal(w->receiver.n, n);
}

static void settle(struct world *w)
{
        for (int i = 0; i < 50; i++)
                loop_turn(w->rig->loop, 2);
}

/* --- the world --- */

static void write_secret(const struct world *w, const char *text, mode_t mode)
{
        int fd = open(w->brand.webhook[0].secret_file, O_WRONLY | O_CREAT | O_TRUNC, mode);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        assert_int_equal(fchmod(fd, mode), 0);
        close(fd);
}

static void open_alerts(struct world *w)
{
        struct alerts_options options = {
                .loop = w->rig->loop, .store = w->rig->store, .metrics = w->metrics};
        struct err err = {.code = E_OK};

        w->alerts = alerts_new(&options);
        if (alerts_configure(w->alerts, &w->set, &err))
                fail_msg("%s", err.detail);
}

static int setup(void **state)
{
        struct world *w = xcalloc(1, sizeof *w);
        void *rig;

        rig_setup(&rig);
        w->rig = rig;
        w->metrics = metrics_new();
        receiver_open(&w->receiver);
        text_copy(w->brand.id, sizeof w->brand.id, BRAND_A);
        w->brand.n_webhooks = 1;
        snprintf(w->brand.webhook[0].url, sizeof w->brand.webhook[0].url,
                 "http://127.0.0.1:%u/hook", w->receiver.port);
        snprintf(w->brand.webhook[0].secret_file, sizeof w->brand.webhook[0].secret_file,
                 "%s/hook.secret", w->rig->folder);
        write_secret(w, SECRET "\n", 0600);
        w->brands[0] = &w->brand;
        w->set = (struct brand_set){.refs = 1, .n = 1, .brand = w->brands};
        open_alerts(w);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        struct world *w = *state;
        void *rig = w->rig;

        alerts_free(w->alerts);
        unlink(w->brand.webhook[0].secret_file);
        close(w->receiver.fd);
        rig_teardown(&rig);
        metrics_free(w->metrics);
        free(w);
        return 0;
}

static void on_told(void *cookie, const struct store_alert *alert)
{
        struct world *w = cookie;

        w->told++;
        w->last_number = alert->number;
}

static void raise_one(struct world *w, unsigned account, const char *cause)
{
        struct alert alert = {
                .brand = BRAND_A,
                .account = rig_addr(account),
                .kind = ALERT_LIQUIDATION_DISTANCE,
                .symbol = "BTC",
                .at = clock_wall_ms(loop_clock(w->rig->loop)),
                .cause = cause,
                .detail = "{\"band\":\"0.1\"}",
        };

        alerts_raise(w->alerts, &alert, on_told, w);
}

/* --- listing --- */

struct listed {
        struct reply reply;
        size_t n;
        struct store_alert row[8];
};

static void on_listed(void *cookie, enum errc rc, const struct store_alert *alerts, size_t n)
{
        struct listed *out = cookie;

        rig_count(&out->reply, rc);
        out->n = n;
        assert_true(n <= 8);
        for (size_t i = 0; i < n; i++)
                out->row[i] = alerts[i];
}

static void list(struct world *w, unsigned account, const char *kind, uint64_t before,
                 unsigned limit, struct listed *out)
{
        struct addr address = rig_addr(account);

        memset(out, 0, sizeof *out);
        store_alert_list(w->rig->store, BRAND_A, &address, kind, before, limit, on_listed, out);
        rig_wait(w->rig, &out->reply, 1);
        assert_int_equal(out->reply.rc, E_OK);
}

static void a_cause_is_told_once(void **state)
{
        struct world *w = *state;
        struct listed out;

        raise_one(w, 1, "BTC below 0.1");
        raise_one(w, 1, "BTC below 0.1");
        raise_one(w, 2, "BTC below 0.1"); /* another account: another cause */
        wait_posts(w, 2);
        settle(w);
        assert_int_equal(w->told, 2);
        list(w, 1, "", 0, 8, &out);
        assert_int_equal(out.n, 1);
        assert_string_equal(out.row[0].cause, "BTC below 0.1");
        assert_string_equal(out.row[0].kind, "liquidationDistance");
}

static void raise_about(struct world *w, const char *topic, const char *cause)
{
        struct alert alert = {
                .brand = BRAND_A,
                .account = rig_addr(1),
                .kind = ALERT_LIQUIDATION_DISTANCE,
                .symbol = "BTC",
                .at = clock_wall_ms(loop_clock(w->rig->loop)),
                .topic = topic,
                .cause = cause,
                .detail = "{}",
        };

        alerts_raise(w->alerts, &alert, on_told, w);
}

static void causes_of_a_topic_take_turns(void **state)
{
        struct world *w = *state;

        raise_about(w, "BTC 0.1", "below");
        raise_about(w, "BTC 0.1", "below");
        raise_about(w, "BTC 0.1", "back");
        raise_about(w, "BTC 0.2", "below");
        raise_about(w, "BTC 0.1", "below"); /* again: it was back meanwhile */
        raise_about(w, "BTC 0.1", "below");
        wait_posts(w, 4);
        settle(w);
        assert_int_equal(w->told, 4);
}

static void pages_go_back_by_number(void **state)
{
        struct world *w = *state;
        struct listed out;
        char cause[16];

        for (unsigned i = 0; i < 5; i++) {
                snprintf(cause, sizeof cause, "cause %u", i);
                raise_one(w, 1, cause);
        }
        wait_posts(w, 5);
        list(w, 1, "", 0, 3, &out);
        assert_int_equal(out.n, 3);
        assert_string_equal(out.row[0].cause, "cause 4");
        list(w, 1, "", out.row[2].number, 3, &out);
        assert_int_equal(out.n, 2);
        assert_string_equal(out.row[1].cause, "cause 0");
        list(w, 1, "liquidated", 0, 3, &out);
        assert_int_equal(out.n, 0);
        list(w, 7, "", 0, 3, &out);
        assert_int_equal(out.n, 0);
}

static void only_the_newest_are_kept(void **state)
{
        struct world *w = *state;
        struct listed out;
        char cause[16];

        w->set.n = 0; /* no webhooks */
        assert_int_equal(alerts_configure(w->alerts, &w->set, NULL), E_OK);
        for (unsigned i = 0; i < STORE_ALERTS_KEPT + 3; i++) {
                snprintf(cause, sizeof cause, "cause %u", i);
                raise_one(w, 1, cause);
        }
        for (int i = 0; i < 5000 && w->told < STORE_ALERTS_KEPT + 3; i++)
                loop_turn(w->rig->loop, 10);
        assert_int_equal(w->told, STORE_ALERTS_KEPT + 3);
        list(w, 1, "", 5, 8, &out); /* below the fifth: the first three are gone */
        assert_int_equal(out.n, 1);
        assert_string_equal(out.row[0].cause, "cause 3");
}

/* --- webhooks --- */

static const char *header(const char *request, const char *name, char *out, size_t cap)
{
        const char *at = strstr(request, name);
        size_t n;

        assert_non_null(at);
        at += strlen(name);
        n = strcspn(at, "\r");
        assert_true(n < cap);
        memcpy(out, at, n);
        out[n] = '\0';
        return out;
}

static void expect_signed(const char *request)
{
        char stamp[64], signature[128], hex[65], text[4200];
        const char *body = strstr(request, "\r\n\r\n") + 4;
        crypto_auth_hmacsha256_state mac_state;
        uint8_t mac[32];

        header(request, "X-Perpgate-Timestamp: ", stamp, sizeof stamp);
        header(request, "X-Perpgate-Signature: ", signature, sizeof signature);
        snprintf(text, sizeof text, "%s.%s", stamp, body);
        crypto_auth_hmacsha256_init(&mac_state, (const uint8_t *)SECRET, strlen(SECRET));
        crypto_auth_hmacsha256_update(&mac_state, (const uint8_t *)text, strlen(text));
        crypto_auth_hmacsha256_final(&mac_state, mac);
        assert_string_equal(signature, hex_encode(hex, mac, sizeof mac));
}

static void a_post_is_signed_and_whole(void **state)
{
        struct world *w = *state;
        char id[64], wanted[512], address[ADDR_STR_MAX];
        const char *request = w->receiver.request[0];
        struct addr account = rig_addr(1);

        raise_one(w, 1, "BTC below 0.1");
        wait_posts(w, 1);
        assert_ptr_equal(strstr(request, "POST /hook HTTP/1.1\r\n"), request);
        expect_signed(request);
        snprintf(wanted, sizeof wanted,
                 "{\"id\":\"%s\",\"kind\":\"liquidationDistance\",\"brand\":\"meridian\","
                 "\"account\":\"%s\",\"symbol\":\"BTC\",\"at\":",
                 header(request, "X-Perpgate-Delivery: ", id, sizeof id),
                 hex_print_addr(address, &account));
        assert_ptr_equal(strstr(request, wanted), strstr(request, "\r\n\r\n") + 4);
        assert_non_null(strstr(request, ",\"detail\":{\"band\":\"0.1\"}}"));
        assert_null(strstr(request, SECRET));
}

static void what_is_refused_comes_again(void **state)
{
        struct world *w = *state;
        char first[64], second[64];

        w->receiver.status = 500;
        raise_one(w, 1, "BTC below 0.1");
        wait_posts(w, 1);
        w->receiver.status = 204;
        wait_posts(w, 2);
        header(w->receiver.request[0], "X-Perpgate-Delivery: ", first, sizeof first);
        header(w->receiver.request[1], "X-Perpgate-Delivery: ", second, sizeof second);
        assert_string_equal(first, second);
        expect_signed(w->receiver.request[1]);
        settle(w);
        assert_int_equal(w->receiver.n, 2); /* taken: not a third time */
}

static void what_was_not_taken_survives_a_restart(void **state)
{
        struct world *w = *state;

        w->receiver.status = 503;
        raise_one(w, 1, "BTC below 0.1");
        wait_posts(w, 1);
        alerts_free(w->alerts);
        rig_reopen(w->rig);
        w->receiver.status = 200;
        open_alerts(w);
        wait_posts(w, 2);
        raise_one(w, 1, "BTC below 0.1"); /* told before the restart */
        settle(w);
        assert_int_equal(w->told, 1);
        assert_int_equal(w->receiver.n, 2);
}

static void many_are_posted_a_few_at_a_time(void **state)
{
        struct world *w = *state;
        bool seen[21] = {false};
        char cause[16], id[64];

        for (unsigned i = 0; i < 20; i++) {
                snprintf(cause, sizeof cause, "cause %u", i);
                raise_one(w, 1, cause);
        }
        wait_posts(w, 20);
        settle(w);
        receiver_serve(&w->receiver, w->rig->loop);
        assert_int_equal(w->receiver.n, 20);
        for (unsigned i = 0; i < 20; i++) {
                unsigned long n = strtoul(
                        header(w->receiver.request[i], "X-Perpgate-Delivery: ", id, sizeof id),
                        NULL, 10);
                assert_true(n >= 1 && n <= 20 && !seen[n]);
                seen[n] = true;
        }
}

static void a_bad_secret_changes_nothing(void **state)
{
        struct world *w = *state;
        struct err err = {.code = E_OK};

        write_secret(w, SECRET, 0644);
        assert_int_equal(alerts_configure(w->alerts, &w->set, &err), E_CONFIG);
        assert_non_null(strstr(err.detail, "only its owner may have access"));
        write_secret(w, "", 0600);
        err = (struct err){.code = E_OK};
        assert_int_equal(alerts_configure(w->alerts, &w->set, &err), E_CONFIG);
        raise_one(w, 1, "BTC below 0.1");
        wait_posts(w, 1);
        expect_signed(w->receiver.request[0]); /* with the secret from before */
}

static void a_hook_may_go_with_posts_under_way(void **state)
{
        struct world *w = *state;

        for (unsigned account = 1; account < 5; account++)
                raise_one(w, account, "BTC below 0.1");
        for (int i = 0; i < 50 && w->told < 4; i++)
                loop_turn(w->rig->loop, 5);
        w->set.n = 0;
        assert_int_equal(alerts_configure(w->alerts, &w->set, NULL), E_OK);
        settle(w);
        w->set.n = 1;
        assert_int_equal(alerts_configure(w->alerts, &w->set, NULL), E_OK);
        settle(w);
        assert_int_equal(w->told, 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_cause_is_told_once, setup, teardown),
                cmocka_unit_test_setup_teardown(causes_of_a_topic_take_turns, setup, teardown),
                cmocka_unit_test_setup_teardown(pages_go_back_by_number, setup, teardown),
                cmocka_unit_test_setup_teardown(only_the_newest_are_kept, setup, teardown),
                cmocka_unit_test_setup_teardown(a_post_is_signed_and_whole, setup, teardown),
                cmocka_unit_test_setup_teardown(what_is_refused_comes_again, setup, teardown),
                cmocka_unit_test_setup_teardown(what_was_not_taken_survives_a_restart, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(many_are_posted_a_few_at_a_time, setup, teardown),
                cmocka_unit_test_setup_teardown(a_bad_secret_changes_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(a_hook_may_go_with_posts_under_way, setup,
                                                teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
