#include "edge/utf8.h"

#include <stdint.h>
#include <string.h>

/* Length of the sequence that starts with lead, and the range its second byte must be in. That range
 * is what keeps out overlong forms, surrogates and code points that do not exist. */
static size_t sequence(uint8_t lead, uint8_t *low, uint8_t *high)
{
        *low = 0x80;
        *high = 0xbf;
        if (lead >= 0xc2 && lead <= 0xdf)
                return 2;
        if (lead >= 0xe0 && lead <= 0xef) {
                if (lead == 0xe0)
                        *low = 0xa0;
                if (lead == 0xed)
                        *high = 0x9f;
                return 3;
        }
        if (lead >= 0xf0 && lead <= 0xf4) {
                if (lead == 0xf0)
                        *low = 0x90;
                if (lead == 0xf4)
                        *high = 0x8f;
                return 4;
        }
        return 0;
}

bool utf8_valid(const void *text, size_t len)
{
        const uint8_t *p = text;
        size_t i = 0;

        while (i < len) {
                uint64_t eight;
                uint8_t low;
                uint8_t high;
                size_t n;

                if (len - i >= sizeof(eight)) {
                        memcpy(&eight, p + i, sizeof(eight));
                        if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                                i += sizeof(eight);
                                continue;
                        }
                }
                if (p[i] < 0x80) {
                        i++;
                        continue;
                }
                n = sequence(p[i], &low, &high);
                if (n == 0 || n > len - i || p[i + 1] < low || p[i + 1] > high)
                        return false;
                for (size_t k = 2; k < n; k++)
                        if ((p[i + k] & 0xc0) != 0x80)
                                return false;
                i += n;
        }
        return true;
}
