/* perpgate-paper: the paper venue alone, or a recorder of another venue's prices. Prints one line of
 * JSON once it is ready; SIGTERM and SIGINT end it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/paper/jot.h"
#include "adapters/paper/paper.h"
#include "adapters/paper/paper_source.h"
#include "adapters/paper/record.h"
#include "base/mem.h"
#include "base/secret.h"

static const char usage[] =
        "usage: perpgate-paper [--port PORT] [--meta FILE] [--seed N] [--testnet] [--still]\n"
        "                      [--replay FILE [--speed N] | --live URL] [--state FILE]\n"
        "                      [--journal FILE] [--ungated] [--limits] [--node] [--rented]\n"
        "       perpgate-paper --record FILE --from URL [--coins A,B,...] [--meta FILE]\n"
        "  --port PORT    port on 127.0.0.1; 0 (the default) picks a free one\n"
        "  --meta FILE    universe from a captured meta or metaAndAssetCtxs answer\n"
        "  --seed N       seed of the synthetic market (default 1)\n"
        "  --testnet      signatures must name the testnet\n"
        "  --still        prices move only through POST /paper/price\n"
        "  --ungated      sub-accounts and scheduled cancels need no traded volume\n"
        "  --limits       requests are limited per IP address and per account\n"
        "  --node         answer at /node/info as well, as a node beside the venue does\n"
        "  --rented       answer at /rented/info as well, as a rented node does\n"
        "  --replay FILE  prices, books and trades of a recording, N times as fast\n"
        "  --live URL     those of another venue's public socket, ws:// or wss://\n"
        "  --state FILE   go on from FILE where it exists; save there at the end and when asked "
        "to\n"
        "  --journal FILE add a line to FILE for every action and every fill\n"
        "  --record FILE  write what the socket says about the universe's (or the named) coins\n";

struct options {
        struct paper_options paper;
        const char *record, *from, *coins;
        int64_t port, seed, speed;
        bool is_testnet, wants_help;
};

static bool number(const char *text, int64_t min, int64_t max, int64_t *out)
{
        return text && !num_parse(out, text, strlen(text), 0, NUM_REFUSE) && *out >= min &&
               *out <= max;
}

/* How many arguments the option took; 0: it can't be used. */
static int take(struct options *o, const char *name, const char *value)
{
        const struct {
                const char *name;
                bool *out;
        } flags[] = {
                {"--testnet", &o->is_testnet},       {"--still", &o->paper.is_still},
                {"--ungated", &o->paper.is_ungated}, {"--limits", &o->paper.has_limits},
                {"--node", &o->paper.has_node},      {"--rented", &o->paper.is_rented},
                {"--help", &o->wants_help},
        };
        const struct {
                const char *name;
                const char **out;
        } texts[] = {
                {"--meta", &o->paper.meta_file}, {"--replay", &o->paper.replay_file},
                {"--live", &o->paper.live_url},  {"--state", &o->paper.state_file},
                {"--record", &o->record},        {"--from", &o->from},
                {"--coins", &o->coins},          {"--journal", &o->paper.journal_file},
        };
        const struct {
                const char *name;
                int64_t min, max;
                int64_t *out;
        } numbers[] = {
                {"--port", 0, UINT16_MAX, &o->port},
                {"--seed", 0, INT64_MAX, &o->seed},
                {"--speed", 1, PAPER_SPEED_MAX, &o->speed},
        };

        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
                if (!strcmp(flags[i].name, name))
                        return *flags[i].out = true, 1;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                if (!strcmp(texts[i].name, name) && value)
                        return *texts[i].out = value, 2;
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
                if (!strcmp(numbers[i].name, name))
                        return number(value, numbers[i].min, numbers[i].max, numbers[i].out) ? 2
                                                                                             : 0;
        return 0;
}

static const char *contradiction(const struct options *o)
{
        const struct paper_options *p = &o->paper;

        if (!o->record != !o->from)
                return "--record needs --from, and the other way round";
        if (o->record &&
            (p->replay_file || p->live_url || p->state_file || p->journal_file || p->is_still))
                return "--record runs no venue: --replay, --live, --state, --journal and --still "
                       "are its own";
        if (o->coins && !o->record)
                return "--coins is for --record";
        if ((p->replay_file != NULL) + (p->live_url != NULL) + p->is_still > 1)
                return "only one of --still, --replay and --live";
        if (o->speed && !p->replay_file)
                return "--speed is for --replay";
        return NULL;
}

