/* risk_source: where a figure comes from, as it is shown beside it. */
#ifndef RISK_RISK_SOURCE_H
#define RISK_RISK_SOURCE_H

enum risk_source {
        SOURCE_VENUE,    /* as the venue printed it */
        SOURCE_EXACT,    /* computed by the venue's rules from figures that are certain */
        SOURCE_ESTIMATE, /* something that goes into it is not certain */
};
const char *risk_source_name(enum risk_source source); /* "venue", "exact", "estimate" */

#endif
