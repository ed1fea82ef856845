#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "plan/plan_build.h"

char *plan_say_usd(char *buf, struct usd u)
{
        return num_print(buf, u.v, NUM_DECIMALS, 2);
}

char *plan_say_percent(char *buf, struct rate r)
{
        return num_print(buf, num_to_step(r.v, 10000000, NUM_DOWN), NUM_RATE_DECIMALS - 2, 1);
}

void plan_say_warning(struct plan_risk *risk, const char *code, const char *fmt, ...)
{
        struct plan_warning *warning;
        va_list args;

        if (risk->n_warnings == PLAN_WARNINGS_MAX)
                return;
        warning = &risk->warning[risk->n_warnings++];
        (void)text_copy(warning->code, sizeof warning->code, code);
        va_start(args, fmt);
        vsnprintf(warning->detail, sizeof warning->detail, fmt, args);
        va_end(args);
}

void plan_say_refused_leg(struct plan_risk *risk, enum trigger_kind kind, enum errc refusal)
{
        if (risk->n_warnings == PLAN_WARNINGS_MAX)
                risk->n_warnings--; /* no other says as much */
        plan_say_warning(
                risk, kind == TRIGGER_TAKE_PROFIT ? "take_profit_rejected" : "stop_loss_rejected",
                "%s", err_text(refusal));
}

const char *plan_say_sizing(enum plan_sizing sizing)
{
        switch (sizing) {
        case SIZING_SIZE: return "size";
        case SIZING_NOTIONAL: return "notional";
        case SIZING_MARGIN: return "margin";
        case SIZING_POSITION: return "size";
        }
        must_failed("a sizing", __FILE__, __LINE__);
}
