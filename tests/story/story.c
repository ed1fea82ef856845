/* The story: what the product is for, played against a running demo over real sockets and checked
 * against the venue's own figures. Prints each step so that a person can follow it; ends with 0 when
 * every promise held. Usage: perpgate-story [PROGRAM] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/secret.h"
#include "sign/secp.h"
#include "story/client.h"

static int n_checks;

static void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
        puts("");
        fflush(stdout);
}

static void check(bool ok, const char *what)
{
        if (!ok)
                client_fail("%s: this did not hold", what);
        n_checks++;
        tell("    ok: %s", what);
}

/* --- reading answers --- */

static const char *text_at(const json_t *object, const char *name)
{
        const char *s = json_string_value(json_object_get(object, name));

        if (!s)
                client_fail("an answer lacks %s", name);
        return s;
}

static int64_t number_at(const json_t *object, const char *name)
{
        const char *s = text_at(object, name);
        int64_t v = 0;

        if (num_parse(&v, s, strlen(s), NUM_DECIMALS, NUM_ROUND))
                client_fail("%s is no number: %s", name, s);
        return v;
}

static json_t *venue_state(const struct trader *t)
{
        return client_paper(
                t->world, "/info",
                json_pack("{s:s,s:s}", "type", "clearinghouseState", "user", t->address_text));
}

/* The venue's own record of a position; NULL when there is none. Borrowed from state. */
static const json_t *venue_position(const json_t *state, const char *coin)
{
        const json_t *all = json_object_get(state, "assetPositions");

        for (size_t i = 0; i < json_array_size(all); i++) {
                const json_t *p = json_object_get(json_array_get(all, i), "position");
                if (strcmp(text_at(p, "coin"), coin) == 0)
                        return p;
        }
        return NULL;
}

static void set_price(const struct trader *t, const char *coin, const char *price)
{
        json_decref(client_paper(t->world, "/paper/price",
                                 json_pack("{s:s,s:s}", "coin", coin, "price", price)));
        tell("  The venue's %s price is set to %s.", coin, price);
}

/* --- the chapters --- */

static void sign_in(struct trader *t)
{
        char signature[133];
        json_t *challenge = client_must(t, "POST", "/v1/auth/challenge",
                                        json_pack("{s:s}", "address", t->address_text));
        const char *message = text_at(challenge, "message");

        client_sign_message(t, message, signature);
        json_t *login =
                client_must(t, "POST", "/v1/auth/login",
                            json_pack("{s:s,s:s}", "message", message, "signature", signature));
        text_copy(t->token, sizeof t->token, text_at(login, "token"));
        check(strcmp(text_at(login, "account"), t->address_text) == 0,
              "the session belongs to the wallet that signed");
        json_decref(login);
        json_decref(challenge);
}

static void fund(const struct trader *t, const char *amount)
{
        json_decref(
                client_paper(t->world, "/paper/faucet",
                             json_pack("{s:s,s:s}", "user", t->address_text, "amount", amount)));
        tell("  %s USDC are deposited at the venue.", amount);
}

static bool step_done(const struct trader *t, const char *step)
{
        json_t *onboarding = client_must(t, "GET", "/v1/onboarding", NULL);
        const json_t *steps = json_object_get(onboarding, "steps");
        bool done = false, found = false;

        for (size_t i = 0; i < json_array_size(steps); i++) {
                const json_t *s = json_array_get(steps, i);
                if (strcmp(text_at(s, "step"), step) != 0)
                        continue;
                found = true;
                done = strcmp(text_at(s, "status"), "done") == 0;
        }
        json_decref(onboarding);
        if (!found)
                client_fail("onboarding does not speak of %s", step);
        return done;
}

static void approve(const struct trader *t, const char *path, const char *approve_path)
{
        char signature[133];
        json_t *asked = client_must(t, "POST", path, json_object());

        client_sign_typed(t, json_object_get(asked, "typedData"), signature);
        json_decref(
                client_must(t, "POST", approve_path, json_pack("{s:s}", "signature", signature)));
        json_decref(asked);
}

