/* paper_frame: whole WebSocket frames of a subscription: what it gets when it begins, and what state
 * channels get each time. */
#ifndef PAPER_FRAME_H
#define PAPER_FRAME_H

#include "adapters/paper/paper_ws.h"

/* The channel's name for a type of subscription. */
const char *paper_frame_channel(enum paper_sub_type type);
/* Writes a frame with the whole state the subscription is about, marked as a snapshot where the
 * channel has that mark. False when the channel has no such frame, or nothing to say yet. */
bool paper_frame_whole(struct paper *p, struct buf *out, const struct paper_sub *sub);
void paper_frame_begin(struct buf *out, const char *channel);
void paper_frame_end(struct buf *out);

#endif
