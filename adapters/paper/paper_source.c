#include "adapters/paper/paper_source.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/paper/follow.h"
#include "adapters/paper/paper_mirror.h"
#include "base/log.h"
#include "base/mem.h"

#define STALE_MS  INT64_C(15000)
#define NAMES_MAX 20

struct paper_source {
        struct paper *p;
        bool *is_quoted;   /* by asset: a book came, and nothing stopped it since */
        int64_t *heard_at; /* live: monotonic ms of the last word about a market */
        /* A recording. */
        struct recording recording;
        struct recording_event next;
        bool has_next, is_over;
        unsigned speed;
        int64_t start_at, first_at; /* the venue's time; the recording's */
        struct loop_timer *timer;
        /* A socket. */
        struct follow *follow;
        int64_t stale_ms;
};

static struct paper_source *source_new(struct paper *p)
{
        struct paper_source *s = xcalloc(1, sizeof(*s));

        s->p = p;
        s->is_quoted = xcalloc(p->universe.n, sizeof(*s->is_quoted));
        s->heard_at = xcalloc(p->universe.n, sizeof(*s->heard_at));
        return s;
}

void paper_source_free(struct paper_source *s)
{
        if (!s)
                return;
        loop_timer_free(s->timer);
        follow_close(s->follow);
        recording_close(&s->recording);
        free(s->is_quoted);
        free(s->heard_at);
        free(s);
}

static void apply(struct paper_source *s, const struct recording_event *event, int64_t at)
{
        int asset = paper_universe_find(&s->p->universe, event->coin);

        if (event->type == RECORDING_GAP)
                memset(s->is_quoted, 0, s->p->universe.n * sizeof(*s->is_quoted));
        if (!paper_mirror_apply(s->p, event, at) || asset < 0)
                return;
        if (event->type == RECORDING_BOOK)
                s->is_quoted[asset] = true;
        s->heard_at[asset] = clock_mono_ms(loop_clock(s->p->loop));
}

/* ---- A recording ----------------------------------------------------------------------------- */

static int64_t due_at(const struct paper_source *s)
{
        return s->start_at + (s->next.at - s->first_at) / (int64_t)s->speed;
}

static void arm(struct paper_source *s)
{
        int64_t wait = s->has_next ? due_at(s) - paper_now(s->p) : 0;

        if (s->has_next)
                loop_timer_start(s->timer, wait > 1 ? wait : 1, 0);
}

/* Each at its own time, so that the same recording makes the same market however late the loop is. */
static void play(struct paper_source *s, int64_t at)
{
        while (s->has_next && due_at(s) <= at) {
                apply(s, &s->next, due_at(s));
                s->has_next = recording_next(&s->recording, &s->next);
                if (!s->has_next) {
                        s->is_over = true;
                        log_event(LOG_INFO, "recording is over", "lines",
                                  log_int((long long)s->recording.line), NULL);
                }
        }
}

static void on_due(void *cookie)
{
        struct paper_source *s = cookie;

        play(s, paper_now(s->p));
        arm(s);
        paper_feed_flush(s->p);
}

struct paper_source *paper_source_replay(struct paper *p, const char *file, unsigned speed,
                                         struct err *err)
{
        struct paper_source *s = source_new(p);

        s->speed = speed ? speed : 1;
        if (speed > PAPER_SPEED_MAX) {
                (void)err_set(err, E_CONFIG, "speed must be 1..%d", PAPER_SPEED_MAX);
                goto failed;
        }
        if (recording_open_file(&s->recording, file, err))
                goto failed;
        s->has_next = recording_next(&s->recording, &s->next);
        s->first_at = s->next.at;
        s->timer = loop_timer_new(p->loop, on_due, s);
        return s;
failed:
        paper_source_free(s);
        return NULL;
}

/* ---- A socket -------------------------------------------------------------------------------- */

static void on_event(void *cookie, const struct recording_event *event)
{
        struct paper_source *s = cookie;

        apply(s, event, paper_now(s->p));
        paper_feed_flush(s->p);
}

struct paper_source *paper_source_live(struct paper *p, const char *url, int64_t stale_ms,
                                       struct err *err)
{
        const char **coin = xcalloc(p->universe.n, sizeof(*coin));
        struct paper_source *s = source_new(p);
        struct follow_options options = {.url = url, .coins = coin, .event = on_event, .cookie = s};

        s->stale_ms = stale_ms > 0 ? stale_ms : STALE_MS;
        for (uint32_t i = 0; i < p->universe.n; i++)
                if (!p->universe.spec[i].is_delisted)
                        coin[options.n_coins++] = paper_coin(p, i);
        s->follow = follow_open(p->loop, &options, err);
        free(coin);
        if (s->follow)
                return s;
        paper_source_free(s);
        return NULL;
}

/* Silence of one market: its quotes would be somebody's yesterday. Silence of all: the connection may
 * be dead without knowing it. */
static void look_for_silence(struct paper_source *s, int64_t at)
{
        int64_t now = clock_mono_ms(loop_clock(s->p->loop));
        size_t n_silent = 0, n_quoted = 0;

        for (uint32_t i = 0; i < s->p->universe.n; i++) {
                if (!s->is_quoted[i] || s->p->market[i].is_held)
                        continue;
                if (now - s->heard_at[i] < s->stale_ms) {
                        n_quoted++;
                        continue;
                }
                n_silent++;
                s->is_quoted[i] = false;
                paper_mirror_clear(s->p, i, at);
                log_event(LOG_WARN, "price feed is stale", "coin", paper_coin(s->p, i), NULL);
        }
        if (n_silent && !n_quoted)
                follow_restart(s->follow);
}

/* ---- Both ------------------------------------------------------------------------------------ */

void paper_source_start(struct paper_source *s)
{
        s->start_at = paper_now(s->p);
        for (uint32_t i = 0; i < s->p->universe.n; i++)
                if (!s->p->market[i].is_held)
                        paper_mirror_clear(s->p, i, s->start_at);
        if (s->timer)
                arm(s);
}

void paper_source_tick(struct paper_source *s, int64_t at)
{
        if (s->follow)
                look_for_silence(s, at);
        else
                play(s, at);
}

bool paper_source_is_over(const struct paper_source *s)
{
        return s->is_over;
}

void paper_source_status(const struct paper_source *s, struct buf *out)
{
        const struct paper_universe *u = &s->p->universe;
        size_t n_silent = 0, n = 0;

        for (uint32_t i = 0; i < u->n; i++) {
                bool is_silent = !s->is_quoted[i] && !s->p->market[i].is_held;

                if (u->spec[i].is_delisted)
                        continue;
                n++;
                if (!is_silent)
                        continue;
                if (n_silent < NAMES_MAX)
                        buf_printf(out, "%s%s",
                                   n_silent ? ", " : "No price feed: ", paper_coin(s->p, i));
                n_silent++;
        }
        if (n_silent == n && n > 1) {
                buf_reset(out);
                buf_puts(out, "No price feed: no market is quoted.");
        } else if (n_silent) {
                if (n_silent > NAMES_MAX)
                        buf_printf(out, " and %zu more", n_silent - NAMES_MAX);
                buf_puts(out, n_silent == 1 ? " is not quoted." : " are not quoted.");
        }
        if (s->is_over)
                buf_printf(out, "%sThe recording is over: prices stand still.",
                           out->len ? " " : "");
}
