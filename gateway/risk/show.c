#include "risk/show.h"

#include <stdio.h>
#include <string.h>

/* Drops trailing zeros of a text with a decimal point, keeping one decimal. */
static void trim_zeros(char *text)
{
        size_t len = strlen(text);

        while (len > 2 && text[len - 1] == '0' && text[len - 2] != '.')
                text[--len] = '\0';
}

/* The double nearest to the decimal number the venue sends. Without its trailing zeros the count
 * fits 53 bits, and one correctly rounded division remains. */
static double double_of_size(struct qty size)
{
        int64_t count = size.v;
        double divisor = 1e8;

        while (count && count % 10 == 0 && divisor > 1.0) {
                count /= 10;
                divisor /= 10.0;
        }
        return (double)count / divisor;
}

static char *show_price(char *buf, const struct margin_liquidation *liquidation, int decimals)
{
        char *shown = NULL;
        double side, num, rate, price;

        buf[0] = '\0';
        if (!liquidation->exists)
                goto done;
        side = liquidation->size.v < 0 ? -1.0 : 1.0;
        num = (double)liquidation->cash_micro / 1e6;
        rate = 1.0 / (2.0 * (double)liquidation->tier_leverage);
        price = -num / (double_of_size(liquidation->size) * (1.0 - side * rate));
        snprintf(buf, NUM_STR_MAX, "%.*f", decimals, price);
        trim_zeros(buf);
        shown = buf;
done:
        return shown;
}

char *show_liquidation(char *buf, const struct margin_liquidation *liquidation)
{
        return show_price(buf, liquidation, 10);
}

char *show_liquidation8(char *buf, const struct margin_liquidation *liquidation)
{
        return show_price(buf, liquidation, 8);
}

char *show_money(char *buf, struct usd u)
{
        snprintf(buf, NUM_STR_MAX, "%.10f", (double)(u.v / NUM_MICRO) / 1e6);
        trim_zeros(buf);
        return buf;
}

char *show_usd(char *buf, struct usd u)
{
        return num_print(buf, u.v, NUM_DECIMALS, 1);
}

char *show_rate10(char *buf, struct rate r)
{
        return num_print(buf, num_to_step(r.v, 100, NUM_NEAREST) / 100, 10, 1);
}
