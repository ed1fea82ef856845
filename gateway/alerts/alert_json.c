#include <inttypes.h>
#include <string.h>

#include "alerts/alerts.h"
#include "base/hex.h"

void alert_json(struct buf *out, const struct store_alert *alert, bool with_account)
{
        char address[ADDR_STR_MAX];

        buf_printf(out, "{\"id\":\"%" PRIu64 "\",\"kind\":\"%s\"", alert->number, alert->kind);
        if (with_account)
                buf_printf(out, ",\"brand\":\"%s\",\"account\":\"%s\"", alert->brand,
                           hex_print_addr(address, &alert->account));
        buf_puts(out, ",\"symbol\":");
        if (alert->symbol[0])
                buf_put_json(out, alert->symbol, strlen(alert->symbol));
        else
                buf_puts(out, "null");
        buf_printf(out, ",\"at\":%" PRId64 ",\"detail\":", alert->at);
        buf_puts(out, alert->detail);
        buf_putc(out, '}');
}
