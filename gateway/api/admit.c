#include "api/admit.h"

#include <stdio.h>
#include <string.h>

#include "api/accounts.h"
#include "api/out.h"
#include "base/log.h"
#include "base/mem.h"

/* --- routes --- */

/* Those whose requests differ: an order may only reduce, a transfer may lead out, and an agent may be the
 * one with which a position is to be closed. Anything else that opens risk is stopped at the door. */
static const struct {
        enum http_method method;
        const char *path;
} by_request[] = {
        {METHOD_POST, "/v1/orders"},
        {METHOD_POST, "/v1/orders/batch"},
        {METHOD_POST, "/v1/orders/submit"},
        {METHOD_PATCH, "/v1/orders/{id}"},
        {METHOD_PUT, "/v1/positions/{symbol}/leverage"}, /* asked in the pipeline, after replay */
        {METHOD_POST, "/v1/positions/{symbol}/margin"},
        {METHOD_POST, "/v1/agent/approve"},
        {METHOD_POST, "/v1/transfer"},
        {METHOD_POST, "/v1/transfer/submit"},
        {METHOD_POST, "/v1/sub-accounts/{address}/transfer"},
};

static bool is_withdrawal(const struct route *route)
{
        return strcmp(route->path, "/v1/withdraw") == 0 ||
               strcmp(route->path, "/v1/withdraw/submit") == 0;
}

enum admit_when admit_when(const struct route *route)
{
        switch (route->risk) {
        case ROUTE_READS:
        case ROUTE_REDUCES_RISK: return ADMIT_ALWAYS;
        case ROUTE_OPENS_RISK: break;
        case ROUTE_MOVES_FUNDS:
                if (is_withdrawal(route))
                        return ADMIT_ALWAYS;
                break;
        }
        for (size_t i = 0; i < sizeof by_request / sizeof *by_request; i++)
                if (by_request[i].method == route->method &&
                    strcmp(by_request[i].path, route->path) == 0)
                        return ADMIT_BY_REQUEST;
        return ADMIT_AT_DOOR;
}

/* --- rules --- */

enum rule { RULE_NONE, RULE_REGION, RULE_REGION_UNKNOWN, RULE_ADDRESS, RULE_TERMS };

static const char *const rule_names[] = {
        [RULE_NONE] = "",
        [RULE_REGION] = "region_blocked",
        [RULE_REGION_UNKNOWN] = "region_unknown",
        [RULE_ADDRESS] = "address_blocked",
        [RULE_TERMS] = "terms_not_accepted",
};

static enum rule find_rule(const struct call *call, enum admit_what what)
{
        if (brand_blocks_address(call->brand, &call->session.address))
                return RULE_ADDRESS;
        switch (call->region) {
        case BRAND_REGION_BLOCKED: return RULE_REGION;
        case BRAND_REGION_UNKNOWN: return RULE_REGION_UNKNOWN;
        case BRAND_REGION_OPEN: break;
        }
        return what == ADMIT_OPENING && call->terms_due ? RULE_TERMS : RULE_NONE;
}

static enum errc say(const struct call *call, enum rule rule, struct err *err)
{
        enum errc rc = E_OK;

        switch (rule) {
        case RULE_NONE: return E_OK;
        case RULE_REGION: rc = E_REGION_BLOCKED; break;
        case RULE_ADDRESS: rc = E_ADDRESS_BLOCKED; break;
        case RULE_REGION_UNKNOWN:
                rc = err_set(err, E_REGION_BLOCKED,
                             "The region this request comes from is not known.");
                break;
        case RULE_TERMS:
                rc = err_set(err, E_FORBIDDEN,
                             "The terms of %s, version %s, have to be accepted first.",
                             call->brand->name, call->brand->terms_version);
                err_hint(err, "POST /v1/terms {\"version\":\"%s\"}", call->brand->terms_version);
                return rc;
        }
        (void)err_set(err, rc, "%s", err_text(rc));
        err_hint(err, "Closing, cancelling and withdrawing stay possible.");
        return rc;
}

/* The rule is told, the place never is: neither country nor address. */
static void note(const struct call *call, enum rule rule)
{
        char labels[64];

        snprintf(labels, sizeof labels, "rule=\"%s\"", rule_names[rule]);
        metrics_add(call->api->o.metrics, "perpgate_policy_denied_total", labels, 1,
                    "Requests refused by the brand's policy, by rule.");
        log_event(LOG_INFO, "policy denied", "request", call->request_id, "route",
                  call->route->path, "brand", call->brand->id, "rule", rule_names[rule], NULL);
}

/* A gateway that ends opens nothing any more; what reduces goes on to the last moment. */
static bool is_draining(const struct call *call, enum admit_what what)
{
        return what == ADMIT_OPENING && call->api->draining;
}

enum errc admit_check(const struct call *call, enum admit_what what, struct err *err)
{
        enum rule rule = find_rule(call, what);

        if (is_draining(call, what))
                return err_set(err, E_DRAINING, "%s", err_text(E_DRAINING));
        if (rule != RULE_NONE)
                note(call, rule);
        return say(call, rule, err);
}

bool admit_refuses(const struct call *call, enum admit_what what)
{
        return is_draining(call, what) || find_rule(call, what) != RULE_NONE;
}

enum errc admit_sign_in(const struct call *call, const struct addr *address, struct err *err)
{
        if (!brand_blocks_address(call->brand, address))
                return E_OK;
        note(call, RULE_ADDRESS);
        return err_set(err, E_ADDRESS_BLOCKED, "%s", err_text(E_ADDRESS_BLOCKED));
}

void admit_show(struct buf *out, const struct call *call)
{
        enum rule rule = find_rule(call, ADMIT_OPENING);
        struct err err = {.code = E_OK};

        if (say(call, rule, &err) == E_OK) {
                out_null(out, "restriction");
                return;
        }
        out_key(out, "restriction");
        buf_putc(out, '{');
        out_text(out, "code", err_wire(err.code));
        out_text(out, "detail", err.detail);
        out_text(out, "hint", err.hint);
        buf_putc(out, '}');
}

/* --- the door --- */

static void pass(struct call *call)
{
        struct err err = {.code = E_OK};

        if (admit_when(call->route) == ADMIT_AT_DOOR && admit_check(call, ADMIT_OPENING, &err))
                call_fail(call, &err);
        else
                call->route->handler(call);
}

static void record_read(void *cookie, enum errc rc, const struct store_account *account)
{
        struct call *call = cookie;

        if (rc) {
                call_fail_code(call, rc);
                return;
        }
        call->terms_due = strcmp(account->terms_version, call->brand->terms_version) != 0;
        pass(call);
}

void admit_enter(struct call *call)
{
        if (call->has_session && call->brand->terms_required &&
            call->route->risk == ROUTE_OPENS_RISK)
                accounts_get(call->api->accounts, call->brand->id, &call->session.address,
                             record_read, call);
        else
                pass(call);
}
