#include "base/attr.h"

#include <stdlib.h>

#include "base/log.h"

void must_failed(const char *expr, const char *file, int line)
{
        log_event(LOG_ERROR, "can't happen, aborting", "expr", expr, "file", file, "line",
                  log_int(line), NULL);
        abort();
}
