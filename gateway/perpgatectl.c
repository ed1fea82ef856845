/* perpgatectl: the operator's command line, over the admin listener.
 *
 *   perpgatectl [--admin URL] health|ready|metrics
 *   perpgatectl audit ...               ctl/ctl_audit.c
 *   perpgatectl backup ...              ctl/ctl_backup.c
 *   perpgatectl restore ...             ctl/ctl_restore.c
 *   perpgatectl rotate-master-key ...   ctl/ctl_rotate.c
 *
 * Prints the answer; ends with 0 when the gateway answered well (for ready: when it is ready), 1 when
 * it did not, 2 when the command is not understood, 3 when a file can't be read. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/secret.h"
#include "ctl/ctl_audit.h"
#include "ctl/ctl_backup.h"
#include "ctl/ctl_restore.h"
#include "ctl/ctl_rotate.h"
#include "loop/http_client.h"
#include "loop/loop.h"

#define DEFAULT_ADMIN "http://127.0.0.1:8081"
#define DEADLINE_MS   5000
#define ANSWER_MAX    (16u << 20)

struct ask {
        struct loop *loop;
        int status;
};

static void answered(void *cookie, const struct http_answer *answer)
{
        struct ask *ask = cookie;

        if (answer->result != HTTP_ANSWERED) {
                fprintf(stderr, "perpgatectl: %s\n", answer->reason);
        } else {
                fwrite(answer->body, 1, answer->body_len, stdout);
                if (answer->body_len && answer->body[answer->body_len - 1] != '\n')
                        putchar('\n');
                ask->status = answer->status == 200 ? 0 : 1;
        }
        loop_stop(ask->loop);
}

static int run(const char *admin, const char *path)
{
        struct http_client_options options = {
                .max_in_flight = 1, .max_waiting = 1, .max_body_bytes = ANSWER_MAX};
        struct ask ask = {.loop = loop_new(), .status = 1};
        struct http_client *client = http_client_new(ask.loop, &options);
        struct buf url;

        buf_init(&url, 1024);
        buf_puts(&url, admin);
        buf_puts(&url, path);
        if (buf_check(&url)) {
                fputs("perpgatectl: the address is too long\n", stderr);
        } else {
                http_client_get(client, buf_cstr(&url), DEADLINE_MS, answered, &ask);
                loop_run(ask.loop);
        }
        http_client_free(client);
        loop_free(ask.loop);
        buf_fini(&url);
        return ask.status;
}

static int usage(void)
{
        fputs("usage: perpgatectl [--admin URL] health|ready|metrics\n", stderr);
        fputs(ctl_audit_usage, stderr);
        fputs(ctl_backup_usage, stderr);
        fputs(ctl_restore_usage, stderr);
        fputs(ctl_rotate_usage, stderr);
        return CTL_USAGE;
}

int main(int argc, char **argv)
{
        static const struct {
                const char *word;
                const char *path;
        } commands[] = {{"health", "/healthz"}, {"ready", "/readyz"}, {"metrics", "/metrics"}};
        static const struct {
                const char *word;
                ctl_command *run;
        } subcommands[] = {
                {"audit", ctl_audit},
                {"backup", ctl_backup},
                {"restore", ctl_restore},
                {"rotate-master-key", ctl_rotate},
        };
        const char *admin = DEFAULT_ADMIN;
        int i = 1;

        secret_process_init();
        log_set_level(LOG_ERROR);
        if (i + 1 < argc && strcmp(argv[i], "--admin") == 0) {
                admin = argv[i + 1];
                i += 2;
        }
        if (i == argc)
                return usage();
        const struct ctl ctl = {.admin = admin, .ask = run};
        for (size_t k = 0; k < sizeof subcommands / sizeof subcommands[0]; k++)
                if (strcmp(argv[i], subcommands[k].word) == 0)
                        return subcommands[k].run(&ctl, argc - i - 1, argv + i + 1);
        if (i + 1 != argc)
                return usage();
        for (size_t k = 0; k < sizeof commands / sizeof commands[0]; k++)
                if (strcmp(argv[i], commands[k].word) == 0)
                        return run(admin, commands[k].path);
        return usage();
}
