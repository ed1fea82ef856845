#include "api/page.h"

#include <string.h>

static void escape(struct buf *out, const char *s)
{
        for (; *s; s++) {
                switch (*s) {
                case '&': buf_puts(out, "&amp;"); break;
                case '<': buf_puts(out, "&lt;"); break;
                case '>': buf_puts(out, "&gt;"); break;
                case '"': buf_puts(out, "&quot;"); break;
                case '\'': buf_puts(out, "&#39;"); break;
                default: buf_putc(out, *s);
                }
        }
}

static const char *value_of(const struct brand *brand, const char *nonce, const char *name,
                            size_t len)
{
        const struct {
                const char *name;
                const char *value;
        } all[] = {
                {"name", brand->name},
                {"tagline", brand->tagline},
                {"primary", brand->theme.primary},
                {"background", brand->theme.background},
                {"text", brand->theme.text},
                {"accent", brand->theme.accent},
                {"host", brand->host[0]},
                {"nonce", nonce},
        };

        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
                if (strlen(all[i].name) == len && memcmp(all[i].name, name, len) == 0)
                        return all[i].value;
        return "";
}

void page_print(struct buf *out, const char *page, const struct brand *brand, const char *nonce)
{
        const char *at = page;
        const char *open;

        while ((open = strstr(at, "{{")) != NULL) {
                const char *close = strstr(open, "}}");
                must(close != NULL);
                buf_put(out, at, (size_t)(open - at));
                escape(out, value_of(brand, nonce, open + 2, (size_t)(close - open - 2)));
                at = close + 2;
        }
        buf_puts(out, at);
}
