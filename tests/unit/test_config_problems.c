/* config: every kind of mistake is told with its file and line, and all of them at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "brand/config.h"

static char root[] = P_tmpdir "/test_config_XXXXXX";

static void path_to(char out[512], const char *name)
{
        snprintf(out, 512, "%s/%s", root, name);
}

static void write_bytes(const char *name, const void *data, size_t len)
{
        char path[512];

        path_to(path, name);
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, len, f), len);
        assert_int_equal(fclose(f), 0);
}

static void write_text(const char *name, const char *text)
{
        write_bytes(name, text, strlen(text));
}

static const char good_config[] = "paper: {enabled: true}\n"
                                  "store: {dataDir: data}\n"
                                  "brands: [one]\n";
#define BRAND_HEAD                                                                                 \
        "name: One\n"                                                                              \
        "hosts: [one.example]\n"                                                                   \
        "theme: {primary: \"#112233\", background: \"#000000\", text: \"#ffffff\", accent: "       \
        "\"#aabbcc\"}\n"

static const char good_svg[] = "<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0\"/></svg>";

static int make_tree(void **state)
{
        static const char *const folders[] = {"one", "two", "Bad_Name"};
        char path[512];
        (void)state;

        if (!mkdtemp(root))
                return -1;
        for (size_t i = 0; i < 3; i++) {
                path_to(path, folders[i]);
                if (mkdir(path, 0700))
                        return -1;
        }
        write_text("one/logo.svg", good_svg);
        return 0;
}

static int remove_tree(void **state)
{
        static const char *const names[] = {
                "one/brand.yaml",
                "one/logo.svg",
                "one/big.svg",
                "one/bad.svg",
                "one",
                "two/brand.yaml",
                "two",
                "Bad_Name/brand.yaml",
                "Bad_Name",
                "gateway.yaml",
        };
        char path[512];
        (void)state;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                path_to(path, names[i]);
                if (remove(path))
                        fprintf(stderr, "left: %s\n", path);
        }
        return rmdir(root);
}

/* Loads; the problems as text (to be freed), "" when it loaded. */
static char *problems_of(const char *config_text, const char *brand_text)
{
        char path[512];
        struct buf problems;

        buf_init(&problems, 65536);
        write_text("gateway.yaml", config_text);
        write_text("one/brand.yaml", brand_text);
        path_to(path, "gateway.yaml");
        struct config *config = config_load(path, &problems);
        /* Nothing wrong and a configuration, or something wrong and none. */
        assert_true((config == NULL) == (problems.len > 0));
        config_free(config);
        char *text = strdup(buf_cstr(&problems));
        buf_fini(&problems);
        return text;
}

/* Fails unless exactly one problem is told, in file at line, with expected in it. */
static void expect_one(char *problems, const char *file, unsigned line, const char *expected)
{
        char prefix[600];
        size_t n = 0;

        for (const char *p = problems; *p; p++)
                n += *p == '\n';
        if (line > 0)
                snprintf(prefix, sizeof prefix, "%s/%s:%u: ", root, file, line);
        else
                snprintf(prefix, sizeof prefix, "%s/%s: ", root, file);
        if (n != 1 || strncmp(problems, prefix, strlen(prefix)) != 0 || !strstr(problems, expected))
                fail_msg("expected one problem \"%s...%s\", got %zu:\n%s", prefix, expected, n,
                         problems);
        free(problems);
}

struct mistake {
        const char *text; /* appended to a good file, or the whole of it */
        unsigned line;
        const char *expected;
};

