/* recover: what to do next about an intent whose end is not known. Pure: given its steps, the time and
 * the venue's words it names the next act; whoever drives it acts and tells what the venue said.
 *
 * The rules, step by step, in the order in which they were to be sent:
 * - The venue is asked first. What it has taken is done; what it has refused is rejected.
 * - Nothing found: until shortly before it expires, the same bytes are sent (again): a nonce counts once,
 *   so they take effect at most once. When the venue says that it had them before, they are not sent any
 *   more. Nor are they after a refusal of the whole, which says nothing of the first time they arrived.
 * - Once they have expired, and two seconds more, nothing found twice, a second apart, means that they never
 *   took effect: rejected.
 * - A step after one that was rejected was not sent, and is not sent any more. Only where that one is a
 *   setting that was not found as it was to be, it may have been, and been changed by somebody since: then
 *   the steps after it are asked about like any other, and one that arrived tells that it was done.
 * - A venue that does not answer is asked again, less and less often. Silence decides nothing.
 * - At the end: leverage that was set for an order of which nothing stands is put back; margin that was to
 *   be moved after a fill is moved, while the plan is valid. Each is tried once. */
#ifndef JOURNAL_RECOVER_H
#define JOURNAL_RECOVER_H

#include <stdbool.h>
#include <stdint.h>

#define RECOVER_GRACE_MS   2000 /* after the expiry */
#define RECOVER_TWICE_MS   1000 /* from one "not found" to the next */
#define RECOVER_ROOM_MS    1000 /* before the expiry: what is sent later would hardly arrive */
#define RECOVER_AGAIN_MS   500  /* first wait after silence; doubled */
#define RECOVER_LONGEST_MS 16000
#define RECOVER_SENDS_MAX  3
#define RECOVER_VALID_MS   60000 /* a plan's margin is moved as long after it was made */

enum recover_fate { RECOVER_OPEN, RECOVER_DONE, RECOVER_REJECTED };

struct recover_step {
        /* Set by the driver. */
        enum recover_fate fate;
        bool may_send;    /* its bytes are at hand, and of use if they arrive now */
        bool is_pending;  /* margin that follows a fill: not signed, nothing to be asked */
        bool is_put_back; /* restores what an earlier step had changed: not stopped by its end */
        bool can_be_undone; /* by anybody: that it is not found proves nothing of the steps after it */
        int64_t expires_at; /* wall ms; the venue takes it no later */
        /* Leverage: what was there before is known; something stands that was sent to be at it. */
        bool has_before, is_needed;
        /* The core's own. */
        bool wants_send, is_repaired;
        bool is_guessed; /* rejected, because it can be undone and was not found */
        unsigned n_sent, n_missing, n_silent;
        int64_t at; /* not before */
};

struct recover_plan {
        unsigned n;
        struct recover_step *step; /* borrowed */
        bool is_independent;       /* a step does not wait for the end of the one before it */
        bool has_filled;           /* the order that a pending step waits for */
        int64_t made_at;
};

enum recover_act {
        RECOVER_WAIT,       /* until `at` */
        RECOVER_ASK,        /* the venue about `step` */
        RECOVER_SEND,       /* its bytes */
        RECOVER_PUT_BACK,   /* the leverage that `step` has changed */
        RECOVER_ADD_MARGIN, /* that `step` was to move */
        RECOVER_END,
};
struct recover_next {
        enum recover_act act;
        unsigned step;
        int64_t at;
};
void recover_next(struct recover_next *out, struct recover_plan *plan, int64_t now);

enum recover_word {
        RECOVER_SAYS_DONE,     /* it is there, or the bytes were taken */
        RECOVER_SAYS_REFUSED,  /* it was judged, and refused */
        RECOVER_SAYS_MISSING,  /* asked: not there */
        RECOVER_SAYS_BEFORE,   /* sent: the venue had these bytes before */
        RECOVER_SAYS_DECLINED, /* sent: refused as a whole, whatever became of them before */
        RECOVER_SAYS_NOTHING,  /* no answer, or one that can't be understood */
};
/* What came of the last act on step. After PUT_BACK and ADD_MARGIN: NOTHING asks for it to be tried again,
 * any other word ends it. */
void recover_hear(struct recover_plan *plan, unsigned step, enum recover_act act,
                  enum recover_word word, int64_t now);

#endif
