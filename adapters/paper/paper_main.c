/* perpgate-paper: the paper venue alone. Prints one line of JSON once it is ready; SIGTERM and SIGINT
 * end it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/paper/paper.h"
#include "base/secret.h"

static const char usage[] =
        "usage: perpgate-paper [--port PORT] [--meta FILE] [--seed N] [--testnet] [--still]\n"
        "                      [--state FILE]\n"
        "  --port PORT  port on 127.0.0.1; 0 (the default) picks a free one\n"
        "  --meta FILE  universe from a captured meta or metaAndAssetCtxs answer\n"
        "  --seed N     seed of the synthetic market (default 1)\n"
        "  --testnet    signatures must name the testnet\n"
        "  --still      prices move only through POST /paper/price\n"
        "  --state FILE go on from FILE where it exists; save there at the end and when asked to\n";

static bool number(const char *text, int64_t max, int64_t *out)
{
        return text && !num_parse(out, text, strlen(text), 0, NUM_REFUSE) && *out >= 0 &&
               *out <= max;
}

/* 0 to go on, else the exit status plus one. */
static int parse(struct paper_options *options, int argc, char **argv)
{
        for (int i = 1; i < argc; i++) {
                const char *next = i + 1 < argc ? argv[i + 1] : NULL;
                int64_t value;

                if (!strcmp(argv[i], "--help")) {
                        (void)fputs(usage, stdout);
                        return 1;
                }
                if (!strcmp(argv[i], "--testnet")) {
                        options->is_mainnet = false;
                } else if (!strcmp(argv[i], "--still")) {
                        options->is_still = true;
                } else if (!strcmp(argv[i], "--port") && number(next, UINT16_MAX, &value)) {
                        options->port = (uint16_t)value;
                        i++;
                } else if (!strcmp(argv[i], "--seed") && number(next, INT64_MAX, &value)) {
                        options->seed = (uint64_t)value;
                        i++;
                } else if (!strcmp(argv[i], "--meta") && next) {
                        options->meta_file = next;
                        i++;
                } else if (!strcmp(argv[i], "--state") && next) {
                        options->state_file = next;
                        i++;
                } else {
                        (void)fprintf(stderr, "perpgate-paper: can't use %s\n%s", argv[i], usage);
                        return 3;
                }
        }
        return 0;
}

static void on_signal(void *cookie)
{
        loop_stop(cookie);
}

int main(int argc, char **argv)
{
        struct paper_options options = {.seed = 1, .is_mainnet = true};
        struct err err = {.code = E_OK};
        struct loop_signal *term, *interrupt;
        struct paper *paper;
        struct httpd *httpd;
        struct loop *loop;
        int status = parse(&options, argc, argv);

        if (status)
                return status - 1;
        secret_process_init();
        status = EXIT_FAILURE;
        loop = loop_new();
        httpd = httpd_new(loop);
        term = loop_signal_new(loop, SIGTERM, on_signal, loop);
        interrupt = loop_signal_new(loop, SIGINT, on_signal, loop);
        paper = paper_open(loop, httpd, &options, &err);
        if (!paper) {
                (void)fprintf(stderr, "perpgate-paper: %s\n", err.detail);
                goto done;
        }
        (void)printf("{\"ready\":true,\"url\":\"http://127.0.0.1:%u\","
                     "\"ws\":\"ws://127.0.0.1:%u/ws\",\"paper\":\"http://127.0.0.1:%u\"}\n",
                     paper_port(paper), paper_port(paper), paper_port(paper));
        (void)fflush(stdout);
        loop_run(loop);
        status = EXIT_SUCCESS;
done:
        paper_stop(paper);
        if (paper && !paper_is_saved(paper))
                status = EXIT_FAILURE;
        httpd_free(httpd);
        paper_close(paper);
        loop_signal_free(interrupt);
        loop_signal_free(term);
        loop_free(loop);
        return status;
}