static const struct mistake config_table[] = {
        {"nonsense: 1\n", 4, "expected one of these keys: listen, limits"},
        {"limits: {maxConections: 3}\n", 4, "limits: expected one of these keys"},
        {"log:\n  level: info\n  level: warn\n", 6, "the key \"level\" once: it is on line 5"},
        {"limits: {maxConnections: 0}\n", 4, "a whole number from 1 to 1000000, found 0"},
        {"limits: {maxConnections: \"5\"}\n", 4, "found \"5\""},
        {"limits: {maxConnections: 5.0}\n", 4, "limits.maxConnections"},
        {"limits: {maxConnections: 05}\n", 4, "limits.maxConnections"},
        {"limits: {maxConnections: -1}\n", 4, "limits.maxConnections"},
        {"limits: {maxConnections: 0x10}\n", 4, "limits.maxConnections"},
        {"limits: {maxConnections: 18446744073709551617}\n", 4, "limits.maxConnections"},
        {"limits: {maxBodyBytes: }\n", 4, "limits.maxBodyBytes: expected a whole number"},
        {"limits: [1]\n", 4, "limits: expected keys with values"},
        {"listen:\n  public:\n    port: 65536\n", 6, "from 0 to 65535"},
        {"listen: {public: {address: localhost}}\n", 4, "numeric IPv4 or IPv6"},
        {"listen:\n  admin:\n    address: 0.0.0.0\n", 6, "expected a loopback address"},
        {"listen:\n  admin:\n    address: \"::\"\n", 6, "expected a loopback address"},
        {"listen: {admin: {allowRemote: yes}}\n", 4, "expected true or false"},
        {"listen: {admin: {port: 8080}}\n", 4, "another port than listen.public.port"},
        {"listen: {public: {tlsCertFile: one/logo.svg}}\n", 4, "tlsKeyFile together"},
        {"listen: {public: {tlsCertFile: no.pem, tlsKeyFile: one/logo.svg}}\n", 4,
         "listen.public.tlsCertFile: expected a readable file"},
        {"listen: {trustedProxies: [proxy.example]}\n", 4, "listen.trustedProxies[0]"},
        {"listen: {trustedProxies: 127.0.0.1}\n", 4, "expected a list"},
        {"venue: {network: mainnet}\n", 4, "expected testnet with the paper venue"},
        {"venue: {network: main}\n", 4, "expected mainnet or testnet"},
        {"venue: {kind: gmx}\n", 4, "expected hyperliquid"},
        {"venue: {deposit: {address: \"0x12\"}}\n", 4, "0x and 40 hex digits"},
        {"venue:\n  deposit:\n    minimum: \"5e3\"\n", 6, "a decimal amount"},
        {"venue: {deposit: {chainId: 0}}\n", 4, "venue.deposit.chainId"},
        {"venue: {baseUrl: \"https://a.example\"}\n", 4, "expected nothing with paper"},
        {"venue: {dexes: xyz}\n", 4, "venue.dexes"},
        {"venue: {feed: {connections: 65}}\n", 4, "venue.feed.connections"},
        {"venue: {feed: {subscriptions: 65536}}\n", 4, "venue.feed.subscriptions"},
        {"venue: {feed: {lingerMs: 60001}}\n", 4, "venue.feed.lingerMs"},
        {"venue: {feed: {silentMs: {book: soon}}}\n", 4, "venue.feed.silentMs.book"},
        {"venue: {dexes: [x]}\n", 4, "venue.dexes[0]: expected a dex's name"},
        {"venue: {dexes: [xyz, XYZ]}\n", 4, "venue.dexes[1]: expected a dex's name"},
        {"venue:\n  dexes:\n    - xyz\n    - abc\n    - xyz\n", 8,
         "venue.dexes[2]: expected each dex once, found xyz twice"},
        {"venue: {dexes: [a1, a2, a3, a4, a5, a6, a7, a8, a9]}\n", 4, "venue.dexes"},
        {"venue: {orderReserve: 1201}\n", 4, "at most venue.weightPerMinute"},
        {"venue: {caFile: missing.pem}\n", 4, "venue.caFile: expected a readable file"},
        {"venue: {egress: [eth0]}\n", 4, "venue.egress[0]: expected a numeric IPv4"},
        {"venue: {egress: \"10.0.0.1\"}\n", 4, "venue.egress"},
        {"venue:\n  egress:\n    - 10.0.0.1\n    - 10.0.0.2\n    - 10.0.0.1\n", 8,
         "venue.egress[2]: expected each address once, found 10.0.0.1 twice"},
        {"venue: {node: {infoUrl: \"ws://n\"}}\n", 4, "venue.node.infoUrl: expected an http://"},
        {"venue: {node: {wsUrl: \"http://n/ws\"}}\n", 4, "venue.node.wsUrl: expected a ws://"},
        {"venue: {node: {wsUrl: \"ws://me@n/ws\"}}\n", 4, "venue.node.wsUrl: expected a ws://"},
        {"venue: {node: {maxLagMs: 99}}\n", 4, "venue.node.maxLagMs"},
        {"venue: {node: {accountsPerRead: 1001}}\n", 4, "venue.node.accountsPerRead"},
        {"venue: {node: {accountsPerRead: 10}}\n", 4, "expected venue.node.infoUrl with it"},
        {"log: {level: loud}\n", 4, "expected error, warn, info or debug"},
        {"log: &a {level: info}\n", 4, "expected no anchor"},
        {"log: *a\n", 4, "expected no alias"},
        {"log: !!map {level: info}\n", 4, "expected no tag"},
        {"log: {level: \"a\\nb\"}\n", 4, "expected one line without control characters"},
        {"session: {lifetimeMs: [1]}\n", 4, "expected a single value, found a list"},
        {"[1]: 2\n", 4, "expected a word as key"},
        {"log: {level: info\n", 5, "expected valid YAML"},
        {"---\nlog: {level: info}\n", 5, "expected one YAML document"},
        {"log: {level: \"a\\0b\"}\n", 4, "without NUL"},
};

