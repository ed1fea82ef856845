/* A line is built on the stack and written by one write(2). It is never longer than PIPE_BUF, so
 * that lines of several threads or processes don't mix in a pipe; what doesn't fit is cut, and the
 * line says so with cut=1. */
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define RING_SLOTS 16
#define RING_BYTES 256

static const char cut_mark[] = " cut=1\n";
#define LINE_MAX_BYTES (PIPE_BUF - sizeof cut_mark)

struct line {
        char text[PIPE_BUF];
        size_t len;
        bool cut;
};

static _Atomic int level_now = LOG_INFO;

void log_set_level(enum log_level level)
{
        atomic_store(&level_now, (int)level);
}

static const char *level_name(enum log_level level)
{
        switch (level) {
        case LOG_ERROR: return "error";
        case LOG_WARN: return "warn";
        case LOG_INFO: return "info";
        case LOG_DEBUG: return "debug";
        }
        return "unknown";
}

/* All or nothing. Past LINE_MAX_BYTES there is room for one closing quote and the mark. */
static void put(struct line *line, const char *s, size_t len)
{
        if (line->cut || line->len + len > LINE_MAX_BYTES) {
                line->cut = true;
                return;
        }
        memcpy(line->text + line->len, s, len);
        line->len += len;
}

static bool is_plain(char c)
{
        return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

/* Quotes, backslashes, controls and all that is not ASCII (a terminal may obey some of it). */
static void put_escaped(struct line *line, char c)
{
        char text[5];

        if (c == ' ' || c == '=' || is_plain(c)) {
                put(line, &c, 1);
        } else if (c == '"' || c == '\\') {
                text[0] = '\\';
                text[1] = c;
                put(line, text, 2);
        } else {
                snprintf(text, sizeof text, "\\x%02x", (unsigned)(unsigned char)c);
                put(line, text, 4);
        }
}

static void put_value(struct line *line, const char *value)
{
        bool plain = *value != '\0' && strcmp(value, "null") != 0;

        for (const char *p = value; *p && plain; p++)
                plain = is_plain(*p);
        if (plain) {
                put(line, value, strlen(value));
                if (!line->cut)
                        return;
                line->cut = false; /* too long as a whole: as much of it as fits, quoted */
        }
        put(line, "\"", 1);
        bool opened = !line->cut;
        for (const char *p = value; *p && !line->cut; p++)
                put_escaped(line, *p);
        if (opened)
                line->text[line->len++] = '"';
}

static void put_pair(struct line *line, const char *key, const char *value)
{
        if (line->cut)
                return;
        size_t start = line->len;
        if (start)
                put(line, " ", 1);
        put(line, key, strlen(key));
        put(line, "=", 1);
        if (line->cut)
                line->len = start; /* no half a key */
        else if (value)
                put_value(line, value);
        else
                put(line, "null", 4);
}

static void put_time(struct line *line)
{
        int64_t now_ms = clock_wall_ms(clock_system());
        time_t seconds = (time_t)(now_ms / 1000);
        char date[32] = "", stamp[48];
        struct tm tm;

        if (gmtime_r(&seconds, &tm))
                strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(stamp, sizeof stamp, "%s.%03dZ", date, (int)(now_ms % 1000));
        put_pair(line, "ts", stamp);
}

static void write_line(struct line *line)
{
        size_t done = 0;

        if (line->cut) {
                memcpy(line->text + line->len, cut_mark, sizeof cut_mark - 1);
                line->len += sizeof cut_mark - 1;
        } else {
                line->text[line->len++] = '\n';
        }
        while (done < line->len) {
                ssize_t n = write(STDERR_FILENO, line->text + done, line->len - done);
                if (n > 0)
                        done += (size_t)n;
                else if (n == 0 || errno != EINTR)
                        return; /* a log that can't be written must not stop the gateway */
        }
}

void log_event(enum log_level level, const char *msg, ...)
{
        struct line line;
        int errno_before = errno;
        va_list args;

        if ((int)level > atomic_load(&level_now))
                return;
        line.len = 0;
        line.cut = false;
        put_time(&line);
        put_pair(&line, "level", level_name(level));
        put_pair(&line, "msg", msg);
        va_start(args, msg);
        for (const char *key = va_arg(args, const char *); key; key = va_arg(args, const char *))
                put_pair(&line, key, va_arg(args, const char *));
        va_end(args);
        write_line(&line);
        errno = errno_before;
}

/* A slot lives until RING_SLOTS more are asked for on the same thread: one log_event's worth. */
static char *ring_next(void)
{
        static _Thread_local char ring[RING_SLOTS][RING_BYTES];
        static _Thread_local unsigned turn;

        return ring[turn++ % RING_SLOTS];
}

const char *log_int(long long v)
{
        char *text = ring_next();

        snprintf(text, RING_BYTES, "%lld", v);
        return text;
}

const char *log_fmt(const char *fmt, ...)
{
        char *text = ring_next();
        va_list args;

        va_start(args, fmt);
        vsnprintf(text, RING_BYTES, fmt, args);
        va_end(args);
        return text;
}