static void onboard(struct trader *t, bool with_builder)
{
        check(!step_done(t, "agent"), "onboarding says that the agent is missing");
        json_decref(client_refused(t, "POST", "/v1/orders",
                                   json_pack("{s:s,s:s,s:s,s:s}", "symbol", "BTC", "side", "buy",
                                             "type", "market", "notional", "100"),
                                   "agent_not_approved"));
        check(true, "an order before that is refused: agent_not_approved");
        approve(t, "/v1/agent", "/v1/agent/approve");
        check(step_done(t, "agent"), "the agent is approved, at the venue too");
        if (!with_builder)
                return;
        check(!step_done(t, "builderFee"), "the builder fee is not approved by default");
        approve(t, "/v1/builder-fee", "/v1/builder-fee/approve");
        check(step_done(t, "builderFee"), "the builder fee is approved");
}

static json_t *margin_order(const char *margin)
{
        return json_pack("{s:s,s:s,s:s,s:s,s:i}", "symbol", "BTC", "side", "buy", "type", "market",
                         "margin", margin, "leverage", 10);
}

/* The rule of thumb: a 10x long is liquidated about (1/10 - m) / (1 - m) below entry. */
static void check_distance(const struct trader *t, int64_t entry, int64_t liquidation)
{
        json_t *market = client_must(t, "GET", "/v1/markets/BTC", NULL);
        const json_t *tier = json_array_get(json_object_get(market, "marginTiers"), 0);
        int64_t max = json_integer_value(json_object_get(tier, "maxLeverage"));
        int64_t below = 0, expected = 0;

        /* m = 1 / (2 max): (1/10 - m) / (1 - m) = (2 max - 10) / (10 (2 max - 1)) */
        if (num_muldiv(&expected, entry, 2 * max - 10, 10 * (2 * max - 1), NUM_NEAREST) ||
            num_sub(&below, entry, liquidation))
                client_fail("the distance can't be computed");
        check(num_abs(below - expected) < expected / 100,
              "it lies about (1/10 - m) / (1 - m) below entry");
        json_decref(market);
}

static void open_isolated(const struct trader *t)
{
        json_t *preview = client_must(t, "POST", "/v1/orders/preview", margin_order("1000"));
        const json_t *risk = json_object_get(preview, "risk");
        const char *liquidation = text_at(risk, "liquidationPrice");

        tell("  Preview: notional %s, margin %s, liquidation at %s, most that can be lost %s.",
             text_at(preview, "notional"), text_at(risk, "marginRequired"), liquidation,
             text_at(risk, "maxLoss"));
        check(strcmp(text_at(risk, "marginMode"), "isolated") == 0,
              "the brand's default is isolated");
        check(strcmp(text_at(risk, "maxLoss"), "1000") == 0, "no more than 1,000 can be lost");
        json_t *order = client_must(t, "POST", "/v1/orders", margin_order("1000"));
        tell("  Placed: %s, %s BTC at %s.", text_at(order, "status"), text_at(order, "filledSize"),
             text_at(order, "averagePrice"));
        check(strcmp(text_at(order, "status"), "filled") == 0, "the order is filled");
        int64_t notional = number_at(order, "notional");
        check(notional <= 10000 * NUM_SCALE && notional > 9990 * NUM_SCALE,
              "the notional is 10,000, sized down to a lot");
        json_t *position = client_must(t, "GET", "/v1/positions/BTC", NULL);
        json_t *state = venue_state(t);
        const json_t *venue = venue_position(state, "BTC");
        if (!venue)
                client_fail("the venue has no BTC position");
        tell("  Liquidation price: %s in preview, %s in the position, %s at the venue.",
             liquidation, text_at(position, "liquidationPrice"), text_at(venue, "liquidationPx"));
        check(strcmp(liquidation, text_at(position, "liquidationPrice")) == 0 &&
                      strcmp(liquidation, text_at(venue, "liquidationPx")) == 0,
              "all three are the same, to the last digit");
        check_distance(t, number_at(position, "entryPrice"),
                       number_at(position, "liquidationPrice"));
        json_decref(state);
        json_decref(position);
        json_decref(order);
        json_decref(preview);
}