static void config_mistakes(void **state)
{
        (void)state;

        for (size_t i = 0; i < sizeof config_table / sizeof *config_table; i++) {
                char text[2048];
                snprintf(text, sizeof text, "%s%s", good_config, config_table[i].text);
                expect_one(problems_of(text, BRAND_HEAD), "gateway.yaml", config_table[i].line,
                           config_table[i].expected);
        }
}

static void base_url_mistakes(void **state)
{
        static const char *const bad[] = {
                "ftp://api.example",        "api.example",           "https://",
                "https://user@api.example", "https://api.example/",  "https://api.example?x=1",
                "https://API.example",      "https://api.example:0", "https://api.example:65536",
                "https://api.example:",     "javascript:alert(1)",   "https://-api.example",
        };
        (void)state;

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                char text[512];
                snprintf(text, sizeof text,
                         "store: {dataDir: d}\nbrands: [one]\nvenue:\n  baseUrl: \"%s\"\n", bad[i]);
                char *problems = problems_of(text, BRAND_HEAD);
                if (!strstr(problems, "gateway.yaml:4: venue.baseUrl: expected an http://"))
                        fail_msg("%s: %s", bad[i], problems);
                free(problems);
        }
        free(problems_of("", BRAND_HEAD));
        expect_one(problems_of("store: {dataDir: d}\nbrands: [one]\n", BRAND_HEAD), "gateway.yaml",
                   1, "expected the venue's URL, or paper.enabled: true");
}

#define PAPER "store: {dataDir: d}\nbrands: [one]\npaper:\n  enabled: true\n"

static void paper_sources(void **state)
{
        (void)state;
        expect_one(problems_of(PAPER "  replayFile: missing.jsonl\n", BRAND_HEAD), "gateway.yaml",
                   5, "paper.replayFile: expected a readable file");
        expect_one(problems_of(PAPER "  replaySpeed: 0\n", BRAND_HEAD), "gateway.yaml", 5,
                   "from 1 to 10000, found 0");
        expect_one(
                problems_of(PAPER "  replayFile: one/logo.svg\n  liveUrl: ws://a/\n", BRAND_HEAD),
                "gateway.yaml", 6, "paper.liveUrl: expected nothing with paper.replayFile");
}

