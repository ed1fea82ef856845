/* clock: wall and monotonic time behind a struct, so that tests own time.
 * Wall time is milliseconds since 1970 (names end in _at); monotonic time has no meaning of its
 * own (names end in _until). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
        int64_t (*wall_ms)(void *cookie);
        int64_t (*mono_ms)(void *cookie);
        void *cookie;
};

/* The system's clocks; borrowed for the life of the process. */
const struct clock *clock_system(void);

static inline int64_t clock_wall_ms(const struct clock *clock)
{
        return clock->wall_ms(clock->cookie);
}

static inline int64_t clock_mono_ms(const struct clock *clock)
{
        return clock->mono_ms(clock->cookie);
}

/* A clock that stands still until moved: tests and the paper venue's own time. */
struct clock_manual {
        struct clock clock;
        int64_t now_wall_ms;
        int64_t now_mono_ms;
};
void clock_manual_init(struct clock_manual *clock, int64_t wall_ms);
void clock_manual_advance(struct clock_manual *clock, int64_t ms);

#endif
