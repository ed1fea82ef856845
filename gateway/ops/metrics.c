/* Text exposition format 0.0.4: per family one HELP and one TYPE line, then its series; label values
 * escape backslash, quote and newline, help texts backslash and newline. */
#include "ops/metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/map.h"
#include "base/mem.h"

#define SERIES_MAX     2000
#define NAME_MAX_LEN   100
#define LABELS_MAX_LEN 400
#define DROPPED        "perpgate_metrics_dropped_total"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

static const int64_t bound_ms[] = {1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000};
#define N_BOUNDS (sizeof bound_ms / sizeof *bound_ms)

struct histogram {
        uint64_t bucket[N_BOUNDS + 1]; /* not cumulative; the last is +Inf */
        uint64_t sum_ms;
};

struct series {
        char *labels;
        enum metric_type type;
        uint64_t counter;
        int64_t gauge;
        struct histogram *histogram; /* METRIC_HISTOGRAM; owned */
        struct series *next;
};

struct family {
        char *name;
        char *help;
        enum metric_type type;
        struct series *first, *last; /* in order of appearance, so that scrapes compare */
        struct family *next;
};

struct metrics {
        struct map *families; /* name -> struct family */
        struct map *series;   /* name NUL labels -> struct series */
        struct family *first, *last;
        uint64_t dropped;
};

struct metrics *metrics_new(void)
{
        struct metrics *m = xcalloc(1, sizeof *m);

        m->families = map_new();
        m->series = map_new();
        return m;
}

static void family_free(struct family *f)
{
        for (struct series *s = f->first, *next; s; s = next) {
                next = s->next;
                free(s->labels);
                free(s->histogram);
                free(s);
        }
        free(f->name);
        free(f->help);
        free(f);
}

void metrics_free(struct metrics *m)
{
        if (!m)
                return;
        for (struct family *f = m->first, *next; f; f = next) {
                next = f->next;
                family_free(f);
        }
        map_free(m->families, NULL);
        map_free(m->series, NULL);
        free(m);
}

static bool name_ok(const char *name)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

        return strncmp(name, "perpgate_", 9) == 0 && name[9] && strlen(name) <= NAME_MAX_LEN &&
               name[strspn(name, allowed)] == '\0';
}

/* Points behind one `name="value"`, NULL when that is not what stands there. A raw newline or an
 * open quote would let a value forge series of its own. */
static const char *skip_label(const char *s)
{
        size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz_");

        if (len == 0 || s[len] != '=' || s[len + 1] != '"')
                return NULL;
        s += len + 2;
        for (; *s && *s != '"'; s++) {
                if ((unsigned char)*s < 0x20)
                        return NULL;
                if (*s != '\\')
                        continue;
                s++;
                if (*s != '\\' && *s != '"' && *s != 'n')
                        return NULL;
        }
        return *s == '"' ? s + 1 : NULL;
}

/* "le" belongs to the histogram's own lines. */
static bool labels_ok(const char *labels)
{
        if (strlen(labels) > LABELS_MAX_LEN)
                return false;
        for (const char *s = labels; *s;) {
                if (strncmp(s, "le=", 3) == 0)
                        return false;
                s = skip_label(s);
                if (!s || (*s && *s != ','))
                        return false;
                if (*s == ',' && !*++s)
                        return false;
        }
        return true;
}

static struct family *family_get(struct metrics *m, const char *name, enum metric_type type,
                                 const char *help)
{
        struct family *f = map_get(m->families, name, strlen(name));

        if (f) {
                must(f->type == type);
                return f;
        }
        f = xcalloc(1, sizeof *f);
        f->name = xstrdup(name);
        f->help = xstrdup(help ? help : "");
        f->type = type;
        if (m->last)
                m->last->next = f;
        else
                m->first = f;
        m->last = f;
        must(!map_put(m->families, name, strlen(name), f));
        return f;
}

static struct series *series_new(struct family *f, const char *labels)
{
        struct series *s = xcalloc(1, sizeof *s);

        s->labels = xstrdup(labels);
        s->type = f->type;
        if (f->type == METRIC_HISTOGRAM)
                s->histogram = xcalloc(1, sizeof *s->histogram);
        if (f->last)
                f->last->next = s;
        else
                f->first = s;
        f->last = s;
        return s;
}

/* NULL when the series was dropped. */
static struct series *series_get(struct metrics *m, const char *name, const char *labels,
                                 enum metric_type type, const char *help)
{
        char key[NAME_MAX_LEN + 1 + LABELS_MAX_LEN];

        must(name_ok(name));
        if (!labels_ok(labels)) {
                m->dropped++;
                return NULL;
        }
        size_t name_len = strlen(name), labels_len = strlen(labels);
        memcpy(key, name, name_len + 1);
        memcpy(key + name_len + 1, labels, labels_len);
        struct series *s = map_get(m->series, key, name_len + 1 + labels_len);
        if (s) {
                must(s->type == type);
                return s;
        }
        if (map_size(m->series) >= SERIES_MAX) {
                m->dropped++;
                return NULL;
        }
        s = series_new(family_get(m, name, type, help), labels);
        must(!map_put(m->series, key, name_len + 1 + labels_len, s));
        return s;
}

