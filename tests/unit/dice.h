/* dice: random numbers for tests that can be had again: PERPGATE_SEED sets the seed. */
#ifndef UNIT_DICE_H
#define UNIT_DICE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct dice {
        uint64_t state;
};

static inline uint64_t dice_roll(struct dice *dice)
{
        uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

/* low <= result <= high */
static inline int64_t dice_between(struct dice *dice, int64_t low, int64_t high)
{
        return low + (int64_t)(dice_roll(dice) % (uint64_t)(high - low + 1));
}

static inline struct dice dice_new(void)
{
        const char *set = getenv("PERPGATE_SEED");
        struct dice dice = {set ? strtoull(set, NULL, 10) : (uint64_t)time(NULL)};

        printf("seed %llu\n", (unsigned long long)dice.state);
        return dice;
}

#endif
