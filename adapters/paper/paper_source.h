/* paper_source: where a market's prices come from when the venue does not make them itself: a
 * recording played on the venue's clock, or another venue's public socket. A market whose source says
 * nothing any more stops quoting, and exchangeStatus says so. Loop thread only. */
#ifndef PAPER_SOURCE_H
#define PAPER_SOURCE_H

#include "adapters/paper/recording.h"
#include "adapters/paper/wire.h"
#include "base/err.h"

struct paper_source;

#define PAPER_SPEED_MAX 10000

/* NULL with err: the file is no whole recording, or the URL no WebSocket's. */
struct paper_source *paper_source_replay(struct paper *p, const char *file, unsigned speed,
                                         struct err *err);
/* stale_ms: a market that was silent for so long is not quoted any more; 0: the default. */
struct paper_source *paper_source_live(struct paper *p, const char *url, int64_t stale_ms,
                                       struct err *err);
void paper_source_free(struct paper_source *source); /* accepts NULL */
/* Once the markets are there: pulls what quotes they have and begins. */
void paper_source_start(struct paper_source *source);
/* Plays what is due by the venue's time at, and looks for silence. */
void paper_source_tick(struct paper_source *source, int64_t at);
/* A recording was played to its end. */
bool paper_source_is_over(const struct paper_source *source);
/* What is wrong, as a sentence; "" when nothing is. */
void paper_source_status(const struct paper_source *source, struct buf *out);

#endif