void metrics_add(struct metrics *m, const char *name, const char *labels, uint64_t n,
                 const char *help)
{
        struct series *s = series_get(m, name, labels, METRIC_COUNTER, help);

        if (s)
                s->counter += n;
}

void metrics_set(struct metrics *m, const char *name, const char *labels, int64_t value,
                 const char *help)
{
        struct series *s = series_get(m, name, labels, METRIC_GAUGE, help);

        if (s)
                s->gauge = value;
}

/* A clock that went back counts as no time at all. */
void metrics_observe_ms(struct metrics *m, const char *name, const char *labels, int64_t ms,
                        const char *help)
{
        struct series *s = series_get(m, name, labels, METRIC_HISTOGRAM, help);
        size_t i = 0;

        if (!s)
                return;
        if (ms < 0)
                ms = 0;
        while (i < N_BOUNDS && ms > bound_ms[i])
                i++;
        s->histogram->bucket[i]++;
        s->histogram->sum_ms += (uint64_t)ms;
}

char *metrics_escape(char *out, size_t cap, const char *value)
{
        size_t n = 0;

        must(cap > 0);
        for (; *value; value++) {
                unsigned char c = (unsigned char)*value;
                bool escaped = c == '\\' || c == '"' || c == '\n';
                if (n + (escaped ? 2 : 1) >= cap)
                        break;
                if (escaped)
                        out[n++] = '\\';
                out[n++] = c == '\n' ? 'n' : (char)(c < 0x20 || c == 0x7f ? '?' : c);
        }
        /* Cut inside a UTF-8 sequence: take its bytes back. */
        if (*value && ((unsigned char)*value & 0xc0) == 0x80) {
                while (n > 0 && ((unsigned char)out[n - 1] & 0xc0) == 0x80)
                        n--;
                if (n > 0 && (unsigned char)out[n - 1] >= 0xc0)
                        n--;
        }
        out[n] = '\0';
        return out;
}

static const char *type_name(enum metric_type type)
{
        switch (type) {
        case METRIC_COUNTER: return "counter";
        case METRIC_GAUGE: return "gauge";
        case METRIC_HISTOGRAM: return "histogram";
        }
        return "untyped";
}

static void print_help(struct buf *out, const char *help)
{
        for (; *help; help++) {
                if (*help == '\\')
                        buf_puts(out, "\\\\");
                else if (*help == '\n')
                        buf_puts(out, "\\n");
                else
                        buf_putc(out, *help);
        }
}

static void print_line(struct buf *out, const char *name, const char *suffix, const char *labels,
                       uint64_t value)
{
        buf_puts(out, name);
        buf_puts(out, suffix);
        if (*labels)
                buf_printf(out, "{%s}", labels);
        buf_printf(out, " %" PRIu64 "\n", value);
}

static void print_histogram(struct buf *out, const char *name, const struct series *s)
{
        uint64_t count = 0;
        const char *comma = *s->labels ? "," : "";

        for (size_t i = 0; i <= N_BOUNDS; i++) {
                count += s->histogram->bucket[i];
                buf_printf(out, "%s_bucket{%s%sle=\"", name, s->labels, comma);
                if (i < N_BOUNDS)
                        buf_printf(out, "%" PRId64, bound_ms[i]);
                else
                        buf_puts(out, "+Inf");
                buf_printf(out, "\"} %" PRIu64 "\n", count);
        }
        print_line(out, name, "_sum", s->labels, s->histogram->sum_ms);
        print_line(out, name, "_count", s->labels, count);
}

static void print_series(struct buf *out, const struct family *f, const struct series *s)
{
        switch (f->type) {
        case METRIC_COUNTER: print_line(out, f->name, "", s->labels, s->counter); break;
        case METRIC_GAUGE:
                buf_puts(out, f->name);
                if (*s->labels)
                        buf_printf(out, "{%s}", s->labels);
                buf_printf(out, " %" PRId64 "\n", s->gauge);
                break;
        case METRIC_HISTOGRAM: print_histogram(out, f->name, s); break;
        }
}

static void print_head(struct buf *out, const char *name, const char *help, enum metric_type type)
{
        buf_printf(out, "# HELP %s ", name);
        print_help(out, help);
        buf_printf(out, "\n# TYPE %s %s\n", name, type_name(type));
}

void metrics_print(const struct metrics *m, struct buf *out)
{
        for (const struct family *f = m->first; f; f = f->next) {
                print_head(out, f->name, f->help, f->type);
                for (const struct series *s = f->first; s; s = s->next)
                        print_series(out, f, s);
        }
        print_head(out, DROPPED, "Samples dropped: too many series, or labels not well formed.",
                   METRIC_COUNTER);
        print_line(out, DROPPED, "", "", m->dropped);
}