static bool parse(struct options *o, int argc, char **argv)
{
        const char *why;

        for (int i = 1, n; i < argc; i += n) {
                n = take(o, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
                if (n)
                        continue;
                (void)fprintf(stderr, "perpgate-paper: can't use %s\n%s", argv[i], usage);
                return false;
        }
        why = contradiction(o);
        if (why)
                (void)fprintf(stderr, "perpgate-paper: %s\n%s", why, usage);
        o->paper.port = (uint16_t)o->port;
        o->paper.seed = (uint64_t)o->seed;
        o->paper.speed = (unsigned)o->speed;
        o->paper.is_mainnet = !o->is_testnet;
        return !why;
}

static void on_signal(void *cookie)
{
        loop_stop(cookie);
}

/* ---- The venue ------------------------------------------------------------------------------- */

static int run_venue(struct loop *loop, const struct options *o)
{
        struct httpd *httpd = httpd_new(loop);
        struct err err = {.code = E_OK};
        struct paper *paper = paper_open(loop, httpd, &o->paper, &err);
        int status = EXIT_FAILURE;

        if (!paper) {
                (void)fprintf(stderr, "perpgate-paper: %s\n", err.detail);
                goto done;
        }
        (void)printf("{\"ready\":true,\"url\":\"http://127.0.0.1:%u\","
                     "\"ws\":\"ws://127.0.0.1:%u/ws\",\"paper\":\"http://127.0.0.1:%u\"}\n",
                     paper_port(paper), paper_port(paper), paper_port(paper));
        (void)fflush(stdout);
        loop_run(loop);
        paper_stop(paper);
        status = paper_is_saved(paper) ? EXIT_SUCCESS : EXIT_FAILURE;
done:
        httpd_free(httpd);
        paper_close(paper);
        return status;
}

/* ---- The recorder ---------------------------------------------------------------------------- */

/* The named coins, else the universe's that can be traded. names is cut at its commas. */
static const char **choose_coins(const struct paper_universe *u, char *names, size_t *n)
{
        const char **coin = xcalloc((names ? strlen(names) : u->n) + 1, sizeof(*coin));

        *n = 0;
        for (size_t i = 0; !names && i < u->n; i++)
                if (!u->spec[i].is_delisted)
                        coin[(*n)++] = u->spec[i].name;
        while (names) {
                char *comma = strchr(names, ',');

                coin[(*n)++] = names;
                if (comma)
                        *comma++ = '\0';
                names = comma;
        }
        return coin;
}

static void say_ready(const struct options *o, size_t n_coins)
{
        struct buf line;

        buf_init(&line, 64u << 10);
        jot_object(&line, NULL);
        jot_bool(&line, "ready", true);
        jot_text(&line, "recording", o->record);
        jot_text(&line, "from", o->from);
        jot_uint(&line, "coins", n_coins);
        jot_end_object(&line);
        (void)printf("%s\n", buf_cstr(&line));
        (void)fflush(stdout);
        buf_fini(&line);
}

static int run_recorder(struct loop *loop, const struct options *o)
{
        struct record_options record = {
                .file = o->record, .url = o->from, .failed = on_signal, .cookie = loop};
        char *names = o->coins ? xstrdup(o->coins) : NULL;
        struct paper_universe universe = {.n = 0};
        struct err err = {.code = E_OK};
        const char **coins = NULL;
        struct record *recorder = NULL;
        int status = EXIT_FAILURE;
        size_t n_lines = 0;

        if (!o->paper.meta_file)
                paper_universe_default(&universe);
        else if (paper_universe_load(&universe, o->paper.meta_file, &err))
                goto done;
        coins = choose_coins(&universe, names, &record.n_coins);
        record.coins = coins;
        recorder = record_open(loop, &record, &err);
        if (!recorder)
                goto done;
        say_ready(o, record.n_coins);
        loop_run(loop);
        status = record_close(recorder, &n_lines) ? EXIT_FAILURE : EXIT_SUCCESS;
        (void)printf("{\"lines\":%zu}\n", n_lines);
done:
        if (err.code)
                (void)fprintf(stderr, "perpgate-paper: %s\n", err.detail);
        free(coins);
        free(names);
        paper_universe_fini(&universe);
        return status;
}

int main(int argc, char **argv)
{
        struct options options = {.seed = 1};
        struct loop_signal *term, *interrupt;
        struct loop *loop;
        int status;

        if (!parse(&options, argc, argv))
                return 2;
        if (options.wants_help) {
                (void)fputs(usage, stdout);
                return EXIT_SUCCESS;
        }
        secret_process_init();
        loop = loop_new();
        term = loop_signal_new(loop, SIGTERM, on_signal, loop);
        interrupt = loop_signal_new(loop, SIGINT, on_signal, loop);
        status = options.record ? run_recorder(loop, &options) : run_venue(loop, &options);
        loop_signal_free(interrupt);
        loop_signal_free(term);
        loop_free(loop);
        return status;
}
