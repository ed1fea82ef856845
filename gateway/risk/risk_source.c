#include "risk/risk_source.h"

#include "base/attr.h"

const char *risk_source_name(enum risk_source source)
{
        switch (source) {
        case SOURCE_VENUE: return "venue";
        case SOURCE_EXACT: return "exact";
        case SOURCE_ESTIMATE: return "estimate";
        }
        never("a risk source");
}