static int64_t move_margin(const struct trader *t, const char *amount)
{
        json_t *moved = client_must(t, "POST", "/v1/positions/BTC/margin",
                                    json_pack("{s:s}", "amount", amount));
        const json_t *position = json_object_get(moved, "position");
        json_t *state = venue_state(t);
        const char *here = text_at(position, "liquidationPrice");

        tell("  Margin %s: liquidation moves from %s to %s; %s can be removed.", amount,
             text_at(json_object_get(moved, "before"), "liquidationPrice"), here,
             text_at(position, "removableMargin"));
        check(strcmp(here, text_at(venue_position(state, "BTC"), "liquidationPx")) == 0,
              "the venue says the same");
        int64_t v = number_at(position, "liquidationPrice");
        json_decref(state);
        json_decref(moved);
        return v;
}

static void adjust_margin(const struct trader *t)
{
        json_t *position = client_must(t, "GET", "/v1/positions/BTC", NULL);
        int64_t at_first = number_at(position, "liquidationPrice");
        int64_t after_adding = move_margin(t, "500");
        int64_t after_removing = move_margin(t, "-200");

        check(after_adding < at_first, "adding 500 moves the liquidation price away");
        check(after_removing > after_adding, "removing 200 moves it closer");
        json_t *problem =
                client_refused(t, "POST", "/v1/positions/BTC/margin",
                               json_pack("{s:s}", "amount", "-900"), "margin_not_removable");
        tell("  Removing 900 more: %s", text_at(problem, "detail"));
        check(true, "asking for more than the venue lets go is refused with the numbers");
        json_decref(problem);
        json_decref(position);
}

static void open_cross(const struct trader *t)
{
        json_t *order = client_must(t, "POST", "/v1/orders",
                                    json_pack("{s:s,s:s,s:s,s:s,s:s,s:i}", "symbol", "ETH", "side",
                                              "sell", "type", "market", "notional", "2000",
                                              "marginMode", "cross", "leverage", 5));

        tell("  ETH short: %s, %s at %s, cross.", text_at(order, "status"),
             text_at(order, "filledSize"), text_at(order, "averagePrice"));
        json_decref(order);
        json_t *position = client_must(t, "GET", "/v1/positions/ETH", NULL);
        check(strcmp(text_at(position, "marginMode"), "cross") == 0 &&
                      strcmp(text_at(position, "side"), "short") == 0,
              "isolated BTC and cross ETH stand side by side");
        json_decref(position);
}

static json_t *stop_order(const json_t *position, const char *trigger)
{
        return json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", "symbol", "BTC", "side", "sell", "type",
                         "stopMarket", "size", text_at(position, "size"), "triggerPrice", trigger,
                         "reduceOnly", 1);
}

static void stops(const struct trader *t)
{
        json_t *position = client_must(t, "GET", "/v1/positions/BTC", NULL);

        tell("  The liquidation price is %s.", text_at(position, "liquidationPrice"));
        json_t *problem = client_refused(t, "POST", "/v1/orders", stop_order(position, "80000"),
                                         "stop_beyond_liquidation");
        tell("  A stop at 80000: %s", text_at(problem, "detail"));
        json_t *order = client_must(t, "POST", "/v1/orders", stop_order(position, "95000"));
        check(strcmp(text_at(order, "status"), "triggerPending") == 0,
              "a stop at 95000 is placed and waits for its trigger");
        json_decref(order);
        json_decref(problem);
        json_decref(position);
}

static void liquidation(const struct trader *t)
{
        json_decref(client_must(t, "DELETE", "/v1/positions/BTC", NULL));
        json_decref(client_must(t, "DELETE", "/v1/orders?symbol=BTC", NULL));
        tell("  The first position is closed, its stop cancelled; a smaller one is opened.");
        json_decref(client_must(t, "POST", "/v1/orders", margin_order("200")));
        json_t *before = venue_state(t);
        const json_t *eth = venue_position(before, "ETH");
        const char *cross = text_at(json_object_get(before, "crossMarginSummary"), "accountValue");
        if (!venue_position(before, "BTC") || !eth)
                client_fail("the positions are not there");
        tell("  Before: BTC liquidation at %s, cross account %s.",
             text_at(venue_position(before, "BTC"), "liquidationPx"), cross);
        set_price(t, "BTC", "85000");
        json_t *after = venue_state(t);
        check(!venue_position(after, "BTC"), "the BTC position is gone");
        check(strcmp(cross,
                     text_at(json_object_get(after, "crossMarginSummary"), "accountValue")) == 0,
              "its margin is lost and no more: the rest of the balance is as it was");
        check(json_equal(eth, venue_position(after, "ETH")), "so is the ETH position");
        json_decref(client_refused(t, "GET", "/v1/positions/BTC", NULL, "not_found"));
        check(true, "the brand's API says the same");
        json_decref(after);
        json_decref(before);
}

