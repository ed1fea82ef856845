#include "base/clock.h"

#include <time.h>

#include "base/attr.h"

static int64_t read_ms(clockid_t id)
{
        struct timespec now;

        must(clock_gettime(id, &now) == 0);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void *cookie)
{
        (void)cookie;
        return read_ms(CLOCK_REALTIME);
}

static int64_t system_mono_ms(void *cookie)
{
        (void)cookie;
        return read_ms(CLOCK_MONOTONIC);
}

const struct clock *clock_system(void)
{
        static const struct clock clock = {system_wall_ms, system_mono_ms, NULL};

        return &clock;
}

static int64_t manual_wall_ms(void *cookie)
{
        const struct clock_manual *manual = cookie;

        return manual->now_wall_ms;
}

static int64_t manual_mono_ms(void *cookie)
{
        const struct clock_manual *manual = cookie;

        return manual->now_mono_ms;
}

void clock_manual_init(struct clock_manual *clock, int64_t wall_ms)
{
        clock->clock = (struct clock){manual_wall_ms, manual_mono_ms, clock};
        clock->now_wall_ms = wall_ms;
        clock->now_mono_ms = 1000; /* not 0, which callers use for "no deadline" */
}

void clock_manual_advance(struct clock_manual *clock, int64_t ms)
{
        must(ms >= 0);
        clock->now_wall_ms += ms;
        clock->now_mono_ms += ms;
}
