/* mirror_adoption: a state that takes the base's place, while it does; private to mirror_state and
 * mirror_judge. */
#ifndef MIRROR_MIRROR_ADOPTION_H
#define MIRROR_MIRROR_ADOPTION_H

#include "mirror/mirror_core.h"

struct mirror_adoption {
        struct mirror *mirror;
        struct shadow *s;
        const struct mirror_reading *reading;
        const struct venue_account *state;
        struct shadow_book book; /* what the state says */
        int64_t before_at;       /* of the state before */
        int64_t before_asked_at; /* wall ms */
        bool unclear;            /* an effect was dropped that may not be in it */
        bool uncharged;          /* and so was funding */
        /* As it was when the state came: */
        struct shadow_book then; /* by the state before */
        uint32_t doubts;
        bool is_certain; /* nothing happened to money since but what is known to the last digit */
        enum mirror_cause leverage_cause; /* why leverage differs, where that can be said */
};

/* ---- mirror_state.c ---- */
/* The mark at which the state values the market; cookie: the adoption. */
struct px mirror_state_mark(const void *cookie, uint32_t market);
/* Wall ms: what had happened by then is in it. */
int64_t mirror_state_asked_by(const struct mirror_adoption *a);

/* ---- mirror_judge.c ---- */
/* What the log and the doubts say, before the state clears them. */
void mirror_judge_prepare(struct mirror_adoption *a);
/* Finds what differs from the book as it was, and why. Takes out of had what the venue's backstop took. */
void mirror_judge(struct mirror_adoption *a, struct shadow_book *had);

/* ---- mirror_past.c ---- */
/* Keeps what the state shows to have gone; before the log is pruned. */
void mirror_past_note(struct mirror_adoption *a);

#endif