static void other_brand(struct trader *a, const struct secp *secp)
{
        json_t *mine =
                client_must(a, "POST", "/v1/orders",
                            json_pack("{s:s,s:s,s:s,s:s,s:s}", "symbol", "ETH", "side", "buy",
                                      "type", "limit", "size", "0.1", "price", "1500"));
        struct trader b, intruder = *a;
        char path[128];

        client_trader(&b, a->world, secp, a->world->host[1]);
        fund(&b, "5000");
        sign_in(&b);
        onboard(&b, false);
        json_t *preview = client_must(&b, "POST", "/v1/orders/preview",
                                      json_pack("{s:s,s:s,s:s,s:s}", "symbol", "BTC", "side", "buy",
                                                "type", "market", "notional", "500"));
        check(strcmp(text_at(json_object_get(preview, "risk"), "marginMode"), "cross") == 0,
              "brand B trades cross by default");
        json_t *order = client_must(&b, "POST", "/v1/orders",
                                    json_pack("{s:s,s:s,s:s,s:s}", "symbol", "BTC", "side", "buy",
                                              "type", "market", "notional", "500"));
        check(strcmp(text_at(order, "status"), "filled") == 0, "and its order is filled");
        snprintf(path, sizeof path, "/v1/orders/%s", text_at(mine, "id"));
        json_decref(client_refused(&b, "GET", path, NULL, "not_found"));
        json_decref(client_refused(&b, "DELETE", path, NULL, "not_found"));
        check(true, "an order of brand A is nothing to a trader of brand B");
        intruder.host = a->world->host[1];
        json_decref(client_refused(&intruder, "GET", "/v1/account", NULL, "unauthorized"));
        check(true, "a session of brand A is none at brand B");
        json_decref(order);
        json_decref(preview);
        json_decref(mine);
}

static void ledger(const struct trader *t)
{
        json_t *ledger = client_paper(t->world, "/paper/ledger", NULL);
        const json_t *rows = json_is_array(ledger) ? ledger : json_object_get(ledger, "actions");

        tell("  %zu signed actions reached the venue.", json_array_size(rows));
        check(json_array_size(rows) > 8, "the venue's ledger has them");
        json_decref(ledger);
}

int main(int argc, char **argv)
{
        const char *program = argc > 1 ? argv[1] : "build/perpgate";
        struct secp *secp;
        struct world world;
        struct trader a;

        secret_process_init();
        secp = secp_new();
        client_start(&world, program);
        client_trader(&a, &world, secp, world.host[0]);
        tell("1. A demo runs at %s with the brands %s and %s.", world.http, world.host[0],
             world.host[1]);
        set_price(&a, "BTC", "100000");
        set_price(&a, "ETH", "4000");
        tell("2. Trader %s signs in to %s.", a.address_text, a.host);
        fund(&a, "10000");
        sign_in(&a);
        tell("3. The wallet approves an agent and the builder fee, once.");
        onboard(&a, true);
        tell("4. 1,000 USDC of isolated margin go into a BTC long at 10x.");
        open_isolated(&a);
        tell("5. Margin is added and taken back.");
        adjust_margin(&a);
        tell("6. An ETH short is opened in cross beside it.");
        open_cross(&a);
        tell("7. A stop beyond the liquidation price is refused, one inside it is placed.");
        stops(&a);
        tell("8. BTC falls through the liquidation price of a second, smaller position.");
        liquidation(&a);
        tell("9. A trader of %s trades cross by default and sees nothing of %s.", world.host[1],
             world.host[0]);
        other_brand(&a, secp);
        tell("10. What reached the venue.");
        ledger(&a);
        int status = client_stop(&world);
        check(status == 0, "the demo ends cleanly when asked to");
        secp_free(secp);
        tell("\nThe story held: %d checks.", n_checks);
        return 0;
}
