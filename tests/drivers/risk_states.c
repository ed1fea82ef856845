/* risk_states: reads account states, one JSON object a line, and prints for each one line with the
 * gateway's own figures for it. In: {"id", "meta", "state", "spot"?, "mode"?}; out: {"id",
 * "accountValue", "crossAccountValue", "totalMarginUsed", "crossMaintenanceMarginUsed", "withdrawable",
 * "positions":[{"coin", "liquidationPx", "marginUsed", "unrealizedPnl", "returnOnEquity"}]}, texts as
 * the venue prints them, null where there is none or it can't be told. A line that can't be read is
 * answered with its id and "error". With --reasons each estimate and each null says why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "base/err.h"
#include "risk_line.h"

#define LINE_MAX_BYTES ((size_t)256 * 1024 * 1024)

static void print(json_t *answer)
{
        if (json_dumpf(answer, stdout, JSON_COMPACT))
                exit(1);
        putchar('\n');
        (void)fflush(stdout);
        json_decref(answer);
}

static void print_error(const char *why)
{
        print(json_pack("{s:n, s:s}", "id", "error", why));
}

static void take_line(struct risk_line *lines, const char *line, size_t len, bool with_reasons)
{
        struct err err = {0};
        json_t *entry;

        if (len > LINE_MAX_BYTES) {
                print_error("the line is too long");
                return;
        }
        entry = hl_raw_load(line, len, &err);
        if (!json_is_object(entry))
                print_error(entry ? "an object was expected" : err.detail);
        else
                print(risk_line_answer(lines, entry, with_reasons));
        json_decref(entry);
}

int main(int argc, char **argv)
{
        bool with_reasons = argc == 2 && strcmp(argv[1], "--reasons") == 0;
        struct risk_line *lines;
        char *line = NULL;
        size_t cap = 0;
        ssize_t len;

        if (argc > 1 && !with_reasons) {
                fprintf(stderr, "usage: risk_states [--reasons] < lines\n");
                return 2;
        }
        lines = risk_line_new();
        while ((len = getline(&line, &cap, stdin)) >= 0) {
                while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
                        len--;
                if (len > 0)
                        take_line(lines, line, (size_t)len, with_reasons);
        }
        free(line);
        risk_line_free(lines);
        return 0;
}
