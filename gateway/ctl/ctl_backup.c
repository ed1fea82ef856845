/* Asks for a backup, waits until it is made or has failed, prints what the gateway says of it. */
#include "ctl/ctl_backup.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "loop/http_client.h"
#include "loop/loop.h"

#define DEADLINE_MS  10000
#define LOOK_EACH_MS 200
#define ANSWER_MAX   65536

const char ctl_backup_usage[] = "       perpgatectl [--admin URL] backup [NAME]\n";

struct wait {
        struct loop *loop;
        struct http_client *client;
        struct loop_timer *timer;
        struct buf url;
        int status;
};

static void answered(void *cookie, const struct http_answer *answer)
{
        struct wait *wait = cookie;
        static const char running[] = "{\"state\":\"running\"", done[] = "{\"state\":\"done\"";

        if (answer->result != HTTP_ANSWERED) {
                fprintf(stderr, "perpgatectl: %s\n", answer->reason);
        } else if (answer->status < 300 &&
                   strncmp(answer->body, running, sizeof running - 1) == 0) {
                loop_timer_start(wait->timer, LOOK_EACH_MS, 0);
                return;
        } else {
                bool is_done =
                        answer->status < 300 && strncmp(answer->body, done, sizeof done - 1) == 0;
                fprintf(is_done ? stdout : stderr, "%s\n", answer->body);
                wait->status = is_done ? CTL_OK : CTL_FAILED;
        }
        loop_stop(wait->loop);
}

static void look(void *cookie)
{
        struct wait *wait = cookie;

        http_client_get(wait->client, buf_cstr(&wait->url), DEADLINE_MS, answered, wait);
}

/* The gateway knows which names it takes; here only what would not be one string. */
static bool is_plain(const char *name)
{
        return strcspn(name, "\"\\") == strlen(name) && strlen(name) < 200;
}

int ctl_backup(const struct ctl *ctl, int argc, char **argv)
{
        struct http_client_options options = {
                .max_in_flight = 1, .max_waiting = 1, .max_body_bytes = ANSWER_MAX};
        struct wait wait = {.status = CTL_FAILED};
        char body[256] = "";

        if (argc > 1 || (argc == 1 && (!is_plain(argv[0]) || argv[0][0] == '-'))) {
                fprintf(stderr, "usage:\n%s", ctl_backup_usage);
                return CTL_USAGE;
        }
        if (argc == 1)
                snprintf(body, sizeof body, "{\"name\":\"%s\"}", argv[0]);
        wait.loop = loop_new();
        wait.client = http_client_new(wait.loop, &options);
        wait.timer = loop_timer_new(wait.loop, look, &wait);
        buf_init(&wait.url, 1024);
        buf_puts(&wait.url, ctl->admin);
        buf_puts(&wait.url, "/backup");
        if (buf_check(&wait.url)) {
                fputs("perpgatectl: the address is too long\n", stderr);
        } else {
                http_client_post(wait.client, buf_cstr(&wait.url), body, strlen(body), DEADLINE_MS,
                                 false, answered, &wait);
                loop_run(wait.loop);
        }
        loop_timer_free(wait.timer);
        http_client_free(wait.client);
        loop_free(wait.loop);
        buf_fini(&wait.url);
        return wait.status;
}
