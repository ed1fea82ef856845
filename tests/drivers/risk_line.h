/* risk_line: one account state in, the gateway's own figures for it out, through the adapter's reader and
 * risk/: what risk_states does with each line, and risk_errors with each capture. */
#ifndef RISK_LINE_H
#define RISK_LINE_H

#include <jansson.h>
#include <stdbool.h>

/* Keeps the universe of the last metadata, which is mostly that of the next. */
struct risk_line;
struct risk_line *risk_line_new(void);
void risk_line_free(struct risk_line *lines); /* accepts NULL */

/* entry: {"id", "meta", "state", "spot"?, "mode"?}. A new object with the figures, or with id and
 * "error". with_reasons adds, per figure that is an estimate or missing, why. */
json_t *risk_line_answer(struct risk_line *lines, const json_t *entry, bool with_reasons);

#endif
