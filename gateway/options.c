#include "options.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"

#define DEMO_HTTP_PORT  8080
#define DEMO_PAPER_PORT 3001 /* where several clients look for a local venue */

static int usage(const char *problem, const char *what)
{
        if (problem)
                fprintf(stderr, "perpgate: %s%s\n", problem, what);
        fputs("usage: perpgate --config FILE [--check]\n"
              "       perpgate demo [--http PORT] [--paper PORT] [--data DIR] [--seed N]\n",
              stderr);
        return -1;
}

static bool number(const char *s, int64_t max, int64_t *out)
{
        return s && num_parse(out, s, strlen(s), 0, NUM_REFUSE) == E_OK && *out >= 0 && *out <= max;
}

static int read_demo(struct options *o, int argc, char **argv)
{
        for (int i = 2; i < argc; i += 2) {
                const char *value = i + 1 < argc ? argv[i + 1] : NULL;
                int64_t n = 0;
                if (strcmp(argv[i], "--data") == 0 && value && value[0]) {
                        o->data_dir = value;
                } else if (strcmp(argv[i], "--http") == 0 && number(value, UINT16_MAX, &n)) {
                        o->http_port = (uint16_t)n;
                } else if (strcmp(argv[i], "--paper") == 0 && number(value, UINT16_MAX, &n)) {
                        o->paper_port = (uint16_t)n;
                } else if (strcmp(argv[i], "--seed") == 0 && number(value, INT64_MAX, &n)) {
                        o->seed = (uint64_t)n;
                } else {
                        return usage("not understood: ", argv[i]);
                }
        }
        return 0;
}

int options_read(struct options *o, int argc, char **argv)
{
        *o = (struct options){
                .http_port = DEMO_HTTP_PORT, .paper_port = DEMO_PAPER_PORT, .seed = 1};
        if (argc < 2)
                return usage(NULL, "");
        if (strcmp(argv[1], "demo") == 0) {
                o->demo = true;
                return read_demo(o, argc, argv);
        }
        for (int i = 1; i < argc; i++) {
                if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
                        o->config_file = argv[++i];
                else if (strcmp(argv[i], "--check") == 0)
                        o->check = true;
                else
                        return usage("not understood: ", argv[i]);
        }
        return o->config_file ? 0 : usage("--config is needed", "");
}
