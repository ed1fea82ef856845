/* logo: what may be served from a brand's own origin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "brand/logo.h"

static void good_logos(void **state)
{
        static const char *const good[] = {
                "<svg/>",
                "<svg></svg>\n",
                "\xef\xbb\xbf<svg/>",
                ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- made by hand <script> "
                 "-->\n<svg/>"),
                "<?xml version='1.0'?><svg/>",
                "<svg><defs><linearGradient id='a'/></defs><rect fill='url(#a)'/></svg>",
                "<svg><use href=\"#a\"/><use xlink:href='#b'/></svg>",
                "<svg><text>sale on=now &amp; here</text></svg>",
        };
        (void)state;

        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
                const char *expected = NULL;
                unsigned line;
                const char *type =
                        logo_type((const uint8_t *)good[i], strlen(good[i]), &expected, &line);
                if (!type)
                        fail_msg("%s: expected %s", good[i], expected);
                assert_string_equal(type, "image/svg+xml");
        }
}

static void bad_logos(void **state)
{
        static const char *const bad[] = {
                "",
                " ",
                "GIF89a",
                "<html><svg/></html>",
                "<g/>",
                "text <svg/>",
                "<svg><script>alert(1)</script></svg>",
                "<svg><SCRIPT/></svg>",
                "<svg><x:script/></svg>",
                "<svg onload='a()'/>",
                "<svg/onload='a()'>",
                "<svg ONLOAD = \"a()\"/>",
                "<svg><g\nonclick='a()'/></svg>",
                "<svg><foreignObject/></svg>",
                "<svg><style>@import 'x'</style></svg>",
                "<svg><image href='#a'/></svg>",
                "<svg><a href='#a'/></svg>",
                "<svg><set attributeName='onload'/></svg>",
                "<svg><animate attributeName='href'/></svg>",
                "<svg><use href='https://evil.example/x.svg#a'/></svg>",
                "<svg><use xlink:href='data:image/svg+xml;base64,AA'/></svg>",
                "<svg><use HREF='javascript:a()'/></svg>",
                "<svg><use href=''/></svg>",
                "<svg><use href='&#106;avascript:a()'/></svg>",
                "<svg><rect fill='url(https://evil.example/)'/></svg>",
                "<svg><rect style='fill:URL( #a)'/></svg>",
                "<svg><rect style='background:ur\\6c(x)'/></svg>",
                "<svg><rect fill='url('/></svg>",
                "<!DOCTYPE svg><svg/>",
                "<svg><![CDATA[<script>]]></svg>",
                "<svg/><?xml-stylesheet href='x'?>",
                "<?xml version='1.0' encoding='UTF-7'?><svg/>",
                "<?xml version='1.0' encoding='utf-8-x'?><svg/>",
                "<?xml version='1.0' encoding",
                "<svg",
                "<svg a",
                "<svg a=b/>",
                "<svg a='b",
                "<svg></svg",
                "<svg><!-- open",
                "<svg><",
        };
        (void)state;

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                const char *expected = NULL;
                unsigned line;
                if (logo_type((const uint8_t *)bad[i], strlen(bad[i]), &expected, &line))
                        fail_msg("taken: %s", bad[i]);
                assert_non_null(expected);
        }
}

static void png_by_its_signature(void **state)
{
        static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0};
        const char *expected = NULL;
        unsigned line;
        (void)state;

        const char *type = logo_type(png, sizeof png, &expected, &line);
        assert_non_null(type);
        assert_string_equal(type, "image/png");
        assert_null(logo_type(png, 7, &expected, &line));
}

static void nul_and_line(void **state)
{
        static const char text[] = "<svg>\0</svg>";
        static const char third[] = "<svg>\n\n<script/></svg>";
        const char *expected = NULL;
        unsigned line = 0;
        (void)state;

        assert_null(logo_type((const uint8_t *)text, sizeof text - 1, &expected, &line));
        assert_null(logo_type((const uint8_t *)third, sizeof third - 1, &expected, &line));
        assert_int_equal(line, 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_logos),
                cmocka_unit_test(bad_logos),
                cmocka_unit_test(png_by_its_signature),
                cmocka_unit_test(nul_and_line),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