static const struct mistake brand_table[] = {
        {"colour: red\n", 4, "expected one of these keys: name, tagline"},
        {"name: Two\n", 4, "the key \"name\" once: it is on line 1"},
        {"margin:\n  defaultMode: isolated\n  modes: [cross]\n", 5,
         "margin.defaultMode: expected one of margin.modes"},
        {"margin: {modes: []}\n", 4, "expected isolated, cross or both"},
        {"margin: {modes: [cross, cross]}\n", 4, "each mode once"},
        {"margin: {defaultMode: both}\n", 4, "expected isolated or cross, found \"both\""},
        {"margin: {minLiquidationDistance: \"0\"}\n", 4, "expected a decimal from"},
        {"margin: {minLiquidationDistance: \"1e-2\"}\n", 4, "expected a decimal from"},
        {"margin: {minLiquidationDistance: \"0.51\"}\n", 4, "to 0.5, found \"0.51\""},
        {"margin: {onLiquidationTooClose: ignore}\n", 4, "expected refuse or warn"},
        {"margin: {onInsufficientMargin: \"\"}\n", 4, "expected refuse or warn"},
        {"margin: {onMarginNotRemovable: yes}\n", 4, "expected refuse or warn"},
        {"leverage: {max: 1001}\n", 4, "from 1 to 1000, found 1001"},
        {"leverage: {max: 0}\n", 4, "from 1 to 1000, found 0"},
        {"leverage:\n  max: 5\n  default: 6\n", 6, "expected at most leverage.max, 5"},
        {"leverage:\n  caps:\n    BTC: 40\n    ETH: 1001\n", 7, "leverage.caps.ETH"},
        {"leverage:\n  caps:\n    \"B C\": 40\n", 6, "a market's symbol"},
        {"markets: [BTC]\nleverage:\n  caps:\n    BTC: 2\n    ETH: 2\n", 8,
         "expected a market that the brand offers"},
        {"markets: some\n", 4, "expected all, or a list"},
        {"markets: []\n", 4, "expected all, or a list"},
        {"markets: [BTC, ETH, BTC]\n", 4, "each symbol once, found BTC twice"},
        {"markets: [\"*\"]\n", 4, "markets[0]: expected a market's symbol"},
        {"markets: [\"xyz:G*\"]\n", 4, "markets[0]: expected a market's symbol"},
        {"markets: [\"XYZ:*\"]\n", 4, "markets[0]: expected a market's symbol"},
        {"markets: [\":*\"]\n", 4, "markets[0]: expected a market's symbol"},
        {"markets: [\"xyz:*\", \"xyz:*\"]\n", 4, "found xyz:* twice"},
        {"leverage: {caps: {\"xyz:*\": 2}}\n", 4, "expected a market's symbol"},
        {"markets: [\"xyz:*\"]\nleverage: {caps: {\"abc:GOLD\": 2}}\n", 5,
         "expected a market that the brand offers"},
        {"markets: [\"<b>\"]\n", 4, "markets[0]: expected a market's symbol"},
        {"slippage:\n  default: \"0.06\"\n", 5, "expected at most slippage.max"},
        {"builder:\n  feeTenthBp: 101\n", 5, "from 0 to 100, found 101"},
        {"builder:\n  feeTenthBp: 10\n", 5, "expected builder.address beside a fee"},
        {"builder:\n  address: \"0x12\"\n", 5, "40 hexadecimal digits"},
        {"builder:\n  address: \"0x0000000000000000000000000000000000000000\"\n", 5,
         "not all zero"},
        {"terms: {required: true}\n", 4, "expected terms.version"},
        {"terms: {url: \"javascript:alert(1)\"}\n", 4, "an http:// or https:// URL"},
        {"links:\n  - {label: A, url: \"data:text/html,x\"}\n", 5, "links[0].url"},
        {"links:\n  - {label: A}\n", 5, "links[0].url: expected this key"},
        {"links: [a]\n", 4, "links[0]: expected keys with values"},
        {"corsOrigins: [\"*\"]\n", 4, "corsOrigins[0]: expected an origin"},
        {"corsOrigins: [\"https://a.example/\"]\n", 4, "expected an origin"},
        {"corsOrigins: [\"null\"]\n", 4, "expected an origin"},
        {"signIn: {chains: []}\n", 4, "at least one chain id"},
        {"signIn: {chains: [1, 1]}\n", 4, "each chain once"},
        {"signIn: {chains: [0]}\n", 4, "signIn.chains[0]"},
        {"signIn: {statement: \"a <b>\"}\n", 4, "signIn.statement: expected letters"},
        {"requestsPerMinute: 0\n", 4, "requestsPerMinute"},
        {"keys: some\n", 4, "expected agent or none"},
        {"logo: missing.svg\n", 4, "logo: expected a readable file"},
        {"logo: ../two/logo.svg\n", 4, "expected a path inside the brand's folder"},
        {"logo: /etc/passwd\n", 4, "expected a path inside the brand's folder"},
        {"logo: .hidden.svg\n", 4, "expected a path inside the brand's folder"},
        {"logo: big.svg\n", 4, "at most 262144 bytes"},
        {"logo: bad.svg\n", 4, "without event handlers (on...=) (bad.svg, line 2)"},
        {"tagline: \"a\\u0007\"\n", 4, "without control characters"},
        {"alerts: {liquidationDistances: [\"0.4\", \"0.3\", \"0.2\", \"0.1\"]}\n", 4,
         "alerts.liquidationDistances: expected at most 3 entries"},
};

