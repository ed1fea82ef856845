/* base: the log, whose lines strangers must not be able to forge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* log: standard error goes to a file while one line is written. */

static int saved_stderr;
static FILE *captured;

static void capture_begin(void)
{
        captured = tmpfile();
        assert_non_null(captured);
        saved_stderr = dup(STDERR_FILENO);
        dup2(fileno(captured), STDERR_FILENO);
}

static const char *capture_end(void)
{
        static char text[20000];

        dup2(saved_stderr, STDERR_FILENO);
        close(saved_stderr);
        rewind(captured);
        size_t len = fread(text, 1, sizeof text - 1, captured);
        text[len] = '\0';
        fclose(captured);
        return text;
}

static size_t count_char(const char *s, char c)
{
        size_t n = 0;

        for (; *s; s++)
                n += *s == c;
        return n;
}

static void log_lines_have_a_fixed_form(void **state)
{
        (void)state;
        capture_begin();
        log_event(LOG_WARN, "order placed", "symbol", "BTC", "n", log_int(-5), "ratio",
                  log_fmt("%d/%d", 1, 2), "none", NULL, "empty", "", "word", "null", NULL);
        const char *line = capture_end();
        assert_int_equal(strncmp(line, "ts=20", 5), 0);
        assert_int_equal(line[strlen("ts=2026-01-01T00:00:00.000")], 'Z');
        assert_string_equal(line + strlen("ts=2026-01-01T00:00:00.000Z"),
                            " level=warn msg=\"order placed\" symbol=BTC n=-5 ratio=1/2 none=null "
                            "empty=\"\" word=\"null\"\n");
}

static void strangers_cant_forge_log_lines(void **state)
{
        const char *nasty = "a\" level=error\nts=0 msg=\\x\x1b[2J\x7f\xe2\x80\xae";

        (void)state;
        capture_begin();
        log_event(LOG_INFO, "m", "agent", nasty, "next", "a=b", NULL);
        const char *line = capture_end();
        const char *value = strstr(line, "agent=");
        assert_non_null(value);
        assert_string_equal(value, "agent=\"a\\\" level=error\\x0ats=0 "
                                   "msg=\\\\x\\x1b[2J\\x7f\\xe2\\x80\\xae\" next=\"a=b\"\n");
        assert_int_equal(count_char(line, '\n'), 1);
}

static void long_log_values_are_cut(void **state)
{
        static char big[20000];
        static const char *const tails[] = {"\" cut=1\n", "\" cut=1\n"};
        const char fill[] = {'x', '\n'};

        (void)state;
        for (size_t i = 0; i < COUNT(fill); i++) {
                memset(big, fill[i], sizeof big - 1);
                capture_begin();
                log_event(LOG_ERROR, "m", "big", big, "after", "1", NULL);
                const char *line = capture_end();
                size_t len = strlen(line), tail = strlen(tails[i]);
                assert_in_range(len, 4000, 4096);
                assert_string_equal(line + len - tail, tails[i]);
                assert_int_equal(count_char(line, '\n'), 1);
                assert_int_equal(count_char(line, '"'), 2);
        }
}

static void check_line(const char *value)
{
        capture_begin();
        log_event(LOG_ERROR, "m", "key", value, "second", "a b", "third", "c", NULL);
        const char *line = capture_end();
        size_t len = strlen(line);

        assert_true(len <= 4096);
        assert_int_equal(line[len - 1], '\n');
        assert_int_equal(count_char(line, '\n'), 1);
        assert_int_equal(count_char(line, '"') % 2, 0);
}

/* Every length about the bound: whatever is cut, the line stays one well-formed line. */
static void no_length_breaks_a_log_line(void **state)
{
        static char value[4200];

        (void)state;
        for (size_t n = 3950; n < 4150; n++) {
                memset(value, 'v', n);
                value[n] = '\0';
                check_line(value);
                value[0] = ' '; /* now it needs quotes */
                check_line(value);
                value[n - 1] = '\n'; /* and an escape at its end */
                check_line(value);
        }
}

static void quiet_levels_write_nothing(void **state)
{
        (void)state;
        capture_begin();
        log_event(LOG_DEBUG, "not at the default level", NULL);
        log_set_level(LOG_ERROR);
        log_event(LOG_WARN, "nor this", NULL);
        log_set_level(LOG_DEBUG);
        log_event(LOG_DEBUG, "seen", NULL);
        log_set_level(LOG_INFO);
        const char *text = capture_end();
        assert_int_equal(count_char(text, '\n'), 1);
        assert_non_null(strstr(text, " level=debug msg=seen\n"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(log_lines_have_a_fixed_form),
                cmocka_unit_test(strangers_cant_forge_log_lines),
                cmocka_unit_test(long_log_values_are_cut),
                cmocka_unit_test(no_length_breaks_a_log_line),
                cmocka_unit_test(quiet_levels_write_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
