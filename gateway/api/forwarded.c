#include "api/forwarded.h"

#include <string.h>

#include <arpa/inet.h>

#include "base/attr.h"
#include "base/mem.h"

bool forwarded_trusts(const struct forwarded_proxies *trusted, const char *peer)
{
        for (unsigned i = 0; i < trusted->n; i++)
                if (strcmp(trusted->address[i], peer) == 0)
                        return true;
        return false;
}

/* An entry between commas. Written as the server writes a peer: one address has one spelling. */
static bool take_entry(char out[FORWARDED_ADDRESS_MAX], const char *entry, size_t len)
{
        char text[FORWARDED_ADDRESS_MAX];
        unsigned char binary[16];
        int family;

        while (len > 0 && (*entry == ' ' || *entry == '\t')) {
                entry++;
                len--;
        }
        while (len > 0 && (entry[len - 1] == ' ' || entry[len - 1] == '\t'))
                len--;
        if (len == 0 || len >= sizeof text)
                return false;
        memcpy(text, entry, len);
        text[len] = '\0';
        family = memchr(text, ':', len) ? AF_INET6 : AF_INET;
        if (inet_pton(family, text, binary) != 1)
                return false;
        must(inet_ntop(family, binary, out, FORWARDED_ADDRESS_MAX) != NULL);
        return true;
}

void forwarded_client(char out[FORWARDED_ADDRESS_MAX], const char *peer, const char *list,
                      const struct forwarded_proxies *trusted)
{
        size_t end = strlen(list);

        text_copy(out, FORWARDED_ADDRESS_MAX, peer);
        while (end > 0 && forwarded_trusts(trusted, out)) {
                size_t start = end;
                while (start > 0 && list[start - 1] != ',')
                        start--;
                if (!take_entry(out, list + start, end - start))
                        return;
                end = start ? start - 1 : 0;
        }
}