static void brand_mistakes(void **state)
{
        static char big[300000];
        (void)state;

        memset(big, ' ', sizeof big);
        write_bytes("one/big.svg", big, sizeof big);
        write_text("one/bad.svg", "<svg>\n<g onload=\"alert(1)\"/></svg>");
        for (size_t i = 0; i < sizeof brand_table / sizeof *brand_table; i++) {
                char text[2048];
                snprintf(text, sizeof text, "%s%s", BRAND_HEAD, brand_table[i].text);
                expect_one(problems_of(good_config, text), "one/brand.yaml", brand_table[i].line,
                           brand_table[i].expected);
        }
}

static void host_mistakes(void **state)
{
        static const char *const bad[] = {
                "UPPER.example", "a.example:8080", "a..example",     ".example",  "a.example.",
                "-a.example",    "a-.example",     "a b.example",    "*.example", "a_b.example",
                "http://a",      "[::1]",          "a.exam\\u00e9e",
        };
        (void)state;

        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                char text[1024];
                snprintf(text, sizeof text,
                         "name: One\nhosts:\n  - \"%s\"\ntheme: {primary: \"#112233\", background: "
                         "\"#000000\", text: \"#ffffff\", accent: \"#aabbcc\"}\n",
                         bad[i]);
                expect_one(problems_of(good_config, text), "one/brand.yaml", 3,
                           "hosts[0]: expected a host name in lower case without port");
        }
}

static void required_keys_and_colours(void **state)
{
        (void)state;
        expect_one(problems_of(good_config,
                               "hosts: [one.example]\ntheme: {primary: \"#112233\", background: "
                               "\"#000000\", text: \"#ffffff\", accent: \"#aabbcc\"}\n"),
                   "one/brand.yaml", 1, "name: expected this key, which is required");
        expect_one(problems_of(good_config,
                               "name: One\nhosts: []\ntheme: {primary: \"#112233\", background: "
                               "\"#000000\", text: \"#ffffff\", accent: \"#aabbcc\"}\n"),
                   "one/brand.yaml", 2, "hosts: expected at least one host");
        expect_one(problems_of(good_config,
                               "name: One\nhosts: [a.example, b.example, a.example]\ntheme: "
                               "{primary: \"#112233\", background: \"#000000\", text: \"#ffffff\", "
                               "accent: \"#aabbcc\"}\n"),
                   "one/brand.yaml", 2, "expected each host once");
        expect_one(
                problems_of(
                        good_config,
                        "name: One\nhosts: [one.example]\ntheme:\n  primary: blue\n"
                        "  background: \"#000000\"\n  text: \"#ffffff\"\n  accent: \"#aabbcc\"\n"),
                "one/brand.yaml", 4, "theme.primary: expected a colour, \"#rrggbb\"");
        /* An unquoted colour is a comment to YAML: the key has nothing. */
        expect_one(
                problems_of(
                        good_config,
                        "name: One\nhosts: [one.example]\ntheme:\n  primary: #112233\n"
                        "  background: \"#000000\"\n  text: \"#ffffff\"\n  accent: \"#aabbcc\"\n"),
                "one/brand.yaml", 4, "found nothing");
        expect_one(problems_of("paper: {enabled: true}\nbrands: [one]\n", BRAND_HEAD),
                   "gateway.yaml", 1, "store: expected this key, which is required");
        expect_one(problems_of("paper: {enabled: true}\nstore: {dataDir: d}\nbrands: []\n",
                               BRAND_HEAD),
                   "gateway.yaml", 3, "at least one brand's folder");
}

static void brands_may_not_share(void **state)
{
        static const char two[] = "paper: {enabled: true}\nstore: {dataDir: d}\n"
                                  "brands: [one, two]\n";
        (void)state;

        write_text("two/brand.yaml",
                   "name: Two\ntheme: {primary: \"#112233\", background: \"#000000\", text: "
                   "\"#ffffff\", accent: \"#aabbcc\"}\nhosts:\n  - two.example\n  - one.example\n");
        expect_one(problems_of(two, BRAND_HEAD), "two/brand.yaml", 5,
                   "expected a host of its own: \"one.example\" is at");
        write_text("two/brand.yaml", BRAND_HEAD);
        char *problems = problems_of("paper: {enabled: true}\nstore: {dataDir: d}\n"
                                     "brands: [one, one]\n",
                                     BRAND_HEAD);
        assert_non_null(strstr(problems, "expected another folder name: \"one\" is"));
        free(problems);
        write_text("Bad_Name/brand.yaml", BRAND_HEAD);
        expect_one(problems_of("paper: {enabled: true}\nstore: {dataDir: d}\n"
                               "brands: [Bad_Name]\n",
                               BRAND_HEAD),
                   "Bad_Name/brand.yaml", 0, "expected a folder named by the brand's id");
        problems = problems_of("paper: {enabled: true}\nstore: {dataDir: d}\nbrands: [nowhere]\n",
                               BRAND_HEAD);
        assert_non_null(strstr(problems, "nowhere/brand.yaml: expected a readable brand.yaml"));
        free(problems);
}

static void everything_is_told_at_once(void **state)
{
        (void)state;
        char *problems = problems_of("paper: {enabled: maybe}\n"
                                     "listen: {admin: {address: 10.0.0.1}}\n"
                                     "log: {level: loud}\n"
                                     "store: {dataDir: d}\n"
                                     "brands: [one]\n",
                                     BRAND_HEAD "leverage: {max: 5000}\nmarkets: none\n");

        assert_non_null(strstr(problems, "gateway.yaml:1: paper.enabled"));
        assert_non_null(strstr(problems, "gateway.yaml:2: listen.admin.address"));
        assert_non_null(strstr(problems, "gateway.yaml:3: log.level"));
        assert_non_null(strstr(problems, "one/brand.yaml:4: leverage.max"));
        assert_non_null(strstr(problems, "one/brand.yaml:5: markets"));
        free(problems);
}

static void remote_admin_when_asked_for(void **state)
{
        (void)state;
        char *problems = problems_of("paper: {enabled: true}\nstore: {dataDir: d}\nbrands: [one]\n"
                                     "listen: {admin: {address: 0.0.0.0, allowRemote: true}}\n",
                                     BRAND_HEAD "logo: logo.svg\n");
        assert_string_equal(problems, "");
        free(problems);
}

static void bounds_of_the_document(void **state)
{
        static char text[300000];
        (void)state;

        snprintf(text, sizeof text, "%slog: [[[[[[[[[[1]]]]]]]]]]\n", good_config);
        expect_one(problems_of(text, BRAND_HEAD), "gateway.yaml", 4, "expected less nesting");
        size_t len = (size_t)snprintf(text, sizeof text, "%slog: [", good_config);
        for (int i = 0; i < 9000; i++)
                len += (size_t)snprintf(text + len, sizeof text - len, "1,");
        snprintf(text + len, sizeof text - len, "1]\n");
        expect_one(problems_of(text, BRAND_HEAD), "gateway.yaml", 4, "fewer values");
        memset(text, '#', sizeof text - 1);
        text[sizeof text - 1] = '\0';
        expect_one(problems_of(text, BRAND_HEAD), "gateway.yaml", 0, "the file is too large");
        memset(text, 'a', 5000);
        memcpy(text, "log: ", 5);
        text[5000] = '\0';
        char *problems = problems_of(text, BRAND_HEAD);
        assert_non_null(strstr(problems, "gateway.yaml:1: expected a text of at most 4096 bytes"));
        free(problems);
}

static void missing_file(void **state)
{
        char path[512];
        struct buf problems;
        (void)state;

        buf_init(&problems, 4096);
        path_to(path, "absent.yaml");
        assert_null(config_load(path, &problems));
        assert_non_null(strstr(buf_cstr(&problems), "absent.yaml: expected a readable file"));
        buf_reset(&problems);
        assert_null(config_load(root, &problems));
        assert_non_null(strstr(buf_cstr(&problems), "not a regular file"));
        buf_fini(&problems);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(config_mistakes),
                cmocka_unit_test(paper_sources),
                cmocka_unit_test(base_url_mistakes),
                cmocka_unit_test(brand_mistakes),
                cmocka_unit_test(host_mistakes),
                cmocka_unit_test(required_keys_and_colours),
                cmocka_unit_test(brands_may_not_share),
                cmocka_unit_test(everything_is_told_at_once),
                cmocka_unit_test(remote_admin_when_asked_for),
                cmocka_unit_test(bounds_of_the_document),
                cmocka_unit_test(missing_file),
        };
        return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
